/* mbox_mark.c - flags written over themselves, where there is room for them.
 *
 * What an fsync refused may be in memory only, and would be believed by
 * the next: so it is put back. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mbox.h"
#include "mbox_reader.h"
#include "path.h"

enum { MARK_SPAN = 256 };

bool
mbox_fits_in_place(const struct mbox_head *h, uint32_t flags)
{
	char s[3], x[5];

	status_format(flags, s, x);
	/* The value keeps the space behind the colon. */
	return h->status.n <= MARK_SPAN && h->xstatus.n <= MARK_SPAN &&
		(h->status.n > strlen(s) || (!h->status.n && !s[0])) &&
		(h->xstatus.n > strlen(x) || (!h->xstatus.n && !x[0]));
}

/* What stood where flags were written, to be put back when that did not reach the disk: a
 * change that failed must not look done to whoever tries it again. */
struct undone {
	struct { uint64_t pos; size_t n; char was[MARK_SPAN]; } *v;
	size_t n, cap;
};

static enum err
write_flags(int fd, struct undone *u, const char *was, const char *span, size_t n, uint64_t at,
	struct error *e)
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
		if (fd_pwrite_all(fd, u->v[i - 1].was, u->v[i - 1].n, u->v[i - 1].pos,
		    NULL) != ERR_OK)
			log_msg("cannot put the flags back");
	}
}

/* Both values with one write where they stand together, as ours do: nobody
 * sees one without the other. */
static enum err
write_span(int fd, struct undone *u, uint64_t from, uint64_t to, const struct mbox_head *h,
	const char *status, const char *xstatus, struct error *e)
{
	char span[MARK_SPAN], was[MARK_SPAN];
	size_t n = (size_t)(to - from);
	const struct { uint64_t pos; size_t n; const char *text; } v[] = {
		{ h->status.pos, h->status.n, status }, { h->xstatus.pos, h->xstatus.n,
			xstatus },
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
mark_in_place(int fd, struct undone *u, const struct mbox_head *h, uint32_t flags,
	struct error *e)
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

enum err
mbox_mark_all(int fd, const struct mbox_change *c, const struct mbox_head *heads, size_t n,
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
