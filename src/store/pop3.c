/* pop3.c - the ledger of what was downloaded.
 *
 * An entry is recorded before its message is appended to the mbox, and counts after that is on
 * disk; what is between is repaired from the spool (mbox_join_again) before anything else
 * happens, so that "in the ledger" and "in the mbox" are the same set. Both steps end with
 * store_sync: a DELE may follow the second. */
#include "store_db.h"

size_t
store_pop3(const struct store *s, account_id account, struct arena *a, struct pop3_entry **out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT id, uidl, hash, size, state, fetched, listed FROM pop3 "
		"WHERE account = ? AND NOT is_coming ORDER BY uidl, id", "u", account);
	struct pop3_entry *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		v[n++] = (struct pop3_entry){
			.id = sqlite3_column_int64(st, 0), .uidl = db_text(st, 1, a),
			.hash = (uint64_t)sqlite3_column_int64(st, 2),
			.size_bytes = (uint64_t)sqlite3_column_int64(st, 3),
			.state = (enum pop3_state)sqlite3_column_int(st, 4),
			.fetched = sqlite3_column_int64(st, 5),
			.listed = sqlite3_column_int64(st, 6),
		};
	}
	*out = arena_take(a, v, n * sizeof *v);
	return n;
}

static enum err
insert(struct store *s, account_id account, struct pop3_entry *v, size_t n, bool is_coming,
	struct error *e)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		rc = db_run(s, e,
			"INSERT INTO pop3 (account, uidl, hash, size, state, fetched, listed, "
			"is_coming) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "usiiuiiu", account,
			v[i].uidl, (int64_t)v[i].hash, (int64_t)v[i].size_bytes,
			(uint32_t)v[i].state, v[i].fetched, v[i].listed, (uint32_t)is_coming);
		v[i].id = sqlite3_last_insert_rowid(s->db->h);
	}
	return rc;
}

enum err
store_pop3_begin(struct store *s, account_id account, uint64_t before, uint64_t bytes,
	struct pop3_entry *v, size_t n, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e, "INSERT INTO pop3_batch VALUES (?, ?, ?)", "uii", account,
		(int64_t)before, (int64_t)bytes);
	if (rc == ERR_OK)
		rc = insert(s, account, v, n, true, e);
	rc = tx_close(s, rc, e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}

enum err
store_pop3_learn(struct store *s, account_id account, struct pop3_entry *v, size_t n,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = tx_close(s, insert(s, account, v, n, false, e), e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}

bool
store_pop3_begun(const struct store *s, account_id account, uint64_t *before, uint64_t *bytes)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT before, bytes FROM pop3_batch WHERE account = ?", "u", account);
	bool is = db_row(s, st);

	if (is) {
		*before = (uint64_t)sqlite3_column_int64(st, 0);
		*bytes = (uint64_t)sqlite3_column_int64(st, 1);
		db_done(st);
	}
	return is;
}

static enum err
end_batch(struct store *s, account_id account, bool is_kept, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = is_kept
		? db_run(s, e, "UPDATE pop3 SET is_coming = 0 WHERE account = ? AND is_coming",
		"u", account)
		: db_run(s, e, "DELETE FROM pop3 WHERE account = ? AND is_coming", "u",
		account);
	if (rc == ERR_OK)
		rc = db_run(s, e, "DELETE FROM pop3_batch WHERE account = ?", "u", account);
	rc = tx_close(s, rc, e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}

enum err
store_pop3_end(struct store *s, account_id account, struct error *e)
{
	return end_batch(s, account, true, e);
}

enum err
store_pop3_abandon(struct store *s, account_id account, struct error *e)
{
	return end_batch(s, account, false, e);
}

enum err
store_pop3_update(struct store *s, const struct pop3_entry *v, size_t n, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = db_run(s, e,
			"UPDATE pop3 SET state = CASE WHEN state IN (?, ?) THEN state ELSE ? "
			"END, uidl = ?, size = ?, listed = ? WHERE id = ?", "uuusiii",
			(uint32_t)POP3_HEADER, (uint32_t)POP3_WANTED, (uint32_t)v[i].state,
			v[i].uidl, (int64_t)v[i].size_bytes, v[i].listed, v[i].id);
	return tx_close(s, rc, e);
}

static bool
one_entry(const struct store *s, sqlite3_stmt *st, struct pop3_entry *out)
{
	if (!db_row(s, st))
		return false;
	*out = (struct pop3_entry){
		.id = sqlite3_column_int64(st, 0), .uidl = "",
			.hash = (uint64_t)sqlite3_column_int64(st, 1),
		.size_bytes = (uint64_t)sqlite3_column_int64(st, 2),
		.state = (enum pop3_state)sqlite3_column_int(st, 3),
		.fetched = sqlite3_column_int64(st, 4), .listed = sqlite3_column_int64(st, 5),
	};
	db_done(st);
	return true;
}

bool
store_pop3_find(const struct store *s, account_id account, uint64_t hash, uint64_t size_bytes,
	struct pop3_entry *out)
{
	return one_entry(s,
		db_query(s,
		"SELECT id, hash, size, state, fetched, listed "
		"FROM pop3 WHERE account = ? AND hash = ? AND NOT is_coming "
		"ORDER BY state IN (?, ?) DESC, size = ? DESC, id LIMIT 1", "uiuui", account,
		(int64_t)hash, (uint32_t)POP3_HEADER, (uint32_t)POP3_WANTED,
		(int64_t)size_bytes), out);
}

bool
store_pop3_get(const struct store *s, int64_t id, struct pop3_entry *out)
{
	return one_entry(s,
		db_query(s,
		"SELECT id, hash, size, state, fetched, listed FROM pop3 WHERE id = ?", "i",
		id), out);
}

enum err
store_pop3_turn(struct store *s, int64_t id, enum pop3_state from, enum pop3_state to,
	int64_t when, bool *did, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	*did = false;
	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"UPDATE pop3 SET state = ?, fetched = max(fetched, ?) "
		"WHERE id = ? AND state IN (?, ?)", "uiiuu", (uint32_t)to, when, id,
		(uint32_t)from, (uint32_t)to);
	*did = rc == ERR_OK && sqlite3_changes(s->db->h) > 0;
	rc = tx_close(s, rc, e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}

enum err
store_pop3_forget(struct store *s, account_id account, int64_t before, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"DELETE FROM pop3 WHERE account = ? AND listed < ? AND NOT is_coming", "ui",
		account, before);
	return tx_close(s, rc, e);
}
