/* idset.c - open addressing with linear probing, half full at most; removal moves later
 * entries of the run back, so that no tombstones gather in a set that lives all day. */
#include <stdlib.h>

#include "idset.h"
#include "str.h"

static size_t
home(const struct idset *s, uint64_t id)
{
	return (size_t)((id * 0x9e3779b97f4a7c15u) >> 20) & (s->cap - 1);
}

/* The slot that holds id, or the free one where it belongs. */
static size_t
find(const struct idset *s, uint64_t id)
{
	size_t i = home(s, id);

	while (s->slots[i] != 0 && s->slots[i] != id)
		i = (i + 1) & (s->cap - 1);
	return i;
}

bool
idset_has(const struct idset *s, uint64_t id)
{
	return id != 0 && s->n > 0 && s->slots[find(s, id)] == id;
}

static void
grow(struct idset *s)
{
	struct idset old = *s;

	s->cap = old.cap ? old.cap * 2 : 16;
	s->slots = xcalloc(s->cap, sizeof *s->slots);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i] != 0)
			s->slots[find(s, old.slots[i])] = old.slots[i];
	free(old.slots);
}

void
idset_add(struct idset *s, uint64_t id)
{
	if (id == 0 || idset_has(s, id))
		return;
	if ((s->n + 1) * 2 > s->cap)
		grow(s);
	s->slots[find(s, id)] = id;
	s->n++;
}

void
idset_remove(struct idset *s, uint64_t id)
{
	if (!idset_has(s, id))
		return;
	size_t mask = s->cap - 1, hole = find(s, id);
	for (size_t i = (hole + 1) & mask; s->slots[i] != 0; i = (i + 1) & mask) {
		size_t from_home = (i - home(s, s->slots[i])) & mask;
		/* reachable from the hole too */
		if (from_home >= ((i - hole) & mask)) {
			s->slots[hole] = s->slots[i];
			hole = i;
		}
	}
	s->slots[hole] = 0;
	s->n--;
}

uint64_t
idset_next(const struct idset *s, size_t *at)
{
	while (*at < s->cap) {
		uint64_t id = s->slots[(*at)++];
		if (id != 0)
			return id;
	}
	return 0;
}

void
idset_clear(struct idset *s)
{
	free(s->slots);
	*s = (struct idset){ 0 };
}
