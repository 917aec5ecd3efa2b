/* uploads.h - carrying out one account's uploads (store.h) over a connection that is there.
 *
 * Blocking; for the account's worker, or a command without a screen. */
#ifndef DUNLIN_UPLOADS_H
#define DUNLIN_UPLOADS_H

#include "backend.h"
#include "rc.h"
#include "store.h"

struct uploads {
	struct store *store;
	const struct rc_account *conf;
	account_id account;
	struct backend *b;
};

struct upload_result {
	bool did;			/* there was one to carry out */
	upload_id id;
	char *wire;			/* where it stands now, owned; NULL: nowhere new */
	account_id other;		/* has an intent to carry out that followed; 0: none */
	struct error refusal;		/* for the person, once for the same words;
					 * code ERR_OK: none */
};

/* The wire name of the account's folder of that role: what the mailrc says, else what the
 * server says, else one that may not be there yet. Owned. */
char *uploads_role_folder(const struct uploads *x, enum folder_role role);

/* Its next UID, 0 where the server does not say; made when it is not there. */
enum err uploads_find_folder(const struct uploads *x, const char *wire, uint32_t *uidnext,
	struct error *e);
/* A message with that Message-ID, from that UID on: *uid, 0 there is none. */
enum err uploads_look(const struct uploads *x, const char *wire, const char *message_id,
	uint32_t from, uint32_t *uid, struct error *e);

/* The next one that is due, if no other process is at it. The error is the link's or the
 * disk's; what the server refuses is in r->refusal, and in the store. The folder that was
 * open may be closed behind it. */
enum err uploads_one(const struct uploads *x, struct upload_result *r, struct error *e);

#endif
