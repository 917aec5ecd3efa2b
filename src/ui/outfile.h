/* outfile.h - files that leave the program: saved attachments, and private copies to open
 * with another program. Names from a mail pass path_safe_name; files are 0600, never through a
 * symlink, never over what is there (SECURITY 8, 20). */
#ifndef DUNLIN_UI_OUTFILE_H
#define DUNLIN_UI_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

/* Where to save what is proposed as `name`: `typed` with ~ expanded; a directory gets the name
 * behind it. Owned. */
char *outfile_path(const char *typed, const char *name);

/* Writes a new file. *exists: it was there already, nothing was done (ERR_LOCAL). */
enum err outfile_write(const char *path, const void *p, size_t n, bool *exists, struct error *e);

/* A copy for another program to open, in a private directory of its own; what is older than a
 * day there is removed. *path is owned. */
enum err outfile_temporary(char **path, const char *name, const void *p, size_t n, struct error *e);

#endif
