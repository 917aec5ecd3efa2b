/* local_move.h - messages into an mbox, from elsewhere or from another mbox, so that a crash
 * in the middle is finished at the next start.
 *
 * All here is done between maps_enter and maps_leave, which these
 * functions call themselves. */
#ifndef DUNLIN_LOCAL_MOVE_H
#define DUNLIN_LOCAL_MOVE_H

#include "backend.h"
#include "local_map.h"

/* Copies the messages to the mbox at `to`, and with is_move removes them from m's. *map says
 * where they went. m is up to date before and afterwards. ERR_LOCAL also when they have
 * arrived and could not yet be removed: they stand in both until local_move_finish. */
enum err local_transfer(struct map *m, const struct uidset *uids, const char *to, bool is_move,
	struct uid_map *map, struct error *e);

/* Appends one; *uid is what it got, 0: not known. ERR_OK also when it will be appended by
 * local_move_finish for certain. */
enum err local_deliver(struct maps *maps, const char *to, const struct mbox_source *src,
	uint32_t flags, int64_t arrived, uint32_t *uid, struct error *e);

/* Whether something was cut in two, or is being moved just now by another process. Cheap. */
bool local_move_is_pending(const struct maps *maps);

/* What was cut in two by a crash: whatever should have arrived stands in its mbox once and
 * whole, and nowhere else if it was moved. */
enum err local_move_finish(struct maps *maps, struct error *e);

/* By position, as mbox_change wants them; n > 0. */
void local_sort_changes(struct mbox_change *c, size_t n);

#endif
