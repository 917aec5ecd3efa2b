/* power.h - an act is recorded on disk.h's disk; then the power goes, or calls fail,
 * at each of its points in turn.
 *
 * A play sets up a world, does one thing to it, and looks at what is there: looking is the
 * real recovery (opening, the next run) and a census. After a power cut in all the ways of
 * disk_replay.h it must be right, and right again after another cut the moment the recovery
 * has ended; so must it after kill -9. When calls fail the act may fail, with words; then the
 * next run has to be right, and a power cut afterwards, or in its place, must find it so.
 *
 * A sample of the points, unless DUNLIN_POWER is set (`make power`). */
#ifndef DUNLIN_POWER_H
#define DUNLIN_POWER_H

#include "disk_replay.h"

enum { POWER_ACKED = 1, POWER_FIRST_OWN };	/* marks: the act has returned ERR_OK */
enum { POWER_SEEDS = 4 };

struct power {
	char *root;			/* all files of the world are below it */
	void *world;
	struct error e;			/* of the act */
	/* how much of the record this world has lived through */
	size_t at;
};

struct play {
	void (*set_up)(struct power *p);	/* makes world and root */
	enum err (*act)(struct power *p);	/* leaves nothing open */
	/* the world outside of the disk as of p->at; may be NULL */
	void (*rewind)(struct power *p);
	void (*look)(struct power *p);		/* leaves nothing open */
	void (*tear_down)(struct power *p);
	int stride;				/* of the sample */
};

static UNUSED bool
power_has_mark(const struct power *p, uint64_t what)
{
	for (size_t i = 0; i < p->at; i++) {
		if (disk.ops[i].kind == DISK_MARK && disk.ops[i].at == what)
			return true;
	}
	return false;
}

static UNUSED bool
power_is_thorough(void)
{
	return getenv("DUNLIN_POWER") != NULL;
}

static void
power_rewind(const struct play *play, struct power *p, size_t at)
{
	p->at = at;
	if (play->rewind)
		play->rewind(p);
}

static enum err
power_act(const struct play *play, struct power *p)
{
	p->e = (struct error){0};
	enum err rc = play->act(p);
	if (rc == ERR_OK)
		disk_mark(POWER_ACKED);
	return rc;
}

/* The cut, a recovery, and a cut right behind that. */
static void
power_cut(const struct play *play, struct power *p, size_t n, enum disk_loss loss)
{
	disk_build(n, loss);
	power_rewind(play, p, n);
	if (loss == DISK_KEEPS_ALL)
		disk_resume(n);
	else
		disk_begin(p->root, n);
	play->look(p);
	disk_end();
	disk_build(disk.n, DISK_LOSES_ALL);
	play->look(p);
}

/* Where a test that failed stood, for whoever reads its report: told when the
 * next one begins, or at exit. */
static struct {
	size_t n;
	int loss, fault;
} power_now;

static void
power_where(void)
{
	if (power_now.n)
		fprintf(stderr, "    at point %zu, loss %d, fault %d; before it:\n",
			power_now.n, power_now.loss, power_now.fault);
	for (size_t i = power_now.n > 30 ? power_now.n - 30 : 0; i < power_now.n &&
	    i < disk.n && !power_now.fault; i++) {
		const struct disk_op *op = &disk.ops[i];
		fprintf(stderr, "    %zu: kind %d file %u %s %s %zu bytes at %llu\n", i,
			(int)op->kind, op->file, op->path ? op->path : "",
			op->path2 ? op->path2 : "", op->n, (unsigned long long)op->at);
	}
	power_now.n = 0;
}

static void
power_here(size_t n, int loss, int fault)
{
	static bool is_registered;

	if (!is_registered)
		atexit(power_where);
	is_registered = true;
	power_now.n = n;
	power_now.loss = loss;
	power_now.fault = fault;
}

static UNUSED void
power_at_every_point(const struct play *play)
{
	struct power p = {0};
	size_t n_points = 0;

	power_where();
	play->set_up(&p);
	disk_begin(p.root, 0);
	size_t first = disk.n;
	if (power_act(play, &p) != ERR_OK)
		fail_msg("%s", p.e.text);
	disk_end();
	size_t step = power_is_thorough() ? 1 : (size_t)play->stride;
	for (size_t n = disk.n; n >= first; n = n >= first + step ? n - step : first - 1) {
		for (int loss = 0; loss < DISK_MIXES + POWER_SEEDS; loss++) {
			power_here(n, loss, 0);
			power_cut(play, &p, n, (enum disk_loss)loss);
		}
		n_points++;
	}
	power_now.n = 0;
	print_message("%zu points, %d disks at each\n", n_points, DISK_MIXES + POWER_SEEDS);
	play->tear_down(&p);
}

/* The act with its n-th call failing. False: it had fewer. */
static bool
power_fail_at(const struct play *play, enum disk_fault fault, long n)
{
	struct power p = {0};

	play->set_up(&p);
	disk_begin(p.root, 0);
	disk.fault = fault;
	disk.countdown = n;
	power_here((size_t)n, 0, (int)fault);
	enum err rc = power_act(play, &p);
	bool did_strike = disk.countdown <= 0;
	size_t at_fault = did_strike ? disk.struck_at : disk.n;
	/* Which file, or whose store. */
	if (rc != ERR_OK && !strchr(p.e.text, '\'') && !strstr(p.e.text, "mail store"))
		fail_msg("call %ld failed, and what was said is '%s'", n, p.e.text);
	disk.fault = DISK_GOOD;
	size_t at = p.at = disk.n;
	play->look(&p);
	struct error why = p.e;
	if (rc != ERR_OK && power_act(play, &p) != ERR_OK)
		fail_msg("call %ld failed (%s), and so did the next try: %s", n, why.text,
			p.e.text);
	p.at = disk.n;
	play->look(&p);
	disk_end();
	disk_build(disk.n, DISK_LOSES_ALL);
	play->look(&p);
	/* Or the power goes in its place; or at any moment since the one call that failed. */
	power_cut(play, &p, at, DISK_LOSES_ALL);
	size_t step = power_is_thorough() ? 1 : (size_t)play->stride * 3;
	for (size_t i = at; fault == DISK_BAD_SYNC_ONCE && i > at_fault + step; i -= step) {
		power_cut(play, &p, i - step, DISK_LOSES_ALL);
		power_cut(play, &p, i - step, DISK_KEEPS_SIZES);
	}
	play->tear_down(&p);
	return did_strike;
}

static UNUSED void
power_failing(const struct play *play, enum disk_fault fault)
{
	long n = 1;

	power_where();
	while (power_fail_at(play, fault, n))
		n += power_is_thorough() ? 1 : fault >= DISK_BAD_SYNC ? 1 + play->stride / 8
			: play->stride;
	power_now.n = 0;
	print_message("%ld calls\n", n);
	assert_true(n > 1);
}

#define POWER_TEST(test, call) static void test(void **state) { (void)state; call; }
#define POWER_TESTS(name, play) \
	POWER_TEST(test_##name##_power, power_at_every_point(&(play))) \
	POWER_TEST(test_##name##_full, power_failing(&(play), DISK_FULL)) \
	POWER_TEST(test_##name##_full_once, power_failing(&(play), DISK_FULL_ONCE)) \
	POWER_TEST(test_##name##_sync, power_failing(&(play), DISK_BAD_SYNC)) \
	POWER_TEST(test_##name##_sync_once, power_failing(&(play), DISK_BAD_SYNC_ONCE))
#define POWER_LIST(name) \
	T(test_##name##_power), T(test_##name##_full), T(test_##name##_full_once), \
	T(test_##name##_sync), T(test_##name##_sync_once)

#endif
