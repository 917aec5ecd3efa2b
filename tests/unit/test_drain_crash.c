/* A drain that dies, or whose disk fails, at every write in turn: spool, mbox and database.
 *
 * The calls that change files are ours here. At the n-th one a child process does half of what
 * was asked for and is gone, as by kill -9; or that call and all behind it fail, as on a full
 * disk. Then the next pass, undisturbed, has to bring everything, once. */
#include <sys/syscall.h>
#include <sys/wait.h>

#include "drain_fixture.h"

enum fault { FAULT_NONE, FAULT_DIE, FAULT_DIE_BEFORE, FAULT_FULL, FAULT_SYNC };
static enum fault fault;
static long countdown, n_calls;

static bool
strikes(void)
{
	n_calls++;
	return fault != FAULT_NONE && --countdown <= 0;
}

static bool
is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* How many of n bytes are written before the process dies or the disk is full. */
static ssize_t
cut_short(size_t n)
{
	if (fault == FAULT_FULL || fault == FAULT_SYNC) {
		errno = fault == FAULT_FULL ? ENOSPC : EIO;
		return -1;
	}
	return fault == FAULT_DIE_BEFORE ? 0 : (ssize_t)(n / 2);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	if (!is_file(fd) || fault == FAULT_SYNC || !strikes())
		return syscall(SYS_write, fd, p, n);
	ssize_t part = cut_short(n);
	if (part < 0)
		return -1;
	syscall(SYS_write, fd, p, (size_t)part);
	_exit(9);
}

static ssize_t
pwrite_struck(int fd, const void *p, size_t n, off_t at)
{
	if (fault == FAULT_SYNC || !strikes())
		return syscall(SYS_pwrite64, fd, p, n, at);
	ssize_t part = cut_short(n);
	if (part < 0)
		return -1;
	syscall(SYS_pwrite64, fd, p, (size_t)part, at);
	_exit(9);
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

static int
call_struck(long number, int fd)
{
	if (fault == FAULT_FULL || !strikes())
		return (int)syscall(number, fd);
	if (fault == FAULT_SYNC)
		return (int)cut_short(0);
	_exit(9);
}

int
fsync(int fd)
{
	return call_struck(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return call_struck(SYS_fdatasync, fd);
}

int
ftruncate(int fd, off_t n)
{
	if (fault != FAULT_DIE && fault != FAULT_DIE_BEFORE)
		return (int)syscall(SYS_ftruncate, fd, n);
	if (!strikes())
		return (int)syscall(SYS_ftruncate, fd, n);
	_exit(9);
}

int
rename(const char *from, const char *to)
{
	if ((fault != FAULT_DIE && fault != FAULT_DIE_BEFORE) || !strikes())
		return (int)syscall(SYS_rename, from, to);
	if (fault == FAULT_DIE)
		syscall(SYS_rename, from, to);
	_exit(9);
}

ssize_t
copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t n, unsigned flags)
{
	if (fault == FAULT_SYNC || !strikes())
		return syscall(SYS_copy_file_range, from, from_at, to, to_at, n, flags);
	ssize_t part = cut_short(n);
	if (part < 0)
		return -1;
	syscall(SYS_copy_file_range, from, from_at, to, to_at, (size_t)part, flags);
	_exit(9);
}

/* ---- */

/* A pass in a child, which meets the fault at its n-th call. True: it
 * came to its end before. */
static bool
child_pass(struct drained *x, enum fault f, long n)
{
	int status;

	store_close(x->store);
	x->store = NULL;
	pop3_server_pause(&x->server);
	pid_t pid = fork();
	if (pid == 0) {
		dr_open_store(x);
		fault = f;
		countdown = n;
		dr_pass(x);
		_exit(countdown > 0 ? 0 : 1);
	}
	pop3_server_go_on(&x->server);
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFEXITED(status));
	dr_open_store(x);
	return WEXITSTATUS(status) == 0;
}

/* The same while what was a header is replaced by the whole message. */
static bool
one_wanted(enum fault f, long n)
{
	struct drained x;
	struct census c;

	dr_init(&x);
	dr_add(&x, "old", MAIL("old", "was here before\r\n"));
	dr_add(&x, "large", dr_large('a', 300000));
	dr_add(&x, "new", MAIL("new", "behind it\r\n"));
	x.conf.max_size_kb = 100;
	x.conf.keep_days = 0;
	dr_start(&x);
	PASS(&x);
	assert_int_equal(1, dr_want_all(&x));
	bool is_whole = child_pass(&x, f, n);
	/* the one or the other, at no time both or neither */
	size_t n_whole = census(&x, &c);
	if (n_whole + c.n_stubs != 3)
		fail_msg("call %ld: %zu whole, %zu headers", n, n_whole, c.n_stubs);
	assert_true(c.n_stubs == 0 || !x.server.v[1].is_gone);
	PASS(&x);
	/* a full disk ends the request: it is told, and made again */
	dr_want_all(&x);
	PASS(&x);
	assert_int_equal(3, census(&x, &c));
	assert_int_equal(0, c.n_stubs);
	assert_true(x.server.v[1].is_gone);
	dr_clear(&x);
	return is_whole;
}

static bool
one(enum fault f, long n, int keep_days)
{
	struct drained x;
	struct census c;

	dr_init(&x);
	dr_add(&x, "old", MAIL("old", "was here before\r\n"));
	dr_start(&x);
	PASS(&x);
	dr_small(&x);
	x.conf.keep_days = keep_days;
	bool is_whole = child_pass(&x, f, n);
	struct drain_pass d = { .cfg = &x.cfg, .store = x.store, .inbox = x.inbox,
		.spool_path = x.spool, .ctx = &x, .notice = dr_notice };
	if (drain_pass_recover(&d, &x.e) != ERR_OK)
		fail_msg("call %ld: %s", n, x.e.text);
	/* nothing torn is seen, whatever was written */
	census(&x, &c);
	for (size_t i = 0; i < x.server.n; i++)
		assert_true(c.n_each[i] == 1 || !x.server.v[i].is_gone);
	PASS(&x);
	assert_all(&x, "fault at call", n);
	assert_int_equal(0, x.n_notices);
	dr_clear(&x);
	return is_whole;
}

/* All of them with DUNLIN_EVERY_BYTE (`make every-byte`), else one in seven. */
static long
stride(void)
{
	return getenv("DUNLIN_EVERY_BYTE") ? 1 : 7;
}

static void
at_every_call(enum fault f, int keep_days)
{
	long n = 1;

	while (!one(f, n, keep_days))
		n += stride();
	print_message("%ld calls\n", n);
	assert_true(n > 8);
}

/* The process is killed in the middle of each write, and before each fsync and truncation. */
static void
test_killed(void **state)
{
	(void)state;
	at_every_call(FAULT_DIE, -1);
}

/* The same before each write, and with a server from which is deleted. */
static void
test_killed_before(void **state)
{
	(void)state;
	at_every_call(FAULT_DIE_BEFORE, 0);
}

/* From the n-th write on there is no room. */
static void
test_disk_full(void **state)
{
	(void)state;
	at_every_call(FAULT_FULL, 0);
}

/* From the n-th fsync on the disk fails. */
static void
test_fsync_fails(void **state)
{
	long n = 1;
	(void)state;

	while (!one(FAULT_SYNC, n, 0))		/* few: all of them */
		n++;
	assert_true(n > 3);
}

/* All of these again for a message that was asked for. */
static void
test_wanted(void **state)
{
	static const enum fault faults[] = { FAULT_DIE, FAULT_DIE_BEFORE, FAULT_FULL,
		FAULT_SYNC };
	(void)state;

	for (size_t i = 0; i < LEN(faults); i++) {
		long n = 1;
		while (!one_wanted(faults[i], n))
			n += getenv("DUNLIN_EVERY_BYTE") || faults[i] == FAULT_SYNC ? 1 : 3;
		print_message("%ld calls\n", n);
		assert_true(n > 2);
	}
}

/* What another program does to the inbox between the kill and the repair. */

static void
append_bytes(const char *path, const char *bytes)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(bytes, f);
	fclose(f);
}

/* It delivers a message behind the torn one: that stays, and the torn
 * one comes out of the middle. */
static void
test_delivery_behind_torn(void **state)
{
	(void)state;
	for (long n = 1;; n += stride()) {
		struct drained x;
		struct census c;
		static const char other[] = MAIL("other", "delivered by another\r\n");

		dr_init(&x);
		dr_add(&x, "old", MAIL("old", "was here before\r\n"));
		dr_start(&x);
		PASS(&x);
		dr_small(&x);
		bool is_whole = child_pass(&x, FAULT_DIE, n);
		append_bytes(x.inbox, "From bob@example.org Thu Jan  1 00:00:00 2026\n"
			"Message-ID: <other@x>\nSubject: other\n\ndelivered by another\n\n");
		PASS(&x);
		dr_add(&x, "not there", other);
		x.server.v[x.server.n - 1].is_gone = true;
		if (census(&x, &c) != 7)
			fail_msg("call %ld: %zu messages", n, c.n);
		dr_clear(&x);
		if (is_whole)
			break;
	}
}

/* The inbox is removed, or another file takes its place: everything of the batch is
 * appended to what is there. */
static void
test_inbox_replaced(void **state)
{
	(void)state;
	for (long n = 1;; n += stride()) {
		struct drained x;
		dr_init(&x);
		dr_start(&x);
		PASS(&x);		/* the server's thread stands still when we fork */
		dr_small(&x);
		bool is_whole = child_pass(&x, FAULT_DIE, n);
		if (is_whole) {
			dr_clear(&x);
			break;
		}
		uint64_t before, bytes;
		bool is_begun = store_pop3_begun(x.store, x.cfg.account, &before, &bytes);
		if (is_begun)
			unlink(x.inbox);
		PASS(&x);
		assert_all(&x, "replaced", n);
		dr_clear(&x);
	}
}

TEST_MAIN(T(test_killed), T(test_killed_before), T(test_disk_full), T(test_fsync_fails),
	T(test_wanted), T(test_delivery_behind_torn), T(test_inbox_replaced))
