/* A draft, or a program's message, to bytes: what goes out is what was meant, and nothing
 * more. */
#include "arena.h"
#include "compose.h"
#include "mime.h"
#include "test.h"

static const struct compose_stamp stamp = { .now = 1790000000, .tz_minutes = 120,
	.token = "abc123" };

static struct letter
build(const struct draft *d)
{
	struct letter l;
	struct error e;

	if (compose_build(&l, d, &stamp, &e) != ERR_OK)
		fail_msg("%s", e.text);
	return l;
}

static struct draft
plain(void)
{
	return (struct draft){ .from = "Ada Example <ada@example.org>",
		.to = "bob@example.net",
		.subject = "hello", .text = "Dear Bob,\n.\nAda\n", .text_len = 16 };
}

static void
assert_refused(const struct draft *d, const char *words)
{
	struct letter l;
	struct error e;

	assert_int_equal(ERR_MSG, compose_build(&l, d, &stamp, &e));
	if (!strstr(e.text, words))
		fail_msg("wanted '%s', got '%s'", words, e.text);
	assert_null(l.bytes.data);
}

static const char *
value(const struct letter *l, struct arena *a, const char *name)
{
	const struct header *h;
	size_t n = mime_headers(a, &h, l->bytes.data, mime_header_length(l->bytes.data,
		l->bytes.len));

	return mime_header_value(h, n, name);
}

/* What will be signed has no line that ends in a space, which a server may take away; all else
 * is left readable. */
static void
test_sealed_lines_end_in_no_space(void **state)
{
	static const char text[] = "Dear Bob,  \nx\t\n-- \nAda\n";
	struct draft d = plain();

	(void)state;
	d.text = text;
	d.text_len = sizeof text - 1;
	for (int i = 0; i < 2; i++) {
		d.is_sealed = i;
		struct letter l = build(&d);
		const char *body = strstr(l.bytes.data, "\r\n\r\n");
		bool has = strstr(body, " \r\n") || strstr(body, "\t\r\n");
		assert_int_equal(!i, has);
		assert_int_equal(i, strstr(body, "--=20\r\n") != NULL);
		letter_clear(&l);
	}
}

/* A recipient that is half typed is not left out without a word. */
static void
test_no_recipient_is_dropped(void **state)
{
	static const char *const bad[] = { "bob@x.net, half typ", "carol, bob@x.net" };
	static const char *const good[] = { "bob@x.net,, c@x.net,",
		"a: b@x.net, c@x.net;, d@x.net", "\"Doe, J (x)\" <j@x.net> (a, comment)" };
	struct draft d = plain();

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		d.to = bad[i];
		assert_refused(&d, "not an address");
	}
	for (size_t i = 0; i < LEN(good); i++) {
		d.to = good[i];
		struct letter l = build(&d);
		letter_clear(&l);
	}
}

/* A plain text goes out as it was typed, with the header that RFC 5322 asks for. */
static void
test_plain(void **state)
{
	(void)state;
	struct draft d = plain();
	struct letter l = build(&d);
	const char *p = l.bytes.data;

	assert_non_null(strstr(p, "From: Ada Example <ada@example.org>\r\n"));
	assert_non_null(strstr(p, "To: bob@example.net\r\n"));
	assert_non_null(strstr(p, "Date: Mon, 21 Sep 2026 16:13:20 +0200\r\n"));
	assert_non_null(strstr(p, "Message-Id: <abc123@example.org>\r\n"));
	assert_non_null(strstr(p, "MIME-Version: 1.0\r\n"));
	assert_string_equal("\r\n\r\nDear Bob,\r\n.\r\nAda\r\n", strstr(p, "\r\n\r\n"));
	assert_string_equal("ada@example.org", l.sender);
	assert_string_equal("abc123@example.org", l.message_id);
	assert_int_equal(1, l.n_to);
	assert_false(l.needs_utf8 || l.needs_8bit);
	letter_clear(&l);
}

/* Who is in Bcc gets the mail and is named nowhere in it; who is named twice gets it once. */
static void
test_recipients(void **state)
{
	(void)state;
	struct draft d = plain();
	d.to = "Team: Bob <bob@example.net>, eve@example.net;, BOB@example.net";
	d.cc = "\"Doe, J.\" <j.doe@Example.org>, bob@EXAMPLE.net";
	d.bcc = "Secret <secret@example.com>";
	struct letter l = build(&d);

	assert_int_equal(5, l.n_to);
	assert_string_equal("bob@example.net", l.to[0]);
	assert_string_equal("BOB@example.net", l.to[2]);	/* a local part has case */
	assert_string_equal("secret@example.com", l.to[4]);
	assert_null(strcasestr(l.bytes.data, "bcc"));
	assert_null(strcasestr(l.bytes.data, "secret"));
	letter_clear(&l);
	d.to = d.cc = NULL;
	l = build(&d);
	assert_non_null(strstr(l.bytes.data, "undisclosed-recipients: ;"));
	letter_clear(&l);
}

/* What is not ASCII comes back as it was, and the header is ASCII all the same. */
static void
test_words(void **state)
{
	(void)state;
	struct arena a = {0};
	struct draft d = plain();
	char subject[1500] = "";
	while (strlen(subject) < 1400)
		strcat(subject, "Grüße aus Köln – 日本語のメール ");
	strcat(subject, "end");
	d.from = "Åsa Öberg <ada@example.org>";
	d.subject = subject;
	struct letter l = build(&d);

	assert_false(l.needs_utf8);
	assert_string_equal(subject, value(&l, &a, "Subject"));
	assert_string_equal("Åsa Öberg <ada@example.org>", value(&l, &a, "From"));
	letter_clear(&l);
	arena_clear(&a);
}

/* A subject that looks like an encoded word is what was typed, not what it says. */
static void
test_encoded_look(void **state)
{
	(void)state;
	static const char *const v[] = { "=?utf-8?q?x?=",
		"what is =?utf-8?q?J=C3=B6rg?= and "
		"日本語のメールです日本語のメールです日本語のメール", "=?", "a =?b",
		"=?utf-8?B?" };

	for (size_t i = 0; i < LEN(v); i++) {
		struct arena a = {0};
		struct draft d = plain();
		d.subject = v[i];
		struct letter l = build(&d);
		assert_string_equal(v[i], value(&l, &a, "Subject"));
		letter_clear(&l);
		arena_clear(&a);
	}
}

/* A local part in UTF-8 needs SMTPUTF8; a domain in UTF-8 does not: it has an ASCII form. */
static void
test_international_addresses(void **state)
{
	(void)state;
	struct draft d = plain();

	d.to = "jörg@example.net";
	struct letter l = build(&d);
	assert_true(l.needs_utf8);
	assert_string_equal("jörg@example.net", l.to[0]);
	letter_clear(&l);
	d.to = "bob@bücher.example";
	l = build(&d);
	assert_string_equal("bob@xn--bcher-kva.example", l.to[0]);
	assert_false(l.needs_utf8);
	letter_clear(&l);
}

/* Control bytes in a field are refused, whichever field it is. */
static void
test_controls_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "x\r\nBcc: eve@example.net", "x\ny", "x\ry",
		"x\x1b[2J", "x\x7f",
		"x\xff" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct draft d = plain();
		char *addr = xasprintf("\"%s\" <bob@example.net>", bad[i]);
		d.subject = bad[i];
		assert_refused(&d, "Subject");
		d = plain();
		d.from = addr;
		assert_refused(&d, "From");
		d = plain();
		d.cc = addr;
		assert_refused(&d, "Cc");
		d = plain();
		d.in_reply_to = bad[i];
		assert_refused(&d, "In-Reply-To");
		free(addr);
	}
}

/* An encoded word that decodes to a line end does not become one. */
static void
test_encoded_line_end(void **state)
{
	(void)state;
	struct draft d = plain();

	d.to = "=?utf-8?Q?x=0D=0ABcc:_eve@example.net?= <bob@example.net>";
	struct letter l;
	struct error e;
	if (compose_build(&l, &d, &stamp, &e) == ERR_OK) {
		assert_int_equal(1, l.n_to);
		assert_null(strcasestr(l.bytes.data, "\nBcc"));
		letter_clear(&l);
	}
}

static void
test_no_address(void **state)
{
	(void)state;
	static const char *const bad[] = { "bob", "bob@", "@example.net", "bob@example..net.",
		"<>",
		"a b@example.net", "bob@example.net> RCPT", "b\\ob@example.net" };
	struct draft d = plain();

	for (size_t i = 0; i < LEN(bad); i++) {
		d.to = bad[i];
		struct letter l;
		struct error e;
		if (compose_build(&l, &d, &stamp, &e) != ERR_OK)
			continue;
		for (size_t k = 0; k < l.n_to; k++)
			assert_null(strpbrk(l.to[k], " <>\\"));
		letter_clear(&l);
		if (i < 3)
			fail_msg("'%s' was taken for an address", bad[i]);
	}
	d.to = NULL;
	assert_refused(&d, "no recipient");
	d = plain();
	d.from = "";
	assert_refused(&d, "From");
}

/* Bodies that no server takes as they are come back byte by byte. */
static void
test_bodies(void **state)
{
	(void)state;
	struct { const char *text; size_t n; } cases[] = {
		{ "Grüße\n", 8 }, { "日本語のメールです。日本語のメールです。\n", 61 },
		{ "a\0b\n", 4 },
		{ "From here\n", 10 }, { "\xff\xfe latin\n", 9 }, { "trailing  \n\t\n", 13 },
		{ ".\n..\n", 5 }, { "", 0 },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct draft d = plain();
		d.text = cases[i].text;
		d.text_len = cases[i].n;
		struct letter l = build(&d);
		struct mime_msg *m;
		struct str got = {0}, lf = {0};
		assert_int_equal(ERR_OK, mime_parse(&m, l.bytes.data, l.bytes.len, NULL));
		assert_true(mime_part_bytes(m, "1", &got, 1 << 20));
		for (size_t k = 0; k < got.len; k++)
			if (got.data[k] != '\r')
				str_putc(&lf, got.data[k]);
		if (lf.len < cases[i].n || memcmp(lf.data, cases[i].text, cases[i].n) != 0 ||
			lf.len > cases[i].n + 1)
			fail_msg("body %zu came back as '%s'", i, str_get(&lf));
		assert_false(l.needs_8bit);
		str_clear(&got);
		str_clear(&lf);
		mime_free(m);
		letter_clear(&l);
	}
}

/* A line of ten megabytes goes out in lines that servers take. */
static void
test_long_line(void **state)
{
	(void)state;
	struct draft d = plain();
	size_t n = 10 << 20;
	char *text = xmalloc(n);

	memset(text, 'x', n);
	d.text = text;
	d.text_len = n;
	struct letter l = build(&d);		/* which checks the length of lines */
	assert_true(l.bytes.len > n);
	letter_clear(&l);
	free(text);
}

/* Attachments come back byte by byte, with a name that hurts nobody. */
static void
test_attachments(void **state)
{
	(void)state;
	unsigned char all[512];
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (unsigned char)i;
	struct draft_file files[] = {
		{ "../../Übersicht \"2026\".pdf", "application/pdf", all, sizeof all },
		{ "x\r\nBcc: eve@example.net", "text/html\r\nX: y", "hi\n", 3 },
		{ NULL, NULL, "", 0 },
	};
	struct draft d = plain();
	d.files = files;
	d.n_files = LEN(files);
	struct letter l = build(&d);
	struct mime_msg *m;
	struct str got = {0};

	assert_int_equal(ERR_OK, mime_parse(&m, l.bytes.data, l.bytes.len, NULL));
	assert_true(mime_part_bytes(m, "2", &got, 1 << 20));
	assert_int_equal(sizeof all, got.len);
	assert_memory_equal(all, got.data, got.len);
	const struct part *pdf = part_find(mime_root(m), "2");
	assert_string_equal("Übersicht \"2026\".pdf", pdf->filename);
	assert_string_equal("application/pdf", pdf->type);
	assert_string_equal("application/octet-stream", part_find(mime_root(m), "3")->type);
	assert_null(strstr(l.bytes.data, "\nBcc"));
	str_clear(&got);
	mime_free(m);
	letter_clear(&l);
}

/* References keep what is an id, and stay within the length a line may have. */
static void
test_references(void **state)
{
	(void)state;
	struct arena a = {0};
	struct str refs = {0};
	struct draft d = plain();

	for (int i = 0; i < 500; i++)
		str_printf(&refs, "%sm%d.%040d@example.org", i ? " " : "", i, i);
	d.in_reply_to = "<m499@example.org>";
	d.references = refs.data;
	struct letter l = build(&d);
	const char *got = value(&l, &a, "References");
	assert_true(strlen(got) < 9000);
	assert_true(str_starts(got, "<m0."));
	assert_non_null(strstr(got, "<m499."));
	assert_string_equal("<m499@example.org>", value(&l, &a, "In-Reply-To"));
	letter_clear(&l);
	str_clear(&refs);
	arena_clear(&a);
}

/* ---- a program's message ---- */

static struct letter
prepare(const char *raw)
{
	struct letter l;
	struct error e;

	if (compose_prepare(&l, raw, strlen(raw), "Ada <ada@example.org>", NULL, &stamp,
		&e) != ERR_OK)
		fail_msg("%s", e.text);
	return l;
}

/* What is missing is added, what must not go out is not, the rest stays as it is. */
static void
test_prepare(void **state)
{
	(void)state;
	struct letter l = prepare("From x Mon Jan  1 00:00:00 2026\nTo: bob@example.net,\n"
		" eve@example.net\n"
		"Bcc: secret@example.com\nReturn-Path: <x@y.z>\nX-Own:  as\n\tit is\nSubject:"
		" Grüße\n\nbody\n");

	assert_int_equal(3, l.n_to);
	assert_string_equal("secret@example.com", l.to[2]);
	assert_string_equal("ada@example.org", l.sender);
	assert_true(str_starts(l.bytes.data,
		"To: bob@example.net,\r\n eve@example.net\r\nX-Own:  as\r\n\tit is\r\n"
		"Subject: =?"));
	assert_non_null(strstr(l.bytes.data, "\r\nFrom: Ada <ada@example.org>\r\n"));
	assert_non_null(strstr(l.bytes.data, "\r\nDate: "));
	assert_non_null(strstr(l.bytes.data, "\r\nMessage-ID: <abc123@example.org>\r\n"));
	assert_string_equal("\r\n\r\nbody\r\n", strstr(l.bytes.data, "\r\n\r\n"));
	assert_null(strstr(l.bytes.data, "secret"));
	assert_false(l.needs_utf8);
	letter_clear(&l);
}

/* What is there already stays: sender, date, id. */
static void
test_prepare_keeps(void **state)
{
	(void)state;
	static const char msg[] = "From: Eve <eve@example.net>\r\nDate: Mon, 21 Sep 2026"
		" 16:13:20 +0200\r\n"
		"Message-ID: <mine@example.net>\r\nTo: bob@example.net\r\n\r\nbody\r\n";
	struct letter l = prepare(msg);

	assert_string_equal(msg, l.bytes.data);
	assert_string_equal("eve@example.net", l.sender);
	assert_string_equal("mine@example.net", l.message_id);
	letter_clear(&l);
}

/* No mixture of line ends around a dot gets through as it was: nothing can be smuggled into
 * DATA. */
static void
test_smuggling(void **state)
{
	(void)state;
	static const char *const ends[] = { "\n.\r\n", "\r\n.\n", "\r.\r", "\n.\n",
		"\r\r\n.\r\r\n", "\r\n.\r", "\r.\n" };

	for (size_t i = 0; i < LEN(ends); i++) {
		char *raw = xasprintf("To: bob@example.net\n\na%sMAIL"
			" FROM:<eve@example.net>\n", ends[i]);
		struct letter l = prepare(raw);	/* checks that no bare line end is left */
		assert_non_null(strstr(l.bytes.data, "\r\n.\r\n"));
		letter_clear(&l);
		free(raw);
	}
}

/* Text in UTF-8 that does not say so is told to be. */
static void
test_prepare_utf8_body(void **state)
{
	(void)state;
	struct letter l = prepare("To: bob@example.net\n\nGrüße\n");

	assert_non_null(strstr(l.bytes.data, "charset=utf-8\r\n"));
	assert_true(l.needs_8bit);
	letter_clear(&l);
}

static void
assert_unfit(const char *raw, size_t n, const char *words)
{
	struct letter l;
	struct error e;

	assert_int_equal(ERR_MSG, compose_prepare(&l, raw, n, "ada@example.org", NULL, &stamp,
		&e));
	if (!strstr(e.text, words))
		fail_msg("wanted '%s', got '%s'", words, e.text);
}

static void
test_prepare_refuses(void **state)
{
	(void)state;
	char raw[2000] = "To: bob@example.net\n\n";

	memset(raw + strlen(raw), 'x', 1200);
	assert_unfit(raw, strlen(raw), "longer than 998");
	assert_unfit("To: bob@example.net\n\na\0b\n", 25, "NUL");
	assert_unfit("just text\n", 10, "header");
	assert_unfit("", 0, "header");
	assert_unfit("Subject: x\n\nbody\n", 17, "no recipient");
	assert_unfit("To: bob\n\nbody\n", 14, "not an address");
}

static int
init(void **state)
{
	(void)state;
	mime_init();
	return 0;
}

static bool
stop_behind(void *ctx, uint64_t done)
{
	return done < *(uint64_t *)ctx;
}

/* A message of n bytes at most in lines of all lengths. */
static size_t
make_mail(char *p, size_t n)
{
	size_t len = (size_t)sprintf(p, "From: eve@example.org\r\nSubject: inner\r\n\r\n");

	for (int i = 0; len + 40 < n; i++)
		len += (size_t)sprintf(p + len, "%.*s\r\n", 1 + i % 29,
			"abcdefghijklmnopqrstuvwxyzABCDEFG");
	return len;
}

static void
assert_comes_back(const struct letter *l, const struct draft_file *files, size_t n)
{
	struct mime_msg *m;

	assert_int_equal(ERR_OK, mime_parse(&m, str_get(&l->bytes), l->bytes.len, NULL));
	for (size_t i = 0; i < n; i++) {
		struct str back = {0};
		char section[8];
		snprintf(section, sizeof section, "%zu", i + 2);
		assert_true(mime_part_bytes(m, section, &back, SIZE_MAX));
		assert_int_equal(files[i].len, back.len);
		assert_memory_equal(files[i].len ? files[i].data : "", str_get(&back),
			back.len);
		str_clear(&back);
	}
	mime_free(m);
}

/* Attachments of several pieces come back byte by byte, wherever in a message a piece ends;
 * told to stop, nothing is made. */
static void
test_large_files(void **state)
{
	(void)state;
	size_t n = 5 << 20;
	char *big = xmalloc(n), *mail = xmalloc(n);
	uint64_t limit = 3 << 20;
	struct letter l;

	for (size_t i = 0; i < n; i++)
		big[i] = (char)(i * 31 + i / 777);
	struct draft d = plain();
	struct draft_file files[] = { { "a.bin", "application/octet-stream", big, n },
		{ "m.eml", "message/rfc822", mail, make_mail(mail, n) },
		{ "empty", NULL, NULL, 0 },
		{ "one", "text/plain", "x", 1 } };
	d.files = files;
	d.n_files = LEN(files);
	/* so that one of them parts CR and LF */
	for (int cut = 0; cut < 4; cut++) {
		memmove(mail + 35, mail + 34, files[1].len++ - 34);	/* within "inner" */
		l = build(&d);
		assert_comes_back(&l, files, LEN(files));
		letter_clear(&l);
	}
	d.go_on = stop_behind;
	d.go_on_ctx = &limit;
	assert_int_equal(ERR_CANCELLED, compose_build(&l, &d, &stamp, NULL));
	free(mail);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_plain),
		T(test_sealed_lines_end_in_no_space),
		T(test_no_recipient_is_dropped),
		T(test_recipients), T(test_words), T(test_encoded_look),
		T(test_international_addresses), T(test_controls_are_refused),
		T(test_encoded_line_end), T(test_no_address), T(test_bodies),
		T(test_long_line), T(test_attachments), T(test_large_files),
		T(test_references), T(test_prepare), T(test_prepare_keeps), T(test_smuggling),
		T(test_prepare_utf8_body), T(test_prepare_refuses) };

	return cmocka_run_group_tests(tests, init, NULL);
}
