/* ui_fixture.h - the frame on a terminal made of a list of keys, with a view that writes
 * down what it is told. The engine is the real one, never started. */
#ifndef DUNLIN_UI_FIXTURE_H
#define DUNLIN_UI_FIXTURE_H

#include <unistd.h>

#include "path.h"
#include "remove_tree.h"
#include "test.h"
#include "ui/frame.h"

struct fake_term {
	struct term term;
	struct input keys[100];
	int n, at, rows, columns, n_draws;
};

static inline int
fake_fd(const struct term *t)
{
	(void)t;
	return -1;
}

static inline bool
fake_input(struct term *t, struct input *in)
{
	struct fake_term *f = (struct fake_term *)t;

	if (f->at == f->n)
		return false;
	*in = f->keys[f->at++];
	return true;
}

static inline void
fake_size(struct term *t, int *rows, int *columns)
{
	*rows = ((struct fake_term *)t)->rows;
	*columns = ((struct fake_term *)t)->columns;
}

static inline void
fake_draw(struct term *t, struct grid *g, const struct theme *th)
{
	(void)th;
	((struct fake_term *)t)->n_draws++;
	grid_mark_shown(g);
}

static inline void
fake_nothing(struct term *t)
{
	(void)t;
}

static const struct term_ops fake_ops = { fake_fd, fake_input, fake_size, fake_draw,
	fake_nothing, fake_nothing, fake_nothing, fake_nothing };

/* A view that writes down what it is told. */
struct probe {
	struct view view;
	struct str *log;
	int idle_left;
	bool pops;			/* takes itself off at any command */
};

static inline void
probe_draw(struct view *v, const struct area *a)
{
	struct probe *p = (struct probe *)v;

	area_put(a, 0, 1, -1, ST_NORMAL, str_get(p->log));
}

static inline void
probe_title(struct view *v, struct str *left, struct str *right)
{
	(void)v;
	str_puts(left, "work/INBOX");
	str_puts(right, "3 unread of 12");
}

static inline void
probe_command(struct view *v, const struct call *c)
{
	struct probe *p = (struct probe *)v;

	str_printf(p->log, "%s%s%s%s;", c->on_tagged ? "tagged " : "", c->cmd->name,
		c->arg ? " " : "", c->arg ? c->arg : "");
	if (p->pops) {
		ui_pop(v->ui, v);
		str_puts(p->log, "still here;");	/* not freed under our feet */
	}
}

static inline bool
probe_idle(struct view *v)
{
	struct probe *p = (struct probe *)v;

	if (p->idle_left > 0 && --p->idle_left == 0)
		str_puts(p->log, "worked;");
	return p->idle_left > 0;
}

static inline const char *
probe_initial(struct view *v, const struct command *c)
{
	(void)v;
	return c->id == CMD_LIMIT ? "is:unread" : NULL;
}

static inline void
probe_click(struct view *v, int y, int x)
{
	str_printf(((struct probe *)v)->log, "click %d,%d;", y, x);
}

static inline void
probe_close(struct view *v)
{
	str_puts(((struct probe *)v)->log, "closed;");
	free(v);
}

static const struct view_ops probe_ops = { .bit = V_INDEX, .draw = probe_draw,
	.title = probe_title, .command = probe_command, .idle = probe_idle,
	.initial = probe_initial, .click = probe_click, .close = probe_close };

struct fixture {
	char dir[40];
	struct dirs dirs;
	struct rc *rc;
	struct engine *engine;
	struct fake_term term;
	struct ui *ui;
	struct str log;
	struct probe *probe;
};

static inline struct fixture *
setup(const char *rc_text, int rows, int columns)
{
	struct fixture *f = xcalloc(1, sizeof *f);
	struct error e;

	strcpy(f->dir, "/tmp/dunlin-test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->dirs = (struct dirs){ path_join(f->dir, "config"), path_join(f->dir, "data"),
		path_join(f->dir, "cache") };
	assert_int_equal(ERR_OK, rc_parse(&f->rc, "mailrc", rc_text, strlen(rc_text), &e));
	/* else told keys would stand in each line */
	f->rc->hints = strstr(rc_text, "hints = yes") != NULL;
	if (engine_new(&f->engine, f->rc, &f->dirs, &e) != ERR_OK)
		fail_msg("%s", e.text);
	f->term = (struct fake_term){ .term.ops = &fake_ops, .rows = rows,
		.columns = columns };
	static const struct ui_options options;
	f->ui = ui_new(f->engine, f->rc, &options, &f->term.term);
	f->probe = xcalloc(1, sizeof *f->probe);
	f->probe->view.ops = &probe_ops;
	f->probe->log = &f->log;
	ui_push(f->ui, &f->probe->view);
	return f;
}

static inline void
teardown(struct fixture *f)
{
	ui_free(f->ui);
	engine_free(f->engine, 1000);
	rc_free(f->rc);
	dirs_clear(&f->dirs);
	assert_int_equal(0, remove_tree(f->dir));
	str_clear(&f->log);
	free(f);
}

/* Until every key is worked through and the screen is drawn, which need not wait here until
 * the last frame is 16 ms old. */
static inline void
settle(struct fixture *f)
{
	do {
		f->ui->drawn_ms = 0;
		ui_step(f->ui, 0);
	} while (!f->ui->is_over && (f->term.at < f->term.n || f->ui->is_dirty ||
	    !f->ui->is_idle_done));
}

static inline void
press(struct fixture *f, const char *text)
{
	f->term.n = f->term.at = 0;
	while (*text) {
		const char *end = *text == '<' ? strchr(text, '>') : NULL;
		size_t len = end ? (size_t)(end - text + 1) : 1;
		char one[20] = {0};
		uint32_t keys[KEYS_MAX] = { ' ' };
		int n;
		memcpy(one, text, len);
		if (*text != ' ')
			assert_int_equal(ERR_OK, keys_parse(one, keys, &n, NULL));
		f->term.keys[f->term.n++] = (struct input){ .kind = IN_KEY, .key = keys[0] };
		text += len;
	}
	settle(f);
}

static inline void
assert_screen(struct fixture *f, const char *want)
{
	char *got = grid_text(&f->ui->grid);
	assert_string_equal(want, got);
	free(got);
}

static inline void
assert_bottom(struct fixture *f, const char *want)
{
	char *got = grid_text(&f->ui->grid);
	char *line = got;

	for (int i = 0; i < f->ui->grid.rows - 1; i++)
		line = strchr(line, '\n') + 1;
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(want, line);
	free(got);
}

#endif
