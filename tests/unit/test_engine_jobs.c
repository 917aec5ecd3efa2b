/* What the UI's thread asks of the engine, and what it hears: jobs, cancel,
 * passwords, undo, quitting. */
#include "engine_fixture.h"

/* An account with five messages in its inbox and a Trash, in step. */
static void
begin(struct fixture *fx)
{
	fixture_init(fx);
	fake_folder_add(fx->server, "INBOX");
	fake_folder_add(fx->server, "Trash");
	fake_deliver_many(fake_folder(fx->server, "INBOX"), "m", 5);
	fixture_start(fx);
	assert_int_equal(ERR_OK, sync_all(fx));
}

/* The call after the next `after` ones is the one with the fault. */
static void
fault_in(struct fixture *fx, enum fake_fault fault, int after)
{
	lock(fx);
	fx->server->fault = fault;
	fx->server->fault_at = fx->server->n_calls + 1 + after;
	fx->server->has_faulted = false;
	unlock(fx);
}

static void
wait_for_fault(struct fixture *fx)
{
	bool is_there = false;

	for (int64_t until = now_ms() + PATIENCE_MS; !is_there && now_ms() < until;) {
		lock(fx);
		is_there = fx->server->has_faulted;
		unlock(fx);
		poll(NULL, 0, 1);
	}
	assert_true(is_there);
}

static job_id
fetch(struct fixture *fx, uint32_t uid, const char *section)
{
	struct job job = { .kind = JOB_FETCH, .msg = msg_id_of(folder_named(fx, "INBOX"),
		uid) };

	snprintf(job.section, sizeof job.section, "%s", section);
	return engine_submit(fx->engine, &job);
}

/* ---- bodies ---- */

/* What the pager needs of a small message comes in one fetch: header, part tree and text. */
static void
test_small_message_comes_at_once(void **state)
{
	struct fixture fx;
	struct arena a = {0};
	size_t n;

	(void)state;
	begin(&fx);
	struct event ev = wait_for(&fx, EV_DONE, fetch(&fx, 2, "TEXT*"));
	assert_int_equal(ERR_OK, ev.u.done.code);
	assert_int_equal(1, fx.server->n_fetches);
	msg_id id = msg_id_of(folder_named(&fx, "INBOX"), 2);
	const struct store *s = engine_store(fx.engine);
	assert_non_null(store_parts(s, id, &a));
	char *header = store_body_read(s, id, "HEADER", 10000, &n);
	char *text = store_body_read(s, id, "1", 10000, &n);
	assert_non_null(strstr(header, "Subject: hello"));
	assert_string_equal("How do you do?\r\n", text);
	free(header);
	free(text);
	arena_clear(&a);
	ev = wait_for(&fx, EV_DONE, fetch(&fx, 2, "TEXT*"));
	assert_int_equal(ERR_OK, ev.u.done.code);
	assert_int_equal(1, fx.server->n_fetches);	/* it is here already */
	fixture_clear(&fx);
}

/* Of a large one only what is read is fetched. */
static void
test_large_message_comes_in_parts(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fake_deliver(fake_folder(fx.server, "INBOX"), "big", 0);
	fake_folder(fx.server, "INBOX")->v[0].size = 5000000;
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	struct event ev = wait_for(&fx, EV_DONE, fetch(&fx, 1, "TEXT*"));
	assert_int_equal(ERR_OK, ev.u.done.code);
	msg_id id = msg_id_of(folder_named(&fx, "INBOX"), 1);
	uint64_t size;
	assert_int_equal(-1, store_body(engine_store(fx.engine), id, "", &size));
	int fd = store_body(engine_store(fx.engine), id, "1", &size);
	assert_true(fd >= 0);
	close(fd);
	fixture_clear(&fx);
}

/* A section of a message that is gone ends with the server's words, and the link stays. */
static void
test_missing_message_costs_itself(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	lock(&fx);
	fake_remove(fake_folder(fx.server, "INBOX"), 2);
	int n_sessions = fx.server->n_sessions;
	unlock(&fx);
	struct event ev = wait_for(&fx, EV_DONE, fetch(&fx, 2, "TEXT*"));
	assert_int_equal(ERR_MSG, ev.u.done.code);
	assert_int_equal(n_sessions, fx.server->n_sessions);
	fixture_clear(&fx);
}

/* The link breaks under a fetch: it is done over a new connection, and nobody hears of it. */
static void
test_fetch_survives_a_break(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	wait_for_link(&fx, LINK_ONLINE);
	fault_in(&fx, FAULT_BEFORE, 0);
	job_id id = fetch(&fx, 2, "TEXT*");
	struct event ev;
	do {
		assert_true(next_event(&fx, &ev, PATIENCE_MS));
		assert_false(ev.kind == EV_STATE && ev.u.state.link == LINK_OFFLINE);
	} while (ev.kind != EV_DONE || ev.job != id);
	assert_int_equal(ERR_OK, ev.u.done.code);
	fixture_clear(&fx);
}

/* A cancelled fetch ends at once although the server stalls; the next one works. */
static void
test_cancel_ends_a_stalled_fetch(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	wait_for_link(&fx, LINK_ONLINE);
	fault_in(&fx, FAULT_STALL_BEFORE, 0);
	job_id id = fetch(&fx, 2, "TEXT*");
	wait_for_fault(&fx);
	int64_t begun = now_ms();
	engine_cancel(fx.engine, id);
	struct event ev = wait_for(&fx, EV_DONE, id);
	assert_int_equal(ERR_CANCELLED, ev.u.done.code);
	assert_in_range(now_ms() - begun, 0, 1000);
	ev = wait_for(&fx, EV_DONE, fetch(&fx, 3, "TEXT*"));
	assert_int_equal(ERR_OK, ev.u.done.code);
	fixture_clear(&fx);
}

/* Every job ends exactly once, whatever becomes of it. */
static void
test_each_job_ends_once(void **state)
{
	enum { N = 60 };
	struct fixture fx;
	struct event ev;
	int n_ends[N + 2] = {0}, n = 0;
	job_id ids[N];

	(void)state;
	begin(&fx);
	while (next_event(&fx, &ev, 0))
		;
	fault_in(&fx, FAULT_AFTER, 7);
	for (int i = 0; i < N; i++) {
		struct job job = { .kind = i % 3 ? JOB_SYNC : JOB_FOCUS, .account = fx.account,
			.folder = i % 2
			? folder_named(&fx, "INBOX") : folder_named(&fx, "Trash") };
		ids[i] = i % 5
			? engine_submit(fx.engine, &job) : fetch(&fx, 1 + (uint32_t)i % 6,
			"TEXT*");
		if (i % 4 == 0)
			engine_cancel(fx.engine, ids[i / 2]);
	}
	while (n < N) {
		assert_true(next_event(&fx, &ev, PATIENCE_MS));
		if (ev.kind == EV_DONE && ev.job >= ids[0]) {
			n_ends[ev.job - ids[0]]++;
			n++;
		}
	}
	while (next_event(&fx, &ev, 100))
		assert_int_not_equal(EV_DONE, ev.kind);
	for (int i = 0; i < N; i++)
		assert_int_equal(1, n_ends[i]);
	fixture_clear(&fx);
}

/* ---- changes by others ---- */

/* New mail in the inbox is told by itself, with how much, within 2 s. */
static void
test_new_mail_is_told(void **state)
{
	struct fixture fx;
	struct event ev;

	(void)state;
	begin(&fx);
	wait_for_link(&fx, LINK_ONLINE);
	lock(&fx);
	fake_deliver_many(fake_folder(fx.server, "INBOX"), "new", 2);
	unlock(&fx);
	fx.n_new = 0;
	int64_t begun = now_ms();
	fake_changed(fx.server);
	while (fx.n_new == 0 && now_ms() - begun < PATIENCE_MS)
		next_event(&fx, &ev, 100);
	assert_int_equal(2, fx.n_new);
	assert_in_range(now_ms() - begun, 0, 2000);
	assert_true(is_visible(&fx, "INBOX", 7));
	fixture_clear(&fx);
}

/* A server that says for a while that the inbox is empty empties
 * nothing here, and it is told. */
static void
test_empty_mailbox_is_doubted(void **state)
{
	struct fixture fx;
	struct uidset uids = {0};

	(void)state;
	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fake_deliver_many(fake_folder(fx.server, "INBOX"), "m", 30);
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	fixture_stop(&fx);
	fx.server->lies = fx.server->n_sessions + 1;	/* the next session */
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_OK, store_uids(engine_store(fx.engine),
		folder_named(&fx, "INBOX"), &uids, NULL));
	assert_int_equal(30, uidset_count(&uids));
	assert_non_null(strstr(fx.notice.text, "they are kept"));
	uidset_clear(&uids);
	fixture_clear(&fx);
}

/* ---- decisions ---- */

/* The server says NO to a delete: the message returns, with the server's own words. */
static void
test_refused_delete_comes_back(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	lock(&fx);
	fx.server->refusal = "[NOPERM] folder is read-only";
	fx.n_notices = 0;
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 2));
	/* gone at once: the intent is recorded */
	assert_false(is_visible(&fx, "INBOX", 2));
	unlock(&fx);					/* now the server may answer */
	wait_for(&fx, EV_NOTICE, 0);
	assert_non_null(strstr(fx.notice.text, "[NOPERM] folder is read-only"));
	assert_non_null(strstr(fx.notice.text, ": not done: "));
	assert_true(is_visible(&fx, "INBOX", 2));
	assert_int_equal(0, store_intents_pending(engine_store(fx.engine), 0));
	fixture_clear(&fx);
}

/* Another client removes one of five messages that are flagged and deleted here: the server
 * refuses the whole command, and the decisions about the other four are carried out. */
static void
test_one_gone_does_not_refuse_the_rest(void **state)
{
	struct fixture fx;

	(void)state;
	for (int has_uidmap = 0; has_uidmap < 2; has_uidmap++) {
		begin(&fx);
		lock(&fx);
		if (!has_uidmap)
			fx.server->caps &= ~(unsigned)CAP_UIDMAP;
		fx.server->refuses_gone = true;
		fx.n_notices = 0;
		fake_remove(fake_folder(fx.server, "INBOX"), 2);
		assert_int_equal(ERR_OK, act_on(&fx, ACT_FLAGS, MSG_FLAGGED, 0, NULL, "INBOX",
			1, 5));
		assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 1, 5));
		unlock(&fx);
		assert_int_equal(ERR_OK, sync_all(&fx));
		assert_int_equal(0, fx.n_notices);
		assert_int_equal(0, fake_folder(fx.server, "INBOX")->n);
		assert_int_equal(4, fake_folder(fx.server, "Trash")->n);
		for (size_t i = 0; i < 4; i++)
			assert_true(fake_folder(fx.server, "Trash")->v[i].flags & MSG_FLAGGED);
		fixture_clear(&fx);
	}
}

/* Two messages with one Message-ID, of which a broken move had moved the first: the second is
 * not taken for the first, and removed. */
static void
test_same_message_id_is_not_same_message(void **state)
{
	struct fixture fx;
	struct fake_folder *inbox, *trash;

	(void)state;
	begin(&fx);
	lock(&fx);
	inbox = fake_folder(fx.server, "INBOX");
	fake_deliver(inbox, "same", 0);
	fake_deliver(inbox, "same", MSG_FLAGGED);
	unlock(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	lock(&fx);
	fx.server->breaks_in_move = 1;
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 6, 7));
	unlock(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	trash = fake_folder(fx.server, "Trash");
	assert_int_equal(5, fake_folder(fx.server, "INBOX")->n);
	assert_int_equal(2, trash->n);
	assert_int_equal(0, trash->v[0].flags);
	assert_int_equal(MSG_FLAGGED, trash->v[1].flags);
	fixture_clear(&fx);
}

/* 300 deletes by 300 keypresses reach the server in a few commands. */
static void
test_many_deletes_are_few_commands(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fake_folder_add(fx.server, "Trash");
	fake_deliver_many(fake_folder(fx.server, "INBOX"), "m", 320);
	fixture_new_engine(&fx);
	fx.engine->workers[0]->linger_ms = 80;
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	for (uint32_t uid = 1; uid <= 300; uid++)
		assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", uid,
			uid));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(20, fake_folder(fx.server, "INBOX")->n);
	assert_int_equal(300, fake_folder(fx.server, "Trash")->n);
	assert_in_range(fx.server->n_edits, 1, 40);
	fixture_clear(&fx);
}

/* What is decided without a connection is done when there is one, also by the next process. */
static void
test_offline_decisions_are_kept(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	fixture_stop(&fx);
	fx.server->is_down = true;
	fixture_start(&fx);
	wait_for_link(&fx, LINK_OFFLINE);
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 3));
	assert_int_equal(ERR_CONN, sync_all(&fx));
	fixture_stop(&fx);
	fx.server->is_down = false;
	fixture_start(&fx);
	assert_false(is_visible(&fx, "INBOX", 2));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(3, fake_folder(fx.server, "INBOX")->n);
	assert_int_equal(2, fake_folder(fx.server, "Trash")->n);
	fixture_clear(&fx);
}

static void
undo(struct fixture *fx)
{
	struct error e;
	char label[160];

	if (engine_undo(fx->engine, label, sizeof label, &e) != ERR_OK)
		fail_msg("%s", e.text);
}

static void
delete_and_undo(bool has_uidmap)
{
	struct fixture fx;

	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fake_folder_add(fx.server, "Trash");
	fake_deliver_many(fake_folder(fx.server, "INBOX"), "m", 5);
	if (!has_uidmap)
		fx.server->caps &= ~(unsigned)CAP_UIDMAP;
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 3));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(2, fake_folder(fx.server, "Trash")->n);
	undo(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(5, fake_folder(fx.server, "INBOX")->n);
	assert_int_equal(0, fake_folder(fx.server, "Trash")->n);
	assert_in_step(&fx, "undone");
	fixture_clear(&fx);
}

/* A delete that the server has carried out is undone by moving the messages back. */
static void
test_undo_after_the_server_did_it(void **state)
{
	(void)state;
	delete_and_undo(true);
}

/* The same where the server does not say where it put them: they are found by Message-ID. */
static void
test_undo_without_uid_map(void **state)
{
	(void)state;
	delete_and_undo(false);
}

/* The undo of a delete that has not begun costs the server nothing. */
static void
test_undo_before_it_began(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	fixture_stop(&fx);
	fixture_new_engine(&fx);
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 3));
	undo(&fx);
	assert_true(is_visible(&fx, "INBOX", 2));
	fixture_start(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(0, fx.server->n_edits);
	fixture_clear(&fx);
}

/* Deleting what is in the Trash is refused with a code to ask by, and changes nothing. */
static void
test_trash_needs_a_question(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	lock(&fx);
	fake_deliver(fake_folder(fx.server, "Trash"), "t1", 0);
	unlock(&fx);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(ERR_UNSUPPORTED, act_on(&fx, ACT_DELETE, 0, 0, NULL, "Trash", 1, 1));
	assert_true(is_visible(&fx, "Trash", 1));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_EMPTY_TRASH, 0, 0, NULL, NULL, 0, 0));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(0, fake_folder(fx.server, "Trash")->n);
	fixture_clear(&fx);
}

/* A stalled server delays no key: decisions are recorded and shown while a call hangs. */
static void
test_stall_delays_no_decision(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	wait_for_link(&fx, LINK_ONLINE);
	fault_in(&fx, FAULT_STALL_BEFORE, 0);
	job_id id = fetch(&fx, 1, "TEXT*");
	wait_for_fault(&fx);
	int64_t begun = now_ms();
	assert_int_equal(ERR_OK, act_on(&fx, ACT_FLAGS, MSG_SEEN, 0, NULL, "INBOX", 1, 3));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 2));
	assert_in_range(now_ms() - begun, 0, 500);
	assert_false(is_visible(&fx, "INBOX", 2));
	engine_cancel(fx.engine, id);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(1, fake_folder(fx.server, "Trash")->n);
	fixture_clear(&fx);
}

/* ---- connection ---- */

/* A refused password is asked for anew, three times at most, and
 * never tried by itself again. */
static void
test_refused_password_is_asked_for(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx);
	fx.server->password = "right";
	fake_folder_add(fx.server, "INBOX");
	fixture_start(&fx);
	wait_for(&fx, EV_PASSWORD, 0);
	engine_password(fx.engine, fx.account, "wrong");
	wait_for(&fx, EV_PASSWORD, 0);
	engine_password(fx.engine, fx.account, "right");
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(3, fx.server->n_passwords);
	fixture_clear(&fx);
}

static void
test_wrong_password_does_not_loop(void **state)
{
	struct fixture fx;
	struct event ev;

	(void)state;
	fixture_init(&fx);
	fx.server->password = "right";
	fake_folder_add(fx.server, "INBOX");
	fixture_start(&fx);
	while (next_event(&fx, &ev, 300)) {
		if (ev.kind == EV_PASSWORD)
			engine_password(fx.engine, fx.account, "wrong");
	}
	assert_int_equal(3, fx.server->n_passwords);
	assert_int_equal(ERR_AUTH, sync_all(&fx));
	fixture_clear(&fx);
}

/* A declined password ends what waits for it. */
static void
test_declined_password_ends_jobs(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx);
	fx.conf.password = NULL;
	fake_folder_add(fx.server, "INBOX");
	fixture_start(&fx);
	struct job job = { .kind = JOB_SYNC, .account = fx.account };
	job_id id = engine_submit(fx.engine, &job);
	wait_for(&fx, EV_PASSWORD, 0);
	engine_password(fx.engine, fx.account, NULL);
	assert_int_equal(ERR_AUTH, wait_for(&fx, EV_DONE, id).u.done.code);
	assert_int_equal(0, fx.server->n_passwords);
	fixture_clear(&fx);
}

/* Quitting ends within its time although the server stalls in the middle of a command. */
static void
test_quit_does_not_wait_for_the_server(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	fault_in(&fx, FAULT_STALL_BEFORE, 0);
	fetch(&fx, 1, "TEXT*");
	wait_for_fault(&fx);
	int64_t begun = now_ms();
	engine_free(fx.engine, 700);
	fx.engine = NULL;
	assert_in_range(now_ms() - begun, 0, 1000);
	fixture_clear(&fx);
}

/* The folder on the screen is the one that is waited in; a folder that is
 * gone gives the inbox back. */
static void
test_focus_is_opened(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	struct job job = { .kind = JOB_FOCUS, .folder = folder_named(&fx, "Trash") };
	assert_int_equal(ERR_OK,
		wait_for(&fx, EV_DONE, engine_submit(fx.engine, &job)).u.done.code);
	lock(&fx);
	fake_folder(fx.server, "Trash")->name[0] = '\0';
	unlock(&fx);
	job.folder = folder_named(&fx, "INBOX");
	assert_int_equal(ERR_OK,
		wait_for(&fx, EV_DONE, engine_submit(fx.engine, &job)).u.done.code);
	job.folder = folder_named(&fx, "Trash");
	assert_int_equal(ERR_FOLDER,
		wait_for(&fx, EV_DONE, engine_submit(fx.engine, &job)).u.done.code);
	assert_int_equal(ERR_OK, sync_all(&fx));
	fixture_clear(&fx);
}

TEST_MAIN(T(test_small_message_comes_at_once), T(test_large_message_comes_in_parts),
	T(test_missing_message_costs_itself), T(test_fetch_survives_a_break),
	T(test_cancel_ends_a_stalled_fetch), T(test_each_job_ends_once),
	T(test_new_mail_is_told), T(test_empty_mailbox_is_doubted),
	T(test_refused_delete_comes_back), T(test_one_gone_does_not_refuse_the_rest),
	T(test_same_message_id_is_not_same_message), T(test_many_deletes_are_few_commands),
	T(test_offline_decisions_are_kept), T(test_undo_after_the_server_did_it),
	T(test_undo_without_uid_map), T(test_undo_before_it_began),
	T(test_trash_needs_a_question), T(test_stall_delays_no_decision),
	T(test_refused_password_is_asked_for), T(test_wrong_password_does_not_loop),
	T(test_declined_password_ends_jobs), T(test_quit_does_not_wait_for_the_server),
	T(test_focus_is_opened))
