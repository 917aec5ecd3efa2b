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
#include "outbox_int.h"
#include "store_outbox.h"

enum { NEEDS_UTF8 = 1, NEEDS_8BIT = 2 };

#define OUTBOX_COLUMNS \
	"id, account, state, is_held, sender, message_id, subject, shown_to, needs, " \
	"created, not_before, retry_at, n_tries, size, copy, error, is_planned, ended, " \
	"sought, sought_at "

/* ---- locks ---- */

struct outbox_lock {
	int fd;
	outbox_id id;
};

struct outbox_lock *
outbox_lock(const struct store *s, outbox_id id)
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
	fd_close_locked(l->fd);
	free(l);
}

bool
store_outbox_take(struct store *s, outbox_id id, struct outbox_lock **out)
{
	*out = outbox_lock(s, id);
	return *out != NULL;
}

/* ---- writing: every change is durable ---- */

enum err
outbox_commit(struct store *s, enum err rc, struct error *e)
{
	rc = tx_close(s, rc, e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}

/* One that is committed and not durable: its writer is told that it was not
 * taken, and it must not go out. */
static void
take_back(struct store *s, outbox_id id)
{
	enum err rc = tx_open(s, DB_DATA, NULL);

	if (rc == ERR_OK)
		rc = outbox_delete(s, id, NULL);
	if (tx_close(s, rc, NULL) != ERR_OK)
		log_msg("store: cannot take mail %lld back out of the outbox", (long long)id);
}

static enum err
add_rows(struct store *s, const struct outbox_mail *m, const struct outbox_bytes *bytes,
	outbox_id *id, struct error *e)
{
	uint32_t needs = (m->needs_utf8 ? NEEDS_UTF8 : 0) | (m->needs_8bit ? NEEDS_8BIT : 0);
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"INSERT INTO outbox (account, is_held, sender, message_id, "
		"subject, shown_to, needs, created, not_before, size, copy, is_planned) "
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"uussssuiiiuu", m->account, (uint32_t)m->is_held, m->sender, m->message_id,
		m->subject, m->to, needs, (int64_t)time(NULL), m->not_before,
		(int64_t)bytes->len,
		(uint32_t)(m->copy == COPY_NONE ? COPY_NONE : COPY_WANTED),
		(uint32_t)m->is_planned);
	*id = sqlite3_last_insert_rowid(s->db->h);
	if (rc == ERR_OK)
		rc = outbox_bytes_put(s, *id, bytes, e);
	for (size_t i = 0; i < m->n_rcpts && rc == ERR_OK; i++)
		rc = db_run(s, e, "INSERT INTO outbox_rcpt (mail, n, addr) VALUES (?, ?, ?)",
			"iis", *id, (int64_t)i, m->rcpts[i].addr);
	return tx_close(s, rc, e);
}

enum err
store_outbox_add(struct store *s, const struct outbox_mail *m, const void *bytes, size_t len,
	outbox_id *id, struct error *e)
{
	struct outbox_bytes b;
	outbox_id made;
	enum err rc = outbox_bytes_write(&b, s, bytes, len, e);

	*id = 0;
	if (rc != ERR_OK)
		return rc;
	bool is_committed = (rc = add_rows(s, m, &b, &made, e)) == ERR_OK;
	if (is_committed && (rc = store_sync(s, e)) != ERR_OK)
		take_back(s, made);
	else if (is_committed)
		*id = made;
	outbox_bytes_end(&b, is_committed);
	return rc;
}

enum err
store_outbox_rewrite(struct store *s, outbox_id id, const void *bytes, size_t len,
	struct error *e)
{
	struct arena a = {0};
	struct outbox_bytes b;
	const char *old = outbox_bytes_file(s, id, &a);
	bool is_committed = false;
	enum err rc = outbox_bytes_write(&b, s, bytes, len, e);

	if (rc != ERR_OK || (rc = tx_open(s, DB_DATA, e)) != ERR_OK)
		goto out;
	if (!db_int(s, "SELECT count(*) FROM outbox WHERE id = ? AND state = 0", "i", id))
		rc = error_set(e, ERR_LOCAL, "the message is not in the outbox any more");
	if (rc == ERR_OK)
		rc = outbox_bytes_put(s, id, &b, e);
	is_committed = (rc = tx_close(s, rc, e)) == ERR_OK;
	if (is_committed && (rc = store_sync(s, e)) == ERR_OK)
		upload_remove(s, old);
out:
	outbox_bytes_end(&b, is_committed);
	arena_clear(&a);
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
		.is_planned = sqlite3_column_int(st, 16),
		.ended = sqlite3_column_int64(st, 17),
		.sought = (enum outbox_sought)sqlite3_column_int(st, 18),
		.sought_at = sqlite3_column_int64(st, 19),
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
	*out = arena_take(a, v, n * sizeof *v);
	return n;
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
store_outbox_later(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s,
		"SELECT count(*) FROM outbox WHERE state = 0 "
		"AND (is_held OR (is_planned AND not_before > ?)) AND ? IN (0, account)", "iu",
		(int64_t)time(NULL), account);
}

uint32_t
store_outbox_copies(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s, "SELECT count(*) FROM outbox WHERE copy IN (2, 3) AND"
		" " COPY_IS_DUE("?1")
		" AND ?2 IN (0, account)", "iu", (int64_t)time(NULL), account);
}

size_t
outbox_ids(const struct store *s, sqlite3_stmt *st, outbox_id *ids, size_t max)
{
	size_t n = 0;

	while (n < max && db_row(s, st))
		ids[n++] = sqlite3_column_int64(st, 0);
	db_done(st);
	return n;
}
