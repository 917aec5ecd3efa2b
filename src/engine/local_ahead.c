/* local_ahead.c - see local_ahead.h. */
#include <signal.h>
#include <stdlib.h>

#include "local_ahead.h"
#include "str.h"

enum { LEAST = 100, MOST = 2000, MOST_BYTES = 4 << 20 };

/* Beyond so many bytes they are left to be read when they are asked for. */
static void
keep(void *ctx, const struct msg *m)
{
	struct ahead *a = ctx;

	if (a->arena.used_bytes >= MOST_BYTES)
		return;
	a->made[a->n_made] = *m;
	msg_keep_strings(&a->made[a->n_made++], &a->arena);
}

static void *
run(void *arg)
{
	struct ahead *a = arg;
	struct folder_sink sink = { .ctx = a, .msg = keep };
	struct error e;

	/* What fails is asked for again, and fails where somebody hears of it. */
	local_tell_wanted(a->path, a->v, a->n_wanted, &sink, a->cancel, &e);
	return NULL;
}

static void
wait_for(struct ahead *a)
{
	if (a->is_running)
		pthread_join(a->thread, NULL);
	a->is_running = false;
}

static void
forget(struct ahead *a)
{
	free(a->path);
	free(a->v);
	free(a->made);
	arena_clear(&a->arena);
	a->path = NULL;
	a->v = NULL;
	a->made = NULL;
	a->n_wanted = a->n_made = 0;
}

void
ahead_stop(struct ahead *a)
{
	wait_for(a);
	forget(a);
	a->lowest = 0;
}

void
ahead_tell(struct ahead *a, const struct map *m, struct uidset *uids,
	const struct folder_sink *sink)
{
	struct uidset told = {0};

	wait_for(a);
	if (a->generation == m->generation) {
		for (size_t i = 0; i < a->n_made; i++) {
			uint32_t uid = msg_uid(a->made[i].id);
			if (!uidset_has(uids, uid))
				continue;
			sink->msg(sink->ctx, &a->made[i]);
			uidset_add(&told, uid);
		}
		uidset_subtract(uids, &told);
	}
	forget(a);
	uidset_clear(&told);
}

/* The signals of the program are for its other threads. */
static void
start(struct ahead *a)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	a->is_running = pthread_create(&a->thread, NULL, run, a) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
ahead_begin(struct ahead *a, const struct map *m, const struct uidset *told)
{
	const struct map_entry *lo = map_find(m, uidset_min(told)),
		*hi = map_find(m, uidset_max(told));
	bool is_next = lo && hi && hi + 1 < m->v + m->n && hi[1].uid == a->lowest;
	size_t n = lo && hi ? (size_t)(hi - lo) + 1 : 0, n_left = lo ? (size_t)(lo - m->v) : 0;

	a->lowest = lo ? lo->uid : 0;
	if (!is_next || n < LEAST)
		return;
	n = n < MOST ? n : MOST;
	n = n < n_left ? n : n_left;
	a->v = xcalloc(n + 1, sizeof *a->v);
	a->made = xcalloc(n + 1, sizeof *a->made);
	for (size_t i = 0; i < n; i++)
		a->v[i] = local_wanted(m, lo - n + i);
	a->n_wanted = n;
	a->path = xstrdup(m->path);
	a->cancel = m->maps->cancel;
	a->generation = m->generation;
	start(a);
}
