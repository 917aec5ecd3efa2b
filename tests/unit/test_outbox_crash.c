/* Killed before and within each call that changes a file or says something to the server, from
 * the first write to the copy in Sent: the next pass finds out how it stands, sends what is
 * surely not sent, once, and makes the copy once.
 *
 * The calls are ours here; at the n-th one a child process does half of what was asked
 * for, or nothing, and is gone. */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "outbox_fixture.h"
#include "store_outbox.h"

#define BOB "bob@example.net"

enum fault { FAULT_NONE, FAULT_HALF, FAULT_BEFORE };
static enum fault fault;
static long countdown;

static bool
strikes(void)
{
	return fault != FAULT_NONE && --countdown <= 0;
}

static size_t
part_of(size_t n)
{
	return fault == FAULT_HALF ? (n + 1) / 2 : 0;
}

static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (is_file(fd) && strikes()) {
		syscall(SYS_write, fd, p, part_of(n));
		_exit(9);
	}
	return syscall(SYS_write, fd, p, n);
}

static ssize_t
pwrite_struck(int fd, const void *p, size_t n, off_t at)
{
	if (strikes()) {
		syscall(SYS_pwrite64, fd, p, part_of(n), at);
		_exit(9);
	}
	return syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite_struck(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite_struck(fd, p, n, at);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	if (strikes()) {
		if (part_of(n))
			syscall(SYS_sendto, fd, p, part_of(n), flags, NULL, 0);
		_exit(9);
	}
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

int
fsync(int fd)
{
	if (strikes())
		_exit(9);
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	if (strikes())
		_exit(9);
	return (int)syscall(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t n)
{
	if (strikes())
		_exit(9);
	return (int)syscall(SYS_ftruncate, fd, n);
}

/* ---- */

/* A pass in a child that dies at its n-th call. True: it came to its end before. */
static bool
child_pass(struct fixture *fx, enum fault f, long n)
{
	int status;

	store_close(fx->s);
	fx->s = NULL;
	sink_pause(&fx->sink);
	pid_t pid = fork();
	if (pid == 0) {
		fx_open_store(fx);
		fault = f;
		countdown = n;
		fx_pass(fx);
		_exit(countdown > 0 ? 0 : 1);
	}
	sink_go_on(&fx->sink);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFEXITED(status));
	fx_open_store(fx);
	return WEXITSTATUS(status) == 0;
}

struct tally {
	int n_sent, n_unsure, n_wrongly;	/* unsure, and not taken */
};

/* True: the pass was whole. */
static bool
one(enum fault f, long n, struct tally *t)
{
	struct fixture *fx = fx_new("");
	outbox_id id = fx_put(fx, BOB);

	fx->rc->timeout_s = 60;	/* who dies is the subject, not who is slow */
	bool is_whole = child_pass(fx, f, n);

	for (int again = 0; again < 2; again++) {	/* and a further one changes nothing */
		if (fx_pass(fx) != ERR_OK)
			fail_msg("call %ld: %s", n, fx->e.text);
		struct outbox_mail m = fx_get(fx, id);
		size_t n_taken = sink_count(&fx->sink, m.message_id, BOB);
		size_t n_copies = fx_copied(fx, m.message_id);
		if (m.state != OUTBOX_SENT && m.state != OUTBOX_UNSURE)
			fail_msg("call %ld: state %d", n, m.state);
		if (n_taken > 1 || (m.state == OUTBOX_SENT && n_taken != 1))
			fail_msg("call %ld: state %d, taken %zu times", n, m.state, n_taken);
		if (n_copies != (m.state == OUTBOX_SENT))
			fail_msg("call %ld: state %d, %zu copies", n, m.state, n_copies);
		t->n_sent += again && m.state == OUTBOX_SENT;
		t->n_unsure += again && m.state == OUTBOX_UNSURE;
		t->n_wrongly += again && m.state == OUTBOX_UNSURE && n_taken == 0;
	}
	/* the person says that it arrived: then it has its copy, once */
	if (fx_get(fx, id).state == OUTBOX_UNSURE) {
		assert_int_equal(ERR_OK, store_outbox_believe_sent(fx->s, id, &fx->e));
		assert_int_equal(ERR_OK, fx_pass(fx));
		assert_int_equal(1, fx_copied(fx, fx_get(fx, id).message_id));
	}
	fx_free(fx);
	return is_whole;
}

/* All of them with DUNLIN_EVERY_BYTE (`make every-byte`), else one in three. */
static void
at_every_call(enum fault f)
{
	long n = 1, stride = getenv("DUNLIN_EVERY_BYTE") ? 1 : 3;
	struct tally t = {0};

	while (!one(f, n, &t))
		n += stride;
	print_message("%ld calls: %d sent, %d unsure, %d of them not taken\n", n, t.n_sent,
		t.n_unsure, t.n_wrongly);
	assert_true(n > 30 && t.n_sent > t.n_unsure && t.n_unsure > 0);
}

static void
test_killed_within(void **state)
{
	(void)state;
	at_every_call(FAULT_HALF);
}

static void
test_killed_before(void **state)
{
	(void)state;
	at_every_call(FAULT_BEFORE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_killed_within),
		cmocka_unit_test(test_killed_before) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
