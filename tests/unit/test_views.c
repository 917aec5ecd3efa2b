/* test_views.c - what a person sees and does: whole screens over a store of fixed mail.
 *
 * The screens are in tests/unit/screens; DUNLIN_WRITE_SCREENS=1 writes them anew, to be read
 * in the diff. */
#include "ui/index.h"
#include "ui/links.h"
#include "ui/outfile.h"
#include "ui/pager.h"
#include "utf8.h"
#include "views_fixture.h"

/* ---- screens ---- */

static const struct {
	const char *name, *keys;
} screens[] = {
	{ "index", "" },
	{ "threads", "gt" },
	{ "folded", "gtZ" },
	{ "tagged", "tjt" },
	{ "limit", "lfrom:bob<Enter>" },
	{ "nothing", "lfrom:ada@nowhere<Enter>" },
	{ "empty", "cTrash<Enter>" },
	{ "by-size", "osize<Enter>" },
	{ "pager", "j<Enter>" },
	{ "pager-absent", "jj<Enter>" },
	{ "pager-headers", "j<Enter>h" },
	{ "parts", "j<Enter>v" },
	{ "folders", "y" },
};

static void
compare(struct fx *f, const char *name, int columns, int rows)
{
	char *path = xasprintf("tests/unit/screens/%s-%dx%d.txt", name, columns, rows);
	char *got = grid_text(&f->u->ui->grid), *want = NULL;
	size_t n;
	struct error e;

	if (getenv("DUNLIN_WRITE_SCREENS")) {
		FILE *out = fopen(path, "w");
		assert_non_null(out);
		fputs(got, out);
		fclose(out);
	} else if (file_read(&want, &n, path, 100000, &e) != ERR_OK) {
		fail_msg("%s", e.text);
	} else if (strcmp(want, got) != 0) {
		fail_msg("%s differs:\n%s", path, got);
	}
	free(path);
	free(got);
	free(want);
}

/* Every view at three sizes is, as a whole, as it was when somebody last looked at it. */
static void
test_screens(void **state)
{
	static const int sizes[][2] = { { 80, 24 }, { 120, 40 }, { 40, 12 } };

	(void)state;
	for (size_t k = 0; k < LEN(sizes); k++) {
		for (size_t i = 0; i < LEN(screens); i++) {
			struct fx *f = begin(sizes[k][1], sizes[k][0]);
			press(f->u, screens[i].keys);
			compare(f, screens[i].name, sizes[k][0], sizes[k][1]);
			end(f);
		}
	}
}

/* ---- doing ---- */

/* A deleted message is gone at once, the status says so, and u brings
 * it back under the cursor. */
static void
test_delete_undo(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "jjd");
	assert_false(shows(f, "build 4711"));
	BOTTOM_HAS(f, "1 message deleted");
	press(f->u, "k");
	press(f->u, "u");
	assert_true(shows(f, "build 4711"));
	BOTTOM_HAS(f, "taken back: 1 message deleted");
	assert_int_equal(6, msg_uid(list_cursor_id(index_list(ui_top(f->u->ui)))));
	end(f);
}

/* Reading marks as read; u after that still takes back the deletion before it. */
static void
test_reading_is_not_undone(void **state)
{
	struct fx *f = begin(24, 80);
	struct arena a = {0};
	struct msg m;

	(void)state;
	press(f->u, "d<Enter>");
	assert_true(shows(f, "Noon it is."));
	assert_true(store_msg(f->s, msg_id_of(f->inbox, 7), &a, &m));
	assert_true(m.flags & MSG_SEEN);
	press(f->u, "qu");
	assert_true(store_msg(f->s, msg_id_of(f->inbox, 8), &a, &m));
	assert_true(store_msg(f->s, msg_id_of(f->inbox, 7), &a, &m));
	assert_true(m.flags & MSG_SEEN);
	arena_clear(&a);
	end(f);
}

/* Deleting in the pager shows the next older message; undo there
 * shows the deleted one again. */
static void
test_delete_in_pager(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "<Enter>");
	assert_true(shows(f, "(no subject)"));
	press(f->u, "d");
	assert_true(shows(f, "Noon it is."));
	press(f->u, "u");
	assert_true(shows(f, "(no subject)"));
	press(f->u, "J");
	assert_true(shows(f, "Noon it is."));
	press(f->u, "K");
	assert_true(shows(f, "(no subject)"));
	end(f);
}

/* `;` acts on what is tagged, on nothing else, and is one step of undo. */
static void
test_tagged(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "tjjt;d");
	BOTTOM_HAS(f, "2 messages deleted");
	assert_false(shows(f, "Katherine"));
	assert_false(shows(f, "Party"));
	assert_true(shows(f, "build 4711"));
	press(f->u, "u");
	assert_true(shows(f, "Katherine"));
	assert_true(shows(f, "Party"));
	press(f->u, "<C-t>;d");
	BOTTOM_HAS(f, "nothing is tagged");
	end(f);
}

/* What a query tagged is told, and that nothing fitted is, too. */
static void
test_tag_query(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "<Alt-t>from:nobody<Enter>");
	BOTTOM_HAS(f, "nothing fits");
	press(f->u, "<Alt-t>from:bob<Enter>");
	BOTTOM_HAS(f, "2 messages tagged");
	press(f->u, "<Alt-t>from:nobody<Enter>");
	BOTTOM_HAS(f, "nothing more fits: 2 messages tagged");
	end(f);
}

/* A part that is not here is fetched when it is opened. */
static void
test_absent_part_is_fetched(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	ui_push(f->u->ui, pager_new_part(f->u->ui, msg_id_of(f->inbox, 5), "1"));
	settle(f->u);
	assert_true(shows(f, "Fetching the message"));
	end(f);
}

/* Moving asks for a folder that is not there, and makes it only on y. */
static void
test_move_to_new_folder(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "sBills<Enter>");
	BOTTOM_HAS(f, "Make it?");
	press(f->u, "n");
	assert_true(shows(f, "Katherine"));
	press(f->u, "sBills<Enter>y");
	assert_false(shows(f, "Katherine"));
	press(f->u, "sArchive<Enter>");
	BOTTOM_HAS(f, "moved to Archive");
	end(f);
}

/* In Trash delete asks first, and does nothing on any key but y. */
static void
test_trash_asks(void **state)
{
	struct fx *f = begin(24, 80);
	struct arena a = {0};
	struct folder trash;

	(void)state;
	assert_true(store_folder_by_role(f->s, f->account, ROLE_TRASH, &a, &trash));
	f->inbox = trash.id;
	put_mail(f, 1);
	press(f->u, "cTrash<Enter>d");
	BOTTOM_HAS(f, "cannot be undone");
	press(f->u, "<Enter>");
	assert_true(shows(f, "Compilers"));
	press(f->u, "dy");
	assert_false(shows(f, "Compilers"));
	arena_clear(&a);
	end(f);
}

/* Unread and flag are toggled; on several, all become the same. */
static void
test_toggles(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "N");
	BOTTOM_HAS(f, "unread");
	press(f->u, "NF");
	assert_true(shows(f, "F "));
	press(f->u, "tjtk;N");
	BOTTOM_HAS(f, "2 messages");
	end(f);
}

/* With the keys of mutt, flagging and marking go on to the next
 * message, and undo comes back. */
static void
test_mutt_moves_on(void **state)
{
	struct fx *f = begin_with("[mail]\nkeys = mutt\n", 24, 80);

	(void)state;
	press(f->u, "FN");
	assert_int_equal(6, msg_uid(list_cursor_id(index_list(ui_top(f->u->ui)))));
	press(f->u, "u");
	assert_int_equal(7, msg_uid(list_cursor_id(index_list(ui_top(f->u->ui)))));
	press(f->u, "tjt;F");
	assert_int_equal(4, msg_uid(list_cursor_id(index_list(ui_top(f->u->ui)))));
	end(f);
}

/* All of the list is marked read, of a limited one what is shown; it is one step of undo. */
static void
test_read_all(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "lfrom:bob<Enter>gN");
	BOTTOM_HAS(f, "1 message marked read");
	press(f->u, "<Esc>");
	assert_true(shows(f, "8, 2 unread"));
	press(f->u, "gN");
	assert_false(shows(f, "unread"));
	press(f->u, "gN");
	BOTTOM_HAS(f, "no unread");
	press(f->u, "u");
	assert_true(shows(f, "8, 2 unread"));
	end(f);
}

/* Folders: made, renamed and deleted from their list; the inbox stays. */
static void
test_folder_acts(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "yd");
	BOTTOM_HAS(f, "the inbox");
	press(f->u, "+Bills<Enter>");
	BOTTOM_HAS(f, "Bills created");
	press(f->u, "/Archive<Enter><Enter>");
	assert_true(shows(f, "work/Archive"));
	assert_true(shows(f, "No messages here"));
	end(f);
}

/* An attachment is saved under a name without the path the mail proposed, and never over a
 * file that is there. */
static void
test_save(void **state)
{
	struct fx *f = begin(24, 80);
	char *dir = xasprintf("%s/out", f->u->dir), *path = xasprintf("%s/menu.pdf", dir),
		*keys, *text;
	size_t n;

	(void)state;
	OK(path_mkdirs(dir, NULL));
	press(f->u, "j<Enter>vG");
	keys = xasprintf("s<C-u>%s<Enter>", dir);
	press(f->u, keys);
	OK(file_read(&text, &n, path, 100, NULL));
	assert_string_equal("menu", text);
	free(text);
	OK(file_write_atomic(path, "mine", 4, NULL));
	press(f->u, keys);
	BOTTOM_HAS(f, "Write over");
	BOTTOM_HAS(f, "(y/N)");
	press(f->u, "n");
	OK(file_read(&text, &n, path, 100, NULL));
	assert_string_equal("mine", text);
	free(text);
	free(keys);
	free(path);
	free(dir);
	end(f);
}

/* In a directory of many files the one that fits is found, wherever it stands in it. */
static void
test_save_completes(void **state)
{
	enum { N = 3000 };
	struct fx *f = begin(24, 80);
	char *dir = xasprintf("%s/out", f->u->dir), *path, *keys;

	(void)state;
	OK(path_mkdirs(dir, NULL));
	press(f->u, "j<Enter>vG");
	for (int i = 0; i < N; i++) {
		path = i % (N / 6) ? xasprintf("%s/z%d", dir, i)
			: xasprintf("%s/%c-wanted", dir, 'a' + i / (N / 6));
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		fclose(file);
		free(path);
	}
	for (char c = 'a'; c < 'g'; c++) {
		keys = xasprintf("s<C-u>%s/%c<Tab>", dir, c);
		press(f->u, keys);
		BOTTOM_HAS(f, "-wanted");
		press(f->u, "<Esc>");
		free(keys);
	}
	free(dir);
	end(f);
}

/* Only what can be judged by eye and opens a page or a letter is handed to the browser. */
static void
test_links(void **state)
{
	(void)state;
	assert_true(link_is_safe("https://example.org/a?b=c"));
	assert_true(link_is_safe("HTTP://example.org"));
	assert_true(link_is_safe("mailto:ada@example.org"));
	assert_false(link_is_safe("file:///etc/passwd"));
	assert_false(link_is_safe("javascript:alert(1)"));
	assert_false(link_is_safe("--help"));
	assert_false(link_is_safe("https://example.org/\xe2\x80\xaegro"));
	assert_false(link_is_safe("https://example.org/ a"));
	assert_false(link_is_safe("https://example.org/\n"));
	assert_false(link_is_safe(""));
}

/* A link in plain text is offered by number, and opened only after a y. */
static void
test_link_in_text(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "j<Enter>o");
	assert_true(shows(f, "https://example.org/menu"));
	press(f->u, "1<Enter>");
	BOTTOM_HAS(f, "Go to example.org? https://example.org/menu (y/N)");
	press(f->u, "no2<Enter>");
	BOTTOM_HAS(f, "numbered 1 to 1");
	end(f);
}

/* The inboxes of several accounts are one list, each row saying whose it is; a message moves
 * within its account only. */
static void
test_all_inboxes(void **state)
{
	struct fx *f = begin_with("[account home]\nfrom = a@b.example\n"
		"receive = imaps://a@imap.example.net\npassword = y\n", 24, 100);

	(void)state;
	f->account = engine_account(f->u->engine, 1);
	f->inbox = folder(f, "INBOX", ROLE_INBOX);
	put_mail(f, 2);
	put_mail(f, 6);
	press(f->u, "ygg<Enter>");
	assert_true(shows(f, "All inboxes"));
	compare(f, "all-inboxes", 100, 24);
	press(f->u, "tjt;sArchive<Enter>");
	BOTTOM_HAS(f, "several accounts");
	press(f->u, "<C-t>ggjjs");
	assert_true(shows(f, "  INBOX"));		/* of the message's own account */
	assert_false(shows(f, "/Archive"));
	press(f->u, "<Esc>ggsArchive<Enter>");
	press(f->u, "y");
	compare(f, "all-folders", 100, 24);
	end(f);
}

/* All folders of all accounts are one list, its rows saying where they are; what is in Trash
 * when it is named; q goes back, also to a message; deleting what is in Trash already is not
 * deleting it for good together with what is not. */
static void
test_find(void **state)
{
	struct fx *f = begin_with("[account home]\nfrom = a@b.example\n"
		"receive = imaps://a@imap.example.net\npassword = y\n", 24, 100);

	(void)state;
	f->inbox = folder(f, "Trash", ROLE_TRASH);
	put_mail(f, 3);
	f->account = engine_account(f->u->engine, 1);
	f->inbox = folder(f, "Sent", ROLE_SENT);
	put_mail(f, 2);
	press(f->u, "gslunch<Enter>");
	compare(f, "find", 100, 24);
	press(f->u, "<Enter>");
	assert_true(shows(f, "Noon it is."));
	assert_true(shows(f, "work/INBOX"));
	press(f->u, "gsin:anywhere lunch<Enter>");
	compare(f, "find-anywhere", 100, 24);
	press(f->u, "Gtkkkt;d");
	BOTTOM_HAS(f, "1 message deleted");
	press(f->u, "<C-t>q");
	assert_true(shows(f, "Noon it is."));
	press(f->u, "qq");
	assert_true(shows(f, "build 4711"));
	press(f->u, "gsin:nowhere lunch<Enter>");
	assert_true(shows(f, "Nothing fits 'in:nowhere lunch' in any folder"));
	press(f->u, "cwork/Archive<Enter>");
	assert_true(shows(f, "No messages here"));
	end(f);
}

/* Enter alone at the question for a folder leads to the next one with unread mail, round the
 * end of the list, and past Trash; where there is none it is said. */
static void
test_next_unread_folder(void **state)
{
	struct fx *f = begin(24, 80);
	folder_id inbox = f->inbox;

	(void)state;
	press(f->u, "c<Enter>");
	BOTTOM_HAS(f, "no unread mail in another folder");
	f->inbox = folder(f, "Trash", ROLE_TRASH);
	put_mail(f, 6);
	f->inbox = folder(f, "Lists/dev", ROLE_NONE);
	put_mail(f, 7);
	press(f->u, "c");
	BOTTOM_HAS(f, "Folder (Enter: Lists/dev):");
	press(f->u, "<Enter>");
	assert_true(shows(f, "work/Lists/dev"));
	press(f->u, "c<Enter>");
	assert_int_equal(inbox, index_folder(index_find(f->u->ui)));
	end(f);
}

/* Enter alone at the question where to moves there where it went last, as the question says;
 * before anything was moved, and in that folder itself, it does nothing. */
static void
test_move_again(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "s<Enter>");
	assert_true(shows(f, "0%") || shows(f, "(no subject)"));
	BOTTOM_HAS(f, "offline");
	press(f->u, "sLists/dev<Enter>");
	BOTTOM_HAS(f, "1 message moved to Lists/dev");
	press(f->u, "s");
	BOTTOM_HAS(f, "Move (Enter: Lists/dev):");
	press(f->u, "<Enter>");
	BOTTOM_HAS(f, "1 message moved to Lists/dev");
	press(f->u, "C<Enter>");
	BOTTOM_HAS(f, "copied to Lists/dev");
	f->inbox = folder(f, "Lists/dev", ROLE_NONE);
	put_mail(f, 7);
	press(f->u, "cLists/dev<Enter>s");
	BOTTOM_HAS(f, "Move:");
	end(f);
}

/* Fingers of mutt leave by q, limit or not; a search over all folders they leave for where
 * they were. */
static void
test_mutt_leaves(void **state)
{
	struct fx *f = begin_with("[mail]\nkeys = mutt\n", 24, 80);

	(void)state;
	press(f->u, "gslunch<Enter>q");
	assert_true(shows(f, "build 4711"));
	assert_non_null(index_find(f->u->ui));
	press(f->u, "llunch<Enter>q");
	assert_null(index_find(f->u->ui));
	end(f);
}

/* Any keys, in any view, at any size: nothing crashes, no control byte is on the screen. */
static void
test_any_keys(void **state)
{
	static const char *const keys[] = { "j", "k", "<Enter>", "q", "d", "u", "t", "v", "y",
		"z", "Z", "g", "G", "<Esc>", "<Tab>", "n", "N", "F", "l", "o", "/", "h", "H",
		"S", "J", "K", ";", "a", "s", "<PageDown>", "<PageUp>", "<Space>", "c", "?",
		"T", "r", "+", "b", "1", "A" };
	unsigned x = 42;

	(void)state;
	for (int round = 0; round < 4; round++) {
		struct fx *f = begin(10 + 5 * round, 40 + 23 * round);
		for (int i = 0; i < 150 && !f->u->ui->is_over; i++) {
			x = x * 1103515245 + 12345;
			press(f->u, keys[(x >> 16) % LEN(keys)]);
			char *screen = grid_text(&f->u->ui->grid);
			for (const char *p = screen; *p; p++)
				assert_true((unsigned char)*p >= ' ' || *p == '\n');
			free(screen);
		}
		end(f);
	}
}

TEST_MAIN(T(test_screens), T(test_delete_undo), T(test_reading_is_not_undone),
	T(test_delete_in_pager), T(test_tagged), T(test_tag_query),
	T(test_absent_part_is_fetched), T(test_move_to_new_folder), T(test_trash_asks),
	T(test_toggles), T(test_mutt_moves_on), T(test_read_all), T(test_folder_acts),
	T(test_save), T(test_save_completes), T(test_links), T(test_link_in_text), T(test_all_inboxes), T(test_find), T(test_mutt_leaves),
	T(test_next_unread_folder), T(test_move_again),
	T(test_any_keys))
