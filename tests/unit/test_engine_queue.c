/* The queues between the UI's thread and the workers. */
#include <poll.h>
#include <pthread.h>

#include "engine/queue.h"
#include "str.h"
#include "test.h"

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void
post_folder_event(struct events *q, account_id account, folder_id id, uint32_t n_new)
{
	struct event ev = { .kind = EV_FOLDER, .account = account };

	ev.u.folder.id = id;
	ev.u.folder.n_new = n_new;
	events_post(q, &ev);
}

/* A reader who never comes costs one event a folder, and no new mail
 * is lost from the count. */
static void
test_events_of_one_folder_merge(void **state)
{
	struct events q;
	struct event ev;

	(void)state;
	assert_int_equal(ERR_OK, events_init(&q, NULL));
	for (int i = 0; i < 10000; i++)
		post_folder_event(&q, 1, 1 + i % 3, 1);
	assert_int_equal(3, q.n);
	uint32_t n_new = 0;
	while (events_next(&q, &ev))
		n_new += ev.u.folder.n_new;
	assert_int_equal(10000, n_new);
	events_clear(&q);
}

/* The descriptor is readable exactly while an event waits. */
static void
test_descriptor_follows_queue(void **state)
{
	struct events q;
	struct event ev;

	(void)state;
	assert_int_equal(ERR_OK, events_init(&q, NULL));
	assert_false(is_readable(q.fd));
	post_folder_event(&q, 1, 1, 0);
	post_folder_event(&q, 1, 2, 0);
	assert_true(is_readable(q.fd));
	assert_true(events_next(&q, &ev));
	assert_true(is_readable(q.fd));
	assert_true(events_next(&q, &ev));
	assert_false(is_readable(q.fd));
	assert_false(events_next(&q, &ev));
	events_clear(&q);
}

/* EV_DONE is never merged: each job ends once, in order. */
static void
test_done_is_never_merged(void **state)
{
	struct events q;
	struct event ev = { .kind = EV_DONE, .account = 1 };

	(void)state;
	assert_int_equal(ERR_OK, events_init(&q, NULL));
	for (ev.job = 1; ev.job <= 200; ev.job++)
		events_post(&q, &ev);
	for (job_id id = 1; id <= 200; id++) {
		assert_true(events_next(&q, &ev));
		assert_int_equal(id, ev.job);
	}
	assert_false(events_next(&q, &ev));
	events_clear(&q);
}

/* A server that refuses for ever fills neither memory nor the queue with its words. */
static void
test_notices_are_bounded(void **state)
{
	struct events q;
	struct event ev = { .kind = EV_NOTICE, .account = 1 };

	(void)state;
	assert_int_equal(ERR_OK, events_init(&q, NULL));
	for (int i = 0; i < 5000; i++) {
		error_set(&ev.u.notice, ERR_MSG, "no, for the %dth time", i);
		events_post(&q, &ev);
	}
	assert_in_range(q.n, 1, 50);
	events_clear(&q);
}

static void
submit(struct jobs *q, job_id id, enum job_kind kind)
{
	struct job job = { .kind = kind };

	jobs_submit(q, id, &job);
}

/* Who waits for a body goes before who opened a folder, and both before the rest; equals in
 * the order they came. */
static void
test_jobs_come_in_order_of_who_waits(void **state)
{
	struct cancel c;
	struct jobs q;
	struct queued j;
	job_id want[] = { 3, 5, 4, 1, 2 };

	(void)state;
	assert_int_equal(ERR_OK, cancel_init(&c, NULL));
	assert_int_equal(ERR_OK, jobs_init(&q, &c, NULL));
	submit(&q, 1, JOB_SYNC);
	submit(&q, 2, JOB_FOLDERS);
	submit(&q, 3, JOB_FETCH);
	submit(&q, 4, JOB_FOCUS);
	submit(&q, 5, JOB_FETCH);
	for (size_t i = 0; i < LEN(want); i++) {
		assert_true(jobs_take(&q, &j));
		assert_int_equal(want[i], j.id);
	}
	assert_false(jobs_take(&q, &j));
	jobs_clear(&q);
	cancel_close(&c);
}

/* The cancel is fired for the job that runs and for no other, and is taken back when that
 * ended, unless it was fired to quit. */
static void
test_cancel_reaches_the_running_job_only(void **state)
{
	struct cancel c;
	struct jobs q;
	struct queued j;

	(void)state;
	assert_int_equal(ERR_OK, cancel_init(&c, NULL));
	assert_int_equal(ERR_OK, jobs_init(&q, &c, NULL));
	submit(&q, 1, JOB_FETCH);
	submit(&q, 2, JOB_FETCH);
	assert_true(jobs_take(&q, &j));
	assert_true(jobs_cancel(&q, 2));
	assert_false(cancel_fired(&c));
	assert_false(jobs_take(&q, &j));
	q.running = 1;
	assert_false(jobs_cancel(&q, 1));
	assert_true(cancel_fired(&c));
	jobs_ran(&q);
	assert_false(cancel_fired(&c));
	jobs_quit(&q);
	cancel_fire(&c);
	jobs_ran(&q);
	assert_true(cancel_fired(&c));
	jobs_clear(&q);
	cancel_close(&c);
}

static void *
post_many(void *arg)
{
	struct events *q = arg;
	struct event ev = { .kind = EV_DONE, .account = 1 };

	for (ev.job = 1; ev.job <= 5000; ev.job++) {
		events_post(q, &ev);
		post_folder_event(q, 1, (folder_id)(ev.job % 7 + 1), 1);
	}
	return NULL;
}

/* Four workers post while one reads: every job's end arrives. */
static void
test_many_writers_one_reader(void **state)
{
	struct events q;
	struct event ev;
	pthread_t t[4];
	int n_done = 0;

	(void)state;
	assert_int_equal(ERR_OK, events_init(&q, NULL));
	for (size_t i = 0; i < LEN(t); i++)
		assert_int_equal(0, pthread_create(&t[i], NULL, post_many, &q));
	while (n_done < 4 * 5000) {
		struct pollfd p = { .fd = q.fd, .events = POLLIN };
		assert_int_equal(1, poll(&p, 1, 10000));
		while (events_next(&q, &ev))
			n_done += ev.kind == EV_DONE;
	}
	for (size_t i = 0; i < LEN(t); i++)
		pthread_join(t[i], NULL);
	events_clear(&q);
}

TEST_MAIN(T(test_events_of_one_folder_merge), T(test_descriptor_follows_queue),
	T(test_done_is_never_merged), T(test_notices_are_bounded),
	T(test_jobs_come_in_order_of_who_waits), T(test_cancel_reaches_the_running_job_only),
	T(test_many_writers_one_reader))
