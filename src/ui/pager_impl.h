/* pager_impl.h - the insides of the pager, shared by pager.c (the view) and
 * pager_commands.c (what a person does in it). */
#ifndef DUNLIN_UI_PAGER_IMPL_H
#define DUNLIN_UI_PAGER_IMPL_H

#include "index.h"
#include "links.h"
#include "page.h"
#include "pager.h"
#include "triage.h"

struct pager {
	struct view view;
	struct view *index;		/* NULL: one part only */
	struct triage triage;
	msg_id id;
	char *section;			/* that part */
	struct message message;
	struct page page;
	int columns, rows;		/* of the layout; 0: lay out anew */
	size_t top;
	bool all_headers, is_html;
	bool follows_undo;		/* what was undone comes back under the
					 * cursor, perhaps later */
	char *search, *folded;		/* what is highlighted */
	size_t found;			/* its line */
	job_id job;			/* a fetch under way */
	char *problem;			/* why it failed */
	char *command;			/* to pipe to, once the whole message is here */
	struct links links;
};

static inline struct pager *
pager_of(struct view *v)
{
	return (struct pager *)v;
}

static inline struct list *
pager_list(struct pager *p)
{
	return index_list(p->index);
}

/* pager.c */
void pager_lay_out(struct pager *p, int columns);
void pager_fetch(struct pager *p, const char *section, const char *what);
void pager_fetch_missing(struct pager *p);	/* what the text on the screen lacks */
void pager_follow_cursor(struct pager *p);	/* reads what is under the list's cursor */
bool pager_is_stray(struct pager *p);
size_t pager_last_top(const struct pager *p);

/* pager_commands.c */
void pager_command(struct view *v, const struct call *c);
void pager_pipe_now(struct pager *p);		/* the whole message is here */

/* unsubscribe.c */
void unsubscribe_ask(struct pager *p);

#endif
