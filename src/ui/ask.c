/* ask.c - prompts of views and of the frame.
 *
 * One prompt at a time; its answer is copied out before `done` runs, since that may open
 * the next. */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "frame.h"
#include "index.h"
#include "lookup.h"
#include "str.h"
#include "views.h"
#include "when.h"

static void
close_prompt(struct ui *ui)
{
	prompt_close(&ui->prompt);
	lookup_stop(ui);
	ui->is_asking = false;
	ui->prompt_owner = NULL;
	ui_redraw(ui);
}

void
ui_prompt(struct ui *ui, struct view *owner, const struct prompt_spec *spec)
{
	if (ui->is_asking)
		close_prompt(ui);
	prompt_open(&ui->prompt, spec, &ui->history);
	ui->is_asking = true;
	ui->prompt_owner = owner;
	ui_redraw(ui);
}

void
ask_drop(struct ui *ui, const struct view *owner)
{
	if (ui->is_asking && ui->prompt_owner == owner)
		close_prompt(ui);
}

void
ask_key(struct ui *ui, uint32_t key)
{
	enum prompt_result r = prompt_key(&ui->prompt, key);

	status_clear(ui);
	ui_redraw(ui);
	if (r == PROMPT_MORE)
		return;
	void (*done)(void *ctx, const char *text) = ui->prompt.spec.done;
	void *ctx = ui->prompt.spec.ctx;
	bool is_secret = ui->prompt.spec.kind == PROMPT_PASSWORD;
	char *text = r == PROMPT_DONE ? xstrdup(prompt_text(&ui->prompt)) : NULL;
	close_prompt(ui);
	done(ctx, text);
	if (is_secret)
		secret_free(text);
	else
		free(text);
}

/* ---- yes or no ---- */

static void
confirmed(void *ctx, const char *text)
{
	struct ui *ui = ctx;

	if (text)
		ui->yes(ui->yes_ctx);
}

void
ui_confirm(struct ui *ui, struct view *owner, const char *question, void (*yes)(void *ctx),
	void *ctx)
{
	char *label = xasprintf(" %s", question);

	ui->yes = yes;
	ui->yes_ctx = ctx;
	ui_prompt(ui, owner, &(struct prompt_spec){ .kind = PROMPT_CONFIRM, .label = label,
		.done = confirmed, .ctx = ui });
	free(label);
}

static void
chose(void *ctx, const char *text)
{
	struct ui *ui = ctx;

	if (text)
		ui->chosen(ui->yes_ctx, *text);
}

void
ui_choose(struct ui *ui, struct view *owner, const char *question, const char *choices,
	void (*chosen)(void *ctx, char answer), void *ctx)
{
	char *label = xasprintf(" %s", question);

	ui->chosen = chosen;
	ui->yes_ctx = ctx;
	ui_prompt(ui, owner, &(struct prompt_spec){ .kind = PROMPT_CONFIRM, .label = label,
		.choices = choices, .done = chose, .ctx = ui });
	free(label);
}

/* ---- passwords ---- */

static void
password_typed(void *ctx, const char *text)
{
	struct ui *ui = ctx;

	ui->asked_password->was_answered = text != NULL;
	engine_password(ui->engine, ui->asked_password->id, text);
}

void
ask_password(struct ui *ui)
{
	for (size_t i = 0; i < ui->n_accounts && !ui->is_asking; i++) {
		struct ui_account *a = &ui->accounts[i];
		if (!a->wants_password)
			continue;
		a->wants_password = false;
		ui->asked_password = a;
		const char *name = engine_rc_account(ui->engine, a->id)->name;
		char *label = xasprintf(" %sPassword for %s: ",
			a->was_answered ? "Refused. " : "", name);
		ui_prompt(ui, NULL, &(struct prompt_spec){ .kind = PROMPT_PASSWORD,
			.label = label, .done = password_typed, .ctx = ui });
		free(label);
	}
}

/* ---- the argument of a command ---- */

static enum prompt_kind
history_kind(const struct command *c)
{
	switch (c->arg) {
	case ARG_FOLDER:
		return PROMPT_FOLDER;
	case ARG_QUERY:
		return PROMPT_QUERY;
	case ARG_FILE:
		return PROMPT_FILE;
	case ARG_SHELL:
		return PROMPT_SHELL;
	case ARG_COMMAND:
		return PROMPT_COMMAND;
	case ARG_TEXT:
		return c->id == CMD_SEARCH ? PROMPT_SEARCH : PROMPT_TEXT;
	case ARG_NONE: case ARG_SORT: case ARG_NUMBER: case ARG_ADDRESSES: case ARG_LINE:
	case ARG_WHEN:
		break;
	}
	return PROMPT_TEXT;
}

static void
complete_asked(void *ctx, const char *text, struct completion *out)
{
	struct ui *ui = ctx;

	complete_argument(ui, ui->asked, text, out);
}

/* Whether the command can do something with the argument; else what is wrong with it is said
 * while the text is still there to be mended. */
static bool
is_argument(struct ui *ui, const struct command *c, const char *text, struct error *e)
{
	if (!command_takes(c, ui_top(ui)->ops->bit, text, ui_now(ui), e))
		return false;
	int64_t when;
	if (c->arg == ARG_WHEN && *text && when_parse(&when, text, ui_now(ui), e) != ERR_OK)
		return false;
	return c->id != CMD_FOLDER || !*text || views_has_folder(ui, text, e);
}

static bool
check_asked(void *ctx, const char *text, struct error *e)
{
	struct ui *ui = ctx;

	return is_argument(ui, ui->asked, text, e);
}

static bool
is_move(const struct command *c)
{
	return c->id == CMD_MOVE || c->id == CMD_COPY;
}

static void
argument_typed(void *ctx, const char *text)
{
	struct ui *ui = ctx;
	const struct command *c = ui->asked;

	bool may_be_empty = c->arg == ARG_QUERY || c->arg == ARG_ADDRESSES ||
		c->arg == ARG_LINE || c->id == CMD_FOLDER || is_move(c);

	if (text && (text[0] || may_be_empty) && ui_top(ui))
		dispatch_call(ui, &(struct call){ c, text, ui->asked_on_tagged });
}

/* What is asked is whom it goes to, not what the command is called. */
static const char *
asked_word(const struct command *c)
{
	return c->id == CMD_COMPOSE ? "to" : c->id == CMD_BOUNCE ? "bounce to" : c->name;
}

/* ---- what Enter alone means ---- */

const char *
ui_last_destination(struct ui *ui, struct view *v)
{
	account_id account = v->ops->account ? v->ops->account(v) : 0;
	struct view *index = index_find(ui);
	struct arena a = { 0 };
	struct folder f;

	if (account == 0 || account != ui->went.account)
		return NULL;
	bool is_here = index && store_folder(ui->store, index_folder(index), &a, &f) &&
		str_eq(f.name, ui->went.folder);
	arena_clear(&a);
	return is_here ? NULL : ui->went.folder;
}

void
ui_went_to(struct ui *ui, account_id account, const char *folder)
{
	char *copy = xstrdup(folder);

	free(ui->went.folder);
	ui->went.folder = copy;
	ui->went.account = account;
}

/* owned */
static char *
folder_label(struct ui *ui)
{
	struct arena a = { 0 };
	struct folder f;
	folder_id next = views_next_unread(ui);
	char *label = next && store_folder(ui->store, next, &a, &f)
		? xasprintf(" Folder (Enter: %s): ", find_place(ui, &f, 24, &a))
		: xstrdup(" Folder: ");

	arena_clear(&a);
	return label;
}

/* owned */
static char *
label_of(struct ui *ui, const struct command *c, bool on_tagged)
{
	if (c->id == CMD_FOLDER)
		return folder_label(ui);
	if (c->id == CMD_BOUNCE && on_tagged)
		return xstrdup(" Bounce tagged to: ");
	const char *last = is_move(c) ? ui_last_destination(ui, ui_top(ui)) : NULL;
	if (last)
		return xasprintf(" %s%s (Enter: %s): ", c->id == CMD_MOVE ? "Move" : "Copy",
			on_tagged ? " tagged" : "", last);
	char *label = xasprintf(" %s%s: ", asked_word(c), on_tagged ? " tagged" : "");
	label[1] = (char)(label[1] - 'a' + 'A');
	for (char *s = label; *s; s++)
		*s = *s == '-' ? ' ' : *s;
	return label;
}

void
ask_argument(struct ui *ui, const struct command *c, bool on_tagged)
{
	struct view *v = ui_top(ui);
	char *label = label_of(ui, c, on_tagged);

	ui->asked = c;
	ui->asked_on_tagged = on_tagged;
	ui_prompt(ui, v, &(struct prompt_spec){ .kind = history_kind(c), .label = label,
		.initial = v->ops->initial ? v->ops->initial(v, c) : NULL,
		.complete = complete_asked, .must_match = c->arg == ARG_FOLDER ||
		c->arg == ARG_SORT, .check = check_asked, .done = argument_typed, .ctx = ui });
	free(label);
}

void
ui_ask_argument(struct ui *ui, const struct command *c)
{
	ask_argument(ui, c, false);
}

/* ---- the `:` prompt ---- */

static void
offer_commands(struct ui *ui, const char *text, struct completion *out)
{
	unsigned view = ui_top(ui)->ops->bit;

	for (int id = 0; id < N_COMMANDS; id++) {
		const struct command *c = command_at(id);
		if ((c->views & view) && c->id != CMD_COMMAND)
			completion_offer(out, text, c->name, c->help);
	}
}

static void
complete_line(void *ctx, const char *text, struct completion *out)
{
	struct ui *ui = ctx;
	const char *arg;
	size_t n = strcspn(text, " ");

	if (text[n] == '\0') {
		if (n > 0)			/* a list of all commands is the help's */
			offer_commands(ui, text, out);
		return;
	}
	struct error e;
	char *name = xstrndup(text, n);
	const struct command *c = command_parse(name, ui_top(ui)->ops->bit, true, &arg, &e);
	free(name);
	arg = text + n + strspn(text + n, " ");
	if (c && c->arg == ARG_NONE)		/* two words of one name, perhaps */
		c = command_parse(text, ui_top(ui)->ops->bit, true, &arg, &e);
	if (!c || c->arg == ARG_NONE || !arg)
		return;
	struct completion of_arg = {0};
	complete_argument(ui, c, arg, &of_arg);
	*out = of_arg;
	out->from += (size_t)(arg - text);
}

static bool
check_line(void *ctx, const char *text, struct error *e)
{
	struct ui *ui = ctx;
	const char *line = text + strspn(text, " :"), *arg;
	const struct command *c;

	if (*line == '\0')
		return true;
	c = command_parse(line, ui_top(ui)->ops->bit, true, &arg, e);
	return c && (!arg || is_argument(ui, c, arg, e));
}

static void
line_typed(void *ctx, const char *text)
{
	struct ui *ui = ctx;

	if (text && text[0] && ui_top(ui))
		dispatch_line(ui, text + strspn(text, " :"), true);
}

void
ask_command(struct ui *ui)
{
	ui_prompt(ui, NULL, &(struct prompt_spec){ .kind = PROMPT_COMMAND, .label = " :",
		.complete = complete_line, .check = check_line, .done = line_typed,
		.ctx = ui });
}
