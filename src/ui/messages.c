/* messages.c - what was told so far, the newest at the top. */
#include <stdlib.h>
#include <time.h>

#include "frame.h"
#include "str.h"
#include "text.h"

struct messages {
	struct view view;
	struct text text;
	int columns;			/* what the lines are wrapped to */
};

static void
fill(struct messages *m, struct ui *ui)
{
	for (size_t i = ui->n_notices; i-- > 0;) {
		const struct notice *n = &ui->notices[i];
		time_t when = (time_t)n->when;
		struct tm tm;
		char at[32];
		localtime_r(&when, &tm);
		strftime(at, sizeof at, "%d %b %H:%M:%S", &tm);
		text_add_wrapped(&m->text, ST_DATE, at, n->is_error ? ST_ERROR : ST_NORMAL,
			n->text, m->columns);
	}
	if (ui->n_notices == 0)
		text_add(&m->text, ST_DIM, "Nothing was told so far.", ST_NORMAL, NULL);
}

/* The log is short, so it is made anew whenever something was told or the width changed. */
static void
messages_refill(struct messages *m)
{
	size_t top = m->text.top;
	char *needle = xstrdup(m->text.needle);

	text_clear(&m->text);
	fill(m, m->view.ui);
	m->text.top = top;
	m->text.needle = needle;
}

static void
messages_draw(struct view *v, const struct area *a)
{
	struct messages *m = (struct messages *)v;

	if (m->columns != a->columns) {
		m->columns = a->columns;
		messages_refill(m);
	}
	text_draw(&m->text, a);
}

static void
messages_title(struct view *v, struct str *left, struct str *right)
{
	str_puts(left, "Messages");
	text_title(&((struct messages *)v)->text, right);
}

static void
messages_command(struct view *v, const struct call *c)
{
	bool found;

	if (text_command(&((struct messages *)v)->text, c, &found) && !found)
		ui_status(v->ui, "not found");
}

static void
messages_event(struct view *v, const struct event *ev)
{
	if (ev->kind == EV_NOTICE || ev->kind == EV_STATE || ev->kind == EV_DONE)
		messages_refill((struct messages *)v);
}

static void
messages_close(struct view *v)
{
	text_clear(&((struct messages *)v)->text);
	free(v);
}

static const struct view_ops messages_ops = {
	.bit = V_MESSAGES, .draw = messages_draw, .title = messages_title,
	.event = messages_event, .command = messages_command, .close = messages_close,
};

struct view *
messages_new(void)
{
	struct messages *m = xcalloc(1, sizeof *m);

	m->view.ops = &messages_ops;
	return &m->view;
}
