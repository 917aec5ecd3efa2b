/* store_uploads.h - uploads, bytes that are to stand in a folder, once; and drafts, whose
 * copies on the server come about so. Handles, threads and errors as in store.h.
 *
 * WANTED, RUNNING before the server hears of it, then DONE, or REFUSED with its words (tried
 * again from retry_at on, or when the person says so). One found RUNNING by whoever holds the
 * claim is what a crash or a cut left: its Message-ID is looked for in the folder, from
 * dest_uidnext on, before it is stored again. The bytes are a file of their own until they are
 * DONE. Any thread with a handle may add; the account's worker carries out
 * (src/engine/uploads.c). doc/store.md */
#ifndef DUNLIN_STORE_UPLOADS_H
#define DUNLIN_STORE_UPLOADS_H

#include "store.h"

enum upload_state { UPLOAD_WANTED, UPLOAD_RUNNING, UPLOAD_DONE, UPLOAD_REFUSED };

/* What follows once it stands there, in the same commit as DONE. */
enum upload_after {
	UPLOAD_ALONE,
	UPLOAD_THEN_EXPUNGE,	/* exactly this message goes for good: an intent, of whichever
				 * account it is in */
	UPLOAD_THEN_DRAFT,	/* it is the server's copy of the draft `name`; the
				 * copy before it goes */
	UPLOAD_THEN_CARRY	/* it came from another account, by the intent after_msg */
};

struct upload {
	upload_id id;			/* 0 on the way in */
	account_id account;
	enum upload_state state;
	enum folder_role role;		/* the folder of that role, made if there is none;
					 * ROLE_NONE: dest */
	const char *dest;		/* as in struct intent: a wire name, or what the
					 * person calls it */
	uint32_t flags;
	int64_t arrived;		/* INTERNALDATE; 0: when it arrives */
	/* of the bytes, no brackets; "": after a cut it is stored again without looking */
	const char *message_id;
	const char *name;		/* what it is a version of: takes the place of
					 * those of the same name that are WANTED or
					 * REFUSED; "": of nothing */
	const char *label;		/* for people: "the draft 'lunch'" */
	uint64_t size_bytes;
	int64_t created, retry_at;
	uint32_t n_tries, dest_uidnext;
	msg_id landed;			/* DONE: where it stands; UID 0: the
					 * server does not say */
	enum upload_after after;
	msg_id after_msg;		/* UPLOAD_THEN_EXPUNGE; _CARRY: the intent_id */
	const char *after_text;		/* its Message-ID, or ""; UPLOAD_THEN_DRAFT: the
					 * stamp of the version */
	const char *error;		/* the server's words; "" */
};

/* The bytes: line ends CRLF, written piece by piece. */
enum err upload_create(struct upload_file **out, struct store *s, struct error *e);
enum err upload_write(struct upload_file *f, const void *p, size_t n, struct error *e);
void upload_abort(struct upload_file *f);			/* NULL is fine */
/* Durable before it returns: fsync of all bytes. `f` is gone either way. */
enum err store_upload_add(struct store *s, const struct upload *u, struct upload_file *f,
	upload_id *id, struct error *e);
bool store_upload(const struct store *s, upload_id id, struct arena *a, struct upload *out);
/* Newest first. 0: of all accounts. */
size_t store_uploads(const struct store *s, account_id account, size_t max, struct arena *a,
	struct upload **out);
/* How many are WANTED or RUNNING, or REFUSED and due again; how many are
 * REFUSED. 0: of all accounts. */
uint32_t store_uploads_due(const struct store *s, account_id account);
uint32_t store_uploads_refused(const struct store *s, account_id account);
/* The one of that name that is not DONE, one that is RUNNING before others. False: none. */
bool store_upload_named(const struct store *s, const char *name, struct arena *a,
	struct upload *out);
/* All REFUSED ones of the account are due now. */
enum err store_uploads_hurry(struct store *s, account_id account, struct error *e);
/* Not wanted any more. ERR_MSG: it is RUNNING or DONE. */
enum err store_upload_drop(struct store *s, upload_id id, struct error *e);

/* For who carries out: as store_intents_claim. */
int store_uploads_claim(const struct store *s, account_id account);
/* The oldest that is due, RUNNING ones first. False: none. */
bool store_upload_next(const struct store *s, account_id account, struct arena *a,
	struct upload *out);
/* its bytes; -1 */
int store_upload_open(const struct store *s, const struct upload *u, struct error *e);
/* Durable. */
enum err store_upload_running(struct store *s, upload_id id, uint32_t dest_uidnext,
	struct error *e);
/* How messages go in this account. */
struct removal {
	bool can_expunge;	/* single ones; else they are marked deleted */
	const char *trash;	/* dest as in struct intent */
};
/* It stands in `wire`. What follows is recorded; *other: the account that has an intent to
 * carry out for it, 0: none. */
enum err store_upload_done(struct store *s, const struct upload *u, const char *wire,
	uint32_t uid, const struct removal *how, account_id *other, struct error *e);
enum err store_upload_refused(struct store *s, upload_id id, const char *why, int64_t retry_at,
	struct error *e);
/* Forgets DONE ones older than `before`, and files that belong to none and are a day old. */
enum err store_uploads_forget(struct store *s, int64_t before, struct error *e);

/* ---- drafts: their copies on the server (doc/composing.md) ---- */

enum draft_state {
	DRAFT_KEPT,		/* stored by itself as it changes */
	DRAFT_APART,		/* somebody else changed or removed the copy: the person
				 * says what is to be */
	DRAFT_LEAVING		/* the copy is to go: the mail is sent, or was thrown away */
};

struct draft_copy {
	const char *name;	/* of the draft, for ever its own (drafts.h) */
	account_id account;
	msg_id msg;		/* the copy; 0: none; UID 0: not known where in that folder */
	const char *message_id;	/* of the copy; "" */
	const char *stamp;	/* of the version that is stored (draft_stamp); "" none */
	int64_t stored;		/* when; 0: never */
	enum draft_state state;
	bool is_richer;		/* another client's, with what is not kept here (HTML): it goes
				 * to Trash, not for good */
};

enum err store_draft_put(struct store *s, const struct draft_copy *d, struct error *e);
enum err store_draft_state(struct store *s, const char *name, enum draft_state state,
	struct error *e);
/* DRAFT_LEAVING, also of a copy that is still to come from an upload under way;
 * one not begun is dropped. */
enum err store_draft_leave(struct store *s, const char *name, account_id account,
	struct error *e);
enum err store_draft_forget(struct store *s, const char *name, account_id account,
	struct error *e);
/* False: there is none. account 0: the first that is. */
bool store_draft(const struct store *s, const char *name, account_id account, struct arena *a,
	struct draft_copy *out);
bool store_draft_by_msg(const struct store *s, msg_id msg, struct arena *a,
	struct draft_copy *out);
size_t store_drafts(const struct store *s, account_id account, struct arena *a,
	struct draft_copy **out);
/* The copy is to go from the server, by an intent; the row stays, without a copy. */
enum err store_draft_remove_copy(struct store *s, const struct draft_copy *d,
	const struct removal *how, struct error *e);

#endif
