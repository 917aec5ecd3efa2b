/* folders.c - identities of folders in dunlin.db (table mailbox), their state in the index.
 *
 * An identity stands for one (account, wire name, UIDVALIDITY) and is written before the index
 * speaks of it; what a crash between the two leaves is repaired when the store is opened. */
#include <stdlib.h>

#include "store_db.h"

enum { FOLDERS_A_TIME = 1000 };

#define FOLDER_COLUMNS \
	"f.id, f.account, f.wire, f.name, f.delim, f.role, f.attrs, f.uidvalidity," \
	" f.uidnext, f.modseq, f.n_server, f.is_filled, f.n_msgs, f.n_unread, " \
	"f.n_server_unread "

static void
read_folder(sqlite3_stmt *st, struct arena *a, struct folder *f)
{
	*f = (struct folder){
		.id = (folder_id)sqlite3_column_int64(st, 0),
		.account = (account_id)sqlite3_column_int64(st, 1),
		.wire = db_text(st, 2, a),
		.name = db_text(st, 3, a),
		.delim = (char)sqlite3_column_int(st, 4),
		.role = (enum folder_role)sqlite3_column_int(st, 5),
		.attrs = (uint32_t)sqlite3_column_int64(st, 6),
		.uidvalidity = (uint32_t)sqlite3_column_int64(st, 7),
		.uidnext = (uint32_t)sqlite3_column_int64(st, 8),
		.modseq = (uint64_t)sqlite3_column_int64(st, 9),
		.n_server = (uint32_t)sqlite3_column_int64(st, 10),
		.is_filled = sqlite3_column_int(st, 11) != 0,
		.n_msgs = (uint32_t)sqlite3_column_int64(st, 12),
		.n_unread = (uint32_t)sqlite3_column_int64(st, 13),
		.n_server_unread = (uint32_t)sqlite3_column_int64(st, 14),
	};
}

size_t
store_folders(const struct store *s, account_id account, struct arena *a, struct folder **out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT " FOLDER_COLUMNS "FROM folder f WHERE f.account = ?1 AND NOT f.attrs"
		" & ?2 AND NOT EXISTS (SELECT 1 FROM intent WHERE folder = f.id AND kind = 6"
		" AND state <= 1) ORDER BY f.role <> 1, f.role = 0, f.role, f.name COLLATE"
		" NOCASE, f.name",
		"uu", account, (uint32_t)FOLDER_GONE);
	struct folder *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		read_folder(st, a, &v[n++]);
	}
	shown_counts(s, v, n);
	*out = arena_take(a, v, n * sizeof *v);
	return n;
}

bool
store_folder(const struct store *s, folder_id id, struct arena *a, struct folder *out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT " FOLDER_COLUMNS "FROM folder f WHERE f.id = ?1", "u", id);

	if (!db_row(s, st))
		return false;
	read_folder(st, a, out);
	db_done(st);
	shown_counts(s, out, 1);
	return true;
}

folder_id
folder_current(const struct store *s, account_id account, const char *wire)
{
	return (folder_id)db_int(s, "SELECT id FROM folder WHERE account = ? AND wire = ?",
		"us", account, wire);
}

bool
store_folder_by_wire(const struct store *s, account_id account, const char *wire,
	struct arena *a, struct folder *out)
{
	return store_folder(s, folder_current(s, account, wire), a, out);
}

bool
store_folder_by_role(const struct store *s, account_id account, enum folder_role role,
	struct arena *a, struct folder *out)
{
	folder_id id = (folder_id)db_int(s,
		"SELECT id FROM folder WHERE account = ? AND role = ? AND NOT attrs & ? ORDER"
		" BY name LIMIT 1",
		"uuu", account, (uint32_t)role, (uint32_t)FOLDER_GONE);

	return store_folder(s, id, a, out);
}

uint32_t
store_count(const struct store *s, folder_id id)
{
	return (uint32_t)db_int(s, "SELECT n_msgs FROM folder WHERE id = ?", "u", id);
}

account_id
store_folder_account(const struct store *s, folder_id id)
{
	return (account_id)db_int(s, "SELECT account FROM folder WHERE id = ?", "u", id);
}

/* Within a transaction on dunlin.db. */
static enum err
make_identity(struct store *s, account_id account, const char *wire, folder_id *id,
	struct error *e)
{
	enum err rc = db_run(s, e, "INSERT INTO mailbox (account, wire) VALUES (?, ?)"
		" ON CONFLICT DO NOTHING", "us", account, wire);

	*id = (folder_id)db_int(s,
		"SELECT id FROM mailbox WHERE account = ? AND wire = ? AND NOT is_old", "us",
		account, wire);
	return rc;
}

enum err
folder_identity(struct store *s, account_id account, const char *wire, folder_id *id,
	struct error *e)
{
	enum err rc;

	*id = (folder_id)db_int(s,
		"SELECT id FROM mailbox WHERE account = ? AND wire = ? AND NOT is_old", "us",
		account, wire);
	if (*id)
		return ERR_OK;
	if ((rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		return rc;
	return tx_close(s, make_identity(s, account, wire, id, e), e);
}

/* Those that the index does not know yet, in dunlin.db. */
static enum err
find_identities(struct store *s, const struct folder *v, size_t n, folder_id *ids,
	struct error *e)
{
	enum err rc = ERR_OK;
	bool is_open = false;

	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		ids[i] = folder_current(s, v[i].account, v[i].wire);
		if (ids[i])
			continue;
		if (!is_open && (rc = tx_open(s, DB_DATA, e)) != ERR_OK)
			return rc;
		is_open = true;
		rc = make_identity(s, v[i].account, v[i].wire, &ids[i], e);
	}
	return is_open ? tx_close(s, rc, e) : rc;
}

static enum err
put_folder(struct store *s, const struct folder *f, folder_id id, struct error *e)
{
	return db_run(s, e,
		"INSERT INTO folder (id, account, wire, name, delim, role, attrs, "
		"uidvalidity) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
		"coalesce((SELECT uidvalidity FROM mailbox WHERE id = ?1), 0)) "
		"ON CONFLICT (id) DO UPDATE SET name = excluded.name, delim = excluded.delim, "
		"role = excluded.role, attrs = excluded.attrs | (attrs & ?8) "
		"WHERE name <> excluded.name OR delim <> excluded.delim "
		"OR role <> excluded.role OR attrs <> excluded.attrs | (attrs & ?8)",
		"uussuuuu", id, f->account, f->wire, f->name,
		(uint32_t)(unsigned char)f->delim, (uint32_t)f->role,
		f->attrs & ~(uint32_t)FOLDER_GONE, (uint32_t)FOLDER_READONLY);
}

static enum err
put_some(struct store *s, const struct folder *v, size_t n, folder_id *ids, struct error *e)
{
	enum err rc = find_identities(s, v, n, ids, e);

	if (rc != ERR_OK || (rc = tx_open(s, DB_INDEX, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = put_folder(s, &v[i], ids[i], e);
	return tx_close(s, rc, e);
}

/* A thousand at a time: whoever decides something meanwhile waits some milliseconds. */
enum err
store_folders_put(struct store *s, const struct folder *v, size_t n, folder_id *ids,
	struct error *e)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i += FOLDERS_A_TIME)
		rc = put_some(s, v + i, n - i < FOLDERS_A_TIME ? n - i : FOLDERS_A_TIME,
			ids + i, e);
	return rc;
}

enum err
store_folder_put(struct store *s, const struct folder *f, folder_id *id, struct error *e)
{
	return store_folders_put(s, f, 1, id, e);
}

static int
by_id(const void *a, const void *b)
{
	folder_id x = *(const folder_id *)a, y = *(const folder_id *)b;

	return (x > y) - (x < y);
}

enum err
store_folders_keep_only(struct store *s, account_id account, const folder_id *ids, size_t n,
	struct error *e)
{
	folder_id *named = xmemdup(ids, n * sizeof *ids), *gone = NULL;
	size_t n_gone = 0, cap = 0;
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		goto out;
	if (n)
		qsort(named, n, sizeof *named, by_id);
	sqlite3_stmt *st =
		db_query(s, "SELECT id FROM folder WHERE account = ? AND NOT attrs & ?", "uu",
			account, (uint32_t)FOLDER_GONE);
	while (db_row(s, st)) {
		folder_id id = (folder_id)sqlite3_column_int64(st, 0);
		if (n && bsearch(&id, named, n, sizeof *named, by_id))
			continue;
		gone = array_grow(gone, n_gone, &cap, sizeof *gone);
		gone[n_gone++] = id;
	}
	for (size_t i = 0; i < n_gone && rc == ERR_OK; i++)
		rc = db_run(s, e, "UPDATE folder SET attrs = attrs | ? WHERE id = ?", "uu",
			(uint32_t)FOLDER_GONE, gone[i]);
	rc = tx_close(s, rc, e);
out:
	free(named);
	free(gone);
	return rc;
}

/* ?1 the old wire name, ?2 the new one, ?3 the old with the delimiter, ?4 the account. */
#define RENAMED(column) column " = ?2 || substr(" column ", length(?1) + 1)"
#define CONCERNED(column) \
	"(" column " = ?1 OR (length(?3) > length(?1)" \
	" AND substr(" column ", 1, length(?3)) = ?3))"

static enum err
rename_identities(struct store *s, account_id account, const char *from, const char *to,
	const char *prefix, struct error *e)
{
	static const char *const steps[] = {
		"UPDATE mailbox SET is_old = 1 WHERE account = ?4 AND NOT is_old AND wire = ?2"
		" AND ?1 <> ?2 AND length(?3)",
		"UPDATE mailbox SET " RENAMED("wire")
		" WHERE account = ?4 AND NOT is_old AND " CONCERNED("wire"),
		"UPDATE intent SET " RENAMED("dest")
		" WHERE (account = ?4 AND to_account = 0 OR to_account = ?4) "
		"AND kind IN (1, 2) AND " CONCERNED("dest"),
		"UPDATE intent SET " RENAMED("source")
		" WHERE account = ?4 AND kind IN (1, 2) AND " CONCERNED("source"),
		"UPDATE later SET " RENAMED("dest")
		" WHERE account = ?4 AND kind IN (1, 2) AND " CONCERNED("dest"),
		"UPDATE later SET " RENAMED("source")
		" WHERE account = ?4 AND kind IN (1, 2) AND " CONCERNED("source"),
	};
	enum err rc = ERR_OK;

	for (size_t i = 0; i < LEN(steps) && rc == ERR_OK; i++)
		rc = db_run(s, e, steps[i], "sssu", from, to, prefix, account);
	return rc;
}

enum err
store_folder_rename(struct store *s, folder_id id, const char *wire, const char *name,
	struct error *e)
{
	struct arena a = {0};
	struct folder f;
	enum err rc;

	if (!store_folder(s, id, &a, &f)) {
		rc = error_set(e, ERR_FOLDER, "no such folder");
		goto out;
	}
	char level[2] = { f.delim, '\0' };
	const char *prefix = arena_printf(&a, "%s%s", f.wire, level);
	const char *name_prefix = arena_printf(&a, "%s%s", f.name, f.delim ? "/" : "");
	folder_id other = folder_current(s, f.account, wire);
	if ((rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		goto out;
	rc = tx_close(s, rename_identities(s, f.account, f.wire, wire, prefix, e), e);
	if (rc == ERR_OK && other && other != id)
		rc = folder_discard(s, other, e);
	if (rc != ERR_OK || (rc = tx_open(s, DB_INDEX, e)) != ERR_OK)
		goto out;
	rc = db_run(s, e,
		"UPDATE folder SET " RENAMED("name") " WHERE account = ?4 AND id IN"
		" (SELECT id FROM mailbox WHERE NOT is_old AND account = ?4) AND "
		CONCERNED("name"),
		"sssu", f.name, name, name_prefix, f.account);
	if (rc == ERR_OK)
		rc = db_run(s, e,
			"UPDATE folder SET " RENAMED("wire") " WHERE account = ?4 AND "
			CONCERNED("wire"),
			"sssu", f.wire, wire, prefix, f.account);
	rc = tx_close(s, rc, e);
out:
	arena_clear(&a);
	return rc;
}

enum err
store_folder_state(struct store *s, const struct folder *f, struct error *e)
{
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"UPDATE folder SET uidnext = ?, modseq = ?, n_server = ?, n_server_unread ="
		" ?, is_filled = ?, attrs = ? WHERE id = ?",
		"uiuuuuu", f->uidnext, (int64_t)f->modseq, f->n_server, f->n_server_unread,
		(uint32_t)f->is_filled, f->attrs, f->id);
	return tx_close(s, rc, e);
}

/* The rows of a folder that is no more go first, its own row last, so that what a crash leaves
 * is found again at the next opening. */
enum err
folder_discard(struct store *s, folder_id id, struct error *e)
{
	struct uidset all = {0};
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"UPDATE folder SET attrs = attrs | ?, wire = char(10) || id WHERE id = ?",
		"uu", (uint32_t)FOLDER_GONE, id);
	if ((rc = tx_close(s, rc, e)) != ERR_OK)
		return rc;
	uidset_add_range(&all, 1, UINT32_MAX);
	rc = store_msgs_gone(s, id, &all, e);
	uidset_clear(&all);
	if (rc != ERR_OK || (rc = tx_open(s, DB_INDEX, e)) != ERR_OK)
		return rc;
	return tx_close(s, db_run(s, e, "DELETE FROM folder WHERE id = ?", "u", id), e);
}

static enum err
replace_identity(struct store *s, folder_id old, folder_id *id, uint32_t validity,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	if ((rc = db_run(s, e, "UPDATE mailbox SET is_old = 1 WHERE id = ?", "u", old))
		== ERR_OK)
		rc = db_run(s, e,
			"INSERT INTO mailbox (account, wire, uidvalidity) SELECT account,"
			" wire, ? FROM mailbox WHERE id = ?",
			"uu", validity, old);
	*id = (folder_id)sqlite3_last_insert_rowid(s->db->h);
	if (rc == ERR_OK)
		rc = intents_refuse_folder(s, old, "the server rebuilt this mailbox", e);
	return tx_close(s, rc, e);
}

static enum err
set_validity(struct store *s, folder_id id, uint32_t validity, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e, "UPDATE mailbox SET uidvalidity = ? WHERE id = ?", "uu", validity,
		id);
	if ((rc = tx_close(s, rc, e)) != ERR_OK || (rc = tx_open(s, DB_INDEX, e)) != ERR_OK)
		return rc;
	return tx_close(s,
		db_run(s, e, "UPDATE folder SET uidvalidity = ? WHERE id = ?", "uu", validity,
			id),
		e);
}

enum err
store_folder_validity(struct store *s, folder_id *id, uint32_t validity, struct error *e)
{
	struct arena a = {0};
	struct folder f;
	folder_id fresh;
	int64_t known = db_int(s, "SELECT uidvalidity FROM mailbox WHERE id = ?", "u", *id);
	enum err rc;

	if (known == validity)
		return ERR_OK;
	if (!store_folder(s, *id, &a, &f))
		rc = error_set(e, ERR_FOLDER, "no such folder");
	else if (known == 0)
		rc = set_validity(s, *id, validity, e);
	else if ((rc = replace_identity(s, *id, &fresh, validity, e)) == ERR_OK
	    && (rc = folder_discard(s, *id, e)) == ERR_OK) {
		*id = fresh;
		rc = store_folder_put(s, &f, &fresh, e);
	}
	arena_clear(&a);
	return rc;
}

static folder_id
find_old(struct store *s)
{
	return (folder_id)db_int(s, "SELECT id FROM folder WHERE id NOT IN"
		" (SELECT id FROM mailbox WHERE NOT is_old) LIMIT 1", "");
}

enum err
folders_repair(struct store *s, struct error *e)
{
	folder_id id;
	enum err rc = ERR_OK;

	while (rc == ERR_OK && (id = find_old(s)))
		rc = folder_discard(s, id, e);
	const char *differs = "SELECT count(*) FROM folder f JOIN mailbox b ON b.id = f.id"
		" WHERE b.wire <> f.wire OR b.uidvalidity <> f.uidvalidity";
	if (rc != ERR_OK || db_int(s, differs, "") == 0 ||
	    (rc = tx_open(s, DB_INDEX, e)) != ERR_OK)
		return rc;
	rc = db_run(s, e, "UPDATE folder SET (wire, uidvalidity) ="
		" (SELECT wire, uidvalidity FROM mailbox b WHERE b.id = folder.id)", "");
	return tx_close(s, rc, e);
}
