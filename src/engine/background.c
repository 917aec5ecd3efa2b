/* background.c - what is done when nobody waits: the folder on the screen kept current, the
 * list of folders, searches that were begun, filling, counts, folders to be synced.
 *
 * One piece at a time, the most useful first. Work in other folders returns every second to
 * the one that is waited in, so that what happens there is seen in time. */
#include "worker.h"

enum { LOOK_ALL_MS = 30 * 1000 };	/* OPEN_LOOK_MS where a look costs the flags of all */

static bool
look_is_due(struct worker *w)
{
	struct mirror *m = &w->mirror;
	int64_t pause = w->b->caps & CAP_DELTA ? OPEN_LOOK_MS : LOOK_ALL_MS;

	return m->is_dirty || now_ms() - m->looked_ms >= pause;
}

/* The end of a folder's turn on the list of things to do. */
static void
todo_over(struct worker *w, folder_id id, enum err code, const struct error *e)
{
	mirror_todo_drop(w, id);
	syncs_end_of(w, id, code, e);
}

static enum err
step_todo(struct worker *w, struct error *e)
{
	struct mirror *m = &w->mirror;
	folder_id id = m->todo[0];
	int64_t until = now_ms() + OPEN_LOOK_MS;
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

/* Is it time to be in the folder that is waited in? From elsewhere one comes back when nothing
 * is left to do there, or when it was not looked at for a second. */
static bool
home_is_due(struct worker *w, folder_id home)
{
	struct mirror *m = &w->mirror;

	if (!home)
		return false;
	if (m->open.id == home)
		return m->is_dirty;
	return now_ms() - m->home_ms >= OPEN_LOOK_MS ||
		(m->n_todo == 0 && !folders_turn_due(w));
}

static enum err
go_home(struct worker *w, folder_id home, struct error *e)
{
	enum err rc = mirror_sync(w, home, e);

	w->mirror.home_ms = now_ms();
	return rc;
}

/* One piece of work, the most useful first. *did: there was one. */
enum err
background_step(struct worker *w, bool *did, struct error *e)
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
enum err
background_after(struct worker *w, enum err rc, struct error *e)
{
	if (rc == ERR_OK || link_is_lost(rc))
		return rc;
	worker_notice(w, e);
	if (rc == ERR_LOCAL) {
		w->rest_ms = now_ms() + DISK_REST_MS;
		syncs_fail(w, e);
	} else {	/* the folder to wait in: elsewhere for a while */
		w->bad = mirror_home(w);
		w->bad_until_ms = now_ms() + DISK_REST_MS;
		if (w->bad == w->focus)
			w->focus = 0;
	}
	return ERR_OK;
}
