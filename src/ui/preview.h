/* preview.h - a letter as who gets it will see it. */
#ifndef DUNLIN_UI_PREVIEW_H
#define DUNLIN_UI_PREVIEW_H

#include "compose.h"
#include "view.h"

/* Takes the bytes. */
struct view *preview_new(struct ui *ui, struct letter *l);

#endif
