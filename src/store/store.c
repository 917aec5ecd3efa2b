/* store.c - opening and closing: two files, one connection.
 *
 * index.db is a cache. When it is damaged, or was made for another dunlin.db (so that its
 * folder ids mean something else), it is put aside and begun anew, together with the bodies.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "people_db.h"

enum {
	INDEX_CHECKPOINT_PAGES = 4000,
	DATA_CHECKPOINT_PAGES = 500,	/* done by store_sync and by what only workers call */
	DATA_CHECKPOINT_MUST_PAGES = 20000
};

static const char damage_mark[] = "index.damaged";

/* What an fsync failed on may be in memory only, and a second fsync would call it written. */
static void
checkpoint(struct store *s, const char *schema)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db->h, schema, SQLITE_CHECKPOINT_PASSIVE, NULL,
		NULL);

	if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED &&
	    str_eq(schema, "main"))
		s->db->is_wal_suspect = true;
}

/* After each commit. The UI's thread commits to dunlin.db and must not wait for fsync, so
 * that file is checkpointed elsewhere, unless nobody ever does. */
static int
on_commit(void *ctx, sqlite3 *h, const char *schema, int n_pages)
{
	struct store *s = ctx;

	(void)h;
	bell_ring(s);
	if (str_eq(schema, "ix")) {
		if (n_pages >= INDEX_CHECKPOINT_PAGES)
			checkpoint(s, "ix");
		return SQLITE_OK;
	}
	s->db->n_data_wal_pages = n_pages;
	if (n_pages >= DATA_CHECKPOINT_MUST_PAGES)
		checkpoint(s, "main");
	return SQLITE_OK;
}

enum err
db_make_private(const char *path, struct error *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return ERR_OK;
	if (fd < 0)
		return error_errno(e, ERR_LOCAL, "cannot open '%s'", path);
	close(fd);
	return ERR_OK;
}

/* SQLite tells that it may not write without saying where, and makes the other two files with
 * the mode of the first, so that they stay read-only when that no longer is. */
static enum err
check_writable(const char *path, struct error *e)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	enum err rc = ERR_OK;

	for (size_t i = 0; i < LEN(suffixes) && rc == ERR_OK; i++) {
		char *p = xasprintf("%s%s", path, suffixes[i]);
		if (access(p, R_OK | W_OK) < 0 && errno != ENOENT)
			rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", p);
		free(p);
	}
	return rc;
}

/* Whoever wrote it may have ended because an fsync failed. */
static bool
is_wal_left(const struct store *s)
{
	char *wal = path_join(s->data_dir, "dunlin.db-wal");
	struct stat st;
	bool is_left = stat(wal, &st) == 0 && st.st_size > 0;

	free(wal);
	return is_left;
}

static enum err
open_data(struct store *s, struct error *e)
{
	char *path = path_join(s->data_dir, "dunlin.db");
	enum err rc = ERR_OK;

	s->db->is_wal_suspect = is_wal_left(s);

	if (s->mode == STORE_WRITE && ((rc = db_make_private(path, e)) != ERR_OK ||
	    (rc = check_writable(path, e)) != ERR_OK))
		goto out;
	if (sqlite3_open_v2(path, &s->db->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
	    | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK) {
		rc = error_set(e, ERR_LOCAL, "cannot open '%s': %s", path,
			sqlite3_errmsg(s->db->h));
		goto out;
	}
	sqlite3_extended_result_codes(s->db->h, 1);
	sqlite3_busy_timeout(s->db->h, WRITER_MS);
	rc = db_script(s, "PRAGMA main.journal_mode = WAL; PRAGMA main.synchronous = NORMAL;"
		"PRAGMA main.cache_size = -1000; PRAGMA temp_store = MEMORY;"
		"PRAGMA trusted_schema = OFF", e);
	if (rc == ERR_OK && s->mode == STORE_WRITE)
		rc = schema_migrate(s, "main", e);
out:
	free(path);
	return rc;
}

static enum err
attach_index(struct store *s, struct error *e)
{
	char *path = path_join(s->cache_dir, "index.db");
	enum err rc = ERR_OK;

	if (s->mode == STORE_WRITE)
		rc = db_make_private(path, e);
	if (rc == ERR_OK && s->mode == STORE_WRITE)
		rc = check_writable(path, e);
	else if (rc == ERR_OK && access(path, R_OK) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot open '%s'", path);
	if (rc == ERR_OK)
		rc = db_run(s, e, "ATTACH ? AS ix", "s", path);
	if (rc == ERR_OK)
		rc = db_script(s,
			"PRAGMA ix.journal_mode = WAL; PRAGMA ix.synchronous = NORMAL;PRAGMA"
			" ix.cache_size = -2000; PRAGMA ix.journal_size_limit ="
			" 17000000;SELECT count(*) FROM ix.sqlite_schema",
			e);
	if (rc == ERR_OK && s->mode == STORE_WRITE)
		rc = schema_migrate(s, "ix", e);
	free(path);
	return rc;
}

int64_t
store_data_id(const struct store *s)
{
	return db_int(s, "SELECT value FROM meta WHERE name = 'id'", "");
}

/* True when index.db belongs to this dunlin.db; a new one is bound to it. */
static bool
bind_index(struct store *s, enum err *rc, struct error *e)
{
	int64_t id = store_data_id(s);
	int64_t bound = db_int(s, "SELECT data_id FROM binding", "");

	if (bound == id)
		return true;
	if (bound != 0)
		return false;
	bodies_wipe(s->bodies_dir);		/* nothing knows of them any more */
	*rc = db_run(s, e, "INSERT INTO binding SELECT value FROM meta WHERE name = 'id'"
		" AND NOT EXISTS (SELECT 1 FROM binding)", "");
	return true;
}

static void
put_aside(struct store *s)
{
	char *index = path_join(s->cache_dir, "index.db");
	char *aside = path_join(s->cache_dir, "index.db.damaged");
	char *mark = path_join(s->cache_dir, damage_mark);

	log_msg("store: the index is damaged or foreign: begun anew");
	rename(index, aside);
	for (const char *const *suffix = (const char *const[]){ "-wal", "-shm", NULL };
		*suffix; suffix++) {
		char *p = xasprintf("%s%s", index, *suffix);
		unlink(p);
		free(p);
	}
	unlink(mark);
	free(index);
	free(aside);
	free(mark);
}

static bool
is_damage(struct store *s)
{
	char *mark = path_join(s->cache_dir, damage_mark);
	bool is_marked = access(mark, F_OK) == 0;

	free(mark);
	return is_marked || s->db->is_index_damaged;
}

/* Our statements are the same always: one that SQLite calls wrong speaks
 * of tables that are broken. */
static bool
is_broken(struct store *s)
{
	return s->db->is_index_damaged || (s->db->failed & 0xff) == SQLITE_ERROR;
}

static void
detach_index(struct store *s)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		sqlite3_finalize(s->db->statements[i].st);
		s->db->statements[i] = (struct statement){0};
	}
	sqlite3_exec(s->db->h, "DETACH ix", NULL, NULL, NULL);
	s->db->is_index_damaged = false;
	s->db->failed = 0;
}

static enum err
try_index(struct store *s, bool *is_ours, struct error *e)
{
	enum err rc = attach_index(s, e);

	*is_ours = rc == ERR_OK && bind_index(s, &rc, e);
	return rc == ERR_OK && *is_ours ? folders_repair(s, e) : rc;
}

/* What it holds is nowhere else, so that it is never put aside by itself. */
static enum err
data_is_damaged(const struct store *s, struct error *e)
{
	return error_set(e, ERR_LOCAL,
		"'%.200s/dunlin.db' is damaged: put back a backup of it, or move it away and "
		"start again; mail files stay, but not what was not yet carried out or sent",
		s->data_dir);
}

static bool
is_data_whole(const struct store *s)
{
	sqlite3_stmt *st = db_query(s, "PRAGMA main.quick_check(1)", "");
	bool is_whole = false;

	if (db_row(s, st)) {
		const char *words = (const char *)sqlite3_column_text(st, 0);
		is_whole = words && str_eq(words, "ok");
		db_done(st);
	}
	return is_whole;
}

static enum err
open_index(struct store *s, struct error *e)
{
	bool is_ours;
	enum err rc;

	if (s->mode == STORE_READ)
		return (rc = attach_index(s, e)) == ERR_OK ? schema_check(s, e) : rc;
	if (is_damage(s)) {
		if (!is_data_whole(s))
			return data_is_damaged(s, e);
		put_aside(s);
	}
	s->db->failed = 0;
	rc = try_index(s, &is_ours, e);
	if (is_broken(s) || (rc == ERR_OK && !is_ours)) {
		detach_index(s);
		put_aside(s);
		rc = try_index(s, &is_ours, e);
		if (is_broken(s))
			rc = data_is_damaged(s, e);
	}
	return rc;
}

int
store_lock_opening(const struct store *s)
{
	char *path = path_join(s->cache_dir, "lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	free(path);
	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

/* SQLite refuses a link anywhere in a path; a person may well have linked the directories
 * elsewhere. */
static char *
real_dir(const char *dir)
{
	char *real = realpath(dir, NULL);
	char *copy = xstrdup(real ? real : dir);

	free(real);
	return copy;
}

/* SQLite counts what it allocates under a lock of the whole process, for
 * questions that nobody asks here. */
static void
count_no_memory(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum err
store_open(struct store **out, const char *data_dir, const char *cache_dir,
	enum store_mode mode, struct error *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct store *s = xcalloc(1, sizeof *s);
	int lock = -1;
	enum err rc;

	*out = NULL;
	pthread_once(&once, count_no_memory);
	s->db = xcalloc(1, sizeof *s->db);
	s->bell_fd = -1;
	s->mode = mode;
	if (mode == STORE_WRITE &&
	    ((rc = path_private(data_dir, e)) != ERR_OK ||
	    (rc = path_private(cache_dir, e)) != ERR_OK))
		goto out;
	s->data_dir = real_dir(data_dir);
	s->cache_dir = real_dir(cache_dir);
	s->bodies_dir = path_join(s->cache_dir, "bodies");
	s->bells_dir = path_join(s->cache_dir, "bells");
	if (mode == STORE_WRITE)
		lock = store_lock_opening(s);
	rc = open_data(s, e);
	if (rc != ERR_OK && s->db->is_index_damaged)
		data_is_damaged(s, e);
	s->db->is_index_damaged = false;	/* it was the other file */
	if (rc != ERR_OK || (rc = open_index(s, e)) != ERR_OK)
		goto out;
	sqlite3_wal_hook(s->db->h, on_commit, s);
	s->db->failed = 0;
	*out = s;
	s = NULL;			/* now the caller's */
out:
	if (lock >= 0)
		close(lock);
	store_close(s);
	return rc;
}

static void
leave_mark(struct store *s)
{
	char *mark = path_join(s->cache_dir, damage_mark);
	int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		close(fd);
	free(mark);
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	if (s->db->is_index_damaged)
		leave_mark(s);
	for (size_t i = 0; i < N_STATEMENTS; i++)
		sqlite3_finalize(s->db->statements[i].st);
	sqlite3_close(s->db->h);
	if (s->bell_fd >= 0)
		close(s->bell_fd);
	shown_free(s->db->shown);
	free(s->db);
	free(s->data_dir);
	free(s->cache_dir);
	free(s->bodies_dir);
	free(s->bells_dir);
	people_free(s);
	free(s);
}

static enum err
sync_path(const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	enum err rc = fd < 0 || fsync(fd) < 0
		? error_errno(e, ERR_LOCAL, "cannot sync '%s'", path)
		: ERR_OK;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* The file over itself, so that an fsync has it to write. */
static enum err
write_again(const char *path, struct error *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char buf[65536];
	enum err rc = ERR_OK;
	ssize_t n = 0;

	if (fd < 0 && errno == ENOENT)
		return ERR_OK;
	for (off_t at = 0; fd >= 0 && (n = pread(fd, buf, sizeof buf, at)) > 0; at += n) {
		rc = fd_pwrite_all(fd, buf, (size_t)n, (uint64_t)at, e);
		if (rc != ERR_OK)
			break;
	}
	if (rc == ERR_OK && (fd < 0 || n < 0 || fsync(fd) < 0))
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s' again", path);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Within a transaction: nobody else writes the WAL, nor begins it anew. */
static enum err
write_wal_again(struct store *s, const char *wal, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc == ERR_OK)
		rc = tx_close(s, write_again(wal, e), e);
	s->db->is_wal_suspect = rc != ERR_OK;
	return rc;
}

/* All that was committed is in the WAL or in the file itself, which a checkpoint syncs.
 * SQLite's own locks are on the other two files, so that closing a descriptor of the WAL drops
 * none of them. */
enum err
store_sync(struct store *s, struct error *e)
{
	char *wal = path_join(s->data_dir, "dunlin.db-wal");
	enum err rc = s->db->is_wal_suspect ? write_wal_again(s, wal, e) : sync_path(wal, e);

	if (rc != ERR_OK)
		s->db->is_wal_suspect = true;
	if (rc == ERR_OK)
		rc = sync_path(s->data_dir, e);
	if (rc == ERR_OK && s->db->n_data_wal_pages >= DATA_CHECKPOINT_PAGES
		&& !s->db->is_begun) {
		checkpoint(s, "main");
		s->db->n_data_wal_pages = 0;
	}
	free(wal);
	return rc;
}

int
store_lock_account(const struct store *s, const char *what, account_id account)
{
	char *name = xasprintf("%s.%u.lock", what, account);
	char *path = path_join(s->data_dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		log_msg("store: cannot open '%s': %s", path, strerror(errno));
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(fd);
		fd = -1;
	}
	free(path);
	free(name);
	return fd;
}

int
store_intents_claim(const struct store *s, account_id account)
{
	return store_lock_account(s, "replay", account);
}
