/* part.h - the tree of MIME parts of a message, whoever found it out: BODYSTRUCTURE
 * (RFC 9051 7.5.2) or our own parse. Plain values.
 *
 * Depth, number and text lengths are bounded by whoever builds it: PART_MAX_DEPTH,
 * PART_MAX_COUNT. Nodes and strings belong to the arena they were made in. */
#ifndef DUNLIN_PART_H
#define DUNLIN_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "arena.h"
#include "str.h"

enum { PART_MAX_DEPTH = 100, PART_MAX_COUNT = 5000 };

enum part_encoding { ENC_7BIT, ENC_8BIT, ENC_BINARY, ENC_QP, ENC_BASE64, ENC_UUENCODE };
enum part_disposition { DISP_NONE, DISP_INLINE, DISP_ATTACHMENT };

struct part {
	const char *section;	/* IMAP section, see part_number */
	const char *type;	/* lower case, "text/plain" */
	const char *charset;	/* "" when none */
	const char *filename;	/* decoded (RFC 2047, RFC 2231), raw otherwise; "" when none */
	const char *id;		/* Content-ID without brackets; "" when none */
	const char *description;
	const char *format;	/* format=flowed parameter; "" when none */
	const char *delsp;
	const char *protocol;	/* multipart/signed and /encrypted */
	enum part_encoding encoding;
	enum part_disposition disposition;
	uint64_t size_bytes;	/* encoded, as stored (IMAP) */
	uint64_t decoded_bytes;	/* 0 when not known */
	uint32_t n_lines;
	uint32_t index;		/* preorder number, root 0 (part_number) */
	struct part *child;	/* first child of a multipart, or the body of a
				 * message/rfc822's message */
	struct part *last;	/* last child */
	struct part *next;	/* next sibling */
	struct part *parent;
};

/* zeroed, strings "" , appended */
struct part *part_new(struct arena *a, struct part *parent);

/* Gives every part of a finished tree its IMAP section (RFC 9051 6.4.5.1) and its index.
 * The root of a multipart message is "", a single part "1"; the multipart that an embedded
 * message "2" consists of is "2.TEXT", its parts "2.1", "2.2". */
void part_number(struct arena *a, struct part *root);
bool part_is_multipart(const struct part *p);
bool part_is_message(const struct part *p);		/* message/rfc822 or message/global */

const struct part *part_next(const struct part *p);	/* preorder walk; NULL at the end */
int part_depth(const struct part *p);			/* root: 0 */
/* The innermost embedded message that p is in; NULL: none. */
const struct part *part_message_around(const struct part *p);
/* NULL: none */
const struct part *part_find(const struct part *root, const char *section);

/* A leaf that a person would call an attachment: named, or disposition attachment, or neither
 * text nor multipart; not the parts that multipart/related shows inline, nor signatures. */
bool part_is_attachment(const struct part *p);
bool part_has_attachment(const struct part *root);

/* What to show for reading, in order: of each multipart/alternative the best that can be
 * shown (text/plain before text/html unless `prefer_html`), of multipart/related the root,
 * text parts in multipart/mixed one after another; and the first calendar part, before the
 * texts it is an alternative of. At most `max`; returns how many. */
size_t part_readable(const struct part *root, bool prefer_html, const struct part **out,
	size_t max);
/* The same without the calendar: what somebody wrote, for answers. */
size_t part_texts(const struct part *root, bool prefer_html, const struct part **out,
	size_t max);
/* Holds events in the form of RFC 5545. */
bool part_is_calendar(const struct part *p);

/* A flat text form for the store, and back; parse is strict and bounded (the file may be
 * damaged) and returns NULL on nonsense. */
void part_format(struct str *out, const struct part *root);
struct part *part_parse(struct arena *a, const char *text, size_t n);

#endif
