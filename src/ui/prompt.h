/* prompt.h - one line typed at the bottom: a command, a folder, a password, yes or no.
 *
 * Pure state: keys go in, the grid gets it drawn, the answer comes out through `done`. Candidates
 * are listed above the line while typing; Tab and Shift-Tab walk through them, Up and Down through
 * the history of the kind, ^A ^E ^B ^F ^U ^K ^W ^Y Alt-b Alt-f Alt-d as in a shell, Esc and ^G
 * cancel. A password is shown as dots, never kept, and wiped. */
#ifndef DUNLIN_UI_PROMPT_H
#define DUNLIN_UI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "grid.h"
#include "str.h"

enum prompt_kind {		/* what shares a history */
	PROMPT_TEXT,		/* none kept */
	PROMPT_COMMAND,
	PROMPT_QUERY,
	PROMPT_SEARCH,
	PROMPT_FOLDER,
	PROMPT_FILE,
	PROMPT_SHELL,
	PROMPT_PASSWORD,	/* dots; none kept */
	PROMPT_CONFIRM,		/* one key: y, or anything else for no */
	N_PROMPT_KINDS
};

/* Candidates for the word that begins at byte `from` of the text before the cursor. */
struct completion {
	size_t from;
	struct { char *word, *help; } *v;
	size_t n, cap;
};

/* Offers `word` (with a dim remark, NULL: none) if it contains what was typed from c->from on,
 * whatever the case; those that begin with it come first. `text` is the text before the cursor. */
void completion_offer(struct completion *c, const char *text, const char *word, const char *help);
void completion_clear(struct completion *c);

struct prompt_spec {
	enum prompt_kind kind;
	const char *label;		/* "Move to: " */
	const char *initial;		/* NULL: empty */
	/* Fills in candidates for the text before the cursor; NULL: none. */
	void (*complete)(void *ctx, const char *text, struct completion *out);
	bool must_match;		/* Enter takes the first candidate where the text itself is none */
	void (*done)(void *ctx, const char *text);	/* NULL text: cancelled */
	void *ctx;
};

#endif
