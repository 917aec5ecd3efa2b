/* import_accounts.c - which accounts a muttrc has.
 *
 * mutt knows no accounts: it has servers in folder, spoolfile, mailboxes and in the patterns
 * of hooks, and hooks that change the settings there. Each server and user is an account here,
 * with the settings of the file and upon them those of the hooks whose pattern fits it, in
 * their order. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>

#include "import_place.h"
#include "path.h"

enum { MAX_SITES = 20, MAX_ENTRIES = 500 };

struct sites {
	struct mutt_site v[MAX_SITES];
	size_t n;
};

static const char *
user_of(const struct mutt_place *p, const struct mutt_vars *vars, const struct mutt_vars *base)
{
	static const char *const names[][2] = { [PLACE_IMAP] = { "imapuser", "imaplogin" },
		[PLACE_POP] = { "popuser", "popuser" } };

	for (size_t i = 0; !p->user && p->kind != PLACE_SMTP && i < 2; i++) {
		const struct mutt_var *v = mutt_var(vars, names[p->kind][i]);
		v = v || !base ? v : mutt_var(base, names[p->kind][i]);
		if (v && *v->value && !str_eq(v->value, "no"))
			return v->value;
	}
	return p->user;
}

static void
add_site(struct mutt *m, struct sites *s, const char *url, const struct mutt_hook *origin)
{
	struct mutt_place p;

	if (s->n == MAX_SITES || !mutt_place(m->im, url, &p) || p.kind == PLACE_SMTP)
		return;
	p.user = user_of(&p, origin ? &origin->vars : &m->vars, origin ? &m->vars : NULL);
	for (size_t i = 0; i < s->n; i++) {
		struct mutt_place *q = &s->v[i].place;
		if (q->kind != p.kind || !str_ieq(q->host, p.host) ||
		    (p.port && q->port && p.port != q->port))
			continue;
		/* A hook's own user makes an account of its own; without one it speaks of
		 * those that are there. */
		if (!q->user || !p.user || str_eq(q->user, p.user)) {
			q->user = q->user ? q->user : p.user;
			q->password = q->password ? q->password : p.password;
			return;
		}
	}
	s->v[s->n++] = (struct mutt_site){ .place = p, .origin = origin };
}

static void
add_from_vars(struct mutt *m, struct sites *s, const struct mutt_vars *vars,
	const struct mutt_hook *origin)
{
	static const char *const names[] = { "folder", "spoolfile" };

	for (size_t i = 0; i < LEN(names); i++) {
		const struct mutt_var *v = mutt_var(vars, names[i]);
		if (v)
			add_site(m, s, v->value, origin);
	}
	const struct mutt_var *pop = mutt_var(vars, "pophost");
	if (pop && *pop->value)
		add_site(m, s, strstr(pop->value, "://") ? pop->value
			: arena_printf(&m->im->arena, "pop://%s", pop->value), origin);
}

/* A hook's pattern that is a URL, without what makes an expression of it. */
static const char *
plain_url(struct import *im, const char *pattern)
{
	struct str s = {0};

	pattern += *pattern == '^';
	for (; *pattern && !strchr("*$(|[", *pattern); pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		if (!(pattern[0] == '.' && pattern[1] == '*') && !strchr("?+", *pattern))
			str_putc(&s, *pattern);
	}
	const char *out = arena_strdup(&im->arena, str_get(&s));
	str_clear(&s);
	return out;
}

static void
collect(struct mutt *m, struct sites *s)
{
	add_from_vars(m, s, &m->vars, NULL);
	for (size_t i = 0; i < m->n_hooks; i++) {
		struct mutt_hook *h = &m->hooks[i];
		add_from_vars(m, s, &h->vars, h);
		if (h->kind != HOOK_MACRO && !h->is_not)
			add_site(m, s, plain_url(m->im, h->pattern), h);
	}
	for (size_t i = 0; i < m->mailboxes.n; i++)
		add_site(m, s, m->mailboxes.v[i].name, NULL);
}

/* ---- which hooks hold ---- */

static bool
is_of(const struct mutt_site *site, const struct mutt_place *p)
{
	return p->kind == site->place.kind && str_ieq(p->host, site->place.host) &&
		(!p->user || !site->place.user || str_eq(p->user, site->place.user));
}

/* What server the hook itself names: 1 this, 0 none, -1 another. */
static int
names_site(struct mutt *m, const struct mutt_hook *h, const struct mutt_site *site)
{
	const struct mutt_var *folder = mutt_var(&h->vars, "folder");
	struct mutt_place p;

	if (!folder)
		folder = mutt_var(&h->vars, "spoolfile");
	if (folder && mutt_place(m->im, folder->value, &p)) {
		p.user = user_of(&p, &h->vars, NULL);
		return is_of(site, &p) ? 1 : -1;
	}
	if (h->kind != HOOK_MACRO && mutt_place(m->im, plain_url(m->im, h->pattern), &p) &&
	    p.user && !is_of(site, &p))
		return -1;
	return 0;
}

static bool
holds(struct mutt *m, const struct mutt_hook *h, const struct mutt_site *site)
{
	const struct mutt_place *p = &site->place;
	const char *scheme = p->kind == PLACE_POP ? p->is_tls ? "pops" : "pop" : p->is_tls
		? "imaps" : "imap";
	bool fits = false;
	int named = names_site(m, h, site);

	if (named || h->kind == HOOK_MACRO)
		return named > 0;
	const char *texts[] = {
		arena_printf(&m->im->arena, "%s://%s%s%s/INBOX", scheme, p->user ? p->user
			: "", p->user ? "@" : "", p->host),
		arena_printf(&m->im->arena, "%s://%s/INBOX", scheme, p->host),
		arena_printf(&m->im->arena, "%s://%s:%u/INBOX", scheme, p->host, p->port),
	};
	for (size_t i = 0; i < LEN(texts) - !p->port; i++)
		fits |= mutt_match(h->pattern, texts[i]);
	return fits != h->is_not;
}

static void
apply(struct mutt *m, struct mutt_hook *h, struct mutt_site *site)
{
	for (size_t i = 0; i < h->vars.n; i++)
		mutt_vars_set(m->im, &site->vars, &h->vars.v[i]);
	import_taken(m->im, h->item);
}

/* mutt would try the password that is set on every server. Nobody wants that: those of the
 * file itself are for its first server. */
static bool
is_secret(const char *name)
{
	return str_eq(name, "imappass") || str_eq(name, "smtppass") ||
		str_eq(name, "poppass") || strstr(name, "oauthrefreshcommand");
}

static void
find_vars(struct mutt *m, struct mutt_site *site, bool is_first)
{
	for (size_t i = 0; i < m->vars.n; i++) {
		if (is_first || !is_secret(m->vars.v[i].name))
			mutt_vars_set(m->im, &site->vars, &m->vars.v[i]);
	}
	for (size_t i = 0; i < m->n_hooks; i++) {
		struct mutt_hook *h = &m->hooks[i];
		if (h == site->origin || holds(m, h, site))
			apply(m, h, site);
	}
	if (!site->place.user)
		site->place.user = user_of(&site->place, &site->vars, NULL);
}

/* ---- mail without a server ---- */

static bool
has_entry(const char *dir, const char *name)
{
	char *path = path_join(dir, name);
	bool has = access(path, F_OK) == 0;

	free(path);
	return has;
}

/* A Maildir, or a directory with Maildirs in it, one or two levels down. */
static bool
is_maildir(const char *dir, int levels)
{
	DIR *d = opendir(dir);
	bool is = d && has_entry(dir, "cur") && has_entry(dir, "new");

	for (int i = 0; d && !is && levels > 0 && i < MAX_ENTRIES; i++) {
		struct dirent *entry = readdir(d);
		if (!entry)
			break;
		if (entry->d_name[0] == '.' &&
		    (!entry->d_name[1] || str_eq(entry->d_name, "..")))
			continue;
		char *path = path_join(dir, entry->d_name);
		is = is_maildir(path, levels - 1);
		free(path);
	}
	if (d)
		closedir(d);
	return is;
}

/* All but where mail comes from, as comments. */
static void
add_without(struct mutt *m, const char *why)
{
	const struct mutt_var *from = mutt_var(&m->vars, "from");
	const char *name = import_account_name(m->im,
		import_domain_word(m->im, from ? from->value : "mail"));

	import_comment(m->im, "account", name, "Put the server here, as the program has it "
		"that fetches the mail (mbsync: User, Host;"
		" offlineimap: remoteuser, remotehost), take away the '#':");
	import_comment(m->im, "account", name, "receive = imaps://USER@HOST");
	import_comment(m->im, "account", name, "password-command = ...   (mbsync: PassCmd)");
	mutt_account_rest(m, &m->vars, name, NULL, "localhost");
	import_off(m->im, "account", name);
	import_tell(m->im, "%s: put the server into [account %s]", why, name);
}

static void
add_local(struct mutt *m)
{
	const struct mutt_var *folder = mutt_var(&m->vars, "folder"), *type =
		mutt_var(&m->vars, "mboxtype");
	const struct mutt_var *spool = mutt_var(&m->vars, "spoolfile");
	char *dir = path_expand(folder ? folder->value : "~/Mail");
	struct stat st;

	if ((type && str_istarts(type->value, "maildir")) || is_maildir(dir, 2)) {
		if (mutt_mbsync(m->im))
			import_tell(m->im, "mail is in Maildirs, which dunlin does not read: "
				"the accounts are those of "
				"mbsync, read from the server itself");
		else
			add_without(m, "mail is in Maildirs, which dunlin does not read, but "
				"the server that it came from");
		if (folder)
			import_not(m->im, folder->item,
				"Maildirs are not read; the server is");
		if (type)
			import_taken(m->im, type->item);
	} else if (folder && *dir == '/' && stat(dir, &st) == 0 && S_ISDIR(st.st_mode)) {
		char *url = xasprintf("mbox:%s", folder->value);
		import_set(m->im, "account", "local", "receive", url, folder->item);
		free(url);
		if (type)
			import_taken(m->im, type->item);
		mutt_account_rest(m, &m->vars, "local", getenv("LOGNAME"), "localhost");
	} else {
		add_without(m, "no server stands in this file");
	}
	if (spool && *spool->value == '/')
		import_not(m->im, spool->item, "an mbox at another place is opened by: dunlin "
			"-f %s", spool->value);
	free(dir);
}

/* ---- the whole ---- */

/* The settings of accounts that came from elsewhere: who writes, how it is sent. */
static void
add_rest(struct mutt *m, size_t first)
{
	for (size_t i = first; i < m->im->n_sections; i++) {
		if (!str_eq(m->im->sections[i].kind, "account"))
			continue;
		const char *name = m->im->sections[i].argument;
		if (!import_get(m->im, "account", name, "from"))
			mutt_account_rest(m, &m->vars, name, NULL, "localhost");
	}
}

/* Hooks of all folders are no more than settings. */
static bool
is_of_all(const struct mutt_hook *h)
{
	return h->kind != HOOK_MACRO && !h->is_not &&
		(str_eq(h->pattern, ".") || str_eq(h->pattern, ".*") || !*h->pattern);
}

static void
refuse_hooks(struct mutt *m)
{
	for (size_t i = 0; i < m->n_hooks; i++) {
		struct mutt_hook *h = &m->hooks[i];
		for (size_t k = 0; is_of_all(h) && k < h->vars.n; k++) {
			if (import_is_open(m->im, h->vars.v[k].item))
				mutt_vars_set(m->im, &m->vars, &h->vars.v[k]);
		}
		if (is_of_all(h)) {
			import_taken(m->im, h->item);
			continue;
		}
		for (size_t k = 0; k < h->vars.n; k++) {
			/* it takes away what holds elsewhere */
			if (str_eq(h->vars.v[k].value, "no"))
				import_taken(m->im, h->vars.v[k].item);
		}
		for (size_t k = 0; k < h->vars.n; k++)
			import_not(m->im, h->vars.v[k].item,
				"settings are of all folders of an account, "
				"or of all accounts");
		import_not(m->im, h->item, h->kind == HOOK_MACRO
			? "it reads a file that names no server"
			: "no account is known that it is about; settings are of accounts, "
			"not of folders");
	}
}

void
mutt_accounts(struct mutt *m)
{
	struct sites s = {0};

	collect(m, &s);
	for (size_t i = 0; i < s.n; i++) {
		for (size_t k = 0; !s.v[i].origin && k < m->n_hooks; k++) {
			if (strstr(m->hooks[k].commands, "source ") &&
			    names_site(m, &m->hooks[k], &s.v[i]) > 0)
				s.v[i].origin = &m->hooks[k];
		}
		find_vars(m, &s.v[i], i == 0);
		const char *name = mutt_account(m, &s.v[i]);
		for (size_t k = 0; k < m->n_hooks; k++) {
			struct mutt_hook *h = &m->hooks[k];
			if (h->kind == HOOK_MACRO &&
			    (h == s.v[i].origin || names_site(m, h, &s.v[i]) > 0))
				h->account = name;
		}
		free(s.v[i].vars.v);
	}
	if (s.n == 0) {
		size_t first = m->im->n_sections;
		add_local(m);
		add_rest(m, first);
	}
	refuse_hooks(m);
}
