/* mirror.c - the index follows the server: one folder at a time is opened, looked through for what
 * changed, and filled.
 *
 * Invariants. A folder's `uidnext` and `modseq` are written only after everything below them is in the
 * index, so a break anywhere costs a repetition and never a gap. `is_filled` says that every message of the
 * server is in the index; while it is not, `missing` is computed anew on each connection by comparing UIDs,
 * which also mends whatever went wrong before. Rows are removed by one function only, which
 * looks a second time, over a new connection, before it believes that more than half of a mailbox is gone. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "rows.h"
#include "str.h"

enum {
	PAGE = 100,			/* messages in the first look at a folder: a screenful and more */
	SLICE_MIN = 100, SLICE_MAX = 2000,
	SLICE_SHORT_MS = 100, SLICE_LONG_MS = 300,
	DOUBT_MIN = 20			/* mailboxes smaller than that may empty without being doubted */
};

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
			memmove(m->todo + i, m->todo + i + 1, (m->n_todo - i - 1) * sizeof *m->todo);
			m->n_todo--;
			return;
		}
	}
}

static struct fill *
fill_of(struct worker *w, folder_id id)
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

	return m->open.id == id && !m->open.is_filled && !fill_of(w, id)->is_over;
}

/* ---- what the index holds ---- */

/* Read when a backend asks for it. */
struct known {
	struct worker *w;
	folder_id folder;
	struct uidset uids;
	bool is_read;
	enum err rc;
	struct error e;
};

static const struct uidset *
known_uids(void *ctx)
{
	struct known *k = ctx;

	if (!k->is_read)
		k->rc = store_uids(k->w->store, k->folder, &k->uids, &k->e);
	k->is_read = true;
	return k->rc == ERR_OK ? &k->uids : NULL;
}

static struct folder_known
known_of(struct known *k)
{
	const struct folder *f = &k->w->mirror.open;

	return (struct folder_known){ .uidvalidity = f->uidvalidity, .modseq = f->modseq,
		.ask = known_uids, .ctx = k };
}

/* The end of a call that came to rc and may have asked. */
static enum err
known_end(struct known *k, enum err rc, struct error *e)
{
	if (rc == ERR_OK && k->rc != ERR_OK) {
		*e = k->e;
		rc = k->rc;
	}
	uidset_clear(&k->uids);
	return rc;
}

/* ---- absence ---- */

static enum err reopen_for_a_second_look(struct worker *w, folder_id id, struct error *e);

/* Over a new connection: which of `gone` are really not there? Those that are leave the set. */
static enum err
look_again(struct worker *w, folder_id id, struct uidset *gone, struct error *e)
{
	struct uidset there = {0}, really = {0};
	uint64_t said = uidset_count(gone);

	log_msg("%s: %llu messages of folder %u are said to be gone: looking again", w->conf->name,
		(unsigned long long)said, id);
	enum err rc = reopen_for_a_second_look(w, id, e);
	if (rc == ERR_OK)
		rc = w->b->ops->uids(w->b, &there, e);
	if (rc != ERR_OK)
		goto out;
	uidset_minus(&really, gone, &there);
	if (uidset_count(&really) != said) {
		struct error n;
		error_set(&n, ERR_FOLDER, "%s: the server first denied, then showed %llu messages of "
			"'%s': they are kept", w->conf->name,
			(unsigned long long)(said - uidset_count(&really)), w->mirror.open.name);
		worker_notice(w, &n);
	}
	uidset_clear(gone);
	*gone = really;
	really = (struct uidset){0};
out:
	uidset_clear(&there);
	uidset_clear(&really);
	return rc;
}

/* The one place that removes rows because the server does not have them any more. */
static enum err
remove_gone(struct worker *w, folder_id id, const struct uidset *said, bool *changed,
	struct error *e)
{
	struct uidset known = {0}, gone = {0};
	uint32_t n_before = store_count(w->store, id);
	enum err rc = ERR_OK;

	if (uidset_count(said) <= n_before / 2) {
		uidset_copy(&gone, said);	/* not to be doubted: no more is read than is removed */
	} else {
		rc = store_uids(w->store, id, &known, e);
		uidset_and(&gone, said, &known);
		uint64_t n = uidset_count(&gone), n_known = uidset_count(&known);
		if (rc == ERR_OK && n_known > DOUBT_MIN && n > n_known / 2)
			rc = look_again(w, id, &gone, e);
	}
	if (rc == ERR_OK && gone.n > 0)
		rc = store_msgs_gone(w->store, id, &gone, e);
	*changed = *changed || store_count(w->store, id) != n_before;
	uidset_clear(&known);
	uidset_clear(&gone);
	return rc;
}

/* Takes in what was gathered: flags first, then absence. */
static enum err
gather_end(struct gather *g, enum err rc, struct error *e)
{
	if (rc == ERR_OK) {
		gather_flush(g);
		if (g->rc != ERR_OK) {
			*e = g->e;
			rc = g->rc;
		}
	}
	if (rc == ERR_OK && g->gone.n > 0)
		rc = remove_gone(g->w, g->folder, &g->gone, &g->has_changed, e);
	return rc;
}

/* ---- opening ---- */

static bool
load(struct worker *w, folder_id id)
{
	struct mirror *m = &w->mirror;

	arena_clear(&m->arena);
	m->open = (struct folder){0};
	if (store_folder(w->store, id, &m->arena, &m->open))
		return true;
	m->open = (struct folder){0};
	return false;
}

static enum err
save(struct worker *w, struct error *e)
{
	return store_folder_state(w->store, &w->mirror.open, e);
}

/* The server made the mailbox anew: nothing we know of it holds, and no intent may reach
 * other messages that have the same numbers. */
static void
rebuilt(struct worker *w, folder_id old, folder_id id, uint32_t n_dropped)
{
	struct error n;

	if (w->focus == old)
		w->focus = id;
	if (mirror_todo_has(w, old)) {
		mirror_todo_drop(w, old);
		mirror_todo(w, id);
	}
	for (size_t i = 0; i < w->n_syncs; i++) {
		if (w->syncs[i].folder == old)
			w->syncs[i].folder = id;
	}
	if (n_dropped)
		error_set(&n, ERR_MSG, "%s: the server rebuilt '%s'; it is read anew, and %u action%s on it "
			"%s dropped", w->conf->name, w->mirror.open.name, n_dropped,
			n_dropped == 1 ? "" : "s", n_dropped == 1 ? "is" : "are");
	else
		error_set(&n, ERR_FOLDER, "%s: the server rebuilt '%s'; it is read anew", w->conf->name,
			w->mirror.open.name);
	worker_notice(w, &n);
	post_folders(w);
}

/* Is it the mailbox we know? `id` becomes the one it is now. */
static enum err
check_validity(struct worker *w, folder_id *id, struct error *e)
{
	struct mirror *m = &w->mirror;
	folder_id old = *id;
	uint32_t n_pending = store_intents_pending(w->store, w->account);

	if (m->st.uidvalidity == 0)
		return error_set(e, ERR_FOLDER, "the server gives '%s' no UIDVALIDITY", m->open.name);
	enum err rc = store_folder_validity(w->store, id, m->st.uidvalidity, e);
	if (rc != ERR_OK)
		return rc;
	if (*id != old)
		rebuilt(w, old, *id, n_pending - store_intents_pending(w->store, w->account));
	return load(w, *id) ? ERR_OK
		: error_set(e, ERR_LOCAL, "folder %u is not in the index", (unsigned)*id);
}

/* What came with the opening is in the index: nothing older than this needs to be asked again. */
static enum err
take_delta(struct worker *w, struct gather *g, struct error *e)
{
	struct mirror *m = &w->mirror;
	uint64_t modseq = m->st.modseq;
	enum err rc = gather_end(g, ERR_OK, e);

	if (rc != ERR_OK)
		return rc;
	m->open.modseq = modseq;
	if (g->has_changed)
		post_folder(w, m->open.id, 0);
	return save(w, e);
}

static enum err
open_known(struct worker *w, folder_id id, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct known k = { .w = w, .folder = id };
	struct folder_known known = known_of(&k);
	struct gather g = { .w = w, .folder = id, .is_held = true };
	struct folder_sink sink = { .ctx = &g, .flags = gather_flags, .vanished = gather_vanished };
	bool is_delta = false;
	folder_id now = id;

	m->st = (struct folder_status){0};
	enum err rc = w->b->ops->open(w->b, m->open.wire, known.uidvalidity ? &known : NULL, &sink,
		&m->st, &is_delta, e);
	rc = known_end(&k, rc, e);
	if (rc == ERR_OK)
		rc = check_validity(w, &now, e);
	m->is_dirty = true;
	m->is_current = false;
	if (rc == ERR_OK && is_delta && now == id) {
		m->looked_ms = now_ms();
		m->is_current = true;
		m->is_dirty = m->st.uidnext != m->open.uidnext || m->st.n_msgs != m->open.n_server;
		rc = take_delta(w, &g, e);
	}
	gather_clear(&g);
	return rc;
}

enum err
mirror_open(struct worker *w, folder_id id, struct error *e)
{
	struct mirror *m = &w->mirror;

	if (id && m->open.id == id)
		return ERR_OK;
	if (!load(w, id))
		return error_set(e, ERR_FOLDER, "there is no such folder any more");
	enum err rc = folder_is_selectable(&m->open) ? open_known(w, id, e)
		: error_set(e, ERR_FOLDER, m->open.attrs & FOLDER_GONE ? "'%s' is not on the server any more"
			: "'%s' holds folders, not messages", m->open.name);
	if (rc != ERR_OK)
		m->open.id = 0;
	return rc;
}

/* Nothing is told about what we know, so that the server cannot lean on it. */
static enum err
reopen_for_a_second_look(struct worker *w, folder_id id, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct folder_sink nothing = {0};
	bool is_delta;
	enum err rc = link_reopen(w, e);

	if (rc != ERR_OK)
		return rc;
	if (!load(w, id))
		return error_set(e, ERR_FOLDER, "there is no such folder any more");
	rc = w->b->ops->open(w->b, m->open.wire, NULL, &nothing, &m->st, &is_delta, e);
	if (rc == ERR_OK && m->st.uidvalidity != m->open.uidvalidity)
		rc = error_set(e, ERR_CONN, "'%s' was rebuilt meanwhile", m->open.name);
	if (rc != ERR_OK)
		m->open.id = 0;
	m->is_dirty = true;
	m->is_current = false;
	return rc;
}

/* ---- looking ---- */

static enum err
changes(struct worker *w, bool *changed, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct known k = { .w = w, .folder = m->open.id };
	struct folder_known known = known_of(&k);
	struct gather g = { .w = w, .folder = m->open.id };
	struct folder_sink sink = { .ctx = &g, .flags = gather_flags, .vanished = gather_vanished };
	struct folder_status st = m->st;
	enum err rc = w->b->ops->changes(w->b, &known, &sink, &st, e);

	rc = gather_end(&g, known_end(&k, rc, e), e);
	if (rc == ERR_OK) {
		m->st.uidnext = st.uidnext;
		m->st.n_msgs = st.n_msgs;
		m->st.modseq = st.modseq;
		m->open.modseq = st.modseq;
	}
	*changed = *changed || g.has_changed;
	gather_clear(&g);
	return rc;
}

/* Of a folder that is not in the index at all: what the screen will show first, in one round trip. */
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
	struct fill *f = fill_of(w, w->mirror.open.id);

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

	if (m->st.uidnext == 0) {		/* a server that does not say: compare the UIDs */
		compare_anew(w);
		return ERR_OK;
	}
	if (m->st.uidnext <= m->open.uidnext)
		return ERR_OK;
	if (m->st.uidnext - m->open.uidnext <= 2 * PAGE) {
		uidset_add_range(&uids, m->open.uidnext ? m->open.uidnext : 1, m->st.uidnext - 1);
		rc = w->b->ops->headers(w->b, &uids, &sink, e);
	} else {
		m->open.is_filled = false;
		rc = save(w, e);		/* first: a break must not leave a gap behind `uidnext` */
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
	struct fill *f = fill_of(w, m->open.id);
	if (f->is_over && f->n_known == n_known)
		return ERR_OK;			/* compared already: it will not get better */
	compare_anew(w);
	return ERR_OK;
}

/* Another dunlin on the same store may have taken in what is new before us: then there was nothing for us to do, and all
 * the same something to show. So also the first time, when the screen may have looked before the other wrote. */
static bool
has_changed_otherwise(struct worker *w)
{
	struct mirror *m = &w->mirror;
	struct fill *f = fill_of(w, m->open.id);
	struct shown now = { true, store_count(w->store, m->open.id), m->open.uidnext, m->open.modseq };
	bool is_same = f->shown.is_known && f->shown.n_msgs == now.n_msgs && f->shown.uidnext == now.uidnext &&
		f->shown.modseq == now.modseq;

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
		rc = save(w, e);
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

/* ---- filling ---- */

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
		rc = remove_gone(w, id, &gone, &changed, e);	/* may reconnect, and forget f */
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

/* A slice should be over before anybody who came meanwhile notices that he waited. The link's own
 * delay, which no slice is quicker than, is not the slice's fault. */
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
	return save(w, e);
}

enum err
mirror_fill(struct worker *w, bool *more, struct error *e)
{
	struct fill *f = fill_of(w, w->mirror.open.id);
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
