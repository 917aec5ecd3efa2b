/* connect.c - happy eyeballs (RFC 8305): the next address is tried as soon as one fails, or
 * is 250 ms late; the first that answers wins and the others are closed.
 *
 * So a host whose IPv6 is a black hole costs a quarter of a second and not a timeout. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "internal.h"
#include "str.h"

enum { ATTEMPT_DELAY_MS = 250 };	/* RFC 8305 8 */

/* Attempts under way; p[0] is the cancel, a finished attempt has fd -1. */
struct race {
	const struct net_addrs *addrs;
	struct pollfd p[1 + MAX_ADDRS];
	size_t next;			/* address to start next */
	int64_t next_at_ms;
	int n_running;
	int error;			/* the errno worth telling */
};

/* What says most about the host is told: a refusal, rather than our lack of a route. */
static void
note_error(struct race *r, int error)
{
	bool is_dull = error == ENETUNREACH || error == EHOSTUNREACH ||
		error == EAFNOSUPPORT || error == EADDRNOTAVAIL;

	if (r->error == 0 || !is_dull)
		r->error = error;
}

static void
set_options(int fd)
{
	int on = 1, idle_s = 120, interval_s = 30, count = 4;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static void
start_next(struct race *r)
{
	size_t i = r->next++;
	const struct sockaddr *sa = (const struct sockaddr *)&r->addrs->v[i];
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0) {
		set_options(fd);
		if (connect(fd, sa, r->addrs->len[i]) < 0 && errno != EINPROGRESS &&
		    errno != EINTR) {
			note_error(r, errno);
			close(fd);
			return;
		}
		r->p[1 + i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
		r->n_running++;
		r->next_at_ms = now_ms() + ATTEMPT_DELAY_MS;
	} else {
		note_error(r, errno);
	}
}

/* Looks at the attempts that poll reported. The descriptor of a connected one, else -1. */
static int
reap(struct race *r)
{
	for (size_t i = 1; i <= r->next; i++) {
		int error = 0;
		socklen_t len = sizeof error;
		int fd = r->p[i].fd;
		if (fd < 0 || !r->p[i].revents)
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
			error = errno;
		r->p[i].fd = -1;
		r->n_running--;
		if (error == 0)
			return fd;
		close(fd);
		note_error(r, error);
		r->next_at_ms = 0;
	}
	return -1;
}

static enum err
run(struct race *r, int *fd, const char *where, int64_t until_ms, struct error *e)
{
	while ((*fd = -1)) {
		bool has_next = r->next < r->addrs->n;
		if (has_next && (r->n_running == 0 || now_ms() >= r->next_at_ms)) {
			start_next(r);
			continue;
		}
		if (!has_next && r->n_running == 0) {
			errno = r->error;
			return error_errno(e, ERR_CONN, "cannot connect to %s", where);
		}
		int left = net_left_ms(until_ms);
		int wait = left;
		if (has_next && net_left_ms(r->next_at_ms) < wait)
			wait = net_left_ms(r->next_at_ms);
		int got = poll(r->p, 1 + r->next, wait);
		if (got < 0 && errno != EINTR)
			return error_errno(e, ERR_LOCAL, "cannot wait for %s", where);
		if (got > 0 && r->p[0].revents)
			return error_set(e, ERR_CANCELLED, "cancelled");
		if (got > 0 && (*fd = reap(r)) >= 0)
			return ERR_OK;
		if (net_left_ms(until_ms) == 0)
			return error_set(e, ERR_CONN, "no answer from %s", where);
	}
	return ERR_OK;
}

enum err
connect_any(int *fd, const struct net_addrs *addrs, const char *where, int64_t until_ms,
	struct cancel *cancel, struct error *e)
{
	struct race r = { .addrs = addrs };

	r.p[0] = (struct pollfd){ .fd = cancel_fd(cancel), .events = POLLIN };
	for (size_t i = 1; i < LEN(r.p); i++)
		r.p[i].fd = -1;
	enum err rc = run(&r, fd, where, until_ms, e);
	for (size_t i = 1; i < LEN(r.p); i++) {
		if (r.p[i].fd >= 0)
			close(r.p[i].fd);
	}
	return rc;
}
