/* mirror_fill.c - what is missing of the open folder is fetched,
 * newest first, a slice at a time.
 *
 * What is missing is found by comparing UIDs, anew on each connection, which also mends
 * whatever went wrong before. */
#include "mirror_int.h"
#include "str.h"

enum {
	SLICE_MIN = 100, SLICE_MAX = 2000,
	SLICE_SHORT_MS = 100, SLICE_LONG_MS = 300
};

struct fill *
mirror_fill_of(struct worker *w, folder_id id)
{
	struct mirror *m = &w->mirror;

	for (size_t i = 0; i < m->n_fills; i++) {
		if (m->fills[i].folder == id)
			return &m->fills[i];
	}
	m->fills = array_grow(m->fills, m->n_fills, &m->cap_fills, sizeof *m->fills);
	m->fills[m->n_fills] = (struct fill){ .folder = id };
	return &m->fills[m->n_fills++];
}

bool
mirror_wants_fill(struct worker *w, folder_id id)
{
	const struct mirror *m = &w->mirror;

	return m->open.id == id && !m->open.is_filled && !mirror_fill_of(w, id)->is_over;
}

static enum err
list_missing(struct worker *w, struct fill *f, struct error *e)
{
	struct uidset there = {0}, known = {0}, gone = {0};
	folder_id id = f->folder;
	bool changed = false;
	enum err rc = w->b->ops->uids(w->b, &there, e);

	if (rc == ERR_OK)
		rc = store_uids(w->store, id, &known, e);
	if (rc != ERR_OK)
		goto out;
	w->mirror.st.n_msgs = (uint32_t)uidset_count(&there);
	uidset_minus(&gone, &known, &there);
	uidset_subtract(&there, &known);
	uidset_clear(&f->missing);
	f->missing = there;
	there = (struct uidset){0};
	f->n_missing = uidset_count(&f->missing);
	f->is_listed = true;
	if (uidset_count(&gone) > 0)
		/* may reconnect, and forget f */
		rc = mirror_remove_gone(w, id, &gone, &changed, e);
	if (changed)
		post_folder(w, id, 0);
out:
	uidset_clear(&there);
	uidset_clear(&known);
	uidset_clear(&gone);
	return rc;
}

static void
post_progress(struct worker *w, uint64_t n_missing)
{
	struct event ev = { .kind = EV_PROGRESS, .account = w->account };
	uint64_t total = w->mirror.st.n_msgs;

	ev.u.progress.folder = w->mirror.open.id;
	ev.u.progress.total = total;
	ev.u.progress.done = n_missing < total ? total - n_missing : 0;
	events_post(w->events, &ev);
}

/* A slice should be over before anybody who came meanwhile notices that he waited. The link's
 * own delay, which no slice is quicker than, is not the slice's fault. */
static void
adapt_slice(struct mirror *m, int64_t took_ms)
{
	if (!m->quickest_ms || took_ms < m->quickest_ms)
		m->quickest_ms = took_ms > 0 ? took_ms : 1;
	took_ms -= m->quickest_ms;
	if (took_ms < SLICE_SHORT_MS && m->slice < SLICE_MAX)
		m->slice *= 2;
	if (took_ms > SLICE_LONG_MS && m->slice > SLICE_MIN)
		m->slice /= 2;
}

static enum err
fill_slice(struct worker *w, struct fill *f, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct rows r = { .w = w, .folder = f->folder };
	struct folder_sink sink = { .ctx = &r, .msg = rows_add };
	struct uidset uids = {0};
	int64_t begun_ms = now_ms();

	if (m->slice < SLICE_MIN)
		m->slice = SLICE_MIN;
	uidset_take_highest(&uids, &f->missing, m->slice);
	enum err rc = rows_end(&r, w->b->ops->headers(w->b, &uids, &sink, e), e);
	if (rc == ERR_OK) {
		f->n_missing -= uidset_count(&uids);
		adapt_slice(m, now_ms() - begun_ms);
		post_folder(w, f->folder, 0);
		post_progress(w, f->n_missing);
	}
	for (size_t i = 0; rc != ERR_OK && i < uids.n; i++)
		uidset_add_range(&f->missing, uids.ranges[i].lo, uids.ranges[i].hi);
	uidset_clear(&uids);
	return rc;
}

static enum err
fill_end(struct worker *w, struct fill *f, struct error *e)
{
	f->n_known = store_count(w->store, f->folder);
	f->is_over = true;
	w->mirror.open.is_filled = true;
	return mirror_save(w, e);
}

enum err
mirror_fill(struct worker *w, bool *more, struct error *e)
{
	struct fill *f = mirror_fill_of(w, w->mirror.open.id);
	enum err rc = ERR_OK;

	*more = true;
	if (!f->is_listed)
		return list_missing(w, f, e);
	if (f->missing.n > 0)
		rc = fill_slice(w, f, e);
	if (rc != ERR_OK || f->missing.n > 0)
		return rc;
	*more = false;
	return fill_end(w, f, e);
}
