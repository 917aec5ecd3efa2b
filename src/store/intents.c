/* intents.c - recording decisions, and reading the list of them.
 *
 * An intent and what it changes on the screen (overlay.c) are one transaction on dunlin.db,
 * without fsync: it survives kill -9 by the WAL, and a power cut once store_sync was called.
 * One of more than some hundred messages is recorded as several of the same group, so that
 * whoever carries it out works in short steps; of very many the most later (later.c). */
#include <time.h>

#include "store_db.h"
#include "store_uploads.h"

enum { MSGS_AN_INTENT = LATER_MSGS };

static bool
is_about_messages(enum intent_kind kind)
{
	return kind <= INTENT_EXPUNGE;
}

void
intent_read(sqlite3_stmt *st, struct arena *a, struct intent *out)
{
	*out = (struct intent){
		.id = sqlite3_column_int64(st, 0),
		.group = sqlite3_column_int64(st, 1),
		.account = (account_id)sqlite3_column_int64(st, 2),
		.kind = (enum intent_kind)sqlite3_column_int(st, 3),
		.state = (enum intent_state)sqlite3_column_int(st, 4),
		.folder = (folder_id)sqlite3_column_int64(st, 5),
		.dest = db_text(st, 6, a),
		.set = (uint32_t)sqlite3_column_int64(st, 7),
		.clear = (uint32_t)sqlite3_column_int64(st, 8),
		.created = sqlite3_column_int64(st, 9),
		.n_msgs = (uint32_t)sqlite3_column_int64(st, 10),
		.n_tries = (uint32_t)sqlite3_column_int64(st, 11),
		.dest_uidnext = (uint32_t)sqlite3_column_int64(st, 12),
		.inverse_of = sqlite3_column_int64(st, 13),
		.label = db_text(st, 14, a),
		.error = db_text(st, 15, a),
		.source = db_text(st, 16, a),
		.to_account = (account_id)sqlite3_column_int64(st, 17),
		.carried = sqlite3_column_int64(st, 18),
	};
}

enum err
intent_insert(struct store *s, const struct intent *in, intent_id *id, struct error *e)
{
	enum err rc = db_run(s, e,
		"INSERT INTO intent (grp, account, kind, state, folder, "
		"source, dest, set_bits, clear_bits, created, inverse_of, label, to_account) "
		"VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"iuuussuuiisu", in->group, in->account, (uint32_t)in->kind, in->folder,
		in->source ? in->source : "", in->dest ? in->dest : "", in->set, in->clear,
		in->created ? in->created : (int64_t)time(NULL), in->inverse_of,
		in->label ? in->label : "", in->to_account);

	*id = sqlite3_last_insert_rowid(s->db->h);
	if (rc == ERR_OK && in->group == 0)
		rc = db_run(s, e, "UPDATE intent SET grp = id WHERE id = ?", "i", *id);
	return rc;
}

/* What an intent would change of a message as it is shown now. */
struct change {
	bool any;
	uint32_t set, clear;
	const char *message_id;
};

static struct change
find_change(const struct store *s, const struct intent *in, msg_id id, struct arena *a)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT m.flags, coalesce(o.set_bits, 0), coalesce(o.clear_bits, 0),"
		" h.message_id FROM msg m LEFT JOIN overlay o ON o.msg = m.id CROSS JOIN head"
		" h ON h.id = m.id WHERE m.id = ? AND coalesce(o.hidden, 0) = 0",
		"i", id);
	struct change c = { .message_id = "" };

	if (!db_row(s, st))
		return c;
	uint32_t flags = (uint32_t)sqlite3_column_int64(st, 0);
	flags |= (uint32_t)sqlite3_column_int64(st, 1);
	flags &= ~(uint32_t)sqlite3_column_int64(st, 2);
	c.any = true;
	if (in->kind == INTENT_FLAGS) {
		c.set = in->set & ~flags;
		c.clear = in->clear & flags;
		c.any = c.set || c.clear;
	} else {
		c.message_id = db_text(st, 3, a);
	}
	db_done(st);
	return c;
}

static enum err
count_msgs(struct store *s, intent_id id, struct error *e)
{
	return db_run(s, e,
		"UPDATE intent SET n_msgs = (SELECT count(*) FROM intent_msg WHERE intent ="
		" ?1) WHERE id = ?1",
		"i", id);
}

enum err
intent_add_msgs(struct store *s, struct intent *in, const msg_id *msgs, size_t n,
	intent_id *first, struct error *e)
{
	struct arena a = {0};
	intent_id id = 0;
	size_t n_in_this = 0;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		struct change c = find_change(s, in, msgs[i], &a);
		if (!c.any)
			continue;
		if (n_in_this == (in->to_account ? 1 : MSGS_AN_INTENT) || id == 0) {
			if (id)
				rc = count_msgs(s, id, e);
			if (rc == ERR_OK)
				rc = intent_insert(s, in, &id, e);
			if (!*first) {
				*first = id;
				in->group = in->group ? in->group : id;
			}
			n_in_this = 0;
		}
		if (rc == ERR_OK)
			rc = db_run(s, e,
				"INSERT OR IGNORE INTO intent_msg (intent, msg, now,"
				" set_bits, clear_bits, mid) VALUES (?, ?, ?, ?, ?, ?)",
				"iiiuus", id, msgs[i], msgs[i], c.set, c.clear, c.message_id);
		if (rc == ERR_OK)
			rc = overlay_add(s, msgs[i], in, e);
		n_in_this++;
		if (n_in_this % 100 == 0)
			arena_clear(&a);
	}
	arena_clear(&a);
	return rc == ERR_OK && id ? count_msgs(s, id, e) : rc;
}

static enum err
check_intent(const struct intent *in, const msg_id *msgs, size_t n, const char *source,
	struct error *e)
{
	bool has_dest = in->dest && *in->dest;
	bool needs_dest = in->kind == INTENT_MOVE || in->kind == INTENT_COPY ||
		in->kind == INTENT_FOLDER_CREATE || in->kind == INTENT_FOLDER_RENAME;

	if (in->set & in->clear || (needs_dest && !has_dest) ||
	    (in->kind != INTENT_FOLDER_CREATE && (!in->folder || !source)))
		return error_set(e, ERR_LOCAL, "an intent that makes no sense");
	for (size_t i = 0; i < n; i++) {
		if (msg_folder(msgs[i]) != in->folder)
			return error_set(e, ERR_LOCAL, "an intent over several folders");
	}
	return ERR_OK;
}

enum err
store_intent_add(struct store *s, const struct intent *in, const msg_id *msgs, size_t n,
	int64_t *group, intent_id *id, struct error *e)
{
	struct intent mine = *in;
	struct arena a = {0};
	sqlite3_stmt *st;
	enum err rc;

	*id = 0;
	*group = in->group;
	if ((rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		return rc;
	st = db_query(s, "SELECT wire FROM mailbox WHERE id = ? AND NOT is_old", "u",
		in->folder);
	mine.source = NULL;
	mine.inverse_of = 0;
	if (db_row(s, st)) {
		mine.source = db_text(st, 0, &a);
		db_done(st);
	}
	rc = check_intent(&mine, msgs, is_about_messages(in->kind) ? n : 0, mine.source, e);
	bool goes_nowhere =
		in->kind == INTENT_MOVE && !in->to_account && mine.source &&
		str_eq(mine.source, in->dest);
	if (rc == ERR_OK && is_about_messages(in->kind) && !goes_nowhere)
		rc = later_record(s, &mine, msgs, n, id, e);
	else if (rc == ERR_OK && !is_about_messages(in->kind))
		rc = intent_insert(s, &mine, id, e);
	rc = tx_close(s, rc, e);
	arena_clear(&a);
	if (rc != ERR_OK)
		*id = 0;
	else if (*id)
		*group = in->group ? in->group : *id;
	return rc;
}

enum err
intent_remove(struct store *s, msg_id id, const char *message_id, const struct removal *how,
	bool to_trash, account_id *account, struct error *e)
{
	struct arena a = {0};
	sqlite3_stmt *st = db_query(s,
		"SELECT account, wire FROM mailbox WHERE id = ? AND NOT is_old", "u",
		msg_folder(id));
	struct intent in = { .folder = msg_folder(id), .label = "",
		.dest = to_trash ? how->trash : "",
		.kind = to_trash ? INTENT_MOVE : how->can_expunge ? INTENT_EXPUNGE
		: INTENT_FLAGS };
	intent_id made;
	enum err rc = ERR_OK;

	*account = 0;
	if (in.kind == INTENT_FLAGS)
		in.set = MSG_DELETED;
	if (db_row(s, st)) {
		*account = in.account = (account_id)sqlite3_column_int64(st, 0);
		in.source = db_text(st, 1, &a);
		db_done(st);
		rc = intent_insert(s, &in, &made, e);
		if (rc == ERR_OK)
			rc = db_run(s, e,
				"INSERT INTO intent_msg (intent, msg, now, set_bits, mid) "
				"VALUES (?, ?, ?, ?, ?)", "iiius", made, id, id, in.set,
				message_id);
		if (rc == ERR_OK)
			rc = overlay_add(s, id, &in, e);
		if (rc == ERR_OK)
			rc = count_msgs(s, made, e);
	}
	arena_clear(&a);
	return rc;
}

uint32_t
store_intents_pending(const struct store *s, account_id account)
{
	int64_t n = account
		? db_int(s, "SELECT count(*) FROM intent INDEXED BY intent_open "
			"WHERE state <= 1 AND account = ?", "u", account)
		: db_int(s,
		"SELECT count(*) FROM intent INDEXED BY intent_open WHERE state <= 1", "");

	return (uint32_t)n + store_later_left(s, account);
}

size_t
store_intents(const struct store *s, size_t max, struct arena *a, struct intent **out)
{
	sqlite3_stmt *st =
		db_query(s, "SELECT " INTENT_COLUMNS "FROM intent ORDER BY id DESC LIMIT ?",
			"i", (int64_t)max);
	struct intent *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		intent_read(st, a, &v[n++]);
	}
	*out = arena_take(a, v, n * sizeof *v);
	return n;
}

size_t
store_intent_messages(const struct store *s, intent_id id, struct arena *a,
	struct intent_msg **out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT x.msg, x.now, x.made, x.mid, m.size, m.arrived FROM intent_msg x "
		"LEFT JOIN msg m ON m.id = x.now WHERE x.intent = ? ORDER BY x.msg",
		"i", id);
	struct intent_msg *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		v[n++] = (struct intent_msg){
			.origin = sqlite3_column_int64(st, 0),
			.now = sqlite3_column_int64(st, 1),
			.made = sqlite3_column_int64(st, 2),
			.message_id = db_text(st, 3, a),
			.size_bytes = (uint64_t)sqlite3_column_int64(st, 4),
			.arrived = sqlite3_column_int64(st, 5),
		};
	}
	*out = arena_take(a, v, n * sizeof *v);
	return n;
}

enum err
store_intent_found(struct store *s, intent_id id, msg_id origin, msg_id now, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e, "UPDATE intent_msg SET now = ? WHERE intent = ? AND msg = ?", "iii",
		now, id, origin);
	if (rc == ERR_OK)
		rc = overlay_recompute(s, now, e);
	return tx_close(s, rc, e);
}

enum err
intents_refuse_folder(struct store *s, folder_id folder, const char *why, struct error *e)
{
	enum err rc = db_run(s, e,
		"UPDATE intent SET state = 3, error = ? WHERE folder = ? AND state <= 1", "su",
		why, folder);

	if (rc == ERR_OK)
		rc = db_run(s, e, "DELETE FROM later WHERE what = 0 AND folder = ?", "u",
			folder);
	if (rc == ERR_OK)
		rc = db_run(s, e,
			"DELETE FROM upload WHERE after = 3 AND state IN (0, 3) AND after_msg "
			"IN (SELECT id FROM intent WHERE folder = ? AND to_account <> 0)", "u",
			folder);
	return rc == ERR_OK ? db_run(s, e, "DELETE FROM overlay WHERE msg BETWEEN ? AND ?",
		       "ii", msg_id_of(folder, 0), msg_id_of(folder, UINT32_MAX))
			    : rc;
}

enum err
store_intents_forget(struct store *s, int64_t before, struct error *e)
{
	static const char *const steps[] = {
		"DELETE FROM intent WHERE created < ?1 AND state > 1 AND NOT EXISTS (SELECT 1"
		" FROM intent i WHERE i.inverse_of = intent.id AND i.inverse_of > 0 AND"
		" i.state <= 1)",
		"DELETE FROM intent_msg WHERE intent NOT IN (SELECT id FROM intent) AND ?1 ="
		" ?1",
	};
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < LEN(steps) && rc == ERR_OK; i++)
		rc = db_run(s, e, steps[i], "i", before);
	return tx_close(s, rc, e);
}

bool
store_was_moved_here(const struct store *s, const struct msg *m)
{
	struct arena a = { 0 };
	struct folder f;
	bool was = store_folder(s, msg_folder(m->id), &a, &f) &&
		db_int(s, "SELECT EXISTS (SELECT 1 FROM intent i CROSS JOIN intent_msg x"
		" ON x.intent = i.id WHERE i.kind IN (1, 2) AND i.dest = ?1 AND"
		" ?2 IN (i.account, i.to_account) AND"
		" (x.made = ?3 OR (x.mid = ?4 AND ?4 <> '')))"
		" OR EXISTS (SELECT 1 FROM upload WHERE account = ?2 AND after = 3 AND"
		" (landed = ?3 OR (message_id = ?4 AND ?4 <> '')))",
		"suis", f.wire, f.account, m->id, m->message_id) > 0;

	arena_clear(&a);
	return was;
}
