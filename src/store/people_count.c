/* people_count.c - who wrote, and to whom, counted while messages come into the index.
 *
 * A row written for every message would be half of what indexing costs: so a tally is kept in
 * memory, and written with the commit that makes a few thousand messages full, or that ends a
 * run of them. What a crash takes of it is a little of how often somebody wrote. */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "people_db.h"
#include "utf8.h"

enum {
	MAX_ADDR_BYTES = 254,		/* RFC 5321 4.5.3.1.3 */
	TALLY_MSGS = 5000, TALLY_PEOPLE = 2048,
	FULL_BATCH = 100		/* a commit of fewer ends a run */
};

/* ---- what is kept ---- */

static bool
is_nobody(const char *addr)
{
	static const char *const names[] = { "noreply", "no-reply", "no_reply", "donotreply",
		"do-not-reply", "mailer-daemon", "bounce" };

	for (size_t i = 0; i < LEN(names); i++) {
		if (str_istarts(addr, names[i]))
			return true;
	}
	return false;
}

bool
people_is_kept(const char *addr)
{
	const char *at = strchr(addr, '@');

	if (!at || at == addr || !at[1] || strchr(at + 1, '@') ||
	    strlen(addr) > MAX_ADDR_BYTES)
		return false;
	for (const char *c = addr; *c; c++) {
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("<>(),;:\\\"[]", *c))
			return false;
	}
	return !is_nobody(addr);
}

/* " ada example ada example" of Ada Example <ada@example.org>: what stands behind the
 * last dot is of everybody. */
char *
people_words(const struct person *p)
{
	struct str s = { 0 };
	const char *dot = strrchr(p->addr, '.');
	char *addr = xstrndup(p->addr, dot &&
		dot > strchr(p->addr, '@') ? (size_t)(dot - p->addr) : strlen(p->addr));

	text_words(&s, p->name, PEOPLE_MAX_WORDS);
	text_words(&s, addr, PEOPLE_MAX_WORDS);
	free(addr);
	return str_take(&s);
}

static enum err
put_words(struct store *s, int64_t person, const char *words, struct error *e)
{
	enum err rc = ERR_OK;

	while (*words == ' ' && rc == ERR_OK) {
		char word[PEOPLE_WORD_BYTES + 1] = "";
		size_t n = strcspn(words + 1, " ");
		size_t cut = n < PEOPLE_WORD_BYTES ? n : PEOPLE_WORD_BYTES;
		while (cut > 0 && cut < n && ((unsigned char)words[1 + cut] & 0xc0) == 0x80)
			cut--;
		memcpy(word, words + 1, cut);
		rc = db_run(s, e, "INSERT OR IGNORE INTO person_word VALUES (?, ?)", "si",
			word, person);
		words += 1 + n;
	}
	return rc;
}

/* ---- counting as messages come ---- */

static enum err
add_person(struct store *s, const struct person *p, struct error *e)
{
	char *words = people_words(p);
	enum err rc = db_run(s, e, "INSERT INTO person (addr, name, words, n_from, n_to, last)"
		" VALUES (?, ?, ?, ?, ?, ?)", "sssuui", p->addr, p->name, words, p->n_from,
		p->n_to, p->last);

	if (rc == ERR_OK)
		rc = put_words(s, sqlite3_last_insert_rowid(s->db->h), words, e);
	free(words);
	return rc;
}

static enum err
rename_person(struct store *s, int64_t id, const struct person *p, struct error *e)
{
	char *words = people_words(p);
	enum err rc = db_run(s, e, "UPDATE person SET name = ?, words = ? WHERE id = ?", "ssi",
		p->name, words, id);

	if (rc == ERR_OK)
		rc = put_words(s, id, words, e);
	free(words);
	return rc;
}

static enum err
count_person(struct store *s, const struct person *p, struct error *e)
{
	sqlite3_stmt *st = db_query(s,
		"SELECT id, name = ?1, last FROM person WHERE addr = ?2", "ss", p->name,
		p->addr);

	if (!db_row(s, st))
		return add_person(s, p, e);
	int64_t id = sqlite3_column_int64(st, 0), last = sqlite3_column_int64(st, 2);
	bool is_new_name = !sqlite3_column_int(st, 1) && *p->name && p->last >= last;
	db_done(st);
	enum err rc = db_run(s, e,
		"UPDATE person SET n_from = n_from + ?, n_to = n_to + ?, last = max(last, ?) "
		"WHERE id = ?", "uuii", p->n_from, p->n_to, p->last, id);
	return rc == ERR_OK && is_new_name ? rename_person(s, id, p, e) : rc;
}

/* ---- the tally ---- */

struct tally {
	struct person *slots;		/* open addressing; addr NULL: free. Strings
					 * are in the arena */
	size_t n, n_slots;
	size_t n_msgs, n_batch;		/* since it was written; since the last commit */
	struct arena arena;
};

static size_t
hash_of(const char *addr)
{
	uint64_t h = HASH_START;

	for (; *addr; addr++) {
		char c = *addr >= 'A' && *addr <= 'Z' ? (char)(*addr + 32) : *addr;
		h = hash_bytes(h, &c, 1);
	}
	return (size_t)(h ^ h >> 32);
}

static struct person *
slot_of(const struct tally *t, const char *addr)
{
	size_t i = hash_of(addr) & (t->n_slots - 1);

	while (t->slots[i].addr && !str_ieq(t->slots[i].addr, addr))
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static void
add(struct tally *t, const char *name, const char *addr, bool is_to, int64_t when)
{
	if (!people_is_kept(addr))
		return;
	struct person *p = slot_of(t, addr);
	if (!p->addr) {
		*p = (struct person){ .addr = arena_strdup(&t->arena, addr), .name = "",
			.last = INT64_MIN };
		t->n++;
	}
	if (*name && (when >= p->last || !*p->name) && !str_eq(name, p->name))
		p->name = arena_strdup(&t->arena, name);
	p->last = when > p->last ? when : p->last;
	p->n_to += is_to;
	p->n_from += !is_to;
}

static void
empty(struct tally *t)
{
	memset(t->slots, 0, t->n_slots * sizeof *t->slots);
	arena_clear(&t->arena);
	t->n = t->n_msgs = 0;
}

static enum err
write_tally(struct store *s, struct error *e)
{
	struct tally *t = s->tally;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < t->n_slots && rc == ERR_OK; i++) {
		if (t->slots[i].addr)
			rc = count_person(s, &t->slots[i], e);
	}
	empty(t);
	return rc;
}

void
people_free(struct store *s)
{
	if (!s->tally)
		return;
	arena_clear(&s->tally->arena);
	free(s->tally->slots);
	free(s->tally);
}

/* ---- counting ---- */

static void
add_to(struct tally *t, const char *name, size_t n_name, const char *addr, size_t n_addr,
	int64_t when)
{
	char *copy = xstrndup(addr, n_addr), *called = xstrndup(name, n_name);

	add(t, called, copy, true, when);
	free(called);
	free(copy);
}

/* A list as in struct msg: "Name <addr>, addr"; a name may have commas in it. */
static void
add_list(struct tally *t, const char *list, int64_t when)
{
	const char *name = list;

	for (const char *p = list; *p && t->n < TALLY_PEOPLE; ) {
		size_t n = strcspn(p, ",<");
		if (p[n] == '<') {
			size_t n_addr = strcspn(p + n + 1, ">"),
				n_name = (size_t)(p + n - name);
			while (n_name > 0 && name[n_name - 1] == ' ')
				n_name--;
			add_to(t, name, n_name, p + n + 1, n_addr, when);
			p += n + 1 + n_addr;
			p += *p == '>';
			p += strspn(p, ", ");
			name = p;
			continue;
		}
		if (memchr(p, '@', n) && !memchr(p, ' ', n)) {	/* an address alone */
			add_to(t, "", 0, p, n, when);
			name = p + n + strspn(p + n, ", ");
		}
		p += n + strspn(p + n, ", ");
	}
}

static struct tally *
tally_of(struct store *s)
{
	if (!s->tally) {
		s->tally = xcalloc(1, sizeof *s->tally);
		s->tally->n_slots = TALLY_PEOPLE * 2;
		s->tally->slots = xcalloc(s->tally->n_slots, sizeof *s->tally->slots);
	}
	return s->tally;
}

enum err
people_count(struct store *s, const struct msg *m, struct error *e)
{
	struct tally *t = tally_of(s);
	enum folder_role role = (enum folder_role)db_int(s,
		"SELECT role FROM folder WHERE id = ?", "u", msg_folder(m->id));

	t->n_msgs++;
	t->n_batch++;
	if (role == ROLE_JUNK || role == ROLE_TRASH || role == ROLE_DRAFTS ||
	    (m->flags & (MSG_JUNK | MSG_DRAFT)))
		return ERR_OK;
	if (role == ROLE_SENT) {
		add_list(t, m->to, m->arrived);
		add_list(t, m->cc, m->arrived);
	} else {
		add(t, m->from_name, m->from_addr, false, m->arrived);
	}
	return t->n >= TALLY_PEOPLE ? write_tally(s, e) : ERR_OK;
}

enum err
people_commit(struct store *s, struct error *e)
{
	struct tally *t = s->tally;

	if (!t || t->n_msgs == 0)
		return ERR_OK;
	bool is_due = t->n_msgs >= TALLY_MSGS || t->n_batch < FULL_BATCH;
	t->n_batch = 0;
	return is_due ? write_tally(s, e) : ERR_OK;
}

/* An index from before people were counted. */
enum err
people_recount(struct store *s, struct error *e)
{
	enum err rc = db_script(s, "INSERT INTO person (addr, name, words, n_from, n_to, last)"
		" SELECT h.from_addr, max(h.from_name), '', count(*), 0, max(m.arrived)"
		" FROM head h JOIN msg m ON m.id = h.id JOIN folder f ON f.id = m.folder"
		" WHERE f.role NOT IN (2, 3, 5, 6) AND h.from_addr LIKE '%_@_%'"
		" GROUP BY h.from_addr COLLATE NOCASE", e);
	int64_t n = rc == ERR_OK ? db_int(s, "SELECT max(id) FROM person", "") : 0;
	sqlite3_stmt *sent = rc != ERR_OK ? NULL : db_query(s,
		"SELECT h.to_list || ', ' || h.cc_list, m.arrived FROM folder f "
		"JOIN msg m ON m.folder = f.id JOIN head h ON h.id = m.id "
		"WHERE f.role = 3", "");

	for (int64_t id = 1; id <= n && rc == ERR_OK; id++) {
		struct arena a = { 0 };
		sqlite3_stmt *st = db_query(s, "SELECT name, addr FROM person WHERE id = ?",
			"i", id);
		struct person p = { .name = "", .addr = "" };
		if (db_row(s, st)) {
			p = (struct person){ .name = db_text(st, 0, &a),
				.addr = db_text(st, 1, &a) };
			db_done(st);
		}
		rc = people_is_kept(p.addr) ? rename_person(s, id, &p, e)
			: db_run(s, e, "DELETE FROM person WHERE id = ?", "i", id);
		arena_clear(&a);
	}
	while (rc == ERR_OK && db_row(s, sent)) {
		struct tally *t = tally_of(s);
		add_list(t, (const char *)sqlite3_column_text(sent, 0),
			sqlite3_column_int64(sent, 1));
		if (t->n >= TALLY_PEOPLE)
			rc = write_tally(s, e);
	}
	db_done(sent);
	if (rc == ERR_OK && s->tally)
		rc = write_tally(s, e);
	return rc;
}
