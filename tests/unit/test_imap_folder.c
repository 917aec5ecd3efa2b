/* Folders over IMAP: list, open, changes, summaries, bodies, edits, waiting. */
#include "imap_fixture.h"

/* ---- the list of folders ---- */

static void
hear_folder(void *ctx, const struct folder *f)
{
	str_printf(ctx, "%s=%s:%s:%u/%u%s;", f->wire, f->name, folder_role_name(f->role),
		f->n_server_unread, f->n_server, f->attrs & FOLDER_SUBSCRIBED ? "+" : "");
}

static enum err
list_folders(struct fixture *fx)
{
	struct backend_folder_sink sink = { &fx->heard, hear_folder };

	return fx->b->ops->folders(fx->b, &sink, &fx->e);
}

/* One command brings names, roles, subscriptions and counts; odd
 * lines cost themselves only. */
static void
test_folders_in_one_round_trip(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("LIST-EXTENDED LIST-STATUS SPECIAL-USE")
		"C: $T LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UNSEEN "
		"UIDNEXT UIDVALIDITY))\nS: * LIST (\\Subscribed) \".\" inbox\n"
		"S: * STATUS inbox (MESSAGES 5 UNSEEN 2)\n"
		"S: * LIST (\\Trash) \".\" \"INBOX.Gel&APY-scht\" (\"CHILDINFO\" "
		"(\"SUBSCRIBED\"))\nR: * LIST () \".\" {7}\\r\\na\\\\b\\\"c.d\\r\\n\n"
		"S: * LIST () \".\" \"x/y\"\n"
		"S: * LIST () \".\" Sent\n"
		"S: * LIST () \".\" &bad-\n"
		"S: * LIST broken\n"
		"S: * XYZZY what (is this)\n"
		"S: $T OK\n", NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, list_folders(&fx));
	assert_string_equal(
		"inbox=INBOX:Inbox:2/5+;INBOX.Gel&APY-scht=INBOX/Gelöscht:Trash:0/0;"
		"a\\b\"c.d=a\\b\"c/d::0/0;x/y=x\xe2\x88\x95y::0/0;Sent=Sent:Sent:0/0;"
		"&bad-=&bad-::0/0;",
		str_get(&fx.heard));
	done(&fx);
}

/* Without the extensions LSUB tells subscriptions, and roles go by name; one folder a role. */
static void
test_folders_of_a_plain_server(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("NAMESPACE")
		"C: $T NAMESPACE\nS: * NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\nS: $T OK\n"
		"C: $T LIST \"\" \"*\"\nS: * LIST () \".\" INBOX\nS: * LIST () \".\" "
		"INBOX.Trash\nS: * LIST () \".\" INBOX.Deleted\nS: * LIST () \".\" "
		"INBOX.Old.Sent\nS: $T OK\nC: $T LSUB \"\" \"*\"\nS: * LSUB () \".\" "
		"INBOX.Trash\nS: $T OK\n", NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, list_folders(&fx));
	assert_string_equal("INBOX=INBOX:Inbox:0/0;INBOX.Trash=INBOX/Trash:Trash:0/0+;"
		"INBOX.Deleted=INBOX/Deleted::0/0;INBOX.Old.Sent=INBOX/Old/Sent::0/0;",
		str_get(&fx.heard));
	char *wire = fx.b->ops->wire_name(fx.b, "Tübingen/a&b");
	/* into the personal namespace */
	assert_string_equal("INBOX.T&APw-bingen.a&-b", wire);
	free(wire);
	wire = fx.b->ops->wire_name(fx.b, "INBOX/Old");
	assert_string_equal("INBOX.Old", wire);
	free(wire);
	done(&fx);
}

/* No line end gets into a command. */
static void
test_line_ends_are_refused(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO(""), NET_PLAIN, NULL));
	size_t before = fx.script.got.len;
	assert_int_equal(ERR_FOLDER, fx.b->ops->folder_create(fx.b, "a\r\nx DELETE INBOX",
		&fx.e));
	assert_int_equal(ERR_FOLDER, fx.b->ops->folder_rename(fx.b, "a", "b\nc", &fx.e));
	assert_int_equal(ERR_FOLDER, fx.b->ops->folder_delete(fx.b, "a\rb", &fx.e));
	fx.b->ops->close(fx.b, 0);
	script_stop(&fx.script);
	assert_int_equal(before, fx.script.got.len);
	cancel_close(&fx.cancel);
	script_clear(&fx.script);
}

/* A name that cannot be quoted waits for "+", and a NO instead of it is an answer. */
static void
test_literal_waits_for_plus(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("")
		"C: $T DELETE {3}\nS: + go on\nC: \xc3\xa4x\nS: $T OK\n"
		"C: $T UNSUBSCRIBE {3}\nS: + go on\nC: \xc3\xa4x\nS: $T NO whatever\n"
		"C: $T DELETE {3}\nS: $T NO [NOPERM] not yours\n"
		"C: $T CREATE \"y\"\nS: $T OK\nC: $T SUBSCRIBE \"y\"\nS: $T OK\n",
		NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, fx.b->ops->folder_delete(fx.b, "\xc3\xa4x", &fx.e));
	assert_int_equal(ERR_FOLDER, fx.b->ops->folder_delete(fx.b, "\xc3\xa4x", &fx.e));
	assert_string_equal("[NOPERM] not yours", fx.e.text);
	assert_int_equal(ERR_OK, fx.b->ops->folder_create(fx.b, "y", &fx.e));
	done(&fx);
}

/* ---- open and changes ---- */

/* QRESYNC: what changed comes with the SELECT; ENABLE goes ahead of it in the same breath. */
static void
test_open_with_qresync(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:9");
	struct folder_known known = { .uidvalidity = 7, .modseq = 50, .uids = &uids };
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("ENABLE QRESYNC")
		"C: $T ENABLE CONDSTORE QRESYNC\nS: * ENABLED QRESYNC\nS: $T OK\n"
		"C: $T SELECT \"INBOX\" (QRESYNC (7 50))\n"
		"S: * 8 EXISTS\nS: * OK [UIDVALIDITY 7] v\nS: * OK [HIGHESTMODSEQ 60] m\n"
		"S: * VANISHED (EARLIER) 2:3,4000000000:4294967295\n"
		"S: * 1 FETCH (UID 1 FLAGS (\\Seen $Forwarded) MODSEQ (55))\n"
		"S: * 8 FETCH (UID 10 FLAGS () MODSEQ (60))\n"
		"S: $T OK [READ-WRITE] ok\n", NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, open_inbox(&fx, &known));
	assert_true(fx.delta);
	assert_string_equal("flags 1 21;flags 10 0;gone 2:3;", str_get(&fx.heard));
	assert_int_equal(60, fx.st.modseq);
	uidset_clear(&uids);
	done(&fx);
}

/* Another UIDVALIDITY: nothing that came with it is about what we know. */
static void
test_other_uidvalidity_gives_no_delta(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:9");
	struct folder_known known = { .uidvalidity = 7, .modseq = 50, .uids = &uids };
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("ENABLE QRESYNC")
		"C: $T ENABLE CONDSTORE QRESYNC\nS: * ENABLED QRESYNC\nS: $T OK\n"
		"C: $T SELECT \"INBOX\" (QRESYNC (7 50))\n"
		"S: * 9 EXISTS\nS: * VANISHED (EARLIER) 1:9\nS: * OK [UIDVALIDITY 8] v\n"
		"S: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (55))\nS: * OK [HIGHESTMODSEQ "
		"60] m\nS: $T OK ok\n", NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, open_inbox(&fx, &known));
	assert_false(fx.delta);
	assert_int_equal(8, fx.st.uidvalidity);
	assert_string_equal("", str_get(&fx.heard));
	uidset_clear(&uids);
	done(&fx);
}

#define QRESYNCED(exists)							\
	"C: $T ENABLE CONDSTORE QRESYNC\nS: * ENABLED QRESYNC\nS: $T OK\n"	\
	"C: $T SELECT \"INBOX\"\nS: * OK [HIGHESTMODSEQ 50] m\n" SELECTED(exists, "1001")

/* All is said to be gone while the folder's size says otherwise: the list of UIDs decides. */
static void
test_vanished_all_is_checked(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:1000");
	struct folder_known known = { .uidvalidity = 7, .modseq = 50, .uids = &uids };
	(void)state;

	play_opened(&fx, HELLO("ENABLE QRESYNC ESEARCH") QRESYNCED("1000")
		"C: $T NOOP\nS: * 999 EXISTS\nS: $T OK\n"
		"C: $T UID FETCH 1:* (UID FLAGS MODSEQ) (CHANGEDSINCE 50 VANISHED)\n"
		"S: * VANISHED (EARLIER) 1:4294967295\nS: $T OK\n"
		"C: $T UID SEARCH RETURN (ALL) ALL\nS: * ESEARCH (TAG \"$T\") UID ALL "
		"1:4,6:1000\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_string_equal("gone 5;", str_get(&fx.heard));
	uidset_clear(&uids);
	done(&fx);
}

/* A list of UIDs that is shorter than the folder proves nothing: nothing is taken for gone. */
static void
test_short_lists_remove_nothing(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:4"), none = {0};
	struct folder_known known = { .uidvalidity = 7, .uids = &uids };
	(void)state;

	play_opened(&fx, HELLO("") OPENED("4", "5") "C: $T NOOP\nS: $T OK\n"
		"C: $T UID FETCH 1:* (UID FLAGS)\nS: * 4 FETCH (UID 4 FLAGS ())\nS: $T OK\n"
		"C: $T UID SEARCH ALL\nS: * SEARCH\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_string_equal("flags 4 0;", str_get(&fx.heard));
	assert_int_equal(ERR_FOLDER, fx.b->ops->uids(fx.b, &none, &fx.e));
	uidset_clear(&uids);
	done(&fx);
}

/* QRESYNC offered and not known: the folder opens without. */
static void
test_refused_qresync_opens_without(void **state)
{
	struct fixture fx;
	struct folder_known known = { .uidvalidity = 7, .modseq = 50 };
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("ENABLE QRESYNC")
		"C: $T ENABLE CONDSTORE QRESYNC\nS: $T BAD no\n"
		"C: $T SELECT \"INBOX\" (QRESYNC (7 50))\nS: $T BAD syntax\n"
		"C: $T SELECT \"INBOX\"\n" SELECTED("4", "5"), NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, open_inbox(&fx, &known));
	assert_false(fx.delta);
	done(&fx);
}

/* VANISHED from a server that was not asked for it removes nothing. */
static void
test_unasked_vanished_is_ignored(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:3");
	struct folder_known known = { .uidvalidity = 7, .uids = &uids };
	(void)state;

	play_opened(&fx, HELLO("") OPENED("3", "4") "C: $T NOOP\nS: * VANISHED 1:3\nS: $T OK\n"
		"C: $T UID FETCH 1:* (UID FLAGS)\nS: * VANISHED (EARLIER) 1:2\n"
		"S: * 1 FETCH (UID 1 FLAGS (\\Deleted))\nS: * 2 FETCH (FLAGS () UID 2)\n"
		"S: * 3 FETCH (UID 3 FLAGS (\\Seen))\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_string_equal("flags 1 8;flags 2 0;flags 3 1;", str_get(&fx.heard));
	assert_int_equal(3, fx.st.n_msgs);
	uidset_clear(&uids);
	done(&fx);
}

/* Without CONDSTORE what shows no flags is gone. */
static void
test_changes_by_comparison(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:4");
	struct folder_known known = { .uidvalidity = 7, .uids = &uids };
	(void)state;

	play_opened(&fx,
		HELLO("") OPENED("4",
		"5") "C: $T NOOP\nS: * 2 EXPUNGE\nS: * 2 EXPUNGE\nS: * 3 EXISTS\nS: $T OK\nC: "
		"$T UID FETCH 1:* (UID FLAGS)\nS: * 1 FETCH (UID 1 FLAGS ())\nS: * 2 FETCH "
		"(UID 4 FLAGS ())\nS: * 3 FETCH (UID 5 FLAGS (\\Recent))\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_string_equal("flags 1 0;flags 4 0;flags 5 0;gone 2:3;", str_get(&fx.heard));
	assert_int_equal(3, fx.st.n_msgs);
	assert_int_equal(6, fx.st.uidnext);
	uidset_clear(&uids);
	done(&fx);
}

/* CONDSTORE alone: one look at the count tells that nothing went; a search only if it did. */
static void
test_changes_by_condstore(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:3");
	struct folder_known known = { .uidvalidity = 7, .modseq = 50, .uids = &uids };
	(void)state;

	play_opened(&fx,
		HELLO("ENABLE CONDSTORE") "C: $T ENABLE CONDSTORE\nS: * ENABLED CONDSTORE\nS: "
		"$T OK\nC: $T SELECT \"INBOX\"\nS: * OK [HIGHESTMODSEQ 50] m\n"
		SELECTED("3", "4") "C: $T NOOP\nS: $T OK\nC: $T UID FETCH 1:* (UID FLAGS "
		"MODSEQ) (CHANGEDSINCE 50)\nS: * 3 FETCH (UID 3 MODSEQ (52) FLAGS "
		"(\\Flagged))\nS: $T OK\nC: $T NOOP\nS: * 1 EXPUNGE\nS: $T OK\nC: $T UID "
		"FETCH 1:* (UID FLAGS MODSEQ) (CHANGEDSINCE 52)\nS: $T OK\nC: $T UID SEARCH "
		"ALL\nS: * SEARCH 2 3 (MODSEQ 53)\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_string_equal("flags 3 4;", str_get(&fx.heard));
	assert_int_equal(52, fx.st.modseq);
	known.modseq = fx.st.modseq;
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_string_equal("flags 3 4;gone 1;", str_get(&fx.heard));
	uidset_clear(&uids);
	done(&fx);
}

/* A folder without UIDVALIDITY is not opened: its messages could be anybody's tomorrow. */
static void
test_no_uidvalidity_is_refused(void **state)
{
	struct fixture fx;
	(void)state;

	assert_int_equal(ERR_OK,
		play(&fx, HELLO("") "C: $T SELECT \"INBOX\"\nS: * 3 EXISTS\nS: $T OK\nC: $T "
		"SELECT \"INBOX\"\nS: $T NO [NOPERM] no\n", NET_PLAIN, NULL));
	assert_int_equal(ERR_FOLDER, open_inbox(&fx, NULL));
	assert_int_equal(ERR_FOLDER, open_inbox(&fx, NULL));
	assert_string_equal("[NOPERM] no", fx.e.text);
	assert_int_equal(ERR_FOLDER, fx.b->ops->newest(fx.b, 5, &fx.sink, &fx.e));
	done(&fx);
}

/* ---- summaries ---- */

#define SUMMARY(seq, uid, subject, size) \
	"R: * " seq " FETCH (UID " uid " FLAGS () INTERNALDATE " \
	"\"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 9 " \
	"BODY[HEADER.FIELDS (DATE \\\"FROM\\\")] {" size "}\\r\\n" \
	"Subject: " subject "\\r\\n\\r\\n)\\r\\n\n"

/* The newest come by their sequence numbers; a lie about the number of messages brings no more
 * than was asked for, and nothing twice. */
static void
test_newest_is_bounded(void **state)
{
	struct fixture fx;
	(void)state;

	play_opened(&fx, HELLO("") OPENED("4294967295",
		"9") "C: $T FETCH 4294967294:* (UID FLAGS *\n" SUMMARY("1", "5", "a",
		"14") SUMMARY("2", "5", "b", "14") SUMMARY("3", "0", "c", "14") SUMMARY("4",
		"6", "d", "14") SUMMARY("5", "7", "e", "14") "S: $T OK\n"
		/* whose UID was 0? */
		"C: $T UID SEARCH 4294967294:*\nS: * SEARCH 5 6\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->newest(fx.b, 2, &fx.sink, &fx.e));
	assert_string_equal("msg 5 a;msg 6 d;", str_get(&fx.heard));
	done(&fx);
}

/* Unknown items, unknown lines and other messages' news do not disturb a batch. */
static void
test_odd_lines_cost_themselves(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("5:6");
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10") "C: $T UID FETCH 5:6 (UID FLAGS *\n"
		"S: * NONSENSE ((((\nS: * 99999999999999999999 EXISTS\nS: *\nS: * \n"
		"S: * 4 FETCH (UID 4 FLAGS (\\Seen))\n"
		"R: * 5 FETCH (X-GM-LABELS (\\\\Inbox \\\"a\\\\\\\\\\\\\\\"\\\" {3}\\r\\n(((  "
		") PREVIEW NIL EMAILID (M1) UID 5 FLAGS (\\\\Seen) INTERNALDATE \\\" "
		"7-Jul-1996 02:44:25 +0000\\\" RFC822.SIZE 9 BODY[HEADER.FIELDS (X)] "
		"{14}\\r\\nSubject: z\\r\\n\\r\\n)\\r\\n\n" SUMMARY("6", "6", "y",
		"14") "S: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->headers(fx.b, &uids, &fx.sink, &fx.e));
	assert_string_equal("msg 5 z;msg 6 y;", str_get(&fx.heard));
	uidset_clear(&uids);
	done(&fx);
}

/* A message whose summary is damaged is asked for piece by piece, and
 * listed with what came. */
static void
test_damaged_summary_is_isolated(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("5:6");
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10") "C: $T UID FETCH 5:6 (UID FLAGS *\n"
		"S: * 5 FETCH (UID 5 FLAGS () INTERNALDATE \"yesterday\" RFC822.SIZE 9 "
		"BODY[HEADER.FIELDS (X)] \"\")\n" SUMMARY("6", "6", "y", "14") "S: $T OK\n"
		"C: $T UID FETCH 5 (UID FLAGS)\nS: * 5 FETCH (UID 5 FLAGS (\\Seen))\nS: "
		"$T OK\nC: $T UID FETCH 5 (UID INTERNALDATE)\nS: $T NO corrupt\n"
		"C: $T UID FETCH 5 (UID RFC822.SIZE)\nS: * 5 FETCH (UID 5 RFC822.SIZE 99)\nS: "
		"$T OK\nC: $T UID FETCH 5 (UID BODY.PEEK[HEADER])\n"
		"R: * 5 FETCH (UID 5 BODY[HEADER] {14}\\r\\nSubject: x\\r\\n\\r\\n)\\r\\n\nS: "
		"$T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->headers(fx.b, &uids, &fx.sink, &fx.e));
	assert_string_equal("msg 6 y;msg 5 x;", str_get(&fx.heard));
	uidset_clear(&uids);
	done(&fx);
}

/* A NO to a batch does not hide the messages that the server can tell of. */
static void
test_refused_batch_is_taken_apart(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("5:6");
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10") "C: $T UID FETCH 5:6 (UID FLAGS *\n"
		SUMMARY("5", "5", "a", "14") "S: $T NO [SERVERBUG] cache is broken\n"
		"C: $T UID FETCH 6 (UID FLAGS)\nS: * 6 FETCH (UID 6 FLAGS ())\nS: $T OK\n"
		"C: $T UID FETCH 6 (UID INTERNALDATE)\nS: $T NO x\n"
		"C: $T UID FETCH 6 (UID RFC822.SIZE)\nS: $T NO x\n"
		"C: $T UID FETCH 6 (UID BODY.PEEK[HEADER])\nS: $T NO x\n");
	assert_int_equal(ERR_OK, fx.b->ops->headers(fx.b, &uids, &fx.sink, &fx.e));
	assert_string_equal("msg 5 a;msg 6 ;", str_get(&fx.heard));
	uidset_clear(&uids);
	done(&fx);
}

/* A literal that is cut off ends the connection; half a message is never delivered. */
static void
test_cut_literal_is_an_error(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("5");
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10") "C: $T UID FETCH 5 (UID FLAGS *\n"
		"R: * 5 FETCH (UID 5 FLAGS () BODY[HEADER.FIELDS (X)] "
		"{9999999999}\\r\\nSubject: x\n");
	assert_int_equal(ERR_CONN, fx.b->ops->headers(fx.b, &uids, &fx.sink, &fx.e));
	assert_string_equal("", str_get(&fx.heard));
	assert_int_equal(ERR_CONN, fx.b->ops->headers(fx.b, &uids, &fx.sink, &fx.e));
	uidset_clear(&uids);
	done(&fx);
}

/* A header of three megabytes is cut and listed; what stands behind it is read as ever. A line
 * without an end, or answers without one, end the connection. */
static void
test_sizes_are_bounded(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("5:6");
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10") "C: $T UID FETCH 5:6 (UID FLAGS *\n"
		"R: * 5 FETCH (UID 5 FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
		"RFC822.SIZE 9 BODY[HEADER.FIELDS (X)] {3000014}\\r\\nSubject: a\\r\\nX:\nX: "
		"3000000\nR: )\\r\\n\n" SUMMARY("6", "6", "y", "14") "S: $T OK\n"
		"C: $T UID FETCH 5:6 (UID FLAGS *\nR: * 5 FETCH (\nX: 9000000\n");
	assert_int_equal(ERR_OK, fx.b->ops->headers(fx.b, &uids, &fx.sink, &fx.e));
	assert_string_equal("msg 5 a;msg 6 y;", str_get(&fx.heard));
	assert_int_equal(ERR_CONN, fx.b->ops->headers(fx.b, &uids, &fx.sink, &fx.e));
	assert_non_null(strstr(fx.e.text, "too long"));
	uidset_clear(&uids);
	done(&fx);
}

/* ---- bodies ---- */

static enum err
fetch(struct fixture *fx, uint32_t uid, const char *section)
{
	struct byte_sink sink = { .ctx = &fx->bytes, .write = hear_bytes };

	return fx->b->ops->fetch(fx->b, uid, section, &sink, &fx->e);
}

/* Literal, quoted string and NIL are all the same to the reader; a UID may come last. */
static void
test_section_in_every_form(void **state)
{
	struct fixture fx;
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10")
		"C: $T UID FETCH 5 (UID BODY.PEEK[1.2]<0.1048576>)\n"
		"R: * 5 FETCH (BODY[1.2]<0> {6}\\r\\nab\\r\\ncd UID 5 FLAGS "
		"(\\\\Seen))\\r\\n\nS: $T OK\nC: $T UID FETCH 5 (UID "
		"BODY.PEEK[1]<0.1048576>)\nS: * 5 FETCH (UID 5 BODY[1]<0> \"ef\")\nS: $T OK\n"
		"C: $T UID FETCH 5 (UID BODY.PEEK[2]<0.1048576>)\nS: * 5 FETCH (UID 5 "
		"BODY[2]<0> NIL)\nS: $T OK\n");
	assert_int_equal(ERR_OK, fetch(&fx, 5, "1.2"));
	assert_int_equal(ERR_OK, fetch(&fx, 5, "1"));
	assert_int_equal(ERR_OK, fetch(&fx, 5, "2"));
	assert_string_equal("ab\r\ncdef", str_get(&fx.bytes));
	done(&fx);
}

/* A long section comes range by range, or whole from a server that knows no ranges; a range
 * that is longer than was asked for is another's. */
static void
test_section_in_ranges(void **state)
{
	struct fixture fx;
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10")
		"C: $T UID FETCH 5 (UID BODY.PEEK[1]<0.1048576>)\n"
		"R: * 5 FETCH (UID 5 BODY[1]<0> {1048576}\\r\\n\nX: 1048576\nS: )\nS: $T OK\n"
		"C: $T UID FETCH 5 (UID BODY.PEEK[1]<1048576.1048576>)\n"
		"R: * 5 FETCH (UID 5 BODY[1]<1048576> {2}\\r\\nxx)\\r\\n\nS: $T OK\n"
		"C: $T UID FETCH 5 (UID BODY.PEEK[2]<0.1048576>)\n"
		"R: * 5 FETCH (UID 5 BODY[2] {3000000}\\r\\n\nX: 3000000\nS: )\nS: $T OK\n"
		"C: $T UID FETCH 5 (UID BODY.PEEK[3]<0.1048576>)\n"
		"R: * 5 FETCH (UID 5 BODY[3]<0> {1048577}\\r\\n\nX: 1048577\nS: )\nS: "
		"$T OK\n");
	assert_int_equal(ERR_OK, fetch(&fx, 5, "1"));
	assert_int_equal(1048578, fx.bytes.len);
	str_cut(&fx.bytes, 0);
	assert_int_equal(ERR_OK, fetch(&fx, 5, "2"));
	assert_int_equal(3000000, fx.bytes.len);
	assert_int_equal(ERR_CONN, fetch(&fx, 5, "3"));
	done(&fx);
}

/* Bytes of another message, or none at all, are no body. */
static void
test_section_of_another_is_refused(void **state)
{
	struct fixture fx;
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10")
		"C: $T UID FETCH 4 (UID BODY.PEEK[1]<0.1048576>)\nS: $T OK\n"
		"C: $T UID FETCH 4 (UID BODY.PEEK[1]<0.1048576>)\nS: $T NO "
		"[EXPUNGEISSUED] gone\nC: $T UID FETCH 5 (UID BODY.PEEK[1]<0.1048576>)\n"
		"R: * 5 FETCH (UID 6 BODY[1]<0> {2}\\r\\nab)\\r\\n\nS: $T OK\n");
	assert_int_equal(ERR_MSG, fetch(&fx, 4, "1"));
	assert_int_equal(ERR_MSG, fetch(&fx, 4, "1"));
	assert_string_equal("[EXPUNGEISSUED] gone", fx.e.text);
	assert_int_equal(ERR_CONN, fetch(&fx, 5, "1"));
	assert_int_equal(ERR_LOCAL, fetch(&fx, 5, "1] (FLAGS"));
	done(&fx);
}

/* ---- edits ---- */

/* A flag that the folder does not keep is refused here: the server
 * would say OK and forget it. */
static void
test_flag_not_kept_is_refused(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:3,7");
	(void)state;

	play_opened(&fx, HELLO("") "C: $T SELECT \"INBOX\"\n"
		"S: * OK [PERMANENTFLAGS (\\Seen \\Deleted)] x\n" SELECTED("9", "10"));
	assert_int_equal(MSG_SEEN | MSG_DELETED, fx.st.flags_allowed);
	assert_int_equal(ERR_MSG, fx.b->ops->set_flags(fx.b, &uids, MSG_FLAGGED, 0, &fx.e));
	uidset_clear(&uids);
	done(&fx);
}

/* A server that takes the right to write away while the mailbox is open is
 * believed, and changes tell it. */
static void
test_turns_readonly_while_open(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:4");
	struct folder_known known = { .uidvalidity = 7, .uids = &uids };
	(void)state;

	play_opened(&fx, HELLO("") OPENED("4", "5") "C: $T NOOP\nS: * OK [READ-ONLY] quota "
		"spent\nS: $T OK\nC: $T UID FETCH 1:* (UID FLAGS)\nS: * 1 FETCH (UID 1 FLAGS "
		"())\nS: * 2 FETCH (UID 2 FLAGS ())\nS: * 3 FETCH (UID 3 FLAGS ())\nS: * 4 "
		"FETCH (UID 4 FLAGS ())\nS: $T OK\n");
	assert_false(fx.st.is_readonly);
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_true(fx.st.is_readonly);
	assert_int_equal(ERR_MSG, fx.b->ops->set_flags(fx.b, &uids, MSG_SEEN, 0, &fx.e));
	assert_string_equal("this folder is read-only", fx.e.text);
	uidset_clear(&uids);
	done(&fx);
}

/* Setting and clearing go out together; a refusal keeps the server's words. */
static void
test_flags_are_pipelined_and_refused_in_words(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("1:3,7");
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10")
		"C: $T UID STORE 1:3,7 +FLAGS.SILENT (\\Seen $Junk)\nS: * 1 FETCH (UID 1 "
		"FLAGS (\\Seen))\nS: $T OK\nC: $T UID STORE 1:3,7 -FLAGS.SILENT "
		"(\\Flagged)\nS: $T OK\nC: $T UID STORE 1:3,7 +FLAGS.SILENT (\\Seen)\nS: $T "
		"NO [NOPERM] folder is read-only\n");
	assert_int_equal(ERR_OK, fx.b->ops->set_flags(fx.b, &uids, MSG_SEEN | MSG_JUNK |
		MSG_ATTACH, MSG_FLAGGED, &fx.e));
	assert_int_equal(ERR_MSG, fx.b->ops->set_flags(fx.b, &uids, MSG_SEEN, 0, &fx.e));
	assert_string_equal("[NOPERM] folder is read-only", fx.e.text);
	uidset_clear(&uids);
	done(&fx);
}

/* MOVE tells where the messages went, in the order it names them. */
static void
test_move_with_map(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("3:5");
	struct uid_map map = {0};
	(void)state;

	play_opened(&fx, HELLO("MOVE UIDPLUS") OPENED("9", "10")
		"C: $T UID MOVE 3:5 \"Trash\"\nS: * OK [COPYUID 8 4:5,3 20:21,30] done\n"
		"S: * 3 EXPUNGE\nS: * 3 EXPUNGE\nS: * 3 EXPUNGE\nS: $T OK\n"
		"C: $T UID MOVE 3:5 \"Trash\"\nS: * OK [COPYUID 8 1:4294967295 1:4294967295] "
		"lies\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->move(fx.b, &uids, "Trash", &map, &fx.e));
	assert_int_equal(3, map.n);
	assert_int_equal(3, map.from[2]);
	assert_int_equal(30, map.to[2]);
	uid_map_clear(&map);
	assert_int_equal(ERR_OK, fx.b->ops->move(fx.b, &uids, "Trash", &map, &fx.e));
	assert_int_equal(0, map.n);
	uid_map_clear(&map);
	uidset_clear(&uids);
	done(&fx);
}

/* Without MOVE: copy, mark, and expunge these alone. A refused copy marks nothing. */
static void
test_move_by_copy(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("3");
	struct uid_map map = {0};
	(void)state;

	play_opened(&fx, HELLO("UIDPLUS") OPENED("9", "10")
		"C: $T UID COPY 3 \"Trash\"\nS: $T OK [COPYUID 8 3 20] done\n"
		"C: $T UID STORE 3 +FLAGS.SILENT (\\Deleted)\nS: $T OK\n"
		"C: $T UID EXPUNGE 3\nS: * 3 EXPUNGE\nS: $T OK\n"
		"C: $T UID SEARCH UID 3 DELETED\nS: * SEARCH\nS: $T OK\n"
		"C: $T UID COPY 3 \"Gone\"\nS: $T NO [TRYCREATE] no such folder\n");
	assert_int_equal(ERR_OK, fx.b->ops->move(fx.b, &uids, "Trash", &map, &fx.e));
	assert_int_equal(1, map.n);
	uid_map_clear(&map);
	assert_int_equal(ERR_MSG, fx.b->ops->move(fx.b, &uids, "Gone", &map, &fx.e));
	assert_string_equal("[TRYCREATE] no such folder", fx.e.text);
	uidset_clear(&uids);
	done(&fx);
}

#define MARK "C: $T UID STORE 3:4 +FLAGS.SILENT (\\Deleted)\n"

/* While another client expunges, a server says OK and removes nothing, or NO for
 * the sake of what is gone. */
static void
test_expunge_that_did_nothing_is_repeated(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("3:4");
	(void)state;

	play_opened(&fx, HELLO("UIDPLUS") OPENED("9", "10")
		"C: $T UID COPY 3:4 \"Trash\"\nS: $T OK [COPYUID 8 3:4 20:21] done\n"
		MARK "S: $T OK\nC: $T UID EXPUNGE 3:4\nS: * 1 EXPUNGE\nS: $T OK\n"
		"C: $T UID SEARCH UID 3:4 DELETED\nS: * SEARCH 3 4\nS: $T OK\nC: $T NOOP\nS: "
		"$T OK\n" MARK "S: $T NO [EXPUNGEISSUED] some are gone\n"
		"C: $T UID EXPUNGE 3:4\nS: * 3 EXPUNGE\nS: $T OK\n"
		"C: $T UID SEARCH UID 3:4\nS: * SEARCH\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->move(fx.b, &uids, "Trash", NULL, &fx.e));
	uidset_clear(&uids);
	done(&fx);
}

/* Without UIDPLUS nothing is ever expunged: it would take what others marked. */
static void
test_no_bare_expunge(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("3");
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10")
		"C: $T UID COPY 3 \"Trash\"\nS: $T OK\n"
		"C: $T UID STORE 3 +FLAGS.SILENT (\\Deleted)\nS: $T OK\n");
	assert_false(fx.b->caps & CAP_DELETE);
	assert_int_equal(ERR_OK, fx.b->ops->move(fx.b, &uids, "Trash", NULL, &fx.e));
	assert_int_equal(ERR_UNSUPPORTED, fx.b->ops->expunge(fx.b, &uids, &fx.e));
	fx.b->ops->close(fx.b, 0);
	script_stop(&fx.script);
	assert_string_equal("", fx.script.problem);
	assert_null(strstr(str_get(&fx.script.got), "EXPUNGE"));
	cancel_close(&fx.cancel);
	script_clear(&fx.script);
	uidset_clear(&uids);
}

/* A message is stored as a literal that waits, with its flags and date; its UID comes back. */
static void
test_append(void **state)
{
	struct byte_source text = byte_source_memory("a\r\nb", 4);
	struct fixture fx;
	uint32_t uid;
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("")
		"C: $T APPEND \"Sent\" (\\Seen) \"09-Sep-2001 01:46:40 +0000\" {4}\nS: + "
		"ok\nC: a\nC: b\nS: $T OK [APPENDUID 8 77] stored\n"
		"C: $T APPEND \"Sent\" () {4}\nS: $T NO [OVERQUOTA] full\n", NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, fx.b->ops->append(fx.b, "Sent", &text, MSG_SEEN, 1000000000,
		&uid, &fx.e));
	assert_int_equal(77, uid);
	assert_int_equal(ERR_FOLDER, fx.b->ops->append(fx.b, "Sent", &text, 0, 0, &uid,
		&fx.e));
	assert_string_equal("[OVERQUOTA] full", fx.e.text);
	assert_int_equal(0, uid);
	done(&fx);
}

/* Looking into another folder comes back to the open one, when that is needed;
 * "9:*" may name one below 9. */
static void
test_find_elsewhere(void **state)
{
	struct fixture fx;
	struct uidset found = {0};
	int what;
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10")
		"C: $T EXAMINE \"Trash\"\n" SELECTED("3", "9")
		"C: $T UID SEARCH UID 9:* HEADER Message-ID \"x@y\"\nS: * SEARCH 8 12\nS: "
		"$T OK\nC: $T UID SEARCH UID 9:* HEADER Message-ID \"z@y\"\nS: * SEARCH\nS: "
		"$T OK\n" OPENED("10", "11"));
	assert_int_equal(ERR_OK, fx.b->ops->find(fx.b, "Trash", "x@y", 9, &found, &fx.e));
	assert_int_equal(1, uidset_count(&found));
	assert_true(uidset_has(&found, 12));
	assert_int_equal(ERR_OK, fx.b->ops->find(fx.b, "Trash", "z@y", 9, &found, &fx.e));
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 1000, -1, &what, &fx.e));
	assert_int_equal(WAIT_CHANGED, what);	/* what came meanwhile was not heard */
	uidset_clear(&found);
	done(&fx);
}

/* Looking with no folder open leaves none open: flags would be set on the wrong messages. */
static void
test_find_leaves_nothing_open(void **state)
{
	struct fixture fx;
	struct uidset found = {0}, uids = set_of("1");
	(void)state;

	assert_int_equal(ERR_OK, play(&fx, HELLO("") "C: $T EXAMINE \"Trash\"\n"
		SELECTED("3", "9") "C: $T UID SEARCH UID 1:* HEADER Message-ID \"x@y\"\nS: * "
		"SEARCH 2\nS: $T OK\n", NET_PLAIN, NULL));
	assert_int_equal(ERR_OK, fx.b->ops->find(fx.b, "Trash", "x@y", 0, &found, &fx.e));
	assert_int_equal(ERR_FOLDER, fx.b->ops->set_flags(fx.b, &uids, MSG_SEEN, 0, &fx.e));
	uidset_clear(&found);
	uidset_clear(&uids);
	done(&fx);
}

/* ---- waiting ---- */

/* Lines ahead of the "+", chatter and news: only news ends the wait. */
static void
test_idle(void **state)
{
	struct fixture fx;
	int what;
	(void)state;

	play_opened(&fx, HELLO("IDLE") OPENED("9", "10")
		"C: $T IDLE\nS: * OK hello\nS: + idling\nS: * OK Still here\nS: * 9 "
		"EXISTS\nS: * 10 EXISTS\nC: DONE\nS: $T OK\n"
		"C: $T UID FETCH 1:* (UID FLAGS)\nS: $T OK\n"	/* told already: no NOOP */
		"C: $T IDLE\nS: * 10 FETCH (FLAGS (\\Seen))\nS: + idling\nC: DONE\nS: "
		"$T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 5000, -1, &what, &fx.e));
	assert_int_equal(WAIT_CHANGED, what);
	struct folder_known known = { .uidvalidity = 7 };
	assert_int_equal(ERR_OK, fx.b->ops->changes(fx.b, &known, &fx.sink, &fx.st, &fx.e));
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 5000, -1, &what, &fx.e));
	assert_int_equal(WAIT_CHANGED, what);
	done(&fx);
}

/* A wake ends the wait at once, and so does the time. */
static void
test_idle_wakes(void **state)
{
	struct fixture fx;
	struct cancel wake;
	int what;
	(void)state;

	assert_int_equal(ERR_OK, cancel_init(&wake, NULL));
	play_opened(&fx, HELLO("IDLE") OPENED("9", "10")
		"C: $T IDLE\nS: + idling\nC: DONE\nS: $T OK\nC: $T IDLE\nS: + idling\nC: "
		"DONE\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 50, cancel_fd(&wake), &what, &fx.e));
	assert_int_equal(0, what);
	cancel_fire(&wake);
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 60000, cancel_fd(&wake), &what, &fx.e));
	assert_int_equal(WAIT_WOKEN, what);
	cancel_close(&wake);
	done(&fx);
}

/* A server that offers IDLE and refuses it is polled. */
static void
test_refused_idle_becomes_noop(void **state)
{
	struct fixture fx;
	int what;
	(void)state;

	play_opened(&fx, HELLO("IDLE") OPENED("9", "10") "C: $T IDLE\nS: $T BAD no\n"
		"C: $T NOOP\nS: * 10 EXISTS\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 5000, -1, &what, &fx.e));
	assert_int_equal(WAIT_CHANGED, what);
	done(&fx);
}

/* An IDLE that the server ends at once is not entered again and again. */
static void
test_idle_that_ends_by_itself(void **state)
{
	struct fixture fx;
	int what;
	(void)state;

	play_opened(&fx,
		HELLO("IDLE") OPENED("9",
		"10") "C: $T IDLE\nS: + idling\nS: $T OK over\nC: $T NOOP\nS: * 10 EXISTS\nS: "
		"$T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 1000, -1, &what, &fx.e));
	assert_int_equal(WAIT_CHANGED, what);
	assert_false(fx.b->caps & CAP_WAIT);
	done(&fx);
}

/* News that comes with another command is not lost: the next wait ends at once. */
static void
test_news_during_other_commands(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("3");
	int what;
	(void)state;

	play_opened(&fx, HELLO("IDLE") OPENED("9", "10")
		"C: $T UID STORE 3 +FLAGS.SILENT (\\Seen)\nS: * 10 EXISTS\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->set_flags(fx.b, &uids, MSG_SEEN, 0, &fx.e));
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 5000, -1, &what, &fx.e));
	assert_int_equal(WAIT_CHANGED, what);
	uidset_clear(&uids);
	done(&fx);
}

/* The echo of our own edit is no news; what comes with it about others is. */
static void
test_own_echo_is_no_news(void **state)
{
	struct fixture fx;
	struct uidset uids = set_of("3:4");
	int what;
	(void)state;

	play_opened(&fx, HELLO("UIDPLUS MOVE") OPENED("9", "10")
		"C: $T UID STORE 3:4 +FLAGS.SILENT (\\Seen)\nS: * 3 FETCH (UID 3 FLAGS "
		"(\\Seen))\nS: $T OK\nC: $T UID MOVE 3:4 \"Trash\"\nS: * 3 EXPUNGE\nS: * 3 "
		"EXPUNGE\nS: $T OK\nC: $T NOOP\nS: $T OK\n"
		"C: $T UID STORE 3:4 +FLAGS.SILENT (\\Seen)\nS: * 5 FETCH (UID 7 FLAGS "
		"(\\Seen))\nS: $T OK\n");
	assert_int_equal(ERR_OK, fx.b->ops->set_flags(fx.b, &uids, MSG_SEEN, 0, &fx.e));
	assert_int_equal(ERR_OK, fx.b->ops->move(fx.b, &uids, "Trash", NULL, &fx.e));
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 50, -1, &what, &fx.e));
	assert_int_equal(0, what);
	assert_int_equal(ERR_OK, fx.b->ops->set_flags(fx.b, &uids, MSG_SEEN, 0, &fx.e));
	assert_int_equal(ERR_OK, fx.b->ops->wait(fx.b, 5000, -1, &what, &fx.e));
	assert_int_equal(WAIT_CHANGED, what);
	uidset_clear(&uids);
	done(&fx);
}

/* An answer to a command that was never sent ends the connection. */
static void
test_foreign_tag_is_fatal(void **state)
{
	struct fixture fx;
	(void)state;

	play_opened(&fx, HELLO("") OPENED("9", "10") "C: $T FETCH *\nS: zz OK done\nHANG\n");
	assert_int_equal(ERR_CONN, fx.b->ops->newest(fx.b, 5, &fx.sink, &fx.e));
	done(&fx);
}

TEST_MAIN(T(test_folders_in_one_round_trip), T(test_folders_of_a_plain_server),
	T(test_line_ends_are_refused), T(test_literal_waits_for_plus),
	T(test_open_with_qresync), T(test_other_uidvalidity_gives_no_delta),
	T(test_vanished_all_is_checked), T(test_unasked_vanished_is_ignored),
	T(test_short_lists_remove_nothing), T(test_refused_qresync_opens_without),
	T(test_changes_by_comparison), T(test_changes_by_condstore),
	T(test_no_uidvalidity_is_refused), T(test_newest_is_bounded),
	T(test_odd_lines_cost_themselves), T(test_damaged_summary_is_isolated),
	T(test_refused_batch_is_taken_apart), T(test_cut_literal_is_an_error),
	T(test_sizes_are_bounded), T(test_section_in_every_form), T(test_section_in_ranges),
	T(test_section_of_another_is_refused), T(test_flag_not_kept_is_refused),
	T(test_turns_readonly_while_open), T(test_flags_are_pipelined_and_refused_in_words),
	T(test_move_with_map), T(test_move_by_copy),
	T(test_expunge_that_did_nothing_is_repeated), T(test_no_bare_expunge), T(test_append),
	T(test_find_elsewhere), T(test_find_leaves_nothing_open), T(test_idle),
	T(test_idle_wakes), T(test_refused_idle_becomes_noop),
	T(test_idle_that_ends_by_itself), T(test_news_during_other_commands),
	T(test_own_echo_is_no_news), T(test_foreign_tag_is_fatal))
