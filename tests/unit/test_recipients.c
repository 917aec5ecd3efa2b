/* What is offered while an address is being typed, in which order, and that none of it can
 * be anything but an address. */
#include <sys/stat.h>

#include "compose.h"
#include "mime.h"
#include "now.h"
#include "people.h"
#include "ui/lookup.h"
#include "ui/recipients.h"
#include "ui_fixture.h"

/* The candidates on the screen, one a line. */
static void
assert_offered(struct fixture *f, const char *want)
{
	struct str s = { 0 };

	for (size_t i = 0; i < f->ui->prompt.offers.n; i++)
		str_printf(&s, "%s\n", f->ui->prompt.offers.v[i].word);
	assert_string_equal(want, str_get(&s));
	str_clear(&s);
}

static void
heard(struct fixture *f, uint32_t uid, const char *name, const char *addr)
{
	struct store *s = (struct store *)(uintptr_t)engine_store(f->engine);
	struct folder inbox = { .account = engine_account(f->engine, 0), .wire = "INBOX",
		.name = "INBOX", .delim = '/', .role = ROLE_INBOX };
	struct error e;
	folder_id id;

	assert_int_equal(ERR_OK, store_folder_put(s, &inbox, &id, &e));
	assert_int_equal(ERR_OK, store_msg_put(s, &(struct msg){ .id = msg_id_of(id, uid),
		.arrived = uid, .from_name = name, .from_addr = addr }, &e));
}

static void
wrote(struct fixture *f, const char *name, const char *addr)
{
	struct person p = { .name = name, .addr = addr };
	struct error e;

	assert_int_equal(ERR_OK,
		people_wrote((struct store *)(uintptr_t)engine_store(f->engine), &p, 1, 1,
		&e));
}

#define RC \
	"[account work]\nfrom = me@x.net\nreceive = imaps://me@x.net\n" \
	"[alias]\nbo = Bo Diddley <bo@x.net>\n" \
	"team = \"Doe, J.\" <j@x.net>, eve@x.net\n"

/* Short names, then people written to, then people heard from; each address
 * once; Tab takes the best, and what stands before the last comma stays, also
 * where a comma is part of a name. */
static void
test_order(void **state)
{
	(void)state;
	struct fixture *f = setup(RC, 24, 80);

	heard(f, 1, "Bob Heard", "heard@x.net");
	heard(f, 2, "Bo again", "BO@x.net");
	heard(f, 3, "Bob, the \"Builder\"", "builder@x.net");
	wrote(f, "Bob Wrote", "wrote@x.net");
	press(f, "bbo");
	assert_offered(f, "Bo Diddley <bo@x.net>\nBob Wrote <wrote@x.net>\n"
		"\"Bob, the \\\"Builder\\\"\" <builder@x.net>\nBob Heard <heard@x.net>\n");
	press(f, "<Tab>");
	assert_string_equal("Bo Diddley <bo@x.net>", prompt_text(&f->ui->prompt));
	press(f, "<Tab><Tab>, wro<Tab>");
	assert_string_equal("\"Bob, the \\\"Builder\\\"\" <builder@x.net>, Bob Wrote "
		"<wrote@x.net>", prompt_text(&f->ui->prompt));
	press(f, ", ");
	assert_offered(f, "");
	press(f, "<Enter>");
	assert_string_equal("bounce \"Bob, the \\\"Builder\\\"\" <builder@x.net>, Bob Wrote "
		"<wrote@x.net>, ;", str_get(&f->log));
	char *list = recipients_expand(f->ui, " TEAM,bo , x@y.z,nobody");
	assert_string_equal("\"Doe, J.\" <j@x.net>, eve@x.net, Bo Diddley <bo@x.net>, "
		"x@y.z, nobody", list);
	free(list);
	teardown(f);
}

/* A name of somebody else's making is only ever a name. */
static void
test_hostile_names(void **state)
{
	(void)state;
	struct fixture *f = setup(RC, 24, 80);
	static const char *const names[] = { "Evil <boss@x.net>, Evil", "Evil\r\nBcc: x@y.z",
		"Evil\033[2J", "=?utf-8?q?Evil=0A?=", "Evil \"", "Evil \\", "Evil (",
		"Evil:;" };

	for (size_t i = 0; i < LEN(names); i++) {
		char *addr = xasprintf("evil%zu@x.net", i);
		heard(f, (uint32_t)i + 1, names[i], addr);
		free(addr);
	}
	press(f, "bevil");
	assert_int_equal(LEN(names), f->ui->prompt.offers.n);
	for (size_t i = 0; i < f->ui->prompt.offers.n; i++) {
		struct error e;
		struct arena a = { 0 };
		const struct address *v;
		const char *word = f->ui->prompt.offers.v[i].word;
		assert_int_equal(ERR_OK, compose_addresses("To", word, &e));
		assert_int_equal(1, mime_addresses(&a, &v, word));
		assert_true(str_starts(v[0].addr, "evil"));
		arena_clear(&a);
	}
	teardown(f);
}

/* ---- address-query ---- */

static struct fixture *
with_query(const char *script)
{
	char *path = xstrdup("/tmp/dunlin-query-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0 && dprintf(fd, "#!/bin/sh\n%s\n", script) > 0);
	close(fd);
	assert_int_equal(0, chmod(path, 0700));
	char *rc = xasprintf("[mail]\naddress-query = %s '%%s'\n" RC, path);
	struct fixture *f = setup(rc, 24, 80);
	free(rc);
	f->ui->naming.name = path;		/* freed with it */
	return f;
}

static void
end_query(struct fixture *f)
{
	unlink(f->ui->naming.name);
	teardown(f);
}

static bool
is_offered(struct fixture *f, const char *word)
{
	for (size_t i = 0; i < f->ui->prompt.offers.n; i++) {
		if (str_eq(f->ui->prompt.offers.v[i].word, word))
			return true;
	}
	return false;
}

static bool
is_offered_soon(struct fixture *f, const char *word)
{
	for (int64_t end = now_ms() + 20000; now_ms() < end && !is_offered(f, word);
	    )
		ui_step(f->ui, 50);
	return is_offered(f, word);
}

/* What was typed is one argument, whatever is in it; nonsense is left out; nobody waits. */
static void
test_query(void **state)
{
	(void)state;
	struct fixture *f =
		with_query("printf 'searching...\\nheader without tab\\n"
		"x@y.z\\tNamed %s.\\tfrom LDAP\\nno address\\tX\\n\\tX\\nb@y.z\\t\\n"
		"<bad>@x\\tX\\n\\033[2J\\t\\033[2J@x\\nc@y.z\\tEsc\\033[2J\\n' \"$1\"");
	int64_t begun = now_ms();

	press(f, "b';id`$(id)");
	assert_true(now_ms() - begun < 250);
	assert_true(is_offered_soon(f, "\"Named ';id`$(id).\" <x@y.z>"));
	assert_true(is_offered(f, "b@y.z"));
	assert_true(is_offered(f, "\"Esc [2J\" <c@y.z>"));
	assert_int_equal(3, f->ui->prompt.offers.n);
	assert_string_equal("from LDAP", f->ui->prompt.offers.v[0].help);
	press(f, "<Esc>");
	end_query(f);
}

/* It is there, and not only to be buried. */
static bool
is_running(int pid)
{
	char *path = xasprintf("/proc/%d/stat", pid), state = 'Z';
	FILE *in = fopen(path, "r");

	if (in && fscanf(in, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	if (in)
		fclose(in);
	free(path);
	return state != 'Z' && state != 'X';
}

/* A command that hangs, or prints without an end, or is not there, costs nothing but what it
 * would have found; and it is gone, with its children, when the prompt is. */
static void
test_query_hangs(void **state)
{
	(void)state;
	struct fixture *f = with_query("echo $$ > \"$0.pid\"; sleep 100 & sleep 100");
	char *pid_file = xasprintf("%s.pid", f->ui->naming.name);

	press(f, "bsomebody");
	for (int64_t end = now_ms() + 20000; now_ms() < end &&
	    access(pid_file, F_OK) < 0; )
		ui_step(f->ui, 50);
	FILE *in = fopen(pid_file, "r");
	int pid = 0;
	for (int i = 0; i < 100 && (!in || fscanf(in, "%d", &pid) != 1); i++)
		usleep(10000);
	assert_true(pid > 0);
	fclose(in);
	assert_true(is_running(pid));
	int64_t begun = now_ms();
	press(f, "<Esc>");
	assert_true(now_ms() - begun < 1000);
	for (int i = 0; i < 100 && is_running(pid); i++)
		usleep(10000);
	assert_false(is_running(pid));
	unlink(pid_file);
	free(pid_file);
	end_query(f);
	f = with_query("while :; do echo 'a@b.c\tn'; done");
	press(f, "bsomebody");
	assert_true(is_offered_soon(f, "n <a@b.c>"));
	end_query(f);
}

static void
test_command(void **state)
{
	(void)state;
	static const char *const v[][2] = { { "khard", "khard \"$1\"" },
		{ "q %s", "q \"$1\"" },
		{ "q '%s' -x", "q ''\"$1\"'' -x" },
		{ "q \"%s\" %s", "q \"\"\"$1\"\"\" \"$1\"" },
		{ "q '(cn=*%s*)'", "q '(cn=*'\"$1\"'*)'" }, { "q \\'%s", "q \\'\"$1\"" } };

	for (size_t i = 0; i < LEN(v); i++) {
		char *got = lookup_command(v[i][0]);
		assert_string_equal(v[i][1], got);
		free(got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_order), T(test_hostile_names),
		T(test_query), T(test_query_hangs), T(test_command) };

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
