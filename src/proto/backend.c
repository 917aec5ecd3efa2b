/* backend.c - what all backends share. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"

const struct uidset *
folder_known_uids(const struct folder_known *k)
{
	return k->uids ? k->uids : k->ask ? k->ask(k->ctx) : NULL;
}

void
uid_map_clear(struct uid_map *m)
{
	free(m->from);
	free(m->to);
	memset(m, 0, sizeof *m);
}

static enum err
read_memory(void *ctx, uint64_t at, void *buf, size_t n, size_t *got, struct error *e)
{
	(void)e;
	memcpy(buf, (const char *)ctx + at, n);
	*got = n;
	return ERR_OK;
}

static enum err
read_some(const struct byte_source *src, uint64_t at, void *buf, size_t n, size_t *got,
	struct error *e)
{
	uint64_t left = at < src->size ? src->size - at : 0;

	*got = 0;
	n = n < left ? n : (size_t)left;
	return n > 0 ? src->read(src->ctx, at, buf, n, got, e) : ERR_OK;
}

enum err
byte_source_read(const struct byte_source *src, uint64_t at, void *buf, size_t n, size_t *got,
	struct error *e)
{
	enum err rc = read_some(src, at, buf, n, got, e);

	if (rc == ERR_OK && *got == 0 && at < src->size)
		rc = error_set(e, ERR_LOCAL, "the bytes of a message end before they should");
	return rc;
}

struct byte_source
byte_source_memory(const void *p, size_t n)
{
	return (struct byte_source){ (void *)(uintptr_t)p, n, read_memory };
}

static enum err
read_file(void *ctx, uint64_t at, void *buf, size_t n, size_t *got, struct error *e)
{
	ssize_t r = pread(*(const int *)ctx, buf, n, (off_t)at);

	*got = r > 0 ? (size_t)r : 0;
	return r < 0 ? error_errno(e, ERR_LOCAL, "cannot read the bytes of a message")
		: ERR_OK;
}

struct byte_source
byte_source_file(const int *fd, uint64_t size)
{
	return (struct byte_source){ (void *)(uintptr_t)fd, size, read_file };
}
