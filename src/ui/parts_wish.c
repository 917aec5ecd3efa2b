/* parts_wish.c - what is wanted of one part: saved, opened by a program, piped, attached.
 *
 * A part that is not here is fetched first; what was wanted of it waits in `wish` and is
 * granted when the job ends well. Nothing of the mail becomes a path but through
 * path_safe_name, or a shell word at all: the part goes to a command's standard input. */
#include <stdlib.h>

#include "extract.h"
#include "format.h"
#include "partial.h"
#include "parts_impl.h"
#include "path.h"
#include "viewer.h"
#include "writing.h"

/* ---- granting a wish ---- */

char *
parts_file_name(const struct part *p)
{
	static const struct { const char *type, *name; } names[] = {
		{ "text/plain", "text.txt" }, { "text/html", "text.html" },
		{ "message/", "message.eml" }, { "text/calendar", "invitation.ics" },
		{ "image/png", "image.png" }, { "image/jpeg", "image.jpg" },
		{ "image/gif", "image.gif" }, { "application/pdf", "document.pdf" },
	};

	if (*p->filename)
		return path_safe_name(p->filename);
	for (size_t i = 0; i < LEN(names); i++)
		if (str_starts(p->type, names[i].type))
			return xstrdup(names[i].name);
	return path_safe_name("");
}

/* What extract.h makes of the part that was wished for. NULL: told. */
static struct extract *
extract_wished(struct parts *x, const struct part **p)
{
	struct extract *out = NULL;
	struct error e;

	*p = x->message.root ? part_find(x->message.root, x->section) : NULL;
	if (!x->inside && partial_check(x->view.ui, &x->message, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		return NULL;
	}
	if (*p) {
		char *name = parts_file_name(*p);
		out = extract_new(&x->message, *p, name);
		free(name);
	}
	if (!out)
		ui_status(x->view.ui, "this part could not be read");
	return out;
}

static void
begin(struct parts *x, struct extract *out, bool goes_on, const struct outfile *to,
	const char *verb)
{
	char *what = xasprintf("%s %s", verb, out->name);

	extract_begin(x->view.ui, goes_on ? NULL : &x->view, out, to, what);
	free(what);
}

/* ---- saving ---- */

static void
saved(struct extract *out, const struct error *e)
{
	char size[8];

	format_size(size, out->n_bytes);
	if (e->code == ERR_OK)
		ui_status(out->work.ui, "saved %s (%s)", out->arg, size);
	else if (e->code == ERR_CANCELLED)
		ui_status(out->work.ui, "stopped: %s is not saved", out->arg);
}

/* It goes on whatever is looked at meanwhile. */
static void
save(struct parts *x, struct extract *out, const struct outfile *to)
{
	out->then = saved;
	out->arg = xstrdup(x->path);
	begin(x, out, true, to, "saving");
}

static void
yes_overwrite(void *ctx)
{
	struct parts *x = ctx;
	const struct part *p;
	struct extract *out = extract_wished(x, &p);
	struct outfile to;
	struct error e = { 0 };
	bool exists;

	if (!out)
		return;
	if (outfile_create(&to, x->path, true, &exists, &e) == ERR_OK) {
		save(x, out, &to);
	} else {
		ui_error(x->view.ui, &e);
		extract_free(out);
	}
}

static void
begin_saving(struct parts *x, struct extract *out)
{
	struct error e = { 0 };
	struct outfile to;
	bool exists;

	free(x->path);
	x->path = outfile_path(x->arg, out->name);
	if (outfile_create(&to, x->path, false, &exists, &e) == ERR_OK) {
		save(x, out, &to);
		return;
	}
	extract_free(out);
	if (exists) {
		char *question = xasprintf("Write over %s?", x->path);
		ui_confirm(x->view.ui, &x->view, question, yes_overwrite, x);
		free(question);
	} else {
		ui_error(x->view.ui, &e);
	}
}

/* ---- for other programs ---- */

static void
pipe_now(struct extract *out, const struct error *e)
{
	if (e->code == ERR_OK && !ui_run_shell(out->work.ui, out->arg, out->to.fd, true))
		ui_status(out->work.ui, "'%s' failed", out->arg);
}

static void
hand_over(struct parts *x, struct extract *out)
{
	struct error e = { 0 };
	struct outfile to;

	if (outfile_unnamed(&to, out->size, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		extract_free(out);
		return;
	}
	out->then = pipe_now;
	out->arg = xstrdup(x->arg);
	begin(x, out, false, &to, "decoding");
}

static void
attach_to_draft(struct parts *x, const struct part *p)
{
	struct str bytes = { 0 };
	char *name = parts_file_name(p);

	if (message_part_size(p) > DRAFT_MAX_ATTACHMENT)
		ui_status(x->view.ui, "256M is the most that can be attached");
	else if (message_decode(&x->message, p, &bytes))
		writing_attach(x->view.ui, name, p->type, &bytes);
	else
		ui_status(x->view.ui, "this part could not be read");
	str_clear(&bytes);
	free(name);
}

static void
save_all(struct parts *x)
{
	uint64_t size = 0;
	struct error e;

	if (!x->inside && partial_check(x->view.ui, &x->message, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		return;
	}
	for (const struct part *p = x->message.root; p; p = part_next(p))
		size += p->size_bytes;
	saving_begin(x->view.ui, x->id, x->inside, x->arg, size);
}

void
parts_save_all(struct parts *x, const char *dir)
{
	if (!*dir)
		return;
	free(x->arg);
	x->arg = xstrdup(dir);
	x->wish = CMD_SAVE_ALL;
	if (x->inside || store_has_body(ui_store(x->view.ui), x->id, "", NULL)) {
		save_all(x);
		return;
	}
	x->is_waiting = true;
	parts_fetch(x, "", "fetching the whole message");
}

void
parts_grant(struct parts *x)
{
	const struct part *p;

	if (x->wish == CMD_SAVE_ALL) {
		save_all(x);
		return;
	}
	struct extract *out = extract_wished(x, &p);

	if (!out)
		return;
	if (x->wish == CMD_SAVE) {
		begin_saving(x, out);
	} else if (x->wish == CMD_ATTACH_HERE) {
		extract_free(out);
		attach_to_draft(x, p);
	} else if (x->wish == CMD_OPEN_WITH) {
		viewer_open(x->view.ui, &x->view, out, p);
	} else {
		hand_over(x, out);
	}
}

void
parts_wish(struct parts *x, enum command_id what, const char *arg)
{
	const struct part *p = parts_here(x);

	if (!p || !message_is_leaf(p)) {
		ui_status(x->view.ui, "this only holds the parts below it");
		return;
	}
	if (arg && *arg == '\0')
		return;
	free(x->section);
	free(x->arg);
	x->section = xstrdup(p->section);
	x->arg = xstrdup(arg);
	x->wish = what;
	if (message_has(&x->message, p)) {
		parts_grant(x);
		return;
	}
	x->is_waiting = true;
	char *name = parts_file_name(p), *label = xasprintf("fetching %s", name);
	parts_fetch(x, p->section, label);
	free(label);
	free(name);
}
