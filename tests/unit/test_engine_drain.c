/* A POP3 account in the engine: jobs, passwords and the end of it, with the drain's
 * thread beside the worker's. */
#include "engine/engine_int.h"
#include "drain_fixture.h"

struct account {
	struct drained x;		/* the server and the directories */
	struct dirs dirs;
	struct engine *engine;
	account_id id;
	uint32_t n_new;
	int max_size_kb;		/* not 0: there is a large message too */
	enum link_state link;
};

static void
account_open(struct account *a, const char *password)
{
	struct error e;

	dr_init(&a->x);
	dr_small(&a->x);
	if (a->max_size_kb)
		dr_add(&a->x, "large", dr_large('a', 5000));
	dr_start(&a->x);
	a->x.conf.max_size_kb = a->max_size_kb;
	a->x.conf.mbox = a->x.mail;
	a->x.conf.password = (char *)password;
	a->x.conf.check_every_s = 300;
	a->x.rc.accounts = &a->x.conf;
	a->x.rc.n_accounts = 1;
	a->dirs = (struct dirs){ a->x.dir, a->x.data, a->x.cache };
	if (engine_new(&a->engine, &a->x.rc, &a->dirs, &e) != ERR_OK)
		fail_msg("%s", e.text);
	assert_int_equal(ERR_OK, engine_start(a->engine, NULL));
	a->id = engine_account(a->engine, 0);
}

static void
account_close(struct account *a)
{
	engine_free(a->engine, 5000);
	dr_clear(&a->x);
}

static struct event
wait_for(struct account *a, enum event_kind kind, job_id job)
{
	struct pollfd p = { .fd = engine_fd(a->engine), .events = POLLIN };
	struct event ev;

	for (int64_t until = now_ms() + 20000; now_ms() < until; poll(&p, 1, 100)) {
		while (engine_next(a->engine, &ev)) {
			if (ev.kind == EV_FOLDER)
				a->n_new += ev.u.folder.n_new;
			if (ev.kind == EV_STATE)
				a->link = ev.u.state.link;
			if (ev.kind == kind && (!job || ev.job == job))
				return ev;
		}
	}
	fail_msg("no event of kind %d", kind);
	return (struct event){0};
}

static job_id
submit_sync(struct account *a)
{
	struct job job = { .kind = JOB_SYNC, .account = a->id };

	return engine_submit(a->engine, &job);
}

/* A sync ends when the mail is in the index, and has told how many are new, each once. */
static void
test_sync(void **state)
{
	struct account a = {0};
	struct arena arena = {0};
	struct folder inbox;
	(void)state;

	account_open(&a, "secret");
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	assert_int_equal(5, a.n_new);
	assert_true(store_folder_by_role(engine_store(a.engine), a.id, ROLE_INBOX, &arena,
		&inbox));
	assert_int_equal(5, inbox.n_msgs);
	dr_add(&a.x, "u6", MAIL("six", "more\r\n"));
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	assert_int_equal(6, a.n_new);
	arena_clear(&arena);
	account_close(&a);
}

/* The password is asked for, the sync waits for it; declined, the sync fails
 * and the files still open. */
static void
test_password(void **state)
{
	struct account a = {0};
	struct job folders = { .kind = JOB_FOLDERS };
	(void)state;

	account_open(&a, NULL);
	job_id job = submit_sync(&a);
	wait_for(&a, EV_PASSWORD, 0);
	folders.account = a.id;
	assert_int_equal(ERR_OK,
		wait_for(&a, EV_DONE, engine_submit(a.engine, &folders)).u.done.code);
	engine_password(a.engine, a.id, NULL);
	assert_int_equal(ERR_AUTH, wait_for(&a, EV_DONE, job).u.done.code);
	job = submit_sync(&a);
	wait_for(&a, EV_PASSWORD, 0);
	engine_password(a.engine, a.id, "secret");
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, job).u.done.code);
	assert_int_equal(5, a.n_new);
	account_close(&a);
}

/* A sync that is cancelled ends at once, and the next one brings what is left. */
static void
test_cancel(void **state)
{
	struct account a = {0};
	(void)state;

	account_open(&a, "secret");
	job_id job = submit_sync(&a);
	engine_cancel(a.engine, job);
	wait_for(&a, EV_DONE, job);
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	assert_int_equal(5, a.n_new);
	account_close(&a);
}

/* No server: the sync fails as a connection that may come back, and the account is offline. */
static void
test_no_server(void **state)
{
	struct account a = {0};
	(void)state;

	account_open(&a, "secret");
	wait_for(&a, EV_DONE, submit_sync(&a));
	a.x.conf.receive.port = 1;
	assert_int_equal(ERR_CONN, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	assert_int_equal(LINK_OFFLINE, a.link);
	account_close(&a);
}

static struct msg
large_one(struct account *a, struct arena *arena)
{
	struct folder inbox;
	struct msg m;

	assert_true(store_folder_by_role(engine_store(a->engine), a->id, ROLE_INBOX, arena,
		&inbox));
	msg_id id = store_find(engine_store(a->engine), inbox.id, "large-a@x");
	assert_true(store_msg(engine_store(a->engine), id, arena, &m));
	return m;
}

static job_id
submit_download(struct account *a, msg_id id)
{
	struct job job = { .kind = JOB_DOWNLOAD, .msg = id };

	return engine_submit(a->engine, &job);
}

/* A large message is a header with its real size; asked for, it is another one with the same
 * flags; a request outlives the server's absence, but not its own cancelling. */
static void
test_download(void **state)
{
	struct account a = {0};
	struct arena arena = {0};
	struct act flag = { .kind = ACT_FLAGS, .set = MSG_FLAGGED };
	char label[80];
	(void)state;

	a.max_size_kb = 2;
	account_open(&a, "secret");
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	struct msg stub = large_one(&a, &arena);
	assert_true(stub.flags & MSG_HEADER_ONLY);
	assert_int_equal(strlen(dr_large('a', 5000)), stub.size_bytes);
	assert_int_equal(ERR_OK, engine_act(a.engine, &flag, &stub.id, 1, label, sizeof label,
		NULL));
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);

	uint16_t port = a.x.conf.receive.port;
	a.x.conf.receive.port = 1;
	struct event ev = wait_for(&a, EV_DONE, submit_download(&a, stub.id));
	assert_int_equal(ERR_CONN, ev.u.done.code);
	assert_true(str_starts(ev.u.done.text,
		"not yet downloaded, it will be with the next check"));
	job_id job = submit_download(&a, stub.id);
	engine_cancel(a.engine, job);
	wait_for(&a, EV_DONE, job);
	a.x.conf.receive.port = port;
	assert_int_equal(ERR_OK,
		wait_for(&a, EV_DONE, submit_download(&a, stub.id)).u.done.code);
	struct msg whole = large_one(&a, &arena);
	assert_true(whole.id != stub.id);
	assert_int_equal(MSG_FLAGGED, whole.flags & (MSG_FLAGGED | MSG_HEADER_ONLY));
	assert_int_equal(stub.arrived, whole.arrived);
	assert_int_equal(6, a.n_new);
	assert_int_equal(ERR_MSG,
		wait_for(&a, EV_DONE, submit_download(&a, whole.id)).u.done.code);
	arena_clear(&arena);
	account_close(&a);
}

/* The server lost it: the person is told, and the header stays. */
static void
test_download_lost(void **state)
{
	struct account a = {0};
	struct arena arena = {0};
	(void)state;

	a.max_size_kb = 2;
	account_open(&a, "secret");
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	struct msg stub = large_one(&a, &arena);
	a.x.server.v[5].is_gone = true;
	job_id job = submit_download(&a, stub.id);
	assert_string_equal("'large a' is not downloaded: the server no longer has it",
		wait_for(&a, EV_NOTICE, 0).u.notice.text);
	assert_int_equal(ERR_CANCELLED, wait_for(&a, EV_DONE, job).u.done.code);
	assert_int_equal(stub.id, large_one(&a, &arena).id);
	arena_clear(&arena);
	account_close(&a);
}

/* Quitting in the middle of it takes no longer than it may. */
static void
test_quit(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		struct account a = {0};
		account_open(&a, "secret");
		submit_sync(&a);
		usleep((useconds_t)i * 3000);
		int64_t begun = now_ms();
		account_close(&a);
		assert_true(now_ms() - begun < 4000);
	}
}

/* An inbox that another program has locked is waited for, but not by who quits or presses Esc;
 * and what had come is not lost by that. */
static void
test_locked_inbox(void **state)
{
	(void)state;
	for (int by_stop = 0; by_stop < 2; by_stop++) {
		struct account a = {0};
		account_open(&a, "secret");
		char *lock = xasprintf("%s.lock", a.x.inbox);
		int fd = open(lock, O_WRONLY | O_CREAT, 0600);
		assert_int_equal(16, write(fd, "99999:elsewhere\n", 16));
		close(fd);
		job_id job = submit_sync(&a);
		for (int i = 0; i < 200 && atomic_load(&a.x.server.n_retr) < 5; i++)
			usleep(10000);
		usleep(300000);			/* it has come, and is to be appended */
		int64_t begun = now_ms();
		if (by_stop) {
			engine_cancel(a.engine, job);
			wait_for(&a, EV_DONE, job);
		} else {
			engine_free(a.engine, 5000);
			assert_int_equal(ERR_OK, engine_new(&a.engine, &a.x.rc, &a.dirs,
				NULL));
		}
		assert_true(now_ms() - begun < 4000);	/* not the 5 s */
		unlink(lock);
		free(lock);
		if (!by_stop) {
			assert_int_equal(ERR_OK, engine_start(a.engine, NULL));
			a.id = engine_account(a.engine, 0);
		}
		assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
		assert_all(&a.x, "locked", by_stop);
		account_close(&a);
	}
}

/* Another dunlin has taken everything into the index both share: the first sync here has
 * nothing to do, and says that there is something to show, for the screen may have looked
 * before. The second says nothing. */
static void
test_index_filled_by_another(void **state)
{
	struct account a = {0};
	struct event ev;
	(void)state;

	account_open(&a, "secret");
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	engine_free(a.engine, 5000);
	assert_int_equal(ERR_OK, engine_new(&a.engine, &a.x.rc, &a.dirs, NULL));
	assert_int_equal(ERR_OK, engine_start(a.engine, NULL));
	a.id = engine_account(a.engine, 0);
	wait_for(&a, EV_FOLDER, 0);
	assert_int_equal(ERR_OK, wait_for(&a, EV_DONE, submit_sync(&a)).u.done.code);
	job_id job = submit_sync(&a);
	for (bool is_over = false; !is_over;) {
		while (engine_next(a.engine, &ev)) {
			assert_int_not_equal(EV_FOLDER, ev.kind);
			is_over = is_over || (ev.kind == EV_DONE && ev.job == job);
		}
		usleep(1000);
	}
	account_close(&a);
}

TEST_MAIN(T(test_sync), T(test_password), T(test_cancel), T(test_no_server),
	T(test_download), T(test_download_lost), T(test_quit), T(test_locked_inbox),
	T(test_index_filled_by_another))
