/* outbox.c - mail on its way out.
 *
 * A lock a message: one byte, at the position of its id, of the empty file outbox.lock. It is
 * the kernel's to take back, so that after kill -9 a message in SENDING without a lock is
 * known to be nobody's. Every change of state that another process or a later life must know
 * of is synced before the caller goes on. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "store_db.h"

enum { NEEDS_UTF8 = 1, NEEDS_8BIT = 2 };

#define OUTBOX_COLUMNS \
	"id, account, state, is_held, sender, message_id, subject, shown_to, needs, created, " \
	"not_before, retry_at, n_tries, size, copy, error "

/* ---- locks ---- */

struct outbox_lock {
	int fd;
	outbox_id id;
};

static struct outbox_lock *
lock(const struct store *s, outbox_id id)
{
	struct flock range = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = id,
		.l_len = 1 };
	char *path = path_join(s->data_dir, "outbox.lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct outbox_lock *l = NULL;

	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &range) == 0) {
		l = xcalloc(1, sizeof *l);
		*l = (struct outbox_lock){ fd, id };
	} else if (fd >= 0) {
		if (errno != EAGAIN && errno != EACCES)
			log_msg("store: cannot lock '%s': %s", path, strerror(errno));
		close(fd);
	}
	free(path);
	return l;
}

void
store_outbox_unlock(struct outbox_lock *l)
{
	if (!l)
		return;
	close(l->fd);
	free(l);
}

bool
store_outbox_take(struct store *s, outbox_id id, struct outbox_lock **out)
{
	*out = lock(s, id);
	return *out != NULL;
}

/* ---- writing: every change is durable ---- */

static enum err
commit(struct store *s, enum err rc, struct error *e)
{
	rc = tx_close(s, rc, e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}

static enum err
put_bytes(struct store *s, outbox_id id, const void *p, size_t len, struct error *e)
{
	sqlite3_stmt *st = db_query(s, "INSERT INTO outbox_bytes VALUES (?, ?)", "i", id);

	if (!st)
		return db_fail(s, e);
	sqlite3_bind_blob64(st, 2, p, len, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	enum err result = rc == SQLITE_DONE ? ERR_OK : db_fail(s, e);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return result;
}

enum err
store_outbox_add(struct store *s, const struct outbox_mail *m, const void *bytes, size_t len,
	outbox_id *id, struct error *e)
{
	uint32_t needs = (m->needs_utf8 ? NEEDS_UTF8 : 0) | (m->needs_8bit ? NEEDS_8BIT : 0);
	enum err rc = tx_open(s, DB_DATA, e);

	*id = 0;
	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e, "INSERT INTO outbox (account, is_held, sender, message_id, subject,"
		" shown_to,"
		" needs, created, not_before, size, copy) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
		" ?, ?)",
		"uussssuiiiu", m->account, (uint32_t)m->is_held, m->sender, m->message_id,
		m->subject, m->to, needs, (int64_t)time(NULL), m->not_before, (int64_t)len,
		(uint32_t)(m->copy == COPY_NONE ? COPY_NONE : COPY_WANTED));
	int64_t made = sqlite3_last_insert_rowid(s->db->h);
	if (rc == ERR_OK)
		rc = put_bytes(s, made, bytes, len, e);
	for (size_t i = 0; i < m->n_rcpts && rc == ERR_OK; i++)
		rc = db_run(s, e, "INSERT INTO outbox_rcpt (mail, n, addr) VALUES (?, ?, ?)",
			"iis", made, (int64_t)i, m->rcpts[i].addr);
	if ((rc = commit(s, rc, e)) == ERR_OK)
		*id = made;
	return rc;
}

/* ---- reading ---- */

static void
read_mail(sqlite3_stmt *st, struct arena *a, struct outbox_mail *m)
{
	uint32_t needs = (uint32_t)sqlite3_column_int64(st, 8);

	*m = (struct outbox_mail){
		.id = sqlite3_column_int64(st, 0),
			.account = (account_id)sqlite3_column_int64(st, 1),
		.state = (enum outbox_state)sqlite3_column_int(st, 2),
		.is_held = sqlite3_column_int(st, 3),
		.sender = db_text(st, 4, a), .message_id = db_text(st, 5, a),
		.subject = db_text(st, 6, a),
		.to = db_text(st, 7, a), .needs_utf8 = needs & NEEDS_UTF8,
		.needs_8bit = needs & NEEDS_8BIT,
		.created = sqlite3_column_int64(st, 9), .not_before = sqlite3_column_int64(st,
		10),
		.retry_at = sqlite3_column_int64(st, 11),
		.n_tries = (uint32_t)sqlite3_column_int64(st, 12),
		.size_bytes = (uint64_t)sqlite3_column_int64(st, 13),
		.copy = (enum outbox_copy)sqlite3_column_int(st, 14),
		.error = db_text(st, 15, a),
	};
}

static void
read_rcpts(const struct store *s, struct arena *a, struct outbox_mail *m)
{
	size_t n = (size_t)db_int(s, "SELECT count(*) FROM outbox_rcpt WHERE mail = ?", "i",
		m->id);
	sqlite3_stmt *st = db_query(s,
		"SELECT addr, state, words FROM outbox_rcpt WHERE mail = ? ORDER BY n",
		"i", m->id);

	m->rcpts = arena_alloc(a, n * sizeof *m->rcpts + 1);
	while (m->n_rcpts < n && db_row(s, st))
		m->rcpts[m->n_rcpts++] = (struct outbox_rcpt){ db_text(st, 0, a),
			(enum outbox_rcpt_state)sqlite3_column_int(st, 1), db_text(st, 2, a) };
	db_done(st);
}

bool
store_outbox_get(const struct store *s, outbox_id id, struct arena *a, struct outbox_mail *out)
{
	sqlite3_stmt *st = db_query(s, "SELECT " OUTBOX_COLUMNS "FROM outbox WHERE id = ?",
		"i", id);

	if (!db_row(s, st))
		return false;
	read_mail(st, a, out);
	db_done(st);
	read_rcpts(s, a, out);
	return true;
}

size_t
store_outbox(const struct store *s, account_id account, size_t max, struct arena *a,
	struct outbox_mail **out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT " OUTBOX_COLUMNS "FROM outbox WHERE ?1 IN (0, account)"
		" ORDER BY id DESC LIMIT ?2", "ui", account, (int64_t)max);
	struct outbox_mail *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		read_mail(st, a, &v[n++]);
	}
	*out = arena_alloc(a, n * sizeof *v + 1);
	if (n)
		memcpy(*out, v, n * sizeof *v);
	free(v);
	return n;
}

char *
store_outbox_bytes(const struct store *s, outbox_id id, size_t *len)
{
	sqlite3_stmt *st = db_query(s, "SELECT bytes FROM outbox_bytes WHERE id = ?", "i", id);
	char *copy = NULL;

	*len = 0;
	if (db_row(s, st)) {
		const void *p = sqlite3_column_blob(st, 0);
		*len = (size_t)sqlite3_column_bytes(st, 0);
		copy = xmalloc(*len + 1);
		if (*len)
			memcpy(copy, p, *len);
		copy[*len] = '\0';
		db_done(st);
	}
	return copy;
}

uint32_t
store_outbox_waiting(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s, "SELECT count(*) FROM outbox WHERE state <= 1 AND ? IN (0,"
		" account)", "u", account);
}

uint32_t
store_outbox_stuck(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s, "SELECT count(*) FROM outbox WHERE state IN (3, 4) AND ?"
		" IN (0, account)",
		"u", account);
}

uint32_t
store_outbox_copies(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s, "SELECT count(*) FROM outbox WHERE copy IN (2, 3) AND"
		" copy_at <= ?"
		" AND ? IN (0, account)", "iu", (int64_t)time(NULL), account);
}

/* ---- for the person ---- */

/* One change under the lock, in one transaction; `sql` changes the row of that id if its state
 * allows. */
static enum err
change(struct store *s, outbox_id id, const char *sql, const char *rcpts, const char *refusal,
	struct error *e)
{
	struct outbox_lock *l = lock(s, id);
	enum err rc;

	if (!l)
		return error_set(e, ERR_MSG, "it is being sent just now");
	if ((rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		goto out;
	rc = db_run(s, e, sql, "i", id);
	if (rc == ERR_OK && sqlite3_changes(s->db->h) == 0)
		rc = error_set(e, ERR_MSG, "%s", refusal);
	if (rc == ERR_OK && rcpts)
		rc = db_run(s, e, rcpts, "i", id);
	rc = commit(s, rc, e);
out:
	store_outbox_unlock(l);
	return rc;
}

enum err
store_outbox_hold(struct store *s, outbox_id id, bool hold, struct error *e)
{
	return change(s, id, hold ? "UPDATE outbox SET is_held = 1 WHERE id = ? AND state = 0"
		: "UPDATE outbox SET is_held = 0 WHERE id = ? AND state = 0", NULL,
		"it does not wait any more", e);
}

enum err
store_outbox_retry(struct store *s, outbox_id id, struct error *e)
{
	return change(s, id, "UPDATE outbox SET state = 0, is_held = 0, retry_at = 0,"
		" not_before = 0, error = ''"
		" WHERE id = ? AND state <> 2",
		"UPDATE outbox_rcpt SET state = 0 WHERE mail = ? AND state <> 2",
		"it was sent already", e);
}

enum err
store_outbox_believe_sent(struct store *s, outbox_id id, struct error *e)
{
	return change(s, id, "UPDATE outbox SET state = 2, error = '',"
		" copy = CASE copy WHEN 1 THEN 2 ELSE copy END WHERE id = ? AND state IN (1,"
		" 3)",
		"UPDATE outbox_rcpt SET state = 2 WHERE mail = ? AND state IN (1, 3)",
		"there is no doubt about it", e);
}

enum err
store_outbox_remove(struct store *s, outbox_id id, struct error *e)
{
	return change(s, id, "DELETE FROM outbox WHERE id = ? AND copy NOT IN (2, 3)",
		"DELETE FROM outbox_bytes WHERE id = ?", "its copy is still to be made", e);
}

/* ---- for who sends ---- */

/* Nobody works on it, and it was about to go out: perhaps it did. Under its lock. */
static bool
make_unsure(struct store *s, outbox_id id)
{
	if (tx_open(s, DB_DATA, NULL) != ERR_OK)
		return false;
	enum err rc = db_run(s, NULL,
		"UPDATE outbox SET state = 3, error = 'interrupted while it was being"
		" handed over: it may have gone out, or not' WHERE id = ? AND state = 1", "i",
		id);
	bool did = rc == ERR_OK && sqlite3_changes(s->db->h) > 0;
	if (did)
		rc = db_run(s, NULL, "UPDATE outbox_rcpt SET state = 3 WHERE mail = ? AND"
			" state = 1", "i", id);
	return commit(s, rc, NULL) == ERR_OK && did;
}

static size_t
ids_of(const struct store *s, sqlite3_stmt *st, outbox_id *ids, size_t max)
{
	size_t n = 0;

	while (n < max && db_row(s, st))
		ids[n++] = sqlite3_column_int64(st, 0);
	db_done(st);
	return n;
}

static uint32_t
find_orphans(struct store *s, account_id account)
{
	outbox_id ids[100];
	uint32_t n_unsure = 0;
	size_t n = ids_of(s, db_query(s,
		"SELECT id FROM outbox WHERE account = ? AND state = 1 LIMIT 100", "u",
		account), ids, LEN(ids));

	for (size_t i = 0; i < n; i++) {
		struct outbox_lock *l = lock(s, ids[i]);
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
	size_t n = ids_of(s, db_query(s,
		"SELECT id FROM outbox WHERE account = ? AND state = 0 AND NOT is_held"
		" AND max(not_before, retry_at) <= ? ORDER BY id LIMIT 100", "ui", account,
		now), ids, LEN(ids));
	for (size_t i = 0; i < n; i++) {
		if (!(*out = lock(s, ids[i])))
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
	return commit(s, rc, e);
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
			" n_tries + 1, error = ?,"
			" copy = CASE WHEN copy = 1 AND ? THEN 2 ELSE copy END WHERE id = ?",
			"uisui",
			(uint32_t)*state, retry_at, error ? error : "", (uint32_t)is_sent, id);
	return commit(s, rc, e);
}

enum err
store_outbox_hurry(struct store *s, account_id account, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	return tx_close(s, db_run(s, e,
		"UPDATE outbox SET retry_at = CASE WHEN state = 0 THEN 0 ELSE retry_at"
		" END, copy_at = 0 WHERE account = ? AND (state = 0 OR copy IN (2, 3))", "u",
		account), e);
}

/* ---- the copy in Sent ---- */

outbox_id
store_outbox_copy_next(struct store *s, account_id account, int64_t now,
	struct outbox_lock **out, bool *was_running)
{
	outbox_id ids[100];
	size_t n = ids_of(s, db_query(s,
		"SELECT id FROM outbox WHERE account = ? AND copy IN (2, 3)"
		" AND copy_at <= ? ORDER BY id LIMIT 100", "ui", account, now), ids, LEN(ids));

	for (size_t i = 0; i < n; i++) {
		if (!(*out = lock(s, ids[i])))
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
	return commit(s, db_run(s, e, "UPDATE outbox SET copy = ?, copy_at = ? WHERE id = ?",
		"uii", (uint32_t)state, retry_at, id), e);
}

enum err
store_outbox_forget(struct store *s, int64_t before, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e, "DELETE FROM outbox WHERE state = 2 AND created < ? AND copy IN (0,"
		" 4)", "i", before);
	if (rc == ERR_OK)
		rc = db_run(s, e, "DELETE FROM outbox_bytes WHERE id NOT IN (SELECT id FROM"
			" outbox)", "");
	if (rc == ERR_OK)
		rc = db_run(s, e, "DELETE FROM outbox_rcpt WHERE mail NOT IN (SELECT id FROM"
			" outbox)", "");
	return tx_close(s, rc, e);
}
