/* rc.c - lines to settings, and what is wrong with them.
 *
 * A line that is wrong is told and skipped; a section that is wrong is told once and its lines
 * skipped with it. Whether an account is whole is looked at when its section ends, and one
 * without a server, or with one that may not be used, is left out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lex.h"
#include "path.h"
#include "query.h"
#include "settings.h"
#include "str.h"

enum { MAX_FILE_BYTES = 4 << 20, MAX_PROBLEMS = 100, MAX_SETTINGS = 64 };

enum section { S_NONE, S_SKIP, S_MAIL, S_ACCOUNT, S_KEYS, S_COLORS, S_ALIAS };

static const struct {
	const char *name;
	enum section section;
	enum lex_mode mode;
} sections[] = {
	{ "mail", S_MAIL, LEX_PLAIN }, { "account", S_ACCOUNT, LEX_PLAIN },
	{ "keys", S_KEYS, LEX_KEYS }, { "colors", S_COLORS, LEX_COLORS },
	{ "alias", S_ALIAS, LEX_PLAIN },
};
static const char *const section_names[] = {
	"mail", "account", "keys", "colors", "alias", NULL
};

struct parser {
	struct rc *rc;
	const char *name;
	int line;
	enum section section;
	enum lex_mode mode;
	char *argument;			/* of [keys ARGUMENT] */
	struct rc_account account;	/* the one being read */
	/* where each was set; 0: not */
	int mail_lines[MAX_SETTINGS], account_lines[MAX_SETTINGS];
	size_t cap_accounts, cap_problems, cap_keys, cap_colors, cap_aliases;
};

static void problem(struct parser *ps, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void
problem(struct parser *ps, int line, const char *fmt, ...)
{
	struct rc *rc = ps->rc;
	struct str s = {0};
	struct error clean;
	va_list ap;

	if (rc->n_problems == MAX_PROBLEMS)
		return;
	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	error_set(&clean, ERR_LOCAL, "%s", str_get(&s));
	rc->problems = array_grow(rc->problems, rc->n_problems, &ps->cap_problems,
		sizeof *rc->problems);
	const char *text = rc->n_problems + 1 < MAX_PROBLEMS ? clean.text
		: "so many lines are wrong that the rest is not told";
	rc->problems[rc->n_problems++].line = xasprintf("%s:%d: %s", ps->name, line, text);
	str_clear(&s);
}

/* ---- the end of an account ---- */

static int
line_of(const struct parser *ps, const char *setting)
{
	size_t first, n;
	const struct rc_setting *s = setting_find("account", setting);

	settings_of("account", &first, &n);
	int line = ps->account_lines[s - rc_settings(&n) - first];
	return line ? line : ps->account.line;
}

static bool
is_refused(struct parser *ps, const struct rc_url *u, const char *setting)
{
	if (u->protocol == RC_NONE || u->protocol == RC_MBOX || u->security != RC_PLAIN ||
	    ps->account.allow_insecure || rc_host_is_loopback(u->host))
		return false;
	problem(ps, line_of(ps, setting),
		"'+insecure' would send the password to %s in the clear: "
		"take it away, or set allow-insecure = yes", u->host);
	return true;
}

/* It goes into a command: a host name or an address literal, nothing else. */
static bool
is_greeting(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]";

	return *name && strlen(name) < 250 && strspn(name, allowed) == strlen(name);
}

bool
rc_account_sends(const struct rc_account *a)
{
	return a->send.protocol == RC_SMTP || a->sendmail;
}

/* What is missing; false: the account cannot be used at all. */
static bool
check_account(struct parser *ps)
{
	struct rc_account *a = &ps->account;
	const struct rc_url *u = &a->receive;

	if (is_refused(ps, &a->send, "send"))
		rc_url_clear(&a->send);
	if (a->password && a->password_command) {
		problem(ps, line_of(ps, "password"),
			"'password' is not used beside 'password-command'");
		secret_free(a->password);
		a->password = NULL;
	}
	if (a->send_password && a->send_password_command) {
		problem(ps, line_of(ps, "send-password"),
			"'send-password' is not used beside 'send-password-command'");
		secret_free(a->send_password);
		a->send_password = NULL;
	}
	if (a->sendmail && a->send.protocol != RC_NONE) {
		problem(ps, line_of(ps, "send"), "'send' is not used beside 'sendmail'");
		rc_url_clear(&a->send);
	}
	if (a->dsn & 1 && a->dsn != 1) {
		problem(ps, line_of(ps, "dsn"), "'never' for 'dsn' goes with no other word");
		a->dsn = 0;
	}
	if (a->hello && !is_greeting(a->hello)) {
		problem(ps, line_of(ps, "hello"), "'hello' is a host name, not '%s'",
			a->hello);
		free(a->hello);
		a->hello = NULL;
	}
	if (u->protocol == RC_NONE && line_of(ps, "receive") == a->line) {
		problem(ps, a->line,
			"account '%s' has no 'receive', such as imaps://ada@imap.example.org",
			a->name);
		return false;
	}
	if (u->protocol == RC_NONE || is_refused(ps, u, "receive"))
		return false;			/* its line is told already */
	if (u->protocol != RC_MBOX && !u->user) {
		problem(ps, line_of(ps, "receive"), "no user stands in the URL: write USER@%s",
			u->host);
		return false;
	}
	if (!a->from) {
		if (line_of(ps, "from") == a->line)
			problem(ps, a->line,
				"account '%s' has no 'from', such as Ada <ada@example.org>",
				a->name);
		a->from = xstrdup(u->user && strchr(u->user, '@') ? u->user : "");
	}
	return true;
}

static void
account_clear(struct rc_account *a)
{
	settings_clear("account", a);
	free(a->name);
	*a = (struct rc_account){0};
}

static void
end_account(struct parser *ps)
{
	struct rc *rc = ps->rc;

	if (!ps->account.name)
		return;
	if (check_account(ps)) {
		rc->accounts = array_grow(rc->accounts, rc->n_accounts, &ps->cap_accounts,
			sizeof *rc->accounts);
		rc->accounts[rc->n_accounts++] = ps->account;
		ps->account = (struct rc_account){0};
	} else {
		account_clear(&ps->account);
	}
}

static enum section
begin_account(struct parser *ps, const char *name)
{
	const struct rc *rc = ps->rc;

	if (!*name || strpbrk(name, "/\"'") || strlen(name) > 100) {
		problem(ps, ps->line, *name ? "an account's name has no '/' and no quotes"
			: "the account needs a name: [account work]");
		return S_SKIP;
	}
	for (size_t i = 0; i < rc->n_accounts; i++) {
		if (str_ieq(rc->accounts[i].name, name)) {
			problem(ps, ps->line, "account '%s' is already in line %d", name,
				rc->accounts[i].line);
			return S_SKIP;
		}
	}
	ps->account.name = xstrdup(name);
	ps->account.line = ps->line;
	memset(ps->account_lines, 0, sizeof ps->account_lines);
	settings_init("account", &ps->account);
	return S_ACCOUNT;
}

/* ---- lines ---- */

static void
begin_section(struct parser *ps, const struct lex *l)
{
	end_account(ps);
	ps->section = S_SKIP;
	ps->mode = LEX_PLAIN;
	free(ps->argument);
	ps->argument = xstrdup(l->value);
	for (size_t i = 0; i < LEN(sections); i++) {
		if (str_ieq(sections[i].name, l->name)) {
			ps->section = sections[i].section;
			ps->mode = sections[i].mode;
		}
	}
	const char *near = nearest_word(l->name, section_names);
	if (ps->section == S_SKIP && near)
		problem(ps, ps->line, "unknown section '%s' (did you mean '%s'?)", l->name,
			near);
	else if (ps->section == S_SKIP)
		problem(ps, ps->line,
			"unknown section '%s' (mail, account, keys, colors, alias)", l->name);
	else if (ps->section == S_ACCOUNT)
		ps->section = begin_account(ps, l->value);
	else if (ps->section != S_KEYS && *l->value)
		problem(ps, ps->line, "'%s' behind [%s means nothing", l->value, l->name);
}

static void
unknown_setting(struct parser *ps, const char *section, const char *name)
{
	const char *words[MAX_SETTINGS + 1] = { NULL };
	const char *other = str_eq(section, "mail") ? "account" : "mail";
	size_t first, n, total;
	const struct rc_setting *all = rc_settings(&total);

	settings_of(section, &first, &n);
	for (size_t i = 0; i < n && i < MAX_SETTINGS; i++)
		words[i] = all[first + i].name;
	const char *near = nearest_word(name, words);
	if (setting_find(other, name))
		problem(ps, ps->line, "'%s' belongs into [%s%s]", name, other,
			str_eq(other, "account") ? " NAME" : "");
	else if (near)
		problem(ps, ps->line, "unknown setting '%s' (did you mean '%s'?)", name, near);
	else
		problem(ps, ps->line, "unknown setting '%s' (see dunlin-mailrc(5))", name);
}

static void
put_setting(struct parser *ps, const char *section, void *into, int *lines,
	const struct lex *l)
{
	const struct rc_setting *s = setting_find(section, l->name);
	struct error e = {0};
	size_t first, n;

	if (!s) {
		unknown_setting(ps, section, l->name);
		return;
	}
	settings_of(section, &first, &n);
	int *line = &lines[s - rc_settings(&n) - first];
	if (*line)
		problem(ps, ps->line, "'%s' is already set in line %d; this one counts",
			s->name, *line);
	*line = ps->line;
	if (setting_put(s, into, l->value, &e) != ERR_OK)
		problem(ps, ps->line, "%s", e.text);
}

static void
add_pair(struct parser *ps, struct rc_pair **list, size_t *n, size_t *cap, const struct lex *l)
{
	*list = array_grow(*list, *n, cap, sizeof **list);
	(*list)[(*n)++] = (struct rc_pair){
		.section = xstrdup(ps->section == S_KEYS ? ps->argument : ""),
		.name = xstrdup(l->name), .value = xstrdup(l->value), .line = ps->line,
	};
}

static void
put_color(struct parser *ps, const struct lex *l)
{
	struct rc *rc = ps->rc;
	struct rc_color color;
	struct error e = {0};

	if (!*l->value) {
		problem(ps, ps->line,
			"'%s' has no colour (red, bright-red, 0 to 255, #rrggbb, bold, ...)",
			l->name);
		return;
	}
	if (rc_color_parse(&color, l->value, &e) != ERR_OK) {
		problem(ps, ps->line, "%s", e.text);
		return;
	}
	for (size_t i = 0; i < rc->n_colors; i++) {
		if (str_ieq(rc->colors[i].name, l->name))
			problem(ps, ps->line,
				"'%s' is already set in line %d; this one counts", l->name,
				rc->colors[i].line);
	}
	add_pair(ps, &rc->colors, &rc->n_colors, &ps->cap_colors, l);
}

static void
put_alias(struct parser *ps, const struct lex *l)
{
	struct rc *rc = ps->rc;
	struct error e = {0};

	if (!*l->value) {
		problem(ps, ps->line, "alias '%s' has no address", l->name);
		return;
	}
	if (addresses_check(l->name, l->value, &e) != ERR_OK) {
		problem(ps, ps->line, "alias %s", e.text);
		return;
	}
	for (size_t i = 0; i < rc->n_aliases; i++) {
		struct rc_pair *was = &rc->aliases[i];
		if (!str_ieq(was->name, l->name))
			continue;
		problem(ps, ps->line, "alias '%s' is already in line %d; this one counts",
			l->name, was->line);
		free(was->value);
		was->value = xstrdup(l->value);
		was->line = ps->line;
		return;
	}
	add_pair(ps, &rc->aliases, &rc->n_aliases, &ps->cap_aliases, l);
}

static void
put_pair(struct parser *ps, const struct lex *l)
{
	struct rc *rc = ps->rc;

	switch (ps->section) {
	case S_SKIP:
		break;
	case S_NONE:
		problem(ps, ps->line, "'%s' stands before any [section]", l->name);
		break;
	case S_MAIL:
		put_setting(ps, "mail", rc, ps->mail_lines, l);
		break;
	case S_ACCOUNT:
		put_setting(ps, "account", &ps->account, ps->account_lines, l);
		break;
	case S_KEYS:
		add_pair(ps, &rc->keys, &rc->n_keys, &ps->cap_keys, l);
		break;
	case S_COLORS:
		put_color(ps, l);
		break;
	case S_ALIAS:
		put_alias(ps, l);
		break;
	}
}

static void
parse_line(struct parser *ps, const char *p, size_t n)
{
	struct lex l;

	ps->line++;
	lex_line(&l, p, n, ps->mode);
	if (l.kind == LEX_SECTION)
		begin_section(ps, &l);
	else if (l.kind == LEX_PAIR)
		put_pair(ps, &l);
	else if (l.kind == LEX_ERROR && (ps->section != S_SKIP || l.is_section))
		problem(ps, ps->line, "%s", l.error);
	/* What follows a broken "[account two" is not for the section before it. */
	if (l.kind == LEX_ERROR && l.is_section) {
		end_account(ps);
		ps->section = S_SKIP;
		ps->mode = LEX_PLAIN;
	}
	lex_clear(&l);
}

enum err
rc_parse(struct rc **out, const char *name, const char *text, size_t n, struct error *e)
{
	struct rc *rc = xcalloc(1, sizeof *rc);
	struct parser ps = { .rc = rc, .name = name };
	const char *p = text, *end = text + n;

	(void)e;
	rc->path = xstrdup(name);
	settings_init("mail", rc);
	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		parse_line(&ps, p, (size_t)((nl ? nl : end) - p));
		p = nl ? nl + 1 : end;
	}
	end_account(&ps);
	free(ps.argument);
	*out = rc;
	return ERR_OK;
}

/* ---- the file ---- */

/* SECURITY 19: a password in a file of somebody else, or that others
 * can read, is no secret. */
static void
drop_exposed_passwords(struct rc *rc, const struct stat *st)
{
	struct parser ps = { .rc = rc, .name = rc->path, .cap_problems = rc->n_problems };
	bool is_ours = st->st_uid == getuid();

	if (is_ours && !(st->st_mode & 077))
		return;
	for (size_t i = 0; i < rc->n_accounts; i++) {
		struct rc_account *a = &rc->accounts[i];
		if (!a->password && !a->send_password)
			continue;
		secret_free(a->password);
		secret_free(a->send_password);
		a->password = a->send_password = NULL;
		problem(&ps, a->line, is_ours
			? "the password of '%s' is not used, because others can read this "
			"file: chmod 600 '%s'"
			: "the password of '%s' is not used, because the file '%s' is not "
			"yours",
			a->name, rc->path);
	}
}

enum err
rc_read(struct rc **out, const char *path, struct error *e)
{
	char *text = NULL;
	size_t n = 0;
	struct stat st = {0};
	enum err rc = ERR_OK;

	*out = NULL;
	if (stat(path, &st) == 0)
		rc = file_read(&text, &n, path, MAX_FILE_BYTES, e);
	else if (errno != ENOENT)
		rc = error_errno(e, ERR_LOCAL, "cannot open '%s'", path);
	if (rc == ERR_OK)
		rc = rc_parse(out, path, text ? text : "", n, e);
	if (rc == ERR_OK)
		drop_exposed_passwords(*out, &st);
	if (text)
		explicit_bzero(text, n);
	free(text);
	return rc;
}

static void
pairs_free(struct rc_pair *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].section);
		free(p[i].name);
		free(p[i].value);
	}
	free(p);
}

void
rc_free(struct rc *rc)
{
	if (!rc)
		return;
	for (size_t i = 0; i < rc->n_accounts; i++)
		account_clear(&rc->accounts[i]);
	free(rc->accounts);
	pairs_free(rc->keys, rc->n_keys);
	pairs_free(rc->colors, rc->n_colors);
	pairs_free(rc->aliases, rc->n_aliases);
	for (size_t i = 0; i < rc->n_problems; i++)
		free(rc->problems[i].line);
	free(rc->problems);
	settings_clear("mail", rc);
	free(rc->path);
	free(rc);
}
