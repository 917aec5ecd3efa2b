/* log.h - the debug log (-d FILE): good enough to debug from, never a secret in it.
 *
 * Off until log_open. One process-wide file behind a mutex; any thread. Callers pass
 * no credential and no mail text; protocol lines come through log_wire, which masks
 * what follows LOGIN, AUTHENTICATE, AUTH and PASS, and SASL continuations, and what of
 * it a server repeats (hide.h). */
#ifndef DUNLIN_LOG_H
#define DUNLIN_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Appended to; 0600 whether it is new or not. ERR_LOCAL: also when
 * the file is somebody else's. */
enum err log_open(const char *path, struct error *e);
void log_close(void);
bool log_on(void);
void log_msg(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line of a conversation, `who` being 'C' or 'S'. Cleaned, cut at 200 columns. */
void log_wire(char who, const char *line, size_t n);

#endif
