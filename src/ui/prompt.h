/* prompt.h - one line typed at the bottom: a command, a folder, a password, yes or no.
 *
 * Pure state: keys go in, the grid gets it drawn, the answer comes out through `done`.
 * Candidates are listed above the line while typing; Tab adds what they have in common,
 * further Tabs and Shift-Tab walk through them, Up and Down through the history of the kind,
 * ^A ^E ^B ^F ^U ^K ^W ^Y Alt-b Alt-f Alt-d as in a shell, Esc and ^G cancel. A password is
 * shown as dots, never kept, and wiped. */
#ifndef DUNLIN_UI_PROMPT_H
#define DUNLIN_UI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "grid.h"
#include "history.h"
#include "str.h"

/* Candidates for the word that begins at byte `from` of the text before the cursor. */
struct completion {
	size_t from;
	struct candidate { char *word, *help; } *v;
	size_t n, cap;
	size_t n_prefix;		/* those in front that begin with what was typed */
	bool is_ranked;			/* the best first: Tab takes it, and does not look
					 * what they share */
};

/* Offers `word` (with a dim remark, NULL: none) if it contains what was typed from c->from
 * on, whatever the case; those that begin with it come first. `text` is the text before the
 * cursor. */
void completion_offer(struct completion *c, const char *text, const char *word,
	const char *help);
/* Offers it whatever was typed. */
void completion_add(struct completion *c, const char *word, const char *help, bool is_prefix);
/* By name, those that begin with what was typed first; where the
 * source has no order of its own. */
void completion_sort(struct completion *c);
void completion_clear(struct completion *c);

struct prompt_spec {
	enum prompt_kind kind;
	const char *label;		/* "Move to: " */
	const char *initial;		/* NULL: empty */
	/* Fills in candidates for the text before the cursor; NULL: none. */
	void (*complete)(void *ctx, const char *text, struct completion *out);
	/* PROMPT_CONFIRM: the keys that are answers ("rae"), any other
	 * cancels; NULL: y. Borrowed. */
	const char *choices;
	bool must_match;				/* Enter takes the first candidate
							 * where the text itself is none */
	/* On Enter: false and *e keep the prompt open, with the text and what is
	 * wrong. NULL: any text will do. */
	bool (*check)(void *ctx, const char *text, struct error *e);
	void (*done)(void *ctx, const char *text);	/* NULL text: cancelled */
	void *ctx;
};

/* ---- for the frame (ui.c) ---- */

struct prompt {
	struct prompt_spec spec;	/* strings are ours */
	struct history *history;	/* borrowed; NULL: none */
	struct str text, killed, draft;	/* draft: what was typed before walking the history */
	size_t cursor;			/* byte, between graphemes */
	int back;			/* how far back in the history; 0: not in it */
	struct completion offers;
	int chosen;			/* candidate taken by Tab; -1: none */
	bool is_tabbed;			/* the key before was Tab, too */
	struct error problem;		/* what is wrong with the text; until the next key */
};

enum prompt_result { PROMPT_MORE, PROMPT_DONE, PROMPT_CANCELLED };

void prompt_open(struct prompt *p, const struct prompt_spec *spec, struct history *h);
/* A key of keys.h. After PROMPT_DONE prompt_text is the answer, and is kept in the history. */
enum prompt_result prompt_key(struct prompt *p, uint32_t key);
const char *prompt_text(const struct prompt *p);
/* The line in the last row of the area (a question may take more); above it what is wrong with
 * the text, else `note` (NULL: none), in rows as it needs; above that the candidates. */
void prompt_draw(const struct prompt *p, const struct area *a, const char *note,
	enum style st);
/* Candidates anew, for what was found meanwhile; not while the person walks through them. */
void prompt_refresh(struct prompt *p);
void prompt_close(struct prompt *p);	/* wipes a password; zero is fine */

/* prompt_edit.c: a key of the line editor. False: it is none. */
bool prompt_edit(struct prompt *p, uint32_t key);
/* Puts n bytes in place of [from, to), the cursor behind them. */
void prompt_replace(struct prompt *p, size_t from, size_t to, const char *s, size_t n);

#endif
