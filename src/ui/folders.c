/* folders.c - the list of folders on the screen. The cursor is kept by folder (or account),
 * not by row, so that it stays through new folders and folding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "folders.h"
#include "page.h"
#include "store_outbox.h"
#include "triage.h"
#include "tree.h"
#include "utf8.h"
#include "views.h"

static const char folds_name[] = "folders.folds";

struct folders {
	struct view view;
	struct tree tree;
	struct triage triage;		/* for emptying Trash */
	size_t cursor, top;
	int height;
	char *search, *folded;
	char *initial;
	struct act act;			/* waits for an answer */
};

static struct folders *
folders_of(struct view *v)
{
	return (struct folders *)v;
}

static const struct tree_row *
row_here(const struct folders *x)
{
	return x->tree.n > 0 ? &x->tree.rows[x->cursor] : NULL;
}

static const struct folder *
folder_here(const struct folders *x)
{
	const struct tree_row *r = row_here(x);

	return r ? r->folder : NULL;
}

/* ---- reading ---- */

/* What a row stands for, over a new reading. */
static uint64_t
key_of(const struct tree_row *r)
{
	return !r || r->kind == TREE_ALL_INBOXES ? 0
		: r->kind == TREE_ACCOUNT ? tree_account_key(r->account) : r->folder->id;
}

static void
put_cursor(struct folders *x, uint64_t key, size_t otherwise)
{
	x->cursor = otherwise < x->tree.n ? otherwise : x->tree.n > 0 ? x->tree.n - 1 : 0;
	for (size_t i = 0; i < x->tree.n; i++)
		if (key_of(&x->tree.rows[i]) == key)
			x->cursor = i;
}

static void
read_folders(struct folders *x)
{
	struct engine *g = ui_engine(x->view.ui);
	const struct rc *rc = ui_rc(x->view.ui);
	uint64_t key = key_of(row_here(x));

	tree_begin(&x->tree);
	if (rc->n_accounts > 1 || rc->unified)
		tree_add_all_inboxes(&x->tree);
	for (size_t i = 0; i < rc->n_accounts; i++)
		tree_add_account(&x->tree, ui_store(x->view.ui), engine_account(g, i),
			rc->accounts[i].name);
	tree_end(&x->tree);
	put_cursor(x, key, x->cursor);
	ui_redraw(x->view.ui);
}

/* ---- drawing ---- */

/* Unread in front of all, in columns of their own. */
static void
draw_counts(const struct area *a, int y, const struct tree_row *r)
{
	char number[16];

	if (r->kind == TREE_ACCOUNT && !r->is_folded)
		return;
	if (r->n_unread > 0) {
		snprintf(number, sizeof number, "%u", r->n_unread);
		area_put_right(a, y, a->columns - 16, 7, ST_UNREAD, number);
	}
	snprintf(number, sizeof number, "%u", r->n_msgs);
	area_put_right(a, y, a->columns - 8, 7, ST_COUNT, number);
}

static enum style
row_style(const struct tree_row *r)
{
	if (r->kind == TREE_ACCOUNT)
		return ST_ACCOUNT;
	if (r->folder && r->folder->attrs & FOLDER_NOSELECT)
		return ST_DIM;
	return r->n_unread > 0 ? ST_UNREAD : ST_FOLDER;
}

static void
draw_row(const struct folders *x, const struct area *a, int y, const struct tree_row *r)
{
	bool is_top = r->kind == TREE_ACCOUNT || r->kind == TREE_ALL_INBOXES;
	int indent = is_top ? 0 : 2 + 2 * r->depth;
	int room = a->columns - 17, from = 0, to;

	if (indent > room - 12)
		indent = room > 12 ? room - 12 : 0;
	if (r->has_children)
		area_put(a, y, indent, 2, ST_THREAD, r->is_folded ? "▸" : "▾");
	int used = area_put(a, y, indent + 2, room - indent - 2, row_style(r), r->name);
	if (r->folder && r->folder->role != ROLE_NONE && a->columns >= 60 &&
	    !str_ieq(folder_role_name(r->folder->role), r->name))
		area_put(a, y, indent + 2 + used + 2, room - indent - used - 4, ST_DIM,
			folder_role_name(r->folder->role));
	if (!r->folder || !(r->folder->attrs & FOLDER_NOSELECT))
		draw_counts(a, y, r);
	if (x->folded && page_match(r->name, x->folded, &from, &to))
		area_over(a, y, indent + 2 + from, to - from, ST_MATCH);
}

/* Below the folders, where there is room: mail that is not in any of them yet. */
static void
draw_foot(const struct folders *x, const struct area *a)
{
	struct ui *ui = x->view.ui;
	uint32_t n = store_outbox_waiting(ui_store(ui), 0) + store_outbox_stuck(ui_store(ui),
		0);
	int y = (int)x->tree.n + 1;
	struct str s = { 0 };

	if (y >= a->rows)
		return;
	ui_key_of(ui, V_FOLDERS, CMD_DRAFTS, &s);
	str_puts(&s, " drafts   ");
	ui_key_of(ui, V_FOLDERS, CMD_OUTBOX, &s);
	str_puts(&s, " outbox");
	if (n > 0)
		str_printf(&s, ": %u", n);
	area_put(a, y, 2, -1, n > 0 ? ST_NORMAL : ST_DIM, str_get(&s));
	str_clear(&s);
}

static void
folders_draw(struct view *v, const struct area *a)
{
	struct folders *x = folders_of(v);
	size_t h = (size_t)a->rows;

	x->height = a->rows;
	if (x->tree.n == 0) {
		area_put(a, a->rows / 3, 2, -1, ST_NORMAL,
			"There is no account yet: `dunlin setup` makes one");
		return;
	}
	if (x->cursor < x->top)
		x->top = x->cursor;
	if (x->cursor >= x->top + h)
		x->top = x->cursor + 1 - h;
	if (x->top + h > x->tree.n)
		x->top = x->tree.n > h ? x->tree.n - h : 0;
	for (size_t y = 0; y < h && x->top + y < x->tree.n; y++) {
		draw_row(x, a, (int)y, &x->tree.rows[x->top + y]);
		if (x->top + y == x->cursor)
			area_over(a, (int)y, 0, -1, ST_CURSOR);
	}
	draw_foot(x, a);
}

static void
folders_title(struct view *v, struct str *left, struct str *right)
{
	struct folders *x = folders_of(v);

	(void)x;
	str_puts(left, "Folders");
	str_puts(right, "unread     all");
}

/* ---- commands ---- */

static void
toggle_fold(struct folders *x)
{
	uint64_t key = key_of(row_here(x));
	struct str text = { 0 };

	if (idset_has(&x->tree.folds, key))
		idset_remove(&x->tree.folds, key);
	else
		idset_add(&x->tree.folds, key);
	tree_print_folds(&x->tree, &text);
	ui_remember(x->view.ui, folds_name, text.len ? str_get(&text) : NULL);
	str_clear(&text);
	read_folders(x);
}

static void
open_row(struct folders *x)
{
	const struct tree_row *r = row_here(x);

	if (!r)
		return;
	if (r->kind == TREE_ACCOUNT || (r->folder && r->folder->attrs & FOLDER_NOSELECT))
		toggle_fold(x);
	else
		views_open(x->view.ui, r->folder ? r->folder->id : 0);
}

static void
fold(struct folders *x)
{
	const struct tree_row *r = row_here(x);

	if (r && r->has_children)
		toggle_fold(x);
	else
		ui_status(x->view.ui, "nothing is below this");
}

static void
move(struct folders *x, long by)
{
	long to = (long)x->cursor + by, last = (long)x->tree.n - 1;

	x->cursor = to < 0 || last < 0 ? 0 : (size_t)(to > last ? last : to);
}

/* The next row, round the end, for which is() holds. */
static bool
seek(struct folders *x, bool back, bool (*is)(const struct folders *, const struct tree_row *))
{
	size_t n = x->tree.n;

	for (size_t k = 1; k <= n; k++) {
		size_t i = (x->cursor + (back ? n - k : k)) % n;
		if (is(x, &x->tree.rows[i])) {
			x->cursor = i;
			return true;
		}
	}
	return false;
}

static bool
has_unread(const struct folders *x, const struct tree_row *r)
{
	(void)x;
	return r->kind == TREE_FOLDER && r->n_unread > 0;
}

static bool
has_name(const struct folders *x, const struct tree_row *r)
{
	return text_contains(r->name, x->folded);
}

static void
search(struct folders *x, bool back)
{
	if (!x->folded)
		ui_status(x->view.ui, "nothing was searched for yet: / searches");
	else if (!seek(x, back, has_name))
		ui_status(x->view.ui, "no folder is called '%s'", x->search);
}

static void
set_search(struct folders *x, const char *text)
{
	free(x->search);
	free(x->folded);
	x->search = *text ? xstrdup(text) : NULL;
	x->folded = *text ? text_fold(text) : NULL;
}

static void
escape(struct folders *x)
{
	if (x->search)
		set_search(x, "");
	else
		ui_stop_download(x->view.ui, x->view.ops->account(&x->view));
}

static void
create(struct folders *x, const char *name)
{
	const struct tree_row *r = row_here(x);
	struct act act = { .kind = ACT_FOLDER_CREATE, .account = r ? r->account : 0,
		.dest = name };

	if (*name == '\0')
		return;
	if (act.account == 0)
		ui_status(x->view.ui, "in which account? Go to one of its folders first");
	else if (ui_act(x->view.ui, &act, NULL, 0, NULL))
		read_folders(x);
}

static bool
is_changeable(struct folders *x, const struct folder *f)
{
	if (!f)
		ui_status(x->view.ui, "this is not a folder");
	else if (f->role == ROLE_INBOX)
		ui_status(x->view.ui, "the inbox stays as it is");
	return f && f->role != ROLE_INBOX;
}

static void
rename_folder(struct folders *x, const char *name)
{
	const struct folder *f = folder_here(x);

	if (*name == '\0' || !is_changeable(x, f) || str_eq(name, f->name))
		return;
	struct act act = { .kind = ACT_FOLDER_RENAME, .account = f->account, .folder = f->id,
		.dest = name };
	if (ui_act(x->view.ui, &act, NULL, 0, NULL))
		read_folders(x);
}

static void
yes_delete(void *ctx)
{
	struct folders *x = ctx;

	if (ui_act(x->view.ui, &x->act, NULL, 0, NULL))
		read_folders(x);
}

static void
delete_folder(struct folders *x)
{
	const struct folder *f = folder_here(x);
	char count[32];

	if (!is_changeable(x, f))
		return;
	uint32_t n = f->n_msgs > f->n_server ? f->n_msgs : f->n_server;
	x->act = (struct act){ .kind = ACT_FOLDER_DELETE, .account = f->account,
		.folder = f->id };
	char *question = n == 0 ? xasprintf("Delete the empty folder '%s'?", f->name)
		: xasprintf("Delete '%s' with %s in it for good?", f->name,
			plural(count, n, "message"));
	ui_confirm(x->view.ui, &x->view, question, yes_delete, x);
	free(question);
}

static bool
move_command(struct folders *x, const struct call *c)
{
	switch (c->cmd->id) {
	case CMD_DOWN: move(x, 1); return true;
	case CMD_UP: move(x, -1); return true;
	case CMD_PAGE_DOWN: move(x, x->height); return true;
	case CMD_PAGE_UP: move(x, -x->height); return true;
	case CMD_HALF_DOWN: move(x, x->height / 2); return true;
	case CMD_HALF_UP: move(x, -x->height / 2); return true;
	case CMD_FIRST: x->cursor = 0; return true;
	case CMD_LAST: move(x, (long)x->tree.n); return true;
	case CMD_SEARCH: set_search(x, c->arg); search(x, false); return true;
	case CMD_SEARCH_NEXT: search(x, false); return true;
	case CMD_SEARCH_PREVIOUS: search(x, true); return true;
	case CMD_CANCEL: escape(x); return true;
	default: return false;
	}
}

static void
next_unread(struct folders *x, bool back)
{
	if (x->tree.n == 0 || !seek(x, back, has_unread))
		ui_status(x->view.ui, "no folder has unread messages");
}

static void
folders_command(struct view *v, const struct call *c)
{
	struct folders *x = folders_of(v);
	const struct tree_row *r = row_here(x);

	ui_redraw(v->ui);
	if (move_command(x, c))
		return;
	switch (c->cmd->id) {
	case CMD_NEXT_UNREAD: next_unread(x, false); break;
	case CMD_PREVIOUS_UNREAD: next_unread(x, true); break;
	case CMD_OPEN: open_row(x); break;
	case CMD_FOLD: fold(x); break;
	case CMD_CREATE_FOLDER: create(x, c->arg); break;
	case CMD_RENAME_FOLDER: rename_folder(x, c->arg); break;
	case CMD_DELETE_FOLDER: delete_folder(x); break;
	case CMD_EMPTY_TRASH: triage_empty_trash(&x->triage, r ? r->account : 0); break;
	default: break;
	}
}

/* ---- the rest of the view ---- */

static void
folders_event(struct view *v, const struct event *ev)
{
	if (ev->kind == EV_FOLDERS || ev->kind == EV_FOLDER || ev->kind == EV_NOTICE ||
	    ev->kind == EV_STORE)
		read_folders(folders_of(v));
}

static void
folders_shown(struct view *v)
{
	read_folders(folders_of(v));
}

static account_id
folders_account(struct view *v)
{
	const struct tree_row *r = row_here(folders_of(v));

	return r ? r->account : 0;
}

/* A new folder is proposed beside the one under the cursor, a new name begins as the old. */
static const char *
folders_initial(struct view *v, const struct command *c)
{
	struct folders *x = folders_of(v);
	const struct folder *f = folder_here(x);
	const char *slash;

	free(x->initial);
	x->initial = NULL;
	if (f && c->id == CMD_RENAME_FOLDER)
		x->initial = xstrdup(f->name);
	else if (f && c->id == CMD_CREATE_FOLDER && (slash = strrchr(f->name, '/')))
		x->initial = xstrndup(f->name, (size_t)(slash + 1 - f->name));
	return x->initial;
}

static void
folders_click(struct view *v, int y, int column)
{
	struct folders *x = folders_of(v);
	size_t k = x->top + (size_t)y;

	(void)column;
	if (k >= x->tree.n)
		return;
	if (k == x->cursor)
		open_row(x);
	else
		x->cursor = k;
	ui_redraw(v->ui);
}

static void
folders_close(struct view *v)
{
	struct folders *x = folders_of(v);

	triage_clear(&x->triage);
	tree_clear(&x->tree);
	set_search(x, "");
	free(x->initial);
	free(x);
}

static const struct view_ops folders_ops = {
	.bit = V_FOLDERS,
	.draw = folders_draw,
	.title = folders_title,
	.command = folders_command,
	.event = folders_event,
	.shown = folders_shown,
	.account = folders_account,
	.initial = folders_initial,
	.undone = folders_shown,
	.click = folders_click,
	.close = folders_close,
};

struct view *
folders_new(struct ui *ui, folder_id folder)
{
	struct folders *x = xcalloc(1, sizeof *x);
	struct folder f;

	x->view.ops = &folders_ops;
	x->view.ui = ui;
	triage_init(&x->triage, &x->view, NULL, folders_shown);
	char *folds = store_value(ui_store(ui), folds_name);
	tree_parse_folds(&x->tree, folds ? folds : "");
	free(folds);
	read_folders(x);
	size_t row = folder && store_folder(ui_store(ui), folder, &x->tree.arena, &f)
		? tree_nearest(&x->tree, &f) : 0;
	put_cursor(x, folder, row);
	return &x->view;
}
