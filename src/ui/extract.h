/* extract.h - the decoded bytes of a part into a file, in the memory of one piece whatever
 * its size, beside the keys. */
#ifndef DUNLIN_UI_EXTRACT_H
#define DUNLIN_UI_EXTRACT_H

#include "message.h"
#include "outfile.h"
#include "work.h"

struct extract {
	struct work work;
	int from;			/* encoded; -1: `bytes`, decoded */
	uint64_t size;
	enum part_encoding encoding;
	struct str bytes;
	struct outfile to;		/* complete by `then`, or gone */
	uint64_t n_bytes;		/* written */
	void (*then)(struct extract *x, const struct error *e);
	char *name, *arg;		/* for `then` */
};

/* Of a part that is here. NULL: it is not. `name` is what it is called while it is written. */
struct extract *extract_new(const struct message *m, const struct part *p, const char *name);
/* Takes x and the file. Then, in the UI's thread, x->then, which was told of what went
 * wrong. Leaving `owner` stops it;
 * NULL: it goes on. */
void extract_begin(struct ui *ui, struct view *owner, struct extract *x,
	const struct outfile *to, const char *what);
void extract_free(struct extract *x);	/* one that was not begun; NULL is fine */

#endif
