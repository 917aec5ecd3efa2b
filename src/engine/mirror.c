/* mirror.c - the index follows the server: one folder at a time is opened, looked through
 * for what changed, and filled.
 *
 * Invariants. A folder's `uidnext` and `modseq` are written only after everything below
 * them is in the index, so a break anywhere costs a repetition and never a gap. `is_filled`
 * says that every message of the server is in the index; while it is not, what is missing
 * is found by mirror_fill.c. */
#include <stdlib.h>
#include <string.h>

#include "mirror_int.h"
#include "str.h"

enum { PAGE = 100 };	/* messages in the first look at a folder: a screenful and more */

void
mirror_forget(struct worker *w)
{
	struct mirror *m = &w->mirror;

	arena_clear(&m->arena);
	m->open = (struct folder){0};
	m->is_dirty = m->is_current = m->is_listed = false;
	for (size_t i = 0; i < m->n_fills; i++)
		uidset_clear(&m->fills[i].missing);
	m->n_fills = 0;
	free(m->turn);
	m->turn = NULL;
	m->n_turn = m->i_turn = 0;
	m->turn_ms = m->home_ms = 0;
}

void
mirror_clear(struct worker *w)
{
	mirror_forget(w);
	free(w->mirror.fills);
	free(w->mirror.todo);
	w->mirror = (struct mirror){0};
}

folder_id
mirror_home(struct worker *w)
{
	struct arena a = {0};
	struct folder f;
	folder_id id = w->focus;

	if (!id && store_folder_by_role(w->store, w->account, ROLE_INBOX, &a, &f))
		id = f.id;
	arena_clear(&a);
	return id == w->bad && now_ms() < w->bad_until_ms ? 0 : id;
}

/* ---- what is to be done later ---- */

bool
mirror_todo_has(const struct worker *w, folder_id id)
{
	for (size_t i = 0; i < w->mirror.n_todo; i++) {
		if (w->mirror.todo[i] == id)
			return true;
	}
	return false;
}

void
mirror_todo(struct worker *w, folder_id id)
{
	struct mirror *m = &w->mirror;

	if (mirror_todo_has(w, id))
		return;
	m->todo = array_grow(m->todo, m->n_todo, &m->cap_todo, sizeof *m->todo);
	m->todo[m->n_todo++] = id;
}

void
mirror_todo_drop(struct worker *w, folder_id id)
{
	struct mirror *m = &w->mirror;

	for (size_t i = 0; i < m->n_todo; i++) {
		if (m->todo[i] == id) {
			memmove(m->todo + i, m->todo + i + 1,
				(m->n_todo - i - 1) * sizeof *m->todo);
			m->n_todo--;
			return;
		}
	}
}

/* ---- looking ---- */

static enum err
changes(struct worker *w, bool *changed, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct known k = { .w = w, .folder = m->open.id };
	struct folder_known known = mirror_known(&k);
	struct gather g = { .w = w, .folder = m->open.id };
	struct folder_sink sink = { .ctx = &g, .flags = gather_flags,
		.vanished = gather_vanished };
	struct folder_status st = m->st;
	enum err rc = w->b->ops->changes(w->b, &known, &sink, &st, e);

	rc = mirror_gather_end(&g, mirror_known_end(&k, rc, e), e);
	if (rc == ERR_OK) {
		m->st.uidnext = st.uidnext;
		m->st.n_msgs = st.n_msgs;
		m->st.modseq = st.modseq;
		m->st.is_readonly = st.is_readonly;
		rc = mirror_take_rights(w, e);
		m->open.modseq = st.modseq;
	}
	*changed = *changed || g.has_changed;
	gather_clear(&g);
	return rc;
}

/* Of a folder that is not in the index at all: what the screen will show
 * first, in one round trip. */
static enum err
first_page(struct worker *w, bool *changed, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct rows r = { .w = w, .folder = m->open.id };
	struct folder_sink sink = { .ctx = &r, .msg = rows_add };
	enum err rc = ERR_OK;

	if (m->st.n_msgs > 0)
		rc = rows_end(&r, w->b->ops->newest(w->b, PAGE, &sink, e), e);
	m->open.is_filled = r.n_put >= m->st.n_msgs;
	m->open.modseq = m->st.modseq;
	*changed = true;
	return rc;
}

static void
compare_anew(struct worker *w)
{
	struct fill *f = mirror_fill_of(w, w->mirror.open.id);

	uidset_clear(&f->missing);
	*f = (struct fill){ .folder = w->mirror.open.id };
	w->mirror.open.is_filled = false;
}

/* What arrived since: a few at once; of very many the newest page, the rest is filled in. */
static enum err
news(struct worker *w, bool *changed, uint32_t *n_new, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct rows r = { .w = w, .folder = m->open.id, .new_from = m->open.uidnext };
	struct folder_sink sink = { .ctx = &r, .msg = rows_add };
	struct uidset uids = {0};
	enum err rc;

	/* a server that does not say: compare the UIDs */
	if (m->st.uidnext == 0) {
		compare_anew(w);
		return ERR_OK;
	}
	if (m->st.uidnext <= m->open.uidnext)
		return ERR_OK;
	if (m->st.uidnext - m->open.uidnext <= 2 * PAGE) {
		uidset_add_range(&uids, m->open.uidnext ? m->open.uidnext : 1,
			m->st.uidnext - 1);
		rc = w->b->ops->headers(w->b, &uids, &sink, e);
	} else {
		m->open.is_filled = false;
		/* first: a break must not leave a gap behind `uidnext` */
		rc = mirror_save(w, e);
		if (rc == ERR_OK)
			rc = w->b->ops->newest(w->b, PAGE, &sink, e);
	}
	rc = rows_end(&r, rc, e);
	*n_new = r.n_new;
	*changed = *changed || r.n_put > 0;
	uidset_clear(&uids);
	return rc;
}

/* Everything was taken in. Does the index hold as many as the server says? Else compare all
 * UIDs, once a difference. */
static enum err
settle(struct worker *w, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct uidset uids = {0};
	uint32_t n_known = store_count(w->store, m->open.id);
	enum err rc = ERR_OK;

	m->open.uidnext = m->st.uidnext;
	if (!m->st.uidnext && (rc = store_uids(w->store, m->open.id, &uids, e)) == ERR_OK)
		m->open.uidnext = uidset_max(&uids) + 1;
	uidset_clear(&uids);
	m->open.n_server = m->st.n_msgs;
	if (rc != ERR_OK || !m->open.is_filled || n_known == m->st.n_msgs)
		return rc;
	struct fill *f = mirror_fill_of(w, m->open.id);
	if (f->is_over && f->n_known == n_known)
		return ERR_OK;			/* compared already: it will not get better */
	compare_anew(w);
	return ERR_OK;
}

/* Another dunlin on the same store may have taken in what is new before us: then there was
 * nothing for us to do, and all the same something to show. So also the first time, when the
 * screen may have looked before the other wrote. */
static bool
has_changed_otherwise(struct worker *w)
{
	struct mirror *m = &w->mirror;
	struct fill *f = mirror_fill_of(w, m->open.id);
	struct shown now = { true, store_count(w->store, m->open.id), m->open.uidnext,
		m->open.modseq };
	bool is_same = f->shown.is_known && f->shown.n_msgs == now.n_msgs &&
		f->shown.uidnext == now.uidnext && f->shown.modseq == now.modseq;

	f->shown = now;
	return !is_same;
}

enum err
mirror_sync(struct worker *w, folder_id id, struct error *e)
{
	struct mirror *m = &w->mirror;
	bool changed = false;
	uint32_t n_new = 0;
	enum err rc = mirror_open(w, id, e);

	if (rc != ERR_OK)
		return rc;
	if (m->open.uidnext == 0) {
		rc = first_page(w, &changed, e);
	} else {
		if (!m->is_current)
			rc = changes(w, &changed, e);
		m->is_current = false;
		if (rc == ERR_OK)
			rc = news(w, &changed, &n_new, e);
	}
	if (rc == ERR_OK)
		rc = settle(w, e);
	if (rc == ERR_OK)
		rc = mirror_save(w, e);
	if (rc == ERR_OK) {
		m->is_dirty = false;
		m->looked_ms = now_ms();
	}
	n_new = worker_count_new(w, &m->open, n_new);
	if (rc == ERR_OK && has_changed_otherwise(w))
		changed = true;
	if (changed || n_new > 0)
		post_folder(w, m->open.id, n_new);
	return rc;
}
