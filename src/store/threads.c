/* threads.c - which messages belong together.
 *
 * Every Message-ID seen or referred to in an account maps to a thread (table mid). A message
 * joins the thread of any id it names, in whatever order they arrive; when it names ids of
 * several threads, the smaller ones become part of the largest, so that n messages cost O(n
 * log n) however they come. A message counts with its own id, In-Reply-To, and the oldest and
 * newest 50 of its References: ten thousand of them cost no more than a hundred. */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "store_db.h"

enum { MAX_IDS = 2 * MAX_REFERENCES_END + 2 };

/* FNV-1a, and the finish of splitmix64, so that near ids lie far apart. */
uint64_t
message_id_hash(account_id account, const char *id, size_t n)
{
	uint64_t h = hash_bytes(HASH_START ^ account, id, n);

	h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
	return h ^ (h >> 31);
}

static size_t
count_words(const char *s)
{
	size_t n = 0;

	while (*(s += strspn(s, " "))) {
		n++;
		s += strcspn(s, " ");
	}
	return n;
}

static const char *
skip_words(const char *s, size_t n)
{
	while (n--) {
		s += strspn(s, " ");
		s += strcspn(s, " ");
	}
	return s + strspn(s, " ");
}

char *
references_bounded(const char *references)
{
	/* a word takes two bytes at least */
	if (strlen(references) < 4 * MAX_REFERENCES_END)
		return NULL;
	size_t n = count_words(references);
	if (n <= 2 * MAX_REFERENCES_END)
		return NULL;
	const char *middle = skip_words(references, MAX_REFERENCES_END);
	const char *end = skip_words(middle, n - 2 * MAX_REFERENCES_END);
	return xasprintf("%.*s%s", (int)(middle - references), references, end);
}

static size_t
collect_ids(account_id account, const struct msg *m, uint64_t *ids)
{
	size_t n = 0;

	if (*m->message_id)
		ids[n++] = message_id_hash(account, m->message_id, strlen(m->message_id));
	if (*m->in_reply_to)
		ids[n++] = message_id_hash(account, m->in_reply_to, strlen(m->in_reply_to));
	for (const char *p = m->references; *(p += strspn(p, " ")); ) {
		size_t len = strcspn(p, " ");
		ids[n++] = message_id_hash(account, p, len);
		p += len;
	}
	return n;
}

static int64_t
thread_size(struct store *s, thread_id t)
{
	return db_int(s, "SELECT total(n_msgs) FROM thread_head WHERE thread = ?", "i",
		(int64_t)t);
}

/* The ids first: when the last message leaves a thread, its ids are forgotten. */
static enum err
join(struct store *s, thread_id from, thread_id into, struct error *e)
{
	enum err rc = db_run(s, e, "UPDATE mid SET thread = ? WHERE thread = ?", "ii",
		(int64_t)into, (int64_t)from);

	if (rc == ERR_OK)
		rc = db_run(s, e, "UPDATE msg SET thread = ? WHERE thread = ?", "ii",
			(int64_t)into, (int64_t)from);
	return rc;
}

struct found {
	thread_id threads[MAX_IDS + 1];
	size_t n;
};

static void
add_found(struct found *f, thread_id t)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->threads[i] == t)
			return;
	}
	f->threads[f->n++] = t;
}

static enum err
merge_found(struct store *s, const struct found *f, thread_id *out, struct error *e)
{
	int64_t largest = -1;
	enum err rc = ERR_OK;

	*out = f->threads[0];
	for (size_t i = 0; f->n > 1 && i < f->n; i++) {
		int64_t size = thread_size(s, f->threads[i]);
		if (size > largest) {
			largest = size;
			*out = f->threads[i];
		}
	}
	for (size_t i = 0; i < f->n && rc == ERR_OK; i++) {
		if (f->threads[i] != *out)
			rc = join(s, f->threads[i], *out, e);
	}
	return rc;
}

/* Most messages come with an id that nobody named before, and name no other: one
 * statement tells and notes it. */
static bool
begin_thread(struct store *s, const struct msg *m, uint64_t id, enum err *rc, struct error *e)
{
	*rc = db_run(s, e, "INSERT INTO mid VALUES (?, ?) ON CONFLICT DO NOTHING", "ii",
		(int64_t)id, m->id);
	return *rc == ERR_OK && sqlite3_changes(s->db->h) > 0;
}

enum err
thread_assign(struct store *s, account_id account, const struct msg *m, thread_id had,
	thread_id *out, struct error *e)
{
	uint64_t ids[MAX_IDS];
	bool is_known[MAX_IDS];
	struct found found = { .n = 0 };
	size_t n = collect_ids(account, m, ids);
	enum err rc = ERR_OK;

	if (n == 1 && !had && begin_thread(s, m, ids[0], &rc, e)) {
		*out = (thread_id)m->id;
		return ERR_OK;
	}
	if (rc != ERR_OK)
		return rc;
	if (had)
		add_found(&found, had);
	for (size_t i = 0; i < n; i++) {
		sqlite3_stmt *st = db_query(s, "SELECT thread FROM mid WHERE hash = ?", "i",
			(int64_t)ids[i]);
		if ((is_known[i] = db_row(s, st))) {
			add_found(&found, (thread_id)sqlite3_column_int64(st, 0));
			db_done(st);
		}
	}
	if (found.n == 0)
		add_found(&found, (thread_id)m->id);
	if ((rc = merge_found(s, &found, out, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		if (!is_known[i])
			rc = db_run(s, e,
				"INSERT INTO mid VALUES (?, ?) ON CONFLICT DO NOTHING", "ii",
				(int64_t)ids[i], (int64_t)*out);
	}
	return rc;
}
