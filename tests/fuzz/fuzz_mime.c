/* Any bytes are a message: parsed, listed and shown, what comes out is clean and fits. */
#include <string.h>

#include "fuzz.h"
#include "mime.h"
#include "part.h"
#include "seal.h"
#include "utf8.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	mime_init();
	return 0;
}

static void
check_lines(const struct lines *l, int columns)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *s = l->v[i].text;
		struct str clean = {0};
		must(utf8_valid(s, strlen(s)));
		text_clean(&clean, s, strlen(s), CLEAN_LINE);
		must(strcmp(str_get(&clean), s) == 0);
		must(text_width(s, strlen(s)) <= columns);
		str_clear(&clean);
	}
}

/* The flat form of any tree is read back as the same tree. */
static void
check_form(const struct part *root)
{
	struct arena a = {0};
	struct str once = {0}, twice = {0};

	part_format(&once, root);
	struct part *again = part_parse(&a, once.data, once.len);
	must(again != NULL);
	part_format(&twice, again);
	must(strcmp(once.data, twice.data) == 0);
	str_clear(&once);
	str_clear(&twice);
	arena_clear(&a);
}

static void
check_summary(const char *p, size_t n)
{
	struct arena a = {0};
	struct msg m = {0};

	mime_summary(&a, &m, p, mime_header_length(p, n));
	const char *all[] = { m.from_name, m.from_addr, m.to, m.cc, m.subject, m.message_id,
		m.in_reply_to, m.references, m.list_id };
	for (size_t i = 0; i < LEN(all); i++)
		must(utf8_valid(all[i], strlen(all[i])) && strlen(all[i]) <= 20000);
	arena_clear(&a);
}

/* As if every seal had been opened, and the message itself been in it. */
static void
check_seals(struct mime_msg *m, int columns)
{
	struct opened o = { .m = m, .sender = (char[]){ "" } };
	struct opened inside = { .m = m, .sender = (char[]){ "" } };
	struct lines l = {0};
	struct str s = {0};

	o.n = seal_find(o.v, mime_root(m), &o.is_more);
	must(o.n <= SEAL_MAX);
	for (size_t i = 0; i < o.n; i++) {
		must(o.v[i].part < o.v[i].end);
		mime_part_entity(m, o.v[i].part, &s, 1 << 20);
		o.v[i].state = i % 2 ? SEAL_OPEN : SEAL_FAILED;
		o.v[i].inside = i == 0 ? &inside : NULL;
	}
	opened_content(&o);
	opened_show(&l, &o, false, columns);
	check_lines(&l, columns);
	str_cut(&s, 0);
	opened_show_json(&s, &o);
	must(utf8_valid(s.data, s.len));
	str_clear(&s);
	lines_clear(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct mime_msg *m;
	struct lines l = {0};
	struct str json = {0};
	int columns = n ? 20 + data[n - 1] % 80 : 80;

	check_summary(p, n);
	must(mime_parse(&m, p, n, NULL) == ERR_OK);
	check_form(mime_root(m));
	mime_show_text(&l, m, p, n, n & 1, columns);
	check_lines(&l, columns);
	mime_show_json(&json, m, p, n);
	must(utf8_valid(json.data, json.len));
	str_clear(&json);
	lines_clear(&l);
	check_seals(m, columns);
	mime_free(m);
	return 0;
}
