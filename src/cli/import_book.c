/* import_book.c - address books of abook and alpine as [alias].
 *
 * abook:  [1] and lines of name=, email=a@x,b@y, nick= alpine: nick <Tab> name <Tab> address
 * or (address, address) [<Tab> ...], a line that begins with
 *         white space goes on with the one before */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "import.h"
#include "note.h"

enum { MAX_ALIAS = 40 };

/* "Ada Lovelace" without a nick is ada-lovelace. */
static const char *
alias_of(struct import *im, const char *nick, const char *name, const char *address)
{
	struct str s = {0};
	const char *from = nick && *nick ? nick : name && *name ? name : address;

	for (; *from && s.len < MAX_ALIAS && *from != '@'; from++) {
		if (isalnum((unsigned char)*from) || (*from & 0x80) || *from == '_' ||
		    (*from == '.' && nick && *nick))
			str_putc(&s, (char)((*from & 0x80) ? *from
				: tolower((unsigned char)*from)));
		else if (s.len && s.data[s.len - 1] != '-')
			str_putc(&s, '-');
	}
	while (s.len && strchr("-.", s.data[s.len - 1]))
		str_cut(&s, s.len - 1);
	const char *out = arena_strdup(&im->arena, str_get(&s));
	str_clear(&s);
	return out;
}

/* Addresses separated by commas, the name before each that has none of its own. NULL: one is
 * none. */
static const char *
list_of(struct import *im, const char *name, const char *list)
{
	struct str s = {0};
	const char *one, *out = NULL;
	bool is_good = true;
	size_t n;

	while (is_good && (one = note_next_address(&list, &n)) != NULL) {
		const char *text = arena_strndup(&im->arena, one, n),
			*open = strrchr(text, '<');
		const char *close = open ? strchr(open, '>') : NULL;
		const char *bare = close ? arena_strndup(&im->arena, open + 1,
			(size_t)(close - open - 1)) : text;
		is_good = import_is_address(bare);
		if (is_good)
			str_printf(&s, "%s%s", s.len ? ", " : "", close ? text
				: import_address(im, name, bare));
	}
	if (is_good && s.len)
		out = arena_strdup(&im->arena, str_get(&s));
	str_clear(&s);
	return out;
}

static void
put_person(struct import *im, const char *file, int line, const char *nick, const char *name,
	const char *addresses)
{
	const char *alias = alias_of(im, nick, name, addresses);
	size_t item = import_item(im, file, line, "%s", nick && *nick ? nick : name && *name
		? name : addresses);
	const char *list = list_of(im, name, addresses);

	if (!list)
		import_not(im, item, "it has no address, or one that is none (a short name, a "
			"list)");
	else if (!import_is_alias(alias))
		import_not(im, item, "there is no short name to make of it");
	else if (import_get(im, "alias", "", alias))
		import_not(im, item, "'%s' is the short name of somebody before", alias);
	else
		import_set(im, "alias", "", alias, list, item);
}

/* ---- abook ---- */

struct person {
	char *name, *email, *nick;
	int line;
};

static void
end_person(struct import *im, const char *file, struct person *p)
{
	if (p->email)
		put_person(im, file, p->line, p->nick, p->name, p->email);
	free(p->name);
	free(p->email);
	free(p->nick);
	*p = (struct person){0};
}

void
import_abook_text(struct import *im, const char *name, const char *text)
{
	const char *file = arena_strdup(&im->arena, name);
	struct person p = {0};
	char *copy = xstrdup(text), *rest = copy, *line;

	for (int n = 1; (line = strsep(&rest, "\n")) != NULL; n++) {
		line[strcspn(line, "\r")] = '\0';
		char *value = strchr(line, '=');
		if (*line == '[')
			end_person(im, file, &p);
		if (*line == '[' || *line == '#' || !value)
			continue;
		*value++ = '\0';
		char **to = str_eq(line, "name") ? &p.name : str_eq(line, "email") ? &p.email
			: str_eq(line, "nick") ? &p.nick : NULL;
		if (!to || !*value)
			continue;
		free(*to);
		*to = xstrdup(value);
		p.line = p.line ? p.line : n;
	}
	end_person(im, file, &p);
	free(copy);
}

bool
import_abook(struct import *im, const char *path, struct error *e)
{
	return import_file(im, path, import_abook_text, e);
}

/* ---- alpine ---- */

static void
put_entry(struct import *im, const char *file, int line, char *entry)
{
	char *nick = strsep(&entry, "\t"), *name = strsep(&entry, "\t"), *address =
		strsep(&entry, "\t");

	if (!address || str_starts(nick, "#DELETED"))
		return;
	size_t n = strlen(address);
	if (*address == '(' && address[n - 1] == ')') {
		address[n - 1] = '\0';
		address++;
	}
	put_person(im, file, line, nick, name, address);
}

void
import_addressbook_text(struct import *im, const char *name, const char *text)
{
	const char *file = arena_strdup(&im->arena, name), *p = text;
	struct str entry = {0};
	int begins = 1;

	for (int line = 1; *p; line++) {
		size_t n = strcspn(p, "\n"), skip = strspn(p, " ");
		bool goes_on = *p == ' ' && entry.len;
		if (!goes_on) {
			char *whole = str_take(&entry);
			if (whole)
				put_entry(im, file, begins, whole);
			free(whole);
			begins = line;
		}
		skip = goes_on ? (skip < n ? skip : n) : 0;
		str_add(&entry, p + skip, n - skip);
		while (entry.len && entry.data[entry.len - 1] == '\r')
			str_cut(&entry, entry.len - 1);
		p += n + (p[n] == '\n');
	}
	char *whole = str_take(&entry);
	if (whole)
		put_entry(im, file, begins, whole);
	free(whole);
}

bool
import_addressbook(struct import *im, const char *path, struct error *e)
{
	return import_file(im, path, import_addressbook_text, e);
}
