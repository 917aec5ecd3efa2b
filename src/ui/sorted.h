/* sorted.h - a long sorted sequence of places, for lists in an order the store does not
 * keep: gathered in slices, shown while it grows. Insertion costs microseconds at any
 * length, so that a slice never takes longer because the list is long. All zero is empty. */
#ifndef DUNLIN_SORTED_H
#define DUNLIN_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in a list: by text (all zero where the order is by date), then the newest first,
 * then the higher id. `id` is a msg_id, or a thread_id in a threaded list. */
struct place {
	unsigned char text[16];
	int64_t arrived;
	int64_t id;
};

int place_compare(const struct place *a, const struct place *b);
extern const struct place place_top, place_end;	/* before the first, behind the last */

struct chunk;
struct sorted {
	struct chunk **chunks;		/* none empty */
	size_t n_chunks, cap_chunks, n;
};

bool sorted_add(struct sorted *s, const struct place *p);	/* false: was there */
bool sorted_remove(struct sorted *s, const struct place *p);
bool sorted_has(const struct sorted *s, const struct place *p);
/* The nearest behind p, or before it; not p itself. False: none. */
bool sorted_after(const struct sorted *s, const struct place *p, struct place *out);
bool sorted_before(const struct sorted *s, const struct place *p, struct place *out);
/* how many stand before p */
size_t sorted_rank(const struct sorted *s, const struct place *p);
void sorted_clear(struct sorted *s);

#endif
