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
#include "provider.h"
#include "rc.h"
#include "str.h"

/* ---- what DNS says: SRV (RFC 6186), MX ---- */

/* Of the records of this type the one with the lowest number before all else: the host
 * that stands behind `n_before` bytes of it. Owned; NULL: there is none. *port is the
 * two bytes before the host. */
static char *
best_host(const unsigned char *answer, size_t n, ns_type type, size_t n_before, unsigned *port)
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
		if (ns_rr_type(rr) != type || ns_rr_rdlen(rr) <= n_before ||
		    ns_get16(p) >= best || dn_expand(answer, answer + n, p + n_before, host,
		    sizeof host) < 0 || !*host)
			continue;	/* a host of "." says: no such service */
		best = ns_get16(p);
		*port = ns_get16(p + n_before - 2);
		free(found);
		found = xstrdup(host);
	}
	return found;
}

char *
guess_srv_answer(const unsigned char *answer, size_t n)
{
	unsigned port = 0;
	char *host = best_host(answer, n, ns_t_srv, 6, &port), *url = NULL;

	if (host)
		url = xasprintf("%s:%u", host, port);
	free(host);
	return url;
}

char *
guess_mx_answer(const unsigned char *answer, size_t n)
{
	unsigned preference;

	return best_host(answer, n, ns_t_mx, 2, &preference);
}

/* What `read` makes of the answer to this question; some seconds at most. */
static char *
ask_dns(const char *name, ns_type type, char *(*read)(const unsigned char *, size_t))
{
	struct __res_state state = {0};
	unsigned char answer[4096];
	char *found = NULL;

	if (res_ninit(&state) == 0) {
		state.retrans = 1;
		state.retry = 1;
		int n = res_nquery(&state, name, ns_c_in, type, answer, sizeof answer);
		if (n > 0 && n <= (int)sizeof answer)
			found = read(answer, (size_t)n);
		res_nclose(&state);
	}
	return found;
}

/* "SCHEME://host:port" by the domain's SRV record; NULL: none. */
static char *
look_up_srv(const char *service, const char *domain, const char *scheme)
{
	char *name = xasprintf("_%s._tcp.%s", service, domain), *url = NULL;
	char *host = ask_dns(name, ns_t_srv, guess_srv_answer);
	struct rc_url u;

	if (host)
		url = xasprintf("%s://%s", scheme, host);
	if (url && rc_url_parse(&u, url, NULL) == ERR_OK) {
		rc_url_clear(&u);
	} else {
		free(url);
		url = NULL;
	}
	free(host);
	free(name);
	return url;
}

/* The provider that takes the mail of the domain: many have addresses of
 * their own at a large one. */
static const struct provider *
look_up_mx(const char *domain)
{
	char *host = ask_dns(domain, ns_t_mx, guess_mx_answer);
	const struct provider *p = host ? provider_of_mx(host) : NULL;

	free(host);
	return p;
}

/* ---- the usual names ---- */

/* Whether a server is there; with TLS, one that proves to be `host`. */
static bool
answers(const char *url, struct cancel *cancel)
{
	static const enum net_security security[] = {
		[RC_TLS] = NET_TLS, [RC_STARTTLS] = NET_STARTTLS, [RC_PLAIN] = NET_PLAIN
	};
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
guess_servers(struct guess *out, const char *address, void (*tell)(const char *),
	struct cancel *cancel)
{
	static const char *const receive_schemes[] = { "imaps", "imap", NULL };
	static const char *const send_schemes[] = { "smtps", "smtp", NULL };
	static const char *const receive_hosts[] = { "imap.", "mail.", "", NULL };
	static const char *const send_hosts[] = { "smtp.", "mail.", "", NULL };
	const char *at = strrchr(address, '@'), *domain = at ? at + 1 : address;
	const struct provider *p = provider_of_domain(domain);

	*out = (struct guess){0};
	/* "localhost" and the like: nothing to guess from */
	if (!p && !strchr(domain, '.'))
		return;
	if (!p)
		p = look_up_mx(domain);
	if (p) {
		*out = (struct guess){ xstrdup(p->receive), xstrdup(p->send), p->note,
			p->flags };
		return;
	}
	out->receive = look_up_srv("imaps", domain, "imaps");
	if (!out->receive && !cancel_fired(cancel))
		out->receive = look_up_srv("imap", domain, "imap");
	if (!out->receive)
		out->receive = first_that_answers(receive_schemes, receive_hosts, domain, tell,
			cancel);
	if (!out->receive)
		/* a domain without one of them hardly has the other */
		return;
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
