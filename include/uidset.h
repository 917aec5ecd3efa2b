/* uidset.h - sets of UIDs as sorted ranges (RFC 9051 sequence-set).
 *
 * A mailbox of a million messages is a few ranges, and a range that a server names may be
 * 1:4294967295: nothing here costs more than the number of ranges. All zero is the empty
 * set. Pure; one thread a set. */
#ifndef DUNLIN_UIDSET_H
#define DUNLIN_UIDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

struct uid_range {
	uint32_t lo, hi;		/* both within; 1 <= lo <= hi */
};

struct uidset {
	struct uid_range *ranges;	/* ascending, disjoint, not adjacent */
	size_t n, cap;
};

/* O(1) when ascending or descending runs */
void uidset_add(struct uidset *s, uint32_t uid);
void uidset_add_range(struct uidset *s, uint32_t lo, uint32_t hi);
void uidset_remove(struct uidset *s, uint32_t uid);
bool uidset_has(const struct uidset *s, uint32_t uid);
uint64_t uidset_count(const struct uidset *s);
uint32_t uidset_max(const struct uidset *s);		/* 0 when empty */
uint32_t uidset_min(const struct uidset *s);
/* These replace what *out held; out may be one of the operands. */
void uidset_copy(struct uidset *out, const struct uidset *s);
void uidset_and(struct uidset *out, const struct uidset *a, const struct uidset *b);
void uidset_minus(struct uidset *out, const struct uidset *a, const struct uidset *b);
/* s without b, in its place: takes no more room than s and b have ranges. */
void uidset_subtract(struct uidset *s, const struct uidset *b);

/* Takes up to n of the highest UIDs out of s into out (the newest first). */
void uidset_take_highest(struct uidset *out, struct uidset *s, uint32_t n);

/* The text of a command argument, "1:5,9". Parsing replaces
 * *out; false, and *out empty, on a text that is none ("*" and "" included). */
void uidset_format(struct str *out, const struct uidset *s);
bool uidset_parse(struct uidset *out, const char *text);

/* Walks upwards: start with uid 0; returns the next UID above it, 0 at the end. */
uint32_t uidset_next(const struct uidset *s, uint32_t uid);
void uidset_clear(struct uidset *s);

#endif
