/* decode.c - transfer encodings undone, leniently and by the piece.
 *
 * The decoders are GMime's (base64 with junk in it, torn quoted-printable, uuencode with or
 * without its begin line); what is here bounds them: 64 KB at a time, so that a limit on the output is
 * a limit on the work. */
#include <gmime/gmime.h>
#include <string.h>

#include "internal.h"

enum { PIECE_BYTES = 64 * 1024 };

static GMimeContentEncoding
gmime_encoding(enum part_encoding enc)
{
	return enc == ENC_BASE64 ? GMIME_CONTENT_ENCODING_BASE64
		: enc == ENC_QP ? GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
		: GMIME_CONTENT_ENCODING_UUENCODE;
}

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

void
decode_transfer(struct str *out, enum part_encoding enc, const char *raw, size_t n, size_t max)
{
	if (enc == ENC_7BIT || enc == ENC_8BIT || enc == ENC_BINARY) {
		str_add(out, raw, n < max ? n : max);
		return;
	}
	GMimeFilter *filter = g_mime_filter_basic_new(gmime_encoding(enc), FALSE);
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
