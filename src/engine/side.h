/* side.h - a thread beside an account's worker, with what it has of its own: one brings mail
 * in (drain.h), another sends (outboxer.h), so that neither waits for the worker nor it for
 * them.
 *
 * What others set for it stands behind `lock`. It sleeps in side_wait, and ends once it sees
 * is_quitting. All else here is called by whoever made it. */
#ifndef DUNLIN_ENGINE_SIDE_H
#define DUNLIN_ENGINE_SIDE_H

#include <pthread.h>

#include "cancel.h"
#include "queue.h"
#include "rc.h"
#include "store.h"

/* Of its account. All are borrowed and outlive it. `jobs` is woken when there is something for
 * the worker. */
struct side_config {
	const struct rc *rc;
	const struct rc_account *conf;
	account_id account;
	const char *data_dir, *cache_dir;
	struct events *events;
	struct jobs *jobs;
};

struct side {
	struct store *store;		/* the thread's handle */
	struct cancel cancel;		/* cuts its connection */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_quitting;		/* behind the lock */
	/* the maker's */
	pthread_t thread;
	bool has_thread;
};

/* Without a thread still. side_clear follows, also on error. */
enum err side_init(struct side *t, const struct side_config *cfg, struct error *e);
enum err side_start(struct side *t, void *(*run)(void *arg), void *arg, struct error *e);
/* With the lock held, in its thread: until `changed`, at most so long by now_ms. */
void side_wait(struct side *t, int64_t ms);
void side_quit(struct side *t);
/* Waits so long for its end, then cuts its connection and waits for that. */
void side_join(struct side *t, int polite_ms);
void side_clear(struct side *t);

#endif
