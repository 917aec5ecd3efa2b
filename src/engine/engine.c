/* engine.c - the public functions: all of them put something into a queue or into the store.
 *
 * Quitting: every worker is asked, and has a third of the time to finish its command and
 * say goodbye; then its connection is cancelled under it. Should one not end even so,
 * the engine is left as it is, not freed: the process is about to end, and memory a
 * thread still uses must stay. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "engine_int.h"
#include "log.h"
#include "people.h"
#include "str.h"

enum { LINGER_MS = 80, SETTLE_MS = 2000, SEND_END_MS = 300, SLICES_MS = 6 };

static struct backend *
make_by_rc(void *ctx, const struct rc *rc, const struct rc_account *a, struct cancel *cancel,
	struct error *e)
{
	return account_backend(rc, a, ctx, cancel, e);
}

/* ---- life ---- */

static void
worker_free(struct worker *w)
{
	if (!w)
		return;
	drain_free(w->drain, 0);
	outboxer_free(w->outboxer, SEND_END_MS);
	store_close(w->store);
	jobs_clear(&w->jobs);
	cancel_close(&w->cancel);
	free(w);
}

static unsigned
remembered_caps(const struct store *s, account_id account)
{
	char name[64];

	snprintf(name, sizeof name, "caps.%u", account);
	char *text = store_value(s, name);
	unsigned caps = text ? (unsigned)strtoul(text, NULL, 10) : ~0u;	/* never seen: hope */
	free(text);
	return caps;
}

static enum err
worker_new(struct worker **out, struct engine *g, const struct rc_account *conf,
	const struct dirs *dirs, const struct backend_maker *maker, struct error *e)
{
	struct worker *w = xcalloc(1, sizeof *w);

	w->engine = g;
	w->data_dir = dirs->data;
	w->drafts.are_due = true;	/* what was left by the last life, or while offline */
	w->rc = g->rc;
	w->conf = conf;
	w->events = &g->events;
	w->maker = *maker;
	w->linger_ms = LINGER_MS;
	w->settle_ms = w->conf->receive.protocol == RC_IMAP ? SETTLE_MS : 0;
	w->cancel.fd = -1;
	enum err rc = jobs_init(&w->jobs, &w->cancel, e);
	if (rc == ERR_OK)
		rc = cancel_init(&w->cancel, e);
	if (rc == ERR_OK && !(w->account = store_account(g->store, conf->name)))
		rc = error_set(e, ERR_LOCAL, "cannot record the account '%s'", conf->name);
	if (rc == ERR_OK)
		rc = store_open(&w->store, dirs->data, dirs->cache, STORE_WRITE, e);
	struct side_config side = { .rc = g->rc, .conf = conf, .account = w->account,
		.data_dir = dirs->data, .cache_dir = dirs->cache, .events = &g->events,
		.jobs = &w->jobs };
	if (rc == ERR_OK && conf->receive.protocol == RC_POP3)
		rc = drain_new(&w->drain, &side, e);
	if (rc == ERR_OK && rc_account_sends(conf))
		rc = outboxer_new(&w->outboxer, &side, e);
	if (rc == ERR_OK) {
		atomic_init(&w->caps, remembered_caps(g->store, w->account));
		*out = w;
		w = NULL;
	}
	worker_free(w);
	return rc;
}

enum err
engine_new_with(struct engine **out, const struct rc *rc, const struct dirs *dirs,
	const struct backend_maker *maker, struct error *e)
{
	struct engine *g = xcalloc(1, sizeof *g);

	*out = NULL;
	g->rc = rc;
	g->workers = xcalloc(rc->n_accounts, sizeof(struct worker *));
	tasks_init(&g->tasks, &g->events, dirs);
	tasks_init(&g->slow_tasks, &g->events, dirs);
	enum err err = events_init(&g->events, e);
	if (err == ERR_OK)
		err = store_open(&g->store, dirs->data, dirs->cache, STORE_WRITE, e);
	if (clock_watch_init(&g->clock, e) != ERR_OK)
		log_msg("clock: %s", e ? e->text : "");
	if (err == ERR_OK)
		err = neighbours_new(&g->neighbours, g->store,
			(int[]){ g->events.fd, g->clock.fd }, 2, e);
	for (size_t i = 0; i < rc->n_accounts && err == ERR_OK; i++) {
		err = worker_new(&g->workers[i], g, &rc->accounts[i], dirs, maker, e);
		g->n_workers += err == ERR_OK;
	}
	if (err == ERR_OK) {
		g->has_later = true;		/* what a crash may have left */
		*out = g;
		g = NULL;
	}
	engine_free(g, 0);
	return err;
}

enum err
engine_new(struct engine **out, const struct rc *rc, const struct dirs *dirs, struct error *e)
{
	struct backend_maker maker = { .ctx = dirs->data, .make = make_by_rc };

	return engine_new_with(out, rc, dirs, &maker, e);
}

enum err
engine_start(struct engine *g, struct error *e)
{
	for (size_t i = 0; i < g->n_workers; i++) {
		struct worker *w = g->workers[i];
		if (w->has_thread)
			continue;
		if (store_intents_pending(g->store, w->account) > 0)
			jobs_acted(&w->jobs);
		int failed = pthread_create(&w->thread, NULL, worker_main, w);
		if (failed)
			return error_set(e, ERR_LOCAL, "cannot start a thread: %s",
				strerror(failed));
		w->has_thread = true;
		enum err rc = w->outboxer ? outboxer_start(w->outboxer, e) : ERR_OK;
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

/* True when all threads have ended. */
static bool
join_within(struct engine *g, int64_t ms)
{
	int64_t until = now_ms() + ms;
	bool all = tasks_join(&g->tasks, until);

	all = tasks_join(&g->slow_tasks, until) && all;
	for (size_t i = 0; i < g->n_workers; i++) {
		struct worker *w = g->workers[i];
		if (w->has_thread && thread_join_within(w->thread, until - now_ms()))
			w->has_thread = false;
		all = all && !w->has_thread;
	}
	return all;
}

void
engine_free(struct engine *g, int timeout_ms)
{
	if (!g)
		return;
	tasks_quit(&g->tasks);
	tasks_quit(&g->slow_tasks);
	for (size_t i = 0; i < g->n_workers; i++) {
		jobs_quit(&g->workers[i]->jobs);
		if (g->workers[i]->outboxer)
			outboxer_quit(g->workers[i]->outboxer);
	}
	if (!join_within(g, timeout_ms / 3)) {
		for (size_t i = 0; i < g->n_workers; i++)
			cancel_fire(&g->workers[i]->cancel);
		if (!join_within(g, timeout_ms - timeout_ms / 3))
			return;
	}
	for (size_t i = 0; i < g->n_workers; i++)
		worker_free(g->workers[i]);
	free(g->workers);
	neighbours_free(g->neighbours);
	clock_watch_clear(&g->clock);
	tasks_clear(&g->tasks);
	tasks_clear(&g->slow_tasks);
	store_close(g->store);
	events_clear(&g->events);
	free(g);
}

/* ---- who is who ---- */

struct worker *
engine_worker(const struct engine *g, account_id id)
{
	for (size_t i = 0; i < g->n_workers; i++) {
		if (g->workers[i]->account == id)
			return g->workers[i];
	}
	return NULL;
}

void
engine_acted(const struct engine *g, account_id account)
{
	struct worker *w = engine_worker(g, account);

	if (w)
		jobs_acted(&w->jobs);
}

const struct store *
engine_store(const struct engine *g)
{
	return g->store;
}

account_id
engine_account(const struct engine *g, size_t rc_index)
{
	return rc_index < g->n_workers ? g->workers[rc_index]->account : 0;
}

const struct rc_account *
engine_rc_account(const struct engine *g, account_id id)
{
	const struct worker *w = engine_worker(g, id);

	return w ? w->conf : NULL;
}

unsigned
engine_caps(const struct engine *g, account_id id)
{
	struct worker *w = engine_worker(g, id);

	return w ? atomic_load(&w->caps) : 0;
}

/* ---- jobs and events ---- */

static account_id
account_of(const struct engine *g, const struct job *job)
{
	bool is_about_one = job->kind == JOB_FETCH || job->kind == JOB_DOWNLOAD;
	folder_id folder = is_about_one ? msg_folder(job->msg) : job->folder;

	return folder ? store_folder_account(g->store, folder) : job->account;
}

job_id
engine_submit(struct engine *g, const struct job *job)
{
	struct worker *w = engine_worker(g, account_of(g, job));
	struct event ev = { .kind = EV_DONE, .job = ++g->last_job };

	if (w) {
		jobs_submit(&w->jobs, ev.job, job);
	} else {
		error_set(&ev.u.done, ERR_FOLDER,
			"there is no such account or folder any more");
		events_post(&g->events, &ev);
	}
	return ev.job;
}

void
engine_cancel(struct engine *g, job_id id)
{
	if (tasks_cancel(&g->tasks, id) || tasks_cancel(&g->slow_tasks, id))
		return;
	for (size_t i = 0; i < g->n_workers && id; i++) {
		if (jobs_cancel(&g->workers[i]->jobs, id)) {
			worker_done(g->workers[i], id, ERR_CANCELLED, NULL);
			return;
		}
	}
}

/* Some of what a decision about very many messages left to do; the event about it brings
 * the caller back for the next one, and keys have their turn between. */
static void
go_on(struct engine *g)
{
	struct event ev = { .kind = EV_FOLDER };
	struct error e;
	int64_t start = now_ms();

	if (!g->has_later)
		return;
	do {
		if (store_later(g->store, &g->has_later, &ev.account, &ev.u.folder.id,
		    &e) != ERR_OK) {
			log_msg("decisions: %s", e.text);
			g->has_later = false;	/* until the next decision, or start */
		}
	} while (g->has_later && ev.account && now_ms() - start < SLICES_MS);
	if (!g->has_later)
		return;
	struct worker *w = engine_worker(g, ev.account);
	if (w)
		jobs_acted(&w->jobs);
	else
		poll(NULL, 0, 1);		/* another thread is writing */
	events_post(&g->events, &ev);
}

/* Another process has changed the store: whoever shows it reads again, and what that process
 * has left to be done, should it end before, is not forgotten. */
static void
look_around(struct engine *g)
{
	struct event ev = { .kind = EV_STORE };

	events_post(&g->events, &ev);
	for (size_t i = 0; i < g->n_workers; i++) {
		struct worker *w = g->workers[i];
		if (store_intents_pending(g->store, w->account) > 0 ||
		    store_uploads_due(g->store, w->account) > 0)
			jobs_neighbour(&w->jobs);
		if (w->outboxer && store_outbox_waiting(g->store, w->account) > 0)
			outboxer_look(w->outboxer);
	}
}

void
engine_clock(struct engine *g, enum clock_news news)
{
	struct event ev = { .kind = EV_STORE };	/* dates are shown relative to now */

	log_msg(news == CLOCK_SLEPT ? "clock: the computer slept" : "clock: it was set");
	events_post(&g->events, &ev);
	for (size_t i = 0; i < g->n_workers; i++) {
		struct worker *w = g->workers[i];
		jobs_clock(&w->jobs, news == CLOCK_SLEPT);
		if (w->outboxer)
			outboxer_look(w->outboxer);
	}
}

bool
engine_next(struct engine *g, struct event *ev)
{
	if (events_next(&g->events, ev))
		return true;
	if (neighbours_heard(g->neighbours))
		look_around(g);
	enum clock_news news = clock_watch_news(&g->clock);
	if (news != CLOCK_GOES_ON)
		engine_clock(g, news);
	go_on(g);
	return false;
}

int
engine_fd(const struct engine *g)
{
	return neighbours_fd(g->neighbours);
}

/* ---- small things ---- */

enum err
engine_short_name(struct engine *g, const char *name, const char *value, struct error *e)
{
	return people_name(g->store, name, value, e);
}

void
engine_password(struct engine *g, account_id id, const char *password)
{
	struct worker *w = engine_worker(g, id);

	if (w)
		jobs_password(&w->jobs, password);
	if (w && w->outboxer && password)
		outboxer_password(w->outboxer, password);
}

enum err
engine_remember(struct engine *g, const char *name, const char *value, struct error *e)
{
	return store_value_put(g->store, name, value, e);
}

enum err
engine_raise(struct engine *g, const char *name, int64_t to, int64_t *was, struct error *e)
{
	return store_value_raise(g->store, name, to, was, e);
}

bool
engine_stop_download(struct engine *g, account_id id)
{
	struct worker *w = engine_worker(g, id);
	bool is_one = w && w->conf->receive.protocol == RC_POP3;

	if (is_one)
		jobs_stop_download(&w->jobs);
	return is_one;
}

void
engine_reconnect(struct engine *g, account_id id)
{
	struct worker *w = engine_worker(g, id);

	if (w)
		jobs_reconnect(&w->jobs);
	if (w && w->outboxer)
		outboxer_wake(w->outboxer);
}
