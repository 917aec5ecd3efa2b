/* db.c - prepared statements, errors and transactions.
 *
 * A statement is prepared once a handle and found again by the address of its text. A failed
 * read within a transaction is remembered and makes its end a rollback: what was read as
 * "nothing" must not be written upon. */
#include <stdarg.h>
#include <string.h>

#include "log.h"
#include "people_db.h"

static void
note_failure(const struct store *s, int rc)
{
	struct db *db = s->db;

	log_msg("store: %s (%d)", sqlite3_errmsg(db->h), sqlite3_extended_errcode(db->h));
	if (!db->failed)
		db->failed = rc;
	if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
		db->is_index_damaged = true;
}

enum err
db_fail(const struct store *s, struct error *e)
{
	int rc = sqlite3_errcode(s->db->h);

	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		rc = s->db->failed;
	if (s->db->is_index_damaged)
		return error_set(e, ERR_LOCAL,
			"the mail store is damaged: start dunlin again, "
			"and its index is made anew");
	return error_set(e, ERR_LOCAL, "the mail store failed: %s", sqlite3_errstr(rc));
}

static sqlite3_stmt *
prepared(const struct store *s, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) * 2654435761u & (N_STATEMENTS - 1);
	struct statement *slot;

	for (;; i = (i + 1) & (N_STATEMENTS - 1)) {
		slot = &s->db->statements[i];
		if (slot->sql == sql) {
			sqlite3_reset(slot->st);
			return slot->st;
		}
		if (!slot->sql)
			break;
	}
	int rc = sqlite3_prepare_v3(s->db->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->st,
		NULL);
	if (rc != SQLITE_OK) {
		note_failure(s, rc);
		/* our text is right: the tables are not */
		if ((rc & 0xff) == SQLITE_ERROR)
			s->db->is_index_damaged = true;
		slot->st = NULL;
		return NULL;
	}
	slot->sql = sql;
	return slot->st;
}

static sqlite3_stmt *
bind(const struct store *s, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *st = prepared(s, sql);

	for (int i = 1; st && types[i - 1]; i++) {
		if (types[i - 1] == 'i')
			sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		else if (types[i - 1] == 'u')
			sqlite3_bind_int64(st, i, va_arg(ap, uint32_t));
		else
			sqlite3_bind_text(st, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
	}
	return st;
}

sqlite3_stmt *
db_query(const struct store *s, const char *sql, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	sqlite3_stmt *st = bind(s, sql, types, ap);
	va_end(ap);
	return st;
}

bool
db_row(const struct store *s, sqlite3_stmt *st)
{
	if (!st)
		return false;
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		note_failure(s, rc);
	sqlite3_reset(st);
	return false;
}

void
db_done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
}

int64_t
db_int(const struct store *s, const char *sql, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	sqlite3_stmt *st = bind(s, sql, types, ap);
	va_end(ap);
	int64_t v = 0;
	if (db_row(s, st)) {
		v = sqlite3_column_int64(st, 0);
		db_done(st);
	}
	return v;
}

enum err
db_run(struct store *s, struct error *e, const char *sql, const char *types, ...)
{
	va_list ap;

	va_start(ap, types);
	sqlite3_stmt *st = bind(s, sql, types, ap);
	va_end(ap);
	if (!st)
		return db_fail(s, e);
	int rc;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		;
	enum err result = ERR_OK;
	if (rc != SQLITE_DONE) {
		note_failure(s, rc);
		result = db_fail(s, e);
	}
	sqlite3_reset(st);
	return result;
}

enum err
db_script(struct store *s, const char *sql, struct error *e)
{
	int rc = sqlite3_exec(s->db->h, sql, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		return ERR_OK;
	note_failure(s, rc);
	return db_fail(s, e);
}

const char *
db_text(sqlite3_stmt *st, int column, struct arena *a)
{
	const char *t = (const char *)sqlite3_column_text(st, column);

	return t && *t ? arena_strndup(a, t, (size_t)sqlite3_column_bytes(st, column)) : "";
}

/* BEGIN IMMEDIATE would lock both files; a write that changes nothing locks its own only. */
static enum err
begin_on(struct store *s, enum db_file file, struct error *e)
{
	enum err rc;

	s->db->failed = 0;
	if ((rc = db_run(s, e, "BEGIN", "")) != ERR_OK)
		return rc;
	rc = file == DB_DATA ? db_run(s, e, "UPDATE meta SET value = value WHERE 0", "")
		: db_run(s, e, "UPDATE binding SET data_id = data_id WHERE 0", "");
	if (rc != ERR_OK) {
		s->db->begin_code = sqlite3_errcode(s->db->h);
		sqlite3_exec(s->db->h, "ROLLBACK", NULL, NULL, NULL);
	}
	return rc;
}

static enum err
end(struct store *s, enum err rc, struct error *e)
{
	if (rc == ERR_OK && s->db->failed)
		rc = db_fail(s, e);
	if (rc == ERR_OK)
		rc = db_run(s, e, "COMMIT", "");
	if (rc != ERR_OK && !sqlite3_get_autocommit(s->db->h))
		sqlite3_exec(s->db->h, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

enum err
store_begin(struct store *s, struct error *e)
{
	enum err rc = begin_on(s, DB_INDEX, e);

	s->db->is_begun = rc == ERR_OK;
	s->db->is_broken = false;
	return rc;
}

enum err
store_commit(struct store *s, struct error *e)
{
	struct db *db = s->db;

	if (!db->is_begun)
		return error_set(e, ERR_LOCAL, "the mail store failed: nothing was begun");
	if (!db->is_broken && people_commit(s, e) != ERR_OK)
		db->is_broken = true;
	db->is_begun = false;
	if (db->is_broken)
		return end(s, error_set(e, ERR_LOCAL,
			"the mail store failed: a write before failed"), e);
	return end(s, ERR_OK, e);
}

void
store_rollback(struct store *s)
{
	s->db->is_begun = false;
	if (!sqlite3_get_autocommit(s->db->h))
		sqlite3_exec(s->db->h, "ROLLBACK", NULL, NULL, NULL);
}

enum err
tx_open(struct store *s, enum db_file file, struct error *e)
{
	struct db *db = s->db;
	enum err rc;

	if (s->mode != STORE_WRITE)
		return error_set(e, ERR_LOCAL, "the mail store is open for reading only");
	if (db->is_begun && db->is_broken)
		return error_set(e, ERR_LOCAL, "the mail store failed: a write before failed");
	db->writing = file;
	if (db->is_begun && file == DB_INDEX)
		return ERR_OK;
	if (db->is_begun && (rc = end(s, ERR_OK, e)) != ERR_OK) {
		db->is_broken = true;
		return rc;
	}
	rc = begin_on(s, file, e);
	if (rc != ERR_OK && db->is_begun)
		db->is_broken = true;
	return rc;
}

enum err
tx_try(struct store *s, enum db_file file, bool *is_busy, struct error *e)
{
	s->db->begin_code = SQLITE_OK;
	sqlite3_busy_timeout(s->db->h, 0);
	enum err rc = tx_open(s, file, e);
	sqlite3_busy_timeout(s->db->h, WRITER_MS);
	*is_busy = rc != ERR_OK && (s->db->begin_code & 0xff) == SQLITE_BUSY;
	return *is_busy ? ERR_OK : rc;
}

enum err
tx_close(struct store *s, enum err rc, struct error *e)
{
	struct db *db = s->db;
	enum db_file file = db->writing;

	db->writing = DB_NONE;
	if (db->is_begun && file == DB_INDEX) {
		if (rc == ERR_OK && db->failed)
			rc = db_fail(s, e);
		if (rc != ERR_OK)
			db->is_broken = true;
		return rc;
	}
	rc = end(s, rc, e);
	if (db->is_begun && begin_on(s, DB_INDEX, rc == ERR_OK ? e : NULL) != ERR_OK) {
		db->is_broken = true;
		return ERR_LOCAL;
	}
	return rc;
}

void
snapshot_open(const struct store *s)
{
	if (!sqlite3_get_autocommit(s->db->h))
		return;
	sqlite3_exec(s->db->h, "BEGIN", NULL, NULL, NULL);
	db_int(s, "SELECT (SELECT 1 FROM overlay) + (SELECT 1 FROM binding)", "");
}

void
snapshot_close(const struct store *s)
{
	if (!s->db->is_begun && s->db->writing == DB_NONE)
		sqlite3_exec(s->db->h, "COMMIT", NULL, NULL, NULL);
}
