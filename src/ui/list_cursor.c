/* list_cursor.c - the cursor of a list: moving it, folding under it, and remembering where it
 * was. It goes by rows of the window and lets list.c read the window anew around it. */
#include <stdlib.h>
#include <string.h>

#include "list_impl.h"
#include "str.h"

/* ---- moving ---- */

bool
list_move(struct list *l, long rows)
{
	size_t steps = (size_t)labs(rows);
	msg_id was = l->id;

	while (steps > 0 && l->n_rows > 0) {
		size_t room = rows > 0 ? l->n_rows - 1 - l->cursor : l->cursor;
		size_t d = steps < room ? steps : room;
		list_set_cursor(l, rows > 0 ? l->cursor + d : l->cursor - d);
		steps -= d;
		list_follow(l);
		if (d == 0)
			break;
	}
	return l->id != was;
}

bool
list_page(struct list *l, int half_pages)
{
	long d = (long)half_pages * l->height / 2;
	size_t line = l->cursor - l->top;
	bool moved = list_move(l, d);

	l->top = l->cursor > line ? l->cursor - line : 0;
	return moved;
}

bool
list_first(struct list *l)
{
	msg_id was = l->id;

	list_stop_waiting(l);
	list_load_top(l);
	return l->id != was;
}

bool
list_last(struct list *l)
{
	msg_id was = l->id;

	list_stop_waiting(l);
	list_load(l, &place_end, 0);
	list_set_cursor(l, l->n_rows);
	return l->id != was;
}

bool
list_thread(struct list *l, bool back)
{
	if (l->n_rows == 0)
		return false;
	uint32_t here = l->rows[l->cursor].unit;
	size_t i = l->cursor;
	if (back) {
		while (i > 0 && l->rows[i - 1].unit == here)
			i--;
		if (i == 0 && l->at_start)
			return list_first(l);
		uint32_t above = i > 0 ? l->rows[--i].unit : 0;
		while (i > 0 && l->rows[i - 1].unit == above)
			i--;
	} else {
		while (i < l->n_rows && l->rows[i].unit == here)
			i++;
		if (i == l->n_rows)
			return false;
	}
	list_set_cursor(l, i);
	list_follow(l);
	return true;
}

static void
unfold(struct list *l, uint64_t thread)
{
	if (l->is_all_folded)
		idset_add(&l->folds, thread);
	else
		idset_remove(&l->folds, thread);
}

bool
list_goto(struct list *l, msg_id id)
{
	struct place at;

	if (!source_place(&l->src, id, &at))
		return false;
	if (source_is_threaded(&l->src))
		unfold(l, (uint64_t)at.id);
	list_show(l, id, &at);
	return true;
}

/* ---- the cursor ---- */

const struct list_row *
list_cursor(struct list *l)
{
	return l->n_rows > 0 ? &l->rows[l->cursor] : NULL;
}

msg_id
list_cursor_id(const struct list *l)
{
	return l->id;
}

msg_id
list_open(struct list *l)
{
	const struct list_row *r = list_cursor(l);

	if (!r || r->n_folded == 0)
		return l->id;
	const struct unit *u = &l->units[r->unit];
	msg_id id = r->m->id;
	for (uint32_t i = u->n; i-- > 0;)
		if (!(u->msgs[u->rows[i].index].flags & MSG_SEEN))
			id = u->msgs[u->rows[i].index].id;
	list_goto(l, id);
	return id;
}

/* ---- folding ---- */

void
list_fold(struct list *l)
{
	const struct list_row *r = list_cursor(l);

	if (!r || !source_is_threaded(&l->src))
		return;
	uint64_t thread = (uint64_t)l->units[r->unit].at.id;
	if (idset_has(&l->folds, thread))
		idset_remove(&l->folds, thread);
	else
		idset_add(&l->folds, thread);
	list_load(l, &l->place, l->id);
}

void
list_fold_all(struct list *l)
{
	idset_clear(&l->folds);
	l->is_all_folded = !l->is_all_folded;
	if (l->id)
		list_load(l, &l->place, l->id);
}

static int
by_id(const void *a, const void *b)
{
	msg_id x = *(const msg_id *)a, y = *(const msg_id *)b;

	return (x > y) - (x < y);
}

size_t
list_folds(const struct list *l, bool *all, msg_id *out, size_t max)
{
	size_t n = 0, at = 0;
	uint64_t thread;

	*all = l->is_all_folded;
	while (n < max && (thread = idset_next(&l->folds, &at))) {
		struct arena a = { 0 };
		struct msg *m;
		if (store_thread(l->src.store, l->src.folders, l->src.n_folders,
			(thread_id)thread, 1, &a, &m) > 0)
			out[n++] = m->id;
		arena_clear(&a);
	}
	if (n > 0)			/* the set has no order, what is kept has one */
		qsort(out, n, sizeof *out, by_id);
	return n;
}

void
list_set_folds(struct list *l, bool all, const msg_id *ids, size_t n)
{
	idset_clear(&l->folds);
	l->is_all_folded = all;
	for (size_t i = 0; i < n; i++) {
		struct arena a = { 0 };
		struct msg m;
		if (store_msg(l->src.store, ids[i], &a, &m))
			idset_add(&l->folds, (uint64_t)m.thread);
		arena_clear(&a);
	}
	if (l->id)
		list_load(l, &l->place, l->id);
}

/* ---- leaving and returning ---- */

void
list_leave(struct list *l)
{
	const struct list_row *r = list_cursor(l);

	if (l->n_left == N_LEFT) {
		free(l->left[0].message_id);
		memmove(l->left, l->left + 1, --l->n_left * sizeof *l->left);
	}
	l->left[l->n_left++] = (struct left){ l->id, xstrdup(r ? r->m->message_id : "") };
}

void
list_stay(struct list *l)
{
	if (l->n_left > 0)
		free(l->left[--l->n_left].message_id);
}

void
list_return(struct list *l)
{
	list_stop_waiting(l);
	if (l->n_left > 0)
		l->awaited = l->left[--l->n_left];
	list_refresh(l);
}
