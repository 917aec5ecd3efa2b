/* hash.h - FNV-1a, 64 bits: what messages, threads and files are known by. What it gives is on
 * disk (maps, ledger, index): it never changes. Not meant to stand against who looks for two
 * texts of one hash; where that would matter, what was found is compared. */
#ifndef DUNLIN_HASH_H
#define DUNLIN_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Goes on from h with n more bytes. */
static inline uint64_t
hash_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * UINT64_C(0x100000001b3);
	return h;
}

static inline uint64_t
hash_string(const char *s)
{
	return hash_bytes(HASH_START, s, strlen(s));
}

#endif
