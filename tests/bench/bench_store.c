/* bench_store.c - what the store costs: rows in, pages out, decisions recorded.
 *
 *	bench_store [ROWS]
 *
 * A synthetic inbox, newest first, half of it conversations. Prints a line for each figure;
 * nothing is asserted, for machines differ. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "path.h"
#include "remove_tree.h"
#include "store.h"
#include "str.h"

enum { PAGE = 50 };

struct bench {
	char dir[64], *data, *cache;
	struct store *s;
	struct error e;
	folder_id inbox, other;
	account_id account;
	uint64_t disk_bytes;
};

static double
now_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
must(struct bench *b, enum err rc)
{
	if (rc != ERR_OK) {
		fprintf(stderr, "bench_store: %s\n", b->e.text);
		exit(1);
	}
}

static struct msg
make_one(struct bench *b, struct arena *a, uint32_t uid)
{
	char refs[400] = "", parent[80] = "";
	uint32_t place = uid % 8,
		 root = uid - place; /* 8 in a row: 4 of them one conversation */

	for (uint32_t k = 0; place < 4 && k < place; k++) {
		uint32_t u = root + k;
		snprintf(parent, sizeof parent, "%08x.%u.%x@mail.example.org", u * 2654435761u,
			u, u ^ 0x5bd1e995);
		strcat(strcat(refs, k ? " " : ""), parent);
	}
	return (struct msg){ .id = msg_id_of(b->inbox, uid),
		.arrived = 1500000000 + 60 * (int64_t)uid,
		.date = 1500000000 + 60 * (int64_t)uid,
		.size_bytes = 5000 + uid % 1000,
		.flags = uid % 5 ? MSG_SEEN : 0,
		.from_name = "Ada Lovelace",
		.from_addr = "ada.lovelace@example.org",
		.to = "Charles Babbage <charles@example.org>",
		.cc = "",
		.subject = arena_printf(a, "The analytical engine, note %u of many", uid),
		.message_id = arena_printf(a, "%08x.%u.%x@mail.example.org", uid * 2654435761u,
		uid,
			uid ^ 0x5bd1e995),
		.in_reply_to = arena_strdup(a, parent),
		.references = arena_strdup(a, refs),
		.list_id = "" };
}

/* As the engine does: a thousand at a time. */
static void
bench_insert(struct bench *b, uint32_t n)
{
	double cpu = now_ms(CLOCK_PROCESS_CPUTIME_ID), wall = now_ms(CLOCK_MONOTONIC),
		worst = 0;
	struct msg *v = xcalloc(1000, sizeof *v);
	struct arena a = {0};

	for (uint32_t uid = n; uid > 0; ) {
		size_t k = 0;
		for (; k < 1000 && uid > 0; k++)
			v[k] = make_one(b, &a, uid--);
		double t = now_ms(CLOCK_MONOTONIC);
		must(b, store_msgs_put(b->s, v, k, &b->e));
		t = now_ms(CLOCK_MONOTONIC) - t;
		worst = t > worst ? t : worst;
		arena_clear(&a);
	}
	free(v);
	printf("insert %u rows: %.2f s CPU, %.2f s; longest transaction %.1f ms\n", n,
		(now_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3,
		(now_ms(CLOCK_MONOTONIC) - wall) / 1e3, worst);
}

static struct page_key
bench_page(struct bench *b, const char *what, const folder_id *folders, size_t n,
	struct page_key from)
{
	struct arena a = {0};
	struct msg page[PAGE];
	double t = now_ms(CLOCK_MONOTONIC);
	size_t got = store_page(b->s, folders, n, from, false, PAGE, &a, page);

	printf("page %s: %.3f ms (%zu rows)\n", what, now_ms(CLOCK_MONOTONIC) - t, got);
	if (got)
		from = (struct page_key){ page[got - 1].arrived, page[got - 1].id };
	arena_clear(&a);
	return from;
}

static void
bench_threads(struct bench *b, const char *what)
{
	struct thread_head heads[PAGE];
	double t = now_ms(CLOCK_MONOTONIC);
	size_t got = store_threads(b->s, &b->inbox, 1, page_top, false, PAGE, heads);

	printf("threads %s: %.3f ms (%zu heads)\n", what, now_ms(CLOCK_MONOTONIC) - t, got);
}

static void
bench_folders(struct bench *b, const char *what)
{
	struct arena a = {0};
	struct folder *v;
	double t = now_ms(CLOCK_MONOTONIC);
	size_t n = store_folders(b->s, b->account, &a, &v);

	printf("folders %s: %.3f ms (%u messages, %u unread)\n", what,
		now_ms(CLOCK_MONOTONIC) - t, n ? v[0].n_msgs : 0, n ? v[0].n_unread : 0);
	arena_clear(&a);
}

static void
bench_deletes(struct bench *b, uint32_t n_rows, uint32_t n)
{
	double worst_add = 0, worst_page = 0, sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct intent in = { .account = b->account,
			.kind = INTENT_MOVE,
			.folder = b->inbox,
			.dest = "Other",
			.label = "delete" };
		msg_id id = msg_id_of(b->inbox, n_rows - i);
		struct arena a = {0};
		struct msg page[PAGE];
		intent_id intent;
		int64_t group;
		double t0 = now_ms(CLOCK_MONOTONIC);
		must(b, store_intent_add(b->s, &in, &id, 1, &group, &intent, &b->e));
		double t1 = now_ms(CLOCK_MONOTONIC);
		store_page(b->s, &b->inbox, 1, page_top, false, PAGE, &a, page);
		double t2 = now_ms(CLOCK_MONOTONIC);
		worst_add = t1 - t0 > worst_add ? t1 - t0 : worst_add;
		worst_page = t2 - t1 > worst_page ? t2 - t1 : worst_page;
		sum += t2 - t0;
		arena_clear(&a);
	}
	printf("%u deletes, a page after each: %.3f ms each; worst: record %.3f ms, page %.3f "
	       "ms\n",
		n, sum / n, worst_add, worst_page);
}

static void
bench_many(struct bench *b, uint32_t n_rows, uint32_t n)
{
	struct intent in = { .account = b->account,
		.kind = INTENT_MOVE,
		.folder = b->inbox,
		.dest = "Other",
		.label = "delete" };
	msg_id *ids = xcalloc(n, sizeof *ids);
	struct intent_batch batch;
	struct arena a = {0};
	intent_id intent;
	int64_t group;

	for (uint32_t i = 0; i < n; i++)
		ids[i] = msg_id_of(b->inbox, n_rows - i);
	double t = now_ms(CLOCK_MONOTONIC);
	must(b, store_intent_add(b->s, &in, ids, n, &group, &intent, &b->e));
	printf("one delete of %u: %.1f ms\n", n, now_ms(CLOCK_MONOTONIC) - t);
	bench_page(b, "with them hidden", &b->inbox, 1, page_top);
	bench_threads(b, "with them hidden");
	bench_folders(b, "with them hidden");
	t = now_ms(CLOCK_MONOTONIC);
	int n_batches = 0;
	for (; store_intent_next(b->s, b->account, &a, &batch); n_batches++) {
		must(b, store_intents_running(b->s, &batch, 0, &b->e));
		must(b, store_intents_done(b->s, &batch, NULL, NULL, 0, &b->e));
		intent_batch_clear(&batch);
	}
	printf("all carried out in %d batches: %.1f ms\n", n_batches,
		now_ms(CLOCK_MONOTONIC) - t);
	arena_clear(&a);
	free(ids);
}

static int
add_size(const char *path, const struct stat *st, int flag, struct FTW *w)
{
	(void)w;
	if (flag == FTW_F)
		printf("  %s: %.1f MB\n", strrchr(path, '/') + 1, (double)st->st_size / 1e6);
	return 0;
}

static void
print_memory(const char *when)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f)) {
		if (str_starts(line, "VmHWM"))
			printf("memory %s: %s", when, line);
	}
	if (f)
		fclose(f);
}

static folder_id
make_folder(struct bench *b, const char *name)
{
	struct folder f = { .account = b->account, .wire = name, .name = name };
	folder_id id;

	must(b, store_folder_put(b->s, &f, &id, &b->e));
	return id;
}

int
main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
	struct bench b = { .dir = "/tmp/bench-store-XXXXXX" };

	if (n < 6000 || !mkdtemp(b.dir))
		return 1;
	b.data = path_join(b.dir, "data");
	b.cache = path_join(b.dir, "cache");
	must(&b, store_open(&b.s, b.data, b.cache, STORE_WRITE, &b.e));
	b.account = store_account(b.s, "bench");
	b.inbox = make_folder(&b, "INBOX");
	b.other = make_folder(&b, "Other");
	bench_insert(&b, n);
	print_memory("after inserting");
	nftw(b.dir, add_size, 16, FTW_PHYS);
	store_close(b.s);

	double t = now_ms(CLOCK_MONOTONIC);
	must(&b, store_open(&b.s, b.data, b.cache, STORE_WRITE, &b.e));
	printf("open: %.3f ms\n", now_ms(CLOCK_MONOTONIC) - t);
	folder_id both[] = { b.inbox, b.other };
	struct page_key k = bench_page(&b, "first of a new handle", &b.inbox, 1, page_top);
	bench_page(&b, "again", &b.inbox, 1, page_top);
	bench_page(&b, "next", &b.inbox, 1, k);
	bench_page(&b, "in the middle", &b.inbox, 1,
		(struct page_key){ 1500000000 + 30 * (int64_t)n, 0 });
	bench_page(&b, "of two folders", both, 2, page_top);
	bench_threads(&b, "first");
	bench_threads(&b, "again");
	bench_folders(&b, "plain");
	bench_deletes(&b, n, 200);
	bench_many(&b, n - 200, 5000);
	print_memory("at the end");
	store_close(b.s);
	remove_tree(b.dir);
	free(b.data);
	free(b.cache);
	return 0;
}
