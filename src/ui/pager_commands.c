/* pager_commands.c - commands on the message that is read: moving in it and on to the next,
 * searching, piping, links; what is done to messages is triage.c's and writing.c's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "outfile.h"
#include "pager_impl.h"
#include "partial.h"
#include "parts.h"
#include "path.h"
#include "utf8.h"
#include "writing.h"

/* ---- moving ---- */

static void
scroll(struct pager *p, long lines)
{
	size_t end = pager_last_top(p);

	if (lines < 0)
		p->top -= (size_t)-lines < p->top ? (size_t)-lines : p->top;
	else
		p->top = p->top + (size_t)lines < end ? p->top + (size_t)lines : end;
}

static long
page_lines(const struct pager *p)
{
	int keep = ui_rc(p->view.ui)->page_context;

	return p->rows - keep > 1 ? p->rows - keep : 1;
}

static void
go(struct pager *p, bool back)
{
	if (!p->index) {
		ui_status(p->view.ui, "this is one part; q goes back to the message");
		return;
	}
	if (list_move(pager_list(p), back ? -1 : 1))
		pager_follow_cursor(p);
	else
		ui_status(p->view.ui,
			back ? "this is the first message" : "this is the last message");
}

static void
go_unread(struct pager *p, bool back)
{
	if (!p->index)
		return;
	enum list_search state = list_unread(pager_list(p), back);
	if (state == SEARCH_FOUND || state == SEARCH_WRAPPED)
		pager_follow_cursor(p);
	else if (state == SEARCH_FAILED)
		ui_status(p->view.ui, "no unread messages here");
}

/* A page on; at the end of the message to the next one. */
static void
read_on(struct pager *p)
{
	if (p->top < pager_last_top(p))
		scroll(p, page_lines(p));
	else
		go(p, false);
}

static void
skip_quoted(struct pager *p)
{
	size_t line = page_skip_quoted(&p->page,
		p->top < p->page.body ? p->page.body : p->top);

	if (line >= p->page.lines.n)
		ui_status(p->view.ui, "nothing follows the quoted text");
	else
		scroll(p, (long)line - (long)p->top);
}

/* ---- search ---- */

static void
show_quoted(struct pager *p, bool folded)
{
	p->folds_quotes = folded;
	pager_lay_out(p, p->columns);
}

static void
find(struct pager *p, size_t from, bool back)
{
	if (!p->folded) {
		ui_status(p->view.ui, "nothing was searched for yet: / searches");
		return;
	}
	/* what is folded may have it */
	if (p->folds_quotes && page_find(&p->page, (size_t)-1, false, p->folded) ==
	    p->page.lines.n)
		show_quoted(p, false);
	size_t n = p->page.lines.n, at = page_find(&p->page, from, back, p->folded);
	if (at == n) {
		at = back ? page_find(&p->page, n, true, p->folded)
			: page_find(&p->page, (size_t)-1, false, p->folded);
		if (at < n)
			ui_status(p->view.ui, "went round the end of the message");
	}
	if (at == n) {
		ui_status(p->view.ui, "'%s' is not in this message", p->search);
		return;
	}
	p->found = at;
	if (at < p->top || at >= p->top + (size_t)p->rows)
		p->top = at > (size_t)p->rows / 3 ? at - (size_t)p->rows / 3 : 0;
}

static void
search(struct pager *p, const char *text)
{
	free(p->search);
	free(p->folded);
	p->search = *text ? xstrdup(text) : NULL;
	p->folded = *text ? text_fold(text) : NULL;
	if (p->folded)
		find(p, p->top > 0 ? p->top - 1 : (size_t)-1, false);
}

/* ---- doing something with it ---- */

static void
forget_command(struct pager *p)
{
	free(p->command);
	p->command = NULL;
}

/* What is on the screen, its lines whole: also what was decrypted, and what is folded. */
static void
pipe_text_now(struct pager *p)
{
	bool is_folded = p->folds_quotes;
	struct str text = { 0 };
	struct outfile to;
	struct error e;

	if (is_folded)
		show_quoted(p, false);
	lines_text(&text, &p->page.lines);
	if (is_folded)
		show_quoted(p, true);
	if (outfile_unnamed(&to, text.len, &e) != ERR_OK ||
	    fd_write_all(to.fd, str_get(&text), text.len, &e) != ERR_OK ||
	    outfile_commit(&to, &e) != ERR_OK)
		ui_error(p->view.ui, &e);
	else if (!ui_run_shell(p->view.ui, p->command, to.fd, true))
		ui_status(p->view.ui, "'%s' failed", p->command);
	outfile_abort(&to);
	str_wipe(&text);
	forget_command(p);
}

void
pager_pipe_now(struct pager *p)
{
	struct error e;
	int fd = -1;

	if (p->pipes_text) {
		if (!p->page.is_missing)
			pipe_text_now(p);
		return;
	}
	if (partial_check_id(p->view.ui, p->id, &e) != ERR_OK)
		ui_error(p->view.ui, &e);
	else if ((fd = store_body(ui_store(p->view.ui), p->id, "", NULL)) >= 0 &&
	    !ui_run_shell(p->view.ui, p->command, fd, true))
		ui_status(p->view.ui, "'%s' failed", p->command);
	if (fd >= 0)
		close(fd);
	forget_command(p);
}

/* Pressed before the text is there, it is done when that comes. */
static void
pipe_text(struct pager *p, const char *command)
{
	if (*command == '\0')
		return;
	forget_command(p);
	p->command = xstrdup(command);
	p->pipes_text = true;
	if (p->page.is_missing && !p->job)
		pager_fetch_missing(p);
	pager_pipe_now(p);
}

static void
pipe_message(struct pager *p, const char *command)
{
	if (*command == '\0')
		return;
	forget_command(p);
	p->command = xstrdup(command);
	p->pipes_text = false;
	if (store_has_body(ui_store(p->view.ui), p->id, "", NULL))
		pager_pipe_now(p);
	else
		pager_fetch(p, "", "fetching the whole message");
}

/* Pressed before the message is there, it is about what will come. */
static void
toggle_html(struct pager *p)
{
	if (p->page.has_parts && (!p->page.has_html || !p->page.has_plain)) {
		ui_status(p->view.ui,
			p->page.has_html
			? "there is no plain text beside the HTML"
			: "this message has no HTML");
		return;
	}
	p->is_html = !p->is_html;
	p->top = 0;
	pager_lay_out(p, p->columns);
	if (p->page.is_missing && p->page.has_parts)
		pager_fetch_missing(p);
}

static void
toggle_headers(struct pager *p)
{
	p->all_headers = !p->all_headers;
	p->top = 0;
	pager_lay_out(p, p->columns);
}

/* The line at the top stays there, or the one that stands for it. */
static void
toggle_quoted(struct pager *p)
{
	show_quoted(p, !p->folds_quotes);
	ui_status(p->view.ui, p->folds_quotes ? "quoted text is folded"
		: "quoted text is shown");
}

/* Of what was decrypted those inside: the wrapping is of no use to a person. */
static void
show_parts(struct pager *p)
{
	const struct opened *content = opened_content(p->opened);

	for (size_t i = 0; p->opened && !content && i < p->opened->n; i++)
		content = p->opened->v[i].inside;
	ui_push(p->view.ui, content ? parts_new_inside(p->view.ui, p->id, content)
		: parts_new(p->view.ui, p->id));
}

/* ---- commands ---- */

static bool
move_command(struct pager *p, enum command_id id)
{
	switch (id) {
	case CMD_DOWN: scroll(p, 1); return true;
	case CMD_UP: scroll(p, -1); return true;
	case CMD_PAGE_DOWN: scroll(p, page_lines(p)); return true;
	case CMD_PAGE_UP: scroll(p, -page_lines(p)); return true;
	case CMD_HALF_DOWN: scroll(p, p->rows / 2); return true;
	case CMD_HALF_UP: scroll(p, -p->rows / 2); return true;
	case CMD_FIRST: p->top = 0; return true;
	case CMD_LAST: p->top = pager_last_top(p); return true;
	case CMD_READ_ON: read_on(p); return true;
	case CMD_NEXT_MESSAGE: go(p, false); return true;
	case CMD_PREVIOUS_MESSAGE: go(p, true); return true;
	case CMD_NEXT_UNREAD: go_unread(p, false); return true;
	case CMD_PREVIOUS_UNREAD: go_unread(p, true); return true;
	case CMD_SEARCH_NEXT: find(p, p->found, false); return true;
	case CMD_SEARCH_PREVIOUS: find(p, p->found, true); return true;
	case CMD_SKIP_QUOTED: skip_quoted(p); return true;
	default: return false;
	}
}

static void
other_command(struct pager *p, const struct call *c)
{
	switch (c->cmd->id) {
	case CMD_SEARCH: search(p, c->arg); break;
	case CMD_HEADERS: toggle_headers(p); break;
	case CMD_HTML: toggle_html(p); break;
	case CMD_FOLD_QUOTED: toggle_quoted(p); break;
	case CMD_PARTS: show_parts(p); break;
	case CMD_DECRYPT: pager_open_seals(p, true); break;
	case CMD_PIPE: pipe_message(p, c->arg); break;
	case CMD_PIPE_TEXT: pipe_text(p, c->arg); break;
	case CMD_LINK: links_ask(&p->links, &p->view, &p->page.lines, c->arg); break;
	case CMD_INVITATION: invitation_ask(p); break;
	case CMD_UNSUBSCRIBE: unsubscribe_ask(p); break;
	case CMD_CANCEL: search(p, ""); break;
	default: break;
	}
}

void
pager_command(struct view *v, const struct call *c)
{
	struct pager *p = pager_of(v);

	ui_redraw(v->ui);
	if (move_command(p, c->cmd->id))
		return;
	if (p->index && c->cmd->needs && pager_is_stray(p)) {
		ui_status(v->ui, "that message is gone; this is the next one");
		pager_follow_cursor(p);
		return;
	}
	if ((!p->index || !triage_command(&p->triage, c)) &&
	    !writing_command(v, c, p->id, p->index ? p->triage.list : NULL))
		other_command(p, c);
}
