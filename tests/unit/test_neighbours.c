/* Two processes on one store: what one of them changes the other hears
 * of, without looking for it. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "engine_fixture.h"

/* The other process: made before there are threads, does what a byte tells it. */
struct neighbour {
	pid_t pid;
	int to, from;
};

enum {
	SAY_FLAG = 'f', SAY_MANY = 'm', SAY_DECIDE = 'd', SAY_LISTEN = 'l', SAY_DIE = 'k',
	SAY_QUIT = 'q'
};

static void
decide(struct store *s, account_id account, folder_id inbox)
{
	struct intent in = { .account = account, .kind = INTENT_FLAGS, .folder = inbox,
		.dest = "", .set = MSG_FLAGGED, .label = "flag 1 message", .error = "" };
	msg_id id = msg_id_of(inbox, 2);
	int64_t group = 0;
	intent_id made;

	store_intent_add(s, &in, &id, 1, &group, &made, NULL);
}

static void
flag(struct store *s, folder_id inbox, uint32_t flags)
{
	store_msg_flags(s, msg_id_of(inbox, 1), flags, 0, NULL);
}

static void
obey(struct fixture *fx, int in, int out)
{
	struct store *s = NULL;
	struct bell *bell = NULL;
	struct arena a = {0};
	struct folder f;
	char c;

	while (read(in, &c, 1) == 1 && c != SAY_QUIT) {
		if (!s && store_open(&s, fx->dirs.data, fx->dirs.cache, STORE_WRITE,
		    NULL) != ERR_OK)
			_exit(1);
		account_id account = store_account(s, "work");
		if (!store_folder_by_wire(s, account, "INBOX", &a, &f))
			_exit(2);
		if (c == SAY_FLAG)
			flag(s, f.id, MSG_FLAGGED);
		for (uint32_t i = 0; c == SAY_MANY && i < 500; i++) {
			flag(s, f.id, i & 1 ? MSG_FLAGGED : 0);
			poll(NULL, 0, 1);
		}
		if (c == SAY_DECIDE)
			decide(s, account, f.id);
		if (c == SAY_LISTEN && bell_open(&bell, s, NULL) != ERR_OK)
			_exit(3);
		if (c == SAY_DIE)
			kill(getpid(), SIGKILL);
		if (write(out, &c, 1) != 1)
			_exit(4);
	}
	store_close(s);
	_exit(0);
}

static void
say(struct neighbour *n, char what)
{
	char c;

	assert_int_equal(1, write(n->to, &what, 1));
	if (what == SAY_QUIT || what == SAY_DIE)
		waitpid(n->pid, NULL, 0);
	else
		assert_int_equal(1, read(n->from, &c, 1));
}

static void
begin(struct fixture *fx, struct neighbour *n, bool can_listen)
{
	int to[2], from[2];

	fixture_init(fx);
	fake_folder_add(fx->server, "INBOX");
	fake_deliver_many(fake_folder(fx->server, "INBOX"), "m", 5);
	assert_int_equal(0, pipe(to));
	assert_int_equal(0, pipe(from));
	n->pid = fork();
	assert_true(n->pid >= 0);
	if (n->pid == 0) {
		close(to[1]);
		close(from[0]);
		obey(fx, to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	*n = (struct neighbour){ n->pid, to[1], from[0] };
	if (!can_listen) {
		char *bells = path_join(fx->dirs.cache, "bells");
		assert_int_equal(0, mkdir(fx->dirs.cache, 0700));
		assert_int_equal(ERR_OK, file_write_atomic(bells, "", 0, NULL));
		free(bells);
	}
	fixture_start(fx);
	assert_int_equal(ERR_OK, sync_all(fx));
}

static void
end(struct fixture *fx, struct neighbour *n)
{
	close(n->to);
	close(n->from);
	fixture_clear(fx);
}

/* How many events of that kind within the time. */
static size_t
count(struct fixture *fx, enum event_kind kind, int ms)
{
	struct event ev;
	size_t n = 0;

	for (int64_t until = now_ms() + ms; now_ms() < until;)
		n += next_event(fx, &ev, (int)(until - now_ms())) && ev.kind == kind;
	return n;
}

static uint32_t
flags_here(struct fixture *fx, uint32_t uid)
{
	struct arena a = {0};
	struct msg m = {0};

	store_msg(engine_store(fx->engine), msg_id_of(folder_named(fx, "INBOX"), uid), &a, &m);
	arena_clear(&a);
	return m.flags;
}

/* A change in another process is told within a second, and not our own. */
static void
test_change_is_heard(void **state)
{
	struct fixture fx;
	struct neighbour n;

	(void)state;
	begin(&fx, &n, true);
	count(&fx, EV_STORE, 300);
	assert_int_equal(ERR_OK, act_on(&fx, ACT_FLAGS, MSG_SEEN, 0, NULL, "INBOX", 3, 3));
	assert_int_equal(0, count(&fx, EV_STORE, 600));
	int64_t begun = now_ms();
	say(&n, SAY_FLAG);
	int64_t told = now_ms();
	wait_for(&fx, EV_STORE, 0);
	if (now_ms() - told > 1000 && told - begun < 1000)
		fail_msg("heard after %lld ms", (long long)(now_ms() - told));
	assert_true(flags_here(&fx, 1) & MSG_FLAGGED);
	say(&n, SAY_QUIT);
	end(&fx, &n);
}

/* A neighbour who writes hundreds of times a second is heard some five times a second. */
static void
test_flood_is_heard_seldom(void **state)
{
	struct fixture fx;
	struct neighbour n;
	char c = SAY_MANY;
	size_t n_heard = 0;

	(void)state;
	begin(&fx, &n, true);
	count(&fx, EV_STORE, 300);
	int64_t begun = now_ms();
	assert_int_equal(1, write(n.to, &c, 1));
	struct pollfd over = { .fd = n.from, .events = POLLIN };
	while (poll(&over, 1, 0) == 0)
		n_heard += count(&fx, EV_STORE, 100);
	int64_t took = now_ms() - begun;
	n_heard += count(&fx, EV_STORE, 500);
	if (n_heard < 1 || n_heard > (size_t)took / 200 + 4)
		fail_msg("heard %zu times in %lld ms", n_heard, (long long)took);
	say(&n, SAY_QUIT);
	end(&fx, &n);
}

/* A decision of another process is left to it; when that is gone, it is carried out here. */
static void
test_what_a_neighbour_left_is_done(void **state)
{
	struct fixture fx;
	struct neighbour n;

	(void)state;
	begin(&fx, &n, true);
	wait_for_link(&fx, LINK_ONLINE);
	say(&n, SAY_DECIDE);
	int64_t begun = now_ms();
	wait_for(&fx, EV_STORE, 0);
	assert_int_equal(1, store_intents_pending(engine_store(fx.engine), fx.account));
	say(&n, SAY_DIE);
	while (store_intents_pending(engine_store(fx.engine), fx.account) > 0) {
		if (now_ms() - begun > 15000)
			fail_msg("nobody does it");
		count(&fx, EV_STORE, 50);
	}
	if (now_ms() - begun < 1000)
		fail_msg("taken out of its hands after %lld ms",
			(long long)(now_ms() - begun));
	assert_true(fake_folder(fx.server, "INBOX")->v[1].flags & MSG_FLAGGED);
	end(&fx, &n);
}

/* The names in the directory of bells. */
static size_t
count_bells(struct fixture *fx)
{
	char *path = path_join(fx->dirs.cache, "bells");
	DIR *d = opendir(path);
	struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(d)) != NULL)
		n += *entry->d_name != '.';
	closedir(d);
	free(path);
	return n;
}

/* What a killed process left is cleared away by the next who changes something. */
static void
test_dead_bell_is_removed(void **state)
{
	struct fixture fx;
	struct neighbour n;

	(void)state;
	begin(&fx, &n, true);
	say(&n, SAY_LISTEN);
	assert_int_equal(2, count_bells(&fx));
	say(&n, SAY_DIE);
	assert_int_equal(2, count_bells(&fx));
	assert_int_equal(ERR_OK, act_on(&fx, ACT_FLAGS, MSG_SEEN, 0, NULL, "INBOX", 3, 3));
	assert_int_equal(1, count_bells(&fx));
	fixture_stop(&fx);
	assert_int_equal(0, count_bells(&fx));
	end(&fx, &n);
}

/* Where no bell can be, a change is seen all the same, some seconds later. */
static void
test_without_a_bell(void **state)
{
	struct fixture fx;
	struct neighbour n;

	(void)state;
	begin(&fx, &n, false);
	count(&fx, EV_STORE, 300);
	say(&n, SAY_FLAG);
	wait_for(&fx, EV_STORE, 0);
	assert_true(flags_here(&fx, 1) & MSG_FLAGGED);
	say(&n, SAY_QUIT);
	end(&fx, &n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change_is_heard),
		cmocka_unit_test(test_flood_is_heard_seldom),
		cmocka_unit_test(test_what_a_neighbour_left_is_done),
		cmocka_unit_test(test_dead_bell_is_removed),
		cmocka_unit_test(test_without_a_bell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
