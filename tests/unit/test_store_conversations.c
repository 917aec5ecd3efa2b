/* Which messages belong together, and paging over conversations. */
#include <time.h>

#include "store_fixture.h"
#include "store/store_db.h"

static thread_id
put(struct fixture *fx, folder_id folder, uint32_t uid, const char *mid, const char *reply,
	const char *refs)
{
	struct msg m = { .id = msg_id_of(folder, uid), .arrived = uid, .message_id = mid,
		.in_reply_to = reply, .references = refs }, out;

	OK(store_msg_put(fx->s, &m, &fx->e));
	assert_true(store_msg(fx->s, m.id, &fx->a, &out));
	return out.thread;
}

static thread_id
thread_of(struct fixture *fx, folder_id folder, uint32_t uid)
{
	struct msg out;

	assert_true(store_msg(fx->s, msg_id_of(folder, uid), &fx->a, &out));
	return out.thread;
}

/* The page of threads as text: the newest arrival, messages, unread of each. */
static const char *
page(struct fixture *fx, const folder_id *folders, size_t n, struct page_key from, bool newer,
	size_t max)
{
	struct thread_head heads[50];
	struct str text = {0};
	size_t got = store_threads(fx->s, folders, n, from, newer, max, heads);

	for (size_t i = 0; i < got; i++)
		str_printf(&text, "%s%d:%u/%u", i ? " " : "", (int)heads[i].newest,
			heads[i].n_msgs, heads[i].n_unread);
	const char *result = arena_strdup(&fx->a, str_get(&text));
	str_clear(&text);
	return result;
}

/* Every order of arrival of a root, an answer and an answer to that gives one thread. */
static void
test_any_order_of_arrival(void **state)
{
	struct fixture *fx = *state;
	const int orders[6][3] = { {0,1,2}, {0,2,1}, {1,0,2}, {1,2,0}, {2,0,1}, {2,1,0} };

	for (uint32_t i = 0; i < 6; i++) {
		const char *root = arena_printf(&fx->a, "root%u", i),
			   *mid = arena_printf(&fx->a, "mid%u", i);
		const char *leaf = arena_printf(&fx->a, "leaf%u", i);
		for (int k = 0; k < 3; k++) {
			if (orders[i][k] == 0)
				put(fx, fx->inbox, 10 * i + 1, root, "", "");
			else if (orders[i][k] == 1)
				put(fx, fx->inbox, 10 * i + 2, mid, root, "");
			else
				put(fx, fx->inbox, 10 * i + 3, leaf, mid, "");
		}
		assert_true(thread_of(fx, fx->inbox, 10 * i + 1)
			== thread_of(fx, fx->inbox, 10 * i + 2));
		assert_true(thread_of(fx, fx->inbox, 10 * i + 1)
			== thread_of(fx, fx->inbox, 10 * i + 3));
	}
	assert_string_equal("53:3/3 43:3/3 33:3/3 23:3/3 13:3/3 3:3/3",
		page(fx, &fx->inbox, 1, page_top, false, 50));
}

/* Two threads become one when a message links them, and the heads say so. */
static void
test_late_link_merges(void **state)
{
	struct fixture *fx = *state;

	thread_id a = put(fx, fx->inbox, 1, "a", "", "");
	put(fx, fx->inbox, 2, "b", "", "a");
	thread_id c = put(fx, fx->inbox, 3, "c", "", "");
	put(fx, fx->trash, 4, "d", "c", "");
	assert_true(a != c);
	put(fx, fx->inbox, 5, "e", "b", "c");
	for (uint32_t uid = 1; uid <= 5; uid++)
		assert_true(thread_of(fx, uid == 4 ? fx->trash : fx->inbox, uid)
			== thread_of(fx, fx->inbox, 5));
	assert_string_equal("5:4/4", page(fx, &fx->inbox, 1, page_top, false, 50));
	folder_id both[] = { fx->inbox, fx->trash };
	assert_string_equal("5:5/5", page(fx, both, 2, page_top, false, 50));
}

/* Accounts do not share threads, and messages without any id do not stick together. */
static void
test_strangers_stay_apart(void **state)
{
	struct fixture *fx = *state;

	thread_id a = put(fx, fx->inbox, 1, "same", "", "");
	fx->account = store_account(fx->s, "home");
	folder_id other = fx_folder(fx, "INBOX", ROLE_INBOX);
	assert_true(put(fx, other, 1, "same", "", "") != a);
	assert_true(put(fx, fx->inbox, 2, "", "", "") != put(fx, fx->inbox, 3, "", "", ""));
}

/* A thread is listed by its newest message that is shown, and counts without the hidden ones,
 * paged both ways without a gap. */
static void
test_hidden_messages_move_threads(void **state)
{
	struct fixture *fx = *state;

	put(fx, fx->inbox, 1, "a1", "", "");
	put(fx, fx->inbox, 2, "b1", "", "");
	put(fx, fx->inbox, 3, "c1", "", "");
	put(fx, fx->inbox, 4, "a2", "a1", "");
	put(fx, fx->inbox, 5, "d1", "", "");
	assert_string_equal("5:1/1 4:2/2 3:1/1 2:1/1",
		page(fx, &fx->inbox, 1, page_top, false, 50));
	fx_move(fx, msg_id_of(fx->inbox, 4));
	fx_move(fx, msg_id_of(fx->inbox, 5));
	fx_flag(fx, msg_id_of(fx->inbox, 2), MSG_SEEN, 0);
	assert_string_equal("3:1/1 2:1/0 1:1/1", page(fx, &fx->inbox, 1, page_top, false, 50));
	assert_string_equal("3:1/1 2:1/0", page(fx, &fx->inbox, 1, page_top, false, 2));
	struct page_key at = { 2, (msg_id)thread_of(fx, fx->inbox, 2) };
	assert_string_equal("1:1/1", page(fx, &fx->inbox, 1, at, false, 2));
	assert_string_equal("3:1/1", page(fx, &fx->inbox, 1, at, true, 2));
	assert_string_equal("2:1/0 1:1/1", page(fx, &fx->inbox, 1, page_end, true, 2));
}

/* A thread in two folders is listed once, by the newer of both, with the messages of both. */
static void
test_threads_merge_folders(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->trash };
	struct msg *msgs;

	for (uint32_t uid = 1; uid <= 6; uid++)
		put(fx, uid % 2 ? fx->inbox : fx->trash, uid, arena_printf(&fx->a, "m%u", uid),
			uid > 3 ? arena_printf(&fx->a, "m%u", uid - 3) : "", "");
	assert_string_equal("6:2/2 5:2/2 4:2/2", page(fx, both, 2, page_top, false, 50));
	assert_string_equal("6:2/2", page(fx, both, 2, page_top, false, 1));
	assert_string_equal("5:2/2", page(fx, both, 2, (struct page_key){ 6,
		(msg_id)thread_of(fx, fx->trash, 6) }, false, 1));
	assert_int_equal(2,
		store_thread(fx->s, both, 2, thread_of(fx, fx->trash, 6), 10, &fx->a, &msgs));
	assert_int_equal(3, msg_uid(msgs[0].id));
	assert_int_equal(6, msg_uid(msgs[1].id));
	assert_int_equal(1,
		store_thread(fx->s, both, 2, thread_of(fx, fx->trash, 6), 1, &fx->a, &msgs));
	assert_int_equal(6, msg_uid(msgs[0].id));
}

/* A message that comes again, with more known of it or another time, is still one message. */
static void
test_put_again(void **state)
{
	struct fixture *fx = *state;

	put(fx, fx->inbox, 1, "a", "", "");
	put(fx, fx->inbox, 2, "b", "", "");
	put(fx, fx->inbox, 2, "b", "a", "");
	assert_string_equal("2:2/2", page(fx, &fx->inbox, 1, page_top, false, 50));
	struct msg again = { .id = msg_id_of(fx->inbox, 2),
		.arrived = 9,
		.message_id = "b",
		.flags = MSG_SEEN };
	OK(store_msg_put(fx->s, &again, &fx->e));
	assert_string_equal("9:2/1", page(fx, &fx->inbox, 1, page_top, false, 50));
	assert_int_equal(2, fx_counts(fx, fx->inbox).n_msgs);
	assert_int_equal(1, fx_counts(fx, fx->inbox).n_unread);
	struct uidset gone = {0};
	uidset_add_range(&gone, 1, 2);
	OK(store_msgs_gone(fx->s, fx->inbox, &gone, &fx->e));
	uidset_clear(&gone);
	assert_string_equal("", page(fx, &fx->inbox, 1, page_top, false, 50));
	assert_true(store_find(fx->s, fx->inbox, "a") == 0);
}

static double
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Ten thousand references cost no more than a hundred, and the ends of the list still link. */
static void
test_many_references_are_bounded(void **state)
{
	struct fixture *fx = *state;
	struct str refs = {0};

	for (int i = 0; i < 10000; i++)
		str_printf(&refs, "%sref%d", i ? " " : "", i);
	thread_id oldest = put(fx, fx->inbox, 1, "ref0", "", "");
	put(fx, fx->inbox, 2, "ref9999", "", "");
	thread_id middle = put(fx, fx->inbox, 3, "ref5000", "", "");
	put(fx, fx->inbox, 4, "x", "", str_get(&refs));
	assert_true(thread_of(fx, fx->inbox, 1) == thread_of(fx, fx->inbox, 4));
	assert_true(thread_of(fx, fx->inbox, 2) == thread_of(fx, fx->inbox, 4));
	assert_true(middle != oldest && thread_of(fx, fx->inbox, 3) == middle);
	struct msg m;
	assert_true(store_msg(fx->s, msg_id_of(fx->inbox, 4), &fx->a, &m));
	assert_true(strlen(m.references) < 1000);
	str_clear(&refs);
}

/* The second half of a thread of 6,000 costs what the first half did. */
static void
test_long_thread_is_not_quadratic(void **state)
{
	struct fixture *fx = *state;
	double half[2];

	for (uint32_t h = 0; h < 2; h++) {
		double t = cpu_ms();
		OK(store_begin(fx->s, &fx->e));
		for (uint32_t uid = h * 3000 + 1; uid <= h * 3000 + 3000; uid++) {
			char mid[32], ref[32];
			snprintf(mid, sizeof mid, "m%u", uid);
			snprintf(ref, sizeof ref, "m%u", uid - 1);
			struct msg m = { .id = msg_id_of(fx->inbox, uid),
				.arrived = uid,
				.message_id = mid,
				.in_reply_to = ref,
				.references = "m0" };
			OK(store_msg_put(fx->s, &m, &fx->e));
		}
		OK(store_commit(fx->s, &fx->e));
		half[h] = cpu_ms() - t;
	}
	assert_true(half[1] < 3 * half[0] + 50);
	struct uidset gone = {0};
	double t = cpu_ms();
	uidset_add_range(&gone, 1, 6000);
	OK(store_msgs_gone(fx->s, fx->inbox, &gone, &fx->e));
	uidset_clear(&gone);
	assert_true(cpu_ms() - t < 3 * half[0] + 1000);
}

static int64_t
random_to(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed / 65536 % n;
}

/* One of the ways in which rows come, go, move, join and are marked. */
static void
do_anything(struct fixture *fx, uint32_t *seed)
{
	folder_id folders[] = { fx->inbox, fx->trash };
	uint32_t uid = 1 + (uint32_t)random_to(seed, 60), other = 1 + (uint32_t)random_to(seed,
		60);
	char mid[2][20], parent[20];
	struct msg m[2] = {
		{ .id = msg_id_of(folders[uid % 2], uid), .arrived = other,
			.message_id = mid[0], .flags = other % 3 ? 0 : MSG_SEEN },
		{ .id = msg_id_of(folders[other % 2], other), .arrived = uid,
			.message_id = mid[1], .in_reply_to = uid % 3 ? NULL : parent },
	};
	struct uidset gone = {0};

	snprintf(mid[0], sizeof mid[0], "%u@x", uid);
	snprintf(mid[1], sizeof mid[1], "%u@x", other);
	snprintf(parent, sizeof parent, "%u@x", (uid + other) % 60);
	switch (random_to(seed, 8)) {
	case 0:
		OK(store_msg_flags(fx->s, m[0].id, other % 2 ? MSG_SEEN : 0, 0, &fx->e));
		break;
	case 1:
		OK(tx_open(fx->s, DB_INDEX, &fx->e));
		OK(tx_close(fx->s, msg_copy(fx->s, m[0].id, m[1].id, &fx->e), &fx->e));
		break;
	case 2:
		uidset_add_range(&gone, uid, uid + 3);
		OK(store_msgs_gone(fx->s, msg_folder(m[0].id), &gone, &fx->e));
		uidset_clear(&gone);
		break;
	default:
		OK(store_msgs_put(fx->s, m, 2, &fx->e));
	}
}

static int64_t
ask(struct fixture *fx, const char *sql)
{
	return db_int(fx->s, sql, "");
}

/* Counts never say what the rows do not. */
static void
test_counts_are_those_of_the_rows(void **state)
{
	struct fixture *fx = *state;
	uint32_t seed = 7;

	for (int i = 0; i < 400; i++) {
		do_anything(fx, &seed);
		assert_int_equal(0, ask(fx, "SELECT count(*) FROM folder f WHERE n_msgs <>"
			" (SELECT count(*) FROM msg WHERE folder = f.id) OR n_unread <>"
			" (SELECT count(*) FROM msg WHERE folder = f.id AND (flags & "
			"1) = 0)"));
		assert_int_equal(0,
			ask(fx,
			"SELECT count(*) FROM (SELECT thread, folder, max(arrived), count(*), "
			"sum((flags & 1) = 0) FROM msg GROUP BY 1, 2 EXCEPT SELECT thread, "
			"folder, newest, n_msgs, n_unread FROM thread_head)"));
		assert_int_equal(0,
			ask(fx,
			"SELECT count(*) FROM thread_head h WHERE NOT EXISTS (SELECT 1 FROM "
			"msg m WHERE m.thread = h.thread AND m.folder = h.folder)"));
	}
	assert_true(ask(fx, "SELECT count(*) FROM msg") > 20);
	assert_true(ask(fx, "SELECT count(*) FROM thread_head WHERE n_msgs > 2") > 0);
}

/* What page() says, worked out from all rows, in one statement. */
static const char *
naive_page(struct fixture *fx, bool is_both, struct page_key from, bool newer, int max)
{
	struct str text = {0};
	sqlite3_stmt *st = db_query(fx->s, "SELECT * FROM (SELECT * FROM (SELECT m.thread AS t,"
		" max(m.arrived) AS newest, count(*), sum((((m.flags |"
		" coalesce(o.set_bits, 0)) & ~coalesce(o.clear_bits, 0)) & 1) = 0)"
		" FROM msg m LEFT JOIN overlay o ON o.msg = m.id"
		" WHERE coalesce(o.hidden, 0) = 0 AND (m.folder = ?1 OR m.folder = ?2)"
		" GROUP BY m.thread) WHERE CASE WHEN ?5 THEN (newest, t) > (?3, ?4)"
		" ELSE (newest, t) < (?3, ?4) END ORDER BY CASE WHEN ?5 THEN newest ELSE"
		" -newest END, CASE WHEN ?5 THEN t ELSE -t END LIMIT ?6)"
		" ORDER BY newest DESC, t DESC",
		"uuiiuu", fx->inbox, is_both ? fx->trash : fx->inbox, from.arrived, from.id,
		(uint32_t)newer, (uint32_t)max);

	while (db_row(fx->s, st))
		str_printf(&text, "%s%d:%d/%d", text.len ? " " : "",
			sqlite3_column_int(st, 1), sqlite3_column_int(st, 2),
			sqlite3_column_int(st, 3));
	const char *result = arena_strdup(&fx->a, str_get(&text));
	str_clear(&text);
	return result;
}

/* Whatever is pending, a page anywhere, either way, has what all rows say; and so have the
 * counts of folders. */
static void
test_pages_are_those_of_the_rows(void **state)
{
	struct fixture *fx = *state;
	folder_id both[] = { fx->inbox, fx->trash };
	uint32_t seed = 11;
	int n_moved = 0;
	char label[80];

	for (int i = 0; i < 1500; i++) {
		uint32_t uid = 1 + (uint32_t)random_to(&seed, 60);
		msg_id id = msg_id_of(both[uid % 2], uid);
		struct msg m;
		bool is_there = store_msg(fx->s, id, &fx->a, &m);
		int what = (int)random_to(&seed, 6);
		if (what == 0 && is_there)
			fx_move(fx, id);
		else if (what == 1 && is_there)
			fx_flag(fx, id, uid % 3 ? MSG_SEEN : 0, uid % 3 ? 0 : MSG_SEEN);
		else if (what == 2 && uid % 3 == 0)
			store_undo(fx->s, label, sizeof label, &fx->e);
		else
			do_anything(fx, &seed);
		bool newer = random_to(&seed, 2), is_both = random_to(&seed, 2);
		int max = 1 + (int)random_to(&seed, 12);
		struct page_key from = { random_to(&seed, 60), random_to(&seed, 60) };
		if (i % 3 == 0)
			from = newer ? page_end : page_top;
		assert_string_equal(naive_page(fx, is_both, from, newer, max),
			page(fx, both, is_both ? 2 : 1, from, newer, (size_t)max));
		n_moved += ask(fx, "SELECT count(*) FROM (SELECT m.thread, max(m.arrived) AS"
			" newest FROM msg m LEFT JOIN overlay o ON o.msg = m.id WHERE"
			" coalesce(o.hidden, 0) = 0 GROUP BY m.thread, m.folder) s JOIN"
			" thread_head h USING (thread) WHERE s.newest < h.newest") > 0;
		struct folder f;
		assert_true(store_folder(fx->s, fx->inbox, &fx->a, &f));
		assert_int_equal(db_int(fx->s, "SELECT count(*) FROM msg m LEFT JOIN overlay o"
			" ON o.msg = m.id WHERE m.folder = ? AND coalesce(o.hidden, 0) = 0",
			"u", fx->inbox), f.n_msgs);
		assert_int_equal(db_int(fx->s, "SELECT count(*) FROM msg m LEFT JOIN overlay o"
			" ON o.msg = m.id WHERE m.folder = ? AND coalesce(o.hidden, 0) = 0 AND"
			" (((m.flags | coalesce(o.set_bits, 0)) & ~coalesce(o.clear_bits, 0)) & 1)"
			" = 0", "u", fx->inbox), f.n_unread);
	}
	assert_true(n_moved > 500);
}

TEST_MAIN(FX(test_any_order_of_arrival), FX(test_late_link_merges),
	FX(test_strangers_stay_apart), FX(test_hidden_messages_move_threads),
	FX(test_threads_merge_folders), FX(test_put_again),
	FX(test_many_references_are_bounded), FX(test_long_thread_is_not_quadratic),
	FX(test_counts_are_those_of_the_rows), FX(test_pages_are_those_of_the_rows))
