/* test_arrivals.c - telling of new mail: what is new, once, by the command and by the bell. */
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "ui/arrivals.h"
#include "ui/notify.h"
#include "views_fixture.h"

static char told[200];			/* the file that the command writes */
static int n_rings;

static void
ring(struct term *t)
{
	(void)t;
	n_rings++;
}

/* Looking at Archive, with the command and the bell set. */
static struct fx *
watch(void)
{
	static struct term_ops ops;

	snprintf(told, sizeof told, "/tmp/dunlin-told-%d", (int)getpid());
	unlink(told);
	char *rc = xasprintf("[mail]\nbell = yes\nnotify = \"echo "
		"$DUNLIN_ACCOUNT,$DUNLIN_FOLDER,$DUNLIN_FROM,$DUNLIN_SUBJECT,$DUNLIN_COUNT >> "
		"%s\"\n", told);
	struct fx *f = begin_with(rc, 24, 80);
	free(rc);
	ops = *f->u->ui->term->ops;
	ops.bell = ring;
	f->u->ui->term->ops = &ops;
	n_rings = 0;
	press(f->u, "cArchive<Enter>");
	return f;
}

static void
put(struct fx *f, uint32_t uid, uint32_t flags, const char *subject)
{
	char mid[20];

	snprintf(mid, sizeof mid, "%u@new", uid);
	struct msg m = { .id = msg_id_of(f->inbox, uid), .arrived = now, .date = now,
		.flags = flags, .from_name = "Zo\303\253", .from_addr = "zoe@example.se",
		.to = "", .cc = "", .subject = subject, .message_id = mid, .in_reply_to = "",
		.references = "", .list_id = "" };
	OK(store_msg_put(f->s, &m, NULL));
}

/* The server's folder is known up to there, and the screen hears of it. */
static void
came(struct fx *f, uint32_t uidnext)
{
	struct event ev = { .kind = EV_FOLDER, .account = f->account };
	struct arena a = { 0 };
	struct folder x;

	assert_true(store_folder(f->s, f->inbox, &a, &x));
	x.uidnext = uidnext;
	OK(store_folder_state(f->s, &x, NULL));
	ev.u.folder.id = f->inbox;
	ui_event(f->u->ui, &ev);
	ui_draw(f->u->ui);
	arena_clear(&a);
}

/* What the command was told within some seconds, lines together; "" after a while of nothing.
 * Owned. */
static char *
what_was_told(struct fx *f, size_t n_lines)
{
	char *text = NULL;
	size_t len = 0;

	for (int ms = 0; ms < (n_lines ? 20000 : 1800); ms += 20) {
		size_t n = 0;
		arrivals_step(f->u->ui);
		usleep(20000);
		free(text);
		text = NULL;
		if (file_read(&text, &len, told, 10000, NULL) != ERR_OK)
			text = xstrdup("");
		for (const char *p = text; *p; p++)
			n += *p == '\n';
		if (n_lines && n >= n_lines)
			break;
	}
	return text;
}

static void
assert_told(struct fx *f, size_t n_lines, const char *want)
{
	char *got = what_was_told(f, n_lines);

	assert_string_equal(want, got);
	free(got);
}

static void
told_to(struct fx *f, int64_t uid)
{
	int64_t was;
	char name[30];

	snprintf(name, sizeof name, "told.%u", f->inbox);
	OK(store_value_raise(f->s, name, uid, &was, NULL));
}

/* What an inbox holds when it is seen for the first time is not new, in how many pieces it may
 * come, before the account was in step once. */
static void
test_first_filling_is_not_new(void **state)
{
	struct fx *f = watch();
	struct event ev = { .kind = EV_STATE, .account = f->account };
	char name[30];

	(void)state;
	snprintf(name, sizeof name, "told.%u", f->inbox);
	came(f, 9);
	put(f, 9, 0, "one");
	came(f, 10);
	ev.u.state.link = LINK_ONLINE;
	ui_event(f->u->ui, &ev);
	put(f, 10, 0, "two");
	came(f, 11);
	arrivals_step(f->u->ui);
	assert_null(store_value(f->s, name));
	assert_true(arrivals_next_ms(f->u->ui) > 1000);
	usleep((useconds_t)(arrivals_next_ms(f->u->ui) + 20) * 1000);
	arrivals_step(f->u->ui);
	char *value = store_value(f->s, name);
	assert_string_equal("10", value);
	free(value);
	assert_int_equal(0, n_rings);
	put(f, 11, 0, "three");
	came(f, 12);
	assert_int_equal(1, n_rings);
	end(f);
}

/* A burst is one call and a bell for each event, and a read one is none of it. */
static void
test_new_mail_is_told(void **state)
{
	struct fx *f = watch();

	(void)state;
	told_to(f, 8);
	put(f, 9, 0, "one");
	put(f, 10, MSG_SEEN, "read on the phone");
	came(f, 11);
	BOTTOM_HAS(f, "new: Zo\303\253: one");
	put(f, 11, 0, "two");
	put(f, 12, 0, "the \033[31mred\033[0m $(touch /tmp/x) `id` 'one'\n");
	came(f, 13);
	assert_int_equal(2, n_rings);
	assert_told(f, 1, "work,INBOX,Zo\303\253,the [31mred [0m $(touch /tmp/x) `id` "
		"'one' ,3\n");
	unlink(told);
	came(f, 13);
	assert_told(f, 0, "");
	assert_int_equal(2, n_rings);
	end(f);
}

/* Of two windows one tells. */
static void
test_told_once(void **state)
{
	struct fx *f = watch();
	int64_t was;
	char name[30];

	(void)state;
	told_to(f, 8);
	put(f, 9, 0, "one");
	snprintf(name, sizeof name, "told.%u", f->inbox);
	OK(store_value_raise(f->s, name, 9, &was, NULL));	/* the other was quicker */
	assert_int_equal(8, was);
	came(f, 10);
	assert_int_equal(0, n_rings);
	OK(store_value_raise(f->s, name, 5, &was, NULL));	/* and never goes back */
	OK(store_value_raise(f->s, name, 5, &was, NULL));
	assert_int_equal(9, was);
	end(f);
}

/* What we moved there ourselves is not new, whether or not the server tells where it is. */
static void
test_own_moves_are_not_new(void **state)
{
	struct fx *f = watch();
	struct intent in = { .account = f->account, .kind = INTENT_MOVE, .dest = "INBOX",
		.label = "moved", .error = "" };
	struct intent_batch b;
	struct arena a = { 0 };
	int64_t group = 0;
	intent_id id;
	uint32_t from = 1, to = 9;
	struct folder archive;

	(void)state;
	told_to(f, 8);
	assert_true(store_folder_by_wire(f->s, f->account, "Archive", &a, &archive));
	in.folder = archive.id;
	folder_id inbox = f->inbox;
	f->inbox = archive.id;
	put(f, 1, 0, "moved by us");
	f->inbox = inbox;
	msg_id msg = msg_id_of(archive.id, 1);
	OK(store_intent_add(f->s, &in, &msg, 1, &group, &id, NULL));
	assert_true(store_intent_next(f->s, f->account, &a, &b));
	OK(store_intents_running(f->s, &b, 0, NULL));
	OK(store_intents_done(f->s, &b, &from, &to, 1, NULL));
	intent_batch_clear(&b);
	came(f, 10);
	assert_int_equal(0, n_rings);
	put(f, 1, 0, "not of the inbox");
	struct msg m = { .id = msg_id_of(inbox, 10), .arrived = now, .date = now,
		.from_name = "", .from_addr = "", .to = "", .cc = "", .subject = "",
		.message_id = "1@new", .in_reply_to = "", .references = "", .list_id = "" };
	OK(store_msg_put(f->s, &m, NULL));
	came(f, 11);
	assert_int_equal(0, n_rings);
	arena_clear(&a);
	end(f);
}

/* One at a time, and one that hangs is killed with all it started. */
static void
test_hanging_command(void **state)
{
	struct notify *n;
	struct new_mail m = { "work", "INBOX", "ada", "x", 1 };
	char path[100], *command, *text = NULL;
	size_t len;

	(void)state;
	snprintf(path, sizeof path, "/tmp/dunlin-hang-%d", (int)getpid());
	unlink(path);
	command = xasprintf("echo $DUNLIN_ACCOUNT >> %s; sleep 100 & sleep 100", path);
	n = notify_new(command);
	notify_add(n, &m, 0);
	assert_int_equal(1000, notify_next_ms(n, 0));
	notify_step(n, 500);
	assert_int_equal(500, notify_next_ms(n, 500));
	notify_step(n, 1000);
	m.account = "home";
	notify_add(n, &m, 1500);
	for (int i = 0; i < 50; i++) {
		notify_step(n, 3000);
		usleep(10000);
	}
	assert_int_equal(ERR_OK, file_read(&text, &len, path, 100, NULL));
	assert_string_equal("work\n", text);
	notify_step(n, 16001);
	for (int i = 0; i < 500 && len < 8; i++) {
		notify_step(n, 16002);
		usleep(10000);
		free(text);
		text = NULL;
		assert_int_equal(ERR_OK, file_read(&text, &len, path, 100, NULL));
	}
	assert_string_equal("work\nhome\n", text);
	notify_step(n, 90000);
	usleep(50000);
	notify_step(n, 90000);
	free(text);
	free(command);
	notify_free(n);
	unlink(path);
}

TEST_MAIN(T(test_first_filling_is_not_new), T(test_new_mail_is_told), T(test_told_once),
	T(test_own_moves_are_not_new), T(test_hanging_command))
