/* provider.h - mail providers whose servers are known by name. */
#ifndef DUNLIN_CLI_PROVIDER_H
#define DUNLIN_CLI_PROVIDER_H

enum provider_flag {
	PROVIDER_LOCAL_USER = 1,	/* reading wants the part before the '@', sending
					 * the whole address */
	PROVIDER_TOKEN = 2,		/* takes no password, but a token (XOAUTH2) */
	PROVIDER_COPIES = 4,		/* puts what is sent into Sent by itself */
	PROVIDER_CLOSED = 8,		/* lets no mail program in; has no servers */
};

struct provider {
	const char *domains;		/* of the addresses, with spaces between */
	const char *mx;			/* ends of the hosts that take mail for domains of
					 * customers; NULL: none */
	const char *receive, *send;	/* URLs without a user */
	const char *note;		/* what to do first, whole sentences; NULL: nothing */
	unsigned flags;
};

/* NULL: not known. Case does not matter. */
const struct provider *provider_of_domain(const char *domain);
/* By the host that takes mail for a domain, as its MX record names it (RFC 5321 5.1). */
const struct provider *provider_of_mx(const char *host);

#endif
