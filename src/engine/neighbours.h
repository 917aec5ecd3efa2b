/* neighbours.h - hears of what other processes do to the same store. For the UI's thread. */
#ifndef DUNLIN_ENGINE_NEIGHBOURS_H
#define DUNLIN_ENGINE_NEIGHBOURS_H

#include "store.h"

struct neighbours;

/* All are borrowed and outlive it. `others` is what neighbours_fd is
 * readable for besides; -1: none. */
enum err neighbours_new(struct neighbours **out, const struct store *s, const int *others,
	size_t n_others, struct error *e);
void neighbours_free(struct neighbours *n);	/* NULL is fine */
int neighbours_fd(const struct neighbours *n);
/* They have changed something since it last said so; five times a second at most. */
bool neighbours_heard(struct neighbours *n);

#endif
