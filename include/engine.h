/* engine.h - the workers: one thread an account, which talks to the server, writes the store
 * and posts small events that say what changed and carry no mail.
 *
 * All functions here are for the UI's thread (or a command without UI) and return at once:
 * none waits for the network, none longer than a short local transaction. */
#ifndef DUNLIN_ENGINE_H
#define DUNLIN_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compose.h"
#include "err.h"
#include "path.h"
#include "query.h"
#include "rc.h"
#include "store_outbox.h"
#include "store_uploads.h"

typedef uint64_t job_id;		/* 0: none */
struct engine;

enum event_kind {
	EV_FOLDERS,		/* the account's list of folders, or their counts */
	EV_FOLDER,		/* rows of a folder */
	EV_BODY,		/* a section or the part tree of a message is there */
	EV_PROGRESS,
	EV_STATE,		/* the account's connection */
	EV_NOTICE,		/* something a person must know: a refused action, a
				 * rebuilt mailbox */
	EV_PASSWORD,		/* wanted: answer with engine_password */
	EV_OUTBOX,		/* a message in the outbox, or (id 0) all that
				 * was due was tried */
	EV_STORE,		/* another process has changed something, of whatever account:
				 * read again what is shown */
	EV_DONE			/* a job ended; exactly one a job */
};

enum link_state {
	LINK_OFFLINE, LINK_CONNECTING, LINK_SYNCING, LINK_ONLINE, LINK_NEEDS_PERSON
};

/* Plain data, copied by value. */
struct event {
	enum event_kind kind;
	account_id account;
	job_id job;			/* 0: nobody asked, the server told us */
	union {
		struct { folder_id id; uint32_t n_new; } folder;
		struct { msg_id id; char section[64]; } body;
		struct {
			uint64_t done, total;		/* total 0: unknown */
			bool is_bytes;
			bool is_words;			/* texts are indexed */
			uint32_t n, n_total;		/* messages, beside bytes */
			folder_id folder;
		} progress;
		struct { enum link_state link; int64_t retry_at; struct error why; } state;
		struct {
			outbox_id id;
			enum outbox_state state;
			uint32_t n_sent, n_refused;
		} outbox;
		struct error notice;
		struct error done;	/* code ERR_OK on success */
	} u;
};

enum job_kind {
	JOB_FOCUS,		/* the folder on the screen: opened, kept current, waited in */
	JOB_SYNC,		/* folder, or with folder 0 the whole account, now */
	JOB_FETCH,		/* a section of a message ("" the whole; "TEXT*": header, part
				 * tree and what part_readable chooses, as the pager needs
				 * them) into the store */
	JOB_FOLDERS,		/* the list of folders anew */
	JOB_SEARCH,		/* which messages of a folder have the words in their text:
				 * into search.h, where the answer grows, an EV_FOLDER each
				 * time; over when it is complete */
	JOB_DOWNLOAD		/* the whole of a message with MSG_HEADER_ONLY. It becomes
				 * another one, with another id, in the same folder. Recorded
				 * first: what is not reached comes with a later pass, unless
				 * the job was cancelled */
};

struct job {
	enum job_kind kind;
	account_id account;	/* JOB_SYNC, JOB_FOLDERS */
	folder_id folder;
	msg_id msg;
	char section[64];
	char words[QUERY_BODY_BYTES + 1];	/* JOB_SEARCH */
	bool is_again;				/* JOB_SEARCH: the same was asked for before:
						 * only what came since */
};

/* What a person does to messages. */
enum act_kind {
	ACT_FLAGS, ACT_MOVE, ACT_COPY, ACT_DELETE, ACT_ARCHIVE, ACT_EXPUNGE,
	ACT_FOLDER_CREATE, ACT_FOLDER_RENAME, ACT_FOLDER_DELETE, ACT_EMPTY_TRASH
};
struct act {
	enum act_kind kind;
	uint32_t set, clear;
	account_id account;		/* folder acts; ACT_MOVE and _COPY: whose `dest` is, 0:
					 * the messages' own */
	folder_id folder;
	const char *dest;		/* UTF-8 name as shown (ACT_MOVE, _COPY,
					 * _FOLDER_CREATE, _RENAME) */
	bool is_automatic;		/* nobody pressed a key for it (read because shown):
					 * undo passes over it */
};

/* Opens the store, makes a worker for every account of the rc. The rc and dirs must outlive
 * it. Nothing is connected before engine_start. The account ids are in the order of the rc. */
enum err engine_new(struct engine **out, const struct rc *rc, const struct dirs *dirs,
	struct error *e);
enum err engine_start(struct engine *g, struct error *e);
/* Cancels, says goodbye, joins; takes no longer than timeout_ms. NULL is fine. */
void engine_free(struct engine *g, int timeout_ms);

/* the UI thread's reading handle */
const struct store *engine_store(const struct engine *g);
account_id engine_account(const struct engine *g, size_t rc_index);
const struct rc_account *engine_rc_account(const struct engine *g, account_id id);
/* enum cap of backend.h, as last known */
unsigned engine_caps(const struct engine *g, account_id id);

job_id engine_submit(struct engine *g, const struct job *job);
void engine_cancel(struct engine *g, job_id id);	/* EV_DONE still follows */
/* False: the queue is empty; then a slice (some 10 ms) of what an act on very many
 * messages left to record is done, so call it until it says false, and come back
 * when engine_fd is readable. */
bool engine_next(struct engine *g, struct event *ev);
/* readable when engine_next has something to do */
int engine_fd(const struct engine *g);

/* Records the intents (one group, whatever accounts and folders the messages are in),
 * shows them, wakes the workers. *label gets what was done, for the status line ("3
 * messages deleted"). ACT_DELETE of what already is in Trash is refused with
 * ERR_UNSUPPORTED: ask, then ACT_EXPUNGE. */
enum err engine_act(struct engine *g, const struct act *act, const msg_id *msgs, size_t n,
	char *label, size_t label_size, struct error *e);
enum err engine_undo(struct engine *g, char *label, size_t label_size, struct error *e);

/* ---- sending ---- */

/* Puts a finished message into the account's outbox, due at not_before (undo; 0: at once).
 * It is on disk when this returns (some 10 ms), and goes out by itself. ERR_UNSUPPORTED:
 * the account has no `send`. */
enum err engine_send(struct engine *g, account_id id, const struct letter *l,
	int64_t not_before, outbox_id *out, struct error *e);
/* The same at a time that the person named, which survives every restart. */
enum err engine_send_at(struct engine *g, account_id id, const struct letter *l, int64_t when,
	outbox_id *out, struct error *e);
/* Another time for mail that waits, held or not (store_outbox_when). */
enum err engine_outbox_when(struct engine *g, outbox_id id, int64_t when, struct error *e);
/* What a person may do to mail in the outbox: see store_outbox_hold, _retry, _remove and
 * _believe_sent. Undo of sending is OUTBOX_REMOVE, the bytes having been kept before
 * (store_outbox_bytes); ERR_MSG: it is too late. */
enum outbox_act { OUTBOX_HOLD, OUTBOX_RELEASE, OUTBOX_RETRY, OUTBOX_REMOVE,
	OUTBOX_BELIEVE_SENT };
enum err engine_outbox(struct engine *g, outbox_id id, enum outbox_act act, struct error *e);
/* Something is being sent, or is about to be, at this moment. */
bool engine_is_sending(struct engine *g, account_id id);

/* ---- drafts: their copies in the Drafts folder (doc/composing.md) ---- */

/* A draft of the account of that name was saved (drafts.h, note.account). It is stored in the
 * account's Drafts folder a minute later, or at once with `now`. */
void engine_draft_saved(struct engine *g, const char *account, bool now);
/* A draft that was made of a message in a Drafts folder: that is its copy. */
enum err engine_draft_link(struct engine *g, const struct draft_copy *d, struct error *e);
/* It is to be stored (again), whatever became of its copy. */
enum err engine_draft_keep(struct engine *g, const char *name, struct error *e);
/* Its copy is to go: before the draft itself is removed. */
enum err engine_draft_leave(struct engine *g, const char *name, const char *account,
	struct error *e);

/* A short name of the address book: see people_name. */
enum err engine_short_name(struct engine *g, const char *name, const char *value,
	struct error *e);

/* Answers EV_PASSWORD; NULL: the person does not want to (the account
 * stays offline). Copied, wiped. */
void engine_password(struct engine *g, account_id id, const char *password);
/* A small value of the screen's own, kept over a restart (store_value); NULL: forgotten. A
 * short transaction, without fsync. */
enum err engine_remember(struct engine *g, const char *name, const char *value,
	struct error *e);
/* store_value_raise; as short */
enum err engine_raise(struct engine *g, const char *name, int64_t to, int64_t *was,
	struct error *e);
/* Ends a download that no job asked for behind the message that is coming; it goes on at the
 * next check, or when a job asks. False: the account's mail is not downloaded. */
bool engine_stop_download(struct engine *g, account_id id);
/* Retry now (also after LINK_NEEDS_PERSON). */
void engine_reconnect(struct engine *g, account_id id);

#endif
