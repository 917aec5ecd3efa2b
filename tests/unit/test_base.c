/* The base: strings, arena, text, files. */
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "cancel.h"
#include "err.h"
#include "hide.h"
#include "log.h"
#include "path.h"
#include "str.h"
#include "test.h"
#include "utf8.h"

static void
assert_clean(const char *want, const char *raw, enum clean_mode mode)
{
	struct str out = {0};

	text_clean(&out, raw, strlen(raw), mode);
	assert_string_equal(want, str_get(&out));
	str_clear(&out);
}

/* No byte that a terminal acts on comes through, in any encoding of it. */
static void
test_clean_stops_what_acts(void **state)
{
	(void)state;
	assert_clean("a [31mb", "a\033[31mb", CLEAN_LINE);
	assert_clean("a\xef\xbf\xbd[31mb", "a\033[31mb", CLEAN_TEXT);
	assert_clean("x\xef\xbf\xbdy", "x\xc2\x9by", CLEAN_LINE);	/* CSI as U+009B */
	assert_clean("x\xef\xbf\xbdy", "x\x9by", CLEAN_LINE);		/* CSI as a byte */
	assert_clean("exe\xef\xbf\xbdgpj", "exe\xe2\x80\xaegpj", CLEAN_LINE);	/* RLO */
	assert_clean("a\nb\nc\td", "a\r\nb\rc\td", CLEAN_TEXT);
	assert_clean("a b c d", "a\r\nb\rc\td", CLEAN_LINE);
	assert_clean("\xef\xbf\xbd", "\xc0", CLEAN_TEXT);
}

/* What shows nothing becomes a box, wherever it could make two texts look the same: Unicode's
 * ignorable characters, tags, and selectors and joiners that have nothing to work on. */
static void
test_clean_shows_what_is_hidden(void **state)
{
	static const uint32_t hidden[] = { 0xad, 0x34f, 0x61c, 0x115f, 0x17b4, 0x180b, 0x180e,
		0x200b, 0x200c, 0x200d, 0x200e, 0x2028, 0x202a, 0x2060, 0x2066, 0x206f, 0x3164,
		0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0xfff9, 0xfffe, 0x1bca0, 0x1d173,
		0xe0001, 0xe0041, 0xe0100, 0xe01f0, 0xe0fff, 0x1fffe };

	(void)state;
	for (size_t i = 0; i < LEN(hidden); i++) {
		char raw[16] = "pay";
		size_t n = 3 + utf8_put(raw + 3, hidden[i]);
		memcpy(raw + n, "pal", 4);
		assert_clean("pay\xef\xbf\xbdpal", raw, CLEAN_LINE);
	}
	assert_clean("\xe0\xa4\x95\xe2\x80\x8d\xef\xbf\xbd",
		"\xe0\xa4\x95\xe2\x80\x8d\xe2\x80\x8d", CLEAN_LINE);
	/* half a surrogate pair */
	assert_clean("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "\xed\xa0\x80", CLEAN_TEXT);
}

/* Marks on one character are bounded, so that a text takes columns as it grows. */
static void
test_clean_bounds_marks(void **state)
{
	struct str raw = {0}, clean = {0};

	(void)state;
	str_putc(&raw, 'a');
	for (int i = 0; i < 3100; i++)
		str_puts(&raw, "\xcc\x81");
	text_clean(&clean, raw.data, raw.len, CLEAN_LINE);
	assert_int_equal(101, text_width(clean.data, clean.len));
	str_clear(&raw);
	str_clear(&clean);
}

static void
test_clean_keeps_what_people_write(void **state)
{
	(void)state;
	const char *texts[] = { "Grüße", "日本語",
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", "\xe2\x9d\xa4\xef\xb8\x8f",
		"e\xcc\x81", "1\xef\xb8\x8f\xe2\x83\xa3",
		"\xf0\x9f\x91\x81\xef\xb8\x8f\xe2\x80\x8d\xf0\x9f\x97\xa8\xef\xb8\x8f",
		"\xe1\xa0\xa0\xe1\xa0\x8b" };
	for (size_t i = 0; i < LEN(texts); i++)
		assert_clean(texts[i], texts[i], CLEAN_LINE);
}

static void
test_width_counts_columns(void **state)
{
	(void)state;
	struct { const char *s; int width; } cases[] = {
		{ "abc", 3 }, { "日本", 4 }, { "e\xcc\x81", 1 },
		/* woman, ZWJ, laptop */
		{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 2 },
		{ "\xe2\x9d\xa4\xef\xb8\x8f", 2 },			/* heart as emoji */
		{ "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", 2 },		/* flag */
		{ "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", 2 },		/* thumb, skin tone */
		{ "का", 2 },						/* ka, vowel sign aa */
		{ "कि", 2 }, { "한", 2 },
	};
	for (size_t i = 0; i < LEN(cases); i++)
		assert_int_equal(cases[i].width, text_width(cases[i].s, strlen(cases[i].s)));
}

static void
test_column_cuts_between_graphemes(void **state)
{
	(void)state;
	struct str s = {0};

	text_column(&s, "日本語", 4, true);
	assert_string_equal("日… ", str_get(&s));
	str_cut(&s, 0);
	text_column(&s, "ab", 4, true);
	assert_string_equal("ab  ", str_get(&s));
	str_clear(&s);
}

static void
test_find_ignores_case(void **state)
{
	(void)state;
	char *needle = text_fold("STRASSE");
	assert_true(text_contains("Hauptstraße 5", needle));
	assert_false(text_contains("Hauptweg", needle));
	free(needle);
}

static void
test_error_is_one_safe_line(void **state)
{
	(void)state;
	struct error e;
	char big[1000];

	assert_int_equal(ERR_MSG, error_set(&e, ERR_MSG, "server: %s", "no\r\n\033]0;x\007"));
	assert_null(strpbrk(e.text, "\r\n\033\007"));
	memset(big, 'x', sizeof big);
	big[999] = '\0';
	error_set(&e, ERR_MSG, "%s", big);
	assert_int_equal(sizeof e.text - 1, strlen(e.text));
}

static void
test_safe_name_stays_here(void **state)
{
	(void)state;
	struct { const char *in, *out; } cases[] = {
		{ "../../etc/passwd", "passwd" }, { "..", "attachment" }, { "", "attachment" },
		{ "-rf", "rf" }, { ".bashrc", "bashrc" }, { "C:\\x\\y.doc", "y.doc" },
		{ "a\nb.txt", "a b.txt" }, { "exe\xe2\x80\xaegpj.x", "exe_gpj.x" },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		char *name = path_safe_name(cases[i].in);
		assert_string_equal(cases[i].out, name);
		free(name);
	}
	char big[600];
	memset(big, 'a', sizeof big);
	strcpy(big + 590, ".pdf");
	char *name = path_safe_name(big);
	assert_true(strlen(name) <= 150);
	assert_string_equal(".pdf", name + strlen(name) - 4);
	free(name);
}

static void
test_arena_survives_growth(void **state)
{
	(void)state;
	struct arena a = {0};
	char *first = arena_strdup(&a, "first");

	for (int i = 0; i < 10000; i++)
		arena_printf(&a, "line %d", i);
	memset(arena_alloc(&a, 1 << 20), 1, 1 << 20);
	assert_string_equal("first", first);
	arena_clear(&a);
}

/* What is taken over is copied and freed, and nothing at all is something still. */
static void
test_arena_takes_what_grew(void **state)
{
	(void)state;
	struct arena a = {0};
	int *v = xcalloc(3, sizeof *v);

	v[2] = 7;
	const int *kept = arena_take(&a, v, 3 * sizeof *v);
	assert_int_equal(7, kept[2]);
	assert_non_null(arena_take(&a, NULL, 0));
	arena_clear(&a);
}

static void
test_cancel_is_sticky(void **state)
{
	(void)state;
	struct cancel c;

	assert_int_equal(ERR_OK, cancel_init(&c, NULL));
	assert_false(cancel_fired(&c));
	cancel_fire(&c);
	assert_true(cancel_fired(&c));
	assert_true(cancel_fired(&c));
	cancel_reset(&c);
	assert_false(cancel_fired(&c));
	cancel_close(&c);
}

static void
test_atomic_write_replaces_through_symlink(void **state)
{
	(void)state;
	char dir[] = "/tmp/dunlin-test.XXXXXX";
	char *got;
	size_t n;

	assert_non_null(mkdtemp(dir));
	char *file = path_join(dir, "real"), *link = path_join(dir, "link");
	assert_int_equal(ERR_OK, file_write_atomic(file, "one", 3, NULL));
	assert_int_equal(0, symlink("real", link));
	assert_int_equal(ERR_OK, file_write_atomic(link, "two!", 4, NULL));
	assert_int_equal(ERR_OK, file_read(&got, &n, file, 100, NULL));
	assert_string_equal("two!", got);
	free(got);
	assert_int_equal(ERR_LOCAL, file_read(&got, &n, file, 3, NULL));
	unlink(file);
	unlink(link);
	rmdir(dir);
	free(file);
	free(link);
}

/* Passwords and SASL answers never reach the log. */
static void
test_log_masks_secrets(void **state)
{
	(void)state;
	char path[] = "/tmp/dunlin-log.XXXXXX";
	static const char *const lines[] = { "a1 LOGIN ada hunter2\r\n", "PASS hunter2\r\n",
		"AUTH PLAIN hunter2", "a2 AUTHENTICATE PLAIN hunter2", "hunter2==\r\n" };
	char *got;
	size_t n;

	close(mkstemp(path));
	assert_int_equal(ERR_OK, log_open(path, NULL));
	for (size_t i = 0; i < LEN(lines); i++)
		log_wire('C', lines[i], strlen(lines[i]));
	log_wire('C', "a3 SELECT INBOX\r\n", 17);
	log_close();
	assert_int_equal(ERR_OK, file_read(&got, &n, path, 10000, NULL));
	assert_null(strstr(got, "hunter2"));
	assert_non_null(strstr(got, "a3 SELECT INBOX"));
	free(got);
	unlink(path);
}

/* A directory of ours is closed to others, also one that was open before; what is somebody
 * else's, or a link that somebody else made, is refused. */
static void
test_private_directory(void **state)
{
	(void)state;
	char dir[] = "/tmp/dunlin-private.XXXXXX";
	struct error e;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	char *made = path_join(dir, "a/b"), *link = path_join(dir, "link");
	assert_int_equal(ERR_OK, path_private(made, &e));
	assert_int_equal(0, chmod(made, 0777));
	assert_int_equal(ERR_OK, path_private(made, &e));
	assert_int_equal(0, stat(made, &st));
	assert_int_equal(0700, st.st_mode & 07777);
	assert_int_equal(0, symlink(made, link));
	assert_int_equal(ERR_OK, path_private(link, &e));
	/* only root can make what is somebody else's */
	if (geteuid() == 0) {
		assert_int_equal(0, lchown(link, 65534, 65534));
		assert_int_equal(ERR_LOCAL, path_private(link, &e));
		assert_int_equal(0, chown(made, 65534, 65534));
		assert_int_equal(ERR_LOCAL, path_private(made, &e));
		assert_non_null(strstr(e.text, "somebody else"));
	}
	unlink(link);
	rmdir(made);
	rmdir(dirname(made));
	rmdir(dir);
	free(made);
	free(link);
}

/* A log that was open to others before is closed to them before anything is written. */
static void
test_log_is_private(void **state)
{
	(void)state;
	char path[] = "/tmp/dunlin-log.XXXXXX";
	struct error e;
	struct stat st;

	close(mkstemp(path));
	assert_int_equal(0, chmod(path, 0666));
	assert_int_equal(ERR_OK, log_open(path, &e));
	log_close();
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	if (geteuid() == 0) {
		assert_int_equal(0, chown(path, 65534, 65534));
		assert_int_equal(ERR_LOCAL, log_open(path, &e));
	}
	unlink(path);
}

/* A server that repeats the password it was sent puts it neither into an error nor into the
 * log; what is short enough to be a word stays. */
static void
test_repeated_secret_is_hidden(void **state)
{
	struct error e;
	char path[] = "/tmp/dunlin-log-XXXXXX", text[500] = "";
	int fd = mkstemp(path);

	(void)state;
	hide_add("hunter22");
	hide_add("AGFkYQBodW50ZXIyMg==");
	hide_add("login");
	hide_add(NULL);
	error_set(&e, ERR_AUTH, "login: the server says: %s",
		"no hunter22 or hunter2hunter22, AGFkYQBodW50ZXIyMg==");
	assert_string_equal("login: the server says: no *** or hunter2***, ***", e.text);
	assert_int_equal(ERR_OK, log_open(path, &e));
	log_wire('S', "-ERR what is PASS hunter22?\r\n", 29);
	log_close();
	assert_true(read(fd, text, sizeof text - 1) > 0);
	assert_non_null(strstr(text, "S: -ERR what is PASS ***?"));
	for (int i = 0; i < 40; i++) {		/* and never without bound */
		char more[20];
		snprintf(more, sizeof more, "another-%d", i);
		hide_add(more);
	}
	error_set(&e, ERR_AUTH, "another-39 ***another-7 hunter22");
	assert_string_equal("*** ***another-7 hunter22", e.text);
	hide_clear();
	error_set(&e, ERR_AUTH, "another-39");
	assert_string_equal("another-39", e.text);
	close(fd);
	unlink(path);
}

/* A text too long for an error is cut between characters, wherever the limit falls. */
static void
test_error_is_cut_between_characters(void **state)
{
	(void)state;
	for (int shift = 0; shift < 4; shift++) {
		struct error e;
		struct str s = {0};
		for (int i = 0; i < shift; i++)
			str_putc(&s, 'x');
		for (int i = 0; i < 300; i++)
			str_puts(&s, "日");
		error_set(&e, ERR_LOCAL, "%s", s.data);
		size_t n = strlen(e.text);
		assert_true(utf8_valid(e.text, n));
		assert_true(n < sizeof e.text && n + 3 >= sizeof e.text);
		str_clear(&s);
	}
}

/* Whatever stands at whatever place is found, eight bytes at a time or not. */
static void
test_ascii_runs(void **state)
{
	(void)state;
	for (size_t n = 0; n < 40; n++) {
		char s[41] = "0123456789abcdefghij0123456789abcdefghij";
		assert_int_equal(n, utf8_ascii(s, n));
		assert_true(utf8_valid(s, n));
		for (size_t at = 0; at + 1 < n; at++) {
			char saved[2] = { s[at], s[at + 1] };
			memcpy(s + at, "\xc3\xa4", 2);
			assert_int_equal(at, utf8_ascii(s, n));
			assert_true(utf8_valid(s, n));
			assert_false(utf8_valid(s, at + 1));
			s[at + 1] = saved[1];
			assert_false(utf8_valid(s, n));
			s[at] = saved[0];
		}
	}
	assert_int_equal(3, utf8_ascii("a\0b\x80", 4));
}

TEST_MAIN(T(test_repeated_secret_is_hidden), T(test_error_is_cut_between_characters),
	T(test_clean_stops_what_acts), T(test_clean_shows_what_is_hidden),
	T(test_clean_bounds_marks), T(test_clean_keeps_what_people_write),
	T(test_width_counts_columns), T(test_column_cuts_between_graphemes),
	T(test_find_ignores_case), T(test_error_is_one_safe_line),
	T(test_safe_name_stays_here), T(test_arena_survives_growth), T(test_arena_takes_what_grew),
	T(test_cancel_is_sticky),
	T(test_atomic_write_replaces_through_symlink), T(test_log_masks_secrets),
	T(test_log_is_private), T(test_private_directory), T(test_ascii_runs))
