/* grid.h - the screen as cells, without a terminal.
 *
 * Everything that is shown is drawn into a grid; term.c sends what changed. A test reads
 * the grid as text. All text drawn here passes text_clean on the way in, whoever calls:
 * this is the one last step before the screen (SECURITY 7), so that a view may hand over a
 * subject as the store gave it.
 *
 * Views draw into an `area`, a rectangle with its own origin; whatever lies outside is
 * clipped. Write characters such as │ ├ └ ─ … ● ▸ ▾ freely: where the locale has no UTF-8,
 * the terminal shows ASCII for them and '?' for all else. One thread. */
#ifndef DUNLIN_UI_GRID_H
#define DUNLIN_UI_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"
#include "theme.h"

enum { CELL_BYTES = 28 };

struct cell {
	char text[CELL_BYTES];	/* one grapheme, NUL-terminated; "" in the right
				 * half of a wide one */
	uint8_t width;		/* 1, 2; 0: the right half of the wide one before it */
	uint8_t style;		/* enum style */
	uint8_t over;		/* enum style laid upon it; ST_NORMAL: none */
};

struct grid {
	int rows, columns;
	struct cell *cells;	/* rows * columns */
	struct cell *shown;	/* what the terminal has; grid_damage compares with it */
	int cursor_y, cursor_x;	/* cursor_y -1: hidden */
};

void grid_init(struct grid *g, int rows, int columns);
void grid_resize(struct grid *g, int rows, int columns);	/* blank; all is damaged */
void grid_clear(struct grid *g);		/* frees; zero is fine */
void grid_erase(struct grid *g);		/* all blank, cursor hidden */
const struct cell *grid_cell(const struct grid *g, int y, int x);

/* The columns [*from, *to) of row y that differ from what the terminal has; false: none. Never
 * begins or ends within a wide character. */
bool grid_damage(const struct grid *g, int y, int *from, int *to);
void grid_mark_shown(struct grid *g);
void grid_mark_damaged(struct grid *g);		/* the terminal's screen was lost */

/* The screen as text, lines without trailing spaces, each ended by '\n'. Owned. For tests. */
char *grid_text(const struct grid *g);
/* One character a cell for the style under it ('.' normal, '#' where there is an overlay, else
 * 'a' + style): tests of highlighting. Owned. */
char *grid_styles(const struct grid *g);

struct area {
	struct grid *grid;
	int y, x, rows, columns;
};

struct area grid_area(struct grid *g);
/* A rectangle within a; clipped to it. rows or columns -1: all that is left. */
struct area area_sub(const struct area *a, int y, int x, int rows, int columns);

/* Draws text at (y, x) in at most `columns` columns (-1: up to the edge), cut with an
 * ellipsis when it is longer. Returns the columns used. */
int area_put(const struct area *a, int y, int x, int columns, enum style st, const char *text);
int area_putn(const struct area *a, int y, int x, int columns, enum style st, const char *text,
	size_t n);
int area_printf(const struct area *a, int y, int x, int columns, enum style st,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Ends at column x + columns. Returns the columns used. */
int area_put_right(const struct area *a, int y, int x, int columns, enum style st,
	const char *text);
/* Fills with one grapheme (" " to blank). columns -1: up to the edge. */
void area_fill(const struct area *a, int y, int x, int columns, enum style st,
	const char *grapheme);
/* Lays a style upon what is drawn there: the cursor line, a search match. */
void area_over(const struct area *a, int y, int x, int columns, enum style over);
/* Styles what is drawn there anew, text unchanged. */
void area_style(const struct area *a, int y, int x, int columns, enum style st);
void area_cursor(const struct area *a, int y, int x);	/* shows the terminal's cursor there */

#endif
