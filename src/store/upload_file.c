/* upload_file.c - the files of data/uploads: bytes that wait, of uploads and of large mail in
 * the outbox. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "upload_file.h"

struct upload_file {
	char *dir, *path, *name;
	int fd;
	uint64_t size;
};

char *
upload_dir(const struct store *s)
{
	return path_join(s->data_dir, "uploads");
}

void
upload_close(struct upload_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->dir);
	free(f->path);
	free(f->name);
	free(f);
}

enum err
upload_create(struct upload_file **out, struct store *s, struct error *e)
{
	struct upload_file *f = xcalloc(1, sizeof *f);
	uint64_t r;

	*out = NULL;
	if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		abort();
	f->fd = -1;
	f->dir = upload_dir(s);
	f->name = xasprintf("%016" PRIx64, r);
	f->path = path_join(f->dir, f->name);
	enum err rc = path_mkdirs(f->dir, e);
	if (rc == ERR_OK)
		f->fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (rc == ERR_OK && f->fd < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", f->path);
	if (rc != ERR_OK) {
		upload_close(f);
		return rc;
	}
	*out = f;
	return ERR_OK;
}

enum err
upload_write(struct upload_file *f, const void *p, size_t n, struct error *e)
{
	f->size += n;
	return fd_write_all(f->fd, p, n, e);
}

void
upload_abort(struct upload_file *f)
{
	if (!f)
		return;
	unlink(f->path);
	upload_close(f);
}

enum err
upload_seal(struct upload_file *f, struct error *e)
{
	if (fsync(f->fd) < 0)
		return error_errno(e, ERR_LOCAL, "cannot sync '%s'", f->path);
	return path_sync_dir_of(f->path, e);
}

void
upload_remove(const struct store *s, const char *name)
{
	char *dir = upload_dir(s), *path = path_join(dir, name);

	if (*name && unlink(path) < 0 && errno != ENOENT)
		log_msg("store: cannot remove '%s': %s", path, strerror(errno));
	free(path);
	free(dir);
}

const char *
upload_name(const struct upload_file *f)
{
	return f->name;
}

uint64_t
upload_size(const struct upload_file *f)
{
	return f->size;
}

int
upload_open(const struct store *s, const char *name, uint64_t size_bytes, struct error *e)
{
	struct stat st;
	char *dir = upload_dir(s), *path = path_join(dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		error_errno(e, ERR_LOCAL, "cannot open '%s'", path);
	if (fd >= 0 && (fstat(fd, &st) < 0 || (uint64_t)st.st_size != size_bytes)) {
		error_set(e, ERR_LOCAL, "'%s' is damaged", path);
		close(fd);
		fd = -1;
	}
	free(path);
	free(dir);
	return fd;
}
