/* hints.c - the keys that may come next, once a sequence is begun: beside what was pressed
 * where they fit on the bottom line, else in columns above it; and while nothing is going on,
 * the keys used most in this view. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "str.h"
#include "utf8.h"

struct hint {
	char *key;
	const char *line;
	int columns;			/* of both, and what stands between */
};

struct hints {
	struct hint *v;
	size_t n, cap;
	int widest, all;		/* all: beside one another */
};

static void
add_hint(void *ctx, const char *key, const char *line)
{
	struct hints *h = ctx;
	int w = text_width(key, strlen(key)) + 1 + text_width(line, strlen(line));

	h->v = array_grow(h->v, h->n, &h->cap, sizeof *h->v);
	h->v[h->n++] = (struct hint){ xstrdup(key), line, w };
	h->widest = w > h->widest ? w : h->widest;
	h->all += w + 2;
}

static int
draw_hint(const struct area *a, int y, int x, const struct hint *h)
{
	int used = area_put(a, y, x, -1, ST_KEY, h->key) + 1;

	return used + area_put(a, y, x + used, -1, ST_DIM, h->line);
}

/* Down one column after the other. */
static void
draw_columns(const struct hints *h, const struct area *a, int bottom)
{
	int width = h->widest + 3, fit = (a->columns - 1) / width;
	int per_row = fit > 0 ? fit : 1;
	int rows = ((int)h->n + per_row - 1) / per_row;

	rows = rows < bottom - 2 ? rows : bottom - 2;
	area_fill(a, bottom - rows - 1, 0, -1, ST_DIM, "─");
	for (int y = 0; y < rows; y++) {
		area_fill(a, bottom - rows + y, 0, -1, ST_NORMAL, " ");
		for (int k = 0; k < per_row && (size_t)(k * rows + y) < h->n; k++)
			draw_hint(a, bottom - rows + y, 1 + k * width, &h->v[k * rows + y]);
	}
}

void
hints_draw(struct ui *ui, const struct area *all, const struct area *line)
{
	struct hints h = {0};
	struct str s = {0};

	keys_text(&s, ui->keys, ui->n_keys);
	keymap_hints(&ui->keymap, ui_top(ui)->ops->bit, ui->keys, ui->n_keys, add_hint, &h);
	int x = 1 + area_put(line, 0, 1, -1, ST_PROMPT, str_get(&s));
	if (x + h.all > line->columns)
		draw_columns(&h, all, all->rows - 1);
	else
		for (size_t i = 0; i < h.n; i++)
			x += 2 + draw_hint(line, 0, x + 2, &h.v[i]);
	for (size_t i = 0; i < h.n; i++)
		free(h.v[i].key);
	free(h.v);
	str_clear(&s);
}

/* ---- while nothing is going on ---- */

/* The keys used most, the most needed first. Help names the rest. */
static const struct {
	unsigned view;
	enum command_id id;
	const char *word;
} usual[] = {
	{ V_INDEX, CMD_DELETE, "delete" }, { V_INDEX, CMD_REPLY, "reply" },
	{ V_INDEX, CMD_COMPOSE, "write" }, { V_INDEX, CMD_FOLDERS, "folders" },
	{ V_INDEX, CMD_LIMIT, "limit" }, { V_INDEX, CMD_ARCHIVE, "archive" },
	{ V_PAGER, CMD_BACK, "back" }, { V_PAGER, CMD_DELETE, "delete" },
	{ V_PAGER, CMD_REPLY, "reply" }, { V_PAGER, CMD_FORWARD, "forward" },
	{ V_PAGER, CMD_PARTS, "parts" }, { V_PAGER, CMD_ARCHIVE, "archive" },
	{ V_FOLDERS, CMD_OPEN, "open" }, { V_FOLDERS, CMD_CREATE_FOLDER, "new" },
	{ V_FOLDERS, CMD_RENAME_FOLDER, "rename" }, { V_PARTS, CMD_BACK, "back" },
	{ V_PARTS, CMD_SAVE, "save" }, { V_PARTS, CMD_OPEN_WITH, "open" },
	{ V_HELP, CMD_BACK, "back" }, { V_MESSAGES, CMD_BACK, "back" },
};

void
hints_usual(struct ui *ui, const struct area *line, int from)
{
	struct hints h = {0};
	unsigned view = ui_top(ui)->ops->bit, caps = frame_caps(ui);

	bool is_full = false;

	for (size_t i = 0; i < LEN(usual) && !is_full; i++) {
		struct str key = {0};
		if (usual[i].view == view && !(command_at(usual[i].id)->needs & ~caps))
			keymap_key_of(&ui->keymap, view, usual[i].id, &key);
		int w = text_width(str_get(&key), key.len) + 3 + text_width(usual[i].word,
			strlen(usual[i].word));
		is_full = key.len && from + 2 + h.all + w > line->columns;
		if (key.len && !is_full)
			add_hint(&h, str_get(&key), usual[i].word);
		str_clear(&key);
	}
	for (size_t i = 0, x = (size_t)(line->columns - h.all); i < h.n; i++) {
		draw_hint(line, 0, (int)x + 2, &h.v[i]);
		x += (size_t)h.v[i].columns + 2;
		free(h.v[i].key);
	}
	free(h.v);
}
