/* outfile.c - O_EXCL decides whether a file is new, not a look beforehand. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "outfile.h"
#include "path.h"
#include "str.h"

enum { DAY_S = 86400, MIN_NAMELESS_BYTES = 1 << 20 };

char *
outfile_path(const char *typed, const char *name)
{
	char *path = path_expand(typed);
	struct stat st;
	size_t n = strlen(path);

	if ((n > 0 && path[n - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
		char *in_dir = path_join(path, name);
		free(path);
		path = in_dir;
	}
	return path;
}

/* ---- one file ---- */

/* Beside what it will replace, be that named by a symlink. */
static enum err
create_beside(struct outfile *o, const char *path, struct error *e)
{
	char target[PATH_MAX];

	o->path = xstrdup(realpath(path, target) ? target : path);
	o->tmp = xasprintf("%s.XXXXXX", o->path);
	o->fd = mkostemp(o->tmp, O_CLOEXEC);
	return o->fd < 0 ? error_errno(e, ERR_LOCAL, "cannot save '%s'", path) : ERR_OK;
}

enum err
outfile_create(struct outfile *o, const char *path, bool replace, bool *exists,
	struct error *e)
{
	enum err r = ERR_OK;

	*o = (struct outfile){ .fd = -1 };
	*exists = false;
	if (replace) {
		r = create_beside(o, path, e);
	} else {
		o->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		*exists = o->fd < 0 && errno == EEXIST;
		if (o->fd < 0)
			r = error_errno(e, ERR_LOCAL, "cannot save '%s'", path);
		else
			o->path = xstrdup(path);
	}
	if (r != ERR_OK)
		outfile_abort(o);
	return r;
}

static void
forget(struct outfile *o)
{
	free(o->path);
	free(o->tmp);
	o->path = o->tmp = NULL;
}

enum err
outfile_commit(struct outfile *o, struct error *e)
{
	enum err r = ERR_OK;

	if (!o->path)
		return lseek(o->fd, 0, SEEK_SET) < 0
			? error_errno(e, ERR_LOCAL, "cannot hand over the text") : ERR_OK;
	if (o->tmp && fsync(o->fd) < 0)
		r = error_errno(e, ERR_LOCAL, "cannot save '%s'", o->path);
	if (close(o->fd) < 0 && r == ERR_OK)
		r = error_errno(e, ERR_LOCAL, "cannot save '%s'", o->path);
	o->fd = -1;
	if (r == ERR_OK && o->tmp && rename(o->tmp, o->path) < 0)
		r = error_errno(e, ERR_LOCAL, "cannot replace '%s'", o->path);
	if (r != ERR_OK)
		unlink(o->tmp ? o->tmp : o->path);
	else if (o->tmp)
		r = path_sync_dir_of(o->path, e);
	forget(o);
	return r;
}

void
outfile_abort(struct outfile *o)
{
	if (o->fd >= 0) {
		close(o->fd);
		if (o->path)
			unlink(o->tmp ? o->tmp : o->path);
	}
	o->fd = -1;
	forget(o);
}

/* ---- for other programs ---- */

/* Removes the files in dir, and dir itself. */
static void
remove_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *x;

	while (d && (x = readdir(d)))
		unlinkat(dirfd(d), x->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

static void
remove_old(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *x;
	struct stat st;

	while (d && (x = readdir(d))) {
		if (!str_starts(x->d_name, "open-") || fstatat(dirfd(d), x->d_name, &st,
			AT_SYMLINK_NOFOLLOW) < 0 || st.st_mtime > time(NULL) - DAY_S)
			continue;
		char *dir = path_join(base, x->d_name);
		remove_dir(dir);
		free(dir);
	}
	if (d)
		closedir(d);
}

static enum err
open_base(char **base, struct error *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct dirs dirs = { 0 };
	enum err r = ERR_OK;

	*base = NULL;
	if (runtime && *runtime == '/')
		*base = path_join(runtime, "dunlin");
	else if ((r = dirs_find(&dirs, e)) == ERR_OK)
		*base = path_join(dirs.cache, "open");
	dirs_clear(&dirs);
	return r == ERR_OK ? path_private(*base, e) : r;
}

enum err
outfile_temporary(struct outfile *o, const char *name, struct error *e)
{
	char *base, *dir = NULL, *path;
	bool exists;
	enum err r = open_base(&base, e);

	*o = (struct outfile){ .fd = -1 };
	if (r != ERR_OK)
		goto out;
	remove_old(base);
	dir = path_join(base, "open-XXXXXX");
	if (!mkdtemp(dir)) {
		r = error_errno(e, ERR_LOCAL, "cannot make a directory in '%s'", base);
		goto out;
	}
	path = path_join(dir, name);
	if ((r = outfile_create(o, path, false, &exists, e)) != ERR_OK)
		remove_dir(dir);
	free(path);
out:
	free(base);
	free(dir);
	return r;
}

/* Not where the runtime directory is: that is memory, mostly. */
static enum err
open_nameless(int *fd, struct error *e)
{
	struct dirs dirs = { 0 };
	enum err r = dirs_find(&dirs, e);

	if (r == ERR_OK)
		r = path_private(dirs.cache, e);
	if (r == ERR_OK) {
		char *tmp = path_join(dirs.cache, "pipe-XXXXXX");
		*fd = mkostemp(tmp, O_CLOEXEC);
		if (*fd < 0)
			r = error_errno(e, ERR_LOCAL, "cannot write to '%s'", dirs.cache);
		else
			unlink(tmp);
		free(tmp);
	}
	dirs_clear(&dirs);
	return r;
}

enum err
outfile_unnamed(struct outfile *o, uint64_t size, struct error *e)
{
	*o = (struct outfile){ .fd = -1 };
	if (size >= MIN_NAMELESS_BYTES)
		return open_nameless(&o->fd, e);
	o->fd = memfd_create("dunlin", MFD_CLOEXEC);
	return o->fd < 0 ? error_errno(e, ERR_LOCAL, "cannot hand over the text") : ERR_OK;
}
