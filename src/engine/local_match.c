/* local_match.c - a map brought up to date with its mbox.
 *
 * Another program may have appended, deleted, sorted or changed flags. Appended: the
 * newest messages we know are still where they were, and the scan begins at the last of
 * them. Anything else: all is scanned, and each message found takes the UID of the known
 * one with its hash, in file order; what has none is new. So a flag that mutt set costs
 * a scan, never an identity. */
#include <stdlib.h>
#include <string.h>

#include "local_map.h"
#include "str.h"

enum { RECENT = 200 };

/* ---- matching ---- */

struct fresh {
	struct map_entry *v;
	size_t n, cap;
};

static bool
collect(void *ctx, const struct mbox_msg *msg, const char *head, size_t n_head)
{
	struct fresh *f = ctx;

	(void)head;
	(void)n_head;
	f->v = array_grow(f->v, f->n, &f->cap, sizeof f->v[0]);
	f->v[f->n++] = (struct map_entry){ .pos = msg->from_pos, .hash = msg->hash,
		.flags = msg->flags };
	return true;
}

static int
by_hash_then_uid(const void *a, const void *b)
{
	const struct map_entry *x = a, *y = b;

	return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash)
		: (x->uid > y->uid) - (x->uid < y->uid);
}

static int
by_uid(const void *a, const void *b)
{
	const struct map_entry *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* Sorting takes memory: not when it is sorted. */
static void
sort(struct map_entry *v, size_t n, int (*order)(const void *, const void *))
{
	bool is_sorted = true;

	for (size_t i = 1; i < n && is_sorted; i++)
		is_sorted = order(&v[i - 1], &v[i]) <= 0;
	if (!is_sorted)
		qsort(v, n, sizeof *v, order);
}

/* The first of the entries with that hash that is not taken (uid 0):
 * those that are stand before. */
static struct map_entry *
first_with_hash(struct map_entry *v, size_t n, uint64_t hash)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v[mid].hash < hash || (v[mid].hash == hash && v[mid].uid == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo].hash == hash ? &v[lo] : NULL;
}

/* Gives what was found the UIDs of what was known; both may hold a hash several times. What is
 * left in m->v with a UID is gone. */
static void
match(struct map *m, struct fresh *f, uint64_t file_size)
{
	bool is_first = m->n == 0 && m->uidnext == 1;

	sort(m->v, m->n, by_hash_then_uid);
	for (size_t i = 0; i < f->n; i++) {
		struct map_entry *k = first_with_hash(m->v, m->n, f->v[i].hash);
		if (k) {
			if (k->flags != f->v[i].flags)
				uidset_add(&m->changed, k->uid);
			f->v[i].uid = k->uid;
			k->uid = 0;
			continue;
		}
		f->v[i].uid = is_first ? map_first_uid(f->v[i].pos, file_size) : m->uidnext;
		if (f->v[i].uid >= m->uidnext)
			m->uidnext = f->v[i].uid + 1;
		if (!is_first)
			uidset_add(&m->changed, f->v[i].uid);
	}
	sort(m->v, m->n, by_uid);		/* a set is filled fast only upwards */
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].uid)
			uidset_add(&m->gone, m->v[i].uid);
	}
	sort(f->v, f->n, by_uid);
}

/* ---- what was only appended ---- */

static const struct map_entry *
last_by_position(const struct map *m)
{
	const struct map_entry *last = NULL;

	for (size_t i = 0; i < m->n; i++) {
		if (!last || m->v[i].pos > last->pos)
			last = &m->v[i];
	}
	return last;
}

struct recheck {
	struct map *m;
	size_t i, n_same;
};

static bool
recheck_visit(void *ctx, const struct mbox_msg *msg, const char *head, size_t n_head)
{
	struct recheck *r = ctx;
	struct map_entry *v = &r->m->v[r->i++];

	(void)head;
	(void)n_head;
	if (v->pos != msg->from_pos || v->hash != msg->hash)
		return false;
	if (v->flags != msg->flags)
		uidset_add(&r->m->changed, v->uid);
	v->flags = msg->flags;
	r->n_same++;
	return true;
}

/* The newest are where they were? Their flags are taken in: whoever
 * appended may have marked, too. */
static bool
is_as_it_was(struct map *m)
{
	uint64_t pos[RECENT];
	size_t from = m->n > RECENT ? m->n - RECENT : 0;
	struct recheck r = { .m = m, .i = from };

	for (size_t i = from; i < m->n; i++)
		pos[i - from] = m->v[i].pos;
	return mbox_heads(m->path, pos, m->n - from, recheck_visit, &r, m->maps->cancel,
		NULL) == ERR_OK && r.n_same == m->n - from;
}

/* True when the file only grew: the tail, scanned from the last
 * message known, begins with it. */
static bool
try_tail(struct map *m, const struct mbox_stamp *now)
{
	const struct map_entry *last = last_by_position(m);
	struct fresh f = {0};
	bool grew = false;

	if (last && now->inode == m->stamp.inode && now->size_bytes > m->stamp.size_bytes &&
	    is_as_it_was(m) &&
	    mbox_scan(m->path, last->pos, collect, &f, m->maps->cancel, NULL) == ERR_OK &&
	    f.n > 0 && f.v[0].hash == last->hash) {
		for (size_t i = 1; i < f.n; i++) {
			m->v = array_grow(m->v, m->n, &m->cap, sizeof m->v[0]);
			f.v[i].uid = m->uidnext++;
			uidset_add(&m->changed, f.v[i].uid);
			m->v[m->n++] = f.v[i];
		}
		grew = true;
	}
	free(f.v);
	return grew;
}

/* Puts b behind a. */
static void
join(struct fresh *a, struct fresh *b)
{
	if (b->n > 0) {
		a->v = xrealloc(a->v, (a->n + b->n) * sizeof *a->v);
		memcpy(a->v + a->n, b->v, b->n * sizeof *b->v);
		a->n = a->cap = a->n + b->n;
	}
	free(b->v);
	*b = (struct fresh){0};
}

static enum err
collect_all(struct fresh *f, const struct map *m, struct error *e)
{
	struct fresh parts[MBOX_PARTS] = {0};
	void *ctx[MBOX_PARTS];

	for (size_t i = 0; i < MBOX_PARTS; i++)
		ctx[i] = &parts[i];
	enum err rc = mbox_scan_parts(m->path, collect, ctx, MBOX_PARTS, m->maps->cancel, e);
	*f = parts[0];
	for (size_t i = 1; i < MBOX_PARTS; i++)
		join(f, &parts[i]);
	return rc;
}

static enum err
scan_all(struct map *m, const struct mbox_stamp *now, struct error *e)
{
	struct fresh f;
	enum err rc = collect_all(&f, m, e);

	if (rc != ERR_OK) {
		free(f.v);
		return rc;
	}
	match(m, &f, now->size_bytes);
	free(m->v);
	m->v = f.v;
	m->n = f.n;
	m->cap = f.cap;
	return ERR_OK;
}

static enum err
update(struct map *m, struct error *e)
{
	struct mbox_stamp now;
	size_t n_before;

	map_read(m);
	enum err rc = mbox_stamp(&now, m->path, e);
	m->is_current = rc == ERR_OK && mbox_stamp_is_same(&now, &m->stamp);
	if (rc != ERR_OK || m->is_current)
		return rc;
	rc = mbox_stamp_settled(&now, m->path, e);
	n_before = m->n;
	bool is_first = m->n == 0 && m->uidnext == 1;
	bool is_tail = rc == ERR_OK && try_tail(m, &now);
	if (rc == ERR_OK && !is_tail)
		rc = scan_all(m, &now, e);
	if (rc != ERR_OK)
		return rc;
	m->stamp = now;
	m->is_current = m->has_news = true;
	map_count_unread(m);
	rc = is_tail ? map_save_changed(m, &m->changed, n_before, e) : map_save_whole(m, e);
	if (is_first)
		map_told(m);
	return rc;
}

enum err
map_update(struct map *m, struct error *e)
{
	enum err rc = maps_enter(m->maps, e);

	if (rc == ERR_OK) {
		rc = update(m, e);
		maps_leave(m->maps);
	}
	return rc;
}

/* ---- our own changes ---- */

static bool
is_known(const struct mbox_stamp *stamp)
{
	return stamp->inode != 0;
}

enum err
map_marked(struct map *m, const struct uidset *uids, const uint32_t *flags,
	const struct mbox_stamp *stamp, struct error *e)
{
	size_t i = 0;

	if (!is_known(stamp))
		return map_update(m, e);
	for (uint32_t uid = 0; (uid = uidset_next(uids, uid)) != 0; i++) {
		struct map_entry *v = map_find(m, uid);
		m->n_unread += !(flags[i] & MSG_SEEN);
		m->n_unread -= !(v->flags & MSG_SEEN);
		v->flags = flags[i];
		uidset_add(&m->changed, uid);
	}
	m->stamp = *stamp;
	return map_save_changed(m, uids, m->n, e);
}

/* The others moved up by what was taken out before them. False: they do not stand in the file
 * as their UIDs ascend, or something does not add up. */
static bool
close_gaps(struct map *m, const struct uidset *uids, const struct mbox_stamp *stamp)
{
	uint64_t shift = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		uint64_t next = i + 1 < m->n ? m->v[i + 1].pos : m->stamp.size_bytes;
		if (next < m->v[i].pos)
			return false;
		if (uidset_has(uids, m->v[i].uid))
			shift += next - m->v[i].pos;
	}
	if (m->stamp.size_bytes - shift != stamp->size_bytes)
		return false;
	shift = 0;
	for (size_t i = 0; i < m->n; i++) {
		uint64_t next = i + 1 < m->n ? m->v[i + 1].pos : m->stamp.size_bytes;
		if (uidset_has(uids, m->v[i].uid)) {
			shift += next - m->v[i].pos;
			uidset_add(&m->gone, m->v[i].uid);
		} else {
			m->v[n] = m->v[i];
			m->v[n++].pos -= shift;
		}
	}
	m->n = n;
	return true;
}

enum err
map_removed(struct map *m, const struct uidset *uids, const struct mbox_stamp *stamp,
	struct error *e)
{
	if (!is_known(stamp) || !close_gaps(m, uids, stamp))
		return map_update(m, e);
	m->stamp = *stamp;
	map_count_unread(m);
	return map_save_whole(m, e);
}
