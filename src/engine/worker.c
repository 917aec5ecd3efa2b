/* worker.c - the loop of one account.
 *
 * Each turn does the one most urgent thing and looks again: quit, what the person waits for (a
 * body, a folder just opened), decisions to carry out, a slice of background work, and when nothing is
 * left it waits in the folder on the screen, or the inbox, until the server, the person or the clock says
 * something. Background work in other folders returns to that folder every second, so that
 * what happens there is seen in time. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "str.h"
#include "uploads.h"
#include "worker.h"

enum {
	LINGER_MAX = 5,			/* times linger_ms, after the first of a burst of decisions */
	LOOK_MS = 1000,			/* between looks at the open folder while it is being filled */
	LOOK_ALL_MS = 30 * 1000,	/* the same where a look costs the flags of all */
	WAIT_MAX_MS = 4 * 60 * 1000,	/* also finds out that a connection is dead */
	REST_MS = 30 * 1000,		/* after our disk failed */
	GOODBYE_MS = 500,
	DRAIN_END_MS = 200,
	CARRY_WAIT_MS = 15 * 1000,	/* a sync waits so long for the other account */
	MAX_DROPS = 1			/* a job is tried once more when the link broke under it */
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

/* ---- JOB_SYNC: begun, then done behind everything else ---- */

static void
end_sync(struct worker *w, size_t i, enum err code, const struct error *e)
{
	worker_done(w, w->syncs[i].id, code, e);
	w->syncs[i] = w->syncs[--w->n_syncs];
}

static void
end_request(struct worker *w, size_t i)
{
	struct error e;
	enum err rc = request_end(w, w->syncs[i].wanted, &w->drained.result, &e);

	end_sync(w, i, rc, &e);
}

/* A sync of a POP3 account is over when its pass is, too; a pass that failed is its failure. */
static void
end_syncs_of(struct worker *w, folder_id folder, enum err code, const struct error *e)
{
	const struct error *drained = &w->drained.result;

	for (size_t i = w->n_syncs; i-- > 0;) {
		if (w->syncs[i].folder != folder || (code == ERR_OK && w->syncs[i].pass > w->drained.pass))
			continue;
		if (code == ERR_OK && w->syncs[i].wanted)
			end_request(w, i);
		else if (code == ERR_OK && w->syncs[i].pass > 0 && drained->code != ERR_OK)
			end_sync(w, i, drained->code, drained);
		else
			end_sync(w, i, code, e);
	}
}

/* The link broke: a sync survives that once. */
static void
count_drops(struct worker *w, const struct error *why)
{
	for (size_t i = w->n_syncs; i-- > 0;) {
		if (w->syncs[i].n_drops++ >= MAX_DROPS)
			end_sync(w, i, why->code, why);
	}
}

void
worker_fail_syncs(struct worker *w, const struct error *why)
{
	for (size_t i = w->n_syncs; i-- > 0;)
		end_sync(w, i, why->code, why);
}

static void
cancel_syncs(struct worker *w)
{
	struct orders *o = &w->orders;

	for (size_t k = 0; k < o->n_cancelled; k++) {
		hunts_cancel(w, o->cancelled[k]);
		for (size_t i = w->n_syncs; i-- > 0;) {
			if (w->syncs[i].id != o->cancelled[k])
				continue;
			if (w->syncs[i].wanted) {
				request_cancel(w, w->syncs[i].wanted);
				drain_stop(w->drain);
			}
			end_sync(w, i, ERR_CANCELLED, NULL);
		}
	}
	if (o->n_cancelled > 0 && w->n_syncs == 0) {
		w->mirror.n_todo = 0;
		if (w->drain)
			drain_stop(w->drain);
	}
	o->n_cancelled = 0;
}

/* Folders that repeat what others hold (all mail, flagged) are left out until somebody opens them. */
static void
plan_everything(struct worker *w)
{
	struct arena a = {0};
	struct folder *f;
	size_t n = store_folders(w->store, w->account, &a, &f);

	for (size_t i = 0; i < n; i++) {
		bool repeats = f[i].role == ROLE_ALL || f[i].role == ROLE_FLAGGED;
		if (folder_is_selectable(&f[i]) && (!repeats || f[i].uidvalidity))
			mirror_todo(w, f[i].id);
	}
	arena_clear(&a);
}

static enum err
begin_sync(struct worker *w, const struct queued *j, struct error *e)
{
	int64_t wanted = 0;

	if (j->job.kind == JOB_DOWNLOAD) {
		enum err rc = request_begin(w, j->job.msg, &wanted, e);
		if (rc != ERR_OK)
			return rc;
	} else if (j->job.folder) {
		mirror_todo(w, j->job.folder);
	} else {
		enum err rc = folders_list(w, e);
		if (rc != ERR_OK)
			return rc;
		plan_everything(w);
		if ((rc = store_uploads_hurry(w->store, w->account, e)) != ERR_OK)
			return rc;
		w->drafts.next_ms = 0;
		w->drafts.are_due = true;
	}
	w->syncs = array_grow(w->syncs, w->n_syncs, &w->cap_syncs, sizeof *w->syncs);
	w->syncs[w->n_syncs++] = (struct sync_job){
		.id = j->id, .folder = wanted ? 0 : j->job.folder, .wanted = wanted,
		.pass = w->drain ? drain_want(w->drain) : 0,
	};
	return ERR_OK;
}

/* ---- jobs ---- */

void
worker_fail_jobs(struct worker *w, const struct error *why)
{
	struct queued j;
	size_t n = jobs_count(&w->jobs);	/* not those that come because these ended */

	worker_fail_syncs(w, why);
	hunts_fail(w, why);
	while (n-- > 0 && jobs_take(&w->jobs, &j)) {
		if (j.job.kind == JOB_FOCUS)
			w->focus = j.job.folder;	/* where to look first, once there is a connection */
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
		return begin_sync(w, j, e);
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

/* ---- background ---- */

static bool
look_is_due(struct worker *w)
{
	struct mirror *m = &w->mirror;
	int64_t pause = w->b->caps & CAP_DELTA ? LOOK_MS : LOOK_ALL_MS;

	return m->is_dirty || now_ms() - m->looked_ms >= pause;
}

/* The end of a folder's turn on the list of things to do. */
static void
todo_over(struct worker *w, folder_id id, enum err code, const struct error *e)
{
	mirror_todo_drop(w, id);
	end_syncs_of(w, id, code, e);
}

static enum err
step_todo(struct worker *w, struct error *e)
{
	struct mirror *m = &w->mirror;
	folder_id id = m->todo[0];
	int64_t until = now_ms() + LOOK_MS;
	bool more = true;
	enum err rc = mirror_sync(w, id, e);

	id = m->n_todo ? m->todo[0] : id;	/* another one if the mailbox was rebuilt */
	while (rc == ERR_OK && (more = mirror_wants_fill(w, id)) && now_ms() < until &&
	    jobs_count(&w->jobs) == 0 && !jobs_quitting(&w->jobs))
		rc = mirror_fill(w, &more, e);
	if (rc == ERR_OK && !mirror_wants_fill(w, id))
		todo_over(w, id, ERR_OK, NULL);
	if (rc != ERR_FOLDER && rc != ERR_MSG && rc != ERR_UNSUPPORTED)
		return rc;
	todo_over(w, id, rc, e);		/* whoever asked for it is told */
	return ERR_OK;
}

/* Is it time to be in the folder that is waited in? From elsewhere one comes back when nothing is
 * left to do there, or when it was not looked at for a second. */
static bool
home_is_due(struct worker *w, folder_id home)
{
	struct mirror *m = &w->mirror;

	if (!home)
		return false;
	if (m->open.id == home)
		return m->is_dirty;
	return now_ms() - m->home_ms >= LOOK_MS || (m->n_todo == 0 && !folders_turn_due(w));
}

static enum err
go_home(struct worker *w, folder_id home, struct error *e)
{
	enum err rc = mirror_sync(w, home, e);

	w->mirror.home_ms = now_ms();
	return rc;
}

/* One piece of work, the most useful first. *did: there was one. */
static enum err
step_background(struct worker *w, bool *did, struct error *e)
{
	struct mirror *m = &w->mirror;
	folder_id home = mirror_home(w);
	bool more;

	*did = true;
	if (!home && !m->is_listed && !w->bad)
		return folders_first(w, e);
	if (home_is_due(w, home))
		return go_home(w, home, e);
	if (!m->is_listed)
		return folders_list(w, e);
	enum err rc = hunts_step(w, did, e);
	if (rc != ERR_OK || *did)
		return rc;
	*did = true;
	m->is_turn_next = !m->is_turn_next;
	if (m->is_turn_next && folders_turn_due(w))
		return folders_turn(w, e);
	if (home && mirror_wants_fill(w, home))
		return look_is_due(w) ? go_home(w, home, e) : mirror_fill(w, &more, e);
	if (folders_turn_due(w))
		return folders_turn(w, e);
	if (m->n_todo > 0)
		return step_todo(w, e);
	*did = false;
	return ERR_OK;
}

/* A failure that is not the link's costs what failed, not the rest. */
static enum err
after_background(struct worker *w, enum err rc, struct error *e)
{
	if (rc == ERR_OK || link_is_lost(rc))
		return rc;
	worker_notice(w, e);
	if (rc == ERR_LOCAL) {
		w->rest_ms = now_ms() + REST_MS;
		worker_fail_syncs(w, e);
	} else {				/* the folder to wait in: elsewhere for a while */
		w->bad = mirror_home(w);
		w->bad_until_ms = now_ms() + REST_MS;
		if (w->bad == w->focus)
			w->focus = 0;
	}
	return ERR_OK;
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
	if (w->replay_ms && w->replay_ms < until)
		until = w->replay_ms;
	if (w->n_syncs > 0 && w->carry_until_ms > now_ms() && w->carry_until_ms < until)
		until = w->carry_until_ms;
	if (!can_hear && poll_ms > 0 && now_ms() + poll_ms < until)
		until = now_ms() + poll_ms;
	if (w->drafts.next_ms > now_ms() && w->drafts.next_ms < until)
		until = w->drafts.next_ms;
	if (until > now_ms() + LOOK_MS && store_uploads_due(w->store, w->account) > 0)
		until = now_ms() + LOOK_MS;	/* another process is at them */
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
	if (rc == ERR_OK && ((what & WAIT_CHANGED) ||
	    (!(w->b->caps & CAP_WAIT) && !(what & WAIT_WOKEN))))
		m->is_dirty = true;
	return rc;
}

/* Decisions are left, and not only such as wait for another account that does not answer. */
static bool
still_waits(struct worker *w)
{
	uint32_t n = store_carries_left(w->store, w->account);

	if (store_intents_pending(w->store, w->account) > n)
		return true;
	if (!w->carry_until_ms || n != w->n_carries)
		w->carry_until_ms = now_ms() + CARRY_WAIT_MS;
	w->n_carries = n;
	return now_ms() < w->carry_until_ms;
}

/* A whole account is in step when nothing is left to be fetched and nothing to be carried out. */
static void
end_whole_syncs(struct worker *w)
{
	if (w->n_syncs > 0 && w->mirror.n_todo == 0 &&
	    (store_intents_pending(w->store, w->account) == 0 || !still_waits(w)) &&
	    store_uploads_due(w->store, w->account) == 0)
		end_syncs_of(w, 0, ERR_OK, NULL);
}

/* ---- the store's own needs ---- */

/* The UI's thread commits decisions without fsync; against a power cut they are made sure of here, once
 * a burst. */
static void
make_sure(struct worker *w)
{
	struct error e;

	if (!w->sync_ms || now_ms() < w->sync_ms)
		return;
	w->sync_ms = 0;
	if (store_sync(w->store, &e) != ERR_OK)
		worker_notice(w, &e);
}

/* Once a process, when nothing else is to be done: bodies beyond the room they are given, and
 * the undo list of last month. */
static void
tidy(struct worker *w)
{
	struct error e;
	int64_t month_s = 30 * 24 * 3600;

	if (w->is_tidy)
		return;
	w->is_tidy = true;
	if ((w->rc->cache_mb > 0 &&
	    store_bodies_trim(w->store, (uint64_t)w->rc->cache_mb << 20, &e) != ERR_OK) ||
	    store_intents_forget(w->store, time(NULL) - month_s, &e) != ERR_OK ||
	    store_uploads_forget(w->store, time(NULL) - month_s, &e) != ERR_OK)
		log_msg("%s: %s", w->conf->name, e.text);
}

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
	if (news.n_new > 0 && store_folder_by_role(w->store, w->account, ROLE_INBOX, &a, &inbox)) {
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

/* ---- copies of what was sent ---- */

/* *did: there was one to make. What the server refuses is told, and tried again later. */
static enum err
step_copy(struct worker *w, bool *did, struct error *e)
{
	struct arena a = {0};
	struct error refusal;
	struct folder f;
	char *where;
	enum err rc = outbox_copy_one(w->store, w->conf, w->account, w->b, did, &where, &refusal, e);

	if (refusal.code != ERR_OK)
		worker_notice(w, &refusal);
	if (*did)
		w->mirror.is_dirty = true;	/* looking elsewhere may have closed what was open */
	if (where && store_folder_by_wire(w->store, w->account, where, &a, &f) && f.uidvalidity)
		mirror_todo(w, f.id);
	free(where);
	arena_clear(&a);
	if (rc == ERR_LOCAL) {			/* our disk: not at once again */
		worker_notice(w, e);
		w->rest_ms = now_ms() + REST_MS;
		return ERR_OK;
	}
	return rc;
}

/* ---- uploads ---- */

/* What came to stand in a folder: its rows come by a sync, after a list if the folder is new. */
static enum err
look_where_it_stands(struct worker *w, const char *wire, struct error *e)
{
	struct arena a = {0};
	struct folder f;
	bool is_listed = store_folder_by_wire(w->store, w->account, wire, &a, &f) &&
		!(f.attrs & FOLDER_GONE);
	enum err rc = is_listed ? ERR_OK : folders_list(w, e);

	if (rc == ERR_OK && store_folder_by_wire(w->store, w->account, wire, &a, &f))
		mirror_todo(w, f.id);
	arena_clear(&a);
	return rc;
}

static enum err
step_upload(struct worker *w, bool *did, struct error *e)
{
	struct uploads x = { w->store, w->conf, w->account, w->b };
	struct upload_result r;
	enum err rc = uploads_one(&x, &r, e);

	*did = r.did;
	if (r.refusal.code != ERR_OK)
		worker_notice(w, &r.refusal);
	if (r.did)
		w->mirror.open.id = 0;		/* looking elsewhere may have closed what was open */
	if (rc == ERR_OK && r.wire)
		rc = look_where_it_stands(w, r.wire, e);
	if (r.other == w->account)
		w->replay_ms = 0;
	else if (r.other)
		engine_acted(w->engine, r.other);
	free(r.wire);
	if (rc != ERR_OK && !link_is_lost(rc)) {	/* our disk: not at once again */
		worker_notice(w, e);
		w->rest_ms = now_ms() + REST_MS;
		return ERR_OK;
	}
	return rc;
}

/* ---- mail that is unsure ---- */

/* What is unsure is looked for in Sent. */
static enum err
step_seek(struct worker *w, bool *did, struct error *e)
{
	struct event ev = { .kind = EV_OUTBOX, .account = w->account };
	struct error told;
	outbox_id id;
	enum err rc = outbox_seek_one(w->store, w->conf, w->account, w->b, &id, &told, e);

	*did = id != 0;
	if (*did)
		w->mirror.is_dirty = true;
	if (id) {
		ev.u.outbox.id = id;
		ev.u.outbox.state = OUTBOX_UNSURE;
		events_post(w->events, &ev);
	}
	if (told.code != ERR_OK)
		worker_notice(w, &told);
	if (rc == ERR_LOCAL) {
		worker_notice(w, e);
		w->rest_ms = now_ms() + REST_MS;
		return ERR_OK;
	}
	return rc;
}

static enum err
step_drafts(struct worker *w, bool *did, struct error *e)
{
	enum err rc = drafts_step(w, did, e);

	if (rc == ERR_OK || link_is_lost(rc))
		return rc;
	worker_notice(w, e);
	w->drafts.next_ms = now_ms() + REST_MS;
	*did = false;
	return ERR_OK;
}

/* ---- moves to another account ---- */

static enum err
step_carry(struct worker *w, bool *did, struct error *e)
{
	enum err rc = carry_step(w, did, e);

	if (rc != ERR_OK && !link_is_lost(rc)) {	/* our disk: not at once again */
		worker_notice(w, e);
		w->rest_ms = now_ms() + REST_MS;
		return ERR_OK;
	}
	return rc;
}

/* ---- the loop ---- */

/* Behind everything else, and not so that what happens in the open folder goes unseen. */
static enum err
step_words(struct worker *w, struct error *e)
{
	struct mirror *m = &w->mirror;

	link_set(w, LINK_ONLINE, NULL);
	m->is_dirty = m->is_dirty || now_ms() - m->looked_ms >= LOOK_MS;
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
	cancel_syncs(w);
	if (o->has_drafts)
		w->drafts.next_ms = 0;
	w->drafts.are_due = w->drafts.are_due || o->are_drafts_due;
	if (o->last_act_ms) {
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
	if (now_ms() >= w->rest_ms && ((rc = step_carry(w, &did, e)) != ERR_OK || did))
		return rc;
	if (now_ms() >= w->rest_ms && ((rc = step_copy(w, &did, e)) != ERR_OK || did ||
		(rc = step_upload(w, &did, e)) != ERR_OK || did || (rc = step_drafts(w, &did, e)) != ERR_OK ||
		did))
		return rc;
	if (now_ms() >= w->rest_ms && ((rc = step_seek(w, &did, e)) != ERR_OK || did))
		return rc;
	if (w->link.state == LINK_ONLINE && (w->mirror.is_dirty || w->mirror.n_todo))
		link_set(w, LINK_SYNCING, NULL);
	if (now_ms() >= w->rest_ms) {
		rc = after_background(w, step_background(w, &did, e), e);
		if (rc != ERR_OK || did)
			return rc;
	}
	end_whole_syncs(w);
	tidy(w);
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
		make_sure(w);
		if (!w->b) {
			link_step(w);
			continue;
		}
		struct error e = {0};
		enum err rc = step(w, &e);
		if (rc != ERR_OK) {
			e.code = rc;
			count_drops(w, &e);
			link_lost(w, &e);
		}
	}
	w->sync_ms = w->sync_ms ? 1 : 0;
	make_sure(w);
	worker_fail_jobs(w, &quitting);
	drain_free(w->drain, DRAIN_END_MS);
	w->drain = NULL;
	link_close(w, GOODBYE_MS);
	mirror_clear(w);
	words_clear(w);
	drafts_clear(&w->drafts);
	orders_clear(&w->orders);
	free(w->hunts);
	free(w->syncs);
	secret_free(w->link.password);
	return NULL;
}
