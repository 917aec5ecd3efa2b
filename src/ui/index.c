/* index.c - the view of the message list: which folders, what happens to it.
 *
 * list.c knows the rows and the cursor, index_draw.c draws, index_commands.c carries commands
 * out. The folder is remembered by account and wire name: when the server rebuilt the
 * mailbox, the same name has another id. */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "index_impl.h"

struct list *
index_list(struct view *v)
{
	return index_of(v)->list;
}

bool
index_is_outgoing(const struct view *v)
{
	return ((const struct index *)v)->is_outgoing;
}

folder_id
index_folder(const struct view *v)
{
	return ((const struct index *)v)->folder.id;
}

const char *
index_name(struct view *v)
{
	struct index *x = index_of(v);
	struct arena a = { 0 };
	struct folder f;

	if (x->find.is && store_folder(ui_store(v->ui), msg_folder(list_cursor_id(x->list)),
	    &a, &f)) {
		free(x->name);
		x->name = xstrdup(find_place(v->ui, &f, 40, &a));
	}
	arena_clear(&a);
	return x->name;
}

/* ---- which folders ---- */

/* The inboxes of all accounts; owned. */
static folder_id *
all_inboxes(struct ui *ui, size_t *n)
{
	const struct rc *rc = ui_rc(ui);
	folder_id *ids = xcalloc(rc->n_accounts + 1, sizeof *ids);
	struct folder f;

	*n = 0;
	for (size_t i = 0; i < rc->n_accounts; i++) {
		struct arena a = { 0 };
		if (store_folder_by_role(ui_store(ui), engine_account(ui_engine(ui), i),
		    ROLE_INBOX,
			&a, &f))
			ids[(*n)++] = f.id;
		arena_clear(&a);
	}
	return ids;
}

static void
remember_cursor(struct index *x)
{
	size_t k = x->folder.id % LEN(x->last);

	x->last[k].folder = x->folder.id;
	x->last[k].id = list_cursor_id(x->list);
}

static void
go_back_to_cursor(struct index *x)
{
	size_t k = x->folder.id % LEN(x->last);

	if (x->last[k].id && x->last[k].folder == x->folder.id)
		list_goto(x->list, x->last[k].id);
}

static void
set_name(struct index *x, struct ui *ui)
{
	account_id account = x->waits_for ? x->waits_for : x->folder.account;
	const struct rc_account *rc = engine_rc_account(ui_engine(ui), account);

	const char *name = rc ? rc->name : "?";
	bool is_inbox = x->waits_for || x->folder.role == ROLE_INBOX;

	free(x->name);
	if (x->find.is)
		x->name = xstrdup("Find");
	else if (account == 0)
		x->name = xstrdup("All inboxes");
	else if (is_inbox && (*name == '/' || *name == '~'))
		/* one file (-f): no account of the rc has such a name */
		x->name = xstrdup(name);
	else
		x->name = xasprintf("%s/%s", name, x->waits_for ? "INBOX" : x->folder.name);
}

/* ---- how it is looked at ---- */

/* What the store knows it by: a folder's name, not its id, which goes when the server
 * rebuilds the mailbox. */
static char *
look_name(const struct index *x)
{
	return x->folder.id ? xasprintf("look.%u.%s", x->folder.account, x->folder.wire)
		: xstrdup(x->find.is ? "look.find" : "look.all");
}

/* What is found stands in a row, newest first, unless the person wants it otherwise there. */
static void
default_look(const struct index *x, struct look *k)
{
	look_default(k, ui_rc(x->view.ui));
	if (x->find.is)
		*k = (struct look){ .order = ORDER_DATE };
}

void
index_keep_look(struct index *x)
{
	struct look initial, *k = &x->look;
	struct str text = { 0 };

	if (x->waits_for)
		return;
	default_look(x, &initial);
	k->n_folds = list_folds(x->list, &k->is_all_folded, k->folds, LOOK_FOLDS_MAX);
	look_print(&text, k, &initial);
	if (!str_eq(str_get(&text), x->look_text ? x->look_text : "")) {
		char *name = look_name(x);
		ui_remember(x->view.ui, name, text.len ? str_get(&text) : NULL);
		free(name);
		free(x->look_text);
		x->look_text = str_take(&text);
	}
	str_clear(&text);
}

/* Before the list gets its folders, so that it is read in one order only. */
static void
recall_look(struct index *x, struct ui *ui)
{
	char *name = look_name(x);

	free(x->look_text);
	x->look_text = store_value(ui_store(ui), name);
	default_look(x, &x->look);
	if (x->look_text)
		look_parse(&x->look, x->look_text);
	list_order(x->list, x->look.order, x->look.is_reverse, x->look.has_threads);
	free(name);
}

/* ---- going to a folder ---- */

static void
load_folder(struct index *x, struct ui *ui, folder_id id)
{
	arena_clear(&x->arena);
	x->folder = (struct folder){ 0 };
	list_folders(x->list, NULL, 0);
	if (id != INDEX_ALL_INBOXES && !store_folder(ui_store(ui), id, &x->arena, &x->folder))
		x->folder = (struct folder){ .id = id, .wire = "", .name = "?" };
	recall_look(x, ui);
	if (id == INDEX_ALL_INBOXES && !x->waits_for) {
		size_t n;
		folder_id *ids = all_inboxes(ui, &n);
		list_folders(x->list, ids, n);
		free(ids);
	} else if (id != INDEX_ALL_INBOXES) {
		list_folders(x->list, &id, 1);
	}
	list_set_folds(x->list, x->look.is_all_folded, x->look.folds, x->look.n_folds);
	x->is_outgoing = index_is_of_ours(x->folder.role);
	set_name(x, ui);
}

static void
focus(struct index *x)
{
	const struct source *src = list_source(x->list);
	struct job job = { .kind = JOB_FOCUS };

	if (x->find.is)			/* what one was in goes on being followed */
		return;
	for (size_t i = 0; i < src->n_folders; i++) {
		job.folder = src->folders[i];
		job.account = store_folder_account(ui_store(x->view.ui), job.folder);
		ui_submit(x->view.ui, &job, NULL);
	}
}

void
index_show(struct view *v, folder_id folder)
{
	struct index *x = index_of(v);

	remember_cursor(x);
	index_keep_look(x);
	index_ask_no_more(x);
	x->waits_for = 0;
	load_folder(x, v->ui, folder);
	go_back_to_cursor(x);
	focus(x);
	ui_redraw(v->ui);
}

/* Counts may have changed; and what was rebuilt on the server has another id. */
static void
reread_folder(struct index *x)
{
	struct ui *ui = x->view.ui;
	struct arena a = { 0 };
	struct folder f;
	size_t n;

	if (x->find.is) {
		find_reread(x);
		return;
	}
	if (x->waits_for) {
		if (store_folder_by_role(ui_store(ui), x->waits_for, ROLE_INBOX, &a, &f))
			index_show(&x->view, f.id);
		arena_clear(&a);
		return;
	}
	if (x->folder.id == 0) {
		folder_id *ids = all_inboxes(ui, &n);
		const struct source *src = list_source(x->list);
		if (n != src->n_folders ||
		    (n > 0 && memcmp(ids, src->folders, n * sizeof *ids) != 0)) {
			list_folders(x->list, ids, n);
			focus(x);
		}
		free(ids);
		return;
	}
	if (!store_folder_by_wire(ui_store(ui), x->folder.account, x->folder.wire, &a, &f)) {
		arena_clear(&a);
		return;
	}
	if (f.id != x->folder.id) {
		list_folders(x->list, &f.id, 1);
		x->folder = f;
		focus(x);
	}
	x->folder = f;
	arena_clear(&x->arena);
	x->arena = a;
	set_name(x, ui);
}

/* ---- the rest of the view ---- */

/* In a list over all folders: while fifty of them are read anew, events come by the hundred,
 * and each would cost a look at all folders. They are noted, and looked at once there is time.
 * True: it was one of them. */
static bool
find_noted(struct index *x, const struct event *ev)
{
	bool is_row = ev->kind == EV_FOLDER;
	bool is_ours = is_row ? source_has_folder(list_source(x->list), ev->u.folder.id)
		: ev->kind == EV_FOLDERS || ev->kind == EV_STORE || ev->kind == EV_NOTICE;

	if (!x->find.is || !is_ours)
		return false;
	x->find.is_stale = true;
	if (is_row)
		list_mark(x->list, ev->u.folder.id);
	if (is_row && ev->u.folder.n_new > 0)
		index_ask_again(x, ev->u.folder.id);
	return true;
}

static void
index_event(struct view *v, const struct event *ev)
{
	struct index *x = index_of(v);

	piping_event(&x->piping, v, ev);
	if (find_noted(x, ev))
		return;
	switch (ev->kind) {
	case EV_FOLDERS:
		reread_folder(x);
		break;
	case EV_FOLDER:
		if (!source_has_folder(list_source(x->list), ev->u.folder.id))
			return;
		reread_folder(x);
		list_refresh(x->list);
		if (ev->u.folder.n_new > 0)
			index_ask_again(x, ev->u.folder.id);
		break;
	case EV_NOTICE:			/* a refused action: its rows are back */
		list_refresh(x->list);
		break;
	case EV_STORE:
		reread_folder(x);
		list_refresh(x->list);
		break;
	case EV_DONE:
		index_answered(x, ev->job, ev->u.done.code);
		break;
	default:
		return;
	}
	ui_redraw(v->ui);
}

static bool
index_idle(struct view *v)
{
	struct index *x = index_of(v);
	bool changed = x->find.is_stale;

	if (x->find.is_stale) {
		x->find.is_stale = false;
		find_reread(x);
		list_refresh(x->list);
	}
	bool more = list_idle(x->list, &changed);
	if (changed) {
		enum list_search state = list_search_state(x->list);
		if (state != SEARCH_NONE && state != SEARCH_GOING)
			index_tell_search(x, state);
		ui_redraw(v->ui);
	}
	return more;
}

static void
index_shown(struct view *v)
{
	struct index *x = index_of(v);

	reread_folder(x);
	list_refresh(x->list);
	focus(x);
}

static void
index_undone(struct view *v)
{
	list_return(index_of(v)->list);
	reread_folder(index_of(v));
}

static account_id
index_account(struct view *v)
{
	return index_of(v)->folder.account;
}

static const char *
index_initial(struct view *v, const struct command *c)
{
	struct index *x = index_of(v);

	if (c->id == CMD_LIMIT || (c->id == CMD_FIND && x->find.is))
		return list_limit_text(x->list);
	return NULL;
}

static bool
index_complete(struct view *v, const struct command *c, const char *text,
	struct completion *out)
{
	struct index *x = index_of(v);
	account_id account = triage_account(&x->triage);

	if (c->id == CMD_MOVE || c->id == CMD_COPY) {
		ui_complete_destinations(v->ui, account, text, out);
		return true;
	}
	if (c->id != CMD_SEARCH)
		return false;
	ui_complete_query(v->ui, text, out);
	return true;
}

/* q takes the limit away first: it was put on the folder, the folder was not entered with it.
 * Fingers of mutt leave by it, limit or not. */
static bool
index_back(struct view *v)
{
	struct index *x = index_of(v);

	if (x->find.is || !list_limit_text(x->list) || str_eq(ui_rc(v->ui)->keymap, "mutt"))
		return false;
	index_limit(x, "");
	ui_status(v->ui, "all messages again");
	return true;
}

static void
index_click(struct view *v, int y, int x)
{
	struct index *ix = index_of(v);
	msg_id was = list_cursor_id(ix->list);

	(void)x;
	list_click(ix->list, (size_t)y);
	if (list_cursor_id(ix->list) == was)	/* a second click opens */
		index_open(ix);
	ui_redraw(v->ui);
}

static void
index_close(struct view *v)
{
	struct index *x = index_of(v);

	index_keep_look(x);
	index_ask_no_more(x);
	piping_clear(&x->piping);
	triage_clear(&x->triage);
	list_free(x->list);
	arena_clear(&x->arena);
	free(x->name);
	free(x->search);
	free(x->look_text);
	free(x->find.unread);
	idset_clear(&x->find.read);
	free(x);
}

static void
index_sync(struct view *v)
{
	if (index_of(v)->find.is)
		find_sync(index_of(v));
}

static const struct view_ops index_ops = {
	.bit = V_INDEX,
	.draw = index_draw,
	.title = index_title,
	.command = index_command,
	.event = index_event,
	.idle = index_idle,
	.shown = index_shown,
	.account = index_account,
	.initial = index_initial,
	.complete = index_complete,
	.undone = index_undone,
	.sync = index_sync,
	.back = index_back,
	.click = index_click,
	.close = index_close,
};

static void
nothing(struct view *v)
{
	(void)v;
}

struct view *
index_find(struct ui *ui)
{
	struct view *v = ui_find(ui, V_INDEX);

	while (index_is_find(v))
		v = index_of(v)->find.home;
	return v && v->ops == &index_ops ? v : NULL;
}

bool
index_is_find(const struct view *v)
{
	return v && v->ops == &index_ops && ((const struct index *)v)->find.is;
}

static struct index *
new_empty(struct ui *ui)
{
	struct index *x = xcalloc(1, sizeof *x);

	x->view.ops = &index_ops;
	x->view.ui = ui;
	x->list = list_new(ui_store(ui));
	triage_init(&x->triage, &x->view, x->list, nothing);
	return x;
}

struct view *
index_new_find(struct ui *ui, account_id first)
{
	struct index *x = new_empty(ui);

	x->find.is = true;
	x->find.first = first;
	x->find.home = index_find(ui);
	recall_look(x, ui);
	set_name(x, ui);
	return &x->view;
}

struct view *
index_new(struct ui *ui, folder_id folder, account_id account)
{
	struct index *x = new_empty(ui);

	x->waits_for = folder == INDEX_ALL_INBOXES ? account : 0;
	load_folder(x, ui, folder);
	return &x->view;
}
