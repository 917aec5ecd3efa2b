/* draft_files.c - the bytes of a draft's attachments: files beside it, each written once,
 * under another name first, so that one that has its name is whole. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drafts.h"
#include "path.h"

struct draft_file_writer {
	char *path, *tmp;
	int fd;
	uint64_t size;
};

static char *
path_of(const char *data_dir, draft_id id, uint32_t number)
{
	return xasprintf("%s/drafts/%" PRIu32 ".%" PRIu32, data_dir, id, number);
}

static void
writer_free(struct draft_file_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w->path);
	free(w->tmp);
	free(w);
}

uint32_t
draft_free_number(const struct note *n)
{
	uint32_t number = 1;

	for (size_t i = 0; i < n->n_files; i++) {
		if (n->files[i].number >= number)
			number = n->files[i].number + 1;
	}
	return number;
}

enum err
draft_file_create(struct draft_file_writer **out, const char *data_dir, draft_id id,
	uint32_t number, struct error *e)
{
	struct draft_file_writer *w = xcalloc(1, sizeof *w);
	enum err r = ERR_OK;

	*out = NULL;
	w->path = path_of(data_dir, id, number);
	w->tmp = xasprintf("%s.XXXXXX", w->path);
	w->fd = mkostemp(w->tmp, O_CLOEXEC);
	if (w->fd < 0) {
		r = error_errno(e, ERR_LOCAL, "cannot write '%s'", w->path);
		writer_free(w);
	} else {
		*out = w;
	}
	return r;
}

enum err
draft_file_write(struct draft_file_writer *w, const void *p, size_t n, struct error *e)
{
	w->size += n;
	if (w->size > DRAFT_MAX_ATTACHMENT)
		return error_set(e, ERR_MSG, "this is too large to attach (256 MB at most)");
	return fd_write_all(w->fd, p, n, e);
}

enum err
draft_file_commit(struct draft_file_writer *w, uint64_t *size_bytes, struct error *e)
{
	enum err r = ERR_OK;

	*size_bytes = w->size;
	if (fsync(w->fd) < 0 || rename(w->tmp, w->path) < 0) {
		r = error_errno(e, ERR_LOCAL, "cannot write '%s'", w->path);
		unlink(w->tmp);
	} else {
		r = path_sync_dir_of(w->path, e);
	}
	writer_free(w);
	return r;
}

void
draft_file_abort(struct draft_file_writer *w)
{
	if (!w)
		return;
	unlink(w->tmp);
	writer_free(w);
}

enum err
draft_attach(const char *data_dir, draft_id id, struct note *n, const char *name,
	const char *type, const void *p, size_t len, struct error *e)
{
	uint32_t number = draft_free_number(n);
	struct draft_file_writer *w;
	uint64_t size;
	enum err r = draft_file_create(&w, data_dir, id, number, e);

	if (r != ERR_OK)
		return r;
	if ((r = draft_file_write(w, p, len, e)) != ERR_OK) {
		draft_file_abort(w);
		return r;
	}
	if ((r = draft_file_commit(w, &size, e)) == ERR_OK) {
		char *safe = path_safe_name(name);
		note_add_file(n, safe, type, number, size);
		free(safe);
	}
	return r;
}

int
draft_attached(const char *data_dir, draft_id id, const struct note_file *f, size_t *len,
	struct error *e)
{
	char *path = path_of(data_dir, id, f->number);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	*len = 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		error_errno(e, ERR_LOCAL, "cannot open '%s'", path);
	} else if (!S_ISREG(st.st_mode) || st.st_size > DRAFT_MAX_ATTACHMENT) {
		error_set(e, ERR_LOCAL, "'%s' is too large, or no file", path);
		close(fd);
		fd = -1;
	} else {
		*len = (size_t)st.st_size;
	}
	free(path);
	return fd;
}
