/* parts_impl.h - the insides of the view of a message's parts, shared by parts.c (the view)
 * and parts_wish.c (what is wanted of one part). */
#ifndef DUNLIN_UI_PARTS_IMPL_H
#define DUNLIN_UI_PARTS_IMPL_H

#include "message.h"
#include "parts.h"

struct parts {
	struct view view;
	msg_id id;
	struct str *inside;		/* the message, where it is in no store; else NULL */
	struct message message;
	const struct part **rows;	/* preorder */
	size_t n, cap;
	size_t cursor, top;
	int height;
	job_id job;
	bool was_asked;			/* for the tree */
	bool is_waiting;		/* the wish, for its part */
	enum command_id wish;		/* CMD_SAVE, CMD_OPEN_WITH, CMD_PIPE, CMD_OPEN */
	char *section, *arg;		/* of what, and its argument */
	char *initial;			/* file name proposed */
	char *path;			/* waits for "overwrite?" */
	char *search;			/* folded */
};

static inline struct parts *
parts_of(struct view *v)
{
	return (struct parts *)v;
}

/* parts.c */
const struct part *parts_here(const struct parts *x);	/* under the cursor; NULL: none */
void parts_fetch(struct parts *x, const char *section, const char *what);

/* parts_wish.c */
/* CMD_SAVE, CMD_OPEN_WITH, CMD_PIPE or CMD_ATTACH_HERE with the part under the cursor. */
void parts_wish(struct parts *x, enum command_id what, const char *arg);
void parts_grant(struct parts *x);		/* it is here now */
/* All attachments into the directory; what is not here is fetched first. */
void parts_save_all(struct parts *x, const char *dir);

/* saving.c: of a message that is here as a whole, or, with `inside`, in these bytes, which are
 * copied. `size_bytes` about. */
void saving_begin(struct ui *ui, msg_id id, const struct str *inside, const char *dir,
	uint64_t size_bytes);

/* A name for a file of this part: its own made safe, else one by its type. Owned. */
char *parts_file_name(const struct part *p);

#endif
