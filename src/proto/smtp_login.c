/* smtp_login.c - from a connection to a session: greeting, EHLO, STARTTLS, AUTH.
 *
 * What the server said before TLS counts for nothing behind it (RFC 3207 4.2): EHLO is said
 * again. A login is tried only where TLS is verified, or on loopback (net_is_private). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libetpan/mailstream.h>

#include "smtp_int.h"

/* Our end of the connection, as RFC 5321 4.1.3 writes it: says
 * nothing of the machine's name. */
static void
address_literal(struct smtp *m, char *out, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	char text[INET6_ADDRSTRLEN] = "";
	int fd = mailstream_low_get_fd(mailstream_get_low(m->stream));

	snprintf(out, size, "[127.0.0.1]");
	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return;
	if (ss.ss_family == AF_INET &&
	    inet_ntop(AF_INET, &((struct sockaddr_in *)&ss)->sin_addr, text, sizeof text))
		snprintf(out, size, "[%s]", text);
	else if (ss.ss_family == AF_INET6 &&
	    inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&ss)->sin6_addr, text, sizeof text))
		snprintf(out, size, "[IPv6:%s]", text);
}

static void
take_extension(struct smtp *m, const char *line)
{
	static const struct { const char *name; unsigned bit; } names[] = {
		{ "STARTTLS", M_STARTTLS }, { "SIZE", M_SIZE }, { "8BITMIME", M_8BIT },
			{ "SMTPUTF8", M_UTF8 },
		{ "PIPELINING", M_PIPELINING }, { "AUTH", M_AUTH },
		{ "DSN", M_DSN },
	};
	size_t n = strcspn(line, " =");

	for (size_t i = 0; i < LEN(names); i++) {
		if (strlen(names[i].name) != n || !str_istarts(line, names[i].name))
			continue;
		m->ext |= names[i].bit;
		if (names[i].bit == M_AUTH && line[n] && m->mechanisms.len < 1000)
			str_printf(&m->mechanisms, "%s%.500s", m->mechanisms.len ? " " : "",
				line + n + 1);
		if (names[i].bit == M_SIZE && line[n])
			m->max_bytes = strtoull(line + n + 1, NULL, 10);
	}
}

static void
forget(struct smtp *m)
{
	m->ext = 0;
	m->max_bytes = 0;
	str_cut(&m->mechanisms, 0);
}

static enum err
ehlo(struct smtp *m, struct error *e)
{
	char literal[80], words[400];
	enum err rc;

	forget(m);
	address_literal(m, literal, sizeof literal);
	if ((rc = smtp_command(m, e, "EHLO %s", m->cfg.hello ? m->cfg.hello
		: literal)) != ERR_OK)
		return rc;
	smtp_words(m, words, sizeof words);
	if (!smtp_ok(m))
		return error_set(e, ERR_CONN, "the server does not greet back: %s", words);
	char *copy = xstrdup(str_get(&m->text)), *rest = copy, *line;
	strsep(&rest, "\n");			/* its name */
	while ((line = strsep(&rest, "\n")) != NULL)
		take_extension(m, line);
	free(copy);
	return ERR_OK;
}

static enum err
starttls(struct smtp *m, struct error *e)
{
	char words[400];
	enum err rc;

	if (!(m->ext & M_STARTTLS))
		return error_set(e, ERR_TLS, "the server offers no TLS (STARTTLS), and"
			" without it nothing is sent");
	if ((rc = smtp_command(m, e, "STARTTLS")) != ERR_OK)
		return rc;
	smtp_words(m, words, sizeof words);
	if (m->code != 220)
		return error_set(e, ERR_TLS, "the server refuses TLS: %s", words);
	if (smtp_has_input(m))
		return error_set(e, ERR_TLS, "bytes came before TLS that belong behind it:"
			" somebody is in between");
	if ((rc = net_starttls(m->net, e)) != ERR_OK)
		return rc;
	m->in_pos = m->in_len = 0;
	return ehlo(m, e);
}

/* ---- AUTH (RFC 4954) ---- */

static enum err
answer_challenge(struct smtp *m, struct sasl *s, bool *is_cancelled, struct error *why,
	struct error *e)
{
	struct str out = {0};

	if (*is_cancelled || sasl_step(s, str_get(&m->text), &out, why) != ERR_OK) {
		*is_cancelled = true;
		str_cut(&out, 0);
		str_putc(&out, '*');
	}
	smtp_begin(m, m->cfg.net.io_ms);
	enum err rc = smtp_line(m, e, "%s", str_get(&out));
	if (rc == ERR_OK)
		rc = smtp_answer(m, e);
	explicit_bzero(out.data, out.len);
	str_clear(&out);
	return rc;
}

static enum err
converse(struct smtp *m, struct sasl *s, struct error *e)
{
	struct error why = {0};
	bool is_cancelled = false;
	char words[400];
	enum err rc = ERR_OK;

	for (int i = 0; rc == ERR_OK && m->code == 334; i++) {
		if (i == 20)
			return smtp_die(m, e, "the login does not end");
		rc = answer_challenge(m, s, &is_cancelled, &why, e);
	}
	if (rc != ERR_OK)
		return rc;
	smtp_words(m, words, sizeof words);
	if (is_cancelled)
		return error_set(e, ERR_AUTH, "%s", why.text);
	if (m->code / 100 == 4)			/* 454: try later */
		return error_set(e, ERR_CONN, "the server cannot check logins just now: %s",
			words);
	if (!smtp_ok(m))
		return error_set(e, ERR_AUTH, "the server refuses the login: %s", words);
	if (!sasl_finished(s))
		return error_set(e, ERR_AUTH,
			"the server did not prove that it knows the password");
	return ERR_OK;
}

static enum err
log_in(struct smtp *m, const struct sender_login *l, struct error *e)
{
	struct sasl_login login = { .user = l->user, .password = l->password ? l->password
		: "", .host = m->cfg.net.host, .port = m->cfg.net.port };
	struct sasl *s = NULL;
	struct str first = {0};
	const char *mechanism = sasl_choose(str_get(&m->mechanisms), m->cfg.auth,
		net_is_private(m->net), e);
	enum err rc;

	if (!mechanism)
		return error_set(e, ERR_AUTH, "no way to log in that fits is offered%s%s",
			m->mechanisms.len ? ": " : "", str_get(&m->mechanisms));
	if ((rc = sasl_new(&s, mechanism, &login, e)) != ERR_OK)
		return rc;
	if (sasl_client_first(s) && (rc = sasl_step(s, "", &first, e)) == ERR_OK)
		rc = smtp_command(m, e, "AUTH %s %s", mechanism, first.len ? str_get(&first)
			: "=");
	else if (rc == ERR_OK)
		rc = smtp_command(m, e, "AUTH %s", mechanism);
	if (rc == ERR_OK)
		rc = converse(m, s, e);
	m->how = mechanism;
	if (first.data)
		explicit_bzero(first.data, first.len);
	str_clear(&first);
	sasl_free(s);
	return rc;
}

static enum err
greeting(struct smtp *m, struct error *e)
{
	char words[400];

	smtp_begin(m, m->cfg.net.io_ms);
	enum err rc = smtp_answer(m, e);
	if (rc != ERR_OK)
		return rc;
	smtp_words(m, words, sizeof words);
	return smtp_ok(m) ? ERR_OK : error_set(e, ERR_CONN, "the server refuses to talk: %s",
		words);
}

enum err
smtp_connect(struct sender *s, const struct sender_login *l, struct error *e)
{
	struct smtp *m = (struct smtp *)s;
	enum err rc;

	if (m->net)
		return m->is_dead ? smtp_die(m, e, "the session is over") : ERR_OK;
	if ((rc = net_open(&m->net, &m->cfg.net, m->cancel, e)) != ERR_OK)
		goto out;
	m->stream = net_stream(m->net);
	if ((rc = greeting(m, e)) != ERR_OK || (rc = ehlo(m, e)) != ERR_OK)
		goto out;
	if (m->cfg.net.security == NET_STARTTLS && (rc = starttls(m, e)) != ERR_OK)
		goto out;
	if (l && l->user && *l->user) {
		/* RFC 4954 4: may differ */
		if ((rc = log_in(m, l, e)) != ERR_OK || (rc = ehlo(m, e)) != ERR_OK)
			goto out;
	}
out:
	if (rc != ERR_OK)
		m->is_dead = true;
	return rc;
}
