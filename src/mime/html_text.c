/* html_text.c - a paragraph of HTML: text comes into it, and lines out of it.
 *
 * Spaces collapse as they come, over the borders of elements; only the end of the paragraph
 * makes lines, with the prefixes of all that it is in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "utf8.h"

/* ---- text into it ---- */

static bool
ends_in_space(const struct str *s)
{
	return s->len == 0 || s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\n' ||
		(s->len >= 2 && memcmp(s->data + s->len - 2, "\xc2\xa0", 2) == 0);
}

/* Bytes of a character that has no width and only helps layout; 0: it is none. */
static size_t
filler(const char *s, size_t n)
{
	static const char *const fillers[] = { "\xe2\x80\x8b", "\xef\xbb\xbf", "\xe2\x81\xa0",
		"\xc2\xad", "\xcd\x8f", "\xe2\x80\x8c", "\xe1\xa0\x8e" };

	for (size_t i = 0; i < LEN(fillers); i++) {
		size_t len = strlen(fillers[i]);
		if (n >= len && memcmp(s, fillers[i], len) == 0)
			return len;
	}
	return 0;
}

/* Bytes of a space of any width at s; *keeps: a no-break space. */
static size_t
space(const char *s, size_t n, bool *keeps)
{
	unsigned char c = (unsigned char)s[0], d = n > 1 ? (unsigned char)s[1] : 0;
	unsigned char e = n > 2 ? (unsigned char)s[2] : 0;

	*keeps = c == 0xc2 && d == 0xa0;
	if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v')
		return 1;
	if (*keeps)
		return 2;
	return c == 0xe2 && d == 0x80 && (e <= 0x8a || e == 0xaf) ? 3 : 0;
}

void
html_put_run(struct html *h, const char *s, size_t n)
{
	if (h->wants_space && !ends_in_space(&h->text))
		str_putc(&h->text, ' ');
	h->wants_space = false;
	str_add(&h->text, s, n);
	h->n_visible++;
	h->link_has_text = true;
}

void
html_put(struct html *h, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		bool keeps;
		size_t len = space(s + i, n - i, &keeps);
		if (len) {
			if (keeps && !h->wants_space && !ends_in_space(&h->text))
				str_puts(&h->text, "\xc2\xa0");
			else
				h->wants_space = true;
			i += len;
			continue;
		}
		if ((unsigned char)s[i] >= 0x80 && (len = filler(s + i, n - i))) {
			i += len;
			continue;
		}
		/* The whole run up to what needs a look. */
		len = 1;
		while (i + len < n && (unsigned char)s[i + len] > ' ' &&
		    (unsigned char)s[i + len] < 0x80)
			len++;
		while (i + len < n && (s[i + len] & 0xc0) == 0x80)
			len++;
		html_put_run(h, s + i, len);
		i += len;
	}
}

void
html_put_pre(struct html *h, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\t')
			str_puts(&h->text, "        ");
		else if (s[i] != '\r')
			str_putc(&h->text, s[i]);
	}
	h->n_visible += n;
	h->link_has_text = h->link_has_text || n > 0;
}

void
html_put_link_number(struct html *h)
{
	char number[32];

	if (!h->link || !h->link_has_text)
		return;
	snprintf(number, sizeof number, "[%zu]", h->link);
	h->link = 0;
	h->wants_space = true;
	html_put_run(h, number, strlen(number));
}

size_t
html_count(const xmlNode *n, int depth)
{
	size_t count = 0;

	if (n->type == XML_TEXT_NODE && n->content) {
		const char *s = (const char *)n->content;
		size_t len = strlen(s);
		for (size_t i = 0; i < len;) {
			bool keeps;
			size_t skip = space(s + i, len - i, &keeps);
			skip = skip ? skip : filler(s + i, len - i);
			uint32_t c;
			count += !skip;
			i += skip ? skip : utf8_next(s + i, len - i, &c);
		}
	}
	if (depth > HTML_MAX_DEPTH + 10)
		return count;
	for (const xmlNode *c = n->children; c && n->type == XML_ELEMENT_NODE; c = c->next)
		count += html_count(c, depth + 1);
	return count;
}

/* ---- lines out of it ---- */

static void
emit_line(struct html *h, const char *s, size_t n)
{
	const char *prefix = str_get(&h->prefix);
	struct shape shape = { h->quote_level && h->style == SPAN_TEXT ? SPAN_QUOTE : h->style,
		h->quote_level, h->first ? h->first : prefix, prefix, h->columns, false };

	if (!lines_wrap(h->out, &shape, s, n))
		h->is_full = true;
	free(h->first);
	h->first = NULL;
}

/* The empty line between two paragraphs belongs to what encloses both. */
static void
emit_blank(struct html *h)
{
	size_t n = h->blank_prefix_n < h->prefix.len ? h->blank_prefix_n : h->prefix.len;
	char *prefix = xstrndup(str_get(&h->prefix), n);
	int level = 0;

	for (const char *c = prefix; *c; c++)
		level += *c == '>';
	if (h->out->n > h->start && !lines_blank(h->out, level, prefix))
		h->is_full = true;
	h->wants_blank = false;
	free(prefix);
}

void
html_want_blank(struct html *h)
{
	if (!h->wants_blank || h->prefix.len < h->blank_prefix_n)
		h->blank_prefix_n = h->prefix.len;
	h->wants_blank = true;
}

static void
trim_end(struct str *s)
{
	while (s->len && ends_in_space(s))
		str_cut(s, s->len - (s->data[s->len - 1] == ' ' ||
			s->data[s->len - 1] == '\n' ? 1 : 2));
}

void
html_flush(struct html *h)
{
	struct str clean = {0};

	if (h->text.len)
		html_put_link_number(h);
	h->wants_space = false;
	if (h->is_capture) {
		if (h->text.len && h->text.data[h->text.len - 1] != '\n')
			str_putc(&h->text, '\n');
		return;
	}
	trim_end(&h->text);
	if (h->text.len == 0 || h->is_full) {
		str_cut(&h->text, 0);
		return;
	}
	if (h->wants_blank)
		emit_blank(h);
	text_clean(&clean, str_get(&h->text), h->text.len, CLEAN_TEXT);
	const char *s = str_get(&clean), *end = s + clean.len;
	while (s <= end && !h->is_full) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		const char *stop = nl ? nl : end;
		emit_line(h, s, (size_t)(stop - s));
		s = stop + 1;
	}
	str_clear(&clean);
	str_cut(&h->text, 0);
}

void
html_block(struct html *h, bool blank)
{
	html_flush(h);
	if (blank)
		html_want_blank(h);
}

void
html_put_break(struct html *h)
{
	size_t n = h->text.len;

	h->wants_space = false;
	while (n && h->text.data[n - 1] == ' ')
		str_cut(&h->text, --n);
	if (n == 0) {
		html_want_blank(h);
		return;
	}
	if (n >= 2 && h->text.data[n - 1] == '\n' && h->text.data[n - 2] == '\n')
		return;
	str_putc(&h->text, '\n');
}

size_t
html_push_prefix(struct html *h, const char *s)
{
	size_t was = h->prefix.len;

	if ((int)(was + strlen(s)) <= h->columns / 2)
		str_puts(&h->prefix, s);
	return was;
}
