/* query.h - what a person types to limit or search a list, and whether a message fits.
 *
 *   from:ada to:bob cc: subject:"annual report" list:dev  is:unread is:flagged is:answered
 *   is:new is:list is:draft is:deleted has:attachment before:2026-01-31 after:2w on:yesterday
 *   larger:1M smaller:20k in:archive words "a phrase" body:minutes body:"annual report" -not
 *   a OR b  ( )
 *
 * Terms stand side by side for AND, which binds closer than OR. Plain words look at sender,
 * recipients and subject; a prefix without a value (cc:) asks whether there is any. Days are
 * 2026-01-31, 2026-01, 2026, today, yesterday, and 3d 2w 6m 1y ago; after: includes the day
 * named, before: does not; it is the day of arrival that counts. is:new is unread and of the
 * last 24 hours. body: is a word, or a phrase, of the text, and the last word may go on; who
 * holds the texts is asked about it. in: names a folder, or some above it, or an account, or
 * what a folder is for (in:trash); who knows folders is asked. Matching ignores case
 * (Unicode). Pure: "now" is an
 * argument. One thread a query; matching does not change it. */
#ifndef DUNLIN_QUERY_H
#define DUNLIN_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "msg.h"

struct query;

/* now: seconds since 1970 UTC; days begin at midnight of the TZ in force. An empty text
 * gives a query that fits everything. Errors: ERR_LOCAL, the text names the word and the
 * nearest valid one. */
enum err query_parse(struct query **out, const char *text, int64_t now, struct error *e);
bool query_match(const struct query *q, const struct msg *m);
void query_free(struct query *q);

/* The different words and phrases that body: terms ask for, *words good as long as the
 * query. Whether a message has those of `body` (an index into them) is what `has` tells,
 * from within query_match; before anybody was named, that is not known. A message fits when
 * it is known to, whatever is not. */
enum { QUERY_MAX_BODIES = 8, QUERY_BODY_BYTES = 200 };
enum query_fit { FIT_NO, FIT_UNKNOWN, FIT_YES };
size_t query_bodies(const struct query *q, const char *const **words);
void query_ask(struct query *q, enum query_fit (*has)(void *ctx, size_t body, msg_id id),
	void *ctx);
/* True: only messages that have the words of *body can fit, so that
 * others need not be looked at. */
bool query_needs_body(const struct query *q, size_t *body);

/* The same of folders: the different names that in: terms ask for, and who tells whether a
 * folder is meant by one of them. */
enum { QUERY_MAX_PLACES = 16 };
size_t query_places(const struct query *q, const char *const **names);
void query_ask_place(struct query *q, bool (*is_in)(void *ctx, size_t place, folder_id folder),
	void *ctx);
/* False: whatever a message of that folder is, it does not fit. */
bool query_may_fit_in(const struct query *q, folder_id folder);

/* For the prompt's help and completion: all prefixes ("from:",
 * "is:unread", ...), NULL-ended. */
const char *const *query_words(void);

/* The valid word nearest to `word` by edit distance, NULL when none is near: for messages
 * such as "unknown 'form:' (did you mean 'from:'?)". `words` is NULL-ended. */
const char *nearest_word(const char *word, const char *const *words);

#endif
