/* Names of messages that mean others: nothing is missed, nothing deleted that was not downloaded. */
#include "drain_fixture.h"

/* All of one size, as mail of machines often is. */
static void
add_three(struct drained *x)
{
	dr_add(x, "1", MAIL("aaa", "text\r\n"));
	dr_add(x, "2", MAIL("bbb", "text\r\n"));
	dr_add(x, "3", MAIL("ccc", "text\r\n"));
}

/* The mailbox of another user: same names, same sizes, other mail. */
static void
exchange(struct drained *x)
{
	for (size_t i = 0; i < x->server.n; i++)
		x->server.v[i].is_gone = true;
	dr_add(x, "1", MAIL("ddd", "text\r\n"));
	dr_add(x, "2", MAIL("eee", "text\r\n"));
	dr_add(x, "3", MAIL("fff", "text\r\n"));
}

/* Three were downloaded; then the mailrc names another user, and there was a pass. */
static void
begin_as_another(struct drained *x)
{
	dr_init(x);
	add_three(x);
	dr_start(x);
	PASS(x);
	exchange(x);
	x->conf.receive.user = "eve";
	PASS(x);
}

/* Another user in the mailrc: all of it is downloaded before anything is deleted; then
 * its names are known. */
static void
test_another_user(void **state)
{
	struct drained x;
	(void)state;

	begin_as_another(&x);
	assert_int_equal(3, x.n_new);
	int n_top = x.server.n_top;
	dr_add(&x, "4", MAIL("ggg", "text\r\n"));
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_true(x.server.n_top <= n_top + 4);
	x.conf.keep_days = 0;
	PASS(&x);
	assert_int_equal(4, x.server.n_dele);
	assert_all(&x, "deleted", 0);
	dr_clear(&x);
}

/* Back at the first one: what is here is known by its header, and no name of the other's is met. */
static void
test_back_again(void **state)
{
	struct drained x;
	(void)state;

	begin_as_another(&x);
	for (size_t i = 0; i < x.server.n; i++)
		x.server.v[i].is_gone = i >= 3;
	x.conf.receive.user = "ada";
	PASS(&x);
	assert_int_equal(0, x.n_new);
	x.conf.keep_days = 0;
	PASS(&x);
	assert_int_equal(3, x.server.n_dele);
	assert_all(&x, "back", 0);
	dr_clear(&x);
}

/* The mailbox is another one, and the mailrc does not tell: nothing that was not downloaded
 * is deleted, and the next pass brings it. */
static void
test_exchanged_unseen(void **state)
{
	(void)state;
	for (int no_top = 0; no_top < 2; no_top++) {
		struct drained x;
		dr_init(&x);
		dr_add(&x, "x1", MAIL("aaa", "text\r\n"));
		dr_add(&x, "x2", MAIL("bbb", "text\r\n"));
		x.server.no_top = no_top;
		dr_start(&x);
		PASS(&x);
		x.server.v[1].is_gone = true;
		dr_add(&x, "x2", MAIL("ccc", "text\r\n"));
		x.conf.keep_days = 0;
		PASS(&x);
		assert_true(x.server.v[0].is_gone);
		assert_false(x.server.v[2].is_gone);
		PASS(&x);
		assert_int_equal(1, x.n_new);
		assert_true(x.server.v[2].is_gone);
		assert_all(&x, "in the end", no_top);
		dr_clear(&x);
	}
}

/* A server whose names are the numbers of the messages gives them anew when another program
 * deletes one. That costs one header a pass where nothing happened. */
static void
test_numbers(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	add_three(&x);
	dr_start(&x);
	PASS(&x);
	PASS(&x);
	assert_int_equal(1, x.server.n_top);
	x.server.v[0].is_gone = true;
	x.server.v[1].uidl = "1";
	x.server.v[2].uidl = "2";
	dr_add(&x, "3", MAIL("ddd", "text\r\n"));
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_all(&x, "given anew", 0);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	dr_clear(&x);
}

/* Names that went from one message to the next, of which nobody noticed anything, since all are
 * of one size; then one gets a name of its own. Nothing comes twice. */
static void
test_names_changed_hands(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_add(&x, "a", MAIL("aaa", "text\r\n"));
	dr_add(&x, "b", MAIL("bbb", "text\r\n"));
	dr_add(&x, "c", MAIL("ccc", "text\r\n"));
	dr_start(&x);
	PASS(&x);
	x.server.v[0].uidl = "b";
	x.server.v[1].uidl = "c";
	x.server.v[2].uidl = "a";
	PASS(&x);
	assert_int_equal(0, x.server.n_top);
	x.server.v[1].uidl = "d";
	PASS(&x);
	assert_int_equal(0, x.n_new);
	int n_top = x.server.n_top;
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_int_equal(n_top, x.server.n_top);	/* all names are right again */
	dr_clear(&x);
}

/* A filter that gives other headers by TOP than with the whole message: nothing comes twice, and
 * what is to be deleted is. */
static void
test_filtered_headers(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	add_three(&x);
	x.server.top_adds = true;
	dr_start(&x);
	PASS(&x);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	x.conf.keep_days = 0;
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_int_equal(3, x.server.n_dele);
	assert_all(&x, "filtered", 0);
	dr_clear(&x);
}

TEST_MAIN(T(test_filtered_headers), T(test_names_changed_hands), T(test_another_user), T(test_back_again), T(test_exchanged_unseen), T(test_numbers))
