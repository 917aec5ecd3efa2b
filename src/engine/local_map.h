/* local_map.h - which UID each message of an mbox has, kept over restarts.
 *
 * lifetime: loaded when the folder is opened, brought up to date with the file (map_update), written
 * whole through a rename when anything changed. Losing the file costs the UIDs: the mailbox then
 * counts as rebuilt (a new UIDVALIDITY). */
#ifndef DUNLIN_LOCAL_MAP_H
#define DUNLIN_LOCAL_MAP_H

#include "cancel.h"
#include "mbox.h"
#include "uidset.h"

struct map_entry {
	uint64_t pos, hash;
	uint32_t uid, flags;		/* flags as in the file, MBOX_OLD too */
};

struct map {
	char *path, *file;		/* the mbox; where the map is kept */
	struct mbox_stamp stamp;	/* of the mbox when the map was true */
	uint32_t uidvalidity, uidnext;
	struct map_entry *v;		/* ascending by uid */
	size_t n, cap;
	bool is_loaded, is_current;	/* read from disk; true for the file as it is */
};

void map_init(struct map *m, const char *mbox_path, const char *map_dir);
void map_clear(struct map *m);

/* Reads the kept map, if any, and the stamp of the file. Cheap: no scan. */
enum err map_load(struct map *m, struct error *e);
/* Makes it true: nothing to do when the file is as it was; scans what was appended; else scans
 * all and finds the messages again by their hashes. */
enum err map_update(struct map *m, const struct cancel *cancel, struct error *e);

/* The UID that a message at pos gets in a file never seen before: a function of the position
 * alone, so that the newest can be shown before the rest is known. */
uint32_t map_first_uid(uint64_t pos, uint64_t file_size);
const struct map_entry *map_find(const struct map *m, uint32_t uid);	/* NULL: none */

#endif
