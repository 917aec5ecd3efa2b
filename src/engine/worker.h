/* worker.h - one account's worker: what its files share. All of it is the worker thread's own
 * but for the fields above the line in struct worker. */
#ifndef DUNLIN_ENGINE_WORKER_H
#define DUNLIN_ENGINE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend.h"
#include "drain.h"
#include "engine.h"
#include "outboxer.h"
#include "queue.h"
#include "search.h"
#include "store.h"

enum {
	OPEN_LOOK_MS = 1000,		/* between looks at the open folder while
					 * there is other work */
	DISK_REST_MS = 30 * 1000	/* after our disk failed */
};

/* Who makes backends: account_backend, or a test's own. */
struct backend_maker {
	void *ctx;
	struct backend *(*make)(void *ctx, const struct rc *rc, const struct rc_account *a,
		struct cancel *cancel, struct error *e);
};

/* The connection (link.c). */
struct link {
	enum link_state state;
	struct error why;
	int64_t retry_ms;		/* monotonic; when to try again */
	int64_t up_ms;			/* connected since */
	int64_t tried_ms;		/* the last attempt */
	int n_failures;			/* since a connection last held for a while */
	int n_refused;			/* logins */
	char *password;			/* for the session; NULL: not known */
	bool is_stale;			/* `password` served an earlier connection */
	bool is_asking;			/* EV_PASSWORD is out */
	bool is_quiet;			/* we dropped it ourselves: nobody is told */
};

/* What of a folder the screen was last told of. */
struct shown {
	bool is_known;
	uint32_t n_msgs, uidnext;
	uint64_t modseq;
};

/* What is still to be fetched of a folder, on this connection. */
struct fill {
	folder_id folder;
	struct uidset missing;
	uint64_t n_missing;
	bool is_listed;			/* `missing` was compared with the server's UIDs */
	bool is_over;
	uint64_t n_known;		/* at the end: rows in the index, if the
					 * server's count differs */
	struct shown shown;
};

/* The IMAP-like strategy: the index mirrors the server (mirror.c, folders.c). */
struct mirror {
	struct arena arena;		/* strings of `open` */
	struct folder open;		/* id 0: none is open */
	struct folder_status st;	/* what the server last said of it */
	bool is_dirty;			/* the open folder may have changed */
	bool is_current;		/* its flags and absences came with the opening */
	int64_t looked_ms;		/* when its changes were last asked for */
	struct fill *fills;
	size_t n_fills, cap_fills;
	int64_t home_ms;		/* when the folder to wait in was last
					 * looked at; 0: never */
	int64_t quickest_ms;		/* that a slice ever took */
	uint32_t slice;			/* messages at a time: what takes about a
					 * quarter of a second */

	bool is_listed;			/* folders were listed on this connection */
	bool has_counts;		/* and the counts came along */
	folder_id *turn;		/* whose counts to ask for, in turns */
	size_t n_turn, i_turn;
	int64_t turn_ms, inbox_ms;	/* when the next round, the next look at
					 * the inbox is due */
	folder_id *todo;		/* to be synced when nothing else is to be done */
	size_t n_todo, cap_todo;
	bool is_turn_next;		/* slices and turns alternate */
};

/* What was refused of a decision so far, of which more is still to be tried (refusal.c). */
struct refused {
	uint64_t n, n_all;
	struct error why;
};

/* A copy or move that was cut off, and when it was last seen to go on (transfer.c). */
struct settle {
	intent_id id;			/* 0: none */
	uint32_t uidnext, n_msgs;	/* of the destination */
	uint64_t n_missing;
	int64_t since_ms;		/* it has been so */
	int pause_ms;			/* to the next look */
};

/* A JOB_SYNC that was begun; it ends when its folder, or everything, is done. */
struct sync_job {
	job_id id;
	folder_id folder;
	uint64_t pass;			/* of the drain, that has to end before; 0: none */
	int64_t wanted;			/* JOB_DOWNLOAD: the entry of the ledger; else 0 */
	int n_drops;
};

/* The texts of mail on their way into the index of words (words.c): planned downwards, some
 * thousand at a time, since a set of a million UIDs is megabytes. */
struct words_folder {
	folder_id id;
	uint32_t next;			/* UIDs from it on are new; 0: nothing
					 * was planned yet */
	uint32_t below;			/* UIDs below it are not planned yet; 0: all are */
	uint64_t n_planned;
	struct uidset todo;
};
struct words {
	struct search *db;		/* NULL: not opened yet */
	bool is_off;			/* there is none, or it failed */
	bool is_full;
	struct words_folder *folders;
	size_t n_folders, cap_folders;
};

/* A JOB_SEARCH that was begun (hunts.c). */
struct hunting {
	job_id id;
	folder_id folder;
	char words[QUERY_BODY_BYTES + 1];
	struct uidset found, todo;	/* todo: the server was not asked about them yet */
	struct uidset all;		/* what it is about */
	uint64_t n_all;
	uint32_t n_slice;
	int64_t looked_ms;
};

/* What is in data/drafts, as it was last looked at (drafts.c). */
struct draft_known;
struct drafts {
	struct draft_known *v;
	size_t n, cap;
	bool are_due;			/* whatever changed is to be stored now, not
					 * only now and then */
	int64_t next_ms;		/* when to look again; 0: now */
};

/* A search that was carried to its end: asked for again, it is about what came since. */
struct hunted {
	folder_id folder;		/* 0: a free place */
	char words[QUERY_BODY_BYTES + 1];
	struct uidset all;
};
enum { MAX_HUNTED = 16 };

struct worker {
	const struct engine *engine;	/* for engine_acted only */
	const struct rc *rc;
	const struct rc_account *conf;
	account_id account;
	const char *data_dir;
	struct events *events;
	struct backend_maker maker;
	struct store *store;		/* this worker's own handle */
	struct cancel cancel;
	struct jobs jobs;
	struct outboxer *outboxer;	/* NULL: the account does not send */
	int linger_ms;			/* decisions come in bursts: replayed so
					 * long after the last */
	int settle_ms;			/* a server that was cut off may go on for so
					 * long, and longer */
	atomic_uint caps;
	pthread_t thread;
	bool has_thread;
	/* ---- the thread's own from here on ---- */
	struct backend *b;		/* NULL: not connected */
	struct link link;
	struct mirror mirror;
	struct orders orders;
	folder_id focus;		/* 0: the inbox */
	struct sync_job *syncs;
	size_t n_syncs, cap_syncs;
	int64_t replay_ms;		/* when intents may be replayed: a moment
					 * after the last key */
	int64_t replay_latest_ms;
	bool is_replaying;		/* what is pending is ours to carry out, */
	int64_t neighbour_ms;		/* else another process's until then; 0:
					 * none is known of */
	struct settle settle;
	struct refused refused;
	int64_t lost_ms;		/* when a connection last broke; 0: none did */
	int64_t sync_ms;		/* when decisions are to be made sure
					 * of; 0: they are */
	struct drafts drafts;
	bool is_tidy;
	uint32_t n_carries;		/* messages that wait for another account, */
	int64_t carry_until_ms;		/* and until when a sync waits with them */
	size_t n_unlisted;		/* folders beyond the limit, as last told */
	folder_id bad;			/* could not be opened: not tried again before */
	int64_t bad_until_ms;
	int64_t rest_ms;		/* no background work before: our disk failed */
	struct words words;
	struct hunting *hunts;
	size_t n_hunts, cap_hunts;
	struct hunted hunted[MAX_HUNTED];
	size_t i_hunted;		/* the next place */
	struct drain *drain;		/* POP3: brings mail into the inbox; else NULL */
	struct drain_news drained;	/* how its last pass ended, and what is not
					 * yet in the index */
};

/* engine.c; any thread: intents were recorded for that account. */
void engine_acted(const struct engine *g, account_id account);

void *worker_main(void *arg);
void worker_done(struct worker *w, job_id id, enum err code, const struct error *e);
void worker_notice(struct worker *w, const struct error *e);
void post_folder(struct worker *w, folder_id id, uint32_t n_new);
void post_folders(struct worker *w);
/* What to tell as new of a folder in which n_new rows are. */
uint32_t worker_count_new(struct worker *w, const struct folder *f, uint32_t n_new);
/* ends every job that waits, for want of a connection */
void worker_fail_jobs(struct worker *w, const struct error *why);
void worker_wait(struct worker *w, int64_t until_ms);	/* or until something is wanted */

/* ---- syncs.c: JOB_SYNC, JOB_DOWNLOAD ---- */
/* ERR_OK: begun, and ends later. */
enum err syncs_begin(struct worker *w, const struct queued *j, struct error *e);
/* ends every one, for want of a connection, or since what they wait
 * for will not come by itself */
void syncs_fail(struct worker *w, const struct error *why);
void syncs_cancel(struct worker *w);	/* those w->orders names */
/* Of that folder; with code ERR_OK not before the pass of the drain that they wait for. */
void syncs_end_of(struct worker *w, folder_id folder, enum err code, const struct error *e);
void syncs_end_whole(struct worker *w);	/* of the account, if nothing is left to be done */
void syncs_count_drops(struct worker *w, const struct error *why);	/* the link broke */

/* ---- background.c ---- */
/* One piece of work; *did: there was one. */
enum err background_step(struct worker *w, bool *did, struct error *e);
/* It came to rc: ERR_OK unless that is the link's. */
enum err background_after(struct worker *w, enum err rc, struct error *e);

/* ---- chores.c: *did: there was something to do; the error is the link's ---- */
enum err chores_copy(struct worker *w, bool *did, struct error *e);	/* of sent mail */
enum err chores_upload(struct worker *w, bool *did, struct error *e);
/* mail that is unsure */
enum err chores_seek(struct worker *w, bool *did, struct error *e);
enum err chores_drafts(struct worker *w, bool *did, struct error *e);
enum err chores_carry(struct worker *w, bool *did, struct error *e);
void chores_make_sure(struct worker *w);	/* of decisions, against a power cut */
void chores_tidy(struct worker *w);		/* once a process */

/* ---- link.c ---- */
/* One step towards a connection; returns when there is one, or something is wanted. */
void link_step(struct worker *w);
/* drops it, connects anew, once */
enum err link_reopen(struct worker *w, struct error *e);
/* The backend said ERR_CONN, ERR_TLS or ERR_CANCELLED. */
void link_lost(struct worker *w, const struct error *why);
void link_set(struct worker *w, enum link_state state, const struct error *why);
void link_orders(struct worker *w);	/* what w->orders says of it */
/* The clock was set; the computer slept. */
void link_clock(struct worker *w, bool has_slept);
void link_close(struct worker *w, int ms);
bool link_is_lost(enum err rc);		/* does that code end the session? */

/* ---- mirror.c, mirror_open.c, mirror_fill.c ---- */
void mirror_forget(struct worker *w);	/* the connection is gone */
void mirror_clear(struct worker *w);
/* Makes it the open folder and takes in what changed, when that came along. When the mailbox
 * was rebuilt meanwhile the open folder is another than asked for: compare mirror.open.id. */
enum err mirror_open(struct worker *w, folder_id id, struct error *e);
/* Opens it, and brings in what is new, changed and gone; of a new folder, the newest page. */
enum err mirror_sync(struct worker *w, folder_id id, struct error *e);
/* Fetches one slice of what is missing in the open folder; *more: there is more. */
enum err mirror_fill(struct worker *w, bool *more, struct error *e);
bool mirror_wants_fill(struct worker *w, folder_id id);
folder_id mirror_home(struct worker *w);	/* the folder to wait in; 0: not known yet */
void mirror_todo(struct worker *w, folder_id id);
bool mirror_todo_has(const struct worker *w, folder_id id);
void mirror_todo_drop(struct worker *w, folder_id id);

/* ---- folders.c ---- */
enum err folders_list(struct worker *w, struct error *e);
/* an inbox, before anything is listed */
enum err folders_first(struct worker *w, struct error *e);
bool folders_turn_due(struct worker *w);
enum err folders_turn(struct worker *w, struct error *e);	/* counts of one folder */
int64_t folders_next_ms(struct worker *w);
bool folder_is_selectable(const struct folder *f);

/* ---- intents.c ---- */
bool intents_due(struct worker *w);
/* when to ask again; INT64_MAX: when told */
int64_t intents_next_ms(const struct worker *w);
void intents_ours(struct worker *w);	/* some were recorded by this process */
void intents_theirs(struct worker *w);	/* another process is at what is pending */
/* one batch; the error is the link's */
enum err intents_step(struct worker *w, struct error *e);

/* ---- drafts.c ---- */
/* Looks at the drafts of this account when it is time, and does one thing about one of them:
 * an upload recorded, a copy to be removed. The error is the link's. */
enum err drafts_step(struct worker *w, bool *did, struct error *e);
void drafts_clear(struct drafts *d);

/* ---- request.c: JOB_DOWNLOAD ---- */
/* Records that the whole message is wanted; *entry of the ledger. */
enum err request_begin(struct worker *w, msg_id id, int64_t *entry, struct error *e);
void request_cancel(struct worker *w, int64_t entry);
/* How it ended, when the pass that it waited for did so with `pass`.
 * ERR_CANCELLED: why was told. */
enum err request_end(struct worker *w, int64_t entry, const struct error *pass,
	struct error *e);

/* ---- carry.c ---- */
/* Fetches one message that is to go to another account. *did: there was one. */
enum err carry_step(struct worker *w, bool *did, struct error *e);

/* ---- fetch.c ---- */
enum err fetch_run(struct worker *w, const struct queued *j, struct error *e);
bool fetch_is_here(struct worker *w, const struct queued *j);	/* needs no server */

/* ---- words.c ---- */
struct search *words_index(struct worker *w);	/* NULL: there is none */
void words_clear(struct worker *w);
/* There is mail to be indexed, and one slice of it; the error is the link's. */
bool words_due(struct worker *w);
enum err words_step(struct worker *w, struct error *e);
enum words_state { WORDS_COMPLETE, WORDS_COMING, WORDS_NEVER };
enum words_state words_state(struct worker *w, folder_id folder);	/* of what is near */
/* what is for reading is in the store now */
void words_fetched(struct worker *w, msg_id id);

/* ---- hunts.c ---- */
/* ERR_OK: begun, and ends later; the first answer is there. */
enum err hunts_begin(struct worker *w, const struct queued *j, struct error *e);
/* the first answer, and no more */
void hunts_offline(struct worker *w, const struct queued *j);
/* the error is the link's */
enum err hunts_step(struct worker *w, bool *did, struct error *e);
folder_id hunts_folder(const struct worker *w);	/* the one being searched; 0: none */
void hunts_cancel(struct worker *w, job_id id);
void hunts_fail(struct worker *w, const struct error *why);
void hunts_clear(struct worker *w);

#endif
