/* local_messages.c - the messages of the open folder: what changed, summaries, bodies. */
#include <stdlib.h>
#include <string.h>

#include "local_int.h"
#include "mime.h"
#include "str.h"
#include "stub.h"

enum { LAZY_BYTES = 8 << 20, GUESS_BYTES = 8 << 10 };

enum err
local_up_to_date(struct local *l, struct error *e)
{
	if (!l->wire)
		return error_set(e, ERR_LOCAL, "no folder is open");
	return map_update(&l->map, e);
}

static void
all_uids(const struct map *m, struct uidset *out)
{
	for (size_t i = 0; i < m->n; i++)
		uidset_add(out, m->v[i].uid);
}

/* False: what is known is older than what the map remembers of its changes. */
static bool
tell_changes(struct local *l, const struct folder_known *known, const struct folder_sink *sink)
{
	struct map *m = &l->map;

	if (!known->modseq || known->modseq < m->since || known->modseq > m->generation)
		return false;
	for (uint32_t uid = 0; sink->flags && (uid = uidset_next(&m->changed, uid)) != 0;) {
		const struct map_entry *v = map_find(m, uid);
		if (v)
			sink->flags(sink->ctx, uid, v->flags & MSG_SERVER_FLAGS,
				m->generation);
	}
	if (sink->vanished && m->gone.n > 0)
		sink->vanished(sink->ctx, &m->gone);
	return true;
}

static void
tell_all(struct local *l, const struct folder_known *known, const struct folder_sink *sink)
{
	struct map *m = &l->map;
	struct uidset now = {0}, gone = {0};

	for (size_t i = 0; sink->flags && i < m->n; i++)
		sink->flags(sink->ctx, m->v[i].uid, m->v[i].flags & MSG_SERVER_FLAGS, 0);
	const struct uidset *were = sink->vanished && known ? folder_known_uids(known) : NULL;
	if (were) {
		all_uids(m, &now);
		uidset_minus(&gone, were, &now);
		if (gone.n > 0)
			sink->vanished(sink->ctx, &gone);
	}
	uidset_clear(&now);
	uidset_clear(&gone);
}

/* Nothing happened since: no more than the map's head is read. */
static bool
is_as_known(struct local *l, const struct folder_known *known, struct folder_status *st)
{
	struct map_counts c;

	if (!known || !known->modseq || l->map.is_loaded || !map_peek(&l->map, &c) ||
	    c.uidvalidity != known->uidvalidity || c.generation != known->modseq)
		return false;
	local_fill_counts(l, &c, st);
	return true;
}

enum err
local_open(struct backend *b, const char *wire, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, bool *delta, struct error *e)
{
	struct local *l = local_self(b);
	struct mbox_stamp now;
	char *path = local_path(l, wire, e);
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	*delta = false;
	local_finish(l);
	if (rc == ERR_OK && (!l->wire || !str_eq(l->wire, wire))) {
		ahead_stop(&l->ahead);
		map_clear(&l->map);
		map_init(&l->map, path, &l->maps);
		free(l->wire);
		l->wire = xstrdup(wire);
	}
	if (rc == ERR_OK && is_as_known(l, known, st)) {
		*delta = true;
		goto out;
	}
	if (rc == ERR_OK)
		rc = map_load(&l->map, e);
	if (rc == ERR_OK)
		rc = mbox_stamp(&now, path, e);
	/* A large file seen for the first time: its newest page is
	 * shown before it is scanned. */
	bool is_lazy = rc == ERR_OK && l->map.n == 0 && now.size_bytes > LAZY_BYTES;
	if (rc == ERR_OK && !is_lazy)
		rc = map_update(&l->map, e);
	local_fill_status(l, &l->map, st);
	if (is_lazy) {
		st->uidnext = map_first_uid(now.size_bytes, now.size_bytes);
		/* until it is scanned */
		st->n_msgs = (uint32_t)(now.size_bytes / GUESS_BYTES);
	}
	if (rc == ERR_OK && !is_lazy && known && known->uidvalidity == st->uidvalidity)
		*delta = tell_changes(l, known, sink);
out:
	free(path);
	return rc;
}

enum err
local_changes(struct backend *b, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, struct error *e)
{
	struct local *l = local_self(b);

	local_finish(l);
	enum err rc = local_up_to_date(l, e);
	if (rc != ERR_OK)
		return rc;
	if (!known || !tell_changes(l, known, sink))
		tell_all(l, known, sink);
	map_told(&l->map);
	local_fill_status(l, &l->map, st);
	return ERR_OK;
}

enum err
local_uids(struct backend *b, struct uidset *out, struct error *e)
{
	enum err rc = local_up_to_date(local_self(b), e);

	if (rc == ERR_OK)
		all_uids(&local_self(b)->map, out);
	return rc;
}

static bool
is_same_head(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	const struct map_entry **v = ctx;

	(void)head;
	(void)n_head;
	if (m->hash == (*v)->hash)
		*v = NULL;
	return false;
}

/* Such as after a power cut that took another program's mail and not the file's time. */
bool
local_is_misled(struct local *l, uint32_t uid)
{
	const struct map_entry *v = map_find(&l->map, uid), *left = v;

	return v && mbox_heads(l->map.path, &v->pos, 1, is_same_head, &left, l->cancel,
		NULL) == ERR_OK && left;
}

/* ---- summaries ---- */

struct summaries {
	uint64_t file_size;
	const struct folder_sink *sink;
	const struct wanted *v;		/* ascending by position */
	size_t n, next;
};

static void
tell_summary(const struct summaries *s, uint32_t uid, const struct mbox_msg *m,
	uint64_t end_pos, const char *head, size_t n_head)
{
	struct arena a = {0};
	struct msg out = {
		.id = uid, .arrived = m->arrived, .flags = m->flags & MSG_SERVER_FLAGS,
		.size_bytes = end_pos > m->head_pos ? end_pos - m->head_pos : 0,
		.pos_bytes = m->from_pos,
	};
	struct stub stub;

	mime_summary(&a, &out, head, n_head);
	if (stub_parse(&stub, head, n_head)) {
		out.flags |= MSG_HEADER_ONLY;
		out.size_bytes = stub.size_bytes;
	}
	s->sink->msg(s->sink->ctx, &out);
	arena_clear(&a);
}

static bool
visit_tail(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct summaries *s = ctx;

	tell_summary(s, map_first_uid(m->from_pos, s->file_size), m, m->end_pos, head, n_head);
	return true;
}

/* A message that is not where it was is passed over: the next look finds the file changed. */
static bool
visit_wanted(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct summaries *s = ctx;

	while (s->next < s->n && s->v[s->next].entry.pos < m->from_pos)
		s->next++;
	if (s->next < s->n && s->v[s->next].entry.pos == m->from_pos &&
	    s->v[s->next].entry.hash == m->hash)
		tell_summary(s, s->v[s->next].entry.uid, m, s->v[s->next].end_pos, head,
		n_head);
	return true;
}

static int
by_pos(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (x->entry.pos > y->entry.pos) - (x->entry.pos < y->entry.pos);
}

/* Where the message ends, by where the next one begins; an empty line stands between. Where
 * another program sorted the file, the size shown is a guess until the map is made anew. */
static uint64_t
end_of(const struct map *m, const struct map_entry *v)
{
	const struct map_entry *next = v + 1 < m->v + m->n ? v + 1 : NULL;
	uint64_t end = next && next->pos > v->pos ? next->pos : m->stamp.size_bytes;

	return end > v->pos ? end - 1 : v->pos;
}

struct wanted
local_wanted(const struct map *m, const struct map_entry *v)
{
	return (struct wanted){ .entry = *v, .end_pos = end_of(m, v) };
}

enum err
local_tell_wanted(const char *path, struct wanted *v, size_t n, const struct folder_sink *sink,
	const struct cancel *cancel, struct error *e)
{
	struct summaries s = { .sink = sink, .v = v, .n = n };
	uint64_t *pos = xcalloc(n + 1, sizeof *pos);

	if (n > 0)
		qsort(v, n, sizeof *v, by_pos);
	for (size_t i = 0; i < n; i++)
		pos[i] = v[i].entry.pos;
	enum err rc = mbox_heads(path, pos, n, visit_wanted, &s, cancel, e);
	free(pos);
	return rc;
}

/* Of a map that is up to date. */
static enum err
headers_of(const struct map *map, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct wanted *v = NULL;
	size_t n = 0, cap = 0;

	for (uint32_t uid = 0; (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *m = map_find(map, uid);
		if (!m)
			continue;
		v = array_grow(v, n, &cap, sizeof *v);
		v[n++] = local_wanted(map, m);
	}
	enum err rc = n > 0 ? local_tell_wanted(map->path, v, n, sink, map->maps->cancel, e)
		: ERR_OK;
	free(v);
	return rc;
}

enum err
local_headers(struct backend *b, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct local *l = local_self(b);
	struct uidset rest = {0};
	enum err rc = local_up_to_date(l, e);

	if (rc != ERR_OK)
		return rc;
	uidset_copy(&rest, uids);
	ahead_tell(&l->ahead, &l->map, &rest, sink);
	rc = headers_of(&l->map, &rest, sink, e);
	if (rc == ERR_OK)
		ahead_begin(&l->ahead, &l->map, uids);
	uidset_clear(&rest);
	return rc;
}

static enum err
newest_by_tail(struct local *l, uint32_t n, const struct folder_sink *sink, struct error *e)
{
	struct summaries s = { .sink = sink };
	struct mbox_stamp now;
	uint64_t from;
	enum err rc = mbox_stamp(&now, l->map.path, e);

	s.file_size = now.size_bytes;
	if (rc == ERR_OK)
		rc = mbox_tail(l->map.path, n, &from, e);
	return rc == ERR_OK ? mbox_scan(l->map.path, from, visit_tail, &s, l->cancel, e) : rc;
}

enum err
local_newest(struct backend *b, uint32_t n, const struct folder_sink *sink, struct error *e)
{
	struct local *l = local_self(b);
	struct uidset want = {0};

	if (l->wire && !l->map.is_current && l->map.n == 0)
		return newest_by_tail(l, n, sink, e);
	enum err rc = local_up_to_date(l, e);
	if (rc == ERR_OK) {
		for (size_t i = l->map.n > n ? l->map.n - n : 0; i < l->map.n; i++)
			uidset_add(&want, l->map.v[i].uid);
		rc = local_headers(b, &want, sink, e);
	}
	uidset_clear(&want);
	return rc;
}

/* ---- bodies ---- */

enum err
local_structure(struct backend *b, uint32_t uid, struct arena *a, struct part **root,
	struct error *e)
{
	(void)b;
	(void)uid;
	(void)a;
	*root = NULL;
	return error_set(e, ERR_UNSUPPORTED, "an mbox is read whole");
}

static enum err
to_sink(void *ctx, const void *p, size_t n, struct error *e)
{
	const struct byte_sink *sink = ctx;

	return sink->write(sink->ctx, p, n, e);
}

static enum err
fetch_once(struct local *l, uint32_t uid, const struct byte_sink *sink, struct error *e)
{
	enum err rc = local_up_to_date(l, e);

	if (rc != ERR_OK)
		return rc;
	const struct map_entry *m = map_find(&l->map, uid);
	if (!m)
		return error_set(e, ERR_MSG, "the message is no longer in the file");
	return mbox_read(l->map.path, m->pos, m->hash, to_sink, (void *)(uintptr_t)sink, e);
}

/* mbox_read has told nothing when it finds another message. */
enum err
local_fetch(struct backend *b, uint32_t uid, const char *section, const struct byte_sink *sink,
	struct error *e)
{
	struct local *l = local_self(b);

	if (*section)
		return error_set(e, ERR_UNSUPPORTED, "an mbox is read whole");
	enum err rc = fetch_once(l, uid, sink, e);
	if (rc != ERR_FOLDER || !l->wire || !local_is_misled(l, uid))
		return rc;
	map_distrust(&l->map);
	return fetch_once(l, uid, sink, e);
}

struct finder {
	const char *message_id;
	struct uidset *out;
};

static void
find_msg(void *ctx, const struct msg *m)
{
	struct finder *f = ctx;

	if (str_eq(m->message_id, f->message_id))
		uidset_add(f->out, (uint32_t)m->id);
}

enum err
local_arrivals(struct backend *b, const char *wire, uint32_t from,
	const struct folder_sink *sink, struct error *e)
{
	struct local *l = local_self(b);
	struct uidset uids = {0};
	struct map m;
	char *path = local_path(l, wire, e);

	if (!path)
		return ERR_FOLDER;
	map_init(&m, path, &l->maps);
	enum err rc = map_update(&m, e);
	for (size_t i = 0; rc == ERR_OK && i < m.n; i++) {
		if (m.v[i].uid >= from)
			uidset_add(&uids, m.v[i].uid);
	}
	if (rc == ERR_OK)
		rc = headers_of(&m, &uids, sink, e);
	uidset_clear(&uids);
	map_clear(&m);
	free(path);
	return rc;
}

enum err
local_find(struct backend *b, const char *wire, const char *message_id, uint32_t from,
	struct uidset *out, struct error *e)
{
	struct finder f = { .message_id = message_id, .out = out };
	struct folder_sink sink = { .ctx = &f, .msg = find_msg };

	return local_arrivals(b, wire, from, &sink, e);
}
