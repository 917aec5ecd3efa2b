/* cancel.h - tells a thread that blocks in poll(2) to stop waiting.
 *
 * Fired from any thread; stays fired, so that a wait begun afterwards ends at once, until
 * its owner clears it. Whoever waits polls cancel_fd for reading and never reads it. */
#ifndef DUNLIN_CANCEL_H
#define DUNLIN_CANCEL_H

#include <stdbool.h>

#include "err.h"

struct cancel {
	int fd;			/* an eventfd, -1 when not open */
};

enum err cancel_init(struct cancel *c, struct error *e);
void cancel_fire(struct cancel *c);
void cancel_reset(struct cancel *c);	/* its owner only */
bool cancel_fired(const struct cancel *c);
int cancel_fd(const struct cancel *c);
void cancel_close(struct cancel *c);	/* one that is not open (fd -1) is fine */

#endif
