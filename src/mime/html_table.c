/* html_table.c - tables: those that hold data are set in columns, those that are layout are
 * read in order.
 *
 * Which is which shows in the rows: neighbouring rows of several short cells are data, and
 * stand in columns as wide as their content allows; a single such row is put on one line
 * (menus, "Total 12.00"); everything else is cells one after the other. A cell is looked into
 * only as far as it stays simple, so nested tables do not multiply the work. */
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "utf8.h"

enum { MAX_COLUMNS = 12, MAX_ROWS = 500, MAX_CELL_BYTES = 300, MIN_WIDTH = 8, GAP = 2,
	SHORT_COLUMNS = 36, MAX_BREAKS = 4, MAX_CELL_DEPTH = 12 };

struct row {
	char *cell[MAX_COLUMNS];	/* owned */
	int n;
	bool is_header;
};

struct grid {
	struct html *h;
	struct row *rows;
	size_t n, cap;
};

static bool
is_cell(const xmlNode *n)
{
	return html_is(n, "td") || html_is(n, "th");
}

bool
html_is_simple(const xmlNode *n, size_t *n_bytes, int *n_breaks, int depth)
{
	static const char *const complex[] = { "table", "ul", "ol", "blockquote", "pre", "hr",
		"dl", "h1", "h2", "h3", "h4", "form" };

	if (depth > MAX_CELL_DEPTH)
		return false;
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_TEXT_NODE && c->content)
			*n_bytes += strlen((const char *)c->content +
				strspn((const char *)c->content, " \t\r\n"));
		for (size_t i = 0; i < LEN(complex); i++) {
			if (html_is(c, complex[i]))
				return false;
		}
		*n_breaks += html_is(c, "br") || html_is(c, "p") || html_is(c, "div");
		if (*n_bytes > MAX_CELL_BYTES || *n_breaks > MAX_BREAKS)
			return false;
		if (c->type == XML_ELEMENT_NODE &&
		    !html_is_simple(c, n_bytes, n_breaks, depth + 1))
			return false;
	}
	return true;
}

/* The text of a simple cell; owned. */
static char *
capture(struct html *h, const xmlNode *cell)
{
	struct html sub = { .out = h->out, .columns = h->columns, .style = h->style,
		.is_zero_size = h->is_zero_size, .is_capture = true };
	struct str clean = {0};

	if (!html_is_hidden(&sub, cell))
		html_children(&sub, cell);
	h->n_hidden += sub.n_hidden;
	h->n_visible += sub.n_visible;
	while (sub.text.len && strchr(" \n", sub.text.data[sub.text.len - 1]))
		str_cut(&sub.text, sub.text.len - 1);
	text_clean(&clean, str_get(&sub.text), sub.text.len, CLEAN_TEXT);
	str_clear(&sub.text);
	str_clear(&sub.prefix);
	free(sub.first);
	return str_take(&clean);
}

static int
widest_line(const char *s)
{
	int widest = 0;

	while (*s) {
		size_t n = strcspn(s, "\n");
		int w = text_width(s, n);
		if (w > widest)
			widest = w;
		s += n + (s[n] == '\n');
	}
	return widest;
}

static void
row_clear(struct row *r)
{
	for (int i = 0; i < r->n; i++)
		free(r->cell[i]);
	r->n = 0;
}

static int
n_filled(const struct row *r)
{
	int n = 0;

	for (int i = 0; i < r->n; i++)
		n += *r->cell[i] != '\0';
	return n;
}

/* At most one long cell: two long texts side by side are columns of a newspaper, not data. */
static bool
is_data(const struct row *r)
{
	int n_long = 0;

	for (int i = 0; i < r->n; i++)
		n_long += widest_line(r->cell[i]) > SHORT_COLUMNS;
	return n_filled(r) >= 2 && n_long <= 1;
}

static void
put_paragraph(struct html *h, const char *s)
{
	for (; *s; s += strcspn(s, "\n"), s += *s == '\n') {
		size_t n = strcspn(s, "\n");
		if (h->text.len)
			str_putc(&h->text, '\n');
		str_add(&h->text, s, n);
	}
	html_flush(h);
}

/* A row that stands alone: on one line if it fits, else cell below cell. */
static void
put_single_row(struct html *h, const struct row *r)
{
	int width = (int)h->prefix.len;
	bool fits = is_data(r);

	for (int i = 0; i < r->n; i++) {
		width += *r->cell[i] ? widest_line(r->cell[i]) + GAP : 0;
		fits = fits && !strchr(r->cell[i], '\n');
	}
	fits = fits && width - GAP <= h->columns;
	html_flush(h);
	for (int i = 0; i < r->n; i++) {
		if (!fits) {
			put_paragraph(h, r->cell[i]);
		} else if (*r->cell[i]) {
			str_printf(&h->text, "%s%s", h->text.len ? "  " : "", r->cell[i]);
		}
	}
	html_flush(h);
}

/* ---- columns ---- */

struct columns {
	int n, width[MAX_COLUMNS];
	bool is_number[MAX_COLUMNS];
};

static bool
looks_number(const char *s)
{
	size_t digits = 0;

	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digits++;
		else if ((unsigned char)*s < 0x80 && !strchr(" .,%$+-()'", *s))
			return false;
	}
	return digits > 0;
}

static void
measure(struct columns *c, const struct grid *g)
{
	int n_values[MAX_COLUMNS] = {0};

	*c = (struct columns){0};
	for (int i = 0; i < MAX_COLUMNS; i++)
		c->is_number[i] = true;
	for (size_t k = 0; k < g->n; k++) {
		const struct row *r = &g->rows[k];
		c->n = r->n > c->n ? r->n : c->n;
		for (int i = 0; i < r->n; i++) {
			int w = widest_line(r->cell[i]);
			c->width[i] = w > c->width[i] ? w : c->width[i];
			if (*r->cell[i] && !r->is_header) {
				c->is_number[i] = c->is_number[i] && looks_number(r->cell[i]);
				n_values[i]++;
			}
		}
	}
	for (int i = 0; i < c->n; i++)
		c->is_number[i] = c->is_number[i] && n_values[i] > 0;
}

/* Takes from the widest until all fit. False: not even then. */
static bool
squeeze(struct columns *c, int room)
{
	int total = -GAP;

	for (int i = 0; i < c->n; i++)
		total += c->width[i] ? c->width[i] + GAP : 0;
	while (total > room) {
		int widest = 0;
		for (int i = 1; i < c->n; i++)
			widest = c->width[i] > c->width[widest] ? i : widest;
		if (c->width[widest] <= MIN_WIDTH)
			return false;
		int less = total - room < c->width[widest] / 4 ? 1 : c->width[widest] / 8;
		c->width[widest] -= less ? less : 1;
		total -= less ? less : 1;
	}
	return true;
}

/* The cells of a row wrapped into their columns, line by line. */
static void
put_columns(struct html *h, const struct columns *c, const struct row *r)
{
	struct lines cell[MAX_COLUMNS] = {0};
	size_t height = 0;

	for (int i = 0; i < r->n; i++) {
		struct shape shape = { SPAN_TEXT, 0, "", "", c->width[i], true };
		for (const char *s = r->cell[i]; *s && c->width[i];) {
			size_t n = strcspn(s, "\n");
			lines_wrap(&cell[i], &shape, s, n);
			s += n + (s[n] == '\n');
		}
		height = cell[i].n > height ? cell[i].n : height;
	}
	for (size_t k = 0; k < height; k++) {
		int pad = -GAP;		/* spaces owed before the next text */
		for (int i = 0; i < r->n; i++) {
			if (!c->width[i])
				continue;
			const char *t = k < cell[i].n ? cell[i].v[k].text : "";
			int slack = c->width[i] - text_width(t, strlen(t));
			pad += GAP + (c->is_number[i] ? slack : 0);
			str_printf(&h->text, "%*s%s", pad, "", t);
			pad = c->is_number[i] ? 0 : slack;
		}
		html_flush(h);
	}
	for (int i = 0; i < r->n; i++)
		lines_clear(&cell[i]);
}

static void
put_header_rule(struct html *h, const struct columns *c)
{
	for (int i = 0; i < c->n; i++) {
		if (!c->width[i])
			continue;
		str_puts(&h->text, h->text.len ? "  " : "");
		for (int k = 0; k < c->width[i]; k++)
			str_puts(&h->text, "\xe2\x94\x80");
	}
	html_flush(h);
}

/* Prints the rows gathered so far. */
static void
put_grid(struct grid *g)
{
	struct columns c;

	html_flush(g->h);
	measure(&c, g);
	bool in_columns = g->n >= 2 && squeeze(&c, g->h->columns - (int)g->h->prefix.len);
	if (in_columns)
		html_block(g->h, true);
	for (size_t i = 0; i < g->n; i++) {
		if (in_columns)
			put_columns(g->h, &c, &g->rows[i]);
		else
			put_single_row(g->h, &g->rows[i]);
		if (in_columns && i == 0 && g->rows[0].is_header)
			put_header_rule(g->h, &c);
		row_clear(&g->rows[i]);
	}
	if (in_columns)
		html_block(g->h, true);
	g->n = 0;
}

static void
add_row(struct grid *g, const xmlNode *tr)
{
	struct row r = { .is_header = true };
	bool simple = true;
	int n = 0;

	for (const xmlNode *c = tr->children; c && simple; c = c->next) {
		size_t n_bytes = 0;
		int n_breaks = 0;
		if (is_cell(c))
			simple = ++n <= MAX_COLUMNS && html_is_simple(c, &n_bytes, &n_breaks,
				0);
		else if (c->type == XML_ELEMENT_NODE)
			simple = false;
	}
	if (!simple || n < 2) {
		put_grid(g);
		for (const xmlNode *c = tr->children; c; c = c->next)
			html_walk(g->h, c);
		html_flush(g->h);
		return;
	}
	for (const xmlNode *c = tr->children; c; c = c->next) {
		if (!is_cell(c))
			continue;
		r.is_header = r.is_header && html_is(c, "th");
		r.cell[r.n++] = capture(g->h, c);
	}
	if (is_data(&r) && g->n < MAX_ROWS) {
		g->rows = array_grow(g->rows, g->n, &g->cap, sizeof *g->rows);
		g->rows[g->n++] = r;
		return;
	}
	put_grid(g);
	put_single_row(g->h, &r);
	row_clear(&r);
}

static void
add_rows(struct grid *g, const xmlNode *n, int depth)
{
	for (const xmlNode *c = n->children; c && !g->h->is_full; c = c->next) {
		bool was_zero = g->h->is_zero_size;
		if (c->type != XML_ELEMENT_NODE || html_is_hidden(g->h, c)) {
			if (c->type == XML_TEXT_NODE)
				html_walk(g->h, c);
		} else if (html_is(c, "tr")) {
			add_row(g, c);
		} else if (depth == 0 && (html_is(c, "tbody") || html_is(c, "thead") ||
		    html_is(c, "tfoot"))) {
			add_rows(g, c, 1);
		} else {
			put_grid(g);
			html_walk(g->h, c);
		}
		g->h->is_zero_size = was_zero;
	}
}

void
html_table(struct html *h, const xmlNode *table)
{
	struct grid g = { .h = h };

	html_block(h, true);
	add_rows(&g, table, 0);
	put_grid(&g);
	free(g.rows);
	html_block(h, true);
}
