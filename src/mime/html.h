/* html.h - what html_tree.c, html.c, html_text.c, html_style.c and html_table.c share.
 * libxml2 stays in here. */
#ifndef DUNLIN_MIME_HTML_H
#define DUNLIN_MIME_HTML_H

#include <libxml/HTMLparser.h>

#include "internal.h"

enum { HTML_MAX_BYTES = 4 * 1024 * 1024, HTML_MAX_DEPTH = 250 };

/* The tree of a text; NULL when there is none. *is_cut: a limit was
 * hit, not all of it is there. */
xmlDoc *html_tree(const char *utf8, size_t n, bool *is_cut);

/* Where the walk through a tree stands. */
struct html {
	struct lines *out;
	size_t start;			/* lines there were before */
	int columns;
	struct str text;		/* the paragraph so far: spaces collapsed,
					 * '\n' where <br> was */
	bool wants_space;		/* a space before the next word */
	bool wants_blank;		/* an empty line before the next paragraph */
	size_t blank_prefix_n;		/* with that much of the prefix */
	struct str prefix;		/* of every line: quote marks, indents */
	char *first;			/* instead of it once: with the bullet; NULL: none */
	enum span_style style;
	int quote_level;
	int pre;			/* inside that many <pre> */
	int list;			/* nesting of lists */
	bool is_zero_size;		/* font-size:0 here */
	size_t link;			/* number of the link we are in, not yet
					 * printed; 0: none */
	bool link_has_text;
	size_t link_end;		/* length of text where a link ended */
	size_t n_visible, n_hidden;	/* characters that are no spaces */
	int ordinal;			/* of the last item of an ordered list */
	bool is_capture;		/* collect only: a paragraph's end is a '\n' in text */
	bool is_full;			/* the limit of lines is reached */
};

/* html.c */
void html_walk(struct html *h, const xmlNode *n);
void html_children(struct html *h, const xmlNode *n);
/* An attribute, NULL if absent; borrowed from the tree. */
const char *html_attr(const xmlNode *n, const char *name);
bool html_is(const xmlNode *n, const char *name);

/* html_text.c */
void html_put(struct html *h, const char *s, size_t n);		/* text; spaces collapse */
void html_put_run(struct html *h, const char *s, size_t n);	/* without spaces in it */
void html_put_pre(struct html *h, const char *s, size_t n);	/* as it is */
/* <br>; at most one empty line from any number of them. */
void html_put_break(struct html *h);
/* The number of the link we are in, behind its text, once. */
void html_put_link_number(struct html *h);
size_t html_count(const xmlNode *n, int depth);	/* characters that are no spaces */
void html_flush(struct html *h);		/* ends the paragraph */
void html_block(struct html *h, bool blank);	/* the same; `blank`: with space around */
void html_want_blank(struct html *h);		/* an empty line before the next */
/* Makes the prefix longer while half the screen is left. Returns what to cut it back to. */
size_t html_push_prefix(struct html *h, const char *s);

/* html_style.c */
bool html_is_hidden(struct html *h, const xmlNode *n);	/* and counts what is in it */
bool html_looks_heading(const xmlNode *n);

/* html_table.c */
void html_table(struct html *h, const xmlNode *table);
/* Short text and nothing in it that needs lines of its own; both counters begin at 0. */
bool html_is_simple(const xmlNode *n, size_t *n_bytes, int *n_breaks, int depth);

#endif
