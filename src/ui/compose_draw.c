/* compose_draw.c - how a draft is drawn: its header as rows, its attachments, and the text
 * as who gets it will see it. */
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "mime.h"
#include "outbox.h"
#include "utf8.h"
#include "work.h"
#include "sealing.h"
#include "writing.h"

enum { LABEL_COLUMNS = 10 };

/* The text as it is typed, for a message that cannot be built yet. */
static void
lay_out_typed(struct compose *x, int columns)
{
	static const struct part plain = { .type = "text/plain", .charset = "utf-8",
		.format = "", .delsp = "", .section = "1", .filename = "", .id = "",
		.description = "", .protocol = "" };
	struct str text = { 0 };

	text_clean(&text, str_get(&x->note.text), x->note.text.len, CLEAN_TEXT);
	mime_render(x->preview, &plain, str_get(&text), text.len, columns);
	str_clear(&text);
}

/* The text of the message that is sent, as the pager of who gets it draws it.
 * False: there is none yet. */
static bool
lay_out_built(struct compose *x, int columns)
{
	struct note bare = x->note;
	struct letter l = { 0 };
	struct mime_msg *m = NULL;
	struct str bytes = { 0 }, text = { 0 };

	bare.n_files = 0;			/* they change nothing of the text */
	bool ok = outbox_letter(&l, ui_data_dir(x->view.ui), x->id, &bare, true, NULL,
		NULL) == ERR_OK && mime_parse(&m, str_get(&l.bytes), l.bytes.len,
		NULL) == ERR_OK && mime_part_bytes(m, "1", &bytes, DRAFT_MAX_TEXT);
	if (ok) {
		const struct part *p = part_find(mime_root(m), "1");
		mime_to_utf8(&text, p, str_get(&bytes), bytes.len);
		mime_render(x->preview, p, str_get(&text), text.len, columns);
	}
	str_clear(&text);
	str_clear(&bytes);
	mime_free(m);
	letter_clear(&l);
	return ok;
}

static void
lay_out(struct compose *x, int columns)
{
	int width = columns > 10 ? columns : 10;

	x->note.is_flowed = ui_rc(x->view.ui)->flowed;
	lines_clear(x->preview);
	if (!lay_out_built(x, width))
		lay_out_typed(x, width);
	x->columns = columns;
}

static enum style
style_of(const struct line *l)
{
	switch (l->style) {
	case SPAN_QUOTE:
		return (enum style)(ST_QUOTE1 + (l->quote_level + 2) % 3);
	case SPAN_SIGNATURE:
		return ST_SIGNATURE;
	case SPAN_LINK:
		return ST_LINK;
	default:
		return ST_NORMAL;
	}
}

/* An empty field says which key fills it. */
static void
draw_hint(struct compose *x, const struct area *a, int y, size_t i)
{
	struct str key = { 0 };

	compose_hint(x->view.ui, i, &key);
	if (key.len > 0)
		area_printf(a, y, LABEL_COLUMNS + 1, -1, ST_DIM, "(%s)", str_get(&key));
	str_clear(&key);
}

static int
draw_header(struct compose *x, const struct area *a)
{
	int y = 0;

	for (size_t i = 0; i < COMPOSE_FIELDS && y < a->rows; i++, y++) {
		const char *value = note_get(*compose_field(x, i));
		area_put_right(a, y, 0, LABEL_COLUMNS - 1, ST_HEADER_NAME, compose_label(i));
		if (*value)
			area_put(a, y, LABEL_COLUMNS + 1, -1,
				i == COMPOSE_FIELDS - 1 ? ST_STRONG : ST_HEADER, value);
		else
			draw_hint(x, a, y, i);
	}
	for (size_t i = 0; i < x->note.n_files && y < a->rows; i++, y++) {
		const struct note_file *f = &x->note.files[i];
		char size[8];
		format_size(size, f->size_bytes);
		area_put_right(a, y, 0, LABEL_COLUMNS - 1, ST_HEADER_NAME,
			i == 0 ? "Attached" : "");
		area_printf(a, y, LABEL_COLUMNS + 1, -1, ST_ATTACHMENT, "%s  %s  %s", f->name,
			size, f->type);
	}
	if (x->cursor < (size_t)y)
		area_over(a, (int)x->cursor, 0, -1, ST_CURSOR);
	return y;
}

static void
draw_preview(struct compose *x, const struct area *a)
{
	if (x->columns != a->columns - 2)
		lay_out(x, a->columns - 2);
	x->rows = a->rows;
	size_t last = x->preview->n > (size_t)a->rows ? x->preview->n - (size_t)a->rows : 0;
	if (x->top > last)
		x->top = last;
	for (int y = 0; y < a->rows && x->top + (size_t)y < x->preview->n; y++) {
		const struct line *l = &x->preview->v[x->top + (size_t)y];
		area_put(a, y, 1, -1, style_of(l), l->text);
	}
	if (x->note.text.len == 0)
		area_put(a, 0, 1, -1, ST_DIM, "No text yet: e edits it");
}

/* Between header and text: how it goes out. */
static void
draw_rule(struct compose *x, const struct area *a, int y)
{
	struct str text = { 0 };

	area_fill(a, y, 0, -1, ST_DIM, "─");
	sealing_describe(x, &text);
	if (text.len > 0)
		area_printf(a, y, 2, a->columns - 4, ST_STRONG, " %s ", str_get(&text));
	str_clear(&text);
}

void
compose_draw(struct view *v, const struct area *a)
{
	struct compose *x = (struct compose *)v;

	if (x->wish) {
		if (x->bring.n > 1)
			area_printf(a, a->rows / 3, 2, -1, ST_NORMAL,
				"%s message %zu of %zu ...",
				x->is_attaching ? "Attaching" : "Fetching",
				(x->is_attaching ? x->n_attached : x->bring.at) + 1,
				x->bring.n);
		else
			area_put(a, a->rows / 3, 2, -1, ST_NORMAL,
				x->n_works
				? "Taking the message apart ..." : "Fetching the message ...");
		return;
	}
	int y = draw_header(x, a);
	if (y < a->rows)
		draw_rule(x, a, y);
	if (y + 1 < a->rows) {
		struct area below = area_sub(a, y + 1, 0, -1, -1);
		draw_preview(x, &below);
	}
}

void
compose_title(struct view *v, struct str *left, struct str *right)
{
	struct compose *x = (struct compose *)v;
	uint64_t bytes = x->note.text.len;
	char size[8];

	for (size_t i = 0; i < x->note.n_files; i++)
		bytes += x->note.files[i].size_bytes * 78 / 57;
	format_size(size, bytes);
	const struct work *w = work_of(v->ui, v, 0);
	if (w)
		str_printf(left, "%s; Esc stops it", w->what);
	else
		str_puts(left, "compose: y sends, e edits, P postpones, ? help");
	str_printf(right, "%s%s", size, x->is_saved ? "" : "  NOT SAVED");
}
