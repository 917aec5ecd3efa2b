/* piping.c - see piping.h.
 *
 * The command reads a file, not a pipe: one that does not read its input would hang us. The
 * file is made by a task, since it may be large. Several messages are an mbox (mboxrd, LF),
 * oldest first, which is what git am, formail and mail programs take; the list's own order is
 * mostly the newest first, in which no series of patches applies. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mbox.h"
#include "outfile.h"
#include "page.h"
#include "path.h"
#include "piping.h"
#include "work.h"

enum { COLUMNS = 78, WRITE_BYTES = 256 * 1024, GUESSED_BYTES = 1 << 20 };

struct one {
	msg_id id;
	int64_t date;
	size_t place;			/* in the list */
};

struct copying {
	struct work work;
	struct one *v;
	size_t n;
	bool is_text, prefer_html;
	char *command;
	struct outfile to;
	struct str buf;			/* not written yet */
	uint64_t done, total;
};

/* ---- in the task's thread ---- */

static int
by_date(const void *x, const void *y)
{
	const struct one *a = x, *b = y;

	if (a->date != b->date)
		return a->date < b->date ? -1 : 1;
	return a->place < b->place ? 1 : a->place > b->place ? -1 : 0;
}

static enum err
flush(struct copying *c, struct error *e)
{
	enum err r = fd_write_all(c->to.fd, str_get(&c->buf), c->buf.len, e);

	c->done += c->buf.len;
	str_cut(&c->buf, 0);
	return r == ERR_OK ? task_step(&c->work.task, c->done, c->total, e) : r;
}

/* What looks like the line that a message begins with gets a '>' (mboxrd). */
static bool
is_from_line(const char *line)
{
	return str_starts(line + strspn(line, ">"), "From ");
}

static void
put_from_line(struct str *out, const struct msg *m)
{
	const char *who = *m->from_addr && !strpbrk(m->from_addr, " \t\r\n") ? m->from_addr
		: "MAILER-DAEMON";
	char when[64];

	mbox_from_date(when, m->arrived ? m->arrived : m->date);
	str_printf(out, "From %s %s\n", who, when);
}

static enum err
copy_lines(struct copying *c, FILE *f, struct error *e)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	enum err r = ERR_OK;

	while (r == ERR_OK && (n = getline(&line, &cap, f)) > 0) {
		size_t len = (size_t)n;
		while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			len--;
		if (is_from_line(line))
			str_putc(&c->buf, '>');
		str_add(&c->buf, line, len);
		str_putc(&c->buf, '\n');
		if (c->buf.len >= WRITE_BYTES)
			r = flush(c, e);
	}
	free(line);
	return r;
}

static enum err
gone(struct error *e)
{
	return error_set(e, ERR_MSG, "a message went away meanwhile");
}

static enum err
copy_to_mbox(struct copying *c, const struct store *s, msg_id id, struct error *e)
{
	struct arena a = { 0 };
	struct msg m;
	int fd = store_body(s, id, "", NULL);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	enum err r;

	if (f && store_msg(s, id, &a, &m)) {
		put_from_line(&c->buf, &m);
		r = copy_lines(c, f, e);
		str_putc(&c->buf, '\n');
	} else {
		r = gone(e);
	}
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
	arena_clear(&a);
	return r;
}

/* One alone is what the server has, byte for byte. */
static enum err
copy_as_it_is(struct copying *c, const struct store *s, msg_id id, struct error *e)
{
	int fd = store_body(s, id, "", NULL);
	char *piece = xmalloc(WRITE_BYTES);
	ssize_t n = fd >= 0 ? 1 : 0;
	enum err r = fd >= 0 ? ERR_OK : gone(e);

	while (r == ERR_OK && (n = read(fd, piece, WRITE_BYTES)) > 0) {
		str_add(&c->buf, piece, (size_t)n);
		r = flush(c, e);
	}
	if (n < 0)
		r = error_errno(e, ERR_LOCAL, "cannot read the message");
	free(piece);
	if (fd >= 0)
		close(fd);
	return r;
}

static enum err
copy_text(struct copying *c, const struct store *s, msg_id id, struct error *e)
{
	struct page_options o = { .columns = COLUMNS, .prefer_html = c->prefer_html };
	struct message m;
	struct page page = { 0 };
	enum err r = ERR_OK;

	if (message_read(&m, s, id) && message_map(&m)) {
		page_build(&page, &m, &o, "");
		if (c->done + c->buf.len > 0)
			str_puts(&c->buf, "\n----------------------------------------\n\n");
		lines_text(&c->buf, &page.lines);
		page_clear(&page);
	} else {
		r = gone(e);
	}
	message_clear(&m);
	return r;
}

static enum err
run(struct task *t, struct error *e)
{
	struct copying *c = (struct copying *)t;
	enum err r = ERR_OK;

	for (size_t i = 0; i < c->n; i++) {
		struct arena a = { 0 };
		struct msg m;
		if (store_msg(t->store, c->v[i].id, &a, &m)) {
			c->v[i].date = m.date;
			c->total += m.size_bytes;
		}
		arena_clear(&a);
	}
	qsort(c->v, c->n, sizeof *c->v, by_date);
	for (size_t i = 0; i < c->n && r == ERR_OK; i++) {
		if (c->is_text)
			r = copy_text(c, t->store, c->v[i].id, e);
		else if (c->n > 1)
			r = copy_to_mbox(c, t->store, c->v[i].id, e);
		else
			r = copy_as_it_is(c, t->store, c->v[i].id, e);
		if (r == ERR_OK && c->buf.len >= WRITE_BYTES)
			r = flush(c, e);
	}
	if (r == ERR_OK)
		r = flush(c, e);
	return r == ERR_OK ? outfile_commit(&c->to, e) : r;
}

/* ---- around it ---- */

static void
copied(struct work *w, const struct error *e)
{
	struct copying *c = (struct copying *)w;

	if (e->code == ERR_OK && w->owner && !ui_run_shell(w->ui, c->command, c->to.fd, true))
		ui_status(w->ui, "'%s' failed", c->command);
	else if (e->code == ERR_CANCELLED && w->owner)
		ui_status(w->ui, "stopped");
	outfile_abort(&c->to);
	str_clear(&c->buf);
	free(c->command);
	free(c->v);
	free(c);
}

static void
copy(struct piping *p, struct view *v)
{
	struct copying *c = xcalloc(1, sizeof *c);
	struct error e;

	c->work.task.run = run;
	c->work.done = copied;
	c->work.is_quiet = true;
	c->is_text = p->is_text;
	c->prefer_html = ui_rc(v->ui)->prefer_html;
	c->command = xstrdup(p->command);
	c->n = p->bring.n;
	c->v = xcalloc(c->n, sizeof *c->v);
	for (size_t i = 0; i < c->n; i++)
		c->v[i] = (struct one){ .id = p->bring.ids[i], .place = i };
	uint64_t size = c->n * GUESSED_BYTES;
	if (c->n == 1)
		store_has_body(ui_store(v->ui), c->v[0].id, "", &size);
	piping_clear(p);
	if (outfile_unnamed(&c->to, size, &e) == ERR_OK) {
		work_begin(v->ui, v, &c->work, size, "writing what is piped");
	} else {
		ui_error(v->ui, &e);
		c->to.fd = -1;
		c->work.ui = v->ui;
		c->work.owner = NULL;
		copied(&c->work, &e);
	}
}

static void
follow(struct piping *p, struct view *v, enum bring_state state)
{
	if (state == BRING_READY)
		copy(p, v);
	else if (state == BRING_FAILED)
		piping_clear(p);
}

void
piping_begin(struct piping *p, struct view *v, const msg_id *ids, size_t n, bool is_text,
	const char *command)
{
	piping_clear(p);
	if (n == 0 || !*command)
		return;
	p->command = xstrdup(command);
	p->is_text = is_text;
	follow(p, v, bring_start(&p->bring, v->ui, ids, n));
}

void
piping_event(struct piping *p, struct view *v, const struct event *ev)
{
	if (p->command)
		follow(p, v, bring_event(&p->bring, v->ui, ev));
}

void
piping_clear(struct piping *p)
{
	bring_clear(&p->bring);
	free(p->command);
	*p = (struct piping){ 0 };
}
