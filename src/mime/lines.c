/* lines.c - lines of text as they stand on the screen, and the one place that breaks them.
 *
 * Invariant: every line is clean, no wider than asked for (but for a grapheme wider than
 * the screen), and one that is the mail's own never begins with the mark of ours, so
 * that no mail can print a notice or a header block (SECURITY 17). Breaks fall at
 * spaces; between CJK characters where Unicode (UAX 14) allows; inside a word only when
 * it is wider than the line. */
#include <stdlib.h>
#include <string.h>
#include <unilbrk.h>

#include "internal.h"
#include "utf8.h"

static const char too_long[] = OUR_MARK
	"the rest of this text is not shown: it has more than 100,000 lines";

static struct line *
new_line(struct lines *out)
{
	out->v = array_grow(out->v, out->n, &out->cap, sizeof *out->v);
	struct line *l = &out->v[out->n++];
	*l = (struct line){ .text = "" };
	return l;
}

/* False when the limit is reached; the last line then says so. */
static bool
has_room(struct lines *out)
{
	if (out->n < MAX_LINES)
		return true;
	if (out->n == MAX_LINES) {
		struct line *l = new_line(out);
		l->text = too_long;
		l->style = SPAN_NOTICE;
	}
	return false;
}

/* The left blocks U+2589 to U+258F at the head of a line, behind quote marks and spaces. */
static size_t
find_mark(const char *s)
{
	size_t i = strspn(s, " >|\t");

	if (strncmp(s + i, "\xe2\x96", 2) == 0 && (unsigned char)s[i + 2] >= 0x89 &&
	    (unsigned char)s[i + 2] <= 0x8f)
		return i + 1;
	return 0;
}

static bool
push(struct lines *out, const struct shape *s, const char *prefix, const char *text, size_t n,
	bool is_wrapped)
{
	if (!has_room(out))
		return false;
	size_t m = strlen(prefix);
	char *t = arena_alloc(&out->arena, m + n + 1);
	memcpy(t, prefix, m);
	memcpy(t + m, text, n);
	size_t at = s->is_ours ? 0 : find_mark(t);
	if (at) {
		t[at - 1] = '|';
		memmove(t + at, t + at + 2, m + n - at - 1);
	}
	struct line *l = new_line(out);
	*l = (struct line){ t, s->style, (uint8_t)s->quote_level, is_wrapped, false };
	return true;
}

/* Where a line may be broken: breaks[i] before byte i. NULL: at spaces alone. */
static char *
find_breaks(const char *text, size_t n)
{
	bool is_ascii = true;

	for (size_t i = 0; i < n && is_ascii; i++)
		is_ascii = (unsigned char)text[i] < 0x80;
	if (is_ascii || n == 0)
		return NULL;
	char *breaks = xmalloc(n);
	u8_possible_linebreaks((const uint8_t *)text, n, "UTF-8", breaks);
	/* Slashes and hyphens of ASCII words stay together; URLs are copied from here. */
	for (size_t i = 1; i < n; i++) {
		if ((unsigned char)text[i - 1] < 0x80 && (unsigned char)text[i] < 0x80)
			breaks[i] = UC_BREAK_PROHIBITED;
	}
	return breaks;
}

static bool
may_break(const char *text, const char *breaks, size_t i)
{
	if (text[i - 1] == ' ' && text[i] != ' ')
		return true;
	return breaks && text[i - 1] != ' ' && text[i] != ' ' &&
		breaks[i] == UC_BREAK_POSSIBLE;
}

/* Bytes of text[i..n) that go on one line of `columns`; at least one grapheme. */
static size_t
fit_line(const char *text, size_t i, size_t n, const char *breaks, int columns)
{
	int used = 0, w;
	size_t last = 0, j = i;

	while (j < n) {
		if (j > i && may_break(text, breaks, j))
			last = j;
		size_t len = text_grapheme(text + j, n - j, &w);
		/* A bare space at the end may hang over: it is not printed. */
		bool is_space = len == 1 && text[j] == ' ';
		if (used + w > columns && !is_space)
			return last ? last : j > i ? j : j + len;
		used += w;
		j += len;
	}
	return n;
}

bool
lines_wrap(struct lines *out, const struct shape *s, const char *text, size_t n)
{
	const char *prefix = s->first;
	int prefix_width = text_width(prefix, strlen(prefix));

	while (n > 0 && text[n - 1] == ' ')
		n--;
	if (n == 0) {
		size_t m = strlen(prefix);
		while (m > 0 && prefix[m - 1] == ' ')
			m--;
		char *bare = arena_strndup(&out->arena, prefix, m);
		return push(out, s, bare, "", 0, false);
	}
	char *breaks = find_breaks(text, n);
	bool ok = true;
	for (size_t i = 0; i < n && ok;) {
		int room = s->columns - prefix_width;
		size_t end = fit_line(text, i, n, breaks, room > 0 ? room : 1);
		size_t shown = end;
		while (shown > i && text[shown - 1] == ' ' && end < n)
			shown--;
		ok = push(out, s, prefix, text + i, shown - i, end < n);
		if (ok)
			out->v[out->n - 1].is_split = end < n && text[end - 1] != ' ' &&
				text[end] != ' ';
		i = end;
		if (prefix != s->rest) {
			prefix = s->rest;
			prefix_width = text_width(prefix, strlen(prefix));
		}
	}
	free(breaks);
	return ok;
}

void
lines_add(struct lines *out, enum span_style style, const char *text, int columns)
{
	struct str clean = {0};
	bool marked = style == SPAN_NOTICE || style == SPAN_ATTACHMENT;
	struct shape s = { style, 0, marked ? OUR_MARK : "", marked ? OUR_MARK : "", columns,
		marked };

	text_clean(&clean, text, strlen(text), CLEAN_LINE);
	lines_wrap(out, &s, str_get(&clean), clean.len);
	str_clear(&clean);
}

bool
lines_blank(struct lines *out, int quote_level, const char *prefix)
{
	struct shape s = { quote_level ? SPAN_QUOTE : SPAN_TEXT, quote_level, prefix, prefix,
		80, false };

	return lines_wrap(out, &s, "", 0);
}

/* Link numbers by URL: the same address has the same number, found by a walk back of bounded
 * length, so that 100,000 links stay linear. */
size_t
lines_link(struct lines *out, const char *url)
{
	size_t n = out->n_links, back = n < 200 ? n : 200;

	for (size_t i = 0; i < back; i++) {
		if (strcmp(out->links[n - 1 - i], url) == 0)
			return n - i;
	}
	out->links = array_grow(out->links, n, &out->cap_links, sizeof *out->links);
	out->links[n] = arena_strdup(&out->arena, url);
	out->n_links = n + 1;
	return n + 1;
}

/* What a further line begins with is not of its text: a quote mark for each level, our mark,
 * what sets it in. */
static const char *
without_prefix(const struct line *l)
{
	const char *s = l->text;

	if (str_starts(s, OUR_MARK))
		s += strlen(OUR_MARK);
	for (int i = 0; i < l->quote_level; i++) {
		const char *mark = s + strspn(s, " \t");
		if (*mark != '>' && *mark != '|')
			break;
		s = mark + 1;
	}
	return s + strspn(s, " ");
}

void
lines_text(struct str *out, const struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		const struct line *l = &lines->v[i];
		bool is_rest = i > 0 && l[-1].is_wrapped;
		if (is_rest && !l[-1].is_split)
			str_putc(out, ' ');
		str_puts(out, is_rest ? without_prefix(l) : l->text);
		if (!l->is_wrapped)
			str_putc(out, '\n');
	}
}

void
lines_wipe(struct lines *out)
{
	arena_wipe(&out->arena);
	lines_clear(out);
}

void
lines_clear(struct lines *out)
{
	free(out->v);
	free(out->links);
	arena_clear(&out->arena);
	*out = (struct lines){0};
}
