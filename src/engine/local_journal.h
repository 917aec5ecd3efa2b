/* local_journal.h - what is being appended to an mbox, and taken out of another, so that
 * whoever comes next can finish it. */
#ifndef DUNLIN_LOCAL_JOURNAL_H
#define DUNLIN_LOCAL_JOURNAL_H

#include "local_map.h"

struct join {
	struct maps *maps;
	char *spool_path, *journal_path;
	const char *from, *to;		/* from NULL: nothing is to be removed */
	char *own_from, *own_to;	/* of a journal that was read */
	int spool;
	bool is_begun;			/* the journal is on disk: whatever happens,
					 * it will be done */
	uint64_t before, n_bytes;
	struct moved {
		uint64_t pos, hash;	/* in the source */
		uint32_t n_same;	/* messages with that hash in the source, before */
	} *v;
	size_t n, cap;
	uint64_t *hashes;		/* as they will stand in the destination */
	size_t n_hashes, cap_hashes;
};

void join_init(struct join *j, struct maps *maps);
void join_clear(struct join *j);
enum err join_open_spool(struct join *j, int how, struct error *e);

/* Of what is moved: the first with that hash; NULL: none. By hash, and by position
 * within a hash, once sorted. */
void join_sort_moved(struct join *j);
struct moved *join_find_moved(struct join *j, uint64_t hash);

/* An mbox_begin (mbox.h) whose ctx is the join. */
enum err journal_write(void *ctx, uint64_t before, struct error *e);
/* The journal first: a spool alone means nothing. Durably: it must not come back, after a
 * power cut, to what a person has done since. What cannot be removed is looked at again the
 * next time, and found done. */
void journal_remove(struct join *j);

#endif
