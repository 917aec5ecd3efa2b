/* parts.c - the tree of parts, and what can be done with one.
 *
 * A part that is not here is fetched first; what was wanted of it waits in `wish` and is
 * granted when the job ends well. Nothing of the mail becomes a path but through
 * path_safe_name, or a shell word at all: the part goes to a command's standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extract.h"
#include "format.h"
#include "message.h"
#include "pager.h"
#include "partial.h"
#include "parts.h"
#include "path.h"
#include "utf8.h"
#include "writing.h"

struct parts {
	struct view view;
	msg_id id;
	struct message message;
	const struct part **rows;	/* preorder */
	size_t n, cap;
	size_t cursor, top;
	int height;
	job_id job;
	bool was_asked;			/* for the tree */
	bool is_waiting;		/* the wish, for its part */
	enum command_id wish;		/* CMD_SAVE, CMD_OPEN_WITH, CMD_PIPE, CMD_OPEN */
	char *section, *arg;		/* of what, and its argument */
	char *initial;			/* file name proposed */
	char *path;			/* waits for "overwrite?" */
	char *search;			/* folded */
};

static struct parts *
parts_of(struct view *v)
{
	return (struct parts *)v;
}

/* ---- reading ---- */

static void
read_parts(struct parts *x)
{
	message_clear(&x->message);
	x->n = 0;
	if (message_read(&x->message, ui_store(x->view.ui), x->id)) {
		for (const struct part *p = x->message.root; p; p = part_next(p)) {
			x->rows = array_grow(x->rows, x->n, &x->cap, sizeof *x->rows);
			x->rows[x->n++] = p;
		}
	}
	if (x->cursor >= x->n)
		x->cursor = x->n > 0 ? x->n - 1 : 0;
	ui_redraw(x->view.ui);
}

static const struct part *
part_here(const struct parts *x)
{
	return x->n > 0 ? x->rows[x->cursor] : NULL;
}

static void
fetch(struct parts *x, const char *section, const char *what)
{
	struct job job = { .kind = JOB_FETCH, .msg = x->id, .folder = msg_folder(x->id),
		.account = store_folder_account(ui_store(x->view.ui), msg_folder(x->id)) };

	snprintf(job.section, sizeof job.section, "%s", section);
	x->job = ui_submit(x->view.ui, &job, what);
}

/* ---- drawing ---- */

static const char *
name_of(const struct part *p)
{
	return *p->filename ? p->filename : p->description;
}

static void
draw_part(struct parts *x, const struct area *a, int y, size_t k)
{
	const struct part *p = x->rows[k];
	struct str line = { 0 };
	char size[8];
	int wide = a->columns >= 76;

	area_printf(a, y, 0, 3, ST_DIM, "%2zu", k + 1);
	if (message_is_leaf(p)) {
		format_size(size, message_part_size(p));
		area_put_right(a, y, a->columns - 5, 5, ST_SIZE, size);
		bool is_here = message_has(&x->message, p);
		area_put(a, y, a->columns - (wide ? 18 : 8), wide ? 11 : 2,
			is_here ? ST_OK : ST_DIM,
			is_here ? (wide ? "here" : "●") : wide ? "on server" : "");
	}
	str_printf(&line, "%*s%s", part_depth(p) * 2, "", p->type);
	if (*p->charset && wide)
		str_printf(&line, " (%s)", p->charset);
	int used = area_put(a, y, 4, a->columns - (wide ? 23 : 13),
		message_is_leaf(p) ? ST_NORMAL : ST_DIM, str_get(&line));
	int from = 4 + used + 2;
	if (wide && from < 40)
		from = 40;
	if (*name_of(p) && from < a->columns - (wide ? 19 : 9))
		area_put(a, y, from, a->columns - from - (wide ? 19 : 9), ST_ATTACHMENT,
			name_of(p));
	str_clear(&line);
}

static void
parts_draw(struct view *v, const struct area *a)
{
	struct parts *x = parts_of(v);
	size_t h = (size_t)a->rows;

	x->height = a->rows;
	if (x->n == 0) {
		area_put(a, a->rows / 3, 2, -1, ST_NORMAL,
			x->job
			? "Asking what is in this message ..."
			: "What is in this message is not known yet");
		return;
	}
	if (x->cursor < x->top)
		x->top = x->cursor;
	if (x->cursor >= x->top + h)
		x->top = x->cursor + 1 - h;
	for (size_t y = 0; y < h && x->top + y < x->n; y++) {
		draw_part(x, a, (int)y, x->top + y);
		if (x->top + y == x->cursor)
			area_over(a, (int)y, 0, -1, ST_CURSOR);
	}
}

static void
parts_title(struct view *v, struct str *left, struct str *right)
{
	struct parts *x = parts_of(v);

	str_puts(left, "parts of ");
	str_puts(left, x->message.m.subject && *x->message.m.subject ? x->message.m.subject
		: "(no subject)");
	str_printf(right, "%zu", x->n);
}

/* ---- granting a wish ---- */

/* A name for a file of this part: its own made safe, else one by its type. Owned. */
static char *
file_name(const struct part *p)
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
	if (partial_check(x->view.ui, &x->message, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		return NULL;
	}
	if (*p) {
		char *name = file_name(*p);
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
open_now(struct extract *out, const struct error *e)
{
	struct ui *ui = out->work.ui;
	char program[] = "xdg-open";

	if (e->code != ERR_OK)
		return;
	if (!ui_run_argv(ui, (char *[]){ program, out->arg, NULL }, true))
		ui_status(ui, "cannot run xdg-open, which knows the programs for files");
	else
		ui_status(ui, "opening %s", out->name);
}

static void
pipe_now(struct extract *out, const struct error *e)
{
	if (e->code == ERR_OK && !ui_run_shell(out->work.ui, out->arg, out->to.fd, true))
		ui_status(out->work.ui, "'%s' failed", out->arg);
}

static void
hand_over(struct parts *x, struct extract *out)
{
	bool is_pipe = x->wish == CMD_PIPE;
	struct error e = { 0 };
	struct outfile to;

	if ((is_pipe ? outfile_unnamed(&to, out->size, &e) : outfile_temporary(&to, out->name,
	    &e)) != ERR_OK) {
		ui_error(x->view.ui, &e);
		extract_free(out);
		return;
	}
	out->then = is_pipe ? pipe_now : open_now;
	out->arg = xstrdup(is_pipe ? x->arg : to.path);
	begin(x, out, false, &to, "decoding");
}

static void
attach_to_draft(struct parts *x, const struct part *p)
{
	struct str bytes = { 0 };
	char *name = file_name(p);

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
grant(struct parts *x)
{
	const struct part *p;
	struct extract *out = extract_wished(x, &p);

	if (!out)
		return;
	if (x->wish == CMD_SAVE) {
		begin_saving(x, out);
	} else if (x->wish == CMD_ATTACH_HERE) {
		extract_free(out);
		attach_to_draft(x, p);
	} else {
		hand_over(x, out);
	}
}

static void
wish(struct parts *x, enum command_id what, const char *arg)
{
	const struct part *p = part_here(x);

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
		grant(x);
		return;
	}
	x->is_waiting = true;
	char *name = file_name(p), *label = xasprintf("fetching %s", name);
	fetch(x, p->section, label);
	free(label);
	free(name);
}

/* ---- commands ---- */

static void
open_part(struct parts *x)
{
	const struct part *p = part_here(x);

	if (!p)
		return;
	if (str_starts(p->type, "text/") || str_starts(p->type, "message/"))
		ui_push(x->view.ui, pager_new_part(x->view.ui, x->id, p->section));
	else
		wish(x, CMD_OPEN_WITH, NULL);
}

static void
move(struct parts *x, long by)
{
	long to = (long)x->cursor + by, last = (long)x->n - 1;

	x->cursor = to < 0 || last < 0 ? 0 : (size_t)(to > last ? last : to);
}

/* To the next part, around the end, whose type or name has the text searched for. */
static void
search(struct parts *x, bool back)
{
	for (size_t i = 1; x->search && i <= x->n; i++) {
		size_t k = (x->cursor + (back ? x->n - i : i)) % x->n;
		if (text_contains(x->rows[k]->type, x->search)
		    || text_contains(name_of(x->rows[k]), x->search)) {
			x->cursor = k;
			return;
		}
	}
	ui_status(x->view.ui, x->search ? "no part is called so"
		: "nothing was searched for yet: / searches");
}

static void
set_search(struct parts *x, const char *text)
{
	free(x->search);
	x->search = *text ? text_fold(text) : NULL;
	search(x, false);
}

static void
parts_command(struct view *v, const struct call *c)
{
	struct parts *x = parts_of(v);

	ui_redraw(v->ui);
	switch (c->cmd->id) {
	case CMD_DOWN: move(x, 1); break;
	case CMD_UP: move(x, -1); break;
	case CMD_PAGE_DOWN: move(x, x->height); break;
	case CMD_PAGE_UP: move(x, -x->height); break;
	case CMD_HALF_DOWN: move(x, x->height / 2); break;
	case CMD_HALF_UP: move(x, -x->height / 2); break;
	case CMD_FIRST: x->cursor = 0; break;
	case CMD_LAST: move(x, (long)x->n); break;
	case CMD_OPEN: open_part(x); break;
	case CMD_SEARCH: set_search(x, c->arg); break;
	case CMD_SEARCH_NEXT: search(x, false); break;
	case CMD_SEARCH_PREVIOUS: search(x, true); break;
	case CMD_SAVE: case CMD_OPEN_WITH: case CMD_PIPE: case CMD_ATTACH_HERE: wish(x,
		c->cmd->id, c->arg); break;
	default: break;
	}
}

/* ---- the rest of the view ---- */

static void
parts_event(struct view *v, const struct event *ev)
{
	struct parts *x = parts_of(v);

	if (ev->kind == EV_BODY && ev->u.body.id == x->id) {
		read_parts(x);
	} else if (ev->kind == EV_DONE && ev->job != 0 && ev->job == x->job) {
		x->job = 0;
		read_parts(x);
		if (ev->u.done.code == ERR_OK && x->is_waiting)
			grant(x);
		x->is_waiting = false;
	}
}

static void
parts_shown(struct view *v)
{
	struct parts *x = parts_of(v);

	read_parts(x);
	if (x->n == 0 && !x->was_asked) {
		x->was_asked = true;
		fetch(x, "TEXT*", "asking what is in the message");
	}
}

static const char *
parts_initial(struct view *v, const struct command *c)
{
	struct parts *x = parts_of(v);
	const struct part *p = part_here(x);
	const char *dir = ui_rc(v->ui)->download_dir;

	if (c->id != CMD_SAVE || !p || !message_is_leaf(p))
		return NULL;
	char *name = file_name(p);
	free(x->initial);
	x->initial = path_join(dir && *dir ? dir : ".", name);
	free(name);
	return x->initial;
}

static account_id
parts_account(struct view *v)
{
	return store_folder_account(ui_store(v->ui), msg_folder(parts_of(v)->id));
}

static void
parts_click(struct view *v, int y, int column)
{
	struct parts *x = parts_of(v);
	size_t k = x->top + (size_t)y;

	(void)column;
	if (k >= x->n)
		return;
	if (k == x->cursor)
		open_part(x);
	x->cursor = k;
	ui_redraw(v->ui);
}

static void
parts_close(struct view *v)
{
	struct parts *x = parts_of(v);

	message_clear(&x->message);
	free(x->rows);
	free(x->section);
	free(x->arg);
	free(x->initial);
	free(x->path);
	free(x->search);
	free(x);
}

static const struct view_ops parts_ops = {
	.bit = V_PARTS,
	.draw = parts_draw,
	.title = parts_title,
	.command = parts_command,
	.event = parts_event,
	.shown = parts_shown,
	.account = parts_account,
	.initial = parts_initial,
	.click = parts_click,
	.close = parts_close,
};

struct view *
parts_new(struct ui *ui, msg_id id)
{
	struct parts *x = xcalloc(1, sizeof *x);

	x->view.ops = &parts_ops;
	x->view.ui = ui;
	x->id = id;
	return &x->view;
}
