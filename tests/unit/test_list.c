/* test_list.c - the cursor of a message list over a real store, and
 * what a list reads of it. */
#include "list_fixture.h"

enum { HEIGHT = 20 };

/* ---- the cursor ---- */

/* A list opens with the newest at the top and the cursor on it. */
static void
test_opens_at_newest(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 30);
	show(fx);
	assert_string_equal("[30] 29 28 27 26", screen(fx, 5));
}

/* What arrives above does not move the cursor to another message. */
static void
test_arrivals_keep_cursor(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 30);
	show(fx);
	list_move(fx->l, 2);
	fill(fx, fx->inbox, 31, 33);
	list_refresh(fx->l);
	assert_string_equal("33 32 31 30 29 [28] 27 26", screen(fx, 8));
}

/* Scrolled down, new mail does not shift the lines either. */
static void
test_arrivals_keep_lines(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 200);
	show(fx);
	screen(fx, 5);
	list_move(fx->l, 100);
	screen(fx, 5);
	list_move(fx->l, -2);
	assert_string_equal("104 103 [102] 101 100", screen(fx, 5));
	fill(fx, fx->inbox, 201, 260);
	list_refresh(fx->l);
	assert_string_equal("104 103 [102] 101 100", screen(fx, 5));
}

/* A deleted message hands the cursor to the next older one; undo brings both back. */
static void
test_delete_and_undo(void **state)
{
	static const struct {
		uint32_t at, hidden[4];
		size_t n;
		uint32_t then;
	} cases[] = {
		{ 30, { 30 }, 1, 29 }, { 20, { 20 }, 1, 19 }, { 1, { 1 }, 1, 2 },
		{ 20, { 20, 19, 18 }, 3, 17 }, { 20, { 21 }, 1, 20 }, { 2, { 2, 1 }, 2, 3 },
		{ 30, { 30, 28 }, 2, 29 },
	};
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 30);
	for (size_t i = 0; i < LEN(cases); i++) {
		show(fx);
		screen(fx, 10);
		assert_true(list_goto(fx->l, msg_id_of(fx->inbox, cases[i].at)));
		hide(fx, cases[i].hidden, cases[i].n);
		assert_int_equal(cases[i].then, cursor(fx));
		undo(fx);
		assert_int_equal(cases[i].at, cursor(fx));
	}
}

/* What comes back from the server with another UID gets the cursor when it arrives, unless
 * the person went elsewhere. */
static void
test_undo_by_another_uid(void **state)
{
	struct fixture *fx = *state;

	for (int moved = 0; moved < 2; moved++) {
		uint32_t new_uid = 40 + (uint32_t)moved;
		struct error e;
		struct msg m = { .id = msg_id_of(fx->inbox, new_uid),
			.arrived = 1700000000 + 60 * 20, .date = 1, .from_name = "",
			.from_addr = "", .to = "", .cc = "", .subject = "",
			.message_id = moved ? "1.19@t" : "1.20@t", .in_reply_to = "",
			.references = "", .list_id = "" };
		fill(fx, fx->inbox, 1, 30);
		show(fx);
		list_goto(fx->l, msg_id_of(fx->inbox, moved ? 19 : 20));
		list_leave(fx->l);
		gone(fx, moved ? 19 : 20, moved ? 19 : 20);
		list_refresh(fx->l);
		list_return(fx->l);
		if (moved)
			list_first(fx->l);
		ok(store_msg_put(fx->s, &m, &e), &e);
		list_refresh(fx->l);
		assert_int_equal(moved ? 30 : new_uid, cursor(fx));
	}
}

/* Deleting a whole screen at once leaves the cursor on what was below it. */
static void
test_delete_many(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 400);
	show(fx);
	screen(fx, 10);
	list_move(fx->l, 50);
	gone(fx, 200, 360);
	list_refresh(fx->l);
	assert_int_equal(199, cursor(fx));
}

/* Everything gone: no cursor; something back: the cursor is on it. */
static void
test_emptied(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 3);
	show(fx);
	gone(fx, 1, 3);
	list_refresh(fx->l);
	assert_int_equal(0, list_cursor_id(fx->l));
	assert_null(list_cursor(fx->l));
	assert_false(list_move(fx->l, 1));
	fill(fx, fx->inbox, 4, 5);
	list_refresh(fx->l);
	assert_int_equal(5, cursor(fx));
}

/* Every row is met once going down to the end, and again going up. */
static void
test_walk(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 300);
	show(fx);
	screen(fx, 10);
	for (uint32_t k = 300; k > 1; k--) {
		assert_int_equal(k, cursor(fx));
		assert_true(list_move(fx->l, 1));
	}
	assert_false(list_move(fx->l, 1));
	for (uint32_t k = 1; k < 300; k++) {
		assert_int_equal(k, cursor(fx));
		assert_true(list_move(fx->l, -1));
	}
	assert_false(list_move(fx->l, -1));
}

/* Paging moves by screens and stops at the ends. */
static void
test_pages(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 100);
	show(fx);
	screen(fx, 10);
	list_page(fx->l, 2);
	assert_string_equal("[90] 89 88 87 86 85 84 83 82 81", screen(fx, 10));
	list_page(fx->l, 1);
	assert_string_equal("[85] 84 83 82 81 80 79 78 77 76", screen(fx, 10));
	list_page(fx->l, -1);
	list_page(fx->l, -2);
	assert_string_equal("[100] 99 98 97 96 95 94 93 92 91", screen(fx, 10));
	assert_true(list_last(fx->l));
	assert_string_equal("10 9 8 7 6 5 4 3 2 [1]", screen(fx, 10));
	assert_false(list_page(fx->l, 2));
	assert_true(list_first(fx->l));
	assert_int_equal(100, cursor(fx));
}

/* ---- what it costs ---- */

/* In a folder of 100,000 opening, paging, going to the end and back read screens, not the
 * folder. */
static void
test_cost(void **state)
{
	struct fixture *fx = *state;
	const uint64_t *n_read = &list_source(fx->l)->n_read;

	fill(fx, fx->inbox, 1, 100000);
	list_order(fx->l, ORDER_DATE, false, false);
	show(fx);
	screen(fx, HEIGHT);
	assert_true(*n_read < 20 * HEIGHT);
	uint64_t before = *n_read;
	for (int i = 0; i < 50; i++) {
		list_page(fx->l, 2);
		screen(fx, HEIGHT);
	}
	assert_int_equal(100000 - 50 * HEIGHT, cursor(fx));
	assert_true(*n_read - before < 50 * 8 * HEIGHT);
	before = *n_read;
	list_last(fx->l);
	assert_int_equal(1, cursor(fx));
	list_first(fx->l);
	list_goto(fx->l, msg_id_of(fx->inbox, 50000));
	assert_int_equal(50000, cursor(fx));
	assert_true(*n_read - before < 40 * HEIGHT);
}

/* ---- orders and limits ---- */

/* Each order is shown sorted, and the cursor stays on its message. */
static void
test_orders(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 1000);
	show(fx);
	list_goto(fx->l, msg_id_of(fx->inbox, 400));
	for (int o = ORDER_SENDER; o <= ORDER_SIZE; o++) {
		for (int reverse = 0; reverse < 2; reverse++) {
			const struct list_row *rows;
			size_t at, n;
			list_order(fx->l, (enum list_order)o, reverse, false);
			finish(fx->l);
			assert_int_equal(400, cursor(fx));
			assert_int_equal(1000, list_count(fx->l));
			list_first(fx->l);
			n = list_screen(fx->l, 100, 0, &rows, &at);
			assert_int_equal(100, n);
			for (size_t i = 1; i < n; i++) {
				const struct msg *a = rows[i - 1].m, *b = rows[i].m;
				int c = o == ORDER_SENDER ? strcmp(a->from_name, b->from_name)
					: o == ORDER_SUBJECT ? strcmp(a->subject, b->subject)
					: (b->size_bytes > a->size_bytes) - (b->size_bytes <
					a->size_bytes);
				assert_true(reverse ? c >= 0 : c <= 0);
			}
			list_goto(fx->l, msg_id_of(fx->inbox, 400));
		}
	}
	list_order(fx->l, ORDER_DATE, true, false);
	assert_int_equal(400, cursor(fx));
	list_first(fx->l);
	assert_string_equal("[1] 2 3 4 5", screen(fx, 5));
}

/* The root of the cursor's thread, and of those above and below it. */
static void
assert_roots(struct fixture *fx, const uint32_t *want, size_t n)
{
	const struct list_row *rows;
	size_t at, k = 0, n_rows = list_screen(fx->l, 100, 0, &rows, &at);

	for (size_t i = 0; i < n_rows; i++) {
		if (rows[i].depth > 0)
			continue;
		assert_true(k < n);
		assert_int_equal(want[k++], msg_uid(rows[i].root->id));
	}
	assert_int_equal(n, k);
}

/* Threads are ordered by who began them, about what, and by the size of all of
 * them; the answers stay below. */
static void
test_threads_in_any_order(void **state)
{
	struct fixture *fx = *state;
	static const uint32_t by_sender[] = { 3, 6, 1, 4 }, by_size[] = { 1, 6, 4, 3 },
		by_subject[] = { 1, 3, 4, 6 };

	/* Writer 07, 1037 bytes and those of its answers */
	put(fx, fx->inbox, 1, 0);
	put(fx, fx->inbox, 2, 1);
	put(fx, fx->inbox, 3, 0);		/* Writer 01, 1111 */
	put(fx, fx->inbox, 4, 0);		/* Writer 08, 1148 */
	put(fx, fx->inbox, 5, 1);
	put(fx, fx->inbox, 6, 0);		/* Writer 02, 1222 */
	show(fx);
	list_order(fx->l, ORDER_SENDER, false, true);
	finish(fx->l);
	assert_roots(fx, by_sender, 4);
	assert_int_equal(4, list_count(fx->l));
	list_order(fx->l, ORDER_SIZE, false, true);
	finish(fx->l);
	assert_roots(fx, by_size, 4);
	list_order(fx->l, ORDER_SUBJECT, false, true);
	finish(fx->l);
	assert_roots(fx, by_subject, 4);
}

/* A message that joins the thread under the cursor changes its place: the cursor stays on its
 * message, before all is gathered anew and behind. */
static void
test_growing_thread_keeps_the_cursor(void **state)
{
	struct fixture *fx = *state;
	struct error e;

	for (int limited = 0; limited < 2; limited++) {
		uint32_t k = 100 * (uint32_t)limited;
		put(fx, fx->inbox, k + 1, 0);
		put(fx, fx->inbox, k + 2, 0);
		put(fx, fx->inbox, k + 3, 0);
		put(fx, fx->inbox, k + 4, k + 2);
		show(fx);
		list_order(fx->l, limited ? ORDER_DATE : ORDER_SIZE, false, true);
		if (limited)
			ok(list_limit(fx->l, "letter", 1700100000, &e), &e);
		finish(fx->l);
		list_goto(fx->l, msg_id_of(fx->inbox, k + 2));
		put(fx, fx->inbox, k + 5, k + 2);
		list_refresh(fx->l);
		assert_int_equal(k + 2, cursor(fx));
		finish(fx->l);
		assert_int_equal(k + 2, cursor(fx));
	}
}

/* A limit shows what fits; what was read under "is:unread" stays until the next limit. */
static void
test_limit(void **state)
{
	struct fixture *fx = *state;
	struct error e;

	fill(fx, fx->inbox, 1, 30);
	show(fx);
	list_goto(fx->l, msg_id_of(fx->inbox, 12));
	ok(list_limit(fx->l, "is:unread", 1700100000, &e), &e);
	finish(fx->l);
	assert_int_equal(12, cursor(fx));
	assert_string_equal("30 27 24 21 18 15 [12] 9 6 3", screen(fx, 10));
	ok(store_msg_flags(fx->s, msg_id_of(fx->inbox, 12), MSG_SEEN, 0, &e), &e);
	fill(fx, fx->inbox, 31, 33);
	list_refresh(fx->l);
	finish(fx->l);
	assert_string_equal("33 30 27 24 21 18 15 [12] 9 6", screen(fx, 10));
	ok(list_limit(fx->l, "is:unread", 1700100000, &e), &e);
	finish(fx->l);
	assert_string_equal("33 30 27 24 21 18 15 [9] 6 3", screen(fx, 10));
	ok(list_limit(fx->l, "", 0, &e), &e);
	assert_int_equal(9, cursor(fx));
	assert_null(list_limit_text(fx->l));
	assert_int_not_equal(ERR_OK, list_limit(fx->l, "is:nonsense", 0, &e));
}

/* Under a limit and in another order a deletion and its undo are as in the whole list. */
static void
test_limit_undo(void **state)
{
	struct fixture *fx = *state;
	struct error e;

	fill(fx, fx->inbox, 1, 30);
	show(fx);
	ok(list_limit(fx->l, "is:unread", 1700100000, &e), &e);
	finish(fx->l);
	list_goto(fx->l, msg_id_of(fx->inbox, 15));
	hide(fx, (uint32_t[]){ 15 }, 1);
	assert_int_equal(12, cursor(fx));
	undo(fx);
	assert_int_equal(15, cursor(fx));
	finish(fx->l);
	assert_string_equal("30 27 24 21 18 [15] 12 9 6 3", screen(fx, 10));
}

/* Several folders are one list by arrival. */
static void
test_unified(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->other };

	for (uint32_t k = 1; k <= 10; k++)
		put(fx, k % 2 ? fx->inbox : fx->other, k, 0);
	list_folders(fx->l, both, 2);
	assert_string_equal("[10] 9 8 7 6 5 4 3 2 1", screen(fx, 10));
}

/* ---- threads ---- */

static void
fill_threads(struct fixture *fx)
{
	put(fx, fx->inbox, 1, 0);
	put(fx, fx->inbox, 2, 0);
	put(fx, fx->inbox, 3, 1);
	put(fx, fx->inbox, 4, 0);
	put(fx, fx->inbox, 5, 3);
	put(fx, fx->inbox, 6, 2);
	list_order(fx->l, ORDER_DATE, false, true);
	show(fx);
}

/* Threads stand by their newest message, their own messages oldest first. */
static void
test_threads(void **state)
{
	struct fixture *fx = *state;

	fill_threads(fx);
	assert_string_equal("[2] 6 1 3 5 4", screen(fx, 10));
	const struct list_row *rows;
	size_t at;
	list_screen(fx->l, 10, 0, &rows, &at);
	assert_int_equal(0, rows[2].depth);
	assert_int_equal(1, rows[3].depth);
	assert_int_equal(2, rows[4].depth);
	list_thread(fx->l, false);
	assert_int_equal(1, cursor(fx));
	list_thread(fx->l, false);
	assert_int_equal(4, cursor(fx));
	assert_false(list_thread(fx->l, false));
	list_thread(fx->l, true);
	assert_int_equal(1, cursor(fx));
}

/* A folded thread is one row, counts its messages, and unfolds where the cursor was. */
static void
test_folding(void **state)
{
	struct fixture *fx = *state;
	size_t n;

	fill_threads(fx);
	list_goto(fx->l, msg_id_of(fx->inbox, 3));
	list_fold(fx->l);
	assert_string_equal("2 6 [5] 4", screen(fx, 10));
	assert_int_equal(3, list_cursor(fx->l)->n_folded);
	assert_int_equal(3, cursor(fx));
	msg_id *ids = list_targets(fx->l, false, &n);
	assert_int_equal(3, n);
	free(ids);
	list_fold(fx->l);
	assert_string_equal("2 6 1 [3] 5 4", screen(fx, 10));
	list_fold_all(fx->l);
	assert_string_equal("6 [5] 4", screen(fx, 10));
	list_fold(fx->l);
	assert_string_equal("6 1 [3] 5 4", screen(fx, 10));
	list_fold_all(fx->l);
	assert_string_equal("2 6 1 [3] 5 4", screen(fx, 10));
}

/* Opening a folded thread goes to its first unread message. */
static void
test_open_folded(void **state)
{
	struct fixture *fx = *state;

	fill_threads(fx);
	list_fold_all(fx->l);
	list_move(fx->l, 1);
	assert_int_equal(msg_id_of(fx->inbox, 3), list_open(fx->l));
	assert_string_equal("6 1 [3] 5 4", screen(fx, 10));
}

/* A reply moves its thread to the top; the cursor goes with its message. */
static void
test_thread_rises(void **state)
{
	struct fixture *fx = *state;

	fill_threads(fx);
	list_goto(fx->l, msg_id_of(fx->inbox, 5));
	put(fx, fx->inbox, 7, 5);
	list_refresh(fx->l);
	assert_string_equal("1 3 [5] 7 2 6 4", screen(fx, 10));
	gone(fx, 5, 5);
	list_refresh(fx->l);
	assert_int_equal(7, cursor(fx));
}

/* ---- tags and search ---- */

/* Tags stay on their messages whatever happens to the rows. */
static void
test_tags(void **state)
{
	struct fixture *fx = *state;
	size_t n;
	struct error e;

	fill(fx, fx->inbox, 1, 30);
	show(fx);
	list_tag(fx->l);
	list_move(fx->l, 2);
	list_tag(fx->l);
	fill(fx, fx->inbox, 31, 40);
	list_refresh(fx->l);
	list_order(fx->l, ORDER_SIZE, false, false);
	finish(fx->l);
	assert_int_equal(2, list_n_tagged(fx->l));
	msg_id *ids = list_targets(fx->l, true, &n);
	assert_int_equal(2, n);
	assert_true((msg_uid(ids[0]) == 30 && msg_uid(ids[1]) == 28)
		|| (msg_uid(ids[0]) == 28 && msg_uid(ids[1]) == 30));
	free(ids);
	ok(list_tag_query(fx->l, "is:unread", 1700100000, &e), &e);
	finish(fx->l);
	assert_int_equal(SEARCH_TAGGED, list_search_state(fx->l));
	assert_int_equal(14, list_n_tagged(fx->l));
	list_untag_all(fx->l);
	assert_int_equal(0, list_n_tagged(fx->l));
}

static enum list_search
settle(struct fixture *fx, enum list_search state)
{
	if (state != SEARCH_GOING)
		return state;
	finish(fx->l);
	return list_search_state(fx->l);
}

/* A search finds what is far away, goes round the end, and says when there is nothing. */
static void
test_search(void **state)
{
	struct fixture *fx = *state;
	struct error e;

	fill(fx, fx->inbox, 1, 3000);
	show(fx);
	ok(list_search(fx->l, "subject:\"letter 7\"", 1700100000, false, &e), &e);
	settle(fx, list_search_state(fx->l));
	assert_int_equal(799, cursor(fx));
	assert_int_equal(SEARCH_FOUND, settle(fx, list_search_again(fx->l, false)));
	assert_int_equal(798, cursor(fx));
	assert_int_equal(SEARCH_FOUND, settle(fx, list_search_again(fx->l, true)));
	assert_int_equal(799, cursor(fx));
	assert_int_equal(SEARCH_WRAPPED, settle(fx, list_search_again(fx->l, true)));
	assert_int_equal(7, cursor(fx));
	ok(list_search(fx->l, "subject:nowhere", 1700100000, false, &e), &e);
	assert_int_equal(SEARCH_FAILED, settle(fx, list_search_state(fx->l)));
	assert_int_equal(7, cursor(fx));
}

/* Next unread goes to the next older unread message and round the end. */
static void
test_next_unread(void **state)
{
	struct fixture *fx = *state;

	fill(fx, fx->inbox, 1, 10);
	show(fx);
	assert_int_equal(SEARCH_FOUND, list_unread(fx->l, false));
	assert_int_equal(9, cursor(fx));
	list_unread(fx->l, false);
	list_unread(fx->l, false);
	assert_int_equal(3, cursor(fx));
	assert_int_equal(SEARCH_WRAPPED, list_unread(fx->l, false));
	assert_int_equal(9, cursor(fx));
	assert_int_equal(SEARCH_WRAPPED, list_unread(fx->l, true));
	assert_int_equal(3, cursor(fx));
}

/* ---- the pieces ---- */

/* A sorted sequence holds what a simple array would, after many additions and removals. */
static void
test_sorted(void **state)
{
	struct sorted s = { 0 };
	struct place p, q;
	unsigned x = 1;
	static bool in[4096];

	(void)state;
	for (int i = 0; i < 30000; i++) {
		x = x * 1103515245 + 12345;
		unsigned k = x >> 16 & 4095;
		p = (struct place){ .arrived = k / 4, .id = k };
		if (i % 3 == 2)
			assert_int_equal(in[k], sorted_remove(&s, &p));
		else
			assert_int_equal(!in[k], sorted_add(&s, &p));
		in[k] = i % 3 != 2;
	}
	size_t n = 0;
	p = place_top;
	for (int k = 4095; k >= 0; k--) {
		if (!in[k])
			continue;
		assert_true(sorted_after(&s, &p, &q));
		assert_int_equal(k, q.id);
		assert_int_equal(n, sorted_rank(&s, &q));
		p = q;
		n++;
	}
	assert_false(sorted_after(&s, &p, &q));
	assert_int_equal(n, s.n);
	p = place_end;
	for (int k = 0; k < 4096; k++) {
		if (!in[k])
			continue;
		assert_true(sorted_before(&s, &p, &q));
		assert_int_equal(k, q.id);
		p = q;
	}
	sorted_clear(&s);
}

/* A set keeps exactly what was added and not removed. */
static void
test_idset(void **state)
{
	struct idset s = { 0 };
	static bool in[2000];
	size_t n = 0, at = 0, seen = 0;
	unsigned x = 7;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		x = x * 1103515245 + 12345;
		unsigned k = 1 + (x >> 16) % 1999;
		if (x & 0x8000)
			idset_add(&s, k);
		else
			idset_remove(&s, k);
		n += !in[k] && (x & 0x8000);
		n -= in[k] && !(x & 0x8000);
		in[k] = x & 0x8000;
	}
	assert_int_equal(n, s.n);
	for (unsigned k = 1; k < 2000; k++)
		assert_int_equal(in[k], idset_has(&s, k));
	while (idset_next(&s, &at))
		seen++;
	assert_int_equal(n, seen);
	idset_clear(&s);
}

#define F(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
TEST_MAIN(T(test_sorted), T(test_idset), F(test_opens_at_newest), F(test_arrivals_keep_cursor),
	F(test_arrivals_keep_lines), F(test_delete_and_undo), F(test_undo_by_another_uid),
	F(test_delete_many), F(test_emptied), F(test_walk), F(test_pages), F(test_cost),
	F(test_orders), F(test_threads_in_any_order), F(test_growing_thread_keeps_the_cursor),
	F(test_limit), F(test_limit_undo), F(test_unified), F(test_threads), F(test_folding),
	F(test_open_folded), F(test_thread_rises), F(test_tags), F(test_search),
	F(test_next_unread))
