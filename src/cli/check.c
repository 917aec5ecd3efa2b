/* check.c - `dunlin check`: a line per step of what a connection needs,
 * and what to do where it fails.
 *
 * The steps are the ones a person can do something about: the mailrc, the name, the connection
 * with its TLS, the login, the folders. The backend does connection and login in one call; its
 * error code says how far it came. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "accounts.h"
#include "cli.h"
#include "interrupt.h"
#include "net.h"
#include "str.h"
#include "utf8.h"

enum { GOODBYE_MS = 500 };

struct check {
	const struct rc *rc;
	const struct rc_account *a;
	const struct dirs *dirs;
	struct cancel *cancel;
	int n_failed;
	enum err why;			/* what kept us from the server */
};

static void
say(const struct check *c, bool is_ok, const char *step, const char *text)
{
	char *clean = text_clean_dup(text);

	printf("%-4s %s: %-8s %s\n", is_ok ? "ok" : "FAIL", c->a->name, step, clean);
	fflush(stdout);
	free(clean);
}

static void
advise(const char *what)
{
	printf("     -> %s\n", what);
	fflush(stdout);
}

static void
fail(struct check *c, const char *step, const char *text, const char *what_to_do)
{
	c->n_failed++;
	if (cancel_fired(c->cancel))
		return;
	say(c, false, step, text);
	if (what_to_do)
		advise(what_to_do);
}

/* ---- DNS ---- */

static void
add_address(struct str *out, const struct sockaddr *sa, socklen_t len)
{
	char host[INET6_ADDRSTRLEN + 32];

	if (getnameinfo(sa, len, host, sizeof host, NULL, 0, NI_NUMERICHOST) == 0)
		str_printf(out, "%s%s", out->len ? ", " : "", host);
}

/* Not getaddrinfo, which cannot be left. When it is given up, the request stays with libc:
 * the process is about to end. */
static int
look_up(const struct check *c, const char *host, struct str *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct gaicb *req = xcalloc(1, sizeof *req);
	struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	int rc;

	req->ar_name = host;
	req->ar_request = &hints;
	rc = getaddrinfo_a(GAI_NOWAIT, &req, 1, NULL);
	while (rc == 0 && (rc = gai_error(req)) == EAI_INPROGRESS) {
		if (cancel_fired(c->cancel))
			return EAI_CANCELED;
		gai_suspend((const struct gaicb *const *)&req, 1, &pause);
		rc = 0;
	}
	for (struct addrinfo *ai = rc == 0 ? req->ar_result : NULL; ai; ai = ai->ai_next)
		add_address(out, ai->ai_addr, ai->ai_addrlen);
	if (req->ar_result)
		freeaddrinfo(req->ar_result);
	free(req);
	return rc;
}

static bool
check_dns(struct check *c)
{
	const char *host = c->a->receive.host;
	struct str text = {0}, addresses = {0};
	int rc = look_up(c, host, &addresses);

	str_printf(&text, "%s: %s", host, rc ? gai_strerror(rc) : str_get(&addresses));
	if (rc)
		fail(c, "DNS", str_get(&text), rc == EAI_NONAME
			? "is the host in 'receive' spelled right, and this machine online?"
			: "is this machine online, and does its name server answer?");
	else
		say(c, true, "DNS", str_get(&text));
	str_clear(&text);
	str_clear(&addresses);
	return rc == 0;
}

/* ---- connection, TLS, login ---- */

struct reaction {
	enum err code;
	const char *step, *what_to_do;
};

static const struct reaction reactions[] = {
	{ ERR_CONN, "connect", "is the port right, and does a firewall let it through?" },
	{ ERR_TLS, "TLS", "do not go on before you know why: 'ca-file' adds a CA of your own, "
		"'tls-fingerprint' pins a certificate you have verified" },
	{ ERR_AUTH, "login",
		"check the user name in 'receive' and the password; many providers want an "
		"app password, made in their web settings, or IMAP switched on there" },
	{ ERR_UNSUPPORTED, "login", "see 'auth' and 'receive' in dunlin-mailrc(5)" },
	{ ERR_LOCAL, "password", "run the 'password-command' in a shell to see what it says" },
};

static void
fail_connect(struct check *c, const struct error *e)
{
	c->why = e->code;
	for (size_t i = 0; i < LEN(reactions); i++) {
		if (reactions[i].code == e->code) {
			fail(c, reactions[i].step, e->text, reactions[i].what_to_do);
			return;
		}
	}
	fail(c, "connect", e->text, NULL);
}

/* What an adapter tells of its session: TLS, login, extensions, a line each. */
static void
say_description(struct check *c, struct str *text)
{
	static const char *const steps[] = { "TLS", "login", "server" };
	size_t i = 0;

	for (char *line = text->data, *end; line && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		say(c, true, i < LEN(steps) ? steps[i] : "server", line);
		i++;
	}
	str_clear(text);
}

/* The server of a POP3 account: its folders are local files, and looked at like any others. */
static bool
check_pop3(struct check *c, const struct backend_login *login)
{
	struct pop3_config cfg = account_pop3(c->rc, c->a);
	struct pop3_msg *msgs;
	struct arena a = {0};
	struct str text = {0};
	struct pop3 *p;
	struct error e = {0};
	uint64_t bytes = 0;
	size_t n;

	e.code = pop3_open(&p, &cfg, login, c->cancel, &e);
	if (e.code != ERR_OK) {
		fail_connect(c, &e);
		return false;
	}
	pop3_describe(p, &text);
	say_description(c, &text);
	bool is_listed = pop3_list(p, &a, &msgs, &n, &e) == ERR_OK;
	for (size_t i = 0; is_listed && i < n; i++)
		bytes += msgs[i].size_bytes;
	if (is_listed) {
		str_printf(&text, "%zu message%s on the server, %llu bytes", n,
			n == 1 ? "" : "s", (unsigned long long)bytes);
		say(c, true, "mail", str_get(&text));
	} else {
		fail(c, "mail", e.text, "the server lists no mail: ask who runs it");
	}
	pop3_quit(p, GOODBYE_MS, NULL);
	pop3_close(p);
	arena_clear(&a);
	str_clear(&text);
	return is_listed;
}

/* ---- folders ---- */

struct found {
	size_t n;
	const char *of_role[N_ROLES];
	struct arena arena;
};

static void
found_folder(void *ctx, const struct folder *f)
{
	struct found *x = ctx;

	x->n++;
	if (f->role > ROLE_NONE && f->role < N_ROLES && !x->of_role[f->role])
		x->of_role[f->role] = arena_strdup(&x->arena, f->name);
}

static void
check_folders(struct check *c, struct backend *b)
{
	struct found x = {0};
	struct backend_folder_sink sink = { .ctx = &x, .folder = found_folder };
	struct str text = {0};
	struct error e = {0};

	if (b->ops->folders(b, &sink, &e) != ERR_OK) {
		fail(c, "folders", e.text, "the server lists no folders: ask who runs it");
		goto out;
	}
	str_printf(&text, "%zu", x.n);
	for (int role = ROLE_INBOX; role < N_ROLES; role++) {
		const char *name = c->a->folder[role] ? c->a->folder[role] : x.of_role[role];
		if (name)
			str_printf(&text, "%s%s = %s", role == ROLE_INBOX ? ": " : ", ",
				folder_role_name((enum folder_role)role), name);
	}
	say(c, true, "folders", str_get(&text));
	if (!x.of_role[ROLE_TRASH] && !c->a->folder[ROLE_TRASH])
		advise("there is no Trash yet: the first delete makes one");
out:
	str_clear(&text);
	arena_clear(&x.arena);
}

/* What is missing and how it shows; a server without them works all the same. */
static void
say_caps(struct check *c, const struct backend *b)
{
	static const struct { unsigned cap; const char *without; } caps[] = {
		{ CAP_WAIT,
			"the server does not tell changes at once (IDLE): "
			"it is asked now and then" },
		{ CAP_DELTA,
			"the server cannot tell only what changed (CONDSTORE): "
			"opening a large folder takes longer" },
		{ CAP_DELETE,
			"the server cannot remove single messages (UIDPLUS): "
			"emptying the Trash is not possible" },
	};

	for (size_t i = 0; i < LEN(caps); i++) {
		if (!(b->caps & caps[i].cap))
			say(c, true, "note", caps[i].without);
	}
}

/* ---- an account ---- */

static void
check_account(struct check *c)
{
	struct error e = {0};
	struct str text = {0};
	char *password = NULL;
	struct backend *b = NULL;

	if (c->a->receive.host && !check_dns(c))
		return;
	if (account_needs_password(c->a) &&
	    account_password(&password, c->a, c->cancel, &e) != ERR_OK) {
		if (e.code == ERR_AUTH)
			fail(c, "password", e.text,
				"the UI will ask for it; 'password-command' saves that");
		else
			fail_connect(c, &e);
		goto out;
	}
	struct backend_login login = {
		.user = c->a->receive.user ? c->a->receive.user : "",
		.password = password ? password : "",
	};
	if (c->a->receive.protocol == RC_POP3 && !check_pop3(c, &login))
		goto out;
	b = account_backend(c->rc, c->a, c->dirs->data, c->cancel, &e);
	if (!b) {
		fail(c, "receive", e.text, NULL);
		goto out;
	}
	e.code = b->ops->connect(b, &login, &e);
	if (e.code != ERR_OK) {
		fail_connect(c, &e);
		goto out;
	}
	b->ops->describe(b, &text);
	if (c->a->receive.protocol == RC_IMAP)
		say_description(c, &text);
	else
		say(c, true, "files", str_get(&text));
	if (c->a->receive.host)
		say_caps(c, b);
	check_folders(c, b);
out:
	secret_free(password);
	str_clear(&text);
	if (b)
		b->ops->close(b, GOODBYE_MS);
}

/* ---- sending ---- */

static void
check_send(struct check *c)
{
	struct sender_login login = { .user = c->a->send.user };
	struct str text = {0};
	struct error e = {0};
	char *password = NULL;

	if (!rc_account_sends(c->a))
		return;
	if (login.user && *login.user &&
	    account_send_password(&password, c->a, c->cancel, &e) != ERR_OK) {
		fail(c, "send", e.text,
			"'password-command', or 'send-password-command', must give it");
		return;
	}
	login.password = password;
	struct sender *s = account_sender(c->rc, c->a, c->cancel);
	if (s->ops->connect(s, &login, &e) == ERR_OK) {
		s->ops->describe(s, &text);
		for (char *p = text.data; p && *p; p++)
			*p = *p == '\n' ? ';' : *p;
		say(c, true, "send", str_get(&text));
	} else {
		fail(c, "send", e.text,
			c->a->sendmail
			? "nothing can be sent before this works: see 'sendmail' in the mailrc"
			: "nothing can be sent before this works: see 'send' in the mailrc");
	}
	s->ops->close(s, GOODBYE_MS);
	str_clear(&text);
	secret_free(password);
}

static int
check_rc(const struct rc *rc)
{
	for (size_t i = 0; i < rc->n_problems; i++) {
		char *clean = text_clean_dup(rc->problems[i].line);
		printf("FAIL %s\n", clean);
		free(clean);
	}
	if (rc->n_accounts == 0) {
		printf("FAIL %s: no account\n", rc->path ? rc->path : "mailrc");
		advise("'dunlin setup' asks for what is needed and writes one");
		return 1;
	}
	if (rc->n_problems == 0)
		printf("ok   %s: %zu account%s\n", rc->path ? rc->path : "mailrc",
			rc->n_accounts, rc->n_accounts == 1 ? "" : "s");
	return rc->n_problems > 0;
}

int
cli_check(const struct rc *rc, char *const *accounts, int n, enum err *why)
{
	struct interrupt stop;
	struct dirs dirs = {0};
	struct error e;
	int n_failed = accounts_unknown(rc, accounts, n);

	if (why)
		*why = ERR_OK;
	if (interrupt_begin(&stop, &e) != ERR_OK || dirs_find(&dirs, &e) != ERR_OK) {
		fprintf(stderr, "dunlin: %s\n", e.text);
		return interrupt_end(&stop, 1);
	}
	n_failed += check_rc(rc);
	for (size_t i = 0; i < rc->n_accounts && !cancel_fired(&stop.cancel); i++) {
		struct check c = {
			.rc = rc, .a = &rc->accounts[i], .dirs = &dirs, .cancel = &stop.cancel,
		};
		if (!account_is_named(c.a, accounts, n))
			continue;
		check_account(&c);
		check_send(&c);
		n_failed += c.n_failed;
		if (why && c.why != ERR_OK)
			*why = c.why;
	}
	dirs_clear(&dirs);
	return interrupt_end(&stop, n_failed ? 1 : 0);
}
