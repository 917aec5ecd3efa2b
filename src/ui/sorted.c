/* sorted.c - chunks of at most CHUNK places, in order, found by two binary searches. A
 * plain array would move megabytes for each insertion, a tree would cost three words more
 * for each message; a chunk moves 16 kB at most. */
#include <stdlib.h>
#include <string.h>

#include "sorted.h"
#include "str.h"

enum { CHUNK = 512 };

struct chunk {
	size_t n;
	struct place v[CHUNK];
};

const struct place place_top = { .arrived = INT64_MAX, .id = INT64_MAX };
const struct place place_end = { .text = { 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255 }, .arrived = INT64_MIN, .id = INT64_MIN };

int
place_compare(const struct place *a, const struct place *b)
{
	int c = memcmp(a->text, b->text, sizeof a->text);

	if (c == 0)
		c = (a->arrived < b->arrived) - (a->arrived > b->arrived);
	if (c == 0)
		c = (a->id < b->id) - (a->id > b->id);
	return c;
}

/* The first chunk whose last place is not before p; n_chunks when all are. */
static size_t
find_chunk(const struct sorted *s, const struct place *p)
{
	size_t lo = 0, hi = s->n_chunks;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct chunk *c = s->chunks[mid];
		if (place_compare(&c->v[c->n - 1], p) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first place in the chunk that is not before p; n when all are. */
static size_t
find_place(const struct chunk *c, const struct place *p)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (place_compare(&c->v[mid], p) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Makes room for a chunk at k. */
static struct chunk *
insert_chunk(struct sorted *s, size_t k)
{
	struct chunk *c = xmalloc(sizeof *c);

	c->n = 0;
	s->chunks = array_grow(s->chunks, s->n_chunks, &s->cap_chunks, sizeof *s->chunks);
	memmove(s->chunks + k + 1, s->chunks + k, (s->n_chunks - k) * sizeof *s->chunks);
	s->chunks[k] = c;
	s->n_chunks++;
	return c;
}

/* Splits a full chunk; one that only grew at its end stays full (a list in date order). */
static void
split(struct sorted *s, size_t k, size_t i)
{
	struct chunk *c = s->chunks[k], *right = insert_chunk(s, k + 1);
	size_t keep = i == CHUNK ? CHUNK - 1 : CHUNK / 2;

	right->n = c->n - keep;
	memcpy(right->v, c->v + keep, right->n * sizeof *c->v);
	c->n = keep;
}

bool
sorted_add(struct sorted *s, const struct place *p)
{
	size_t k = find_chunk(s, p);

	if (k == s->n_chunks) {
		if (k == 0)
			insert_chunk(s, 0);
		else
			k--;
	}
	size_t i = find_place(s->chunks[k], p);
	if (i < s->chunks[k]->n && place_compare(&s->chunks[k]->v[i], p) == 0)
		return false;
	if (s->chunks[k]->n == CHUNK) {
		split(s, k, i);
		if (i > s->chunks[k]->n) {
			i -= s->chunks[k]->n;
			k++;
		}
	}
	struct chunk *c = s->chunks[k];
	memmove(c->v + i + 1, c->v + i, (c->n - i) * sizeof *c->v);
	c->v[i] = *p;
	c->n++;
	s->n++;
	return true;
}

bool
sorted_has(const struct sorted *s, const struct place *p)
{
	size_t k = find_chunk(s, p);

	return k < s->n_chunks &&
		place_compare(&s->chunks[k]->v[find_place(s->chunks[k], p)], p) == 0;
}

bool
sorted_remove(struct sorted *s, const struct place *p)
{
	if (!sorted_has(s, p))
		return false;
	size_t k = find_chunk(s, p);
	struct chunk *c = s->chunks[k];
	size_t i = find_place(c, p);
	memmove(c->v + i, c->v + i + 1, (c->n - i - 1) * sizeof *c->v);
	s->n--;
	if (--c->n == 0) {
		free(c);
		memmove(s->chunks + k, s->chunks + k + 1,
			(s->n_chunks - k - 1) * sizeof *s->chunks);
		s->n_chunks--;
	}
	return true;
}

bool
sorted_after(const struct sorted *s, const struct place *p, struct place *out)
{
	size_t k = find_chunk(s, p);

	if (k == s->n_chunks)
		return false;
	size_t i = find_place(s->chunks[k], p);
	if (place_compare(&s->chunks[k]->v[i], p) == 0)
		i++;
	if (i == s->chunks[k]->n) {
		if (++k == s->n_chunks)
			return false;
		i = 0;
	}
	*out = s->chunks[k]->v[i];
	return true;
}

bool
sorted_before(const struct sorted *s, const struct place *p, struct place *out)
{
	size_t k = find_chunk(s, p);
	size_t i = k < s->n_chunks ? find_place(s->chunks[k], p) : 0;

	if (i == 0) {
		if (k == 0)
			return false;
		k--;
		i = s->chunks[k]->n;
	}
	*out = s->chunks[k]->v[i - 1];
	return true;
}

size_t
sorted_rank(const struct sorted *s, const struct place *p)
{
	size_t k = find_chunk(s, p), rank = 0;

	for (size_t j = 0; j < k; j++)
		rank += s->chunks[j]->n;
	return k < s->n_chunks ? rank + find_place(s->chunks[k], p) : rank;
}

void
sorted_clear(struct sorted *s)
{
	for (size_t k = 0; k < s->n_chunks; k++)
		free(s->chunks[k]);
	free(s->chunks);
	*s = (struct sorted){ 0 };
}
