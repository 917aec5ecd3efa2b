/* import_aerc.c - aerc's accounts.conf as accounts, and of aerc.conf what there is here, too.
 *
 *	[Name]
 *	source          = imaps://user%40host@imap.host:993
 *	                  also imap+insecure:, imaps+xoauth2:
 *	source-cred-cmd = pass show mail
 *	outgoing        = smtps+plain://user@smtp.host           or a command
 *	from            = Ada <ada@host> */
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "import_place.h"
#include "path.h"

struct reader {
	struct import *im;
	const char *file;
	const char *account;		/* of the section; NULL: none yet */
	const char *section;		/* as the file has it */
	const char *receive_user;
	size_t from_item;
};

/* "imaps+xoauth2://..." without what stands behind the '+', and that. */
static const char *
bare_url(struct import *im, const char *url, const char **option)
{
	size_t n = strcspn(url, ":+");

	*option = "";
	if (url[n] != '+' || !strstr(url, "://"))
		return url;
	const char *colon = strstr(url, "://");
	*option = arena_strndup(&im->arena, url + n + 1, colon > url + n
		? (size_t)(colon - url - n - 1) : 0);
	return arena_printf(&im->arena, "%.*s%s", (int)n, url, colon);
}

/* A server's URL as ours; NULL: it is none. The password in it is told, not copied. */
static const char *
server_url(struct reader *r, const char *value, const char *setting, size_t item)
{
	const char *option, *url = bare_url(r->im, value, &option);
	struct mutt_place p;

	if (!mutt_place(r->im, url, &p) || p.kind == PLACE_POP)
		return NULL;
	const char *scheme = arena_printf(&r->im->arena, "%s%s", p.kind == PLACE_SMTP ? "smtp"
		: "imap",
		p.is_tls ? "s" : str_eq(option, "insecure") ? "+insecure" : "");
	if (p.password && *p.password) {
		size_t secret = import_item(r->im, r->file, r->im->items[item].line,
			"password in the URL");
		import_no_password(r->im, r->account, setting, "The password", secret);
	}
	if (str_eq(option, "xoauth2") || str_eq(option, "oauthbearer"))
		import_set(r->im, "account", r->account, "auth", option, IMPORT_NO_ITEM);
	return import_url(r->im, scheme, p.user, p.host, p.port);
}

static void
put_source(struct reader *r, const char *value, size_t item)
{
	const char *url = server_url(r, value, "password", item);

	if (url)
		import_set(r->im, "account", r->account, "receive", url, item);
	else if (str_starts(value, "mbox://"))
		import_set(r->im, "account", r->account, "receive",
			arena_printf(&r->im->arena, "mbox:%s", value + strlen("mbox://")),
			item);
	else if (str_starts(value, "maildir") || str_starts(value, "notmuch"))
		import_not(r->im, item, "Maildirs are not read, but the server that they came "
			"from: put it into "
			"'receive'");
	else
		import_not(r->im, item, "it is no server that can be read from");
}

static void
put_outgoing(struct reader *r, const char *value, size_t item)
{
	if (!strstr(value, "://")) {
		import_set(r->im, "account", r->account, "sendmail", value, item);
		return;
	}
	const char *url = server_url(r, value, "send-password", item);
	if (url)
		import_set(r->im, "account", r->account, "send", url, item);
	else
		import_not(r->im, item, "it is no server that can be sent by");
}

/* Lists of folders are one here: the first word. */
static void
put_account(struct reader *r, const char *name, const char *value, size_t item)
{
	static const struct { const char *theirs, *ours; } same[] = {
		{ "from", "from" }, { "aliases", "identities" },
		{ "signature-file", "signature" }, { "signature-cmd", "signature-command" },
		{ "source-cred-cmd", "password-command" },
		{ "outgoing-cred-cmd", "send-password-command" }, { "copy-to", "sent" },
		{ "postpone", "drafts" }, { "archive", "archive" },
		{ "check-mail", "check-every" },
	};

	if (str_eq(name, "source")) {
		put_source(r, value, item);
		return;
	}
	if (str_eq(name, "outgoing")) {
		put_outgoing(r, value, item);
		return;
	}
	for (size_t i = 0; i < LEN(same); i++) {
		if (!str_eq(same[i].theirs, name))
			continue;
		import_set(r->im, "account", r->account, same[i].ours, value, item);
		return;
	}
	if (str_eq(name, "smtp-starttls") || str_eq(name, "cache-headers") ||
	    str_eq(name, "default"))
		import_taken(r->im, item);
	else if (str_eq(name, "address-book-cmd"))
		import_set(r->im, "mail", "", "address-query", value, item);
	else if (str_starts(name, "pgp"))
		import_not(r->im, item, "OpenPGP is done by your own gpg; see 'sign' and "
			"'encrypt' of an account");
}

static void
put_program(struct reader *r, const char *name, const char *value, size_t item)
{
	bool is_true = str_eq(value, "true");

	if (str_eq(name, "editor"))
		import_set(r->im, "mail", "", "editor", value, item);
	else if (str_eq(name, "address-book-cmd"))
		import_set(r->im, "mail", "", "address-query", value, item);
	else if (str_eq(name, "edit-headers"))
		import_set(r->im, "mail", "", "edit-headers", is_true ? "yes" : "no", item);
	else if (str_eq(name, "threading-enabled"))
		import_set(r->im, "mail", "", "threads", is_true ? "yes" : "no", item);
	else if (str_eq(name, "mouse-enabled"))
		import_set(r->im, "mail", "", "mouse", is_true ? "yes" : "no", item);
	else if (str_eq(name, "format-flowed"))
		import_set(r->im, "mail", "", "flowed", is_true ? "yes" : "no", item);
	else if (str_eq(name, "default-save-path"))
		import_set(r->im, "mail", "", "download-dir", value, item);
	else if (str_eq(name, "alternatives"))
		import_set(r->im, "mail", "", "prefer-html", str_starts(value, "text/html")
			? "yes" : "no", item);
}

static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = strlen(s); n && strchr(" \t\r", s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

static void
take_line(struct reader *r, char *line, int n, bool has_accounts)
{
	char *value = strchr(line, '='), *close = *line == '[' ? strchr(line, ']') : NULL;

	if (close) {
		*close = '\0';
		r->section = arena_strdup(&r->im->arena, line + 1);
		if (!has_accounts)
			return;
		r->account = import_account_name(r->im, r->section);
		return;
	}
	if (!*line || *line == '#' || *line == ';' || !value || !r->section)
		return;
	*value++ = '\0';
	const char *name = trim(line);
	size_t item = import_item(r->im, r->file, n, "[%s] %s", r->section, name);
	if (has_accounts)
		put_account(r, name, trim(value), item);
	else
		put_program(r, name, trim(value), item);
}

static void
read_text(struct import *im, const char *name, const char *text, bool has_accounts)
{
	struct reader r = { .im = im, .file = arena_strdup(&im->arena, name) };
	char *copy = xstrdup(text), *rest = copy, *line;

	for (int n = 1; (line = strsep(&rest, "\n")) != NULL; n++)
		take_line(&r, trim(line), n, has_accounts);
	free(copy);
}

/* What is missing of an account is added or said. */
static void
finish(struct import *im)
{
	for (size_t i = 0; i < im->n_sections; i++) {
		const char *name = im->sections[i].argument;
		if (!str_eq(im->sections[i].kind, "account"))
			continue;
		if (!import_get(im, "account", name, "receive")) {
			import_off(im, "account", name);
			import_comment(im, "account", name, "receive = imaps://USER@HOST");
			import_tell(im,
				"put the server into [account %s], 'receive', "
				"and take away the '#'", name);
		} else if (!import_get(im, "account", name, "from")) {
			import_set(im, "account", name, "from", "you@example.org",
				IMPORT_NO_ITEM);
			import_tell(im, "[account %s] has no 'from': put your address there",
				name);
		}
	}
}

void
import_aerc_text(struct import *im, const char *name, const char *text)
{
	read_text(im, name, text, true);
	finish(im);
}

bool
import_aerc(struct import *im, const char *dir, struct error *e)
{
	size_t n = strlen(dir);
	bool is_file = n > 5 && str_eq(dir + n - 5, ".conf");
	char *accounts = is_file ? xstrdup(dir) : path_join(dir, "accounts.conf");
	char *program = is_file ? NULL : path_join(dir, "aerc.conf");
	bool is_read = import_file(im, accounts, import_aerc_text, e);
	char *text = is_read && program ? import_read(program, NULL) : NULL;

	if (text)
		read_text(im, program, text, false);
	if (is_read)
		import_tell(im,
			"keys (binds.conf) are not taken over: '?' shows those of dunlin");
	free(text);
	free(accounts);
	free(program);
	return is_read;
}
