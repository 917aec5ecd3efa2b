/* help.c - keys and commands of a view, made from the command table and the map in force. */
#include <stdlib.h>

#include "frame.h"
#include "str.h"
#include "text.h"

struct help {
	struct view view;
	struct text text;
	unsigned about;
	unsigned caps;			/* of the account it was asked from; all
					 * where there is none */
};

/* Groups of the table, each from its first command up to the next one's. */
static const struct {
	enum command_id first;
	const char *title;
} groups[] = {
	{ CMD_DOWN, "Moving" }, { CMD_OPEN, "From one thing to another" },
	{ CMD_COMPOSE, "Writing" }, { CMD_DELETE, "Triage" }, { CMD_LIMIT, "The list" },
	{ CMD_HEADERS, "The message" }, { CMD_CREATE_FOLDER, "Folders" },
	{ CMD_SYNC, "The rest" }, { N_COMMANDS, NULL },
};

static void
add_command(struct help *h, struct ui *ui, const struct command *c)
{
	struct str keys = {0}, name = {0};

	keymap_keys_of(&ui->keymap, h->about, c, &keys);
	bool is_able = (h->caps & c->needs) == c->needs;
	str_printf(&name, "%s%s%s", c->name, c->arg == ARG_NONE ? "" : " ",
		arg_kind_name(c->arg));
	text_add(&h->text, is_able ? ST_KEY : ST_DIM, str_get(&keys),
		is_able ? ST_NORMAL : ST_DIM, c->help);
	text_remark(&h->text, str_get(&name));
	str_clear(&keys);
	str_clear(&name);
}

/* Bindings of the rc with an argument are no row of the table: told as they are written. */
static void
add_lines(struct help *h, struct ui *ui)
{
	bool is_first = true;

	for (size_t i = 0; i < ui->keymap.n; i++) {
		const struct binding *b = &ui->keymap.v[i];
		struct str keys = {0};
		if (b->view != h->about || command_find(b->line))
			continue;
		if (is_first)
			text_add(&h->text, ST_HEADING, "Your own", ST_NORMAL, NULL);
		is_first = false;
		keys_text(&keys, b->keys, b->n);
		text_add(&h->text, ST_KEY, str_get(&keys), ST_NORMAL, b->line);
		str_clear(&keys);
	}
	if (!is_first)
		text_add(&h->text, ST_NORMAL, NULL, ST_NORMAL, NULL);
}

static void
add_group(struct help *h, struct ui *ui, size_t g)
{
	bool is_first = true;

	for (int id = (int)groups[g].first; id < (int)groups[g + 1].first; id++) {
		const struct command *c = command_at(id);
		if (!(c->views & h->about))
			continue;
		if (is_first)
			text_add(&h->text, ST_HEADING, groups[g].title, ST_NORMAL, NULL);
		is_first = false;
		add_command(h, ui, c);
	}
	if (!is_first)
		text_add(&h->text, ST_NORMAL, NULL, ST_NORMAL, NULL);
}

static void
help_draw(struct view *v, const struct area *a)
{
	text_draw(&((struct help *)v)->text, a);
}

static void
help_title(struct view *v, struct str *left, struct str *right)
{
	struct help *h = (struct help *)v;

	str_printf(left, "Help: %s", view_bit_name(h->about));
	text_title(&h->text, right);
}

static void
help_command(struct view *v, const struct call *c)
{
	bool found;

	if (text_command(&((struct help *)v)->text, c, &found) && !found)
		ui_status(v->ui, "not found");
}

static void
help_close(struct view *v)
{
	text_clear(&((struct help *)v)->text);
	free(v);
}

static const struct view_ops help_ops = {
	.bit = V_HELP, .draw = help_draw, .title = help_title, .command = help_command,
	.close = help_close,
};

struct view *
help_new(struct ui *ui, unsigned about)
{
	struct help *h = xcalloc(1, sizeof *h);

	h->view.ops = &help_ops;
	h->text.is_keys = true;
	h->about = about;
	h->caps = frame_caps(ui);
	add_lines(h, ui);
	for (size_t g = 0; groups[g].title; g++)
		add_group(h, ui, g);
	text_add(&h->text, ST_DIM,
		"Every command can be typed at the : prompt, where Tab completes.", ST_NORMAL,
		NULL);
	text_add(&h->text, ST_DIM, "Keys are yours to change: see dunlin-mailrc(5), [keys].",
		ST_NORMAL, NULL);
	return &h->view;
}
