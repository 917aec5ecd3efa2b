/* mbox_lock.c - fcntl and dotlock together, as every program that shares an mbox expects.
 *
 * The dotlock first (it holds whatever file stands under the name), then fcntl on the file;
 * when the file was replaced while we waited we begin again with the new one. Where the directory is
 * not ours to write (/var/mail), fcntl alone must do. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mbox_reader.h"

enum { WAIT_MS = 5000, STEP_MS = 50, STALE_S = 300, NAME_BYTES = 256 };

/* ---- waiting ---- */

struct patience {
	const struct cancel *cancel;	/* may be NULL */
	int left_ms;
};

/* False when there is none left, or it was cancelled. */
static bool
wait_a_little(struct patience *w)
{
	struct pollfd p = { .fd = w->cancel ? cancel_fd(w->cancel) : -1, .events = POLLIN };

	w->left_ms -= STEP_MS;
	return w->left_ms >= 0 && poll(&p, 1, STEP_MS) <= 0;
}

static enum err
give_up(const struct patience *w, const char *path, const char *why, struct error *e)
{
	if (w->cancel && cancel_fired(w->cancel))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return error_set(e, ERR_FOLDER, "another program has locked '%s'%s", path, why);
}

/* ---- the dotlock ---- */

/* Who holds it, as Dovecot writes it: a process id means something on its own host only. */
static int
format_owner(char *out, size_t size)
{
	char host[NAME_BYTES] = "";

	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	return snprintf(out, size, "%d:%s\n", (int)getpid(), host);
}

static bool
is_owner_dead(int fd)
{
	char text[NAME_BYTES + 32] = "", host[NAME_BYTES] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	char *colon = n > 0 ? strchr(text, ':') : NULL;
	long pid = colon ? strtol(text, NULL, 10) : 0;

	if (pid <= 1 || gethostname(host, sizeof host - 1) < 0 || !host[0])
		return false;
	colon[strcspn(colon, "\n")] = '\0';
	return strcmp(colon + 1, host) == 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/* One whose process is dead, or that nobody has touched for minutes, was left behind. The
 * fcntl lock stands between two who find that out at the same moment. */
static bool
remove_stale(const char *dotlock)
{
	struct stat st, named;
	int fd = open(dotlock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool is_stale = fd >= 0 && fstat(fd, &st) == 0 &&
		(time(NULL) - st.st_mtime > STALE_S || is_owner_dead(fd)) &&
		lstat(dotlock, &named) == 0 && named.st_ino == st.st_ino;

	if (fd >= 0)
		close(fd);
	return is_stale && unlink(dotlock) == 0;
}

static void
write_owner(int fd)
{
	char owner[NAME_BYTES + 32];
	int n = format_owner(owner, sizeof owner);

	if (write(fd, owner, (size_t)n) != n)
		return;			/* an empty lock file is one too */
}

/* Makes the file with its content in it, so that one who dies in between leaves none that says
 * nothing of its owner. 0, or -1 and errno. */
static int
create_dotlock(const char *name)
{
	char *dir = xstrdup(name), *slash = strrchr(dir, '/'), self[64];
	int rc = -1;

	if (slash)
		slash[slash == dir] = '\0';
	int fd = open(slash ? dir : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	free(dir);
	if (fd >= 0) {
		write_owner(fd);
		snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
		rc = linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
		int why = errno;
		close(fd);
		errno = why;
		if (rc == 0 || why == EEXIST)
			return rc;
	}
	/* Not every file system knows files without a name. */
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	write_owner(fd);
	close(fd);
	return 0;
}

static enum err
take_dotlock(struct mbox_lock *l, struct patience *w, struct error *e)
{
	char *name = xasprintf("%s.lock", l->path);
	enum err rc;

	for (;;) {
		if (create_dotlock(name) == 0) {
			l->dotlock = name;
			return ERR_OK;
		}
		if (errno != EEXIST) {
			bool not_ours = errno == EACCES || errno == EPERM || errno == EROFS;
			rc = not_ours ? ERR_OK : error_errno(e, ERR_LOCAL, "cannot lock '%s'", l->path);
			break;
		}
		if (!remove_stale(name) && !wait_a_little(w)) {
			rc = give_up(w, l->path, " (with a .lock file)", e);
			break;
		}
	}
	free(name);
	return rc;
}

/* ---- fcntl ---- */

static enum err
take_fcntl(int fd, const char *path, short type, struct patience *w, struct error *e)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		if (errno != EACCES && errno != EAGAIN)
			return error_errno(e, ERR_LOCAL, "cannot lock '%s'", path);
		if (!wait_a_little(w))
			return give_up(w, path, "", e);
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
mbox_lock(struct mbox_lock *l, const char *path, bool create, const struct cancel *cancel,
	struct error *e)
{
	char real[PATH_MAX];
	struct patience w = { cancel, WAIT_MS };
	enum err rc;

	*l = (struct mbox_lock){ .fd = -1, .path = xstrdup(realpath(path, real) ? real : path) };
	rc = take_dotlock(l, &w, e);
	while (rc == ERR_OK) {
		l->fd = open(l->path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
		if (l->fd < 0) {
			rc = error_errno(e, ERR_LOCAL, "cannot open '%s' for writing", path);
			break;
		}
		rc = take_fcntl(l->fd, l->path, F_WRLCK, &w, e);
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
mbox_lock_shared(int fd, const char *path, const struct cancel *cancel, struct error *e)
{
	struct patience w = { cancel, WAIT_MS };
	enum err rc = take_fcntl(fd, path, F_RDLCK, &w, e);

	return rc == ERR_LOCAL ? ERR_OK : rc;
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
