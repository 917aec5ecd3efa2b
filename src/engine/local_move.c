/* local_move.c - append, fsync, then remove.
 *
 * What is to be appended is first written, as it will stand in the mbox, to a spool beside the
 * maps; the journal is on disk before the first byte is appended, and gone after the last
 * removal (local_journal.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local_journal.h"
#include "local_move.h"
#include "log.h"
#include "path.h"
#include "str.h"

/* ---- into the spool ---- */

static enum err
spool_add(struct join *j, const struct mbox_source *src, uint32_t flags, int64_t arrived,
	const char *sender, struct error *e)
{
	struct mbox_encoded out;
	enum err rc = mbox_encode_at(j->spool, src, flags, arrived, sender, &out, e);

	if (rc != ERR_OK)
		return rc;
	j->n_bytes = out.end;
	j->hashes = array_grow(j->hashes, j->n_hashes, &j->cap_hashes, sizeof *j->hashes);
	j->hashes[j->n_hashes++] = out.hash;
	return ERR_OK;
}

static enum err
to_file(void *ctx, const void *p, size_t n, struct error *e)
{
	return fd_write_all(*(int *)ctx, p, n, e);
}

static enum err
from_file(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	ssize_t got;

	do {
		got = read(*(int *)ctx, buf, size);
	} while (got < 0 && errno == EINTR);
	*n = got < 0 ? 0 : (size_t)got;
	return got < 0 ? error_errno(e, ERR_LOCAL, "cannot read") : ERR_OK;
}

static bool
take_arrived(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	(void)head;
	(void)n_head;
	*(int64_t *)ctx = m->arrived;
	return false;
}

/* Through a temporary file: it may be as large as the disk allows. */
static enum err
spool_message(struct join *j, const struct map *m, const struct map_entry *msg, int tmp,
	struct error *e)
{
	struct mbox_source src = { &tmp, from_file };
	int64_t arrived = 0;
	char sender[MBOX_SENDER] = "";
	enum err rc = mbox_heads(m->path, &msg->pos, 1, take_arrived, &arrived,
		j->maps->cancel, e);

	if (rc == ERR_OK)
		rc = mbox_sender(m->path, msg->pos, sender, e);
	if (rc == ERR_OK && (ftruncate(tmp, 0) < 0 || lseek(tmp, 0, SEEK_SET) < 0))
		rc = error_errno(e, ERR_LOCAL, "cannot write a temporary file");
	if (rc == ERR_OK)
		rc = mbox_read(m->path, msg->pos, msg->hash, to_file, &tmp, e);
	if (rc == ERR_OK && lseek(tmp, 0, SEEK_SET) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot read");
	return rc == ERR_OK ? spool_add(j, &src, msg->flags, arrived, sender, e) : rc;
}

static enum err
spool_messages(struct join *j, const struct map *m, const struct uidset *uids,
	struct uid_map *map, struct error *e)
{
	int tmp = open(j->maps->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	enum err rc = tmp < 0 ? error_errno(e, ERR_LOCAL, "cannot make a temporary file")
		: ERR_OK;

	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *msg = map_find(m, uid);
		if (!msg)
			continue;
		rc = spool_message(j, m, msg, tmp, e);
		map->from[map->n++] = uid;
		j->v = array_grow(j->v, j->n, &j->cap, sizeof *j->v);
		j->v[j->n++] = (struct moved){ .pos = msg->pos, .hash = msg->hash };
	}
	if (tmp >= 0)
		close(tmp);
	return rc;
}

/* ---- what of the source is moved, and how many like it there are ---- */

static void
count_same(struct join *j, const struct map *m)
{
	join_sort_moved(j);
	for (size_t i = 0; i < m->n; i++) {
		struct moved *k = join_find_moved(j, m->v[i].hash);
		if (k)
			k->n_same++;
	}
	for (size_t i = 1; i < j->n; i++) {
		if (j->v[i].hash == j->v[i - 1].hash)
			j->v[i].n_same = j->v[i - 1].n_same;
	}
}

/* The source is held from before the append until after the removal, so that of two who move
 * the same message one finds it gone, and not both have appended it. */
struct removal {
	struct mbox_change *v;
	size_t n;
	struct mbox_lock *held;
};

static enum err
hold_source(struct join *j, struct removal *r, struct error *e)
{
	*r = (struct removal){ .v = xcalloc(j->n, sizeof *r->v), .n = j->n };
	for (size_t i = 0; i < j->n; i++)
		r->v[i] = (struct mbox_change){ j->v[i].pos, j->v[i].hash, 0, true };
	local_sort_changes(r->v, r->n);
	return mbox_hold(&r->held, j->from, r->v, r->n, j->maps->cancel, e);
}

static void
release_source(struct removal *r)
{
	mbox_release(r->held);
	free(r->v);
	*r = (struct removal){0};
}

/* There is no way back: until they are gone from the source, the messages stand in
 * both, and the journal says so. */
static enum err
remove_held(struct join *j, struct removal *r, struct map *m, const struct uidset *uids,
	struct error *e)
{
	struct mbox_stamp stamp = m->stamp;
	bool was_rewritten;
	enum err rc = mbox_change_held(r->held, r->v, r->n, &stamp, &was_rewritten, e);

	release_source(r);
	if (rc == ERR_FOLDER)
		return error_set(e, ERR_LOCAL, "moved, but not yet taken out of '%s'",
			j->from);
	return rc == ERR_OK ? map_removed(m, uids, &stamp, e) : rc;
}

/* ---- the whole way ---- */

/* What was appended are the first messages behind the old end that have these hashes. */
static enum err
find_arrived(struct join *j, uint32_t *uids, struct error *e)
{
	struct map m;
	size_t k = 0;

	map_init(&m, j->to, j->maps);
	enum err rc = map_update(&m, e);
	for (size_t i = 0; rc == ERR_OK && i < m.n && k < j->n_hashes; i++) {
		if (m.v[i].pos >= j->before && m.v[i].hash == j->hashes[k])
			uids[k++] = m.v[i].uid;
	}
	if (rc == ERR_OK && k < j->n_hashes)
		rc = error_set(e, ERR_FOLDER, "'%s' was changed by another program", j->to);
	map_clear(&m);
	return rc;
}

static enum err
join(struct join *j, struct error *e)
{
	if (fsync(j->spool) < 0)
		return error_errno(e, ERR_LOCAL, "cannot write '%s'", j->spool_path);
	enum err rc = mbox_join(j->to, j->spool, j->n_bytes, journal_write, j,
		j->maps->cancel, e);
	struct mbox_stamp now;
	/* Cut back, durably: as if nothing had been begun, so that
	 * nothing is finished later. */
	if (rc != ERR_OK && mbox_stamp(&now, j->to, NULL) == ERR_OK &&
	    now.size_bytes == j->before && mbox_settle(j->to, NULL) == ERR_OK) {
		journal_remove(j);
		j->is_begun = false;
	}
	return rc;
}

/* Where they went is not told, when somebody moved them on meanwhile. */
static size_t
tell_arrived(struct join *j, uint32_t *uids)
{
	if (find_arrived(j, uids, NULL) == ERR_OK)
		return j->n_hashes;
	log_msg("'%s' was changed by another program", j->to);
	return 0;
}

/* Everything up to the first byte in the destination. ERR_MSG: the source was
 * changed by another program. */
static enum err
prepare(struct join *j, struct map *m, const struct uidset *uids, struct uid_map *map,
	struct removal *r, struct error *e)
{
	enum err rc = map_update(m, e);
	uint64_t n_uids = uidset_count(uids);
	size_t cap = n_uids < m->n ? (size_t)n_uids : m->n;

	if (rc == ERR_OK)
		rc = join_open_spool(j, O_CREAT | O_TRUNC, e);
	*map = (struct uid_map){ .from = xcalloc(cap + 1, sizeof *map->from),
		.to = xcalloc(cap + 1, sizeof *map->to) };
	if (rc == ERR_OK)
		rc = spool_messages(j, m, uids, map, e);
	if (rc != ERR_OK || j->n == 0)
		return rc == ERR_FOLDER ? ERR_MSG : rc;
	count_same(j, m);
	return j->from ? hold_source(j, r, e) : ERR_OK;
}

static enum err
transfer(struct map *m, const struct uidset *uids, const char *to, bool is_move,
	struct uid_map *map, struct error *e)
{
	struct removal r = {0};
	struct join j;

	join_init(&j, m->maps);
	j.from = is_move ? m->path : NULL;
	j.to = to;
	enum err rc = prepare(&j, m, uids, map, &r, e);
	if (rc == ERR_OK && j.n > 0)
		rc = join(&j, e);
	if (rc == ERR_OK && j.n > 0 && is_move)
		rc = remove_held(&j, &r, m, uids, e);
	release_source(&r);
	if (rc == ERR_OK && j.n > 0) {
		journal_remove(&j);
		map->n = tell_arrived(&j, map->to);
	}
	if (rc != ERR_OK)
		uid_map_clear(map);
	join_clear(&j);
	return rc;
}

enum err
local_transfer(struct map *m, const struct uidset *uids, const char *to, bool is_move,
	struct uid_map *map, struct error *e)
{
	enum err rc = maps_enter(m->maps, e);

	*map = (struct uid_map){0};
	if (rc != ERR_OK)
		return rc;
	rc = local_move_finish(m->maps, e);
	if (rc == ERR_OK)
		rc = transfer(m, uids, to, is_move, map, e);
	if (rc == ERR_MSG) {		/* looked at once more */
		map_distrust(m);
		rc = transfer(m, uids, to, is_move, map, e);
	}
	maps_leave(m->maps);
	return rc == ERR_MSG
		? error_set(e, ERR_FOLDER, "'%s' is changed all the time", m->path) : rc;
}

enum err
local_deliver(struct maps *maps, const char *to, const struct mbox_source *src, uint32_t flags,
	int64_t arrived, uint32_t *uid, struct error *e)
{
	struct join j;
	uint32_t found = 0;
	enum err rc = maps_enter(maps, e);

	*uid = 0;
	if (rc != ERR_OK)
		return rc;
	join_init(&j, maps);
	j.to = to;
	rc = local_move_finish(maps, e);
	if (rc == ERR_OK)
		rc = join_open_spool(&j, O_CREAT | O_TRUNC, e);
	if (rc == ERR_OK)
		rc = spool_add(&j, src, flags, arrived, NULL, e);
	if (rc == ERR_OK)
		rc = join(&j, e);
	if (rc == ERR_OK) {
		journal_remove(&j);
		*uid = tell_arrived(&j, &found) ? found : 0;
	} else if (j.is_begun) {
		log_msg("will be delivered later: %s", e ? e->text : "");
		/* as one that is tried again would be delivered twice */
		rc = ERR_OK;
	}
	join_clear(&j);
	maps_leave(maps);
	return rc;
}
