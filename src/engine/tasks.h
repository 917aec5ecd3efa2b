/* tasks.h - the thread that carries out the screen's tasks (include/task.h). */
#ifndef DUNLIN_ENGINE_TASKS_H
#define DUNLIN_ENGINE_TASKS_H

#include <pthread.h>

#include "path.h"
#include "queue.h"
#include "task.h"

struct tasks {
	pthread_mutex_t lock;		/* for all below */
	pthread_cond_t changed;
	pthread_t thread;
	bool has_thread, is_quitting;
	struct task **v;		/* those that wait, oldest first */
	size_t n, cap;
	struct task *running;
	/* the thread's own */
	struct store *store;
	struct events *events;
	const char *data_dir, *cache_dir;
};

void tasks_init(struct tasks *q, struct events *events, const struct dirs *dirs);
/* To the UI's thread. */
void tasks_add(struct tasks *q, struct task *t);
bool tasks_cancel(struct tasks *q, job_id id);	/* false: none of these */
void tasks_quit(struct tasks *q);		/* stops what runs; what waits is not begun */
/* by now_ms; true: the thread has ended */
bool tasks_join(struct tasks *q, int64_t until_ms);
void tasks_clear(struct tasks *q);		/* after that */

#endif
