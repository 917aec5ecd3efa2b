/* render.c - parts and header blocks to lines. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "utf8.h"

enum { MAX_FIELD_BYTES = 4000, MAX_SNIFF_BYTES = 2048 };

/* What HTML says about its own charset: <meta charset=x> or http-equiv; "" when nothing. */
static void
meta_charset(char *out, size_t size, const char *s, size_t n)
{
	const char *end = s + (n < MAX_SNIFF_BYTES ? n : MAX_SNIFF_BYTES);

	*out = '\0';
	for (const char *p = s; p < end && (p = memchr(p, '=', (size_t)(end - p))); p++) {
		if (p - s < 7 || strncasecmp(p - 7, "charset", 7) != 0)
			continue;
		const char *v = p + 1;
		size_t len = 0;
		while (v < end && (*v == ' ' || *v == '"' || *v == '\''))
			v++;
		while (v + len < end && len < size - 1 && v[len] > ' ' && !strchr("\"'>;/", v[len]))
			len++;
		memcpy(out, v, len);
		out[len] = '\0';
		return;
	}
}

void
mime_to_utf8(struct str *out, const struct part *p, const char *decoded, size_t n)
{
	char meta[40] = "";

	if (!*p->charset && str_eq(p->type, "text/html"))
		meta_charset(meta, sizeof meta, decoded, n);
	/* A meta tag was written for some file once; what is no charset of ours does not count. */
	charset_to_utf8(out, *p->charset || !charset_is_known(meta) ? p->charset : meta, decoded, n);
}

void
mime_render(struct lines *out, const struct part *p, const char *utf8, size_t n, int columns)
{
	if (columns < MIN_COLUMNS)
		columns = MIN_COLUMNS;
	if (str_eq(p->type, "text/html"))
		lines_html(out, utf8, n, columns);
	else
		lines_plain(out, p, utf8, n, columns);
}

/* ---- the header block ---- */

struct block {
	struct lines *out;
	int columns;
	bool is_inner;			/* of an embedded message: with our mark */
};

static void
put_field(const struct block *b, const char *name, const char *value)
{
	struct str raw = {0}, clean = {0};
	const char *first = b->is_inner ? OUR_MARK : "";
	const char *rest = b->is_inner ? OUR_MARK "    " : "    ";
	struct shape shape = { SPAN_HEADER, 0, first, rest, b->columns, true };

	str_printf(&raw, "%s: ", name);
	str_add(&raw, value, strnlen(value, MAX_FIELD_BYTES));
	if (strlen(value) > MAX_FIELD_BYTES)
		str_puts(&raw, " \xe2\x80\xa6");
	text_clean(&clean, str_get(&raw), raw.len, CLEAN_LINE);
	lines_wrap(b->out, &shape, str_get(&clean), clean.len);
	str_clear(&raw);
	str_clear(&clean);
}

/* Addresses with their names, the real address always in sight. */
static void
put_addresses(const struct block *b, const char *name, const char *raw)
{
	struct arena a = {0};
	const struct address *v;
	struct str s = {0};
	size_t n = mime_addresses(&a, &v, raw), i;

	for (i = 0; i < n && s.len < MAX_FIELD_BYTES / 2; i++) {
		str_puts(&s, i ? ", " : "");
		if (*v[i].name && *v[i].addr)
			str_printf(&s, "%s <%s>", v[i].name, v[i].addr);
		else
			str_puts(&s, *v[i].addr ? v[i].addr : v[i].name);
	}
	if (i < n)
		str_printf(&s, ", and %zu more", n - i);
	if (n)
		put_field(b, name, str_get(&s));
	str_clear(&s);
	arena_clear(&a);
}

static void
put_date(const struct block *b, const struct header *h)
{
	int tz;
	int64_t seconds = mime_date(h->raw, &tz);
	time_t local = (time_t)(seconds + tz * 60);
	struct tm tm;
	char text[80];

	if (!seconds || !gmtime_r(&local, &tm) || tm.tm_year > 8099) {
		put_field(b, "Date", h->value);
		return;
	}
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	snprintf(text, sizeof text, "%s, %d %s %d %02d:%02d %c%02d%02d", days[tm.tm_wday], tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tz < 0 ? '-' : '+',
		(tz < 0 ? -tz : tz) / 60, (tz < 0 ? -tz : tz) % 60);
	put_field(b, "Date", text);
}

static const struct header *
find(const struct header *h, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(h[i].name, name))
			return &h[i];
	}
	return NULL;
}

/* Reply-To is worth a line when answers would go elsewhere than to the sender. */
static bool
is_elsewhere(const struct header *from, const struct header *reply_to)
{
	struct arena a = {0};
	const struct address *f, *r;
	bool differs = true;

	if (from && mime_addresses(&a, &f, from->raw) == 1 && mime_addresses(&a, &r, reply_to->raw) == 1)
		differs = !str_ieq(f[0].addr, r[0].addr);
	arena_clear(&a);
	return differs;
}

static void
put_block(const struct block *b, const struct header *h, size_t n)
{
	static const char *const people[] = { "From", "Reply-To", "To", "Cc" };
	const struct header *from = find(h, n, "From"), *f;

	for (size_t i = 0; i < LEN(people); i++) {
		if ((f = find(h, n, people[i])) && (i != 1 || is_elsewhere(from, f)))
			put_addresses(b, people[i], f->raw);
	}
	if ((f = find(h, n, "Date")))
		put_date(b, f);
	if ((f = find(h, n, "Subject")))
		put_field(b, "Subject", f->value);
}

void
lines_header(struct lines *out, const char *raw, size_t n, bool all, bool is_inner, int columns)
{
	struct block b = { out, columns < MIN_COLUMNS ? MIN_COLUMNS : columns, is_inner };
	struct arena a = {0};
	const struct header *h;
	size_t n_headers = mime_headers(&a, &h, raw, n);

	if (!all)
		put_block(&b, h, n_headers);
	for (size_t i = 0; all && i < n_headers; i++)
		put_field(&b, h[i].name, h[i].value);
	arena_clear(&a);
}

void
mime_render_header(struct lines *out, const char *raw, size_t n, bool all, int columns)
{
	lines_header(out, raw, n, all, false, columns);
}
