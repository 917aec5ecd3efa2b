/* A time as people type it: what it is taken for, and that nothing is
 * taken for what was not meant. */
#include <stdlib.h>
#include <time.h>

#include "str.h"
#include "test.h"
#include "ui/when.h"

/* clocks go to 3 on 29 March 2026 */
static const char zone[] = "CET-1CEST,M3.5.0,M10.5.0/3";
static int64_t now;		/* Mon 23 Nov 2026, 14:05 in that zone */

static void
begin(void)
{
	struct tm t = { .tm_year = 126, .tm_mon = 10, .tm_mday = 23, .tm_hour = 14,
		.tm_min = 5, .tm_isdst = -1 };

	setenv("TZ", zone, 1);
	tzset();
	now = (int64_t)mktime(&t);
}

static int64_t
at(int64_t from, const char *text)
{
	int64_t when;
	struct error e = {0};

	if (when_parse(&when, text, from, &e) != ERR_OK)
		fail_msg("'%s': %s", text, e.text);
	return when;
}

static void
test_understood(void **state)
{
	(void)state;
	static const struct { const char *text, *want; } cases[] = {
		{ "18:30", "Mon 23 Nov 2026, 18:30 CET (in 4 h)" },
		{ "at 18:30", "Mon 23 Nov 2026, 18:30 CET (in 4 h)" },
		{ "today 18:30", "Mon 23 Nov 2026, 18:30 CET (in 4 h)" },
		{ "6:30pm", "Mon 23 Nov 2026, 18:30 CET (in 4 h)" },
		{ "tomorrow 9:00", "Tue 24 Nov 2026, 09:00 CET (in 19 h)" },
		{ "tomorrow9:00", "Tue 24 Nov 2026, 09:00 CET (in 19 h)" },
		{ "tomorrow 9", "Tue 24 Nov 2026, 09:00 CET (in 19 h)" },
		{ "tomorrow9", "Tue 24 Nov 2026, 09:00 CET (in 19 h)" },
		{ "tomorrow at 9pm", "Tue 24 Nov 2026, 21:00 CET (in 31 h)" },
		{ "9pm", "Mon 23 Nov 2026, 21:00 CET (in 7 h)" },
		{ "+2h", "Mon 23 Nov 2026, 16:05 CET (in 2 h)" },
		{ "+1hour30min", "Mon 23 Nov 2026, 15:35 CET (in 90 min)" },
		{ "monday 8:30", "Mon 30 Nov 2026, 08:30 CET (in 7 days)" },
		{ "monday8:30", "Mon 30 Nov 2026, 08:30 CET (in 7 days)" },
		{ "fri 17", "Fri 27 Nov 2026, 17:00 CET (in 4 days)" },
		{ "dec24 18", "Thu 24 Dec 2026, 18:00 CET (in 31 days)" },
		{ "2026-12-24 8", "Thu 24 Dec 2026, 08:00 CET (in 31 days)" },
		{ "Tomorrow", "Tue 24 Nov 2026, 09:00 CET (in 19 h)" },
		{ "tomorrow at 12am", "Tue 24 Nov 2026, 00:00 CET (in 10 h)" },
		{ "tomorrow 12pm", "Tue 24 Nov 2026, 12:00 CET (in 22 h)" },
		{ "mon 8:00", "Mon 30 Nov 2026, 08:00 CET (in 7 days)" },
		{ "mon 18:00", "Mon 23 Nov 2026, 18:00 CET (in 4 h)" },
		{ "Sunday", "Sun 29 Nov 2026, 09:00 CET (in 6 days)" },
		{ "tue 07:05", "Tue 24 Nov 2026, 07:05 CET (in 17 h)" },
		{ "2026-12-24 18:00", "Thu 24 Dec 2026, 18:00 CET (in 31 days)" },
		{ "24 dec 18:00", "Thu 24 Dec 2026, 18:00 CET (in 31 days)" },
		{ "dec 24. at 18:00", "Thu 24 Dec 2026, 18:00 CET (in 31 days)" },
		{ "1 jan", "Fri 1 Jan 2027, 09:00 CET (in 39 days)" },
		{ "1 jan 2028 10:00", "Sat 1 Jan 2028, 10:00 CET (in 404 days)" },
		{ "2028-02-29", "Tue 29 Feb 2028, 09:00 CET (in 463 days)" },
		{ "in 2 hours", "Mon 23 Nov 2026, 16:05 CET (in 2 h)" },
		{ "+30m", "Mon 23 Nov 2026, 14:35 CET (in 30 min)" },
		{ "+ 30 min", "Mon 23 Nov 2026, 14:35 CET (in 30 min)" },
		{ "+1h30m", "Mon 23 Nov 2026, 15:35 CET (in 90 min)" },
		{ "in 1 hour and 30 minutes", "Mon 23 Nov 2026, 15:35 CET (in 90 min)" },
		{ "in 1 week", "Mon 30 Nov 2026, 14:05 CET (in 7 days)" },
		/* the same hour */
		{ "in 200 days", "Fri 11 Jun 2027, 14:05 CEST (in 200 days)" },
		{ "2027-10-31 01:30", "Sun 31 Oct 2027, 01:30 CEST (in 341 days)" },
	};

	begin();
	for (size_t i = 0; i < LEN(cases); i++) {
		char text[100];
		when_format(text, sizeof text, at(now, cases[i].text), now);
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("'%s': %s, not %s", cases[i].text, text, cases[i].want);
	}
}

static void
test_refused(void **state)
{
	(void)state;
	static const struct { const char *text, *why; } cases[] = {
		{ "", "is no time: say 18:30" }, { "   ", "is no time" },
		{ "soon", "'soon' is no time" },
		{ "9", "is no time" }, { "25:00", "is no time" }, { "18:60", "is no time" },
		{ "18:3", "is no time" }, { "tomorrow 25", "is no time" },
		{ "tomorrow9x", "is no time" },
		{ "tomorrow 9 9", "is no time" }, { "soon", "mon 8:30" }, { "9", "9am" },
		{ "13pm", "is no time" }, { "0am", "is no time" },
		{ "18:30 19:00", "is no time" }, { "tomorrow 9:00 x", "is no time" },
		{ "in", "is no time" }, { "+", "is no time" },
		{ "in two hours", "is no time" },
		{ "in 2", "is no time" }, { "in 2 fortnights", "is no time" },
		{ "+2x", "is no time" },
		{ "mon tue", "is no time" }, { "2026-13-01", "is no time" },
		{ "2026-1", "is no time" },
		{ "99999999999999999999:00", "is no time" }, { "+99999999999h", "is no time" },
		{ "18:30\n", "is no time" },
		{ "14:05", "14:05 is past today: say tomorrow 14:05" },
		{ "9:00", "is past today" },
		{ "today", "that time is past" }, { "2026-11-23 14:05", "that time is past" },
		{ "2020-01-01", "that time is past" }, { "+0m", "that time is past" },
		{ "2027-02-29 10:00", "there is no such day" },
		{ "31 nov", "there is no such day" },
		{ "2027-03-28 02:30",
			"there is no 02:30 on that day: the clocks are put forward" },
		{ "2033-01-01", "more than five years" }, { "+9999w", "more than five years" },
		{ "+9999h9999h9999h9999h9999h9999h9999h9999h9999h9999h9999h9999h",
			"more than five years" },
	};

	begin();
	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t when = 7;
		struct error e = {0};
		enum err rc = when_parse(&when, cases[i].text, now, &e);
		if (rc != ERR_MSG || !strstr(e.text, cases[i].why))
			fail_msg("'%s': %d, '%s'", cases[i].text, rc, e.text);
	}
}

/* Across the change of the clocks a day is a day, and an hour an hour. */
static void
test_clock_change(void **state)
{
	(void)state;
	begin();
	int64_t saturday = at(now, "2027-03-27 22:30");
	assert_int_equal(saturday + 23 * 3600, at(saturday, "in 1 day"));
	assert_int_equal(saturday + 24 * 3600, at(saturday, "in 24 hours"));
	assert_int_equal(saturday + 5 * 3600, at(saturday, "+5h"));
	assert_int_equal(saturday + 3600 * 10 - 1800, at(saturday, "tomorrow 9:00"));
}

static void
test_short(void **state)
{
	(void)state;
	char text[20];

	begin();
	when_short(text, sizeof text, at(now, "tomorrow 9:00"), now);
	assert_string_equal("Tue 09:00", text);
	when_short(text, sizeof text, at(now, "24 dec"), now);
	assert_string_equal("24 Dec", text);
	when_short(text, sizeof text, at(now, "2027-01-03"), now);
	assert_string_equal("2027-01-03", text);
}

TEST_MAIN(T(test_understood), T(test_refused), T(test_clock_change), T(test_short))
