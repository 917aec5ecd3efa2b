/* questions.c - the questions of `dunlin setup`: when each is asked, what
 * is proposed, what is taken. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "path.h"
#include "setup.h"
#include "utf8.h"

static void
say(const char *text)
{
	char *clean = text_clean_dup(text);

	puts(clean);
	fflush(stdout);
	free(clean);
}

void
setup_explain(const char *text)
{
	enum { WIDTH = 74 };

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t n = strlen(text);
		if (n > WIDTH) {
			for (n = WIDTH; n > 0 && text[n] != ' '; n--)
				;
			if (n == 0)		/* one long word, such as an address */
				n = strcspn(text, " ");
		}
		printf("  %.*s\n", (int)n, text);
		text += n;
	}
	fflush(stdout);
}

static void
tell_try(const char *url)
{
	char *line = xasprintf("  trying %s", url);

	say(line);
	free(line);
}

/* ---- values ---- */

void
setup_add_line(struct str *out, const char *setting, const char *value)
{
	bool is_plain = !strpbrk(value, ";#\"'\\");

	str_printf(out, "%s = ", setting);
	if (is_plain) {
		str_puts(out, value);
	} else {
		str_putc(out, '"');
		for (; *value; value++) {
			if (*value == '"' || *value == '\\')
				str_putc(out, '\\');
			str_putc(out, *value);
		}
		str_putc(out, '"');
	}
	str_putc(out, '\n');
}

void
setup_wipe(struct str *s)
{
	if (s->data)
		explicit_bzero(s->data, s->cap);
	str_clear(s);
}

/* What the rc would say to this value. */
static enum err
check_value(const char *setting, const char *value, struct error *e)
{
	struct str text = {0};
	struct rc *rc;
	enum err code = ERR_OK;

	str_puts(&text, "[account x]\n");
	setup_add_line(&text, setting, value);
	rc_parse(&rc, "x", str_get(&text), text.len, NULL);
	for (size_t i = 0; i < rc->n_problems && code == ERR_OK; i++) {
		if (str_starts(rc->problems[i].line, "x:2: "))
			code = error_set(e, ERR_LOCAL, "%s",
				rc->problems[i].line + strlen("x:2: "));
	}
	rc_free(rc);
	setup_wipe(&text);
	return code;
}

static bool
is_url(const char *s)
{
	return strstr(s, "://") || str_istarts(s, "mbox:");
}

/* `@` may stand in a user, what else means something may not. */
char *
setup_with_user(const char *url, const char *user)
{
	struct str s = {0};
	const char *host = strstr(url, "://");

	if (!host || strchr(host, '@') || !user)
		return xstrdup(url);
	host += 3;
	str_add(&s, url, (size_t)(host - url));
	for (; *user; user++) {
		if (strchr("%:/?#[] ;\"'\\", *user))
			str_printf(&s, "%%%02X", (unsigned char)*user);
		else
			str_putc(&s, *user);
	}
	str_putc(&s, '@');
	str_puts(&s, host);
	return str_take(&s);
}

static bool
needs_login(const struct setup *s)
{
	return !str_istarts(s->answers[A_RECEIVE], "mbox:");
}

static bool
needs_user(const struct setup *s)
{
	return needs_login(s) && !strchr(s->answers[A_RECEIVE], '@');
}

bool
setup_is_guessed(const struct setup *s, enum answer a)
{
	const char *guess = a == A_SEND ? s->guess.send : s->guess.receive;

	return guess && str_ieq(s->answers[a], guess);
}

bool
setup_wants_token(const struct setup *s)
{
	return (s->guess.flags & PROVIDER_TOKEN) && setup_is_guessed(s, A_RECEIVE);
}

static bool
wants_pin(const struct setup *s)
{
	return s->wants_pin;
}

static bool
wants_secret(const struct setup *s)
{
	return needs_login(s) && (str_ieq(s->answers[A_HOW], "type") ||
		str_ieq(s->answers[A_HOW], "ask"));
}

/* ---- suggestions ---- */

static char *
suggest_name(struct setup *s)
{
	struct passwd *pw = getpwuid(getuid());

	(void)s;
	if (!pw || !pw->pw_gecos || !utf8_valid(pw->pw_gecos, strlen(pw->pw_gecos)))
		return NULL;
	return xstrndup(pw->pw_gecos, strcspn(pw->pw_gecos, ","));
}

static char *
suggest_receive(struct setup *s)
{
	if (!str_eq(s->guessed_for, s->answers[A_ADDRESS])) {
		guess_clear(&s->guess);
		free(s->guessed_for);
		s->guessed_for = xstrdup(s->answers[A_ADDRESS]);
		guess_servers(&s->guess, s->guessed_for, tell_try, &s->stop.cancel);
		if (s->guess.note)
			setup_explain(s->guess.note);
		else if (!s->guess.receive)
			setup_explain("Its servers could not be found out; the provider's "
				"help names them, often under \"IMAP settings\".");
		if (!(s->guess.flags & (PROVIDER_TOKEN | PROVIDER_CLOSED)))
			setup_explain("IMAP (imaps://...) leaves the mail on the server, POP3 "
				"(pop3s://...) downloads it.");
	}
	return xstrdup(s->guess.receive);
}

static char *
suggest_user(struct setup *s)
{
	const char *a = s->answers[A_ADDRESS];

	if ((s->guess.flags & PROVIDER_LOCAL_USER) && setup_is_guessed(s, A_RECEIVE))
		return xstrndup(a, strcspn(a, "@"));
	return xstrdup(a);
}

static char *
suggest_send(struct setup *s)
{
	return xstrdup(s->guess.send ? s->guess.send : "none");
}

static bool
is_program(const char *name)
{
	const char *path = getenv("PATH");
	bool is_found = false;

	for (const char *p = path ? path : ""; *p && !is_found; p += strcspn(p, ":"),
	    p += *p == ':') {
		char *file = xasprintf("%.*s/%s", (int)strcspn(p, ":"), p, name);
		is_found = access(file, X_OK) == 0;
		free(file);
	}
	return is_found;
}

static char *
suggest_how(struct setup *s)
{
	char *store = path_expand("~/.password-store"), *how;

	if (is_program("pass") && access(store, R_OK) == 0)
		how = xasprintf("pass show mail/%s", s->answers[A_ADDRESS]);
	else if (is_program("secret-tool"))
		how = xasprintf("secret-tool lookup mail %s", s->answers[A_ADDRESS]);
	else
		how = xstrdup("type");
	free(store);
	if (setup_wants_token(s)) {
		free(how);
		puts("  Give the command that prints the token, such as\n"
			"    mutt_oauth2.py ~/.config/mail-token");
		return NULL;
	}
	puts("  The password may come from a command that prints it "
		"(\"pass show mail/ada\"),\n  be typed now and kept in the mailrc, "
		"which nobody else can read (\"type\"),\n"
		"  or be asked for at each start (\"ask\").");
	return how;
}

static bool
is_taken(const struct setup *s, const char *name)
{
	for (size_t i = 0; i < s->rc->n_accounts; i++) {
		if (str_ieq(s->rc->accounts[i].name, name))
			return true;
	}
	return false;
}

/* "example" of ada@mail.example.org, with a number where that is taken. */
static char *
suggest_account(struct setup *s)
{
	const char *domain = strrchr(s->answers[A_ADDRESS], '@') + 1, *label = domain;

	for (const char *dot; (dot = strchr(label, '.')) && strchr(dot + 1, '.'); )
		label = dot + 1;
	char *base = xstrndup(label, strcspn(label, ".")), *name = xstrdup(base);
	for (int i = 2; is_taken(s, name); i++) {
		free(name);
		name = xasprintf("%s%d", base, i);
	}
	free(base);
	return name;
}

/* ---- checks ---- */

static enum err
accept_name(struct setup *s, char **answer, struct error *e)
{
	(void)s;
	if (strpbrk(*answer, "<>\"\\") || !utf8_valid(*answer, strlen(*answer)))
		return error_set(e, ERR_LOCAL, "the name cannot have <, >, \" or \\ in it");
	return ERR_OK;
}

static enum err
accept_address(struct setup *s, char **answer, struct error *e)
{
	(void)s;
	if (strpbrk(*answer, "<>\"' \t"))
		return error_set(e, ERR_LOCAL,
			"write the address alone, such as ada@example.org");
	return check_value("from", *answer, e);
}

static enum err
accept_receive(struct setup *s, char **answer, struct error *e)
{
	if (!**answer)
		return error_set(e, ERR_LOCAL, "a server is needed, such as imap.example.org");
	if (!is_url(*answer)) {
		char *url = guess_receive_url(*answer, &s->stop.cancel);
		free(*answer);
		*answer = url;
	}
	/* Who one is there is asked next. */
	char *url = setup_with_user(*answer, "somebody");
	enum err rc = check_value("receive", url, e);
	free(url);
	return rc;
}

static enum err
accept_user(struct setup *s, char **answer, struct error *e)
{
	if (!**answer)
		return error_set(e, ERR_LOCAL, "the server wants to know who you are");
	char *url = setup_with_user(s->answers[A_RECEIVE], *answer);
	enum err rc = check_value("receive", url, e);
	free(url);
	return rc;
}

static enum err
accept_send(struct setup *s, char **answer, struct error *e)
{
	(void)s;
	if (str_ieq(*answer, "none") || !**answer)
		return ERR_OK;
	if (!is_url(*answer)) {
		char *url = xasprintf("smtps://%s", *answer);
		free(*answer);
		*answer = url;
	}
	return check_value("send", *answer, e);
}

static enum err
accept_how(struct setup *s, char **answer, struct error *e)
{
	if (setup_wants_token(s) &&
	    (!**answer || str_ieq(*answer, "type") || str_ieq(*answer, "ask")))
		return error_set(e, ERR_LOCAL,
		"a token lasts an hour: a command has to print it");
	if (!**answer)
		return error_set(e, ERR_LOCAL, "a command, type or ask");
	return check_value("password-command", *answer, e);
}

static enum err
accept_secret(struct setup *s, char **answer, struct error *e)
{
	(void)s;
	if (!**answer)
		return error_set(e, ERR_LOCAL, "an empty password opens no mailbox");
	return check_value("password", *answer, e);
}

static enum err
accept_account(struct setup *s, char **answer, struct error *e)
{
	if (!**answer || strpbrk(*answer, "[]/;#\"'"))
		return error_set(e, ERR_LOCAL, "a short word such as work or home");
	if (is_taken(s, *answer))
		return error_set(e, ERR_LOCAL,
			"account '%s' is in the mailrc already; take another name", *answer);
	return ERR_OK;
}

static enum err
accept_pin(struct setup *s, char **answer, struct error *e)
{
	(void)s;
	return check_value("tls-fingerprint", *answer, e);
}

const struct question setup_questions[N_ANSWERS] = {
	[A_NAME] = { "Your name", NULL, suggest_name, accept_name, false },
	[A_ADDRESS] = { "Your mail address", NULL, NULL, accept_address, false },
	[A_RECEIVE] = { "Server to read from (host or URL)",
		NULL, suggest_receive, accept_receive, false },
	[A_USER] = { "User name there", needs_user, suggest_user, accept_user, false },
	[A_SEND] = { "Server to send through (host, URL or none)",
		needs_login, suggest_send, accept_send, false },
	[A_HOW] = { "Password command, type or ask",
		needs_login, suggest_how, accept_how, false },
	[A_SECRET] = { "Password (not shown)", wants_secret, NULL, accept_secret, true },
	[A_ACCOUNT] = { "Name of the account", NULL, suggest_account, accept_account, false },
	[A_PIN] = { "Its fingerprint, as you know it from its owner",
		wants_pin, NULL, accept_pin, false },
};
