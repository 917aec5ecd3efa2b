/* local_move.h - messages from one mbox to another, so that a crash in the middle is finished
 * at the next start. */
#ifndef DUNLIN_LOCAL_MOVE_H
#define DUNLIN_LOCAL_MOVE_H

#include "backend.h"
#include "local_map.h"

/* Copies the messages to the mbox at `to`, and with is_move removes them from m's. *map says
 * where they went. m is up to date afterwards. */
enum err local_transfer(struct map *m, const struct uidset *uids, const char *to,
	const char *map_dir, bool is_move, struct uid_map *map, const struct cancel *cancel,
	struct error *e);

/* Finishes a move that was cut in two: what has arrived is removed where it came from. */
enum err local_move_finish(const char *map_dir, struct error *e);

/* The UID of the message at `pos` of an mbox. */
enum err local_uid_at(const char *path, const char *map_dir, uint64_t pos, uint32_t *uid,
	const struct cancel *cancel, struct error *e);

void local_sort_changes(struct mbox_change *c, size_t n);

#endif
