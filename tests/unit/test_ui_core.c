/* The frame, driven by a terminal made of a list of keys: what a person presses, and the whole
 * screen that comes of it. */
#include "ui_fixture.h"

/* The frame around a view: where we are, what is going on. */
static void
test_frame(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 40);

	press(f, "d");
	assert_screen(f, " work/INBOX              3 unread of 12\n delete;\n\n\n\n\n\n\n\n"
		"                                 ? help\n");
	teardown(f);
}

/* The usual keys stand on the bottom line as far as there is room behind what is going on, by
 * the names they have here, and make room for what is told. */
static void
test_usual_keys(void **state)
{
	(void)state;
	struct fixture *f = setup("[mail]\nhints = yes\n[keys index]\nr = none\n<F5> = "
		"reply\n[account work]\nfrom = a@b.example\nreceive = "
		"imap+insecure://a@127.0.0.1:9\npassword = x\n", 10, 60);

	settle(f);
	assert_bottom(f, " work: offline        d delete  <F5> reply  m write  ? help");
	ui_status(f->ui, "told");
	settle(f);
	assert_bottom(f, " told                                work: offline   ? help");
	teardown(f);
}

/* Below 40x10 a plain message says so, and growing again brings the view back. */
static void
test_too_small(void **state)
{
	(void)state;
	struct fixture *f = setup("", 4, 39);

	settle(f);
	assert_screen(f, "\n\n39x4 is too small\n40x10 will do\n");
	teardown(f);
	for (int rows = 1; rows < 12; rows++) {
		for (int columns = 1; columns < 42; columns += 8) {
			f = setup("", rows, columns);
			press(f, "gdl:move<Tab><Esc>?");
			teardown(f);
		}
	}
}

/* A key reaches the view as its command; sequences and prefixes too, with hints on the way. */
static void
test_keys_become_commands(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	press(f, "j<Down>gg");
	assert_string_equal("down;down;first;", str_get(&f->log));
	press(f, "g");
	assert_bottom(f, " g                                                   ? help");
	char *screen = grid_text(&f->ui->grid);		/* all of them, however narrow */
	assert_non_null(strstr(screen, " g first "));
	assert_non_null(strstr(screen, " m messages "));
	assert_non_null(strstr(screen, " r reconnect"));
	free(screen);
	press(f, "<Esc>");
	assert_bottom(f, "                                                     ? help");
	press(f, "gx");
	assert_bottom(f, " gx does nothing here; ? shows what does             ? help");
	press(f, ";d");
	assert_string_equal("down;down;first;tagged delete;", str_get(&f->log));
	press(f, ";");
	assert_bottom(f, " ; the next command goes to all tagged               ? help");
	press(f, "<Esc>d");
	assert_string_equal("down;down;first;tagged delete;delete;", str_get(&f->log));
	teardown(f);
}

/* A command without its argument asks, beginning with what the view says; Esc cancels it. */
static void
test_missing_argument_is_asked_for(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	press(f, "l");
	assert_bottom(f, " Limit: is:unread");
	press(f, "<C-u>from:ada<Enter>");
	assert_string_equal("limit from:ada;", str_get(&f->log));
	press(f, "l<C-u><Enter>");			/* no limit is a limit, too */
	assert_string_equal("limit from:ada;limit ;", str_get(&f->log));
	press(f, "ofrom<Esc>");
	press(f, "/<Enter>");
	assert_string_equal("limit from:ada;limit ;", str_get(&f->log));
	press(f, ";osen<Enter>");			/* takes the first candidate */
	assert_string_equal("limit from:ada;limit ;tagged sort sender;", str_get(&f->log));
	teardown(f);
}

/* The `:` prompt runs whole lines, completes names and arguments, and tells what is wrong. */
static void
test_command_prompt(void **state)
{
	(void)state;
	struct fixture *f = setup("", 12, 60);

	press(f, ":limit is:flagged<Enter>");
	assert_string_equal("limit is:flagged;", str_get(&f->log));
	press(f, ":fol");
	assert_screen(f, " work/INBOX                                  3 unread of 12\n limit "
		"is:flagged;\n\n\n\n\n"
		"────────────────────────────────────────────────────────────\n"
		"  folders       list of folders\n"
		"  folder        change to a folder\n"
		"  fold          fold what is below, or unfold it\n"
		"  fold-all      fold all threads, or unfold them\n :fol\n");
	press(f, "<Esc>:sort su<Tab><Enter>");
	assert_string_equal("limit is:flagged;sort subject;", str_get(&f->log));
	press(f, ":delte<Enter>");		/* it stays, to be mended */
	assert_bottom(f, " :delte");
	press(f, "<Esc>:move<Enter>");
	assert_bottom(f, " Move:");
	press(f, "<Esc>");
	teardown(f);
}

/* The message stays until a key is pressed, and then in the log. */
static void
test_errors_stay_and_are_kept(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);
	struct error e;

	f->ui->now = 1000000000;
	setenv("TZ", "UTC", 1);
	error_set(&e, ERR_MSG, "work: [NOPERM] folder is read-only");
	ui_error(f->ui, &e);
	settle(f);
	assert_bottom(f, " work: [NOPERM] folder is read-only                  ? help");
	settle(f);
	assert_bottom(f, " work: [NOPERM] folder is read-only                  ? help");
	press(f, "j");
	assert_bottom(f, "                                                     ? help");
	press(f, "gm");
	assert_screen(f,
		" Messages\n 09 Sep 01:46:40  work: [NOPERM] folder is "
		"read-only\n\n\n\n\n\n\n\n"
		"                                                     ? help\n");
	press(f, "q");
	assert_string_equal("down;", str_get(&f->log));
	teardown(f);
}

/* A view that takes itself off in its own handler is closed after it,
 * and the last one ends all. */
static void
test_view_may_pop_itself(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	f->probe->pops = true;
	press(f, "dj");
	assert_string_equal("delete;still here;closed;", str_get(&f->log));
	assert_true(f->ui->is_over);
	teardown(f);
}

/* Help lists the keys of the view it was asked from, the rc's included, and finds words. */
static void
test_help_is_made_from_the_table(void **state)
{
	(void)state;
	struct fixture *f = setup("[keys index]\nx = delete\nU = limit is:unread\n", 14, 70);

	press(f, "?");
	char *got = grid_text(&f->ui->grid);
	assert_non_null(strstr(got, " Help: index"));
	assert_non_null(strstr(got, "\n Your own\n U "));
	assert_non_null(strstr(got, "limit is:unread\n"));
	free(got);
	press(f, "/trash<Enter>");
	got = grid_text(&f->ui->grid);
	assert_non_null(strstr(got,
		"\n d <Delete> x             move to Trash                        delete\n"));
	free(got);
	press(f, "/xyzzy<Enter>");
	assert_bottom(f,
		" not found                                                     ? help");
	press(f, "q");
	assert_int_equal(1, f->ui->n_stack);
	teardown(f);
}

/* What is wrong in the rc is told at the start. */
static void
test_rc_problems_are_told(void **state)
{
	(void)state;
	struct fixture *f = setup("[keys index]\nx = delte\n", 10, 70);

	settle(f);
	assert_bottom(f,
		" mailrc:2: no command 'delte' (did you mean 'delete'?)         ? help");
	teardown(f);
}

/* Text pasted onto a list runs no commands; at a prompt it is inserted as one line. */
static void
test_paste_runs_nothing(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	for (const char *c = "ddq"; *c; c++)
		f->term.keys[f->term.n++] = (struct input){ .kind = IN_PASTED,
			.key = (uint32_t)*c };
	settle(f);
	assert_string_equal("", str_get(&f->log));
	assert_false(f->ui->is_over);
	press(f, "/");
	f->term.n = f->term.at = 0;
	for (const char *c = "a b"; *c; c++)
		f->term.keys[f->term.n++] = (struct input){ .kind = IN_PASTED,
			.key = (uint32_t)*c };
	settle(f);
	press(f, "<Enter>");
	assert_string_equal("search a b;", str_get(&f->log));
	teardown(f);
}

static int n_yes;

static void
say_yes(void *ctx)
{
	(void)ctx;
	n_yes++;
}

/* What was told goes when there is nothing to tell any more: a search that ended in a
 * find is not said to go on. */
static void
test_status_goes(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	settle(f);
	char *before = grid_text(&f->ui->grid);
	ui_status(f->ui, "searching ... Esc stops");
	settle(f);
	char *told = grid_text(&f->ui->grid);
	assert_non_null(strstr(told, "searching"));
	ui_status(f->ui, "%s", "");
	settle(f);
	char *after = grid_text(&f->ui->grid);
	assert_string_equal(before, after);
	free(before);
	free(told);
	free(after);
	teardown(f);
}

/* A question is answered by y alone; Enter means no. */
static void
test_confirm(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	ui_confirm(f->ui, &f->probe->view, "Delete 3 messages for good?", say_yes, NULL);
	settle(f);
	assert_bottom(f, " Delete 3 messages for good? (y/N)");
	press(f, "<Enter>");
	assert_int_equal(0, n_yes);
	/* However long the question and narrow the screen, all of it is seen. */
	ui_confirm(f->ui, &f->probe->view,
		"Write over /home/ada/Mail/attachments/2026/November/report?", say_yes, NULL);
	settle(f);
	assert_bottom(f, " /home/ada/Mail/attachments/2026/November/report? (y/N)");
	press(f, "n");
	ui_confirm(f->ui, &f->probe->view, "Sure?", say_yes, NULL);
	press(f, "y");
	assert_int_equal(1, n_yes);
	/* The asking view goes: the question goes with it. */
	ui_confirm(f->ui, &f->probe->view, "Sure?", say_yes, NULL);
	ui_pop(f->ui, &f->probe->view);
	assert_false(f->ui->is_asking);
	assert_int_equal(1, n_yes);
	teardown(f);
}

static void
test_mouse(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	f->term.keys[f->term.n++] = (struct input){ .kind = IN_WHEEL, .step = 1 };
	f->term.keys[f->term.n++] = (struct input){ .kind = IN_CLICK, .y = 5, .x = 7 };
	f->term.keys[f->term.n++] = (struct input){ .kind = IN_CLICK, .y = 0, .x = 7 };
	f->term.keys[f->term.n++] = (struct input){ .kind = IN_CLICK, .y = 9, .x = 7 };
	settle(f);
	assert_string_equal("down;down;down;click 4,7;", str_get(&f->log));
	teardown(f);
}

/* Work put off is done in slices, a key pressed meanwhile comes
 * first, and then it is quiet. */
static void
test_idle_work_yields_to_keys(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	f->probe->idle_left = 50;
	ui_redraw(f->ui);
	ui_step(f->ui, 0);
	press(f, "j");
	assert_string_equal("down;worked;", str_get(&f->log));
	int n = f->term.n_draws;
	for (int i = 0; i < 20; i++)
		ui_step(f->ui, 0);
	assert_int_equal(n, f->term.n_draws);		/* nothing changed: nothing is drawn */
	teardown(f);
}

/* Many keys at once cost few frames. */
static void
test_frames_are_bounded(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 60);

	settle(f);
	f->term.n_draws = 0;
	press(f, "jjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjjj");
	assert_in_range(f->term.n_draws, 1, 4);
	teardown(f);
}

static const char two_accounts[] =
	"[account work]\nfrom = a@example.org\nreceive = imaps://ada@127.0.0.1:9\n"
	"[account home]\nfrom = a@example.net\nreceive = imaps://ada@127.0.0.1:9\n";

static void
tell_state(struct fixture *f, int account, enum link_state link, const char *why)
{
	struct event ev = { .kind = EV_STATE, .account = engine_account(f->engine,
		(size_t)account) };

	ev.u.state.link = link;
	if (why)
		error_set(&ev.u.state.why, ERR_CONN, "%s", why);
	ui_event(f->ui, &ev);
}

/* The bottom line says how each account is, and names what is wrong. */
static void
test_accounts_are_told(void **state)
{
	(void)state;
	struct fixture *f = setup(two_accounts, 10, 80);

	settle(f);
	assert_bottom(f,
		" work: offline   home: "
		"offline                                           ? help");
	tell_state(f, 0, LINK_ONLINE, NULL);
	tell_state(f, 1, LINK_OFFLINE, "connection refused");
	settle(f);
	assert_bottom(f,
		" work: online   home: "
		"offline                                            ? help");
	tell_state(f, 1, LINK_NEEDS_PERSON, "the password was refused");
	settle(f);
	assert_bottom(f,
		" home: the password was "
		"refused                                          ? help");
	press(f, "j");
	tell_state(f, 0, LINK_SYNCING, NULL);
	struct event ev = { .kind = EV_PROGRESS, .account = engine_account(f->engine, 0) };
	ev.u.progress.done = 500;
	ev.u.progress.total = 1000;
	ui_event(f->ui, &ev);
	settle(f);
	assert_bottom(f,
		" work: synchronising  ━━━━━━──────  500 of 1000   home: the password "
		"w…  ? help");
	teardown(f);
}

/* A refused action is told in the server's words and by the account's name, one that only
 * informs is no error, and a control sequence in it does nothing. */
static void
test_notices_of_the_engine(void **state)
{
	(void)state;
	struct fixture *f = setup(two_accounts, 10, 60);
	struct event ev = { .kind = EV_NOTICE, .account = engine_account(f->engine, 1) };

	error_set(&ev.u.notice, ERR_MSG, "[NOPERM] folder is read-only");
	ui_event(f->ui, &ev);
	settle(f);
	assert_bottom(f, " home: [NOPERM] folder is read-only                  ? help");
	assert_int_equal(ST_ERROR, f->ui->message_style);
	ev.u.notice.code = ERR_OK;
	strcpy(ev.u.notice.text, "\033]0;x\007 the mailbox is new");
	ui_event(f->ui, &ev);
	settle(f);
	assert_bottom(f, " home:  ]0;x  the mailbox is new                     ? help");
	assert_int_equal(ST_NOTICE, f->ui->message_style);
	assert_int_equal(2, f->ui->n_notices);
	teardown(f);
}

/* A wanted password is asked for once, behind a prompt that is open; Esc says no. */
static void
test_password_waits_for_its_turn(void **state)
{
	(void)state;
	struct fixture *f = setup(two_accounts, 10, 60);
	struct event ev = { .kind = EV_PASSWORD, .account = engine_account(f->engine, 0) };

	press(f, "/abc");
	ui_event(f->ui, &ev);
	settle(f);
	assert_bottom(f, " Search: abc");
	press(f, "<Enter>");
	assert_bottom(f, " Password for work:");
	press(f, "secret");
	assert_bottom(f, " Password for work: ••••••");
	press(f, "<Enter>");
	assert_false(f->ui->is_asking);
	ui_event(f->ui, &ev);				/* it was wrong */
	settle(f);
	assert_bottom(f, " Refused. Password for work:");
	press(f, "<Esc>");
	assert_false(f->ui->is_asking);
	/* asked for anew, on the person's word */
	ui_event(f->ui, &ev);
	settle(f);
	assert_bottom(f, " Password for work:");
	teardown(f);
}

/* The account on the screen says why it is offline, the others only that they are. */
static void
test_reason_is_told_for_the_account_shown(void **state)
{
	(void)state;
	struct fixture *f = setup("[account work]\nfrom = a@example.org\n"
		"receive = imaps://ada@127.0.0.1:9\n", 10, 80);

	tell_state(f, 0, LINK_OFFLINE, "connection refused");
	settle(f);
	assert_bottom(f,
		" work: offline (connection "
		"refused)                                      ? help");
	teardown(f);
}

/* What is on the screen's last n rows. */
static void
assert_rows(struct fixture *f, int n, const char *want)
{
	char *got = grid_text(&f->ui->grid), *rows = got;

	for (int i = 0; i < f->ui->grid.rows - n; i++)
		rows = strchr(rows, '\n') + 1;
	assert_string_equal(want, rows);
	free(got);
}

/* Hints name the keys that are bound, and a message too long for the
 * line begins above it; of one too long for that, too, it says where the rest is. */
static void
test_hints_name_bound_keys(void **state)
{
	(void)state;
	struct fixture *f = setup("[keys index]\n? = none\n", 10, 40);

	press(f, "x");
	assert_rows(f, 2, " x does nothing here; <F1>\n"
		" shows what does              <F1> help\n");
	ui_notice(f->ui,
		"the server rebuilt this mailbox, so what was to be done in it is not");
	settle(f);
	assert_rows(f, 3, " the server rebuilt this\n mailbox, so what was to be\n"
		" done in it is not            <F1> help\n");
	char *long_one = xasprintf("%0130d", 0);
	ui_notice(f->ui, "%s", long_one);
	free(long_one);
	settle(f);
	assert_bottom(f, " 0000000000000000000000000000…  gm more");
	press(f, "j");
	assert_bottom(f, "                              <F1> help");
	teardown(f);
}

/* Long ones are wrapped in the log, to whatever width there is. */
static void
test_log_wraps(void **state)
{
	(void)state;
	struct fixture *f = setup("", 10, 40);

	f->ui->now = 1000000000;
	setenv("TZ", "UTC", 1);
	ui_notice(f->ui,
		"the server rebuilt this mailbox, so what was to be done in it is not");
	press(f, "jgm");
	assert_screen(f, " Messages\n 09 Sep 01:46:40  the server rebuilt\n                  "
		"this mailbox, so what\n                  was to be done in "
		"it\n                  is not\n\n\n\n\n                                 "
		"? help\n");
	teardown(f);
}

/* Whatever is pressed, at whatever size: nothing is broken, and the screen stays whole. */
static void
test_any_keys_at_any_size(void **state)
{
	(void)state;
	struct fixture *f = setup("[keys all]\n<C-z> = none\nQ = none\nq = none\n<Left> "
		"= none\n", 10, 40);
	uint32_t seed = 1;

	for (int i = 0; i < 4000; i++) {
		static const uint32_t special[] = { KC_UP, KC_TAB, KC_ENTER, KC_ESC,
			KC_BACKSPACE, ':', '/', 'g', '?', 0x65e5, 0x301, 0x1f469, 0x200d,
			KC_CTRL | 'w', KC_CTRL | 'y', KC_ALT | 'd', KC_HOME };
		seed = seed * 1103515245 + 12345;
		uint32_t r = seed >> 16;
		uint32_t key = r % 3 ? special[r / 3 % LEN(special)] : ' ' + r / 3 % 95;
		if (i % 50 == 0) {
			f->term.rows = 1 + (int)(r % 30);
			f->term.columns = 1 + (int)(r / 30 % 90);
			grid_resize(&f->ui->grid, f->term.rows, f->term.columns);
		}
		f->term.n = 1;
		f->term.at = 0;
		f->term.keys[0] = (struct input){ .kind = IN_KEY, .key = key };
		ui_step(f->ui, 0);
		if (i % 10 == 0)
			ui_draw(f->ui);
		for (int y = 0; y < f->ui->grid.rows; y++) {
			const struct cell *last = grid_cell(&f->ui->grid, y,
				f->ui->grid.columns - 1);
			assert_int_not_equal(2, last->width);
		}
	}
	assert_false(f->ui->is_over);
	teardown(f);
}

TEST_MAIN(T(test_hints_name_bound_keys), T(test_log_wraps), T(test_any_keys_at_any_size),
	T(test_frame), T(test_usual_keys), T(test_too_small), T(test_keys_become_commands),
	T(test_missing_argument_is_asked_for), T(test_command_prompt),
	T(test_errors_stay_and_are_kept), T(test_view_may_pop_itself),
	T(test_help_is_made_from_the_table), T(test_rc_problems_are_told),
	T(test_paste_runs_nothing), T(test_confirm), T(test_status_goes), T(test_mouse),
	T(test_idle_work_yields_to_keys), T(test_frames_are_bounded),
	T(test_accounts_are_told), T(test_notices_of_the_engine),
	T(test_reason_is_told_for_the_account_shown), T(test_password_waits_for_its_turn))
