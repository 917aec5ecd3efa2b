/* header.c - the header block: where it ends, and its fields one by one.
 *
 * A header ends at its empty line. Where that is missing (bodies glued to headers are common
 * in damaged mail) it ends behind its last field, so that the text is shown. Lines that are no
 * fields in between are skipped. Fields are spans of the bytes given; nothing is copied until
 * a value is asked for. */
#include <stdint.h>
#include <string.h>

#include "internal.h"

enum { MAX_FIELDS = 2000, MAX_NAME_BYTES = 200 };

static char
eol_of(const char *p, size_t n)
{
	return memchr(p, '\n', n) || !memchr(p, '\r', n) ? '\n' : '\r';
}

/* The line at p: *n its length without line end; returns where the next begins. */
static const char *
take_line(const char *p, const char *end, char eol, size_t *n)
{
	const char *q = memchr(p, eol, (size_t)(end - p));
	const char *next = q ? q + 1 : end;

	if (!q)
		q = end;
	if (eol == '\n' && q > p && q[-1] == '\r')
		q--;
	*n = (size_t)(q - p);
	return next;
}

/* Bytes of the field name at the head of a line; 0: it is no field. */
static size_t
name_length(const char *line, size_t n)
{
	size_t i = 0;

	while (i < n && i < MAX_NAME_BYTES && line[i] > ' ' && line[i] < 0x7f &&
	    line[i] != ':')
		i++;
	size_t name = i;
	while (i < n && (line[i] == ' ' || line[i] == '\t'))
		i++;
	return i < n && line[i] == ':' ? name : 0;
}

static bool
is_from_line(const char *line, size_t n)
{
	return (n >= 5 && memcmp(line, "From ", 5) == 0) ||
		(n >= 6 && memcmp(line, ">From ", 6) == 0);
}

size_t
header_scan(const char *p, size_t n, header_stop *stop, void *ctx)
{
	const char *end = p + n, *good = p, *next;
	char eol = eol_of(p, n < 65536 ? n : 65536);
	bool is_junk = false;

	for (const char *line = p; line < end; line = next) {
		size_t len;
		next = take_line(line, end, eol, &len);
		if (len == 0)
			return (size_t)((is_junk ? good : next) - p);
		if (stop && stop(ctx, line, len))
			return (size_t)((is_junk ? good : line) - p);
		bool goes_on = (*line == ' ' || *line == '\t') && line > p;
		if (!goes_on)
			is_junk = name_length(line, len) == 0 &&
				!(line == p && is_from_line(line, len));
		if (!is_junk)
			good = next;
	}
	return (size_t)((is_junk ? good : end) - p);
}

size_t
header_read(size_t n)
{
	return n < MIME_MAX_HEADER ? n : MIME_MAX_HEADER;
}

size_t
mime_header_length(const char *p, size_t n)
{
	return header_scan(p, n, NULL, NULL);
}

void
field_reader_init(struct field_reader *r, const char *p, size_t n)
{
	*r = (struct field_reader){ p, p + n, eol_of(p, n) };
}

bool
field_next(struct field_reader *r, struct field *f)
{
	while (r->p < r->end) {
		const char *line = r->p;
		size_t n, more;
		r->p = take_line(line, r->end, r->eol, &n);
		if (n == 0)
			break;
		const char *stop = line + n;
		while (r->p < r->end && (*r->p == ' ' || *r->p == '\t')) {
			const char *begin = r->p;
			r->p = take_line(begin, r->end, r->eol, &more);
			stop = begin + more;
		}
		size_t name = name_length(line, n);
		if (name == 0)
			continue;
		const char *colon = memchr(line + name, ':', n - name);
		f->name = (struct span){ line, name };
		f->value = (struct span){ colon + 1, (size_t)(stop - colon - 1) };
		return true;
	}
	r->p = r->end;
	return false;
}

bool
field_is(const struct field *f, const char *name)
{
	for (size_t i = 0; i < f->name.n; i++, name++) {
		char c = f->name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c != *name)
			return false;
	}
	return *name == '\0';
}

char *
field_unfold(struct arena *a, const struct field *f, size_t max)
{
	const char *s = f->value.p, *end = s + f->value.n;

	while (s < end && (*s == ' ' || *s == '\t' || *s == '\r' || *s == '\n'))
		s++;
	while (end > s &&
	    (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r' || end[-1] == '\n'))
		end--;
	if ((size_t)(end - s) > max)
		end = s + max;
	char *out = arena_alloc(a, (size_t)(end - s) + 1), *to = out;
	for (; s < end; s++) {
		if (*s == '\n' || (*s == '\r' &&
		    (s + 1 == end || s[1] == '\n' || s[1] == ' ' || s[1] == '\t')))
			continue;
		*to++ = *s == '\0' || *s == '\r' ? ' ' : *s;
	}
	return out;
}

size_t
mime_headers(struct arena *a, const struct header **out, const char *raw, size_t n)
{
	struct field_reader r;
	struct field f;
	struct header *v = NULL;
	size_t count = 0, cap = 0;

	field_reader_init(&r, raw, n);
	while (count < MAX_FIELDS && field_next(&r, &f)) {
		v = array_grow(v, count, &cap, sizeof *v);
		v[count].name = arena_strndup(a, f.name.p, f.name.n);
		v[count].raw = field_unfold(a, &f, SIZE_MAX);
		v[count].value = mime_decode_words(a, v[count].raw);
		count++;
	}
	*out = arena_take(a, v, count * sizeof *v);
	return count;
}

const char *
mime_header_value(const struct header *h, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(h[i].name, name))
			return h[i].value;
	}
	return NULL;
}
