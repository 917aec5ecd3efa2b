/* undo.c - the newest group back.
 *
 * What has not begun vanishes. What runs or is done gets its inverse: of flags, only the bits
 * that really changed, message by message; of a move, the way back from wherever the message
 * is by now; of a copy, the removal of the copies, and only when the server said which they
 * are. An inverse is an intent like others, but not itself undone. */
#include <stdio.h>
#include <stdlib.h>

#include "store_db.h"

enum { UNDO_AT_ONCE = 1000 };	/* messages; the rest later */

struct undo {
	struct store *s;
	int64_t group;		/* of the inverses; 0 until there is one */
	size_t n_undone;
	const char *why_not;	/* why some of it cannot be undone */
};

/* Of intent_msg: not deleted for good since (or about to be). */
#define NOT_PURGED \
	" AND NOT EXISTS (SELECT 1 FROM intent_msg p JOIN intent ON intent.id = p.intent" \
	" WHERE p.now = intent_msg.now AND p.now <> 0 AND kind = 3 AND state <= 2)"

static enum err
vanish(struct undo *u, const struct intent *in, struct error *e)
{
	enum err rc = db_run(u->s, e,
		"UPDATE intent SET state = 4, is_undone = 1 WHERE id = ?", "i", in->id);

	u->n_undone++;
	if (rc == ERR_OK && (in->to_account || in->carried))
		rc = carry_stop(u->s, in->id, e);
	return rc == ERR_OK ? overlay_recompute_intent(u->s, in->id, e) : rc;
}

static enum err
begin_inverse(struct undo *u, const struct intent *of, struct intent *inverse, intent_id *id,
	struct error *e)
{
	inverse->group = u->group;
	inverse->account = of->account;
	inverse->inverse_of = of->id;
	inverse->label = of->label;
	enum err rc = intent_insert(u->s, inverse, id, e);
	if (!u->group)
		u->group = *id;
	u->n_undone++;
	return rc;
}

static enum err
end_inverse(struct undo *u, intent_id id, struct error *e)
{
	enum err rc = db_run(u->s, e, "UPDATE intent SET n_msgs ="
		" (SELECT count(*) FROM intent_msg WHERE intent = ?1) WHERE id = ?1", "i", id);

	return rc == ERR_OK ? overlay_recompute_intent(u->s, id, e) : rc;
}

/* Nothing can be done any more about messages of a mailbox that the server made anew. */
static bool
is_rebuilt(struct undo *u, folder_id folder)
{
	bool is_old =
		db_int(u->s, "SELECT is_old FROM mailbox WHERE id = ?", "u", folder) != 0;

	if (is_old)
		u->why_not = "the server rebuilt the mailbox";
	return is_old;
}

static void
look_for_purged(struct undo *u, const struct intent *in)
{
	int64_t n_all = db_int(u->s, "SELECT count(*) FROM intent_msg WHERE intent = ?", "i",
		in->id);
	int64_t n = db_int(u->s, "SELECT count(*) FROM intent_msg WHERE intent = ?" NOT_PURGED,
		"i", in->id);

	if (n < n_all)
		u->why_not = "it is deleted for good";
}

/* One inverse for each folder and set of bits there is: of one keypress, one to four. */
static enum err
undo_flags(struct undo *u, const struct intent *in, struct error *e)
{
	struct store *s = u->s;
	enum err rc = ERR_OK;

	look_for_purged(u, in);
	sqlite3_stmt *st = db_query(s,
		"SELECT DISTINCT now >> 32, set_bits, clear_bits FROM intent_msg WHERE intent"
		" = ? AND now <> 0" NOT_PURGED,
		"i", in->id);
	while (rc == ERR_OK && db_row(s, st)) {
		struct intent inverse = {
			.kind = INTENT_FLAGS,
			.folder = (folder_id)sqlite3_column_int64(st, 0),
			.set = (uint32_t)sqlite3_column_int64(st, 2),
			.clear = (uint32_t)sqlite3_column_int64(st, 1),
		};
		intent_id id;
		if (is_rebuilt(u, inverse.folder))
			continue;
		rc = begin_inverse(u, in, &inverse, &id, e);
		if (rc == ERR_OK)
			rc = db_run(s, e,
				"INSERT INTO intent_msg (intent, msg, now, set_bits,"
				" clear_bits, mid) SELECT ?1, msg, now, clear_bits, set_bits,"
				" mid FROM intent_msg WHERE intent = ?2 AND now >> 32 = ?3"
				" AND set_bits = ?4 AND clear_bits = ?5" NOT_PURGED,
				"iiuuu", id, in->id, inverse.folder, inverse.clear,
				inverse.set);
		if (rc == ERR_OK)
			rc = end_inverse(u, id, e);
	}
	db_done(st);
	return rc;
}

/* What the server did not tell the place of may have been seen in its new folder meanwhile. */
static enum err
locate(struct store *s, const struct intent *in, folder_id dest, struct error *e)
{
	struct arena a = {0};
	struct intent_msg *msgs;
	size_t n = store_intent_messages(s, in->id, &a, &msgs);
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		msg_id found = msgs[i].now ? 0 : store_find(s, dest, msgs[i].message_id);
		if (found)
			rc = db_run(s, e,
				"UPDATE intent_msg SET now = ? WHERE intent = ? AND msg = ?",
				"iii", found, in->id, msgs[i].origin);
	}
	arena_clear(&a);
	return rc;
}

/* One inverse for each folder the messages are in by now; those in an unknown place are in
 * dest. */
static enum err
undo_move(struct undo *u, const struct intent *in, struct error *e)
{
	struct store *s = u->s;
	folder_id dest = folder_current(s, in->account, in->dest);
	bool is_running = in->state == INTENT_RUNNING;
	enum err rc = is_running ? ERR_OK : locate(s, in, dest, e);

	look_for_purged(u, in);
	sqlite3_stmt *st = db_query(s,
		"SELECT DISTINCT now >> 32 FROM intent_msg WHERE intent = ?" NOT_PURGED, "i",
		in->id);
	while (rc == ERR_OK && db_row(s, st)) {
		folder_id where = (folder_id)sqlite3_column_int64(st, 0);
		struct intent inverse = { .kind = INTENT_MOVE, .dest = in->source,
			.folder = is_running || where == 0 ? dest : where };
		intent_id id;
		if (!is_running && is_rebuilt(u, where))
			continue;
		if (!is_running && where == in->folder)
			continue;	/* back already */
		rc = begin_inverse(u, in, &inverse, &id, e);
		if (rc == ERR_OK)
			rc = db_run(s, e,
				"INSERT INTO intent_msg (intent, msg, now, mid) SELECT ?1,"
				" msg, now, mid FROM intent_msg WHERE intent = ?2 AND now >>"
				" 32 = ?3" NOT_PURGED,
				"iiu", id, in->id, where);
		if (rc == ERR_OK)
			rc = end_inverse(u, id, e);
	}
	db_done(st);
	return rc;
}

static enum err
undo_copy(struct undo *u, const struct intent *in, struct error *e)
{
	struct store *s = u->s;
	struct intent inverse = { .kind = INTENT_EXPUNGE };
	bool is_running = in->state == INTENT_RUNNING;
	intent_id id;
	enum err rc;

	inverse.folder = (folder_id)db_int(s,
		"SELECT made >> 32 FROM intent_msg WHERE intent = ? AND made <> 0", "i",
		in->id);
	if (!is_running && !inverse.folder) {
		u->why_not = "the server does not say where the copies are";
		return ERR_OK;
	}
	if ((rc = begin_inverse(u, in, &inverse, &id, e)) != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"INSERT INTO intent_msg (intent, msg, now, mid) SELECT ?1, msg, made, mid"
		" FROM intent_msg WHERE intent = ?2 AND (made <> 0 OR ?3)",
		"iiu", id, in->id, (uint32_t)is_running);
	return rc == ERR_OK ? end_inverse(u, id, e) : rc;
}

static enum err
undo_create(struct undo *u, const struct intent *in, struct error *e)
{
	struct store *s = u->s;
	struct arena a = {0};
	struct intent inverse = { .kind = INTENT_FOLDER_DELETE, .source = in->dest };
	struct folder f;
	intent_id id;
	enum err rc = ERR_OK;

	if (in->state == INTENT_RUNNING ||
	    !store_folder_by_wire(s, in->account, in->dest, &a, &f))
		u->why_not = "the folder is not known yet";
	else if (f.n_msgs || f.n_server)
		u->why_not = "there is mail in the folder";
	else {
		inverse.folder = f.id;
		rc = begin_inverse(u, in, &inverse, &id, e);
	}
	arena_clear(&a);
	return rc;
}

static enum err
undo_rename(struct undo *u, const struct intent *in, struct error *e)
{
	struct intent inverse = { .kind = INTENT_FOLDER_RENAME, .folder = in->folder,
		.source = in->dest, .dest = in->source };
	intent_id id;

	return begin_inverse(u, in, &inverse, &id, e);
}

static enum err
invert(struct undo *u, const struct intent *in, struct error *e)
{
	/* What is deleted for good stays done: what was done to it
	 * before cannot be undone either. */
	enum err rc = db_run(u->s, e,
		"UPDATE intent SET is_undone = 1, state = CASE "
		"WHEN state = 2 AND (kind <> 3 OR carried <> 0) THEN 4 ELSE state END "
		"WHERE id = ?", "i", in->id);

	if (rc != ERR_OK)
		return rc;
	if (in->carried) {
		int64_t group = u->group;
		rc = carry_back(u->s, in, &group, &u->why_not, e);
		u->n_undone += group != u->group || u->group != 0;
		u->group = group;
		return rc;
	}
	switch (in->kind) {
	case INTENT_FLAGS:
		return undo_flags(u, in, e);
	case INTENT_MOVE:
		return undo_move(u, in, e);
	case INTENT_COPY:
		return undo_copy(u, in, e);
	case INTENT_FOLDER_CREATE:
		return undo_create(u, in, e);
	case INTENT_FOLDER_RENAME:
		return undo_rename(u, in, e);
	case INTENT_EXPUNGE:
	case INTENT_FOLDER_DELETE:
		u->why_not = "it is deleted for good";
		break;
	}
	return ERR_OK;
}

#define UNDOABLE "inverse_of = 0 AND NOT is_undone AND state <= 2 AND label <> ''"

/* None of the group's intents is begun any more, or undone twice,
 * whenever their turn comes. */
static enum err
mark_undone(struct undo *u, const struct intent *in, struct error *e)
{
	u->n_undone++;
	return db_run(u->s, e,
		"UPDATE intent SET is_undone = 1, "
		"state = CASE WHEN state = 0 THEN 4 ELSE state END WHERE id = ?", "i", in->id);
}

/* Later, a slice at a time: its place in a group of inverses is kept for it. */
static enum err
put_off(struct undo *u, const struct intent *in, struct error *e)
{
	enum err rc = mark_undone(u, in, e);

	if (rc != ERR_OK)
		return rc;
	return later_note(u->s, in->state == INTENT_PENDING ? LATER_OVERLAY : LATER_INVERT, in,
		u->group, e);
}

static enum err
undo_group(struct undo *u, int64_t group, char *label, size_t label_size, struct error *e)
{
	struct store *s = u->s;
	struct arena a = {0};
	uint32_t n_msgs = 0;
	enum err rc = later_drop(s, group, e);

	sqlite3_stmt *st = db_query(s,
		"SELECT " INTENT_COLUMNS "FROM intent WHERE grp = ? AND " UNDOABLE
		" ORDER BY id DESC",
		"i", group);
	while (rc == ERR_OK && db_row(s, st)) {
		struct intent in;
		intent_read(st, &a, &in);
		snprintf(label, label_size, "%s", in.label);
		if (n_msgs >= UNDO_AT_ONCE && !in.carried && !in.to_account)
			rc = put_off(u, &in, e);
		else
			rc = in.state == INTENT_PENDING
				? vanish(u, &in, e) : invert(u, &in, e);
		n_msgs += in.n_msgs;
	}
	db_done(st);
	arena_clear(&a);
	return rc;
}

/* What was refused meanwhile needs no undoing; what is deleted for good has none. */
enum err
undo_one(struct store *s, intent_id id, int64_t group, struct error *e)
{
	struct undo u = { .s = s, .group = group };
	struct arena a = {0};
	struct intent in;
	enum err rc = ERR_OK;
	sqlite3_stmt *st = db_query(s, "SELECT " INTENT_COLUMNS
		"FROM intent WHERE id = ? AND state IN (1, 2, 4)", "i", id);

	if (db_row(s, st)) {
		intent_read(st, &a, &in);
		db_done(st);
		rc = invert(&u, &in, e);
	}
	arena_clear(&a);
	return rc;
}

/* What cannot be undone is said once and stepped over the next time. */
enum err
store_undo(struct store *s, char *label, size_t label_size, struct error *e)
{
	struct undo u = { .s = s };
	enum err rc = tx_open(s, DB_DATA, e);

	snprintf(label, label_size, "%s", "");
	if (rc != ERR_OK)
		return rc;
	int64_t group = db_int(s,
		"SELECT grp FROM intent WHERE " UNDOABLE " ORDER BY grp DESC LIMIT 1", "");
	if (group)
		rc = undo_group(&u, group, label, label_size, e);
	rc = tx_close(s, rc, e);
	if (rc != ERR_OK || u.n_undone)
		return rc;
	if (!group)
		return error_set(e, ERR_UNSUPPORTED, "nothing to undo");
	return error_set(e, ERR_UNSUPPORTED, "cannot undo '%s': %s", label,
		u.why_not ? u.why_not : "nothing of it is left");
}
