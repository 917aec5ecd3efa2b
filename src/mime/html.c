/* html.c - HTML to lines of text, as a person would write it down.
 *
 * One walk through the tree (html_tree.c): text collects in a paragraph, blocks end it, and
 * prefixes (quote marks, bullets, indents) are kept for whatever is printed inside. Links get
 * numbers, with their addresses at the end, so that where a link goes is always seen. What the
 * mail hides (display:none, letters of no size) is not shown, but told. Nothing is fetched;
 * nothing of it is trusted: lines_wrap gets text_clean's output only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "utf8.h"

enum kind {
	INLINE, BLOCK, PARAGRAPH, HEADING, LIST, ITEM, QUOTE, PRE, BREAK, RULE, IMAGE, LINK,
	TABLE, CELL, INDENT, SKIP
};

static const struct { const char *name; enum kind kind; } elements[] = {
	{ "a", LINK }, { "br", BREAK }, { "img", IMAGE }, { "table", TABLE }, { "td", CELL },
	{ "th", CELL }, { "tr", BLOCK }, { "div", BLOCK }, { "p", PARAGRAPH },
	{ "center", BLOCK }, { "h1", HEADING }, { "h2", HEADING }, { "h3", HEADING },
	{ "h4", HEADING }, { "h5", HEADING }, { "h6", HEADING }, { "ul", LIST },
	{ "ol", LIST }, { "menu", LIST }, { "dir", LIST }, { "li", ITEM },
	{ "blockquote", QUOTE }, { "pre", PRE }, { "xmp", PRE }, { "listing", PRE },
	{ "plaintext", PRE }, { "hr", RULE }, { "dd", INDENT }, { "dt", BLOCK },
	{ "dl", PARAGRAPH }, { "address", BLOCK }, { "article", BLOCK }, { "aside", BLOCK },
	{ "section", BLOCK }, { "header", BLOCK }, { "footer", BLOCK }, { "main", BLOCK },
	{ "nav", BLOCK }, { "figure", BLOCK }, { "figcaption", BLOCK }, { "fieldset", BLOCK },
	{ "legend", BLOCK }, { "form", BLOCK }, { "caption", PARAGRAPH }, { "details", BLOCK },
	{ "summary", BLOCK }, { "tbody", BLOCK }, { "thead", BLOCK }, { "tfoot", BLOCK },
	{ "body", BLOCK }, { "option", BLOCK }, { "head", SKIP }, { "style", SKIP },
	{ "script", SKIP }, { "title", SKIP }, { "meta", SKIP }, { "link", SKIP },
	{ "template", SKIP }, { "iframe", SKIP }, { "object", SKIP }, { "applet", SKIP },
	{ "textarea", SKIP }, { "input", SKIP }, { "map", SKIP },
};

static enum kind
kind_of(const xmlNode *n)
{
	for (size_t i = 0; i < LEN(elements); i++) {
		if (html_is(n, elements[i].name))
			return elements[i].kind;
	}
	return INLINE;
}

bool
html_is(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

const char *
html_attr(const xmlNode *n, const char *name)
{
	for (const xmlAttr *a = n->properties; a; a = a->next) {
		if (strcmp((const char *)a->name, name) == 0)
			return a->children && a->children->content
				? (const char *)a->children->content : "";
	}
	return NULL;
}

/* ---- text into the paragraph ---- */

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

static void
put_char(struct html *h, const char *s, size_t n)
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
		put_char(h, s + i, len);
		i += len;
	}
}

static void
put_pre(struct html *h, const char *s, size_t n)
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

/* The number of the link we are in, behind its text, once. */
static void
put_link_number(struct html *h)
{
	char number[32];

	if (!h->link || !h->link_has_text)
		return;
	snprintf(number, sizeof number, "[%zu]", h->link);
	h->link = 0;
	h->wants_space = true;
	put_char(h, number, strlen(number));
}

/* ---- the paragraph into lines ---- */

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

static void
want_blank(struct html *h)
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
		put_link_number(h);
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
		want_blank(h);
}

/* At most one empty line from any number of <br>. */
static void
put_break(struct html *h)
{
	size_t n = h->text.len;

	h->wants_space = false;
	while (n && h->text.data[n - 1] == ' ')
		str_cut(&h->text, --n);
	if (n == 0) {
		want_blank(h);
		return;
	}
	if (n >= 2 && h->text.data[n - 1] == '\n' && h->text.data[n - 2] == '\n')
		return;
	str_putc(&h->text, '\n');
}

/* Makes the prefix longer while half the screen is left. Returns what to cut it back to. */
static size_t
push_prefix(struct html *h, const char *s)
{
	size_t was = h->prefix.len;

	if ((int)(was + strlen(s)) <= h->columns / 2)
		str_puts(&h->prefix, s);
	return was;
}

/* ---- hidden text ---- */

/* Does style hold `property:value`, with nothing behind that would change the number? Style is
 * lower case, without spaces. */
static bool
has_style(const char *style, const char *want)
{
	size_t n = strlen(want);

	for (const char *p = style; (p = strstr(p, want)); p += n) {
		char next = p[n];
		bool begins = p == style || p[-1] == ';';
		if (begins && !(next >= '1' && next <= '9') && next != '.' && next != '0')
			return true;
	}
	return false;
}

static void
read_style(char *out, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n < size - 1; s++) {
		if ((unsigned char)*s > ' ')
			out[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
	}
	out[n] = '\0';
}

static size_t
count_text(const xmlNode *n, int depth)
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
		count += count_text(c, depth + 1);
	return count;
}

bool
html_is_hidden(struct html *h, const xmlNode *n)
{
	const char *raw = html_attr(n, "style");
	char style[2048] = "";

	if (raw)
		read_style(style, sizeof style, raw);
	bool hides = html_attr(n, "hidden") || has_style(style, "display:none") ||
		has_style(style, "visibility:hidden") || has_style(style, "mso-hide:all") ||
		has_style(style, "opacity:0") ||
		((has_style(style, "max-height:0") || has_style(style, "height:0")) &&
			has_style(style, "overflow:hidden"));
	if (hides)
		h->n_hidden += count_text(n, 0);
	else if (has_style(style, "font-size:0"))
		h->is_zero_size = true;
	else if (strstr(style, "font-size:") || (strstr(style, "font:")))
		h->is_zero_size = false;
	return hides;
}

/* ---- elements ---- */

static bool
is_web_address(const char *s)
{
	static const char *const schemes[] = { "http://", "https://", "mailto:", "ftp://",
		"tel:", "sms:", "news:", "xmpp:", "webcal://", "geo:", "irc://", "matrix:",
		"magnet:" };

	for (size_t i = 0; i < LEN(schemes); i++) {
		if (str_istarts(s, schemes[i]) && s[strlen(schemes[i])])
			return true;
	}
	return false;
}

/* The number of an address; 0: it leads nowhere. Spaces and controls in it are dropped, as
 * browsers do, and what is opened later is what is shown. */
static size_t
link_number(struct html *h, const char *href)
{
	struct str raw = {0}, clean = {0};
	size_t number = 0;

	for (; href && *href; href++) {
		if ((unsigned char)*href > ' ')
			str_putc(&raw, *href);
	}
	text_clean(&clean, str_get(&raw), raw.len, CLEAN_LINE);
	if (is_web_address(str_get(&clean)))
		number = lines_link(h->out, str_get(&clean));
	str_clear(&raw);
	str_clear(&clean);
	return number;
}

static bool
has_image(const xmlNode *n, int depth)
{
	for (const xmlNode *c = n->children; c && depth < 8; c = c->next) {
		if (html_is(c, "img") ||
		    (c->type == XML_ELEMENT_NODE && has_image(c, depth + 1)))
			return true;
	}
	return false;
}

static void
walk_link(struct html *h, const xmlNode *n)
{
	size_t outer = h->link;
	bool outer_text = h->link_has_text;

	/* Menus set links side by side with nothing but style between them. */
	if (h->text.len && h->text.len == h->link_end)
		h->wants_space = true;
	h->link = link_number(h, html_attr(n, "href"));
	h->link_has_text = false;
	html_children(h, n);
	if (h->link && !h->link_has_text && has_image(n, 0))
		put_char(h, "[image]", 7);
	put_link_number(h);
	h->link_end = h->text.len;
	h->link = outer;
	h->link_has_text = outer_text;
}

static void
put_image(struct html *h, const xmlNode *n)
{
	const char *alt = html_attr(n, "alt");

	if (!alt || !alt[strspn(alt, " \t\r\n\xc2\xa0")])
		return;
	put_char(h, "[", 1);
	html_put(h, alt, strnlen(alt, 500));
	h->wants_space = false;
	put_char(h, "]", 1);
}

static void
walk_item(struct html *h, const xmlNode *n)
{
	static const char *const bullets[] = { "\xe2\x80\xa2 ", "\xe2\x97\xa6 ",
		"\xe2\x80\xa3 " };
	char bullet[32];

	html_flush(h);
	if (n->parent && html_is(n->parent, "ol")) {
		snprintf(bullet, sizeof bullet, "%d. ", ++h->ordinal);
	} else {
		snprintf(bullet, sizeof bullet, "%s",
			bullets[(h->list > 0 ? h->list - 1 : 0) % 3]);
	}
	char indent[32];
	snprintf(indent, sizeof indent, "%*s", text_width(bullet, strlen(bullet)), "");
	char *outer = h->first;
	h->first = xasprintf("%s%s", str_get(&h->prefix), bullet);
	size_t was = push_prefix(h, indent);
	html_children(h, n);
	html_flush(h);
	str_cut(&h->prefix, was);
	free(h->first);
	h->first = outer;
}

static void
walk_prefixed(struct html *h, const xmlNode *n, enum kind kind)
{
	bool is_quote = kind == QUOTE;
	int outer_ordinal = h->ordinal;

	html_block(h, is_quote || (kind == LIST && h->list == 0));
	size_t was = push_prefix(h,
		is_quote ? "> " : kind == INDENT ? "  " : h->list == 0 ? " " : "");

	h->quote_level += is_quote && h->quote_level < 200;
	h->list += kind == LIST;
	if (kind == LIST)
		h->ordinal = 0;
	html_children(h, n);
	html_flush(h);
	h->list -= kind == LIST;
	h->quote_level -= is_quote && h->quote_level > 0;
	h->ordinal = outer_ordinal;
	str_cut(&h->prefix, was);
	if (kind == QUOTE || (kind == LIST && h->list == 0))
		want_blank(h);
}

static void
put_rule(struct html *h)
{
	int n = h->columns - (int)h->prefix.len;

	html_block(h, true);
	for (int i = 0; i < n && i < 72; i++)
		str_puts(&h->text, "\xe2\x94\x80");
	html_block(h, true);
}

/* Newsletters of today have no headings but short blocks in large letters. */
static bool
looks_heading(const xmlNode *n)
{
	const char *raw = html_attr(n, "style");
	char style[1024];
	size_t n_bytes = 0;
	int n_breaks = 0;

	if (!raw)
		return false;
	read_style(style, sizeof style, raw);
	const char *size = strstr(style, "font-size:");
	if (!size || strtol(size + strlen("font-size:"), NULL, 10) < 20 || !strstr(size, "px"))
		return false;
	return html_is_simple(n, &n_bytes, &n_breaks, 0) && n_bytes > 2 && n_bytes < 120;
}

static void
walk_block(struct html *h, const xmlNode *n, enum kind kind)
{
	enum span_style outer = h->style;
	bool is_heading = kind == HEADING || (kind != PRE && looks_heading(n));
	bool has_margin = is_heading || kind == PRE || kind == PARAGRAPH;

	html_block(h, has_margin);
	h->pre += kind == PRE;
	if (is_heading)
		h->style = SPAN_HEADING;
	html_children(h, n);
	html_block(h, has_margin);
	h->pre -= kind == PRE;
	h->style = outer;
}

static void
walk_element(struct html *h, const xmlNode *n, enum kind kind)
{

	switch (kind) {
	case SKIP: break;
	case BREAK: h->pre ? str_putc(&h->text, '\n') : put_break(h); break;
	case IMAGE: put_image(h, n); break;
	case RULE: put_rule(h); break;
	case LINK: walk_link(h, n); break;
	case TABLE: html_table(h, n); break;
	case ITEM: walk_item(h, n); break;
	case QUOTE:
	case INDENT:
	case LIST: walk_prefixed(h, n, kind); break;
	case INLINE: html_children(h, n); break;
	case HEADING:
	case PRE:
	case PARAGRAPH:
	case BLOCK:
	case CELL: walk_block(h, n, kind); break;
	}
}

void
html_walk(struct html *h, const xmlNode *n)
{
	if (h->is_full)
		return;
	if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) {
		const char *s = n->content ? (const char *)n->content : "";
		if (h->is_zero_size)
			h->n_hidden += count_text(n, 0);
		else if (h->pre)
			put_pre(h, s, strlen(s));
		else
			html_put(h, s, strlen(s));
		return;
	}
	if (n->type != XML_ELEMENT_NODE)
		return;
	enum kind kind = kind_of(n);
	bool was_zero = h->is_zero_size;
	if (kind != SKIP && !html_is_hidden(h, n))
		walk_element(h, n, kind);
	h->is_zero_size = was_zero;
}

void
html_children(struct html *h, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c && !h->is_full; c = c->next)
		html_walk(h, c);
}

static void
put_links(struct lines *out, size_t from, int columns)
{
	if (from < out->n_links)
		lines_blank(out, 0, "");
	for (size_t i = from; i < out->n_links; i++) {
		char first[32], rest[32];
		int n = snprintf(first, sizeof first, "[%zu] ", i + 1);
		snprintf(rest, sizeof rest, "%*s", n < columns / 4 ? n : 0, "");
		struct shape shape = { SPAN_LINK, 0, first, rest, columns, false };
		if (!lines_wrap(out, &shape, out->links[i], strlen(out->links[i])))
			break;
	}
}

void
lines_html(struct lines *out, const char *utf8, size_t n, int columns)
{
	struct html h = { .out = out, .start = out->n, .columns = columns,
		.style = SPAN_TEXT };
	size_t links_before = out->n_links;
	bool is_cut;
	xmlDoc *doc = html_tree(utf8, n, &is_cut);

	for (const xmlNode *c = doc ? doc->children : NULL; c; c = c->next)
		html_walk(&h, c);
	html_flush(&h);
	if (doc)
		xmlFreeDoc(doc);
	str_clear(&h.text);
	str_clear(&h.prefix);
	free(h.first);
	put_links(out, links_before, columns);
	if (h.n_hidden || is_cut)
		lines_blank(out, 0, "");
	if (h.n_hidden) {
		char text[100];
		snprintf(text, sizeof text, "%zu character%s of hidden text %s not shown",
			h.n_hidden, h.n_hidden == 1 ? "" : "s",
			h.n_hidden == 1 ? "is" : "are");
		lines_add(out, SPAN_NOTICE, text, columns);
	}
	if (is_cut)
		lines_add(out, SPAN_NOTICE,
			"this HTML is too long or nested too deeply: its rest is not shown",
			columns);
}
