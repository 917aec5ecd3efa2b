/* preview.c - see preview.h. The finished bytes are parsed and drawn by what draws received
 * mail, so what is wrong with them is seen here and not by others first. */
#include <stdlib.h>
#include <string.h>

#include "mime.h"
#include "preview.h"

struct preview {
	struct view view;
	struct mime_msg *m;
	struct lines lines;
	size_t top;
	int rows, columns;		/* columns 0: not laid out yet */
	bool all_headers;
};

static struct preview *
preview_of(struct view *v)
{
	return (struct preview *)v;
}

static void
lay_out(struct preview *x, int columns)
{
	struct str header = { 0 };

	lines_clear(&x->lines);
	mime_part_header(x->m, "", &header);
	mime_show_text(&x->lines, x->m, str_get(&header), header.len, x->all_headers,
		columns > 10 ? columns : 10);
	str_clear(&header);
	x->columns = columns;
}

static enum style
style_of(const struct line *l)
{
	switch (l->style) {
	case SPAN_QUOTE: return (enum style)(ST_QUOTE1 + (l->quote_level + 2) % 3);
	case SPAN_SIGNATURE: return ST_SIGNATURE;
	case SPAN_LINK: return ST_LINK;
	case SPAN_HEADING: return ST_HEADING;
	case SPAN_HEADER: return ST_HEADER;
	case SPAN_HEADER_NAME: return ST_HEADER_NAME;
	case SPAN_ATTACHMENT: return ST_ATTACHMENT;
	case SPAN_NOTICE: return ST_DIM;
	case SPAN_TEXT: break;
	}
	return ST_NORMAL;
}

static void
preview_draw(struct view *v, const struct area *a)
{
	struct preview *x = preview_of(v);

	if (x->columns != a->columns - 2)
		lay_out(x, a->columns - 2);
	x->rows = a->rows;
	size_t last = x->lines.n > (size_t)a->rows ? x->lines.n - (size_t)a->rows : 0;
	x->top = x->top > last ? last : x->top;
	for (int y = 0; y < a->rows && x->top + (size_t)y < x->lines.n; y++) {
		const struct line *l = &x->lines.v[x->top + (size_t)y];
		area_put(a, y, 1, -1, style_of(l), l->text);
	}
}

static void
preview_title(struct view *v, struct str *left, struct str *right)
{
	struct preview *x = preview_of(v);

	str_puts(left, "as it will be seen; q goes back");
	if (x->lines.n > (size_t)x->rows)
		str_printf(right, "%zu-%zu of %zu", x->top + 1, x->top + (size_t)x->rows,
			x->lines.n);
}

static void
scroll(struct preview *x, long by)
{
	x->top = by < 0 && x->top < (size_t)-by ? 0 : x->top + (size_t)by;
}

static void
preview_command(struct view *v, const struct call *c)
{
	struct preview *x = preview_of(v);

	ui_redraw(v->ui);
	switch (c->cmd->id) {
	case CMD_DOWN: scroll(x, 1); break;
	case CMD_UP: scroll(x, -1); break;
	case CMD_PAGE_DOWN: scroll(x, x->rows - 1); break;
	case CMD_PAGE_UP: scroll(x, 1 - x->rows); break;
	case CMD_HALF_DOWN: scroll(x, x->rows / 2); break;
	case CMD_HALF_UP: scroll(x, -(x->rows / 2)); break;
	case CMD_FIRST: x->top = 0; break;
	case CMD_LAST: scroll(x, (long)x->lines.n); break;
	default: break;
	}
}

static void
preview_close(struct view *v)
{
	struct preview *x = preview_of(v);

	lines_clear(&x->lines);
	mime_free(x->m);
	free(x);
}

static const struct view_ops preview_ops = { .bit = V_HELP, .draw = preview_draw,
	.title = preview_title, .command = preview_command, .close = preview_close };

struct view *
preview_new(struct ui *ui, struct mime_msg *m)
{
	struct preview *x = xcalloc(1, sizeof *x);

	x->view.ops = &preview_ops;
	x->view.ui = ui;
	x->m = m;
	return &x->view;
}
