/* thread_pages.c - conversations by the page, by their newest message as shown.
 *
 * The index keeps one head a thread and folder (trigger-made), in order of the newest. Threads
 * that pending intents concern are few: their heads are worked out from their messages and
 * merged in; all others come straight from the index. */
#include <stdlib.h>
#include <string.h>

#include "store_db.h"

struct heads {
	struct thread_head *v;
	size_t n, cap;
};

struct query {
	const struct store *s;
	const folder_id *folders;
	size_t n_folders;
	struct page_key from;
	bool newer;
};

static bool
is_asked_about(const struct query *q, folder_id folder)
{
	for (size_t f = 0; f < q->n_folders; f++)
		if (q->folders[f] == folder)
			return true;
	return false;
}

/* Those of the folders asked about in which the thread has messages, hidden ones too; owned.
 * Of fifty folders that is seldom more than two. */
static folder_id *
folders_of(const struct query *q, thread_id id, size_t *n)
{
	folder_id *v = NULL;
	size_t cap = 0;

	*n = 0;
	sqlite3_stmt *st = db_query(q->s, "SELECT folder FROM thread_head WHERE thread = ?",
		"i", (int64_t)id);
	while (db_row(q->s, st)) {
		folder_id folder = (folder_id)sqlite3_column_int64(st, 0);
		if (!is_asked_about(q, folder))
			continue;
		v = array_grow(v, *n, &cap, sizeof *v);
		v[(*n)++] = folder;
	}
	return v;
}

static int
compare(int64_t newest_a, thread_id a, int64_t newest_b, thread_id b)
{
	if (newest_a != newest_b)
		return newest_a < newest_b ? -1 : 1;
	return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
}

/* As shown, in one folder; from the messages themselves. */
static void
add_shown(const struct store *s, folder_id folder, struct thread_head *h)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT t.n_msgs, t.n_unread FROM thread_head t WHERE t.thread = ? AND"
		" t.folder = ?",
		"iu", (int64_t)h->id, folder);
	if (db_row(s, st)) {
		h->n_msgs += (uint32_t)sqlite3_column_int64(st, 0);
		h->n_unread += (uint32_t)sqlite3_column_int64(st, 1);
		db_done(st);
	}
	st = db_query(s,
		"SELECT m.arrived FROM msg m LEFT JOIN overlay o ON o.msg = m.id WHERE"
		" m.thread = ? AND m.folder = ? AND coalesce(o.hidden, 0) = 0 ORDER BY"
		" m.arrived DESC LIMIT 1",
		"iu", (int64_t)h->id, folder);
	if (db_row(s, st)) {
		int64_t newest = sqlite3_column_int64(st, 0);
		h->newest = newest > h->newest ? newest : h->newest;
		db_done(st);
	}
}

static int
by_id(const void *a, const void *b)
{
	int64_t x = (int64_t)((const struct thread_head *)a)->id;
	int64_t y = (int64_t)((const struct thread_head *)b)->id;

	return (x > y) - (x < y);
}

static struct thread_head *
find_head(const struct heads *h, thread_id id)
{
	struct thread_head key = { .id = id };

	return h->n ? bsearch(&key, h->v, h->n, sizeof *h->v, by_id) : NULL;
}

/* How the overlay changes the counts: (thread, hidden, unread delta) of each message
 * concerned. First the deltas are collected, a thread several times, then they are summed up.
 */
static void
collect_deltas(const struct query *q, struct heads *out)
{
	for (size_t f = 0; f < q->n_folders; f++) {
		sqlite3_stmt *st = db_query(q->s,
			"SELECT m.thread, sum(o.hidden), sum((NOT o.hidden AND (((m.flags |"
			" o.set_bits) & ~o.clear_bits) & 1) = 0) - ((m.flags & 1) = 0)) FROM"
			" overlay o CROSS JOIN msg m ON m.id = o.msg WHERE o.msg BETWEEN ?"
			" AND ? GROUP BY m.thread",
			"ii", msg_id_of(q->folders[f], 0),
			msg_id_of(q->folders[f], UINT32_MAX));
		while (db_row(q->s, st)) {
			out->v = array_grow(out->v, out->n, &out->cap, sizeof *out->v);
			out->v[out->n++] = (struct thread_head){
				.id = (thread_id)sqlite3_column_int64(st, 0),
				.newest = INT64_MIN,
				.n_msgs = -(uint32_t)sqlite3_column_int64(st,
					1), /* wraps; the sum is right */
				.n_unread = (uint32_t)sqlite3_column_int64(st, 2),
			};
		}
	}
}

static int
by_newest(const void *a, const void *b)
{
	const struct thread_head *x = a, *y = b;

	return compare(x->newest, x->id, y->newest, y->id);
}

static void
concerned_heads(const struct query *q, struct heads *out)
{
	size_t n = 0;

	collect_deltas(q, out);
	if (out->n)
		qsort(out->v, out->n, sizeof *out->v, by_id);
	for (size_t i = 0; i < out->n; i++) {
		if (n > 0 && out->v[n - 1].id == out->v[i].id) {
			out->v[n - 1].n_msgs += out->v[i].n_msgs;
			out->v[n - 1].n_unread += out->v[i].n_unread;
		} else {
			out->v[n++] = out->v[i];
		}
	}
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		size_t n_in;
		folder_id *in = folders_of(q, out->v[i].id, &n_in);
		for (size_t f = 0; f < n_in; f++)
			add_shown(q->s, in[f], &out->v[i]);
		free(in);
	}
}

/* Of a thread in several folders: the head of the folder with its newest message stands for
 * all. One question a thread, however many folders are asked about. */
static bool
stands_for_all(const struct query *q, folder_id folder, struct thread_head *h)
{
	sqlite3_stmt *st = db_query(q->s,
		"SELECT folder, newest, n_msgs, n_unread FROM thread_head WHERE thread = ?",
		"i", (int64_t)h->id);
	bool stands = true;

	while (stands && db_row(q->s, st)) {
		folder_id other = (folder_id)sqlite3_column_int64(st, 0);
		int64_t newest = sqlite3_column_int64(st, 1);
		if (other == folder || !is_asked_about(q, other))
			continue;
		h->n_msgs += (uint32_t)sqlite3_column_int64(st, 2);
		h->n_unread += (uint32_t)sqlite3_column_int64(st, 3);
		stands = newest < h->newest || (newest == h->newest && other > folder);
	}
	db_done(st);
	return stands;
}

/* Nearest to where the page starts first; false when it is full and h farther than all. */
static bool
add_head(struct thread_head *out, size_t *n, size_t max, const struct thread_head *h,
	bool newer)
{
	size_t at = *n;

	for (; at > 0; at--) {
		int c = compare(h->newest, h->id, out[at - 1].newest, out[at - 1].id);
		if (newer ? c >= 0 : c <= 0)
			break;
	}
	if (at >= max)
		return false;
	size_t move = (*n < max ? *n : max - 1) - at;
	memmove(&out[at + 1], &out[at], move * sizeof *out);
	out[at] = *h;
	if (*n < max)
		++*n;
	return true;
}

static void
add_folder(const struct query *q, folder_id folder, const struct heads *concerned, size_t max,
	struct thread_head *out, size_t *n)
{
	const char *older_sql =
		"SELECT thread, newest, n_msgs, n_unread FROM thread_head WHERE folder = ?"
		" AND (newest, thread) < (?, ?) ORDER BY newest DESC, thread DESC";
	const char *newer_sql =
		"SELECT thread, newest, n_msgs, n_unread FROM thread_head WHERE folder = ?"
		" AND (newest, thread) > (?, ?) ORDER BY newest, thread";
	sqlite3_stmt *st = db_query(q->s, q->newer ? newer_sql : older_sql, "uii", folder,
		q->from.arrived, q->from.id);

	while (db_row(q->s, st)) {
		struct thread_head h = {
			.id = (thread_id)sqlite3_column_int64(st, 0),
			.newest = sqlite3_column_int64(st, 1),
			.n_msgs = (uint32_t)sqlite3_column_int64(st, 2),
			.n_unread = (uint32_t)sqlite3_column_int64(st, 3),
		};
		struct thread_head key = h;
		if (find_head(concerned, h.id) || !stands_for_all(q, folder, &h)) {
			/* elsewhere; but when even its place is too far, so is all that
			 * follows */
			if (*n == max && (q->newer ? by_newest(&key, &out[max - 1]) >= 0
			    : by_newest(&key, &out[max - 1]) <= 0))
				break;
			continue;
		}
		if (!add_head(out, n, max, &h, q->newer))
			break;
	}
	db_done(st);
}

size_t
store_threads(const struct store *s, const folder_id *folders, size_t n_folders,
	struct page_key from, bool newer, size_t max, struct thread_head *out)
{
	struct query q = { s, folders, n_folders, from, newer };
	struct heads concerned = {0};
	struct thread_head *page = xcalloc(max + 1, sizeof *page);
	size_t n = 0;

	snapshot_open(s);
	concerned_heads(&q, &concerned);
	for (size_t i = 0; max > 0 && i < concerned.n; i++) {
		struct thread_head *h = &concerned.v[i];
		int c = compare(h->newest, h->id, from.arrived, (thread_id)from.id);
		if (h->n_msgs > 0 && (newer ? c > 0 : c < 0))
			add_head(page, &n, max, h, newer);
	}
	for (size_t f = 0; max > 0 && f < n_folders; f++)
		add_folder(&q, folders[f], &concerned, max, page, &n);
	snapshot_close(s);
	for (size_t i = 0; i < n; i++)
		out[i] = page[newer ? n - 1 - i : i];
	free(page);
	free(concerned.v);
	return n;
}

size_t
store_thread(const struct store *s, const folder_id *folders, size_t n_folders, thread_id id,
	size_t max, struct arena *a, struct msg **out)
{
	struct query q = { .s = s, .folders = folders, .n_folders = n_folders };
	struct thread_head *keys = xcalloc(max + 1, sizeof *keys);	/* id: the message */
	size_t n = 0, n_out = 0, n_in;

	snapshot_open(s);
	folder_id *in = folders_of(&q, id, &n_in);
	for (size_t f = 0; max > 0 && f < n_in; f++) {
		sqlite3_stmt *st = db_query(s,
			"SELECT m.arrived, m.id FROM msg m LEFT JOIN overlay o ON o.msg ="
			" m.id WHERE m.thread = ? AND m.folder = ? AND coalesce(o.hidden, 0)"
			" = 0 ORDER BY m.arrived DESC, m.id DESC",
			"iu", (int64_t)id, in[f]);
		while (db_row(s, st)) {
			struct thread_head k = { .newest = sqlite3_column_int64(st, 0),
				.id = (thread_id)sqlite3_column_int64(st, 1) };
			if (!add_head(keys, &n, max, &k, false))
				break;
		}
		db_done(st);
	}
	*out = arena_alloc(a, (n + 1) * sizeof **out);
	for (size_t i = n; i > 0; i--)
		n_out += store_msg(s, (msg_id)keys[i - 1].id, a, &(*out)[n_out]);
	snapshot_close(s);
	free(in);
	free(keys);
	return n_out;
}
