/* mbox_stamp.c - what a file looked like, so that nobody reads again what has not changed. */
#include <errno.h>
#include <sys/stat.h>
#include <time.h>

#include "mbox.h"
#include "mbox_reader.h"

static void
stamp_of(struct mbox_stamp *out, const struct stat *st)
{
	*out = (struct mbox_stamp){
		.inode = (uint64_t)st->st_ino, .size_bytes = (uint64_t)st->st_size,
		.mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
	};
}

enum err
mbox_stamp(struct mbox_stamp *out, const char *path, struct error *e)
{
	struct stat st;

	*out = (struct mbox_stamp){0};
	if (stat(path, &st) < 0) {
		return errno == ENOENT ? ERR_OK
			: error_errno(e, ERR_LOCAL, "cannot look at '%s'", path);
	}
	stamp_of(out, &st);
	return ERR_OK;
}

bool
mbox_stamp_is_same(const struct mbox_stamp *a, const struct mbox_stamp *b)
{
	return a->inode == b->inode && a->size_bytes == b->size_bytes &&
		a->mtime_ns == b->mtime_ns;
}

/* File times come from the coarse clock: a change now would get a later one. */
static void
wait_for_tick(int64_t mtime_ns)
{
	enum { STEP_NS = 500000, LONGEST_NS = 20000000 };
	struct timespec now, step = { .tv_nsec = STEP_NS };

	for (int64_t waited = 0; waited < LONGEST_NS; waited += STEP_NS) {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		if ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec > mtime_ns)
			return;
		nanosleep(&step, NULL);
	}
}

enum err
mbox_stamp_settled(struct mbox_stamp *out, const char *path, struct error *e)
{
	enum err rc = mbox_stamp(out, path, e);

	if (rc != ERR_OK)
		return rc;
	wait_for_tick(out->mtime_ns);
	return mbox_stamp(out, path, e);
}

enum err
mbox_stamp_fd(struct mbox_stamp *out, int fd, struct error *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(e, ERR_LOCAL, "cannot look at the mbox");
	stamp_of(out, &st);
	wait_for_tick(out->mtime_ns);
	return ERR_OK;
}
