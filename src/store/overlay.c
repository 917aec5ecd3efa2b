/* overlay.c - what pending and running intents make of a message, one small row each.
 *
 * The row is what all of them say, in their order; it is added to when one is recorded, worked
 * out anew when one ends, and gone with the last. A move hides; the way back of a move (its
 * undo) does not: until the server has done it the message stays in sight where it is. */
#include "store_db.h"

struct effect {
	uint32_t set, clear;
	bool hidden;
};

static void
apply(struct effect *f, enum intent_kind kind, uint32_t set, uint32_t clear, bool is_inverse)
{
	if (kind == INTENT_FLAGS) {
		f->set = (f->set | set) & ~clear;
		f->clear = (f->clear | clear) & ~set;
	} else if (kind == INTENT_MOVE) {
		f->hidden = !is_inverse;
	} else if (kind == INTENT_EXPUNGE) {
		f->hidden = true;
	}
}

static enum err
put(struct store *s, msg_id id, const struct effect *f, struct error *e)
{
	return db_run(s, e, "INSERT OR REPLACE INTO overlay VALUES (?, ?, ?, ?)", "iuuu", id,
		f->set, f->clear, (uint32_t)f->hidden);
}

enum err
overlay_add(struct store *s, msg_id id, const struct intent *in, struct error *e)
{
	struct effect f = {0};
	sqlite3_stmt *st = db_query(s,
		"SELECT set_bits, clear_bits, hidden FROM overlay WHERE msg = ?", "i", id);

	if (db_row(s, st)) {
		f.set = (uint32_t)sqlite3_column_int64(st, 0);
		f.clear = (uint32_t)sqlite3_column_int64(st, 1);
		f.hidden = sqlite3_column_int(st, 2) != 0;
		db_done(st);
	}
	apply(&f, in->kind, in->set, in->clear, in->inverse_of != 0);
	return put(s, id, &f, e);
}

enum err
overlay_recompute(struct store *s, msg_id id, struct error *e)
{
	struct effect f = {0};
	bool is_concerned = false;
	sqlite3_stmt *st = db_query(s, "SELECT i.kind, i.set_bits, i.clear_bits, i.inverse_of"
		" FROM intent_msg x CROSS JOIN intent i ON i.id = x.intent"
		" WHERE x.now = ? AND i.state <= 1 ORDER BY x.intent", "i", id);

	if (id == 0)
		return ERR_OK;
	while (db_row(s, st)) {
		is_concerned = true;
		apply(&f, (enum intent_kind)sqlite3_column_int(st, 0),
			(uint32_t)sqlite3_column_int64(st, 1),
			(uint32_t)sqlite3_column_int64(st, 2),
			sqlite3_column_int64(st, 3) != 0);
	}
	return is_concerned ? put(s, id, &f, e)
		: db_run(s, e, "DELETE FROM overlay WHERE msg = ?", "i", id);
}

enum err
overlay_recompute_intent(struct store *s, intent_id id, struct error *e)
{
	sqlite3_stmt *st = db_query(s, "SELECT now FROM intent_msg WHERE intent = ?", "i", id);
	enum err rc = ERR_OK;

	while (rc == ERR_OK && db_row(s, st))
		rc = overlay_recompute(s, sqlite3_column_int64(st, 0), e);
	db_done(st);
	return rc;
}
