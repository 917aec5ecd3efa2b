/* local_ahead.h - summaries of an mbox made in a thread of their own
 * before they are asked for.
 *
 * Who fills an index asks for slice after slice, downwards. While one is written to the index,
 * the headers of the next are read and parsed here. The thread reads the file only; all calls
 * are of the worker's thread, and each waits until it has ended. What it made counts only
 * while the map is of the same generation, for flags and places are those of that moment. */
#ifndef DUNLIN_LOCAL_AHEAD_H
#define DUNLIN_LOCAL_AHEAD_H

#include <pthread.h>

#include "backend.h"
#include "local_map.h"

/* A message whose summary is to be told, and where it ends. */
struct wanted {
	struct map_entry entry;
	uint64_t end_pos;
};

/* Tells those; sorts v by position. */
enum err local_tell_wanted(const char *path, struct wanted *v, size_t n,
	const struct folder_sink *sink, const struct cancel *cancel, struct error *e);
/* The entry as it is wanted. */
struct wanted local_wanted(const struct map *m, const struct map_entry *v);

struct ahead {				/* all zero: nothing was made */
	uint32_t lowest;		/* of what was last asked for */
	pthread_t thread;
	bool is_running;
	uint64_t generation;
	/* the thread's own while it runs */
	char *path;
	const struct cancel *cancel;
	struct wanted *v;
	size_t n_wanted;
	struct arena arena;
	struct msg *made;		/* UIDs in their ids */
	size_t n_made;
};

/* Tells what was made of these UIDs, and takes it out of them. */
void ahead_tell(struct ahead *a, const struct map *m, struct uidset *uids,
	const struct folder_sink *sink);
/* These were told: when they follow downwards on those before, the
 * next as many are begun with. */
void ahead_begin(struct ahead *a, const struct map *m, const struct uidset *told);
/* Ends it, and forgets what it made: the file is about to be changed,
 * or another folder opened. */
void ahead_stop(struct ahead *a);

#endif
