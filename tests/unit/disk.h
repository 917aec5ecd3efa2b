/* disk.h - a disk whose writes are recorded, and calls that fail.
 *
 * The calls that change files are ours here: for the library and for SQLite alike they are
 * recorded, with their bytes, as far as they concern files below one directory. disk_replay.h
 * lays that out again as a disk may hold it after the power went. After a failed fsync what
 * was written before is lost to later ones, too (as on Linux: the pages count as clean); only
 * what is written anew reaches the disk.
 *
 * Not recorded: SQLite's -shm files, which mean nothing after a start of the machine. */
#ifndef DUNLIN_DISK_H
#define DUNLIN_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "path.h"
#include "str.h"
#include "test.h"

#define UNUSED __attribute__((unused))

enum disk_kind {
	DISK_RESET,			/* nothing is there */
	DISK_SYNC_ALL,			/* all so far is durable */
	DISK_CREATE, DISK_LINK,		/* path names file; MKDIR: a directory */
	DISK_MKDIR, DISK_UNLINK,
	DISK_RENAME,			/* path to path2 */
	DISK_WRITE, DISK_TRUNCATE,	/* file */
	DISK_SYNC, DISK_SYNC_FAILED,	/* file */
	DISK_SYNC_DIR,			/* path */
	DISK_MARK			/* the test's own: something happened elsewhere */
};

struct disk_op {
	enum disk_kind kind;
	uint32_t file;
	const char *path, *path2;
	uint64_t at;			/* WRITE; TRUNCATE: the length. MARK: which */
	size_t n;
	const char *bytes;
	/* how much of disk.bytes and disk.inode was in use by then */
	size_t top_bytes;
	uint32_t top_files;
};

enum disk_fault {
	DISK_GOOD,
	DISK_FULL,			/* the n-th write or new name, and all behind it:
					 * ENOSPC, the first after half */
	DISK_FULL_ONCE,			/* that one only */
	DISK_BAD_SYNC, DISK_BAD_SYNC_ONCE	/* the n-th fsync: EIO */
};

enum { DISK_OPS = 60000, DISK_FILES = 4000, DISK_BYTES = 512 << 20, DISK_SECTOR = 512 };

static struct disk {
	char *root;
	bool is_on;
	pthread_mutex_t lock;
	struct disk_op *ops;
	size_t n;
	char *bytes;
	size_t n_bytes;
	ino_t inode[DISK_FILES];	/* of each file, the newest last */
	uint32_t n_files;
	enum disk_fault fault;
	long countdown;			/* <= 0 in the end: it struck */
	size_t struck_at;		/* how much had been recorded then */
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- recording ---- */

static const char *
disk_keep(const void *p, size_t n)
{
	char *to = disk.bytes + disk.n_bytes;

	if (disk.n_bytes + n + 1 > DISK_BYTES)
		abort();
	if (n)
		memcpy(to, p, n);
	to[n] = '\0';
	disk.n_bytes += n + 1;
	return to;
}

static void
disk_log(struct disk_op op)
{
	if (disk.n == DISK_OPS)
		abort();
	op.top_bytes = disk.n_bytes;
	op.top_files = disk.n_files;
	disk.ops[disk.n++] = op;
}

static uint32_t
disk_new_file(ino_t inode)
{
	if (disk.n_files == DISK_FILES)
		abort();
	disk.inode[disk.n_files] = inode;
	return disk.n_files++;
}

static uint32_t
disk_file(ino_t inode)
{
	for (uint32_t i = disk.n_files; i > 0; i--) {
		if (disk.inode[i - 1] == inode)
			return i - 1;
	}
	return disk_new_file(inode);
}

static bool
disk_is_shm(const char *path)
{
	size_t n = strlen(path);

	return n > 4 && strcmp(path + n - 4, "-shm") == 0;
}

/* The path below the root, or NULL. */
static const char *
disk_below(const char *path)
{
	size_t n = disk.root ? strlen(disk.root) : 0;

	return n && strncmp(path, disk.root, n) == 0 && (path[n] == '/' || !path[n]) &&
		!disk_is_shm(path) ? path + n : NULL;
}

static const char *
disk_below_fd(int fd, char buf[4096])
{
	char link[64];

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, buf, 4095);
	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	return disk_below(buf);
}

/* Whether calls on that file are ours; which file it is. */
static bool
disk_has_fd(int fd, struct stat *st)
{
	char buf[4096];

	return disk.is_on && fstat(fd, st) == 0 &&
		(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) && disk_below_fd(fd, buf);
}

static void
disk_log_path(enum disk_kind kind, const char *path, const char *path2, uint32_t file)
{
	struct disk_op op = { .kind = kind, .file = file,
		.path = disk_keep(path, strlen(path)) };

	if (path2)
		op.path2 = disk_keep(path2, strlen(path2));
	disk_log(op);
}

static UNUSED void
disk_mark(uint64_t what)
{
	pthread_mutex_lock(&disk.lock);
	if (disk.is_on)
		disk_log((struct disk_op){ .kind = DISK_MARK, .at = what });
	pthread_mutex_unlock(&disk.lock);
}

/* ---- failing ---- */

static bool
disk_strikes(bool is_sync)
{
	bool is_mine = is_sync ? disk.fault >= DISK_BAD_SYNC : disk.fault == DISK_FULL ||
		disk.fault == DISK_FULL_ONCE;
	bool is_once = disk.fault == DISK_FULL_ONCE || disk.fault == DISK_BAD_SYNC_ONCE;

	if (!is_mine)
		return false;
	if (--disk.countdown == 0)
		disk.struck_at = disk.n;
	return is_once ? disk.countdown == 0 : disk.countdown <= 0;
}

/* ---- the calls ---- */

static ssize_t
disk_write(int fd, const void *p, size_t n, off_t at, bool is_positioned)
{
	struct stat st;
	ssize_t done;

	pthread_mutex_lock(&disk.lock);
	bool is_ours = disk_has_fd(fd, &st);
	if (is_ours && disk_strikes(false)) {
		n = disk.countdown == 0 ? n / 2 : 0;
		if (n == 0) {
			pthread_mutex_unlock(&disk.lock);
			errno = ENOSPC;
			return -1;
		}
	}
	if (!is_positioned && is_ours)
		at = fcntl(fd, F_GETFL) & O_APPEND ? st.st_size : lseek(fd, 0, SEEK_CUR);
	done = is_positioned
		? syscall(SYS_pwrite64, fd, p, n, at) : syscall(SYS_write, fd, p, n);
	if (is_ours && done > 0)
		disk_log((struct disk_op){ .kind = DISK_WRITE, .file = disk_file(st.st_ino),
			.at = (uint64_t)at, .n = (size_t)done,
			.bytes = disk_keep(p, (size_t)done) });
	pthread_mutex_unlock(&disk.lock);
	return done;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return disk.is_on ? disk_write(fd, p, n, 0, false) : syscall(SYS_write, fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	return disk.is_on
		? disk_write(fd, p, n, at, true) : syscall(SYS_pwrite64, fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

/* By hand: what the kernel copies by itself cannot be seen. */
ssize_t
copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t n, unsigned flags)
{
	(void)in, (void)in_at, (void)out, (void)out_at, (void)n, (void)flags;
	errno = ENOSYS;
	return -1;
}

int
ftruncate(int fd, off_t n)
{
	struct stat st;

	pthread_mutex_lock(&disk.lock);
	bool is_ours = disk_has_fd(fd, &st);
	int rc = (int)syscall(SYS_ftruncate, fd, n);
	if (is_ours && rc == 0)
		disk_log((struct disk_op){ .kind = DISK_TRUNCATE, .file = disk_file(st.st_ino),
			.at = (uint64_t)n });
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

int
ftruncate64(int fd, off64_t n)
{
	return ftruncate(fd, n);
}

static int
disk_sync(long number, int fd)
{
	char buf[4096];
	struct stat st;
	int rc = 0;

	pthread_mutex_lock(&disk.lock);
	if (!disk_has_fd(fd, &st)) {
		rc = (int)syscall(number, fd);
	} else if (disk_strikes(true)) {
		if (S_ISREG(st.st_mode))
			disk_log((struct disk_op){ .kind = DISK_SYNC_FAILED,
				.file = disk_file(st.st_ino) });
		errno = EIO;
		rc = -1;
	} else if (S_ISREG(st.st_mode)) {
		disk_log((struct disk_op){ .kind = DISK_SYNC, .file = disk_file(st.st_ino) });
	} else {
		disk_log_path(DISK_SYNC_DIR, disk_below_fd(fd, buf), NULL, 0);
	}
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

int
fsync(int fd)
{
	return disk_sync(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return disk_sync(SYS_fdatasync, fd);
}

static int
disk_open(const char *path, int flags, mode_t mode)
{
	struct stat st;
	const char *below = disk.is_on ? disk_below(path) : NULL;
	bool may_be_new = below && (flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE;

	if (!below)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	pthread_mutex_lock(&disk.lock);
	bool is_new = may_be_new && lstat(path, &st) < 0;
	int fd = -1;
	if (is_new && disk_strikes(false))
		errno = ENOSPC;
	else
		fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (is_new)
			disk_log_path(DISK_CREATE, below, NULL, disk_new_file(st.st_ino));
		else if (flags & O_TRUNC)
			disk_log((struct disk_op){ .kind = DISK_TRUNCATE,
				.file = disk_file(st.st_ino) });
		else if ((flags & O_TMPFILE) == O_TMPFILE)
			disk_new_file(st.st_ino);
	}
	pthread_mutex_unlock(&disk.lock);
	return fd;
}

static mode_t
disk_mode(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0;
}

int
open(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = disk_mode(flags, ap);
	va_end(ap);
	return disk_open(path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = disk_mode(flags, ap);
	va_end(ap);
	return disk_open(path, flags, mode);
}

int
mkostemp(char *template, int flags)
{
	static _Atomic unsigned n;

	snprintf(template + strlen(template) - 6, 7, "%06u", n++ % 1000000);
	return disk_open(template, O_RDWR | O_CREAT | O_EXCL | flags, 0600);
}

int
rename(const char *from, const char *to)
{
	const char *a = disk.is_on ? disk_below(from) : NULL, *b = a ? disk_below(to) : NULL;

	pthread_mutex_lock(&disk.lock);
	int rc = (int)syscall(SYS_rename, from, to);
	if (rc == 0 && a && b)
		disk_log_path(DISK_RENAME, a, b, 0);
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

int
unlink(const char *path)
{
	const char *below = disk.is_on ? disk_below(path) : NULL;

	pthread_mutex_lock(&disk.lock);
	int rc = (int)syscall(SYS_unlink, path);
	if (rc == 0 && below)
		disk_log_path(DISK_UNLINK, below, NULL, 0);
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

int
rmdir(const char *path)
{
	const char *below = disk.is_on ? disk_below(path) : NULL;

	pthread_mutex_lock(&disk.lock);
	int rc = (int)syscall(SYS_rmdir, path);
	if (rc == 0 && below)
		disk_log_path(DISK_UNLINK, below, NULL, 0);
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

int
linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	const char *below = disk.is_on && to_dir == AT_FDCWD ? disk_below(to) : NULL;
	struct stat st;
	int rc = -1;

	pthread_mutex_lock(&disk.lock);
	if (below && disk_strikes(false))
		errno = ENOSPC;
	else
		rc = (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
	if (rc == 0 && below && lstat(to, &st) == 0)
		disk_log_path(DISK_LINK, below, NULL, disk_file(st.st_ino));
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

int
mkdir(const char *path, mode_t mode)
{
	const char *below = disk.is_on ? disk_below(path) : NULL;
	struct stat st;
	int rc = -1;

	pthread_mutex_lock(&disk.lock);
	if (below && lstat(path, &st) < 0 && disk_strikes(false))
		errno = ENOSPC;
	else
		rc = (int)syscall(SYS_mkdir, path, mode);
	if (rc == 0 && below)
		disk_log_path(DISK_MKDIR, below, NULL, 0);
	pthread_mutex_unlock(&disk.lock);
	return rc;
}

/* ---- beginning ---- */

static int
disk_note(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	char *text = NULL;
	size_t n = 0;
	const char *below = disk_below(path);

	if (ftw->level == 0 || !below)
		return 0;
	if (kind == FTW_D) {
		disk_log_path(DISK_MKDIR, below, NULL, 0);
		return 0;
	}
	uint32_t file = disk_new_file(st->st_ino);
	disk_log_path(DISK_CREATE, below, NULL, file);
	assert_int_equal(ERR_OK, file_read(&text, &n, path, 64 << 20, NULL));
	disk_log((struct disk_op){ .kind = DISK_WRITE, .file = file, .n = n,
		.bytes = disk_keep(text, n) });
	free(text);
	return 0;
}

static void
disk_go_back(size_t n)
{
	disk.n = n;
	disk.n_bytes = n ? disk.ops[n - 1].top_bytes : 0;
	disk.n_files = n ? disk.ops[n - 1].top_files : 0;
}

/* From here on what happens below `root` is recorded, behind the first n operations recorded
 * before; what is there now is durable. */
static void
disk_begin(const char *root, size_t n)
{
	if (!disk.ops) {
		disk.ops = mmap(NULL, DISK_OPS * sizeof *disk.ops, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		disk.bytes = mmap(NULL, DISK_BYTES, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	}
	disk.root = (char *)(uintptr_t)root;
	disk_go_back(n);
	disk_log((struct disk_op){ .kind = DISK_RESET });
	nftw(root, disk_note, 16, FTW_PHYS);
	disk_log((struct disk_op){ .kind = DISK_SYNC_ALL });
	disk.is_on = true;
}

/* Goes on behind the first n operations, laid out with DISK_KEEPS_ALL. */
static UNUSED void
disk_resume(size_t n)
{
	disk_go_back(n);
	disk.is_on = true;
}

static void
disk_end(void)
{
	disk.is_on = false;
	disk.fault = DISK_GOOD;
}

#endif
