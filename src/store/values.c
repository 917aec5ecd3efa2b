/* values.c - accounts by name, and small values of our own. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_db.h"

account_id
store_account(struct store *s, const char *name)
{
	const char *find = "SELECT id FROM account WHERE name = ?";
	account_id id = (account_id)db_int(s, find, "s", name);

	if (id || tx_open(s, DB_DATA, NULL) != ERR_OK)
		return id;
	enum err rc = db_run(s, NULL,
		"INSERT INTO account (name) VALUES (?) ON CONFLICT DO NOTHING", "s", name);
	id = (account_id)db_int(s, find, "s", name);
	return tx_close(s, rc, NULL) == ERR_OK ? id : 0;
}

char *
store_account_name(const struct store *s, account_id id)
{
	sqlite3_stmt *st = db_query(s, "SELECT name FROM account WHERE id = ?", "u", id);
	char *name = NULL;

	if (db_row(s, st)) {
		name = xstrdup((const char *)sqlite3_column_text(st, 0));
		db_done(st);
	}
	return name;
}

char *
store_value(const struct store *s, const char *name)
{
	sqlite3_stmt *st = db_query(s, "SELECT value FROM value WHERE name = ?", "s", name);
	char *value = NULL;

	if (db_row(s, st)) {
		value = xstrdup((const char *)sqlite3_column_text(st, 0));
		db_done(st);
	}
	return value;
}

enum err
store_value_put(struct store *s, const char *name, const char *value, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = value ? db_run(s, e, "INSERT INTO value VALUES (?, ?) ON CONFLICT DO UPDATE SET"
			" value = excluded.value", "ss", name, value)
		: db_run(s, e, "DELETE FROM value WHERE name = ?", "s", name);
	return tx_close(s, rc, e);
}

enum err
store_value_raise(struct store *s, const char *name, int64_t to, int64_t *was, struct error *e)
{
	char text[24];
	enum err rc = tx_open(s, DB_DATA, e);

	*was = -1;
	if (rc != ERR_OK)
		return rc;
	char *value = store_value(s, name);
	if (value)
		*was = strtoll(value, NULL, 10);
	free(value);
	snprintf(text, sizeof text, "%" PRId64, to);
	if (*was < to)
		rc = db_run(s, e, "INSERT INTO value VALUES (?, ?) ON CONFLICT DO UPDATE SET"
			" value = excluded.value", "ss", name, text);
	return tx_close(s, rc, e);
}
