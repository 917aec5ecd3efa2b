/* run.c - see run.h.
 *
 * The program is started with a group of its own, so that all of it can be ended; what it
 * reads are files in memory, so that nothing hangs on a pipe nobody reads; what it writes is
 * read as it comes, and is bounded. It has no terminal but the one given for pinentry:
 * without, it is told of one that is not there, since gpg-agent would else draw on the one it
 * was started from, which may be ours. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "now.h"
#include "path.h"
#include "run.h"

enum { TICK_MS = 100, GRACE_MS = 200, MAX_STATUS = 1 << 20, STATUS_FD = 3, MORE_FD = 4,
	FIRST_FREE_FD = 10, PIECE_BYTES = 64 << 10 };

extern char **environ;

/* A name that can be opened by nobody: of /dev/null pinentry-curses would read for ever. */
static const char no_terminal[] = "/dev/null/none";

/* Nothing asks the network, nothing asks a person but pinentry, and no key comes in with a
 * signature: what a gpg.conf says of that is overruled. --quiet would leave out why a key
 * could not be used. */
static const char *const gpg_args[] = { "gpg", "--batch", "--no-tty", "--no-verbose",
	"--status-fd", "3", "--enable-special-filenames", "--exit-on-status-write-error",
	"--disable-dirmngr", "--no-auto-key-retrieve", "--no-auto-key-locate",
	"--no-auto-key-import", "--display-charset", "utf-8", NULL };
static const char *const gpgsm_args[] = { "gpgsm", "--batch", "--no-tty", "--quiet",
	"--status-fd", "3", "--enable-special-filenames", "--disable-dirmngr",
	"--disable-crl-checks", "--disable-trusted-cert-crl-check", NULL };

void
run_arg(struct run *r, const char *arg)
{
	if (r->n_args < RUN_MAX_ARGS)
		r->args[r->n_args++] = arg;
}

void
run_clear(struct run *r)
{
	str_wipe(&r->out);
	str_clear(&r->status);
}

/* ---- starting it ---- */

struct child {
	pid_t pid;
	int in, more;			/* files in memory; -1: none */
	int out[2], status[2];
	int null;			/* what it complains of; its status says enough */
};

/* Out of the way of the numbers that it has in the child. */
static int
move_up(int fd)
{
	int up = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);

	if (fd >= 0)
		close(fd);
	return up;
}

static int
memory_file(const char *p, size_t n)
{
	int fd = move_up(memfd_create("dunlin", MFD_CLOEXEC));

	if (fd < 0)
		return -1;
	if (fd_write_all(fd, p ? p : "", n, NULL) != ERR_OK || lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
make_pipe(int p[2])
{
	int made[2];

	if (pipe2(made, O_CLOEXEC) < 0)
		return false;
	p[0] = move_up(made[0]);
	p[1] = move_up(made[1]);
	return p[0] >= 0 && p[1] >= 0;
}

static void
shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
child_close(struct child *c)
{
	shut(&c->in);
	shut(&c->more);
	for (int i = 0; i < 2; i++) {
		shut(&c->out[i]);
		shut(&c->status[i]);
	}
	shut(&c->null);
}

static bool
child_prepare(struct child *c, const struct run *r)
{
	*c = (struct child){ .in = -1, .more = -1, .out = { -1, -1 }, .status = { -1, -1 } };
	c->null = move_up(open("/dev/null", O_WRONLY | O_CLOEXEC));
	c->in = memory_file(r->in, r->in_len);
	if (r->more)
		c->more = memory_file(r->more, r->more_len);
	return c->null >= 0 && c->in >= 0 && (!r->more || c->more >= 0) &&
		make_pipe(c->out) && make_pipe(c->status);
}

/* argv of it; how it may ask stands first. */
static char **
argv_of(const struct run *r, const struct gnupg_how *how)
{
	const char *const *base = r->scheme == SCHEME_SMIME ? gpgsm_args : gpg_args;
	const char **v = xcalloc(r->n_args + 32, sizeof *v);
	size_t n = 0;

	while (*base)
		v[n++] = *base++;
	v[n++] = "--pinentry-mode";
	v[n++] = how->asks ? "default" : "error";
	v[n++] = "--ttyname";
	v[n++] = how->tty ? how->tty : no_terminal;
	for (size_t i = 0; i < r->n_args; i++)
		v[n++] = r->args[i];
	return (char **)v;
}

/* The environment with GPG_TTY as it shall be. The array is the caller's, its strings are
 * not, but for the first. */
static char **
environment(const struct gnupg_how *how)
{
	size_t n = 0, kept = 1;

	while (environ[n])
		n++;
	char **v = xcalloc(n + 2, sizeof *v);
	v[0] = xasprintf("GPG_TTY=%s", how->tty ? how->tty : no_terminal);
	for (size_t i = 0; i < n; i++) {
		if (!str_starts(environ[i], "GPG_TTY="))
			v[kept++] = environ[i];
	}
	return v;
}

static int
spawn(struct child *c, char **argv, char **env)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, c->in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, c->out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, c->null, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&files, c->status[1], STATUS_FD);
	if (c->more >= 0)
		posix_spawn_file_actions_adddup2(&files, c->more, MORE_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	int failed = posix_spawnp(&c->pid, argv[0], &files, &attr, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return failed;
}

/* ---- while it runs ---- */

/* What is there; closes it at its end. False: more than `max`. */
static bool
take(int *fd, struct str *out, size_t max)
{
	char *piece = xmalloc(PIECE_BYTES);
	ssize_t n = read(*fd, piece, PIECE_BYTES);

	if (n > 0)
		str_add(out, piece, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		shut(fd);
	explicit_bzero(piece, n > 0 ? (size_t)n : 0);
	free(piece);
	return out->len <= max;
}

static enum err
step(struct run *r, struct child *c, struct error *e)
{
	struct pollfd p[] = { { .fd = c->out[0], .events = POLLIN },
		{ .fd = c->status[0], .events = POLLIN } };
	bool fits = true;

	if (poll(p, LEN(p), TICK_MS) <= 0)
		return ERR_OK;
	if (p[0].revents)
		fits = take(&c->out[0], &r->out, r->max_out);
	if (fits && p[1].revents)
		fits = take(&c->status[0], &r->status, MAX_STATUS);
	return fits ? ERR_OK
		: error_set(e, ERR_MSG, "it is larger than %zu MB", r->max_out >> 20);
}

static enum err
wait_for_output(struct run *r, struct child *c, const struct gnupg_how *how,
	struct error *e)
{
	int ms = how->timeout_ms ? how->timeout_ms : GNUPG_TIMEOUT_MS;
	int64_t until = now_ms() + ms;
	enum err rc = ERR_OK;

	while (rc == ERR_OK && (c->out[0] >= 0 || c->status[0] >= 0)) {
		rc = step(r, c, e);
		if (rc == ERR_OK && how->go_on && !how->go_on(how->ctx))
			rc = error_set(e, ERR_CANCELLED, "stopped");
		if (rc == ERR_OK && now_ms() >= until)
			rc = error_set(e, ERR_MSG, "%s did not answer in %d seconds",
				r->scheme == SCHEME_SMIME ? "gpgsm" : "gpg", ms / 1000);
	}
	return rc;
}

/* It is ended, gently first: it has lock files to remove. */
static void
end(struct child *c, bool now, int *status)
{
	int64_t until = now_ms() + GRACE_MS;
	pid_t r;

	if (now)
		kill(-c->pid, SIGTERM);
	while ((r = waitpid(c->pid, status, now ? WNOHANG : 0)) != c->pid) {
		if (r < 0 && errno != EINTR)
			return;
		if (r == 0 && now_ms() >= until)
			kill(-c->pid, SIGKILL);
		if (r == 0)
			poll(NULL, 0, 10);
	}
}

enum err
run_gnupg(struct run *r, const struct gnupg_how *how, struct error *e)
{
	struct child c;
	int status = 0;
	enum err rc = ERR_OK;

	r->exit_code = -1;
	if (!child_prepare(&c, r)) {
		rc = error_errno(e, ERR_LOCAL, "cannot start gpg");
		child_close(&c);
		return rc;
	}
	char **argv = argv_of(r, how), **env = environment(how);
	int failed = spawn(&c, argv, env);
	shut(&c.out[1]);
	shut(&c.status[1]);
	r->is_missing = failed == ENOENT;
	if (failed)
		rc = error_set(e, ERR_MSG, failed == ENOENT ? "%s is not installed"
			: "%s cannot be started", argv[0]);
	if (!failed) {
		rc = wait_for_output(r, &c, how, e);
		end(&c, rc != ERR_OK, &status);
		r->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	free(env[0]);
	free(env);
	free(argv);
	child_close(&c);
	return rc;
}
