/* calendar_lines.c - an invitation as a person reads it: what, when on the reader's clock,
 * where, who.
 *
 * The fields are the program's reading of the mail, so they carry its mark, with what goes on
 * in a further line set in; the description is the sender's text and does not. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "calendar.h"

enum { SHOWN_PEOPLE = 12, SHOWN_EVENTS = 5, DATE_SIZE = 40, DAY_SECONDS = 86400 };

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* ---- when ---- */

/* On the reader's clock where the zone is known, else as it is written. */
static void
shown_time(struct tm *tm, const struct calendar_time *t)
{
	time_t utc = (time_t)(t->wall - t->offset), wall = (time_t)t->wall;

	*tm = (struct tm){ 0 };
	if (!t->has_offset || !localtime_r(&utc, tm))
		gmtime_r(&wall, tm);
}

static void
print_day(char out[DATE_SIZE], const struct tm *tm)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };

	snprintf(out, DATE_SIZE, "%s, %d %s %d", days[tm->tm_wday], tm->tm_mday,
		months[tm->tm_mon], tm->tm_year + 1900);
}

static bool
is_same_day(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

/* The end of a day's event is the day behind it. */
static void
put_days(struct str *s, const struct calendar_event *e)
{
	struct calendar_time last = e->end;
	char from[DATE_SIZE], to[DATE_SIZE];
	struct tm a, b;

	shown_time(&a, &e->start);
	print_day(from, &a);
	str_puts(s, from);
	last.wall -= DAY_SECONDS;
	if (!e->end.is_set || last.wall <= e->start.wall)
		return;
	shown_time(&b, &last);
	print_day(to, &b);
	str_printf(s, " to %s", to);
}

/* Where the organizer's clock differs from the reader's, both: that is what is spoken of. */
static void
put_zone(struct str *s, const struct calendar_time *t, const struct tm *here)
{
	time_t wall = (time_t)t->wall;
	struct tm there;

	if (!*t->zone || str_eq(t->zone, "UTC"))
		return;
	if (!t->has_offset)
		str_printf(s, " (%s)", t->zone);
	else if (here->tm_gmtoff != t->offset && gmtime_r(&wall, &there))
		str_printf(s, " (%02d:%02d in %s)", there.tm_hour, there.tm_min, t->zone);
}

static void
put_when(struct str *s, const struct calendar_event *e)
{
	char day[DATE_SIZE];
	struct tm a, b;

	if (e->start.is_day) {
		put_days(s, e);
		return;
	}
	shown_time(&a, &e->start);
	print_day(day, &a);
	str_printf(s, "%s %02d:%02d", day, a.tm_hour, a.tm_min);
	if (e->end.is_set && e->end.wall - e->end.offset > e->start.wall - e->start.offset) {
		shown_time(&b, &e->end);
		print_day(day, &b);
		if (is_same_day(&a, &b))
			str_printf(s, "-%02d:%02d", b.tm_hour, b.tm_min);
		else
			str_printf(s, " to %s %02d:%02d", day, b.tm_hour, b.tm_min);
	}
	put_zone(s, &e->start, &a);
}

/* ---- how often ---- */

static const char *
weekday_name(const char *two)
{
	static const char names[] = "SUMOTUWETHFRSA";

	for (int i = 0; i < 7; i++)
		if (strncasecmp(two, names + (size_t)i * 2, 2) == 0)
			return days[i];
	return NULL;
}

/* " on Mon, Wed" of MO,WE; such as 2MO ("the second") is not put into words. */
static bool
put_weekdays(struct str *s, struct span v)
{
	size_t before = s->len;

	for (size_t i = 0; i + 2 <= v.n; i += 3) {
		const char *name = weekday_name(v.p + i);
		if (!name || (i + 2 < v.n && v.p[i + 2] != ',')) {
			str_cut(s, before);
			return false;
		}
		str_printf(s, "%s%s", i ? ", " : " on ", name);
	}
	return true;
}

static bool
has_more_rules(const char *rule)
{
	static const char *const more[] = { "BYMONTHDAY", "BYSETPOS", "BYYEARDAY", "BYWEEKNO",
		"BYMONTH", "BYHOUR" };
	struct span v;

	for (size_t i = 0; i < LEN(more); i++)
		if (calendar_rule_part(rule, more[i], &v))
			return true;
	return false;
}

static void
put_until(struct str *s, struct span v)
{
	struct calendar_time t = { .zone = "" };
	char text[24], day[DATE_SIZE];
	struct tm tm;

	snprintf(text, sizeof text, "%.*s", v.n < sizeof text ? (int)v.n : 0, v.p);
	if (!calendar_read_time(&t, text))
		return;
	shown_time(&tm, &t);
	print_day(day, &tm);
	str_printf(s, ", until %s", day);
}

static void
put_rule(struct str *s, const char *rule)
{
	static const struct { const char *freq, *unit; } units[] = { { "DAILY", "day" },
		{ "WEEKLY", "week" }, { "MONTHLY", "month" }, { "YEARLY", "year" } };
	struct span freq, v;
	const char *unit = NULL;
	int every = 1, n;

	if (!calendar_rule_part(rule, "FREQ", &freq))
		return;
	for (size_t i = 0; i < LEN(units); i++)
		if (strlen(units[i].freq) == freq.n &&
		    strncasecmp(units[i].freq, freq.p, freq.n) == 0)
			unit = units[i].unit;
	if (!unit) {
		str_puts(s, ", again and again");
		return;
	}
	if (calendar_rule_part(rule, "INTERVAL", &v) && v.n < 5)
		sscanf(v.p, "%4d", &every);
	if (every > 1)
		str_printf(s, ", every %d %ss", every, unit);
	else
		str_printf(s, ", every %s", unit);
	bool is_told = !calendar_rule_part(rule, "BYDAY", &v) || put_weekdays(s, v);
	if (!is_told || has_more_rules(rule))
		str_puts(s, " by a rule");
	if (calendar_rule_part(rule, "COUNT", &v) && v.n < 6 && sscanf(v.p, "%5d", &n) == 1)
		str_printf(s, ", %d times", n);
	if (calendar_rule_part(rule, "UNTIL", &v))
		put_until(s, v);
}

/* ---- who ---- */

static const char *
answer_word(const char *answer)
{
	static const char *const words[][2] = { { "ACCEPTED", "accepted" },
		{ "DECLINED", "declined" }, { "TENTATIVE", "maybe" },
		{ "DELEGATED", "sends somebody else" } };

	for (size_t i = 0; i < LEN(words); i++)
		if (str_eq(answer, words[i][0]))
			return words[i][1];
	return NULL;
}

/* The real address always in sight, as in a header. */
static void
put_person(struct str *s, const struct calendar_person *p)
{
	if (*p->name && *p->addr && !str_ieq(p->name, p->addr))
		str_printf(s, "%s <%s>", p->name, p->addr);
	else
		str_puts(s, *p->addr ? p->addr : p->name);
}

static void
put_people(struct str *s, const struct calendar_event *e)
{
	size_t shown = e->n_kept < SHOWN_PEOPLE ? e->n_kept : SHOWN_PEOPLE;

	for (size_t i = 0; i < shown; i++) {
		const struct calendar_person *p = &e->people[i];
		str_printf(s, "%s%s", i ? ", " : "", *p->name ? p->name : p->addr);
		if (answer_word(p->answer))
			str_printf(s, " (%s)", answer_word(p->answer));
	}
	if (e->n_people > shown)
		str_printf(s, ", \xe2\x80\xa6 and %zu more", e->n_people - shown);
}

/* ---- all of it ---- */

/* What came, and about what. */
static void
put_title(struct lines *out, const struct calendar *c, const struct calendar_event *e,
	int columns)
{
	static const char *const methods[][2] = { { "REQUEST", "Invitation" },
		{ "CANCEL", "Cancelled" }, { "COUNTER", "Another time proposed" },
		{ "DECLINECOUNTER", "Proposal declined" }, { "REFRESH", "Asked for again" },
		{ "ADD", "Added" }, { "REPLY", "Answer" } };
	const char *word = "Event", *summary = *e->summary ? e->summary : "(no title)";
	struct str answer = { 0 };

	for (size_t i = 0; i < LEN(methods); i++)
		if (str_eq(c->method, methods[i][0]))
			word = methods[i][1];
	if (str_ieq(e->status, "CANCELLED"))
		word = "Cancelled";
	if (str_eq(c->method, "REPLY") && e->n_kept == 1 && answer_word(e->people[0].answer)) {
		put_person(&answer, &e->people[0]);
		str_printf(&answer, " %s: %s", answer_word(e->people[0].answer), summary);
		summary = str_get(&answer);
	}
	lines_field(out, word, summary, columns);
	str_clear(&answer);
}

static void
field(struct lines *out, const char *name, struct str *value, int columns)
{
	if (value->len > 0)
		lines_field(out, name, str_get(value), columns);
	str_cut(value, 0);
}

static void
put_event(struct lines *out, const struct calendar *c, const struct calendar_event *e,
	int columns)
{
	struct str s = { 0 };

	put_title(out, c, e, columns);
	if (e->start.is_set) {
		put_when(&s, e);
		put_rule(&s, e->rule);
		str_puts(&s, e->is_one_of_many ? ", this one of a series" : "");
	}
	field(out, "When", &s, columns);
	str_puts(&s, e->location);
	field(out, "Where", &s, columns);
	str_puts(&s, e->url);
	field(out, "Link", &s, columns);
	put_person(&s, &e->organizer);
	field(out, "Organizer", &s, columns);
	if (!str_eq(c->method, "REPLY"))
		put_people(&s, e);
	field(out, "Invited", &s, columns);
	str_clear(&s);
}

/* The text beside it mostly says the same. */
static bool
has_text_beside(const struct part *p)
{
	return p->parent && str_eq(p->parent->type, "multipart/alternative") &&
		p->parent->child != p->parent->last;
}

static void
put_description(struct lines *out, const char *text, int columns)
{
	static const struct part plain = { .type = "text/plain", .format = "", .delsp = "" };

	if (!*text)
		return;
	lines_blank(out, 0, "");
	lines_plain(out, &plain, text, strlen(text), columns);
}

void
lines_calendar(struct lines *out, const struct part *p, const char *utf8, size_t n,
	int columns)
{
	struct arena a = { 0 };
	struct calendar c;
	char more[60];

	calendar_parse(&a, &c, utf8, n);
	size_t shown = c.n_kept < SHOWN_EVENTS ? c.n_kept : SHOWN_EVENTS;
	for (size_t i = 0; i < shown; i++) {
		if (i > 0)
			lines_blank(out, 0, "");
		put_event(out, &c, &c.events[i], columns);
		if (!has_text_beside(p))
			put_description(out, c.events[i].description, columns);
	}
	if (c.n_events == 0)
		lines_add(out, SPAN_NOTICE, c.has_other
			? "A calendar's entry that is no event; v shows the parts"
			: "A calendar without an event; v shows the parts", columns);
	snprintf(more, sizeof more, "%zu more events; v shows the parts", c.n_events - shown);
	if (c.n_events > shown)
		lines_add(out, SPAN_NOTICE, more, columns);
	arena_clear(&a);
}
