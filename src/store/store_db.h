/* store_db.h - what the files of the store share: the connection, its prepared statements,
 * transactions that write one file only.
 *
 * One connection a handle: dunlin.db is "main", index.db is attached as "ix"; no table name
 * is in both, so that SQL needs no qualifying. SQLite opens the snapshots of a statement in
 * that order, dunlin.db first; since writers change the index first, a reader between never
 * sees a row whose overlay was dropped before the row changed. */
#ifndef DUNLIN_STORE_DB_H
#define DUNLIN_STORE_DB_H

#include <sqlite3.h>

#include "store_uploads.h"
#include "str.h"

enum { WRITER_MS = 5000 };		/* how long one waits for another writer */
enum { N_STATEMENTS = 512 }; /* a power of two, well above the number of call sites */

struct statement {
	const char *sql;		/* the literal's address is the key */
	sqlite3_stmt *st;
};

enum db_file { DB_NONE, DB_DATA, DB_INDEX };

struct db {
	sqlite3 *h;
	struct statement statements[N_STATEMENTS];
	bool is_begun;			/* between store_begin and store_commit */
	bool is_broken;			/* a write between them failed: commit will refuse */
	enum db_file writing;		/* the transaction of one call */
	int failed; /* SQLite's code of the first failed read within a transaction */
	int begin_code;			/* SQLite's, of the last transaction that
					 * could not be begun */
	int n_data_wal_pages;		/* waiting for a checkpoint outside the UI's thread */
	bool is_index_damaged;
	bool is_wal_suspect;		/* an fsync of it failed: what it holds may not be on
					 * disk, and is written again */
	struct shown *shown;		/* shown.c; NULL: not asked for yet */
};

struct store {
	struct db *db; /* behind a pointer: reading through a const store caches statements */
	enum store_mode mode;
	char *data_dir, *cache_dir, *bodies_dir, *bells_dir;
	int bell_fd;			/* to ring with; -1: not yet */
	struct tally *tally;		/* people_count.c */
};

/* ---- store.c ---- */

/* An empty file, 0600, where there is none. One that is there is not opened: closing any
 * descriptor of it would drop the locks that other handles of this process hold on it (fcntl),
 * and the next process to leave would take itself for the last and remove the WAL under us. */
enum err db_make_private(const char *path, struct error *e);
/* One at a time begins a store, repairs it or puts a damaged cache aside. A descriptor,
 * to be closed; -1: no lock. */
int store_lock_opening(const struct store *s);
/* The lock of who carries out `what` for an account, not waited for: a descriptor that holds
 * it until it is closed, -1: another process has it, or there is no file (logged). */
int store_lock_account(const struct store *s, const char *what, account_id account);
/* The random id of dunlin.db, which a cache made for it carries. */
int64_t store_data_id(const struct store *s);

/* ---- bell.c ---- */

void bell_ring(struct store *s);	/* something was committed */

/* ---- db.c ---- */

/* The prepared statement with its parameters bound: types is a letter each, 'i' int64_t, 'u'
 * uint32_t, 's' const char * (which must outlive the stepping; NULL is NULL). sql must be a
 * literal. NULL on error, which is logged; db_row(NULL) is false. */
sqlite3_stmt *db_query(const struct store *s, const char *sql, const char *types, ...);
bool db_row(const struct store *s,
	sqlite3_stmt *st); /* false at the end, or on error; then st is reset */
void db_done(sqlite3_stmt *st);				/* stop reading early; NULL is fine */
/* First column of the first row; 0 when none. */
int64_t db_int(const struct store *s, const char *sql, const char *types, ...);
/* Runs a statement to its end. */
enum err db_run(struct store *s, struct error *e, const char *sql, const char *types, ...);
enum err db_script(struct store *s, const char *sql, struct error *e);
enum err db_fail(const struct store *s, struct error *e); /* ERR_LOCAL with SQLite's words */
const char *db_text(sqlite3_stmt *st, int column, struct arena *a);	/* never NULL */

/* A transaction of one call, on one file. Within store_begin one on the index joins in; one on
 * dunlin.db first commits what was begun, so that no transaction ever writes both. Every
 * tx_open that returned ERR_OK is followed by one tx_close, which rolls back unless rc is
 * ERR_OK. */
enum err tx_open(struct store *s, enum db_file file, struct error *e);
/* The same, but does not wait for another writer: *is_busy, and
 * ERR_OK, with nothing opened. */
enum err tx_try(struct store *s, enum db_file file, bool *is_busy, struct error *e);
enum err tx_close(struct store *s, enum err rc, struct error *e);
/* A reading transaction, so that several statements see one state. */
void snapshot_open(const struct store *s);
void snapshot_close(const struct store *s);

/* ---- schema.c ---- */

enum err schema_migrate(struct store *s, const char *schema, struct error *e);
/* Both files are of this release: for a handle that only reads. */
enum err schema_check(struct store *s, struct error *e);

/* ---- folders.c ---- */

/* what a crash between two files left */
enum err folders_repair(struct store *s, struct error *e);
/* 0: none */
folder_id folder_current(const struct store *s, account_id account, const char *wire);
/* The identity, made when there is none; and the end of one. */
enum err folder_identity(struct store *s, account_id account, const char *wire, folder_id *id,
	struct error *e);
enum err folder_discard(struct store *s, folder_id id, struct error *e);

/* ---- messages.c ---- */

/* The columns that msg_read takes, from "msg m", "head h" and "overlay o". */
#define MSG_COLUMNS \
	"m.id, m.arrived, m.date, m.size, m.modseq, m.flags, m.thread, m.pos, h.from_name, " \
	"h.from_addr, h.to_list, h.cc_list, h.subject, h.message_id, h.in_reply_to, h.refs, " \
	"h.list_id, o.msg, o.set_bits, o.clear_bits "
void msg_read(sqlite3_stmt *st, struct arena *a, struct msg *out);
enum err msg_remove_range(struct store *s, folder_id folder, uint32_t lo, uint32_t hi,
	struct error *e);
/* The row under another id (a copy in another folder), in the same thread. */
enum err msg_copy(struct store *s, msg_id from, msg_id to, struct error *e);

/* ---- threads.c ---- */

enum { MAX_REFERENCES_END = 50 };	/* of the oldest and of the newest each */
uint64_t message_id_hash(account_id account, const char *id, size_t n);
/* References cut to the oldest and newest 50, owned; NULL when they are no more than that. */
char *references_bounded(const char *references);
/* The thread that m belongs to, merging those which it links; `had` is the one it is in.
 * Its References are bounded. */
enum err thread_assign(struct store *s, account_id account, const struct msg *m, thread_id had,
	thread_id *out, struct error *e);

/* ---- bodies.c ---- */

void bodies_drop(struct store *s, folder_id folder, uint32_t lo, uint32_t hi);
void bodies_rename(struct store *s, msg_id from, msg_id to);
void bodies_wipe(const char *dir);

/* ---- overlay.c ---- */

/* Anew from the pending and running intents on it. Within a transaction on dunlin.db. */
enum err overlay_recompute(struct store *s, msg_id id, struct error *e);
/* The same for all messages of an intent. */
enum err overlay_recompute_intent(struct store *s, intent_id id, struct error *e);
/* One more intent behind all others. */
enum err overlay_add(struct store *s, msg_id id, const struct intent *in, struct error *e);

/* ---- shown.c: what pending and running intents change, added up ---- */

struct thread_delta {			/* of what a thread has in one folder */
	thread_id thread;
	folder_id folder;
	uint32_t n_hidden;
	int32_t unread;
};
/* A head whose newest message is hidden: as it is shown, in one folder. */
struct moved_head {
	struct thread_head head;
	folder_id folder;
};

/* Counts from the index become those that are shown. */
void shown_counts(const struct store *s, struct folder *v, size_t n);
/* Threads as they are now, for the two below; within one snapshot. */
void shown_threads(const struct store *s);
/* The head of a thread in a folder, as the index has it, becomes the one that is shown. False:
 * nothing of it is. */
bool shown_head(const struct store *s, folder_id folder, struct thread_head *h);
/* *out: until the next call of shown_threads. */
size_t shown_moved(const struct store *s, const struct moved_head **out);
void shown_free(struct shown *x);

/* ---- intents.c ---- */

#define INTENT_COLUMNS \
	"id, grp, account, kind, state, folder, dest, set_bits, clear_bits, created," \
	" n_msgs, " \
	"n_tries, dest_uidnext, inverse_of, label, error, source, to_account, carried "
void intent_read(sqlite3_stmt *st, struct arena *a, struct intent *out);
/* A new row without messages. */
enum err intent_insert(struct store *s, const struct intent *in, intent_id *id,
	struct error *e);
/* Records that a message is to be removed, for good or to Trash, whether the index has it or
 * not. *account: whose it is, 0: the mailbox is no more. Within a transaction on dunlin.db;
 * nobody's doing, for undo. */
enum err intent_remove(struct store *s, msg_id id, const char *message_id,
	const struct removal *how, bool to_trash, account_id *account, struct error *e);
/* Messages of an intent, in rows of some hundred each, within a transaction on dunlin.db;
 * *first: the first, 0 when nothing would change. in->group is set. */
enum err intent_add_msgs(struct store *s, struct intent *in, const msg_id *msgs, size_t n,
	intent_id *first, struct error *e);
/* Ends all pending and running intents of a folder that is no more. */
enum err intents_refuse_folder(struct store *s, folder_id folder, const char *why,
	struct error *e);

/* ---- draft_copies.c ---- */

/* An upload of a draft stands at `landed`: *former is what was known before. Within a
 * transaction on dunlin.db. */
enum err draft_landed(struct store *s, const struct upload *u, msg_id landed, struct arena *a,
	struct draft_copy *former, struct error *e);

/* ---- carry.c: within a transaction on dunlin.db ---- */

/* An upload with UPLOAD_THEN_CARRY stands there: what follows; or it is
 * refused: the message returns. */
enum err carry_landed(struct store *s, const struct upload *u, msg_id landed,
	const struct removal *how, account_id *other, struct error *e);
enum err carry_refused(struct store *s, upload_id id, const char *why, struct error *e);
/* Undo, before the message went from its account, and after. */
enum err carry_stop(struct store *s, intent_id id, struct error *e);
enum err carry_back(struct store *s, const struct intent *of, int64_t *group,
	const char **why_not, struct error *e);

/* ---- later.c, undo.c: what is not done at once ---- */

enum { LATER_MSGS = 250 };	/* a slice, and an intent of an act on many */
enum later {
	LATER_RECORD,		/* messages that a decision is also about */
	LATER_OVERLAY,		/* of an intent that was undone before it began */
	LATER_INVERT		/* an intent of a group that was undone */
};
/* As intent_add_msgs; of very many the first thousand, and the rest later. */
enum err later_record(struct store *s, struct intent *in, const msg_id *msgs, size_t n,
	intent_id *first, struct error *e);
enum err later_note(struct store *s, enum later what, const struct intent *in, int64_t group,
	struct error *e);
/* what was not recorded yet */
enum err later_drop(struct store *s, int64_t group, struct error *e);
/* The inverse of one intent, in that group. */
enum err undo_one(struct store *s, intent_id id, int64_t group, struct error *e);

#endif
