/* calendar.c - content lines of iCalendar (RFC 5545 3.1) to events.
 *
 * One walk over the lines, each unfolded by itself. Components within components that are not
 * looked at (alarms) are counted and passed over, so that nothing of theirs becomes the
 * event's. Zones may stand behind the events that name them: times are resolved at the end. */
#include <stdlib.h>
#include <string.h>

#include "calendar.h"

enum { MAX_LINE = 64 << 10, MAX_ZONES = 20, MAX_ONSETS = 60, MAX_TEXT = 2000 };

/* name;parameters:value */
struct content {
	char *name, *parameters, *value;
};

struct reader {
	struct arena *a;
	struct calendar *out;
	struct calendar_zone zones[MAX_ZONES];
	size_t n_zones;
	struct calendar_zone *zone;	/* what is open; NULL: none */
	struct calendar_onset *onset;
	struct calendar_event *event;
	int64_t duration;		/* of the event; 0: none told */
	size_t skipping;		/* components open that are passed over */
};

/* ---- lines ---- */

bool
calendar_next_line(const char **s, const char *end, struct str *line)
{
	str_cut(line, 0);
	if (*s >= end)
		return false;
	do {
		const char *eol = memchr(*s, '\n', (size_t)(end - *s));
		size_t n = (size_t)((eol ? eol : end) - *s), skip = line->len > 0 && n > 0;
		size_t len = n > 0 && (*s)[n - 1] == '\r' ? n - 1 : n;
		if (len > skip && line->len + len < MAX_LINE)
			str_add(line, *s + skip, len - skip);
		*s = eol ? eol + 1 : end;
	} while (*s < end && line->len > 0 && (**s == ' ' || **s == '\t'));
	return true;
}

/* Takes the line apart in place. False: it is none. */
static bool
split(struct content *c, char *line)
{
	bool is_quoted = false;
	char *s = line + strcspn(line, ";:");

	*c = (struct content){ line, s, NULL };
	for (; *s && (is_quoted || *s != ':'); s++)
		is_quoted ^= *s == '"';
	if (!*s)
		return false;
	*s = '\0';
	c->value = s + 1;
	if (*c->parameters) {
		*c->parameters = '\0';
		c->parameters++;
	}
	return true;
}

/* A parameter's value without quotes; "" when it is not there. */
static const char *
parameter(struct arena *a, const struct content *c, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = c->parameters; *s;) {
		const char *p = s;
		bool is_quoted = false;
		for (; *p && (is_quoted || *p != ';'); p++)
			is_quoted ^= *p == '"';
		if ((size_t)(p - s) > n && s[n] == '=' && strncasecmp(s, name, n) == 0) {
			const char *v = s + n + 1;
			size_t len = (size_t)(p - v);
			if (len >= 2 && v[0] == '"' && v[len - 1] == '"') {
				v++;
				len -= 2;
			}
			return arena_strndup(a, v, len < MAX_TEXT ? len : MAX_TEXT);
		}
		s = *p ? p + 1 : p;
	}
	return "";
}

/* RFC 5545 3.3.11 */
static const char *
text(struct arena *a, const char *s, size_t max)
{
	size_t n = strlen(s), k = 0;
	char *out = arena_alloc(a, (n < max ? n : max) + 1);

	for (size_t i = 0; i < n && k < max; i++) {
		if (s[i] == '\\' && s[i + 1]) {
			i++;
			out[k++] = s[i] == 'n' || s[i] == 'N' ? '\n' : s[i];
		} else {
			out[k++] = s[i];
		}
	}
	out[k] = '\0';
	return out;
}

static const char *
capitals(struct arena *a, const char *s)
{
	char *out = arena_strndup(a, s, strnlen(s, 40));

	for (char *p = out; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return out;
}

/* ---- what an event has ---- */

static struct calendar_person
read_person(struct reader *r, const struct content *c)
{
	const char *addr = c->value;

	if (str_istarts(addr, "mailto:"))
		addr += 7;
	return (struct calendar_person){ parameter(r->a, c, "CN"),
		arena_strndup(r->a, addr, strnlen(addr, MAX_TEXT)),
		capitals(r->a, parameter(r->a, c, "PARTSTAT")) };
}

static void
add_person(struct reader *r, const struct content *c)
{
	struct calendar_event *e = r->event;

	e->n_people++;
	if (e->n_kept == CALENDAR_MAX_PEOPLE)
		return;
	if (!e->people)
		e->people = arena_alloc(r->a, CALENDAR_MAX_PEOPLE * sizeof *e->people);
	e->people[e->n_kept++] = read_person(r, c);
}

static void
read_time(struct reader *r, struct calendar_time *t, const struct content *c)
{
	*t = (struct calendar_time){ .zone = parameter(r->a, c, "TZID") };
	calendar_read_time(t, c->value);
}

static void
event_texts(struct reader *r, const struct content *c)
{
	struct calendar_event *e = r->event;
	const struct { const char *name, **to; size_t max; } texts[] = {
		{ "SUMMARY", &e->summary, MAX_TEXT }, { "LOCATION", &e->location, MAX_TEXT },
		{ "DESCRIPTION", &e->description, MAX_LINE }, { "STATUS", &e->status, 40 },
		{ "RRULE", &e->rule, MAX_TEXT }, { "URL", &e->url, MAX_TEXT },
		{ "X-GOOGLE-CONFERENCE", &e->url, MAX_TEXT },
		{ "X-MICROSOFT-SKYPETEAMSMEETINGURL", &e->url, MAX_TEXT },
	};

	for (size_t i = 0; i < LEN(texts); i++)
		if (str_ieq(c->name, texts[i].name) && !**texts[i].to)
			*texts[i].to = text(r->a, c->value, texts[i].max);
}

static void
event_line(struct reader *r, const struct content *c)
{
	struct calendar_event *e = r->event;

	if (str_ieq(c->name, "DTSTART"))
		read_time(r, &e->start, c);
	else if (str_ieq(c->name, "DTEND"))
		read_time(r, &e->end, c);
	else if (str_ieq(c->name, "DURATION"))
		calendar_read_duration(&r->duration, c->value);
	else if (str_ieq(c->name, "ORGANIZER"))
		e->organizer = read_person(r, c);
	else if (str_ieq(c->name, "ATTENDEE"))
		add_person(r, c);
	else if (str_ieq(c->name, "RECURRENCE-ID"))
		e->is_one_of_many = true;
	else
		event_texts(r, c);
}

static void
onset_line(struct reader *r, const struct content *c)
{
	struct calendar_time t = { .zone = "" };

	if (str_ieq(c->name, "DTSTART") && calendar_read_time(&t, c->value))
		r->onset->start = t.wall;
	else if (str_ieq(c->name, "TZOFFSETTO"))
		calendar_read_offset(&r->onset->offset, c->value);
	else if (str_ieq(c->name, "RRULE"))
		calendar_read_onset(r->onset, c->value);
}

/* ---- components ---- */

static struct calendar_event *
new_event(struct reader *r)
{
	struct calendar *o = r->out;

	o->n_events++;
	if (o->n_kept == CALENDAR_MAX_EVENTS)
		return NULL;
	if (!o->events)
		o->events = arena_alloc(r->a, CALENDAR_MAX_EVENTS * sizeof *o->events);
	struct calendar_event *e = &o->events[o->n_kept++];
	e->summary = e->location = e->description = e->url = e->status = e->rule = "";
	e->start.zone = e->end.zone = "";
	e->organizer = (struct calendar_person){ "", "", "" };
	r->duration = 0;
	return e;
}

static struct calendar_zone *
new_zone(struct reader *r)
{
	if (r->n_zones == MAX_ZONES)
		return NULL;
	struct calendar_zone *z = &r->zones[r->n_zones++];
	z->name = "";
	z->v = arena_alloc(r->a, MAX_ONSETS * sizeof *z->v);
	return z;
}

static struct calendar_onset *
new_onset(struct reader *r)
{
	if (r->zone->n == MAX_ONSETS)
		return NULL;
	struct calendar_onset *o = &r->zone->v[r->zone->n++];
	o->until = INT64_MAX;
	return o;
}

static void
begin(struct reader *r, const char *what)
{
	bool is_open = false;

	if (r->skipping == 0 && str_ieq(what, "VCALENDAR"))
		return;
	if (r->skipping == 0 && !r->event && !r->zone && str_ieq(what, "VEVENT"))
		is_open = (r->event = new_event(r)) != NULL;
	else if (r->skipping == 0 && !r->event && !r->zone && str_ieq(what, "VTIMEZONE"))
		is_open = (r->zone = new_zone(r)) != NULL;
	else if (r->skipping == 0 && r->zone && !r->onset &&
	    (str_ieq(what, "STANDARD") || str_ieq(what, "DAYLIGHT")))
		is_open = (r->onset = new_onset(r)) != NULL;
	else if (r->skipping == 0 && !r->event && !r->zone)
		r->out->has_other = true;
	r->skipping += !is_open;
}

static void
end(struct reader *r, const char *what)
{
	struct calendar_event *e = r->event;

	if (r->skipping > 0) {
		r->skipping--;
	} else if (r->onset) {
		r->onset = NULL;
	} else if (r->zone) {
		r->zone = NULL;
	} else if (e && str_ieq(what, "VEVENT")) {
		if (!e->end.is_set && e->start.is_set && r->duration > 0) {
			e->end = e->start;
			e->end.wall += r->duration;
		}
		r->event = NULL;
	}
}

static void
read_line(struct reader *r, const struct content *c)
{
	if (str_ieq(c->name, "BEGIN"))
		begin(r, c->value);
	else if (str_ieq(c->name, "END"))
		end(r, c->value);
	else if (r->skipping > 0)
		return;
	else if (r->event)
		event_line(r, c);
	else if (r->onset)
		onset_line(r, c);
	else if (r->zone && str_ieq(c->name, "TZID"))
		r->zone->name = arena_strndup(r->a, c->value, strnlen(c->value, MAX_TEXT));
	else if (!r->zone && str_ieq(c->name, "METHOD"))
		r->out->method = capitals(r->a, c->value);
}

void
calendar_parse(struct arena *a, struct calendar *out, const char *utf8, size_t n)
{
	struct reader r = { .a = a, .out = out };
	const char *s = utf8, *stop = utf8 + n;
	struct str line = { 0 };
	struct content c;

	*out = (struct calendar){ .method = "" };
	while (calendar_next_line(&s, stop, &line))
		if (line.len > 0 && split(&c, line.data))
			read_line(&r, &c);
	for (size_t i = 0; i < out->n_kept; i++) {
		calendar_resolve(&out->events[i].start, r.zones, r.n_zones);
		calendar_resolve(&out->events[i].end, r.zones, r.n_zones);
	}
	str_clear(&line);
}
