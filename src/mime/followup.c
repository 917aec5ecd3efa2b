/* followup.c - Mail-Followup-To of what is written to a mailing list:
 * where answers to all shall go.
 *
 * The field is no standard, but what mutt, Gnus and this program heed
 * (draft-drums-mail-followup-to). It names those the mail goes to without ourselves, who get
 * it by the list; and ourselves, where we read none of these lists. */
#include <stdlib.h>
#include <string.h>

#include "mime.h"
#include "reply.h"
#include "str.h"

enum { MAX_ADDRESSES = 1000 };

struct followup {
	struct arena arena;
	struct str out;
	const char *seen[MAX_ADDRESSES];
	size_t n_seen;
};

static bool
is_in(const struct address *v, size_t n, const char *addr)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(v[i].addr, addr))
			return true;
	}
	return false;
}

static void
add(struct followup *f, const struct address *a)
{
	const char *s = *a->addr ? mime_write_address(&f->arena, a->name, a->addr) : NULL;

	for (size_t i = 0; i < f->n_seen; i++) {
		if (str_ieq(f->seen[i], a->addr))
			return;
	}
	if (!s || f->n_seen == MAX_ADDRESSES)
		return;
	f->seen[f->n_seen++] = a->addr;
	str_printf(&f->out, "%s%s", f->out.len ? ", " : "", s);
}

static size_t
read(struct followup *f, const char *list, const struct address **v)
{
	*v = NULL;
	return list ? mime_addresses(&f->arena, v, list) : 0;
}

char *
reply_followup_to(const struct note *n, const struct reply_lists *lists)
{
	struct followup f = { 0 };
	const struct address *known, *subscribed, *mine, *from, *to[2];
	size_t n_known = read(&f, lists->known, &known),
		n_subscribed = read(&f, lists->subscribed, &subscribed);
	size_t n_mine = read(&f, lists->mine, &mine), n_from = read(&f, n->from, &from);
	size_t n_to[2] = { read(&f, n->to, &to[0]), read(&f, n->cc, &to[1]) };
	bool is_to_list = false, is_to_subscribed = false;

	for (size_t k = 0; k < LEN(to); k++) {
		for (size_t i = 0; i < n_to[k]; i++) {
			bool reads = is_in(subscribed, n_subscribed, to[k][i].addr);
			is_to_subscribed = is_to_subscribed || reads;
			is_to_list = is_to_list || reads ||
				is_in(known, n_known, to[k][i].addr);
			if (!is_in(mine, n_mine, to[k][i].addr) &&
			    !is_in(from, n_from, to[k][i].addr))
				add(&f, &to[k][i]);
		}
	}
	if (!is_to_subscribed && n_from > 0)
		add(&f, &from[0]);
	char *out = is_to_list && f.out.len > 0 ? str_take(&f.out) : NULL;
	str_clear(&f.out);
	arena_clear(&f.arena);
	return out;
}
