/* task.h - work of the screen's that takes long: an attachment to be copied,
 * a large message to be built.
 *
 * One thread of the engine's carries tasks out, one after another; it starts with the first.
 * Those that may wait for a person (a passphrase) have another, so that no mail waits. A
 * task is memory of whoever submits it, and the thread's from engine_begin to its EV_DONE.
 * What it shall know of views, drafts or the mailrc is copied into it before; so neither
 * thread ever waits for the other. */
#ifndef DUNLIN_TASK_H
#define DUNLIN_TASK_H

#include <stdatomic.h>

#include "engine.h"
#include "store_outbox.h"

struct task {
	/* In that thread; ends early, with ERR_CANCELLED, when task_step says so. */
	enum err (*run)(struct task *t, struct error *e);
	bool waits_for_person;		/* set before engine_begin */
	/* the engine's, set by engine_begin or engine_run */
	struct engine *engine;
	struct store *store;		/* a handle of that thread's */
	job_id id;			/* 0 with engine_run */
	atomic_bool is_stopped;
	int64_t told_ms;
};

/* Returns at once; EV_DONE says how run ended. engine_cancel stops it: what is
 * queued still, before it began. */
job_id engine_begin(struct engine *g, struct task *t);
/* The same here and now, in the UI's thread: for what is small. */
enum err engine_run(struct engine *g, struct task *t, struct error *e);

/* ---- for run ---- */

/* Between two pieces of work: tells how far it came (an EV_PROGRESS, of bytes, now and
 * then). ERR_CANCELLED: stop. */
enum err task_step(struct task *t, uint64_t done, uint64_t total, struct error *e);
/* engine_send, or with is_planned engine_send_at. */
enum err task_send(struct task *t, account_id account, const struct letter *l,
	int64_t not_before, bool is_planned, outbox_id *out, struct error *e);

#endif
