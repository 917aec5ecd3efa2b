/* unpack.h - compressed mbox files, unpacked once. */
#ifndef DUNLIN_CLI_UNPACK_H
#define DUNLIN_CLI_UNPACK_H

#include "err.h"
#include "path.h"

/* *out is where the content of a gzip file is to be read: a private file in the cache
 * directory, which is made anew when the original's stamp is another; owned. NULL: `path`
 * is not compressed. How far it is is told on a terminal. ERR_FOLDER: damaged, or
 * compressed in a way we do not know. */
enum err unpack(char **out, const char *path, const struct dirs *d, struct error *e);

#endif
