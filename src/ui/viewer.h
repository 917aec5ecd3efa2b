/* viewer.h - a part opened by another program: as the person's mailcap says, else by the
 * desktop (xdg-open), else as the system's mailcap says. */
#ifndef DUNLIN_UI_VIEWER_H
#define DUNLIN_UI_VIEWER_H

#include "extract.h"

/* Takes x, which was not begun; p is of its message. Leaving `owner` gives it up. */
void viewer_open(struct ui *ui, struct view *owner, struct extract *x, const struct part *p);

#endif
