/* guess.h - where an address probably has its servers. */
#ifndef DUNLIN_CLI_GUESS_H
#define DUNLIN_CLI_GUESS_H

#include <stddef.h>

#include "cancel.h"
#include "provider.h"

/* URLs without a user; NULL: nothing was found. */
struct guess {
	char *receive, *send;
	const char *note;		/* what the provider wants, whole
					 * sentences; NULL: nothing */
	unsigned flags;			/* enum provider_flag */
};

/* By the published names of large providers, for their own domains and for those whose mail
 * they take (MX), else by the domain's SRV records (RFC 6186), else by trying the usual names
 * over TLS, each told through `tell`. Blocks for some seconds at most. */
void guess_servers(struct guess *out, const char *address, void (*tell)(const char *what),
	struct cancel *cancel);
void guess_clear(struct guess *g);

/* A host with an optional port as the URL that works: TLS if there is a server, else
 * STARTTLS if there is one, else TLS all the same. Owned. */
char *guess_receive_url(const char *host, struct cancel *cancel);

/* The best of the SRV records in a DNS answer as "host:port"; owned,
 * NULL when there is none. */
char *guess_srv_answer(const unsigned char *answer, size_t n);
/* The same of the MX records, as a host. */
char *guess_mx_answer(const unsigned char *answer, size_t n);

#endif
