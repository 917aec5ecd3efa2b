/* calendar_time.c - times of calendars (RFC 5545 3.3.4, 3.3.5, 3.3.6, 3.3.14), and which
 * offset a zone described in the mail had at one of them. The zones of this machine are not
 * asked: what the mail says of its zone is what its sender meant, and names such as "W. Europe
 * Standard Time" stand in no table. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "calendar.h"

enum { MAX_DURATION = 10 * 366 * 86400 };

static bool
digits(const char **s, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return true;
}

bool
calendar_read_time(struct calendar_time *t, const char *s)
{
	struct tm tm = { 0 };
	int year, month;

	if (!digits(&s, 4, &year) || !digits(&s, 2, &month) || !digits(&s, 2, &tm.tm_mday) ||
	    year < 1600 || month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_mday > 31)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	bool is_day = *s != 'T';
	if (!is_day && (s++, !digits(&s, 2, &tm.tm_hour) || !digits(&s, 2, &tm.tm_min) ||
	    !digits(&s, 2, &tm.tm_sec) || tm.tm_hour > 24 || tm.tm_min > 59 || tm.tm_sec > 60))
		return false;
	t->wall = (int64_t)timegm(&tm);
	t->is_day = is_day;
	t->is_set = true;
	if (*s == 'Z') {
		t->zone = "UTC";
		t->has_offset = true;
		t->offset = 0;
	}
	return true;
}

bool
calendar_read_offset(int64_t *seconds, const char *s)
{
	bool is_west = *s == '-';
	int h, m, sec = 0;

	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (!digits(&s, 2, &h) || !digits(&s, 2, &m) || (*s && !digits(&s, 2, &sec)) || h > 24)
		return false;
	*seconds = (int64_t)h * 3600 + m * 60 + sec;
	if (is_west)
		*seconds = -*seconds;
	return true;
}

bool
calendar_read_duration(int64_t *seconds, const char *s)
{
	static const struct { char unit; int64_t seconds; } units[] = { { 'W', 7 * 86400 },
		{ 'D', 86400 }, { 'H', 3600 }, { 'M', 60 }, { 'S', 1 } };

	*seconds = 0;
	s += *s == '+';
	if (*s++ != 'P')
		return false;
	while (*s) {
		int64_t v = 0, unit = 0;
		if (*s == 'T') {
			s++;
			continue;
		}
		for (int n = 0; *s >= '0' && *s <= '9' && n < 9; n++)
			v = v * 10 + (*s++ - '0');
		for (size_t i = 0; i < LEN(units); i++)
			if (*s && *s == units[i].unit)
				unit = units[i].seconds;
		if (unit == 0)
			return false;
		*seconds += v * unit;
		if (*seconds > MAX_DURATION)
			return false;
		s++;
	}
	return true;
}

/* ---- zones ---- */

bool
calendar_rule_part(const char *rule, const char *name, struct span *value)
{
	size_t n = strlen(name);

	for (const char *s = rule; *s;) {
		size_t len = strcspn(s, ";");
		if (len > n && s[n] == '=' && strncasecmp(s, name, n) == 0) {
			*value = (struct span){ s + n + 1, len - n - 1 };
			return true;
		}
		s += len + (s[len] == ';');
	}
	return false;
}

static int
find_weekday(const char *two)
{
	static const char *const names[] = { "SU", "MO", "TU", "WE", "TH", "FR", "SA" };

	for (int i = 0; i < 7; i++)
		if (strncasecmp(two, names[i], 2) == 0)
			return i;
	return 0;
}

void
calendar_read_onset(struct calendar_onset *o, const char *rule)
{
	struct calendar_time until = { 0 };
	struct span v;
	char text[24];
	int week = 0, used = 0;

	o->until = INT64_MAX;
	o->is_yearly = calendar_rule_part(rule, "FREQ", &v) && v.n == 6 &&
		strncasecmp(v.p, "YEARLY", 6) == 0;
	if (calendar_rule_part(rule, "BYMONTH", &v) && v.n < sizeof text) {
		snprintf(text, sizeof text, "%.*s", (int)v.n, v.p);
		if (sscanf(text, "%2d", &o->month) != 1 || o->month < 1 || o->month > 12)
			o->month = 0;
	}
	if (calendar_rule_part(rule, "BYDAY", &v) && v.n >= 2 && v.n < sizeof text) {
		snprintf(text, sizeof text, "%.*s", (int)v.n, v.p);
		if (sscanf(text, "%2d%n", &week, &used) == 1 && week >= -5 && week <= 5)
			o->week = week;
		o->weekday = find_weekday(text + used);
	}
	if (calendar_rule_part(rule, "UNTIL", &v) && v.n < sizeof text) {
		snprintf(text, sizeof text, "%.*s", (int)v.n, v.p);
		/* In UTC; a day more or less decides nothing between
		 * two changes of a year. */
		if (calendar_read_time(&until, text))
			o->until = until.wall + 86400;
	}
}

/* When it begins in that year, by the wall clock. */
static int64_t
begins_in(const struct calendar_onset *o, int year)
{
	time_t start = (time_t)o->start;
	struct tm tm = { 0 };

	gmtime_r(&start, &tm);
	tm.tm_year = year - 1900;
	if (o->month)
		tm.tm_mon = o->month - 1;
	if (o->week == 0)
		return (int64_t)timegm(&tm);
	tm.tm_mday = 1;
	if (o->week < 0)
		tm.tm_mon++;			/* from the month behind it back */
	struct tm first = tm;
	timegm(&first);				/* sets tm_wday */
	int ahead = (o->weekday - first.tm_wday + 7) % 7;
	tm.tm_mday = 1 + ahead + 7 * (o->week < 0 ? o->week : o->week - 1);
	return (int64_t)timegm(&tm);
}

/* The last time it began at or before `wall`. False: not yet. */
static bool
began(const struct calendar_onset *o, int64_t wall, int64_t *when)
{
	time_t t = (time_t)wall;
	struct tm tm;

	if (wall < o->start || !gmtime_r(&t, &tm))
		return false;
	*when = o->start;
	for (int back = 1; o->is_yearly && back >= 0; back--) {
		int64_t at = begins_in(o, tm.tm_year + 1900 - back);
		if (at <= wall && at <= o->until && at > *when)
			*when = at;
	}
	return true;
}

void
calendar_resolve(struct calendar_time *t, const struct calendar_zone *zones, size_t n)
{
	int64_t best = INT64_MIN, when;

	for (size_t i = 0; i < n && t->is_set && !t->is_day && !t->has_offset; i++) {
		if (!*t->zone || !str_eq(zones[i].name, t->zone))
			continue;
		for (size_t k = 0; k < zones[i].n; k++) {
			if (began(&zones[i].v[k], t->wall, &when) && when > best) {
				best = when;
				t->offset = zones[i].v[k].offset;
			}
		}
		t->has_offset = best != INT64_MIN;
	}
}
