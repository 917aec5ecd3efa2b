/* local_edit.c - what a person does to messages, carried out in the
 * file: flags, removal, copies. */
#include <stdlib.h>
#include <string.h>

#include "local_int.h"
#include "local_move.h"
#include "str.h"

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
plan_make(struct plan *p, const struct map *map, const struct uidset *uids,
	const struct edit *edit)
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
	enum err rc = mbox_change(map->path, p->v, p->n, &stamp, &was_rewritten,
		map->maps->cancel, e);
	if (rc != ERR_OK)
		return rc;
	if (is_removal)
		return map_removed(map, &p->uids, &stamp, e);
	return was_rewritten
		? map_update(map, e) : map_marked(map, &p->uids, p->flags, &stamp, e);
}

static enum err
change_once(struct local *l, const struct uidset *uids, const struct edit *edit,
	struct error *e)
{
	struct plan p = {0};

	ahead_stop(&l->ahead);			/* it may hold a lock on the file */
	enum err rc = maps_enter(&l->maps, e);
	if (rc != ERR_OK)
		return rc;
	rc = local_up_to_date(l, e);
	if (rc == ERR_OK)
		plan_make(&p, &l->map, uids, edit);
	if (rc == ERR_OK && p.n > 0)
		rc = carry_out(&l->map, &p, edit->remove, e);
	else if (rc == ERR_OK)
		/* who did it may not have come to the fsync */
		rc = mbox_settle(l->map.path, e);
	maps_leave(&l->maps);
	uidset_clear(&p.uids);
	free(p.flags);
	free(p.v);
	return rc;
}

static bool
are_misled(struct local *l, const struct uidset *uids)
{
	for (uint32_t uid = 0; (uid = uidset_next(uids, uid)) != 0;) {
		if (local_is_misled(l, uid))
			return true;
	}
	return false;
}

/* A file that changed between our look and our lock is looked at once more. */
static enum err
change(struct local *l, const struct uidset *uids, const struct edit *edit, struct error *e)
{
	if (l->cfg.read_only)
		return error_set(e, ERR_UNSUPPORTED, "opened read only");
	enum err rc = change_once(l, uids, edit, e);
	if (rc != ERR_FOLDER)
		return rc;
	if (are_misled(l, uids))
		map_distrust(&l->map);
	return change_once(l, uids, edit, e);
}

enum err
local_set_flags(struct backend *b, const struct uidset *uids, uint32_t set, uint32_t clear,
	struct error *e)
{
	struct edit edit = { .set = set, .clear = clear };

	return change(local_self(b), uids, &edit, e);
}

enum err
local_expunge(struct backend *b, const struct uidset *uids, struct error *e)
{
	struct edit edit = { .remove = true };

	return change(local_self(b), uids, &edit, e);
}

static enum err
transfer(struct local *l, const struct uidset *uids, const char *wire, bool is_move,
	struct uid_map *map, struct error *e)
{
	char *path = local_path(l, wire, e);

	*map = (struct uid_map){0};
	ahead_stop(&l->ahead);
	enum err rc = path ? local_up_to_date(l, e) : ERR_FOLDER;
	if (rc == ERR_OK && l->cfg.read_only)
		rc = error_set(e, ERR_UNSUPPORTED, "opened read only");
	if (rc == ERR_OK && str_eq(path, l->map.path))
		rc = error_set(e, ERR_FOLDER, "the messages are in '%s' already", wire);
	if (rc == ERR_OK)
		rc = local_make_parent(path, e);
	if (rc == ERR_OK)
		rc = local_transfer(&l->map, uids, path, is_move, map, e);
	free(path);
	return rc;
}

enum err
local_move(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	return transfer(local_self(b), uids, wire, true, map, e);
}

enum err
local_copy(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	return transfer(local_self(b), uids, wire, false, map, e);
}

struct reading {
	const struct byte_source *from;
	uint64_t at;
};

static enum err
read_on(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct reading *r = ctx;
	enum err rc = byte_source_read(r->from, r->at, buf, size, n, e);

	r->at += *n;
	return rc;
}

enum err
local_append(struct backend *b, const char *wire, const struct byte_source *from,
	uint32_t flags, int64_t arrived, uint32_t *uid, struct error *e)
{
	struct local *l = local_self(b);
	struct reading r = { .from = from };
	struct mbox_source src = { &r, read_on };
	char *path = local_path(l, wire, e);

	*uid = 0;
	ahead_stop(&l->ahead);
	enum err rc = path ? local_make_parent(path, e) : ERR_FOLDER;
	if (rc == ERR_OK)
		rc = local_deliver(&l->maps, path, &src, flags | MBOX_OLD, arrived, uid, e);
	free(path);
	return rc;
}
