/* import_account.c - the section of one account, from the settings that hold in it.
 *
 * A password is never printed: what is printed goes into a file whose mode nobody knows yet.
 * One that a command in backticks gives becomes password-command, of others it is said where
 * they stand. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import_place.h"
#include "path.h"
#include "rc.h"

struct account {
	struct mutt *m;
	struct import *im;
	const struct mutt_vars *vars;
	const char *name;
};

/* NULL also where it was unset, which is "no" of all kinds. */
static const struct mutt_var *
var(const struct account *a, const char *name)
{
	const struct mutt_var *v = mutt_var(a->vars, name);

	return v && !str_eq(v->value, "no") && (*v->value || v->command || v->unknown)
		? v : NULL;
}

static bool
is_set_to(const struct account *a, const char *name, const char *value)
{
	const struct mutt_var *v = mutt_var(a->vars, name);

	return v && str_ieq(v->value, value);
}

static bool
set(const struct account *a, const char *name, const char *value, size_t item)
{
	return import_set(a->im, "account", a->name, name, value, item);
}

static void
take_item(const struct account *a, const char *name)
{
	const struct mutt_var *v = mutt_var(a->vars, name);

	if (v)
		import_taken(a->im, v->item);
}

/* ---- who ---- */

/* The address in "Ada <ada@x>" or "ada@x"; NULL: there is none.
 * *name: what stands before it. */
static const char *
split_address(struct import *im, const char *text, const char **name)
{
	const char *open = strrchr(text, '<'), *close = open ? strchr(open, '>') : NULL;
	const char *address = open && close ? arena_strndup(&im->arena, open + 1,
		(size_t)(close - open - 1)) : text;

	*name = NULL;
	if (open && open > text) {
		size_t n = (size_t)(open - text);
		while (n && strchr(" \t\"", text[n - 1]))
			n--;
		size_t from = strspn(text, " \t\"");
		if (from < n)
			*name = arena_strndup(&im->arena, text + from, n - from);
	}
	return import_is_address(address) ? address : NULL;
}

/* mail.example.org is hardly where addresses are: the domain without its first word where two
 * remain. */
static const char *
domain_of(const char *host)
{
	const char *dot = strchr(host, '.');

	return dot && strchr(dot + 1, '.') ? dot + 1 : host;
}

static void
put_from(struct account *a, const char *user, const char *host)
{
	const struct mutt_var *from = var(a, "from"), *real = var(a, "realname");
	const char *name = NULL, *address = NULL;
	size_t item = IMPORT_NO_ITEM;

	if (a->m->from && (address = split_address(a->im, a->m->from, &name)) != NULL)
		item = a->m->from_item;
	else if (from && (address = split_address(a->im, from->value, &name)) != NULL)
		item = from->item;
	if (!name && real && !real->command && !real->unknown)
		name = real->value;
	if (real && real->command)
		import_not(a->im, real->item, "`%s` was not run: put your name before the "
			"address in 'from'", real->command);
	if (!address && from)
		import_not(a->im, from->item, from->command
			? "`%s` was not run: put what it prints into 'from'"
			: "it is no address", from->command);
	if (!address && user && import_is_address(user)) {
		address = user;
	} else if (!address) {
		address = arena_printf(&a->im->arena, "%s@%s",
			user && *user && !strchr(user, '@') ? user : "you",
			domain_of(host));
		import_comment(a->im, "account", a->name,
			"The address is a guess, no line says it:");
		import_tell(a->im, "[account %s]: 'from' is a guess: look at it", a->name);
	}
	set(a, "from", import_address(a->im, name, address), item);
	take_item(a, "realname");
	if (item != IMPORT_NO_ITEM)
		take_item(a, "from");
}

static void
put_signature(struct account *a)
{
	const struct mutt_var *v = var(a, "signature");

	if (!v)
		return;
	size_t n = strlen(v->value);
	if (v->command)
		import_not(a->im, v->item, "`%s` was not run: put a path there, or a command "
			"into 'signature-command'", v->command);
	else if (v->value[n - 1] == '|')
		set(a, "signature-command", arena_strndup(&a->im->arena, v->value, n - 1),
			v->item);
	else if (*v->value == '/' || str_starts(v->value, "~/"))
		set(a, "signature", v->value, v->item);
	else
		set(a, "signature", arena_printf(&a->im->arena, "~/%s", v->value), v->item);
}

/* A key as mutt names it, 0x before it or not. */
static void
put_key(struct account *a, const char *theirs)
{
	const struct mutt_var *v = var(a, theirs);
	const char *key = v ? v->value + (str_istarts(v->value, "0x") ? 2 : 0) : "";

	if (*key && strspn(key, "0123456789abcdefABCDEF") == strlen(key) &&
	    !import_get(a->im, "account", a->name, "key"))
		set(a, "key", key, v->item);
}

static void
put_crypto(struct account *a)
{
	static const struct { const char *theirs, *ours, *value; } settings[] = {
		{ "cryptautosign", "sign", "yes" }, { "pgpautosign", "sign", "yes" },
		{ "cryptautoencrypt", "encrypt", "always" },
		{ "pgpautoencrypt", "encrypt", "always" },
		{ "cryptopportunisticencrypt", "encrypt", "when-possible" },
		{ "smimeisdefault", "crypto", "smime" },
	};

	for (size_t i = 0; i < LEN(settings); i++) {
		if (!is_set_to(a, settings[i].theirs, "yes"))
			continue;
		if (import_get(a->im, "account", a->name, settings[i].ours))
			take_item(a, settings[i].theirs);
		else
			set(a, settings[i].ours, settings[i].value,
				mutt_var(a->vars, settings[i].theirs)->item);
	}
	put_key(a, "pgpdefaultkey");
	put_key(a, "pgpsignas");
}

/* ---- passwords ---- */

static void
hint_source(struct account *a, const char *setting, const char *theirs)
{
	import_comment(a->im, "account", a->name,
		"%s = %s| sed -n 's/^ *set *%s *= *//p' | tr -d \"\\\"'\"",
		setting, a->m->unread_source, theirs);
}

/* Returns whether the mailrc has it now. `theirs`: the name in the muttrc, for people. */
static bool
put_password(struct account *a, const struct mutt_var *v, const char *theirs,
	const char *setting)
{
	const char *command = arena_printf(&a->im->arena, "%s-command", setting);

	if (v && v->is_command) {
		import_comment(a->im, "account", a->name,
			"From the backticks in %s:%d, which were not run here; dunlin "
			"runs this when it logs in:", a->im->items[v->item].file,
			a->im->items[v->item].line);
		return set(a, command, v->command, v->item);
	}
	if (v && v->command) {
		import_not(a->im, v->item,
			"`%s` was not run: %s is a command whose first line is the password",
			v->command, command);
		return false;
	}
	const char *unknown = v ? v->unknown : NULL;
	if (unknown || (!v && a->m->unread_source)) {
		import_comment(a->im, "account", a->name,
			"The password stands in what a command prints that was not run. "
			"You are asked for it, or a line such as this gets it:");
		hint_source(a, command, unknown ? unknown : theirs);
		if (v)
			import_not(a->im, v->item, "$%s is set nowhere that was read",
				unknown);
		return false;
	}
	if (v && *v->value)
		import_no_password(a->im, a->name, setting, theirs, v->item);
	return false;
}

/* ---- where it goes to ---- */

static void
put_tls(struct account *a)
{
	const struct mutt_var *v = var(a, "certificatefile");
	struct stat st;

	if (!v)
		v = var(a, "sslcacertificatesfile");
	if (!v)
		return;
	char *path = path_expand(v->value);
	if (stat(path, &st) != 0 || st.st_size == 0)
		import_not(a->im, v->item, "'%s' is not there, or empty", v->value);
	else if (!str_starts(v->value, "/etc/ssl/") &&
	    (*v->value == '/' || str_starts(v->value, "~/")))
		set(a, "ca-file", v->value, v->item);
	else
		import_taken(a->im, v->item);		/* the system's own */
	free(path);
}

/* mutt speaks plain where the server has no STARTTLS; here that has to be said, and is for
 * this machine only. */
static const char *
scheme(struct account *a, const char *plain, const struct mutt_place *p)
{
	bool is_unsafe = is_set_to(a, "sslstarttls", "no") &&
		!is_set_to(a, "sslforcetls", "yes");

	if (p->is_tls)
		return arena_printf(&a->im->arena, "%ss", plain);
	if (!is_unsafe)
		return plain;
	take_item(a, "sslstarttls");
	take_item(a, "sslforcetls");
	if (rc_host_is_loopback(p->host))
		return arena_printf(&a->im->arena, "%s+insecure", plain);
	import_tell(a->im, "[account %s]: %s is used in the clear there; here STARTTLS is "
		"required, or else: %s+insecure: and "
		"allow-insecure = yes", a->name, p->host, plain);
	return plain;
}

static void
put_sendmail(struct account *a)
{
	const struct mutt_var *v = var(a, "sendmail");

	if (v && v->command) {
		import_not(a->im, v->item, "`%s` was not run: put the whole command into "
			"'sendmail'", v->command);
	} else if (v) {
		set(a, "sendmail", v->value, v->item);
		if (strstr(v->value, "msmtp"))
			mutt_msmtp(a->im, a->name, v->value);
	} else if (access("/usr/sbin/sendmail", X_OK) == 0) {
		import_comment(a->im, "account", a->name,
			"What mutt uses where nothing else is said:");
		set(a, "sendmail", "/usr/sbin/sendmail", IMPORT_NO_ITEM);
	} else {
		import_comment(a->im, "account", a->name, "send = smtps://USER@HOST");
		import_tell(a->im, "[account %s]: no line says where mail goes to: add 'send' "
			"to it", a->name);
	}
}

static bool
same_password(const struct mutt_var *a, const struct mutt_var *b)
{
	return a && b && str_eq(a->value, b->value) && str_eq(a->command, b->command) &&
		str_eq(a->unknown, b->unknown);
}

/* A token for sending, where it is another than that for receiving. */
static void
put_send_oauth(struct account *a)
{
	const struct mutt_var *v = var(a, "smtpoauthrefreshcommand");
	const struct mutt_var *received = var(a, "imapoauthrefreshcommand");

	if (v && received && str_eq(v->value, received->value))
		import_taken(a->im, v->item);
	else if (v && !v->command)
		set(a, "send-password-command", v->value, v->item);
}

/* `received`: the password for receiving. */
static void
put_send(struct account *a, const struct mutt_var *received)
{
	const struct mutt_var *v = var(a, "smtpurl"), *pass = var(a, "smtppass");
	struct mutt_place p;

	if (!v) {
		put_sendmail(a);
		return;
	}
	bool is_good = mutt_place(a->im, v->value, &p) && p.kind == PLACE_SMTP;
	/* mutt's, where ours is 587 */
	unsigned port = !is_good ? 0 : p.port ? p.port : p.is_tls ? 0 : 25;
	const struct mutt_var *user = var(a, "smtpuser");
	const char *url = is_good ? import_url(a->im, scheme(a, "smtp", &p), p.user ? p.user
		: user ? user->value
		: NULL, p.host, port) : NULL;
	if (!url) {
		import_not(a->im, v->item, v->command ? "`%s` was not run: put the URL into "
			"'send'" : "it is no URL of a server",
			v->command);
		import_comment(a->im, "account", a->name, "send = smtps://USER@HOST");
		return;
	}
	set(a, "send", url, v->item);
	struct mutt_var in_url = *v;
	if (p.password && (*p.password || v->command || v->unknown)) {
		in_url.value = p.password;
		in_url.is_command = v->command && !*p.password;
		in_url.item = import_item(a->im, a->im->items[v->item].file,
			a->im->items[v->item].line, "password in smtp_url");
		pass = &in_url;
	}
	if (same_password(pass, received))
		import_taken(a->im, pass->item);
	else if (pass)
		put_password(a, pass, "smtp_pass", "send-password");
	put_send_oauth(a);
	take_item(a, "sendmail");		/* mutt does not use it beside smtp_url */
}

/* ---- the rest ---- */

static void
put_auth(struct account *a, const char *name)
{
	static const char *const known[] = { "plain", "login", "scram-sha-1", "scram-sha-256",
		"xoauth2", "oauthbearer" };
	const struct mutt_var *v = var(a, name);

	for (size_t i = 0; v && i < LEN(known); i++) {
		if (str_ieq(v->value, known[i])) {
			set(a, "auth", known[i], v->item);
			return;
		}
	}
	if (v)			/* a list: the best that the server offers is taken here */
		import_taken(a->im, v->item);
}

static bool
put_oauth(struct account *a, const char *name, const char *authenticators)
{
	const struct mutt_var *v = var(a, name);

	if (!v || v->command)
		return false;
	set(a, "password-command", v->value, v->item);
	if (!import_get(a->im, "account", a->name, "auth"))
		set(a, "auth", is_set_to(a, authenticators, "xoauth2") ? "xoauth2"
			: "oauthbearer", IMPORT_NO_ITEM);
	return true;
}

static void
put_check(struct account *a, bool is_pop)
{
	const struct mutt_var *v = var(a, is_pop ? "popcheckinterval" : "mailcheck");
	long s = v ? atol(v->value) : 0;

	if (v && s > 0 && s <= 30 * 86400)
		set(a, "check-every", arena_printf(&a->im->arena, "%lds", s < 10 ? 10 : s),
			v->item);
}

static void
put_hello(struct account *a)
{
	const struct mutt_var *v = var(a, "hostname");

	if (v && !v->command && import_get(a->im, "account", a->name, "send"))
		set(a, "hello", v->value, v->item);
	else if (v)
		import_not(a->im, v->item, "addresses are written whole, and sending by a "
			"command greets nobody");
}

static void
put_rest(struct account *a, const struct mutt_var *received)
{
	put_send(a, received);
	put_hello(a);
	put_signature(a);
	put_crypto(a);
	for (size_t i = 0; i < a->m->alternates.n; i++)
		import_taken(a->im, a->m->alternates.v[i].item);
}

void
mutt_account_rest(struct mutt *m, const struct mutt_vars *vars, const char *name,
	const char *user, const char *host)
{
	struct account a = { m, m->im, vars, name };

	put_from(&a, user, host);
	put_rest(&a, NULL);
}

/* What the account is called: the file of the hook that makes it, or the domain. */
static const char *
name_of(struct mutt *m, const struct mutt_site *site)
{
	const struct mutt_hook *h = site->origin;
	const char *source = h ? strstr(h->commands, "source ") : NULL;
	const struct mutt_var *from = mutt_var(&site->vars, "from");
	const char *address, *rest;

	if (source) {
		source += strlen("source ");
		size_t n = strcspn(source, " ;'\"");
		char *path = arena_strndup(&m->im->arena, source, n),
			*slash = strrchr(path, '/');
		char *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
		if (dot > base && (str_eq(dot, ".muttrc") || str_eq(dot, ".rc") ||
		    str_eq(dot, ".mutt") || str_eq(dot, ".neomuttrc")))
			*dot = '\0';
		base += strspn(base, "0123456789-_.");
		if (str_istarts(base, "account") && base[7] && strchr(".-_", base[7]))
			base += 8;
		return import_account_name(m->im, base);
	}
	if (from && (address = split_address(m->im, from->value, &rest)) != NULL) {
		const char *word = import_domain_word(m->im, address);
		const char *name = import_account_name(m->im, word);
		/* else another has it, and this one only its address */
		if (str_ieq(word, name))
			return name;
	}
	const struct mutt_place *p = &site->place;
	bool is_address = p->user && strchr(p->user, '@');
	return import_account_name(m->im,
		import_domain_word(m->im, is_address ? p->user : p->host));
}

const char *
mutt_account(struct mutt *m, struct mutt_site *site)
{
	static const char *const where[] = { "folder", "spoolfile", "imapuser", "imaplogin",
		"popuser", "pophost" };
	const struct mutt_place *p = &site->place;
	bool is_pop = p->kind == PLACE_POP;
	const char *user = p->user;
	struct account a = { m, m->im, &site->vars, name_of(m, site) };

	if (!user) {
		user = getenv("LOGNAME") ? getenv("LOGNAME") : "you";
		import_tell(m->im, "[account %s]: no line says as whom to log in; '%s' stands "
			"in 'receive'", a.name, user);
	}
	const char *url = import_url(m->im, scheme(&a, is_pop ? "pop3" : "imap", p), user,
		p->host, p->port);
	if (!url) {
		import_tell(m->im, "'%s' is no name of a server that can be used", p->host);
		return NULL;
	}
	put_from(&a, user, p->host);
	set(&a, "receive", url, IMPORT_NO_ITEM);
	for (size_t i = 0; i < LEN(where); i++)
		take_item(&a, where[i]);
	const struct mutt_var *pass = var(&a, is_pop ? "poppass" : "imappass");
	struct mutt_var in_url = { .value = p->password, .item = IMPORT_NO_ITEM };
	const struct mutt_var *folder = var(&a, is_pop ? "pophost" : "folder");
	if (p->password && folder) {
		in_url.item = import_item(m->im, m->im->items[folder->item].file,
			m->im->items[folder->item].line,
			"password in the URL");
		pass = &in_url;
	}
	put_auth(&a, is_pop ? "popauthenticators" : "imapauthenticators");
	if (!put_oauth(&a, is_pop ? "popoauthrefreshcommand" : "imapoauthrefreshcommand",
	    is_pop ? "popauthenticators" : "imapauthenticators"))
		put_password(&a, pass, is_pop ? "pop_pass" : "imap_pass", "password");
	put_tls(&a);
	if (!is_pop)
		mutt_account_folders(m, &site->vars, a.name);
	else if (is_set_to(&a, "popdelete", "yes"))
		set(&a, "keep", "no", var(&a, "popdelete")->item);
	else
		take_item(&a, "popdelete");
	put_check(&a, is_pop);
	put_rest(&a, pass);
	return a.name;
}
