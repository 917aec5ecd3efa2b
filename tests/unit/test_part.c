/* The tree of parts: sections, what is read, what is attached, the flat form. */
#include "part.h"
#include "test.h"

static struct part *
add(struct arena *a, struct part *parent, const char *type)
{
	struct part *p = part_new(a, parent);

	p->type = type;
	return p;
}

/* mixed( alternative(plain, html), message(mixed(plain, image)), message(plain), pdf ) */
static struct part *
sample(struct arena *a)
{
	struct part *root = add(a, NULL, "multipart/mixed");
	struct part *alt = add(a, root, "multipart/alternative");
	add(a, alt, "text/plain");
	add(a, alt, "text/html");
	struct part *inner = add(a, add(a, root, "message/rfc822"), "multipart/mixed");
	add(a, inner, "text/plain");
	add(a, inner, "image/png");
	add(a, add(a, root, "message/rfc822"), "text/plain");
	struct part *pdf = add(a, root, "application/pdf");
	pdf->filename = "a\tb%\n.pdf";
	pdf->disposition = DISP_ATTACHMENT;
	pdf->size_bytes = UINT64_MAX / 100;
	part_number(a, root);
	return root;
}

/* Sections are those that RFC 9051 6.4.5.1 gives: a message's own multipart is no level. */
static void
test_sections_are_those_of_imap(void **state)
{
	(void)state;
	static const char *const want[] = { "", "1", "1.1", "1.2", "2", "2.TEXT", "2.1", "2.2",
		"3", "3.1", "4" };
	struct arena a = {0};
	const struct part *p = sample(&a);

	for (size_t i = 0; i < LEN(want); i++, p = part_next(p)) {
		assert_non_null(p);
		assert_string_equal(want[i], p->section);
		assert_int_equal(i, p->index);
	}
	assert_null(p);
	arena_clear(&a);
}

static void
test_single_part_is_section_one(void **state)
{
	(void)state;
	struct arena a = {0};
	struct part *p = add(&a, NULL, "text/plain");

	part_number(&a, p);
	assert_string_equal("1", p->section);
	assert_null(part_next(p));
	arena_clear(&a);
}

/* Of an alternative one part is read, of a forwarded message its text. */
static void
test_readable_chooses_one_of_each_alternative(void **state)
{
	(void)state;
	struct arena a = {0};
	const struct part *root = sample(&a), *out[10];

	assert_int_equal(3, part_readable(root, false, out, 10));
	assert_string_equal("1.1", out[0]->section);
	assert_string_equal("2.1", out[1]->section);
	assert_string_equal("3.1", out[2]->section);
	assert_int_equal(3, part_readable(root, true, out, 10));
	assert_string_equal("1.2", out[0]->section);
	assert_int_equal(1, part_readable(root, true, out, 1));
	arena_clear(&a);
}

/* When and where stands before the text; the same again as a file is not shown twice; an answer
 * quotes neither; and what is only there as a file is shown. */
static void
test_invitation_is_read_once_before_its_text(void **state)
{
	(void)state;
	struct arena a = {0};
	struct part *root = add(&a, NULL, "multipart/mixed");
	struct part *alt = add(&a, root, "multipart/alternative");
	const struct part *out[10];

	add(&a, alt, "text/plain");
	add(&a, alt, "text/html");
	add(&a, alt, "text/calendar");
	struct part *file = add(&a, root, "application/ics");
	file->disposition = DISP_ATTACHMENT;
	part_number(&a, root);
	assert_int_equal(2, part_readable(root, false, out, 10));
	assert_string_equal("1.3", out[0]->section);
	assert_string_equal("1.1", out[1]->section);
	assert_int_equal(1, part_readable(root, false, out, 1));
	assert_int_equal(1, part_texts(root, false, out, 10));
	assert_string_equal("1.1", out[0]->section);
	alt->last->type = "text/x-other";
	assert_int_equal(2, part_readable(root, false, out, 10));
	assert_string_equal("2", out[1]->section);
	file->size_bytes = 1 << 20;
	assert_int_equal(1, part_readable(root, false, out, 10));
	arena_clear(&a);
}

/* The returned message of a bounce is not read again; the report on it is. */
static void
test_report_is_read_without_the_returned_message(void **state)
{
	(void)state;
	struct arena a = {0};
	struct part *root = add(&a, NULL, "multipart/report");
	const struct part *out[10];

	add(&a, root, "text/plain");
	add(&a, root, "message/delivery-status");
	add(&a, add(&a, root, "message/rfc822"), "text/plain");
	part_number(&a, root);
	assert_int_equal(2, part_readable(root, false, out, 10));
	assert_string_equal("2", out[1]->section);
	assert_false(part_is_attachment(out[1]));
	arena_clear(&a);
}

/* Pictures of an HTML mail and signatures are no attachments; what has a name is one. */
static void
test_attachments_are_what_people_call_so(void **state)
{
	(void)state;
	struct arena a = {0};
	struct part *root = add(&a, NULL, "multipart/signed");
	struct part *related = add(&a, root, "multipart/related");
	add(&a, related, "text/html");
	struct part *logo = add(&a, related, "image/png");
	logo->id = "logo@x";
	logo->filename = "logo.png";
	add(&a, root, "application/pgp-signature")->filename = "signature.asc";
	assert_false(part_has_attachment(root));
	struct part *named = add(&a, root, "text/plain");
	assert_false(part_is_attachment(named));
	named->filename = "notes.txt";
	assert_true(part_is_attachment(named));
	assert_true(part_has_attachment(root));
	arena_clear(&a);
}

/* What is written is read back the same, byte for byte. */
static void
test_flat_form_goes_round(void **state)
{
	(void)state;
	struct arena a = {0};
	struct str first = {0}, second = {0};

	part_format(&first, sample(&a));
	struct part *again = part_parse(&a, first.data, first.len);
	assert_non_null(again);
	part_format(&second, again);
	assert_string_equal(first.data, second.data);
	assert_string_equal("a\tb%\n.pdf", part_find(again, "4")->filename);
	str_clear(&first);
	str_clear(&second);
	arena_clear(&a);
}

/* Whatever byte of the file is damaged, reading it ends with a tree or with NULL. */
static void
test_damaged_form_is_refused_or_read(void **state)
{
	(void)state;
	static const char bytes[] = { '\0', '\t', '\n', '9', '%', 'z' };
	struct arena a = {0};
	struct str s = {0};

	part_format(&s, sample(&a));
	assert_null(part_parse(&a, "", 0));
	assert_null(part_parse(&a, "parts 1\n", 8));
	assert_null(part_parse(&a, s.data, s.len - 1));
	for (size_t i = 0; i < s.len; i++) {
		for (size_t k = 0; k < LEN(bytes); k++) {
			struct arena b = {0};
			char was = s.data[i];
			s.data[i] = bytes[k];
			struct part *p = part_parse(&b, s.data, s.len);
			assert_true(!p || part_depth(p) == 0);
			s.data[i] = was;
			arena_clear(&b);
		}
	}
	str_clear(&s);
	arena_clear(&a);
}

/* 5,000 parts side by side are built, written and read in linear time; one more is refused. */
static void
test_form_is_bounded(void **state)
{
	(void)state;
	struct arena a = {0};
	struct str s = {0};
	struct part *root = add(&a, NULL, "multipart/mixed");

	for (int i = 1; i < PART_MAX_COUNT; i++)
		add(&a, root, "text/plain");
	part_number(&a, root);
	part_format(&s, root);
	assert_non_null(part_parse(&a, s.data, s.len));
	add(&a, root, "text/plain");
	str_cut(&s, 0);
	part_format(&s, root);
	assert_null(part_parse(&a, s.data, s.len));
	str_clear(&s);
	arena_clear(&a);
}

TEST_MAIN(T(test_sections_are_those_of_imap), T(test_single_part_is_section_one),
	T(test_readable_chooses_one_of_each_alternative),
	T(test_invitation_is_read_once_before_its_text),
	T(test_report_is_read_without_the_returned_message),
	T(test_attachments_are_what_people_call_so), T(test_flat_form_goes_round),
	T(test_damaged_form_is_refused_or_read), T(test_form_is_bounded))
