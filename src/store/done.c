/* done.c - how an intent ends: carried out, refused, or put back.
 *
 * Carried out: the index first, then dunlin.db with the overlay. A crash between leaves the
 * intent running, and doing all of it once more changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "store_db.h"

enum err
store_intents_running(struct store *s, const struct intent_batch *b, uint32_t dest_uidnext,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < b->n_ids && rc == ERR_OK; i++)
		rc = db_run(s, e,
			"UPDATE intent SET state = 1, batch = ?1, dest_uidnext = ?2, folder ="
			" ?3, source = coalesce((SELECT wire FROM mailbox WHERE id = ?3),"
			" source) WHERE id = ?4 AND state <= 1",
			"iuui", b->ids[0], dest_uidnext, b->first.folder, b->ids[i]);
	return tx_close(s, rc, e);
}

enum err
store_intents_redirect(struct store *s, account_id account, const char *dest, const char *wire,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"UPDATE intent SET dest = ? WHERE account = ? AND dest = ? AND to_account = 0",
		"sus", wire, account, dest);
	if (rc == ERR_OK)
		rc = db_run(s, e, "UPDATE later SET dest = ? WHERE account = ? AND dest = ?",
			"sus", wire, account, dest);
	rc = tx_close(s, rc, e);
	return rc;
}

/* ---- where messages went ---- */

struct place {
	uint32_t from, to;
};

struct map {
	struct place *v;
	size_t n;
	folder_id dest;		/* 0: not known */
	bool is_dest_listed;	/* it has a row in the index */
};

static int
by_from(const void *a, const void *b)
{
	uint32_t x = ((const struct place *)a)->from, y = ((const struct place *)b)->from;

	return (x > y) - (x < y);
}

static enum err
map_init(struct map *m, struct store *s, const struct intent *in, const uint32_t *from,
	const uint32_t *to, size_t n, struct error *e)
{
	enum err rc = ERR_OK;

	*m = (struct map){0};
	if (in->kind != INTENT_MOVE && in->kind != INTENT_COPY)
		return ERR_OK;
	rc = folder_identity(s, in->account, in->dest, &m->dest, e);
	m->is_dest_listed = folder_current(s, in->account, in->dest) == m->dest;
	m->v = xcalloc(n, sizeof *m->v);
	for (size_t i = 0; i < n; i++) {
		if (from[i] && to[i])
			m->v[m->n++] = (struct place){ from[i], to[i] };
	}
	if (m->n)
		qsort(m->v, m->n, sizeof *m->v, by_from);
	return rc;
}

static msg_id
map_find(const struct map *m, msg_id id)
{
	struct place key = { msg_uid(id), 0 };
	struct place *p = m->n ? bsearch(&key, m->v, m->n, sizeof *m->v, by_from) : NULL;

	return p && m->dest ? msg_id_of(m->dest, p->to) : 0;
}

/* ---- the index ---- */

static enum err
carry_out_one(struct store *s, const struct intent *in, const struct map *m, msg_id id,
	struct error *e)
{
	msg_id to = m->is_dest_listed ? map_find(m, id) : 0;
	enum err rc = ERR_OK;

	if (in->kind == INTENT_FLAGS)
		return db_run(s, e, "UPDATE msg SET flags = (flags | ?) & ~? WHERE id = ?",
			"uui", in->set, in->clear, id);
	if (to)
		rc = msg_copy(s, id, to, e);
	if (rc == ERR_OK && in->kind != INTENT_COPY)
		rc = msg_remove_range(s, msg_folder(id), msg_uid(id), msg_uid(id), e);
	return rc;
}

static enum err
change_index(struct store *s, const struct intent_batch *b, const struct map *m,
	struct error *e)
{
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		return rc;
	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(&b->uids, uid)); )
		rc = carry_out_one(s, &b->first, m, msg_id_of(b->first.folder, uid), e);
	if (rc == ERR_OK && b->first.kind == INTENT_FOLDER_DELETE)
		rc = db_run(s, e, "UPDATE folder SET attrs = attrs | ? WHERE id = ?", "uu",
			(uint32_t)FOLDER_GONE, b->first.folder);
	return tx_close(s, rc, e);
}

static void
change_bodies(struct store *s, const struct intent_batch *b, const struct map *m)
{
	if (b->first.kind != INTENT_MOVE && b->first.kind != INTENT_EXPUNGE)
		return;
	for (uint32_t uid = 0; (uid = uidset_next(&b->uids, uid)); ) {
		msg_id id = msg_id_of(b->first.folder, uid),
		       to = m->is_dest_listed ? map_find(m, id) : 0;
		if (to)
			bodies_rename(s, id, to);
		else
			bodies_drop(s, b->first.folder, uid, uid);
	}
}

/* ---- dunlin.db ---- */

/* Whoever else speaks of the message, to be done or to be undone, finds it in its new place.
 */
static enum err
follow_move(struct store *s, msg_id from, msg_id to, const char *mid, struct error *e)
{
	enum err rc = db_run(s, e,
		"UPDATE intent_msg SET now = ?, mid = CASE mid WHEN '' THEN ? ELSE mid END"
		" WHERE now = ?",
		"isi", to, mid, from);

	if (rc == ERR_OK)
		rc = overlay_recompute(s, from, e);
	return rc == ERR_OK ? overlay_recompute(s, to, e) : rc;
}

static enum err
record_place(struct store *s, const struct intent *in, intent_id id,
	const struct intent_msg *im, const struct map *m, struct error *e)
{
	msg_id to = msg_folder(im->now) == in->folder ? map_find(m, im->now) : 0;
	enum err rc = ERR_OK;

	if (to)
		rc = db_run(s, e,
			"UPDATE intent_msg SET made = ? WHERE intent = ? AND msg = ?", "iii",
			to, id, im->origin);
	if (rc == ERR_OK && to && in->kind == INTENT_COPY)
		rc = db_run(s, e,
			"UPDATE intent_msg SET now = ?1 WHERE msg = ?2 AND intent IN (SELECT"
			" id FROM intent WHERE inverse_of = ?3 AND inverse_of > 0)",
			"iii", to, im->origin, id);
	if (rc == ERR_OK && in->kind == INTENT_MOVE && msg_folder(im->now) == in->folder)
		return follow_move(s, im->now, to, im->message_id, e);
	return rc == ERR_OK ? overlay_recompute(s, im->now, e) : rc;
}

/* Its undo, recorded while it ran, now knows where to look; of a copy nobody knows the place
 * of, none. */
static enum err
ready_inverse(struct store *s, const struct intent *in, intent_id id, const struct map *m,
	struct error *e)
{
	if (in->kind == INTENT_COPY && m->n == 0)
		return db_run(s, e,
			"UPDATE intent SET state = 3, error = 'the server does not say where"
			" the copies are' WHERE inverse_of = ? AND inverse_of > 0 AND state ="
			" 0",
			"i", id);
	if (in->kind != INTENT_MOVE && in->kind != INTENT_COPY)
		return ERR_OK;
	return db_run(s, e,
		"UPDATE intent SET folder = ? WHERE inverse_of = ? AND inverse_of > 0 AND"
		" state = 0",
		"ui", m->dest, id);
}

static enum err
end_one(struct store *s, const struct intent *in, intent_id id, const struct map *m,
	struct error *e)
{
	struct arena a = {0};
	struct intent_msg *msgs;
	size_t n = store_intent_messages(s, id, &a, &msgs);
	enum err rc = db_run(s, e,
		"UPDATE intent SET state = CASE WHEN is_undone THEN 4 ELSE 2 END WHERE id = ?"
		" AND state <= 1",
		"i", id);

	if (rc == ERR_OK)
		rc = ready_inverse(s, in, id, m, e);
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = record_place(s, in, id, &msgs[i], m, e);
	arena_clear(&a);
	return rc;
}

/* In transactions of some hundred messages, which a key does not notice that it waits for. */
static enum err
end_all(struct store *s, const struct intent_batch *b, const struct map *m, struct error *e)
{
	size_t n_msgs = 0;
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < b->n_ids && rc == ERR_OK; i++) {
		if (n_msgs >= LATER_MSGS) {
			n_msgs = 0;
			if ((rc = tx_close(s, rc, e)) != ERR_OK ||
			    (rc = tx_open(s, DB_DATA, e)) != ERR_OK)
				return rc;
		}
		n_msgs += (size_t)db_int(s, "SELECT n_msgs FROM intent WHERE id = ?", "i",
			b->ids[i]);
		rc = end_one(s, &b->first, b->ids[i], m, e);
	}
	return tx_close(s, rc, e);
}

enum err
store_intents_done(struct store *s, const struct intent_batch *b, const uint32_t *from,
	const uint32_t *to, size_t n_map, struct error *e)
{
	struct map m;
	enum err rc = map_init(&m, s, &b->first, from, to, n_map, e);

	if (rc == ERR_OK)
		rc = change_index(s, b, &m, e);
	if (rc != ERR_OK)
		goto out;
	change_bodies(s, b, &m);
	rc = end_all(s, b, &m, e);
out:
	free(m.v);
	return rc;
}

/* ---- not carried out ---- */

/* An inverse of what was not done has nothing to do. */
static enum err
cancel_inverse(struct store *s, intent_id id, struct error *e)
{
	intent_id inverse = db_int(s,
		"SELECT id FROM intent WHERE inverse_of = ? AND inverse_of > 0 AND state = 0",
		"i", id);
	enum err rc = ERR_OK;

	while (inverse && rc == ERR_OK) {
		rc = db_run(s, e, "UPDATE intent SET state = 4 WHERE id = ?", "i", inverse);
		if (rc == ERR_OK)
			rc = overlay_recompute_intent(s, inverse, e);
		inverse = db_int(s,
			"SELECT id FROM intent WHERE inverse_of = ? AND inverse_of > 0 AND"
			" state = 0",
			"i", id);
	}
	return rc;
}

static enum err
give_up_one(struct store *s, intent_id id, const char *sql, const char *why, struct error *e)
{
	enum err rc = db_run(s, e, sql, "is", id, why);

	if (rc == ERR_OK)
		rc = cancel_inverse(s, id, e);
	return rc == ERR_OK ? overlay_recompute_intent(s, id, e) : rc;
}

enum err
store_intents_refused(struct store *s, const struct intent_batch *b, const char *why,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < b->n_ids && rc == ERR_OK; i++)
		rc = give_up_one(s, b->ids[i],
			"UPDATE intent SET state = 3, error = ?2 WHERE id = ?1 AND state <= 1",
			why, e);
	return tx_close(s, rc, e);
}

/* Does the batch take that message of the intent along, and is it refused? */
static bool
is_among(const struct intent_batch *b, const struct intent_msg *im, const struct uidset *uids)
{
	return im->now && msg_folder(im->now) == b->first.folder &&
		uidset_has(uids, msg_uid(im->now));
}

/* An intent like that one, without messages. */
static enum err
add_alike(struct store *s, intent_id of, enum intent_state state, const char *why,
	intent_id *id, struct error *e)
{
	enum err rc = db_run(s, e,
		"INSERT INTO intent (grp, account, kind, state, folder, source, dest, "
		"set_bits, clear_bits, created, n_tries, dest_uidnext, inverse_of, label, "
		"error) "
		"SELECT grp, account, kind, ?3, folder, source, dest, "
		"set_bits, clear_bits, created, n_tries, dest_uidnext, inverse_of, label, "
		"?2 FROM intent WHERE id = ?1", "isu", of, why, (uint32_t)state);

	*id = sqlite3_last_insert_rowid(s->db->h);
	return rc;
}

/* What was not done needs no undoing. */
static enum err
move_refused(struct store *s, intent_id from, intent_id to, const struct intent_msg *im,
	struct error *e)
{
	enum err rc = db_run(s, e,
		"UPDATE intent_msg SET intent = ? WHERE intent = ? AND msg = ?", "iii", to,
		from, im->origin);

	if (rc == ERR_OK)
		rc = db_run(s, e,
			"DELETE FROM intent_msg WHERE msg = ? AND intent IN "
			"(SELECT id FROM intent "
			"WHERE inverse_of = ? AND inverse_of > 0 AND state = 0)",
			"ii", im->origin, from);
	return rc == ERR_OK ? overlay_recompute(s, im->now, e) : rc;
}

static enum err
count_again(struct store *s, intent_id id, struct error *e)
{
	return db_run(s, e, "UPDATE intent SET n_msgs = (SELECT count(*) FROM intent_msg WHERE"
		" intent = intent.id) WHERE id = ?1 OR (inverse_of = ?1 AND inverse_of > 0)",
		"i", id);
}

/* *is_all: nothing of it is left. */
static enum err
refuse_some_of(struct store *s, const struct intent_batch *b, intent_id id,
	const struct uidset *uids, const char *why, bool *is_all, struct error *e)
{
	struct arena a = {0};
	struct intent_msg *msgs;
	size_t n = store_intent_messages(s, id, &a, &msgs), n_refused = 0;
	intent_id refused;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n; i++)
		n_refused += is_among(b, &msgs[i], uids);
	*is_all = n > 0 && n_refused == n;
	if (*is_all)
		rc = give_up_one(s, id,
			"UPDATE intent SET state = 3, error = ?2 WHERE id = ?1 AND state <= 1",
			why, e);
	if (*is_all || n_refused == 0)
		goto out;
	rc = add_alike(s, id, INTENT_REFUSED, why, &refused, e);
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		if (is_among(b, &msgs[i], uids))
			rc = move_refused(s, id, refused, &msgs[i], e);
	}
	if (rc == ERR_OK)
		rc = count_again(s, id, e);
	if (rc == ERR_OK)
		rc = count_again(s, refused, e);
out:
	arena_clear(&a);
	return rc;
}

enum err
store_intents_refused_some(struct store *s, struct intent_batch *b, const struct uidset *uids,
	const char *why, struct error *e)
{
	intent_id *left = xcalloc(b->n_ids, sizeof *left);
	size_t n = 0;
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		goto out;
	for (size_t i = 0; i < b->n_ids && rc == ERR_OK; i++) {
		bool is_all = false;
		rc = refuse_some_of(s, b, b->ids[i], uids, why, &is_all, e);
		if (!is_all)
			left[n++] = b->ids[i];
	}
	rc = tx_close(s, rc, e);
	if (rc != ERR_OK)
		goto out;
	memcpy(b->ids, left, n * sizeof *left);
	b->n_ids = n;
	uidset_subtract(&b->uids, uids);
out:
	free(left);
	return rc;
}

/* Messages of the intent *id that are in `rest` stay in it, to be done; the others of the
 * batch go into one of their own, which *id becomes; 0: there are none. */
static enum err
part_one(struct store *s, const struct intent_batch *b, const struct uidset *rest,
	intent_id *id, struct error *e)
{
	struct arena a = {0};
	struct intent_msg *msgs;
	intent_id of = *id;
	size_t n = store_intent_messages(s, of, &a, &msgs), n_rest = 0;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n; i++)
		n_rest += is_among(b, &msgs[i], rest);
	if (n_rest == 0)
		goto out;
	*id = 0;
	if (n_rest < n)
		rc = add_alike(s, of, INTENT_RUNNING, "", id, e);
	for (size_t i = 0; i < n && *id && rc == ERR_OK; i++) {
		if (is_among(b, &msgs[i], &b->uids) && !is_among(b, &msgs[i], rest))
			rc = db_run(s, e,
				"UPDATE intent_msg SET intent = ? "
				"WHERE intent = ? AND msg = ?", "iii", *id, of,
				msgs[i].origin);
	}
	if (rc == ERR_OK && *id)
		rc = count_again(s, *id, e);
	if (rc == ERR_OK)
		rc = count_again(s, of, e);
	if (rc == ERR_OK)
		rc = db_run(s, e, "UPDATE intent SET state = 0 WHERE id = ? AND state = 1",
			"i", of);
out:
	arena_clear(&a);
	return rc;
}

bool
store_intents_can_part(const struct store *s, const struct intent_batch *b)
{
	bool can = true;

	for (size_t i = 0; i < b->n_ids && can; i++)
		can = !db_int(s,
			"SELECT count(*) FROM intent "
			"WHERE (inverse_of = ?1 AND inverse_of > 0) "
			"OR (id = ?1 AND (is_undone OR inverse_of > 0 OR carried > 0))",
			"i", b->ids[i]);
	return can;
}

enum err
store_intents_part(struct store *s, struct intent_batch *b, const struct uidset *rest,
	struct error *e)
{
	size_t n = 0;
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < b->n_ids && rc == ERR_OK; i++) {
		intent_id id = b->ids[i];
		rc = part_one(s, b, rest, &id, e);
		if (id)
			b->ids[n++] = id;
	}
	b->n_ids = n;
	rc = tx_close(s, rc, e);
	uidset_subtract(&b->uids, rest);
	return rc;
}

/* One that was undone while it ran is not tried again, nor its inverse. */
enum err
store_intents_retry(struct store *s, const struct intent_batch *b, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < b->n_ids && rc == ERR_OK; i++) {
		bool is_undone =
			db_int(s, "SELECT is_undone FROM intent WHERE id = ?", "i", b->ids[i])
			!= 0;
		rc = is_undone ? give_up_one(s, b->ids[i],
			     "UPDATE intent SET state = 4 WHERE id = ?1"
			     " AND state <= 1 AND ?2 = ''",
			     "", e)
			       : db_run(s, e,
				       "UPDATE intent SET state = 0, n_tries = n_tries + 1 "
				       "WHERE id = ?"
				       " AND state <= 1",
				       "i", b->ids[i]);
	}
	return tx_close(s, rc, e);
}
