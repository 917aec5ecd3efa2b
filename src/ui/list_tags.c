/* list_tags.c - what is tagged in a list, and what an action is about. Tags are ids in a set,
 * so that no arrival, deletion or other order can put one on another message. */
#include <stdlib.h>

#include "list_impl.h"
#include "str.h"

static void
tag_unit(struct list *l, const struct unit *u, bool on)
{
	for (uint32_t i = 0; i < u->n; i++) {
		if (on)
			idset_add(&l->tags, (uint64_t)u->msgs[i].id);
		else
			idset_remove(&l->tags, (uint64_t)u->msgs[i].id);
	}
	list_lay_rows(l);
}

void
list_tag(struct list *l)
{
	struct list_row *r = l->n_rows > 0 ? &l->rows[l->cursor] : NULL;

	if (!r)
		return;
	if (r->n_folded) {
		tag_unit(l, &l->units[r->unit], !r->is_tagged);
		return;
	}
	if (r->is_tagged)
		idset_remove(&l->tags, (uint64_t)r->m->id);
	else
		idset_add(&l->tags, (uint64_t)r->m->id);
	r->is_tagged = !r->is_tagged;
}

void
list_tag_thread(struct list *l)
{
	const struct list_row *r = list_cursor(l);

	if (r)
		tag_unit(l, &l->units[r->unit], !r->is_tagged);
}

void
list_untag_all(struct list *l)
{
	idset_clear(&l->tags);
	list_lay_rows(l);
}

size_t
list_n_tagged(const struct list *l)
{
	return l->tags.n;
}

static void
add_target(msg_id **v, size_t *n, size_t *cap, msg_id id)
{
	*v = array_grow(*v, *n, cap, sizeof **v);
	(*v)[(*n)++] = id;
}

static msg_id *
ids_of(const struct idset *s, size_t *n)
{
	msg_id *v = NULL;
	size_t cap = 0, at = 0;
	uint64_t id;

	*n = 0;
	while ((id = idset_next(s, &at)) != 0)
		add_target(&v, n, &cap, (msg_id)id);
	return v;
}

msg_id *
list_targets(const struct list *l, bool tagged, size_t *n)
{
	msg_id *v = NULL;
	size_t cap = 0;

	if (tagged)
		return ids_of(&l->tags, n);
	*n = 0;
	if (l->n_rows > 0 && l->rows[l->cursor].n_folded) {
		const struct unit *u = &l->units[l->rows[l->cursor].unit];
		for (uint32_t i = 0; i < u->n; i++)
			add_target(&v, n, &cap, u->msgs[i].id);
	} else if (l->id) {
		add_target(&v, n, &cap, l->id);
	}
	return v;
}

msg_id *
list_collected(struct list *l, size_t *n)
{
	msg_id *v = ids_of(&l->collected, n);

	idset_clear(&l->collected);
	return v;
}
