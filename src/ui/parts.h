/* parts.h - the view of the parts of a message: looked at, saved, opened, piped. */
#ifndef DUNLIN_UI_PARTS_H
#define DUNLIN_UI_PARTS_H

#include "view.h"

struct view *parts_new(struct ui *ui, msg_id id);

#endif
