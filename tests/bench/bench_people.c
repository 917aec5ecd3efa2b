/* bench_people.c - what the address book costs: [MESSAGES] (1,000,000) from a twentieth as
 * many people, then what is typed, letter by letter. Prints figures; nothing is asserted. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "path.h"
#include "people.h"
#include "remove_tree.h"
#include "str.h"

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint32_t
mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352d;
	x ^= x >> 15;
	x *= 0x846ca68b;
	return x ^ x >> 16;
}

/* Few write much: the k-th person writes about 1/k of the mail. */
static struct msg
make(struct arena *a, folder_id folder, uint32_t uid, uint32_t n_people)
{
	static const char *const first[] = { "Ada", "Bob", "J\xc3\xb6rg", "Katherine",
		"Zo\xc3\xab", "Irina", "Niklaus", "Grace" };
	uint32_t who = (uint32_t)exp(log(n_people) * (mix(uid) % 1000000) / 1e6);
	char name[80], addr[80], mid[40];

	snprintf(name, sizeof name, "%s %c%x", first[mix(who) % 8],
		'A' + (int)(mix(who + 1) % 26), mix(who + 2));
	snprintf(addr, sizeof addr, "%x.%u@host%u.example", mix(who + 2), who, who % 997);
	snprintf(mid, sizeof mid, "%u@x", uid);
	return (struct msg){ .id = msg_id_of(folder, uid), .arrived = 1500000000 + uid,
		.from_name = arena_strdup(a, name), .from_addr = arena_strdup(a, addr),
		.message_id = arena_strdup(a, mid) };
}

int
main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
	static const char *const typed[] = { "a", "z", "jo", "ad", "zq", "host9", "kath b",
		"ada 3f", "nobody", "7f3" };
	char dir[] = "/tmp/dunlin-people-XXXXXX";
	struct error e;
	struct store *s;
	folder_id inbox;

	if (!mkdtemp(dir))
		return 1;
	char *data = path_join(dir, "data"), *cache = path_join(dir, "cache");
	if (store_open(&s, data, cache, STORE_WRITE, &e) != ERR_OK)
		return 1;
	struct folder f = { .account = store_account(s, "work"), .wire = "INBOX",
		.name = "INBOX", .delim = '/', .role = ROLE_INBOX };
	store_folder_put(s, &f, &inbox, &e);
	double begun = now_ms();
	for (uint32_t uid = 1; uid <= n; ) {
		struct arena a = { 0 };
		struct msg v[100];
		size_t k = 0;
		while (k < LEN(v) && uid <= n)
			v[k++] = make(&a, inbox, uid++, n / 20 + 1);
		store_msgs_put(s, v, k, &e);
		arena_clear(&a);
	}
	printf("%u messages in: %.1f s\n", n, (now_ms() - begun) / 1e3);
	for (size_t i = 0; i < LEN(typed); i++) {
		struct arena a = { 0 };
		struct person *v;
		double t = now_ms();
		size_t found = people_find(s, typed[i], 1600000000, 50, &a, &v);
		printf("'%s': %zu in %.1f ms\n", typed[i], found, now_ms() - t);
		arena_clear(&a);
	}
	store_close(s);
	remove_tree(dir);
	free(data);
	free(cache);
	return 0;
}
