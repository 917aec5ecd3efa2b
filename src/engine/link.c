/* link.c - a worker's connection: passwords, attempts, waiting between them.
 *
 * States: OFFLINE (will try again by itself), CONNECTING, SYNCING, ONLINE, NEEDS_PERSON
 * (will not: a refused login, a certificate that does not verify, a protocol there is no
 * backend for). The first break of a connection is mended at once and without a word; from
 * then on the pauses double from 1 s to 5 min, until a connection has held for half a
 * minute. A password that was refused is forgotten and asked for, three times at most, and
 * never tried twice by itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "account.h"
#include "log.h"
#include "str.h"
#include "worker.h"

enum {
	STEADY_MS = 30 * 1000,		/* a connection that held so long was a good one */
	MAX_PAUSE_MS = 5 * 60 * 1000,
	MIN_RETRY_MS = 1000,		/* between attempts that jobs bring about */
	MAX_REFUSED = 3,
	GOODBYE_MS = 500
};

bool
link_is_lost(enum err rc)
{
	return rc == ERR_CONN || rc == ERR_TLS || rc == ERR_CANCELLED || rc == ERR_AUTH;
}

void
link_set(struct worker *w, enum link_state state, const struct error *why)
{
	struct event ev = { .kind = EV_STATE, .account = w->account };

	if (state == w->link.state && state != LINK_OFFLINE && state != LINK_NEEDS_PERSON)
		return;
	w->link.state = state;
	w->link.why = why ? *why : (struct error){0};
	if (w->drain && state != LINK_OFFLINE && state != LINK_NEEDS_PERSON)
		/* files are always there; the drain tells of the server */
		return;
	ev.u.state.link = state;
	ev.u.state.why = w->link.why;
	if (state == LINK_OFFLINE && w->link.retry_ms > now_ms())
		ev.u.state.retry_at = time(NULL) + (w->link.retry_ms - now_ms() + 999) / 1000;
	events_post(w->events, &ev);
	log_msg("%s: link state %d%s%s", w->conf->name, state, why ? ": " : "",
		why ? why->text : "");
}

/* Doubles, with a quarter more or less so that many clients do not come back at one moment. */
static int64_t
pause_ms(int n_failures)
{
	int64_t ms = n_failures > 9 ? MAX_PAUSE_MS : 1000LL << (n_failures - 1);
	uint16_t r = 0;

	if (ms > MAX_PAUSE_MS)
		ms = MAX_PAUSE_MS;
	if (getrandom(&r, sizeof r, GRND_NONBLOCK) < 0)
		r = (uint16_t)now_ms();
	return ms * 3 / 4 + ms / 2 * r / UINT16_MAX;
}

void
link_close(struct worker *w, int ms)
{
	mirror_forget(w);
	if (w->b)
		w->b->ops->close(w->b, ms);
	w->b = NULL;
}

void
link_lost(struct worker *w, const struct error *why)
{
	struct link *l = &w->link;
	int64_t now = now_ms();
	bool held = w->b && now - l->up_ms >= STEADY_MS;

	link_close(w, 0);
	w->lost_ms = now;
	w->settle.id = 0;
	if (why->code == ERR_CANCELLED) {
		l->is_quiet = true;
		l->retry_ms = now;
		return;
	}
	if (why->code == ERR_TLS || why->code == ERR_AUTH) {
		link_set(w, LINK_NEEDS_PERSON, why);
		return;
	}
	if (held)
		l->n_failures = 0;
	l->is_quiet = l->n_failures++ == 0;
	l->retry_ms = l->is_quiet ? now : now + pause_ms(l->n_failures - 1);
	log_msg("%s: connection lost: %s", w->conf->name, why->text);
	if (!l->is_quiet)
		link_set(w, LINK_OFFLINE, why);
}

/* ---- connecting ---- */

static void
ask_password(struct worker *w, const struct error *why)
{
	struct event ev = { .kind = EV_PASSWORD, .account = w->account };

	link_set(w, LINK_NEEDS_PERSON, why);
	w->link.is_asking = true;
	events_post(w->events, &ev);
}

static void
forget_password(struct link *l)
{
	secret_free(l->password);
	l->password = NULL;
}

static enum err
find_password(struct worker *w, struct error *e)
{
	w->link.is_stale = w->link.password != NULL;
	if (w->link.password || w->drain || !account_needs_password(w->conf))
		return ERR_OK;
	return account_password(&w->link.password, w->conf, &w->cancel, e);
}

static void
remember_caps(struct worker *w)
{
	char name[64], text[16];
	struct error e;

	if (atomic_exchange(&w->caps, w->b->caps) == w->b->caps)
		return;
	snprintf(name, sizeof name, "caps.%u", w->account);
	snprintf(text, sizeof text, "%u", w->b->caps);
	if (store_value_put(w->store, name, text, &e) != ERR_OK)
		log_msg("%s: %s", w->conf->name, e.text);
}

static enum err
attempt(struct worker *w, struct error *e)
{
	struct link *l = &w->link;
	enum err rc = find_password(w, e);

	if (rc != ERR_OK)
		return rc;
	w->b = w->maker.make(w->maker.ctx, w->rc, w->conf, &w->cancel, e);
	if (!w->b)
		return e->code;
	struct backend_login login = {
		.user = w->conf->receive.user ? w->conf->receive.user : "",
		.password = l->password ? l->password : "",
	};
	rc = w->b->ops->connect(w->b, &login, e);
	if (rc == ERR_OK) {
		l->up_ms = now_ms();
		w->drafts.next_ms = 0;
		l->n_refused = 0;
		remember_caps(w);
	} else {
		link_close(w, 0);
	}
	return rc;
}

enum err
link_reopen(struct worker *w, struct error *e)
{
	link_close(w, GOODBYE_MS);
	enum err rc = attempt(w, e);
	/* Whatever it was, this connection did not come about: the next attempt tells more. */
	return rc == ERR_OK || rc == ERR_CANCELLED ? rc : ERR_CONN;
}

static void
refused(struct worker *w, const struct error *e)
{
	struct link *l = &w->link;

	forget_password(l);
	if (l->is_stale && w->conf->password_command) {	/* a token that has run out */
		l->retry_ms = now_ms();
		return;
	}
	if (++l->n_refused < MAX_REFUSED) {
		ask_password(w, e);
		return;
	}
	link_set(w, LINK_NEEDS_PERSON, e);
	worker_fail_jobs(w, e);
}

static void
failed(struct worker *w, enum err rc, const struct error *e)
{
	struct link *l = &w->link;

	if (rc == ERR_CANCELLED)
		/* quitting, or somebody wants another attempt */
		return;
	if (rc == ERR_AUTH) {
		refused(w, e);
		return;
	}
	l->is_quiet = false;
	if (rc == ERR_CONN) {
		l->n_failures++;
		l->retry_ms = now_ms() + pause_ms(l->n_failures);
		link_set(w, LINK_OFFLINE, e);
	} else {	/* TLS, a protocol without backend, the password command */
		link_set(w, LINK_NEEDS_PERSON, e);
	}
	worker_fail_jobs(w, e);
}

static void
connect_now(struct worker *w)
{
	struct error e = {0};

	w->link.tried_ms = now_ms();
	if (!w->link.is_quiet)
		link_set(w, LINK_CONNECTING, NULL);
	enum err rc = attempt(w, &e);
	if (rc != ERR_OK) {
		e.code = rc;
		failed(w, rc, &e);
		return;
	}
	if (!w->link.is_quiet)
		link_set(w, LINK_SYNCING, NULL);
	if (w->outboxer)
		outboxer_online(w->outboxer);
	w->link.is_quiet = false;
}

static void
try_again(struct link *l)
{
	l->n_failures = 0;
	l->retry_ms = 0;
	l->is_asking = false;
	l->state = LINK_OFFLINE;
}

void
link_orders(struct worker *w)
{
	struct link *l = &w->link;
	struct orders *o = &w->orders;

	if (w->drain && o->has_password) {
		drain_password(w->drain, o->password);
	} else if (o->has_password) {
		l->is_asking = false;
		forget_password(l);
		l->password = o->password;
		o->password = NULL;
		if (!l->password)
			worker_fail_jobs(w, &l->why);
		else if (!w->b)
			try_again(l);
	}
	if (o->is_reconnect && !w->b) {
		l->n_refused = 0;
		try_again(l);
	}
	if (o->is_reconnect && w->drain)
		drain_want(w->drain);
	o->has_password = o->is_reconnect = false;
}

/* After a sleep a connection is dead more often than not, and finding that out takes
 * as long as a server may be silent: it is made anew, without a word. A certificate
 * may verify by the new time. */
void
link_clock(struct worker *w, bool has_slept)
{
	static const struct error slept = { .code = ERR_CANCELLED };
	struct link *l = &w->link;

	if (!w->b && l->state == LINK_NEEDS_PERSON && l->why.code == ERR_TLS)
		try_again(l);
	if (!has_slept)
		return;
	if (w->b && !(w->b->caps & CAP_NEAR))
		link_lost(w, &slept);
	if (!w->b && l->state != LINK_NEEDS_PERSON) {
		l->n_failures = 0;
		l->retry_ms = 0;
	}
	if (w->drain)
		drain_awake(w->drain);
}

void
link_step(struct worker *w)
{
	struct link *l = &w->link;
	int64_t now = now_ms();
	bool has_jobs = jobs_count(&w->jobs) > 0;

	/* given before those jobs: they are not failed yet */
	if (jobs_want_link(&w->jobs))
		return;
	if (l->state == LINK_NEEDS_PERSON) {
		if (has_jobs && !l->is_asking)
			worker_fail_jobs(w, &l->why);
		worker_wait(w, INT64_MAX);
	} else if (now >= l->retry_ms || (has_jobs && now - l->tried_ms >= MIN_RETRY_MS)) {
		connect_now(w);
	} else {
		if (has_jobs)
			worker_fail_jobs(w, &l->why);
		worker_wait(w, l->retry_ms);
	}
}
