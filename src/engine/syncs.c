/* syncs.c - JOB_SYNC and JOB_DOWNLOAD: begun, then done behind everything else.
 *
 * A sync of a folder is over when that folder was looked through; one of the
 * account when nothing is left to be fetched and nothing to be carried out. A
 * broken link is survived once. */
#include <stdlib.h>

#include "store_uploads.h"
#include "str.h"
#include "worker.h"

enum {
	MAX_DROPS = 1,			/* a sync is gone on with when the
					 * link broke under it */
	CARRY_WAIT_MS = 15 * 1000	/* it waits so long for the other account */
};

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

/* A sync of a POP3 account is over when its pass is, too; a pass that
 * failed is its failure. */
void
syncs_end_of(struct worker *w, folder_id folder, enum err code, const struct error *e)
{
	const struct error *drained = &w->drained.result;

	for (size_t i = w->n_syncs; i-- > 0;) {
		if (w->syncs[i].folder != folder ||
		    (code == ERR_OK && w->syncs[i].pass > w->drained.pass))
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
void
syncs_count_drops(struct worker *w, const struct error *why)
{
	for (size_t i = w->n_syncs; i-- > 0;) {
		if (w->syncs[i].n_drops++ >= MAX_DROPS)
			end_sync(w, i, why->code, why);
	}
}

void
syncs_fail(struct worker *w, const struct error *why)
{
	for (size_t i = w->n_syncs; i-- > 0;)
		end_sync(w, i, why->code, why);
}

void
syncs_cancel(struct worker *w)
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
		if (w->drain) {
			/* else the next pass would go on where this one stops */
			drain_unwant(w->drain);
			drain_stop(w->drain);
		}
	}
	o->n_cancelled = 0;
}

/* Folders that repeat what others hold (all mail, flagged) are left out
 * until somebody opens them. */
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

enum err
syncs_begin(struct worker *w, const struct queued *j, struct error *e)
{
	int64_t wanted = 0;

	if (j->job.kind == JOB_DOWNLOAD) {
		enum err rc = request_begin(w, j->job.msg, &wanted, e);
		if (rc != ERR_OK)
			return rc;
	} else if (j->job.folder) {
		if (w->mirror.open.id == j->job.folder &&
		    (w->mirror.open.attrs & FOLDER_READONLY))
			w->mirror.open.id = 0;	/* it may not be any more */
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

/* A whole account is in step when nothing is left to be fetched and
 * nothing to be carried out. */
void
syncs_end_whole(struct worker *w)
{
	if (w->n_syncs > 0 && w->mirror.n_todo == 0 &&
	    (store_intents_pending(w->store, w->account) == 0 || !still_waits(w)) &&
	    store_uploads_due(w->store, w->account) == 0)
		syncs_end_of(w, 0, ERR_OK, NULL);
}
