/* setup.c - `dunlin setup`: a table of questions, a try, and a new section in the mailrc.
 *
 * On a pipe the answers come a line each, in the order of the table; an empty line
 * takes what stands in brackets. What is there in the mailrc is kept byte by byte, the
 * new section goes behind it; it is written only when the whole then reads with one
 * account more and no new problem. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "setup.h"

enum { MAX_RC_BYTES = 4 << 20 };

/* Until the answer is good; false: the input has ended. */
static bool
ask_question(struct setup *s, enum answer a)
{
	const struct question *q = &setup_questions[a];
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

/* This question and what comes behind it; 0, or the exit code. */
static int
ask_from(struct setup *s, int first)
{
	struct error e;
	int code = 0;

	if (interrupt_begin(&s->stop, &e) != ERR_OK) {
		fprintf(stderr, "dunlin: %s\n", e.text);
		code = 1;
	}
	for (int a = first; a < N_ANSWERS && code == 0; a++)
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
	bool is_typed = a[A_HOW] && str_ieq(a[A_HOW], "type"), is_asked = a[A_HOW] &&
		str_ieq(a[A_HOW], "ask");
	bool has_comma = strpbrk(a[A_NAME], ",.()@:[]") != NULL;
	char *from = !*a[A_NAME] ? xstrdup(a[A_ADDRESS])
		: xasprintf(has_comma ? "\"%s\" <%s>" : "%s <%s>", a[A_NAME], a[A_ADDRESS]);
	char *receive = setup_with_user(a[A_RECEIVE], user);

	str_printf(out, "[account %s]\n", a[A_ACCOUNT]);
	setup_add_line(out, "from", from);
	setup_add_line(out, "receive", receive);
	if (a[A_SEND] && *a[A_SEND] && !str_ieq(a[A_SEND], "none")) {
		bool is_short = (s->guess.flags & PROVIDER_LOCAL_USER) &&
			setup_is_guessed(s, A_SEND) && user && !strchr(user, '@');
		char *send = setup_with_user(a[A_SEND], is_short ? a[A_ADDRESS] : user);
		setup_add_line(out, "send", send);
		free(send);
		if ((s->guess.flags & PROVIDER_COPIES) && setup_is_guessed(s, A_SEND))
			setup_add_line(out, "copy", "no");
	}
	if (setup_wants_token(s))
		setup_add_line(out, "auth", "xoauth2");
	if (is_typed || (is_asked && for_trial))
		setup_add_line(out, "password", a[A_SECRET]);
	else if (a[A_HOW] && !is_asked)
		setup_add_line(out, "password-command", a[A_HOW]);
	if (a[A_PIN])
		setup_add_line(out, "tls-fingerprint", a[A_PIN]);
	free(from);
	free(receive);
}

/* Connects, logs in and lists the folders, telling each step; the exit code of that. */
static int
try_account(struct setup *s)
{
	struct str text = {0};
	struct rc *rc;
	char *names[] = { s->answers[A_ACCOUNT] };

	puts("\nTrying it:");
	fflush(stdout);
	write_section(&text, s, true);
	rc_parse(&rc, "answers", str_get(&text), text.len, NULL);
	int code = cli_check(rc, names, 1, &s->why);
	rc_free(rc);
	setup_wipe(&text);
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
		code = error_set(e, ERR_LOCAL,
			"the new section would not be read back as it is");
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
	setup_wipe(&text);
	return code;
}

/* ---- the whole ---- */

enum decision { AGAIN, PIN, SAVE, GIVE_UP };

/* Something did not work. */
static enum decision
decide(struct setup *s)
{
	struct error e;
	enum decision d = GIVE_UP;
	bool is_unproven = s->why == ERR_TLS;

	putchar('\n');
	if (s->why == ERR_AUTH && s->guess.note && setup_is_guessed(s, A_RECEIVE))
		setup_explain(s->guess.note);
	if (is_unproven)
		setup_explain("Who answered could not prove to be that server, "
			"so nothing secret was sent. Pin its certificate only when somebody "
			"who runs it gives you the same fingerprint.");
	if (interrupt_begin(&s->stop, &e) == ERR_OK) {
		char *a = ask(is_unproven
			? "That did not work. "
			"Answer again, pin the certificate, save it all the same, or quit"
			: "That did not work. Answer again, save it all the same, or quit",
			"again", false, &s->stop.cancel);
		d = !a ? GIVE_UP : str_istarts(a, "a") ? AGAIN : str_istarts(a, "s") ? SAVE
			: is_unproven && str_istarts(a, "p") ? PIN : GIVE_UP;
		free(a);
	}
	return interrupt_end(&s->stop, 0) ? GIVE_UP : d;
}

/* Who comes from another program has answered all this before. */
static void
offer_import(void)
{
	char *command = cli_import_offer();

	if (command)
		printf("'%s' prints the mailrc that says what you have there.\n\n", command);
	free(command);
}

static int
run(struct setup *s)
{
	struct error e;
	enum decision d = AGAIN;
	int code = 0;

	puts("A new account for the mailrc. Enter takes what stands in [brackets], "
		"Ctrl-C leaves.\n");
	offer_import();
	while (d == AGAIN || d == PIN) {
		s->wants_pin = d == PIN;
		if ((code = ask_from(s, d == PIN ? A_PIN : 0)) != 0)
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
	puts(code
		? "Mend it there, then try 'dunlin check'."
		: "Start 'dunlin' to read your mail.");
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
