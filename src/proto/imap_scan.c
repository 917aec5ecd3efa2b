/* imap_scan.c - the pieces of an IMAP response.
 *
 * Why not libetpan's parser: what it does not know (an untagged line, a FETCH item, a response
 * code) makes a whole command fail and leaves the stream out of step, and a server that wants
 * to can crash it. Here the framing (lines and literals) is found first, in imap_io.c, so a
 * piece that makes no sense costs that piece. */
#include <string.h>
#include <time.h>

#include "imap_scan.h"

struct scan
scan_of(const char *p, size_t n)
{
	return (struct scan){ .p = p, .end = p + n };
}

bool
scan_peek(const struct scan *s, char c)
{
	return s->p < s->end && *s->p == c;
}

bool
scan_char(struct scan *s, char c)
{
	if (!scan_peek(s, c))
		return false;
	s->p++;
	return true;
}

void
scan_spaces(struct scan *s)
{
	while (s->p < s->end && *s->p == ' ')
		s->p++;
}

bool
scan_done(const struct scan *s)
{
	return s->p >= s->end;
}

bool
scan_u64(struct scan *s, uint64_t *out)
{
	const char *p = s->p;
	uint64_t v = 0;

	for (; p < s->end && *p >= '0' && *p <= '9'; p++) {
		unsigned d = (unsigned)(*p - '0');
		if (v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (p == s->p)
		return false;
	s->p = p;
	*out = v;
	return true;
}

bool
scan_u32(struct scan *s, uint32_t *out)
{
	struct scan try = *s;
	uint64_t v;

	if (!scan_u64(&try, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	*s = try;
	return true;
}

static bool
is_atom_char(unsigned char c, bool brackets)
{
	if (c <= ' ' || c == 0x7f || c == '(' || c == ')' || c == '{' || c == '"')
		return false;
	return brackets || (c != '[' && c != ']');
}

bool
scan_atom(struct scan *s, const char **p, size_t *n, bool brackets)
{
	const char *q = s->p;

	while (q < s->end && is_atom_char((unsigned char)*q, brackets))
		q++;
	if (q == s->p)
		return false;
	*p = s->p;
	*n = (size_t)(q - s->p);
	s->p = q;
	return true;
}

bool
scan_word(struct scan *s, char *buf, size_t size)
{
	struct scan try = *s;
	const char *p;
	size_t n;

	if (!scan_atom(&try, &p, &n, false) || n >= size)
		return false;
	for (size_t i = 0; i < n; i++)
		buf[i] = p[i] >= 'a' && p[i] <= 'z' ? (char)(p[i] - 32) : p[i];
	buf[n] = '\0';
	*s = try;
	return true;
}

bool
scan_nil(struct scan *s)
{
	struct scan try = *s;
	char word[4];

	if (!scan_word(&try, word, sizeof word) || strcmp(word, "NIL") != 0)
		return false;
	*s = try;
	return true;
}

static bool
scan_literal(struct scan *s, const char **p, size_t *n)
{
	struct scan try = *s;
	uint64_t size;

	scan_char(&try, '~');			/* literal8 */
	if (!scan_char(&try, '{') || !scan_u64(&try, &size))
		return false;
	scan_char(&try, '+');
	if (!scan_char(&try, '}') || !scan_char(&try, '\r') || !scan_char(&try, '\n') ||
	    size > (uint64_t)(try.end - try.p))
		return false;
	*p = try.p;
	*n = (size_t)size;
	s->p = try.p + size;
	return true;
}

/* The inside of a quoted string, backslashes still in it. */
static bool
scan_quoted(struct scan *s, const char **p, size_t *n, bool *has_escapes)
{
	const char *q = s->p;

	*has_escapes = false;
	if (q >= s->end || *q++ != '"')
		return false;
	*p = q;
	for (; q < s->end && *q != '"'; q++)
		if (*q == '\\') {
			*has_escapes = true;
			if (++q == s->end)
				return false;
		}
	if (q >= s->end)
		return false;
	*n = (size_t)(q - *p);
	s->p = q + 1;
	return true;
}

bool
scan_bytes(struct scan *s, const char **p, size_t *n)
{
	struct scan try = *s;
	bool has_escapes;

	if (scan_literal(s, p, n))
		return true;
	if (!scan_quoted(&try, p, n, &has_escapes) || has_escapes)
		return false;
	*s = try;
	return true;
}

bool
scan_string(struct scan *s, struct str *out)
{
	const char *p;
	size_t n;
	bool has_escapes = false;

	if (!scan_literal(s, &p, &n) && !scan_quoted(s, &p, &n, &has_escapes))
		return false;
	str_cut(out, 0);
	if (!has_escapes) {
		str_add(out, p, n);
		return true;
	}
	for (const char *end = p + n; p < end; p++) {
		if (*p == '\\')
			p++;
		str_putc(out, *p);
	}
	return true;
}

bool
scan_nstring(struct scan *s, struct str *out)
{
	if (scan_string(s, out))
		return true;
	if (!scan_nil(s))
		return false;
	str_cut(out, 0);
	return true;
}

bool
scan_astring(struct scan *s, struct str *out)
{
	const char *p;
	size_t n;

	if (scan_string(s, out))
		return true;
	if (!scan_atom(s, &p, &n, true))
		return false;
	str_cut(out, 0);
	str_add(out, p, n);
	return true;
}

static bool
skip_leaf(struct scan *s)
{
	const char *p;
	size_t n;
	bool has_escapes;

	return scan_literal(s, &p, &n) || scan_quoted(s, &p, &n, &has_escapes) ||
		scan_atom(s, &p, &n, true);
}

bool
scan_skip(struct scan *s)
{
	struct scan try = *s;
	size_t depth = 0;

	do {
		if (scan_char(&try, '('))
			depth++;
		else if (depth > 0 && scan_char(&try, ')'))
			depth--;
		else if (!skip_leaf(&try))
			return false;
		if (depth > 0)
			scan_spaces(&try);
	} while (depth > 0);
	*s = try;
	return true;
}

bool
scan_set(struct scan *s, const char **p, size_t *n)
{
	const char *q = s->p;

	while (q < s->end && ((*q >= '0' && *q <= '9') || *q == ',' || *q == ':' || *q == '*'))
		q++;
	if (q == s->p)
		return false;
	*p = s->p;
	*n = (size_t)(q - s->p);
	s->p = q;
	return true;
}

static bool
two_digits(struct scan *s, int *out)
{
	if (s->end - s->p < 2 || s->p[0] < '0' || s->p[0] > '9' || s->p[1] < '0' ||
	    s->p[1] > '9')
		return false;
	*out = (s->p[0] - '0') * 10 + (s->p[1] - '0');
	s->p += 2;
	return true;
}

static bool
scan_month(struct scan *s, int *month)
{
	static const char names[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
	char word[4];

	if (s->end - s->p < 3)
		return false;
	for (int i = 0; i < 3; i++)
		word[i] = (char)(s->p[i] & ~0x20);
	word[3] = '\0';
	for (*month = 0; *month < 12; ++*month)
		if (memcmp(names + 3 * *month, word, 3) == 0) {
			s->p += 3;
			return true;
		}
	return false;
}

bool
scan_date(const char *p, size_t n, int64_t *out)
{
	struct scan s = scan_of(p, n);
	struct tm tm = {0};
	int century, year, zone_h = 0, zone_m = 0;

	scan_char(&s, ' ');			/* " 7-Jul": the day is two columns wide */
	if (!two_digits(&s, &tm.tm_mday)) {
		if (s.p >= s.end || *s.p < '1' || *s.p > '9')
			return false;
		tm.tm_mday = *s.p++ - '0';
	}
	if (!scan_char(&s, '-') ||
	    !scan_month(&s, &tm.tm_mon) || !scan_char(&s, '-') || !two_digits(&s, &century) ||
	    !two_digits(&s, &year) || !scan_char(&s, ' ') || !two_digits(&s, &tm.tm_hour) ||
	    !scan_char(&s, ':') || !two_digits(&s, &tm.tm_min) || !scan_char(&s, ':') ||
	    !two_digits(&s, &tm.tm_sec) || !scan_char(&s, ' '))
		return false;
	bool is_west = scan_char(&s, '-');
	if (!is_west)
		scan_char(&s, '+');
	if (!two_digits(&s, &zone_h) || !two_digits(&s, &zone_m) || !scan_done(&s) ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 60)
		return false;
	tm.tm_year = century * 100 + year - 1900;
	int64_t zone = (zone_h * 60 + zone_m) * 60;
	*out = (int64_t)timegm(&tm) - (is_west ? -zone : zone);
	return true;
}
