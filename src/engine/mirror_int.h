/* mirror_int.h - what the files of the mirror share: mirror.c,
 * mirror_open.c, mirror_fill.c. */
#ifndef DUNLIN_ENGINE_MIRROR_INT_H
#define DUNLIN_ENGINE_MIRROR_INT_H

#include "rows.h"

/* The UIDs in the index, read when a backend asks for them. */
struct known {
	struct worker *w;
	folder_id folder;
	struct uidset uids;
	bool is_read;
	enum err rc;
	struct error e;
};

/* ---- mirror_open.c ---- */
struct folder_known mirror_known(struct known *k);	/* of the open folder; k names it */
/* The end of a call that came to rc and may have asked. */
enum err mirror_known_end(struct known *k, enum err rc, struct error *e);
/* Takes in what was gathered: flags first, then absence. */
enum err mirror_gather_end(struct gather *g, enum err rc, struct error *e);
/* The one place that removes rows because the server does not have them
 * any more. May connect anew. */
enum err mirror_remove_gone(struct worker *w, folder_id id, const struct uidset *said,
	bool *changed, struct error *e);
/* What the server lets us do in the open folder, as it last said. */
enum err mirror_take_rights(struct worker *w, struct error *e);
/* the state of the open folder */
enum err mirror_save(struct worker *w, struct error *e);

/* ---- mirror_fill.c ---- */
/* on this connection; made if there is none */
struct fill *mirror_fill_of(struct worker *w, folder_id id);

#endif
