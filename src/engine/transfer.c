/* transfer.c - carries out copies and moves, and finds out how far one got that was cut off.
 *
 * A copy done twice is mail doubled, a move taken for done that was not is mail lost. So
 * before one goes out the destination's next UID is recorded, and one that a cut or a crash
 * interrupted is looked for there first: by Message-ID, among what came in since.
 *
 * What is not there yet may still come: a server that was cut off while it copies goes on
 * copying, and shows nothing of it before the end. So what is missing counts as not done
 * only when source and destination have stayed as they are for a while, longer the more
 * messages there are. A server that is slower than that doubles; then of two messages that
 * are alike, and of which we know by COPYUID that we made the second, the second is removed;
 * anything less sure is told. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "replay.h"
#include "str.h"

enum {
	FIRST_PAUSE_MS = 200,		/* between looks; each next one is twice as long */
	MAX_PAUSE_MS = 5000,
	MSGS_A_SETTLE = 200,		/* so many messages make the wait
					 * longer by settle_ms */
	MAX_THERE = 100000		/* of what a server shows in the destination */
};

static void
map_add(struct uid_map *m, uint32_t from, uint32_t to)
{
	m->from = xreallocarray(m->from, m->n + 1, sizeof *m->from);
	m->to = xreallocarray(m->to, m->n + 1, sizeof *m->to);
	m->from[m->n] = from;
	m->to[m->n++] = to;
}

/* ---- the destination ---- */

static bool
is_listed(struct replay *r)
{
	struct folder f;

	return store_folder_by_wire(r->w->store, r->w->account, r->dest, &r->arena, &f) &&
	    !(f.attrs & FOLDER_GONE);
}

/* Its next UID, so that what comes in from now on can be told from what was there; it is made
 * when it is not there. */
static enum err
find_dest(struct replay *r, struct error *e)
{
	struct backend *b = r->w->b;
	struct folder_status st = {0};
	enum err rc = b->ops->status(b, r->dest, &st, e);

	if ((rc == ERR_FOLDER || rc == ERR_MSG) && (b->caps & CAP_FOLDERS)) {
		rc = b->ops->folder_create(b, r->dest, e);
		if (rc == ERR_OK)
			rc = b->ops->status(b, r->dest, &st, e);
	}
	if (rc == ERR_OK && !is_listed(r))
		rc = folders_list(r->w, e);	/* so that the rows have where to go */
	if (rc == ERR_OK)
		r->dest_st = st;
	if (rc == ERR_OK && !r->b.was_running)
		r->dest_uidnext = st.uidnext;
	else if (rc == ERR_OK && r->b.first.dest_uidnext)
		r->dest_uidnext = r->b.first.dest_uidnext;
	return rc == ERR_UNSUPPORTED ? ERR_OK : rc;
}

/* ---- what came into it ---- */

/* A message of the batch in the source, or one in the destination. */
struct seen {
	uint32_t uid;
	const char *message_id;
	uint64_t size_bytes;
	int64_t arrived;
};

struct look {
	struct replay *r;
	struct arena arena;
	struct seen *wanted, *there;	/* the batch; what is in the destination
					 * and may be of it */
	size_t n_wanted, cap_wanted, n_there, cap_there;
};

static void
look_clear(struct look *l)
{
	free(l->wanted);
	free(l->there);
	arena_clear(&l->arena);
}

/* The batch, but for messages without a Message-ID: those cannot be looked for. */
static void
look_init(struct look *l, struct replay *r)
{
	*l = (struct look){ .r = r };
	for (size_t i = 0; i < r->b.n_ids; i++) {
		struct intent_msg *msgs;
		size_t n = store_intent_messages(r->w->store, r->b.ids[i], &l->arena, &msgs);
		for (size_t k = 0; k < n; k++) {
			if (msg_folder(msgs[k].now) != r->b.first.folder ||
			    !*msgs[k].message_id)
				continue;
			l->wanted = array_grow(l->wanted, l->n_wanted, &l->cap_wanted,
				sizeof *l->wanted);
			l->wanted[l->n_wanted++] = (struct seen){ msg_uid(msgs[k].now),
				msgs[k].message_id, msgs[k].size_bytes, msgs[k].arrived };
		}
	}
}

static size_t
count_id(const struct seen *v, size_t n, const char *message_id)
{
	size_t n_same = 0;

	for (size_t i = 0; i < n; i++)
		n_same += strcmp(v[i].message_id, message_id) == 0;
	return n_same;
}

static void
note_arrival(void *ctx, const struct msg *m)
{
	struct look *l = ctx;

	if (!*m->message_id || l->n_there >= MAX_THERE ||
	    !count_id(l->wanted, l->n_wanted, m->message_id))
		return;
	l->there = array_grow(l->there, l->n_there, &l->cap_there, sizeof *l->there);
	l->there[l->n_there++] = (struct seen){ (uint32_t)m->id,
		arena_strdup(&l->arena, m->message_id), m->size_bytes, m->arrived };
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t x = ((const struct seen *)a)->uid, y = ((const struct seen *)b)->uid;

	return (x > y) - (x < y);
}

/* Looks into the destination. The source is no longer open then, and opening
 * it takes in what went away. */
static enum err
look_there(struct look *l, struct error *e)
{
	struct replay *r = l->r;
	struct folder_sink sink = { .ctx = l, .msg = note_arrival };

	l->n_there = 0;
	if (!r->dest_uidnext || l->n_wanted == 0)
		return ERR_OK;
	enum err rc = r->w->b->ops->arrivals(r->w->b, r->dest, r->dest_uidnext, &sink, e);
	r->w->mirror.open.id = 0;
	if (l->n_there)
		qsort(l->there, l->n_there, sizeof *l->there, by_uid);
	return rc;
}

static bool
is_mapped(const struct uid_map *m, uint32_t to)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->to[i] == to)
			return true;
	}
	return false;
}

static uint32_t
first_not_mapped(const struct look *l, const char *message_id)
{
	for (size_t i = 0; i < l->n_there; i++) {
		if (strcmp(l->there[i].message_id, message_id) == 0 &&
		    !is_mapped(&l->r->map, l->there[i].uid))
			return l->there[i].uid;
	}
	return 0;
}

/* Which of `present` have arrived. Several messages may have one Message-ID: none of them
 * counts as arrived before all have. */
static void
find_copied(struct look *l, const struct uidset *present, struct uidset *copied)
{
	for (size_t i = 0; i < l->n_wanted; i++) {
		const struct seen *w = &l->wanted[i];
		size_t n = count_id(l->there, l->n_there, w->message_id);
		if (n == 0 || n < count_id(l->wanted, l->n_wanted, w->message_id) ||
		    !uidset_has(present, w->uid))
			continue;
		uint32_t to = first_not_mapped(l, w->message_id);
		uidset_add(copied, w->uid);
		if (to)
			map_add(&l->r->map, w->uid, to);
	}
}

/* ---- is the server still at it? ---- */

/* True when nothing moved for long enough since the link broke; else
 * when to look again is set. */
static bool
has_settled(struct replay *r, const struct look *l, uint64_t n_missing)
{
	struct worker *w = r->w;
	struct settle *s = &w->settle, now = {
		.id = r->b.ids[0], .uidnext = r->dest_st.uidnext, .n_msgs = r->dest_st.n_msgs,
		.n_missing = n_missing, .since_ms = now_ms(), .pause_ms = FIRST_PAUSE_MS,
	};
	int64_t quiet_ms = w->settle_ms +
		w->settle_ms * (int64_t)uidset_count(&r->b.uids) / MSGS_A_SETTLE;

	if (s->id != now.id) {
		if (w->lost_ms && l->n_there == 0)
			/* that was the last it can have heard of us */
			now.since_ms = w->lost_ms;
		*s = now;
	} else if (s->uidnext != now.uidnext || s->n_msgs != now.n_msgs ||
	    s->n_missing != n_missing) {
		*s = now;
	}
	int64_t left = s->since_ms + quiet_ms - now_ms();
	if (left <= 0)
		return true;
	w->replay_ms = now_ms() + (s->pause_ms < left ? s->pause_ms : left);
	s->pause_ms = s->pause_ms * 2 < MAX_PAUSE_MS ? s->pause_ms * 2 : MAX_PAUSE_MS;
	log_msg("%s: %llu messages are not in %s yet: looking again for %lld ms",
		w->conf->name, (unsigned long long)n_missing, r->dest, (long long)left);
	return false;
}

/* ---- doubles ---- */

static bool
are_alike(const struct seen *a, const struct seen *b)
{
	return a->size_bytes == b->size_bytes && a->arrived == b->arrived &&
		strcmp(a->message_id, b->message_id) == 0;
}

/* How many more of it than there should be are in the destination. */
static size_t
count_surplus(const struct look *l, const struct seen *m)
{
	size_t n = 0, n_wanted = 0;

	for (size_t i = 0; i < l->n_there; i++)
		n += are_alike(&l->there[i], m);
	for (size_t i = 0; i < l->n_wanted; i++)
		n_wanted += are_alike(&l->wanted[i], m);
	return n > n_wanted ? n - n_wanted : 0;
}

/* The lowest of its like that is nobody's: what the first command made. */
static uint32_t
first_of_its_like(const struct look *l, const struct seen *m)
{
	for (size_t i = 0; i < l->n_there; i++) {
		if (are_alike(&l->there[i], m) && !is_mapped(&l->r->map, l->there[i].uid))
			return l->there[i].uid;
	}
	return 0;
}

static void
forget_there(struct look *l, uint32_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_there; i++) {
		if (l->there[i].uid != uid)
			l->there[n++] = l->there[i];
	}
	l->n_there = n;
}

/* Those that our second command made (`rest`) of what the first had made as well. The one with
 * the lower UID stays, whoever else may be looking at them in the same way. */
static void
find_doubles(struct look *l, const struct uidset *rest, struct uidset *doubles)
{
	struct uid_map *map = &l->r->map;

	for (size_t i = 0; i < map->n; i++) {
		size_t k = 0;
		while (k < l->n_wanted && l->wanted[k].uid != map->from[i])
			k++;
		if (k == l->n_wanted || !uidset_has(rest, map->from[i]) ||
		    !count_surplus(l, &l->wanted[k]))
			continue;
		uint32_t first = first_of_its_like(l, &l->wanted[k]);
		if (first && first < map->to[i]) {
			uidset_add(doubles, map->to[i]);
			forget_there(l, map->to[i]);
			map->to[i] = first;
		}
	}
}

static size_t
count_doubles(const struct look *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_wanted; i++) {
		size_t first = 0;
		while (!are_alike(&l->wanted[first], &l->wanted[i]))
			first++;
		n += first == i ? count_surplus(l, &l->wanted[i]) : 0;
	}
	return n;
}

static void
tell_doubles(struct replay *r, uint64_t n)
{
	struct error why;
	const char *name = r->dest_name ? r->dest_name : r->dest;
	struct folder f;

	if (store_folder_by_wire(r->w->store, r->w->account, r->dest, &r->arena, &f))
		name = f.name;
	error_set(&why, ERR_MSG,
		"%s: the connection broke in the middle: %llu message%s may be twice in "
		"'%s' now", r->w->conf->name, (unsigned long long)n, n == 1 ? "" : "s", name);
	worker_notice(r->w, &why);
}

/* In the mailbox in which they were found, and only there. */
static enum err
remove_doubles(struct replay *r, const struct uidset *doubles, struct error *e)
{
	struct backend *b = r->w->b;
	struct folder_sink nothing = {0};
	struct folder_status st = {0};
	bool is_delta;

	r->w->mirror.open.id = 0;
	enum err rc = b->ops->open(b, r->dest, NULL, &nothing, &st, &is_delta, e);
	if (rc == ERR_OK && st.uidvalidity != r->dest_st.uidvalidity)
		rc = error_set(e, ERR_FOLDER, "it was rebuilt");
	return rc == ERR_OK ? b->ops->expunge(b, doubles, e) : rc;
}

/* What was done again may have been done by then after all. */
static enum err
drop_doubles(struct look *l, const struct uidset *rest, struct error *e)
{
	struct replay *r = l->r;
	struct uidset doubles = {0};
	enum err rc = look_there(l, e);

	if (rc == ERR_OK && (r->w->b->caps & CAP_DELETE))
		find_doubles(l, rest, &doubles);
	uint64_t n = uidset_count(&doubles), n_left = rc == ERR_OK ? count_doubles(l) : 0;
	if (rc == ERR_OK && n > 0) {
		log_msg("%s: removing %llu of our own copies from %s: there are others by now",
			r->w->conf->name, (unsigned long long)n, r->dest);
		rc = remove_doubles(r, &doubles, e);
	}
	if (rc != ERR_OK && !link_is_lost(rc)) {
		n_left += n;
		rc = ERR_OK;
	}
	if (n_left > 0)
		tell_doubles(r, n_left);
	uidset_clear(&doubles);
	return rc;
}

/* ---- doing it ---- */

static enum err
transfer(struct replay *r, const struct uidset *uids, struct error *e)
{
	struct backend *b = r->w->b;
	struct uid_map map = {0};
	enum err rc = r->b.first.kind == INTENT_MOVE
		? b->ops->move(b, uids, r->dest, &map, e)
		: b->ops->copy(b, uids, r->dest, &map, e);

	for (size_t i = 0; rc == ERR_OK && i < map.n; i++)
		map_add(&r->map, map.from[i], map.to[i]);
	uid_map_clear(&map);
	return rc;
}

/* The second half of a move whose first was done. Where single messages cannot be removed the
 * originals are marked, as the backend does in a move that is not cut. */
static enum err
remove_originals(struct replay *r, const struct uidset *copied, struct error *e)
{
	struct backend *b = r->w->b;

	return b->caps & CAP_DELETE ? b->ops->expunge(b, copied, e)
		: b->ops->set_flags(b, copied, MSG_DELETED, 0, e);
}

/* Some of it may have been done: what arrived is only removed from the source (move), the rest
 * is transferred. After a cut (`may_wait`) only when the server has surely come to rest. */
static enum err
transfer_rest_of(struct replay *r, const struct uidset *present, bool may_wait,
	struct error *e)
{
	struct uidset copied = {0}, rest = {0};
	struct look l;
	enum err rc = ERR_OK;

	look_init(&l, r);
	if (present->n > 0 && (rc = look_there(&l, e)) == ERR_OK)
		rc = replay_open_source(r, e);
	if (rc != ERR_OK)
		goto out;
	find_copied(&l, present, &copied);
	uidset_minus(&rest, present, &copied);
	if (may_wait && rest.n > 0 && !has_settled(r, &l, uidset_count(&rest))) {
		r->is_waiting = true;
		goto out;
	}
	if (copied.n > 0 && r->b.first.kind == INTENT_MOVE)
		rc = remove_originals(r, &copied, e);
	if (rc == ERR_OK && rest.n > 0)
		rc = transfer(r, &rest, e);
	if (rc == ERR_OK && may_wait && rest.n > 0)
		rc = drop_doubles(&l, &rest, e);
	else if (rc == ERR_OK && may_wait && count_doubles(&l) > 0)
		tell_doubles(r, count_doubles(&l));
out:
	look_clear(&l);
	uidset_clear(&copied);
	uidset_clear(&rest);
	return rc;
}

static enum err
transfer_rest(struct replay *r, const struct uidset *present, struct error *e)
{
	return transfer_rest_of(r, present, false, e);
}

/* After a cut. */
static enum err
transfer_again(struct replay *r, struct error *e)
{
	struct uidset present = {0};
	enum err rc = replay_find_present(r, &present, e);

	if (rc == ERR_OK)
		rc = transfer_rest_of(r, &present, true, e);
	uidset_clear(&present);
	return rc;
}

enum err
replay_transfer(struct replay *r, struct error *e)
{
	bool was_begun = r->b.was_running;
	enum err rc = find_dest(r, e);

	if (rc == ERR_OK)
		rc = replay_open_source(r, e);
	if (rc == ERR_OK)
		rc = replay_running(r, e);
	if (rc != ERR_OK)
		return rc;
	rc = was_begun ? transfer_again(r, e) : transfer(r, &r->b.uids, e);
	return replay_after(r, rc, transfer_rest, transfer, e);
}
