/* Searching texts: what is here answers at once, a server about the rest, the index
 * of words about mbox files. */
#include "engine_fixture.h"
#include "mime.h"
#include "search.h"

static void
begin(struct fixture *fx)
{
	fixture_init(fx);
	fx->rc.search_mb = 100;
	fx->server->caps |= CAP_SEARCH;
	fake_folder_add(fx->server, "INBOX");
	fake_deliver_many(fake_folder(fx->server, "INBOX"), "m", 5);
	fixture_start(fx);
	assert_int_equal(ERR_OK, sync_all(fx));
}

static job_id
search_for(struct fixture *fx, const char *folder, const char *words)
{
	struct job job = { .kind = JOB_SEARCH, .folder = folder_named(fx, folder) };

	snprintf(job.words, sizeof job.words, "%s", words);
	return engine_submit(fx->engine, &job);
}

static enum err
end_of(struct fixture *fx, job_id job)
{
	return wait_for(fx, EV_DONE, job).u.done.code;
}

/* The answer in the store, as "1:3,5" and whether it is complete. */
static void
assert_answer(struct fixture *fx, const char *folder, const char *words, const char *uids,
	bool is_complete)
{
	struct search *x;
	struct search_answer a;
	struct str s = { 0 };
	struct error e;

	if (search_open(&x, engine_store(fx->engine), STORE_READ, &e) != ERR_OK)
		fail_msg("%s", e.text);
	assert_true(search_answer(x, folder_named(fx, folder), words, &a));
	uidset_format(&s, &a.uids);
	assert_string_equal(uids, str_get(&s));
	assert_int_equal(is_complete, a.is_complete);
	uidset_clear(&a.uids);
	str_clear(&s);
	search_close(x);
}

static void
read_message(struct fixture *fx, uint32_t uid)
{
	struct job job = { .kind = JOB_FETCH, .msg = msg_id_of(folder_named(fx, "INBOX"), uid),
		.section = "TEXT*" };

	assert_int_equal(ERR_OK, end_of(fx, engine_submit(fx->engine, &job)));
}

/* Asked for again, a search is about what came since, and what was found stays found. */
static void
test_again_is_about_what_came(void **state)
{
	struct fixture fx;
	struct job job = { .kind = JOB_SEARCH, .words = "m", .is_again = true };

	(void)state;
	begin(&fx);
	assert_int_equal(ERR_OK, end_of(&fx, search_for(&fx, "INBOX", "m")));
	assert_answer(&fx, "INBOX", "m", "1:5", true);
	pthread_mutex_lock(&fx.server->lock);
	/* not asked about again */
	snprintf(fake_folder(fx.server, "INBOX")->v[0].message_id, 64, "other");
	fake_deliver_many(fake_folder(fx.server, "INBOX"), "m", 2);
	fake_deliver_many(fake_folder(fx.server, "INBOX"), "x", 1);
	pthread_mutex_unlock(&fx.server->lock);
	assert_int_equal(ERR_OK, sync_all(&fx));
	job.folder = folder_named(&fx, "INBOX");
	assert_int_equal(ERR_OK, end_of(&fx, engine_submit(fx.engine, &job)));
	assert_answer(&fx, "INBOX", "m", "1:7", true);
	assert_int_equal(ERR_OK, end_of(&fx, search_for(&fx, "INBOX", "m")));
	assert_answer(&fx, "INBOX", "m", "2:7", true);
	fixture_clear(&fx);
}

/* The server finds in what was never fetched (its text there is the
 * Message-ID), the index in what was. */
static void
test_both_answer(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	read_message(&fx, 2);
	assert_int_equal(ERR_OK, end_of(&fx, search_for(&fx, "INBOX", "How do")));
	assert_answer(&fx, "INBOX", "How do", "2", true);
	assert_int_equal(ERR_OK, end_of(&fx, search_for(&fx, "INBOX", "m4")));
	assert_answer(&fx, "INBOX", "m4", "4", true);
	assert_int_equal(ERR_OK, end_of(&fx, search_for(&fx, "INBOX", "nowhere")));
	assert_answer(&fx, "INBOX", "nowhere", "", true);
	fixture_clear(&fx);
}

/* The link breaks under a search: it goes on over the next one. */
static void
test_search_survives_a_break(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	wait_for_link(&fx, LINK_ONLINE);
	pthread_mutex_lock(&fx.server->lock);
	fx.server->fault = FAULT_BEFORE;
	fx.server->fault_at = fx.server->n_calls + 1;
	pthread_mutex_unlock(&fx.server->lock);
	assert_int_equal(ERR_OK, end_of(&fx, search_for(&fx, "INBOX", "m4")));
	assert_true(fx.server->has_faulted);
	assert_answer(&fx, "INBOX", "m4", "4", true);
	fixture_clear(&fx);
}

/* Without a connection there is what was read before, and it says that this is not all. */
static void
test_offline_answers_what_is_here(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	read_message(&fx, 3);
	fixture_stop(&fx);
	fx.server->is_down = true;
	fixture_start(&fx);
	wait_for_link(&fx, LINK_OFFLINE);
	assert_int_equal(ERR_CONN, end_of(&fx, search_for(&fx, "INBOX", "how do you")));
	assert_answer(&fx, "INBOX", "how do you", "3", false);
	fixture_clear(&fx);
}

static void
test_no_index_is_said(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	fixture_stop(&fx);
	fx.rc.search_mb = 0;
	fixture_start(&fx);
	struct event ev = wait_for(&fx, EV_DONE, search_for(&fx, "INBOX", "m4"));
	assert_int_equal(ERR_UNSUPPORTED, ev.u.done.code);
	assert_non_null(strstr(ev.u.done.text, "search-size"));
	fixture_clear(&fx);
}

/* ---- mbox files ---- */

static void
write_mbox(struct fixture *fx, int n)
{
	struct str s = { 0 };
	char *path = path_join(fx->dir, "Mail/inbox"), *dir = path_join(fx->dir, "Mail");
	struct error e;

	for (int i = 1; i <= n; i++)
		str_printf(&s,
			"From ada@example.org Mon Jan  5 10:00:00 2026\nFrom: "
			"ada@example.org\nSubject: number %d\nMessage-ID: "
			"<n%d@example.org>\nContent-Type: text/html; "
			"charset=utf-8\nContent-Transfer-Encoding: "
			"quoted-printable\n\n<p>Word w%d of <b>caf=C3=A9</b> and "
			"even%d.</p>\n\n", i, i, i, i % 2);
	assert_int_equal(ERR_OK, path_mkdirs(dir, &e));
	if (file_write_atomic(path, str_get(&s), s.len, &e) != ERR_OK)
		fail_msg("%s", e.text);
	str_clear(&s);
	free(path);
	free(dir);
}

static void
begin_near(struct fixture *fx, int n)
{
	fixture_init(fx);
	fx->rc.search_mb = 100;
	mime_init();
	write_mbox(fx, n);
	fx->conf.receive = (struct rc_url){ .protocol = RC_MBOX,
		.path = path_join(fx->dir, "Mail") };
	struct error e;
	if (engine_new(&fx->engine, &fx->rc, &fx->dirs, &e) != ERR_OK)
		fail_msg("%s", e.text);
	fx->account = engine_account(fx->engine, 0);
	fixture_start(fx);
	struct job job = { .kind = JOB_SYNC, .account = fx->account };
	struct event ev = wait_for(fx, EV_DONE, engine_submit(fx->engine, &job));
	if (ev.u.done.code != ERR_OK)
		fail_msg("%s", ev.u.done.text);
}

static void
end_near(struct fixture *fx)
{
	fixture_clear(fx);
	free(fx->conf.receive.path);
}

/* A complete answer of n messages, the lowest UID of which has the subject. */
static void
assert_found(struct fixture *fx, const char *words, uint64_t n, const char *subject)
{
	struct search *x;
	struct search_answer answer;
	struct arena a = { 0 };
	struct msg m;

	assert_int_equal(ERR_OK, end_of(fx, search_for(fx, "inbox", words)));
	assert_int_equal(ERR_OK, search_open(&x, engine_store(fx->engine), STORE_READ, NULL));
	folder_id inbox = folder_named(fx, "inbox");
	assert_true(search_answer(x, inbox, words, &answer));
	assert_true(answer.is_complete);
	assert_int_equal(n, uidset_count(&answer.uids));
	msg_id first = msg_id_of(inbox, uidset_min(&answer.uids));
	assert_true(store_msg(engine_store(fx->engine), first, &a, &m));
	assert_string_equal(subject, m.subject);
	arena_clear(&a);
	uidset_clear(&answer.uids);
	search_close(x);
}

/* Everything in the file is found without having been read, and what comes later, too. */
static void
test_mbox_is_indexed(void **state)
{
	struct fixture fx;

	(void)state;
	begin_near(&fx, 40);
	assert_found(&fx, "w7", 1, "number 7");
	assert_found(&fx, "of cafe and even1", 20, "number 1");
	write_mbox(&fx, 41);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_found(&fx, "w41", 1, "number 41");
	end_near(&fx);
}

/* The index of words is lost, or was damaged: it is made again. */
static void
test_lost_index_is_made_again(void **state)
{
	struct fixture fx;
	struct error e;

	(void)state;
	begin_near(&fx, 10);
	assert_int_equal(ERR_OK, end_of(&fx, search_for(&fx, "inbox", "w7")));
	fixture_stop(&fx);
	char *path = path_join(fx.dirs.cache, "search.db");
	assert_int_equal(ERR_OK, file_write_atomic(path, "rubbish, and no database", 24, &e));
	free(path);
	if (engine_new(&fx.engine, &fx.rc, &fx.dirs, &e) != ERR_OK)
		fail_msg("%s", e.text);
	fixture_start(&fx);
	assert_found(&fx, "w8", 1, "number 8");
	end_near(&fx);
}

TEST_MAIN(T(test_again_is_about_what_came), T(test_both_answer),
	T(test_search_survives_a_break), T(test_offline_answers_what_is_here),
	T(test_no_index_is_said), T(test_mbox_is_indexed), T(test_lost_index_is_made_again))
