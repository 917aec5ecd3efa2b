/* Mailcap files (RFC 1524): which entry a type has, and the command line made of it. */
#include <stdlib.h>
#include <string.h>

#include "mailcap.h"
#include "str.h"
#include "test.h"

static const char sample[] =
	"# text/plain; never\n"
	"\n"
	"text/html; w3m -I %{charset} -T text/html -dump %s ; copiousoutput; nametemplate=%s.html\n"
	"text/html; firefox %s; test=test -n \"$DISPLAY\" \\; true; edit=vi %s\r\n"
	"application/pdf; \\\n  pdftotext %s - \\\n; Copiousoutput\n"
	"Image/*; chafa %s; needsterminal\n"
	"text; less %s; needsterminal\n"
	"application/x-empty;\n"
	"*/*; file %s; copiousoutput\n"
	"application/octet-stream; last";

/* The entries of a type in their order, as "command|test|suffix|flags". */
static char *
entries(const char *type)
{
	struct str out = { 0 };
	struct mailcap m;
	size_t at = 0;

	while (mailcap_next(&m, sample, sizeof sample - 1, &at, type)) {
		str_printf(&out, "%s|%s|%s|%s%s\n", m.command, m.test ? m.test : "",
			m.suffix ? m.suffix : "", m.needs_terminal ? "t" : "",
			m.has_output ? "o" : "");
		mailcap_clear(&m);
	}
	return str_take(&out);
}

static void
test_entries_of_a_type_in_their_order(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "text/html", "w3m -I %{charset} -T text/html -dump %s||.html|o\n"
			"firefox %s|test -n \"$DISPLAY\" ; true||\nless %s|||t\n"
			"file %s|||o\n" },
		{ "application/pdf", "pdftotext %s -|||o\nfile %s|||o\n" },
		{ "image/png", "chafa %s|||t\nfile %s|||o\n" },
		{ "imagex/png", "file %s|||o\n" },
		{ "application/x-empty", "file %s|||o\n" },
		{ "application/octet-stream", "file %s|||o\nlast|||\n" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		char *got = entries(cases[i][0]);
		assert_string_equal(cases[i][1], got);
		free(got);
	}
}

/* Nothing that a mail says gets into a command line but what needs no quotes. */
static void
test_lines_take_nothing_that_a_shell_looks_at(void **state)
{
	(void)state;
	static const struct { const char *command, *path, *type, *charset, *want; } v[] = {
		{ "x '%s' %t %{charset} %{name} 100%%", "/tmp/a.pdf", "a/b", "utf-8",
			"{ x '/tmp/a.pdf' a/b utf-8  100%\n}" },
		{ "lynx -stdin", "/tmp/a", "a/b", "", "{ lynx -stdin\n} < /tmp/a" },
		{ "x # %s", "/tmp/a", "a/b", "", "{ x # /tmp/a\n}" },
		{ "x %n", "/tmp/a", "a/b", "", NULL },
		{ "x %{charset", "/tmp/a", "a/b", "", NULL },
		{ "x %", "/tmp/a", "a/b", "", NULL },
		{ "x %s", "/tmp/a b", "a/b", "", NULL },
		{ "x %s", "/tmp/$a", "a/b", "", NULL },
		{ "x %t", "/tmp/a", "a/b;c", "", NULL },
		{ "x %{charset}", "/tmp/a", "a/b", "`id`", NULL },
		{ "x %{charset}", "/tmp/a", "a/b", "x\nid", NULL },
		{ "x %t", "/tmp/a", "--exec/id", "", NULL },
		{ "x %{charset}", "/tmp/a", "a/b", "-ofile", NULL },
	};

	for (size_t i = 0; i < LEN(v); i++) {
		char *got = mailcap_line(v[i].command, v[i].path, v[i].type, v[i].charset);
		if (!str_eq(got, v[i].want))
			fail_msg("%zu: '%s', not '%s'", i, got, v[i].want);
		free(got);
	}
}

/* Cut anywhere, a file is read without a step beside it. */
static void
test_any_beginning_of_a_file_is_read(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof sample; n++) {
		char *cut = xmemdup(sample, n + 1);
		struct mailcap m;
		size_t at = 0;
		cut = xrealloc(cut, n ? n : 1);
		while (mailcap_next(&m, cut, n, &at, "text/html"))
			mailcap_clear(&m);
		assert_int_equal(n, at);
		free(cut);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_of_a_type_in_their_order),
		cmocka_unit_test(test_lines_take_nothing_that_a_shell_looks_at),
		cmocka_unit_test(test_any_beginning_of_a_file_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
