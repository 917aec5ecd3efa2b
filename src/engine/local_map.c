/* local_map.c - see local_map.h.
 *
 * Another program may have appended, deleted, sorted or changed flags. Appended: the newest
 * messages we know are still where they were, and the scan begins at the last of them. Anything else: all
 * is scanned, and each message found takes the UID of the known one with its hash, in file order; what has none
 * is new. So a flag that mutt set costs a scan, never an identity.
 *
 * On disk: a header, then the entries. Entries are on disk before the header that tells of them, so a crash
 * leaves the old header, whose stamp is not the mbox's any more, and the mbox is looked at again. */
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

#include "local_map.h"
#include "log.h"
#include "path.h"
#include "str.h"

static const char magic[8] = "DLMAP2\n";

struct disk_header {
	char magic[8];
	struct mbox_stamp stamp;
	uint32_t uidvalidity, uidnext;
	uint64_t n, generation;
	uint32_t n_unread, spare;
};

enum { LOCK_STEP_MS = 10, LOCK_WAIT_MS = 60 * 1000, RECENT = 200 };

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
			return error_set(e, ERR_FOLDER, "another dunlin is busy with these mailboxes");
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

static uint64_t
name_hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

static char *
file_of(const char *mbox_path, const struct maps *maps)
{
	char real[PATH_MAX];
	const char *known_as = realpath(mbox_path, real) ? real : mbox_path;

	return xasprintf("%s/%016llx.map", maps->dir, (unsigned long long)name_hash(known_as));
}

void
map_init(struct map *m, const char *mbox_path, struct maps *maps)
{
	*m = (struct map){ .maps = maps, .path = xstrdup(mbox_path), .file = file_of(mbox_path, maps) };
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

static bool
read_header(int fd, struct disk_header *h)
{
	struct stat st;

	return fd >= 0 && read_all(fd, h, sizeof *h, 0) && fstat(fd, &st) == 0 &&
		memcmp(h->magic, magic, sizeof magic) == 0 && h->uidvalidity != 0 &&
		h->n <= (uint64_t)st.st_size / sizeof(struct map_entry) &&
		sizeof *h + h->n * sizeof(struct map_entry) <= (uint64_t)st.st_size;
}

/* ---- writing ---- */

static struct disk_header
header_of(const struct map *m)
{
	struct disk_header h = { .stamp = m->stamp, .uidvalidity = m->uidvalidity,
		.uidnext = m->uidnext, .n = m->n, .generation = m->generation, .n_unread = m->n_unread };

	memcpy(h.magic, magic, sizeof magic);
	return h;
}

static bool
write_at(int fd, const void *p, size_t n, uint64_t at)
{
	return n == 0 || pwrite(fd, p, n, (off_t)at) == (ssize_t)n;
}

/* Through a new file; without a second copy in memory, which would be large. */
static enum err
save_whole(struct map *m, struct error *e)
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

static enum err
save_changed(struct map *m, const struct uidset *uids, size_t from, struct error *e)
{
	struct disk_header old;
	int fd = open(m->file, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool is_same = read_header(fd, &old) && old.generation == m->generation &&
		old.uidvalidity == m->uidvalidity;
	enum err rc = ERR_OK;

	if (is_same) {
		m->generation++;
		struct disk_header h = header_of(m);
		if (!save_parts(m, fd, uids, from) || fdatasync(fd) < 0 || !write_at(fd, &h, sizeof h, 0))
			rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", m->file);
	}
	if (fd >= 0)
		close(fd);
	return is_same ? rc : save_whole(m, e);
}

/* ---- loading ---- */

bool
map_counts(struct map_counts *out, const char *mbox_path, const struct maps *maps)
{
	struct disk_header h;
	struct mbox_stamp now;
	char *file = file_of(mbox_path, maps);
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_true = read_header(fd, &h) && mbox_stamp(&now, mbox_path, NULL) == ERR_OK &&
		mbox_stamp_is_same(&now, &h.stamp);

	if (is_true)
		*out = (struct map_counts){ h.uidvalidity, h.uidnext, (uint32_t)h.n, h.n_unread,
			h.generation };
	if (fd >= 0)
		close(fd);
	free(file);
	return is_true;
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

static void
count_unread(struct map *m)
{
	m->n_unread = 0;
	for (size_t i = 0; i < m->n; i++)
		m->n_unread += !(m->v[i].flags & MSG_SEEN);
}

static void
forget_changes(struct map *m)
{
	uidset_clear(&m->changed);
	uidset_clear(&m->gone);
	m->since = m->generation;
}

void
map_told(struct map *m)
{
	forget_changes(m);
}

static void
take(struct map *m, const struct disk_header *h, struct map_entry *v)
{
	free(m->v);
	m->v = v;
	m->n = m->cap = (size_t)h->n;
	m->stamp = h->stamp;
	m->uidvalidity = h->uidvalidity;
	m->uidnext = h->uidnext;
	m->generation = h->generation;
	m->is_loaded = true;
	count_unread(m);
	forget_changes(m);
}

/* Absent or damaged, it is begun anew: then it is another mailbox (UIDVALIDITY). */
static void
begin_anew(struct map *m)
{
	uint64_t now = (uint64_t)time(NULL);

	m->is_loaded = true;
	m->uidnext = 1;
	m->uidvalidity = (uint32_t)((now ^ name_hash(m->file) >> 33) & INT32_MAX);
	m->uidvalidity += m->uidvalidity == 0;
}

static void
load(struct map *m)
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
	if (save_whole(m, NULL) != ERR_OK)
		log_msg("cannot keep a map of %s", m->path);
	forget_changes(m);
}

enum err
map_load(struct map *m, struct error *e)
{
	struct mbox_stamp now;
	enum err rc = maps_enter(m->maps, e);

	if (rc != ERR_OK)
		return rc;
	load(m);
	maps_leave(m->maps);
	rc = mbox_stamp(&now, m->path, e);
	m->is_current = rc == ERR_OK && mbox_stamp_is_same(&now, &m->stamp);
	return rc;
}

/* ---- matching ---- */

struct fresh {
	struct map_entry *v;
	size_t n, cap;
};

static bool
collect(void *ctx, const struct mbox_msg *msg, const char *head, size_t n_head)
{
	struct fresh *f = ctx;

	(void)head;
	(void)n_head;
	f->v = array_grow(f->v, f->n, &f->cap, sizeof f->v[0]);
	f->v[f->n++] = (struct map_entry){ .pos = msg->from_pos, .hash = msg->hash,
		.flags = msg->flags };
	return true;
}

static int
by_hash_then_uid(const void *a, const void *b)
{
	const struct map_entry *x = a, *y = b;

	return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash)
		: (x->uid > y->uid) - (x->uid < y->uid);
}

static int
by_uid(const void *a, const void *b)
{
	const struct map_entry *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

/* Sorting takes memory: not when it is sorted. */
static void
sort(struct map_entry *v, size_t n, int (*order)(const void *, const void *))
{
	bool is_sorted = true;

	for (size_t i = 1; i < n && is_sorted; i++)
		is_sorted = order(&v[i - 1], &v[i]) <= 0;
	if (!is_sorted)
		qsort(v, n, sizeof *v, order);
}

/* The first of the entries with that hash that is not taken (uid 0): those that are stand before. */
static struct map_entry *
first_with_hash(struct map_entry *v, size_t n, uint64_t hash)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v[mid].hash < hash || (v[mid].hash == hash && v[mid].uid == 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo].hash == hash ? &v[lo] : NULL;
}

/* Gives what was found the UIDs of what was known; both may hold a hash several times. What is
 * left in m->v with a UID is gone. */
static void
match(struct map *m, struct fresh *f, uint64_t file_size)
{
	bool is_first = m->n == 0 && m->uidnext == 1;

	sort(m->v, m->n, by_hash_then_uid);
	for (size_t i = 0; i < f->n; i++) {
		struct map_entry *k = first_with_hash(m->v, m->n, f->v[i].hash);
		if (k) {
			if (k->flags != f->v[i].flags)
				uidset_add(&m->changed, k->uid);
			f->v[i].uid = k->uid;
			k->uid = 0;
			continue;
		}
		f->v[i].uid = is_first ? map_first_uid(f->v[i].pos, file_size) : m->uidnext;
		if (f->v[i].uid >= m->uidnext)
			m->uidnext = f->v[i].uid + 1;
		if (!is_first)
			uidset_add(&m->changed, f->v[i].uid);
	}
	sort(m->v, m->n, by_uid);		/* a set is filled fast only upwards */
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].uid)
			uidset_add(&m->gone, m->v[i].uid);
	}
	sort(f->v, f->n, by_uid);
}

/* ---- what was only appended ---- */

static const struct map_entry *
last_by_position(const struct map *m)
{
	const struct map_entry *last = NULL;

	for (size_t i = 0; i < m->n; i++) {
		if (!last || m->v[i].pos > last->pos)
			last = &m->v[i];
	}
	return last;
}

struct recheck {
	struct map *m;
	size_t i, n_same;
};

static bool
recheck_visit(void *ctx, const struct mbox_msg *msg, const char *head, size_t n_head)
{
	struct recheck *r = ctx;
	struct map_entry *v = &r->m->v[r->i++];

	(void)head;
	(void)n_head;
	if (v->pos != msg->from_pos || v->hash != msg->hash)
		return false;
	if (v->flags != msg->flags)
		uidset_add(&r->m->changed, v->uid);
	v->flags = msg->flags;
	r->n_same++;
	return true;
}

/* The newest are where they were? Their flags are taken in: whoever appended may have marked, too. */
static bool
is_as_it_was(struct map *m)
{
	uint64_t pos[RECENT];
	size_t from = m->n > RECENT ? m->n - RECENT : 0;
	struct recheck r = { .m = m, .i = from };

	for (size_t i = from; i < m->n; i++)
		pos[i - from] = m->v[i].pos;
	return mbox_heads(m->path, pos, m->n - from, recheck_visit, &r, m->maps->cancel, NULL) == ERR_OK &&
		r.n_same == m->n - from;
}

/* True when the file only grew: the tail, scanned from the last message known, begins with it. */
static bool
try_tail(struct map *m, const struct mbox_stamp *now)
{
	const struct map_entry *last = last_by_position(m);
	struct fresh f = {0};
	bool grew = false;

	if (last && now->inode == m->stamp.inode && now->size_bytes > m->stamp.size_bytes &&
	    is_as_it_was(m) &&
	    mbox_scan(m->path, last->pos, collect, &f, m->maps->cancel, NULL) == ERR_OK &&
	    f.n > 0 && f.v[0].hash == last->hash) {
		for (size_t i = 1; i < f.n; i++) {
			m->v = array_grow(m->v, m->n, &m->cap, sizeof m->v[0]);
			f.v[i].uid = m->uidnext++;
			uidset_add(&m->changed, f.v[i].uid);
			m->v[m->n++] = f.v[i];
		}
		grew = true;
	}
	free(f.v);
	return grew;
}

static enum err
scan_all(struct map *m, const struct mbox_stamp *now, struct error *e)
{
	struct fresh f = {0};
	enum err rc = mbox_scan(m->path, 0, collect, &f, m->maps->cancel, e);

	if (rc != ERR_OK) {
		free(f.v);
		return rc;
	}
	match(m, &f, now->size_bytes);
	free(m->v);
	m->v = f.v;
	m->n = f.n;
	m->cap = f.cap;
	return ERR_OK;
}

static enum err
update(struct map *m, struct error *e)
{
	struct mbox_stamp now;
	size_t n_before;

	load(m);
	enum err rc = mbox_stamp(&now, m->path, e);
	m->is_current = rc == ERR_OK && mbox_stamp_is_same(&now, &m->stamp);
	if (rc != ERR_OK || m->is_current)
		return rc;
	rc = mbox_stamp_settled(&now, m->path, e);
	n_before = m->n;
	bool is_first = m->n == 0 && m->uidnext == 1;
	bool is_tail = rc == ERR_OK && try_tail(m, &now);
	if (rc == ERR_OK && !is_tail)
		rc = scan_all(m, &now, e);
	if (rc != ERR_OK)
		return rc;
	m->stamp = now;
	m->is_current = true;
	count_unread(m);
	rc = is_tail ? save_changed(m, &m->changed, n_before, e) : save_whole(m, e);
	if (is_first)
		forget_changes(m);
	return rc;
}

enum err
map_update(struct map *m, struct error *e)
{
	enum err rc = maps_enter(m->maps, e);

	if (rc == ERR_OK) {
		rc = update(m, e);
		maps_leave(m->maps);
	}
	return rc;
}

/* ---- our own changes ---- */

static bool
is_known(const struct mbox_stamp *stamp)
{
	return stamp->inode != 0;
}

enum err
map_marked(struct map *m, const struct uidset *uids, const uint32_t *flags,
	const struct mbox_stamp *stamp, struct error *e)
{
	size_t i = 0;

	if (!is_known(stamp))
		return map_update(m, e);
	for (uint32_t uid = 0; (uid = uidset_next(uids, uid)) != 0; i++) {
		struct map_entry *v = map_find(m, uid);
		m->n_unread += !(flags[i] & MSG_SEEN);
		m->n_unread -= !(v->flags & MSG_SEEN);
		v->flags = flags[i];
		uidset_add(&m->changed, uid);
	}
	m->stamp = *stamp;
	return save_changed(m, uids, m->n, e);
}

/* The others moved up by what was taken out before them. False: they do not stand in the file as
 * their UIDs ascend, or something does not add up. */
static bool
close_gaps(struct map *m, const struct uidset *uids, const struct mbox_stamp *stamp)
{
	uint64_t shift = 0;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		uint64_t next = i + 1 < m->n ? m->v[i + 1].pos : m->stamp.size_bytes;
		if (next < m->v[i].pos)
			return false;
		if (uidset_has(uids, m->v[i].uid))
			shift += next - m->v[i].pos;
	}
	if (m->stamp.size_bytes - shift != stamp->size_bytes)
		return false;
	shift = 0;
	for (size_t i = 0; i < m->n; i++) {
		uint64_t next = i + 1 < m->n ? m->v[i + 1].pos : m->stamp.size_bytes;
		if (uidset_has(uids, m->v[i].uid)) {
			shift += next - m->v[i].pos;
			uidset_add(&m->gone, m->v[i].uid);
		} else {
			m->v[n] = m->v[i];
			m->v[n++].pos -= shift;
		}
	}
	m->n = n;
	return true;
}

enum err
map_removed(struct map *m, const struct uidset *uids, const struct mbox_stamp *stamp, struct error *e)
{
	if (!is_known(stamp) || !close_gaps(m, uids, stamp))
		return map_update(m, e);
	m->stamp = *stamp;
	count_unread(m);
	return save_whole(m, e);
}
