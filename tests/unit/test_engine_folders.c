/* The list of folders and their counts, as the engine follows them. */
#include "engine_fixture.h"

static void
begin(struct fixture *fx)
{
	fixture_init(fx);
	fake_folder_add(fx->server, "INBOX");
	fake_folder_add(fx->server, "Lists");
	fake_folder_add(fx->server, "Trash");
	fake_deliver_many(fake_folder(fx->server, "INBOX"), "m", 5);
	fake_deliver_many(fake_folder(fx->server, "Lists"), "l", 7);
}

static void
submit(struct fixture *fx, enum job_kind kind)
{
	struct job job = { .kind = kind, .account = fx->account };

	wait_for(fx, EV_DONE, engine_submit(fx->engine, &job));
}

static uint32_t
count_there(struct fixture *fx, const char *name)
{
	struct arena a = {0};
	struct folder f;

	assert_true(find_folder(fx, name, &a, &f));
	arena_clear(&a);
	return f.n_server;
}

/* Counts that come with the list are not asked for again, and a difference in them makes a
 * folder that was opened be looked into. */
static void
test_counts_come_with_the_list(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	fx.server->lists_counts = true;
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(0, fx.server->n_statuses);
	pthread_mutex_lock(&fx.server->lock);
	fake_deliver_many(fake_folder(fx.server, "Lists"), "new", 2);
	pthread_mutex_unlock(&fx.server->lock);
	submit(&fx, JOB_FOLDERS);
	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until &&
	    count_there(&fx, "Lists") != 9;)
		poll(NULL, 0, 5);
	assert_int_equal(9, count_there(&fx, "Lists"));
	assert_int_equal(0, fx.server->n_statuses);
	fixture_clear(&fx);
}

/* Where they do not they are asked for, one by one. */
static void
test_counts_are_asked_for(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	fixture_start(&fx);
	submit(&fx, JOB_FOLDERS);
	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until &&
	    count_there(&fx, "Lists") != 7;)
		poll(NULL, 0, 5);
	assert_int_equal(7, count_there(&fx, "Lists"));
	assert_true(fx.server->n_statuses > 0);
	fixture_clear(&fx);
}

/* More folders than we take: the person is told how many are missing, once. */
static void
test_too_many_folders_are_told(void **state)
{
	struct fixture fx;
	struct arena a = {0};
	struct folder *f;

	(void)state;
	begin(&fx);
	fx.server->lists_counts = true;
	fx.server->n_more_folders = 20100;
	fixture_start(&fx);
	submit(&fx, JOB_FOLDERS);
	assert_int_equal(1, fx.n_notices);
	assert_non_null(strstr(fx.notice.text,
		"more than 20000 folders: 103 of them are not shown"));
	assert_int_equal(20000, store_folders(engine_store(fx.engine), fx.account, &a, &f));
	submit(&fx, JOB_FOLDERS);
	assert_int_equal(1, fx.n_notices);
	arena_clear(&a);
	fixture_clear(&fx);
}

static void
set_readonly(struct fixture *fx, bool is)
{
	pthread_mutex_lock(&fx->server->lock);
	fake_folder(fx->server, "INBOX")->is_readonly = is;
	fake_changed(fx->server);
	pthread_mutex_unlock(&fx->server->lock);
}

static bool
is_known_readonly(struct fixture *fx)
{
	struct arena a = {0};
	struct folder f;

	assert_true(find_folder(fx, "INBOX", &a, &f));
	arena_clear(&a);
	return f.attrs & FOLDER_READONLY;
}

static void
wait_for_readonly(struct fixture *fx, bool is)
{
	struct event ev;

	for (int64_t until = now_ms() + PATIENCE_MS; is_known_readonly(fx) != is;
	    next_event(fx, &ev, 10)) {
		if (now_ms() > until)
			fail_msg("it is%s known as read-only", is ? " not" : "");
	}
}

/* A folder that may not be changed any more while it is open says so; decisions on it are
 * refused before anything is hidden, copies are not; a list of folders does not forget it,
 * and opening it anew does. */
static void
test_folder_turns_readonly(void **state)
{
	struct fixture fx;
	struct job job = { .kind = JOB_SYNC };

	(void)state;
	begin(&fx);
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	set_readonly(&fx, true);
	wait_for_readonly(&fx, true);
	assert_int_equal(ERR_FOLDER, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 2));
	assert_int_equal(ERR_FOLDER, act_on(&fx, ACT_FLAGS, MSG_FLAGGED, 0, NULL, "INBOX", 2,
		2));
	assert_true(is_visible(&fx, "INBOX", 2));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_COPY, 0, 0, "Lists", "INBOX", 2, 2));
	submit(&fx, JOB_FOLDERS);
	assert_true(is_known_readonly(&fx));
	set_readonly(&fx, false);
	job.folder = folder_named(&fx, "INBOX");
	assert_int_equal(ERR_OK,
		wait_for(&fx, EV_DONE, engine_submit(fx.engine, &job)).u.done.code);
	assert_false(is_known_readonly(&fx));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 2));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_in_step(&fx, "writable again");
	fixture_clear(&fx);
}

/* What was decided just before returns to sight, with the reason. */
static void
test_decision_meets_a_readonly_folder(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	fixture_new_engine(&fx);
	fx.engine->workers[0]->linger_ms = 300;
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 1, 3));
	assert_false(is_visible(&fx, "INBOX", 2));
	pthread_mutex_lock(&fx.server->lock);
	fake_folder(fx.server, "INBOX")->is_readonly = true;
	pthread_mutex_unlock(&fx.server->lock);
	assert_int_equal(ERR_OK, sync_all(&fx));
	for (uint32_t uid = 1; uid <= 3; uid++)
		assert_true(is_visible(&fx, "INBOX", uid));
	assert_non_null(strstr(fx.notice.text, "this folder is read-only"));
	fixture_clear(&fx);
}

TEST_MAIN(T(test_folder_turns_readonly), T(test_decision_meets_a_readonly_folder),
	T(test_counts_come_with_the_list), T(test_counts_are_asked_for),
	T(test_too_many_folders_are_told))
