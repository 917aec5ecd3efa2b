/* import_local.c - what the files of msmtp and mbsync say of servers:
 * lines of a word and a value.
 *
 * msmtp keeps doing what it did (sendmail = msmtp ...), and its server is told in comments.
 * What mbsync fetches into Maildirs, which are not read here, is read from its server. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "import_mutt.h"
#include "path.h"

enum { MAX_SERVERS = 30 };

struct server {
	char *name, *host, *user, *command, *from;
	long port;
	bool is_tls, starttls_off, has_password;
};

struct servers {
	struct server v[MAX_SERVERS];
	size_t n;
	struct server defaults;
	char *chosen;			/* "account default : work" */
};

static void
server_clear(struct server *s)
{
	free(s->name);
	free(s->host);
	free(s->user);
	free(s->command);
	free(s->from);
	*s = (struct server){0};
}

static void
servers_clear(struct servers *s)
{
	for (size_t i = 0; i < s->n; i++)
		server_clear(&s->v[i]);
	server_clear(&s->defaults);
	free(s->chosen);
}

static void
copy(struct server *to, const struct server *from)
{
	*to = (struct server){ .name = xstrdup(from->name), .host = xstrdup(from->host),
		.user = xstrdup(from->user),
		.command = xstrdup(from->command), .from = xstrdup(from->from),
		.port = from->port, .is_tls = from->is_tls, .starttls_off = from->starttls_off,
		.has_password = from->has_password };
}

/* A word, in quotes or not; *p moves behind it. Owned; NULL at the end of the line or in a
 * comment. */
static char *
take_word(const char **p)
{
	struct str s = {0};
	const char *c = *p + strspn(*p, " \t\r");

	if (!*c || *c == '#')
		return NULL;
	char quote = strchr("\"'", *c) ? *c++ : '\0';
	for (; *c && (quote ? *c != quote : !strchr(" \t\r", *c)); c++) {
		if (*c == '\\' && quote == '"' && c[1])
			c++;
		str_putc(&s, *c);
	}
	*p = *c ? c + 1 : c;
	return s.data ? str_take(&s) : xstrdup("");
}

static void
replace(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

static bool
is_on(const char *value)
{
	return str_ieq(value, "on") || str_ieq(value, "yes") || !*value;
}

/* The file in the home directory, or else that among the configurations. */
static char *
path_of(const char *in_home, const char *in_config)
{
	char *path = path_expand(in_home);
	const char *config = getenv("XDG_CONFIG_HOME");

	if (access(path, R_OK) == 0)
		return path;
	free(path);
	if (config && *config == '/')
		return path_join(config, in_config);
	char *below_home = xasprintf("~/.config/%s", in_config);
	path = path_expand(below_home);
	free(below_home);
	return path;
}

/* ---- msmtp ---- */

static void
msmtp_account(struct servers *s, const char *rest)
{
	char *name = take_word(&rest), *other;
	struct server *base = &s->defaults;

	if (!name)
		return;
	char *colon = strchr(name, ':');
	rest += strspn(rest, " \t");
	if (colon)
		*colon = '\0';
	bool is_like = colon || *rest == ':';
	rest += *rest == ':';
	other = colon && colon[1] ? xstrdup(colon + 1) : is_like ? take_word(&rest) : NULL;
	if (str_eq(name, "default") && other)
		replace(&s->chosen, other);
	for (size_t i = 0; other && i < s->n; i++)
		base = str_eq(s->v[i].name, other) ? &s->v[i] : base;
	if (s->n < MAX_SERVERS) {
		copy(&s->v[s->n], base);
		replace(&s->v[s->n].name, name);
		s->n++;
	}
	free(name);
	free(other);
}

static void
msmtp_line(struct servers *s, const char *line)
{
	struct server *to = s->n ? &s->v[s->n - 1] : &s->defaults;
	char *word = take_word(&line), *value = NULL;
	const char *rest = line;

	if (!word)
		return;
	value = take_word(&line);
	const char *v = value ? value : "";
	if (str_eq(word, "account"))
		msmtp_account(s, rest);
	else if (str_eq(word, "host"))
		replace(&to->host, v);
	else if (str_eq(word, "user"))
		replace(&to->user, v);
	else if (str_eq(word, "from"))
		replace(&to->from, v);
	else if (str_eq(word, "passwordeval"))
		replace(&to->command, v);
	else if (str_eq(word, "password"))
		to->has_password = true;
	else if (str_eq(word, "port"))
		to->port = atol(v);
	else if (str_eq(word, "tls"))
		to->is_tls = is_on(v);
	else if (str_eq(word, "tls_starttls"))
		to->starttls_off = !is_on(v);
	free(word);
	free(value);
}

static bool
read_lines(struct servers *s, const char *path, void (*line)(struct servers *, const char *))
{
	struct error e;
	char *text = import_read(path, &e), *rest = text;

	for (char *p; text && (p = strsep(&rest, "\n")); )
		line(s, p);
	free(text);
	return text != NULL;
}

/* The one that -a names, or the default. */
static const struct server *
msmtp_chosen(const struct servers *s, const char *sendmail)
{
	const char *a = strstr(sendmail, " -a"), *equal = strstr(sendmail, "--account=");
	const char *name = equal ? equal + strlen("--account=") : a ? a + 3 + strspn(a + 3,
		" \t") : NULL;
	size_t n = name ? strcspn(name, " \t") : 0;
	char *chosen = name ? xstrndup(name, n) : xstrdup(s->chosen ? s->chosen : "default");
	const struct server *found = NULL;

	for (size_t i = 0; i < s->n; i++)
		found = str_eq(s->v[i].name, chosen) ? &s->v[i] : found;
	if (!found && !name && s->n == 0 && s->defaults.host)
		found = &s->defaults;
	free(chosen);
	return found;
}

void
mutt_msmtp(struct import *im, const char *account, const char *sendmail)
{
	struct servers s = {0};
	char *path = path_of("~/.msmtprc", "msmtp/config");
	const struct server *v = NULL;

	if (read_lines(&s, path, msmtp_line))
		v = msmtp_chosen(&s, sendmail);
	if (v && v->host) {
		bool is_tls = v->is_tls && v->starttls_off;
		unsigned port = v->port > 0 && v->port < 65536 ? (unsigned)v->port : is_tls ? 0
			: 25;
		const char *url = import_url(im, is_tls ? "smtps" : "smtp", v->user, v->host,
			port);
		if (url) {
			import_comment(im, "account", account,
				"msmtp goes on sending. Without it, as %s has it, in place of "
				"'sendmail':",
				path);
			import_comment(im, "account", account, "send = %s", url);
		}
		if (url && v->command)
			import_comment(im, "account", account, "send-password-command = %s",
				v->command);
		else if (url && v->has_password)
			import_comment(im, "account", account,
				"send-password-command = ...   (its password stands there and "
				"is not copied)");
	}
	free(path);
	servers_clear(&s);
}

/* ---- mbsync ---- */

static void
mbsync_line(struct servers *s, const char *line)
{
	char *word = take_word(&line), *value = word ? take_word(&line) : NULL;
	const char *v = value ? value : "";
	struct server *to = s->n ? &s->v[s->n - 1] : NULL;

	if (word && (str_ieq(word, "IMAPAccount") || str_ieq(word, "IMAPStore"))
		&& s->n < MAX_SERVERS) {
		to = &s->v[s->n++];
		*to = (struct server){ .name = xstrdup(v), .is_tls = true };
	} else if (word && to) {
		if (str_ieq(word, "Host"))
			replace(&to->host, v);
		else if (str_ieq(word, "User"))
			replace(&to->user, v);
		else if (str_ieq(word, "PassCmd"))
			replace(&to->command, *v == '+' ? v + 1 : v);
		else if (str_ieq(word, "Pass"))
			to->has_password = true;
		else if (str_ieq(word, "Port"))
			to->port = atol(v);
		else if (str_ieq(word, "SSLType") || str_ieq(word, "TLSType"))
			to->starttls_off = !str_ieq(v, "STARTTLS");
	}
	free(word);
	free(value);
}

static void
mbsync_account(struct import *im, const struct server *v)
{
	const char *url = import_url(im, v->starttls_off ? "imaps" : "imap", v->user, v->host,
		v->port > 0 && v->port < 65536 ? (unsigned)v->port : 0);
	const char *name = import_account_name(im, v->name);

	if (!url)
		return;
	import_set(im, "account", name, "receive", url, IMPORT_NO_ITEM);
	if (v->command && import_set(im, "account", name, "password-command", v->command,
		IMPORT_NO_ITEM))
		return;
	if (v->has_password)
		import_comment(im, "account", name, "password-command = ...   (the password "
			"stands in mbsync's file and is not copied)");
}

bool
mutt_mbsync(struct import *im)
{
	struct servers s = {0};
	char *path = path_of("~/.mbsyncrc", "isyncrc");
	size_t n = import_n_accounts(im);

	if (read_lines(&s, path, mbsync_line)) {
		for (size_t i = 0; i < s.n; i++) {
			if (s.v[i].host && s.v[i].user)
				mbsync_account(im, &s.v[i]);
		}
	}
	free(path);
	servers_clear(&s);
	return import_n_accounts(im) > n;
}
