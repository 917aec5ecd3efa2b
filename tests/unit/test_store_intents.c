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

	msg_id one = fx_msg(fx, fx->inbox, 1, 0, NULL),
	       two = fx_msg(fx, fx->inbox, 2, MSG_SEEN, NULL);
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

/* 300 keypresses, reading and deleting by turns, are two commands. */
static void
test_batches_join_across_others(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 300);
	for (uint32_t uid = 1; uid <= 300; uid++) {
		fx_flag(fx, msg_id_of(fx->inbox, uid), MSG_SEEN, 0);
		fx_move(fx, msg_id_of(fx->inbox, uid));
	}
	assert_string_equal("1:300", fx_next(fx, &b));
	assert_int_equal(INTENT_FLAGS, b.first.kind);
	assert_false(b.was_running);
	fx_done(fx, &b, 0);
	assert_string_equal("1:300", fx_next(fx, &b));
	assert_int_equal(INTENT_MOVE, b.first.kind);
	fx_done(fx, &b, 1000);
	assert_string_equal("none", fx_next(fx, &b));
	assert_int_equal(300, fx_counts(fx, fx->trash).n_msgs);
	assert_int_equal(0, fx_counts(fx, fx->trash).n_unread);
}

/* What concerns the same message is never overtaken, nor is an operation on folders. */
static void
test_batches_overtake_nothing(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	const char *want[] = { "1,3", "1", "1", "2" };

	fx_msgs(fx, fx->inbox, 1, 3);
	msg_id m[] = { 0, msg_id_of(fx->inbox, 1), msg_id_of(fx->inbox, 2),
		msg_id_of(fx->inbox, 3) };
	fx_flag(fx, m[1], MSG_FLAGGED, 0);
	fx_flag(fx, m[1], 0, MSG_FLAGGED);
	fx_flag(fx, m[3], MSG_FLAGGED, 0);
	fx_flag(fx, m[1], MSG_FLAGGED, 0);
	fx_intend(fx, INTENT_FOLDER_CREATE, "New", 0, 0, NULL, 0);
	fx_flag(fx, m[2], MSG_FLAGGED, 0);
	for (size_t i = 0; i < 4; i++) {
		if (i == 3) {
			assert_string_equal("", fx_next(fx, &b));
			assert_int_equal(INTENT_FOLDER_CREATE, b.first.kind);
			fx_done(fx, &b, 0);
		}
		assert_string_equal(want[i], fx_next(fx, &b));
		fx_done(fx, &b, 0);
	}
	struct msg shown;
	assert_true(store_msg(fx->s, m[1], &fx->a, &shown) && shown.flags == MSG_FLAGGED);
}

/* A batch has at most a thousand messages, also when one keypress took more; undo takes them
 * all. */
static void
test_large_act_is_carried_out_in_steps(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	msg_id *all = xcalloc(2000, sizeof *all);
	char label[64];

	fx_msgs(fx, fx->inbox, 1, 2000);
	for (uint32_t i = 0; i < 2000; i++)
		all[i] = msg_id_of(fx->inbox, i + 1);
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all, 2000);
	assert_int_equal(0, fx_counts(fx, fx->inbox).n_msgs);
	assert_string_equal("1:1000", fx_next(fx, &b));
	fx_done(fx, &b, 10000);
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	for (bool more = true; more;) {
		account_id account;
		folder_id folder;
		OK(store_later(fx->s, &more, &account, &folder, &fx->e));
	}
	assert_int_equal(1000, fx_counts(fx, fx->inbox).n_msgs);
	assert_string_equal("10001:11000", fx_next(fx, &b));
	fx_done(fx, &b, 10000);
	assert_int_equal(2000, fx_counts(fx, fx->inbox).n_msgs);
	assert_int_equal(0, store_intents_pending(fx->s, 0));
	free(all);
}

/* What was running when the program died comes back first, as the batch it was, and is known
 * as such. */
static void
test_running_comes_back_after_a_crash(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 4);
	fx_move(fx, msg_id_of(fx->inbox, 1));
	fx_move(fx, msg_id_of(fx->inbox, 3));
	assert_true(store_intent_next(fx->s, fx->account, &fx->a, &b));
	OK(store_intents_running(fx->s, &b, 77, &fx->e));
	intent_batch_clear(&b);
	fx_move(fx, msg_id_of(fx->inbox, 4));
	fx_reopen(fx);
	assert_string_equal("2", fx_top(fx, fx->inbox));
	assert_string_equal("1,3", fx_next(fx, &b));
	assert_true(b.was_running);
	assert_int_equal(77, b.first.dest_uidnext);
	OK(store_intents_retry(fx->s, &b, &fx->e));
	intent_batch_clear(&b);
	assert_string_equal("1,3:4", fx_next(fx, &b));
	assert_false(b.was_running);
	assert_int_equal(1, b.first.n_tries);
	fx_done(fx, &b, 0);
}

/* Flag, then move, then undo of the move: the flag alone stays. */
static void
test_two_intents_on_one_message(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct msg m;
	struct intent_batch b;

	msg_id id = fx_msg(fx, fx->inbox, 1, 0, NULL);
	fx_flag(fx, id, MSG_FLAGGED | MSG_SEEN, 0);
	fx_move(fx, id);
	assert_false(store_msg(fx->s, id, &fx->a, &m));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_true(store_msg(fx->s, id, &fx->a, &m));
	assert_int_equal(MSG_FLAGGED | MSG_SEEN | MSG_PENDING, m.flags);
	assert_int_equal(0, fx_counts(fx, fx->inbox).n_unread);
	assert_int_equal(1, fx_counts(fx, fx->inbox).n_msgs);
	fx_flag(fx, id, 0, MSG_SEEN);
	assert_string_equal("1", fx_next(fx, &b));
	fx_done(fx, &b, 0);			/* the older one; the younger still holds */
	assert_true(store_msg(fx->s, id, &fx->a, &m));
	assert_int_equal(MSG_FLAGGED | MSG_PENDING, m.flags);
	assert_int_equal(1, fx_counts(fx, fx->inbox).n_unread);
	fx_next(fx, &b);
	fx_done(fx, &b, 0);
	assert_true(store_msg(fx->s, id, &fx->a, &m) && m.flags == MSG_FLAGGED);
}

/* Undo while the move runs: back in sight at once, moved back when it was done, and only once.
 */
static void
test_undo_of_running_move(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b, back;

	fx_msgs(fx, fx->inbox, 1, 2);
	fx_move(fx, msg_id_of(fx->inbox, 2));
	fx_next(fx, &b);
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("2,1", fx_top(fx, fx->inbox));
	fx_done(fx, &b, 40);
	assert_string_equal("42", fx_top(fx, fx->trash));
	assert_string_equal("42", fx_next(fx, &back));
	assert_int_equal(fx->trash, back.first.folder);
	assert_true(back.first.inverse_of != 0);
	fx_done(fx, &back, 40);
	assert_string_equal("82,1", fx_top(fx, fx->inbox));
	assert_string_equal("none", fx_next(fx, &b));
}

/* Undone while it ran and then refused, or cut off undone: nothing is left to do. */
static void
test_undo_of_running_that_never_was(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 2);
	for (int refuse = 0; refuse < 2; refuse++) {
		fx_move(fx, msg_id_of(fx->inbox, 2));
		fx_next(fx, &b);
		OK(store_undo(fx->s, label, sizeof label, &fx->e));
		OK(refuse ? store_intents_refused(fx->s, &b, "no", &fx->e)
			: store_intents_retry(fx->s, &b, &fx->e));
		intent_batch_clear(&b);
		assert_string_equal("2,1", fx_top(fx, fx->inbox));
		assert_string_equal("none", fx_next(fx, &b));
		assert_int_equal(0, store_intents_pending(fx->s, 0));
	}
}

/* Only the bits that really changed come back, message by message. */
static void
test_undo_flags_by_message(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;
	struct msg m;

	msg_id ids[] = { fx_msg(fx, fx->inbox, 1, 0, NULL),
		fx_msg(fx, fx->inbox, 2, MSG_FLAGGED, NULL),
		fx_msg(fx, fx->inbox, 3, MSG_SEEN, NULL) };
	fx_intend(fx, INTENT_FLAGS, "", MSG_SEEN | MSG_FLAGGED, 0, ids, 3);
	fx_next(fx, &b);
	fx_done(fx, &b, 0);
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	uint32_t want[] = { 0, MSG_FLAGGED, MSG_SEEN };
	for (size_t i = 0; i < 3; i++) {
		assert_true(store_msg(fx->s, ids[i], &fx->a, &m));
		assert_int_equal(want[i] | MSG_PENDING, m.flags);
	}
	while (strcmp(fx_next(fx, &b), "none") != 0)
		fx_done(fx, &b, 0);
	for (size_t i = 0; i < 3; i++)
		assert_true(store_msg(fx->s, ids[i], &fx->a, &m) && m.flags == want[i]);
}

/* Undo twice goes two groups back, also when the message got a new UID on the way. */
static void
test_undo_follows_the_message(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;
	struct msg m;

	msg_id id = fx_msg(fx, fx->inbox, 1, 0, NULL);
	fx_flag(fx, id, MSG_FLAGGED, 0);
	fx_move(fx, id);
	while (strcmp(fx_next(fx, &b), "none") != 0)
		fx_done(fx, &b, b.first.kind == INTENT_MOVE ? 10 : 0);
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	while (strcmp(fx_next(fx, &b), "none") != 0)
		fx_done(fx, &b, b.first.kind == INTENT_MOVE ? 10 : 0);
	assert_string_equal("21", fx_top(fx, fx->inbox));
	assert_true(store_msg(fx->s, msg_id_of(fx->inbox, 21), &fx->a, &m));
	assert_int_equal(0, m.flags);
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("nothing to undo", fx->e.text);
}

/* Without COPYUID the moved message is found again by its Message-ID, by the store once it was
 * seen in its new folder, else by the engine. */
static void
test_undo_move_without_map(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;
	struct intent_msg *msgs;

	for (int seen = 0; seen < 2; seen++) {
		msg_id id = fx_msg(fx, fx->inbox, 5, 0, NULL);
		fx_move(fx, id);
		fx_next(fx, &b);
		fx_done(fx, &b, 0);
		assert_string_equal("", fx_top(fx, fx->inbox));
		if (seen) {
			struct msg arrived = { .id = msg_id_of(fx->trash, 9),
				.arrived = 5,
				.message_id = arena_printf(&fx->a, "5@%u", fx->inbox) };
			OK(store_msg_put(fx->s, &arrived, &fx->e));
		}
		OK(store_undo(fx->s, label, sizeof label, &fx->e));
		assert_string_equal(seen ? "9" : "", fx_next(fx, &b));
		assert_int_equal(fx->trash, b.first.folder);
		if (!seen) {
			assert_int_equal(1,
				store_intent_messages(fx->s, b.first.id, &fx->a, &msgs));
			assert_true(msgs[0].now == 0);
			assert_string_equal(arena_printf(&fx->a, "5@%u", fx->inbox),
				msgs[0].message_id);
			OK(store_intent_found(fx->s, b.first.id, msgs[0].origin,
				msg_id_of(fx->trash, 9), &fx->e));
			intent_batch_clear(&b);
			assert_string_equal("9", fx_next(fx, &b));
		}
		fx_done(fx, &b, 10);
		assert_string_equal("none", fx_next(fx, &b));
	}
	assert_string_equal("19", fx_top(fx, fx->inbox));
}

/* Copies are removed again only when the server said which they are. */
static void
test_undo_copy(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;

	msg_id id = fx_msg(fx, fx->inbox, 1, 0, NULL);
	for (uint32_t offset = 0; offset <= 6; offset += 6) {
		fx_intend(fx, INTENT_COPY, "Trash", 0, 0, &id, 1);
		assert_string_equal("1", fx_next(fx, &b));
		fx_done(fx, &b, offset);
		assert_string_equal("1", fx_top(fx, fx->inbox));
		if (offset == 0) {
			assert_int_equal(ERR_UNSUPPORTED,
				store_undo(fx->s, label, sizeof label, &fx->e));
			continue;
		}
		assert_string_equal("7", fx_top(fx, fx->trash));
		OK(store_undo(fx->s, label, sizeof label, &fx->e));
		assert_string_equal("", fx_top(fx, fx->trash));
		assert_string_equal("7", fx_next(fx, &b));
		assert_int_equal(INTENT_EXPUNGE, b.first.kind);
		assert_int_equal(fx->trash, b.first.folder);
		fx_done(fx, &b, 0);
		assert_string_equal("none", fx_next(fx, &b));
	}
	assert_string_equal("1", fx_top(fx, fx->inbox));
}

/* What is deleted for good is said to be, once, and the next undo takes what was before it. */
static void
test_expunge_cannot_be_undone(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 2);
	msg_id two = msg_id_of(fx->inbox, 2);
	fx_flag(fx, msg_id_of(fx->inbox, 1), MSG_FLAGGED, 0);
	fx_intend(fx, INTENT_EXPUNGE, "", 0, 0, &two, 1);
	while (strcmp(fx_next(fx, &b), "none") != 0)
		fx_done(fx, &b, 0);
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
	assert_non_null(strstr(fx->e.text, "deleted for good"));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("1", fx_next(fx, &b));
	fx_done(fx, &b, 0);
}

/* A message that was moved and then deleted for good is not said to be back: that undo is
 * refused, and the one after it takes back what was before. */
static void
test_undo_passes_over_purged(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;

	fx_msgs(fx, fx->inbox, 1, 2);
	msg_id one = msg_id_of(fx->inbox, 1), seven = msg_id_of(fx->trash, 7);
	fx_flag(fx, msg_id_of(fx->inbox, 2), MSG_FLAGGED, 0);
	assert_string_equal("2", fx_next(fx, &b));
	fx_done(fx, &b, 0);
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, &one, 1);
	assert_string_equal("1", fx_next(fx, &b));
	fx_done(fx, &b, 6);
	assert_string_equal("7", fx_top(fx, fx->trash));
	fx_intend(fx, INTENT_EXPUNGE, "", 0, 0, &seven, 1);
	assert_string_equal("7", fx_next(fx, &b));
	fx_done(fx, &b, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label,
			&fx->e));
		assert_non_null(strstr(fx->e.text, "deleted for good"));
		assert_string_equal("none", fx_next(fx, &b));
	}
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("2", fx_next(fx, &b));
	fx_done(fx, &b, 0);
}

/* A group over two folders and accounts is one undo; each worker gets its own account's part.
 */
static void
test_group_over_accounts(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;
	int64_t group = 0;
	intent_id id;

	account_id first = fx->account;
	fx->account = store_account(fx->s, "home");
	folder_id other = fx_folder(fx, "INBOX", ROLE_INBOX);
	msg_id ids[] = { fx_msg(fx, fx->inbox, 1, 0, NULL), fx_msg(fx, other, 1, 0, NULL) };
	for (size_t i = 0; i < 2; i++) {
		struct intent in = { .group = group,
			.account = i ? fx->account : first,
			.kind = INTENT_MOVE,
			.folder = msg_folder(ids[i]),
			.dest = "Trash",
			.label = "delete 2 messages" };
		OK(store_intent_add(fx->s, &in, &ids[i], 1, &group, &id, &fx->e));
	}
	assert_int_equal(1, store_intents_pending(fx->s, first));
	assert_string_equal("1", fx_next(fx, &b));
	assert_int_equal(other, b.first.folder);
	fx_done(fx, &b, 0);
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("delete 2 messages", label);
	assert_string_equal("1", fx_top(fx, fx->inbox));
	assert_int_equal(0, store_intents_pending(fx->s, first));
	assert_int_equal(1, store_intents_pending(fx->s, fx->account));
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
}

/* Folders: a rename goes back, a new folder goes as long as it is empty. */
static void
test_undo_of_folder_acts(void **state)
{
	struct fixture *fx = *state;
	char label[64];
	struct intent_batch b;
	int64_t group;
	intent_id id;

	folder_id old = fx_folder(fx, "Old", ROLE_NONE);
	struct intent rename = { .account = fx->account, .kind = INTENT_FOLDER_RENAME,
		.folder = old, .dest = "New", .label = "rename" };
	OK(store_intent_add(fx->s, &rename, NULL, 0, &group, &id, &fx->e));
	fx_next(fx, &b);
	OK(store_folder_rename(fx->s, old, "New", "New", &fx->e));
	fx_done(fx, &b, 0);
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	fx_next(fx, &b);
	assert_int_equal(INTENT_FOLDER_RENAME, b.first.kind);
	assert_string_equal("Old", b.first.dest);
	assert_int_equal(old, b.first.folder);
	fx_done(fx, &b, 0);

	for (int has_mail = 0; has_mail < 2; has_mail++) {
		fx_intend(fx, INTENT_FOLDER_CREATE, "Made", 0, 0, NULL, 0);
		fx_next(fx, &b);
		folder_id made = fx_folder(fx, "Made", ROLE_NONE);
		fx_done(fx, &b, 0);
		if (has_mail) {
			fx_msg(fx, made, 1, 0, NULL);
			assert_int_equal(ERR_UNSUPPORTED,
				store_undo(fx->s, label, sizeof label, &fx->e));
			continue;
		}
		OK(store_undo(fx->s, label, sizeof label, &fx->e));
		struct folder *v;
		assert_int_equal(3,
			store_folders(fx->s, fx->account, &fx->a, &v)); /* hidden at once */
		fx_next(fx, &b);
		assert_int_equal(INTENT_FOLDER_DELETE, b.first.kind);
		assert_int_equal(made, b.first.folder);
		fx_done(fx, &b, 0);
	}
}

/* Done twice, as after a crash between the two files, is done once. */
static void
test_done_twice(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	uint32_t from = 1, to = 8;

	fx_msgs(fx, fx->inbox, 1, 2);
	fx_move(fx, msg_id_of(fx->inbox, 1));
	fx_next(fx, &b);
	OK(store_intents_done(fx->s, &b, &from, &to, 1, &fx->e));
	OK(store_intents_done(fx->s, &b, &from, &to, 1, &fx->e));
	intent_batch_clear(&b);
	assert_string_equal("2", fx_top(fx, fx->inbox));
	assert_string_equal("8", fx_top(fx, fx->trash));
	assert_int_equal(1, fx_counts(fx, fx->inbox).n_msgs);
	assert_int_equal(1, fx_counts(fx, fx->trash).n_msgs);
}

/* A map that a server made up harms nothing: UIDs nobody asked about, zero, the same one
 * twice. */
static void
test_hostile_map(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	uint32_t from[] = { 99, 0, 1, 2, 1 }, to[] = { 5, 5, 0, 7, 7 };

	fx_msgs(fx, fx->inbox, 1, 3);
	fx_msg(fx, fx->trash, 7, 0, NULL);
	msg_id ids[] = { msg_id_of(fx->inbox, 1), msg_id_of(fx->inbox, 2) };
	fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, ids, 2);
	assert_string_equal("1:2", fx_next(fx, &b));
	OK(store_intents_done(fx->s, &b, from, to, LEN(from), &fx->e));
	intent_batch_clear(&b);
	assert_string_equal("3", fx_top(fx, fx->inbox));
	assert_string_equal("7", fx_top(fx, fx->trash));
	assert_int_equal(1, fx_counts(fx, fx->trash).n_msgs);
}

/* What is old and settled is forgotten; what waits is not. */
static void
test_forget(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	struct intent *list;

	fx_msgs(fx, fx->inbox, 1, 3);
	fx_flag(fx, msg_id_of(fx->inbox, 1), MSG_SEEN, 0);
	fx_next(fx, &b);
	fx_done(fx, &b, 0);
	fx_flag(fx, msg_id_of(fx->inbox, 2), MSG_SEEN, 0);
	OK(store_intents_forget(fx->s, INT64_MAX, &fx->e));
	assert_int_equal(1, store_intents(fx->s, 10, &fx->a, &list));
	assert_int_equal(INTENT_PENDING, list[0].state);
	assert_string_equal("2", fx_next(fx, &b));
	fx_done(fx, &b, 0);
}

/* Undo takes back the last thing a person did, not what the program did meanwhile. */
static void
test_undo_passes_over_what_nobody_did(void **state)
{
	struct fixture *fx = *state;
	msg_id one = msg_id_of(fx->inbox, 1), two = msg_id_of(fx->inbox, 2);
	struct intent seen = { .account = fx->account, .kind = INTENT_FLAGS,
		.folder = fx->inbox, .dest = "", .set = MSG_SEEN, .label = "" };
	char label[100];
	int64_t group;
	intent_id id;
	struct msg m;

	for (uint32_t uid = 1; uid <= 2; uid++)
		fx_msg(fx, fx->inbox, uid, 0, NULL);
	fx_move(fx, one);
	OK(store_intent_add(fx->s, &seen, &two, 1, &group, &id, &fx->e));
	OK(store_undo(fx->s, label, sizeof label, &fx->e));
	assert_true(store_msg(fx->s, one, &fx->a, &m));
	assert_true(store_msg(fx->s, two, &fx->a, &m));
	assert_true(m.flags & MSG_SEEN);
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
}

TEST_MAIN(FX(test_move_hides_then_arrives), FX(test_refused_comes_back),
	FX(test_flags_show_at_once), FX(test_undo_pending_vanishes),
	FX(test_undo_done_move_goes_back), FX(test_batches_join_across_others),
	FX(test_batches_overtake_nothing), FX(test_large_act_is_carried_out_in_steps),
	FX(test_running_comes_back_after_a_crash), FX(test_two_intents_on_one_message),
	FX(test_undo_of_running_move), FX(test_undo_of_running_that_never_was),
	FX(test_undo_flags_by_message), FX(test_undo_follows_the_message),
	FX(test_undo_move_without_map), FX(test_undo_copy), FX(test_expunge_cannot_be_undone),
		FX(test_undo_passes_over_purged),
	FX(test_group_over_accounts), FX(test_undo_of_folder_acts), FX(test_done_twice),
	FX(test_hostile_map), FX(test_forget), FX(test_undo_passes_over_what_nobody_did))
