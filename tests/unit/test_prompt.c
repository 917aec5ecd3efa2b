/* The line editor: what keys make of the text, candidates, history. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "test.h"
#include "ui/keys.h"
#include "ui/prompt.h"

/* Types "text<Key>..." as keys.c names them, and returns what the last key led to. */
static enum prompt_result
type(struct prompt *p, const char *s)
{
	enum prompt_result r = PROMPT_MORE;

	while (*s) {
		uint32_t keys[KEYS_MAX];
		char one[20] = {0};
		int n;
		const char *end = *s == '<' ? strchr(s, '>') : NULL;
		size_t len = end ? (size_t)(end - s + 1) : 1;
		while (!end && ((unsigned char)s[len] & 0xc0) == 0x80)
			len++;
		if (*s == ' ') {
			r = prompt_key(p, ' ');
		} else {
			memcpy(one, s, len);
			assert_int_equal(ERR_OK, keys_parse(one, keys, &n, NULL));
			r = prompt_key(p, keys[0]);
		}
		s += len;
	}
	return r;
}

static void
assert_typed(const char *want, const char *keys)
{
	struct prompt p;

	prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_TEXT, .label = ": " }, NULL);
	assert_int_equal(PROMPT_MORE, type(&p, keys));
	assert_string_equal(want, prompt_text(&p));
	prompt_close(&p);
}

static void
test_editing(void **state)
{
	(void)state;
	assert_typed("abc", "abc");
	assert_typed("xabc", "abc<C-a>x");
	assert_typed("abcx", "abc<Home><C-e>x");
	assert_typed("axbc", "abc<Left><Left>x");
	assert_typed("a", "日<Backspace>a");
	/* the mark goes with its letter */
	assert_typed("e", "ee\xcc\x81<Backspace>");
	assert_typed("bc", "abc<Home><Delete>");
	assert_typed("one two ", "one two three<C-w>");
	assert_typed("one/", "one/two<Alt-Backspace>");
	assert_typed("x two", "one two<Home><Alt-d>x");
	assert_typed("one xtwo", "one two<Alt-b>x");
	assert_typed("onex two", "one two<Home><Alt-f>x");
	assert_typed("", "one two<C-u>");
	assert_typed("on", "one two<Home><Right><Right><C-k>");
	assert_typed("two one two ",
		"one two<C-w>two <C-y><C-a><Delete><Delete><Delete><Delete><C-a>two one "
		"<C-k>two ");
	assert_typed("Grüße 日本", "Grüße 日本");
}

/* Control characters and bidi controls that arrive as keys do not get into the text. */
static void
test_text_stays_clean(void **state)
{
	(void)state;
	struct prompt p;

	prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_TEXT, .label = "",
		.initial = "a\nb" }, NULL);
	prompt_key(&p, 0x202e);
	prompt_key(&p, 0x9b);
	assert_string_equal("a b\xef\xbf\xbd\xef\xbf\xbd", prompt_text(&p));
	prompt_close(&p);
}

static void
test_ends(void **state)
{
	(void)state;
	static const struct { const char *keys; enum prompt_result r; } cases[] = {
		{ "ab<Enter>", PROMPT_DONE }, { "ab<Esc>", PROMPT_CANCELLED },
		{ "<C-g>", PROMPT_CANCELLED },
		{ "<Backspace>", PROMPT_CANCELLED }, { "a<Backspace>", PROMPT_MORE },
		{ "<Enter>", PROMPT_DONE },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct prompt p;
		prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_TEXT, .label = "" },
			NULL);
		assert_int_equal(cases[i].r, type(&p, cases[i].keys));
		prompt_close(&p);
	}
}

/* Only y and Y are yes. */
static void
test_confirm_defaults_to_no(void **state)
{
	(void)state;
	const char *keys[] = { "y", "Y", "n", "<Enter>", "<Esc>", "<Space>", "j" };

	for (size_t i = 0; i < LEN(keys); i++) {
		struct prompt p;
		prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_CONFIRM, .label = "" },
			NULL);
		assert_int_equal(i < 2 ? PROMPT_DONE : PROMPT_CANCELLED, type(&p, keys[i]));
		prompt_close(&p);
	}
}

/* A question with several answers takes these, in either case, and nothing else. */
static void
test_choice(void **state)
{
	(void)state;
	const struct { const char *key, *answer; } cases[] = {
		{ "r", "r" }, { "K", "k" }, { "y", NULL },
		{ "<Enter>", NULL }, { "<Esc>", NULL }, { "ä", NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct prompt p;
		prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_CONFIRM, .label = "",
			.choices = "rk" }, NULL);
		assert_int_equal(cases[i].answer ? PROMPT_DONE : PROMPT_CANCELLED,
			type(&p, cases[i].key));
		if (cases[i].answer)
			assert_string_equal(cases[i].answer, prompt_text(&p));
		prompt_close(&p);
	}
}

static void
folders(void *ctx, const char *text, struct completion *out)
{
	(void)ctx;
	static const char *const names[] = { "INBOX", "Archive", "Archive/2025",
		"lists/arch-linux", "Sent" };
	for (size_t i = 0; i < LEN(names); i++)
		completion_offer(out, text, names[i], i == 1 ? "1,200" : NULL);
}

static const struct prompt_spec pick = { .kind = PROMPT_FOLDER, .label = "Move to: ",
	.complete = folders, .must_match = true };

/* Those that begin with what was typed stand before those that contain it. */
static void
test_candidates_are_listed(void **state)
{
	(void)state;
	struct prompt p;
	struct grid g;

	prompt_open(&p, &pick, NULL);
	type(&p, "arch");
	grid_init(&g, 6, 40);
	struct area a = grid_area(&g);
	prompt_draw(&p, &a, NULL, ST_NORMAL);
	char *got = grid_text(&g);
	assert_string_equal("\n────────────────────────────────────────\n"
		"  Archive           1,200\n  Archive/2025\n  lists/arch-linux\nMove "
		"to: arch\n", got);
	assert_int_equal(5, g.cursor_y);
	assert_int_equal(13, g.cursor_x);
	free(got);
	grid_clear(&g);
	prompt_close(&p);
}

static void
test_tab_walks_candidates(void **state)
{
	(void)state;
	static const struct { const char *keys, *text; } cases[] = {
		{ "s<Tab>", "Sent" }, { "arch<Tab>", "Archive" },
		{ "lin<Tab>", "lists/arch-linux" },
		{ "arch<Tab><Tab>", "Archive/2025" }, { "arch<S-Tab>", "lists/arch-linux" },
		{ "arch<Tab><Tab><Tab>", "Archive" }, { "arch<Tab><Tab><Tab><Tab>",
			"Archive/2025" },
		{ "arch<Tab>/<Tab>", "Archive/2025" },
		{ "r<Tab>", "r" }, { "r<Tab><Tab>", "Archive" },
		{ "r<Tab><Tab>x", "Archivex" },
		{ "r<Tab>c<Tab>", "rc" },	/* what all have in common, and no more */
		{ "zzz<Tab>", "zzz" },
		{ "arch<Enter>", "Archive" },		/* Enter takes the first */
		{ "Archive/2025<Enter>", "Archive/2025" },
		{ "zzz<Enter>", "zzz" }, { "<Enter>", "" },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct prompt p;
		prompt_open(&p, &pick, NULL);
		type(&p, cases[i].keys);
		assert_string_equal(cases[i].text, prompt_text(&p));
		prompt_close(&p);
	}
}

/* A password shows as dots and leaves nothing in the history or the kill buffer. */
static void
test_password_is_masked(void **state)
{
	(void)state;
	struct history h;
	struct prompt p;
	struct grid g;

	history_open(&h, NULL);
	prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_PASSWORD,
		.label = "Password: " }, &h);
	type(&p, "hünter<C-w>sécret");
	grid_init(&g, 2, 30);
	struct area a = grid_area(&g);
	prompt_draw(&p, &a, NULL, ST_NORMAL);
	char *got = grid_text(&g);
	assert_string_equal("\nPassword: ••••••\n", got);
	assert_int_equal(0, p.killed.len);
	assert_int_equal(PROMPT_DONE, type(&p, "<Enter>"));
	assert_string_equal("sécret", prompt_text(&p));
	assert_null(history_get(&h, PROMPT_PASSWORD, 1));
	free(got);
	grid_clear(&g);
	prompt_close(&p);
	history_close(&h);
}

/* A line longer than the screen keeps the cursor in sight. */
static void
test_long_line_scrolls(void **state)
{
	(void)state;
	struct prompt p;
	struct grid g;

	prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_TEXT, .label = "To: ",
		.initial = "0123456789日本語abcdefghij" }, NULL);
	grid_init(&g, 1, 20);
	struct area a = grid_area(&g);
	prompt_draw(&p, &a, NULL, ST_NORMAL);
	char *got = grid_text(&g);
	assert_string_equal("To: 本語abcdefghij\n", got);
	assert_int_equal(18, g.cursor_x);
	free(got);
	type(&p, "<Home>");
	prompt_draw(&p, &a, NULL, ST_NORMAL);
	got = grid_text(&g);
	assert_string_equal("To: 0123456789日本…\n", got);
	assert_int_equal(4, g.cursor_x);
	free(got);
	grid_clear(&g);
	prompt_close(&p);
}

/* What was typed comes back after a restart, the newest first, and what
 * was being typed is not lost. */
static void
test_history(void **state)
{
	(void)state;
	char dir[] = "/tmp/dunlin-test.XXXXXX";
	struct history h;
	struct prompt p;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	char *path = path_join(dir, "history");
	history_open(&h, path);
	history_add(&h, PROMPT_QUERY, "from:ada");
	history_add(&h, PROMPT_COMMAND, "limit");
	history_add(&h, PROMPT_QUERY, "is:unread");
	history_add(&h, PROMPT_QUERY, "from:ada");
	history_add(&h, PROMPT_PASSWORD, "hunter2");
	history_add(&h, PROMPT_TEXT, "hunter2");
	history_close(&h);
	history_open(&h, path);
	assert_string_equal("from:ada", history_get(&h, PROMPT_QUERY, 1));
	assert_string_equal("is:unread", history_get(&h, PROMPT_QUERY, 2));
	assert_null(history_get(&h, PROMPT_QUERY, 3));
	prompt_open(&p, &(struct prompt_spec){ .kind = PROMPT_QUERY, .label = "" }, &h);
	type(&p, "dra<Up><Up><Up>");
	assert_string_equal("is:unread", prompt_text(&p));
	type(&p, "<Down><Down><Down>");
	assert_string_equal("dra", prompt_text(&p));
	prompt_close(&p);
	history_close(&h);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	unlink(path);
	rmdir(dir);
	free(path);
}

TEST_MAIN(T(test_editing), T(test_text_stays_clean), T(test_ends),
	T(test_confirm_defaults_to_no), T(test_choice), T(test_candidates_are_listed),
	T(test_tab_walks_candidates), T(test_password_is_masked), T(test_long_line_scrolls),
	T(test_history))
