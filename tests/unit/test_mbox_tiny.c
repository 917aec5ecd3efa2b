/* The mbox reader with buffers so small that every line crosses their edges
 * finds what the normal one finds.
 *
 * The sources are compiled a second time, under other names. */
#define MBOX_LINE 512			/* the longest From_ line there may be */
#define MBOX_CHUNK 4
#define MBOX_TAIL_WINDOW 64
#define MBOX_PART 4			/* every file is scanned by several threads */
#define mbox_scan tiny_scan
#define mbox_scan_parts tiny_scan_parts
#define mbox_next_boundary tiny_next_boundary
#define mbox_scan_fd tiny_scan_fd
#define mbox_tail tiny_tail
#define mbox_heads tiny_heads
#define mbox_head_of tiny_head_of
#define mbox_head_read tiny_head_read
#define mbox_span tiny_span
#define mbox_read tiny_read
#define mbox_looks_like tiny_looks_like
#define mbox_check tiny_check
#define mbox_sender tiny_sender
#define mbox_check_fd tiny_check_fd
#define mbox_copy_out tiny_copy_out
#define mbox_open_shared tiny_open_shared
#define reader_init_fd tiny_reader_init_fd
#define reader_init_head tiny_reader_init_head
#define reader_init_source tiny_reader_init_source
#define reader_clear tiny_reader_clear
#define reader_next tiny_reader_next
#define reader_skip_text tiny_reader_skip_text
#define piece_is_blank tiny_piece_is_blank
#define piece_is_from_line tiny_piece_is_from_line
#define piece_is_plain_from_line tiny_piece_is_plain_from_line
#define piece_opens_message tiny_piece_opens_message
#define piece_is_field tiny_piece_is_field
#define piece_quoted_from tiny_piece_quoted_from
#define piece_status_header tiny_piece_status_header
#define piece_hash tiny_piece_hash
#define status_flags tiny_status_flags
#define status_format tiny_status_format
#include "store/mbox.c"
#include "store/mbox_reader.c"
#include <sys/uio.h>
/* all is in memory, whatever the file system tells */
#define preadv2(fd, v, n, at, flags) ((void)(fd), (void)(v), (void)(at), 1)
#include "store/mbox_parts.c"
#undef preadv2
#undef mbox_scan
#undef mbox_tail
#undef mbox_heads
#undef mbox_read

#include <glob.h>

#include "path.h"
#include "str.h"
#include "test.h"

/* Those of the library. */
enum err mbox_scan(const char *path, uint64_t from, mbox_visit *visit, void *ctx,
	const struct cancel *cancel, struct error *e);
enum err mbox_tail(const char *path, size_t n, uint64_t *from, struct error *e);
enum err mbox_heads(const char *path, const uint64_t *from_pos, size_t n, mbox_visit *visit,
	void *ctx, const struct cancel *cancel, struct error *e);
enum err mbox_read(const char *path, uint64_t from_pos, uint64_t hash, mbox_write *write,
	void *ctx, struct error *e);

/* All that is told of a file, as text. */
static bool
note(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	str_printf(ctx, "%llu %llu %llu %llu %llx %lld %x ", (unsigned long long)m->from_pos,
		(unsigned long long)m->head_pos, (unsigned long long)m->body_pos,
		(unsigned long long)m->end_pos, (unsigned long long)m->hash,
		(long long)m->arrived, (unsigned)m->flags);
	str_add(ctx, head, n_head);
	return true;
}

static size_t n_parts;			/* that held something */

/* Scanned by several threads: what each found, put together, is what one finds. */
static void
compare_parts(const char *path, const struct str *whole, enum err rc)
{
	struct str parts[MBOX_PARTS] = {0}, all = {0};
	void *ctx[MBOX_PARTS];

	for (size_t i = 0; i < MBOX_PARTS; i++)
		ctx[i] = &parts[i];
	assert_int_equal(rc, tiny_scan_parts(path, note, ctx, MBOX_PARTS, NULL, NULL));
	for (size_t i = 0; i < MBOX_PARTS; i++) {
		str_add(&all, str_get(&parts[i]), parts[i].len);
		n_parts += parts[i].len > 0;
		str_clear(&parts[i]);
	}
	if (rc == ERR_OK) {
		assert_int_equal(whole->len, all.len);
		assert_memory_equal(str_get(whole), str_get(&all), all.len);
	}
	str_clear(&all);
}

struct places {
	struct mbox_msg v[4000];
	size_t n;
};

static bool
place(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct places *p = ctx;

	(void)head;
	(void)n_head;
	assert_true(p->n < LEN(p->v));
	p->v[p->n++] = *m;
	return true;
}

static bool
is_like_scan(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct places *p = ctx;
	const struct mbox_msg *s = &p->v[p->n++];

	(void)head;
	(void)n_head;
	assert_int_equal(s->from_pos, m->from_pos);
	assert_int_equal(s->hash, m->hash);
	assert_int_equal(s->flags, m->flags);
	return true;
}

static enum err
into_str(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)e;
	str_add(ctx, p, n);
	return ERR_OK;
}

static void
compare_bodies(const char *path, struct places *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct str a = {0}, b = {0};
		const struct mbox_msg *m = &all->v[i];
		assert_int_equal(ERR_OK, mbox_read(path, m->from_pos, m->hash, into_str, &a,
			NULL));
		assert_int_equal(ERR_OK, tiny_read(path, m->from_pos, m->hash, into_str, &b,
			NULL));
		assert_int_equal(a.len, b.len);
		assert_memory_equal(str_get(&a), str_get(&b), a.len);
		str_clear(&a);
		str_clear(&b);
	}
}

/* From the end the same messages are found, down to the first. */
static void
compare_tails(const char *path, const struct places *all)
{
	static struct places tail;

	for (size_t n = 1; n <= all->n + 1 && n < 40; n = n * 2 + 1) {
		uint64_t from;
		tail.n = 0;
		assert_int_equal(ERR_OK, tiny_tail(path, n, &from, NULL));
		assert_int_equal(ERR_OK, tiny_scan(path, from, place, &tail, NULL, NULL));
		assert_true(tail.n >= n || from == 0);
		assert_true(tail.n <= all->n);
		if (tail.n > 0)
			assert_memory_equal(tail.v, all->v + all->n - tail.n,
				tail.n * sizeof tail.v[0]);
	}
}

static void
compare(const char *path)
{
	static struct places all, again;
	static uint64_t pos[LEN(all.v)];
	struct str a = {0}, b = {0};

	all.n = again.n = 0;
	enum err rc = mbox_scan(path, 0, note, &a, NULL, NULL);
	assert_int_equal(rc, tiny_scan(path, 0, note, &b, NULL, NULL));
	assert_int_equal(a.len, b.len);
	assert_memory_equal(str_get(&a), str_get(&b), a.len);
	compare_parts(path, &a, rc);
	str_clear(&a);
	str_clear(&b);
	if (rc != ERR_OK)
		return;
	assert_int_equal(ERR_OK, mbox_scan(path, 0, place, &all, NULL, NULL));
	for (size_t i = 0; i < all.n; i++)
		pos[i] = all.v[i].from_pos;
	again = all;
	again.n = 0;
	assert_int_equal(ERR_OK, mbox_heads(path, pos, all.n, is_like_scan, &again, NULL,
		NULL));
	assert_int_equal(all.n, again.n);
	again.n = 0;
	assert_int_equal(ERR_OK, tiny_heads(path, pos, all.n, is_like_scan, &again, NULL,
		NULL));
	compare_bodies(path, &all);
	compare_tails(path, &all);
}

/* Lines that mean something, in any order, with any end. */
static void
make_up(struct str *s, unsigned *seed)
{
	static const char *const lines[] = { "From a@b Thu Jan  1 00:00:01 2026", "", "", "",
		"From a", "From b@c Thu Jan  1 00:00 2026 +0100", "Status: RO",
		"X-Status: AFD  ", "status:R ", "Subject: s", " folded", "X-IMAP: 1 2",
		">From x", ">>From y", "body", "\r", "From ",
		"From c@d Thu Jan 99 00:00:01 2026", "Content-Length: 5", ":", "no colon",
		"FROM x" };
	int n = 1 + rand_r(seed) % 40;

	if (rand_r(seed) % 8)
		str_puts(s, "From a@b Thu Jan  1 00:00:01 2026\n");
	while (n-- > 0) {
		const char *line = lines[rand_r(seed) % LEN(lines)];
		str_puts(s, line);
		int kind = rand_r(seed) % 30;
		/* A flag header longer than MBOX_LINE is none: that is
		 * where the two may differ. */
		bool is_flags = strcasestr(line, "status");
		for (int i = 0; kind == 0 && !is_flags && i < 700; i++)
			str_putc(s, (char)('a' + i % 26));
		if (kind == 1)
			str_add(s, "\0\0x", 3);
		if (kind < 5)
			str_putc(s, '\r');
		if (n > 0 || kind % 2)
			str_putc(s, '\n');
	}
}

static void
test_made_up_files(void **state)
{
	char path[] = "/tmp/dunlin-tiny.XXXXXX";
	int fd = mkstemp(path);
	unsigned seed = 3;

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 1500; i++) {
		struct str s = {0};
		make_up(&s, &seed);
		assert_int_equal(0, ftruncate(fd, 0));
		assert_int_equal((ssize_t)s.len, pwrite(fd, str_get(&s), s.len, 0));
		compare(path);
		str_clear(&s);
	}
	close(fd);
	unlink(path);
}

/* Short messages, so that parts begin and end everywhere in and between them. */
static void
test_parts(void **state)
{
	static const char *const lines[] = { "From a@b Thu Jan  1 00:00:01 2026\nS: s\n", "\n",
		"\n", "\n", "\r\n", "From b@c Thu Jan  1 00:00:02 2026\r\nS: t\r\n", "x\n",
		"From c@d Thu Jan  1 00:00:03 2026\n" };
	char path[] = "/tmp/dunlin-tiny.XXXXXX";
	int fd = mkstemp(path);
	unsigned seed = 5;
	size_t n_before = n_parts;

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 2000; i++) {
		struct str s = {0}, whole = {0};
		str_puts(&s, lines[0]);
		for (int n = rand_r(&seed) % 40; n > 0; n--)
			str_puts(&s, lines[rand_r(&seed) % LEN(lines)]);
		assert_int_equal(0, ftruncate(fd, 0));
		assert_int_equal((ssize_t)s.len, pwrite(fd, str_get(&s), s.len, 0));
		enum err rc = mbox_scan(path, 0, note, &whole, NULL, NULL);
		compare_parts(path, &whole, rc);
		str_clear(&s);
		str_clear(&whole);
	}
	close(fd);
	unlink(path);
	assert_true(sysconf(_SC_NPROCESSORS_ONLN) < 2 || n_parts - n_before > 3000);
}

static void
test_corpus(void **state)
{
	const char *root = getenv("DUNLIN_CORPUS");
	char *pattern = xasprintf("%s/mbox/*/*", root ? root : "../shared/corpus");
	glob_t g;
	int failed = glob(pattern, 0, NULL, &g);

	(void)state;
	free(pattern);
	if (failed)
		skip();
	for (size_t i = 0; i < g.gl_pathc; i++) {
		if (tiny_looks_like(g.gl_pathv[i]))
			compare(g.gl_pathv[i]);
	}
	globfree(&g);
}

TEST_MAIN(T(test_made_up_files), T(test_parts), T(test_corpus))
