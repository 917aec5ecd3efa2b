/* local_move.c - append, fsync, then remove.
 *
 * The journal names the two files, the size of the destination before, and the hashes of
 * the messages; it is on disk before the first byte is appended and gone after the last
 * removal. At the next connect, every message of it that stands in the destination behind that size is
 * removed from the source; those that never arrived stay where they are, and their intent
 * moves them again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local_move.h"
#include "path.h"
#include "str.h"

enum { MAX_JOURNAL_BYTES = 64 << 20 };

static int
by_pos(const void *a, const void *b)
{
	const struct mbox_change *x = a, *y = b;

	return (x->from_pos > y->from_pos) - (x->from_pos < y->from_pos);
}

void
local_sort_changes(struct mbox_change *c, size_t n)
{
	if (n > 0)
		qsort(c, n, sizeof *c, by_pos);
}

/* ---- one message through a temporary file: it may be as large as the disk allows ---- */

static enum err
to_file(void *ctx, const void *p, size_t n, struct error *e)
{
	return fd_write_all(*(int *)ctx, p, n, e);
}

static enum err
from_file(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	ssize_t got;

	do {
		got = read(*(int *)ctx, buf, size);
	} while (got < 0 && errno == EINTR);
	*n = got < 0 ? 0 : (size_t)got;
	return got < 0 ? error_errno(e, ERR_LOCAL, "cannot read") : ERR_OK;
}

static enum err
copy_one(const struct map *m, const struct map_entry *msg, const char *to, const char *tmp_dir,
	uint64_t *pos, struct error *e)
{
	struct mbox_msg info;
	int fd = open(tmp_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	struct mbox_source src = { &fd, from_file };

	if (fd < 0)
		return error_errno(e, ERR_LOCAL, "cannot make a temporary file");
	enum err rc = mbox_peek(m->path, msg->pos, &info, e);
	if (rc == ERR_OK)
		rc = mbox_read(m->path, msg->pos, msg->hash, to_file, &fd, e);
	if (rc == ERR_OK && lseek(fd, 0, SEEK_SET) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot read");
	if (rc == ERR_OK)
		rc = mbox_append(to, &src, msg->flags, info.arrived, pos, e);
	close(fd);
	return rc;
}

/* ---- the journal ---- */

static char *
journal_path(const char *map_dir)
{
	return path_join(map_dir, "move.journal");
}

static enum err
journal_write(const char *map_dir, const struct map *m, const struct uidset *uids, const char *to,
	struct error *e)
{
	struct mbox_stamp before;
	struct str s = {0};
	char *path = journal_path(map_dir);
	enum err rc = mbox_stamp(&before, to, e);

	str_printf(&s, "%s\n%s\n%llu\n", m->path, to, (unsigned long long)before.size_bytes);
	for (uint32_t uid = 0; (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *msg = map_find(m, uid);
		if (msg)
			str_printf(&s, "%016llx\n", (unsigned long long)msg->hash);
	}
	if (rc == ERR_OK)
		rc = file_write_atomic(path, str_get(&s), s.len, e);
	str_clear(&s);
	free(path);
	return rc;
}

static enum err
journal_remove(const char *map_dir, struct error *e)
{
	char *path = journal_path(map_dir);
	enum err rc = unlink(path) < 0 && errno != ENOENT
		? error_errno(e, ERR_LOCAL, "cannot remove '%s'", path) : ERR_OK;

	free(path);
	return rc;
}

/* ---- moving ---- */

static enum err
remove_all(const char *path, struct mbox_change *c, size_t n, struct error *e)
{
	bool was_rewritten;

	local_sort_changes(c, n);
	return n > 0 ? mbox_change(path, c, n, &was_rewritten, e) : ERR_OK;
}

enum err
local_uid_at(const char *path, const char *map_dir, uint64_t pos, uint32_t *uid,
	const struct cancel *cancel, struct error *e)
{
	struct map m;

	map_init(&m, path, map_dir);
	enum err rc = map_update(&m, cancel, e);
	*uid = 0;
	for (size_t i = m.n; i-- > 0 && rc == ERR_OK && *uid == 0;)
		*uid = m.v[i].pos == pos ? m.v[i].uid : 0;
	map_clear(&m);
	return rc;
}

/* Turns the positions noted in map->to into UIDs of the destination. */
static enum err
positions_to_uids(struct uid_map *map, const uint64_t *pos, const char *to, const char *map_dir,
	const struct cancel *cancel, struct error *e)
{
	struct map m;
	size_t k = 0;

	map_init(&m, to, map_dir);
	enum err rc = map_update(&m, cancel, e);
	/* Both ascend: what was appended one after another got UIDs one after another. */
	for (size_t i = 0; rc == ERR_OK && i < m.n && k < map->n; i++) {
		if (m.v[i].pos == pos[k])
			map->to[k++] = m.v[i].uid;
	}
	map->n = k;
	map_clear(&m);
	return rc;
}

enum err
local_transfer(struct map *m, const struct uidset *uids, const char *to, const char *map_dir,
	bool is_move, struct uid_map *map, const struct cancel *cancel, struct error *e)
{
	size_t cap = (size_t)uidset_count(uids) < m->n ? (size_t)uidset_count(uids) : m->n;
	struct mbox_change *done = xcalloc(cap, sizeof *done);
	uint64_t *pos = xcalloc(cap, sizeof *pos);
	size_t n = 0;
	enum err rc = is_move ? journal_write(map_dir, m, uids, to, e) : ERR_OK;

	*map = (struct uid_map){ .from = xcalloc(cap, sizeof *map->from),
		.to = xcalloc(cap, sizeof *map->to) };
	for (uint32_t uid = 0; rc == ERR_OK && n < cap && (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *msg = map_find(m, uid);
		if (!msg)
			continue;
		rc = copy_one(m, msg, to, map_dir, &pos[n], e);
		if (rc == ERR_OK) {
			map->from[n] = uid;
			done[n++] = (struct mbox_change){ msg->pos, msg->hash, 0, true };
		}
	}
	map->n = n;
	enum err copied = rc;
	if (is_move && n > 0)
		rc = remove_all(m->path, done, n, e);
	if (is_move && rc == ERR_OK)
		rc = journal_remove(map_dir, e);
	if (rc == ERR_OK)
		rc = positions_to_uids(map, pos, to, map_dir, cancel, e);
	if (rc == ERR_OK)
		rc = map_update(m, cancel, e);
	free(done);
	free(pos);
	return copied != ERR_OK ? copied : rc;
}

/* ---- finishing ---- */

/* What a message holds, whatever line ends follow its last line: append adds one where the
 * source has none. */
struct content {
	uint64_t hash, n_newlines;
};

static enum err
add_content(void *ctx, const void *p, size_t n, struct error *e)
{
	struct content *c = ctx;
	const unsigned char *bytes = p;

	(void)e;
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\r')
			continue;
		if (bytes[i] == '\n') {
			c->n_newlines++;
			continue;
		}
		c->hash = (c->hash ^ c->n_newlines) * 0x100000001b3u;
		c->hash = (c->hash ^ bytes[i]) * 0x100000001b3u;
		c->n_newlines = 0;
	}
	return ERR_OK;
}

static bool
is_same_content(const char *a, uint64_t a_pos, const char *b, uint64_t b_pos, uint64_t hash)
{
	struct content x = { .hash = 1 }, y = { .hash = 1 };

	return mbox_read(a, a_pos, hash, add_content, &x, NULL) == ERR_OK &&
		mbox_read(b, b_pos, hash, add_content, &y, NULL) == ERR_OK && x.hash == y.hash;
}

struct journal {
	char *from, *to;
	uint64_t old_size;		/* of the destination, before */
	uint64_t *hashes;		/* ascending */
	size_t n, cap;
};

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool
is_of_journal(const struct journal *j, uint64_t hash)
{
	return j->n > 0 && bsearch(&hash, j->hashes, j->n, sizeof hash, by_value);
}

struct found {
	struct mbox_change *v;
	size_t n, cap;
	const struct journal *wanted;	/* NULL: all */
};

static bool
collect(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct found *f = ctx;

	(void)head;
	(void)n_head;
	if (!f->wanted || is_of_journal(f->wanted, m->hash)) {
		f->v = array_grow(f->v, f->n, &f->cap, sizeof *f->v);
		f->v[f->n++] = (struct mbox_change){ .from_pos = m->from_pos, .hash = m->hash };
	}
	return true;
}

/* A message of the destination: marks the one of the source that it is a whole copy of. */
static bool
mark_arrived(const struct journal *j, struct found *source, const struct mbox_change *there)
{
	for (size_t i = 0; i < source->n; i++) {
		struct mbox_change *c = &source->v[i];
		if (!c->remove && c->hash == there->hash &&
		    is_same_content(j->from, c->from_pos, j->to, there->from_pos, c->hash)) {
			c->remove = true;
			return true;
		}
	}
	return false;
}

/* The last message of the destination was being written when we died: away with it. */
static enum err
cut_back(const char *path, uint64_t pos, struct error *e)
{
	return truncate(path, (off_t)pos) < 0
		? error_errno(e, ERR_LOCAL, "cannot cut back '%s'", path) : ERR_OK;
}

/* Append puts up to two line ends before its From_ line. */
static uint64_t
skip_newlines(const char *path, uint64_t pos)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c;

	while (fd >= 0 && pread(fd, &c, 1, (off_t)pos) == 1 && c == '\n')
		pos++;
	if (fd >= 0)
		close(fd);
	return pos;
}

static enum err
finish(const struct journal *j, struct error *e)
{
	struct found source = { .wanted = j }, there = {0};
	struct mbox_stamp now;
	enum err rc = mbox_stamp(&now, j->to, e);

	if (rc == ERR_OK && now.size_bytes > j->old_size) {
		uint64_t from = skip_newlines(j->to, j->old_size);
		/* Not even a From_ line: nothing but a torn beginning. */
		if (mbox_scan(j->to, from, collect, &there, NULL, NULL) != ERR_OK)
			rc = cut_back(j->to, j->old_size, e);
	}
	if (rc == ERR_OK && there.n > 0)
		rc = mbox_scan(j->from, 0, collect, &source, NULL, e);
	for (size_t i = 0; rc == ERR_OK && i < there.n; i++) {
		if (!mark_arrived(j, &source, &there.v[i]) && i + 1 == there.n &&
		    is_of_journal(j, there.v[i].hash))
			rc = cut_back(j->to, there.v[i].from_pos, e);
	}
	size_t n = 0;
	for (size_t i = 0; i < source.n; i++) {
		if (source.v[i].remove)
			source.v[n++] = source.v[i];
	}
	if (rc == ERR_OK)
		rc = remove_all(j->from, source.v, n, e);
	free(source.v);
	free(there.v);
	return rc;
}

static bool
journal_parse(struct journal *j, char *text)
{
	char *save;

	j->from = strtok_r(text, "\n", &save);
	j->to = strtok_r(NULL, "\n", &save);
	char *word = strtok_r(NULL, "\n", &save);
	if (!word)
		return false;
	j->old_size = strtoull(word, NULL, 10);
	while ((word = strtok_r(NULL, "\n", &save))) {
		j->hashes = array_grow(j->hashes, j->n, &j->cap, sizeof *j->hashes);
		j->hashes[j->n++] = strtoull(word, NULL, 16);
	}
	if (j->n > 0)
		qsort(j->hashes, j->n, sizeof *j->hashes, by_value);
	return true;
}

enum err
local_move_finish(const char *map_dir, struct error *e)
{
	struct journal j = {0};
	char *path = journal_path(map_dir), *text = NULL;
	size_t n;
	enum err rc = ERR_OK;

	if (access(path, F_OK) == 0 &&
	    (rc = file_read(&text, &n, path, MAX_JOURNAL_BYTES, e)) == ERR_OK) {
		if (journal_parse(&j, text))
			rc = finish(&j, e);
		if (rc == ERR_OK)
			rc = journal_remove(map_dir, e);
	}
	free(j.hashes);
	free(text);
	free(path);
	return rc;
}
