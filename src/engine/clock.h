/* clock.h - hears that the computer slept, or that its clock was set. For one thread. */
#ifndef DUNLIN_ENGINE_CLOCK_H
#define DUNLIN_ENGINE_CLOCK_H

#include <stdint.h>

#include "err.h"

struct clock_watch {
	int fd;				/* -1: not open */
	int64_t asleep_ms;		/* so long in all, as last looked at */
};
enum clock_news { CLOCK_GOES_ON, CLOCK_WAS_SET, CLOCK_SLEPT };

enum err clock_watch_init(struct clock_watch *c, struct error *e);
void clock_watch_clear(struct clock_watch *c);
/* To be called when `fd` is readable; any time else is fine. */
enum clock_news clock_watch_news(struct clock_watch *c);

#endif
