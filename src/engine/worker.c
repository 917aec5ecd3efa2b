/* worker.c - the loop of one account.
 *
 * Each turn does the one most urgent thing and looks again: quit, what the person waits for (a
 * body, a folder just opened), decisions to carry out, a slice of background work, and when
 * nothing is left it waits in the folder on the screen, or the inbox, until the server, the
 * person or the clock says something. The pieces are in syncs.c, background.c and chores.c. */
#include <poll.h>
#include <stdlib.h>

#include "log.h"
#include "store_uploads.h"
#include "worker.h"

enum {
	LINGER_MAX = 5,			/* times linger_ms, after the first of a
					 * burst of decisions */
	WAIT_MAX_MS = 4 * 60 * 1000,	/* also finds out that a connection is dead */
	GOODBYE_MS = 500,
	DRAIN_END_MS = 200,
	MAX_DROPS = 1			/* a job is tried once more when the
					 * link broke under it */
};

/* ---- what is told ---- */

void
post_folder(struct worker *w, folder_id id, uint32_t n_new)
{
	struct event ev = { .kind = EV_FOLDER, .account = w->account };

	ev.u.folder.id = id;
	ev.u.folder.n_new = n_new;
	events_post(w->events, &ev);
}

void
post_folders(struct worker *w)
{
	struct event ev = { .kind = EV_FOLDERS, .account = w->account };

	events_post(w->events, &ev);
}

void
worker_notice(struct worker *w, const struct error *e)
{
	struct event ev = { .kind = EV_NOTICE, .account = w->account };

	ev.u.notice = *e;
	events_post(w->events, &ev);
	log_msg("%s: notice: %s", w->conf->name, e->text);
}

void
worker_done(struct worker *w, job_id id, enum err code, const struct error *e)
{
	struct event ev = { .kind = EV_DONE, .account = w->account, .job = id };

	if (code != ERR_OK && e)
		ev.u.done = *e;
	ev.u.done.code = code;
	events_post(w->events, &ev);
}

void
worker_wait(struct worker *w, int64_t until_ms)
{
	struct pollfd p = { .fd = w->jobs.wake, .events = POLLIN };
	int64_t until = w->sync_ms && w->sync_ms < until_ms ? w->sync_ms : until_ms;
	int64_t left = until - now_ms();

	if (left > 0)
		poll(&p, 1, left > WAIT_MAX_MS ? WAIT_MAX_MS : (int)left);
}

/* ---- jobs ---- */

void
worker_fail_jobs(struct worker *w, const struct error *why)
{
	struct queued j;
	size_t n = jobs_count(&w->jobs);	/* not those that come because these ended */

	syncs_fail(w, why);
	hunts_fail(w, why);
	while (n-- > 0 && jobs_take(&w->jobs, &j)) {
		if (j.job.kind == JOB_FOCUS)
			/* where to look first, once there is a connection */
			w->focus = j.job.folder;
		struct error e = *why;
		enum err rc = why->code;
		if (j.job.kind == JOB_FETCH && fetch_is_here(w, &j))
			rc = fetch_run(w, &j, &e);
		if (j.job.kind == JOB_SEARCH)
			hunts_offline(w, &j);	/* what is here */
		jobs_ran(&w->jobs);
		worker_done(w, j.id, rc, &e);
	}
}

static enum err
run_focus(struct worker *w, const struct queued *j, struct error *e)
{
	w->focus = j->job.folder;
	if (!w->focus)
		return ERR_OK;
	enum err rc = mirror_sync(w, w->focus, e);
	if (rc == ERR_FOLDER)
		w->focus = 0;
	return rc;
}

static enum err
run_job(struct worker *w, const struct queued *j, bool *is_begun, struct error *e)
{
	switch (j->job.kind) {
	case JOB_FETCH:
		return fetch_run(w, j, e);
	case JOB_FOCUS:
		return run_focus(w, j, e);
	case JOB_FOLDERS:
		return folders_list(w, e);
	case JOB_SYNC:
	case JOB_DOWNLOAD:
		*is_begun = true;
		return syncs_begin(w, j, e);
	case JOB_SEARCH:
		*is_begun = true;
		return hunts_begin(w, j, e);
	}
	return error_set(e, ERR_UNSUPPORTED, "unknown job");
}

/* ERR_OK unless the link is lost. */
static enum err
step_job(struct worker *w, struct queued *j, struct error *e)
{
	bool is_begun = false;
	enum err rc = jobs_superseded(&w->jobs, j) ? ERR_OK : run_job(w, j, &is_begun, e);

	jobs_ran(&w->jobs);
	if (rc == ERR_CONN && j->n_tries++ < MAX_DROPS) {
		jobs_put_back(&w->jobs, j);
		return rc;
	}
	if (rc != ERR_OK || !is_begun)
		worker_done(w, j->id, rc, e);
	return link_is_lost(rc) ? rc : ERR_OK;
}

/* ---- waiting ---- */

static int64_t
wait_until(struct worker *w, bool can_hear)
{
	int64_t until = now_ms() + WAIT_MAX_MS, turn = folders_next_ms(w);
	int64_t poll_ms = (int64_t)w->conf->check_every_s * 1000;

	if (w->rest_ms > now_ms() && w->rest_ms < until)
		until = w->rest_ms;
	else if (turn < until)
		until = turn;
	if (intents_next_ms(w) < until)
		until = intents_next_ms(w);
	if (w->n_syncs > 0 && w->carry_until_ms > now_ms() && w->carry_until_ms < until)
		until = w->carry_until_ms;
	if (!can_hear && poll_ms > 0 && now_ms() + poll_ms < until)
		until = now_ms() + poll_ms;
	if (w->drafts.next_ms > now_ms() && w->drafts.next_ms < until)
		until = w->drafts.next_ms;
	if (until > now_ms() + OPEN_LOOK_MS && store_uploads_due(w->store, w->account) > 0)
		until = now_ms() + OPEN_LOOK_MS;	/* another process is at them */
	return until;
}

static enum err
step_wait(struct worker *w, struct error *e)
{
	struct mirror *m = &w->mirror;
	int what = 0;
	int64_t until = wait_until(w, w->b->caps & CAP_WAIT);

	link_set(w, LINK_ONLINE, NULL);
	if (!m->open.id || w->replay_ms) {
		worker_wait(w, until);
		return ERR_OK;
	}
	int64_t left = until - now_ms();
	enum err rc = w->b->ops->wait(w->b, left > 0 ? (int)left : 0, w->jobs.wake, &what, e);
	if (rc == ERR_OK &&
	    ((what & WAIT_CHANGED) || (!(w->b->caps & CAP_WAIT) && !(what & WAIT_WOKEN))))
		m->is_dirty = true;
	return rc;
}

/* ---- POP3 ---- */

/* Mail that the drain brought: the inbox is looked at. A sync of one folder waited for it. */
static void
take_drained(struct worker *w)
{
	struct arena a = {0};
	struct drain_news news;
	struct folder inbox, changed;
	char *wire = drain_serve(w->drain, store_intents_pending(w->store, w->account) > 0);

	if (wire && store_folder_by_wire(w->store, w->account, wire, &a, &changed)) {
		w->mirror.is_dirty = w->mirror.is_dirty || w->mirror.open.id == changed.id;
		mirror_todo(w, changed.id);
	}
	free(wire);
	drain_news(w->drain, &news);
	uint32_t n_new = w->drained.n_new + news.n_new;
	bool is_new_pass = news.pass != w->drained.pass;
	w->drained = news;
	w->drained.n_new = n_new;
	if (news.n_new > 0 && store_folder_by_role(w->store, w->account, ROLE_INBOX, &a,
	    &inbox)) {
		w->mirror.is_dirty = w->mirror.is_dirty || w->mirror.open.id == inbox.id;
		mirror_todo(w, inbox.id);
	}
	for (size_t i = 0; is_new_pass && i < w->n_syncs; i++) {
		if (w->syncs[i].folder)
			mirror_todo(w, w->syncs[i].folder);
	}
	arena_clear(&a);
}

uint32_t
worker_count_new(struct worker *w, const struct folder *f, uint32_t n_new)
{
	if (!w->drain || f->role != ROLE_INBOX)
		return n_new;
	n_new = w->drained.n_new;
	w->drained.n_new = 0;
	return n_new;
}

/* ---- the loop ---- */

/* Behind everything else, and not so that what happens in the open folder goes unseen. */
static enum err
step_words(struct worker *w, struct error *e)
{
	struct mirror *m = &w->mirror;

	link_set(w, LINK_ONLINE, NULL);
	m->is_dirty = m->is_dirty || now_ms() - m->looked_ms >= OPEN_LOOK_MS;
	return words_step(w, e);
}

static void
take_orders(struct worker *w)
{
	struct orders *o = &w->orders;

	jobs_orders(&w->jobs, o);
	link_orders(w);
	if (w->drain)
		take_drained(w);
	syncs_cancel(w);
	if (o->is_stopping && w->drain)
		drain_stop(w->drain);
	if (o->has_drafts)
		w->drafts.next_ms = 0;
	w->drafts.are_due = w->drafts.are_due || o->are_drafts_due;
	if (o->is_clock_set)
		link_clock(w, o->has_slept);
	if (o->has_neighbour)
		intents_theirs(w);
	if (o->last_act_ms) {
		intents_ours(w);
		w->sync_ms = o->last_act_ms + w->linger_ms;
		if (!w->replay_ms)
			w->replay_latest_ms = o->first_act_ms + LINGER_MAX * w->linger_ms;
		w->replay_ms = o->last_act_ms + w->linger_ms;
		if (w->replay_ms > w->replay_latest_ms)
			w->replay_ms = w->replay_latest_ms;
	}
}

static enum err
step(struct worker *w, struct error *e)
{
	struct queued j;
	bool did = false;
	enum err rc;

	if (jobs_take(&w->jobs, &j))
		return step_job(w, &j, e);
	if (intents_due(w))
		return intents_step(w, e);
	if (now_ms() >= w->rest_ms && ((rc = chores_carry(w, &did, e)) != ERR_OK || did))
		return rc;
	if (now_ms() >= w->rest_ms && ((rc = chores_copy(w, &did, e)) != ERR_OK || did ||
		(rc = chores_upload(w, &did, e)) != ERR_OK || did ||
		(rc = chores_drafts(w, &did, e)) != ERR_OK || did))
		return rc;
	if (now_ms() >= w->rest_ms && ((rc = chores_seek(w, &did, e)) != ERR_OK || did))
		return rc;
	if (w->link.state == LINK_ONLINE && (w->mirror.is_dirty || w->mirror.n_todo))
		link_set(w, LINK_SYNCING, NULL);
	if (now_ms() >= w->rest_ms) {
		rc = background_after(w, background_step(w, &did, e), e);
		if (rc != ERR_OK || did)
			return rc;
	}
	syncs_end_whole(w);
	chores_tidy(w);
	return now_ms() >= w->rest_ms && words_due(w) ? step_words(w, e) : step_wait(w, e);
}

/* What a crash left in the inbox is repaired before anybody looks at it. */
static void
begin_draining(struct worker *w)
{
	struct error e;

	if (!w->drain)
		return;
	if (drain_recover(w->drain, &w->cancel, &e) != ERR_OK)
		worker_notice(w, &e);
	if (drain_start(w->drain, &e) != ERR_OK)
		worker_notice(w, &e);
}

void *
worker_main(void *arg)
{
	struct worker *w = arg;
	static const struct error quitting = { .code = ERR_CANCELLED };

	begin_draining(w);
	for (;;) {
		take_orders(w);
		if (w->orders.is_quitting)
			break;
		chores_make_sure(w);
		if (!w->b) {
			link_step(w);
			continue;
		}
		struct error e = {0};
		enum err rc = step(w, &e);
		if (rc != ERR_OK) {
			e.code = rc;
			syncs_count_drops(w, &e);
			link_lost(w, &e);
		}
	}
	w->sync_ms = w->sync_ms ? 1 : 0;
	chores_make_sure(w);
	worker_fail_jobs(w, &quitting);
	drain_free(w->drain, DRAIN_END_MS);
	w->drain = NULL;
	link_close(w, GOODBYE_MS);
	mirror_clear(w);
	words_clear(w);
	drafts_clear(&w->drafts);
	orders_clear(&w->orders);
	hunts_clear(w);
	free(w->syncs);
	secret_free(w->link.password);
	return NULL;
}
