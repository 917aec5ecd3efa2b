/* reply.h - from somebody's message to the draft of an answer. Pure like mime.h. */
#ifndef DUNLIN_REPLY_H
#define DUNLIN_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "err.h"
#include "note.h"

enum reply_kind {
	REPLY_SENDER,		/* Reply-To, else From; to our own mail: whom it went to */
	REPLY_ALL,		/* Mail-Followup-To where there is one; else all but
				 * ourselves, each once */
	REPLY_LIST,		/* Mail-Followup-To, else List-Post */
	REPLY_FORWARD,		/* the text and the usual headers inline */
	REPLY_FORWARD_WHOLE,	/* the message itself is to be attached by the caller */
	REPLY_EDIT,		/* a new message with the same recipients, subject and text */
	REPLY_RESUME		/* a draft that some client kept: all fields as they are,
				 * From and Bcc too */
};

struct reply_source {
	const char *header;	/* raw */
	size_t header_len;
	const char *text;	/* what is for reading, UTF-8 */
	size_t text_len;
	bool is_flowed, delsp;	/* RFC 3676 */
	/* the line above what an answer quotes: as for strftime(3), of the sender's clock,
	 * with {name} and {address}; NULL: "On 2026-09-21 16:13 +0200, Bob wrote:" */
	const char *attribution;
};

/* Fills in from, to, cc, subject, in_reply_to, references and text of *out (zero before).
 * `mine` are our own addresses as in a From field, the account's first one first: From
 * becomes the one that the mail came to, else the first. No control byte is left in a field.
 * ERR_MSG: there is nobody to answer, or the mail is from no list, or the list takes no
 * mail; *out is empty then. */
enum err reply_make(struct note *out, enum reply_kind kind, const struct reply_source *s,
	const char *const *mine, size_t n_mine, struct error *e);

/* Mailing lists as the mailrc names them, and all our own addresses; NULL: none.
 * Each a list of addresses. */
struct reply_lists {
	const char *known, *subscribed, *mine;
};
/* The Mail-Followup-To of a note that goes to a list: To and Cc, each once, without ourselves;
 * with ourselves where none of its lists is subscribed. Owned; NULL: it goes to none. */
char *reply_followup_to(const struct note *n, const struct reply_lists *lists);

/* A mailto: URL (RFC 6068): addresses, cc, subject, body and in-reply-to; all
 * else is left out. ERR_MSG: no mailto: URL, or a line end or another control
 * byte in what becomes a header. */
enum err reply_mailto(struct note *out, const char *url, struct error *e);

/* How the list that a message came by can be left (List-Unsubscribe, RFC 2369 3.2): printable
 * ASCII, NULL where there is no such way. `web` is https where both are offered. */
struct unsubscribe {
	const char *mail;	/* mailto: */
	const char *web;	/* https: or http: */
};
/* From a raw header; strings in the arena. False: the message names no way. */
bool reply_unsubscribe(struct unsubscribe *out, struct arena *a, const char *header,
	size_t len);

#endif
