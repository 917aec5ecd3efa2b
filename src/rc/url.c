/* url.c - where mail comes from and goes to: imaps://user@host:port, mbox:DIR.
 *
 * Strict: what is not understood is refused, since a host that is not the one meant would get
 * the password. The last '@' ends the user, so that a user who is an address need not be
 * percent-encoded. A password in the URL is refused without repeating it. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "query.h"
#include "rc.h"
#include "str.h"
#include "utf8.h"

static const struct scheme {
	const char *name;
	enum rc_protocol protocol;
	enum rc_security security;
	uint16_t port;
} schemes[] = {
	{ "imaps", RC_IMAP, RC_TLS, 993 }, { "imap", RC_IMAP, RC_STARTTLS, 143 },
	{ "imap+insecure", RC_IMAP, RC_PLAIN, 143 },
	{ "pop3s", RC_POP3, RC_TLS, 995 }, { "pop3", RC_POP3, RC_STARTTLS, 110 },
	{ "pop3+insecure", RC_POP3, RC_PLAIN, 110 },
	{ "smtps", RC_SMTP, RC_TLS, 465 }, { "smtp", RC_SMTP, RC_STARTTLS, 587 },
	{ "smtp+insecure", RC_SMTP, RC_PLAIN, 25 },
};
static const char *const scheme_names[] = { "imaps", "imap", "imap+insecure", "pop3s", "pop3",
	"pop3+insecure", "smtps", "smtp", "smtp+insecure", "mbox", NULL };

static const struct scheme *
find_scheme(const char *text, size_t len)
{
	for (size_t i = 0; i < LEN(schemes); i++) {
		if (strlen(schemes[i].name) == len && str_istarts(text, schemes[i].name))
			return &schemes[i];
	}
	return NULL;
}

static enum err
unknown_scheme(const char *text, size_t len, struct error *e)
{
	char *word = xstrndup(text, len < 30 ? len : 30);
	const char *near = nearest_word(word, scheme_names);

	if (near)
		error_set(e, ERR_LOCAL, "unknown scheme '%s:' (did you mean '%s:'?)", word,
			near);
	else
		error_set(e, ERR_LOCAL,
			"unknown scheme '%s:' (imaps, imap, pop3s, pop3, smtps, smtp, mbox)",
			word);
	free(word);
	return ERR_LOCAL;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'
		? c - '0' : isxdigit((unsigned char)c) ? tolower(c) - 'a' + 10 : -1;
}

/* NULL when it is not UTF-8 without control characters. */
static char *
percent_decode(const char *s, size_t n)
{
	struct str out = {0};

	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (c == '%') {
			if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				goto bad;
			c = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
			i += 2;
		}
		if ((unsigned char)c < ' ' || c == 0x7f)
			goto bad;
		str_putc(&out, c);
	}
	if (utf8_valid(str_get(&out), out.len))
		return str_take(&out);
bad:
	str_clear(&out);
	return NULL;
}

static enum err
parse_user(struct rc_url *u, const char *s, size_t n, struct error *e)
{
	if (memchr(s, ':', n))
		return error_set(e, ERR_LOCAL,
			"no password belongs into the URL: use password-command");
	u->user = percent_decode(s, n);
	if (!u->user || !*u->user)
		return error_set(e, ERR_LOCAL, "the user in the URL is not understood");
	return ERR_OK;
}

static bool
is_host(const char *s)
{
	struct in6_addr a;
	size_t n = strlen(s);

	if (strchr(s, ':'))
		return inet_pton(AF_INET6, s, &a) == 1;
	return n > 0 && n < 254 && s[0] != '-' && s[0] != '.' &&
		strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == n && !strstr(s, "..");
}

/* "host", "host:port", "[::1]:port"; one '/' may stand behind. */
static enum err
parse_host(struct rc_url *u, const char *s, struct error *e)
{
	bool is_v6 = *s == '[';
	size_t n = is_v6 ? strcspn(s + 1, "]") : strcspn(s, ":/");

	u->host = xstrndup(s + is_v6, n);
	for (char *c = u->host; *c; c++)
		*c = (char)(*c & 0x80 ? *c : tolower((unsigned char)*c));
	if (!is_host(u->host) || is_v6 != (strchr(u->host, ':') != NULL))
		return error_set(e, ERR_LOCAL, "'%s' is no host name", u->host);
	s += n + is_v6;
	if (is_v6 && *s++ != ']')
		return error_set(e, ERR_LOCAL, "a ']' is missing behind the address");
	if (*s == ':') {
		size_t digits = strspn(++s, "0123456789");
		long port = digits < 6 ? atol(s) : 0;
		if (port < 1 || port > 65535 || (s[digits] && s[digits] != '/'))
			return error_set(e, ERR_LOCAL, "the port in '%s' is not 1 to 65535",
				u->host);
		u->port = (uint16_t)port;
		s += digits;
	}
	if (*s && strcmp(s, "/") != 0)
		return error_set(e, ERR_LOCAL, "'%s' stands behind the host", s);
	return ERR_OK;
}

static enum err
parse_server(struct rc_url *u, const char *s, struct error *e)
{
	const char *at = strrchr(s, '@');
	enum err rc = ERR_OK;

	if (at)
		rc = parse_user(u, s, (size_t)(at - s), e);
	return rc == ERR_OK ? parse_host(u, at ? at + 1 : s, e) : rc;
}

enum err
rc_url_parse(struct rc_url *out, const char *text, struct error *e)
{
	size_t len = strcspn(text, ":");
	struct rc_url u = {0};
	enum err rc;

	*out = u;
	if (text[len] != ':')
		return error_set(e, ERR_LOCAL,
			"this is no URL such as imaps://ada@imap.example.org");
	if (len == 4 && str_istarts(text, "mbox:")) {
		u.protocol = RC_MBOX;
		u.path = path_expand(text + 5);
		rc = *u.path == '/' ? ERR_OK
			: error_set(e, ERR_LOCAL, "mbox: needs a directory such as ~/Mail");
	} else {
		const struct scheme *scheme = find_scheme(text, len);
		if (!scheme)
			return unknown_scheme(text, len, e);
		u.protocol = scheme->protocol;
		u.security = scheme->security;
		u.port = scheme->port;
		rc = str_starts(text + len, "://") ? parse_server(&u, text + len + 3, e)
			: error_set(e, ERR_LOCAL, "'//' is missing behind '%s:'",
			scheme->name);
	}
	if (rc == ERR_OK)
		*out = u;
	else
		rc_url_clear(&u);
	return rc;
}

void
rc_url_clear(struct rc_url *u)
{
	free(u->user);
	free(u->host);
	free(u->path);
	*u = (struct rc_url){0};
}

bool
rc_host_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (str_ieq(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}
