/* import_alpine.c - alpine's .pinerc: lines of name=value, lists go on in lines that begin
 * with white space.
 *
 * A mailbox is {host:port/ssl/user=ada}INBOX or a file; each server and user in inbox-path,
 * incoming-folders and folder-collections is an account. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "import.h"
#include "note.h"
#include "path.h"
#include "rc.h"

enum { MAX_ACCOUNTS = 20 };

struct setting {
	const char *name, *value;
	size_t item;
};

struct alpine {
	struct import *im;
	struct setting *v;
	size_t n, cap;
	const char *first;		/* the first account; NULL: none */
};

/* {host:port/flag/user=x} */
struct server {
	const char *host, *user, *rest;	/* rest: what stands behind the '}' */
	unsigned port;
	bool is_tls, is_plain, is_pop, is_submission, is_unverified;
};

static const struct setting *
find(const struct alpine *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++) {
		if (str_eq(a->v[i].name, name) && *a->v[i].value &&
		    !str_eq(a->v[i].value, "\"\""))
			return &a->v[i];
	}
	return NULL;
}

/* ---- servers ---- */

static void
take_flag(struct import *im, struct server *s, const char *flag, size_t n)
{
	static const struct { const char *name; size_t at; } flags[] = {
		{ "ssl", offsetof(struct server, is_tls) },
		{ "notls", offsetof(struct server, is_plain) },
		{ "pop3", offsetof(struct server, is_pop) },
		{ "service=pop3", offsetof(struct server, is_pop) },
		{ "submit", offsetof(struct server, is_submission) },
		{ "novalidate-cert", offsetof(struct server, is_unverified) },
	};
	char *word = xstrndup(flag, n);

	for (size_t i = 0; i < LEN(flags); i++) {
		if (str_ieq(word, flags[i].name))
			*(bool *)((char *)s + flags[i].at) = true;
	}
	if (str_istarts(word, "user="))
		s->user = arena_strndup(&im->arena, word + 5 + (word[5] == '"'),
			strcspn(word + 5 + (word[5] == '"'), "\""));
	free(word);
}

/* "host:port/flags", to where `ends` are. */
static struct server
read_server(struct import *im, const char *text, const char *ends)
{
	struct server s = {0};
	size_t n = strcspn(text, ends), host = strcspn(text, ":/}");

	s.host = arena_strndup(&im->arena, text, host < n ? host : n);
	if (host < n && text[host] == ':')
		s.port = (unsigned)atoi(text + host + 1) & 0xffff;
	for (const char *p = memchr(text, '/', n); p && p < text + n; ) {
		size_t len = strcspn(++p, "/");
		len = len < (size_t)(text + n - p) ? len : (size_t)(text + n - p);
		take_flag(im, &s, p, len);
		p += len;
	}
	s.rest = text[n] == '}' ? text + n + 1 : text + n;
	return s;
}

static const char *
scheme(struct alpine *a, const char *plain, const struct server *s)
{
	if (s->is_unverified)
		import_tell(a->im,
			"%s: certificates are always verified; where nobody vouches for it, "
			"see tls-fingerprint in dunlin-mailrc(5)", s->host);
	if (s->is_plain && rc_host_is_loopback(s->host))
		return arena_printf(&a->im->arena, "%s+insecure", plain);
	return s->is_tls ? arena_printf(&a->im->arena, "%ss", plain) : plain;
}

/* ---- who ---- */

static const char *
address_in(struct import *im, const char *from)
{
	const char *open = strrchr(from, '<'), *close = open ? strchr(open, '>') : NULL;
	const char *bare = close ? arena_strndup(&im->arena, open + 1,
		(size_t)(close - open - 1)) : from;

	return import_is_address(bare) ? bare : NULL;
}

/* customized-hdrs=From: Ada <ada@x>, else personal-name and user-id@user-domain. */
static void
put_from(struct alpine *a, const char *account, const char *user)
{
	const struct setting *headers = find(a, "customized-hdrs"), *name = find(a,
		"personal-name");
	const struct setting *domain = find(a, "user-domain"), *id = find(a, "user-id");
	const char *from = headers ? str_istr(headers->value, "From:") : NULL, *address = NULL;

	if (from) {
		from += strlen("From:") + strspn(from + strlen("From:"), " ");
		const char *rest = from;
		size_t n;
		from = note_next_address(&rest, &n);
		from = from ? arena_strndup(&a->im->arena, from, n) : "";
		address = address_in(a->im, from);
	}
	if (address && strchr(from, '<')) {
		import_set(a->im, "account", account, "from", from, headers->item);
		return;
	}
	bool is_guess = !address && !domain && !(user && import_is_address(user));
	if (!address && user && import_is_address(user))
		address = user;
	if (!address)
		address = arena_printf(&a->im->arena, "%s@%s",
			id ? id->value : user && *user && !strchr(user, '@') ? user : "you",
			domain ? domain->value : "example.org");
	import_set(a->im, "account", account, "from",
		import_address(a->im, name ? name->value : NULL, address),
		name ? name->item : IMPORT_NO_ITEM);
	if (is_guess)
		import_tell(a->im, "[account %s]: 'from' is a guess: look at it", account);
}

/* ---- accounts ---- */

/* "Sent" of the account, or {server}Sent; a file is none. */
static void
put_folder(struct alpine *a, const char *account, const char *theirs, const char *ours)
{
	const struct setting *s = find(a, theirs);
	const char *name = s ? *s->value == '{' ? strchr(s->value, '}') : NULL : NULL;

	if (!s)
		return;
	name = name ? name + 1 : s->value;
	if (*name && !strchr("/~#", *name))
		import_set(a->im, "account", account, ours, name, s->item);
	else
		import_not(a->im, s->item, "it is no folder of this account");
}

static void
put_send(struct alpine *a, const char *account, const char *user)
{
	const struct setting *s = find(a, "smtp-server"), *path = find(a, "sendmail-path");

	if (!s) {
		if (path)
			import_set(a->im, "account", account, "sendmail", path->value,
				path->item);
		else
			import_tell(a->im,
				"[account %s]: no line says where mail goes to: add "
				"'send' to it", account);
		return;
	}
	struct server v = read_server(a->im, s->value, ",");
	unsigned port = v.port ? v.port : v.is_tls || v.is_submission ? 0 : 25;
	const char *url = import_url(a->im, scheme(a, "smtp", &v), v.user ? v.user
		: v.is_submission || v.is_tls ? user
		: NULL, v.host, port);
	if (url)
		import_set(a->im, "account", account, "send", url, s->item);
	else
		import_not(a->im, s->item, "it is no server");
}

static void
put_details(struct alpine *a, const char *account)
{
	const struct setting *sig = find(a, "signature-file"), *alt = find(a, "alt-addresses");

	put_folder(a, account, "default-fcc", "sent");
	put_folder(a, account, "postponed-folder", "drafts");
	put_folder(a, account, "trash-folder", "trash");
	put_folder(a, account, "default-saved-msg-folder", "archive");
	if (sig)
		import_set(a->im, "account", account, "signature", strchr("/~", *sig->value)
			? sig->value
			: arena_printf(&a->im->arena, "~/%s", sig->value), sig->item);
	if (alt && !strchr(alt->value, '*'))
		import_set(a->im, "account", account, "identities", alt->value, alt->item);
	else if (alt)
		import_not(a->im, alt->item,
			"'identities' are addresses: write those that you have");
}

static void
put_account(struct alpine *a, const struct server *s, size_t item)
{
	const struct setting *id = find(a, "user-id");
	const char *user = s->user ? s->user : id ? id->value : getenv("LOGNAME");
	const char *url = import_url(a->im, scheme(a, s->is_pop ? "pop3" : "imap", s),
		user && *user ? user : "you", s->host, s->port);

	if (!url) {
		import_not(a->im, item, "it is no server");
		return;
	}
	for (size_t i = 0; i < a->im->n_sections; i++) {
		const struct import_section *k = &a->im->sections[i];
		if (str_eq(k->kind, "account") &&
		    str_eq(import_get(a->im, "account", k->argument, "receive"), url))
			return;
	}
	if (import_n_accounts(a->im) == MAX_ACCOUNTS)
		return;
	const char *name = import_account_name(a->im,
		import_domain_word(a->im, user && strchr(user, '@') ? user : s->host));
	put_from(a, name, user);
	import_set(a->im, "account", name, "receive", url, item);
	put_send(a, name, user);
	if (!a->first)
		put_details(a, name);
	a->first = a->first ? a->first : name;
}

static void
put_servers(struct alpine *a, const char *setting)
{
	const struct setting *s = find(a, setting);

	for (const char *p = s ? strchr(s->value, '{') : NULL; p; p = strchr(p + 1, '{')) {
		struct server v = read_server(a->im, p + 1, "}");
		put_account(a, &v, s->item);
	}
}

/* ---- the program ---- */

static void
put_program(struct alpine *a)
{
	const struct setting *editor = find(a, "editor"), *sort = find(a, "sort-key"), *check =
		find(a, "mail-check-interval");
	static const struct { const char *theirs, *ours, *reversed; } orders[] = {
		{ "arrival", "-date", "date" }, { "date", "-date", "date" },
		{ "from", "sender", "-sender" },
		{ "subject", "subject", "-subject" }, { "size", "-size", "size" },
		{ "thread", "-date", "date" },
		{ "orderedsubj", "-date", "date" },
	};

	if (editor)
		import_set(a->im, "mail", "", "editor", editor->value, editor->item);
	for (size_t i = 0; sort && i < LEN(orders); i++) {
		if (!str_istarts(sort->value, orders[i].theirs))
			continue;
		import_set(a->im, "mail", "", "sort", str_istr(sort->value, "/reverse")
			? orders[i].reversed : orders[i].ours,
			sort->item);
		if (str_istarts(sort->value, "thread"))
			import_set(a->im, "mail", "", "threads", "yes", IMPORT_NO_ITEM);
	}
	if (!sort)
		import_set(a->im, "mail", "", "sort", "-date", IMPORT_NO_ITEM);
	if (check && a->first && atol(check->value) >= 10)
		import_set(a->im, "account", a->first, "check-every",
			arena_printf(&a->im->arena, "%lds", atol(check->value)),
			check->item);
}

/* ---- lines ---- */

static void
add_line(struct alpine *a, const char *file, int line, char *text)
{
	char *equal = strchr(text, '=');

	if (!equal || *text == '#')
		return;
	*equal = '\0';
	const char *value = equal + 1;
	if (!*value || str_eq(value, "\"\""))	/* as it comes: nobody said it */
		return;
	a->v = array_grow(a->v, a->n, &a->cap, sizeof *a->v);
	a->v[a->n++] = (struct setting){ arena_strdup(&a->im->arena, text),
		arena_strdup(&a->im->arena, value),
		import_item(a->im, file, line, "%s", text) };
}

static void
read_lines(struct alpine *a, const char *file, const char *text)
{
	struct str s = {0};
	int begins = 1;

	for (int line = 1; *text || s.len; line++) {
		size_t n = strcspn(text, "\n"), skip = strspn(text, " \t");
		bool goes_on = skip && skip < n && s.len && *text != '#';
		if (!goes_on) {
			char *whole = str_take(&s);
			if (whole)
				add_line(a, file, begins, whole);
			free(whole);
			begins = line;
		}
		skip = goes_on ? skip : 0;
		str_add(&s, text + skip, n - skip);
		while (s.len && strchr(" \r", s.data[s.len - 1]))
			str_cut(&s, s.len - 1);
		if (!*text)
			str_cut(&s, 0);
		text += n + (text[n] == '\n');
	}
	str_clear(&s);
}

void
import_alpine_text(struct import *im, const char *name, const char *text)
{
	static const char *const where[] = { "inbox-path", "incoming-folders",
		"folder-collections" };
	static const char *const meant[] = { "personal-name", "user-domain", "user-id",
		"customized-hdrs", "address-book",
		"last-version-used", "last-time-prune-questioned", "incoming-folders",
		"folder-collections", "inbox-path" };
	struct alpine a = { .im = im };

	read_lines(&a, arena_strdup(&im->arena, name), text);
	for (size_t i = 0; i < LEN(where); i++)
		put_servers(&a, where[i]);
	if (!a.first) {
		const struct setting *domain = find(&a, "user-domain");
		const char *account = import_account_name(im, domain
			? import_domain_word(im, domain->value) : "mail");
		put_from(&a, account, NULL);
		import_comment(im, "account", account, "receive = imaps://USER@HOST");
		put_send(&a, account, NULL);
		import_off(im, "account", account);
		import_tell(im, "no server stands in this file: put it into [account %s], "
			"'receive', and take away the '#'",
			account);
	}
	put_program(&a);
	for (size_t i = 0; i < LEN(meant); i++) {
		const struct setting *s = find(&a, meant[i]);
		import_taken(im, s ? s->item : IMPORT_NO_ITEM);
	}
	free(a.v);
}

bool
import_alpine(struct import *im, const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	bool is_read = import_file(im, path, import_alpine_text, e);
	char *book = xasprintf("%.*s.addressbook", slash ? (int)(slash + 1 - path) : 0, path);

	if (is_read && access(book, R_OK) == 0)
		import_addressbook(im, book, NULL);
	free(book);
	return is_read;
}
