/* hunts.c - JOB_SEARCH: which messages of a folder have words in their text.
 *
 * What the index of words knows is the first answer, at once and without a server. Then a
 * server that can search is asked about all the rest, in ranges of UIDs from the newest down,
 * as many in one command as take it about a quarter of a second: so the answer grows on the
 * screen, other work goes on between two ranges, and a search is given up between them, not by
 * dropping the connection. Of what is near the answer is complete as soon as the index is. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "worker.h"

enum {
	FIRST_SLICE = 500, MIN_SLICE = 20, MAX_SLICE = 200000,
	QUICK_MS = 150, SLOW_MS = 400,
	LOOK_MS = 500			/* between answers while what is near
					 * is being indexed */
};

folder_id
hunts_folder(const struct worker *w)
{
	return w->n_hunts > 0 ? w->hunts[0].folder : 0;
}

/* How far what is near is indexed, words.c tells. */
static void
tell(struct worker *w, const struct hunting *h)
{
	struct event ev = { .kind = EV_PROGRESS, .account = w->account, .job = h->id };

	post_folder(w, h->folder, 0);
	if (w->b && (w->b->caps & CAP_NEAR))
		return;
	ev.u.progress.folder = h->folder;
	ev.u.progress.total = h->n_all;
	ev.u.progress.done = h->n_all - uidset_count(&h->todo);
	events_post(w->events, &ev);
}

static enum err
answer(struct worker *w, struct hunting *h, bool is_complete, struct error *e)
{
	struct search_answer a = { .uids = h->found, .is_complete = is_complete };
	enum err rc = search_answer_put(words_index(w), h->folder, h->words, &a, e);

	if (rc == ERR_OK)
		tell(w, h);
	return rc;
}

/* What the index of words knows. */
static enum err
ask_index(struct worker *w, struct hunting *h, struct error *e)
{
	if (!words_index(w))
		return error_set(e, ERR_UNSUPPORTED,
			"there is no index of words ('search-size' in the mailrc)");
	return search_find(words_index(w), h->folder, h->words, &h->found, e);
}

static struct hunted *
hunted_of(struct worker *w, const struct hunting *h)
{
	for (size_t i = 0; i < MAX_HUNTED; i++) {
		if (w->hunted[i].folder == h->folder &&
		    strcmp(w->hunted[i].words, h->words) == 0)
			return &w->hunted[i];
	}
	return NULL;
}

static void
remember(struct worker *w, struct hunting *h)
{
	struct hunted *old = hunted_of(w, h);

	if (!old) {
		old = &w->hunted[w->i_hunted];
		w->i_hunted = (w->i_hunted + 1) % MAX_HUNTED;
	}
	old->folder = h->folder;
	memcpy(old->words, h->words, sizeof old->words);
	uidset_clear(&old->all);
	old->all = h->all;
	h->all = (struct uidset){0};
}

/* What was found before stays found; what was asked about then is not asked about again. */
static void
go_on_from_before(struct worker *w, struct hunting *h)
{
	const struct hunted *before = hunted_of(w, h);
	struct search_answer a;

	if (!before || !search_answer(words_index(w), h->folder, h->words, &a))
		return;
	for (size_t i = 0; a.is_complete && i < a.uids.n; i++)
		uidset_add_range(&h->found, a.uids.ranges[i].lo, a.uids.ranges[i].hi);
	if (a.is_complete)
		uidset_subtract(&h->todo, &before->all);
	uidset_clear(&a.uids);
}

static void
hunting_clear(struct hunting *h)
{
	uidset_clear(&h->found);
	uidset_clear(&h->todo);
	uidset_clear(&h->all);
}

static void
end(struct worker *w, size_t i, enum err code, const struct error *e)
{
	struct hunting *h = &w->hunts[i];

	if (code == ERR_OK)
		remember(w, h);
	worker_done(w, h->id, code, e);
	hunting_clear(h);
	memmove(h, h + 1, (--w->n_hunts - i) * sizeof *h);
}

/* On error *h is empty. */
static enum err
first_answer(struct worker *w, const struct queued *j, struct hunting *h, struct error *e)
{
	*h = (struct hunting){ .id = j->id, .folder = j->job.folder, .n_slice = FIRST_SLICE };
	memcpy(h->words, j->job.words, sizeof h->words);
	h->words[sizeof h->words - 1] = '\0';
	enum err rc = ask_index(w, h, e);
	if (rc == ERR_OK)
		rc = store_uids(w->store, h->folder, &h->todo, e);
	uidset_copy(&h->all, &h->todo);
	if (rc == ERR_OK && j->job.is_again)
		go_on_from_before(w, h);
	h->n_all = uidset_count(&h->todo);
	if (rc == ERR_OK)
		rc = answer(w, h, false, e);
	if (rc != ERR_OK)
		hunting_clear(h);
	return rc;
}

enum err
hunts_begin(struct worker *w, const struct queued *j, struct error *e)
{
	struct hunting h;
	enum err rc = first_answer(w, j, &h, e);

	if (rc != ERR_OK)
		return rc;
	w->hunts = array_grow(w->hunts, w->n_hunts, &w->cap_hunts, sizeof *w->hunts);
	w->hunts[w->n_hunts++] = h;
	return ERR_OK;
}

void
hunts_offline(struct worker *w, const struct queued *j)
{
	struct hunting h;
	struct error e;

	if (first_answer(w, j, &h, &e) != ERR_OK)
		log_msg("%s: %s", w->conf->name, e.text);
	else
		hunting_clear(&h);
}

void
hunts_cancel(struct worker *w, job_id id)
{
	for (size_t i = w->n_hunts; i-- > 0;)
		if (w->hunts[i].id == id)
			end(w, i, ERR_CANCELLED, NULL);
}

void
hunts_fail(struct worker *w, const struct error *why)
{
	while (w->n_hunts > 0)
		end(w, w->n_hunts - 1, why->code, why);
}

void
hunts_clear(struct worker *w)
{
	free(w->hunts);
	for (size_t i = 0; i < MAX_HUNTED; i++)
		uidset_clear(&w->hunted[i].all);
}

/* ---- a server ---- */

static void
pace(struct hunting *h, int64_t took_ms)
{
	if (took_ms < QUICK_MS && h->n_slice < MAX_SLICE)
		h->n_slice *= 2;
	else if (took_ms > SLOW_MS && h->n_slice > MIN_SLICE)
		h->n_slice /= 2;
}

static enum err
ask_server(struct worker *w, struct hunting *h, struct error *e)
{
	struct uidset slice = { 0 }, hits = { 0 };
	int64_t began = now_ms();
	enum err rc = mirror_open(w, h->folder, e);

	if (rc == ERR_OK && w->mirror.open.id != h->folder)
		rc = error_set(e, ERR_FOLDER, "the server rebuilt the mailbox");
	if (rc == ERR_OK) {
		uidset_take_highest(&slice, &h->todo, h->n_slice);
		rc = w->b->ops->search(w->b, &slice, h->words, &hits, e);
	}
	if (rc == ERR_OK) {
		uidset_and(&hits, &hits, &slice);
		for (size_t i = 0; i < hits.n; i++)
			uidset_add_range(&h->found, hits.ranges[i].lo, hits.ranges[i].hi);
		pace(h, now_ms() - began);
		rc = answer(w, h, h->todo.n == 0, e);
	} else {				/* after a broken link the same range again */
		for (size_t i = 0; i < slice.n; i++)
			uidset_add_range(&h->todo, slice.ranges[i].lo, slice.ranges[i].hi);
	}
	uidset_clear(&slice);
	uidset_clear(&hits);
	return rc;
}

/* ---- what is near ---- */

/* The index is asked again from time to time while it grows; *did: it was. */
static enum err
ask_near(struct worker *w, struct hunting *h, enum words_state state, bool *did,
	struct error *e)
{
	*did = state != WORDS_COMING || now_ms() - h->looked_ms >= LOOK_MS;
	if (!*did)
		return ERR_OK;
	h->looked_ms = now_ms();
	enum err rc = ask_index(w, h, e);
	if (rc == ERR_OK)
		rc = answer(w, h, state == WORDS_COMPLETE, e);
	if (rc == ERR_OK && state == WORDS_NEVER)
		rc = error_set(e, ERR_UNSUPPORTED,
			"not all texts are in the index of words "
			"('search-size' in the mailrc)");
	return rc;
}

/* ---- the job ---- */

enum err
hunts_step(struct worker *w, bool *did, struct error *e)
{
	struct hunting *h = w->hunts;
	bool is_over;
	enum err rc;

	*did = w->n_hunts > 0;
	if (!*did)
		return ERR_OK;
	if (w->b->caps & CAP_SEARCH) {
		rc = h->todo.n > 0 ? ask_server(w, h, e) : ERR_OK;
		is_over = h->todo.n == 0;
	} else {
		enum words_state state = words_state(w, h->folder);
		rc = ask_near(w, h, state, did, e);
		is_over = state != WORDS_COMING;
	}
	if (link_is_lost(rc))
		return rc;
	if (rc != ERR_OK || is_over)
		end(w, 0, rc, e);
	return ERR_OK;
}
