/* triage.h - what a person does to messages, from the list and from the pager alike.
 *
 * A view that shows messages embeds one of these and hands it the commands; what must be asked
 * first ("for good?", "make the folder?") waits in it, so that it goes when the view goes. */
#ifndef DUNLIN_UI_TRIAGE_H
#define DUNLIN_UI_TRIAGE_H

#include "list.h"
#include "view.h"

struct triage {
	struct view *view;
	struct list *list;
	void (*done)(struct view *v);	/* something was done: the list was read again */
	/* what waits for an answer */
	struct act act;
	char *dest;
	msg_id *ids;
	size_t n;
	bool is_tagged;			/* they are the tagged ones */
	account_id account;
	folder_id folder;
};

void triage_init(struct triage *t, struct view *v, struct list *l,
	void (*done)(struct view *v));
void triage_clear(struct triage *t);

/* Carries the command out on what the list's cursor is on, or on the tagged ones. False: it
 * is none of these commands. */
bool triage_command(struct triage *t, const struct call *c);

/* The account of what the cursor is on and of all that is tagged; 0:
 * of several, or of nothing. */
account_id triage_account(const struct triage *t);

/* Marks them read; the ids are triage's then. */
void triage_mark_read(struct triage *t, msg_id *ids, size_t n);

/* Asks, and empties the Trash of the account. */
void triage_empty_trash(struct triage *t, account_id account);

/* "3 messages", "1 message". */
const char *plural(char buf[32], size_t n, const char *noun);

#endif
