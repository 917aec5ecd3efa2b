/* query_value.c - days and sizes as people write them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query_value.h"
#include "str.h"

enum { MAX_DAYS = 365 * 1000 };

/* Midnight of a date; days out of range run over into the next month, as mktime has it. */
static int64_t
midnight(int year, int month, int day)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
		.tm_isdst = -1 };

	return mktime(&tm);
}

/* All digits up to `end`, at most 7. */
static bool
digits(const char **s, int *out)
{
	char *end;

	if (strspn(*s, "0123456789") == 0 || strspn(*s, "0123456789") > 7)
		return false;
	*out = (int)strtol(*s, &end, 10);
	*s = end;
	return true;
}

static int
days_in(int year, int month)
{
	static const int n[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return n[month - 1] + (month == 2 &&
		(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)));
}

/* 2026, 2026-01, 2026-01-31, with '-' or '/'. */
static bool
absolute_days(const char *s, struct days *out)
{
	int v[3] = { 0, 1, 1 }, n = 0;

	do {
		if (!digits(&s, &v[n++]))
			return false;
	} while (n < 3 && (*s == '-' || *s == '/') && s++);
	if (*s || v[0] < 1900 || v[0] > 9999 || v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > days_in(v[0], v[1]))
		return false;
	out->from = midnight(v[0], v[1], v[2]);
	out->until = midnight(v[0] + (n == 1), v[1] + (n == 2), v[2] + (n == 3));
	return true;
}

/* today, yesterday, 3d, 2w, 6m, 1y: the day that was so long ago. */
static bool
relative_days(const char *s, int64_t now, struct days *out)
{
	time_t t = now;
	struct tm tm;
	int n = 0;

	if (str_ieq(s, "yesterday"))
		s = "1d";
	else if (str_ieq(s, "today"))
		s = "0d";
	if (!localtime_r(&t, &tm) || !digits(&s, &n) || !*s || s[1] || n > MAX_DAYS)
		return false;
	switch (tolower((unsigned char)*s)) {
	case 'd': tm.tm_mday -= n; break;
	case 'w': tm.tm_mday -= 7 * n; break;
	case 'm': tm.tm_mon -= n; break;
	case 'y': tm.tm_year -= n; break;
	default: return false;
	}
	out->from = midnight(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	out->until = midnight(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday + 1);
	return true;
}

bool
query_days(const char *s, int64_t now, struct days *out)
{
	return absolute_days(s, out) || relative_days(s, now, out);
}

bool
query_bytes(const char *s, int64_t *out)
{
	static const char units[] = "bkmgt";
	char *end;

	if (!isdigit((unsigned char)*s) || strspn(s, "0123456789.") > 15)
		return false;
	char *copy = xstrdup(s);
	double v = 0, scale = 1;
	for (end = copy; isdigit((unsigned char)*end); end++)
		v = v * 10 + (*end - '0');
	if (*end == '.')
		for (end++; isdigit((unsigned char)*end); end++)
			v += (*end - '0') * (scale /= 10);
	const char *unit = *end ? strchr(units, tolower((unsigned char)*end)) : units;
	bool is_good = unit && (!*end || !end[1] || str_ieq(end + 1, "b"));
	for (; is_good && unit > units; unit--)
		v *= 1024;
	free(copy);
	*out = v < 9e18 ? (int64_t)v : INT64_MAX;
	return is_good;
}
