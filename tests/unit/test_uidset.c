/* Sets of UIDs: sorted ranges, whatever a server sends. */
#include "test.h"
#include "uidset.h"

static struct uidset
set(const char *text)
{
	struct uidset s = {0};

	if (*text)
		assert_true(uidset_parse(&s, text));
	return s;
}

static void
assert_set(const char *want, struct uidset *s)
{
	struct str out = {0};

	uidset_format(&out, s);
	assert_string_equal(want, str_get(&out));
	for (size_t i = 1; i < s->n; i++)
		assert_true((uint64_t)s->ranges[i - 1].hi + 1 < s->ranges[i].lo);
	str_clear(&out);
	uidset_clear(s);
}

/* What is parsed comes back sorted and joined, in whatever order it was named. */
static void
test_parse_normalises(void **state)
{
	(void)state;
	const struct { const char *text, *want; } cases[] = {
		{ "1", "1" }, { "5:1", "1:5" }, { "3,1,2", "1:3" }, { "1:5,4:9,11", "1:9,11" },
		{ "1:4294967295", "1:4294967295" }, { "4294967295,1,4294967294",
			"1,4294967294:4294967295" },
		{ "2:4,1:10,3", "1:10" }, { "7,7,7", "7" },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct uidset s = set(cases[i].text);
		assert_set(cases[i].want, &s);
	}
}

/* What is no sequence-set of UIDs is refused, and leaves the empty set. */
static void
test_parse_refuses_nonsense(void **state)
{
	(void)state;
	const char *texts[] = { "", "*", "1:*", "0", "0:5", "1,", ",1", "1::2", "1:", ":1",
		"-1", " 1", "1 ", "4294967296", "99999999999999999999", "1:2:3", "a", "+1" };
	for (size_t i = 0; i < LEN(texts); i++) {
		struct uidset s = {0};
		uidset_add(&s, 9);
		assert_false(uidset_parse(&s, texts[i]));
		assert_int_equal(0, s.n);
		uidset_clear(&s);
	}
}

/* Against a plain array of bools, every operation agrees, for thousands of random steps. */
static void
test_agrees_with_an_array(void **state)
{
	(void)state;
	enum { N = 64 };
	bool has[N + 1] = {0};
	struct uidset s = {0};
	uint32_t seed = 12345;

	for (int step = 0; step < 20000; step++) {
		seed = seed * 1664525 + 1013904223;
		uint32_t lo = 1 + (seed >> 8) % N, hi = lo + (seed >> 16) % 5;
		hi = hi > N ? N : hi;
		if (seed >> 31) {
			uidset_remove(&s, lo);
			has[lo] = false;
		} else {
			uidset_add_range(&s, lo, hi);
			for (uint32_t u = lo; u <= hi; u++)
				has[u] = true;
		}
		uint64_t n = 0;
		uint32_t walk = 0;
		for (uint32_t u = 1; u <= N; u++) {
			assert_int_equal(has[u], uidset_has(&s, u));
			n += has[u];
			if (has[u])
				assert_int_equal(u, walk = uidset_next(&s, walk));
		}
		assert_int_equal(0, uidset_next(&s, walk));
		assert_int_equal(n, uidset_count(&s));
	}
	uidset_clear(&s);
}

/* Each UID is in `and` when in both, in `minus` when in the first alone;
 * operands may be the result. */
static void
test_and_minus(void **state)
{
	(void)state;
	const struct { const char *a, *b, *and, *minus; } cases[] = {
		{ "1:10", "3:4,8", "3:4,8", "1:2,5:7,9:10" },
		{ "1:10", "1:4294967295", "1:10", "" },
		{ "1:4294967295", "5", "5", "1:4,6:4294967295" },
		{ "1,3,5", "2,4,6", "", "1,3,5" },
		{ "1:5,10:15", "5:10", "5,10", "1:4,11:15" },
		{ "4294967295", "4294967295", "4294967295", "" },
		{ "7:9", "", "", "7:9" }, { "", "7:9", "", "" },
		{ "1:3,5:7,9:20", "2:6,10,12:30", "2:3,5:6,10,12:20", "1,7,9,11" },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct uidset a = set(cases[i].a), b = set(cases[i].b), both = {0};
		uidset_and(&both, &a, &b);
		assert_set(cases[i].and, &both);
		uidset_minus(&a, &a, &b);
		assert_set(cases[i].minus, &a);
		uidset_clear(&b);
	}
}

/* The whole range of UIDs costs one range, at every call. */
static void
test_the_widest_range_is_one(void **state)
{
	(void)state;
	struct uidset s = set("1:4294967295"), top = {0}, copy = {0};

	assert_int_equal(1, s.n);
	assert_true(uidset_count(&s) == UINT32_MAX);
	assert_int_equal(UINT32_MAX, uidset_max(&s));
	assert_int_equal(1, uidset_min(&s));
	uidset_add(&s, UINT32_MAX);
	uidset_add_range(&s, 0, 7);
	assert_int_equal(1, s.n);
	assert_true(uidset_has(&s, UINT32_MAX));
	assert_false(uidset_has(&s, 0));
	assert_int_equal(0, uidset_next(&s, UINT32_MAX));
	uidset_remove(&s, UINT32_MAX);
	uidset_remove(&s, 1);
	uidset_copy(&copy, &s);
	assert_set("2:4294967294", &copy);
	uidset_take_highest(&top, &s, 100);
	assert_set("4294967195:4294967294", &top);
	assert_set("2:4294967194", &s);
}

/* The highest UIDs leave one set for the other, however many are asked for. */
static void
test_take_highest(void **state)
{
	(void)state;
	struct uidset s = set("1:3,7,10:12"), out = {0};

	uidset_take_highest(&out, &s, 0);
	assert_int_equal(0, out.n);
	uidset_take_highest(&out, &s, 5);
	assert_set("3,7,10:12", &out);
	uidset_take_highest(&out, &s, 99);
	assert_set("1:2", &out);
	assert_set("", &s);
}

/* A server that names half a million UIDs backwards is read in a moment. */
static void
test_backwards_is_not_quadratic(void **state)
{
	(void)state;
	struct str text = {0};
	struct uidset s = {0};

	for (uint32_t uid = 1000001; uid > 1; uid -= 2)
		str_printf(&text, "%u,", uid);
	str_putc(&text, '1');
	assert_true(uidset_parse(&s, text.data));
	assert_int_equal(500001, s.n);
	assert_int_equal(500001, uidset_count(&s));
	uidset_clear(&s);
	str_clear(&text);
}

TEST_MAIN(T(test_parse_normalises), T(test_parse_refuses_nonsense),
	T(test_agrees_with_an_array), T(test_and_minus), T(test_the_widest_range_is_one),
	T(test_take_highest), T(test_backwards_is_not_quadratic))
