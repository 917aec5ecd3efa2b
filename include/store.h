/* store.h - what we know of the mail without asking the network.
 *
 * Two SQLite files in WAL mode. cache/index.db holds what can be fetched again: folders'
 * state, message rows, threads, part trees; bodies are files beside it. data/dunlin.db holds
 * what cannot: identities (account, folder), intents, the undo list, the POP3 ledger, outbox
 * (store_outbox.h), uploads and drafts (store_uploads.h). Deleting the cache directory costs
 * time and nothing else.
 *
 * What is shown is the row as the server last told it, overlaid with what pending intents say;
 * the overlay is kept in data/dunlin.db in the same transaction as the intent, and joined on
 * reading. So one commit records a decision and shows it, and no crash can part them.
 *
 * A handle belongs to one thread at a time; open as many as there are threads. The UI holds a
 * `const struct store *`, so that a write there does not compile. Every function may fail
 * with ERR_LOCAL (disk, database, or a file written by a newer release); those that return a
 * count or a bool log it and return 0 or false. Strings in results go to the arena given.
 * No transaction stays open when a function here returns, but for store_begin. */
#ifndef DUNLIN_STORE_H
#define DUNLIN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "folder.h"
#include "msg.h"
#include "part.h"
#include "uidset.h"

struct store;			/* opaque: src/store/store.c */
enum store_mode { STORE_READ, STORE_WRITE };

/* Opens, and in STORE_WRITE creates or migrates, the store in the two directories (which
 * are made, 0700). STORE_READ on a store that was never written: ERR_LOCAL. A damaged
 * index.db is renamed aside and begun anew (it is a cache); a damaged dunlin.db is an error.
 * On success the caller owns *out; on error *out is NULL and *e says why. */
enum err store_open(struct store **out, const char *data_dir, const char *cache_dir,
	enum store_mode mode, struct error *e);
void store_close(struct store *s);	/* NULL is fine */

/* Makes what was committed so far survive a power cut (fsync of the WAL). Slow: not in the
 * UI's thread. */
enum err store_sync(struct store *s, struct error *e);

/* ---- other processes on the same store (src/store/bell.c) ---- */

/* Whoever has a bell hears it when another process has committed something; what, the store
 * tells. Rings of this process itself are not heard. ERR_LOCAL where there can be none (a file
 * system without sockets): then store_version is what can be looked at. */
struct bell;
enum err bell_open(struct bell **out, const struct store *s, struct error *e);
int bell_fd(const struct bell *b);	/* readable when it rang */
bool bell_heard(struct bell *b);	/* it rang since the last call */
void bell_close(struct bell *b);	/* NULL is fine */
/* Another number when something was committed by other handles than this
 * one, also of this process. */
int64_t store_version(const struct store *s);

/* One transaction over several of the writing calls below, on index.db. A worker commits
 * about a hundred rows at a time, and never across a network call. Other writers wait 5 s at
 * most. A write that fails makes store_commit fail, with nothing of the batch kept. A call
 * that writes dunlin.db (a new folder, UIDVALIDITY, intents, values) commits what was begun,
 * and begins anew behind itself. */
enum err store_begin(struct store *s, struct error *e);
enum err store_commit(struct store *s, struct error *e);
void store_rollback(struct store *s);

/* ---- accounts and folders ---- */

/* finds or makes; 0: error */
account_id store_account(struct store *s, const char *name);
/* owned; NULL: there is none */
char *store_account_name(const struct store *s, account_id id);

/* For a handle that shows what it reads: while thousands of decisions are pending, n_msgs
 * and n_unread of folders may be those of some tenths of a second ago, since they are added
 * up anew whenever something changes. store_counts_due_ms: in how many milliseconds those that
 * were read last want to be read again; -1: they are right. store_counts_are_due: now; told
 * once. */
void store_counts_may_lag(const struct store *s);
int store_counts_due_ms(const struct store *s);
bool store_counts_are_due(const struct store *s);

/* In display order: INBOX, the other roles, then by name; those that are GONE left out. */
size_t store_folders(const struct store *s, account_id account, struct arena *a,
	struct folder **out);
bool store_folder(const struct store *s, folder_id id, struct arena *a, struct folder *out);
bool store_folder_by_wire(const struct store *s, account_id account, const char *wire,
	struct arena *a, struct folder *out);
bool store_folder_by_role(const struct store *s, account_id account, enum folder_role role,
	struct arena *a, struct folder *out);
account_id store_folder_account(const struct store *s, folder_id id);

/* What LIST said of one folder: finds it by account and wire name, or makes it; sets
 * name, delim, role, attrs (GONE is cleared). Keeps the sync state. */
enum err store_folder_put(struct store *s, const struct folder *f, folder_id *id,
	struct error *e);
/* The same of many, in few transactions; ids is n long. */
enum err store_folders_put(struct store *s, const struct folder *v, size_t n, folder_id *ids,
	struct error *e);
/* Those of the account that a complete LIST did not name: marked GONE, rows kept. */
enum err store_folders_keep_only(struct store *s, account_id account, const folder_id *ids,
	size_t n, struct error *e);
enum err store_folder_rename(struct store *s, folder_id id, const char *wire, const char *name,
	struct error *e);

/* uidnext, modseq, n_server, n_server_unread, is_filled, attrs of *f. */
enum err store_folder_state(struct store *s, const struct folder *f, struct error *e);

/* The folder was opened and its UIDVALIDITY is `validity`. The same as before, or
 * the first: *id stays. Another: the folder gets a new id with nothing in it, the
 * old id keeps its intents (each becomes INTENT_REFUSED, "the server rebuilt this
 * mailbox") and loses its rows. */
enum err store_folder_validity(struct store *s, folder_id *id, uint32_t validity,
	struct error *e);

/* ---- messages: writing ---- */

/* Inserts or replaces the row, finds its thread (by References, In-Reply-To, Message-ID,
 * within the account). Flags as the server has them. */
enum err store_msg_put(struct store *s, const struct msg *m, struct error *e);
/* The same for many, in one transaction; quicker than one by one. */
enum err store_msgs_put(struct store *s, const struct msg *v, size_t n, struct error *e);
/* Server flags (MSG_SERVER_FLAGS bits) of a row; unknown rows are ignored. modseq 0: leave. */
enum err store_msg_flags(struct store *s, msg_id id, uint32_t flags, uint64_t modseq,
	struct error *e);
enum err store_msg_attach(struct store *s, msg_id id, bool has_attachment, struct error *e);
/* Rows, threads and bodies of these UIDs go. Ranges may be as wide as a server likes: the
 * cost is what is in the index. */
enum err store_msgs_gone(struct store *s, folder_id folder, const struct uidset *uids,
	struct error *e);

/* ---- messages: reading (as shown: pending intents included) ---- */

/* false: gone or hidden */
bool store_msg(const struct store *s, msg_id id, struct arena *a, struct msg *out);

/* Lists are read by the page, never whole. A place in a list sorted
 * by arrival, newest first: */
struct page_key {
	int64_t arrived;
	msg_id id;
};
/* before the newest, behind the oldest */
extern const struct page_key page_top, page_end;

/* Up to `max` messages of the folders (merged), next to but not at `from`: older ones
 * in list order; with `newer`, those above it, still in list order (newest first). Cost: max,
 * not the folder's size. Returns how many. */
size_t store_page(const struct store *s, const folder_id *folders, size_t n_folders,
	struct page_key from, bool newer, size_t max, struct arena *a, struct msg *out);

/* Threads by their newest message in these folders, paged alike;
 * page_key.id is the thread_id. */
struct thread_head {
	thread_id id;
	int64_t newest;
	uint32_t n_msgs, n_unread;	/* in these folders, as shown */
};
size_t store_threads(const struct store *s, const folder_id *folders, size_t n_folders,
	struct page_key from, bool newer, size_t max, struct thread_head *out);
/* Its messages in these folders, oldest first, at most `max` (the newest are kept). */
size_t store_thread(const struct store *s, const folder_id *folders, size_t n_folders,
	thread_id id, size_t max, struct arena *a, struct msg **out);

/* All UIDs of the folder in the index, hidden ones too (for comparing with the server's). */
enum err store_uids(const struct store *s, folder_id folder, struct uidset *out,
	struct error *e);
/* Adds the highest UIDs up to `hi` in the index, at most n. */
enum err store_uids_to(const struct store *s, folder_id folder, uint32_t hi, uint32_t n,
	struct uidset *out, struct error *e);
uint32_t store_count(const struct store *s, folder_id folder);	/* how many those are */
/* UIDs with flags, upwards from `from`, at most max (for flag comparison in slices). */
struct uid_flags {
	uint32_t uid, flags;		/* the server's, no overlay */
};
size_t store_uid_flags(const struct store *s, folder_id folder, uint32_t from, size_t max,
	struct uid_flags *out);
/* Whether one of the folders, which are of m's account, has a message of its Message-ID. */
bool store_has_copy(const struct store *s, const folder_id *folders, size_t n,
	const struct msg *m);
/* 0: none */
msg_id store_find(const struct store *s, folder_id folder, const char *message_id);

/* ---- bodies ---- */

/* A section as in IMAP: "" the whole message, "HEADER", "1", "2.1", "2.MIME".
 * Files under cache/bodies, named by numbers only; whole or absent. Sections are
 * checked ([0-9A-Z.], 60 bytes). */
struct body_writer;
enum err body_create(struct body_writer **out, struct store *s, msg_id id, const char *section,
	struct error *e);
enum err body_write(struct body_writer *w, const void *p, size_t n, struct error *e);
enum err body_commit(struct body_writer *w, struct error *e);	/* w is gone either way */
void body_abort(struct body_writer *w);				/* NULL is fine */

/* An open descriptor at the start of the section (the caller closes it),
 * and its length; -1: absent. */
int store_body(const struct store *s, msg_id id, const char *section, uint64_t *size_bytes);
/* Whether it is there, and its length (where size_bytes is not NULL), without reading it. */
bool store_has_body(const struct store *s, msg_id id, const char *section,
	uint64_t *size_bytes);
/* The section in memory if it is there and at most `max` long; owned,
 * NUL-terminated; else NULL. */
char *store_body_read(const struct store *s, msg_id id, const char *section, size_t max,
	size_t *len);
enum err store_parts_put(struct store *s, msg_id id, const struct part *root, struct error *e);
/* NULL: not known */
struct part *store_parts(const struct store *s, msg_id id, struct arena *a);
/* Deletes the bodies least recently opened until at most max_bytes are left. */
enum err store_bodies_trim(struct store *s, uint64_t max_bytes, struct error *e);

/* ---- intents: the undo list, the retry list and the offline queue ---- */

enum intent_kind {
	INTENT_FLAGS,		/* set and clear bits */
	INTENT_MOVE,		/* to `dest` */
	INTENT_COPY,
	INTENT_EXPUNGE,		/* for good; cannot be undone once begun */
	INTENT_FOLDER_CREATE,	/* dest */
	INTENT_FOLDER_RENAME,	/* folder to dest */
	INTENT_FOLDER_DELETE	/* folder */
};

enum intent_state {
	INTENT_PENDING,		/* not begun */
	INTENT_RUNNING,		/* handed to the server; after a crash: perhaps done */
	INTENT_DONE,		/* kept for undo */
	INTENT_REFUSED,		/* the server said NO, in its words; nothing is
				 * hidden any more */
	INTENT_UNDONE
};

typedef int64_t intent_id;
typedef int64_t upload_id;
struct upload_file;

struct intent {
	intent_id id;		/* 0 on the way in */
	int64_t group;		/* one keypress; the unit of undo. 0 on the way in: a new
				 * one; else join it */
	account_id account;
	enum intent_kind kind;
	enum intent_state state;
	folder_id folder;	/* where the messages are; one folder an intent */
	const char *source;	/* wire name of `folder`; filled in by the store */
	const char *dest;	/* wire name of the other folder; "" when none */
	account_id to_account;	/* INTENT_MOVE, _COPY: whose `dest` is; 0: the same
				 * account's (carry.c) */
	upload_id carried;	/* it came to stand there by that upload; 0: not */
	uint32_t set, clear;	/* INTENT_FLAGS; clear wins nothing: a bit is in one of them */
	int64_t created;
	uint32_t n_msgs, n_tries;
	uint32_t dest_uidnext;	/* recorded before COPY, so that a crash can be looked
				 * into; 0: unknown */
	intent_id inverse_of;	/* undo of that one; its messages are where
				 * that one put them */
	const char *label;	/* for people: "delete 3 messages"; "": not a person's doing,
				 * undo passes over it */
	const char *error;		/* the server's words; "" */
};

/* Records and shows, in one commit. Called in the UI's thread by the engine: no
 * fsync, some milliseconds. Messages whose state would not change are left out of it;
 * when none is left, *id is 0. */
enum err store_intent_add(struct store *s, const struct intent *in, const msg_id *msgs,
	size_t n, int64_t *group, intent_id *id, struct error *e);

/* A decision about very many messages is recorded whole, but only its first thousand messages,
 * the newest, are hidden or changed at once: the rest is left to this, some hundred a call
 * (some ms), in the thread that records. *more: it wants to be called again; *account: it did
 * something, there and in that folder; 0: not now, since another thread writes. So with undo.
 * A crash leaves what is left for the next start. */
enum err store_later(struct store *s, bool *more, account_id *account, folder_id *folder,
	struct error *e);
/* calls; 0: of all accounts */
uint32_t store_later_left(const struct store *s, account_id account);

/* ---- moves and copies to another account (intents with to_account, a message
 * each; src/store/carry.c) ---- */

struct carry {
	intent_id intent;
	msg_id msg;			/* where it is now; 0: nobody knows */
	account_id to;
	const char *dest, *message_id, *subject;
	uint32_t flags;
	int64_t arrived;
};
/* The oldest of the account that is not fetched yet. */
bool store_carry_next(const struct store *s, account_id account, struct arena *a,
	struct carry *out);
/* Its bytes are here: an upload of the other account now, durably. `f` is gone either way. */
enum err store_carry_add(struct store *s, const struct carry *c, struct upload_file *f,
	struct error *e);
/* It cannot be fetched: it returns to sight, with these words. */
enum err store_carry_refused(struct store *s, intent_id id, const char *why, struct error *e);
/* How many wait, for being fetched or for the other account. */
uint32_t store_carries_left(const struct store *s, account_id account);

/* ---- for who carries out ---- */

/* One process at a time carries out an account's intents: a lock that is held from
 * store_intent_next to the answer, and gone with the process. A descriptor, to be closed; -1:
 * another process is at it. */
int store_intents_claim(const struct store *s, account_id account);

/* What to do next for the account: the oldest pending intent, and behind it all that
 * can go in the same command without overtaking anything (same kind, folder, dest,
 * bits): at most 1,000 messages. first.folder is where they are by now. Marks nothing.
 * False: nothing pending. No UIDs, of an intent on messages: those of an inverse have
 * to be found first (store_intent_messages); of others nothing is left to do but to
 * say so (store_intents_done). */
struct intent_batch {
	struct intent first;
	intent_id *ids;
	size_t n_ids;
	struct uidset uids;
	bool was_running;	/* begun before a crash or a cut: look before doing it again */
};
bool store_intent_next(const struct store *s, account_id account, struct arena *a,
	struct intent_batch *out);
void intent_batch_clear(struct intent_batch *b);

/* The messages of an intent, with what it takes to find them again when a server does not tell
 * where it put them: look in the folder for the Message-ID, from dest_uidnext of the intent up
 * (for an inverse: of the intent that inverse_of names). */
struct intent_msg {
	msg_id origin;		/* as recorded; names the row within the intent */
	msg_id now;		/* where it is by now; 0: moved, and nobody knows the UID */
	msg_id made;		/* where this intent moved or copied it; 0: not, or unknown */
	uint64_t size_bytes;	/* of the row there is where it is now; 0: none */
	int64_t arrived;
	const char *message_id;
};
size_t store_intent_messages(const struct store *s, intent_id id, struct arena *a,
	struct intent_msg **out);
/* Found: that message of the intent is there. The next batch has its UID. */
enum err store_intent_found(struct store *s, intent_id id, msg_id origin, msg_id now,
	struct error *e);

/* Intents of the account that name `dest` name `wire` from now on: a folder that was not
 * listed when they were recorded got the name the server knows it by. */
enum err store_intents_redirect(struct store *s, account_id account, const char *dest,
	const char *wire, struct error *e);

enum err store_intents_running(struct store *s, const struct intent_batch *b,
	uint32_t dest_uidnext, struct error *e);
/* Back to pending, one more try: the server surely did none of it. After a cut in the
 * middle leave it running; it comes again with was_running. One that was undone
 * meanwhile is not tried again. */
enum err store_intents_retry(struct store *s, const struct intent_batch *b, struct error *e);
/* Done: index rows changed (flags) or removed (move, expunge), overlay dropped. `from` and
 * `to`, n_map long, tell where messages went (COPYUID); may be NULL. New rows in the
 * destination are copied from the old when it is a known folder. */
enum err store_intents_done(struct store *s, const struct intent_batch *b,
	const uint32_t *from, const uint32_t *to, size_t n_map, struct error *e);
/* Refused: what was hidden or changed returns; `why` is kept with it. */
enum err store_intents_refused(struct store *s, const struct intent_batch *b, const char *why,
	struct error *e);

/* The same of some messages of the batch, which leave it: an intent is refused when nothing of
 * it is left, else those messages become a refused one of their own, in the same group. */
enum err store_intents_refused_some(struct store *s, struct intent_batch *b,
	const struct uidset *uids, const char *why, struct error *e);
/* The batch is about these messages not yet: they are pending again, in their place, and leave
 * it. False of can_part: somebody undid it meanwhile, or it is an undo itself. */
bool store_intents_can_part(const struct store *s, const struct intent_batch *b);
enum err store_intents_part(struct store *s, struct intent_batch *b, const struct uidset *rest,
	struct error *e);

/* Pending and running ones; 0: of all accounts. Those found running at
 * start are "perhaps done". */
uint32_t store_intents_pending(const struct store *s, account_id account);

/* Undo of the newest group that is neither undone nor refused: pending intents vanish,
 * done or running ones get their inverse recorded, which itself is not undone. `label`
 * says what was undone. ERR_UNSUPPORTED when nothing is left, or it cannot be (expunge;
 * the text says so): the next undo steps over it. What is moved back stays in sight where
 * it is until the server has done it. */
enum err store_undo(struct store *s, char *label, size_t label_size, struct error *e);
/* The undo list, newest first, for a view of it. */
size_t store_intents(const struct store *s, size_t max, struct arena *a, struct intent **out);
/* Forgets done, refused and undone ones older than `before`. */
enum err store_intents_forget(struct store *s, int64_t before, struct error *e);

/* A decision made here moved or copied that message into the folder it is in; told by its id,
 * or where the server does not say where it put it, by its Message-ID. */
bool store_was_moved_here(const struct store *s, const struct msg *m);
/* A person removed or moved that message here, and it is done. */
bool store_was_removed_here(const struct store *s, msg_id msg);

/* ---- the POP3 ledger: what was downloaded, in dunlin.db (doc/pop3.md) ---- */

enum pop3_state {
	POP3_HERE,		/* whole in the mbox, on disk */
	POP3_HEADER,		/* its header alone is in the mbox: it is
				 * larger than max-size */
	POP3_DELETED,		/* here, and the server confirmed that it deleted it */
	POP3_WANTED,		/* as POP3_HEADER, and somebody asked for the whole */
	POP3_FOUND		/* one with its header, but another length, stood in an
				 * mbox when there was no ledger: not downloaded again,
				 * and never deleted */
};

struct pop3_entry {
	int64_t id;		/* 0 on the way in */
	const char *uidl;	/* "" where the server has none that can be used */
	uint64_t hash;		/* of its header, as in struct mbox_msg */
	uint64_t size_bytes;	/* as LIST said */
	enum pop3_state state;
	int64_t fetched, listed;	/* when; when the server last listed it */
};

/* All of the account, those that are coming left out; by uidl. */
size_t store_pop3(const struct store *s, account_id account, struct arena *a,
	struct pop3_entry **out);

/* Records, durably, that these are about to be appended to the mbox, `bytes` of
 * them behind `before`. Their states say what they will be; their ids are filled
 * in. One batch an account. */
enum err store_pop3_begin(struct store *s, account_id account, uint64_t before, uint64_t bytes,
	struct pop3_entry *v, size_t n, struct error *e);
/* Records, durably, what was found to be there already; the ids are filled in. */
enum err store_pop3_learn(struct store *s, account_id account, struct pop3_entry *v, size_t n,
	struct error *e);
/* True: a batch was begun and not ended. */
bool store_pop3_begun(const struct store *s, account_id account, uint64_t *before,
	uint64_t *bytes);
/* They are in the mbox, on disk: durably recorded as here. */
enum err store_pop3_end(struct store *s, account_id account, struct error *e);
/* None of them was appended, and none will be: forgotten. */
enum err store_pop3_abandon(struct store *s, account_id account, struct error *e);

/* State, uidl, size and `listed` of entries that are there, in one transaction. A header stays
 * one: only store_pop3_turn ends that. */
enum err store_pop3_update(struct store *s, const struct pop3_entry *v, size_t n,
	struct error *e);
/* The entry of a message by its header; of several, one that is a header alone, and of the
 * same size before others. `uidl` is not filled in. */
bool store_pop3_find(const struct store *s, account_id account, uint64_t hash,
	uint64_t size_bytes, struct pop3_entry *out);
bool store_pop3_get(const struct store *s, int64_t id, struct pop3_entry *out);
/* From one state to another, durably; `fetched` is set to `when`, unless that is 0. *did
 * false: it was in neither of the two. */
enum err store_pop3_turn(struct store *s, int64_t id, enum pop3_state from, enum pop3_state to,
	int64_t when, bool *did, struct error *e);
/* Forgets those that the server has not listed since `before`. */
enum err store_pop3_forget(struct store *s, account_id account, int64_t before,
	struct error *e);

/* ---- small values ---- */

/* Small values of our own (last folder, sort, histories), in dunlin.db. NULL: none; owned. */
char *store_value(const struct store *s, const char *name);
enum err store_value_put(struct store *s, const char *name, const char *value,
	struct error *e);
/* A value that is a number, and only ever grows: it is `to` at least from now on; *was: what
 * it was, -1: there was none. Of several processes one alone finds it lower. */
enum err store_value_raise(struct store *s, const char *name, int64_t to, int64_t *was,
	struct error *e);

#endif
