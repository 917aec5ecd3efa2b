/* neighbours.c - see neighbours.h.
 *
 * A ring is let rest for a moment, since they come in bursts and each costs the reader a look;
 * until then the bell is not listened to, so that a neighbour who fills a large folder wakes
 * nobody more often. Where there can be no bell the store is looked at every few seconds,
 * which costs a read of shared memory. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "log.h"
#include "neighbours.h"
#include "str.h"

enum { MOMENT_MS = 200, LOOK_MS = 5000 };

struct neighbours {
	const struct store *store;
	struct bell *bell;		/* NULL: there can be none */
	int fd, timer;
	bool is_resting;		/* it rang, and the timer runs */
	int64_t version;		/* without a bell: as last looked at */
};

static enum err
watch(struct neighbours *n, int op, int fd, uint32_t events, struct error *e)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(n->fd, op, fd, &ev) < 0
		? error_errno(e, ERR_LOCAL, "cannot watch a descriptor") : ERR_OK;
}

/* once: 0 repeats */
static void
set_timer(struct neighbours *n, int ms, bool once)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	struct itimerspec spec = { .it_value = t };

	if (!once)
		spec.it_interval = t;
	timerfd_settime(n->timer, 0, &spec, NULL);
}

static void
find_bell(struct neighbours *n)
{
	struct error e;

	if (bell_open(&n->bell, n->store, &e) == ERR_OK &&
	    watch(n, EPOLL_CTL_ADD, bell_fd(n->bell), EPOLLIN, &e) == ERR_OK)
		return;
	log_msg("no bell: %s: looking every %d s", e.text, LOOK_MS / 1000);
	bell_close(n->bell);
	n->bell = NULL;
	n->version = store_version(n->store);
	set_timer(n, LOOK_MS, false);
}

enum err
neighbours_new(struct neighbours **out, const struct store *s, const int *others,
	size_t n_others, struct error *e)
{
	struct neighbours *n = xcalloc(1, sizeof *n);

	*out = NULL;
	n->store = s;
	n->fd = epoll_create1(EPOLL_CLOEXEC);
	n->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	enum err rc = n->fd < 0 || n->timer < 0
		? error_errno(e, ERR_LOCAL, "cannot make an epoll descriptor")
		: watch(n, EPOLL_CTL_ADD, n->timer, EPOLLIN, e);
	for (size_t i = 0; i < n_others && rc == ERR_OK; i++) {
		if (others[i] >= 0)
			rc = watch(n, EPOLL_CTL_ADD, others[i], EPOLLIN, e);
	}
	if (rc == ERR_OK) {
		find_bell(n);
		*out = n;
		n = NULL;
	}
	neighbours_free(n);
	return rc;
}

void
neighbours_free(struct neighbours *n)
{
	if (!n)
		return;
	bell_close(n->bell);
	if (n->timer >= 0)
		close(n->timer);
	if (n->fd >= 0)
		close(n->fd);
	free(n);
}

int
neighbours_fd(const struct neighbours *n)
{
	return n->fd;
}

static bool
is_time(struct neighbours *n)
{
	uint64_t expired;

	return read(n->timer, &expired, sizeof expired) == (ssize_t)sizeof expired;
}

static bool
has_moved(struct neighbours *n)
{
	int64_t now = store_version(n->store);
	bool has = now != n->version;

	n->version = now;
	return has;
}

bool
neighbours_heard(struct neighbours *n)
{
	if (!n->bell)
		return is_time(n) && has_moved(n);
	if (!n->is_resting) {
		if (!bell_heard(n->bell))
			return false;
		n->is_resting = true;
		watch(n, EPOLL_CTL_MOD, bell_fd(n->bell), 0, NULL);
		set_timer(n, MOMENT_MS, true);
	}
	if (!is_time(n))
		return false;
	bell_heard(n->bell);
	n->is_resting = false;
	watch(n, EPOLL_CTL_MOD, bell_fd(n->bell), EPOLLIN, NULL);
	return true;
}
