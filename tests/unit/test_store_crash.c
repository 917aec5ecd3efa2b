/* kill -9 at any moment: what was decided is kept, once, and nothing is half done.
 *
 * A child decides and carries out in a loop against a pretended server (a file with a byte a
 * message: where it is), telling the parent what was recorded; the parent kills it, does what
 * is left, and compares. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "store_fixture.h"

enum { N = 1200, N_ROUNDS = 12 };

/* Shared with the child; survives its death as a server would. */
struct server {
	unsigned char is_moved[N + 1];
	unsigned char n_moved[N + 1];	/* more than once is once too often */
	volatile uint32_t n_recorded;
};

/* What a careful engine does: after a crash it looks before it does a thing again. */
static void
work(struct fixture *fx, struct server *server, struct intent_batch *b)
{
	uint32_t from[N + 1], to[N + 1];
	size_t n = 0;

	OK(store_intents_running(fx->s, b, 0, &fx->e));
	for (uint32_t uid = 0; (uid = uidset_next(&b->uids, uid)); n++) {
		if (!b->was_running || !server->is_moved[uid]) {
			server->n_moved[uid]++;
			server->is_moved[uid] = 1;
		}
		from[n] = uid;
		to[n] = 1000 + uid;
	}
	OK(store_intents_done(fx->s, b, from, to, n, &fx->e));
	intent_batch_clear(b);
}

static void
child(struct fixture *fx, struct server *server)
{
	struct intent_batch b;

	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	for (uint32_t uid = server->n_recorded + 1; uid <= N; uid++) {
		fx_move(fx, msg_id_of(fx->inbox, uid));
		server->n_recorded = uid;
		if (uid % 3 == 0 && store_intent_next(fx->s, fx->account, &fx->a, &b))
			work(fx, server, &b);
	}
	_exit(0);
}

static void
check(struct fixture *fx, struct server *server, uint32_t n)
{
	struct intent_batch b;

	/* The last one may have been recorded without a word about it. */
	assert_in_range(fx_counts(fx, fx->inbox).n_msgs, n < N ? N - n - 1 : 0, N - n);
	while (store_intent_next(fx->s, fx->account, &fx->a, &b))
		work(fx, server, &b);
	uint32_t n_in = fx_counts(fx, fx->inbox).n_msgs,
		 n_out = fx_counts(fx, fx->trash).n_msgs;
	assert_int_equal(N, n_in + n_out);
	assert_in_range(n_out, n, n + 1);
	for (uint32_t uid = 1; uid <= N; uid++) {
		struct msg m;
		assert_int_equal(uid <= n_out, server->n_moved[uid]);
		assert_int_equal(uid > n_out,
			store_msg(fx->s, msg_id_of(fx->inbox, uid), &fx->a, &m));
		assert_int_equal(uid <= n_out,
			store_msg(fx->s, msg_id_of(fx->trash, 1000 + uid), &fx->a, &m));
	}
	server->n_recorded = n_out;
}

static void
test_kill_at_any_moment(void **state)
{
	struct fixture *fx = *state;
	struct server *server = mmap(NULL, sizeof *server, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned n_killed = 0;

	assert_true(server != MAP_FAILED);
	fx_msgs(fx, fx->inbox, 1, N);
	for (int round = 0; round < N_ROUNDS && server->n_recorded < N; round++) {
		store_close(fx->s);
		fx->s = NULL;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			child(fx, server);
		long us = 12000 + (round * 7919 + (long)getpid() * 31) % 40000;
		nanosleep(&(struct timespec){ 0, us * 1000 }, NULL);
		kill(pid, SIGKILL);
		int status;
		waitpid(pid, &status, 0);
		n_killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
		OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
		check(fx, server, server->n_recorded);
	}
	print_message("killed %u times, %u decided\n", n_killed, server->n_recorded);
	assert_true(n_killed > 0);
	munmap(server, sizeof *server);
}

/* Whether this process holds a lock on the database file, seen from another process. */
static bool
is_locked(struct fixture *fx)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		char *path = path_join(fx->data, "dunlin.db");
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(path, O_RDWR | O_CLOEXEC);
		_exit(fd >= 0 && fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* However many handles are opened and closed, SQLite's lock on the database stays: without it
 * the next process that comes and goes removes the log of commits under us. */
static void
test_handles_keep_the_lock(void **state)
{
	struct fixture *fx = *state;
	struct store *second;

	OK(store_value_put(fx->s, "seen", "one", &fx->e));
	assert_true(is_locked(fx));
	OK(store_open(&second, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_true(is_locked(fx));
	store_close(second);
	assert_true(is_locked(fx));
}

TEST_MAIN(FX(test_kill_at_any_moment), FX(test_handles_keep_the_lock))
