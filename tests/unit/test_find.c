/* test_find.c - a list over very many folders: what it finds, what it looks at again after a
 * change, and what in: means. */
#include "list_fixture.h"

#include "ui/places.h"

static struct query *
parse(const char *text)
{
	struct query *q;
	struct error e;

	ok(query_parse(&q, text, 1700100000, &e), &e);
	return q;
}

static void
look_for(struct fixture *fx, const folder_id *folders, size_t n, size_t max, const char *text)
{
	list_order(fx->l, ORDER_DATE, false, false);
	list_find(fx->l, folders, n, max, text, parse(text));
	finish(fx->l);
}

/* What fits comes from all folders, newest first. */
static void
test_all_folders(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->other };

	for (uint32_t k = 1; k <= 30; k++)
		put(fx, k % 2 ? fx->inbox : fx->other, k, 0);
	look_for(fx, both, 2, 1000, "is:unread");
	assert_string_equal("[30] 27 24 21 18 15 12 9 6 3", screen(fx, 10));
	assert_int_equal(10, list_count(fx->l));
}

/* After a change only the folder that changed is looked into; the cursor stays. */
static void
test_follows_what_changed(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->other };

	fill(fx, fx->inbox, 1, 3000);
	for (uint32_t k = 3001; k <= 3030; k++)
		put(fx, fx->other, k, 0);
	look_for(fx, both, 2, 100000, "is:unread");
	list_goto(fx->l, msg_id_of(fx->other, 3024));
	uint64_t before = list_source(fx->l)->n_read;
	put(fx, fx->other, 3033, 0);
	list_mark(fx->l, fx->other);
	list_refresh(fx->l);
	finish(fx->l);
	assert_string_equal("3033 3030 3027 [3024] 3021", screen(fx, 5));
	assert_true(list_source(fx->l)->n_read - before < 500);
	put(fx, fx->inbox, 3036, 0);		/* nobody says where */
	list_refresh(fx->l);
	finish(fx->l);
	assert_string_equal("3036 3033 3030 3027 [3024]", screen(fx, 5));
	before = list_source(fx->l)->n_read;
	list_refresh(fx->l);
	finish(fx->l);
	assert_true(list_source(fx->l)->n_read - before < 200);
}

/* What is deleted goes, and comes back where it was when that is undone. */
static void
test_act_and_undo(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->other };

	fill(fx, fx->inbox, 1, 30);
	look_for(fx, both, 2, 1000, "is:unread");
	list_goto(fx->l, msg_id_of(fx->inbox, 24));
	hide(fx, (uint32_t[]){ 24, 21 }, 2);
	finish(fx->l);
	assert_string_equal("30 27 [18] 15 12", screen(fx, 5));
	assert_int_equal(8, list_count(fx->l));
	undo(fx);
	finish(fx->l);
	assert_string_equal("30 27 [24] 21 18", screen(fx, 5));
	assert_int_equal(10, list_count(fx->l));
}

/* A folder more, a folder less: what is tagged and where the cursor is stays. */
static void
test_other_folders(void **state)
{
	struct fixture *fx = *state;
	folder_id third = make_folder(fx, "Third", ROLE_NONE);
	folder_id two[] = { fx->inbox, fx->other }, now[] = { fx->inbox, third };

	put(fx, fx->inbox, 3, 0);
	put(fx, fx->other, 6, 0);
	put(fx, third, 9, 0);
	look_for(fx, two, 2, 1000, "is:unread");
	list_goto(fx->l, msg_id_of(fx->inbox, 3));
	list_tag(fx->l);
	list_other_folders(fx->l, now, 2);
	finish(fx->l);
	assert_string_equal("9 [3]", screen(fx, 5));
	assert_int_equal(1, list_n_tagged(fx->l));
}

/* Of what fits the newest so many are kept, also while mail comes; what is older than the last
 * of them is not looked at. */
static void
test_bound(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->other };

	fill(fx, fx->inbox, 1, 3000);
	look_for(fx, both, 2, 50, "is:unread");
	size_t n = list_count(fx->l);
	assert_true(n >= 50 && n < 200);
	put(fx, fx->inbox, 3003, 0);
	put(fx, fx->inbox, 3006, 0);
	list_mark(fx->l, fx->inbox);
	list_refresh(fx->l);
	finish(fx->l);
	assert_true(list_count(fx->l) >= n + 2 && list_count(fx->l) < n + 200);
	assert_string_equal("3006 3003 [3000] 2997", screen(fx, 4));
}

/* A folder that repeats others shows what is in no other. */
static void
test_repeats(void **state)
{
	struct fixture *fx = *state;
	folder_id all = make_folder(fx, "All Mail", ROLE_ALL), three[] = { fx->inbox, all };

	for (uint32_t k = 1; k <= 6; k++) {
		struct error e;
		char mid[40];
		snprintf(mid, sizeof mid, "%u@same", k);
		struct msg m = { .arrived = 1700000000 + k, .date = 1700000000,
			.from_name = "", .from_addr = "", .to = "", .cc = "", .subject = "x",
			.message_id = mid, .in_reply_to = "", .references = "",
			.list_id = "" };
		m.id = msg_id_of(all, k + 10);
		ok(store_msg_put(fx->s, &m, &e), &e);
		m.id = msg_id_of(fx->inbox, k);
		if (k != 4)
			ok(store_msg_put(fx->s, &m, &e), &e);
	}
	look_for(fx, three, 2, 1000, "is:unread");
	assert_string_equal("[6] 5 14 3 2 1", screen(fx, 10));
}

/* Threads, too, are found wherever their messages are. */
static void
test_threads_over_folders(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->other };

	put(fx, fx->inbox, 3, 0);
	put(fx, fx->inbox, 4, 3);
	put(fx, fx->other, 6, 0);
	list_order(fx->l, ORDER_DATE, false, true);
	list_find(fx->l, both, 2, 1000, "letter", parse("letter"));
	finish(fx->l);
	assert_string_equal("[6] 3 4", screen(fx, 5));
}

/* in: goes by whole levels, what a folder is for, and the account, whatever the case. */
static void
test_what_in_means(void **state)
{
	static const struct {
		const char *name, *folder;
		enum folder_role role;
		bool means;
	} cases[] = {
		{ "lists/dev", "Lists/dev", ROLE_NONE, true },
		{ "dev", "Lists/dev", ROLE_NONE, true },
		{ "Lists", "Lists/dev", ROLE_NONE, true },
		{ "de", "Lists/dev", ROLE_NONE, false },
		{ "work", "Lists/dev", ROLE_NONE, true },
		{ "work/lists", "Lists/dev", ROLE_NONE, true },
		{ "work/dev", "Lists/dev", ROLE_NONE, false },
		{ "trash", "Papierkorb", ROLE_TRASH, true },
		{ "spam", "Junk E-mail", ROLE_JUNK, true },
		{ "inbox", "INBOX", ROLE_INBOX, true },
		{ "sent", "INBOX", ROLE_INBOX, false },
		{ "trash", "Lists/dev", ROLE_NONE, false },
		{ "anywhere", "Lists/dev", ROLE_NONE, true },
		{ "\303\244rzte", "\303\204RZTE", ROLE_NONE, true },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct folder f = { .name = cases[i].folder, .role = cases[i].role };
		if (place_means(cases[i].name, &f, "work") != cases[i].means)
			fail_msg("in:%s and %s", cases[i].name, cases[i].folder);
	}
}

/* in: works in a limit, a search and a tagging of an ordinary list as well. */
static void
test_in_everywhere(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->other };
	struct error e;

	put(fx, fx->inbox, 1, 0);
	put(fx, fx->other, 2, 0);
	put(fx, fx->inbox, 3, 0);
	list_folders(fx->l, both, 2);
	ok(list_search(fx->l, "in:trash", 0, false, &e), &e);
	finish(fx->l);
	assert_int_equal(2, cursor(fx));
	ok(list_tag_query(fx->l, "-in:trash", 0, &e), &e);
	finish(fx->l);
	assert_int_equal(2, list_n_tagged(fx->l));
	ok(list_limit(fx->l, "in:work/inbox", 0, &e), &e);
	finish(fx->l);
	assert_string_equal("3 [1]", screen(fx, 5));
}

#define F(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

TEST_MAIN(F(test_all_folders), F(test_follows_what_changed), F(test_act_and_undo),
	F(test_other_folders), F(test_bound), F(test_repeats), F(test_threads_over_folders),
	T(test_what_in_means), F(test_in_everywhere))
