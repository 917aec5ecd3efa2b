/* intents.c - carries out what the person decided.
 *
 * An intent is marked running before the server hears of it and settled after the answer. One
 * that a crash or a cut leaves running may have been done. What of it is idempotent (flags,
 * removal) is simply done again; a copy or a move is looked for first (transfer.c). What the
 * server refuses of many is found out by refusal.c. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_act.h"
#include "log.h"
#include "replay.h"
#include "str.h"

enum {
	MAX_UNDO_LIST = 10000,
	NAMED = 3,			/* of what was refused, by subject */
	CLAIM_MS = 100,			/* between looks whether another
					 * process has finished */
	NEIGHBOUR_MS = 2000		/* decisions of another process are left
					 * to it for so long */
};

enum err
replay_running(struct replay *r, struct error *e)
{
	return store_intents_running(r->w->store, &r->b, r->dest_uidnext, e);
}

void
intents_ours(struct worker *w)
{
	w->is_replaying = true;
}

void
intents_theirs(struct worker *w)
{
	w->neighbour_ms = now_ms() + NEIGHBOUR_MS;
}

int64_t
intents_next_ms(const struct worker *w)
{
	int64_t next = w->replay_ms ? w->replay_ms : INT64_MAX;

	return w->neighbour_ms && w->neighbour_ms < next ? w->neighbour_ms : next;
}

/* What slices of a decision came to (refusal.c). */
static void
tell_sum(struct worker *w, const char *label)
{
	struct refused *sum = &w->refused;
	struct error note;

	error_set(&note, ERR_MSG, "%s: %s: the server refuses %llu of %llu: %s", w->conf->name,
		label, (unsigned long long)sum->n, (unsigned long long)sum->n_all,
		sum->why.text);
	if (sum->n > 0)
		worker_notice(w, &note);
	*sum = (struct refused){0};
}

/* What another process has decided it carries out itself, a burst of keys in one go;
 * only when it has not been heard of for a while (it has ended, or its server is out
 * of its reach) it is ours. */
static bool
is_ours(struct worker *w)
{
	if (!w->is_replaying && !w->neighbour_ms)
		intents_theirs(w);
	w->is_replaying = w->is_replaying || now_ms() >= w->neighbour_ms;
	return w->is_replaying;
}

bool
intents_due(struct worker *w)
{
	if (w->replay_ms && now_ms() < w->replay_ms)
		return false;
	w->replay_ms = 0;
	if (store_intents_pending(w->store, w->account) > store_carries_left(w->store,
	    w->account))
		return is_ours(w);
	if (w->refused.n_all > 0)		/* the rest was undone meanwhile */
		tell_sum(w, "refused");
	w->is_replaying = false;
	w->neighbour_ms = 0;
	return false;
}

/* The folder, and that it still is the mailbox the intent was made for. */
enum err
replay_open_source(struct replay *r, struct error *e)
{
	enum err rc = mirror_open(r->w, r->b.first.folder, e);

	if (rc == ERR_OK && r->w->mirror.open.id != r->b.first.folder)
		rc = error_set(e, ERR_FOLDER, "the server rebuilt this mailbox");
	return rc;
}

/* ---- kinds ---- */

static enum err
set_flags(struct replay *r, const struct uidset *uids, struct error *e)
{
	return r->w->b->ops->set_flags(r->w->b, uids, r->b.first.set, r->b.first.clear, e);
}

static enum err
do_flags(struct replay *r, struct error *e)
{
	enum err rc = replay_open_source(r, e);

	if (rc == ERR_OK)
		rc = replay_running(r, e);
	return rc != ERR_OK ? rc
		: replay_after(r, set_flags(r, &r->b.uids, e), set_flags, set_flags, e);
}

/* What stands in another account by now is marked where it cannot be removed, as in a move. */
static enum err
expunge(struct replay *r, const struct uidset *uids, struct error *e)
{
	struct backend *b = r->w->b;

	if (r->b.first.carried && !(b->caps & CAP_DELETE))
		return b->ops->set_flags(b, uids, MSG_DELETED, 0, e);
	return b->ops->expunge(b, uids, e);
}

static enum err
do_expunge(struct replay *r, struct error *e)
{
	enum err rc = replay_open_source(r, e);

	if (rc == ERR_OK)
		rc = replay_running(r, e);
	return rc != ERR_OK ? rc
		: replay_after(r, expunge(r, &r->b.uids, e), expunge, expunge, e);
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
	enum err rc = replay_running(r, e);

	if (rc != ERR_OK)
		return rc;
	if (w->mirror.open.id == r->source.id && r->b.first.kind != INTENT_FOLDER_CREATE)
		w->mirror.open.id = 0;
	switch (r->b.first.kind) {
	case INTENT_FOLDER_CREATE:
		rc = b->ops->folder_create(b, r->dest, e);
		return r->b.was_running && !link_is_lost(rc) && exists(r, r->dest)
			? ERR_OK : rc;
	case INTENT_FOLDER_RENAME:
		rc = b->ops->folder_rename(b, r->source.wire, r->dest, e);
		return r->b.was_running && !link_is_lost(rc) && !exists(r, r->source.wire) &&
			exists(r, r->dest) ? ERR_OK : rc;
	default:
		rc = b->ops->folder_delete(b, r->source.wire, e);
		return r->b.was_running && !link_is_lost(rc) && !exists(r, r->source.wire)
			? ERR_OK : rc;
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
		return replay_transfer(r, e);
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

static const char *
label_of(const struct replay *r)
{
	const char *label = r->b.first.label;

	return label && *label ? label : "refused";
}

/* What they are about, of a few of them. */
static void
name_some(const struct replay *r, const struct uidset *uids, struct str *out)
{
	struct arena a = {0};
	uint32_t uid = 0;
	struct msg m;

	for (int n = 0; n < NAMED && (uid = uidset_next(uids, uid)) != 0; n++) {
		if (store_msg(r->w->store, msg_id_of(r->b.first.folder, uid), &a, &m) &&
		    *m.subject)
			str_printf(out, "%s'%.60s'", out->len ? ", " : "", m.subject);
	}
	if (out->len && uidset_count(uids) > NAMED)
		str_puts(out, ", ...");
	arena_clear(&a);
}

static void
tell_refused(struct replay *r, uint64_t n, uint64_t n_all, const char *words,
	const struct uidset *which)
{
	struct str names = {0};
	struct error note;

	name_some(r, which, &names);
	error_set(&note, ERR_MSG, "%s: %s: the server refuses %llu of %llu: %s%s%s%s",
		r->w->conf->name, label_of(r), (unsigned long long)n,
		(unsigned long long)n_all, words, names.len ? " (" : "", str_get(&names),
		names.len ? ")" : "");
	worker_notice(r->w, &note);
	str_clear(&names);
}

/* Slices are told as one, when the last of them is over. */
static void
tell_slices(struct replay *r, uint64_t n, uint64_t n_all, const struct error *why)
{
	struct refused *sum = &r->w->refused;

	sum->n += n;
	sum->n_all += n_all;
	if (why)
		sum->why = *why;
	if (r->untried.n > 0)
		return;
	tell_sum(r->w, label_of(r));
}

static enum err
refused(struct replay *r, const struct error *why, struct error *e)
{
	struct error n;

	if (strstr(why->text, "[NOPERM]") && r->w->mirror.open.id == r->source.id)
		/* what we may do there has changed: it is opened anew */
		r->w->mirror.open.id = 0;
	error_set(&n, ERR_MSG, "%s: not done: %s: %s", r->w->conf->name, label_of(r),
		why->text);
	enum err rc = store_intents_refused(r->w->store, &r->b, why->text, e);
	if (r->w->refused.n_all > 0)		/* told when it is back in sight */
		tell_slices(r, uidset_count(&r->b.uids), uidset_count(&r->b.uids), why);
	else
		worker_notice(r->w, &n);
	return rc;
}

/* Some of the batch: it leaves the batch, the rest is done. */
static enum err
refused_some(struct replay *r, struct error *e)
{
	uint64_t n_all = uidset_count(&r->b.uids), n = 0;
	bool is_slice = r->untried.n > 0 || r->w->refused.n_all > 0;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < r->n_refusals && rc == ERR_OK; i++) {
		const struct refusal *no = &r->refusals[i];
		rc = store_intents_refused_some(r->w->store, &r->b, &no->uids, no->why.text,
			e);
		n += uidset_count(&no->uids);
		if (!is_slice)
			tell_refused(r, uidset_count(&no->uids), n_all, no->why.text,
				&no->uids);
	}
	if (is_slice)
		tell_slices(r, n, n_all, r->n_refusals ? &r->refusals[0].why : NULL);
	return rc;
}

/* The server does not say where messages went, or they may have left the index before we knew
 * that it was our doing: the rows come by a sync of the folder. */
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
	if (rc == ERR_OK && r->untried.n > 0)
		rc = store_intents_part(w->store, &r->b, &r->untried, e);
	if (rc == ERR_OK)
		rc = refused_some(r, e);
	if (r->dest && (r->b.was_running || r->map.n < uidset_count(&r->b.uids)))
		look_at_dest(r);
	if (rc == ERR_OK && r->b.n_ids > 0)
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
		/* running it was and running it stays, until it is looked into */
		kept = ERR_OK;
	} else if (rc == ERR_LOCAL) {
		kept = rc;
	} else {
		kept = refused(r, e, &local);
		rc = ERR_OK;
	}
	/* our disk: the intent stays, and is looked into after a while */
	if (kept != ERR_OK) {
		worker_notice(w, rc == kept ? e : &local);
		syncs_fail(w, rc == kept ? e : &local);
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
locate_one(struct replay *r, intent_id id, const struct intent_msg *m, uint32_t from,
	struct error *e)
{
	struct uidset found = {0};
	enum err rc = ERR_OK;

	if (*m->message_id)
		rc = r->w->b->ops->find(r->w->b, r->source.wire, m->message_id, from, &found,
			e);
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
			rc = error_set(e, ERR_MSG,
				"where the server put it cannot be found out");
	}
	return rc;
}

/* What the person calls a folder that is not listed becomes the name
 * the server knows it by. */
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

/* Where the cache was deleted the row of the folder comes back with
 * the list, and not before. */
static enum err
find_source(struct replay *r, struct error *e)
{
	struct worker *w = r->w;
	folder_id id = r->b.first.folder;
	enum err rc = ERR_OK;

	if (!id || store_folder(w->store, id, &r->arena, &r->source))
		return ERR_OK;
	if (!w->mirror.is_listed)
		rc = folders_list(w, e);
	if (rc == ERR_OK && !store_folder(w->store, id, &r->arena, &r->source))
		rc = error_set(e, ERR_FOLDER, "there is no such folder any more");
	return rc;
}

static enum err
prepare(struct replay *r, struct error *e)
{
	bool has_messages = r->b.first.kind < INTENT_FOLDER_CREATE;
	enum err found = find_source(r, e);

	if (found != ERR_OK)
		return found;
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
		/* pending, but not to be had: not a busy loop */
		w->replay_ms = now_ms() + 1000;
		return ERR_OK;
	}
	enum err rc = prepare(&r, e);
	if (rc == ERR_OK)
		rc = carry_out(&r, e);
	log_msg("%s: intent %lld (%s), %zu in one%s: %s", w->conf->name,
		(long long)r.b.first.id, r.b.first.label, r.b.n_ids,
		r.b.was_running ? ", perhaps done before" : "",
		r.is_waiting ? "not yet" : rc == ERR_OK ? "done" : e->text);
	if (rc != ERR_OK || !r.is_waiting)
		rc = settle(&r, rc, e);
	replay_clear(&r);
	return rc;
}

/* Two processes may have the store open; what one of them has begun the other would take for
 * what a crash left, and do again while it is being done. */
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
