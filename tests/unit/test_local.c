/* Mailboxes in mbox files behind the calls of a backend. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "local.h"
#include "mbox.h"
#include "mime.h"
#include "path.h"
#include "str.h"
#include "test.h"

struct fixture {
	char dir[40];
	char *mail, *maps, *inbox;
	struct cancel cancel;
	struct backend *b;
};

static void
connect_again(struct fixture *fx)
{
	struct local_config cfg = { .dir = fx->mail, .map_dir = fx->maps };
	struct error e;

	if (fx->b)
		fx->b->ops->close(fx->b, 0);
	fx->b = local_new(&cfg, &fx->cancel);
	if (fx->b->ops->connect(fx->b, NULL, &e) != ERR_OK)
		fail_msg("%s", e.text);
}

static int
set_up(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	strcpy(fx->dir, "/tmp/dunlin-local.XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->mail = path_join(fx->dir, "Mail");
	fx->maps = path_join(fx->dir, "maps");
	fx->inbox = path_join(fx->mail, "inbox");
	cancel_init(&fx->cancel, NULL);
	mime_init();
	connect_again(fx);
	*state = fx;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;
	char *cmd = xasprintf("rm -rf %s", fx->dir);
	int rc = system(cmd);

	fx->b->ops->close(fx->b, 0);
	cancel_close(&fx->cancel);
	free(cmd);
	free(fx->mail);
	free(fx->maps);
	free(fx->inbox);
	free(fx);
	return rc;
}

static void
add(struct fixture *fx, const char *wire, int number, size_t n_lines)
{
	struct str s = {0};
	uint32_t uid;

	str_printf(&s, "Message-ID: <%d@x>\r\nSubject: number %d\r\n\r\n", number, number);
	for (size_t i = 0; i < n_lines; i++)
		str_printf(&s, "line %zu of message %d\r\n", i, number);
	assert_int_equal(ERR_OK, fx->b->ops->append(fx->b, wire, str_get(&s), s.len, 0, 1000 + number,
		&uid, NULL));
	assert_int_not_equal(0, uid);
	str_clear(&s);
}

static struct folder_status
open_folder(struct fixture *fx, const char *wire, struct uidset *uids)
{
	struct folder_status st;
	struct folder_sink none = {0};
	struct error e;
	bool delta;

	if (fx->b->ops->open(fx->b, wire, NULL, &none, &st, &delta, &e) != ERR_OK)
		fail_msg("%s", e.text);
	uidset_clear(uids);
	assert_int_equal(ERR_OK, fx->b->ops->uids(fx->b, uids, NULL));
	return st;
}

struct seen {
	int counts[1000];
	uint32_t uid[1000], flags[1000];
};

static void
see(void *ctx, const struct msg *m)
{
	struct seen *s = ctx;
	int number = atoi(m->message_id);

	assert_in_range(number, 0, 999);
	s->counts[number]++;
	s->uid[number] = (uint32_t)m->id;
	s->flags[number] = m->flags;
}

static void
look(struct fixture *fx, const char *wire, struct seen *s)
{
	struct uidset uids = {0};
	struct folder_sink sink = { .ctx = s, .msg = see };

	open_folder(fx, wire, &uids);
	assert_int_equal(ERR_OK, fx->b->ops->headers(fx->b, &uids, &sink, NULL));
	uidset_clear(&uids);
}

static struct uidset
one(uint32_t uid)
{
	struct uidset s = {0};

	uidset_add(&s, uid);
	return s;
}

/* UIDs stay with their messages over a restart, over appends and over a rewrite by another program. */
static void
test_uids_last(void **state)
{
	struct fixture *fx = *state;
	struct uidset uids = {0};
	struct seen before = {0}, after = {0};
	struct folder_status st, st2;
	char *text;
	size_t n;

	for (int i = 0; i < 20; i++)
		add(fx, "inbox", i, 3);
	st = open_folder(fx, "inbox", &uids);
	look(fx, "inbox", &before);
	/* Another program deletes the first message and marks the second, by writing the file anew. */
	assert_int_equal(ERR_OK, file_read(&text, &n, fx->inbox, 1 << 20, NULL));
	char *second = strstr(text + 1, "\nFrom ") + 1;
	memcpy(strstr(second, "Status:   "), "Status: RO", 10);
	assert_int_equal(ERR_OK, file_write_atomic(fx->inbox, second, strlen(second), NULL));
	connect_again(fx);
	add(fx, "inbox", 20, 1);
	st2 = open_folder(fx, "inbox", &uids);
	look(fx, "inbox", &after);
	assert_int_equal(st.uidvalidity, st2.uidvalidity);
	assert_int_equal(20, st2.n_msgs);
	assert_int_equal(0, after.counts[0]);
	assert_true(after.flags[1] & MSG_SEEN);
	for (int i = 1; i < 20; i++)
		assert_int_equal(before.uid[i], after.uid[i]);
	assert_true(after.uid[20] >= st.uidnext);
	free(text);
	uidset_clear(&uids);
}

/* The newest page of a large file never seen before has the UIDs that the whole scan gives. */
static void
test_newest_before_the_scan(void **state)
{
	struct fixture *fx = *state;
	struct str s = {0};
	struct seen tail = {0}, all = {0};
	struct folder_status st;
	struct folder_sink none = {0}, sink = { .ctx = &tail, .msg = see };
	bool delta;

	for (int i = 0; i < 1000; i++) {
		str_printf(&s, "From a@x Thu Jan  1 00:00:01 2026\nMessage-ID: <%d@x>\n\n", i);
		for (int k = 0; k < 1000; k++)
			str_puts(&s, "some words\n");
		str_puts(&s, "\n");
	}
	assert_int_equal(ERR_OK, file_write_atomic(fx->inbox, s.data, s.len, NULL));
	assert_int_equal(ERR_OK, fx->b->ops->open(fx->b, "inbox", NULL, &none, &st, &delta, NULL));
	assert_int_equal(ERR_OK, fx->b->ops->newest(fx->b, 50, &sink, NULL));
	assert_int_equal(0, tail.counts[0]);
	for (int i = 950; i < 1000; i++)
		assert_int_equal(1, tail.counts[i]);
	look(fx, "inbox", &all);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(1, all.counts[i]);
		assert_true(all.uid[i] < st.uidnext);
		if (tail.counts[i])
			assert_int_equal(all.uid[i], tail.uid[i]);
	}
	str_clear(&s);
}

/* Moved messages are in one place, and the map says where. */
static void
test_move_tells_where(void **state)
{
	struct fixture *fx = *state;
	struct seen in = {0}, trash = {0}, in2 = {0};
	struct uid_map map;

	for (int i = 0; i < 5; i++)
		add(fx, "inbox", i, 2);
	add(fx, "Trash", 9, 2);
	look(fx, "inbox", &in);
	struct uidset set = one(in.uid[1]);
	uidset_add(&set, in.uid[3]);
	assert_int_equal(ERR_OK, fx->b->ops->move(fx->b, &set, "Trash", &map, NULL));
	look(fx, "Trash", &trash);
	look(fx, "inbox", &in2);
	assert_int_equal(2, map.n);
	assert_int_equal(in.uid[1], map.from[0]);
	assert_int_equal(trash.uid[1], map.to[0]);
	assert_int_equal(trash.uid[3], map.to[1]);
	for (int i = 0; i < 5; i++)
		assert_int_equal(1, trash.counts[i] + in2.counts[i]);
	assert_int_equal(1, trash.counts[9]);
	uid_map_clear(&map);
	uidset_clear(&set);
}

static void
test_names_stay_inside(void **state)
{
	struct fixture *fx = *state;
	static const char *const bad[] = { "../x", "/etc/passwd", ".hidden", "a/../b", "a//b", "",
		"a/", "a\nb", "a/.b" };

	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(ERR_FOLDER, fx->b->ops->folder_create(fx->b, bad[i], NULL));
	assert_int_equal(ERR_OK, fx->b->ops->folder_create(fx->b, "Lists/dev", NULL));
	assert_int_equal(ERR_FOLDER, fx->b->ops->folder_create(fx->b, "Lists/dev", NULL));
	assert_int_equal(ERR_OK, fx->b->ops->folder_rename(fx->b, "Lists/dev", "Lists/old", NULL));
	assert_int_equal(ERR_OK, fx->b->ops->folder_delete(fx->b, "Lists/old", NULL));
}

static void
move_back_and_forth(struct fixture *fx)
{
	static const char *const wires[] = { "inbox", "Trash" };

	for (int turn = 0;; turn++) {
		struct uidset uids = {0}, some = {0};
		struct uid_map map;
		open_folder(fx, wires[turn % 2], &uids);
		uidset_take_highest(&some, &uids, 3);
		fx->b->ops->move(fx->b, &some, wires[1 - turn % 2], &map, NULL);
		uid_map_clear(&map);
		uidset_clear(&uids);
		uidset_clear(&some);
	}
}

/* Killed at any moment of a move, every message is in exactly one of the two files, whole. */
static void
test_kill_during_move(void **state)
{
	struct fixture *fx = *state;
	enum { N = 12, KILLS = 40 };
	unsigned seed = 7;

	for (int i = 0; i < N; i++)
		add(fx, "inbox", i, i % 3 == 0 ? 30000 : 5);
	for (int k = 0; k < KILLS; k++) {
		pid_t pid = fork();
		if (pid == 0) {
			move_back_and_forth(fx);
			_exit(0);
		}
		struct timespec t = { .tv_nsec = rand_r(&seed) % 25000000 };
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		char *lock = xasprintf("%s.lock", fx->inbox), *lock2 = path_join(fx->mail, "Trash.lock");
		unlink(lock);			/* as remove_stale does after its time */
		unlink(lock2);
		free(lock);
		free(lock2);
		connect_again(fx);
		struct seen s = {0};
		look(fx, "inbox", &s);
		look(fx, "Trash", &s);
		for (int i = 0; i < N; i++)
			assert_int_equal(1, s.counts[i]);
	}
}

#define F(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
TEST_MAIN(F(test_uids_last), F(test_newest_before_the_scan), F(test_move_tells_where),
	F(test_names_stay_inside), F(test_kill_during_move))
