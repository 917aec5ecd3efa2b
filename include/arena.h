/* arena.h - many small things that are freed together, such as a screenful of strings.
 *
 * All zero is a valid empty arena. Pointers stay good until arena_clear. One thread. */
#ifndef DUNLIN_ARENA_H
#define DUNLIN_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
	struct arena_block *head;
	size_t used_bytes;
};

/* zeroed, aligned for anything */
void *arena_alloc(struct arena *a, size_t size);
/* A copy of what was malloc'd, which is freed; v may be NULL, and size 0. Never NULL. */
void *arena_take(struct arena *a, void *v, size_t size);
char *arena_strdup(struct arena *a, const char *s);		/* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void arena_clear(struct arena *a);				/* frees all; usable again */
void arena_wipe(struct arena *a);		/* the same, and none of it stays in memory */

#endif
