/* calendar.h - what a mail says of events: iCalendar (RFC 5545) as invitations carry it (RFC
 * 6047). Values only; what it looks like is calendar_lines.c's.
 *
 * Everything points into the arena. Limits: what is behind them is counted, not kept. */
#ifndef DUNLIN_MIME_CALENDAR_H
#define DUNLIN_MIME_CALENDAR_H

#include "internal.h"

enum { CALENDAR_MAX_EVENTS = 20, CALENDAR_MAX_PEOPLE = 500 };

/* A time as the clock on the wall of its zone shows it, in seconds since 1970
 * by that clock. */
struct calendar_time {
	bool is_set, is_day;		/* a whole day: no zone, no hour */
	int64_t wall;
	const char *zone;		/* TZID, "UTC", or "": the reader's own, wherever */
	bool has_offset;		/* of that zone, at that time: wall - offset is UTC */
	int64_t offset;
};

struct calendar_person {
	const char *name, *addr;	/* "" where it is not told */
	const char *answer;		/* PARTSTAT, in capitals */
};

/* Texts are unescaped, not cleaned; "" where there are none. */
struct calendar_event {
	const char *summary, *location, *description, *url, *status, *rule;
	struct calendar_time start, end;
	bool is_one_of_many;		/* RECURRENCE-ID: one of a series is meant */
	struct calendar_person organizer, *people;
	size_t n_people, n_kept;	/* all of them; those in `people` */
};

struct calendar {
	const char *method;		/* in capitals; "" when none is named */
	struct calendar_event *events;
	size_t n_events, n_kept;
	bool has_other;			/* a task, a journal, who is free */
};

/* Any text; what makes no sense in it is passed over. */
void calendar_parse(struct arena *a, struct calendar *out, const char *utf8, size_t n);

/* The next content line with those that continue it; *s moves behind. False at the end. */
bool calendar_next_line(const char **s, const char *end, struct str *line);

/* ---- calendar_time.c ---- */

/* Of a VTIMEZONE: from when on by its wall clock which offset holds, once or every year. */
struct calendar_onset {
	int64_t start, until;		/* until: INT64_MAX when it goes on */
	int64_t offset;			/* TZOFFSETTO, seconds */
	bool is_yearly;
	int month, week, weekday;	/* 1..12; -5..5, 0: the day of `start`; 0: Sunday */
};

struct calendar_zone {
	const char *name;
	struct calendar_onset *v;
	size_t n;
};

/* "20261201T140000Z", "20261224"; false: neither. */
bool calendar_read_time(struct calendar_time *t, const char *value);
bool calendar_read_offset(int64_t *seconds, const char *value);		/* "+0130" */
bool calendar_read_duration(int64_t *seconds, const char *value);	/* "PT1H30M" */
/* BYMONTH, BYDAY and UNTIL of the RRULE of an onset. */
void calendar_read_onset(struct calendar_onset *o, const char *rule);
/* The value of NAME=value in a rule, up to its ';'. False: not there. */
bool calendar_rule_part(const char *rule, const char *name, struct span *value);
/* Fills in the offset where the zone is among those. */
void calendar_resolve(struct calendar_time *t, const struct calendar_zone *zones, size_t n);

#endif
