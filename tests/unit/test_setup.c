/* `dunlin setup`, answered through a pipe, on accounts of local mbox files: no network. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "cli/guess.h"
#include "path.h"
#include "rc.h"
#include "remove_tree.h"
#include "str.h"
#include "test.h"

struct place {
	char dir[32];
	char *path;			/* of the mailrc */
};

static int
set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof *p);

	strcpy(p->dir, "/tmp/dunlin-setup-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	setenv("HOME", p->dir, 1);
	p->path = xasprintf("%s/.config/dunlin/mailrc", p->dir);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	int rc = remove_tree(p->dir);

	free(p->path);
	free(p);
	return rc;
}

/* Runs it with these lines on standard input; what it prints is thrown away. */
static int
answer(const struct place *p, const char *lines)
{
	int fds[2], in = dup(STDIN_FILENO), out = dup(STDOUT_FILENO);
	struct dirs dirs = { .config = (char *)"", .data = (char *)"", .cache = (char *)"" };

	assert_int_equal(0, pipe(fds));
	assert_int_equal(ERR_OK, fd_write_all(fds[1], lines, strlen(lines), NULL));
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	fflush(stdout);
	int null = open("/dev/null", O_WRONLY);
	dup2(null, STDOUT_FILENO);
	close(null);
	int code = cli_setup(&dirs, p->path);
	fflush(stdout);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	close(in);
	close(out);
	return code;
}

static char *
written(const struct place *p)
{
	char *text;
	size_t n;

	return file_read(&text, &n, p->path, 1 << 20, NULL) == ERR_OK ? text : NULL;
}

static char *
answers_for(const struct place *p, const char *name, const char *account)
{
	return xasprintf("%s\nada@localhost\nmbox:%s/Mail\n%s\n", name, p->dir, account);
}

/* The answers become a section in a private file that reads back as they were. */
static void
test_writes_an_account(void **state)
{
	struct place *p = *state;
	char *lines = answers_for(p, "Lovelace, Ada", "home");
	struct rc *rc;
	struct stat st;

	assert_int_equal(0, answer(p, lines));
	assert_int_equal(0, stat(p->path, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	assert_int_equal(ERR_OK, rc_read(&rc, p->path, NULL));
	assert_int_equal(0, rc->n_problems);
	assert_int_equal(1, rc->n_accounts);
	assert_string_equal("home", rc->accounts[0].name);
	assert_string_equal("\"Lovelace, Ada\" <ada@localhost>", rc->accounts[0].from);
	assert_int_equal(RC_MBOX, rc->accounts[0].receive.protocol);
	rc_free(rc);
	free(lines);
}

/* What was in the file stays byte by byte; a name that is taken is asked for again. */
static void
test_keeps_what_is_there(void **state)
{
	struct place *p = *state;
	char *first = answers_for(p, "Ada", "home"), *second = answers_for(p, "Bob",
		"home\nHOME\nwork");

	assert_int_equal(0, answer(p, first));
	char *before = written(p);
	assert_int_equal(0, answer(p, second));
	char *after = written(p);
	assert_true(str_starts(after, before));
	assert_non_null(strstr(after + strlen(before),
		"\n[account work]\nfrom = Bob <ada@localhost>\n"));
	free(first);
	free(second);
	free(before);
	free(after);
}

/* An input that ends too early writes nothing, wherever it ends;
 * wrong answers are asked again. */
static void
test_end_of_input_writes_nothing(void **state)
{
	struct place *p = *state;
	const char *texts[] = { "", "Ada\n", "Ada\nnobody\n",
		"Ada\na b@c\n<x@y>\nada@localhost\n",
		"Ada\nada@localhost\n\nimaps://u:secret@h\nhttp://x\n",
		"Ada\nada@localhost\nmbox:/tmp\n" };

	for (size_t i = 0; i < LEN(texts); i++) {
		assert_int_equal(1, answer(p, texts[i]));
		assert_null(written(p));
	}
}

/* A server that does not answer is told, and saved only when the person says so; every
 * character of a password is kept. */
static void
test_failed_try(void **state)
{
	struct place *p = *state;
	const char *answers =
		"Ada\nada@localhost\nimap+insecure://ada@127.0.0.1:1\nnone\ntype\nx; "
		"#\"\\'y\nlocal\n";
	char *quit = xasprintf("%sq\n", answers), *save = xasprintf("%ssave\n", answers);
	struct rc *rc;

	assert_int_equal(1, answer(p, quit));
	assert_null(written(p));
	assert_int_equal(1, answer(p, save));
	assert_int_equal(ERR_OK, rc_read(&rc, p->path, NULL));
	assert_int_equal(1, rc->n_accounts);
	assert_string_equal("x; #\"\\'y", rc->accounts[0].password);
	assert_string_equal("ada", rc->accounts[0].receive.user);
	rc_free(rc);
	free(quit);
	free(save);
}

/* Large providers are known without a look at the network, whatever the case. */
static void
test_known_providers(void **state)
{
	(void)state;
	struct guess g;

	guess_servers(&g, "ada@GMail.com", NULL, NULL);
	assert_string_equal("imaps://imap.gmail.com", g.receive);
	assert_string_equal("smtps://smtp.gmail.com", g.send);
	assert_non_null(g.note);
	guess_clear(&g);
	guess_servers(&g, "ada@localhost", NULL, NULL);
	assert_null(g.receive);
	guess_clear(&g);
}

/* Every URL in the table is one that the mailrc takes; what has no servers says why. */
static void
test_providers(void **state)
{
	(void)state;
	static const char *const domains[] = { "gmail.com", "hotmail.de", "yahoo.com.br",
		"aol.com", "me.com", "fastmail.com", "gmx.at", "gmx.com", "web.de",
		"mailbox.org", "posteo.de", "t-online.de", "freenet.de", "zoho.com", "zoho.eu",
		"yandex.ru", "mail.ru", "qq.com", "wanadoo.fr", "free.fr", "laposte.net",
		"seznam.cz", "comcast.net", "runbox.com", "riseup.net", "disroot.org",
		"proton.me" };
	struct rc_url u;

	for (size_t i = 0; i < LEN(domains); i++) {
		const struct provider *p = provider_of_domain(domains[i]);
		assert_non_null(p);
		assert_int_equal(ERR_OK, rc_url_parse(&u, p->receive, NULL));
		assert_int_equal(RC_IMAP, u.protocol);
		rc_url_clear(&u);
		assert_int_equal(ERR_OK, rc_url_parse(&u, p->send, NULL));
		assert_int_equal(RC_SMTP, u.protocol);
		rc_url_clear(&u);
	}
	assert_null(provider_of_domain("mail.com.example"));
	assert_null(provider_of_domain("mail"));
	assert_null(provider_of_domain(""));
	assert_true(provider_of_domain("tuta.com")->flags & PROVIDER_CLOSED);
}

/* A domain of one's own is known by the provider that takes its mail, and
 * by nobody who ends alike. */
static void
test_provider_by_mx(void **state)
{
	(void)state;
	const struct provider *p = provider_of_mx("ASPMX.L.google.com");

	assert_string_equal("imaps://imap.gmail.com", p ? p->receive : "(none)");
	p = provider_of_mx("example-org.mail.protection.outlook.com");
	assert_true(p && p->flags & PROVIDER_TOKEN);
	assert_null(provider_of_mx("notgoogle.com"));
	assert_null(provider_of_mx("google.com.example"));
	assert_null(provider_of_mx(""));
}

/* What is proposed can be taken by Enter: the user is asked behind the server. Nothing is
 * reached here, for the servers are on this machine and do not run. */
static void
test_takes_the_proposal(void **state)
{
	struct place *p = *state;
	struct rc *rc;

	assert_int_equal(1, answer(p, "Ada\nada@proton.me\n\n\n\necho x\nhome\nsave\n"));
	assert_int_equal(ERR_OK, rc_read(&rc, p->path, NULL));
	assert_int_equal(0, rc->n_problems);
	assert_int_equal(1, rc->n_accounts);
	assert_string_equal("ada@proton.me", rc->accounts[0].receive.user);
	assert_int_equal(1143, rc->accounts[0].receive.port);
	assert_string_equal("ada@proton.me", rc->accounts[0].send.user);
	rc_free(rc);
}

/* Of SRV records the one with the lowest priority counts; "." and a cut answer are none. */
static void
test_srv_answer(void **state)
{
	(void)state;
	static const unsigned char dns[] = "\0\1\x81\x80\0\1\0\2\0\0\0\0" "\1a\0\0\x21\0\1"
		"\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0b" "\0\5\0\0\3\xe1" "\3bad\0"
		"\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0b" "\0\1\0\0\3\xe1" "\3mx1\0";
	static const unsigned char none[] = "\0\1\x81\x80\0\1\0\1\0\0\0\0" "\1a\0\0\x21\0\1"
		"\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\7" "\0\0\0\0\0\0\0";

	char *host = guess_srv_answer(dns, sizeof dns - 1);
	assert_string_equal("mx1:993", host ? host : "(none)");
	free(host);
	assert_null(guess_srv_answer(none, sizeof none - 1));
	for (size_t n = 0; n < sizeof dns - 1; n++)
		free(guess_srv_answer(dns, n));
}

/* The same of MX records, and one kind is not taken for the other. */
static void
test_mx_answer(void **state)
{
	(void)state;
	static const unsigned char dns[] = "\0\1\x81\x80\0\1\0\2\0\0\0\0" "\1a\0\0\x0f\0\1"
		"\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\7" "\0\x14" "\3bad\0"
		"\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\7" "\0\x0a" "\3mx1\0";

	char *host = guess_mx_answer(dns, sizeof dns - 1);
	assert_string_equal("mx1", host ? host : "(none)");
	free(host);
	assert_null(guess_srv_answer(dns, sizeof dns - 1));
	for (size_t n = 0; n < sizeof dns - 1; n++)
		free(guess_mx_answer(dns, n));
}

#define TP(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
TEST_MAIN(TP(test_writes_an_account), TP(test_keeps_what_is_there),
	TP(test_end_of_input_writes_nothing), TP(test_failed_try), TP(test_takes_the_proposal),
	T(test_known_providers), T(test_providers), T(test_provider_by_mx), T(test_srv_answer),
	T(test_mx_answer))
