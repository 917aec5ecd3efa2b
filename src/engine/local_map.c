/* local_map.c - see local_map.h.
 *
 * Another program may have appended, deleted, sorted or changed flags. Appended: the last
 * message we know is still where it was, and the scan begins there. Anything else: all is scanned,
 * and each message found takes the UID of the known one with its hash, in file order; what has none is new.
 * So a flag that mutt set costs a scan, never an identity. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "local_map.h"
#include "log.h"
#include "path.h"
#include "str.h"

static const char magic[8] = "DLMAP1\n";

struct disk_header {
	char magic[8];
	struct mbox_stamp stamp;
	uint32_t uidvalidity, uidnext;
	uint64_t n;
};

static uint64_t
name_hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

void
map_init(struct map *m, const char *mbox_path, const char *map_dir)
{
	char real[PATH_MAX];
	const char *known_as = realpath(mbox_path, real) ? real : mbox_path;

	*m = (struct map){ .path = xstrdup(mbox_path) };
	m->file = xasprintf("%s/%016llx.map", map_dir, (unsigned long long)name_hash(known_as));
}

void
map_clear(struct map *m)
{
	free(m->path);
	free(m->file);
	free(m->v);
	*m = (struct map){0};
}

uint32_t
map_first_uid(uint64_t pos, uint64_t file_size)
{
	int shift = 4;			/* no message is shorter than 16 bytes */

	while (file_size >> shift > INT32_MAX)
		shift++;
	return (uint32_t)(pos >> shift) + 1;
}

const struct map_entry *
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

/* ---- on disk ---- */

static bool
is_sane(const struct disk_header *h, const struct map_entry *v, size_t len)
{
	if (memcmp(h->magic, magic, sizeof magic) != 0 || h->uidvalidity == 0 ||
	    h->n != (len - sizeof *h) / sizeof *v || (len - sizeof *h) % sizeof *v)
		return false;
	for (size_t i = 0; i < h->n; i++) {
		if (v[i].uid == 0 || v[i].uid >= h->uidnext || (i && v[i].uid <= v[i - 1].uid))
			return false;
	}
	return true;
}

enum err
map_load(struct map *m, struct error *e)
{
	struct mbox_stamp now;
	struct disk_header h;
	char *bytes;
	size_t len;
	enum err rc = mbox_stamp(&now, m->path, e);

	if (rc != ERR_OK || m->is_loaded)
		return rc;
	m->is_loaded = true;
	m->uidnext = 1;
	/* Absent or damaged, it is begun anew: then it is another mailbox (UIDVALIDITY). */
	m->uidvalidity = (uint32_t)time(NULL) & INT32_MAX;
	if (file_read(&bytes, &len, m->file, (size_t)1 << 32, NULL) != ERR_OK)
		return ERR_OK;
	if (len >= sizeof h) {
		memcpy(&h, bytes, sizeof h);
		struct map_entry *v = xmemdup(bytes + sizeof h, len - sizeof h);
		if (is_sane(&h, v, len)) {
			m->v = v;
			m->n = m->cap = (size_t)h.n;
			m->stamp = h.stamp;
			m->uidvalidity = h.uidvalidity;
			m->uidnext = h.uidnext;
			m->is_current = memcmp(&now, &h.stamp, sizeof now) == 0;
		} else {
			log_msg("map of %s is damaged: begun anew", m->path);
			free(v);
		}
	}
	free(bytes);
	return ERR_OK;
}

static enum err
save(const struct map *m, struct error *e)
{
	struct disk_header h = { .stamp = m->stamp, .uidvalidity = m->uidvalidity,
		.uidnext = m->uidnext, .n = m->n };
	struct str s = {0};

	memcpy(h.magic, magic, sizeof magic);
	str_add(&s, &h, sizeof h);
	str_add(&s, m->v, m->n * sizeof m->v[0]);
	enum err rc = file_write_atomic(m->file, str_get(&s), s.len, e);
	str_clear(&s);
	return rc;
}

/* ---- bringing it up to date ---- */

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

static void
sort(struct map_entry *v, size_t n, int (*order)(const void *, const void *))
{
	if (n > 0)
		qsort(v, n, sizeof *v, order);
}

/* The first of the entries with that hash that is not taken (uid 0). */
static struct map_entry *
first_with_hash(struct map_entry *v, size_t n, uint64_t hash)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < n && v[lo].hash == hash && v[lo].uid == 0)
		lo++;
	return lo < n && v[lo].hash == hash ? &v[lo] : NULL;
}

/* Gives what was found the UIDs of what was known; both may hold a hash several times. */
static void
match(struct map *m, struct fresh *f, uint64_t file_size)
{
	struct map_entry *old = xmemdup(m->v, m->n * sizeof *old);
	bool is_first = m->n == 0 && m->uidnext == 1;

	sort(old, m->n, by_hash_then_uid);
	for (size_t i = 0; i < f->n; i++) {
		struct map_entry *k = first_with_hash(old, m->n, f->v[i].hash);
		if (k) {
			f->v[i].uid = k->uid;
			k->uid = 0;
		} else if (is_first) {
			f->v[i].uid = map_first_uid(f->v[i].pos, file_size);
		} else {
			f->v[i].uid = m->uidnext++;
		}
		if (f->v[i].uid >= m->uidnext)
			m->uidnext = f->v[i].uid + 1;
	}
	free(old);
	sort(f->v, f->n, by_uid);
}

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

/* True when the file only grew: the tail, scanned from the last message known, begins with it. */
static bool
try_tail(struct map *m, const struct mbox_stamp *now, const struct cancel *cancel)
{
	const struct map_entry *last = last_by_position(m);
	struct fresh f = {0};
	bool grew = false;

	if (last && now->inode == m->stamp.inode && now->size_bytes > m->stamp.size_bytes &&
	    mbox_scan(m->path, last->pos, collect, &f, cancel, NULL) == ERR_OK &&
	    f.n > 0 && f.v[0].hash == last->hash && f.v[0].flags == last->flags) {
		for (size_t i = 1; i < f.n; i++) {
			m->v = array_grow(m->v, m->n, &m->cap, sizeof m->v[0]);
			f.v[i].uid = m->uidnext++;
			m->v[m->n++] = f.v[i];
		}
		grew = true;
	}
	free(f.v);
	return grew;
}

enum err
map_update(struct map *m, const struct cancel *cancel, struct error *e)
{
	struct mbox_stamp now;
	struct fresh f = {0};
	enum err rc = map_load(m, e);

	if (rc == ERR_OK)
		rc = mbox_stamp(&now, m->path, e);
	if (rc != ERR_OK)
		return rc;
	if (m->is_current && memcmp(&now, &m->stamp, sizeof now) == 0)
		return ERR_OK;
	if (!try_tail(m, &now, cancel)) {
		rc = mbox_scan(m->path, 0, collect, &f, cancel, e);
		if (rc != ERR_OK) {
			free(f.v);
			return rc;
		}
		match(m, &f, now.size_bytes);
		free(m->v);
		m->v = f.v;
		m->n = f.n;
		m->cap = f.cap;
	}
	m->stamp = now;
	m->is_current = true;
	return save(m, e);
}
