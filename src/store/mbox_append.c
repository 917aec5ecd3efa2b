/* mbox_append.c - a message at the end of an mbox, and in the form it has there.
 *
 * The file is cut back to where it was when anything fails, so that half a message is never
 * left. What is written has room for its flags, which are then written over themselves. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mbox.h"
#include "mbox_out.h"
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

/* ---- a message ---- */

/* One line as mboxrd has it: a From_ line quoted, the line end LF. One that ends in CR CR LF
 * stays as it is, since without one of them it would have another meaning when read. */
static enum err
out_line(struct out *o, const struct piece *p, struct error *e)
{
	bool is_crlf = p->n >= 2 && p->p[p->n - 2] == '\r' && p->p[p->n - 1] == '\n' &&
		!(p->n >= 3 && p->p[p->n - 3] == '\r');
	enum err rc = ERR_OK;

	if (piece_is_blank(p))
		return out_add(o, "\n", 1, e);
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
	bool has_begun;			/* a line of the header was written, or is to be */
	bool is_marked;			/* so were our own two */
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

/* Our own two lines will be in the header, which is then never without a line: nor is the
 * hash, for whom the mail has no header at all. */
static void
note_own_headers(struct appender *a)
{
	static const struct piece own = { .p = "Status:\n", .n = 8, .starts = true,
		.ends = true };

	a->hash = piece_hash(a->hash, &own, &a->in_own_header);
}

/* A From_ line counts only before what looks like a header: where the first line does not, our
 * own two stand before it. False: it would go on one of those, so that all is text. */
static bool
note_first_line(struct appender *a, const struct piece *p)
{
	bool goes_on = p->p[0] == ' ' || p->p[0] == '\t';

	a->has_begun = true;
	a->is_marked = !piece_opens_message(p);
	return !goes_on;
}

static enum err
mark(struct appender *a, struct error *e)
{
	return a->is_marked ? ERR_OK : out_status(a->o, a->flags, e);
}

static enum err
begin_header(struct appender *a, const struct piece *p, struct error *e)
{
	enum err rc = ERR_OK;

	a->in_head = note_first_line(a, p);
	if (a->is_marked)
		rc = out_status(a->o, a->flags, e);
	if (rc == ERR_OK && !a->in_head)
		rc = out_add(a->o, "\n", 1, e);
	return rc;
}

static enum err
append_piece(struct appender *a, const struct piece *p, struct error *e)
{
	enum err rc = ERR_OK;

	if (p->starts)
		a->skip = a->in_head && piece_status_header(p);
	if (a->in_head && !a->skip && !a->has_begun)
		rc = begin_header(a, p, e);
	if (rc == ERR_OK && a->in_head && piece_is_blank(p)) {
		a->in_head = false;
		rc = mark(a, e);
	}
	if (a->in_head && !a->skip)
		note_header(a, p);
	if (rc == ERR_OK && !a->skip)
		rc = out_line(a->o, p, e);
	a->open_line = p->p[p->n - 1] != '\n' && !piece_is_blank(p);
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
		rc = mark(a, e);
		if (rc == ERR_OK)
			rc = out_add(a->o, "\n", 1, e);
	}
	note_own_headers(a);
	return rc == ERR_OK ? out_add(a->o, "\n", 1, e) : rc;	/* the empty line behind it */
}

int
mbox_missing_newlines(int fd, off_t size)
{
	char last[3] = "\n\n\n";
	size_t n = size >= 3 ? 3 : (size_t)size;

	if (n > 0 && pread(fd, last + 3 - n, n, size - (off_t)n) != (ssize_t)n)
		return 2;
	bool is_crlf = last[1] == '\r';
	return last[2] != '\n' ? 2 : last[is_crlf ? 0 : 1] != '\n';
}

/* Who sent it is in its header. */
static const char nobody[] = "MAILER-DAEMON";

void
mbox_from_date(char out[64], int64_t arrived)
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
out_from_line(struct out *o, off_t size, const char *sender, int64_t arrived, uint64_t *pos,
	struct error *e)
{
	int n_newlines = mbox_missing_newlines(o->fd, size);
	char date[64], line[MBOX_SENDER + 128];

	mbox_from_date(date, arrived);
	int n = snprintf(line, sizeof line, "%.*sFrom %s %s\n", n_newlines, "\n\n", sender,
		date);
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
		rc = mbox_check_fd(l.fd, (uint64_t)size, path, e);
	if (rc == ERR_OK)
		rc = out_from_line(&o, size, nobody, arrived, pos, e);
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

	mbox_from_date(date, arrived);
	at += (off_t)(strlen("From  ") + strlen(nobody));
	return fd_pwrite_all(fd, date, strlen(date), (uint64_t)at, e);
}

/* `arrival` finds out when it arrived; NULL: `arrived` says. */
static enum err
encode(int fd, const struct mbox_source *src, uint32_t flags, mbox_arrival *arrival,
	int64_t arrived, const char *sender, struct mbox_encoded *out, struct error *e)
{
	struct out o = { .fd = fd };
	struct str head = {0};
	struct appender a = { .o = &o, .flags = flags, .head = arrival ? &head : NULL };
	off_t size = lseek(fd, 0, SEEK_END), end;
	uint64_t pos;
	enum err rc = size < 0 ? error_errno(e, ERR_LOCAL, "cannot write the message")
		: out_from_line(&o, size, sender, arrived, &pos, e);

	if (rc == ERR_OK)
		rc = out_message(&a, src, e);
	if (rc == ERR_OK)
		rc = out_flush(&o, e);
	if (rc == ERR_OK && arrival)
		rc = date_from_line(fd, (off_t)pos, arrival(str_get(&head), head.len), e);
	if (rc == ERR_OK && (end = lseek(fd, 0, SEEK_END)) >= 0)
		*out = (struct mbox_encoded){ .hash = a.hash, .pos = pos,
			.end = (uint64_t)end };
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
	return encode(fd, src, flags, arrival, 0, nobody, out, e);
}

enum err
mbox_encode_at(int fd, const struct mbox_source *src, uint32_t flags, int64_t arrived,
	const char *sender, struct mbox_encoded *out, struct error *e)
{
	bool is_one = sender && *sender && strlen(sender) < MBOX_SENDER &&
		!strpbrk(sender, " \t\r\n");

	return encode(fd, src, flags, NULL, arrived, is_one ? sender : nobody, out, e);
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
		if (!a.skip && !a.has_begun && !note_first_line(&a, &p))
			break;
		if (!a.skip)
			note_header(&a, &p);
	}
	note_own_headers(&a);
	reader_clear(&r);
	return a.hash;
}
