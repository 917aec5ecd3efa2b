/* The store: opening, folders, messages, pages. */
#include "store_fixture.h"

/* What was written is read back, in display order, by name and by role. */
static void
test_folders_read_back(void **state)
{
	struct fixture *fx = *state;
	struct folder *v, f;

	fx_folder(fx, "Archive/2024", ROLE_NONE);
	fx_folder(fx, "Drafts", ROLE_DRAFTS);
	assert_int_equal(4, store_folders(fx->s, fx->account, &fx->a, &v));
	const char *want[] = { "INBOX", "Drafts", "Trash", "Archive/2024" };
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(want[i], v[i].name);
	assert_true(store_folder_by_role(fx->s, fx->account, ROLE_TRASH, &fx->a, &f));
	assert_int_equal(fx->trash, f.id);
	assert_true(store_folder_by_wire(fx->s, fx->account, "INBOX", &fx->a, &f));
	assert_int_equal(fx->inbox, f.id);
	assert_int_equal(fx->account, store_folder_account(fx->s, fx->inbox));
	assert_int_equal(fx->account, store_account(fx->s, "work"));
	assert_int_not_equal(fx->account, store_account(fx->s, "home"));
	assert_int_equal(fx->inbox, fx_folder(fx, "INBOX", ROLE_INBOX));
}

/* A folder that LIST no longer names is not shown, keeps its id, and comes back. */
static void
test_gone_folder_keeps_its_id(void **state)
{
	struct fixture *fx = *state;
	struct folder *v;

	OK(store_folders_keep_only(fx->s, fx->account, &fx->inbox, 1, &fx->e));
	assert_int_equal(1, store_folders(fx->s, fx->account, &fx->a, &v));
	assert_int_equal(fx->trash, fx_folder(fx, "Trash", ROLE_TRASH));
	assert_int_equal(2, store_folders(fx->s, fx->account, &fx->a, &v));
}

/* All that a list shows of a message survives the way through the store. */
static void
test_message_reads_back(void **state)
{
	struct fixture *fx = *state;
	struct msg in = { .id = msg_id_of(fx->inbox, 7),
		.arrived = 100,
		.date = 90,
		.size_bytes = 12345678901,
		.modseq = 1ull << 62,
		.flags = MSG_SEEN | MSG_LIST,
		.from_name = "Ada",
		.from_addr = "a@x",
		.to = "b",
		.cc = "c",
		.subject = "s",
		.message_id = "m",
		.in_reply_to = "i",
		.references = "r1 r2",
		.list_id = "l",
		.pos_bytes = 5 },
		   m;

	OK(store_msg_put(fx->s, &in, &fx->e));
	assert_true(store_msg(fx->s, in.id, &fx->a, &m));
	assert_true(m.arrived == 100 && m.date == 90 && m.size_bytes == in.size_bytes
		&& m.pos_bytes == 5);
	assert_true(m.modseq == in.modseq && m.flags == in.flags && m.thread != 0);
	assert_string_equal("Ada a@x b c s m i r1 r2 l",
		arena_printf(&fx->a, "%s %s %s %s %s %s %s %s %s", m.from_name, m.from_addr,
			m.to, m.cc, m.subject, m.message_id, m.in_reply_to, m.references,
			m.list_id));
	assert_true(store_find(fx->s, fx->inbox, "m") == in.id);
	assert_true(store_find(fx->s, fx->trash, "m") == 0);
	assert_true(store_find(fx->s, fx->inbox, "r1") == 0);
	assert_false(store_msg(fx->s, msg_id_of(fx->inbox, 8), &fx->a, &m));
}

/* Pages run from the newest to the oldest and back, without a gap or a double, ties by UID. */
static void
test_pages_meet(void **state)
{
	struct fixture *fx = *state;

	fx_msgs(fx, fx->inbox, 1, 7);
	struct msg tie = { .id = msg_id_of(fx->inbox, 8), .arrived = 7 };
	OK(store_msg_put(fx->s, &tie, &fx->e));
	assert_string_equal("8,7,6", fx_page(fx, fx->inbox, page_top, false, 3));
	struct page_key k = { 6, msg_id_of(fx->inbox, 6) };
	assert_string_equal("5,4,3", fx_page(fx, fx->inbox, k, false, 3));
	assert_string_equal("8,7", fx_page(fx, fx->inbox, k, true, 3));
	assert_string_equal("2,1", fx_page(fx, fx->inbox, page_end, true, 2));
	assert_string_equal("", fx_page(fx, fx->inbox, page_end, false, 3));
	assert_string_equal("", fx_page(fx, fx->inbox, page_top, true, 3));
}

/* Several folders page as if they were one. */
static void
test_pages_merge_folders(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->trash };
	struct msg page[4];

	for (uint32_t uid = 1; uid <= 9; uid++)
		fx_msg(fx, uid % 3 ? fx->inbox : fx->trash, uid, 0, NULL);
	struct page_key k = page_top;
	for (uint32_t want = 9; want >= 1; ) {
		size_t n = store_page(fx->s, both, 2, k, false, 4, &fx->a, page);
		assert_true(n == 4 || want == 1);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(want--, msg_uid(page[i].id));
		k = (struct page_key){ page[n - 1].arrived, page[n - 1].id };
	}
	assert_int_equal(2,
		store_page(fx->s, both, 2, (struct page_key){ 7, msg_id_of(fx->inbox, 7) },
			true, 4, &fx->a, page));
	assert_int_equal(9, msg_uid(page[0].id));
	assert_int_equal(4, store_page(fx->s, both, 2, page_end, true, 4, &fx->a, page));
	assert_int_equal(4, msg_uid(page[0].id));
	assert_int_equal(1, msg_uid(page[3].id));
}

/* Removing by a range as wide as a server likes costs what is there, and counts follow. */
static void
test_gone_messages_leave(void **state)
{
	struct fixture *fx = *state;
	struct uidset gone = {0}, left = {0};
	struct uid_flags flags[10];

	fx_msgs(fx, fx->inbox, 1, 2500);
	fx_msg(fx, fx->trash, 5, MSG_SEEN, NULL);
	OK(store_uids_to(fx->s, fx->inbox, 2000, 3, &left, &fx->e));
	assert_int_equal(3, uidset_count(&left));
	assert_int_equal(1998, uidset_min(&left));
	uidset_clear(&left);
	uidset_add_range(&gone, 3, UINT32_MAX);
	OK(store_msgs_gone(fx->s, fx->inbox, &gone, &fx->e));
	OK(store_uids(fx->s, fx->inbox, &left, &fx->e));
	assert_int_equal(2, uidset_count(&left));
	assert_int_equal(2, fx_counts(fx, fx->inbox).n_msgs);
	assert_int_equal(2, fx_counts(fx, fx->inbox).n_unread);
	assert_int_equal(1, fx_counts(fx, fx->trash).n_msgs);
	assert_int_equal(0, fx_counts(fx, fx->trash).n_unread);
	OK(store_msg_flags(fx->s, msg_id_of(fx->inbox, 2), MSG_SEEN, 9, &fx->e));
	assert_int_equal(1, fx_counts(fx, fx->inbox).n_unread);
	assert_int_equal(2, store_uid_flags(fx->s, fx->inbox, 1, 10, flags));
	assert_int_equal(MSG_SEEN, flags[1].flags);
	uidset_clear(&gone);
	uidset_clear(&left);
}

/* A rolled back batch leaves nothing; what follows it is kept. */
static void
test_rollback(void **state)
{
	struct fixture *fx = *state;

	OK(store_begin(fx->s, &fx->e));
	fx_msg(fx, fx->inbox, 1, 0, NULL);
	store_rollback(fx->s);
	fx_msg(fx, fx->inbox, 2, 0, NULL);
	fx_reopen(fx);
	assert_string_equal("2", fx_top(fx, fx->inbox));
}

/* A list replaces what a list tells, clears that the folder is gone, and
 * leaves what its opening told. */
static void
test_list_keeps_what_opening_told(void **state)
{
	struct fixture *fx = *state;
	struct folder f, listed = { .account = fx->account, .wire = "Lists", .name = "Lists",
		.delim = '/', .attrs = FOLDER_SUBSCRIBED };
	folder_id id;

	OK(store_folder_put(fx->s, &listed, &id, &fx->e));
	assert_true(store_folder(fx->s, id, &fx->a, &f));
	f.attrs |= FOLDER_READONLY;
	OK(store_folder_state(fx->s, &f, &fx->e));
	OK(store_folders_keep_only(fx->s, fx->account, &fx->inbox, 1, &fx->e));
	listed.attrs = FOLDER_NOINFERIORS;
	OK(store_folder_put(fx->s, &listed, &id, &fx->e));
	assert_true(store_folder(fx->s, id, &fx->a, &f));
	assert_int_equal(FOLDER_NOINFERIORS | FOLDER_READONLY, f.attrs);
	f.attrs &= ~(uint32_t)FOLDER_READONLY;
	OK(store_folder_state(fx->s, &f, &fx->e));
	OK(store_folder_put(fx->s, &listed, &id, &fx->e));
	assert_true(store_folder(fx->s, id, &fx->a, &f));
	assert_int_equal(FOLDER_NOINFERIORS, f.attrs);
}

TEST_MAIN(FX(test_list_keeps_what_opening_told), FX(test_folders_read_back),
	FX(test_gone_folder_keeps_its_id), FX(test_message_reads_back), FX(test_pages_meet),
	FX(test_pages_merge_folders), FX(test_gone_messages_leave), FX(test_rollback))
