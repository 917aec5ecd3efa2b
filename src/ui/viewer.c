/* viewer.c - see viewer.h.
 *
 * A mailcap's tests are commands, so that the choice is a task. Nothing of the mail becomes a
 * word for the shell but a type and a file name that have no byte a shell looks at; the
 * entry is the person's, or the system's, own. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "mailcap.h"
#include "path.h"
#include "viewer.h"

enum { TEST_MS = 5000, LOOK_MS = 20, MAX_FILE = 1 << 20, IN_A_THREAD = 2 << 20 };

static const char system_files[] =
	"/etc/mailcap:/usr/share/etc/mailcap:/usr/etc/mailcap:/usr/local/etc/mailcap";

struct choosing {
	struct work work;
	struct extract *x;
	char *type, *charset;
	char *own;			/* files, with ':' between */
	bool has_desktop;
	struct mailcap found;		/* command NULL: none */
};

/* ---- in the task's thread ---- */

/* Whether a test says so; one that does not end does not. */
static bool
passes(const char *line)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)line, NULL };
	int status = -1;
	pid_t pid;

	if (child_shell(&pid, argv, NULL, -1, -1, -1) != 0)
		return false;
	for (int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms += LOOK_MS) {
		if (ms >= TEST_MS)
			kill(-pid, SIGKILL);
		poll(NULL, 0, ms < TEST_MS ? LOOK_MS : 1);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The file is not there yet: the few tests that look at it fail. */
static bool
is_usable(const struct choosing *c, const struct mailcap *m)
{
	char *line = mailcap_line(m->command, "x", c->type, c->charset);
	char *test = line && m->test
		? mailcap_line(m->test, "/dev/null", c->type, c->charset) : NULL;
	bool is = line && (!m->test || (test && passes(test)));

	free(line);
	free(test);
	return is;
}

static bool
look_into(struct choosing *c, const char *path)
{
	size_t n, at = 0;
	char *text, *expanded = path_expand(path);
	bool found = false;

	if (file_read(&text, &n, expanded, MAX_FILE, NULL) == ERR_OK) {
		while (!found && mailcap_next(&c->found, text, n, &at, c->type)) {
			found = is_usable(c, &c->found);
			if (!found)
				mailcap_clear(&c->found);
		}
		free(text);
	}
	free(expanded);
	return found;
}

static bool
look_into_all(struct choosing *c, const char *files)
{
	char *copy = xstrdup(files), *save = NULL;
	bool found = false;

	for (char *f = strtok_r(copy, ":", &save); f && !found; f = strtok_r(NULL, ":", &save))
		found = look_into(c, f);
	free(copy);
	return found;
}

static enum err
run(struct task *t, struct error *e)
{
	struct choosing *c = (struct choosing *)t;

	(void)e;
	if (!look_into_all(c, c->own) && !c->has_desktop)
		look_into_all(c, system_files);
	return ERR_OK;
}

/* ---- running it ---- */

static void
run_desktop(struct extract *x, const struct error *e)
{
	char program[] = "xdg-open";

	if (e->code != ERR_OK)
		return;
	if (!ui_run_argv(x->work.ui, (char *[]){ program, x->arg, NULL }, true))
		ui_status(x->work.ui, "nothing here opens %s: no entry in a mailcap, "
			"no xdg-open", x->name);
	else
		ui_status(x->work.ui, "opening %s", x->name);
}

static void
run_beside(struct extract *x, const struct error *e)
{
	char sh[] = "sh", c[] = "-c";

	if (e->code == ERR_OK && ui_run_argv(x->work.ui, (char *[]){ sh, c, x->arg, NULL },
	    true))
		ui_status(x->work.ui, "opening %s", x->name);
}

static void
run_on_terminal(struct extract *x, const struct error *e)
{
	if (e->code == ERR_OK && !ui_run_shell(x->work.ui, x->arg, -1, false))
		ui_status(x->work.ui, "the program for %s failed", x->name);
}

/* The file's name as a shell takes it without quotes, with the suffix that is wanted.
 * Owned. */
static char *
plain_name(const char *name, const char *suffix)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789._+-";
	size_t n = strlen(name), m = suffix ? strlen(suffix) : 0;
	bool has_it = n >= m && (!m || str_ieq(name + n - m, suffix));
	char *out = xasprintf("%s%s", name, has_it || !suffix ? "" : suffix);

	for (char *p = out; *p; p++)
		if (!strchr(plain, *p) || (p == out && *p == '-'))
			*p = '_';
	return out;
}

static void
begin(struct ui *ui, struct view *owner, struct extract *x, const struct outfile *to)
{
	char *what = xasprintf("decoding %s", x->name);

	extract_begin(ui, owner, x, to, what);
	free(what);
}

static void
by_entry(struct choosing *c, struct view *owner)
{
	struct extract *x = c->x;
	char *name = plain_name(x->name, c->found.suffix);
	struct outfile to;
	struct error e = { 0 };
	enum err r = outfile_temporary(&to, name, &e);

	free(name);
	if (r == ERR_OK) {
		x->arg = mailcap_line(c->found.command, to.path, c->type, c->charset);
		if (!x->arg)
			r = error_set(&e, ERR_MSG, "'%s' cannot be named in a command line",
				to.path);
	}
	if (r != ERR_OK) {
		ui_error(c->work.ui, &e);
		outfile_abort(&to);
		extract_free(x);
		return;
	}
	if (c->found.has_output) {
		char *paged = xasprintf("%s | ${PAGER:-less}", x->arg);
		free(x->arg);
		x->arg = paged;
	}
	x->then = c->found.needs_terminal || c->found.has_output ? run_on_terminal
		: run_beside;
	begin(c->work.ui, owner, x, &to);
}

static void
by_desktop(struct choosing *c, struct view *owner)
{
	struct outfile to;
	struct error e = { 0 };

	if (outfile_temporary(&to, c->x->name, &e) != ERR_OK) {
		ui_error(c->work.ui, &e);
		extract_free(c->x);
		return;
	}
	c->x->arg = xstrdup(to.path);
	c->x->then = run_desktop;
	begin(c->work.ui, owner, c->x, &to);
}

/* ---- choosing ---- */

static void
chosen(struct work *w, const struct error *e)
{
	struct choosing *c = (struct choosing *)w;

	if (!w->owner || e->code != ERR_OK)
		extract_free(c->x);
	else if (c->found.command)
		by_entry(c, w->owner);
	else
		by_desktop(c, w->owner);
	mailcap_clear(&c->found);
	free(c->type);
	free(c->charset);
	free(c->own);
	free(c);
}

static bool
is_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

void
viewer_open(struct ui *ui, struct view *owner, struct extract *x, const struct part *p)
{
	struct choosing *c = xcalloc(1, sizeof *c);

	c->work.task.run = run;
	c->work.done = chosen;
	c->work.is_quiet = true;
	c->x = x;
	c->type = xstrdup(p->type);
	c->charset = xstrdup(p->charset);
	c->own = xstrdup(is_set("MAILCAPS") ? getenv("MAILCAPS") : "~/.mailcap");
	c->has_desktop = is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
	work_begin(ui, owner, &c->work, IN_A_THREAD, "looking for a program");
}
