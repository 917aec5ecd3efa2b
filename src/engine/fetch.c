/* fetch.c - JOB_FETCH: sections of a message into the store.
 *
 * What is here already costs nothing; what can be cut out of a whole message in the store is
 * cut out of it. "TEXT*" is what the pager needs: header, part tree and the parts to read. A
 * small message without attachments is fetched whole, in one round trip; of others the header,
 * the structure and the text parts alone, so that attachments stay where they are. Sections
 * are stored as the server has them, still encoded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mime.h"
#include "str.h"
#include "worker.h"

enum {
	SMALL_BYTES = 32 * 1024,
	MAX_READABLE = 50,
	PROGRESS_BYTES = 64 * 1024
};

static bool
is_here(struct worker *w, msg_id id, const char *section)
{
	return store_has_body(w->store, id, section, NULL);
}

static void
post_body(struct worker *w, job_id job, msg_id id, const char *section)
{
	struct event ev = { .kind = EV_BODY, .account = w->account, .job = job };

	ev.u.body.id = id;
	snprintf(ev.u.body.section, sizeof ev.u.body.section, "%s", section);
	events_post(w->events, &ev);
}

/* ---- from the server ---- */

struct download {
	struct worker *w;
	struct body_writer *out;
	job_id job;
	folder_id folder;
	uint64_t done, told, total;
};

static void
download_progress(struct download *d)
{
	struct event ev = { .kind = EV_PROGRESS, .account = d->w->account, .job = d->job };

	ev.u.progress.done = d->done;
	ev.u.progress.total = d->total;
	ev.u.progress.is_bytes = true;
	ev.u.progress.folder = d->folder;
	events_post(d->w->events, &ev);
	d->told = d->done;
}

static enum err
download_write(void *ctx, const void *p, size_t n, struct error *e)
{
	struct download *d = ctx;

	d->done += n;
	if (d->done - d->told >= PROGRESS_BYTES)
		download_progress(d);
	return body_write(d->out, p, n, e);
}

static void
download_total(void *ctx, uint64_t bytes)
{
	struct download *d = ctx;

	d->total = bytes;
}

static enum err
download(struct worker *w, job_id job, msg_id id, const char *section, struct error *e)
{
	struct download d = { .w = w, .job = job, .folder = msg_folder(id) };
	struct byte_sink sink = { .ctx = &d, .write = download_write,
		.total = download_total };
	enum err rc = body_create(&d.out, w->store, id, section, e);

	if (rc != ERR_OK)
		return rc;
	rc = w->b->ops->fetch(w->b, msg_uid(id), section, &sink, e);
	if (rc != ERR_OK) {
		body_abort(d.out);
		return rc;
	}
	return body_commit(d.out, e);
}

/* ---- out of the whole message ---- */

struct cutting {
	struct body_writer *out;
	enum err rc;
	struct error *e;
};

static bool
cut_piece(void *ctx, const char *p, size_t n)
{
	struct cutting *c = ctx;

	c->rc = body_write(c->out, p, n, c->e);
	return c->rc == ERR_OK;
}

static enum err
cut_section(struct worker *w, msg_id id, const struct mime_msg *m, const char *section,
	struct error *e)
{
	struct cutting c = { .e = e };
	bool is_there;

	if (is_here(w, id, section))
		return ERR_OK;
	if ((c.rc = body_create(&c.out, w->store, id, section, e)) != ERR_OK)
		return c.rc;
	if (strcmp(section, "HEADER") == 0) {
		struct str header = {0};
		is_there = mime_part_header(m, "", &header) &&
			cut_piece(&c, str_get(&header), header.len);
		str_clear(&header);
	} else {
		is_there = mime_part_pieces(m, section, cut_piece, &c);
	}
	if (is_there)
		return body_commit(c.out, e);
	body_abort(c.out);
	return c.rc != ERR_OK
		? c.rc : error_set(e, ERR_MSG, "the message has no part %s", section);
}

static enum err
cut_text(struct worker *w, msg_id id, const struct mime_msg *m, struct error *e)
{
	const struct part *readable[MAX_READABLE];
	size_t n_readable = part_readable(mime_root(m), w->rc->prefer_html, readable,
		MAX_READABLE);
	enum err rc = cut_section(w, id, m, "HEADER", e);

	for (size_t i = 0; i < n_readable && rc == ERR_OK; i++)
		rc = cut_section(w, id, m, readable[i]->section, e);
	if (rc == ERR_OK)
		rc = store_parts_put(w->store, id, mime_root(m), e);
	if (rc == ERR_OK)
		rc = store_msg_attach(w->store, id, part_has_attachment(mime_root(m)), e);
	return rc;
}

/* Nobody writes into a body that is in the store. */
static enum err
from_whole(struct worker *w, msg_id id, const char *section, struct error *e)
{
	struct mime_msg *m = NULL;
	uint64_t size;
	int fd = store_body(w->store, id, "", &size);

	if (fd < 0)
		return error_set(e, ERR_MSG, "the message is not here any more");
	enum err rc = mime_parse_file(&m, fd, size, e);
	close(fd);
	if (rc == ERR_OK && strcmp(section, "TEXT*") == 0)
		rc = cut_text(w, id, m, e);
	else if (rc == ERR_OK)
		rc = cut_section(w, id, m, section, e);
	mime_free(m);
	return rc;
}

/* ---- what the pager needs ---- */

static bool
has_text(struct worker *w, msg_id id)
{
	struct arena a = {0};
	const struct part *readable[MAX_READABLE];
	const struct part *root = store_parts(w->store, id, &a);
	size_t n = root ? part_readable(root, w->rc->prefer_html, readable, MAX_READABLE) : 0;
	bool has = root && is_here(w, id, "HEADER");

	for (size_t i = 0; i < n && has; i++)
		has = is_here(w, id, readable[i]->section);
	arena_clear(&a);
	return has;
}

static bool
is_small(struct worker *w, msg_id id)
{
	struct arena a = {0};
	struct msg m;
	bool is = store_msg(w->store, id, &a, &m) && m.size_bytes > 0 &&
		m.size_bytes <= SMALL_BYTES && !(m.flags & MSG_ATTACH);

	arena_clear(&a);
	return is;
}

static enum err
fetch_structure(struct worker *w, msg_id id, struct arena *a, struct part **root,
	struct error *e)
{
	*root = store_parts(w->store, id, a);
	if (*root)
		return ERR_OK;
	enum err rc = w->b->ops->structure(w->b, msg_uid(id), a, root, e);
	if (rc == ERR_OK)
		rc = store_parts_put(w->store, id, *root, e);
	if (rc == ERR_OK)
		rc = store_msg_attach(w->store, id, part_has_attachment(*root), e);
	return rc;
}

static enum err
fetch_parts(struct worker *w, job_id job, msg_id id, struct error *e)
{
	struct arena a = {0};
	struct part *root;
	const struct part *readable[MAX_READABLE];
	enum err rc = is_here(w, id, "HEADER") ? ERR_OK : download(w, job, id, "HEADER", e);

	if (rc == ERR_OK) {
		post_body(w, job, id, "HEADER");
		rc = fetch_structure(w, id, &a, &root, e);
	}
	size_t n = rc != ERR_OK ? 0
		: part_readable(root, w->rc->prefer_html, readable, MAX_READABLE);
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		const char *section = readable[i]->section;
		if (!is_here(w, id, section))
			rc = download(w, job, id, section, e);
		if (rc == ERR_OK)
			post_body(w, job, id, section);
	}
	arena_clear(&a);
	return rc;
}

/* ---- the job ---- */

/* Sections come out of the whole message where that is here, or all there is to be had. */
static bool
wants_whole(struct worker *w, msg_id id, const char *section)
{
	if (!*section || is_here(w, id, "") || !(w->b->caps & CAP_PARTS))
		return true;
	return strcmp(section, "TEXT*") == 0 && is_small(w, id);
}

bool
fetch_is_here(struct worker *w, const struct queued *j)
{
	const char *section = j->job.section;

	return is_here(w, j->job.msg, "") || (strcmp(section, "TEXT*") == 0
		? has_text(w, j->job.msg) : is_here(w, j->job.msg, section));
}

static enum err
fetch_missing(struct worker *w, const struct queued *j, struct error *e)
{
	msg_id id = j->job.msg;
	enum err rc = mirror_open(w, msg_folder(id), e);

	if (rc != ERR_OK)
		return rc;
	if (w->mirror.open.id != msg_folder(id))
		return error_set(e, ERR_MSG, "the server rebuilt the mailbox of this message");
	if (wants_whole(w, id, j->job.section))
		return download(w, j->id, id, "", e);
	if (strcmp(j->job.section, "TEXT*") == 0)
		return fetch_parts(w, j->id, id, e);
	return download(w, j->id, id, j->job.section, e);
}

enum err
fetch_run(struct worker *w, const struct queued *j, struct error *e)
{
	msg_id id = j->job.msg;
	const char *section = j->job.section;
	enum err rc = fetch_is_here(w, j) ? ERR_OK : fetch_missing(w, j, e);

	bool is_text = strcmp(section, "TEXT*") == 0;
	if (rc == ERR_OK && is_here(w, id, "") && *section &&
	    !(is_text ? has_text(w, id) : is_here(w, id, section)))
		rc = from_whole(w, id, section, e);
	if (rc != ERR_OK)
		return rc;
	post_body(w, j->id, id, section);
	if (is_text) {
		words_fetched(w, id);
		/* its attachment mark may have changed */
		post_folder(w, msg_folder(id), 0);
	}
	return ERR_OK;
}
