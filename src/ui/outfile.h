/* outfile.h - files that leave the program: saved attachments, and private copies to open
 * with another program. Names from a mail pass path_safe_name; files are 0600, never through a
 * symlink, never over what is there (SECURITY 8, 20). */
#ifndef DUNLIN_UI_OUTFILE_H
#define DUNLIN_UI_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Where to save what is proposed as `name`: `typed` with ~ expanded; a directory gets the name
 * behind it. Owned. */
char *outfile_path(const char *typed, const char *name);

/* A file that is being written. From create to commit or abort, which close it; abort leaves
 * nothing of it, and does nothing after commit. Commit and writing: any thread. */
struct outfile {
	int fd;				/* -1: none */
	char *path, *tmp;		/* tmp: what will be renamed; NULL: written in place,
					 * or without a name */
};

/* A new file; with `replace` one that takes the place of what is there once it is whole and on
 * disk. *exists: it was there already, nothing was done (ERR_LOCAL). */
enum err outfile_create(struct outfile *o, const char *path, bool replace, bool *exists,
	struct error *e);
/* A copy for another program to open, in a private directory of its own; what is older than a
 * day there is removed. */
enum err outfile_temporary(struct outfile *o, const char *name, struct error *e);
/* One without a name, to be read from its beginning after commit, which leaves it open; about
 * `size` bytes: what is small is kept in memory. */
enum err outfile_unnamed(struct outfile *o, uint64_t size, struct error *e);
enum err outfile_commit(struct outfile *o, struct error *e);
void outfile_abort(struct outfile *o);	/* and after outfile_unnamed and commit: closes it */

#endif
