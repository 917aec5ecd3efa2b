/* arrivals.h - telling of new mail: at the bottom, by the bell, by the person's command.
 *
 * New is what came into an inbox, is not read (here or elsewhere), was not put there by a move
 * of ours, and was told by no Dunlin before: how far an inbox was told of is a number in the
 * store ("told.FOLDER", a UID) that one of several windows raises. What is there when an inbox
 * is seen for the first time is not new. */
#ifndef DUNLIN_UI_ARRIVALS_H
#define DUNLIN_UI_ARRIVALS_H

#include "engine.h"

struct ui;

void arrivals_event(struct ui *ui, const struct event *ev);
/* Once a turn of the loop; and how long until then, -1: until an event. */
void arrivals_step(struct ui *ui);
int arrivals_next_ms(const struct ui *ui);
void arrivals_free(struct ui *ui);

#endif
