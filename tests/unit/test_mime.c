/* Messages taken apart: sections, sizes, decoding, limits; and plain text for reading. */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "mime.h"
#include "test.h"
#include "utf8.h"

static struct mime_msg *
parse(const char *raw)
{
	struct mime_msg *m;

	assert_int_equal(ERR_OK, mime_parse(&m, raw, strlen(raw), NULL));
	return m;
}

static void
assert_part(const struct mime_msg *m, const char *section, const char *type, const char *bytes)
{
	const struct part *p = part_find(mime_root(m), section);
	struct str s = {0};

	assert_non_null(p);
	assert_string_equal(type, p->type);
	if (bytes) {
		assert_true(mime_part_bytes(m, section, &s, SIZE_MAX));
		assert_string_equal(bytes, str_get(&s));
	}
	str_clear(&s);
}

static const char nested[] =
	"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n"
	"--b\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\none\r\n\r\n"
	"--b \r\nContent-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n"
	"Subject: inner\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n"
	"--b2\r\n\r\nplain\r\n--b2\r\nContent-Type: "
	"text/html\r\n\r\n<b>x</b>\r\n--b2--\r\nepilogue\r\n--b\r\nContent-Type: "
	"application/pdf; name*0*=utf-8''gr%C3; name*1*=%BC%C3%9F; "
	"name*2=.pdf\r\nContent-Transfer-Encoding: BASE64\r\nContent-Disposition: "
	"attachment\r\n\r\nYWJj\r\nZGVm\r\n--b--\r\nepilogue\r\n";

/* Parts stand under the sections that an IMAP server would name them by, with their bytes. */
static void
test_nested_message_is_taken_apart(void **state)
{
	(void)state;
	struct mime_msg *m = parse(nested);
	struct str header = {0};

	assert_part(m, "", "multipart/mixed", NULL);
	assert_part(m, "1", "text/plain", "one\r\n");
	assert_part(m, "2", "message/rfc822", NULL);
	assert_part(m, "2.TEXT", "multipart/alternative", NULL);
	assert_part(m, "2.1", "text/plain", "plain");
	assert_part(m, "2.2", "text/html", "<b>x</b>");
	assert_part(m, "3", "application/pdf", "abcdef");
	assert_string_equal("grüß.pdf", part_find(mime_root(m), "3")->filename);
	assert_true(mime_part_header(m, "2", &header));
	assert_true(str_starts(header.data, "Subject: inner\r\n"));
	assert_false(mime_part_header(m, "1", &header));
	assert_false(mime_part_bytes(m, "9", &header, 10));
	assert_null(mime_warning(m));
	str_clear(&header);
	mime_free(m);
}

/* Of a header without end its beginning is read; the body behind it is found all the same. */
static void
test_endless_header_is_cut(void **state)
{
	(void)state;
	struct str raw = {0}, header = {0};
	struct lines l = {0};

	str_puts(&raw, "Subject: s\n");
	while (raw.len < 3 * MIME_MAX_HEADER)
		str_puts(&raw, "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n");
	str_puts(&raw, "Content-Type: text/html\n\nbody\n");
	struct mime_msg *m = parse(str_get(&raw));
	assert_part(m, "1", "text/plain", "body\n");
	assert_true(mime_part_header(m, "", &header));
	assert_int_equal(MIME_MAX_HEADER, header.len);
	mime_show_text(&l, m, raw.data, raw.len, true, 80);
	assert_true(l.n < 10000);
	lines_clear(&l);
	str_clear(&raw);
	str_clear(&header);
	mime_free(m);
}

/* A limit on the bytes asked for is kept, for encoded parts too. */
static void
test_part_bytes_are_bounded(void **state)
{
	(void)state;
	struct mime_msg *m = parse(nested);
	struct str s = {0};

	assert_true(mime_part_bytes(m, "3", &s, 4));
	assert_string_equal("abcd", str_get(&s));
	str_clear(&s);
	mime_free(m);
}

/* A multipart without parts, without boundary or without end loses no text. */
static void
test_damaged_multiparts_keep_their_text(void **state)
{
	(void)state;
	static const char *const raw[] = {
		"Content-Type: multipart/mixed; boundary=b\n\nsome text\n",
		"Content-Type: multipart/mixed\n\nsome text\n",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsome text\n",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nsome text\n",
		"some text\n",
		"Subject: x\nsome text\n",
		"Content-Type: nonsense\n\nsome text\n",
		"From x Mon Jan  1 00:00:00 2001\nSubject: x\n\nsome text\n",
		"Subject: x\r\rsome text\r",
	};

	for (size_t i = 0; i < LEN(raw); i++) {
		struct mime_msg *m = parse(raw[i]);
		struct lines l = {0};
		bool found = false;
		mime_show_text(&l, m, raw[i], strlen(raw[i]), false, 80);
		for (size_t k = 0; k < l.n; k++)
			found = found || strcmp(l.v[k].text, "some text") == 0;
		assert_true(found);
		lines_clear(&l);
		mime_free(m);
	}
}

/* An outer boundary ends an inner multipart that was never closed. */
static void
test_outer_boundary_wins(void **state)
{
	(void)state;
	struct mime_msg *m = parse("Content-Type: multipart/mixed; boundary=a\n\n--a\n"
		"Content-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--a\n\ny\n--a--\n");

	assert_part(m, "1.1", "text/plain", "x");
	assert_part(m, "2", "text/plain", "y");
	mime_free(m);
}

static void
test_charsets(void **state)
{
	(void)state;
	static const struct { const char *charset, *bytes, *want; } cases[] = {
		{ "utf-8", "\xc3\xbc", "ü" }, { "utf-8", "\xfc", "ü" },
		{ "utf-8", "\xc3\xbc\xfc", "ü\xef\xbf\xbd" }, { "", "\xc3\xbc", "ü" },
		{ "", "\xfc\x80", "ü€" }, { "us-ascii", "\xfc", "ü" },
		{ "iso-8859-1", "\x80", "€" },
		{ "ISO_8859-1", "\xfc", "ü" }, { "iso-8859-15", "\xa4", "€" },
		{ "koi8-r", "\xf0", "П" },
		{ "utf-7", "a+AOQ-b", "aäb" }, { "iso-2022-jp", "\033$BF|K\\\033(B", "日本" },
		{ "iso-2022-kr", "\033$)C\016GQ1[\017", "한글" },
		{ "gb2312", "\xd6\xd0", "中" },
		{ "shift_jis", "\x93\xfa\x96\x7b", "日本" }, { "big5", "\xa4\xa4", "中" },
		{ "euc-kr", "\xc7\xd1", "한" }, { "windows-1251", "\xcf", "П" },
		{ "no-such-thing", "a\xff", "a\xef\xbf\xbd" }, { "utf-8", "\xef\xbb\xbfx",
			"x" },
		{ "gb2312", "\xd6", "\xef\xbf\xbd" }, { "unicode-1-1-utf-7", "+AOQ-", "ä" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct part p = { .type = "text/plain", .charset = cases[i].charset };
		struct str s = {0};
		mime_to_utf8(&s, &p, cases[i].bytes, strlen(cases[i].bytes));
		assert_string_equal(cases[i].want, str_get(&s));
		str_clear(&s);
	}
}

static void
test_transfer_encodings_are_lenient(void **state)
{
	(void)state;
	static const struct { enum part_encoding enc; const char *raw, *want; } cases[] = {
		{ ENC_QP, "a=3Db=\r\nc=\nd=zz=", "a=bcd=zz" }, { ENC_BASE64, "Y W-J!j\r\n",
			"abc" },
		{ ENC_BASE64, "YWJj", "abc" }, { ENC_BASE64, "YQ", "" },
		{ ENC_7BIT, "\xff", "\xff" },
		{ ENC_UUENCODE, "begin 644 x\n#86)C\n`\nend\n", "abc" },
		{ ENC_BASE64, "", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct part p = { .type = "text/plain", .encoding = cases[i].enc };
		struct str s = {0};
		mime_decode_body(&s, &p, cases[i].raw, strlen(cases[i].raw), SIZE_MAX);
		assert_string_equal(cases[i].want, str_get(&s));
		str_clear(&s);
	}
}

/* ---- plain text ---- */

static void
assert_lines(const char *format, const char *delsp, const char *text, int columns,
	const char *want)
{
	struct part p = { .type = "text/plain", .format = format, .delsp = delsp };
	struct lines l = {0};
	struct str s = {0};

	mime_render(&l, &p, text, strlen(text), columns);
	for (size_t i = 0; i < l.n; i++)
		str_printf(&s, "%d|%s%s\n", l.v[i].quote_level, l.v[i].text,
			l.v[i].is_wrapped ? "\\" : "");
	assert_string_equal(want, str_get(&s));
	str_clear(&s);
	lines_clear(&l);
}

static void
test_plain_text_is_wrapped_at_words(void **state)
{
	(void)state;
	assert_lines("", "", "aaa bbb ccc\n", 10, "0|aaa bbb\\\n0|ccc\n");
	assert_lines("", "", "aaaaaaaaaaaaa b", 10, "0|aaaaaaaaaa\\\n0|aaa b\n");
	assert_lines("", "", "日本語日本語日本", 10, "0|日本語日本\\\n0|語日本\n");
	/* no line begins with 。 */
	assert_lines("", "", "日本語日本。語", 10, "0|日本語日\\\n0|本。語\n");
	assert_lines("", "", "a\tb", 20, "0|a       b\n");
	assert_lines("", "", "\n\na\n\nb\n\n\n", 20, "0|a\n0|\n0|b\n");
	assert_lines("", "", "x\033[31my\x07", 20, "0|x\xef\xbf\xbd[31my\xef\xbf\xbd\n");
}

/* A folded quote stays one: its marks stand before every line. */
static void
test_quotes_keep_their_marks(void **state)
{
	(void)state;
	assert_lines("", "", "> aaa bbb ccc", 10, "1|> aaa bbb\\\n1|> ccc\n");
	assert_lines("", "", "> > aaa bbb\n>>> c\nd", 10,
		"2|> > aaa\\\n2|> > bbb\n3|>>> c\n0|d\n");
	assert_lines("", "", ">\n> \n", 10, "1|>\n1|>\n");
}

/* RFC 3676: lines joined, stuffing undone, quotes counted, the signature left alone. */
static void
test_flowed_text_is_joined(void **state)
{
	(void)state;
	assert_lines("flowed", "", "aa \nbb \ncc\ndd\n", 40, "0|aa bb cc\n0|dd\n");
	assert_lines("flowed", "yes", "aa \nbb\n", 40, "0|aabb\n");
	assert_lines("flowed", "", " >x\n>> a \n>> b\n> c\n", 40, "0|>x\n2|>> a b\n1|> c\n");
	assert_lines("flowed", "", "a \n-- \nsig\n", 40, "0|a\n0|--\n0|sig\n");
	assert_lines("flowed", "", "> a \nb\n", 40, "1|> a\n0|b\n");
}

static void
test_signature_has_its_style(void **state)
{
	(void)state;
	struct part p = { .type = "text/plain", .format = "", .delsp = "" };
	struct lines l = {0};

	mime_render(&l, &p, "x\n-- \nAda\n", 10, 80);
	assert_int_equal(SPAN_TEXT, l.v[0].style);
	assert_int_equal(SPAN_SIGNATURE, l.v[1].style);
	assert_int_equal(SPAN_SIGNATURE, l.v[2].style);
	lines_clear(&l);
}

/* For other programs lines are whole again, whatever they were wrapped at. */
static void
test_lines_as_text_are_whole(void **state)
{
	(void)state;
	struct part p = { .type = "text/plain", .format = "", .delsp = "" };
	static const char text[] = "a bb ccc dddd eeeee ffffff\n> aaa bbb > ccc ddd eee\n"
		"https://example.org/0123456789/0123456789\n日本語日本語日本語\n\nend\n";
	static const int widths[] = { 10, 13, 20, 200 };

	for (size_t i = 0; i < LEN(widths); i++) {
		struct lines l = {0};
		struct str s = {0};
		mime_render(&l, &p, text, sizeof text - 1, widths[i]);
		lines_text(&s, &l);
		assert_string_equal(text, str_get(&s));
		lines_clear(&l);
		str_clear(&s);
	}
}

/* No line of a mail begins with the mark of our notices, wherever a fold puts it. */
static void
test_mail_cannot_print_a_notice(void **state)
{
	(void)state;
	struct lines l = {0};
	struct part p = { .type = "text/plain", .format = "", .delsp = "" };
	static const char text[] =
		"\xe2\x96\x8c signed\n> \xe2\x96\x8c signed\n  \xe2\x96\x89 x\naaaaaaaaaaa "
		"\xe2\x96\x8c signed\n";

	mime_render(&l, &p, text, sizeof text - 1, 12);
	lines_add(&l, SPAN_NOTICE, "ours", 12);
	for (size_t i = 0; i + 1 < l.n; i++)
		assert_null(strstr(l.v[i].text, "\xe2\x96\x8c signed"));
	assert_string_equal("\xe2\x96\x8c ours", l.v[l.n - 1].text);
	assert_string_equal("| signed", l.v[0].text);
	lines_clear(&l);
}

/* Invitations to escape from the widest and the narrowest screen end in lines that fit. */
static void
test_any_width_is_kept(void **state)
{
	(void)state;
	struct part p = { .type = "text/plain", .format = "", .delsp = "" };
	static const char text[] = ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>> a\nword "
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb\xf0\x9f\x91\xa9\xe2\x80\x8d"
		"\xf0\x9f\x92\xbb日本語\n"
		/* spaces that carry a mark are printed */
		"\t\t \xcc\xa2\t \xcc\xa2 \xcc\xa2x\n";

	for (int columns = 10; columns < 60; columns++) {
		struct lines l = {0};
		mime_render(&l, &p, text, sizeof text - 1, columns);
		for (size_t i = 0; i < l.n; i++)
			assert_true(text_width(l.v[i].text, strlen(l.v[i].text)) <= columns);
		lines_clear(&l);
	}
}

/* ---- hostile ones: bounded and told ---- */

static void
repeat(struct str *s, const char *piece, int n)
{
	size_t len = strlen(piece);

	while (n-- > 0)
		str_add(s, piece, len);
}

static double
seconds_to_show(const struct str *raw, struct lines *l, struct str *json)
{
	struct mime_msg *m;
	clock_t begin = clock();

	assert_int_equal(ERR_OK, mime_parse(&m, str_get(raw), raw->len, NULL));
	mime_show_text(l, m, str_get(raw), raw->len, false, 80);
	mime_show_json(json, m, str_get(raw), raw->len);
	mime_free(m);
	return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

/* Each of these is some megabytes of one piece; what is quadratic in them takes minutes. */
static void
test_hostile_messages_take_linear_time(void **state)
{
	(void)state;
	static const struct { const char *head, *piece; int n; } cases[] = {
		{ "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 10000 },
		{ "", "Content-Type: message/rfc822\n\n", 10000 },
		{ "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n\nx\n", 25000 },
		{ "", "To: a@b.c\n", 25000 },
		{ "To: ", "Ada <a@b.c>, ", 25000 },
		{ "To: ", "((((((((((", 25000 }, { "To: \"", "\\\"", 125000 },
		{ "To: ", "<", 250000 },
		{ "Subject: ", "=?utf-8?q?a?= ", 25000 }, { "Subject: ", "z=?a?q?", 50000 },
		{ "References: ", "<a@b> ", 50000 },
		{ "Content-Type: text/html\n\n", "<div>", 50000 },
		{ "Content-Type: text/html\n\n", "<", 250000 },
		{ "Content-Type: text/html\n\n", "<a \"", 62500 },
		{ "Content-Type: text/html\n\n<a ", "x ", 125000 },
		{ "Content-Type: text/html\n\n", "<!--", 62500 },
		{ "Content-Type: text/html\n\n", "<style>", 37500 },
		{ "Content-Type: text/html\n\n", "<table><tr><td>", 25000 },
		{ "Content-Type: text/html\n\n<ol>", "<li>a", 25000 },
		{ "Content-Type: text/html\n\n", "<blockquote>a", 25000 },
		{ "Content-Type: text/html\n\n", "&", 250000 },
		{ "\n", "x", 250000 }, { "\n", "日本", 50000 }, { "\n", "a\xcc\x81\xcc\x81",
			50000 },
		{ "\n", "> ", 125000 }, { "Content-Type: text/plain; format=flowed\n\n",
			"> x \n", 50000 },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct str raw = {0}, json = {0};
		struct lines l = {0};
		str_puts(&raw, cases[i].head);
		repeat(&raw, cases[i].piece, cases[i].n);
		double seconds = seconds_to_show(&raw, &l, &json);
		if (seconds > 10)
			fail_msg("case %zu took %.1f s", i, seconds);
		assert_true(l.n <= 100100);
		str_clear(&raw);
		str_clear(&json);
		lines_clear(&l);
	}
}

/* The tree stops at its limits, and the message says so. */
static void
test_limits_are_told(void **state)
{
	(void)state;
	struct str raw = {0};
	int n = 0, deepest = 0;

	repeat(&raw, "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 1000);
	struct mime_msg *m = parse(raw.data);
	for (const struct part *p = mime_root(m); p; p = part_next(p))
		deepest = part_depth(p) > deepest ? part_depth(p) : deepest;
	assert_int_equal(PART_MAX_DEPTH, deepest);
	assert_non_null(strstr(mime_warning(m), "too deeply"));
	mime_free(m);
	str_cut(&raw, 0);
	str_puts(&raw, "Content-Type: multipart/mixed; boundary=b\n\n");
	repeat(&raw, "--b\n\nx\n", 10000);
	m = parse(raw.data);
	for (const struct part *p = mime_root(m); p; p = part_next(p))
		n++;
	assert_int_equal(PART_MAX_COUNT, n);
	assert_non_null(strstr(mime_warning(m), "too many parts"));
	mime_free(m);
	str_clear(&raw);
}

static bool
add_piece(void *ctx, const char *p, size_t n)
{
	assert_true(n > 0 && n <= 1 << 20);
	str_add(ctx, p, n);
	return true;
}

static enum err
parse_as_file(struct mime_msg **out, const struct str *text)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(text->len, write(fd, str_get(text), text->len));
	enum err rc = mime_parse_file(out, fd, text->len, NULL);
	close(fd);
	return rc;
}

static void
assert_same_part(const struct mime_msg *a, const struct part *p, const struct mime_msg *b,
	const struct part *q)
{
	struct str x = {0}, y = {0};

	assert_string_equal(p->section, q->section);
	assert_string_equal(p->type, q->type);
	assert_int_equal(p->size_bytes, q->size_bytes);
	assert_int_equal(p->n_lines, q->n_lines);
	if (!p->child) {
		assert_true(mime_part_raw(a, p->section, &x, SIZE_MAX));
		assert_true(mime_part_pieces(b, q->section, add_piece, &y));
		assert_int_equal(x.len, y.len);
		assert_memory_equal(str_get(&x), str_get(&y), x.len);
	}
	str_clear(&x);
	str_clear(&y);
}

static void
assert_same(const struct str *text)
{
	struct mime_msg *a, *b;

	assert_int_equal(ERR_OK, mime_parse(&a, str_get(text), text->len, NULL));
	assert_int_equal(ERR_OK, parse_as_file(&b, text));
	const struct part *p = mime_root(a), *q = mime_root(b);
	for (; p && q; p = part_next(p), q = part_next(q))
		assert_same_part(a, p, b, q);
	assert_true(!p && !q);
	assert_false(mime_part_pieces(b, "7", add_piece, NULL));
	mime_free(a);
	mime_free(b);
}

/* A mapped file gives the parts that the bytes in memory do, whatever was let go meanwhile;
 * also one that ends with its page, and a message inside that is in base64. */
static void
test_parse_file(void **state)
{
	static const char *const small[] = { "", "Subject: cr\r\rbare\rcr\r", "no header" };
	struct str text = {0};
	(void)state;

	str_puts(&text, "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n");
	while (text.len < 3 << 20)
		str_puts(&text, "a line of text that is followed by many like it\n");
	str_puts(&text,
		"--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: "
		"base64\n\nU3ViamVjdDogaW5uZXIKCmlubmVyIHRleHQK\n--b\nContent-Type: "
		"application/pdf\n\n");
	while (text.len < 5 << 20)
		str_puts(&text, "another line, of the attachment\n");
	str_puts(&text, "--b--\n");
	while (text.len % 65536)
		str_putc(&text, '\n');
	assert_same(&text);
	for (size_t i = 0; i < LEN(small); i++) {
		str_cut(&text, 0);
		str_puts(&text, small[i]);
		assert_same(&text);
	}
	str_clear(&text);
}

/* Undone by pieces of any size, a transfer encoding gives what it gives at once. */
static void
test_decoder_by_pieces(void **state)
{
	static const struct { enum part_encoding enc; const char *raw, *want; } cases[] = {
		{ ENC_7BIT, "a\r\nb=41", "a\r\nb=41" },
		{ ENC_BASE64, "YWJj\r\nZGV\r\nm Zw==\r\n", "abcdefg" },
		{ ENC_QP, "a=41=\r\n=\nb=4\r\n=C3=BC=", NULL },
		{ ENC_UUENCODE, "begin 644 x\r\n#86)C\r\n#9&5F\r\n`\r\nend\r\n#86)C\r\n",
			"abcdef" },
		{ ENC_UUENCODE, "#86)C", "abc" },
		{ ENC_BASE64, "", "" },
	};
	(void)state;

	for (size_t i = 0; i < LEN(cases); i++) {
		struct part p = { .encoding = cases[i].enc };
		size_t n = strlen(cases[i].raw);
		struct str whole = {0};
		mime_decode_body(&whole, &p, cases[i].raw, n, SIZE_MAX);
		if (cases[i].want)
			assert_string_equal(cases[i].want, str_get(&whole));
		for (size_t step = 1; step <= n; step++) {
			struct mime_decoder *d = mime_decoder_new(cases[i].enc);
			struct str s = {0};
			for (size_t at = 0; at < n; at += step)
				mime_decoder_feed(d, &s, cases[i].raw + at,
					n - at < step ? n - at : step, false);
			mime_decoder_feed(d, &s, "", 0, true);
			assert_string_equal(str_get(&whole), str_get(&s));
			str_clear(&s);
			mime_decoder_free(d);
		}
		str_clear(&whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nested_message_is_taken_apart), T(test_endless_header_is_cut),
			T(test_part_bytes_are_bounded),
		T(test_damaged_multiparts_keep_their_text), T(test_outer_boundary_wins),
		T(test_charsets), T(test_transfer_encodings_are_lenient),
		T(test_plain_text_is_wrapped_at_words), T(test_quotes_keep_their_marks),
		T(test_flowed_text_is_joined), T(test_signature_has_its_style),
		T(test_lines_as_text_are_whole),
		T(test_mail_cannot_print_a_notice), T(test_any_width_is_kept),
		T(test_hostile_messages_take_linear_time), T(test_limits_are_told),
		T(test_decoder_by_pieces), T(test_parse_file),
	};

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
