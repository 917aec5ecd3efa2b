/* words.c - encoded words (RFC 2047), as mail really has them.
 *
 * Strictly an encoded word stands between spaces; mailers glue them to text, put them in
 * quotes, leave raw spaces inside, and cut multi-byte characters between two words. All of
 * that is read: words of the same charset side by side are joined before conversion. What is
 * not a word is text in a guessed charset. */
#include <stdint.h>
#include <string.h>

#include "internal.h"

/* "=?charset*lang?e?text?=" at s; the whole is n bytes long. */
struct word {
	struct span charset, text;
	char encoding;			/* 'q' or 'b' */
	size_t n;
};

static bool
read_word(struct word *w, const char *s, const char *end)
{
	const char *p = s + 2;
	const char *q = memchr(p, '?', (size_t)(end - p) < 80 ? (size_t)(end - p) : 80);

	if (!q || q == p || end - q < 5 || q[2] != '?')
		return false;
	const char *star = memchr(p, '*', (size_t)(q - p));
	w->charset = (struct span){ p, (size_t)((star ? star : q) - p) };
	w->encoding = (char)(q[1] | 0x20);
	if (w->encoding != 'q' && w->encoding != 'b')
		return false;
	p = q + 3;
	/* A raw '?' or two in the text is forgiven; more tries would
	 * cost more than linear time. */
	q = memchr(p, '?', (size_t)(end - p));
	for (int tries = 0; q && !(q + 1 < end && q[1] == '=');) {
		if (++tries > 8 || q + 1 >= end)
			return false;
		q = memchr(q + 1, '?', (size_t)(end - q - 1));
	}
	if (!q)
		return false;
	w->text = (struct span){ p, (size_t)(q - p) };
	w->n = (size_t)(q + 2 - s);
	return true;
}

/* Bytes of words that share a charset, waiting for conversion. */
struct pending {
	char charset[80];
	struct str bytes;
};

static void
flush(struct str *out, struct pending *w)
{
	if (w->bytes.len)
		charset_to_utf8(out, w->charset, str_get(&w->bytes), w->bytes.len);
	str_cut(&w->bytes, 0);
}

static void
add_word(struct str *out, struct pending *pend, const struct word *w)
{
	if (strncmp(pend->charset, w->charset.p, w->charset.n) != 0 ||
	    pend->charset[w->charset.n]) {
		flush(out, pend);
		memcpy(pend->charset, w->charset.p, w->charset.n);
		pend->charset[w->charset.n] = '\0';
	}
	if (w->encoding == 'b')
		decode_base64(&pend->bytes, w->text.p, w->text.n);
	else
		decode_q(&pend->bytes, w->text.p, w->text.n);
}

static void
decode_words(struct str *out, const char *s, size_t n)
{
	const char *end = s + n, *text = s;
	struct pending pend = {0};
	bool after_word = false;

	for (const char *p = s; (p = memmem(p, (size_t)(end - p), "=?", 2));) {
		struct word w;
		if (!read_word(&w, p, end)) {
			p += 2;
			continue;
		}
		bool only_space = after_word;
		for (const char *c = text; c < p && only_space; c++)
			only_space = *c == ' ' || *c == '\t';
		if (!only_space) {
			flush(out, &pend);
			charset_to_utf8(out, "", text, (size_t)(p - text));
		}
		add_word(out, &pend, &w);
		p = text = p + w.n;
		after_word = true;
	}
	flush(out, &pend);
	charset_to_utf8(out, "", text, (size_t)(end - text));
	str_clear(&pend.bytes);
}

char *
mime_decode_words(struct arena *a, const char *raw)
{
	size_t n = strlen(raw);
	bool is_plain = true;

	for (size_t i = 0; i < n && is_plain; i++)
		is_plain = (unsigned char)raw[i] < 0x80 && raw[i] != 033 &&
			!(raw[i] == '=' && raw[i + 1] == '?');
	if (is_plain)
		return arena_strndup(a, raw, n);
	struct str out = {0};
	decode_words(&out, raw, n);
	/* Decoded words may hold anything, a NUL too. */
	for (size_t i = 0; i < out.len; i++) {
		if (!out.data[i])
			out.data[i] = ' ';
	}
	char *kept = arena_strndup(a, str_get(&out), out.len);
	str_clear(&out);
	return kept;
}
