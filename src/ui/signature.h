/* signature.h - what stands at the end of a message: `signature` and
 * `signature-command` of its account. */
#ifndef DUNLIN_UI_SIGNATURE_H
#define DUNLIN_UI_SIGNATURE_H

#include "view.h"

/* "-- ", and below it the signature of the account that `from` is of; "" when it has
 * none. `runs`: its command is run, with the terminal, where it is a command; else
 * that counts as none. Owned. */
char *signature_of(struct ui *ui, const char *from, bool runs);
/* Puts it at the end of a text; "" nothing. */
void signature_add(struct str *text, const char *signature);
/* Where the text ends in `old`, `new` stands there instead. False: it does
 * not, and nothing is changed. */
bool signature_replace(struct str *text, const char *old, const char *by);

#endif
