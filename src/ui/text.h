/* text.h - lines to read and scroll: what the help and the log of notices have in common. */
#ifndef DUNLIN_UI_TEXT_H
#define DUNLIN_UI_TEXT_H

#include "command.h"
#include "grid.h"

/* Two columns of text and a dim remark at the edge, shown where there is room for it. A line
 * without `right` goes over the whole width; one with nothing is a gap. */
struct text_line {
	char *left, *right, *remark;
	enum style left_style, right_style;
};

struct text {
	struct text_line *v;
	size_t n, cap;
	int left_columns;		/* the widest left side, bounded */
	bool is_keys;			/* left are words of which the first matters */
	size_t top;			/* first line on the screen */
	int rows;			/* of the last draw */
	char *needle;			/* folded; NULL: no search yet */
	size_t match;			/* its line */
};

void text_add(struct text *t, enum style ls, const char *left, enum style rs,
	const char *right);
/* The right side wrapped at words, so that with the left it fits `columns`. */
void text_add_wrapped(struct text *t, enum style ls, const char *left, enum style rs,
	const char *right, int columns);
void text_remark(struct text *t, const char *remark);	/* of the line added last */
void text_draw(struct text *t, const struct area *a);
/* Moving and searching. False: not one of these commands. *found is false
 * when a search found nothing. */
bool text_command(struct text *t, const struct call *c, bool *found);
void text_title(const struct text *t, struct str *right);	/* "12-30 of 80", "all" */
void text_clear(struct text *t);

#endif
