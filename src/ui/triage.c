/* triage.c - deleting, moving, flagging: each is one engine_act, after which the list is
 * read again, so that what was decided is on the screen in the same frame.
 *
 * What cannot be undone is asked first, and only that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triage.h"

void
triage_init(struct triage *t, struct view *v, struct list *l, void (*done)(struct view *v))
{
	*t = (struct triage){ .view = v, .list = l, .done = done };
}

static void
forget(struct triage *t)
{
	free(t->ids);
	free(t->dest);
	t->ids = NULL;
	t->dest = NULL;
	t->n = 0;
}

void
triage_clear(struct triage *t)
{
	forget(t);
}

const char *
plural(char buf[32], size_t n, const char *noun)
{
	snprintf(buf, 32, "%zu %s%s", n, noun, n == 1 ? "" : "s");
	return buf;
}

/* Does what is in t->act to t->ids. */
static bool
carry_out(struct triage *t, struct error *e)
{
	t->act.dest = t->dest;
	list_leave(t->list);
	bool ok = ui_act(t->view->ui, &t->act, t->ids, t->n, e);
	if (ok) {
		if (t->is_tagged && t->act.kind != ACT_FLAGS && t->act.kind != ACT_COPY)
			list_untag_all(t->list);
		list_refresh(t->list);
		t->done(t->view);
		ui_redraw(t->view->ui);
	} else {
		list_stay(t->list);
	}
	return ok;
}

static void
act_and_forget(struct triage *t)
{
	carry_out(t, NULL);
	forget(t);
}

static void
yes_act(void *ctx)
{
	act_and_forget(ctx);
}

static bool
is_trash(struct triage *t, folder_id id)
{
	struct arena a = { 0 };
	struct folder f;
	bool is = store_folder(ui_store(t->view->ui), id, &a, &f) && f.role == ROLE_TRASH;

	arena_clear(&a);
	return is;
}

/* Of those tagged in a list of many folders some may be in Trash already: they stay there,
 * since what ends for good is asked about alone. True: all are. */
static bool
leave_trash_out(struct triage *t)
{
	struct { folder_id id; bool is; } seen[64] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		folder_id folder = msg_folder(t->ids[i]);
		size_t k = folder % LEN(seen);
		if (seen[k].id != folder) {
			seen[k].id = folder;
			seen[k].is = is_trash(t, folder);
		}
		if (!seen[k].is)
			t->ids[n++] = t->ids[i];
	}
	if (n == 0)
		return true;
	t->n = n;
	return false;
}

static void
ask_for_good(struct triage *t)
{
	char question[100], count[32];

	t->act = (struct act){ .kind = ACT_EXPUNGE };
	snprintf(question, sizeof question, "Delete %s for good? This cannot be undone.",
		plural(count, t->n, "message"));
	ui_confirm(t->view->ui, t->view, question, yes_act, t);
}

static void
delete(struct triage *t)
{
	struct error e = { 0 };

	t->act = (struct act){ .kind = ACT_DELETE };
	if (leave_trash_out(t)) {
		ask_for_good(t);
		return;
	}
	if (!carry_out(t, &e)) {
		if (e.code == ERR_UNSUPPORTED && (engine_caps(ui_engine(t->view->ui),
			store_folder_account(ui_store(t->view->ui),
			msg_folder(t->ids[0]))) & NEEDS_DELETE)) {
			ask_for_good(t);
			return;
		}
		ui_error(t->view->ui, &e);
	}
	forget(t);
}

/* ---- flags ---- */

static bool
all_have(const struct triage *t, uint32_t flag)
{
	bool all = true;

	for (size_t i = 0; i < t->n && all; i++) {
		struct arena a = { 0 };
		struct msg m;
		if (store_msg(ui_store(t->view->ui), t->ids[i], &a, &m))
			all = (m.flags & flag) != 0;
		arena_clear(&a);
	}
	return all;
}

static void
toggle(struct triage *t, uint32_t flag)
{
	t->act = (struct act){ .kind = ACT_FLAGS };
	if (all_have(t, flag))
		t->act.clear = flag;
	else
		t->act.set = flag;
	act_and_forget(t);
}

void
triage_mark_read(struct triage *t, msg_id *ids, size_t n)
{
	forget(t);
	t->ids = ids;
	t->n = n;
	t->is_tagged = false;
	t->act = (struct act){ .kind = ACT_FLAGS, .set = MSG_SEEN };
	if (n > 0)
		act_and_forget(t);
	else
		ui_status(t->view->ui, "no unread messages here");
}

/* ---- moving ---- */

/* `account`, where all are of it, else 0. They may be all of a large folder, and this be
 * asked at each key. */
static account_id
if_common(const struct store *s, account_id account, const msg_id *ids, size_t n)
{
	folder_id seen = 0;

	for (size_t i = 0; i < n; i++) {
		if (msg_folder(ids[i]) == seen)
			continue;
		seen = msg_folder(ids[i]);
		if (store_folder_account(s, seen) != account)
			return 0;
	}
	return account;
}

static account_id
account_of(const struct triage *t)
{
	const struct store *s = ui_store(t->view->ui);

	return if_common(s, store_folder_account(s, msg_folder(t->ids[0])), t->ids, t->n);
}

account_id
triage_account(const struct triage *t)
{
	const struct store *s = ui_store(t->view->ui);
	size_t n;
	msg_id *ids = list_targets(t->list, true, &n);
	account_id account = if_common(s, store_folder_account(s,
		msg_folder(list_cursor_id(t->list))), ids, n);

	free(ids);
	return account;
}

static bool
has_folder(const struct triage *t, account_id account, const char *name)
{
	struct arena a = { 0 };
	struct folder *f;
	size_t n = store_folders(ui_store(t->view->ui), account, &a, &f);
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found |= str_eq(f[i].name, name) && !(f[i].attrs & FOLDER_NOSELECT);
	arena_clear(&a);
	return found;
}

static void
yes_create(void *ctx)
{
	struct triage *t = ctx;
	struct act create = { .kind = ACT_FOLDER_CREATE, .account = t->account,
		.dest = t->dest };

	if (ui_act(t->view->ui, &create, NULL, 0, NULL))
		carry_out(t, NULL);
	forget(t);
}

/* In a list of several accounts a folder is named with its account before it. */
static const char *
strip_account(const struct triage *t, const char *name, account_id account)
{
	const struct rc_account *rc = engine_rc_account(ui_engine(t->view->ui), account);
	size_t n = rc ? strlen(rc->name) : 0;

	return rc && strncmp(name, rc->name, n) == 0 && name[n] == '/' ? name + n + 1 : name;
}

static void
move_to(struct triage *t, enum act_kind kind, const char *name)
{
	account_id other;
	account_id account = account_of(t);
	struct ui *ui = t->view->ui;

	const char *elsewhere = account && !has_folder(t, account, name)
		? ui_find_elsewhere(ui, name, account, &other) : NULL;
	if (elsewhere) {
		t->act = (struct act){ .kind = kind, .account = other };
		t->account = other;
		t->dest = xstrdup(elsewhere);
		act_and_forget(t);
		return;
	}
	if (account == 0) {
		ui_status(ui, "these are of several accounts: move those of one at a time");
		forget(t);
		return;
	}
	t->act = (struct act){ .kind = kind };
	t->account = account;
	t->dest = xstrdup(has_folder(t, account, name) ? name
		: strip_account(t, name, account));
	if (has_folder(t, account, t->dest)) {
		act_and_forget(t);
		return;
	}
	if (!(engine_caps(ui_engine(ui), account) & NEEDS_FOLDERS)) {
		ui_status(ui, "there is no folder '%s'", t->dest);
		forget(t);
		return;
	}
	char *question = xasprintf("There is no folder '%s'. Make it?", t->dest);
	ui_confirm(ui, t->view, question, yes_create, t);
	free(question);
}

/* Enter alone: where it went last. */
static void
move(struct triage *t, enum act_kind kind, const char *name)
{
	struct ui *ui = t->view->ui;
	account_id account = account_of(t), other;
	char *to = xstrdup(*name ? name : ui_last_destination(ui, t->view));

	if (!to) {
		forget(t);
		return;
	}
	if (account && (has_folder(t, account, to) ||
	    ui_find_elsewhere(ui, to, account, &other)))
		ui_went_to(ui, account, to);
	move_to(t, kind, to);
	free(to);
}

static void
to_role(struct triage *t, enum folder_role role)
{
	struct arena a = { 0 };
	struct folder f;
	account_id account = account_of(t);

	if (account && store_folder_by_role(ui_store(t->view->ui), account, role, &a, &f)) {
		t->act = (struct act){ .kind = ACT_MOVE };
		t->dest = xstrdup(f.name);
		act_and_forget(t);
	} else if (account) {
		move_to(t, ACT_MOVE, folder_role_name(role));
	} else {
		ui_status(t->view->ui,
			"these are of several accounts: take those of one at a time");
		forget(t);
	}
	arena_clear(&a);
}

/* ---- Trash ---- */

static void
yes_empty(void *ctx)
{
	struct triage *t = ctx;
	struct act act = { .kind = ACT_EMPTY_TRASH, .account = t->account,
		.folder = t->folder };

	if (ui_act(t->view->ui, &act, NULL, 0, NULL) && t->list)
		list_refresh(t->list);
	t->done(t->view);
	ui_redraw(t->view->ui);
}

void
triage_empty_trash(struct triage *t, account_id account)
{
	struct arena a = { 0 };
	struct folder f;
	struct ui *ui = t->view->ui;
	char question[100], count[32];

	if (account == 0) {
		ui_status(ui, "of which account? Choose its Trash in the list of folders");
	} else if (!store_folder_by_role(ui_store(ui), account, ROLE_TRASH, &a, &f)) {
		ui_status(ui, "this account has no Trash");
	} else if (f.n_msgs == 0 && f.n_server == 0) {
		ui_status(ui, "the Trash is empty");
	} else {
		t->account = account;
		t->folder = f.id;
		uint32_t n = f.n_msgs > f.n_server ? f.n_msgs : f.n_server;
		snprintf(question, sizeof question, "Delete all in Trash (%s) for good?",
			plural(count, n, "message"));
		ui_confirm(ui, t->view, question, yes_empty, t);
	}
	arena_clear(&a);
}

/* ---- the whole of what is only a header ---- */

static void
download(struct triage *t)
{
	struct ui *ui = t->view->ui;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct arena a = { 0 };
		struct msg m;
		struct job job = { .kind = JOB_DOWNLOAD, .msg = t->ids[i] };
		bool is_header = store_msg(ui_store(ui), t->ids[i], &a, &m) &&
			(m.flags & MSG_HEADER_ONLY);
		arena_clear(&a);
		if (is_header && ui_submit(ui, &job, "downloading the message"))
			n++;
	}
	if (n == 0)
		ui_status(ui, t->n == 1 ? "this message is here as a whole"
			: "these messages are here as a whole");
	forget(t);
}

/* ---- commands ---- */

static bool
is_triage(enum command_id id)
{
	switch (id) {
	case CMD_DELETE: case CMD_PURGE: case CMD_ARCHIVE: case CMD_MOVE: case CMD_COPY:
	case CMD_FLAG: case CMD_READ: case CMD_JUNK: case CMD_DOWNLOAD:
		return true;
	default:
		return false;
	}
}

/* What the command is about, in t->ids. False: nothing, and it was said. */
static bool
take_targets(struct triage *t, bool tagged)
{
	forget(t);
	t->ids = list_targets(t->list, tagged, &t->n);
	t->is_tagged = tagged;
	if (t->n > 0)
		return true;
	ui_status(t->view->ui,
		tagged ? "nothing is tagged: t tags a message" : "no message here");
	forget(t);
	return false;
}

bool
triage_command(struct triage *t, const struct call *c)
{
	enum command_id id = c->cmd->id;

	if (!is_triage(id))
		return false;
	if (!take_targets(t, c->on_tagged))
		return true;
	switch (id) {
	case CMD_DELETE: delete(t); break;
	case CMD_PURGE: ask_for_good(t); break;
	case CMD_FLAG: toggle(t, MSG_FLAGGED); break;
	case CMD_READ: toggle(t, MSG_SEEN); break;
	case CMD_MOVE: move(t, ACT_MOVE, c->arg); break;
	case CMD_COPY: move(t, ACT_COPY, c->arg); break;
	case CMD_JUNK: to_role(t, ROLE_JUNK); break;
	case CMD_DOWNLOAD: download(t); break;
	default:
		t->act = (struct act){ .kind = ACT_ARCHIVE };
		act_and_forget(t);
	}
	return true;
}
