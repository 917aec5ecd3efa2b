/* Invitations: what a person reads of them, on her own clock, and what cannot be in them. */
#include <stdlib.h>
#include <time.h>

#include "mime.h"
#include "test.h"

#define BERLIN \
	"BEGIN:VTIMEZONE\r\nTZID:W. Europe\r\n" \
	"BEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n" \
	"DTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\n" \
	"BEGIN:STANDARD\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n" \
	"DTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\n" \
	"END:VTIMEZONE\r\n"
#define MARK "\xe2\x96\x8c "

/* The lines of a calendar with these properties in its only event, in that zone. */
static char *
shown(const char *tz, const char *method, const char *zones, const char *event, int columns)
{
	struct part p = { .type = "text/calendar", .format = "", .delsp = "" };
	struct lines l = { 0 };
	struct str text = { 0 }, out = { 0 };

	setenv("TZ", tz, 1);
	tzset();
	str_printf(&text, "BEGIN:VCALENDAR\r\n%s%sBEGIN:VEVENT\r\n%sEND:VEVENT\r\n"
		"END:VCALENDAR\r\n", method, zones, event);
	mime_render(&l, &p, str_get(&text), text.len, columns);
	for (size_t i = 0; i < l.n; i++)
		str_printf(&out, "%s\n", l.v[i].text);
	lines_clear(&l);
	str_clear(&text);
	return str_take(&out);
}

static void
assert_shown(const char *tz, const char *method, const char *zones, const char *event,
	const char *want)
{
	char *got = shown(tz, method, zones, event, 78);

	assert_string_equal(want, got);
	free(got);
}

static void
test_invitation_says_what_when_where_who(void **state)
{
	(void)state;
	assert_shown("Europe/Berlin", "METHOD:REQUEST\r\n", BERLIN,
		"SUMMARY:Plan\\, again\r\nLOCATION:Room 4\r\n"
		"DTSTART;TZID=W. Europe:20261201T140000\r\n"
		"DTEND;TZID=\"W. Europe\":20261201T153000\r\n"
		"ORGANIZER;CN=\"Hopper; Grace\":MAILTO:grace@example.net\r\n"
		"ATTENDEE;PARTSTAT=ACCEPTED;CN=Ada:mailto:ada@exa\r\n mple.org\r\n"
		"ATTENDEE;RSVP=TRUE:mailto:bob@example.org\r\n"
		"BEGIN:VALARM\r\nDESCRIPTION:not this\r\nSUMMARY:nor this\r\nEND:VALARM\r\n",
		MARK "Invitation: Plan, again\n"
		MARK "When: Tue, 1 Dec 2026 14:00-15:30\n"
		MARK "Where: Room 4\n"
		MARK "Organizer: Hopper; Grace <grace@example.net>\n"
		MARK "Invited: Ada (accepted), bob@example.org\n");
}

/* The zone is the one the mail describes, summer and winter; the reader's clock is shown. */
static void
test_times_are_of_the_readers_clock(void **state)
{
	(void)state;
	static const struct { const char *tz, *start, *want; } cases[] = {
		{ "America/New_York", "TZID=W. Europe:20261201T140000",
			"Tue, 1 Dec 2026 08:00 (14:00 in W. Europe)" },
		{ "America/New_York", "TZID=W. Europe:20260715T140000",
			"Wed, 15 Jul 2026 08:00 (14:00 in W. Europe)" },
		{ "UTC", "TZID=W. Europe:20260329T013000",
			"Sun, 29 Mar 2026 00:30 (01:30 in W. Europe)" },
		{ "UTC", "TZID=W. Europe:20260329T033000",
			"Sun, 29 Mar 2026 01:30 (03:30 in W. Europe)" },
		{ "UTC", "TZID=W. Europe:20261025T043000",
			"Sun, 25 Oct 2026 03:30 (04:30 in W. Europe)" },
		{ "Asia/Tokyo", "X=1:20261201T220000Z", "Wed, 2 Dec 2026 07:00" },
		{ "Asia/Tokyo", "TZID=Nowhere:20261201T140000",
			"Tue, 1 Dec 2026 14:00 (Nowhere)" },
		{ "Asia/Tokyo", "X=1:20261201T140000", "Tue, 1 Dec 2026 14:00" },
		{ "Asia/Tokyo", "VALUE=DATE:20261201", "Tue, 1 Dec 2026" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		char *event = xasprintf("SUMMARY:x\r\nDTSTART;%s\r\n", cases[i].start);
		char *want = xasprintf(MARK "Event: x\n" MARK "When: %s\n", cases[i].want);
		assert_shown(cases[i].tz, "", BERLIN, event, want);
		free(event);
		free(want);
	}
}

static void
test_ends_and_repetitions_are_words(void **state)
{
	(void)state;
	static const struct { const char *event, *want; } cases[] = {
		{ "DTSTART:20261201T230000Z\nDURATION:PT2H", "Tue, 1 Dec 2026 23:00 to Wed, "
			"2 Dec 2026 01:00" },
		{ "DTSTART:20261201T230000Z\nDURATION:P9999999999W", "Tue, 1 Dec 2026 23:00" },
		{ "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261225",
			"Thu, 24 Dec 2026" },
		{ "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227",
			"Thu, 24 Dec 2026 to Sat, 26 Dec 2026" },
		{ "DTSTART:20261201T140000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR;COUNT=4",
			"Tue, 1 Dec 2026 14:00, every 2 weeks on Tue, Fri, 4 times" },
		{ "DTSTART:20261201T140000Z\nRRULE:FREQ=MONTHLY;BYDAY=1TU;UNTIL=20270301",
			"Tue, 1 Dec 2026 14:00, every month by a rule, until Mon, 1 Mar 2027" },
		{ "DTSTART:20261201T140000Z\nRECURRENCE-ID:20261201T140000Z",
			"Tue, 1 Dec 2026 14:00, this one of a series" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		char *event = xasprintf("SUMMARY:x\n%s\n", cases[i].event);
		char *want = xasprintf(MARK "Event: x\n" MARK "When: %s\n", cases[i].want);
		char *got = shown("UTC", "", "", event, 200);
		assert_string_equal(want, got);
		free(got);
		free(event);
		free(want);
	}
}

static void
test_answers_and_cancellations_say_so(void **state)
{
	(void)state;
	assert_shown("UTC", "METHOD:REPLY\n", "", "SUMMARY:Plan\n"
		"ATTENDEE;PARTSTAT=DECLINED;CN=Bob:mailto:bob@example.org\n",
		MARK "Answer: Bob <bob@example.org> declined: Plan\n");
	assert_shown("UTC", "METHOD:CANCEL\n", "", "SUMMARY:Plan\n",
		MARK "Cancelled: Plan\n");
	assert_shown("UTC", "METHOD:REQUEST\n", "", "STATUS:CANCELLED\n",
		MARK "Cancelled: (no title)\n");
}

/* Only where nothing else says it: most invitations have it as plain text beside. */
static void
test_description_is_shown_where_it_stands_alone(void **state)
{
	(void)state;
	assert_shown("UTC", "", "", "SUMMARY:x\nDESCRIPTION:Bring\\nfigures\n",
		MARK "Event: x\n\nBring\nfigures\n");
	struct part alt = { .type = "multipart/alternative" }, plain = { .type = "text/plain" };
	struct part p = { .type = "text/calendar", .parent = &alt };
	static const char text[] = "BEGIN:VEVENT\nSUMMARY:x\nDESCRIPTION:y\nEND:VEVENT\n";
	struct lines l = { 0 };
	alt.child = &plain;
	plain.next = alt.last = &p;
	mime_render(&l, &p, text, sizeof text - 1, 80);
	assert_int_equal(1, l.n);
	lines_clear(&l);
}

/* What goes on in a further line is set in, so that no value begins a line of its own behind
 * the mark, and a value has no lines. */
static void
test_no_value_looks_like_a_notice(void **state)
{
	(void)state;
	char *got = shown("UTC", "", "", "SUMMARY:x\\nGood signature \x1b[1m by somebody you "
		"trust\nLOCATION:aaaaaaaaaaaaaaaaaaaaaaaaaaaa Good signature\n"
		"DESCRIPTION:" MARK "Good signature\n", 40);

	assert_null(strstr(got, MARK "Good"));
	assert_null(strchr(got, '\x1b'));
	free(got);
}

static void
test_what_is_no_event_says_so(void **state)
{
	(void)state;
	struct part p = { .type = "text/calendar", .format = "", .delsp = "" };
	static const char *const texts[][2] = { { "", "without an event" },
		{ "BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:x\nEND:VTODO\n", "no event" } };

	for (size_t i = 0; i < LEN(texts); i++) {
		struct lines l = { 0 };
		mime_render(&l, &p, texts[i][0], strlen(texts[i][0]), 80);
		assert_int_equal(1, l.n);
		assert_non_null(strstr(l.v[0].text, texts[i][1]));
		lines_clear(&l);
	}
}

/* A whole calendar has a line that says how much more there is, in linear time. */
static void
test_many_events_are_counted(void **state)
{
	(void)state;
	struct part p = { .type = "text/calendar", .format = "", .delsp = "" };
	struct str text = { 0 };
	struct lines l = { 0 };

	for (int i = 0; i < 20000; i++)
		str_puts(&text, "BEGIN:VEVENT\nSUMMARY:x\nATTENDEE:mailto:a@b\nEND:VEVENT\n");
	mime_render(&l, &p, str_get(&text), text.len, 80);
	assert_string_equal(MARK "19995 more events; v shows the parts", l.v[l.n - 1].text);
	str_clear(&text);
	lines_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invitation_says_what_when_where_who),
		cmocka_unit_test(test_times_are_of_the_readers_clock),
		cmocka_unit_test(test_ends_and_repetitions_are_words),
		cmocka_unit_test(test_answers_and_cancellations_say_so),
		cmocka_unit_test(test_description_is_shown_where_it_stands_alone),
		cmocka_unit_test(test_no_value_looks_like_a_notice),
		cmocka_unit_test(test_what_is_no_event_says_so),
		cmocka_unit_test(test_many_events_are_counted),
	};

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
