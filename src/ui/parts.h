/* parts.h - the view of the parts of a message: looked at, saved, opened, piped. */
#ifndef DUNLIN_UI_PARTS_H
#define DUNLIN_UI_PARTS_H

#include "seal.h"
#include "view.h"

struct view *parts_new(struct ui *ui, msg_id id);
/* Of what was decrypted of message id, or was inside of its signature; copied. */
struct view *parts_new_inside(struct ui *ui, msg_id id, const struct opened *inside);

#endif
