/* text.c - the text of a message for an index of words: what is for
 * reading, without a layout. */
#include <string.h>

#include "internal.h"

enum { WIDE_COLUMNS = 4000, MAX_TEXT_PARTS = 50, MAX_TEXT_BYTES = 4 << 20 };

void
mime_text_of_part(struct str *out, const struct part *p, const char *decoded, size_t n)
{
	struct lines lines = { 0 };
	struct str utf8 = { 0 };

	mime_to_utf8(&utf8, p, decoded, n);
	if (str_eq(p->type, "text/html") || part_is_calendar(p)) {
		mime_render(&lines, p, str_get(&utf8), utf8.len, WIDE_COLUMNS);
		for (size_t i = 0; i < lines.n; i++) {
			str_puts(out, lines.v[i].text);
			str_putc(out, '\n');
		}
		lines_clear(&lines);
	} else {
		str_add(out, str_get(&utf8), utf8.len);
		str_putc(out, '\n');
	}
	str_clear(&utf8);
}

void
mime_text_of_names(struct str *out, const struct part *root)
{
	for (const struct part *p = root; p; p = part_next(p)) {
		str_puts(out, p->filename);
		if (*p->filename)
			str_putc(out, '\n');
	}
}

void
mime_text(struct str *out, const struct mime_msg *m)
{
	const struct part *parts[MAX_TEXT_PARTS];
	size_t n = part_readable(mime_root(m), false, parts, MAX_TEXT_PARTS);

	for (size_t i = 0; i < n; i++) {
		struct str bytes = { 0 };
		mime_part_bytes(m, parts[i]->section, &bytes, MAX_TEXT_BYTES);
		mime_text_of_part(out, parts[i], str_get(&bytes), bytes.len);
		str_clear(&bytes);
	}
	mime_text_of_names(out, mime_root(m));
}
