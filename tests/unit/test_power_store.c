/* The power goes, the disk fills up, or fsync fails, at every point of saving a
 * draft and of sending a mail.
 *
 * A draft is the old or the new one, whole. A mail that was taken is there, whole, and once
 * its end has gone to the server it is never again one that waits to be sent. */
#include "drafts.h"
#include "power.h"
#include "remove_tree.h"
#include "store_outbox.h"

enum { POWER_ADDED = POWER_FIRST_OWN, POWER_DOT };

struct world {
	char dir[64];
	char *data, *cache;
	struct note old, new;
	draft_id id;
};

static const char mail[] = "Subject: x\r\n\r\nwhat was written\r\n";

static void
set_up(struct power *p)
{
	struct world *w = xcalloc(1, sizeof *w);
	struct store *s;

	snprintf(w->dir, sizeof w->dir, "%s/dunlin-power-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	w->data = path_join(w->dir, "data");
	w->cache = path_join(w->dir, "cache");
	note_set(&w->old.subject, "the old one");
	str_puts(&w->old.text, "a few words\n");
	note_set(&w->new.subject, "the new one");
	for (int i = 0; i < 200; i++)
		str_printf(&w->new.text, "many words, line %d\n", i);
	p->world = w;
	p->root = w->dir;
	assert_int_equal(ERR_OK, store_open(&s, w->data, w->cache, STORE_WRITE, NULL));
	assert_int_equal(1, store_account(s, "work"));
	store_close(s);
}

static void
tear_down(struct power *p)
{
	struct world *w = p->world;

	remove_tree(w->dir);
	note_clear(&w->old);
	note_clear(&w->new);
	free(w->data);
	free(w->cache);
	free(w);
}

/* ---- drafts ---- */

static bool
is_same(const struct note *a, const struct note *b)
{
	return str_eq(note_get(a->subject), note_get(b->subject)) &&
		a->text.len == b->text.len && memcmp(str_get(&a->text), str_get(&b->text),
		a->text.len) == 0;
}

/* The first ever: its directory is made, too. */
static enum err
act_begin(struct power *p)
{
	struct world *w = p->world;
	struct draft_lock lock;
	enum err rc = draft_new(w->data, &w->id, &lock, &p->e);

	if (rc == ERR_OK)
		rc = draft_save(w->data, w->id, &w->new, &p->e);
	draft_release(&lock);
	return rc;
}

static void
look_begun(struct power *p)
{
	struct world *w = p->world;
	struct draft_info *v;
	size_t n = draft_list(w->data, &v);

	assert_true(n > 0 || !power_has_mark(p, POWER_ACKED));
	for (size_t i = 0; i < n; i++) {
		struct note note = {0};
		assert_int_equal(ERR_OK, draft_load(w->data, v[i].id, &note, &p->e));
		assert_true(is_same(&note, &w->new));
		note_clear(&note);
	}
	draft_list_free(v, n);
}

static void
set_up_draft(struct power *p)
{
	struct draft_lock lock;

	set_up(p);
	struct world *w = p->world;
	assert_int_equal(ERR_OK, draft_new(w->data, &w->id, &lock, NULL));
	assert_int_equal(ERR_OK, draft_save(w->data, w->id, &w->old, NULL));
	draft_release(&lock);
}

static enum err
act_save(struct power *p)
{
	struct world *w = p->world;

	return draft_save(w->data, w->id, &w->new, &p->e);
}

static void
look_saved(struct power *p)
{
	struct world *w = p->world;
	struct note note = {0};

	if (draft_load(w->data, w->id, &note, &p->e) != ERR_OK)
		fail_msg("%s", p->e.text);
	if (!is_same(&note, &w->new) && (power_has_mark(p, POWER_ACKED) ||
	    !is_same(&note, &w->old)))
		fail_msg("the draft is '%s', %zu bytes", note_get(note.subject),
		note.text.len);
	note_clear(&note);
}

/* ---- the outbox ---- */

/* Nobody is told that it failed, and finds it sent all the same. */
static enum err
add(struct power *p, struct store *s, outbox_id *id)
{
	struct outbox_rcpt rcpt = { "bob@example.net", RCPT_WAITING, "" };
	struct outbox_mail m = { .account = 1, .sender = "ada@example.org",
		.message_id = "a@b", .subject = "x", .to = "Bob", .rcpts = &rcpt,
		.n_rcpts = 1 };
	struct outbox_mail *v;
	struct arena a = {0};
	size_t n = store_outbox(s, 1, 10, &a, &v);
	enum err rc = ERR_OK;

	if (n > 0) {
		*id = v[0].id;
	} else {
		rc = store_outbox_add(s, &m, mail, sizeof mail - 1, id, &p->e);
		if (rc == ERR_OK)
			disk_mark(POWER_ADDED);
		else
			assert_int_equal(0, store_outbox(s, 1, 10, &a, &v));
	}
	arena_clear(&a);
	return rc;
}

static enum err
send(struct power *p, struct store *s, outbox_id id)
{
	struct outbox_rcpt rcpt = { "bob@example.net", RCPT_SENT, "" };
	struct outbox_lock *lock;
	enum outbox_state state;
	size_t first = 0;
	int64_t due;
	uint32_t n_unsure;

	if (store_outbox_next(s, 1, 1, &lock, &due, &n_unsure) != id) {
		struct arena a = {0};
		struct outbox_mail m;
		assert_true(store_outbox_get(s, id, &a, &m));
		arena_clear(&a);
		return m.state == OUTBOX_QUEUED
			? error_set(&p->e, ERR_LOCAL, "the mail store gives it to nobody")
			: ERR_OK;
	}
	enum err rc = store_outbox_sending(s, id, &first, 1, &p->e);
	if (rc == ERR_OK) {
		disk_mark(POWER_DOT);
		rc = store_outbox_result(s, id, &rcpt, 1, 0, "", &state, &p->e);
	}
	store_outbox_unlock(lock);
	return rc;
}

static enum err
act_send(struct power *p)
{
	struct world *w = p->world;
	struct store *s;
	outbox_id id = 0;

	if (store_open(&s, w->data, w->cache, STORE_WRITE, &p->e) != ERR_OK)
		return p->e.code;
	enum err rc = add(p, s, &id);
	if (rc == ERR_OK)
		rc = send(p, s, id);
	store_close(s);
	return rc;
}

static void
look_sent(struct power *p)
{
	struct world *w = p->world;
	struct arena a = {0};
	struct outbox_mail *v;
	struct outbox_lock *lock = NULL;
	struct store *s;
	uint32_t n_unsure;
	int64_t due;
	size_t len = 0;

	if (store_open(&s, w->data, w->cache, STORE_WRITE, &p->e) != ERR_OK)
		fail_msg("%s", p->e.text);
	store_outbox_next(s, 1, 1, &lock, &due, &n_unsure);
	store_outbox_unlock(lock);
	size_t n = store_outbox(s, 1, 10, &a, &v);
	assert_true(n == 1 || (n == 0 && !power_has_mark(p, POWER_ADDED)));
	if (n > 0) {
		char *bytes = store_outbox_bytes(s, v[0].id, &len);
		assert_true(bytes && len == sizeof mail - 1 && memcmp(bytes, mail, len) == 0);
		free(bytes);
		assert_true(v[0].state != OUTBOX_QUEUED || !power_has_mark(p, POWER_DOT));
		if (v[0].state != OUTBOX_SENT && v[0].state != OUTBOX_UNSURE &&
		    power_has_mark(p, POWER_ACKED))
			fail_msg("sent, and in state %d", (int)v[0].state);
	}
	arena_clear(&a);
	store_close(s);
}

static const struct play beginning = { set_up, act_begin, NULL, look_begun, tear_down, 2 };
static const struct play saving = { set_up_draft, act_save, NULL, look_saved, tear_down, 1 };
static const struct play sending = { set_up, act_send, NULL, look_sent, tear_down, 7 };

POWER_TESTS(beginning, beginning)
POWER_TESTS(saving, saving)
POWER_TESTS(sending, sending)

TEST_MAIN(POWER_LIST(beginning), POWER_LIST(saving), POWER_LIST(sending))
