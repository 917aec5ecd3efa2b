/* identity.h - who the person is: the addresses of `from` and `identities` in the mailrc. */
#ifndef DUNLIN_UI_IDENTITY_H
#define DUNLIN_UI_IDENTITY_H

#include "view.h"

/* All of them as they stand in a From field, those of the account first, its `from` before
 * all. The array is the caller's; the strings are in the arena. */
const char **identity_all(struct ui *ui, account_id account, struct arena *a, size_t *n);
/* The account that has this From; 0: none has. */
account_id identity_account(struct ui *ui, const char *from);
/* Where mail goes out that is from `from` and about a message (0: about none): the account of
 * the identity; else of the message; else the first that can send. */
account_id identity_sender(struct ui *ui, const char *from, msg_id about);
/* The identity that a message with this header came to: what an answer would be from. Owned;
 * NULL: the mailrc has none. */
char *identity_of_message(struct ui *ui, msg_id id, const char *header, size_t len);

#endif
