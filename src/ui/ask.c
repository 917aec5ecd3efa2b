/* ask.c - prompts of views and of the frame, and what completes them.
 *
 * One prompt at a time; its answer is copied out before `done` runs, since that may open
 * the next. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frame.h"
#include "look.h"
#include "lookup.h"
#include "path.h"
#include "query.h"
#include "recipients.h"
#include "str.h"
#include "views.h"
#include "when.h"

enum { FILES_MAX = 2000 };

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

/* ---- completion by kind of argument ---- */

static void
offer_folders(struct ui *ui, account_id account, const char *prefix, const char *text,
	struct completion *out)
{
	struct arena arena = {0};
	struct folder *folders;
	size_t n = store_folders(ui->store, account, &arena, &folders);

	for (size_t k = 0; k < n; k++) {
		char count[40] = "";
		if (folders[k].attrs & FOLDER_NOSELECT)
			continue;
		if (folders[k].n_unread)
			snprintf(count, sizeof count, "%u unread", folders[k].n_unread);
		const char *word = *prefix
			? arena_printf(&arena, "%s/%s", prefix, folders[k].name)
			: folders[k].name;
		completion_offer(out, text, word, count[0] ? count : NULL);
	}
	arena_clear(&arena);
}

void
ui_complete_folders(struct ui *ui, account_id account, const char *text,
	struct completion *out)
{
	for (size_t i = 0; ui->store && i < ui->n_accounts; i++) {
		account_id id = ui->accounts[i].id;
		if (!account || account == id)
			offer_folders(ui, id, account ? ""
				: engine_rc_account(ui->engine, id)->name, text, out);
	}
}

/* Those of another account only when its name was begun: "Archive" must not
 * become another's Archive. */
void
ui_complete_destinations(struct ui *ui, account_id account, const char *text,
	struct completion *out)
{
	size_t n_text = strlen(text);

	ui_complete_folders(ui, account, text, out);
	for (size_t i = 0; ui->store && account && n_text > 0 && i < ui->n_accounts; i++) {
		account_id id = ui->accounts[i].id;
		const char *name = engine_rc_account(ui->engine, id)->name;
		size_t n = strlen(name);
		if (id != account && (n_text <= n ? strncmp(text, name, n_text) == 0
			: strncmp(text, name, n) == 0 && text[n] == '/'))
			offer_folders(ui, id, name, text, out);
	}
}

static bool
has_folder(struct ui *ui, account_id account, const char *name)
{
	struct arena arena = {0};
	struct folder *v;
	size_t n = store_folders(ui->store, account, &arena, &v), i = 0;

	while (i < n && !str_eq(v[i].name, name))
		i++;
	arena_clear(&arena);
	return i < n;
}

const char *
ui_find_elsewhere(struct ui *ui, const char *name, account_id account, account_id *other)
{
	for (size_t i = 0; i < ui->n_accounts; i++) {
		const char *own = engine_rc_account(ui->engine, ui->accounts[i].id)->name;
		size_t n = strlen(own);
		*other = ui->accounts[i].id;
		if (*other != account && strncmp(name, own, n) == 0 && name[n] == '/' &&
		    has_folder(ui, *other, name + n + 1))
			return name + n + 1;
	}
	return NULL;
}

/* The last word of a query; a colon does not end it. */
static void
complete_query(const char *text, struct completion *out)
{
	const char *space = strrchr(text, ' ');

	out->from = space ? (size_t)(space + 1 - text) : 0;
	if (text[out->from] == '-' || text[out->from] == '(')
		out->from++;
	for (const char *const *w = query_words(); *w; w++)
		completion_offer(out, text, *w, NULL);
}

static void
complete_sort(const char *text, struct completion *out)
{
	char reversed[20];

	for (size_t i = 0; look_orders[i]; i++)
		completion_offer(out, text, look_orders[i], NULL);
	for (size_t i = 0; look_orders[i]; i++) {
		snprintf(reversed, sizeof reversed, "-%s", look_orders[i]);
		completion_offer(out, text, reversed, "reversed");
	}
}

static void
offer_file(const char *dir, const char *shown_dir, const char *text, const struct dirent *d,
	struct completion *out)
{
	char *path = path_join(dir, d->d_name);
	struct stat st;
	bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	char *word = xasprintf("%s%s%s", shown_dir, d->d_name, is_dir ? "/" : "");

	if (str_starts(word, text + out->from))
		completion_offer(out, text, word, NULL);
	free(word);
	free(path);
}

static void
complete_file(const char *text, struct completion *out)
{
	const char *slash = strrchr(text + out->from, '/');
	const char *typed = text + out->from;
	char *shown_dir = slash ? xstrndup(typed, (size_t)(slash + 1 - typed)) : xstrdup("");
	char *dir = *shown_dir ? path_expand(shown_dir) : xstrdup(".");
	const char *name = slash ? slash + 1 : text + out->from;
	DIR *d = opendir(dir);
	struct dirent *entry;

	for (int n = 0; d && n < FILES_MAX && (entry = readdir(d)); n++) {
		if (entry->d_name[0] == '.' && name[0] != '.')
			continue;
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			offer_file(dir, shown_dir, text, entry, out);
	}
	completion_sort(out);
	if (d)
		closedir(d);
	free(dir);
	free(shown_dir);
}

/* What the time that is typed means, as it is typed; else some that begin so. */
static void
complete_when(struct ui *ui, const char *text, struct completion *out)
{
	static const char *const examples[] = { "+2h", "18:30", "tomorrow 9", "mon 8:30" };
	int64_t when, now = ui_now(ui);
	char shown[80];

	if (*text && when_parse(&when, text, now, NULL) == ERR_OK) {
		when_format(shown, sizeof shown, when, now);
		completion_add(out, text, shown, true);
		return;
	}
	for (size_t i = 0; i < LEN(examples); i++) {
		if (!str_istarts(examples[i], text) ||
		    when_parse(&when, examples[i], now, NULL) != ERR_OK)
			continue;
		when_format(shown, sizeof shown, when, now);
		completion_add(out, examples[i], shown, true);
	}
}

/* `text` is the argument as far as it is typed. */
static void
complete_argument(struct ui *ui, const struct command *c, const char *text,
	struct completion *out)
{
	struct view *v = ui_top(ui);

	if (c->id == CMD_UNALIAS) {
		recipients_complete_names(ui, text, out);
		return;
	}
	if (v->ops->complete && v->ops->complete(v, c, text, out))
		return;
	switch (c->arg) {
	case ARG_FOLDER:
		ui_complete_folders(ui, c->id == CMD_FOLDER || !v->ops->account ? 0
			: v->ops->account(v), text, out);
		break;
	case ARG_QUERY:
		complete_query(text, out);
		break;
	case ARG_SORT:
		complete_sort(text, out);
		break;
	case ARG_FILE:
		complete_file(text, out);
		break;
	case ARG_ADDRESSES:
		ui_complete_addresses(ui, text, out);
		break;
	case ARG_WHEN:
		complete_when(ui, text, out);
		break;
	case ARG_NONE: case ARG_TEXT: case ARG_LINE: case ARG_SHELL: case ARG_COMMAND:
	case ARG_NUMBER:
		break;
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

static void
argument_typed(void *ctx, const char *text)
{
	struct ui *ui = ctx;
	const struct command *c = ui->asked;

	bool may_be_empty = c->arg == ARG_QUERY || c->arg == ARG_ADDRESSES ||
		c->arg == ARG_LINE;

	if (text && (text[0] || may_be_empty) && ui_top(ui))
		dispatch_call(ui, &(struct call){ c, text, ui->asked_on_tagged });
}

/* What is asked is whom it goes to, not what the command is called. */
static const char *
asked_word(const struct command *c)
{
	return c->id == CMD_COMPOSE ? "to" : c->id == CMD_BOUNCE ? "bounce to" : c->name;
}

void
ask_argument(struct ui *ui, const struct command *c, bool on_tagged)
{
	struct view *v = ui_top(ui);
	char *label = c->id == CMD_BOUNCE && on_tagged ? xstrdup(" bounce tagged to: ")
		: xasprintf(" %s%s: ", asked_word(c), on_tagged ? " tagged" : "");

	label[1] = (char)(label[1] - 'a' + 'A');
	for (char *s = label; *s; s++)
		*s = *s == '-' ? ' ' : *s;
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
