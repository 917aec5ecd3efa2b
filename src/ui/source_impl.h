/* source_impl.h - the insides of a source, shared by source.c (units in order) and
 * source_gather.c (the sequence of those that fit). */
#ifndef DUNLIN_UI_SOURCE_IMPL_H
#define DUNLIN_UI_SOURCE_IMPL_H

#include "source.h"

/* source.c */
struct place source_place_of_msg(const struct source *s, const struct msg *m);
struct place source_place_of_thread(const struct source *s, thread_id id,
	const struct msg *msgs, size_t n);

/* source_gather.c */
/* From the beginning; what was gathered shows until it is made anew, or goes at once. */
void source_gather_start(struct source *s, bool anew);
/* A unit that is gone from the store, or not looked for any more. */
void source_drop(struct source *s, const struct place *p);
void wide_clear(struct wide *w);

#endif
