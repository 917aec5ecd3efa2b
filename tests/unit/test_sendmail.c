/* Handing mail to a command: what it is given, what its end means, and that nothing in an
 * address is a word to a shell. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "sendmail.h"
#include "str.h"
#include "test.h"

struct fixture {
	char *dir, *out;
	struct cancel cancel;
	struct error e;
	struct send_rcpt rcpts[2];
	struct send_mail mail;
	int n_before;
	enum err before;
};

static const char bytes[] = "Subject: x\r\n\r\n.\r\n.dots\r\nend\r\n";

static enum err
before_end(void *ctx, struct error *e)
{
	struct fixture *fx = ctx;

	fx->n_before++;
	assert_int_equal(-1, access(fx->out, F_OK));	/* it was not started yet */
	return fx->before == ERR_OK ? ERR_OK : error_set(e, fx->before, "no room");
}

static int
fx_open(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	*state = fx;
	fx->dir = xstrdup("/tmp/dunlin-sendmail-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->out = path_join(fx->dir, "out");
	assert_int_equal(ERR_OK, cancel_init(&fx->cancel, NULL));
	fx->rcpts[0].addr = "bob@example.net";
	fx->rcpts[1].addr = "eve@example.net";
	fx->mail = (struct send_mail){ .from = "ada@example.org", .rcpts = fx->rcpts,
		.n_rcpts = 1, .bytes = bytes, .len = sizeof bytes - 1,
		.id = "a+b=c@example.org", .before_end = before_end, .ctx = fx };
	return 0;
}

static int
fx_close(void **state)
{
	struct fixture *fx = *state;

	unlink(fx->out);
	rmdir(fx->dir);
	cancel_close(&fx->cancel);
	free(fx->dir);
	free(fx->out);
	free(fx);
	return 0;
}

/* OUT in the command stands for the file where it writes. */
static enum err
hand_over(struct fixture *fx, const char *command, unsigned notify, int deadline_ms)
{
	struct str s = {0};

	for (const char *p = command, *mark; *p; p = mark) {
		mark = strstr(p, "OUT");
		mark = mark ? mark : p + strlen(p);
		str_add(&s, p, (size_t)(mark - p));
		if (*mark) {
			str_puts(&s, fx->out);
			mark += strlen("OUT");
		}
	}
	unlink(fx->out);
	for (size_t i = 0; i < LEN(fx->rcpts); i++)
		fx->rcpts[i].verdict = SEND_WAITING;
	fx->n_before = 0;
	struct sendmail_config cfg = { .command = str_get(&s), .notify = notify,
		.deadline_ms = deadline_ms };
	struct sender *sender = sendmail_new(&cfg, &fx->cancel);
	enum err rc = sender->ops->connect(sender, NULL, &fx->e);
	if (rc == ERR_OK)
		rc = sender->ops->send(sender, &fx->mail, &fx->e);
	sender->ops->close(sender, 0);
	str_clear(&s);
	return rc;
}

static char *
got(struct fixture *fx)
{
	char *text;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&text, &n, fx->out, 100000, &fx->e));
	return text;
}

static void
assert_got(struct fixture *fx, const char *want)
{
	char *text = got(fx);

	assert_string_equal(want, text);
	free(text);
}

/* The message comes as it is, with LF at line ends and its dots alone. */
static void
test_message(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_OK, hand_over(fx, "cat > OUT; :", 0, 0));
	assert_int_equal(SEND_DONE, fx->rcpts[0].verdict);
	assert_int_equal(1, fx->n_before);
	assert_got(fx, "Subject: x\n\n.\n.dots\nend\n");
}

/* Arguments as sendmail takes them; DSN only where it is asked for, and the id as xtext. */
static void
test_arguments(void **state)
{
	struct fixture *fx = *state;

	fx->mail.n_rcpts = 2;
	assert_int_equal(ERR_OK, hand_over(fx, "printf '%s\\n' > OUT", 0, 0));
	assert_got(fx, "-i\n-f\nada@example.org\n--\nbob@example.net\neve@example.net\n");
	assert_int_equal(ERR_OK, hand_over(fx, "printf '%s\\n' > OUT",
		NOTIFY_DELAY | NOTIFY_FAILURE, 0));
	assert_got(fx,
		"-i\n-f\nada@example.org\n-N\nFAILURE,DELAY\n-R\nhdrs\n-V\n"
		"a+2Bb+3Dc@example.org\n--\nbob@example.net\neve@example.net\n");
	assert_int_equal(ERR_OK,
		hand_over(fx, "printf '%s\\n' $DUNLIN_SENDER \"$@\" end > OUT", 0, 0));
	assert_got(fx, "ada@example.org\nbob@example.net\neve@example.net\nend\n");
}

/* No address is anything but an argument: not to the shell, and not an option. */
static void
test_hostile_addresses(void **state)
{
	struct fixture *fx = *state;
	static const char *const addresses[] = { "`touch x`@example.net",
		"$(touch x)@example.net", "\"a'b;touch x|y&z\"@example.net",
		"-oQ/tmp@example.net", "*?[a]~@example.net", "a\\\"$HOME@example.net" };

	for (size_t i = 0; i < LEN(addresses); i++) {
		fx->rcpts[0].addr = addresses[i];
		fx->mail.from = addresses[i];
		assert_int_equal(ERR_OK, hand_over(fx, "printf '%s\\n' > OUT", 0, 0));
		char *want = xasprintf("-i\n-f\n%s\n--\n%s\n", addresses[i], addresses[i]);
		assert_got(fx, want);
		free(want);
		assert_int_equal(-1, access("x", F_OK));
	}
	fx->mail.from = "ada@example.org";
	fx->rcpts[0].addr = "bob@example.net\nBcc: eve@example.net";
	assert_int_equal(ERR_OK, hand_over(fx, "printf '%s\\n' > OUT", 0, 0));
	assert_int_equal(SEND_REFUSED, fx->rcpts[0].verdict);
	assert_int_equal(0, fx->n_before);
}

/* What the end of the command says of the mail, and its first line of complaint. */
static void
test_exit_codes(void **state)
{
	struct fixture *fx = *state;
	static const struct {
		const char *command;
		enum send_verdict want;
		const char *words;
	} cases[] = {
		{ "true", SEND_DONE, "taken" },
		{ "f() { echo >&2; echo 'queue is full' >&2; echo more >&2; exit 75; }; f",
			SEND_WAITING,
			"queue is full - sendmail command, exit code 75: not just now" },
		{ "f() { exit 71; }; f", SEND_WAITING, "exit code 71" },
		{ "f() { printf 'no \\033[2Jsuch user' >&2; exit 67; }; f", SEND_REFUSED,
			"such user - " },
		{ "f() { exit 69; }; f", SEND_REFUSED,
			"exit code 69: it cannot deliver this" },
		{ "f() { exit 64; }; f", SEND_REFUSED, "exit code 64" },
		{ "f() { exit 78; }; f", SEND_REFUSED, "exit code 78" },
		{ "false", SEND_REFUSED, "exit code 1: it failed" },
		{ "no-such-command-at-all", SEND_REFUSED,
			"exit code 127: there is no such command" },
		{ "f() { kill -9 $$; }; f", SEND_UNSURE, "signal 9" },
		{ "f() { sh -c 'kill -15 $$'; exit $?; }; f", SEND_UNSURE, "signal 15" },
		{ "f() { head -c 1000000 /dev/zero | tr '\\0' 'x' >&2; exit 70; }; f",
			SEND_REFUSED, "xxx" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_equal(ERR_OK, hand_over(fx, cases[i].command, 0, 0));
		if (fx->rcpts[0].verdict != cases[i].want ||
		    !strstr(fx->rcpts[0].words, cases[i].words))
			fail_msg("%s: verdict %d, '%s'", cases[i].command,
			fx->rcpts[0].verdict,
				fx->rcpts[0].words);
		assert_null(strchr(fx->rcpts[0].words, '\033'));
		assert_int_equal(1, fx->n_before);
	}
}

/* What does not end is killed, and the mail unsure. */
static void
test_hangs(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_OK, hand_over(fx, "f() { sleep 60; }; f", 0, 200));
	assert_int_equal(SEND_UNSURE, fx->rcpts[0].verdict);
}

/* Quitting while it is at work leaves it alone: it gets the whole
 * message, and ends by itself. */
static void
test_cancelled(void **state)
{
	struct fixture *fx = *state;

	cancel_fire(&fx->cancel);
	assert_int_equal(ERR_CANCELLED,
		hand_over(fx,
		"f() { sleep 0.3; cat > OUT.part; echo >&2; mv OUT.part OUT; }; f", 0, 0));
	assert_int_equal(SEND_UNSURE, fx->rcpts[0].verdict);
	for (int i = 0; i < 500 && access(fx->out, F_OK) < 0; i++)
		usleep(20000);
	assert_got(fx, "Subject: x\n\n.\n.dots\nend\n");
}

/* The caller could not record that it begins, or the program is not there: nothing is run. */
static void
test_not_begun(void **state)
{
	struct fixture *fx = *state;

	fx->before = ERR_LOCAL;
	assert_int_equal(ERR_LOCAL, hand_over(fx, "cat > OUT", 0, 0));
	assert_int_equal(SEND_WAITING, fx->rcpts[0].verdict);
	assert_int_equal(-1, access(fx->out, F_OK));
	fx->before = ERR_OK;
	assert_int_equal(ERR_LOCAL, hand_over(fx, "/nonexistent/sendmail -v", 0, 0));
	assert_int_equal(0, fx->n_before);
	assert_non_null(strstr(fx->e.text, "/nonexistent/sendmail"));
}

int
main(void)
{
#define F(f) cmocka_unit_test_setup_teardown(f, fx_open, fx_close)
	const struct CMUnitTest tests[] = { F(test_message), F(test_arguments),
		F(test_hostile_addresses), F(test_exit_codes), F(test_hangs),
		F(test_cancelled), F(test_not_begun) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
