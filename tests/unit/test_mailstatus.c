/* What an answer to a mail means, in words for people, and nothing
 * where the codes say nothing. */
#include "mailstatus.h"
#include "str.h"
#include "test.h"

static void
test_sentences(void **state)
{
	(void)state;
	static const struct { const char *words, *want; } cases[] = {
		{ "550 5.1.1 no such user", "there is no such mailbox" },
		{ "450 4.1.1 unverified", "there is no such mailbox" },
		{ "452 4.2.2 over quota", "the mailbox is full" },
		{ "552 5.3.4 too big", "the message is too large for the server" },
		{ "451 4.7.1 greylisted", "the server wants it again later" },
		{ "554 5.7.1 relay denied", "the server does not take this from you" },
		{ "556 5.1.10 null MX", "that domain takes no mail at all" },
		{ "550 5.7.26 unauthenticated",
			"your domain does not vouch for this message (SPF, DKIM)" },
		{ "550 5.0.0 refused", "there is no such mailbox, or it is not for you" },
		{ "550 no", "there is no such mailbox, or it is not for you" },
		{ "421 4.9.9 x", NULL },	/* a code of a meaning we do not know */
		{ "550 4.1.1 a class that is not the reply's",
			"there is no such mailbox, or it is not for you" },
		{ "554 no", NULL }, { "250 2.1.5 ok", NULL }, { "", NULL },
		{ "the message has 9 KB", NULL },
		{ "5", NULL }, { "55x 5.1.1", NULL },
		{ "550", "there is no such mailbox, or it is not for you" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		const char *got = mail_status(cases[i].words);
		if (!str_eq(got, cases[i].want))
			fail_msg("'%s': %s", cases[i].words, got ? got : "(nothing)");
	}
}

TEST_MAIN(T(test_sentences))
