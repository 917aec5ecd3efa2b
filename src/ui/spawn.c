/* spawn.c - other programs: in the foreground with the screen put aside, or beside us.
 *
 * A child in the foreground has its own process group and the terminal, so that ^C and ^Z
 * are its own; signals are at their defaults and nothing of ours is open in it. What goes
 * in comes from a file, since a pipe to a program that does not read would hang.
 * Foreign text never gets into a command line: it goes in as standard input or as one
 * argument. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame.h"
#include "path.h"
#include "str.h"

static void
reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
own_foreground(pid_t group)
{
	sigset_t block, was;

	sigemptyset(&block);
	/* else changing it from behind would stop us */
	sigaddset(&block, SIGTTOU);
	sigprocmask(SIG_BLOCK, &block, &was);
	tcsetpgrp(STDIN_FILENO, group);
	sigprocmask(SIG_SETMASK, &was, NULL);
}

/* Where a child's standard input comes from and its output goes to; -1: the terminal. */
struct streams {
	int in, out;
	size_t max_out;			/* bytes; then it is ended by SIGXFSZ */
};

static const struct streams terminal = { -1, -1, 0 };

/* In the child. */
static void
become(char *const argv[], const struct streams *io, bool detached)
{
	if (io->in >= 0)
		dup2(io->in, STDIN_FILENO);
	if (io->out >= 0) {
		struct rlimit limit = { io->max_out, io->max_out };
		setrlimit(RLIMIT_FSIZE, &limit);
		dup2(io->out, STDOUT_FILENO);
	}
	if (!detached) {
		setpgid(0, 0);
		own_foreground(getpid());
	} else {
		setsid();
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
	}
	reset_signals();
	execvp(argv[0], argv);
	int error = errno;
	fprintf(stderr, "%s: %s\n", argv[0], strerror(error));
	_exit(127);
}

static void
wait_for_key(const char *argv0, int status)
{
	char c;

	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fprintf(stderr, "\n%s: exit %d", argv0, WEXITSTATUS(status));
	fprintf(stderr, "\nPress Enter to go on ");
	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

enum { TICK_MS = 2000, LOOK_MS = 100 };

struct ticker {
	void (*tick)(void *ctx);
	void *ctx;
};

/* Waits for the child a little at a time, and does what is due meanwhile. */
static pid_t
wait_ticking(pid_t pid, int *status, const struct ticker *t)
{
	int waited_ms = 0;
	pid_t r;

	while ((r = waitpid(pid, status, WUNTRACED | WNOHANG)) == 0) {
		poll(NULL, 0, LOOK_MS);
		waited_ms += LOOK_MS;
		if (waited_ms % TICK_MS == 0)
			t->tick(t->ctx);
	}
	return r;
}

/* Stopped by ^Z the child is continued at once: there is no shell here to do it later. */
static int
wait_for_child(pid_t pid, const struct ticker *t)
{
	int status = 0;

	while ((t ? wait_ticking(pid, &status, t) : waitpid(pid, &status, WUNTRACED)) == pid
		|| errno == EINTR) {
		if (!WIFSTOPPED(status))
			break;
		own_foreground(pid);
		kill(-pid, SIGCONT);
	}
	return status;
}

static bool
run_foreground(struct ui *ui, char *const argv[], const struct streams *io, bool wait_key,
	const struct ticker *t)
{
	struct error e;
	int status = -1;

	ui->term->ops->leave(ui->term);
	pid_t pid = fork();
	if (pid == 0)
		become(argv, io, false);
	if (pid > 0) {
		setpgid(pid, pid);
		own_foreground(pid);
		status = wait_for_child(pid, t);
		own_foreground(getpgrp());
		if (wait_key || (WIFEXITED(status) && WEXITSTATUS(status) == 127))
			wait_for_key(argv[0], status);
	}
	ui->term->ops->enter(ui->term);
	grid_mark_damaged(&ui->grid);
	ui_redraw(ui);
	if (pid < 0) {
		error_errno(&e, ERR_LOCAL, "cannot start %s", argv[0]);
		ui_error(ui, &e);
	}
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
is_program(const char *name)
{
	const char *path = getenv("PATH");
	bool found = false;

	if (strchr(name, '/') || !path)
		return access(name, X_OK) == 0;
	char *dirs = xstrdup(path), *save, *dir;
	for (dir = strtok_r(dirs, ":", &save); dir &&
	    !found; dir = strtok_r(NULL, ":", &save)) {
		char *file = path_join(dir, name);
		found = access(file, X_OK) == 0;
		free(file);
	}
	free(dirs);
	return found;
}

/* Twice forked, so that nobody has to wait for it. */
static bool
run_detached(struct ui *ui, char *const argv[])
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), status = -1;
	struct error e;

	if (!is_program(argv[0])) {
		if (null >= 0)
			close(null);
		error_set(&e, ERR_LOCAL, "there is no program '%s' here", argv[0]);
		ui_error(ui, &e);
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		if (fork() == 0)
			become(argv, &(struct streams){ .in = null, .out = -1 }, true);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (null >= 0)
		close(null);
	if (pid < 0 || status != 0) {
		error_set(&e, ERR_LOCAL, "cannot start %s", argv[0]);
		ui_error(ui, &e);
	}
	return pid > 0 && status == 0;
}

void
ui_aside(struct ui *ui, void (*run)(void *ctx), void *ctx)
{
	ui->term->ops->leave(ui->term);
	run(ctx);
	ui->term->ops->enter(ui->term);
	grid_mark_damaged(&ui->grid);
	ui_redraw(ui);
}

bool
ui_run_argv(struct ui *ui, char *const argv[], bool detached)
{
	return detached
		? run_detached(ui, argv) : run_foreground(ui, argv, &terminal, false, NULL);
}

bool
ui_run_ticking(struct ui *ui, char *const argv[], void (*tick)(void *ctx), void *ctx)
{
	return run_foreground(ui, argv, &terminal, false, &(struct ticker){ tick, ctx });
}

bool
ui_run_shell(struct ui *ui, const char *command, int in, bool wait_key)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)command, NULL };

	return run_foreground(ui, argv, &(struct streams){ .in = in, .out = -1 }, wait_key,
		NULL);
}

static bool
read_back(int fd, size_t max, struct str *out, struct error *e)
{
	char buf[65536];
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buf, sizeof buf)) > 0)
		str_add(out, buf, (size_t)n);
	if (n < 0)
		error_errno(e, ERR_LOCAL, "cannot read what it printed");
	else if (out->len >= max)
		error_set(e, ERR_MSG, "it printed more than %zu MB", max >> 20);
	return n == 0 && out->len < max;
}

bool
ui_run_capture(struct ui *ui, const char *command, size_t max, struct str *out,
	struct error *e)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)command, NULL };
	int fd = memfd_create("dunlin", MFD_CLOEXEC);

	if (fd < 0) {
		error_errno(e, ERR_LOCAL, "cannot run '%s'", command);
		return false;
	}
	bool ok = run_foreground(ui, argv, &(struct streams){ -1, fd, max }, false, NULL);
	bool is_read = read_back(fd, max, out, e);
	close(fd);
	if (is_read && !ok)
		error_set(e, ERR_MSG, "'%s' failed", command);
	return is_read && ok;
}
