/* pop3_login.c - from nothing to a session that is logged in over a verified connection.
 *
 * The rules of imap_connect.c: what is said before TLS is neither used nor kept; STLS is sent
 * whether it was offered or not, and anything but +OK ends the attempt; no credential before
 * net.h says that the connection is private. The time stamp in the greeting (APOP) is never
 * answered: it is MD5, and what it saves is gained by TLS. The login is not logged. */
#include <string.h>

#include "hide.h"
#include "pop3_int.h"

static const struct { const char *name; unsigned bit; } extensions[] = {
	{ "STLS", P_STLS }, { "USER", P_USER }, { "TOP", P_TOP }, { "UIDL", P_UIDL },
	{ "PIPELINING", P_PIPELINING }, { "SASL", P_SASL },
};

static void
forget(struct pop3 *p)
{
	p->ext = 0;
	str_cut(&p->mechanisms, 0);
}

static void
take_capability(struct pop3 *p)
{
	size_t n = strcspn(p->line, " ");

	for (size_t i = 0; i < LEN(extensions); i++) {
		if (n == strlen(extensions[i].name) &&
		    str_istarts(p->line, extensions[i].name))
			p->ext |= extensions[i].bit;
	}
	if (n == 4 && str_istarts(p->line, "SASL") && p->line[n] && p->mechanisms.len == 0 &&
	    p->line_len < POP3_MAX_MECHANISMS)
		str_puts(&p->mechanisms, p->line + n + 1);
}

/* A server without CAPA (it answers -ERR) has what RFC 1939 has. */
static enum err
ask_capabilities(struct pop3 *p, struct error *e)
{
	bool more = true;

	forget(p);
	enum err rc = pop3_command(p, ERR_MSG, e, "CAPA");
	if (rc != ERR_OK)
		return rc == ERR_MSG ? ERR_OK : rc;
	p->ext = P_CAPA;
	while ((rc = pop3_list_line(p, &more, e)) == ERR_OK && more)
		take_capability(p);
	return rc;
}

static enum err
start_tls(struct pop3 *p, struct error *e)
{
	enum err rc = pop3_command(p, ERR_TLS, e, "STLS");

	if (rc == ERR_TLS && !p->is_dead)
		rc = error_set(e, ERR_TLS, "the server refuses STLS (%.100s); try pop3s://",
			pop3_words(p));
	if (rc == ERR_OK && pop3_has_input(p))
		rc = error_set(e, ERR_TLS, "bytes came before TLS that belong behind it: "
			"somebody is in between");
	if (rc == ERR_OK)
		rc = net_starttls(p->net, e);
	p->in_pos = p->in_len = 0;
	forget(p);
	return rc;
}

/* Refusals that are not about the password (RFC 2449 8, RFC 3206): what of
 * them passes is tried again. */
static const struct { const char *code; enum err reach; const char *text; } refusals[] = {
	{ "[IN-USE]", ERR_CONN, "another session has this mailbox open" },
	{ "[LOGIN-DELAY]", ERR_CONN, "the server wants more time between two logins" },
	{ "[SYS/TEMP]", ERR_CONN, "the server has trouble and says, try later" },
	{ "[SYS/PERM]", ERR_UNSUPPORTED,
		"the server has trouble that needs its administrator" },
};

/* The server's words without the code, which is said in ours. */
static enum err
refused_for_now(struct pop3 *p, enum err reach, const char *text, struct error *e)
{
	const char *words = pop3_words(p), *end = strchr(words, ']');

	if (words[0] == '[' && end)
		words = end + 1 + strspn(end + 1, " ");
	return error_set(e, reach, *words ? "%s: %.200s" : "%s", text, words);
}

static enum err
login_verdict(struct pop3 *p, struct error *e)
{
	enum err rc = pop3_verdict(p, ERR_AUTH, "login", e);

	if (rc != ERR_AUTH)
		return rc;
	p->is_dead = true;
	for (size_t i = 0; i < LEN(refusals); i++) {
		if (str_istr(p->line, refusals[i].code))
			return refused_for_now(p, refusals[i].reach, refusals[i].text, e);
	}
	return rc;
}

/* Sends what sasl_step makes of the challenge, or "*" when it
 * refuses; *why keeps the reason. */
static enum err
answer(struct pop3 *p, struct sasl *s, const char *challenge, struct error *why,
	struct error *e)
{
	struct str out = {0};

	if (why->code != ERR_OK || sasl_step(s, challenge, &out, why) != ERR_OK) {
		why->code = ERR_AUTH;
		str_cut(&out, 0);
		str_putc(&out, '*');
	}
	str_puts(&out, "\r\n");
	enum err rc = pop3_send_bytes(p, str_get(&out), out.len, e);
	explicit_bzero(out.data, out.len);
	str_clear(&out);
	return rc;
}

/* Challenges and answers until the server says +OK or -ERR. */
static enum err
converse(struct pop3 *p, struct sasl *s, struct error *e)
{
	enum { MAX_ROUNDS = 8 };
	struct error why = {0};
	enum err rc = ERR_OK;

	for (int i = 0; rc == ERR_OK && i < MAX_ROUNDS; i++) {
		if ((rc = pop3_flush(p, e)) != ERR_OK || (rc = pop3_line(p, e)) != ERR_OK)
			return rc;
		if (p->line[0] != '+' || (p->line[1] != ' ' && p->line[1] != '\0'))
			break;
		rc = answer(p, s, p->line[1] ? p->line + 2 : "", &why, e);
	}
	if (rc == ERR_OK && why.code != ERR_OK)
		rc = error_set(e, ERR_AUTH, "%s", why.text);
	else if (rc == ERR_OK)
		rc = login_verdict(p, e);
	if (rc == ERR_OK && !sasl_finished(s))
		rc = error_set(e, ERR_AUTH,
			"the server did not prove that it knows the password");
	return rc;
}

/* The first answer waits for the server's "+", which costs a round trip and spares the
 * question of how long a line it takes (RFC 5034 4). */
static enum err
authenticate(struct pop3 *p, const char *mechanism, const struct backend_login *l,
	struct error *e)
{
	struct sasl_login login = { .user = l->user, .password = l->password,
		.host = p->cfg.net.host, .port = p->cfg.net.port };
	struct sasl *s;
	enum err rc = sasl_new(&s, mechanism, &login, e);

	if (rc == ERR_OK)
		rc = pop3_send(p, e, "AUTH %s", mechanism);
	if (rc == ERR_OK)
		rc = converse(p, s, e);
	p->how = mechanism;
	sasl_free(s);
	return rc;
}

static enum err
user_pass(struct pop3 *p, const struct backend_login *l, struct error *e)
{
	if (strpbrk(l->user, "\r\n") || strpbrk(l->password, "\r\n"))
		return error_set(e, ERR_AUTH,
			"user name and password must not hold a line end");
	hide_add(l->password);
	enum err rc = pop3_send(p, e, "USER %s", l->user);
	if (rc == ERR_OK)
		rc = pop3_flush(p, e);
	if (rc == ERR_OK)
		rc = pop3_line(p, e);
	if (rc == ERR_OK)
		rc = login_verdict(p, e);
	if (rc == ERR_OK)
		rc = pop3_send(p, e, "PASS %s", l->password);
	if (rc == ERR_OK)
		rc = pop3_flush(p, e);
	if (rc == ERR_OK)
		rc = pop3_line(p, e);
	if (rc == ERR_OK)
		rc = login_verdict(p, e);
	p->how = "USER and PASS";
	return rc;
}

static enum err
log_in(struct pop3 *p, const struct backend_login *l, struct error *e)
{
	bool is_private = net_is_private(p->net);
	bool has_user = (p->ext & P_USER) || !(p->ext & P_CAPA) || p->mechanisms.len == 0;
	bool user_fits = is_private && has_user &&
		(!p->cfg.auth || str_ieq(p->cfg.auth, "login"));

	if (!l || !l->user || !l->password)
		return error_set(e, ERR_AUTH, "user name and password are needed");
	const char *mechanism = sasl_choose(str_get(&p->mechanisms), p->cfg.auth, is_private,
		e);
	if (mechanism)
		return authenticate(p, mechanism, l, e);
	if (user_fits)
		return user_pass(p, l, e);
	return error_set(e, ERR_AUTH, "no way to log in safely is offered%s%s",
		p->mechanisms.len ? ": " : "", str_get(&p->mechanisms));
}

static enum err
greeting(struct pop3 *p, struct error *e)
{
	net_command(p->net, 0, 0);
	enum err rc = pop3_line(p, e);

	return rc == ERR_OK ? pop3_verdict(p, ERR_CONN, "greeting", e) : rc;
}

enum err
pop3_connect(struct pop3 *p, const struct backend_login *l, struct error *e)
{
	enum err rc = net_open(&p->net, &p->cfg.net, p->cancel, e);

	if (rc != ERR_OK)
		return rc;
	p->stream = net_stream(p->net);
	if (!p->stream)
		return error_set(e, ERR_LOCAL, "out of memory");
	if ((rc = greeting(p, e)) != ERR_OK)
		return rc;
	if (p->cfg.net.security == NET_STARTTLS && (rc = start_tls(p, e)) != ERR_OK)
		return rc;
	if ((rc = ask_capabilities(p, e)) != ERR_OK)
		return rc;
	net_command(p->net, 0, 0);
	net_quiet(p->net, true);
	rc = log_in(p, l, e);
	net_quiet(p->net, false);
	return rc == ERR_OK ? ask_capabilities(p, e) : rc;
}
