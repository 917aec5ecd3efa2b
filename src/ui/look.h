/* look.h - how a folder is looked at: the order of its list, threads or not, what is folded.
 * Kept over a restart as a small text in the store ("sort=-sender threads=no"), a folder
 * each, and only where it differs from what the mailrc says of all. */
#ifndef DUNLIN_UI_LOOK_H
#define DUNLIN_UI_LOOK_H

#include "list.h"
#include "rc.h"
#include "str.h"

enum { LOOK_FOLDS_MAX = 200 };

struct look {
	enum list_order order;
	bool is_reverse, has_threads;
	bool is_all_folded;		/* then `folds` are those that are not */
	/* A message of each thread: its own id lasts, a thread's is the cache's. */
	msg_id folds[LOOK_FOLDS_MAX];
	size_t n_folds;
};

extern const char *const look_orders[];	/* by enum list_order; NULL at the end */
extern const char look_order_help[];

void look_default(struct look *k, const struct rc *rc);
/* What the text says; the rest stays as it was, and words not understood mean nothing. */
void look_parse(struct look *k, const char *text);
/* Nothing when all is as in `otherwise`. */
void look_print(struct str *out, const struct look *k, const struct look *otherwise);
/* "-sender" into order and direction; false: it is none. */
bool look_parse_order(struct look *k, const char *text);

#endif
