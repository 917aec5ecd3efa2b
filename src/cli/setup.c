/* setup.c - `dunlin setup`: a table of questions, a try, and a new section in the mailrc.
 *
 * On a pipe the answers come a line each, in the order of the table; an empty line takes what
 * stands in brackets. What is there in the mailrc is kept byte by byte, the new section goes behind
 * it; it is written only when the whole then reads with one account more and no new problem. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "err.h"
#include "guess.h"
#include "interrupt.h"
#include "str.h"
#include "utf8.h"

enum { MAX_RC_BYTES = 4 << 20 };

enum answer { A_NAME, A_ADDRESS, A_RECEIVE, A_USER, A_SEND, A_HOW, A_SECRET, A_ACCOUNT, N_ANSWERS };

struct setup {
	char *answers[N_ANSWERS];	/* as accepted; NULL: not asked (yet) */
	char *guessed_for;		/* the address that `guess` is about */
	struct guess guess;
	struct rc *rc;			/* the mailrc as it is */
	struct interrupt stop;
};

struct question {
	const char *text;
	bool (*is_asked)(const struct setup *s);	/* NULL: always */
	char *(*suggest)(struct setup *s);		/* owned; NULL: nothing */
	/* Checks and completes the answer; may exchange it. */
	enum err (*accept)(struct setup *s, char **answer, struct error *e);
	bool is_secret;
};

static void
say(const char *text)
{
	char *clean = text_clean_dup(text);

	puts(clean);
	fflush(stdout);
	free(clean);
}

static void
tell_try(const char *url)
{
	char *line = xasprintf("  trying %s", url);

	say(line);
	free(line);
}

/* ---- values ---- */

/* As the mailrc wants it: in quotes where it would not be read back as it is. */
static void
add_line(struct str *out, const char *setting, const char *value)
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

static void
wipe(struct str *s)
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
	add_line(&text, setting, value);
	rc_parse(&rc, "x", str_get(&text), text.len, NULL);
	for (size_t i = 0; i < rc->n_problems && code == ERR_OK; i++) {
		if (str_starts(rc->problems[i].line, "x:2: "))
			code = error_set(e, ERR_LOCAL, "%s", rc->problems[i].line + strlen("x:2: "));
	}
	rc_free(rc);
	wipe(&text);
	return code;
}

static bool
is_url(const char *s)
{
	return strstr(s, "://") || str_istarts(s, "mbox:");
}

/* user@ put into a URL that has none. `@` may stand in a user, what else means something may not. */
static char *
with_user(const char *url, const char *user)
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

static bool
wants_secret(const struct setup *s)
{
	return needs_login(s) && (str_ieq(s->answers[A_HOW], "type") || str_ieq(s->answers[A_HOW], "ask"));
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
			printf("  Note: %s.\n", s->guess.note);
	}
	return xstrdup(s->guess.receive);
}

static char *
suggest_user(struct setup *s)
{
	const char *a = s->answers[A_ADDRESS];

	return s->guess.is_local_user ? xstrndup(a, strcspn(a, "@")) : xstrdup(a);
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

	for (const char *p = path ? path : ""; *p && !is_found; p += strcspn(p, ":"), p += *p == ':') {
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
	puts("  The password may come from a command that prints it (\"pass show mail/ada\"),\n"
		"  be typed now and kept in the mailrc, which nobody else can read (\"type\"),\n"
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
		return error_set(e, ERR_LOCAL, "write the address alone, such as ada@example.org");
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
	return check_value("receive", *answer, e);
}

static enum err
accept_user(struct setup *s, char **answer, struct error *e)
{
	if (!**answer)
		return error_set(e, ERR_LOCAL, "the server wants to know who you are");
	char *url = with_user(s->answers[A_RECEIVE], *answer);
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
	(void)s;
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
		return error_set(e, ERR_LOCAL, "account '%s' is in the mailrc already; take another name",
			*answer);
	return ERR_OK;
}

static const struct question questions[N_ANSWERS] = {
	[A_NAME] = { "Your name", NULL, suggest_name, accept_name, false },
	[A_ADDRESS] = { "Your mail address", NULL, NULL, accept_address, false },
	[A_RECEIVE] = { "Server to read from (host or URL)", NULL, suggest_receive, accept_receive, false },
	[A_USER] = { "User name there", needs_user, suggest_user, accept_user, false },
	[A_SEND] = { "Server to send through (host, URL or none)", needs_login, suggest_send, accept_send, false },
	[A_HOW] = { "Password command, type or ask", needs_login, suggest_how, accept_how, false },
	[A_SECRET] = { "Password (not shown)", wants_secret, NULL, accept_secret, true },
	[A_ACCOUNT] = { "Name of the account", NULL, suggest_account, accept_account, false },
};

/* Until the answer is good; false: the input has ended. */
static bool
ask_question(struct setup *s, enum answer a)
{
	const struct question *q = &questions[a];
	char *before = s->answers[a], *fallback = NULL;
	struct error e;

	s->answers[a] = NULL;
	if (q->is_asked && !q->is_asked(s)) {
		secret_free(before);
		return true;
	}
	if (before && !q->is_secret)
		fallback = xstrdup(before);
	else if (q->suggest)
		fallback = q->suggest(s);
	secret_free(before);
	while ((s->answers[a] = ask(q->text, fallback, q->is_secret, &s->stop.cancel))) {
		if (q->accept(s, &s->answers[a], &e) == ERR_OK)
			break;
		printf("  %s\n", e.text);
		secret_free(s->answers[a]);
	}
	free(fallback);
	return s->answers[a] != NULL;
}

/* 0, or the exit code. */
static int
ask_all(struct setup *s)
{
	struct error e;
	int code = 0;

	if (interrupt_begin(&s->stop, &e) != ERR_OK) {
		fprintf(stderr, "dunlin: %s\n", e.text);
		code = 1;
	}
	for (int a = 0; a < N_ANSWERS && code == 0; a++)
		code = ask_question(s, (enum answer)a) ? 0 : 1;
	return interrupt_end(&s->stop, code);
}

/* ---- the section ---- */

/* With `for_trial` also a password that is not to be kept. */
static void
write_section(struct str *out, const struct setup *s, bool for_trial)
{
	char *const *a = s->answers;
	const char *user = a[A_USER];
	bool is_typed = a[A_HOW] && str_ieq(a[A_HOW], "type"), is_asked = a[A_HOW] && str_ieq(a[A_HOW], "ask");
	bool has_comma = strpbrk(a[A_NAME], ",.()@:[]") != NULL;
	char *from = !*a[A_NAME] ? xstrdup(a[A_ADDRESS])
		: xasprintf(has_comma ? "\"%s\" <%s>" : "%s <%s>", a[A_NAME], a[A_ADDRESS]);
	char *receive = with_user(a[A_RECEIVE], user);

	str_printf(out, "[account %s]\n", a[A_ACCOUNT]);
	add_line(out, "from", from);
	add_line(out, "receive", receive);
	if (a[A_SEND] && *a[A_SEND] && !str_ieq(a[A_SEND], "none")) {
		char *send = with_user(a[A_SEND], user);
		add_line(out, "send", send);
		free(send);
	}
	if (is_typed || (is_asked && for_trial))
		add_line(out, "password", a[A_SECRET]);
	else if (a[A_HOW] && !is_asked)
		add_line(out, "password-command", a[A_HOW]);
	free(from);
	free(receive);
}

/* Connects, logs in and lists the folders, telling each step; the exit code of that. */
static int
try_account(const struct setup *s)
{
	struct str text = {0};
	struct rc *rc;
	char *names[] = { s->answers[A_ACCOUNT] };

	puts("\nTrying it:");
	fflush(stdout);
	write_section(&text, s, true);
	rc_parse(&rc, "answers", str_get(&text), text.len, NULL);
	int code = cli_check(rc, names, 1);
	rc_free(rc);
	wipe(&text);
	return code;
}

/* The whole must read as before and one account more. */
static enum err
check_whole(const struct setup *s, const struct str *text, struct error *e)
{
	struct rc *rc;
	enum err code = ERR_OK;

	rc_parse(&rc, s->rc->path, str_get(text), text->len, NULL);
	if (rc->n_problems > s->rc->n_problems)
		code = error_set(e, ERR_LOCAL, "%s", rc->problems[rc->n_problems - 1].line);
	else if (rc->n_accounts != s->rc->n_accounts + 1)
		code = error_set(e, ERR_LOCAL, "the new section would not be read back as it is");
	rc_free(rc);
	return code;
}

static enum err
save(const struct setup *s, struct error *e)
{
	const char *path = s->rc->path;
	char *old = NULL, *slash = strrchr(path, '/');
	size_t n = 0;
	struct str text = {0};
	enum err code = ERR_OK;

	if (access(path, F_OK) == 0)
		code = file_read(&old, &n, path, MAX_RC_BYTES, e);
	if (code != ERR_OK)
		goto out;
	str_add(&text, old ? old : "", n);
	if (n > 0)
		str_puts(&text, old[n - 1] == '\n' ? "\n" : "\n\n");
	else
		str_puts(&text, "# Settings of dunlin: see dunlin-mailrc(5).\n\n");
	write_section(&text, s, false);
	code = check_whole(s, &text, e);
	if (code == ERR_OK && slash > path) {
		char *dir = xstrndup(path, (size_t)(slash - path));
		code = path_mkdirs(dir, e);
		free(dir);
	}
	if (code == ERR_OK)		/* made with mode 0600 */
		code = file_write_atomic(path, text.data, text.len, e);
out:
	if (old)
		explicit_bzero(old, n);
	free(old);
	wipe(&text);
	return code;
}

/* ---- the whole ---- */

enum decision { AGAIN, SAVE, GIVE_UP };

/* Something did not work. */
static enum decision
decide(struct setup *s)
{
	struct error e;
	enum decision d = GIVE_UP;

	if (interrupt_begin(&s->stop, &e) == ERR_OK) {
		char *a = ask("\nThat did not work. Answer again, save it all the same, or quit", "again",
			false, &s->stop.cancel);
		d = !a ? GIVE_UP : str_istarts(a, "a") ? AGAIN : str_istarts(a, "s") ? SAVE : GIVE_UP;
		free(a);
	}
	return interrupt_end(&s->stop, 0) ? GIVE_UP : d;
}

static int
run(struct setup *s)
{
	struct error e;
	enum decision d = AGAIN;
	int code = 0;

	puts("A new account for the mailrc. What stands in [brackets] is taken by Enter.\n");
	while (d == AGAIN) {
		if ((code = ask_all(s)) != 0)
			break;
		code = try_account(s);
		d = code == 0 ? SAVE : code > 128 ? GIVE_UP : decide(s);
	}
	if (d != SAVE) {
		puts("Nothing was written.");
		return code ? code : 1;
	}
	if (save(s, &e) != ERR_OK) {
		fprintf(stderr, "dunlin: %s\n", e.text);
		return 1;
	}
	printf("\nAccount '%s' is written to %s.\n", s->answers[A_ACCOUNT], s->rc->path);
	puts(code ? "Mend it there, then try 'dunlin check'." : "Start 'dunlin' to read your mail.");
	return code;
}

int
cli_setup(const struct dirs *d, const char *rc_path)
{
	struct setup s = {0};
	struct error e;
	int code = 1;

	(void)d;
	if (rc_read(&s.rc, rc_path, &e) == ERR_OK)
		code = run(&s);
	else
		fprintf(stderr, "dunlin: %s\n", e.text);
	for (int a = 0; a < N_ANSWERS; a++)
		secret_free(s.answers[a]);
	guess_clear(&s.guess);
	free(s.guessed_for);
	rc_free(s.rc);
	return code;
}
