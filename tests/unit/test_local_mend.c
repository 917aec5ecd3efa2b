/* What stands wrong in mbox files or their maps is mended by itself: by the next
 * look, not by the next change. */
#include <fcntl.h>
#include <sys/stat.h>
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
	char *mail, *maps;
	struct cancel cancel;
	struct backend *b;
	struct error e;
};

static struct backend *
backend_of(struct fixture *fx)
{
	struct local_config cfg = { .dir = fx->mail, .map_dir = fx->maps };

	return local_new(&cfg, &fx->cancel);
}

static int
set_up(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	strcpy(fx->dir, "/tmp/dunlin-mend.XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->mail = path_join(fx->dir, "Mail");
	fx->maps = path_join(fx->dir, "maps");
	cancel_init(&fx->cancel, NULL);
	mime_init();
	fx->b = backend_of(fx);
	assert_int_equal(ERR_OK, fx->b->ops->connect(fx->b, NULL, &fx->e));
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
	free(fx);
	return rc;
}

static void
add(struct fixture *fx, const char *wire, const char *name)
{
	char *text = xasprintf("Message-ID: <%s@x>\r\nSubject: %s\r\n\r\nbody of %s\r\n", name,
		name, name);
	struct byte_source src = byte_source_memory(text, strlen(text));
	uint32_t uid;

	assert_int_equal(ERR_OK, fx->b->ops->append(fx->b, wire, &src, 0, 1000, &uid, NULL));
	free(text);
}

static struct folder_status
open_folder(struct fixture *fx, const char *wire)
{
	struct folder_sink none = {0};
	struct folder_status st;
	bool delta;

	if (fx->b->ops->open(fx->b, wire, NULL, &none, &st, &delta, &fx->e) != ERR_OK)
		fail_msg("%s", fx->e.text);
	return st;
}

/* The first of the open folder. */
static uint32_t
first_uid(struct fixture *fx)
{
	struct uidset uids = {0};

	assert_int_equal(ERR_OK, fx->b->ops->uids(fx->b, &uids, NULL));
	uint32_t uid = uidset_next(&uids, 0);
	uidset_clear(&uids);
	return uid;
}

static struct uidset
one(uint32_t uid)
{
	struct uidset s = {0};

	uidset_add(&s, uid);
	return s;
}

static enum err
into_str(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)e;
	str_add(ctx, p, n);
	return ERR_OK;
}

/* Moves the first message of the inbox to Trash, while the inbox cannot be written anew: what
 * would be its new file is a directory, with something in it. */
static enum err
move_stuck(struct fixture *fx)
{
	char *new = path_join(fx->mail, ".inbox.dunlin-new"), *in_it = path_join(new, "x");
	struct uid_map map;

	open_folder(fx, "inbox");
	struct uidset uids = one(first_uid(fx));
	assert_int_equal(ERR_OK, path_mkdirs(in_it, NULL));
	enum err rc = fx->b->ops->move(fx->b, &uids, "Trash", &map, &fx->e);
	rmdir(in_it);
	rmdir(new);
	uid_map_clear(&map);
	uidset_clear(&uids);
	free(in_it);
	free(new);
	return rc;
}

/* A move whose second half fails is finished by the next opening of a folder, or the
 * next sync of the open one. */
static void
test_half_move_is_finished(void **state)
{
	struct fixture *fx = *state;
	struct folder_sink none = {0};
	struct folder_status st;

	for (int by_sync = 0; by_sync < 2; by_sync++) {
		add(fx, "inbox", by_sync ? "c" : "a");
		add(fx, "inbox", by_sync ? "d" : "b");
		uint32_t n = open_folder(fx, "inbox").n_msgs;
		assert_int_equal(ERR_LOCAL, move_stuck(fx));
		if (by_sync)
			assert_int_equal(ERR_OK, fx->b->ops->changes(fx->b, NULL, &none, &st,
				NULL));
		else
			st = open_folder(fx, "inbox");
		assert_int_equal(n - 1, st.n_msgs);
		assert_int_equal(1 + by_sync, open_folder(fx, "Trash").n_msgs);
	}
}

/* The mailboxes' directory is moved between the crash and the start, and the mailrc says so:
 * the move is finished in the new place, UIDs and all. Where nobody said so, nothing is made
 * in the old place before a person did. */
static void
test_directory_moved_meanwhile(void **state)
{
	struct fixture *fx = *state;
	struct error e;

	add(fx, "inbox", "a");
	add(fx, "inbox", "b");
	struct folder_status before = open_folder(fx, "inbox");
	assert_int_equal(ERR_LOCAL, move_stuck(fx));
	fx->b->ops->close(fx->b, 0);
	char *old = fx->mail;
	fx->mail = path_join(fx->dir, "Elsewhere");
	assert_int_equal(0, rename(old, fx->mail));

	char *there = fx->mail;
	fx->mail = old;
	struct backend *b = backend_of(fx);
	assert_int_equal(ERR_LOCAL, b->ops->connect(b, NULL, &e));
	assert_non_null(strstr(e.text, "is gone"));
	assert_int_not_equal(0, access(old, F_OK));
	b->ops->close(b, 0);
	fx->mail = there;

	fx->b = backend_of(fx);
	assert_int_equal(ERR_OK, fx->b->ops->connect(fx->b, NULL, &e));
	struct folder_status after = open_folder(fx, "inbox");
	assert_int_equal(1, after.n_msgs);
	assert_int_equal(before.uidvalidity, after.uidvalidity);
	assert_int_equal(before.uidnext, after.uidnext);
	assert_int_equal(1, open_folder(fx, "Trash").n_msgs);
	assert_int_not_equal(0, access(old, F_OK));
	free(old);
}

/* The file has its old length and time and other content, as after a power cut that took what
 * another program wrote: reading and marking find the messages that are there. */
static void
test_stamp_that_lies(void **state)
{
	struct fixture *fx = *state;
	struct uidset uids = {0};
	struct str text = {0};
	struct byte_sink sink = { .ctx = &text, .write = into_str };
	char *inbox = path_join(fx->mail, "inbox"), *bytes;
	struct stat st;
	size_t n;

	for (int marks = 0; marks < 2; marks++) {
		add(fx, "inbox", "a");
		add(fx, "inbox", "bbb");
		open_folder(fx, "inbox");
		uidset_clear(&uids);
		assert_int_equal(ERR_OK, fx->b->ops->uids(fx->b, &uids, NULL));
		assert_int_equal(2, uidset_count(&uids));
		uint32_t first = uidset_next(&uids, 0), second = uidset_next(&uids, first);
		/* The two change places. */
		assert_int_equal(0, stat(inbox, &st));
		assert_int_equal(ERR_OK, file_read(&bytes, &n, inbox, 1 << 20, NULL));
		size_t half = (size_t)(strstr(bytes + 1, "\nFrom ") + 1 - bytes);
		int fd = open(inbox, O_WRONLY);
		assert_int_equal((ssize_t)(n - half), write(fd, bytes + half, n - half));
		assert_int_equal((ssize_t)half, write(fd, bytes, half));
		struct timespec times[2] = { st.st_atim, st.st_mtim };
		futimens(fd, times);
		close(fd);
		free(bytes);
		if (marks) {
			struct uidset u = one(second);
			assert_int_equal(ERR_OK, fx->b->ops->set_flags(fx->b, &u, MSG_FLAGGED,
				0, NULL));
			uidset_clear(&u);
		}
		str_cut(&text, 0);
		assert_int_equal(ERR_OK, fx->b->ops->fetch(fx->b, second, "", &sink, NULL));
		assert_non_null(strstr(str_get(&text), "body of bbb"));
		str_cut(&text, 0);
		assert_int_equal(ERR_OK, fx->b->ops->fetch(fx->b, first, "", &sink, NULL));
		assert_non_null(strstr(str_get(&text), "body of a"));
		assert_int_equal(ERR_OK, fx->b->ops->expunge(fx->b, &uids, NULL));
	}
	str_clear(&text);
	uidset_clear(&uids);
	free(inbox);
}

#define F(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
TEST_MAIN(F(test_half_move_is_finished), F(test_directory_moved_meanwhile),
	F(test_stamp_that_lies))
