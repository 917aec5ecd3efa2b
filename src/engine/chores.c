/* chores.c - what an account has to do besides keeping folders in step: decisions
 * made durable, copies of sent mail, uploads, mail that is unsure, drafts,
 * messages for other accounts.
 *
 * Each function does one piece and says whether there was one. What the server refuses is told
 * and costs nothing else; when our own disk fails, all of it rests for a while. */
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "store_outbox.h"
#include "store_uploads.h"
#include "uploads.h"
#include "worker.h"

/* ---- the store's own needs ---- */

/* The UI's thread commits decisions without fsync; against a power cut they are made
 * sure of here, once a burst. */
void
chores_make_sure(struct worker *w)
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
void
chores_tidy(struct worker *w)
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

/* ---- copies of what was sent ---- */

/* *did: there was one to make. What the server refuses is told, and tried again later. */
enum err
chores_copy(struct worker *w, bool *did, struct error *e)
{
	struct arena a = {0};
	struct error refusal;
	struct folder f;
	char *where;
	enum err rc = outbox_copy_one(w->store, w->conf, w->account, w->b, did, &where,
		&refusal, e);

	if (refusal.code != ERR_OK)
		worker_notice(w, &refusal);
	if (*did)
		/* looking elsewhere may have closed what was open */
		w->mirror.is_dirty = true;
	if (where && store_folder_by_wire(w->store, w->account, where, &a, &f) &&
	    f.uidvalidity)
		mirror_todo(w, f.id);
	free(where);
	arena_clear(&a);
	if (rc == ERR_LOCAL) {			/* our disk: not at once again */
		worker_notice(w, e);
		w->rest_ms = now_ms() + DISK_REST_MS;
		return ERR_OK;
	}
	return rc;
}

/* ---- uploads ---- */

/* What came to stand in a folder: its rows come by a sync, after a
 * list if the folder is new. */
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

enum err
chores_upload(struct worker *w, bool *did, struct error *e)
{
	struct uploads x = { w->store, w->conf, w->account, w->b };
	struct upload_result r;
	enum err rc = uploads_one(&x, &r, e);

	*did = r.did;
	if (r.refusal.code != ERR_OK)
		worker_notice(w, &r.refusal);
	if (r.did)
		/* looking elsewhere may have closed what was open */
		w->mirror.open.id = 0;
	if (rc == ERR_OK && r.wire)
		rc = look_where_it_stands(w, r.wire, e);
	if (r.other == w->account) {
		w->replay_ms = 0;
		intents_ours(w);
	} else if (r.other) {
		engine_acted(w->engine, r.other);
	}
	free(r.wire);
	if (rc != ERR_OK && !link_is_lost(rc)) {	/* our disk: not at once again */
		worker_notice(w, e);
		w->rest_ms = now_ms() + DISK_REST_MS;
		return ERR_OK;
	}
	return rc;
}

/* ---- mail that is unsure ---- */

/* What is unsure is looked for in Sent. */
enum err
chores_seek(struct worker *w, bool *did, struct error *e)
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
		w->rest_ms = now_ms() + DISK_REST_MS;
		return ERR_OK;
	}
	return rc;
}

enum err
chores_drafts(struct worker *w, bool *did, struct error *e)
{
	enum err rc = drafts_step(w, did, e);

	if (rc == ERR_OK || link_is_lost(rc))
		return rc;
	worker_notice(w, e);
	w->drafts.next_ms = now_ms() + DISK_REST_MS;
	*did = false;
	return ERR_OK;
}

/* ---- moves to another account ---- */

enum err
chores_carry(struct worker *w, bool *did, struct error *e)
{
	enum err rc = carry_step(w, did, e);

	if (rc != ERR_OK && !link_is_lost(rc)) {	/* our disk: not at once again */
		worker_notice(w, e);
		w->rest_ms = now_ms() + DISK_REST_MS;
		return ERR_OK;
	}
	return rc;
}
