/* query_value.h - days and sizes as people write them in a query. Pure. */
#ifndef DUNLIN_MODEL_QUERY_VALUE_H
#define DUNLIN_MODEL_QUERY_VALUE_H

#include <stdbool.h>
#include <stdint.h>

struct days {
	int64_t from, until;		/* seconds since 1970 UTC; until is no more of it */
};

/* 2026, 2026-01, 2026-01-31, with '-' or '/'; today, yesterday, 3d, 2w, 6m, 1y: the day that
 * was so long ago. Days begin at midnight of the TZ in force. */
bool query_days(const char *s, int64_t now, struct days *out);

/* 20k, 1M, 2.5M, 300: bytes, in steps of 1024. */
bool query_bytes(const char *s, int64_t *out);

#endif
