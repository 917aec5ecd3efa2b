/* list_impl.h - the insides of a list, shared by list.c (the window), list_cursor.c,
 * list_tags.c and hunt.c (search). */
#ifndef DUNLIN_UI_LIST_IMPL_H
#define DUNLIN_UI_LIST_IMPL_H

#include "list.h"

enum { LIST_SLICE_US = 2500, N_LEFT = 32 };

/* A search under way: units are read from `at` on; it ends where it began. */
struct hunt {
	struct query *query;		/* NULL: unread messages */
	bool is_going, is_back, is_wrapped, is_fresh;
	struct idset *into;		/* all that fit go in there; NULL: the
					 * first is looked for */
	struct place at, start;
	msg_id start_id;
	enum list_search state;
};

/* Where the cursor was at an action. A message that went to the server and back has another
 * UID, so its Message-ID is kept too. */
struct left {
	msg_id id;
	char *message_id;
};

struct list {
	struct source src;

	/* the window: units next to one another in the list, and their rows */
	struct arena arena;
	struct unit *units;
	size_t n_units, cap_units;
	struct list_row *rows;
	size_t n_rows, cap_rows;
	bool at_start, at_end;		/* nothing is above, nothing below the window */
	size_t cursor, top;		/* rows of the window */
	int height;

	msg_id id;			/* the cursor's message; 0: the list is empty */
	struct place place;		/* of its unit */
	msg_id want;			/* the cursor goes there when gathering comes by it */
	bool is_fresh;			/* nobody moved yet: the cursor stays
					 * on the first row */
	uint32_t newest_uid;		/* of the first row when it was last seen */

	struct idset tags, folds, collected;
	bool is_all_folded;		/* then `folds` holds the threads that are not */
	struct left left[N_LEFT];	/* the newest last */
	size_t n_left;
	struct left awaited;		/* undone: the cursor goes there when it is back */

	struct query *search;		/* what n repeats */
	struct texts texts;		/* for the hunt under way */
	struct places places;
	struct hunt hunt;
};

/* Reads the window around `at`, the cursor on `id` or on what follows. */
void list_load(struct list *l, const struct place *at, msg_id id);
void list_load_top(struct list *l);
void list_set_cursor(struct list *l, size_t row);	/* of the window */
/* the person moved: the window is read on where it is short */
void list_follow(struct list *l);
void list_stop_waiting(struct list *l);	/* for a message that the cursor was to go to */
/* cursor there, window around it */
void list_show(struct list *l, msg_id id, const struct place *at);
void list_lay_rows(struct list *l);	/* the window's rows anew from its units */
bool hunt_slice(struct list *l);	/* true: more to do */
void hunt_clear(struct list *l);

#endif
