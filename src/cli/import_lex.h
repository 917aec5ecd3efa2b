/* import_lex.h - the words of a muttrc. Pure: nothing is run, looked up or read here. */
#ifndef DUNLIN_CLI_IMPORT_LEX_H
#define DUNLIN_CLI_IMPORT_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

struct mutt_text {
	const char *p;			/* the rest of a line whose parts are
					 * joined; NUL ends it */
};

enum {				/* where a word ends, and what in it is special */
	WORD_EQUAL = 1 << 0,		/* '=' ends it */
	WORD_SPACES = 1 << 1,		/* white space does not end it */
	WORD_SEMICOLON = 1 << 2,	/* ';' does not end it */
	WORD_HASH = 1 << 3,		/* '#' does not end it */
	WORD_QUOTES = 1 << 4,		/* quotes stay in it */
	WORD_CONDENSE = 1 << 5		/* ^X is a control character */
};

struct mutt_word {
	struct str text;		/* without what commands in it would print */
	char *command;			/* of the first `...` in it; NULL: none */
	bool is_command;		/* the word is that command and nothing else */
	const char *error;		/* a quote that is not closed, or so; NULL: none */
};

/* The value of $name; NULL: there is none. *command, *is_command: as of the word; borrowed
 * until the next call. */
struct mutt_names {
	const char *(*value)(void *ctx, const char *name, const char **command,
		bool *is_command);
	void *ctx;
};

/* Takes white space away. */
void mutt_skip_space(struct mutt_text *t);
/* No more words in this command: a ';', a comment, or the end. */
bool mutt_at_end(const struct mutt_text *t);
/* Reads one word; a place where none is gives an empty one. names NULL: a '$' is a '$'. */
void mutt_word(struct mutt_word *out, struct mutt_text *t, unsigned flags,
	const struct mutt_names *names);
void mutt_word_clear(struct mutt_word *w);

/* The next line at *p, lines that end in a backslash joined with the next; false at the end.
 * *n_lines: how many it was. At most `max` bytes of it are kept. */
bool mutt_line(struct str *out, const char **p, int *n_lines, size_t max);

#endif
