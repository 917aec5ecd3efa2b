/* internal.h - what the files of this folder share; see mime.h for what others see. */
#ifndef DUNLIN_MIME_INTERNAL_H
#define DUNLIN_MIME_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "mime.h"
#include "part.h"
#include "str.h"

/* A piece of somebody else's bytes. */
struct span {
	const char *p;
	size_t n;
};

/* ---- charset.c ---- */

/* Appends s[0..n) as valid UTF-8. An empty charset, or one that 8-bit bytes contradict
 * (us-ascii), is guessed; an unknown one leaves ASCII and U+FFFD. */
void charset_to_utf8(struct str *out, const char *charset, const char *s, size_t n);
bool charset_is_known(const char *charset);

/* ---- header.c ---- */

/* One header field where it stands: value with its folding, without the last line end. */
struct field {
	struct span name, value;
};
struct field_reader {
	const char *p, *end;
	char eol;			/* '\n', or '\r' in text that has no '\n' */
};
void field_reader_init(struct field_reader *r, const char *p, size_t n);
bool field_next(struct field_reader *r, struct field *f);
bool field_is(const struct field *f, const char *name);
/* The value without folding, spaces at its ends and NUL bytes, cut at max. */
char *field_unfold(struct arena *a, const struct field *f, size_t max);

/* Length of the header, as mime_header_length; ends before a line for which stop says so. */
typedef bool header_stop(void *ctx, const char *line, size_t n);
size_t header_scan(const char *p, size_t n, header_stop *stop, void *ctx);
/* how much of a header of n bytes is looked at */
size_t header_read(size_t n);

/* ---- decode.c ---- */

void decode_transfer(struct str *out, enum part_encoding enc, const char *raw, size_t n,
	size_t max);
void decode_base64(struct str *out, const char *s, size_t n);
void decode_q(struct str *out, const char *s, size_t n);	/* RFC 2047 4.2 */

/* ---- parse.c ---- */

/* Content-* fields of one header into a part (type, charset, names,
 * ...); `boundary` may be NULL. */
void part_read_header(struct arena *a, struct part *p, const char *header, size_t n,
	const char *default_type, const char **boundary);
/* A value such as "text/plain; charset=utf-8" into the fields of a part. */
void part_read_type(struct arena *a, struct part *p, const char *value, const char **boundary);

/* ---- wrap.c: lines ---- */

enum { MAX_LINES = 100000, MIN_COLUMNS = 10 };

/* What makes the shape of a paragraph. Prefixes are clean and count as part of the width. */
struct shape {
	enum span_style style;
	int quote_level;
	const char *first, *rest;	/* prefixes of the first line and of those behind it */
	int columns;
	bool is_ours;			/* not the mail's text: keeps the mark of notices */
};

/* One clean line without '\n', wrapped at words. False when the limit of lines is reached. */
bool lines_wrap(struct lines *out, const struct shape *s, const char *text, size_t n);
void lines_header(struct lines *out, const char *raw, size_t n, bool all, bool is_inner,
	int columns);
bool lines_blank(struct lines *out, int quote_level, const char *prefix);
void lines_plain(struct lines *out, const struct part *p, const char *utf8, size_t n,
	int columns);
/* An event: what, when, where, who. `p` says what stands beside it. */
void lines_calendar(struct lines *out, const struct part *p, const char *utf8, size_t n,
	int columns);
/* "name: value" of ours, with the mark of notices; the value is cleaned. */
void lines_field(struct lines *out, const char *name, const char *value, int columns);
void lines_html(struct lines *out, const char *utf8, size_t n, int columns);
size_t lines_link(struct lines *out, const char *url);	/* its number, from 1 */

/* The mark that notices and headers of ours begin with; a mail's own line never does. */
#define OUR_MARK "\xe2\x96\x8c "

#endif
