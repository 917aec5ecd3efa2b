/* rows.c - see rows.h. A callback runs in the middle of a command, so it only
 * collects; the store is written two thousand rows at a time, and no transaction is open
 * while the network is waited for. */
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "str.h"

enum { FLAGS_AT_A_TIME = 1000 };

/* ---- rows ---- */

static void
rows_flush(struct rows *r)
{
	if (r->n == 0 || r->rc != ERR_OK)
		return;
	r->rc = store_msgs_put(r->w->store, r->v, r->n, &r->e);
	r->n_put += r->n;
	r->n = 0;
	arena_clear(&r->arena);
}

void
rows_add(void *ctx, const struct msg *m)
{
	struct rows *r = ctx;

	if (r->rc != ERR_OK || msg_uid(m->id) == 0)
		return;
	r->v = array_grow(r->v, r->n, &r->cap, sizeof *r->v);
	struct msg *c = &r->v[r->n++];
	*c = *m;
	c->id = msg_id_of(r->folder, msg_uid(m->id));
	c->thread = 0;
	c->flags &= ~(uint32_t)MSG_PENDING;
	msg_keep_strings(c, &r->arena);
	if (r->new_from && msg_uid(m->id) >= r->new_from && !(m->flags & MSG_SEEN))
		r->n_new++;
	if (r->n == COMMIT || r->arena.used_bytes >= COMMIT_BYTES)
		rows_flush(r);
}

enum err
rows_end(struct rows *r, enum err rc, struct error *e)
{
	rows_flush(r);
	arena_clear(&r->arena);
	free(r->v);
	r->v = NULL;
	r->cap = 0;
	if (rc == ERR_OK && r->rc != ERR_OK) {
		*e = r->e;
		rc = r->rc;
	}
	return rc;
}

/* ---- flags and absence ---- */

static int
by_uid(const void *a, const void *b)
{
	const struct flag_change *x = a, *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* Keeps those that differ from the index: a server without CONDSTORE
 * tells the flags of all. */
static size_t
only_changed(struct gather *g)
{
	struct uid_flags have[64];
	size_t n_have = 0, i = 0, n = 0;

	qsort(g->v, g->n, sizeof *g->v, by_uid);
	for (size_t k = 0; k < g->n; k++) {
		while (i < n_have && have[i].uid < g->v[k].uid)
			i++;
		if (i == n_have) {
			n_have = store_uid_flags(g->w->store, g->folder, g->v[k].uid,
				LEN(have), have);
			i = 0;
		}
		if (i < n_have && have[i].uid == g->v[k].uid &&
		    have[i].flags != (g->v[k].flags & MSG_SERVER_FLAGS))
			g->v[n++] = g->v[k];
	}
	return n;
}

void
gather_flush(struct gather *g)
{
	struct store *s = g->w->store;
	size_t n = g->n && g->rc == ERR_OK ? only_changed(g) : 0;

	g->n = 0;
	for (size_t i = 0; i < n && g->rc == ERR_OK;) {
		g->rc = store_begin(s, &g->e);
		size_t end = i + COMMIT < n ? i + COMMIT : n;
		for (; i < end && g->rc == ERR_OK; i++)
			g->rc = store_msg_flags(s, msg_id_of(g->folder, g->v[i].uid),
				g->v[i].flags & MSG_SERVER_FLAGS, g->v[i].modseq, &g->e);
		if (g->rc == ERR_OK)
			g->rc = store_commit(s, &g->e);
		else
			store_rollback(s);
	}
	g->has_changed = g->has_changed || n > 0;
}

void
gather_flags(void *ctx, uint32_t uid, uint32_t flags, uint64_t modseq)
{
	struct gather *g = ctx;

	g->v = array_grow(g->v, g->n, &g->cap, sizeof *g->v);
	g->v[g->n++] = (struct flag_change){ .uid = uid, .flags = flags, .modseq = modseq };
	if (!g->is_held && g->n >= FLAGS_AT_A_TIME)
		gather_flush(g);
}

void
gather_vanished(void *ctx, const struct uidset *uids)
{
	struct gather *g = ctx;

	for (size_t i = 0; i < uids->n; i++)
		uidset_add_range(&g->gone, uids->ranges[i].lo, uids->ranges[i].hi);
}

void
gather_clear(struct gather *g)
{
	free(g->v);
	uidset_clear(&g->gone);
}
