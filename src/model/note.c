/* note.c - see note.h. */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
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

bool
note_is_private(const struct note *n)
{
	return n->seal & (NOTE_ENCRYPT | NOTE_SECRET);
}

void
note_add_file(struct note *n, const char *name, const char *type, uint32_t number,
	uint64_t size_bytes)
{
	n->files = array_grow(n->files, n->n_files, &n->cap_files, sizeof *n->files);
	n->files[n->n_files++] = (struct note_file){ xstrdup(name), xstrdup(type), number,
		size_bytes };
}

void
note_add_other(struct note *n, msg_id id)
{
	n->others = array_grow(n->others, n->n_others, &n->cap_others, sizeof *n->others);
	n->others[n->n_others++] = id;
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
		&n->references, &n->message_id, &n->name, &n->account, &n->followup_to };

	for (size_t i = 0; i < LEN(fields); i++)
		free(*fields[i]);
	while (n->n_files)
		note_remove_file(n, n->n_files - 1);
	free(n->files);
	free(n->others);
	str_clear(&n->text);
	*n = (struct note){ 0 };
}

void
note_copy(struct note *to, const struct note *from)
{
	*to = *from;
	char **fields[] = { &to->from, &to->to, &to->cc, &to->bcc, &to->subject,
		&to->in_reply_to, &to->references, &to->message_id, &to->name, &to->account,
		&to->followup_to };

	for (size_t i = 0; i < LEN(fields); i++)
		*fields[i] = xstrdup(*fields[i]);
	to->files = NULL;
	to->n_files = to->cap_files = 0;
	for (size_t i = 0; i < from->n_files; i++)
		note_add_file(to, from->files[i].name, from->files[i].type,
			from->files[i].number, from->files[i].size_bytes);
	to->others = NULL;
	to->n_others = to->cap_others = 0;
	for (size_t i = 0; i < from->n_others; i++)
		note_add_other(to, from->others[i]);
	to->text = (struct str){ 0 };
	str_add(&to->text, str_get(&from->text), from->text.len);
}

static uint64_t
mix(uint64_t h, const void *p, size_t n)
{
	/* so that no two fields run into one */
	return hash_bytes(hash_bytes(h, p, n), "\xff", 1);
}

char *
note_stamp(const struct note *n)
{
	const char *const fields[] = { n->from, n->to, n->cc, n->bcc, n->subject,
		n->in_reply_to, n->references };
	uint64_t h = HASH_START;

	for (size_t i = 0; i < LEN(fields); i++)
		h = mix(h, note_get(fields[i]), strlen(note_get(fields[i])));
	for (size_t i = 0; i < n->n_files; i++) {
		h = mix(h, n->files[i].name, strlen(n->files[i].name));
		h = mix(h, n->files[i].type, strlen(n->files[i].type));
		h = mix(h, &n->files[i].number, sizeof n->files[i].number);
		h = mix(h, &n->files[i].size_bytes, sizeof n->files[i].size_bytes);
	}
	h = mix(h, str_get(&n->text), n->text.len);
	if (n->seal)
		h = mix(h, &n->seal, sizeof n->seal);
	return xasprintf("%016llx", (unsigned long long)h);
}

/* Where the address that begins at s ends: at a comma, or at the end. */
static const char *
address_end(const char *s)
{
	bool in_quotes = false;
	int depth = 0;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '"')
			in_quotes = !in_quotes;
		else if (in_quotes)
			continue;
		else if (*s == '(' || *s == '<')
			depth++;
		else if ((*s == ')' || *s == '>') && depth > 0)
			depth--;
		else if (*s == ',' && depth == 0)
			break;
	}
	return s;
}

const char *
note_next_address(const char **list, size_t *n)
{
	for (const char *s = *list; *s; ) {
		const char *end = address_end(s), *stop = end;
		*list = end + (*end == ',');
		while (s < stop && (*s == ' ' || *s == '\t'))
			s++;
		while (stop > s && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		*n = (size_t)(stop - s);
		if (*n > 0)
			return s;
		s = *list;
	}
	return NULL;
}
