/* page.h - a message as lines of text, as the pager scrolls through it: header, attachments,
 * what is for reading; and where a search matches in it. No drawing. */
#ifndef DUNLIN_UI_PAGE_H
#define DUNLIN_UI_PAGE_H

#include "message.h"
#include "seal.h"

struct page_options {
	int columns;
	bool all_headers, prefer_html;
	const char *section;		/* only this part, without header; NULL: the message */
	const char *not_downloaded;	/* what to say instead of the text of a stub;
					 * NULL: it is none */
	/* what was checked and decrypted: the text shown is its text; NULL: nothing */
	const struct opened *opened;
	const char *advice;		/* how to go on where it is locked */
	bool folds_quotes;		/* quoted text of some lines is one line, its number */
};

struct page {
	struct lines lines;
	size_t body;			/* where the text begins, behind header
					 * and attachments */
	bool is_missing;		/* something of the text is not here yet */
	char missing[64];		/* the first such section; "" while the
					 * parts are not known */
	bool has_html, has_plain;	/* there is a choice when both */
	bool is_secret;			/* decrypted text is among the lines: it is wiped */
	bool has_parts;			/* else it is not known yet whether there is one */
};

/* Lays the message out anew. `waiting` stands in place of what is missing. */
void page_build(struct page *p, const struct message *m, const struct page_options *o,
	const char *waiting);
void page_clear(struct page *p);

/* The same place after a new layout: a line's number not counting continuations, and back. */
size_t page_mark(const struct page *p, size_t line);
size_t page_line_of_mark(const struct page *p, size_t mark);

/* The next line after `from` (before, with back) that contains the
 * folded text; n lines: none. */
size_t page_find(const struct page *p, size_t from, bool back, const char *folded);
/* Columns [*from, *to) of the first match at or behind column *from. False: no more. */
bool page_match(const char *line, const char *folded, int *from, int *to);
/* The first line behind the quoted text that comes next. */
size_t page_skip_quoted(const struct page *p, size_t from);

#endif
