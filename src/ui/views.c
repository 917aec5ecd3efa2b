/* views.c - which views there are to begin with, and how a folder is reached from anywhere.
 *
 * There is one message list, at the bottom of the stack; opening a folder shows it there and
 * takes away what lies above. */
#include <stdlib.h>
#include <string.h>

#include "folders.h"
#include "index.h"
#include "query.h"
#include "store_outbox.h"
#include "view.h"
#include "views.h"
#include "writing.h"

/* ---- the folder that was open last ---- */

/* One a set of accounts: a look at one file (-f) does not change where the others begin. */
static char *
last_name(struct ui *ui)
{
	return xasprintf("folder.last.%u", engine_account(ui_engine(ui), 0));
}

/* By name, since the id goes when the server rebuilds the mailbox. */
static void
keep_last(struct ui *ui, folder_id id)
{
	struct arena a = { 0 };
	struct folder f;
	char *name = last_name(ui), *was = store_value(ui_store(ui), name);
	char *value = NULL;

	if (id == INDEX_ALL_INBOXES)
		value = xstrdup("all");
	else if (store_folder(ui_store(ui), id, &a, &f))
		value = xasprintf("%u %s", f.account, f.wire);

	if (value && !str_eq(value, was))
		ui_remember(ui, name, value);
	free(value);
	free(was);
	free(name);
	arena_clear(&a);
}

/* False: none, or it is gone. */
static bool
find_last(struct ui *ui, folder_id *id)
{
	struct arena a = { 0 };
	struct folder f;
	char *name = last_name(ui), *value = store_value(ui_store(ui), name), *end = NULL;
	bool is_known = str_eq(value, "all");

	*id = INDEX_ALL_INBOXES;
	if (value && !is_known) {
		account_id account = (account_id)strtoul(value, &end, 10);
		is_known = *end == ' ' && engine_rc_account(ui_engine(ui), account) &&
			store_folder_by_wire(ui_store(ui), account, end + 1, &a, &f) &&
			!(f.attrs & FOLDER_GONE);
		*id = is_known ? f.id : 0;
	}
	free(value);
	free(name);
	arena_clear(&a);
	return is_known;
}

void
views_open(struct ui *ui, folder_id folder)
{
	struct view *index = index_find(ui);

	keep_last(ui, folder);
	if (!index) {
		ui_push(ui, index_new(ui, folder, 0));
		return;
	}
	while (ui_top(ui) != index)
		ui_pop(ui, ui_top(ui));
	index_show(index, folder);
}

void
views_folders(struct ui *ui, const struct call *c)
{
	struct view *index = index_find(ui);

	(void)c;
	if (ui_find(ui, V_FOLDERS)) {
		while (ui_top(ui)->ops->bit != V_FOLDERS)
			ui_pop(ui, ui_top(ui));
		return;
	}
	ui_push(ui, folders_new(ui, index ? index_folder(index) : 0));
}

/* ---- by name ---- */

static folder_id
find_in_account(struct ui *ui, account_id account, const char *name)
{
	struct arena a = { 0 };
	struct folder *f;
	size_t n = store_folders(ui_store(ui), account, &a, &f);
	folder_id id = 0;

	/* as written, then whatever the case */
	for (size_t pass = 0; pass < 2 && id == 0; pass++)
		for (size_t i = 0; i < n && id == 0; i++)
			if (pass == 0 ? str_eq(f[i].name, name) : str_ieq(f[i].name, name))
				id = f[i].id;
	arena_clear(&a);
	return id;
}

/* "account/folder", or a folder of the account given, or of the only one. */
static folder_id
find_folder(struct ui *ui, account_id account, const char *name)
{
	const struct rc *rc = ui_rc(ui);
	folder_id id = account ? find_in_account(ui, account, name) : 0;

	for (size_t i = 0; i < rc->n_accounts && id == 0; i++) {
		account_id a = engine_account(ui_engine(ui), i);
		size_t n = strlen(rc->accounts[i].name);
		if (strncmp(rc->accounts[i].name, name, n) == 0 && name[n] == '/')
			id = find_in_account(ui, a, name + n + 1);
		else if (rc->n_accounts == 1)
			id = find_in_account(ui, a, name);
	}
	return id;
}

/* The folder whose name is nearest, for the message; NULL: none is near. */
static char *
nearest_folder(struct ui *ui, account_id account, const char *name)
{
	struct arena a = { 0 };
	struct folder *f;
	size_t n = account ? store_folders(ui_store(ui), account, &a, &f) : 0;
	const char **names = xcalloc(n + 1, sizeof *names);

	for (size_t i = 0; i < n; i++)
		names[i] = f[i].name;
	char *near = xstrdup(nearest_word(name, names));
	free(names);
	arena_clear(&a);
	return near;
}

/* In the account of the view on top first. */
static bool
look_up(struct ui *ui, const char *name, folder_id *id, struct error *e)
{
	struct view *top = ui_top(ui);
	account_id account = top->ops->account ? top->ops->account(top) : 0;

	*id = find_folder(ui, account, name);
	if (*id || str_ieq(name, "All inboxes"))
		return true;
	char *near = nearest_folder(ui, account, name);
	error_set(e, ERR_MSG, near ? "there is no folder '%s' (did you mean '%s'?)"
		: "there is no folder '%s'", name, near);
	free(near);
	return false;
}

/* ---- the next one with unread mail ---- */

static bool
is_waited_for(const struct folder *f)
{
	static const bool is_not[N_ROLES] = { [ROLE_DRAFTS] = true, [ROLE_SENT] = true,
		[ROLE_JUNK] = true, [ROLE_TRASH] = true, [ROLE_ALL] = true,
		[ROLE_FLAGGED] = true };
	uint32_t n = f->uidvalidity ? f->n_unread : f->n_server_unread;

	return n > 0 && !is_not[f->role] && !(f->attrs & FOLDER_NOSELECT);
}

/* In the list of all inboxes theirs are before one's eyes. */
folder_id
views_next_unread(struct ui *ui)
{
	struct view *index = index_find(ui);
	folder_id here = index ? index_folder(index) : INDEX_ALL_INBOXES, first = 0;
	bool is_behind = here == INDEX_ALL_INBOXES;
	const struct rc *rc = ui_rc(ui);

	for (size_t i = 0; i < rc->n_accounts; i++) {
		struct arena a = { 0 };
		struct folder *v;
		folder_id found = 0;
		size_t n = store_folders(ui_store(ui), engine_account(ui_engine(ui), i), &a,
			&v);
		for (size_t k = 0; k < n && !found; k++) {
			bool is_shown = v[k].id == here ||
				(here == INDEX_ALL_INBOXES && v[k].role == ROLE_INBOX);
			if (!is_shown && is_waited_for(&v[k])) {
				first = first ? first : v[k].id;
				found = is_behind ? v[k].id : 0;
			}
			is_behind |= v[k].id == here;
		}
		arena_clear(&a);
		if (found)
			return found;
	}
	return first;
}

bool
views_has_folder(struct ui *ui, const char *name, struct error *e)
{
	folder_id id;

	return look_up(ui, name, &id, e);
}

void
views_folder(struct ui *ui, const struct call *c)
{
	struct error e;
	folder_id id = *c->arg ? 0 : views_next_unread(ui);

	if (*c->arg == '\0' && id == 0)
		ui_status(ui, "there is no unread mail in another folder");
	else if (id)
		views_open(ui, id);
	else if (look_up(ui, c->arg, &id, &e))
		views_open(ui, id ? id : INDEX_ALL_INBOXES);
	else
		ui_status(ui, "%s", e.text);
}

static void
tell_drafts(struct ui *ui)
{
	struct draft_info *v;

	drafting_sweep(ui);
	sending_tidy(ui);
	size_t n = sending_drafts(ui, &v);
	if (n == 1)
		ui_status(ui, "there is a draft: gd shows it");
	else if (n > 1)
		ui_status(ui, "there are %zu drafts: gd shows them", n);
	draft_list_free(v, n);
	uint32_t n_stuck = store_outbox_stuck(ui_store(ui), 0);
	if (n_stuck > 0)
		ui_status(ui, n_stuck == 1 ? "a mail in the outbox needs you: go shows it"
			: "%u mails in the outbox need you: go shows them", n_stuck);
}

/* The folder to begin in; 0 and *account: the inbox of that, as soon as it is known; 0 and 0:
 * all inboxes. */
static folder_id
first_folder(struct ui *ui, const char *start, account_id *account)
{
	const struct rc *rc = ui_rc(ui);
	struct arena a = { 0 };
	struct folder f;
	folder_id id = 0;

	*account = 0;
	if (str_eq(start, "last") && find_last(ui, &id))
		return id;
	bool is_name = start && *start && !str_eq(start, "last") && !str_ieq(start, "inbox");
	if (is_name && (id = find_folder(ui, 0, start)))
		return id;
	if (is_name)
		ui_status(ui, "there is no folder '%s' (yet)", start);
	if (rc->unified || rc->n_accounts == 0)
		return 0;
	*account = engine_account(ui_engine(ui), 0);
	if (store_folder_by_role(ui_store(ui), *account, ROLE_INBOX, &a, &f))
		id = f.id;
	arena_clear(&a);
	return id;
}

void
views_start(struct ui *ui, const struct ui_options *o)
{
	account_id account;
	folder_id id = first_folder(ui, o->start_folder, &account);

	ui_push(ui, index_new(ui, id, account));
	tell_drafts(ui);
	if (o->mailto)
		writing_mailto(ui, o->mailto);
}
