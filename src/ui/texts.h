/* texts.h - what is known of which messages have the words that a query's body: terms ask for:
 * the answers that the engine left in the store (search.h), for some folders. Plain values;
 * all zero is empty, and knows nothing. */
#ifndef DUNLIN_UI_TEXTS_H
#define DUNLIN_UI_TEXTS_H

#include "query.h"
#include "search.h"

struct texts {
	struct search_answer *v;	/* of body b in folder f at b * n_folders + f */
	folder_id *folders;
	size_t n_folders, n_bodies;
};

void texts_clear(struct texts *t);
/* Reads the answers anew, and names itself to the query, which is to be matched only as long
 * as t stays where it is. A query without body: terms costs nothing. */
void texts_load(struct texts *t, const struct store *s, struct query *q,
	const folder_id *folders, size_t n);
/* The message with the words of `body` that comes next in the order of ids behind `after`
 * (0: the first); 0: no more. */
msg_id texts_next(const struct texts *t, size_t body, msg_id after);

#endif
