/* local.c - mbox files behind the calls of backend.h.
 *
 * Whatever another program did to the file in the meantime is taken in (map_update) before
 * anything is done, and once more when the file turns out to have changed under us. What is appended or moved
 * goes by way of a journal (local_move.c), so that a crash loses nothing and doubles nothing. A header is read
 * where the map says it stands; only what the map does not know is scanned. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "local.h"
#include "local_map.h"
#include "local_move.h"
#include "log.h"
#include "mime.h"
#include "path.h"
#include "str.h"

enum { MAX_DEPTH = 4, LAZY_BYTES = 8 << 20, COUNT_BYTES = 64 << 20, LOOK_MS = 1000,
	GUESS_BYTES = 8 << 10 };

struct local {
	struct backend b;
	struct local_config cfg;		/* owned copies */
	struct cancel *cancel;
	struct maps maps;
	struct map map;				/* of the open folder */
	char *wire;				/* its name; NULL: none open */
};

static struct local *
self(struct backend *b)
{
	return (struct local *)b;
}

/* ---- names ---- */

/* A wire name is a path below the directory: never absolute, never upwards, nothing hidden. */
static bool
is_safe_wire(const char *wire)
{
	if (!*wire || wire[0] == '/' || wire[0] == '.' || strlen(wire) > 500 ||
	    strstr(wire, "/.") || strstr(wire, "//") || wire[strlen(wire) - 1] == '/')
		return false;
	for (const char *c = wire; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	}
	return true;
}

static char *
path_of(const struct local *l, const char *wire, struct error *e)
{
	if (str_eq(wire, "inbox") && l->cfg.inbox)
		return xstrdup(l->cfg.inbox);
	if (!is_safe_wire(wire)) {
		error_set(e, ERR_FOLDER, "'%s' cannot be the name of a mailbox file", wire);
		return NULL;
	}
	return path_join(l->cfg.dir, wire);
}

static char *
local_wire_name(struct backend *b, const char *name)
{
	(void)b;
	return xstrdup(str_ieq(name, "inbox") ? "inbox" : name);
}

/* ---- connecting ---- */

static enum err
local_connect(struct backend *b, const struct backend_login *login, struct error *e)
{
	struct local *l = self(b);
	enum err rc = path_mkdirs(l->cfg.dir, e);

	(void)login;
	if (rc == ERR_OK)
		rc = path_mkdirs(l->cfg.map_dir, e);
	b->caps = CAP_WAIT | CAP_DELTA;
	if (!l->cfg.read_only)
		b->caps |= CAP_FLAGS | CAP_MOVE | CAP_DELETE | CAP_FOLDERS | CAP_APPEND | CAP_UIDMAP;
	/* What cannot be finished (a full disk, a lock) keeps nobody from reading; before anything is moved
	 * it is tried again. */
	if (rc == ERR_OK && !l->cfg.read_only && local_move_finish(&l->maps, e) != ERR_OK)
		log_msg("not finished: %s", e ? e->text : "");
	return rc;
}

static void
local_describe(struct backend *b, struct str *out)
{
	str_printf(out, "mbox files in %s", self(b)->cfg.dir);
}

static void
local_close(struct backend *b, int ms)
{
	struct local *l = self(b);

	(void)ms;
	if (!l)
		return;
	map_clear(&l->map);
	maps_clear(&l->maps);
	free(l->wire);
	free((char *)l->cfg.dir);
	free((char *)l->cfg.inbox);
	free((char *)l->cfg.map_dir);
	free(l);
}

/* ---- folders ---- */

static void
tell_folder(const struct backend_folder_sink *sink, const char *wire)
{
	bool is_inbox = str_eq(wire, "inbox");
	const char *last = strrchr(wire, '/');
	struct folder f = { .wire = wire, .name = is_inbox ? "INBOX" : wire, .delim = '/',
		.attrs = FOLDER_SUBSCRIBED };

	f.role = is_inbox ? ROLE_INBOX : folder_role_by_name(last ? last + 1 : wire);
	sink->folder(sink->ctx, &f);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static void
walk(const struct local *l, const char *below, int depth, const struct backend_folder_sink *sink)
{
	char *dir = *below ? path_join(l->cfg.dir, below) : xstrdup(l->cfg.dir);
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char *wire = *below ? path_join(below, names[i]->d_name) : xstrdup(names[i]->d_name);
		char *path = path_join(l->cfg.dir, wire);
		struct stat st;
		if (is_safe_wire(wire) && stat(path, &st) == 0 && !ends_with(wire, ".lock")) {
			if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
				walk(l, wire, depth + 1, sink);
			else if (S_ISREG(st.st_mode) && mbox_looks_like(path) &&
			    !(str_eq(wire, "inbox") && l->cfg.inbox))
				tell_folder(sink, wire);
		}
		free(path);
		free(wire);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	free(dir);
}

/* Folders that a person expects are there before their files are. */
static enum err
local_folders(struct backend *b, const struct backend_folder_sink *sink, struct error *e)
{
	static const char *const expected[] = { "inbox", "Archive", "Drafts", "Sent", "Trash" };
	struct local *l = self(b);

	(void)e;
	for (size_t i = 0; i < LEN(expected); i++) {
		char *path = path_join(l->cfg.dir, expected[i]);
		bool is_there = access(path, F_OK) == 0;
		if (!is_there || (i == 0 && l->cfg.inbox))
			tell_folder(sink, expected[i]);
		free(path);
	}
	walk(l, "", 0, sink);
	return ERR_OK;
}

static enum err
make_parent(const char *path, struct error *e)
{
	char *parent = xstrdup(path), *slash = strrchr(parent, '/');
	enum err rc = ERR_OK;

	if (slash && slash != parent) {
		*slash = '\0';
		rc = path_mkdirs(parent, e);
	}
	free(parent);
	return rc;
}

static enum err
local_folder_create(struct backend *b, const char *wire, struct error *e)
{
	char *path = path_of(self(b), wire, e);
	enum err rc = path ? make_parent(path, e) : ERR_FOLDER;

	if (rc == ERR_OK) {
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			rc = error_errno(e, ERR_FOLDER, "cannot make the folder '%s'", wire);
		else
			close(fd);
	}
	free(path);
	return rc;
}

static enum err
local_folder_rename(struct backend *b, const char *wire, const char *to, struct error *e)
{
	struct local *l = self(b);
	char *from_path = path_of(l, wire, e), *to_path = path_of(l, to, e);
	char *from_real = from_path ? realpath(from_path, NULL) : NULL;
	enum err rc = from_path && to_path ? make_parent(to_path, e) : ERR_FOLDER;

	if (rc == ERR_OK && access(to_path, F_OK) == 0)
		rc = error_set(e, ERR_FOLDER, "the folder '%s' exists already", to);
	if (rc == ERR_OK && rename(from_path, to_path) < 0)
		rc = error_errno(e, ERR_FOLDER, "cannot rename the folder '%s'", wire);
	if (rc == ERR_OK && from_real)
		map_rename(&l->maps, from_real, to_path);
	free(from_real);
	free(from_path);
	free(to_path);
	return rc;
}

static enum err
local_folder_delete(struct backend *b, const char *wire, struct error *e)
{
	struct local *l = self(b);
	char *path = path_of(l, wire, e), *real = path ? realpath(path, NULL) : NULL;
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	if (rc == ERR_OK && unlink(path) < 0 && errno != ENOENT)
		rc = error_errno(e, ERR_FOLDER, "cannot delete the folder '%s'", wire);
	if (rc == ERR_OK && real)
		map_rename(&l->maps, real, NULL);
	free(real);
	free(path);
	return rc;
}

/* ---- the open folder ---- */

static void
fill_status(const struct local *l, const struct map_counts *c, struct folder_status *st)
{
	*st = (struct folder_status){ .uidvalidity = c->uidvalidity, .uidnext = c->uidnext,
		.n_msgs = c->n_msgs, .n_unread = c->n_unread, .modseq = c->generation,
		.is_readonly = l->cfg.read_only,
		.flags_allowed = MSG_SEEN | MSG_ANSWERED | MSG_FLAGGED | MSG_DELETED | MSG_DRAFT };
}

static void
fill_status_of(const struct local *l, const struct map *m, struct folder_status *st)
{
	struct map_counts c = { m->uidvalidity, m->uidnext, (uint32_t)m->n, m->n_unread, m->generation };

	fill_status(l, &c, st);
}

/* A large file that nobody has looked into is not scanned for the sake of its counts. */
static enum err
count(struct local *l, const char *path, struct folder_status *st, struct error *e)
{
	struct mbox_stamp now;
	struct map m;
	enum err rc = mbox_stamp(&now, path, e);

	if (rc != ERR_OK)
		return rc;
	map_init(&m, path, &l->maps);
	rc = map_load(&m, e);
	if (rc == ERR_OK && m.n == 0 && now.size_bytes > COUNT_BYTES)
		rc = error_set(e, ERR_UNSUPPORTED, "not counted before it is opened");
	if (rc == ERR_OK)
		rc = map_update(&m, e);
	fill_status_of(l, &m, st);
	map_clear(&m);
	return rc;
}

static enum err
local_status(struct backend *b, const char *wire, struct folder_status *st, struct error *e)
{
	struct local *l = self(b);
	struct map_counts c;
	char *path = path_of(l, wire, e);
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	if (path && map_counts(&c, path, &l->maps))
		fill_status(l, &c, st);
	else if (path)
		rc = count(l, path, st, e);
	free(path);
	return rc;
}

static enum err
up_to_date(struct local *l, struct error *e)
{
	if (!l->wire)
		return error_set(e, ERR_LOCAL, "no folder is open");
	return map_update(&l->map, e);
}

static void
all_uids(const struct map *m, struct uidset *out)
{
	for (size_t i = 0; i < m->n; i++)
		uidset_add(out, m->v[i].uid);
}

/* False: what is known is older than what the map remembers of its changes. */
static bool
tell_changes(struct local *l, const struct folder_known *known, const struct folder_sink *sink)
{
	struct map *m = &l->map;

	if (!known->modseq || known->modseq < m->since || known->modseq > m->generation)
		return false;
	for (uint32_t uid = 0; sink->flags && (uid = uidset_next(&m->changed, uid)) != 0;) {
		const struct map_entry *v = map_find(m, uid);
		if (v)
			sink->flags(sink->ctx, uid, v->flags & MSG_SERVER_FLAGS, m->generation);
	}
	if (sink->vanished && m->gone.n > 0)
		sink->vanished(sink->ctx, &m->gone);
	return true;
}

static void
tell_all(struct local *l, const struct folder_known *known, const struct folder_sink *sink)
{
	struct map *m = &l->map;
	struct uidset now = {0}, gone = {0};

	for (size_t i = 0; sink->flags && i < m->n; i++)
		sink->flags(sink->ctx, m->v[i].uid, m->v[i].flags & MSG_SERVER_FLAGS, 0);
	if (sink->vanished && known && known->uids) {
		all_uids(m, &now);
		uidset_minus(&gone, known->uids, &now);
		if (gone.n > 0)
			sink->vanished(sink->ctx, &gone);
	}
	uidset_clear(&now);
	uidset_clear(&gone);
}

static enum err
local_open(struct backend *b, const char *wire, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, bool *delta, struct error *e)
{
	struct local *l = self(b);
	struct mbox_stamp now;
	char *path = path_of(l, wire, e);
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	*delta = false;
	if (rc == ERR_OK && (!l->wire || !str_eq(l->wire, wire))) {
		map_clear(&l->map);
		map_init(&l->map, path, &l->maps);
		free(l->wire);
		l->wire = xstrdup(wire);
	}
	if (rc == ERR_OK)
		rc = map_load(&l->map, e);
	if (rc == ERR_OK)
		rc = mbox_stamp(&now, path, e);
	/* A large file seen for the first time: its newest page is shown before it is scanned. */
	bool is_lazy = rc == ERR_OK && l->map.n == 0 && now.size_bytes > LAZY_BYTES;
	if (rc == ERR_OK && !is_lazy)
		rc = map_update(&l->map, e);
	fill_status_of(l, &l->map, st);
	if (is_lazy) {
		st->uidnext = map_first_uid(now.size_bytes, now.size_bytes);
		st->n_msgs = (uint32_t)(now.size_bytes / GUESS_BYTES);	/* until it is scanned */
	}
	if (rc == ERR_OK && !is_lazy && known && known->uidvalidity == st->uidvalidity)
		*delta = tell_changes(l, known, sink);
	free(path);
	return rc;
}

static enum err
local_changes(struct backend *b, const struct folder_known *known, const struct folder_sink *sink,
	struct folder_status *st, struct error *e)
{
	struct local *l = self(b);
	enum err rc = up_to_date(l, e);

	if (rc != ERR_OK)
		return rc;
	if (!known || !tell_changes(l, known, sink))
		tell_all(l, known, sink);
	map_told(&l->map);
	fill_status_of(l, &l->map, st);
	return ERR_OK;
}

static enum err
local_uids(struct backend *b, struct uidset *out, struct error *e)
{
	enum err rc = up_to_date(self(b), e);

	if (rc == ERR_OK)
		all_uids(&self(b)->map, out);
	return rc;
}

/* ---- summaries ---- */

struct summaries {
	const struct map *map;
	uint64_t file_size;
	const struct folder_sink *sink;
	struct wanted {
		struct map_entry entry;
		uint64_t end_pos;
	} *v;				/* ascending by position */
	size_t n, next;
};

static void
tell_summary(const struct summaries *s, uint32_t uid, const struct mbox_msg *m, uint64_t end_pos,
	const char *head, size_t n_head)
{
	struct arena a = {0};
	struct msg out = { .id = uid, .arrived = m->arrived, .flags = m->flags & MSG_SERVER_FLAGS,
		.size_bytes = end_pos > m->head_pos ? end_pos - m->head_pos : 0,
		.pos_bytes = m->from_pos };

	mime_summary(&a, &out, head, n_head);
	s->sink->msg(s->sink->ctx, &out);
	arena_clear(&a);
}

static bool
visit_tail(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct summaries *s = ctx;

	tell_summary(s, map_first_uid(m->from_pos, s->file_size), m, m->end_pos, head, n_head);
	return true;
}

/* A message that is not where it was is passed over: the next look finds the file changed. */
static bool
visit_wanted(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct summaries *s = ctx;

	while (s->next < s->n && s->v[s->next].entry.pos < m->from_pos)
		s->next++;
	if (s->next < s->n && s->v[s->next].entry.pos == m->from_pos &&
	    s->v[s->next].entry.hash == m->hash)
		tell_summary(s, s->v[s->next].entry.uid, m, s->v[s->next].end_pos, head, n_head);
	return true;
}

static int
by_pos(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (x->entry.pos > y->entry.pos) - (x->entry.pos < y->entry.pos);
}

/* Where the message ends, by where the next one begins; an empty line stands between. Where another
 * program sorted the file, the size shown is a guess until the map is made anew. */
static uint64_t
end_of(const struct map *m, const struct map_entry *v)
{
	const struct map_entry *next = v + 1 < m->v + m->n ? v + 1 : NULL;
	uint64_t end = next && next->pos > v->pos ? next->pos : m->stamp.size_bytes;

	return end > v->pos ? end - 1 : v->pos;
}

static enum err
tell_summaries(const struct map *map, struct summaries *s, struct error *e)
{
	uint64_t *pos = xcalloc(s->n + 1, sizeof *pos);

	if (s->n > 0)
		qsort(s->v, s->n, sizeof *s->v, by_pos);
	for (size_t i = 0; i < s->n; i++)
		pos[i] = s->v[i].entry.pos;
	enum err rc = mbox_heads(map->path, pos, s->n, visit_wanted, s, map->maps->cancel, e);
	free(pos);
	return rc;
}

static enum err
headers_of(struct map *map, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct summaries s = { .map = map, .sink = sink };
	size_t cap = 0;
	enum err rc = map_update(map, e);

	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *m = map_find(map, uid);
		if (!m)
			continue;
		s.v = array_grow(s.v, s.n, &cap, sizeof *s.v);
		s.v[s.n++] = (struct wanted){ .entry = *m, .end_pos = end_of(map, m) };
	}
	if (rc == ERR_OK)
		rc = tell_summaries(map, &s, e);
	free(s.v);
	return rc;
}

static enum err
local_headers(struct backend *b, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct local *l = self(b);

	return l->wire ? headers_of(&l->map, uids, sink, e)
		: error_set(e, ERR_LOCAL, "no folder is open");
}

static enum err
newest_by_tail(struct local *l, uint32_t n, const struct folder_sink *sink, struct error *e)
{
	struct summaries s = { .sink = sink };
	struct mbox_stamp now;
	uint64_t from;
	enum err rc = mbox_stamp(&now, l->map.path, e);

	s.file_size = now.size_bytes;
	if (rc == ERR_OK)
		rc = mbox_tail(l->map.path, n, &from, e);
	return rc == ERR_OK ? mbox_scan(l->map.path, from, visit_tail, &s, l->cancel, e) : rc;
}

static enum err
local_newest(struct backend *b, uint32_t n, const struct folder_sink *sink, struct error *e)
{
	struct local *l = self(b);
	struct uidset want = {0};

	if (l->wire && !l->map.is_current && l->map.n == 0)
		return newest_by_tail(l, n, sink, e);
	enum err rc = up_to_date(l, e);
	if (rc == ERR_OK) {
		for (size_t i = l->map.n > n ? l->map.n - n : 0; i < l->map.n; i++)
			uidset_add(&want, l->map.v[i].uid);
		rc = local_headers(b, &want, sink, e);
	}
	uidset_clear(&want);
	return rc;
}

/* ---- bodies ---- */

static enum err
local_structure(struct backend *b, uint32_t uid, struct arena *a, struct part **root, struct error *e)
{
	(void)b;
	(void)uid;
	(void)a;
	*root = NULL;
	return error_set(e, ERR_UNSUPPORTED, "an mbox is read whole");
}

static enum err
to_sink(void *ctx, const void *p, size_t n, struct error *e)
{
	const struct byte_sink *sink = ctx;

	return sink->write(sink->ctx, p, n, e);
}

static enum err
local_fetch(struct backend *b, uint32_t uid, const char *section, const struct byte_sink *sink,
	struct error *e)
{
	struct local *l = self(b);
	enum err rc = up_to_date(l, e);

	if (rc != ERR_OK)
		return rc;
	if (*section)
		return error_set(e, ERR_UNSUPPORTED, "an mbox is read whole");
	const struct map_entry *m = map_find(&l->map, uid);
	if (!m)
		return error_set(e, ERR_MSG, "the message is no longer in the file");
	return mbox_read(l->map.path, m->pos, m->hash, to_sink, (void *)(uintptr_t)sink, e);
}

/* ---- changes ---- */

struct edit {
	uint32_t set, clear;
	bool remove;
};

/* What a person's decision means for the file: which of the messages change, and how. */
struct plan {
	struct mbox_change *v;
	size_t n, cap;
	struct uidset uids;
	uint32_t *flags;		/* in the order of the UIDs */
	size_t cap_flags;
};

static void
plan_make(struct plan *p, const struct map *map, const struct uidset *uids, const struct edit *edit)
{
	for (uint32_t uid = 0; (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *m = map_find(map, uid);
		uint32_t flags = m ? ((m->flags | edit->set) & ~edit->clear) | MBOX_OLD : 0;
		if (!m || (!edit->remove && ((flags ^ m->flags) & MSG_SERVER_FLAGS) == 0))
			continue;
		p->v = array_grow(p->v, p->n, &p->cap, sizeof *p->v);
		p->flags = array_grow(p->flags, p->n, &p->cap_flags, sizeof *p->flags);
		p->flags[p->n] = flags;
		p->v[p->n++] = (struct mbox_change){ m->pos, m->hash, flags, edit->remove };
		uidset_add(&p->uids, uid);
	}
}

static enum err
carry_out(struct map *map, struct plan *p, bool is_removal, struct error *e)
{
	struct mbox_stamp stamp = map->stamp;
	bool was_rewritten;

	local_sort_changes(p->v, p->n);
	enum err rc = mbox_change(map->path, p->v, p->n, &stamp, &was_rewritten, map->maps->cancel, e);
	if (rc != ERR_OK)
		return rc;
	if (is_removal)
		return map_removed(map, &p->uids, &stamp, e);
	return was_rewritten ? map_update(map, e) : map_marked(map, &p->uids, p->flags, &stamp, e);
}

static enum err
change_once(struct local *l, const struct uidset *uids, const struct edit *edit, struct error *e)
{
	struct plan p = {0};
	enum err rc = maps_enter(&l->maps, e);

	if (rc != ERR_OK)
		return rc;
	rc = up_to_date(l, e);
	if (rc == ERR_OK)
		plan_make(&p, &l->map, uids, edit);
	if (rc == ERR_OK && p.n > 0)
		rc = carry_out(&l->map, &p, edit->remove, e);
	maps_leave(&l->maps);
	uidset_clear(&p.uids);
	free(p.flags);
	free(p.v);
	return rc;
}

/* A file that changed between our look and our lock is looked at once more. */
static enum err
change(struct local *l, const struct uidset *uids, const struct edit *edit, struct error *e)
{
	if (l->cfg.read_only)
		return error_set(e, ERR_UNSUPPORTED, "opened read only");
	enum err rc = change_once(l, uids, edit, e);
	if (rc == ERR_FOLDER)
		rc = change_once(l, uids, edit, e);
	return rc;
}

static enum err
local_set_flags(struct backend *b, const struct uidset *uids, uint32_t set, uint32_t clear,
	struct error *e)
{
	struct edit edit = { .set = set, .clear = clear };

	return change(self(b), uids, &edit, e);
}

static enum err
local_expunge(struct backend *b, const struct uidset *uids, struct error *e)
{
	struct edit edit = { .remove = true };

	return change(self(b), uids, &edit, e);
}

static enum err
transfer(struct local *l, const struct uidset *uids, const char *wire, bool is_move,
	struct uid_map *map, struct error *e)
{
	char *path = path_of(l, wire, e);
	enum err rc = path ? up_to_date(l, e) : ERR_FOLDER;

	*map = (struct uid_map){0};
	if (rc == ERR_OK && l->cfg.read_only)
		rc = error_set(e, ERR_UNSUPPORTED, "opened read only");
	if (rc == ERR_OK && str_eq(path, l->map.path))
		rc = error_set(e, ERR_FOLDER, "the messages are in '%s' already", wire);
	if (rc == ERR_OK)
		rc = make_parent(path, e);
	if (rc == ERR_OK)
		rc = local_transfer(&l->map, uids, path, is_move, map, e);
	free(path);
	return rc;
}

static enum err
local_move(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	return transfer(self(b), uids, wire, true, map, e);
}

static enum err
local_copy(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	return transfer(self(b), uids, wire, false, map, e);
}

struct memory {
	const char *p;
	size_t left;
};

static enum err
from_memory(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct memory *m = ctx;

	(void)e;
	*n = m->left < size ? m->left : size;
	memcpy(buf, m->p, *n);
	m->p += *n;
	m->left -= *n;
	return ERR_OK;
}

static enum err
local_append(struct backend *b, const char *wire, const void *p, size_t len, uint32_t flags,
	int64_t arrived, uint32_t *uid, struct error *e)
{
	struct local *l = self(b);
	struct memory text = { p, len };
	struct mbox_source src = { &text, from_memory };
	char *path = path_of(l, wire, e);

	*uid = 0;
	enum err rc = path ? make_parent(path, e) : ERR_FOLDER;
	if (rc == ERR_OK)
		rc = local_deliver(&l->maps, path, &src, flags | MBOX_OLD, arrived, uid, e);
	free(path);
	return rc;
}

struct finder {
	const char *message_id;
	struct uidset *out;
};

static void
find_msg(void *ctx, const struct msg *m)
{
	struct finder *f = ctx;

	if (str_eq(m->message_id, f->message_id))
		uidset_add(f->out, (uint32_t)m->id);
}

static enum err
local_find(struct backend *b, const char *wire, const char *message_id, uint32_t from,
	struct uidset *out, struct error *e)
{
	struct local *l = self(b);
	struct finder f = { .message_id = message_id, .out = out };
	struct folder_sink sink = { .ctx = &f, .msg = find_msg };
	struct uidset uids = {0};
	struct map m;
	char *path = path_of(l, wire, e);

	if (!path)
		return ERR_FOLDER;
	map_init(&m, path, &l->maps);
	enum err rc = map_update(&m, e);
	for (size_t i = 0; rc == ERR_OK && i < m.n; i++) {
		if (m.v[i].uid >= from)
			uidset_add(&uids, m.v[i].uid);
	}
	if (rc == ERR_OK)
		rc = headers_of(&m, &uids, &sink, e);
	uidset_clear(&uids);
	map_clear(&m);
	free(path);
	return rc;
}

/* ---- waiting ---- */

static bool
has_changed(const struct local *l)
{
	struct mbox_stamp now;

	return l->wire && mbox_stamp(&now, l->map.path, NULL) == ERR_OK &&
		!mbox_stamp_is_same(&now, &l->map.stamp);
}

/* The file, and, for one that is not there yet, its directory: where dotlocks come and go. */
static int
watch(const struct local *l)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char *dir = l->wire ? xstrdup(l->map.path) : NULL, *slash = dir ? strrchr(dir, '/') : NULL;

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
	struct local *l = self(b);
	int fd = watch(l);
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN }, { .fd = wake, .events = POLLIN },
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

static const struct backend_ops local_ops = {
	.connect = local_connect, .describe = local_describe, .folders = local_folders,
	.folder_create = local_folder_create, .folder_rename = local_folder_rename,
	.folder_delete = local_folder_delete, .wire_name = local_wire_name,
	.status = local_status, .open = local_open, .changes = local_changes,
	.uids = local_uids, .newest = local_newest, .headers = local_headers,
	.structure = local_structure, .fetch = local_fetch, .set_flags = local_set_flags,
	.move = local_move, .copy = local_copy, .expunge = local_expunge,
	.append = local_append, .find = local_find, .wait = local_wait, .close = local_close,
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
	return &l->b;
}
