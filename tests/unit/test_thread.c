/* Conversations as rows. */
#include <time.h>

#include "arena.h"
#include "str.h"
#include "test.h"
#include "thread.h"

static struct msg
message(const char *id, const char *in_reply_to, const char *references, int64_t date)
{
	return (struct msg){ .date = date, .arrived = date, .message_id = id,
		.in_reply_to = in_reply_to, .references = references, .from_name = "",
		.from_addr = "", .to = "", .cc = "", .subject = "", .list_id = "" };
}

/* The rows as a picture: "|   `-- id" and a line end each. */
static char *
draw(const struct msg *msgs, const struct thread_row *rows, size_t n)
{
	struct str s = {0};

	for (size_t i = 0; i < n; i++) {
		for (int d = 0; d + 1 < rows[i].depth; d++)
			str_puts(&s, d < 64 && rows[i].rails >> d & 1 ? "| " : "  ");
		if (rows[i].depth > 0)
			str_puts(&s, rows[i].is_last ? "`-" : "|-");
		str_printf(&s, "%s\n",
			*msgs[rows[i].index].message_id
			? msgs[rows[i].index].message_id : "?");
	}
	return str_take(&s);
}

static void
assert_drawn(const char *want, const struct msg *msgs, size_t n)
{
	struct thread_row *rows = xcalloc(n, sizeof *rows);

	thread_layout(msgs, n, rows);
	char *picture = draw(msgs, rows, n);
	assert_string_equal(want, picture);
	free(picture);
	free(rows);
}

/* Parents stand before children, siblings by date, and lines join what belongs together. */
static void
test_tree(void **state)
{
	(void)state;
	const struct msg msgs[] = {
		message("e", "d", "a d", 50), message("d", "a", "a", 40),
			message("c", "b", "a b", 30),
		message("b", "a", "a", 20), message("a", "", "", 10),
		message("c2", "b", "a b", 25),
	};
	assert_drawn("a\n|-b\n| |-c2\n| `-c\n`-d\n  `-e\n", msgs, LEN(msgs));
}

/* A parent that is not here is skipped, and what hung on it hangs on the next one that is. */
static void
test_missing_parents_are_bridged(void **state)
{
	(void)state;
	const struct msg msgs[] = { message("a", "", "", 1), message("d", "c", "a b c", 4),
		message("e", "x", "a b x", 5), message("z", "gone", "", 3) };

	assert_drawn("a\n|-d\n`-e\nz\n", msgs, LEN(msgs));
}

/* A message that names no parent gets the one that others' References give it. */
static void
test_others_know_the_parent(void **state)
{
	(void)state;
	const struct msg msgs[] = { message("a", "", "", 1), message("b", "", "", 2),
		message("c", "", "a b", 3) };

	assert_drawn("a\n`-b\n  `-c\n", msgs, LEN(msgs));
}

/* Loops are cut: every message is shown once, whatever the headers claim. */
static void
test_loops_are_cut(void **state)
{
	(void)state;
	const struct msg loop[] = { message("a", "c", "", 1), message("b", "a", "", 2),
		message("c", "b", "", 3) };
	const struct msg self[] = { message("a", "a", "a a a", 1),
		message("b", "a", "b a b", 2) };
	const struct msg swap[] = { message("a", "b", "a b a b", 1),
		message("b", "a", "b a b a", 2) };

	assert_drawn("a\n`-b\n  `-c\n", loop, LEN(loop));
	assert_drawn("a\n`-b\n", self, LEN(self));
	assert_drawn("a\n`-b\n", swap, LEN(swap));
}

/* Two messages with the same id, and those without any, are rows of their own. */
static void
test_same_and_no_ids(void **state)
{
	(void)state;
	const struct msg msgs[] = { message("a", "", "", 1), message("b", "a", "a", 2),
		message("b", "a", "a", 3), message("", "a", "a", 4), message("", "", "", 5),
		message("c", "b", "a b", 6) };

	assert_drawn("a\n|-b\n| `-c\n|-b\n`-?\n?\n", msgs, LEN(msgs));
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Lays out n messages: one reply to the next, or all to the first;
 * returns the time it took. */
static double
time_of(size_t n, bool is_chain)
{
	struct arena a = {0};
	struct msg *msgs = xcalloc(n, sizeof *msgs);
	struct thread_row *rows = xcalloc(n, sizeof *rows);

	for (size_t i = 0; i < n; i++) {
		const char *parent = i == 0
			? "" : arena_printf(&a, "id%zu", is_chain ? i - 1 : 0);
		msgs[i] = message(arena_printf(&a, "id%zu", i), parent, parent,
			(int64_t)(n - i));
	}
	double start = seconds();
	thread_layout(msgs, n, rows);
	double took = seconds() - start;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(!is_chain ? i > 0 : i < UINT16_MAX ? i : UINT16_MAX,
			rows[i].depth);
	free(rows);
	free(msgs);
	arena_clear(&a);
	return took;
}

/* Ten times the messages take about ten times as long, deep or broad,
 * and no stack: 100,000 deep. */
static void
test_long_threads_are_linear(void **state)
{
	(void)state;
	for (int chain = 0; chain < 2; chain++) {
		double small = time_of(10000, chain), large = time_of(100000, chain);
		assert_true(large < small * 40 + 0.05);
	}
}

/* Every message is one row, each row's depth at most one more than the row's above. */
static void
assert_is_tree(const struct thread_row *rows, size_t n)
{
	bool *seen = xcalloc(n, sizeof *seen);

	for (size_t i = 0; i < n; i++) {
		assert_true(rows[i].index < n && !seen[rows[i].index]);
		seen[rows[i].index] = true;
		assert_true(rows[i].depth == 0 ||
			(i > 0 && rows[i].depth <= rows[i - 1].depth + 1));
	}
	free(seen);
}

/* Random References among few ids, loops and all, still give a tree of all messages. */
static void
test_random_references_give_a_tree(void **state)
{
	(void)state;
	enum { N = 40 };
	static const char *const ids[] = { "", "a", "b", "c", "d", "e", "f", "g", "h", "i",
		"j", "k", "l", "m" };
	uint32_t seed = 7;

	for (int round = 0; round < 500; round++) {
		struct arena a = {0};
		struct msg msgs[N];
		struct thread_row rows[N];
		for (size_t i = 0; i < N; i++) {
			const char *w[5];
			for (size_t k = 0; k < LEN(w); k++) {
				seed = seed * 1664525 + 1013904223;
				w[k] = ids[(seed >> 16) % LEN(ids)];
			}
			msgs[i] = message(w[0], w[1], arena_printf(&a, "%s %s %s", w[2], w[3],
				w[4]), seed >> 28);
		}
		thread_layout(msgs, N, rows);
		assert_is_tree(rows, N);
		arena_clear(&a);
	}
}

/* Ancestors come oldest first without duplicates; of too many, the
 * first and the newest stay. */
static void
test_ancestors(void **state)
{
	(void)state;
	char buf[200];
	const char *out[10];
	struct msg m = message("me", "p", "a b <a> c me", 1);

	assert_int_equal(4, thread_ancestors(&m, buf, sizeof buf, out, 10));
	assert_string_equal("a", out[0]);
	assert_string_equal("c", out[2]);
	assert_string_equal("p", out[3]);
	assert_int_equal(3, thread_ancestors(&m, buf, sizeof buf, out, 3));
	assert_string_equal("a", out[0]);
	assert_string_equal("c", out[1]);
	assert_string_equal("p", out[2]);
	assert_int_equal(0, thread_ancestors(&m, buf, sizeof buf, out, 0));
	assert_int_equal(2, thread_ancestors(&m, buf, 4, out, 10));
	assert_string_equal("c", out[0]);
	assert_string_equal("p", out[1]);
	assert_int_equal(0, thread_ancestors(&m, buf, 0, out, 10));
	struct msg none = message("", "", "", 1);
	assert_int_equal(0, thread_ancestors(&none, buf, sizeof buf, out, 10));
}

TEST_MAIN(T(test_tree), T(test_missing_parents_are_bridged), T(test_others_know_the_parent),
	T(test_loops_are_cut), T(test_same_and_no_ids), T(test_long_threads_are_linear),
	T(test_random_references_give_a_tree), T(test_ancestors))
