/* path.h - our directories, and files that are whole or absent.
 *
 * Everything made here is private to the user: directories 0700, files 0600 (SECURITY 20).
 * Names that came from a server or a mail never become part of a path, except through
 * path_safe_name. Any thread. */
#ifndef DUNLIN_PATH_H
#define DUNLIN_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* The three places. XDG_CONFIG_HOME, XDG_DATA_HOME and XDG_CACHE_HOME, with "/dunlin"
 * behind; a relative or empty value counts as unset. */
struct dirs {
	char *config, *data, *cache;
};

enum err dirs_find(struct dirs *d, struct error *e);	/* finds; makes nothing */
void dirs_clear(struct dirs *d);

char *path_join(const char *dir, const char *name);	/* owned */
char *path_expand(const char *path);			/* leading ~/ ; owned */
/* 0700, all that are missing, and durably */
enum err path_mkdirs(const char *path, struct error *e);
/* The same for a directory that nobody else may look into or put anything into:
 * one that was there before is made 0700, and one of somebody else is an error,
 * also behind a symbolic link. */
enum err path_private(const char *path, struct error *e);

/* Writes path.tmp, fsync, rename, fsync of the directory: after a crash the old content
 * or the new, never a mixture. A symlink is followed to its target. */
enum err file_write_atomic(const char *path, const void *p, size_t n, struct error *e);

/* fsync of the directory that holds `path`: what makes a rename or a new name durable. */
enum err path_sync_dir_of(const char *path, struct error *e);
/* The same of all directories above it that belong to us. */
enum err path_sync_dirs_above(const char *path, struct error *e);

/* Reads a whole file of at most `max` bytes; *out is owned and NUL-terminated. */
enum err file_read(char **out, size_t *len, const char *path, size_t max, struct error *e);

/* write(2) until done; EINTR is not an error. */
enum err fd_write_all(int fd, const void *p, size_t n, struct error *e);
enum err fd_pwrite_all(int fd, const void *p, size_t n, uint64_t at, struct error *e);
/* fdatasync. All three name the file in what they say. */
enum err fd_sync(int fd, struct error *e);
/* Closes what was locked as a whole or in part (flock, F_OFD_SETLK), and lets go before: a
 * child that another thread just forked has the descriptor, and the lock with it, until
 * its exec. Negative is fine. */
void fd_close_locked(int fd);

/* A file name for an attachment: the base name, valid UTF-8, no control or bidi character,
 * no leading '.' or '-', no '/', at most 150 bytes with the extension kept;
 * "attachment" when nothing is left. Owned. */
char *path_safe_name(const char *foreign);

#endif
