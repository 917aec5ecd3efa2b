/* people.c - see people.h.
 *
 * Finding stays quick in three steps. Those written to are few, and all are looked at. Of
 * the others, who wrote most often are looked at first, which is enough for the one or
 * two letters that fit nearly everybody; where those do not fill the list, the index of
 * words leads to the rare ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "people_db.h"
#include "utf8.h"

enum {
	LOOK_AT_BEST = 5000,
	LOOK_AT_RARE = 3000,
	ENOUGH = 200,
	DAY_S = 86400
};

/* ---- finding ---- */

struct found {
	struct person p;
	double score;
};

struct search {
	const struct store *s;
	struct arena *a;
	int64_t now;
	struct str typed;		/* " ada ex" */
	struct found *v;
	size_t n, cap;
};

/* A mail counts half as much after two months. */
static double
weigh(const struct search *x, const struct person *p)
{
	double age_days = x->now > p->last ? (double)(x->now - p->last) / DAY_S : 0;
	double fresh = 1 / (1 + age_days / 60);
	double to = p->n_to < 1000 ? p->n_to : 1000;
	double from = p->n_from < 1000 ? p->n_from : 1000;

	return (p->n_to ? 2000 : 0) + (to + from / 100) * fresh;
}

/* Columns: name, addr, n_to, n_from, last, words. */
static void
take_row(struct search *x, sqlite3_stmt *st)
{
	const char *words = (const char *)sqlite3_column_text(st, 5);
	const char *addr = (const char *)sqlite3_column_text(st, 1);

	if (!words || !addr || !text_words_fit(words, str_get(&x->typed)))
		return;
	struct person p = { .name = db_text(st, 0, x->a), .addr = db_text(st, 1, x->a),
		.n_to = (uint32_t)sqlite3_column_int64(st, 2),
		.n_from = (uint32_t)sqlite3_column_int64(st, 3),
		.last = sqlite3_column_int64(st, 4) };
	for (size_t i = 0; i < x->n; i++) {
		struct person *q = &x->v[i].p;
		if (!str_ieq(q->addr, p.addr))
			continue;
		/* The copy in Sent is the mail that went out from here: not counted twice. */
		q->n_to = q->n_to > p.n_to ? q->n_to : p.n_to;
		q->n_from = q->n_from > p.n_from ? q->n_from : p.n_from;
		q->last = q->last > p.last ? q->last : p.last;
		q->name = *q->name ? q->name : p.name;
		x->v[i].score = weigh(x, q);
		return;
	}
	x->v = array_grow(x->v, x->n, &x->cap, sizeof *x->v);
	x->v[x->n++] = (struct found){ p, weigh(x, &p) };
}

static void
take_all(struct search *x, sqlite3_stmt *st, size_t enough)
{
	while (db_row(x->s, st)) {
		take_row(x, st);
		if (x->n >= enough) {
			db_done(st);
			return;
		}
	}
}

/* The longest of the words typed, which the fewest have. */
static void
longest_word(const struct search *x, char out[PEOPLE_WORD_BYTES + 1])
{
	size_t best = 0;

	for (const char *p = str_get(&x->typed); *p; ) {
		size_t n = strcspn(p + 1, " ");
		if (n > best) {
			best = n < PEOPLE_WORD_BYTES ? n : PEOPLE_WORD_BYTES;
			memcpy(out, p + 1, best);
			out[best] = '\0';
		}
		p += 1 + n;
	}
}

static int
by_score(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return strcmp(x->p.addr, y->p.addr);
}

size_t
people_find(const struct store *s, const char *typed, int64_t now, size_t max, struct arena *a,
	struct person **out)
{
	struct search x = { .s = s, .a = a, .now = now };
	char word[PEOPLE_WORD_BYTES + 1] = "", end[PEOPLE_WORD_BYTES + 8];

	*out = NULL;
	text_words(&x.typed, typed, PEOPLE_MAX_WORDS);
	if (x.typed.len > 0) {
		longest_word(&x, word);
		snprintf(end, sizeof end, "%s\xf4\x8f\xbf\xbf", word);
		take_all(&x, db_query(s, "SELECT name, addr, n, 0, last, words FROM wrote",
			""), SIZE_MAX);
		take_all(&x,
			db_query(s,
			"SELECT name, addr, n_to, n_from, last, words FROM person "
			"WHERE n_from >= 8 OR n_to > 0 ORDER BY n_from DESC LIMIT ?", "i",
			(int64_t)LOOK_AT_BEST), x.n + ENOUGH);
		if (x.n < max)
			take_all(&x,
				db_query(s,
				"SELECT p.name, p.addr, p.n_to, p.n_from, p.last, p.words "
				"FROM (SELECT DISTINCT person FROM person_word "
				"WHERE word >= ? AND word < ? LIMIT ?) w "
				"JOIN person p ON p.id = w.person",
				"ssi", word, end, (int64_t)LOOK_AT_RARE), SIZE_MAX);
	}
	if (x.n > 0)
		qsort(x.v, x.n, sizeof *x.v, by_score);
	if (x.n > max)
		x.n = max;
	*out = arena_alloc(a, x.n * sizeof **out + 1);
	for (size_t i = 0; i < x.n; i++)
		(*out)[i] = x.v[i].p;
	free(x.v);
	str_clear(&x.typed);
	return x.n;
}

/* ---- writing ---- */

enum err
people_wrote(struct store *s, const struct person *v, size_t n, int64_t now, struct error *e)
{
	enum err rc = tx_open(s, DB_DATA, e);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		if (!people_is_kept(v[i].addr))
			continue;
		char *words = people_words(&v[i]);
		rc = db_run(s, e,
			"INSERT INTO wrote (addr, name, words, n, last) "
			"VALUES (?1, ?2, ?3, 1, ?4) "
			"ON CONFLICT (addr) DO UPDATE SET n = n + 1, last = max(last, ?4), "
			"name = CASE WHEN ?2 <> '' THEN ?2 ELSE name END, "
			"words = CASE WHEN ?2 <> '' THEN ?3 ELSE words END", "sssi", v[i].addr,
			v[i].name, words, now);
		free(words);
	}
	return tx_close(s, rc, e);
}

/* ---- short names ---- */

size_t
people_short_names(const struct store *s, struct arena *a, struct short_name **out)
{
	sqlite3_stmt *st = db_query(s, "SELECT name, value FROM short_name ORDER BY name", "");
	struct short_name *v = NULL;
	size_t n = 0, cap = 0;

	while (db_row(s, st)) {
		v = array_grow(v, n, &cap, sizeof *v);
		v[n++] = (struct short_name){ db_text(st, 0, a), db_text(st, 1, a) };
	}
	*out = arena_take(a, v, n * sizeof *v);
	return n;
}

static bool
is_short_name(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)name[i] <= ' ' || strchr(",;:<>()\"@\\\x7f", name[i]))
			return false;
	}
	return n > 0 && n <= 100 && utf8_valid(name, n);
}

enum err
people_name(struct store *s, const char *name, const char *value, struct error *e)
{
	if (!is_short_name(name))
		return error_set(e, ERR_MSG,
			"'%s' cannot be a short name: letters and digits, no space", name);
	enum err rc = tx_open(s, DB_DATA, e);
	if (rc != ERR_OK)
		return rc;
	rc = value
		? db_run(s, e, "INSERT INTO short_name VALUES (?, ?) ON CONFLICT DO UPDATE SET"
			" value = excluded.value", "ss", name, value)
		: db_run(s, e, "DELETE FROM short_name WHERE name = ?", "s", name);
	if (rc == ERR_OK && sqlite3_changes(s->db->h) == 0)
		rc = error_set(e, ERR_MSG, "there is no short name '%s'", name);
	rc = tx_close(s, rc, e);
	return rc == ERR_OK ? store_sync(s, e) : rc;
}
