/* drain_fixture.h - passes of a drain against pop3_server.h, and a census of the inbox. */
#ifndef DUNLIN_DRAIN_FIXTURE_H
#define DUNLIN_DRAIN_FIXTURE_H

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "engine/drain.h"
#include "mbox.h"
#include "mime.h"
#include "path.h"
#include "pop3_server.h"
#include "remove_tree.h"
#include "stub.h"

struct drained {
	struct pop3_server server;
	char dir[64];
	char *data, *cache, *mail, *inbox, *spool;
	struct rc rc;
	struct rc_account conf;
	struct side_config cfg;
	struct cancel cancel;
	struct store *store;
	atomic_bool stop;
	uint32_t n_new, stop_after;	/* 0: does not */
	bool stop_in_bytes;		/* in the middle of a large message */
	struct error e, notice;
	int n_notices;
	char *bad;
};

static UNUSED void
dr_listed(void *ctx)
{
	(void)ctx;
}

static UNUSED void
dr_appended(void *ctx, uint32_t n)
{
	((struct drained *)ctx)->n_new += n;
}

static UNUSED void
dr_progress(void *ctx, uint64_t done, uint64_t total, bool is_bytes)
{
	struct drained *x = ctx;

	assert_true(done <= total || is_bytes);
	if (x->stop_after && is_bytes == x->stop_in_bytes && done >= x->stop_after)
		atomic_store(&x->stop, true);
}

static UNUSED void
dr_notice(void *ctx, const struct error *e)
{
	struct drained *x = ctx;

	x->notice = *e;
	x->n_notices++;
}

static UNUSED void
dr_open_store(struct drained *x)
{
	struct error e;

	if (store_open(&x->store, x->data, x->cache, STORE_WRITE, &e) != ERR_OK)
		fail_msg("%s", e.text);
	x->cfg.account = store_account(x->store, "home");
}

static UNUSED void
dr_init(struct drained *x)
{
	net_init();
	mime_init();
	*x = (struct drained){ .cancel = { .fd = -1 } };
	/* In memory where that can be: thousands of fsyncs. */
	snprintf(x->dir, sizeof x->dir, "%s/dunlin-drain-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(x->dir));
	x->data = path_join(x->dir, "data");
	x->cache = path_join(x->dir, "cache");
	x->mail = path_join(x->dir, "mail");
	assert_int_equal(0, mkdir(x->mail, 0700));
	x->inbox = path_join(x->mail, "inbox");
	x->spool = path_join(x->dir, "spool");
	assert_int_equal(ERR_OK, cancel_init(&x->cancel, NULL));
	dr_open_store(x);
	x->rc.timeout_s = 10;
	x->conf = (struct rc_account){ .name = "home", .keep_days = -1, .receive = {
		.protocol = RC_POP3, .security = RC_PLAIN, .user = "ada",
			.host = "127.0.0.1" } };
	x->cfg.rc = &x->rc;
	x->cfg.conf = &x->conf;
}

static UNUSED void
dr_start(struct drained *x)
{
	pop3_server_start(&x->server);
	x->conf.receive.port = x->server.server.port;
}

static UNUSED void
dr_clear(struct drained *x)
{
	pop3_server_stop(&x->server);
	store_close(x->store);
	cancel_close(&x->cancel);
	remove_tree(x->dir);
	free(x->data);
	free(x->cache);
	free(x->mail);
	free(x->inbox);
	free(x->spool);
	free(x->bad);
}

static UNUSED void
dr_add(struct drained *x, const char *uidl, const char *text)
{
	assert_true(x->server.n < POP3_MAILS);
	x->server.v[x->server.n++] = (struct pop3_mail){ .uidl = uidl, .text = text };
}

static UNUSED enum err
dr_pass(struct drained *x)
{
	struct drain_pass d = {
		.cfg = &x->cfg, .store = x->store, .cancel = &x->cancel, .inbox = x->inbox,
		.spool_path = x->spool, .stop = &x->stop, .ctx = x, .listed = dr_listed,
		.appended = dr_appended, .progress = dr_progress, .notice = dr_notice,
		.bad = x->bad,
	};

	x->n_new = 0;
	atomic_store(&x->stop, false);
	enum err rc = drain_pass_run(&d, "secret", &x->e);
	x->bad = d.bad;
	return rc;
}

#define PASS(x) dr_pass_ok((x), __LINE__)
static UNUSED void
dr_pass_ok(struct drained *x, int line)
{
	enum err rc = dr_pass(x);

	if (rc != ERR_OK)
		fail_msg("line %d: %d: %s", line, rc, x->e.text);
}

/* ---- the census ---- */

struct census {
	struct drained *x;
	size_t n, n_stubs, n_each[POP3_MAILS];
	struct str text;
};

static UNUSED enum err
census_write(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)e;
	str_add(ctx, p, n);
	return ERR_OK;
}

static UNUSED bool
is_same_text(const char *crlf, const struct str *lf)
{
	size_t i = 0;
	bool ends = false;

	for (const char *c = crlf; *c; c++) {
		if (*c == '\r' && c[1] == '\n')
			continue;
		if (i >= lf->len || lf->data[i++] != *c)
			return false;
		ends = *c == '\n';
	}
	return ends ? i == lf->len : i + 1 == lf->len;
}

static UNUSED bool
census_visit(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct census *c = ctx;
	struct error e = {0};
	struct str text = {0};

	struct stub stub;
	if (stub_parse(&stub, head, n_head)) {
		c->n_stubs++;
		return true;
	}
	c->n++;
	if (mbox_read(c->x->inbox, m->from_pos, m->hash, census_write, &text, &e) != ERR_OK)
		fail_msg("%s", e.text);
	bool is_known = false;
	for (size_t i = 0; i < c->x->server.n && !is_known; i++) {
		is_known = c->n_each[i] == 0 && is_same_text(c->x->server.v[i].text, &text);
		c->n_each[i] += is_known;
	}
	if (!is_known)
		fail_msg("in the inbox, but on no server, or twice:\n%s", str_get(&text));
	str_clear(&text);
	return true;
}

/* Every message in the inbox is one of the server's, whole, and none stands twice; but for
 * stubs, which are counted. Returns how many. */
static UNUSED size_t
census(struct drained *x, struct census *c)
{
	struct error e = {0};

	*c = (struct census){ .x = x };
	if (mbox_scan(x->inbox, 0, census_visit, c, NULL, &e) != ERR_OK)
		fail_msg("%s", e.text);
	return c->n;
}

/* All that the server ever had, once each. */
static UNUSED void
assert_all(struct drained *x, const char *what, long k)
{
	struct census c;

	if (census(x, &c) != x->server.n)
		fail_msg("%s %ld: %zu of %zu messages are in the inbox", what, k, c.n,
			x->server.n);
}

/* ---- messages larger than max-size ---- */

/* One with that id, of about n bytes. Static: one an id letter. */
static UNUSED const char *
dr_large(char which, size_t n)
{
	static struct str text[26];
	struct str *s = &text[which - 'a'];

	str_cut(s, 0);
	str_printf(s,
		"Message-ID: <large-%c@x>\r\nSubject: large %c\r\nContent-Type: "
		"multipart/mixed;\r\n boundary=b\r\n\r\n", which, which);
	str_puts(s, "From here on it is a line like others\r\n.\r\n");
	while (s->len < n)
		str_printf(s, "%0*d\r\n", n > 100000 ? 60000 : 500, 0);
	return str_get(s);
}

static UNUSED size_t
dr_entries(struct drained *x, enum pop3_state state, struct pop3_entry *first)
{
	struct arena a = {0};
	struct pop3_entry *v;
	size_t n = store_pop3(x->store, x->cfg.account, &a, &v), k = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].state == state && k++ == 0 && first) {
			*first = v[i];
			first->uidl = "";
		}
	}
	arena_clear(&a);
	return k;
}

/* As the worker does it: all headers are asked for. Returns how many. */
static UNUSED size_t
dr_want_all(struct drained *x)
{
	struct pop3_entry e;
	size_t n = 0;
	bool did;

	for (; dr_entries(x, POP3_HEADER, &e) > 0; n++) {
		assert_int_equal(ERR_OK, store_pop3_turn(x->store, e.id, POP3_HEADER,
			POP3_WANTED, 0, &did, NULL));
		assert_true(did);
	}
	return n;
}

#define MAIL(id, body) "Message-ID: <" id "@x>\r\nSubject: " id "\r\n\r\n" body

static UNUSED void
dr_small(struct drained *x)
{
	dr_add(x, "u1", MAIL("one", "first\r\n"));
	dr_add(x, "u2",
		MAIL("two",
		"\r\nFrom me Thu Jan  1 00:00:00 2026\r\n>From you\r\n.\r\n..\r\n"));
	dr_add(x, "u3", MAIL("three", "a\nb\n.\nbare\r\n"));
	dr_add(x, "u4", MAIL("four", ""));
	dr_add(x, "u5", MAIL("five", "no end"));
}

#endif
