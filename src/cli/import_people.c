/* import_people.c - a muttrc's aliases and the addresses that are one's own. */
#include <ctype.h>
#include <string.h>

#include "import_mutt.h"
#include "note.h"

enum { MAX_DEPTH = 8, MAX_LIST = 20000 };

static const char *
trimmed(struct import *im, const char *s, size_t n)
{
	while (n && strchr(" \t\"", *s))
		s++, n--;
	while (n && strchr(" \t\"", s[n - 1]))
		n--;
	return arena_strndup(&im->arena, s, n);
}

/* One of a list: "Ada <ada@x>", "ada@x (Ada)", "ada@x", or the name of an alias. NULL: none of
 * these. */
static const char *
one_address(struct mutt *m, const char *s, size_t n, int depth)
{
	struct import *im = m->im;
	const char *text = arena_strndup(&im->arena, s, n), *open = strrchr(text, '<');
	const char *close = open ? strchr(open, '>') : NULL, *comment = strchr(text, '(');

	if (open && close) {
		const char *address = trimmed(im, open + 1, (size_t)(close - open - 1));
		return import_is_address(address)
			? import_address(im, trimmed(im, text, (size_t)(open - text)), address)
			: NULL;
	}
	const char *bare = trimmed(im, text,
		comment ? (size_t)(comment - text) : strlen(text));
	if (import_is_address(bare)) {
		const char *end = comment ? strrchr(comment, ')') : NULL;
		return import_address(im, end
			? trimmed(im, comment + 1, (size_t)(end - comment - 1)) : NULL, bare);
	}
	for (size_t i = 0; i < m->aliases.n; i++) {
		if (str_ieq(m->aliases.v[i].name, bare))
			return mutt_addresses(m, m->aliases.v[i].value, depth + 1);
	}
	return NULL;
}

const char *
mutt_addresses(struct mutt *m, const char *list, int depth)
{
	struct str s = {0};
	const char *one, *out = NULL, *colon = strchr(list, ':');
	bool is_good = depth < MAX_DEPTH;
	size_t n;

	/* "Group: a, b;" is a and b. */
	if (colon && !memchr(list, '@', (size_t)(colon - list)) && strchr(colon, ';'))
		list = arena_strndup(&m->im->arena, colon + 1, strcspn(colon + 1, ";"));
	while (is_good && (one = note_next_address(&list, &n)) != NULL) {
		const char *address = one_address(m, one, n, depth);
		is_good = address && s.len < MAX_LIST;
		if (is_good)
			str_printf(&s, "%s%s", s.len ? ", " : "", address);
	}
	if (is_good && s.len)
		out = arena_strdup(&m->im->arena, str_get(&s));
	str_clear(&s);
	return out;
}

void
mutt_aliases(struct mutt *m)
{
	for (size_t i = 0; i < m->aliases.n; i++) {
		const struct mutt_pair *p = &m->aliases.v[i];
		const char *list = mutt_addresses(m, p->value, 0);
		if (!import_is_alias(p->name))
			import_not(m->im, p->item, "a short name has no blanks, '=' or quotes "
				"in it");
		else if (!list)
			import_not(m->im, p->item, "it has no address, or one that is none");
		else
			import_set(m->im, "alias", "", p->name, list, p->item);
	}
}

/* ---- addresses of one's own ---- */

/* An expression that stands for one address: "^ada@example\.org$".
 * NULL: it stands for more. */
static const char *
plain_address(struct import *im, const char *pattern)
{
	struct str s = {0};

	pattern += *pattern == '^';
	for (; *pattern; pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		else if (*pattern == '$' && !pattern[1])
			break;
		str_putc(&s, *pattern);
	}
	const char *out = import_is_address(str_get(&s)) && !strpbrk(str_get(&s),
		"*?|[](){}^$+") ? arena_strdup(&im->arena, str_get(&s))
		: NULL;
	str_clear(&s);
	return out;
}

static bool
is_left_out(const struct mutt *m, const char *pattern)
{
	for (size_t i = 0; i < m->nots.n; i++) {
		if (str_eq(m->nots.v[i].name, pattern) || str_eq(m->nots.v[i].name, "*"))
			return true;
	}
	return false;
}

/* The address of another account is that account's. */
static bool
is_of_account(const struct import *im, const char *address)
{
	for (size_t i = 0; i < im->n_sections; i++) {
		const char *from = str_eq(im->sections[i].kind, "account")
			? import_get(im, "account", im->sections[i].argument, "from") : NULL;
		if (from && str_istr(from, address))
			return true;
	}
	return false;
}

void
mutt_identities(struct mutt *m)
{
	struct str s = {0};

	for (size_t i = 0; i < m->alternates.n; i++) {
		const struct mutt_pair *p = &m->alternates.v[i];
		const char *address = plain_address(m->im, p->name);
		if (!address) {
			size_t item = import_item(m->im, m->im->items[p->item].file,
				m->im->items[p->item].line,
				"alternates %.60s", p->name);
			import_not(m->im, item, "'identities' are addresses: write those that "
				"you have");
		} else if (!is_left_out(m, p->name) && !is_of_account(m->im, address)
			&& !str_istr(str_get(&s), address)) {
			str_printf(&s, "%s%s", s.len ? ", " : "", address);
		}
		import_taken(m->im, p->item);
	}
	for (size_t i = 0; s.len && i < m->im->n_sections; i++) {
		struct import_section *section = &m->im->sections[i];
		if (str_eq(section->kind, "account"))
			import_set(m->im, "account", section->argument, "identities",
				str_get(&s), IMPORT_NO_ITEM);
	}
	str_clear(&s);
}
