/* max-size: headers of large messages, and the whole of them when somebody asks;
 * and a ledger that was lost. */
#include "drain_fixture.h"

/* Five small messages and two large ones, keep = no. */
static void
begin(struct drained *x, const char *capa)
{
	dr_init(x);
	dr_add(x, "l1", dr_large('a', 5000));
	dr_small(x);
	dr_add(x, "l2", dr_large('b', 9000));
	x->conf.max_size_kb = 2;
	x->conf.keep_days = 0;
	x->server.capa = capa;
	dr_start(x);
}

struct seen {
	struct str heads;
	uint32_t flags;			/* of the last */
	struct mbox_msg last;
};

static bool
note(void *ctx, const struct mbox_msg *m, const char *head, size_t n)
{
	struct seen *s = ctx;

	str_add(&s->heads, head, n);
	s->last = *m;
	return true;
}

static void
assert_in_mbox(const char *path, const char *text, bool is)
{
	struct seen s = {0};

	assert_int_equal(ERR_OK, mbox_scan(path, 0, note, &s, NULL, NULL));
	if ((strstr(str_get(&s.heads), text) != NULL) != is)
		fail_msg("'%s' is %sin %s:\n%s", text, is ? "not " : "", path,
			str_get(&s.heads));
	str_clear(&s.heads);
}

static void
assert_counts(struct drained *x, size_t n_whole, size_t n_stubs, const char *what, long k)
{
	struct census c;

	census(x, &c);
	if (c.n != n_whole || c.n_stubs != n_stubs)
		fail_msg("%s %ld: %zu whole, %zu headers", what, k, c.n, c.n_stubs);
}

/* Of a large one the header comes, and comes once; the server keeps
 * it, whatever `keep` says. */
static void
test_header_only(void **state)
{
	static const char *const capas[] = { "UIDL\r\nTOP\r\nUSER\r\nPIPELINING\r\n",
		"UIDL\r\nTOP\r\nUSER\r\n" };
	(void)state;

	for (size_t i = 0; i < LEN(capas); i++) {
		struct drained x;
		begin(&x, capas[i]);
		PASS(&x);
		assert_int_equal(7, x.n_new);
		assert_counts(&x, 5, 2, "first", 0);
		assert_int_equal(5, x.server.n_retr);
		assert_false(x.server.v[0].is_gone || x.server.v[6].is_gone);
		assert_true(x.server.v[1].is_gone);
		assert_int_equal(2, dr_entries(&x, POP3_HEADER, NULL));
		assert_in_mbox(x.inbox, "\nX-Dunlin-Content-Type: multipart/mixed;", true);
		assert_in_mbox(x.inbox, "\nContent-Type:", false);
		PASS(&x);
		assert_int_equal(0, x.n_new);
		assert_int_equal(2, x.server.n_top);
		assert_counts(&x, 5, 2, "second", 0);
		assert_false(x.server.v[0].is_gone || x.server.v[6].is_gone);
		/* a limit that goes leaves what is a header one */
		x.conf.max_size_kb = 0;
		PASS(&x);
		assert_counts(&x, 5, 2, "third", 0);
		dr_clear(&x);
	}
}

/* Asked for: the message stands in the place of its header, with its flags, and then
 * the server may delete it. */
static void
test_wanted(void **state)
{
	struct drained x;
	struct seen s = {0};
	bool was_rewritten;
	struct mbox_stamp stamp = {0};
	(void)state;

	begin(&x, NULL);
	PASS(&x);
	assert_int_equal(ERR_OK, mbox_scan(x.inbox, 0, note, &s, NULL, NULL));
	struct mbox_change flag = { s.last.from_pos, s.last.hash, MSG_FLAGGED | MSG_ANSWERED |
		MBOX_OLD, false };
	assert_int_equal(ERR_OK, mbox_change(x.inbox, &flag, 1, &stamp, &was_rewritten, NULL,
		NULL));
	assert_int_equal(2, dr_want_all(&x));
	PASS(&x);
	assert_int_equal(0, x.n_notices);
	assert_all(&x, "wanted", 0);
	assert_counts(&x, 7, 0, "wanted", 0);
	for (size_t i = 0; i < x.server.n; i++)
		assert_true(x.server.v[i].is_gone);
	assert_in_mbox(x.inbox, "X-Dunlin", false);
	str_clear(&s.heads);
	struct mbox_msg stub = s.last;
	assert_int_equal(ERR_OK, mbox_scan(x.inbox, 0, note, &s, NULL, NULL));
	assert_int_equal(stub.flags | MSG_FLAGGED | MSG_ANSWERED | MBOX_OLD, s.last.flags);
	assert_int_equal(stub.arrived, s.last.arrived);
	PASS(&x);
	assert_int_equal(0, x.n_new);
	str_clear(&s.heads);
	dr_clear(&x);
}

/* keep = N days counts from the download of the whole. */
static void
test_days_begin_with_the_whole(void **state)
{
	struct drained x;
	struct pop3_entry e;
	(void)state;

	begin(&x, NULL);
	x.conf.keep_days = 14;
	PASS(&x);
	assert_int_equal(2, dr_want_all(&x));
	assert_int_equal(2, dr_entries(&x, POP3_WANTED, &e));
	PASS(&x);
	assert_counts(&x, 7, 0, "wanted", 0);
	assert_int_equal(7, dr_entries(&x, POP3_HERE, NULL));
	assert_true(store_pop3_get(x.store, e.id, &e) && e.fetched > 0);
	assert_int_equal(0, x.server.n_dele);
	dr_clear(&x);
}

/* Headers tell which is which where the server has no UIDL; one that refuses
 * TOP gives messages whole. */
static void
test_without_uidl(void **state)
{
	(void)state;
	for (int no_top = 0; no_top < 2; no_top++) {
		struct drained x;
		begin(&x, "USER\r\n");
		x.conf.keep_days = -1;
		x.server.no_uidl = true;
		x.server.no_top = no_top;
		PASS(&x);
		assert_counts(&x, no_top ? 7 : 5, no_top ? 0 : 2, "first", no_top);
		PASS(&x);
		assert_int_equal(0, x.n_new);
		assert_int_equal(no_top ? 0 : 2, dr_want_all(&x));
		PASS(&x);
		assert_counts(&x, 7, 0, "wanted", no_top);
		PASS(&x);
		assert_int_equal(0, x.n_new);
		assert_counts(&x, 7, 0, "again", no_top);
		dr_clear(&x);
	}
}

/* What the server lost, or refuses, is told with its subject; the header stays
 * and is asked for no more. */
static void
test_lost_and_refused(void **state)
{
	struct drained x;
	(void)state;

	begin(&x, NULL);
	PASS(&x);
	dr_want_all(&x);
	x.server.v[0].is_gone = true;
	x.server.v[6].is_bad = true;
	PASS(&x);
	assert_int_equal(2, x.n_notices);
	assert_string_equal("'large b' is not downloaded: the server says: no such thing", x.notice.text);
	assert_counts(&x, 5, 2, "lost", 0);
	assert_int_equal(2, dr_entries(&x, POP3_HEADER, NULL));
	PASS(&x);
	assert_int_equal(2, x.n_notices);
	assert_false(x.server.v[6].is_gone);
	x.server.v[6].is_bad = false;
	dr_want_all(&x);
	PASS(&x);			/* the one is there, the other is told again */
	assert_counts(&x, 6, 1, "again", 0);
	assert_string_equal("'large a' is not downloaded: the server no longer has it",
		x.notice.text);
	dr_clear(&x);
}

/* A header that was filed elsewhere is replaced there; with one that
 * was removed, nothing comes. */
static void
test_moved_and_removed(void **state)
{
	struct drained x;
	struct seen s = {0};
	(void)state;

	begin(&x, NULL);
	PASS(&x);
	char *archive = path_join(x.mail, "Archive");
	assert_int_equal(0, rename(x.inbox, archive));
	dr_want_all(&x);
	PASS(&x);
	assert_in_mbox(archive, "X-Dunlin", false);
	assert_int_equal(ERR_OK, mbox_scan(archive, 0, note, &s, NULL, NULL));
	assert_true(x.server.v[0].is_gone && x.server.v[6].is_gone);
	str_clear(&s.heads);

	dr_add(&x, "l3", dr_large('c', 4000));
	PASS(&x);
	assert_int_equal(1, dr_want_all(&x));
	unlink(x.inbox);
	int n_retr = x.server.n_retr;
	PASS(&x);
	assert_int_equal(n_retr, x.server.n_retr);
	assert_false(x.server.v[7].is_gone);
	assert_int_equal(1, dr_entries(&x, POP3_HEADER, NULL));
	free(archive);
	dr_clear(&x);
}

/* The person changed his mind while it came: it is dropped, and nothing of it stays. */
static void
test_stopped(void **state)
{
	struct drained x;
	(void)state;

	begin(&x, NULL);
	dr_add(&x, "huge", dr_large('h', 5 << 20));
	PASS(&x);
	dr_want_all(&x);
	x.stop_after = 100000;		/* those before the huge one are over */
	x.stop_in_bytes = true;
	assert_int_equal(ERR_CANCELLED, dr_pass(&x));
	assert_counts(&x, 7, 1, "stopped", 0);
	assert_int_equal(5, x.server.n_dele);
	x.stop_after = 0;
	PASS(&x);
	assert_counts(&x, 8, 0, "after", 0);
	dr_clear(&x);
}

/* A field like ours in a mail that somebody sent changes nothing of what
 * is downloaded and deleted. */
static void
test_forged(void **state)
{
	struct drained x;
	(void)state;

	dr_init(&x);
	dr_add(&x, "f",
		"Message-ID: <f@x>\r\nX-Dunlin-Not-Downloaded: 5000 "
		"0123456789abcdef\r\n\r\nwhole\r\n");
	dr_add(&x, "l", "Message-ID: <l@x>\r\nX-Dunlin-Not-Downloaded: 1 0123456789abcdef\r\n"
		"content-type: "
		"text/plain\r\n\r\n0123456789012345678901234567890123456789\r\n");
	x.conf.keep_days = 0;
	x.server.capa = NULL;
	dr_start(&x);
	PASS(&x);
	assert_int_equal(2, x.n_new);
	assert_int_equal(0, dr_entries(&x, POP3_HEADER, NULL));
	assert_true(x.server.v[0].is_gone && x.server.v[1].is_gone);
	dr_clear(&x);

	struct str out = {0};
	struct stub s = { 77, 0xfeed }, back;
	static const char head[] =
		"Subject: x\r\nX-Dunlin-Not-Downloaded: 1 1\r\ncontent-type: a\r\n b\r\n\r\n";
	stub_write(&out, &s, head, sizeof head - 1);
	assert_true(str_starts(str_get(&out),
		"Subject: x\nX-Dunlin-X-Dunlin-Not-Downloaded: 1 1\nX-Dunlin-content-type: "
		"a\n b\nX-Dunlin-Not-Downloaded: 77 000000000000feed\n\n[Not downloaded"));
	assert_true(stub_parse(&back, str_get(&out), out.len));
	assert_int_equal(77, back.size_bytes);
	assert_int_equal(0xfeed, back.hash);
	static const char *const bad[] = { "X-Dunlin-Not-Downloaded: \n",
		"X-Dunlin-Not-Downloaded: 5 x\n", "X-Dunlin-Not-Downloaded: 5\n",
		"X-Dunlin-Not-Downloaded: 5 5 5\n", "X-Dunlin-Not-Downloaded:",
		"X-Dunlin-Not-Downloaded: 5 x",
		" X-Dunlin-Not-Downloaded: 5 5\n",
		"X-Dunlin-Not-Downloaded: 99999999999999999999999 5\n", "" };
	for (size_t i = 0; i < LEN(bad); i++) {
		size_t n = strlen(bad[i]);
		char *whole = n ? xmemdup(bad[i], n) : NULL;	/* nothing stands behind it */
		assert_false(stub_parse(&back, whole, n));
		free(whole);
	}
	str_clear(&out);
}

/* The link breaks after every byte in turn, while headers come and
 * while a whole message does. */
static void
test_cut(void **state)
{
	long stride = getenv("DUNLIN_EVERY_BYTE") ? 7 : 97, total = 0;
	(void)state;

	for (long k = -1; k < total; k += stride) {
		struct drained x;
		struct census c;
		begin(&x, "UIDL\r\nTOP\r\nUSER\r\n");
		if (k % 2)
			PASS(&x);
		dr_want_all(&x);
		x.server.n_sent = 0;
		x.server.cut_after = k;
		enum err rc = dr_pass(&x);
		if (k < 0)
			total = x.server.n_sent + 3000;
		assert_true(rc == ERR_OK || k >= 0);
		census(&x, &c);
		for (size_t i = 0; i < x.server.n; i++)
			assert_true(c.n_each[i] == 1 || !x.server.v[i].is_gone);
		x.server.cut_after = -1;
		PASS(&x);
		dr_want_all(&x);
		PASS(&x);
		assert_counts(&x, 7, 0, "cut after", k);
		for (size_t i = 0; i < x.server.n; i++)
			assert_true(x.server.v[i].is_gone);
		dr_clear(&x);
	}
}

/* ---- a ledger that was lost ---- */

static void
lose_ledger(struct drained *x)
{
	store_close(x->store);
	remove_tree(x->data);
	remove_tree(x->cache);
	dr_open_store(x);
}

/* It is made again from the mbox: nothing comes twice, what is here whole is deleted
 * there, and a header is one. */
static void
test_ledger_lost(void **state)
{
	struct drained x;
	(void)state;

	begin(&x, NULL);
	x.conf.keep_days = -1;
	PASS(&x);
	lose_ledger(&x);
	dr_add(&x, "new", MAIL("new", "came since\r\n"));
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_string_equal("7 messages of the server are here already", x.notice.text);
	assert_counts(&x, 6, 2, "found again", 0);
	assert_int_equal(2, dr_entries(&x, POP3_HEADER, NULL));
	int n_top = x.server.n_top;
	PASS(&x);
	assert_int_equal(0, x.n_new);
	assert_int_equal(n_top, x.server.n_top);	/* by name again */
	lose_ledger(&x);
	x.conf.keep_days = 0;
	assert_int_equal(0, dr_entries(&x, POP3_HERE, NULL));
	PASS(&x);
	assert_int_equal(0, x.n_new);
	/* headers alone are here */
	assert_false(x.server.v[0].is_gone || x.server.v[6].is_gone);
	assert_true(x.server.v[1].is_gone && x.server.v[7].is_gone);
	assert_int_equal(2, dr_want_all(&x));
	PASS(&x);
	assert_all(&x, "wanted", 0);
	dr_clear(&x);
}

/* What stands in another file counts; what is torn is fetched again, what was changed is
 * neither fetched nor deleted. */
static void
test_ledger_lost_torn(void **state)
{
	struct drained x;
	struct str text = {0};
	char *bytes, *whole;
	size_t n;
	(void)state;

	dr_init(&x);
	dr_add(&x, "moved", MAIL("moved", "to another file\r\n"));
	dr_start(&x);
	PASS(&x);
	char *archive = path_join(x.mail, "Archive");
	assert_int_equal(0, rename(x.inbox, archive));
	dr_add(&x, "changed", MAIL("changed", "a program wrote to it\r\n"));
	dr_add(&x, "torn", dr_large('t', 20000));
	PASS(&x);
	assert_int_equal(ERR_OK, file_read(&bytes, &n, x.inbox, 1 << 20, NULL));
	whole = strstr(bytes, "wrote to it");
	str_printf(&text, "%.*sWROTE MORE to it", (int)(whole - bytes), bytes);
	str_add(&text, whole + 11, n - 9000 - (size_t)(whole + 11 - bytes));
	assert_int_equal(ERR_OK, file_write_atomic(x.inbox, str_get(&text), text.len, NULL));
	lose_ledger(&x);
	x.conf.keep_days = 0;
	PASS(&x);
	assert_int_equal(1, x.n_new);
	assert_string_equal("2 messages of the server are here already", x.notice.text);
	assert_int_equal(1, dr_entries(&x, POP3_FOUND, NULL));
	assert_true(x.server.v[0].is_gone);
	assert_false(x.server.v[1].is_gone);
	assert_true(x.server.v[2].is_gone);		/* whole by now, behind the torn one */
	PASS(&x);
	assert_int_equal(0, x.n_new);
	str_clear(&text);
	free(bytes);
	free(archive);
	dr_clear(&x);
}

TEST_MAIN(T(test_header_only), T(test_wanted), T(test_days_begin_with_the_whole),
	T(test_without_uidl), T(test_lost_and_refused), T(test_moved_and_removed),
	T(test_stopped), T(test_forged), T(test_cut), T(test_ledger_lost),
	T(test_ledger_lost_torn))
