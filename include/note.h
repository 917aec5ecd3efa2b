/* note.h - what a person is writing, as plain values: made by reply.h, kept by drafts.h, shown
 * and sent by the UI. All strings are owned UTF-8; NULL is empty. One thread. */
#ifndef DUNLIN_NOTE_H
#define DUNLIN_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msg.h"
#include "str.h"

struct note_file {
	char *name, *type;
	uint32_t number;		/* names the copy of its bytes beside the
					 * draft (drafts.h) */
	uint64_t size_bytes;
};

/* How it is to be sent (gnupg.h), and what it was made of. */
enum {
	NOTE_SIGN = 1 << 0,
	NOTE_ENCRYPT = 1 << 1,
	NOTE_TRY = 1 << 2,		/* encrypted where there is a key for everybody */
	NOTE_SECRET = 1 << 3,		/* what it quotes came encrypted */
	NOTE_ALL = 15
};

struct note {
	char *from, *to, *cc, *bcc, *subject;
	char *in_reply_to;		/* ids as in struct msg, without brackets */
	char *references;
	char *message_id;		/* under which it was handed to the outbox last */
	char *name;			/* the draft's own, on every machine: 16 to 64 of 0-9
					 * and a-f; NULL: none yet */
	char *account;			/* in whose Drafts folder it is kept, too;
					 * NULL: only here */
	struct str text;		/* lines end in '\n' */
	struct note_file *files;
	size_t n_files, cap_files;
	msg_id about;			/* the message answered or forwarded; 0: none */
	msg_id *others;			/* further ones forwarded with it */
	size_t n_others, cap_others;
	unsigned seal;			/* NOTE_ bits */
	bool is_flowed;			/* to be sent as format=flowed; not kept */
	char *followup_to;		/* to be sent as Mail-Followup-To; not kept */
	uint32_t about_flag;		/* what it is marked with once this is sent:
					 * MSG_ANSWERED, MSG_FORWARDED */
};

void note_clear(struct note *n);
/* all of it; `to` is zero before */
void note_copy(struct note *to, const struct note *from);
/* A word for what it says: the same for the same content (of name, account and
 * message_id aside). Owned. */
char *note_stamp(const struct note *n);
void note_add_other(struct note *n, msg_id id);
void note_set(char **field, const char *value);		/* a copy; "" and NULL become NULL */
const char *note_get(const char *field);		/* never NULL */
/* It is not to be stored on a server as it is: what it says was, or will be, encrypted. */
bool note_is_private(const struct note *n);
void note_add_file(struct note *n, const char *name, const char *type, uint32_t number,
	uint64_t size_bytes);
/* Walks through a list of addresses as people type it: the next one, without blanks around it,
 * *n bytes long; NULL at the end. Commas in quotes, comments and brackets do not part. */
const char *note_next_address(const char **list, size_t *n);
void note_remove_file(struct note *n, size_t i);

#endif
