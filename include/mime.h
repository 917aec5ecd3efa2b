/* mime.h - bytes of a mail to things a person can read, and back. GMime stays in here.
 *
 * Pure: no file, no network, no clock. Any bytes at all are input; limits on depth, count
 * and length are told in the result where they were hit and cost linear time (SECURITY 11).
 * Call mime_init once before any thread starts. Everything else: any thread, own objects. */
#ifndef DUNLIN_MIME_H
#define DUNLIN_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "msg.h"
#include "part.h"

void mime_init(void);

/* ---- headers ---- */

struct address {
	const char *name;	/* decoded, "" when none */
	const char *addr;	/* "" for a group's name */
};

/* One header field, unfolded; value both raw and decoded (RFC 2047) to valid UTF-8. */
struct header {
	const char *name, *raw, *value;
};

/* Fills in everything of *m that the header (raw bytes up to the empty line) tells:
 * date, from, to, cc, subject, ids, list_id, and MSG_LIST and MSG_ATTACH of flags
 * (the latter guessed from Content-Type). `arrived` must be set before: it stands in
 * for a missing date. Strings go to the arena, each cut at 2,000 bytes (references:
 * 20,000, oldest and newest kept). */
void mime_summary(struct arena *a, struct msg *m, const char *raw, size_t n);

/* All fields in their order, at most 2,000. */
size_t mime_headers(struct arena *a, const struct header **out, const char *raw, size_t n);
/* decoded; NULL: none */
const char *mime_header_value(const struct header *h, size_t n, const char *name);
size_t mime_addresses(struct arena *a, const struct address **out, const char *raw_value);
/* "Name <addr>" as it can be typed and sent: the name clean and in quotes where it needs them.
 * NULL where it would not be read back as this address. */
char *mime_write_address(struct arena *a, const char *name, const char *addr);
/* RFC 2047; valid UTF-8 */
char *mime_decode_words(struct arena *a, const char *raw_value);
int64_t mime_date(const char *raw_value, int *tz_minutes);	/* 0: not a date */

/* Length of the header in p[0..n) up to and with its empty line; n if none. Where text follows
 * without an empty line, it ends behind the last field. */
size_t mime_header_length(const char *p, size_t n);

/* ---- parts ---- */

/* A whole message parsed. Keeps no reference to the bytes. */
struct mime_msg;
enum err mime_parse(struct mime_msg **out, const char *p, size_t n, struct error *e);
/* The same of a file of n bytes that nobody changes or cuts: it is mapped, not read, and what
 * was passed over is let go, so that a message of any size costs no memory. The descriptor
 * may be closed afterwards. */
enum err mime_parse_file(struct mime_msg **out, int fd, uint64_t n, struct error *e);
/* The same, and the bytes, from malloc and one longer than n, are
 * taken over, also on error. */
enum err mime_parse_taken(struct mime_msg **out, char *p, size_t n, struct error *e);
void mime_free(struct mime_msg *m);
void mime_wipe(struct mime_msg *m);	/* the same, and its bytes do not stay in memory */
const struct part *mime_root(const struct mime_msg *m);	/* sections as IMAP numbers them */
/* All of it, *n bytes; good until mime_free. */
const char *mime_bytes(const struct mime_msg *m, size_t *n);
const char *mime_warning(const struct mime_msg *m);	/* NULL, or which limit was hit */

/* The decoded bytes of a leaf (transfer encoding undone, charset kept) appended to out; of a
 * message/rfc822 the message as it is. At most `max` bytes. False when no such section. */
bool mime_part_bytes(const struct mime_msg *m, const char *section, struct str *out,
	size_t max);
/* The raw header bytes of an embedded message/rfc822 at `section` ("" for the message
 * itself), at most MIME_MAX_HEADER: nobody wrote more, and fields behind that are not
 * looked at by anything here. */
enum { MIME_MAX_HEADER = 4 << 20 };
bool mime_part_header(const struct mime_msg *m, const char *section, struct str *out);
/* The bytes of a leaf as they stand in the message, still encoded: what IMAP gives as
 * BODY[section]. Appended to out, at most `max`. False when no such section. */
bool mime_part_raw(const struct mime_msg *m, const char *section, struct str *out, size_t max);

/* A part as it stands in the message with its own header: what a signature is made over (RFC
 * 1847). Appended to out with CRLF at every line end (RFC 3156 5). By its index: sections of
 * hostile trees may be alike. False when there is none, or it is larger than `max`. */
bool mime_part_entity(const struct mime_msg *m, uint32_t index, struct str *out, size_t max);
/* Decoded bytes by index, as mime_part_bytes. */
bool mime_part_bytes_at(const struct mime_msg *m, uint32_t index, struct str *out, size_t max);

/* The same by pieces of at most 1 MB, not copied: of an attachment of any size. False
 * too when `write` says so. */
bool mime_part_pieces(const struct mime_msg *m, const char *section,
	bool (*write)(void *ctx, const char *p, size_t n), void *ctx);

/* The same for a part whose encoded bytes came alone (IMAP BODY[section]). */
void mime_decode_body(struct str *out, const struct part *p, const char *raw, size_t n,
	size_t max);

/* The same by pieces of any size, in the memory of one: what they give is appended to
 * out. `p` may not be NULL. */
struct mime_decoder;
struct mime_decoder *mime_decoder_new(enum part_encoding enc);
void mime_decoder_feed(struct mime_decoder *d, struct str *out, const char *p, size_t n,
	bool is_last);
void mime_decoder_free(struct mime_decoder *d);		/* NULL is fine */

/* Decoded bytes of a text part to valid UTF-8: by p->charset, else what the bytes look
 * like; HTML also by its meta tag. Unknown charset: every byte that is not ASCII
 * becomes U+FFFD. Not sanitised. */
void mime_to_utf8(struct str *out, const struct part *p, const char *decoded, size_t n);

/* ---- text for reading ---- */

enum span_style { SPAN_TEXT, SPAN_QUOTE, SPAN_SIGNATURE, SPAN_LINK, SPAN_HEADING, SPAN_HEADER,
	SPAN_HEADER_NAME, SPAN_ATTACHMENT, SPAN_NOTICE };

/* A line as it stands on the screen; text is clean (text_clean) and fits the width asked
 * for, unless a single word does not and `wrap` was off. */
struct line {
	const char *text;
	enum span_style style;
	uint8_t quote_level;		/* 0: none */
	bool is_wrapped;		/* goes on in the next line (for copy and search) */
	bool is_split;			/* and was broken inside a word */
};

struct lines {
	struct line *v;
	size_t n, cap;
	struct arena arena;
	const char **links;		/* link k of the text is links[k - 1] */
	size_t n_links, cap_links;
};

/* Appends the text of a part (valid UTF-8, as from mime_to_utf8) as lines of at most
 * `columns`: text/html through libxml2 with links numbered "[1]", events of calendars as
 * fields (times by the clock of TZ), format=flowed joined, others wrapped at words. At most
 * 100,000 lines, then a notice says so. */
void mime_render(struct lines *out, const struct part *p, const char *utf8, size_t n,
	int columns);
/* Appends one line of ours, wrapped; text is cleaned. SPAN_NOTICE and SPAN_ATTACHMENT begin
 * with the mark U+258C and a space, which a line of a mail never does. */
void lines_add(struct lines *out, enum span_style style, const char *text, int columns);
/* The lines as text for another program: what was wrapped is one line again, without what
 * stands before the further lines of it. */
void lines_text(struct str *out, const struct lines *lines);
void lines_clear(struct lines *out);
void lines_wipe(struct lines *out);	/* the same, and their text does not stay in memory */

/* The header block of the pager: From (with the real address), To, Cc, Date, Subject, and
 * with `all` every field. Without, To and Cc are cut to two lines that say how many more there
 * are. */
void mime_render_header(struct lines *out, const char *raw, size_t n, bool all, int columns);
/* One field of people (UTF-8) in that form, and a date in that form: "Wed, 15 Jul 2026 11:00
 * +0000" (false: it is none). */
void mime_render_people(struct lines *out, const char *name, const char *value, int columns);
enum { MIME_DATE_SIZE = 80 };
bool mime_print_date(char out[MIME_DATE_SIZE], int64_t seconds, int tz_minutes);

/* For an index of words: appends the text for reading (part_readable) as UTF-8, unwrapped and
 * not cleaned, HTML as mime_render reads it, and the names of attachments; of a whole message,
 * or piece by piece where parts came alone (decoded as from mime_decode_body). */
void mime_text(struct str *out, const struct mime_msg *m);
void mime_text_of_part(struct str *out, const struct part *p, const char *decoded, size_t n);
void mime_text_of_names(struct str *out, const struct part *root);

/* A whole message file as the pager shows it, or as JSON (DESIGN 5, `dunlin show`): headers of
 * embedded messages carry the mark of notices. */
void mime_show_text(struct lines *out, const struct mime_msg *m, const char *raw, size_t n,
	bool all_headers, int columns);
void mime_show_json(struct str *out, const struct mime_msg *m, const char *raw, size_t n);

#endif
