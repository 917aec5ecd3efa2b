/* local_map.c - see local_map.h: the map on disk, and the lock on all of an account's.
 *
 * On disk: a header, then the entries. Entries are on disk before the header that tells
 * of them, so a crash leaves the old header, whose stamp is not the mbox's any more, and
 * the mbox is looked at again. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "local_map.h"
#include "log.h"
#include "path.h"
#include "str.h"

static const char magic[8] = "DLMAP3\n";

struct disk_header {
	char magic[8];
	struct mbox_stamp stamp;
	uint32_t uidvalidity, uidnext;
	uint64_t n, generation;
	uint32_t n_unread;
	uint32_t sum;			/* of the fields before */
};

enum { LOCK_STEP_MS = 10, LOCK_WAIT_MS = 60 * 1000 };

/* ---- the directory ---- */

void
maps_init(struct maps *s, const char *dir, const struct cancel *cancel)
{
	*s = (struct maps){ .dir = xstrdup(dir), .cancel = cancel, .fd = -1 };
}

void
maps_clear(struct maps *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->dir);
	*s = (struct maps){ .fd = -1 };
}

const char *
maps_below_root(const struct maps *s, const char *path)
{
	size_t n = s->root ? strlen(s->root) : 0;

	while (n > 1 && s->root[n - 1] == '/')
		n--;
	return n && strncmp(path, s->root, n) == 0 && path[n] == '/' && path[n + 1]
		? path + n + 1 : NULL;
}

static enum err
open_lock(struct maps *s, struct error *e)
{
	char *path = path_join(s->dir, "lock");

	if (s->fd < 0)
		s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum err rc = s->fd < 0 ? error_errno(e, ERR_LOCAL, "cannot open '%s'", path) : ERR_OK;
	free(path);
	return rc;
}

enum err
maps_enter(struct maps *s, struct error *e)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct pollfd p = { .fd = cancel_fd(s->cancel), .events = POLLIN };
	int left_ms = LOCK_WAIT_MS;

	if (s->depth > 0) {
		s->depth++;
		return ERR_OK;
	}
	enum err rc = open_lock(s, e);
	while (rc == ERR_OK && fcntl(s->fd, F_OFD_SETLK, &whole) < 0) {
		if (errno != EACCES && errno != EAGAIN)
			return error_errno(e, ERR_LOCAL, "cannot lock '%s'", s->dir);
		if (poll(&p, 1, LOCK_STEP_MS) > 0)
			return error_set(e, ERR_CANCELLED, "cancelled");
		if ((left_ms -= LOCK_STEP_MS) <= 0)
			return error_set(e, ERR_FOLDER,
				"another dunlin is busy with these mailboxes");
	}
	s->depth += rc == ERR_OK;
	return rc;
}

void
maps_leave(struct maps *s)
{
	struct flock none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (--s->depth == 0 && fcntl(s->fd, F_OFD_SETLK, &none) < 0)
		log_msg("cannot unlock '%s'", s->dir);
}

/* ---- names ---- */

/* By its name below the account's directory, which may be moved as a whole; what lies
 * elsewhere by its real one. */
static char *
file_of(const char *mbox_path, const struct maps *maps)
{
	char real[PATH_MAX];
	const char *known_as = maps_below_root(maps, mbox_path);

	if (!known_as)
		known_as = realpath(mbox_path, real) ? real : mbox_path;

	return xasprintf("%s/%016llx.map", maps->dir,
		(unsigned long long)hash_string(known_as));
}

void
map_init(struct map *m, const char *mbox_path, struct maps *maps)
{
	*m = (struct map){ .maps = maps, .path = xstrdup(mbox_path),
		.file = file_of(mbox_path, maps) };
}

void
map_clear(struct map *m)
{
	free(m->path);
	free(m->file);
	free(m->v);
	uidset_clear(&m->changed);
	uidset_clear(&m->gone);
	*m = (struct map){0};
}

void
map_rename(const struct maps *maps, const char *from_path, const char *to_path)
{
	char *from = file_of(from_path, maps), *to = to_path ? file_of(to_path, maps) : NULL;

	if ((to ? rename(from, to) : unlink(from)) < 0 && errno != ENOENT)
		log_msg("cannot %s the map of '%s'", to ? "rename" : "remove", from_path);
	free(from);
	free(to);
}

uint32_t
map_first_uid(uint64_t pos, uint64_t file_size)
{
	int shift = 4;			/* no message is shorter than 16 bytes */

	while (file_size >> shift > INT32_MAX)
		shift++;
	return (uint32_t)(pos >> shift) + 1;
}

struct map_entry *
map_find(const struct map *m, uint32_t uid)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (m->v[mid].uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < m->n && m->v[lo].uid == uid ? &m->v[lo] : NULL;
}

/* ---- reading ---- */

static bool
read_all(int fd, void *p, size_t n, off_t at)
{
	char *to = p;

	while (n > 0) {
		ssize_t got = pread(fd, to, n, at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
		at += got;
	}
	return true;
}

static uint32_t
sum_of(const struct disk_header *h)
{
	const unsigned char *c = (const unsigned char *)h;
	uint32_t sum = 0x811c9dc5;

	for (size_t i = 0; i < offsetof(struct disk_header, sum); i++)
		sum = (sum ^ c[i]) * 0x1000193;
	return sum;
}

/* Of one that was written by half the stamp is not believed: then the mbox is looked at. */
static bool
read_header(int fd, struct disk_header *h)
{
	struct stat st;
	bool is_read = fd >= 0 && read_all(fd, h, sizeof *h, 0);

	if (is_read && h->sum != sum_of(h))
		h->stamp = (struct mbox_stamp){ .mtime_ns = -1 };	/* no file's */
	return is_read && fstat(fd, &st) == 0 &&
		memcmp(h->magic, magic, sizeof magic) == 0 && h->uidvalidity != 0 &&
		h->n <= (uint64_t)st.st_size / sizeof(struct map_entry) &&
		sizeof *h + h->n * sizeof(struct map_entry) <= (uint64_t)st.st_size;
}

/* ---- writing ---- */

static struct disk_header
header_of(const struct map *m)
{
	struct disk_header h = { .stamp = m->stamp, .uidvalidity = m->uidvalidity,
		.uidnext = m->uidnext, .n = m->n, .generation = m->generation,
		.n_unread = m->n_unread };

	memcpy(h.magic, magic, sizeof magic);
	h.sum = sum_of(&h);
	return h;
}

static bool
write_at(int fd, const void *p, size_t n, uint64_t at)
{
	return fd_pwrite_all(fd, p, n, at, NULL) == ERR_OK;
}

/* Through a new file; without a second copy in memory, which would be large. */
enum err
map_save_whole(struct map *m, struct error *e)
{
	char *tmp = xasprintf("%s.tmp", m->file);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	m->generation++;
	struct disk_header h = header_of(m);
	enum err rc = fd < 0 ? ERR_LOCAL : fd_write_all(fd, &h, sizeof h, NULL);
	if (rc == ERR_OK)
		rc = fd_write_all(fd, m->v, m->n * sizeof *m->v, NULL);
	if (rc != ERR_OK || fsync(fd) < 0 || rename(tmp, m->file) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", m->file);
	if (fd >= 0)
		close(fd);
	if (rc == ERR_OK)
		rc = path_sync_dir_of(m->file, e);
	else
		unlink(tmp);
	free(tmp);
	return rc;
}

/* The entries of these UIDs and those from index `from` on. */
static bool
save_parts(struct map *m, int fd, const struct uidset *uids, size_t from)
{
	bool is_good = true;

	for (uint32_t uid = 0; is_good && (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *v = map_find(m, uid);
		if (v)
			is_good = write_at(fd, v, sizeof *v,
				sizeof(struct disk_header) + (uint64_t)(v - m->v) * sizeof *v);
	}
	return is_good && write_at(fd, m->v + from, (m->n - from) * sizeof *m->v,
		sizeof(struct disk_header) + from * sizeof *m->v);
}

enum err
map_save_changed(struct map *m, const struct uidset *uids, size_t from, struct error *e)
{
	struct disk_header old;
	int fd = open(m->file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool is_same = read_header(fd, &old) && old.generation == m->generation &&
		old.uidvalidity == m->uidvalidity;
	enum err rc = ERR_OK;

	if (is_same) {
		m->generation++;
		struct disk_header h = header_of(m);
		if (!save_parts(m, fd, uids, from) || fdatasync(fd) < 0 ||
		    !write_at(fd, &h, sizeof h, 0))
			rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", m->file);
	}
	if (fd >= 0)
		close(fd);
	return is_same ? rc : map_save_whole(m, e);
}

/* ---- loading ---- */

static void
take_header(struct map *m, const struct disk_header *h)
{
	m->stamp = h->stamp;
	m->uidvalidity = h->uidvalidity;
	m->uidnext = h->uidnext;
	m->n_unread = h->n_unread;
	m->generation = m->since = h->generation;
}

/* Its head, if it is true for the mbox as it is. */
static bool
read_true_header(struct disk_header *h, const char *file, const char *mbox_path)
{
	struct mbox_stamp now;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_true = read_header(fd, h) && mbox_stamp(&now, mbox_path, NULL) == ERR_OK &&
		mbox_stamp_is_same(&now, &h->stamp);

	if (fd >= 0)
		close(fd);
	return is_true;
}

static struct map_counts
counts_of(const struct disk_header *h)
{
	return (struct map_counts){ h->uidvalidity, h->uidnext, (uint32_t)h->n, h->n_unread,
		h->generation };
}

bool
map_counts(struct map_counts *out, const char *mbox_path, const struct maps *maps)
{
	struct disk_header h;
	char *file = file_of(mbox_path, maps);
	bool is_true = read_true_header(&h, file, mbox_path);

	if (is_true)
		*out = counts_of(&h);
	free(file);
	return is_true;
}

bool
map_peek(struct map *m, struct map_counts *out)
{
	struct disk_header h;

	if (!read_true_header(&h, m->file, m->path))
		return false;
	*out = counts_of(&h);
	take_header(m, &h);
	m->is_current = true;
	return true;
}

static bool
is_sane(const struct disk_header *h, const struct map_entry *v)
{
	for (size_t i = 0; i < h->n; i++) {
		if (v[i].uid == 0 || v[i].uid >= h->uidnext || (i && v[i].uid <= v[i - 1].uid))
			return false;
	}
	return true;
}

void
map_count_unread(struct map *m)
{
	m->n_unread = 0;
	for (size_t i = 0; i < m->n; i++)
		m->n_unread += !(m->v[i].flags & MSG_SEEN);
}

void
map_distrust(struct map *m)
{
	m->stamp = (struct mbox_stamp){ .mtime_ns = -1 };	/* no file's */
	m->is_current = false;
}

void
map_told(struct map *m)
{
	uidset_clear(&m->changed);
	uidset_clear(&m->gone);
	m->since = m->generation;
	m->has_news = false;
}

static void
take(struct map *m, const struct disk_header *h, struct map_entry *v)
{
	free(m->v);
	m->v = v;
	m->n = m->cap = (size_t)h->n;
	take_header(m, h);
	m->is_loaded = true;
	map_count_unread(m);
	map_told(m);
}

/* Absent or damaged, it is begun anew: then it is another mailbox (UIDVALIDITY). */
static void
begin_anew(struct map *m)
{
	uint64_t now = (uint64_t)time(NULL);

	m->is_loaded = true;
	m->uidnext = 1;
	m->uidvalidity = (uint32_t)((now ^ hash_string(m->file) >> 33) & INT32_MAX);
	m->uidvalidity += m->uidvalidity == 0;
}

void
map_read(struct map *m)
{
	struct disk_header h;
	int fd = open(m->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_there = read_header(fd, &h);

	if (is_there && !(m->is_loaded && h.generation == m->generation &&
	    h.uidvalidity == m->uidvalidity)) {
		size_t n = (size_t)h.n;
		struct map_entry *v = xmalloc(n * sizeof *v + 1);
		if (read_all(fd, v, n * sizeof *v, sizeof h) && is_sane(&h, v)) {
			take(m, &h, v);
		} else {
			log_msg("map of %s is damaged: begun anew", m->path);
			free(v);
		}
	}
	if (fd >= 0)
		close(fd);
	if (m->is_loaded)
		return;
	/* On disk at once: another process must not give it another UIDVALIDITY. */
	begin_anew(m);
	if (map_save_whole(m, NULL) != ERR_OK)
		log_msg("cannot keep a map of %s", m->path);
	map_told(m);
}

enum err
map_load(struct map *m, struct error *e)
{
	struct mbox_stamp now;
	enum err rc = maps_enter(m->maps, e);

	if (rc != ERR_OK)
		return rc;
	map_read(m);
	maps_leave(m->maps);
	rc = mbox_stamp(&now, m->path, e);
	m->is_current = rc == ERR_OK && mbox_stamp_is_same(&now, &m->stamp);
	return rc;
}
