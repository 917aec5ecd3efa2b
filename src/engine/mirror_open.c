/* mirror_open.c - a folder is opened with what is known of it, and what the server says
 * is gone is believed, or not.
 *
 * Rows are removed by one function only, which looks a second time, over a new connection,
 * before it believes that more than half of a mailbox is gone. */
#include "log.h"
#include "mirror_int.h"
#include "str.h"

/* mailboxes smaller than that may empty without being doubted */
enum { DOUBT_MIN = 20 };

/* ---- what the index holds ---- */

static const struct uidset *
known_uids(void *ctx)
{
	struct known *k = ctx;

	if (!k->is_read)
		k->rc = store_uids(k->w->store, k->folder, &k->uids, &k->e);
	k->is_read = true;
	return k->rc == ERR_OK ? &k->uids : NULL;
}

struct folder_known
mirror_known(struct known *k)
{
	const struct folder *f = &k->w->mirror.open;

	return (struct folder_known){ .uidvalidity = f->uidvalidity, .modseq = f->modseq,
		.ask = known_uids, .ctx = k };
}

/* The end of a call that came to rc and may have asked. */
enum err
mirror_known_end(struct known *k, enum err rc, struct error *e)
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

/* Over a new connection: which of `gone` are really not there? Those
 * that are leave the set. */
static enum err
look_again(struct worker *w, folder_id id, struct uidset *gone, struct error *e)
{
	struct uidset there = {0}, really = {0};
	uint64_t said = uidset_count(gone);

	log_msg("%s: %llu messages of folder %u are said to be gone: looking again",
		w->conf->name, (unsigned long long)said, id);
	enum err rc = reopen_for_a_second_look(w, id, e);
	if (rc == ERR_OK)
		rc = w->b->ops->uids(w->b, &there, e);
	if (rc != ERR_OK)
		goto out;
	uidset_minus(&really, gone, &there);
	if (uidset_count(&really) != said) {
		struct error n;
		error_set(&n, ERR_FOLDER,
			"%s: the server first denied, then showed %llu messages of '%s': "
			"they are kept", w->conf->name,
			(unsigned long long)(said - uidset_count(&really)),
			w->mirror.open.name);
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
enum err
mirror_remove_gone(struct worker *w, folder_id id, const struct uidset *said, bool *changed,
	struct error *e)
{
	struct uidset known = {0}, gone = {0};
	uint32_t n_before = store_count(w->store, id);
	enum err rc = ERR_OK;

	if (uidset_count(said) <= n_before / 2) {
		/* not to be doubted: no more is read than is removed */
		uidset_copy(&gone, said);
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
enum err
mirror_gather_end(struct gather *g, enum err rc, struct error *e)
{
	if (rc == ERR_OK) {
		gather_flush(g);
		if (g->rc != ERR_OK) {
			*e = g->e;
			rc = g->rc;
		}
	}
	if (rc == ERR_OK && g->gone.n > 0)
		rc = mirror_remove_gone(g->w, g->folder, &g->gone, &g->has_changed, e);
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

enum err
mirror_save(struct worker *w, struct error *e)
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
		error_set(&n, ERR_MSG,
			"%s: the server rebuilt '%s'; it is read anew, and %u action%s on it "
			"%s dropped", w->conf->name, w->mirror.open.name, n_dropped,
			n_dropped == 1 ? "" : "s", n_dropped == 1 ? "is" : "are");
	else
		error_set(&n, ERR_FOLDER, "%s: the server rebuilt '%s'; it is read anew",
			w->conf->name, w->mirror.open.name);
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
		return error_set(e, ERR_FOLDER, "the server gives '%s' no UIDVALIDITY",
			m->open.name);
	enum err rc = store_folder_validity(w->store, id, m->st.uidvalidity, e);
	if (rc != ERR_OK)
		return rc;
	if (*id != old)
		rebuilt(w, old, *id, n_pending - store_intents_pending(w->store, w->account));
	return load(w, *id) ? ERR_OK
		: error_set(e, ERR_LOCAL, "folder %u is not in the index", (unsigned)*id);
}

enum err
mirror_take_rights(struct worker *w, struct error *e)
{
	struct mirror *m = &w->mirror;
	uint32_t attrs = m->open.attrs & ~(uint32_t)FOLDER_READONLY;

	if (m->st.is_readonly)
		attrs |= FOLDER_READONLY;
	if (attrs == m->open.attrs)
		return ERR_OK;
	m->open.attrs = attrs;
	log_msg("%s: '%s' is %s", w->conf->name, m->open.name,
		m->st.is_readonly ? "read-only" : "writable");
	enum err rc = mirror_save(w, e);
	post_folder(w, m->open.id, 0);
	post_folders(w);
	return rc;
}

/* What came with the opening is in the index: nothing older than this
 * needs to be asked again. */
static enum err
take_delta(struct worker *w, struct gather *g, struct error *e)
{
	struct mirror *m = &w->mirror;
	uint64_t modseq = m->st.modseq;
	enum err rc = mirror_gather_end(g, ERR_OK, e);

	if (rc != ERR_OK)
		return rc;
	m->open.modseq = modseq;
	if (g->has_changed)
		post_folder(w, m->open.id, 0);
	return mirror_save(w, e);
}

static enum err
open_known(struct worker *w, folder_id id, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct known k = { .w = w, .folder = id };
	struct folder_known known = mirror_known(&k);
	struct gather g = { .w = w, .folder = id, .is_held = true };
	struct folder_sink sink = { .ctx = &g, .flags = gather_flags,
		.vanished = gather_vanished };
	bool is_delta = false;
	folder_id now = id;

	m->st = (struct folder_status){0};
	enum err rc = w->b->ops->open(w->b, m->open.wire, known.uidvalidity ? &known : NULL,
		&sink, &m->st, &is_delta, e);
	rc = mirror_known_end(&k, rc, e);
	if (rc == ERR_OK)
		rc = check_validity(w, &now, e);
	if (rc == ERR_OK)
		rc = mirror_take_rights(w, e);
	m->is_dirty = true;
	m->is_current = false;
	if (rc == ERR_OK && is_delta && now == id) {
		m->looked_ms = now_ms();
		m->is_current = true;
		m->is_dirty = m->st.uidnext != m->open.uidnext ||
			m->st.n_msgs != m->open.n_server;
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
		: error_set(e, ERR_FOLDER,
		m->open.attrs & FOLDER_GONE ? "'%s' is not on the server any more"
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
