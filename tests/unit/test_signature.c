/* What stands at the end of a message, and goes with the sender. */
#include "path.h"
#include "test.h"
#include "ui/forgotten.h"
#include "ui/signature.h"
#include "ui_fixture.h"

static char *
made(const char *rc_lines, const char *content, const char *from)
{
	char path[] = "/tmp/dunlin-signature-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0 &&
		write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	close(fd);
	char *rc =
		xasprintf("[account work]\nfrom = me@x.net\nidentities = other@x.net\nreceive "
		"= imaps://me@x.net\n%s%s\n[account home]\nfrom = me@home.net\nreceive = "
		"imaps://me@home.net\n", rc_lines, path);
	struct fixture *f = setup(rc, 24, 80);
	char *s = signature_of(f->ui, from, false);
	teardown(f);
	unlink(path);
	free(rc);
	return s;
}

/* One separator, one line end, nothing that acts; and none at all where there is nothing. */
static void
test_file(void **state)
{
	(void)state;
	static const char *const v[][2] = { { "Ada\n", "-- \nAda\n" }, { "Ada", "-- \nAda\n" },
		{ "-- \nAda\n\n", "-- \nAda\n" },
		{ "Ada\r\nExample\r\n \n", "-- \nAda\nExample\n" }, { "", "" }, { "\n\n", "" },
		{ "-- \n", "" },
		{ "\033[2J", "-- \n\xef\xbf\xbd[2J\n" } };

	for (size_t i = 0; i < LEN(v); i++) {
		char *s = made("signature = ", v[i][0], "me@x.net");
		assert_string_equal(v[i][1], s);
		free(s);
	}
	char *s = made("signature = ", "Ada", "Other <OTHER@x.net>");
	assert_string_equal("-- \nAda\n", s);
	free(s);
	s = made("signature = ", "Ada", "me@home.net");	/* another account's */
	assert_string_equal("", s);
	free(s);
	s = made("signature = /dev", "Ada", "me@x.net");	/* told, and nothing more */
	assert_string_equal("", s);
	free(s);
}

static void
put_file(const char *dir, const char *name, const char *content)
{
	char *path = path_join(dir, name);

	assert_int_equal(ERR_OK, file_write_atomic(path, content, strlen(content), NULL));
	free(path);
}

/* Of a directory that of the address, whatever its letters' case, or the one for all others;
 * and no address leads out of it. */
static void
test_directory(void **state)
{
	(void)state;
	char dir[] = "/tmp/dunlin-signatures-XXXXXX";
	static const char *const v[][2] = { { "Ada <ME@x.net>", "-- \nAda\n" },
		{ "other@x.net", "-- \nall\n" }, { "../other@x.net", "-- \nall\n" } };

	assert_non_null(mkdtemp(dir));
	put_file(dir, "me@x.net", "Ada");
	put_file(dir, "default", "all");
	char *rc = xasprintf("[account work]\nfrom = me@x.net\nidentities = other@x.net\n"
		"receive = imaps://me@x.net\nsend = smtps://me@x.net\nsignature = %s\n", dir);
	struct fixture *f = setup(rc, 24, 80);
	for (size_t i = 0; i < LEN(v); i++) {
		char *s = signature_of(f->ui, v[i][0], false);
		assert_string_equal(v[i][1], s);
		free(s);
	}
	char *file = path_join(dir, "default");
	unlink(file);
	char *s = signature_of(f->ui, "other@x.net", false);
	assert_string_equal("", s);
	assert_null(f->ui->message);
	free(s);
	free(file);
	file = path_join(dir, "me@x.net");
	unlink(file);
	rmdir(dir);
	free(file);
	free(rc);
	teardown(f);
}

static void
test_replace(void **state)
{
	(void)state;
	static const struct { const char *text, *old, *by, *want; } v[] = {
		{ "hi\n\n-- \nA\n", "-- \nA\n", "-- \nB\n", "hi\n\n-- \nB\n" },
		{ "hi\n\n-- \nA\n", "-- \nA\n", "", "hi\n" }, { "\n-- \nA\n", "-- \nA\n", "",
			"" },
		{ "-- \nA\n", "-- \nA\n", "-- \nB\n", "-- \nB\n" },
		{ "hi\n-- \nA!\n", "-- \nA\n", "x", NULL }, { "hi\n-- \nA\nmore\n", "-- \nA\n",
			"x", NULL },
		{ "hi -- \nA\n", "-- \nA\n", "x", NULL }, { "hi\n", "", "-- \nB\n", NULL },
	};

	for (size_t i = 0; i < LEN(v); i++) {
		struct str s = { 0 };
		str_puts(&s, v[i].text);
		assert_int_equal(v[i].want != NULL, signature_replace(&s, v[i].old, v[i].by));
		assert_string_equal(v[i].want ? v[i].want : v[i].text, str_get(&s));
		str_clear(&s);
	}
	struct str s = { 0 };
	signature_add(&s, "-- \nA\n");
	assert_string_equal("\n-- \nA\n", str_get(&s));
	str_cut(&s, 0);
	str_puts(&s, "no end");
	signature_add(&s, "-- \nA\n");
	assert_string_equal("no end\n\n-- \nA\n", str_get(&s));
	str_clear(&s);
}

/* Spoken of in many languages; not where it is quoted, forwarded or signed,
 * and not within another word. */
static void
test_forgotten(void **state)
{
	(void)state;
	static const char *const yes[] = { "I ATTACH the plan", "hi\n\nsee attached.\n",
		"im Anhang", "ist ANGEHÄNGT", "voir pièce jointe", "ci-joint", "en adjunto",
		"segue em anexo", "in allegato", "w załączniku", "v příloze: příloha",
		"Вложение", "資料を添付します", "请看附件", "파일을 첨부합니다", "angehängt" };
	static const char *const no[] = { "", "hello", "> I attach it",
		"hi\n-- \nattached to nothing", "reattach",
		"x\n---------- Forwarded message ----------\nI attach it" };

	for (size_t i = 0; i < LEN(yes); i++) {
		if (!forgotten_attachment(yes[i]))
			fail_msg("not seen in '%s'", yes[i]);
	}
	for (size_t i = 0; i < LEN(no); i++) {
		if (forgotten_attachment(no[i]))
			fail_msg("seen in '%s'", no[i]);
	}
}

TEST_MAIN(T(test_forgotten), T(test_file), T(test_directory), T(test_replace))
