/* msg.h - a message as lists show it, and how it is named.
 *
 * A message is a UID in a folder; a folder id stands for one (account, mailbox,
 * UIDVALIDITY) and is never used again, so a msg_id names the same message for ever,
 * also when the cache was deleted in between. */
#ifndef DUNLIN_MSG_H
#define DUNLIN_MSG_H

#include <stdbool.h>
#include <stdint.h>

typedef uint32_t account_id;	/* from 1; 0: none */
typedef uint32_t folder_id;	/* from 1, below 2^31; 0: none */
typedef int64_t msg_id;		/* folder in the high 32 bits, UID in the low; 0: none */
typedef uint64_t thread_id;

static inline msg_id
msg_id_of(folder_id folder, uint32_t uid)
{
	return (msg_id)((uint64_t)folder << 32 | uid);
}

static inline folder_id
msg_folder(msg_id id)
{
	return (folder_id)((uint64_t)id >> 32);
}

static inline uint32_t
msg_uid(msg_id id)
{
	return (uint32_t)id;
}

enum msg_flag {			/* RFC 9051 2.3.2 */
	MSG_SEEN = 1 << 0,
	MSG_ANSWERED = 1 << 1,
	MSG_FLAGGED = 1 << 2,
	MSG_DELETED = 1 << 3,
	MSG_DRAFT = 1 << 4,
	MSG_FORWARDED = 1 << 5,	/* $Forwarded */
	MSG_JUNK = 1 << 6,	/* $Junk */
	MSG_NOTJUNK = 1 << 7,	/* $NotJunk */
	MSG_MDNSENT = 1 << 8,	/* $MDNSent */
	MSG_SERVER_FLAGS = 0xffff,	/* the bits that servers and mbox files know */
	/* ours, derived, never sent */
	MSG_ATTACH = 1 << 16,	/* has (or, by its Content-Type, probably has) an attachment */
	MSG_LIST = 1 << 17,	/* came through a mailing list */
	MSG_HEADER_ONLY = 1 << 19,	/* in an mbox: all but its header is on the
					 * server (stub.h) */
	MSG_PENDING = 1 << 18	/* an intent on it waits (reading only) */
};

/* Strings are UTF-8, decoded (RFC 2047) but not sanitised: see text_clean. NULL never occurs:
 * what is absent is "". They belong to whoever filled the struct in (usually an arena). */
struct msg {
	msg_id id;
	int64_t arrived;	/* INTERNALDATE or From_ line, seconds since 1970 UTC */
	int64_t date;		/* Date header; `arrived` where missing or nonsense */
	uint64_t size_bytes;
	uint64_t modseq;	/* RFC 7162; 0: unknown */
	uint32_t flags;		/* enum msg_flag */
	thread_id thread;	/* given by the store; 0 on the way in */
	const char *from_name;	/* display name; "" when none */
	const char *from_addr;
	const char *to;		/* "Name <addr>, addr" lists, decoded */
	const char *cc;
	const char *subject;
	const char *message_id;	/* without angle brackets */
	const char *in_reply_to;	/* first id of In-Reply-To, without brackets */
	const char *references;	/* ids without brackets, separated by one
				 * space, oldest first */
	const char *list_id;	/* RFC 2919, without brackets */
	uint64_t pos_bytes;	/* mbox: where its From_ line starts; else 0 */
};

/* Its strings from now on in the arena; "" where there were none. */
struct arena;
void msg_keep_strings(struct msg *m, struct arena *a);

/* Subject without Re:, Fwd:, [list] and the like (RFC 5256 2.1, base subject, in the
 * common languages too); points into s. */
const char *msg_base_subject(const char *s);

#endif
