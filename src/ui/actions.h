/* actions.h - the commands that the frame itself carries out, whatever view is on top. */
#ifndef DUNLIN_UI_ACTIONS_H
#define DUNLIN_UI_ACTIONS_H

#include <stdbool.h>

#include "command.h"

struct ui;

/* False: not one of these; the view's. */
bool action_run(struct ui *ui, const struct call *c);

#endif
