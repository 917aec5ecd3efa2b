/* decode.c - transfer encodings undone, leniently and by the piece.
 *
 * The decoders of base64 (with junk in it) and of quoted-printable (torn) are GMime's; what is here
 * bounds them: 64 KB at a time, so that a limit on the output is a limit on the work. Uuencode is
 * ours, since GMime's filter wants a begin line that mail does not always have. */
#include <gmime/gmime.h>
#include <string.h>

#include "internal.h"

enum { PIECE_BYTES = 64 * 1024 };

/* Runs raw through GMime's filter, appended to out until max bytes are there. */
static void
run_filter(struct str *out, GMimeFilter *filter, const char *raw, size_t n, size_t max)
{
	size_t begin = out->len;

	while (n > 0 && out->len - begin < max) {
		size_t piece = n < PIECE_BYTES ? n : PIECE_BYTES;
		char *p;
		size_t len, room;
		/* The filter may look at, and overwrite, the bytes before its input. */
		if (piece < n)
			g_mime_filter_filter(filter, (char *)raw, piece, 0, &p, &len, &room);
		else
			g_mime_filter_complete(filter, (char *)raw, piece, 0, &p, &len, &room);
		str_add(out, p, len);
		raw += piece;
		n -= piece;
	}
	if (out->len - begin > max)
		str_cut(out, begin + max);
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
decode_uu(struct str *out, const char *s, size_t n, size_t max)
{
	const char *end = s + n;
	size_t begin = out->len;

	while (s < end && out->len - begin < max) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t len = (size_t)((nl ? nl : end) - s);
		while (len > 0 && s[len - 1] == '\r')
			len--;
		if (len == 3 && memcmp(s, "end", 3) == 0)
			break;
		if (len < 6 || memcmp(s, "begin ", 6) != 0)
			decode_uu_line(out, s, len);
		s = nl ? nl + 1 : end;
	}
	if (out->len - begin > max)
		str_cut(out, begin + max);
}

void
decode_transfer(struct str *out, enum part_encoding enc, const char *raw, size_t n, size_t max)
{
	if (enc == ENC_7BIT || enc == ENC_8BIT || enc == ENC_BINARY) {
		str_add(out, raw, n < max ? n : max);
		return;
	}
	if (enc == ENC_UUENCODE) {
		decode_uu(out, raw, n, max);
		return;
	}
	GMimeFilter *filter = g_mime_filter_basic_new(enc == ENC_BASE64
		? GMIME_CONTENT_ENCODING_BASE64 : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, FALSE);
	run_filter(out, filter, raw, n, max);
	g_object_unref(filter);
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
