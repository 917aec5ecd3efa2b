/* HTML to lines of text. */
#include "mime.h"
#include "test.h"
#include "utf8.h"

static void
render(struct lines *l, const char *html, int columns)
{
	struct part p = { .type = "text/html", .charset = "utf-8", .format = "", .delsp = "" };

	mime_render(l, &p, html, strlen(html), columns);
}

static void
assert_html(const char *html, const char *want)
{
	struct lines l = {0};
	struct str s = {0};

	render(&l, html, 40);
	for (size_t i = 0; i < l.n; i++)
		str_printf(&s, "%s\n", l.v[i].text);
	assert_string_equal(want, str_get(&s));
	str_clear(&s);
	lines_clear(&l);
}

static void
test_paragraphs_and_breaks(void **state)
{
	(void)state;
	assert_html("<p>a\n b</p><p>c<br>d", "a b\n\nc\nd\n");
	assert_html("a<br><br><br><br>b", "a\n\nb\n");
	assert_html("<div>a</div><div>b</div>", "a\nb\n");
	assert_html("a<b>b</b> <i>c</i>d", "ab cd\n");
	assert_html("a&nbsp;&nbsp;b &lt;c&gt; &euro; &#8364; &amp;amp;", "a\xc2\xa0"
		"b <c> € € &amp;\n");
	assert_html("", "");
	assert_html("<p>&nbsp;</p>x", "x\n");
	assert_html("a<hr>b", "a\n\n────────────────────────────────────────\n\nb\n");
}

static void
test_headings_have_their_style(void **state)
{
	(void)state;
	struct lines l = {0};

	render(&l, "<h1>Title</h1>text", 40);
	assert_int_equal(3, l.n);
	assert_int_equal(SPAN_HEADING, l.v[0].style);
	assert_int_equal(SPAN_TEXT, l.v[2].style);
	lines_clear(&l);
}

static void
test_lists_are_marked_and_indented(void **state)
{
	(void)state;
	assert_html("<ul><li>one<li>two<ul><li>in</ul></ul>x",
		" • one\n • two\n   ◦ in\n\nx\n");
	assert_html("<ol><li>one<li>two</ol>", " 1. one\n 2. two\n");
	assert_html("<ul><li>aaaaaaaaa bbbbbbbbbbbb cccccccccccc ddddddd</ul>",
		" • aaaaaaaaa bbbbbbbbbbbb cccccccccccc\n   ddddddd\n");
}

/* A blockquote is a quote level, in its prefix and in its lines. */
static void
test_blockquotes_are_quotes(void **state)
{
	(void)state;
	struct lines l = {0};

	assert_html("a<blockquote>b<blockquote>c</blockquote></blockquote>d",
		"a\n\n> b\n>\n> > c\n\nd\n");
	render(&l, "<blockquote>b<blockquote>c", 40);
	assert_int_equal(1, l.v[0].quote_level);
	assert_int_equal(2, l.v[l.n - 1].quote_level);
	assert_int_equal(SPAN_QUOTE, l.v[0].style);
	lines_clear(&l);
}

static void
test_pre_keeps_its_lines(void **state)
{
	(void)state;
	assert_html("<pre>a\n  b\n\n\nc</pre>d", "a\n  b\n\n\nc\n\nd\n");
}

/* Links are numbered by address, the list of them stands at the end,
 * what leads nowhere has none. */
static void
test_links_are_numbered(void **state)
{
	(void)state;
	struct lines l = {0};

	assert_html("<a href='http://x/1'>one</a> <a href=http://x/2>two</a> <a "
		"href=http://x/1>again</a>",
		"one [1] two [2] again [1]\n\n[1] http://x/1\n[2] http://x/2\n");
	assert_html("<a href='#top'>a</a> <a href='javascript:x()'>b</a> <a name=x>c</a> <a "
		"href='/r'>d</a>", "a b c d\n");
	assert_html("<a href='http://x/'><div>block</div></a>",
		"block [1]\n\n[1] http://x/\n");
	render(&l, "<a href='ht\ntp://x/ y\033z'>a</a>", 40);
	assert_int_equal(1, l.n_links);
	assert_string_equal("http://x/yz", l.links[0]);
	lines_clear(&l);
}

static void
test_images_are_their_alt_text(void **state)
{
	(void)state;
	assert_html("<img alt='Our logo' src=x><img src=y><img alt=' '>", "[Our logo]\n");
	assert_html("<a href=http://x/><img src=y></a>", "[image] [1]\n\n[1] http://x/\n");
}

/* What the mail hides is not shown, and that it hides something is said. */
static void
test_hidden_text_is_told(void **state)
{
	(void)state;
	static const char *const styles[] = { "display:none", "DISPLAY : none !important",
		"visibility:hidden", "font-size:0", "font-size:0px;color:red", "mso-hide:all",
		"max-height:0;overflow:hidden", "opacity:0" };

	for (size_t i = 0; i < LEN(styles); i++) {
		char *html = xasprintf("a<span style='%s'>xyz</span>b", styles[i]);
		assert_html(html, "ab\n\n▌ 3 characters of hidden text are not\n▌ shown\n");
		free(html);
	}
	assert_html("a<span style='font-size:0.9em'>x</span>b", "axb\n");
	assert_html("<div style='font-size:0px'><p style='font-size:13px'>x</p></div>", "x\n");
	assert_html("<style>p{}</style><script>alert(1)</script><!-- c "
		"--><head><title>t</title></head>x", "x\n");
	assert_html("a<!--[if mso]>b<![endif]--><!--[if !mso]><!-->c<!--<![endif]-->d",
		"acd\n");
}

/* Rows of short cells stand in columns, numbers to the right; layout is read in order. */
static void
test_tables(void **state)
{
	(void)state;
	assert_html(
		"<table><tr><th>Item<th>Price<tr><td>Tea<td>1.50"
		"<tr><td>Coffee<td>12.00</table>",
		"Item    Price\n──────  ─────\nTea      1.50\nCoffee  12.00\n");
	assert_html("<table><tr><td>Home<td>News<td>About</table>", "Home  News  About\n");
	assert_html(
		"<table><tr><td><p>a</p><table><tr><td>b</table><td><ul><li>c</ul></table>",
		"a\n\nb\n\n • c\n");
	assert_html("<table><tr><td>aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa"
		"<td>bbbbbbbbb bbbbbbbbb bbbbbbbbb bbbbbbbbb bbbbbbbbb</table>",
		"aaaaaaaaa aaaaaaaaa aaaaaaaaa aaaaaaaaa\naaaaaaaaa\n"
		"bbbbbbbbb bbbbbbbbb bbbbbbbbb bbbbbbbbb\nbbbbbbbbb\n");
}

/* The charset of the part counts; without one that of the meta tag; else
 * what the bytes look like. */
static void
test_charset_of_html(void **state)
{
	(void)state;
	struct part p = { .type = "text/html", .charset = "" };
	static const char meta[] = "<meta charset=\"koi8-r\">\xf0";
	struct str s = {0};

	mime_to_utf8(&s, &p, meta, sizeof meta - 1);
	assert_non_null(strstr(s.data, "П"));
	str_cut(&s, 0);
	p.charset = "iso-8859-1";
	mime_to_utf8(&s, &p, meta, sizeof meta - 1);
	assert_non_null(strstr(s.data, "ð"));
	str_clear(&s);
}

/* Nothing that acts on a terminal comes through, neither raw nor as an
 * entity nor in an address. */
static void
test_html_is_clean(void **state)
{
	(void)state;
	static const char html[] =
		"a\033[31m&#27;[0m&#155;x&#8238;y<a href='http://x/&#27;]0;'>l</a><img "
		"alt='&#7;'>\xe2\x96\x8c notice<br>&#9612; notice<pre>\033\r\x9b</pre>";
	struct lines l = {0};

	render(&l, html, 40);
	for (size_t i = 0; i < l.n; i++) {
		struct str clean = {0};
		text_clean(&clean, l.v[i].text, strlen(l.v[i].text), CLEAN_LINE);
		assert_string_equal(str_get(&clean), l.v[i].text);
		assert_false(str_starts(l.v[i].text, "\xe2\x96\x8c"));
		str_clear(&clean);
	}
	lines_clear(&l);
}

/* 100,000 nested elements cost no stack, and the mail says that it was cut. */
static void
test_deep_html_is_cut_and_told(void **state)
{
	(void)state;
	struct str html = {0};
	struct lines l = {0};

	str_puts(&html, "start");
	for (int i = 0; i < 100000; i++)
		str_puts(&html, "<div>");
	render(&l, html.data, 80);
	assert_string_equal("start", l.v[0].text);
	assert_int_equal(SPAN_NOTICE, l.v[l.n - 1].style);
	str_clear(&html);
	lines_clear(&l);
}

TEST_MAIN(T(test_paragraphs_and_breaks), T(test_headings_have_their_style),
	T(test_lists_are_marked_and_indented), T(test_blockquotes_are_quotes),
	T(test_pre_keeps_its_lines), T(test_links_are_numbered),
	T(test_images_are_their_alt_text), T(test_hidden_text_is_told), T(test_tables),
	T(test_charset_of_html), T(test_html_is_clean), T(test_deep_html_is_cut_and_told))
