/* pager.h - the view of one message: the one under the cursor of a message list, along which
 * the pager moves; or of one part of a message. */
#ifndef DUNLIN_UI_PAGER_H
#define DUNLIN_UI_PAGER_H

#include "view.h"

struct view *pager_new(struct ui *ui, struct view *index);
struct view *pager_new_part(struct ui *ui, msg_id id, const char *section);

/* The same of a message that was decrypted and is in no store; its bytes are copied. */
struct view *pager_new_inside(struct ui *ui, const char *bytes, size_t n, const char *section);

#endif
