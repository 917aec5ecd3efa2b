/* resolve.c - name resolution that can be left at any moment.
 *
 * getaddrinfo cannot be interrupted, so it runs in a detached thread. It and whoever waits
 * hold one reference each on the lookup, and the last one frees it: a caller that gives up
 * leaves the thread to end by itself. Numeric addresses need no thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "internal.h"
#include "str.h"

struct lookup {
	pthread_mutex_t lock;
	int n_refs;
	char *host;
	char port[8];
	const struct net_resolver *resolver;
	int done;			/* an eventfd */
	int rc;				/* EAI_ */
	struct addrinfo *list;
};

const struct net_resolver net_resolver_system = { getaddrinfo, freeaddrinfo };

static struct lookup *
lookup_new(const char *host, uint16_t port, const struct net_resolver *r)
{
	struct lookup *l = xcalloc(1, sizeof *l);

	pthread_mutex_init(&l->lock, NULL);
	l->n_refs = 1;
	l->host = xstrdup(host);
	snprintf(l->port, sizeof l->port, "%u", (unsigned)port);
	l->resolver = r;
	l->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return l;
}

static void
lookup_release(struct lookup *l)
{
	pthread_mutex_lock(&l->lock);
	bool is_last = --l->n_refs == 0;
	pthread_mutex_unlock(&l->lock);
	if (!is_last)
		return;
	if (l->list)
		l->resolver->release(l->list);
	if (l->done >= 0)
		close(l->done);
	pthread_mutex_destroy(&l->lock);
	free(l->host);
	free(l);
}

static void *
lookup_run(void *arg)
{
	struct lookup *l = arg;
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	uint64_t one = 1;
	int rc = l->resolver->lookup(l->host, l->port, &hints, &list);

	pthread_mutex_lock(&l->lock);
	l->rc = rc;
	l->list = rc == 0 ? list : NULL;
	pthread_mutex_unlock(&l->lock);
	while (write(l->done, &one, sizeof one) < 0 && errno == EINTR)
		;
	lookup_release(l);
	return NULL;
}

/* Signals are the main thread's: this one blocks them all. */
static bool
lookup_start(struct lookup *l)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;

	l->n_refs++;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	int rc = pthread_create(&thread, &attr, lookup_run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (rc != 0)
		l->n_refs--;
	return rc == 0;
}

static enum err
lookup_wait(struct lookup *l, int64_t until_ms, struct cancel *cancel, struct error *e)
{
	struct pollfd p[] = { { .fd = cancel_fd(cancel), .events = POLLIN },
		{ .fd = l->done, .events = POLLIN } };

	for (;;) {
		int left = net_left_ms(until_ms);
		int got = poll(p, LEN(p), left);
		if (got < 0 && errno != EINTR)
			return error_errno(e, ERR_LOCAL, "cannot wait for the name of '%s'",
				l->host);
		if (got > 0 && p[0].revents)
			return error_set(e, ERR_CANCELLED, "cancelled");
		if (got > 0)
			return ERR_OK;
		if (net_left_ms(until_ms) == 0)
			return error_set(e, ERR_CONN, "looking up '%s' takes too long",
				l->host);
	}
}

/* The families alternate, beginning with that of the first address; within each the
 * resolver's order stays. */
static void
take_addresses(struct net_addrs *out, const struct addrinfo *list)
{
	int family = list ? list->ai_family : 0;
	/* same family, other families */
	const struct addrinfo *next[2] = { list, list };

	out->n = 0;
	for (int turn = 0; out->n < MAX_ADDRS && (next[0] || next[1]); turn ^= 1) {
		const struct addrinfo **at = &next[turn];
		while (*at && ((*at)->ai_family == family) != (turn == 0))
			*at = (*at)->ai_next;
		if (!*at)
			continue;
		if ((*at)->ai_addrlen <= sizeof out->v[0]) {
			memcpy(&out->v[out->n], (*at)->ai_addr, (*at)->ai_addrlen);
			out->len[out->n++] = (*at)->ai_addrlen;
		}
		*at = (*at)->ai_next;
	}
}

static enum err
explain(struct error *e, const char *host, int rc)
{
	if (rc == EAI_NONAME || rc == EAI_NODATA)
		return error_set(e, ERR_CONN, "there is no host '%s'", host);
	return error_set(e, ERR_CONN, "cannot look up '%s': %s", host, gai_strerror(rc));
}

static bool
numeric(struct net_addrs *out, const char *host, uint16_t port)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *list;
	char service[8];

	snprintf(service, sizeof service, "%u", (unsigned)port);
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return false;
	take_addresses(out, list);
	freeaddrinfo(list);
	return true;
}

enum err
resolve_host(struct net_addrs *out, const char *host, uint16_t port,
	const struct net_resolver *r, int64_t until_ms, struct cancel *cancel, struct error *e)
{
	if (numeric(out, host, port))
		return ERR_OK;

	struct lookup *l = lookup_new(host, port, r);
	enum err rc;

	if (l->done < 0 || !lookup_start(l)) {
		rc = error_errno(e, ERR_LOCAL, "cannot start looking up '%s'", host);
		goto out;
	}
	if ((rc = lookup_wait(l, until_ms, cancel, e)) != ERR_OK)
		goto out;
	pthread_mutex_lock(&l->lock);
	int failed = l->rc;
	if (failed == 0)
		take_addresses(out, l->list);
	pthread_mutex_unlock(&l->lock);
	if (failed != 0 || out->n == 0)
		rc = explain(e, host, failed != 0 ? failed : EAI_NONAME);
out:
	lookup_release(l);
	return rc;
}
