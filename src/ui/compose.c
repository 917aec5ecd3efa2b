/* compose.c - the view of one draft: its header as rows, its attachments, and the text as the
 * recipient will see it.
 *
 * Every change is saved before the next key. What takes long is a task (work.h); keys go on,
 * and the message is not changed under it. */
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "frame.h"
#include "identity.h"
#include "mime.h"
#include "recipients.h"
#include "sealing.h"
#include "signature.h"
#include "utf8.h"
#include "work.h"
#include "writing.h"

static struct compose *
compose_of(struct view *v)
{
	return (struct compose *)v;
}

/* ---- the header ---- */

static const struct {
	const char *label;
	enum command_id id;
	size_t offset;
} rows[COMPOSE_FIELDS] = {
	{ "From", CMD_FROM, offsetof(struct note, from) },
	{ "To", CMD_TO, offsetof(struct note, to) },
	{ "Cc", CMD_CC, offsetof(struct note, cc) },
	{ "Bcc", CMD_BCC, offsetof(struct note, bcc) },
	{ "Subject", CMD_SUBJECT, offsetof(struct note, subject) },
};

char **
compose_field(struct compose *x, size_t i)
{
	return (char **)((char *)&x->note + rows[i].offset);
}

const char *
compose_label(size_t i)
{
	return rows[i].label;
}

void
compose_hint(struct ui *ui, size_t i, struct str *out)
{
	keymap_key_of(&ui->keymap, V_COMPOSE, rows[i].id, out);
}

/* The field that a command changes; COMPOSE_FIELDS: none. */
static size_t
field_of(enum command_id id)
{
	size_t i = 0;

	while (i < COMPOSE_FIELDS && rows[i].id != id)
		i++;
	return i;
}

/* ---- saving ---- */

void
compose_save(struct compose *x)
{
	struct error e;

	drafting_name(x);
	x->is_saved = draft_save(ui_data_dir(x->view.ui), x->id, &x->note, &e) == ERR_OK;
	if (!x->is_saved)
		ui_error(x->view.ui, &e);
	drafting_saved(x, false);
}

void
compose_changed(struct compose *x)
{
	x->columns = 0;
	compose_save(x);
	ui_redraw(x->view.ui);
}

/* ---- commands ---- */

/* The signature goes with the sender, where it still stands as it was put there. */
static void
change_from(struct compose *x, const char *from)
{
	char *old = signature_of(x->view.ui, note_get(x->note.from), false);
	char *by = signature_of(x->view.ui, from, false);

	if (!str_eq(old, by) && !signature_replace(&x->note.text, old, by) && !*old)
		signature_add(&x->note.text, by);
	note_set(&x->note.account, NULL);	/* whose it is then */
	free(by);
	free(old);
}

static void
set_field(struct compose *x, size_t i, const char *value)
{
	struct error e;

	if (rows[i].id == CMD_FROM && !*value)
		return;				/* as it was */
	char *clean = text_clean_dup(value);
	char *expanded = rows[i].id == CMD_SUBJECT ? xstrdup(clean)
		: recipients_expand(x->view.ui, clean);

	if (rows[i].id == CMD_FROM)
		change_from(x, expanded);
	note_set(compose_field(x, i), expanded);
	x->cursor = i;
	compose_changed(x);
	/* Kept as it is, but not left to be found out at the end. */
	if (rows[i].id != CMD_SUBJECT &&
	    compose_addresses(rows[i].label, expanded, &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	free(expanded);
	free(clean);
}

void
compose_fields_edited(struct compose *x, const char *from)
{
	struct error e;

	for (size_t i = 0; i < COMPOSE_FIELDS; i++) {
		char **field = compose_field(x, i);
		if (rows[i].id == CMD_SUBJECT || !*field)
			continue;
		char *expanded = recipients_expand(x->view.ui, *field);
		note_set(field, expanded);
		free(expanded);
		if (*field && compose_addresses(rows[i].label, *field, &e) != ERR_OK)
			ui_error(x->view.ui, &e);
	}
	if (!str_eq(from, note_get(x->note.from)))
		note_set(&x->note.account, NULL);	/* whose it is then */
}

static void
discard(void *ctx)
{
	struct compose *x = ctx;
	struct error e;

	if (writing_remove_draft(x->view.ui, x->id, true, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		return;
	}
	x->id = 0;
	ui_status(x->view.ui, "thrown away; u brings it back");
	ui_pop(x->view.ui, &x->view);
}

/* True, and told: it cannot be done while something is being made of the draft. */
static bool
must_wait(struct compose *x, enum command_id id)
{
	bool needs_all = id == CMD_SEND || id == CMD_SEND_AT || id == CMD_PREVIEW ||
		id == CMD_POSTPONE || id == CMD_BACK;
	bool is_look = id == CMD_DOWN || id == CMD_UP || id == CMD_FIRST || id == CMD_LAST ||
		id == CMD_PAGE_DOWN || id == CMD_PAGE_UP || id == CMD_HALF_DOWN ||
		id == CMD_HALF_UP;

	if (x->n_works == 0 || is_look || (!x->is_building && !needs_all))
		return false;
	ui_status(x->view.ui, "%s: wait for it, or press Esc",
		work_of(x->view.ui, &x->view, 0)->what);
	return true;
}

static bool
compose_back(struct view *v)
{
	struct compose *x = compose_of(v);

	if (x->wish)
		return false;
	if (must_wait(x, CMD_BACK))
		return true;
	if (drafting_is_unchanged(x))
		drafting_leave(x);
	else
		ui_confirm(v->ui, v, "Throw this message away? (P keeps it as a draft)",
			discard, x);
	return true;
}

static void
postpone(struct compose *x)
{
	compose_save(x);
	if (x->is_saved)
		drafting_postpone(x);
}

static void
open_row(struct compose *x)
{
	if (x->cursor >= COMPOSE_FIELDS) {
		ui_status(x->view.ui,
			"d removes the attachment, a adds a file, | what a command prints");
		return;
	}
	const struct command *c = command_at(rows[x->cursor].id);
	ui_ask_argument(x->view.ui, c);
}

static void
move(struct compose *x, int by)
{
	size_t n = COMPOSE_FIELDS + x->note.n_files;

	if (by < 0 && x->cursor > 0)
		x->cursor--;
	if (by > 0 && x->cursor + 1 < n)
		x->cursor++;
}

static void
scroll(struct compose *x, int lines)
{
	x->top = lines < 0 && x->top < (size_t)-lines ? 0 : x->top + (size_t)lines;
}

static void
compose_command(struct view *v, const struct call *c)
{
	struct compose *x = compose_of(v);
	size_t field = field_of(c->cmd->id);

	ui_redraw(v->ui);
	if (x->wish || must_wait(x, c->cmd->id))
		return;
	if (field < COMPOSE_FIELDS) {
		set_field(x, field, c->arg);
		return;
	}
	switch (c->cmd->id) {
	case CMD_DOWN: move(x, 1); break;
	case CMD_UP: move(x, -1); break;
	case CMD_FIRST: x->cursor = 0; x->top = 0; break;
	case CMD_LAST: scroll(x, (int)x->preview->n); break;
	case CMD_PAGE_DOWN: scroll(x, x->rows - 1); break;
	case CMD_PAGE_UP: scroll(x, 1 - x->rows); break;
	case CMD_HALF_DOWN: scroll(x, x->rows / 2); break;
	case CMD_HALF_UP: scroll(x, -(x->rows / 2)); break;
	case CMD_OPEN: open_row(x); break;
	case CMD_EDIT: compose_edit(x); break;
	case CMD_ATTACH: attach_file(x, c->arg); break;
	case CMD_ATTACH_OUTPUT: attach_output(x, c->arg); break;
	case CMD_SIGN: case CMD_ENCRYPT: sealing_toggle(x, c->cmd->id); break;
	case CMD_PREVIEW: building_preview(x); break;
	case CMD_REMOVE: attach_remove(x); break;
	case CMD_POSTPONE: postpone(x); break;
	case CMD_SEND: sending_send(x); break;
	case CMD_SEND_AT: sending_send_at(x, c->arg); break;
	default: break;
	}
}

/* ---- the rest of the view ---- */

static const char *
compose_initial(struct view *v, const struct command *c)
{
	size_t i = field_of(c->id);

	if (c->id == CMD_FROM)			/* chosen, not mended: all are offered */
		return NULL;
	return i < COMPOSE_FIELDS ? note_get(*compose_field(compose_of(v), i)) : NULL;
}

static bool
compose_complete(struct view *v, const struct command *c, const char *text,
	struct completion *out)
{
	struct arena a = { 0 };
	size_t n;

	if (c->id != CMD_FROM)
		return false;
	const char **mine = identity_all(v->ui, sending_account(compose_of(v)), &a, &n);
	for (size_t i = 0; i < n; i++) {
		const struct rc_account *rc = engine_rc_account(ui_engine(v->ui),
			identity_account(v->ui, mine[i]));
		completion_offer(out, text, mine[i], rc ? rc->name : NULL);
	}
	out->is_ranked = true;
	free(mine);
	arena_clear(&a);
	return true;
}

static void
compose_event(struct view *v, const struct event *ev)
{
	struct compose *x = compose_of(v);

	if (x->bring.n > 0)
		forward_event(x, ev);
	if (ev->kind != EV_DONE || !ev->job || ev->job != x->job)
		return;
	x->job = 0;
	if (ev->u.done.code != ERR_OK)
		ui_pop(v->ui, v);		/* why is told by the frame */
	else
		compose_fill(x);
}

static bool
compose_idle(struct view *v)
{
	return forward_idle(compose_of(v));
}

static void
compose_shown(struct view *v)
{
	struct compose *x = compose_of(v);

	struct view *ready = x->ready;

	x->ready = NULL;
	if (x->is_sent)
		ui_pop(v->ui, v);
	else if (ready)
		ui_push(v->ui, ready);
	if (!x->edits_next)
		return;
	x->edits_next = false;
	compose_edit(x);
}

static account_id
compose_account(struct view *v)
{
	return sending_account(compose_of(v));
}

static void
compose_click(struct view *v, int y, int column)
{
	struct compose *x = compose_of(v);

	(void)column;
	if ((size_t)y >= COMPOSE_FIELDS + x->note.n_files)
		return;
	if (x->cursor == (size_t)y)
		open_row(x);
	x->cursor = (size_t)y;
	ui_redraw(v->ui);
}

static void
compose_close(struct view *v)
{
	struct compose *x = compose_of(v);

	/* nothing came of it */
	if (x->id && !x->is_saved && x->wish && x->n_works == 0)
		draft_remove(ui_data_dir(v->ui), x->id, NULL);
	if (x->ready)
		x->ready->ops->close(x->ready);
	draft_release(&x->lock);
	note_clear(&x->note);
	gnupg_plan_free(x->plan);
	bring_clear(&x->bring);
	lines_clear(x->preview);
	free(x->preview);
	free(x);
}

static const struct view_ops compose_ops = {
	.bit = V_COMPOSE,
	.draw = compose_draw,
	.title = compose_title,
	.command = compose_command,
	.event = compose_event,
	.idle = compose_idle,
	.shown = compose_shown,
	.account = compose_account,
	.initial = compose_initial,
	.complete = compose_complete,
	.back = compose_back,
	.click = compose_click,
	.close = compose_close,
};

struct compose *
compose_new(struct ui *ui)
{
	struct compose *x = xcalloc(1, sizeof *x);

	x->view.ops = &compose_ops;
	x->view.ui = ui;
	x->lock.fd = -1;
	x->preview = xcalloc(1, sizeof *x->preview);
	return x;
}
