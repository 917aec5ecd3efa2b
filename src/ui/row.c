/* row.c - a row of the message list on the screen: what format.c says, in the styles of what
 * it means. */
#include "row.h"

static enum style
row_style(const struct list_row *r)
{
	bool is_unread = r->n_folded ? r->n_unread > 0 : !(r->m->flags & MSG_SEEN);

	return r->m->flags & MSG_DELETED ? ST_DELETED : is_unread ? ST_UNREAD : ST_NORMAL;
}

static void
draw_flags(const struct area *a, int y, const struct layout *lay, const struct list_row *r)
{
	static const enum style styles[FLAGS_COLUMNS] = { ST_PENDING, ST_UNREAD, ST_FLAGGED,
		ST_ATTACHMENT };
	char flags[FLAGS_COLUMNS + 1], one[2] = "";

	format_flags(flags, r);
	for (int i = 0; i < FLAGS_COLUMNS; i++) {
		one[0] = flags[i];
		if (flags[i] != ' ')
			area_put(a, y, lay->flags.x + i, 1, styles[i], one);
	}
}

/* The tree, then the subject; where the thread's subject stands above already, dim. */
static void
draw_subject(const struct area *a, int y, const struct layout *lay, const struct list_row *r,
	bool is_top)
{
	struct str tree = { 0 };
	int x = lay->subject.x, end = x + lay->subject.columns;
	enum style st = row_style(r);

	if (r->n_folded)
		x += area_printf(a, y, x, end - x, ST_THREAD, "▸%u ", r->n_folded);
	format_tree(&tree, r, lay->subject.columns / 3);
	if (tree.len > 0)
		x += area_put(a, y, x, end - x, ST_THREAD, str_get(&tree)) + 1;
	if (st == ST_NORMAL)
		st = format_is_repeat(r) && !is_top ? ST_DIM : ST_SUBJECT;
	if (x < end)
		area_put(a, y, x, end - x, st, format_subject(r));
	str_clear(&tree);
}

void
row_draw(struct ui *ui, const struct area *a, int y, const struct layout *lay,
	const struct list_row *r, const char *place, bool is_outgoing, bool is_cursor)
{
	struct str sender = { 0 };
	char date[64], size[8];
	enum style st = row_style(r);

	draw_flags(a, y, lay, r);
	format_date(date, sizeof date, r->m->arrived, ui_now(ui), lay->date.columns,
		ui_rc(ui)->date_format);
	area_put_right(a, y, lay->date.x, lay->date.columns, ST_DATE, date);
	format_sender(&sender, r->m, is_outgoing);
	area_put(a, y, lay->sender.x, lay->sender.columns, st == ST_NORMAL ? ST_SENDER : st,
		str_get(&sender));
	if (place)
		area_put(a, y, lay->place.x, lay->place.columns, ST_ACCOUNT, place);
	draw_subject(a, y, lay, r, y == 0);
	if (lay->size.columns) {
		format_size(size, r->m->size_bytes);
		area_put_right(a, y, lay->size.x, lay->size.columns, ST_SIZE, size);
	}
	area_over(a, y, 0, -1, r->is_tagged ? ST_TAGGED : ui_rule_of(ui, r->m));
	if (is_cursor)
		area_over(a, y, 0, -1, ST_CURSOR);
	str_clear(&sender);
}
