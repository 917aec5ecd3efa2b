/* mbox.c - finding and reading messages.
 *
 * A message begins at a From_ line that stands at the beginning of the file or behind an empty
 * line, has a date, and is followed by a header field or an empty line: a line of that form
 * that was pasted into a mail and not quoted (mboxcl2) is hardly ever. Some programs write no
 * empty line: one behind any other line counts when it is as programs write it and a header
 * field follows. The rule looks at three lines only, so that a scan begun anywhere finds the
 * same messages as one from the start: that is what mbox_tail and mbox_scan_parts stand on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mbox.h"
#include "mbox_reader.h"

enum {
	CANCEL_EVERY_BYTES = 1 << 20,
	CANCEL_EVERY_HEADS = 64,
	LOOK_BACK = MBOX_FROM_LINE + 2	/* a whole From_ line and a line end before it */
};

/* ---- where messages begin ---- */

/* What the last line was, as far as it matters to the next. */
struct edge {
	bool is_blank;			/* or there is none */
	bool is_from;			/* a From_ line, if this line goes with it */
	bool is_bare;			/* without an empty line before it */
	bool is_like_from;		/* begins like one, and is no longer */
};

/* A From_ line that was the last one begins a message, since this line follows. */
static bool
edge_is_boundary(const struct edge *last, const struct piece *p)
{
	return last->is_from && (last->is_bare ? piece_is_field(p) : piece_opens_message(p));
}

/* Of the last line and this one. *arrived when it is a From_ line. */
static struct edge
edge_next(const struct edge *last, const struct piece *p, int64_t *arrived)
{
	struct edge next = *last;

	next.is_from = last->is_blank ? piece_is_from_line(p, arrived)
		: !last->is_like_from && piece_is_plain_from_line(p, arrived);
	next.is_bare = next.is_from && !last->is_blank;
	if (p->starts)
		next.is_like_from = p->n < MBOX_FROM_LINE && piece_quoted_from(p) == 0;
	if (p->ends)
		next.is_blank = piece_is_blank(p);
	return next;
}

/* ---- files ---- */

static enum err
open_file(int *fd, uint64_t *size, const char *path, struct error *e)
{
	struct stat st;

	*size = 0;
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);	/* a FIFO would wait */
	if (*fd < 0 && errno == ENOENT)
		return ERR_OK;
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return error_errno(e, ERR_LOCAL, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_FOLDER, S_ISDIR(st.st_mode)
			? "'%s' is a directory, not an mbox" : "'%s' is not a file", path);
	*size = (uint64_t)st.st_size;
	return ERR_OK;
}

enum err
mbox_check_fd(int fd, uint64_t size, const char *path, struct error *e)
{
	struct reader r;
	struct piece p = {0};
	enum err rc;

	reader_init_fd(&r, fd, 0, size);
	while ((rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0 && piece_is_blank(&p))
		;
	if (rc == ERR_OK && p.n > 0 && !piece_is_from_line(&p, NULL))
		rc = error_set(e, ERR_FOLDER,
			"'%s' is not an mbox: it does not begin with a From_ line", path);
	reader_clear(&r);
	return rc;
}

/* So that nobody sees half of what is being appended. */
static enum err
lock_for_reading(int fd, uint64_t *size, const char *path, const struct cancel *cancel,
	struct error *e)
{
	struct stat st;
	enum err rc = fd < 0 ? ERR_OK : mbox_lock_shared(fd, path, cancel, e);

	if (rc == ERR_OK && fd >= 0 && fstat(fd, &st) == 0)
		*size = (uint64_t)st.st_size;
	return rc;
}

static void
close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- one header ---- */

static void
note_status(struct mbox_head *h, const struct piece *p, char which)
{
	const char *colon = memchr(p->p, ':', p->n);
	size_t at = (size_t)(colon + 1 - p->p), n = p->n - at;

	while (n > 0 && (p->p[at + n - 1] == '\n' || p->p[at + n - 1] == '\r'))
		n--;
	h->msg.flags |= status_flags(p->p + at, n);
	if (which == 's') {
		h->status.pos = p->pos + at;
		h->status.n = n;
	} else {
		h->xstatus.pos = p->pos + at;
		h->xstatus.n = n;
	}
}

/* Takes one piece of the header into account. */
static void
head_piece(struct mbox_head *h, const struct piece *p, bool *in_own_header)
{
	char which = piece_status_header(p);

	h->msg.hash = piece_hash(h->msg.hash, p, in_own_header);
	if (which && p->ends)
		note_status(h, p, which);
}

/* A header as it grows, and as it was before a line that may be the next message's. */
struct head {
	struct mbox_head h, h_before;
	struct str *text;		/* its bytes; NULL: not wanted */
	size_t n_before;
	bool own, own_before;
};

static void
head_add(struct head *h, const struct piece *p)
{
	h->h_before = h->h;
	h->own_before = h->own;
	h->n_before = h->text ? h->text->len : 0;
	head_piece(&h->h, p, &h->own);
	h->h.msg.body_pos = p->pos + p->n;
	if (h->text && h->text->len + p->n <= MBOX_MAX_HEADER)
		str_add(h->text, p->p, p->n);
}

static void
head_take_back(struct head *h)
{
	h->h = h->h_before;
	h->own = h->own_before;
	if (h->text)
		str_cut(h->text, h->n_before);
}

/* The bytes of the header go to `text` too, when it is not NULL. */
static enum err
head_read(struct mbox_head *out, int fd, uint64_t from_pos, uint64_t size, struct str *text,
	struct error *e)
{
	struct head h = { .text = text };
	struct edge last = { .is_blank = true };
	struct reader r;
	struct piece p;
	int64_t ignored;

	*out = (struct mbox_head){0};
	if (from_pos >= size)
		return error_set(e, ERR_FOLDER, "the mailbox file has changed");
	reader_init_head(&r, fd, from_pos, size);
	enum err rc = reader_next(&r, &p, e);
	if (rc == ERR_OK && !piece_is_from_line(&p, &h.h.msg.arrived))
		rc = error_set(e, ERR_FOLDER, "the mailbox file has changed");
	h.h.msg.from_pos = from_pos;
	h.h.msg.head_pos = h.h.msg.body_pos = p.pos + p.n;
	while (rc == ERR_OK) {
		last = edge_next(&last, &p, &ignored);
		rc = reader_next(&r, &p, e);
		if (rc != ERR_OK || p.n == 0)
			break;
		if (last.is_bare && edge_is_boundary(&last, &p)) {
			head_take_back(&h);
			break;
		}
		if (piece_is_blank(&p)) {
			h.h.msg.body_pos = p.pos + p.n;
			break;
		}
		head_add(&h, &p);
	}
	reader_clear(&r);
	*out = h.h;
	return rc;
}

enum err
mbox_head_read(struct mbox_head *h, int fd, uint64_t from_pos, uint64_t size, struct error *e)
{
	return head_read(h, fd, from_pos, size, NULL, e);
}

/* ---- scanning ---- */

struct scan {
	mbox_visit *visit;
	void *ctx;
	struct head head;
	struct str text;		/* the header's */
	bool in_msg, in_head, stop;
	struct edge last;
	uint64_t blank_pos;
	struct mbox_msg from;		/* what would begin at the From_ line before */
	uint64_t from_blank_pos;	/* where the message before it would end */
};

static void
finish(struct scan *s, uint64_t end)
{
	struct mbox_msg *m = &s->head.h.msg;

	if (!s->in_msg)
		return;
	if (s->in_head)
		m->body_pos = end;
	m->end_pos = end < m->body_pos ? m->body_pos : end;
	s->stop = !s->visit(s->ctx, m, str_get(&s->text), s->text.len);
	s->in_msg = false;
}

static void
begin(struct scan *s)
{
	str_cut(&s->text, 0);
	s->head = (struct head){ .h = { .msg = s->from }, .text = &s->text };
	s->in_msg = s->in_head = true;
}

static void
note_from_line(struct scan *s, const struct piece *p, int64_t arrived)
{
	s->from_blank_pos = s->last.is_bare ? p->pos : s->blank_pos;
	s->from = (struct mbox_msg){ .from_pos = p->pos, .head_pos = p->pos + p->n,
		.body_pos = p->pos + p->n, .arrived = arrived };
}

/* The From_ line before is one: the message before it ends, its own begins. */
static void
turn(struct scan *s)
{
	if (s->in_head && s->last.is_bare)
		head_take_back(&s->head);
	finish(s, s->from_blank_pos);
	if (!s->stop)
		begin(s);
}

static enum err
scan_piece(struct scan *s, const struct piece *p, struct error *e)
{
	int64_t arrived = 0;
	bool is_blank = piece_is_blank(p);

	if (s->last.is_from && (!s->in_msg || edge_is_boundary(&s->last, p)))
		turn(s);
	if (s->stop)
		return ERR_OK;
	s->last = edge_next(&s->last, p, &arrived);
	if (s->last.is_from)
		note_from_line(s, p, arrived);
	else if (!s->in_msg && !is_blank)
		return error_set(e, ERR_FOLDER,
			"not an mbox: no From_ line where one must be");
	if (s->in_head && is_blank) {
		s->in_head = false;
		s->head.h.msg.body_pos = p->pos + p->n;
	} else if (s->in_head && (!s->last.is_from || s->last.is_bare)) {
		head_add(&s->head, p);
	}
	if (is_blank)
		s->blank_pos = p->pos;
	return ERR_OK;
}

/* The next line means something only if it is empty. */
static bool
is_in_text(const struct scan *s)
{
	return s->in_msg && !s->in_head && !s->last.is_from && !s->last.is_blank;
}

enum err
mbox_scan_fd(int fd, uint64_t from, uint64_t size, mbox_visit *visit, void *ctx,
	const struct cancel *cancel, struct error *e)
{
	struct scan s = { .visit = visit, .ctx = ctx, .last = { .is_blank = true },
		.blank_pos = from };
	struct reader r;
	struct piece p;
	enum err rc;
	uint64_t look_at = from;

	reader_init_head(&r, fd, from, size);
	while ((rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0 && !s.stop) {
		if ((rc = scan_piece(&s, &p, e)) != ERR_OK)
			break;
		if (is_in_text(&s) && reader_skip_text(&r))
			s.last.is_like_from = false;
		if (cancel && p.pos >= look_at) {
			look_at = p.pos + CANCEL_EVERY_BYTES;
			if (cancel_fired(cancel)) {
				rc = error_set(e, ERR_CANCELLED, "cancelled");
				break;
			}
		}
	}
	if (rc == ERR_OK && !s.stop && s.last.is_from && !s.last.is_bare)
		turn(&s);
	if (rc == ERR_OK && !s.stop)
		finish(&s, s.last.is_blank ? s.blank_pos : size);
	reader_clear(&r);
	str_clear(&s.text);
	return rc;
}

enum err
mbox_scan(const char *path, uint64_t from, mbox_visit *visit, void *ctx,
	const struct cancel *cancel, struct error *e)
{
	uint64_t size;
	int fd;
	enum err rc = open_file(&fd, &size, path, e);

	if (rc == ERR_OK)
		rc = lock_for_reading(fd, &size, path, cancel, e);
	if (rc == ERR_OK && from > size)
		rc = error_set(e, ERR_FOLDER, "the mailbox file has changed");
	if (rc == ERR_OK && fd >= 0 && from == 0)
		rc = mbox_check_fd(fd, size, path, e);
	if (rc == ERR_OK && fd >= 0)
		rc = mbox_scan_fd(fd, from, size, visit, ctx, cancel, e);
	close_file(fd);
	return rc;
}

enum err
mbox_next_boundary(int fd, uint64_t from, uint64_t size, uint64_t *out, struct error *e)
{
	struct reader r;
	struct piece p;
	struct edge last = {0};
	uint64_t begin = from > LOOK_BACK ? from - LOOK_BACK : 0, at = 0;
	int64_t ignored;
	enum err rc;

	*out = size;
	reader_init_fd(&r, fd, begin, size);
	while ((rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0) {
		if (at > from && edge_is_boundary(&last, &p))
			break;
		at = p.pos;
		last = edge_next(&last, &p, &ignored);
		/* the rest of a line, perhaps */
		if (p.pos == begin && begin > 0)
			last.is_blank = last.is_from = false;
	}
	if (rc == ERR_OK && (p.n > 0 || (last.is_from && !last.is_bare && at > from)))
		*out = at;
	reader_clear(&r);
	return rc;
}

static bool
count_visit(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	(void)m;
	(void)head;
	(void)n_head;
	++*(size_t *)ctx;
	return true;
}

enum err
mbox_tail(const char *path, size_t n, uint64_t *from, struct error *e)
{
	uint64_t size, window = MBOX_TAIL_WINDOW;
	int fd;
	enum err rc = open_file(&fd, &size, path, e);

	*from = 0;
	for (; rc == ERR_OK && window < size; window *= 4) {
		uint64_t at;
		size_t count = 0;
		rc = mbox_next_boundary(fd, size - window, size, &at, e);
		if (rc == ERR_OK && at < size)
			rc = mbox_scan_fd(fd, at, size, count_visit, &count, NULL, e);
		if (rc == ERR_OK && count >= n) {
			*from = at;
			break;
		}
	}
	close_file(fd);
	return rc;
}

/* ---- reading ---- */

static bool
first_visit(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	(void)head;
	(void)n_head;
	*(struct mbox_msg *)ctx = *m;
	return false;
}

enum err
mbox_heads(const char *path, const uint64_t *from_pos, size_t n, mbox_visit *visit, void *ctx,
	const struct cancel *cancel, struct error *e)
{
	struct str head = {0};
	uint64_t size;
	int fd;
	enum err rc = open_file(&fd, &size, path, e);

	if (rc == ERR_OK)
		rc = lock_for_reading(fd, &size, path, cancel, e);
	for (size_t i = 0; rc == ERR_OK && fd >= 0 && i < n; i++) {
		struct mbox_head h;
		if (cancel && i % CANCEL_EVERY_HEADS == 0 && cancel_fired(cancel))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
		str_cut(&head, 0);
		enum err read = rc == ERR_OK ? head_read(&h, fd, from_pos[i], size, &head, e)
			: rc;
		if (read == ERR_OK && !visit(ctx, &h.msg, str_get(&head), head.len))
			break;
		if (read != ERR_OK && read != ERR_FOLDER)
			rc = read;
	}
	str_clear(&head);
	close_file(fd);
	return rc;
}

enum err
mbox_span(int fd, uint64_t from_pos, uint64_t size, struct mbox_msg *out, struct error *e)
{
	return mbox_scan_fd(fd, from_pos, size, first_visit, out, NULL, e);
}

const struct mbox_head *
mbox_head_of(const struct mbox_msg *m)
{
	const char *p = (const char *)m - offsetof(struct mbox_head, msg);

	return (const struct mbox_head *)(const void *)p;
}

static enum err
write_header(int fd, const struct mbox_msg *m, mbox_write *out, void *ctx, struct error *e)
{
	struct reader r;
	struct piece p;
	bool skip = false;
	enum err rc;

	reader_init_fd(&r, fd, m->head_pos, m->body_pos);
	while ((rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0) {
		if (p.starts)
			skip = piece_status_header(&p) != 0;
		size_t quote = piece_quoted_from(&p) > 0;
		if (!skip && (rc = out(ctx, p.p + quote, p.n - quote, e)) != ERR_OK)
			break;
	}
	reader_clear(&r);
	return rc;
}

static enum err
write_body(int fd, const struct mbox_msg *m, mbox_write *out, void *ctx, struct error *e)
{
	struct reader r;
	struct piece p;
	enum err rc;

	reader_init_fd(&r, fd, m->body_pos, m->end_pos);
	while ((rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0) {
		size_t quote = piece_quoted_from(&p) > 0;
		if ((rc = out(ctx, p.p + quote, p.n - quote, e)) != ERR_OK)
			break;
	}
	reader_clear(&r);
	return rc;
}

enum err
mbox_copy_out(int fd, const struct mbox_msg *m, mbox_write *out, void *ctx, struct error *e)
{
	enum err rc = write_header(fd, m, out, ctx, e);

	return rc == ERR_OK ? write_body(fd, m, out, ctx, e) : rc;
}

enum err
mbox_open_shared(int *fd, const char *path, const struct cancel *cancel, struct error *e)
{
	uint64_t size;
	enum err rc = open_file(fd, &size, path, e);

	if (rc == ERR_OK)
		rc = lock_for_reading(*fd, &size, path, cancel, e);
	if (rc != ERR_OK) {
		close_file(*fd);
		*fd = -1;
	}
	return rc;
}

enum err
mbox_read(const char *path, uint64_t from_pos, uint64_t hash, mbox_write *out, void *ctx,
	struct error *e)
{
	struct mbox_head h;
	struct mbox_msg m;
	uint64_t size;
	int fd;
	enum err rc = open_file(&fd, &size, path, e);

	if (rc == ERR_OK && fd < 0)
		rc = error_set(e, ERR_FOLDER, "'%s' is gone", path);
	if (rc == ERR_OK)
		rc = lock_for_reading(fd, &size, path, NULL, e);
	if (rc == ERR_OK)
		rc = mbox_head_read(&h, fd, from_pos, size, e);
	if (rc == ERR_OK && h.msg.hash != hash)
		rc = error_set(e, ERR_FOLDER, "the mailbox file has changed");
	if (rc == ERR_OK)
		rc = mbox_span(fd, from_pos, size, &m, e);
	if (rc == ERR_OK)
		rc = mbox_copy_out(fd, &m, out, ctx, e);
	close_file(fd);
	return rc;
}

enum err
mbox_sender(const char *path, uint64_t from_pos, char out[MBOX_SENDER], struct error *e)
{
	struct reader r;
	struct piece p;
	uint64_t size;
	int fd;
	enum err rc = open_file(&fd, &size, path, e);

	out[0] = '\0';
	if (rc != ERR_OK || fd < 0 || from_pos >= size) {
		close_file(fd);
		return rc;
	}
	reader_init_head(&r, fd, from_pos, size);
	rc = reader_next(&r, &p, e);
	if (rc == ERR_OK && piece_is_plain_from_line(&p, NULL)) {
		const char *word = p.p + strlen("From "), *end = p.p + p.n;
		while (word < end && (*word == ' ' || *word == '\t'))
			word++;
		size_t n = 0;
		while (word + n < end && (unsigned char)word[n] > ' ')
			n++;
		if (n < MBOX_SENDER)
			snprintf(out, MBOX_SENDER, "%.*s", (int)n, word);
	}
	reader_clear(&r);
	close_file(fd);
	return rc;
}

enum err
mbox_check(const char *path, struct error *e)
{
	uint64_t size;
	int fd;
	enum err rc = open_file(&fd, &size, path, e);

	if (rc == ERR_OK && fd >= 0)
		rc = mbox_check_fd(fd, size, path, e);
	close_file(fd);
	return rc;
}

bool
mbox_looks_like(const char *path)
{
	return access(path, F_OK) == 0 && mbox_check(path, NULL) == ERR_OK;
}
