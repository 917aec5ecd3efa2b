/* secret.c - runs the password command.
 *
 * The command is a program of the person's choice: it may hang, print megabytes, leave
 * children behind or ask something on a terminal that is ours. So it gets a session of its own
 * without any terminal (not even /dev/tty), a bounded buffer and a deadline, and is killed
 * with all its children. What it prints lives in one buffer that is wiped. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "child.h"
#include "queue.h"
#include "str.h"

enum { MAX_SECRET_BYTES = 4096, MAX_COMPLAINT_BYTES = 512 };

struct child {
	pid_t pid;
	int pidfd, out, err;		/* -1: closed */
	char secret[MAX_SECRET_BYTES + 1];
	size_t n_secret;
	char complaint[MAX_COMPLAINT_BYTES + 1];	/* the end of its stderr */
	size_t n_complaint;
	bool is_over_long;
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static enum err
start(struct child *c, const char *command, struct error *e)
{
	char *argv[] = { "sh", "-c", (char *)command, NULL };
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	enum err rc = ERR_OK;

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(err, O_CLOEXEC | O_NONBLOCK) < 0) {
		rc = error_errno(e, ERR_LOCAL, "cannot run the password command");
		goto out;
	}
	fcntl(out[1], F_SETFL, 0);		/* only our ends do not block */
	fcntl(err[1], F_SETFL, 0);
	errno = child_shell(&c->pid, argv, NULL, -1, out[1], err[1]);
	if (errno) {
		c->pid = 0;
		rc = error_errno(e, ERR_LOCAL, "cannot run the password command");
		goto out;
	}
	c->pidfd = pidfd_open(c->pid, 0);
	c->out = out[0];
	c->err = err[0];
	out[0] = err[0] = -1;
out:
	close_fd(&out[0]);
	close_fd(&out[1]);
	close_fd(&err[0]);
	close_fd(&err[1]);
	return rc;
}

static void
read_secret(struct child *c)
{
	ssize_t n;

	while (c->out >= 0) {
		if (c->n_secret == MAX_SECRET_BYTES) {
			c->is_over_long = true;
			close_fd(&c->out);
			return;
		}
		n = read(c->out, c->secret + c->n_secret, MAX_SECRET_BYTES - c->n_secret);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			close_fd(&c->out);
		if (n <= 0)
			return;
		c->n_secret += (size_t)n;
	}
}

static void
read_complaint(struct child *c)
{
	ssize_t n;

	while (c->err >= 0) {
		if (c->n_complaint == MAX_COMPLAINT_BYTES) {	/* keep the end */
			c->n_complaint = MAX_COMPLAINT_BYTES / 2;
			memmove(c->complaint,
				c->complaint + MAX_COMPLAINT_BYTES - c->n_complaint,
				c->n_complaint);
		}
		n = read(c->err, c->complaint + c->n_complaint,
			MAX_COMPLAINT_BYTES - c->n_complaint);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			close_fd(&c->err);
		if (n <= 0)
			return;
		c->n_complaint += (size_t)n;
	}
}

/* Until the shell itself has ended; children it left in the background
 * may go on holding the pipes. */
static enum err
watch(struct child *c, struct cancel *cancel, int64_t until_ms, struct error *e)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = c->pidfd, .events = POLLIN },
			{ .fd = cancel_fd(cancel), .events = POLLIN },
			{ .fd = c->out, .events = POLLIN },
			{ .fd = c->err, .events = POLLIN },
		};
		int64_t left = until_ms - now_ms();

		if (left <= 0)
			return error_set(e, ERR_LOCAL,
				"the password command did not end in time");
		if (poll(p, LEN(p), (int)left) < 0 && errno != EINTR)
			return error_errno(e, ERR_LOCAL,
				"cannot wait for the password command");
		if (cancel_fired(cancel))
			return error_set(e, ERR_CANCELLED, "cancelled");
		read_secret(c);
		read_complaint(c);
		if (p[0].revents)
			return ERR_OK;
	}
}

static const char *
last_line(struct child *c)
{
	while (c->n_complaint > 0 && strchr("\r\n ", c->complaint[c->n_complaint - 1]))
		c->n_complaint--;
	c->complaint[c->n_complaint] = '\0';
	char *nl = strrchr(c->complaint, '\n');
	return nl ? nl + 1 : c->complaint;
}

static enum err
judge(struct child *c, int status, struct error *e)
{
	const char *said = last_line(c);

	c->secret[c->n_secret] = '\0';
	size_t len = strcspn(c->secret, "\r\n");
	bool has_nul = len < c->n_secret && c->secret[len] == '\0';
	c->secret[len] = '\0';
	if (c->is_over_long)
		return error_set(e, ERR_LOCAL,
			"the password command prints more than %d bytes", MAX_SECRET_BYTES);
	if (WIFSIGNALED(status))
		return error_set(e, ERR_LOCAL, "the password command was killed by signal %d",
			WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return error_set(e, ERR_LOCAL, "the password command failed (exit %d)%s%s",
			WEXITSTATUS(status), *said ? ": " : "", said);
	if (has_nul)
		return error_set(e, ERR_LOCAL,
			"the password command prints a NUL byte, which is no password");
	if (!c->secret[0])
		return error_set(e, ERR_LOCAL, "the password command prints an empty line%s%s",
			*said ? ": " : "", said);
	return ERR_OK;
}

enum err
secret_command(char **out, const char *command, struct cancel *cancel, int deadline_ms,
	struct error *e)
{
	struct child *c = xcalloc(1, sizeof *c);
	int status = 0;

	*out = NULL;
	c->pidfd = c->out = c->err = -1;
	enum err rc = start(c, command, e);
	if (rc != ERR_OK)
		goto out;
	rc = watch(c, cancel, now_ms() + deadline_ms, e);
	kill(-c->pid, SIGKILL);		/* also what it left behind */
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == ERR_OK)
		rc = judge(c, status, e);
	if (rc == ERR_OK)
		*out = xstrdup(c->secret);
out:
	close_fd(&c->pidfd);
	close_fd(&c->out);
	close_fd(&c->err);
	explicit_bzero(c, sizeof *c);
	free(c);
	return rc;
}
