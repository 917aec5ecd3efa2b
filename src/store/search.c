/* search.c - cache/search.db, a file of its own so that filling it keeps nobody waiting who
 * writes the index.
 *
 * FTS5 without content and column sizes: words and places only. `doc` says which messages
 * are in, since such a table would take a message twice. Scripts that put no space
 * between words (Chinese, Japanese, Thai and their like) are split into single letters on
 * the way in and on the way out, so that a word of them is a phrase; the tokenizer alone
 * would see a whole sentence as one. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "log.h"
#include "path.h"
#include "search.h"
#include "store_db.h"
#include "str.h"
#include "utf8.h"

enum {
	SCHEMA_VERSION = 1,
	BUSY_MS = 5000,
	ANSWER_KEPT_S = 24 * 3600,
	WORDS_MAX = 1000
};

struct search {
	sqlite3 *h;
	char *path, *mark;		/* mark: a file that says that the last one who
					 * looked found damage */
	int64_t data_id;		/* of the dunlin.db whose folder ids are meant */
	enum store_mode mode;
	bool is_begun, is_damaged;
};

static const char schema[] =
	"CREATE VIRTUAL TABLE text USING fts5(words, content='', columnsize=0,"
	" tokenize='unicode61 remove_diacritics 2');"
	"CREATE TABLE doc (id INTEGER PRIMARY KEY);"
	"CREATE TABLE answer (folder INTEGER NOT NULL, words TEXT NOT NULL,"
	"	uids TEXT NOT NULL, is_complete INTEGER NOT NULL, made INTEGER NOT NULL,"
	"	PRIMARY KEY (folder, words));"
	"CREATE TABLE binding (data_id INTEGER NOT NULL);"
	"PRAGMA user_version = 1;";

/* ---- the database ---- */

static enum err
fail(struct search *x, struct error *e)
{
	int code = sqlite3_errcode(x->h) & 0xff;

	x->is_damaged |= code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
	return error_set(e, ERR_LOCAL, "the search index failed: %s", sqlite3_errmsg(x->h));
}

static enum err
script(struct search *x, const char *sql, struct error *e)
{
	return sqlite3_exec(x->h, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : fail(x, e);
}

static sqlite3_stmt *
prepare(struct search *x, const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(x->h, sql, -1, &st, NULL) != SQLITE_OK)
		log_msg("search: %s", sqlite3_errmsg(x->h));
	return st;
}

/* Runs it to its end, and away with it. */
static enum err
run(struct search *x, sqlite3_stmt *st, struct error *e)
{
	int rc = st ? sqlite3_step(st) : SQLITE_ERROR;
	enum err result = rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : fail(x, e);

	sqlite3_finalize(st);
	return result;
}

static int64_t
number(struct search *x, const char *sql)
{
	sqlite3_stmt *st = prepare(x, sql);
	int64_t v = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;

	sqlite3_finalize(st);
	return v;
}

static void
remove_files(const char *path)
{
	for (const char *const *suffix = (const char *const[]){ "", "-wal", "-shm", NULL };
		*suffix; suffix++) {
		char *p = xasprintf("%s%s", path, *suffix);
		unlink(p);
		free(p);
	}
}

static enum err
connect_file(struct search *x, struct error *e)
{
	enum err rc = x->mode == STORE_WRITE ? db_make_private(x->path, e) : ERR_OK;

	if (rc != ERR_OK)
		return rc;
	if (sqlite3_open_v2(x->path, &x->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
		return fail(x, e);
	sqlite3_busy_timeout(x->h, BUSY_MS);
	return script(x, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
		"PRAGMA cache_size = -4000; PRAGMA temp_store = MEMORY;"
		"PRAGMA journal_size_limit = 8000000; PRAGMA trusted_schema = OFF", e);
}

static enum err
make_tables(struct search *x, struct error *e)
{
	enum err rc = script(x, "BEGIN IMMEDIATE", e);

	if (rc == ERR_OK)
		rc = script(x, schema, e);
	sqlite3_stmt *st = rc == ERR_OK ? prepare(x, "INSERT INTO binding VALUES (?)") : NULL;
	if (st)
		sqlite3_bind_int64(st, 1, x->data_id);
	if (rc == ERR_OK)
		rc = run(x, st, e);
	if (rc == ERR_OK)
		return script(x, "COMMIT", e);
	sqlite3_exec(x->h, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* ERR_FOLDER: it is no file for us, and may go. */
static enum err
try_open(struct search *x, struct error *e)
{
	enum err rc = connect_file(x, e);
	int64_t version = rc == ERR_OK ? number(x, "PRAGMA user_version") : -1;

	if (rc != ERR_OK)
		return x->is_damaged ? ERR_FOLDER : rc;
	if (version == 0 && x->mode == STORE_WRITE)
		return make_tables(x, e);
	if (version != SCHEMA_VERSION ||
	    number(x, "SELECT data_id FROM binding") != x->data_id)
		return error_set(e, ERR_FOLDER,
		"the search index is not of this release, or not of this mail");
	return ERR_OK;
}

static enum err
open_or_begin(struct search *x, struct error *e)
{
	bool is_marked = access(x->mark, F_OK) == 0;
	enum err rc = is_marked ? ERR_FOLDER : try_open(x, e);

	if (rc != ERR_FOLDER)
		return rc;
	log_msg("search: the index of words is damaged or foreign: begun anew");
	sqlite3_close(x->h);
	x->h = NULL;
	x->is_damaged = false;
	remove_files(x->path);
	unlink(x->mark);
	return try_open(x, e);
}

enum err
search_open(struct search **out, const struct store *s, enum store_mode mode, struct error *e)
{
	struct search *x = xcalloc(1, sizeof *x);

	*out = NULL;
	x->path = path_join(s->cache_dir, "search.db");
	x->mark = path_join(s->cache_dir, "search.damaged");
	x->data_id = store_data_id(s);
	x->mode = mode;
	int lock = mode == STORE_WRITE ? store_lock_opening(s) : -1;
	enum err rc = mode == STORE_WRITE ? open_or_begin(x, e) : try_open(x, e);
	if (lock >= 0)
		close(lock);
	if (rc != ERR_OK) {
		search_close(x);
		return ERR_LOCAL;
	}
	*out = x;
	return ERR_OK;
}

static void
leave_mark(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		close(fd);
}

void
search_close(struct search *x)
{
	if (!x)
		return;
	if (x->is_damaged)
		leave_mark(x->mark);
	sqlite3_close(x->h);
	free(x->path);
	free(x->mark);
	free(x);
}

/* ---- words ---- */

/* Letters of scripts that are written without spaces between words. */
static bool
stands_alone(uint32_t c)
{
	static const struct { uint32_t lo, hi; } scripts[] = {
		{ 0x0e00, 0x0eff },			/* Thai, Lao */
		{ 0x1000, 0x109f },			/* Burmese */
		{ 0x1780, 0x17ff },			/* Khmer */
		{ 0x2e80, 0x2fdf }, { 0x3005, 0x3007 }, { 0x3040, 0x30ff }, { 0x31f0, 0x31ff },
		{ 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xf900, 0xfaff }, { 0xff66, 0xff9f },
		{ 0x20000, 0x3fffd },
	};

	if (c < scripts[0].lo)
		return false;
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
		if (c >= scripts[i].lo && c <= scripts[i].hi)
			return true;
	return false;
}

/* How many bytes from s on the tokenizer may see as they are: most of most mail. */
static size_t
plain(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (unsigned char)s[i] < 0x80 && s[i] >= ' ' && s[i] != '"')
		i++;
	return i;
}

/* Appends s[0..n) as the tokenizer is to see it: valid UTF-8, no NUL, no quotation mark. */
static void
put_words(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c;
		char u[4];
		if ((len = plain(s + i, n - i)) > 0) {
			str_add(out, s + i, len);
			continue;
		}
		len = utf8_next(s + i, n - i, &c);
		if (c < 0x80) {
			str_putc(out, ' ');
			continue;
		}
		bool alone = stands_alone(c);
		if (alone)
			str_putc(out, ' ');
		str_add(out, u, utf8_put(u, c));
		if (alone)
			str_putc(out, ' ');
	}
}

enum err
search_begin(struct search *x, struct error *e)
{
	enum err rc = script(x, "BEGIN IMMEDIATE", e);

	x->is_begun = rc == ERR_OK;
	return rc;
}

enum err
search_commit(struct search *x, struct error *e)
{
	enum err rc = script(x, "COMMIT", e);

	x->is_begun = false;
	if (rc != ERR_OK)
		sqlite3_exec(x->h, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

void
search_rollback(struct search *x)
{
	if (x->is_begun)
		sqlite3_exec(x->h, "ROLLBACK", NULL, NULL, NULL);
	x->is_begun = false;
}

static enum err
insert(struct search *x, msg_id id, const char *text, size_t n, struct error *e)
{
	sqlite3_stmt *st = prepare(x, "INSERT INTO text (rowid, words) VALUES (?, ?)");
	struct str words = { 0 };

	put_words(&words, text, n < SEARCH_TEXT_MAX ? n : SEARCH_TEXT_MAX);
	if (st) {
		sqlite3_bind_int64(st, 1, id);
		sqlite3_bind_text(st, 2, str_get(&words), (int)words.len, SQLITE_STATIC);
	}
	enum err rc = run(x, st, e);
	str_clear(&words);
	return rc;
}

enum err
search_add(struct search *x, msg_id id, const char *text, size_t n, struct error *e)
{
	sqlite3_stmt *st = prepare(x, "INSERT OR IGNORE INTO doc (id) VALUES (?)");
	bool alone = !x->is_begun;
	enum err rc = alone ? search_begin(x, e) : ERR_OK;

	if (rc != ERR_OK || !st) {
		sqlite3_finalize(st);
		return rc != ERR_OK ? rc : fail(x, e);
	}
	sqlite3_bind_int64(st, 1, id);
	rc = run(x, st, e);
	if (rc == ERR_OK && sqlite3_changes(x->h) > 0)
		rc = insert(x, id, text, n, e);
	if (!alone)
		return rc;
	if (rc == ERR_OK)
		return search_commit(x, e);
	search_rollback(x);
	return rc;
}

/* Collects the UIDs of rows whose one column is a msg_id. */
static enum err
collect(struct search *x, sqlite3_stmt *st, struct uidset *out, struct error *e)
{
	int rc = SQLITE_ERROR;

	while (st && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint32_t uid = msg_uid(sqlite3_column_int64(st, 0));
		if (uid > 0)
			uidset_add(out, uid);
	}
	enum err result = rc == SQLITE_DONE ? ERR_OK : fail(x, e);
	sqlite3_finalize(st);
	return result;
}

enum err
search_covered(struct search *x, folder_id folder, uint32_t lo, uint32_t hi,
	struct uidset *out, struct error *e)
{
	sqlite3_stmt *st = prepare(x,
		"SELECT id FROM doc WHERE id BETWEEN ? AND ? ORDER BY id");

	uidset_clear(out);
	if (st) {
		sqlite3_bind_int64(st, 1, msg_id_of(folder, lo));
		sqlite3_bind_int64(st, 2, msg_id_of(folder, hi));
	}
	return collect(x, st, out, e);
}

bool
search_has(struct search *x, msg_id id)
{
	sqlite3_stmt *st = prepare(x, "SELECT 1 FROM doc WHERE id = ?");

	if (st)
		sqlite3_bind_int64(st, 1, id);
	bool has = st && sqlite3_step(st) == SQLITE_ROW;
	sqlite3_finalize(st);
	return has;
}

uint64_t
search_count(struct search *x)
{
	int64_t n = number(x, "SELECT count(*) FROM doc");

	return n > 0 ? (uint64_t)n : 0;
}

uint64_t
search_bytes(struct search *x)
{
	int64_t pages = number(x, "PRAGMA page_count"), size = number(x, "PRAGMA page_size");

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

/* DELETE would not give the room back, and FTS5 without content cannot delete. */
enum err
search_wipe(struct search *x, struct error *e)
{
	enum err rc = script(x,
		"BEGIN IMMEDIATE; DROP TABLE text; DROP TABLE doc; DROP TABLE answer; "
		"DROP TABLE binding; PRAGMA user_version = 0; COMMIT", e);

	if (rc != ERR_OK) {
		sqlite3_exec(x->h, "ROLLBACK", NULL, NULL, NULL);
		return rc;
	}
	rc = make_tables(x, e);
	return rc == ERR_OK ? script(x, "VACUUM", e) : rc;
}

/* ---- asking ---- */

/* An FTS5 phrase; false when there is nothing in it to look for. */
static bool
phrase(struct str *out, const char *words)
{
	bool any = false;

	str_putc(out, '"');
	put_words(out, words, strnlen(words, WORDS_MAX));
	str_puts(out, "\"*");
	for (const char *p = words; *p && !any; p++)
		any = (unsigned char)*p >= 0x80 || (*p >= '0' && *p <= '9') ||
			((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z');
	return any;
}

enum err
search_find(struct search *x, folder_id folder, const char *words, struct uidset *out,
	struct error *e)
{
	struct str match = { 0 };
	enum err rc = ERR_OK;

	if (phrase(&match, words)) {
		sqlite3_stmt *st = prepare(x, "SELECT rowid FROM text WHERE text MATCH ?"
			" AND rowid BETWEEN ? AND ? ORDER BY rowid");
		if (st) {
			sqlite3_bind_text(st, 1, str_get(&match), (int)match.len,
				SQLITE_STATIC);
			sqlite3_bind_int64(st, 2, msg_id_of(folder, 0));
			sqlite3_bind_int64(st, 3, msg_id_of(folder, UINT32_MAX));
		}
		rc = collect(x, st, out, e);
	}
	str_clear(&match);
	return rc;
}

enum err
search_answer_put(struct search *x, folder_id folder, const char *words,
	const struct search_answer *a, struct error *e)
{
	sqlite3_stmt *st = prepare(x, "DELETE FROM answer WHERE made < ?");
	struct str uids = { 0 };
	int64_t now = time(NULL);

	if (st)
		sqlite3_bind_int64(st, 1, now - ANSWER_KEPT_S);
	enum err rc = run(x, st, e);
	if (rc != ERR_OK)
		return rc;
	st = prepare(x,
		"INSERT OR REPLACE INTO answer (folder, words, uids, is_complete, made) "
		"VALUES (?, ?, ?, ?, ?)");
	uidset_format(&uids, &a->uids);
	if (st) {
		sqlite3_bind_int64(st, 1, folder);
		sqlite3_bind_text(st, 2, words, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 3, str_get(&uids), (int)uids.len, SQLITE_STATIC);
		sqlite3_bind_int(st, 4, a->is_complete);
		sqlite3_bind_int64(st, 5, now);
	}
	rc = run(x, st, e);
	str_clear(&uids);
	return rc;
}

bool
search_answer(struct search *x, folder_id folder, const char *words, struct search_answer *out)
{
	sqlite3_stmt *st = prepare(x, "SELECT uids, is_complete FROM answer"
		" WHERE folder = ? AND words = ?");
	bool found = false;

	*out = (struct search_answer){ 0 };
	if (st) {
		sqlite3_bind_int64(st, 1, folder);
		sqlite3_bind_text(st, 2, words, -1, SQLITE_STATIC);
		found = sqlite3_step(st) == SQLITE_ROW;
	}
	if (found) {
		const char *uids = (const char *)sqlite3_column_text(st, 0);
		if (uids && *uids)
			uidset_parse(&out->uids, uids);
		out->is_complete = sqlite3_column_int(st, 1) != 0;
	}
	sqlite3_finalize(st);
	return found;
}
