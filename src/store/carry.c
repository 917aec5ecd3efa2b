/* carry.c - messages on their way to another account.
 *
 * Such a move or copy is an intent like others, of one message, with `to_account` set: it
 * hides the message, waits, and is undone as they are. It is not handed to the server but in
 * three steps, each durable before the next: the whole message is fetched and becomes an
 * upload of the other account; when that says that it stands there, the commit that says so
 * makes of a move the removal of exactly this message, of a copy something done; and the
 * removal is carried out like any. So whatever ends the program, the message is in one of the
 * two accounts, and a step that was done is known by the name of the upload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_db.h"
#include "store_uploads.h"

bool
store_carry_next(const struct store *s, account_id account, struct arena *a, struct carry *out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT i.id, x.now, i.to_account, i.dest, x.mid, m.flags, "
		"coalesce(o.set_bits, 0), coalesce(o.clear_bits, 0), m.arrived, h.subject "
		"FROM intent i INDEXED BY intent_open "
		"CROSS JOIN intent_msg x ON x.intent = i.id "
		"LEFT JOIN overlay o ON o.msg = x.now LEFT JOIN msg m ON m.id = x.now "
		"LEFT JOIN head h ON h.id = x.now WHERE i.account = ? AND i.state = 0 "
		"AND i.state <= 1 AND i.to_account <> 0 "
		"AND NOT EXISTS (SELECT 1 FROM upload "
		"WHERE name = 'carry.' || i.id AND name <> '') "
		"ORDER BY i.id LIMIT 1", "u", account);

	if (!db_row(s, st))
		return false;
	uint32_t set = (uint32_t)sqlite3_column_int64(st, 6),
		clear = (uint32_t)sqlite3_column_int64(st, 7);
	uint32_t flags = ((uint32_t)sqlite3_column_int64(st, 5) | set) & ~clear;
	*out = (struct carry){
		.intent = sqlite3_column_int64(st, 0),
		.msg = sqlite3_column_int64(st, 1),
		.to = (account_id)sqlite3_column_int64(st, 2),
		.dest = db_text(st, 3, a),
		.message_id = db_text(st, 4, a),
		.flags = flags & MSG_SERVER_FLAGS,
		.arrived = sqlite3_column_int64(st, 8),
		.subject = db_text(st, 9, a),
	};
	db_done(st);
	return true;
}

enum err
store_carry_add(struct store *s, const struct carry *c, struct upload_file *f, struct error *e)
{
	char name[40], label[120];
	upload_id id;

	snprintf(name, sizeof name, "carry.%lld", (long long)c->intent);
	snprintf(label, sizeof label, "the message '%.80s'", c->subject);
	struct upload u = { .account = c->to, .dest = c->dest, .flags = c->flags,
		.arrived = c->arrived, .message_id = c->message_id, .name = name,
		.label = label, .after = UPLOAD_THEN_CARRY, .after_msg = c->intent };
	return store_upload_add(s, &u, f, &id, e);
}

static enum err
refuse(struct store *s, intent_id id, const char *why, struct error *e)
{
	enum err rc = db_run(s, e,
		"UPDATE intent SET state = 3, error = substr(?2, 1, 400) "
		"WHERE id = ?1 AND state = 0", "is", id, why);

	return rc == ERR_OK ? overlay_recompute_intent(s, id, e) : rc;
}

enum err
store_carry_refused(struct store *s, intent_id id, const char *why, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	return rc == ERR_OK ? tx_close(s, refuse(s, id, why, e), e) : rc;
}

uint32_t
store_carries_left(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s,
		"SELECT count(*) FROM intent INDEXED BY intent_open "
		"WHERE account = ? AND state = 0 AND state <= 1 AND to_account <> 0", "u",
		account);
}

enum err
carry_landed(struct store *s, const struct upload *u, msg_id landed, const struct removal *how,
	account_id *other, struct error *e)
{
	intent_id id = u->after_msg;
	sqlite3_stmt *st = db_query(s, "SELECT state, kind, account FROM intent WHERE id = ?",
		"i", id);

	if (!db_row(s, st))
		return ERR_OK;
	enum intent_state state = (enum intent_state)sqlite3_column_int(st, 0);
	bool is_move = sqlite3_column_int(st, 1) == INTENT_MOVE;
	account_id account = (account_id)sqlite3_column_int64(st, 2);
	db_done(st);
	if (state == INTENT_UNDONE)		/* too late to stop it: it goes again */
		return msg_uid(landed)
			? intent_remove(s, landed, u->message_id, how, false, other, e)
			: ERR_OK;
	if (state != INTENT_PENDING)
		return ERR_OK;
	*other = account;
	enum err rc = db_run(s, e, "UPDATE intent_msg SET made = ? WHERE intent = ?", "ii",
		landed, id);
	if (rc == ERR_OK)
		rc = is_move
			? db_run(s, e,
			"UPDATE intent SET kind = 3, carried = ?, to_account = 0 WHERE id = ?",
			"ii", u->id, id)
			: db_run(s, e, "UPDATE intent SET state = 2, carried = ? WHERE id = ?",
			"ii", u->id, id);
	return rc == ERR_OK ? overlay_recompute_intent(s, id, e) : rc;
}

enum err
carry_refused(struct store *s, upload_id id, const char *why, struct error *e)
{
	intent_id intent = db_int(s, "SELECT after_msg FROM upload WHERE id = ? AND after = 3",
		"i", id);
	enum err rc = ERR_OK;

	if (!intent)
		return ERR_OK;
	rc = refuse(s, intent, why, e);
	return rc == ERR_OK ? db_run(s, e, "DELETE FROM upload WHERE id = ?", "i", id) : rc;
}

/* ---- undo ---- */

/* Before the message has gone from here: what stands there already goes again. */
enum err
carry_stop(struct store *s, intent_id id, struct error *e)
{
	static const struct removal for_good = { .can_expunge = true };
	sqlite3_stmt *st = db_query(s,
		"SELECT x.made, x.mid FROM intent i "
		"CROSS JOIN intent_msg x ON x.intent = i.id WHERE i.id = ? AND i.carried <> 0 "
		"AND x.made & 4294967295 <> 0", "i", id);
	struct arena a = {0};
	account_id other;
	enum err rc = db_run(s, e,
		"DELETE FROM upload WHERE name = 'carry.' || ? AND name <> '' "
		"AND state IN (0, 3)", "i", id);

	if (rc == ERR_OK && db_row(s, st)) {
		msg_id made = sqlite3_column_int64(st, 0);
		const char *mid = db_text(st, 1, &a);
		db_done(st);
		rc = intent_remove(s, made, mid, &for_good, false, &other, e);
	}
	arena_clear(&a);
	return rc;
}

/* The way back, from where it stands. *why_not: there is none. */
enum err
carry_back(struct store *s, const struct intent *of, int64_t *group, const char **why_not,
	struct error *e)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT x.made, x.mid, b.account, b.wire FROM intent_msg x "
		"CROSS JOIN mailbox b ON b.id = x.made >> 32 AND NOT b.is_old "
		"WHERE x.intent = ? AND x.made & 4294967295 <> 0", "i", of->id);
	struct arena a = {0};
	intent_id id;
	enum err rc = ERR_OK;

	if (!db_row(s, st)) {
		*why_not = "the server does not say where it is";
		return ERR_OK;
	}
	msg_id made = sqlite3_column_int64(st, 0);
	const char *mid = db_text(st, 1, &a);
	bool was_copy = of->kind == INTENT_COPY;
	struct intent in = {
		.group = *group, .account = (account_id)sqlite3_column_int64(st, 2),
		.folder = msg_folder(made), .source = db_text(st, 3, &a),
		.inverse_of = of->id, .label = of->label,
		.kind = was_copy ? INTENT_EXPUNGE : INTENT_MOVE,
		.to_account = was_copy ? 0 : of->account,
		.dest = was_copy ? "" : of->source,
	};
	db_done(st);
	rc = intent_insert(s, &in, &id, e);
	*group = *group ? *group : id;
	if (rc == ERR_OK)
		rc = db_run(s, e,
			"INSERT INTO intent_msg (intent, msg, now, mid) VALUES (?, ?, ?, ?)",
			"iiis", id, made, made, mid);
	if (rc == ERR_OK)
		rc = db_run(s, e, "UPDATE intent SET n_msgs = 1 WHERE id = ?", "i", id);
	if (rc == ERR_OK)
		rc = overlay_recompute(s, made, e);
	arena_clear(&a);
	return rc;
}
