/* What people read agrees with what the program does: the table of settings, mailrc.example
 * and dunlin-mailrc(5); the commands, the queries and dunlin(1). Runs in the top directory. */
#include <ctype.h>

#include "path.h"
#include "query.h"
#include "rc.h"
#include "str.h"
#include "test.h"
#include "ui/command.h"

static char *
text_of(const char *path)
{
	char *text;
	size_t n;
	struct error e = {0};

	if (file_read(&text, &n, path, 1 << 20, &e) != ERR_OK)
		fail_msg("%s", e.text);
	return text;
}

/* The example with the ';' of every disabled line taken away. */
static char *
uncommented(const char *example)
{
	struct str s = {0};

	for (const char *p = example; *p; ) {
		size_t n = strcspn(p, "\n");
		size_t skip = p[0] == ';' && n > 1;
		str_add(&s, p + skip, n - skip);
		str_putc(&s, '\n');
		p += n + (p[n] == '\n');
	}
	return str_take(&s);
}

/* The line ";name = value" or ";name = " of the example; NULL when there is none. */
static const char *
example_value(const char *example, const char *name, size_t *len)
{
	char *want = xasprintf("\n;%s = ", name);
	const char *at = strstr(example, want);

	if (at) {
		at += strlen(want);
		*len = strcspn(at, "\n");
	}
	free(want);
	return at;
}

/* As it is, and with every line enabled, the example has no problem;
 * and then it has accounts. */
static void
test_example_parses(void **state)
{
	(void)state;
	char *example = text_of("mailrc.example"), *all = uncommented(example);
	const char *texts[] = { example, all };
	const size_t n_accounts[] = { 0, 3 };

	for (size_t i = 0; i < LEN(texts); i++) {
		struct rc *rc;
		rc_parse(&rc, "mailrc.example", texts[i], strlen(texts[i]), NULL);
		if (rc->n_problems > 0)
			fail_msg("%s", rc->problems[0].line);
		assert_int_equal(n_accounts[i], rc->n_accounts);
		assert_true(i == 0 || (rc->n_keys > 4 && rc->n_colors > 4 &&
			rc->n_aliases > 0));
		rc_free(rc);
	}
	free(example);
	free(all);
}

/* Every setting of the table is in the example, with its default where it has one. */
static void
test_example_has_every_setting(void **state)
{
	(void)state;
	char *example = text_of("mailrc.example");
	size_t n;
	const struct rc_setting *s = rc_settings(&n);

	for (size_t i = 0; i < n; i++) {
		size_t len;
		const char *value = example_value(example, s[i].name, &len);
		if (!value)
			fail_msg("mailrc.example lacks '%s'", s[i].name);
		if (s[i].initial && (strlen(s[i].initial) != len ||
		    strncmp(value, s[i].initial, len)))
			fail_msg("'%s' is '%s' by default, not as in mailrc.example",
			s[i].name, s[i].initial);
	}
	free(example);
}

/* The part of a manual page from the heading to the next. */
static char *
manual_section(const char *page, const char *heading)
{
	char *mark = xasprintf("\n.Sh %s\n", heading);
	const char *start = strstr(page, mark);

	assert_non_null(start);
	start += strlen(mark);
	const char *end = strstr(start, "\n.Sh ");
	free(mark);
	return end ? xstrndup(start, (size_t)(end - start)) : xstrdup(start);
}

/* The entry ".It Ic NAME" up to the next one with a text; NULL when there is none. */
static char *
manual_entry(const char *section, const char *name)
{
	char *mark = xasprintf("\n.It Ic %s", name);
	const char *at = section;

	while ((at = strstr(at, mark)) && !strchr(" \n", at[strlen(mark)]))
		at++;
	char *entry = NULL;
	if (at) {
		const char *end = strstr(at + 1, "\n.It");
		entry = end ? xstrndup(at, (size_t)(end - at)) : xstrdup(at);
	}
	free(mark);
	return entry;
}

/* Every setting is in the manual page's section, with its default, and
 * what is there is a setting. */
static void
test_manual_has_every_setting(void **state)
{
	(void)state;
	char *page = text_of("doc/dunlin-mailrc.5");
	char *sections[] = { manual_section(page, "THE MAIL SECTION"),
		manual_section(page, "ACCOUNT SECTIONS") };
	size_t n, n_entries = 0;
	const struct rc_setting *s = rc_settings(&n);

	for (size_t i = 0; i < n; i++) {
		char *entry = manual_entry(sections[str_eq(s[i].section, "account")],
			s[i].name);
		if (!entry)
			fail_msg("dunlin-mailrc(5) lacks '%s'", s[i].name);
		char *value = xasprintf("\n.Ql %s ", s[i].initial ? s[i].initial : "");
		if (s[i].initial && !strstr(entry, value))
			fail_msg("dunlin-mailrc(5) does not say that '%s' is '%s' by default",
				s[i].name, s[i].initial);
		free(value);
		free(entry);
	}
	for (size_t i = 0; i < LEN(sections); i++) {
		for (const char *p = sections[i]; (p = strstr(p, "\n.It Ic ")); p++)
			n_entries++;
		free(sections[i]);
	}
	assert_int_equal(n, n_entries);
	free(page);
}

/* Every command, and no other, is in the manual page with its keys and its help. */
static void
test_manual_has_every_command(void **state)
{
	(void)state;
	char *page = text_of("doc/dunlin.1"), *section = manual_section(page,
		"KEYS AND COMMANDS");
	size_t n_entries = 0;

	for (int id = 0; id < N_COMMANDS; id++) {
		const struct command *c = command_at((enum command_id)id);
		char *entry = manual_entry(section, c->name);
		if (!entry)
			fail_msg("dunlin(1) lacks the command '%s'", c->name);
		if (!strstr(entry, c->help + 1))
			fail_msg("dunlin(1) does not say of '%s': %s", c->name, c->help);
		free(entry);
	}
	for (const char *p = section; (p = strstr(p, "\n.It Ic ")); p++)
		n_entries++;
	assert_int_equal(N_COMMANDS, n_entries);
	free(section);
	free(page);
}

/* Every word of a query is in the manual page. */
static void
test_manual_has_every_query_word(void **state)
{
	(void)state;
	char *page = text_of("doc/dunlin.1"), *section = manual_section(page, "QUERIES");

	for (const char *const *w = query_words(); *w; w++) {
		size_t n = strlen(*w);
		char *escaped = (*w)[n - 1] == ':' ? xasprintf("Li %.*s\\&:", (int)n - 1, *w)
			: xstrdup(*w);
		if (!strstr(section, escaped))
			fail_msg("dunlin(1) lacks '%s'", *w);
		free(escaped);
	}
	free(section);
	free(page);
}

TEST_MAIN(T(test_example_parses), T(test_example_has_every_setting),
	T(test_manual_has_every_setting), T(test_manual_has_every_command),
	T(test_manual_has_every_query_word))
