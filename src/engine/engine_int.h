/* engine_int.h - the engine's own fields, and a door for tests: another maker of backends. */
#ifndef DUNLIN_ENGINE_INT_H
#define DUNLIN_ENGINE_INT_H

#include "clock.h"
#include "neighbours.h"
#include "store_outbox.h"
#include "tasks.h"
#include "worker.h"

struct engine {
	const struct rc *rc;
	struct store *store;		/* the UI thread's handle */
	struct events events;
	struct neighbours *neighbours;
	struct clock_watch clock;
	struct worker **workers;	/* in the order of the rc */
	size_t n_workers;
	struct tasks tasks, slow_tasks;	/* slow: task->waits_for_person */
	job_id last_job;
	bool is_started;
	bool has_later;			/* a decision is not recorded to its
					 * end (store_later) */
};

enum err engine_new_with(struct engine **out, const struct rc *rc, const struct dirs *dirs,
	const struct backend_maker *maker, struct error *e);
/* engine_send and engine_send_at, through the store of whichever thread asks. */
enum err engine_put(struct engine *g, struct store *s, account_id id, const struct letter *l,
	int64_t not_before, bool is_planned, outbox_id *out, struct error *e);
struct worker *engine_worker(const struct engine *g, account_id id);	/* NULL: none */

/* The clock was set, or the computer slept: whoever waits looks again. */
void engine_clock(struct engine *g, enum clock_news news);

#endif
