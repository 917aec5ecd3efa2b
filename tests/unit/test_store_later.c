/* Decisions about very many messages: recorded whole at once, worked off in slices. */
#include <poll.h>
#include <sqlite3.h>

#include "store_fixture.h"

enum { N = 5500 };

static msg_id *
all_of(struct fixture *fx, uint32_t n)
{
	msg_id *v = arena_alloc(&fx->a, n * sizeof *v);

	for (uint32_t i = 0; i < n; i++)
		v[i] = msg_id_of(fx->inbox, i + 1);
	return v;
}

static size_t
go_on(struct fixture *fx, size_t max)
{
	account_id account;
	folder_id folder;
	size_t n = 0;
	bool more = true;

	while (n < max && more) {
		OK(store_later(fx->s, &more, &account, &folder, &fx->e));
		n += account != 0;
		assert_true(!more || account == fx->account);
	}
	return n;
}

/* What the server would do: all that is pending, in batches, to UIDs 10,000 higher. */
static uint32_t
carry_out(struct fixture *fx, size_t max)
{
	struct intent_batch b;
	uint32_t n = 0;

	for (size_t i = 0; i < max && *fx_next(fx, &b) != 'n'; i++) {
		n += (uint32_t)uidset_count(&b.uids);
		fx_done(fx, &b, b.first.kind == INTENT_MOVE ? 10000 : 0);
	}
	return n;
}

static uint32_t
shown(struct fixture *fx, folder_id folder)
{
	return fx_counts(fx, folder).n_msgs;
}

/* One commit records all; the newest thousand go at once, the rest by
 * slices, also after a crash. */
static void
test_many_go_in_slices(void **state)
{
	struct fixture *fx = *state;

	fx_msgs(fx, fx->inbox, 1, N);
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all_of(fx, N), N);
	assert_int_equal(N - 1000, shown(fx, fx->inbox));
	assert_true(fx_top(fx, fx->inbox)[0] == '4');		/* 4500 is the newest left */
	assert_int_equal(18, store_later_left(fx->s, fx->account));
	assert_int_equal(22, store_intents_pending(fx->s, fx->account));
	assert_int_equal(2, go_on(fx, 2));
	fx_reopen(fx);
	assert_int_equal(16, go_on(fx, 100));
	assert_int_equal(0, shown(fx, fx->inbox));
	assert_int_equal(N, carry_out(fx, 100));
	assert_int_equal(N, shown(fx, fx->trash));
	assert_int_equal(0, store_intents_pending(fx->s, 0));
}

/* Undo in the middle of it: some are done, some recorded, some not even that.
 * All come back, by one key. */
static void
test_undo_in_the_middle(void **state)
{
	struct fixture *fx = *state;
	char label[80];

	fx_msgs(fx, fx->inbox, 1, N);
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all_of(fx, N), N);
	go_on(fx, 12);
	assert_int_equal(2000, carry_out(fx, 2));
	assert_int_equal(2000, shown(fx, fx->trash));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("act", label);
	go_on(fx, 100);
	/* the rest stays in sight where it is */
	assert_int_equal(N - 2000, shown(fx, fx->inbox));
	assert_int_equal(2000, carry_out(fx, 100));
	assert_int_equal(N, shown(fx, fx->inbox));
	assert_int_equal(0, shown(fx, fx->trash));
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
}

/* Undo of all of it when it is done is sliced, too, and none is left out. */
static void
test_undo_of_many_that_are_done(void **state)
{
	struct fixture *fx = *state;
	char label[80];

	fx_msgs(fx, fx->inbox, 1, N);
	fx_intend(fx, INTENT_FLAGS, "", MSG_FLAGGED, 0, all_of(fx, N), N);
	go_on(fx, 100);
	assert_int_equal(N, carry_out(fx, 100));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_in_range(store_later_left(fx->s, 0), 1, 18);
	fx_reopen(fx);
	go_on(fx, 100);
	assert_int_equal(N, carry_out(fx, 100));
	static struct uid_flags have[N];
	assert_int_equal(N, store_uid_flags(fx->s, fx->inbox, 1, N, have));
	for (size_t i = 0; i < N; i++)
		assert_int_equal(0, have[i].flags & MSG_FLAGGED);
}

/* What the person decides about one of those that are not recorded yet goes before. */
static void
test_a_later_decision_goes_before(void **state)
{
	struct fixture *fx = *state;
	msg_id one = msg_id_of(fx->inbox, 7);
	folder_id other = fx_folder(fx, "Other", ROLE_NONE);

	fx_msgs(fx, fx->inbox, 1, N);
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all_of(fx, N), N);
	fx_intend(fx, INTENT_MOVE, "Other", 0, 0, &one, 1);
	go_on(fx, 100);
	assert_int_equal(N, carry_out(fx, 100));
	assert_int_equal(1, shown(fx, other));
	assert_int_equal(N - 1, shown(fx, fx->trash));
}

/* A mailbox that the server made anew takes nothing more. */
static void
test_rebuilt_in_the_middle(void **state)
{
	struct fixture *fx = *state;
	folder_id id = fx->inbox;

	fx_msgs(fx, fx->inbox, 1, N);
	OK(store_folder_validity(fx->s, &id, 7, &fx->e));
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all_of(fx, N), N);
	OK(store_folder_validity(fx->s, &id, 8, &fx->e));
	assert_int_equal(0, store_later_left(fx->s, 0));
	assert_int_equal(0, store_intents_pending(fx->s, 0));
}

/* Another thread is writing: it is not waited for, and nothing is lost. */
static void
test_a_writer_is_not_waited_for(void **state)
{
	struct fixture *fx = *state;
	char *path = path_join(fx->data, "dunlin.db");
	account_id account;
	folder_id folder;
	sqlite3 *other;
	bool more;

	fx_msgs(fx, fx->inbox, 1, N);
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all_of(fx, N), N);
	assert_int_equal(SQLITE_OK, sqlite3_open(path, &other));
	assert_int_equal(SQLITE_OK, sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	OK(store_later(fx->s, &more, &account, &folder, &fx->e));
	assert_true(more);
	assert_int_equal(0, account);
	assert_int_equal(SQLITE_OK, sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL));
	sqlite3_close(other);
	assert_int_equal(18, go_on(fx, 100));
	free(path);
}

/* Where nothing would change of the first thousand, the rest is not forgotten. */
static void
test_first_thousand_unchanged(void **state)
{
	struct fixture *fx = *state;
	char label[80];

	fx_msgs(fx, fx->inbox, 1, N);
	for (uint32_t uid = N - 1200; uid <= N; uid++)
		OK(store_msg_flags(fx->s, msg_id_of(fx->inbox, uid), MSG_SEEN, 0, &fx->e));
	fx_intend(fx, INTENT_FLAGS, "", MSG_SEEN, 0, all_of(fx, N), N);
	go_on(fx, 100);
	assert_int_equal(N - 1201, carry_out(fx, 100));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	go_on(fx, 100);
	assert_int_equal(N - 1201, carry_out(fx, 100));
	assert_int_equal(N - 1201, fx_counts(fx, fx->inbox).n_unread);
}

/* Where they may, counts lag behind thousands of decisions, but not for long, and it is said when
 * to look again; a handle that was not told so counts right at once. */
static void
test_counts_may_lag(void **state)
{
	struct fixture *fx = *state;
	struct store *other;

	fx_msgs(fx, fx->inbox, 1, N + 10);
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all_of(fx, N), N);
	go_on(fx, 100);
	store_counts_may_lag(fx->s);
	assert_int_equal(10, shown(fx, fx->inbox));
	assert_int_equal(-1, store_counts_due_ms(fx->s));
	for (uint32_t i = 0; i < 9; i++) {
		fx_move(fx, msg_id_of(fx->inbox, N + 1 + i));
		uint32_t n = shown(fx, fx->inbox);
		assert_true(n >= 9 - i && n <= 10);
		assert_true(n == 9 - i || store_counts_due_ms(fx->s) >= 0);
	}
	OK(store_open(&other, fx->data, fx->cache, STORE_READ, &fx->e));
	struct folder f;
	assert_true(store_folder(other, fx->inbox, &fx->a, &f));
	assert_int_equal(1, f.n_msgs);
	store_close(other);
	while (shown(fx, fx->inbox) != 1 || store_counts_due_ms(fx->s) >= 0) {
		int ms = store_counts_due_ms(fx->s);
		assert_true(ms >= 0 && ms < 10000);
		poll(NULL, 0, ms);
		assert_true(store_counts_are_due(fx->s) || store_counts_due_ms(fx->s) > 0);
	}
	assert_false(store_counts_are_due(fx->s));
}

TEST_MAIN(FX(test_many_go_in_slices), FX(test_undo_in_the_middle),
	FX(test_undo_of_many_that_are_done), FX(test_a_later_decision_goes_before),
	FX(test_rebuilt_in_the_middle), FX(test_a_writer_is_not_waited_for),
	FX(test_first_thousand_unchanged), FX(test_counts_may_lag))
