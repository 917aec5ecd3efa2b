/* rows.h - what a backend tells of messages, on its way into the index. */
#ifndef DUNLIN_ENGINE_ROWS_H
#define DUNLIN_ENGINE_ROWS_H

#include "worker.h"

/* Rows a transaction: the more, the less each page of the index is written; what holds the
 * lock on it stays under 50 ms. */
enum { COMMIT = 2000, COMMIT_BYTES = 1 << 20 };

/* Messages as they come, until a transaction's worth is there. */
struct rows {
	struct worker *w;
	folder_id folder;
	uint32_t new_from;		/* UIDs from here on are new mail; 0: none is */
	struct arena arena;
	struct msg *v;
	size_t n, cap;
	uint64_t n_put;
	uint32_t n_new;
	enum err rc;			/* of the store; what comes later is let pass */
	struct error e;
};

void rows_add(void *ctx, const struct msg *m);		/* folder_sink.msg; ctx is the rows */
/* The rest of a call that brought rows and returned rc: the last commit,
 * and which failure counts. */
enum err rows_end(struct rows *r, enum err rc, struct error *e);

/* Flags and absences that open() or changes() told. With is_held nothing is written before
 * gather_flush: what comes with the opening counts only if the mailbox is the one we know. */
struct flag_change {
	uint32_t uid, flags;
	uint64_t modseq;
};

struct gather {
	struct worker *w;
	folder_id folder;
	bool is_held;
	struct flag_change *v;
	size_t n, cap;
	struct uidset gone;
	bool has_changed;
	enum err rc;
	struct error e;
};

/* folder_sink.flags */
void gather_flags(void *ctx, uint32_t uid, uint32_t flags, uint64_t modseq);
/* folder_sink.vanished */
void gather_vanished(void *ctx, const struct uidset *uids);
void gather_flush(struct gather *g);
void gather_clear(struct gather *g);

#endif
