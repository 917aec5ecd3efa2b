/* Connecting to an IMAP server: who gets a password, and what a session starts from. */
#include "imap_fixture.h"

/* The offer of STARTTLS is stripped: TLS is asked for all the same, and
 * no password follows a NO. */
static void
test_stripped_starttls_ends_it(void **state)
{
	struct fixture fx;

	assert_int_equal(ERR_TLS, play(&fx, "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\n"
		"C: $T STARTTLS\nS: $T BAD unknown\n", NET_STARTTLS, *state));
	assert_non_null(strstr(fx.e.text, "unknown"));
	done_without_password(&fx);
}

/* A response put in behind the OK, before TLS, is an attack. */
static void
test_injection_before_tls_is_refused(void **state)
{
	struct fixture fx;

	assert_int_equal(ERR_TLS, play(&fx, "S: * OK hi\nC: $T STARTTLS\n"
		"R: $T OK go\\r\\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\\r\\n\nTLS\n",
		NET_STARTTLS, *state));
	done_without_password(&fx);
}

/* PREAUTH where TLS is required hides that there will be none. */
static void
test_preauth_before_tls_is_refused(void **state)
{
	struct fixture fx;

	assert_int_equal(ERR_TLS, play(&fx, "S: * PREAUTH welcome\nHANG\n", NET_STARTTLS,
		*state));
	done_without_password(&fx);
}

/* Capabilities told in plain text are not believed inside TLS: they are asked for there. */
static void
test_capabilities_before_tls_are_forgotten(void **state)
{
	struct fixture fx;

	assert_int_equal(ERR_OK,
		play(&fx,
		"S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED IDLE] hi\nC: $T STARTTLS\nS: * "
		"CAPABILITY IMAP4rev1 UIDPLUS\nS: $T OK go\nTLS\nC: $T CAPABILITY\nS: * "
		"CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\nS: $T OK\n" LOGIN(""), NET_STARTTLS,
		*state));
	assert_false(fx.b->caps & (CAP_WAIT | CAP_DELETE));
	done(&fx);
}

/* Every greeting that is none ends before anything is sent. */
static void
test_strange_greetings(void **state)
{
	static const char *const greetings[] = { "S: * BYE go away\n", "S: +OK POP3\n",
		"S: 220 smtp\n", "S: \n", "S: * XYZZY\n", "S: * OK\n", "" };
	struct fixture fx;
	(void)state;

	for (size_t i = 0; i < LEN(greetings); i++) {
		assert_int_equal(ERR_CONN, play(&fx, greetings[i], NET_PLAIN, NULL));
		if (i == 0)
			assert_non_null(strstr(fx.e.text, "go away"));
		done_without_password(&fx);
	}
}

/* Capabilities come with greeting and login: two commands are never sent. */
static void
test_login_is_one_round_trip(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("IDLE UIDPLUS"), NET_PLAIN, NULL));
	assert_true(fx.b->caps & CAP_WAIT);
	assert_true(fx.b->caps & CAP_DELETE);
	done(&fx);
}

/* What holds before the login need not hold after it. */
static void
test_capabilities_change_with_login(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, GREETING("IDLE") "C: $T AUTHENTICATE PLAIN *\n"
		"S: $T OK in\nC: $T CAPABILITY\nS: * CAPABILITY IMAP4rev1 UIDPLUS\nS: $T OK\n",
		NET_PLAIN, NULL));
	assert_false(fx.b->caps & CAP_WAIT);
	assert_true(fx.b->caps & CAP_DELETE);
	done(&fx);
}

/* Without SASL-IR the answer waits for the challenge. */
static void
test_without_initial_response(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\n"
		"C: $T AUTHENTICATE PLAIN\nS: + \nC: AGFkYQBodW50ZXIy\n"
		"S: $T OK [CAPABILITY IMAP4rev1] in\n", NET_PLAIN, NULL));
	done(&fx);
}

/* LOGIN serves where no mechanism is offered; its arguments are quoted. */
static void
test_login_command_as_last_resort(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, "S: * OK [CAPABILITY IMAP4rev1] hi\n"
		"C: $T LOGIN \"ada\" \"hunter2\"\nS: $T OK [CAPABILITY IMAP4rev1] in\n",
		NET_PLAIN, NULL));
	done(&fx);
}

/* LOGINDISABLED is obeyed, and is not the password's fault. */
static void
test_logindisabled_is_obeyed(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_UNSUPPORTED, play(&fx,
		"S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\n", NET_PLAIN, NULL));
	assert_true(*fx.e.text);
	done_without_password(&fx);
}

/* A refused login says so in the server's words, response code included. */
static void
test_refused_login_keeps_the_words(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_AUTH, play(&fx, GREETING("") "C: $T AUTHENTICATE PLAIN *\n"
		"S: $T NO [AUTHENTICATIONFAILED] wrong password\n", NET_PLAIN, NULL));
	assert_string_equal("[AUTHENTICATIONFAILED] wrong password", fx.e.text);
	done(&fx);
}

/* A server that is out of order does not make anybody type the password again. */
static void
test_unavailable_is_no_wrong_password(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_CONN, play(&fx, GREETING("") "C: $T AUTHENTICATE PLAIN *\n"
		"S: $T NO [UNAVAILABLE] directory is down\n", NET_PLAIN, NULL));
	done(&fx);
}

/* The words of a BYE are what the person reads. */
static void
test_bye_is_told(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_CONN, play(&fx, GREETING("") "C: $T AUTHENTICATE PLAIN *\n"
		"S: * BYE too many connections\n", NET_PLAIN, NULL));
	assert_non_null(strstr(fx.e.text, "too many connections"));
	done(&fx);
}

/* A challenge that makes no sense is cancelled with "*". */
static void
test_nonsense_challenge_is_cancelled(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_AUTH, play(&fx,
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256] hi\n"
		"C: $T AUTHENTICATE SCRAM-SHA-256 *\nS: + bm9uc2Vuc2U=\nC: *\nS: $T BAD "
		"cancelled\n", NET_PLAIN, NULL));
	done(&fx);
}

/* A stalled server costs the deadline, and no more. */
static void
test_silence_ends_by_deadline(void **state)
{
	struct fixture fx;
	(void)state;

	memset(&fx, 0, sizeof fx);
	script_start(&fx.script, "HANG\n");
	struct imap_config cfg = { .net = { .host = "127.0.0.1", .port = fx.script.server.port,
		.security = NET_PLAIN, .connect_ms = 300, .io_ms = 300 } };
	assert_int_equal(ERR_OK, cancel_init(&fx.cancel, NULL));
	fx.b = imap_new(&cfg, &fx.cancel);
	struct backend_login login = { .user = "ada", .password = "hunter2" };
	assert_int_equal(ERR_CONN, fx.b->ops->connect(fx.b, &login, &fx.e));
	assert_int_equal(ERR_CONN, open_inbox(&fx, NULL));	/* dead is dead */
	done_without_password(&fx);
}

static void *
fire_soon(void *arg)
{
	usleep(100 * 1000);
	cancel_fire(arg);
	return NULL;
}

/* A cancel ends whatever call waits. */
static void
test_cancel_ends_a_wait(void **state)
{
	struct fixture fx;
	pthread_t t;
	(void)state;

	play_opened(&fx, HELLO("IDLE") OPENED("1", "2") "C: $T IDLE\nHANG\n");
	pthread_create(&t, NULL, fire_soon, &fx.cancel);
	int what;
	assert_int_equal(ERR_CANCELLED, fx.b->ops->wait(fx.b, 60000, -1, &what, &fx.e));
	pthread_join(t, NULL);
	done(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_stripped_starttls_ends_it), T(test_injection_before_tls_is_refused),
		T(test_preauth_before_tls_is_refused),
		T(test_capabilities_before_tls_are_forgotten), T(test_strange_greetings),
		T(test_login_is_one_round_trip), T(test_capabilities_change_with_login),
		T(test_without_initial_response), T(test_login_command_as_last_resort),
		T(test_logindisabled_is_obeyed), T(test_refused_login_keeps_the_words),
		T(test_unavailable_is_no_wrong_password), T(test_bye_is_told),
		T(test_nonsense_challenge_is_cancelled), T(test_silence_ends_by_deadline),
		T(test_cancel_ends_a_wait),
	};

	return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
