/* interrupt.c - see interrupt.h. */
#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "interrupt.h"

static void *
watch(void *arg)
{
	struct interrupt *i = arg;
	struct signalfd_siginfo info;
	struct pollfd p[] = {
		{ .fd = i->fd, .events = POLLIN },
		{ .fd = cancel_fd(&i->over), .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0)
		;
	if ((p[0].revents & POLLIN) &&
	    read(i->fd, &info, sizeof info) == (ssize_t)sizeof info) {
		i->signo = (int)info.ssi_signo;
		cancel_fire(&i->cancel);
	}
	return NULL;
}

enum err
interrupt_begin(struct interrupt *i, struct error *e)
{
	sigset_t set;

	*i = (struct interrupt){ .cancel = { -1 }, .over = { -1 }, .fd = -1 };
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, &i->before);
	enum err rc = cancel_init(&i->cancel, e);
	if (rc == ERR_OK)
		rc = cancel_init(&i->over, e);
	if (rc != ERR_OK)
		return rc;
	i->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (i->fd < 0 || pthread_create(&i->thread, NULL, watch, i) != 0)
		return error_errno(e, ERR_LOCAL, "cannot watch for signals");
	i->has_thread = true;
	return ERR_OK;
}

int
interrupt_end(struct interrupt *i, int code)
{
	if (i->has_thread) {
		cancel_fire(&i->over);
		pthread_join(i->thread, NULL);
	}
	if (i->fd >= 0)
		close(i->fd);
	cancel_close(&i->cancel);
	cancel_close(&i->over);
	pthread_sigmask(SIG_SETMASK, &i->before, NULL);
	return i->signo ? 128 + i->signo : code;
}
