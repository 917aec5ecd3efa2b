/* path.c - directories and files of ours. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "str.h"
#include "utf8.h"

enum { MAX_NAME_BYTES = 150, MAX_EXTENSION_BYTES = 16 };

static const char *
home(void)
{
	const char *h = getenv("HOME");

	if (h && h[0] == '/')
		return h;
	struct passwd *pw = getpwuid(getuid());
	return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

char *
path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	return xasprintf("%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
}

char *
path_expand(const char *path)
{
	const char *h = home();

	if (path[0] == '~' && (path[1] == '/' || path[1] == '\0') && h)
		return xasprintf("%s%s", h, path + 1);
	return xstrdup(path);
}

static char *
xdg_dir(const char *variable, const char *below_home)
{
	const char *v = getenv(variable);

	if (v && v[0] == '/')
		return path_join(v, "dunlin");
	return home() ? xasprintf("%s/%s/dunlin", home(), below_home) : NULL;
}

enum err
dirs_find(struct dirs *d, struct error *e)
{
	d->config = xdg_dir("XDG_CONFIG_HOME", ".config");
	d->data = xdg_dir("XDG_DATA_HOME", ".local/share");
	d->cache = xdg_dir("XDG_CACHE_HOME", ".cache");
	if (d->config && d->data && d->cache)
		return ERR_OK;
	dirs_clear(d);
	return error_set(e, ERR_LOCAL, "no home directory: set HOME");
}

void
dirs_clear(struct dirs *d)
{
	free(d->config);
	free(d->data);
	free(d->cache);
	*d = (struct dirs){0};
}

enum err
path_mkdirs(const char *path, struct error *e)
{
	char *p = xstrdup(path);
	enum err rc = ERR_OK;

	for (char *slash = p + 1; rc == ERR_OK; slash++) {
		slash = strchrnul(slash, '/');
		bool is_last = !*slash;
		*slash = '\0';
		bool is_new = mkdir(p, 0700) == 0;
		if (!is_new && errno != EEXIST)
			rc = error_errno(e, ERR_LOCAL, "cannot make the directory '%s'", p);
		else if (is_new)
			rc = path_sync_dir_of(p, e);
		if (is_new && rc != ERR_OK)
			rmdir(p);		/* so that the next try syncs again */
		if (is_last)
			break;
		*slash = '/';
	}
	struct stat st;
	if (rc == ERR_OK && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
		rc = error_set(e, ERR_LOCAL, "'%s' is not a directory", path);
	free(p);
	return rc;
}

/* Root may write everywhere and still be led astray; so "ours" means the very same user. */
enum err
path_private(const char *path, struct error *e)
{
	struct stat link, st;
	enum err rc = path_mkdirs(path, e);

	if (rc != ERR_OK)
		return rc;
	if (lstat(path, &link) < 0 || stat(path, &st) < 0)
		return error_errno(e, ERR_LOCAL, "cannot look at '%s'", path);
	bool is_own_link = link.st_uid == geteuid() || link.st_uid == 0;
	if (!is_own_link || st.st_uid != geteuid())
		return error_set(e, ERR_LOCAL,
			"'%s' belongs to somebody else: nothing is kept there", path);
	if ((st.st_mode & 077) && chmod(path, 0700) < 0)
		return error_errno(e, ERR_LOCAL, "others can look into '%s'", path);
	return ERR_OK;
}

/* By name, where it has one: whose disk is full shall know which. */
static enum err
cannot_write(int fd, struct error *e)
{
	char link[64], name[PATH_MAX];
	int why = errno;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, name, sizeof name - 1);
	name[n > 0 && name[0] == '/' ? n : 0] = '\0';
	errno = why;
	return *name
		? error_errno(e, ERR_LOCAL, "cannot write '%s'", name)
		: error_errno(e, ERR_LOCAL, "cannot write");
}

void
fd_close_locked(int fd)
{
	struct flock none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (fd < 0)
		return;
	flock(fd, LOCK_UN);
	fcntl(fd, F_OFD_SETLK, &none);
	close(fd);
}

enum err
fd_write_all(int fd, const void *p, size_t n, struct error *e)
{
	const char *c = p;

	while (n > 0) {
		ssize_t done = write(fd, c, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return cannot_write(fd, e);
		c += done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

/* A write that falls short is tried again, since only then it is told why. */
enum err
fd_pwrite_all(int fd, const void *p, size_t n, uint64_t at, struct error *e)
{
	const char *c = p;

	while (n > 0) {
		ssize_t done = pwrite(fd, c, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return cannot_write(fd, e);
		c += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

enum err
fd_sync(int fd, struct error *e)
{
	return fdatasync(fd) < 0 ? cannot_write(fd, e) : ERR_OK;
}

enum err
path_sync_dir_of(const char *path, struct error *e)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err rc = ERR_OK;

	if (fd < 0 || fsync(fd) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot sync the directory of '%s'", path);
	if (fd >= 0)
		close(fd);
	free(copy);
	return rc;
}

/* Those that are ours only: the others are older than anything we made. */
enum err
path_sync_dirs_above(const char *path, struct error *e)
{
	char *p = xstrdup(path), *slash;
	struct stat st;
	enum err rc = ERR_OK;

	while (rc == ERR_OK && (slash = strrchr(p, '/')) && slash > p) {
		*slash = '\0';
		if (stat(p, &st) < 0 || st.st_uid != geteuid() || access(p, R_OK) < 0)
			break;
		int fd = open(p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd) < 0)
			rc = error_errno(e, ERR_LOCAL, "cannot sync the directory '%s'", p);
		if (fd >= 0)
			close(fd);
	}
	free(p);
	return rc;
}

enum err
file_write_atomic(const char *path, const void *p, size_t n, struct error *e)
{
	char target[PATH_MAX];
	if (!realpath(path, target)) {
		if (strlen(path) >= sizeof target)
			return error_set(e, ERR_LOCAL, "the path is too long");
		strcpy(target, path);
	}
	char *tmp = xasprintf("%s.XXXXXX", target);
	enum err rc;
	int fd = mkostemp(tmp, O_CLOEXEC);

	if (fd < 0) {
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", path);
		goto out;
	}
	rc = fd_write_all(fd, p, n, e);
	if (rc == ERR_OK && fsync(fd) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", path);
	if (close(fd) < 0 && rc == ERR_OK)
		rc = error_errno(e, ERR_LOCAL, "cannot write '%s'", path);
	if (rc == ERR_OK && rename(tmp, target) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot replace '%s'", path);
	if (rc == ERR_OK)
		rc = path_sync_dir_of(target, e);
	else
		unlink(tmp);
out:
	free(tmp);
	return rc;
}

enum err
file_read(char **out, size_t *len, const char *path, size_t max, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct str s = {0};
	char buf[65536];
	ssize_t n;

	*out = NULL;
	*len = 0;
	if (fd < 0)
		return error_errno(e, ERR_LOCAL, "cannot open '%s'", path);
	while ((n = read(fd, buf, sizeof buf)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || s.len + (size_t)n > max)
			break;
		str_add(&s, buf, (size_t)n);
	}
	enum err rc = n == 0 ? ERR_OK
		: n < 0 ? error_errno(e, ERR_LOCAL, "cannot read '%s'", path)
		: error_set(e, ERR_LOCAL, "'%s' is larger than %zu bytes", path, max);
	close(fd);
	if (rc == ERR_OK) {
		*len = s.len;
		*out = str_take(&s);
	}
	str_clear(&s);
	return rc;
}

/* Cuts in the middle of the name, so that what kind of file it is stays to be seen. */
static void
shorten(struct str *name)
{
	if (name->len <= MAX_NAME_BYTES)
		return;
	char *dot = strrchr(name->data, '.');
	char *ext = dot && strlen(dot) <= MAX_EXTENSION_BYTES ? xstrdup(dot) : xstrdup("");
	size_t keep = MAX_NAME_BYTES - strlen(ext);
	while (keep > 0 && (name->data[keep] & 0xc0) == 0x80)
		keep--;
	str_cut(name, keep);
	str_puts(name, ext);
	free(ext);
}

char *
path_safe_name(const char *foreign)
{
	struct str clean = {0}, name = {0};

	text_clean(&clean, foreign, strlen(foreign), CLEAN_LINE);
	const char *base = str_get(&clean);
	for (const char *c = base; *c; c++) {
		if (*c == '/' || *c == '\\')
			base = c + 1;
	}
	while (*base == '.' || *base == '-' || *base == ' ')
		base++;
	for (; *base; base++) {
		if (str_starts(base, "\xef\xbf\xbd")) {		/* what text_clean put */
			str_putc(&name, '_');
			base += 2;
		} else {
			str_putc(&name, *base == ':' ? '_' : *base);
		}
	}
	while (name.len > 0 && name.data[name.len - 1] == ' ')
		str_cut(&name, name.len - 1);
	shorten(&name);
	str_clear(&clean);
	if (name.len == 0)
		str_puts(&name, "attachment");
	return str_take(&name);
}
