/* test_look.c - what the screen knows again after a restart. */
#include "ui/look.h"
#include "views_fixture.h"

/* What is printed is read back; what is as the mailrc says is not printed; nonsense is passed
 * over. */
static void
test_text(void **state)
{
	struct look k = { .order = ORDER_SIZE, .is_reverse = true, .is_all_folded = true,
		.folds = { 5, INT64_MAX }, .n_folds = 2 };
	struct look plain = { .has_threads = true }, back = plain;
	struct str s = { 0 };

	(void)state;
	look_print(&s, &plain, &plain);
	assert_string_equal("", str_get(&s));
	look_print(&s, &k, &plain);
	assert_string_equal("sort=-size threads=no folded=all folds=5,9223372036854775807",
		str_get(&s));
	look_parse(&back, str_get(&s));
	assert_memory_equal(&k, &back, sizeof k);
	look_parse(&back, "sort= sort=- =x threads folds=1,x,3 folds folded=some colour=red");
	assert_int_equal(1, back.n_folds);
	assert_int_equal(ORDER_SIZE, back.order);
	str_cut(&s, 0);
	str_puts(&s, "folds=1");
	for (int i = 0; i < 2 * LOOK_FOLDS_MAX; i++)
		str_puts(&s, ",7");
	look_parse(&back, str_get(&s));
	assert_int_equal(LOOK_FOLDS_MAX, back.n_folds);
	str_clear(&s);
}

/* How a folder was sorted is known after a restart, of each folder by itself; what is as the
 * mailrc says is not kept. */
static void
test_order_is_kept(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "o-size<Enter>");
	TITLE_HAS(f, "by size, reversed");
	press(f->u, "cLists/dev<Enter>osender<Enter>");
	press(f->u, "cArchive<Enter>");
	assert_false(shows(f, "by s"));
	restart(f, "inbox");
	TITLE_HAS(f, "INBOX  by size, reversed");
	press(f->u, "cLists/dev<Enter>");
	TITLE_HAS(f, "Lists/dev  by sender");
	press(f->u, "odate<Enter>");
	char *name = xasprintf("look.%u.Lists/dev", f->account);
	assert_null(store_value(f->s, name));
	free(name);
	end(f);
}

/* The mailrc says how lists are ordered until the person says otherwise. */
static void
test_order_of_the_rc(void **state)
{
	struct fx *f = begin_with("[mail]\nsort = -subject\n", 24, 80);

	(void)state;
	TITLE_HAS(f, "by subject, reversed");
	press(f->u, "odate<Enter>");
	restart(f, "inbox");
	assert_false(shows(f, "by subject"));
	end(f);
}

/* Threads, a folded one and all of them folded but one are so again after a restart. */
static void
test_folds_are_kept(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "gtjz");
	assert_true(shows(f, "▸3"));
	restart(f, "inbox");
	assert_true(shows(f, "▸3"));
	press(f->u, "Z");
	restart(f, "inbox");
	assert_true(shows(f, "▸3"));
	press(f->u, "jz");			/* all but this one */
	assert_false(shows(f, "▸3"));
	restart(f, "inbox");
	assert_false(shows(f, "▸3"));
	press(f->u, "jz");
	assert_true(shows(f, "▸3"));
	press(f->u, "gt");
	restart(f, "inbox");
	assert_false(shows(f, "▸3"));
	assert_false(shows(f, "└─"));
	end(f);
}

/* The program begins where it was left; where that folder is gone, in the inbox. */
static void
test_last_folder(void **state)
{
	struct fx *f = begin(24, 80);
	folder_id keep[1] = { f->inbox };

	(void)state;
	restart(f, "last");
	TITLE_HAS(f, "work/INBOX");
	press(f->u, "cLists/dev<Enter>");
	restart(f, "last");
	TITLE_HAS(f, "work/Lists/dev");
	restart(f, "work/Archive");
	TITLE_HAS(f, "work/Archive");
	restart(f, NULL);
	TITLE_HAS(f, "work/INBOX");
	restart(f, "nowhere");
	TITLE_HAS(f, "work/INBOX");
	BOTTOM_HAS(f, "there is no folder 'nowhere'");
	OK(store_folders_keep_only(f->s, f->account, keep, 1, NULL));
	restart(f, "last");
	TITLE_HAS(f, "work/INBOX");
	end(f);
}

/* What is folded away in the list of folders stays so, and the cursor begins on what hides the
 * folder one comes from. */
static void
test_folder_folds_are_kept(void **state)
{
	struct fx *f = begin(24, 80);

	(void)state;
	press(f->u, "cLists/dev<Enter>yggz");
	assert_false(shows(f, "dev"));
	restart(f, "last");
	TITLE_HAS(f, "Lists/dev");
	press(f->u, "y");
	assert_false(shows(f, "dev"));
	press(f->u, "z");
	assert_true(shows(f, "dev"));
	end(f);
}

TEST_MAIN(T(test_text), T(test_order_is_kept), T(test_order_of_the_rc), T(test_folds_are_kept),
	T(test_last_folder), T(test_folder_folds_are_kept))
