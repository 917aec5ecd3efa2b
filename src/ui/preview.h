/* preview.h - a letter as who gets it will see it. */
#ifndef DUNLIN_UI_PREVIEW_H
#define DUNLIN_UI_PREVIEW_H

#include "mime.h"
#include "view.h"

/* Takes the message. */
struct view *preview_new(struct ui *ui, struct mime_msg *m);

#endif
