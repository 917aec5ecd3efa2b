/* imap_connect.c - from nothing to a session that is logged in over a verified connection.
 *
 * What a server says before TLS is neither used nor kept (SECURITY 1 to 3): STARTTLS is
 * sent whether it was offered or not, and anything but OK ends the attempt, so that
 * stripping the offer gains nothing. No credential leaves before net.h says that the
 * connection is private. What is told with the greeting or the login's OK is not asked
 * again: a login takes one round trip. */
#include <string.h>
#include <strings.h>

#include "hide.h"
#include "imap_int.h"

static const struct { const char *name; uint32_t bits; } extensions[] = {
	{ "STARTTLS", X_STARTTLS }, { "LOGINDISABLED", X_LOGINDISABLED },
	{ "SASL-IR", X_SASL_IR }, { "IDLE", X_IDLE }, { "ENABLE", X_ENABLE },
	{ "CONDSTORE", X_CONDSTORE }, { "QRESYNC", X_QRESYNC | X_CONDSTORE },
	{ "MOVE", X_MOVE }, { "UIDPLUS", X_UIDPLUS }, { "SPECIAL-USE", X_SPECIAL_USE },
	{ "LIST-EXTENDED", X_LIST_EXTENDED }, { "LIST-STATUS", X_LIST_STATUS },
	{ "NAMESPACE", X_NAMESPACE }, { "ID", X_ID }, { "LITERAL+", X_LITERAL_PLUS },
	{ "LITERAL-", X_LITERAL_MINUS }, { "ESEARCH", X_ESEARCH }, { "IMAP4REV1", X_REV1 },
	/* RFC 9051 appendix E: what rev2 has built in */
	{ "IMAP4REV2", X_REV2 | X_IDLE | X_ENABLE | X_MOVE | X_UIDPLUS | X_SPECIAL_USE
		| X_NAMESPACE | X_SASL_IR | X_LITERAL_MINUS | X_ESEARCH | X_LIST_STATUS
		| X_LIST_EXTENDED },
};

void
imap_forget(struct imap *im)
{
	im->ext = 0;
	str_cut(&im->mechanisms, 0);
	str_cut(&im->bye, 0);
}

void
imap_capability(struct imap *im, struct scan *s)
{
	char word[64];

	im->ext = X_TOLD;
	str_cut(&im->mechanisms, 0);
	for (scan_spaces(s); scan_word(s, word, sizeof word); scan_spaces(s)) {
		if (str_starts(word, "AUTH=") && im->mechanisms.len < 1000)
			str_printf(&im->mechanisms, "%s%s", im->mechanisms.len ? " " : "",
				word + 5);
		for (size_t i = 0; i < LEN(extensions); i++)
			if (strcmp(word, extensions[i].name) == 0)
				im->ext |= extensions[i].bits;
	}
}

static enum err
greeting(struct imap *im, struct error *e)
{
	enum err rc;
	char word[16];

	imap_begin(im, IMAP_MAX_RESPONSE);
	if ((rc = imap_read(im, e)) != ERR_OK)
		return rc;
	struct scan s = scan_of(str_get(&im->resp), im->resp.len);
	if (!scan_char(&s, '*') || !scan_char(&s, ' ') || !scan_word(&s, word, sizeof word))
		return imap_die(im, e, "this is not an IMAP server");
	scan_spaces(&s);
	if (strcmp(word, "BYE") == 0) {
		str_add(&im->bye, s.p, (size_t)(s.end - s.p));
		return imap_die(im, e, "the server refuses to talk");
	}
	im->is_authenticated = strcmp(word, "PREAUTH") == 0;
	if (!im->is_authenticated && strcmp(word, "OK") != 0)
		return imap_die(im, e, "this is not an IMAP server");
	if (!scan_char(&s, '[') || !scan_word(&s, word, sizeof word) ||
	    strcmp(word, "CAPABILITY") != 0)
		return ERR_OK;
	imap_capability(im, &s);
	return ERR_OK;
}

static enum err
starttls(struct imap *im, struct error *e)
{
	struct imap_cmd c;
	enum err rc;

	if (im->is_authenticated)
		return error_set(e, ERR_TLS,
			"the server claims a session before TLS (PREAUTH): "
			"somebody may be in between");
	imap_forget(im);
	imap_cmd_init(&c, "STARTTLS");
	rc = imap_run(im, &c, 1, NULL, IMAP_MAX_RESPONSE, e);
	if (rc == ERR_OK && c.status != IMAP_OK)
		rc = error_set(e, ERR_TLS, "the server refuses TLS: %s", str_get(&c.words));
	imap_cmd_clear(&c);
	if (rc == ERR_OK && imap_has_input(im))
		rc = error_set(e, ERR_TLS, "bytes came before TLS that belong behind it: "
			"somebody is in between");
	if (rc == ERR_OK)
		rc = net_starttls(im->net, e);
	im->in_pos = im->in_len = 0;
	imap_forget(im);
	return rc;
}

static enum err
ask_capability(struct imap *im, struct error *e)
{
	struct imap_cmd c;
	enum err rc;

	if (im->ext & X_TOLD)
		return ERR_OK;
	imap_cmd_init(&c, "CAPABILITY");
	rc = imap_do(im, &c, NULL, ERR_CONN, e);
	if (rc == ERR_OK && !(im->ext & X_TOLD))
		rc = imap_die(im, e, "the server does not tell what it can");
	return rc;
}

static enum err
login_verdict(struct imap *im, struct imap_cmd *c, struct error *e)
{
	if (imap_code_is(c, "UNAVAILABLE") || imap_code_is(c, "INUSE")
	    || imap_code_is(c, "LIMIT")) {
		im->is_dead = true;
		return imap_verdict(c, ERR_CONN, e);
	}
	return imap_verdict(c, ERR_AUTH, e);
}

static enum err
answer_challenge(struct imap *im, struct sasl *s, bool *is_cancelled, struct error *e)
{
	struct str answer = {0};
	enum err rc = ERR_OK;

	if (!*is_cancelled && sasl_step(s, str_get(&im->challenge), &answer, e) != ERR_OK) {
		*is_cancelled = true;
		str_cut(&answer, 0);
		str_putc(&answer, '*');
	}
	str_puts(&answer, "\r\n");
	if ((rc = imap_write(im, str_get(&answer), answer.len, e)) == ERR_OK)
		rc = imap_flush(im, e);
	explicit_bzero(answer.data, answer.len);
	str_clear(&answer);
	return rc;
}

static enum err
converse(struct imap *im, struct imap_cmd *c, struct sasl *s, struct error *e)
{
	bool is_cancelled = false;
	struct error why = { .code = ERR_OK };
	enum err rc;

	if ((rc = imap_send(im, c, e)) != ERR_OK || (rc = imap_flush(im, e)) != ERR_OK)
		return rc;
	while (c->status == IMAP_OPEN) {
		im->got_plus = false;
		if ((rc = imap_step(im, e)) != ERR_OK)
			return rc;
		if (im->got_plus && c->status == IMAP_OPEN && answer_challenge(im, s,
		    &is_cancelled, is_cancelled ? NULL : &why) != ERR_OK)
			return imap_die(im, e, "the connection was lost");
	}
	if (is_cancelled)
		return error_set(e, ERR_AUTH, "%s", why.text);
	if ((rc = login_verdict(im, c, e)) != ERR_OK)
		return rc;
	if (!sasl_finished(s))
		return error_set(e, ERR_AUTH, "the server did not prove that it knows the "
			"password");
	return ERR_OK;
}

static enum err
authenticate(struct imap *im, const char *mechanism, const struct backend_login *l,
	struct error *e)
{
	struct sasl_login login = { .user = l->user, .password = l->password,
		.host = im->cfg.net.host, .port = im->cfg.net.port };
	struct sasl *s = NULL;
	struct imap_cmd c;
	struct str first = {0};
	enum err rc;

	imap_cmd_init(&c, "AUTHENTICATE %s", mechanism);
	if ((rc = sasl_new(&s, mechanism, &login, e)) != ERR_OK)
		goto out;
	if ((im->ext & X_SASL_IR) && sasl_client_first(s)) {
		if ((rc = sasl_step(s, "", &first, e)) != ERR_OK)
			goto out;
		imap_cmd_printf(&c, " %s", first.len ? str_get(&first) : "=");
	}
	imap_forget(im);			/* what holds after the login is told anew */
	im->sent = &c;
	im->n_sent = 1;
	imap_begin(im, IMAP_MAX_RESPONSE);
	rc = converse(im, &c, s, e);
	im->sent = NULL;
	im->n_sent = 0;
	im->mechanism = mechanism;
out:
	if (first.data)
		explicit_bzero(first.data, first.len);
	str_clear(&first);
	imap_cmd_clear(&c);
	sasl_free(s);
	return rc;
}

/* LOGIN, only where no SASL mechanism fits, and only inside TLS. */
static enum err
login(struct imap *im, const struct backend_login *l, struct error *e)
{
	struct imap_cmd c;
	enum err rc;

	hide_add(l->password);
	imap_cmd_init(&c, "LOGIN ");
	imap_cmd_string(im, &c, l->user);
	imap_cmd_printf(&c, " ");
	imap_cmd_string(im, &c, l->password);
	if (c.bad) {
		imap_cmd_clear(&c);
		return error_set(e, ERR_AUTH,
			"user name and password must not hold a line end");
	}
	imap_forget(im);
	if ((rc = imap_run(im, &c, 1, NULL, IMAP_MAX_RESPONSE, e)) == ERR_OK)
		rc = login_verdict(im, &c, e);
	im->mechanism = "LOGIN command";
	imap_cmd_clear(&c);
	return rc;
}

static enum err
log_in(struct imap *im, const struct backend_login *l, struct error *e)
{
	bool is_private = net_is_private(im->net);
	bool login_fits = is_private && !(im->ext & X_LOGINDISABLED) &&
		(!im->cfg.auth || str_ieq(im->cfg.auth, "login"));
	struct error why;
	const char *mechanism;

	if (im->is_authenticated)
		return ERR_OK;
	if (!l || !l->user || !l->password)
		return error_set(e, ERR_AUTH, "user name and password are needed");
	mechanism = sasl_choose(str_get(&im->mechanisms), im->cfg.auth, is_private, &why);
	if (mechanism)
		return authenticate(im, mechanism, l, e);
	if (login_fits)
		return login(im, l, e);
	/* another password would not help */
	return error_set(e, ERR_UNSUPPORTED, "%s", why.text);
}

static unsigned
caps_of(uint32_t ext)
{
	unsigned caps =
		CAP_FLAGS | CAP_MOVE | CAP_FOLDERS | CAP_APPEND | CAP_PARTS | CAP_SEARCH;

	if (ext & X_UIDPLUS)
		caps |= CAP_DELETE | CAP_UIDMAP;
	if (ext & X_IDLE)
		caps |= CAP_WAIT;
	if (ext & (X_CONDSTORE | X_QRESYNC))
		caps |= CAP_DELTA;
	return caps;
}

enum err
imap_connect(struct backend *b, const struct backend_login *l, struct error *e)
{
	struct imap *im = imap_of(b);
	enum err rc;

	if (im->net)
		return error_set(e, ERR_LOCAL, "connected already");
	if ((rc = net_open(&im->net, &im->cfg.net, im->cancel, e)) != ERR_OK)
		goto out;
	im->stream = net_stream(im->net);
	if ((rc = greeting(im, e)) != ERR_OK)
		goto out;
	if (im->cfg.net.security == NET_STARTTLS && (rc = starttls(im, e)) != ERR_OK)
		goto out;
	if ((rc = ask_capability(im, e)) != ERR_OK || (rc = log_in(im, l, e)) != ERR_OK ||
	    (rc = ask_capability(im, e)) != ERR_OK)
		goto out;
	im->is_authenticated = true;
	im->has_prelude = true;
	b->caps = caps_of(im->ext);
out:
	if (rc != ERR_OK)
		im->is_dead = true;
	return rc;
}

/* What is said once after the login, in the same breath as the first command. */
void
imap_prelude(struct imap *im, struct imap_cmd *cmds, size_t *n)
{
	if (!im->has_prelude)
		return;
	im->has_prelude = false;
	if (im->ext & X_ID)			/* some servers open nothing without it */
		imap_cmd_init(&cmds[(*n)++], "ID (\"name\" \"Dunlin\")");
	if ((im->ext & X_ENABLE) && (im->ext & (X_QRESYNC | X_CONDSTORE)))
		imap_cmd_init(&cmds[(*n)++], "ENABLE %s",
			im->ext & X_QRESYNC ? "CONDSTORE QRESYNC" : "CONDSTORE");
	if (im->ext & X_NAMESPACE)
		imap_cmd_init(&cmds[(*n)++], "NAMESPACE");
}
