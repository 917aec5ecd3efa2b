/* guess.c - see guess.h.
 *
 * DNS is not to be trusted: whatever it answers is shown to the person before anything is sent
 * there, and the certificate is checked against that name. Nothing here logs in. */
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "guess.h"
#include "net.h"
#include "rc.h"
#include "str.h"

#define APP_PASSWORD "this provider wants a password made for the program (\"app password\"), not your usual one"
#define SWITCH_ON "reading by IMAP has to be switched on in the settings of the web mail first"

static const struct provider {
	const char *domains, *receive, *send, *note;
	bool is_local_user;
} providers[] = {
	{ "gmail.com googlemail.com", "imaps://imap.gmail.com", "smtps://smtp.gmail.com", APP_PASSWORD, false },
	{ "outlook.com hotmail.com live.com msn.com", "imaps://outlook.office365.com",
	  "smtp://smtp.office365.com", "this provider wants a token: auth = xoauth2, and a password-command that prints one",
	  false },
	{ "yahoo.com ymail.com yahoo.de yahoo.fr yahoo.co.uk", "imaps://imap.mail.yahoo.com",
	  "smtps://smtp.mail.yahoo.com", APP_PASSWORD, false },
	{ "aol.com", "imaps://imap.aol.com", "smtps://smtp.aol.com", APP_PASSWORD, false },
	{ "icloud.com me.com mac.com", "imaps://imap.mail.me.com", "smtp://smtp.mail.me.com", APP_PASSWORD, true },
	{ "fastmail.com fastmail.fm", "imaps://imap.fastmail.com", "smtps://smtp.fastmail.com", APP_PASSWORD, false },
	{ "gmx.de gmx.net gmx.at gmx.ch", "imaps://imap.gmx.net", "smtps://mail.gmx.net", SWITCH_ON, false },
	{ "gmx.com", "imaps://imap.gmx.com", "smtps://mail.gmx.com", SWITCH_ON, false },
	{ "web.de", "imaps://imap.web.de", "smtp://smtp.web.de", SWITCH_ON, false },
	{ "mailbox.org", "imaps://imap.mailbox.org", "smtps://smtp.mailbox.org", NULL, false },
	{ "posteo.de posteo.net posteo.org", "imaps://posteo.de", "smtps://posteo.de", NULL, false },
	{ "zoho.com zohomail.com", "imaps://imap.zoho.com", "smtps://smtp.zoho.com", SWITCH_ON, false },
	{ "yandex.com yandex.ru", "imaps://imap.yandex.com", "smtps://smtp.yandex.com", APP_PASSWORD, false },
	{ "mail.ru", "imaps://imap.mail.ru", "smtps://smtp.mail.ru", APP_PASSWORD, false },
	{ "qq.com", "imaps://imap.qq.com", "smtps://smtp.qq.com", APP_PASSWORD, false },
	{ "proton.me protonmail.com pm.me", "imap://127.0.0.1:1143", "smtp://127.0.0.1:1025",
	  "this provider needs its own Bridge running on this machine; it tells the password to use, and "
	  "its certificate goes into tls-fingerprint", false },
};

static bool
has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *w = words; (w = str_istr(w, word)) && *w; w++) {
		if ((w == words || w[-1] == ' ') && (w[n] == ' ' || w[n] == '\0'))
			return true;
	}
	return false;
}

static const struct provider *
find_provider(const char *domain)
{
	for (size_t i = 0; i < LEN(providers); i++) {
		if (has_word(providers[i].domains, domain))
			return &providers[i];
	}
	return NULL;
}

/* ---- RFC 6186 ---- */

char *
guess_srv_answer(const unsigned char *answer, size_t n)
{
	ns_msg msg;
	ns_rr rr;
	unsigned best = UINT16_MAX + 1;
	char host[NS_MAXDNAME], *found = NULL;

	if (n > INT32_MAX || ns_initparse(answer, (int)n, &msg) < 0)
		return NULL;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an); i++) {
		if (ns_parserr(&msg, ns_s_an, i, &rr) < 0)
			break;
		const unsigned char *p = ns_rr_rdata(rr);
		if (ns_rr_type(rr) != ns_t_srv || ns_rr_rdlen(rr) < 7 || ns_get16(p) >= best
		    || dn_expand(answer, answer + n, p + 6, host, sizeof host) < 0 || !*host)
			continue;			/* a host of "." says: no such service */
		best = ns_get16(p);
		free(found);
		found = xasprintf("%s:%u", host, (unsigned)ns_get16(p + 4));
	}
	return found;
}

/* "SCHEME://host:port" by the domain's SRV record; NULL: none. Some seconds at most. */
static char *
look_up_srv(const char *service, const char *domain, const char *scheme)
{
	struct __res_state state = {0};
	unsigned char answer[4096];
	char *name = xasprintf("_%s._tcp.%s", service, domain), *url = NULL;
	struct rc_url u;

	if (res_ninit(&state) == 0) {
		state.retrans = 1;
		state.retry = 1;
		int n = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, sizeof answer);
		char *host = n > 0 && n <= (int)sizeof answer ? guess_srv_answer(answer, (size_t)n) : NULL;
		if (host)
			url = xasprintf("%s://%s", scheme, host);
		free(host);
		res_nclose(&state);
	}
	if (url && rc_url_parse(&u, url, NULL) == ERR_OK) {
		rc_url_clear(&u);
	} else {
		free(url);
		url = NULL;
	}
	free(name);
	return url;
}

/* ---- the usual names ---- */

/* Whether a server is there; with TLS, one that proves to be `host`. */
static bool
answers(const char *url, struct cancel *cancel)
{
	static const enum net_security security[] = { [RC_TLS] = NET_TLS, [RC_STARTTLS] = NET_STARTTLS,
		[RC_PLAIN] = NET_PLAIN };
	struct rc_url u;
	struct net *net = NULL;

	if (rc_url_parse(&u, url, NULL) != ERR_OK)
		return false;
	struct net_config cfg = { .host = u.host ? u.host : "", .port = u.port,
		.security = security[u.security], .connect_ms = 3000, .io_ms = 3000 };
	bool is_there = net_open(&net, &cfg, cancel, NULL) == ERR_OK;
	net_close(net);
	rc_url_clear(&u);
	return is_there;
}

/* The first of the NULL-ended patterns that answers, %s being the domain. */
static char *
first_that_answers(const char *const *schemes, const char *const *hosts, const char *domain,
	void (*tell)(const char *), struct cancel *cancel)
{
	for (; *schemes; schemes++) {
		for (const char *const *h = hosts; *h && !cancel_fired(cancel); h++) {
			char *url = xasprintf("%s://%s%s", *schemes, *h, domain);
			tell(url);
			if (answers(url, cancel))
				return url;
			free(url);
		}
	}
	return NULL;
}

void
guess_servers(struct guess *out, const char *address, void (*tell)(const char *), struct cancel *cancel)
{
	static const char *const receive_schemes[] = { "imaps", "imap", NULL };
	static const char *const send_schemes[] = { "smtps", "smtp", NULL };
	static const char *const receive_hosts[] = { "imap.", "mail.", "", NULL };
	static const char *const send_hosts[] = { "smtp.", "mail.", "", NULL };
	const char *at = strrchr(address, '@'), *domain = at ? at + 1 : address;
	const struct provider *p = find_provider(domain);

	*out = (struct guess){0};
	if (p) {
		*out = (struct guess){ xstrdup(p->receive), xstrdup(p->send), p->is_local_user, p->note };
		return;
	}
	if (!strchr(domain, '.'))		/* "localhost" and the like: nothing to guess from */
		return;
	out->receive = look_up_srv("imaps", domain, "imaps");
	if (!out->receive && !cancel_fired(cancel))
		out->receive = look_up_srv("imap", domain, "imap");
	if (!out->receive)
		out->receive = first_that_answers(receive_schemes, receive_hosts, domain, tell, cancel);
	if (!out->receive)
		return;				/* a domain without one of them hardly has the other */
	out->send = look_up_srv("submissions", domain, "smtps");
	if (!out->send && !cancel_fired(cancel))
		out->send = look_up_srv("submission", domain, "smtp");
	if (!out->send)
		out->send = first_that_answers(send_schemes, send_hosts, domain, tell, cancel);
}

void
guess_clear(struct guess *g)
{
	free(g->receive);
	free(g->send);
	*g = (struct guess){0};
}

char *
guess_receive_url(const char *host, struct cancel *cancel)
{
	char *tls = xasprintf("imaps://%s", host), *starttls = xasprintf("imap://%s", host);
	bool is_starttls = !answers(tls, cancel) && answers(starttls, cancel);

	free(is_starttls ? tls : starttls);
	return is_starttls ? starttls : tls;
}
