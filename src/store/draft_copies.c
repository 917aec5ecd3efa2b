/* draft_copies.c - which message on a server is the copy of which draft of ours. */
#include <time.h>

#include "store_db.h"
#include "store_uploads.h"

#define DRAFT_COLUMNS "name, account, msg, message_id, stamp, stored, state, is_richer "

static void
read_row(sqlite3_stmt *st, struct arena *a, struct draft_copy *d)
{
	*d = (struct draft_copy){
		.name = db_text(st, 0, a), .account = (account_id)sqlite3_column_int64(st, 1),
		.msg = sqlite3_column_int64(st, 2), .message_id = db_text(st, 3, a),
		.stamp = db_text(st, 4, a), .stored = sqlite3_column_int64(st, 5),
		.state = (enum draft_state)sqlite3_column_int(st, 6),
		.is_richer = sqlite3_column_int(st, 7),
	};
}

static bool
read_one(const struct store *s, sqlite3_stmt *st, struct arena *a, struct draft_copy *out)
{
	if (!db_row(s, st))
		return false;
	read_row(st, a, out);
	db_done(st);
	return true;
}

bool
store_draft(const struct store *s, const char *name, account_id account, struct arena *a,
	struct draft_copy *out)
{
	return read_one(s, db_query(s, "SELECT " DRAFT_COLUMNS "FROM draft WHERE name = ?1 AND"
		" ?2 IN (0, account) ORDER BY stored DESC LIMIT 1", "su", name, account), a,
		out);
}

bool
store_draft_by_msg(const struct store *s, msg_id msg, struct arena *a, struct draft_copy *out)
{
	return read_one(s, db_query(s, "SELECT " DRAFT_COLUMNS
		"FROM draft WHERE msg = ? AND msg > 0", "i", msg), a, out);
}

size_t
store_drafts(const struct store *s, account_id account, struct arena *a,
	struct draft_copy **out)
{
	sqlite3_stmt *st = db_query(s, "SELECT " DRAFT_COLUMNS
		"FROM draft WHERE ?1 IN (0, account) ORDER BY name", "u", account);
	struct draft_copy *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		read_row(st, a, &v[n++]);
	}
	*out = arena_take(a, v, n * sizeof *v);
	return n;
}

static enum err
put(struct store *s, const struct draft_copy *d, struct error *e)
{
	return db_run(s, e,
		"INSERT OR REPLACE INTO draft (name, account, msg, message_id, stamp, stored, "
		"state, is_richer) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "suissiuu", d->name,
		d->account, d->msg, d->message_id, d->stamp, d->stored, (uint32_t)d->state,
		(uint32_t)d->is_richer);
}

enum err
store_draft_put(struct store *s, const struct draft_copy *d, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	/* A message is the copy of one draft: what was made of it before,
	 * and left, is none any more. */
	if (msg_uid(d->msg))
		rc = db_run(s, e, "DELETE FROM draft WHERE msg = ? AND name <> ?", "is",
			d->msg, d->name);
	return tx_close(s, rc == ERR_OK ? put(s, d, e) : rc, e);
}

enum err
store_draft_state(struct store *s, const char *name, enum draft_state state, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	return rc != ERR_OK
		? rc : tx_close(s, db_run(s, e, "UPDATE draft SET state = ? WHERE name = ?",
		"us", (uint32_t)state, name), e);
}

enum err
store_draft_leave(struct store *s, const char *name, account_id account, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"INSERT OR IGNORE INTO draft (name, account, msg, message_id, stamp, stored, "
		"state) VALUES (?, ?, 0, '', '', 0, 2)", "su", name, account);
	if (rc == ERR_OK)
		rc = db_run(s, e, "UPDATE draft SET state = 2 WHERE name = ?", "s", name);
	if (rc == ERR_OK)
		rc = db_run(s, e, "DELETE FROM upload WHERE name = ? AND state IN (0, 3)", "s",
			name);
	return tx_close(s, rc, e);
}

enum err
store_draft_forget(struct store *s, const char *name, account_id account, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	return rc != ERR_OK ? rc : tx_close(s, db_run(s, e,
		"DELETE FROM draft WHERE name = ? AND account = ?", "su", name, account), e);
}

bool
store_was_removed_here(const struct store *s, msg_id msg)
{
	return db_int(s, "SELECT count(*) FROM intent_msg x JOIN intent i ON i.id = x.intent"
		" WHERE x.msg = ? AND i.kind IN (1, 3) AND i.state = 2 AND i.label <> ''", "i",
		msg) > 0;
}

enum err
store_draft_remove_copy(struct store *s, const struct draft_copy *d, const struct removal *how,
	struct error *e)
{
	struct draft_copy none = *d;
	account_id account;
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	if (msg_uid(d->msg))
		rc = intent_remove(s, d->msg, d->message_id, how, d->is_richer, &account, e);
	none.msg = 0;
	none.message_id = none.stamp = "";
	none.is_richer = false;
	if (rc == ERR_OK)
		rc = put(s, &none, e);
	return tx_close(s, rc, e);
}

/* One that is to leave meanwhile still is: its copy is this one now. */
enum err
draft_landed(struct store *s, const struct upload *u, msg_id landed, struct arena *a,
	struct draft_copy *former, struct error *e)
{
	*former = (struct draft_copy){ .name = u->name, .account = u->account,
		.message_id = "", .stamp = "" };
	store_draft(s, u->name, u->account, a, former);
	struct draft_copy d = *former;
	d.msg = landed;
	d.message_id = u->message_id;
	d.stamp = u->after_text;
	d.stored = time(NULL);
	d.is_richer = false;
	return put(s, &d, e);
}
