/* when.h - a time as people type it, and as they read it before they say yes. Pure but for the
 * zone of the environment (TZ); "now" is an argument. */
#ifndef DUNLIN_UI_WHEN_H
#define DUNLIN_UI_WHEN_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* "18:30", "tomorrow 9:00", "mon 8:00", "24 dec 18:00", "2026-12-24 18:00", "in 2 hours",
 * "+1h30m": seconds since 1970, in the zone we are in. A day without a time is 9:00, a weekday
 * the next of its name. ERR_MSG, and how to say it: nothing of this, past, five years ahead
 * and more, or an hour that the clocks leave out on that day. */
enum err when_parse(int64_t *out, const char *text, int64_t now, struct error *e);

/* "Tue 24 Nov 2026, 09:00 CET (in 14 h)". */
void when_format(char *out, size_t size, int64_t when, int64_t now);
/* In ten columns: "Tue 09:00" within six days, else "24 Nov", or with
 * the year "2027-01-03". */
void when_short(char *out, size_t size, int64_t when, int64_t now);

#endif
