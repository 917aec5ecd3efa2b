/* bodies.c - sections of messages as files, and part trees.
 *
 * A file is bodies/<folder>/<uid / 256>/<uid>.<section>; the name says all, so that no table
 * has to agree with the directory. It is written under another name, synced and renamed: whole
 * or absent. When it was last opened is its mtime. A directory holds the files of 256 UIDs, so
 * that all of a message are found by reading a short list. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "path.h"
#include "store_db.h"

enum { UIDS_A_DIRECTORY = 256, MAX_SECTION = 60 };

struct body_writer {
	struct store *s;
	int fd;
	char *tmp, *path;
};

static bool
section_ok(const char *section)
{
	return strlen(section) <= MAX_SECTION && section[0] != '.' &&
		section[strspn(section, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.")] == '\0';
}

static char *
directory_of(const struct store *s, folder_id folder, uint32_t uid)
{
	return xasprintf("%s/%u/%u", s->bodies_dir, folder, uid / UIDS_A_DIRECTORY);
}

static char *
path_of(const struct store *s, msg_id id, const char *section)
{
	return xasprintf("%s/%u/%u/%u.%s", s->bodies_dir, msg_folder(id),
		msg_uid(id) / UIDS_A_DIRECTORY, msg_uid(id), *section ? section : "whole");
}

enum err
body_create(struct body_writer **out, struct store *s, msg_id id, const char *section,
	struct error *e)
{
	*out = NULL;
	if (!section_ok(section))
		return error_set(e, ERR_MSG, "no such part: '%s'", section);
	char *dir = directory_of(s, msg_folder(id), msg_uid(id));
	enum err rc = path_mkdirs(dir, e);
	if (rc == ERR_OK) {
		struct body_writer *w = xcalloc(1, sizeof *w);
		w->s = s;
		w->path = path_of(s, id, section);
		w->tmp = xasprintf("%s/tmp.XXXXXX", dir);
		w->fd = mkostemp(w->tmp, O_CLOEXEC);
		*out = w;
		if (w->fd < 0) {
			rc = error_errno(e, ERR_LOCAL, "cannot write to '%s'", dir);
			body_abort(w);
			*out = NULL;
		}
	}
	free(dir);
	return rc;
}

enum err
body_write(struct body_writer *w, const void *p, size_t n, struct error *e)
{
	return fd_write_all(w->fd, p, n, e);
}

static void
body_free(struct body_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->tmp);
	free(w->path);
	free(w);
}

enum err
body_commit(struct body_writer *w, struct error *e)
{
	enum err rc = ERR_OK;

	if (fdatasync(w->fd) < 0 || rename(w->tmp, w->path) < 0) {
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", w->path);
		unlink(w->tmp);
	}
	body_free(w);
	return rc;
}

void
body_abort(struct body_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		unlink(w->tmp);
	body_free(w);
}

int
store_body(const struct store *s, msg_id id, const char *section, uint64_t *size_bytes)
{
	struct stat st;

	if (!section_ok(section))
		return -1;
	char *path = path_of(s, id, section);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	free(path);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -1;
	}
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };
	futimens(fd, times);
	if (size_bytes)
		*size_bytes = (uint64_t)st.st_size;
	return fd;
}

bool
store_has_body(const struct store *s, msg_id id, const char *section, uint64_t *size_bytes)
{
	int fd = store_body(s, id, section, size_bytes);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

char *
store_body_read(const struct store *s, msg_id id, const char *section, size_t max, size_t *len)
{
	uint64_t size;
	int fd = store_body(s, id, section, &size);
	char *p = NULL;

	*len = 0;
	if (fd < 0)
		return NULL;
	if (size <= max) {
		p = xmalloc((size_t)size + 1);
		ssize_t n = 1;
		while (*len < size && (n = read(fd, p + *len, (size_t)size - *len)) != 0) {
			if (n < 0 && errno != EINTR)
				break;
			*len += n > 0 ? (size_t)n : 0;
		}
		p[*len] = '\0';
		if (*len < size) {
			free(p);
			p = NULL;
			*len = 0;
		}
	}
	close(fd);
	return p;
}

/* The UID that a file is named after; 0: none of ours. */
static uint32_t
uid_of_name(const char *name, const char **section)
{
	char *end = NULL;
	unsigned long uid = name[0] >= '1' && name[0] <= '9' ? strtoul(name, &end, 10) : 0;

	*section = NULL;
	if (uid == 0 || uid > UINT32_MAX || *end != '.')
		return 0;
	*section = end + 1;
	return (uint32_t)uid;
}

static void
drop_in_directory(const char *dir, uint32_t lo, uint32_t hi)
{
	DIR *d = opendir(dir);
	const char *section;

	if (!d)
		return;
	for (struct dirent *entry; (entry = readdir(d)); ) {
		uint32_t uid = uid_of_name(entry->d_name, &section);
		if (uid && uid >= lo && uid <= hi)
			unlinkat(dirfd(d), entry->d_name, 0);
	}
	closedir(d);
	rmdir(dir);			/* only when it is empty */
}

static void
drop_among_all(const char *folder_dir, uint32_t lo, uint32_t hi)
{
	DIR *d = opendir(folder_dir);

	if (!d)
		return;
	for (struct dirent *entry; (entry = readdir(d)); ) {
		uint64_t bucket = strtoul(entry->d_name, NULL, 10);
		if (entry->d_name[0] == '.' || bucket < lo / UIDS_A_DIRECTORY ||
		    bucket > hi / UIDS_A_DIRECTORY)
			continue;
		char *dir = path_join(folder_dir, entry->d_name);
		drop_in_directory(dir, lo, hi);
		free(dir);
	}
	closedir(d);
	rmdir(folder_dir);
}

void
bodies_drop(struct store *s, folder_id folder, uint32_t lo, uint32_t hi)
{
	if (hi / UIDS_A_DIRECTORY - lo / UIDS_A_DIRECTORY > 64) {
		char *all = xasprintf("%s/%u", s->bodies_dir, folder);
		drop_among_all(all, lo, hi);
		free(all);
		return;
	}
	for (uint32_t b = lo / UIDS_A_DIRECTORY; b <= hi / UIDS_A_DIRECTORY; b++) {
		char *dir = xasprintf("%s/%u/%u", s->bodies_dir, folder, b);
		drop_in_directory(dir, lo, hi);
		free(dir);
	}
}

void
bodies_rename(struct store *s, msg_id from, msg_id to)
{
	char *dir = directory_of(s, msg_folder(from), msg_uid(from));
	char *into = directory_of(s, msg_folder(to), msg_uid(to));
	DIR *d = opendir(dir);
	const char *section;

	for (struct dirent *entry; d && (entry = readdir(d)); ) {
		if (uid_of_name(entry->d_name, &section) != msg_uid(from) ||
		    path_mkdirs(into, NULL) != ERR_OK)
			continue;
		char *name = xasprintf("%s/%u.%s", into, msg_uid(to), section);
		if (renameat(dirfd(d), entry->d_name, AT_FDCWD, name) < 0)
			unlinkat(dirfd(d), entry->d_name, 0);
		free(name);
	}
	if (d)
		closedir(d);
	rmdir(dir);
	free(dir);
	free(into);
}

/* ---- all of them ---- */

struct body_file {
	int64_t used;
	uint64_t size_bytes;
	char *path;
};

struct walk {
	struct body_file *files;
	size_t n, cap;
	uint64_t total_bytes;
};

typedef void (*visit_fn)(void *ctx, const char *path, const struct stat *st, folder_id folder,
	uint32_t uid);

/* Three levels and no links are followed. */
static void
walk_level(const char *dir, int level, folder_id folder, visit_fn visit, void *ctx)
{
	DIR *d = opendir(dir);
	const char *section;

	if (!d)
		return;
	for (struct dirent *entry; (entry = readdir(d)); ) {
		struct stat st;
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		char *path = path_join(dir, entry->d_name);
		if (S_ISDIR(st.st_mode) && level < 2)
			walk_level(path, level + 1,
				level == 0 ? (folder_id)strtoul(entry->d_name, NULL, 10)
					   : folder,
				visit, ctx);
		else if (!S_ISDIR(st.st_mode))
			visit(ctx, path, &st, folder, uid_of_name(entry->d_name, &section));
		free(path);
	}
	closedir(d);
	if (level > 0)
		rmdir(dir);
}

static void
wipe_one(void *ctx, const char *path, const struct stat *st, folder_id folder, uint32_t uid)
{
	(void)ctx;
	(void)st;
	(void)folder;
	(void)uid;
	unlink(path);
}

void
bodies_wipe(const char *dir)
{
	walk_level(dir, 0, 0, wipe_one, NULL);
}

struct collect {
	const struct store *s;
	struct walk walk;
	time_t now;
};

enum { UNFINISHED_S = 24 * 3600 };	/* older than that, no writer is at it any more */

/* What belongs to no message, left by a crash, goes at once. */
static void
collect_one(void *ctx, const char *path, const struct stat *st, folder_id folder, uint32_t uid)
{
	struct collect *c = ctx;
	struct walk *w = &c->walk;
	bool is_known = uid
		&& db_int(c->s, "SELECT 1 FROM msg WHERE id = ?", "i", msg_id_of(folder, uid));

	if (!is_known) {
		if (uid || st->st_mtime < c->now - UNFINISHED_S)
			unlink(path);
		return;
	}
	w->files = array_grow(w->files, w->n, &w->cap, sizeof *w->files);
	w->files[w->n++] = (struct body_file){
		.used = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.size_bytes = (uint64_t)st->st_size,
		.path = xstrdup(path),
	};
	w->total_bytes += (uint64_t)st->st_size;
}

static int
by_used(const void *a, const void *b)
{
	int64_t x = ((const struct body_file *)a)->used,
		y = ((const struct body_file *)b)->used;

	return (x > y) - (x < y);
}

enum err
store_bodies_trim(struct store *s, uint64_t max_bytes, struct error *e)
{
	struct collect c = { .s = s, .now = time(NULL) };
	struct walk *w = &c.walk;
	enum err rc = ERR_OK;

	walk_level(s->bodies_dir, 0, 0, collect_one, &c);
	if (w->n)
		qsort(w->files, w->n, sizeof *w->files, by_used);
	for (size_t i = 0; i < w->n; i++) {
		struct body_file *f = &w->files[i];
		if (rc == ERR_OK && w->total_bytes > max_bytes) {
			if (unlink(f->path) < 0 && errno != ENOENT)
				rc = error_errno(e, ERR_LOCAL, "cannot remove '%s'", f->path);
			w->total_bytes -= f->size_bytes;
		}
		free(f->path);
	}
	free(w->files);
	return rc;
}

/* ---- part trees ---- */

enum err
store_parts_put(struct store *s, msg_id id, const struct part *root, struct error *e)
{
	struct str text = {0};
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		return rc;
	part_format(&text, root);
	rc = db_run(s, e, "INSERT OR REPLACE INTO part SELECT id, ? FROM msg WHERE id = ?",
		"si", str_get(&text), id);
	rc = tx_close(s, rc, e);
	str_clear(&text);
	return rc;
}

struct part *
store_parts(const struct store *s, msg_id id, struct arena *a)
{
	sqlite3_stmt *st = db_query(s, "SELECT tree FROM part WHERE id = ?", "i", id);
	struct part *root = NULL;

	if (db_row(s, st)) {
		const char *text = (const char *)sqlite3_column_text(st, 0);
		root = part_parse(a, text ? text : "", (size_t)sqlite3_column_bytes(st, 0));
		db_done(st);
	}
	return root;
}
