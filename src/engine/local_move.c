/* local_move.c - append, fsync, then remove.
 *
 * What is to be appended is first written, as it will stand in the mbox, to a spool beside the maps;
 * the journal (the two files, the length of the destination before, and where each message was) is on disk
 * before the first byte is appended, and gone after the last removal. So whatever a dead process left
 * in the destination is known by comparison with the spool (mbox_join_again), and whether it had
 * removed the messages from the source by how many of that header there were: they go all at once.
 * Mboxes are named in the journal as they lie below the account's directory, which a person may move. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local_move.h"
#include "log.h"
#include "path.h"
#include "str.h"

enum { MAX_JOURNAL_BYTES = 256 << 20 };

static const char journal_magic[] = "dunlin-join-1";

struct join {
	struct maps *maps;
	char *spool_path, *journal_path;
	const char *from, *to;		/* from NULL: nothing is to be removed */
	char *own_from, *own_to;	/* of a journal that was read */
	int spool;
	bool is_begun;			/* the journal is on disk: whatever happens, it will be done */
	uint64_t before, n_bytes;
	struct moved {
		uint64_t pos, hash;	/* in the source */
		uint32_t n_same;	/* messages with that hash in the source, before */
	} *v;
	size_t n, cap;
	uint64_t *hashes;		/* as they will stand in the destination */
	size_t n_hashes, cap_hashes;
};

static void
join_init(struct join *j, struct maps *maps)
{
	*j = (struct join){ .maps = maps, .spool = -1 };
	j->spool_path = path_join(maps->dir, "move.spool");
	j->journal_path = path_join(maps->dir, "move.journal");
}

static void
join_clear(struct join *j)
{
	if (j->spool >= 0)
		close(j->spool);
	free(j->spool_path);
	free(j->journal_path);
	free(j->own_from);
	free(j->own_to);
	free(j->v);
	free(j->hashes);
}

static enum err
open_spool(struct join *j, int how, struct error *e)
{
	j->spool = open(j->spool_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | how, 0600);
	return j->spool < 0 ? error_errno(e, ERR_LOCAL, "cannot open '%s'", j->spool_path) : ERR_OK;
}

/* ---- the journal ---- */

/* "./Trash" for what lies below the account's directory. */
static const char *
short_name(const struct join *j, const char *path, char **own)
{
	const char *below = maps_below_root(j->maps, path);

	free(*own);
	*own = below ? xasprintf("./%s", below) : xstrdup(path);
	return *own;
}

static char *
long_name(const struct join *j, const char *name)
{
	return strncmp(name, "./", 2) == 0 ? path_join(j->maps->root, name + 2) : xstrdup(name);
}

static enum err
write_journal(void *ctx, uint64_t before, struct error *e)
{
	struct join *j = ctx;
	struct str s = {0};
	char *from = NULL, *to = NULL;

	j->before = before;
	str_printf(&s, "%s\n%s\n%s\n%" PRIu64 " %" PRIu64 "\n", journal_magic,
		j->from ? short_name(j, j->from, &from) : "-", short_name(j, j->to, &to), before, j->n_bytes);
	for (size_t i = 0; i < j->n; i++)
		str_printf(&s, "%" PRIu64 " %016" PRIx64 " %" PRIu32 "\n", j->v[i].pos, j->v[i].hash,
			j->v[i].n_same);
	str_puts(&s, "end\n");
	enum err rc = file_write_atomic(j->journal_path, str_get(&s), s.len, e);
	j->is_begun = rc == ERR_OK;
	str_clear(&s);
	free(from);
	free(to);
	return rc;
}

static bool
parse_journal(struct join *j, char *text)
{
	char *save, *word = strtok_r(text, "\n", &save), *from, *to;
	struct moved m;

	if (!word || strcmp(word, journal_magic) != 0)
		return false;
	from = strtok_r(NULL, "\n", &save);
	to = strtok_r(NULL, "\n", &save);
	word = strtok_r(NULL, "\n", &save);
	if (!word || sscanf(word, "%" SCNu64 " %" SCNu64, &j->before, &j->n_bytes) != 2)
		return false;
	if (strcmp(from, "-") != 0)
		j->from = j->own_from = long_name(j, from);
	j->to = j->own_to = long_name(j, to);
	while ((word = strtok_r(NULL, "\n", &save)) &&
	    sscanf(word, "%" SCNu64 " %" SCNx64 " %" SCNu32, &m.pos, &m.hash, &m.n_same) == 3) {
		j->v = array_grow(j->v, j->n, &j->cap, sizeof *j->v);
		j->v[j->n++] = m;
	}
	return word && strcmp(word, "end") == 0;
}

/* The journal first: a spool alone means nothing. Durably: it must not come back, after a power cut, to what a
 * person has done since. What cannot be removed is looked at again the next time, and found done. */
static void
remove_journal(struct join *j)
{
	if ((unlink(j->journal_path) < 0 && errno != ENOENT) || path_sync_dir_of(j->journal_path, NULL) != ERR_OK)
		log_msg("cannot remove '%s'", j->journal_path);
	else if (unlink(j->spool_path) < 0 && errno != ENOENT)
		log_msg("cannot remove '%s'", j->spool_path);
}

/* ---- into the spool ---- */

static enum err
spool_add(struct join *j, const struct mbox_source *src, uint32_t flags, int64_t arrived,
	struct error *e)
{
	struct mbox_encoded out;
	enum err rc = mbox_encode_at(j->spool, src, flags, arrived, &out, e);

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
	enum err rc = mbox_heads(m->path, &msg->pos, 1, take_arrived, &arrived, j->maps->cancel, e);

	if (rc == ERR_OK && (ftruncate(tmp, 0) < 0 || lseek(tmp, 0, SEEK_SET) < 0))
		rc = error_errno(e, ERR_LOCAL, "cannot write a temporary file");
	if (rc == ERR_OK)
		rc = mbox_read(m->path, msg->pos, msg->hash, to_file, &tmp, e);
	if (rc == ERR_OK && lseek(tmp, 0, SEEK_SET) < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot read");
	return rc == ERR_OK ? spool_add(j, &src, msg->flags, arrived, e) : rc;
}

static enum err
spool_messages(struct join *j, const struct map *m, const struct uidset *uids, struct uid_map *map,
	struct error *e)
{
	int tmp = open(j->maps->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	enum err rc = tmp < 0 ? error_errno(e, ERR_LOCAL, "cannot make a temporary file") : ERR_OK;

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

static int
by_hash(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;

	return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash)
		: (x->pos > y->pos) - (x->pos < y->pos);
}

static void
sort_moved(struct join *j)
{
	if (j->n > 0)
		qsort(j->v, j->n, sizeof *j->v, by_hash);
}

/* The first with that hash; NULL: none. */
static struct moved *
find_moved(struct join *j, uint64_t hash)
{
	size_t lo = 0, hi = j->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (j->v[mid].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < j->n && j->v[lo].hash == hash ? &j->v[lo] : NULL;
}

static void
count_same(struct join *j, const struct map *m)
{
	sort_moved(j);
	for (size_t i = 0; i < m->n; i++) {
		struct moved *k = find_moved(j, m->v[i].hash);
		if (k)
			k->n_same++;
	}
	for (size_t i = 1; i < j->n; i++) {
		if (j->v[i].hash == j->v[i - 1].hash)
			j->v[i].n_same = j->v[i - 1].n_same;
	}
}

static int
by_pos(const void *a, const void *b)
{
	const struct mbox_change *x = a, *y = b;

	return (x->from_pos > y->from_pos) - (x->from_pos < y->from_pos);
}

void
local_sort_changes(struct mbox_change *c, size_t n)
{
	qsort(c, n, sizeof *c, by_pos);
}

static enum err
remove_from(const char *path, struct mbox_change *c, size_t n, struct mbox_stamp *stamp,
	const struct cancel *cancel, struct error *e)
{
	bool was_rewritten;

	if (n == 0)
		return ERR_OK;
	local_sort_changes(c, n);
	return mbox_change(path, c, n, stamp, &was_rewritten, cancel, e);
}

/* The source is held from before the append until after the removal, so that of two who move the same message one finds it
 * gone, and not both have appended it. */
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

/* There is no way back: until they are gone from the source, the messages stand in both, and the journal says so. */
static enum err
remove_held(struct join *j, struct removal *r, struct map *m, const struct uidset *uids, struct error *e)
{
	struct mbox_stamp stamp = m->stamp;
	bool was_rewritten;
	enum err rc = mbox_change_held(r->held, r->v, r->n, &stamp, &was_rewritten, e);

	release_source(r);
	if (rc == ERR_FOLDER)
		return error_set(e, ERR_LOCAL, "moved, but not yet taken out of '%s'", j->from);
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
	enum err rc = mbox_join(j->to, j->spool, j->n_bytes, write_journal, j,
		j->maps->cancel, e);
	struct mbox_stamp now;
	/* Cut back, durably: as if nothing had been begun, so that nothing is finished later. */
	if (rc != ERR_OK && mbox_stamp(&now, j->to, NULL) == ERR_OK && now.size_bytes == j->before &&
	    mbox_settle(j->to, NULL) == ERR_OK) {
		remove_journal(j);
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

/* Everything up to the first byte in the destination. ERR_MSG: the source was changed by another program. */
static enum err
prepare(struct join *j, struct map *m, const struct uidset *uids, struct uid_map *map, struct removal *r,
	struct error *e)
{
	enum err rc = map_update(m, e);
	uint64_t n_uids = uidset_count(uids);
	size_t cap = n_uids < m->n ? (size_t)n_uids : m->n;

	if (rc == ERR_OK)
		rc = open_spool(j, O_CREAT | O_TRUNC, e);
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
transfer(struct map *m, const struct uidset *uids, const char *to, bool is_move, struct uid_map *map,
	struct error *e)
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
		remove_journal(&j);
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
	return rc == ERR_MSG ? error_set(e, ERR_FOLDER, "'%s' is changed all the time", m->path) : rc;
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
		rc = open_spool(&j, O_CREAT | O_TRUNC, e);
	if (rc == ERR_OK)
		rc = spool_add(&j, src, flags, arrived, e);
	if (rc == ERR_OK)
		rc = join(&j, e);
	if (rc == ERR_OK) {
		remove_journal(&j);
		*uid = tell_arrived(&j, &found) ? found : 0;
	} else if (j.is_begun) {
		log_msg("will be delivered later: %s", e ? e->text : "");
		rc = ERR_OK;		/* as one that is tried again would be delivered twice */
	}
	join_clear(&j);
	maps_leave(maps);
	return rc;
}

/* ---- finishing ---- */

struct found {
	struct join *j;
	struct mbox_change *v;
	size_t n, cap;
};

static bool
collect(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct found *f = ctx;

	(void)head;
	(void)n_head;
	if (find_moved(f->j, m->hash)) {
		f->v = array_grow(f->v, f->n, &f->cap, sizeof *f->v);
		f->v[f->n++] = (struct mbox_change){ .from_pos = m->from_pos, .hash = m->hash };
	}
	return true;
}

static bool
was_at(const struct moved *k, size_t n, uint64_t pos)
{
	for (size_t i = 0; i < n; i++) {
		if (k[i].pos == pos)
			return true;
	}
	return false;
}

/* Of those with one hash: as many are still to be removed as have not gone since, those first that
 * stand where the journal says. */
static void
mark(struct found *f, const struct moved *k, size_t n_moved)
{
	size_t n_now = 0, n_left = n_moved;

	for (size_t i = 0; i < f->n; i++)
		n_now += f->v[i].hash == k->hash;
	size_t n_gone = k->n_same > n_now ? k->n_same - n_now : 0;
	n_left = n_gone < n_moved ? n_moved - n_gone : 0;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < f->n && n_left > 0; i++) {
			struct mbox_change *c = &f->v[i];
			if (c->hash == k->hash && !c->remove && (round || was_at(k, n_moved, c->from_pos))) {
				c->remove = true;
				n_left--;
			}
		}
	}
}

static enum err
finish_removal(struct join *j, struct error *e)
{
	struct found f = { .j = j };
	struct mbox_stamp stamp = {0};
	size_t n = 0;

	sort_moved(j);
	enum err rc = mbox_scan(j->from, 0, collect, &f, j->maps->cancel, e);
	for (size_t i = 0, end; i < j->n && rc == ERR_OK; i = end) {
		for (end = i + 1; end < j->n && j->v[end].hash == j->v[i].hash;)
			end++;
		mark(&f, &j->v[i], end - i);
	}
	for (size_t i = 0; i < f.n; i++) {
		if (f.v[i].remove)
			f.v[n++] = f.v[i];
	}
	/* Also where nothing is left to do: who did it may have died before it was durable. */
	if (rc == ERR_OK)
		rc = n > 0 ? remove_from(j->from, f.v, n, &stamp, j->maps->cancel, e) : mbox_settle(j->from, e);
	free(f.v);
	return rc;
}

/* Whoever removed the directory meanwhile did not mean the message. */
static enum err
make_dir_of(const char *path, struct error *e)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	enum err rc = ERR_OK;

	if (slash && slash != dir) {
		*slash = '\0';
		rc = path_mkdirs(dir, e);
	}
	free(dir);
	return rc;
}

static enum err
finish(struct join *j, char *text, struct error *e)
{
	struct stat st;
	bool is_good = parse_journal(j, text) && (access(j->spool_path, F_OK) == 0 || errno != ENOENT);
	enum err rc = is_good ? open_spool(j, 0, e) : ERR_OK;

	if (rc != ERR_OK)
		return rc;
	if (!is_good || fstat(j->spool, &st) < 0 || (uint64_t)st.st_size < j->n_bytes) {
		log_msg("'%s' or its spool is damaged: nothing is moved", j->journal_path);
		return ERR_OK;
	}
	log_msg("finishing what was begun: to %s", j->to);
	rc = make_dir_of(j->to, e);
	if (rc == ERR_OK)
		rc = mbox_join_again(j->to, j->spool, j->n_bytes, j->before, j->maps->cancel, e);
	return rc == ERR_OK && j->from ? finish_removal(j, e) : rc;
}

bool
local_move_is_pending(const struct maps *maps)
{
	char *path = path_join(maps->dir, "move.journal");
	bool is = access(path, F_OK) == 0;

	free(path);
	return is;
}

enum err
local_move_finish(struct maps *maps, struct error *e)
{
	struct join j;
	char *text = NULL;
	size_t n;
	enum err rc = ERR_OK;

	if (!local_move_is_pending(maps) || (rc = maps_enter(maps, e)) != ERR_OK)
		return rc;
	join_init(&j, maps);
	if (access(j.journal_path, F_OK) == 0 &&
	    (rc = file_read(&text, &n, j.journal_path, MAX_JOURNAL_BYTES, e)) == ERR_OK) {
		rc = finish(&j, text, e);
		if (rc == ERR_OK)
			remove_journal(&j);
	}
	join_clear(&j);
	maps_leave(maps);
	free(text);
	return rc;
}
