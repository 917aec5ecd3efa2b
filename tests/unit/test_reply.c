/* Answers: to whom, under what name, where in the thread; quoting; mailto: links. */
#include "arena.h"
#include "compose.h"
#include "mime.h"
#include "reply.h"
#include "test.h"

static const char *const mine[] = { "Ada <ada@example.org>", "Ada L. <ada@work.example>" };

static struct reply_source
source(const char *header, const char *text)
{
	return (struct reply_source){ .header = header, .header_len = strlen(header),
		.text = text, .text_len = strlen(text) };
}

static enum err
make(struct note *n, enum reply_kind kind, const char *header, const char *text)
{
	struct reply_source s = source(header, text);
	struct error e;

	*n = (struct note){ 0 };
	return reply_make(n, kind, &s, mine, LEN(mine), &e);
}

#define MID "Message-ID: <m1@x>\nDate: Mon, 21 Sep 2026 16:13:20 +0200\n"

/* Every rule about recipients, a line each. */
static const struct {
	enum reply_kind kind;
	const char *header, *to, *cc, *from;	/* to NULL: refused */
} rules[] = {
	{ REPLY_SENDER, "From: Bob <bob@x.net>\nTo: ada@example.org\n", "Bob <bob@x.net>", "",
		"Ada <ada@example.org>" },
	{ REPLY_SENDER,
		"From: bob@x.net\nReply-To: Office <office@x.net>\nTo: ADA@work.example\n",
		"Office <office@x.net>", "", "Ada L. <ada@work.example>" },
	/* our own mail is answered to those it went to */
	{ REPLY_SENDER, "From: ada@work.example\nTo: bob@x.net, eve@x.net\n",
		"bob@x.net, eve@x.net", "", "Ada L. <ada@work.example>" },
	{ REPLY_ALL, "From: ada@example.org\nTo: bob@x.net\nCc: eve@x.net\n", "bob@x.net",
		"eve@x.net", "Ada <ada@example.org>" },
	/* to all: not to ourselves, and to nobody twice */
	{ REPLY_ALL, "From: bob@x.net\nTo: Ada <ada@work.example>, Bob <BOB@x.net>, c@x.net\n"
		"Cc: c@X.NET, d@x.net, ada@example.org\n", "bob@x.net", "c@x.net, d@x.net",
		"Ada L. <ada@work.example>" },
	{ REPLY_ALL, "From: bob@x.net\nTo: ada@example.org, c@x.net\nMail-Followup-To: "
		"list@x.net\n", "list@x.net", "", "Ada <ada@example.org>" },
	{ REPLY_SENDER, "From: bob@x.net\nTo: list@x.net\nMail-Followup-To: list@x.net\n",
		"bob@x.net", "", "Ada <ada@example.org>" },
	{ REPLY_LIST, "From: bob@x.net\nList-Post: <mailto:list@x.net>\n", "list@x.net", "",
		"Ada <ada@example.org>" },
	{ REPLY_LIST,
		"From: bob@x.net\nList-Post: <https://x.net/post>, "
		"<mailto:l%2Bist@x.net?subject=x>\n", "l+ist@x.net", "",
		"Ada <ada@example.org>" },
	{ REPLY_LIST, "From: bob@x.net\nList-Post: NO\n", NULL, NULL, NULL },
	{ REPLY_LIST, "From: bob@x.net\n", NULL, NULL, NULL },
	{ REPLY_SENDER, "Subject: from nobody\n", NULL, NULL, NULL },
	/* Delivered-To tells which of ours it was when To does not */
	{ REPLY_SENDER, "From: bob@x.net\nTo: list@x.net\nDelivered-To: ada@work.example\n",
		"bob@x.net", "", "Ada L. <ada@work.example>" },
	{ REPLY_SENDER, "From: \"Doe, \\\"J\\\" (x)\" <j@x.net>\n",
		"\"Doe, \\\"J\\\" (x)\" <j@x.net>", "", "Ada <ada@example.org>" },
	{ REPLY_SENDER, "From: =?utf-8?q?J=C3=B6rg?= <j@x.net>\n", "J\xc3\xb6rg <j@x.net>", "",
		"Ada <ada@example.org>" },
	{ REPLY_ALL, "From: bob@x.net\nTo: friends: c@x.net, d@x.net;\n", "bob@x.net",
		"c@x.net, d@x.net", "Ada <ada@example.org>" },
	{ REPLY_EDIT, "From: ada@work.example\nTo: bob@x.net\nCc: c@x.net\n", "bob@x.net",
		"c@x.net", "Ada L. <ada@work.example>" },
	{ REPLY_FORWARD, "From: bob@x.net\nTo: ada@work.example\n", "", "",
		"Ada L. <ada@work.example>" },
};

static void
test_recipients(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rules); i++) {
		struct note n;
		enum err r = make(&n, rules[i].kind, rules[i].header, "");
		assert_int_equal(rules[i].to ? ERR_OK : ERR_MSG, r);
		if (rules[i].to) {
			assert_string_equal(rules[i].to, note_get(n.to));
			assert_string_equal(rules[i].cc, note_get(n.cc));
			assert_string_equal(rules[i].from, note_get(n.from));
		} else {
			assert_null(n.to);
			assert_null(n.text.data);
		}
		note_clear(&n);
	}
}

/* One Re: or Fwd: stands before the subject, however many there were, in whatever language. */
static void
test_subjects(void **state)
{
	(void)state;
	static const struct { enum reply_kind kind; const char *was, *is; } v[] = {
		{ REPLY_SENDER, "x", "Re: x" }, { REPLY_SENDER, "Re: RE : AW: Re[3]: x",
			"Re: x" },
		{ REPLY_SENDER, "Fwd: x", "Re: Fwd: x" }, { REPLY_SENDER, "[list] Re: x",
			"Re: [list] Re: x" },
		{ REPLY_SENDER, "Reading: x", "Re: Reading: x" }, { REPLY_SENDER, "", "Re: " },
		{ REPLY_FORWARD, "Fw: FWD: WG: x", "Fwd: x" }, { REPLY_FORWARD_WHOLE, "Re: x",
			"Fwd: Re: x" },
		{ REPLY_EDIT, "Re: x", "Re: x" },
		{ REPLY_SENDER, "=?utf-8?q?a=0D=0ABcc:_e@x.net?=", "Re: a  Bcc: e@x.net" },
	};

	for (size_t i = 0; i < LEN(v); i++) {
		struct note n;
		char *header = xasprintf("From: b@x.net\nSubject: %s\n", v[i].was);
		assert_int_equal(ERR_OK, make(&n, v[i].kind, header, ""));
		if (strchr(n.subject, '\r') || strchr(n.subject, '\n'))
			fail_msg("a line end in '%s'", n.subject);
		if (!strstr(v[i].was, "?q?"))
			assert_string_equal(v[i].is, n.subject);
		note_clear(&n);
		free(header);
	}
}

/* References are the parent's and the parent; its In-Reply-To where it has no References. */
static void
test_thread(void **state)
{
	(void)state;
	static const struct { const char *header, *in_reply_to, *references; } v[] = {
		{ MID "References: <a@x> <b@x>\nIn-Reply-To: <b@x>\n", "m1@x",
			"a@x b@x m1@x" },
		{ MID "In-Reply-To: <b@x>\n", "m1@x", "b@x m1@x" },
		{ MID, "m1@x", "m1@x" },
		{ "References: <a@x>\n", "", "" },
	};
	struct note n;

	for (size_t i = 0; i < LEN(v); i++) {
		char *header = xasprintf("From: b@x.net\n%s", v[i].header);
		assert_int_equal(ERR_OK, make(&n, REPLY_SENDER, header, ""));
		assert_string_equal(v[i].in_reply_to, note_get(n.in_reply_to));
		assert_string_equal(v[i].references, note_get(n.references));
		assert_int_equal(MSG_ANSWERED, n.about_flag);
		note_clear(&n);
		free(header);
	}
	assert_int_equal(ERR_OK, make(&n, REPLY_EDIT, "From: b@x.net\n" MID, ""));
	assert_null(n.in_reply_to);
	note_clear(&n);
}

/* Quoted text is told whose it is, loses its signature and goes one level deeper. */
static void
test_quoting(void **state)
{
	(void)state;
	struct note n;

	assert_int_equal(ERR_OK, make(&n, REPLY_SENDER, "From: Bob B. <b@x.net>\n" MID,
		"Hi \033[2JAda\r\n\r\n> old\r\n>> older\r\nbye\r\n-- \r\nBob\r\n"));
	assert_string_equal("On 2026-09-21 16:13 +0200, Bob B. wrote:\n> Hi "
		"\xef\xbf\xbd[2JAda\n>\n>> old\n>>> older\n> bye\n\n", str_get(&n.text));
	note_clear(&n);
	assert_int_equal(ERR_OK,
		make(&n, REPLY_FORWARD, "From: b@x.net\nSubject: s\nTo: a@x.net\n",
		"text\n-- \nBob\n"));
	assert_string_equal("\n---------- Forwarded message ----------\nFrom: "
		"b@x.net\nSubject: s\nTo: a@x.net\n\ntext\n--\nBob\n", str_get(&n.text));
	note_clear(&n);
}

/* Paragraphs of format=flowed are joined, wrapped again, and keep their levels. */
static void
test_flowed(void **state)
{
	(void)state;
	struct note n = { 0 };
	struct error e;
	struct reply_source s = source("From: b@x.net\n",
		"one \ntwo \nthree\n>soft \n> quote\n "
		"-x\na-long-word-0123456789-0123456789-0123456789-0123456789"
		"-0123456789-0123456789-0123456789 \nend\n-- \nBob\n");

	s.is_flowed = true;
	assert_int_equal(ERR_OK, reply_make(&n, REPLY_SENDER, &s, mine, LEN(mine), &e));
	const char *quoted = strchr(str_get(&n.text), '\n') + 1;
	assert_string_equal("> one two three\n>> soft quote\n> -x\n"
		"> a-long-word-0123456789-0123456789-0123456789-0123456789"
		"-0123456789-0123456789-0123456789\n"
		"> end\n\n", quoted);
	note_clear(&n);
}

/* A mailto: link says whom and what about, and nothing else. */
static void
test_mailto(void **state)
{
	(void)state;
	struct note n = { 0 };
	struct error e;

	assert_int_equal(ERR_OK,
		reply_mailto(&n,
		"MAILTO:b%40x.net,c@x.net?to=d@x.net&Cc=e@x.net&subject=caf%C3%A9%20%26+x&"
		"body=one%0D%0Atwo&in-reply-to=%3Cm%40x%3E&bcc=spy@x.net&attach=/etc/passwd&"
		"From=evil@x.net", &e));
	assert_string_equal("b@x.net,c@x.net, d@x.net", n.to);
	assert_string_equal("e@x.net", n.cc);
	assert_string_equal("caf\xc3\xa9 &+x", n.subject);
	assert_string_equal("one\ntwo", str_get(&n.text));
	assert_string_equal("m@x", n.in_reply_to);
	assert_null(n.bcc);
	assert_null(n.from);
	assert_int_equal(0, n.n_files);
	note_clear(&n);
}

static void
test_mailto_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "http://x", "mailto:a@x?subject=a%0D%0ABcc:b@x",
		"mailto:a@x%0abcc:b@x", "mailto:a@x?cc=b@x%00", "mailto:a@x?subject=%FF",
		"mailto", "" };

	for (size_t i = 0; i < LEN(bad); i++) {
		struct note n = { 0 };
		struct error e;
		assert_int_equal(ERR_MSG, reply_mailto(&n, bad[i], &e));
		assert_null(n.to);
	}
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Whatever bytes names, addresses and subjects are made of, no answer has a control byte in a
 * field, and it is either built or refused with a reason. */
static void
test_fuzzed(void **state)
{
	(void)state;
	static const char *const pieces[] = { "\"", "\\", "<", ">", "@", ",", ";", ":", "(",
		")", "=?utf-8?q?", "=0D=0A", "?=", "a", "x.net", " ", "\t", "\r\n ", "\x80",
		"\xff", "\xc3\xa9", "\x1b[", "\x01", "Re:", "[", "]", "list",
		"=?iso-2022-jp?b?GyRC?=", "b@x.net" };
	static const char *const names[] = { "From: b@y.net, ", "\r\nTo: ", "\r\nCc: ",
		"\r\nSubject: ", "\r\nReply-To: ", "\r\nMessage-ID: <", "\r\nReferences: <" };
	const struct compose_stamp stamp = { 1790000000, 0, "t0" };
	uint32_t seed = 7;

	for (int round = 0; round < 3000; round++) {
		struct str h = { 0 };
		for (size_t f = 0; f < LEN(names); f++) {
			str_puts(&h, names[f]);
			for (uint32_t k = next_random(&seed) % 12; k > 0; k--)
				str_puts(&h, pieces[next_random(&seed) % LEN(pieces)]);
		}
		struct note n;
		struct error e;
		struct letter l = { 0 };
		if (make(&n, (enum reply_kind)(round % 6), str_get(&h), "text\n") == ERR_OK) {
			const char *fields[] = { note_get(n.to), note_get(n.cc),
				note_get(n.subject), note_get(n.from), note_get(n.references),
				note_get(n.in_reply_to) };
			for (size_t i = 0; i < LEN(fields); i++) {
				for (const char *p = fields[i]; *p; p++) {
					if ((unsigned char)*p < ' ' || *p == 0x7f)
						fail_msg("byte %d in field %zu of round %d",
							*p, i, round);
				}
			}
			struct draft d = { .from = n.from, .to = n.to, .cc = n.cc,
				.subject = n.subject, .in_reply_to = n.in_reply_to,
				.references = n.references, .text = str_get(&n.text),
				.text_len = n.text.len };
			enum err r = compose_build(&l, &d, &stamp, &e);
			/* no recipient, or ids that are none: told; anything else must go */
			if (r != ERR_OK && n.to && round % 6 != REPLY_FORWARD)
				fail_msg("round %d: %s: to '%s' cc '%s' ref '%s'", round,
					e.text, n.to, note_get(n.cc), note_get(n.references));
			letter_clear(&l);
		}
		note_clear(&n);
		str_clear(&h);
	}
}

/* A draft made into a message and resumed from it is what it was: Bcc, groups,
 * half an address, nothing. */
static void
test_draft_comes_back(void **state)
{
	static const struct draft drafts[] = {
		{ .from = "Ada Lovelace <ada@work.example>",
			.to = "\"Doe, J\" <j@x.net>, friends: c@x.net, d@x.net;",
			.cc = "J\xc3\xb6rg <j@y.net>", .bcc = "secret@x.net",
			.subject = "gr\xc3\xbc\xc3\x9f" "e", .in_reply_to = "p@x",
			.references = "r@x p@x", .text = "From here\n.\n" },
		{ .from = "Ada <ada@example.org>", .to = "j@x.net, half typ", .subject = "",
			.text = "\n" },
		{ .from = "nobody yet", .to = "j@, c@x.net", .subject = "s", .text = "t\n" },
		{ .from = "Ada <ada@example.org>", .to = "evil\r\nX-Injected: 1",
			.subject = "a\nX-Injected: 1", .text = "t\n" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(drafts); i++) {
		struct compose_stamp stamp = { .now = 1790000000, .token = "abc" };
		struct draft d = drafts[i];
		struct letter l;
		struct note n;
		struct error e;
		d.text_len = strlen(d.text);
		d.draft_name = "0123456789abcdef";
		if (compose_build(&l, &d, &stamp, &e) != ERR_OK)
			fail_msg("draft %zu: %s", i, e.text);
		size_t head = mime_header_length(l.bytes.data, l.bytes.len);
		char *header = xstrndup(l.bytes.data, head);
		assert_int_equal(ERR_OK, make(&n, REPLY_RESUME, header, d.text));
		assert_null(strstr(header, "\nX-Injected"));
		if (i < 3) {
			assert_string_equal(d.from, note_get(n.from));
			assert_string_equal(d.to, note_get(n.to));
			assert_string_equal(d.cc ? d.cc : "", note_get(n.cc));
			assert_string_equal(d.bcc ? d.bcc : "", note_get(n.bcc));
			assert_string_equal(d.subject, note_get(n.subject));
		}
		assert_string_equal(d.references ? d.references : "", note_get(n.references));
		assert_string_equal(d.in_reply_to ? d.in_reply_to : "",
			note_get(n.in_reply_to));
		assert_string_equal("0123456789abcdef", note_get(n.name));
		assert_string_equal(d.text, str_get(&n.text));
		note_clear(&n);
		letter_clear(&l);
		free(header);
	}
}

/* The stamp tells contents apart, and does not see what is no content. */
static void
test_stamp(void **state)
{
	struct note n = { 0 };

	(void)state;
	char *empty = note_stamp(&n);
	note_set(&n.to, "a");
	char *to = note_stamp(&n);
	note_set(&n.to, NULL);
	note_set(&n.cc, "a");
	char *cc = note_stamp(&n);
	assert_string_not_equal(empty, to);
	assert_string_not_equal(to, cc);
	note_set(&n.name, "abc");
	note_set(&n.account, "work");
	note_set(&n.message_id, "m@x");
	char *same = note_stamp(&n);
	assert_string_equal(cc, same);
	note_add_file(&n, "f", "text/plain", 1, 3);
	char *file = note_stamp(&n);
	assert_string_not_equal(cc, file);
	free(empty);
	free(to);
	free(cc);
	free(same);
	free(file);
	note_clear(&n);
}

/* The first mail address and the safest page, whatever stands between; what
 * is no URL is passed over. */
static void
test_unsubscribe(void **state)
{
	(void)state;
	static const struct { const char *field, *mail, *web; } cases[] = {
		{ "<mailto:leave@l.example?subject=off>", "mailto:leave@l.example?subject=off",
			NULL },
		{ "<http://l.example/a>, <https://l.example/b>\r\n (or by mail)\r\n "
			"<MAILTO:x@l.example>,\r\n <mailto:y@l>", "MAILTO:x@l.example",
			"https://l.example/b" },
		{ "<https://l.example/\r\n very/long>", NULL, "https://l.example/very/long" },
		{ "<https://l.example/1>, <http://l.example/2>, <https://l.example/3>", NULL,
			"https://l.example/1" },
		{ "<javascript:x>, <file:///etc/passwd>, <ftp://l.example/>", NULL, NULL },
		{ "<https://l.example/\x1b[2J>", NULL, NULL },
		{ "<https://l.example/\xc3\xa4>", NULL, NULL },
		{ "mailto:leave@l.example", NULL, NULL },
		{ "<mailto:leave@l.example", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct arena a = { 0 };
		struct unsubscribe u;
		char *header =
			xasprintf("Subject: x\r\nList-Unsubscribe: %s\r\nTo: a@b\r\n\r\n",
			cases[i].field);
		bool is_any = reply_unsubscribe(&u, &a, header, strlen(header));
		assert_int_equal(cases[i].mail || cases[i].web, is_any);
		assert_string_equal(cases[i].mail ? cases[i].mail : "", u.mail ? u.mail : "");
		assert_string_equal(cases[i].web ? cases[i].web : "", u.web ? u.web : "");
		free(header);
		arena_clear(&a);
	}
}

/* Written to a list that we read, answers go to the list and to the others; to one that we
 * only know, to us as well; to no list, nowhere in particular. */
static void
test_followup(void **state)
{
	(void)state;
	static const struct { const char *to, *cc, *want; } v[] = {
		{ "dev@lists.org", NULL, "dev@lists.org" },
		{ "Bob <bob@x.net>, Dev <DEV@lists.org>", "ada@other.org, bob@X.net",
			"Bob <bob@x.net>, Dev <DEV@lists.org>" },
		{ "users@lists.org", NULL, "users@lists.org, Ada <ada@me.org>" },
		{ "users@lists.org", "dev@lists.org", "users@lists.org, dev@lists.org" },
		{ "bob@x.net", "eve@x.net", NULL },
		{ NULL, NULL, NULL },
	};
	struct reply_lists lists = { .known = "users@lists.org",
		.subscribed = "Developers <dev@lists.org>",
		.mine = "Ada <ada@me.org>, ada@other.org" };

	for (size_t i = 0; i < LEN(v); i++) {
		struct note n = { .from = (char *)(uintptr_t)"Ada <ada@me.org>",
			.to = (char *)(uintptr_t)v[i].to, .cc = (char *)(uintptr_t)v[i].cc };
		char *got = reply_followup_to(&n, &lists);
		if (!str_eq(got, v[i].want))
			fail_msg("%zu: '%s', not '%s'", i, got, v[i].want);
		free(got);
	}
	struct note n = { .to = (char *)(uintptr_t)"dev@lists.org" };
	assert_null(reply_followup_to(&n, &(struct reply_lists){ 0 }));
}

/* The line above quoted text is whatever the mailrc says; what the mail says in it is never a
 * format, and one line. */
static void
test_attribution(void **state)
{
	(void)state;
	static const struct { const char *from, *date, *format, *want; } v[] = {
		{ "B <b@x.net>", "Mon, 21 Sep 2026 16:13:20 +0200",
			"Am %d.%m.%Y um %H:%M schrieb {name}:",
			"Am 21.09.2026 um 16:13 schrieb B:\n>" },
		{ "%d {address} <b@x.net>", "Mon, 21 Sep 2026 16:13:20 -0330",
			"{name} <{address}> (%a %z%Z), {} 100%%",
			"%d {address} <b@x.net> (Mon -0330-0330), {} 100%\n>" },
		{ "b@x.net", "Mon, 21 Sep 2026 16:13:20 +0200", "{name}%n{name}",
			"b@x.net b@x.net\n>" },
		{ "B <b@x.net>", "never", "%d {name}", "B wrote:\n>" },
		{ "B <b@x.net>", "Mon, 21 Sep 2026 16:13:20 +0200", "",
			"On 2026-09-21 16:13 +0200, B wrote:\n>" },
	};

	for (size_t i = 0; i < LEN(v); i++) {
		char *header = xasprintf("From: %s\nDate: %s\n", v[i].from, v[i].date);
		struct reply_source s = source(header, "x");
		struct note n = { 0 };
		struct error e;
		s.attribution = v[i].format;
		assert_int_equal(ERR_OK, reply_make(&n, REPLY_SENDER, &s, mine, 2, &e));
		if (!str_starts(str_get(&n.text), v[i].want))
			fail_msg("%zu: '%s', not '%s'", i, str_get(&n.text), v[i].want);
		note_clear(&n);
		free(header);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_recipients), T(test_followup),
		T(test_subjects), T(test_thread), T(test_quoting), T(test_attribution),
		T(test_flowed),
		T(test_mailto), T(test_mailto_refused), T(test_fuzzed),
		T(test_draft_comes_back), T(test_stamp), T(test_unsubscribe) };

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
