/* outbox_int.h - what the files of the outbox share.
 *
 *   outbox.c       a message out, and its copy
 *   outbox_date.c  the date of one that was planned
 *   outbox_seek.c  what can be found out of one that is unsure; forgetting */
#ifndef DUNLIN_ENGINE_OUTBOX_INT_H
#define DUNLIN_ENGINE_OUTBOX_INT_H

#include "outbox.h"
#include "store_outbox.h"

/* Owned wire name: what the mailrc says, else the folder with that role, else "Sent". */
char *outbox_sent_folder(struct store *s, const struct rc_account *a, account_id account,
	struct backend *b);

/* Before the first try of a mail that was planned: its Date becomes now, in
 * *bytes (owned) and on disk. */
enum err outbox_freshen_date(struct store *s, const struct outbox_mail *m, char **bytes,
	size_t *len, struct error *e);

static inline bool
is_link_error(enum err rc)
{
	return rc == ERR_CONN || rc == ERR_TLS || rc == ERR_CANCELLED || rc == ERR_AUTH;
}

#endif
