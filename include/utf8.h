/* utf8.h - text as people see it: characters, columns, and the one sanitiser.
 *
 * Everything foreign (server texts, mail, file names) passes text_clean as the last step
 * before screen, stderr, window title or log (SECURITY 7). Width and grapheme
 * boundaries come from libunistring, so emoji, CJK and combining marks stand in line
 * whatever the C library's tables say. Pure; any thread. */
#ifndef DUNLIN_UTF8_H
#define DUNLIN_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

/* Decodes one character of s[0..n), n > 0, into *c and returns its length in bytes. An
 * invalid byte gives U+FFFD and length 1. */
size_t utf8_next(const char *s, size_t n, uint32_t *c);
size_t utf8_put(char out[4], uint32_t c);		/* bytes written; surrogates: U+FFFD */
bool utf8_valid(const char *s, size_t n);
/* how many bytes from s on are ASCII, NUL among them */
size_t utf8_ascii(const char *s, size_t n);

enum clean_mode {
	CLEAN_LINE,		/* one line: every control, tab and line end becomes a space */
	CLEAN_TEXT		/* keeps \n and \t; CRLF and a bare CR become \n */
};

/* A character that shows nothing, or a blank that is none, yet changes what is seen or
 * said: bidi controls (U+202A..E, U+2066..9, U+200E, U+200F, U+061C), line ends beside
 * LF, and what is invisible. */
bool text_is_trick(uint32_t c);

/* Appends s[0..n) to out as valid UTF-8 in which nothing acts on a terminal and nothing is
 * hidden: C0, DEL, C1 (as bytes and as U+0080..9F), noncharacters and the tricks above become
 * U+FFFD. ZWJ, ZWNJ and variation selectors stay inside a grapheme, which scripts and emoji
 * need; elsewhere they become U+FFFD too, and so does the 31st mark in a row. */
void text_clean(struct str *out, const char *s, size_t n, enum clean_mode mode);
char *text_clean_dup(const char *s);			/* CLEAN_LINE of a C string; owned */

/* The next grapheme cluster of s[0..n), n > 0: bytes taken, and its columns (0, 1, 2). */
size_t text_grapheme(const char *s, size_t n, int *columns);
int text_width(const char *s, size_t n);		/* columns of a whole cleaned string */

/* Bytes of the longest prefix of s that fits in `columns`; *used says how many it takes. */
size_t text_fit(const char *s, size_t n, int columns, int *used);

/* Appends s cut to at most `columns`, the last column being an ellipsis where text was
 * cut, and padded with spaces to exactly `columns` when `pad`. */
void text_column(struct str *out, const char *s, int columns, bool pad);

/* Case-folded, for comparison and search: ASCII quickly, else Unicode's full folding.
 * Owned. text_find is strstr on folded text: needle must already be folded. */
char *text_fold(const char *s);
/* Appends the words of s for looking people up, each with a space before it: letters
 * and digits only, case and accents taken away ("J\u00f6rg O'Neill" is " jorg o
 * neill"). At most `max` words. */
void text_words(struct str *out, const char *s, size_t max);
/* Every word of `typed` begins one of `words`, both made by text_words. */
bool text_words_fit(const char *words, const char *typed);
bool text_contains(const char *hay, const char *folded_needle);

#endif
