/* outboxer.c - see outboxer.h.
 *
 * Sleeps until the next message is due, or somebody wakes it; a minute at a time, by a clock
 * that nobody can set, so that a wall clock set back does not make it sleep for years, nor a
 * computer that slept. A server that cannot be reached is tried again after pauses that double
 * from 30 s to 15 min; a login or certificate that was refused, only when woken. */
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "outboxer.h"
#include "store_outbox.h"
#include "str.h"

enum { FIRST_PAUSE_S = 30, MAX_PAUSE_S = 15 * 60, CHECK_S = 5 * 60, SLICE_S = 60,
	FORGET_S = 86400 };

struct outboxer {
	struct side_config cfg;
	struct outbox box;
	int pause_s;			/* the thread's own: of a server out
					 * of reach; 0: none */
	int64_t forgot_at;
	struct side side;		/* whose lock is for all below */
	bool is_woken, is_busy, is_cut_off;
	bool is_looking;		/* woken, but not to try again what failed */
	char *typed;
};

static void
tell(void *ctx, const struct outbox_report *r)
{
	struct outboxer *x = ctx;
	struct event ev = { .kind = EV_OUTBOX, .account = x->cfg.account };

	ev.u.outbox.id = r->id;
	ev.u.outbox.state = r->state;
	ev.u.outbox.n_sent = (uint32_t)r->n_sent;
	ev.u.outbox.n_refused = (uint32_t)r->n_refused;
	events_post(x->cfg.events, &ev);
	if (r->why.code == ERR_MSG) {
		ev = (struct event){ .kind = EV_NOTICE, .account = x->cfg.account };
		ev.u.notice = r->why;
		events_post(x->cfg.events, &ev);
	}
	if (r->n_sent > 0 || r->state == OUTBOX_UNSURE)
		jobs_wake(x->cfg.jobs);		/* a copy to make, or a look into Sent */
}

static void
complain(struct outboxer *x, const struct error *e)
{
	struct event ev = { .kind = EV_NOTICE, .account = x->cfg.account };

	log_msg("%s: sending: %s", x->cfg.conf->name, e->text);
	if (e->code == ERR_CANCELLED)
		return;
	error_set(&ev.u.notice, e->code, "cannot send: %s", e->text);
	events_post(x->cfg.events, &ev);
}

/* When to look again, in seconds since 1970; 0: when woken. */
static int64_t
turn(struct outboxer *x)
{
	struct error e = {0};
	int64_t due, now = time(NULL);
	enum err rc = outbox_drain(&x->box, &due, &e);

	if (rc == ERR_OK) {
		x->pause_s = 0;
		/* another process may have put something in */
		return due ? due : now + CHECK_S;
	}
	e.code = rc;
	complain(x, &e);
	if (rc != ERR_CONN)
		return 0;
	x->pause_s = x->pause_s ? x->pause_s * 2 : FIRST_PAUSE_S;
	if (x->pause_s > MAX_PAUSE_S)
		x->pause_s = MAX_PAUSE_S;
	return now + x->pause_s;
}

/* The lock is held. */
static void
sleep_until(struct outboxer *x, int64_t when)
{
	int64_t now = time(NULL), before = now;

	while (!x->is_woken && !x->is_looking && !x->side.is_quitting &&
	    (when == 0 || now < when) && now >= before) {
		int64_t s = when && when - now < SLICE_S ? when - now : SLICE_S;
		side_wait(&x->side, s * 1000);
		before = now;
		now = time(NULL);
	}
}

/* Daily. What it cannot do now it does tomorrow. */
static void
forget(struct outboxer *x)
{
	struct error e;
	int64_t now = time(NULL);

	if (x->forgot_at && now >= x->forgot_at && now - x->forgot_at < FORGET_S)
		return;
	x->forgot_at = now;
	if (outbox_forget(x->box.store, x->cfg.data_dir, &e) != ERR_OK)
		log_msg("%s: sending: %s", x->cfg.conf->name, e.text);
}

static void *
outboxer_main(void *arg)
{
	struct outboxer *x = arg;
	struct event ev = { .kind = EV_OUTBOX, .account = x->cfg.account };

	pthread_mutex_lock(&x->side.lock);
	while (!x->side.is_quitting) {
		bool was_woken = x->is_woken;
		x->is_woken = x->is_looking = false;
		x->is_busy = true;
		if (x->typed) {
			secret_free(x->box.typed);
			x->box.typed = x->typed;
			x->typed = NULL;
		}
		pthread_mutex_unlock(&x->side.lock);
		if (was_woken)
			store_outbox_hurry(x->box.store, x->cfg.account, NULL);
		int64_t when = turn(x);
		forget(x);
		pthread_mutex_lock(&x->side.lock);
		x->is_busy = false;
		x->is_cut_off = x->pause_s > 0;
		events_post(x->cfg.events, &ev);	/* the turn is over */
		sleep_until(x, when);
	}
	pthread_mutex_unlock(&x->side.lock);
	return NULL;
}

enum err
outboxer_new(struct outboxer **out, const struct side_config *cfg, struct error *e)
{
	struct outboxer *x = xcalloc(1, sizeof *x);

	x->cfg = *cfg;
	x->is_woken = true;
	enum err rc = side_init(&x->side, cfg, e);
	x->box.store = x->side.store;
	x->box.rc = cfg->rc;
	x->box.conf = cfg->conf;
	x->box.account = cfg->account;
	x->box.cancel = &x->side.cancel;
	x->box.ctx = x;
	x->box.report = tell;
	if (rc != ERR_OK) {
		outboxer_free(x, 0);
		x = NULL;
	}
	*out = x;
	return rc;
}

enum err
outboxer_start(struct outboxer *x, struct error *e)
{
	return side_start(&x->side, outboxer_main, x, e);
}

void
outboxer_quit(struct outboxer *x)
{
	atomic_store(&x->box.is_stopping, true);
	side_quit(&x->side);
}

void
outboxer_free(struct outboxer *x, int polite_ms)
{
	if (!x)
		return;
	outboxer_quit(x);
	side_join(&x->side, polite_ms);
	side_clear(&x->side);
	secret_free(x->typed);
	secret_free(x->box.typed);
	free(x);
}

void
outboxer_wake(struct outboxer *x)
{
	pthread_mutex_lock(&x->side.lock);
	x->is_woken = true;
	pthread_cond_signal(&x->side.changed);
	pthread_mutex_unlock(&x->side.lock);
}

void
outboxer_look(struct outboxer *x)
{
	pthread_mutex_lock(&x->side.lock);
	if (!x->is_cut_off && !x->is_busy) {
		x->is_looking = true;
		pthread_cond_signal(&x->side.changed);
	}
	pthread_mutex_unlock(&x->side.lock);
}

void
outboxer_online(struct outboxer *x)
{
	pthread_mutex_lock(&x->side.lock);
	bool is_cut_off = x->is_cut_off;
	pthread_mutex_unlock(&x->side.lock);
	if (is_cut_off)
		outboxer_wake(x);
}

bool
outboxer_is_busy(struct outboxer *x)
{
	pthread_mutex_lock(&x->side.lock);
	bool is = x->is_busy || x->is_woken;
	pthread_mutex_unlock(&x->side.lock);
	return is;
}

void
outboxer_password(struct outboxer *x, const char *password)
{
	pthread_mutex_lock(&x->side.lock);
	secret_free(x->typed);
	x->typed = xstrdup(password);
	x->is_woken = true;
	pthread_cond_signal(&x->side.changed);
	pthread_mutex_unlock(&x->side.lock);
}
