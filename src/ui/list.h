/* list.h - the rows of a message list, the cursor on them, and what is tagged; no drawing.
 *
 * Only a window of rows around the cursor is in memory. The cursor is a message id, never a
 * row number: it stays on its message through arrivals, deletions, another order, folding;
 * when its message goes, it moves to the next one down (the next older), and list_return
 * brings it back when the message returns. Tags are ids too and survive all of it.
 *
 * Rows are good until the next call that is not `const` here. One thread. */
#ifndef DUNLIN_UI_LIST_H
#define DUNLIN_UI_LIST_H

#include "source.h"

struct list_row {
	const struct msg *m;		/* of a folded thread: its newest message */
	const struct msg *root;		/* first message of the thread; m when flat */
	uint64_t rails;			/* as in struct thread_row */
	uint32_t unit;			/* rows of one thread share it */
	uint32_t n_folded, n_unread;	/* messages behind a folded row; 0: not folded */
	uint16_t depth;
	bool is_last, is_tagged;
};

struct list;

struct list *list_new(const struct store *s);
void list_free(struct list *l);

/* What it shows. Setting the folders puts the cursor on the first row and forgets tags, folds,
 * limit and search; the others keep the cursor's message where it still is in the list. */
void list_folders(struct list *l, const folder_id *folders, size_t n);
/* "": none */
enum err list_limit(struct list *l, const char *text, int64_t now, struct error *e);
const char *list_limit_text(const struct list *l);	/* NULL: none */
void list_order(struct list *l, enum list_order order, bool is_reverse, bool threads);
const struct source *list_source(const struct list *l);

/* What fits the query (the list's then; NULL with text NULL: everything) in very many folders,
 * the newest `max` of it at most; see source.h. Forgets as list_folders does. */
void list_find(struct list *l, const folder_id *folders, size_t n, size_t max,
	const char *text, struct query *q);
/* Of such a list: there are other folders now; all else stays. */
void list_other_folders(struct list *l, const folder_id *folders, size_t n);

/* The store changed: read again. */
void list_refresh(struct list *l);
/* That folder of a wide list did, for the next list_refresh. */
void list_mark(struct list *l, folder_id id);
/* One slice of gathering or searching. True: there is more to do. *changed: draw again. */
bool list_idle(struct list *l, bool *changed);
bool list_is_busy(const struct list *l);	/* gathering or searching */
void list_stop(struct list *l);			/* gives the search up */
void list_stop_gathering(struct list *l);	/* what is shown is all there will be */

/* The rows for a screen of `height` lines, scrolled so that the cursor is among them with
 * `context` lines around it; *cursor its index in them. */
size_t list_screen(struct list *l, int height, int context, const struct list_row **rows,
	size_t *cursor);
void list_click(struct list *l, size_t row_on_screen);

/* Moving. False: there is nothing further. */
bool list_move(struct list *l, long rows);
bool list_page(struct list *l, int half_pages);
bool list_first(struct list *l);
bool list_last(struct list *l);
bool list_thread(struct list *l, bool back);	/* first row of the next (previous) thread */
bool list_goto(struct list *l, msg_id id);	/* unfolds its thread */

/* Searching, in slices: when something is found the cursor moves there. */
enum list_search { SEARCH_NONE, SEARCH_GOING, SEARCH_FOUND, SEARCH_WRAPPED, SEARCH_FAILED,
	SEARCH_TAGGED, SEARCH_COLLECTED };
enum err list_search(struct list *l, const char *text, int64_t now, bool back,
	struct error *e);
/* the last text; SEARCH_NONE: there is none */
enum list_search list_search_again(struct list *l, bool back);
enum list_search list_unread(struct list *l, bool back);
enum list_search list_search_state(struct list *l);		/* how it ended is told once */

/* Finds all unread messages of the list, in slices; ends in SEARCH_COLLECTED. The ids are the
 * caller's then. */
void list_collect_unread(struct list *l);
msg_id *list_collected(struct list *l, size_t *n);

/* The cursor. */
const struct list_row *list_cursor(struct list *l);	/* NULL: the list is empty */
msg_id list_cursor_id(const struct list *l);		/* 0: empty */
/* Opening a folded thread: unfolds it, goes to its first unread message, else its newest. */
msg_id list_open(struct list *l);

/* Folding. */
void list_fold(struct list *l);				/* or unfold, the cursor's thread */
void list_fold_all(struct list *l);			/* all, or none when all are */

/* What is folded, as one message of each thread, at most max; *all: what is not. And back. */
size_t list_folds(const struct list *l, bool *all, msg_id *out, size_t max);
void list_set_folds(struct list *l, bool all, const msg_id *ids, size_t n);

/* Tags. */
void list_tag(struct list *l);				/* or untag, what the cursor is on */
void list_tag_thread(struct list *l);
void list_untag_all(struct list *l);
size_t list_n_tagged(const struct list *l);
/* All that fit, in slices; ends in SEARCH_TAGGED. */
enum err list_tag_query(struct list *l, const char *text, int64_t now, struct error *e);

/* What an action is about: the tagged ones, else what the cursor is on (all of a folded
 * thread). Owned by the caller. */
msg_id *list_targets(const struct list *l, bool tagged, size_t *n);

/* Before an action that may hide rows: remembers where the cursor was, and after its undo
 * goes back there. */
void list_leave(struct list *l);
void list_stay(struct list *l);		/* the action failed: forgets that */
void list_return(struct list *l);

/* How many are in the list as far as is known, and about where the cursor is among them, in
 * percent (-1: all is on the screen). */
size_t list_count(const struct list *l);
int list_percent(const struct list *l);

#endif
