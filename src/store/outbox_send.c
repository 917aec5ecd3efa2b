/* outbox_send.c - what is due, how it went, its copy in Sent, and
 * whether Sent has what is unsure.
 *
 * Every change of state that another process or a later life must know of is synced before the
 * caller goes on; what Sent was found to have can be looked for again. */
#include <string.h>
#include <time.h>

#include "outbox_int.h"
#include "store_outbox.h"

/* ---- for who sends ---- */

/* Nobody works on it, and it was about to go out: perhaps it did. Under its lock. */
static bool
make_unsure(struct store *s, outbox_id id)
{
	if (tx_open(s, DB_DATA, NULL) != ERR_OK)
		return false;
	enum err rc = db_run(s, NULL,
		"UPDATE outbox SET state = 3, sought = 0, error = "
		"'interrupted while it was being handed over: it may have gone out, or not' "
		"WHERE id = ? AND state = 1", "i", id);
	bool did = rc == ERR_OK && sqlite3_changes(s->db->h) > 0;
	if (did)
		rc = db_run(s, NULL, "UPDATE outbox_rcpt SET state = 3 WHERE mail = ? AND"
			" state = 1", "i", id);
	return outbox_commit(s, rc, NULL) == ERR_OK && did;
}

static uint32_t
find_orphans(struct store *s, account_id account)
{
	outbox_id ids[100];
	uint32_t n_unsure = 0;
	size_t n = outbox_ids(s, db_query(s,
		"SELECT id FROM outbox WHERE account = ? AND state = 1 LIMIT 100", "u",
		account), ids, LEN(ids));

	for (size_t i = 0; i < n; i++) {
		struct outbox_lock *l = outbox_lock(s, ids[i]);
		n_unsure += l && make_unsure(s, ids[i]);
		store_outbox_unlock(l);
	}
	return n_unsure;
}

outbox_id
store_outbox_next(struct store *s, account_id account, int64_t now, struct outbox_lock **out,
	int64_t *due, uint32_t *n_unsure)
{
	static const char is_due[] = "SELECT count(*) FROM outbox WHERE id = ?1 AND state = 0"
		" AND NOT is_held"
		" AND max(not_before, retry_at) <= ?2";
	outbox_id ids[100];

	*n_unsure = find_orphans(s, account);
	size_t n = outbox_ids(s, db_query(s,
		"SELECT id FROM outbox WHERE account = ? AND state = 0 AND NOT is_held"
		" AND max(not_before, retry_at) <= ? ORDER BY id LIMIT 100", "ui", account,
		now), ids, LEN(ids));
	for (size_t i = 0; i < n; i++) {
		if (!(*out = outbox_lock(s, ids[i])))
			continue;
		if (db_int(s, is_due, "ii", ids[i], now))	/* also once it is ours */
			return ids[i];
		store_outbox_unlock(*out);
	}
	*out = NULL;
	*due = db_int(s, "SELECT min(max(not_before, retry_at)) FROM outbox WHERE account = ?"
		" AND state = 0"
		" AND NOT is_held AND max(not_before, retry_at) > ?", "ui", account, now);
	return 0;
}

enum err
store_outbox_sending(struct store *s, outbox_id id, const size_t *accepted, size_t n,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e, "UPDATE outbox SET state = 1 WHERE id = ? AND state = 0", "i", id);
	if (rc == ERR_OK && sqlite3_changes(s->db->h) == 0)
		rc = error_set(e, ERR_LOCAL, "the message is not in the outbox any more");
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = db_run(s, e, "UPDATE outbox_rcpt SET state = 1 WHERE mail = ? AND n = ?",
			"ii", id, (int64_t)accepted[i]);
	return outbox_commit(s, rc, e);
}

static enum outbox_state
state_of(const struct outbox_rcpt *rcpts, size_t n)
{
	size_t count[RCPT_REFUSED + 1] = {0};

	for (size_t i = 0; i < n; i++)
		count[rcpts[i].state]++;
	return count[RCPT_UNSURE] ? OUTBOX_UNSURE : count[RCPT_WAITING] || count[RCPT_SENDING]
		? OUTBOX_QUEUED
		: count[RCPT_SENT] ? OUTBOX_SENT : OUTBOX_REFUSED;
}

enum err
store_outbox_result(struct store *s, outbox_id id, const struct outbox_rcpt *rcpts, size_t n,
	int64_t retry_at, const char *error, enum outbox_state *state, struct error *e)
{
	bool is_sent = false;
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	*state = state_of(rcpts, n);
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		is_sent = is_sent || rcpts[i].state == RCPT_SENT;
		rc = db_run(s, e, "UPDATE outbox_rcpt SET state = ?, words = substr(?, 1, 400)"
			" WHERE mail = ? AND n = ?", "usii", (uint32_t)rcpts[i].state,
			rcpts[i].words, id, (int64_t)i);
	}
	if (rc == ERR_OK)
		rc = db_run(s, e, "UPDATE outbox SET state = ?, retry_at = ?, n_tries ="
			" n_tries + 1, error = ?, sought = 0, ended = ?,"
			" copy = CASE WHEN copy = 1 AND ? THEN 2 ELSE copy END WHERE id = ?",
			"uisiui", (uint32_t)*state, retry_at, error ? error : "",
			(int64_t)time(NULL), (uint32_t)is_sent, id);
	return outbox_commit(s, rc, e);
}

enum err
store_outbox_hurry(struct store *s, account_id account, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	return tx_close(s, db_run(s, e,
		"UPDATE outbox SET retry_at = CASE WHEN state = 0 THEN 0 ELSE retry_at"
		" END, sought = CASE sought WHEN 1 THEN 3 ELSE sought END, copy_at = 0"
		" WHERE account = ? AND (state IN (0, 3) OR copy IN (2, 3))", "u",
		account), e);
}

/* ---- the copy in Sent ---- */

outbox_id
store_outbox_copy_next(struct store *s, account_id account, int64_t now,
	struct outbox_lock **out, bool *was_running)
{
	outbox_id ids[100];
	size_t n = outbox_ids(s, db_query(s,
		"SELECT id FROM outbox WHERE account = ? AND copy IN (2, 3)"
		" AND " COPY_IS_DUE("?2") " ORDER BY id LIMIT 100", "ui", account, now), ids,
		LEN(ids));

	for (size_t i = 0; i < n; i++) {
		if (!(*out = outbox_lock(s, ids[i])))
			continue;
		int64_t copy = db_int(s, "SELECT copy FROM outbox WHERE id = ?", "i", ids[i]);
		*was_running = copy == COPY_RUNNING;
		if (copy == COPY_WAITING || copy == COPY_RUNNING)
			return ids[i];
		store_outbox_unlock(*out);
	}
	*out = NULL;
	return 0;
}

enum err
store_outbox_copy(struct store *s, outbox_id id, enum outbox_copy state, int64_t retry_at,
	struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	return outbox_commit(s,
		db_run(s, e, "UPDATE outbox SET copy = ?, copy_at = ? WHERE id = ?", "uii",
		(uint32_t)state, retry_at, id), e);
}

/* ---- whether Sent has it ---- */

#define IS_TO_BE_SOUGHT "state = 3 AND sought IN (0, 3) AND copy IN (0, 1)"

outbox_id
store_outbox_seek_next(const struct store *s, account_id account)
{
	return db_int(s, "SELECT id FROM outbox WHERE account = ? AND " IS_TO_BE_SOUGHT
		" ORDER BY id LIMIT 1", "u", account);
}

uint32_t
store_outbox_seeks(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s, "SELECT count(*) FROM outbox WHERE account = ? AND "
		IS_TO_BE_SOUGHT, "u", account);
}

enum err
store_outbox_sought(struct store *s, outbox_id id, enum outbox_sought what, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	return tx_close(s,
		db_run(s, e,
		"UPDATE outbox SET sought = ?, sought_at = ? WHERE id = ? AND state = 3",
		"uii", (uint32_t)what, (int64_t)time(NULL), id), e);
}
