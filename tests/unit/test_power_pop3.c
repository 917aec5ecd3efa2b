/* The power goes, the disk fills up, or fsync fails, at every point of a download
 * that deletes from the server.
 *
 * Afterwards each message of the server stands in the inbox once, whole, and what is gone from
 * the server stands there durably. */
#include "drain_fixture.h"
#include "power.h"

enum { POWER_QUIT = POWER_FIRST_OWN };

static bool is_old_gone;		/* from the server, before the act */

static void
on_quit(void)
{
	disk_mark(POWER_QUIT);
}

/* As drain.c does. */
static enum err
make_dirs(struct drained *x)
{
	char *mail = path_join(x->dir, "mail"), *pop3 = path_join(x->data, "pop3");
	enum err rc = path_mkdirs(mail, &x->e);

	if (rc == ERR_OK)
		rc = path_mkdirs(pop3, &x->e);
	free(mail);
	free(pop3);
	return rc;
}

static void
set_up(struct power *p)
{
	struct drained *x = xcalloc(1, sizeof *x);

	dr_init(x);
	free(x->inbox);
	free(x->spool);
	x->inbox = path_join(x->dir, "mail/inbox");
	x->spool = path_join(x->data, "pop3/home.spool");
	make_dirs(x);
	dr_add(x, "old", MAIL("old", "was here before\r\n"));
	dr_start(x);
	x->server.quit = on_quit;
	x->conf.keep_days = 0;
	p->world = x;
	p->root = x->dir;
	is_old_gone = false;
}

/* Beside a message that is here. */
static void
set_up_second(struct power *p)
{
	set_up(p);
	PASS((struct drained *)p->world);
	is_old_gone = true;
	dr_small(p->world);
	store_close(((struct drained *)p->world)->store);
}

/* Nothing is there yet: neither store nor mbox nor their directories. */
static void
set_up_first(struct power *p)
{
	set_up(p);
	struct drained *x = p->world;
	dr_small(x);
	store_close(x->store);
	nftw(x->dir, disk_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static enum err
act(struct power *p)
{
	struct drained *x = p->world;

	if (store_open(&x->store, x->data, x->cache, STORE_WRITE, &p->e) != ERR_OK)
		return p->e.code;
	x->cfg.account = store_account(x->store, "home");
	enum err rc = x->cfg.account
		? make_dirs(x) : error_set(&x->e, ERR_LOCAL, "no account in the mail store");
	if (rc == ERR_OK)
		rc = dr_pass(x);
	if (rc != ERR_OK)
		p->e = x->e;
	store_close(x->store);
	x->store = NULL;
	return rc;
}

/* A server deletes at QUIT, which came before any message of it was lost. */
static void
rewind_server(struct power *p)
{
	struct drained *x = p->world;

	for (size_t i = 0; i < x->server.n; i++)
		x->server.v[i].is_gone = (x->conf.keep_days >= 0 &&
			power_has_mark(p, POWER_QUIT)) ||
			(is_old_gone && str_eq(x->server.v[i].uidl, "old"));
}

static void
look(struct power *p)
{
	struct drained *x = p->world;
	struct census c;

	dr_open_store(x);
	make_dirs(x);
	x->n_notices = 0;
	struct drain_pass d = { .cfg = &x->cfg, .store = x->store, .inbox = x->inbox,
		.spool_path = x->spool, .ctx = x, .notice = dr_notice };
	if (drain_pass_recover(&d, &x->e) != ERR_OK)
		fail_msg("%s", x->e.text);
	census(x, &c);
	for (size_t i = 0; i < x->server.n; i++) {
		if (c.n_each[i] == 0 && x->server.v[i].is_gone)
			fail_msg("%s is neither here nor on the server", x->server.v[i].uidl);
	}
	PASS(x);
	assert_all(x, "after the next pass", 0);
	if (x->n_notices > 0)
		fail_msg("%s", x->notice.text);
	store_close(x->store);
	x->store = NULL;
}

static void
tear_down(struct power *p)
{
	dr_clear(p->world);
	free(p->world);
}

/* So large that a batch is full before the pass is over. */
static void
set_up_large(struct power *p)
{
	static char text[(9 << 20) + 100];
	struct drained *x;

	strcpy(text, "Message-ID: <large@x>\r\nSubject: large\r\n\r\n");
	memset(text + strlen(text), 'x', 9 << 20);
	set_up(p);
	x = p->world;
	PASS(x);
	is_old_gone = true;
	dr_add(x, "large", text);
	dr_small(x);
	store_close(x->store);
}

/* Of what stays on the server nothing is fetched again. */
static void
set_up_keeping(struct power *p)
{
	set_up_second(p);
	struct drained *x = p->world;
	x->conf.keep_days = -1;
}

static const struct play second = { set_up_second, act, rewind_server, look, tear_down, 9 };
static const struct play first = { set_up_first, act, rewind_server, look, tear_down, 23 };

static const struct play keeping = { set_up_keeping, act, rewind_server, look, tear_down, 13 };

POWER_TESTS(second, second)
POWER_TESTS(keeping, keeping)
POWER_TESTS(first, first)

/* A batch whose fsync failed is not taken for written when it is tried again. */
static void
test_large_batch(void **state)
{
	static const struct play large = { set_up_large, act, rewind_server, look, tear_down,
		7 };
	(void)state;

	for (long n = 1; n <= (power_is_thorough() ? 9 : 2); n++)
		power_fail_at(&large, DISK_BAD_SYNC_ONCE, n);
	power_here(0, 0, 0);
}

TEST_MAIN(POWER_LIST(second), POWER_LIST(keeping), POWER_LIST(first), T(test_large_batch))
