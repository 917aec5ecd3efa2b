/* outbox_fixture.h - an account that sends to a sink (smtp_sink.h) and keeps its
 * copies in an mbox, and one pass over its outbox as `dunlin sync` makes it: all
 * that is due, then the copies. */
#ifndef DUNLIN_OUTBOX_FIXTURE_H
#define DUNLIN_OUTBOX_FIXTURE_H


#include "account.h"
#include "mime.h"
#include "outbox.h"
#include "path.h"
#include "remove_tree.h"
#include "smtp_sink.h"
#include "store_outbox.h"

struct fixture {
	char *dir, *data, *cache, *mbox;
	struct rc *rc;
	struct sink sink;
	struct store *s;
	account_id account;
	struct cancel cancel;
	struct arena a;
	struct error e;
	int n_told;
};

static UNUSED void
fx_open_store(struct fixture *fx)
{
	if (store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e) != ERR_OK)
		fail_msg("%s", fx->e.text);
	fx->account = store_account(fx->s, "work");
}

static UNUSED struct fixture *
fx_new(const char *more)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	net_init();
	mime_init();
	/* kills and broken lines are the subject, not the disk: hundreds
	 * of passes, some fsyncs each */
	fx->dir = xstrdup(access("/dev/shm", W_OK) == 0 ? "/dev/shm/dunlin-outbox-XXXXXX"
		: "/tmp/dunlin-outbox-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->data = path_join(fx->dir, "data");
	fx->cache = path_join(fx->dir, "cache");
	fx->mbox = path_join(fx->dir, "mail");
	sink_start(&fx->sink);
	char *text = xasprintf("[mail]\ntimeout = 1s\n[account work]\nfrom = Ada "
		"<ada@example.org>\nreceive = mbox:%s\nsend = "
		"smtp+insecure://ada@127.0.0.1:%u\nsend-password = secret\n%s\n", fx->mbox,
		fx->sink.port, more);
	if (rc_parse(&fx->rc, "mailrc", text, strlen(text), &fx->e) != ERR_OK ||
	    fx->rc->n_problems)
		fail_msg("%s", fx->rc->n_problems ? fx->rc->problems[0].line : fx->e.text);
	free(text);
	assert_int_equal(ERR_OK, cancel_init(&fx->cancel, NULL));
	fx_open_store(fx);
	return fx;
}

static UNUSED void
fx_free(struct fixture *fx)
{
	store_close(fx->s);
	sink_stop(&fx->sink);
	cancel_close(&fx->cancel);
	rc_free(fx->rc);
	remove_tree(fx->dir);
	arena_clear(&fx->a);
	free(fx->dir);
	free(fx->data);
	free(fx->cache);
	free(fx->mbox);
	free(fx);
}

/* A mail to those, separated by ", ". */
static UNUSED outbox_id
fx_put(struct fixture *fx, const char *to)
{
	struct compose_stamp stamp = outbox_stamp();
	struct draft d = { .from = "ada@example.org", .to = to, .subject = "hello",
		.text = ".\nFrom me\n..\n", .text_len = 13 };
	struct letter l;
	outbox_id id;

	d.text_len = strlen(d.text);
	if (compose_build(&l, &d, &stamp, &fx->e) != ERR_OK ||
	    outbox_put(fx->s, &fx->rc->accounts[0], fx->account, &l, 0, false, &id,
	    &fx->e) != ERR_OK)
		fail_msg("%s", fx->e.text);
	letter_clear(&l);
	free((char *)stamp.token);
	return id;
}

static UNUSED void
fx_told(void *ctx, const struct outbox_report *r)
{
	struct fixture *fx = ctx;

	fx->n_told += r->why.code != ERR_OK;
}

static UNUSED void
fx_copies(struct fixture *fx)
{
	struct backend_login nobody = { "", "" };
	struct backend *b = account_backend(fx->rc, &fx->rc->accounts[0], fx->data,
		&fx->cancel, &fx->e);
	struct error refusal;
	bool did = true;
	char *where;

	assert_non_null(b);
	enum err rc = b->ops->connect(b, &nobody, &fx->e);
	while (rc == ERR_OK && did) {
		rc = outbox_copy_one(fx->s, &fx->rc->accounts[0], fx->account, b, &did, &where,
			&refusal, &fx->e);
		free(where);
		if (refusal.code != ERR_OK)
			fail_msg("%s", refusal.text);
	}
	b->ops->close(b, 0);
}

/* What the last of it said; the copies are made whatever became of the mail. */
static UNUSED enum err
fx_pass(struct fixture *fx)
{
	struct outbox o = { .store = fx->s, .rc = fx->rc, .conf = &fx->rc->accounts[0],
		.account = fx->account, .cancel = &fx->cancel, .ctx = fx, .report = fx_told };
	int64_t due;

	store_outbox_hurry(fx->s, fx->account, NULL);
	enum err rc = outbox_drain(&o, &due, &fx->e);
	outbox_hang_up(&o, 0);
	if (fx->rc->accounts[0].copy)
		fx_copies(fx);
	return rc;
}

static UNUSED struct outbox_mail
fx_get(struct fixture *fx, outbox_id id)
{
	struct outbox_mail m;

	assert_true(store_outbox_get(fx->s, id, &fx->a, &m));
	return m;
}

/* How often the mbox of sent mail has it. */
static UNUSED size_t
fx_copied(struct fixture *fx, const char *message_id)
{
	char *path = path_join(fx->mbox, "Sent"), *text = NULL;
	size_t n = 0, len, n_from = 0, n_ids = 0;

	if (access(path, F_OK) == 0) {
		if (file_read(&text, &len, path, 100 << 20, &fx->e) != ERR_OK)
			fail_msg("%s", fx->e.text);
		for (const char *p = text; (p = strstr(p, message_id)); p++)
			n++;
		n_from = strncmp(text, "From ", 5) == 0;
		for (const char *p = text; (p = strstr(p, "\n\nFrom ")); p++)
			n_from++;
		for (const char *p = text; (p = strcasestr(p, "\nMessage-Id: <")); p++)
			n_ids++;
		assert_int_equal(n_from, n_ids);	/* none is torn, or two in one */
	}
	free(text);
	free(path);
	return n;
}

#endif
