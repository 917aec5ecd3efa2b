/* Other programs. */
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "now.h"
#include "ui_fixture.h"

static char *
slurp(const struct fixture *f, const char *name)
{
	char *path = path_join(f->dir, name), *text;
	size_t n;

	if (file_read(&text, &n, path, 1 << 20, NULL) != ERR_OK)
		text = NULL;
	free(path);
	return text;
}

/* A command gets exactly the bytes, more of them than a pipe holds,
 * and the exit code is told. */
static void
test_pipe_gets_all(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);
	size_t n = 300000;
	char *text = xmalloc(n);

	struct error e;
	int fd = memfd_create("text", MFD_CLOEXEC);
	memset(text, 'x', n);
	assert_int_equal(ERR_OK, fd_write_all(fd, text, n, &e));
	lseek(fd, 0, SEEK_SET);
	char *cmd = xasprintf("wc -c > %s/out", f->dir);
	assert_true(ui_run_shell(f->ui, cmd, fd, false));
	char *got = slurp(f, "out");
	assert_int_equal(300000, atoi(got));
	lseek(fd, 0, SEEK_SET);
	assert_true(ui_run_shell(f->ui, "exit 0", fd, false));	/* one that does not read */
	assert_false(ui_run_shell(f->ui, "exit 3", -1, false));
	close(fd);
	free(got);
	free(cmd);
	free(text);
	teardown(f);
}

/* The child starts with every signal at its default and none blocked,
 * whatever we do with ours. */
static void
test_child_has_default_signals(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);
	sigset_t was, block;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGWINCH);
	sigprocmask(SIG_BLOCK, &block, &was);
	char *cmd = xasprintf("grep -E 'Sig(Blk|Ign)' /proc/self/status > %s/out", f->dir);
	assert_true(ui_run_shell(f->ui, cmd, -1, false));
	sigprocmask(SIG_SETMASK, &was, NULL);
	char *got = slurp(f, "out");
	/* 32 and 33 are the C library's */
	unsigned long long blocked, ignored, reserved = 3ULL << 31;
	assert_int_equal(2, sscanf(got, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored));
	assert_int_equal(0, blocked & ~reserved);
	assert_int_equal(0, ignored & ~reserved);
	free(got);
	free(cmd);
	teardown(f);
}

/* An argument is never a shell word. */
static void
test_argv_is_not_a_shell(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);
	char *name = xasprintf("%s/a; touch b $(x)", f->dir);
	char *argv[] = { (char *)"touch", (char *)"--", name, NULL };

	assert_true(ui_run_argv(f->ui, argv, false));
	assert_int_equal(0, access(name, F_OK));
	char *missing[] = { (char *)"/nonexistent/program", NULL };
	assert_false(ui_run_argv(f->ui, missing, true));
	assert_string_equal("there is no program '/nonexistent/program' here", f->ui->message);
	free(name);
	teardown(f);
}

/* What runs detached is waited for by nobody, and no zombie stays. */
static void
test_detached_returns_at_once(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);
	char *name = xasprintf("sleep 0.2; touch %s/done", f->dir),
		*done = path_join(f->dir, "done");
	char *argv[] = { (char *)"sh", (char *)"-c", name, NULL };
	int64_t before = now_ms();

	assert_true(ui_run_argv(f->ui, argv, true));
	assert_in_range(now_ms() - before, 0, 150);
	assert_int_equal(-1, access(done, F_OK));
	for (int i = 0; i < 100 && access(done, F_OK) != 0; i++)
		poll(NULL, 0, 20);
	assert_int_equal(0, access(done, F_OK));
	free(name);
	free(done);
	teardown(f);
}

TEST_MAIN(T(test_pipe_gets_all), T(test_child_has_default_signals),
	T(test_argv_is_not_a_shell), T(test_detached_returns_at_once))
