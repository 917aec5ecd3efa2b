/* local_journal.c - see local_journal.h.
 *
 * The two files, the length of the destination before, and where each message was. Whatever a
 * dead process left in the destination is known by comparison with the spool
 * (mbox_join_again), and whether it had removed the messages from the source by how many of
 * that header there were: they go all at once. Mboxes are named as they lie below the
 * account's directory, which a person may move. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local_journal.h"
#include "local_move.h"
#include "log.h"
#include "path.h"
#include "str.h"

enum { MAX_JOURNAL_BYTES = 256 << 20 };

static const char journal_magic[] = "dunlin-join-1";
void
join_init(struct join *j, struct maps *maps)
{
	*j = (struct join){ .maps = maps, .spool = -1 };
	j->spool_path = path_join(maps->dir, "move.spool");
	j->journal_path = path_join(maps->dir, "move.journal");
}

void
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

enum err
join_open_spool(struct join *j, int how, struct error *e)
{
	j->spool = open(j->spool_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | how, 0600);
	return j->spool < 0 ? error_errno(e, ERR_LOCAL, "cannot open '%s'", j->spool_path)
		: ERR_OK;
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
	return strncmp(name, "./", 2) == 0
		? path_join(j->maps->root, name + 2) : xstrdup(name);
}

enum err
journal_write(void *ctx, uint64_t before, struct error *e)
{
	struct join *j = ctx;
	struct str s = {0};
	char *from = NULL, *to = NULL;

	j->before = before;
	str_printf(&s, "%s\n%s\n%s\n%" PRIu64 " %" PRIu64 "\n", journal_magic,
		j->from ? short_name(j, j->from, &from) : "-", short_name(j, j->to, &to),
		before, j->n_bytes);
	for (size_t i = 0; i < j->n; i++)
		str_printf(&s, "%" PRIu64 " %016" PRIx64 " %" PRIu32 "\n", j->v[i].pos,
			j->v[i].hash, j->v[i].n_same);
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
	while ((word = strtok_r(NULL, "\n", &save)) && 3 ==
	    sscanf(word, "%" SCNu64 " %" SCNx64 " %" SCNu32, &m.pos, &m.hash, &m.n_same)) {
		j->v = array_grow(j->v, j->n, &j->cap, sizeof *j->v);
		j->v[j->n++] = m;
	}
	return word && strcmp(word, "end") == 0;
}

void
journal_remove(struct join *j)
{
	if ((unlink(j->journal_path) < 0 && errno != ENOENT) ||
	    path_sync_dir_of(j->journal_path, NULL) != ERR_OK)
		log_msg("cannot remove '%s'", j->journal_path);
	else if (unlink(j->spool_path) < 0 && errno != ENOENT)
		log_msg("cannot remove '%s'", j->spool_path);
}

/* ---- what of the source is moved ---- */

static int
by_hash(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;

	return x->hash != y->hash ? (x->hash > y->hash) - (x->hash < y->hash)
		: (x->pos > y->pos) - (x->pos < y->pos);
}

void
join_sort_moved(struct join *j)
{
	if (j->n > 0)
		qsort(j->v, j->n, sizeof *j->v, by_hash);
}

struct moved *
join_find_moved(struct join *j, uint64_t hash)
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
	if (join_find_moved(f->j, m->hash)) {
		f->v = array_grow(f->v, f->n, &f->cap, sizeof *f->v);
		f->v[f->n++] = (struct mbox_change){ .from_pos = m->from_pos,
			.hash = m->hash };
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

/* Of those with one hash: as many are still to be removed as have not gone since, those first
 * that stand where the journal says. */
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
			if (c->hash == k->hash && !c->remove &&
			    (round || was_at(k, n_moved, c->from_pos))) {
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
	bool was_rewritten;
	size_t n = 0;

	join_sort_moved(j);
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
	if (rc == ERR_OK && n == 0)
		rc = mbox_settle(j->from, e);
	else if (rc == ERR_OK)
		rc = mbox_change(j->from, f.v, n, &stamp, &was_rewritten, j->maps->cancel, e);
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
	bool is_good = parse_journal(j, text) && (access(j->spool_path, F_OK) == 0 ||
		errno != ENOENT);
	enum err rc = is_good ? join_open_spool(j, 0, e) : ERR_OK;

	if (rc != ERR_OK)
		return rc;
	if (!is_good || fstat(j->spool, &st) < 0 || (uint64_t)st.st_size < j->n_bytes) {
		log_msg("'%s' or its spool is damaged: nothing is moved", j->journal_path);
		return ERR_OK;
	}
	log_msg("finishing what was begun: to %s", j->to);
	rc = make_dir_of(j->to, e);
	if (rc == ERR_OK)
		rc = mbox_join_again(j->to, j->spool, j->n_bytes, j->before, j->maps->cancel,
			e);
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
			journal_remove(&j);
	}
	join_clear(&j);
	maps_leave(maps);
	free(text);
	return rc;
}
