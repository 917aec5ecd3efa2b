/* local.c - mbox files behind the calls of backend.h.
 *
 * Whatever another program did to the file in the meantime is taken in (map_update) before
 * anything is done, and once more when the file turns out to have changed under us. A move is an append,
 * fsync, and then the removal; a small journal beside the maps, written first, lets the next
 * connect finish a move that was cut in two, so that nothing is lost and nothing doubled. */
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
#include "mime.h"
#include "path.h"
#include "str.h"

enum { MAX_DEPTH = 4, LAZY_BYTES = 8 << 20, HEADERS_AT_ONCE = 200 };

struct local {
	struct backend b;
	struct local_config cfg;		/* owned copies */
	struct cancel *cancel;
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
	b->caps = CAP_WAIT;
	if (!l->cfg.read_only)
		b->caps |= CAP_FLAGS | CAP_MOVE | CAP_DELETE | CAP_FOLDERS | CAP_APPEND | CAP_UIDMAP;
	return rc == ERR_OK ? local_move_finish(l->cfg.map_dir, e) : rc;
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
	char *from_path = path_of(self(b), wire, e), *to_path = path_of(self(b), to, e);
	enum err rc = from_path && to_path ? make_parent(to_path, e) : ERR_FOLDER;

	if (rc == ERR_OK && access(to_path, F_OK) == 0)
		rc = error_set(e, ERR_FOLDER, "the folder '%s' exists already", to);
	if (rc == ERR_OK && rename(from_path, to_path) < 0)
		rc = error_errno(e, ERR_FOLDER, "cannot rename the folder '%s'", wire);
	free(from_path);
	free(to_path);
	return rc;
}

static enum err
local_folder_delete(struct backend *b, const char *wire, struct error *e)
{
	char *path = path_of(self(b), wire, e);
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	if (rc == ERR_OK && unlink(path) < 0 && errno != ENOENT)
		rc = error_errno(e, ERR_FOLDER, "cannot delete the folder '%s'", wire);
	free(path);
	return rc;
}

/* ---- the open folder ---- */

static void
fill_status(const struct local *l, const struct map *m, struct folder_status *st)
{
	*st = (struct folder_status){ .uidvalidity = m->uidvalidity, .uidnext = m->uidnext,
		.n_msgs = (uint32_t)m->n, .is_readonly = l->cfg.read_only,
		.flags_allowed = MSG_SEEN | MSG_ANSWERED | MSG_FLAGGED | MSG_DELETED | MSG_DRAFT };
	for (size_t i = 0; i < m->n; i++)
		st->n_unread += !(m->v[i].flags & MSG_SEEN);
}

static enum err
local_status(struct backend *b, const char *wire, struct folder_status *st, struct error *e)
{
	struct local *l = self(b);
	struct map m;
	char *path = path_of(l, wire, e);
	enum err rc = ERR_FOLDER;

	if (path) {
		map_init(&m, path, l->cfg.map_dir);
		rc = map_update(&m, l->cancel, e);
		fill_status(l, &m, st);
		map_clear(&m);
	}
	free(path);
	return rc;
}

static enum err
local_open(struct backend *b, const char *wire, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, bool *delta, struct error *e)
{
	struct local *l = self(b);
	struct mbox_stamp now;
	char *path = path_of(l, wire, e);
	enum err rc = path ? ERR_OK : ERR_FOLDER;

	(void)known;
	(void)sink;
	*delta = false;
	if (rc == ERR_OK && (!l->wire || !str_eq(l->wire, wire))) {
		map_clear(&l->map);
		map_init(&l->map, path, l->cfg.map_dir);
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
		rc = map_update(&l->map, l->cancel, e);
	fill_status(l, &l->map, st);
	if (is_lazy)
		st->uidnext = map_first_uid(now.size_bytes, now.size_bytes);
	free(path);
	return rc;
}

static enum err
up_to_date(struct local *l, struct error *e)
{
	if (!l->wire)
		return error_set(e, ERR_LOCAL, "no folder is open");
	return map_update(&l->map, l->cancel, e);
}

static void
all_uids(const struct map *m, struct uidset *out)
{
	for (size_t i = 0; i < m->n; i++)
		uidset_add(out, m->v[i].uid);
}

static enum err
local_changes(struct backend *b, const struct folder_known *known, const struct folder_sink *sink,
	struct folder_status *st, struct error *e)
{
	struct local *l = self(b);
	struct uidset now = {0}, gone = {0};
	enum err rc = up_to_date(l, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; sink->flags && i < l->map.n; i++) {
		const struct map_entry *m = &l->map.v[i];
		sink->flags(sink->ctx, m->uid, m->flags & MSG_SERVER_FLAGS, 0);
	}
	if (sink->vanished && known && known->uids) {
		all_uids(&l->map, &now);
		uidset_minus(&gone, known->uids, &now);
		if (gone.n > 0)
			sink->vanished(sink->ctx, &gone);
	}
	fill_status(l, &l->map, st);
	uidset_clear(&now);
	uidset_clear(&gone);
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
	const struct map *map;			/* NULL: UIDs by position */
	const struct uidset *uids;		/* NULL: all that are visited */
	uint64_t file_size, last_pos;
	const struct folder_sink *sink;
	struct map_entry *by_pos;		/* what is wanted, ascending by position */
	size_t n, next;
};

static void
tell_summary(const struct summaries *s, uint32_t uid, const struct mbox_msg *m, const char *head,
	size_t n_head)
{
	struct arena a = {0};
	struct msg out = { .id = uid, .arrived = m->arrived, .flags = m->flags & MSG_SERVER_FLAGS,
		.size_bytes = m->end_pos - m->head_pos, .pos_bytes = m->from_pos };

	mime_summary(&a, &out, head, n_head);
	s->sink->msg(s->sink->ctx, &out);
	arena_clear(&a);
}

static bool
visit_tail(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct summaries *s = ctx;

	tell_summary(s, map_first_uid(m->from_pos, s->file_size), m, head, n_head);
	return true;
}

static bool
visit_wanted(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct summaries *s = ctx;

	while (s->next < s->n && s->by_pos[s->next].pos < m->from_pos)
		s->next++;
	if (s->next < s->n && s->by_pos[s->next].pos == m->from_pos) {
		tell_summary(s, s->by_pos[s->next].uid, m, head, n_head);
		s->next++;
	}
	/* A long way to the next one is not scanned but jumped. */
	return s->next < s->n && s->by_pos[s->next].pos - m->end_pos < LAZY_BYTES;
}

static int
by_pos(const void *a, const void *b)
{
	const struct map_entry *x = a, *y = b;

	return (x->pos > y->pos) - (x->pos < y->pos);
}

static enum err
local_headers(struct backend *b, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct local *l = self(b);
	struct summaries s = { .sink = sink };
	size_t cap = 0;
	enum err rc = up_to_date(l, e);

	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *m = map_find(&l->map, uid);
		if (!m)
			continue;
		s.by_pos = array_grow(s.by_pos, s.n, &cap, sizeof s.by_pos[0]);
		s.by_pos[s.n++] = *m;
	}
	if (s.n > 0)
		qsort(s.by_pos, s.n, sizeof s.by_pos[0], by_pos);
	while (rc == ERR_OK && s.next < s.n) {
		size_t before = s.next;
		rc = mbox_scan(l->map.path, s.by_pos[s.next].pos, visit_wanted, &s, l->cancel, e);
		s.next += s.next == before;		/* never the same one twice */
	}
	free(s.by_pos);
	return rc;
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

static enum err
change_once(struct local *l, const struct uidset *uids, const struct edit *edit, struct error *e)
{
	struct mbox_change *c = NULL;
	size_t n = 0, cap = 0;
	bool was_rewritten;
	enum err rc = up_to_date(l, e);

	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;) {
		const struct map_entry *m = map_find(&l->map, uid);
		uint32_t flags = m ? ((m->flags | edit->set) & ~edit->clear) | MBOX_OLD : 0;
		if (!m || (!edit->remove && ((flags ^ m->flags) & MSG_SERVER_FLAGS) == 0))
			continue;
		c = array_grow(c, n, &cap, sizeof *c);
		c[n++] = (struct mbox_change){ m->pos, m->hash, flags, edit->remove };
	}
	if (rc == ERR_OK && n > 0) {
		local_sort_changes(c, n);
		rc = mbox_change(l->map.path, c, n, &was_rewritten, e);
	}
	free(c);
	return rc == ERR_OK && n > 0 ? up_to_date(l, e) : rc;
}

/* A file that changed between our look and our lock is looked at once more. */
static enum err
change(struct local *l, const struct uidset *uids, const struct edit *edit, struct error *e)
{
	if (l->cfg.read_only)
		return error_set(e, ERR_UNSUPPORTED, "opened read only");
	enum err rc = change_once(l, uids, edit, e);
	if (rc == ERR_FOLDER) {
		l->map.is_current = false;
		rc = change_once(l, uids, edit, e);
	}
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
		rc = local_transfer(&l->map, uids, path, l->cfg.map_dir, is_move, map, l->cancel, e);
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
	uint64_t pos;

	*uid = 0;
	enum err rc = path ? make_parent(path, e) : ERR_FOLDER;
	if (rc == ERR_OK)
		rc = mbox_append(path, &src, flags | MBOX_OLD, arrived, &pos, e);
	if (rc == ERR_OK)
		rc = local_uid_at(path, l->cfg.map_dir, pos, uid, l->cancel, e);
	free(path);
	return rc;
}

struct finder {
	const char *message_id;
	const struct map *map;
	uint32_t from;
	struct uidset *out;
	struct uidset uids;
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
	struct local there = { .b = l->b, .cfg = l->cfg, .cancel = l->cancel, .wire = l->wire };
	struct finder f = { .message_id = message_id, .out = out };
	struct folder_sink sink = { .ctx = &f, .msg = find_msg };
	char *path = path_of(l, wire, e);
	enum err rc = ERR_FOLDER;

	if (!path)
		return rc;
	there.wire = path;
	map_init(&there.map, path, l->cfg.map_dir);
	rc = map_update(&there.map, l->cancel, e);
	for (size_t i = 0; rc == ERR_OK && i < there.map.n; i++) {
		if (there.map.v[i].uid >= from)
			uidset_add(&f.uids, there.map.v[i].uid);
	}
	if (rc == ERR_OK)
		rc = local_headers(&there.b, &f.uids, &sink, e);
	uidset_clear(&f.uids);
	map_clear(&there.map);
	free(path);
	return rc;
}

/* ---- waiting ---- */

static enum err
local_wait(struct backend *b, int timeout_ms, int wake, int *what, struct error *e)
{
	struct local *l = self(b);
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN }, { .fd = wake, .events = POLLIN },
		{ .fd = cancel_fd(l->cancel), .events = POLLIN } };
	struct mbox_stamp now;

	*what = 0;
	/* The file, not its directory: our own dotlocks come and go there. */
	if (fd >= 0 && l->wire)
		inotify_add_watch(fd, l->map.path, IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF);
	/* What changed before the watch stood is seen by the stamp. */
	bool has_changed = l->wire && mbox_stamp(&now, l->map.path, NULL) == ERR_OK &&
		memcmp(&now, &l->map.stamp, sizeof now) != 0;
	if (!has_changed && poll(p, 3, timeout_ms) < 0 && errno != EINTR)
		error_errno(e, ERR_LOCAL, "cannot wait");
	if (p[1].revents)
		*what |= WAIT_WOKEN;
	if (l->wire && mbox_stamp(&now, l->map.path, NULL) == ERR_OK &&
	    memcmp(&now, &l->map.stamp, sizeof now) != 0)
		*what |= WAIT_CHANGED;
	if (fd >= 0)
		close(fd);
	return p[2].revents ? error_set(e, ERR_CANCELLED, "cancelled") : ERR_OK;
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
	return &l->b;
}
