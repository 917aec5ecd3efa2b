/* uidset.c - an array of ranges, kept sorted, disjoint and apart by at least one UID.
 *
 * Arithmetic on bounds is done in 64 bits, since hi + 1 of the last UID does not fit in
 * 32. What arrives as text is sorted once instead of inserted range by range, so that a
 * server that names its UIDs backwards costs n log n and not n squared. */
#include <stdlib.h>
#include <string.h>

#include "uidset.h"

/* Index of the first range that ends at or above uid; n if none. */
static size_t
find(const struct uidset *s, uint64_t uid)
{
	size_t lo = 0, hi = s->n;

	if (s->n > 0 && s->ranges[s->n - 1].hi < uid)
		return s->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->ranges[mid].hi < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Replaces n_old ranges at i by one. */
static void
splice(struct uidset *s, size_t i, size_t n_old, struct uid_range r)
{
	if (n_old == 0)
		s->ranges = array_grow(s->ranges, s->n, &s->cap, sizeof *s->ranges);
	memmove(s->ranges + i + 1, s->ranges + i + n_old,
		(s->n - i - n_old) * sizeof *s->ranges);
	s->ranges[i] = r;
	s->n = s->n + 1 - n_old;
}

void
uidset_add_range(struct uidset *s, uint32_t lo, uint32_t hi)
{
	struct uid_range r = { lo < hi ? lo : hi, lo < hi ? hi : lo };

	if (r.hi == 0)
		return;
	if (r.lo == 0)
		r.lo = 1;
	size_t i = find(s, r.lo - 1);		/* the range before may touch this one */
	size_t end = i;
	while (end < s->n && s->ranges[end].lo <= (uint64_t)r.hi + 1)
		end++;
	if (end > i) {
		if (s->ranges[i].lo < r.lo)
			r.lo = s->ranges[i].lo;
		if (s->ranges[end - 1].hi > r.hi)
			r.hi = s->ranges[end - 1].hi;
	}
	splice(s, i, end - i, r);
}

void
uidset_add(struct uidset *s, uint32_t uid)
{
	uidset_add_range(s, uid, uid);
}

void
uidset_remove(struct uidset *s, uint32_t uid)
{
	size_t i = find(s, uid);

	if (i == s->n || s->ranges[i].lo > uid)
		return;
	struct uid_range *r = &s->ranges[i], rest = { uid, r->hi };
	if (r->lo == uid && r->hi == uid) {
		s->n--;
		memmove(r, r + 1, (s->n - i) * sizeof *r);
	} else if (r->lo == uid) {
		r->lo++;
	} else {
		r->hi = uid - 1;
		if (rest.hi > uid) {
			rest.lo++;
			splice(s, i + 1, 0, rest);
		}
	}
}

bool
uidset_has(const struct uidset *s, uint32_t uid)
{
	size_t i = find(s, uid);

	return uid > 0 && i < s->n && s->ranges[i].lo <= uid;
}

uint64_t
uidset_count(const struct uidset *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (uint64_t)s->ranges[i].hi - s->ranges[i].lo + 1;
	return n;
}

uint32_t
uidset_max(const struct uidset *s)
{
	return s->n > 0 ? s->ranges[s->n - 1].hi : 0;
}

uint32_t
uidset_min(const struct uidset *s)
{
	return s->n > 0 ? s->ranges[0].lo : 0;
}

static void
replace(struct uidset *out, struct uidset by)
{
	uidset_clear(out);
	*out = by;
}

void
uidset_copy(struct uidset *out, const struct uidset *s)
{
	struct uidset r = {0};

	if (s->n > 0) {
		r.ranges = xmemdup(s->ranges, s->n * sizeof *s->ranges);
		r.n = r.cap = s->n;
	}
	replace(out, r);
}

/* Appends a range that lies above all others. */
static void
append(struct uidset *s, uint32_t lo, uint32_t hi)
{
	s->ranges = array_grow(s->ranges, s->n, &s->cap, sizeof *s->ranges);
	s->ranges[s->n++] = (struct uid_range){ lo, hi };
}

void
uidset_and(struct uidset *out, const struct uidset *a, const struct uidset *b)
{
	struct uidset r = {0};

	for (size_t i = 0, j = 0; i < a->n && j < b->n; ) {
		struct uid_range x = a->ranges[i], y = b->ranges[j];
		uint32_t lo = x.lo > y.lo ? x.lo : y.lo, hi = x.hi < y.hi ? x.hi : y.hi;
		if (lo <= hi)
			append(&r, lo, hi);
		if (x.hi <= y.hi)
			i++;
		else
			j++;
	}
	replace(out, r);
}

void
uidset_subtract(struct uidset *s, const struct uidset *b)
{
	size_t n = s->n, n_out = 0, j = 0;

	/* A range of b parts one of s in two at most: written from the
	 * front, read so much behind. */
	s->cap = n + b->n;
	s->ranges = xreallocarray(s->ranges, s->cap + 1, sizeof *s->ranges);
	struct uid_range *out = s->ranges, *in = s->ranges + b->n;
	memmove(in, out, n * sizeof *in);
	for (size_t i = 0; i < n; i++) {
		uint64_t lo = in[i].lo;
		uint32_t hi = in[i].hi;
		while (j < b->n && b->ranges[j].hi < lo)
			j++;
		for (size_t k = j; k < b->n && b->ranges[k].lo <= hi; k++) {
			if (b->ranges[k].lo > lo)
				out[n_out++] = (struct uid_range){ (uint32_t)lo,
					b->ranges[k].lo - 1 };
			lo = (uint64_t)b->ranges[k].hi + 1;
			j = k;
		}
		if (lo <= hi)
			out[n_out++] = (struct uid_range){ (uint32_t)lo, hi };
	}
	s->n = n_out;
	if (s->cap > 2 * n_out) {
		s->cap = n_out;
		s->ranges = xreallocarray(s->ranges, s->cap + 1, sizeof *s->ranges);
	}
}

void
uidset_minus(struct uidset *out, const struct uidset *a, const struct uidset *b)
{
	struct uidset r = {0};

	uidset_copy(&r, a);
	uidset_subtract(&r, b);
	replace(out, r);
}

void
uidset_take_highest(struct uidset *out, struct uidset *s, uint32_t n)
{
	size_t i = s->n;

	while (i > 0 && n > 0) {
		struct uid_range *r = &s->ranges[i - 1];
		uint64_t width = (uint64_t)r->hi - r->lo + 1;
		if (width > n) {
			uidset_add_range(out, r->hi - n + 1, r->hi);
			r->hi -= n;
			break;
		}
		n -= (uint32_t)width;
		i--;
	}
	for (size_t k = i; k < s->n; k++)
		uidset_add_range(out, s->ranges[k].lo, s->ranges[k].hi);
	s->n = i;
}

void
uidset_format(struct str *out, const struct uidset *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct uid_range *r = &s->ranges[i];
		str_printf(out, i > 0 ? ",%u" : "%u", r->lo);
		if (r->hi > r->lo)
			str_printf(out, ":%u", r->hi);
	}
}

static bool
parse_uid(const char **p, uint32_t *uid)
{
	uint64_t v = 0;
	const char *c = *p;

	for (; *c >= '0' && *c <= '9'; c++) {
		v = v * 10 + (uint64_t)(*c - '0');
		if (v > UINT32_MAX)
			return false;
	}
	*p = c;
	*uid = (uint32_t)v;
	return v > 0;		/* no digits at all, too */
}

static int
by_lo(const void *a, const void *b)
{
	const struct uid_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* Sorts and joins what was appended in any order. */
static void
normalise(struct uidset *s)
{
	size_t n = 0;

	if (s->n > 0)
		qsort(s->ranges, s->n, sizeof *s->ranges, by_lo);
	for (size_t i = 0; i < s->n; i++) {
		struct uid_range *last = n > 0 ? &s->ranges[n - 1] : NULL, r = s->ranges[i];
		if (!last || r.lo > (uint64_t)last->hi + 1)
			s->ranges[n++] = r;
		else if (r.hi > last->hi)
			last->hi = r.hi;
	}
	s->n = n;
}

bool
uidset_parse(struct uidset *out, const char *text)
{
	struct uidset r = {0};
	bool is_good;

	do {
		uint32_t lo, hi;
		is_good = parse_uid(&text, &lo);
		hi = lo;
		if (is_good && *text == ':') {
			text++;
			is_good = parse_uid(&text, &hi);
		}
		if (is_good)
			append(&r, lo < hi ? lo : hi, lo < hi ? hi : lo);
	} while (is_good && *text == ',' && text++);
	is_good = is_good && *text == '\0';
	if (is_good)
		normalise(&r);
	else
		uidset_clear(&r);
	replace(out, r);
	return is_good;
}

uint32_t
uidset_next(const struct uidset *s, uint32_t uid)
{
	size_t i = find(s, (uint64_t)uid + 1);

	if (i == s->n)
		return 0;
	return s->ranges[i].lo > uid ? s->ranges[i].lo : uid + 1;
}

void
uidset_clear(struct uidset *s)
{
	free(s->ranges);
	*s = (struct uidset){0};
}
