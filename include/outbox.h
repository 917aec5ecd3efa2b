/* outbox.h - carrying one account's outbox out, and the copies for Sent.
 *
 * Blocking calls, for a thread of their own (engine) or a command without a screen. The
 * states, and what a crash leaves at any point, are in doc/sending.md. */
#ifndef DUNLIN_OUTBOX_H
#define DUNLIN_OUTBOX_H

#include <stdatomic.h>

#include "backend.h"
#include "compose.h"
#include "drafts.h"
#include "rc.h"
#include "smtp.h"
#include "store_outbox.h"
#include "task.h"

/* Now, here, and a word of 128 random bits; token is owned by the caller. */
struct compose_stamp outbox_stamp(void);

/* The draft's bytes: to be sent, or (is_draft) to be kept in a Drafts folder under the note's
 * name. Any thread; `task` (NULL: none) is told how far it came, and stops it. */
enum err outbox_letter(struct letter *out, const char *data_dir, draft_id id,
	const struct note *n, bool is_draft, struct task *task, struct error *e);

/* Puts a letter in, due at not_before (0: at once): a wait for undo, or planned, a time that
 * the person named. Durable when it returns. */
enum err outbox_put(struct store *s, const struct rc_account *a, account_id account,
	const struct letter *l, int64_t not_before, bool is_planned, outbox_id *id,
	struct error *e);

struct outbox_report {
	outbox_id id;
	enum outbox_state state;
	size_t n_sent, n_refused;	/* recipients, by now */
	struct error why;		/* of what is not sent; code ERR_OK: nothing to say */
};

/* One account's way out. Zero but for what is borrowed. */
struct outbox {
	struct store *store;
	const struct rc *rc;
	const struct rc_account *conf;
	account_id account;
	struct cancel *cancel;
	void *ctx;
	/* NULL: nobody listens */
	void (*report)(void *ctx, const struct outbox_report *r);
	/* its own */
	struct sender *sender;
	/* the password for receiving, as the person typed it; NULL: none; owned */
	char *typed;
	atomic_bool is_stopping;	/* set by others: no further message */
};

/* Sends this one, whose lock the caller holds. ERR_OK: *r tells how it ended. Else nothing was
 * handed over, or it is unsure, as *r says, and the connection is gone: ERR_CONN (later),
 * ERR_AUTH, ERR_TLS, ERR_LOCAL (the person). */
enum err outbox_send(struct outbox *o, outbox_id id, struct outbox_report *r, struct error *e);
/* All that is due, one after another, each reported. *due: when the next one will be; 0: none
 * waits. */
enum err outbox_drain(struct outbox *o, int64_t *due, struct error *e);
void outbox_hang_up(struct outbox *o, int ms);

/* Makes one copy that is due in the folder for sent mail; *did: there was one. *where, owned,
 * is that folder's wire name; NULL where nothing was stored. The error is the link's; what the
 * server refuses is in *refusal and tried again later. */
enum err outbox_copy_one(struct store *s, const struct rc_account *a, account_id account,
	struct backend *b, bool *did, char **where, struct error *refusal, struct error *e);

/* Looks for the next mail that is unsure in the folder for sent mail; *id: which it
 * was, 0: none. *told, for people: what was found, where that is news. The error is
 * the link's, or our disk's. */
enum err outbox_seek_one(struct store *s, const struct rc_account *a, account_id account,
	struct backend *b, outbox_id *id, struct error *told, struct error *e);
/* What is known of a mail that is unsure: "found in Sent: it very probably went". */
const char *outbox_sought_text(const struct outbox_mail *m, const struct rc_account *a);

/* Forgets what was sent two weeks ago and more, but no mail that a draft still names. */
enum err outbox_forget(struct store *s, const char *data_dir, struct error *e);

#endif
