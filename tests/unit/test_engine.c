/* Following a server and carrying out decisions, as a table of (server, here, expected); each
 * case again with the link broken, and with the process killed, at every call. */
#include "engine_fixture.h"

struct sync_case {
	const char *name;
	void (*server)(struct fake_server *s);		/* before the first sync */
	void (*others)(struct fake_server *s);		/* what other clients do after it */
	/* what the person does after it, offline */
	void (*here)(struct fixture *fx);
	/* the server at the end; NULL: as it is */
	const char *want;
	const char *folder_gone;			/* expected not to be known any more */
};

static void
five_messages(struct fake_server *s)
{
	fake_folder_add(s, "INBOX");
	fake_folder_add(s, "Trash");
	fake_deliver_many(fake_folder(s, "INBOX"), "m", 5);
}

static void
no_trash(struct fake_server *s)
{
	fake_folder_add(s, "INBOX");
	fake_deliver_many(fake_folder(s, "INBOX"), "m", 5);
}

static void
thirty_messages(struct fake_server *s)
{
	fake_folder_add(s, "INBOX");
	fake_deliver_many(fake_folder(s, "INBOX"), "m", 30);
}

static void
many_messages(struct fake_server *s)
{
	fake_folder_add(s, "INBOX");
	fake_folder_add(s, "Old");
	fake_deliver_many(fake_folder(s, "INBOX"), "m", 450);
	fake_deliver_many(fake_folder(s, "Old"), "o", 250);
}

static void
without_extensions(struct fake_server *s)
{
	five_messages(s);
	s->caps &= ~(unsigned)(CAP_DELTA | CAP_UIDMAP | CAP_WAIT);
}

static void
without_delta_open(struct fake_server *s)
{
	five_messages(s);
	s->has_delta_open = false;
}

static void
three_arrive(struct fake_server *s)
{
	fake_deliver_many(fake_folder(s, "INBOX"), "new", 3);
}

static void
many_arrive(struct fake_server *s)
{
	fake_deliver_many(fake_folder(s, "INBOX"), "new", 420);
}

static void
flags_change(struct fake_server *s)
{
	fake_flag(fake_folder(s, "INBOX"), 2, MSG_SEEN, 0);
	fake_flag(fake_folder(s, "INBOX"), 4, MSG_FLAGGED | MSG_ANSWERED, 0);
}

static void
two_go(struct fake_server *s)
{
	fake_remove(fake_folder(s, "INBOX"), 2);
	fake_remove(fake_folder(s, "INBOX"), 5);
}

static void
everything_at_once(struct fake_server *s)
{
	two_go(s);
	flags_change(s);
	three_arrive(s);
}

static void
all_go(struct fake_server *s)
{
	fake_folder(s, "INBOX")->n = 0;
	fake_folder(s, "INBOX")->modseq++;
}

static void
folder_is_rebuilt(struct fake_server *s)
{
	struct fake_folder *f = fake_folder(s, "INBOX");

	f->uidvalidity += 100;
	f->uidnext = 1;
	f->n = 0;
	fake_deliver_many(f, "r", 3);
}

static void
read_two(struct fixture *fx)
{
	act_on(fx, ACT_FLAGS, MSG_SEEN, 0, NULL, "INBOX", 2, 3);
}

static void
delete_two(struct fixture *fx)
{
	assert_int_equal(ERR_OK, act_on(fx, ACT_DELETE, 0, 0, NULL, "INBOX", 2, 3));
}

static void
delete_one_by_one(struct fixture *fx)
{
	for (uint32_t uid = 1; uid <= 4; uid++)
		act_on(fx, ACT_DELETE, 0, 0, NULL, "INBOX", uid, uid);
}

static void
copy_two(struct fixture *fx)
{
	act_on(fx, ACT_COPY, 0, 0, "Trash", "INBOX", 2, 3);
}

static void
expunge_two(struct fixture *fx)
{
	act_on(fx, ACT_EXPUNGE, 0, 0, NULL, "INBOX", 2, 3);
}

static void
flag_then_move(struct fixture *fx)
{
	act_on(fx, ACT_FLAGS, MSG_FLAGGED, 0, NULL, "INBOX", 1, 2);
	act_on(fx, ACT_MOVE, 0, 0, "Trash", "INBOX", 2, 3);
}

static void
make_folder(struct fixture *fx)
{
	act_on(fx, ACT_FOLDER_CREATE, 0, 0, "Letters", NULL, 0, 0);
}

static void
rename_folder(struct fixture *fx)
{
	act_on(fx, ACT_FOLDER_RENAME, 0, 0, "Bin", "Trash", 0, 0);
}

static void
remove_folder(struct fixture *fx)
{
	act_on(fx, ACT_FOLDER_DELETE, 0, 0, NULL, "Trash", 0, 0);
}

static const struct sync_case cases[] = {
	{ "first sync", five_messages, NULL, NULL, "INBOX: m1 m2 m3 m4 m5\nTrash:\n", NULL },
	{ "first sync of many", many_messages, NULL, NULL, NULL, NULL },
	{ "nothing changed", five_messages, NULL, NULL, "INBOX: m1 m2 m3 m4 m5\nTrash:\n",
		NULL },
	{ "new mail", five_messages, three_arrive, NULL,
		"INBOX: m1 m2 m3 m4 m5 new1 new2 new3\nTrash:\n", NULL },
	{ "much new mail", many_messages, many_arrive, NULL, NULL, NULL },
	{ "flags elsewhere", five_messages, flags_change, NULL,
		"INBOX: m1 m2/1 m3 m4/6 m5\nTrash:\n", NULL },
	{ "removal elsewhere", five_messages, two_go, NULL, "INBOX: m1 m3 m4\nTrash:\n",
		NULL },
	{ "all of it", five_messages, everything_at_once, NULL,
		"INBOX: m1 m3 m4/6 new1 new2 new3\nTrash:\n", NULL },
	{ "all of it, no QRESYNC", without_delta_open, everything_at_once, NULL,
		"INBOX: m1 m3 m4/6 new1 new2 new3\nTrash:\n", NULL },
	{ "all of it, no extensions", without_extensions, everything_at_once, NULL,
		"INBOX: m1 m3 m4/6 new1 new2 new3\nTrash:\n", NULL },
	{ "emptied elsewhere", thirty_messages, all_go, NULL, "INBOX:\n", NULL },
	{ "rebuilt", five_messages, folder_is_rebuilt, NULL, "INBOX: r1 r2 r3\nTrash:\n",
		NULL },
	{ "rebuilt under decisions", five_messages, folder_is_rebuilt, delete_two,
		"INBOX: r1 r2 r3\nTrash:\n", NULL },
	{ "read here", five_messages, NULL, read_two, "INBOX: m1 m2/1 m3/1 m4 m5\nTrash:\n",
		NULL },
	{ "read here, flags elsewhere", five_messages, flags_change, read_two,
		"INBOX: m1 m2/1 m3/1 m4/6 m5\nTrash:\n", NULL },
	{ "deleted here", five_messages, NULL, delete_two, "INBOX: m1 m4 m5\nTrash: m2 m3\n",
		NULL },
	{ "deleted here, no Trash yet", no_trash, NULL, delete_two,
		"INBOX: m1 m4 m5\nTrash: m2 m3\n", NULL },
	{ "deleted here and elsewhere", five_messages, two_go, delete_two,
		"INBOX: m1 m4\nTrash: m3\n", NULL },
	{ "deleted here, new mail", five_messages, three_arrive, delete_two,
		"INBOX: m1 m4 m5 new1 new2 new3\nTrash: m2 m3\n", NULL },
	{ "deleted here, no extensions", without_extensions, NULL, delete_two,
		"INBOX: m1 m4 m5\nTrash: m2 m3\n", NULL },
	{ "deleted one by one", five_messages, NULL, delete_one_by_one,
		"INBOX: m5\nTrash: m1 m2 m3 m4\n", NULL },
	{ "copied here", five_messages, NULL, copy_two,
		"INBOX: m1 m2 m3 m4 m5\nTrash: m2 m3\n", NULL },
	{ "copied here, no extensions", without_extensions, NULL, copy_two,
		"INBOX: m1 m2 m3 m4 m5\nTrash: m2 m3\n", NULL },
	{ "removed for good", five_messages, NULL, expunge_two, "INBOX: m1 m4 m5\nTrash:\n",
		NULL },
	{ "flagged, then moved", five_messages, NULL, flag_then_move,
		"INBOX: m1/4 m4 m5\nTrash: m2/4 m3\n", NULL },
	{ "folder made", five_messages, NULL, make_folder,
		"INBOX: m1 m2 m3 m4 m5\nTrash:\nLetters:\n", NULL },
	{ "folder renamed", five_messages, NULL, rename_folder,
		"INBOX: m1 m2 m3 m4 m5\nBin:\n", "Trash" },
	{ "folder removed", five_messages, NULL, remove_folder, "INBOX: m1 m2 m3 m4 m5\n",
		"Trash" },
};

/* ---- running a case ---- */

static void
copy_tree(const char *from, const char *to)
{
	char cmd[256];

	snprintf(cmd, sizeof cmd, "rm -rf '%s' && cp -r '%s' '%s'", to, from, to);
	assert_int_equal(0, system(cmd));
}

/* The state after the first sync and what others and the person did since, to
 * begin from again and again. */
struct begun {
	struct fixture fx;
	struct fake_server *server;	/* a copy of it */
	char copy[80];
};

static void
begin_case(struct begun *b, const struct sync_case *c)
{
	fixture_init(&b->fx);
	c->server(b->fx.server);
	if (c->others || c->here) {
		fixture_start(&b->fx);
		assert_int_equal(ERR_OK, sync_all(&b->fx));
		fixture_stop(&b->fx);
	}
	if (c->others)
		c->others(b->fx.server);
	if (c->here) {
		fixture_new_engine(&b->fx);
		c->here(&b->fx);
		fixture_stop(&b->fx);
	}
	b->server = xmemdup(b->fx.server, sizeof *b->server);
	snprintf(b->copy, sizeof b->copy, "%s.copy", b->fx.dir);
	copy_tree(b->fx.dir, b->copy);
}

static void
begin_again(struct begun *b, enum fake_fault fault, int at)
{
	struct fake_server *s = b->fx.server;

	*s = *b->server;
	pthread_mutex_init(&s->lock, NULL);
	s->fault = fault;
	s->fault_at = at;
	s->n_calls = 0;
	copy_tree(b->copy, b->fx.dir);
}

static void
end_case(struct begun *b)
{
	remove_tree(b->copy);
	free(b->server);
	fixture_clear(&b->fx);
}

/* True when the fault happened: there may be more calls to break. */
static bool
run_case(struct begun *b, const struct sync_case *c, enum fake_fault fault, int at)
{
	struct fixture *fx = &b->fx;
	struct str is = {0};
	char what[160];
	bool is_kill = fault == FAULT_STALL_BEFORE || fault == FAULT_STALL_AFTER;

	snprintf(what, sizeof what, "%s, fault %d at call %d", c->name, fault, at);
	begin_again(b, fault, at);
	fixture_new_engine(fx);
	fixture_start(fx);
	if (is_kill)
		kill_at_fault(fx);
	enum err rc = sync_all(fx);
	/* no connection came about; somebody presses the key again */
	if (rc == ERR_CONN) {
		engine_reconnect(fx->engine, fx->account);
		rc = sync_all(fx);
	}
	if (rc != ERR_OK)
		fail_msg("%s: the sync ends with %d", what, rc);
	pthread_mutex_lock(&fx->server->lock);
	dump_server(fx->server, &is);
	if (c->want && strcmp(c->want, str_get(&is)) != 0)
		fail_msg("%s: the server has\n%snot\n%s", what, str_get(&is), c->want);
	assert_in_step(fx, what);
	if (c->folder_gone && folder_named(fx, c->folder_gone)) {
		struct arena a = {0};
		struct folder f;
		if (find_folder(fx, c->folder_gone, &a, &f) && !(f.attrs & FOLDER_GONE))
			fail_msg("%s: %s is still there", what, c->folder_gone);
		arena_clear(&a);
	}
	bool has_faulted = fx->server->has_faulted;
	pthread_mutex_unlock(&fx->server->lock);
	str_clear(&is);
	fixture_stop(fx);
	return has_faulted;
}

/* Every case comes out as the table says. */
static void
test_sync_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct begun b;
		begin_case(&b, &cases[i]);
		run_case(&b, &cases[i], FAULT_NONE, 0);
		end_case(&b);
	}
}

/* Every case comes out the same with a fault at each of its calls. Without DUNLIN_ALL_FAULTS,
 * every sixth case, and of the calls of a long one every few, so that a run takes seconds. */
static void
interrupt_all(enum fake_fault fault, size_t offset)
{
	bool is_all = getenv("DUNLIN_ALL_FAULTS") != NULL;

	for (size_t i = is_all ? 0 : offset; i < LEN(cases); i += is_all ? 1 : 6) {
		struct begun b;
		int at = 1;
		begin_case(&b, &cases[i]);
		while (run_case(&b, &cases[i], fault, at))
			at += is_all || at < 12 ? 1 : 5;
		end_case(&b);
	}
}

static void
test_link_breaks_before_a_call(void **state)
{
	(void)state;
	interrupt_all(FAULT_BEFORE, 0);
}

static void
test_link_breaks_after_a_call(void **state)
{
	(void)state;
	interrupt_all(FAULT_AFTER, 3);
}

static void
test_process_dies_before_a_call(void **state)
{
	(void)state;
	interrupt_all(FAULT_STALL_BEFORE, 2);
}

static void
test_process_dies_after_a_call(void **state)
{
	(void)state;
	interrupt_all(FAULT_STALL_AFTER, 3);
}

TEST_MAIN(T(test_sync_table), T(test_link_breaks_before_a_call),
	T(test_link_breaks_after_a_call), T(test_process_dies_before_a_call),
	T(test_process_dies_after_a_call))
