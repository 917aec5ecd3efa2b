/* imap_fixture.h - an IMAP session against a script, and what it told. */
#ifndef DUNLIN_IMAP_FIXTURE_H
#define DUNLIN_IMAP_FIXTURE_H

#include "imap.h"
#include "script_server.h"

#define GREETING(ext) "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN " ext "] ready\n"
/* ada, hunter2 */
#define LOGIN(ext) "C: $T AUTHENTICATE PLAIN AGFkYQBodW50ZXIy\n" \
	"S: $T OK [CAPABILITY IMAP4rev1 " ext "] logged in\n"
#define HELLO(ext) GREETING(ext) LOGIN(ext)
#define SELECTED(exists, uidnext) \
	"S: * " exists " EXISTS\n" "S: * OK [UIDVALIDITY 7] valid\n" \
	"S: * OK [UIDNEXT " uidnext "] next\n" "S: $T OK [READ-WRITE] selected\n"
#define OPENED(exists, uidnext) "C: $T SELECT \"INBOX\"\n" SELECTED(exists, uidnext)

struct fixture {
	struct script script;
	struct cancel cancel;
	struct imap_config cfg;
	struct backend *b;
	struct error e;
	struct folder_status st;
	struct folder_sink sink;
	struct str heard;		/* "msg 5 subject;flags 6 1;gone 7:9;" */
	struct str bytes;
	bool delta;
};

static UNUSED void
hear_msg(void *ctx, const struct msg *m)
{
	str_printf(ctx, "msg %u %s;", (unsigned)m->id, m->subject);
}

static UNUSED void
hear_flags(void *ctx, uint32_t uid, uint32_t flags, uint64_t modseq)
{
	(void)modseq;
	str_printf(ctx, "flags %u %x;", uid, flags);
}

static UNUSED void
hear_gone(void *ctx, const struct uidset *uids)
{
	str_puts(ctx, "gone ");
	uidset_format(ctx, uids);
	str_puts(ctx, ";");
}

static UNUSED enum err
hear_bytes(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)e;
	str_add(ctx, p, n);
	return ERR_OK;
}

/* Starts the script and connects; what connect returned. */
static UNUSED enum err
play(struct fixture *fx, const char *text, enum net_security security, const struct pki *pki)
{
	struct backend_login login = { .user = "ada", .password = "hunter2" };
	struct cert_spec spec = { .cn = "x", .san = "DNS:localhost,IP:127.0.0.1",
		.usage = "serverAuth" };

	memset(fx, 0, sizeof *fx);
	fx->sink = (struct folder_sink){ &fx->heard, hear_msg, hear_flags, hear_gone };
	if (pki) {
		fx->script.server.cert = cert_make(pki, &spec, false);
		fx->script.server.key = pki->key;
		fx->cfg.net.ca_file = pki->ca_file;
	}
	script_start(&fx->script, text);
	fx->cfg.net.host = "127.0.0.1";
	fx->cfg.net.port = fx->script.server.port;
	fx->cfg.net.security = security;
	fx->cfg.net.connect_ms = fx->cfg.net.io_ms = 3000;
	assert_int_equal(ERR_OK, cancel_init(&fx->cancel, NULL));
	fx->b = imap_new(&fx->cfg, &fx->cancel);
	return fx->b->ops->connect(fx->b, &login, &fx->e);
}

static UNUSED enum err
open_inbox(struct fixture *fx, const struct folder_known *known)
{
	return fx->b->ops->open(fx->b, "INBOX", known, &fx->sink, &fx->st, &fx->delta, &fx->e);
}

/* Connects in plain over loopback and opens INBOX; both must work. */
static UNUSED void
play_opened(struct fixture *fx, const char *text)
{
	if (play(fx, text, NET_PLAIN, NULL) != ERR_OK || open_inbox(fx, NULL) != ERR_OK)
		fail_msg("%s", fx->e.text);
}

static UNUSED struct uidset
set_of(const char *text)
{
	struct uidset s = {0};

	assert_true(uidset_parse(&s, text));
	return s;
}

/* Ends both sides; the client must have kept to the script. */
static UNUSED void
done(struct fixture *fx)
{
	fx->b->ops->close(fx->b, 0);
	script_stop(&fx->script);
	cancel_close(&fx->cancel);
	if (*fx->script.problem)
		fail_msg("%s", fx->script.problem);
	script_clear(&fx->script);
	str_clear(&fx->heard);
	str_clear(&fx->bytes);
}

/* Neither the password nor its base64 was sent, in any command. */
static UNUSED void
done_without_password(struct fixture *fx)
{
	fx->b->ops->close(fx->b, 0);
	script_stop(&fx->script);
	cancel_close(&fx->cancel);
	const char *got = str_get(&fx->script.got);
	assert_null(memmem(got, fx->script.got.len, "hunter2", 7));
	assert_null(memmem(got, fx->script.got.len, "AGFkYQ", 6));
	assert_null(memmem(got, fx->script.got.len, "AUTHENTICATE", 12));
	assert_null(memmem(got, fx->script.got.len, "LOGIN", 5));
	script_clear(&fx->script);
	str_clear(&fx->heard);
	str_clear(&fx->bytes);
}

#endif
