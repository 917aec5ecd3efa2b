/* bring.h - messages fetched as a whole, one after another, for something that is to be
 * done with all of them. It belongs to whoever waits, who hands it every event; nobody is
 * kept from anything meanwhile. */
#ifndef DUNLIN_UI_BRING_H
#define DUNLIN_UI_BRING_H

#include "view.h"

struct bring {
	msg_id *ids;
	size_t n, at;			/* those before `at` are here */
	job_id job;
};

enum bring_state {
	BRING_GOING,
	BRING_READY,			/* all are in the store: store_body_read(.., "", ..) */
	BRING_FAILED			/* and it was told */
};

/* Copies the ids, and begins. */
enum bring_state bring_start(struct bring *g, struct ui *ui, const msg_id *ids, size_t n);
/* BRING_GOING too for an event of somebody else's. */
enum bring_state bring_event(struct bring *g, struct ui *ui, const struct event *ev);
void bring_clear(struct bring *g);	/* zero is fine */

#endif
