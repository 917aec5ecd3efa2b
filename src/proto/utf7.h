/* utf7.h - modified UTF-7, the encoding of mailbox names (RFC 3501 5.1.3). Pure. */
#ifndef DUNLIN_UTF7_H
#define DUNLIN_UTF7_H

#include <stdbool.h>

#include "str.h"

/* Appends the UTF-8 of a name; false, and nothing appended, when it
 * is not strictly encoded. */
bool utf7_decode(struct str *out, const char *wire);
/* Appends the encoding of UTF-8 text; invalid bytes become U+FFFD. */
void utf7_encode(struct str *out, const char *utf8);

#endif
