/* notify.c - see notify.h. posix_spawn, since there are threads: between fork and exec nothing
 * may be done that takes a lock, and the environment is made before. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "child.h"
#include "log.h"
#include "notify.h"
#include "str.h"
#include "utf8.h"

enum { GATHER_MS = 1000, LIMIT_MS = 15000, LOOK_MS = 100, TEXT_BYTES = 500 };

extern char **environ;

/* What is to be told of an account. */
struct waiting {
	char *account, *folder, *from, *subject;
	uint32_t count;
	int64_t due_ms;
};

struct notify {
	const char *command;
	struct waiting *v;		/* in the order of their first mail */
	size_t n, cap;
	pid_t pid;			/* 0: none runs */
	int64_t kill_ms;
};

struct notify *
notify_new(const char *command)
{
	struct notify *n = xcalloc(1, sizeof *n);

	n->command = command;
	return n;
}

static void
waiting_clear(struct waiting *w)
{
	free(w->account);
	free(w->folder);
	free(w->from);
	free(w->subject);
	*w = (struct waiting){ 0 };
}

void
notify_free(struct notify *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++)
		waiting_clear(&n->v[i]);
	free(n->v);
	free(n);
}

/* One line of text, whole characters, no control character. */
static char *
clean(const char *text)
{
	struct str s = { 0 };

	text_clean(&s, text, strnlen(text, TEXT_BYTES), CLEAN_LINE);
	if (s.len > TEXT_BYTES) {
		size_t n = TEXT_BYTES;
		while (n > 0 && ((unsigned char)str_get(&s)[n] & 0xc0) == 0x80)
			n--;
		str_cut(&s, n);
	}
	return str_take(&s);
}

void
notify_add(struct notify *n, const struct new_mail *m, int64_t now_ms)
{
	size_t i = 0;

	while (i < n->n && !str_eq(n->v[i].account, m->account))
		i++;
	if (i == n->n) {
		n->v = array_grow(n->v, n->n, &n->cap, sizeof *n->v);
		n->v[n->n++] = (struct waiting){ .due_ms = now_ms + GATHER_MS };
	}
	struct waiting *w = &n->v[i], was = *w;
	*w = (struct waiting){ .account = clean(m->account), .folder = clean(m->folder),
		.from = clean(m->from), .subject = clean(m->subject),
		.count = was.count + m->count, .due_ms = was.due_ms };
	waiting_clear(&was);
}

/* ---- the child ---- */

static char *
variable(const char *name, const char *value)
{
	return xasprintf("%s=%s", name, value);
}

/* Ours and theirs, but for what is ours alone; owned, with its strings from *first on. */
static char **
environment(const struct waiting *w, size_t *first)
{
	char count[20];
	size_t n = 0;

	while (environ && environ[n])
		n++;
	char **env = xcalloc(n + 6, sizeof *env);
	n = 0;
	for (char **e = environ; e && *e; e++)
		if (!str_starts(*e, "DUNLIN_"))
			env[n++] = *e;
	*first = n;
	snprintf(count, sizeof count, "%u", w->count);
	env[n++] = variable("DUNLIN_ACCOUNT", w->account);
	env[n++] = variable("DUNLIN_FOLDER", w->folder);
	env[n++] = variable("DUNLIN_FROM", w->from);
	env[n++] = variable("DUNLIN_SUBJECT", w->subject);
	env[n++] = variable("DUNLIN_COUNT", count);
	return env;
}

static void
start(struct notify *n, const struct waiting *w, int64_t now_ms)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)n->command, NULL };
	size_t first;
	char **env = environment(w, &first);

	int error = child_shell(&n->pid, argv, env, -1, -1, -1);
	if (error != 0) {
		log_msg("notify: cannot start it: %s", strerror(error));
		n->pid = 0;
	}
	n->kill_ms = now_ms + LIMIT_MS;
	for (size_t i = first; env[i]; i++)
		free(env[i]);
	free(env);
}

/* The shell is the leader of its session, so that all it started is its group. */
static void
look_after(struct notify *n, int64_t now_ms)
{
	int status;

	if (n->pid && now_ms >= n->kill_ms) {
		log_msg("notify: killed after %d s", LIMIT_MS / 1000);
		kill(-n->pid, SIGKILL);
		kill(n->pid, SIGKILL);
		n->kill_ms = INT64_MAX;
	}
	if (n->pid && waitpid(n->pid, &status, WNOHANG) != 0)
		n->pid = 0;
}

void
notify_step(struct notify *n, int64_t now_ms)
{
	look_after(n, now_ms);
	if (n->pid || n->n == 0 || now_ms < n->v[0].due_ms)
		return;
	start(n, &n->v[0], now_ms);
	waiting_clear(&n->v[0]);
	memmove(n->v, n->v + 1, --n->n * sizeof *n->v);
}

int
notify_next_ms(const struct notify *n, int64_t now_ms)
{
	if (n->pid)
		return LOOK_MS;
	if (n->n == 0)
		return -1;
	return n->v[0].due_ms > now_ms ? (int)(n->v[0].due_ms - now_ms) : 0;
}
