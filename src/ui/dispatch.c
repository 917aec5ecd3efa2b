/* dispatch.c - from a key to whoever carries out what it means.
 *
 * key -> binding -> line -> command and argument -> the frame (actions.c) or the view on
 * top. A command that wants an argument and has none asks for it first; one that the
 * account cannot do is refused here, so that views need not look. */
#include <string.h>

#include "actions.h"
#include "frame.h"
#include "log.h"
#include "str.h"

unsigned
frame_caps(struct ui *ui)
{
	struct view *v = ui_top(ui);
	account_id account = v && v->ops->account ? v->ops->account(v) : 0;

	return account ? engine_caps(ui->engine, account) : ~0u;
}

static const char *
why_not(struct ui *ui)
{
	struct view *v = ui_top(ui);
	const struct rc_account *rc = engine_rc_account(ui->engine, v->ops->account(v));

	return rc && rc->read_only ? "this is open read-only" : "this account cannot";
}

void
dispatch_call(struct ui *ui, const struct call *c)
{
	struct view *v = ui_top(ui);

	log_msg("ui: %s", c->cmd->name);
	ui_redraw(ui);
	if (c->cmd->needs & ~frame_caps(ui))
		ui_status(ui, "%s: %s", c->cmd->name, why_not(ui));
	else if (!action_run(ui, c))
		v->ops->command(v, c);
}

void
dispatch_line(struct ui *ui, const char *line, bool abbreviated)
{
	bool on_tagged = ui->on_tagged;
	struct error e;
	const char *arg;
	const struct command *c = command_parse(line, ui_top(ui)->ops->bit, abbreviated, &arg,
		&e);

	ui->on_tagged = false;
	if (!c)
		ui_status(ui, "%s", e.text);
	else if (c->arg != ARG_NONE && !arg)
		ask_argument(ui, c, on_tagged);
	else
		dispatch_call(ui, &(struct call){ c, arg, on_tagged });
}

static void
unbound(struct ui *ui)
{
	struct str s = {0}, help = {0};

	keys_text(&s, ui->keys, ui->n_keys);
	keymap_key_of(&ui->keymap, ui_top(ui)->ops->bit, CMD_HELP, &help);
	ui_status(ui,
		help.len ? "%s does nothing here; %s shows what does" : "%s does nothing here",
		str_get(&s), str_get(&help));
	str_clear(&s);
	str_clear(&help);
}

static void
press(struct ui *ui, uint32_t key)
{
	const struct binding *b = NULL;
	bool is_inside = ui->n_keys > 0;

	status_clear(ui);
	if (is_inside && key == KC_ESC) {
		ui->n_keys = 0;
		return;
	}
	ui->keys[ui->n_keys++] = key;
	switch (keymap_find(&ui->keymap, ui_top(ui)->ops->bit, ui->keys, ui->n_keys, &b)) {
	case KEYS_PREFIX:
		return;
	case KEYS_NONE:
		unbound(ui);
		ui->on_tagged = false;
		break;
	case KEYS_BOUND:
		ui->n_keys = 0;
		dispatch_line(ui, b->line, false);
		break;
	}
	ui->n_keys = 0;
}

static void
wheel(struct ui *ui, int step)
{
	struct call c = { command_at(step > 0 ? CMD_DOWN : CMD_UP), NULL, false };

	for (int i = 0; i < 3; i++)
		dispatch_call(ui, &c);
}

static void
click(struct ui *ui, int y, int x)
{
	struct view *v = ui_top(ui);

	if (v->ops->click && y >= 1 && y < ui->grid.rows - 1)
		v->ops->click(v, y - 1, x);
}

void
dispatch_input(struct ui *ui, const struct input *in)
{
	if (ui->n_stack == 0)
		return;
	ui_redraw(ui);
	if (ui->is_asking) {
		bool is_answer = ui->prompt.spec.kind != PROMPT_CONFIRM;
		if (in->kind == IN_KEY || (in->kind == IN_PASTED && is_answer))
			ask_key(ui, in->key);
		return;
	}
	switch (in->kind) {
	case IN_KEY:
		press(ui, in->key);
		break;
	case IN_PASTED:		/* text pasted by mistake is not a row of commands */
		break;
	case IN_WHEEL:
		wheel(ui, in->step);
		break;
	case IN_CLICK:
		status_clear(ui);
		click(ui, in->y, in->x);
		break;
	}
}
