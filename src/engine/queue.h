/* queue.h - the two queues between the UI's thread and the workers.
 *
 * `events` goes out, one for the whole engine: many workers post, the UI's thread reads.
 * What a later event makes worthless is merged into the one already waiting, so that a
 * reader who does not come costs a bounded number of events: at most one a folder, a
 * body, a state. `jobs` goes in, one a worker. Both own an eventfd that is readable
 * while there is something. */
#ifndef DUNLIN_ENGINE_QUEUE_H
#define DUNLIN_ENGINE_QUEUE_H

#include <pthread.h>

#include "cancel.h"
#include "engine.h"
#include "now.h"

struct events {
	pthread_mutex_t lock;
	int fd;			/* readable while n > 0 */
	struct event *v;	/* a ring of `cap`, `n` of them from `head` on */
	size_t head, n, cap;
};

enum err events_init(struct events *q, struct error *e);
void events_clear(struct events *q);
void events_post(struct events *q, const struct event *ev);
bool events_next(struct events *q, struct event *ev);

struct queued {
	job_id id;
	struct job job;
	int n_tries;		/* how often the link broke under it */
};

/* What the UI's thread wants of a worker besides jobs; taken as a whole. */
struct orders {
	bool is_quitting;	/* stays set */
	bool is_reconnect, has_password;
	bool is_stopping;	/* the download under way, which nobody asked for */
	char *password;		/* NULL with has_password: the person declined */
	job_id *cancelled;	/* neither queued nor running when they were cancelled */
	size_t n_cancelled, cap_cancelled;
	bool has_slept;		/* the computer did */
	bool is_clock_set;	/* the wall clock was */
	bool has_neighbour;	/* another process has decisions of this
				 * account to carry out */
	bool has_drafts, are_drafts_due;	/* some were saved; they are to be stored
						 * now */
	int64_t first_act_ms, last_act_ms;	/* intents recorded since they were
						 * last taken; 0: none */
};

struct jobs {
	pthread_mutex_t lock;
	int wake;
	struct cancel *cancel;	/* fired for the running job only, and to quit */
	struct queued *v;
	size_t n, cap;
	job_id running;
	struct orders orders;
};

enum err jobs_init(struct jobs *q, struct cancel *cancel, struct error *e);
void jobs_clear(struct jobs *q);

/* For the UI's thread. */
void jobs_submit(struct jobs *q, job_id id, const struct job *job);
/* true: it had not begun and is gone, the caller says so */
bool jobs_cancel(struct jobs *q, job_id id);
void jobs_acted(struct jobs *q);		/* intents were recorded */
void jobs_drafts(struct jobs *q, bool now);	/* drafts were saved, or are to go */
void jobs_reconnect(struct jobs *q);
void jobs_stop_download(struct jobs *q);
void jobs_wake(struct jobs *q);			/* there is something to do that is no job */
/* the computer slept, or its clock was set */
void jobs_clock(struct jobs *q, bool has_slept);
/* another process is at decisions of this account */
void jobs_neighbour(struct jobs *q);
void jobs_password(struct jobs *q, const char *password);	/* NULL: declined */
void jobs_poke(struct jobs *q);			/* any thread: there is news elsewhere */
/* ask politely; cancel_fire is the other way */
void jobs_quit(struct jobs *q);

/* For the worker. */
/* out is cleared first; resets `wake` */
void jobs_orders(struct jobs *q, struct orders *out);
void orders_clear(struct orders *o);
bool jobs_quitting(struct jobs *q);
/* an order to connect, or a password, waits to be taken */
bool jobs_want_link(struct jobs *q);
size_t jobs_count(struct jobs *q);
/* The next in order of who waits (see worker.c); it becomes the running one. */
bool jobs_take(struct jobs *q, struct queued *out);
bool jobs_superseded(struct jobs *q, const struct queued *j);	/* a later JOB_FOCUS waits */
void jobs_put_back(struct jobs *q, const struct queued *j);
/* No job runs any more; a cancel that came for it is taken back (but not one to quit). */
void jobs_ran(struct jobs *q);

/* True: it has ended, and is joined. Measured by now_ms. */
bool thread_join_within(pthread_t thread, int64_t ms);

#endif
