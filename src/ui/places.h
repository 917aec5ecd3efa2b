/* places.h - which folders the in: terms of a query mean. Plain values; all zero is empty. */
#ifndef DUNLIN_UI_PLACES_H
#define DUNLIN_UI_PLACES_H

#include "folder.h"
#include "idset.h"
#include "query.h"
#include "store.h"

struct places {
	struct idset *meant;		/* the folders that each name means */
	size_t n_names;
};

/* Whether a person who writes in:NAME means that folder of the account so called: NAME is its
 * name, or some whole levels of it ("dev" and "Lists" mean "Lists/dev"), or the account's, or
 * both with a '/' between; or what it is for ("trash", "spam"); or "anywhere". Whatever the
 * case. */
bool place_means(const char *name, const struct folder *f, const char *account);

void places_clear(struct places *p);
/* Looks the folders' names up and names itself to the query, which is to be matched only as
 * long as p stays where it is, and about these folders. A query without in: costs nothing. */
void places_load(struct places *p, const struct store *s, struct query *q,
	const folder_id *folders, size_t n);
/* Whether any of the names means the folder. */
bool places_name(const struct places *p, folder_id folder);

#endif
