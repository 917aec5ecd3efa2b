/* resend.h - sending somebody's mail on as it is ("bounce"): asked once, fetched where it is
 * not here while the person does other things, then put into the outbox one after another. */
#ifndef DUNLIN_UI_RESEND_H
#define DUNLIN_UI_RESEND_H

#include "view.h"

/* Asks whether to; `to` as typed. The owner's question goes with it. */
void resend_ask(struct ui *ui, struct view *owner, const msg_id *ids, size_t n,
	const char *to);
void resend_event(struct ui *ui, const struct event *ev);
bool resend_work(struct ui *ui);		/* a slice; true: there is more */
/* messages that were asked for and are not in the outbox yet */
size_t resend_waiting(const struct ui *ui);
void resend_free(struct ui *ui);

#endif
