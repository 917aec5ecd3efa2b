/* index_draw.c - the message list on the screen, its title, and what stands there when it is
 * empty. */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "format.h"
#include "index_impl.h"
#include "row.h"
#include "utf8.h"

/* Who wrote it is the person; the row says to whom. */
bool
index_is_of_ours(enum folder_role role)
{
	return role == ROLE_SENT || role == ROLE_DRAFTS;
}

static int
date_columns(struct index *x)
{
	char date[64];
	const char *format = ui_rc(x->view.ui)->date_format;

	if (!format || !*format)
		return 0;
	format_date(date, sizeof date, 1700000000, 0, 0, format);
	int columns = text_width(date, strlen(date));
	return columns < 24 ? columns : 24;
}

static void
center(const struct area *a, int y, enum style st, const char *text)
{
	int w = text_width(text, strlen(text));

	area_put(a, y, w < a->columns ? (a->columns - w) / 2 : 0, -1, st, text);
}

/* Of all folders: what was not looked at belongs to the answer. */
static void
draw_not_found(struct index *x, const struct area *a, int y)
{
	const char *limit = list_limit_text(x->list);
	struct str text = { 0 };

	str_printf(&text, limit ? "Nothing fits '%s' in any folder" : "No messages anywhere",
		limit);
	center(a, y, ST_NORMAL, str_get(&text));
	str_clear(&text);
	find_describe(x, &text);
	if (text.len > 0) {
		str_puts(&text, "; ");
		ui_key_of(x->view.ui, V_INDEX, CMD_SYNC, &text);
		str_puts(&text, " reads them");
		center(a, y + 1, ST_DIM, str_get(&text));
	}
	str_clear(&text);
}

static void
draw_empty(struct index *x, const struct area *a)
{
	const char *limit = list_limit_text(x->list);
	int y = a->rows / 3;
	char *text;

	if (list_is_busy(x->list)) {
		center(a, y, ST_DIM, "Looking ...");
	} else if (x->waits_for) {
		center(a, y, ST_NORMAL, "Nothing is known of this account yet");
		center(a, y + 1, ST_DIM, "Its inbox appears once the server is reached");
	} else if (limit && x->n_asks > 0) {
		text = xasprintf("Searching texts for '%s'; Esc stops", limit);
		center(a, y, ST_DIM, text);
		free(text);
	} else if (x->find.is) {
		draw_not_found(x, a, y);
	} else if (limit) {
		text = xasprintf("Nothing fits '%s'; Esc shows all", limit);
		center(a, y, ST_NORMAL, text);
		free(text);
	} else if (x->folder.id && !x->folder.is_filled && x->folder.n_server != 0) {
		center(a, y, ST_NORMAL,
			"Nothing is here yet: the messages are still on the server");
		center(a, y + 1, ST_DIM,
			"They appear by themselves once it is reached; $ tries now");
	} else if (x->folder.id && x->folder.uidvalidity == 0) {
		center(a, y, ST_NORMAL, "This folder was not opened before");
		center(a, y + 1, ST_DIM,
			"Its messages appear once the server is reached; $ tries now");
	} else {
		center(a, y, ST_NORMAL, "No messages here");
		center(a, y + 1, ST_DIM, "y: other folders   ?: help");
	}
}

static void
draw_row(struct index *x, const struct area *a, int y, const struct layout *lay,
	const struct list_row *r, bool is_cursor)
{
	struct ui *ui = x->view.ui;
	struct arena names = { 0 };
	struct folder f = { 0 };
	const char *place = NULL;
	bool is_outgoing = x->is_outgoing;

	if (x->find.is) {
		store_folder(ui_store(ui), msg_folder(r->m->id), &names, &f);
		is_outgoing = index_is_of_ours(f.role);
		place = f.id ? find_place(ui, &f, lay->place.columns, &names) : NULL;
	} else if (lay->place.columns) {
		const struct rc_account *rc = engine_rc_account(ui_engine(ui),
			store_folder_account(ui_store(ui), msg_folder(r->m->id)));
		place = rc ? rc->name : NULL;
	}
	row_draw(ui, a, y, lay, r, place, is_outgoing, is_cursor);
	arena_clear(&names);
}

void
index_draw(struct view *v, const struct area *a)
{
	struct index *x = index_of(v);
	const struct list_row *rows;
	struct layout lay;
	size_t cursor, n;

	n = list_screen(x->list, a->rows, ui_rc(v->ui)->page_context, &rows, &cursor);
	if (n == 0) {
		draw_empty(x, a);
		return;
	}
	layout_for(&lay, a->columns, x->find.is ? PLACES_FOLDERS
		: list_source(x->list)->n_folders > 1 ? PLACES_ACCOUNTS : PLACES_NONE,
		date_columns(x));
	for (size_t i = 0; i < n; i++)
		draw_row(x, a, (int)i, &lay, &rows[i], i == cursor);
	x->find.has_column = lay.place.columns > 0;
}

static void
counts(struct index *x, uint32_t *n_msgs, uint32_t *n_unread)
{
	const struct source *src = list_source(x->list);

	*n_msgs = *n_unread = 0;
	for (size_t i = 0; i < src->n_folders; i++) {
		struct arena a = { 0 };
		struct folder f;
		if (store_folder(ui_store(x->view.ui), src->folders[i], &a, &f)) {
			*n_msgs += f.n_msgs;
			*n_unread += f.n_unread;
		}
		arena_clear(&a);
	}
}

/* The server lets nobody change it; that a whole account is read-only the person knows. */
static bool
is_readonly_there(const struct index *x)
{
	const struct rc_account *rc = x->folder.id
		? engine_rc_account(ui_engine(x->view.ui), x->folder.account) : NULL;

	return rc && !rc->read_only && (x->folder.attrs & FOLDER_READONLY);
}

/* Where there is no column for it, the title says where the message under the cursor is. */
static void
find_title(struct index *x, struct str *left, struct str *right)
{
	const struct source *src = list_source(x->list);
	const struct list_row *r = list_cursor(x->list);
	bool is_cut = src->wide.n > 0 && src->wide.cut.arrived != INT64_MIN;
	struct arena a = { 0 };
	struct folder f;

	const char *text = list_limit_text(x->list);

	str_printf(left, "Find: %s", text ? text : "all");
	if (x->look.order != ORDER_DATE || x->look.is_reverse)
		str_printf(left, "  by %s%s", look_orders[x->look.order],
			x->look.is_reverse ? ", reversed" : "");
	if (x->find.has_column && x->find.n_unread > 0) {
		str_puts(left, "  (");
		find_describe(x, left);
		str_puts(left, ")");
	}
	if (list_n_tagged(x->list) > 0)
		str_printf(right, "%zu tagged  ", list_n_tagged(x->list));
	if (!x->find.has_column && r &&
	    store_folder(ui_store(x->view.ui), msg_folder(r->m->id), &a, &f))
		str_printf(right, "%s  ", find_place(x->view.ui, &f, 16, &a));
	if (text)
		str_printf(right, "%zu%s", list_count(x->list), is_cut ? "+" : "");
	if (src->is_gathering)
		str_puts(right, " ...");
	else if (list_percent(x->list) >= 0)
		str_printf(right, "  %3d%%", list_percent(x->list));
	arena_clear(&a);
}

void
index_title(struct view *v, struct str *left, struct str *right)
{
	struct index *x = index_of(v);
	uint32_t n_msgs, n_unread;
	int percent = list_percent(x->list);

	if (x->find.is) {
		find_title(x, left, right);
		return;
	}
	str_puts(left, x->name);
	if (is_readonly_there(x))
		str_puts(left, "  read-only");
	if (list_limit_text(x->list))
		str_printf(left, "  limit: %s", list_limit_text(x->list));
	if (x->look.order != ORDER_DATE || x->look.is_reverse)
		str_printf(left, "  by %s%s", look_orders[x->look.order],
			x->look.is_reverse ? ", reversed" : "");
	counts(x, &n_msgs, &n_unread);
	if (list_n_tagged(x->list) > 0)
		str_printf(right, "%zu tagged  ", list_n_tagged(x->list));
	if (list_limit_text(x->list))		/* what is unread was not counted under it */
		str_printf(right, "%zu of %u", list_count(x->list), n_msgs);
	else
		str_printf(right, n_unread > 0 ? "%u, %u unread" : "%u", n_msgs, n_unread);
	if (percent >= 0)
		str_printf(right, "  %3d%%", percent);
}
