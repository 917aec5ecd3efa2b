/* term.h - a terminal as the frame sees it: a few functions, so that tests bring their own.
 *
 * The real one (term.c) is the only file that knows ncurses. */
#ifndef DUNLIN_UI_TERM_H
#define DUNLIN_UI_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "grid.h"
#include "theme.h"

enum input_kind { IN_KEY, IN_PASTED, IN_CLICK, IN_WHEEL };

struct input {
	enum input_kind kind;
	uint32_t key;		/* IN_KEY: as keys.h; IN_PASTED: a character */
	int y, x;		/* IN_CLICK */
	int step;		/* IN_WHEEL: -1 up, 1 down */
};

struct term {
	const struct term_ops *ops;
	/* the implementation's own fields follow */
};

struct term_ops {
	int (*fd)(const struct term *t);	/* readable when there may be
						 * input; -1: none */
	/* The next input, false when there is none now. Waits at most 25 ms, and only after
	 * an Esc, to tell the key from the beginning of another. */
	bool (*input)(struct term *t, struct input *in);
	/* Asks the system how large it is now. */
	void (*size)(struct term *t, int *rows, int *columns);
	/* Sends what is damaged and marks it shown. */
	void (*draw)(struct term *t, struct grid *g, const struct theme *th);
	/* Leaves the terminal to another program, as it was before; and takes
	 * it back, the screen lost. */
	void (*leave)(struct term *t);
	void (*enter)(struct term *t);
	void (*close)(struct term *t);			/* the terminal is as before */
	void (*bell)(struct term *t);			/* NULL: it has none */
};

/* The terminal on stdin and stdout. ERR_LOCAL: there is none, or its type is not known. */
enum err term_open(struct term **out, bool mouse, struct error *e);

#endif
