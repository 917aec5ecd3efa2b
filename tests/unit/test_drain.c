/* What a drain downloads, and what it deletes, from servers of every kind. */
#include "drain_fixture.h"

/* Each message comes once; a second pass asks for none. */
static void
test_all_once(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	dr_start(&x);
	PASS(&x);
	assert_int_equal(5, x.n_new);
	assert_all(&x, "first", 0);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_int_equal(5, x.server.n_retr);
	assert_all(&x, "second", 0);
	assert_null(strstr(str_get(&x.server.got), "DELE"));
	dr_clear(&x);
}

/* keep = no: what is here is deleted there, at QUIT, and new mail with the
 * name of a deleted one is new. */
static void
test_delete(void **state)
{
	struct drained x;
	struct census c;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	x.conf.keep_days = 0;
	dr_start(&x);
	PASS(&x);
	assert_all(&x, "after", 0);
	for (size_t i = 0; i < x.server.n; i++)
		assert_true(x.server.v[i].is_gone);
	dr_add(&x, "u2", MAIL("six", "another, of the same name\r\n"));
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_int_equal(6, census(&x, &c));
	dr_clear(&x);
}

/* The answer to QUIT is lost: nothing comes twice, and what is still
 * there is deleted next time. */
static void
test_quit_unanswered(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	x.conf.keep_days = 0;
	x.server.mute_quit = true;
	dr_start(&x);
	assert_int_equal(ERR_CONN, dr_pass(&x));
	x.server.mute_quit = false;
	/* a server that did not come to it */
	x.server.v[2].is_gone = x.server.v[3].is_gone = false;
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_true(x.server.v[2].is_gone && x.server.v[3].is_gone);
	assert_all(&x, "after", 0);
	dr_clear(&x);
}

/* Days are counted from the download. */
static void
test_keep_days(void **state)
{
	struct drained x;
	struct arena a = {0};
	struct pop3_entry *v;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	x.conf.keep_days = 14;
	dr_start(&x);
	PASS(&x);
	PASS(&x);
	assert_int_equal(0, x.server.n_dele);
	assert_int_equal(5, store_pop3(x.store, x.cfg.account, &a, &v));
	arena_clear(&a);
	x.conf.keep_days = 0;		/* as if the days were over */
	PASS(&x);
	assert_int_equal(5, x.server.n_dele);
	dr_clear(&x);
}

/* Without UIDL, headers tell what is known; without TOP, whole messages do. */
static void
test_without_uidl(void **state)
{
	(void)state;
	for (int no_top = 0; no_top < 2; no_top++) {
		struct drained x;
		dr_init(&x);
		dr_small(&x);
		x.server.no_uidl = true;
		x.server.no_top = no_top;
		dr_start(&x);
		PASS(&x);
		assert_all(&x, "first", no_top);
		dr_add(&x, "", MAIL("new", "news\r\n"));
		PASS(&x);
		assert_int_equal(1, x.n_new);
		assert_all(&x, "second", no_top);
		dr_clear(&x);
	}
}

/* A name that two messages share tells neither; two that are equal in all come both. */
static void
test_repeated_uidl(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_add(&x, "same", MAIL("one", "first\r\n"));
	dr_start(&x);
	PASS(&x);
	dr_add(&x, "same", MAIL("two", "second\r\n"));
	dr_add(&x, "same", MAIL("three", "equal\r\n"));
	dr_add(&x, "same", MAIL("three", "equal\r\n"));
	PASS(&x);
	assert_int_equal(3, x.n_new);
	assert_all(&x, "second", 0);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_all(&x, "third", 0);
	dr_clear(&x);
}

/* All names are given anew, by a server that was moved: nothing is downloaded again. */
static void
test_changed_uidls(void **state)
{
	static const char *const names[] = { "n1", "n2", "n3", "n4", "n5", "n6" };
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	dr_start(&x);
	PASS(&x);
	dr_add(&x, "u6", MAIL("six", "new\r\n"));
	for (size_t i = 0; i < x.server.n; i++)
		x.server.v[i].uidl = names[i];
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_all(&x, "renamed", 0);
	int n_top = x.server.n_top;
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_int_equal(n_top, x.server.n_top);	/* the new names are known */
	dr_clear(&x);
}

/* A name that now belongs to another message is noticed by its size. */
static void
test_reused_uidl(void **state)
{
	struct drained x;
	struct census c;
	(void)state;

	dr_init(&x);
	dr_add(&x, "u1", MAIL("one", "first\r\n"));
	dr_start(&x);
	PASS(&x);
	x.server.v[0].is_gone = true;
	dr_add(&x, "u1", MAIL("other", "something else\r\n"));
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_int_equal(2, census(&x, &c));
	dr_clear(&x);
}

/* UIDLs that no RFC allows are no names: too long, with bytes that are not visible ASCII. */
static void
test_hostile_uidls(void **state)
{
	static char too_long[3000];
	struct drained x;
	(void)state;

	memset(too_long, 'u', sizeof too_long - 1);
	dr_init(&x);
	dr_add(&x, too_long, MAIL("one", "first\r\n"));
	dr_add(&x, "\xff\xfe\033[2J", MAIL("two", "second\r\n"));
	dr_add(&x, "a b", MAIL("three", "third\r\n"));
	dr_add(&x, "' OR 1; --", MAIL("four", "fourth\r\n"));
	dr_start(&x);
	PASS(&x);
	assert_all(&x, "first", 0);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	dr_clear(&x);
}

/* One message that cannot be had, or is gone by now, costs itself; it
 * is told, and tried again. */
static void
test_message_refused(void **state)
{
	struct drained x;
	struct census c;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	x.conf.keep_days = 0;
	x.server.v[1].is_bad = true;
	x.server.vanish = 4;
	dr_start(&x);
	PASS(&x);
	assert_int_equal(3, x.n_new);
	assert_int_equal(1, x.n_notices);
	assert_non_null(strstr(x.notice.text, "2 messages"));
	assert_int_equal(3, census(&x, &c));
	assert_false(x.server.v[1].is_gone);	/* not deleted: it is not here */
	x.server.v[1].is_bad = false;
	x.server.vanish = 0;
	PASS(&x);
	assert_int_equal(2, x.n_new);
	assert_all(&x, "second", 0);
	dr_clear(&x);
}

/* Stopped after a message: what was asked for comes in, nothing is deleted,
 * the rest comes next time. */
static void
test_stopped(void **state)
{
	struct drained x;
	struct census c;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	x.server.capa = "UIDL\r\nUSER\r\n";		/* one at a time */
	x.conf.keep_days = 0;
	x.stop_after = 2;
	dr_start(&x);
	assert_int_equal(ERR_CANCELLED, dr_pass(&x));
	assert_int_equal(2, census(&x, &c));
	assert_int_equal(0, x.server.n_dele);
	x.stop_after = 0;
	PASS(&x);
	assert_all(&x, "rest", 0);
	dr_clear(&x);
}

/* Another process at the same account: this one leaves it alone, and says so. */
static void
test_locked_by_another(void **state)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	dr_start(&x);
	int fd = open(x.spool, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(0, fcntl(fd, F_OFD_SETLK, &whole));
	assert_int_equal(ERR_CONN, dr_pass(&x));
	assert_non_null(strstr(x.e.text, "another dunlin"));
	close(fd);
	PASS(&x);
	assert_all(&x, "after", 0);
	dr_clear(&x);
}

/* The link breaks after every byte in turn: after the next pass everything stands in the inbox
 * once, and a server that deletes has deleted nothing that does not. */
static void
cut_at_every_byte(int keep_days, const char *capa, long stride)
{
	long total = 0;

	for (long k = -1; k < total; k += stride) {
		struct drained x;
		struct census c;
		dr_init(&x);
		dr_small(&x);
		x.conf.keep_days = keep_days;
		x.server.capa = capa;
		dr_start(&x);
		x.server.cut_after = k;
		enum err rc = dr_pass(&x);
		if (k < 0)
			total = x.server.n_sent;
		assert_int_equal(rc == ERR_OK, k < 0);
		census(&x, &c);
		for (size_t i = 0; i < x.server.n; i++)
			assert_true(c.n_each[i] == 1 || !x.server.v[i].is_gone);
		x.server.cut_after = -1;
		PASS(&x);
		assert_all(&x, "cut after", k);
		dr_clear(&x);
	}
}

static void
test_cut(void **state)
{
	long stride = getenv("DUNLIN_EVERY_BYTE") ? 1 : 29;
	(void)state;

	cut_at_every_byte(-1, "UIDL\r\nTOP\r\nUSER\r\nPIPELINING\r\n", stride);
	cut_at_every_byte(0, "UIDL\r\nTOP\r\nUSER\r\n", stride);
}

/* The connection breaks whenever a certain message is asked for: those behind it come in the
 * same pass, what is here is deleted, and the message is told and tried again. */
static void
test_message_breaks_the_link(void **state)
{
	(void)state;
	for (int no_uidl = 0; no_uidl < 2; no_uidl++) {
		struct drained x;
		struct census c;
		dr_init(&x);
		dr_small(&x);
		x.conf.keep_days = 0;
		x.server.no_uidl = no_uidl;
		x.server.v[1].is_fatal = true;
		dr_start(&x);
		PASS(&x);
		assert_int_equal(4, x.n_new);
		assert_int_equal(4, x.server.n_dele);
		assert_false(x.server.v[1].is_gone);
		assert_non_null(strstr(x.notice.text, "1 message not fetched"));
		int n_retr = x.server.n_retr;
		PASS(&x);
		assert_int_equal(0, x.n_new);
		assert_true(x.server.n_retr > n_retr);
		assert_int_equal(4, census(&x, &c));
		x.server.v[1].is_fatal = false;
		PASS(&x);
		assert_true(x.server.v[1].is_gone);
		assert_all(&x, "in the end", no_uidl);
		dr_clear(&x);
	}
}

/* An answer without a byte is not the message: that stays on the server, is told, and comes
 * when it does. */
static void
test_nothing_of_it_came(void **state)
{
	struct drained x;
	struct census c;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	x.conf.keep_days = 0;
	x.server.v[2].is_void = true;
	dr_start(&x);
	PASS(&x);
	assert_int_equal(4, x.n_new);
	assert_int_equal(4, census(&x, &c));
	assert_false(x.server.v[2].is_gone);
	assert_non_null(strstr(x.notice.text, "sent nothing of it"));
	x.server.v[2].is_void = false;
	PASS(&x);
	assert_true(x.server.v[2].is_gone);
	assert_all(&x, "in the end", 0);
	dr_clear(&x);
}

/* The inbox and all beside it are gone, as when a disk is not mounted: nothing is downloaded
 * into what is there instead, nothing deleted. Another place, or an empty file, is meant. */
static void
test_inbox_is_gone(void **state)
{
	(void)state;
	for (int is_moved = 0; is_moved < 2; is_moved++) {
		struct drained x;
		dr_init(&x);
		dr_small(&x);
		dr_start(&x);
		PASS(&x);
		char *away = path_join(x.dir, "away"), *old = x.inbox;
		assert_int_equal(0, rename(x.mail, away));
		assert_int_equal(0, mkdir(x.mail, 0700));
		dr_add(&x, "u6", MAIL("six", "new\r\n"));
		x.conf.keep_days = 0;
		assert_int_equal(ERR_LOCAL, dr_pass(&x));
		assert_non_null(strstr(x.e.text, "is its disk mounted?"));
		assert_int_equal(5, x.server.n_retr);
		assert_int_equal(0, x.server.n_dele);
		assert_int_equal(-1, access(old, F_OK));
		if (is_moved)
			x.inbox = path_join(away, "inbox");
		else
			assert_int_equal(ERR_OK, file_write_atomic(old, "", 0, NULL));
		PASS(&x);
		assert_int_equal(1, x.n_new);
		assert_int_equal(6, x.server.n_dele);
		if (is_moved)
			free(old);
		free(away);
		dr_clear(&x);
	}
}

/* Something else stands where the inbox was: no mail is written behind it, none is deleted on
 * the server, and the file is named. */
static void
test_inbox_is_no_mbox(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	x.conf.keep_days = 0;
	dr_start(&x);
	assert_int_equal(ERR_OK, file_write_atomic(x.inbox, "a list\n", 7, NULL));
	assert_int_equal(ERR_LOCAL, dr_pass(&x));
	assert_non_null(strstr(x.e.text, x.inbox));
	assert_int_equal(0, x.server.n_retr + x.server.n_dele);
	unlink(x.inbox);
	PASS(&x);
	assert_all(&x, "put right", 0);
	dr_clear(&x);
}

TEST_MAIN(T(test_message_breaks_the_link), T(test_inbox_is_no_mbox), T(test_inbox_is_gone),
	T(test_nothing_of_it_came), T(test_all_once), T(test_delete),
	T(test_quit_unanswered), T(test_keep_days),
	T(test_without_uidl), T(test_repeated_uidl), T(test_changed_uidls),
	T(test_reused_uidl), T(test_hostile_uidls), T(test_message_refused), T(test_stopped),
	T(test_locked_by_another), T(test_cut))
