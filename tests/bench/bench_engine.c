/* bench_engine.c - what the engine costs against a real server: first
 * page, all, changes, deletes.
 *
 * 	bench_engine MAILRC DIR [delete N | watch SECONDS]
 *
 * Opens the inbox of the first account with its store in DIR, prints when what was
 * there; then deletes N messages by N acts, or tells when changes arrive. Nothing is
 * asserted, for machines differ. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "engine.h"
#include "net.h"
#include "now.h"
#include "path.h"
#include "mime.h"
#include "str.h"

struct bench {
	struct engine *g;
	account_id account;
	int64_t begun_ms;
	enum link_state link;
};

static void
say(const struct bench *b, const char *what)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	printf("%6lld ms  %-40s %ld MB\n", (long long)(now_ms() - b->begun_ms), what,
		u.ru_maxrss / 1024);
	fflush(stdout);
}

static folder_id
inbox(const struct bench *b, struct folder *f, struct arena *a)
{
	bool has = store_folder_by_role(engine_store(b->g), b->account, ROLE_INBOX, a, f);

	return has ? f->id : 0;
}

/* Takes events until `done` says so or the time is up. */
static bool
run(struct bench *b, bool (*done)(struct bench *b, const struct event *ev), int64_t ms)
{
	int64_t until = now_ms() + ms;
	struct pollfd p = { .fd = engine_fd(b->g), .events = POLLIN };
	struct event ev;
	bool is = done(b, &(struct event){ .kind = EV_FOLDERS });

	while (!is && now_ms() < until) {
		poll(&p, 1, 100);
		while (!is && engine_next(b->g, &ev)) {
			if (ev.kind == EV_STATE)
				b->link = ev.u.state.link;
			if (ev.kind == EV_NOTICE)
				printf("notice: %s\n", ev.u.notice.text);
			if (ev.kind == EV_STATE && ev.u.state.link == LINK_NEEDS_PERSON)
				printf("needs you: %s\n", ev.u.state.why.text);
			is = done(b, &ev);
		}
	}
	return is;
}

static bool
is_shown(struct bench *b, const struct event *ev)
{
	struct arena a = {0};
	struct folder f;
	bool is = inbox(b, &f, &a) && f.n_msgs > 0;

	(void)ev;
	arena_clear(&a);
	return is;
}

static bool
is_online(struct bench *b, const struct event *ev)
{
	(void)ev;
	return b->link == LINK_ONLINE;
}

static bool
is_change(struct bench *b, const struct event *ev)
{
	struct arena a = {0};
	struct folder f;

	if (ev->kind == EV_FOLDER && inbox(b, &f, &a) == ev->u.folder.id) {
		printf("change: %u new, %u messages, %u unread\n", ev->u.folder.n_new,
			f.n_msgs, f.n_unread);
		say(b, "change shown");
	}
	arena_clear(&a);
	return false;
}

static bool
is_carried_out(struct bench *b, const struct event *ev)
{
	(void)ev;
	return store_intents_pending(engine_store(b->g), b->account) == 0;
}

static void
delete(struct bench *b, size_t n)
{
	struct arena a = {0};
	struct folder f;
	struct msg *v = xcalloc(n, sizeof *v);
	struct act act = { .kind = ACT_DELETE };
	char label[160];
	struct error e;
	folder_id id = inbox(b, &f, &a);
	int64_t slowest = 0;

	n = store_page(engine_store(b->g), &id, 1, page_top, false, n, &a, v);
	b->begun_ms = now_ms();
	for (size_t i = 0; i < n; i++) {
		int64_t begun = now_ms();
		if (engine_act(b->g, &act, &v[i].id, 1, label, sizeof label, &e) != ERR_OK)
			printf("act: %s\n", e.text);
		if (now_ms() - begun > slowest)
			slowest = now_ms() - begun;
	}
	printf("slowest act: %lld ms\n", (long long)slowest);
	say(b, "all decided");
	run(b, is_carried_out, 60000);
	say(b, "all on the server");
	free(v);
	arena_clear(&a);
}

int
main(int argc, char **argv)
{
	struct bench b = {0};
	struct dirs dirs = {0};
	struct rc *rc;
	struct error e;

	if (argc < 3)
		return 2;
	net_init();
	mime_init();
	dirs.config = xstrdup(argv[2]);
	dirs.data = path_join(argv[2], "data");
	dirs.cache = path_join(argv[2], "cache");
	b.begun_ms = now_ms();
	if (rc_read(&rc, argv[1], &e) != ERR_OK || rc->n_accounts == 0 ||
	    engine_new(&b.g, rc, &dirs, &e) != ERR_OK || engine_start(b.g, &e) != ERR_OK) {
		fprintf(stderr, "bench_engine: %s\n", e.text);
		return 1;
	}
	b.account = engine_account(b.g, 0);
	if (run(&b, is_shown, 60000))
		say(&b, "newest page");
	if (run(&b, is_online, 120000))
		say(&b, "all");
	if (argc > 4 && strcmp(argv[3], "delete") == 0)
		delete(&b, (size_t)atoi(argv[4]));
	if (argc > 4 && strcmp(argv[3], "watch") == 0)
		run(&b, is_change, atoi(argv[4]) * 1000);
	int64_t quit = now_ms();
	engine_free(b.g, 2000);
	printf("quit in %lld ms\n", (long long)(now_ms() - quit));
	rc_free(rc);
	dirs_clear(&dirs);
	return 0;
}
