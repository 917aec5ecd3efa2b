/* mbox_lock.c - fcntl and dotlock together, as every program that shares an mbox expects.
 *
 * The dotlock first (it holds whatever file stands under the name), then fcntl on the file;
 * when the file was replaced while we waited we begin again with the new one. Where the directory is
 * not ours to write (/var/mail), fcntl alone must do. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mbox_reader.h"

enum { WAIT_MS = 5000, STEP_MS = 50, STALE_S = 300 };

static void
pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

/* A dotlock nobody has touched for minutes was left by a program that died. */
static bool
remove_stale(const char *dotlock)
{
	struct stat st;

	return stat(dotlock, &st) == 0 && time(NULL) - st.st_mtime > STALE_S && unlink(dotlock) == 0;
}

static enum err
take_dotlock(struct mbox_lock *l, int *left_ms, struct error *e)
{
	char *name = xasprintf("%s.lock", l->path), pid[32];

	for (;; *left_ms -= STEP_MS) {
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			int n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
			if (write(fd, pid, (size_t)n) != n)
				pid[0] = '\0';		/* an empty lock file is one too */
			close(fd);
			l->dotlock = name;
			return ERR_OK;
		}
		if (errno != EEXIST) {
			bool not_ours = errno == EACCES || errno == EPERM || errno == EROFS;
			enum err rc = not_ours ? ERR_OK
				: error_errno(e, ERR_LOCAL, "cannot lock '%s'", l->path);
			free(name);
			return rc;
		}
		if (*left_ms <= 0)
			break;
		if (!remove_stale(name))
			pause_ms(STEP_MS);
	}
	error_set(e, ERR_FOLDER, "another program has locked '%s' (%s)", l->path, name);
	free(name);
	return ERR_FOLDER;
}

static enum err
take_fcntl(int fd, const char *path, short type, int *left_ms, struct error *e)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		if (errno != EACCES && errno != EAGAIN)
			return error_errno(e, ERR_LOCAL, "cannot lock '%s'", path);
		if (*left_ms <= 0)
			return error_set(e, ERR_FOLDER, "another program has locked '%s'", path);
		pause_ms(STEP_MS);
		*left_ms -= STEP_MS;
	}
	return ERR_OK;
}

static bool
is_replaced(const struct mbox_lock *l)
{
	struct stat ours, named;

	return fstat(l->fd, &ours) < 0 || stat(l->path, &named) < 0 ||
		ours.st_ino != named.st_ino || ours.st_dev != named.st_dev;
}

enum err
mbox_lock(struct mbox_lock *l, const char *path, bool create, struct error *e)
{
	char real[PATH_MAX];
	int left_ms = WAIT_MS;
	enum err rc;

	*l = (struct mbox_lock){ .fd = -1, .path = xstrdup(realpath(path, real) ? real : path) };
	rc = take_dotlock(l, &left_ms, e);
	while (rc == ERR_OK) {
		l->fd = open(l->path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
		if (l->fd < 0) {
			rc = error_errno(e, ERR_LOCAL, "cannot open '%s' for writing", path);
			break;
		}
		rc = take_fcntl(l->fd, l->path, F_WRLCK, &left_ms, e);
		if (rc != ERR_OK || !is_replaced(l))
			break;
		close(l->fd);
		l->fd = -1;
	}
	if (rc != ERR_OK)
		mbox_unlock(l);
	return rc;
}

/* A file system without locks is read all the same. */
enum err
mbox_lock_shared(int fd, const char *path, struct error *e)
{
	int left_ms = WAIT_MS;
	enum err rc = take_fcntl(fd, path, F_RDLCK, &left_ms, e);

	return rc == ERR_FOLDER ? rc : ERR_OK;
}

void
mbox_unlock(struct mbox_lock *l)
{
	if (l->dotlock)
		unlink(l->dotlock);
	if (l->fd >= 0)
		close(l->fd);
	free(l->dotlock);
	free(l->path);
	*l = (struct mbox_lock){ .fd = -1 };
}
