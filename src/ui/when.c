/* when.c - see when.h.
 *
 * Words are taken from the left: a way into the future ("in", "+"), or a day and a time
 * of it. Days are counted by the calendar, so that "in 1 day" is the same hour whatever
 * the clocks do in between. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "str.h"
#include "when.h"

enum { USUAL_HOUR = 9, MAX_AHEAD_S = 5 * 366 * 86400, MAX_WORDS = 8 };

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const long_days[] = { "Sunday", "Monday", "Tuesday", "Wednesday",
	"Thursday", "Friday", "Saturday" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	"Sep", "Oct", "Nov", "Dec" };

struct words {
	char text[120];
	const char *v[MAX_WORDS];
	size_t n;
};

/* "tomorrow9:00" as "tomorrow 9:00": behind a word of three letters and more a digit begins
 * the next. False: too long. */
static bool
part_words(char *out, size_t size, const char *text)
{
	size_t n = 0, letters = 0;

	for (; *text; text++) {
		if (letters >= 3 && isdigit((unsigned char)*text) && n + 1 < size)
			out[n++] = ' ';
		letters = isalpha((unsigned char)*text) ? letters + 1 : 0;
		if (n + 1 >= size)
			return false;
		out[n++] = *text;
	}
	out[n] = '\0';
	return true;
}

static bool
split(struct words *w, const char *text)
{
	char *rest = w->text, *word;

	w->n = 0;
	if (!part_words(w->text, sizeof w->text, text))
		return false;
	while ((word = strsep(&rest, " \t,"))) {
		if (!*word || str_ieq(word, "at"))
			continue;
		if (w->n == MAX_WORDS)
			return false;
		w->v[w->n++] = word;
	}
	return w->n > 0;
}

/* A number of at most four digits at *p, which moves behind it. */
static bool
number(const char **p, int *out)
{
	size_t n = strspn(*p, "0123456789");

	if (n == 0 || n > 4)
		return false;
	*out = atoi(*p);
	*p += n;
	return true;
}

/* ---- "in 2 hours", "+1h30m" ---- */

/* What a unit adds: to the seconds, or to the days. */
static bool
add_unit(struct tm *t, int n, const char *unit, size_t len)
{
	static const struct { const char *name; int seconds, days; } units[] = {
		{ "m", 60, 0 }, { "min", 60, 0 }, { "mins", 60, 0 }, { "minute", 60, 0 },
		{ "minutes", 60, 0 }, { "h", 3600, 0 }, { "hour", 3600, 0 },
		{ "hours", 3600, 0 }, { "d", 0, 1 }, { "day", 0, 1 }, { "days", 0, 1 },
		{ "w", 0, 7 }, { "week", 0, 7 }, { "weeks", 0, 7 },
	};

	for (size_t i = 0; i < LEN(units); i++) {
		if (strlen(units[i].name) != len || strncasecmp(units[i].name, unit, len) != 0)
			continue;
		t->tm_sec += n * units[i].seconds;	/* 4 digits, 20 times: it fits */
		t->tm_mday += n * units[i].days;
		return true;
	}
	return false;
}

/* "1h30m", or "2" with its unit in the next word. */
static bool
add_span(struct tm *t, const struct words *w, size_t *i)
{
	const char *p = w->v[*i];
	int n;

	do {
		if (!number(&p, &n))
			return false;
		if (!*p && ++*i < w->n)
			p = w->v[*i];
		size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (!add_unit(t, n, p, len))
			return false;
		p += len;
	} while (*p);
	++*i;
	return true;
}

static bool
parse_span(struct tm *t, struct words *w)
{
	size_t i = 0;

	if (*w->v[0] == '+')
		w->v[0]++;
	else if (str_ieq(w->v[0], "in"))
		i++;
	else
		return false;
	if (i < w->n && !*w->v[i])
		i++;				/* "+ 30 min" */
	if (i == w->n)
		return false;
	while (i < w->n) {
		if (str_ieq(w->v[i], "and"))
			i++;
		else if (!add_span(t, w, &i))
			return false;
	}
	return true;
}

/* ---- a day, and a time of it ---- */

/* may_be_bare: "9" is an hour, since a day stands before it. */
static bool
parse_clock(struct tm *t, const char *p, bool may_be_bare)
{
	int hour, minute = 0;
	bool has_minute = false;

	if (!number(&p, &hour))
		return false;
	if (*p == ':') {
		const char *digits = ++p;
		if (!number(&p, &minute) || p - digits != 2)
			return false;
		has_minute = true;
	}
	if (str_ieq(p, "am") || str_ieq(p, "pm")) {
		if (hour < 1 || hour > 12)
			return false;
		hour = hour % 12 + (tolower((unsigned char)*p) == 'p' ? 12 : 0);
	} else if (*p || (!has_minute && !may_be_bare)) {
		return false;
	}
	if (hour > 23 || minute > 59)
		return false;
	t->tm_hour = hour;
	t->tm_min = minute;
	t->tm_sec = 0;
	return true;
}

static int
name_index(const char *word, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(word, names[i]))
			return (int)i;
	}
	return -1;
}

/* "2026-12-24" */
static bool
parse_date(struct tm *t, const char *p)
{
	int year, month, day;

	if (!number(&p, &year) || *p++ != '-' || !number(&p, &month) || *p++ != '-' ||
	    !number(&p, &day) || *p || year < 1970 || year > 9999 || month < 1 || month > 12 ||
	    day < 1 || day > 31)
		return false;
	t->tm_year = year - 1900;
	t->tm_mon = month - 1;
	t->tm_mday = day;
	return true;
}

/* "24 dec" or "dec 24", and perhaps a year: how many words. */
static size_t
parse_month(struct tm *t, const struct words *w)
{
	int month = -1, day, year;
	const char *p = "";

	for (size_t i = 0; i < 2 && w->n >= 2 && month < 0; i++) {
		month = name_index(w->v[i], months, LEN(months));
		p = w->v[1 - i];
	}
	if (month < 0 || !number(&p, &day) || (*p && !str_eq(p, ".")) || day < 1 || day > 31)
		return 0;
	int now_month = t->tm_mon, now_day = t->tm_mday;
	t->tm_mon = month;
	t->tm_mday = day;
	p = w->n > 2 ? w->v[2] : "";
	if (number(&p, &year) && !*p && year >= 1970 && year <= 9999) {
		t->tm_year = year - 1900;
		return 3;
	}
	if (month < now_month || (month == now_month && day < now_day))
		t->tm_year++;
	return 2;
}

enum day_kind { DAY_NONE, DAY_RELATIVE, DAY_WEEKDAY, DAY_DATE };

/* *n: how many words name the day. */
static enum day_kind
parse_day(struct tm *t, const struct words *w, size_t *n)
{
	const char *word = w->v[0];
	int day = name_index(word, days, LEN(days));

	*n = 1;
	if (day < 0)
		day = name_index(word, long_days, LEN(long_days));
	if (day >= 0) {
		t->tm_mday += (day - t->tm_wday + 7) % 7;
		return DAY_WEEKDAY;
	}
	if (str_ieq(word, "tomorrow"))
		t->tm_mday++;
	if (str_ieq(word, "tomorrow") || str_ieq(word, "today"))
		return DAY_RELATIVE;
	if (parse_date(t, word))
		return DAY_DATE;
	*n = parse_month(t, w);
	return *n ? DAY_DATE : DAY_NONE;
}

/* mktime takes 30 February for 1 March. */
static bool
is_a_day(const struct tm *t)
{
	struct tm day = { .tm_year = t->tm_year, .tm_mon = t->tm_mon, .tm_mday = t->tm_mday };

	timegm(&day);
	return day.tm_mday == t->tm_mday;
}

/* ---- all of it ---- */

static enum err
not_understood(const char *text, struct error *e)
{
	return error_set(e, ERR_MSG,
		"'%.60s' is no time: say 18:30, 9am, tomorrow 9, mon 8:30, 24 dec 18:00, "
		"2026-12-24, +2h, in 3 days", text);
}

static enum err
to_seconds(int64_t *out, const struct tm *want, struct error *e)
{
	struct tm t = *want;

	t.tm_isdst = -1;
	*out = (int64_t)mktime(&t);
	return t.tm_hour == want->tm_hour && t.tm_min == want->tm_min ? ERR_OK
		: error_set(e, ERR_MSG,
		"there is no %02d:%02d on that day: the clocks are put forward",
			want->tm_hour, want->tm_min);
}

static enum err
parse_moment(int64_t *out, const struct words *w, const struct tm *today, const char *text,
	int64_t now, struct error *e)
{
	struct tm t = *today;
	size_t used;
	enum day_kind kind = parse_day(&t, w, &used);

	t.tm_hour = USUAL_HOUR;
	t.tm_min = t.tm_sec = 0;
	if ((used < w->n && !parse_clock(&t, w->v[used++], kind != DAY_NONE)) || used < w->n)
		return not_understood(text, e);
	if (kind == DAY_DATE && !is_a_day(&t))
		return error_set(e, ERR_MSG, "there is no such day");
	enum err rc = to_seconds(out, &t, e);
	if (rc == ERR_OK && kind == DAY_WEEKDAY && *out <= now) {
		t.tm_mday += 7;
		rc = to_seconds(out, &t, e);
	}
	if (rc == ERR_OK && kind == DAY_NONE && *out <= now)
		return error_set(e, ERR_MSG, "%02d:%02d is past today: say tomorrow %02d:%02d",
			t.tm_hour, t.tm_min, t.tm_hour, t.tm_min);
	return rc;
}

static enum err
parse_way(int64_t *out, struct words *w, const struct tm *today, const char *text,
	struct error *e)
{
	struct tm t = *today;

	if (!parse_span(&t, w))
		return not_understood(text, e);
	int64_t seconds = t.tm_sec - today->tm_sec;
	t.tm_sec = today->tm_sec;
	t.tm_isdst = -1;
	*out = (int64_t)mktime(&t) + seconds;
	return ERR_OK;
}

enum err
when_parse(int64_t *out, const char *text, int64_t now, struct error *e)
{
	struct words w;
	struct tm t;
	time_t seconds = (time_t)now;
	enum err rc;

	*out = 0;
	if (!split(&w, text) || !localtime_r(&seconds, &t))
		return not_understood(text, e);
	if (*w.v[0] == '+' || str_ieq(w.v[0], "in"))
		rc = parse_way(out, &w, &t, text, e);
	else
		rc = parse_moment(out, &w, &t, text, now, e);
	if (rc == ERR_OK && *out <= now)
		rc = error_set(e, ERR_MSG, "that time is past");
	if (rc == ERR_OK && *out > now + MAX_AHEAD_S)
		rc = error_set(e, ERR_MSG, "that is more than five years ahead");
	return rc;
}

/* ---- for reading ---- */

static void
distance(struct str *out, int64_t s)
{
	long long minutes = (s + 59) / 60, hours = (s + 1800) / 3600,
		n_days = (s + 43200) / 86400;

	if (minutes < 120)
		str_printf(out, "in %lld min", minutes);
	else if (hours < 48)
		str_printf(out, "in %lld h", hours);
	else
		str_printf(out, "in %lld days", n_days);
}

void
when_format(char *out, size_t size, int64_t when, int64_t now)
{
	struct tm t;
	time_t seconds = (time_t)when;
	struct str s = {0};

	if (!localtime_r(&seconds, &t))
		memset(&t, 0, sizeof t);
	str_printf(&s, "%s %d %s %d, %02d:%02d %s", days[t.tm_wday], t.tm_mday,
		months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
		t.tm_zone ? t.tm_zone : "");
	if (when > now) {
		str_puts(&s, " (");
		distance(&s, when - now);
		str_puts(&s, ")");
	}
	snprintf(out, size, "%s", str_get(&s));
	str_clear(&s);
}

void
when_short(char *out, size_t size, int64_t when, int64_t now)
{
	struct tm t, today;
	time_t seconds = (time_t)when, now_s = (time_t)now;

	out[0] = '\0';
	if (!localtime_r(&seconds, &t) || !localtime_r(&now_s, &today))
		return;
	if (when - now < 6 * 86400)
		snprintf(out, size, "%s %02d:%02d", days[t.tm_wday], t.tm_hour, t.tm_min);
	else if (t.tm_year == today.tm_year)
		snprintf(out, size, "%d %s", t.tm_mday, months[t.tm_mon]);
	else
		snprintf(out, size, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1,
			t.tm_mday);
}
