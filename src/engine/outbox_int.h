/* outbox_int.h - what the files of the outbox share.
 *
 *   outbox.c       a message out, and its copy
 *   outbox_seek.c  what can be found out of one that is unsure; forgetting */
#ifndef DUNLIN_ENGINE_OUTBOX_INT_H
#define DUNLIN_ENGINE_OUTBOX_INT_H

#include "outbox.h"

/* Owned wire name: what the mailrc says, else the folder with that role, else "Sent". */
char *outbox_sent_folder(struct store *s, const struct rc_account *a, account_id account,
	struct backend *b);

static inline bool
is_link_error(enum err rc)
{
	return rc == ERR_CONN || rc == ERR_TLS || rc == ERR_CANCELLED || rc == ERR_AUTH;
}

#endif
