/* hide.h - what must not be printed, whoever says it: servers repeat in their
 * refusals what they were sent.
 *
 * Beside the debug log the only state of the process that is not handed around; any thread. */
#ifndef DUNLIN_HIDE_H
#define DUNLIN_HIDE_H

#include "str.h"

enum { HIDE_MIN_BYTES = 6 };		/* what is shorter would blot out words of ours */

/* Remembers a password, or a form of it that goes over the wire. The last
 * 32 are known. NULL is fine. */
void hide_add(const char *secret);
/* Each of them in the text becomes "***": called by error_set and log_wire. */
void hide_mask(struct str *text);
/* Wipes and forgets them all. */
void hide_clear(void);

#endif
