/* people_db.h - what people.c, people_count.c and the rest of the
 * store call of one another. */
#ifndef DUNLIN_STORE_PEOPLE_DB_H
#define DUNLIN_STORE_PEOPLE_DB_H

#include "people.h"
#include "store_db.h"

enum { PEOPLE_MAX_WORDS = 12, PEOPLE_WORD_BYTES = 40 };

/* A message that was not in the index before; and the end of a transaction in
 * which some were. Within it. */
enum err people_count(struct store *s, const struct msg *m, struct error *e);
enum err people_commit(struct store *s, struct error *e);
/* All over again, from what is in the index. The same. */
enum err people_recount(struct store *s, struct error *e);
void people_free(struct store *s);

bool people_is_kept(const char *addr);
char *people_words(const struct person *p);	/* " ada example"; owned */

#endif
