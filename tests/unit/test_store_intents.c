/* Intents: shown at once, carried out, refused, undone. */
#include "store_fixture.h"

/* A delete hides the message in the commit that records it; done, it is in its new place. */
static void
test_move_hides_then_arrives(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 3);
	fx_move(fx, msg_id_of(fx->inbox, 2));
	assert_string_equal("3,1", fx_top(fx, fx->inbox));
	assert_int_equal(2, fx_counts(fx, fx->inbox).n_msgs);
	assert_int_equal(2, fx_counts(fx, fx->inbox).n_unread);
	assert_int_equal(1, store_intents_pending(fx->s, 0));
	assert_string_equal("2", fx_next(fx, &b));
	assert_string_equal("Trash", b.first.dest);
	fx_done(fx, &b, 100);
	assert_string_equal("3,1", fx_top(fx, fx->inbox));
	assert_string_equal("102", fx_top(fx, fx->trash));
	assert_int_equal(1, fx_counts(fx, fx->trash).n_unread);
	assert_int_equal(0, store_intents_pending(fx->s, fx->account));
	assert_string_equal("none", fx_next(fx, &b));
}

/* Refused by the server, the message returns, and its words are kept. */
static void
test_refused_comes_back(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	struct intent *list;

	fx_msgs(fx, fx->inbox, 1, 2);
	fx_move(fx, msg_id_of(fx->inbox, 2));
	fx_next(fx, &b);
	OK(store_intents_refused(fx->s, &b, "[NOPERM] no", &fx->e));
	intent_batch_clear(&b);
	assert_string_equal("2,1", fx_top(fx, fx->inbox));
	assert_int_equal(1, store_intents(fx->s, 10, &fx->a, &list));
	assert_int_equal(INTENT_REFUSED, list[0].state);
	assert_string_equal("[NOPERM] no", list[0].error);
}

/* Flags change what is shown and counted at once, and only those messages that they change. */
static void
test_flags_show_at_once(void **state)
{
	struct fixture *fx = *state;
	struct msg m;
	struct intent_batch b;

	msg_id one = fx_msg(fx, fx->inbox, 1, 0, NULL), two = fx_msg(fx, fx->inbox, 2, MSG_SEEN, NULL);
	msg_id both[] = { one, two };
	assert_true(fx_flag(fx, two, MSG_SEEN, 0) == 0);
	fx_intend(fx, INTENT_FLAGS, "", MSG_SEEN, 0, both, 2);
	assert_int_equal(0, fx_counts(fx, fx->inbox).n_unread);
	assert_true(store_msg(fx->s, one, &fx->a, &m) && m.flags == (MSG_SEEN | MSG_PENDING));
	assert_true(store_msg(fx->s, two, &fx->a, &m) && m.flags == MSG_SEEN);
	assert_string_equal("1", fx_next(fx, &b));
	fx_done(fx, &b, 0);
	assert_int_equal(0, fx_counts(fx, fx->inbox).n_unread);
	assert_true(store_msg(fx->s, one, &fx->a, &m) && m.flags == MSG_SEEN);
}

/* Undo of what has not begun leaves no trace of it. */
static void
test_undo_pending_vanishes(void **state)
{
	struct fixture *fx = *state;
	char label[100];
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 2);
	fx_move(fx, msg_id_of(fx->inbox, 2));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("act", label);
	assert_string_equal("2,1", fx_top(fx, fx->inbox));
	assert_string_equal("none", fx_next(fx, &b));
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
}

/* Undo of a done move is the way back, by the UIDs the server told. */
static void
test_undo_done_move_goes_back(void **state)
{
	struct fixture *fx = *state;
	char label[100];
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 2);
	fx_move(fx, msg_id_of(fx->inbox, 2));
	fx_next(fx, &b);
	fx_done(fx, &b, 100);
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("102", fx_top(fx, fx->trash));	/* in sight until it is back */
	assert_string_equal("102", fx_next(fx, &b));
	assert_int_equal(fx->trash, b.first.folder);
	assert_string_equal("INBOX", b.first.dest);
	fx_done(fx, &b, 100);
	assert_string_equal("202,1", fx_top(fx, fx->inbox));
	assert_string_equal("", fx_top(fx, fx->trash));
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("none", fx_next(fx, &b));
}

TEST_MAIN(FX(test_move_hides_then_arrives), FX(test_refused_comes_back), FX(test_flags_show_at_once),
	FX(test_undo_pending_vanishes), FX(test_undo_done_move_goes_back))
