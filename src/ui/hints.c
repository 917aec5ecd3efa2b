/* hints.c - the keys that may come next, once a sequence is begun: beside what was pressed where
 * they fit on the bottom line, else in columns above it. */
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
	int width = h->widest + 3, per_row = (a->columns - 1) / width > 0 ? (a->columns - 1) / width : 1;
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
