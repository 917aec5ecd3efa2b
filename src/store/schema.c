/* schema.c - the tables, as steps from one version (PRAGMA user_version) to the next.
 *
 * A step that was released is never edited: add the next one. The rest of the store
 * counts on the triggers: nobody but messages.c, which inserts, changes n_msgs,
 * n_unread or thread_head by hand. */
#include <stdio.h>

#include "people_db.h"

enum { BEFORE_PEOPLE = 2 };	/* the version of index.db that knew none */

static const char *const data_steps[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('id', random());"
	"CREATE TABLE value (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	name TEXT NOT NULL UNIQUE);"
	/* What a folder_id stands for; is_old: the server made the
	 * mailbox anew under another id. */
	"CREATE TABLE mailbox (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
	"	wire TEXT NOT NULL, uidvalidity INTEGER NOT NULL DEFAULT 0,"
	"	is_old INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX mailbox_wire ON mailbox (account, wire) WHERE NOT is_old;"
	/* is_undone: an inverse was recorded while it was running.
	 * batch: what runs together. */
	"CREATE TABLE intent (id INTEGER PRIMARY KEY AUTOINCREMENT, grp INTEGER NOT NULL,"
	"	account INTEGER NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
	"	folder INTEGER NOT NULL, source TEXT NOT NULL, dest TEXT NOT NULL,"
	"	set_bits INTEGER NOT NULL, clear_bits INTEGER NOT NULL,"
	"	created INTEGER NOT NULL, n_msgs INTEGER NOT NULL DEFAULT 0,"
	"	n_tries INTEGER NOT NULL DEFAULT 0, dest_uidnext INTEGER NOT NULL DEFAULT 0,"
	"	inverse_of INTEGER NOT NULL DEFAULT 0, batch INTEGER NOT NULL DEFAULT 0,"
	"	is_undone INTEGER NOT NULL DEFAULT 0, label TEXT NOT NULL,"
	"	error TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX intent_open ON intent (account, state, id) WHERE state <= 1;"
	"CREATE INDEX intent_group ON intent (grp);"
	"CREATE INDEX intent_folder_delete ON intent (folder) WHERE kind = 6 AND state <= 1;"
	"CREATE INDEX intent_inverse ON intent (inverse_of) WHERE inverse_of > 0;"
	/* msg: as recorded; now: where the message is by now, 0 unknown; made: where this
	 * intent put it (move, copy); the bits are those that really changed; mid:
	 * Message-ID, to find it again. */
	"CREATE TABLE intent_msg (intent INTEGER NOT NULL, msg INTEGER NOT NULL,"
	"	now INTEGER NOT NULL, made INTEGER NOT NULL DEFAULT 0,"
	"	set_bits INTEGER NOT NULL DEFAULT 0, clear_bits INTEGER NOT NULL DEFAULT 0,"
	"	mid TEXT NOT NULL DEFAULT '', PRIMARY KEY (intent, msg)) WITHOUT ROWID;"
	"CREATE INDEX intent_msg_now ON intent_msg (now, intent);"
	"CREATE TABLE overlay (msg INTEGER PRIMARY KEY, set_bits INTEGER NOT NULL,"
	"	clear_bits INTEGER NOT NULL, hidden INTEGER NOT NULL);",

	/* The POP3 ledger. state: enum pop3_state. hash: of the header, as in the mbox;
	 * size: as LIST said. is_coming: of the batch that is being appended to the mbox,
	 * which was `before` bytes long. */
	"CREATE TABLE pop3 (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	"	uidl TEXT NOT NULL, hash INTEGER NOT NULL, size INTEGER NOT NULL,"
	"	state INTEGER NOT NULL, fetched INTEGER NOT NULL, listed INTEGER NOT NULL,"
	"	is_coming INTEGER NOT NULL);"
	"CREATE INDEX pop3_account ON pop3 (account, uidl);"
	"CREATE INDEX pop3_coming ON pop3 (account) WHERE is_coming;"
	"CREATE TABLE pop3_batch (account INTEGER PRIMARY KEY, before INTEGER NOT NULL,"
	"	bytes INTEGER NOT NULL);",
	/* The outbox. state and copy are enums of store_outbox.h; the bytes apart,
	 * so that lists stay quick. */
	"CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
	"	state INTEGER NOT NULL DEFAULT 0, is_held INTEGER NOT NULL DEFAULT 0,"
	"	sender TEXT NOT NULL, message_id TEXT NOT NULL, subject TEXT NOT NULL,"
	"	shown_to TEXT NOT NULL, needs INTEGER NOT NULL, created INTEGER NOT NULL,"
	"	not_before INTEGER NOT NULL, retry_at INTEGER NOT NULL DEFAULT 0,"
	"	n_tries INTEGER NOT NULL DEFAULT 0, size INTEGER NOT NULL,"
	"	copy INTEGER NOT NULL, copy_at INTEGER NOT NULL DEFAULT 0,"
	"	error TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX outbox_open ON outbox (account, state) WHERE state <= 1;"
	"CREATE INDEX outbox_copy ON outbox (account) WHERE copy IN (2, 3);"
	"CREATE TABLE outbox_bytes (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
	"CREATE TABLE outbox_rcpt (mail INTEGER NOT NULL, n INTEGER NOT NULL,"
	"	addr TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
	"	words TEXT NOT NULL DEFAULT '', PRIMARY KEY (mail, n)) WITHOUT ROWID;",
	/* Uploads. state, role and after are enums; file: the name in data/uploads. draft: the
	 * copy on the server of what stands in data/drafts under that name. */
	"CREATE TABLE upload (id INTEGER PRIMARY KEY AUTOINCREMENT, account INTEGER NOT NULL,"
	"	state INTEGER NOT NULL DEFAULT 0, role INTEGER NOT NULL, dest TEXT NOT NULL,"
	"	flags INTEGER NOT NULL, arrived INTEGER NOT NULL, message_id TEXT NOT NULL,"
	"	name TEXT NOT NULL, label TEXT NOT NULL, file TEXT NOT NULL,"
	"	size INTEGER NOT NULL, created INTEGER NOT NULL,"
	"	retry_at INTEGER NOT NULL DEFAULT 0, n_tries INTEGER NOT NULL DEFAULT 0,"
	"	dest_uidnext INTEGER NOT NULL DEFAULT 0, landed INTEGER NOT NULL DEFAULT 0,"
	"	after INTEGER NOT NULL, after_msg INTEGER NOT NULL, after_text TEXT NOT NULL,"
	"	error TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX upload_open ON upload (account, state) WHERE state <> 2;"
	"CREATE INDEX upload_name ON upload (name) WHERE name <> '';"
	"CREATE TABLE draft (name TEXT NOT NULL, account INTEGER NOT NULL,"
	"	msg INTEGER NOT NULL, message_id TEXT NOT NULL, stamp TEXT NOT NULL,"
	"	stored INTEGER NOT NULL, state INTEGER NOT NULL, PRIMARY KEY (name, account))"
	"	WITHOUT ROWID;"
	"CREATE INDEX draft_msg ON draft (msg) WHERE msg > 0;",
	/* is_planned: a person named the time; ended: when it was last tried, or sent; sought:
	 * enum outbox_sought, and when Sent was looked into. */
	"ALTER TABLE outbox ADD COLUMN is_planned INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE outbox ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE outbox ADD COLUMN sought INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE outbox ADD COLUMN sought_at INTEGER NOT NULL DEFAULT 0;",
	/* What it holds that its successor will not: it goes to Trash then, not for good. */
	"ALTER TABLE draft ADD COLUMN is_richer INTEGER NOT NULL DEFAULT 0;",
	/* Looked at by a worker at each turn of its loop. */
	"CREATE INDEX outbox_unsure ON outbox (account) WHERE state = 3;",
	/* What is left to be recorded of a decision about very many messages: enum later. The
	 * columns are those of intent; uids: a set of at most a thousand. */
	"CREATE TABLE later (id INTEGER PRIMARY KEY AUTOINCREMENT, what INTEGER NOT NULL,"
	"	intent INTEGER NOT NULL, grp INTEGER NOT NULL, account INTEGER NOT NULL,"
	"	kind INTEGER NOT NULL DEFAULT 0, folder INTEGER NOT NULL,"
	"	source TEXT NOT NULL DEFAULT '', dest TEXT NOT NULL DEFAULT '',"
	"	set_bits INTEGER NOT NULL DEFAULT 0, clear_bits INTEGER NOT NULL DEFAULT 0,"
	"	created INTEGER NOT NULL DEFAULT 0, label TEXT NOT NULL DEFAULT '',"
	"	uids TEXT NOT NULL DEFAULT '');",
	/* Moves and copies to another account: whose dest is; the upload by
	 * which it came to stand there. */
	"ALTER TABLE intent ADD COLUMN to_account INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE intent ADD COLUMN carried INTEGER NOT NULL DEFAULT 0;",
	/* The address book: see people.h. words: " ada example", for looking up. */
	"CREATE TABLE wrote (addr TEXT PRIMARY KEY COLLATE NOCASE, name TEXT NOT NULL,"
	"	words TEXT NOT NULL, n INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE short_name (name TEXT PRIMARY KEY COLLATE NOCASE, value TEXT NOT NULL)"
	"	WITHOUT ROWID;",
	/* The name in data/uploads that has the bytes of a large one; '': outbox_bytes. */
	"ALTER TABLE outbox ADD COLUMN file TEXT NOT NULL DEFAULT '';",
};

/* What a trigger on msg does to the thread that NEW comes into, and to that of OLD. */
#define JOINS_THREAD \
	"	INSERT INTO thread_head" \
	"		VALUES (NEW.thread, NEW.folder, NEW.arrived, 1, (NEW.flags & 1) = 0)" \
	"		ON CONFLICT (thread, folder) DO UPDATE SET" \
	"		newest = max(newest, excluded.newest)," \
	"		n_msgs = n_msgs + 1, n_unread = n_unread + excluded.n_unread;"
#define LEAVES_THREAD \
	"	UPDATE thread_head SET" \
	"		n_msgs = n_msgs - 1, n_unread = n_unread - ((OLD.flags & 1) = 0)," \
	"		newest = CASE WHEN newest > OLD.arrived THEN newest ELSE" \
	"			coalesce((SELECT max(arrived) FROM msg" \
	"			WHERE thread = OLD.thread AND folder = OLD.folder), newest)" \
	"		END WHERE thread = OLD.thread AND folder = OLD.folder;" \
	"	DELETE FROM thread_head" \
	"		WHERE thread = OLD.thread AND folder = OLD.folder AND n_msgs <= 0;"

static const char *const index_steps[] = {
	/* Which dunlin.db the folder ids are from. */
	"CREATE TABLE ix.binding (data_id INTEGER NOT NULL);"
	"CREATE TABLE ix.folder (id INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
	"	wire TEXT NOT NULL, name TEXT NOT NULL, delim INTEGER NOT NULL,"
	"	role INTEGER NOT NULL, attrs INTEGER NOT NULL,"
	"	uidvalidity INTEGER NOT NULL DEFAULT 0, uidnext INTEGER NOT NULL DEFAULT 0,"
	"	modseq INTEGER NOT NULL DEFAULT 0, n_server INTEGER NOT NULL DEFAULT 0,"
	"	n_server_unread INTEGER NOT NULL DEFAULT 0,"
	"	is_filled INTEGER NOT NULL DEFAULT 0, n_msgs INTEGER NOT NULL DEFAULT 0,"
	"	n_unread INTEGER NOT NULL DEFAULT 0);"
	"CREATE UNIQUE INDEX ix.folder_wire ON folder (account, wire);"
	/* Narrow, so that flags and counts of many cost little; what is shown is in head. */
	"CREATE TABLE ix.msg (id INTEGER PRIMARY KEY, folder INTEGER NOT NULL,"
	"	arrived INTEGER NOT NULL, thread INTEGER NOT NULL, flags INTEGER NOT NULL,"
	"	date INTEGER NOT NULL, size INTEGER NOT NULL, modseq INTEGER NOT NULL,"
	"	pos INTEGER NOT NULL, mid INTEGER NOT NULL);"
	"CREATE INDEX ix.msg_arrived ON msg (folder, arrived);"
	"CREATE INDEX ix.msg_thread ON msg (thread, folder, arrived);"
	"CREATE TABLE ix.head (id INTEGER PRIMARY KEY, from_name TEXT, from_addr TEXT,"
	"	to_list TEXT, cc_list TEXT, subject TEXT, message_id TEXT, in_reply_to TEXT,"
	"	refs TEXT, list_id TEXT);"
	"CREATE TABLE ix.part (id INTEGER PRIMARY KEY, tree TEXT NOT NULL);"
	/* Every Message-ID seen or referred to, by hash of account and id. */
	"CREATE TABLE ix.mid (hash INTEGER PRIMARY KEY, thread INTEGER NOT NULL);"
	"CREATE INDEX ix.mid_thread ON mid (thread);"
	"CREATE TABLE ix.thread_head (thread INTEGER NOT NULL, folder INTEGER NOT NULL,"
	"	newest INTEGER NOT NULL, n_msgs INTEGER NOT NULL, n_unread INTEGER NOT NULL,"
	"	PRIMARY KEY (thread, folder)) WITHOUT ROWID;"
	"CREATE INDEX ix.thread_newest ON thread_head (folder, newest, thread);"

	"CREATE TRIGGER ix.msg_added AFTER INSERT ON msg BEGIN"
	"	UPDATE folder SET n_msgs = n_msgs + 1,"
	"		n_unread = n_unread + ((NEW.flags & 1) = 0) WHERE id = NEW.folder;"
	JOINS_THREAD
	"END;"
	"CREATE TRIGGER ix.msg_removed AFTER DELETE ON msg BEGIN"
	"	UPDATE folder SET n_msgs = n_msgs - 1,"
	"		n_unread = n_unread - ((OLD.flags & 1) = 0) WHERE id = OLD.folder;"
	LEAVES_THREAD
	"END;"
	"CREATE TRIGGER ix.msg_rethreaded AFTER UPDATE OF thread ON msg"
	"	WHEN OLD.thread <> NEW.thread BEGIN"
	LEAVES_THREAD JOINS_THREAD
	"END;"
	"CREATE TRIGGER ix.msg_seen AFTER UPDATE OF flags ON msg"
	"	WHEN (OLD.flags & 1) <> (NEW.flags & 1) BEGIN"
	"	UPDATE folder SET n_unread = n_unread + (OLD.flags & 1) - (NEW.flags & 1)"
	"		WHERE id = NEW.folder;"
	"	UPDATE thread_head SET n_unread = n_unread + (OLD.flags & 1) - (NEW.flags & 1)"
	"		WHERE thread = NEW.thread AND folder = NEW.folder;"
	"END;"
	/* A thread without a message left is forgotten with all ids it was known by. */
	"CREATE TRIGGER ix.thread_ended AFTER DELETE ON thread_head"
	"	WHEN NOT EXISTS (SELECT 1 FROM thread_head WHERE thread = OLD.thread) BEGIN"
	"	DELETE FROM mid WHERE thread = OLD.thread;"
	"END;",

	/* Rows that come are counted by who inserts them (messages.c). */
	"DROP TRIGGER ix.msg_added;",
	/* Who wrote, and who is in To and Cc of sent mail. */
	"CREATE TABLE ix.person (id INTEGER PRIMARY KEY,"
	"	addr TEXT NOT NULL UNIQUE COLLATE NOCASE, name TEXT NOT NULL,"
	"	words TEXT NOT NULL, n_from INTEGER NOT NULL, n_to INTEGER NOT NULL,"
	"	last INTEGER NOT NULL);"
	/* Of those who count, so that the many who wrote once cost nothing in it. */
	"CREATE INDEX ix.person_best ON person (n_from) WHERE n_from >= 8 OR n_to > 0;"
	"CREATE TABLE ix.person_word (word TEXT NOT NULL, person INTEGER NOT NULL,"
	"	PRIMARY KEY (word, person)) WITHOUT ROWID;",
};

static int
version(struct store *s, bool is_index)
{
	return (int)(is_index ? db_int(s, "PRAGMA ix.user_version", "")
		: db_int(s, "PRAGMA main.user_version", ""));
}

static enum err
refuse_newer(bool is_index, int v, int newest, struct error *e)
{
	return error_set(e, ERR_LOCAL,
		"%s was written by a newer release of dunlin (version %d, this one knows %d)",
		is_index ? "the cache" : "the mail store", v, newest);
}

enum err
schema_check(struct store *s, struct error *e)
{
	for (int is_index = 0; is_index < 2; is_index++) {
		int newest = is_index ? (int)LEN(index_steps) : (int)LEN(data_steps);
		int v = version(s, is_index);
		if (v > newest)
			return refuse_newer(is_index, v, newest, e);
		if (v < newest)
			return error_set(e, ERR_LOCAL, "there is no mail store yet");
	}
	return ERR_OK;
}

/* Several processes may start at once: the version is asked again under the lock. */
enum err
schema_migrate(struct store *s, const char *schema, struct error *e)
{
	bool is_index = str_eq(schema, "ix");
	const char *const *steps = is_index ? index_steps : data_steps;
	int newest = is_index ? (int)LEN(index_steps) : (int)LEN(data_steps);
	enum err rc;

	if (version(s, is_index) == newest)
		return ERR_OK;
	if ((rc = db_script(s, "BEGIN IMMEDIATE", e)) != ERR_OK)
		return rc;
	int v = version(s, is_index);
	if (v > newest)
		rc = refuse_newer(is_index, v, newest, e);
	for (; rc == ERR_OK && v < newest; v++) {
		char pragma[64];
		snprintf(pragma, sizeof pragma, "PRAGMA %s.user_version = %d", schema, v + 1);
		if ((rc = db_script(s, steps[v], e)) == ERR_OK)
			rc = db_script(s, pragma, e);
		if (rc == ERR_OK && is_index && v == BEFORE_PEOPLE)
			rc = people_recount(s, e);
	}
	if (rc == ERR_OK)
		rc = db_script(s, "COMMIT", e);
	if (rc != ERR_OK)
		sqlite3_exec(s->db->h, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}
