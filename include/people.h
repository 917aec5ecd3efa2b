/* people.h - the address book: whom mail went to and came from, and short names.
 *
 * Nobody has to keep it. Whom mail was sent to from here, and the short names, are in
 * dunlin.db, since they cannot be found out again; how often somebody wrote, and who is in To
 * and Cc of what lies in the folder of sent mail, is counted in index.db as messages come into
 * it. Both are read together. Senders in Junk and Trash, and addresses that nobody reads
 * (no-reply@, mailer-daemon@), are not kept.
 *
 * Names come from mail: UTF-8, not clean. Threads and errors as in store.h. */
#ifndef DUNLIN_PEOPLE_H
#define DUNLIN_PEOPLE_H

#include "store.h"

struct person {
	const char *name;		/* as they last wrote it; "" when none */
	const char *addr;
	uint32_t n_to, n_from;		/* mails to them, and from them */
	int64_t last;			/* seconds since 1970 */
};

/* At most `max` people of whose name and address every word that was typed begins one ("ex ad"
 * finds Ada Example), whatever case and accents; those written to first, then who wrote, each
 * by how often and how lately. Nothing typed: nobody. Some milliseconds, whatever the number
 * of messages. *out is in the arena. */
size_t people_find(const struct store *s, const char *typed, int64_t now, size_t max,
	struct arena *a, struct person **out);

/* Mail went to these (name and addr count). No fsync: it is a memory, not a decision. */
enum err people_wrote(struct store *s, const struct person *v, size_t n, int64_t now,
	struct error *e);

/* Short names (no white space, comma or quote in them; case does not count), by name. */
struct short_name {
	const char *name, *value;
};
size_t people_short_names(const struct store *s, struct arena *a, struct short_name **out);
/* Sets, or with `value` NULL removes. Durable. ERR_MSG: a name cannot be so; there is
 * none of it to be removed. */
enum err people_name(struct store *s, const char *name, const char *value, struct error *e);

#endif
