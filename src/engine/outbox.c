/* outbox.c - see outbox.h.
 *
 * Order of a message's life here: lock; connect; envelope; bytes; SENDING (durable); final
 * dot; answer; result (durable); unlock. Whatever ends before SENDING leaves it QUEUED,
 * whatever ends between SENDING and the result UNSURE. A message that some recipients got and
 * others will is sent again to those others only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "account.h"
#include "log.h"
#include "mailstatus.h"
#include "outbox.h"
#include "outbox_int.h"
#include "people.h"
#include "store_outbox.h"
#include "str.h"
#include "uploads.h"

enum { COPY_RETRY_S = 15 * 60 };

struct compose_stamp
outbox_stamp(void)
{
	uint8_t r[16];
	struct str token = {0};
	time_t now = time(NULL);
	struct tm tm;

	if (getrandom(r, sizeof r, 0) != (ssize_t)sizeof r)
		abort();
	for (size_t i = 0; i < sizeof r; i++)
		str_printf(&token, "%02x", r[i]);
	localtime_r(&now, &tm);
	return (struct compose_stamp){ .now = now, .tz_minutes = (int)(tm.tm_gmtoff / 60),
		.token = str_take(&token) };
}

/* For the address book: who is written to comes first there. That it could not be
 * noted keeps no mail back. */
static void
remember_people(struct store *s, const struct letter *l)
{
	struct person *v = xcalloc(l->n_to + 1, sizeof *v);
	struct error e;

	for (size_t i = 0; i < l->n_to; i++)
		v[i] = (struct person){ .name = l->names[i], .addr = l->to[i] };
	if (people_wrote(s, v, l->n_to, time(NULL), &e) != ERR_OK)
		log_msg("address book: %s", e.text);
	free(v);
}

enum err
outbox_put(struct store *s, const struct rc_account *a, account_id account,
	const struct letter *l, int64_t not_before, bool is_planned, outbox_id *id,
	struct error *e)
{
	struct outbox_mail m = { .account = account, .sender = l->sender,
		.message_id = l->message_id,
		.subject = l->subject, .to = l->shown_to, .needs_utf8 = l->needs_utf8,
		.needs_8bit = l->needs_8bit, .not_before = not_before,
		.is_planned = is_planned, .copy = a->copy &&
		!l->is_resent ? COPY_WANTED : COPY_NONE, .n_rcpts = l->n_to };

	*id = 0;
	if (!rc_account_sends(a))
		return error_set(e, ERR_UNSUPPORTED,
			"account '%s' has no 'send' nor 'sendmail' in the mailrc", a->name);
	m.rcpts = xcalloc(l->n_to, sizeof *m.rcpts);
	for (size_t i = 0; i < l->n_to; i++)
		m.rcpts[i] = (struct outbox_rcpt){ .addr = l->to[i], .words = "" };
	enum err rc = store_outbox_add(s, &m, l->bytes.data, l->bytes.len, id, e);
	free(m.rcpts);
	if (rc == ERR_OK)
		remember_people(s, l);
	return rc;
}

/* ---- one message ---- */

struct going {
	struct outbox *o;
	struct outbox_mail m;
	struct send_rcpt *rcpts;	/* those that wait */
	size_t *at, n;			/* where each is in m.rcpts */
	struct arena arena;
};

static int64_t
retry_in_s(uint32_t n_tries)
{
	static const int64_t pauses[] = { 60, 5 * 60, 15 * 60, 30 * 60 };

	return n_tries < LEN(pauses) ? pauses[n_tries] : 60 * 60;
}

static enum err
before_end(void *ctx, struct error *e)
{
	struct going *g = ctx;
	size_t *accepted = xcalloc(g->n, sizeof *accepted), n = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (g->rcpts[i].verdict == SEND_ACCEPTED)
			accepted[n++] = g->at[i];
	}
	enum err rc = store_outbox_sending(g->o->store, g->m.id, accepted, n, e);
	free(accepted);
	return rc;
}

static void
take_waiting(struct going *g)
{
	g->rcpts = xcalloc(g->m.n_rcpts, sizeof *g->rcpts);
	g->at = xcalloc(g->m.n_rcpts, sizeof *g->at);
	for (size_t i = 0; i < g->m.n_rcpts; i++) {
		if (g->m.rcpts[i].state != RCPT_WAITING)
			continue;
		g->rcpts[g->n].addr = g->m.rcpts[i].addr;
		g->at[g->n++] = i;
	}
}

/* "bob@example.net: there is no such mailbox: 550 5.1.1 no such user" */
static const char *
with_meaning(struct arena *a, const struct outbox_rcpt *r)
{
	const char *meaning = mail_status(r->words);

	return arena_printf(a, "%s: %s%s%s", r->addr, meaning ? meaning : "",
		meaning ? ": " : "", r->words);
}

/* Why it is not sent, for people: the first recipient that was refused, else the first that
 * waits. */
static const char *
why_not(const struct going *g, const struct outbox_report *r, enum outbox_rcpt_state state)
{
	for (size_t i = 0; i < g->m.n_rcpts; i++) {
		const struct outbox_rcpt *m = &g->m.rcpts[i];
		if (m->state == state && *m->words)
			return with_meaning((struct arena *)&g->arena, m);
	}
	return r->why.text;
}

static void
sum_up(struct going *g, struct outbox_report *r)
{
	for (size_t i = 0; i < g->m.n_rcpts; i++) {
		r->n_sent += g->m.rcpts[i].state == RCPT_SENT;
		r->n_refused += g->m.rcpts[i].state == RCPT_REFUSED;
	}
	if (r->state == OUTBOX_UNSURE)
		error_set(&r->why, ERR_MSG, "'%.100s' may have been sent, or not: %s",
			g->m.subject, why_not(g, r, RCPT_UNSURE));
	else if (r->n_refused > 0)
		error_set(&r->why, ERR_MSG, "'%.100s' was not taken for %zu of %zu: %s",
			g->m.subject, r->n_refused, g->m.n_rcpts, why_not(g, r, RCPT_REFUSED));
	else if (r->state == OUTBOX_QUEUED)
		error_set(&r->why, ERR_CONN, "'%.100s' waits: %s", g->m.subject,
			why_not(g, r, RCPT_WAITING));
}

/* `sent` is what the sender returned. */
static enum err
record(struct going *g, enum err sent, struct outbox_report *r, struct error *e)
{
	static const enum outbox_rcpt_state states[] = { [SEND_WAITING] = RCPT_WAITING,
		[SEND_ACCEPTED] = RCPT_WAITING, [SEND_DONE] = RCPT_SENT,
		[SEND_UNSURE] = RCPT_UNSURE, [SEND_REFUSED] = RCPT_REFUSED };
	bool is_progress = false, is_tried = sent != ERR_CANCELLED && sent != ERR_AUTH &&
		sent != ERR_TLS;
	int64_t retry_at = time(NULL) + retry_in_s(g->m.n_tries);
	struct error own;

	for (size_t i = 0; i < g->n; i++) {
		struct outbox_rcpt *m = &g->m.rcpts[g->at[i]];
		m->state = states[g->rcpts[i].verdict];
		if (*g->rcpts[i].words)
			m->words = g->rcpts[i].words;
		is_progress = is_progress || m->state == RCPT_SENT;
	}
	if (is_progress || !is_tried)
		retry_at = 0;
	r->why.text[0] = '\0';
	if (sent != ERR_OK)
		r->why = *e;
	enum err rc = store_outbox_result(g->o->store, g->m.id, g->m.rcpts, g->m.n_rcpts,
		retry_at, r->why.text, &r->state, &own);
	/* it stays in SENDING, and will be UNSURE; or QUEUED */
	if (rc != ERR_OK) {
		*e = own;
		return rc;
	}
	sum_up(g, r);
	return sent;
}

static enum err
connect_sender(struct outbox *o, struct error *e)
{
	struct sender_login login = { .user = o->conf->send.user };
	char *password = NULL;
	enum err rc = ERR_OK;

	if (o->sender)
		return ERR_OK;
	if (login.user && *login.user)
		rc = account_send_password(&password, o->conf, o->cancel, e);
	if (rc == ERR_AUTH && o->typed && str_eq(login.user, o->conf->receive.user)) {
		password = xstrdup(o->typed);
		rc = ERR_OK;
	}
	if (rc != ERR_OK)
		return rc;
	login.password = password;
	o->sender = account_sender(o->rc, o->conf, o->cancel);
	rc = o->sender->ops->connect(o->sender, &login, e);
	secret_free(password);
	if (rc != ERR_OK)
		outbox_hang_up(o, 0);
	return rc;
}

enum err
outbox_send(struct outbox *o, outbox_id id, struct outbox_report *r, struct error *e)
{
	struct going g = { .o = o };
	size_t len;
	char *bytes = NULL;
	enum err rc;

	*r = (struct outbox_report){ .id = id, .state = OUTBOX_QUEUED };
	if (!store_outbox_get(o->store, id, &g.arena, &g.m) ||
	    !(bytes = store_outbox_bytes(o->store, id, &len))) {
		rc = error_set(e, ERR_LOCAL, "the message is not in the outbox any more");
		goto out;
	}
	take_waiting(&g);
	if ((rc = outbox_freshen_date(o->store, &g.m, &bytes, &len, e)) == ERR_OK &&
	    (rc = connect_sender(o, e)) == ERR_OK) {
		struct send_mail mail = { .from = g.m.sender, .rcpts = g.rcpts, .n_rcpts = g.n,
			.bytes = bytes,
			.len = len, .id = g.m.message_id, .needs_utf8 = g.m.needs_utf8,
			.needs_8bit = g.m.needs_8bit, .before_end = before_end, .ctx = &g };
		rc = o->sender->ops->send(o->sender, &mail, e);
	}
	if (rc != ERR_OK)
		outbox_hang_up(o, 0);
	rc = record(&g, rc, r, e);
out:
	free(bytes);
	free(g.rcpts);
	free(g.at);
	arena_clear(&g.arena);
	return rc;
}

void
outbox_hang_up(struct outbox *o, int ms)
{
	if (o->sender)
		o->sender->ops->close(o->sender, ms);
	o->sender = NULL;
}

/* ---- all that is due ---- */

static void
report_found_unsure(struct outbox *o, uint32_t n)
{
	struct outbox_report r = { .state = OUTBOX_UNSURE };

	error_set(&r.why, ERR_MSG, "%u mail%s: interrupted while being sent; sent or not,"
		" only the receiver can tell", n, n == 1 ? "" : "s");
	if (n > 0 && o->report)
		o->report(o->ctx, &r);
}

/* A clock that was wrong when it was named makes a time that nobody meant. */
static enum err
mind_clock(struct outbox *o, struct error *e)
{
	struct outbox_report r = { .state = OUTBOX_QUEUED };
	uint32_t n;
	enum err rc = store_outbox_clock(o->store, o->account, time(NULL), &n, e);

	error_set(&r.why, ERR_MSG,
		"the clock was set back: %u mail%s to go out later %s held, say anew when "
		"(go shows %s)", n, n == 1 ? "" : "s", n == 1 ? "is" : "are",
		n == 1 ? "it" : "them");
	if (n > 0 && o->report)
		o->report(o->ctx, &r);
	return rc;
}

enum err
outbox_drain(struct outbox *o, int64_t *due, struct error *e)
{
	struct outbox_lock *lock;
	struct outbox_report r;
	enum err rc = mind_clock(o, e);
	outbox_id id;
	uint32_t n_unsure = 0;

	*due = 0;
	while (rc == ERR_OK && !cancel_fired(o->cancel) && !atomic_load(&o->is_stopping) &&
	    (id = store_outbox_next(o->store, o->account, time(NULL), &lock, due,
	    &n_unsure))) {
		report_found_unsure(o, n_unsure);
		n_unsure = 0;
		rc = outbox_send(o, id, &r, e);
		store_outbox_unlock(lock);
		if (o->report && (rc == ERR_OK || r.state == OUTBOX_UNSURE))
			o->report(o->ctx, &r);
	}
	if (rc == ERR_OK && !cancel_fired(o->cancel))
		report_found_unsure(o, n_unsure);
	outbox_hang_up(o, rc == ERR_OK ? 1000 : 0);
	return rc;
}

/* ---- the copy in Sent ---- */

static struct uploads
uploads_of(struct store *s, const struct rc_account *a, account_id account, struct backend *b)
{
	return (struct uploads){ s, a, account, b };
}

char *
outbox_sent_folder(struct store *s, const struct rc_account *a, account_id account,
	struct backend *b)
{
	struct uploads x = uploads_of(s, a, account, b);

	return uploads_role_folder(&x, ROLE_SENT);
}

/* In Sent once: one that was begun is looked for first. */
static enum err
store_copy(const struct uploads *x, const struct outbox_mail *m, const char *wire,
	bool was_running, const char *bytes, size_t len, struct error *e)
{
	struct byte_source src = byte_source_memory(bytes, len);
	uint32_t uidnext, uid = 0;
	enum err rc = uploads_find_folder(x, wire, &uidnext, e);

	if (rc == ERR_OK && was_running)
		rc = uploads_look(x, wire, m->message_id, 1, &uid, e);
	if (rc != ERR_OK || uid)
		return rc;
	rc = store_outbox_copy(x->store, m->id, COPY_RUNNING, 0, e);
	return rc == ERR_OK
		? x->b->ops->append(x->b, wire, &src, MSG_SEEN, m->created, &uid, e) : rc;
}

enum err
outbox_copy_one(struct store *s, const struct rc_account *a, account_id account,
	struct backend *b, bool *did, char **where, struct error *refusal, struct error *e)
{
	struct outbox_lock *lock;
	struct outbox_mail m;
	struct arena arena = {0};
	bool was_running;
	char *bytes = NULL, *wire = NULL;
	size_t len;
	enum err rc = ERR_OK;
	outbox_id id = store_outbox_copy_next(s, account, time(NULL), &lock, &was_running);

	*where = NULL;
	*refusal = (struct error){0};
	if (!(*did = id != 0))
		return ERR_OK;
	wire = outbox_sent_folder(s, a, account, b);
	if (store_outbox_get(s, id, &arena, &m))
		bytes = store_outbox_bytes(s, id, &len);
	struct uploads x = uploads_of(s, a, account, b);
	if (bytes)
		rc = store_copy(&x, &m, wire, was_running, bytes, len, e);
	if (rc == ERR_OK) {
		rc = store_outbox_copy(s, id, COPY_DONE, 0, e);
		*where = wire;
		wire = NULL;
	} else if (!is_link_error(rc)) {
		error_set(refusal, ERR_FOLDER, "cannot copy '%.100s' to %s: %s", m.subject,
			wire, e->text);
		rc = store_outbox_copy(s, id, COPY_WAITING, time(NULL) + COPY_RETRY_S, e);
	}
	store_outbox_unlock(lock);
	arena_clear(&arena);
	free(bytes);
	free(wire);
	return rc;
}
