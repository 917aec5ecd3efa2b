/* source.h - the messages of one or more folders in the order asked for, as units one after
 * another: a unit is a message, or a whole thread.
 *
 * By date (either way, flat or threaded) units come from the store's pages, whatever the
 * folder holds. With a limit or another order the places are gathered into a sorted sequence,
 * a slice at a time (source_gather), and units come from there, also while it still grows.
 * What fitted the limit once stays until the limit is set anew, so that reading a message
 * under "is:unread" does not take it away. Where a body: term decides, only the messages that
 * have its words are looked at, however large the folder. A thread goes by who began it, about
 * what, or by the size of all of it.
 *
 * A wide source is about very many folders, those that repeat others among them: of what fits
 * it keeps the newest `max`, leaves out of a repeating folder what another of the same account
 * has, and after a change looks only into the folders that changed. */
#ifndef DUNLIN_UI_SOURCE_H
#define DUNLIN_UI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idset.h"
#include "places.h"
#include "query.h"
#include "sorted.h"
#include "store.h"
#include "texts.h"
#include "thread.h"

enum list_order { ORDER_DATE, ORDER_SENDER, ORDER_SUBJECT, ORDER_SIZE };

enum { THREAD_ROWS_MAX = 1000 };	/* of one thread; older messages of it are not shown */

/* What a wide source knows of its folders: as they were when it last looked into them. */
struct wide_folder {
	folder_id id;
	account_id account;
	bool is_repeat;			/* what is in it is in others, too */
	bool is_stale;
	uint32_t n_msgs, n_unread, uidnext;
	uint64_t modseq;
};

struct wide {
	struct wide_folder *v;
	size_t n;
	folder_id *scan;		/* looked into in this round */
	size_t n_scan;
	struct idset dropped;		/* were in the list, and may come back */
	struct page_key cut;		/* what is older was not looked at */
	bool is_whole;			/* the round is about all folders, from the top down */
};

struct source {
	const struct store *store;
	folder_id *folders;
	size_t n_folders;
	enum list_order order;
	bool is_reverse;
	bool wants_threads;
	char *limit;			/* NULL: none */
	struct query *query;		/* of limit */

	struct texts texts;		/* for the body: terms of query */
	struct places places;		/* for its in: terms */
	bool is_wide;
	size_t max;
	struct wide wide;

	/* gathered places, and ids that fitted the limit */
	struct sorted all, next;	/* next: while gathering anew */
	struct idset fitted;
	bool is_gathering, is_anew, is_stale;
	struct page_key at;		/* gathered down to here, in the store's order */
	msg_id hit;			/* the last looked at, where a body: term decides */
	uint64_t n_read;		/* rows read from the store, for tests
					 * and the curious */
};

/* One unit: a message, or the messages of a thread (oldest first) and their layout. */
struct unit {
	struct place at;
	struct msg *msgs;
	struct thread_row *rows;	/* NULL: flat */
	uint32_t n, n_unread;
};

void source_clear(struct source *s);
void source_folders(struct source *s, const folder_id *folders, size_t n);
/* Wide from now on, until source_folders. */
void source_wide(struct source *s, const folder_id *folders, size_t n, size_t max);
/* Of a wide source: others, but what was gathered and is still in one of them stays. */
void source_other_folders(struct source *s, const folder_id *folders, size_t n);
/* The query becomes the source's; limit NULL: none. */
void source_limit(struct source *s, const char *limit, struct query *query);
void source_order(struct source *s, enum list_order order, bool is_reverse,
	bool wants_threads);
bool source_is_threaded(const struct source *s);
bool source_is_array(const struct source *s);	/* gathered, not paged */

/* Something in the store changed. */
void source_changed(struct source *s);
/* In that folder something surely did: for a wide source, which of others looks whether. */
void source_changed_in(struct source *s, folder_id id);
/* No more is looked for: what is in the list is all, as if more were not there. */
void source_stop(struct source *s);
/* One slice, at most about budget_us. True: there is more to do. */
bool source_gather(struct source *s, int budget_us);

/* Up to max units in list order: those behind `from`, or with `back` those before it, next to
 * it. `from` itself is among them with `inclusive`. The last behind is place_end, the first
 * before place_top, also when the order is reversed. */
size_t source_read(struct source *s, const struct place *from, bool back, bool inclusive,
	size_t max, struct arena *a, struct unit *out);
/* The unit's place that holds the message. False: it is not in the
 * list (as far as gathered). */
bool source_place(struct source *s, msg_id id, struct place *out);
/* Whether the message's thread still stands there, though it belongs elsewhere by now (a
 * message came or went): it moves when all is gathered anew. */
bool source_is_still_at(const struct source *s, msg_id id, const struct place *at);
/* Where it would stand if it were in the list. False: there is no such message. */
bool source_would_be(struct source *s, msg_id id, struct place *out);
/* A message that is back after an undo takes its place again at once. */
void source_restore(struct source *s, msg_id id);
/* The same message under another id (it went to the server and back):
 * fits where the old did. */
void source_adopt(struct source *s, msg_id old, msg_id id);
bool source_has_folder(const struct source *s, folder_id id);

#endif
