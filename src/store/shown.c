/* shown.c - by how much pending intents change the counts of folders and threads, added up
 * once a state of the files.
 *
 * A decision about a whole folder leaves a row in the overlay for each of its messages, and
 * the list, its title and the folders beside it ask again whenever some are carried out: each
 * would look at all that is left. */
#include <stdlib.h>

#include "now.h"
#include "store_db.h"

/* With so many rows it takes a tenth of the time at most, for who may lag. */
enum { LAG_ROWS = 5000, LAG = 10 };

struct folder_delta {
	folder_id folder;
	uint32_t n_hidden;
	int32_t unread;
};

/* A state of both files, as this handle sees them. */
struct state {
	int64_t data, index;		/* what others committed */
	int own;			/* what this handle changed */
};

struct shown {
	struct state folders_at, threads_at;
	bool has_folders, has_threads, has_moved;
	bool may_lag, is_behind;	/* is_behind: older sums were taken last */
	uint64_t n_rows;		/* that were added up for folders */
	int64_t next_us;		/* not again before, where they may lag */
	struct folder_delta *folders;
	size_t n_folders, cap_folders;
	struct thread_delta *threads;	/* sorted by thread, then folder */
	size_t n_threads, cap_threads;
	struct moved_head *moved;
	size_t n_moved, cap_moved;
};

static struct shown *
shown_of(const struct store *s)
{
	if (!s->db->shown)
		s->db->shown = xcalloc(1, sizeof *s->db->shown);
	return s->db->shown;
}

void
shown_free(struct shown *x)
{
	if (!x)
		return;
	free(x->folders);
	free(x->threads);
	free(x->moved);
	free(x);
}

static struct state
state_of(const struct store *s)
{
	return (struct state){ db_int(s, "PRAGMA main.data_version", ""),
		db_int(s, "PRAGMA ix.data_version", ""), sqlite3_total_changes(s->db->h) };
}

static bool
is_state(const struct state *a, const struct state *b)
{
	return a->data == b->data && a->index == b->index && a->own == b->own;
}

/* A transaction of ours may still be taken back, without a trace. */
static bool
may_keep(const struct store *s)
{
	return !s->db->is_begun && s->db->writing == DB_NONE;
}

/* ---- folders ---- */

#define UNREAD_DELTA \
	"(NOT o.hidden AND (((m.flags | o.set_bits) & ~o.clear_bits) & 1) = 0)" \
	" - ((m.flags & 1) = 0)"

static struct folder_delta
add_up_folder(const struct store *s, folder_id folder, uint64_t *n_rows)
{
	struct folder_delta d = { .folder = folder };
	sqlite3_stmt *st = db_query(s, "SELECT coalesce(sum(o.hidden), 0),"
		" coalesce(sum(" UNREAD_DELTA "), 0), count(*)"
		" FROM overlay o CROSS JOIN msg m ON m.id = o.msg WHERE o.msg BETWEEN ? AND ?",
		"ii", msg_id_of(folder, 0), msg_id_of(folder, UINT32_MAX));

	if (db_row(s, st)) {
		d.n_hidden = (uint32_t)sqlite3_column_int64(st, 0);
		d.unread = sqlite3_column_int(st, 1);
		*n_rows += (uint64_t)sqlite3_column_int64(st, 2);
		db_done(st);
	}
	return d;
}

static void
add_up_folders(const struct store *s, struct shown *x)
{
	int64_t start = now_us();
	msg_id id = 0;

	x->n_folders = 0;
	x->n_rows = 0;
	while ((id = db_int(s, "SELECT msg FROM overlay WHERE msg > ? ORDER BY msg LIMIT 1",
		"i", id)) != 0) {
		x->folders = array_grow(x->folders, x->n_folders, &x->cap_folders,
			sizeof *x->folders);
		x->folders[x->n_folders++] = add_up_folder(s, msg_folder(id), &x->n_rows);
		id = msg_id_of(msg_folder(id), UINT32_MAX);
	}
	int64_t end = now_us();
	x->next_us = end + LAG * (end - start);
	x->is_behind = false;
}

static void
renew_folders(const struct store *s, struct shown *x)
{
	struct state now = state_of(s);

	if (x->has_folders && is_state(&now, &x->folders_at))
		return;
	if (x->may_lag && x->has_folders && x->n_rows >= LAG_ROWS && now_us() < x->next_us) {
		x->is_behind = true;
		return;
	}
	add_up_folders(s, x);
	x->folders_at = now;
	x->has_folders = may_keep(s);
}

void
store_counts_may_lag(const struct store *s)
{
	shown_of(s)->may_lag = true;
}

int
store_counts_due_ms(const struct store *s)
{
	const struct shown *x = s->db->shown;

	if (!x || !x->is_behind)
		return -1;
	int64_t left = x->next_us - now_us();
	return left > 0 ? (int)(left / 1000) + 1 : 0;
}

bool
store_counts_are_due(const struct store *s)
{
	bool are = store_counts_due_ms(s) == 0;

	if (are)
		s->db->shown->is_behind = false;
	return are;
}

static int
by_folder(const void *a, const void *b)
{
	folder_id x = ((const struct folder_delta *)a)->folder;
	folder_id y = ((const struct folder_delta *)b)->folder;

	return (x > y) - (x < y);
}

void
shown_counts(const struct store *s, struct folder *v, size_t n)
{
	struct shown *x = shown_of(s);

	renew_folders(s, x);
	for (size_t i = 0; i < n && x->n_folders > 0; i++) {
		struct folder_delta key = { .folder = v[i].id }, *d = bsearch(&key,
			x->folders, x->n_folders, sizeof key, by_folder);
		if (!d)
			continue;
		/* they may be of a later state than the counts */
		int64_t unread = (int64_t)v[i].n_unread + d->unread;
		v[i].n_unread = unread > 0 ? (uint32_t)unread : 0;
		v[i].n_msgs -= d->n_hidden < v[i].n_msgs ? d->n_hidden : v[i].n_msgs;
	}
}

/* ---- threads ---- */

static int
by_thread(const void *a, const void *b)
{
	const struct thread_delta *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return (x->folder > y->folder) - (x->folder < y->folder);
}

/* First a row each message, then those of a thread and folder are summed up. */
static void
add_up_threads(const struct store *s, struct shown *x)
{
	sqlite3_stmt *st = db_query(s, "SELECT m.thread, o.msg, o.hidden, " UNREAD_DELTA
		" FROM overlay o CROSS JOIN msg m ON m.id = o.msg", "");
	size_t n = 0;

	x->n_threads = 0;
	while (db_row(s, st)) {
		x->threads = array_grow(x->threads, x->n_threads, &x->cap_threads,
			sizeof *x->threads);
		x->threads[x->n_threads++] = (struct thread_delta){
			.thread = (thread_id)sqlite3_column_int64(st, 0),
			.folder = msg_folder(sqlite3_column_int64(st, 1)),
			.n_hidden = sqlite3_column_int(st, 2) != 0,
			.unread = sqlite3_column_int(st, 3),
		};
	}
	if (x->n_threads)
		qsort(x->threads, x->n_threads, sizeof *x->threads, by_thread);
	for (size_t i = 0; i < x->n_threads; i++) {
		if (n > 0 && by_thread(&x->threads[n - 1], &x->threads[i]) == 0) {
			x->threads[n - 1].n_hidden += x->threads[i].n_hidden;
			x->threads[n - 1].unread += x->threads[i].unread;
		} else {
			x->threads[n++] = x->threads[i];
		}
	}
	x->n_threads = n;
}

void
shown_threads(const struct store *s)
{
	struct shown *x = shown_of(s);
	struct state now = state_of(s);

	if (x->has_threads && is_state(&now, &x->threads_at))
		return;
	add_up_threads(s, x);
	x->threads_at = now;
	x->has_threads = may_keep(s);
	x->has_moved = false;
}

static const struct thread_delta *
find(const struct shown *x, thread_id thread, folder_id folder)
{
	struct thread_delta key = { .thread = thread, .folder = folder };

	return x->n_threads ? bsearch(&key, x->threads, x->n_threads, sizeof key, by_thread)
		: NULL;
}

static int64_t
newest_shown(const struct store *s, thread_id thread, folder_id folder)
{
	return db_int(s, "SELECT m.arrived FROM msg m LEFT JOIN overlay o ON o.msg = m.id"
		" WHERE m.thread = ? AND m.folder = ? AND coalesce(o.hidden, 0) = 0"
		" ORDER BY m.arrived DESC LIMIT 1", "iu", (int64_t)thread, folder);
}

bool
shown_head(const struct store *s, folder_id folder, struct thread_head *h)
{
	const struct thread_delta *d = find(s->db->shown, h->id, folder);

	if (!d)
		return true;
	if (d->n_hidden >= h->n_msgs)
		return false;
	h->n_msgs -= d->n_hidden;
	h->n_unread += (uint32_t)d->unread;
	if (d->n_hidden > 0)
		h->newest = newest_shown(s, h->id, folder);
	return true;
}

static void
find_moved(const struct store *s, struct shown *x)
{
	x->n_moved = 0;
	for (size_t i = 0; i < x->n_threads; i++) {
		const struct thread_delta *d = &x->threads[i];
		if (d->n_hidden == 0)
			continue;
		sqlite3_stmt *st = db_query(s, "SELECT newest, n_msgs, n_unread FROM"
			" thread_head WHERE thread = ? AND folder = ?", "iu",
			(int64_t)d->thread, d->folder);
		if (!db_row(s, st))
			continue;
		int64_t newest = sqlite3_column_int64(st, 0);
		struct thread_head h = { .id = d->thread, .newest = newest,
			.n_msgs = (uint32_t)sqlite3_column_int64(st, 1),
			.n_unread = (uint32_t)sqlite3_column_int64(st, 2) };
		db_done(st);
		if (!shown_head(s, d->folder, &h) || h.newest == newest)
			continue;
		x->moved = array_grow(x->moved, x->n_moved, &x->cap_moved, sizeof *x->moved);
		x->moved[x->n_moved++] = (struct moved_head){ h, d->folder };
	}
}

size_t
shown_moved(const struct store *s, const struct moved_head **out)
{
	struct shown *x = s->db->shown;

	if (!x->has_moved)
		find_moved(s, x);
	x->has_moved = true;
	*out = x->moved;
	return x->n_moved;
}
