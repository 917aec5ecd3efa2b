/* Copies and moves that are cut off while the server goes on with them, and commands about
 * many messages of which the server refuses some. */
#include "engine_fixture.h"

/* An account with `n` messages in its inbox and a Trash, in step. */
static void
begin(struct fixture *fx, int n)
{
	fixture_init(fx);
	fake_folder_add(fx->server, "INBOX");
	fake_folder_add(fx->server, "Trash");
	fake_deliver_many(fake_folder(fx->server, "INBOX"), "m", n);
	fixture_start(fx);
	assert_int_equal(ERR_OK, sync_all(fx));
	fx->n_notices = 0;
}

/* Nothing waits, here or on the server. */
static void
settle(struct fixture *fx)
{
	assert_int_equal(ERR_OK, sync_all(fx));
	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until; poll(NULL, 0, 5)) {
		lock(fx);
		bool is_late = fx->server->late.at_ms != 0;
		if (is_late)
			fake_catch_up(fx->server);
		unlock(fx);
		if (!is_late)
			break;
	}
	assert_int_equal(ERR_OK, sync_all(fx));
}

static size_t
count_in(struct fixture *fx, const char *folder, const char *message_id)
{
	struct fake_folder *f = fake_folder(fx->server, folder);
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += strcmp(f->v[i].message_id, message_id) == 0;
	return n;
}

/* ---- the server goes on ---- */

struct late_case {
	enum act_kind kind;
	unsigned without;		/* caps */
	int late_ms, settle_ms;
	size_t n_there;			/* of each of two messages, in the end */
	bool is_told;
};

static void
run_late(const struct late_case *c)
{
	struct fixture fx;

	begin(&fx, 5);
	lock(&fx);
	fx.server->caps &= ~c->without;
	fx.server->late_ms = c->late_ms;
	fx.engine->workers[0]->settle_ms = c->settle_ms;
	unlock(&fx);
	assert_int_equal(ERR_OK, act_on(&fx, c->kind, 0, 0, "Trash", "INBOX", 2, 3));
	settle(&fx);
	lock(&fx);
	bool keeps = c->kind == ACT_COPY;
	if (count_in(&fx, "Trash", "m2") != c->n_there ||
	    count_in(&fx, "Trash", "m3") != c->n_there)
		fail_msg("%s, late by %d ms: there %zu times, not %zu",
		keeps ? "copy" : "move", c->late_ms,
			count_in(&fx, "Trash", "m2"), c->n_there);
	assert_int_equal(keeps ? 5 : 3, fake_folder(fx.server, "INBOX")->n);
	if ((fx.n_notices > 0) != c->is_told)
		fail_msg("%u notices: %s", fx.n_notices, fx.notice.text);
	assert_in_step(&fx, "late");
	unlock(&fx);
	fixture_clear(&fx);
}

/* The link breaks while the server copies or moves; it comes to an end
 * soon, and nothing is doubled. */
static void
test_server_that_goes_on_doubles_nothing(void **state)
{
	static const struct late_case cases[] = {
		{ ACT_COPY, 0, 150, 1000, 1, false },
		{ ACT_MOVE, 0, 150, 1000, 1, false },
		{ ACT_COPY, CAP_UIDMAP, 150, 1000, 1, false },
		{ ACT_MOVE, CAP_UIDMAP | CAP_DELTA, 150, 1000, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		run_late(&cases[i]);
}

/* What was never begun is done, and not for ever waited for. */
static void
test_what_was_lost_is_done_again(void **state)
{
	static const struct late_case never = { ACT_COPY, 0, 1000 * 1000, 60, 1, false };
	struct fixture fx;

	(void)state;
	begin(&fx, 5);
	lock(&fx);
	fx.server->late_ms = never.late_ms;
	fx.engine->workers[0]->settle_ms = never.settle_ms;
	unlock(&fx);
	assert_int_equal(ERR_OK, act_on(&fx, ACT_MOVE, 0, 0, "Trash", "INBOX", 2, 3));
	assert_int_equal(ERR_OK, sync_all(&fx));
	lock(&fx);
	assert_int_equal(2, fake_folder(fx.server, "Trash")->n);
	assert_int_equal(3, fake_folder(fx.server, "INBOX")->n);
	unlock(&fx);
	fixture_clear(&fx);
}

/* The server does the first command just when the second comes: of the two we remove our
 * second. A server that does not tell which that is leaves both, and the person is told. */
static void
overtaken(unsigned without, size_t n_there, bool is_told)
{
	struct fixture fx;

	begin(&fx, 5);
	lock(&fx);
	fx.server->caps &= ~without;
	fx.server->late_ms = 1000 * 1000;
	fx.server->late_until_edit = true;
	unlock(&fx);
	assert_int_equal(ERR_OK, act_on(&fx, ACT_COPY, 0, 0, "Trash", "INBOX", 2, 3));
	assert_int_equal(ERR_OK, sync_all(&fx));
	lock(&fx);
	assert_int_equal(n_there, count_in(&fx, "Trash", "m2"));
	assert_int_equal(n_there, count_in(&fx, "Trash", "m3"));
	if ((fx.n_notices > 0) != is_told)
		fail_msg("%u notices: %s", fx.n_notices, fx.notice.text);
	if (is_told)
		assert_non_null(strstr(fx.notice.text, "2 messages may be twice in 'Trash'"));
	assert_in_step(&fx, "overtaken");
	unlock(&fx);
	fixture_clear(&fx);
}

static void
test_own_double_is_removed(void **state)
{
	(void)state;
	overtaken(0, 1, false);
}

static void
test_unsure_double_is_told(void **state)
{
	(void)state;
	overtaken(CAP_UIDMAP, 2, true);
	overtaken(CAP_DELETE, 2, true);
}

/* ---- some are refused ---- */

static void
refuse(struct fixture *fx, enum act_kind kind, int n, int at_once, const char *which,
	size_t n_refused)
{
	lock(fx);
	fx->server->refuses = which;
	fx->server->n_edits = 0;
	unlock(fx);
	for (int uid = 1; uid <= n; uid += at_once)
		assert_int_equal(ERR_OK, act_on(fx, kind, kind == ACT_FLAGS ? MSG_FLAGGED : 0,
			0, "Trash", "INBOX", (uint32_t)uid,
			(uint32_t)(uid + at_once <= n ? uid + at_once - 1 : n)));
	assert_int_equal(ERR_OK, sync_all(fx));
	lock(fx);
	size_t n_left = 0;
	for (size_t i = 0; i < fake_folder(fx->server, "INBOX")->n; i++)
		n_left += kind != ACT_FLAGS ||
			!(fake_folder(fx->server, "INBOX")->v[i].flags & MSG_FLAGGED);
	assert_int_equal(kind == ACT_COPY ? n : (int)n_refused, n_left);
	if (kind == ACT_MOVE || kind == ACT_COPY)
		assert_int_equal(n - (int)n_refused, fake_folder(fx->server, "Trash")->n);
	assert_in_step(fx, "refused");
	unlock(fx);
	assert_non_null(strstr(fx->notice.text, "] not"));
}

/* Only what the server refuses is refused; the rest of the command is done. */
static void
test_one_refused_does_not_refuse_the_rest(void **state)
{
	static const enum act_kind kinds[] = { ACT_FLAGS, ACT_MOVE, ACT_COPY, ACT_EXPUNGE };

	(void)state;
	for (size_t i = 0; i < LEN(kinds); i++) {
		struct fixture fx;
		begin(&fx, 9);
		refuse(&fx, kinds[i], 9, 50, "m4", 1);
		assert_true(is_visible(&fx, "INBOX", 4));
		assert_int_equal(1, fx.n_notices);
		fixture_clear(&fx);
	}
}

/* Some scattered and a block of a hundred among many, however they
 * are joined: the others pass. */
static void
test_many_refused_among_many(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx, 299);
	refuse(&fx, ACT_MOVE, 299, 50, "m2", 111);	/* m2, m20-29, m200-299 */
	assert_true(is_visible(&fx, "INBOX", 250));
	fixture_clear(&fx);
}

/* Where nothing passes, and the server says that it is the mailbox, that is
 * found out with few commands. */
static void
test_all_refused_costs_little(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx, 300);
	fx.server->refusal_code = "[NOPERM] ";
	refuse(&fx, ACT_MOVE, 300, 300, "m", 300);
	assert_in_range(fx.server->n_edits, 1, 25);
	assert_true(is_visible(&fx, "INBOX", 1));
	fixture_clear(&fx);
}

/* Two of 300 pass, and they do: halving goes on in slices, other jobs come
 * between, and one sum is told. */
static void
test_few_of_many_pass(void **state)
{
	static const enum act_kind kinds[] = { ACT_FLAGS, ACT_MOVE, ACT_COPY };
	struct job job = { .kind = JOB_FOLDERS };

	(void)state;
	for (size_t i = 0; i < LEN(kinds); i++) {
		struct fixture fx;
		begin(&fx, 300);
		lock(&fx);
		snprintf(fake_folder(fx.server, "INBOX")->v[76].message_id, 64, "x77");
		snprintf(fake_folder(fx.server, "INBOX")->v[201].message_id, 64, "x202");
		unlock(&fx);
		job.account = fx.account;
		refuse(&fx, kinds[i], 300, 300, "m", 298);
		assert_int_equal(1, fx.n_notices);
		assert_non_null(strstr(fx.notice.text, "refuses 298 of 300: [LIMIT]"));
		assert_in_range(fx.server->n_edits, 300, 1000);
		assert_int_equal(0, store_intents_pending(engine_store(fx.engine),
			fx.account));
		wait_for(&fx, EV_DONE, engine_submit(fx.engine, &job));
		fixture_clear(&fx);
	}
}

/* Undo of what went through brings back those two, and nothing else. */
static void
test_undo_of_what_few_passed(void **state)
{
	struct fixture fx;
	char label[160];
	struct error e;

	(void)state;
	begin(&fx, 200);
	lock(&fx);
	snprintf(fake_folder(fx.server, "INBOX")->v[76].message_id, 64, "x77");
	unlock(&fx);
	refuse(&fx, ACT_MOVE, 200, 200, "m", 199);
	lock(&fx);
	fx.server->refuses = NULL;
	unlock(&fx);
	assert_int_equal(ERR_OK, engine_undo(fx.engine, label, sizeof label, &e));
	assert_int_equal(ERR_OK, sync_all(&fx));
	lock(&fx);
	assert_int_equal(200, fake_folder(fx.server, "INBOX")->n);
	assert_int_equal(0, fake_folder(fx.server, "Trash")->n);
	unlock(&fx);
	fixture_clear(&fx);
}

/* Undo of an act of which some was refused brings back what was done, once. */
static void
test_undo_of_what_was_half_refused(void **state)
{
	struct fixture fx;
	char label[160];
	struct error e;

	(void)state;
	begin(&fx, 9);
	refuse(&fx, ACT_MOVE, 9, 50, "m4", 1);
	assert_int_equal(ERR_OK, engine_undo(fx.engine, label, sizeof label, &e));
	assert_int_equal(ERR_OK, sync_all(&fx));
	lock(&fx);
	assert_int_equal(9, fake_folder(fx.server, "INBOX")->n);
	assert_int_equal(0, fake_folder(fx.server, "Trash")->n);
	unlock(&fx);
	assert_int_equal(ERR_UNSUPPORTED, engine_undo(fx.engine, label, sizeof label, &e));
	fixture_clear(&fx);
}

/* ---- undo of what cannot be found ---- */

/* Neither COPYUID nor a Message-ID tells where a message went: undo says so, the message stays
 * where it is, and the next undo is about what was done before. */
static void
test_undo_of_what_cannot_be_found(void **state)
{
	struct fixture fx;
	char label[160];
	struct error e;

	(void)state;
	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fake_folder_add(fx.server, "Trash");
	fake_deliver(fake_folder(fx.server, "INBOX"), "", 0);
	fake_deliver(fake_folder(fx.server, "INBOX"), "m2", 0);
	fx.server->caps &= ~(unsigned)CAP_UIDMAP;
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_FLAGS, MSG_FLAGGED, 0, NULL, "INBOX", 2, 2));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_MOVE, 0, 0, "Trash", "INBOX", 1, 1));
	assert_int_equal(ERR_OK, sync_all(&fx));
	fx.n_notices = 0;
	assert_int_equal(ERR_OK, engine_undo(fx.engine, label, sizeof label, &e));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(1, fx.n_notices);
	assert_non_null(strstr(fx.notice.text, "cannot be found out"));
	assert_int_equal(1, fake_folder(fx.server, "Trash")->n);
	assert_true(is_visible(&fx, "Trash", 1));
	assert_int_equal(ERR_OK, engine_undo(fx.engine, label, sizeof label, &e));
	assert_string_equal("1 message flagged", label);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(0, fake_folder(fx.server, "INBOX")->v[0].flags);
	assert_int_equal(ERR_UNSUPPORTED, engine_undo(fx.engine, label, sizeof label, &e));
	assert_in_step(&fx, "undone");
	fixture_clear(&fx);
}

/* Copies that nobody tells the place of cannot be undone: it is said,
 * and nothing is removed. */
static void
test_undo_of_a_copy_without_uid_map(void **state)
{
	struct fixture fx;
	char label[160];
	struct error e;

	(void)state;
	begin(&fx, 3);
	lock(&fx);
	fx.server->caps &= ~(unsigned)(CAP_UIDMAP | CAP_DELETE);	/* both are UIDPLUS */
	unlock(&fx);
	/* a connection knows its server from the beginning */
	fixture_stop(&fx);
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_COPY, 0, 0, "Trash", "INBOX", 1, 3));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_UNSUPPORTED, engine_undo(fx.engine, label, sizeof label, &e));
	assert_non_null(strstr(e.text, "does not say where the copies are"));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(3, fake_folder(fx.server, "Trash")->n);
	assert_in_step(&fx, "copied");
	fixture_clear(&fx);
}

/* The cache was deleted, and nobody asked for the list of folders: a decision about one that
 * is not the inbox is carried out all the same. */
static void
test_cache_deleted_before_the_list(void **state)
{
	struct fixture fx;
	char command[160];

	(void)state;
	begin(&fx, 3);
	fixture_stop(&fx);
	fake_deliver_many(fake_folder(fx.server, "Trash"), "t", 2);
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	fixture_stop(&fx);
	fixture_new_engine(&fx);
	assert_int_equal(ERR_OK, act_on(&fx, ACT_FLAGS, MSG_FLAGGED, 0, NULL, "Trash", 1, 1));
	fixture_stop(&fx);
	snprintf(command, sizeof command, "rm -rf '%s/cache'", fx.dir);
	assert_int_equal(0, system(command));
	fx.n_notices = 0;
	fixture_start(&fx);
	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until; poll(NULL, 0, 5)) {
		if (!store_intents_pending(engine_store(fx.engine), 0))
			break;
	}
	lock(&fx);
	assert_int_equal(MSG_FLAGGED, fake_folder(fx.server, "Trash")->v[0].flags);
	unlock(&fx);
	fixture_clear(&fx);
}

TEST_MAIN(T(test_server_that_goes_on_doubles_nothing), T(test_what_was_lost_is_done_again),
	T(test_own_double_is_removed), T(test_unsure_double_is_told),
	T(test_one_refused_does_not_refuse_the_rest), T(test_many_refused_among_many),
	T(test_all_refused_costs_little), T(test_few_of_many_pass),
	T(test_undo_of_what_few_passed), T(test_undo_of_what_was_half_refused),
	T(test_undo_of_what_cannot_be_found), T(test_undo_of_a_copy_without_uid_map),
	T(test_cache_deleted_before_the_list))
