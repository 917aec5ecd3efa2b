/* opening.h - what is signed and encrypted in a message of the store, looked at beside the
 * keys (gnupg.h). */
#ifndef DUNLIN_UI_OPENING_H
#define DUNLIN_UI_OPENING_H

#include "gnupg.h"
#include "work.h"

/* `then` gets what was found, NULL with an error in e, and keeps it; not called when `owner`
 * is gone. With `asks` the person is asked for a passphrase where one is needed, on this
 * terminal with the screen put aside where there is no window for it. All of the message must
 * be here. */
void opening_begin(struct ui *ui, struct view *owner, msg_id id, bool asks,
	void (*then)(struct view *owner, msg_id id, struct opened *o, const struct error *e));

/* What is larger is fetched to be opened, or only checked, when the person asks for it. */
enum { OPENING_FETCHES = 8 << 20, OPENING_FETCHES_SIGNED = 1 << 20 };

/* gnupg_how.go_on of a task. */
bool opening_go_on(void *task);

#endif
