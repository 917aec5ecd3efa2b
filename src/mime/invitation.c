/* invitation.c - see invitation.h.
 *
 * Of the event the organizer's own lines go back, unfolded, without control bytes and folded
 * anew: what it wrote is what its calendar recognises, times in its own zones included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "calendar.h"
#include "invitation.h"
#include "utf8.h"

enum { FOLD_BYTES = 73, MAX_ZONE_BYTES = 64 << 10 };

/* ---- reading ---- */

static size_t
find_mine(const char *addr, const char *const *mine, size_t n_mine)
{
	struct arena a = { 0 };
	size_t at = n_mine;

	for (size_t i = 0; i < n_mine && at == n_mine; i++) {
		const struct address *v;
		size_t n = mime_addresses(&a, &v, mine[i]);
		if (n > 0 && str_ieq(v[0].addr, addr))
			at = i;
	}
	arena_clear(&a);
	return at;
}

static enum err
check(const struct calendar *c, const char *const *mine, size_t n_mine, struct error *e)
{
	const struct calendar_event *ev = c->n_kept > 0 ? &c->events[0] : NULL;

	if (!ev || (*c->method && !str_eq(c->method, "REQUEST")))
		return error_set(e, ERR_MSG, "nobody is invited by this");
	if (str_ieq(ev->status, "CANCELLED"))
		return error_set(e, ERR_MSG, "this was cancelled: no answer is wanted");
	if (!strchr(ev->organizer.addr, '@'))
		return error_set(e, ERR_MSG, "the invitation does not say who asks");
	if (find_mine(ev->organizer.addr, mine, n_mine) < n_mine)
		return error_set(e, ERR_MSG, "this invitation is your own");
	return ERR_OK;
}

enum err
invitation_read(struct invitation *out, struct arena *a, const char *utf8, size_t n,
	const char *const *mine, size_t n_mine, struct error *e)
{
	struct calendar c;

	calendar_parse(a, &c, utf8, n);
	*out = (struct invitation){ .summary = "", .organizer = "", .invited = "" };
	if (check(&c, mine, n_mine, e) != ERR_OK)
		return ERR_MSG;
	const struct calendar_event *ev = &c.events[0];
	char *summary = text_clean_dup(ev->summary);
	out->summary = arena_strdup(a, summary);
	free(summary);
	char *organizer = mime_write_address(a, ev->organizer.name, ev->organizer.addr);
	if (!organizer)
		organizer = mime_write_address(a, "", ev->organizer.addr);
	if (!organizer)
		return error_set(e, ERR_MSG, "the organizer's address cannot be written to");
	out->organizer = organizer;
	for (size_t i = 0; i < ev->n_kept && !*out->invited; i++) {
		size_t k = find_mine(ev->people[i].addr, mine, n_mine);
		if (k < n_mine) {
			out->invited = ev->people[i].addr;
			out->mine = k;
		}
	}
	return ERR_OK;
}

/* ---- writing ---- */

/* RFC 5545 3.1: lines of 75 bytes at most, no character of UTF-8 cut. */
static void
put_line(struct str *out, const char *line)
{
	size_t n = strlen(line), used = 0;

	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = utf8_next(line + i, n - i, &c);
		if (used + len > FOLD_BYTES) {
			str_puts(out, "\r\n ");
			used = 1;
		}
		if (len == 1 && (unsigned char)line[i] < ' ')
			str_putc(out, ' ');
		else
			str_add(out, line + i, len);
		used += len;
		i += len;
	}
	str_puts(out, "\r\n");
}

static bool
is_named(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(line, name, n) == 0 && (line[n] == ':' || line[n] == ';');
}

static bool
goes_back(const char *line)
{
	static const char *const names[] = { "UID", "SEQUENCE", "DTSTART", "DTEND", "DURATION",
		"RECURRENCE-ID", "ORGANIZER", "SUMMARY", "LOCATION" };

	for (size_t i = 0; i < LEN(names); i++)
		if (is_named(line, names[i]))
			return true;
	return false;
}

/* The zones as they stand there, and of the first event what goes back. */
static void
copy_lines(struct str *zones, struct str *event, const char *utf8, size_t n)
{
	const char *s = utf8, *end = utf8 + n;
	struct str line = { 0 };
	bool in_zone = false, in_event = false, had_event = false;
	int depth = 0;			/* of what is open within the event */

	while (calendar_next_line(&s, end, &line)) {
		const char *l = str_get(&line);
		bool begins = is_named(l, "BEGIN"), ends = is_named(l, "END");
		in_zone |= !in_event && str_ieq(l, "BEGIN:VTIMEZONE");
		if (in_zone && zones->len < MAX_ZONE_BYTES)
			put_line(zones, l);
		if (str_ieq(l, "END:VTIMEZONE"))
			in_zone = false;
		if (in_event && depth == 0 && goes_back(l))
			put_line(event, l);
		if (in_event && ends && depth == 0)
			in_event = false;
		else if (in_event)
			depth += begins - ends;
		if (!had_event && str_ieq(l, "BEGIN:VEVENT"))
			in_event = had_event = true;
	}
	str_clear(&line);
}

static const char *
status_of(enum invitation_answer answer)
{
	return answer == INVITATION_ACCEPTED ? "ACCEPTED"
		: answer == INVITATION_DECLINED ? "DECLINED" : "TENTATIVE";
}

void
invitation_write(struct str *out, const char *utf8, size_t n, const char *who,
	enum invitation_answer answer, int64_t now)
{
	struct str zones = { 0 }, event = { 0 };
	char stamp[40] = "19700101T000000Z";
	time_t t = (time_t)now;
	struct tm tm;

	copy_lines(&zones, &event, utf8, n);
	if (gmtime_r(&t, &tm))
		strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	char *attendee = xasprintf("ATTENDEE;PARTSTAT=%s:mailto:%s", status_of(answer), who);
	str_puts(out, "BEGIN:VCALENDAR\r\nPRODID:-//Dunlin//EN\r\nVERSION:2.0\r\n"
		"METHOD:REPLY\r\n");
	str_add(out, str_get(&zones), zones.len);
	str_puts(out, "BEGIN:VEVENT\r\n");
	str_add(out, str_get(&event), event.len);
	str_printf(out, "DTSTAMP:%s\r\n", stamp);
	put_line(out, attendee);
	str_puts(out, "END:VEVENT\r\nEND:VCALENDAR\r\n");
	free(attendee);
	str_clear(&zones);
	str_clear(&event);
}

const char *
invitation_word(enum invitation_answer answer)
{
	return answer == INVITATION_ACCEPTED ? "Accepted"
		: answer == INVITATION_DECLINED ? "Declined" : "Tentative";
}
