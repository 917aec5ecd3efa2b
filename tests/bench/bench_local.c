/* Marking and removing 1,000 messages of an mbox behind a backend: bench_local FILE,
 * which is changed. Without a file, as `make bench` runs it, nothing: bench_mbox.py
 * makes one and runs this on it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "local.h"
#include "mime.h"
#include "str.h"

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
check(const char *what, double begun, enum err rc, const struct error *e)
{
	printf("  %-44s %9.3f s%s%s\n", what, now() - begun, rc ? " FAILED " : "",
		rc ? e->text : "");
	if (rc)
		exit(1);
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/dunlin-bench.XXXXXX";
	struct cancel cancel;
	struct folder_sink none = {0};
	struct folder_status st;
	struct uidset all = {0}, some = {0};
	struct error e = {0};
	bool delta;

	if (argc != 2)
		return 0;
	if (!mkdtemp(dir))
		return 2;
	struct local_config cfg = { .dir = dir, .inbox = argv[1], .map_dir = dir };
	cancel_init(&cancel, NULL);
	mime_init();
	struct backend *b = local_new(&cfg, &cancel);
	b->ops->connect(b, NULL, &e);
	double t = now();
	enum err rc = b->ops->open(b, "inbox", NULL, &none, &st, &delta, &e);
	if (rc == ERR_OK)
		rc = b->ops->uids(b, &all, &e);
	check("map made by a scan", t, rc, &e);
	uint64_t n = uidset_count(&all), i = 0;
	for (uint32_t uid = 0; (uid = uidset_next(&all, uid)) != 0; i++) {
		if (i % (n / 1000 ? n / 1000 : 1) == 0)
			uidset_add(&some, uid);
	}
	t = now();
	check("first flag, no room: all written anew", t, b->ops->set_flags(b, &some, MSG_SEEN,
		0, &e), &e);
	t = now();
	check("1,000 marked in place", t, b->ops->set_flags(b, &some, MSG_FLAGGED, 0, &e), &e);
	t = now();
	check("1,000 removed, compacted", t, b->ops->expunge(b, &some, &e), &e);
	t = now();
	uint32_t uid;
	struct byte_source src = byte_source_memory("Subject: x\r\n\r\nx\r\n", 17);
	check("one appended", t, b->ops->append(b, "inbox", &src, 0, 0, &uid, &e), &e);
	b->ops->close(b, 0);
	uidset_clear(&all);
	uidset_clear(&some);
	cancel_close(&cancel);
	return 0;
}
