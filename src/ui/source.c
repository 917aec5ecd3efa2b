/* source.c - units from the store's pages, or from the gathered sequence.
 *
 * A place is always in the store's direction (newest first, texts upwards); a reversed list
 * reads backwards. So a place stays good when the direction changes. source_gather.c makes the
 * gathered sequence. */
#include <stdlib.h>
#include <string.h>

#include "source_impl.h"
#include "str.h"
#include "utf8.h"

bool
source_is_threaded(const struct source *s)
{
	return s->wants_threads;
}

bool
source_is_array(const struct source *s)
{
	return s->query || s->order != ORDER_DATE;
}

bool
source_has_folder(const struct source *s, folder_id id)
{
	for (size_t i = 0; i < s->n_folders; i++)
		if (s->folders[i] == id)
			return true;
	return false;
}

/* ---- places ---- */

static void
text_key(unsigned char key[16], const char *text)
{
	struct str clean = { 0 };

	text_clean(&clean, text, strnlen(text, 200), CLEAN_LINE);
	const char *p = str_get(&clean);
	char *folded = text_fold(p + strspn(p, " \"'"));
	memcpy(key, folded, strnlen(folded, 16));
	free(folded);
	str_clear(&clean);
}

static void
size_key(unsigned char key[16], uint64_t size_bytes)
{
	for (int i = 0; i < 8; i++)
		key[i] = (unsigned char)(~size_bytes >> (56 - 8 * i));
}

static void
order_key(const struct source *s, unsigned char key[16], const struct msg *m,
	uint64_t size_bytes)
{
	if (s->order == ORDER_SENDER)
		text_key(key, *m->from_name ? m->from_name : m->from_addr);
	else if (s->order == ORDER_SUBJECT)
		text_key(key, msg_base_subject(m->subject));
	else if (s->order == ORDER_SIZE)
		size_key(key, size_bytes);
}

struct place
source_place_of_msg(const struct source *s, const struct msg *m)
{
	struct place p = { .arrived = m->arrived, .id = m->id };

	order_key(s, p.text, m, m->size_bytes);
	return p;
}

/* A thread (its messages oldest first) stands where its newest is; in another order by who
 * began it, about what, or how large all of it is. */
struct place
source_place_of_thread(const struct source *s, thread_id id, const struct msg *msgs, size_t n)
{
	struct place p = { .arrived = INT64_MIN, .id = (int64_t)id };
	uint64_t size_bytes = 0;

	for (size_t i = 0; i < n; i++) {
		if (msgs[i].arrived > p.arrived)
			p.arrived = msgs[i].arrived;
		size_bytes += msgs[i].size_bytes;
	}
	if (n > 0)
		order_key(s, p.text, &msgs[0], size_bytes);
	return p;
}

/* ---- reading units ---- */

static struct unit
unit_of_msg(const struct source *s, struct msg *m)
{
	return (struct unit){ .at = source_place_of_msg(s, m), .msgs = m, .n = 1,
		.n_unread = !(m->flags & MSG_SEEN) };
}

/* Under a limit only what fitted is a row of the thread. */
static size_t
keep_fitted(const struct source *s, struct msg *msgs, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (idset_has(&s->fitted, (uint64_t)msgs[i].id))
			msgs[kept++] = msgs[i];
	return kept;
}

/* Reads the thread at `at`. False: nothing of it is left. */
static bool
unit_of_thread(struct source *s, const struct place *at, struct arena *a, struct unit *out)
{
	struct unit u = { .at = *at };
	size_t n = store_thread(s->store, s->folders, s->n_folders, (thread_id)at->id,
		THREAD_ROWS_MAX, a, &u.msgs);

	s->n_read += n;
	if (s->query)
		n = keep_fitted(s, u.msgs, n);
	if (n == 0)
		return false;
	u.n = (uint32_t)n;
	u.rows = arena_alloc(a, n * sizeof *u.rows);
	thread_layout(u.msgs, n, u.rows);
	for (size_t i = 0; i < n; i++)
		u.n_unread += !(u.msgs[i].flags & MSG_SEEN);
	*out = u;
	return true;
}

/* The place next to p in list order. */
static bool
array_step(const struct source *s, const struct place *p, bool back, struct place *out)
{
	return back != s->is_reverse ? sorted_before(&s->all, p, out)
		: sorted_after(&s->all, p, out);
}

static bool
array_unit(struct source *s, const struct place *p, struct arena *a, struct unit *out)
{
	if (source_is_threaded(s))
		return unit_of_thread(s, p, a, out);
	struct msg *m = arena_alloc(a, sizeof *m);
	s->n_read++;
	if (!source_has_folder(s, msg_folder(p->id)) || !store_msg(s->store, p->id, a, m))
		return false;
	*out = unit_of_msg(s, m);
	out->at = *p;
	return true;
}

/* Messages that are gone leave the sequence when they are met. */
static size_t
read_array(struct source *s, const struct place *from, bool back, bool inclusive, size_t max,
	struct arena *a, struct unit *out)
{
	struct place p = *from;
	size_t n = 0;
	bool more = inclusive && sorted_has(&s->all, &p);

	if (!more)
		more = array_step(s, &p, back, &p);
	while (n < max && more) {
		if (array_unit(s, &p, a, &out[n]))
			n++;
		else
			source_drop(s, &p);
		more = array_step(s, &p, back, &p);
	}
	return n;
}

/* The page key just before (or behind) p, so that p itself is in the page. */
static struct page_key
page_key_of(const struct place *p, bool newer, bool inclusive)
{
	struct page_key k = { p->arrived, p->id };

	if (p->id == INT64_MAX)
		return page_top;
	if (p->id == INT64_MIN)
		return page_end;
	if (inclusive)
		k.id += newer ? -1 : 1;
	return k;
}

static size_t
read_messages(struct source *s, struct page_key from, bool newer, size_t max, struct arena *a,
	struct unit *out)
{
	struct msg *msgs = arena_alloc(a, max * sizeof *msgs);
	size_t n = store_page(s->store, s->folders, s->n_folders, from, newer, max, a, msgs);

	s->n_read += n;
	for (size_t i = 0; i < n; i++)
		out[i] = unit_of_msg(s, &msgs[i]);
	return n;
}

static size_t
read_threads(struct source *s, struct page_key from, bool newer, size_t max, struct arena *a,
	struct unit *out)
{
	struct thread_head *heads = arena_alloc(a, max * sizeof *heads);
	size_t n = store_threads(s->store, s->folders, s->n_folders, from, newer, max, heads);
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct place p = { .arrived = heads[i].newest, .id = (int64_t)heads[i].id };
		if (unit_of_thread(s, &p, a, &out[kept]))
			kept++;
	}
	return kept;
}

/* In-place; the store answers in its own order. */
static void
turn_round(struct unit *u, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct unit t = u[i];
		u[i] = u[n - 1 - i];
		u[n - 1 - i] = t;
	}
}

size_t
source_read(struct source *s, const struct place *from, bool back, bool inclusive, size_t max,
	struct arena *a, struct unit *out)
{
	bool newer = back != s->is_reverse, is_edge = from->id == INT64_MAX ||
		from->id == INT64_MIN;
	struct place p = *from;
	size_t n;

	if (s->n_folders == 0 || max == 0)
		return 0;
	if (is_edge && s->is_reverse)
		p = from->id == INT64_MAX ? place_end : place_top;
	if (source_is_array(s)) {
		n = read_array(s, &p, back, inclusive, max, a, out);
		if (back)
			turn_round(out, n);
		return n;
	}
	struct page_key k = page_key_of(&p, newer, inclusive);
	n = source_is_threaded(s) ? read_threads(s, k, newer, max, a, out)
		: read_messages(s, k, newer, max, a, out);
	if (s->is_reverse)
		turn_round(out, n);
	return n;
}

static struct place
find_thread(const struct source *s, thread_id id, struct arena *a)
{
	struct msg *msgs;
	size_t n = store_thread(s->store, s->folders, s->n_folders, id, THREAD_ROWS_MAX, a,
		&msgs);

	return source_place_of_thread(s, id, msgs, n);
}

bool
source_would_be(struct source *s, msg_id id, struct place *out)
{
	struct arena a = { 0 };
	struct msg m;
	bool exists = id != 0 && source_has_folder(s, msg_folder(id)) &&
		store_msg(s->store, id, &a, &m);

	if (exists)
		*out = source_is_threaded(s)
			? find_thread(s, m.thread, &a) : source_place_of_msg(s, &m);
	arena_clear(&a);
	return exists;
}

bool
source_place(struct source *s, msg_id id, struct place *out)
{
	if (s->query && !idset_has(&s->fitted, (uint64_t)id))
		return false;
	return source_would_be(s, id, out) &&
		(!source_is_array(s) || sorted_has(&s->all, out));
}

bool
source_is_still_at(const struct source *s, msg_id id, const struct place *at)
{
	struct arena a = { 0 };
	struct msg m;
	bool is = source_is_threaded(s) && source_is_array(s) && sorted_has(&s->all, at) &&
		(!s->query || idset_has(&s->fitted, (uint64_t)id)) &&
		store_msg(s->store, id, &a, &m) && (int64_t)m.thread == at->id;

	arena_clear(&a);
	return is;
}

void
source_restore(struct source *s, msg_id id)
{
	struct place p;

	if (source_is_array(s) && (!s->query || idset_has(&s->fitted, (uint64_t)id)) &&
	    source_would_be(s, id, &p))
		sorted_add(&s->all, &p);
}

void
source_adopt(struct source *s, msg_id old, msg_id id)
{
	if (s->query && id && idset_has(&s->fitted, (uint64_t)old))
		idset_add(&s->fitted, (uint64_t)id);
	source_restore(s, id);
}

/* ---- what is asked for ---- */

static void
set_folders(struct source *s, const folder_id *folders, size_t n)
{
	free(s->folders);
	s->folders = n ? xmemdup(folders, n * sizeof *folders) : NULL;
	s->n_folders = n;
}

void
source_folders(struct source *s, const folder_id *folders, size_t n)
{
	set_folders(s, folders, n);
	s->is_wide = false;
	source_gather_start(s, false);
}

void
source_wide(struct source *s, const folder_id *folders, size_t n, size_t max)
{
	set_folders(s, folders, n);
	s->is_wide = true;
	s->max = max;
	source_gather_start(s, false);
}

void
source_other_folders(struct source *s, const folder_id *folders, size_t n)
{
	set_folders(s, folders, n);
	source_changed(s);
}

void
source_limit(struct source *s, const char *limit, struct query *query)
{
	char *copy = xstrdup(limit);

	free(s->limit);
	query_free(s->query);
	texts_clear(&s->texts);
	places_clear(&s->places);
	s->limit = copy;
	s->query = query;
	source_gather_start(s, false);
}

void
source_order(struct source *s, enum list_order order, bool is_reverse, bool wants_threads)
{
	bool same = s->order == order && s->wants_threads == wants_threads;

	s->order = order;
	s->is_reverse = is_reverse;
	s->wants_threads = wants_threads;
	if (!same)
		source_gather_start(s, false);
}

void
source_clear(struct source *s)
{
	free(s->folders);
	free(s->limit);
	query_free(s->query);
	texts_clear(&s->texts);
	places_clear(&s->places);
	wide_clear(&s->wide);
	sorted_clear(&s->all);
	sorted_clear(&s->next);
	idset_clear(&s->fitted);
	*s = (struct source){ 0 };
}
