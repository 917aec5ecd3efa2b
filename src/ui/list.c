/* list.c - a window of rows around the cursor.
 *
 * Whatever happens (a move beyond the window, a change in the store, another order), the
 * window is read anew around one message, the cursor's, at its place; so there is one way to
 * build it and nothing to keep in step. It holds a few screens, so that moving reads the store
 * once a screen. Invariant: rows[cursor] shows the message `id` (a folded thread shows all of
 * its messages), or the window is empty and id is 0. */
#include <stdlib.h>
#include <string.h>

#include "list_impl.h"
#include "str.h"

struct list *
list_new(const struct store *s)
{
	struct list *l = xcalloc(1, sizeof *l);

	l->src.store = s;
	l->height = 24;
	return l;
}

void
list_stop_waiting(struct list *l)
{
	free(l->awaited.message_id);
	l->awaited = (struct left){ 0 };
	l->want = 0;
	l->is_fresh = false;
}

static void
forget_left(struct list *l)
{
	while (l->n_left > 0)
		free(l->left[--l->n_left].message_id);
	list_stop_waiting(l);
}

void
list_free(struct list *l)
{
	if (!l)
		return;
	hunt_clear(l);
	query_free(l->search);
	texts_clear(&l->texts);
	places_clear(&l->places);
	forget_left(l);
	source_clear(&l->src);
	arena_clear(&l->arena);
	idset_clear(&l->tags);
	idset_clear(&l->folds);
	idset_clear(&l->collected);
	free(l->units);
	free(l->rows);
	free(l);
}

const struct source *
list_source(const struct list *l)
{
	return &l->src;
}

/* ---- the window ---- */

static bool
is_folded(const struct list *l, const struct unit *u)
{
	return u->rows && u->n > 1 &&
		l->is_all_folded != idset_has(&l->folds, (uint64_t)u->at.id);
}

static struct list_row *
add_row(struct list *l)
{
	l->rows = array_grow(l->rows, l->n_rows, &l->cap_rows, sizeof *l->rows);
	struct list_row *r = &l->rows[l->n_rows++];
	*r = (struct list_row){ 0 };
	return r;
}

static void
add_folded(struct list *l, const struct unit *u, uint32_t k)
{
	struct list_row *r = add_row(l);

	r->m = &u->msgs[0];
	for (uint32_t i = 0; i < u->n; i++) {
		if (u->msgs[i].arrived > r->m->arrived)
			r->m = &u->msgs[i];
		r->is_tagged |= idset_has(&l->tags, (uint64_t)u->msgs[i].id);
	}
	r->root = &u->msgs[u->rows[0].index];
	r->unit = k;
	r->n_folded = u->n;
	r->n_unread = u->n_unread;
}

static void
add_unit_rows(struct list *l, const struct unit *u, uint32_t k)
{
	if (is_folded(l, u)) {
		add_folded(l, u, k);
		return;
	}
	for (uint32_t i = 0; i < u->n; i++) {
		struct list_row *r = add_row(l);
		r->unit = k;
		r->m = r->root = &u->msgs[i];
		if (u->rows) {
			const struct thread_row *t = &u->rows[i];
			r->m = &u->msgs[t->index];
			r->root = &u->msgs[u->rows[0].index];
			r->depth = t->depth;
			r->rails = t->rails;
			r->is_last = t->is_last;
		}
		r->is_tagged = idset_has(&l->tags, (uint64_t)r->m->id);
	}
}

static bool
unit_has(const struct unit *u, msg_id id)
{
	for (uint32_t i = 0; i < u->n; i++)
		if (u->msgs[i].id == id)
			return true;
	return false;
}

void
list_set_cursor(struct list *l, size_t row)
{
	if (l->n_rows == 0) {
		l->cursor = 0;
		l->id = 0;
		return;
	}
	l->cursor = row < l->n_rows ? row : l->n_rows - 1;
	const struct list_row *r = &l->rows[l->cursor];
	const struct unit *u = &l->units[r->unit];
	if (r->n_folded == 0 || !unit_has(u, l->id))
		l->id = r->m->id;
	l->place = u->at;
}

void
list_lay_rows(struct list *l)
{
	l->n_rows = 0;
	for (size_t k = 0; k < l->n_units; k++)
		add_unit_rows(l, &l->units[k], (uint32_t)k);
	if (l->at_start && l->n_rows > 0)
		l->newest_uid = msg_uid(l->rows[0].m->id);
}

/* Reads the units around a place. Returns the row where those from the place on begin. */
static size_t
read_window(struct list *l, const struct place *at)
{
	size_t margin = (size_t)l->height + 10, first = 0;

	arena_clear(&l->arena);
	if (l->cap_units < margin * 2 + 1) {
		l->cap_units = margin * 2 + 1;
		l->units = xreallocarray(l->units, l->cap_units, sizeof *l->units);
	}
	size_t before = source_read(&l->src, at, true, false, margin, &l->arena, l->units);
	size_t after = source_read(&l->src, at, false, true, margin + 1, &l->arena,
		l->units + before);
	l->n_units = before + after;
	l->at_start = before < margin;
	l->at_end = after < margin + 1;
	list_lay_rows(l);
	while (first < l->n_rows && l->rows[first].unit < before)
		first++;
	return first;
}

static size_t
find_row(const struct list *l, msg_id id, size_t otherwise)
{
	for (size_t i = 0; i < l->n_rows; i++) {
		const struct list_row *r = &l->rows[i];
		if (r->n_folded ? unit_has(&l->units[r->unit], id) : r->m->id == id)
			return i;
	}
	return otherwise;
}

/* Reads the window around `at` with the cursor on `id`, or else on what follows. The
 * cursor's line on the screen stays, but a list that was at its top stays there. */
void
list_load(struct list *l, const struct place *at, msg_id id)
{
	bool was_top = l->at_start && l->top == 0;
	size_t line = l->cursor - l->top;
	size_t first = read_window(l, at);

	l->id = id;
	list_set_cursor(l, find_row(l, id, first));
	bool stays_top = was_top && l->at_start && l->cursor < (size_t)l->height;
	l->top = stays_top || l->cursor < line ? 0 : l->cursor - line;
}

void
list_show(struct list *l, msg_id id, const struct place *at)
{
	list_stop_waiting(l);
	list_load(l, at, id);
}

void
list_load_top(struct list *l)
{
	l->cursor = l->top = 0;
	l->at_start = true;
	list_load(l, &place_top, 0);
	l->top = 0;
}

/* Where the cursor goes when its message is gone: the rest of the same folded thread, else
 * the next row down that is still there. */
static bool
find_heir(struct list *l, msg_id *id, struct place *at)
{
	for (size_t i = l->cursor; i < l->n_rows; i++) {
		const struct list_row *r = &l->rows[i];
		const struct unit *u = &l->units[r->unit];
		for (uint32_t j = 0; j < u->n; j++) {
			if (r->n_folded == 0 && u->msgs[j].id != r->m->id)
				continue;
			*id = u->msgs[j].id;
			if (source_place(&l->src, *id, at))
				return true;
		}
	}
	return false;
}

/* What was undone may come back at once, or from the server with another UID. */
static bool
go_to_awaited(struct list *l)
{
	struct place at;
	msg_id id = l->awaited.id;

	if (id == 0)
		return false;
	source_restore(&l->src, id);
	if (!source_place(&l->src, id, &at) && *l->awaited.message_id) {
		id = store_find(l->src.store, msg_folder(id), l->awaited.message_id);
		source_adopt(&l->src, l->awaited.id, id);
		if (!source_place(&l->src, id, &at))
			return false;
	}
	list_show(l, id, &at);
	return true;
}

/* A header that is gone may have become the whole message, which is another
 * one: the cursor waits for it. */
static bool
go_to_whole(struct list *l)
{
	const struct msg *m = l->cursor < l->n_rows ? l->rows[l->cursor].m : NULL;

	if (!m || m->id != l->id || !(m->flags & MSG_HEADER_ONLY) || !*m->message_id)
		return false;
	l->awaited = (struct left){ m->id, xstrdup(m->message_id) };
	return go_to_awaited(l);
}

/* Reads the window again after a change in the store. */
static void
reread(struct list *l)
{
	struct place at = l->place;
	msg_id id = l->id;

	if (go_to_awaited(l))
		return;
	if (l->want && source_place(&l->src, l->want, &at)) {
		list_show(l, l->want, &at);
		return;
	}
	if (id == 0 || l->is_fresh) {
		list_load_top(l);
		return;
	}
	if (!source_place(&l->src, id, &at) && source_is_still_at(&l->src, id, &l->place)) {
		at = l->place;
	} else if (!source_place(&l->src, id, &at)) {
		if (go_to_whole(l))
			return;
		if (!find_heir(l, &id, &at)) {
			id = 0;
			at = l->place;
		}
	}
	list_load(l, &at, id);
}

void
list_refresh(struct list *l)
{
	source_changed(&l->src);
	reread(l);
}

void
list_mark(struct list *l, folder_id id)
{
	source_changed_in(&l->src, id);
}

/* All is gathered: what was wanted is not in the list, so the cursor
 * goes where it would be. */
static void
settle(struct list *l)
{
	struct place at;
	msg_id want = l->want;

	l->want = 0;
	l->is_fresh = false;
	if (want && source_would_be(&l->src, want, &at))
		list_show(l, 0, &at);
}

/* Whether what was gathered may show in the window. By date it comes at the end. */
static bool
is_window_stale(const struct list *l)
{
	return l->want || l->at_end || l->src.order != ORDER_DATE || l->src.is_reverse ||
		!l->src.is_gathering;
}

bool
list_idle(struct list *l, bool *changed)
{
	size_t n = l->src.all.n;
	bool was_gathering = l->src.is_gathering, was_hunting = l->hunt.is_going;
	bool more = source_gather(&l->src, LIST_SLICE_US);

	if (l->src.all.n != n || was_gathering != l->src.is_gathering) {
		if (is_window_stale(l))
			reread(l);
		*changed = true;
	}
	if (was_gathering && !l->src.is_gathering)
		settle(l);
	if (was_hunting) {
		more |= hunt_slice(l);
		*changed |= !l->hunt.is_going;
	}
	return more;
}

void
list_stop_gathering(struct list *l)
{
	source_stop(&l->src);
	reread(l);
	settle(l);
}

bool
list_is_busy(const struct list *l)
{
	return l->src.is_gathering || l->hunt.is_going;
}

/* ---- what it shows ---- */

static void
forget_all(struct list *l)
{
	hunt_clear(l);
	idset_clear(&l->tags);
	idset_clear(&l->folds);
	l->is_all_folded = false;
	forget_left(l);
}

void
list_folders(struct list *l, const folder_id *folders, size_t n)
{
	forget_all(l);
	source_limit(&l->src, NULL, NULL);
	source_folders(&l->src, folders, n);
	l->is_fresh = source_is_array(&l->src);
	list_load_top(l);
}

void
list_find(struct list *l, const folder_id *folders, size_t n, size_t max, const char *text,
	struct query *q)
{
	forget_all(l);
	source_folders(&l->src, NULL, 0);
	source_limit(&l->src, text, q);
	source_wide(&l->src, folders, n, max);
	source_gather(&l->src, LIST_SLICE_US);
	l->is_fresh = source_is_array(&l->src);
	list_load_top(l);
	if (!l->src.is_gathering)
		settle(l);
}

void
list_other_folders(struct list *l, const folder_id *folders, size_t n)
{
	source_other_folders(&l->src, folders, n);
	reread(l);
}

/* The source begins anew; the cursor's message is looked for as it comes by. */
static void
start_over(struct list *l)
{
	struct place at;
	msg_id id = l->id;

	list_stop(l);
	source_gather(&l->src, LIST_SLICE_US);
	if (source_place(&l->src, id, &at)) {
		list_show(l, id, &at);
		return;
	}
	l->is_fresh = source_is_array(&l->src);
	l->want = id;
	list_load_top(l);
	if (!l->src.is_gathering)
		settle(l);
}

enum err
list_limit(struct list *l, const char *text, int64_t now, struct error *e)
{
	struct query *q = NULL;

	if (text[strspn(text, " ")] == '\0') {
		source_limit(&l->src, NULL, NULL);
	} else {
		enum err rc = query_parse(&q, text, now, e);
		if (rc != ERR_OK)
			return rc;
		source_limit(&l->src, text, q);
	}
	start_over(l);
	return ERR_OK;
}

const char *
list_limit_text(const struct list *l)
{
	return l->src.limit;
}

void
list_order(struct list *l, enum list_order order, bool is_reverse, bool threads)
{
	source_order(&l->src, order, is_reverse, threads);
	start_over(l);
}

/* ---- the screen ---- */

static bool
is_window_short(const struct list *l)
{
	size_t h = (size_t)l->height;

	return (l->cursor + h >= l->n_rows && !l->at_end) || (l->cursor < h && !l->at_start);
}

void
list_follow(struct list *l)
{
	list_stop_waiting(l);
	if (is_window_short(l))
		list_load(l, &l->place, l->id);
}

static void
scroll(struct list *l, int context)
{
	size_t h = (size_t)l->height;
	size_t c = (size_t)context < h / 2 ? (size_t)context : (h - 1) / 2;

	if (l->top > l->cursor || l->cursor - l->top < c)
		l->top = l->cursor > c ? l->cursor - c : 0;
	if (l->cursor + c >= l->top + h)
		l->top = l->cursor + c + 1 - h;
	if (l->top + h > l->n_rows)
		l->top = l->n_rows > h ? l->n_rows - h : 0;
}

size_t
list_screen(struct list *l, int height, int context, const struct list_row **rows,
	size_t *cursor)
{
	l->height = height > 1 ? height : 1;
	if (l->id && is_window_short(l))
		list_load(l, &l->place, l->id);
	scroll(l, context > 0 ? context : 0);
	*rows = l->rows + l->top;
	*cursor = l->cursor - l->top;
	size_t left = l->n_rows - l->top;
	return left < (size_t)height ? left : (size_t)height;
}

void
list_click(struct list *l, size_t row_on_screen)
{
	if (l->top + row_on_screen < l->n_rows) {
		list_set_cursor(l, l->top + row_on_screen);
		list_follow(l);
	}
}

/* ---- how many, and where ---- */

size_t
list_count(const struct list *l)
{
	return l->src.query && source_is_threaded(&l->src) ? l->src.fitted.n : l->src.all.n;
}

/* In one folder UIDs grow with arrival, which tells the place well enough without counting. */
int
list_percent(const struct list *l)
{
	size_t h = (size_t)l->height, uid = msg_uid(l->id), newest = l->newest_uid;

	if (l->n_rows == 0 || (l->at_start && l->at_end && l->n_rows <= h))
		return -1;
	if (l->at_start && l->top == 0)
		return 0;
	if (l->at_end && l->top + h >= l->n_rows)
		return 100;
	if (source_is_array(&l->src))
		return (int)(sorted_rank(&l->src.all, &l->place) * 100 / (l->src.all.n + 1));
	if (l->src.n_folders != 1 || newest == 0 || uid > newest)
		return -1;
	return (int)((newest - uid) * 100 / newest);
}
