/* draft_editor.c - what the person's editor gets of a draft, and what it made of it.
 *
 * "N.text" is the text alone. "N.eml" has the header above it, an empty line between, as mail
 * has; editors know the ending. There what is no field of ours stays, as text: nothing that
 * was typed is dropped without a word. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drafts.h"
#include "path.h"
#include "utf8.h"

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{ "From", offsetof(struct note, from) }, { "To", offsetof(struct note, to) },
	{ "Cc", offsetof(struct note, cc) }, { "Bcc", offsetof(struct note, bcc) },
	{ "Subject", offsetof(struct note, subject) },
};

static char **
field_of(struct note *n, size_t i)
{
	return (char **)((char *)n + fields[i].offset);
}

char *
draft_editor_path(const char *data_dir, draft_id id, bool with_header)
{
	return xasprintf("%s/drafts/%" PRIu32 "%s", data_dir, id,
		with_header ? ".eml" : ".text");
}

enum err
draft_editor_begin(const char *data_dir, draft_id id, const struct note *n, bool with_header,
	struct error *e)
{
	char *path = draft_editor_path(data_dir, id, with_header);
	struct note *readable = (struct note *)(uintptr_t)n;
	struct str s = { 0 };

	for (size_t i = 0; i < LEN(fields) && with_header; i++)
		str_printf(&s, "%s: %s\n", fields[i].name, note_get(*field_of(readable, i)));
	if (with_header)
		str_putc(&s, '\n');
	str_add(&s, str_get(&n->text), n->text.len);
	enum err r = file_write_atomic(path, str_get(&s), s.len, e);
	str_clear(&s);
	free(path);
	return r;
}

/* ---- reading it back ---- */

static size_t
field_in(const char *line)
{
	size_t i = 0, n = strcspn(line, ": \t\n");

	while (i < LEN(fields) && !(strlen(fields[i].name) == n && line[n] == ':' &&
	    strncasecmp(line, fields[i].name, n) == 0))
		i++;
	return i;
}

/* One field with the lines that go on with it; returns where the next begins. */
static const char *
take_field(struct str *out, const char *p)
{
	struct str raw = { 0 };

	p = strchr(p, ':') + 1;
	do {
		p += strspn(p, " \t");
		size_t n = strcspn(p, "\n");
		str_putc(&raw, ' ');
		str_add(&raw, p, n);
		p += n + (p[n] == '\n');
	} while (*p == ' ' || *p == '\t');
	char *clean = text_clean_dup(str_get(&raw));
	const char *s = clean + strspn(clean, " ");
	size_t n = strlen(s);
	while (n > 0 && s[n - 1] == ' ')
		n--;
	str_add(out, s, n);
	free(clean);
	str_clear(&raw);
	return p;
}

/* The header goes into *n, and what is none of it into `text`. */
static void
take_header(struct note *n, struct str *text, const char *p)
{
	struct str values[LEN(fields)] = { { 0 } };
	bool has_any = false;

	while (*p && *p != '\n' && *p != '\r') {
		size_t i = field_in(p);
		if (i < LEN(fields)) {
			str_puts(&values[i], values[i].len ? ", " : "");
			p = take_field(&values[i], p);
			has_any = true;
			continue;
		}
		/* the person took the header away: all is text */
		if (!has_any)
			break;
		size_t len = strcspn(p, "\n");
		str_add(text, p, len);
		str_putc(text, '\n');
		p += len + (p[len] == '\n');
	}
	if (has_any && *p) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	for (size_t i = 0; i < LEN(fields); i++) {
		/* without From it stays from whom it was */
		if (has_any && (i > 0 || values[i].len > 0))
			note_set(field_of(n, i), str_get(&values[i]));
		str_clear(&values[i]);
	}
	str_puts(text, p);
}

static void
take_text(struct note *n, const char *text, size_t len, bool with_header)
{
	struct str s = { 0 };

	if (with_header && !memchr(text, '\0', len))
		take_header(n, &s, text);
	else
		str_add(&s, text, len);
	str_clear(&n->text);
	n->text = s;
}

enum err
draft_editor_read(const char *data_dir, draft_id id, struct note *n, bool is_over,
	bool *changed, struct error *e)
{
	enum err r = ERR_OK;

	*changed = false;
	for (int with_header = 0; with_header < 2 && r == ERR_OK; with_header++) {
		char *path = draft_editor_path(data_dir, id, with_header), *text = NULL;
		size_t len;
		if (access(path, F_OK) == 0)
			r = file_read(&text, &len, path, DRAFT_MAX_TEXT, e);
		if (r == ERR_OK && text && (len > 0 || is_over)) {
			char *before = note_stamp(n);
			take_text(n, text, len, with_header);
			char *after = note_stamp(n);
			*changed = !str_eq(before, after);
			free(before);
			free(after);
		}
		free(text);
		free(path);
	}
	return r;
}

void
draft_editor_end(const char *data_dir, draft_id id)
{
	for (int with_header = 0; with_header < 2; with_header++) {
		char *path = draft_editor_path(data_dir, id, with_header);
		unlink(path);
		free(path);
	}
}
