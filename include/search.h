/* search.h - the words of message bodies, so that they are found without reading the mail.
 *
 * cache/search.db: an FTS5 index of the text that a pager would show, without the text itself,
 * and the answers to what was asked for lately. Workers write both; the UI reads answers only,
 * which cost what was found and not what was searched. It is a cache of a cache: when it is
 * damaged it is begun anew. A message that is gone leaves its words behind (FTS5 cannot take
 * out what it does not keep) until too many are, or the room given is full, and all of it is
 * begun anew; whoever asks compares with the messages that are there. doc/search.md.
 *
 * A handle belongs to one thread at a time, and must not outlive the store it was opened
 * beside. Errors: ERR_LOCAL. */
#ifndef DUNLIN_SEARCH_H
#define DUNLIN_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "msg.h"
#include "store.h"
#include "uidset.h"

struct search;			/* opaque: src/store/search.c */

/* In the cache directory of `s`. In STORE_READ it must be there already. On
 * success the caller owns *out. */
enum err search_open(struct search **out, const struct store *s, enum store_mode mode,
	struct error *e);
void search_close(struct search *x);	/* NULL is fine */

/* ---- words in, for workers ---- */

/* bytes of a message's text; the rest is not indexed */
enum { SEARCH_TEXT_MAX = 1 << 20 };

/* One transaction around a row of search_add. */
enum err search_begin(struct search *x, struct error *e);
enum err search_commit(struct search *x, struct error *e);
void search_rollback(struct search *x);
/* The text (UTF-8, any bytes will do) of a message that is not in the index; of one
 * that is, nothing happens. */
enum err search_add(struct search *x, msg_id id, const char *text, size_t n, struct error *e);
/* The messages of the folder from UID lo to hi whose text is in the index: replaces *out. */
enum err search_covered(struct search *x, folder_id folder, uint32_t lo, uint32_t hi,
	struct uidset *out, struct error *e);
bool search_has(struct search *x, msg_id id);
/* messages in it, those that are gone too */
uint64_t search_count(struct search *x);
uint64_t search_bytes(struct search *x);		/* of the file; 0 on error */
/* All of it is begun anew. */
enum err search_wipe(struct search *x, struct error *e);

/* ---- words out, for workers ---- */

/* The messages of the folder that have `words`, a phrase whose last word may go on
 * ("annual rep"): added to *out. Case and accents are ignored; nothing matches a phrase
 * without a letter or digit. */
enum err search_find(struct search *x, folder_id folder, const char *words, struct uidset *out,
	struct error *e);

/* ---- answers: from the workers to the UI ---- */

struct search_answer {
	struct uidset uids;		/* owned: uidset_clear */
	bool is_complete;		/* false: only some of the folder was
					 * searched so far */
};

/* Replaces the answer to (folder, words). Answers older than a day
 * are forgotten on the way. */
enum err search_answer_put(struct search *x, folder_id folder, const char *words,
	const struct search_answer *a, struct error *e);
/* *out is empty and false returned when there is none. */
bool search_answer(struct search *x, folder_id folder, const char *words,
	struct search_answer *out);

#endif
