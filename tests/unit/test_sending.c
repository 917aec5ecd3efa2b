/* The engine sends what is put into the outbox, beside its worker, and a person can still stop
 * it. */
#include "compose.h"
#include "engine/engine_int.h"
#include "fake_server.h"
#include "mime.h"
#include "path.h"
#include "remove_tree.h"
#include "script_server.h"
#include "store_outbox.h"

#define SESSION "S: 220 mx.test ESMTP\nC: EHLO*\nS: 250-mx.test\nS: 250 AUTH PLAIN\n" \
	"C: AUTH PLAIN*\n" \
	"S: 235 ok\nC: EHLO*\nS: 250 mx.test\n"
#define TAKEN "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 250 ok\nC: DATA\nS: 354 go\n"

#define HEADER "C: *\nC: *\nC: *\nC: *\nC: *\nC: *\nC: *\nC: *\n"

struct fixture {
	char *dir;
	struct dirs dirs;
	struct rc *rc;
	struct fake_server *mail;
	struct script sc;
	struct engine *g;
	account_id account;
	struct error e;
};

static struct backend *
make_fake(void *ctx, const struct rc *rc, const struct rc_account *a, struct cancel *cancel,
	struct error *e)
{
	(void)rc, (void)a, (void)e;
	return fake_new(ctx, cancel);
}

/* A script that is NULL: nobody listens. */
static void
begin(struct fixture *fx, const char *script)
{
	struct backend_maker maker = { fx->mail, make_fake };
	char *text;

	if (script)
		script_start(&fx->sc, script);
	text = xasprintf("[account work]\nfrom = Ada <ada@example.org>\nreceive ="
		" imap+insecure://ada@127.0.0.1:1\n"
		"send = smtp+insecure://ada@127.0.0.1:%u\npassword-command = echo secret\n",
		script ? fx->sc.server.port : 1u);
	assert_int_equal(ERR_OK, rc_parse(&fx->rc, "mailrc", text, strlen(text), &fx->e));
	assert_int_equal(0, fx->rc->n_problems);
	if (engine_new_with(&fx->g, fx->rc, &fx->dirs, &maker, &fx->e) != ERR_OK ||
	    engine_start(fx->g, &fx->e) != ERR_OK)
		fail_msg("%s", fx->e.text);
	fx->account = engine_account(fx->g, 0);
	free(text);
}

static int
fx_open(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	*state = fx;
	net_init();
	mime_init();
	fx->dir = xstrdup("/tmp/dunlin-sending-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->dirs = (struct dirs){ path_join(fx->dir, "config"), path_join(fx->dir, "data"),
		path_join(fx->dir, "cache") };
	fx->mail = fake_server_new();
	fake_folder_add(fx->mail, "INBOX");
	return 0;
}

static int
fx_close(void **state)
{
	struct fixture *fx = *state;

	engine_free(fx->g, 5000);
	if (fx->sc.text)
		script_stop(&fx->sc);
	if (*fx->sc.problem)
		fail_msg("%s", fx->sc.problem);
	script_clear(&fx->sc);
	fake_server_free(fx->mail);
	rc_free(fx->rc);
	remove_tree(fx->dir);
	dirs_clear(&fx->dirs);
	free(fx->dir);
	free(fx);
	return 0;
}

static outbox_id
put(struct fixture *fx, int64_t not_before)
{
	struct compose_stamp stamp = outbox_stamp();
	struct draft d = { .from = "ada@example.org", .to = "bob@example.net",
		.subject = "hello", .text = "x\n", .text_len = 2 };
	struct letter l;
	outbox_id id;

	assert_int_equal(ERR_OK, compose_build(&l, &d, &stamp, &fx->e));
	if (engine_send(fx->g, fx->account, &l, not_before, &id, &fx->e) != ERR_OK)
		fail_msg("%s", fx->e.text);
	letter_clear(&l);
	free((char *)stamp.token);
	return id;
}

/* The next event of that kind about that message; 10 s at most. */
static struct event
wait_for(struct fixture *fx, enum event_kind kind, outbox_id id)
{
	struct pollfd p = { .fd = engine_fd(fx->g), .events = POLLIN };
	struct event ev;

	for (int i = 0; i < 100; i++) {
		while (engine_next(fx->g, &ev)) {
			if (ev.kind == kind && (kind != EV_OUTBOX || ev.u.outbox.id == id))
				return ev;
		}
		poll(&p, 1, 100);
	}
	fail_msg("nothing happened");
	return ev;
}

static enum outbox_state
state_of(struct fixture *fx, outbox_id id)
{
	struct arena a = {0};
	struct outbox_mail m;

	assert_true(store_outbox_get(engine_store(fx->g), id, &a, &m));
	arena_clear(&a);
	return m.state;
}

/* What is put in goes out by itself, and whoever looks is told. */
static void
test_sent(void **state)
{
	struct fixture *fx = *state;

	begin(fx, SESSION TAKEN HEADER "C: \nC: x\nC: .\nS: 250 ok\nC: QUIT\nS: 221 bye\n");
	outbox_id id = put(fx, 0);
	struct event ev = wait_for(fx, EV_OUTBOX, id);
	assert_int_equal(OUTBOX_SENT, ev.u.outbox.state);
	assert_int_equal(1, ev.u.outbox.n_sent);
	assert_int_equal(OUTBOX_SENT, state_of(fx, id));
}

/* The server's refusal is told in its words. */
static void
test_refused(void **state)
{
	struct fixture *fx = *state;

	begin(fx, SESSION "C: MAIL*\nS: 250 ok\nC: RCPT*\nS: 550 5.1.1 nobody here\nC:"
		" QUIT\nS: 221 bye\n");
	outbox_id id = put(fx, 0);
	struct event ev = wait_for(fx, EV_NOTICE, 0);
	assert_non_null(strstr(ev.u.notice.text, "5.1.1 nobody here"));
	assert_int_equal(OUTBOX_REFUSED, state_of(fx, id));
}

/* Until it is due, a person can take it back. */
static void
test_undo(void **state)
{
	struct fixture *fx = *state;
	size_t len;

	begin(fx, NULL);
	outbox_id id = put(fx, time(NULL) + 3000);
	char *bytes = store_outbox_bytes(engine_store(fx->g), id, &len);
	assert_non_null(bytes);
	free(bytes);
	assert_int_equal(ERR_OK, engine_outbox(fx->g, id, OUTBOX_HOLD, &fx->e));
	assert_int_equal(ERR_OK, engine_outbox(fx->g, id, OUTBOX_RELEASE, &fx->e));
	assert_int_equal(ERR_OK, engine_outbox(fx->g, id, OUTBOX_REMOVE, &fx->e));
	assert_int_equal(ERR_MSG, engine_outbox(fx->g, id, OUTBOX_REMOVE, &fx->e));
	assert_int_equal(0, store_outbox_waiting(engine_store(fx->g), 0));
}

/* Nobody answers: it waits, and that is told. */
static void
test_offline(void **state)
{
	struct fixture *fx = *state;

	begin(fx, NULL);
	outbox_id id = put(fx, 0);
	struct event ev = wait_for(fx, EV_NOTICE, 0);
	assert_int_equal(ERR_CONN, ev.u.notice.code);
	assert_int_equal(OUTBOX_QUEUED, state_of(fx, id));
}

/* Quitting while the server is silent behind the final dot takes no longer than it may, and
 * leaves it unsure. */
static void
test_quit_behind_the_dot(void **state)
{
	struct fixture *fx = *state;

	begin(fx, SESSION TAKEN "HANG\n");
	outbox_id id = put(fx, 0);
	for (int i = 0; i < 500 && state_of(fx, id) != OUTBOX_SENDING; i++)
		poll(NULL, 0, 10);
	assert_int_equal(OUTBOX_SENDING, state_of(fx, id));
	int64_t begun = now_ms();
	engine_free(fx->g, 1000);
	assert_true(now_ms() - begun < 5000);
	fx->g = NULL;
	struct store *s;
	struct arena a = {0};
	struct outbox_mail m;
	assert_int_equal(ERR_OK, store_open(&s, fx->dirs.data, fx->dirs.cache, STORE_WRITE,
		&fx->e));
	assert_true(store_outbox_get(s, id, &a, &m));
	assert_int_equal(OUTBOX_UNSURE, m.state);
	assert_int_equal(RCPT_UNSURE, m.rcpts[0].state);
	arena_clear(&a);
	store_close(s);
}

struct sending {
	struct task task;
	account_id account;
	outbox_id out;
	atomic_int n_steps;
	bool waits;			/* until it is stopped */
};

static enum err
send_by_task(struct task *t, struct error *e)
{
	struct sending *x = (struct sending *)t;
	struct compose_stamp stamp = outbox_stamp();
	struct draft d = { .from = "ada@example.org", .to = "bob@example.net",
		.subject = "hello", .text = "x\n", .text_len = 2 };
	struct letter l;
	enum err r = ERR_OK;

	do {
		x->n_steps++;
		poll(NULL, 0, 2);
		r = task_step(t, 1, 2, e);
	} while (x->waits && r == ERR_OK);
	if (r == ERR_OK && (r = compose_build(&l, &d, &stamp, e)) == ERR_OK) {
		r = task_send(t, x->account, &l, time(NULL) + 100, false, &x->out, e);
		letter_clear(&l);
	}
	free((char *)(uintptr_t)stamp.token);
	return r;
}

static void
wait_until_running(struct sending *x)
{
	while (x->n_steps == 0)
		poll(NULL, 0, 5);
}

/* How that job ended; the event before it may have been another's. */
static enum err
ended(struct fixture *fx, job_id id)
{
	struct event ev;

	do
		ev = wait_for(fx, EV_DONE, 0);
	while (ev.job != id);
	return ev.u.done.code;
}

/* Tasks run one after another and each ends once; one that is stopped does nothing, whether it
 * runs or waits; and the thread of tasks ends with the engine. */
static void
test_tasks(void **state)
{
	struct fixture *fx = *state;
	struct sending first = { .task.run = send_by_task, .waits = true },
		queued = { .task.run = send_by_task }, last = { .task.run = send_by_task },
		here = { .task.run = send_by_task };

	begin(fx, NULL);
	first.account = queued.account = last.account = here.account = fx->account;
	job_id a = engine_begin(fx->g, &first.task), b = engine_begin(fx->g, &queued.task),
		c = engine_begin(fx->g, &last.task);
	wait_until_running(&first);
	engine_cancel(fx->g, b);
	engine_cancel(fx->g, a);
	assert_int_equal(ERR_CANCELLED, ended(fx, a));
	assert_int_equal(ERR_CANCELLED, ended(fx, b));
	assert_int_equal(ERR_OK, ended(fx, c));
	assert_int_equal(0, first.out);
	assert_int_equal(0, queued.n_steps);
	assert_int_equal(OUTBOX_QUEUED, state_of(fx, last.out));
	assert_int_equal(ERR_OK, engine_run(fx->g, &here.task, &fx->e));
	assert_int_equal(OUTBOX_QUEUED, state_of(fx, here.out));
	first.n_steps = 0;
	engine_begin(fx->g, &first.task);
	wait_until_running(&first);
	int64_t begun = now_ms();
	engine_free(fx->g, 5000);
	fx->g = NULL;
	assert_true(now_ms() - begun < 4000);
}

/* Nothing waits behind a task that waits for a person; it is stopped, and ends with the
 * engine, as any. */
static void
test_tasks_that_wait(void **state)
{
	struct fixture *fx = *state;
	struct sending slow = { .task.run = send_by_task, .task.waits_for_person = true,
		.waits = true }, next = { .task.run = send_by_task };

	begin(fx, NULL);
	slow.account = next.account = fx->account;
	job_id a = engine_begin(fx->g, &slow.task);
	wait_until_running(&slow);
	job_id b = engine_begin(fx->g, &next.task);
	assert_int_equal(ERR_OK, ended(fx, b));
	assert_int_equal(OUTBOX_QUEUED, state_of(fx, next.out));
	engine_cancel(fx->g, a);
	assert_int_equal(ERR_CANCELLED, ended(fx, a));
	slow.n_steps = 0;
	engine_begin(fx->g, &slow.task);
	wait_until_running(&slow);
	int64_t begun = now_ms();
	engine_free(fx->g, 5000);
	fx->g = NULL;
	assert_true(now_ms() - begun < 4000);
}

int
main(void)
{
#define F(f) cmocka_unit_test_setup_teardown(f, fx_open, fx_close)
	const struct CMUnitTest tests[] = { F(test_sent), F(test_refused), F(test_undo),
		F(test_offline), F(test_quit_behind_the_dot), F(test_tasks),
		F(test_tasks_that_wait) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
