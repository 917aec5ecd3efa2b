/* history.h - what was typed at prompts before, by kind.
 *
 * Kept in one text file of the data directory, a line an entry ("kind TAB text"), appended
 * as it is typed, so that two running programs do not erase each other's. A file that
 * cannot be written costs only the memory of it. Passwords, answers to questions and plain
 * text are never kept. */
#ifndef DUNLIN_UI_HISTORY_H
#define DUNLIN_UI_HISTORY_H

#include <stddef.h>

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

enum { HISTORY_MAX = 200 };	/* entries a kind */

struct history {
	char *path;		/* NULL: in memory only */
	char **v[N_PROMPT_KINDS];	/* oldest first */
	size_t n[N_PROMPT_KINDS];
};

void history_open(struct history *h, const char *path);
void history_add(struct history *h, enum prompt_kind kind, const char *text);
/* The entry `back` steps back, 1 the newest; NULL: there is none.
 * Borrowed until the next add. */
const char *history_get(const struct history *h, enum prompt_kind kind, size_t back);
void history_close(struct history *h);

#endif
