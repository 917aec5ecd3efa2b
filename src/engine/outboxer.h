/* outboxer.h - the thread that carries an account's outbox out, beside its worker: sending
 * waits for no sync. */
#ifndef DUNLIN_ENGINE_OUTBOXER_H
#define DUNLIN_ENGINE_OUTBOXER_H

#include "outbox.h"
#include "side.h"

struct outboxer;

enum err outboxer_new(struct outboxer **out, const struct side_config *cfg, struct error *e);
enum err outboxer_start(struct outboxer *x, struct error *e);
/* no further message; the end of this one is waited for by free */
void outboxer_quit(struct outboxer *x);
/* Gives the message under way so long, then its connection is cut. NULL is fine. */
void outboxer_free(struct outboxer *x, int polite_ms);

/* What was typed for receiving serves for sending where the rc has nothing and the user is the
 * same. Copied. */
void outboxer_password(struct outboxer *x, const char *password);
/* There may be something to send, or a reason to try again at once. */
void outboxer_wake(struct outboxer *x);
/* Another process has changed the outbox: what is due may be another. */
void outboxer_look(struct outboxer *x);
/* The network is there again: what could not be sent for want of it is tried now. */
void outboxer_online(struct outboxer *x);
/* It has not yet looked at what was there at the last wake, or is sending. */
bool outboxer_is_busy(struct outboxer *x);

#endif
