/* outbox_int.h - what the files of the outbox share.
 *
 *   outbox.c       locks, putting in, reading
 *   outbox_act.c   what a person does to mail, and what time does
 *   outbox_send.c  for who sends, copies to Sent, and looks there */
#ifndef DUNLIN_STORE_OUTBOX_INT_H
#define DUNLIN_STORE_OUTBOX_INT_H

#include "store_db.h"

/* NULL: somebody has it. */
struct outbox_lock *outbox_lock(const struct store *s, outbox_id id);
/* tx_close, and on disk when it is ERR_OK. */
enum err outbox_commit(struct store *s, enum err rc, struct error *e);
/* The ids a query gives, max at most. */
size_t outbox_ids(const struct store *s, sqlite3_stmt *st, outbox_id *ids, size_t max);
/* Row, bytes and recipients; in a transaction. */
enum err outbox_delete(struct store *s, outbox_id id, struct error *e);

/* Of a copy. Later than an hour from now is what a clock says that was set back since. */
#define COPY_IS_DUE(now) "(copy_at <= " now " OR copy_at > " now " + 3600)"

#endif
