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

/* Counts that come with the list are not asked for again, and a difference in them makes a folder that
 * was opened be looked into. */
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
	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until && count_there(&fx, "Lists") != 9;)
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
	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until && count_there(&fx, "Lists") != 7;)
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
	assert_non_null(strstr(fx.notice.text, "more than 20000 folders: 103 of them are not shown"));
	assert_int_equal(20000, store_folders(engine_store(fx.engine), fx.account, &a, &f));
	submit(&fx, JOB_FOLDERS);
	assert_int_equal(1, fx.n_notices);
	arena_clear(&a);
	fixture_clear(&fx);
}

TEST_MAIN(T(test_counts_come_with_the_list), T(test_counts_are_asked_for),
	T(test_too_many_folders_are_told))
