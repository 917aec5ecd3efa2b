/* queue.c - see queue.h. Every field is behind its queue's lock; the eventfd is written and
 * read under it too, so that "readable" and "not empty" are never at odds. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "queue.h"
#include "str.h"

enum { MAX_NOTICES = 50 };

bool
thread_join_within(pthread_t thread, int64_t ms)
{
	for (int64_t until = now_ms() + ms;;) {
		if (pthread_tryjoin_np(thread, NULL) == 0)
			return true;
		if (now_ms() >= until)
			return false;
		poll(NULL, 0, 2);
	}
}

static void
raise_fd(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static void
lower_fd(int fd)
{
	uint64_t n;

	while (read(fd, &n, sizeof n) < 0 && errno == EINTR)
		;
}

static enum err
open_fd(int *fd, struct error *e)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? error_errno(e, ERR_LOCAL, "cannot make an eventfd") : ERR_OK;
}

/* ---- events ---- */

enum err
events_init(struct events *q, struct error *e)
{
	*q = (struct events){ .fd = -1 };
	pthread_mutex_init(&q->lock, NULL);
	return open_fd(&q->fd, e);
}

void
events_clear(struct events *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q->v);
	pthread_mutex_destroy(&q->lock);
	*q = (struct events){ .fd = -1 };
}

static struct event *
event_at(struct events *q, size_t i)
{
	return &q->v[(q->head + i) % q->cap];
}

/* Does `old`, not yet read, say the same thing or an earlier state of it? */
static bool
is_about_the_same(const struct event *old, const struct event *ev)
{
	if (old->kind != ev->kind || old->account != ev->account || old->job != ev->job)
		return false;
	switch (ev->kind) {
	case EV_FOLDERS:
	case EV_STATE:
	case EV_PASSWORD:
	case EV_STORE:
		return true;
	case EV_FOLDER:
		return old->u.folder.id == ev->u.folder.id;
	case EV_PROGRESS:
		return old->u.progress.folder == ev->u.progress.folder;
	case EV_BODY:
		return old->u.body.id == ev->u.body.id &&
		    strcmp(old->u.body.section, ev->u.body.section) == 0;
	case EV_OUTBOX:
		return old->u.outbox.id == ev->u.outbox.id;
	case EV_NOTICE:
		return strcmp(old->u.notice.text, ev->u.notice.text) == 0;
	case EV_DONE:
		return false;
	}
	return false;
}

static bool
merge(struct events *q, const struct event *ev)
{
	size_t n_notices = 0;

	for (size_t i = q->n; i-- > 0;) {
		struct event *old = event_at(q, i);
		bool is_notice = ev->kind == EV_NOTICE && old->kind == EV_NOTICE;

		if (is_about_the_same(old, ev) || (is_notice && ++n_notices >= MAX_NOTICES)) {
			uint32_t n_new = ev->kind == EV_FOLDER ? old->u.folder.n_new : 0;
			*old = *ev;
			if (ev->kind == EV_FOLDER)
				old->u.folder.n_new += n_new;
			return true;
		}
	}
	return false;
}

static void
grow(struct events *q)
{
	size_t cap = q->cap ? q->cap * 2 : 64;
	struct event *v = xreallocarray(NULL, cap, sizeof *v);

	for (size_t i = 0; i < q->n; i++)
		v[i] = *event_at(q, i);
	free(q->v);
	q->v = v;
	q->head = 0;
	q->cap = cap;
}

void
events_post(struct events *q, const struct event *ev)
{
	pthread_mutex_lock(&q->lock);
	if (!merge(q, ev)) {
		if (q->n == q->cap)
			grow(q);
		*event_at(q, q->n++) = *ev;
		if (q->n == 1)
			raise_fd(q->fd);
	}
	pthread_mutex_unlock(&q->lock);
}

bool
events_next(struct events *q, struct event *ev)
{
	pthread_mutex_lock(&q->lock);
	bool has = q->n > 0;
	if (has) {
		*ev = *event_at(q, 0);
		q->head = (q->head + 1) % q->cap;
		if (--q->n == 0)
			lower_fd(q->fd);
	}
	pthread_mutex_unlock(&q->lock);
	return has;
}

/* ---- jobs ---- */

enum err
jobs_init(struct jobs *q, struct cancel *cancel, struct error *e)
{
	*q = (struct jobs){ .wake = -1, .cancel = cancel };
	pthread_mutex_init(&q->lock, NULL);
	return open_fd(&q->wake, e);
}

void
orders_clear(struct orders *o)
{
	secret_free(o->password);
	free(o->cancelled);
	*o = (struct orders){0};
}

void
jobs_clear(struct jobs *q)
{
	if (q->wake >= 0)
		close(q->wake);
	free(q->v);
	orders_clear(&q->orders);
	pthread_mutex_destroy(&q->lock);
	*q = (struct jobs){ .wake = -1 };
}

static void
push(struct jobs *q, size_t at, const struct queued *j)
{
	q->v = array_grow(q->v, q->n, &q->cap, sizeof *q->v);
	memmove(q->v + at + 1, q->v + at, (q->n - at) * sizeof *q->v);
	q->v[at] = *j;
	q->n++;
	raise_fd(q->wake);
}

static void
pull(struct jobs *q, size_t at)
{
	memmove(q->v + at, q->v + at + 1, (q->n - at - 1) * sizeof *q->v);
	q->n--;
}

void
jobs_submit(struct jobs *q, job_id id, const struct job *job)
{
	struct queued j = { .id = id, .job = *job };

	pthread_mutex_lock(&q->lock);
	push(q, q->n, &j);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_put_back(struct jobs *q, const struct queued *j)
{
	pthread_mutex_lock(&q->lock);
	push(q, 0, j);
	pthread_mutex_unlock(&q->lock);
}

bool
jobs_cancel(struct jobs *q, job_id id)
{
	struct orders *o = &q->orders;
	bool was_queued = false;

	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < q->n && !was_queued; i++) {
		was_queued = q->v[i].id == id;
		if (was_queued)
			pull(q, i);
	}
	if (!was_queued && q->running == id) {
		cancel_fire(q->cancel);
	} else if (!was_queued) {
		o->cancelled = array_grow(o->cancelled, o->n_cancelled, &o->cap_cancelled,
			sizeof *o->cancelled);
		o->cancelled[o->n_cancelled++] = id;
		raise_fd(q->wake);
	}
	pthread_mutex_unlock(&q->lock);
	return was_queued;
}

void
jobs_acted(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	q->orders.last_act_ms = now_ms();
	if (!q->orders.first_act_ms)
		q->orders.first_act_ms = q->orders.last_act_ms;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_drafts(struct jobs *q, bool now)
{
	pthread_mutex_lock(&q->lock);
	q->orders.has_drafts = true;
	q->orders.are_drafts_due = q->orders.are_drafts_due || now;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_reconnect(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	q->orders.is_reconnect = true;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_stop_download(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	q->orders.is_stopping = true;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_wake(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_password(struct jobs *q, const char *password)
{
	pthread_mutex_lock(&q->lock);
	secret_free(q->orders.password);
	q->orders.password = xstrdup(password);
	q->orders.has_password = true;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_clock(struct jobs *q, bool has_slept)
{
	pthread_mutex_lock(&q->lock);
	q->orders.has_slept = q->orders.has_slept || has_slept;
	q->orders.is_clock_set = true;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_neighbour(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	q->orders.has_neighbour = true;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_poke(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_quit(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	q->orders.is_quitting = true;
	raise_fd(q->wake);
	pthread_mutex_unlock(&q->lock);
}

void
jobs_orders(struct jobs *q, struct orders *out)
{
	orders_clear(out);
	pthread_mutex_lock(&q->lock);
	lower_fd(q->wake);
	*out = q->orders;
	q->orders = (struct orders){ .is_quitting = out->is_quitting };
	pthread_mutex_unlock(&q->lock);
}

bool
jobs_quitting(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	bool is = q->orders.is_quitting;
	pthread_mutex_unlock(&q->lock);
	return is;
}

bool
jobs_want_link(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	bool is = q->orders.is_reconnect || q->orders.has_password;
	pthread_mutex_unlock(&q->lock);
	return is;
}

size_t
jobs_count(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	size_t n = q->n;
	pthread_mutex_unlock(&q->lock);
	return n;
}

/* A body that somebody looks at an empty pager for, a list somebody just opened, the rest. */
static int
urgency(const struct job *job)
{
	return job->kind == JOB_FETCH ? 0 : job->kind == JOB_FOCUS ? 1 : 2;
}

bool
jobs_take(struct jobs *q, struct queued *out)
{
	pthread_mutex_lock(&q->lock);
	size_t best = 0;
	for (size_t i = 1; i < q->n; i++) {
		if (urgency(&q->v[i].job) < urgency(&q->v[best].job))
			best = i;
	}
	bool has = q->n > 0;
	if (has) {
		*out = q->v[best];
		q->running = out->id;
		pull(q, best);
	}
	pthread_mutex_unlock(&q->lock);
	return has;
}

bool
jobs_superseded(struct jobs *q, const struct queued *j)
{
	bool is = false;

	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < q->n && j->job.kind == JOB_FOCUS; i++)
		is = is || q->v[i].job.kind == JOB_FOCUS;
	pthread_mutex_unlock(&q->lock);
	return is;
}

void
jobs_ran(struct jobs *q)
{
	pthread_mutex_lock(&q->lock);
	q->running = 0;
	if (!q->orders.is_quitting)
		cancel_reset(q->cancel);
	pthread_mutex_unlock(&q->lock);
}
