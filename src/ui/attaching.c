/* attaching.c - files, and what commands print, attached to a draft: the bytes as they are now are copied beside it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose.h"
#include "format.h"
#include "path.h"
#include "utf8.h"
#include "writing.h"

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
		return error_set(e, ERR_MSG, "'%s' has %s; 256M is the most that can be attached", path, size);
	return ERR_OK;
}

static enum err
read_regular(const char *path, struct str *out, struct error *e)
{
	char buf[65536];
	struct stat st;
	ssize_t n = 0;
	int fd;
	enum err r = open_file(&fd, &st, path, e);

	while (r == ERR_OK && out->len <= DRAFT_MAX_ATTACHMENT &&
		((n = read(fd, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR))) {
		if (n > 0)
			str_add(out, buf, (size_t)n);
	}
	if (r == ERR_OK && n < 0)
		r = error_errno(e, ERR_MSG, "cannot read '%s'", path);
	if (fd >= 0)
		close(fd);
	return r;
}

static enum err
put(struct compose *x, const char *name, const struct str *bytes, struct error *e)
{
	char size[8], *type = compose_media_type(name, str_get(bytes), bytes->len);
	enum err r = draft_attach(ui_data_dir(x->view.ui), x->id, &x->note, name, type, str_get(bytes), bytes->len, e);

	if (r == ERR_OK) {
		format_size(size, bytes->len);
		ui_status(x->view.ui, bytes->len ? "attached %s (%s)" : "attached %s, which is empty", name, size);
		x->cursor = COMPOSE_FIELDS + x->note.n_files - 1;
		compose_changed(x);
	}
	free(type);
	return r;
}

void
attach_file(struct compose *x, const char *typed)
{
	char *path = path_expand(typed);
	const char *slash = strrchr(path, '/'), *name = slash && slash[1] ? slash + 1 : path;
	struct str bytes = { 0 };
	struct error e;

	if (read_regular(path, &bytes, &e) != ERR_OK || put(x, name, &bytes, &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	str_clear(&bytes);
	free(path);
}

/* "git" of "git diff", with an ending that says what it is. Owned. */
static char *
output_name(const char *command, const struct str *bytes)
{
	char *first = xstrndup(command, strcspn(command, " \t|;&<>")), *safe = path_safe_name(first);
	char *type = compose_media_type(NULL, str_get(bytes), bytes->len);
	static const char *const endings[][2] = { { "text/html", ".html" }, { "text/x-diff", ".patch" }, { "text/", ".txt" },
		{ "image/png", ".png" }, { "image/jpeg", ".jpg" }, { "application/pdf", ".pdf" },
		{ "application/json", ".json" }, { "application/zip", ".zip" }, { "application/gzip", ".gz" } };
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
		if (put(x, name, &bytes, &e) != ERR_OK)
			ui_error(x->view.ui, &e);
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
