/* batch.c - what to do next: the oldest pending intent, and behind it all that go in the same
 * command.
 *
 * A later one joins across others as long as none of those concerns the same messages; an
 * operation on folders is never crossed. What was running comes back as the batch it ran in.
 */
#include <stdlib.h>
#include <string.h>

#include "store_db.h"

enum { MAX_UIDS = 1000, MAX_LOOKAHEAD = 4000, MAX_CROSSED_MSGS = 20000 };

/* Messages of what is crossed: open addressing, 0 is a free place. */
struct id_set {
	msg_id *slots;
	size_t n, n_slots;
};

static size_t
slot_of(const struct id_set *set, msg_id id)
{
	size_t i = (size_t)(((uint64_t)id * 0x9e3779b97f4a7c15u) >> 20) & (set->n_slots - 1);

	while (set->slots[i] && set->slots[i] != id)
		i = (i + 1) & (set->n_slots - 1);
	return i;
}

static bool
set_has(const struct id_set *set, msg_id id)
{
	return set->n_slots && set->slots[slot_of(set, id)] == id;
}

static void
set_add(struct id_set *set, msg_id id)
{
	if (id == 0 || set_has(set, id))
		return;
	if (set->n * 2 >= set->n_slots) {
		struct id_set old = *set;
		set->n_slots = old.n_slots ? old.n_slots * 2 : 256;
		set->slots = xcalloc(set->n_slots, sizeof *set->slots);
		for (size_t i = 0; i < old.n_slots; i++) {
			if (old.slots[i])
				set->slots[slot_of(set, old.slots[i])] = old.slots[i];
		}
		free(old.slots);
	}
	set->slots[slot_of(set, id)] = id;
	set->n++;
}

static bool
is_same_command(const struct intent *a, const struct intent *b)
{
	return a->kind == b->kind && a->kind <= INTENT_EXPUNGE &&
		a->set == b->set && a->clear == b->clear && str_eq(a->dest, b->dest) &&
		!a->carried == !b->carried && !a->inverse_of == !b->inverse_of;
}

#define MSGS_OF "SELECT msg, now FROM intent_msg WHERE intent = ?"

/* A message that is crossed, elsewhere, or nobody knows where, keeps the intent from joining.
 */
static bool
may_join(const struct store *s, const struct id_set *crossed, folder_id folder, intent_id id)
{
	sqlite3_stmt *st = db_query(s, MSGS_OF, "i", id);
	bool ok = true;

	while (ok && db_row(s, st)) {
		msg_id now = sqlite3_column_int64(st, 1);
		ok = now && msg_folder(now) == folder && !set_has(crossed, now) &&
			!set_has(crossed, sqlite3_column_int64(st, 0));
	}
	db_done(st);
	return ok;
}

static void
cross(const struct store *s, struct id_set *crossed, intent_id id)
{
	sqlite3_stmt *st = db_query(s, MSGS_OF, "i", id);

	while (db_row(s, st)) {
		set_add(crossed, sqlite3_column_int64(st, 0));
		set_add(crossed, sqlite3_column_int64(st, 1));
	}
}

static void
take(struct intent_batch *b, size_t *cap, intent_id id)
{
	b->ids = array_grow(b->ids, b->n_ids, cap, sizeof *b->ids);
	b->ids[b->n_ids++] = id;
}

static void
take_pending(const struct store *s, struct intent_batch *b, size_t *cap)
{
	struct id_set crossed = {0};
	struct arena scratch = {0};
	size_t n_uids = b->first.n_msgs;
	sqlite3_stmt *st = db_query(s,
		"SELECT " INTENT_COLUMNS
		"FROM intent WHERE account = ? AND state = 0 AND state <= 1 "
		"AND to_account = 0 AND id > ? ORDER BY id LIMIT ?",
		"uiu", b->first.account, b->first.id, (uint32_t)MAX_LOOKAHEAD);

	while (n_uids < MAX_UIDS && crossed.n < MAX_CROSSED_MSGS && db_row(s, st)) {
		struct intent next;
		arena_clear(&scratch);
		intent_read(st, &scratch, &next);
		if (next.kind > INTENT_EXPUNGE)
			break;
		if (is_same_command(&b->first, &next) && n_uids + next.n_msgs <= MAX_UIDS
		    && may_join(s, &crossed, b->first.folder, next.id)) {
			take(b, cap, next.id);
			n_uids += next.n_msgs;
		} else {
			cross(s, &crossed, next.id);
		}
	}
	db_done(st);
	arena_clear(&scratch);
	free(crossed.slots);
}

static void
take_running(const struct store *s, struct intent_batch *b, size_t *cap)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT id FROM intent WHERE account = ?1 AND state = 1 AND state <= 1 AND id"
		" > ?2 AND batch = (SELECT batch FROM intent WHERE id = ?2) ORDER BY id",
		"ui", b->first.account, b->first.id);

	while (db_row(s, st))
		take(b, cap, sqlite3_column_int64(st, 0));
}

static int
by_uid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorted, because adding to a set is cheap in order. What moved elsewhere meanwhile is left
 * out. */
static void
collect_uids(const struct store *s, struct intent_batch *b)
{
	uint32_t *uids = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < b->n_ids; i++) {
		sqlite3_stmt *st = db_query(s, MSGS_OF, "i", b->ids[i]);
		while (db_row(s, st)) {
			msg_id now = sqlite3_column_int64(st, 1);
			if (!now || msg_folder(now) != b->first.folder)
				continue;
			uids = array_grow(uids, n, &cap, sizeof *uids);
			uids[n++] = msg_uid(now);
		}
	}
	if (n)
		qsort(uids, n, sizeof *uids, by_uid);
	for (size_t i = 0; i < n; i++)
		uidset_add(&b->uids, uids[i]);
	free(uids);
}

/* Messages may have moved since the intent was recorded (a move before it was undone): then it
 * is carried out where they are by now, but for a move to where they are. */
static folder_id
folder_by_now(const struct store *s, const struct intent *in)
{
	folder_id there = 0;
	sqlite3_stmt *st = db_query(s,
		"SELECT now >> 32 FROM intent_msg WHERE intent = ?1 AND now <> 0 ORDER BY now"
		" >> 32 <> ?2 LIMIT 1",
		"iu", in->id, in->folder);

	if (db_row(s, st)) {
		there = (folder_id)sqlite3_column_int64(st, 0);
		db_done(st);
	}
	bool is_there_already =
		in->kind == INTENT_MOVE && there == folder_current(s, in->account, in->dest);
	return there && !is_there_already ? there : in->folder;
}

static bool
find_first(const struct store *s, account_id account, uint32_t state, struct arena *a,
	struct intent *out)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT " INTENT_COLUMNS
		"FROM intent INDEXED BY intent_open WHERE account = ? AND state = ? "
		"AND state <= 1 AND to_account = 0 ORDER BY id LIMIT 1", "uu", account, state);

	if (!db_row(s, st))
		return false;
	intent_read(st, a, out);
	db_done(st);
	return true;
}

bool
store_intent_next(const struct store *s, account_id account, struct arena *a,
	struct intent_batch *out)
{
	size_t cap = 0;

	*out = (struct intent_batch){0};
	snapshot_open(s);
	out->was_running = find_first(s, account, INTENT_RUNNING, a, &out->first);
	bool found =
		out->was_running || find_first(s, account, INTENT_PENDING, a, &out->first);
	if (found) {
		if (out->first.kind <= INTENT_EXPUNGE)
			out->first.folder = folder_by_now(s, &out->first);
		take(out, &cap, out->first.id);
		if (out->was_running)
			take_running(s, out, &cap);
		else if (out->first.kind <= INTENT_EXPUNGE)
			take_pending(s, out, &cap);
		collect_uids(s, out);
	}
	snapshot_close(s);
	return found;
}

void
intent_batch_clear(struct intent_batch *b)
{
	free(b->ids);
	uidset_clear(&b->uids);
	*b = (struct intent_batch){0};
}
