/* lex.c - the INI form of the mailrc, one line at a time.
 *
 *	line    = blank | comment | "[" name [words] "]" [comment] | name "=" [value] [comment]
 *	comment = ( ";" | "#" ) at the beginning, or behind white space and outside of quotes
 *	value   = "quoted" | 'quoted' | anything
 *
 * A value is unquoted only when the quotes hold all of it, so that `"Lovelace, Ada" <ada@x>`
 * stays as it is. In sections of keys, `;`, `#` and `=` are keys: a line that begins with one
 * of them and goes on with "=" binds it. In [colors] `#` and six hexadecimal digits are
 * a colour. */
#include <string.h>

#include "lex.h"
#include "str.h"
#include "utf8.h"

struct text {
	const char *p, *end;
	enum lex_mode mode;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_space(struct text *t)
{
	while (t->p < t->end && is_space(*t->p))
		t->p++;
}

static char
peek(const struct text *t, size_t ahead)
{
	return (size_t)(t->end - t->p) > ahead ? t->p[ahead] : '\0';
}

/* ';' or '#' here begins a comment; the caller knows that white space stands before it. */
static bool
at_comment(const struct text *t)
{
	if (peek(t, 0) == '#' && t->mode == LEX_COLORS) {
		size_t n = 1;
		while (peek(t, n) && strchr("0123456789abcdefABCDEF", peek(t, n)))
			n++;
		return n != 7 || (peek(t, n) && !is_space(peek(t, n)));
	}
	return peek(t, 0) == ';' || peek(t, 0) == '#';
}

/* A key such as ';', '#' or '=' that is bound: it stands alone before the '='. */
static bool
at_odd_key(struct text t)
{
	if (t.mode != LEX_KEYS || !peek(&t, 0) || !strchr(";#=", *t.p))
		return false;
	t.p++;
	skip_space(&t);
	return peek(&t, 0) == '=';
}

/* The quote that closes the one at p; NULL when none does. */
static const char *
closing_quote(const char *p, const char *end)
{
	char quote = *p++;

	for (; p < end && *p != quote; p++) {
		if (quote == '"' && *p == '\\' && p + 1 < end)
			p++;
	}
	return p < end ? p : NULL;
}

static char *
unquote(const char *p, const char *end)
{
	struct str s = {0};
	char quote = *p++;

	for (; p < end; p++) {
		if (quote == '"' && *p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		str_putc(&s, *p);
	}
	return str_take(&s);
}

/* Where the value ends: before a comment, without the white space before that. */
static const char *
value_end(struct text t)
{
	const char *end = t.p;
	bool after_space = true;

	while (t.p < t.end) {
		if (after_space && at_comment(&t))
			break;
		const char *close = after_space && (*t.p == '"' || *t.p == '\'')
			? closing_quote(t.p, t.end) : NULL;
		if (close)
			t.p = close;
		after_space = is_space(*t.p);
		t.p++;
		if (!after_space)
			end = t.p;
	}
	return end;
}

static void
lex_value(struct lex *out, struct text *t)
{
	const char *end = value_end(*t);
	const char *close = end > t->p && (*t->p == '"' || *t->p == '\'')
		? closing_quote(t->p, end) : NULL;

	if (end > t->p && *t->p == '"' && !close)
		out->error = "a quote is not closed";
	else if (close && close + 1 == end)
		out->value = unquote(t->p, close);
	else
		out->value = xstrndup(t->p, (size_t)(end - t->p));
}

/* The name up to '='. A key may hold '=' itself ("<C-=>") when white
 * space stands behind it. */
static void
lex_name(struct lex *out, struct text *t)
{
	const char *start = t->p, *close = *start == '"' ? closing_quote(start, t->end) : NULL;

	if (t->mode == LEX_KEYS && close) {
		out->name = unquote(start, close);
		t->p = close + 1;
	} else if (t->mode == LEX_KEYS) {
		const char *word = start + 1;
		while (word < t->end && !is_space(*word))
			word++;
		struct text behind = { word, t->end, t->mode };
		skip_space(&behind);
		if (peek(&behind, 0) != '=')
			word = memchr(start + 1, '=', (size_t)(t->end - start - 1));
		t->p = word ? word : t->end;
		out->name = xstrndup(start, (size_t)(t->p - start));
	} else {
		const char *eq = memchr(start, '=', (size_t)(t->end - start));
		t->p = eq ? eq : t->end;
		while (t->p > start && is_space(t->p[-1]))
			t->p--;
		out->name = xstrndup(start, (size_t)(t->p - start));
	}
	skip_space(t);
}

static void
lex_pair(struct lex *out, struct text *t)
{
	lex_name(out, t);
	if (peek(t, 0) != '=')
		out->error = "there is no '=' in this line";
	else if (!*out->name)
		out->error = "nothing stands before the '='";
	if (out->error)
		return;
	t->p++;
	skip_space(t);
	lex_value(out, t);
}

static void
lex_section(struct lex *out, struct text *t)
{
	const char *close = memchr(t->p, ']', (size_t)(t->end - t->p));
	struct text inner = { t->p + 1, close, t->mode };

	if (!close) {
		out->error = "a ']' is missing";
		return;
	}
	t->p = close + 1;
	skip_space(t);
	if (t->p < t->end && !at_comment(t)) {
		out->error = "something stands behind the ']'";
		return;
	}
	skip_space(&inner);
	while (inner.end > inner.p && is_space(inner.end[-1]))
		inner.end--;
	const char *word = inner.p;
	while (inner.p < inner.end && !is_space(*inner.p))
		inner.p++;
	out->name = xstrndup(word, (size_t)(inner.p - word));
	skip_space(&inner);
	out->value = xstrndup(inner.p, (size_t)(inner.end - inner.p));
}

static bool
has_control(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (((unsigned char)p[i] < ' ' && p[i] != '\t') || p[i] == 0x7f)
			return true;
	}
	return false;
}

void
lex_line(struct lex *out, const char *line, size_t n, enum lex_mode mode)
{
	if (n > 0 && line[n - 1] == '\r')
		n--;
	struct text t = { line, line + n, mode };

	*out = (struct lex){0};
	skip_space(&t);
	if (t.p == t.end || (at_comment(&t) && !at_odd_key(t)))
		return;
	/* "[" without "]" in a section of keys binds that key. */
	out->is_section = *t.p == '[' &&
		(mode != LEX_KEYS || memchr(t.p, ']', (size_t)(t.end - t.p)));
	if (has_control(line, n))
		out->error = "a control character stands in this line";
	else if (!utf8_valid(line, n))
		out->error = "this line is not UTF-8";
	else if (out->is_section)
		lex_section(out, &t);
	else
		lex_pair(out, &t);
	out->kind = out->error ? LEX_ERROR : out->is_section ? LEX_SECTION : LEX_PAIR;
}

void
lex_clear(struct lex *l)
{
	secret_free(l->name);
	secret_free(l->value);
	*l = (struct lex){0};
}
