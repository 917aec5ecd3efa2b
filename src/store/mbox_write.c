/* mbox_write.c - appending, marking, removing.
 *
 * Appending cuts the file back to where it was when anything fails, so that half a message
 * is never left. Flags are written over themselves where there is room (messages we append
 * have it); all else goes through a new file beside the old one, fsync and rename: the old
 * file stays whole until the new one is. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mbox.h"
#include "mbox_reader.h"
#include "path.h"

enum err
mbox_settle(const char *path, struct error *e)
{
	char real[PATH_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err rc = fd < 0 && errno == ENOENT ? ERR_OK : fd < 0 || fsync(fd) < 0
		? error_errno(e, ERR_LOCAL, "cannot sync '%s'", path) : ERR_OK;

	if (fd >= 0)
		close(fd);
	return rc == ERR_OK ? path_sync_dir_of(realpath(path, real) ? real : path, e) : rc;
}

/* ---- buffered output ---- */

enum { OUT_BYTES = 256 * 1024 };

struct out {
	int fd;
	struct str buf;
};

static enum err
out_flush(struct out *o, struct error *e)
{
	enum err rc = fd_write_all(o->fd, str_get(&o->buf), o->buf.len, e);

	str_cut(&o->buf, 0);
	return rc;
}

static enum err
out_add(struct out *o, const char *p, size_t n, struct error *e)
{
	str_add(&o->buf, p, n);
	return o->buf.len >= OUT_BYTES ? out_flush(o, e) : ERR_OK;
}

/* Both headers with room for every letter, so that later changes are made in place. */
static enum err
out_status(struct out *o, uint32_t flags, struct error *e)
{
	char s[3], x[5], lines[64];

	status_format(flags, s, x);
	int n = snprintf(lines, sizeof lines, "Status: %-2s\nX-Status: %-4s\n", s, x);
	return out_add(o, lines, (size_t)n, e);
}

/* ---- appending ---- */

/* One line as mboxrd has it: a From_ line quoted, the line end LF. */
static enum err
out_line(struct out *o, const struct piece *p, struct error *e)
{
	bool is_crlf = p->n >= 2 && p->p[p->n - 2] == '\r' && p->p[p->n - 1] == '\n';
	enum err rc = ERR_OK;

	if (piece_quoted_from(p) >= 0)
		rc = out_add(o, ">", 1, e);
	if (rc == ERR_OK)
		rc = out_add(o, p->p, p->n - (is_crlf ? 2 : 0), e);
	if (rc == ERR_OK && is_crlf)
		rc = out_add(o, "\n", 1, e);
	return rc;
}

struct appender {
	struct out *o;
	uint32_t flags;
	bool in_head, skip, open_line;
	uint64_t hash;			/* of the header as it will stand in the file */
	bool in_own_header;
	struct str *head;		/* NULL: not wanted */
};

static void
note_header(struct appender *a, const struct piece *p)
{
	static const struct piece quote = { .p = ">", .n = 1, .starts = true };
	struct piece line = *p;

	if (piece_quoted_from(p) >= 0) {
		a->hash = piece_hash(a->hash, &quote, &a->in_own_header);
		line.starts = false;
	}
	a->hash = piece_hash(a->hash, &line, &a->in_own_header);
	if (a->head && a->head->len + p->n <= MBOX_MAX_HEADER)
		str_add(a->head, p->p, p->n);
}

/* Our own two lines will be in the header, which is then never without a line: nor is the hash, for whom
 * the mail has no header at all. */
static void
note_own_headers(struct appender *a)
{
	static const struct piece own = { .p = "Status:\n", .n = 8, .starts = true, .ends = true };

	a->hash = piece_hash(a->hash, &own, &a->in_own_header);
}

static enum err
append_piece(struct appender *a, const struct piece *p, struct error *e)
{
	enum err rc = ERR_OK;

	if (a->in_head && piece_is_blank(p)) {
		a->in_head = false;
		rc = out_status(a->o, a->flags, e);
	}
	if (p->starts)
		a->skip = a->in_head && piece_status_header(p);
	if (a->in_head && !a->skip)
		note_header(a, p);
	if (rc == ERR_OK && !a->skip)
		rc = out_line(a->o, p, e);
	a->open_line = p->p[p->n - 1] != '\n';
	return rc;
}

static enum err
out_message(struct appender *a, const struct mbox_source *src, struct error *e)
{
	static const struct piece newline = { .p = "\n", .n = 1 };
	struct reader r;
	struct piece p;
	enum err rc;

	a->in_head = true;
	reader_init_source(&r, src);
	while ((rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0) {
		if ((rc = append_piece(a, &p, e)) != ERR_OK)
			break;
	}
	reader_clear(&r);
	if (rc == ERR_OK && a->open_line) {
		if (a->in_head)
			note_header(a, &newline);
		rc = out_add(a->o, "\n", 1, e);
	}
	if (rc == ERR_OK && a->in_head) {
		rc = out_status(a->o, a->flags, e);
		if (rc == ERR_OK)
			rc = out_add(a->o, "\n", 1, e);
	}
	note_own_headers(a);
	return rc == ERR_OK ? out_add(a->o, "\n", 1, e) : rc;	/* the empty line behind it */
}

int
mbox_missing_newlines(int fd, off_t size)
{
	char last[2] = "\n\n";
	size_t n = size >= 2 ? 2 : (size_t)size;

	if (n > 0 && pread(fd, last + 2 - n, n, size - (off_t)n) != (ssize_t)n)
		return 2;
	return last[1] != '\n' ? 2 : last[0] != '\n';
}

/* In English whatever the locale: other programs read it. */
static void
format_ctime(char out[64], int64_t arrived)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t when = (time_t)arrived;
	struct tm tm;

	if (!gmtime_r(&when, &tm) || tm.tm_year < 0 || tm.tm_year > 8099) {
		when = time(NULL);
		gmtime_r(&when, &tm);
	}
	snprintf(out, 64, "%.3s %.3s %2d %02d:%02d:%02d %04d", days + 3 * tm.tm_wday,
		months + 3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		tm.tm_year + 1900);
}

static enum err
out_from_line(struct out *o, off_t size, int64_t arrived, uint64_t *pos, struct error *e)
{
	int n_newlines = mbox_missing_newlines(o->fd, size);
	char date[64], line[128];

	format_ctime(date, arrived);
	int n = snprintf(line, sizeof line, "%.*sFrom MAILER-DAEMON %s\n", n_newlines, "\n\n", date);
	*pos = (uint64_t)size + (uint64_t)n_newlines;
	return out_add(o, line, (size_t)n, e);
}

enum err
mbox_append(const char *path, const struct mbox_source *src, uint32_t flags, int64_t arrived,
	uint64_t *pos, const struct cancel *cancel, struct error *e)
{
	struct mbox_lock l;
	struct out o = {0};
	struct appender a = { .o = &o, .flags = flags };
	enum err rc = mbox_lock(&l, path, true, cancel, e);

	if (rc != ERR_OK)
		return rc;
	o.fd = l.fd;
	off_t size = lseek(l.fd, 0, SEEK_END);
	if (size < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot append to '%s'", path);
	if (rc == ERR_OK)
		rc = out_from_line(&o, size, arrived, pos, e);
	if (rc == ERR_OK)
		rc = out_message(&a, src, e);
	if (rc == ERR_OK)
		rc = out_flush(&o, e);
	if (rc == ERR_OK && fsync(l.fd) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot append to '%s'", path);
	if (rc == ERR_OK && size == 0)
		rc = path_sync_dir_of(l.path, e);	/* the name itself, when it is new */
	if (rc != ERR_OK && size >= 0 && ftruncate(l.fd, size) < 0)
		error_errno(e, rc, "cannot append to '%s', nor cut it back", path);
	str_clear(&o.buf);
	mbox_unlock(&l);
	return rc;
}

/* The date in the From_ line, which is of one length, is written when the header is known. */
static enum err
date_from_line(int fd, off_t at, int64_t arrived, struct error *e)
{
	char date[64];

	format_ctime(date, arrived);
	at += (off_t)strlen("From MAILER-DAEMON ");
	return fd_pwrite_all(fd, date, strlen(date), (uint64_t)at, e);
}

/* `arrival` finds out when it arrived; NULL: `arrived` says. */
static enum err
encode(int fd, const struct mbox_source *src, uint32_t flags, mbox_arrival *arrival, int64_t arrived,
	struct mbox_encoded *out, struct error *e)
{
	struct out o = { .fd = fd };
	struct str head = {0};
	struct appender a = { .o = &o, .flags = flags, .head = arrival ? &head : NULL };
	off_t size = lseek(fd, 0, SEEK_END), end;
	uint64_t pos;
	enum err rc = size < 0 ? error_errno(e, ERR_LOCAL, "cannot write the message")
		: out_from_line(&o, size, arrived, &pos, e);

	if (rc == ERR_OK)
		rc = out_message(&a, src, e);
	if (rc == ERR_OK)
		rc = out_flush(&o, e);
	if (rc == ERR_OK && arrival)
		rc = date_from_line(fd, (off_t)pos, arrival(str_get(&head), head.len), e);
	if (rc == ERR_OK && (end = lseek(fd, 0, SEEK_END)) >= 0)
		*out = (struct mbox_encoded){ .hash = a.hash, .pos = pos, .end = (uint64_t)end };
	else if (size >= 0 && ftruncate(fd, size) < 0)
		error_errno(e, rc = ERR_LOCAL, "cannot cut back the spool");
	str_clear(&head);
	str_clear(&o.buf);
	return rc;
}

enum err
mbox_encode(int fd, const struct mbox_source *src, uint32_t flags, mbox_arrival *arrival,
	struct mbox_encoded *out, struct error *e)
{
	return encode(fd, src, flags, arrival, 0, out, e);
}

enum err
mbox_encode_at(int fd, const struct mbox_source *src, uint32_t flags, int64_t arrived,
	struct mbox_encoded *out, struct error *e)
{
	return encode(fd, src, flags, NULL, arrived, out, e);
}

static enum err
take_header(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct { const char *p; size_t n; } *head = ctx;

	(void)e;
	*n = head->n < size ? head->n : size;
	memcpy(buf, head->p, *n);
	head->p += *n;
	head->n -= *n;
	return ERR_OK;
}

uint64_t
mbox_header_hash(const char *head, size_t n)
{
	struct { const char *p; size_t n; } text = { head, n };
	struct mbox_source src = { &text, take_header };
	struct appender a = { .in_head = true };
	struct reader r;
	struct piece p;

	reader_init_source(&r, &src);
	while (reader_next(&r, &p, NULL) == ERR_OK && p.n > 0 && !piece_is_blank(&p)) {
		if (p.starts)
			a.skip = piece_status_header(&p);
		if (!a.skip)
			note_header(&a, &p);
	}
	note_own_headers(&a);
	reader_clear(&r);
	return a.hash;
}

/* ---- marking in place ---- */

enum { MARK_SPAN = 256 };

static bool
fits_in_place(const struct mbox_head *h, uint32_t flags)
{
	char s[3], x[5];

	status_format(flags, s, x);
	/* The value keeps the space behind the colon. */
	return h->status.n <= MARK_SPAN && h->xstatus.n <= MARK_SPAN &&
		(h->status.n > strlen(s) || (!h->status.n && !s[0])) &&
		(h->xstatus.n > strlen(x) || (!h->xstatus.n && !x[0]));
}

/* What stood where flags were written, to be put back when that did not reach the disk: a change that failed must not
 * look done to whoever tries it again. */
struct undone {
	struct { uint64_t pos; size_t n; char was[MARK_SPAN]; } *v;
	size_t n, cap;
};

static enum err
write_flags(int fd, struct undone *u, const char *was, const char *span, size_t n, uint64_t at, struct error *e)
{
	u->v = array_grow(u->v, u->n, &u->cap, sizeof *u->v);
	u->v[u->n].pos = at;
	u->v[u->n].n = n;
	memcpy(u->v[u->n++].was, was, n);
	return fd_pwrite_all(fd, span, n, at, e);
}

static void
put_back(int fd, const struct undone *u)
{
	for (size_t i = u->n; i > 0; i--) {
		if (fd_pwrite_all(fd, u->v[i - 1].was, u->v[i - 1].n, u->v[i - 1].pos, NULL) != ERR_OK)
			log_msg("cannot put the flags back");
	}
}

/* Both values with one write where they stand together, as ours do: nobody sees one without the other. */
static enum err
write_span(int fd, struct undone *u, uint64_t from, uint64_t to, const struct mbox_head *h, const char *status,
	const char *xstatus, struct error *e)
{
	char span[MARK_SPAN], was[MARK_SPAN];
	size_t n = (size_t)(to - from);
	const struct { uint64_t pos; size_t n; const char *text; } v[] = {
		{ h->status.pos, h->status.n, status }, { h->xstatus.pos, h->xstatus.n, xstatus },
	};

	if (pread(fd, span, n, (off_t)from) != (ssize_t)n)
		return error_errno(e, ERR_LOCAL, "cannot read the flags");
	memcpy(was, span, n);
	for (size_t i = 0; i < LEN(v); i++) {
		if (v[i].n == 0 || v[i].pos < from || v[i].pos >= to)
			continue;
		char *at = span + (v[i].pos - from);
		memset(at, ' ', v[i].n);
		memcpy(at + 1, v[i].text, strlen(v[i].text));
	}
	return write_flags(fd, u, was, span, n, from, e);
}

static enum err
mark_in_place(int fd, struct undone *u, const struct mbox_head *h, uint32_t flags, struct error *e)
{
	char s[3], x[5];
	uint64_t s_end = h->status.pos + h->status.n, x_end = h->xstatus.pos + h->xstatus.n;
	bool has_s = h->status.n > 0, has_x = h->xstatus.n > 0;
	uint64_t from = !has_x || (has_s && h->status.pos < h->xstatus.pos) ? h->status.pos
		: h->xstatus.pos;
	uint64_t to = s_end > x_end ? s_end : x_end;
	enum err rc = ERR_OK;

	status_format(flags, s, x);
	if (to - from <= MARK_SPAN)
		return to > from ? write_span(fd, u, from, to, h, s, x, e) : ERR_OK;
	if (h->status.n <= MARK_SPAN)
		rc = write_span(fd, u, h->status.pos, s_end, h, s, x, e);
	return rc == ERR_OK && h->xstatus.n <= MARK_SPAN
		? write_span(fd, u, h->xstatus.pos, x_end, h, s, x, e) : rc;
}

enum err
mbox_mark(int fd, const struct mbox_head *h, uint32_t flags, struct error *e)
{
	struct undone u = {0};
	enum err rc = mark_in_place(fd, &u, h, flags, e);

	free(u.v);
	return rc;
}

/* ---- writing anew ---- */

/* As much as the kernel copies by itself, which costs less. *from: the rest. */
static enum err
copy_inside(struct out *o, int fd, uint64_t *from, uint64_t to, struct error *e)
{
	enum err rc = out_flush(o, e);

	while (rc == ERR_OK && *from < to) {
		off_t at = (off_t)*from;
		ssize_t n = copy_file_range(fd, &at, o->fd, NULL, (size_t)(to - *from), 0);
		if (n == 0 || (n < 0 && errno != EINTR && errno != ENOSPC && errno != EDQUOT &&
		    errno != EFBIG && errno != EIO))
			break;			/* not on this file system: by hand */
		if (n < 0 && errno != EINTR)
			rc = error_errno(e, ERR_LOCAL, "cannot write the mbox anew");
		*from += n > 0 ? (uint64_t)n : 0;
	}
	return rc;
}

static enum err
copy_range(struct out *o, int fd, uint64_t from, uint64_t to, struct error *e)
{
	char buf[64 * 1024];

	if (to > from && to - from >= OUT_BYTES) {
		enum err rc = copy_inside(o, fd, &from, to, e);
		if (rc != ERR_OK)
			return rc;
	}
	while (from < to) {
		size_t want = to - from < sizeof buf ? (size_t)(to - from) : sizeof buf;
		ssize_t n = pread(fd, buf, want, (off_t)from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return error_errno(e, ERR_LOCAL, "cannot read the mbox");
		enum err rc = out_add(o, buf, (size_t)n, e);
		if (rc != ERR_OK)
			return rc;
		from += (uint64_t)n;
	}
	return ERR_OK;
}

/* From_ line and header with the flags of now. */
static enum err
copy_header(struct out *o, int fd, const struct mbox_msg *m, uint32_t flags, struct error *e)
{
	struct reader r;
	struct piece p;
	bool skip = false, is_marked = false;
	enum err rc = copy_range(o, fd, m->from_pos, m->head_pos, e);

	reader_init_fd(&r, fd, m->head_pos, m->body_pos);
	while (rc == ERR_OK && (rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0) {
		if (p.starts)
			skip = piece_status_header(&p) != 0;
		if (piece_is_blank(&p)) {
			is_marked = true;
			rc = out_status(o, flags, e);
		}
		if (rc == ERR_OK && !skip)
			rc = out_add(o, p.p, p.n, e);
	}
	reader_clear(&r);
	return rc == ERR_OK && !is_marked ? out_status(o, flags, e) : rc;
}

struct rewrite {
	struct out out;
	int fd;
	uint64_t size;
	const struct mbox_change *changes;
	size_t n, next;
	uint64_t copied_to;		/* all before it is in the new file, or left out on purpose */
	uint64_t cut_from, cut_to;
	int other;			/* what goes in between; other_to 0: nothing */
	uint64_t other_from, other_to;
	struct mbox_stamp stamp;	/* of the new file */
	struct error *e;
	enum err rc;
};

/* Behind the empty line that stands between this message and the next. */
static uint64_t
behind_separator(int fd, uint64_t end)
{
	char c[2];
	ssize_t n = pread(fd, c, sizeof c, (off_t)end);

	return end + (n == 2 && c[0] == '\r' && c[1] == '\n' ? 2 : n >= 1 && c[0] == '\n');
}

/* Mode and owner of the old file; who may not give the file away keeps it when it was his. */
static enum err
copy_owner(int to, int from, struct error *e)
{
	struct stat st;

	if (fstat(from, &st) < 0 || fchmod(to, st.st_mode & 07777) < 0)
		return error_errno(e, ERR_LOCAL, "cannot keep the mode of the mbox");
	if (fchown(to, st.st_uid, st.st_gid) < 0 && st.st_uid != geteuid())
		return error_errno(e, ERR_LOCAL, "cannot keep the owner of the mbox");
	return ERR_OK;
}

/* The new content into w->out. */
typedef void write_content(struct rewrite *w);

/* Only what is removed is looked at; all between is copied as it is. */
static void
write_without_removed(struct rewrite *w)
{
	for (size_t i = 0; i < w->n && w->rc == ERR_OK; i++) {
		struct mbox_msg m;
		uint64_t pos = w->changes[i].from_pos;
		w->rc = copy_range(&w->out, w->fd, w->copied_to, pos, w->e);
		if (w->rc == ERR_OK)
			w->rc = mbox_span(w->fd, pos, w->size, &m, w->e);
		if (w->rc == ERR_OK)
			w->copied_to = behind_separator(w->fd, m.end_pos);
	}
}

static bool
has_room(const struct mbox_head *h)
{
	return h->status.n >= 3 && h->xstatus.n >= 5;
}

static bool
write_visit(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct rewrite *w = ctx;
	const struct mbox_change *c = w->next < w->n ? &w->changes[w->next] : NULL;
	bool is_changed = c && c->from_pos == m->from_pos;

	(void)head;
	(void)n_head;
	w->next += is_changed;
	if (!is_changed && has_room(mbox_head_of(m)))
		return true;
	w->rc = copy_range(&w->out, w->fd, w->copied_to, m->from_pos, w->e);
	if (is_changed && c->remove) {
		w->copied_to = behind_separator(w->fd, m->end_pos);
	} else if (w->rc == ERR_OK) {
		w->rc = copy_header(&w->out, w->fd, m, is_changed ? c->flags : m->flags, w->e);
		w->copied_to = m->body_pos;
	}
	return w->rc == ERR_OK;
}

/* A flag that finds no room costs the whole file: so every message gets room, and the next
 * flags are written in place. */
static void
write_with_room(struct rewrite *w)
{
	enum err rc = mbox_scan_fd(w->fd, 0, w->size, write_visit, w, NULL, w->e);

	if (w->rc == ERR_OK)
		w->rc = rc;
	if (w->rc == ERR_OK && w->next < w->n)
		w->rc = error_set(w->e, ERR_FOLDER, "the mailbox file has changed");
}

static void
write_changed(struct rewrite *w)
{
	bool are_all_removed = true;

	for (size_t i = 0; i < w->n; i++)
		are_all_removed &= w->changes[i].remove;
	if (are_all_removed)
		write_without_removed(w);
	else
		write_with_room(w);
	if (w->rc == ERR_OK)
		w->rc = copy_range(&w->out, w->fd, w->copied_to, w->size, w->e);
}

static void
write_anew(struct rewrite *w, const struct mbox_lock *l, write_content *write_it)
{
	write_it(w);
	if (w->rc == ERR_OK)
		w->rc = out_flush(&w->out, w->e);
	if (w->rc == ERR_OK)
		w->rc = copy_owner(w->out.fd, l->fd, w->e);
	if (w->rc == ERR_OK && fsync(w->out.fd) < 0)
		w->rc = error_errno(w->e, ERR_LOCAL, "cannot write '%s' anew", l->path);
	if (w->rc == ERR_OK)
		w->rc = mbox_stamp_fd(&w->stamp, w->out.fd, w->e);
}

/* Beside the mbox, hidden, and always the same name: one that a dead program left is found
 * and replaced, since we hold the lock. */
static char *
new_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	int n_dir = slash ? (int)(slash + 1 - path) : 0;

	return xasprintf("%.*s.%s.dunlin-new", n_dir, path, path + n_dir);
}

static enum err
rewrite(const struct mbox_lock *l, struct rewrite *w, write_content *write_it)
{
	char *tmp = new_file_name(l->path);

	unlink(tmp);
	w->out.fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (w->out.fd < 0) {
		w->rc = error_errno(w->e, ERR_LOCAL, "cannot write beside '%s'", l->path);
		goto out;
	}
	write_anew(w, l, write_it);
	if (w->rc == ERR_OK && rename(tmp, l->path) < 0)
		w->rc = error_errno(w->e, ERR_LOCAL, "cannot replace '%s'", l->path);
	if (w->rc == ERR_OK)
		w->rc = path_sync_dir_of(l->path, w->e);
	else
		unlink(tmp);
	close(w->out.fd);
out:
	str_clear(&w->out.buf);
	free(tmp);
	return w->rc;
}

static void
write_without(struct rewrite *w)
{
	w->rc = copy_range(&w->out, w->fd, 0, w->cut_from, w->e);
	if (w->rc == ERR_OK)
		w->rc = copy_range(&w->out, w->other, w->other_from, w->other_to, w->e);
	if (w->rc == ERR_OK)
		w->rc = copy_range(&w->out, w->fd, w->cut_to, w->size, w->e);
}

enum err
mbox_splice(const struct mbox_lock *l, uint64_t from, uint64_t end, int other, uint64_t other_from,
	uint64_t other_to, struct error *e)
{
	struct rewrite w = { .fd = l->fd, .cut_from = from, .cut_to = behind_separator(l->fd, end),
		.other = other, .other_from = other_from, .other_to = other_to, .e = e };
	off_t size = lseek(l->fd, 0, SEEK_END);

	if (size < 0)
		return error_errno(e, ERR_LOCAL, "cannot read '%s'", l->path);
	w.size = (uint64_t)size;
	return rewrite(l, &w, write_without);
}

enum err
mbox_cut_out(const struct mbox_lock *l, uint64_t size, uint64_t from, uint64_t to, struct error *e)
{
	struct rewrite w = { .fd = l->fd, .size = size, .cut_from = from, .cut_to = to, .e = e };

	return rewrite(l, &w, write_without);
}

/* Every change must still mean the message it was made for. */
static enum err
verify(int fd, uint64_t size, const struct mbox_change *c, size_t n, struct mbox_head *heads,
	bool *in_place, struct error *e)
{
	*in_place = true;
	for (size_t i = 0; i < n; i++) {
		enum err rc = mbox_head_read(&heads[i], fd, c[i].from_pos, size, e);
		if (rc != ERR_OK)
			return rc;
		if (heads[i].msg.hash != c[i].hash)
			return error_set(e, ERR_FOLDER, "the mailbox file has changed");
		*in_place &= !c[i].remove && fits_in_place(&heads[i], c[i].flags);
	}
	return ERR_OK;
}

static enum err
mark_all(int fd, const struct mbox_change *c, const struct mbox_head *heads, size_t n,
	struct error *e)
{
	struct undone u = {0};
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = mark_in_place(fd, &u, &heads[i], c[i].flags, e);
	if (rc == ERR_OK)
		rc = fd_sync(fd, e);
	if (rc != ERR_OK)
		put_back(fd, &u);
	free(u.v);
	return rc;
}

enum err
mbox_change_held(const struct mbox_lock *l, const struct mbox_change *changes, size_t n,
	struct mbox_stamp *stamp, bool *was_rewritten, struct error *e)
{
	struct mbox_head *heads = xcalloc(n, sizeof *heads);
	struct mbox_stamp before = {0}, after = {0};
	bool in_place = false;
	enum err rc = mbox_stamp_fd(&before, l->fd, e);

	*was_rewritten = false;
	if (rc == ERR_OK)
		rc = verify(l->fd, before.size_bytes, changes, n, heads, &in_place, e);
	if (rc == ERR_OK && in_place) {
		rc = mark_all(l->fd, changes, heads, n, e);
		if (rc == ERR_OK)
			rc = mbox_stamp_fd(&after, l->fd, e);
	} else if (rc == ERR_OK) {
		struct rewrite w = { .fd = l->fd, .size = before.size_bytes, .changes = changes,
			.n = n, .e = e };
		rc = rewrite(l, &w, write_changed);
		after = w.stamp;
		*was_rewritten = rc == ERR_OK;
	}
	bool was_known = rc == ERR_OK && mbox_stamp_is_same(stamp, &before);
	*stamp = was_known ? after : (struct mbox_stamp){0};
	free(heads);
	return rc;
}

enum err
mbox_change(const char *path, const struct mbox_change *changes, size_t n,
	struct mbox_stamp *stamp, bool *was_rewritten, const struct cancel *cancel, struct error *e)
{
	struct mbox_lock l;
	enum err rc = mbox_lock(&l, path, false, cancel, e);

	*was_rewritten = false;
	if (rc != ERR_OK)
		return rc;
	rc = mbox_change_held(&l, changes, n, stamp, was_rewritten, e);
	mbox_unlock(&l);
	return rc;
}

enum err
mbox_hold(struct mbox_lock **out, const char *path, const struct mbox_change *changes, size_t n,
	const struct cancel *cancel, struct error *e)
{
	struct mbox_head *heads = xcalloc(n, sizeof *heads);
	struct mbox_lock *l = xcalloc(1, sizeof *l);
	bool in_place;
	enum err rc = mbox_lock(l, path, false, cancel, e);
	off_t size = rc == ERR_OK ? lseek(l->fd, 0, SEEK_END) : 0;

	if (rc == ERR_OK && size < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot read '%s'", path);
	if (rc == ERR_OK && verify(l->fd, (uint64_t)size, changes, n, heads, &in_place, e) != ERR_OK)
		rc = ERR_MSG;
	free(heads);
	*out = rc == ERR_OK ? l : NULL;
	if (rc != ERR_OK)
		mbox_release(l);
	return rc;
}

void
mbox_release(struct mbox_lock *l)
{
	if (!l)
		return;
	if (l->path)
		mbox_unlock(l);
	free(l);
}
