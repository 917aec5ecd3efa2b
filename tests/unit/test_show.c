/* `dunlin show`: what it prints, and what it returns. */
#include <fcntl.h>
#include <unistd.h>

#include "cli.h"
#include "path.h"
#include "str.h"
#include "test.h"

/* Runs cli_show on a file of these bytes; what it printed is owned by the caller. */
static char *
show(const char *raw, bool json, int *code)
{
	char in[] = "/tmp/dunlin-show-XXXXXX", out[] = "/tmp/dunlin-show-XXXXXX";
	int fd_in = mkstemp(in), fd_out = mkstemp(out), saved = dup(STDOUT_FILENO);
	char *text;
	size_t n;

	assert_int_equal(ERR_OK, fd_write_all(fd_in, raw, strlen(raw), NULL));
	fflush(stdout);
	dup2(fd_out, STDOUT_FILENO);
	*code = cli_show(in, json, false);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	assert_int_equal(ERR_OK, file_read(&text, &n, out, 1 << 24, NULL));
	close(fd_in);
	close(fd_out);
	close(saved);
	unlink(in);
	unlink(out);
	return text;
}

static void
assert_show(const char *raw, bool json, const char *want)
{
	int code;
	char *text = show(raw, json, &code);

	assert_string_equal(want, text);
	assert_int_equal(0, code);
	free(text);
}

static const char mail[] =
	"Received: from x\r\nFrom: =?utf-8?q?Ad=C3=A4?= <ada@example.org>\r\n"
	"To: bob@example.org, \"Q \\\"R\\\"\" <q@example.org>\r\n"
	"Date: Thu, 1 Jan 2015 12:00:00 +0100\r\nSubject: a \033[31m\r\nMessage-ID: <m@x>\r\n"
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\n\r\nFrom: boss\r\nHello\r\n"
	"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: eve@x\r\nSubject: "
	"inner\r\n\r\ninside\r\n--b\r\nContent-Type: image/png; name=\"p\xc3\xafx.png\"\r\n"
	"Content-Transfer-Encoding: base64\r\nContent-Disposition: "
	"attachment\r\n\r\nYWJj\r\n--b--\r\n";

/* A name that looks like an address does not hide the real one, and a character that turns the
 * direction or hides is seen (SECURITY 16). */
static void
test_real_sender_is_seen(void **state)
{
	(void)state;
	assert_show("From: \"ceo@bank.example\xe2\x80\xae\" <e\xe2\x80\x8bvil@x.example>\n"
		"Reply-To: other@y.example\nSubject: hi\n\nwords\n", false,
		"From: ceo@bank.example\xef\xbf\xbd <e\xef\xbf\xbdvil@x.example>\n"
		"Reply-To: other@y.example\nSubject: hi\n\nwords\n");
}

/* The header block, the text, the embedded message behind the mark, and what is attached. */
static void
test_text_is_what_a_person_reads(void **state)
{
	(void)state;
	assert_show(mail, false,
		"From: Adä <ada@example.org>\n"
		"To: bob@example.org, Q \"R\" <q@example.org>\n"
		"Date: Thu, 1 Jan 2015 12:00 +0100\n"
		"Subject: a  [31m\n"
		"\n"
		"From: boss\n"
		"Hello\n"
		"\n"
		"▌ message in this message:\n"
		"▌ From: eve@x\n"
		"▌ Subject: inner\n"
		"\n"
		"inside\n"
		"\n"
		"▌ attached: pïx.png (image/png, 3 bytes)\n");
}

static void
test_json_has_what_is_promised(void **state)
{
	(void)state;
	int code;
	char *text = show(mail, true, &code);
	static const char *const pieces[] = {
		"{\"subject\":\"a "
		"\\u001b[31m\",\"from\":[{\"name\":\"Adä\",\"address\":\"ada@example.org\"}]",
		"{\"name\":\"Q \\\"R\\\"\",\"address\":\"q@example.org\"}", "\"cc\":[]",
		"\"date\":\"2015-01-01T12:00:00+01:00\"", "\"message_id\":\"m@x\"",
		"\"headers\":[\n{\"name\":\"Received\",\"value\":\"from x\"}",
		"\"type\":\"multipart/mixed\",\"filename\":null",
		"\"text\":\"From: boss\\u000d\\nHello\"",
		"\"filename\":\"pïx.png\",\"charset\":null,\"disposition\":\"attachment\","
		"\"size\":3",
	};

	assert_int_equal(0, code);
	for (size_t i = 0; i < LEN(pieces); i++) {
		if (!strstr(text, pieces[i]))
			fail_msg("no %s in %s", pieces[i], text);
	}
	free(text);
}

/* What acts or hides is written out in JSON, and whoever reads it gets it back: a
 * tag beyond U+FFFF as a pair. */
static void
test_json_hides_nothing(void **state)
{
	(void)state;
	int code;
	char *text = show("Subject: a\xe2\x80\xae" "b\xf3\xa0\x81\x81" "c\xc2\xad"
		"d\xe2\x80\x8d\n\n", true, &code);

	assert_int_equal(0, code);
	assert_non_null(strstr(text,
		"\"subject\":\"a\\u202eb\\udb40\\udc41c\\u00add\\u200d\""));
	free(text);
}

/* An empty file is a message without anything, not an error. */
static void
test_empty_file_is_shown(void **state)
{
	(void)state;
	assert_show("", true,
		"{\"subject\":\"\",\"from\":[],\"to\":[],\"cc\":[],\"date\":null,"
		"\"message_id\":null,\"warning\":null,\"headers\":[],\"parts\":\n"
		"{\"section\":\"1\","
		"\"type\":\"text/plain\",\"filename\":null,\"charset\":null,"
		"\"disposition\":null,\"size\":0,"
		"\"text\":\"\",\"children\":[]}}\n");
}

static void
test_missing_file_fails(void **state)
{
	(void)state;
	int null = open("/dev/null", O_WRONLY), saved = dup(STDERR_FILENO);

	dup2(null, STDERR_FILENO);
	int code = cli_show("/nonexistent/mail", false, false);
	dup2(saved, STDERR_FILENO);
	close(null);
	close(saved);
	assert_int_equal(1, code);
}

TEST_MAIN(T(test_text_is_what_a_person_reads), T(test_real_sender_is_seen),
	T(test_json_has_what_is_promised), T(test_json_hides_nothing),
	T(test_empty_file_is_shown), T(test_missing_file_fails))
