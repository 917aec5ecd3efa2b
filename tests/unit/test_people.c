/* The address book: who is found by what is typed, in which order, and where it comes from. */
#include <sqlite3.h>

#include "path.h"
#include "people.h"
#include "store_fixture.h"
#include "utf8.h"

enum { DAY = 86400, NOW = 400 * DAY };

static void
got(struct fixture *fx, folder_id folder, uint32_t uid, const char *name, const char *addr,
	const char *to, int64_t when)
{
	char mid[40];

	snprintf(mid, sizeof mid, "%u@%u", uid, folder);
	OK(store_msg_put(fx->s, &(struct msg){ .id = msg_id_of(folder, uid), .arrived = when,
		.date = when, .from_name = name, .from_addr = addr, .to = to,
		.message_id = mid }, &fx->e));
}

/* "a@x b@x" */
static void
assert_found(struct fixture *fx, const char *typed, const char *want)
{
	struct person *v;
	struct str s = { 0 };
	size_t n = people_find(fx->s, typed, NOW, 50, &fx->a, &v);

	for (size_t i = 0; i < n; i++)
		str_printf(&s, "%s%s", i ? " " : "", v[i].addr);
	assert_string_equal(want, str_get(&s));
	str_clear(&s);
}

/* Every word typed begins a word of name or address, whatever case
 * and accents; in any order. */
static void
test_matching(void **state)
{
	struct fixture *fx = *state;

	got(fx, fx->inbox, 1, "J\xc3\xb6rg M\xc3\xbcller-L\xc3\xbc" "denscheidt",
		"jml@Bueros.example", "", NOW);
	got(fx, fx->inbox, 2,
		"\xd0\x98\xd1\x80\xd0\xb8\xd0\xbd\xd0\xb0 "
		"\xd0\x9f\xd0\xb5\xd1\x82\xd1\x80\xd0\xbe\xd0\xb2\xd0\xb0", "irina@example.ru",
		"", NOW - 1);
	got(fx, fx->inbox, 3, "S\xc3\xb8ren \xc5\x81ukasz", "s@x.dk", "", NOW - 2);
	got(fx, fx->inbox, 4, "", "plain.address+tag@x.dk", "", NOW - 3);
	static const char *const v[][2] = {
		{ "jorg", "jml@Bueros.example" }, { "J\xc3\x96RG", "jml@Bueros.example" },
		{ "lud", "jml@Bueros.example" },
		{ "mull jo", "jml@Bueros.example" }, { "bueros", "jml@Bueros.example" },
		{ "jml@bu", "jml@Bueros.example" },
		{ "org", "" }, { "\xd0\xbf\xd0\xb5\xd1\x82", "irina@example.ru" },
		{ "soren luk", "s@x.dk" },
		{ "tag", "plain.address+tag@x.dk" },
		{ "plain.address+", "plain.address+tag@x.dk" },
		{ "x", "s@x.dk plain.address+tag@x.dk" }, { "", "" }, { " ,<>@ ", "" },
		{ "zzz", "" },
	};
	for (size_t i = 0; i < LEN(v); i++)
		assert_found(fx, v[i][0], v[i][1]);
}

/* Written to before heard from; then how often and how lately. */
static void
test_order(void **state)
{
	struct fixture *fx = *state;
	folder_id sent = fx_folder(fx, "Sent", ROLE_SENT);
	uint32_t uid = 0;

	for (int i = 0; i < 30; i++)
		got(fx, fx->inbox, ++uid, "Example Often", "often@x", "", NOW - DAY);
	for (int i = 0; i < 30; i++)
		got(fx, fx->inbox, ++uid, "Example Long Ago", "ago@x", "", DAY);
	got(fx, fx->inbox, ++uid, "Example Once", "once@x", "", NOW);
	got(fx, sent, 1, "Me", "me@x", "Example, To <to@x>, bare@example.org",
		NOW - 300 * DAY);
	struct person wrote = { .name = "Example Wrote", .addr = "wrote@x" };
	OK(people_wrote(fx->s, &wrote, 1, NOW, &fx->e));
	assert_found(fx, "exam", "wrote@x bare@example.org to@x often@x ago@x once@x");
	OK(people_wrote(fx->s, &(struct person){ .name = "", .addr = "TO@x" }, 1, NOW,
		&fx->e));
	OK(people_wrote(fx->s, &(struct person){ .name = "", .addr = "to@X" }, 1, NOW,
		&fx->e));
	/* its name is not known there */
	assert_found(fx, "exam", "wrote@x bare@example.org to@x often@x ago@x once@x");
	assert_found(fx, "to", "TO@x");
}

/* No junk, nobody who does not read, no address that could not be written to;
 * and a message counts once. */
static void
test_left_out(void **state)
{
	struct fixture *fx = *state;
	folder_id junk = fx_folder(fx, "Junk", ROLE_JUNK);
	static const char *const bad[] = { "no-reply@x", "NoReply@x", "mailer-daemon@x", "x",
		"@x", "x@", "a b@x", "a@b@x", "a<@x", "a@x\n", "" };
	struct person *v;

	got(fx, junk, 1, "Win Now", "win@x", "", NOW);
	got(fx, fx->trash, 1, "Win More", "more@x", "", NOW);
	for (size_t i = 0; i < LEN(bad); i++)
		got(fx, fx->inbox, (uint32_t)i + 1, "Win Bad", bad[i], "", NOW);
	assert_found(fx, "win", "");
	for (int i = 0; i < 3; i++)
		got(fx, fx->inbox, 100, "Bob", "bob@x", "", NOW);
	assert_int_equal(1, people_find(fx->s, "bob", NOW, 50, &fx->a, &v));
	assert_int_equal(1, v[0].n_from);
	/* the name they use last */
	got(fx, fx->inbox, 101, "Robert", "BOB@x", "", NOW + 1);
	assert_found(fx, "rob", "bob@x");
}

/* What was sent from here, and short names, outlive the cache; the rest is counted again. */
static void
test_durable(void **state)
{
	struct fixture *fx = *state;
	struct short_name *v;

	got(fx, fx->inbox, 1, "Heard Example", "heard@x", "", NOW);
	OK(people_wrote(fx->s, &(struct person){ .name = "Wrote Example", .addr = "wrote@x" },
		1, NOW, &fx->e));
	OK(people_name(fx->s, "bob", "Bob <bob@x>", &fx->e));
	OK(people_name(fx->s, "BOB", "Bob B. <bob@x>", &fx->e));
	store_close(fx->s);
	assert_int_equal(0, remove_tree(fx->cache));
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_found(fx, "example", "wrote@x");
	assert_int_equal(1, people_short_names(fx->s, &fx->a, &v));
	assert_string_equal("Bob B. <bob@x>", v[0].value);
	OK(people_name(fx->s, "Bob", NULL, &fx->e));
	assert_int_equal(0, people_short_names(fx->s, &fx->a, &v));
	assert_int_equal(ERR_MSG, people_name(fx->s, "Bob", NULL, &fx->e));
	static const char *const bad[] = { "", "a b", "a,b", "a@b", "a\"", "a\n", "\xff" };
	for (size_t i = 0; i < LEN(bad); i++)
		assert_int_equal(ERR_MSG, people_name(fx->s, bad[i], "x@y", &fx->e));
}

/* An index from before people were counted is counted once, when it is opened. */
static void
test_older_index(void **state)
{
	struct fixture *fx = *state;
	folder_id sent = fx_folder(fx, "Sent", ROLE_SENT);
	char *path = path_join(fx->cache, "index.db");
	sqlite3 *db;

	got(fx, fx->inbox, 1, "Old Example", "old@x", "", NOW);
	got(fx, fx->inbox, 2, "", "no-reply@example", "", NOW);
	got(fx, sent, 1, "Me", "me@x", "Example To <to@x>", NOW);
	store_close(fx->s);
	fx->s = NULL;
	assert_int_equal(SQLITE_OK, sqlite3_open(path, &db));
	assert_int_equal(SQLITE_OK,
		sqlite3_exec(db,
		"DROP TABLE person; DROP TABLE person_word;PRAGMA user_version = 2", NULL,
		NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	free(path);
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_found(fx, "exam", "to@x old@x");
}

int
main(void)
{
#define F(f) cmocka_unit_test_setup_teardown(f, fx_open, fx_close)
	const struct CMUnitTest tests[] = { F(test_matching), F(test_order), F(test_left_out),
		F(test_durable), F(test_older_index) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
