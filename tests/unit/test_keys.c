/* Keys: names, sequences, maps. */
#include "test.h"
#include "ui/keys.h"

/* Every name reads back as the same key. */
static void
test_names_read_back(void **state)
{
	(void)state;
	static const char *const names[] = { "a", "<C-d>", "<Alt-x>", "<Space>", "<Enter>",
		"<F1>", "<F12>", "gg", ";", "#", "<lt>", "<S-Tab>", "<C-Left>", "<Alt-Enter>",
		"<C-Alt-x>", "ü", "日", "<PageDown>", "<Esc>", "<C-x>s", ">", "<Backspace>",
		"|" };
	for (size_t i = 0; i < LEN(names); i++) {
		uint32_t keys[KEYS_MAX];
		struct str s = {0};
		int n;
		assert_int_equal(ERR_OK, keys_parse(names[i], keys, &n, NULL));
		keys_text(&s, keys, n);
		assert_string_equal(names[i], str_get(&s));
		str_clear(&s);
	}
}

/* Different spellings of what a terminal cannot tell apart are one key. */
static void
test_spellings_are_one_key(void **state)
{
	(void)state;
	static const struct { const char *a, *b; } same[] = {
		{ "<c-D>", "<C-d>" }, { "<Ctrl-d>", "<C-d>" }, { "<M-x>", "<Alt-x>" },
		{ "<A-x>", "<Alt-x>" },
		{ "<return>", "<Enter>" }, { "<C-m>", "<Enter>" }, { "<C-i>", "<Tab>" },
		{ "<C-[>", "<Esc>" },
		{ "<pgdn>", "<PageDown>" }, { "<BackTab>", "<S-Tab>" }, { "<x>", "x" },
	};
	for (size_t i = 0; i < LEN(same); i++) {
		uint32_t a[KEYS_MAX], b[KEYS_MAX];
		int n, m;
		assert_int_equal(ERR_OK, keys_parse(same[i].a, a, &n, NULL));
		assert_int_equal(ERR_OK, keys_parse(same[i].b, b, &m, NULL));
		assert_int_equal(1, n);
		assert_int_equal(b[0], a[0]);
	}
	assert_int_equal(KC_CTRL | 'd', key_of_byte(4));
	assert_int_equal(KC_BACKSPACE, key_of_byte(127));
}

static void
test_nonsense_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "<>", "<Foo>", "<F13>", "<C->", "abcde", "a b",
		"\x01", "<S-a>", "\xff", "<F0>", "<F999>" };
	for (size_t i = 0; i < LEN(bad); i++) {
		uint32_t keys[KEYS_MAX];
		struct error e;
		int n;
		assert_int_equal(ERR_LOCAL, keys_parse(bad[i], keys, &n, &e));
	}
}

static const char *
bound(const struct keymap *m, unsigned view, const char *text)
{
	const struct binding *b = NULL;
	uint32_t keys[KEYS_MAX];
	int n;

	assert_int_equal(ERR_OK, keys_parse(text, keys, &n, NULL));
	switch (keymap_find(m, view, keys, n, &b)) {
	case KEYS_NONE: return "none";
	case KEYS_PREFIX: return "prefix";
	case KEYS_BOUND: return b->line;
	}
	return "?";
}

/* The keys that DESIGN.md fixes. */
static void
test_default_map(void **state)
{
	(void)state;
	struct keymap m;
	static const struct { unsigned view; const char *keys, *line; } want[] = {
		{ V_INDEX, "j", "down" }, { V_INDEX, "k", "up" },
		{ V_INDEX, "<Enter>", "open" },
		{ V_INDEX, "<Space>", "open" }, { V_INDEX, "q", "back" },
		{ V_INDEX, "d", "delete" },
		{ V_INDEX, "u", "undo" }, { V_INDEX, "a", "archive" },
		{ V_INDEX, "s", "move" },
		{ V_INDEX, "C", "copy" }, { V_INDEX, "F", "flag" }, { V_INDEX, "N", "read" },
		{ V_INDEX, "t", "tag" }, { V_INDEX, ";", "tagged" }, { V_PAGER, "v", "parts" },
		{ V_PAGER, "h", "headers" }, { V_PAGER, "|", "pipe" },
		{ V_INDEX, "l", "limit" },
		{ V_INDEX, "/", "search" }, { V_INDEX, "n", "search-next" },
		{ V_INDEX, "o", "sort" },
		{ V_INDEX, "c", "folder" }, { V_INDEX, "y", "folders" },
		{ V_INDEX, "z", "fold" },
		{ V_INDEX, "G", "last" }, { V_INDEX, "gg", "first" }, { V_INDEX, "$", "sync" },
		{ V_INDEX, "?", "help" }, { V_INDEX, ":", "command" },
		{ V_INDEX, "g", "prefix" },
		{ V_PAGER, "<Space>", "read-on" }, { V_PARTS, "s", "save" },
		{ V_PARTS, "l", "none" },
		{ V_FOLDERS, "d", "delete-folder" }, { V_HELP, "d", "none" },
	};
	keymap_init(&m, NULL);
	for (size_t i = 0; i < LEN(want); i++)
		assert_string_equal(want[i].line, bound(&m, want[i].view, want[i].keys));
	keymap_clear(&m);
}

/* Every line of every built-in map is a command of the view it is bound in, and every key
 * of the command table survives in the default map. */
static void
test_built_in_maps_are_valid(void **state)
{
	(void)state;
	static const char *const names[] = { "default", "mutt", "vim" };
	for (size_t k = 0; k < LEN(names); k++) {
		struct keymap m;
		keymap_init(&m, names[k]);
		for (size_t i = 0; i < m.n; i++) {
			const char *arg;
			struct error e;
			if (!command_parse(m.v[i].line, m.v[i].view, false, &arg, &e))
				fail_msg("%s: %s in %s: %s", names[k], m.v[i].line,
					view_bit_name(m.v[i].view), e.text);
		}
		keymap_clear(&m);
	}
	struct keymap m;
	keymap_init(&m, "default");
	for (int id = 0; id < N_COMMANDS; id++) {
		const struct command *c = command_at(id);
		for (unsigned view = 1; c->keys[0] && view < V_ALL; view <<= 1) {
			struct str keys = {0};
			keymap_keys_of(&m, view, c, &keys);
			if ((c->views & view) && keys.len == 0)
				fail_msg("%s has no key in %s", c->name, view_bit_name(view));
			str_clear(&keys);
		}
	}
	keymap_clear(&m);
}

static void
test_mutt_and_vim_differ(void **state)
{
	(void)state;
	struct keymap m;

	keymap_init(&m, "mutt");
	assert_string_equal("back", bound(&m, V_INDEX, "q"));
	assert_string_equal("last", bound(&m, V_INDEX, "*"));
	assert_string_equal("delete", bound(&m, V_INDEX, "d"));
	assert_string_equal("next-message", bound(&m, V_PAGER, "j"));
	assert_string_equal("alias", bound(&m, V_INDEX, "a"));
	assert_string_equal("reply-all", bound(&m, V_PAGER, "gg"));
	assert_string_equal("drafts", bound(&m, V_INDEX, "R"));
	keymap_clear(&m);
	keymap_init(&m, "vim");
	assert_string_equal("prefix", bound(&m, V_INDEX, "d"));
	assert_string_equal("delete", bound(&m, V_INDEX, "dd"));
	assert_string_equal("copy", bound(&m, V_INDEX, "yy"));
	assert_string_equal("search-previous", bound(&m, V_PAGER, "N"));
	keymap_clear(&m);
}

/* No binding hides another: the later wins, whichever is longer. */
static void
test_later_binding_wins(void **state)
{
	(void)state;
	struct keymap m;

	keymap_init(&m, "default");
	assert_int_equal(ERR_OK, keymap_bind(&m, V_INDEX, "dd", "delete", NULL));
	assert_string_equal("prefix", bound(&m, V_INDEX, "d"));
	assert_string_equal("delete", bound(&m, V_PAGER, "d"));
	assert_int_equal(ERR_OK, keymap_bind(&m, V_INDEX, "d", "archive", NULL));
	assert_string_equal("archive", bound(&m, V_INDEX, "d"));
	assert_string_equal("none", bound(&m, V_INDEX, "dd"));
	assert_int_equal(ERR_OK, keymap_bind(&m, V_INDEX, "d", "none", NULL));
	assert_string_equal("none", bound(&m, V_INDEX, "d"));
	keymap_clear(&m);
}

static void
keep_line(void *ctx, const char *line)
{
	str_printf(ctx, "%s\n", line);
}

/* A wrong line of the rc is told with the nearest word and costs only itself. */
static void
test_rc_bindings(void **state)
{
	(void)state;
	struct rc_pair pairs[] = {
		{ (char *)"index", (char *)"x", (char *)"delete", 3 },
		{ (char *)"index", (char *)"U", (char *)"limit is:unread", 4 },
		{ (char *)"", (char *)"<F5>", (char *)"sync", 5 },
		{ (char *)"index", (char *)"z", (char *)"delet", 6 },
		{ (char *)"indx", (char *)"z", (char *)"delete", 7 },
		{ (char *)"pager", (char *)"<Foo>", (char *)"back", 8 },
		{ (char *)"pager", (char *)"Z", (char *)"limit is:unread", 9 },
		{ (char *)"all", (char *)"u", (char *)"none", 10 },
		{ (char *)"index", (char *)"w", (char *)"undo all", 11 },
		{ (char *)"", (char *)"X", (char *)"limit is:unraed", 12 },
		{ (char *)"", (char *)"X", (char *)"sort age", 13 },
		{ (char *)"", (char *)"X", (char *)"link one", 14 },
		{ (char *)"index", (char *)"W", (char *)"search form:ada", 15 },
		{ (char *)"", (char *)"<C-Entr>", (char *)"delete", 16 },
		{ (char *)"index", (char *)"x", (char *)"archive", 17 },
		{ (char *)"index", (char *)"<F2>", (char *)"archive", 18 },
		{ (char *)"index", (char *)"<F2>a", (char *)"junk", 19 },
		{ (char *)"pager", (char *)"x", (char *)"back", 20 },
		{ (char *)"all", (char *)"<F6>", (char *)"folder", 21 },
		{ (char *)"nowhere-at-all", (char *)"z", (char *)"delete", 22 },
	};
	struct rc rc = { .path = (char *)"mailrc", .keys = pairs, .n_keys = LEN(pairs) };
	struct str problems = {0};
	struct keymap m;

	keymap_init(&m, "default");
	keymap_read(&m, &rc, keep_line, &problems);
	assert_string_equal("mailrc:6: no command 'delet' (did you mean 'delete'?)\n"
		"mailrc:7: no view 'indx' (did you mean 'index'?)\n"
		"mailrc:8: '<Foo>' is no key (as in: x <C-x> <Alt-x> <F1> <Enter> "
		"<Space> gg)\nmailrc:9: 'limit' does nothing here, but in index\n"
		"mailrc:11: 'undo' takes no argument\n"
		"mailrc:12: unknown 'is:unraed' (did you mean 'is:unread'?)\n"
		"mailrc:13: 'age' is no order: sort by date, sender, subject or size; with "
		"'-' before it reversed\nmailrc:14: 'link' wants a number, not 'one'\n"
		"mailrc:15: unknown 'form:' (did you mean 'from:'?)\n"
		"mailrc:16: '<C-Entr>' is no key (did you mean '<C-Enter>'?)\n"
		"mailrc:17: 'x' is already bound in line 3; this one counts\n"
		"mailrc:19: '<F2>a' takes away '<F2>' of line 18: one begins as the other\n"
		"mailrc:22: no view 'nowhere-at-all' (there are folders, index, pager, parts, "
		"help, messages, compose, drafts, outbox, all)\n", str_get(&problems));
	assert_string_equal("archive", bound(&m, V_INDEX, "x"));
	assert_string_equal("junk", bound(&m, V_INDEX, "<F2>a"));
	assert_string_equal("back", bound(&m, V_PAGER, "x"));
	assert_string_equal("limit is:unread", bound(&m, V_INDEX, "U"));
	assert_string_equal("sync", bound(&m, V_PARTS, "<F5>"));
	assert_string_equal("none", bound(&m, V_PAGER, "u"));
	str_clear(&problems);
	keymap_clear(&m);
}

static void
keep_hint(void *ctx, const char *key, const char *line)
{
	str_printf(ctx, "%s=%s ", key, line);
}

/* After g the keys that may follow are told. */
static void
test_hints(void **state)
{
	(void)state;
	struct str s = {0};
	struct keymap m;
	uint32_t g = 'g';

	keymap_init(&m, "default");
	keymap_hints(&m, V_HELP, &g, 1, keep_hint, &s);
	assert_string_equal("g=first m=messages d=drafts o=outbox r=reconnect ", str_get(&s));
	str_clear(&s);
	keymap_clear(&m);
}

TEST_MAIN(T(test_names_read_back), T(test_spellings_are_one_key), T(test_nonsense_is_refused),
	T(test_default_map), T(test_built_in_maps_are_valid), T(test_mutt_and_vim_differ),
	T(test_later_binding_wins), T(test_rc_bindings), T(test_hints))
