/* index_impl.h - the insides of the message list's view, shared by index.c (the view),
 * index_draw.c (how it looks), index_commands.c (what a person does in it) and index_texts.c
 * (asking for texts). */
#ifndef DUNLIN_UI_INDEX_IMPL_H
#define DUNLIN_UI_INDEX_IMPL_H

#include "index.h"
#include "look.h"
#include "piping.h"
#include "triage.h"

/* What is to be done when the engine has answered which messages have the words of a query. */
enum asked { ASKED_NOTHING, ASKED_LIMIT, ASKED_SEARCH, ASKED_TAG };

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
	char *look_text;		/* of it, as the store has it; "": as
					 * the mailrc says */
	size_t n_tagged;		/* before those that fit a query were added */
	char *search;			/* what was looked for, for the messages about it */
	enum asked asked;
	char *asked_text;		/* the query */
	job_id *asks;			/* JOB_SEARCHes under way */
	size_t n_asks, cap_asks;
	bool is_asking_again;		/* more mail came since they were submitted */
	folder_id again_in;		/* about which folder; 0: several */
	size_t n_not_asked;		/* folders whose texts nobody is asked about */
	struct {			/* of a list over all folders (find.c) */
		bool is;
		account_id first;	/* whose view it was opened from; 0: none */
		struct view *home;	/* the list it was opened from */
		folder_id *unread;	/* not in the index yet */
		size_t n_unread;
		struct idset read;	/* those being read without being asked */
		bool has_column;	/* the rows say where they are */
		bool is_stale;		/* folders changed: read again when there is time */
	} find;
	struct piping piping;
	struct { folder_id folder; msg_id id; } last[16];	/* where the cursor was */
};

static inline struct index *
index_of(struct view *v)
{
	return (struct index *)v;
}

/* index.c */
void index_keep_look(struct index *x);		/* over a restart */

/* index_draw.c */
void index_draw(struct view *v, const struct area *a);
void index_title(struct view *v, struct str *left, struct str *right);
bool index_is_of_ours(enum folder_role role);	/* sent mail: its rows say to whom it went */

/* index_commands.c */
void index_command(struct view *v, const struct call *c);
void index_open(struct index *x);		/* the pager on what is under the cursor */
void index_search(struct index *x, const char *text);	/* moves the cursor to what fits */
void index_tag_query(struct index *x, const char *text);
void index_limit(struct index *x, const char *text);	/* "": none */
/* How a search came out, at the bottom. */
void index_tell_search(struct index *x, enum list_search state);

/* index_texts.c */
/* Has the texts searched that the query's body: terms need. False: it has none, or is wrong.
 * What was asked for before is given up. */
bool index_ask(struct index *x, const char *query, enum asked what);
/* A job ended: perhaps the last that was waited for. */
void index_answered(struct index *x, job_id job, enum err code);
/* Mail came: a limit by text is about it too. */
void index_ask_again(struct index *x, folder_id folder);
void index_ask_no_more(struct index *x);

#endif
