/* writing.c - ways into the compose view. What an answer quotes must be here first: the view
 * is pushed at once, waits for the fetch, and is filled when its job has ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gather.h"
#include "identity.h"
#include "partial.h"
#include "recipients.h"
#include "reply.h"
#include "resend.h"
#include "sealing.h"
#include "signature.h"
#include "writing.h"

/* ---- a draft of one's own ---- */

bool
compose_begin_draft(struct compose *x)
{
	struct error e;

	if (!ui_data_dir(x->view.ui))
		error_set(&e, ERR_LOCAL, "there is no place for drafts");
	else if (draft_new(ui_data_dir(x->view.ui), &x->id, &x->lock, &e) == ERR_OK)
		return true;
	ui_error(x->view.ui, &e);
	return false;
}

bool
compose_begin_new(struct compose *x)
{
	bool is = compose_begin_draft(x);

	if (!is)
		x->view.ops->close(&x->view);
	return is;
}

static void
set_from(struct compose *x, account_id account)
{
	struct arena a = { 0 };
	size_t n;
	const char **mine = identity_all(x->view.ui, account, &a, &n);

	if (!x->note.from && n > 0)
		note_set(&x->note.from, mine[0]);
	free(mine);
	arena_clear(&a);
}

void
compose_sign(struct compose *x)
{
	char *signature = signature_of(x->view.ui, note_get(x->note.from), true);

	signature_add(&x->note.text, signature);
	free(signature);
}

static account_id
account_here(struct ui *ui)
{
	struct view *v = ui_top(ui);

	return v && v->ops->account ? v->ops->account(v) : 0;
}

static void
start(struct compose *x, account_id account)
{
	set_from(x, account);
	sealing_defaults(x);
	if (x->wish != CMD_EDIT_AS_NEW)		/* that has one already, or wants none */
		compose_sign(x);
	compose_save(x);
}

void
compose_begun(struct compose *x, bool edits)
{
	struct ui *ui = x->view.ui;

	x->wish = 0;
	x->edits_next = edits;
	compose_changed(x);
	if (ui_top(ui) == &x->view)
		x->view.ops->shown(&x->view);
}

static void
subject_typed(void *ctx, const char *text)
{
	struct compose *x = ctx;

	if (!text)
		return;
	note_set(&x->note.subject, text);
	compose_changed(x);
	compose_edit(x);
}

void
writing_new(struct ui *ui, const char *to)
{
	struct compose *x = compose_new(ui);
	account_id account = account_here(ui);

	if (!compose_begin_new(x))
		return;
	start(x, account);
	ui_push(ui, &x->view);
	if (to && *to) {
		struct call c = { command_at(CMD_TO), to, false };
		x->view.ops->command(&x->view, &c);
	}
	ui_prompt(ui, &x->view, &(struct prompt_spec){ .kind = PROMPT_TEXT,
		.label = " Subject: ", .done = subject_typed, .ctx = x });
}

void
writing_mailto(struct ui *ui, const char *url)
{
	struct compose *x = compose_new(ui);
	struct error e;

	if (reply_mailto(&x->note, url, &e) != ERR_OK) {
		ui_error(ui, &e);
		x->view.ops->close(&x->view);
	} else if (compose_begin_new(x)) {
		start(x, account_here(ui));	/* the person sees first what the link wants */
		ui_push(ui, &x->view);
	}
}

void
writing_prepared(struct ui *ui, struct note *n, const char *name, const char *type,
	struct str *bytes)
{
	struct compose *x = compose_new(ui);
	account_id account = account_here(ui);

	x->note = *n;
	*n = (struct note){ 0 };
	if (!compose_begin_new(x))
		return;
	start(x, account);
	ui_push(ui, &x->view);
	attach_bytes(x, bytes, name, type);
}

struct compose *
writing_resume(struct ui *ui, draft_id id)
{
	struct compose *x = compose_new(ui);
	const char *dir = ui_data_dir(ui);
	struct error e;

	if (draft_take(dir, id, &x->lock, &e) != ERR_OK ||
	    draft_load(dir, id, &x->note, &e) != ERR_OK) {
		ui_error(ui, &e);
		x->view.ops->close(&x->view);
		return NULL;
	}
	x->id = id;
	compose_save(x);
	if (x->is_saved)
		draft_editor_end(dir, id);	/* its text is in the draft now */
	drafting_opened(x);
	ui_push(ui, &x->view);
	return x;
}

/* ---- something to be attached ---- */

struct compose *
writing_last_draft(struct ui *ui, bool *is_there)
{
	struct draft_info *v;
	size_t n = sending_drafts(ui, &v);
	draft_id id = n > 0 ? v[0].id : 0;

	draft_list_free(v, n);
	*is_there = id != 0;
	return id ? writing_resume(ui, id) : NULL;
}

void
writing_attach(struct ui *ui, const char *name, const char *type, struct str *bytes)
{
	bool is_there;
	account_id account = account_here(ui);
	struct compose *x = writing_last_draft(ui, &is_there);

	if (!x && is_there)
		return;				/* why was told */
	if (!x) {
		x = compose_new(ui);
		if (!compose_begin_new(x))
			return;
		start(x, account);
		ui_push(ui, &x->view);
	}
	attach_bytes(x, bytes, name, type);
}

/* ---- about a message ---- */

static enum reply_kind
kind_of(enum command_id what)
{
	switch (what) {
	case CMD_REPLY_ALL:
		return REPLY_ALL;
	case CMD_REPLY_LIST:
		return REPLY_LIST;
	case CMD_FORWARD:
		return REPLY_FORWARD;
	case CMD_EDIT_AS_NEW:
		return REPLY_EDIT;
	case CMD_OPEN:
		return REPLY_RESUME;
	default:
		return REPLY_SENDER;
	}
}

static void
fetch(struct compose *x)
{
	struct job job = { .kind = JOB_FETCH, .msg = x->about, .folder = msg_folder(x->about),
		.account = store_folder_account(ui_store(x->view.ui), msg_folder(x->about)) };

	if (!gather_attachments(x->wish) && !gather_needs_whole(x->view.ui, x->about))
		snprintf(job.section, sizeof job.section, "TEXT*");
	x->job = ui_submit(x->view.ui, &job, "fetching the message");
}

static void
gathered(struct compose *x, const struct gathered *g)
{
	account_id account = store_folder_account(ui_store(x->view.ui), msg_folder(x->about));
	enum command_id what = x->wish;
	struct error e;

	x->note.about = x->note.about_flag ? x->about : 0;
	if (what != CMD_OPEN) {
		start(x, account);
	} else if (!drafting_import(x, x->about, g->message_id, g->is_richer, &e)) {
		ui_error(x->view.ui, &e);
		ui_pop(x->view.ui, &x->view);
		return;
	}
	if (g->is_locked)
		ui_notice(x->view.ui,
			"nothing is quoted: it could not be opened without asking you");
	compose_begun(x, what != CMD_OPEN);
}

void
compose_fill(struct compose *x)
{
	struct ui *ui = x->view.ui;
	struct error e;

	/* What it consists of was not known before. */
	if (!gather_is_here(ui, x->about, x->wish) && !x->was_fetched) {
		x->was_fetched = true;
		fetch(x);
		return;
	}
	if (gather_attachments(x->wish) && partial_check_id(ui, x->about, &e) != ERR_OK)
		ui_error(ui, &e);
	else if (compose_begin_draft(x)) {
		gather_begin(x, kind_of(x->wish), gathered);
		return;
	}
	ui_pop(ui, &x->view);
}

void
writing_about(struct ui *ui, enum command_id what, msg_id id)
{
	struct compose *x = compose_new(ui);

	x->wish = what;
	x->about = id;
	ui_push(ui, &x->view);
	if (gather_is_here(ui, id, what))
		compose_fill(x);
	else
		fetch(x);
}

/* What the command is about: the tagged ones, or the one. Owned. */
static msg_id *
targets(const struct call *c, msg_id id, const struct list *l, size_t *n)
{
	if (c->on_tagged && l)
		return list_targets(l, true, n);
	msg_id *one = xcalloc(1, sizeof *one);
	*one = id;
	*n = id != 0;
	return one;
}

static bool
is_about_mail(enum command_id id)
{
	switch (id) {
	case CMD_REPLY: case CMD_REPLY_ALL: case CMD_REPLY_LIST: case CMD_FORWARD:
	case CMD_FORWARD_ATTACHED: case CMD_EDIT_AS_NEW: case CMD_BOUNCE: case CMD_ALIAS:
	case CMD_ATTACH_HERE:
		return true;
	default:
		return false;
	}
}

bool
writing_command(struct view *v, const struct call *c, msg_id id, const struct list *l)
{
	struct ui *ui = v->ui;
	size_t n;

	if (c->cmd->id == CMD_UNALIAS) {
		recipients_unname(ui, c->arg);
		return true;
	}
	if (!is_about_mail(c->cmd->id))
		return false;
	msg_id *ids = targets(c, id, l, &n);
	if (n == 0)
		ui_status(ui,
			c->on_tagged
			? "nothing is tagged: t tags a message" : "no message here");
	else if (c->cmd->id == CMD_BOUNCE)
		resend_ask(ui, v, ids, n, c->arg);
	else if (c->cmd->id == CMD_FORWARD_ATTACHED || (c->cmd->id == CMD_FORWARD && n > 1))
		forward_whole(ui, ids, n);
	else if (c->cmd->id == CMD_ATTACH_HERE)
		forward_to_draft(ui, ids, n);
	else if (n > 1)
		ui_status(ui, "one message at a time");
	else if (c->cmd->id == CMD_ALIAS)
		recipients_name(ui, v, ids[0]);
	else
		writing_about(ui, c->cmd->id, ids[0]);
	free(ids);
	return true;
}
