/* config.c - see net.h. Apart from the connection, for those who test without one. */
#include <stdlib.h>

#include "net.h"
#include "str.h"

void
net_config_copy(struct net_config *out, const struct net_config *from)
{
	*out = *from;
	out->host = xstrdup(from->host);
	out->ca_file = xstrdup(from->ca_file);
	out->fingerprint = xstrdup(from->fingerprint);
}

void
net_config_clear(struct net_config *c)
{
	free((char *)c->host);
	free((char *)c->ca_file);
	free((char *)c->fingerprint);
	*c = (struct net_config){ 0 };
}
