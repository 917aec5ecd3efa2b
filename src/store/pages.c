/* pages.c - lists by the page: keyset paging on (arrived, id), so that a page costs its length
 * wherever it is.
 *
 * Several folders are merged by key: of each no more is read than can still be among the best
 * `max`. Hidden messages are stepped over in the index alone, without touching their rows. */
#include <stdlib.h>
#include <string.h>

#include "store_db.h"

const struct page_key page_top = { INT64_MAX, INT64_MAX }, page_end = { INT64_MIN, INT64_MIN };

#define PAGE_FROM \
	"FROM msg m LEFT JOIN overlay o ON o.msg = m.id CROSS JOIN head h ON h.id = m.id" \
	" WHERE m.folder = ?1 AND coalesce(o.hidden, 0) = 0 AND "
#define KEYS_FROM \
	"SELECT m.arrived, m.id FROM msg m LEFT JOIN overlay o ON o.msg = m.id" \
	" WHERE m.folder = ?1 AND coalesce(o.hidden, 0) = 0 AND "

static size_t
page_of_one(const struct store *s, folder_id folder, struct page_key from, bool newer,
	size_t max, struct arena *a, struct msg *out)
{
	const char *older_sql = "SELECT " MSG_COLUMNS PAGE_FROM "(m.arrived, m.id) < (?2, ?3)"
		" ORDER BY m.arrived DESC, m.id DESC LIMIT ?4";
	const char *newer_sql = "SELECT " MSG_COLUMNS PAGE_FROM "(m.arrived, m.id) > (?2, ?3)"
		" ORDER BY m.arrived, m.id LIMIT ?4";
	sqlite3_stmt *st = db_query(s, newer ? newer_sql : older_sql, "uiii", folder,
		from.arrived, from.id, (int64_t)max);
	size_t n = 0;

	while (n < max && db_row(s, st))
		msg_read(st, a, &out[n++]);
	db_done(st);
	for (size_t i = 0; newer && i < n / 2; i++) {
		struct msg m = out[i];
		out[i] = out[n - 1 - i];
		out[n - 1 - i] = m;
	}
	return n;
}

static int
compare(struct page_key a, struct page_key b)
{
	if (a.arrived != b.arrived)
		return a.arrived < b.arrived ? -1 : 1;
	return (a.id > b.id) - (a.id < b.id);
}

/* Keys nearest to where the page starts first. Returns false when k is farther than all and
 * the page full. */
static bool
add_key(struct page_key *keys, size_t *n, size_t max, struct page_key k, bool newer)
{
	size_t at = *n;

	while (at > 0 && (newer ? compare(k, keys[at - 1]) < 0 : compare(k, keys[at - 1]) > 0))
		at--;
	if (at >= max)
		return false;
	size_t move = (*n < max ? *n : max - 1) - at;
	memmove(&keys[at + 1], &keys[at], move * sizeof *keys);
	keys[at] = k;
	if (*n < max)
		++*n;
	return true;
}

static size_t
page_of_many(const struct store *s, const folder_id *folders, size_t n_folders,
	struct page_key from, bool newer, size_t max, struct arena *a, struct msg *out)
{
	const char *older_sql =
		KEYS_FROM "(m.arrived, m.id) < (?2, ?3) ORDER BY m.arrived DESC, m.id DESC";
	const char *newer_sql =
		KEYS_FROM "(m.arrived, m.id) > (?2, ?3) ORDER BY m.arrived, m.id";
	struct page_key *keys = xcalloc(max + 1, sizeof *keys);
	size_t n = 0, n_out = 0;

	snapshot_open(s);
	for (size_t f = 0; f < n_folders; f++) {
		sqlite3_stmt *st = db_query(s, newer ? newer_sql : older_sql, "uii",
			folders[f], from.arrived, from.id);
		while (db_row(s, st)) {
			struct page_key k = { sqlite3_column_int64(st, 0),
				sqlite3_column_int64(st, 1) };
			if (!add_key(keys, &n, max, k, newer))
				break;
		}
		db_done(st);
	}
	for (size_t i = 0; i < n; i++)
		n_out += store_msg(s, keys[newer ? n - 1 - i : i].id, a, &out[n_out]);
	snapshot_close(s);
	free(keys);
	return n_out;
}

size_t
store_page(const struct store *s, const folder_id *folders, size_t n_folders,
	struct page_key from, bool newer, size_t max, struct arena *a, struct msg *out)
{
	if (n_folders == 0 || max == 0)
		return 0;
	return n_folders == 1 ? page_of_one(s, folders[0], from, newer, max, a, out)
		: page_of_many(s, folders, n_folders, from, newer, max, a, out);
}
