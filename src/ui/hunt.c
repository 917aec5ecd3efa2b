/* hunt.c - searching through a list: forwards or back from the cursor, round the end,
 * until it is found or back where it began; or tagging all that fits. A slice reads a page of
 * units; keys are answered between slices. */
#include "list_impl.h"

enum { PAGE = 100, THREAD_PAGE = 30 };

void
hunt_clear(struct list *l)
{
	if (l->hunt.query && l->hunt.query != l->search)
		query_free(l->hunt.query);
	l->hunt = (struct hunt){ 0 };
}

void
list_stop(struct list *l)
{
	hunt_clear(l);
}

static bool
fits(const struct hunt *h, const struct msg *m)
{
	return h->query ? query_match(h->query, m) : !(m->flags & MSG_SEEN);
}

static const struct msg *
msg_at(const struct unit *u, uint32_t i)
{
	return &u->msgs[u->rows ? u->rows[i].index : i];
}

/* The first that fits in the unit, in display order (from the end when going back), behind
 * the message `after` where that is not 0. */
static msg_id
find_in_unit(const struct hunt *h, const struct unit *u, msg_id after)
{
	bool on = after == 0;

	for (uint32_t k = 0; k < u->n; k++) {
		const struct msg *m = msg_at(u, h->is_back ? u->n - 1 - k : k);
		if (on && fits(h, m))
			return m->id;
		on |= m->id == after;
	}
	return 0;
}

static void
end(struct list *l, enum list_search state)
{
	hunt_clear(l);
	l->hunt.state = state;
}

static void
tag_unit(struct list *l, const struct unit *u)
{
	for (uint32_t i = 0; i < u->n; i++)
		if (fits(&l->hunt, &u->msgs[i]))
			idset_add(l->hunt.into, (uint64_t)u->msgs[i].id);
}

/* True: the hunt goes on. */
static bool
look_at(struct list *l, const struct unit *u)
{
	struct hunt *h = &l->hunt;
	bool is_start = place_compare(&u->at, &h->start) == 0;

	if (h->into) {
		tag_unit(l, u);
		return true;
	}
	msg_id id = find_in_unit(h, u, is_start && !h->is_wrapped ? h->start_id : 0);
	if (id) {
		enum list_search state = h->is_wrapped ? SEARCH_WRAPPED : SEARCH_FOUND;
		struct place at = u->at;
		end(l, state);
		list_show(l, id, &at);
		return false;
	}
	if (is_start && h->is_wrapped)
		end(l, SEARCH_FAILED);
	return l->hunt.is_going;
}

/* The end of the list: once round, then it is over. */
static bool
wrap(struct list *l)
{
	struct hunt *h = &l->hunt;

	if (h->into) {
		end(l, h->into == &l->tags ? SEARCH_TAGGED : SEARCH_COLLECTED);
		list_refresh(l);
		return false;
	}
	if (h->is_wrapped) {
		end(l, SEARCH_FAILED);
		return false;
	}
	h->is_wrapped = true;
	h->at = h->is_back ? place_end : place_top;
	return true;
}

bool
hunt_slice(struct list *l)
{
	struct hunt *h = &l->hunt;
	struct arena a = { 0 };
	struct unit units[PAGE];
	size_t max = source_is_threaded(&l->src) ? THREAD_PAGE : PAGE;
	size_t n = source_read(&l->src, &h->at, h->is_back, h->is_fresh, max, &a, units);
	bool on = h->is_going;

	h->is_fresh = false;
	for (size_t i = 0; i < n && on; i++)
		on = look_at(l, &units[h->is_back ? n - 1 - i : i]);
	if (on && n > 0)
		h->at = units[h->is_back ? 0 : n - 1].at;
	if (on && n < max)
		on = wrap(l);
	arena_clear(&a);
	return on;
}

static void
load_names(struct list *l, struct query *q)
{
	places_load(&l->places, l->src.store, q, l->src.folders, l->src.n_folders);
	texts_load(&l->texts, l->src.store, q, l->src.folders, l->src.n_folders);
}

static enum list_search
start(struct list *l, struct query *q, bool back)
{
	hunt_clear(l);
	if (q)
		load_names(l, q);
	l->hunt = (struct hunt){ .query = q, .is_going = true, .is_fresh = true,
		.is_back = back, .at = l->place, .start = l->place, .start_id = l->id,
		.state = SEARCH_GOING };
	if (l->id == 0)
		end(l, SEARCH_FAILED);
	else
		for (int i = 0; i < 4 && l->hunt.is_going; i++)	/* most finds are near */
			hunt_slice(l);
	return l->hunt.is_going ? SEARCH_GOING : list_search_state(l);
}

enum err
list_search(struct list *l, const char *text, int64_t now, bool back, struct error *e)
{
	struct query *q = NULL;
	enum err rc = query_parse(&q, text, now, e);

	if (rc != ERR_OK)
		return rc;
	hunt_clear(l);
	query_free(l->search);
	l->search = q;
	l->hunt.state = start(l, q, back);
	return ERR_OK;
}

enum list_search
list_search_again(struct list *l, bool back)
{
	return l->search ? start(l, l->search, back) : SEARCH_NONE;
}

enum list_search
list_unread(struct list *l, bool back)
{
	return start(l, NULL, back);
}

enum err
list_tag_query(struct list *l, const char *text, int64_t now, struct error *e)
{
	struct query *q = NULL;
	enum err rc = query_parse(&q, text, now, e);

	if (rc != ERR_OK)
		return rc;
	hunt_clear(l);
	load_names(l, q);
	l->hunt = (struct hunt){ .query = q, .is_going = true, .into = &l->tags,
		.at = place_top, .state = SEARCH_GOING };
	hunt_slice(l);
	return ERR_OK;
}

void
list_collect_unread(struct list *l)
{
	hunt_clear(l);
	idset_clear(&l->collected);
	l->hunt = (struct hunt){ .is_going = true, .into = &l->collected, .at = place_top,
		.state = SEARCH_GOING };
	hunt_slice(l);
}

enum list_search
list_search_state(struct list *l)
{
	enum list_search s = l->hunt.state;

	if (s != SEARCH_GOING)
		l->hunt.state = SEARCH_NONE;
	return s;
}
