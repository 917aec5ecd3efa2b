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
	bool all_headers, is_html, folds_quotes;
	bool follows_undo;		/* what was undone comes back under the
					 * cursor, perhaps later */
	char *search, *folded;		/* what is highlighted */
	size_t found;			/* its line */
	job_id job;			/* a fetch under way */
	char *problem;			/* why it failed */
	char *command;			/* to pipe to, once what is piped is here: */
	bool pipes_text;		/* the text; else the whole message */
	struct links links;
	/* what was checked and decrypted of this message; NULL: nothing was, or not yet */
	struct opened *opened;
	bool was_opened, was_fetched;	/* or it was tried */
	bool is_opening, asks;		/* under way; then once more, and asking */
	struct str advice;		/* of pager_advice */
	/* the message that the part is of, where it is in no store; else NULL */
	struct str *inside;
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

/* pager_seals.c: of the message that is read, where it has seals; `asks`: the person asked
 * for it, and may be asked for a passphrase */
void pager_open_seals(struct pager *p, bool asks);
const char *pager_advice(struct pager *p);	/* the key that opens them */
void pager_close_seals(struct pager *p);	/* forgets and wipes what was decrypted */

/* pager_commands.c */
void pager_command(struct view *v, const struct call *c);
void pager_pipe_now(struct pager *p);		/* the whole message is here */

/* invited.c */
void invitation_ask(struct pager *p);

/* unsubscribe.c */
void unsubscribe_ask(struct pager *p);

#endif
