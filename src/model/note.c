/* note.c - see note.h. */
#include <stdlib.h>
#include <string.h>

#include "note.h"

void
note_set(char **field, const char *value)
{
	char *copy = value && *value ? xstrdup(value) : NULL;

	free(*field);
	*field = copy;
}

const char *
note_get(const char *field)
{
	return field ? field : "";
}

void
note_add_file(struct note *n, const char *name, const char *type, uint32_t number,
	uint64_t size_bytes)
{
	n->files = array_grow(n->files, n->n_files, &n->cap_files, sizeof *n->files);
	n->files[n->n_files++] = (struct note_file){ xstrdup(name), xstrdup(type), number, size_bytes };
}

void
note_remove_file(struct note *n, size_t i)
{
	free(n->files[i].name);
	free(n->files[i].type);
	memmove(n->files + i, n->files + i + 1, (--n->n_files - i) * sizeof *n->files);
}

void
note_clear(struct note *n)
{
	char **fields[] = { &n->from, &n->to, &n->cc, &n->bcc, &n->subject, &n->in_reply_to,
		&n->references, &n->message_id };

	for (size_t i = 0; i < LEN(fields); i++)
		free(*fields[i]);
	while (n->n_files)
		note_remove_file(n, n->n_files - 1);
	free(n->files);
	str_clear(&n->text);
	*n = (struct note){ 0 };
}
