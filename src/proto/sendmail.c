/* sendmail.c - see sendmail.h.
 *
 * The message lies in a file of its own in memory before the program starts, and is its
 * standard input: through a pipe it would see the end, and send half a message, when we
 * are killed in the middle. What it complains of goes into such a file, too, one that
 * cannot grow: a pipe whose reader is gone would kill it at work. So it ends as it would
 * have, whatever becomes of us. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "child.h"
#include "now.h"
#include "sender.h"
#include "sendmail.h"
#include "utf8.h"

enum { DEADLINE_MS = 10 * 60 * 1000, COMPLAINT_BYTES = 16384, KILLED = 128 };

extern char **environ;

struct sendmail {
	struct sender s;
	struct sendmail_config cfg;	/* owned copies */
	struct cancel *cancel;
};

/* ---- its standard input, and where it complains ---- */

static enum err
write_all(int fd, const char *p, size_t n, struct error *e)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return error_errno(e, ERR_LOCAL, "no room for the message");
		p += done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

/* With LF at line ends; the bytes have no CR but before one. */
static enum err
message_file(int *fd, const struct send_mail *mail, struct error *e)
{
	struct str text = {0};
	const char *p = mail->bytes, *end = p + mail->len, *cr;

	for (; (cr = memmem(p, (size_t)(end - p), "\r\n", 2)); p = cr + 1)
		str_add(&text, p, (size_t)(cr - p));
	str_add(&text, p, (size_t)(end - p));
	if ((*fd = memfd_create("message", MFD_CLOEXEC)) < 0) {
		str_clear(&text);
		return error_errno(e, ERR_LOCAL, "no room for the message");
	}
	enum err rc = write_all(*fd, str_get(&text), text.len, e);
	if (rc == ERR_OK && lseek(*fd, 0, SEEK_SET) < 0)
		rc = error_errno(e, ERR_LOCAL, "no room for the message");
	str_clear(&text);
	return rc;
}

static enum err
complaint_file(int *fd, struct error *e)
{
	*fd = memfd_create("complaint", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0 || ftruncate(*fd, COMPLAINT_BYTES) < 0 ||
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)
		return error_errno(e, ERR_LOCAL, "cannot run the sendmail command");
	return ERR_OK;
}

/* The first line that says something, clean. */
static void
first_line(int fd, char *out, size_t size)
{
	char buf[1024];
	ssize_t n = pread(fd, buf, sizeof buf - 1, 0);
	struct str clean = {0};

	buf[n > 0 ? n : 0] = '\0';
	const char *line = buf + strspn(buf, "\r\n \t");
	text_clean(&clean, line, strcspn(line, "\r\n"), CLEAN_LINE);
	snprintf(out, size, "%.250s", str_get(&clean));
	str_clear(&clean);
}

/* ---- its arguments ---- */

struct args {
	char **v;
	size_t n, cap;
};

static void
add(struct args *a, const char *word)
{
	a->v = array_grow(a->v, a->n, &a->cap, sizeof *a->v);
	a->v[a->n++] = xstrdup(word);
}

static void
args_clear(struct args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct args){0};
}

static void
add_dsn(struct args *a, unsigned notify, const char *id)
{
	struct str when = {0}, envid = {0};

	if (!notify)
		return;
	sender_notify(&when, notify);
	add(a, "-N");
	add(a, str_get(&when));
	add(a, "-R");
	add(a, "hdrs");
	if (sender_envid(&envid, id)) {
		add(a, "-V");
		add(a, str_get(&envid));
	}
	str_clear(&when);
	str_clear(&envid);
}

/* The shell gets the command and "$@", never an address as text of its own. */
static void
make_args(struct args *a, const struct sendmail *m, const struct send_mail *mail)
{
	bool has_place = strstr(m->cfg.command, "\"$@\"") != NULL;
	char *line = has_place ? xstrdup(m->cfg.command)
		: xasprintf("%s \"$@\"", m->cfg.command);

	add(a, "sh");
	add(a, "-c");
	add(a, line);
	add(a, "sendmail");
	if (!has_place) {
		add(a, "-i");
		add(a, "-f");
		add(a, mail->from);
		add_dsn(a, m->cfg.notify, mail->id);
		add(a, "--");
	}
	for (size_t i = 0; i < mail->n_rcpts; i++) {
		if (mail->rcpts[i].verdict == SEND_ACCEPTED)
			add(a, mail->rcpts[i].addr);
	}
	a->v = array_grow(a->v, a->n, &a->cap, sizeof *a->v);
	a->v[a->n] = NULL;
	free(line);
}

/* Ours, and the sender. */
static void
make_environment(struct args *env, const char *from)
{
	char *sender = xasprintf("DUNLIN_SENDER=%s", from);

	for (char **v = environ; *v; v++) {
		if (!str_starts(*v, "DUNLIN_SENDER="))
			add(env, *v);
	}
	add(env, sender);
	env->v = array_grow(env->v, env->n, &env->cap, sizeof *env->v);
	env->v[env->n] = NULL;
	free(sender);
}

/* ---- running it ---- */

/* True: it has ended. */
static bool
wait_for(int pidfd, struct cancel *cancel, int ms)
{
	int64_t until = now_ms() + ms, left;
	struct pollfd p[] = {
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = cancel_fd(cancel), .events = POLLIN },
	};

	while ((left = until - now_ms()) > 0) {
		poll(p, LEN(p), (int)left);
		if (p[0].revents)
			return true;
		if (cancel_fired(cancel))
			return false;
	}
	return false;
}

/* ---- what its end means ---- */

static const char *
meaning(int code)
{
	static const struct { int code; const char *text; } codes[] = {
		{ EX_USAGE, "it was called wrongly" },
		{ EX_DATAERR, "it cannot read the message" },
		{ EX_NOINPUT, "it got no message" }, { EX_NOUSER, "no such recipient" },
		{ EX_NOHOST, "no such host" }, { EX_UNAVAILABLE, "it cannot deliver this" },
		{ EX_SOFTWARE, "it failed" }, { EX_OSERR, "the system is short of something" },
		{ EX_OSFILE, "a file of the system is missing" },
		{ EX_CANTCREAT, "it cannot write its file" },
		{ EX_IOERR, "reading or writing failed" }, { EX_TEMPFAIL, "not just now" },
		{ EX_PROTOCOL, "it does not understand the server" },
		{ EX_NOPERM, "it is not allowed to" }, { EX_CONFIG, "it is not set up right" },
		{ 126, "it cannot be run" }, { 127, "there is no such command" },
	};

	for (size_t i = 0; i < LEN(codes); i++) {
		if (codes[i].code == code)
			return codes[i].text;
	}
	return "it failed";
}

static void
judge_code(struct send_mail *mail, int code, int complaint)
{
	char said[300], words[400];
	bool is_later = code == EX_TEMPFAIL || code == EX_OSERR;

	first_line(complaint, said, sizeof said);
	snprintf(words, sizeof words, "%s%ssendmail command, exit code %d: %s", said,
		*said ? " - " : "", code, meaning(code));
	sender_verdicts(mail, SEND_ACCEPTED, is_later ? SEND_WAITING : SEND_REFUSED, words);
}

/* A shell between tells a signal as 128 and more. */
static void
judge(struct send_mail *mail, int status, int complaint)
{
	char words[100];
	int sig = WIFSIGNALED(status) ? WTERMSIG(status)
		: WEXITSTATUS(status) > KILLED ? WEXITSTATUS(status) - KILLED : 0;

	if (sig) {
		snprintf(words, sizeof words, "the sendmail command was killed by signal %d",
			sig);
		sender_verdicts(mail, SEND_ACCEPTED, SEND_UNSURE, words);
	} else if (WEXITSTATUS(status) == 0) {
		sender_verdicts(mail, SEND_ACCEPTED, SEND_DONE,
			"taken by the sendmail command");
	} else {
		judge_code(mail, WEXITSTATUS(status), complaint);
	}
}

static enum err
run(struct sendmail *m, struct send_mail *mail, int in, int complaint, struct error *e)
{
	struct args argv = {0}, env = {0};
	int status = 0;
	pid_t pid;

	make_args(&argv, m, mail);
	make_environment(&env, mail->from);
	int failed = child_shell(&pid, argv.v, env.v, in, -1, complaint);
	args_clear(&argv);
	args_clear(&env);
	if (failed) {
		errno = failed;
		sender_verdicts(mail, SEND_ACCEPTED, SEND_WAITING, NULL);
		return error_errno(e, ERR_LOCAL, "cannot run the sendmail command");
	}
	int pidfd = pidfd_open(pid, 0);
	bool is_over = wait_for(pidfd, m->cancel,
		m->cfg.deadline_ms ? m->cfg.deadline_ms : DEADLINE_MS);
	if (pidfd >= 0)
		close(pidfd);
	if (!is_over && cancel_fired(m->cancel)) {
		sender_verdicts(mail, SEND_ACCEPTED, SEND_UNSURE,
			"dunlin ended while the sendmail command was at work");
		return error_set(e, ERR_CANCELLED, "cancelled");
	}
	if (!is_over)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (is_over)
		judge(mail, status, complaint);
	else
		sender_verdicts(mail, SEND_ACCEPTED, SEND_UNSURE,
			"the sendmail command did not end in time, and was killed");
	return ERR_OK;
}

static enum err
sendmail_send(struct sender *s, struct send_mail *mail, struct error *e)
{
	struct sendmail *m = (struct sendmail *)s;
	int in = -1, complaint = -1;
	enum err rc = ERR_OK;

	if (!sender_is_safe_address(mail->from))
		sender_verdicts(mail, SEND_WAITING, SEND_REFUSED,
			"the sender's address cannot be sent");
	if (!sender_refuse_unsafe(mail))
		goto out;
	if ((rc = message_file(&in, mail, e)) != ERR_OK ||
	    (rc = complaint_file(&complaint, e)) != ERR_OK)
		goto out;
	sender_verdicts(mail, SEND_WAITING, SEND_ACCEPTED, NULL);
	rc = mail->before_end ? mail->before_end(mail->ctx, e) : ERR_OK;
	if (rc == ERR_OK)
		rc = run(m, mail, in, complaint, e);
	else
		sender_verdicts(mail, SEND_ACCEPTED, SEND_WAITING, NULL);
out:
	if (in >= 0)
		close(in);
	if (complaint >= 0)
		close(complaint);
	return rc;
}

/* ---- the rest ---- */

/* A program that is named by its path and is not there is found out
 * before anything is tried. */
static enum err
sendmail_connect(struct sender *s, const struct sender_login *l, struct error *e)
{
	struct sendmail *m = (struct sendmail *)s;
	size_t n = strcspn(m->cfg.command, " \t");
	char *program = xstrndup(m->cfg.command, n);
	enum err rc = ERR_OK;

	(void)l;
	if (*program == '/' && !strpbrk(program, ";|&<>()$`\\\"'*?[#~=%\n") &&
	    access(program, X_OK) < 0)
		rc = error_errno(e, ERR_LOCAL, "the sendmail command '%s' cannot be run",
		program);
	free(program);
	return rc;
}

static void
sendmail_describe(struct sender *s, struct str *out)
{
	str_printf(out, "by the command %s", ((struct sendmail *)s)->cfg.command);
}

static void
sendmail_close(struct sender *s, int ms)
{
	struct sendmail *m = (struct sendmail *)s;

	(void)ms;
	if (m)
		free((char *)m->cfg.command);
	free(m);
}

static const struct sender_ops ops = {
	.connect = sendmail_connect, .send = sendmail_send, .describe = sendmail_describe,
	.close = sendmail_close,
};

struct sender *
sendmail_new(const struct sendmail_config *cfg, struct cancel *cancel)
{
	struct sendmail *m = xcalloc(1, sizeof *m);

	m->s.ops = &ops;
	m->cfg = *cfg;
	m->cfg.command = xstrdup(cfg->command);
	m->cancel = cancel;
	return &m->s;
}
