/* test_format.c - a row of the message list as text. */
#include "test.h"

#include <time.h>

#include "ui/format.h"
#include "utf8.h"

static struct msg
message(void)
{
	return (struct msg){ .id = 1, .from_name = "Ada", .from_addr = "ada@example.org",
		.to = "", .cc = "", .subject = "Engines", .message_id = "", .in_reply_to = "",
		.references = "", .list_id = "" };
}

/* The columns never overlap and end at the edge, whatever the width. */
static void
test_layout(void **state)
{
	struct layout l;

	(void)state;
	for (int w = 40; w < 300; w++) {
		for (int places = 0; places < 2; places++) {
			layout_for(&l, w, places, 0);
			assert_true(l.flags.x + l.flags.columns < l.date.x);
			assert_true(l.date.x + l.date.columns < l.sender.x);
			int end = l.sender.x + l.sender.columns;
			if (l.place.columns) {
				assert_true(end < l.place.x);
				end = l.place.x + l.place.columns;
			}
			assert_true(end < l.subject.x);
			end = l.subject.x + l.subject.columns;
			if (l.size.columns) {
				assert_true(end < l.size.x);
				end = l.size.x + l.size.columns;
			}
			assert_int_equal(w, end);
			assert_true(l.subject.columns >= 15);
		}
	}
	layout_for(&l, 10, true, 0);		/* narrower than any terminal we support */
	assert_int_equal(0, l.subject.columns);
}

/* Each mark stands in its own column. */
static void
test_flags(void **state)
{
	static const struct {
		uint32_t flags, n_folded, n_unread;
		bool is_tagged;
		const char *want;
	} cases[] = {
		{ 0, 0, 0, false, " N  " },
		{ MSG_SEEN, 0, 0, false, "    " },
		{ MSG_SEEN | MSG_ANSWERED, 0, 0, false, " r  " },
		{ MSG_SEEN | MSG_FORWARDED, 0, 0, false, " f  " },
		{ MSG_SEEN | MSG_DRAFT, 0, 0, false, " d  " },
		{ MSG_ANSWERED | MSG_FLAGGED | MSG_ATTACH, 0, 0, false, " NF@" },
		{ MSG_SEEN | MSG_HEADER_ONLY | MSG_ATTACH, 0, 0, false, "   +" },
		{ MSG_SEEN | MSG_DELETED | MSG_FLAGGED, 0, 0, false, "  D " },
		{ MSG_SEEN | MSG_PENDING, 0, 0, false, "~   " },
		{ MSG_SEEN | MSG_PENDING, 0, 0, true, "*   " },
		{ MSG_SEEN, 3, 1, false, " N  " },
		{ 0, 3, 0, false, "    " },
	};
	char out[FLAGS_COLUMNS + 1];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct msg m = message();
		m.flags = cases[i].flags;
		struct list_row r = { .m = &m, .root = &m, .n_folded = cases[i].n_folded,
			.n_unread = cases[i].n_unread, .is_tagged = cases[i].is_tagged };
		format_flags(out, &r);
		assert_string_equal(cases[i].want, out);
	}
}

/* A date says as much as its column holds and no more than is needed. */
static void
test_date(void **state)
{
	static const struct {
		int64_t when;
		int columns;
		const char *format, *want;
	} cases[] = {
		{ 1784116800, 6, NULL, "12:00" },		/* 2026-07-15 */
		{ 1784116800 - 86400, 6, NULL, "14 Jul" },
		{ 1784116800 - 86400 * 14, 6, NULL, " 1 Jul" },
		/* the future is not this year's past */
		{ 1784116800 + 86400, 10, NULL, "2026-07-16" },
		{ 1752580800, 6, NULL, "2025" },
		{ 1752580800, 8, NULL, "Jul 2025" },
		{ 1752580800, 10, NULL, "2025-07-15" },
		{ 1752580800, 10, "%d/%m", "15/07" },
		{ 0, 10, NULL, "1970-01-01" },
		{ -86400, 10, NULL, "1969-12-31" },
		{ INT64_MAX, 10, NULL, "" },
	};
	char out[64];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < LEN(cases); i++) {
		format_date(out, sizeof out, cases[i].when, 1784120000, cases[i].columns,
			cases[i].format);
		assert_string_equal(cases[i].want, out);
	}
}

/* Sizes are at most four columns, rounded to the nearest. */
static void
test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} cases[] = {
		{ 0, "0" }, { 999, "999" }, { 1000, "1.0K" }, { 1024, "1.0K" },
		{ 1500, "1.5K" },
		{ 10137, "9.9K" }, { 10240, "10K" }, { 102400, "100K" }, { 1048576, "1.0M" },
		{ 1048575, "1.0M" }, { 5u << 20, "5.0M" }, { (uint64_t)3 << 40, "3.0T" },
		{ UINT64_MAX, "1.6E" },
	};
	char out[8];

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		format_size(out, cases[i].bytes);
		assert_true(strlen(out) <= 4);
		if (cases[i].bytes != UINT64_MAX)
			assert_string_equal(cases[i].want, out);
	}
	for (uint64_t n = 1; n < (uint64_t)1 << 60; n += n / 20 + 1) {
		format_size(out, n);
		assert_true(strlen(out) <= 4);
	}
}

/* The sender is a name where there is one; in sent mail it is who it went to. */
static void
test_sender(void **state)
{
	static const struct {
		const char *name, *to;
		bool is_outgoing;
		const char *want;
	} cases[] = {
		{ "Ada", "bob@example.org", false, "Ada" },
		{ "", "bob@example.org", false, "ada@example.org" },
		{ "Ada", "bob@example.org", true, "To: bob@example.org" },
		{ "Ada", "Bob Example <bob@example.org>", true, "To: Bob Example" },
		{ "Ada", "\"Example, Bob\" <bob@example.org>, c@example.org, d@x", true,
			"To: Example, Bob +2" },
		{ "Ada", "<bob@example.org>", true, "To: bob@example.org" },
		{ "Ada", "", true, "Ada" },
		{ "Ada", ",,", true, "To:  +2" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct msg m = message();
		struct str s = { 0 };
		m.from_name = cases[i].name;
		m.to = cases[i].to;
		format_sender(&s, &m, cases[i].is_outgoing);
		assert_string_equal(cases[i].want, str_get(&s));
		str_clear(&s);
	}
}

/* The lines of a thread join what belongs together, and stay within their width. */
static void
test_tree(void **state)
{
	static const struct {
		uint16_t depth;
		uint64_t rails;
		bool is_last;
		const char *want;
	} cases[] = {
		{ 0, 0, true, "" }, { 1, 0, false, "├─" }, { 1, 0, true, "└─" },
		{ 2, 1, true, "│ └─" },
		{ 3, 2, false, "  │ ├─" },
	};
	struct msg m = message();
	struct str s = { 0 };

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct list_row r = { .m = &m, .root = &m, .depth = cases[i].depth,
			.rails = cases[i].rails, .is_last = cases[i].is_last };
		str_cut(&s, 0);
		format_tree(&s, &r, 20);
		assert_string_equal(cases[i].want, str_get(&s));
	}
	for (int depth = 0; depth < 60000; depth += 7) {
		struct list_row r = { .m = &m, .root = &m, .depth = (uint16_t)depth,
			.rails = UINT64_MAX };
		str_cut(&s, 0);
		format_tree(&s, &r, 20);
		assert_true(text_width(str_get(&s), s.len) <= 22);
	}
	str_clear(&s);
}

TEST_MAIN(T(test_layout), T(test_flags), T(test_date), T(test_size), T(test_sender),
	T(test_tree))
