/* index_commands.c - commands on the message list: searching, how the list looks, moving in
 * it; what is done to messages is triage.c's and writing.c's. */
#include <stdlib.h>

#include "find.h"
#include "index_impl.h"
#include "pager.h"
#include "parts.h"
#include "writing.h"

/* ---- searching ---- */

void
index_tell_search(struct index *x, enum list_search state)
{
	struct ui *ui = x->view.ui;
	char count[32];
	msg_id *ids;
	size_t n;

	switch (state) {
	case SEARCH_FOUND:
		ui_status(ui, "%s", "");	/* no longer searching */
		break;
	case SEARCH_WRAPPED:
		ui_status(ui, "went round the end of the list");
		break;
	case SEARCH_FAILED:
		if (x->search)
			ui_status(ui, "nothing fits '%s'", x->search);
		else
			ui_status(ui, "no unread messages here");
		break;
	case SEARCH_TAGGED:
		n = list_n_tagged(x->list);
		ui_status(ui,
			n > x->n_tagged ? "%s tagged" : n ? "nothing more fits: %s tagged"
			: "nothing fits", plural(count, n, "message"));
		break;
	case SEARCH_COLLECTED:
		ids = list_collected(x->list, &n);
		triage_mark_read(&x->triage, ids, n);
		break;
	case SEARCH_GOING:
		ui_status(ui, "searching ... Esc stops");
		break;
	default:
		break;
	}
	ui_redraw(ui);
}

static void
set_search(struct index *x, const char *text)
{
	char *copy = xstrdup(text);

	free(x->search);
	x->search = copy;
}

void
index_search(struct index *x, const char *text)
{
	struct error e = { 0 };

	if (list_search(x->list, text, ui_now(x->view.ui), false, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		return;
	}
	set_search(x, text);
	index_tell_search(x, list_search_state(x->list));
}

static void
search(struct index *x, const char *text)
{
	if (*text != '\0' && !index_ask(x, text, ASKED_SEARCH))
		index_search(x, text);
}

static void
search_again(struct index *x, bool back)
{
	enum list_search state = list_search_again(x->list, back);

	if (state == SEARCH_NONE)
		ui_status(x->view.ui, "nothing was searched for yet: / searches");
	else
		index_tell_search(x, state);
}

static void
next_unread(struct index *x, bool back)
{
	char *kept = x->search;

	x->search = NULL;
	index_tell_search(x, list_unread(x->list, back));
	x->search = kept;
}

void
index_tag_query(struct index *x, const char *text)
{
	struct error e = { 0 };

	x->n_tagged = list_n_tagged(x->list);
	if (list_tag_query(x->list, text, ui_now(x->view.ui), &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	else
		index_tell_search(x, list_search_state(x->list));
}

static void
tag_query(struct index *x, const char *text)
{
	if (!index_ask(x, text, ASKED_TAG))
		index_tag_query(x, text);
}

/* ---- how the list looks ---- */

void
index_limit(struct index *x, const char *text)
{
	struct error e = { 0 };

	if (str_eq(text, "all"))
		text = "";
	if (x->find.is)
		find_show(x, text);
	else if (list_limit(x->list, text, ui_now(x->view.ui), &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	else
		index_ask(x, text, ASKED_LIMIT);
}

static void
apply_look(struct index *x)
{
	list_order(x->list, x->look.order, x->look.is_reverse, x->look.has_threads);
	index_keep_look(x);
}

static void
sort(struct index *x, const char *text)
{
	if (look_parse_order(&x->look, text))
		apply_look(x);
	else
		ui_status(x->view.ui, "%s", look_order_help);
}

static void
toggle_threads(struct index *x)
{
	x->look.has_threads = !x->look.has_threads;
	apply_look(x);
	ui_status(x->view.ui, x->look.has_threads ? "threads" : "no threads: a flat list");
}

static void
fold(struct index *x, bool all)
{
	if (!source_is_threaded(list_source(x->list)))
		ui_status(x->view.ui, "this list has no threads: gt makes some");
	else if (all)
		list_fold_all(x->list);
	else
		list_fold(x->list);
}

/* ---- commands ---- */

static void
show_parts(struct index *x)
{
	msg_id id = list_open(x->list);

	if (id)
		ui_push(x->view.ui, parts_new(x->view.ui, id));
	else
		ui_status(x->view.ui, "no message here");
}

static void
pipe_messages(struct index *x, const struct call *c)
{
	size_t n;
	msg_id *ids = list_targets(x->list, c->on_tagged, &n);

	if (n > 0)
		piping_begin(&x->piping, &x->view, ids, n, c->cmd->id == CMD_PIPE_TEXT,
			c->arg);
	else
		ui_status(x->view.ui, c->on_tagged ? "nothing is tagged: t tags a message"
			: "no message here");
	free(ids);
}

void
index_open(struct index *x)
{
	msg_id id = list_open(x->list);

	if (id && writing_open_draft(x->view.ui, id))
		return;
	if (id)
		ui_push(x->view.ui, pager_new(x->view.ui, &x->view));
	else
		ui_status(x->view.ui, "no message here");
}

/* The query is why one is here: q leaves. */
static void
find_escape(struct index *x)
{
	if (list_source(x->list)->is_gathering) {
		list_stop_gathering(x->list);
		ui_status(x->view.ui, "stopped: what is older was not looked at");
	}
}

/* Esc takes away one thing after another: a search under way, tags, the limit, a
 * download. */
static void
escape(struct index *x)
{
	if (x->asked == ASKED_SEARCH || x->asked == ASKED_TAG) {
		index_ask_no_more(x);
		ui_status(x->view.ui, "stopped");
	} else if (list_is_busy(x->list) && !list_source(x->list)->is_gathering) {
		list_stop(x->list);
		ui_status(x->view.ui, "stopped");
	} else if (list_n_tagged(x->list) > 0) {
		list_untag_all(x->list);
	} else if (x->find.is) {
		find_escape(x);
	} else if (list_limit_text(x->list)) {
		index_limit(x, "");
	} else {
		ui_stop_download(x->view.ui, x->view.ops->account(&x->view));
	}
}

static bool
move_command(struct index *x, enum command_id id)
{
	struct list *l = x->list;

	switch (id) {
	case CMD_DOWN: list_move(l, 1); return true;
	case CMD_UP: list_move(l, -1); return true;
	case CMD_PAGE_DOWN: list_page(l, 2); return true;
	case CMD_PAGE_UP: list_page(l, -2); return true;
	case CMD_HALF_DOWN: list_page(l, 1); return true;
	case CMD_HALF_UP: list_page(l, -1); return true;
	case CMD_FIRST: list_first(l); return true;
	case CMD_LAST: list_last(l); return true;
	case CMD_NEXT_THREAD: list_thread(l, false); return true;
	case CMD_PREVIOUS_THREAD: list_thread(l, true); return true;
	case CMD_NEXT_UNREAD: next_unread(x, false); return true;
	case CMD_PREVIOUS_UNREAD: next_unread(x, true); return true;
	case CMD_SEARCH_NEXT: search_again(x, false); return true;
	case CMD_SEARCH_PREVIOUS: search_again(x, true); return true;
	default: return false;
	}
}

static void
other_command(struct index *x, const struct call *c)
{
	struct list *l = x->list;

	switch (c->cmd->id) {
	case CMD_OPEN: index_open(x); break;
	case CMD_SEARCH: search(x, c->arg); break;
	case CMD_LIMIT: index_limit(x, c->arg); break;
	case CMD_SORT: sort(x, c->arg); break;
	case CMD_THREADS: toggle_threads(x); break;
	case CMD_FOLD: fold(x, false); break;
	case CMD_FOLD_ALL: fold(x, true); break;
	case CMD_TAG: list_tag(l); list_move(l, 1); break;
	case CMD_TAG_THREAD: list_tag_thread(l); list_thread(l, false); break;
	case CMD_TAG_QUERY: tag_query(x, c->arg); break;
	case CMD_READ_ALL:
		list_collect_unread(l);
		index_tell_search(x, list_search_state(l));
		break;
	case CMD_UNTAG_ALL: list_untag_all(l); break;
	case CMD_CANCEL: escape(x); break;
	case CMD_EMPTY_TRASH: triage_empty_trash(&x->triage, x->folder.account); break;
	case CMD_PIPE: case CMD_PIPE_TEXT: pipe_messages(x, c); break;
	case CMD_PARTS: show_parts(x); break;
	default: break;
	}
}

/* Fingers of mutt count on F and N going on to the next message, as t
 * does; undo comes back. */
static void
move_on(struct index *x, const struct call *c)
{
	bool is_mutt = str_eq(ui_rc(x->view.ui)->keymap, "mutt");

	if (is_mutt && !c->on_tagged && (c->cmd->id == CMD_FLAG || c->cmd->id == CMD_READ))
		list_move(x->list, 1);
}

void
index_command(struct view *v, const struct call *c)
{
	struct index *x = index_of(v);

	if (triage_command(&x->triage, c))
		move_on(x, c);
	else if (!move_command(x, c->cmd->id) &&
	    !writing_command(v, c, list_cursor_id(x->list), x->list))
		other_command(x, c);
	ui_redraw(v->ui);
}
