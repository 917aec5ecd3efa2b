/* The pure parts of the IMAP adapter: pieces of a response, names, part trees. */
#include "mime.h"
#include "proto/imap_int.h"
#include "proto/utf7.h"
#include "test.h"

static struct scan
over(const char *text)
{
	return scan_of(text, strlen(text));
}

/* Numbers are digits and nothing else, and do not wrap around. */
static void
test_numbers_are_strict(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "x", "4294967296",
		"99999999999999999999999" };
	uint32_t v;
	uint64_t w;
	(void)state;

	for (size_t i = 0; i < LEN(bad); i++) {
		struct scan s = over(bad[i]);
		assert_false(scan_u32(&s, &v));
		assert_ptr_equal(bad[i], s.p);
	}
	struct scan s = over("4294967295)"), t = over("18446744073709551615"),
		u = over("18446744073709551616");
	assert_true(scan_u32(&s, &v));
	assert_int_equal(UINT32_MAX, v);
	assert_true(scan_peek(&s, ')'));
	assert_true(scan_u64(&t, &w));
	assert_false(scan_u64(&u, &w));
}

/* A string ends where it says; one that is cut is none. */
static void
test_strings(void **state)
{
	static const struct { const char *in, *out, *rest; } good[] = {
		{ "\"a\\\"b\\\\\" x", "a\"b\\", " x" }, { "{3}\r\na\"c)", "a\"c", ")" },
		{ "{3+}\r\nabcd", "abc", "d" }, { "~{2}\r\nabc", "ab", "c" },
		{ "\"\"", "", "" },
		{ "{0}\r\nx", "", "x" },
	};
	static const char *const bad[] = { "\"abc", "\"abc\\", "{5}\r\nabcd", "{5}abcde",
		"{}\r\n", "{18446744073709551615}\r\nabc", "abc", "" };
	struct str out = {0};
	(void)state;

	for (size_t i = 0; i < LEN(good); i++) {
		struct scan s = over(good[i].in);
		assert_true(scan_string(&s, &out));
		assert_string_equal(good[i].out, str_get(&out));
		assert_string_equal(good[i].rest, s.p);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		struct scan s = over(bad[i]);
		assert_false(scan_string(&s, &out));
		assert_ptr_equal(bad[i], s.p);
	}
	str_clear(&out);
}

/* A million brackets cost no stack. */
static void
test_skip_counts_depth(void **state)
{
	enum { DEPTH = 1000000 };
	char *text = xmalloc(2 * DEPTH + 1);
	(void)state;

	memset(text, '(', DEPTH);
	memset(text + DEPTH, ')', DEPTH);
	text[2 * DEPTH] = 'x';
	struct scan s = scan_of(text, 2 * DEPTH + 1), cut = scan_of(text, 2 * DEPTH - 1);
	assert_true(scan_skip(&s));
	assert_true(scan_peek(&s, 'x'));
	assert_false(scan_skip(&cut));
	free(text);
}

static void
test_dates(void **state)
{
	static const struct { const char *in; int64_t out; } good[] = {
		{ "17-Jul-1996 02:44:25 -0700", 837596665 }, { " 1-jan-1970 00:00:00 +0000",
			0 },
		{ "1-Jan-1970 01:00:00 +0100", 0 },
	};
	static const char *const bad[] = { "", "17-Jul-1996", "17-Xyz-1996 02:44:25 -0700",
		"32-Jul-1996 02:44:25 -0700", "17-Jul-1996 25:44:25 -0700",
		"17-Jul-1996 02:44:25 -07000" };
	int64_t t;
	(void)state;

	for (size_t i = 0; i < LEN(good); i++) {
		assert_true(scan_date(good[i].in, strlen(good[i].in), &t));
		assert_int_equal(good[i].out, t);
	}
	for (size_t i = 0; i < LEN(bad); i++)
		assert_false(scan_date(bad[i], strlen(bad[i]), &t));
}

/* What decodes encodes to itself; what is not strictly encoded does not decode. */
static void
test_utf7(void **state)
{
	static const struct { const char *wire, *text; } good[] = {
		{ "INBOX", "INBOX" }, { "A&-B", "A&B" }, { "Entw&APw-rfe", "Entwürfe" },
		{ "~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語" },
		{ "&2D3cqQ-", "\xf0\x9f\x92\xa9" }, { "&AOQ-&-&APY-", "ä&ö" },
	};
	static const char *const bad[] = { "&", "&AOQ", "&A-", "&AOR-", "&AGE-", "&AOQ-&APY-",
		"&2D0-", "&3Kk-", "a\x80", "a\tb", "&AO/-", "&AOQA-", "&AAA=-" };
	struct str out = {0};
	(void)state;

	for (size_t i = 0; i < LEN(good); i++) {
		str_cut(&out, 0);
		assert_true(utf7_decode(&out, good[i].wire));
		assert_string_equal(good[i].text, str_get(&out));
		str_cut(&out, 0);
		utf7_encode(&out, good[i].text);
		assert_string_equal(good[i].wire, str_get(&out));
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		str_cut(&out, 0);
		assert_false(utf7_decode(&out, bad[i]));
		assert_int_equal(0, out.len);
	}
	str_clear(&out);
}

/* ---- BODYSTRUCTURE ---- */

static void
outline(struct str *out, const struct part *p)
{
	for (; p; p = part_next(p))
		str_printf(out, "%s=%s%s%s;", p->section, p->type, *p->filename ? "!" : "",
			p->filename);
}

static void
assert_tree(const char *want, const char *text)
{
	struct arena a = {0};
	struct str out = {0};
	struct scan s = over(text);
	struct part *root = imap_structure_parse(&a, &s);

	if (root)
		outline(&out, root);
	assert_string_equal(want, root ? str_get(&out) : "(none)");
	str_clear(&out);
	arena_clear(&a);
}

/* Sections are numbered as IMAP asks for them. */
static void
test_structure_sections(void **state)
{
	(void)state;
	assert_tree("1=text/plain;",
		"(\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 2279 48)");
	assert_tree(
		"=multipart/mixed;1=text/plain;2=multipart/alternative;2.1=text/plain;"
		"2.2=text/html;3=application/pdf!a.pdf;",
		"((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1)((\"TEXT\" \"PLAIN\" NIL NIL "
		"NIL \"7BIT\" 1 1)(\"TEXT\" \"HTML\" NIL NIL NIL \"7BIT\" 1 1) "
		"\"ALTERNATIVE\" (\"BOUNDARY\" \"x\") NIL NIL)(\"APPLICATION\" \"PDF\" "
		"(\"NAME\" \"b.pdf\") \"<id@x>\" NIL \"BASE64\" 99 NIL (\"ATTACHMENT\" "
		"(\"FILENAME\" \"a.pdf\")) NIL NIL) \"MIXED\")");
	assert_tree("=multipart/mixed;1=message/rfc822;1.TEXT=multipart/mixed;1.1=text/plain;"
		"2=message/rfc822;2.1=text/html;",
		"((\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 9 (NIL \"s\" NIL NIL NIL NIL "
		"NIL NIL NIL NIL) ((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1) \"MIXED\") 5)"
		"(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 9 (NIL \"s\" NIL NIL NIL NIL "
		"NIL NIL NIL NIL) (\"TEXT\" \"HTML\" NIL NIL NIL \"7BIT\" 1 1) 5) \"MIXED\")");
}

/* What servers get wrong costs as little as can be. */
static void
test_structure_of_odd_servers(void **state)
{
	(void)state;
	assert_tree("(none)", "NIL");
	assert_tree("(none)", "");
	assert_tree("(none)", "((((");
	assert_tree("1=text/plain;", "(NIL NIL NIL NIL NIL NIL NIL)");
	assert_tree("1=text/plain;",
		"(\"text\" \"plain\" (\"charset\") NIL NIL \"7bit\" -1 NIL)");
	assert_tree("1=application/x!y;",
		"(\"application\" \"x\" NIL NIL NIL NIL 4 NIL (\"attachment\" (\"filename\" "
		"\"y\")) NIL NIL (1 (2 (3))) more)");
	assert_tree("1=message/rfc822;", "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 4)");
	assert_tree("1=message/rfc822;",
		"(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 4 NIL NIL 3)");
}

/* Names in every encoding of a parameter. */
static void
test_structure_file_names(void **state)
{
	(void)state;
	assert_tree("1=a/b!grün.txt;", "(\"a\" \"b\" NIL NIL NIL NIL 4 NIL (\"attachment\" "
		"(\"filename*\" \"utf-8''gr%C3%BCn.txt\")))");
	assert_tree("1=a/b!one two.txt;",
		"(\"a\" \"b\" (\"name*0*\" \"us-ascii'en'one%20\" \"name*1\" \"two.txt\") NIL "
		"NIL NIL 4)");
	assert_tree("1=a/b!grün;",
		"(\"a\" \"b\" (\"name\" \"=?utf-8?Q?gr=C3=BCn?=\") NIL NIL NIL 4)");
}

/* Depth and number are bounded, and the rest of the message stays. */
static void
test_structure_is_bounded(void **state)
{
	struct str text = {0};
	struct arena a = {0};
	size_t n = 0;
	(void)state;

	for (int i = 0; i < 100000; i++)
		str_putc(&text, '(');
	for (int i = 0; i < 100000; i++)
		str_puts(&text, " \"mixed\")");
	struct scan s = scan_of(text.data, text.len);
	imap_structure_parse(&a, &s);		/* no crash is all that is asked */
	arena_clear(&a);
	str_cut(&text, 0);
	str_putc(&text, '(');
	for (int i = 0; i < 20000; i++)
		str_puts(&text, "(\"text\" \"plain\" NIL NIL NIL NIL 1 1)");
	str_puts(&text, " \"mixed\")");
	s = scan_of(text.data, text.len);
	struct part *root = imap_structure_parse(&a, &s);
	assert_non_null(root);
	for (const struct part *p = root; p; p = part_next(p))
		n++;
	assert_int_equal(PART_MAX_COUNT, n);
	str_clear(&text);
	arena_clear(&a);
}

/* A FETCH that breaks off keeps what stood before, and is marked. */
static void
test_fetch_pieces(void **state)
{
	struct imap_fetch f;
	struct scan s = over("(UID 7 FLAGS (\\Seen NonJunk) MODSEQ (12) RFC822.SIZE 5 X \"y");
	(void)state;

	assert_false(imap_fetch_parse(&s, &f));
	assert_true(f.is_damaged);
	assert_int_equal(7, f.uid);
	assert_int_equal(MSG_SEEN | MSG_NOTJUNK, f.flags);
	assert_int_equal(12, f.modseq);
	s = over("(body[header.fields (\"a]\" {2}\r\nb])] {1}\r\nx uid 8)");
	assert_true(imap_fetch_parse(&s, &f));
	assert_false(f.is_damaged);
	assert_int_equal(8, f.uid);
	assert_int_equal(1, f.header_len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_numbers_are_strict), T(test_strings),
		T(test_skip_counts_depth), T(test_dates), T(test_utf7),
		T(test_structure_sections), T(test_structure_of_odd_servers),
		T(test_structure_file_names), T(test_structure_is_bounded),
		T(test_fetch_pieces) };

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
