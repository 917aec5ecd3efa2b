/* store_outbox.h - the outbox, in dunlin.db. Handles, threads and errors as in store.h.
 *
 * A message is finished bytes, an envelope, and a state for each recipient. What every state
 * promises: QUEUED surely went to none of the recipients that are not RCPT_SENT; SENDING is
 * recorded, durably, before the final dot goes out; so what a crash leaves in SENDING may or
 * may not have gone, and becomes UNSURE, which nobody but the person ends. doc/sending.md has
 * the table of crashes. Who works on a message holds its lock, which the kernel takes back
 * when the process dies. */
#ifndef DUNLIN_STORE_OUTBOX_H
#define DUNLIN_STORE_OUTBOX_H

#include "store.h"

enum outbox_state {
	OUTBOX_QUEUED, OUTBOX_SENDING, OUTBOX_SENT, OUTBOX_UNSURE, OUTBOX_REFUSED
};
enum outbox_rcpt_state { RCPT_WAITING, RCPT_SENDING, RCPT_SENT, RCPT_UNSURE, RCPT_REFUSED };
enum outbox_copy { COPY_NONE, COPY_WANTED, COPY_WAITING, COPY_RUNNING, COPY_DONE };
/* Whether Sent has a mail that is UNSURE: a server that files what it takes tells by that. */
enum outbox_sought {
	SOUGHT_NOT, SOUGHT_ABSENT, SOUGHT_FOUND,
	SOUGHT_AGAIN		/* absent, and to be looked for anew */
};

typedef int64_t outbox_id;

struct outbox_rcpt {
	const char *addr;
	enum outbox_rcpt_state state;
	const char *words;	/* the server's, with its codes; "" none yet */
};

struct outbox_mail {
	outbox_id id;		/* 0 on the way in */
	account_id account;
	enum outbox_state state;
	bool is_held;		/* the person stopped it */
	const char *sender, *message_id, *subject, *to;		/* to: for people */
	bool needs_utf8, needs_8bit;
	/* not_before: undo, or "send later"; seconds since 1970 */
	int64_t created, not_before;
	bool is_planned;	/* a person named not_before */
	int64_t ended;		/* when it was last tried, or sent; 0: never */
	enum outbox_sought sought;
	int64_t sought_at;	/* when Sent was looked into */
	int64_t retry_at;	/* after a failure; 0: none so far */
	uint32_t n_tries;
	uint64_t size_bytes;
	enum outbox_copy copy;	/* on the way in: COPY_WANTED or COPY_NONE */
	const char *error;	/* what went wrong last; "" */
	struct outbox_rcpt *rcpts;
	size_t n_rcpts;
};

/* Durable (fsync) before it returns ERR_OK; some 10 ms. */
enum err store_outbox_add(struct store *s, const struct outbox_mail *m, const void *bytes,
	size_t len, outbox_id *id, struct error *e);
bool store_outbox_get(const struct store *s, outbox_id id, struct arena *a,
	struct outbox_mail *out);
/* Newest first, those that are SENT too, without their recipients. 0: all accounts. */
size_t store_outbox(const struct store *s, account_id account, size_t max, struct arena *a,
	struct outbox_mail **out);
/* owned; NULL: gone */
char *store_outbox_bytes(const struct store *s, outbox_id id, size_t *len);
/* QUEUED and SENDING ones, held or not; those that wait for the person: UNSURE and REFUSED. 0:
 * of all. */
uint32_t store_outbox_waiting(const struct store *s, account_id account);
uint32_t store_outbox_stuck(const struct store *s, account_id account);
/* Of those waiting: held, or planned for a time that has not come. */
uint32_t store_outbox_later(const struct store *s, account_id account);

/* For the person. ERR_MSG: somebody is sending it just now, or its state does not allow it.
 * hold: QUEUED only, released by false. when: QUEUED only, held or not, goes out then. remove:
 * of any state, SENT too, which takes it off the list only; but not while its copy is to be
 * made. Who has a draft of a SENT mail removes that first, or it looks unsent. retry: QUEUED
 * again and due; of UNSURE, those recipients get it again. sent: of UNSURE, the person knows
 * that it arrived; a copy is made unless Sent was found to have one. */
enum err store_outbox_hold(struct store *s, outbox_id id, bool hold, struct error *e);
enum err store_outbox_when(struct store *s, outbox_id id, int64_t when, struct error *e);
enum err store_outbox_remove(struct store *s, outbox_id id, struct error *e);
enum err store_outbox_retry(struct store *s, outbox_id id, struct error *e);
enum err store_outbox_believe_sent(struct store *s, outbox_id id, struct error *e);

/* For who sends. */
struct outbox_lock;
/* The next one of the account that is due at `now` and that nobody else works on; its lock is
 * the caller's until unlock. 0: none, and *due is when the next one will be (0: never). What a
 * crash left in SENDING becomes UNSURE on the way; *n_unsure counts those. */
outbox_id store_outbox_next(struct store *s, account_id account, int64_t now,
	struct outbox_lock **lock, int64_t *due, uint32_t *n_unsure);
/* The same for one mail: false when somebody else has it. */
bool store_outbox_take(struct store *s, outbox_id id, struct outbox_lock **lock);
void store_outbox_unlock(struct outbox_lock *lock);		/* NULL is fine */

/* Other bytes for a mail that is QUEUED and whose lock the caller holds. Durable. */
enum err store_outbox_rewrite(struct store *s, outbox_id id, const void *bytes, size_t len,
	struct error *e);
/* Before the final dot: these recipients (indexes into rcpts) were accepted. Durable. */
enum err store_outbox_sending(struct store *s, outbox_id id, const size_t *accepted, size_t n,
	struct error *e);
/* How it ended, one commit, durable. `rcpts` as store_outbox_get gave them, with states and
 * words set anew; those RCPT_WAITING go again at retry_at. The message's state follows: UNSURE
 * if any is, else QUEUED if any waits, else SENT if any was, else REFUSED. The first one sent
 * makes COPY_WANTED into COPY_WAITING. */
enum err store_outbox_result(struct store *s, outbox_id id, const struct outbox_rcpt *rcpts,
	size_t n,
	int64_t retry_at, const char *error, enum outbox_state *state, struct error *e);
/* All that wait for a retry are due now, and Sent is looked into again for those UNSURE: at
 * start, or when the person says so. */
enum err store_outbox_hurry(struct store *s, account_id account, struct error *e);

/* The next message whose copy is to go to Sent; was_running: look whether it is there. 0:
 * none. Locked as above. */
outbox_id store_outbox_copy_next(struct store *s, account_id account, int64_t now,
	struct outbox_lock **lock, bool *was_running);
/* Copies that are due. */
uint32_t store_outbox_copies(const struct store *s, account_id account);
/* COPY_RUNNING before APPEND, durable; COPY_DONE, or COPY_WAITING again from retry_at on. */
enum err store_outbox_copy(struct store *s, outbox_id id, enum outbox_copy state,
	int64_t retry_at, struct error *e);
/* Forgets those SENT before `before` whose copy is made (500 at a time), but none whose
 * Message-ID is in keep: a draft of it would look unsent. */
enum err store_outbox_forget(struct store *s, int64_t before, const char *const *keep,
	size_t n_keep, struct error *e);
/* Looks for what only a clock that was set back explains, so that no mail waits for years: a
 * wait for undo or a retry (both an hour at most) ends now; what was planned by a clock a day
 * ahead and more is held, and *n_held counts that: what the person meant is not known. */
enum err store_outbox_clock(struct store *s, account_id account, int64_t now, uint32_t *n_held,
	struct error *e);

/* The next mail that is UNSURE and was not yet looked for in Sent; 0: none. Those of which we
 * put a copy there ourselves are passed over: it tells nothing. */
outbox_id store_outbox_seek_next(const struct store *s, account_id account);
uint32_t store_outbox_seeks(const struct store *s, account_id account);
enum err store_outbox_sought(struct store *s, outbox_id id, enum outbox_sought what,
	struct error *e);

#endif
