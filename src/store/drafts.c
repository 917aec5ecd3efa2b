/* drafts.c - see drafts.h. Names are numbers of ours only; nothing of
 * a mail becomes a path. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drafts.h"
#include "path.h"
#include "utf8.h"

enum { MAX_DRAFT = DRAFT_MAX_TEXT + (4 << 20) };
static const char magic[] = "dunlin-draft 1\n";

/* ---- names ---- */

static char *
drafts_dir(const char *data_dir)
{
	return path_join(data_dir, "drafts");
}

static char *
draft_path(const char *data_dir, draft_id id, const char *suffix)
{
	return xasprintf("%s/drafts/%" PRIu32 "%s", data_dir, id, suffix);
}

/* The number a name begins with, and what is behind it; 0: it is none of ours. */
static draft_id
number_of(const char *name, const char **suffix)
{
	char *end;
	unsigned long n = *name >= '1' && *name <= '9' ? strtoul(name, &end, 10) : 0;

	if (n == 0 || n >= UINT32_MAX)
		return 0;
	*suffix = end;
	return (draft_id)n;
}

static void
each_file(const char *data_dir, void (*f)(void *ctx, draft_id id, const char *suffix),
	void *ctx)
{
	char *dir = drafts_dir(data_dir);
	DIR *d = opendir(dir);
	struct dirent *x;
	const char *suffix;

	while (d && (x = readdir(d))) {
		draft_id id = number_of(x->d_name, &suffix);
		if (id)
			f(ctx, id, suffix);
	}
	if (d)
		closedir(d);
	free(dir);
}

/* ---- the lock ---- */

static int
open_lock(const char *data_dir, draft_id id, int flags)
{
	char *path = draft_path(data_dir, id, ".lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

	free(path);
	return fd;
}

static void
take_higher(void *ctx, draft_id id, const char *suffix)
{
	draft_id *max = ctx;

	(void)suffix;
	*max = id > *max ? id : *max;
}

enum err
draft_new(const char *data_dir, draft_id *id, struct draft_lock *lock, struct error *e)
{
	char *dir = drafts_dir(data_dir);
	enum err r = path_mkdirs(dir, e);

	*id = 0;
	lock->fd = -1;
	free(dir);
	if (r != ERR_OK)
		return r;
	each_file(data_dir, take_higher, id);
	do
		lock->fd = open_lock(data_dir, ++*id, O_EXCL);
	while (lock->fd < 0 && errno == EEXIST);
	if (lock->fd >= 0 && flock(lock->fd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	*id = 0;
	draft_release(lock);
	return error_errno(e, ERR_LOCAL, "cannot begin a draft in '%s/drafts'", data_dir);
}

enum err
draft_take(const char *data_dir, draft_id id, struct draft_lock *lock, struct error *e)
{
	lock->fd = open_lock(data_dir, id, 0);
	if (lock->fd < 0)
		return error_errno(e, ERR_LOCAL, "cannot open draft %" PRIu32, id);
	if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	draft_release(lock);
	return error_set(e, ERR_MSG, "this draft is open in another dunlin");
}

void
draft_release(struct draft_lock *lock)
{
	fd_close_locked(lock->fd);
	lock->fd = -1;
}

/* ---- the file ---- */

static void
put_field(struct str *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	str_printf(out, "%s: ", name);
	for (; *value; value++)
		str_putc(out, *value == '\n' || *value == '\r' ? ' ' : *value);
	str_putc(out, '\n');
}

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{ "From", offsetof(struct note, from) }, { "To", offsetof(struct note, to) },
	{ "Cc", offsetof(struct note, cc) }, { "Bcc", offsetof(struct note, bcc) },
	{ "Subject", offsetof(struct note, subject) },
	{ "In-Reply-To", offsetof(struct note, in_reply_to) },
	{ "References", offsetof(struct note, references) },
	{ "Message-ID", offsetof(struct note, message_id) },
	{ "Name", offsetof(struct note, name) }, { "Account", offsetof(struct note, account) },
};

static char **
field_of(struct note *n, size_t i)
{
	return (char **)((char *)n + fields[i].offset);
}

enum err
draft_save(const char *data_dir, draft_id id, const struct note *n, struct error *e)
{
	struct str s = { 0 };
	struct note *readable = (struct note *)(uintptr_t)n;

	str_puts(&s, magic);
	for (size_t i = 0; i < LEN(fields); i++)
		put_field(&s, fields[i].name, *field_of(readable, i));
	if (n->about)
		str_printf(&s, "About: %" PRId64 " %" PRIu32 "\n", n->about, n->about_flag);
	for (size_t i = 0; n->about && i < n->n_others; i++)
		str_printf(&s, "Also: %" PRId64 "\n", n->others[i]);
	for (size_t i = 0; i < n->n_files; i++) {
		const struct note_file *f = &n->files[i];
		str_printf(&s, "File: %" PRIu32 " %" PRIu64 " %s ", f->number, f->size_bytes,
			f->type && *f->type && !strchr(f->type, ' ')
			? f->type : "application/octet-stream");
		put_field(&s, "name", f->name);
	}
	if (n->seal)
		str_printf(&s, "Seal: %u\n", n->seal);
	str_putc(&s, '\n');
	str_add(&s, str_get(&n->text), n->text.len);
	char *path = draft_path(data_dir, id, "");
	enum err r = file_write_atomic(path, str_get(&s), s.len, e);
	free(path);
	str_clear(&s);
	return r;
}

/* "NUMBER SIZE TYPE name: NAME" */
static void
read_file_line(struct note *n, const char *value)
{
	char type[128];
	uint32_t number;
	uint64_t size;
	int at = 0;

	if (sscanf(value, "%" SCNu32 " %" SCNu64 " %127s name: %n", &number, &size, type,
	    &at) == 3 && at > 0)
		note_add_file(n, value + at, type, number, size);
}

static void
read_line(struct note *n, const char *line)
{
	const char *colon = strstr(line, ": ");
	size_t len = colon ? (size_t)(colon - line) : 0;
	msg_id other;

	for (size_t i = 0; i < LEN(fields); i++) {
		if (strlen(fields[i].name) == len && strncmp(line, fields[i].name, len) == 0)
			note_set(field_of(n, i), colon + 2);
	}
	if (str_starts(line, "File: "))
		read_file_line(n, line + 6);
	else if (str_starts(line, "About: "))
		sscanf(line + 7, "%" SCNd64 " %" SCNu32, &n->about, &n->about_flag);
	else if (str_starts(line, "Seal: "))
		n->seal = (unsigned)strtoul(line + 6, NULL, 10) & NOTE_ALL;
	else if (str_starts(line, "Also: ") && sscanf(line + 6, "%" SCNd64, &other) == 1)
		note_add_other(n, other);
}

static enum err
read_draft(const char *data_dir, draft_id id, struct note *n, struct error *e)
{
	char *path = draft_path(data_dir, id, ""), *text = NULL;
	size_t len;
	enum err r = file_read(&text, &len, path, MAX_DRAFT, e);

	if (r == ERR_OK && !str_starts(text, magic))
		r = error_set(e, ERR_MSG, "'%s' is no draft", path);
	for (char *p = r == ERR_OK ? text + strlen(magic) : NULL; p; ) {
		char *end = strchr(p, '\n');
		if (!end)
			break;
		*end = '\0';
		if (end == p) {
			str_add(&n->text, end + 1, len - (size_t)(end + 1 - text));
			break;
		}
		read_line(n, p);
		p = end + 1;
	}
	free(text);
	free(path);
	return r;
}

enum err
draft_peek(const char *data_dir, draft_id id, struct note *n, struct error *e)
{
	enum err r = read_draft(data_dir, id, n, e);

	if (r != ERR_OK)
		note_clear(n);
	return r;
}

enum err
draft_load(const char *data_dir, draft_id id, struct note *n, struct error *e)
{
	bool changed;
	enum err r = read_draft(data_dir, id, n, e);

	if (r == ERR_OK)
		r = draft_editor_read(data_dir, id, n, false, &changed, e);
	if (r != ERR_OK)
		note_clear(n);
	return r;
}

struct removal {
	const char *data_dir;
	draft_id id;
};

static void
remove_extra(void *ctx, draft_id id, const char *suffix)
{
	struct removal *x = ctx;

	if (id != x->id || *suffix != '.' || str_eq(suffix, ".lock"))
		return;
	char *path = draft_path(x->data_dir, id, suffix);
	unlink(path);
	free(path);
}

/* The draft goes first: what a crash leaves then is no half draft. */
enum err
draft_remove(const char *data_dir, draft_id id, struct error *e)
{
	char *path = draft_path(data_dir, id, ""), *lock = draft_path(data_dir, id, ".lock");
	enum err r = ERR_OK;

	if (unlink(path) < 0 && errno != ENOENT)
		r = error_errno(e, ERR_LOCAL, "cannot remove '%s'", path);
	if (r == ERR_OK) {
		each_file(data_dir, remove_extra, &(struct removal){ data_dir, id });
		unlink(lock);
	}
	free(lock);
	free(path);
	return r;
}

/* ---- thrown away ---- */

static const char aside[] = ".thrown";

static enum err
rename_draft(const char *data_dir, draft_id id, const char *from, const char *to,
	struct error *e)
{
	char *old = draft_path(data_dir, id, from), *new = draft_path(data_dir, id, to);
	enum err r = rename(old, new) < 0
		? error_errno(e, ERR_LOCAL, "cannot rename '%s'", old)
		: path_sync_dir_of(new, e);

	free(old);
	free(new);
	return r;
}

enum err
draft_put_aside(const char *data_dir, draft_id id, struct error *e)
{
	return rename_draft(data_dir, id, "", aside, e);
}

enum err
draft_bring_back(const char *data_dir, draft_id id, struct error *e)
{
	return rename_draft(data_dir, id, aside, "", e);
}

struct sweeping {
	const char *data_dir;
	int64_t before;
};

/* Renaming is what last changed its inode. */
static void
sweep_one(void *ctx, draft_id id, const char *suffix)
{
	struct sweeping *x = ctx;
	struct stat st;

	if (!str_eq(suffix, aside))
		return;
	char *path = draft_path(x->data_dir, id, aside);
	if (stat(path, &st) == 0 && st.st_ctime < x->before)
		draft_remove(x->data_dir, id, NULL);
	free(path);
}

void
draft_sweep(const char *data_dir, int64_t before)
{
	struct sweeping x = { data_dir, before };

	each_file(data_dir, sweep_one, &x);
}

/* ---- the list ---- */

struct listing {
	const char *data_dir;
	struct draft_info *v;
	size_t n, cap;
};

static void
add_to_list(void *ctx, draft_id id, const char *suffix)
{
	struct listing *l = ctx;
	struct note n = { 0 };
	struct stat st;

	if (*suffix)
		return;
	char *path = draft_path(l->data_dir, id, "");
	if (stat(path, &st) == 0 && read_draft(l->data_dir, id, &n, NULL) == ERR_OK) {
		l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
		l->v[l->n++] = (struct draft_info){ id, st.st_mtime, xstrdup(note_get(n.to)),
			xstrdup(note_get(n.subject)), xstrdup(note_get(n.message_id)),
			xstrdup(note_get(n.name)) };
	}
	note_clear(&n);
	free(path);
}

static int
later_first(const void *a, const void *b)
{
	const struct draft_info *x = a, *y = b;

	if (x->saved != y->saved)
		return x->saved < y->saved ? 1 : -1;
	return x->id < y->id ? 1 : -1;
}

size_t
draft_list(const char *data_dir, struct draft_info **out)
{
	struct listing l = { .data_dir = data_dir };

	each_file(data_dir, add_to_list, &l);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof *l.v, later_first);
	*out = l.v;
	return l.n;
}

void
draft_info_clear(struct draft_info *d)
{
	free(d->to);
	free(d->subject);
	free(d->message_id);
	free(d->name);
}

void
draft_list_free(struct draft_info *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		draft_info_clear(&v[i]);
	free(v);
}

draft_id
draft_named(const char *data_dir, const char *name)
{
	struct draft_info *v;
	size_t n = *name ? draft_list(data_dir, &v) : 0;
	draft_id id = 0;

	for (size_t i = 0; i < n && !id; i++) {
		if (str_eq(v[i].name, name))
			id = v[i].id;
	}
	if (*name)
		draft_list_free(v, n);
	return id;
}

struct scanning {
	const char *data_dir;
	struct draft_seen *v;
	size_t n, cap;
};

static void
add_seen(void *ctx, draft_id id, const char *suffix)
{
	struct scanning *l = ctx;
	struct stat st;

	if (*suffix)
		return;
	char *path = draft_path(l->data_dir, id, "");
	if (stat(path, &st) == 0) {
		l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
		l->v[l->n++] = (struct draft_seen){ id,
			(int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
	}
	free(path);
}

size_t
draft_scan(const char *data_dir, struct draft_seen **out)
{
	struct scanning l = { .data_dir = data_dir };

	each_file(data_dir, add_seen, &l);
	*out = l.v;
	return l.n;
}
