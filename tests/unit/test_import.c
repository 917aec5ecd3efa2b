/* `dunlin import muttrc`: the words of a muttrc, what becomes of them, and the typical
 * configurations in tests/import, whose mailrc and report stand beside them (NAME.expected;
 * DUNLIN_WRITE_SCREENS=1 writes them). Runs in the top directory. */
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "cli/import.h"
#include "cli/import_mutt.h"
#include "cli/import_place.h"
#include "path.h"
#include "rc.h"
#include "test.h"
#include "ui.h"

/* ---- words ---- */

static const char *
value_of(void *ctx, const char *name, const char **command, bool *is_command)
{
	(void)ctx;
	if (str_eq(name, "secret")) {
		*command = "pass x";
		*is_command = true;
		return "";
	}
	return str_eq(name, "folder") ? "imaps://h" : NULL;
}

/* The words of a line with '|' behind each, [command] where one stood in backticks, {command}
 * where it was all. */
static char *
words(const char *line, unsigned flags)
{
	struct mutt_names names = { value_of, NULL };
	struct mutt_text t = { line };
	struct str s = {0};

	mutt_skip_space(&t);
	while (!mutt_at_end(&t) && *t.p != '=') {
		struct mutt_word w;
		mutt_word(&w, &t, flags, &names);
		str_puts(&s, str_get(&w.text));
		if (w.command)
			str_printf(&s, w.is_command ? "{%s}" : "[%s]", w.command);
		str_puts(&s, w.error ? "!|" : "|");
		mutt_word_clear(&w);
	}
	str_puts(&s, t.p);
	return s.data ? str_take(&s) : xstrdup("");
}

/* Quotes, backslashes, names, backticks and comments as the manual of mutt has them. */
static void
test_words(void **state)
{
	(void)state;
	static const struct { const char *line; unsigned flags; const char *want; } cases[] = {
		{ "a b  c", 0, "a|b|c|" }, { "a 'b c' \"d e\"", 0, "a|b c|d e|" },
		{ "a# b #c d", 0, "a|# b #c d" },
		{ "a#b", 0, "a|#b" }, { "'a#b;c' d;e", 0, "a#b;c|d|;e" },
		{ "\"a\\\"b\" 'a\\b'", 0, "a\"b|a\\b|" },
		{ "a\\ b \\n \\t \\\\ \\101", 0, "a b|\n|\t|\\|A|" },
		{ "\\Ca \\e", 0, "\001|\033|" },
		{ "^a ^[ ^^", WORD_CONDENSE, "\001|\033|^|" }, { "^a", 0, "^a|" },
		{ "$folder/x '$folder' \"$folder\" ${folder}", 0,
		  "imaps://h/x|$folder|imaps://h|imaps://h|" },
		{ "$nothing| $ a$", 0, "||$|a$|" },
		{ "`pass x` \"`a b`\" '`c`' x`d`y", 0, "{pass x}|{a b}|`c`|xy[d]|" },
		{ "`a\\`b`", 0, "{a`b}|" }, { "$secret x$secret", 0, "{pass x}|x[pass x]|" },
		{ "name = v", WORD_EQUAL, "name|= v" },
		{ "a \"b c\" d; e # f", WORD_SPACES | WORD_SEMICOLON | WORD_QUOTES,
		  "a \"b c\" d; e|# f" },
		{ "'a b", 0, "a b!|" }, { "`a", 0, "{a}!|" }, { "a\\", 0, "a!|" },
		{ "\"\" x", 0, "|x|" }, { "", 0, "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		char *got = words(cases[i].line, cases[i].flags);
		assert_string_equal(cases[i].want, got);
		free(got);
	}
}

/* Lines that end in a backslash go on in the next, comments, too; and
 * what is too long is cut. */
static void
test_lines(void **state)
{
	(void)state;
	const char *p = "a\\\n b\r\n# c \\\nd\n\nlast\\";
	const char *want[] = { "a b", "# c d", "", "last" };
	const int n_lines[] = { 2, 2, 1, 1 };
	struct str s = {0};
	int n;

	for (size_t i = 0; i < LEN(want); i++) {
		assert_true(mutt_line(&s, &p, &n, 100));
		assert_string_equal(want[i], str_get(&s));
		assert_int_equal(n_lines[i], n);
	}
	assert_false(mutt_line(&s, &p, &n, 100));
	p = "aaaa\\\nbbbb\nc";
	assert_true(mutt_line(&s, &p, &n, 5));
	assert_string_equal("aaaab", str_get(&s));
	assert_true(mutt_line(&s, &p, &n, 5));
	assert_string_equal("c", str_get(&s));
	str_clear(&s);
}

/* Hooks' expressions, and that one which would take for ever fits nothing soon. */
static void
test_patterns(void **state)
{
	(void)state;
	static const struct { const char *pattern, *text; bool fits; } cases[] = {
		{ "work", "imaps://ada@imap.work.example/INBOX", true },
		{ "^work", "imaps://work", false },
		{ "imaps?://ada@.*/", "imap://ada@h/INBOX", true },
		{ "imap\\.gmail\\.com", "imaps://imapxgmail.com", false },
		{ "(gmail|home)", "x home y", true }, { "gmail|home", "nowhere", false },
		{ ".", "x", true }, { "", "x", true },
		{ "INBOX$", "imaps://h/INBOX", true }, { "[^a-c]x", "bx", false },
		{ "[^a-c]x", "dx", true },
		{ "GMAIL", "gmail", false }, { "gmail", "GMail", true },
		{ "a+b", "aaab", true }, { "a+b", "b", false },
		{ "(a(b)c)", "abc", false }, { "a{3}", "aaa", false }, { "[abc", "a", false },
		{ "\\", "\\", false },
		{ ".*.*.*.*.*.*.*.*.*.*.*.*x",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		if (mutt_match(cases[i].pattern, cases[i].text) != cases[i].fits)
			fail_msg("'%s' in '%s'", cases[i].pattern, cases[i].text);
	}
}

/* ---- what becomes of it ---- */

static void
complain(void *ctx, const char *line)
{
	(void)ctx;
	fail_msg("%s", line);
}

/* The mailrc must read without a complaint, of the parser and of the screen's. */
static void
assert_reads(const struct import *im, const struct str *text)
{
	struct rc *rc;

	rc_parse(&rc, "mailrc", str_get(text), text->len, NULL);
	if (rc->n_problems)
		fail_msg("%s in\n%s", rc->problems[0].line, str_get(text));
	ui_rc_problems(rc, complain, NULL);
	assert_int_equal(import_n_accounts(im), rc->n_accounts);
	rc_free(rc);
}

static void
import_lines(const char *muttrc, struct str *text, struct str *report)
{
	struct import im;

	import_init(&im);
	import_muttrc_text(&im, "muttrc", muttrc);
	import_text(&im, text);
	import_report(&im, report);
	assert_reads(&im, text);
	import_clear(&im);
}

/* Each of `lines` (NULL-ended) is in the mailrc that the muttrc makes. */
static void
makes(const char *muttrc, const char *const *lines)
{
	struct str text = {0}, report = {0};

	import_lines(muttrc, &text, &report);
	for (; *lines; lines++) {
		char *want = xasprintf("\n%s\n", *lines);
		if (!strstr(str_get(&text), want))
			fail_msg("'%s' is not in\n%s\n%s", *lines, str_get(&text),
				str_get(&report));
		free(want);
	}
	str_clear(&text);
	str_clear(&report);
}
#define MAKES(muttrc, ...) makes(muttrc, (const char *const[]){ __VA_ARGS__, NULL })

/* The text is nowhere in mailrc and report. */
static void
hides(const char *muttrc, const char *secret)
{
	struct str text = {0}, report = {0};

	import_lines(muttrc, &text, &report);
	if (strstr(str_get(&text), secret) || strstr(str_get(&report), secret))
		fail_msg("'%s' is in\n%s\n%s", secret, str_get(&text), str_get(&report));
	str_clear(&text);
	str_clear(&report);
}

static void
reports(const char *muttrc, const char *line)
{
	struct str text = {0}, report = {0};

	import_lines(muttrc, &text, &report);
	if (!strstr(str_get(&report), line))
		fail_msg("'%s' is not in\n%s", line, str_get(&report));
	str_clear(&text);
	str_clear(&report);
}

/* How often it is there. */
static int
import_n(const char *text, const char *what)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

#define IMAP "set folder=imaps://ada@imap.example.org/ from=ada@example.org " \
	"smtp_url=smtps://ada@smtp.example.org\n"

/* One line with several variables; no, inv, toggle, reset and +=. */
static void
test_set(void **state)
{
	(void)state;
	MAKES(IMAP "set noedit_headers text_flowed realname = Ada realname += ' L.'",
		"from = \"Ada L.\" <ada@example.org>", "flowed = yes");
	MAKES(IMAP "set text_flowed; toggle text_flowed; set invedit_headers",
		"edit-headers = yes");
	MAKES("set my_host=example.org folder=imaps://ada@imap.$my_host\nset "
		"from=ada@${my_host}", "receive = imaps://ada@imap.example.org",
		"from = ada@example.org");
	MAKES(IMAP "set realname=Bob; reset realname", "from = ada@example.org");
	/* Ends behind what asks for a name, and fills its memory to the last byte. */
	struct import im;
	import_init(&im);
	import_muttrc_text(&im, "muttrc", "set   A  $ A e&");
	import_clear(&im);
	MAKES(IMAP "set realname=\"Ada # not a comment\" # comment",
		"from = \"Ada # not a comment <ada@example.org>\"");
}

/* What a password is, is printed nowhere; where a command gives it, that is taken, and it is
 * not run. */
static void
test_passwords(void **state)
{
	(void)state;
	unlink("/tmp/dunlin-import-ran");
	MAKES(IMAP "set imap_pass=`touch /tmp/dunlin-import-ran`",
		"password-command = touch /tmp/dunlin-import-ran");
	MAKES(IMAP "set my_p=\"`pass x`\"\nset imap_pass=$my_p smtp_pass=$my_p",
		"password-command = pass x");
	MAKES(IMAP "set imap_pass=`a`; set smtp_pass=`b`", "password-command = a",
		"send-password-command = b");
	MAKES("source \"touch /tmp/dunlin-import-ran|\"\n" IMAP "set imap_pass=$my_pw",
		"# password-command = touch /tmp/dunlin-import-ran| sed -n 's/^ *set "
		"*my_pw *= *//p' | tr -d \"\\\"'\"");
	assert_int_equal(-1, access("/tmp/dunlin-import-ran", F_OK));
	hides(IMAP "set imap_pass=sesame", "sesame");
	hides(IMAP "set smtp_pass=sesame", "sesame");
	hides(IMAP "imap_pass=sesame\nsetenv P sesame\nifdef x set imap_pass=sesame",
		"sesame");
	hides(IMAP "macro index x '<enter-command>set imap_pass=sesame<enter>'", "sesame");
	hides("set folder=imaps://ada:sesame@imap.example.org from=a@b", "sesame");
	hides(IMAP "set smtp_url=smtps://ada:sesame@smtp.example.org", "sesame");
	hides("set folder=imaps://h/ imap_user=ada imap_pass='sesame", "sesame");
	hides(IMAP "account-hook imaps://bob@mail.example.net 'set imap_pass=sesame'",
		"sesame");
	reports(IMAP "set imap_pass=sesame",
		"muttrc:2: set imap_pass: a password is not printed");
}

/* The password of one server is never that of another. */
static void
test_passwords_stay_with_their_server(void **state)
{
	(void)state;
	struct str text = {0}, report = {0};

	import_lines(IMAP "set imap_pass=`first` smtp_pass=`first`\n"
		"folder-hook home 'set folder=imaps://bob@mail.home.example "
		"from=bob@home.example smtp_url=smtps://bob@mail.home.example'",
		&text, &report);
	const char *second = strstr(str_get(&text), "[account home]");
	assert_non_null(second);
	assert_null(strstr(second, "first"));
	assert_non_null(strstr(str_get(&text), "password-command = first"));
	str_clear(&text);
	str_clear(&report);
}

/* Accounts by hooks as the guides have them: first all is unset, then each sets its own. */
static void
test_account_hooks(void **state)
{
	(void)state;
	struct str text = {0}, report = {0};

	import_lines("set folder=imaps://imap.a.example/ from=ada@a.example sendmail=s "
		"trash=+Bin\naccount-hook . 'unset imap_user; unset imap_pass; unset tunnel'\n"
		"account-hook 'imaps://ada@imap\\.a\\.example/' 'set imap_user=ada "
		"imap_pass=`a`'\naccount-hook imaps://bob@imap.b.example/ 'set imap_user=bob "
		"imap_pass=`b`'\nfolder-hook imaps://bob@imap.b.example/ 'set "
		"folder=imaps://bob@imap.b.example/ from=bob@b.example; unset trash'\n", &text,
		&report);
	const char *first = strstr(str_get(&text), "receive = imaps://ada@imap.a.example\n");
	const char *second = strstr(str_get(&text), "receive = imaps://bob@imap.b.example\n");
	if (!first || !second || second < first ||
	    import_n(str_get(&text), "\nreceive = ") != 2)
		fail_msg("%s\n%s", str_get(&text), str_get(&report));
	const char *a = strstr(first, "password-command = a\n"),
		*b = strstr(second, "password-command = b\n");
	assert_true(a && a < second && b);
	assert_true(strstr(first, "trash = Bin") < second);
	assert_null(strstr(second, "trash = "));
	assert_non_null(strstr(str_get(&report), " taken over, 0 not"));
	str_clear(&text);
	str_clear(&report);
}

/* Servers, ports and TLS. */
static void
test_servers(void **state)
{
	(void)state;
	MAKES("set spoolfile=imap://ada@imap.example.org:10143/INBOX from=a@b.example "
		"smtp_url=smtp://smtp.example.org",
		"receive = imap://ada@imap.example.org:10143",
		"send = smtp://smtp.example.org:25");
	MAKES("set imap_user='a b@c' folder=imaps://imap.example.org:993 "
		"smtp_url=smtp://h:587 from=a@b.example",
		"receive = imaps://a%20b@c@imap.example.org", "send = smtp://h");
	MAKES("set folder=imap://ada@127.0.0.1:1143 ssl_starttls=no "
		"smtp_url=smtp://127.0.0.1:1025 from=a@b.example",
		"receive = imap+insecure://ada@127.0.0.1:1143",
		"send = smtp+insecure://127.0.0.1:1025");
	MAKES("set folder=imap://ada@[::1]:1143 from=a@b.example smtp_url=smtp://h:587",
		"receive = imap://ada@[::1]:1143");
	MAKES("set ssl_starttls=no folder=imap://ada@far.example from=a@b.example "
		"smtp_url=smtp://h:587", "receive = imap://ada@far.example");
	reports("set ssl_starttls=no folder=imap://ada@far.example from=a@b.example",
		"in the clear");
	MAKES("set pop_host=pop.isp.example pop_user=ada from=a@isp.example "
		"smtp_url=smtp://h:587", "receive = pop3://ada@pop.isp.example");
	MAKES(IMAP "mailboxes imaps://bob@imap.other.example/INBOX", "[account other]",
		"receive = imaps://bob@imap.other.example");
	reports("set folder='imaps://ada@bad host/'", "is no name of a server");
}

/* Folders: shortcuts, URLs, another delimiter, and what is none of this account. */
static void
test_folders(void **state)
{
	(void)state;
	MAKES(IMAP "set record==Sent postponed='imaps://ada@imap.example.org/A/Drafts' "
		"trash=+/Bin mbox==Old",
		"sent = Sent", "drafts = A/Drafts", "trash = Bin", "archive = Old");
	MAKES("set folder=imaps://ada@imap.example.org/INBOX.x from=a@b.example record=+Sent "
		"smtp_url=smtp://h:587", "sent = INBOX/x/Sent");
	MAKES(IMAP "unset record", "copy = no");
	MAKES(IMAP "set record=/dev/null", "copy = no");
	reports(IMAP "set record=~/sent",
		"muttrc:2: set record: it is no folder of this account");
}

/* Orders: mutt begins with the oldest, dunlin with the newest. */
static void
test_sort(void **state)
{
	(void)state;
	MAKES(IMAP, "sort = -date");
	MAKES(IMAP "set sort=reverse-date-received", "sort = date");
	MAKES(IMAP "set sort=threads sort_aux=last-date", "sort = -date", "threads = yes");
	MAKES(IMAP "set sort=reverse-threads sort_aux=last-date-received", "sort = date",
		"threads = yes");
	MAKES(IMAP "set sort=from", "sort = sender");
	MAKES(IMAP "set sort=reverse-size", "sort = size");
	MAKES(IMAP "set sort=size", "sort = -size");
	MAKES(IMAP "set use_threads=threads sort=reverse-last-date", "sort = date",
		"threads = yes");
	reports(IMAP "set sort=score", "muttrc:2: set sort: lists are sorted by");
}

/* What mutt is told of new mail with stands in the environment here; in whatever quotes it is
 * one word. */
static void
test_new_mail(void **state)
{
	(void)state;
	MAKES(IMAP "set beep_new", "bell = yes");
	MAKES(IMAP "set new_mail_command=\"notify-send 'New in %f' '%n new, 100%%'\"",
		"notify = notify-send 'New in '\"$DUNLIN_FOLDER\"'' ''\"$DUNLIN_COUNT\"' new, "
		"100%'");
	MAKES(IMAP "set new_mail_command='say %n'", "notify = say \"$DUNLIN_COUNT\"");
	reports(IMAP "set new_mail_command='say %b'",
		"'notify' has what came in its environment");
	reports(IMAP "set beep", "'bell' is for new mail");
}

/* Keys: names, menus, functions that differ by menu; macros that are one command; what hides
 * what. */
static void
test_keys(void **state)
{
	(void)state;
	MAKES(IMAP "bind index,pager \\Cn next-entry\nbind index <esc>v collapse-thread",
		"[keys index]", "<C-n> = down",
		"<Alt-v> = fold", "[keys pager]", "<C-n> = next-message");
	MAKES(IMAP "bind generic <PageDown> next-page\nbind index <PageDown> half-down",
		"<PageDown> = half-down", "[keys parts]");
	MAKES(IMAP "bind index ; tag-prefix\nbind index \\; tag-prefix\nbind index '#' "
		"delete-message\nbind index = first-entry",
		"\";\" = tagged", "\"#\" = delete", "\"=\" = first");
	MAKES(IMAP "bind index ü delete-message\nbind index <space> noop\nbind index \\eu "
		"undelete-message", "ü = delete",
		"<Space> = none", "<Alt-u> = undo");
	MAKES(IMAP "bind index g noop\nbind index gg first-entry", "gg = first");
	reports(IMAP "bind index gg first-entry\nbind index g group-reply",
		"muttrc:2: bind index gg: 'gg' begins as 'g' in line 3");
	MAKES(IMAP "macro index A '<save-message>=Archive/2026<enter>'",
		"A = move Archive/2026");
	MAKES(IMAP "macro index A \"s=Archive\\n\"", "A = move Archive");
	MAKES(IMAP "macro index,pager \\cb \"|urlview\\n\"", "<C-b> = pipe urlview");
	MAKES(IMAP "macro index,pager \\cb \"<enter-command>set pipe_decode<enter>"
		"<pipe-message>fmt|lpr<enter>\"", "<C-b> = pipe-text fmt|lpr");
	MAKES(IMAP "macro index l '<limit>~f bob ~N<enter>'", "l = limit from:bob is:unread");
	MAKES(IMAP "macro index l '<limit>~d <1w<enter>'", "l = limit after:1w");
	reports(IMAP "macro index D '<delete-message>$'", "nothing like it");
	reports(IMAP "macro index D '<tag-pattern>~A<enter><tag-prefix><delete-message>'",
		"several commands");
	reports(IMAP "bind editor x complete", "muttrc:2: bind editor x: keys of the line");
	reports(IMAP "bind index x no-such-function",
		"bind index x: there is nothing like it here");
	reports(IMAP "bind index abcde next-entry", "there is no such key");
}

/* Every function that is known, in every menu, makes a line that the screen takes. */
static void
test_every_function(void **state)
{
	(void)state;
	static const char *const menus[] = { "index", "pager", "attach", "browser", "compose",
		"postpone", "generic" };

	for (size_t i = 0; mutt_function_at(i); i++) {
		for (size_t k = 0; k < LEN(menus); k++) {
			struct str text = {0}, report = {0};
			char *line = xasprintf("bind %s <f1> %s", menus[k],
				mutt_function_at(i));
			import_lines(line, &text, &report);
			free(line);
			str_clear(&text);
			str_clear(&report);
		}
	}
}

/* Colours. */
static void
test_colors(void **state)
{
	(void)state;
	MAKES(IMAP "color normal white default\ncolor quoted color39 '#001122'\ncolor index "
		"bold brightred black '~N'",
		"normal = white", "quote1 = 39 on #001122",
		"unread = bold bright-red on black");
	MAKES(IMAP "color indicator default default\ncolor error bold default default",
		"cursor = default", "error = bold");
	reports(IMAP "color index red default '~h x'",
		"muttrc:2: color index: a query cannot say");
	MAKES(IMAP "color index brightred default '~f boss ~N'",
		"message from:boss is:unread = bright-red");
	reports(IMAP "color error nocolour default", "'nocolour' is no colour");
	reports(IMAP "folder-hook x 'color error red default'",
		"colours are the same in all folders");
}

/* Short names: names in brackets and quotes, names of names, groups, and loops. */
static void
test_aliases(void **state)
{
	(void)state;
	MAKES(IMAP "alias bob bob@example.org (Bob B)\nalias all bob, \"C, D\" "
		"<c@example.org>\nalias g Group: bob, x@y.example;",
		"bob = Bob B <bob@example.org>", "all = Bob B <bob@example.org>, \"C, D\" "
		"<c@example.org>",
		"g = Bob B <bob@example.org>, x@y.example");
	MAKES(IMAP "alias -group a -group b x X. Y. <x@y.example> # a remark",
		"x = \"X. Y.\" <x@y.example>");
	reports(IMAP "alias a b\nalias b a", "muttrc:2: alias a: it has no address");
	MAKES(IMAP "alternates ^ada@other\\.example$ -group me a.b@c.example",
		"identities = ada@other.example, a.b@c.example");
	reports(IMAP "alternates .*@example.org", "muttrc:2: alternates .*@example.org: "
		"'identities' are addresses");
}

/* Signing and encrypting are the account's, and the key without its 0x. */
static void
test_crypto(void **state)
{
	(void)state;
	MAKES(IMAP "set crypt_autosign=yes", "sign = yes");
	MAKES(IMAP "set crypt_autoencrypt=yes crypt_opportunistic_encrypt=yes",
		"encrypt = always");
	MAKES(IMAP "set crypt_opportunistic_encrypt=yes", "encrypt = when-possible");
	MAKES(IMAP "set smime_is_default=yes pgp_default_key=0x0123ABCD", "crypto = smime",
		"key = 0123ABCD");
	reports(IMAP "set pgp_sign_as='`evil`'", "muttrc:2: set pgp_sign_as: gpg does it");
}

/* What is not to be said is told once, with its line; what cannot be read is no end. */
static void
test_told(void **state)
{
	(void)state;
	reports(IMAP "set sidebar_width=20",
		"muttrc:2: set sidebar_width: there is no sidebar");
	reports(IMAP "\\\nfrobnicate x",
		"muttrc:2: frobnicate: mutt's manual has no such command");
	reports(IMAP "set frobnicate=1",
		"muttrc:2: set frobnicate: there is nothing like it here");
	reports(IMAP "set realname=`id -un`", "`id -un` was not run");
	reports(IMAP "source /no/such/file", "cannot open '/no/such/file'");
	reports(IMAP "source /dev/zero", "is no file");
	reports(IMAP "set realname='Ada\\\n", "settings taken over");
	reports("", "0 settings taken over, 0 not");
	reports(IMAP, "3 settings taken over, 0 not");
}

/* ---- other programs ---- */

/* The text through one of the readers makes all the lines, and none of them is `not`. */
static void
reads(void (*reader)(struct import *, const char *, const char *), const char *file,
	const char *not, const char *const *lines)
{
	struct import im;
	struct str text = {0};

	import_init(&im);
	reader(&im, "file", file);
	import_text(&im, &text);
	assert_reads(&im, &text);
	str_puts(&text, "----\n");
	import_report(&im, &text);
	for (; *lines; lines++) {
		char *want = xasprintf("\n%s\n", *lines);
		if (!strstr(str_get(&text), want))
			fail_msg("'%s' is not in\n%s", *lines, str_get(&text));
		free(want);
	}
	if (not && strstr(str_get(&text), not))
		fail_msg("'%s' is in\n%s", not, str_get(&text));
	import_clear(&im);
	str_clear(&text);
}
#define READS(reader, file, not, ...) \
	reads(reader, file, not, (const char *const[]){ __VA_ARGS__, NULL })

/* alpine: servers with their flags, further accounts, folders, the
 * address, and what is not set. */
static void
test_alpine(void **state)
{
	(void)state;
	static const char pinerc[] =
		"# Pine\npersonal-name=Lovelace, "
		"Ada\nuser-domain=example.org\n"
		"smtp-server=smtp.example.org/submit/user=ada@example.org\n"
		"inbox-path={imap.example.org:993/ssl/user=ada@example.org}INBOX\n"
		"incoming-folders=Home {mail.home.example/tls/user=\"bob\"}INBOX,\n"
		"\tJunk {imap.example.org:993/ssl/user=ada@example.org}Junk\n"
		"default-fcc={imap.example.org}Sent\npostponed-folder=Drafts\neditor=\n"
		"sort-key=Arrival/Reverse\nalt-addresses=ada@example.net,\n  "
		"help@example.org\nsignature-file=.signature\nfeature-list=x,\n\ty\n";

	READS(import_alpine_text, pinerc, "editor",
		"from = \"Lovelace, Ada\" <ada@example.org>", "sort = date",
		"receive = imaps://ada@example.org@imap.example.org", "[account home]",
		"receive = imap://bob@mail.home.example",
		"send = smtp://ada@example.org@smtp.example.org", "sent = Sent",
		"drafts = Drafts", "signature = ~/.signature",
		"identities = ada@example.net,help@example.org",
		"file:15: feature-list: there is nothing like it here");
	READS(import_alpine_text,
		"inbox-path={pop.example.org/pop3/ssl/user=ada}INBOX\nsendmail-path=/bin/s "
		"-t\ncustomized-hdrs=From: Ada <ada@a.example>, X: y", NULL,
		"receive = pop3s://ada@pop.example.org", "from = Ada <ada@a.example>",
		"sendmail = /bin/s -t");
	READS(import_alpine_text, "personal-name=Ada", NULL, "# receive = imaps://USER@HOST");
}

/* aerc: kinds of URLs, commands for passwords, and that a password in a URL goes nowhere. */
static void
test_aerc(void **state)
{
	(void)state;
	READS(import_aerc_text,
		"; c\n[Personal]\nsource = "
		"imaps+xoauth2://ada%40example.org@imap.example.org:994\nsource-cred-cmd = "
		"token ada\noutgoing = smtps+plain://ada%40example.org@smtp.example.org\nfrom "
		"= Ada <ada@example.org>\ncopy-to = Sent\npostpone=Drafts\n[Work]\nsource = "
		"imap+insecure://ada:sesame@127.0.0.1:1143\noutgoing = msmtp -a w\nfrom = "
		"ada@w.example\n[Local]\nsource = maildir://~/Mail\nfrom = ada@l.example\n",
		"sesame", "[account personal]",
		"receive = imaps://ada@example.org@imap.example.org:994", "auth = xoauth2",
		"password-command = token ada",
		"send = smtps://ada@example.org@smtp.example.org", "sent = Sent",
		"[account work]", "receive = imap+insecure://ada@127.0.0.1:1143",
		"sendmail = msmtp -a w", "# [account local]", "# from = ada@l.example");
}

/* Address books: people with a nick, without, with several addresses, with none, twice. */
static void
test_books(void **state)
{
	(void)state;
	READS(import_abook_text,
		"[format]\nversion=1\n[0]\nname=Ada "
		"Lovelace\nemail=ada@a.example,ada@b.example\nnick=ada\n[1]\nname=No "
		"Mail\n[2]\nname=Bob B.\nemail=bob@x.example\n[3]\nname=bob "
		"b\nemail=c@x.example", "no-mail",
		"ada = Ada Lovelace <ada@a.example>, Ada Lovelace <ada@b.example>",
		"bob-b = \"Bob B.\" <bob@x.example>",
		"file:13: bob b: 'bob-b' is the short name of somebody before");
	READS(import_addressbook_text,
		"bob\tB, Bob\tbob@x.example\r\nteam\tTeam\t(bob@x.example,\n   "
		"c@x.example)\t\tnote\n#DELETED-1\tx\tX\tx@y.example\nlist\tL\t(bob,team)\n",
		"x@y.example", "bob = \"B, Bob\" <bob@x.example>",
		"team = Team <bob@x.example>, Team <c@x.example>",
		"file:5: list: it has no address, or one that is none (a short name, a list)");
}

/* ---- the configurations ---- */

static char *
text_of(const char *path)
{
	char *text;
	size_t n;

	return file_read(&text, &n, path, 1 << 20, NULL) == ERR_OK ? text : NULL;
}

static void
compare(const char *path, const struct str *got)
{
	char *expected = xasprintf("%s.expected", path), *want = text_of(expected);

	if (getenv("DUNLIN_WRITE_SCREENS"))
		assert_int_equal(ERR_OK, file_write_atomic(expected, str_get(got), got->len,
			NULL));
	else if (!want || !str_eq(want, str_get(got)))
		fail_msg("%s differs from\n%s", expected, str_get(got));
	free(expected);
	free(want);
}

/* Each typical configuration makes the mailrc and the report that stand beside it. */
static void
test_configurations(void **state)
{
	(void)state;
	DIR *d = opendir("tests/import");
	int n = 0;

	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d)) != NULL; ) {
		const char *dot = strrchr(entry->d_name, '.');
		if (!dot || (!str_eq(dot, ".muttrc") && !str_eq(dot, ".neomuttrc")))
			continue;
		struct import im;
		struct str text = {0};
		struct error e;
		char *path = xasprintf("tests/import/%s", entry->d_name);
		import_init(&im);
		assert_true(import_muttrc(&im, path, &e));
		import_text(&im, &text);
		assert_reads(&im, &text);
		str_puts(&text, "\n---- told ----\n");
		import_report(&im, &text);
		compare(path, &text);
		import_clear(&im);
		str_clear(&text);
		free(path);
		n++;
	}
	closedir(d);
	assert_true(n >= 9);
}

/* The exit code: 0, 1 without an account, 66 where the file cannot be read. */
static void
test_exit_codes(void **state)
{
	(void)state;
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);

	fflush(stdout);
	assert_non_null(freopen("/dev/null", "w", stdout));
	assert_non_null(freopen("/dev/null", "w", stderr));
	int codes[] = { cli_import("muttrc", "tests/import/gmail.muttrc"), cli_import("muttrc",
		"tests/import/offlineimap.muttrc"),
		cli_import("muttrc", "tests/import/none"), cli_import("muttrc", "tests") };
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	assert_int_equal(0, codes[0]);
	assert_int_equal(1, codes[1]);
	assert_int_equal(66, codes[2]);
	assert_int_equal(66, codes[3]);
}

static int
set_up(void **state)
{
	(void)state;
	setenv("HOME", "/nonexistent", 1);
	setenv("LOGNAME", "ada", 1);
	unsetenv("XDG_CONFIG_HOME");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_words), T(test_lines), T(test_patterns),
		T(test_set), T(test_passwords),
		T(test_passwords_stay_with_their_server), T(test_account_hooks),
		T(test_servers), T(test_folders), T(test_sort), T(test_new_mail), T(test_keys),
		T(test_every_function), T(test_colors), T(test_aliases), T(test_crypto),
		T(test_told),
		T(test_alpine), T(test_aerc), T(test_books), T(test_configurations),
		T(test_exit_codes) };

	return cmocka_run_group_tests(tests, set_up, NULL);
}
