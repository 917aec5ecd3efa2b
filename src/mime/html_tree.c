/* html_tree.c - HTML of strangers to a tree of bounded depth, in linear time.
 *
 * libxml2 reads the HTML, but some of its steps are quadratic in what a mail may choose:
 * attributes of one tag, end tags that match none of many open elements, unclosed comments.
 * So the text goes through a sieve first, one pass, that drops what is never shown
 * (comments, style, script), caps tags, attributes and the whole; and elements below
 * HTML_MAX_DEPTH are left out of the tree, their text being kept in the deepest that is in
 * it. No network, no external entity. */
#include <string.h>

#include <libxml/SAX2.h>

#include "html.h"

enum { MAX_ATTRS = 60, MAX_VALUE_BYTES = 4096, MAX_TAG_BYTES = 16 * 1024, MAX_OPEN = 400,
	MAX_ELEMENTS = 200000 };

struct sieve {
	struct str out;
	const char *p, *end;
	bool no_comment_end, is_cut;
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Skips what begins with "<!" or "<?". */
static void
skip_declaration(struct sieve *s)
{
	size_t left = (size_t)(s->end - s->p);

	if (left >= 4 && memcmp(s->p, "<!--", 4) == 0 && !s->no_comment_end) {
		/* "<!-->" is a whole comment. */
		const char *stop = memmem(s->p + 2, left - 2, "-->", 3);
		if (stop) {
			s->p = stop + 3;
			return;
		}
		s->no_comment_end = true;
	}
	const char *stop = memchr(s->p, '>', left);
	s->p = stop ? stop + 1 : s->end;
}

/* Behind the start tag of an element whose content is not text: to its end tag. */
static void
skip_raw(struct sieve *s, const char *name, size_t n)
{
	for (const char *q = s->p; (q = memchr(q, '<', (size_t)(s->end - q))); q++) {
		if ((size_t)(s->end - q) > n + 2 && q[1] == '/' &&
		    strncasecmp(q + 2, name, n) == 0) {
			const char *stop = memchr(q, '>', (size_t)(s->end - q));
			s->p = stop ? stop + 1 : s->end;
			return;
		}
	}
	s->p = s->end;
}

/* The end of the tag at p, behind its '>'; NULL when it is none. A '<' outside quotes ends the
 * search, so all searches together are linear. */
static const char *
tag_end(const char *p, const char *end)
{
	char quote = 0;

	for (const char *q = p + 1; q < end; q++) {
		if (quote)
			quote = *q == quote ? 0 : quote;
		else if ((*q == '"' || *q == '\'') && (q[-1] == '=' || is_space(q[-1])))
			quote = *q;
		else if (*q == '>')
			return q + 1;
		else if (*q == '<')
			return NULL;
	}
	return NULL;
}

/* Copies a tag, without attributes behind the 60th and without values that no link has. */
static void
copy_tag(struct sieve *s, const char *p, const char *stop)
{
	int n_attrs = 0;
	size_t begin = s->out.len;

	for (const char *q = p; q < stop - 1; q++) {
		if ((*q == '"' || *q == '\'') && (q[-1] == '=' || is_space(q[-1]))) {
			const char *close = memchr(q + 1, *q, (size_t)(stop - q - 1));
			if (close && close - q > MAX_VALUE_BYTES) {
				str_puts(&s->out, "\"\"");
			} else if (close) {
				str_add(&s->out, q, (size_t)(close - q + 1));
			}
			if (close) {
				q = close;
				continue;
			}
		}
		if (is_space(*q) && !is_space(q[1]) && ++n_attrs > MAX_ATTRS)
			break;
		if (s->out.len - begin > MAX_TAG_BYTES)
			break;
		str_putc(&s->out, *q ? *q : ' ');
	}
	str_putc(&s->out, '>');
}

static void
sieve_tag(struct sieve *s)
{
	static const char *const raw[] = { "style", "script", "title", "noframes", "svg",
		"xml" };
	const char *p = s->p, *stop = tag_end(p, s->end);
	size_t n = 1;

	if (!stop) {
		str_puts(&s->out, "&lt;");
		s->p++;
		return;
	}
	while (is_letter(p[n]))
		n++;
	s->p = stop;
	for (size_t i = 0; i < LEN(raw); i++) {
		if (strlen(raw[i]) == n - 1 && strncasecmp(p + 1, raw[i], n - 1) == 0) {
			if (stop[-2] != '/')
				skip_raw(s, raw[i], n - 1);
			return;
		}
	}
	copy_tag(s, p, stop);
}

/* A '&' that begins no entity costs libxml2 an error message. */
static void
copy_text(struct sieve *s, const char *stop)
{
	for (; s->p < stop && s->out.len < HTML_MAX_BYTES; s->p++) {
		char next = s->p + 1 < stop ? s->p[1] : ' ';
		if (*s->p == '&' && !is_letter(next) && next != '#')
			str_puts(&s->out, "&amp;");
		else
			str_putc(&s->out, *s->p ? *s->p : ' ');
	}
}

static void
sieve(struct sieve *s)
{
	while (s->p < s->end && s->out.len < HTML_MAX_BYTES) {
		const char *lt = memchr(s->p, '<', (size_t)(s->end - s->p));
		const char *stop = lt ? lt : s->end;
		copy_text(s, stop);
		if (s->p == s->end || s->p < stop)
			break;
		char next = lt + 1 < s->end ? lt[1] : ' ';
		if (next == '!' || next == '?')
			skip_declaration(s);
		else if (is_letter(next) ||
		    (next == '/' && lt + 2 < s->end && is_letter(lt[2])))
			sieve_tag(s);
		else {
			str_puts(&s->out, "&lt;");
			s->p++;
		}
	}
	s->is_cut = s->p < s->end;
}

/* ---- the tree ---- */

struct builder {
	int n_over;		/* open elements that are not in the tree */
	int n;
	bool is_cut;
};

static void
start_element(void *ctx, const xmlChar *name, const xmlChar **attrs)
{
	htmlParserCtxt *c = ctx;
	struct builder *b = c->_private;

	if (c->nameNr > MAX_OPEN || ++b->n > MAX_ELEMENTS) {
		b->is_cut = true;
		xmlStopParser(c);
	} else if (b->n_over || c->nodeNr >= HTML_MAX_DEPTH) {
		b->n_over++;
	} else {
		xmlSAX2StartElement(ctx, name, attrs);
	}
}

static void
end_element(void *ctx, const xmlChar *name)
{
	struct builder *b = ((htmlParserCtxt *)ctx)->_private;

	if (b->n_over)
		b->n_over--;
	else
		xmlSAX2EndElement(ctx, name);
}

xmlDoc *
html_tree(const char *utf8, size_t n, bool *is_cut)
{
	struct sieve s = { .p = utf8, .end = utf8 + n };
	struct builder b = {0};
	xmlDoc *doc = NULL;
	htmlParserCtxt *c = htmlNewParserCtxt();

	sieve(&s);
	if (c) {
		c->_private = &b;
		c->sax->startElement = start_element;
		c->sax->endElement = end_element;
		doc = htmlCtxtReadMemory(c, str_get(&s.out), (int)s.out.len, NULL, "UTF-8",
			HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
			HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC | HTML_PARSE_COMPACT);
		htmlFreeParserCtxt(c);
	}
	*is_cut = s.is_cut || b.is_cut;
	str_clear(&s.out);
	return doc;
}
