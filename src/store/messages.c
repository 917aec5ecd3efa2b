/* messages.c - the rows of messages: written as the server tells, read as shown.
 *
 * A message is two rows: msg, narrow, with what is counted and sorted by, and head, with what
 * is shown. Triggers keep the counts of folders and threads when rows change and go
 * (schema.c). Rows that come are counted here, a folder once a call: a trigger for each took
 * half of the time a row costs. */
#include <stdlib.h>
#include <string.h>

#include "people_db.h"

struct row {
	bool exists;
	int64_t arrived;
	thread_id thread;
};

static struct row
find_row(struct store *s, msg_id id)
{
	sqlite3_stmt *st =
		db_query(s, "SELECT arrived, thread FROM msg WHERE id = ?", "i", id);
	struct row r = { .exists = db_row(s, st) };

	if (r.exists) {
		r.arrived = sqlite3_column_int64(st, 0);
		r.thread = (thread_id)sqlite3_column_int64(st, 1);
		db_done(st);
	}
	return r;
}

static enum err
put_head(struct store *s, const struct msg *m, struct error *e)
{
	return db_run(s, e,
		"INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"isssssssss", m->id, m->from_name, m->from_addr, m->to, m->cc, m->subject,
		m->message_id, m->in_reply_to, m->references, m->list_id);
}

/* What rows that came add to the counts of their folder. */
struct added {
	folder_id folder;
	account_id account;		/* of the folder */
	int64_t n_msgs, n_unread;
};

static enum err
added_flush(struct store *s, struct added *a, struct error *e)
{
	enum err rc = a->n_msgs == 0 ? ERR_OK : db_run(s, e,
		"UPDATE folder SET n_msgs = n_msgs + ?, n_unread = n_unread + ? WHERE id = ?",
		"iiu", a->n_msgs, a->n_unread, a->folder);

	*a = (struct added){0};
	return rc;
}

static enum err
added_to(struct store *s, struct added *a, folder_id folder, struct error *e)
{
	enum err rc = ERR_OK;

	if (a->folder != folder || !folder) {
		rc = added_flush(s, a, e);
		a->folder = folder;
		a->account = store_folder_account(s, folder);
	}
	return rc == ERR_OK && !a->account
		? error_set(e, ERR_LOCAL, "a message of an unknown folder") : rc;
}

#define JOINED_ANOTHER \
	" ON CONFLICT (thread, folder) DO UPDATE SET newest = max(newest, excluded.newest)," \
	" n_msgs = n_msgs + 1, n_unread = n_unread + excluded.n_unread"

static enum err
insert_msg(struct store *s, const struct msg *m, thread_id thread, uint64_t mid,
	struct added *added, struct error *e)
{
	uint32_t is_unread = !(m->flags & MSG_SEEN);
	enum err rc = db_run(s, e,
		"INSERT INTO msg (id, folder, arrived, thread, flags, date, size, modseq,"
		" pos, mid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"iuiiuiiiii", m->id, msg_folder(m->id), m->arrived, (int64_t)thread,
		m->flags & ~(uint32_t)MSG_PENDING, m->date, (int64_t)m->size_bytes,
		(int64_t)m->modseq, (int64_t)m->pos_bytes, (int64_t)mid);

	if (rc == ERR_OK)
		rc = db_run(s, e, "INSERT INTO thread_head VALUES (?, ?, ?, 1, ?)"
			JOINED_ANOTHER, "iuiu", (int64_t)thread, msg_folder(m->id), m->arrived,
			is_unread);
	added->n_msgs++;
	added->n_unread += is_unread;
	return rc;
}

static enum err
update_msg(struct store *s, const struct msg *m, const struct row *old, thread_id thread,
	uint64_t mid, struct error *e)
{
	enum err rc = db_run(s, e,
		"UPDATE msg SET flags = ?, date = ?, size = ?, modseq = ?, pos = ?, mid = ?"
		" WHERE id = ?",
		"uiiiiii", m->flags & ~(uint32_t)MSG_PENDING, m->date, (int64_t)m->size_bytes,
		(int64_t)m->modseq, (int64_t)m->pos_bytes, (int64_t)mid, m->id);

	if (rc == ERR_OK && old->thread != thread)
		rc = db_run(s, e, "UPDATE msg SET thread = ? WHERE id = ?", "ii",
			(int64_t)thread, m->id);
	return rc;
}

/* With its strings never NULL, whoever filled it in, and its References bounded: *refs, when
 * they had to be cut, is the caller's. */
static struct msg
complete(const struct msg *m, char **refs)
{
	struct msg c = *m;
	const char **strings[] = { &c.from_name, &c.from_addr, &c.to, &c.cc, &c.subject,
		&c.message_id, &c.in_reply_to, &c.references, &c.list_id };

	for (size_t i = 0; i < LEN(strings); i++) {
		if (!*strings[i])
			*strings[i] = "";
	}
	*refs = references_bounded(c.references);
	if (*refs)
		c.references = *refs;
	return c;
}

static enum err
put(struct store *s, const struct msg *m, struct added *added, struct error *e)
{
	struct row old = find_row(s, m->id);
	bool is_new = !old.exists;
	thread_id thread;
	enum err rc;

	if (!msg_uid(m->id))
		return error_set(e, ERR_LOCAL, "a message without a UID");
	if (old.exists && old.arrived != m->arrived) {	/* it moves within all lists */
		if ((rc = db_run(s, e, "DELETE FROM msg WHERE id = ?", "i", m->id)) != ERR_OK)
			return rc;
		old.exists = false;
		old.thread = 0;
	}
	rc = thread_assign(s, added->account, m, old.exists ? old.thread : 0, &thread, e);
	if (rc != ERR_OK)
		return rc;
	uint64_t mid = *m->message_id
		? message_id_hash(added->account, m->message_id, strlen(m->message_id)) : 0;
	if (old.exists)
		old = find_row(s, m->id);	/* merging may have changed it */
	rc = old.exists ? update_msg(s, m, &old, thread, mid, e)
			: insert_msg(s, m, thread, mid, added, e);
	if (rc == ERR_OK && is_new)
		rc = people_count(s, m, e);
	return rc == ERR_OK ? put_head(s, m, e) : rc;
}

enum err
store_msgs_put(struct store *s, const struct msg *v, size_t n, struct error *e)
{
	struct added added = {0};
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		char *refs = NULL;
		struct msg c = complete(&v[i], &refs);
		rc = added_to(s, &added, msg_folder(c.id), e);
		if (rc == ERR_OK)
			rc = put(s, &c, &added, e);
		free(refs);
	}
	if (rc == ERR_OK)
		rc = added_flush(s, &added, e);
	if (rc == ERR_OK && !s->db->is_begun)
		rc = people_commit(s, e);
	return tx_close(s, rc, e);
}

enum err
store_msg_put(struct store *s, const struct msg *m, struct error *e)
{
	return store_msgs_put(s, m, 1, e);
}

enum err
store_msg_flags(struct store *s, msg_id id, uint32_t flags, uint64_t modseq, struct error *e)
{
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		return rc;
	flags &= MSG_SERVER_FLAGS;
	rc = db_run(s, e,
		"UPDATE msg SET flags = flags & ~?1 | ?2 WHERE id = ?3 AND flags & ?1 <> ?2",
		"uui", (uint32_t)MSG_SERVER_FLAGS, flags, id);
	if (rc == ERR_OK && modseq)
		rc = db_run(s, e, "UPDATE msg SET modseq = ? WHERE id = ?", "ii",
			(int64_t)modseq, id);
	return tx_close(s, rc, e);
}

enum err
store_msg_attach(struct store *s, msg_id id, bool has_attachment, struct error *e)
{
	uint32_t bit = has_attachment ? MSG_ATTACH : 0;
	enum err rc = tx_open(s, DB_INDEX, e);

	if (rc != ERR_OK)
		return rc;
	rc = db_run(s, e,
		"UPDATE msg SET flags = flags & ~?1 | ?2 WHERE id = ?3 AND flags & ?1 <> ?2",
		"uui", (uint32_t)MSG_ATTACH, bit, id);
	return tx_close(s, rc, e);
}

enum err
msg_remove_range(struct store *s, folder_id folder, uint32_t lo, uint32_t hi, struct error *e)
{
	static const char *const tables[] = {
		"DELETE FROM msg WHERE id BETWEEN ? AND ?",
		"DELETE FROM head WHERE id BETWEEN ? AND ?",
		"DELETE FROM part WHERE id BETWEEN ? AND ?",
	};
	enum err rc = ERR_OK;

	for (size_t i = 0; i < LEN(tables) && rc == ERR_OK; i++)
		rc = db_run(s, e, tables[i], "ii", msg_id_of(folder, lo),
			msg_id_of(folder, hi));
	return rc;
}

enum { SLICE_ROWS = 1000 };

/* How far up from lo a slice goes, so that no transaction is long. */
static uint32_t
slice_end(struct store *s, folder_id folder, uint32_t lo, uint32_t hi)
{
	int64_t end = db_int(s,
		"SELECT id FROM msg WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1 OFFSET ?",
		"iiu", msg_id_of(folder, lo), msg_id_of(folder, hi), (uint32_t)SLICE_ROWS);

	return end ? msg_uid(end) - 1 : hi;
}

enum err
store_msgs_gone(struct store *s, folder_id folder, const struct uidset *uids, struct error *e)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < uids->n && rc == ERR_OK; ) {
		if ((rc = tx_open(s, DB_INDEX, e)) != ERR_OK)
			return rc;
		size_t first = i;
		for (; i < uids->n && i < first + SLICE_ROWS && rc == ERR_OK; i++) {
			uint32_t lo = uids->ranges[i].lo, hi = uids->ranges[i].hi;
			uint32_t end = slice_end(s, folder, lo, hi);
			rc = msg_remove_range(s, folder, lo, end, e);
			while (rc == ERR_OK && end < hi) {
				lo = end + 1;
				if ((rc = tx_close(s, rc, e)) != ERR_OK ||
				    (rc = tx_open(s, DB_INDEX, e)) != ERR_OK)
					return rc;
				end = slice_end(s, folder, lo, hi);
				rc = msg_remove_range(s, folder, lo, end, e);
			}
		}
		rc = tx_close(s, rc, e);
		for (size_t k = first; k < i && rc == ERR_OK; k++)
			bodies_drop(s, folder, uids->ranges[k].lo, uids->ranges[k].hi);
	}
	return rc;
}

/* A copy that was inserted, in the counts. */
static enum err
count_copy(struct store *s, msg_id id, struct error *e)
{
	enum err rc = db_run(s, e,
		"INSERT INTO thread_head SELECT thread, folder, arrived, 1, (flags & 1) = 0 "
		"FROM msg WHERE id = ?" JOINED_ANOTHER, "i", id);

	if (rc == ERR_OK)
		rc = db_run(s, e,
			"UPDATE folder SET n_msgs = n_msgs + 1, n_unread = n_unread +"
			" (SELECT (flags & 1) = 0 FROM msg WHERE id = ?) WHERE id = ?", "iu",
			id, msg_folder(id));
	return rc;
}

enum err
msg_copy(struct store *s, msg_id from, msg_id to, struct error *e)
{
	enum err rc = db_run(s, e,
		"INSERT INTO msg SELECT ?1, ?2, arrived, thread, flags, date, size, 0, 0, mid"
		" FROM msg WHERE id = ?3 AND NOT EXISTS (SELECT 1 FROM msg WHERE id = ?1)",
		"iui", to, msg_folder(to), from);

	if (rc == ERR_OK && sqlite3_changes(s->db->h) > 0)
		rc = count_copy(s, to, e);
	if (rc == ERR_OK)
		rc = db_run(s, e,
			"INSERT OR IGNORE INTO head SELECT ?1, from_name, from_addr, to_list,"
			" cc_list, subject, message_id, in_reply_to, refs, list_id FROM head"
			" WHERE id = ?2",
			"ii", to, from);
	if (rc == ERR_OK)
		rc = db_run(s, e,
			"INSERT OR IGNORE INTO part SELECT ?1, tree FROM part WHERE id = ?2",
			"ii", to, from);
	return rc;
}

void
msg_read(sqlite3_stmt *st, struct arena *a, struct msg *out)
{
	int c = 0;

	*out = (struct msg){ .id = sqlite3_column_int64(st, c++) };
	out->arrived = sqlite3_column_int64(st, c++);
	out->date = sqlite3_column_int64(st, c++);
	out->size_bytes = (uint64_t)sqlite3_column_int64(st, c++);
	out->modseq = (uint64_t)sqlite3_column_int64(st, c++);
	out->flags = (uint32_t)sqlite3_column_int64(st, c++);
	out->thread = (thread_id)sqlite3_column_int64(st, c++);
	out->pos_bytes = (uint64_t)sqlite3_column_int64(st, c++);
	const char **strings[] = { &out->from_name, &out->from_addr, &out->to, &out->cc,
		&out->subject, &out->message_id, &out->in_reply_to, &out->references,
		&out->list_id };
	for (size_t i = 0; i < LEN(strings); i++)
		*strings[i] = db_text(st, c++, a);
	if (sqlite3_column_type(st, c) != SQLITE_NULL) {
		uint32_t set = (uint32_t)sqlite3_column_int64(st, c + 1);
		uint32_t clear = (uint32_t)sqlite3_column_int64(st, c + 2);
		out->flags = ((out->flags | set) & ~clear) | MSG_PENDING;
	}
}

bool
store_msg(const struct store *s, msg_id id, struct arena *a, struct msg *out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT " MSG_COLUMNS "FROM msg m LEFT JOIN overlay o ON o.msg = m.id"
		" CROSS JOIN head h ON h.id = m.id WHERE m.id = ? AND coalesce(o.hidden, 0) ="
		" 0",
		"i", id);

	if (!db_row(s, st))
		return false;
	msg_read(st, a, out);
	db_done(st);
	return true;
}

static enum err
add_uids(const struct store *s, sqlite3_stmt *st, struct uidset *out, struct error *e)
{
	s->db->failed = s->db->is_begun ? s->db->failed : 0;
	while (db_row(s, st))
		uidset_add(out, msg_uid(sqlite3_column_int64(st, 0)));
	return s->db->failed ? db_fail(s, e) : ERR_OK;
}

enum err
store_uids(const struct store *s, folder_id folder, struct uidset *out, struct error *e)
{
	return add_uids(s,
		db_query(s, "SELECT id FROM msg WHERE id BETWEEN ? AND ? ORDER BY id", "ii",
		msg_id_of(folder, 0), msg_id_of(folder, UINT32_MAX)), out, e);
}

enum err
store_uids_to(const struct store *s, folder_id folder, uint32_t hi, uint32_t n,
	struct uidset *out, struct error *e)
{
	return add_uids(s,
		db_query(s,
		"SELECT id FROM (SELECT id FROM msg WHERE id BETWEEN ? AND ? ORDER BY id DESC "
		"LIMIT ?) ORDER BY id", "iiu", msg_id_of(folder, 0), msg_id_of(folder, hi), n),
		out, e);
}

size_t
store_uid_flags(const struct store *s, folder_id folder, uint32_t from, size_t max,
	struct uid_flags *out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT id, flags FROM msg WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?",
		"iii", msg_id_of(folder, from), msg_id_of(folder, UINT32_MAX), (int64_t)max);
	size_t n = 0;

	while (n < max && db_row(s, st)) {
		out[n].uid = msg_uid(sqlite3_column_int64(st, 0));
		out[n++].flags = (uint32_t)sqlite3_column_int64(st, 1) & MSG_SERVER_FLAGS;
	}
	db_done(st);
	return n;
}

/* By way of the thread, which its hash leads to; the hash is compared before the wide row is
 * read. */
msg_id
store_find(const struct store *s, folder_id folder, const char *message_id)
{
	account_id account = store_folder_account(s, folder);
	int64_t hash = (int64_t)message_id_hash(account, message_id, strlen(message_id));

	return *message_id ? db_int(s,
		       "SELECT m.id FROM mid d CROSS JOIN msg m ON m.thread = d.thread"
		       " AND m.folder = ?2 AND m.mid = ?1 CROSS JOIN head h ON h.id = m.id "
		       "AND h.message_id = ?3"
		       " WHERE d.hash = ?1 ORDER BY m.id DESC LIMIT 1",
		       "ius", hash, folder, message_id)
			   : 0;
}

bool
store_has_copy(const struct store *s, const folder_id *folders, size_t n, const struct msg *m)
{
	account_id account = store_folder_account(s, msg_folder(m->id));
	const char *id = m->message_id;
	bool has = false;

	if (!*id)
		return false;
	sqlite3_stmt *st = db_query(s,
		"SELECT m.folder FROM msg m CROSS JOIN head h ON h.id = m.id AND h.message_id"
		" = ?3 LEFT JOIN overlay o ON o.msg = m.id WHERE m.thread = ?2 AND m.mid = ?1"
		" AND coalesce(o.hidden, 0) = 0", "iis",
		(int64_t)message_id_hash(account, id, strlen(id)), (int64_t)m->thread, id);
	while (!has && db_row(s, st)) {
		folder_id folder = (folder_id)sqlite3_column_int64(st, 0);
		for (size_t i = 0; i < n; i++)
			has |= folders[i] == folder;
	}
	db_done(st);
	return has;
}
