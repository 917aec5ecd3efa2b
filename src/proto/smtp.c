/* smtp.c - one transaction: who, to whom, what, and the answer.
 *
 * Up to the final dot everything can be given up without harm: a server that did not see it
 * has nothing. The body is flushed without it, the caller records that the moment has come,
 * and then it goes. From there to the answer, and only there, the outcome is unsure if the
 * connection ends. DATA is never sent ahead of the answers to RCPT: nothing would be gained
 * but the duty to send an empty mail where nobody was accepted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libetpan/mailstream.h>

#include "sender.h"
#include "smtp_int.h"

enum { WINDOW = 50 };	/* commands sent ahead of their answers */

/* The last answer, as what happens to a recipient. */
static enum send_verdict
verdict_of(const struct smtp *m, enum send_verdict good)
{
	return smtp_ok(m) ? good : m->code / 100 == 5 ? SEND_REFUSED : SEND_WAITING;
}

static void
answer_all(struct smtp *m, struct send_mail *mail, enum send_verdict from,
	enum send_verdict good)
{
	char words[400];

	smtp_words(m, words, sizeof words);
	sender_verdicts(mail, from, verdict_of(m, good), words);
}

/* What this server cannot take is known before a byte of it is sent. */
static bool
is_fit(const struct smtp *m, struct send_mail *mail)
{
	char words[400] = "";

	if (!sender_is_safe_address(mail->from))
		snprintf(words, sizeof words, "the sender's address cannot be sent");
	else if ((m->ext & M_SIZE) && m->max_bytes > 0 && mail->len > m->max_bytes)
		snprintf(words, sizeof words,
			"the message has %zu KB, and the server takes %llu KB at most",
			mail->len >> 10, (unsigned long long)(m->max_bytes >> 10));
	else if (mail->needs_utf8 && !(m->ext & M_UTF8))
		snprintf(words, sizeof words,
			"the server does not take addresses with other than ASCII characters"
			" (SMTPUTF8)");
	else if (mail->needs_8bit && !(m->ext & M_8BIT))
		snprintf(words, sizeof words,
			"the server does not take 8-bit text (8BITMIME)");
	if (*words)
		sender_verdicts(mail, SEND_WAITING, SEND_REFUSED, words);
	return sender_refuse_unsafe(mail) && !*words;
}

static bool
wants_dsn(const struct smtp *m)
{
	return m->cfg.notify && m->ext & M_DSN;
}

static enum err
say_mail(struct smtp *m, const struct send_mail *mail, struct error *e)
{
	struct str more = {0};

	if (m->ext & M_SIZE)
		str_printf(&more, " SIZE=%zu", mail->len);
	if (m->ext & M_8BIT && mail->needs_8bit)
		str_puts(&more, " BODY=8BITMIME");
	if (mail->needs_utf8)
		str_puts(&more, " SMTPUTF8");
	if (wants_dsn(m)) {
		size_t before = more.len;
		str_puts(&more, " RET=HDRS ENVID=");
		if (!sender_envid(&more, mail->id))
			str_cut(&more, before + strlen(" RET=HDRS"));
	}
	enum err rc = smtp_line(m, e, "MAIL FROM:<%s>%s", mail->from, str_get(&more));
	str_clear(&more);
	return rc;
}

static enum err
say_rcpt(struct smtp *m, const struct send_rcpt *r, struct error *e)
{
	struct str more = {0};

	if (wants_dsn(m)) {
		str_puts(&more, " NOTIFY=");
		sender_notify(&more, m->cfg.notify);
	}
	enum err rc = smtp_line(m, e, "RCPT TO:<%s>%s", r->addr, str_get(&more));
	str_clear(&more);
	return rc;
}

static enum err
hear_mail(struct smtp *m, struct send_mail *mail, bool *ok, struct error *e)
{
	enum err rc = smtp_answer(m, e);

	if (rc != ERR_OK)
		return rc;
	*ok = smtp_ok(m);
	m->is_begun = true;
	if (!*ok)
		answer_all(m, mail, SEND_WAITING, SEND_WAITING);
	return ERR_OK;
}

static enum err
hear_rcpt(struct smtp *m, struct send_rcpt *r, bool mail_ok, struct error *e)
{
	enum err rc = smtp_answer(m, e);

	if (rc != ERR_OK || !mail_ok)		/* what it says to RCPT then is about MAIL */
		return rc;
	smtp_words(m, r->words, sizeof r->words);
	r->verdict = verdict_of(m, SEND_ACCEPTED);
	/* too many recipients, in old servers (RFC 5321 4.5.3.1.10) */
	if (m->code == 552)
		r->verdict = SEND_WAITING;
	return ERR_OK;
}

/* The next recipient to ask for, from *i on; NULL: no more. */
static struct send_rcpt *
next_rcpt(struct send_mail *mail, size_t *i)
{
	while (*i < mail->n_rcpts) {
		struct send_rcpt *r = &mail->rcpts[(*i)++];
		if (r->verdict == SEND_WAITING)
			return r;
	}
	return NULL;
}

/* MAIL and RCPTs, a window of them at a time where the server lets us. */
static enum err
envelope(struct smtp *m, struct send_mail *mail, struct error *e)
{
	size_t window = m->ext & M_PIPELINING ? WINDOW : 1, at = 0;
	bool ok = true, is_mail_open = true;
	struct send_rcpt *asked[WINDOW];
	enum err rc;

	smtp_begin(m, m->cfg.net.io_ms);
	if ((rc = say_mail(m, mail, e)) != ERR_OK)
		return rc;
	if (window == 1) {
		if ((rc = hear_mail(m, mail, &ok, e)) != ERR_OK)
			return rc;
		is_mail_open = false;
	}
	for (;;) {
		size_t n = 0;
		while (ok && !m->is_dead && n < window && (asked[n] = next_rcpt(mail, &at))) {
			if ((rc = say_rcpt(m, asked[n++], e)) != ERR_OK)
				return rc;
		}
		if (is_mail_open && (rc = hear_mail(m, mail, &ok, e)) != ERR_OK)
			return rc;
		is_mail_open = false;
		for (size_t i = 0; i < n; i++) {
			if ((rc = hear_rcpt(m, asked[i], ok, e)) != ERR_OK)
				return rc;
		}
		if (n == 0)
			return ERR_OK;
		smtp_begin(m, m->cfg.net.io_ms);
	}
}

/* The bytes with dots doubled at the beginning of lines (RFC 5321 4.5.2), all but the final
 * one. */
static enum err
body(struct smtp *m, const struct send_mail *mail, struct error *e)
{
	const char *p = mail->bytes, *end = p + mail->len;
	enum err rc = ERR_OK;

	net_transfer(m->net, m->cfg.net.io_ms ? m->cfg.net.io_ms : SMTP_IO_MS, SMTP_MAX_BYTES);
	net_quiet(m->net, true);
	while (p < end && rc == ERR_OK) {
		if (*p == '.' && (p == mail->bytes || p[-1] == '\n'))
			rc = smtp_write(m, ".", 1, e);
		const char *dot = memmem(p, (size_t)(end - p), "\n.", 2);
		size_t n = dot ? (size_t)(dot + 1 - p) : (size_t)(end - p);
		if (rc == ERR_OK)
			rc = smtp_write(m, p, n, e);
		p += n;
	}
	if (rc == ERR_OK)
		rc = smtp_flush(m, e);
	net_quiet(m->net, false);
	return rc;
}

/* From here on it may have been taken. */
static enum err
final_dot(struct smtp *m, struct send_mail *mail, struct error *e)
{
	char words[400];

	smtp_begin(m, m->cfg.answer_ms ? m->cfg.answer_ms : SMTP_ANSWER_MS);
	enum err rc = smtp_write(m, ".\r\n", 3, e);
	if (rc == ERR_OK)
		rc = smtp_answer(m, e);
	if (rc == ERR_OK && m->code / 100 != 2 && m->code / 100 != 4 && m->code / 100 != 5)
		rc = smtp_die(m, e, "the server's answer to the message makes no sense");
	if (rc != ERR_OK) {
		sender_verdicts(mail, SEND_ACCEPTED, SEND_UNSURE,
			"the connection ended before the server said whether"
			" it took the message");
		return rc;
	}
	m->is_begun = false;
	smtp_words(m, words, sizeof words);
	sender_verdicts(mail, SEND_ACCEPTED, verdict_of(m, SEND_DONE), words);
	return ERR_OK;
}

/* A server that speaks or goes before the final dot has given the mail up: the dot is not said
 * then, and nothing is unsure. */
static enum err
hear_early(struct smtp *m, struct send_mail *mail, bool *did, struct error *e)
{
	enum err rc = ERR_OK;

	*did = smtp_has_input(m);
	if (!*did)
		rc = net_wait(m->net, 0, -1, did, e);
	if (rc == ERR_OK && *did && (rc = smtp_answer(m, e)) == ERR_OK) {
		answer_all(m, mail, SEND_ACCEPTED, SEND_WAITING);
		m->is_dead = true;		/* out of step */
	}
	return rc;
}

static enum err
data(struct smtp *m, struct send_mail *mail, struct error *e)
{
	bool is_over = false;
	enum err rc = smtp_command(m, e, "DATA");

	if (rc == ERR_OK && m->code != 354) {
		if (smtp_ok(m))
			return smtp_die(m, e, "the server's answer to DATA makes no sense");
		answer_all(m, mail, SEND_ACCEPTED, SEND_WAITING);
		return ERR_OK;
	}
	if (rc == ERR_OK)
		rc = body(m, mail, e);
	if (rc == ERR_OK && (rc = mail->before_end ? mail->before_end(mail->ctx, e)
		: ERR_OK) != ERR_OK)
		m->is_dead = true;		/* only hanging up takes it back */
	if (rc == ERR_OK)
		rc = hear_early(m, mail, &is_over, e);
	return rc == ERR_OK && !is_over ? final_dot(m, mail, e) : rc;
}

static enum err
smtp_send(struct sender *s, struct send_mail *mail, struct error *e)
{
	struct smtp *m = (struct smtp *)s;
	enum err rc = ERR_OK;

	if (!m->net || m->is_dead)
		return smtp_die(m, e, "not connected");
	if (mail->len < 2 || memcmp(mail->bytes + mail->len - 2, "\r\n", 2) != 0)
		return error_set(e, ERR_LOCAL, "a message must end in a line end");
	if (!is_fit(m, mail))
		return ERR_OK;
	if (m->is_begun && (rc = smtp_command(m, e, "RSET")) == ERR_OK)
		m->is_begun = false;
	if (rc == ERR_OK)
		rc = envelope(m, mail, e);
	if (rc == ERR_OK && sender_has(mail, SEND_ACCEPTED) && !m->is_dead)
		rc = data(m, mail, e);
	sender_verdicts(mail, SEND_ACCEPTED, SEND_WAITING, NULL);
	if (rc == ERR_OK && m->is_dead) {
		char words[400];
		smtp_words(m, words, sizeof words);
		rc = error_set(e, ERR_CONN, "the server closes the connection: %s", words);
	}
	return rc;
}

static void
smtp_describe(struct sender *s, struct str *out)
{
	struct smtp *m = (struct smtp *)s;

	if (!m->net)
		return;
	net_describe(m->net, out);
	if (m->how)
		str_printf(out, "\nlogin by %s", m->how);
	if (m->max_bytes)
		str_printf(out, "\nmessages up to %llu MB",
			(unsigned long long)(m->max_bytes >> 20));
}

static void
smtp_close(struct sender *s, int ms)
{
	struct smtp *m = (struct smtp *)s;

	if (!m)
		return;
	if (m->net && !m->is_dead && ms > 0) {
		smtp_begin(m, ms);
		if (smtp_line(m, NULL, "QUIT") == ERR_OK)
			smtp_answer(m, NULL);
	}
	net_close(m->net);
	str_clear(&m->mechanisms);
	str_clear(&m->text);
	net_config_clear(&m->cfg.net);
	free((char *)m->cfg.auth);
	free((char *)m->cfg.hello);
	free(m);
}

static const struct sender_ops ops = {
	.connect = smtp_connect, .send = smtp_send, .describe = smtp_describe,
		.close = smtp_close,
};

struct sender *
smtp_new(const struct smtp_config *cfg, struct cancel *cancel)
{
	struct smtp *m = xcalloc(1, sizeof *m);

	m->s.ops = &ops;
	m->cfg = *cfg;
	net_config_copy(&m->cfg.net, &cfg->net);
	m->cfg.auth = xstrdup(cfg->auth);
	m->cfg.hello = xstrdup(cfg->hello);
	m->cancel = cancel;
	return &m->s;
}
