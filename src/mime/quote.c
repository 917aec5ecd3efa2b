/* quote.c - quoting: line by line; of format=flowed (RFC 3676) the paragraphs are joined first
 * and wrapped again, so that they do not become ragged with every answer. Text is cleaned line
 * by line, so that no control byte gets into an answer. */
#include <string.h>

#include "quote.h"
#include "utf8.h"

enum { COLUMNS = 74 };

struct line {
	const char *s;
	size_t n;
	int level;
	bool goes_on;			/* a soft line end */
};

/* The line at *at without its line end; advances *at. */
static struct line
next_line(const struct reply_source *s, size_t *at)
{
	const char *p = s->text + *at;
	const char *end = memchr(p, '\n', s->text_len - *at);
	size_t n = end ? (size_t)(end - p) : s->text_len - *at;
	struct line l = { .s = p };

	*at += n + (end != NULL);
	if (n > 0 && p[n - 1] == '\r')
		n--;
	l.n = n;
	if (!s->is_flowed)
		return l;
	while (l.n > 0 && *l.s == '>') {
		l.s++, l.n--, l.level++;
	}
	if (l.n > 0 && *l.s == ' ')
		l.s++, l.n--;
	bool is_signature = l.n == 3 && memcmp(l.s, "-- ", 3) == 0;
	l.goes_on = l.n > 0 && l.s[l.n - 1] == ' ' && !is_signature;
	if (l.goes_on && s->delsp)
		l.n--;
	return l;
}

/* Where the last signature of the sender's own begins; the whole length when there is none. */
static size_t
signature_at(const struct reply_source *s)
{
	size_t found = s->text_len, at = 0, from;

	for (from = 0; from < s->text_len; from = at) {
		struct line l = next_line(s, &at);
		if (l.level == 0 && l.n == 3 && memcmp(l.s, "-- ", 3) == 0)
			found = from;
	}
	return found;
}

static void
put_line(struct str *out, int level, const char *s, size_t n)
{
	for (int i = 0; i < level; i++)
		str_putc(out, '>');
	while (n > 0 && s[n - 1] == ' ')
		n--;
	if (level > 0 && n > 0 && *s != '>')
		str_putc(out, ' ');
	str_add(out, s, n);
	str_putc(out, '\n');
}

/* A joined paragraph, wrapped at words. */
static void
put_paragraph(struct str *out, int level, const char *s, size_t n)
{
	do {
		int used;
		size_t fit = text_fit(s, n, COLUMNS - level, &used), cut = fit;
		if (fit < n) {
			while (cut > 0 && s[cut] != ' ')
				cut--;
			const char *space = memchr(s + fit, ' ', n - fit);
			/* one long word: a link, never broken */
			if (cut == 0)
				cut = space ? (size_t)(space - s) : n;
		}
		put_line(out, level, s, cut);
		s += cut, n -= cut;
		while (n > 0 && *s == ' ')
			s++, n--;
	} while (n > 0);
}

static void
put_all(struct str *out, const struct reply_source *s, int deeper)
{
	struct str joined = { 0 };
	size_t at = 0;

	while (at < s->text_len) {
		struct line l = next_line(s, &at);
		text_clean(&joined, l.s, l.n, CLEAN_TEXT);
		bool was_joined = false;
		while (l.goes_on && at < s->text_len) {
			size_t behind = at;
			struct line next = next_line(s, &behind);
			if (next.level != l.level ||
			    (next.n == 3 && memcmp(next.s, "-- ", 3) == 0))
				break;
			text_clean(&joined, next.s, next.n, CLEAN_TEXT);
			l.goes_on = next.goes_on;
			at = behind;
			was_joined = true;
		}
		const char *text = str_get(&joined);
		if (was_joined)
			put_paragraph(out, l.level + deeper, text, joined.len);
		else
			put_line(out, l.level + deeper, text, joined.len);
		str_cut(&joined, 0);
	}
	str_clear(&joined);
}

void
quote_text(struct str *out, const struct reply_source *s)
{
	struct reply_source body = *s;

	body.text_len = signature_at(s);
	while (body.text_len > 0 && strchr("\r\n \t", body.text[body.text_len - 1]))
		body.text_len--;
	put_all(out, &body, 1);
}

void
quote_plain(struct str *out, const struct reply_source *s)
{
	put_all(out, s, 0);
}
