/* clock.c - see clock.h.
 *
 * Intervals are measured by a clock that stands still while the computer sleeps and that
 * nobody sets, which is right for pauses and wrong for what was to happen meanwhile: a
 * connection is dead after a night, and a mail that was to go out at eight is due at nine. The
 * kernel cancels a timer of the wall clock when that is set and when the computer wakes
 * (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), so nobody polls. */
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

enum { NAP_MS = 5000 };			/* a sleep that no server has noticed */

static int64_t
read_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
asleep_ms(void)
{
	return read_ms(CLOCK_BOOTTIME) - read_ms(CLOCK_MONOTONIC);
}

/* A year from now: only to be cancelled. */
static int
set_timer(const struct clock_watch *c)
{
	struct itimerspec never = {
		.it_value.tv_sec = read_ms(CLOCK_REALTIME) / 1000 + 365 * 86400L
	};

	return timerfd_settime(c->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never,
		NULL);
}

enum err
clock_watch_init(struct clock_watch *c, struct error *e)
{
	*c = (struct clock_watch){ .fd = timerfd_create(CLOCK_REALTIME,
		TFD_CLOEXEC | TFD_NONBLOCK), .asleep_ms = asleep_ms() };
	if (c->fd >= 0 && set_timer(c) == 0)
		return ERR_OK;
	error_errno(e, ERR_LOCAL, "cannot watch the clock");
	clock_watch_clear(c);
	return ERR_LOCAL;
}

void
clock_watch_clear(struct clock_watch *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

enum clock_news
clock_watch_news(struct clock_watch *c)
{
	uint64_t n;

	if (c->fd < 0 || (read(c->fd, &n, sizeof n) < 0 && errno != ECANCELED))
		return CLOCK_GOES_ON;
	int64_t asleep = asleep_ms(), slept = asleep - c->asleep_ms;
	c->asleep_ms = asleep;
	set_timer(c);
	return slept > NAP_MS ? CLOCK_SLEPT : CLOCK_WAS_SET;
}
