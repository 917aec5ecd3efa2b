/* Uploads: the states of one, and what a server holds after the link was cut and the process
 * ended at each call in turn: what was to stand there stands there once. */
#include "engine_fixture.h"
#include "store_uploads.h"

static const char body[] = "Message-ID: <up1>\r\nSubject: hello\r\n\r\ntext\r\n";

static upload_id
add(struct store *s, const struct upload *u, const char *bytes)
{
	struct upload_file *f;
	upload_id id;
	struct error e;

	assert_int_equal(ERR_OK, upload_create(&f, s, &e));
	assert_int_equal(ERR_OK, upload_write(f, bytes, strlen(bytes), &e));
	if (store_upload_add(s, u, f, &id, &e) != ERR_OK)
		fail_msg("%s", e.text);
	return id;
}

static struct upload
in_drafts(account_id account)
{
	return (struct upload){ .account = account, .role = ROLE_DRAFTS, .flags = MSG_DRAFT |
		MSG_SEEN, .message_id = "up1", .label = "the draft 'hello'" };
}

static enum upload_state
state_of(const struct store *s, upload_id id)
{
	struct arena a = {0};
	struct upload u = {0};

	assert_true(store_upload(s, id, &a, &u));
	arena_clear(&a);
	return u.state;
}

static size_t
n_files(struct fixture *fx)
{
	char *dir = path_join(fx->dirs.data, "uploads");
	DIR *d = opendir(dir);
	size_t n = 0;

	for (struct dirent *x; d && (x = readdir(d));)
		n += *x->d_name != '.';
	if (d)
		closedir(d);
	free(dir);
	return n;
}

/* ---- the table ---- */

struct upload_case {
	const char *name;
	unsigned lacks;			/* caps that the server does not have */
	bool has_folder;
	enum upload_after after;
	const char *want;
};

static const struct upload_case cases[] = {
	{ "into a folder that is there", 0, true, UPLOAD_ALONE,
		"INBOX: m1 m2\nDrafts: up1/11\n" },
	{ "into one that is made", 0, false, UPLOAD_ALONE, "INBOX: m1 m2\nDrafts: up1/11\n" },
	{ "no UID is told", CAP_UIDMAP, true, UPLOAD_ALONE, "INBOX: m1 m2\nDrafts: up1/11\n" },
	{ "the source goes", 0, true, UPLOAD_THEN_EXPUNGE, "INBOX: m1\nDrafts: up1/11\n" },
	{ "the source can only be marked", CAP_DELETE | CAP_UIDMAP, false, UPLOAD_THEN_EXPUNGE,
		"INBOX: m1 m2/8\nDrafts: up1/11\n" },
};

struct run {
	struct fixture fx;
	const struct upload_case *c;
	upload_id id;
};

static void
begin_run(struct run *r, const struct upload_case *c)
{
	*r = (struct run){ .c = c };
	fixture_init(&r->fx);
	r->fx.server->caps &= ~c->lacks;
	fake_folder_add(r->fx.server, "INBOX");
	fake_deliver_many(fake_folder(r->fx.server, "INBOX"), "m", 2);
	if (c->has_folder)
		fake_folder_add(r->fx.server, "Drafts");
	fixture_start(&r->fx);
	assert_int_equal(ERR_OK, sync_all(&r->fx));
	struct upload u = in_drafts(r->fx.account);
	u.after = c->after;
	u.after_msg = msg_id_of(folder_named(&r->fx, "INBOX"), 2);
	u.after_text = "m2";
	fixture_stop(&r->fx);
	fixture_new_engine(&r->fx);
	r->id = add(r->fx.engine->store, &u, body);
	r->fx.server->n_calls = 0;
}

static void
check(struct run *r, const char *what)
{
	struct str s = {0};

	while (sync_all(&r->fx) != ERR_OK)
		engine_reconnect(r->fx.engine, r->fx.account);
	assert_int_equal(ERR_OK, sync_all(&r->fx));	/* and what followed from the first */
	dump_server(r->fx.server, &s);
	if (strcmp(r->c->want, str_get(&s)) != 0)
		fail_msg("%s, %s: the server has\n%s", r->c->name, what, str_get(&s));
	assert_in_step(&r->fx, r->c->name);
	assert_int_equal(UPLOAD_DONE, state_of(engine_store(r->fx.engine), r->id));
	assert_int_equal(0, n_files(&r->fx));
	str_clear(&s);
}

/* True: the fault happened, there may be more. */
static bool
run_with_fault(const struct upload_case *c, enum fake_fault fault, int at)
{
	struct run r;
	char what[64];

	snprintf(what, sizeof what, "fault %d at call %d", fault, at);
	begin_run(&r, c);
	r.fx.server->fault = fault;
	r.fx.server->fault_at = at;
	fixture_start(&r.fx);
	if (fault == FAULT_STALL_BEFORE || fault == FAULT_STALL_AFTER)
		kill_at_fault(&r.fx);
	check(&r, what);
	bool has_faulted = r.fx.server->has_faulted;
	fixture_clear(&r.fx);
	return has_faulted;
}

static void
test_stands_there_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct run r;
		begin_run(&r, &cases[i]);
		fixture_start(&r.fx);
		check(&r, "no fault");
		assert_int_equal(1, r.fx.server->n_appends);
		fixture_clear(&r.fx);
	}
}

/* All cases with DUNLIN_ALL_FAULTS; else every third, from `offset` on. */
static void
interrupt_all(enum fake_fault fault, size_t offset)
{
	bool is_all = getenv("DUNLIN_ALL_FAULTS") != NULL;

	for (size_t i = is_all ? 0 : offset; i < LEN(cases); i += is_all ? 1 : 3) {
		for (int at = 1; run_with_fault(&cases[i], fault, at); at++)
			;
	}
}

static void
test_link_breaks_anywhere(void **state)
{
	(void)state;
	interrupt_all(FAULT_BEFORE, 1);
	interrupt_all(FAULT_AFTER, 0);
}

static void
test_process_dies_anywhere(void **state)
{
	(void)state;
	interrupt_all(FAULT_STALL_BEFORE, 2);
	interrupt_all(FAULT_STALL_AFTER, 1);
}

/* ---- refusals ---- */

/* The server's words are told once and kept, nothing is lost, and the
 * person's sync tries again. */
static void
test_refused_and_tried_again(void **state)
{
	struct fixture fx;
	struct arena a = {0};
	struct upload u;

	(void)state;
	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fake_folder_add(fx.server, "Drafts");
	fx.server->refusal = "[OVERQUOTA] the mailbox is full";
	fixture_start(&fx);
	u = in_drafts(fx.account);
	upload_id id = add(fx.engine->store, &u, body);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(UPLOAD_REFUSED, state_of(engine_store(fx.engine), id));
	assert_int_equal(1, fx.n_notices);
	assert_non_null(strstr(fx.notice.text,
		"the draft 'hello' could not be stored in Drafts: [OVERQUOTA]"));
	assert_non_null(strstr(fx.notice.text, "make room"));
	assert_int_equal(1, store_uploads_refused(engine_store(fx.engine), fx.account));
	assert_int_equal(0, store_uploads_due(engine_store(fx.engine), fx.account));
	assert_int_equal(1, n_files(&fx));
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(1, fx.n_notices);		/* the same words are not told again */
	fx.server->refusal = NULL;
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(UPLOAD_DONE, state_of(engine_store(fx.engine), id));
	assert_true(store_upload(engine_store(fx.engine), id, &a, &u));
	assert_int_equal(msg_id_of(folder_named(&fx, "Drafts"), 1), u.landed);
	assert_int_equal(0, n_files(&fx));
	arena_clear(&a);
	fixture_clear(&fx);
}

/* A version that is refused as the one before is refused without a word. */
static void
test_same_refusal_is_told_once(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fake_folder_add(fx.server, "Drafts");
	fx.server->refusal = "[OVERQUOTA] the mailbox is full";
	fixture_start(&fx);
	for (int i = 0; i < 3; i++) {
		struct upload u = in_drafts(fx.account);
		u.name = "k";
		add(fx.engine->store, &u, body);
		assert_int_equal(ERR_OK, sync_all(&fx));
	}
	assert_int_equal(1, fx.n_notices);
	assert_int_equal(1, n_files(&fx));
	fx.server->refusal = NULL;
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_equal(1, fx.server->n_appends);
	fixture_clear(&fx);
}

/* Of versions that wait only the newest goes up; one that has begun is finished first. */
static void
test_newest_version_only(void **state)
{
	struct fixture fx;
	struct error e;

	(void)state;
	fixture_init(&fx);
	fixture_new_engine(&fx);
	struct upload u = in_drafts(fx.account);
	struct store *s = fx.engine->store;
	u.name = "k";
	upload_id first = add(s, &u, body), second = add(s, &u, body), third;
	struct arena a = {0};
	assert_false(store_upload(s, first, &a, &u));
	assert_int_equal(1, n_files(&fx));
	assert_int_equal(ERR_OK, store_upload_running(s, second, 7, &e));
	u = in_drafts(fx.account);
	u.name = "k";
	third = add(s, &u, body);
	assert_true(store_upload_next(s, fx.account, &a, &u));
	assert_int_equal(second, u.id);
	assert_int_equal(7, u.dest_uidnext);
	assert_int_equal(ERR_MSG, store_upload_drop(s, second, &e));
	assert_int_equal(ERR_OK, store_upload_drop(s, third, &e));
	assert_int_equal(1, store_uploads_due(s, 0));
	arena_clear(&a);
	fixture_clear(&fx);
}

/* What a crash left between the file and its row is swept after a day, and nothing else. */
static void
test_orphans_are_swept(void **state)
{
	struct fixture fx;
	struct error e;
	struct upload_file *f;
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	(void)state;
	fixture_init(&fx);
	fixture_new_engine(&fx);
	struct upload u = in_drafts(fx.account);
	add(fx.engine->store, &u, body);
	char *dir = path_join(fx.dirs.data, "uploads");
	DIR *d = opendir(dir);
	for (struct dirent *x; (x = readdir(d));)
		utimensat(dirfd(d), x->d_name, old, 0);		/* old, and named by a row */
	assert_int_equal(ERR_OK, upload_create(&f, fx.engine->store, &e));
	assert_int_equal(ERR_OK, store_uploads_forget(fx.engine->store, 0, &e));
	assert_int_equal(2, n_files(&fx));			/* one is too young */
	rewinddir(d);
	for (struct dirent *x; (x = readdir(d));)
		utimensat(dirfd(d), x->d_name, old, 0);
	assert_int_equal(ERR_OK, store_uploads_forget(fx.engine->store, 0, &e));
	assert_int_equal(1, n_files(&fx));
	upload_abort(f);
	closedir(d);
	free(dir);
	fixture_clear(&fx);
}

/* One process at a time. */
static void
test_claim(void **state)
{
	struct fixture fx;

	(void)state;
	fixture_init(&fx);
	fixture_new_engine(&fx);
	int claim = store_uploads_claim(fx.engine->store, fx.account);
	assert_true(claim >= 0);
	assert_int_equal(-1, store_uploads_claim(fx.engine->store, fx.account));
	int other = store_uploads_claim(fx.engine->store, fx.account + 1);
	assert_true(other >= 0);
	close(other);
	close(claim);
	fixture_clear(&fx);
}

TEST_MAIN(T(test_stands_there_once), T(test_link_breaks_anywhere),
	T(test_process_dies_anywhere), T(test_refused_and_tried_again),
	T(test_same_refusal_is_told_once), T(test_newest_version_only),
	T(test_orphans_are_swept), T(test_claim))
