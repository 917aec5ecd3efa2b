/* Invitations: what a person reads of them, on her own clock, and what cannot be in them. */
#include <stdlib.h>
#include <time.h>

#include "invitation.h"
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

/* ---- answering ---- */

#define REQUEST(event) "BEGIN:VCALENDAR\nMETHOD:REQUEST\n" BERLIN "BEGIN:VEVENT\n" event \
	"END:VEVENT\nBEGIN:VEVENT\nUID:2\nRECURRENCE-ID:x\nEND:VEVENT\nEND:VCALENDAR\n"
#define GRACE "ORGANIZER;CN=Grace:mailto:grace@example.net\n"

static const char *const mine[] = { "Ada <ada@example.org>", "Ada L. <ada@work.example>" };

/* What is asked of whom, and by which of our addresses; and what wants no answer. */
static void
test_invitation_to_one_of_our_addresses(void **state)
{
	(void)state;
	static const struct { const char *text, *organizer, *invited; size_t mine; } v[] = {
		{ REQUEST("SUMMARY:x\n" GRACE "ATTENDEE:mailto:bob@x\n"
			"ATTENDEE;CN=A:MAILTO:ADA@work.example\n"),
			"Grace <grace@example.net>", "ADA@work.example", 1 },
		{ REQUEST(GRACE "ATTENDEE:mailto:list@x\n"), "Grace <grace@example.net>", "",
			0 },
		{ REQUEST("ORGANIZER;CN=\"x\ty <z@z>\":mailto:grace@example.net\n"),
			"\"x y <z@z>\" <grace@example.net>", "", 0 },
		{ REQUEST("SUMMARY:x\n"), NULL, NULL, 0 },
		{ REQUEST("ORGANIZER:mailto:Ada@example.org\n"), NULL, NULL, 0 },
		{ REQUEST(GRACE "STATUS:CANCELLED\n"), NULL, NULL, 0 },
		{ "METHOD:REPLY\nBEGIN:VEVENT\n" GRACE "END:VEVENT\n", NULL, NULL, 0 },
		{ "", NULL, NULL, 0 },
	};

	for (size_t i = 0; i < LEN(v); i++) {
		struct arena a = { 0 };
		struct invitation x;
		struct error e;
		enum err r = invitation_read(&x, &a, v[i].text, strlen(v[i].text), mine, 2,
			&e);
		assert_int_equal(v[i].organizer ? ERR_OK : ERR_MSG, r);
		if (v[i].organizer) {
			assert_string_equal(v[i].organizer, x.organizer);
			assert_string_equal(v[i].invited, x.invited);
			assert_int_equal(v[i].mine, x.mine);
		}
		arena_clear(&a);
	}
}

/* The organizer's own lines go back, of the first event alone, and nothing of other people or
 * of alarms; no line is longer than 75 bytes, and no control byte is left. */
static void
test_answer_names_the_event_as_it_was_named(void **state)
{
	(void)state;
	static const char text[] = REQUEST("UID:1@x\nSEQUENCE:3\nSUMMARY:aaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4\x1b\xc3\xa4" "bc\n"
		"DTSTART;TZID=W. Europe:20261201T140000\n" GRACE
		"ATTENDEE:mailto:bob@x\nDESCRIPTION:secret\n"
		"BEGIN:VALARM\nSUMMARY:alarm\nEND:VALARM\nDTEND:20261201T140000Z\n");
	struct str out = { 0 };

	invitation_write(&out, text, sizeof text - 1, "ada@example.org", INVITATION_DECLINED,
		1790000000);
	const char *got = str_get(&out), *event = strstr(got, "BEGIN:VEVENT\r\n");
	assert_true(str_starts(got, "BEGIN:VCALENDAR\r\nPRODID:-//Dunlin//EN\r\nVERSION:2.0"
		"\r\nMETHOD:REPLY\r\nBEGIN:VTIMEZONE\r\nTZID:W. Europe\r\n"));
	assert_non_null(event);
	assert_string_equal("BEGIN:VEVENT\r\nUID:1@x\r\nSEQUENCE:3\r\n"
		"SUMMARY:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"
		" \xc3\xa4 \xc3\xa4" "bc\r\n"
		"DTSTART;TZID=W. Europe:20261201T140000\r\n"
		"ORGANIZER;CN=Grace:mailto:grace@example.net\r\nDTEND:20261201T140000Z\r\n"
		"DTSTAMP:20260921T141320Z\r\n"
		"ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org\r\n"
		"END:VEVENT\r\nEND:VCALENDAR\r\n", event);
	str_clear(&out);
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
		cmocka_unit_test(test_invitation_to_one_of_our_addresses),
		cmocka_unit_test(test_answer_names_the_event_as_it_was_named),
	};

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
