/* bell.c - one process tells the others on the same store that it has committed something.
 *
 * Whoever listens binds a datagram socket in cache/bells, and whoever commits sends a byte to
 * each that is there. So a process that is alone does nothing but read an empty directory,
 * nobody polls, and nothing runs out as inotify does. Nothing is said but "look": the store is
 * what tells. A socket that a dead process left is removed by the next who rings. Missing a
 * ring costs time and nothing else. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "path.h"
#include "store_db.h"

enum { MAX_BELLS = 256 };		/* rung at once, whatever fills the directory */

struct bell {
	int fd;
	char *path;
};

/* Names are short, the directory's path need not be: it is named by its descriptor. */
static bool
address(struct sockaddr_un *to, int dir, const char *name)
{
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	int n = snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d/%s", dir, name);

	return n > 0 && (size_t)n < sizeof to->sun_path;
}

static bool
is_ours(const char *name)
{
	char *end;

	return strtol(name, &end, 10) == getpid() && *end == '.';
}

static void
ring_one(int fd, int dir, const char *name)
{
	struct sockaddr_un to;
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	if (!address(&to, dir, name))
		return;
	if (sendto(fd, "", 1, flags, (struct sockaddr *)&to, sizeof to) < 0 &&
	    errno == ECONNREFUSED)
		unlinkat(dir, name, 0);		/* nobody listens there any more */
}

static void
ring_all(int fd, DIR *bells)
{
	const struct dirent *entry;

	for (int n = 0; n < MAX_BELLS && (entry = readdir(bells)) != NULL;) {
		if (*entry->d_name == '.' || is_ours(entry->d_name))
			continue;
		ring_one(fd, dirfd(bells), entry->d_name);
		n++;
	}
}

void
bell_ring(struct store *s)
{
	if (s->bell_fd < 0)
		s->bell_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	DIR *bells = s->bell_fd >= 0 ? opendir(s->bells_dir) : NULL;
	if (!bells)				/* nobody ever listened */
		return;
	ring_all(s->bell_fd, bells);
	closedir(bells);
}

static enum err
listen_in(struct bell *b, DIR *bells, const char *path, struct error *e)
{
	struct sockaddr_un here;
	uint32_t r = 0;
	char name[32];

	if (getrandom(&r, sizeof r, GRND_NONBLOCK) < 0)
		r = 0;				/* the process's number is its own as well */
	snprintf(name, sizeof name, "%ld.%08x", (long)getpid(), r);
	b->path = path_join(path, name);
	b->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->fd < 0 || !address(&here, dirfd(bells), name) ||
	    bind(b->fd, (struct sockaddr *)&here, sizeof here) < 0)
		return error_errno(e, ERR_LOCAL, "cannot listen in '%s'", path);
	return ERR_OK;
}

enum err
bell_open(struct bell **out, const struct store *s, struct error *e)
{
	struct bell *b = xcalloc(1, sizeof *b);
	DIR *bells = NULL;

	*out = NULL;
	b->fd = -1;
	enum err rc = path_private(s->bells_dir, e);
	if (rc == ERR_OK && !(bells = opendir(s->bells_dir)))
		rc = error_errno(e, ERR_LOCAL, "cannot read '%s'", s->bells_dir);
	if (rc == ERR_OK)
		rc = listen_in(b, bells, s->bells_dir, e);
	if (rc == ERR_OK) {
		*out = b;
		b = NULL;
	}
	if (bells)
		closedir(bells);
	bell_close(b);
	return rc;
}

int
bell_fd(const struct bell *b)
{
	return b->fd;
}

bool
bell_heard(struct bell *b)
{
	char c;
	bool has_rung = false;

	while (recv(b->fd, &c, sizeof c, MSG_DONTWAIT) >= 0 || errno == EINTR)
		has_rung = true;
	return has_rung;
}

void
bell_close(struct bell *b)
{
	if (!b)
		return;
	if (b->fd >= 0)
		close(b->fd);
	if (b->path)
		unlink(b->path);
	free(b->path);
	free(b);
}

int64_t
store_version(const struct store *s)
{
	return db_int(s, "PRAGMA main.data_version", "") * 0x100000000 + db_int(s,
		"PRAGMA ix.data_version", "");
}
