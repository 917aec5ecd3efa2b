/* imap_scan.h - reads the pieces of one IMAP response that is whole in memory (RFC 9051 9).
 *
 * A literal stands in the text as "{n}\r\n" and its n bytes. Every function either takes a
 * piece and returns true, or returns false and leaves the place where it was, so that a
 * caller can try something else or skip. Nothing is trusted: numbers are strict, depth is
 * counted and not recursed into. Pure. */
#ifndef DUNLIN_IMAP_SCAN_H
#define DUNLIN_IMAP_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

struct scan {
	const char *p, *end;
};

struct scan scan_of(const char *p, size_t n);
bool scan_char(struct scan *s, char c);
bool scan_peek(const struct scan *s, char c);
void scan_spaces(struct scan *s);
bool scan_done(const struct scan *s);
bool scan_u32(struct scan *s, uint32_t *out);
bool scan_u64(struct scan *s, uint64_t *out);
/* An atom as servers write them: up to space, bracket, quote or control; `[` and `]` included
 * only when `brackets`. */
bool scan_atom(struct scan *s, const char **p, size_t *n, bool brackets);
/* An atom in capitals into buf; false (and nothing taken) when it is longer. */
bool scan_word(struct scan *s, char *buf, size_t size);
bool scan_nil(struct scan *s);
/* A quoted string or a literal; out is replaced. */
bool scan_string(struct scan *s, struct str *out);
bool scan_nstring(struct scan *s, struct str *out);	/* NIL: empty */
bool scan_astring(struct scan *s, struct str *out);
/* A literal where it stands, without a copy; a quoted string without backslashes, too. */
bool scan_bytes(struct scan *s, const char **p, size_t *n);
/* Any one value: atom, string, literal, or a list of such, nested however deep. */
bool scan_skip(struct scan *s);
/* Digits, ',' and ':' (and '*'): a sequence set, not yet understood. */
bool scan_set(struct scan *s, const char **p, size_t *n);
/* "17-Jul-1996 02:44:25 -0700", without the quotes, to seconds since
 * 1970; false: not a date. */
bool scan_date(const char *p, size_t n, int64_t *out);

#endif
