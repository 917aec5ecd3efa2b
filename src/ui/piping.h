/* piping.h - messages of a list handed to a command's standard input: one as it is, several as
 * an mbox, or the text of them. */
#ifndef DUNLIN_UI_PIPING_H
#define DUNLIN_UI_PIPING_H

#include "bring.h"

struct piping {				/* of the view that asked; zero: nothing waits */
	struct bring bring;
	char *command;
	bool is_text;
};

/* Fetches what is not here; then, unless the view was left, the command has the terminal. What
 * was begun before is given up. */
void piping_begin(struct piping *p, struct view *v, const msg_id *ids, size_t n, bool is_text,
	const char *command);
/* Every event of the view. */
void piping_event(struct piping *p, struct view *v, const struct event *ev);
void piping_clear(struct piping *p);

#endif
