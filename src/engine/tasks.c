/* tasks.c - see tasks.h. A task is told to stop by a flag that it looks at
 * itself: nothing here blocks on a network, and what writes a file must get to
 * the place where it can be left. */
#include <stdlib.h>
#include <string.h>

#include "engine_int.h"
#include "store_outbox.h"
#include "str.h"

enum { TELL_MS = 50 };

void
tasks_init(struct tasks *q, struct events *events, const struct dirs *dirs)
{
	*q = (struct tasks){ .events = events, .data_dir = dirs->data,
		.cache_dir = dirs->cache };
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->changed, NULL);
}

static void
post_done(struct events *events, job_id id, enum err rc, const struct error *e)
{
	struct event ev = { .kind = EV_DONE, .job = id };

	if (e)
		ev.u.done = *e;
	ev.u.done.code = rc;
	events_post(events, &ev);
}

/* ---- the thread ---- */

static enum err
run(struct tasks *q, struct task *t, struct error *e)
{
	if (atomic_load(&t->is_stopped))
		return error_set(e, ERR_CANCELLED, "stopped");
	if (!q->store && store_open(&q->store, q->data_dir, q->cache_dir, STORE_WRITE,
	    e) != ERR_OK)
		return e->code;
	t->store = q->store;
	return t->run(t, e);
}

/* NULL: it is time to end. */
static struct task *
take(struct tasks *q)
{
	pthread_mutex_lock(&q->lock);
	q->running = NULL;
	while (q->n == 0 && !q->is_quitting)
		pthread_cond_wait(&q->changed, &q->lock);
	if (!q->is_quitting) {
		q->running = q->v[0];
		memmove(q->v, q->v + 1, --q->n * sizeof *q->v);
	}
	struct task *t = q->running;
	pthread_mutex_unlock(&q->lock);
	return t;
}

/* Behind this the task is the submitter's again, who may free it. */
static void
give_back(struct tasks *q, struct task *t, enum err rc, const struct error *e)
{
	pthread_mutex_lock(&q->lock);
	q->running = NULL;
	pthread_mutex_unlock(&q->lock);
	post_done(q->events, t->id, rc, e);
}

static void *
tasks_main(void *arg)
{
	struct tasks *q = arg;
	struct task *t;

	while ((t = take(q))) {
		struct error e = { 0 };
		enum err rc = run(q, t, &e);
		give_back(q, t, rc, &e);
	}
	store_close(q->store);
	q->store = NULL;
	return NULL;
}

/* ---- for others ---- */

void
tasks_add(struct tasks *q, struct task *t)
{
	struct error e;
	job_id id = t->id;

	pthread_mutex_lock(&q->lock);
	int failed = q->has_thread ? 0 : pthread_create(&q->thread, NULL, tasks_main, q);
	q->has_thread = !failed;
	if (!failed) {
		q->v = array_grow(q->v, q->n, &q->cap, sizeof(struct task *));
		q->v[q->n++] = t;
		pthread_cond_signal(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
	if (failed) {
		error_set(&e, ERR_LOCAL, "cannot start a thread: %s", strerror(failed));
		post_done(q->events, id, e.code, &e);
	}
}

bool
tasks_cancel(struct tasks *q, job_id id)
{
	bool is_ours = false;

	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < q->n; i++) {
		if (q->v[i]->id == id) {
			atomic_store(&q->v[i]->is_stopped, true);
			is_ours = true;
		}
	}
	if (q->running && q->running->id == id) {
		atomic_store(&q->running->is_stopped, true);
		is_ours = true;
	}
	pthread_mutex_unlock(&q->lock);
	return is_ours;
}

void
tasks_quit(struct tasks *q)
{
	pthread_mutex_lock(&q->lock);
	q->is_quitting = true;
	if (q->running)
		atomic_store(&q->running->is_stopped, true);
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

bool
tasks_join(struct tasks *q, int64_t until_ms)
{
	if (q->has_thread && thread_join_within(q->thread, until_ms - now_ms()))
		q->has_thread = false;
	return !q->has_thread;
}

void
tasks_clear(struct tasks *q)
{
	free(q->v);
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
}

job_id
engine_begin(struct engine *g, struct task *t)
{
	job_id id = ++g->last_job;

	t->engine = g;
	t->id = id;
	atomic_init(&t->is_stopped, false);
	tasks_add(t->waits_for_person ? &g->slow_tasks : &g->tasks, t);
	return id;
}

enum err
engine_run(struct engine *g, struct task *t, struct error *e)
{
	t->engine = g;
	t->store = g->store;
	t->id = 0;
	atomic_init(&t->is_stopped, false);
	return t->run(t, e);
}

/* ---- for tasks ---- */

enum err
task_step(struct task *t, uint64_t done, uint64_t total, struct error *e)
{
	struct event ev = { .kind = EV_PROGRESS, .job = t->id,
		.u.progress = { .done = done, .total = total, .is_bytes = true } };
	int64_t now = now_ms();

	if (atomic_load(&t->is_stopped))
		return error_set(e, ERR_CANCELLED, "stopped");
	if (t->id && now - t->told_ms >= TELL_MS) {
		t->told_ms = now;
		events_post(&t->engine->events, &ev);
	}
	return ERR_OK;
}

enum err
task_send(struct task *t, account_id account, const struct letter *l, int64_t not_before,
	bool is_planned, outbox_id *out, struct error *e)
{
	return engine_put(t->engine, t->store, account, l, not_before, is_planned, out, e);
}
