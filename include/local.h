/* local.h - a directory of mbox files as a backend: `mbox:DIR` accounts, the folders of a POP3
 * account, `dunlin -f FILE`, and the tutorial.
 *
 * An mbox has no UIDs. Ours are given on first sight, grow with the position in the file, and
 * are kept in a map in the data directory (local_map.h), where a message is known by the hash
 * of its header; so they outlive the cache, and other programs that rewrite the file. */
#ifndef DUNLIN_LOCAL_H
#define DUNLIN_LOCAL_H

#include "backend.h"

struct local_config {
	const char *dir;	/* inbox, Sent, Drafts, Trash, Archive and others
				 * are files in it */
	const char *inbox;	/* a file elsewhere that is the inbox; NULL: DIR/inbox */
	const char *map_dir;	/* where the maps are kept; made when missing */
	bool read_only;
};

/* Strings are copied. The caller owns it (ops->close). The cancel outlives it. */
struct backend *local_new(const struct local_config *cfg, struct cancel *cancel);

#endif
