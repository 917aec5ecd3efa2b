/* Styles and colours. */
#include "str.h"
#include "test.h"
#include "ui/theme.h"

static void
keep_line(void *ctx, const char *line)
{
	str_printf(ctx, "%s\n", line);
}

/* Every style has a name of its own that [colors] can use. */
static void
test_styles_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < N_STYLES; i++) {
		assert_non_null(style_name(i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(style_name(k), style_name(i));
	}
}

/* The defaults set no background but for matches, so that they look
 * right on dark and on light. */
static void
test_defaults_keep_the_background(void **state)
{
	(void)state;
	struct theme t;

	theme_default(&t);
	for (int i = 0; i < N_STYLES; i++) {
		if (i != ST_MATCH)
			assert_int_equal(RC_COLOR_DEFAULT, t.looks[i].bg);
	}
}

/* [colors] changes what it names; a wrong line is told and changes nothing. */
static void
test_rc_changes_styles(void **state)
{
	(void)state;
	struct rc_pair pairs[] = {
		{ (char *)"", (char *)"unread", (char *)"bold red on #102030", 3 },
		{ (char *)"", (char *)"unred", (char *)"red", 4 },
		{ (char *)"", (char *)"cursor", (char *)"nocolor", 5 },
	};
	struct rc rc = { .path = (char *)"mailrc", .colors = pairs, .n_colors = LEN(pairs) };
	struct str problems = {0};
	struct theme t, plain;

	theme_default(&plain);
	theme_default(&t);
	theme_read(&t, &rc, keep_line, &problems);
	assert_int_equal(1, t.looks[ST_UNREAD].fg);
	assert_int_equal(RC_COLOR_RGB | 0x102030, t.looks[ST_UNREAD].bg);
	assert_int_equal(RC_BOLD, t.looks[ST_UNREAD].attrs);
	assert_memory_equal(&plain.looks[ST_CURSOR], &t.looks[ST_CURSOR],
		sizeof plain.looks[0]);
	assert_non_null(strstr(str_get(&problems),
		"mailrc:4: no style 'unred' (did you mean 'unread'?)\n"));
	assert_non_null(strstr(str_get(&problems), "mailrc:5: "));
	str_clear(&problems);
}

/* What fits a query has its colour, by the first line that it fits; what a row cannot know is
 * refused, and so is a query that is none. */
static void
test_rc_colours_messages(void **state)
{
	(void)state;
	struct rc_pair pairs[] = {
		{ (char *)"", (char *)"message from:bob is:unread", (char *)"bold red", 3 },
		{ (char *)"", (char *)"message from:bob", (char *)"green", 4 },
		{ (char *)"", (char *)"message body:x", (char *)"red", 5 },
		{ (char *)"", (char *)"Message in:inbox", (char *)"red", 6 },
		{ (char *)"", (char *)"message frm:x is:unraed", (char *)"red", 7 },
		{ (char *)"", (char *)"message to:x", (char *)"nocolor", 8 },
	};
	struct rc rc = { .path = (char *)"mailrc", .colors = pairs, .n_colors = LEN(pairs) };
	struct msg m = { .from_name = "Bob", .from_addr = "b@x", .to = "", .cc = "",
		.subject = "", .list_id = "" };
	struct str problems = {0};
	struct theme t;

	theme_default(&t);
	theme_read(&t, &rc, keep_line, &problems);
	assert_int_equal(2, t.n_rules);
	struct rc_color look = theme_look(&t, ST_DATE, theme_rule(&t, &m));
	assert_int_equal(1, look.fg);
	assert_int_equal(RC_BOLD | RC_DIM, look.attrs);
	m.flags = MSG_SEEN;
	assert_int_equal(2, theme_look(&t, ST_NORMAL, theme_rule(&t, &m)).fg);
	m.from_name = "Eve";
	assert_int_equal(ST_NORMAL, theme_rule(&t, &m));
	for (int line = 5; line <= 8; line++) {
		char *mark = xasprintf("mailrc:%d: ", line);
		assert_non_null(strstr(str_get(&problems), mark));
		free(mark);
	}
	theme_clear(&t);
	str_clear(&problems);
}

/* The cursor's bar is one colour whatever it crosses; a tag keeps what it does not name. */
static void
test_overlays(void **state)
{
	(void)state;
	struct theme t;

	theme_default(&t);
	struct rc_color l = theme_look(&t, ST_FLAGGED, ST_CURSOR);
	assert_int_equal(RC_COLOR_DEFAULT, l.fg);
	assert_int_equal(RC_REVERSE | RC_BOLD, l.attrs);
	l = theme_look(&t, ST_TAGGED, ST_CURSOR);
	assert_int_equal(RC_REVERSE, l.attrs);
	l = theme_look(&t, ST_UNREAD, ST_CURSOR);
	assert_int_equal(RC_REVERSE | RC_BOLD, l.attrs);
	l = theme_look(&t, ST_UNREAD, ST_TAGGED);
	assert_int_equal(t.looks[ST_TAGGED].fg, l.fg);
	assert_true(l.attrs & RC_BOLD);
	l = theme_look(&t, ST_LINK, ST_NORMAL);
	assert_memory_equal(&t.looks[ST_LINK], &l, sizeof l);
}

/* Fewer colours: the nearest, and never a number the terminal does not have. */
static void
test_nearest_color(void **state)
{
	(void)state;
	assert_int_equal(RC_COLOR_DEFAULT, color_nearest(RC_COLOR_DEFAULT, 256));
	assert_int_equal(5, color_nearest(5, 8));
	assert_int_equal(196, color_nearest(RC_COLOR_RGB | 0xff0000, 256));
	assert_int_equal(9, color_nearest(RC_COLOR_RGB | 0xff0000, 16));
	assert_int_equal(1, color_nearest(RC_COLOR_RGB | 0xff0000, 8));
	assert_int_equal(244, color_nearest(RC_COLOR_RGB | 0x808080, 256));
	assert_int_equal(16, color_nearest(RC_COLOR_RGB, 256));
	for (int c = 0; c < 256; c++) {
		assert_in_range(color_nearest(c, 8), 0, 7);
		assert_in_range(color_nearest(c, 16), 0, 15);
		assert_int_equal(c, color_nearest(c, 256));
	}
	assert_int_equal(0xd7875f, color_rgb(173));
}

TEST_MAIN(T(test_styles_have_names), T(test_defaults_keep_the_background),
	T(test_rc_changes_styles), T(test_rc_colours_messages),
T(test_overlays), T(test_nearest_color))
