/* Mailboxes in mbox files behind the calls of a backend. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "local.h"
#include "mbox.h"
#include "mime.h"
#include "path.h"
#include "remove_tree.h"
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
	int rc = remove_tree(fx->dir);

	fx->b->ops->close(fx->b, 0);
	cancel_close(&fx->cancel);
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
	struct byte_source src = byte_source_memory(str_get(&s), s.len);
	assert_int_equal(ERR_OK, fx->b->ops->append(fx->b, wire, &src, 0, 1000 + number, &uid,
		NULL));
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

/* UIDs stay with their messages over a restart, over appends and over a
 * rewrite by another program. */
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
	/* Another program deletes the first message and marks the second,
	 * by writing the file anew. */
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
	assert_int_equal(ERR_OK, fx->b->ops->open(fx->b, "inbox", NULL, &none, &st, &delta,
		NULL));
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

/* Moved and moved back a message is byte for byte what it was: who delivered it stands in its
 * From_ line still. */
static void
test_move_and_back_changes_nothing(void **state)
{
	static const char text[] = "From bob@x.org Mon Nov  2 10:00:00 2026\n"
		"Message-ID: <1@x>\nStatus:   \nX-Status:     \n\n>From me\n\nend\n\n";
	struct fixture *fx = *state;
	struct seen in = {0}, trash = {0};
	struct uid_map map;
	char *now;
	size_t n;

	assert_int_equal(ERR_OK, file_write_atomic(fx->inbox, text, strlen(text), NULL));
	look(fx, "inbox", &in);
	struct uidset set = one(in.uid[1]);
	assert_int_equal(ERR_OK, fx->b->ops->move(fx->b, &set, "Trash", &map, NULL));
	uid_map_clear(&map);
	uidset_clear(&set);
	look(fx, "Trash", &trash);
	set = one(trash.uid[1]);
	assert_int_equal(ERR_OK, fx->b->ops->move(fx->b, &set, "inbox", &map, NULL));
	uid_map_clear(&map);
	uidset_clear(&set);
	assert_int_equal(ERR_OK, file_read(&now, &n, fx->inbox, 4096, NULL));
	assert_string_equal(text, now);
	free(now);
}

static void
test_names_stay_inside(void **state)
{
	struct fixture *fx = *state;
	static const char *const bad[] = { "../x", "/etc/passwd", ".hidden", "a/../b", "a//b",
		"", "a/", "a\nb", "a/.b" };

	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(ERR_FOLDER, fx->b->ops->folder_create(fx->b, bad[i], NULL));
	assert_int_equal(ERR_OK, fx->b->ops->folder_create(fx->b, "Lists/dev", NULL));
	assert_int_equal(ERR_FOLDER, fx->b->ops->folder_create(fx->b, "Lists/dev", NULL));
	assert_int_equal(ERR_OK, fx->b->ops->folder_rename(fx->b, "Lists/dev", "Lists/old",
		NULL));
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
		connect_again(fx);
		struct seen s = {0};
		look(fx, "inbox", &s);
		look(fx, "Trash", &s);
		for (int i = 0; i < N; i++)
			assert_int_equal(1, s.counts[i]);
	}
}

/* What was marked or removed by ourselves is known without a look at the file: the map that is
 * kept is the one that a scan of the file gives. */
static void
test_own_changes_need_no_scan(void **state)
{
	struct fixture *fx = *state;
	struct seen before = {0}, after = {0};

	for (int i = 0; i < 9; i++)
		add(fx, "inbox", i, (size_t)i * 3);
	look(fx, "inbox", &before);
	struct uidset flagged = one(before.uid[4]), gone = one(before.uid[2]);
	uidset_add(&gone, before.uid[8]);
	assert_int_equal(ERR_OK, fx->b->ops->set_flags(fx->b, &flagged, MSG_FLAGGED, 0, NULL));
	assert_int_equal(ERR_OK, fx->b->ops->expunge(fx->b, &gone, NULL));
	look(fx, "inbox", &after);
	struct seen scanned = {0};
	struct timespec touched[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	assert_int_equal(0, utimensat(AT_FDCWD, fx->inbox, touched, 0));
	look(fx, "inbox", &scanned);
	assert_memory_equal(&scanned, &after, sizeof after);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(i != 2 && i != 8, after.counts[i]);
		assert_int_equal(i == 4 ? MSG_FLAGGED : 0, after.flags[i]);
	}
	uidset_clear(&flagged);
	uidset_clear(&gone);
}

struct told {
	int n_flags;
	uint64_t n_gone;
};

static void
told_flags(void *ctx, uint32_t uid, uint32_t flags, uint64_t modseq)
{
	struct told *t = ctx;

	(void)uid;
	(void)flags;
	(void)modseq;
	t->n_flags++;
}

static void
told_gone(void *ctx, const struct uidset *uids)
{
	struct told *t = ctx;

	t->n_gone += uidset_count(uids);
}

/* Who knows the last state is told what changed since, and no more;
 * who knows less is told all. */
static void
test_changes_tell_what_changed(void **state)
{
	struct fixture *fx = *state;
	struct told t = {0};
	struct folder_sink sink = { .ctx = &t, .flags = told_flags, .vanished = told_gone };
	struct folder_status st;
	struct uidset uids = {0};

	for (int i = 0; i < 30; i++)
		add(fx, "inbox", i, 2);
	open_folder(fx, "inbox", &uids);
	assert_int_equal(ERR_OK, fx->b->ops->changes(fx->b, NULL, &sink, &st, NULL));
	assert_int_equal(30, t.n_flags);
	struct folder_known known = { .uidvalidity = st.uidvalidity, .modseq = st.modseq,
		.uids = &uids };
	struct uidset first = one(uidset_min(&uids)), last = one(uidset_max(&uids));
	assert_int_equal(ERR_OK, fx->b->ops->set_flags(fx->b, &first, MSG_SEEN, 0, NULL));
	assert_int_equal(ERR_OK, fx->b->ops->expunge(fx->b, &last, NULL));
	t = (struct told){0};
	assert_int_equal(ERR_OK, fx->b->ops->changes(fx->b, &known, &sink, &st, NULL));
	assert_int_equal(1, t.n_flags);
	assert_int_equal(1, t.n_gone);
	t = (struct told){0};
	assert_int_equal(ERR_OK, fx->b->ops->changes(fx->b, &known, &sink, &st, NULL));
	assert_int_equal(29, t.n_flags);	/* `known` is older than what is remembered */
	assert_int_equal(1, t.n_gone);
	uidset_clear(&uids);
	uidset_clear(&first);
	uidset_clear(&last);
}

/* What another program appended, and a change of ours came upon, is news to whoever waits, once. */
static void
test_what_our_change_met_is_news(void **state)
{
	struct fixture *fx = *state;
	struct told t = {0};
	struct folder_sink sink = { .ctx = &t, .flags = told_flags, .vanished = told_gone };
	struct folder_status st;
	struct uidset uids = {0};
	int what;

	for (int i = 0; i < 3; i++)
		add(fx, "inbox", i, 2);
	open_folder(fx, "inbox", &uids);
	assert_int_equal(ERR_OK, fx->b->ops->changes(fx->b, NULL, &sink, &st, NULL));
	assert_int_equal(ERR_OK, fx->b->ops->wait(fx->b, 0, -1, &what, NULL));
	assert_int_equal(0, what);
	FILE *f = fopen(fx->inbox, "a");
	assert_non_null(f);
	fputs("From eve@example.org Mon Jan  5 10:00:00 2026\nSubject: x\n\nbody\n\n", f);
	fclose(f);
	struct uidset first = one(uidset_min(&uids));
	assert_int_equal(ERR_OK, fx->b->ops->set_flags(fx->b, &first, MSG_SEEN, 0, NULL));
	assert_int_equal(ERR_OK, fx->b->ops->wait(fx->b, 0, -1, &what, NULL));
	assert_int_equal(WAIT_CHANGED, what);
	t = (struct told){0};
	assert_int_equal(ERR_OK, fx->b->ops->changes(fx->b, NULL, &sink, &st, NULL));
	assert_int_equal(4, t.n_flags);
	assert_int_equal(ERR_OK, fx->b->ops->wait(fx->b, 0, -1, &what, NULL));
	assert_int_equal(0, what);
	uidset_clear(&uids);
	uidset_clear(&first);
}

static const struct uidset *
asked_in_vain(void *ctx)
{
	(void)ctx;
	fail_msg("the UIDs are not needed");
	return NULL;
}

/* The one map there is, its messages made unreadable, and readable again. */
static void
flip_entries(struct fixture *fx)
{
	char *cmd =
		xasprintf("cd %s && perl -0777 -pi -e 'substr($_, 100) =~ "
		"tr/\\x00-\\xff/\\x80-\\xff\\x00-\\x7f/' *.map", fx->maps);

	assert_int_equal(0, system(cmd));
	free(cmd);
}

/* Reopened as it was left, a folder costs the head of its map: its messages are
 * read when they are needed. */
static void
test_reopening_reads_the_head_alone(void **state)
{
	struct fixture *fx = *state;
	struct folder_sink none = {0};
	struct folder_status st;
	struct uidset uids = {0}, again = {0};
	bool is_delta;

	for (int i = 0; i < 50; i++)
		add(fx, "inbox", i, 2);
	st = open_folder(fx, "inbox", &uids);
	struct folder_known known = { .uidvalidity = st.uidvalidity, .modseq = st.modseq,
		.ask = asked_in_vain };
	flip_entries(fx);
	connect_again(fx);
	assert_int_equal(ERR_OK, fx->b->ops->open(fx->b, "inbox", &known, &none, &st,
		&is_delta, NULL));
	assert_true(is_delta);
	assert_int_equal(50, st.n_msgs);
	assert_int_equal(50, st.n_unread);
	assert_int_equal(known.modseq, st.modseq);
	flip_entries(fx);
	assert_int_equal(ERR_OK, fx->b->ops->uids(fx->b, &again, NULL));
	uidset_subtract(&again, &uids);
	assert_int_equal(0, again.n);
	add(fx, "inbox", 50, 2);		/* and what comes later is told as ever */
	struct told t = {0};
	struct folder_sink sink = { .ctx = &t, .flags = told_flags, .vanished = told_gone };
	known.ask = NULL;
	known.uids = &uids;
	assert_int_equal(ERR_OK, fx->b->ops->changes(fx->b, &known, &sink, &st, NULL));
	assert_int_equal(51, t.n_flags);
	assert_int_equal(51, st.n_msgs);
	uidset_clear(&uids);
	uidset_clear(&again);
}

/* An inbox of n messages as another program would have written it. */
static void
write_inbox(struct fixture *fx, int n)
{
	struct str s = {0};

	for (int i = 0; i < n; i++)
		str_printf(&s,
			"From x@y Thu Jan  1 00:00:01 2026\nMessage-ID: <%d@x>\nSubject: "
			"number %d\nStatus:   \nX-Status:     \n\ntext\n\n", i, i);
	assert_int_equal(ERR_OK, file_write_atomic(fx->inbox, str_get(&s), s.len, NULL));
	str_clear(&s);
}

/* What a neighbour does to the file: marks the message seen, where it stands. */
static void
mark_outside(struct fixture *fx, int number)
{
	char *id = xasprintf("Message-ID: <%d@x>", number), *text;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&text, &n, fx->inbox, 1 << 20, NULL));
	memcpy(strstr(strstr(text, id), "Status:   "), "Status: RO", 10);
	FILE *f = fopen(fx->inbox, "r+");
	assert_int_equal(n, fwrite(text, 1, n, f));
	fclose(f);
	free(text);
	free(id);
}

/* Slice after slice downwards, as an index is filled, each message is told once, as it is at
 * that moment: what was read ahead of a change is not told. */
static void
test_reading_ahead_tells_what_is(void **state)
{
	enum { N = 900, SLICE = 100 };
	struct fixture *fx = *state;
	struct seen s = {0};
	struct folder_sink sink = { .ctx = &s, .msg = see };
	struct uidset uids = {0};
	int n_told = 0;

	write_inbox(fx, N);
	open_folder(fx, "inbox", &uids);
	for (int slice = 0; uids.n > 0; slice++) {
		struct uidset some = {0};
		/* told so far, with the next: from here on */
		int below = N - (slice + 1) * SLICE;
		uidset_take_highest(&some, &uids, SLICE);
		assert_int_equal(ERR_OK, fx->b->ops->headers(fx->b, &some, &sink, NULL));
		uidset_clear(&some);
		struct timespec moment = { .tv_nsec = 5000000 };
		nanosleep(&moment, NULL);		/* the next are read by now */
		if (slice % 3 == 1)
			mark_outside(fx, below - 1);
		if (slice % 3 == 2 && uids.n > 0) {
			some = one(uidset_max(&uids));
			assert_int_equal(ERR_OK, fx->b->ops->set_flags(fx->b, &some,
				MSG_FLAGGED, 0, NULL));
			uidset_clear(&some);
		}
	}
	for (int i = 0; i < N; i++) {
		/* after which it was changed, if it was */
		int slice = (N - 1 - i) / SLICE - 1;
		bool is_edge = i % SLICE == SLICE - 1 && i < N - SLICE;
		uint32_t flags = is_edge && slice % 3 == 1 ? MSG_SEEN : is_edge &&
			slice % 3 == 2 ? MSG_FLAGGED : 0;
		assert_int_equal(1, s.counts[i]);
		assert_int_equal(flags, s.flags[i] & MSG_SERVER_FLAGS);
		n_told += flags != 0;
	}
	assert_int_equal(5, n_told);
	uidset_clear(&uids);
}

/* Counts of a closed folder come from its map; what another program appended is in them. */
static void
test_status_of_closed_folders(void **state)
{
	struct fixture *fx = *state;
	struct folder_status st;
	struct uidset uids = {0};

	for (int i = 0; i < 3; i++)
		add(fx, "Sent", i, 1);
	assert_int_equal(ERR_OK, fx->b->ops->status(fx->b, "Sent", &st, NULL));
	assert_int_equal(3, st.n_msgs);
	assert_int_equal(3, st.n_unread);
	char *path = path_join(fx->mail, "Sent");
	FILE *f = fopen(path, "a");
	fputs("From x@y Thu Jan  1 00:00:01 2026\nSubject: x\nStatus: RO\n\nx\n", f);
	fclose(f);
	assert_int_equal(ERR_OK, fx->b->ops->status(fx->b, "Sent", &st, NULL));
	assert_int_equal(4, st.n_msgs);
	assert_int_equal(3, st.n_unread);
	uint32_t validity = st.uidvalidity;
	assert_int_equal(ERR_OK, fx->b->ops->folder_rename(fx->b, "Sent", "Old", NULL));
	assert_int_equal(ERR_OK, fx->b->ops->status(fx->b, "Old", &st, NULL));
	assert_int_equal(validity, st.uidvalidity);	/* the map goes with it */
	free(path);
	uidset_clear(&uids);
}

enum { CENSUS = 120 };

static void
census(struct fixture *fx, int n)
{
	static const char *const wires[] = { "inbox", "Trash", "Sent" };
	struct seen *s = xcalloc(1, sizeof *s);

	for (size_t i = 0; i < LEN(wires); i++)
		look(fx, wires[i], s);
	for (int i = 0; i < n; i++) {
		if (s->counts[i] != 1)
			fail_msg("message %d stands %d times", i, s->counts[i]);
	}
	free(s);
}

static void
triage(struct fixture *fx, unsigned seed, int n_turns)
{
	static const char *const wires[] = { "inbox", "Trash", "Sent" };
	struct folder_sink none = {0};
	struct folder_status st;
	bool delta;

	for (int turn = 0; n_turns == 0 || turn < n_turns; turn++) {
		const char *from = wires[rand_r(&seed) % 3], *to = wires[rand_r(&seed) % 3];
		struct uidset uids = {0}, some = {0};
		struct uid_map map = {0};
		if (fx->b->ops->open(fx->b, from, NULL, &none, &st, &delta, NULL) != ERR_OK ||
		    fx->b->ops->uids(fx->b, &uids, NULL) != ERR_OK)
			continue;
		uidset_take_highest(&some, &uids, 1 + rand_r(&seed) % 5);
		if (rand_r(&seed) % 3 == 0)
			fx->b->ops->set_flags(fx->b, &some, MSG_SEEN, MSG_FLAGGED, NULL);
		else if (from != to)
			fx->b->ops->move(fx->b, &some, to, &map, NULL);
		uid_map_clear(&map);
		uidset_clear(&uids);
		uidset_clear(&some);
	}
}

static enum err
from_line(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	char **text = ctx;

	(void)e;
	*n = strlen(*text) < size ? strlen(*text) : size;
	memcpy(buf, *text, *n);
	*text += *n;
	return ERR_OK;
}

static void
deliver(struct fixture *fx, int from, int to)
{
	struct timespec pause = { .tv_nsec = 15000000 };

	for (int i = from; i < to; i++) {
		char *text = xasprintf("Message-ID: <%d@x>\nSubject: number %d\n\nFrom the "
			"deliverer\n", i, i);
		char *rest = text;
		struct mbox_source src = { &rest, from_line };
		uint64_t pos;
		while (mbox_append(fx->inbox, &src, 0, 1000, &pos, NULL, NULL) != ERR_OK)
			rest = text;
		free(text);
		nanosleep(&pause, NULL);
	}
}

/* Two Dunlins on the same files and maps, and a deliverer: each
 * message stands in one place. */
static void
test_two_at_once_and_a_deliverer(void **state)
{
	struct fixture *fx = *state;
	pid_t pids[3];
	int status;

	for (int i = 0; i < CENSUS / 2; i++)
		add(fx, "inbox", i, (size_t)i % 7);
	for (int k = 0; k < 3; k++) {
		pids[k] = fork();
		if (pids[k] == 0) {
			if (k < 2) {
				connect_again(fx);
				triage(fx, (unsigned)k + 1, 60);
			} else {
				deliver(fx, CENSUS / 2, CENSUS);
			}
			_exit(0);
		}
	}
	for (int k = 0; k < 3; k++) {
		waitpid(pids[k], &status, 0);
		assert_int_equal(0, status);
	}
	connect_again(fx);
	census(fx, CENSUS);
}

/* Killed at any moment of marking, moving and appending, every
 * message is in one place, whole. */
static void
test_kill_during_triage(void **state)
{
	struct fixture *fx = *state;
	enum { N = 30, KILLS = 40 };
	unsigned seed = 11;

	for (int i = 0; i < N; i++)
		add(fx, "inbox", i, i % 5 == 0 ? 3000 : 5);
	for (int k = 0; k < KILLS; k++) {
		pid_t pid = fork();
		if (pid == 0) {
			connect_again(fx);
			triage(fx, (unsigned)k, 0);
			_exit(0);
		}
		struct timespec t = { .tv_nsec = rand_r(&seed) % 30000000 };
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		/* the dead one's lock files are known for what they are */
		connect_again(fx);
		census(fx, N);
	}
}

#define F(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
TEST_MAIN(F(test_uids_last), F(test_newest_before_the_scan), F(test_move_tells_where),
	F(test_move_and_back_changes_nothing),
	F(test_names_stay_inside), F(test_kill_during_move), F(test_own_changes_need_no_scan),
	F(test_changes_tell_what_changed), F(test_what_our_change_met_is_news),
	F(test_reopening_reads_the_head_alone),
	F(test_reading_ahead_tells_what_is),
	F(test_status_of_closed_folders),
	F(test_two_at_once_and_a_deliverer), F(test_kill_during_triage))
