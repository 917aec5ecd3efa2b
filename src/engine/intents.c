/* intents.c - carries out what the person decided.
 *
 * An intent is marked running before the server hears of it and settled after the answer. One that a
 * crash or a cut leaves running may have been done. What of it is idempotent
 * (flags, removal) is simply done again. A copy or a move is looked for first: a message is
 * there already when a UID of the destination, given since the uidnext that was recorded before, has its
 * Message-ID. Rather done twice than not at all, where neither can be told. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_act.h"
#include "log.h"
#include "str.h"
#include "worker.h"

enum {
	MAX_UNDO_LIST = 10000,
	CLAIM_MS = 100			/* between looks whether another process has finished */
};

struct replay {
	struct worker *w;
	struct arena arena;
	struct intent_batch b;
	struct folder source;		/* id 0: it has none (folder acts) */
	char *dest;			/* the wire name; NULL: none */
	const char *dest_name;		/* what the person calls it, if it was not listed; else NULL */
	uint32_t dest_uidnext;
	struct uid_map map;		/* where messages went, as far as is known */
};

bool
intents_due(struct worker *w)
{
	if (w->replay_ms && now_ms() < w->replay_ms)
		return false;
	w->replay_ms = 0;
	return store_intents_pending(w->store, w->account) > 0;
}

static void
map_add(struct uid_map *m, uint32_t from, uint32_t to)
{
	m->from = xreallocarray(m->from, m->n + 1, sizeof *m->from);
	m->to = xreallocarray(m->to, m->n + 1, sizeof *m->to);
	m->from[m->n] = from;
	m->to[m->n++] = to;
}

static void
map_append(struct uid_map *m, const struct uid_map *more)
{
	for (size_t i = 0; i < more->n; i++)
		map_add(m, more->from[i], more->to[i]);
}

static enum err
running(struct replay *r, struct error *e)
{
	return store_intents_running(r->w->store, &r->b, r->dest_uidnext, e);
}

/* The folder, and that it still is the mailbox the intent was made for. */
static enum err
open_source(struct replay *r, struct error *e)
{
	enum err rc = mirror_open(r->w, r->b.first.folder, e);

	if (rc == ERR_OK && r->w->mirror.open.id != r->b.first.folder)
		rc = error_set(e, ERR_FOLDER, "the server rebuilt this mailbox");
	return rc;
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
	if (rc == ERR_OK && !r->b.was_running)
		r->dest_uidnext = st.uidnext;
	else if (rc == ERR_OK && r->b.first.dest_uidnext)
		r->dest_uidnext = r->b.first.dest_uidnext;
	return rc == ERR_UNSUPPORTED ? ERR_OK : rc;
}

/* ---- was it done before the link broke? ---- */

/* A message of the batch, where it was to be taken from. */
struct look {
	uint32_t uid;
	const char *message_id;
};

static size_t
batch_messages(struct replay *r, struct look **out)
{
	struct look *v = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < r->b.n_ids; i++) {
		struct intent_msg *msgs;
		size_t n_msgs = store_intent_messages(r->w->store, r->b.ids[i], &r->arena, &msgs);
		for (size_t k = 0; k < n_msgs; k++) {
			if (msg_folder(msgs[k].now) != r->b.first.folder)
				continue;
			v = array_grow(v, n, &cap, sizeof *v);
			v[n++] = (struct look){ msg_uid(msgs[k].now), msgs[k].message_id };
		}
	}
	*out = v;
	return n;
}

/* Several messages may have one Message-ID: none of them counts as arrived before all have. */
static bool
have_all_arrived(const struct look *v, size_t n, const char *message_id, const struct uidset *found)
{
	uint64_t n_same = 0;

	for (size_t i = 0; i < n; i++)
		n_same += str_eq(v[i].message_id, message_id);
	return found->n > 0 && uidset_count(found) >= n_same;
}

static uint32_t
first_not_mapped(const struct uid_map *m, const struct uidset *found)
{
	for (uint32_t uid = 0; (uid = uidset_next(found, uid)) != 0;) {
		size_t i = 0;
		while (i < m->n && m->to[i] != uid)
			i++;
		if (i == m->n)
			return uid;
	}
	return 0;
}

/* Which of `present` have arrived in the destination already. */
static enum err
find_copied(struct replay *r, const struct uidset *present, struct uidset *copied, struct error *e)
{
	struct look *v;
	size_t n = batch_messages(r, &v);
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		struct uidset found = {0};
		if (!uidset_has(present, v[i].uid) || !*v[i].message_id)
			continue;
		rc = r->w->b->ops->find(r->w->b, r->dest, v[i].message_id, r->dest_uidnext, &found, e);
		if (rc == ERR_OK && have_all_arrived(v, n, v[i].message_id, &found)) {
			uint32_t to = first_not_mapped(&r->map, &found);
			uidset_add(copied, v[i].uid);
			if (to)
				map_add(&r->map, v[i].uid, to);
		}
		uidset_clear(&found);
	}
	free(v);
	if (rc != ERR_OK)
		return rc;
	r->w->mirror.open.id = 0;	/* looking may have opened another folder */
	return open_source(r, e);
}

static enum err
find_present(struct replay *r, struct uidset *present, struct error *e)
{
	struct uidset there = {0};
	enum err rc = r->w->b->ops->uids(r->w->b, &there, e);

	if (rc == ERR_OK)
		uidset_and(present, &r->b.uids, &there);
	uidset_clear(&there);
	return rc;
}

/* ---- kinds ---- */

/* A server may refuse a whole command because another client removed one of its messages meanwhile
 * (RFC 5530, EXPUNGEISSUED): it is asked again about those that are left, for as long as they get
 * fewer. Otherwise it was a refusal. */
static enum err
try_rest(struct replay *r, enum err rc, enum err (*rest)(struct replay *, const struct uidset *,
	struct error *), struct error *e)
{
	uint64_t n = uidset_count(&r->b.uids);
	struct uidset present = {0};
	struct error why;

	while (rc == ERR_MSG) {
		why = *e;
		rc = find_present(r, &present, e);
		if (rc != ERR_OK)
			break;
		if (uidset_count(&present) >= n) {
			*e = why;
			rc = ERR_MSG;
			break;
		}
		n = uidset_count(&present);
		rc = n ? rest(r, &present, e) : ERR_OK;
	}
	uidset_clear(&present);
	return rc;
}

static enum err
set_flags(struct replay *r, const struct uidset *uids, struct error *e)
{
	return r->w->b->ops->set_flags(r->w->b, uids, r->b.first.set, r->b.first.clear, e);
}

static enum err
do_flags(struct replay *r, struct error *e)
{
	enum err rc = open_source(r, e);

	if (rc == ERR_OK)
		rc = running(r, e);
	return rc != ERR_OK ? rc : try_rest(r, set_flags(r, &r->b.uids, e), set_flags, e);
}

static enum err
expunge(struct replay *r, const struct uidset *uids, struct error *e)
{
	return r->w->b->ops->expunge(r->w->b, uids, e);
}

static enum err
do_expunge(struct replay *r, struct error *e)
{
	enum err rc = open_source(r, e);

	if (rc == ERR_OK)
		rc = running(r, e);
	return rc != ERR_OK ? rc : try_rest(r, expunge(r, &r->b.uids, e), expunge, e);
}

static enum err
transfer(struct replay *r, const struct uidset *uids, struct error *e)
{
	struct backend *b = r->w->b;
	struct uid_map map = {0};
	enum err rc = r->b.first.kind == INTENT_MOVE
		? b->ops->move(b, uids, r->dest, &map, e)
		: b->ops->copy(b, uids, r->dest, &map, e);

	if (rc == ERR_OK)
		map_append(&r->map, &map);
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

/* Some of it may have been done: what arrived is only removed from the source (move), the rest is
 * transferred. */
static enum err
transfer_rest(struct replay *r, const struct uidset *present, struct error *e)
{
	struct uidset copied = {0}, rest = {0};
	enum err rc = ERR_OK;

	if (present->n > 0 && r->dest_uidnext)
		rc = find_copied(r, present, &copied, e);
	if (rc == ERR_OK && copied.n > 0 && r->b.first.kind == INTENT_MOVE)
		rc = remove_originals(r, &copied, e);
	uidset_minus(&rest, present, &copied);
	if (rc == ERR_OK && rest.n > 0)
		rc = transfer(r, &rest, e);
	uidset_clear(&copied);
	uidset_clear(&rest);
	return rc;
}

/* After a cut. */
static enum err
transfer_present(struct replay *r, struct error *e)
{
	struct uidset present = {0};
	enum err rc = find_present(r, &present, e);

	if (rc == ERR_OK)
		rc = transfer_rest(r, &present, e);
	uidset_clear(&present);
	return rc;
}

static enum err
do_transfer(struct replay *r, struct error *e)
{
	bool was_begun = r->b.was_running;
	enum err rc = find_dest(r, e);

	if (rc == ERR_OK)
		rc = open_source(r, e);
	if (rc == ERR_OK)
		rc = running(r, e);
	if (rc != ERR_OK)
		return rc;
	rc = was_begun ? transfer_present(r, e) : transfer(r, &r->b.uids, e);
	return try_rest(r, rc, transfer_rest, e);
}

static bool
exists(struct replay *r, const char *wire)
{
	struct folder_status st;
	struct error e;

	return r->w->b->ops->status(r->w->b, wire, &st, &e) == ERR_OK;
}

/* Folder acts are not idempotent by themselves, but what they bring about can be seen. */
static enum err
do_folder(struct replay *r, struct error *e)
{
	struct backend *b = r->w->b;
	struct worker *w = r->w;
	enum err rc = running(r, e);

	if (rc != ERR_OK)
		return rc;
	if (w->mirror.open.id == r->source.id && r->b.first.kind != INTENT_FOLDER_CREATE)
		w->mirror.open.id = 0;
	switch (r->b.first.kind) {
	case INTENT_FOLDER_CREATE:
		rc = b->ops->folder_create(b, r->dest, e);
		return r->b.was_running && !link_is_lost(rc) && exists(r, r->dest) ? ERR_OK : rc;
	case INTENT_FOLDER_RENAME:
		rc = b->ops->folder_rename(b, r->source.wire, r->dest, e);
		return r->b.was_running && !link_is_lost(rc) && !exists(r, r->source.wire) &&
			exists(r, r->dest) ? ERR_OK : rc;
	default:
		rc = b->ops->folder_delete(b, r->source.wire, e);
		return r->b.was_running && !link_is_lost(rc) && !exists(r, r->source.wire) ? ERR_OK : rc;
	}
}

static enum err
carry_out(struct replay *r, struct error *e)
{
	switch (r->b.first.kind) {
	case INTENT_FLAGS:
		return do_flags(r, e);
	case INTENT_MOVE:
	case INTENT_COPY:
		return do_transfer(r, e);
	case INTENT_EXPUNGE:
		return do_expunge(r, e);
	case INTENT_FOLDER_CREATE:
	case INTENT_FOLDER_RENAME:
	case INTENT_FOLDER_DELETE:
		return do_folder(r, e);
	}
	return error_set(e, ERR_UNSUPPORTED, "unknown intent");
}

/* ---- the answer ---- */

static void
tell(struct replay *r)
{
	struct worker *w = r->w;
	struct folder dest;

	if (r->source.id)
		post_folder(w, r->source.id, 0);
	if (r->dest && store_folder_by_wire(w->store, w->account, r->dest, &r->arena, &dest))
		post_folder(w, dest.id, 0);
	post_folders(w);
}

static enum err
refused(struct replay *r, const struct error *why, struct error *e)
{
	struct error n;
	const char *label = r->b.first.label;

	error_set(&n, ERR_MSG, "%s: %s: %s", r->w->conf->name, label && *label ? label : "refused",
		why->text);
	enum err rc = store_intents_refused(r->w->store, &r->b, why->text, e);
	worker_notice(r->w, &n);
	return rc;
}

/* The server does not say where messages went: the rows come by a sync of the folder. */
static void
look_at_dest(struct replay *r)
{
	struct folder dest;

	if (store_folder_by_wire(r->w->store, r->w->account, r->dest, &r->arena, &dest) &&
	    (dest.uidvalidity || r->w->n_syncs > 0))
		mirror_todo(r->w, dest.id);
}

static enum err
done(struct replay *r, struct error *e)
{
	struct worker *w = r->w;
	enum err rc = ERR_OK;

	if (r->b.first.kind == INTENT_FOLDER_RENAME)
		rc = store_folder_rename(w->store, r->source.id, r->dest,
			r->dest_name ? r->dest_name : r->dest, e);
	if (r->b.first.kind >= INTENT_FOLDER_CREATE)
		w->mirror.is_listed = false;
	if (r->dest && r->map.n < uidset_count(&r->b.uids))
		look_at_dest(r);
	if (rc == ERR_OK)
		rc = store_intents_done(w->store, &r->b, r->map.from, r->map.to, r->map.n, e);
	return rc;
}

static enum err
settle(struct replay *r, enum err rc, struct error *e)
{
	struct worker *w = r->w;
	struct error local = {0};
	enum err kept;

	if (rc == ERR_OK) {
		rc = kept = done(r, e);
	} else if (link_is_lost(rc)) {
		kept = ERR_OK;		/* running it was and running it stays, until it is looked into */
	} else if (rc == ERR_LOCAL) {
		kept = rc;
	} else {
		kept = refused(r, e, &local);
		rc = ERR_OK;
	}
	if (kept != ERR_OK) {		/* our disk: the intent stays, and is looked into after a while */
		worker_notice(w, rc == kept ? e : &local);
		worker_fail_syncs(w, rc == kept ? e : &local);
		w->replay_ms = now_ms() + 5000;
	}
	tell(r);
	return link_is_lost(rc) ? rc : ERR_OK;
}

/* ---- undo of what nobody knows the place of ---- */

static uint32_t
uidnext_before(struct replay *r, intent_id id)
{
	struct intent *v;
	size_t n = store_intents(r->w->store, MAX_UNDO_LIST, &r->arena, &v);

	for (size_t i = 0; i < n; i++) {
		if (v[i].id == id)
			return v[i].dest_uidnext;
	}
	return 0;
}

static enum err
locate_one(struct replay *r, intent_id id, const struct intent_msg *m, uint32_t from, struct error *e)
{
	struct uidset found = {0};
	enum err rc = ERR_OK;

	if (*m->message_id)
		rc = r->w->b->ops->find(r->w->b, r->source.wire, m->message_id, from, &found, e);
	if (rc == ERR_OK && found.n > 0)
		rc = store_intent_found(r->w->store, id, m->origin,
			msg_id_of(r->source.id, uidset_max(&found)), e);
	uidset_clear(&found);
	return rc;
}

/* The messages of a batch whose UIDs no server told: they are looked for where they were put.
 * The batch is read again with what was found. */
static enum err
locate(struct replay *r, struct error *e)
{
	struct worker *w = r->w;
	bool is_missing = false;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < r->b.n_ids && rc == ERR_OK; i++) {
		struct intent_msg *msgs;
		size_t n = store_intent_messages(w->store, r->b.ids[i], &r->arena, &msgs);
		uint32_t from = n ? uidnext_before(r, r->b.first.inverse_of) : 0;
		for (size_t k = 0; k < n && rc == ERR_OK; k++) {
			if (msgs[k].now)
				continue;
			is_missing = true;
			rc = locate_one(r, r->b.ids[i], &msgs[k], from, e);
		}
	}
	if (is_missing) {
		w->mirror.open.id = 0;
		intent_batch_clear(&r->b);
		if (rc == ERR_OK && !store_intent_next(w->store, w->account, &r->arena, &r->b))
			rc = error_set(e, ERR_LOCAL, "an intent went away");
		if (rc == ERR_OK && r->b.uids.n == 0)
			rc = error_set(e, ERR_MSG, "where the server put it cannot be found out");
	}
	return rc;
}

/* What the person calls a folder that is not listed becomes the name the server knows it by. */
static enum err
translate_dest(struct replay *r, struct error *e)
{
	struct worker *w = r->w;
	const char *name = act_dest_name(r->b.first.dest);
	enum err rc = ERR_OK;

	r->dest = name ? w->b->ops->wire_name(w->b, name) : xstrdup(r->b.first.dest);
	if (name) {
		r->dest_name = arena_strdup(&r->arena, name);
		rc = store_intents_redirect(w->store, w->account, r->b.first.dest, r->dest, e);
		r->b.first.dest = arena_strdup(&r->arena, r->dest);
	}
	return rc;
}

static enum err
prepare(struct replay *r, struct error *e)
{
	struct worker *w = r->w;
	bool has_messages = r->b.first.kind < INTENT_FOLDER_CREATE;

	if (r->b.first.folder && !store_folder(w->store, r->b.first.folder, &r->arena, &r->source))
		return error_set(e, ERR_FOLDER, "there is no such folder any more");
	if (*r->b.first.dest) {
		enum err rc = translate_dest(r, e);
		if (rc != ERR_OK)
			return rc;
	}
	return has_messages && r->b.first.inverse_of ? locate(r, e) : ERR_OK;
}

static enum err
step(struct worker *w, struct error *e)
{
	struct replay r = { .w = w };

	if (!store_intent_next(w->store, w->account, &r.arena, &r.b)) {
		w->replay_ms = now_ms() + 1000;		/* pending, but not to be had: not a busy loop */
		return ERR_OK;
	}
	enum err rc = prepare(&r, e);
	if (rc == ERR_OK)
		rc = carry_out(&r, e);
	log_msg("%s: intent %lld (%s), %zu in one%s: %s", w->conf->name, (long long)r.b.first.id,
		r.b.first.label, r.b.n_ids, r.b.was_running ? ", perhaps done before" : "",
		rc == ERR_OK ? "done" : e->text);
	rc = settle(&r, rc, e);
	uid_map_clear(&r.map);
	free(r.dest);
	intent_batch_clear(&r.b);
	arena_clear(&r.arena);
	return rc;
}

/* Two processes may have the store open; what one of them has begun the other would take for what
 * a crash left, and do again while it is being done. */
enum err
intents_step(struct worker *w, struct error *e)
{
	int claim = store_intents_claim(w->store, w->account);

	if (claim < 0) {
		w->replay_ms = now_ms() + CLAIM_MS;
		return ERR_OK;
	}
	enum err rc = step(w, e);
	close(claim);
	return rc;
}
