/* later.c - what one keypress decided about very many messages, some hundred at a time.
 *
 * An act on 100,000 messages is one decision and one undo, but writing a row for each takes
 * the better part of a second, and the keyboard would wait. So the decision is recorded at
 * once, in one commit, as its first thousand messages and a list of what is left; the list is
 * then worked off between keys, in the same group, whenever no worker is writing. It is in
 * dunlin.db, so a crash leaves nothing half done: the next start goes on. Undo of such a group
 * drops what was not begun, and leaves the rest of its own work to the same list. */
#include <stdlib.h>
#include <string.h>

#include "store_db.h"

/* up to MANY all at once; of more, so many */
enum { INTENT_MANY = 2000, INTENT_FIRST = 1000 };

static int
newest_first(const void *a, const void *b)
{
	msg_id x = *(const msg_id *)a, y = *(const msg_id *)b;

	return (x < y) - (x > y);
}

/* Mostly they come in order already, the oldest first. */
static msg_id *
sorted(const msg_id *msgs, size_t n)
{
	msg_id *v = xcalloc(n, sizeof *v);
	bool is_sorted = true;

	for (size_t i = 0; i < n; i++) {
		v[i] = msgs[n - 1 - i];
		is_sorted = is_sorted && (i == 0 || v[i] < v[i - 1]);
	}
	if (!is_sorted)
		qsort(v, n, sizeof *v, newest_first);
	return v;
}

static enum err
put_off(struct store *s, const struct intent *in, const msg_id *msgs, size_t n,
	struct error *e)
{
	struct uidset uids = {0};
	struct str text = {0};

	for (size_t i = 0; i < n; i++)
		uidset_add(&uids, msg_uid(msgs[i]));
	uidset_format(&text, &uids);
	enum err rc = db_run(s, e,
		"INSERT INTO later (what, intent, grp, account, "
		"kind, folder, source, dest, set_bits, clear_bits, created, label, uids) "
		"VALUES (0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "iuuussuuiss", in->group,
		in->account, (uint32_t)in->kind, in->folder, in->source, in->dest, in->set,
		in->clear, in->created, in->label, str_get(&text));
	str_clear(&text);
	uidset_clear(&uids);
	return rc;
}

enum err
later_record(struct store *s, struct intent *in, const msg_id *msgs, size_t n,
	intent_id *first, struct error *e)
{
	if (n <= INTENT_MANY)
		return intent_add_msgs(s, in, msgs, n, first, e);
	msg_id *v = sorted(msgs, n);
	enum err rc = intent_add_msgs(s, in, v, INTENT_FIRST, first, e);
	/* a group needs an intent to be known by */
	if (rc == ERR_OK && !*first) {
		rc = intent_insert(s, in, first, e);
		in->group = in->group ? in->group : *first;
	}
	for (size_t i = INTENT_FIRST; i < n && rc == ERR_OK; i += LATER_MSGS)
		rc = put_off(s, in, v + i, n - i < LATER_MSGS ? n - i : LATER_MSGS, e);
	free(v);
	return rc;
}

enum err
later_note(struct store *s, enum later what, const struct intent *in, int64_t group,
	struct error *e)
{
	return db_run(s, e,
		"INSERT INTO later (what, intent, grp, account, folder) "
		"VALUES (?, ?, ?, ?, ?)", "uiiuu", (uint32_t)what, in->id, group, in->account,
		in->folder);
}

enum err
later_drop(struct store *s, int64_t group, struct error *e)
{
	return db_run(s, e, "DELETE FROM later WHERE what = 0 AND grp = ?", "i", group);
}

/* ---- going on ---- */

struct entry {
	int64_t id, group;
	enum later what;
	intent_id intent;
	struct intent in;
	const char *uids;
};

static bool
first_entry(struct store *s, struct arena *a, struct entry *x)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT id, what, intent, grp, account, kind, folder, source, dest, set_bits, "
		"clear_bits, created, label, uids FROM later ORDER BY id LIMIT 1", "");

	if (!db_row(s, st))
		return false;
	*x = (struct entry){
		.id = sqlite3_column_int64(st, 0),
		.what = (enum later)sqlite3_column_int(st, 1),
		.intent = sqlite3_column_int64(st, 2),
		.group = sqlite3_column_int64(st, 3),
		.in = {
			.group = sqlite3_column_int64(st, 3),
			.account = (account_id)sqlite3_column_int64(st, 4),
			.kind = (enum intent_kind)sqlite3_column_int(st, 5),
			.folder = (folder_id)sqlite3_column_int64(st, 6),
			.source = db_text(st, 7, a),
			.dest = db_text(st, 8, a),
			.set = (uint32_t)sqlite3_column_int64(st, 9),
			.clear = (uint32_t)sqlite3_column_int64(st, 10),
			.created = sqlite3_column_int64(st, 11),
			.label = db_text(st, 12, a),
			.error = "",
		},
		.uids = db_text(st, 13, a),
	};
	db_done(st);
	return true;
}

static enum err
record_more(struct store *s, struct entry *x, struct error *e)
{
	struct uidset uids = {0};
	intent_id first = 0;
	size_t n = 0;

	uidset_parse(&uids, x->uids);
	msg_id *v = xcalloc((size_t)uidset_count(&uids), sizeof *v);
	for (uint32_t uid = 0; (uid = uidset_next(&uids, uid)) != 0;)
		v[n++] = msg_id_of(x->in.folder, uid);
	enum err rc = intent_add_msgs(s, &x->in, v, n, &first, e);
	free(v);
	uidset_clear(&uids);
	return rc;
}

static enum err
carry_on(struct store *s, struct entry *x, struct error *e)
{
	switch (x->what) {
	case LATER_RECORD:
		return record_more(s, x, e);
	case LATER_OVERLAY:
		return overlay_recompute_intent(s, x->intent, e);
	case LATER_INVERT:
		return undo_one(s, x->intent, x->group, e);
	}
	return ERR_OK;
}

enum err
store_later(struct store *s, bool *more, account_id *account, folder_id *folder,
	struct error *e)
{
	struct arena a = {0};
	struct entry x;

	*more = store_later_left(s, 0) > 0;
	*account = 0;
	*folder = 0;
	if (!*more)
		return ERR_OK;
	enum err rc = tx_try(s, DB_DATA, more, e);
	if (rc != ERR_OK || *more)
		return rc;			/* somebody else is writing: another time */
	if (first_entry(s, &a, &x)) {
		rc = carry_on(s, &x, e);
		if (rc == ERR_OK)
			rc = db_run(s, e, "DELETE FROM later WHERE id = ?", "i", x.id);
		*account = x.in.account;
		*folder = x.in.folder;
		*more = true;
	}
	rc = tx_close(s, rc, e);
	arena_clear(&a);
	return rc;
}

uint32_t
store_later_left(const struct store *s, account_id account)
{
	return (uint32_t)db_int(s, "SELECT count(*) FROM later WHERE ?1 = 0 OR account = ?1",
		"u", account);
}
