/* address.c - lists of addresses and dates out of header values.
 *
 * One pass over the value, no recursion, so that 100,000 addresses or as many open brackets
 * cost what their length is. Reads what RFC 5322 3.4 allows (groups, comments, quoted local
 * parts, routes) and what mail has besides: names with commas left unquoted in encoded words,
 * addresses without brackets behind a name, semicolons as separators. */
#include <gmime/gmime.h>
#include <string.h>

#include "internal.h"

enum { MAX_ADDRESSES = 100000 };

/* What one address is collected in; the strings are emptied between two. */
struct collector {
	struct arena *arena;
	struct address *v;
	size_t n, cap;
	struct str words;		/* display name, or the address where there is no <> */
	struct str angle;		/* inside <> */
	struct str comment;		/* last comment: an old way to write a name */
	bool has_angle, was_quoted;
	bool no_quotes;			/* the rest holds a quote that is never closed */
};

static void
trim(struct str *s)
{
	size_t i = 0;

	while (s->len && (s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\t'))
		str_cut(s, s->len - 1);
	while (i < s->len && (s->data[i] == ' ' || s->data[i] == '\t'))
		i++;
	if (i) {
		memmove(s->data, s->data + i, s->len - i + 1);
		s->len -= i;
	}
}

static void
push(struct collector *c, const char *name, const char *addr)
{
	if (c->n >= MAX_ADDRESSES)
		return;
	c->v = array_grow(c->v, c->n, &c->cap, sizeof *c->v);
	c->v[c->n++] = (struct address){ mime_decode_words(c->arena, name),
		mime_decode_words(c->arena, addr) };
}

/* "Ada ada@example.org" without brackets: the last word is the address. */
static void
push_bare(struct collector *c)
{
	char *text = c->words.data, *at = strrchr(text, '@');
	char *cut = at && !c->was_quoted ? strrchr(text, ' ') : NULL;

	if (cut && cut < at) {
		*cut = '\0';
		push(c, text, cut + 1);
	} else if (at || !c->comment.len) {
		push(c, at || !strchr(text, ' ') ? str_get(&c->comment) : text,
			at || !strchr(text, ' ') ? text : "");
	} else {
		push(c, str_get(&c->comment), text);
	}
}

static void
finish(struct collector *c)
{
	trim(&c->words);
	trim(&c->angle);
	trim(&c->comment);
	if (c->has_angle) {
		const char *addr = str_get(&c->angle);
		if (addr[0] == '@' && strchr(addr, ':'))	/* a route, RFC 5322 4.4 */
			addr = strchr(addr, ':') + 1;
		if (*addr || c->words.len)
			push(c, c->words.len ? c->words.data : str_get(&c->comment), addr);
	} else if (c->words.len) {
		push_bare(c);
	}
	str_cut(&c->words, 0);
	str_cut(&c->angle, 0);
	str_cut(&c->comment, 0);
	c->has_angle = c->was_quoted = false;
}

/* A quoted string at s (behind its quote) into out; returns where it ends. One that is not
 * closed is taken as far as the value goes. */
static const char *
take_quoted(struct str *out, const char *s)
{
	for (; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		str_putc(out, *s);
	}
	return *s ? s + 1 : s;
}

static const char *
take_comment(struct str *out, const char *s)
{
	int depth = 1;

	str_cut(out, 0);
	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '(')
			depth++;
		else if (*s == ')' && --depth == 0)
			return s + 1;
		str_putc(out, *s);
	}
	return s;
}

static const char *
take_angle(struct str *out, const char *s)
{
	str_cut(out, 0);
	while (*s && *s != '>') {
		if (*s == '"') {
			const char *begin = s;
			struct str quoted = {0};
			s = take_quoted(&quoted, s + 1);
			str_clear(&quoted);
			str_add(out, begin, (size_t)(s - begin));
		} else {
			if (*s != ' ' && *s != '\t')
				str_putc(out, *s);
			s++;
		}
	}
	return *s ? s + 1 : s;
}

/* A quoted local part ("a b"@example.org) keeps its quotes, a quoted name loses them. */
static const char *
take_string(struct collector *c, const char *s)
{
	struct str text = {0};
	const char *next = take_quoted(&text, s + 1);

	if (next[-1] != '"' || next == s + 1) {
		/* an ordinary character then, and never looked for again */
		c->no_quotes = true;
		next = s + 1;
	} else if (*next == '@') {
		str_add(&c->words, s, (size_t)(next - s));
		c->was_quoted = true;
	} else {
		if (c->words.len && s[-1] != ' ')
			str_putc(&c->words, ' ');
		str_add(&c->words, str_get(&text), text.len);
		c->was_quoted = true;
	}
	str_clear(&text);
	return next;
}

/* An encoded word is one piece, whatever separators mailers left raw in it. */
static const char *
encoded_word_end(const char *s)
{
	if (s[0] != '=' || s[1] != '?')
		return NULL;
	const char *p = s + 2;
	for (int marks = 0; *p && *p != ' ' && *p != '\t' && p - s < 1000; p++) {
		if (*p == '?' && ++marks >= 3 && p[1] == '=')
			return p + 2;
	}
	return NULL;
}

static void
collect(struct collector *c, const char *s)
{
	while (*s && c->n < MAX_ADDRESSES) {
		const char *word = encoded_word_end(s);
		if (word) {
			str_add(&c->words, s, (size_t)(word - s));
			s = word;
		} else if (*s == '"' && !c->no_quotes) {
			s = take_string(c, s);
		} else if (*s == '(') {
			s = take_comment(&c->comment, s + 1);
		} else if (*s == '<') {
			s = take_angle(&c->angle, s + 1);
			c->has_angle = true;
		} else if (*s == ',' || *s == ';') {
			finish(c);
			s++;
		} else if (*s == ':' && !strchr(str_get(&c->words), '@')) {
			trim(&c->words);
			if (c->words.len)
				push(c, c->words.data, "");	/* a group's name */
			str_cut(&c->words, 0);
			s++;
		} else {
			str_putc(&c->words, *s++);
		}
	}
	finish(c);
}

size_t
mime_addresses(struct arena *a, const struct address **out, const char *raw_value)
{
	struct collector c = { .arena = a };

	collect(&c, raw_value);
	*out = arena_take(a, c.v, c.n * sizeof *c.v);
	str_clear(&c.words);
	str_clear(&c.angle);
	str_clear(&c.comment);
	return c.n;
}

int64_t
mime_date(const char *raw_value, int *tz_minutes)
{
	GDateTime *d = g_mime_utils_header_decode_date(raw_value);

	if (tz_minutes)
		*tz_minutes = 0;
	if (!d)
		return 0;
	int64_t seconds = g_date_time_to_unix(d);
	if (tz_minutes)
		*tz_minutes = (int)(g_date_time_get_utc_offset(d) / 60000000);
	g_date_time_unref(d);
	return seconds;
}
