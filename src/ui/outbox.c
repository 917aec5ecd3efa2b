/* outbox.c - what is being sent: its state, and for the mail under the cursor what the server said of
 * each recipient.
 *
 * Editing is opening the draft that the mail was made from; mail that came from a command line has
 * none, and is held, tried again or removed. */
#include <stdlib.h>

#include "format.h"
#include "writing.h"

enum { SHOWN_MAX = 500 };

struct outbox_view {
	struct view view;
	struct arena arena;
	struct outbox_mail *v, here;	/* here: under the cursor, with its recipients */
	size_t n, cursor, top;
	outbox_id asked;
};

static struct outbox_view *
outbox_of(struct view *v)
{
	return (struct outbox_view *)v;
}

static void
read_again(struct outbox_view *x)
{
	arena_clear(&x->arena);
	x->n = store_outbox(ui_store(x->view.ui), 0, SHOWN_MAX, &x->arena, &x->v);
	if (x->cursor >= x->n)
		x->cursor = x->n > 0 ? x->n - 1 : 0;
	if (x->n == 0 || !store_outbox_get(ui_store(x->view.ui), x->v[x->cursor].id, &x->arena, &x->here))
		x->here = (struct outbox_mail){ 0 };
	ui_redraw(x->view.ui);
}

/* ---- drawing ---- */

static const char *
state_name(const struct outbox_mail *m, int64_t now)
{
	switch (m->state) {
	case OUTBOX_QUEUED:
		return m->is_held ? "held" : m->not_before > now || m->retry_at > now ? "waits" : "queued";
	case OUTBOX_SENDING:
		return "sending";
	case OUTBOX_SENT:
		return "sent";
	case OUTBOX_UNSURE:
		return "unsure";
	case OUTBOX_REFUSED:
		return "refused";
	}
	return "";
}

static enum style
state_style(const struct outbox_mail *m)
{
	return m->state == OUTBOX_SENT ? ST_OK : m->state == OUTBOX_UNSURE || m->state == OUTBOX_REFUSED
		? ST_ERROR : ST_PENDING;
}

static void
draw_mail(struct outbox_view *x, const struct area *a, int y, const struct outbox_mail *m)
{
	char date[64];

	format_date(date, sizeof date, m->created, ui_now(x->view.ui), 12, NULL);
	area_put(a, y, 1, 12, ST_DATE, date);
	area_put(a, y, 14, 8, state_style(m), state_name(m, ui_now(x->view.ui)));
	area_put(a, y, 23, a->columns / 3, ST_SENDER, m->to);
	area_put(a, y, 24 + a->columns / 3, -1, ST_SUBJECT, *m->subject ? m->subject : "(no subject)");
}

static void
draw_recipients(struct outbox_view *x, const struct area *a)
{
	static const char *const names[] = { "waits", "sending", "sent", "unsure", "refused" };
	int y = 0;

	area_fill(a, y++, 0, -1, ST_DIM, "─");
	if (x->here.state == OUTBOX_UNSURE)
		area_put(a, y++, 1, -1, ST_ERROR, "It may have arrived: a says it did, r sends it again");
	if (x->here.error && *x->here.error)
		area_put(a, y++, 1, -1, ST_NOTICE, x->here.error);
	for (size_t i = 0; i < x->here.n_rcpts && y < a->rows; i++, y++) {
		const struct outbox_rcpt *r = &x->here.rcpts[i];
		area_put(a, y, 1, 8, ST_DIM, names[r->state]);
		int used = area_put(a, y, 10, -1, ST_NORMAL, r->addr);
		area_put(a, y, 12 + used, -1, ST_DIM, r->words);
	}
}

static void
outbox_draw(struct view *v, const struct area *a)
{
	struct outbox_view *x = outbox_of(v);
	size_t h = (size_t)(a->rows - a->rows / 3);
	struct area below = area_sub(a, (int)h, 0, -1, -1);

	if (x->n == 0) {
		area_put(a, a->rows / 3, 2, -1, ST_NORMAL, "Nothing was sent lately");
		return;
	}
	if (x->cursor < x->top)
		x->top = x->cursor;
	if (x->cursor >= x->top + h)
		x->top = x->cursor + 1 - h;
	for (size_t y = 0; y < h && x->top + y < x->n; y++) {
		draw_mail(x, a, (int)y, &x->v[x->top + y]);
		if (x->top + y == x->cursor)
			area_over(a, (int)y, 0, -1, ST_CURSOR);
	}
	draw_recipients(x, &below);
}

static void
outbox_title(struct view *v, struct str *left, struct str *right)
{
	uint32_t waiting = store_outbox_waiting(ui_store(v->ui), 0);
	uint32_t stuck = store_outbox_stuck(ui_store(v->ui), 0);

	str_puts(left, "outbox");
	if (waiting)
		str_printf(right, "%u to be sent  ", waiting);
	if (stuck)
		str_printf(right, "%u need you  ", stuck);
}

/* ---- commands ---- */

static bool
act(struct outbox_view *x, outbox_id id, enum outbox_act what)
{
	struct error e;
	bool ok = engine_outbox(ui_engine(x->view.ui), id, what, &e) == ERR_OK;

	if (!ok)
		ui_error(x->view.ui, &e);
	read_again(x);
	return ok;
}

static void
remove_asked(void *ctx)
{
	struct outbox_view *x = ctx;

	sending_tidy(x->view.ui);		/* what is sent must not come back as a draft */
	if (act(x, x->asked, OUTBOX_REMOVE))
		ui_status(x->view.ui, "removed; its draft, if it has one, is among the drafts (gd)");
}

static void
retry_asked(void *ctx)
{
	struct outbox_view *x = ctx;

	act(x, x->asked, OUTBOX_RETRY);
}

/* Taken out of the outbox first: the draft stays whatever happens in between. What waits is held before, so
 * that it surely does not go out meanwhile. */
static void
edit(void *ctx)
{
	struct outbox_view *x = ctx;
	struct ui *ui = x->view.ui;
	draft_id draft = x->here.message_id ? sending_draft_of(ui, x->here.message_id) : 0;

	if (!draft)
		ui_status(ui, "this mail has no draft: it can be held, tried again or removed");
	else if ((x->here.state != OUTBOX_QUEUED || x->here.is_held || act(x, x->asked, OUTBOX_HOLD)) &&
		act(x, x->asked, OUTBOX_REMOVE))
		writing_resume(ui, draft);
}

static void
ask_or(struct outbox_view *x, bool asks, const char *question, void (*yes)(void *ctx))
{
	if (asks)
		ui_confirm(x->view.ui, &x->view, question, yes, x);
	else
		yes(x);
}

static void
move(struct outbox_view *x, long by)
{
	long to = (long)x->cursor + by, last = (long)x->n - 1;

	x->cursor = to < 0 || last < 0 ? 0 : (size_t)(to > last ? last : to);
	read_again(x);
}

static bool
move_command(struct outbox_view *x, enum command_id id)
{
	switch (id) {
	case CMD_DOWN: move(x, 1); return true;
	case CMD_UP: move(x, -1); return true;
	case CMD_PAGE_DOWN: case CMD_HALF_DOWN: move(x, 10); return true;
	case CMD_PAGE_UP: case CMD_HALF_UP: move(x, -10); return true;
	case CMD_FIRST: move(x, -(long)x->n); return true;
	case CMD_LAST: move(x, (long)x->n); return true;
	default: return false;
	}
}

static void
outbox_command(struct view *v, const struct call *c)
{
	struct outbox_view *x = outbox_of(v);

	if (move_command(x, c->cmd->id) || x->here.id == 0)
		return;
	bool is_unsure = x->here.state == OUTBOX_UNSURE;
	x->asked = x->here.id;
	switch (c->cmd->id) {
	case CMD_HOLD:
		act(x, x->asked, x->here.is_held ? OUTBOX_RELEASE : OUTBOX_HOLD);
		break;
	case CMD_RETRY:
		ask_or(x, is_unsure, "It may have arrived. Send it again?", retry_asked);
		break;
	case CMD_ARRIVED:
		if (act(x, x->asked, OUTBOX_BELIEVE_SENT))
			sending_tidy(v->ui);
		break;
	case CMD_REMOVE:
		ask_or(x, x->here.state != OUTBOX_SENT, "Remove this mail from the outbox?", remove_asked);
		break;
	case CMD_OPEN: case CMD_EDIT:
		if (x->here.state == OUTBOX_SENT)
			ui_status(v->ui, "it is sent already");
		else
			ask_or(x, is_unsure, "It may have arrived. Edit it, to send it anew?", edit);
		break;
	default: break;
	}
}

/* ---- the rest of the view ---- */

static void
outbox_shown(struct view *v)
{
	read_again(outbox_of(v));
}

static void
outbox_event(struct view *v, const struct event *ev)
{
	if (ev->kind == EV_OUTBOX)
		read_again(outbox_of(v));
}

static void
outbox_close(struct view *v)
{
	struct outbox_view *x = outbox_of(v);

	arena_clear(&x->arena);
	free(x);
}

static const struct view_ops outbox_ops = {
	.bit = V_OUTBOX,
	.draw = outbox_draw,
	.title = outbox_title,
	.command = outbox_command,
	.event = outbox_event,
	.shown = outbox_shown,
	.close = outbox_close,
};

struct view *
outbox_new(struct ui *ui)
{
	struct outbox_view *x = xcalloc(1, sizeof *x);

	x->view.ops = &outbox_ops;
	x->view.ui = ui;
	return &x->view;
}
