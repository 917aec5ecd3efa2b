/* invitation.h - answering an invitation that came by mail: accepted, perhaps, declined (iMIP,
 * RFC 6047; iTIP, RFC 5546 3.2.3). Pure like mime.h. */
#ifndef DUNLIN_INVITATION_H
#define DUNLIN_INVITATION_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "str.h"

enum invitation_answer { INVITATION_ACCEPTED, INVITATION_TENTATIVE, INVITATION_DECLINED };

/* The type of the part that an answer is. A message that is built of a text and a file of this
 * type is the two as alternatives, since calendars look for the answer in the text's place. */
#define INVITATION_ANSWER_TYPE "text/calendar;method=REPLY"

struct invitation {
	const char *summary;		/* one clean line; "" when it has none */
	const char *organizer;		/* as it can be typed: whom the answer goes to */
	const char *invited;		/* our address as it stands in the invitation; "": none
					 * of ours does */
	size_t mine;			/* which of ours that is; 0 where none is */
};

/* Of the text (UTF-8) of a calendar part; `mine` are our own addresses as in a From field.
 * ERR_MSG: it asks for no answer, and why. */
enum err invitation_read(struct invitation *out, struct arena *a, const char *utf8, size_t n,
	const char *const *mine, size_t n_mine, struct error *e);

/* Appends the answer as a calendar: which event it is about (UID, SEQUENCE, times, zones) as
 * the invitation says it, and `who`'s answer. `who` is an address. */
void invitation_write(struct str *out, const char *utf8, size_t n, const char *who,
	enum invitation_answer answer, int64_t now);

/* "Accepted", for subjects. */
const char *invitation_word(enum invitation_answer answer);

#endif
