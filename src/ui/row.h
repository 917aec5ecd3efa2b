/* row.h - draws one row of a message list. */
#ifndef DUNLIN_UI_ROW_H
#define DUNLIN_UI_ROW_H

#include "format.h"
#include "view.h"

/* place: what stands in that column, NULL: nothing. is_outgoing: of a folder of sent mail,
 * where the row says to whom. */
void row_draw(struct ui *ui, const struct area *a, int y, const struct layout *lay,
	const struct list_row *r, const char *place, bool is_outgoing, bool is_cursor);

#endif
