/* mbox_rewrite.c - an mbox written anew.
 *
 * A new file beside the old one, fsync, rename, fsync of the directory: the old file stays
 * whole until the new one is. Mode, owner and symlink are kept. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mbox.h"
#include "mbox_out.h"
#include "mbox_reader.h"
#include "path.h"

enum { COPY_BYTES = 8 << 20 };		/* at a time */

/* As much as the kernel copies by itself, which costs less. *from: the rest. */
static enum err
copy_inside(struct out *o, int fd, uint64_t *from, uint64_t to, struct error *e)
{
	enum err rc = out_flush(o, e);

	while (rc == ERR_OK && *from < to) {
		off_t at = (off_t)*from;
		size_t want = to - *from < COPY_BYTES ? (size_t)(to - *from) : COPY_BYTES;
		ssize_t n = copy_file_range(fd, &at, o->fd, NULL, want, 0);
		if (n == 0 || (n < 0 && errno != EINTR && errno != ENOSPC && errno != EDQUOT &&
		    errno != EFBIG && errno != EIO))
			break;			/* not on this file system: by hand */
		if (n < 0 && errno != EINTR)
			rc = error_errno(e, ERR_LOCAL, "cannot write the mbox anew");
		if (n > 0) {
			*from += (uint64_t)n;
			out_wrote(o, (size_t)n);
		}
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

static bool
ends_a_line(int fd, uint64_t pos)
{
	char c;

	return pread(fd, &c, 1, (off_t)pos - 1) == 1 && c == '\n';
}

/* From_ line and header with the flags of now: behind it, but before a first line that does
 * not look like one (mbox_append.c). What goes on a line of flags belongs to it. */
static enum err
copy_header(struct out *o, int fd, const struct mbox_msg *m, uint32_t flags, struct error *e)
{
	struct reader r;
	struct piece p;
	bool skip = false, is_marked = false, has_begun = false;
	bool is_open = !ends_a_line(fd, m->head_pos);	/* the file ends in the middle */
	enum err rc = copy_range(o, fd, m->from_pos, m->head_pos, e);

	reader_init_fd(&r, fd, m->head_pos, m->body_pos);
	while (rc == ERR_OK && (rc = reader_next(&r, &p, e)) == ERR_OK && p.n > 0) {
		if (p.starts)
			skip = piece_status_header(&p) != 0 ||
				(skip && (p.p[0] == ' ' || p.p[0] == '\t'));
		bool is_first = !skip && !has_begun && !piece_opens_message(&p);
		has_begun = has_begun || !skip;
		if (!is_marked && (is_first || piece_is_blank(&p))) {
			is_marked = true;
			rc = out_status(o, flags, e);
		}
		if (rc == ERR_OK && !skip) {
			rc = out_add(o, p.p, p.n, e);
			is_open = p.p[p.n - 1] != '\n';
		}
	}
	reader_clear(&r);
	if (rc == ERR_OK && !is_marked && is_open)
		rc = out_add(o, "\n", 1, e);
	return rc == ERR_OK && !is_marked ? out_status(o, flags, e) : rc;
}

struct rewrite {
	struct out out;
	int fd;
	uint64_t size;
	const struct mbox_change *changes;
	size_t n, next;
	uint64_t copied_to;		/* all before it is in the new file, or
					 * left out on purpose */
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

/* Whether a message may follow here whatever its From_ line looks like. */
static bool
is_separated(int fd, uint64_t pos)
{
	char c[4];
	size_t n = pos < sizeof c ? (size_t)pos : sizeof c;

	if (n == 0)
		return true;
	if (pread(fd, c, n, (off_t)(pos - n)) != (ssize_t)n || c[n - 1] != '\n')
		return false;
	if (n > 1 && c[n - 2] == '\r')
		n--;
	return n == 1 || c[n - 2] == '\n';
}

/* Where the file goes on when this message is left out. The empty line behind one that had
 * none before it stays. */
static uint64_t
behind_removed(int fd, const struct mbox_msg *m)
{
	return is_separated(fd, m->from_pos) ? behind_separator(fd, m->end_pos) : m->end_pos;
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
			w->copied_to = behind_removed(w->fd, &m);
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
		w->copied_to = behind_removed(w->fd, m);
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
	w->out.is_new = true;
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
mbox_splice(const struct mbox_lock *l, uint64_t from, uint64_t end, int other,
	uint64_t other_from, uint64_t other_to, struct error *e)
{
	struct rewrite w = { .fd = l->fd, .cut_from = from, .cut_to = behind_separator(l->fd,
		end), .other = other, .other_from = other_from, .other_to = other_to, .e = e };
	off_t size = lseek(l->fd, 0, SEEK_END);

	if (size < 0)
		return error_errno(e, ERR_LOCAL, "cannot read '%s'", l->path);
	w.size = (uint64_t)size;
	return rewrite(l, &w, write_without);
}

enum err
mbox_cut_out(const struct mbox_lock *l, uint64_t size, uint64_t from, uint64_t to,
	struct error *e)
{
	struct rewrite w = { .fd = l->fd, .size = size, .cut_from = from, .cut_to = to,
		.e = e };

	return rewrite(l, &w, write_without);
}

enum err
mbox_rewrite(const struct mbox_lock *l, uint64_t size, const struct mbox_change *changes,
	size_t n, struct mbox_stamp *stamp, struct error *e)
{
	struct rewrite w = { .fd = l->fd, .size = size, .changes = changes, .n = n, .e = e };
	enum err rc = rewrite(l, &w, write_changed);

	*stamp = w.stamp;
	return rc;
}
