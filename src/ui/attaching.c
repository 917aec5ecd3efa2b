/* attaching.c - files, whole messages, and what commands print, attached to a draft: the bytes
 * as they are now are copied beside it, by a task where they are many. In the draft they are
 * once all of them are on disk. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose.h"
#include "format.h"
#include "path.h"
#include "triage.h"
#include "utf8.h"
#include "work.h"
#include "writing.h"

enum {
	PIECE_BYTES = 1 << 20,		/* libmagic looks at no more of it either */
	MAX_FITTING = 100
};

struct attaching {
	struct work work;
	char *data_dir, *name, *type;	/* type NULL: by what the bytes are */
	draft_id id;
	int lock;			/* of the draft, held to the end */
	uint32_t number;
	int fd;				/* where the bytes are; -1: in `bytes` */
	struct str bytes;
	uint64_t total, size;		/* expected; attached */
	void (*then)(struct compose *x, const struct error *e);	/* NULL: nobody waits */
};

/* ---- in the task's thread ---- */

/* The next piece into p, 0 at the end. */
static ssize_t
read_piece(struct attaching *a, uint64_t at, char *p)
{
	ssize_t n;
	size_t left = a->bytes.len > at ? a->bytes.len - (size_t)at : 0;

	if (a->fd < 0) {
		n = (ssize_t)(left < PIECE_BYTES ? left : PIECE_BYTES);
		memcpy(p, str_get(&a->bytes) + (at < a->bytes.len ? at : a->bytes.len),
			(size_t)n);
		return n;
	}
	do
		n = read(a->fd, p, PIECE_BYTES);
	while (n < 0 && errno == EINTR);
	return n;
}

static enum err
copy(struct attaching *a, struct draft_file_writer *w, char *piece, struct error *e)
{
	enum err r = ERR_OK;
	uint64_t at = 0;
	ssize_t n;

	while (r == ERR_OK && (n = read_piece(a, at, piece)) != 0) {
		if (n < 0)
			return error_errno(e, ERR_MSG, "cannot read '%s'", a->name);
		if (!a->type)
			a->type = compose_media_type(a->name, piece, (size_t)n);
		at += (uint64_t)n;
		if ((r = draft_file_write(w, piece, (size_t)n, e)) == ERR_OK)
			r = task_step(&a->work.task, at, a->total, e);
	}
	if (!a->type)
		a->type = compose_media_type(a->name, "", 0);
	return r;
}

static enum err
run(struct task *t, struct error *e)
{
	struct attaching *a = (struct attaching *)t;
	struct draft_file_writer *w;
	enum err r = draft_file_create(&w, a->data_dir, a->id, a->number, e);

	if (r != ERR_OK)
		return r;
	char *piece = xmalloc(PIECE_BYTES);
	r = copy(a, w, piece, e);
	free(piece);
	if (r == ERR_OK)
		return draft_file_commit(w, &a->size, e);
	draft_file_abort(w);
	return r;
}

/* ---- around it ---- */

static void
attaching_free(struct attaching *a)
{
	if (a->fd >= 0)
		close(a->fd);
	if (a->lock >= 0)
		close(a->lock);
	str_clear(&a->bytes);
	free(a->data_dir);
	free(a->name);
	free(a->type);
	free(a);
}

static void
done(struct work *w, const struct error *e)
{
	struct attaching *a = (struct attaching *)w;
	struct compose *x = (struct compose *)w->owner;
	char size[8];

	if (x)
		x->n_works--;
	else
		drafting_left(a->data_dir, a->id);
	if (x && e->code == ERR_OK) {
		note_add_file(&x->note, a->name, a->type, a->number, a->size);
		format_size(size, a->size);
		ui_status(w->ui, a->size ? "attached %s (%s)" : "attached %s, which is empty",
			a->name, size);
		x->cursor = COMPOSE_FIELDS + x->note.n_files - 1;
		if (!a->then)
			compose_changed(x);
	} else if (x && e->code == ERR_CANCELLED) {
		ui_status(w->ui, "stopped: %s is not attached", a->name);
	}
	if (x && a->then)
		a->then(x, e);
	attaching_free(a);
}

static void
begin(struct compose *x, struct attaching *a, const char *name)
{
	struct ui *ui = x->view.ui;
	uint32_t number = draft_free_number(&x->note);

	a->work.task.run = run;
	a->work.done = done;
	a->data_dir = xstrdup(ui_data_dir(ui));
	a->name = path_safe_name(name);
	a->id = x->id;
	a->lock = fcntl(x->lock.fd, F_DUPFD_CLOEXEC, 0);
	a->number = x->last_number = number > x->last_number ? number : x->last_number + 1;
	char *what = xasprintf("attaching %s", a->name);
	x->n_works++;
	work_begin(ui, &x->view, &a->work, a->total, what);
	free(what);
}

static struct attaching *
attaching_new(int fd, uint64_t size, const char *type)
{
	struct attaching *a = xcalloc(1, sizeof *a);

	*a = (struct attaching){ .fd = fd, .total = size, .type = xstrdup(type), .lock = -1 };
	return a;
}

void
attach_fd(struct compose *x, int fd, uint64_t size, const char *name, const char *type,
	void (*then)(struct compose *x, const struct error *e))
{
	struct attaching *a = attaching_new(fd, size, type);

	a->then = then;
	begin(x, a, name);
}

void
attach_bytes(struct compose *x, struct str *bytes, const char *name, const char *type)
{
	struct attaching *a = attaching_new(-1, bytes->len, type);

	a->bytes = *bytes;
	*bytes = (struct str){ 0 };
	begin(x, a, name);
}

/* Nothing but a file is read: a FIFO would wait for ever, a device never end. */
static enum err
open_file(int *fd, struct stat *st, const char *path, struct error *e)
{
	char size[8];

	*fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, st) < 0)
		return error_errno(e, ERR_MSG, "cannot attach '%s'", path);
	if (S_ISDIR(st->st_mode))
		return error_set(e, ERR_MSG, "'%s' is a directory: attach a file in it", path);
	if (!S_ISREG(st->st_mode))
		return error_set(e, ERR_MSG, "'%s' is not a file", path);
	format_size(size, (uint64_t)st->st_size);
	if (st->st_size > DRAFT_MAX_ATTACHMENT)
		return error_set(e, ERR_MSG,
			"'%s' has %s; 256M is the most that can be attached", path, size);
	return ERR_OK;
}

/* False, and told: it cannot be. */
static bool
attach_path(struct compose *x, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash && slash[1] ? slash + 1 : path;
	struct stat st;
	struct error e;
	int fd;

	if (open_file(&fd, &st, path, &e) == ERR_OK) {
		attach_fd(x, fd, (uint64_t)st.st_size, name, NULL, NULL);
		return true;
	}
	ui_error(x->view.ui, &e);
	if (fd >= 0)
		close(fd);
	return false;
}

/* All that fit a pattern, as a shell has it. One file that cannot be attached ends it, so that
 * what was told of it stays. */
static void
attach_fitting(struct compose *x, const char *pattern)
{
	glob_t found = { 0 };
	size_t n = glob(pattern, GLOB_NOCHECK, NULL, &found) == 0 ? found.gl_pathc : 0;
	size_t done = 0;
	char count[32];

	if (n > MAX_FITTING) {
		ui_status(x->view.ui, "%zu files fit '%s'; %d is the most at once", n,
			pattern, MAX_FITTING);
	} else {
		while (done < n && attach_path(x, found.gl_pathv[done]))
			done++;
		if (done == n && n > 1 && x->n_works == 0)
			ui_status(x->view.ui, "attached %s", plural(count, n, "file"));
	}
	globfree(&found);
}

void
attach_file(struct compose *x, const char *typed)
{
	char *path = path_expand(typed);

	if (access(path, F_OK) != 0 && strpbrk(path, "*?["))
		attach_fitting(x, path);
	else
		attach_path(x, path);
	free(path);
}

/* "git" of "git diff", with an ending that says what it is. Owned. */
static char *
output_name(const char *command, const struct str *bytes)
{
	char *first = xstrndup(command, strcspn(command, " \t|;&<>")),
		*safe = path_safe_name(first);
	char *type = compose_media_type(NULL, str_get(bytes),
		bytes->len < PIECE_BYTES ? bytes->len : PIECE_BYTES);
	static const char *const endings[][2] = { { "text/html", ".html" },
		{ "text/x-diff", ".patch" }, { "text/", ".txt" }, { "image/png", ".png" },
		{ "image/jpeg", ".jpg" }, { "application/pdf", ".pdf" },
		{ "application/json", ".json" }, { "application/zip", ".zip" },
		{ "application/gzip", ".gz" } };
	const char *ending = "";

	for (size_t i = 0; i < LEN(endings) && !*ending; i++)
		ending = str_starts(type, endings[i][0]) ? endings[i][1] : "";
	char *name = xasprintf("%s%s", safe, ending);
	free(type);
	free(safe);
	free(first);
	return name;
}

void
attach_output(struct compose *x, const char *command)
{
	struct str bytes = { 0 };
	struct error e;

	if (!ui_run_capture(x->view.ui, command, DRAFT_MAX_ATTACHMENT, &bytes, &e)) {
		ui_error(x->view.ui, &e);
	} else if (bytes.len == 0) {
		ui_status(x->view.ui, "'%s' printed nothing: nothing is attached", command);
	} else {
		char *name = output_name(command, &bytes);
		attach_bytes(x, &bytes, name, NULL);
		free(name);
	}
	str_clear(&bytes);
}

void
attach_remove(struct compose *x)
{
	if (x->cursor < COMPOSE_FIELDS || x->cursor >= COMPOSE_FIELDS + x->note.n_files) {
		ui_status(x->view.ui, "go to an attachment to remove it");
		return;
	}
	note_remove_file(&x->note, x->cursor - COMPOSE_FIELDS);
	if (x->cursor >= COMPOSE_FIELDS + x->note.n_files)
		x->cursor--;
	compose_changed(x);
}
