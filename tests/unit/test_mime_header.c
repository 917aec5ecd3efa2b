/* Headers: fields, encoded words, addresses, dates, summaries. */
#include "mime.h"
#include "test.h"
#include "utf8.h"

static struct msg
summary(struct arena *a, const char *raw)
{
	struct msg m = { .arrived = 1000 };

	mime_summary(a, &m, raw, strlen(raw));
	return m;
}

/* All that a list shows comes out of one ordinary header, decoded. */
static void
test_summary_reads_an_ordinary_header(void **state)
{
	(void)state;
	struct arena a = {0};
	struct msg m = summary(&a,
		"From: =?utf-8?Q?Ad=C3=A4?= Example <ada@example.org>\r\n"
		"To: Bob <bob@example.org>,\r\n carol@example.org\r\n"
		"Cc: undisclosed: ;\r\n"
		"Subject: =?iso-8859-1?q?gr=FC=DFe_?=\r\n =?iso-8859-1?q?aus?= Bonn\r\n"
		"Date: Thu, 1 Jan 2015 12:00:00 +0100\r\n"
		"Message-ID: <m1@example.org>\r\nIn-Reply-To: <m0@example.org> (x)\r\n"
		"References: <a@x>\r\n <m0@example.org>\r\nList-Id: \"Dev\" "
		"<dev.example.org>\r\nContent-Type: multipart/mixed; "
		"boundary=x\r\n\r\nSubject: body\r\n");
	assert_string_equal("Adä Example", m.from_name);
	assert_string_equal("ada@example.org", m.from_addr);
	assert_string_equal("Bob <bob@example.org>, carol@example.org", m.to);
	assert_string_equal("undisclosed", m.cc);
	assert_string_equal("grüße aus Bonn", m.subject);
	assert_int_equal(1420110000, m.date);
	assert_string_equal("m1@example.org", m.message_id);
	assert_string_equal("m0@example.org", m.in_reply_to);
	assert_string_equal("a@x m0@example.org", m.references);
	assert_string_equal("dev.example.org", m.list_id);
	assert_int_equal(MSG_LIST | MSG_ATTACH, m.flags);
	arena_clear(&a);
}

/* Of an empty header every string is there, and the date is that of arrival. */
static void
test_summary_of_nothing_has_no_null(void **state)
{
	(void)state;
	struct arena a = {0};
	struct msg m = summary(&a, "");
	const char *const all[] = { m.from_name, m.from_addr, m.to, m.cc, m.subject,
		m.message_id, m.in_reply_to, m.references, m.list_id };

	for (size_t i = 0; i < LEN(all); i++)
		assert_string_equal("", all[i]);
	assert_int_equal(1000, m.date);
	arena_clear(&a);
}

static void
test_summary_cuts_long_values(void **state)
{
	(void)state;
	struct arena a = {0};
	struct str raw = {0};

	str_puts(&raw, "Subject: ");
	for (int i = 0; i < 3000; i++)
		str_puts(&raw, "\xc3\xbc");
	str_puts(&raw, "\nReferences: ");
	for (int i = 0; i < 3000; i++)
		str_printf(&raw, "<%d@example.org>\n ", i);
	str_puts(&raw, "\n\n");
	struct msg m = summary(&a, raw.data);
	assert_int_equal(2000, strlen(m.subject));
	assert_true(utf8_valid(m.subject, 2000));
	assert_true(strlen(m.references) <= 20000);
	assert_true(str_starts(m.references, "0@example.org 1@"));
	assert_non_null(strstr(m.references, " 2999@example.org"));
	str_clear(&raw);
	arena_clear(&a);
}

static void
test_words_are_decoded_as_mail_has_them(void **state)
{
	(void)state;
	static const struct { const char *raw, *want; } cases[] = {
		{ "plain", "plain" },
		{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" },
		{ "=?utf-8?q?a?= b", "a b" },
		{ "=?utf-8?b?w6Q=?=", "ä" },
		/* cut inside a character */
		{ "=?utf-8?b?5pel5g==?= =?utf-8?b?nKw=?=", "日本" },
		{ "=?UTF-8*de?Q?=C3=A4?=", "ä" },
		{ "x=?utf-8?q?y?=z", "xyz" },
		{ "=?utf-8?q?a b?=", "a b" },
		{ "=?windows-1252?q?=80?=", "€" },
		{ "=?iso-8859-1?q?=93x=94?=", "“x”" },
		{ "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本" },
		{ "\x1b$BF|K\\\x1b(B", "日本" },
		{ "gr\xfc\xdf", "grüß" },
		{ "gr\xc3\xbc", "grü" },
		{ "=?nonsense?q?a=FF?=", "a\xef\xbf\xbd" },
		{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
		{ "=?utf-8?q?", "=?utf-8?q?" },
		{ "=?", "=?" },
		{ "=?utf-8?q?" "?=", "" },
		{ "=?utf-8?q?a=00b?=", "a b" },
		{ "=?gb2312?b?1tDOxA==?=", "中文" },
		{ "=?koi8-r?b?8NLJ18XU?=", "Привет" },
	};
	struct arena a = {0};

	for (size_t i = 0; i < LEN(cases); i++)
		assert_string_equal(cases[i].want, mime_decode_words(&a, cases[i].raw));
	arena_clear(&a);
}

static void
test_addresses_are_read_leniently(void **state)
{
	(void)state;
	static const struct { const char *raw, *name, *addr; size_t n; } cases[] = {
		{ "a@b.c", "", "a@b.c", 1 },
		{ "<a@b.c>", "", "a@b.c", 1 },
		{ "Ada <a@b.c>", "Ada", "a@b.c", 1 },
		{ "\"Example, Ada\" <a@b.c>", "Example, Ada", "a@b.c", 1 },
		{ "\"a \\\"b\\\"\" <a@b.c>", "a \"b\"", "a@b.c", 1 },
		{ "a@b.c (Ada)", "Ada", "a@b.c", 1 },
		{ "Ada (x) <a@b.c>", "Ada", "a@b.c", 1 },
		{ "Ada a@b.c", "Ada", "a@b.c", 1 },
		{ "\"a b\"@c.d", "", "\"a b\"@c.d", 1 },
		{ "<@r.x,@s.y:a@b.c>", "", "a@b.c", 1 },
		{ "team: a@b.c, d@e.f;", "team", "", 3 },
		{ "=?utf-8?q?Ex,_Ad=C3=A4?= <a@b.c>, x@y", "Ex, Adä", "a@b.c", 2 },
		{ "\"=?utf-8?q?=C3=A4?=\" <a@b.c>", "ä", "a@b.c", 1 },
		{ "Ada <a@b.c", "Ada", "a@b.c", 1 },
		{ ",,a@b.c,,", "", "a@b.c", 1 },
		{ "root", "", "root", 1 },
		{ "Mail Delivery System", "Mail Delivery System", "", 1 },
		{ "\"unclosed <a@b.c>", "unclosed", "a@b.c", 1 },
	};
	struct arena a = {0};
	const struct address *v;

	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_equal(cases[i].n, mime_addresses(&a, &v, cases[i].raw));
		assert_string_equal(cases[i].name, v[0].name);
		assert_string_equal(cases[i].addr, v[0].addr);
	}
	assert_int_equal(0, mime_addresses(&a, &v, ""));
	arena_clear(&a);
}

static void
test_dates(void **state)
{
	(void)state;
	int tz;

	assert_int_equal(0, mime_date("", NULL));
	assert_int_equal(0, mime_date("soon", NULL));
	assert_int_equal(1420110000, mime_date("Thu, 1 Jan 2015 12:00:00 +0100 (CET)", &tz));
	assert_int_equal(60, tz);
	assert_int_equal(1420110000, mime_date("1 Jan 15 11:00:00 GMT", &tz));
	assert_int_equal(0, tz);
}

/* The header ends at its empty line, and where that is missing behind its last field. */
static void
test_header_ends(void **state)
{
	(void)state;
	static const struct { const char *raw; size_t n; } cases[] = {
		{ "A: b\n\nbody", 6 }, { "A: b\r\n\r\nbody", 8 }, { "A: b\r\rbody", 6 },
		{ "A: b\nbody text\nmore\n\n", 5 }, { "A: b", 4 }, { "\nbody", 1 },
		{ "body", 0 },
		{ "From x Mon\nA: b\n\n", 17 }, { "A: b\njunk\nC: d\n\n", 16 }, { "", 0 },
	};

	for (size_t i = 0; i < LEN(cases); i++)
		assert_int_equal(cases[i].n, mime_header_length(cases[i].raw,
			strlen(cases[i].raw)));
}

static void
test_fields_keep_order_and_raw(void **state)
{
	(void)state;
	struct arena a = {0};
	const struct header *h;
	static const char raw[] = "X: a\n  b\nBad line\nY:\n\t=?utf-8?q?=C3=A4?=\nX: "
		"c\n\nZ: no\n";

	assert_int_equal(3, mime_headers(&a, &h, raw, sizeof raw - 1));
	assert_string_equal("a  b", h[0].raw);
	assert_string_equal("=?utf-8?q?=C3=A4?=", h[1].raw);
	assert_string_equal("ä", mime_header_value(h, 3, "y"));
	assert_string_equal("a  b", mime_header_value(h, 3, "X"));
	assert_null(mime_header_value(h, 3, "Z"));
	arena_clear(&a);
}

static void
assert_header(const char *raw, bool all, int columns, const char *want)
{
	struct lines l = {0};
	struct str s = {0};

	mime_render_header(&l, raw, strlen(raw), all, columns);
	for (size_t i = 0; i < l.n; i++)
		str_printf(&s, "%s\n", l.v[i].text);
	assert_string_equal(want, str_get(&s));
	str_clear(&s);
	lines_clear(&l);
}

/* To and Cc take two lines at most, and say how many people there are besides; all of them
 * when all headers are asked for. */
static void
test_many_people_take_two_lines(void **state)
{
	struct str raw = {0};
	struct lines l = {0};

	(void)state;
	str_puts(&raw, "From: a@b.example\nTo: ");
	for (int i = 1; i <= 40; i++)
		str_printf(&raw, "%sPerson %d <p%d@example.org>", i > 1 ? ",\n " : "", i, i);
	str_puts(&raw, "\nCc: x@example.org, y@example.org\n");
	assert_header(str_get(&raw), false, 60, "From: a@b.example\n"
		"To: Person 1 <p1@example.org>, Person 2 <p2@example.org>,\n"
		"    Person 3 <p3@example.org>, … and 37 more\n"
		"Cc: x@example.org, y@example.org\n");
	assert_header("To: a-rather-long-address@a-rather-long-host.example, b@c.example\n",
		false, 30,
		"To:\n    a-rather-long-address@a-ra\n    ther-long-host.example, …\n    and "
		"1 more\n");
	mime_render_header(&l, str_get(&raw), raw.len, true, 60);
	assert_true(l.n > 15);
	assert_non_null(strstr(l.v[l.n - 2].text, "Person 40"));
	lines_clear(&l);
	str_clear(&raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_summary_reads_an_ordinary_header),
			T(test_summary_of_nothing_has_no_null),
		T(test_summary_cuts_long_values), T(test_words_are_decoded_as_mail_has_them),
		T(test_addresses_are_read_leniently), T(test_dates), T(test_header_ends),
		T(test_fields_keep_order_and_raw), T(test_many_people_take_two_lines),
	};

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
