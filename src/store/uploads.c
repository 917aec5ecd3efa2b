/* uploads.c - bytes on their way into a folder.
 *
 * The file is on disk before the row that names it, and goes after the commit that says DONE:
 * so a row always has its bytes, and what a crash leaves over is a file that no row names,
 * swept after a day. What follows an upload (a message to be removed) is recorded as an intent
 * in the commit that says DONE. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store_uploads.h"
#include "upload_file.h"

enum { ORPHAN_S = 24 * 3600 };

#define UPLOAD_COLUMNS \
	"id, account, state, role, dest, flags, arrived, message_id, name, label, size, " \
	"created, retry_at, n_tries, dest_uidnext, landed, after, after_msg, after_text, " \
	"error "

/* ---- adding ---- */

/* What has begun stays: it may stand there. Why the last of them was refused the new one
 * inherits, so that it is not told at every version. */
static enum err
supersede(struct store *s, const char *name, upload_id by, struct error *e)
{
	if (*name == '\0')
		return ERR_OK;
	enum err rc = db_run(s, e,
		"UPDATE upload SET error = coalesce((SELECT u.error FROM upload u "
		"WHERE u.name = ?1 AND u.state = 3 ORDER BY u.id DESC LIMIT 1), '') "
		"WHERE id = ?2", "si", name, by);
	return rc == ERR_OK
		? db_run(s, e,
		"DELETE FROM upload WHERE name = ? AND state IN (0, 3) AND id <> ?", "si",
		name, by) : rc;
}

static enum err
insert(struct store *s, const struct upload *u, const struct upload_file *f, upload_id *id,
	struct error *e)
{
	const char *name = u->name ? u->name : "";
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"INSERT INTO upload (account, role, dest, flags, arrived, "
		"message_id, name, label, file, size, created, after, after_msg, after_text) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "uusuissssiiuis",
			u->account, (uint32_t)u->role, u->dest ? u->dest : "", u->flags,
			u->arrived, u->message_id ? u->message_id : "", name,
			u->label ? u->label : "", upload_name(f), (int64_t)upload_size(f),
			u->created ? u->created : (int64_t)time(NULL), (uint32_t)u->after,
			u->after_msg, u->after_text ? u->after_text : "");
	*id = sqlite3_last_insert_rowid(s->db->h);
	if (rc == ERR_OK)
		rc = supersede(s, name, *id, e);
	return tx_close(s, rc, e);
}

/* The files of what a new one of that name takes the place of. */
static size_t
files_named(const struct store *s, const char *name, struct arena *a, const char **files,
	size_t max)
{
	sqlite3_stmt *st = db_query(s, "SELECT file FROM upload WHERE name = ? AND name <> ''"
		" AND state IN (0, 3)", "s", name);
	size_t n = 0;

	while (n < max && db_row(s, st))
		files[n++] = db_text(st, 0, a);
	db_done(st);
	return n;
}

enum err
store_upload_add(struct store *s, const struct upload *u, struct upload_file *f, upload_id *id,
	struct error *e)
{
	struct arena a = {0};
	const char *old[8];
	size_t n_old = files_named(s, u->name ? u->name : "", &a, old, LEN(old));
	enum err rc = upload_seal(f, e);

	if (rc == ERR_OK)
		rc = insert(s, u, f, id, e);
	if (rc != ERR_OK) {
		*id = 0;
		upload_abort(f);
	} else {
		upload_close(f);
		rc = store_sync(s, e);
		for (size_t i = 0; i < n_old; i++)
			upload_remove(s, old[i]);
	}
	arena_clear(&a);
	return rc;
}

/* ---- reading ---- */

static const char *
file_of(const struct store *s, upload_id id, struct arena *a)
{
	sqlite3_stmt *st = db_query(s, "SELECT file FROM upload WHERE id = ?", "i", id);
	const char *name = "";

	if (db_row(s, st)) {
		name = db_text(st, 0, a);
		db_done(st);
	}
	return name;
}

int
store_upload_open(const struct store *s, const struct upload *u, struct error *e)
{
	struct arena a = {0};
	int fd = upload_open(s, file_of(s, u->id, &a), u->size_bytes, e);

	arena_clear(&a);
	return fd;
}

static void
read_row(sqlite3_stmt *st, struct arena *a, struct upload *u)
{
	*u = (struct upload){
		.id = sqlite3_column_int64(st, 0),
			.account = (account_id)sqlite3_column_int64(st, 1),
		.state = (enum upload_state)sqlite3_column_int(st, 2),
		.role = (enum folder_role)sqlite3_column_int(st, 3), .dest = db_text(st, 4, a),
		.flags = (uint32_t)sqlite3_column_int64(st, 5),
		.arrived = sqlite3_column_int64(st, 6), .message_id = db_text(st, 7, a),
		.name = db_text(st, 8, a), .label = db_text(st, 9, a),
		.size_bytes = (uint64_t)sqlite3_column_int64(st, 10),
		.created = sqlite3_column_int64(st, 11), .retry_at = sqlite3_column_int64(st,
		12), .n_tries = (uint32_t)sqlite3_column_int64(st, 13),
		.dest_uidnext = (uint32_t)sqlite3_column_int64(st, 14),
		.landed = sqlite3_column_int64(st, 15),
		.after = (enum upload_after)sqlite3_column_int(st, 16),
		.after_msg = sqlite3_column_int64(st, 17), .after_text = db_text(st, 18, a),
		.error = db_text(st, 19, a),
	};
}

static bool
read_one(const struct store *s, sqlite3_stmt *st, struct arena *a, struct upload *out)
{
	if (!db_row(s, st))
		return false;
	read_row(st, a, out);
	db_done(st);
	return true;
}

bool
store_upload(const struct store *s, upload_id id, struct arena *a, struct upload *out)
{
	return read_one(s, db_query(s, "SELECT " UPLOAD_COLUMNS "FROM upload WHERE id = ?",
		"i", id), a, out);
}

size_t
store_uploads(const struct store *s, account_id account, size_t max, struct arena *a,
	struct upload **out)
{
	sqlite3_stmt *st = db_query(s, "SELECT " UPLOAD_COLUMNS
		"FROM upload WHERE ?1 IN (0, account) ORDER BY id DESC LIMIT ?2", "ui",
		account, (int64_t)max);
	struct upload *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		read_row(st, a, &v[n++]);
	}
	*out = arena_take(a, v, n * sizeof *v);
	return n;
}

/* Later than a day from now, the longest pause there is, is what a clock
 * says that was set back since. */
#define IS_DUE "(state <= 1 OR (state = 3 AND retry_at > 0 " \
	"AND retry_at NOT BETWEEN ?2 + 1 AND ?2 + 86400))"

uint32_t
store_uploads_due(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s,
		"SELECT count(*) FROM upload WHERE ?1 IN (0, account) AND state <> 2 AND "
		IS_DUE, "ui", account, (int64_t)time(NULL));
}

uint32_t
store_uploads_refused(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s,
		"SELECT count(*) FROM upload WHERE ?1 IN (0, account) AND state = 3", "u",
		account);
}

bool
store_upload_named(const struct store *s, const char *name, struct arena *a,
	struct upload *out)
{
	return read_one(s, db_query(s,
		"SELECT " UPLOAD_COLUMNS
		"FROM upload WHERE name = ? AND name <> '' AND state <> 2 "
		"ORDER BY state = 1 DESC, id DESC LIMIT 1", "s", name), a, out);
}

bool
store_upload_next(const struct store *s, account_id account, struct arena *a,
	struct upload *out)
{
	return read_one(s, db_query(s, "SELECT " UPLOAD_COLUMNS
		"FROM upload WHERE account = ?1 AND state <> 2 AND " IS_DUE
		" ORDER BY state = 1 DESC, id LIMIT 1", "ui", account, (int64_t)time(NULL)), a,
		out);
}

/* ---- states ---- */

static enum err
commit(struct store *s, enum err rc, struct error *e)
{
	rc = tx_close(s, rc, e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}

enum err
store_uploads_hurry(struct store *s, account_id account, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	return rc != ERR_OK ? rc : tx_close(s, db_run(s, e,
		"UPDATE upload SET retry_at = 1 WHERE account = ? AND state = 3", "u",
		account), e);
}

enum err
store_upload_drop(struct store *s, upload_id id, struct error *e)
{
	struct arena a = {0};
	const char *file = file_of(s, id, &a);
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc == ERR_OK) {
		rc = db_run(s, e, "DELETE FROM upload WHERE id = ? AND state IN (0, 3)", "i",
			id);
		if (rc == ERR_OK && sqlite3_changes(s->db->h) == 0)
			rc = error_set(e, ERR_MSG, "it has begun");
		rc = commit(s, rc, e);
	}
	if (rc == ERR_OK)
		upload_remove(s, file);
	arena_clear(&a);
	return rc;
}

enum err
store_upload_running(struct store *s, upload_id id, uint32_t dest_uidnext, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"UPDATE upload SET state = 1, dest_uidnext = ?, n_tries = n_tries + 1 "
		"WHERE id = ? AND state <> 2", "ui", dest_uidnext, id);
	if (rc == ERR_OK && sqlite3_changes(s->db->h) == 0)
		rc = error_set(e, ERR_LOCAL, "an upload went away");
	return commit(s, rc, e);
}

enum err
store_upload_refused(struct store *s, upload_id id, const char *why, int64_t retry_at,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"UPDATE upload SET state = 3, error = substr(?, 1, 400), retry_at = ? "
		"WHERE id = ?", "sii", why, retry_at, id);
	if (rc == ERR_OK)
		rc = carry_refused(s, id, why, e);
	return commit(s, rc, e);
}

/* The bytes stand at `landed`; with UID 0, somewhere in that folder. */
static enum err
follow_up(struct store *s, const struct upload *u, msg_id landed, const struct removal *how,
	account_id *other, struct error *e)
{
	struct arena a = {0};
	struct draft_copy former = { .msg = 0 };
	enum err rc = ERR_OK;

	if (u->after == UPLOAD_THEN_CARRY)
		rc = carry_landed(s, u, landed, how, other, e);
	if (u->after == UPLOAD_THEN_DRAFT)
		rc = draft_landed(s, u, landed, &a, &former, e);
	if (u->after == UPLOAD_THEN_EXPUNGE)
		former = (struct draft_copy){ .msg = u->after_msg,
			.message_id = u->after_text };
	if (rc == ERR_OK && msg_uid(former.msg) && former.msg != landed)
		rc = intent_remove(s, former.msg, former.message_id, how, former.is_richer,
			other, e);
	arena_clear(&a);
	return rc;
}

enum err
store_upload_done(struct store *s, const struct upload *u, const char *wire, uint32_t uid,
	const struct removal *how, account_id *other, struct error *e)
{
	struct arena a = {0};
	const char *file = file_of(s, u->id, &a);
	folder_id folder = 0;
	enum err rc = folder_identity(s, u->account, wire, &folder, e);

	*other = 0;
	if (rc == ERR_OK)
		rc = tx_open(s, DB_DATA, e);
	if (rc == ERR_OK) {
		msg_id landed = msg_id_of(folder, uid);
		rc = db_run(s, e,
			"UPDATE upload SET state = 2, landed = ?, error = '' WHERE id = ?",
			"ii", landed, u->id);
		if (rc == ERR_OK)
			rc = follow_up(s, u, landed, how, other, e);
		rc = commit(s, rc, e);
	}
	if (rc == ERR_OK)
		upload_remove(s, file);
	arena_clear(&a);
	return rc;
}

/* ---- sweeping ---- */

static void
sweep(const struct store *s)
{
	char *dir = upload_dir(s);
	DIR *d = opendir(dir);
	struct dirent *x;
	struct stat st;
	time_t before = time(NULL) - ORPHAN_S;

	while (d && (x = readdir(d))) {
		if (strlen(x->d_name) == 16 &&
		    fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) && st.st_mtime < before &&
			db_int(s,
			"SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM upload WHERE file = ?1 AND "
			"state <> 2) AND NOT EXISTS (SELECT 1 FROM outbox WHERE file = ?1)",
			"s", x->d_name) == 1) unlinkat(dirfd(d), x->d_name, 0);
	}
	if (d)
		closedir(d);
	free(dir);
}

enum err
store_uploads_forget(struct store *s, int64_t before, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = tx_close(s, db_run(s, e, "DELETE FROM upload WHERE state = 2 AND created < ?",
		"i", before), e);
	if (rc == ERR_OK)
		sweep(s);
	return rc;
}

int
store_uploads_claim(const struct store *s, account_id account)
{
	return store_lock_account(s, "upload", account);
}
