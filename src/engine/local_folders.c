/* local_folders.c - a directory of mbox files as a tree of folders, and their counts. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local_int.h"
#include "path.h"
#include "str.h"

enum { MAX_DEPTH = 4, COUNT_BYTES = 64 << 20 };

/* ---- names ---- */

/* A wire name is a path below the directory: never absolute, never upwards, nothing hidden. */
static bool
is_safe_wire(const char *wire)
{
	if (!*wire || wire[0] == '/' || wire[0] == '.' || strlen(wire) > 500 ||
	    strstr(wire, "/.") || strstr(wire, "//") || wire[strlen(wire) - 1] == '/')
		return false;
	for (const char *c = wire; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	}
	return true;
}

char *
local_path(const struct local *l, const char *wire, struct error *e)
{
	if (str_eq(wire, "inbox") && l->cfg.inbox)
		return xstrdup(l->cfg.inbox);
	if (!is_safe_wire(wire)) {
		error_set(e, ERR_FOLDER, "'%s' cannot be the name of a mailbox file", wire);
		return NULL;
	}
	return path_join(l->cfg.dir, wire);
}

char *
local_wire_name(struct backend *b, const char *name)
{
	(void)b;
	return xstrdup(str_ieq(name, "inbox") ? "inbox" : name);
}

/* ---- folders ---- */

static void
tell_folder(const struct backend_folder_sink *sink, const char *wire)
{
	bool is_inbox = str_eq(wire, "inbox");
	const char *last = strrchr(wire, '/');
	struct folder f = { .wire = wire, .name = is_inbox ? "INBOX" : wire, .delim = '/',
		.attrs = FOLDER_SUBSCRIBED };

	f.role = is_inbox ? ROLE_INBOX : folder_role_by_name(last ? last + 1 : wire);
	sink->folder(sink->ctx, &f);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void
walk(const struct local *l, const char *below, int depth,
	const struct backend_folder_sink *sink)
{
	char *dir = *below ? path_join(l->cfg.dir, below) : xstrdup(l->cfg.dir);
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char *wire = *below
			? path_join(below, names[i]->d_name) : xstrdup(names[i]->d_name);
		char *path = path_join(l->cfg.dir, wire);
		struct stat st;
		if (is_safe_wire(wire) && stat(path, &st) == 0 && !ends_with(wire, ".lock")) {
			if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
				walk(l, wire, depth + 1, sink);
			else if (S_ISREG(st.st_mode) && mbox_looks_like(path) &&
			    !(str_eq(wire, "inbox") && l->cfg.inbox))
				tell_folder(sink, wire);
		}
		free(path);
		free(wire);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	free(dir);
}

/* Folders that a person expects are there before their files are. So is the inbox when
 * something else stands in its place, so that opening it tells what. */
enum err
local_folders(struct backend *b, const struct backend_folder_sink *sink, struct error *e)
{
	static const char *const expected[] = { "inbox", "Archive", "Drafts", "Sent",
		"Trash" };
	struct local *l = local_self(b);

	(void)e;
	for (size_t i = 0; i < LEN(expected); i++) {
		char *path = path_join(l->cfg.dir, expected[i]);
		bool is_there = access(path, F_OK) == 0;
		if (!is_there || (i == 0 && (l->cfg.inbox || !mbox_looks_like(path))))
			tell_folder(sink, expected[i]);
		free(path);
	}
	walk(l, "", 0, sink);
	return ERR_OK;
}

enum err
local_make_parent(const char *path, struct error *e)
{
	char *parent = xstrdup(path), *slash = strrchr(parent, '/');
	enum err rc = ERR_OK;

	if (slash && slash != parent) {
		*slash = '\0';
		rc = path_mkdirs(parent, e);
	}
	free(parent);
	return rc;
}

enum err
local_folder_create(struct backend *b, const char *wire, struct error *e)
{
	char *path = local_path(local_self(b), wire, e);
	enum err rc = path ? local_make_parent(path, e) : ERR_FOLDER;

	if (rc == ERR_OK) {
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			rc = error_errno(e, ERR_FOLDER, "cannot make the folder '%s'", wire);
		else
			close(fd);
	}
	free(path);
	return rc;
}

enum err
local_folder_rename(struct backend *b, const char *wire, const char *to, struct error *e)
{
	struct local *l = local_self(b);
	char *from_path = local_path(l, wire, e), *to_path = local_path(l, to, e);
	char *from_real = from_path ? realpath(from_path, NULL) : NULL;
	enum err rc = from_path && to_path ? local_make_parent(to_path, e) : ERR_FOLDER;

	if (rc == ERR_OK && access(to_path, F_OK) == 0)
		rc = error_set(e, ERR_FOLDER, "the folder '%s' exists already", to);
	if (rc == ERR_OK && rename(from_path, to_path) < 0)
		rc = error_errno(e, ERR_FOLDER, "cannot rename the folder '%s'", wire);
	if (rc == ERR_OK && from_real)
		map_rename(&l->maps,
			maps_below_root(&l->maps, from_path) ? from_path : from_real, to_path);
	free(from_real);
	free(from_path);
	free(to_path);
	return rc;
}

enum err
local_folder_delete(struct backend *b, const char *wire, struct error *e)
{
	struct local *l = local_self(b);
	char *path = local_path(l, wire, e), *real = path ? realpath(path, NULL) : NULL;
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	if (rc == ERR_OK && unlink(path) < 0 && errno != ENOENT)
		rc = error_errno(e, ERR_FOLDER, "cannot delete the folder '%s'", wire);
	if (rc == ERR_OK && real)
		map_rename(&l->maps, maps_below_root(&l->maps, path) ? path : real, NULL);
	free(real);
	free(path);
	return rc;
}

void
local_fill_counts(const struct local *l, const struct map_counts *c, struct folder_status *st)
{
	*st = (struct folder_status){ .uidvalidity = c->uidvalidity, .uidnext = c->uidnext,
		.n_msgs = c->n_msgs, .n_unread = c->n_unread, .modseq = c->generation,
		.is_readonly = l->cfg.read_only, .flags_allowed = MSG_SEEN | MSG_ANSWERED |
			MSG_FLAGGED | MSG_DELETED | MSG_DRAFT };
}

void
local_fill_status(const struct local *l, const struct map *m, struct folder_status *st)
{
	struct map_counts c = { m->uidvalidity, m->uidnext, (uint32_t)m->n, m->n_unread,
		m->generation };

	local_fill_counts(l, &c, st);
}

/* A large file that nobody has looked into is not scanned for the sake of its counts. */
static enum err
count(struct local *l, const char *path, struct folder_status *st, struct error *e)
{
	struct mbox_stamp now;
	struct map m;
	enum err rc = mbox_stamp(&now, path, e);

	if (rc != ERR_OK)
		return rc;
	map_init(&m, path, &l->maps);
	rc = map_load(&m, e);
	if (rc == ERR_OK && m.n == 0 && now.size_bytes > COUNT_BYTES)
		rc = error_set(e, ERR_UNSUPPORTED, "not counted before it is opened");
	if (rc == ERR_OK)
		rc = map_update(&m, e);
	local_fill_status(l, &m, st);
	map_clear(&m);
	return rc;
}

enum err
local_status(struct backend *b, const char *wire, struct folder_status *st, struct error *e)
{
	struct local *l = local_self(b);
	struct map_counts c;
	char *path = local_path(l, wire, e);
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	if (path && map_counts(&c, path, &l->maps))
		local_fill_counts(l, &c, st);
	else if (path)
		rc = count(l, path, st, e);
	free(path);
	return rc;
}
