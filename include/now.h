/* now.h - the clock that pauses and deadlines are measured by.
 *
 * CLOCK_MONOTONIC: nobody can set it, and it stands still while the computer sleeps. Its zero
 * is when the computer started, so a reading means nothing elsewhere. From any thread; cannot
 * fail. */
#ifndef DUNLIN_NOW_H
#define DUNLIN_NOW_H

#include <stdint.h>

int64_t now_ms(void);
int64_t now_us(void);

#endif
