/* disk_replay.h - what a disk may hold after the power went.
 *
 * What disk.h recorded up to any point is laid out again in its directory: of each file, what
 * was written behind its last fsync in whole, in parts, or not at all; of each directory, the
 * names that were made, changed and taken away behind its last fsync, in their order up to
 * some point. An fsync of a file makes nothing of its name durable, as POSIX has it. */
#ifndef DUNLIN_DISK_REPLAY_H
#define DUNLIN_DISK_REPLAY_H

#include "disk.h"

/* What is left of that which no fsync made durable. */
enum disk_loss {
	DISK_KEEPS_ALL,			/* as after kill -9 */
	DISK_LOSES_ALL,
	DISK_KEEPS_DATA, DISK_KEEPS_NAMES,
	DISK_KEEPS_SIZES,		/* names and lengths, with zeros for content */
	DISK_TEARS_LAST,	/* all but the second half of the last write, by sectors */
	DISK_MIXES			/* by chance, from here on a seed each: even ones take
					 * sectors, odd ones the end */
};

/* ---- what is durable ---- */

struct disk_pending {
	size_t op;
	bool is_doomed;			/* an fsync failed on it */
};

struct disk_content {
	char *p;
	size_t n, cap;
	struct disk_pending *pending;
	size_t n_pending, cap_pending;
};

struct disk_name {
	const char *path;
	uint32_t file;
	bool is_dir;
};

struct disk_state {
	struct disk_content *files;
	struct disk_name *names;
	size_t n_names, cap_names;
	size_t *pending;		/* of names */
	size_t n_pending, cap_pending;
	size_t last_write;		/* + 1; 0: none is pending */
};

static void
disk_resize(struct disk_content *c, size_t n)
{
	while (c->cap < n) {
		c->cap = c->cap ? c->cap * 2 : 4096;
		c->p = xrealloc(c->p, c->cap);
	}
	if (n > c->n)
		memset(c->p + c->n, 0, n - c->n);
	c->n = n;
}

static void
disk_put(struct disk_content *c, const struct disk_op *op, size_t from, size_t n)
{
	if (n == 0)
		return;
	if (op->at + from + n > c->n)
		disk_resize(c, (size_t)op->at + from + n);
	memcpy(c->p + op->at + from, op->bytes + from, n);
}

static void
disk_apply(struct disk_content *c, const struct disk_pending *p)
{
	const struct disk_op *op = &disk.ops[p->op];

	if (op->kind == DISK_TRUNCATE)
		disk_resize(c, (size_t)op->at);
	else if (!p->is_doomed)
		disk_put(c, op, 0, op->n);
	else if (op->at + op->n > c->n)
		disk_resize(c, (size_t)op->at + op->n);
}

static void
disk_apply_all(struct disk_content *c)
{
	for (size_t i = 0; i < c->n_pending; i++)
		disk_apply(c, &c->pending[i]);
	c->n_pending = 0;
}

static size_t
disk_find(const struct disk_state *s, const char *path)
{
	size_t i = 0;

	while (i < s->n_names && strcmp(s->names[i].path, path) != 0)
		i++;
	return i;
}

static void
disk_forget(struct disk_state *s, const char *path)
{
	size_t i = disk_find(s, path);

	if (i < s->n_names)
		s->names[i] = s->names[--s->n_names];
}

static void
disk_apply_name(struct disk_state *s, const struct disk_op *op)
{
	struct disk_name name = { op->path, op->file, op->kind == DISK_MKDIR };

	if (op->kind == DISK_RENAME) {
		size_t i = disk_find(s, op->path);
		if (i == s->n_names)
			return;
		name = s->names[i];
		name.path = op->path2;
		disk_forget(s, op->path);
	}
	disk_forget(s, op->kind == DISK_RENAME ? op->path2 : op->path);
	if (op->kind == DISK_UNLINK)
		return;
	s->names = array_grow(s->names, s->n_names, &s->cap_names, sizeof *s->names);
	s->names[s->n_names++] = name;
}

static bool
disk_is_in(const char *path, const char *dir)
{
	const char *slash = strrchr(path, '/');

	return (size_t)(slash - path) == strlen(dir) && strncmp(path, dir, strlen(dir)) == 0;
}

/* NULL: all. */
static void
disk_sync_names(struct disk_state *s, const char *dir)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_pending; i++) {
		const struct disk_op *op = &disk.ops[s->pending[i]];
		if (!dir || disk_is_in(op->path, dir) ||
		    (op->path2 && disk_is_in(op->path2, dir)))
			disk_apply_name(s, op);
		else
			s->pending[n++] = s->pending[i];
	}
	s->n_pending = n;
}

static void
disk_reset(struct disk_state *s)
{
	for (uint32_t i = 0; s->files && i < DISK_FILES; i++) {
		free(s->files[i].p);
		free(s->files[i].pending);
	}
	free(s->files);
	free(s->names);
	free(s->pending);
	*s = (struct disk_state){ .files = xcalloc(DISK_FILES, sizeof *s->files) };
}

static void
disk_take(struct disk_state *s, size_t at)
{
	const struct disk_op *op = &disk.ops[at];
	struct disk_content *c = &s->files[op->file];

	switch (op->kind) {
	case DISK_RESET:
		disk_reset(s);
		break;
	case DISK_SYNC_ALL:
		for (uint32_t i = 0; i < DISK_FILES; i++)
			disk_apply_all(&s->files[i]);
		disk_sync_names(s, NULL);
		s->last_write = 0;
		break;
	case DISK_WRITE:
		s->last_write = at + 1;
		/* FALLTHROUGH */
	case DISK_TRUNCATE:
		c->pending = array_grow(c->pending, c->n_pending, &c->cap_pending,
			sizeof *c->pending);
		c->pending[c->n_pending++] = (struct disk_pending){ at, false };
		break;
	case DISK_SYNC:
		if (s->last_write && disk.ops[s->last_write - 1].file == op->file)
			s->last_write = 0;
		disk_apply_all(c);
		break;
	case DISK_SYNC_FAILED:
		for (size_t i = 0; i < c->n_pending; i++)
			c->pending[i].is_doomed = true;
		break;
	case DISK_SYNC_DIR:
		disk_sync_names(s, op->path);
		break;
	case DISK_MARK:
		break;
	default:
		s->pending = array_grow(s->pending, s->n_pending, &s->cap_pending,
			sizeof *s->pending);
		s->pending[s->n_pending++] = at;
	}
}

/* ---- what is left of the rest ---- */

static void
disk_mix_file(struct disk_content *c, bool is_prefix, unsigned *seed)
{
	size_t n = is_prefix ? (size_t)rand_r(seed) % (c->n_pending + 1) : c->n_pending;

	for (size_t i = 0; i < n; i++) {
		const struct disk_op *op = &disk.ops[c->pending[i].op];
		if (op->kind == DISK_TRUNCATE) {
			disk_resize(c, (size_t)op->at);
			continue;
		}
		for (size_t k = 0, step; k < op->n && !c->pending[i].is_doomed; k += step) {
			step = DISK_SECTOR - (op->at + k) % DISK_SECTOR;
			step = step < op->n - k ? step : op->n - k;
			if (is_prefix || rand_r(seed) % 2)
				disk_put(c, op, k, step);
		}
	}
	c->n_pending = 0;
}

/* A sector is written whole or not. */
static size_t
disk_half(const struct disk_op *op)
{
	uint64_t end = (op->at + op->n / 2 + DISK_SECTOR - 1) / DISK_SECTOR * DISK_SECTOR;

	return end < op->at + op->n ? (size_t)(end - op->at) : 0;
}

static void
disk_lose_data(struct disk_state *s, enum disk_loss loss, unsigned *seed)
{
	for (uint32_t i = 0; i < disk.n_files; i++) {
		struct disk_content *c = &s->files[i];
		if (loss == DISK_KEEPS_ALL || loss == DISK_TEARS_LAST ||
		    loss == DISK_KEEPS_DATA) {
			for (size_t k = 0; k < c->n_pending; k++) {
				struct disk_pending whole = { c->pending[k].op, false };
				const struct disk_op *op = &disk.ops[whole.op];
				if (loss == DISK_TEARS_LAST && whole.op + 1 == s->last_write)
					disk_put(c, op, 0, disk_half(op));
				else
					disk_apply(c,
						loss == DISK_KEEPS_ALL
						? &whole : &c->pending[k]);
			}
		} else if (loss == DISK_KEEPS_SIZES) {
			for (size_t k = 0; k < c->n_pending; k++) {
				c->pending[k].is_doomed = true;
				disk_apply(c, &c->pending[k]);
			}
		} else if (loss >= DISK_MIXES) {
			disk_mix_file(c, (loss - DISK_MIXES) % 2, seed);
		}
		c->n_pending = 0;
	}
}

/* Of each directory up to some point; which point, a hash of its name and the seed says. */
static void
disk_mix_names(struct disk_state *s, unsigned seed)
{
	for (size_t i = 0; i < s->n_pending; i++) {
		const struct disk_op *op = &disk.ops[s->pending[i]];
		const char *slash = strrchr(op->path, '/');
		unsigned h = seed, n_same = 0, before = 0;
		for (const char *c = op->path; c < slash; c++)
			h = h * 31 + (unsigned char)*c;
		for (size_t k = 0; k < s->n_pending; k++) {
			const char *other = disk.ops[s->pending[k]].path,
				*end = strrchr(other, '/');
			bool is_same = end - other == slash - op->path &&
				strncmp(other, op->path, end - other) == 0;
			n_same += is_same;
			before += is_same && k < i;
		}
		if (before < rand_r(&h) % (n_same + 1))
			disk_apply_name(s, op);
	}
	s->n_pending = 0;
}

static void
disk_lose_names(struct disk_state *s, enum disk_loss loss, unsigned seed)
{
	bool keeps = loss == DISK_KEEPS_ALL || loss == DISK_KEEPS_NAMES ||
		loss == DISK_KEEPS_SIZES || loss == DISK_TEARS_LAST;

	if (loss >= DISK_MIXES)
		disk_mix_names(s, seed);
	else if (keeps)
		disk_sync_names(s, NULL);
}

/* ---- laying it out ---- */

static UNUSED int
disk_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind;
	return ftw->level > 0 ? remove(path) : 0;
}

static int
disk_shallow_first(const void *a, const void *b)
{
	const struct disk_name *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* An hour ago: whose lock files those are is long dead, or another process by that number. */
static void
disk_lay_out(struct disk_state *s)
{
	struct timespec then[2] = { { .tv_sec = time(NULL) - 3600 },
		{ .tv_sec = time(NULL) - 3600 } };

	nftw(disk.root, disk_remove, 16, FTW_DEPTH | FTW_PHYS);
	if (s->n_names)
		qsort(s->names, s->n_names, sizeof *s->names, disk_shallow_first);
	for (size_t i = 0; i < s->n_names; i++) {
		char *path = xasprintf("%s%s", disk.root, s->names[i].path);
		const struct disk_content *c = &s->files[s->names[i].file];
		if (s->names[i].is_dir) {
			mkdir(path, 0700);		/* not, where its parent is lost */
		} else {
			int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
			if (fd >= 0 && c->n && write(fd, c->p, c->n) != (ssize_t)c->n)
				abort();
			struct stat st;
			if (fd >= 0)
				futimens(fd, then);
			if (fd >= 0 && fstat(fd, &st) == 0)
				disk.inode[s->names[i].file] = st.st_ino;
			if (fd >= 0)
				close(fd);
		}
		free(path);
	}
}

/* The directory as the disk holds it after the first n operations. Not while recording. */
static void
disk_build(size_t n, enum disk_loss loss)
{
	struct disk_state s = {0};
	unsigned seed = (unsigned)(n * 7919 + loss);

	disk_reset(&s);
	for (size_t i = 0; i < n; i++)
		disk_take(&s, i);
	disk_lose_data(&s, loss, &seed);
	disk_lose_names(&s, loss, (unsigned)(n * 31 + loss));
	disk_lay_out(&s);
	disk_reset(&s);
	free(s.files);
}

#endif
