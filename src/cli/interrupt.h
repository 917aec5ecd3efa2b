/* interrupt.h - SIGINT and SIGTERM as a cancel, for commands without a screen. */
#ifndef DUNLIN_CLI_INTERRUPT_H
#define DUNLIN_CLI_INTERRUPT_H

#include <pthread.h>
#include <signal.h>

#include "cancel.h"

/* A thread of its own waits for the signals, so that nothing has to be a global. */
struct interrupt {
	struct cancel cancel;		/* fired by a signal */
	struct cancel over;		/* ours: the thread is to end */
	pthread_t thread;
	int fd;				/* a signalfd */
	sigset_t before;
	int signo;			/* which came; read after interrupt_end */
	bool has_thread;
};

/* Before any other thread starts: they inherit that the signals are blocked. */
enum err interrupt_begin(struct interrupt *i, struct error *e);
/* The exit code: 128 and the signal if one came, else `code`. */
int interrupt_end(struct interrupt *i, int code);

#endif
