/* Subjects, folder names, nearest words. */
#include "folder.h"
#include "msg.h"
#include "query.h"
#include "str.h"
#include "test.h"

/* What replying and forwarding put in front goes, in any language and however often. */
static void
test_base_subject(void **state)
{
	(void)state;
	const struct { const char *subject, *base; } cases[] = {
		{ "Re: hello", "hello" }, { "RE: Fwd: re[2]: hello", "hello" },
		{ "  hello", "hello" },
		{ "[dev] Re: [dev] hello", "hello" }, { "AW: WG: Hallo", "Hallo" },
		{ "Re : Bonjour", "Bonjour" },
		{ "回复：你好", "你好" }, { "Antw: Re: hoi", "hoi" }, { "SV: VS: hej", "hej" },
		{ "ΑΠ: γεια", "γεια" }, { "Vá: szia", "szia" }, { "Re^3: x", "x" },
		{ "RE(4): x", "x" },
		{ "Re: [list] : x", ": x" }, { "Re [list]: x", "x" },
		{ "[only a tag]", "[only a tag]" }, { "Re: [tag]", "[tag]" },
		{ "Re:", "" }, { "", "" }, { "reply: no", "reply: no" },
		{ "Really", "Really" },
		{ "[unclosed hello", "[unclosed hello" }, { "I: r: prova", "prova" },
		{ "Re[x]: y", "y" },
		{ "[[a] b", "[[a] b" }, { "Re[2", "Re[2" },
	};
	for (size_t i = 0; i < LEN(cases); i++)
		assert_string_equal(cases[i].base, msg_base_subject(cases[i].subject));
}

/* The base subject is a piece of the subject's own bytes. */
static void
test_base_subject_points_into_it(void **state)
{
	(void)state;
	const char *s = "Re: x";

	assert_ptr_equal(s + 4, msg_base_subject(s));
}

/* Well-known names are known in any case and language; what only looks like one is not. */
static void
test_roles_by_name(void **state)
{
	(void)state;
	const struct { const char *name; enum folder_role role; } cases[] = {
		{ "Sent", ROLE_SENT }, { "Sent Items", ROLE_SENT }, { "SENT MAIL", ROLE_SENT },
		{ "Gesendete Objekte", ROLE_SENT }, { "Éléments envoyés", ROLE_SENT },
		{ "已发送", ROLE_SENT },
		{ "ENTWÜRFE", ROLE_DRAFTS }, { "Brouillons", ROLE_DRAFTS },
		{ "Черновики", ROLE_DRAFTS },
		{ "Corbeille", ROLE_TRASH }, { "Papierkorb", ROLE_TRASH },
		{ "Gelöschte Elemente", ROLE_TRASH },
		{ "Deleted Messages", ROLE_TRASH }, { "ゴミ箱", ROLE_TRASH },
		{ "Κάδος", ROLE_TRASH },
		{ "Корзина", ROLE_TRASH }, { "Elementy usunięte", ROLE_TRASH },
		{ "Spam", ROLE_JUNK }, { "Junk E-mail", ROLE_JUNK },
		{ "Courrier indésirable", ROLE_JUNK },
		{ "Archive", ROLE_ARCHIVE }, { "Archiv", ROLE_ARCHIVE },
		{ "All Mail", ROLE_ALL },
		{ "Starred", ROLE_FLAGGED },
		{ "Inbox", ROLE_NONE }, { "", ROLE_NONE }, { "Sent 2024", ROLE_NONE },
		{ "work", ROLE_NONE },
		{ "trashcan ideas", ROLE_NONE }, { "\xff\xfe", ROLE_NONE },
	};
	for (size_t i = 0; i < LEN(cases); i++)
		assert_int_equal(cases[i].role, folder_role_by_name(cases[i].name));
}

/* Every role but none has a name to show, and that name (but Inbox) leads back to it. */
static void
test_role_names(void **state)
{
	(void)state;
	assert_string_equal("", folder_role_name(ROLE_NONE));
	assert_string_equal("", folder_role_name(N_ROLES));
	assert_string_equal("Inbox", folder_role_name(ROLE_INBOX));
	for (int r = ROLE_DRAFTS; r < N_ROLES; r++)
		assert_int_equal(r,
			folder_role_by_name(folder_role_name((enum folder_role)r)));
}

/* A slip of the fingers finds the word meant; a different word finds none. */
static void
test_nearest_word(void **state)
{
	(void)state;
	static const char *const words[] = { "from:", "to:", "password", "password-command",
		"mbox", "receive", "send", NULL };
	const struct { const char *word, *near; } cases[] = {
		{ "form:", "from:" }, { "FROM:", "from:" }, { "pasword", "password" },
		{ "recieve", "receive" },
		{ "passw", "password" }, { "ot:", "to:" }, { "mbx", "mbox" },
		{ "xyzzy", NULL }, { "", NULL }, { "q", NULL }, { "zz", NULL },
		{ "bot", NULL },
	};
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *near = nearest_word(cases[i].word, words);
		if (cases[i].near)
			assert_string_equal(cases[i].near, near ? near : "(none)");
		else
			assert_null(near);
	}
	char longest[5000];
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_null(nearest_word(longest, words));
}

TEST_MAIN(T(test_base_subject), T(test_base_subject_points_into_it), T(test_roles_by_name),
	T(test_role_names), T(test_nearest_word))
