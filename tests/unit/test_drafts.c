/* Drafts: what was saved comes back, at every moment one good copy is there. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drafts.h"
#include "path.h"
#include "remove_tree.h"
#include "test.h"

static char dir[40];

static int
make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/dunlin-test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
	(void)state;
	return remove_tree(dir);
}

static struct note
sample(void)
{
	struct note n = { .about = 4294967297, .about_flag = 2 };

	note_set(&n.from, "Ada <ada@example.org>");
	note_set(&n.to, "J\xc3\xb6rg <j@x.net>");
	note_set(&n.subject, "two\nBcc: lines: x");
	note_set(&n.references, "a@x b@x");
	note_set(&n.message_id, "m@x");
	note_set(&n.name, "0123456789abcdef");
	note_set(&n.account, "work");
	str_puts(&n.text, "\n\nFrom: not a header\n\xff text without end");
	return n;
}

static enum err
write_text(draft_id id, const char *text)
{
	char *path = draft_editor_path(dir, id, false);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	enum err r = fd_write_all(fd, text, strlen(text), NULL);

	close(fd);
	free(path);
	return r;
}

/* A draft comes back with everything it had, attachments byte by byte, in private files. */
static void
test_comes_back(void **state)
{
	(void)state;
	struct draft_lock lock;
	struct error e;
	struct note n = sample(), back = { 0 };
	struct stat st;
	draft_id id;
	char bytes[8];
	size_t len;

	note_add_other(&n, 4294967298);
	note_add_other(&n, 4294967300);
	assert_int_equal(ERR_OK, draft_new(dir, &id, &lock, &e));
	assert_int_equal(ERR_OK, draft_attach(dir, id, &n, "../a b: c.png", "image/png",
		"\0\1\2", 3, &e));
	assert_int_equal(ERR_OK, draft_attach(dir, id, &n, "empty", NULL, "", 0, &e));
	assert_int_equal(ERR_OK, draft_save(dir, id, &n, &e));
	assert_int_equal(ERR_OK, draft_load(dir, id, &back, &e));
	assert_string_equal(n.from, back.from);
	assert_string_equal(n.to, back.to);
	assert_string_equal("two Bcc: lines: x", back.subject);
	assert_null(back.bcc);
	assert_string_equal("a@x b@x", back.references);
	assert_string_equal("m@x", back.message_id);
	assert_string_equal("0123456789abcdef", back.name);
	assert_string_equal("work", back.account);
	assert_int_equal(4294967297, back.about);
	assert_int_equal(2, back.about_flag);
	assert_int_equal(2, back.n_others);
	assert_int_equal(4294967300, back.others[1]);
	assert_int_equal(n.text.len, back.text.len);
	assert_memory_equal(n.text.data, back.text.data, n.text.len);
	assert_int_equal(2, back.n_files);
	assert_string_equal("a b_ c.png", back.files[0].name);
	assert_string_equal("image/png", back.files[0].type);
	int fd = draft_attached(dir, id, &back.files[0], &len, &e);
	assert_int_equal(3, len);
	assert_int_equal(3, read(fd, bytes, sizeof bytes));
	assert_memory_equal("\0\1\2", bytes, 3);
	close(fd);
	char *path = xasprintf("%s/drafts/%u", dir, id);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	free(path);
	draft_release(&lock);
	note_clear(&n);
	note_clear(&back);
}

/* What an editor had written when all was killed is the text; a file
 * it had just emptied is not. */
static void
test_editor(void **state)
{
	(void)state;
	struct draft_lock lock;
	struct error e;
	struct note n = sample(), back = { 0 };
	draft_id id;
	bool changed;

	assert_int_equal(ERR_OK, draft_new(dir, &id, &lock, &e));
	assert_int_equal(ERR_OK, draft_save(dir, id, &n, &e));
	assert_int_equal(ERR_OK, draft_editor_begin(dir, id, &n, false, &e));
	assert_int_equal(ERR_OK, draft_editor_read(dir, id, &n, false, &changed, &e));
	assert_false(changed);
	assert_int_equal(ERR_OK, write_text(id, "newer\n"));
	assert_int_equal(ERR_OK, draft_load(dir, id, &back, &e));
	assert_string_equal("newer\n", str_get(&back.text));
	note_clear(&back);
	assert_int_equal(ERR_OK, write_text(id, ""));
	assert_int_equal(ERR_OK, draft_load(dir, id, &back, &e));
	assert_int_equal(n.text.len, back.text.len);
	assert_int_equal(ERR_OK, draft_editor_read(dir, id, &back, true, &changed, &e));
	assert_true(changed);
	assert_int_equal(0, back.text.len);
	draft_release(&lock);
	note_clear(&n);
	note_clear(&back);
}

/* Two cannot have one draft open; the list has the last saved first; removed
 * is gone with all its files. */
static void
test_list_and_lock(void **state)
{
	(void)state;
	struct draft_lock a, b, c;
	struct error e;
	struct note n = sample();
	struct draft_info *v;
	draft_id first, second;

	assert_int_equal(ERR_OK, draft_new(dir, &first, &a, &e));
	assert_int_equal(ERR_OK, draft_new(dir, &second, &b, &e));
	assert_int_not_equal(first, second);
	assert_int_equal(0, draft_list(dir, &v));	/* nothing was saved yet */
	draft_list_free(v, 0);
	assert_int_equal(ERR_MSG, draft_take(dir, first, &c, &e));
	draft_release(&a);
	assert_int_equal(ERR_OK, draft_take(dir, first, &c, &e));
	/* Another thread forks, and has not come to its exec: what was
	 * let go is free all the same. */
	pid_t child = fork();
	if (child == 0) {
		alarm(10);		/* not for ever, when this fails */
		pause();
		_exit(0);
	}
	draft_release(&c);
	assert_int_equal(ERR_OK, draft_take(dir, first, &c, &e));
	draft_release(&c);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(ERR_OK, draft_attach(dir, first, &n, "x", NULL, "1", 1, &e));
	assert_int_equal(ERR_OK, draft_save(dir, first, &n, &e));
	assert_int_equal(ERR_OK, draft_save(dir, second, &n, &e));
	size_t len = draft_list(dir, &v);
	assert_int_equal(2, len);
	assert_int_equal(second, v[0].id);
	assert_string_equal("two Bcc: lines: x", v[0].subject);
	draft_list_free(v, len);
	assert_int_equal(ERR_OK, draft_remove(dir, first, &e));
	assert_int_equal(ERR_OK, draft_remove(dir, second, &e));
	draft_release(&b);
	char *command = xasprintf("test -z \"$(ls -A %s/drafts)\"", dir);
	assert_int_equal(0, system(command));
	free(command);
	note_clear(&n);
}

/* A file that is no draft, or ends anywhere, is refused or read as far as it goes. */
static void
test_damaged(void **state)
{
	(void)state;
	struct draft_lock lock;
	struct error e;
	struct note n = sample();
	draft_id id;
	char *bytes, *path;
	size_t len;

	assert_int_equal(ERR_OK, draft_new(dir, &id, &lock, &e));
	assert_int_equal(ERR_OK, draft_attach(dir, id, &n, "x", NULL, "1", 1, &e));
	assert_int_equal(ERR_OK, draft_save(dir, id, &n, &e));
	path = xasprintf("%s/drafts/%u", dir, id);
	assert_int_equal(ERR_OK, file_read(&bytes, &len, path, 1 << 20, &e));
	for (size_t cut = 0; cut < len; cut++) {
		struct note back = { 0 };
		assert_int_equal(ERR_OK, file_write_atomic(path, bytes, cut, &e));
		assert_int_equal(cut < 15 ? ERR_MSG : ERR_OK, draft_load(dir, id, &back, &e));
		note_clear(&back);
	}
	draft_release(&lock);
	free(bytes);
	free(path);
	note_clear(&n);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* With the header in the editor: what stands there then is the draft's, also after a crash;
 * what is no field of it stays in the text, and without any header all of it is text. */
static void
test_header_in_the_editor(void **state)
{
	(void)state;
	static const struct { const char *file, *to, *cc, *subject, *text; } v[] = {
		{ "From: a@x\nTo: b@x,\n c@x\nCc: \nSubject:  new \n\ntext\n", "b@x, c@x", "",
			"new", "text\n" },
		{ "to: b@x\nTO: c@x\nSubject: s\r\n\nFrom: x\n", "b@x, c@x", "", "s",
			"From: x\n" },
		{ "To: b@x\nX-Own: y\nSubject: s\033[2J\n\nt\n", "b@x", "", "s [2J",
			"X-Own: y\nt\n" },
		{ "just text\nTo: z@x\n", "old@x", "oldcc@x", "old", "just text\nTo: z@x\n" },
		{ "\nTo: z@x\n", "old@x", "oldcc@x", "old", "\nTo: z@x\n" },
		{ "To: b@x", "b@x", "", "", "" },
		{ "To: b@x\n\n", "b@x", "", "", "" },
	};
	struct error e;

	for (size_t i = 0; i < LEN(v); i++) {
		struct note n = { .from = xstrdup("a@x"), .to = xstrdup("old@x"),
			.cc = xstrdup("oldcc@x"), .subject = xstrdup("old") }, back = { 0 };
		struct draft_lock lock;
		draft_id id;
		assert_int_equal(ERR_OK, draft_new(dir, &id, &lock, &e));
		assert_int_equal(ERR_OK, draft_save(dir, id, &n, &e));
		assert_int_equal(ERR_OK, draft_editor_begin(dir, id, &n, true, &e));
		char *path = draft_editor_path(dir, id, true);
		write_file(path, v[i].file);
		assert_int_equal(ERR_OK, draft_load(dir, id, &back, &e));
		assert_string_equal("a@x", back.from);
		assert_string_equal(v[i].to, note_get(back.to));
		assert_string_equal(v[i].cc, note_get(back.cc));
		assert_string_equal(v[i].subject, note_get(back.subject));
		assert_string_equal(v[i].text, str_get(&back.text));
		draft_editor_end(dir, id);
		assert_int_equal(-1, access(path, F_OK));
		draft_release(&lock);
		assert_int_equal(ERR_OK, draft_remove(dir, id, &e));
		note_clear(&back);
		note_clear(&n);
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_editor, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_list_and_lock, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_damaged, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_header_in_the_editor, make_dir,
		remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
