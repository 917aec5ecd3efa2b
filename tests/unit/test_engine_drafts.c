/* A draft in data/drafts has one copy in the account's Drafts folder, the newest, whatever is
 * cut; and what others do to it there is neither overwritten nor undone. */
#include "drafts.h"
#include "engine_fixture.h"
#include "mime.h"
#include "store_uploads.h"

static const char name[] = "0123456789abcdef0123456789abcdef";

struct desk {
	struct fixture fx;
	draft_id id;
	struct draft_lock lock;
	struct note note;
};

static void
begin(struct desk *d)
{
	struct error e;

	mime_init();
	*d = (struct desk){ .lock.fd = -1 };
	fixture_init(&d->fx);
	fake_folder_add(d->fx.server, "INBOX");
	fake_folder_add(d->fx.server, "Drafts");
	fixture_new_engine(&d->fx);
	assert_int_equal(ERR_OK, draft_new(d->fx.dirs.data, &d->id, &d->lock, &e));
	note_set(&d->note.from, "Ada <ada@example.org>");
	note_set(&d->note.name, name);
	note_set(&d->note.account, "work");
}

static void
end(struct desk *d)
{
	draft_release(&d->lock);
	note_clear(&d->note);
	fixture_clear(&d->fx);
}

static void
save(struct desk *d, const char *text, bool now)
{
	struct error e;

	str_cut(&d->note.text, 0);
	str_puts(&d->note.text, text);
	assert_int_equal(ERR_OK, draft_save(d->fx.dirs.data, d->id, &d->note, &e));
	engine_draft_saved(d->fx.engine, "work", now);
}

static void
sync_until_done(struct desk *d)
{
	while (sync_all(&d->fx) != ERR_OK)
		engine_reconnect(d->fx.engine, d->fx.account);
	/* and the removal of the copy before */
	assert_int_equal(ERR_OK, sync_all(&d->fx));
}

static enum draft_state
copy_of(struct desk *d, msg_id *msg)
{
	struct arena a = {0};
	struct draft_copy c = {0};

	*msg = store_draft(engine_store(d->fx.engine), name, d->fx.account, &a, &c)
		? c.msg : 0;
	enum draft_state state = c.state;
	arena_clear(&a);
	return state;
}

/* One message in Drafts, which is known as the copy of what was saved last. */
static void
assert_one_copy(struct desk *d, const char *what)
{
	struct fake_folder *f = fake_folder(d->fx.server, "Drafts");
	struct arena a = {0};
	struct draft_copy c = {0};
	char *stamp = note_stamp(&d->note);

	if (f->n != 1 || f->v[0].flags != (MSG_DRAFT | MSG_SEEN))
		fail_msg("%s: %zu messages in Drafts", what, f->n);
	assert_true(store_draft(engine_store(d->fx.engine), name, d->fx.account, &a, &c));
	assert_int_equal(f->v[0].uid, msg_uid(c.msg));
	assert_string_equal(f->v[0].message_id, c.message_id);
	assert_string_equal(stamp, c.stamp);
	free(stamp);
	arena_clear(&a);
}

/* What was left by an earlier life goes up at once; what is being written, not
 * before a minute or a word. */
static void
test_not_at_every_save(void **state)
{
	struct desk d;
	struct event ev;

	(void)state;
	begin(&d);
	save(&d, "left behind\n", false);
	fixture_start(&d.fx);
	assert_int_equal(ERR_OK, sync_all(&d.fx));
	assert_int_equal(1, d.fx.server->n_appends);
	for (int i = 0; i < 5; i++) {
		save(&d, i % 2 ? "a\n" : "b\n", false);
		for (int64_t until = now_ms() + 100; now_ms() < until;)
			next_event(&d.fx, &ev, 10);
	}
	assert_int_equal(1, d.fx.server->n_appends);
	save(&d, "back from the editor\n", true);
	sync_until_done(&d);
	assert_int_equal(2, d.fx.server->n_appends);
	end(&d);
}

/* ---- faults ---- */

/* A successor is stored, with a fault at a call. True: the fault happened. */
static bool
store_successor(enum fake_fault fault, int at, unsigned lacks)
{
	struct desk d;
	char what[64];

	snprintf(what, sizeof what, "fault %d at call %d", fault, at);
	begin(&d);
	d.fx.server->caps &= ~lacks;
	save(&d, "first\n", false);
	fixture_start(&d.fx);
	sync_until_done(&d);
	assert_one_copy(&d, "first");
	fixture_stop(&d.fx);
	fixture_new_engine(&d.fx);
	save(&d, "second\n", true);
	d.fx.server->n_calls = 0;
	d.fx.server->fault = fault;
	d.fx.server->fault_at = at;
	fixture_start(&d.fx);
	if (fault == FAULT_STALL_BEFORE || fault == FAULT_STALL_AFTER)
		kill_at_fault(&d.fx);
	sync_until_done(&d);
	assert_one_copy(&d, what);
	bool has_faulted = d.fx.server->has_faulted;
	end(&d);
	return has_faulted;
}

/* All calls with DUNLIN_ALL_FAULTS; else every third. */
static void
interrupt(enum fake_fault fault, unsigned lacks)
{
	int step = getenv("DUNLIN_ALL_FAULTS") ? 1 : 3;

	for (int at = 1 + (int)fault % step; store_successor(fault, at, lacks); at += step)
		;
}

static void
test_one_copy_when_the_link_breaks(void **state)
{
	(void)state;
	interrupt(FAULT_BEFORE, 0);
	interrupt(FAULT_AFTER, CAP_UIDMAP);
}

static void
test_one_copy_when_the_process_dies(void **state)
{
	(void)state;
	interrupt(FAULT_STALL_BEFORE, CAP_UIDMAP);
	interrupt(FAULT_STALL_AFTER, 0);
}

/* ---- others ---- */

/* Gone from the server: nothing is stored, nothing here is removed,
 * until the person says so. */
static void
test_apart(void **state)
{
	struct fake_folder *f;
	struct desk d;
	msg_id msg;
	struct error e;

	(void)state;
	begin(&d);
	save(&d, "mine\n", false);
	fixture_start(&d.fx);
	sync_until_done(&d);
	f = fake_folder(d.fx.server, "Drafts");
	pthread_mutex_lock(&d.fx.server->lock);
	fake_remove(f, f->v[0].uid);
	fake_deliver(f, "theirs", MSG_DRAFT);
	pthread_mutex_unlock(&d.fx.server->lock);
	save(&d, "mine, changed\n", true);
	sync_until_done(&d);
	assert_int_equal(DRAFT_APART, copy_of(&d, &msg));
	assert_int_equal(0, msg);
	assert_int_equal(1, f->n);
	assert_string_equal("theirs", f->v[0].message_id);
	assert_non_null(strstr(d.fx.notice.text, "changed or removed elsewhere"));
	save(&d, "mine, changed again\n", true);
	sync_until_done(&d);
	assert_int_equal(1, d.fx.server->n_appends);
	assert_int_equal(ERR_OK, engine_draft_keep(d.fx.engine, name, &e));
	sync_until_done(&d);
	assert_int_equal(2, f->n);
	assert_int_equal(DRAFT_KEPT, copy_of(&d, &msg));
	end(&d);
}

/* The mailbox was rebuilt, with the message in it: that is the copy,
 * and nobody did anything. */
static void
test_rebuilt_mailbox(void **state)
{
	struct fake_folder *f;
	struct desk d;
	msg_id msg;

	(void)state;
	begin(&d);
	save(&d, "mine\n", false);
	fixture_start(&d.fx);
	sync_until_done(&d);
	f = fake_folder(d.fx.server, "Drafts");
	pthread_mutex_lock(&d.fx.server->lock);
	f->uidvalidity += 100;
	f->v[0].uid = 7;
	f->uidnext = 8;
	pthread_mutex_unlock(&d.fx.server->lock);
	sync_until_done(&d);
	save(&d, "mine, changed\n", true);
	sync_until_done(&d);
	assert_one_copy(&d, "rebuilt");
	assert_int_equal(DRAFT_KEPT, copy_of(&d, &msg));
	end(&d);
}

/* Thrown away while its upload waits or has begun: nothing is left there. */
static void
test_thrown_away_under_way(void **state)
{
	(void)state;
	for (int at = 1; at < 20; at++) {
		struct desk d;
		struct error e;
		begin(&d);
		save(&d, "mine\n", false);
		d.fx.server->fault = FAULT_AFTER;
		d.fx.server->fault_at = at;
		fixture_start(&d.fx);
		sync_all(&d.fx);		/* as far as it comes */
		assert_int_equal(ERR_OK, engine_draft_leave(d.fx.engine, name, "work", &e));
		assert_int_equal(ERR_OK, draft_remove(d.fx.dirs.data, d.id, &e));
		sync_until_done(&d);
		sync_until_done(&d);
		if (fake_folder(d.fx.server, "Drafts")->n > 0)
			fail_msg("thrown away at call %d, it is there", at);
		end(&d);
	}
}

/* Encrypted from now on, it is kept here only: its copy goes, whether the file says so before
 * the worker looks or after it. */
static void
test_kept_here_only(void **state)
{
	(void)state;
	for (int is_saved_first = 0; is_saved_first < 2; is_saved_first++) {
		struct desk d;
		struct error e;
		begin(&d);
		fixture_start(&d.fx);
		save(&d, "mine\n", true);
		sync_until_done(&d);
		assert_one_copy(&d, "stored");
		if (is_saved_first) {
			note_set(&d.note.account, NULL);
			save(&d, "mine\n", false);
		}
		assert_int_equal(ERR_OK, engine_draft_leave(d.fx.engine, name, "work", &e));
		sync_until_done(&d);
		if (!is_saved_first) {
			note_set(&d.note.account, NULL);
			save(&d, "mine\n", true);
		}
		sync_until_done(&d);
		assert_int_equal(0, fake_folder(d.fx.server, "Drafts")->n);
		end(&d);
	}
}

/* A message is the copy of one draft: opened again, it is the copy of what was
 * made of it last. One whose draft is still to come is not forgotten; nothing
 * of that touches the server. */
static void
test_one_draft_a_message(void **state)
{
	struct draft_copy c = { .name = "aaaaaaaaaaaaaaaa", .message_id = "", .stamp = "" };
	struct arena a = {0};
	struct desk d;
	struct error e;

	(void)state;
	begin(&d);
	fake_deliver(fake_folder(d.fx.server, "Drafts"), "theirs", MSG_DRAFT);
	fixture_start(&d.fx);
	sync_until_done(&d);
	c.account = d.fx.account;
	c.msg = msg_id_of(folder_named(&d.fx, "Drafts"), 1);
	c.stored = time(NULL);
	assert_int_equal(ERR_OK, engine_draft_link(d.fx.engine, &c, &e));
	c.name = "bbbbbbbbbbbbbbbb";
	assert_int_equal(ERR_OK, engine_draft_link(d.fx.engine, &c, &e));
	assert_false(store_draft(engine_store(d.fx.engine), "aaaaaaaaaaaaaaaa", 0, &a, &c));
	sync_until_done(&d);
	assert_true(store_draft(engine_store(d.fx.engine), "bbbbbbbbbbbbbbbb", 0, &a, &c));
	c.stored -= 3600;
	assert_int_equal(ERR_OK, engine_draft_link(d.fx.engine, &c, &e));
	sync_until_done(&d);
	assert_false(store_draft(engine_store(d.fx.engine), "bbbbbbbbbbbbbbbb", 0, &a, &c));
	assert_int_equal(1, fake_folder(d.fx.server, "Drafts")->n);
	arena_clear(&a);
	end(&d);
}

/* Drafts of nobody, of another account, and what is not a draft, stay where they are. */
static void
test_not_ours(void **state)
{
	struct desk d;

	(void)state;
	begin(&d);
	note_set(&d.note.account, "home");
	save(&d, "mine\n", true);
	fixture_start(&d.fx);
	sync_until_done(&d);
	note_set(&d.note.account, NULL);
	save(&d, "mine\n", true);
	sync_until_done(&d);
	assert_int_equal(0, d.fx.server->n_appends);
	end(&d);
}

TEST_MAIN(T(test_not_at_every_save), T(test_one_copy_when_the_link_breaks),
	T(test_one_copy_when_the_process_dies), T(test_apart), T(test_rebuilt_mailbox),
	T(test_thrown_away_under_way), T(test_kept_here_only), T(test_one_draft_a_message),
	T(test_not_ours))
