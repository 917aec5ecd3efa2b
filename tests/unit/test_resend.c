/* Somebody's message on its way again: resent as it is, or attached as a whole. */
#include "compose.h"
#include "mime.h"
#include "test.h"

static const struct compose_stamp stamp = { .now = 1790000000, .tz_minutes = 120,
	.token = "abc123" };

static struct letter
resend(const char *raw, const char *to)
{
	struct letter l;
	struct error e;

	if (compose_resend(&l, raw, strlen(raw), "Ada <ada@example.org>", to, &stamp,
	    &e) != ERR_OK)
		fail_msg("%s", e.text);
	return l;
}

#define RESENT "Resent-From: Ada <ada@example.org>\r\nResent-To: Bob <bob@example.net>\r\n" \
	"Resent-Date: Mon, 21 Sep 2026 16:13:20 +0200\r\n" \
	"Resent-Message-ID: <abc123@example.org>\r\n"

/* A block of Resent- fields comes first; all else is as it was, odd
 * folding and spaces included. */
static void
test_as_it_was(void **state)
{
	(void)state;
	static const char original[] = "Received: from a by b;\r\n\tMon, 1 Jan 2026 00:00:00 "
		"+0000\r\nDKIM-Signature: v=1;  b=xyz\r\nsubject :  "
		"=?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nFROM:eve@x.net\r\nMessage-ID: "
		"<orig@x.net>\r\nTo: ada@example.org\r\n\r\nbody \r\n.\r\n\r\n  end";
	struct letter l = resend(original, "Bob <bob@example.net>");

	assert_true(str_starts(l.bytes.data, RESENT));
	assert_true(str_starts(l.bytes.data + strlen(RESENT), original));
	/* the last line's end */
	assert_int_equal(strlen(RESENT) + strlen(original) + 2, l.bytes.len);
	assert_string_equal("ada@example.org", l.sender);
	assert_int_equal(1, l.n_to);
	assert_string_equal("bob@example.net", l.to[0]);
	assert_string_equal("gr\xc3\xbc\xc3\x9f" "e", l.subject);
	assert_string_equal("abc123@example.org", l.message_id);
	assert_true(l.is_resent);
	letter_clear(&l);
}

/* Who was in Bcc, and how it came here, is nobody's business; an older
 * resending stays below ours. */
static void
test_own_copy_only(void **state)
{
	(void)state;
	struct letter l =
		resend("From x Mon Jan  1 00:00:00 2026\nReturn-Path: <r@x>\nDelivered-To: "
		"ada@example.org\nResent-From: Old <old@x.net>\nBcc: secret@x.net,\n "
		"more@x.net\nStatus: RO\nX: y\n\nbody\n", "Bob <bob@example.net>");

	assert_string_equal(RESENT "Resent-From: Old <old@x.net>\r\nX: y\r\n\r\nbody\r\n",
		l.bytes.data);
	letter_clear(&l);
}

/* Nothing gets out that a server could misread: the same promises as
 * for what is written here. */
static void
test_refused(void **state)
{
	(void)state;
	char raw[1200] = "From: x@y.z\n\n";
	static const struct { const char *raw; size_t n; const char *to, *words; } bad[] = {
		{ "From: x@y.z\n\na\0b\n", 17, "b@x.net", "NUL" },
		{ "just text\n", 10, "b@x.net", "header" },
		{ "", 0, "b@x.net", "header" }, { "A: b\n\n", 6, "", "no recipient" },
		{ "A: b\n\n", 6, "nobody", "not an address" },
		{ "A: b\n\n", 6, "b@x.net\r\nBcc: e@x", "one line" },
	};
	struct letter l;
	struct error e;

	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(ERR_MSG, compose_resend(&l, bad[i].raw, bad[i].n, "a@x.net",
			bad[i].to, &stamp, &e));
		if (!strstr(e.text, bad[i].words))
			fail_msg("wanted '%s', got '%s'", bad[i].words, e.text);
		assert_null(l.bytes.data);
	}
	memset(raw + strlen(raw), 'x', 1100);
	assert_int_equal(ERR_MSG, compose_resend(&l, raw, strlen(raw), "a@x.net", "b@x.net",
		&stamp, &e));
	assert_non_null(strstr(e.text, "longer than 998"));
	/* checked in there */
	struct letter lone = resend("A: b\n\na\n.\r\nb\r.\rc\n", "Bob <bob@example.net>");
	letter_clear(&lone);
}

static void
test_8bit(void **state)
{
	(void)state;
	struct letter l = resend("From: x@y.z\n\ngr\xc3\xbc\xc3\x9f" "e\n",
		"Bob <bob@example.net>");

	assert_true(l.needs_8bit);
	assert_false(l.needs_utf8);
	letter_clear(&l);
}

/* ---- attached as a whole ---- */

static struct letter
attach(const char *type, const char *p, size_t n)
{
	struct draft_file f = { "it.eml", type, p, n };
	struct draft d = { .from = "ada@example.org", .to = "bob@example.net", .text = "see\n",
		.text_len = 4, .files = &f, .n_files = 1 };
	struct letter l;
	struct error e;

	if (compose_build(&l, &d, &stamp, &e) != ERR_OK)
		fail_msg("%s", e.text);
	return l;
}

static void
assert_attached(const struct letter *l, const char *type, enum part_encoding encoding,
	const char *p, size_t n)
{
	struct mime_msg *m;
	struct str got = { 0 };

	assert_int_equal(ERR_OK, mime_parse(&m, l->bytes.data, l->bytes.len, NULL));
	const struct part *part = part_find(mime_root(m), "2");
	assert_non_null(part);
	assert_string_equal(type, part->type);
	assert_int_equal(encoding, part->encoding);
	assert_string_equal("it.eml", part->filename);
	assert_true(mime_part_bytes(m, "2", &got, 1 << 20));
	assert_int_equal(n, got.len);
	assert_memory_equal(p, got.data, n);
	str_clear(&got);
	mime_free(m);
}

#define WHOLE(s) (s), strlen(s)

/* RFC 2046 5.2.1: 7bit or 8bit, and the message inside is the one that was given. */
static void
test_message_is_not_encoded(void **state)
{
	(void)state;
	static const char ascii[] =
		"From: x@y.z\r\nSubject: a  b\r\nContent-Type: multipart/mixed; "
		"boundary=q\r\n\r\n--q\r\n\r\ntext \r\n--q--\r\nno line end";
	static const char high[] = "From: x@y.z\r\n\r\ngr\xc3\xbc\xc3\x9f" "e \xff\r\n";
	struct letter l = attach("message/rfc822", WHOLE(ascii));

	assert_attached(&l, "message/rfc822", ENC_7BIT, WHOLE(ascii));
	assert_false(l.needs_8bit);
	letter_clear(&l);
	l = attach("Message/RFC822", WHOLE(high));
	assert_attached(&l, "message/rfc822", ENC_8BIT, WHOLE(high));
	assert_true(l.needs_8bit && !l.needs_utf8);
	letter_clear(&l);
}

/* What cannot stand there unencoded, or is no message, goes as bytes; no other
 * message/ type goes as such. */
static void
test_message_as_bytes(void **state)
{
	(void)state;
	char longest[1200] = "From: x@y.z\r\n\r\n";
	struct letter l;

	memset(longest + strlen(longest), 'x', 1100);
	struct { const char *type, *p; size_t n; } v[] = {
		{ "message/rfc822", WHOLE(longest) }, { "message/rfc822", "A: b\r\n\r\n\0\r\n",
			11 },
		{ "message/rfc822", WHOLE("A: b\r\n\r\nx\ry\r\n") },
		{ "message/rfc822", WHOLE("just text\r\n") },
		{ "message/rfc822", "", 0 }, { "message/partial", WHOLE("A: b\r\n\r\n") },
	};
	for (size_t i = 0; i < LEN(v); i++) {
		l = attach(v[i].type, v[i].p, v[i].n);
		assert_attached(&l, "application/octet-stream", ENC_BASE64, v[i].p, v[i].n);
		assert_false(l.needs_8bit);
		letter_clear(&l);
	}
}

/* Bytes with clear marks are what they are, whatever the name says; of
 * others the name knows more. */
static void
test_media_types(void **state)
{
	(void)state;
	static const struct { const char *name, *bytes; size_t n; const char *type; } v[] = {
		{ "a.txt", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\b\6\0\0\0", 29,
			"image/png" },
		{ "a", WHOLE("%PDF-1.5\nx"), "application/pdf" },
		{ "a.csv", WHOLE("a,b\n"), "text/csv" },
		{ "a.pdf", "\0\1\2\3\4\5\6\7\b\t\n\v\f\r\16\17\20\21\22\23", 20,
			"application/pdf" },
		{ "a.patch", WHOLE("--- a\n"), "text/x-diff" },
		{ "a", WHOLE("hello\n"), "text/plain" },
		{ "a.PDF", "\0\1\2\3\xff\xfe\xfd", 7, "application/pdf" },
		{ NULL, "", 0, "application/octet-stream" },
		{ "a.docx", WHOLE("PK\3\4....................."),
			"application/vnd.openxmlformats-officedocument"
			".wordprocessingml.document" },
		{ "x.eml", WHOLE("Subject: x\n\ny\n"), "message/rfc822" },
		{ "x", WHOLE("From: a@b\nTo: c@d\n\nx\n"), "text/plain" },
	};

	for (size_t i = 0; i < LEN(v); i++) {
		char *type = compose_media_type(v[i].name, v[i].bytes, v[i].n);
		assert_string_equal(v[i].type, type);
		free(type);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_as_it_was), T(test_own_copy_only),
		T(test_refused), T(test_8bit), T(test_message_is_not_encoded),
		T(test_message_as_bytes), T(test_media_types) };

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
