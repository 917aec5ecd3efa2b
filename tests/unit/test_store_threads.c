/* Several handles at once: the screen decides while a worker writes. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "store_fixture.h"

enum { N_ROWS = 3000, N_ACTS = 300 };

struct worker {
	struct fixture *fx;
	struct store *s;
	atomic_bool is_over;
	enum err rc;
	struct error e;
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void *
fill(void *arg)
{
	struct worker *w = arg;

	for (uint32_t uid = N_ROWS; uid > 0 && w->rc == ERR_OK; ) {
		w->rc = store_begin(w->s, &w->e);
		for (int i = 0; i < 100 && uid > 0 && w->rc == ERR_OK; i++, uid--) {
			char mid[32];
			snprintf(mid, sizeof mid, "t%u", uid);
			struct msg m = { .id = msg_id_of(w->fx->trash, uid),
				.arrived = uid,
				.message_id = mid };
			w->rc = store_msg_put(w->s, &m, &w->e);
		}
		if (w->rc == ERR_OK)
			w->rc = store_commit(w->s, &w->e);
	}
	return NULL;
}

static void *
carry_out(void *arg)
{
	struct worker *w = arg;
	struct arena a = {0};
	struct intent_batch b;

	while (w->rc == ERR_OK) {
		bool was_over = atomic_load(&w->is_over);
		if (!store_intent_next(w->s, w->fx->account, &a, &b)) {
			if (was_over)
				break;
			nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
			continue;
		}
		w->rc = store_intents_running(w->s, &b, 0, &w->e);
		if (w->rc == ERR_OK)
			w->rc = store_intents_done(w->s, &b, NULL, NULL, 0, &w->e);
		intent_batch_clear(&b);
	}
	arena_clear(&a);
	return NULL;
}

/* While one thread fills a folder and another carries intents out, each decision is recorded
 * and shown in the next page, none is lost, and none fails. */
static void
test_deciding_while_others_write(void **state)
{
	struct fixture *fx = *state;
	struct worker filler = { .fx = fx }, carrier = { .fx = fx };
	pthread_t threads[2];
	double worst = 0, sum = 0;

	fx_msgs(fx, fx->inbox, 1, N_ACTS);
	OK(store_open(&filler.s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	OK(store_open(&carrier.s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_int_equal(0, pthread_create(&threads[0], NULL, fill, &filler));
	assert_int_equal(0, pthread_create(&threads[1], NULL, carry_out, &carrier));
	for (uint32_t uid = N_ACTS; uid > 0; uid--) {
		struct arena a = {0};
		struct msg top[1];
		double t = now_ms();
		fx_move(fx, msg_id_of(fx->inbox, uid));
		t = now_ms() - t;
		sum += t;
		worst = t > worst ? t : worst;
		size_t n = store_page(fx->s, &fx->inbox, 1, page_top, false, 1, &a, top);
		assert_int_equal(uid > 1, n);
		if (n)
			assert_int_equal(uid - 1, msg_uid(top[0].id));
		arena_clear(&a);
	}
	atomic_store(&carrier.is_over, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	print_message("recorded in %.2f ms each, at worst %.1f ms\n", sum / N_ACTS, worst);
	if (filler.rc != ERR_OK || carrier.rc != ERR_OK)
		fail_msg("filler '%s', carrier '%s'", filler.e.text, carrier.e.text);
	store_close(filler.s);
	store_close(carrier.s);
	assert_int_equal(N_ROWS, fx_counts(fx, fx->trash).n_msgs);
	assert_int_equal(0, fx_counts(fx, fx->inbox).n_msgs);
	assert_int_equal(0, store_intents_pending(fx->s, 0));
}

struct opener {
	struct fixture *fx;
	enum err rc;
	struct error e;
};

static void *
open_and_close(void *arg)
{
	struct opener *o = arg;
	struct store *s;

	for (int i = 0; i < 10 && o->rc == ERR_OK; i++) {
		o->rc = store_open(&s, o->fx->data, o->fx->cache, STORE_WRITE, &o->e);
		if (o->rc == ERR_OK && store_account(s, "shared") == 0)
			o->rc = ERR_LOCAL;
		store_close(s);
	}
	return NULL;
}

/* Several that begin the same new store at the same moment all succeed. */
static void
test_opening_at_once(void **state)
{
	struct fixture *fx = *state;
	struct opener o[4];
	pthread_t threads[4];

	store_close(fx->s);
	fx->s = NULL;
	remove_tree(fx->data);
	remove_tree(fx->cache);
	for (size_t i = 0; i < 4; i++) {
		o[i] = (struct opener){ .fx = fx };
		assert_int_equal(0, pthread_create(&threads[i], NULL, open_and_close, &o[i]));
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 4; i++) {
		if (o[i].rc != ERR_OK)
			fail_msg("%s", o[i].e.text);
	}
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
}

TEST_MAIN(FX(test_deciding_while_others_write), FX(test_opening_at_once))
