/* send.c - `dunlin send` and `dunlin -s`: a message out, without a screen.
 *
 * The message is in the outbox, on disk, before a server is spoken to; so whatever happens
 * then, it is not lost, and the exit code says which of the two it is: 0, a server has it for
 * every recipient; 75, it waits in the outbox. Other codes are those of sysexits.h, with the
 * reason on stderr. The copy for Sent is made here where that works, and else by the next
 * `dunlin sync` or `dunlin`. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "account.h"
#include "cli.h"
#include "interrupt.h"
#include "mime.h"
#include "outbox.h"
#include "seal.h"
#include "store_outbox.h"
#include "str.h"
#include "utf8.h"

enum { COPY_GOODBYE_MS = 300, LOCK_PAUSE_MS = 100 };

struct send {
	const struct rc *rc;
	const struct dirs *dirs;
	const struct rc_account *conf;
	struct store *store;
	account_id account;
	struct interrupt stop;
};

static void
complain(const char *text)
{
	char *clean = text_clean_dup(text);

	fprintf(stderr, "dunlin: %s\n", clean);
	free(clean);
}

/* ---- what is to be sent ---- */

static enum err
read_input(struct str *out, struct error *e)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof buf)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, ERR_LOCAL, "cannot read the message");
		if (out->len + (size_t)n > COMPOSE_MAX_BYTES)
			return error_set(e, ERR_MSG, "the message is larger than %d MB",
				COMPOSE_MAX_BYTES >> 20);
		str_add(out, buf, (size_t)n);
	}
	return ERR_OK;
}

static bool
has_address(const char *list, const char *addr)
{
	struct arena arena = {0};
	const struct address *v;
	size_t n = list ? mime_addresses(&arena, &v, list) : 0;
	bool has = false;

	for (size_t i = 0; i < n; i++)
		has = has || str_ieq(v[i].addr, addr);
	arena_clear(&arena);
	return has;
}

/* The account that has this address; NULL: none that can send. */
static const struct rc_account *
account_of(const struct rc *rc, const char *addr)
{
	for (size_t i = 0; i < rc->n_accounts; i++) {
		const struct rc_account *a = &rc->accounts[i];
		if (rc_account_sends(a) &&
		    (has_address(a->from, addr) || has_address(a->identities, addr)))
			return a;
	}
	return NULL;
}

/* By the sender that was named, the From of the message, else the first that can send. */
static const struct rc_account *
choose_account(const struct rc *rc, const char *sender, const struct str *raw)
{
	const struct rc_account *a = sender ? account_of(rc, sender) : NULL;
	struct arena arena = {0};
	struct msg m = {0};

	if (!a && raw) {
		mime_summary(&arena, &m, str_get(raw),
			mime_header_length(str_get(raw), raw->len));
		a = account_of(rc, m.from_addr);
	}
	for (size_t i = 0; !a && i < rc->n_accounts; i++)
		a = rc_account_sends(&rc->accounts[i]) ? &rc->accounts[i] : NULL;
	arena_clear(&arena);
	return a;
}

static void
clear_files(struct draft_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)files[i].type);
		free((void *)files[i].data);
	}
	free(files);
}

static enum err
read_files(struct draft_file *files, const struct cli_letter *args, struct error *e)
{
	for (size_t i = 0; i < args->n_files; i++) {
		char *data;
		const char *slash = strrchr(args->files[i], '/');
		enum err rc = file_read(&data, &files[i].len, args->files[i],
			COMPOSE_MAX_BYTES, e);
		if (rc != ERR_OK)
			return rc;
		files[i].data = data;
		files[i].name = slash ? slash + 1 : args->files[i];
		files[i].type = compose_media_type(files[i].name, data, files[i].len);
	}
	return ERR_OK;
}

/* Exit code. */
static int
build(struct letter *l, const struct cli_letter *args, const struct rc_account *a,
	const struct str *text, struct error *e)
{
	struct draft_file *files = xcalloc(args->n_files, sizeof *files);
	struct compose_stamp stamp = outbox_stamp();
	struct str to = {0};
	int code = EX_NOINPUT;

	for (int i = 0; i < args->n_to; i++)
		str_printf(&to, "%s%s", i ? ", " : "", args->to[i]);
	struct draft d = { .from = a->from, .to = str_get(&to), .cc = args->cc,
		.bcc = args->bcc,
		.subject = args->subject, .text = str_get(text), .text_len = text->len,
		.files = files, .n_files = args->n_files };
	if (read_files(files, args, e) == ERR_OK)
		code = compose_build(l, &d, &stamp, e) == ERR_OK ? 0 : EX_DATAERR;
	clear_files(files, args->n_files);
	free((char *)stamp.token);
	str_clear(&to);
	return code;
}

/* The recipients that were named, and no others: a header may name people
 * who got it by another way. */
static void
keep_named(struct letter *l, const char *named)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_to; i++) {
		if (has_address(named, l->to[i]))
			l->to[n++] = l->to[i];
		else
			free(l->to[i]);
	}
	l->n_to = n;
}

/* Exit code. */
static int
prepare(struct letter *l, const struct cli_letter *args, const struct rc_account *a,
	const struct str *raw, struct error *e)
{
	struct compose_stamp stamp = outbox_stamp();
	struct str named = {0};

	for (int i = 0; i < args->n_to; i++)
		str_printf(&named, "%s%s", i ? ", " : "", args->to[i]);
	enum err rc = compose_prepare(l, str_get(raw), raw->len, a->from,
		named.len ? str_get(&named) : NULL, &stamp, e);
	if (rc == ERR_OK && named.len && !args->from_header)
		keep_named(l, str_get(&named));
	free((char *)stamp.token);
	str_clear(&named);
	return rc == ERR_OK ? 0 : EX_DATAERR;
}

/* What an account encrypts always does not go out otherwise from here; what was encrypted by
 * the program that hands it over may. */
static bool
is_kept_from(const struct rc_account *a, const struct str *raw, bool is_message)
{
	struct mime_msg *m = NULL;
	bool is_encrypted = false;

	if (!str_eq(a->encrypt, "always"))
		return false;
	if (is_message && mime_parse(&m, str_get(raw), raw->len, NULL) == ERR_OK)
		seal_has(mime_root(m), &is_encrypted);
	mime_free(m);
	return !is_encrypted;
}

static int
make_letter(struct letter *l, struct send *s, const struct cli_letter *args, struct error *e)
{
	struct str text = {0};
	int code = EX_NOINPUT;

	if (read_input(&text, e) != ERR_OK)
		goto out;
	s->conf = choose_account(s->rc, args->sender, args->subject ? NULL : &text);
	if (!s->conf) {
		error_set(e, ERR_LOCAL, "no account in the mailrc has 'send', such as"
			" smtps://ada@smtp.example.org");
		code = EX_CONFIG;
	} else if (is_kept_from(s->conf, &text, !args->subject)) {
		error_set(e, ERR_LOCAL, "the account '%s' has 'encrypt = always', and nothing "
			"is encrypted without a screen: not sent", s->conf->name);
		code = EX_CONFIG;
	} else if (args->subject) {
		code = build(l, args, s->conf, &text, e);
	} else {
		code = prepare(l, args, s->conf, &text, e);
	}
out:
	str_clear(&text);
	return code;
}

/* ---- sending it ---- */

static int
code_of(const struct outbox_report *r)
{
	switch (r->state) {
	case OUTBOX_SENT: return r->n_refused ? EX_NOUSER : 0;
	case OUTBOX_QUEUED: return r->n_refused ? EX_NOUSER : EX_TEMPFAIL;
	case OUTBOX_REFUSED: return EX_UNAVAILABLE;
	case OUTBOX_SENDING:
	case OUTBOX_UNSURE: break;
	}
	return EX_IOERR;
}

/* Another process may have found it in the outbox before we could:
 * then its end is waited for. */
static bool
take(struct send *s, outbox_id id, struct outbox_lock **lock)
{
	struct pollfd p = { .fd = cancel_fd(&s->stop.cancel), .events = POLLIN };

	while (!store_outbox_take(s->store, id, lock)) {
		if (cancel_fired(&s->stop.cancel))
			return false;
		poll(&p, 1, LOCK_PAUSE_MS);
	}
	return true;
}

/* How it ended when somebody else sent it. */
static bool
is_over(struct send *s, outbox_id id, struct outbox_report *r)
{
	struct arena arena = {0};
	struct outbox_mail m;
	bool has = store_outbox_get(s->store, id, &arena, &m);

	*r = (struct outbox_report){ .id = id, .state = has ? m.state : OUTBOX_SENT };
	for (size_t i = 0; has && i < m.n_rcpts; i++) {
		r->n_sent += m.rcpts[i].state == RCPT_SENT;
		r->n_refused += m.rcpts[i].state == RCPT_REFUSED;
	}
	arena_clear(&arena);
	return r->state != OUTBOX_QUEUED;
}

static int
hand_over(struct send *s, outbox_id id)
{
	struct outbox o = { .store = s->store, .rc = s->rc, .conf = s->conf,
		.account = s->account, .cancel = &s->stop.cancel };
	struct outbox_lock *lock = NULL;
	struct outbox_report r;
	struct error e = {0};

	if (!take(s, id, &lock))
		return EX_TEMPFAIL;
	enum err rc = is_over(s, id, &r) ? ERR_OK : outbox_send(&o, id, &r, &e);
	store_outbox_unlock(lock);
	outbox_hang_up(&o, COPY_GOODBYE_MS);
	if (r.why.code != ERR_OK)
		complain(r.why.text);
	else if (rc != ERR_OK)
		complain(e.text);
	if (r.state == OUTBOX_QUEUED)
		complain("the message is kept in the outbox; 'dunlin sync' sends it");
	return code_of(&r);
}

/* What does not work now is made by whoever comes next. */
static void
make_copies(struct send *s)
{
	struct backend_login login = { .user = s->conf->receive.user ? s->conf->receive.user
		: "" };
	char *password = NULL, *where;
	struct backend *b = NULL;
	struct error e, refusal = {0};
	bool did = true;
	enum err rc = ERR_OK;

	if (store_outbox_copies(s->store, s->account) == 0)
		return;
	if (account_needs_password(s->conf))
		rc = account_password(&password, s->conf, &s->stop.cancel, &e);
	if (rc == ERR_OK)
		b = account_backend(s->rc, s->conf, s->dirs->data, &s->stop.cancel, &e);
	login.password = password ? password : "";
	if (b && (rc = b->ops->connect(b, &login, &e)) == ERR_OK) {
		while (rc == ERR_OK && did) {
			rc = outbox_copy_one(s->store, s->conf, s->account, b, &did, &where,
				&refusal, &e);
			free(where);
			if (refusal.code != ERR_OK)
				complain(refusal.text);
		}
	}
	if (b)
		b->ops->close(b, COPY_GOODBYE_MS);
	secret_free(password);
}

static int
send_letter(struct send *s, const struct letter *l, struct error *e)
{
	outbox_id id;

	if (store_open(&s->store, s->dirs->data, s->dirs->cache, STORE_WRITE, e) != ERR_OK)
		return EX_CANTCREAT;
	if (!(s->account = store_account(s->store, s->conf->name))) {
		error_set(e, ERR_LOCAL, "cannot record the account '%s'", s->conf->name);
		return EX_CANTCREAT;
	}
	if (outbox_put(s->store, s->conf, s->account, l, 0, false, &id, e) != ERR_OK)
		return EX_CANTCREAT;
	e->text[0] = '\0';
	int code = hand_over(s, id);
	make_copies(s);
	return code;
}

int
cli_send(const struct rc *rc, const struct dirs *d, const struct cli_letter *args)
{
	struct send s = { .rc = rc, .dirs = d };
	struct letter l = {0};
	struct error e = {0};
	int code = make_letter(&l, &s, args, &e);

	if (code == 0) {
		code = interrupt_begin(&s.stop, &e) == ERR_OK ? send_letter(&s, &l, &e)
			: EX_OSERR;
		store_close(s.store);
		code = interrupt_end(&s.stop, code);
	}
	if (*e.text)
		complain(e.text);
	letter_clear(&l);
	return code;
}
