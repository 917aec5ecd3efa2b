/* outfile.c - O_EXCL decides whether a file is new, not a look beforehand. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "outfile.h"
#include "path.h"
#include "str.h"

enum { DAY_S = 86400 };

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

enum err
outfile_write(const char *path, const void *p, size_t n, bool *exists, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	*exists = fd < 0 && errno == EEXIST;
	if (fd < 0)
		return error_errno(e, ERR_LOCAL, "cannot save '%s'", path);
	enum err rc = fd_write_all(fd, p, n, e);
	if (close(fd) < 0 && rc == ERR_OK)
		rc = error_errno(e, ERR_LOCAL, "cannot save '%s'", path);
	if (rc != ERR_OK)
		unlink(path);
	return rc;
}

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

enum err
outfile_temporary(char **path, const char *name, const void *p, size_t n, struct error *e)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct dirs dirs = { 0 };
	char *base = NULL, *dir = NULL;
	bool exists;
	enum err rc;

	*path = NULL;
	if (runtime && *runtime == '/')
		base = path_join(runtime, "dunlin");
	else if ((rc = dirs_find(&dirs, e)) != ERR_OK)
		goto out;
	else
		base = path_join(dirs.cache, "open");
	if ((rc = path_private(base, e)) != ERR_OK)
		goto out;
	remove_old(base);
	dir = path_join(base, "open-XXXXXX");
	if (!mkdtemp(dir)) {
		rc = error_errno(e, ERR_LOCAL, "cannot make a directory in '%s'", base);
		goto out;
	}
	*path = path_join(dir, name);
	if ((rc = outfile_write(*path, p, n, &exists, e)) != ERR_OK) {
		free(*path);
		*path = NULL;
		remove_dir(dir);
	}
out:
	dirs_clear(&dirs);
	free(base);
	free(dir);
	return rc;
}
