/* Clocks that jump and computers that sleep: intervals stay what they
 * are, what is dead is noticed.
 *
 * The wall clock of this process is a day ahead or an hour behind as the tests say:
 * clock_gettime here takes the place of libc's. */
#include <stdatomic.h>
#include <sys/syscall.h>

#include "engine_fixture.h"

static atomic_llong ahead_s;		/* of the kernel's wall clock */

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (id == CLOCK_REALTIME)
		t->tv_sec += atomic_load(&ahead_s);
	return rc;
}

time_t
time(time_t *out)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (out)
		*out = t.tv_sec;
	return t.tv_sec;
}

static void
begin(struct fixture *fx)
{
	atomic_store(&ahead_s, 0);
	fixture_init(fx);
	fake_folder_add(fx->server, "INBOX");
	fake_deliver_many(fake_folder(fx->server, "INBOX"), "m", 3);
	fixture_start(fx);
	assert_int_equal(ERR_OK, sync_all(fx));
	wait_for_link(fx, LINK_ONLINE);
}

static int
n_sessions(struct fixture *fx)
{
	pthread_mutex_lock(&fx->server->lock);
	int n = fx->server->n_sessions;
	pthread_mutex_unlock(&fx->server->lock);
	return n;
}

static void
wait_for_sessions(struct fixture *fx, int n)
{
	struct event ev;

	for (int64_t until = now_ms() + PATIENCE_MS; n_sessions(fx) < n;
	    next_event(fx, &ev, 10)) {
		if (now_ms() > until)
			fail_msg("no session %d", n);
	}
}

/* After a sleep the connection is made anew at once, and nobody is told of a break. */
static void
test_sleep_makes_the_connection_anew(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	int n = n_sessions(&fx);
	engine_clock(fx.engine, CLOCK_SLEPT);
	wait_for_sessions(&fx, n + 1);
	fake_deliver_many(fake_folder(fx.server, "INBOX"), "n", 1);
	assert_int_equal(ERR_OK, sync_all(&fx));
	assert_int_not_equal(LINK_OFFLINE, fx.link);
	assert_in_step(&fx, "after a sleep");
	assert_int_equal(n + 1, n_sessions(&fx));
	fixture_clear(&fx);
}

/* A clock that is set costs no connection. */
static void
test_set_clock_costs_nothing(void **state)
{
	struct fixture fx;

	(void)state;
	begin(&fx);
	int n = n_sessions(&fx);
	for (int i = 0; i < 2; i++) {
		atomic_store(&ahead_s, i ? -3600 : 86400);
		engine_clock(fx.engine, CLOCK_WAS_SET);
		fake_deliver_many(fake_folder(fx.server, "INBOX"), i ? "b" : "a", 1);
		assert_int_equal(ERR_OK, sync_all(&fx));
	}
	assert_in_step(&fx, "after the clock was set");
	assert_int_equal(n, n_sessions(&fx));
	fixture_clear(&fx);
}

/* A sleep ends the pause before the next attempt: the network is another by now. */
static void
test_sleep_ends_a_pause(void **state)
{
	struct fixture fx;

	(void)state;
	atomic_store(&ahead_s, 0);
	fixture_init(&fx);
	fake_folder_add(fx.server, "INBOX");
	fx.server->is_down = true;
	fixture_new_engine(&fx);
	fx.engine->workers[0]->link.n_failures = 8;	/* the next pause is minutes */
	fixture_start(&fx);
	wait_for_link(&fx, LINK_OFFLINE);
	pthread_mutex_lock(&fx.server->lock);
	fx.server->is_down = false;
	pthread_mutex_unlock(&fx.server->lock);
	atomic_store(&ahead_s, -3600);
	engine_clock(fx.engine, CLOCK_SLEPT);
	wait_for_link(&fx, LINK_ONLINE);
	fixture_clear(&fx);
}

/* Quitting takes no longer than it may, with the clock set back an hour
 * while a server is silent. */
static void
test_quitting_does_not_follow_the_wall_clock(void **state)
{
	struct fixture fx;
	struct job job = { .kind = JOB_FOLDERS };

	(void)state;
	begin(&fx);
	pthread_mutex_lock(&fx.server->lock);
	fx.server->fault = FAULT_STALL_BEFORE;
	fx.server->fault_at = fx.server->n_calls + 1;
	pthread_mutex_unlock(&fx.server->lock);
	job.account = fx.account;
	engine_submit(fx.engine, &job);
	poll(NULL, 0, 100);
	/* the kernel's is an hour behind by now */
	atomic_store(&ahead_s, 3600);
	int64_t begun = now_ms();
	fixture_stop(&fx);
	if (now_ms() - begun > 15000)
		fail_msg("it took %lld ms", (long long)(now_ms() - begun));
	fixture_clear(&fx);
}

/* The kernel's timer is there, and says nothing as long as nothing happens. */
static void
test_clock_is_watched(void **state)
{
	struct clock_watch c;
	struct error e;

	(void)state;
	atomic_store(&ahead_s, 0);
	assert_int_equal(ERR_OK, clock_watch_init(&c, &e));
	struct pollfd p = { .fd = c.fd, .events = POLLIN };
	assert_int_equal(0, poll(&p, 1, 50));
	assert_int_equal(CLOCK_GOES_ON, clock_watch_news(&c));
	clock_watch_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleep_makes_the_connection_anew),
		cmocka_unit_test(test_set_clock_costs_nothing),
		cmocka_unit_test(test_sleep_ends_a_pause),
		cmocka_unit_test(test_quitting_does_not_follow_the_wall_clock),
		cmocka_unit_test(test_clock_is_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
