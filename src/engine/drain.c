/* drain.c - the thread that runs passes: when somebody wants one, and every check-every.
 *
 * It owns the account's link state (EV_STATE) and password, as link.c does for a mirror: a
 * refused login is asked about, three times at most; a lost connection is tried again after
 * pauses that double; a certificate that does not verify waits for the person. What passes
 * bring and how they end is kept behind the lock until the worker fetches it (drain_news). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "drain.h"
#include "log.h"
#include "path.h"
#include "str.h"

enum {
	RETRY_MS = 5 * 1000,		/* after the first failure */
	MAX_RETRY_MS = 5 * 60 * 1000,
	MAX_REFUSED = 3,
	SWAP_WAIT_MS = 10 * 1000,	/* for decisions about a header, before it is
					 * another message */
	MIN_SILENCE_MS = 10 * 1000	/* between passes that nobody asked for */
};

struct drain {
	struct side_config cfg;
	struct drain_pass pass;
	char *inbox, *spool_path;
	struct cancel hurry;
	atomic_bool stop;

	struct side side;		/* whose lock is for all below */
	uint64_t n_begun, n_wanted;	/* passes */
	bool is_open;			/* pass n_begun is under way, or waits for a
					 * password */
	bool is_joinable;		/* it has not yet looked at the server */
	bool is_asking, is_person_needed;
	char *password;
	bool is_password_stale;		/* it served before */
	struct error refusal;		/* why one is asked for */
	int n_refused, n_failures;
	int64_t due_ms;			/* the next pass by itself */
	struct drain_news news;
	struct swap *swap;		/* the pass waits for the worker to do it; NULL:
					 * none */
	/* the thread's own */
	bool is_asked_for;		/* the pass under way */
	struct error told;		/* the last notice */
};

/* An errand that waits for the worker, or is being done by it. */
struct swap {
	const struct errand *errand;
	int64_t since_ms;
	bool is_begun, is_over;
	enum err rc;
	struct error e;
};

/* ---- what is told ---- */

static void
tell_state(struct drain *d, enum link_state state, const struct error *why, int64_t retry_ms)
{
	struct event ev = { .kind = EV_STATE, .account = d->cfg.account };

	ev.u.state.link = state;
	if (why)
		ev.u.state.why = *why;
	if (state == LINK_OFFLINE && retry_ms > 0)
		ev.u.state.retry_at = time(NULL) + (retry_ms + 999) / 1000;
	events_post(d->cfg.events, &ev);
}

static void
on_listed(void *ctx)
{
	struct drain *d = ctx;

	pthread_mutex_lock(&d->side.lock);
	d->is_joinable = false;
	pthread_mutex_unlock(&d->side.lock);
	tell_state(d, LINK_SYNCING, NULL, 0);
}

static void
on_appended(void *ctx, uint32_t n)
{
	struct drain *d = ctx;

	pthread_mutex_lock(&d->side.lock);
	d->news.n_new += n;
	pthread_mutex_unlock(&d->side.lock);
	jobs_poke(d->cfg.jobs);
}

static void
on_progress(void *ctx, uint64_t done, uint64_t total, bool is_bytes)
{
	struct drain *d = ctx;
	struct event ev = { .kind = EV_PROGRESS, .account = d->cfg.account };

	ev.u.progress.done = done;
	ev.u.progress.total = total;
	ev.u.progress.is_bytes = is_bytes;
	ev.u.progress.n = (uint32_t)d->pass.n_done;
	ev.u.progress.n_total = (uint32_t)d->pass.n_todo;
	events_post(d->cfg.events, &ev);
}

/* The same of every check is told once, and whenever somebody asked. */
static void
on_notice(void *ctx, const struct error *e)
{
	struct drain *d = ctx;
	struct event ev = { .kind = EV_NOTICE, .account = d->cfg.account };
	bool is_news = d->is_asked_for || !str_eq(d->told.text, e->text);

	d->told = ev.u.notice = *e;
	if (is_news)
		events_post(d->cfg.events, &ev);
	log_msg("%s: notice: %s", d->cfg.conf->name, e->text);
}

/* ---- errands for the worker ---- */

static enum err
on_errand(void *ctx, const struct errand *errand, struct error *e)
{
	struct drain *d = ctx;
	struct swap s = { .errand = errand, .since_ms = now_ms() };

	pthread_mutex_lock(&d->side.lock);
	d->swap = &s;
	jobs_poke(d->cfg.jobs);
	while (!s.is_over && (s.is_begun || !d->side.is_quitting))
		pthread_cond_wait(&d->side.changed, &d->side.lock);
	d->swap = NULL;
	pthread_mutex_unlock(&d->side.lock);
	if (!s.is_over)
		return error_set(e, ERR_CANCELLED, "stopped");
	if (s.rc != ERR_OK)
		*e = s.e;
	return s.rc;
}

char *
drain_serve(struct drain *d, bool is_busy)
{
	const char *slash = strrchr(d->inbox, '/');
	size_t n_dir = slash ? (size_t)(slash + 1 - d->inbox) : 0;
	char *wire = NULL;

	pthread_mutex_lock(&d->side.lock);
	struct swap *s = d->swap && !d->swap->is_over ? d->swap : NULL;
	if (s && is_busy && now_ms() - s->since_ms < SWAP_WAIT_MS)
		s = NULL;
	if (s)
		s->is_begun = true;
	pthread_mutex_unlock(&d->side.lock);
	if (!s)
		return NULL;
	s->rc = s->errand->run(s->errand->arg, &s->e);
	if (s->rc == ERR_OK && s->errand->path)
		wire = xstrdup(s->errand->path + n_dir);
	pthread_mutex_lock(&d->side.lock);
	s->is_over = true;
	pthread_cond_signal(&d->side.changed);
	pthread_mutex_unlock(&d->side.lock);
	return wire;
}

/* ---- a pass ---- */

/* The password in a copy of ours: the person may answer at any time. */
static enum err
find_password(struct drain *d, char **out, struct error *e)
{
	pthread_mutex_lock(&d->side.lock);
	*out = d->password ? xstrdup(d->password) : NULL;
	d->is_password_stale = *out != NULL;
	pthread_mutex_unlock(&d->side.lock);
	return *out ? ERR_OK : account_password(out, d->cfg.conf, &d->side.cancel, e);
}

static void
keep_password(struct drain *d, enum err rc, const char *password)
{
	pthread_mutex_lock(&d->side.lock);
	if (rc == ERR_AUTH || !d->password) {
		secret_free(d->password);
		d->password = rc == ERR_AUTH ? NULL : xstrdup(password);
	}
	pthread_mutex_unlock(&d->side.lock);
}

static enum err
run_pass(struct drain *d, struct error *e)
{
	char *password = NULL;

	tell_state(d, LINK_CONNECTING, NULL, 0);
	enum err rc = find_password(d, &password, e);
	if (rc == ERR_OK) {
		rc = drain_pass_run(&d->pass, password, e);
		keep_password(d, rc, password);
	}
	secret_free(password);
	return rc;
}

static void
ask_password(struct drain *d, const struct error *why)
{
	struct event ev = { .kind = EV_PASSWORD, .account = d->cfg.account };

	tell_state(d, LINK_NEEDS_PERSON, why, 0);
	events_post(d->cfg.events, &ev);
}

static int64_t
retry_pause_ms(int n_failures)
{
	int64_t ms = n_failures > 8 ? MAX_RETRY_MS : (int64_t)RETRY_MS << (n_failures - 1);

	return ms < MAX_RETRY_MS ? ms : MAX_RETRY_MS;
}

static int64_t
check_every_ms(const struct drain *d)
{
	int64_t ms = (int64_t)d->cfg.conf->check_every_s * 1000;

	return ms > MIN_SILENCE_MS ? ms : MIN_SILENCE_MS;
}

/* What comes of the pass's end; with the lock held. False: it is not
 * over, the person is asked. */
static bool
judge(struct drain *d, enum err rc, const struct error *e)
{
	int64_t pause = check_every_ms(d);

	d->is_asking = rc == ERR_AUTH && ++d->n_refused < MAX_REFUSED;
	if (d->is_asking && d->is_password_stale && d->cfg.conf->password_command) {
		/* a token that has run out: ask the command at once */
		d->is_asking = false;
		d->due_ms = now_ms();
		return false;
	}
	d->is_person_needed = rc == ERR_AUTH || rc == ERR_TLS || rc == ERR_UNSUPPORTED;
	d->n_failures = rc == ERR_OK || rc == ERR_CANCELLED ? 0 : d->n_failures + 1;
	if (rc == ERR_OK)
		d->n_refused = 0;
	if (d->n_failures > 0 && retry_pause_ms(d->n_failures) < pause)
		pause = retry_pause_ms(d->n_failures);
	d->due_ms = d->is_person_needed ? INT64_MAX : now_ms() + pause;
	if (d->is_asking) {
		d->refusal = *e;
		ask_password(d, e);
	} else if (d->is_person_needed || rc == ERR_LOCAL) {
		tell_state(d, LINK_NEEDS_PERSON, e, 0);
	} else if (rc == ERR_OK || rc == ERR_CANCELLED) {
		tell_state(d, LINK_ONLINE, NULL, 0);
	} else {
		tell_state(d, LINK_OFFLINE, e, pause);
	}
	return !d->is_asking;
}

static void
end_pass(struct drain *d, const struct error *result)
{
	d->is_open = false;
	d->news.pass = d->n_begun;
	d->news.result = *result;
}

/* ---- the thread ---- */

static bool
is_due(const struct drain *d)
{
	return !d->is_asking && (d->n_wanted > d->n_begun || now_ms() >= d->due_ms);
}

static void
wait_for_work(struct drain *d)
{
	while (!d->side.is_quitting && !is_due(d)) {
		int64_t ms = d->is_asking || d->due_ms == INT64_MAX
			? 3600 * 1000 : d->due_ms - now_ms() + 1;
		side_wait(&d->side, ms);
	}
}

static void *
drain_main(void *arg)
{
	struct drain *d = arg;

	pthread_mutex_lock(&d->side.lock);
	for (;;) {
		wait_for_work(d);
		if (d->side.is_quitting)
			break;
		if (!d->is_open)
			d->n_begun++;
		d->is_open = d->is_joinable = true;
		d->is_asked_for = d->n_wanted >= d->n_begun;
		atomic_store(&d->stop, false);
		cancel_reset(&d->hurry);
		pthread_mutex_unlock(&d->side.lock);

		struct error e = {0};
		e.code = run_pass(d, &e);
		log_msg("%s: pass ends: %d %s", d->cfg.conf->name, e.code, e.text);

		pthread_mutex_lock(&d->side.lock);
		d->is_joinable = false;
		if (judge(d, e.code, &e))
			end_pass(d, &e);
		jobs_poke(d->cfg.jobs);
	}
	pthread_mutex_unlock(&d->side.lock);
	return NULL;
}

/* ---- life ---- */

static enum err
find_files(struct drain *d, struct error *e)
{
	char *dir = account_mbox_dir(d->cfg.conf, d->cfg.data_dir);
	char *name = path_safe_name(d->cfg.conf->name), *spools = path_join(d->cfg.data_dir,
		"pop3");
	char *file = xasprintf("%s.spool", name);
	enum err rc = path_mkdirs(dir, e);

	if (rc == ERR_OK)
		rc = path_mkdirs(spools, e);
	d->inbox = path_join(dir, "inbox");
	d->spool_path = path_join(spools, file);
	free(file);
	free(spools);
	free(name);
	free(dir);
	return rc;
}

enum err
drain_new(struct drain **out, const struct side_config *cfg, struct error *e)
{
	struct drain *d = xcalloc(1, sizeof *d);

	*out = NULL;
	d->cfg = *cfg;
	d->hurry.fd = -1;
	enum err rc = side_init(&d->side, cfg, e);
	if (rc == ERR_OK)
		rc = find_files(d, e);
	if (rc == ERR_OK)
		rc = cancel_init(&d->hurry, e);
	d->pass = (struct drain_pass){
		.cfg = &d->cfg, .store = d->side.store, .cancel = &d->side.cancel,
		.inbox = d->inbox, .spool_path = d->spool_path, .stop = &d->stop,
		.hurry = &d->hurry, .ctx = d, .listed = on_listed, .appended = on_appended,
		.progress = on_progress, .notice = on_notice, .errand = on_errand,
	};
	if (rc == ERR_OK) {
		*out = d;
		d = NULL;
	}
	drain_free(d, 0);
	return rc;
}

enum err
drain_recover(struct drain *d, const struct cancel *cancel, struct error *e)
{
	struct drain_pass pass = d->pass;

	pass.hurry = cancel;
	return drain_pass_recover(&pass, e);
}

enum err
drain_start(struct drain *d, struct error *e)
{
	return side_start(&d->side, drain_main, d, e);
}

void
drain_free(struct drain *d, int polite_ms)
{
	if (!d)
		return;
	side_quit(&d->side);
	drain_stop(d);
	side_join(&d->side, polite_ms);
	side_clear(&d->side);
	cancel_close(&d->hurry);
	secret_free(d->password);
	free(d->pass.bad);
	free(d->inbox);
	free(d->spool_path);
	free(d);
}

/* ---- for the worker ---- */

uint64_t
drain_want(struct drain *d)
{
	pthread_mutex_lock(&d->side.lock);
	bool is_same = d->is_joinable || (d->is_open && d->is_asking);
	uint64_t pass = is_same ? d->n_begun : d->n_begun + 1;
	if (d->n_wanted < pass)
		d->n_wanted = pass;
	pthread_cond_signal(&d->side.changed);
	pthread_mutex_unlock(&d->side.lock);
	return pass;
}

void
drain_awake(struct drain *d)
{
	pthread_mutex_lock(&d->side.lock);
	if (d->due_ms != INT64_MAX)
		d->due_ms = now_ms();
	pthread_cond_signal(&d->side.changed);
	pthread_mutex_unlock(&d->side.lock);
}

void
drain_stop(struct drain *d)
{
	atomic_store(&d->stop, true);
	cancel_fire(&d->hurry);
}

void
drain_unwant(struct drain *d)
{
	pthread_mutex_lock(&d->side.lock);
	if (d->n_wanted > d->n_begun)
		d->n_wanted = d->n_begun;
	pthread_mutex_unlock(&d->side.lock);
}

void
drain_password(struct drain *d, const char *password)
{
	pthread_mutex_lock(&d->side.lock);
	bool was_asking = d->is_asking;
	d->is_asking = false;
	if (password) {
		secret_free(d->password);
		d->password = xstrdup(password);
		d->due_ms = now_ms();
	} else if (was_asking) {
		end_pass(d, &d->refusal);
	}
	pthread_cond_signal(&d->side.changed);
	pthread_mutex_unlock(&d->side.lock);
	jobs_poke(d->cfg.jobs);
}

void
drain_news(struct drain *d, struct drain_news *out)
{
	pthread_mutex_lock(&d->side.lock);
	*out = d->news;
	d->news.n_new = 0;
	pthread_mutex_unlock(&d->side.lock);
}
