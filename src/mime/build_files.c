/* build_files.c - the bytes of attachments, put into a message that was built without them.
 *
 * The library would hold each of them three times over. So it writes the message with empty
 * attachments, which is short, and here each one's bytes go straight into the result,
 * encoded a piece at a time. Where each belongs is told by the boundary, a random word that
 * nothing else in there says. */
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "mime.h"

/* 76 columns (RFC 2045 6.8) */
enum { LINE_BYTES = 57, PIECE_LINES = 18000, MAX_WIRE_LINE = 990 };

/* Line ends aside it can stand there unencoded: lines that servers
 * take, no NUL, no lone CR. */
static bool
is_plain_enough(const char *p, size_t n)
{
	size_t line = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\0' || (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n')))
			return false;
		line = p[i] == '\n' ? 0 : line + 1;
		if (line > MAX_WIRE_LINE)
			return false;
	}
	return true;
}

GMimeContentEncoding
file_encoding(const struct draft_file *f)
{
	if (!f->type || !str_ieq(f->type, "message/rfc822") || f->len == 0 ||
	    mime_header_length(f->data, f->len) == 0 || !is_plain_enough(f->data, f->len))
		return GMIME_CONTENT_ENCODING_BASE64;
	return has_8bit(f->data, f->len)
		? GMIME_CONTENT_ENCODING_8BIT : GMIME_CONTENT_ENCODING_7BIT;
}

/* ---- encoding ---- */

static void
put_base64(struct str *out, const unsigned char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[LINE_BYTES / 3 * 4 + 1];
	char *c = line;

	for (size_t i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 |
			(i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
		*c++ = digits[v >> 18];
		*c++ = digits[v >> 12 & 63];
		*c++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*c++ = i + 2 < n ? digits[v & 63] : '=';
	}
	str_add(out, line, (size_t)(c - line));
}

static void
put_lines_base64(struct str *out, const unsigned char *p, size_t n)
{
	for (size_t at = 0; at < n; at += LINE_BYTES) {
		put_base64(out, p + at, n - at < LINE_BYTES ? n - at : LINE_BYTES);
		str_puts(out, "\r\n");
	}
}

/* Each CR stands before an LF: file_encoding saw to that. */
static void
put_lines_plain(struct str *out, const char *p, size_t n)
{
	for (const char *end = p + n; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		str_add(out, p, len && p[len - 1] == '\r' ? len - 1 : len);
		if (nl)
			str_puts(out, "\r\n");
		p += len + (nl != NULL);
	}
}

static size_t
room_for(const struct draft_file *f, GMimeContentEncoding encoding)
{
	size_t n_lines = f->len / LINE_BYTES + 1, n = 0;

	if (encoding == GMIME_CONTENT_ENCODING_BASE64)
		return n_lines * (LINE_BYTES / 3 * 4 + 2);
	for (const char *p = f->data, *end = p + f->len;
	    (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	return f->len + n;
}

/* A piece ends with a line of base64; of what stands there as it is, wherever,
 * but never between CR and LF. */
static size_t
piece_at(const struct draft_file *f, size_t at, bool is_plain)
{
	const char *p = f->data;
	size_t n = (size_t)LINE_BYTES * PIECE_LINES;

	if (f->len - at <= n)
		return f->len - at;
	return is_plain && p[at + n - 1] == '\r' ? n + 1 : n;
}

static bool
put_file(struct str *out, const struct draft *d, const struct draft_file *f, uint64_t *done)
{
	bool is_plain = file_encoding(f) != GMIME_CONTENT_ENCODING_BASE64;

	for (size_t at = 0, n; at < f->len; at += n) {
		n = piece_at(f, at, is_plain);
		if (is_plain)
			put_lines_plain(out, (const char *)f->data + at, n);
		else
			put_lines_base64(out, (const unsigned char *)f->data + at, n);
		*done += n;
		if (d->go_on && !d->go_on(d->go_on_ctx, *done))
			return false;
	}
	return true;
}

enum err
files_insert(struct str *out, const struct draft *d, const char *boundary,
	const char *skeleton, size_t n, struct error *e)
{
	char *mark = xasprintf("\r\n--%s", boundary);
	size_t room = n, n_mark = strlen(mark);
	const char *from = skeleton, *end = skeleton + n;
	uint64_t done = 0;
	bool ok = true;

	for (size_t i = 0; i < d->n_files; i++)
		room += room_for(&d->files[i], file_encoding(&d->files[i]));
	str_reserve(out, room);
	/* The first mark stands before the text, the second before the first file. */
	for (size_t i = 0; i < d->n_files + 2 && ok; i++) {
		const char *at = memmem(from, (size_t)(end - from), mark, n_mark);
		if (!at)
			abort();
		str_add(out, from, (size_t)(at - from));
		if (i >= 2)
			ok = put_file(out, d, &d->files[i - 2], &done);
		str_puts(out, mark);
		from = at + n_mark;
	}
	str_add(out, from, (size_t)(end - from));
	free(mark);
	return ok ? ERR_OK : error_set(e, ERR_CANCELLED, "stopped");
}
