/* mbox_join.c - appending a spool to an mbox, so that a crash at any
 * instruction can be repaired.
 *
 * The spool is on disk before, and the length of the mbox is recorded (by the caller's
 * `begin`) before the first byte is appended. So what a dead process left behind that
 * length is a beginning of the spool, with zeros where a power cut took sectors, and is
 * known by comparison: it is written over with the spool; or, when another program has
 * meanwhile appended behind less than all of it, cut out, and the spool is appended anew.
 * An mbox that has been rewritten since is searched for the messages, by the hash of the
 * header and the length of the body. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mbox.h"
#include "mbox_reader.h"
#include "path.h"

enum { PIECE = 64 * 1024, FROM_LINE_MAX = 512 };

static ssize_t
read_at(int fd, void *buf, size_t n, uint64_t at)
{
	ssize_t got;

	do {
		got = pread(fd, buf, n, (off_t)at);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* [from, to) of the spool to the end of the mbox. */
static enum err
copy(int mbox, int spool, uint64_t from, uint64_t to, struct error *e)
{
	char *buf = xmalloc(PIECE);
	enum err rc = ERR_OK;

	while (rc == ERR_OK && from < to) {
		ssize_t got = read_at(spool, buf,
			to - from < PIECE ? (size_t)(to - from) : PIECE, from);
		if (got <= 0)
			rc = error_set(e, ERR_LOCAL, "cannot read what was downloaded");
		else
			rc = fd_write_all(mbox, buf, (size_t)got, e);
		from += got > 0 ? (uint64_t)got : 0;
	}
	free(buf);
	return rc;
}

static enum err
append(const struct mbox_lock *l, int spool, uint64_t from, uint64_t to, struct error *e)
{
	off_t size = lseek(l->fd, 0, SEEK_END);
	enum err rc = size < 0 ? error_errno(e, ERR_LOCAL, "cannot append to '%s'", l->path)
		: ERR_OK;

	if (rc == ERR_OK)
		rc = fd_write_all(l->fd, "\n\n", (size_t)mbox_missing_newlines(l->fd, size),
			e);
	if (rc == ERR_OK)
		rc = copy(l->fd, spool, from, to, e);
	if (rc == ERR_OK && fsync(l->fd) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot append to '%s'", l->path);
	if (rc != ERR_OK && size >= 0 && ftruncate(l->fd, size) < 0)
		error_errno(e, rc, "cannot append to '%s', nor cut it back", l->path);
	return rc;
}

enum err
mbox_join(const char *path, int spool, uint64_t n_bytes, mbox_begin *begin, void *ctx,
	const struct cancel *cancel, struct error *e)
{
	struct mbox_lock l;
	enum err rc = mbox_lock(&l, path, true, cancel, e);

	if (rc != ERR_OK)
		return rc;
	off_t size = lseek(l.fd, 0, SEEK_END);
	if (size < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot append to '%s'", path);
	if (rc == ERR_OK)
		rc = mbox_check_fd(l.fd, (uint64_t)size, path, e);
	if (rc == ERR_OK && size == 0)
		rc = path_sync_dir_of(l.path, e);	/* the name itself, when it is new */
	if (rc == ERR_OK)
		rc = begin(ctx, (uint64_t)size, e);
	if (rc == ERR_OK)
		rc = append(&l, spool, 0, n_bytes, e);
	mbox_unlock(&l);
	return rc;
}

/* ---- after a crash ---- */

/* How many bytes of the mbox from `at` on are those of the spool from 0 on, or zeros: of what
 * was written before the power went, any sector may be missing. */
static uint64_t
count_ours(int mbox, uint64_t at, int spool, uint64_t n_bytes)
{
	char *a = xmalloc(PIECE), *b = xmalloc(PIECE);
	uint64_t same = 0;

	while (same < n_bytes) {
		size_t want = n_bytes - same < PIECE ? (size_t)(n_bytes - same) : PIECE;
		ssize_t n = read_at(mbox, a, want, at + same), m = read_at(spool, b, want,
			same);
		ssize_t both = n < m ? n : m, i = 0;
		while (i < both && (a[i] == b[i] || !a[i]))
			i++;
		same += i > 0 ? (uint64_t)i : 0;
		if (i < (ssize_t)want)
			break;
	}
	free(a);
	free(b);
	return same;
}

/* A write that never reached the disk may leave its length and no content. */
static bool
is_all_nul(int fd, uint64_t from, uint64_t to)
{
	char buf[4096];

	while (from < to) {
		ssize_t n = read_at(fd, buf,
			to - from < sizeof buf ? (size_t)(to - from) : sizeof buf, from);
		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i])
				return false;
		}
		from += (uint64_t)n;
	}
	return true;
}

/* The length of the From_ line there; 0: none. */
static size_t
from_line_at(int fd, uint64_t at)
{
	char buf[FROM_LINE_MAX];
	ssize_t n = read_at(fd, buf, sizeof buf, at);
	const char *lf = n > 0 ? memchr(buf, '\n', (size_t)n) : NULL;
	struct piece p = { .p = buf, .n = lf ? (size_t)(lf - buf) + 1 : 0, .starts = true };

	return lf && piece_is_from_line(&p, NULL) ? p.n : 0;
}

/* Where what another program appended behind a torn message begins: its From_ line
 * may agree with the one that we would have written there, up to its date. A line
 * that agrees whole is ours. */
static bool
find_others(int fd, uint64_t before, uint64_t torn_end, uint64_t *at)
{
	uint64_t lowest = torn_end - before > FROM_LINE_MAX
		? torn_end - FROM_LINE_MAX : before;

	for (*at = torn_end + 2; *at + 1 > lowest; --*at) {
		size_t n = from_line_at(fd, *at);
		if (n > 0)
			return *at + n > torn_end;
	}
	return false;
}

struct shape {
	uint64_t hash, body_bytes, pos, end;
	bool is_there;
};

struct shapes {
	struct shape *v;
	size_t n, cap;
	struct shape torn;		/* in the mbox: the header of one, and too
					 * little behind it */
};

static bool
note_shape(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct shapes *s = ctx;

	(void)head;
	(void)n_head;
	s->v = array_grow(s->v, s->n, &s->cap, sizeof *s->v);
	s->v[s->n++] = (struct shape){ m->hash, m->end_pos - m->body_pos, m->from_pos,
		m->end_pos, false };
	return true;
}

static bool
note_seen(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct shapes *s = ctx;

	(void)head;
	(void)n_head;
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].is_there || s->v[i].hash != m->hash)
			continue;
		s->v[i].is_there = m->end_pos - m->body_pos >= s->v[i].body_bytes;
		if (!s->v[i].is_there)
			s->torn = (struct shape){ .pos = m->from_pos, .end = m->end_pos };
		break;
	}
	return true;
}

/* The mbox has been rewritten: what is not found in it is appended. */
static enum err
append_missing(const struct mbox_lock *l, int spool, uint64_t n_bytes, uint64_t size,
	struct error *e)
{
	struct shapes s = {0};
	enum err rc = mbox_scan_fd(spool, 0, n_bytes, note_shape, &s, NULL, e);

	if (rc == ERR_OK)
		rc = mbox_scan_fd(l->fd, 0, size, note_seen, &s, NULL, e);
	for (size_t i = 0; i < s.n && rc == ERR_OK; i++) {
		uint64_t end = i + 1 < s.n ? s.v[i + 1].pos : n_bytes;
		if (!s.v[i].is_there)
			rc = append(l, spool, s.v[i].pos, end, e);
	}
	if (rc == ERR_OK && fsync(l->fd) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", l->path);
	off_t now = lseek(l->fd, 0, SEEK_END);
	if (rc == ERR_OK && s.torn.end > 0 && now > 0)
		rc = mbox_cut_out(l, (uint64_t)now, s.torn.pos, s.torn.end, e);
	free(s.v);
	return rc;
}

/* The batch over what is there of it. All of it, also where it looks right: an
 * fsync that failed before may have left the bytes in memory only, and would not
 * write them a second time. */
static enum err
write_over(const struct mbox_lock *l, int spool, uint64_t n_bytes, uint64_t before,
	uint64_t begin, uint64_t size, struct error *e)
{
	bool is_last = size <= begin + n_bytes, is_cut = !is_last &&
		is_all_nul(l->fd, begin + n_bytes, size);
	enum err rc = ERR_OK;

	if (lseek(l->fd, (off_t)before, SEEK_SET) < 0 ||
	    (is_cut && ftruncate(l->fd, (off_t)(begin + n_bytes)) < 0))
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", l->path);
	if (rc == ERR_OK)
		rc = fd_write_all(l->fd, "\n\n", (size_t)(begin - before), e);
	if (rc == ERR_OK)
		rc = copy(l->fd, spool, 0, n_bytes, e);
	if (rc == ERR_OK && fsync(l->fd) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", l->path);
	if (rc != ERR_OK && is_last && ftruncate(l->fd, (off_t)before) < 0)
		error_errno(e, rc, "cannot write '%s', nor cut it back", l->path);
	return rc;
}

/* What was found behind `before`, and what is to be done about it.
 * *again: append all of the spool. */
static enum err
repair(const struct mbox_lock *l, int spool, uint64_t n_bytes, uint64_t before, bool *again,
	struct error *e)
{
	struct stat st;
	uint64_t others;

	*again = false;
	if (fstat(l->fd, &st) < 0)
		return error_errno(e, ERR_LOCAL, "cannot look at '%s'", l->path);
	uint64_t size = (uint64_t)st.st_size;
	if (size < before)
		return append_missing(l, spool, n_bytes, size, e);
	uint64_t begin = before + (uint64_t)mbox_missing_newlines(l->fd, (off_t)before);
	uint64_t end = begin < size ? begin + count_ours(l->fd, begin, spool, n_bytes) : size;
	if (end >= size || end == begin + n_bytes)
		return write_over(l, spool, n_bytes, before, begin, size, e);
	*again = true;
	if (find_others(l->fd, before, end, &others) && others >= begin)
		return others == begin ? ERR_OK : mbox_cut_out(l, size, begin, others, e);
	*again = false;
	return append_missing(l, spool, n_bytes, size, e);
}

enum err
mbox_join_again(const char *path, int spool, uint64_t n_bytes, uint64_t before,
	const struct cancel *cancel, struct error *e)
{
	struct mbox_lock l;
	bool again;
	enum err rc = mbox_lock(&l, path, true, cancel, e);

	if (rc != ERR_OK)
		return rc;
	rc = repair(&l, spool, n_bytes, before, &again, e);
	/* the file may have been replaced: opened anew below */
	mbox_unlock(&l);
	if (rc != ERR_OK || !again || (rc = mbox_lock(&l, path, true, cancel, e)) != ERR_OK)
		return rc;
	rc = append(&l, spool, 0, n_bytes, e);
	mbox_unlock(&l);
	return rc;
}
