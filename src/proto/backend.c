/* backend.c - what all backends share. */
#include <stdlib.h>
#include <string.h>

#include "backend.h"

void
uid_map_clear(struct uid_map *m)
{
	free(m->from);
	free(m->to);
	memset(m, 0, sizeof *m);
}
