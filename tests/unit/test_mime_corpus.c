/* Real and damaged mail of the corpus beside the checkout: skipped where that is absent. */
#include <dirent.h>
#include <libxml/parser.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "mime.h"
#include "path.h"
#include "test.h"
#include "utf8.h"

enum { MAX_FILE_BYTES = 64 << 20 };

static const char *
corpus(void)
{
	const char *dir = getenv("DUNLIN_CORPUS");

	if (!dir)
		dir = "../shared/corpus";
	if (access(dir, R_OK) < 0)
		skip();
	return dir;
}

/* ---- every message is read, printed and clean ---- */

static void
assert_clean(const char *file, const char *s, size_t n, int columns)
{
	struct str clean = {0};

	if (!utf8_valid(s, n))
		fail_msg("%s: not UTF-8: %s", file, s);
	text_clean(&clean, s, n, CLEAN_LINE);
	if (strlen(s) != n || strcmp(str_get(&clean), s) != 0)
		fail_msg("%s: not clean: %s", file, s);
	if (columns && text_width(s, n) > columns)
		fail_msg("%s: wider than %d: %s", file, columns, s);
	str_clear(&clean);
}

static void
show_one(const char *file, const char *raw, size_t n, int columns)
{
	struct mime_msg *m;
	struct lines lines = {0};

	assert_int_equal(ERR_OK, mime_parse(&m, raw, n, NULL));
	mime_show_text(&lines, m, raw, n, columns == 40, columns);
	for (size_t i = 0; i < lines.n; i++)
		assert_clean(file, lines.v[i].text, strlen(lines.v[i].text), columns);
	lines_clear(&lines);
	mime_free(m);
}

/* JSON as a grammar: enough to know that quotes, brackets and escapes are closed and nothing
 * raw is inside a string. */
static bool
json_is_sound(const char *s, size_t n)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < n; i++) {
		if (in_string && s[i] == '\\')
			i++;
		else if (in_string && (unsigned char)s[i] < ' ')
			return false;
		else if (s[i] == '"')
			in_string = !in_string;
		else if (!in_string && strchr("{[", s[i]))
			depth++;
		else if (!in_string && strchr("}]", s[i]) && --depth < 0)
			return false;
	}
	return depth == 0 && !in_string && utf8_valid(s, n);
}

static void
check_file(const char *file)
{
	struct arena a = {0};
	struct msg msg = { .arrived = 1 };
	struct str json = {0};
	struct mime_msg *m;
	char *raw;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&raw, &n, file, MAX_FILE_BYTES, NULL));
	mime_summary(&a, &msg, raw, mime_header_length(raw, n));
	const char *const all[] = { msg.from_name, msg.from_addr, msg.to, msg.cc, msg.subject,
		msg.message_id, msg.in_reply_to, msg.references, msg.list_id };
	for (size_t i = 0; i < LEN(all); i++)
		assert_true(utf8_valid(all[i], strlen(all[i])));
	show_one(file, raw, n, 80);
	show_one(file, raw, n, 40);
	assert_int_equal(ERR_OK, mime_parse(&m, raw, n, NULL));
	mime_show_json(&json, m, raw, n);
	if (!json_is_sound(json.data, json.len))
		fail_msg("%s: bad JSON", file);
	mime_free(m);
	str_clear(&json);
	arena_clear(&a);
	free(raw);
}

static size_t
check_tree(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	while (d && (e = readdir(d))) {
		struct stat st;
		if (e->d_name[0] == '.')
			continue;
		char *path = path_join(dir, e->d_name);
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			n += check_tree(path);
		} else {
			check_file(path);
			n++;
		}
		free(path);
	}
	if (d)
		closedir(d);
	return n;
}

static void
check_folder(const char *name)
{
	char *dir = path_join(corpus(), name);

	assert_true(check_tree(dir) > 0);
	free(dir);
}

/* Each file of the folder gives a summary, clean lines that fit 80 and
 * 40 columns, and sound JSON. */
#define FOLDER(test, name) \
	static void test(void **state) { (void)state; check_folder(name); }
FOLDER(test_mime_is_shown_clean, "mime")
FOLDER(test_malformed_is_shown_clean, "malformed")
FOLDER(test_html_is_shown_clean, "html")
FOLDER(test_bounces_are_shown_clean, "bounces")
FOLDER(test_lists_are_shown_clean, "lists")
FOLDER(test_mboxes_are_shown_clean, "mbox")
FOLDER(test_crashes_of_others_are_shown_clean, "libetpan-crashes")

/* ---- the trees that mime4j makes ---- */

struct compare {
	const char *dir;
	const struct mime_msg *m;
	char why[200];
};

static const xmlNode *
child(const xmlNode *n, const char *name)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_ELEMENT_NODE && strcmp((const char *)c->name, name) == 0)
			return c;
	}
	return NULL;
}

static bool
differ(struct compare *c, const struct part *p, const char *why)
{
	snprintf(c->why, sizeof c->why, "%s at '%s' (%s)", why, p->section, p->type);
	return false;
}

static void
drop_cr(struct str *s)
{
	size_t to = 0;

	for (size_t i = 0; i < s->len; i++) {
		if (s->data[i] != '\r')
			s->data[to++] = s->data[i];
	}
	str_cut(s, to);
}

static bool
same_leaf(struct compare *c, const xmlNode *body, const struct part *p)
{
	xmlChar *name = xmlGetProp((xmlNode *)body, (const xmlChar *)"name");
	char *path = path_join(c->dir, (const char *)name), *raw = NULL;
	struct str mine = {0}, theirs = {0};
	size_t n = 0;

	file_read(&raw, &n, path, MAX_FILE_BYTES, NULL);
	str_add(&theirs, raw ? raw : "", n);
	mime_part_bytes(c->m, p->section, &mine, SIZE_MAX);
	drop_cr(&mine);
	drop_cr(&theirs);
	bool same = mine.len == theirs.len && memcmp(str_get(&mine), str_get(&theirs),
		mine.len) == 0;
	str_clear(&mine);
	str_clear(&theirs);
	free(raw);
	free(path);
	xmlFree(name);
	return same || differ(c, p, "other bytes");
}

static bool
same_tree(struct compare *c, const xmlNode *entity, const struct part *p)
{
	const xmlNode *x;

	if ((x = child(entity, "multipart"))) {
		if (!part_is_multipart(p) || !p->child)
			return differ(c, p, "not a multipart");
		const struct part *mine = p->child;
		for (const xmlNode *b = x->children; b; b = b->next) {
			if (b->type != XML_ELEMENT_NODE ||
			    strcmp((const char *)b->name, "body-part") != 0)
				continue;
			if (!mine)
				return differ(c, p, "too few parts");
			if (!same_tree(c, b, mine))
				return false;
			mine = mine->next;
		}
		return !mine || differ(c, mine, "too many parts");
	}
	if ((x = child(entity, "message")))
		return part_is_message(p) && p->child ? same_tree(c, x, p->child)
			: differ(c, p, "not a message");
	if (p->child)
		return differ(c, p, "not a leaf");
	if ((x = child(entity, "text-body")) || (x = child(entity, "binary-body")))
		return same_leaf(c, x, p);
	return true;
}

static bool
agrees(const char *dir, const char *name)
{
	char *msg = path_join(dir, name), *raw;
	char *xml = xasprintf("%.*s_decoded.xml", (int)(strlen(msg) - 4), msg);
	struct mime_msg *m;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&raw, &n, msg, MAX_FILE_BYTES, NULL));
	assert_int_equal(ERR_OK, mime_parse(&m, raw, n, NULL));
	xmlDoc *doc = xmlReadFile(xml, NULL, XML_PARSE_RECOVER | XML_PARSE_NOERROR |
		XML_PARSE_NOWARNING | XML_PARSE_NONET);
	struct compare c = { dir, m, "" };
	bool same = doc && same_tree(&c, xmlDocGetRootElement(doc), mime_root(m));
	if (!same)
		print_message("differs: %s: %s\n", name, c.why);
	xmlFreeDoc(doc);
	mime_free(m);
	free(raw);
	free(xml);
	free(msg);
	return same;
}

/* Our tree and decoded leaves are those of mime4j but for damaged
 * messages that we read otherwise. */
static void
test_trees_agree_with_mime4j(void **state)
{
	(void)state;
	static const char *const folders[] = { "mime/mime4j/testmsgs",
		"mime/mime4j/mimetools-testmsgs" };
	int n = 0, same = 0;

	for (size_t i = 0; i < LEN(folders); i++) {
		char *dir = path_join(corpus(), folders[i]);
		DIR *d = opendir(dir);
		struct dirent *e;
		while (d && (e = readdir(d))) {
			size_t len = strlen(e->d_name);
			if (len < 5 || strcmp(e->d_name + len - 4, ".msg") != 0)
				continue;
			n++;
			same += agrees(dir, e->d_name);
		}
		closedir(d);
		free(dir);
	}
	print_message("%d of %d trees agree\n", same, n);
	assert_int_equal(80, n);
	assert_true(same >= 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_trees_agree_with_mime4j), T(test_mime_is_shown_clean),
		T(test_malformed_is_shown_clean), T(test_html_is_shown_clean),
		T(test_bounces_are_shown_clean), T(test_lists_are_shown_clean),
		T(test_mboxes_are_shown_clean), T(test_crashes_of_others_are_shown_clean),
	};

	mime_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
