/* folder.h - a mailbox, as the list of folders shows it. */
#ifndef DUNLIN_FOLDER_H
#define DUNLIN_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

enum folder_role {		/* RFC 6154, else well-known names */
	ROLE_NONE,
	ROLE_INBOX,
	ROLE_DRAFTS,
	ROLE_SENT,
	ROLE_ARCHIVE,
	ROLE_JUNK,
	ROLE_TRASH,
	ROLE_ALL,
	ROLE_FLAGGED,
	N_ROLES
};

enum folder_attr {
	FOLDER_NOSELECT = 1 << 0,	/* only a node of the hierarchy */
	FOLDER_NOINFERIORS = 1 << 1,
	FOLDER_SUBSCRIBED = 1 << 2,
	FOLDER_READONLY = 1 << 3,	/* as it was last opened; a list does not tell */
	FOLDER_GONE = 1 << 4		/* no longer on the server; kept while
					 * intents name it */
};

/* Strings belong to whoever filled the struct in. */
struct folder {
	folder_id id;			/* 0 on the way in */
	account_id account;
	const char *wire;		/* the name the protocol uses, as the server gave it */
	const char *name;		/* UTF-8, levels separated by '/',
					 * "INBOX" in capitals */
	char delim;			/* the server's; '\0': flat */
	enum folder_role role;
	uint32_t attrs;			/* enum folder_attr */
	uint32_t uidvalidity;		/* 0: never opened */
	uint32_t uidnext;		/* all below it are known, or below `filled` not yet */
	uint64_t modseq;		/* HIGHESTMODSEQ up to which flags are
					 * known; 0: unknown */
	uint32_t n_server;		/* how many messages the server last said */
	bool is_filled;			/* every message of the server is in the index */
	/* counted by the store over what is shown, pending intents included */
	uint32_t n_msgs, n_unread;
	uint32_t n_server_unread;	/* STATUS, for folders not opened yet */
};

/* The role of a well-known name ("Sent Items", "Corbeille", ...), for servers without
 * SPECIAL-USE; `name` is the last level. ROLE_NONE when nothing fits. Never ROLE_INBOX: which
 * folder that is the protocol says, and "Old/Inbox" is none. */
enum folder_role folder_role_by_name(const char *name);
const char *folder_role_name(enum folder_role role);	/* "Inbox", "Sent", ...; "" for none */

#endif
