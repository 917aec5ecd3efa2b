/* The outbox keeps what it took, and knows after any crash what may have gone out. */
#include <signal.h>
#include <sys/wait.h>

#include "store_fixture.h"

static struct outbox_rcpt two[] = { { "bob@example.net", RCPT_WAITING, "" },
	{ "eve@example.net", RCPT_WAITING, "" } };

static outbox_id
add(struct fixture *fx, int64_t not_before)
{
	struct outbox_mail m = { .account = fx->account, .sender = "ada@example.org",
		.message_id = "a@b",
		.subject = "hello", .to = "Bob", .needs_8bit = true, .not_before = not_before,
		.copy = COPY_WANTED, .rcpts = two, .n_rcpts = 2 };
	outbox_id id;

	OK(store_outbox_add(fx->s, &m, "Subject: x\r\n\r\ny\r\n", 17, &id, &fx->e));
	assert_true(id > 0);
	return id;
}

static struct outbox_mail
get(struct fixture *fx, outbox_id id)
{
	struct outbox_mail m;

	assert_true(store_outbox_get(fx->s, id, &fx->a, &m));
	return m;
}

static outbox_id
next(struct fixture *fx, int64_t now, struct outbox_lock **lock, int64_t *due)
{
	uint32_t n_unsure;

	*due = 0;
	return store_outbox_next(fx->s, fx->account, now, lock, due, &n_unsure);
}

/* What is put in comes out as it was, also after the store was closed. */
static void
test_add(void **state)
{
	struct fixture *fx = *state;
	outbox_id id = add(fx, 0);
	size_t len;

	store_close(fx->s);
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	struct outbox_mail m = get(fx, id);
	assert_int_equal(OUTBOX_QUEUED, m.state);
	assert_string_equal("ada@example.org", m.sender);
	assert_string_equal("hello", m.subject);
	assert_true(m.needs_8bit && !m.needs_utf8);
	assert_int_equal(2, m.n_rcpts);
	assert_string_equal("eve@example.net", m.rcpts[1].addr);
	char *bytes = store_outbox_bytes(fx->s, id, &len);
	assert_int_equal(17, len);
	assert_string_equal("Subject: x\r\n\r\ny\r\n", bytes);
	free(bytes);
	struct outbox_mail *list;
	assert_int_equal(1, store_outbox(fx->s, 0, 10, &fx->a, &list));
	assert_int_equal(0, store_outbox(fx->s, fx->account + 1, 10, &fx->a, &list));
	assert_int_equal(1, store_outbox_waiting(fx->s, 0));
}

/* Nothing goes before its time, or while it is held; and one at a time has it. */
static void
test_next(void **state)
{
	struct fixture *fx = *state;
	outbox_id id = add(fx, 1000);
	struct outbox_lock *lock, *second;
	int64_t due;

	assert_int_equal(0, next(fx, 999, &lock, &due));
	assert_int_equal(1000, due);
	OK(store_outbox_hold(fx->s, id, true, &fx->e));
	assert_int_equal(0, next(fx, 2000, &lock, &due));
	assert_int_equal(0, due);
	OK(store_outbox_hold(fx->s, id, false, &fx->e));
	assert_int_equal(id, next(fx, 1000, &lock, &due));
	assert_int_equal(0, next(fx, 1000, &second, &due));
	assert_int_equal(ERR_MSG, store_outbox_hold(fx->s, id, true, &fx->e));
	assert_int_equal(ERR_MSG, store_outbox_remove(fx->s, id, &fx->e));
	assert_int_equal(ERR_MSG, store_outbox_retry(fx->s, id, &fx->e));
	store_outbox_unlock(lock);
	OK(store_outbox_remove(fx->s, id, &fx->e));
	assert_int_equal(0, store_outbox_waiting(fx->s, 0));
}

/* Another process takes mail, perhaps says that it is going out, and is killed. */
static void
crash(struct fixture *fx, bool is_sending)
{
	size_t first = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct store *s;
		struct outbox_lock *lock;
		struct error e;
		int64_t due;
		uint32_t n;
		if (store_open(&s, fx->data, fx->cache, STORE_WRITE, &e) != ERR_OK)
			_exit(1);
		outbox_id id = store_outbox_next(s, fx->account, 0, &lock, &due, &n);
		if (is_sending && store_outbox_sending(s, id, &first, 1, &e) != ERR_OK)
			_exit(1);
		raise(SIGKILL);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

/* Killed before it said so: queued. Behind that: unsure, for those recipients, and not sent
 * again. */
static void
test_crash(void **state)
{
	struct fixture *fx = *state;
	outbox_id id = add(fx, 0);
	struct outbox_lock *lock;
	int64_t due;
	uint32_t n_unsure;

	crash(fx, false);
	assert_int_equal(id, next(fx, 0, &lock, &due));
	store_outbox_unlock(lock);
	crash(fx, true);
	assert_int_equal(OUTBOX_SENDING, get(fx, id).state);
	assert_int_equal(0, store_outbox_next(fx->s, fx->account, 0, &lock, &due, &n_unsure));
	assert_int_equal(1, n_unsure);
	struct outbox_mail m = get(fx, id);
	assert_int_equal(OUTBOX_UNSURE, m.state);
	assert_int_equal(RCPT_UNSURE, m.rcpts[0].state);
	assert_int_equal(RCPT_WAITING, m.rcpts[1].state);
	assert_int_equal(1, store_outbox_stuck(fx->s, 0));
	OK(store_outbox_retry(fx->s, id, &fx->e));		/* the person says so */
	assert_int_equal(id, next(fx, 0, &lock, &due));
	store_outbox_unlock(lock);
}

/* The state of the whole follows from those of its recipients. */
static void
test_result(void **state)
{
	struct fixture *fx = *state;
	static const struct { enum outbox_rcpt_state a,
		b; enum outbox_state want; } cases[] = {
		{ RCPT_SENT, RCPT_SENT, OUTBOX_SENT }, { RCPT_SENT, RCPT_REFUSED,
			OUTBOX_SENT },
		{ RCPT_SENT, RCPT_WAITING, OUTBOX_QUEUED },
		{ RCPT_REFUSED, RCPT_REFUSED, OUTBOX_REFUSED },
		{ RCPT_UNSURE, RCPT_WAITING, OUTBOX_UNSURE },
		{ RCPT_WAITING, RCPT_REFUSED, OUTBOX_QUEUED },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		outbox_id id = add(fx, 0);
		struct outbox_rcpt r[] = { { two[0].addr, cases[i].a, "250 fine" },
			{ two[1].addr, cases[i].b, "550 no" } };
		enum outbox_state got;
		size_t both[] = { 0, 1 };
		OK(store_outbox_sending(fx->s, id, both, 2, &fx->e));
		OK(store_outbox_result(fx->s, id, r, 2, 5000, "why", &got, &fx->e));
		assert_int_equal(cases[i].want, got);
		struct outbox_mail m = get(fx, id);
		assert_int_equal(cases[i].want, m.state);
		assert_string_equal("550 no", m.rcpts[1].words);
		assert_int_equal(cases[i].a == RCPT_SENT ? COPY_WAITING : COPY_WANTED, m.copy);
		assert_int_equal(1, m.n_tries);
		OK(store_outbox_copy(fx->s, id, COPY_DONE, 0, &fx->e));
		OK(store_outbox_remove(fx->s, id, &fx->e));
	}
}

/* After a failure it waits for its turn, unless somebody says hurry. */
static void
test_retry(void **state)
{
	struct fixture *fx = *state;
	outbox_id id = add(fx, 0);
	struct outbox_lock *lock;
	enum outbox_state got;
	int64_t due;

	OK(store_outbox_result(fx->s, id, two, 2, 5000, "busy", &got, &fx->e));
	assert_int_equal(0, next(fx, 4999, &lock, &due));
	assert_int_equal(5000, due);
	OK(store_outbox_hurry(fx->s, fx->account, &fx->e));
	assert_int_equal(id, next(fx, 1, &lock, &due));
	store_outbox_unlock(lock);
}

/* The copy comes up once, and again only until it is made. */
static void
test_copy(void **state)
{
	struct fixture *fx = *state;
	outbox_id id = add(fx, 0);
	struct outbox_rcpt r[] = { { two[0].addr, RCPT_SENT, "" },
		{ two[1].addr, RCPT_SENT, "" } };
	struct outbox_lock *lock;
	enum outbox_state got;
	bool was_running;

	assert_int_equal(0, store_outbox_copy_next(fx->s, fx->account, 0, &lock,
		&was_running));
	OK(store_outbox_result(fx->s, id, r, 2, 0, "", &got, &fx->e));
	assert_int_equal(id, store_outbox_copy_next(fx->s, fx->account, 0, &lock,
		&was_running));
	assert_false(was_running);
	OK(store_outbox_copy(fx->s, id, COPY_RUNNING, 0, &fx->e));
	store_outbox_unlock(lock);
	assert_int_equal(ERR_MSG, store_outbox_remove(fx->s, id, &fx->e));
	assert_int_equal(id, store_outbox_copy_next(fx->s, fx->account, 0, &lock,
		&was_running));
	assert_true(was_running);
	OK(store_outbox_copy(fx->s, id, COPY_DONE, 0, &fx->e));
	store_outbox_unlock(lock);
	assert_int_equal(0, store_outbox_copy_next(fx->s, fx->account, 0, &lock,
		&was_running));
	OK(store_outbox_forget(fx->s, INT64_MAX, &fx->e));
	assert_false(store_outbox_get(fx->s, id, &fx->a, &(struct outbox_mail){0}));
}

int
main(void)
{
#define F(f) cmocka_unit_test_setup_teardown(f, fx_open, fx_close)
	const struct CMUnitTest tests[] = { F(test_add), F(test_next), F(test_crash),
		F(test_result), F(test_retry), F(test_copy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
