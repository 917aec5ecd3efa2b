/* render.c - parts and header blocks to lines. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "utf8.h"

enum {
	MAX_FIELD_BYTES = 4000,
	MAX_PEOPLE_BYTES = 64 << 10,
	MAX_SNIFF_BYTES = 2048,
	PEOPLE_LINES = 2
};

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
		while (v + len < end && len < size - 1 && v[len] > ' ' &&
		    !strchr("\"'>;/", v[len]))
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
	/* A meta tag was written for some file once; what is no
	 * charset of ours does not count. */
	charset_to_utf8(out, *p->charset || !charset_is_known(meta) ? p->charset : meta,
		decoded, n);
}

void
mime_render(struct lines *out, const struct part *p, const char *utf8, size_t n, int columns)
{
	if (columns < MIN_COLUMNS)
		columns = MIN_COLUMNS;
	if (str_eq(p->type, "text/html"))
		lines_html(out, utf8, n, columns);
	else if (part_is_calendar(p))
		lines_calendar(out, p, utf8, n, columns);
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

	size_t max = str_ieq(name, "To") || str_ieq(name, "Cc")
		? MAX_PEOPLE_BYTES : MAX_FIELD_BYTES;
	str_printf(&raw, "%s: ", name);
	str_add(&raw, value, strnlen(value, max));
	if (strlen(value) > max)
		str_puts(&raw, " \xe2\x80\xa6");
	text_clean(&clean, str_get(&raw), raw.len, CLEAN_LINE);
	lines_wrap(b->out, &shape, str_get(&clean), clean.len);
	str_clear(&raw);
	str_clear(&clean);
}

void
lines_field(struct lines *out, const char *name, const char *value, int columns)
{
	struct block b = { out, columns, true };

	put_field(&b, name, value);
}

static void
print_address(struct str *s, const struct address *x)
{
	if (*x->name && *x->addr)
		str_printf(s, "%s <%s>", x->name, x->addr);
	else
		str_puts(s, *x->addr ? x->addr : x->name);
}

/* Whether the field takes more than the lines that a list of people may have. */
static bool
is_too_long(const struct block *b, const char *name, const char *value)
{
	struct lines l = {0};
	struct block scratch = { &l, b->columns, b->is_inner };

	put_field(&scratch, name, value);
	bool is = l.n > PEOPLE_LINES;
	lines_clear(&l);
	return is;
}

/* Addresses with their names, the real address always in sight; of many as many as fit, and
 * how many more there are. Of an embedded message all, since nothing else shows those. */
static void
put_addresses(const struct block *b, const char *name, const char *raw)
{
	struct arena a = {0};
	const struct address *v;
	struct str s = {0}, shown = {0};
	size_t n = mime_addresses(&a, &v, raw), i;
	bool is_short = !b->is_inner && (str_eq(name, "To") || str_eq(name, "Cc"));

	for (i = 0; i < n && s.len < MAX_FIELD_BYTES / 2; i++) {
		size_t before = s.len;
		str_puts(&s, i ? ", " : "");
		print_address(&s, &v[i]);
		if (!is_short || i == 0)
			continue;
		str_cut(&shown, 0);
		str_puts(&shown, str_get(&s));
		if (i + 1 < n)
			str_printf(&shown, ", \xe2\x80\xa6 and %zu more", n - i - 1);
		if (is_too_long(b, name, str_get(&shown))) {
			str_cut(&s, before);
			break;
		}
	}
	if (i < n)
		str_printf(&s, ", \xe2\x80\xa6 and %zu more", n - i);
	if (n)
		put_field(b, name, str_get(&s));
	str_clear(&s);
	str_clear(&shown);
	arena_clear(&a);
}

bool
mime_print_date(char out[MIME_DATE_SIZE], int64_t seconds, int tz)
{
	time_t local = (time_t)(seconds + tz * 60);
	struct tm tm;

	if (!seconds || !gmtime_r(&local, &tm) || tm.tm_year > 8099)
		return false;
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	snprintf(out, MIME_DATE_SIZE, "%s, %d %s %d %02d:%02d %c%02d%02d", days[tm.tm_wday],
		tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tz < 0 ? '-' : '+', (tz < 0 ? -tz : tz) / 60, (tz < 0 ? -tz : tz) % 60);
	return true;
}

static void
put_date(const struct block *b, const struct header *h)
{
	char text[MIME_DATE_SIZE];
	int tz;
	int64_t seconds = mime_date(h->raw, &tz);

	put_field(b, "Date", mime_print_date(text, seconds, tz) ? text : h->value);
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

	if (from && mime_addresses(&a, &f, from->raw) == 1 &&
	    mime_addresses(&a, &r, reply_to->raw) == 1)
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
lines_header(struct lines *out, const char *raw, size_t n, bool all, bool is_inner,
	int columns)
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

void
mime_render_people(struct lines *out, const char *name, const char *value, int columns)
{
	struct block b = { out, columns < MIN_COLUMNS ? MIN_COLUMNS : columns, false };

	put_addresses(&b, name, value);
}
