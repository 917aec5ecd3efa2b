/* format.h - one row of a message list as text: which columns there are at a
 * width, and what stands in them. Pure; "now" is an argument. Text is as the store
 * gave it: the grid cleans it. */
#ifndef DUNLIN_UI_FORMAT_H
#define DUNLIN_UI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "str.h"

enum { FLAGS_COLUMNS = 4 };

/* Where the columns begin and how wide they are; width 0: left out. */
struct layout {
	struct { int x, columns; } flags, date, sender, place, subject, size;
};

/* What a column tells of where a message is: of which account it is, or in which folder. */
enum places_told { PLACES_NONE, PLACES_ACCOUNTS, PLACES_FOLDERS };

/* date_columns: of a format of the person's own, 0: ours. */
void layout_for(struct layout *l, int columns, enum places_told places, int date_columns);

/* Tag or pending mark, state, flag, attachment: "*NF@". NUL-terminated. */
void format_flags(char out[FLAGS_COLUMNS + 1], const struct list_row *r);

/* Today "14:05", this year "23 Nov", else "Nov 2025", or in 10 columns and more "2025-11-23";
 * with a strftime(3) format that. */
void format_date(char *out, size_t n, int64_t when, int64_t now, int columns,
	const char *format);

/* The name to show: who it is from, or in a folder of sent mail "To: " whom. */
void format_sender(struct str *out, const struct msg *m, bool is_outgoing);

/* "523", "1.2K", "48K", "3.1M": at most four columns. */
void format_size(char out[8], uint64_t bytes);

/* The lines of the thread before the subject, at most `columns` wide; "" for a root. */
void format_tree(struct str *out, const struct list_row *r, int columns);

/* The subject; of a folded thread its root's, without "Re:". "" becomes "(no subject)". */
const char *format_subject(const struct list_row *r);

/* Whether the row's subject only says again what its thread is about. */
bool format_is_repeat(const struct list_row *r);

#endif
