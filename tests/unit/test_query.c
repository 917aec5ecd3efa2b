/* What people type to find mail. */
#include <time.h>

#include "query.h"
#include "str.h"
#include "test.h"

/* 2026-02-10 12:00:00 UTC, a Tuesday; the group's set-up puts TZ at UTC. */
static const int64_t now = 1770724800;
static const int64_t day = 86400;

static struct msg
sample(void)
{
	return (struct msg){ .arrived = now - 3 * day, .date = now - 3 * day,
		.size_bytes = 5000, .flags = MSG_FLAGGED | MSG_ATTACH | MSG_LIST,
		.from_name = "Ada Lovelace", .from_addr = "ada@example.org",
		.to = "Bob <bob@example.net>", .cc = "",
		.subject = "Annual Report for GRÜNWALD (draft)", .message_id = "x",
		.in_reply_to = "", .references = "", .list_id = "dev.lists.example.org" };
}

static bool
fits(const char *text)
{
	struct query *q;
	struct error e = {0};
	struct msg m = sample();

	if (query_parse(&q, text, now, &e) != ERR_OK)
		fail_msg("%s: %s", text, e.text);
	bool r = query_match(q, &m);
	query_free(q);
	return r;
}

static void
assert_all(bool want, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (fits(texts[i]) != want)
			fail_msg("'%s' should%s fit", texts[i], want ? "" : " not");
	}
}

/* Each of these holds for the sample message. */
static void
test_what_fits(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "  ", "ada", "from:ada", "from:ADA@example",
		"FROM:lovelace", "to:bob", "subject:report", "subject:\"annual report\"",
		"\"report for\"", "grünwald", "GRÜNWALD", "list:dev", "is:unread",
		"is:flagged", "is:list", "has:attachment", "IS:Unread", "-is:answered",
		"-from:bob", "NOT from:bob", "NOT NOT ada", "--ada", "ada bob report",
		"ada AND bob", "from:bob OR from:ada", "nobody OR ada nothing OR bob",
		"(ada OR x) (bob OR y)", "-(qq OR zz)", "ada -(bob carol)", "larger:1k",
		"larger:4999", "smaller:5001", "smaller:1M", "smaller:1.5k OR ada",
		"before:2026-02-08", "after:2026-02-07", "after:2026-02", "on:2026-02",
		"on:2026", "on:2026-02-07", "on:2026/02/07", "on:3d", "after:1w", "after:3d",
		"before:2d", "before:today", "after:1m", "after:1y", "before:yesterday",
		"from:", "-cc:", "list:", "subject:\"(draft)\"", "\"(draft)\"" };
	assert_all(true, texts, LEN(texts));
}

/* And none of these. */
static void
test_what_does_not_fit(void **state)
{
	(void)state;
	static const char *const texts[] = { "nobody", "from:bob", "to:ada", "cc:bob", "cc:",
		"subject:ada", "\"report annual\"", "list:users", "is:read", "is:answered",
		"is:new", "is:draft", "is:partial", "-ada", "-has:attachment", "ada nobody",
		"nobody OR nothing", "-(ada OR x)", "ada AND -bob", "larger:5000",
		"smaller:5000", "larger:1M", "before:2026-02-07", "after:2026-02-08",
		"on:today", "on:yesterday", "on:2025", "before:2026", "after:2d", "before:3d",
		"http://example.org", "Re:", "12:30" };
	assert_all(false, texts, LEN(texts));
}

/* AND binds closer than OR, and a group closer than both. */
static void
test_precedence(void **state)
{
	(void)state;
	assert_true(fits("ada OR qq zz"));
	assert_false(fits("(ada OR qq) zz"));
	assert_true(fits("zz qq OR ada"));
	assert_false(fits("-ada OR qq"));
	assert_true(fits("-(ada qq)"));
}

/* is:new is what came in the last 24 hours and is unread. */
static void
test_new_is_recent_and_unread(void **state)
{
	(void)state;
	struct query *q;
	struct msg m = sample();

	assert_int_equal(ERR_OK, query_parse(&q, "is:new", now, NULL));
	m.arrived = now - day + 60;
	assert_true(query_match(q, &m));
	m.arrived = now - day - 60;
	assert_false(query_match(q, &m));
	m.arrived = now;
	m.flags = MSG_SEEN;
	assert_false(query_match(q, &m));
	query_free(q);
}

/* Days begin at midnight of the time zone in force, also on the day
 * that clocks are changed. */
static void
test_days_are_local(void **state)
{
	(void)state;
	struct query *q;
	struct msg m = sample();

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(ERR_OK, query_parse(&q, "on:2026-03-29", now, NULL));
	m.arrived = 1774738800;			/* 2026-03-29 00:00 CET */
	assert_true(query_match(q, &m));
	m.arrived -= 1;
	assert_false(query_match(q, &m));
	m.arrived += 23 * 3600;			/* the day has 23 hours */
	assert_true(query_match(q, &m));
	m.arrived += 1;
	assert_false(query_match(q, &m));
	query_free(q);
	setenv("TZ", "UTC", 1);
	tzset();
}

/* A wrong query names the word, and the nearest that would do. */
static void
test_errors_name_the_word(void **state)
{
	(void)state;
	const struct { const char *text, *error; } cases[] = {
		{ "form:ada", "unknown 'form:' (did you mean 'from:'?)" },
		{ "is:unraed", "unknown 'is:unraed' (did you mean 'is:unread'?)" },
		{ "is:", "unknown 'is:' ('is:unread', 'is:read', ...)" },
		{ "is:zzzzzzz", "unknown 'is:zzzzzzz' ('is:unread', 'is:read', ...)" },
		{ "has:wings", "unknown 'has:wings' ('has:attachment')" },
		{ "has:atachment",
			"unknown 'has:atachment' (did you mean 'has:attachment'?)" },
		{ "before:tody", "'tody' is no day (today)" },
		{ "before:2026-13-01",
			"'2026-13-01' is no day (2026-01-31, 2026-01, today, yesterday, 3d, "
			"2w, 6m, 1y)" },
		{ "on:2026-02-29",
			"'2026-02-29' is no day (2026-01-31, 2026-01, today, yesterday, 3d, "
			"2w, 6m, 1y)" },
		{ "larger:big", "'big' is no size (300, 20k, 1.5M, 1G)" },
		{ "larger:1x", "'1x' is no size (300, 20k, 1.5M, 1G)" },
		{ "larger:", "'' is no size (300, 20k, 1.5M, 1G)" },
		{ "\"open", "the quote in '\"open' is not closed" },
		{ "(ada", "a '(' is not closed" }, { "ada)", "a ')' without its '('" },
		{ "()", "nothing stands before ')'" },
		{ "ada OR", "something is missing at the end" },
		{ "NOT", "something is missing at the end" }, { "OR", NULL },
		{ ")", "nothing stands before ')'" },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct query *q = (void *)1;
		struct error e = {0};
		enum err rc = query_parse(&q, cases[i].text, now, &e);
		if (!cases[i].error) {		/* a word where no operator can stand */
			assert_int_equal(ERR_OK, rc);
			query_free(q);
			continue;
		}
		assert_int_equal(ERR_LOCAL, rc);
		assert_null(q);
		assert_string_equal(cases[i].error, e.text);
	}
}

/* Nested and long input ends in an error, never in a stack overflow. */
static void
test_bounds(void **state)
{
	(void)state;
	char text[200000];
	struct query *q;
	const char fills[] = "(-\"a";

	for (size_t i = 0; i < LEN(fills) - 1; i++) {
		for (size_t n = 100; n < sizeof text; n *= 30) {
			memset(text, fills[i], n);
			text[n] = '\0';
			query_parse(&q, text, now, NULL);
			query_free(q);
		}
	}
	memset(text, '(', 100);
	text[100] = '\0';
	assert_int_equal(ERR_LOCAL, query_parse(&q, text, now, NULL));
}

/* Numbers at the edge of what fits do not overflow. */
static void
test_large_numbers(void **state)
{
	(void)state;
	assert_true(fits("after:9999y OR ada"));
	assert_true(fits("smaller:999999999999T"));
	assert_true(fits("after:365000d"));
	assert_false(fits("larger:999999999999T"));
	struct query *q;
	assert_int_equal(ERR_LOCAL, query_parse(&q, "after:99999999d", now, NULL));
	assert_int_equal(ERR_LOCAL, query_parse(&q, "after:9999999y", now, NULL));
}

/* Every word offered for completion is one that the parser takes. */
static void
test_words_are_valid(void **state)
{
	(void)state;
	for (const char *const *w = query_words(); *w; w++) {
		struct query *q;
		bool is_day = str_eq(*w, "before:") || str_eq(*w, "after:") ||
			str_eq(*w, "on:");
		char *text = xasprintf("%s%s", *w, is_day ? "today" : strstr(*w, "er:") ? "1k"
			: str_eq(*w, "body:") || str_eq(*w, "in:") ? "x" : "");
		assert_int_equal(ERR_OK, query_parse(&q, text, now, NULL));
		query_free(q);
		free(text);
	}
}

struct texts {
	const char *const *words;
	const char *text;
};

static enum query_fit
has_words(void *ctx, size_t body, msg_id id)
{
	const struct texts *t = ctx;

	(void)id;
	if (!t->text)
		return FIT_UNKNOWN;
	return strstr(t->text, t->words[body]) ? FIT_YES : FIT_NO;
}

/* body: is answered by whoever holds the texts; nobody named, it fits nothing. */
static void
test_bodies_are_asked_for(void **state)
{
	struct query *q;
	struct msg m = sample();
	struct texts t = { .text = "the minutes of the annual meeting" };

	(void)state;
	assert_int_equal(ERR_OK,
		query_parse(&q,
		"body:minutes body:\"annual meeting\" -body:ada (from:ada OR body:minutes)",
		now, NULL));
	assert_int_equal(3, query_bodies(q, &t.words));
	assert_string_equal("annual meeting", t.words[1]);
	assert_false(query_match(q, &m));
	query_ask(q, has_words, &t);
	assert_true(query_match(q, &m));
	t.text = "the minutes of the annual meeting with ada";
	assert_false(query_match(q, &m));
	query_free(q);

	assert_int_equal(ERR_OK, query_parse(&q, "-body:minutes", now, NULL));
	query_bodies(q, &t.words);
	query_ask(q, has_words, &t);
	assert_false(query_match(q, &m));
	t.text = NULL;				/* not known is not "has them not" */
	assert_false(query_match(q, &m));
	t.text = "";
	assert_true(query_match(q, &m));
	query_free(q);
	assert_int_equal(ERR_OK, query_parse(&q, "is:flagged OR -body:minutes", now, NULL));
	assert_true(query_match(q, &m));
	query_free(q);
}

struct places {
	const char *const *names;
	const char *folder;		/* of folder 1; others are "other" */
};

static bool
is_in(void *ctx, size_t place, folder_id folder)
{
	const struct places *p = ctx;

	return str_eq(p->names[place], folder == 1 ? p->folder : "other");
}

/* in: is answered by whoever knows folders; nobody named, it fits nothing, nor does its
 * contrary. A folder in which nothing can fit is known without looking at its messages. */
static void
test_places_are_asked_for(void **state)
{
	struct query *q;
	struct msg m = sample();
	struct places p = { .folder = "Sent Items" };

	(void)state;
	m.id = msg_id_of(1, 5);
	assert_int_equal(ERR_OK, query_parse(&q, "in:\"Sent Items\" ada -in:other", now, NULL));
	assert_int_equal(2, query_places(q, &p.names));
	assert_false(query_match(q, &m));
	assert_true(query_may_fit_in(q, 2));
	query_ask_place(q, is_in, &p);
	assert_true(query_match(q, &m));
	assert_true(query_may_fit_in(q, 1));
	assert_false(query_may_fit_in(q, 2));
	p.folder = "Archive";
	assert_false(query_match(q, &m));
	assert_false(query_may_fit_in(q, 1));
	query_free(q);

	assert_int_equal(ERR_OK, query_parse(&q, "in:other OR ada", now, NULL));
	query_places(q, &p.names);
	query_ask_place(q, is_in, &p);
	assert_true(query_may_fit_in(q, 1));
	query_free(q);
	assert_int_equal(ERR_LOCAL, query_parse(&q, "in:", now, NULL));
}

/* Where a body term decides alone, only its answer has to be looked at. */
static void
test_body_that_decides(void **state)
{
	static const struct { const char *text; int body; } cases[] = {
		{ "body:a", 0 }, { "is:unread body:a", 0 }, { "is:unread (to:x body:a)", 0 },
		{ "body:a OR body:b", -1 }, { "-body:a", -1 }, { "(body:a OR to:x) body:b",
			1 },
		{ "to:x", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct query *q;
		size_t body = 99;
		assert_int_equal(ERR_OK, query_parse(&q, cases[i].text, now, NULL));
		assert_int_equal(cases[i].body >= 0, query_needs_body(q, &body));
		if (cases[i].body >= 0)
			assert_int_equal(cases[i].body, body);
		query_free(q);
	}
}

static void
test_body_needs_words(void **state)
{
	struct query *q;
	char *many = xstrdup("");

	(void)state;
	assert_int_equal(ERR_LOCAL, query_parse(&q, "body:", now, NULL));
	for (int i = 0; i <= QUERY_MAX_BODIES; i++) {
		char *more = xasprintf("%s body:w%d", many, i);
		free(many);
		many = more;
	}
	assert_int_equal(ERR_LOCAL, query_parse(&q, many, now, NULL));
	free(many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_what_fits), T(test_what_does_not_fit),
		T(test_precedence), T(test_new_is_recent_and_unread), T(test_days_are_local),
		T(test_errors_name_the_word), T(test_bounds), T(test_large_numbers),
		T(test_words_are_valid), T(test_bodies_are_asked_for), T(test_places_are_asked_for),
		T(test_body_that_decides), T(test_body_needs_words) };

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
