/* drain_plan.c - which message on the server is which entry of the ledger.
 *
 * A message is known by its UIDL where that names one message here and one there, with the
 * same size. Else its header is asked for (TOP n 0) and its hash decides: where the server has
 * no UIDL, repeats one, reuses one of a message that was deleted, or gave all of them anew;
 * and where its names are in doubt (drain_doubt.c). An entry is taken by one message, so that
 * of two equal messages the second is new. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drain.h"
#include "str.h"

void
plan_clear(struct plan *p)
{
	free(p->v);
	free(p->is_taken);
	arena_clear(&p->arena);
	*p = (struct plan){0};
}

static int
by_uidl(const void *a, const void *b)
{
	const struct plan_item *const *x = a, *const *y = b;

	return strcmp((*x)->m.uidl, (*y)->m.uidl);
}

static void
mark_repeated(struct plan *p)
{
	struct plan_item **v = xcalloc(p->n, sizeof(struct plan_item *));

	for (size_t i = 0; i < p->n; i++)
		v[i] = &p->v[i];
	if (p->n > 0)
		qsort(v, p->n, sizeof(struct plan_item *), by_uidl);
	for (size_t i = 1; i < p->n; i++) {
		if (*v[i]->m.uidl && str_eq(v[i]->m.uidl, v[i - 1]->m.uidl))
			v[i]->is_repeated = v[i - 1]->is_repeated = true;
	}
	free(v);
}

/* The first entry with that uidl, and how many have it. */
static size_t
find_entries(const struct plan *p, const char *uidl, size_t *first)
{
	size_t lo = 0, hi = p->n_entries, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(p->entries[mid].uidl, uidl) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (*first = lo; lo + n < p->n_entries && str_eq(p->entries[lo + n].uidl, uidl); n++)
		;
	return n;
}

static void
take(struct plan *p, struct plan_item *item, size_t i)
{
	item->entry = &p->entries[i];
	item->is_settled = true;
	p->is_taken[i] = true;
}

/* Sizes of the entries that no listed message bears the name of. */
static size_t
orphan_sizes(const struct plan *p, const bool *is_named, uint64_t *sizes)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_entries; i++) {
		if (!is_named[i] && p->entries[i].state != POP3_DELETED)
			sizes[n++] = p->entries[i].size_bytes;
	}
	return n;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A name that the ledger does not know: new, unless an entry that lost its
 * name may be the same message. */
static void
judge_unknown(struct plan *p, const bool *is_named)
{
	uint64_t *sizes = xcalloc(p->n_entries, sizeof *sizes);
	size_t n = orphan_sizes(p, is_named, sizes);
	bool is_any_known = false;

	if (n > 0)
		qsort(sizes, n, sizeof *sizes, by_number);
	for (size_t i = 0; i < p->n_entries; i++)
		is_any_known = is_any_known || is_named[i];
	p->is_all_new = (n > 0 && !is_any_known) || p->is_other_peer;
	for (size_t i = 0; i < p->n; i++) {
		struct plan_item *item = &p->v[i];
		if (item->is_settled || item->wants_hash)
			continue;
		item->wants_hash = n > 0 && (p->is_all_new ||
			bsearch(&item->m.size_bytes, sizes, n, sizeof *sizes, by_number));
		item->is_settled = !item->wants_hash;
	}
	free(sizes);
}

/* Names that are the numbers of the messages may be given anew with them. */
static bool
is_numbered(const struct plan *p)
{
	char number[16];

	for (size_t i = 0; i < p->n; i++) {
		snprintf(number, sizeof number, "%u", (unsigned)p->v[i].m.number);
		if (!str_eq(p->v[i].m.uidl, number))
			return false;
	}
	return p->n > 0;
}

/* When any message before it went, the last one is another by now. */
static void
probe_last(struct plan *p)
{
	size_t i = p->n;

	while (i > 0 && !p->v[i - 1].entry)
		i--;
	if (i > 0)
		p->v[i - 1].is_probe = p->v[i - 1].wants_hash = true;
}

bool
plan_is_renumbered(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_item *item = &p->v[i];
		if (item->is_probe && item->hash != 0)
			return item->hash != item->entry->hash;
	}
	return false;
}

static void
forget_plan(struct plan *p)
{
	free(p->is_taken);
	for (size_t i = 0; i < p->n; i++) {
		struct plan_item *item = &p->v[i];
		*item = (struct plan_item){ .m = item->m, .hash = item->hash };
	}
}

void
plan_by_uidl(struct plan *p)
{
	bool *is_named = xcalloc(p->n_entries, sizeof *is_named);

	forget_plan(p);
	p->is_taken = xcalloc(p->n_entries, sizeof *p->is_taken);
	mark_repeated(p);
	for (size_t i = 0; i < p->n; i++) {
		struct plan_item *item = &p->v[i];
		size_t first = 0, n = *item->m.uidl ? find_entries(p, item->m.uidl,
			&first) : 0;
		for (size_t k = first; k < first + n; k++)
			is_named[k] = true;
		if (!*item->m.uidl || item->is_repeated || p->is_in_doubt)
			item->wants_hash = p->n_entries > 0;
		else if (n == 1 && p->entries[first].size_bytes == item->m.size_bytes &&
		    p->entries[first].state != POP3_DELETED)
			take(p, item, first);
		else if (n > 0)
			item->wants_hash = true;
		if (p->n_entries == 0)
			item->is_settled = true;
	}
	judge_unknown(p, is_named);
	if (!p->is_in_doubt && is_numbered(p))
		probe_last(p);
	free(is_named);
}

/* ---- by hash ---- */

static int
by_hash(const void *a, const void *b)
{
	const struct pop3_entry *const *x = a, *const *y = b;

	return ((*x)->hash > (*y)->hash) - ((*x)->hash < (*y)->hash);
}

static size_t
first_with_hash(struct pop3_entry *const *v, size_t n, uint64_t hash)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v[mid]->hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* How well an entry with the same hash fits: 0 not at all. */
static int
fitness(const struct plan *p, const struct plan_item *item, const struct pop3_entry *e)
{
	bool same_name = str_eq(e->uidl, item->m.uidl),
		same_size = e->size_bytes == item->m.size_bytes;

	if (same_name && *item->m.uidl)
		return same_size ? 3 : 2;
	return same_size || p->is_all_new ? 1 : 0;
}

bool
plan_is_mixed_up(const struct plan *p)
{
	uint64_t *by_name = xcalloc(p->n + 1, sizeof *by_name);
	size_t n = 0;
	bool is = false;

	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].entry && p->v[i].hash == 0)
			by_name[n++] = p->v[i].entry->hash;
	}
	if (n > 0)
		qsort(by_name, n, sizeof *by_name, by_number);
	for (size_t i = 0; i < p->n && n > 0 && !is; i++)
		is = !p->v[i].entry && p->v[i].hash != 0 && bsearch(&p->v[i].hash, by_name, n,
			sizeof *by_name, by_number);
	free(by_name);
	return is;
}

void
plan_by_hash(struct plan *p)
{
	struct pop3_entry **v = xcalloc(p->n_entries, sizeof *v);

	for (size_t i = 0; i < p->n_entries; i++)
		v[i] = &p->entries[i];
	if (p->n_entries > 0)
		qsort(v, p->n_entries, sizeof *v, by_hash);
	for (int wanted = 3; wanted > 0; wanted--) {
		for (size_t i = 0; i < p->n; i++) {
			struct plan_item *item = &p->v[i];
			size_t k = item->is_settled
				? p->n_entries : first_with_hash(v, p->n_entries, item->hash);
			for (; k < p->n_entries && v[k]->hash == item->hash &&
			    !item->is_settled; k++) {
				size_t at = (size_t)(v[k] - p->entries);
				if (!p->is_taken[at] && fitness(p, item, v[k]) >= wanted)
					take(p, item, at);
			}
		}
	}
	for (size_t i = 0; i < p->n; i++)
		p->v[i].is_settled = true;
	free(v);
}
