/* query.c - a small expression over messages, parsed by recursive descent.
 *
 *	or    = and { "OR" and }
 *	and   = unary { ["AND"] unary }
 *	unary = { "-" | "NOT" } ( "(" or ")" | term )
 *	term  = word | "phrase" | prefix ":" [ word | "phrase" ]
 *
 * Length and depth are bounded, so that neither the parse nor a match (query_match.c) can run
 * the stack down. Values are folded once here; a match folds the fields of the message. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "query_impl.h"
#include "query_value.h"
#include "str.h"
#include "utf8.h"

enum { MAX_QUERY_BYTES = 4000, MAX_DEPTH = 60 };

struct parser {
	struct query *q;
	const char *p;
	int64_t now;
	int depth;
	struct error *e;
};

/* ---- words there are ---- */

static const struct state_word {
	const char *name;
	uint32_t flags, wanted;
	bool is_recent;
} states[] = {
	{ "unread", MSG_SEEN, 0, false },
	{ "read", MSG_SEEN, MSG_SEEN, false },
	{ "new", MSG_SEEN, 0, true },
	{ "flagged", MSG_FLAGGED, MSG_FLAGGED, false },
	{ "answered", MSG_ANSWERED, MSG_ANSWERED, false },
	{ "forwarded", MSG_FORWARDED, MSG_FORWARDED, false },
	{ "list", MSG_LIST, MSG_LIST, false },
	{ "draft", MSG_DRAFT, MSG_DRAFT, false },
	{ "deleted", MSG_DELETED, MSG_DELETED, false },
	{ "junk", MSG_JUNK, MSG_JUNK, false },
	{ "pending", MSG_PENDING, MSG_PENDING, false },
	{ "partial", MSG_HEADER_ONLY, MSG_HEADER_ONLY, false },
};
static const char *const state_names[] = { "unread", "read", "new", "flagged", "answered",
	"forwarded", "list", "draft", "deleted", "junk", "pending", "partial", NULL };
static const char *const has_names[] = { "attachment", NULL };
static const char *const day_names[] = { "today", "yesterday", NULL };

static const char *const known_words[] = { "from:", "to:", "cc:", "subject:", "list:",
	"is:unread", "is:read", "is:new", "is:flagged", "is:answered", "is:forwarded",
	"is:list", "is:draft", "is:deleted", "is:junk", "is:pending", "is:partial",
	"has:attachment", "body:", "in:", "before:", "after:", "on:", "larger:", "smaller:",
	NULL };

const char *const *
query_words(void)
{
	return known_words;
}

static enum err
unknown(struct parser *ps, const char *prefix, const char *word, const char *const *valid)
{
	const char *near = nearest_word(word, valid);

	if (near)
		return error_set(ps->e, ERR_LOCAL, "unknown '%s%s' (did you mean '%s%s'?)",
			prefix, word, prefix, near);
	if (valid[1])
		return error_set(ps->e, ERR_LOCAL, "unknown '%s%s' ('%s%s', '%s%s', ...)",
			prefix, word, prefix, valid[0], prefix, valid[1]);
	return error_set(ps->e, ERR_LOCAL, "unknown '%s%s' ('%s%s')", prefix, word, prefix,
		valid[0]);
}

/* ---- terms ---- */

static struct node *
node_new(struct parser *ps, enum op op)
{
	struct node *n = arena_alloc(&ps->q->arena, sizeof *n);

	n->op = op;
	return n;
}

static struct node *
node_range(struct parser *ps, enum op op, int64_t from, int64_t until)
{
	struct node *n = node_new(ps, op);

	n->from = from;
	n->until = until;
	return n;
}

static struct node *
term_text(struct parser *ps, const char *value, unsigned fields)
{
	struct node *n = node_new(ps, OP_TEXT);
	char *folded = text_fold(value);

	n->fields = fields;
	n->folded = arena_strdup(&ps->q->arena, folded);
	free(folded);
	return n;
}

/* The index of the word among those there are, the last of them perhaps new. */
static size_t
name_index(struct query *q, const char **names, size_t *n, const char *word)
{
	for (size_t i = 0; i < *n; i++)
		if (str_eq(names[i], word))
			return i;
	names[*n] = arena_strdup(&q->arena, word);
	return (*n)++;
}

static struct node *
term_body(struct parser *ps, const char *value, unsigned unused)
{
	struct node *n = node_new(ps, OP_BODY);

	(void)unused;
	if (!*value || strlen(value) > QUERY_BODY_BYTES) {
		error_set(ps->e, ERR_LOCAL, *value ? "'body:%.20s...' is too long"
			: "'body:' needs a word behind it", value);
		return NULL;
	}
	if (ps->q->n_bodies == QUERY_MAX_BODIES) {
		error_set(ps->e, ERR_LOCAL, "more than %d times 'body:'", QUERY_MAX_BODIES);
		return NULL;
	}
	n->name = name_index(ps->q, ps->q->bodies, &ps->q->n_bodies, value);
	return n;
}

static struct node *
term_place(struct parser *ps, const char *value, unsigned unused)
{
	struct node *n = node_new(ps, OP_PLACE);

	(void)unused;
	if (!*value) {
		error_set(ps->e, ERR_LOCAL, "'in:' needs a folder behind it");
		return NULL;
	}
	if (ps->q->n_places == QUERY_MAX_PLACES) {
		error_set(ps->e, ERR_LOCAL, "more than %d times 'in:'", QUERY_MAX_PLACES);
		return NULL;
	}
	n->name = name_index(ps->q, ps->q->places, &ps->q->n_places, value);
	return n;
}

static struct node *
term_flag(struct parser *ps, uint32_t flags, uint32_t wanted)
{
	struct node *n = node_new(ps, OP_FLAG);

	n->flags = flags;
	n->wanted = wanted;
	return n;
}

static struct node *
term_both(struct parser *ps, enum op op, struct node *left, struct node *right)
{
	struct node *n = node_new(ps, op);

	n->left = left;
	n->right = right;
	return n;
}

static struct node *
term_is(struct parser *ps, const char *value, unsigned unused)
{
	(void)unused;
	for (size_t i = 0; i < LEN(states); i++) {
		if (!str_ieq(value, states[i].name))
			continue;
		struct node *n = term_flag(ps, states[i].flags, states[i].wanted);
		if (states[i].is_recent)
			n = term_both(ps, OP_AND, n,
				node_range(ps, OP_ARRIVED, ps->now - 86400, INT64_MAX));
		return n;
	}
	unknown(ps, "is:", value, state_names);
	return NULL;
}

static struct node *
term_has(struct parser *ps, const char *value, unsigned unused)
{
	(void)unused;
	if (str_ieq(value, "attachment") || str_ieq(value, "attachments"))
		return term_flag(ps, MSG_ATTACH, MSG_ATTACH);
	unknown(ps, "has:", value, has_names);
	return NULL;
}

enum side { SIDE_BEFORE, SIDE_AFTER, SIDE_ON };

static struct node *
term_day(struct parser *ps, const char *value, unsigned side)
{
	struct days d;

	if (!query_days(value, ps->now, &d)) {
		const char *near = nearest_word(value, day_names);
		error_set(ps->e, ERR_LOCAL, "'%s' is no day (%s)", value, near ? near
			: "2026-01-31, 2026-01, today, yesterday, 3d, 2w, 6m, 1y");
		return NULL;
	}
	return node_range(ps, OP_ARRIVED, side == SIDE_BEFORE ? INT64_MIN : d.from,
		side == SIDE_BEFORE ? d.from : side == SIDE_ON ? d.until : INT64_MAX);
}

static struct node *
term_size(struct parser *ps, const char *value, unsigned is_larger)
{
	int64_t n;

	if (!query_bytes(value, &n)) {
		error_set(ps->e, ERR_LOCAL, "'%s' is no size (300, 20k, 1.5M, 1G)", value);
		return NULL;
	}
	return is_larger ? node_range(ps, OP_SIZE, n < INT64_MAX ? n + 1 : n, INT64_MAX)
		: node_range(ps, OP_SIZE, INT64_MIN, n);
}

static const struct prefix {
	const char *name;
	struct node *(*parse)(struct parser *ps, const char *value, unsigned arg);
	unsigned arg;
} prefixes[] = {
	{ "from:", term_text, F_FROM }, { "to:", term_text, F_TO }, { "cc:", term_text, F_CC },
	{ "subject:", term_text, F_SUBJECT }, { "list:", term_text, F_LIST },
	{ "is:", term_is, 0 }, { "has:", term_has, 0 }, { "body:", term_body, 0 },
	{ "in:", term_place, 0 },
	{ "before:", term_day, SIDE_BEFORE }, { "after:", term_day, SIDE_AFTER },
	{ "on:", term_day, SIDE_ON },
	{ "larger:", term_size, 1 }, { "smaller:", term_size, 0 },
};
static const char *const prefix_names[] = { "from:", "to:", "cc:", "subject:", "list:", "is:",
	"has:", "body:", "in:", "before:", "after:", "on:", "larger:", "smaller:", NULL };

/* ---- the parse ---- */

static void
skip_space(struct parser *ps)
{
	while (isspace((unsigned char)*ps->p))
		ps->p++;
}

/* A bare word, or what stands in quotes; with `quoted` in the middle of a word (a"b c") too.
 * NULL: a quote that is not closed. */
static char *
read_word(struct parser *ps)
{
	struct str s = {0};
	const char *start = ps->p;

	while (*ps->p && !isspace((unsigned char)*ps->p) && !strchr("()", *ps->p)) {
		if (*ps->p != '"') {
			str_putc(&s, *ps->p++);
			continue;
		}
		for (ps->p++; *ps->p && *ps->p != '"'; ps->p++) {
			if (*ps->p == '\\' && ps->p[1])
				ps->p++;
			str_putc(&s, *ps->p);
		}
		if (!*ps->p++) {
			ps->p--;
			str_clear(&s);
			error_set(ps->e, ERR_LOCAL, "the quote in '%s' is not closed", start);
			return NULL;
		}
	}
	return str_take(&s);
}

/* The length of "letters:" at the beginning; 0 when there is none that could be a prefix. */
static size_t
prefix_length(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (n == 0 || s[n] != ':' || str_starts(s + n, "://"))
		return 0;
	return n + 1;
}

static const struct prefix *
find_prefix(const char *s, size_t len)
{
	for (size_t i = 0; i < LEN(prefixes); i++) {
		if (strlen(prefixes[i].name) == len && str_istarts(s, prefixes[i].name))
			return &prefixes[i];
	}
	return NULL;
}

static struct node *
parse_term(struct parser *ps)
{
	size_t len = prefix_length(ps->p);
	const struct prefix *prefix = find_prefix(ps->p, len);
	bool is_bare = ps->p[len] == '\0' || isspace((unsigned char)ps->p[len]);

	/* "Re:" with nothing behind it is a word that people look for, "form:ada" a slip. */
	if (!prefix && len > 0 && !is_bare) {
		char *name = xstrndup(ps->p, len);
		unknown(ps, "", name, prefix_names);
		free(name);
		return NULL;
	}
	if (prefix)
		ps->p += len;
	char *value = read_word(ps);
	if (!value)
		return NULL;
	struct node *n = prefix ? prefix->parse(ps, value, prefix->arg)
		: term_text(ps, value, F_WORDS);
	free(value);
	return n;
}

static bool
accept_word(struct parser *ps, const char *word)
{
	size_t n = strlen(word);

	if (!str_starts(ps->p, word) ||
	    (ps->p[n] && !isspace((unsigned char)ps->p[n]) && ps->p[n] != '('))
		return false;
	ps->p += n;
	skip_space(ps);
	return true;
}

static struct node *parse_or(struct parser *ps);

static struct node *
parse_group(struct parser *ps)
{
	if (++ps->depth > MAX_DEPTH) {
		error_set(ps->e, ERR_LOCAL, "too many '(' in one another");
		return NULL;
	}
	ps->p++;
	struct node *n = parse_or(ps);
	ps->depth--;
	if (n && *ps->p != ')') {
		error_set(ps->e, ERR_LOCAL, "a '(' is not closed");
		return NULL;
	}
	if (n)
		ps->p++;
	return n;
}

static struct node *
parse_unary(struct parser *ps)
{
	bool is_not = false;

	for (;; is_not = !is_not) {
		bool is_minus = *ps->p == '-' && ps->p[1] && !isspace((unsigned char)ps->p[1]);
		if (is_minus)
			ps->p++;
		else if (!accept_word(ps, "NOT"))
			break;
	}
	if (!*ps->p || *ps->p == ')') {
		error_set(ps->e, ERR_LOCAL, *ps->p ? "nothing stands before ')'"
			: "something is missing at the end");
		return NULL;
	}
	struct node *n = *ps->p == '(' ? parse_group(ps) : parse_term(ps);
	return n && is_not ? term_both(ps, OP_NOT, n, NULL) : n;
}

static struct node *
parse_and(struct parser *ps)
{
	struct node *left = parse_unary(ps);

	while (left) {
		skip_space(ps);
		bool is_said = accept_word(ps, "AND");
		if (!is_said && (!*ps->p || *ps->p == ')' || (str_starts(ps->p, "OR") &&
		    (!ps->p[2] || isspace((unsigned char)ps->p[2]) || ps->p[2] == '('))))
			break;
		struct node *right = parse_unary(ps);
		left = right ? term_both(ps, OP_AND, left, right) : NULL;
	}
	return left;
}

static struct node *
parse_or(struct parser *ps)
{
	skip_space(ps);
	struct node *left = parse_and(ps);

	while (left && accept_word(ps, "OR")) {
		struct node *right = parse_and(ps);
		left = right ? term_both(ps, OP_OR, left, right) : NULL;
	}
	return left;
}

enum err
query_parse(struct query **out, const char *text, int64_t now, struct error *e)
{
	struct error local = {0};
	struct query *q = xcalloc(1, sizeof *q);
	struct parser ps = { .q = q, .p = text, .now = now, .e = e ? e : &local };

	*out = NULL;
	*ps.e = (struct error){0};
	skip_space(&ps);
	if (strlen(text) > MAX_QUERY_BYTES)
		error_set(ps.e, ERR_LOCAL, "the query is longer than %d bytes",
			MAX_QUERY_BYTES);
	else
		q->root = *ps.p ? parse_or(&ps) : node_new(&ps, OP_ALL);
	if (q->root && *ps.p)
		error_set(ps.e, ERR_LOCAL, "a ')' without its '('");
	if (ps.e->code == ERR_OK) {
		*out = q;
		q = NULL;
	}
	query_free(q);
	return ps.e->code;
}

void
query_free(struct query *q)
{
	if (!q)
		return;
	arena_clear(&q->arena);
	free(q);
}
