/* letter.c - a draft with its attachments becomes the bytes of a message.
 *
 * The attachments are mapped, and what was taken over is let go: in memory there is one
 * message, and never what it is made of as well. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "outbox.h"
#include "str.h"

enum { LET_GO_BYTES = 1 << 20 };

struct building {
	struct draft_file *files;
	size_t n;
	uint64_t total;
	struct task *task;		/* NULL: nobody stops it */
};

static enum err
map_file(struct draft_file *f, int fd, size_t len, struct error *e)
{
	if (len > 0) {
		void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			return error_errno(e, ERR_LOCAL, "cannot read an attachment");
		f->data = p;
	}
	f->len = len;
	return ERR_OK;
}

static enum err
open_file(struct building *b, const char *data_dir, draft_id id, const struct note_file *file,
	struct error *e)
{
	struct draft_file *f = &b->files[b->n++];
	size_t len;
	int fd = draft_attached(data_dir, id, file, &len, e);

	if (fd < 0)
		return ERR_LOCAL;
	enum err r = map_file(f, fd, len, e);
	close(fd);
	f->name = file->name;
	f->type = file->type;
	b->total += f->len;
	return r;
}

/* What is mapped comes back from the disk when it is looked at again. */
static bool
go_on(void *ctx, uint64_t done)
{
	struct building *b = ctx;
	uint64_t at = done;

	for (size_t i = 0; i < b->n; i++) {
		const struct draft_file *f = &b->files[i];
		size_t n = (size_t)(at < f->len ? at : f->len);
		at -= n;
		if (n >= LET_GO_BYTES)
			madvise((void *)(uintptr_t)f->data, n, MADV_DONTNEED);
	}
	return !b->task || task_step(b->task, done, b->total, NULL) == ERR_OK;
}

static void
close_files(struct building *b)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->files[i].data)
			munmap((void *)(uintptr_t)b->files[i].data, b->files[i].len);
	}
	free(b->files);
}

enum err
outbox_letter(struct letter *out, const char *data_dir, draft_id id, const struct note *n,
	bool is_draft, struct task *task, struct error *e)
{
	struct building b = { .files = xcalloc(n->n_files + 1, sizeof *b.files),
		.task = task };
	struct compose_stamp stamp = outbox_stamp();
	enum err r = ERR_OK;

	*out = (struct letter){ 0 };
	for (size_t i = 0; i < n->n_files && r == ERR_OK; i++)
		r = open_file(&b, data_dir, id, &n->files[i], e);
	struct draft d = { .from = n->from, .to = n->to, .cc = n->cc, .bcc = n->bcc,
		.subject = n->subject, .in_reply_to = n->in_reply_to,
		.references = n->references, .text = str_get(&n->text),
		.text_len = n->text.len, .files = b.files, .n_files = n->n_files,
		.is_flowed = n->is_flowed,
		.is_sealed = n->seal != 0, .followup_to = is_draft ? NULL : n->followup_to,
		.draft_name = is_draft ? note_get(n->name) : NULL, .go_on = go_on,
		.go_on_ctx = &b };
	if (r == ERR_OK)
		r = compose_build(out, &d, &stamp, e);
	free((char *)(uintptr_t)stamp.token);
	close_files(&b);
	return r;
}
