/* saving.c - all attachments of a message into a directory, by one task that goes on when the
 * view is left. Nothing is written over: a name that is there already gets a number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outfile.h"
#include "parts_impl.h"
#include "path.h"
#include "utf8.h"
#include "triage.h"
#include "work.h"

enum { MAX_SAME = 1000 };

struct saving {
	struct work work;
	msg_id id;
	struct str *inside;		/* the message, where it is in no store; else NULL */
	char *dir;
	size_t n_saved;
	uint64_t done, total;
};

/* ---- in the task's thread ---- */

/* What is attached to an attached message is in that one's file. */
static bool
is_of_an_attachment(const struct part *p)
{
	while ((p = p->parent))
		if (part_is_message(p) && part_is_attachment(p))
			return true;
	return false;
}

static bool
is_wanted(const struct part *p)
{
	return message_is_leaf(p) && part_is_attachment(p) && !is_of_an_attachment(p);
}

/* A new file: "plan.pdf", else "plan-2.pdf" and so on. */
static enum err
create(struct outfile *o, const char *dir, const char *name, struct error *e)
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot && dot > name ? (size_t)(dot - name) : strlen(name);
	enum err r = ERR_OK;
	bool exists = true;

	for (int k = 1; exists && k <= MAX_SAME; k++) {
		char *numbered = k == 1 ? xstrdup(name)
			: xasprintf("%.*s-%d%s", (int)stem, name, k, name + stem);
		char *path = path_join(dir, numbered);
		exists = false;
		r = outfile_create(o, path, false, &exists, e);
		free(path);
		free(numbered);
	}
	return r;
}

struct writing_part {
	struct saving *s;
	struct mime_decoder *decoder;
	struct str decoded;
	struct outfile to;
	struct error *e;
	enum err r;
};

static void
decode(struct writing_part *w, const char *p, size_t n, bool is_last)
{
	str_cut(&w->decoded, 0);
	mime_decoder_feed(w->decoder, &w->decoded, p, n, is_last);
	w->r = fd_write_all(w->to.fd, str_get(&w->decoded), w->decoded.len, w->e);
}

static bool
write_piece(void *ctx, const char *p, size_t n)
{
	struct writing_part *w = ctx;

	decode(w, p, n, false);
	w->s->done += n;
	if (w->r == ERR_OK)
		w->r = task_step(&w->s->work.task, w->s->done, w->s->total, w->e);
	return w->r == ERR_OK;
}

static enum err
save_part(struct saving *s, const struct message *m, const struct part *p, struct error *e)
{
	char *name = parts_file_name(p);
	struct writing_part w = { .s = s, .e = e };

	w.r = create(&w.to, s->dir, name, e);
	free(name);
	if (w.r != ERR_OK)
		return w.r;
	w.decoder = mime_decoder_new(p->encoding);
	if (!mime_part_pieces(m->parsed, p->section, write_piece, &w) && w.r == ERR_OK)
		w.r = error_set(e, ERR_MSG, "an attachment could not be read");
	if (w.r == ERR_OK)
		decode(&w, "", 0, true);
	mime_decoder_free(w.decoder);
	str_wipe(&w.decoded);
	if (w.r == ERR_OK)
		w.r = outfile_commit(&w.to, e);
	else
		outfile_abort(&w.to);
	s->n_saved += w.r == ERR_OK;
	return w.r;
}

static enum err
save_all(struct saving *s, const struct message *m, struct error *e)
{
	enum err r = ERR_OK;

	for (const struct part *p = m->root; p; p = part_next(p))
		if (is_wanted(p))
			s->total += p->size_bytes;
	for (const struct part *p = m->root; p && r == ERR_OK; p = part_next(p))
		if (is_wanted(p))
			r = save_part(s, m, p, e);
	return r;
}

static enum err
run(struct task *t, struct error *e)
{
	struct saving *s = (struct saving *)t;
	struct message m = { 0 };
	bool is_there = s->inside ? message_of_copy(&m, s->inside)
		: message_read(&m, t->store, s->id) && message_map(&m);
	enum err r = is_there ? save_all(s, &m, e)
		: error_set(e, ERR_MSG, "this message could not be read as a whole");

	message_clear(&m);
	return r;
}

/* ---- around it ---- */

static void
saved(struct work *w, const struct error *e)
{
	struct saving *s = (struct saving *)w;
	char count[32];

	plural(count, s->n_saved, "attachment");
	if (e->code == ERR_CANCELLED)
		ui_status(w->ui, "stopped: %s saved in %s", count, s->dir);
	else if (e->code == ERR_OK && s->n_saved == 0)
		ui_status(w->ui, "this message has no attachments");
	else if (e->code == ERR_OK)
		ui_status(w->ui, "%s saved in %s", count, s->dir);
	if (s->inside)
		str_wipe(s->inside);
	free(s->inside);
	free(s->dir);
	free(s);
}

void
saving_begin(struct ui *ui, msg_id id, const struct str *inside, const char *dir,
	uint64_t size_bytes)
{
	struct saving *s = xcalloc(1, sizeof *s);

	s->work.task.run = run;
	s->work.done = saved;
	s->work.question = "Files are being saved still. Leave, and not save them?";
	s->id = id;
	s->dir = path_expand(dir);
	if (inside) {
		s->inside = xcalloc(1, sizeof *s->inside);
		str_add(s->inside, str_get(inside), inside->len);
	}
	work_begin(ui, NULL, &s->work, size_bytes, "saving the attachments");
}
