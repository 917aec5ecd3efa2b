/* local_map.h - which UID each message of an mbox has, kept over restarts.
 *
 * lifetime: loaded when the folder is opened, brought up to date with the file (map_update),
 * and written as far as it changed: flags over themselves, new messages behind the others, all
 * anew only when the mbox was rewritten. Losing the file costs the UIDs: the mailbox then
 * counts as rebuilt (a new UIDVALIDITY). 24 bytes a message, in memory too.
 *
 * Several processes may have the same maps open (two Dunlins on one account): what is on disk
 * is the truth, told apart by its generation, and only who is between maps_enter and
 * maps_leave reads or writes it. */
#ifndef DUNLIN_LOCAL_MAP_H
#define DUNLIN_LOCAL_MAP_H

#include "cancel.h"
#include "mbox.h"
#include "uidset.h"

/* The directory of an account's maps, and the lock on all of it. */
struct maps {
	char *dir;
	const char *root;		/* the account's mboxes; NULL: not told. Borrowed */
	const struct cancel *cancel;	/* ends scans and waiting */
	int fd, depth;			/* fd -1: not opened yet */
};

void maps_init(struct maps *s, const char *dir, const struct cancel *cancel);
void maps_clear(struct maps *s);
/* The part of the path behind the root, borrowed from it; NULL: it lies elsewhere. */
const char *maps_below_root(const struct maps *s, const char *path);
/* Nests. ERR_FOLDER when another dunlin does not come to an end; ERR_CANCELLED. */
enum err maps_enter(struct maps *s, struct error *e);
void maps_leave(struct maps *s);

struct map_entry {
	uint64_t pos, hash;
	uint32_t uid, flags;		/* flags as in the file, MBOX_OLD too */
};

struct map {
	struct maps *maps;
	char *path, *file;		/* the mbox; where the map is kept */
	struct mbox_stamp stamp;	/* of the mbox when the map was true */
	uint32_t uidvalidity, uidnext, n_unread;
	uint64_t generation;		/* of what is on disk; grows with every change */
	struct map_entry *v;		/* ascending by uid */
	size_t n, cap;
	bool is_loaded, is_current;	/* read from disk; true for the file as it was then */
	bool has_news;			/* a look found what others did, and it is not told
					 * yet: our own changes look, too */
	/* what changed since generation `since` */
	uint64_t since;
	struct uidset changed, gone;
};

void map_init(struct map *m, const char *mbox_path, struct maps *maps);
void map_clear(struct map *m);

/* Reads the kept map, if any and if it is another than we have. Cheap: no scan. */
enum err map_load(struct map *m, struct error *e);
struct map_counts {
	uint32_t uidvalidity, uidnext, n_msgs, n_unread;
	uint64_t generation;
};
/* The head of the kept map alone, when it is true for the file as it is: at no
 * cost that grows with it. The messages are read by map_update, when they are
 * needed. False: m is as it was. */
bool map_peek(struct map *m, struct map_counts *out);
/* Makes it true: nothing to do when the file is as it was; scans what was appended; else scans
 * all and finds the messages again by their hashes. */
enum err map_update(struct map *m, struct error *e);
/* Takes in what mbox_change did to the mbox, without looking at it: new flags (in
 * the same order as the UIDs ascend), or removal. `stamp` is what mbox_change gave;
 * all 0: map_update will look. */
enum err map_marked(struct map *m, const struct uidset *uids, const uint32_t *flags,
	const struct mbox_stamp *stamp, struct error *e);
enum err map_removed(struct map *m, const struct uidset *uids, const struct mbox_stamp *stamp,
	struct error *e);

/* What it says of the file is wrong though the stamp is the same: all is looked at anew. */
void map_distrust(struct map *m);

/* All changes were told: only later ones are remembered. */
void map_told(struct map *m);

/* Counts of a map on disk that is true, without reading it. False: there is none. */
bool map_counts(struct map_counts *out, const char *mbox_path, const struct maps *maps);

/* The mbox goes by another name from now on (to NULL: it is gone). */
void map_rename(const struct maps *maps, const char *from_path, const char *to_path);

/* The UID that a message at pos gets in a file never seen before: a function of the position
 * alone, so that the newest can be shown before the rest is known. */
uint32_t map_first_uid(uint64_t pos, uint64_t file_size);
struct map_entry *map_find(const struct map *m, uint32_t uid);	/* NULL: none */

/* ---- between local_map.c and local_match.c; all of it between
 * maps_enter and maps_leave ---- */

void map_read(struct map *m);		/* what is on disk; begun anew when there is nothing */
enum err map_save_whole(struct map *m, struct error *e);
/* The entries of these UIDs, and those from index `from` on; else whole. */
enum err map_save_changed(struct map *m, const struct uidset *uids, size_t from,
	struct error *e);
void map_count_unread(struct map *m);

#endif
