/* bench_find.c - what a search over all folders costs: [MESSAGES] (1,000,000) in 50 folders.
 *
 * For each query: until there is a first page (or nothing is left to look at), until all was
 * looked at, the longest slice in between, and the memory. Prints; nothing is asserted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "path.h"
#include "remove_tree.h"
#include "store.h"
#include "str.h"
#include "ui/list.h"

enum { N_FOLDERS = 50, SCREEN = 38, MAX = 100000 };

struct bench {
	char dir[64];
	struct store *s;
	struct error e;
	folder_id folders[N_FOLDERS];
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
must(struct bench *b, enum err rc)
{
	if (rc != ERR_OK) {
		fprintf(stderr, "bench_find: %s\n", b->e.text);
		exit(1);
	}
}

/* Numbers in no order, the same in each run. */
static uint32_t
mix(uint32_t k)
{
	k = (k ^ k >> 16) * 0x7feb352dU;
	k = (k ^ k >> 15) * 0x846ca68bU;
	return k ^ k >> 16;
}

/* Message k of all, the newest with the highest; one of a thousand writers. */
static struct msg
make_one(struct bench *b, struct arena *a, uint32_t k)
{
	uint32_t who = mix(k) % 1000;

	return (struct msg){ .id = msg_id_of(b->folders[mix(k + 7) % N_FOLDERS], k + 1),
		.arrived = 1500000000 + 60 * (int64_t)k,
		.date = 1500000000 + 60 * (int64_t)k, .size_bytes = 5000 + k % 1000,
		.flags = k % 5 ? MSG_SEEN : 0,
		.from_name = arena_printf(a, "Writer %u", who),
		.from_addr = arena_printf(a, "writer%u@example.org", who),
		.to = "Charles Babbage <charles@example.org>", .cc = "",
		.subject = arena_printf(a, "The analytical engine, note %u of many", k),
		.message_id = arena_printf(a, "%08x.%u@mail.example.org", mix(k), k),
		.in_reply_to = "", .references = "", .list_id = "" };
}

static void
fill(struct bench *b, uint32_t n)
{
	struct msg *v = xcalloc(1000, sizeof *v);
	struct arena a = { 0 };
	double t = now_ms();

	for (uint32_t at = n; at > 0;) {
		size_t k = 0;
		for (; k < 1000 && at > 0; k++)
			v[k] = make_one(b, &a, --at);
		must(b, store_msgs_put(b->s, v, k, &b->e));
		arena_clear(&a);
	}
	free(v);
	printf("%u messages in %d folders, put there in %.1f s\n", n, N_FOLDERS,
		(now_ms() - t) / 1e3);
}

static void
print_memory(void)
{
	char line[200];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof line, f))
		if (str_starts(line, "VmHWM") || str_starts(line, "VmRSS"))
			printf("  %s", line);
	if (f)
		fclose(f);
}

static size_t
on_screen(struct list *l)
{
	const struct list_row *rows;
	size_t cursor;

	return list_screen(l, SCREEN, 0, &rows, &cursor);
}

static void
find(struct bench *b, const char *query, bool threads)
{
	struct list *l = list_new(b->s);
	double t = now_ms(), page = 0, worst = 0, slice;
	bool more = true, changed;
	struct query *q;

	must(b, query_parse(&q, query, 1600000000, &b->e));
	list_order(l, ORDER_DATE, false, threads);
	list_find(l, b->folders, N_FOLDERS, MAX, query, q);
	while (more) {
		slice = now_ms();
		more = list_idle(l, &changed);
		if (page == 0 && (on_screen(l) == SCREEN || !more))
			page = now_ms() - t;
		slice = now_ms() - slice;
		worst = slice > worst ? slice : worst;
	}
	printf("%s%s: first page %.1f ms, all %.2f s, longest slice %.1f ms, %zu found\n",
		query, threads ? ", threads" : "", page, (now_ms() - t) / 1e3, worst,
		list_count(l));
	print_memory();
	list_free(l);
}

static void
make_folders(struct bench *b)
{
	account_id account = store_account(b->s, "bench");
	char name[20];

	for (size_t i = 0; i < N_FOLDERS; i++) {
		snprintf(name, sizeof name, i ? "Folder %zu" : "INBOX", i);
		struct folder f = { .account = account, .wire = name, .name = name };
		must(b, store_folder_put(b->s, &f, &b->folders[i], &b->e));
	}
}

int
main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	struct bench b = { .dir = "/tmp/bench-find-XXXXXX" };

	if (n < 1000 || !mkdtemp(b.dir))
		return 1;
	char *data = path_join(b.dir, "data"), *cache = path_join(b.dir, "cache");
	must(&b, store_open(&b.s, data, cache, STORE_WRITE, &b.e));
	make_folders(&b);
	fill(&b, n);
	store_close(b.s);
	must(&b, store_open(&b.s, data, cache, STORE_WRITE, &b.e));
	find(&b, "from:writer7", false);
	find(&b, "from:writer7@", false);
	find(&b, "\"note 17 of\"", false);
	find(&b, "is:unread", false);
	find(&b, "from:writer7@", true);
	store_close(b.s);
	remove_tree(b.dir);
	free(data);
	free(cache);
	return 0;
}
