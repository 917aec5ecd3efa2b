/* The password command. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "account.h"
#include "engine/queue.h"
#include "str.h"
#include "test.h"

static enum err
run(const char *command, int deadline_ms, char **out, struct error *e)
{
	struct cancel c;

	assert_int_equal(ERR_OK, cancel_init(&c, e));
	enum err rc = secret_command(out, command, &c, deadline_ms, e);
	cancel_close(&c);
	return rc;
}

/* The first line is the password; what follows it (notes, in many password stores) is not. */
static void
test_first_line_is_the_password(void **state)
{
	struct { const char *command, *want; } cases[] = {
		{ "echo secret", "secret" },
		{ "printf 'secret'", "secret" },
		{ "printf 'sec ret \\r\\nuser: ada\\n'", "sec ret " },
		{ "echo noise >&2; echo secret", "secret" },
		{ "printf 'secret\\nnotes\\0of a store\\n'", "secret" },
		/* what it leaves behind delays nobody */
		{ "sleep 100 & echo secret", "secret" },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char *out;
		if (run(cases[i].command, 10000, &out, &e) != ERR_OK)
			fail_msg("%s: %s", cases[i].command, e.text);
		assert_string_equal(cases[i].want, out);
		secret_free(out);
	}
}

/* A command that fails says why in its own last words, and never gives a password. */
static void
test_failure_is_told(void **state)
{
	struct { const char *command, *why; } cases[] = {
		{ "echo hunter2; echo first >&2; echo 'no such entry' >&2; exit 3",
			"no such entry" },
		{ "exit 1", "exit 1" },
		{ "true", "empty" },
		{ "kill -9 $$", "signal 9" },
		{ "/does/not/exist", "exit 127" },
		{ "yes", "more than" },
		{ "head -c 1000000 /dev/zero", "more than" },
		{ "printf 'hunter2\\0x\\n'", "NUL" },	/* half a password is none */
		{ "read x && echo $x", "exit 1" },	/* no terminal, nothing to read */
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char *out;
		assert_int_equal(ERR_LOCAL, run(cases[i].command, 10000, &out, &e));
		assert_null(out);
		assert_null(strstr(e.text, "hunter2"));
		if (!strstr(e.text, cases[i].why))
			fail_msg("%s: %s", cases[i].command, e.text);
	}
}

/* A command that hangs is killed with its children when the time is up. */
static void
test_deadline_kills_all(void **state)
{
	char command[128], path[] = "/tmp/dunlin-secret-XXXXXX", *out;
	struct error e;
	int fd = mkstemp(path);
	FILE *f;
	int pid = 0;

	(void)state;
	snprintf(command, sizeof command, "sleep 100 & echo $! >%s; wait", path);
	int64_t begun = now_ms();
	assert_int_equal(ERR_LOCAL, run(command, 300, &out, &e));
	assert_in_range(now_ms() - begun, 250, 3000);
	f = fdopen(fd, "r");
	assert_int_equal(1, fscanf(f, "%d", &pid));
	fclose(f);
	remove(path);
	bool is_dead = false;
	for (int i = 0; i < 100 && !is_dead; i++) {
		char stat[64], state_of = 'Z';
		snprintf(stat, sizeof stat, "/proc/%d/stat", pid);
		f = fopen(stat, "r");
		if (f && fscanf(f, "%*d %*s %c", &state_of) != 1)
			state_of = 'Z';
		if (f)
			fclose(f);
		is_dead = state_of == 'Z';
		usleep(10000);
	}
	assert_true(is_dead);
}

static void *
fire(void *arg)
{
	usleep(100000);
	cancel_fire(arg);
	return NULL;
}

/* The cancel ends it at once. */
static void
test_cancel_ends_it(void **state)
{
	struct cancel c;
	struct error e;
	pthread_t t;
	char *out;

	(void)state;
	assert_int_equal(ERR_OK, cancel_init(&c, &e));
	pthread_create(&t, NULL, fire, &c);
	int64_t begun = now_ms();
	assert_int_equal(ERR_CANCELLED, secret_command(&out, "sleep 100", &c, 60000, &e));
	assert_in_range(now_ms() - begun, 50, 3000);
	pthread_join(t, NULL);
	cancel_close(&c);
}

TEST_MAIN(T(test_first_line_is_the_password), T(test_failure_is_told),
	T(test_deadline_kills_all), T(test_cancel_ends_it))
