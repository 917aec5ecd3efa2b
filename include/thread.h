/* thread.h - the order of a conversation (RFC 5256 THREAD=REFERENCES, without the
 * grouping by subject): given the messages of one thread, a tree as rows.
 *
 * Which messages belong to one thread is the store's knowledge (struct msg.thread); this
 * lays out one such group. Linear in messages and references; loops and duplicates in
 * References are cut. Pure. */
#ifndef DUNLIN_THREAD_H
#define DUNLIN_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"

/* A row of depth n > 0 is drawn in n columns: for d in 0..n-2 a line where bit d of rails is
 * set, else space; then the corner (is_last) or the branch that leads to it.
 *
 *	a			depth 0
 *	|-- b			depth 1
 *	|   `-- c		depth 2, rails 1, is_last
 *	`-- d			depth 1, is_last
 *	    `-- e		depth 2, rails 0, is_last */
struct thread_row {
	uint32_t index;		/* into the messages given */
	uint16_t depth;		/* 0: root */
	uint64_t rails;		/* bit d: the line of column d passes this row (d < 64) */
	bool is_last;		/* no later sibling */
};

/* Fills rows[0..n) in display order: parents before children, siblings by date, oldest
 * first (all roots are siblings). Missing parents are bridged, not shown. */
void thread_layout(const struct msg *msgs, size_t n, struct thread_row *rows);

/* Message-IDs of References and In-Reply-To, nearest ancestor last, without brackets and
 * duplicates and without its own, at most `max` (the oldest one and the newest are kept, and
 * of those what fits into buf, the newest first); pieces point into buf. */
size_t thread_ancestors(const struct msg *m, char *buf, size_t bufsize, const char **out,
	size_t max);

#endif
