/* thread.c - a forest over the ids that the messages of one thread name.
 *
 * Each id is a node, whether its message is here or not. A message's own word on its parent
 * counts most; what others' References say fills in where it has none. Links are made without
 * looking for loops, each node having one parent at most; then one pass finds every loop
 * and cuts it, and another skips the nodes without a message. So all of it is linear but
 * for one sort by date, and nothing recurses: a thread may be 10,000 deep.
 *
 * Of a message's references the oldest and the newest few dozen are looked at: a chain
 * where that many in a row are missing is no tree that a person would recognise. */
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "thread.h"

enum { MAX_REFS = 40, MAX_SPANS = 20000 };

static const uint32_t NONE = UINT32_MAX;

struct span {
	const char *s;
	size_t len;
};

/* ---- ids to numbers, in order of appearance ---- */

struct id_table {
	struct span *ids;
	size_t n, cap;
	uint32_t *slots;		/* open addressing; NONE is free */
	size_t n_slots;			/* a power of two, at least twice n */
	uint64_t seed;
};

/* Seeded with an address, which an attacker does not know, so that
 * ids made to collide do not. */
static uint64_t
hash(const struct id_table *t, struct span id)
{
	uint64_t h = t->seed ^ 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < id.len; i++) {
		h = (h ^ (unsigned char)id.s[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 29;
	}
	return h;
}

static void
ids_init(struct id_table *t)
{
	*t = (struct id_table){ .n_slots = 64 };
	t->slots = xmalloc(t->n_slots * sizeof *t->slots);
	memset(t->slots, 0xff, t->n_slots * sizeof *t->slots);
	t->seed = (uint64_t)(uintptr_t)t->slots >> 4;
}

static void
ids_clear(struct id_table *t)
{
	free(t->ids);
	free(t->slots);
}

static uint32_t *
slot_of(const struct id_table *t, struct span id)
{
	for (uint64_t i = hash(t, id); ; i++) {
		uint32_t *slot = &t->slots[i & (t->n_slots - 1)];
		if (*slot == NONE)
			return slot;
		const struct span *have = &t->ids[*slot];
		if (have->len == id.len && memcmp(have->s, id.s, id.len) == 0)
			return slot;
	}
}

static void
ids_widen(struct id_table *t)
{
	t->n_slots *= 2;
	t->slots = xreallocarray(t->slots, t->n_slots, sizeof *t->slots);
	memset(t->slots, 0xff, t->n_slots * sizeof *t->slots);
	for (size_t i = 0; i < t->n; i++)
		*slot_of(t, t->ids[i]) = (uint32_t)i;
}

/* The number of the id; *is_new says whether it was given now. */
static uint32_t
ids_number(struct id_table *t, struct span id, bool *is_new)
{
	if (t->n * 2 >= t->n_slots)
		ids_widen(t);
	uint32_t *slot = slot_of(t, id);
	*is_new = *slot == NONE;
	if (*is_new) {
		t->ids = array_grow(t->ids, t->n, &t->cap, sizeof *t->ids);
		t->ids[t->n] = id;
		*slot = (uint32_t)t->n++;
	}
	return *slot;
}

/* ---- what one message names ---- */

static bool
next_id(const char **text, struct span *out)
{
	const char *s = *text + strspn(*text, " \t\r\n<>,");

	out->s = s;
	out->len = strcspn(s, " \t\r\n<>,");
	*text = s + out->len;
	return out->len > 0;
}

/* All ancestors, oldest first; the table is scratch to find duplicates with. */
static size_t
collect(const struct msg *m, struct id_table *seen)
{
	const char *texts[] = { m->references, m->in_reply_to };
	struct span id, own = { m->message_id, strlen(m->message_id) };
	bool is_new;

	for (size_t i = 0; i < LEN(texts); i++) {
		for (const char *t = texts[i]; seen->n < MAX_SPANS && next_id(&t, &id); ) {
			if (id.len != own.len || memcmp(id.s, own.s, id.len) != 0)
				ids_number(seen, id, &is_new);
		}
	}
	return seen->n;
}

/* Up to max of the ancestors: the oldest and the newest. */
static size_t
ancestors(const struct msg *m, struct span *out, size_t max)
{
	struct id_table seen;

	if (max == 0 || (!*m->references && !*m->in_reply_to))
		return 0;
	ids_init(&seen);
	size_t n = collect(m, &seen), skip = n > max ? n - max : 0;
	for (size_t i = 0; i + skip < n; i++)
		out[i] = seen.ids[i + skip];
	if (skip > 0 && max > 1)
		out[0] = seen.ids[0];
	ids_clear(&seen);
	return n - skip;
}

size_t
thread_ancestors(const struct msg *m, char *buf, size_t bufsize, const char **out, size_t max)
{
	struct span *ids = xcalloc(max < MAX_SPANS ? max : MAX_SPANS, sizeof *ids);
	size_t n = ancestors(m, ids, max < MAX_SPANS ? max : MAX_SPANS);
	size_t used = 0, kept = n;

	/* From the newest back, into the end of out; then moved to its front. */
	for (; kept > 0 && ids[kept - 1].len < bufsize - used; kept--) {
		struct span id = ids[kept - 1];
		memcpy(buf + used, id.s, id.len);
		buf[used + id.len] = '\0';
		out[kept - 1] = buf + used;
		used += id.len + 1;
	}
	memmove(out, out + kept, (n - kept) * sizeof *out);
	free(ids);
	return n - kept;
}

/* ---- the forest ---- */

struct node {
	uint32_t parent;		/* NONE: root */
	uint32_t msg;			/* NONE: its message is not here */
	uint32_t mark;			/* cut_loops: the walk that came by; 0: none yet */
	uint32_t first, last, next;	/* children in display order, and the sibling behind */
	uint32_t depth;
	uint64_t rails;
};

struct forest {
	struct id_table ids;
	struct node *nodes;
	size_t n, cap;
};

static uint32_t
add_node(struct forest *f)
{
	f->nodes = array_grow(f->nodes, f->n, &f->cap, sizeof *f->nodes);
	f->nodes[f->n] = (struct node){ .parent = NONE, .msg = NONE, .first = NONE,
		.last = NONE, .next = NONE };
	return (uint32_t)f->n++;
}

/* Node number and id number agree as long as only this makes nodes. */
static uint32_t
node_of(struct forest *f, struct span id)
{
	bool is_new;
	uint32_t i = ids_number(&f->ids, id, &is_new);

	if (is_new)
		add_node(f);
	return i;
}

/* Gives every message a node: first those that own their id, then what has no id, or one that
 * another message has too. */
static void
add_messages(struct forest *f, const struct msg *msgs, size_t n, uint32_t *node)
{
	for (size_t i = 0; i < n; i++) {
		struct span id = { msgs[i].message_id, strlen(msgs[i].message_id) };
		node[i] = id.len > 0 ? node_of(f, id) : NONE;
		if (node[i] != NONE && f->nodes[node[i]].msg == NONE)
			f->nodes[node[i]].msg = (uint32_t)i;
		else
			node[i] = NONE;
	}
}

static void
link_messages(struct forest *f, const struct msg *msgs, size_t n, const uint32_t *node,
	bool own)
{
	struct span refs[MAX_REFS];

	for (size_t i = 0; i < n; i++) {
		size_t n_refs = ancestors(&msgs[i], refs, MAX_REFS);
		for (size_t k = own && n_refs > 0 ? n_refs - 1 : 0; k < n_refs; k++) {
			uint32_t parent = own ? node_of(f, refs[k])
				: k > 0 ? node_of(f, refs[k - 1]) : NONE;
			uint32_t child = own ? node[i] : node_of(f, refs[k]);
			if (child != NONE && f->nodes[child].parent == NONE && child != parent)
				f->nodes[child].parent = parent;
		}
	}
}

/* Messages without a node of their own: children of what they name, nobody's parent. */
static void
add_nameless(struct forest *f, const struct msg *msgs, size_t n, uint32_t *node)
{
	struct span ref;

	for (size_t i = 0; i < n; i++) {
		if (node[i] != NONE)
			continue;
		bool has_parent = ancestors(&msgs[i], &ref, 1) > 0;
		uint32_t parent = has_parent ? *slot_of(&f->ids, ref) : NONE;
		node[i] = add_node(f);
		f->nodes[node[i]].msg = (uint32_t)i;
		f->nodes[node[i]].parent = parent;
	}
}

/* Of the loop that i is on, the node that becomes a root: the oldest message. */
static uint32_t
oldest_in_loop(const struct forest *f, const struct msg *msgs, uint32_t i)
{
	uint32_t best = i, k = i;

	do {
		const struct node *x = &f->nodes[k], *b = &f->nodes[best];
		if (x->msg != NONE &&
		    (b->msg == NONE || msgs[x->msg].date < msgs[b->msg].date))
			best = k;
		k = x->parent;
	} while (k != i);
	return best;
}

/* Walks up from every node that no walk came by yet; meeting its own trace is a loop, which
 * is cut. */
static void
cut_loops(struct forest *f, const struct msg *msgs)
{
	for (uint32_t i = 0; i < f->n; i++) {
		uint32_t k = i;
		for (; k != NONE && f->nodes[k].mark == 0; k = f->nodes[k].parent)
			f->nodes[k].mark = i + 1;
		if (k != NONE && f->nodes[k].mark == i + 1)
			f->nodes[oldest_in_loop(f, msgs, k)].parent = NONE;
	}
}

/* The nearest ancestor with a message. What it finds is written into the nodes on the way,
 * so that no stretch is walked twice. */
static uint32_t
shown_parent(struct forest *f, uint32_t i)
{
	uint32_t top = f->nodes[i].parent;

	while (top != NONE && f->nodes[top].msg == NONE)
		top = f->nodes[top].parent;
	for (uint32_t k = i, up; (up = f->nodes[k].parent) != top; k = up)
		f->nodes[k].parent = top;
	return top;
}

static int
by_date(const void *a, const void *b, void *ctx)
{
	const struct msg *msgs = ctx;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;

	if (msgs[i].date != msgs[k].date)
		return msgs[i].date < msgs[k].date ? -1 : 1;
	return i < k ? -1 : i > k;
}

/* Hangs every message under its parent, in order of date; returns the first root. */
static uint32_t
order_children(struct forest *f, const struct msg *msgs, size_t n, const uint32_t *node)
{
	uint32_t *order = xcalloc(n, sizeof *order);
	uint32_t first_root = NONE, last_root = NONE;

	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, n, sizeof *order, by_date, (void *)(uintptr_t)msgs);
	for (size_t i = 0; i < n; i++) {
		uint32_t c = node[order[i]], up = shown_parent(f, c);
		uint32_t *first = up == NONE ? &first_root : &f->nodes[up].first;
		uint32_t *last = up == NONE ? &last_root : &f->nodes[up].last;
		if (*first == NONE)
			*first = c;
		else
			f->nodes[*last].next = c;
		*last = c;
	}
	free(order);
	return first_root;
}

static struct thread_row
row_of(const struct node *x)
{
	return (struct thread_row){ .index = x->msg, .depth = (uint16_t)x->depth,
		.rails = x->rails, .is_last = x->next == NONE };
}

static void
enter_child(struct forest *f, const struct node *parent)
{
	struct node *c = &f->nodes[parent->first];

	for (uint32_t i = parent->first; i != NONE; i = f->nodes[i].next) {
		c = &f->nodes[i];
		c->depth = parent->depth < UINT16_MAX ? parent->depth + 1 : UINT16_MAX;
		c->rails = parent->rails;
		/* Below a root no line runs on: roots are not joined. */
		if (parent->depth > 0 && parent->depth <= 64 && parent->next != NONE)
			c->rails |= (uint64_t)1 << (parent->depth - 1);
	}
}

static void
write_rows(struct forest *f, uint32_t root, struct thread_row *rows)
{
	size_t n = 0;

	while (root != NONE) {
		struct node *x = &f->nodes[root];
		rows[n++] = row_of(x);
		if (x->first != NONE)
			enter_child(f, x);
		/* Down, else on, else up to the next ancestor that has a sibling behind it. */
		uint32_t next = x->first;
		for (uint32_t k = root; next == NONE && k != NONE; k = f->nodes[k].parent)
			next = f->nodes[k].next;
		root = next;
	}
}

void
thread_layout(const struct msg *msgs, size_t n, struct thread_row *rows)
{
	struct forest f = {0};
	uint32_t *node = xcalloc(n, sizeof *node);

	ids_init(&f.ids);
	add_messages(&f, msgs, n, node);
	link_messages(&f, msgs, n, node, true);
	link_messages(&f, msgs, n, node, false);
	add_nameless(&f, msgs, n, node);
	cut_loops(&f, msgs);
	write_rows(&f, order_children(&f, msgs, n, node), rows);
	ids_clear(&f.ids);
	free(f.nodes);
	free(node);
}
