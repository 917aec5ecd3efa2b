/* source_gather.c - which messages fit a limit, or where they stand in another order than the
 * store's: looked for in slices, from the newest down, into the sorted sequence of a source.
 *
 * After a change all is gathered anew beside what shows. Of a wide source (very many folders)
 * that would never end while mail comes: there only the folders that changed are looked into
 * again, for what a message is, and where it stands, does not change. */
#include <stdlib.h>
#include <string.h>

#include "now.h"
#include "source_impl.h"
#include "str.h"

/* Of many folders each page asks all of them, so it is larger. */
enum { PAGE = 100, THREAD_PAGE = 12, WIDE_PAGE = 250, WIDE_THREAD_PAGE = 40 };

/* ---- the folders of a wide source ---- */

void
wide_clear(struct wide *w)
{
	free(w->v);
	free(w->scan);
	idset_clear(&w->dropped);
	*w = (struct wide){ 0 };
}

static void
look_at_folder(const struct source *s, folder_id id, const struct wide_folder *before,
	struct wide_folder *out)
{
	struct arena a = { 0 };
	struct folder f = { 0 };

	store_folder(s->store, id, &a, &f);
	*out = (struct wide_folder){ .id = id, .account = f.account,
		.is_repeat = f.role == ROLE_ALL || f.role == ROLE_FLAGGED,
		.n_msgs = f.n_msgs, .n_unread = f.n_unread, .uidnext = f.uidnext,
		.modseq = f.modseq };
	out->is_stale = !before || before->is_stale || before->n_msgs != out->n_msgs ||
		before->n_unread != out->n_unread || before->uidnext != out->uidnext ||
		before->modseq != out->modseq;
	arena_clear(&a);
}

static const struct wide_folder *
find_wide(const struct wide *w, folder_id id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].id == id)
			return &w->v[i];
	return NULL;
}

/* Looks at the folders anew; those that changed, or with `all` all of them, are what the round
 * is about. */
static void
choose_scan(struct source *s, bool all)
{
	struct wide *w = &s->wide;
	struct wide_folder *v = xcalloc(s->n_folders + 1, sizeof *v);

	free(w->scan);
	w->scan = xcalloc(s->n_folders + 1, sizeof *w->scan);
	w->n_scan = 0;
	for (size_t i = 0; i < s->n_folders; i++) {
		look_at_folder(s, s->folders[i], find_wide(w, s->folders[i]), &v[i]);
		if (all || v[i].is_stale)
			w->scan[w->n_scan++] = v[i].id;
		v[i].is_stale = false;
	}
	free(w->v);
	w->v = v;
	w->n = s->n_folders;
}

/* A copy that another folder shows already: of several repeating ones the first shows it. */
static bool
is_copy(const struct source *s, const struct msg *m)
{
	const struct wide *w = &s->wide;
	const struct wide_folder *f = s->is_wide ? find_wide(w, msg_folder(m->id)) : NULL;

	if (!f || !f->is_repeat)
		return false;
	folder_id *others = xcalloc(w->n, sizeof *others);
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].account == f->account &&
		    (!w->v[i].is_repeat || &w->v[i] < f))
			others[n++] = w->v[i].id;
	bool is = store_has_copy(s->store, others, n, m);
	free(others);
	return is;
}

void
source_drop(struct source *s, const struct place *p)
{
	sorted_remove(&s->all, p);
	if (s->is_wide && !source_is_threaded(s))
		idset_add(&s->wide.dropped, (uint64_t)p->id);
}

/* What was dropped may be there again: taken back, refused by the server. */
static void
pick_up(struct source *s)
{
	struct idset was = s->wide.dropped;
	size_t at = 0;
	uint64_t id;
	struct place p;

	s->wide.dropped = (struct idset){ 0 };
	while ((id = idset_next(&was, &at)) != 0) {
		if (source_would_be(s, (msg_id)id, &p))
			sorted_add(&s->all, &p);
		else
			idset_add(&s->wide.dropped, id);
	}
	idset_clear(&was);
}

/* ---- a round ---- */

static void
load_names(struct source *s)
{
	if (!s->query)
		return;
	texts_load(&s->texts, s->store, s->query, s->folders, s->n_folders);
	places_load(&s->places, s->store, s->query, s->folders, s->n_folders);
}

static void
round_start(struct source *s, bool anew)
{
	s->is_anew = anew;
	s->is_stale = false;
	s->is_gathering = source_is_array(s) && s->n_folders > 0;
	s->at = page_top;
	s->hit = 0;
	load_names(s);
}

void
source_gather_start(struct source *s, bool anew)
{
	sorted_clear(&s->next);
	if (!anew) {
		sorted_clear(&s->all);
		idset_clear(&s->fitted);
	}
	if (s->is_wide && source_is_array(s)) {
		choose_scan(s, true);
		idset_clear(&s->wide.dropped);
		s->wide.cut = page_end;
		s->wide.is_whole = true;
	}
	round_start(s, anew);
}

/* A thread's place changes with its messages, a message's never: so a flat wide list goes on
 * from what it has. */
static void
go_on(struct source *s)
{
	if (!s->is_wide || source_is_threaded(s)) {
		source_gather_start(s, true);
		return;
	}
	pick_up(s);
	choose_scan(s, false);
	s->wide.is_whole = false;
	round_start(s, false);
	s->is_gathering &= s->wide.n_scan > 0;
}

static bool
fits(struct source *s, const struct msg *m)
{
	if (!s->query || idset_has(&s->fitted, (uint64_t)m->id))
		return true;
	if (!query_match(s->query, m) || is_copy(s, m))
		return false;
	idset_add(&s->fitted, (uint64_t)m->id);
	return true;
}

/* The folders of this round. */
static const folder_id *
scan(const struct source *s, size_t *n)
{
	*n = s->is_wide ? s->wide.n_scan : s->n_folders;
	return s->is_wide ? s->wide.scan : s->folders;
}

static size_t
gather_messages(struct source *s, struct sorted *into)
{
	struct arena a = { 0 };
	size_t n_folders, max = s->is_wide ? WIDE_PAGE : PAGE;
	const folder_id *folders = scan(s, &n_folders);
	struct msg *msgs = arena_alloc(&a, max * sizeof *msgs);
	size_t n = store_page(s->store, folders, n_folders, s->at, false, max, &a, msgs);

	for (size_t i = 0; i < n; i++) {
		if (!fits(s, &msgs[i]))
			continue;
		struct place p = source_place_of_msg(s, &msgs[i]);
		sorted_add(into, &p);
	}
	if (n > 0)
		s->at = (struct page_key){ msgs[n - 1].arrived, msgs[n - 1].id };
	s->n_read += n;
	arena_clear(&a);
	return n;
}

static size_t
gather_threads(struct source *s, struct sorted *into)
{
	struct thread_head heads[WIDE_THREAD_PAGE];
	size_t n = store_threads(s->store, s->folders, s->n_folders, s->at, false,
		s->is_wide ? WIDE_THREAD_PAGE : THREAD_PAGE, heads);

	for (size_t i = 0; i < n; i++) {
		struct arena a = { 0 };
		struct msg *msgs;
		size_t n_msgs = store_thread(s->store, s->folders, s->n_folders, heads[i].id,
			THREAD_ROWS_MAX, &a, &msgs);
		bool any = false;
		for (size_t j = 0; j < n_msgs; j++)
			any |= fits(s, &msgs[j]);
		struct place p = source_place_of_thread(s, heads[i].id, msgs, n_msgs);
		if (any)
			sorted_add(into, &p);
		s->n_read += n_msgs;
		arena_clear(&a);
	}
	if (n > 0)
		s->at = (struct page_key){ heads[n - 1].newest, (int64_t)heads[n - 1].id };
	return n;
}

/* The messages that have the words, instead of all that there are. */
static size_t
gather_hits(struct source *s, size_t body, struct sorted *into)
{
	size_t n = 0;

	for (msg_id id; n < PAGE && (id = texts_next(&s->texts, body, s->hit)) != 0; n++) {
		struct arena a = { 0 };
		struct msg m;
		struct place p;
		s->hit = id;
		s->n_read++;
		if (store_msg(s->store, id, &a, &m) && fits(s, &m) &&
		    source_would_be(s, id, &p))
			sorted_add(into, &p);
		arena_clear(&a);
	}
	return n;
}

static size_t
gather_some(struct source *s, struct sorted *into)
{
	size_t body;

	if (s->query && query_needs_body(s->query, &body))
		return gather_hits(s, body, into);
	return source_is_threaded(s) ? gather_threads(s, into) : gather_messages(s, into);
}

/* A wide list has what it may have, or this round is where an earlier one stopped. */
static bool
is_enough(struct source *s, const struct sorted *into)
{
	if (!s->is_wide)
		return false;
	if (s->at.arrived < s->wide.cut.arrived)
		return true;
	if (!s->wide.is_whole || !s->max || into->n < s->max)
		return false;
	s->wide.cut = s->at;
	return true;
}

static void
gather_end(struct source *s)
{
	if (s->is_anew) {
		sorted_clear(&s->all);
		s->all = s->next;
		s->next = (struct sorted){ 0 };
	}
	s->is_gathering = false;
}

bool
source_gather(struct source *s, int budget_us)
{
	int64_t start = now_us();

	if (!s->is_gathering && s->is_stale)
		go_on(s);
	while (s->is_gathering) {
		struct sorted *into = s->is_anew ? &s->next : &s->all;
		if (gather_some(s, into) == 0 || is_enough(s, into))
			gather_end(s);
		if (now_us() - start >= budget_us)
			break;
	}
	return s->is_gathering || s->is_stale;
}

void
source_changed(struct source *s)
{
	s->is_stale = source_is_array(s);
}

void
source_changed_in(struct source *s, folder_id id)
{
	for (size_t i = 0; i < s->wide.n; i++)
		s->wide.v[i].is_stale |= s->wide.v[i].id == id;
	source_changed(s);
}

void
source_stop(struct source *s)
{
	if (!s->is_gathering)
		return;
	s->wide.cut = s->at;
	gather_end(s);
	s->is_stale = false;
}
