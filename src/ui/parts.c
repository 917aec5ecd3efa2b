/* parts.c - the view of a message's tree of parts. */
#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "pager.h"
#include "parts_impl.h"
#include "path.h"
#include "utf8.h"

/* ---- reading ---- */

static void
read_parts(struct parts *x)
{
	message_clear(&x->message);
	x->n = 0;
	if (x->inside ? message_of_copy(&x->message, x->inside)
	    : message_read(&x->message, ui_store(x->view.ui), x->id)) {
		for (const struct part *p = x->message.root; p; p = part_next(p)) {
			x->rows = array_grow(x->rows, x->n, &x->cap, sizeof *x->rows);
			x->rows[x->n++] = p;
		}
	}
	if (x->cursor >= x->n)
		x->cursor = x->n > 0 ? x->n - 1 : 0;
	ui_redraw(x->view.ui);
}

const struct part *
parts_here(const struct parts *x)
{
	return x->n > 0 ? x->rows[x->cursor] : NULL;
}

void
parts_fetch(struct parts *x, const char *section, const char *what)
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

/* ---- commands ---- */

static void
open_part(struct parts *x)
{
	const struct part *p = parts_here(x);

	if (!p)
		return;
	if (x->inside && (str_starts(p->type, "text/") || str_starts(p->type, "message/")))
		ui_push(x->view.ui, pager_new_inside(x->view.ui, str_get(x->inside),
			x->inside->len, p->section));
	else if (str_starts(p->type, "text/") || str_starts(p->type, "message/"))
		ui_push(x->view.ui, pager_new_part(x->view.ui, x->id, p->section));
	else
		parts_wish(x, CMD_OPEN_WITH, NULL);
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
	case CMD_SAVE: case CMD_OPEN_WITH: case CMD_PIPE: case CMD_ATTACH_HERE: parts_wish(x,
		c->cmd->id, c->arg); break;
	case CMD_SAVE_ALL: parts_save_all(x, c->arg); break;
	default: break;
	}
}

/* ---- the rest of the view ---- */

static void
parts_event(struct view *v, const struct event *ev)
{
	struct parts *x = parts_of(v);

	if (ev->kind == EV_BODY && ev->u.body.id == x->id && !x->inside) {
		read_parts(x);
	} else if (ev->kind == EV_DONE && ev->job != 0 && ev->job == x->job) {
		x->job = 0;
		read_parts(x);
		if (ev->u.done.code == ERR_OK && x->is_waiting)
			parts_grant(x);
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
		parts_fetch(x, "TEXT*", "asking what is in the message");
	}
}

static const char *
parts_initial(struct view *v, const struct command *c)
{
	struct parts *x = parts_of(v);
	const struct part *p = parts_here(x);
	const char *dir = ui_rc(v->ui)->download_dir;

	if (c->id == CMD_SAVE_ALL)
		return dir;
	if (c->id != CMD_SAVE || !p || !message_is_leaf(p))
		return NULL;
	char *name = parts_file_name(p);
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
	if (x->inside)
		str_wipe(x->inside);
	free(x->inside);
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

struct view *
parts_new_inside(struct ui *ui, msg_id id, const struct opened *inside)
{
	struct view *v = parts_new(ui, id);
	struct parts *x = parts_of(v);
	size_t n;
	const char *bytes = mime_bytes(inside->m, &n);

	x->inside = xcalloc(1, sizeof *x->inside);
	str_add(x->inside, bytes, n);
	return v;
}
