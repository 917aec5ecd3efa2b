/* The outbox keeps what it took, and knows after any crash what may have gone out. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_fixture.h"
#include "store_outbox.h"
#include "store_uploads.h"

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

static size_t
n_files(const struct fixture *fx)
{
	char *dir = path_join(fx->data, "uploads");
	DIR *d = opendir(dir);
	size_t n = 0;

	for (struct dirent *x; d && (x = readdir(d)); )
		n += x->d_name[0] != '.';
	if (d)
		closedir(d);
	free(dir);
	return n;
}

static void
each_file(const struct fixture *fx, bool removes)
{
	char *dir = path_join(fx->data, "uploads");
	DIR *d = opendir(dir);
	struct timespec old[2] = { { .tv_sec = time(NULL) - 2 * 86400 },
		{ .tv_sec = time(NULL) - 2 * 86400 } };

	for (struct dirent *x; d && (x = readdir(d)); ) {
		if (x->d_name[0] != '.' && removes)
			assert_int_equal(0, unlinkat(dirfd(d), x->d_name, 0));
		else if (x->d_name[0] != '.')
			assert_int_equal(0, utimensat(dirfd(d), x->d_name, old, 0));
	}
	closedir(d);
	free(dir);
}

/* The bytes of a large mail are a file, and not in the database; it goes with the mail,
 * with its bytes of before, and when nobody names it. A file that is lost is told apart
 * from a mail that is gone. */
static void
test_large(void **state)
{
	struct fixture *fx = *state;
	size_t n = 3 << 20, len;
	char *big = xmalloc(n);
	struct outbox_rcpt to = { .addr = "bob@example.net", .words = "" };
	struct outbox_mail m = { .account = fx->account, .sender = "ada@example.org",
		.message_id = "big@x", .subject = "big", .to = "bob", .rcpts = &to,
		.n_rcpts = 1 };
	outbox_id id;
	struct upload_file *orphan;

	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i * 7 + i / 1000);
	OK(store_outbox_add(fx->s, &m, big, n, &id, &fx->e));
	assert_int_equal(1, n_files(fx));
	char *bytes = store_outbox_bytes(fx->s, id, &len);
	assert_int_equal(n, len);
	assert_memory_equal(big, bytes, n);
	free(bytes);
	big[0] = 'x';
	OK(store_outbox_rewrite(fx->s, id, big, n - 1, &fx->e));
	assert_int_equal(1, n_files(fx));
	bytes = store_outbox_bytes(fx->s, id, &len);
	assert_int_equal(n - 1, len);
	assert_memory_equal(big, bytes, n - 1);
	free(bytes);
	OK(store_outbox_rewrite(fx->s, id, "small", 5, &fx->e));
	assert_int_equal(0, n_files(fx));
	bytes = store_outbox_bytes(fx->s, id, &len);
	assert_string_equal("small", bytes);
	free(bytes);
	OK(store_outbox_rewrite(fx->s, id, big, n, &fx->e));
	OK(store_outbox_remove(fx->s, id, &fx->e));
	assert_int_equal(0, n_files(fx));
	OK(store_outbox_add(fx->s, &m, big, n, &id, &fx->e));
	OK(upload_create(&orphan, fx->s, &fx->e));
	OK(upload_write(orphan, big, n, &fx->e));
	each_file(fx, false);
	OK(store_uploads_forget(fx->s, 0, &fx->e));
	/* a day old both, and one has no owner */
	assert_int_equal(1, n_files(fx));
	bytes = store_outbox_bytes(fx->s, id, &len);
	assert_int_equal(n, len);
	free(bytes);
	upload_abort(orphan);
	each_file(fx, true);
	assert_null(store_outbox_bytes(fx->s, id, &len));
	assert_int_equal(0, len);
	assert_true(store_outbox_get(fx->s, id, &fx->a, &m));
	free(big);
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
	OK(store_outbox_forget(fx->s, INT64_MAX, NULL, 0, &fx->e));
	assert_false(store_outbox_get(fx->s, id, &fx->a, &(struct outbox_mail){0}));
}

/* What was planned goes at its time, not before; the time can be
 * changed, and held mail gets one. */
static void
test_when(void **state)
{
	struct fixture *fx = *state;
	outbox_id id = add(fx, 0);
	int64_t now = time(NULL), due;
	struct outbox_lock *lock;

	OK(store_outbox_hold(fx->s, id, true, &fx->e));
	OK(store_outbox_when(fx->s, id, now + 5000, &fx->e));
	struct outbox_mail m = get(fx, id);
	assert_true(m.is_planned && !m.is_held);
	assert_int_equal(1, store_outbox_later(fx->s, 0));
	OK(store_outbox_hurry(fx->s, fx->account, &fx->e));
	assert_int_equal(0, next(fx, now + 4999, &lock, &due));
	assert_int_equal(now + 5000, due);
	fx_reopen(fx);
	OK(store_outbox_when(fx->s, id, now + 7000, &fx->e));
	assert_int_equal(0, next(fx, now + 6999, &lock, &due));
	assert_int_equal(id, next(fx, now + 7000, &lock, &due));
	assert_int_equal(ERR_MSG, store_outbox_when(fx->s, id, now, &fx->e));
	store_outbox_unlock(lock);
	OK(store_outbox_retry(fx->s, id, &fx->e));		/* now */
	assert_int_equal(0, store_outbox_later(fx->s, 0));
	assert_int_equal(id, next(fx, now, &lock, &due));
	store_outbox_unlock(lock);
}

static void
run_sql(struct fixture *fx, const char *sql)
{
	sqlite3 *db;
	char *path = path_join(fx->data, "dunlin.db"), *why = NULL;

	assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
	free(path);
}

static void
set_clock_back(struct fixture *fx, outbox_id id, const char *sql)
{
	char *line = xasprintf("%s WHERE id = %lld", sql, (long long)id);

	run_sql(fx, line);
	free(line);
}

/* A clock that was years ahead when a time was noted loses no mail: waits end, and what a
 * person planned is held and told, once; a clock that was right is left alone. */
static void
test_clock(void **state)
{
	struct fixture *fx = *state;
	int64_t now = time(NULL), due;
	outbox_id undo = add(fx, now + 10), failed = add(fx, 0), planned = add(fx, 0),
		late = add(fx, 0);
	struct outbox_lock *lock;
	uint32_t n;

	OK(store_outbox_when(fx->s, planned, now + 100 * 86400, &fx->e));
	OK(store_outbox_when(fx->s, late, now + 7200, &fx->e));
	OK(store_outbox_clock(fx->s, fx->account, now, &n, &fx->e));
	assert_int_equal(0, n);
	assert_int_equal(now + 10, get(fx, undo).not_before);
	set_clock_back(fx, undo, "UPDATE outbox SET created = created + 300000000,"
		" not_before = not_before + 300000000");
	set_clock_back(fx, failed, "UPDATE outbox SET retry_at = 5000000000");
	set_clock_back(fx, planned, "UPDATE outbox SET created = created + 300000000,"
		" not_before = not_before + 300000000");
	/* half an hour */
	set_clock_back(fx, late, "UPDATE outbox SET created = created + 1800");
	OK(store_outbox_clock(fx->s, fx->account, now, &n, &fx->e));
	assert_int_equal(1, n);
	OK(store_outbox_clock(fx->s, fx->account, now, &n, &fx->e));
	assert_int_equal(0, n);
	assert_true(get(fx, planned).is_held && *get(fx, planned).error);
	assert_int_equal(undo, next(fx, now, &lock, &due));
	store_outbox_unlock(lock);
	OK(store_outbox_remove(fx->s, undo, &fx->e));
	assert_int_equal(failed, next(fx, now, &lock, &due));
	store_outbox_unlock(lock);
	OK(store_outbox_remove(fx->s, failed, &fx->e));
	assert_int_equal(0, next(fx, now, &lock, &due));
	assert_int_equal(now + 7200, due);
	OK(store_outbox_when(fx->s, planned, now + 3600 * 30, &fx->e));
	OK(store_outbox_clock(fx->s, fx->account, now, &n, &fx->e));
	assert_int_equal(0, n);
	assert_false(get(fx, planned).is_held);
}

/* Nor is anything kept waiting by a clock that went back less than an hour:
 * seconds to undo stay seconds. */
static void
test_clock_goes_back_a_little(void **state)
{
	struct fixture *fx = *state;
	int64_t now = time(NULL), due;
	outbox_id undo = add(fx, now + 10), failed = add(fx, 0), late = add(fx, 0);
	struct outbox_lock *lock;
	uint32_t n;

	OK(store_outbox_when(fx->s, late, now + 7200, &fx->e));
	set_clock_back(fx, failed,
		"UPDATE outbox SET ended = strftime('%s', 'now'), retry_at = strftime('%s', "
		"'now') + 60");
	OK(store_outbox_clock(fx->s, fx->account, now - 1800, &n, &fx->e));
	assert_int_equal(0, n);
	assert_int_equal(now - 1800, get(fx, undo).not_before);
	assert_int_equal(undo, next(fx, now - 1800, &lock, &due));
	store_outbox_unlock(lock);
	OK(store_outbox_remove(fx->s, undo, &fx->e));
	assert_int_equal(failed, next(fx, now - 1800, &lock, &due));
	store_outbox_unlock(lock);
	OK(store_outbox_remove(fx->s, failed, &fx->e));
	/* that one was named by a person */
	assert_int_equal(now + 7200, get(fx, late).not_before);
}

/* What is unsure is looked for once, again when somebody says so, and not at
 * all where the copy is ours. */
static void
test_sought(void **state)
{
	struct fixture *fx = *state;
	struct outbox_rcpt unsure[] = { { two[0].addr, RCPT_UNSURE, "" },
		{ two[1].addr, RCPT_WAITING, "" } },
			partly[] = { { two[0].addr, RCPT_SENT, "" },
			{ two[1].addr, RCPT_UNSURE, "" } };
	outbox_id id = add(fx, 0), other = add(fx, 0);
	enum outbox_state got;

	OK(store_outbox_result(fx->s, id, unsure, 2, 0, "cut", &got, &fx->e));
	OK(store_outbox_result(fx->s, other, partly, 2, 0, "cut", &got, &fx->e));
	assert_int_equal(OUTBOX_UNSURE, got);
	assert_int_equal(1, store_outbox_seeks(fx->s, fx->account));
	assert_int_equal(id, store_outbox_seek_next(fx->s, fx->account));
	OK(store_outbox_sought(fx->s, id, SOUGHT_ABSENT, &fx->e));
	assert_int_equal(0, store_outbox_seek_next(fx->s, fx->account));
	OK(store_outbox_hurry(fx->s, fx->account, &fx->e));
	assert_int_equal(id, store_outbox_seek_next(fx->s, fx->account));
	OK(store_outbox_sought(fx->s, id, SOUGHT_FOUND, &fx->e));
	OK(store_outbox_hurry(fx->s, fx->account, &fx->e));
	assert_int_equal(0, store_outbox_seek_next(fx->s, fx->account));
	assert_int_equal(SOUGHT_FOUND, get(fx, id).sought);
	/* and Sent has it: no second one */
	OK(store_outbox_believe_sent(fx->s, id, &fx->e));
	assert_int_equal(COPY_DONE, get(fx, id).copy);
	OK(store_outbox_believe_sent(fx->s, other, &fx->e));
	assert_int_equal(COPY_WAITING, get(fx, other).copy);
}

/* Forgotten is what was sent long ago and copied; nothing else, and nothing
 * that a draft still names. */
static void
test_forget(void **state)
{
	struct fixture *fx = *state;
	struct outbox_rcpt sent[] = { { two[0].addr, RCPT_SENT, "" },
		{ two[1].addr, RCPT_REFUSED, "" } };
	static const char *const keep[] = { "other", "a@b" };
	outbox_id id = add(fx, 0), queued = add(fx, 0);
	int64_t now = time(NULL);
	enum outbox_state got;
	size_t len;

	/* planned long ago, sent today */
	set_clock_back(fx, id, "UPDATE outbox SET created = 1");
	set_clock_back(fx, queued, "UPDATE outbox SET created = 1");
	OK(store_outbox_result(fx->s, id, sent, 2, 0, "", &got, &fx->e));
	OK(store_outbox_forget(fx->s, now - 10, NULL, 0, &fx->e));
	OK(store_outbox_forget(fx->s, now + 10, NULL, 0, &fx->e));	/* no copy yet */
	assert_int_equal(OUTBOX_SENT, get(fx, id).state);
	OK(store_outbox_copy(fx->s, id, COPY_DONE, 0, &fx->e));
	OK(store_outbox_forget(fx->s, now - 10, NULL, 0, &fx->e));
	OK(store_outbox_forget(fx->s, now + 10, keep, 2, &fx->e));
	assert_int_equal(OUTBOX_SENT, get(fx, id).state);
	OK(store_outbox_forget(fx->s, now + 10, keep, 1, &fx->e));
	assert_false(store_outbox_get(fx->s, id, &fx->a, &(struct outbox_mail){0}));
	assert_null(store_outbox_bytes(fx->s, id, &len));
	assert_int_equal(OUTBOX_QUEUED, get(fx, queued).state);
}

/* Somebody forks at the moment of an act: the child has the lock until it is another
 * program, some milliseconds later; the next act waits for that, and does not say
 * that the mail is being sent. */
static void
test_lock_in_a_child(void **state)
{
	struct fixture *fx = *state;
	struct outbox_lock *lock;
	outbox_id id = add(fx, time(NULL) + 1000);

	bool did = false;

	/* on a busy machine the child may take its time */
	for (int i = 0; i < 3 && !did; i++) {
		assert_true(store_outbox_take(fx->s, id, &lock));
		pid_t pid = fork();
		if (pid == 0) {
			usleep(3000);
			_exit(0);
		}
		store_outbox_unlock(lock);
		did = store_outbox_hold(fx->s, id, true, &fx->e) == ERR_OK;
		waitpid(pid, NULL, 0);
	}
	assert_true(did);
	assert_true(store_outbox_take(fx->s, id, &lock));
	assert_int_equal(ERR_MSG, store_outbox_hold(fx->s, id, false, &fx->e));
	assert_string_equal("it is being sent just now", fx->e.text);
	store_outbox_unlock(lock);
}

int
main(void)
{
#define F(f) cmocka_unit_test_setup_teardown(f, fx_open, fx_close)
	const struct CMUnitTest tests[] = { F(test_add), F(test_large), F(test_next),
		F(test_crash), F(test_result), F(test_retry), F(test_copy), F(test_when),
		F(test_clock), F(test_clock_goes_back_a_little), F(test_sought),
		F(test_forget), F(test_lock_in_a_child) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
