/* The POP3 adapter: who gets a password, and what counts as a message. */
#include "pop3.h"
#include "script_server.h"

struct played {
	struct script script;
	struct pop3_config cfg;
	struct cancel cancel;
	struct pop3 *p;
	struct error e;
	struct arena arena;
};

static enum err
play(struct played *x, const char *text, enum net_security security, const struct pki *pki)
{
	struct backend_login login = { .user = "ada", .password = "hunter2" };
	struct cert_spec spec = { .cn = "x", .san = "DNS:localhost,IP:127.0.0.1",
		.usage = "serverAuth" };

	memset(x, 0, sizeof *x);
	if (pki) {
		x->script.server.cert = cert_make(pki, &spec, false);
		x->script.server.key = pki->key;
		x->cfg.net.ca_file = pki->ca_file;
	}
	script_start(&x->script, text);
	x->cfg.net.host = "127.0.0.1";
	x->cfg.net.port = x->script.server.port;
	x->cfg.net.security = security;
	x->cfg.net.connect_ms = x->cfg.net.io_ms = 30000;
	assert_int_equal(ERR_OK, cancel_init(&x->cancel, NULL));
	return pop3_open(&x->p, &x->cfg, &login, &x->cancel, &x->e);
}

static void
end(struct played *x)
{
	pop3_close(x->p);
	script_stop(&x->script);
	cancel_close(&x->cancel);
	arena_clear(&x->arena);
}

static void
done(struct played *x)
{
	end(x);
	if (*x->script.problem)
		fail_msg("%s", x->script.problem);
	script_clear(&x->script);
}

/* No user name, no password, nothing that begins a login was sent. */
static void
done_without_password(struct played *x)
{
	static const char *const words[] = { "hunter2", "AGFkYQ", "USER", "PASS", "AUTH",
		"APOP" };

	end(x);
	for (size_t i = 0; i < LEN(words); i++)
		assert_null(strstr(str_get(&x->script.got), words[i]));
	script_clear(&x->script);
}

#define HELLO "S: +OK <12.34@x> ready\nC: CAPA\nS: +OK\nS: UIDL\nS: TOP\n"
#define USER_LOGIN HELLO \
	"S: USER\nS: .\nC: USER ada\nS: +OK\nC: PASS hunter2\nS: +OK\nC: CAPA\nS: +OK\n"
#define SESSION USER_LOGIN "S: .\n"
#define PIPELINED USER_LOGIN "S: PIPELINING\nS: .\n"

/* The offer of STLS is stripped: it is sent all the same, and no
 * password follows a refusal. */
static void
test_stripped_stls_ends_it(void **state)
{
	struct played x;

	assert_int_equal(ERR_TLS, play(&x, "S: +OK <1@x> hi\nC: STLS\nS: -ERR unknown\n",
		NET_STARTTLS, *state));
	assert_non_null(strstr(x.e.text, "unknown"));
	done_without_password(&x);
}

/* An answer put in behind the +OK, before TLS, is an attack. */
static void
test_injection_before_tls_is_refused(void **state)
{
	struct played x;

	assert_int_equal(ERR_TLS,
		play(&x, "S: +OK hi\nC: STLS\nR: +OK go\\r\\n+OK injected\\r\\n\nTLS\n",
		NET_STARTTLS, *state));
	done_without_password(&x);
}

/* What is told before TLS is asked again inside it. */
static void
test_stls(void **state)
{
	struct played x;

	assert_int_equal(ERR_OK,
		play(&x,
		"S: +OK hi\nC: STLS\nS: +OK go\nTLS\nC: CAPA\nS: +OK\nS: SASL PLAIN\nS: .\nC: "
		"AUTH PLAIN\nS: + \nC: AGFkYQBodW50ZXIy\nS: +OK\nC: CAPA\nS: +OK\nS: .\n",
		NET_STARTTLS, *state));
	done(&x);
}

/* The time stamp of the greeting is never answered (APOP), and
 * greetings that are none end it. */
static void
test_strange_greetings(void **state)
{
	static const char *const greetings[] = { "S: * OK IMAP4rev1\n", "S: 220 smtp\n",
		"S: \n", "S: +OKAY\n", "S: -ERR go away\n", "R: \\x00\\x01\\n\n", "" };
	(void)state;

	for (size_t i = 0; i < LEN(greetings); i++) {
		struct played x;
		assert_int_equal(ERR_CONN, play(&x, greetings[i], NET_PLAIN, NULL));
		done_without_password(&x);
	}
}

/* A server from before CAPA gets USER and PASS. */
static void
test_without_capa(void **state)
{
	struct played x;
	(void)state;

	assert_int_equal(ERR_OK,
		play(&x,
		"S: +OK hi\nC: CAPA\nS: -ERR what\nC: USER ada\nS: +OK\nC: PASS hunter2\nS: "
		"+OK\nC: CAPA\nS: -ERR what\n", NET_PLAIN, NULL));
	done(&x);
}

/* A refused password asks the person; a maildrop in use is tried again. */
static void
test_refusals(void **state)
{
	static const struct { const char *words; enum err code; } refusals[] = {
		{ "S: -ERR wrong\n", ERR_AUTH }, { "S: -ERR [AUTH] wrong\n", ERR_AUTH },
		{ "S: -ERR [IN-USE] locked\n", ERR_CONN }, { "S: -ERR [SYS/TEMP] later\n",
			ERR_CONN },
		{ "S: -ERR [LOGIN-DELAY]\n", ERR_CONN }, { "S: -ERR [SYS/PERM] closed\n",
			ERR_UNSUPPORTED },
		{ "S: what\n", ERR_CONN },
	};
	(void)state;

	for (size_t i = 0; i < LEN(refusals); i++) {
		struct played x;
		struct str s = {0};
		str_puts(&s, HELLO "S: USER\nS: .\nC: USER ada\nS: +OK\nC: PASS hunter2\n");
		str_puts(&s, refusals[i].words);
		assert_int_equal(refusals[i].code, play(&x, str_get(&s), NET_PLAIN, NULL));
		assert_null(x.p);
		done(&x);
		str_clear(&s);
	}
}

/* LIST and UIDL in any order, with numbers that lie, lines that are
 * too long and none at all. */
static void
test_hostile_listing(void **state)
{
	struct played x;
	struct pop3_msg *v;
	size_t n;
	(void)state;

	assert_int_equal(ERR_OK,
		play(&x, SESSION
		"C: LIST\nS: +OK\nS: 3 30\nS: 1 10\nS: 3 31\nS: 0 5\nS: 99999999999999999999 "
		"1\nS: x y\nS: -1 4\nS: 4294967296 4\nS: 2\nS: ..\nS: 7 70 and more\nS: .\nC: "
		"UIDL\nS: +OK\nS: 9 nine\nS: 1 one\nR: 3 \\x1b[2J\\r\\n\nS: 7\nR: \\n\nS: .\n",
		NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, pop3_list(x.p, &x.arena, &v, &n, &x.e));
	assert_int_equal(3, n);
	assert_int_equal(1, v[0].number);
	assert_string_equal("one", v[0].uidl);
	assert_int_equal(3, v[1].number);
	assert_string_equal("", v[1].uidl);
	assert_int_equal(70, v[2].size_bytes);
	done(&x);
}

/* A listing without end is ended by its count, long before its bytes. */
static void
test_endless_listing(void **state)
{
	struct played x;
	struct pop3_msg *v;
	struct str s = {0};
	size_t n;
	(void)state;

	str_puts(&s, SESSION "C: LIST\nS: +OK\nR: ");
	for (int i = 0; i <= 1000 * 1000; i++)
		str_puts(&s, "1 9\\r\\n");
	str_puts(&s, "\n");
	assert_int_equal(ERR_OK, play(&x, str_get(&s), NET_PLAIN, NULL));
	assert_int_equal(ERR_CONN, pop3_list(x.p, &x.arena, &v, &n, &x.e));
	assert_non_null(strstr(x.e.text, "more than a million"));
	assert_int_equal(0, n);
	done(&x);
	str_clear(&s);
}

static enum err
fetch(struct played *x, const struct pop3_msg *m, size_t size, struct str *out)
{
	char buf[64];
	size_t n;
	enum err rc = pop3_ask(x->p, m, false, &x->e);

	if (rc == ERR_OK)
		rc = pop3_take(x->p, &x->e);
	while (rc == ERR_OK && (rc = pop3_read(x->p, buf, size, &n, &x->e)) == ERR_OK && n > 0)
		str_add(out, buf, n);
	return rc;
}

/* A message ends at CRLF "." CRLF and nowhere else; dots are unstuffed,
 * however small the buffer. */
static void
test_end_of_message(void **state)
{
	static const struct pop3_msg m = { .number = 1, .size_bytes = 10 };
	static const struct { const char *sent, *got; size_t n; } cases[] = {
		{ "R: a\\r\\n..b\\r\\n.\\r\\n\n", "a\r\n.b\r\n", 7 },
		{ "R: .\\r\\n\n", "", 0 },
		{ "R: a\\n.\\r\\nb\\r\\n.\\r\\n\n", "a\n.\r\nb\r\n", 8 },
		{ "R: a\\r\\n.\\nb\\r\\n.\\r\\n\n", "a\r\n\nb\r\n", 7 },
		{ "R: ..\\r\\n...\\r\\n.\\r\\n\n", ".\r\n..\r\n", 7 },
		{ "R: a\\r.\\r\\n.\\rb\\r\\n.\\r\\n\n", "a\r.\r\n\rb\r\n", 9 },
		{ "R: a\\x00b\\r\\n.\\r\\n\n", "a\0b\r\n", 5 },
	};
	(void)state;

	for (size_t i = 0; i < LEN(cases) * 3; i++) {
		struct played x;
		struct str s = {0}, got = {0};
		str_puts(&s, SESSION "C: RETR 1\nS: +OK\n");
		str_puts(&s, cases[i / 3].sent);
		assert_int_equal(ERR_OK, play(&x, str_get(&s), NET_PLAIN, NULL));
		if (fetch(&x, &m, (const size_t[]){ 1, 3, 64 }[i % 3], &got) != ERR_OK)
			fail_msg("case %zu: %s", i, x.e.text);
		assert_int_equal(cases[i / 3].n, got.len);
		assert_memory_equal(cases[i / 3].got, str_get(&got), got.len);
		done(&x);
		str_clear(&s);
		str_clear(&got);
	}
}

/* A server that ends its status line with a bare LF is taken at its word. */
static void
test_lf_only_server(void **state)
{
	static const struct pop3_msg m = { .number = 1, .size_bytes = 10 };
	struct played x;
	struct str got = {0};
	(void)state;

	assert_int_equal(ERR_OK, play(&x, SESSION "C: RETR 1\nR: +OK\\na\\n..b\\n.\\n\n",
		NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, fetch(&x, &m, 64, &got));
	assert_string_equal("a\n.b\n", str_get(&got));
	done(&x);
	str_clear(&got);
}

/* Whatever ends a message but its dot is a cut: the bytes count for nothing. */
static void
test_cut_message(void **state)
{
	static const struct pop3_msg m = { .number = 1, .size_bytes = 10 };
	static const char *const cuts[] = { "", "R: a\\r\\n\n", "R: a\\r\\n.\n",
		"R: a\\r\\n.\\r\n", "R: a.\\r\\n\n" };
	(void)state;

	for (size_t i = 0; i < LEN(cuts); i++) {
		struct played x;
		struct str s = {0}, got = {0};
		str_puts(&s, SESSION "C: RETR 1\nS: +OK\n");
		str_puts(&s, cuts[i]);
		assert_int_equal(ERR_OK, play(&x, str_get(&s), NET_PLAIN, NULL));
		assert_int_equal(ERR_CONN, fetch(&x, &m, 64, &got));
		assert_int_equal(ERR_CONN, pop3_ask(x.p, &m, false, &x.e));
		done(&x);
		str_clear(&s);
		str_clear(&got);
	}
}

/* Asked for ahead, answered in order; a refusal in between costs itself. */
static void
test_pipelining(void **state)
{
	static const struct pop3_msg m[] = { { 1, 10, "" }, { 2, 10, "" }, { 3, 10, "" } };
	uint32_t numbers[] = { 1, 3 };
	bool refused[2] = { false, false };
	struct played x;
	char buf[64];
	size_t n;
	(void)state;

	assert_int_equal(ERR_OK,
		play(&x, PIPELINED "C: RETR 1\nC: RETR 2\nC: RETR 3\nS: +OK\nS: one\nS: .\nS: "
		"-ERR gone\nS: +OK\nS: three\nS: .\nC: DELE 1\nC: DELE 3\nS: +OK\nS: -ERR "
		"no\nC: QUIT\nS: +OK\n", NET_PLAIN, NULL));
	for (size_t i = 0; i < LEN(m); i++)
		assert_int_equal(ERR_OK, pop3_ask(x.p, &m[i], false, &x.e));
	assert_int_equal(ERR_OK, pop3_take(x.p, &x.e));
	assert_int_equal(ERR_LOCAL, pop3_dele(x.p, numbers, 2, refused, &x.e));
	assert_int_equal(ERR_OK, pop3_read(x.p, buf, sizeof buf, &n, &x.e));
	assert_memory_equal("one\r\n", buf, 5);
	while (n > 0)
		assert_int_equal(ERR_OK, pop3_read(x.p, buf, sizeof buf, &n, &x.e));
	assert_int_equal(ERR_MSG, pop3_take(x.p, &x.e));
	assert_non_null(strstr(x.e.text, "gone"));
	assert_int_equal(ERR_OK, pop3_take(x.p, &x.e));
	do
		assert_int_equal(ERR_OK, pop3_read(x.p, buf, sizeof buf, &n, &x.e));
	while (n > 0);
	assert_int_equal(ERR_OK, pop3_dele(x.p, numbers, 2, refused, &x.e));
	assert_true(!refused[0] && refused[1]);
	assert_int_equal(ERR_OK, pop3_quit(x.p, 1000, &x.e));
	done(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_stripped_stls_ends_it),
		T(test_injection_before_tls_is_refused), T(test_stls),
		T(test_strange_greetings), T(test_without_capa), T(test_refusals),
		T(test_hostile_listing), T(test_endless_listing), T(test_end_of_message),
		T(test_lf_only_server), T(test_cut_message), T(test_pipelining) };
	return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
