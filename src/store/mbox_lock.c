/* mbox_lock.c - fcntl and dotlock together, as every program that shares an mbox expects.
 *
 * The dotlock first (it holds whatever file stands under the name), then fcntl on the file;
 * when the file was replaced while we waited we begin again with the new one. Where the
 * directory is not ours to write (/var/mail), fcntl alone must do. */
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
#include "path.h"

enum { WAIT_MS = 5000, STEP_MS = 50, STALE_S = 300, NAME_BYTES = 256 };

/* ---- who holds it ---- */

/* As a dotlock tells it: a process id means something on its own host only. */
struct owner {
	long pid;			/* 0: not told */
	char host[NAME_BYTES];		/* "": this one */
};

/* Dovecot's form, "PID:host". */
static int
format_owner(char *out, size_t size)
{
	char host[NAME_BYTES] = "";

	if (gethostname(host, sizeof host - 1) < 0)
		host[0] = '\0';
	return snprintf(out, size, "%d:%s\n", (int)getpid(), host);
}

static void
read_owner(struct owner *o, int fd)
{
	char text[NAME_BYTES + 32] = "", here[NAME_BYTES] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	char *colon = n > 0 ? strchr(text, ':') : NULL;
	long pid = colon ? strtol(text, NULL, 10) : 0;

	*o = (struct owner){0};
	if (pid <= 1 || !colon[1] || colon[1] == '\n')
		return;
	colon[strcspn(colon, "\n")] = '\0';
	o->pid = pid;
	if (gethostname(here, sizeof here - 1) < 0 || strcmp(colon + 1, here) != 0)
		snprintf(o->host, sizeof o->host, "%s", colon + 1);
}

/* When the process began, in seconds of the wall clock; 0: unknown. */
static int64_t
began_at(long pid)
{
	char path[64], text[1024] = "";
	struct timespec wall, boot;
	unsigned long long ticks = 0;

	snprintf(path, sizeof path, "/proc/%ld/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
	if (fd >= 0)
		close(fd);
	/* behind the name: the 3rd field */
	char *field = n > 0 ? strrchr(text, ')') : NULL;
	for (int i = 2; field && i < 22; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, " %llu", &ticks) != 1 ||
	    clock_gettime(CLOCK_REALTIME, &wall) < 0 ||
	    clock_gettime(CLOCK_BOOTTIME, &boot) < 0)
		return 0;
	return wall.tv_sec - boot.tv_sec +
		(int64_t)(ticks / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* A process that is gone; or another has its number now, being younger than the lock (by
 * more than clocks are set). */
static bool
is_dead(const struct owner *o, int64_t locked_at)
{
	if (!o->pid || o->host[0])
		return false;
	if (kill((pid_t)o->pid, 0) < 0)
		return errno == ESRCH;
	return began_at(o->pid) > locked_at + STALE_S;
}

/* "mutt (process 4711)", "process 12 on host.example", "another program". */
static void
name_owner(char *out, size_t size, const struct owner *o)
{
	char path[64], name[64] = "";

	if (!o->pid) {
		snprintf(out, size, "another program");
	} else if (o->host[0]) {
		snprintf(out, size, "process %ld on %.100s", o->pid, o->host);
	} else {
		snprintf(path, sizeof path, "/proc/%ld/comm", o->pid);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;
		if (fd >= 0)
			close(fd);
		name[n > 0 ? strcspn(name, "\n") : 0] = '\0';
		snprintf(out, size, *name ? "%s (process %ld)" : "%sprocess %ld", name,
			o->pid);
	}
}

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
give_up(const struct patience *w, const char *path, const struct owner *o, const char *more,
	struct error *e)
{
	char name[NAME_BYTES];

	if (w->cancel && cancel_fired(w->cancel))
		return error_set(e, ERR_CANCELLED, "cancelled");
	name_owner(name, sizeof name, o);
	return error_set(e, ERR_FOLDER, "%s has locked '%s'%s", name, path, more);
}

/* ---- the dotlock ---- */

/* Left behind: its process is dead; or nobody it names could be asked, and it was not touched
 * for minutes. One of another host is for the person to judge. The fcntl lock stands between
 * two who find that out at the same moment. */
static bool
is_stale(const struct owner *o, const struct stat *st)
{
	return o->pid ? is_dead(o, st->st_mtime) : time(NULL) - st->st_mtime > STALE_S;
}

static bool
remove_stale(const char *dotlock, struct owner *o)
{
	struct stat st, named;
	int fd = open(dotlock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	*o = (struct owner){0};
	if (fd < 0)
		return errno == ENOENT;		/* gone: ours to take */
	read_owner(o, fd);
	bool goes = fstat(fd, &st) == 0 && is_stale(o, &st) &&
		lstat(dotlock, &named) == 0 && named.st_ino == st.st_ino;
	close(fd);
	return goes && unlink(dotlock) == 0;
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
	char *name = xasprintf("%s.lock", l->path), more[NAME_BYTES];
	struct owner o;
	enum err rc;

	for (;;) {
		if (create_dotlock(name) == 0) {
			l->dotlock = name;
			return ERR_OK;
		}
		if (errno != EEXIST) {
			bool not_ours = errno == EACCES || errno == EPERM || errno == EROFS;
			rc = not_ours
				? ERR_OK : error_errno(e, ERR_LOCAL, "cannot lock '%s'",
				l->path);
			break;
		}
		if (!remove_stale(name, &o) && !wait_a_little(w)) {
			const char *last = strrchr(name, '/');
			snprintf(more, sizeof more,
				" (with '%.150s': if that is left from a crash, remove it)",
				last ? last + 1 : name);
			rc = give_up(w, l->path, &o, o.pid && !o.host[0] ? "" : more, e);
			break;
		}
	}
	free(name);
	return rc;
}

/* ---- fcntl ---- */

static void
find_holder(struct owner *o, int fd)
{
	struct flock held = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	*o = (struct owner){0};
	if (fcntl(fd, F_OFD_GETLK, &held) == 0 && held.l_type != F_UNLCK && held.l_pid > 1)
		o->pid = held.l_pid;
}

static enum err
take_fcntl(int fd, const char *path, short type, struct patience *w, struct error *e)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };
	struct owner o;

	while (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		if (errno != EACCES && errno != EAGAIN)
			return error_errno(e, ERR_LOCAL, "cannot lock '%s'", path);
		if (wait_a_little(w))
			continue;
		find_holder(&o, fd);
		return give_up(w, path, &o, "", e);
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
	struct stat st;
	enum err rc;

	*l = (struct mbox_lock){ .fd = -1,
		.path = xstrdup(realpath(path, real) ? real : path) };
	rc = take_dotlock(l, &w, e);
	while (rc == ERR_OK) {
		l->fd = open(l->path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
		if (l->fd < 0) {
			rc = error_errno(e, ERR_LOCAL, "cannot open '%s' for writing", path);
			break;
		}
		if (fstat(l->fd, &st) == 0 && !S_ISREG(st.st_mode)) {
			rc = error_set(e, ERR_FOLDER, "'%s' is not a file", path);
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
	fd_close_locked(l->fd);
	free(l->dotlock);
	free(l->path);
	*l = (struct mbox_lock){ .fd = -1 };
}
