/* An older dunlin.db that was put back: its ledger has lost what came after its day, and
 * nothing comes twice all the same. */
#include "drain_fixture.h"

static char *
db_path(const struct drained *x)
{
	return path_join(x->data, "dunlin.db");
}

struct backup {
	char *bytes;
	size_t n;
};

/* With the store closed, so that all is in the one file. */
static struct backup
keep(struct drained *x)
{
	struct backup b;
	char *path = db_path(x);

	store_close(x->store);
	assert_int_equal(ERR_OK, file_read(&b.bytes, &b.n, path, 64 << 20, NULL));
	dr_open_store(x);
	free(path);
	return b;
}

static void
put_back(struct drained *x, const struct backup *b)
{
	char *path = db_path(x);

	store_close(x->store);
	assert_int_equal(ERR_OK, file_write_atomic(path, b->bytes, b->n, NULL));
	dr_open_store(x);
	free(path);
}

static void
clear(struct drained *x, struct backup *b)
{
	free(b->bytes);
	dr_clear(x);
}

/* Of two equal messages one was known: the other stands here as well. Then only what is new
 * comes, and the next pass asks no headers any more. */
static void
test_nothing_twice(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct drained x;
		dr_init(&x);
		dr_small(&x);
		x.server.no_uidl = kind > 0;
		x.server.no_top = kind > 1;
		dr_start(&x);
		PASS(&x);
		struct backup b = keep(&x);
		dr_add(&x, "u6", MAIL("one", "first\r\n"));
		dr_add(&x, "u7", MAIL("seven", "lost\r\n"));
		dr_add(&x, "u8", MAIL("eight", "no end of it"));
		PASS(&x);
		assert_int_equal(3, x.n_new);
		put_back(&x, &b);
		dr_add(&x, "u9", MAIL("nine", "new\r\n"));
		PASS(&x);
		assert_int_equal(1, x.n_new);
		assert_string_equal("3 messages of the server are here already",
			x.notice.text);
		assert_all(&x, "put back", kind);
		int n_top = x.server.n_top;
		PASS(&x);
		assert_int_equal(0, x.n_new);
		if (kind == 0)
			assert_int_equal(n_top, x.server.n_top);
		assert_all(&x, "afterwards", kind);
		clear(&x, &b);
	}
}

/* As often as it is put back. */
static void
test_again_and_again(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_add(&x, "u0", MAIL("zero", "old\r\n"));
	dr_start(&x);
	PASS(&x);
	struct backup b = keep(&x);
	dr_small(&x);
	PASS(&x);
	for (int i = 0; i < 3; i++) {
		put_back(&x, &b);
		PASS(&x);
		assert_int_equal(0, x.n_new);
		assert_all(&x, "put back", i);
	}
	clear(&x, &b);
}

/* What stands in the mbox may be deleted on the server as if it had been known; what
 * does not is fetched first. */
static void
test_deletes_what_is_here(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_add(&x, "u0", MAIL("zero", "old\r\n"));
	dr_start(&x);
	PASS(&x);
	struct backup b = keep(&x);
	dr_small(&x);
	PASS(&x);
	put_back(&x, &b);
	dr_add(&x, "u9", MAIL("nine", "new\r\n"));
	x.conf.keep_days = 0;
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_all(&x, "deleted", 0);
	/* all but the one whose length does not tell (bare LF) */
	assert_int_equal(6, x.server.n_dele);
	clear(&x, &b);
}

/* A batch that an old ledger remembers as begun, and whose spool is empty by now,
 * was appended all the same. */
static void
test_kept_while_it_was_at_work(void **state)
{
	struct drained x;
	struct pop3_entry entry = { .uidl = "u1", .size_bytes = 1, .fetched = 1, .listed = 1 };
	(void)state;

	dr_init(&x);
	dr_add(&x, "u0", MAIL("zero", "old\r\n"));
	dr_start(&x);
	PASS(&x);
	assert_int_equal(ERR_OK, store_pop3_begin(x.store, x.cfg.account, 1, 100000, &entry, 1,
		NULL));
	struct backup b = keep(&x);
	assert_int_equal(ERR_OK, store_pop3_abandon(x.store, x.cfg.account, NULL));
	dr_small(&x);
	PASS(&x);
	assert_int_equal(5, x.n_new);
	put_back(&x, &b);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_all(&x, "put back", 0);
	clear(&x, &b);
}

/* Whoever goes on with the ledger that he has is never made to ask for headers; also when
 * another program wrote to the inbox in between. */
static void
test_no_false_alarm(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	dr_start(&x);
	PASS(&x);
	dr_add(&x, "u6", MAIL("six", "new\r\n"));
	/* all were moved elsewhere */
	assert_int_equal(ERR_OK, file_write_atomic(x.inbox, "", 0, NULL));
	PASS(&x);
	assert_int_equal(1, x.n_new);
	store_close(x.store);
	dr_open_store(&x);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_int_equal(0, x.server.n_top);
	dr_clear(&x);
}

/* Two accounts that download into one inbox do not take each other's batches for their own. */
static void
test_two_accounts(void **state)
{
	struct drained x;
	account_id home, work;
	(void)state;

	dr_init(&x);
	dr_small(&x);
	dr_start(&x);
	home = x.cfg.account;
	work = store_account(x.store, "work");
	int n_top = 0;
	for (int i = 0; i < 4; i++) {
		x.cfg.account = i % 2 ? work : home;
		x.conf.name = i % 2 ? (char *)"work" : (char *)"home";
		PASS(&x);
		assert_int_equal(i == 0 ? 5 : 0, x.n_new);
		if (i == 1)
			n_top = x.server.n_top;		/* it had no ledger */
	}
	assert_int_equal(n_top, x.server.n_top);
	x.cfg.account = home;
	x.conf.name = (char *)"home";
	dr_add(&x, "u6", MAIL("six", "new\r\n"));
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_int_equal(n_top, x.server.n_top);
	dr_clear(&x);
}

/* The file beside the inbox is lost, or somebody wrote to it: looked
 * at, and nothing comes twice. */
static void
test_file_lost(void **state)
{
	static const char *const texts[] = { NULL, "", "no number\n",
		"0000000000000001 00000000000000000001\n" };
	(void)state;

	for (size_t i = 0; i < LEN(texts); i++) {
		struct drained x;
		dr_init(&x);
		dr_small(&x);
		dr_start(&x);
		PASS(&x);
		char *path = path_join(x.mail, ".inbox.home.dunlin-batch");
		assert_int_equal(0, access(path, F_OK));
		if (texts[i])
			assert_int_equal(ERR_OK, file_write_atomic(path, texts[i],
				strlen(texts[i]), NULL));
		else
			assert_int_equal(0, unlink(path));
		dr_add(&x, "u6", MAIL("six", "new\r\n"));
		PASS(&x);
		assert_int_equal(1, x.n_new);
		assert_all(&x, "lost", (long)i);
		int n_top = x.server.n_top;
		assert_int_equal(1, n_top);
		dr_add(&x, "u7", MAIL("seven", "new\r\n"));
		PASS(&x);
		assert_int_equal(1, x.n_new);
		assert_int_equal(n_top, x.server.n_top);
		free(path);
		dr_clear(&x);
	}
}

TEST_MAIN(T(test_nothing_twice), T(test_again_and_again), T(test_deletes_what_is_here),
	T(test_kept_while_it_was_at_work), T(test_no_false_alarm), T(test_two_accounts),
	T(test_file_lost))
