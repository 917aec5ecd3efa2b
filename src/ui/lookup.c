/* lookup.c - see lookup.h.
 *
 * The command may hang, print megabytes or nonsense: it has a session of its own without
 * a terminal, a bounded answer and a deadline, and is killed with all its children when
 * something else is typed. What was typed is an argument, never a shell word. Lines are
 * as mutt's query_command has them: address, name, remark, with tabs between; a line
 * without a tab is no answer. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "frame.h"
#include "lookup.h"
#include "now.h"

enum {
	PAUSE_MS = 250,
	DEADLINE_MS = 10000,
	MIN_TYPED = 2,
	MAX_ANSWER = 256 * 1024,
	MAX_FOUND = 200
};

struct lookup {
	char *typed;			/* what is asked about, or was; NULL: nothing */
	int64_t due_ms;			/* when to begin, and then when to
					 * give up; 0: neither */
	pid_t pid;			/* 0: it does not run */
	int fd;
	struct str answer;
	struct arena arena;
	struct looked_up *v;		/* found for `typed` */
	size_t n, cap;
};

static struct lookup *
lookup_of(struct ui *ui)
{
	if (!ui->lookup) {
		ui->lookup = xcalloc(1, sizeof *ui->lookup);
		ui->lookup->fd = -1;
	}
	return ui->lookup;
}

static void
end_child(struct lookup *l)
{
	if (l->pid > 0) {
		kill(-l->pid, SIGKILL);
		waitpid(l->pid, NULL, 0);
	}
	if (l->fd >= 0)
		close(l->fd);
	l->pid = 0;
	l->fd = -1;
	l->due_ms = 0;
}

static void
forget(struct lookup *l)
{
	end_child(l);
	free(l->typed);
	l->typed = NULL;
	str_cut(&l->answer, 0);
	arena_clear(&l->arena);
	l->n = 0;
}

/* ---- the command ---- */

char *
lookup_command(const char *setting)
{
	struct str s = { 0 };
	char quote = '\0';

	if (!strstr(setting, "%s"))
		return xasprintf("%s \"$1\"", setting);
	for (const char *p = setting; *p; p++) {
		if (p[0] == '%' && p[1] == 's') {
			/* Out of the quotes it may stand in, and into them again. */
			str_printf(&s, "%.*s\"$1\"%.*s", quote != '\0', &quote, quote != '\0',
				&quote);
			p++;
			continue;
		}
		if (*p == '\\' && quote != '\'' && p[1])
			str_putc(&s, *p++);
		else if (*p == quote)
			quote = '\0';
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		str_putc(&s, *p);
	}
	return str_take(&s);
}

static int
spawn(struct lookup *l, const char *command, int out)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)command, (char *)"sh",
		l->typed, NULL };

	return child_shell(&l->pid, argv, NULL, -1, out, -1);
}

static void
begin(struct ui *ui, struct lookup *l)
{
	int ends[2];
	char *command;

	l->due_ms = 0;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	fcntl(ends[1], F_SETFL, 0);		/* only our end does not block */
	command = lookup_command(ui->rc->address_query);
	if (spawn(l, command, ends[1]) == 0) {
		l->fd = ends[0];
		l->due_ms = now_ms() + DEADLINE_MS;
	} else {
		l->pid = 0;
		close(ends[0]);
	}
	close(ends[1]);
	free(command);
}

/* ---- the answer ---- */

static const char *
take_field(struct arena *a, const char **line)
{
	size_t n = strcspn(*line, "\t\r");
	const char *field = arena_strndup(a, *line, n);

	*line += n + ((*line)[n] == '\t');
	return field;
}

static void
read_answer(struct lookup *l)
{
	char *text = xstrdup(str_get(&l->answer)), *rest = text, *next;

	while ((next = strsep(&rest, "\n")) != NULL && l->n < MAX_FOUND) {
		const char *line = next;
		struct looked_up x;
		if (!strchr(line, '\t'))
			continue;
		x.addr = take_field(&l->arena, &line);
		x.name = take_field(&l->arena, &line);
		x.remark = take_field(&l->arena, &line);
		if (!strchr(x.addr, '@'))
			continue;
		l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
		l->v[l->n++] = x;
	}
	free(text);
}

/* True: that was all of it. */
static bool
read_more(struct lookup *l)
{
	char buf[8192];
	ssize_t n;

	while ((n = read(l->fd, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0)
			str_add(&l->answer, buf, (size_t)n);
		if (l->answer.len > MAX_ANSWER)
			return true;
	}
	return n == 0 || errno != EAGAIN;
}

bool
lookup_step(struct ui *ui)
{
	struct lookup *l = ui->lookup;

	if (!l || !l->typed)
		return false;
	if (l->pid == 0) {
		if (l->due_ms && now_ms() >= l->due_ms)
			begin(ui, l);
		return false;
	}
	if (!read_more(l) && now_ms() < l->due_ms)
		return false;
	end_child(l);
	read_answer(l);
	return true;
}

/* ---- asking ---- */

size_t
lookup_get(struct ui *ui, const char *typed, const struct looked_up **out)
{
	struct lookup *l = lookup_of(ui);

	*out = NULL;
	if (!ui->rc->address_query)
		return 0;
	if (l->typed && str_eq(l->typed, typed)) {
		*out = l->v;
		return l->n;
	}
	forget(l);
	if (strlen(typed) >= MIN_TYPED && !strchr(typed, '<')) {
		l->typed = xstrdup(typed);
		l->due_ms = now_ms() + PAUSE_MS;
	}
	return 0;
}

void
lookup_stop(struct ui *ui)
{
	if (ui->lookup)
		forget(ui->lookup);
}

int
lookup_fd(const struct ui *ui)
{
	return ui->lookup ? ui->lookup->fd : -1;
}

int
lookup_next_ms(const struct ui *ui)
{
	if (!ui->lookup || !ui->lookup->due_ms)
		return -1;
	int64_t wait = ui->lookup->due_ms - now_ms();
	return wait > 0 ? (int)wait : 0;
}

void
lookup_free(struct ui *ui)
{
	if (!ui->lookup)
		return;
	forget(ui->lookup);
	str_clear(&ui->lookup->answer);
	free(ui->lookup->v);
	free(ui->lookup);
	ui->lookup = NULL;
}
