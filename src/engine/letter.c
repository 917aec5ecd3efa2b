/* letter.c - a draft with its attachments becomes the bytes of a message. */
#include <stdlib.h>

#include "outbox.h"
#include "str.h"

enum err
outbox_letter(struct letter *out, const char *data_dir, draft_id id, const struct note *n,
	bool is_draft, struct error *e)
{
	struct draft_file *files = xcalloc(n->n_files + 1, sizeof *files);
	char **bytes = xcalloc(n->n_files + 1, sizeof *bytes);
	struct compose_stamp stamp = outbox_stamp();
	enum err r = ERR_OK;

	for (size_t i = 0; i < n->n_files && r == ERR_OK; i++) {
		r = draft_attached(data_dir, id, &n->files[i], &bytes[i], &files[i].len, e);
		files[i].name = n->files[i].name;
		files[i].type = n->files[i].type;
		files[i].data = bytes[i];
	}
	struct draft d = { .from = n->from, .to = n->to, .cc = n->cc, .bcc = n->bcc, .subject = n->subject,
		.in_reply_to = n->in_reply_to, .references = n->references, .text = str_get(&n->text),
		.text_len = n->text.len, .files = files, .n_files = n->n_files,
		.is_flowed = n->is_flowed, .draft_name = is_draft ? note_get(n->name) : NULL };
	if (r == ERR_OK)
		r = compose_build(out, &d, &stamp, e);
	free((char *)(uintptr_t)stamp.token);
	for (size_t i = 0; i < n->n_files; i++)
		free(bytes[i]);
	free(bytes);
	free(files);
	return r;
}
