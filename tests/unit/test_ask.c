/* test_ask.c - questions at the bottom, with the real views behind them: what is wrong with an
 * answer is said while it can be mended, and what has to be judged is all in sight. */
#include "views_fixture.h"

/* The last n rows, without the spaces at their ends. */
static char *
last_rows(struct fx *f, int n)
{
	char *text = grid_text(&f->u->ui->grid), *p = text;

	for (int i = 0; i < f->u->ui->grid.rows - n; i++)
		p = strchr(p, '\n') + 1;
	char *out = xstrdup(p);
	free(text);
	return out;
}

#define LAST_ROWS(f, n, want) do {							\
		char *l_ = last_rows(f, n);						\
		assert_string_equal(want, l_);						\
		free(l_);								\
	} while (0)

/* A limit, a search, an order, a folder or a command with a slip in it stays to be mended. */
static void
test_slip_keeps_the_text(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "lis:unraed<Enter>");
	LAST_ROWS(f, 2,
		" unknown 'is:unraed' (did you mean 'is:unread'?)\n Limit: is:unraed\n");
	press(f->u, "<Backspace>");
	LAST_ROWS(f, 1, " Limit: is:unrae\n");
	assert_false(shows(f, "did you mean"));
	press(f->u, "<Backspace><Backspace>ead<Enter>");
	TITLE_HAS(f, "limit: is:unread");
	press(f->u, "<Esc>/form:bob<Enter>");
	assert_true(shows(f, "did you mean 'from:'"));
	LAST_ROWS(f, 1, " Search: form:bob\n");
	press(f->u, "<Esc>oage<Enter>");
	assert_true(shows(f, "sort by date, sender, subject or size"));
	LAST_ROWS(f, 1, " Sort: age\n");
	press(f->u, "<Esc>cInbix<Enter>");
	assert_true(shows(f, "there is no folder 'Inbix' (did you mean 'INBOX'?)"));
	press(f->u, "<Esc>:limti is:unread<Enter>");
	assert_true(shows(f, "no command 'limti' (did you mean 'limit'?)"));
	LAST_ROWS(f, 1, " :limti is:unread\n");
	press(f->u, "<Esc>:limit is:uread<Enter>");
	assert_true(shows(f, "did you mean 'is:unread'"));
	press(f->u, "<Esc>");
	assert_false(f->u->ui->is_asking);
	end(f);
}

/* q takes the limit away and leaves the program only then. */
static void
test_back_lifts_the_limit(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "lis:unread<Enter>q");
	assert_false(f->u->ui->is_over);
	assert_false(shows(f, "limit:"));
	assert_true(shows(f, "Katherine"));
	press(f->u, "q");
	assert_ptr_equal(&f->u->probe->view, ui_top(f->u->ui));
	end(f);
}

static void
put_link(struct fx *f, const char *url)
{
	char *raw = xasprintf("From: Bob <bob@example.org>\r\nSubject: x\r\n\r\nSee %s\r\n",
		url);

	put_body(f, 8, raw);
	free(raw);
}

/* Of a link's address all is shown that there is room for, and its host always,
 * whatever stands before it. */
static void
test_link_shows_its_host(void **state)
{
	struct fx *f = begin(12, 40);
	char url[900] = "https://www.bank.example.com";

	(void)state;
	for (size_t n = strlen(url); n < 600; n++)
		url[n] = "abcdefghij"[n % 10];
	strcat(url, "@evil.example/login");
	put_link(f, url);
	press(f->u, "<Enter>o1<Enter>");
	assert_true(shows(f, "Go to evil.example?"));
	assert_true(shows(f, "login (y/N)"));
	end(f);

	f = begin(24, 80);
	put_link(f, "http://evil.example:80/@www.bank.example.com/x");
	press(f->u, "<Enter>o1<Enter>");
	assert_true(shows(f, "Go to evil.example:80? http://evil.example"));
	end(f);

	f = begin(24, 80);
	put_link(f,
		"https://news.example/a/long/path?with=many&words=in&it=that&go=on"
		"&and=on&and=on#end");
	press(f->u, "<Enter>o1<Enter>");
	LAST_ROWS(f, 3, " Go to news.example?\n"
		" https://news.example/a/long/path?with=many&words=in&it=that&go=on"
		"&and=on&and=o\n"
		" n#end (y/N)\n");
	end(f);
}

/* What was told stands above a question that opens by itself, until a key is pressed. */
static void
test_notice_above_a_prompt(void **state)
{
	struct fx *f = begin(24, 60);
	struct event ev = { .kind = EV_PASSWORD, .account = f->account };

	(void)state;
	ui_notice(f->u->ui,
		"mailrc:4: others can read this file: the password in it is not used");
	ui_event(f->u->ui, &ev);
	settle(f->u);
	LAST_ROWS(f, 3, " mailrc:4: others can read this file: the password in it is\n"
		" not used\n Password for work:\n");
	press(f->u, "x");
	assert_false(shows(f, "mailrc:4"));
	end(f);
}

TEST_MAIN(T(test_slip_keeps_the_text), T(test_back_lifts_the_limit),
	T(test_link_shows_its_host), T(test_notice_above_a_prompt))
