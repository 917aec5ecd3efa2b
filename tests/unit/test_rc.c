/* The mailrc: what is read, what is told, and that table, example and manual agree. */
#include <ctype.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "rc.h"
#include "str.h"
#include "test.h"

static struct rc *
parse(const char *text)
{
	struct rc *rc;

	assert_int_equal(ERR_OK, rc_parse(&rc, "mailrc", text, strlen(text), NULL));
	return rc;
}

static void
assert_no_problem(const struct rc *rc)
{
	if (rc->n_problems > 0)
		fail_msg("%s", rc->problems[0].line);
}

/* The example of the design reads without a problem, to the last setting. */
static void
test_example(void **state)
{
	(void)state;
	setenv("HOME", "/home/ada", 1);
	struct rc *rc = parse("# mailrc\n[mail]\neditor   = nvim                 ; else "
		"$VISUAL, $EDITOR\nkeys     = default              ; default, mutt, vim\n\n"
		"[account work]                  ; handled on the server\n"
		"from     = Ada Example <ada@example.org>\nreceive  = "
		"imaps://ada@imap.example.org\nsend     = "
		"smtps://ada@smtp.example.org\npassword-command = pass show "
		"mail/ada\n\n[account home]                  ; downloaded\nfrom     = Ada "
		"<ada@example.net>\nreceive  = pop3s://ada@pop.example.net\nmax-size = 5 "
		"MB                 ; of larger ones only the header\nkeep     = 14 "
		"days              ; on the server after download: no (delete), yes, or N "
		"days\nmbox     = ~/Mail/home          ; a directory: inbox, Sent, Drafts, "
		"Trash are mbox files in it\nsend     = "
		"smtp://ada@mail.example.net:587\nauth     = plain                ; plain, "
		"login, scram-sha-256, xoauth2, oauthbearer\n\n[keys index]\nd        = "
		"delete\n[colors]\nunread   = bold\n[alias]\nbob      = Bob Example "
		"<bob@example.org>\n");

	assert_no_problem(rc);
	assert_string_equal("nvim", rc->editor);
	assert_string_equal("default", rc->keymap);
	assert_int_equal(2, rc->n_accounts);
	const struct rc_account *work = &rc->accounts[0], *home = &rc->accounts[1];
	assert_string_equal("work", work->name);
	assert_string_equal("Ada Example <ada@example.org>", work->from);
	assert_string_equal("pass show mail/ada", work->password_command);
	assert_int_equal(RC_IMAP, work->receive.protocol);
	assert_int_equal(993, work->receive.port);
	assert_string_equal("ada", work->receive.user);
	assert_string_equal("imap.example.org", work->receive.host);
	assert_int_equal(465, work->send.port);
	assert_int_equal(300, work->check_every_s);
	assert_int_equal(-1, work->keep_days);
	assert_int_equal(14, home->keep_days);
	assert_int_equal(0, work->max_size_kb);
	assert_int_equal(5 * 1024, home->max_size_kb);
	assert_string_equal("/home/ada/Mail/home", home->mbox);
	assert_string_equal("plain", home->auth);
	assert_int_equal(RC_STARTTLS, home->send.security);
	assert_int_equal(587, home->send.port);
	assert_string_equal("index", rc->keys[0].section);
	assert_string_equal("delete", rc->keys[0].value);
	assert_string_equal("bold", rc->colors[0].value);
	assert_string_equal("Bob Example <bob@example.org>", rc->aliases[0].value);
	rc_free(rc);
}

/* A value is what a person means by it: quotes that hold all of it go,
 * others stay, comments go. */
static void
test_values(void **state)
{
	(void)state;
	const struct { const char *line, *value; } cases[] = {
		{ "a=b", "b" }, { "a = b c ", "b c" }, { "a = b ; c", "b" },
		{ "a = b # c", "b" },
		{ "a = b;c", "b;c" }, { "a = b#c", "b#c" }, { "a = \"b ; c\"", "b ; c" },
		{ "a = 'b # c' ; d", "b # c" }, { "a = \"b \\\"c\\\" \\\\d\"", "b \"c\" \\d" },
		{ "a = \"Lovelace, Ada\" <ada@x>", "\"Lovelace, Ada\" <ada@x>" },
		{ "a = \"A ; B\" <x@y> ; c", "\"A ; B\" <x@y>" },
		{ "a = sh -c 'x ; y'", "sh -c 'x ; y'" },
		{ "a = Ada's list ; c", "Ada's list" }, { "a\t=\tb\r", "b" },
		{ "a = b=c", "b=c" },
		{ "a = \"x\" \"y\"", "\"x\" \"y\"" }, { "a = '", "'" }, { "a = x \"", "x \"" },
		{ "  a = \"  b  \"", "  b  " },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *a = strchr(cases[i].line, 'a');
		char *text = xasprintf("[mail]\n%.*seditor%s\n", (int)(a - cases[i].line),
			cases[i].line, a + 1);
		struct rc *rc = parse(text);
		assert_no_problem(rc);
		assert_string_equal(cases[i].value, rc->editor);
		rc_free(rc);
		free(text);
	}
}

/* In a section of keys every key can be bound, also those that elsewhere begin a comment. */
static void
test_odd_keys(void **state)
{
	(void)state;
	const struct { const char *line, *key, *command; } cases[] = {
		{ "; = apply", ";", "apply" }, { "# = filter", "#", "filter" },
		{ ";=apply", ";", "apply" },
		{ "= = sort", "=", "sort" }, { "==sort", "=", "sort" },
		{ "[ = up", "[", "up" },
		{ "] = down", "]", "down" }, { "<C-=> = zoom", "<C-=>", "zoom" },
		{ "\";d\" = x", ";d", "x" },
		{ "$ = sync ; now", "$", "sync" }, { "g; = x", "g;", "x" },
		{ "\"\\\"\" = quote", "\"", "quote" },
		{ "d=delete", "d", "delete" }, { "<Space> = open", "<Space>", "open" },
		{ "\" = x", "\"", "x" },
		{ "x =", "x", "" }, { "x = ; nothing", "x", "" }, { "x = \"limit ; y\"", "x",
			"limit ; y" },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		char *text = xasprintf("[keys pager]\n; a comment\n# another = one\n;x = "
			"y\n%s\n", cases[i].line);
		struct rc *rc = parse(text);
		assert_no_problem(rc);
		assert_int_equal(1, rc->n_keys);
		assert_string_equal("pager", rc->keys[0].section);
		assert_string_equal(cases[i].key, rc->keys[0].name);
		assert_string_equal(cases[i].command, rc->keys[0].value);
		assert_int_equal(5, rc->keys[0].line);
		rc_free(rc);
		free(text);
	}
}

/* Words become bits in the order of the table, whatever their order
 * and what stands between. */
static void
test_words(void **state)
{
	(void)state;
	const struct { const char *value; unsigned bits; } cases[] = {
		{ "never", 1 }, { "failure", 2 }, { "delay failure", 6 },
		{ "Success, FAILURE,delay", 14 },
		{ "", 0 },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		char *text =
			xasprintf("[account a]\nreceive = imaps://u@h\nfrom = a@b\ndsn = "
			"%s\nsendmail = msmtp -a work\n", cases[i].value);
		struct rc *rc = parse(text);
		assert_no_problem(rc);
		assert_int_equal(cases[i].bits, rc->accounts[0].dsn);
		assert_string_equal("msmtp -a work", rc->accounts[0].sendmail);
		assert_true(rc_account_sends(&rc->accounts[0]));
		rc_free(rc);
		free(text);
	}
}

#define GOOD "[account a]\nreceive = imaps://u@h\nfrom = a@b\n"

/* A wrong line is told with file, line and the nearest valid word;
 * the good account lives on. */
static void
test_problems(void **state)
{
	(void)state;
	const struct { const char *text, *problem; } cases[] = {
		{ "form = x\n", "mailrc:4: unknown setting 'form' (did you mean 'from'?)" },
		{ "recieve = x\n",
			"mailrc:4: unknown setting 'recieve' (did you mean 'receive'?)" },
		{ "xyzzyxyz = x\n",
			"mailrc:4: unknown setting 'xyzzyxyz' (see dunlin-mailrc(5))" },
		{ "editor = vi\n", "mailrc:4: 'editor' belongs into [mail]" },
		{ "[mail]\nkeep = yes\n", "mailrc:5: 'keep' belongs into [account NAME]" },
		{ "[mial]\nx = y\nz\n",
			"mailrc:4: unknown section 'mial' (did you mean 'mail'?)" },
		{ "[whatever]\n",
			"mailrc:4: unknown section 'whatever' (mail, account, keys, "
			"colors, alias)" },
		{ "nonsense\n", "mailrc:4: there is no '=' in this line" },
		{ "= x\n", "mailrc:4: nothing stands before the '='" },
		{ "[account b\nfrom = other@b\n", "mailrc:4: a ']' is missing" },
		{ "[account] x\n", "mailrc:4: something stands behind the ']'" },
		{ "[account]\nfrom = x@y\n",
			"mailrc:4: the account needs a name: [account work]" },
		{ "[account a/b]\n", "mailrc:4: an account's name has no '/' and no quotes" },
		{ "[account A]\nfrom = other@b\n",
			"mailrc:4: account 'A' is already in line 1" },
		{ "[mail] x\n", "mailrc:4: something stands behind the ']'" },
		{ "[mail x]\n", "mailrc:4: 'x' behind [mail means nothing" },
		{ "auth = \"plain\n", "mailrc:4: a quote is not closed" },
		{ "auth = plian\n",
			"mailrc:4: unknown 'plian' for 'auth' (did you mean 'plain'?)" },
		{ "auth = magic\n",
			"mailrc:4: unknown 'magic' for 'auth' (one of: plain login "
			"scram-sha-1 scram-sha-256 xoauth2 oauthbearer)" },
		{ "keep = some days\n",
			"mailrc:4: 'keep' is yes, no or days such as '14 days', not "
			"'some days'" },
		{ "keep = 0 days\n",
			"mailrc:4: 'keep' is yes, no or days such as '14 days', not "
			"'0 days'" },
		{ "keep = -1\n",
			"mailrc:4: 'keep' is yes, no or days such as '14 days', not '-1'" },
		{ "max-size = 5\n",
			"mailrc:4: 'max-size' is a size such as 500K or 5M, not '5'" },
		{ "max-size = 0 MB\n", "mailrc:4: '0 MB' is too little for 'max-size'" },
		{ "allow-insecure = maybe\n",
			"mailrc:4: 'allow-insecure' is 'yes' or 'no', not 'maybe'" },
		{ "check-every = soon\n",
			"mailrc:4: 'check-every' is a time such as 30s, 5m or 2h, "
			"not 'soon'" },
		{ "check-every = 1s\n", "mailrc:4: '1s' is too little for 'check-every'" },
		{ "check-every = 99999999999 d\n",
			"mailrc:4: '99999999999 d' is too much for 'check-every'" },
		{ "[mail]\ncache-size = 20\n",
			"mailrc:5: 'cache-size' is a size such as 500M or 2G, not '20'" },
		{ "[mail]\npage-context = two\n",
			"mailrc:5: 'page-context' is a number, not 'two'" },
		{ "ca-file = cert.pem\n",
			"mailrc:4: 'ca-file' must begin with '/' or '~/', not 'cert.pem'" },
		{ "tls-fingerprint = ab:cd\n",
			"mailrc:4: 'tls-fingerprint' is a SHA-256: 64 hexadecimal digits" },
		{ "from = nobody\n",
			"mailrc:4: 'from' is already set in line 3; this one counts" },
		{ "send = imaps://u@h\n", "mailrc:4: 'send' needs smtps: or smtp:" },
		{ "send = smpt://h\n",
			"mailrc:4: unknown scheme 'smpt:' (did you mean 'smtp:'?)" },
		{ "send = smtp+insecure://mail.example.org\n",
			"mailrc:4: '+insecure' would send the password to mail.example.org in "
			"the clear: take it away, or set allow-insecure = yes" },
		{ "[colors]\nunread = blod\n",
			"mailrc:5: unknown colour 'blod' (did you mean 'bold'?)" },
		{ "[colors]\nunread = reverse on on\n", "mailrc:5: 'on' stands there twice" },
		{ "[colors]\nunread = bold bold\n", "mailrc:5: 'bold' stands there twice" },
		{ "[colors]\nunread = red on\n", "mailrc:5: a colour is missing behind 'on'" },
		{ "[colors]\nunread = red on blue on green\n",
			"mailrc:5: 'on' stands there twice" },
		{ "[colors]\nunread = red blue on green\n",
			"mailrc:5: 'on' is one colour too many" },
		{ "[colors]\nunread = #12345\n",
			"mailrc:5: 'unread' has no colour (red, bright-red, 0 to 255, "
			"#rrggbb, bold, ...)" },
		{ "[colors]\nunread = bold\ndate = dim\nUnread = red\n",
			"mailrc:7: 'Unread' is already set in line 5; this one counts" },
		{ "[alias]\nbob =\n", "mailrc:5: alias 'bob' has no address" },
		{ "[alias]\nbob = not an address\n",
			"mailrc:5: alias 'bob' needs an address such as Ada "
			"<ada@example.org>, not 'not an address'" },
		{ "[alias]\nbob = b@c, Tom <tom@x\n",
			"mailrc:5: alias 'bob' needs an address such as Ada "
			"<ada@example.org>, not 'Tom <tom@x'" },
		{ "[alias]\nbob = b@c\nBob = b@d, \"E, F\" <e@f>\n",
			"mailrc:6: alias 'Bob' is already in line 5; this one counts" },
		{ "[mail]\npage-context = 21\n",
			"mailrc:5: '21' is too much for 'page-context' (at most 20)" },
		{ "auth = \x01\n", "mailrc:4: a control character stands in this line" },
		{ "auth = \xff\n", "mailrc:4: this line is not UTF-8" },
		{ "[account b]\nfrom = b@b\n",
			"mailrc:4: account 'b' has no 'receive', such as "
			"imaps://ada@imap.example.org" },
		{ "[account b]\nreceive = smtps://h\n",
			"mailrc:5: 'receive' needs imaps:, imap:, pop3s:, pop3: or mbox:" },
		{ "[account b]\nfrom = b@b\nreceive = imaps://h\n",
			"mailrc:6: no user stands in the URL: write USER@h" },
		{ "[account b]\nfrom = b@b\nreceive = imap+insecure://u@10.0.0.1\n",
			"mailrc:6: '+insecure' would send the password to 10.0.0.1 in the "
			"clear: take it away, or set allow-insecure = yes" },
		{ "dsn = failure often\n",
			"mailrc:4: unknown 'often' for 'dsn' (some of: never failure delay "
			"success)" },
		{ "dsn = never failure\n",
			"mailrc:4: 'never' for 'dsn' goes with no other word" },
		{ "sendmail = /bin/true\nsend = smtps://h\n",
			"mailrc:5: 'send' is not used beside 'sendmail'" },
		{ "password = x\npassword-command = y\n",
			"mailrc:4: 'password' is not used beside 'password-command'" },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		char *text = xasprintf(GOOD "%s", cases[i].text);
		struct rc *rc = parse(text);
		assert_true(rc->n_problems > 0);
		assert_string_equal(cases[i].problem, rc->problems[0].line);
		if (str_starts(cases[i].text, "from"))
			assert_int_equal(2, rc->n_problems);
		else
			assert_int_equal(1, rc->n_problems);
		assert_int_equal(1, rc->n_accounts);
		assert_string_equal("a@b", rc->accounts[0].from);
		assert_string_equal("h", rc->accounts[0].receive.host);
		rc_free(rc);
		free(text);
	}
}

/* Of two lines about the same the later counts, in each section. */
static void
test_the_later_counts(void **state)
{
	(void)state;
	struct rc *rc = parse(GOOD "[alias]\nbob = b@c\nann = a@c\nBOB = b@d\nann = nobody\n"
		"[mail]\nthreads = no\nthreads = yes\n");

	assert_int_equal(3, rc->n_problems);
	assert_int_equal(2, rc->n_aliases);
	assert_string_equal("b@d", rc->aliases[0].value);
	assert_string_equal("a@c", rc->aliases[1].value);
	assert_true(rc->threads);
	rc_free(rc);
}

/* Without an address an account can be read, and the lack is told. */
static void
test_missing_from(void **state)
{
	(void)state;
	struct rc *rc = parse("[account a]\nreceive = imaps://ada@example.org@h\n[account b]\n"
		"receive = mbox:/tmp/x\n");

	assert_int_equal(2, rc->n_accounts);
	assert_int_equal(2, rc->n_problems);
	assert_string_equal("mailrc:1: account 'a' has no 'from', such as Ada "
		"<ada@example.org>", rc->problems[0].line);
	assert_string_equal("ada@example.org", rc->accounts[0].from);
	assert_string_equal("", rc->accounts[1].from);
	rc_free(rc);
}

/* Plain text is for this machine only, unless the person says otherwise. */
static void
test_insecure(void **state)
{
	(void)state;
	const struct { const char *host; bool is_loopback; } hosts[] = {
		{ "localhost", true }, { "127.0.0.1", true }, { "127.9.9.9", true },
		{ "[::1]", true },
		{ "LOCALHOST", true }, { "127.example.org", false },
		{ "localhost.example.org", false },
		{ "128.0.0.1", false }, { "[::2]", false }, { "[::ffff:10.0.0.1]", false },
		{ "0.0.0.0", false },
	};
	for (size_t i = 0; i < LEN(hosts); i++) {
		for (int allow = 0; allow < 2; allow++) {
			char *text =
				xasprintf(
				"[account "
				"a]\nfrom=a@b\nreceive=imap+insecure://u@%s:14300\n%s",
				hosts[i].host, allow ? "allow-insecure=yes\n" : "");
			struct rc *rc = parse(text);
			assert_int_equal(hosts[i].is_loopback || allow, rc->n_accounts);
			assert_int_equal(rc->n_accounts == 0, rc->n_problems);
			rc_free(rc);
			free(text);
		}
	}
}

/* URLs are strict; the user may be an address, and percent-encoded. */
static void
test_urls(void **state)
{
	(void)state;
	const struct { const char *text, *user, *host; int port; } good[] = {
		{ "imaps://ada@imap.example.org", "ada", "imap.example.org", 993 },
		{ "IMAP://ada@IMAP.example.org/", "ada", "imap.example.org", 143 },
		{ "imaps://ada@example.org@imap.example.org:1993", "ada@example.org",
			"imap.example.org", 1993 },
		{ "imaps://ada%40example.org@[2001:db8::1]:99", "ada@example.org",
			"2001:db8::1", 99 },
		{ "smtp://mail.example.org", NULL, "mail.example.org", 587 },
		{ "pop3://%C3%A4@h/", "ä", "h", 110 }, { "pop3s://u@h:65535", "u", "h",
			65535 },
		{ "smtp+insecure://127.0.0.1:25/", NULL, "127.0.0.1", 25 },
	};
	const char *bad[] = { "", "imaps", "imaps:", "imaps:u@h", "imaps://", "imaps://@h",
		"imaps://u@", "imaps://u@h:", "imaps://u@h:0", "imaps://u@h:65536",
		"imaps://u@h:9x", "imaps://u@h/INBOX", "imaps://u@h?x", "imaps://u:pw@h",
		"http://u@h", "imaps://u@-h", "imaps://u@h h", "imaps://u@h..h",
		"imaps://u@[::1", "imaps://u@[h]", "imaps://u@::1", "imaps://%0d%0a@h",
		"imaps://%zz@h", "imaps://%00@h", "imaps://%ff@h", "imaps://%4@h", "mbox:",
		"mbox:relative", "imaps://u@höst", "imaps://u@.h" };
	struct rc_url u;

	for (size_t i = 0; i < LEN(good); i++) {
		assert_int_equal(ERR_OK, rc_url_parse(&u, good[i].text, NULL));
		if (good[i].user)
			assert_string_equal(good[i].user, u.user);
		else
			assert_null(u.user);
		assert_string_equal(good[i].host, u.host);
		assert_int_equal(good[i].port, u.port);
		rc_url_clear(&u);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		struct error e = {0};
		if (rc_url_parse(&u, bad[i], &e) == ERR_OK)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(*e.text);
		assert_null(strstr(e.text, "pw"));		/* a secret is not repeated */
		assert_null(u.host);
	}
	assert_int_equal(ERR_OK, rc_url_parse(&u, "mbox:/var/mail", NULL));
	assert_string_equal("/var/mail", u.path);
	rc_url_clear(&u);
}

/* Colours in every form there is; what is none is told. */
static void
test_colors(void **state)
{
	(void)state;
	enum { RGB = RC_COLOR_RGB };
	const struct { const char *text; struct rc_color want; } good[] = {
		{ "", { -1, -1, 0 } }, { "bold", { -1, -1, RC_BOLD } },
		{ "red", { 1, -1, 0 } },
		{ "Bright-Red", { 9, -1, 0 } }, { "brightblue", { 12, -1, 0 } },
		{ "gray", { 8, -1, 0 } },
		{ "208", { 208, -1, 0 } }, { "#ff8000", { RGB | 0xff8000, -1, 0 } },
		{ "bold red on blue", { 1, 4, RC_BOLD } }, { "red blue", { 1, 4, 0 } },
		{ "on #102030", { -1, RGB | 0x102030, 0 } },
		{ "default on default", { -1, -1, 0 } },
		{ "bold dim italic underline reverse",
			{ -1, -1, RC_BOLD | RC_DIM | RC_ITALIC | RC_UNDERLINE | RC_REVERSE } },
	};
	const char *bad[] = { "256", "-1", "#12345", "#1234567", "#gggggg", "redd",
		"red green blue", "bright", "bright-5", "bright-bright-red", "#",
		"on red on blue", "0x10", "on", "bold on", "dim dim", "on on red" };
	struct rc_color c;

	for (size_t i = 0; i < LEN(good); i++) {
		assert_int_equal(ERR_OK, rc_color_parse(&c, good[i].text, NULL));
		assert_int_equal(good[i].want.fg, c.fg);
		assert_int_equal(good[i].want.bg, c.bg);
		assert_int_equal(good[i].want.attrs, c.attrs);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		if (rc_color_parse(&c, bad[i], NULL) == ERR_OK)
			fail_msg("'%s' was taken", bad[i]);
	}
	struct rc *rc = parse("[colors]\nquote = #ff8000 ; a comment\nlink = bold # not a "
		"colour\n# ffffff = x\ncursor = black on #00ff00 # x\n");
	assert_no_problem(rc);
	assert_string_equal("#ff8000", rc->colors[0].value);
	assert_string_equal("bold", rc->colors[1].value);
	assert_string_equal("black on #00ff00", rc->colors[2].value);
	rc_free(rc);
}

/* ---- files ---- */

static char *
scratch_file(const char *text, int mode)
{
	char *path = xstrdup("/tmp/dunlin-test-rc-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ERR_OK, fd_write_all(fd, text, strlen(text), NULL));
	assert_int_equal(0, fchmod(fd, (mode_t)mode));
	close(fd);
	return path;
}

/* A password that others can read is not used and the reason told; a private one is. */
static void
test_password_needs_a_private_file(void **state)
{
	(void)state;
	const struct { int mode; bool is_used; } cases[] = {
		{ 0600, true }, { 0400, true }, { 0700, true }, { 0640, false },
		{ 0604, false }, { 0644, false }, { 0620, false },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		char *path = scratch_file(GOOD "password = s3cret\n", cases[i].mode);
		struct rc *rc;
		assert_int_equal(ERR_OK, rc_read(&rc, path, NULL));
		assert_int_equal(1, rc->n_accounts);
		assert_int_equal(cases[i].is_used, rc->accounts[0].password != NULL);
		assert_int_equal(!cases[i].is_used, rc->n_problems);
		if (rc->n_problems > 0) {
			assert_non_null(strstr(rc->problems[0].line, "chmod 600"));
			assert_null(strstr(rc->problems[0].line, "s3cret"));
		}
		rc_free(rc);
		unlink(path);
		free(path);
	}
}

/* Without a password in it, anybody may read the file. */
static void
test_public_file_without_password(void **state)
{
	(void)state;
	char *path = scratch_file(GOOD "password-command = pass\n", 0644);
	struct rc *rc;

	assert_int_equal(ERR_OK, rc_read(&rc, path, NULL));
	assert_no_problem(rc);
	assert_string_equal("pass", rc->accounts[0].password_command);
	rc_free(rc);
	unlink(path);
	free(path);
}

/* No file is no account and no error; a directory is an error. */
static void
test_missing_and_unreadable(void **state)
{
	(void)state;
	struct rc *rc;
	struct error e = {0};

	assert_int_equal(ERR_OK, rc_read(&rc, "/nonexistent/mailrc", NULL));
	assert_int_equal(0, rc->n_accounts);
	assert_int_equal(0, rc->n_problems);
	assert_int_equal(60, rc->timeout_s);
	assert_true(rc->mouse);
	rc_free(rc);
	assert_int_equal(ERR_LOCAL, rc_read(&rc, "/tmp", &e));
	assert_null(rc);
	assert_true(*e.text);
}

/* A file that is wrong in every line tells a hundred of them and ends. */
static void
test_problems_are_bounded(void **state)
{
	(void)state;
	struct str s = {0};

	for (int i = 0; i < 10000; i++)
		str_puts(&s, "nonsense\n");
	struct rc *rc = parse(s.data);
	assert_int_equal(100, rc->n_problems);
	assert_non_null(strstr(rc->problems[99].line, "the rest is not told"));
	rc_free(rc);
	str_clear(&s);
}

TEST_MAIN(T(test_example), T(test_values), T(test_words), T(test_odd_keys), T(test_problems),
	T(test_the_later_counts), T(test_missing_from), T(test_insecure), T(test_urls),
	T(test_colors), T(test_password_needs_a_private_file),
	T(test_public_file_without_password), T(test_missing_and_unreadable),
	T(test_problems_are_bounded))
