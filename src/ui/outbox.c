/* outbox.c - what is being sent: its state, and for the mail under the cursor when it goes or
 * what became of it, what the server said of each recipient, and what that means.
 *
 * Mail that is unsure is a question, with all its answers behind Enter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "mailstatus.h"
#include "mime.h"
#include "outbox.h"
#include "store_outbox.h"
#include "utf8.h"
#include "when.h"
#include "writing.h"

enum { SHOWN_MAX = 500 };

struct outbox_view {
	struct view view;
	struct arena arena;
	struct outbox_mail *v, here;	/* here: under the cursor, with its recipients */
	size_t n, cursor, top;
	outbox_id asked;
	int64_t when;			/* the time that is asked about */
	char initial[40];		/* its time so far, to be changed */
};

static struct outbox_view *
outbox_of(struct view *v)
{
	return (struct outbox_view *)v;
}

/* The cursor stays on its mail. */
static void
read_again(struct outbox_view *x)
{
	outbox_id here = x->here.id;

	arena_clear(&x->arena);
	x->n = store_outbox(ui_store(x->view.ui), 0, SHOWN_MAX, &x->arena, &x->v);
	for (size_t i = 0; i < x->n && here; i++) {
		if (x->v[i].id == here)
			x->cursor = i;
	}
	if (x->cursor >= x->n)
		x->cursor = x->n > 0 ? x->n - 1 : 0;
	if (x->n == 0 ||
	    !store_outbox_get(ui_store(x->view.ui), x->v[x->cursor].id, &x->arena, &x->here))
		x->here = (struct outbox_mail){ 0 };
	ui_redraw(x->view.ui);
}

/* ---- drawing ---- */

static const char *
state_name(const struct outbox_mail *m, int64_t now)
{
	switch (m->state) {
	case OUTBOX_QUEUED:
		return m->is_held ? "held" : m->not_before > now || m->retry_at > now ? "waits"
			: "queued";
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
	return m->state == OUTBOX_SENT ? ST_OK : m->state == OUTBOX_UNSURE ||
		m->state == OUTBOX_REFUSED ? ST_ERROR : ST_PENDING;
}

/* In ten columns: the state, or when it goes. */
static const char *
state_text(const struct outbox_mail *m, int64_t now, char *out, size_t size)
{
	if (m->state != OUTBOX_QUEUED || m->is_held || !m->is_planned || m->not_before <= now)
		return state_name(m, now);
	when_short(out, size, m->not_before, now);
	return out;
}

static void
draw_mail(struct outbox_view *x, const struct area *a, int y, const struct outbox_mail *m)
{
	char date[64], state[40];
	int64_t now = ui_now(x->view.ui);
	int at = a->columns < 60 ? 1 : 12;	/* no room for when it was written */

	format_date(date, sizeof date, m->created, now, 10, NULL);
	if (at > 1)
		area_put(a, y, 1, 10, ST_DATE, date);
	area_put(a, y, at, 10, state_style(m), state_text(m, now, state, sizeof state));
	area_put(a, y, at + 11, a->columns / 3, ST_SENDER, m->to);
	area_put(a, y, at + 12 + a->columns / 3, -1, ST_SUBJECT,
		*m->subject ? m->subject : "(no subject)");
}

/* What a person wants to know first of it, and what can be done. "": nothing. */
static void
tell_state(struct outbox_view *x, struct str *out)
{
	const struct outbox_mail *m = &x->here;
	int64_t now = ui_now(x->view.ui);
	char when[80];

	if (m->state == OUTBOX_UNSURE) {
		const struct rc_account *a = engine_rc_account(ui_engine(x->view.ui),
			m->account);
		str_printf(out, "It may have arrived; %s",
			a ? outbox_sought_text(m, a) : "its account is gone");
	} else if (m->state == OUTBOX_QUEUED && m->is_held) {
		str_puts(out, "Held: h lets it go, Y at a time");
	} else if (m->state == OUTBOX_QUEUED && m->not_before > now) {
		when_format(when, sizeof when, m->not_before, now);
		str_printf(out, "Goes out %s; %s", when,
			m->is_planned ? "Y changes that, r sends now" : "r sends now");
	} else if (m->state == OUTBOX_QUEUED && m->retry_at > now) {
		when_format(when, sizeof when, m->retry_at, now);
		str_printf(out, "Tried again %s; r tries now", when);
	} else if (m->state == OUTBOX_REFUSED) {
		str_puts(out, "Refused: e edits it, r tries it again as it is");
	} else if (m->state == OUTBOX_SENT && m->ended) {
		when_format(when, sizeof when, m->ended, now);
		str_printf(out, "Sent %s", when);
	}
}

/* Text of any length, wrapped, from column x on. Returns the row behind it. */
static int
put_wrapped(const struct area *a, int y, int x, enum style style, const char *text)
{
	struct lines l = { 0 };

	lines_add(&l, SPAN_TEXT, text, a->columns - x - 1 > 10 ? a->columns - x - 1 : 10);
	for (size_t i = 0; i < l.n && y < a->rows; i++)
		area_put(a, y++, x, -1, style, l.v[i].text);
	lines_clear(&l);
	return y;
}

/* Behind the address what it means and the server's words, or below it where they are long. */
static int
draw_recipient(const struct area *a, int y, const struct outbox_rcpt *r)
{
	static const char *const names[] = { "waits", "sending", "sent", "unsure", "refused" };
	const char *meaning = r->state == RCPT_SENT ? NULL : mail_status(r->words);
	char *text = xasprintf("%s%s%s", meaning ? meaning : "", meaning ? ": " : "",
		r->words);
	char *clean = text_clean_dup(text);
	bool is_bad = r->state == RCPT_REFUSED || r->state == RCPT_UNSURE;

	area_put(a, y, 1, 8, is_bad ? ST_ERROR : ST_DIM, names[r->state]);
	int at = 10 + area_put(a, y, 10, -1, ST_NORMAL, r->addr) + 2;
	if (at + text_width(clean, strlen(clean)) < a->columns) {
		area_put(a, y++, at, -1, is_bad ? ST_NORMAL : ST_DIM, clean);
	} else {
		y = put_wrapped(a, y + 1, 10, is_bad ? ST_NORMAL : ST_DIM, clean);
	}
	free(clean);
	free(text);
	return y;
}

static void
draw_details(struct outbox_view *x, const struct area *a)
{
	struct str state = { 0 };
	int y = 0;

	area_fill(a, y++, 0, -1, ST_DIM, "─");
	tell_state(x, &state);
	if (state.len > 0)
		y = put_wrapped(a, y, 1, x->here.state == OUTBOX_UNSURE ? ST_ERROR : ST_NORMAL,
			str_get(&state));
	str_clear(&state);
	if (x->here.error && *x->here.error)
		y = put_wrapped(a, y, 1, ST_NOTICE, x->here.error);
	for (size_t i = 0; i < x->here.n_rcpts && y < a->rows; i++)
		y = draw_recipient(a, y, &x->here.rcpts[i]);
}

static void
outbox_draw(struct view *v, const struct area *a)
{
	struct outbox_view *x = outbox_of(v);
	size_t h = (size_t)(a->rows - (a->rows < 15 ? a->rows / 2 : a->rows / 3));
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
	draw_details(x, &below);
}

static void
outbox_title(struct view *v, struct str *left, struct str *right)
{
	uint32_t later = store_outbox_later(ui_store(v->ui), 0);
	uint32_t waiting = store_outbox_waiting(ui_store(v->ui), 0) - later;
	uint32_t stuck = store_outbox_stuck(ui_store(v->ui), 0);

	str_puts(left, "outbox");
	if (waiting)
		str_printf(right, "%u to be sent  ", waiting);
	if (later)
		str_printf(right, "%u later  ", later);
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
	bool has_draft = x->here.message_id &&
		sending_draft_of(x->view.ui, x->here.message_id);

	if (act(x, x->asked, OUTBOX_REMOVE))
		ui_status(x->view.ui,
			has_draft ? "removed; its draft is among the drafts (gd)" : "removed");
}

static void
retry_asked(void *ctx)
{
	struct outbox_view *x = ctx;

	act(x, x->asked, OUTBOX_RETRY);
}

/* A draft of what is sent must not look unsent: it goes first, or the mail stays. */
static void
remove_one(struct outbox_view *x)
{
	struct ui *ui = x->view.ui;
	bool is_sent = x->here.state == OUTBOX_SENT;

	if (is_sent)
		sending_tidy(ui);
	bool has_draft = x->here.message_id && sending_draft_of(ui, x->here.message_id);
	if (is_sent && has_draft)
		ui_status(ui, "its draft is open in another dunlin");
	else if (is_sent)
		remove_asked(x);
	else
		ui_confirm(ui, &x->view,
			has_draft ? "Remove this mail from the outbox? (Its draft stays.)"
			: "Remove this mail? It has no draft, and is gone then.", remove_asked,
			x);
}

static void
edit_asked(void *ctx)
{
	struct outbox_view *x = ctx;

	unsent_edit(x->view.ui, x->asked);
	read_again(x);
}

static void
arrived(struct outbox_view *x)
{
	if (act(x, x->asked, OUTBOX_BELIEVE_SENT)) {
		ui_status(x->view.ui, "taken for sent");
		sending_tidy(x->view.ui);
	}
}

static void
unsure_chosen(void *ctx, char answer)
{
	struct outbox_view *x = ctx;

	if (answer == 'r')
		retry_asked(x);
	else if (answer == 'a')
		arrived(x);
	else if (answer == 'e')
		edit_asked(x);
	else
		ui_status(x->view.ui, "kept as it is");
}

/* ---- at another time ---- */

static void
set_when(void *ctx)
{
	struct outbox_view *x = ctx;
	struct error e;
	char shown[80];

	if (x->when <= ui_now(x->view.ui))
		error_set(&e, ERR_MSG, "that time is past by now");
	else if (engine_outbox_when(ui_engine(x->view.ui), x->asked, x->when, &e) == ERR_OK)
		e.code = ERR_OK;
	when_format(shown, sizeof shown, x->when, ui_now(x->view.ui));
	if (e.code == ERR_OK)
		ui_status(x->view.ui, "goes out %s", shown);
	else
		ui_error(x->view.ui, &e);
	read_again(x);
}

static void
ask_when(struct outbox_view *x, const char *text)
{
	struct ui *ui = x->view.ui;
	char shown[80], question[120];
	struct error e;

	if (x->here.state != OUTBOX_QUEUED) {
		ui_status(ui, "it does not wait any more");
	} else if (when_parse(&x->when, text, ui_now(ui), &e) != ERR_OK) {
		ui_status(ui, "%s", e.text);
	} else {
		when_format(shown, sizeof shown, x->when, ui_now(ui));
		snprintf(question, sizeof question, "Send %s?", shown);
		ui_confirm(ui, &x->view, question, set_when, x);
	}
}

/* The time so far, as it can be typed. */
static const char *
outbox_initial(struct view *v, const struct command *c)
{
	struct outbox_view *x = outbox_of(v);
	time_t when = (time_t)x->here.not_before;
	struct tm t;

	if (c->id != CMD_SEND_AT || !x->here.is_planned || when <= ui_now(v->ui) ||
	    !localtime_r(&when, &t))
		return NULL;
	strftime(x->initial, sizeof x->initial, "%Y-%m-%d %H:%M", &t);
	return x->initial;
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
	x->here.id = x->n > 0 ? x->v[x->cursor].id : 0;
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
	bool is_unsure = x->here.state == OUTBOX_UNSURE || x->here.state == OUTBOX_SENDING;
	x->asked = x->here.id;
	switch (c->cmd->id) {
	case CMD_HOLD:
		act(x, x->asked, x->here.is_held ? OUTBOX_RELEASE : OUTBOX_HOLD);
		break;
	case CMD_RETRY:
		ask_or(x, is_unsure, "It may have arrived. Send it again?", retry_asked);
		break;
	case CMD_ARRIVED:
		arrived(x);
		break;
	case CMD_REMOVE:
		remove_one(x);
		break;
	case CMD_SEND_AT:
		ask_when(x, c->arg);
		break;
	case CMD_OPEN: case CMD_EDIT:
		if (x->here.state == OUTBOX_UNSURE && c->cmd->id == CMD_OPEN)
			ui_choose(v->ui, v, "r again, a arrived, e edit, k keep?", "raek",
				unsure_chosen, x);
		else
			ask_or(x, is_unsure, "It may have arrived. Edit it, to send it anew?",
				edit_asked);
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
	if (ev->kind == EV_OUTBOX || ev->kind == EV_STORE)
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
	.initial = outbox_initial,
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
