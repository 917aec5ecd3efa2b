/* folders.c - the list of folders, and the counts of those that are not open.
 *
 * Counts come with the list where the server can do that (LIST-STATUS); else they are asked
 * for in turns, one folder a step, so that a server with a thousand folders delays nobody. A
 * folder whose counts differ from the index is put on the list to be synced, if it was ever
 * opened; one that nobody has looked into costs its counts and no more. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "worker.h"

enum { MIN_TURN_MS = 10 * 1000, INBOX_MS = 60 * 1000, MAX_FOLDERS = 20000 };

bool
folder_is_selectable(const struct folder *f)
{
	return !(f->attrs & (FOLDER_NOSELECT | FOLDER_GONE));
}

/* From one round of counts to the next. */
static int64_t
turn_pause_ms(const struct worker *w)
{
	int64_t ms = (int64_t)w->conf->check_every_s * 1000;

	return ms > MIN_TURN_MS ? ms : MIN_TURN_MS;
}

/* ---- the list ---- */

struct list {
	struct worker *w;
	struct arena arena;
	struct folder *v;
	size_t n, cap;
	size_t n_dropped;		/* beyond MAX_FOLDERS */
};

static void
list_add(void *ctx, const struct folder *f)
{
	struct list *l = ctx;

	if (!f->wire || !*f->wire)
		return;
	if (l->n >= MAX_FOLDERS) {
		l->n_dropped++;
		return;
	}
	l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
	struct folder *c = &l->v[l->n++];
	*c = *f;
	c->id = 0;
	c->account = l->w->account;
	c->wire = arena_strdup(&l->arena, f->wire);
	c->name = arena_strdup(&l->arena, f->name);
}

static bool
has_role(const struct list *l, enum folder_role role)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].role == role)
			return true;
	}
	return false;
}

/* What the mailrc says goes before what the server says, and that
 * before what a name suggests. */
static void
give_roles(struct list *l)
{
	/* INBOX is what it is */
	for (int role = ROLE_INBOX + 1; role < N_ROLES; role++) {
		const char *wanted = l->w->conf->folder[role];
		for (size_t i = 0; i < l->n && wanted; i++) {
			bool is = str_eq(l->v[i].name, wanted);
			if (is)
				l->v[i].role = (enum folder_role)role;
			else if (l->v[i].role == (enum folder_role)role)
				l->v[i].role = ROLE_NONE;
		}
	}
	for (size_t i = 0; i < l->n; i++) {
		const char *slash = strrchr(l->v[i].name, '/');
		enum folder_role role = folder_role_by_name(slash ? slash + 1 : l->v[i].name);
		if (l->v[i].role == ROLE_NONE && role != ROLE_NONE && role != ROLE_INBOX &&
		    !has_role(l, role))
			l->v[i].role = role;
	}
}

static enum err
put_list(struct worker *w, const struct list *l, struct error *e)
{
	folder_id *ids = xcalloc(l->n, sizeof *ids);
	enum err rc = store_folders_put(w->store, l->v, l->n, ids, e);

	if (rc == ERR_OK)
		rc = store_folders_keep_only(w->store, w->account, ids, l->n, e);
	for (size_t i = 0; i < l->n; i++)
		l->v[i].id = ids[i];
	free(ids);
	return rc;
}

static void
tell_unlisted(struct worker *w, const struct list *l)
{
	struct error n;

	if (w->n_unlisted != l->n_dropped && l->n_dropped > 0) {
		error_set(&n, ERR_FOLDER,
			"%s: the server has more than %d folders: %zu of them are not shown",
			w->conf->name, MAX_FOLDERS, l->n_dropped);
		worker_notice(w, &n);
	}
	w->n_unlisted = l->n_dropped;
}

static enum err take_counts(struct worker *w, struct folder *f, const struct folder_status *st,
	bool *changed, struct error *e);

static int
by_id(const void *a, const void *b)
{
	const struct folder *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Those that the server told with the list; the rest is asked for in turns. */
static enum err
take_listed_counts(struct worker *w, struct list *l, struct error *e)
{
	struct mirror *m = &w->mirror;
	struct arena a = {0};
	struct folder *f;
	size_t n = store_folders(w->store, w->account, &a, &f);
	bool changed = false;
	enum err rc = ERR_OK;

	qsort(l->v, l->n, sizeof *l->v, by_id);
	free(m->turn);
	m->turn = xcalloc(n + 1, sizeof *m->turn);
	m->n_turn = m->i_turn = 0;
	m->has_counts = false;
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		const struct folder *said = bsearch(&f[i], l->v, l->n, sizeof *l->v, by_id);
		if (!said || !said->uidvalidity) {
			if (folder_is_selectable(&f[i]))
				m->turn[m->n_turn++] = f[i].id;
			continue;
		}
		struct folder_status st = { .uidvalidity = said->uidvalidity,
			.uidnext = said->uidnext, .n_msgs = said->n_server,
			.n_unread = said->n_server_unread };
		m->has_counts = true;
		if (f[i].id != m->open.id)
			rc = take_counts(w, &f[i], &st, &changed, e);
	}
	m->turn_ms = now_ms() + turn_pause_ms(w);
	if (m->has_counts)
		m->inbox_ms = now_ms() + INBOX_MS;
	arena_clear(&a);
	return rc;
}

enum err
folders_list(struct worker *w, struct error *e)
{
	struct list l = { .w = w };
	struct backend_folder_sink sink = { .ctx = &l, .folder = list_add };
	enum err rc = w->b->ops->folders(w->b, &sink, e);

	/* An account without any folder does not exist: then keep what is known. */
	if (rc == ERR_OK && l.n > 0) {
		give_roles(&l);
		rc = put_list(w, &l, e);
		if (rc == ERR_OK)
			rc = take_listed_counts(w, &l, e);
		tell_unlisted(w, &l);
		post_folders(w);
	}
	if (rc == ERR_OK)
		w->mirror.is_listed = true;
	free(l.v);
	arena_clear(&l.arena);
	return rc;
}

enum err
folders_first(struct worker *w, struct error *e)
{
	char *wire = w->b->ops->wire_name(w->b, "INBOX");
	struct folder f = {
		.account = w->account, .wire = wire, .name = "INBOX", .role = ROLE_INBOX,
	};
	folder_id id;
	enum err rc = store_folder_put(w->store, &f, &id, e);

	if (rc == ERR_OK)
		post_folders(w);
	free(wire);
	return rc;
}

/* ---- turns ---- */

static void
begin_round(struct worker *w)
{
	struct mirror *m = &w->mirror;
	struct arena a = {0};
	struct folder *f;
	size_t n = store_folders(w->store, w->account, &a, &f);

	free(m->turn);
	m->turn = xcalloc(n + 1, sizeof *m->turn);
	m->n_turn = m->i_turn = 0;
	for (size_t i = 0; i < n; i++) {
		if (folder_is_selectable(&f[i]))
			m->turn[m->n_turn++] = f[i].id;
	}
	m->turn_ms = now_ms() + turn_pause_ms(w);
	arena_clear(&a);
}

static bool
is_inbox_due(struct worker *w)
{
	return w->focus && now_ms() >= w->mirror.inbox_ms;
}

bool
folders_turn_due(struct worker *w)
{
	struct mirror *m = &w->mirror;

	return m->is_listed && (m->i_turn < m->n_turn || now_ms() >= m->turn_ms ||
		is_inbox_due(w));
}

int64_t
folders_next_ms(struct worker *w)
{
	struct mirror *m = &w->mirror;

	return w->focus && m->inbox_ms < m->turn_ms ? m->inbox_ms : m->turn_ms;
}

static bool
next_of_turn(struct worker *w, folder_id *id)
{
	struct mirror *m = &w->mirror;
	struct arena a = {0};
	struct folder inbox;

	if (is_inbox_due(w)) {
		m->inbox_ms = now_ms() + INBOX_MS;
		bool has = store_folder_by_role(w->store, w->account, ROLE_INBOX, &a, &inbox);
		*id = has ? inbox.id : 0;
		arena_clear(&a);
		return has;
	}
	if (m->i_turn >= m->n_turn)
		begin_round(w);
	if (m->i_turn >= m->n_turn)
		return false;
	*id = m->turn[m->i_turn++];
	return true;
}

static enum err
take_counts(struct worker *w, struct folder *f, const struct folder_status *st, bool *changed,
	struct error *e)
{
	bool is_other = st->n_msgs != f->n_server || st->n_unread != f->n_server_unread;
	bool was_opened = f->uidvalidity != 0;

	if (was_opened && (st->uidnext != f->uidnext || st->n_msgs != f->n_server ||
	    st->uidvalidity != f->uidvalidity || st->n_unread != f->n_server_unread))
		mirror_todo(w, f->id);
	if (!is_other)
		return ERR_OK;
	if (!was_opened)
		f->n_server = st->n_msgs;	/* of an opened one, the sync says */
	f->n_server_unread = st->n_unread;
	*changed = true;
	return store_folder_state(w->store, f, e);
}

enum err
folders_turn(struct worker *w, struct error *e)
{
	struct arena a = {0};
	struct folder f;
	struct folder_status st = {0};
	folder_id id;
	bool changed = false;
	enum err rc = ERR_OK;

	if (w->mirror.has_counts && w->mirror.i_turn >= w->mirror.n_turn && !is_inbox_due(w))
		/* a round in one command, and new folders with it */
		return folders_list(w, e);
	if (!next_of_turn(w, &id) || id == w->mirror.open.id ||
	    !store_folder(w->store, id, &a, &f))
		goto out;
	rc = w->b->ops->status(w->b, f.wire, &st, e);
	if (rc == ERR_OK)
		rc = take_counts(w, &f, &st, &changed, e);
	else if (rc == ERR_FOLDER || rc == ERR_MSG || rc == ERR_UNSUPPORTED)
		rc = ERR_OK;			/* its counts stay what they were */
	if (changed)
		post_folders(w);
out:
	arena_clear(&a);
	return rc;
}
