/* drain.h - bringing new mail from a POP3 server into the account's inbox, an mbox.
 *
 * The other strategy besides the mirror. A drain has a thread of its own, beside the worker of
 * the account, which serves the local mbox files: a server that stalls keeps nobody from
 * reading. Who wants mail asks for a pass; the worker hears of what passes brought through
 * drain_news. doc/pop3.md tells the order of writes. */
#ifndef DUNLIN_ENGINE_DRAIN_H
#define DUNLIN_ENGINE_DRAIN_H

#include <stdatomic.h>

#include "pop3.h"
#include "side.h"

struct drain;

enum err drain_new(struct drain **out, const struct side_config *cfg, struct error *e);
/* Repairs what a crash left in the inbox: before the worker first looks at it, and before
 * drain_start. `cancel` (may be NULL) ends the waiting for another program's lock. */
enum err drain_recover(struct drain *d, const struct cancel *cancel, struct error *e);
enum err drain_start(struct drain *d, struct error *e);
/* Stops after the current message if that takes no longer than polite_ms,
 * joins, frees. NULL is fine. */
void drain_free(struct drain *d, int polite_ms);

/* The number of a pass that looks at the server after this call. */
uint64_t drain_want(struct drain *d);
/* The computer slept: what would have come by itself meanwhile, or is put off, comes now. */
void drain_awake(struct drain *d);
void drain_stop(struct drain *d);	/* the pass under way ends after the current message */
/* those that were wanted and have not begun: nobody waits for them any more */
void drain_unwant(struct drain *d);
void drain_password(struct drain *d, const char *password);	/* NULL: declined */

/* Does what the pass waits for, in the worker's thread; while that is busy with decisions,
 * these first. Owned: the wire name of the folder that changed; NULL. */
char *drain_serve(struct drain *d, bool is_busy);

/* What happened since the last call. */
struct drain_news {
	uint64_t pass;			/* the last that ended; 0: none yet */
	struct error result;		/* its own; code ERR_OK on success */
	uint32_t n_new;			/* messages appended to the inbox */
};
void drain_news(struct drain *d, struct drain_news *out);

/* ---- drain_plan.c: which message of the server is which entry of the ledger. Pure ---- */

struct plan_item {
	struct pop3_msg m;
	struct pop3_entry *entry;	/* NULL: not in the ledger (once is_settled) */
	uint64_t hash;			/* of its header, where wants_hash */
	bool wants_hash;		/* only its header tells; ask for it, set hash */
	bool is_settled;
	bool is_repeated;		/* its UIDL is also another's */
	bool is_probe;			/* known by a name that is its number: asked for
					 * its header alone */
	bool is_fetched;		/* in this session */
	bool is_topless;		/* the server refuses to give its header alone */
};

struct plan {
	struct plan_item *v;
	size_t n;
	struct pop3_entry *entries;	/* the ledger, by uidl */
	size_t n_entries;
	bool *is_taken;			/* of each entry: found on the server */
	bool is_all_new;		/* the ledger knows mail, and nothing listed bears
					 * a name it knows */
	bool is_in_doubt;		/* names tell nothing: set before plan_by_uidl,
					 * which may be called again then */
	bool is_other_peer;		/* so do sizes */
	struct arena arena;
};

/* First by name; then, when those that want it have their hash, the rest. */
void plan_by_uidl(struct plan *p);
void plan_by_hash(struct plan *p);
/* Between the two: the names are numbers that were given anew. */
bool plan_is_renumbered(struct plan *p);
/* Behind both: what is new by its name has the header of one that another was taken for. */
bool plan_is_mixed_up(const struct plan *p);
void plan_clear(struct plan *p);

/* ---- drain_pass.c ---- */

/* What keeps an mbox locked for long: done by the worker, which otherwise would
 * find it locked by ourselves. */
struct errand {
	enum err (*run)(void *arg, struct error *e);
	void *arg;
	const char *path;		/* the file whose messages changed;
					 * NULL: told otherwise */
};

struct drain_pass {
	const struct side_config *cfg;
	struct store *store;
	struct cancel *cancel;
	const char *inbox, *spool_path;
	atomic_bool *stop;		/* no further message */
	const struct cancel *hurry;	/* fired with it: nor is a locked inbox waited
					 * for; may be NULL */
	char *bad;			/* during which message the link broke last time: put
					 * off to the end; owned */
	uint64_t n_done, n_todo;	/* messages, when progress is called */
	void *ctx;
	/* Called as it goes on. */
	void (*listed)(void *ctx);	/* from here on another pass is needed to
					 * see what is new */
	void (*appended)(void *ctx, uint32_t n);
	void (*progress)(void *ctx, uint64_t done, uint64_t total, bool is_bytes);
	void (*notice)(void *ctx, const struct error *e);
	/* Runs it in the thread that works on the files; NULL: in this one. */
	enum err (*errand)(void *ctx, const struct errand *x, struct error *e);
};

/* One session: connect, list, download, delete what may be deleted.
 * ERR_CANCELLED: it was stopped. */
enum err drain_pass_run(struct drain_pass *d, const char *password, struct error *e);
enum err drain_pass_recover(struct drain_pass *d, struct error *e);

#endif
