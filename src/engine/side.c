/* side.c - see side.h. */
#include <string.h>
#include <time.h>

#include "side.h"

enum err
side_init(struct side *t, const struct side_config *cfg, struct error *e)
{
	pthread_condattr_t attr;

	*t = (struct side){ .cancel.fd = -1 };
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &attr);
	pthread_condattr_destroy(&attr);
	enum err rc = cancel_init(&t->cancel, e);
	if (rc == ERR_OK)
		rc = store_open(&t->store, cfg->data_dir, cfg->cache_dir, STORE_WRITE, e);
	return rc;
}

enum err
side_start(struct side *t, void *(*run)(void *arg), void *arg, struct error *e)
{
	int failed = pthread_create(&t->thread, NULL, run, arg);

	if (failed)
		return error_set(e, ERR_LOCAL, "cannot start a thread: %s", strerror(failed));
	t->has_thread = true;
	return ERR_OK;
}

void
side_wait(struct side *t, int64_t ms)
{
	int64_t until_ms = now_ms() + ms;
	struct timespec until = { .tv_sec = until_ms / 1000,
		.tv_nsec = until_ms % 1000 * 1000000 };

	pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

void
side_quit(struct side *t)
{
	pthread_mutex_lock(&t->lock);
	t->is_quitting = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void
side_join(struct side *t, int polite_ms)
{
	if (!t->has_thread || thread_join_within(t->thread, polite_ms))
		return;
	cancel_fire(&t->cancel);
	pthread_join(t->thread, NULL);
}

void
side_clear(struct side *t)
{
	store_close(t->store);
	cancel_close(&t->cancel);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->changed);
}
