/* work.h - tasks (task.h) of views: begun, shown at the bottom with Esc to stop them, and
 * ended in the UI's thread. */
#ifndef DUNLIN_UI_WORK_H
#define DUNLIN_UI_WORK_H

#include "task.h"
#include "view.h"

/* First member of what a task works on. */
struct work {
	struct task task;		/* its `run` is the maker's */
	/* In the UI's thread, when run has ended as e says; frees w. What
	 * went wrong is told by then. */
	void (*done)(struct work *w, const struct error *e);
	const char *question;		/* before the program is left meanwhile; NULL: that of
					 * mail being built */
	bool is_quiet;			/* nothing is lost by leaving: nobody is asked */
	/* the frame's */
	struct ui *ui;
	struct view *owner;		/* NULL: the frame's own; or it left the stack, and
					 * this was told to stop */
	struct work *next;
	char *what;			/* "attaching plan.pdf" */
};

/* w is the frame's until `done`. What is smaller than a megabyte, and waits for no person, is
 * done here and now, `done` included; `what` is copied. */
void work_begin(struct ui *ui, struct view *owner, struct work *w, uint64_t size_bytes,
	const char *what);
/* The view's, oldest first; NULL: no more than i. */
const struct work *work_of(const struct ui *ui, const struct view *owner, size_t i);
/* The first that asks before the program is left; NULL: none. */
const struct work *work_to_ask_for(const struct ui *ui);
/* all of that view; `done` still comes */
void work_stop(struct ui *ui, const struct view *owner);

/* ---- for the frame ---- */

void work_event(struct ui *ui, const struct event *ev);
void work_disown(struct ui *ui, const struct view *owner);	/* it leaves the stack */
/* stops all; waits for them two seconds at most */
void work_end(struct ui *ui);

#endif
