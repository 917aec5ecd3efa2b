/* cancel.c - an eventfd that is written once and stays readable. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cancel.h"

enum err
cancel_init(struct cancel *c, struct error *e)
{
	c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->fd < 0 ? error_errno(e, ERR_LOCAL, "cannot make an eventfd") : ERR_OK;
}

void
cancel_fire(struct cancel *c)
{
	uint64_t one = 1;

	while (write(c->fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void
cancel_reset(struct cancel *c)
{
	uint64_t n;

	while (read(c->fd, &n, sizeof n) < 0 && errno == EINTR)
		;
}

bool
cancel_fired(const struct cancel *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int
cancel_fd(const struct cancel *c)
{
	return c->fd;
}

void
cancel_close(struct cancel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
