/* imap.h - an IMAP server as a backend (RFC 3501, RFC 9051), over the stream of net.h. */
#ifndef DUNLIN_IMAP_H
#define DUNLIN_IMAP_H

#include "backend.h"
#include "net.h"

struct imap_config {
	struct net_config net;		/* strings are copied */
	const char *auth;		/* NULL: the best offered */
};

/* Not connected yet. The caller owns it (ops->close). The cancel outlives it. */
struct backend *imap_new(const struct imap_config *cfg, struct cancel *cancel);

#endif
