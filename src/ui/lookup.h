/* lookup.h - `address-query`: a command of the person's that knows addresses (LDAP, khard,
 * notmuch), run beside us while an address is being typed. Nobody waits for it; what it finds
 * is offered when it is there. */
#ifndef DUNLIN_UI_LOOKUP_H
#define DUNLIN_UI_LOOKUP_H

#include "view.h"

struct looked_up {
	const char *name, *addr, *remark;	/* UTF-8 or not, not clean: a
						 * program printed them */
};

/* What it found for just this text; else 0, and a little later, when nothing
 * else was typed, it is asked. */
size_t lookup_get(struct ui *ui, const char *typed, const struct looked_up **out);
/* the prompt is closed: nobody wants to know any more */
void lookup_stop(struct ui *ui);

/* ---- for the loop (ui.c) ---- */

int lookup_fd(const struct ui *ui);		/* -1: none */
int lookup_next_ms(const struct ui *ui);	/* when something is due; -1: nothing */
/* true: there is an answer, for the candidates to be made anew */
bool lookup_step(struct ui *ui);
void lookup_free(struct ui *ui);

/* How the command is given to sh: what was typed is "$1", where %s
 * stands or at the end. Owned. */
char *lookup_command(const char *setting);

#endif
