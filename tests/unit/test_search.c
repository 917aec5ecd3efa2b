/* The index of words: what is found, and what becomes of it when it is damaged or foreign. */
#include "search.h"
#include "store_fixture.h"

static struct search *
open_search(struct fixture *fx)
{
	struct search *x;

	OK(search_open(&x, fx->s, STORE_WRITE, &fx->e));
	return x;
}

static void
add(struct fixture *fx, struct search *x, uint32_t uid, const char *text)
{
	OK(search_add(x, msg_id_of(fx->inbox, uid), text, strlen(text), &fx->e));
}

/* The UIDs of the folder that have the words, as text. */
static const char *
found(struct fixture *fx, struct search *x, folder_id folder, const char *words)
{
	struct uidset uids = { 0 };
	struct str s = { 0 };

	OK(search_find(x, folder, words, &uids, &fx->e));
	uidset_format(&s, &uids);
	const char *copy = arena_strdup(&fx->a, str_get(&s));
	str_clear(&s);
	uidset_clear(&uids);
	return copy;
}

static void
test_words_are_found(void **state)
{
	struct fixture *fx = *state;
	struct search *x = open_search(fx);

	add(fx, x, 1, "The annual report is ready.\nSee \"chapter two\".");
	add(fx, x, 2, "Annual leave; report to Ada");
	add(fx, x, 7, "Der Bericht über Ärzte");
	assert_string_equal("1:2", found(fx, x, fx->inbox, "annual"));
	assert_string_equal("1:2", found(fx, x, fx->inbox, "REPO"));
	assert_string_equal("1", found(fx, x, fx->inbox, "annual report"));
	assert_string_equal("1", found(fx, x, fx->inbox, "annual rep"));
	assert_string_equal("1", found(fx, x, fx->inbox, "chapter two"));
	assert_string_equal("7", found(fx, x, fx->inbox, "uber arzte"));
	assert_string_equal("7", found(fx, x, fx->inbox, "ÄRZTE"));
	assert_string_equal("", found(fx, x, fx->inbox, "nnual"));
	assert_string_equal("", found(fx, x, fx->trash, "annual"));
	search_close(x);
}

/* What a person types is words, never a query of FTS5. */
static void
test_operators_are_words(void **state)
{
	struct fixture *fx = *state;
	struct search *x = open_search(fx);

	add(fx, x, 1, "this or that");
	add(fx, x, 2, "this and that NEAR here");
	assert_string_equal("1", found(fx, x, fx->inbox, "this OR that"));
	assert_string_equal("2", found(fx, x, fx->inbox, "that near"));
	assert_string_equal("", found(fx, x, fx->inbox, "\"*"));
	assert_string_equal("", found(fx, x, fx->inbox, "words:that"));
	assert_string_equal("1:2", found(fx, x, fx->inbox, "that*"));
	assert_string_equal("", found(fx, x, fx->inbox, ""));
	assert_string_equal("", found(fx, x, fx->inbox, "---"));
	search_close(x);
}

static void
test_scripts_without_spaces(void **state)
{
	struct fixture *fx = *state;
	struct search *x = open_search(fx);

	add(fx, x, 1, "会議の議事録を送ります");
	add(fx, x, 2, "สวัสดีชาวโลก");
	add(fx, x, 3, "議会の記録");
	assert_string_equal("1", found(fx, x, fx->inbox, "議事録"));
	assert_string_equal("1", found(fx, x, fx->inbox, "送り"));
	assert_string_equal("2", found(fx, x, fx->inbox, "ชาว"));
	assert_string_equal("3", found(fx, x, fx->inbox, "議会"));
	search_close(x);
}

static void
test_bytes_of_any_kind(void **state)
{
	struct fixture *fx = *state;
	struct search *x = open_search(fx);
	static const char bytes[] = "before\0middle\xff\xfe\xc3(\"after";
	struct uidset covered = { 0 };

	OK(search_add(x, msg_id_of(fx->inbox, 4), bytes, sizeof bytes - 1, &fx->e));
	add(fx, x, 5, "");
	assert_string_equal("4", found(fx, x, fx->inbox, "middle"));
	assert_string_equal("4", found(fx, x, fx->inbox, "after"));
	OK(search_covered(x, fx->inbox, 1, UINT32_MAX, &covered, &fx->e));
	assert_int_equal(2, uidset_count(&covered));
	uidset_clear(&covered);
	search_close(x);
}

static void
test_each_message_once(void **state)
{
	struct fixture *fx = *state;
	struct search *x = open_search(fx), *other = open_search(fx);

	add(fx, x, 1, "first");
	add(fx, other, 1, "second");
	assert_string_equal("1", found(fx, x, fx->inbox, "first"));
	assert_string_equal("", found(fx, x, fx->inbox, "second"));
	OK(search_begin(x, &fx->e));
	add(fx, x, 2, "third");
	search_rollback(x);
	assert_string_equal("", found(fx, other, fx->inbox, "third"));
	search_close(other);
	search_close(x);
}

static void
test_answers_are_kept(void **state)
{
	struct fixture *fx = *state;
	struct search *x = open_search(fx), *reader;
	struct search_answer a = { .is_complete = true }, b;

	uidset_add_range(&a.uids, 3, 9);
	OK(search_answer_put(x, fx->inbox, "annual rep", &a, &fx->e));
	OK(search_open(&reader, fx->s, STORE_READ, &fx->e));
	assert_true(search_answer(reader, fx->inbox, "annual rep", &b));
	assert_int_equal(7, uidset_count(&b.uids));
	assert_true(b.is_complete);
	uidset_clear(&b.uids);
	assert_false(search_answer(reader, fx->trash, "annual rep", &b));
	assert_false(search_answer(reader, fx->inbox, "annual", &b));
	uidset_clear(&a.uids);
	a.is_complete = false;
	OK(search_answer_put(x, fx->inbox, "annual rep", &a, &fx->e));
	assert_true(search_answer(reader, fx->inbox, "annual rep", &b));
	assert_int_equal(0, uidset_count(&b.uids));
	assert_false(b.is_complete);
	search_close(reader);
	search_close(x);
}

static void
test_wiped_is_empty_and_usable(void **state)
{
	struct fixture *fx = *state;
	struct search *x = open_search(fx);

	add(fx, x, 1, "first");
	assert_true(search_bytes(x) > 0);
	OK(search_wipe(x, &fx->e));
	assert_string_equal("", found(fx, x, fx->inbox, "first"));
	add(fx, x, 1, "first");
	assert_string_equal("1", found(fx, x, fx->inbox, "first"));
	search_close(x);
}

/* A file of nonsense, and one that belongs to other mail, are begun anew. */
static void
test_damaged_or_foreign_is_begun_anew(void **state)
{
	struct fixture *fx = *state;
	char *path = path_join(fx->cache, "search.db"), *data2 = path_join(fx->dir, "data2");
	struct search *x = open_search(fx);
	struct store *other;

	add(fx, x, 1, "first");
	search_close(x);
	OK(store_open(&other, data2, fx->cache, STORE_WRITE, &fx->e));
	assert_int_equal(ERR_LOCAL, search_open(&x, other, STORE_READ, &fx->e));
	OK(search_open(&x, other, STORE_WRITE, &fx->e));
	assert_string_equal("", found(fx, x, fx->inbox, "first"));
	search_close(x);
	store_close(other);

	OK(file_write_atomic(path, "no database at all, but long enough to be looked at", 51,
		&fx->e));
	OK(search_open(&x, fx->s, STORE_WRITE, &fx->e));
	add(fx, x, 1, "first");
	assert_string_equal("1", found(fx, x, fx->inbox, "first"));
	search_close(x);
	free(path);
	free(data2);
}

static void
test_file_is_private(void **state)
{
	struct fixture *fx = *state;
	char *path = path_join(fx->cache, "search.db");
	struct stat st;

	search_close(open_search(fx));
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 0777);
	free(path);
}

TEST_MAIN(FX(test_file_is_private), FX(test_words_are_found), FX(test_operators_are_words),
	FX(test_scripts_without_spaces),
	FX(test_bytes_of_any_kind), FX(test_each_message_once), FX(test_answers_are_kept),
	FX(test_wiped_is_empty_and_usable), FX(test_damaged_or_foreign_is_begun_anew))
