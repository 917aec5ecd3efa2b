/* idset.h - a set of 64-bit ids (messages tagged, threads folded). All zero is the empty
 * set; the id 0 is never in it. One thread. */
#ifndef DUNLIN_IDSET_H
#define DUNLIN_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
	uint64_t *slots;		/* 0: free */
	size_t n, cap;			/* cap: a power of two, or 0 */
};

bool idset_has(const struct idset *s, uint64_t id);
void idset_add(struct idset *s, uint64_t id);
void idset_remove(struct idset *s, uint64_t id);
/* walks from *at 0, in no order; 0: end */
uint64_t idset_next(const struct idset *s, size_t *at);
void idset_clear(struct idset *s);

#endif
