/* What the store does when things go wrong: other releases, damage, a full disk, a rebuilt
 * mailbox; and bodies, which are whole or absent. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_fixture.h"

static void
sql(struct fixture *fx, const char *dir, const char *file, const char *text)
{
	char *path = path_join(dir, file);
	sqlite3 *h;

	assert_int_equal(SQLITE_OK, sqlite3_open(path, &h));
	if (sqlite3_exec(h, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(h));
	sqlite3_close(h);
	free(path);
	(void)fx;
}

/* A store that was never written cannot be opened for reading, and a reading handle cannot
 * write. */
static void
test_reading_handle(void **state)
{
	struct fixture *fx = *state;
	struct store *r;

	assert_int_equal(ERR_LOCAL,
		store_open(&r, "/nonexistent/a", "/nonexistent/b", STORE_READ, &fx->e));
	assert_null(r);
	fx_msgs(fx, fx->inbox, 1, 2);
	OK(store_open(&r, fx->data, fx->cache, STORE_READ, &fx->e));
	struct msg m;
	assert_true(store_msg(r, msg_id_of(fx->inbox, 2), &fx->a, &m));
	fx_move(fx, m.id);
	assert_false(store_msg(r, m.id, &fx->a, &m));	/* sees what the other handle wrote */
	assert_int_equal(ERR_LOCAL, store_value_put(r, "a", "b", &fx->e));
	assert_int_equal(ERR_LOCAL, store_msg_put(r, &m, &fx->e));
	store_close(r);
}

/* Nobody else may read what is in here. */
static void
test_files_are_private(void **state)
{
	struct fixture *fx = *state;
	const char *names[] = { "data", "cache", "data/dunlin.db", "data/dunlin.db-wal",
		"cache/index.db", "cache/index.db-wal" };
	struct stat st;

	for (size_t i = 0; i < LEN(names); i++) {
		char *path = path_join(fx->dir, names[i]);
		assert_int_equal(0, stat(path, &st));
		assert_int_equal(0, st.st_mode & 077);
		free(path);
	}
}

/* Files of a newer release are left alone, with a clear word about it. */
static void
test_newer_release(void **state)
{
	struct fixture *fx = *state;

	store_close(fx->s);
	sql(fx, fx->cache, "index.db", "PRAGMA user_version = 1000");
	for (int mode = STORE_READ; mode <= STORE_WRITE; mode++) {
		assert_int_equal(ERR_LOCAL,
			store_open(&fx->s, fx->data, fx->cache, (enum store_mode)mode,
				&fx->e));
		assert_non_null(strstr(fx->e.text, "newer release"));
	}
	sql(fx, fx->data, "dunlin.db", "PRAGMA user_version = 1000");
	assert_int_equal(ERR_LOCAL,
		store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_non_null(strstr(fx->e.text, "newer release"));
}

static void
scribble(struct fixture *fx, const char *name, off_t at)
{
	char *path = path_join(fx->dir, name);
	char junk[8192];
	int fd = open(path, O_WRONLY);

	memset(junk, 0x5a, sizeof junk);
	assert_true(fd >= 0 && pwrite(fd, junk, sizeof junk, at) == sizeof junk);
	close(fd);
	free(path);
}

/* A damaged index is put aside and begun anew; folder ids and decisions hold and fit the rows
 * that are fetched again. */
static void
test_damaged_index_begins_anew(void **state)
{
	struct fixture *fx = *state;

	fx_msgs(fx, fx->inbox, 1, 3);
	fx_move(fx, msg_id_of(fx->inbox, 2));
	store_close(fx->s);
	scribble(fx, "cache/index.db", 0);
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	char *aside = path_join(fx->cache, "index.db.damaged");
	assert_int_equal(0, access(aside, F_OK));
	free(aside);
	folder_id inbox = fx->inbox;
	fx->trash = fx_folder(fx, "Trash", ROLE_TRASH);
	fx->inbox = fx_folder(fx, "INBOX", ROLE_INBOX);
	assert_int_equal(inbox, fx->inbox);
	fx_msgs(fx, fx->inbox, 1, 3);
	assert_string_equal("3,1", fx_top(fx, fx->inbox));
	assert_int_equal(2, fx_counts(fx, fx->inbox).n_msgs);
}

/* The same where SQLite does not call it damage: tables that are missing or make no sense. */
static void
test_unreadable_index_begins_anew(void **state)
{
	struct fixture *fx = *state;
	const char *const broken[] = {
		"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET name = 'x', "
		"tbl_name = 'x' WHERE name = 'folder'",
		"PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = "
		"'binding'",
		"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE "
		"nonsense' WHERE name = 'msg'",
	};

	for (size_t i = 0; i < LEN(broken); i++) {
		char *index = path_join(fx->cache, "index.db");
		sqlite3 *h;
		store_close(fx->s);
		assert_int_equal(SQLITE_OK, sqlite3_open(index, &h));
		assert_int_equal(SQLITE_OK, sqlite3_exec(h, broken[i], NULL, NULL, NULL));
		sqlite3_close(h);
		free(index);
		OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
		fx->inbox = fx_folder(fx, "INBOX", ROLE_INBOX);
		fx_msgs(fx, fx->inbox, 1, 3);
		assert_string_equal("3,2,1", fx_top(fx, fx->inbox));
	}
}

/* Damage that shows itself later is reported, and mended at the next start. */
static void
test_damage_found_in_use(void **state)
{
	struct fixture *fx = *state;

	fx_msgs(fx, fx->inbox, 1, 3000);
	store_close(fx->s);
	for (off_t at = 40 * 4096; at < 300 * 4096; at += 8192)
		scribble(fx, "cache/index.db", at);
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	struct uidset all = {0};
	uidset_add_range(&all, 1, UINT32_MAX);
	assert_int_equal(ERR_LOCAL, store_msgs_gone(fx->s, fx->inbox, &all, &fx->e));
	uidset_clear(&all);
	fx_reopen(fx);
	assert_int_equal(fx->inbox, fx_folder(fx, "INBOX", ROLE_INBOX));
	fx_msgs(fx, fx->inbox, 1, 3);
	assert_string_equal("3,2,1", fx_top(fx, fx->inbox));
}

/* The same of a trigger that has become nonsense, which only a write meets. */
static void
test_broken_trigger_is_mended_at_the_next_start(void **state)
{
	struct fixture *fx = *state;
	char *index = path_join(fx->cache, "index.db");
	sqlite3 *h;

	fx_msgs(fx, fx->inbox, 1, 3);
	store_close(fx->s);
	assert_int_equal(SQLITE_OK, sqlite3_open(index, &h));
	assert_int_equal(SQLITE_OK,
		sqlite3_exec(h,
		"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, "
		"'n_unread + (', 'nonsense + (') WHERE name = 'msg_seen'", NULL, NULL, NULL));
	sqlite3_close(h);
	free(index);
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_int_equal(ERR_LOCAL, store_msg_flags(fx->s, msg_id_of(fx->inbox, 2), MSG_SEEN,
		0, &fx->e));
	fx_reopen(fx);
	fx->inbox = fx_folder(fx, "INBOX", ROLE_INBOX);
	fx_msgs(fx, fx->inbox, 1, 3);
	assert_string_equal("3,2,1", fx_top(fx, fx->inbox));
}

/* A damaged dunlin.db cannot be begun anew: an error, and the file stays as it is. */
static void
test_damaged_data_is_an_error(void **state)
{
	struct fixture *fx = *state;

	store_close(fx->s);
	scribble(fx, "data/dunlin.db", 0);
	assert_int_equal(ERR_LOCAL,
		store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_null(fx->s);
	assert_non_null(strstr(fx->e.text, "/data/dunlin.db' is damaged: put back a backup"));
	char *mark = path_join(fx->cache, "index.damaged");
	assert_int_equal(-1, access(mark, F_OK));	/* the index is not to blame */
	free(mark);
}

/* Damage of dunlin.db that shows itself in use: the next start names that file, however often
 * one starts, and leaves the index alone. */
static void
test_damaged_data_found_in_use(void **state)
{
	struct fixture *fx = *state;
	char *aside = path_join(fx->cache, "index.db.damaged");
	char *data = path_join(fx->data, "dunlin.db");
	struct stat st;

	for (int i = 0; i < 400; i++) {
		char *name = xasprintf("a value %d", i);
		OK(store_value_put(fx->s, name, name, &fx->e));
		free(name);
	}
	store_close(fx->s);
	assert_int_equal(0, stat(data, &st));
	for (off_t at = 8 * 4096; at < st.st_size; at += 4096)
		scribble(fx, "data/dunlin.db", at);
	for (int i = 0; i < 3; i++) {
		enum err rc = store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e);
		if (i > 0 || rc != ERR_OK) {
			assert_int_equal(ERR_LOCAL, rc);
			assert_non_null(strstr(fx->e.text, "dunlin.db' is damaged"));
			continue;
		}
		for (int k = 0; k < 400 && rc == ERR_OK; k++) {
			char *name = xasprintf("a value %d", k);
			rc = store_value_put(fx->s, name, "x", &fx->e);
			free(name);
		}
		assert_int_equal(ERR_LOCAL, rc);
		store_close(fx->s);
	}
	assert_int_equal(-1, access(aside, F_OK));
	fx->s = NULL;
	free(data);
	free(aside);
}

/* In a process that is not root's, whom no mode keeps from anything. 0: as it should be. */
static int
open_as_nobody(struct fixture *fx, const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct store *s;
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		if (store_open(&s, fx->data, fx->cache, STORE_WRITE, &fx->e) != ERR_LOCAL)
			_exit(3);
		_exit(strstr(fx->e.text, path) ? 0 : 4);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	return status;
}

/* A file that may not be written is named; and nothing of the same mode is made beside it,
 * which would stay so when that has been put right. */
static void
test_unwritable_files_are_named(void **state)
{
	static const char *const names[] = { "data/dunlin.db", "cache/index.db" };
	struct fixture *fx = *state;

	store_close(fx->s);
	fx->s = NULL;
	for (size_t i = 0; i < LEN(names); i++) {
		char *path = path_join(fx->dir, names[i]), *shm = xasprintf("%s-shm", path);
		char *const all[] = { fx->dir, fx->data, fx->cache, path };
		for (size_t k = 0; geteuid() == 0 && k < LEN(all); k++)
			assert_int_equal(0, chown(all[k], 65534, 65534));
		assert_int_equal(0, chmod(path, 0400));
		assert_int_equal(0, open_as_nobody(fx, path));
		assert_int_equal(-1, access(shm, F_OK));
		assert_int_equal(0, chmod(path, 0600));
		free(shm);
		free(path);
	}
}

/* An index that was made for another dunlin.db means nothing, for its folder ids are others.
 */
static void
test_foreign_index_is_not_trusted(void **state)
{
	struct fixture *fx = *state;
	char *db = path_join(fx->data, "dunlin.db");

	fx_msgs(fx, fx->inbox, 1, 3);
	store_close(fx->s);
	unlink(db);
	free(db);
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	fx->account = store_account(fx->s, "another");
	folder_id id = fx_folder(fx, "Other", ROLE_NONE);
	assert_int_equal(fx->inbox, id);	/* ids begin anew, so the rows had to go */
	assert_string_equal("", fx_top(fx, id));
}

/* UIDVALIDITY changed: another id, no rows, decisions end with a word about it, nothing is
 * carried out on the new mailbox; other folders are not touched. */
static void
test_rebuilt_mailbox(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	struct intent *list;
	char label[64];
	folder_id id = fx->inbox;

	OK(store_folder_validity(fx->s, &id, 11, &fx->e));
	assert_int_equal(fx->inbox, id);
	fx_msgs(fx, fx->inbox, 1, 3);
	fx_msg(fx, fx->trash, 1, 0, NULL);
	fx_flag(fx, msg_id_of(fx->inbox, 1), MSG_SEEN, 0);
	fx_next(fx, &b);
	fx_done(fx, &b, 0);
	fx_move(fx, msg_id_of(fx->inbox, 2));
	OK(store_folder_validity(fx->s, &id, 11, &fx->e));
	assert_int_equal(fx->inbox, id);
	OK(store_folder_validity(fx->s, &id, 12, &fx->e));
	assert_int_not_equal(fx->inbox, id);
	assert_string_equal("", fx_top(fx, id));
	assert_string_equal("", fx_top(fx, fx->inbox));
	assert_string_equal("1", fx_top(fx, fx->trash));
	assert_int_equal(12, fx_counts(fx, id).uidvalidity);
	assert_int_equal(id, fx_folder(fx, "INBOX", ROLE_INBOX));
	assert_true(store_intents(fx->s, 1, &fx->a, &list) == 1
		&& list[0].state == INTENT_REFUSED);
	assert_string_equal("the server rebuilt this mailbox", list[0].error);
	assert_int_equal(ERR_UNSUPPORTED, store_undo(fx->s, label, sizeof label, &fx->e));
	assert_string_equal("none", fx_next(fx, &b));
	fx_msgs(fx, id, 1, 3);
	assert_string_equal("3,2,1", fx_top(fx, id));
	assert_int_equal(0, store_intents_pending(fx->s, 0));
}

/* Renamed: folders below follow, so do decisions with it as destination. */
static void
test_rename_takes_all_along(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	struct folder f;

	folder_id top = fx_folder(fx, "Lists", ROLE_NONE),
		  below = fx_folder(fx, "Lists/c", ROLE_NONE);
	fx_folder(fx, "Lists2", ROLE_NONE);
	msg_id id = fx_msg(fx, fx->inbox, 1, 0, NULL);
	fx_intend(fx, INTENT_MOVE, "Lists/c", 0, 0, &id, 1);
	OK(store_folder_rename(fx->s, top, "Old.Lists", "Old/Lists", &fx->e));
	assert_true(store_folder(fx->s, below, &fx->a, &f));
	assert_string_equal("Old.Lists/c", f.wire);
	assert_string_equal("Old/Lists/c", f.name);
	assert_true(store_folder_by_wire(fx->s, fx->account, "Lists2", &fx->a, &f));
	fx_next(fx, &b);
	assert_string_equal("Old.Lists/c", b.first.dest);
	fx_done(fx, &b, 4);
	assert_string_equal("5", fx_top(fx, below));
	fx_reopen(fx);
	assert_int_equal(top, fx_folder(fx, "Old.Lists", ROLE_NONE));
	assert_int_not_equal(top, fx_folder(fx, "Lists", ROLE_NONE));
}

/* What a crash between the two files leaves is repaired at the next opening. */
static void
test_crash_between_files_is_repaired(void **state)
{
	struct fixture *fx = *state;

	fx_msgs(fx, fx->inbox, 1, 3);
	store_close(fx->s);
	sql(fx, fx->data, "dunlin.db",
		"UPDATE mailbox SET is_old = 1 WHERE wire = 'INBOX';INSERT INTO mailbox"
		" (account, wire, uidvalidity) SELECT account, wire, 5 FROM mailbox WHERE"
		" wire = 'INBOX'; UPDATE mailbox SET wire = 'Bin', uidvalidity = 4 WHERE wire"
		" = 'Trash'");
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	assert_string_equal("", fx_top(fx, fx->inbox));
	folder_id fresh = fx_folder(fx, "INBOX", ROLE_INBOX);
	assert_int_not_equal(fx->inbox, fresh);
	assert_int_equal(5, fx_counts(fx, fresh).uidvalidity);
	struct folder f = fx_counts(fx, fx->trash);
	assert_string_equal("Bin", f.wire);
	assert_int_equal(4, f.uidvalidity);
}

/* New folders within a batch of rows: all of it is there afterwards, in both files. */
static void
test_folders_within_a_batch(void **state)
{
	struct fixture *fx = *state;

	OK(store_begin(fx->s, &fx->e));
	fx_msg(fx, fx->inbox, 1, 0, NULL);
	folder_id made = fx_folder(fx, "Made", ROLE_NONE);
	fx_msg(fx, made, 2, 0, NULL);
	OK(store_folder_validity(fx->s, &made, 3, &fx->e));
	fx_msg(fx, fx->inbox, 3, 0, NULL);
	OK(store_commit(fx->s, &fx->e));
	fx_reopen(fx);
	assert_string_equal("3,1", fx_top(fx, fx->inbox));
	assert_string_equal("2", fx_top(fx, made));
	assert_int_equal(ERR_LOCAL, store_commit(fx->s, &fx->e));
}

/* No file may grow any more: every write fails with a word about it, none is half done, and
 * with room again all goes on. */
static void
test_full_disk(void **state)
{
	struct fixture *fx = *state;
	struct rlimit old, small = { 0 };
	struct intent_batch b;
	msg_id *all = xcalloc(500, sizeof *all);
	enum err rc = ERR_OK;
	int64_t group;
	intent_id id;

	fx_msgs(fx, fx->inbox, 1, 500);
	for (uint32_t i = 0; i < 500; i++)
		all[i] = msg_id_of(fx->inbox, i + 1);
	assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &old));
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t room = 0; room < 60000; room += 9000) {
		small = (struct rlimit){ room, old.rlim_max };
		assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &small));
		struct intent in = { .account = fx->account,
			.kind = INTENT_MOVE,
			.folder = fx->inbox,
			.dest = "Trash" };
		rc = store_intent_add(fx->s, &in, all, 500, &group, &id, &fx->e);
		setrlimit(RLIMIT_FSIZE, &old);
		if (rc == ERR_OK)
			break;
		assert_int_equal(ERR_LOCAL, rc);
		assert_int_equal(500, fx_counts(fx, fx->inbox).n_msgs);
		assert_int_equal(0, store_intents_pending(fx->s, 0));
	}
	if (rc != ERR_OK)
		fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, all, 500);
	assert_string_equal("1:500", fx_next(fx, &b));
	assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 4096, old.rlim_max }));
	rc = store_begin(fx->s, &fx->e);
	struct msg m = { .id = msg_id_of(fx->inbox, 900), .subject = "x" };
	for (int i = 0; i < 1000 && rc == ERR_OK; i++, m.id++)
		rc = store_msg_put(fx->s, &m, &fx->e);
	if (rc == ERR_OK)
		rc = store_commit(fx->s, &fx->e);
	else
		store_rollback(fx->s);
	assert_int_equal(ERR_LOCAL, rc);
	assert_int_equal(ERR_LOCAL, store_intents_done(fx->s, &b, NULL, NULL, 0, &fx->e));
	struct body_writer *w;
	rc = body_create(&w, fx->s, msg_id_of(fx->inbox, 1), "1", &fx->e);
	for (int i = 0; i < 100 && rc == ERR_OK; i++)
		rc = body_write(w, all, 400, &fx->e);
	assert_int_equal(ERR_LOCAL, rc);
	body_abort(w);
	assert_int_equal(-1, store_body(fx->s, msg_id_of(fx->inbox, 1), "1", NULL));
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(0, fx_counts(fx, fx->inbox).n_msgs); /* hidden still, none doubled */
	OK(store_intents_done(fx->s, &b, NULL, NULL, 0, &fx->e));
	intent_batch_clear(&b);
	assert_int_equal(0, store_intents_pending(fx->s, 0));
	struct uidset left = {0};
	OK(store_uids(fx->s, fx->inbox, &left, &fx->e));
	assert_int_equal(0, left.n);
	free(all);
}

static void
write_body(struct fixture *fx, msg_id id, const char *section, const char *text)
{
	struct body_writer *w;

	OK(body_create(&w, fx->s, id, section, &fx->e));
	OK(body_write(w, text, strlen(text), &fx->e));
	OK(body_commit(w, &fx->e));
}

static bool
has_body(struct fixture *fx, msg_id id, const char *section, const char *want)
{
	size_t len;
	char *text = store_body_read(fx->s, id, section, 1000, &len);
	bool ok = text && len == strlen(want) && strcmp(text, want) == 0;

	free(text);
	return ok;
}

/* A section is absent until it is whole, and no name from outside becomes a path. */
static void
test_bodies_are_whole_or_absent(void **state)
{
	struct fixture *fx = *state;
	struct body_writer *w;
	size_t len;
	const char *bad[] = { "../x", "..", ".", ".1", "a", "1/2", "1 2", "HEADER\n",
		"1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1" };

	msg_id id = fx_msg(fx, fx->inbox, 1, 0, NULL);
	OK(body_create(&w, fx->s, id, "1", &fx->e));
	OK(body_write(w, "abc", 3, &fx->e));
	assert_int_equal(-1, store_body(fx->s, id, "1", NULL));
	body_abort(w);
	assert_int_equal(-1, store_body(fx->s, id, "1", NULL));
	write_body(fx, id, "", "whole");
	write_body(fx, id, "2.1.MIME", "mime");
	write_body(fx, id, "2.1.MIME", "mime2");
	assert_true(has_body(fx, id, "", "whole") && has_body(fx, id, "2.1.MIME", "mime2"));
	assert_null(store_body_read(fx->s, id, "", 4, &len));
	for (size_t i = 0; i < LEN(bad); i++) {
		assert_int_equal(ERR_MSG, body_create(&w, fx->s, id, bad[i], &fx->e));
		assert_int_equal(-1, store_body(fx->s, id, bad[i], NULL));
	}
}

/* Bodies and part trees move with their message and go with it, and with no other. */
static void
test_bodies_follow_their_message(void **state)
{
	struct fixture *fx = *state;
	struct intent_batch b;
	struct uidset gone = {0};

	for (uint32_t uid = 1; uid <= 12; uid++) {
		msg_id id = fx_msg(fx, fx->inbox, uid, 0, NULL);
		write_body(fx, id, "1", "text");
		struct part *root = part_new(&fx->a, NULL);
		root->section = "1";
		root->type = "text/plain";
		OK(store_parts_put(fx->s, id, root, &fx->e));
	}
	fx_move(fx, msg_id_of(fx->inbox, 2));
	fx_next(fx, &b);
	fx_done(fx, &b, 1000);
	assert_int_equal(-1, store_body(fx->s, msg_id_of(fx->inbox, 2), "1", NULL));
	assert_true(has_body(fx, msg_id_of(fx->trash, 1002), "1", "text"));
	struct part *root = store_parts(fx->s, msg_id_of(fx->trash, 1002), &fx->a);
	assert_non_null(root);
	assert_string_equal("text/plain", root->type);
	assert_null(store_parts(fx->s, msg_id_of(fx->inbox, 2), &fx->a));
	uidset_add(&gone, 1);
	OK(store_msgs_gone(fx->s, fx->inbox, &gone, &fx->e));
	assert_int_equal(-1, store_body(fx->s, msg_id_of(fx->inbox, 1), "1", NULL));
	assert_true(has_body(fx, msg_id_of(fx->inbox, 12), "1", "text"));
	uidset_add_range(&gone, 1, UINT32_MAX);
	OK(store_msgs_gone(fx->s, fx->inbox, &gone, &fx->e));
	assert_int_equal(-1, store_body(fx->s, msg_id_of(fx->inbox, 12), "1", NULL));
	assert_true(has_body(fx, msg_id_of(fx->trash, 1002), "1", "text"));
	uidset_clear(&gone);
}

/* Trimming takes the least recently opened, and what belongs to no message. */
static void
test_trim_takes_the_oldest(void **state)
{
	struct fixture *fx = *state;

	for (uint32_t uid = 1; uid <= 4; uid++)
		write_body(fx, fx_msg(fx, fx->inbox, uid, 0, NULL), "1", "0123456789");
	write_body(fx, msg_id_of(fx->inbox, 99), "1", "orphan");
	for (uint32_t uid = 1; uid <= 4; uid++) {
		char *path =
			arena_printf(&fx->a, "%s/bodies/%u/0/%u.1", fx->cache, fx->inbox, uid);
		struct timespec t[2] = { { uid, 0 }, { uid, 0 } };
		assert_int_equal(0, utimensat(AT_FDCWD, path, t, 0));
	}
	assert_true(has_body(fx, msg_id_of(fx->inbox, 1), "1",
		"0123456789")); /* opened just now */
	OK(store_bodies_trim(fx->s, 20, &fx->e));
	assert_int_equal(-1, store_body(fx->s, msg_id_of(fx->inbox, 99), "1", NULL));
	assert_int_equal(-1, store_body(fx->s, msg_id_of(fx->inbox, 2), "1", NULL));
	assert_int_equal(-1, store_body(fx->s, msg_id_of(fx->inbox, 3), "1", NULL));
	assert_true(has_body(fx, msg_id_of(fx->inbox, 1), "1", "0123456789"));
	assert_true(has_body(fx, msg_id_of(fx->inbox, 4), "1", "0123456789"));
}

/* Small values come back, also after a restart; NULL removes one. */
static void
test_values(void **state)
{
	struct fixture *fx = *state;

	OK(store_value_put(fx->s, "sort", "date", &fx->e));
	OK(store_value_put(fx->s, "sort", "size", &fx->e));
	OK(store_sync(fx->s, &fx->e));
	fx_reopen(fx);
	char *v = store_value(fx->s, "sort");
	assert_string_equal("size", v);
	free(v);
	OK(store_value_put(fx->s, "sort", NULL, &fx->e));
	assert_null(store_value(fx->s, "sort"));
}

/* A data directory that is a symbolic link, as people who keep their
 * files in one place have it. */
static void
test_linked_directory(void **state)
{
	struct fixture *fx = *state;
	char *link = xasprintf("%s.link", fx->data);
	struct store *s;

	assert_int_equal(0, symlink(fx->data, link));
	OK(store_open(&s, link, fx->cache, STORE_WRITE, &fx->e));
	store_close(s);
	unlink(link);
	free(link);
}

TEST_MAIN(FX(test_reading_handle), FX(test_linked_directory), FX(test_files_are_private),
	FX(test_newer_release), FX(test_damaged_index_begins_anew),
	FX(test_unreadable_index_begins_anew),
	FX(test_broken_trigger_is_mended_at_the_next_start), FX(test_damage_found_in_use),
	FX(test_damaged_data_is_an_error), FX(test_damaged_data_found_in_use),
	FX(test_unwritable_files_are_named), FX(test_foreign_index_is_not_trusted),
	FX(test_rebuilt_mailbox), FX(test_rename_takes_all_along),
	FX(test_crash_between_files_is_repaired), FX(test_folders_within_a_batch),
	FX(test_full_disk), FX(test_bodies_are_whole_or_absent),
	FX(test_bodies_follow_their_message), FX(test_trim_takes_the_oldest), FX(test_values))
