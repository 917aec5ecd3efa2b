/* replay.h - one batch of decisions on its way to the server: what intents.c,
 * transfer.c and refusal.c share. */
#ifndef DUNLIN_ENGINE_REPLAY_H
#define DUNLIN_ENGINE_REPLAY_H

#include "worker.h"

/* What the server would not do, and its words about it. */
struct refusal {
	struct uidset uids;
	struct error why;
};

struct replay {
	struct worker *w;
	struct arena arena;
	struct intent_batch b;
	struct folder source;		/* id 0: it has none (folder acts) */
	char *dest;			/* the wire name; NULL: none */
	const char *dest_name;		/* what the person calls it, if it was not
					 * listed; else NULL */
	struct folder_status dest_st;	/* as it is now; zero: not known */
	uint32_t dest_uidnext;		/* as it was before the batch began */
	struct uid_map map;		/* where messages went, as far as is known */
	struct refusal *refusals;	/* of some of it; the rest was done */
	size_t n_refusals;
	struct uidset untried;		/* refused with others, and not tried alone yet:
					 * they stay pending */
	int n_tries;			/* pieces of what was refused */
	int64_t tried_since_ms;
	bool is_waiting;		/* perhaps the server is still at it:
					 * nothing is settled yet */
};

/* Something that is done to messages of the batch. */
typedef enum err (*replay_act)(struct replay *r, const struct uidset *uids, struct error *e);

/* ---- intents.c ---- */
enum err replay_open_source(struct replay *r, struct error *e);
enum err replay_running(struct replay *r, struct error *e);

/* ---- transfer.c: copies and moves ---- */
enum err replay_transfer(struct replay *r, struct error *e);

/* ---- refusal.c ---- */
/* Which messages of the batch are in the open folder. */
enum err replay_find_present(struct replay *r, struct uidset *present, struct error *e);
/* The batch was tried as a whole, with the result rc. When that is a refusal, finds out of
 * which messages: `again` is for those that are left when some went away meanwhile, `act` for
 * pieces. ERR_MSG: all of it is refused; ERR_OK with r->refusals: some. */
enum err replay_after(struct replay *r, enum err rc, replay_act again, replay_act act,
	struct error *e);
void replay_clear(struct replay *r);

#endif
