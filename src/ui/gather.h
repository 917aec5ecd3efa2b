/* gather.h - what an answer, a forwarded message or a draft gone on with takes over from a
 * message: header, text, attachments. */
#ifndef DUNLIN_UI_GATHER_H
#define DUNLIN_UI_GATHER_H

#include "reply.h"
#include "writing.h"

/* Whether it takes attachments along. */
bool gather_attachments(enum command_id what);
/* Whether all that it takes is in the store; true, too, where the message is gone. */
bool gather_is_here(struct ui *ui, msg_id id, enum command_id what);

/* All of the message: its text is encrypted, or inside of its signature. */
bool gather_needs_whole(struct ui *ui, msg_id id);

/* Of the message, for x->note of which all else is filled in. */
struct gathered {
	char *message_id;
	/* something in it is neither plain text nor an attachment */
	bool is_richer;
	/* it is encrypted, and could not be opened without asking: nothing is quoted */
	bool is_locked;
};
/* Fills in x->note from message x->about, by a task where it is large, and then calls `then`.
 * When it cannot be done that is told, and the view goes. */
void gather_begin(struct compose *x, enum reply_kind kind, void (*then)(struct compose *x,
	const struct gathered *g));

#endif
