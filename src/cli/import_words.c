/* import_words.c - see import.h: files, URLs, names and addresses as a mailrc wants them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "path.h"
#include "rc.h"
#include "utf8.h"

enum { MAX_FILE_BYTES = 1 << 20 };

char *
import_read(const char *path, struct error *e)
{
	char *raw;
	size_t n;
	struct str s = {0};

	if (file_read(&raw, &n, path, MAX_FILE_BYTES, e) != ERR_OK)
		return NULL;
	n = strlen(raw);			/* what stands behind a NUL is no text */
	if (utf8_valid(raw, n))
		return raw;
	for (size_t i = 0; i < n; i++) {
		char buf[4];
		str_add(&s, buf, utf8_put(buf, (unsigned char)raw[i]));
	}
	free(raw);
	return str_take(&s);
}

bool
import_file(struct import *im, const char *path, void (*take)(struct import *im,
	const char *name, const char *text), struct error *e)
{
	char *text = import_read(path, e);
	bool is_read = text != NULL;

	if (is_read)
		take(im, path, text);
	free(text);
	return is_read;
}

char *
import_url(struct import *im, const char *scheme, const char *user, const char *host,
	unsigned port)
{
	struct str s = {0};
	struct rc_url u;
	bool is_v6 = strchr(host, ':') && *host != '[';
	char *out = NULL;

	str_printf(&s, "%s://", scheme);
	for (const char *p = user ? user : ""; *p; p++) {
		if (isalnum((unsigned char)*p) || (*p & 0x80) || strchr("@._-+~", *p))
			str_putc(&s, *p);
		else
			str_printf(&s, "%%%02X", (unsigned char)*p);
	}
	str_printf(&s, "%s%s%s%s", user && *user ? "@" : "", is_v6 ? "[" : "", host, is_v6
		? "]" : "");
	if (rc_url_parse(&u, str_get(&s), NULL) == ERR_OK) {
		if (port && port != u.port)
			str_printf(&s, ":%u", port);
		rc_url_clear(&u);
	}
	if (rc_url_parse(&u, str_get(&s), NULL) == ERR_OK) {
		out = arena_strdup(&im->arena, str_get(&s));
		rc_url_clear(&u);
	}
	str_clear(&s);
	return out;
}

static bool
is_taken(const struct import *im, const char *name)
{
	for (size_t i = 0; i < im->n_sections; i++) {
		if (str_eq(im->sections[i].kind, "account") &&
		    str_ieq(im->sections[i].argument, name))
			return true;
	}
	return false;
}

const char *
import_account_name(struct import *im, const char *like)
{
	struct str s = {0};

	for (; *like && s.len < 40; like++) {
		if (isalnum((unsigned char)*like) || (s.len && strchr("-_.", *like)))
			str_putc(&s, (char)tolower((unsigned char)*like));
		else if (s.len && s.data[s.len - 1] != '-')
			str_putc(&s, '-');
	}
	while (s.len && strchr("-_.", s.data[s.len - 1]))
		str_cut(&s, s.len - 1);
	const char *base = s.len ? arena_strdup(&im->arena, str_get(&s)) : "mail",
		*name = base;
	str_clear(&s);
	for (int i = 2; is_taken(im, name); i++)
		name = arena_printf(&im->arena, "%s-%d", base, i);
	return name;
}

const char *
import_domain_word(struct import *im, const char *s)
{
	const char *at = strrchr(s, '@'), *domain = at ? at + 1 : s,
		*last = strrchr(domain, '.');

	if (!last || last == domain || !isalpha((unsigned char)last[1]))
		return at && at != s ? arena_strndup(&im->arena, s, (size_t)(at - s)) : domain;
	const char *word = last;
	while (word > domain && word[-1] != '.')
		word--;
	/* example.co.uk: the short words before the last are not what it is known by. */
	if (last - word <= 3 && word > domain && strlen(last) == 3) {
		last = word - 1;
		for (word = last; word > domain && word[-1] != '.'; )
			word--;
	}
	return arena_strndup(&im->arena, word, (size_t)(last - word));
}

const char *
import_address(struct import *im, const char *name, const char *address)
{
	struct str s = {0};
	bool needs_quotes = false;

	if (!name || !*name)
		return arena_strdup(&im->arena, address);
	for (const char *p = name; *p; p++)
		needs_quotes |= strchr("\"\\,;:<>@()[].", *p) != NULL;
	if (needs_quotes)
		str_putc(&s, '"');
	for (const char *p = name; *p; p++) {
		if (needs_quotes && strchr("\"\\", *p))
			str_putc(&s, '\\');
		str_putc(&s, *p);
	}
	str_printf(&s, "%s <%s>", needs_quotes ? "\"" : "", address);
	const char *out = arena_strdup(&im->arena, str_get(&s));
	str_clear(&s);
	return out;
}

bool
import_is_address(const char *s)
{
	const char *at = strrchr(s, '@');

	if (!at || at == s || !at[1] || at[1] == '.' || strchr(s, '@') != at)
		return false;
	for (const char *p = s; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("<>()[],;:\\\"", *p))
			return false;
	}
	return true;
}

bool
import_is_alias(const char *name)
{
	if (!*name || strlen(name) > 100 || strchr("[;#\"", *name))
		return false;
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == '=' || *p == 0x7f)
			return false;
	}
	return true;
}

void
import_no_password(struct import *im, const char *account, const char *setting,
	const char *theirs, size_t item)
{
	const struct import_item *it = &im->items[item];

	import_comment(im, "account", account, "%s stands in %s:%d and is not copied. You are "
		"asked for "
		"it, or put it into a password manager:", theirs, it->file, it->line);
	import_comment(im, "account", account, "%s-command = pass show mail/%s", setting,
		account);
	import_comment(im, "account", account, "or write '%s = ...' here, and chmod 600 this "
		"file.", setting);
	import_not(im, item, "a password is not printed: see [account %s]", account);
}
