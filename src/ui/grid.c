/* grid.c - cells, clipping, damage.
 *
 * Invariants: every cell's text is clean and one grapheme; a wide cell is followed by one
 * of width 0, and nothing else has width 0. Writing over one half of a wide character
 * blanks the other. What the terminal shows is kept beside what it should show, and a row
 * is sent from the first to the last cell in which they differ: views redraw the whole of
 * themselves without costing a byte on the wire. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "utf8.h"

static const char ellipsis[] = "\xe2\x80\xa6";
static const struct cell blank = { " ", 1, ST_NORMAL, ST_NORMAL };
/* equals no drawn cell */
static const struct cell unknown = { "", 1, ST_NORMAL, ST_NORMAL };

static void
cells_set(struct cell *cells, size_t n, const struct cell *c)
{
	for (size_t i = 0; i < n; i++)
		cells[i] = *c;
}

void
grid_init(struct grid *g, int rows, int columns)
{
	*g = (struct grid){ .cursor_y = -1 };
	grid_resize(g, rows, columns);
}

void
grid_resize(struct grid *g, int rows, int columns)
{
	size_t n = (size_t)rows * (size_t)columns;

	g->rows = rows;
	g->columns = columns;
	g->cells = xreallocarray(g->cells, n ? n : 1, sizeof *g->cells);
	g->shown = xreallocarray(g->shown, n ? n : 1, sizeof *g->shown);
	grid_erase(g);
	grid_mark_damaged(g);
}

void
grid_clear(struct grid *g)
{
	free(g->cells);
	free(g->shown);
	*g = (struct grid){ .cursor_y = -1 };
}

void
grid_erase(struct grid *g)
{
	cells_set(g->cells, (size_t)g->rows * (size_t)g->columns, &blank);
	g->cursor_y = -1;
	g->cursor_x = 0;
}

static struct cell *
cell_at(const struct grid *g, int y, int x)
{
	return &g->cells[(size_t)y * (size_t)g->columns + (size_t)x];
}

const struct cell *
grid_cell(const struct grid *g, int y, int x)
{
	return cell_at(g, y, x);
}

static bool
same_cell(const struct cell *a, const struct cell *b)
{
	return a->width == b->width && a->style == b->style && a->over == b->over &&
		strcmp(a->text, b->text) == 0;
}

bool
grid_damage(const struct grid *g, int y, int *from, int *to)
{
	const struct cell *now = cell_at(g, y, 0);
	const struct cell *was = &g->shown[(size_t)y * (size_t)g->columns];
	int a = 0, b = g->columns;

	while (a < b && same_cell(&now[a], &was[a]))
		a++;
	while (b > a && same_cell(&now[b - 1], &was[b - 1]))
		b--;
	if (a == b)
		return false;
	while (a > 0 && (now[a].width == 0 || was[a].width == 0))
		a--;
	while (b < g->columns && (now[b].width == 0 || was[b].width == 0))
		b++;
	*from = a;
	*to = b;
	return true;
}

void
grid_mark_shown(struct grid *g)
{
	memcpy(g->shown, g->cells, (size_t)g->rows * (size_t)g->columns * sizeof *g->cells);
}

void
grid_mark_damaged(struct grid *g)
{
	cells_set(g->shown, (size_t)g->rows * (size_t)g->columns, &unknown);
}

char *
grid_text(const struct grid *g)
{
	struct str out = {0};

	for (int y = 0; y < g->rows; y++) {
		for (int x = 0; x < g->columns; x++)
			str_puts(&out, cell_at(g, y, x)->text);
		size_t len = out.len;
		while (len > 0 && out.data[len - 1] == ' ')
			len--;
		str_cut(&out, len);
		str_putc(&out, '\n');
	}
	return str_take(&out);
}

char *
grid_styles(const struct grid *g)
{
	struct str out = {0};

	for (int y = 0; y < g->rows; y++) {
		for (int x = 0; x < g->columns; x++) {
			const struct cell *c = cell_at(g, y, x);
			str_putc(&out, c->over != ST_NORMAL ? '#' :
				c->style == ST_NORMAL ? '.' : (char)('a' + c->style));
		}
		str_putc(&out, '\n');
	}
	return str_take(&out);
}

struct area
grid_area(struct grid *g)
{
	return (struct area){ g, 0, 0, g->rows, g->columns };
}

/* Cuts [from, from + n) to [0, max); n -1: all that is left. */
static void
clip(int *from, int *n, int max)
{
	if (*n < 0)
		*n = max > *from ? max - *from : 0;
	if (*from < 0) {
		*n += *from;
		*from = 0;
	}
	if (*from > max)
		*from = max;
	if (*n > max - *from)
		*n = max - *from;
	if (*n < 0)
		*n = 0;
}

struct area
area_sub(const struct area *a, int y, int x, int rows, int columns)
{
	clip(&y, &rows, a->rows);
	clip(&x, &columns, a->columns);
	return (struct area){ a->grid, a->y + y, a->x + x, rows, columns };
}

/* The part of the run (y, x, columns) that lies in the area, as grid coordinates. */
static bool
locate(const struct area *a, int *y, int *x, int *columns)
{
	if (*y < 0 || *y >= a->rows)
		return false;
	clip(x, columns, a->columns);
	*y += a->y;
	*x += a->x;
	return *columns > 0;
}

/* Blanks the halves of wide characters that a write to [x, x + n) would leave alone. */
static void
mend_edges(struct grid *g, int y, int x, int n)
{
	struct cell *row = cell_at(g, y, 0);

	if (x > 0 && row[x].width == 0) {
		memcpy(row[x - 1].text, " ", 2);
		row[x - 1].width = 1;
	}
	if (x + n < g->columns && row[x + n].width == 0) {
		memcpy(row[x + n].text, " ", 2);
		row[x + n].width = 1;
	}
}

/* One grapheme of s[0..n), cut between characters where it is longer than a cell holds. */
static void
set_cell(struct grid *g, int y, int x, const char *s, size_t n, int width, enum style st)
{
	struct cell *c = cell_at(g, y, x);

	mend_edges(g, y, x, width);
	if (n >= CELL_BYTES) {
		n = CELL_BYTES - 1;
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(c->text, s, n);
	c->text[n] = '\0';
	c->width = (uint8_t)width;
	c->style = (uint8_t)st;
	c->over = ST_NORMAL;
	if (width == 2) {
		c[1] = *c;
		c[1].text[0] = '\0';
		c[1].width = 0;
	}
}

/* Cleaned text into [x, x + columns) of row y, all in grid coordinates, as far as it goes. */
static int
put_clean(struct grid *g, int y, int x, int columns, enum style st, const char *s, size_t n)
{
	int used = 0, w;

	for (size_t i = 0; i < n;) {
		size_t len = text_grapheme(s + i, n - i, &w);
		if (used + w > columns)
			break;
		if (w > 0)		/* a mark with nothing to stand on shows nothing */
			set_cell(g, y, x + used, s + i, len, w, st);
		used += w;
		i += len;
	}
	return used;
}

int
area_putn(const struct area *a, int y, int x, int columns, enum style st, const char *text,
	size_t n)
{
	struct str s = {0};
	int used = 0;

	if (!locate(a, &y, &x, &columns))
		return 0;
	text_clean(&s, text, n, CLEAN_LINE);
	size_t fit = text_fit(str_get(&s), s.len, columns, &used);
	if (fit < s.len) {
		used = put_clean(a->grid, y, x, columns - 1, st, s.data, s.len);
		used += put_clean(a->grid, y, x + used, 1, st, ellipsis, sizeof ellipsis - 1);
	} else {
		used = put_clean(a->grid, y, x, columns, st, str_get(&s), s.len);
	}
	str_clear(&s);
	return used;
}

int
area_put(const struct area *a, int y, int x, int columns, enum style st, const char *text)
{
	return area_putn(a, y, x, columns, st, text, strlen(text));
}

int
area_printf(const struct area *a, int y, int x, int columns, enum style st,
	const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	int used = area_putn(a, y, x, columns, st, str_get(&s), s.len);
	str_clear(&s);
	return used;
}

int
area_put_right(const struct area *a, int y, int x, int columns, enum style st,
	const char *text)
{
	struct str s = {0};

	if (columns < 0)
		columns = a->columns - x;
	text_clean(&s, text, strlen(text), CLEAN_LINE);
	int w = text_width(str_get(&s), s.len);
	if (w > columns)
		w = columns;
	int used = area_putn(a, y, x + columns - w, w, st, str_get(&s), s.len);
	str_clear(&s);
	return used;
}

void
area_fill(const struct area *a, int y, int x, int columns, enum style st, const char *grapheme)
{
	struct str s = {0};
	int w;

	if (!locate(a, &y, &x, &columns))
		return;
	text_clean(&s, grapheme, strlen(grapheme), CLEAN_LINE);
	size_t len = s.len ? text_grapheme(s.data, s.len, &w) : 0;
	for (int i = 0; len > 0 && w > 0 && i + w <= columns; i += w)
		set_cell(a->grid, y, x + i, s.data, len, w, st);
	str_clear(&s);
}

void
area_over(const struct area *a, int y, int x, int columns, enum style over)
{
	if (!locate(a, &y, &x, &columns))
		return;
	for (int i = 0; i < columns; i++)
		cell_at(a->grid, y, x + i)->over = (uint8_t)over;
}

void
area_style(const struct area *a, int y, int x, int columns, enum style st)
{
	if (!locate(a, &y, &x, &columns))
		return;
	for (int i = 0; i < columns; i++)
		cell_at(a->grid, y, x + i)->style = (uint8_t)st;
}

void
area_cursor(const struct area *a, int y, int x)
{
	if (y < 0 || y >= a->rows || x < 0 || x >= a->columns)
		return;
	a->grid->cursor_y = a->y + y;
	a->grid->cursor_x = a->x + x;
}
