/* pager.c - the view of one message; what a person does in it is pager_commands.c.
 *
 * The store is read once and laid out for the width; what is missing is asked for, and when
 * EV_BODY names the message it is read again. The list's cursor is the pager's message: an
 * action works on the cursor, so whenever the two differ (the message went by another
 * client's hand) nothing is done but to show what the cursor is on now. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pager_impl.h"
#include "partial.h"
#include "parts.h"
#include "utf8.h"

/* ---- reading ---- */

void
pager_lay_out(struct pager *p, int columns)
{
	size_t mark = page_mark(&p->page, p->top);
	struct str missing = { 0 };
	int wrap = ui_rc(p->view.ui)->wrap, narrow = wrap && wrap < columns ? wrap : columns;
	struct page_options o = { .columns = narrow > 10 ? narrow : 10,
		.all_headers = p->all_headers, .prefer_html = p->is_html,
		.section = p->section, .opened = p->opened, .advice = pager_advice(p),
		.folds_quotes = p->folds_quotes };

	if (!p->section && (p->message.m.flags & MSG_HEADER_ONLY)) {
		partial_describe(p->view.ui, &p->message, &missing);
		o.not_downloaded = missing.len > 0 ? str_get(&missing) : NULL;
	}
	page_build(&p->page, &p->message, &o, p->problem ? p->problem
		: p->job ? "Fetching the message ..." : "The message is not here yet");
	str_clear(&missing);
	p->top = page_line_of_mark(&p->page, mark);
	p->columns = columns;
}

void
pager_fetch(struct pager *p, const char *section, const char *what)
{
	struct job job = { .kind = JOB_FETCH, .msg = p->id, .folder = msg_folder(p->id),
		.account = store_folder_account(ui_store(p->view.ui), msg_folder(p->id)) };

	free(p->problem);
	p->problem = NULL;
	snprintf(job.section, sizeof job.section, "%s", section);
	p->job = ui_submit(p->view.ui, &job, what);
}

/* What the text on the screen lacks: all the pager needs at first, then one part after another
 * (those of HTML are asked for when they are to be seen). */
void
pager_fetch_missing(struct pager *p)
{
	const char *section = p->section ? p->section
		: p->page.missing[0] ? p->page.missing : "TEXT*";

	pager_fetch(p, section, "fetching the message");
	pager_lay_out(p, p->columns);
}

/* A second intent, made by the program and not by the person. */
static void
mark_seen(struct pager *p)
{
	struct act act = { .kind = ACT_FLAGS, .set = MSG_SEEN, .is_automatic = true };
	char label[80];

	if (p->section || (p->message.m.flags & MSG_SEEN) || !ui_rc(p->view.ui)->mark_seen)
		return;
	if (engine_act(ui_engine(p->view.ui), &act, &p->id, 1, label, sizeof label,
	    NULL) == ERR_OK) {
		p->message.m.flags |= MSG_SEEN;
		list_refresh(pager_list(p));
	}
}

static bool
read_message(struct pager *p)
{
	message_clear(&p->message);
	bool is_there = p->inside ? message_of_copy(&p->message, p->inside)
		: message_read(&p->message, ui_store(p->view.ui), p->id);
	pager_lay_out(p, p->columns ? p->columns : 80);
	if (is_there && !p->page.is_missing)
		mark_seen(p);
	pager_open_seals(p, false);
	ui_redraw(p->view.ui);
	return is_there;
}

/* Reads what is under the list's cursor; leaves when there is nothing. */
void
pager_follow_cursor(struct pager *p)
{
	msg_id id = list_open(pager_list(p));

	if (id == p->id)
		return;
	if (id == 0) {
		ui_pop(p->view.ui, &p->view);
		return;
	}
	if (p->job)
		engine_cancel(ui_engine(p->view.ui), p->job);
	p->job = 0;
	free(p->problem);
	p->problem = NULL;
	free(p->command);
	p->command = NULL;
	p->id = id;
	p->follows_undo = false;
	p->top = 0;
	p->found = 0;
	p->is_html = ui_rc(p->view.ui)->prefer_html;
	page_clear(&p->page);
	pager_close_seals(p);
	read_message(p);
	if (p->page.is_missing)
		pager_fetch_missing(p);
}

/* The list's cursor left the message behind the pager's back. */
bool
pager_is_stray(struct pager *p)
{
	return p->index && list_cursor_id(pager_list(p)) != p->id;
}

static void
after_triage(struct view *v)
{
	struct pager *p = pager_of(v);

	if (list_cursor_id(pager_list(p)) != p->id) {
		pager_follow_cursor(p);
		return;
	}
	size_t top = p->top;
	read_message(p);
	p->top = top;
}

/* ---- drawing ---- */

static enum style
line_style(const struct line *l)
{
	static const enum style styles[] = {
		[SPAN_TEXT] = ST_NORMAL, [SPAN_QUOTE] = ST_QUOTE1,
		[SPAN_SIGNATURE] = ST_SIGNATURE, [SPAN_LINK] = ST_LINK,
		[SPAN_HEADING] = ST_HEADING, [SPAN_HEADER] = ST_HEADER,
		[SPAN_HEADER_NAME] = ST_HEADER_NAME, [SPAN_ATTACHMENT] = ST_ATTACHMENT,
		[SPAN_NOTICE] = ST_NOTICE,
	};

	if (l->quote_level > 0)
		return ST_QUOTE1 + (enum style)((l->quote_level - 1) % 3);
	return styles[l->style];
}

/* Whether the line is of the Subject field, which may go on in further lines. */
static bool
is_subject(const struct lines *lines, size_t i)
{
	while (i > 0 && lines->v[i].style == SPAN_HEADER && lines->v[i].text[0] == ' ')
		i--;
	return lines->v[i].style == SPAN_HEADER && str_starts(lines->v[i].text, "Subject:");
}

static void
draw_line(const struct pager *p, const struct area *a, int y, size_t i)
{
	const struct line *l = &p->page.lines.v[i];
	int from = 0, to;

	area_put(a, y, 0, -1, is_subject(&p->page.lines, i) ? ST_STRONG : line_style(l),
		l->text);
	if (l->style == SPAN_HEADER || l->style == SPAN_HEADER_NAME) {
		const char *colon = strchr(l->text, ':');
		if (colon && l->text[0] != ' ')
			area_style(a, y, 0, (int)(colon - l->text) + 1, ST_HEADER_NAME);
	}
	while (p->folded && page_match(l->text, p->folded, &from, &to)) {
		area_over(a, y, from, to - from, ST_MATCH);
		from = to;
	}
}

size_t
pager_last_top(const struct pager *p)
{
	size_t n = p->page.lines.n, rows = (size_t)p->rows;

	return n > rows ? n - rows : 0;
}

static void
pager_draw(struct view *v, const struct area *a)
{
	struct pager *p = pager_of(v);

	p->rows = a->rows;
	if (a->columns != p->columns)
		pager_lay_out(p, a->columns);
	if (p->top > pager_last_top(p))
		p->top = pager_last_top(p);
	for (int y = 0; y < a->rows && p->top + (size_t)y < p->page.lines.n; y++)
		draw_line(p, a, y, p->top + (size_t)y);
}

static void
pager_title(struct view *v, struct str *left, struct str *right)
{
	struct pager *p = pager_of(v);
	size_t n = p->page.lines.n, bottom = p->top + (size_t)p->rows;
	const char *subject = p->message.m.subject;

	const struct part *part = p->section && p->message.root
		? part_find(p->message.root, p->section) : NULL;

	if (part)
		str_printf(left, "%s of ", *part->filename ? part->filename : part->type);
	else if (!p->section)
		str_printf(left, "%s  ", index_name(p->index));
	str_puts(left, subject && *subject ? subject : "(no subject)");
	if (p->message.m.flags & MSG_FLAGGED)
		str_puts(right, "flagged  ");
	if (p->message.id && !(p->message.m.flags & MSG_SEEN))
		str_puts(right, "unread  ");
	if (n <= (size_t)p->rows)
		str_puts(right, "all");
	else if (bottom >= n)
		str_puts(right, "end");
	else
		str_printf(right, "%zu%%", p->top * 100 / n);
}

/* ---- the rest of the view ---- */

/* A header that is shown became the whole message, under the cursor. */
static bool
is_whole_now(struct pager *p)
{
	const struct list_row *r = p->index && pager_is_stray(p)
		? list_cursor(pager_list(p)) : NULL;

	return r && (p->message.m.flags & MSG_HEADER_ONLY) && *r->m->message_id &&
		str_eq(r->m->message_id, p->message.m.message_id);
}

static void
job_done(struct pager *p, const struct event *ev)
{
	char before[sizeof p->page.missing];

	p->job = 0;
	memcpy(before, p->page.missing, sizeof before);
	if (ev->u.done.code == ERR_OK) {
		if (p->command && !p->pipes_text)
			pager_pipe_now(p);
	} else {
		free(p->command);
		p->command = NULL;
		free(p->problem);
		p->problem = ev->u.done.code == ERR_CANCELLED
			? xstrdup("Not fetched; $ tries again")
			: xasprintf("Not fetched: %s; $ tries again", ev->u.done.text);
	}
	/* What came was laid out when it came, which is not done
	 * twice with megabytes of text. */
	if (p->page.is_missing || p->problem || (p->message.m.flags & MSG_HEADER_ONLY))
		read_message(p);
	if (p->page.is_missing && !p->problem && !str_eq(before, p->page.missing))
		pager_fetch_missing(p);
	else if (ev->u.done.code == ERR_OK)
		pager_open_seals(p, false);
	if (p->command && p->pipes_text)
		pager_pipe_now(p);
}

/* What failed before may be had now. */
static bool
is_good_news(const struct event *ev)
{
	return (ev->kind == EV_STATE && ev->u.state.link == LINK_ONLINE) ||
		(ev->kind == EV_DONE && ev->job != 0 && ev->u.done.code == ERR_OK);
}

/* Another process may have brought the text, or changed flags. */
static void
look_around(struct pager *p)
{
	struct arena a = { 0 };
	struct msg m;

	if (p->page.is_missing)
		read_message(p);
	else if (p->id && store_msg(ui_store(p->view.ui), p->id, &a, &m))
		p->message.m.flags = m.flags;
	arena_clear(&a);
}

static void
pager_event(struct view *v, const struct event *ev)
{
	struct pager *p = pager_of(v);

	if ((p->follows_undo && pager_is_stray(p)) || is_whole_now(p))
		pager_follow_cursor(p);
	else if (ev->kind == EV_BODY && ev->u.body.id == p->id && p->page.is_missing)
		read_message(p);
	else if (ev->kind == EV_STORE)
		look_around(p);
	else if (ev->kind == EV_DONE && ev->job == p->job && p->job != 0)
		job_done(p, ev);
	else if (is_good_news(ev) && p->page.is_missing && p->job == 0)
		pager_fetch_missing(p);
	else if (ev->kind == EV_DONE && (p->message.m.flags & MSG_HEADER_ONLY) &&
	    !pager_is_stray(p))
		read_message(p);		/* asked for or not */
	else if (ev->kind == EV_NOTICE && p->index && !pager_is_stray(p))
		read_message(p);
}

static void
pager_shown(struct view *v)
{
	struct pager *p = pager_of(v);

	if (p->index && p->id == 0)
		pager_follow_cursor(p);
	else if (p->message.id == 0 && read_message(p) && p->page.is_missing)
		pager_fetch_missing(p);
}

/* The list below went back to where it was done. */
static void
pager_undone(struct view *v)
{
	struct pager *p = pager_of(v);

	if (!p->index)
		return;
	p->follows_undo = true;
	after_triage(v);
}

static account_id
pager_account(struct view *v)
{
	struct pager *p = pager_of(v);

	return store_folder_account(ui_store(v->ui), msg_folder(p->id));
}

static bool
pager_complete(struct view *v, const struct command *c, const char *text,
	struct completion *out)
{
	if (c->id != CMD_LINK)
		return false;
	links_complete(&pager_of(v)->page.lines, text, out);
	return true;
}

static void
pager_close(struct view *v)
{
	struct pager *p = pager_of(v);

	triage_clear(&p->triage);
	message_clear(&p->message);
	page_clear(&p->page);
	pager_close_seals(p);
	if (p->inside)
		str_wipe(p->inside);
	free(p->inside);
	links_clear(&p->links);
	free(p->section);
	free(p->search);
	free(p->folded);
	free(p->problem);
	free(p->command);
	free(p);
}

static const struct view_ops pager_ops = {
	.bit = V_PAGER,
	.draw = pager_draw,
	.title = pager_title,
	.command = pager_command,
	.event = pager_event,
	.shown = pager_shown,
	.account = pager_account,
	.complete = pager_complete,
	.undone = pager_undone,
	.close = pager_close,
};

static struct pager *
new_pager(struct ui *ui)
{
	struct pager *p = xcalloc(1, sizeof *p);

	p->view.ops = &pager_ops;
	p->view.ui = ui;
	p->is_html = ui_rc(ui)->prefer_html;
	p->folds_quotes = ui_rc(ui)->fold_quoted;
	p->rows = 24;
	return p;
}

struct view *
pager_new(struct ui *ui, struct view *index)
{
	struct pager *p = new_pager(ui);

	p->index = index;
	triage_init(&p->triage, &p->view, index_list(index), after_triage);
	return &p->view;
}

struct view *
pager_new_part(struct ui *ui, msg_id id, const char *section)
{
	struct pager *p = new_pager(ui);

	p->id = id;
	p->section = xstrdup(section);
	return &p->view;
}

struct view *
pager_new_inside(struct ui *ui, const char *bytes, size_t n, const char *section)
{
	struct view *v = pager_new_part(ui, 0, section);
	struct pager *p = pager_of(v);

	p->inside = xcalloc(1, sizeof *p->inside);
	str_add(p->inside, bytes, n);
	return v;
}
