/* mbox files: what is found, what is written, what survives. */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mbox.h"
#include "now.h"
#include "path.h"
#include "remove_tree.h"
#include "str.h"
#include "test.h"

struct fixture {
	char dir[32];
	char *file;
};

static int
set_up(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	strcpy(fx->dir, "/tmp/dunlin-mbox.XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->file = path_join(fx->dir, "inbox");
	*state = fx;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fx = *state;
	int rc = remove_tree(fx->dir);

	free(fx->file);
	free(fx);
	return rc;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
}

static char *
read_file(const char *path)
{
	char *text;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&text, &n, path, 100 << 20, NULL));
	return text;
}

struct found {
	struct mbox_msg v[1000];
	size_t n;
};

static bool
note(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct found *f = ctx;

	assert_true(n_head == 0 || head[n_head - 1] == '\n' || m->body_pos == m->end_pos);
	f->v[f->n++] = *m;
	return f->n < 1000;
}

static struct found *
scan(const char *path, uint64_t from)
{
	struct found *f = xcalloc(1, sizeof *f);
	struct error e = {0};

	if (mbox_scan(path, from, note, f, NULL, &e) != ERR_OK)
		fail_msg("%s", e.text);
	return f;
}

static enum err
into_str(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)e;
	str_add(ctx, p, n);
	return ERR_OK;
}

static char *
body_of(const char *path, const struct mbox_msg *m)
{
	struct str s = {0};

	assert_int_equal(ERR_OK, mbox_read(path, m->from_pos, m->hash, into_str, &s, NULL));
	return str_take(&s);
}

struct text {
	const char *p;
	size_t left, step;
};

static enum err
from_text(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct text *t = ctx;

	(void)e;
	*n = t->left < size ? t->left : size;
	if (t->step && *n > t->step)
		*n = t->step;
	memcpy(buf, t->p, *n);
	t->p += *n;
	t->left -= *n;
	return ERR_OK;
}

static enum err
append(const char *path, const char *text, uint32_t flags, size_t step)
{
	struct text t = { text, strlen(text), step };
	struct mbox_source src = { &t, from_text };
	uint64_t pos;

	return mbox_append(path, &src, flags, 86400, &pos, NULL, NULL);
}

#define THREE									\
	"From a@x Thu Jan  1 00:00:01 2026\nSubject: one\nStatus: RO\n\nbody one\n\n"	\
	"From b@x Thu Jan  1 00:00 2026\nSubject: two\nX-Status: AF\n\nFrom here on.\n"	\
	"\nFrom there, no date.\n\n>From quoted\n\n"				\
	"From - Thu, nonsense Jan  1 10:00:03 2026 +0100\nSubject: three\n\nend"

/* A line that begins with From but has no date divides nothing; nor does one without an empty
 * line before that has not all of the form, or no header field behind it. */
static void
test_finds_messages(void **state)
{
	struct fixture *fx = *state;

	write_file(fx->file, THREE);
	struct found *f = scan(fx->file, 0);
	assert_int_equal(3, f->n);
	assert_int_equal(MSG_SEEN | MBOX_OLD, f->v[0].flags);
	assert_int_equal(MSG_ANSWERED | MSG_FLAGGED, f->v[1].flags);
	assert_int_equal(1767225601, f->v[0].arrived);
	assert_int_equal(1767225603 + 9 * 3600, f->v[2].arrived);
	char *two = body_of(fx->file, &f->v[1]);
	assert_string_equal("Subject: two\n\nFrom here on.\n\nFrom there, no date.\n\nFrom "
		"quoted\n", two);
	free(two);
	free(f);
}

#define BARE									\
	"From a@x Thu Jan  1 00:00:01 2026\nSubject: one\n\nbody one\n"		\
	"From b@x Thu Jan  1 00:00:02 2026\nSubject: two\n\nbody two\n"		\
	"From c@x Thu Jan  1 00:00:03 2026\nSubject: no text\n"			\
	"From d@x Thu Jan  1 00:00:04 2026\nSubject: four\n\n"			\
	"From x@x Thu Jan  1 00:00:04 2026\nno field behind this one\n"		\
	"From my friend Thu Jan  1 00:00:04 2026\nSubject: pasted\n\n"		\
	"From e@x Thu Jan  1 00:00:05 2026\nSubject: five\n\nend\n"

static const char *const bare_texts[] = { "body one\n", "body two\n", "",
	"From x@x Thu Jan  1 00:00:04 2026\nno field behind this one\n"
	"From my friend Thu Jan  1 00:00:04 2026\nSubject: pasted\n", "end\n" };

static void
assert_bare(const char *path, unsigned left)
{
	struct found *f = scan(path, 0);
	size_t n = 0;

	for (size_t i = 0; i < LEN(bare_texts); i++) {
		if (!(left & 1u << i))
			continue;
		assert_true(n < f->n);
		char *text = body_of(path, &f->v[n++]);
		char *empty = strstr(text, "\n\n");
		assert_string_equal(bare_texts[i], empty ? empty + 2 : "");
		free(text);
	}
	assert_int_equal(n, f->n);
	free(f);
}

/* Files of programs that write no empty line between messages. Whatever is removed, the
 * others stay what they are. */
static void
test_no_empty_line(void **state)
{
	struct fixture *fx = *state;

	for (unsigned gone = 0; gone < 1u << LEN(bare_texts); gone++) {
		struct mbox_change c[LEN(bare_texts)];
		struct mbox_stamp stamp;
		bool was_rewritten;
		size_t n = 0;
		write_file(fx->file, BARE);
		assert_int_equal(ERR_OK, mbox_stamp(&stamp, fx->file, NULL));
		struct found *f = scan(fx->file, 0);
		assert_int_equal(LEN(bare_texts), f->n);
		for (size_t i = 0; i < f->n; i++) {
			if (gone & 1u << i)
				c[n++] = (struct mbox_change){ .from_pos = f->v[i].from_pos,
					.hash = f->v[i].hash, .remove = true };
		}
		if (n > 0)
			assert_int_equal(ERR_OK, mbox_change(fx->file, c, n, &stamp,
				&was_rewritten, NULL, NULL));
		assert_bare(fx->file, ~gone);
		free(f);
	}
}

/* A flag that needs a new file gives none of them another end. */
static void
test_no_empty_line_flags(void **state)
{
	struct fixture *fx = *state;
	struct mbox_stamp stamp;
	bool was_rewritten;

	write_file(fx->file, BARE);
	assert_int_equal(ERR_OK, mbox_stamp(&stamp, fx->file, NULL));
	struct found *f = scan(fx->file, 0);
	struct mbox_change c = { .from_pos = f->v[2].from_pos, .hash = f->v[2].hash,
		.flags = MSG_SEEN };
	assert_int_equal(ERR_OK, mbox_change(fx->file, &c, 1, &stamp, &was_rewritten, NULL,
		NULL));
	assert_bare(fx->file, ~0u);
	free(f);
	f = scan(fx->file, 0);
	assert_int_equal(MSG_SEEN, f->v[2].flags & MSG_SEEN);
	free(f);
}

/* Appended to a file of CRLF lines: the message before does not grow by an empty line. */
static void
test_append_to_crlf(void **state)
{
	static const char *const ends[] = { "x\r\n\r\n", "x\r\n", "x\n\r\n", "x\r\n\n" };
	struct fixture *fx = *state;

	for (size_t i = 0; i < LEN(ends); i++) {
		char *text = xasprintf("From a@x Thu Jan  1 00:00:01 2026\r\nA: b\r\n\r\n%s",
			ends[i]);
		write_file(fx->file, text);
		assert_int_equal(ERR_OK, append(fx->file, "Subject: two\n\ny\n", 0, 0));
		struct found *f = scan(fx->file, 0);
		assert_int_equal(2, f->n);
		char *one = body_of(fx->file, &f->v[0]);
		char *empty = strstr(one, "\r\n\r\n");
		assert_non_null(empty);
		size_t n = strlen(empty + 4);
		assert_true(n == strcspn(ends[i], "\n") + 1);
		assert_memory_equal(ends[i], empty + 4, n);
		free(one);
		free(f);
		free(text);
	}
}

/* A file that ends in the middle of a header: what marks the message stands on lines of its own,
 * and nothing of the header is changed. */
static void
test_flags_of_a_torn_header(void **state)
{
	static const char *const torn[] = { "Subject: x\nSubje", "From a@b\nX: ", "" };
	struct fixture *fx = *state;

	for (size_t i = 0; i < LEN(torn); i++) {
		struct mbox_stamp stamp;
		bool was_rewritten;
		char *text = xasprintf("From a@x Thu Jan  1 00:00:01 2026%s%s",
			*torn[i] ? "\n" : "", torn[i]);
		write_file(fx->file, text);
		assert_int_equal(ERR_OK, mbox_stamp(&stamp, fx->file, NULL));
		struct found *f = scan(fx->file, 0);
		assert_int_equal(1, f->n);
		struct mbox_change c = { .from_pos = 0, .hash = f->v[0].hash,
			.flags = MSG_SEEN };
		assert_int_equal(ERR_OK, mbox_change(fx->file, &c, 1, &stamp, &was_rewritten,
			NULL, NULL));
		free(f);
		char *now = read_file(fx->file), *want = xasprintf("%s\nStatus: R", text);
		assert_memory_equal(want, now, strlen(want));
		f = scan(fx->file, 0);
		assert_int_equal(1, f->n);
		assert_int_equal(MSG_SEEN, f->v[0].flags & MSG_SEEN);
		free(f);
		free(want);
		free(now);
		free(text);
	}
}

/* Who stands in a From_ line of the usual form; another form has no sender. */
static void
test_sender(void **state)
{
	struct fixture *fx = *state;
	char sender[MBOX_SENDER];

	write_file(fx->file, THREE);
	struct found *f = scan(fx->file, 0);
	assert_int_equal(ERR_OK, mbox_sender(fx->file, f->v[0].from_pos, sender, NULL));
	assert_string_equal("a@x", sender);
	assert_int_equal(ERR_OK, mbox_sender(fx->file, f->v[2].from_pos, sender, NULL));
	assert_string_equal("", sender);
	free(f);
}

/* A body line of From_ form comes back as it was and never becomes a message. */
static void
test_from_line_in_body_forges_nothing(void **state)
{
	struct fixture *fx = *state;
	const char *evil = "Subject: x\r\nStatus: RO\r\nContent-Length: 3\r\n\r\nhello\r\n\r\n"
		"From evil@x Thu Jan  1 00:00:00 2026\r\nSubject: forged\r\n\r\n>From me\r\n";

	for (size_t step = 0; step < 4; step++) {
		unlink(fx->file);
		assert_int_equal(ERR_OK, append(fx->file, evil, 0, step));
		assert_int_equal(ERR_OK, append(fx->file, "Subject: last\n\nno line end",
			MSG_SEEN, step));
		struct found *f = scan(fx->file, 0);
		assert_int_equal(2, f->n);
		assert_int_equal(0, f->v[0].flags & MSG_SEEN);
		assert_int_equal(MSG_SEEN, f->v[1].flags & MSG_SERVER_FLAGS);
		char *one = body_of(fx->file, &f->v[0]), *two = body_of(fx->file, &f->v[1]);
		assert_string_equal("Subject: x\nContent-Length: 3\n\nhello\n\n"
			"From evil@x Thu Jan  1 00:00:00 2026\nSubject: forged\n\n>From me\n",
			one);
		assert_string_equal("Subject: last\n\nno line end\n", two);
		free(one);
		free(two);
		free(f);
	}
}

/* Flags of what we appended are changed without the file growing or moving. */
static void
test_flags_in_place(void **state)
{
	struct fixture *fx = *state;
	struct stat before, after;
	struct mbox_stamp stamp = {0};
	bool was_rewritten;

	for (int i = 0; i < 10; i++)
		assert_int_equal(ERR_OK, append(fx->file, "Subject: s\n\nb\n", 0, 0));
	struct found *f = scan(fx->file, 0);
	struct mbox_change c[2] = {
		{ f->v[3].from_pos, f->v[3].hash, 0xff & ~MSG_DELETED, false },
		{ f->v[7].from_pos, f->v[7].hash, MSG_SEEN | MBOX_OLD, false } };
	stat(fx->file, &before);
	assert_int_equal(ERR_OK, mbox_change(fx->file, c, 2, &stamp, &was_rewritten, NULL,
		NULL));
	stat(fx->file, &after);
	assert_false(was_rewritten);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_ino, after.st_ino);
	struct found *g = scan(fx->file, 0);
	assert_int_equal(MSG_SEEN | MSG_ANSWERED | MSG_FLAGGED | MSG_DRAFT, g->v[3].flags);
	assert_int_equal(MSG_SEEN | MBOX_OLD, g->v[7].flags);
	assert_int_equal(0, g->v[4].flags);
	assert_int_equal(f->v[3].hash, g->v[3].hash);
	free(f);
	free(g);
}

/* Without room, and for removal, the file is written anew: the others keep every byte, the
 * mode and the symlink stay. */
static void
test_rewrite_keeps_the_rest(void **state)
{
	struct fixture *fx = *state;
	char *link = path_join(fx->dir, "link");
	struct mbox_stamp stamp = {0};
	bool was_rewritten;
	struct stat st;

	write_file(fx->file, THREE);
	chmod(fx->file, 0640);
	assert_int_equal(0, symlink("inbox", link));
	struct found *f = scan(link, 0);
	char *two = body_of(link, &f->v[1]), *three = body_of(link, &f->v[2]);
	struct mbox_change c[2] = { { f->v[0].from_pos, f->v[0].hash, 0, true },
		{ f->v[2].from_pos, f->v[2].hash, MSG_FLAGGED, false } };
	assert_int_equal(ERR_OK, mbox_change(link, c, 2, &stamp, &was_rewritten, NULL, NULL));
	assert_true(was_rewritten);
	struct found *g = scan(fx->file, 0);
	assert_int_equal(2, g->n);
	assert_int_equal(0, g->v[0].from_pos);
	char *two2 = body_of(fx->file, &g->v[0]), *three2 = body_of(fx->file, &g->v[1]);
	assert_string_equal(two, two2);
	assert_string_equal(three, three2);
	assert_int_equal(MSG_FLAGGED, g->v[1].flags);
	assert_int_equal(0, lstat(link, &st));
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(0, stat(fx->file, &st));
	assert_int_equal(0640, st.st_mode & 0777);
	free(two);
	free(three);
	free(two2);
	free(three2);
	free(link);
	free(f);
	free(g);
}

/* Somebody else changed the file: nothing is changed by us. */
static void
test_change_of_a_changed_file_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct mbox_stamp stamp = {0};
	bool was_rewritten;
	struct error e;

	write_file(fx->file, THREE);
	struct found *f = scan(fx->file, 0);
	struct mbox_change c = { f->v[2].from_pos, f->v[2].hash, 0, true };
	write_file(fx->file, "From new@x Thu Jan  1 00:00:09 2026\nSubject: new\n\nnew\n\n"
		THREE);
	char *before = read_file(fx->file);
	assert_int_equal(ERR_FOLDER, mbox_change(fx->file, &c, 1, &stamp, &was_rewritten, NULL,
		&e));
	char *after = read_file(fx->file);
	assert_string_equal(before, after);
	free(before);
	free(after);
	free(f);
}

static void
test_locked_by_another_says_so(void **state)
{
	struct fixture *fx = *state;
	struct error e;
	struct mbox_stamp stamp = {0};
	bool was_rewritten;
	char *lock = xasprintf("%s.lock", fx->file);

	write_file(fx->file, THREE);
	write_file(lock, "99999:elsewhere\n");
	struct found *f = scan(fx->file, 0);
	struct mbox_change c = { f->v[2].from_pos, f->v[2].hash, 0, true };
	assert_int_equal(ERR_FOLDER, mbox_change(fx->file, &c, 1, &stamp, &was_rewritten, NULL,
		&e));
	assert_non_null(strstr(e.text, "process 99999 on elsewhere has locked"));
	assert_non_null(strstr(e.text, "inbox.lock"));
	free(f);
	free(lock);
}

static enum err
stops(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct text *t = ctx;

	if (t->left < 10)
		return error_set(e, ERR_CONN, "cut");
	return from_text(ctx, buf, size, n, e);
}

/* A source that fails half-way leaves the file as it was. */
static void
test_failed_append_is_cut_back(void **state)
{
	struct fixture *fx = *state;
	struct text t = { "Subject: x\n\nlong enough\n", 24, 5 };
	uint64_t pos;

	write_file(fx->file, THREE);
	char *before = read_file(fx->file);
	struct mbox_source src = { &t, stops };
	assert_int_equal(ERR_CONN, mbox_append(fx->file, &src, 0, 0, &pos, NULL, NULL));
	char *after = read_file(fx->file);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* From the end the same messages are found as from the start. */
static void
test_tail_agrees_with_scan(void **state)
{
	struct fixture *fx = *state;
	struct str s = {0};
	uint64_t from;

	for (int i = 0; i < 900; i++) {
		str_printf(&s, "From x@y Thu Jan  1 00:00:01 2026\nSubject: %d\n\n", i);
		for (int k = 0; k < 40; k++)
			str_puts(&s, "From time to time a line.\n\n");
		str_puts(&s, "\n");
	}
	write_file(fx->file, str_get(&s));
	struct found *all = scan(fx->file, 0);
	assert_int_equal(900, all->n);
	for (size_t want = 1; want <= 1000; want += 333) {
		assert_int_equal(ERR_OK, mbox_tail(fx->file, want, &from, NULL));
		struct found *f = scan(fx->file, from);
		assert_true(f->n >= want || from == 0);
		assert_memory_equal(&all->v[900 - f->n], f->v, f->n * sizeof f->v[0]);
		if (want == 1)
			assert_true(f->n < 400);
		free(f);
	}
	free(all);
	str_clear(&s);
}

static void
test_not_an_mbox(void **state)
{
	struct fixture *fx = *state;
	struct found f = {0};
	struct error e;

	/* absent: empty */
	assert_int_equal(ERR_OK, mbox_scan(fx->file, 0, note, &f, NULL, &e));
	assert_true(mbox_looks_like(fx->file) == false);
	write_file(fx->file, "hello\n");
	assert_int_equal(ERR_FOLDER, mbox_scan(fx->file, 0, note, &f, NULL, &e));
	assert_false(mbox_looks_like(fx->file));
	assert_non_null(strstr(e.text, fx->file));
	/* nothing is written to what somebody keeps there */
	assert_int_equal(ERR_FOLDER, append(fx->file, "Subject: x\n\nx\n", 0, 0));
	char *text = read_file(fx->file);
	assert_string_equal("hello\n", text);
	free(text);
	write_file(fx->file, "");
	assert_true(mbox_looks_like(fx->file));
}

/* What is no file is told, and a FIFO not waited for. */
static void
test_not_a_file(void **state)
{
	struct fixture *fx = *state;
	struct error e;

	unlink(fx->file);
	assert_int_equal(0, mkfifo(fx->file, 0600));
	assert_int_equal(ERR_FOLDER, mbox_check(fx->file, &e));
	assert_non_null(strstr(e.text, "is not a file"));
	assert_int_equal(ERR_FOLDER, append(fx->file, "Subject: x\n\nx\n", 0, 0));
	unlink(fx->file);
	assert_int_equal(0, mkdir(fx->file, 0700));
	assert_int_equal(ERR_FOLDER, mbox_check(fx->file, &e));
	assert_non_null(strstr(e.text, "is a directory"));
	rmdir(fx->file);
}

/* Byte by byte, but for line ends, which are LF in what we write, and one at the end. */
static void
assert_same_lines(const char *path, const struct mbox_msg *m, const char *copy,
	const struct mbox_msg *c)
{
	char *a = body_of(path, m), *b = body_of(copy, c), *to = a;

	for (const char *from = a; *from; from++) {
		if (from[0] != '\r' || from[1] != '\n')
			*to++ = *from;
	}
	*to = '\0';
	size_t n = strlen(a), k = strlen(b);
	if (n > 0 && a[n - 1] != '\n' && k == n + 1 && b[n] == '\n')
		b[n] = '\0';
	assert_string_equal(a, b);
	free(a);
	free(b);
}

/* Every mbox of the corpus: spans that tile the file, bodies that can be read, and a copy made
 * by appending that holds the same messages. */
static void
test_corpus_round_trip(void **state)
{
	struct fixture *fx = *state;
	const char *root = getenv("DUNLIN_CORPUS");
	char *pattern = xasprintf("%s/mbox/*/*", root ? root : "../shared/corpus");
	char *deeper = xasprintf("%s/*", pattern);
	glob_t g;
	size_t n_messages = 0;
	int failed = glob(pattern, 0, NULL, &g);

	if (failed == 0)
		glob(deeper, GLOB_APPEND, NULL, &g);
	free(deeper);
	if (failed) {
		free(pattern);
		skip();
	}
	for (size_t i = 0; i < g.gl_pathc; i++) {
		if (!mbox_looks_like(g.gl_pathv[i]))
			continue;
		struct found *f = scan(g.gl_pathv[i], 0);
		unlink(fx->file);
		for (size_t k = 0; k < f->n; k++) {
			assert_true(k == 0 || f->v[k].from_pos >= f->v[k - 1].end_pos);
			char *text = body_of(g.gl_pathv[i], &f->v[k]);
			if (strlen(text) > 0)
				assert_int_equal(ERR_OK, append(fx->file, text, f->v[k].flags,
					0));
			free(text);
			n_messages++;
		}
		struct found *copy = scan(fx->file, 0);
		assert_int_equal(f->n, copy->n);
		for (size_t k = 0; k < f->n; k++) {
			assert_int_equal(f->v[k].hash, copy->v[k].hash);
			assert_int_equal(f->v[k].flags & ~MBOX_OLD,
				copy->v[k].flags & ~MBOX_OLD);
			assert_same_lines(g.gl_pathv[i], &f->v[k], fx->file, &copy->v[k]);
		}
		free(f);
		free(copy);
	}
	print_message("%zu messages\n", n_messages);
	globfree(&g);
	free(pattern);
}

/* A line of From_ form that was pasted into a mail and not quoted (mboxcl2) divides nothing
 * when prose follows; one that a header follows does, wherever the scan began. */
static void
test_pasted_from_line_divides_nothing(void **state)
{
	struct fixture *fx = *state;
	struct str s = {0};
	uint64_t from;

	for (int i = 0; i < 3; i++)
		str_printf(&s,
			"From a@x Thu Jan  1 00:00:01 2026\nSubject: %d\nContent-Length: "
			"9999\n\nhe wrote:\n\nFrom b@x Thu Jan  1 00:00:01 2026\nand so on: "
			"no header\n\n", i);
	write_file(fx->file, str_get(&s));
	struct found *f = scan(fx->file, 0);
	assert_int_equal(3, f->n);
	assert_int_equal(f->v[1].end_pos + 1, f->v[2].from_pos);
	assert_int_equal(ERR_OK, mbox_tail(fx->file, 1, &from, NULL));
	free(f);
	str_puts(&s, "From c@x Thu Jan  1 00:00:01 2026\n");
	write_file(fx->file, str_get(&s));
	f = scan(fx->file, 0);
	/* nothing behind it: perhaps it is just being written */
	assert_int_equal(4, f->n);
	free(f);
	str_clear(&s);
}

/* A lock file of a process that is dead on this host does not keep us
 * waiting; another host's does. */
static void
test_dead_owner_of_a_lock(void **state)
{
	struct fixture *fx = *state;
	char *lock = xasprintf("%s.lock", fx->file), host[200] = "";
	struct error e;
	pid_t dead = fork();

	if (dead == 0)
		_exit(0);
	waitpid(dead, NULL, 0);
	gethostname(host, sizeof host - 1);
	char *ours = xasprintf("%d:%s\n", (int)dead, host),
		*theirs = xasprintf("%d:elsewhere\n", (int)dead);
	write_file(lock, ours);
	assert_int_equal(ERR_OK, append(fx->file, "Subject: s\n\nb\n", 0, 0));
	assert_int_not_equal(0, access(lock, F_OK));
	write_file(lock, theirs);
	struct found *f = scan(fx->file, 0);
	struct mbox_change c = { f->v[0].from_pos, f->v[0].hash, MSG_SEEN, false };
	struct mbox_stamp stamp = {0};
	struct cancel cancel;
	bool was_rewritten;
	cancel_init(&cancel, NULL);
	cancel_fire(&cancel);			/* nor is the person kept waiting */
	assert_int_equal(ERR_CANCELLED, mbox_change(fx->file, &c, 1, &stamp, &was_rewritten,
		&cancel, &e));
	cancel_close(&cancel);
	free(f);
	free(ours);
	free(theirs);
	free(lock);
}

/* A lock file that names a live process, or another host, stays however old it is; one from
 * before the process with that number began goes; and so does an old one that names nobody. */
static void
test_owner_of_an_old_lock(void **state)
{
	struct fixture *fx = *state;
	char *lock = xasprintf("%s.lock", fx->file), host[200] = "";
	struct error e;
	struct cancel cancel;
	gethostname(host, sizeof host - 1);
	char *ours = xasprintf("%d:%s\n", (int)getpid(), host),
		*theirs = xasprintf("%d:elsewhere\n", 99999);
	const struct { const char *text; int age_s; bool goes; } v[] = {
		{ ours, 0, false }, { theirs, 100000, false },
		{ ours, 10 * 365 * 86400, true }, { "", 0, false },
		{ "0", 250, false }, { "0", 320, true },
	};

	cancel_init(&cancel, NULL);
	for (size_t i = 0; i < LEN(v); i++) {
		struct text text = { "Subject: s\n\nb\n", 14, 0 };
		struct mbox_source src = { &text, from_text };
		struct timespec then[2] = { { .tv_sec = time(NULL) - v[i].age_s },
			{ .tv_sec = time(NULL) - v[i].age_s } };
		uint64_t pos;
		write_file(lock, v[i].text);
		utimensat(AT_FDCWD, lock, then, 0);
		if (!v[i].goes)
			cancel_fire(&cancel);
		enum err rc = mbox_append(fx->file, &src, 0, 0, &pos, &cancel, &e);
		assert_int_equal(v[i].goes ? ERR_OK : ERR_CANCELLED, rc);
		cancel_reset(&cancel);
	}
	cancel_close(&cancel);
	free(ours);
	free(theirs);
	free(lock);
}

/* Who holds the fcntl lock is named; cancelled, the waiting ends at once
 * and the file is as it was. */
static void
test_fcntl_lock_of_another(void **state)
{
	struct fixture *fx = *state;
	struct text text = { "Subject: s\n\nb\n", 14, 0 };
	struct mbox_source src = { &text, from_text };
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct cancel cancel;
	struct error e;
	uint64_t pos;
	int ready[2];
	char c;

	write_file(fx->file, THREE);
	assert_int_equal(0, pipe(ready));
	pid_t other = fork();
	if (other == 0) {
		int fd = open(fx->file, O_RDWR);
		_exit(fcntl(fd, F_SETLKW, &whole) == 0 &&
			write(ready[1], "x", 1) == 1 ? pause() : 1);
	}
	assert_int_equal(1, read(ready[0], &c, 1));
	assert_int_equal(ERR_FOLDER, mbox_append(fx->file, &src, 0, 0, &pos, NULL, &e));
	char *name = xasprintf("test_mbox (process %d) has locked", (int)other);
	assert_non_null(strstr(e.text, name));
	free(name);
	cancel_init(&cancel, NULL);
	cancel_fire(&cancel);
	int64_t begun = now_ms();
	assert_int_equal(ERR_CANCELLED, mbox_append(fx->file, &src, 0, 0, &pos, &cancel, &e));
	assert_true(now_ms() - begun < 4000);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	cancel_close(&cancel);
	close(ready[0]);
	close(ready[1]);
	char *lock = xasprintf("%s.lock", fx->file);
	assert_int_not_equal(0, access(lock, F_OK));
	free(lock);
	struct found *f = scan(fx->file, 0);
	assert_int_equal(3, f->n);
	free(f);
}

/* A mail without a header is known by the hash that was foretold. */
static void
test_no_header_at_all(void **state)
{
	struct fixture *fx = *state;
	struct text text = { "\nonly a body\n", 13, 0 };
	struct mbox_source src = { &text, from_text };
	struct mbox_encoded out;
	int fd = open(fx->file, O_RDWR | O_CREAT, 0600);

	assert_int_equal(ERR_OK, mbox_encode_at(fd, &src, 0, 0, NULL, &out, NULL));
	close(fd);
	struct found *f = scan(fx->file, 0);
	assert_int_equal(1, f->n);
	assert_int_equal(f->v[0].hash, out.hash);
	assert_int_equal(out.hash, mbox_header_hash("", 0));
	free(f);
}

/* Line ends that are none: a header cut in the CRLF behind it, lines of CR CR LF. Written to
 * another file it is the same message, and reads the same. */
static void
test_odd_line_ends(void **state)
{
	struct fixture *fx = *state;
	static const char *const texts[] = { "Subject: x\r\n\r",
		"Subject: x\r\r\n\r\r\nText\r\r\n\r\r\n", "\r\r\nSubject: x\n\nText\n" };

	for (size_t i = 0; i < LEN(texts); i++) {
		struct text text = { texts[i], strlen(texts[i]), 0 };
		struct mbox_source src = { &text, from_text };
		struct mbox_encoded out;
		int fd = open(fx->file, O_RDWR | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(ERR_OK, mbox_encode_at(fd, &src, MSG_SEEN, 0, NULL, &out,
			NULL));
		close(fd);
		struct found *f = scan(fx->file, 0);
		assert_int_equal(1, f->n);
		assert_int_equal(f->v[0].hash, out.hash);
		assert_int_equal(MSG_SEEN, f->v[0].flags);
		char *file = xasprintf("From a@x Thu Jan  1 00:00:01 2026\n%s", texts[i]);
		char *read = body_of(fx->file, &f->v[0]);
		write_file(fx->file, file);
		struct found *as_it_was = scan(fx->file, 0);
		assert_int_equal(1, as_it_was->n);
		assert_int_equal(f->v[0].hash, as_it_was->v[0].hash);
		if (i > 0)
			assert_int_equal(0, strncmp(texts[i], read, strlen(texts[i])));
		free(file);
		free(read);
		free(f);
		free(as_it_was);
	}
}

/* Mail that does not begin with a header is a message all the same, as it was sent; also once
 * its flags were written, in place and anew. */
static void
test_first_line_is_no_header(void **state)
{
	struct fixture *fx = *state;
	static const char *const texts[] = { "Hello there\nSubject: x\n\nText\n", ":x\n",
		"\r-\n\n", "Status: R\nHello\n\nText\n", " a: b\nSubject: x\n\nText\n",
		"\tx\n" };
	struct mbox_stamp stamp = { 0 };
	bool was_rewritten;

	for (size_t i = 0; i < LEN(texts); i++) {
		unlink(fx->file);
		assert_int_equal(ERR_OK, append(fx->file, "Subject: first\n\nText\n", 0, 0));
		assert_int_equal(ERR_OK, append(fx->file, texts[i], MSG_FLAGGED, 1 + i % 2));
		const char *want = str_starts(texts[i], "Status") ? strchr(texts[i], '\n') + 1
			: texts[i];
		bool is_text = want[0] == ' ' || want[0] == '\t';
		const char *blank = strstr(texts[i], "\n\n");
		size_t n_head = blank ? (size_t)(blank - texts[i]) + 1 : strlen(texts[i]);
		for (int k = 0; k < 2; k++) {		/* in place, and anew without the first */
			struct found *f = scan(fx->file, 0);
			assert_int_equal(2, f->n);
			assert_int_equal(mbox_header_hash(texts[i], n_head), f->v[1].hash);
			assert_int_equal(k == 0 ? MSG_FLAGGED : MSG_SEEN, f->v[1].flags);
			char *read = body_of(fx->file, &f->v[1]);
			assert_int_equal(0, strncmp(want, read + is_text, strlen(want)));
			struct mbox_change c[] = {
				{ f->v[0].from_pos, f->v[0].hash, 0, k == 1 },
				{ f->v[1].from_pos, f->v[1].hash, MSG_SEEN, false },
			};
			assert_int_equal(ERR_OK, mbox_change(fx->file, c, 2, &stamp,
				&was_rewritten, NULL, NULL));
			free(read);
			free(f);
		}
		assert_int_equal(ERR_OK, append(fx->file, "Subject: last\n", 0, 0));
		struct found *f = scan(fx->file, 0);
		assert_int_equal(2, f->n);
		assert_int_equal(mbox_header_hash(texts[i], n_head), f->v[0].hash);
		free(f);
	}
}

/* The stamp is told only to who knew the file as it was before. */
static void
test_change_tells_the_stamp(void **state)
{
	struct fixture *fx = *state;
	struct mbox_stamp before, after, told;
	bool was_rewritten;

	assert_int_equal(ERR_OK, append(fx->file, "Subject: s\n\nb\n", 0, 0));
	assert_int_equal(ERR_OK, append(fx->file, "Subject: t\n\nb\n", 0, 0));
	struct found *f = scan(fx->file, 0);
	struct mbox_change c = { f->v[0].from_pos, f->v[0].hash, MSG_SEEN, false };
	assert_int_equal(ERR_OK, mbox_stamp_settled(&before, fx->file, NULL));
	told = before;
	assert_int_equal(ERR_OK, mbox_change(fx->file, &c, 1, &told, &was_rewritten, NULL,
		NULL));
	assert_int_equal(ERR_OK, mbox_stamp(&after, fx->file, NULL));
	assert_true(mbox_stamp_is_same(&told, &after));
	assert_false(mbox_stamp_is_same(&before, &after));
	c.flags = 0;
	told = before;
	assert_int_equal(ERR_OK, mbox_change(fx->file, &c, 1, &told, &was_rewritten, NULL,
		NULL));
	assert_int_equal(0, told.inode);
	free(f);
}

/* The first flag in a file without room costs a copy; the next ones, of
 * any message, are in place. */
static void
test_one_rewrite_makes_room_for_all(void **state)
{
	struct fixture *fx = *state;
	struct mbox_stamp stamp = {0};
	bool was_rewritten;

	write_file(fx->file, THREE);
	struct found *f = scan(fx->file, 0);
	for (size_t i = 0; i < f->n; i++) {
		struct found *now = scan(fx->file, 0);
		struct mbox_change c = { now->v[i].from_pos, now->v[i].hash,
			now->v[i].flags | MSG_FLAGGED | MBOX_OLD, false };
		assert_int_equal(ERR_OK, mbox_change(fx->file, &c, 1, &stamp, &was_rewritten,
			NULL, NULL));
		assert_int_equal(i == 0, was_rewritten);
		free(now);
	}
	struct found *g = scan(fx->file, 0);
	assert_int_equal(f->n, g->n);
	for (size_t i = 0; i < f->n; i++) {
		assert_int_equal(f->v[i].hash, g->v[i].hash);
		assert_int_equal(f->v[i].flags | MSG_FLAGGED | MBOX_OLD, g->v[i].flags);
	}
	free(f);
	free(g);
}

/* A disk that is full at any byte of a rewrite: the file is what it was, and
 * nothing is left beside it. */
static void
test_full_disk_leaves_the_old_file(void **state)
{
	struct fixture *fx = *state;
	char *beside = xasprintf("%s/.inbox.dunlin-new", fx->dir);

	for (int i = 0; i < 40; i++)
		assert_int_equal(ERR_OK, append(fx->file, "Subject: s\n\nsome body\n", 0, 0));
	char *before = read_file(fx->file);
	for (rlim_t limit = 0; limit < strlen(before); limit += 97) {
		pid_t pid = fork();
		if (pid == 0) {
			struct rlimit small = { limit, limit };
			struct found *f = scan(fx->file, 0);
			struct mbox_change c = { f->v[2].from_pos, f->v[2].hash, 0, true };
			struct mbox_stamp stamp = {0};
			bool was_rewritten;
			signal(SIGXFSZ, SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &small);
			enum err rc = mbox_change(fx->file, &c, 1, &stamp, &was_rewritten,
				NULL, NULL);
			enum err rc2 = append(fx->file, "Subject: new\n\nbody\n", 0, 0);
			_exit((rc == ERR_LOCAL || limit > strlen(before) - 100) &&
				rc2 == ERR_LOCAL ? 0 : 1);
		}
		int status;
		waitpid(pid, &status, 0);
		assert_int_equal(0, status);
		char *after = read_file(fx->file);
		if (limit <= strlen(before) - 100)
			assert_string_equal(before, after);
		assert_int_not_equal(0, access(beside, F_OK));
		free(after);
	}
	free(before);
	free(beside);
}

#define F(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
TEST_MAIN(F(test_finds_messages), F(test_append_to_crlf), F(test_flags_of_a_torn_header),
	F(test_sender),
	F(test_no_empty_line), F(test_no_empty_line_flags),
	F(test_from_line_in_body_forges_nothing),
	F(test_flags_in_place), F(test_rewrite_keeps_the_rest),
	F(test_change_of_a_changed_file_is_refused), F(test_locked_by_another_says_so),
	F(test_failed_append_is_cut_back), F(test_tail_agrees_with_scan), F(test_not_an_mbox), F(test_not_a_file),
	F(test_corpus_round_trip), F(test_pasted_from_line_divides_nothing),
	F(test_dead_owner_of_a_lock), F(test_owner_of_an_old_lock),
	F(test_fcntl_lock_of_another), F(test_no_header_at_all), F(test_odd_line_ends),
	F(test_first_line_is_no_header), F(test_change_tells_the_stamp),
	F(test_one_rewrite_makes_room_for_all), F(test_full_disk_leaves_the_old_file))
