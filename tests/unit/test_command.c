/* The command table. */
#include "backend.h"
#include "test.h"
#include "ui/command.h"

/* Each row is whole: its id is its index, its help a line, its views
 * known, its name unique. */
static void
test_table_is_whole(void **state)
{
	(void)state;
	for (int id = 0; id < N_COMMANDS; id++) {
		const struct command *c = command_at(id);
		assert_non_null(c->name);
		assert_int_equal(id, c->id);
		assert_ptr_equal(c, command_find(c->name));
		assert_true(c->views != 0 && (c->views & ~(unsigned)V_ALL) == 0);
		assert_true(strlen(c->help) > 0 && strlen(c->help) < 60);
		assert_int_not_equal('.', c->help[strlen(c->help) - 1]);
		assert_int_equal(strlen(c->name),
			strspn(c->name, "abcdefghijklmnopqrstuvwxyz-"));
	}
}

/* What commands need are the engine's capabilities, bit for bit. */
static void
test_needs_are_caps(void **state)
{
	(void)state;
	assert_int_equal(CAP_FLAGS, NEEDS_FLAGS);
	assert_int_equal(CAP_MOVE, NEEDS_MOVE);
	assert_int_equal(CAP_DELETE, NEEDS_DELETE);
	assert_int_equal(CAP_FOLDERS, NEEDS_FOLDERS);
}

static void
assert_parsed(const char *line, unsigned view, const char *name, const char *want_arg)
{
	const char *arg;
	struct error e;
	const struct command *c = command_parse(line, view, true, &arg, &e);

	assert_non_null(c);
	assert_string_equal(name, c->name);
	assert_true(str_eq(want_arg, arg));
}

static void
assert_refused(const char *line, unsigned view, bool abbreviated, const char *why)
{
	const char *arg;
	struct error e;

	assert_null(command_parse(line, view, abbreviated, &arg, &e));
	assert_string_equal(why, e.text);
}

static void
test_lines_are_parsed(void **state)
{
	(void)state;
	assert_parsed("delete", V_INDEX, "delete", NULL);
	assert_parsed("move   Archive/2025 old ", V_INDEX, "move", "Archive/2025 old ");
	assert_parsed("lim is:unread", V_INDEX, "limit", "is:unread");
	assert_parsed("fold", V_INDEX, "fold", NULL);		/* not taken for fold-all */
	assert_parsed("limit ", V_INDEX, "limit", NULL);
	assert_refused("lim", V_INDEX, false, "no command 'lim' (did you mean 'limit'?)");
	assert_refused("delte", V_INDEX, true, "no command 'delte' (did you mean 'delete'?)");
	assert_refused("limit x", V_PAGER, true, "'limit' does nothing here, but in index");
	assert_refused("undo 3", V_PAGER, true, "'undo' takes no argument");
	assert_parsed("send at mon 8:00", V_COMPOSE, "send-at", "mon 8:00");
	assert_parsed("send at", V_OUTBOX, "send-at", NULL);
	assert_refused("send now", V_COMPOSE, true, "'send' takes no argument");
	assert_refused("send at 9:00", V_INDEX, true,
		"'send' does nothing here, but in compose");
	/* it takes one: no other command */
	assert_parsed("search next", V_INDEX, "search", "next");
	assert_refused("", V_PAGER, true, "no command ''");
	assert_refused("pa", V_PAGER, true, "no command 'pa'");	/* page-up, page-down, parts */
}

/* One line a row, five columns. */
static void
test_dump_has_every_command(void **state)
{
	(void)state;
	struct str s = {0};
	int n_lines = 0, n_tabs = 0;

	command_dump(&s);
	for (const char *c = str_get(&s); *c; c++) {
		n_lines += *c == '\n';
		n_tabs += *c == '\t';
	}
	assert_int_equal(N_COMMANDS, n_lines);
	assert_int_equal(4 * N_COMMANDS, n_tabs);
	assert_non_null(strstr(s.data, "move\ts\tindex,pager\tFOLDER\tmove to a folder\n"));
	str_clear(&s);
}

TEST_MAIN(T(test_table_is_whole), T(test_needs_are_caps), T(test_lines_are_parsed),
	T(test_dump_has_every_command))
