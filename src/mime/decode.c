/* decode.c - transfer encodings undone, leniently and by the piece.
 *
 * The decoders of base64 (with junk in it) and of quoted-printable (torn) are GMime's; what is
 * here bounds them: 64 KB at a time, so that a limit on the output is a limit on the work.
 * Uuencode is ours, since GMime's filter wants a begin line that mail does not always have. */
#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum {
	PIECE_BYTES = 64 * 1024,
	MAX_UU_LINE = 100		/* 1 + 84 say something, the rest of a line nothing */
};

struct mime_decoder {
	enum part_encoding enc;
	GMimeFilter *filter;		/* NULL: none is needed */
	char line[MAX_UU_LINE];		/* of uuencode: one that has begun */
	size_t n_line;
	bool is_over;			/* what follows belongs to nothing */
};

/* The filter may look at, and overwrite, the bytes before its input. */
static void
run_filter(struct str *out, GMimeFilter *filter, const char *raw, size_t n, bool is_last)
{
	char *p;
	size_t len, room;

	if (is_last)
		g_mime_filter_complete(filter, (char *)(uintptr_t)raw, n, 0, &p, &len, &room);
	else
		g_mime_filter_filter(filter, (char *)(uintptr_t)raw, n, 0, &p, &len, &room);
	str_add(out, p, len);
}

/* One line: its length, then groups of four; what is missing at its end counts as spaces. */
static void
decode_uu_line(struct str *out, const char *s, size_t n)
{
	size_t left = n ? (size_t)((s[0] - ' ') & 63) : 0;

	for (size_t i = 1; left > 0 && i < n; i += 4) {
		unsigned v = 0;
		for (size_t k = 0; k < 4; k++)
			v = v << 6 | (i + k < n ? (unsigned)(s[i + k] - ' ') & 63 : 0);
		char bytes[3] = { (char)(v >> 16), (char)(v >> 8), (char)v };
		size_t take = left < 3 ? left : 3;
		str_add(out, bytes, take);
		left -= take;
	}
}

static void
end_uu_line(struct mime_decoder *d, struct str *out)
{
	while (d->n_line > 0 && d->line[d->n_line - 1] == '\r')
		d->n_line--;
	if (d->n_line == 3 && memcmp(d->line, "end", 3) == 0)
		d->is_over = true;
	else if (d->n_line < 6 || memcmp(d->line, "begin ", 6) != 0)
		decode_uu_line(out, d->line, d->n_line);
	d->n_line = 0;
}

static void
decode_uu(struct mime_decoder *d, struct str *out, const char *s, size_t n, bool is_last)
{
	const char *end = s + n;

	while (s < end && !d->is_over) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t len = (size_t)((nl ? nl : end) - s), room = MAX_UU_LINE - d->n_line;
		memcpy(d->line + d->n_line, s, len < room ? len : room);
		d->n_line += len < room ? len : room;
		if (nl)
			end_uu_line(d, out);
		s = nl ? nl + 1 : end;
	}
	if (is_last && d->n_line > 0 && !d->is_over)
		end_uu_line(d, out);
}

struct mime_decoder *
mime_decoder_new(enum part_encoding enc)
{
	struct mime_decoder *d = xcalloc(1, sizeof *d);

	d->enc = enc;
	if (enc == ENC_BASE64 || enc == ENC_QP)
		d->filter = g_mime_filter_basic_new(
			enc == ENC_BASE64 ? GMIME_CONTENT_ENCODING_BASE64
			: GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, FALSE);
	return d;
}

void
mime_decoder_free(struct mime_decoder *d)
{
	if (d && d->filter)
		g_object_unref(d->filter);
	free(d);
}

void
mime_decoder_feed(struct mime_decoder *d, struct str *out, const char *p, size_t n,
	bool is_last)
{
	do {
		size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;
		if (d->filter)
			run_filter(out, d->filter, p, piece, is_last && piece == n);
		else if (d->enc == ENC_UUENCODE)
			decode_uu(d, out, p, piece, is_last && piece == n);
		else
			str_add(out, p, piece);
		p += piece;
		n -= piece;
	} while (n > 0);
}

void
decode_transfer(struct str *out, enum part_encoding enc, const char *raw, size_t n, size_t max)
{
	struct mime_decoder *d = mime_decoder_new(enc);
	size_t begin = out->len;

	while (n > 0 && out->len - begin < max) {
		size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;
		mime_decoder_feed(d, out, raw, piece, piece == n);
		raw += piece;
		n -= piece;
	}
	if (out->len - begin > max)
		str_cut(out, begin + max);
	mime_decoder_free(d);
}

void
decode_base64(struct str *out, const char *s, size_t n)
{
	GMimeEncoding state;
	char buf[1024];

	g_mime_encoding_init_decode(&state, GMIME_CONTENT_ENCODING_BASE64);
	while (n > 0) {
		size_t piece = n < 512 ? n : 512;
		str_add(out, buf, g_mime_encoding_step(&state, s, piece, buf));
		s += piece;
		n -= piece;
	}
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10
		: c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
decode_q(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '=' && n - i > 2 && hex(s[i + 1]) >= 0 && hex(s[i + 2]) >= 0) {
			str_putc(out, (char)(hex(s[i + 1]) * 16 + hex(s[i + 2])));
			i += 2;
		} else {
			str_putc(out, s[i] == '_' ? ' ' : s[i]);
		}
	}
}

void
mime_decode_body(struct str *out, const struct part *p, const char *raw, size_t n, size_t max)
{
	decode_transfer(out, p->encoding, raw, n, max);
}
