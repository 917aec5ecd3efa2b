/* draft_list.c - what was begun and not sent, the one saved last at the top. */
#include <stdlib.h>

#include "format.h"
#include "store_uploads.h"
#include "writing.h"

struct drafts {
	struct view view;
	struct draft_info *v;
	size_t n, cursor, top;
	draft_id asked;			/* "throw it away?" */
};

static struct drafts *
drafts_of(struct view *v)
{
	return (struct drafts *)v;
}

static void
read_again(struct drafts *x)
{
	draft_list_free(x->v, x->n);
	x->n = sending_drafts(x->view.ui, &x->v);
	if (x->cursor >= x->n)
		x->cursor = x->n > 0 ? x->n - 1 : 0;
	ui_redraw(x->view.ui);
}

static bool
is_apart(struct ui *ui, const struct draft_info *d)
{
	struct arena a = { 0 };
	struct draft_copy c;
	bool is = *d->name && store_draft(ui_store(ui), d->name, 0, &a, &c) &&
		c.state == DRAFT_APART;

	arena_clear(&a);
	return is;
}

static void
drafts_draw(struct view *v, const struct area *a)
{
	struct drafts *x = drafts_of(v);
	size_t h = (size_t)a->rows;
	char date[64];

	if (x->n == 0)
		area_put(a, a->rows / 3, 2, -1, ST_NORMAL, "No drafts: m writes a message");
	if (x->cursor < x->top)
		x->top = x->cursor;
	if (x->cursor >= x->top + h)
		x->top = x->cursor + 1 - h;
	for (size_t y = 0; y < h && x->top + y < x->n; y++) {
		const struct draft_info *d = &x->v[x->top + y];
		format_date(date, sizeof date, d->saved, ui_now(v->ui), 12, NULL);
		area_put(a, (int)y, 1, 12, ST_DATE, date);
		area_put(a, (int)y, 14, a->columns / 3, ST_SENDER,
			*d->to ? d->to : "(nobody yet)");
		char *subject = xasprintf("%s%s",
			is_apart(v->ui, d) ? "(not on the server any more) " : "",
			*d->subject ? d->subject : "(no subject)");
		area_put(a, (int)y, 15 + a->columns / 3, -1, ST_SUBJECT, subject);
		free(subject);
		if (x->top + y == x->cursor)
			area_over(a, (int)y, 0, -1, ST_CURSOR);
	}
}

static void
drafts_title(struct view *v, struct str *left, struct str *right)
{
	str_puts(left, "drafts");
	str_printf(right, "%zu", drafts_of(v)->n);
}

static void
throw_away(void *ctx)
{
	struct drafts *x = ctx;
	struct draft_lock lock;
	struct error e;

	if (draft_take(ui_data_dir(x->view.ui), x->asked, &lock, &e) != ERR_OK ||
		writing_remove_draft(x->view.ui, x->asked, true, &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	else
		ui_status(x->view.ui, "thrown away; u brings it back");
	draft_release(&lock);
	read_again(x);
}

static void
move(struct drafts *x, long by)
{
	long to = (long)x->cursor + by, last = (long)x->n - 1;

	x->cursor = to < 0 || last < 0 ? 0 : (size_t)(to > last ? last : to);
}

static void
drafts_command(struct view *v, const struct call *c)
{
	struct drafts *x = drafts_of(v);

	ui_redraw(v->ui);
	switch (c->cmd->id) {
	case CMD_DOWN: move(x, 1); break;
	case CMD_UP: move(x, -1); break;
	case CMD_PAGE_DOWN: case CMD_HALF_DOWN: move(x, 10); break;
	case CMD_PAGE_UP: case CMD_HALF_UP: move(x, -10); break;
	case CMD_FIRST: x->cursor = 0; break;
	case CMD_LAST: move(x, (long)x->n); break;
	case CMD_OPEN: case CMD_EDIT:
		if (x->n > 0)
			writing_resume(v->ui, x->v[x->cursor].id);
		break;
	case CMD_REMOVE:
		if (x->n == 0)
			break;
		x->asked = x->v[x->cursor].id;
		ui_confirm(v->ui, v, "Throw this draft away?", throw_away, x);
		break;
	default: break;
	}
}

static void
drafts_shown(struct view *v)
{
	read_again(drafts_of(v));
}

static void
drafts_event(struct view *v, const struct event *ev)
{
	if (ev->kind == EV_OUTBOX || ev->kind == EV_STORE)
		read_again(drafts_of(v));
}

static void
drafts_close(struct view *v)
{
	struct drafts *x = drafts_of(v);

	draft_list_free(x->v, x->n);
	free(x);
}

static const struct view_ops drafts_ops = {
	.bit = V_DRAFTS,
	.draw = drafts_draw,
	.title = drafts_title,
	.command = drafts_command,
	.event = drafts_event,
	.shown = drafts_shown,
	.close = drafts_close,
};

struct view *
draft_list_new(struct ui *ui)
{
	struct drafts *x = xcalloc(1, sizeof *x);

	x->view.ops = &drafts_ops;
	x->view.ui = ui;
	return &x->view;
}
