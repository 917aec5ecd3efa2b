/* Every way in which a server can fail at each verb and each byte, and a census: what the
 * outbox says is what the server took. None lost, none twice, unsure only where it is. */
#include "outbox_fixture.h"
#include "store_outbox.h"

#define BOB "bob@example.net"
#define EVE "eve@example.net"

/* What the server took of it for that recipient against what the outbox says. */
static void
check_one(struct fixture *fx, const struct outbox_mail *m, const struct outbox_rcpt *r,
	const char *when)
{
	size_t n = sink_count(&fx->sink, m->message_id, r->addr);
	size_t least = r->state == RCPT_SENT, most = r->state == RCPT_SENT ||
		r->state == RCPT_UNSURE;

	if (n < least || n > most)
		fail_msg("%s: %s is in state %d, and the server took it %zu times", when,
			r->addr, r->state, n);
}

static void
census(struct fixture *fx, const char *when)
{
	struct outbox_mail *v;
	size_t n = store_outbox(fx->s, 0, 10000, &fx->a, &v);

	for (size_t i = 0; i < n; i++) {
		struct outbox_mail m = fx_get(fx, v[i].id);
		for (size_t k = 0; k < m.n_rcpts; k++)
			check_one(fx, &m, &m.rcpts[k], when);
		assert_true(m.state != OUTBOX_SENDING);
	}
	arena_clear(&fx->a);
}

struct fault {
	const char *verb, *says;
	enum outbox_state state;	/* behind it */
	enum err code;			/* what the pass says */
	enum outbox_state then;		/* when the server has come to its senses */
};

static void
test_every_verb(void **state)
{
	(void)state;
	static const struct fault faults[] = {
		{ "CONNECT", "421 4.3.2 busy", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "CONNECT", "554 5.3.2 go away", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "CONNECT", NULL, OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "CONNECT", "HANG", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "CONNECT", "HTTP/1.1 400 Bad Request", OUTBOX_QUEUED, ERR_CONN,
			OUTBOX_SENT },
		{ "EHLO", "450 4.3.2 later", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "EHLO", "550 5.7.1 no", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "EHLO", NULL, OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "EHLO", "HANG", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "AUTH", "454 4.7.0 later", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "AUTH", "535 5.7.8 wrong", OUTBOX_QUEUED, ERR_AUTH, OUTBOX_SENT },
		{ "AUTH", NULL, OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "AUTH", "HANG", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "MAIL", "451 4.3.0 later", OUTBOX_QUEUED, ERR_OK, OUTBOX_SENT },
		{ "MAIL", "421 4.3.0 closing", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "MAIL", "553 5.1.8 you?", OUTBOX_REFUSED, ERR_OK, OUTBOX_REFUSED },
		{ "MAIL", NULL, OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "MAIL", "HANG", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		/* one has it: the other gets it at once in a mail of its own */
		{ "RCPT", "450 4.2.0 later", OUTBOX_SENT, ERR_OK, OUTBOX_SENT },
		{ "RCPT", "452 4.5.3 too many", OUTBOX_SENT, ERR_OK, OUTBOX_SENT },
		/* to the other */
		{ "RCPT", "550 5.1.1 who?", OUTBOX_SENT, ERR_OK, OUTBOX_SENT },
		{ "RCPT", "421 4.3.0 closing", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "RCPT", NULL, OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "RCPT", "HANG", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "DATA", "450 4.3.0 later", OUTBOX_QUEUED, ERR_OK, OUTBOX_SENT },
		{ "DATA", "554 5.7.1 never", OUTBOX_REFUSED, ERR_OK, OUTBOX_REFUSED },
		{ "DATA", "250 2.0.0 what?", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "DATA", NULL, OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "DATA", "HANG", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "DOT", "451 4.3.0 later", OUTBOX_QUEUED, ERR_OK, OUTBOX_SENT },
		{ "DOT", "421 4.3.0 closing", OUTBOX_QUEUED, ERR_CONN, OUTBOX_SENT },
		{ "DOT", "554 5.7.1 spam", OUTBOX_REFUSED, ERR_OK, OUTBOX_REFUSED },
		{ "DOT", "354 what?", OUTBOX_UNSURE, ERR_CONN, OUTBOX_UNSURE },
		{ "DOT", "25", OUTBOX_UNSURE, ERR_CONN, OUTBOX_UNSURE },
		{ "DOT", NULL, OUTBOX_UNSURE, ERR_CONN, OUTBOX_UNSURE },
		{ "QUIT", "421 4.3.0 closing", OUTBOX_SENT, ERR_OK, OUTBOX_SENT },
		{ "QUIT", "550 5.5.1 stay", OUTBOX_SENT, ERR_OK, OUTBOX_SENT },
		{ "QUIT", NULL, OUTBOX_SENT, ERR_OK, OUTBOX_SENT },
		{ "QUIT", "HANG", OUTBOX_SENT, ERR_OK, OUTBOX_SENT },
	};

	for (size_t i = 0; i < LEN(faults); i++) {
		const struct fault *f = &faults[i];
		struct fixture *fx = fx_new("copy = no");
		char *when = xasprintf("%s: %s", f->verb, f->says ? f->says : "closed");
		outbox_id id = fx_put(fx, BOB ", " EVE);

		sink_fault(&fx->sink, f->verb, f->says, 1);
		enum err rc = fx_pass(fx);
		if (rc != f->code || fx_get(fx, id).state != f->state)
			fail_msg("%s: the pass says %d ('%s'), the state is %d", when, rc,
				fx->e.text, fx_get(fx, id).state);
		census(fx, when);
		rc = fx_pass(fx);
		if (rc != ERR_OK || fx_get(fx, id).state != f->then)
			fail_msg("%s, then healthy: %d, state %d", when, rc,
				fx_get(fx, id).state);
		census(fx, when);
		fx_free(fx);
		free(when);
	}
}

/* The server closes after each byte it says, and after each that it hears. Unsure is only
 * what was cut within the answer to the dot; or behind DATA, where what the client had
 * said was on its way already. */
static void
cut_at(bool up, long stride, int *n_unsure, long *n_cuts)
{
	struct fixture *fx = fx_new("copy = no");
	outbox_id id = fx_put(fx, BOB ", " EVE);

	assert_int_equal(ERR_OK, fx_pass(fx));
	assert_int_equal(OUTBOX_SENT, fx_get(fx, id).state);
	long total = up ? fx->sink.n_up : fx->sink.n_down;
	long from = up ? fx->sink.up_at_data : fx->sink.down_at_dot;
	long to = up ? total : from + (long)strlen("250 2.0.0 taken\r\n");
	for (long k = 0; k < total; k += stride) {
		char when[80];
		snprintf(when, sizeof when, "cut after %ld of %ld bytes %s", k, total,
			up ? "up" : "down");
		id = fx_put(fx, BOB ", " EVE);
		sink_cut(&fx->sink, up ? -1 : k, up ? k : -1);
		fx_pass(fx);
		sink_cut(&fx->sink, -1, -1);
		census(fx, when);
		fx_pass(fx);
		census(fx, when);
		enum outbox_state s = fx_get(fx, id).state;
		if (s != OUTBOX_SENT && (s != OUTBOX_UNSURE || k < from || k >= to))
			fail_msg("%s: state %d", when, s);
		*n_unsure += s == OUTBOX_UNSURE;
		++*n_cuts;
	}
	fx_free(fx);
}

static void
test_cut_everywhere(void **state)
{
	(void)state;
	long stride = getenv("DUNLIN_EVERY_BYTE") ? 1 : 13, n_cuts = 0;
	int n_unsure = 0;

	cut_at(false, stride, &n_unsure, &n_cuts);
	assert_true(n_unsure > 0);
	cut_at(true, stride, &n_unsure, &n_cuts);
	print_message("%ld cuts, %d unsure\n", n_cuts, n_unsure);
}

/* A server that says a byte at a time is as good as any. */
static void
test_slow(void **state)
{
	(void)state;
	struct fixture *fx = fx_new("copy = no");
	outbox_id id = fx_put(fx, BOB);

	fx->sink.trickles = true;
	assert_int_equal(ERR_OK, fx_pass(fx));
	assert_int_equal(OUTBOX_SENT, fx_get(fx, id).state);
	census(fx, "slow");
	fx_free(fx);
}

/* Many at once on one connection; one that fails does not keep the others. */
static void
test_several(void **state)
{
	(void)state;
	struct fixture *fx = fx_new("copy = no");
	outbox_id ids[10];

	for (size_t i = 0; i < LEN(ids); i++)
		ids[i] = fx_put(fx, BOB);
	sink_fault(&fx->sink, "MAIL", "550 5.7.1 no", 4);
	assert_int_equal(ERR_OK, fx_pass(fx));
	for (size_t i = 0; i < LEN(ids); i++)
		assert_int_equal(i == 3 ? OUTBOX_REFUSED : OUTBOX_SENT,
			fx_get(fx, ids[i]).state);
	assert_int_equal(1, fx->sink.n_connections);
	census(fx, "several");
	fx_free(fx);
}

/* The Date of its bytes, seconds since 1970. */
static int64_t
date_of(struct fixture *fx, outbox_id id)
{
	const struct header *h;
	struct arena a = {0};
	size_t len;
	char *bytes = store_outbox_bytes(fx->s, id, &len);
	size_t n = mime_headers(&a, &h, bytes, mime_header_length(bytes, len));
	int64_t date = mime_date(mime_header_value(h, n, "Date"), NULL);

	assert_int_equal(fx_get(fx, id).size_bytes, len);
	assert_non_null(strstr(bytes, "\r\n\r\n.\r\n"));	/* and its text as it was */
	arena_clear(&a);
	free(bytes);
	return date;
}

/* What was planned has the date of its first try, at every further one and in its copy;
 * other mail keeps its own. */
static void
test_date_of_planned_mail(void **state)
{
	(void)state;
	struct fixture *fx = fx_new("");
	struct draft d = { .from = "ada@example.org", .to = BOB, .subject = "x", .text = ".\n",
		.text_len = 2 };
	int64_t now = time(NULL), written = now - 50000;
	outbox_id ids[2];

	for (int i = 0; i < 2; i++) {
		struct compose_stamp stamp = outbox_stamp();
		struct letter l;
		stamp.now = written;
		assert_int_equal(ERR_OK, compose_build(&l, &d, &stamp, &fx->e));
		assert_int_equal(ERR_OK, outbox_put(fx->s, &fx->rc->accounts[0], fx->account,
			&l, now - 1, i == 0, &ids[i], &fx->e));
		letter_clear(&l);
		free((char *)stamp.token);
	}
	sink_fault(&fx->sink, "MAIL", "451 4.3.0 later", 1);
	fx_pass(fx);
	int64_t date = date_of(fx, ids[0]);
	assert_in_range(date, now, now + 600);
	sleep(1);
	fx_pass(fx);
	assert_int_equal(OUTBOX_SENT, fx_get(fx, ids[0]).state);
	assert_int_equal(date, date_of(fx, ids[0]));
	assert_int_equal(written, date_of(fx, ids[1]));
	census(fx, "planned");
	fx_free(fx);
}

static struct outbox_mail
seek(struct fixture *fx, struct backend *b, outbox_id want, const char *told)
{
	struct error e = {0};
	outbox_id id;

	assert_int_equal(ERR_OK, outbox_seek_one(fx->s, &fx->rc->accounts[0], fx->account, b,
		&id, &e, &fx->e));
	assert_int_equal(want, id);
	if (!strstr(e.text, told) || (!*told && *e.text))
		fail_msg("'%s', not '%s'", e.text, told);
	return want ? fx_get(fx, want) : (struct outbox_mail){0};
}

/* An unsure mail is looked for in the mbox of sent mail: told once, looked for again when
 * asked for, and told when it is there by then. */
static void
test_sought_in_an_mbox(void **state)
{
	(void)state;
	struct fixture *fx = fx_new("copy = no");
	outbox_id id = fx_put(fx, BOB);
	struct backend_login nobody = { "", "" };
	struct backend *b = account_backend(fx->rc, &fx->rc->accounts[0], fx->data,
		&fx->cancel, &fx->e);
	uint32_t uid;
	size_t len;

	sink_fault(&fx->sink, "DOT", NULL, 1);
	assert_int_equal(ERR_CONN, fx_pass(fx));
	assert_int_equal(ERR_OK, b->ops->connect(b, &nobody, &fx->e));
	assert_int_equal(SOUGHT_ABSENT,
		seek(fx, b, id, "not in Sent, where the server files it").sought);
	seek(fx, b, 0, "");
	assert_int_equal(ERR_OK, store_outbox_hurry(fx->s, fx->account, &fx->e));
	assert_int_equal(SOUGHT_ABSENT, seek(fx, b, id, "").sought);	/* nothing new */
	char *bytes = store_outbox_bytes(fx->s, id, &len);
	assert_int_equal(ERR_OK, b->ops->folder_create(b, "Sent", &fx->e));
	struct byte_source src = byte_source_memory(bytes, len);
	assert_int_equal(ERR_OK, b->ops->append(b, "Sent", &src, MSG_SEEN, 1, &uid, &fx->e));
	free(bytes);
	assert_int_equal(ERR_OK, store_outbox_hurry(fx->s, fx->account, &fx->e));
	assert_int_equal(SOUGHT_FOUND,
		seek(fx, b, id, "found in Sent: it very probably went").sought);
	assert_int_equal(ERR_OK, store_outbox_hurry(fx->s, fx->account, &fx->e));
	seek(fx, b, 0, "");
	b->ops->close(b, 0);
	fx_free(fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_verb),
		cmocka_unit_test(test_cut_everywhere), cmocka_unit_test(test_slow),
		cmocka_unit_test(test_several), cmocka_unit_test(test_sought_in_an_mbox),
		cmocka_unit_test(test_date_of_planned_mail) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
