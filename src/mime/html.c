/* html.c - HTML to lines of text, as a person would write it down.
 *
 * One walk through the tree (html_tree.c): text collects in a paragraph (html_text.c), blocks
 * end it, and prefixes (quote marks, bullets, indents) are kept for whatever is printed
 * inside. Links get numbers, with their addresses at the end, so that where a link goes is
 * always seen. What the mail hides (display:none, letters of no size) is not shown, but told.
 * Nothing is fetched; nothing of it is trusted: lines_wrap gets text_clean's output only. */
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
		html_put_run(h, "[image]", 7);
	html_put_link_number(h);
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
	html_put_run(h, "[", 1);
	html_put(h, alt, strnlen(alt, 500));
	h->wants_space = false;
	html_put_run(h, "]", 1);
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
	size_t was = html_push_prefix(h, indent);
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
	size_t was = html_push_prefix(h,
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
		html_want_blank(h);
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

static void
walk_block(struct html *h, const xmlNode *n, enum kind kind)
{
	enum span_style outer = h->style;
	bool is_heading = kind == HEADING || (kind != PRE && html_looks_heading(n));
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
	case BREAK: h->pre ? str_putc(&h->text, '\n') : html_put_break(h); break;
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
			h->n_hidden += html_count(n, 0);
		else if (h->pre)
			html_put_pre(h, s, strlen(s));
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
