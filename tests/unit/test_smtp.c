/* Handing mail to a server: every recipient's own answer, and the one moment in which nothing
 * is sure. */
#include "script_server.h"
#include "smtp.h"

struct fixture {
	struct script sc;
	struct cancel cancel;
	struct sender *s;
	struct error e;
	struct send_rcpt rcpts[3];
	struct send_mail mail;
	unsigned notify;
	int n_before;			/* calls of before_end */
	enum err before;		/* what it says */
};

#define GREET "S: 220 mx.test ESMTP\nC: EHLO [127.0.0.1]\n"
#define PLAIN_SERVER GREET "S: 250 mx.test\n"
#define MAIL "C: MAIL FROM:<ada@example.org>\nS: 250 2.1.0 ok\n"
#define RCPT "C: RCPT TO:<bob@example.net>\nS: 250 2.1.5 ok\n"
#define BODY "C: Subject: x\nC: \nC: ..\nC: ..dots\nC: end\nC: .\n"

static const char bytes[] = "Subject: x\r\n\r\n.\r\n.dots\r\nend\r\n";

static enum err
before_end(void *ctx, struct error *e)
{
	struct fixture *fx = ctx;

	fx->n_before++;
	return fx->before == ERR_OK ? ERR_OK : error_set(e, fx->before, "no room");
}

static int
fx_open(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);
	static const char *const to[] = { "bob@example.net", "eve@example.net",
		"joe@example.net" };

	*state = fx;
	net_init();
	assert_int_equal(ERR_OK, cancel_init(&fx->cancel, NULL));
	for (size_t i = 0; i < LEN(to); i++)
		fx->rcpts[i].addr = to[i];
	fx->mail = (struct send_mail){ .from = "ada@example.org", .rcpts = fx->rcpts,
		.n_rcpts = 1,
		.bytes = bytes, .len = sizeof bytes - 1, .before_end = before_end, .ctx = fx };
	return 0;
}

static enum err
connect_to(struct fixture *fx, const char *script, const struct sender_login *l)
{
	script_start(&fx->sc, script);
	struct smtp_config cfg = { .net = { .host = "127.0.0.1", .port = fx->sc.server.port,
		.security = NET_PLAIN, .io_ms = 3000 }, .answer_ms = 3000,
		.notify = fx->notify };
	fx->s = smtp_new(&cfg, &fx->cancel);
	return fx->s->ops->connect(fx->s, l, &fx->e);
}

static enum err
play(struct fixture *fx, const char *script)
{
	if (connect_to(fx, script, NULL) != ERR_OK)
		fail_msg("%s", fx->e.text);
	return fx->s->ops->send(fx->s, &fx->mail, &fx->e);
}

/* Hangs up, and waits for the server. */
static void
hang_up(struct fixture *fx)
{
	if (!fx->s)
		return;
	fx->s->ops->close(fx->s, 200);
	fx->s = NULL;
	script_stop(&fx->sc);
}

static void
end(struct fixture *fx)
{
	hang_up(fx);
	if (*fx->sc.problem)
		fail_msg("%s", fx->sc.problem);
	script_clear(&fx->sc);
	memset(&fx->sc, 0, sizeof fx->sc);
}

static int
fx_close(void **state)
{
	struct fixture *fx = *state;

	cancel_close(&fx->cancel);
	free(fx);
	return 0;
}

/* Dots are doubled, line ends are CRLF, and 250 behind the final dot means sent. */
static void
test_sent(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_OK, play(fx, PLAIN_SERVER MAIL RCPT "C: DATA\nS: 354 go\n" BODY
		"S: 250 2.0.0 queued as 42\nC: QUIT\nS: 221 bye\n"));
	assert_int_equal(SEND_DONE, fx->rcpts[0].verdict);
	assert_string_equal("250 2.0.0 queued as 42", fx->rcpts[0].words);
	assert_int_equal(1, fx->n_before);
	end(fx);
}

/* The server's own answer is kept for each recipient, and the mail goes to the others. */
static void
test_recipients(void **state)
{
	struct fixture *fx = *state;

	fx->mail.n_rcpts = 3;
	assert_int_equal(ERR_OK, play(fx, PLAIN_SERVER MAIL RCPT
		"C: RCPT TO:<eve@example.net>\nS: 550-5.1.1 no such\nS: 550 5.1.1 user\n"
		"C: RCPT TO:<joe@example.net>\nS: 451 4.7.1 come back later\n"
		"C: DATA\nS: 354 go\n" BODY "S: 250 fine\nC: QUIT\nS: 221 bye\n"));
	assert_int_equal(SEND_DONE, fx->rcpts[0].verdict);
	assert_int_equal(SEND_REFUSED, fx->rcpts[1].verdict);
	assert_string_equal("550 5.1.1 no such 5.1.1 user", fx->rcpts[1].words);
	assert_int_equal(SEND_WAITING, fx->rcpts[2].verdict);
	assert_string_equal("451 4.7.1 come back later", fx->rcpts[2].words);
	end(fx);
}

/* With PIPELINING the envelope goes in one go, and a refused MAIL is nobody's refusal of a
 * recipient. */
static void
test_pipelining(void **state)
{
	struct fixture *fx = *state;

	fx->mail.n_rcpts = 2;
	assert_int_equal(ERR_OK, play(fx,
		GREET "S: 250-mx.test\nS: 250-PIPELINING\nS: 250 SIZE 1000\n"
		"C: MAIL FROM:<ada@example.org> SIZE=*\nC: RCPT TO:<bob@example.net>\nC: RCPT"
		" TO:<eve@example.net>\n"
		"S: 451 4.3.0 disk\nS: 503 5.5.1 need MAIL\nS: 503 5.5.1 need MAIL\nC:"
		" QUIT\nS: 221 bye\n"));
	assert_int_equal(SEND_WAITING, fx->rcpts[0].verdict);
	assert_string_equal("451 4.3.0 disk", fx->rcpts[1].words);
	assert_int_equal(0, fx->n_before);
	end(fx);
}

/* 4xx at any verb leaves it waiting, 5xx refuses it, and neither tells the caller that the
 * moment has come. */
static void
test_refusals(void **state)
{
	struct fixture *fx = *state;
	static const char *const at[] = {
		PLAIN_SERVER "C: MAIL FROM:<ada@example.org>\nS: %s\n",
		PLAIN_SERVER MAIL "C: RCPT TO:<bob@example.net>\nS: %s\n",
		PLAIN_SERVER MAIL RCPT "C: DATA\nS: %s\n",
		PLAIN_SERVER MAIL RCPT "C: DATA\nS: 354 go\n" BODY "S: %s\n",
	};

	for (size_t i = 0; i < LEN(at) * 2; i++) {
		bool is_final = i % 2;
		struct str script = {0};
		const char *mark = strstr(at[i / 2], "%s");
		str_add(&script, at[i / 2], (size_t)(mark - at[i / 2]));
		str_puts(&script, is_final ? "554 5.7.1 never" : "450 4.2.0 later");
		str_puts(&script, mark + 2);
		fx->rcpts[0].verdict = SEND_WAITING;
		fx->n_before = 0;
		assert_int_equal(ERR_OK, play(fx, script.data));
		assert_int_equal(is_final ? SEND_REFUSED : SEND_WAITING, fx->rcpts[0].verdict);
		assert_string_equal(is_final ? "554 5.7.1 never" : "450 4.2.0 later",
			fx->rcpts[0].words);
		assert_int_equal(i / 2 == 3, fx->n_before);
		end(fx);
		str_clear(&script);
	}
}

/* What the server says it does not take is not sent to it. */
static void
test_unfit(void **state)
{
	struct fixture *fx = *state;
	static const char *const words[] = { "takes 0 KB", "SMTPUTF8", "8BITMIME" };

	for (int i = 0; i < 3; i++) {
		fx->rcpts[0].verdict = SEND_WAITING;
		fx->mail.needs_utf8 = i == 1;
		fx->mail.needs_8bit = i == 2;
		assert_int_equal(ERR_OK, play(fx, i ? PLAIN_SERVER "C: QUIT\nS: 221 bye\n"
			: GREET "S: 250-mx.test\nS: 250 SIZE 20\nC: QUIT\nS: 221 bye\n"));
		assert_int_equal(SEND_REFUSED, fx->rcpts[0].verdict);
		assert_non_null(strstr(fx->rcpts[0].words, words[i]));
		end(fx);
	}
}

static void
test_extensions(void **state)
{
	struct fixture *fx = *state;

	fx->mail.needs_utf8 = fx->mail.needs_8bit = true;
	assert_int_equal(ERR_OK, play(fx,
		GREET "S: 250-mx.test\nS: 250-8BITMIME\nS: 250 SMTPUTF8\n"
		"C: MAIL FROM:<ada@example.org> BODY=8BITMIME SMTPUTF8\nS: 250 ok\n" RCPT
		"C: DATA\nS: 354 go\n" BODY "S: 250 ok\nC: QUIT\nS: 221 bye\n"));
	assert_int_equal(SEND_DONE, fx->rcpts[0].verdict);
	end(fx);
}

/* Reports are asked for in the words of RFC 3461, and only of a server that offers them. */
static void
test_dsn(void **state)
{
	struct fixture *fx = *state;

	fx->notify = NOTIFY_DELAY | NOTIFY_FAILURE | NOTIFY_SUCCESS;
	fx->mail.id = "1+2=3.x@example.org";
	assert_int_equal(ERR_OK, play(fx, GREET "S: 250-mx.test\nS: 250 DSN\n"
		"C: MAIL FROM:<ada@example.org> RET=HDRS ENVID=1+2B2+3D3.x@example.org\nS: "
		"250 ok\nC: RCPT TO:<bob@example.net> NOTIFY=SUCCESS,FAILURE,DELAY\nS: "
		"250 ok\nC: DATA\nS: 354 go\n" BODY "S: 250 ok\nC: QUIT\nS: 221 bye\n"));
	end(fx);
	fx->rcpts[0].verdict = SEND_WAITING;
	assert_int_equal(ERR_OK, play(fx, PLAIN_SERVER MAIL RCPT "C: DATA\nS: 354 go\n" BODY
		"S: 250 ok\nC: QUIT\nS: 221 bye\n"));
	end(fx);
	/* and an id too long for an envelope is left out */
	fx->notify = NOTIFY_NEVER;
	char *id = xasprintf("%0101d@example.org", 7);
	fx->mail.id = id;
	fx->rcpts[0].verdict = SEND_WAITING;
	assert_int_equal(ERR_OK, play(fx, GREET "S: 250-mx.test\nS: 250 DSN\n"
		"C: MAIL FROM:<ada@example.org> RET=HDRS\nS: 250 ok\n"
		"C: RCPT TO:<bob@example.net> NOTIFY=NEVER\nS: 250 ok\n"
		"C: DATA\nS: 354 go\n" BODY "S: 250 ok\nC: QUIT\nS: 221 bye\n"));
	end(fx);
	free(id);
}

/* An address with a line end in it goes into no command. */
static void
test_address_with_line_end(void **state)
{
	struct fixture *fx = *state;

	fx->rcpts[0].addr = "bob@example.net>\r\nRCPT TO:<eve@example.net";
	assert_int_equal(ERR_OK, play(fx, PLAIN_SERVER "C: QUIT\nS: 221 bye\n"));
	assert_int_equal(SEND_REFUSED, fx->rcpts[0].verdict);
	end(fx);
}

/* The caller could not record the moment: the final dot does not go out. */
static void
test_before_end_fails(void **state)
{
	struct fixture *fx = *state;

	fx->before = ERR_LOCAL;
	assert_int_equal(ERR_LOCAL, play(fx, PLAIN_SERVER MAIL RCPT "C: DATA\nS: 354 go\n"
		"C: Subject: x\nC: \nC: ..\nC: ..dots\nC: end\n"));
	assert_int_equal(SEND_WAITING, fx->rcpts[0].verdict);
	hang_up(fx);
	assert_null(strstr(str_get(&fx->sc.got), "\n.\r\n"));
	end(fx);
}

/* A server that answers before the final dot, or goes, gets no dot: it surely took nothing. */
static void
test_early_answer(void **state)
{
	struct fixture *fx = *state;
	static const struct { const char *says; enum send_verdict want; } cases[] = {
		{ "R: 354 go\\r\\n552 5.3.4 too large\\r\\n\n", SEND_REFUSED },
		{ "R: 354 go\\r\\n421 4.3.2 bye\\r\\n\n", SEND_WAITING },
		{ "R: 354 go\\r\\n250 2.0.0 already?\\r\\n\n", SEND_WAITING },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		char *script = xasprintf(PLAIN_SERVER MAIL RCPT "C: DATA\n%s", cases[i].says);
		fx->rcpts[0].verdict = SEND_WAITING;
		assert_int_equal(ERR_CONN, play(fx, script));
		assert_int_equal(cases[i].want, fx->rcpts[0].verdict);
		hang_up(fx);
		assert_null(strstr(str_get(&fx->sc.got), "\n.\r\n"));
		end(fx);
		free(script);
	}
}

/* A second mail on the same connection; one that was not ended is ended first. */
static void
test_two_mails(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_OK, play(fx,
		PLAIN_SERVER MAIL "C: RCPT TO:<bob@example.net>\nS: 550 no\n"
		"C: RSET\nS: 250 ok\n" MAIL RCPT "C: DATA\nS: 354 go\n" BODY "S: 250 ok\n"
		MAIL RCPT "C: DATA\nS: 354 go\n" BODY "S: 250 ok\nC: QUIT\nS: 221 bye\n"));
	assert_int_equal(SEND_REFUSED, fx->rcpts[0].verdict);
	for (int i = 0; i < 2; i++) {
		fx->rcpts[0].verdict = SEND_WAITING;
		assert_int_equal(ERR_OK, fx->s->ops->send(fx->s, &fx->mail, &fx->e));
		assert_int_equal(SEND_DONE, fx->rcpts[0].verdict);
	}
	end(fx);
}

/* The server's side of a session, cut after every byte of it: before the final dot nothing was
 * sent, from there to the end of the answer it is unsure, and nowhere else. */
static void
test_cut_everywhere(void **state)
{
	struct fixture *fx = *state;
	static const char *const says[] = { "220 mx.test\r\n", "250-mx.test\r\n250 SIZE\r\n",
		"250 ok\r\n",
		"250 ok\r\n", "354 go\r\n", "250 taken\r\n" };
	static const char *const hears[] = { "EHLO*", "MAIL*", "RCPT*", "DATA", NULL };

	for (size_t turn = 0; turn < LEN(says); turn++) {
		for (size_t cut = 0; cut < strlen(says[turn]); cut++) {
			struct str script = {0};
			for (size_t i = 0; i <= turn; i++) {
				if (i == LEN(says) - 1)
					str_puts(&script, BODY);
				str_puts(&script, "R: ");
				for (size_t k = 0; k < (i == turn ? cut
					: strlen(says[i])); k++) {
					char c = says[i][k];
					str_printf(&script, c == '\r' ? "\\r" : c == '\n'
						? "\\n" : "%c", c);
				}
				str_putc(&script, '\n');
				if (i < turn && hears[i])
					str_printf(&script, "C: %s\n", hears[i]);
			}
			fx->rcpts[0].verdict = SEND_WAITING;
			fx->n_before = 0;
			enum err rc = connect_to(fx, script.data, NULL);
			if (rc == ERR_OK)
				rc = fx->s->ops->send(fx->s, &fx->mail, &fx->e);
			assert_int_equal(ERR_CONN, rc);
			bool is_last = turn == LEN(says) - 1;
			assert_int_equal(is_last ? SEND_UNSURE : SEND_WAITING,
				fx->rcpts[0].verdict);
			assert_int_equal(is_last, fx->n_before);
			end(fx);
			str_clear(&script);
		}
	}
}

/* Answers that are none, or without end, end the session; none of them is taken for a yes. */
static void
test_nonsense(void **state)
{
	struct fixture *fx = *state;
	static const char *const answers[] = { "R: hello\\r\\n\n", "R: 25\\r\\n\n",
		"R: 250-a\\r\\n550 b\\r\\n\n",
		"R: 999 x\\r\\n\n", "R: \\x00\\x00\\r\\n\n", "R: 250x\\r\\n\n",
		"X: 2000000\n" };

	for (size_t i = 0; i < LEN(answers); i++) {
		char *script = xasprintf(PLAIN_SERVER "C: MAIL*\n%s", answers[i]);
		fx->rcpts[0].verdict = SEND_WAITING;
		assert_int_equal(ERR_CONN, play(fx, script));
		assert_int_equal(SEND_WAITING, fx->rcpts[0].verdict);
		fx->sc.problem[0] = '\0';
		end(fx);
		free(script);
	}
}

/* Escape bytes in what a server says are gone from what is kept. */
static void
test_words_are_clean(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_OK, play(fx,
		PLAIN_SERVER "C: MAIL*\nR: 550 \\x1b[2Jno\\x9b\\r\\n\nC: QUIT\nS: 221 bye\n"));
	assert_null(strpbrk(fx->rcpts[0].words, "\x1b\x9b"));
	end(fx);
}

/* ---- logging in ---- */

static const struct sender_login ada = { "ada", "secret" };

static void
test_auth(void **state)
{
	struct fixture *fx = *state;

	assert_int_equal(ERR_OK, connect_to(fx,
		GREET "S: 250-mx.test\nS: 250 AUTH LOGIN PLAIN\n"
		"C: AUTH PLAIN AGFkYQBzZWNyZXQ=\nS: 235 2.7.0 welcome\nC: EHLO"
		" [127.0.0.1]\nS: 250 mx.test\nC: QUIT\n"
		"S: 221 bye\n", &ada));
	end(fx);
	assert_int_equal(ERR_AUTH, connect_to(fx, GREET "S: 250-mx.test\nS: 250 AUTH PLAIN\n"
		"C: AUTH*\nS: 535 5.7.8 wrong\n", &ada));
	assert_non_null(strstr(fx->e.text, "5.7.8 wrong"));
	end(fx);
	assert_int_equal(ERR_CONN, connect_to(fx, GREET "S: 250-mx.test\nS: 250 AUTH PLAIN\n"
		"C: AUTH*\nS: 454 4.7.0 later\n", &ada));
	end(fx);
	assert_int_equal(ERR_AUTH, connect_to(fx, GREET "S: 250 mx.test\n", &ada));
	end(fx);
}

/* A server without STARTTLS where it is wanted is told nothing. */
static void
test_starttls_missing(void **state)
{
	struct fixture *fx = *state;
	static const char *const scripts[] = { GREET "S: 250-mx.test\nS: 250 AUTH PLAIN\n",
		GREET "S: 250-mx.test\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 no\n",
		GREET "S: 250-mx.test\nS: 250 STARTTLS\nC: STARTTLS\nR: 220 go\\r\\n250"
		" injected\\r\\n\n" };

	for (size_t i = 0; i < LEN(scripts); i++) {
		script_start(&fx->sc, scripts[i]);
		struct smtp_config cfg = { .net = { .host = "127.0.0.1",
			.port = fx->sc.server.port,
			.security = NET_STARTTLS, .io_ms = 3000 } };
		fx->s = smtp_new(&cfg, &fx->cancel);
		assert_int_equal(ERR_TLS, fx->s->ops->connect(fx->s, &ada, &fx->e));
		hang_up(fx);
		assert_null(strstr(str_get(&fx->sc.got), "AUTH"));
		end(fx);
	}
}

/* What was offered before TLS counts for nothing behind it: neither the
 * ways to log in nor the size. */
static void
test_offers_before_tls_are_forgotten(void **state)
{
	struct fixture *fx = *state;
	struct cert_spec spec = { .san = "IP:127.0.0.1" };
	void *made;

	assert_int_equal(0, pki_setup(&made));
	struct pki *pki = made;
	fx->sc.server.cert = cert_make(pki, &spec, false);
	fx->sc.server.key = pki->key;
	script_start(&fx->sc, GREET "S: 250-mx.test\nS: 250-AUTH LOGIN\nS: 250-SIZE 5\nS: 250 "
		"STARTTLS\nC: STARTTLS\nS: 220 go\nTLS\nC: EHLO [127.0.0.1]\nS: "
		"250-mx.test\nS: 250 AUTH PLAIN\nC: AUTH PLAIN*\nS: 235 in\nC: EHLO "
		"[127.0.0.1]\nS: 250 mx.test\n" MAIL RCPT "C: DATA\nS: 354 go\n" BODY
		"S: 250 ok\n");
	struct smtp_config cfg = { .net = { .host = "127.0.0.1", .port = fx->sc.server.port,
		.security = NET_STARTTLS, .io_ms = 3000, .ca_file = pki->ca_file } };
	fx->s = smtp_new(&cfg, &fx->cancel);
	assert_int_equal(ERR_OK, fx->s->ops->connect(fx->s, &ada, &fx->e));
	assert_int_equal(ERR_OK, fx->s->ops->send(fx->s, &fx->mail, &fx->e));
	assert_int_equal(SEND_DONE, fx->rcpts[0].verdict);
	end(fx);
	pki_teardown(&made);
}

int
main(void)
{
#define F(f) cmocka_unit_test_setup_teardown(f, fx_open, fx_close)
	const struct CMUnitTest tests[] = { F(test_sent), F(test_recipients),
		F(test_pipelining), F(test_refusals),
		F(test_unfit), F(test_extensions), F(test_dsn), F(test_address_with_line_end),
		F(test_before_end_fails),
		F(test_two_mails), F(test_early_answer), F(test_cut_everywhere),
		F(test_nonsense), F(test_words_are_clean), F(test_auth),
		F(test_starttls_missing), F(test_offers_before_tls_are_forgotten) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
