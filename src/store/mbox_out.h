/* mbox_out.h - what is written to an mbox, gathered into large writes.
 *
 * For whoever has the file locked, or one that nobody else knows. The first error ends it:
 * what was gathered is dropped, what was written stays. */
#ifndef DUNLIN_MBOX_OUT_H
#define DUNLIN_MBOX_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "str.h"

enum { OUT_BYTES = 256 * 1024 };	/* a write */

struct out {
	int fd;				/* borrowed */
	struct str buf;			/* owned: str_clear */
	bool is_new;			/* written from its start: the disk may begin
					 * with it */
	off_t written, begun;		/* of a new one */
};

/* n bytes went past it into the file. */
void out_wrote(struct out *o, size_t n);

enum err out_flush(struct out *o, struct error *e);
enum err out_add(struct out *o, const char *p, size_t n, struct error *e);
/* Both headers with room for every letter, so that later changes are made in place. */
enum err out_status(struct out *o, uint32_t flags, struct error *e);

#endif
