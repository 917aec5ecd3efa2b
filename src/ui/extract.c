/* extract.c - see extract.h. What it stops at, or fails in, leaves no file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "extract.h"
#include "path.h"

enum { PIECE_BYTES = 256 * 1024 };

/* ---- in the task's thread ---- */

static enum err
decode_piece(struct extract *x, struct mime_decoder *d, struct str *out, const char *p,
	size_t n, bool is_last, struct error *e)
{
	str_cut(out, 0);
	mime_decoder_feed(d, out, p, n, is_last);
	x->n_bytes += out->len;
	return fd_write_all(x->to.fd, str_get(out), out->len, e);
}

static enum err
decode(struct extract *x, struct error *e)
{
	struct mime_decoder *d = mime_decoder_new(x->encoding);
	char *piece = xmalloc(PIECE_BYTES);
	struct str out = { 0 };
	uint64_t at = 0;
	ssize_t n;
	enum err r = ERR_OK;

	while (r == ERR_OK && (n = pread(x->from, piece, PIECE_BYTES, (off_t)at)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = error_errno(e, ERR_LOCAL, "cannot read the part");
			break;
		}
		at += (uint64_t)n;
		r = decode_piece(x, d, &out, piece, (size_t)n, false, e);
		if (r == ERR_OK)
			r = task_step(&x->work.task, at, x->size, e);
	}
	if (r == ERR_OK)
		r = decode_piece(x, d, &out, "", 0, true, e);
	mime_decoder_free(d);
	str_clear(&out);
	free(piece);
	return r;
}

static enum err
run(struct task *t, struct error *e)
{
	struct extract *x = (struct extract *)t;
	enum err r;

	if (x->from >= 0) {
		r = decode(x, e);
	} else {
		x->n_bytes = x->bytes.len;
		r = fd_write_all(x->to.fd, str_get(&x->bytes), x->bytes.len, e);
	}
	if (r == ERR_OK)
		return outfile_commit(&x->to, e);
	outfile_abort(&x->to);
	return r;
}

/* ---- around it ---- */

struct extract *
extract_new(const struct message *m, const struct part *p, const char *name)
{
	struct extract *x = xcalloc(1, sizeof *x);

	x->from = -1;
	x->to.fd = -1;
	x->encoding = p->encoding;
	x->name = xstrdup(name);
	if (!m->parsed)
		x->from = store_body(m->store, m->id, p->section, &x->size);
	else if (message_decode(m, p, &x->bytes))
		x->size = x->bytes.len;
	if (x->from >= 0 || m->parsed)
		return x;
	extract_free(x);
	return NULL;
}

void
extract_free(struct extract *x)
{
	if (!x)
		return;
	if (x->from >= 0)
		close(x->from);
	outfile_abort(&x->to);
	str_clear(&x->bytes);
	free(x->name);
	free(x->arg);
	free(x);
}

/* What was stopped before it began has its file still. */
static void
done(struct work *w, const struct error *e)
{
	struct extract *x = (struct extract *)w;

	if (e->code != ERR_OK)
		outfile_abort(&x->to);
	if (e->code == ERR_CANCELLED && w->owner)
		ui_status(w->ui, "stopped");
	x->then(x, e);
	extract_free(x);
}

void
extract_begin(struct ui *ui, struct view *owner, struct extract *x, const struct outfile *to,
	const char *what)
{
	x->work.task.run = run;
	x->work.done = done;
	x->work.question = "A file is being saved still. Leave, and not save it?";
	x->to = *to;
	work_begin(ui, owner, &x->work, x->size, what);
}
