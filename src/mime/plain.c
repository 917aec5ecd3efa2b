/* plain.c - text/plain for reading: quotes by level, signatures, format=flowed (RFC 3676).
 *
 * A long line is wrapped behind its own quote prefix, so that a quote stays one when it is
 * folded. Flowed lines are joined to paragraphs first; there the prefix is made anew from the
 * level. One pass; a joined paragraph is the only thing held. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "utf8.h"

enum { MAX_QUOTE_LEVEL = 200, TAB_COLUMNS = 8 };

struct plain {
	struct lines *out;
	int columns;
	bool is_flowed, delsp;
	bool in_signature;
	struct str paragraph;		/* flowed: what goes on in the next line */
	int level;			/* of the paragraph */
	bool is_open;			/* the paragraph expects a next line */
};

/* Quote marks at the head of a line, "> > ", ">>": bytes taken, and how many there are. */
static size_t
quote_prefix(const char *s, size_t n, int *level)
{
	size_t i = 0, end = 0;

	*level = 0;
	while (i < n) {
		size_t spaces = 0;
		while (i + spaces < n && s[i + spaces] == ' ' && spaces < (*level ? 2 : 1))
			spaces++;
		if (i + spaces >= n || s[i + spaces] != '>')
			break;
		i += spaces + 1;
		end = i;
		++*level;
	}
	if (end && end < n && s[end] == ' ')
		end++;
	return end;
}

static void
expand_tabs(struct str *out, const char *s, size_t n)
{
	int column = 0, w;

	if (!memchr(s, '\t', n)) {
		str_add(out, s, n);
		return;
	}
	for (size_t i = 0; i < n;) {
		if (s[i] == '\t') {
			do
				str_putc(out, ' ');
			while (++column % TAB_COLUMNS);
			i++;
			continue;
		}
		size_t len = text_grapheme(s + i, n - i, &w);
		str_add(out, s + i, len);
		column += w;
		i += len;
	}
}

/* A line with the quote prefix it came with. Prefixes as wide as the screen are no help: the
 * innermost marks are kept. */
static bool
emit_quoted(struct plain *p, const char *s, size_t prefix_n, size_t n, int level)
{
	size_t skip = 0, most = (size_t)(p->columns / 2);

	if (prefix_n > most)
		skip = prefix_n - most;
	char *prefix = xstrndup(s + skip, prefix_n - skip);
	if (level && prefix_n > skip && prefix[prefix_n - skip - 1] != ' ' && n > prefix_n) {
		char *spaced = xasprintf("%s ", prefix);
		free(prefix);
		prefix = spaced;
	}
	struct shape shape = {
		level ? SPAN_QUOTE : p->in_signature ? SPAN_SIGNATURE : SPAN_TEXT,
		level < MAX_QUOTE_LEVEL ? level : MAX_QUOTE_LEVEL,
		prefix, prefix, p->columns, false
	};
	bool ok = lines_wrap(p->out, &shape, s + prefix_n, n - prefix_n);
	free(prefix);
	return ok;
}

static bool
emit_fixed(struct plain *p, const char *s, size_t n)
{
	int level;
	size_t prefix = quote_prefix(s, n, &level);

	if (n == 3 && memcmp(s, "-- ", 3) == 0)
		p->in_signature = true;
	return emit_quoted(p, s, prefix, n, level);
}

static bool
close_paragraph(struct plain *p)
{
	struct str line = {0};

	if (!p->is_open)
		return true;
	for (int i = 0; i < p->level; i++)
		str_putc(&line, '>');
	if (p->level)
		str_putc(&line, ' ');
	size_t prefix = line.len;
	str_add(&line, str_get(&p->paragraph), p->paragraph.len);
	bool ok = emit_quoted(p, str_get(&line), prefix, line.len, p->level);
	str_clear(&line);
	str_cut(&p->paragraph, 0);
	p->is_open = false;
	return ok;
}

/* RFC 3676 4.2 to 4.5: marks are counted, one space of stuffing goes,
 * a space at the end joins. */
static bool
emit_flowed(struct plain *p, const char *s, size_t n)
{
	int level = 0;

	while (n > 0 && *s == '>') {
		level += level < MAX_QUOTE_LEVEL;
		s++;
		n--;
	}
	if (n > 0 && *s == ' ') {
		s++;
		n--;
	}
	bool is_signature = n == 3 && memcmp(s, "-- ", 3) == 0;
	if ((is_signature || level != p->level) && !close_paragraph(p))
		return false;
	if (is_signature && level == 0)
		p->in_signature = true;
	p->level = level;
	p->is_open = true;
	bool goes_on = n > 0 && s[n - 1] == ' ' && !is_signature;
	str_add(&p->paragraph, s, goes_on && p->delsp ? n - 1 : n);
	return goes_on || close_paragraph(p);
}

/* Characters without a width that only break up words: gone, where
 * text_clean would show a box. */
static void
drop_invisible(struct str *s)
{
	static const char *const marks[] = { "\xe2\x80\x8b", "\xef\xbb\xbf", "\xe2\x81\xa0" };
	size_t to = 0;

	for (size_t i = 0; i < s->len;) {
		bool hit = false;
		if ((unsigned char)s->data[i] >= 0xe2 && s->len - i >= 3) {
			for (size_t k = 0; k < LEN(marks) && !hit; k++)
				hit = memcmp(s->data + i, marks[k], 3) == 0;
		}
		if (hit)
			i += 3;
		else
			s->data[to++] = s->data[i++];
	}
	str_cut(s, to);
}

void
lines_plain(struct lines *out, const struct part *part, const char *utf8, size_t n,
	int columns)
{
	struct plain p = { .out = out, .columns = columns, .is_flowed = str_eq(part->format,
		"flowed"), .delsp = str_eq(part->delsp, "yes") };
	struct str raw = {0}, clean = {0}, line = {0};
	bool ok = true;

	str_add(&raw, utf8, n);
	drop_invisible(&raw);
	text_clean(&clean, str_get(&raw), raw.len, CLEAN_TEXT);
	const char *s = str_get(&clean), *end = s + clean.len;
	while (end > s && (end[-1] == '\n' || end[-1] == ' '))
		end--;
	while (s < end && *s == '\n')
		s++;
	while (s < end && ok) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		const char *stop = nl ? nl : end;
		str_cut(&line, 0);
		expand_tabs(&line, s, (size_t)(stop - s));
		ok = p.is_flowed ? emit_flowed(&p, str_get(&line), line.len)
			: emit_fixed(&p, str_get(&line), line.len);
		s = nl ? nl + 1 : end;
	}
	if (ok)
		close_paragraph(&p);
	str_clear(&p.paragraph);
	str_clear(&raw);
	str_clear(&clean);
	str_clear(&line);
}
