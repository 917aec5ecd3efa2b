/* outbox_bytes.c - the bytes of mail in the outbox: with the row in the database, and of large
 * mail a file of data/uploads that the row names.
 *
 * The database has one writer at a time: while the bytes of a large mail went in, or out
 * again, a key that records a decision would wait. So those are on disk before the transaction
 * that names them, and are removed behind the one that does not any more; a crash in between
 * leaves a file that nobody names, which is swept (uploads.c). */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "outbox_int.h"
#include "store_outbox.h"

enum { IN_DATABASE_BYTES = 256 << 10 };

enum err
outbox_bytes_write(struct outbox_bytes *b, struct store *s, const void *p, size_t len,
	struct error *e)
{
	*b = (struct outbox_bytes){ .p = p, .len = len };
	if (len <= IN_DATABASE_BYTES)
		return ERR_OK;
	enum err rc = upload_create(&b->file, s, e);
	if (rc == ERR_OK)
		rc = upload_write(b->file, p, len, e);
	if (rc == ERR_OK)
		rc = upload_seal(b->file, e);
	if (rc != ERR_OK)
		outbox_bytes_end(b, false);
	return rc;
}

static enum err
put_blob(struct store *s, outbox_id id, const struct outbox_bytes *b, struct error *e)
{
	sqlite3_stmt *st = db_query(s, "REPLACE INTO outbox_bytes VALUES (?, ?)", "i", id);

	if (!st)
		return db_fail(s, e);
	sqlite3_bind_blob64(st, 2, b->p, b->len, SQLITE_STATIC);
	int rc = sqlite3_step(st);
	enum err result = rc == SQLITE_DONE ? ERR_OK : db_fail(s, e);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return result;
}

enum err
outbox_bytes_put(struct store *s, outbox_id id, const struct outbox_bytes *b, struct error *e)
{
	enum err rc = db_run(s, e, "UPDATE outbox SET size = ?, file = ? WHERE id = ?", "isi",
		(int64_t)b->len, b->file ? upload_name(b->file) : "", id);

	if (rc != ERR_OK)
		return rc;
	return b->file ? db_run(s, e, "DELETE FROM outbox_bytes WHERE id = ?", "i", id)
		: put_blob(s, id, b, e);
}

void
outbox_bytes_end(struct outbox_bytes *b, bool is_kept)
{
	if (b->file && is_kept)
		upload_close(b->file);
	else
		upload_abort(b->file);
	b->file = NULL;
}

const char *
outbox_bytes_file(const struct store *s, outbox_id id, struct arena *a)
{
	sqlite3_stmt *st = db_query(s, "SELECT file FROM outbox WHERE id = ?", "i", id);
	const char *name = "";

	if (db_row(s, st)) {
		name = db_text(st, 0, a);
		db_done(st);
	}
	return name;
}

static char *
read_file(const struct store *s, const char *name, size_t size)
{
	struct error e;
	int fd = upload_open(s, name, size, &e);
	char *p = fd < 0 ? NULL : xmalloc(size + 1);
	size_t n = 0;
	ssize_t got = 1;

	while (p && n < size && (got = read(fd, p + n, size - n)) > 0)
		n += (size_t)got;
	if (fd >= 0)
		close(fd);
	if (p && n == size) {
		p[size] = '\0';
		return p;
	}
	log_msg("outbox: the bytes of a mail are lost: %s",
		fd < 0 ? e.text : "its file cannot be read");
	free(p);
	return NULL;
}

static char *
read_blob(const struct store *s, outbox_id id, size_t *len)
{
	sqlite3_stmt *st = db_query(s, "SELECT bytes FROM outbox_bytes WHERE id = ?", "i", id);
	char *copy = NULL;

	if (db_row(s, st)) {
		const void *p = sqlite3_column_blob(st, 0);
		*len = (size_t)sqlite3_column_bytes(st, 0);
		copy = xmalloc(*len + 1);
		if (*len)
			memcpy(copy, p, *len);
		copy[*len] = '\0';
		db_done(st);
	}
	return copy;
}

char *
store_outbox_bytes(const struct store *s, outbox_id id, size_t *len)
{
	struct arena a = {0};
	const char *file = outbox_bytes_file(s, id, &a);
	char *p;

	*len = 0;
	if (*file) {
		size_t size = (size_t)db_int(s, "SELECT size FROM outbox WHERE id = ?", "i",
			id);
		p = read_file(s, file, size);
		*len = p ? size : 0;
	} else {
		p = read_blob(s, id, len);
	}
	arena_clear(&a);
	return p;
}
