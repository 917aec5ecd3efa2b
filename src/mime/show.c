/* show.c - a whole message as the pager shows it.
 *
 * The header block, then each part that a person reads, then what is attached. Whatever is
 * said by us behind the first header block (headers of embedded messages, notices,
 * attachments) begins with the mark that lines.c keeps out of the mail's own lines. */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "seal.h"

enum { MAX_READABLE = 200, MAX_LISTED = 200, MAX_PART_BYTES = 64 * 1024 * 1024,
	LARGE_BYTES = 4 << 20 };

struct show {
	struct lines *out;
	const struct mime_msg *m;
	const struct part *inside;	/* embedded message whose header was shown last */
	int columns;
};

static void
put_size(struct str *out, uint64_t bytes)
{
	if (bytes < 1000)
		str_printf(out, "%u bytes", (unsigned)bytes);
	else if (bytes < 1000000)
		str_printf(out, "%.1f KB", (double)bytes / 1e3);
	else
		str_printf(out, "%.1f MB", (double)bytes / 1e6);
}

/* What to call it: its file name, of a message its subject. */
static const char *
name_of(struct arena *a, const struct show *s, const struct part *p)
{
	struct str raw = {0};
	struct msg summary = {0};

	if (*p->filename)
		return p->filename;
	if (part_is_message(p) && mime_part_header(s->m, p->section, &raw))
		mime_summary(a, &summary, str_get(&raw), raw.len);
	str_clear(&raw);
	if (summary.subject && *summary.subject)
		return summary.subject;
	return *p->description ? p->description : "without a name";
}

/* Of a large one as base64 in lines of 76 makes it: nobody sees the difference,
 * and decoding it takes long. */
static uint64_t
decoded_size(const struct show *s, const struct part *p)
{
	struct str bytes = {0};

	if (p->size_bytes > LARGE_BYTES)
		return p->encoding == ENC_BASE64 ? p->size_bytes * 57 / 78 : p->size_bytes;
	mime_part_bytes(s->m, p->section, &bytes, LARGE_BYTES);
	uint64_t n = bytes.len;
	str_clear(&bytes);
	return n;
}

static void
put_attachment(struct show *s, const struct part *p)
{
	struct arena a = {0};
	struct str text = {0};

	str_printf(&text, "attached: %s (%s, ", name_of(&a, s, p), p->type);
	put_size(&text, decoded_size(s, p));
	str_puts(&text, ")");
	lines_add(s->out, SPAN_ATTACHMENT, str_get(&text), s->columns);
	str_clear(&text);
	arena_clear(&a);
}

/* An embedded message whose text stands above. */
static bool
is_open(const struct part *p, const struct part **shown, size_t n)
{
	for (size_t i = 0; part_is_message(p) && i < n; i++) {
		for (const struct part *up = shown[i]->parent; up; up = up->parent) {
			if (up == p)
				return true;
		}
	}
	return false;
}

static void
put_attachments(struct show *s, const struct part **shown, size_t n_shown)
{
	size_t n = 0;

	for (const struct part *p = mime_root(s->m); p; p = part_next(p)) {
		if (!part_is_attachment(p) || is_open(p, shown, n_shown))
			continue;
		if (n == 0)
			lines_blank(s->out, 0, "");
		if (n++ < MAX_LISTED)
			put_attachment(s, p);
	}
	if (n > MAX_LISTED)
		lines_add(s->out, SPAN_NOTICE, "more attachments are not listed", s->columns);
}

/* The header of an embedded message before the first of its text. */
static void
enter_message(struct show *s, const struct part *p)
{
	const struct part *message = part_message_around(p);
	struct str header = {0};

	if (message == s->inside)
		return;
	s->inside = message;
	lines_add(s->out, SPAN_NOTICE,
		message ? "message in this message:" : "end of that message", s->columns);
	if (message && mime_part_header(s->m, message->section, &header))
		lines_header(s->out, str_get(&header), header.len, false, true, s->columns);
	lines_blank(s->out, 0, "");
	str_clear(&header);
}

static void
put_part(struct show *s, const struct part *p)
{
	struct str bytes = {0}, text = {0};

	mime_part_bytes(s->m, p->section, &bytes, MAX_PART_BYTES);
	mime_to_utf8(&text, p, str_get(&bytes), bytes.len);
	seal_note_inline(s->out, str_get(&text), text.len, s->columns);
	mime_render(s->out, p, str_get(&text), text.len, s->columns);
	str_clear(&bytes);
	str_clear(&text);
}

static void
put_parts(struct show *s, const struct part **parts, size_t n, const struct opened *o)
{
	struct seal_walk walk;

	seal_walk_init(&walk, s->out, mime_root(s->m), o, s->columns);
	for (size_t i = 0; i < n; i++) {
		bool said = seal_before(&walk, parts[i]);
		if (i > 0 || said)
			lines_blank(s->out, 0, "");
		enter_message(s, parts[i]);
		if (i > 0 && *parts[i]->filename)
			lines_add(s->out, SPAN_NOTICE, parts[i]->filename, s->columns);
		put_part(s, parts[i]);
	}
	seal_before(&walk, NULL);
	if (n == 0 && walk.n == 0)
		lines_add(s->out, SPAN_NOTICE, "this message has no text", s->columns);
}

static void
put_body(struct lines *out, const struct mime_msg *m, const struct opened *o, int columns)
{
	struct show s = { .out = out, .m = m, .columns = columns };
	const struct part *parts[MAX_READABLE];
	size_t n_parts = part_readable(mime_root(m), false, parts, MAX_READABLE);

	lines_blank(out, 0, "");
	if (mime_warning(m)) {
		lines_add(out, SPAN_NOTICE, mime_warning(m), columns);
		lines_blank(out, 0, "");
	}
	put_parts(&s, parts, n_parts, o);
	if (n_parts == MAX_READABLE)
		lines_add(out, SPAN_NOTICE, "more parts with text are not shown", columns);
	put_attachments(&s, parts, n_parts);
}

void
mime_show_text(struct lines *out, const struct mime_msg *m, const char *raw, size_t n,
	bool all_headers, int columns)
{
	columns = columns < MIN_COLUMNS ? MIN_COLUMNS : columns;
	mime_render_header(out, raw, header_read(mime_header_length(raw, n)), all_headers,
		columns);
	put_body(out, m, NULL, columns);
}

void
opened_show(struct lines *out, const struct opened *o, bool all_headers, int columns)
{
	struct str header = {0};

	columns = columns < MIN_COLUMNS ? MIN_COLUMNS : columns;
	mime_part_header(o->m, "", &header);
	mime_render_header(out, str_get(&header), header.len, all_headers, columns);
	put_body(out, o->m, o, columns);
	str_clear(&header);
}
