/* local.c - mbox files behind the calls of backend.h: connecting,
 * waiting, and the table of calls.
 *
 * Whatever another program did to the file in the meantime is taken in (map_update) before
 * anything is done, and once more when the file turns out to have changed under us. What is
 * appended or moved goes by way of a journal (local_move.c), so that a crash loses nothing
 * and doubles nothing. A header is read where the map says it stands; only what the map
 * does not know is scanned. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "local_int.h"
#include "local_move.h"
#include "log.h"
#include "path.h"
#include "str.h"

enum { LOOK_MS = 1000 };

/* ---- connecting ---- */

static enum err
local_connect(struct backend *b, const struct backend_login *login, struct error *e)
{
	struct local *l = local_self(b);
	enum err rc = ERR_OK;

	(void)login;
	/* Perhaps a disk that is not mounted: an empty directory in its place would take
	 * the other half of a message. */
	if (local_move_is_pending(&l->maps) && access(l->cfg.dir, F_OK) < 0)
		return error_set(e, ERR_LOCAL,
			"'%s' is gone, and something was being moved there: "
			"bring it back, or make an empty directory there to go on without it",
			l->cfg.dir);
	rc = path_mkdirs(l->cfg.dir, e);
	if (rc == ERR_OK)
		rc = path_mkdirs(l->cfg.map_dir, e);
	b->caps = CAP_WAIT | CAP_DELTA | CAP_NEAR;
	if (!l->cfg.read_only)
		b->caps |= CAP_FLAGS | CAP_MOVE | CAP_DELETE | CAP_FOLDERS | CAP_APPEND |
			CAP_UIDMAP;
	if (rc == ERR_OK)
		local_finish(l);
	return rc;
}

void
local_finish(struct local *l)
{
	struct error e = {0};

	if (!l->cfg.read_only && local_move_finish(&l->maps, &e) != ERR_OK)
		log_msg("not finished: %s", e.text);
}

static void
local_describe(struct backend *b, struct str *out)
{
	str_printf(out, "mbox files in %s", local_self(b)->cfg.dir);
}

static void
local_close(struct backend *b, int ms)
{
	struct local *l = local_self(b);

	(void)ms;
	if (!l)
		return;
	ahead_stop(&l->ahead);
	map_clear(&l->map);
	maps_clear(&l->maps);
	free(l->wire);
	free((char *)l->cfg.dir);
	free((char *)l->cfg.inbox);
	free((char *)l->cfg.map_dir);
	free(l);
}

/* ---- waiting ---- */

static bool
has_changed(const struct local *l)
{
	struct mbox_stamp now;

	return l->wire && (l->map.has_news || (mbox_stamp(&now, l->map.path, NULL) == ERR_OK &&
		!mbox_stamp_is_same(&now, &l->map.stamp)));
}

/* The file, and, for one that is not there yet, its directory: where dotlocks come and go. */
static int
watch(const struct local *l)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char *dir = l->wire ? xstrdup(l->map.path) : NULL, *slash = dir ? strrchr(dir,
		'/') : NULL;

	if (slash)
		slash[slash == dir] = '\0';
	if (fd >= 0 && l->wire && inotify_add_watch(fd, l->map.path,
	    IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF) < 0 && slash &&
	    inotify_add_watch(fd, dir, IN_CREATE | IN_MOVED_TO) < 0)
		log_msg("cannot watch '%s'", l->map.path);
	free(dir);
	return fd;
}

static void
drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof events) > 0)
		;
}

/* Besides being told we look by ourselves: a change over NFS is told to nobody. */
static enum err
local_wait(struct backend *b, int timeout_ms, int wake, int *what, struct error *e)
{
	struct local *l = local_self(b);
	int fd = watch(l);
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN },
		{ .fd = wake, .events = POLLIN },
		{ .fd = cancel_fd(l->cancel), .events = POLLIN } };
	enum err rc = ERR_OK;

	*what = 0;
	/* What changed before the watch stood is seen by the stamp. */
	for (int left_ms = timeout_ms; left_ms > 0 && !has_changed(l); left_ms -= LOOK_MS) {
		int n = poll(p, 3, left_ms < LOOK_MS ? left_ms : LOOK_MS);
		if (n < 0 && errno != EINTR)
			rc = error_errno(e, ERR_LOCAL, "cannot wait");
		if (rc != ERR_OK || (n > 0 && (p[1].revents || p[2].revents)))
			break;
		if (n > 0)
			drain(fd);
	}
	if (p[1].revents)
		*what |= WAIT_WOKEN;
	if (has_changed(l))
		*what |= WAIT_CHANGED;
	if (fd >= 0)
		close(fd);
	return p[2].revents ? error_set(e, ERR_CANCELLED, "cancelled") : rc;
}

/* The engine's index of words (words.c) serves better than reading all files anew. */
static enum err
local_search(struct backend *b, const struct uidset *uids, const char *words,
	struct uidset *out, struct error *e)
{
	(void)b, (void)uids, (void)words, (void)out;
	return error_set(e, ERR_UNSUPPORTED, "mbox files are not searched by themselves");
}

static const struct backend_ops local_ops = {
	.connect = local_connect, .describe = local_describe, .folders = local_folders,
	.folder_create = local_folder_create, .folder_rename = local_folder_rename,
	.folder_delete = local_folder_delete, .wire_name = local_wire_name,
	.status = local_status, .open = local_open, .changes = local_changes,
	.uids = local_uids, .newest = local_newest, .headers = local_headers,
	.structure = local_structure, .fetch = local_fetch, .set_flags = local_set_flags,
	.move = local_move, .copy = local_copy, .expunge = local_expunge,
	.append = local_append, .find = local_find, .arrivals = local_arrivals,
	.search = local_search, .wait = local_wait, .close = local_close,
};

struct backend *
local_new(const struct local_config *cfg, struct cancel *cancel)
{
	struct local *l = xcalloc(1, sizeof *l);

	l->b.ops = &local_ops;
	l->cfg = *cfg;
	l->cfg.dir = xstrdup(cfg->dir);
	l->cfg.inbox = xstrdup(cfg->inbox);
	l->cfg.map_dir = xstrdup(cfg->map_dir);
	l->cancel = cancel;
	maps_init(&l->maps, cfg->map_dir, cancel);
	l->maps.root = l->cfg.dir;
	return &l->b;
}
