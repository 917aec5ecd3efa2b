/* unpack.c - see unpack.h. Unpacked whole instead of read through zlib, since a message is
 * found by its place, and the newest stand at the end. The name tells the original's path (as
 * a hash) and stamp, so what an older original left is known and removed. */
#include <dirent.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include "hash.h"
#include "mbox.h"
#include "str.h"
#include "unpack.h"

enum { PIECE = 256 * 1024, MAX_RATIO = 200 };
static const uint64_t ANY_RATIO_BYTES = (uint64_t)256 << 20;

static const struct { const char *name; unsigned char magic[6]; size_t n; } kinds[] = {
	{ "gzip", { 0x1f, 0x8b }, 2 },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6 },
	{ "bzip2", { 'B', 'Z', 'h' }, 3 },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
};

static const char *
kind_of(const char *path)
{
	unsigned char begin[6] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);	/* a FIFO would wait */
	ssize_t n = fd >= 0 ? pread(fd, begin, sizeof begin, 0) : -1;
	const char *kind = NULL;

	for (size_t i = 0; i < LEN(kinds); i++) {
		if (n >= (ssize_t)kinds[i].n && memcmp(begin, kinds[i].magic, kinds[i].n) == 0)
			kind = kinds[i].name;
	}
	if (fd >= 0)
		close(fd);
	return kind;
}

static void
tell(uint64_t done, uint64_t total)
{
	if (isatty(STDERR_FILENO) && total > 0)
		fprintf(stderr, "\runpacking: %3d %%", (int)(done * 100 / total));
}

/* Mail packs ten to one. What unpacks to far more is a bomb, and the disk is not only ours. */
static enum err
check_size(int to, const char *path, uint64_t packed, uint64_t bytes, struct error *e)
{
	struct statvfs fs;

	if (bytes > ANY_RATIO_BYTES && bytes / MAX_RATIO > packed)
		return error_set(e, ERR_FOLDER,
			"'%s' unpacks to more than %d times its size: that is no mail", path,
			MAX_RATIO);
	if (fstatvfs(to, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < bytes / 8)
		return error_set(e, ERR_LOCAL,
			"'%s' unpacks to more than the disk has room for", path);
	return ERR_OK;
}

/* zlib also reads what is not compressed, and takes an end too early for the
 * end: both are damage here. */
static enum err
copy(gzFile from, int to, const char *path, uint64_t total, struct error *e)
{
	char *buf = xmalloc(PIECE);
	enum err rc = ERR_OK;
	uint64_t bytes = 0;
	int n, why;

	while ((n = gzread(from, buf, PIECE)) > 0 && rc == ERR_OK) {
		rc = check_size(to, path, total, bytes += (uint64_t)n, e);
		if (rc == ERR_OK)
			rc = fd_write_all(to, buf, (size_t)n, e);
		tell((uint64_t)gzoffset(from), total);
	}
	gzerror(from, &why);
	if (rc == ERR_OK && (n < 0 || why != Z_OK || gzdirect(from)))
		rc = error_set(e, ERR_FOLDER, "'%s' is damaged: it cannot be unpacked whole",
			path);
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	free(buf);
	return rc;
}

static enum err
unpack_to(const char *path, const char *to, uint64_t total, struct error *e)
{
	char *tmp = xasprintf("%s.tmp", to);
	gzFile from = gzopen(path, "rbe");
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum err rc = !from || fd < 0 ? error_errno(e, ERR_LOCAL, "cannot unpack '%s'", path)
		: copy(from, fd, path, total, e);

	if (rc == ERR_OK && rename(tmp, to) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot unpack '%s'", path);
	if (rc != ERR_OK)
		unlink(tmp);
	if (fd >= 0)
		close(fd);
	if (from)
		gzclose(from);
	free(tmp);
	return rc;
}

/* What was unpacked of the same file when it had another stamp. */
static void
remove_older(const char *dir, const char *prefix)
{
	DIR *all = opendir(dir);

	for (struct dirent *f; all && (f = readdir(all));) {
		if (!str_starts(f->d_name, prefix))
			continue;
		char *path = path_join(dir, f->d_name);
		unlink(path);
		free(path);
	}
	if (all)
		closedir(all);
}

enum err
unpack(char **out, const char *path, const struct dirs *d, struct error *e)
{
	const char *kind = kind_of(path);
	struct mbox_stamp stamp;

	*out = NULL;
	if (!kind)
		return ERR_OK;
	if (!str_eq(kind, "gzip"))
		return error_set(e, ERR_FOLDER, "'%s' is compressed with %s: unpack it first",
			path, kind);
	char *dir = path_join(d->cache, "unpacked");
	char *prefix = xasprintf("%016llx-", (unsigned long long)hash_string(path));
	enum err rc = path_private(d->cache, e);
	if (rc == ERR_OK)
		rc = path_mkdirs(dir, e);
	if (rc == ERR_OK)
		rc = mbox_stamp(&stamp, path, e);
	if (rc == ERR_OK) {
		char *name = xasprintf("%s%llx-%llx", prefix,
			(unsigned long long)stamp.size_bytes,
			(unsigned long long)stamp.mtime_ns);
		char *to = path_join(dir, name);
		if (access(to, R_OK) < 0) {
			remove_older(dir, prefix);
			rc = unpack_to(path, to, stamp.size_bytes, e);
		}
		if (rc == ERR_OK)
			*out = to;
		else
			free(to);
		free(name);
	}
	free(prefix);
	free(dir);
	return rc;
}
