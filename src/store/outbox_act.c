/* outbox_act.c - what a person does to mail in the outbox, and what time does to it.
 *
 * Each act is one transaction under the mail's lock, so that it never comes
 * between a server and who sends. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "outbox_int.h"
#include "store_outbox.h"

/* ---- for the person ---- */

/* `sql` changes the row of ?1 if its state allows, else `refusal` says why not; `rcpts`, NULL
 * for none, those of its recipients. */
struct change {
	const char *sql, *types, *rcpts, *refusal;
	int64_t arg;			/* ?2 */
};

static enum err
make_change(struct store *s, outbox_id id, const struct change *c, struct error *e)
{
	struct outbox_lock *l = outbox_lock(s, id);
	enum err rc;

	if (!l)
		return error_set(e, ERR_MSG, "it is being sent just now");
	if ((rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		goto out;
	rc = db_run(s, e, c->sql, c->types, id, c->arg);
	if (rc == ERR_OK && sqlite3_changes(s->db->h) == 0)
		rc = error_set(e, ERR_MSG, "%s", c->refusal);
	if (rc == ERR_OK && c->rcpts)
		rc = db_run(s, e, c->rcpts, "i", id);
	rc = outbox_commit(s, rc, e);
out:
	store_outbox_unlock(l);
	return rc;
}

/* A mail from a clock that was ahead becomes one of today: see store_outbox_clock. */
#define OF_TODAY "created = min(created, CAST(strftime('%s', 'now') AS INTEGER))"

enum err
store_outbox_hold(struct store *s, outbox_id id, bool hold, struct error *e)
{
	struct change c = { .types = "i",
		.refusal = "it does not wait any more" };

	c.sql = hold
		? "UPDATE outbox SET is_held = 1, " OF_TODAY " WHERE id = ?1 AND state = 0"
		: "UPDATE outbox SET is_held = 0, " OF_TODAY " WHERE id = ?1 AND state = 0";
	return make_change(s, id, &c, e);
}

enum err
store_outbox_when(struct store *s, outbox_id id, int64_t when, struct error *e)
{
	return make_change(s, id, &(struct change){ .types = "ii", .arg = when,
		.sql = "UPDATE outbox SET not_before = ?2, is_planned = 1, is_held = 0, "
			"retry_at = 0, error = '', " OF_TODAY " WHERE id = ?1 AND state = 0",
		.refusal = "it does not wait any more" }, e);
}

enum err
store_outbox_retry(struct store *s, outbox_id id, struct error *e)
{
	return make_change(s, id, &(struct change){ .types = "i",
		.sql = "UPDATE outbox SET state = 0, is_held = 0, is_planned = 0, "
			"retry_at = 0, not_before = 0, error = '' "
			"WHERE id = ? AND state <> 2",
		.rcpts = "UPDATE outbox_rcpt SET state = 0 WHERE mail = ? AND state <> 2",
		.refusal = "it was sent already" }, e);
}

enum err
store_outbox_believe_sent(struct store *s, outbox_id id, struct error *e)
{
	return make_change(s, id, &(struct change){ .types = "ii", .arg = time(NULL),
		.sql = "UPDATE outbox SET state = 2, error = '', ended = ?2, "
			"copy = CASE WHEN copy = 1 AND sought <> 2 THEN 2 "
			"WHEN copy = 1 THEN 4 ELSE copy END WHERE id = ?1 AND state IN (1, 3)",
		.rcpts = "UPDATE outbox_rcpt SET state = 2, words = 'you took it for sent'"
			" WHERE mail = ? AND state IN (1, 3)",
		.refusal = "there is no doubt about it" }, e);
}

enum err
outbox_delete(struct store *s, outbox_id id, struct error *e)
{
	enum err rc = db_run(s, e, "DELETE FROM outbox WHERE id = ?", "i", id);

	if (rc == ERR_OK)
		rc = db_run(s, e, "DELETE FROM outbox_bytes WHERE id = ?", "i", id);
	if (rc == ERR_OK)
		rc = db_run(s, e, "DELETE FROM outbox_rcpt WHERE mail = ?", "i", id);
	return rc;
}

enum err
store_outbox_remove(struct store *s, outbox_id id, struct error *e)
{
	struct outbox_lock *l = outbox_lock(s, id);
	struct arena a = {0};
	enum err rc;

	if (!l)
		return error_set(e, ERR_MSG, "it is being sent just now");
	if ((rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		goto out;
	const char *file = outbox_bytes_file(s, id, &a);
	int64_t copy = db_int(s, "SELECT copy FROM outbox WHERE id = ?", "i", id);
	if (copy == COPY_WAITING || copy == COPY_RUNNING)
		rc = error_set(e, ERR_MSG, "its copy is still to be made");
	else if (!db_int(s, "SELECT count(*) FROM outbox WHERE id = ?", "i", id))
		rc = error_set(e, ERR_MSG, "it is not in the outbox any more");
	else
		rc = outbox_delete(s, id, e);
	if ((rc = outbox_commit(s, rc, e)) == ERR_OK)
		upload_remove(s, file);
out:
	store_outbox_unlock(l);
	arena_clear(&a);
	return rc;
}

/* ---- what time does ---- */

static bool
is_kept(const char *message_id, const char *const *keep, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(keep[i], message_id))
			return true;
	}
	return false;
}

enum err
store_outbox_forget(struct store *s, int64_t before, const char *const *keep, size_t n_keep,
	struct error *e)
{
	struct arena a = {0};
	outbox_id ids[500];
	const char *files[500];
	size_t n = 0;
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *st = db_query(s, "SELECT id, message_id FROM outbox WHERE state = 2 AND"
		" max(created, ended) < ? AND copy IN (0, 4)", "i", before);
	while (n < LEN(ids) && db_row(s, st)) {
		if (!is_kept(db_text(st, 1, &a), keep, n_keep))
			ids[n++] = sqlite3_column_int64(st, 0);
	}
	db_done(st);
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		files[i] = outbox_bytes_file(s, ids[i], &a);
		rc = outbox_delete(s, ids[i], e);
	}
	rc = tx_close(s, rc, e);
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		/* unsynced, a power cut may bring the row back, of mail long sent */
		upload_remove(s, files[i]);
	arena_clear(&a);
	return rc;
}

enum err
store_outbox_clock(struct store *s, account_id account, int64_t now, uint32_t *n_held,
	struct error *e)
{
	enum { TICK_S = 2, SLACK_S = 3600, DAY_S = 86400 };
	enum err rc;

	*n_held = 0;
	if (!db_int(s,
	    "SELECT count(*) FROM outbox WHERE account = ?1 AND state = 0 AND NOT is_held "
	    "AND (retry_at > ?2 OR (retry_at > ?4 AND ended > ?4) "
	    "OR (not_before > ?2 AND (NOT is_planned OR created > ?3)) "
	    "OR (not_before > ?4 AND NOT is_planned AND created > ?4))", "uiii", account,
	    now + SLACK_S, now + DAY_S, now + TICK_S))
		return ERR_OK;
	if ((rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		return rc;
	rc = db_run(s, e, "UPDATE outbox SET retry_at = ?3 WHERE account = ?1 AND state = 0"
		" AND (retry_at > ?2 OR (retry_at > ?4 AND ended > ?4))", "uiii", account,
		now + SLACK_S, now, now + TICK_S);
	if (rc == ERR_OK)
		rc = db_run(s, e,
			"UPDATE outbox SET not_before = ?3 "
			"WHERE account = ?1 AND state = 0 AND NOT is_planned "
			"AND (not_before > ?2 OR (not_before > ?4 AND created > ?4))", "uiii",
			account, now + SLACK_S, now, now + TICK_S);
	if (rc == ERR_OK)
		rc = db_run(s, e,
			"UPDATE outbox SET is_held = 1, error = 'the clock was set back since "
			"its time was named: name it again' WHERE account = ?1 AND state = 0 "
			"AND NOT is_held AND is_planned AND not_before > ?2 AND created > ?3",
			"uii", account, now + SLACK_S, now + DAY_S);
	*n_held = rc == ERR_OK ? (uint32_t)sqlite3_changes(s->db->h) : 0;
	return outbox_commit(s, rc, e);
}
