/* thread_pages.c - conversations by the page, by their newest message as shown.
 *
 * The index keeps one head a thread and folder (trigger-made), in order of the newest; what
 * pending intents change of it is in shown.c. A thread whose newest message is hidden is shown
 * lower than the index has it: from the top down it is met before its place, and put there;
 * elsewhere those are merged in. */
#include <stdlib.h>
#include <string.h>

#include "store_db.h"

struct query {
	const struct store *s;
	const folder_id *folders;
	size_t n_folders;
	struct page_key from;
	bool newer, is_from_top;
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

/* Of a thread in several folders: the shown head of the folder with its newest message stands
 * for all. One question a thread, however many folders are asked about. */
static bool
stands_for_all(const struct query *q, folder_id folder, struct thread_head *h)
{
	sqlite3_stmt *st = db_query(q->s,
		"SELECT folder, newest, n_msgs, n_unread FROM thread_head WHERE thread = ?",
		"i", (int64_t)h->id);
	bool stands = true;

	while (stands && db_row(q->s, st)) {
		folder_id other = (folder_id)sqlite3_column_int64(st, 0);
		struct thread_head there = { .id = h->id,
			.newest = sqlite3_column_int64(st, 1),
			.n_msgs = (uint32_t)sqlite3_column_int64(st, 2),
			.n_unread = (uint32_t)sqlite3_column_int64(st, 3) };
		if (other == folder || !is_asked_about(q, other) ||
		    !shown_head(q->s, other, &there))
			continue;
		h->n_msgs += there.n_msgs;
		h->n_unread += there.n_unread;
		stands = there.newest < h->newest ||
			(there.newest == h->newest && other > folder);
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

/* What the index has elsewhere than it is shown. */
static void
add_moved(const struct query *q, size_t max, struct thread_head *out, size_t *n)
{
	const struct moved_head *v;
	size_t n_moved = shown_moved(q->s, &v);

	for (size_t i = 0; i < n_moved; i++) {
		struct thread_head h = v[i].head;
		int c = compare(h.newest, h.id, q->from.arrived, (thread_id)q->from.id);
		if ((q->newer ? c > 0 : c < 0) && is_asked_about(q, v[i].folder) &&
		    stands_for_all(q, v[i].folder, &h))
			add_head(out, n, max, &h, q->newer);
	}
}

static void
add_folder(const struct query *q, folder_id folder, size_t max, struct thread_head *out,
	size_t *n)
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
		int64_t newest = h.newest;
		int c = *n == max ? compare(newest, h.id, out[max - 1].newest,
			out[max - 1].id) : 0;
		if (*n == max && (q->newer ? c >= 0 : c <= 0))
			break;		/* its place is too far, and so is all that follows */
		if (shown_head(q->s, folder, &h) && (h.newest == newest || q->is_from_top) &&
		    stands_for_all(q, folder, &h))
			add_head(out, n, max, &h, q->newer);
	}
	db_done(st);
}

size_t
store_threads(const struct store *s, const folder_id *folders, size_t n_folders,
	struct page_key from, bool newer, size_t max, struct thread_head *out)
{
	struct query q = { s, folders, n_folders, from, newer,
		!newer && from.arrived == page_top.arrived && from.id == page_top.id };
	struct thread_head *page = xcalloc(max + 1, sizeof *page);
	size_t n = 0;

	snapshot_open(s);
	shown_threads(s);
	if (max > 0 && !q.is_from_top)
		add_moved(&q, max, page, &n);
	for (size_t f = 0; max > 0 && f < n_folders; f++)
		add_folder(&q, folders[f], max, page, &n);
	snapshot_close(s);
	for (size_t i = 0; i < n; i++)
		out[i] = page[newer ? n - 1 - i : i];
	free(page);
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
