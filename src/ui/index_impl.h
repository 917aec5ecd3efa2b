/* index_impl.h - the insides of the message list's view, shared by index.c (the view) and
 * index_commands.c (what a person does in it). */
#ifndef DUNLIN_UI_INDEX_IMPL_H
#define DUNLIN_UI_INDEX_IMPL_H

#include "index.h"
#include "look.h"
#include "triage.h"

struct index {
	struct view view;
	struct list *list;
	struct triage triage;
	struct folder folder;		/* strings in arena; zero for all inboxes */
	account_id waits_for;		/* the account whose inbox is not known yet; 0: none */
	struct arena arena;
	char *name;
	bool is_outgoing;
	struct look look;
	char *look_text;		/* of it, as the store has it; "": as the mailrc says */
	size_t n_tagged;		/* before those that fit a query were added */
	char *search;			/* what was looked for, for the messages about it */
	struct { folder_id folder; msg_id id; } last[16];	/* where the cursor was */
};

static inline struct index *
index_of(struct view *v)
{
	return (struct index *)v;
}

/* index.c */
void index_keep_look(struct index *x);		/* over a restart */

/* index_commands.c */
void index_command(struct view *v, const struct call *c);
void index_open(struct index *x);		/* the pager on what is under the cursor */
/* How a search came out, at the bottom. */
void index_tell_search(struct index *x, enum list_search state);

#endif
