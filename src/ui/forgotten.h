/* forgotten.h - whether a text speaks of an attachment. */
#ifndef DUNLIN_UI_FORGOTTEN_H
#define DUNLIN_UI_FORGOTTEN_H

#include <stdbool.h>

/* What is quoted, forwarded or the signature does not count. */
bool forgotten_attachment(const char *text);

#endif
