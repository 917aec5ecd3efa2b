/* actions.c - the commands of the frame itself. */
#include "actions.h"
#include "find.h"
#include "frame.h"
#include "resend.h"
#include "str.h"
#include "views.h"
#include "work.h"
#include "writing.h"

static void
yes_quit(void *ctx)
{
	ui_quit(ctx);
}

static void
quit(struct ui *ui, const struct call *c)
{
	const struct work *w = work_to_ask_for(ui);

	(void)c;
	if (resend_waiting(ui) > 0)
		ui_confirm(ui, NULL,
			"Mail to be resent is being fetched still. Leave, and not send it?",
			yes_quit, ui);
	else if (w)
		ui_confirm(ui, NULL, w->question ? w->question
			: "A message is being built still. Leave? It stays a draft", yes_quit,
			ui);
	else
		ui_quit(ui);
}

static void
go_back(struct ui *ui, const struct call *c)
{
	struct view *v = ui_top(ui);

	if (v->ops->back && v->ops->back(v))
		return;
	if (ui->n_stack == 1)
		quit(ui, c);
	else
		ui_pop(ui, v);
}

static void
help(struct ui *ui, const struct call *c)
{
	struct view *v = ui_top(ui);

	(void)c;
	if (v->ops->bit != V_HELP)
		ui_push(ui, help_new(ui, v->ops->bit));
}

static void
messages(struct ui *ui, const struct call *c)
{
	(void)c;
	if (ui_top(ui)->ops->bit != V_MESSAGES)
		ui_push(ui, messages_new());
}

static void
command(struct ui *ui, const struct call *c)
{
	(void)c;
	ask_command(ui);
}

static void
tell_undone(struct ui *ui, const char *label)
{
	for (size_t i = 0; i < ui->n_stack; i++) {
		struct view *v = ui->stack[i];
		if (v->ops->undone)
			v->ops->undone(v);
	}
	ui_status(ui, "taken back: %s", label);
}

static void
undo(struct ui *ui, const struct call *c)
{
	char label[200];
	struct error e;

	(void)c;
	if (sending_take_back(ui) || drafting_take_back(ui))
		return;
	if (engine_undo(ui->engine, label, sizeof label, &e) == ERR_OK) {
		ui->sent.acts_since -= ui->sent.acts_since > 0;
		drafting_acted(ui, -1);
		tell_undone(ui, label);
	} else if (e.code == ERR_UNSUPPORTED)
		ui_status(ui, "%s", e.text);
	else
		ui_error(ui, &e);
}

static void
compose(struct ui *ui, const struct call *c)
{
	writing_new(ui, c->arg);
}

static void
drafts(struct ui *ui, const struct call *c)
{
	(void)c;
	if (ui_top(ui)->ops->bit != V_DRAFTS)
		ui_push(ui, draft_list_new(ui));
}

static void
outbox(struct ui *ui, const struct call *c)
{
	(void)c;
	if (ui_top(ui)->ops->bit != V_OUTBOX)
		ui_push(ui, outbox_new(ui));
}

static void
tagged(struct ui *ui, const struct call *c)
{
	(void)c;
	ui->on_tagged = true;
}

/* The account of the view on top, or all. */
static void
each_account(struct ui *ui, void (*f)(struct ui *ui, account_id id))
{
	struct view *v = ui_top(ui);
	account_id only = v->ops->account ? v->ops->account(v) : 0;

	for (size_t i = 0; i < ui->n_accounts; i++) {
		if (only == 0 || only == ui->accounts[i].id)
			f(ui, ui->accounts[i].id);
	}
}

static void
sync_account(struct ui *ui, account_id id)
{
	engine_reconnect(ui->engine, id);
	ui_submit(ui, &(struct job){ .kind = JOB_SYNC, .account = id }, "synchronising");
}

static void
sync_now(struct ui *ui, const struct call *c)
{
	struct view *v = ui_top(ui);

	(void)c;
	each_account(ui, sync_account);
	if (v->ops->sync)
		v->ops->sync(v);
}

static void
reconnect_account(struct ui *ui, account_id id)
{
	engine_reconnect(ui->engine, id);
}

static void
reconnect(struct ui *ui, const struct call *c)
{
	(void)c;
	each_account(ui, reconnect_account);
}

static void
cancel(struct ui *ui, const struct call *c)
{
	struct view *v = ui_top(ui);

	if (status_cancel(ui))
		ui_status(ui, "cancelled");
	else if (!c->on_tagged)
		v->ops->command(v, c);
}

static void
redraw(struct ui *ui, const struct call *c)
{
	(void)c;
	grid_mark_damaged(&ui->grid);
	ui->term->ops->enter(ui->term);
}

static void
suspend(struct ui *ui, const struct call *c)
{
	(void)c;
	ui_suspend(ui);
}

static const struct {
	enum command_id id;
	void (*run)(struct ui *ui, const struct call *c);
} actions[] = {
	{ CMD_BACK, go_back }, { CMD_QUIT, quit }, { CMD_HELP, help },
	{ CMD_MESSAGES, messages }, { CMD_COMMAND, command }, { CMD_UNDO, undo },
	{ CMD_TAGGED, tagged }, { CMD_SYNC, sync_now }, { CMD_RECONNECT, reconnect },
	{ CMD_CANCEL, cancel }, { CMD_REDRAW, redraw }, { CMD_SUSPEND, suspend },
	{ CMD_FOLDERS, views_folders }, { CMD_FOLDER, views_folder }, { CMD_COMPOSE, compose },
	{ CMD_DRAFTS, drafts }, { CMD_OUTBOX, outbox }, { CMD_FIND, find_command },
};

bool
action_run(struct ui *ui, const struct call *c)
{
	for (size_t i = 0; i < LEN(actions); i++) {
		if (actions[i].id == c->cmd->id) {
			actions[i].run(ui, c);
			return true;
		}
	}
	return false;
}
