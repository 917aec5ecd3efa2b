/* The grid: what is drawn is clean, clipped and told as damage. */
#include "test.h"
#include "ui/grid.h"

static void
assert_screen(const struct grid *g, const char *want)
{
	char *got = grid_text(g);
	assert_string_equal(want, got);
	free(got);
}

/* Text of a mail reaches no cell with a control byte, whatever primitive draws it. */
static void
test_nothing_unclean_gets_in(void **state)
{
	(void)state;
	struct grid g;

	grid_init(&g, 4, 12);
	struct area a = grid_area(&g);
	area_put(&a, 0, 0, -1, ST_NORMAL, "a\033[31mb\r\nc");
	area_put_right(&a, 1, 0, -1, ST_NORMAL, "x\xc2\x9by");
	area_fill(&a, 2, 0, 3, ST_NORMAL, "\033");
	area_printf(&a, 3, 0, -1, ST_NORMAL, "%s", "q\007\x9b");
	for (int y = 0; y < 4; y++) {
		for (int x = 0; x < 12; x++) {
			for (const char *c = grid_cell(&g, y, x)->text; *c; c++)
				assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
			assert_null(strstr(grid_cell(&g, y, x)->text, "\xc2\x9b"));
		}
	}
	assert_screen(&g, "a [31mb c\n         x\xef\xbf\xbdy\n\nq \xef\xbf\xbd\n");
	grid_clear(&g);
}

/* Longer text ends in an ellipsis at the column given, also before a wide character. */
static void
test_text_is_cut_by_columns(void **state)
{
	(void)state;
	struct grid g;

	grid_init(&g, 4, 10);
	struct area a = grid_area(&g);
	assert_int_equal(4, area_put(&a, 0, 0, 4, ST_NORMAL, "abcdef"));
	assert_int_equal(4, area_put(&a, 0, 5, 4, ST_NORMAL, "abcd"));
	assert_int_equal(3, area_put(&a, 1, 0, 4, ST_NORMAL, "日本語"));
	assert_int_equal(10, area_put(&a, 2, 0, -1, ST_NORMAL, "0123456789abc"));
	assert_int_equal(2, area_put_right(&a, 3, 0, -1, ST_NORMAL, "日"));
	assert_screen(&g, "abc… abcd\n日…\n012345678…\n        日\n");
	grid_clear(&g);
}

/* Drawing outside of an area changes nothing. */
static void
test_area_clips(void **state)
{
	(void)state;
	struct grid g;

	grid_init(&g, 4, 10);
	struct area all = grid_area(&g);
	struct area a = area_sub(&all, 1, 2, 2, 5);
	area_put(&a, -1, 0, -1, ST_NORMAL, "no");
	area_put(&a, 2, 0, -1, ST_NORMAL, "no");
	area_put(&a, 0, 5, -1, ST_NORMAL, "no");
	area_put(&a, 0, 3, 100, ST_NORMAL, "yes");
	area_fill(&a, 1, 0, -1, ST_NORMAL, "─");
	area_over(&a, 1, 4, 100, ST_CURSOR);
	assert_screen(&g, "\n     y…\n  ─────\n\n");
	assert_int_equal(ST_CURSOR, grid_cell(&g, 2, 6)->over);
	assert_int_equal(ST_NORMAL, grid_cell(&g, 2, 7)->over);
	struct area beyond = area_sub(&all, 9, 20, 3, 3);
	assert_int_equal(0, beyond.rows);
	assert_int_equal(0, area_put(&beyond, 0, 0, -1, ST_NORMAL, "no"));
	grid_clear(&g);
}

/* Writing over one half of a wide character leaves no other half behind. */
static void
test_wide_halves_are_mended(void **state)
{
	(void)state;
	struct grid g;

	grid_init(&g, 2, 6);
	struct area a = grid_area(&g);
	area_put(&a, 0, 0, -1, ST_NORMAL, "日本語");
	area_put(&a, 0, 1, -1, ST_NORMAL, "x");
	assert_screen(&g, " x本語\n\n");
	area_put(&a, 0, 2, -1, ST_NORMAL, "y");
	assert_screen(&g, " xy 語\n\n");
	area_put(&a, 0, 1, -1, ST_NORMAL, "日");
	assert_screen(&g, " 日 語\n\n");
	grid_clear(&g);
}

/* Combining marks stay with their letter, and a family of emoji takes two columns. */
static void
test_graphemes_take_their_columns(void **state)
{
	(void)state;
	struct grid g;

	grid_init(&g, 1, 8);
	struct area a = grid_area(&g);
	assert_int_equal(2, area_put(&a, 0, 0, -1, ST_NORMAL, "e\xcc\x81x"));
	assert_string_equal("e\xcc\x81", grid_cell(&g, 0, 0)->text);
	assert_int_equal(2, area_put(&a, 0, 2, -1, ST_NORMAL,
		"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d"
		"\xf0\x9f\x91\xa7\xe2\x80\x8d\xf0\x9f\x91\xa6"));
	assert_int_equal(2, grid_cell(&g, 0, 2)->width);
	assert_int_equal(0, grid_cell(&g, 0, 3)->width);
	/* More marks on one letter than a cell holds: cut between characters. */
	char zalgo[64] = "z";
	for (int i = 0; i < 29; i++)
		memcpy(zalgo + 1 + 2 * i, "\xcc\x81", 3);
	assert_int_equal(1, area_put(&a, 0, 4, -1, ST_NORMAL, zalgo));
	assert_int_equal(CELL_BYTES - 1, strlen(grid_cell(&g, 0, 4)->text));
	grid_clear(&g);
}

/* Redrawing the same costs nothing; a change costs its own columns. */
static void
test_damage_is_what_changed(void **state)
{
	(void)state;
	struct grid g;
	int from, to;

	grid_init(&g, 2, 10);
	struct area a = grid_area(&g);
	assert_true(grid_damage(&g, 0, &from, &to));
	assert_int_equal(0, from);
	assert_int_equal(10, to);
	area_put(&a, 0, 0, -1, ST_NORMAL, "ab日本cd");
	grid_mark_shown(&g);
	grid_erase(&g);
	area_put(&a, 0, 0, -1, ST_NORMAL, "ab日本cd");
	assert_false(grid_damage(&g, 0, &from, &to));
	area_put(&a, 0, 3, 1, ST_NORMAL, "x");
	assert_true(grid_damage(&g, 0, &from, &to));
	assert_int_equal(2, from);
	assert_int_equal(4, to);
	area_over(&a, 1, 7, 2, ST_CURSOR);
	assert_true(grid_damage(&g, 1, &from, &to));
	assert_int_equal(7, from);
	assert_int_equal(9, to);
	grid_mark_damaged(&g);
	assert_true(grid_damage(&g, 1, &from, &to));
	assert_int_equal(10, to - from);
	grid_clear(&g);
}

TEST_MAIN(T(test_nothing_unclean_gets_in), T(test_text_is_cut_by_columns), T(test_area_clips),
	T(test_wide_halves_are_mended), T(test_graphemes_take_their_columns),
	T(test_damage_is_what_changed))
