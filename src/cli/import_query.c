/* import_query.c - mutt's patterns as queries of ours, as far as both can say the same. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "import_mutt.h"
#include "query.h"

static const struct {
	char letter;
	const char *query;		/* "x:" takes an argument */
} terms[] = {
	{ 'A', "" }, { 'N', "is:unread" }, { 'O', "is:unread" }, { 'U', "is:unread" },
	{ 'R', "is:read" }, { 'F', "is:flagged" }, { 'D', "is:deleted" },
	{ 'Q', "is:answered" }, { 'l', "is:list" }, { 'u', "is:list" }, { 'f', "from:" },
	{ 't', "to:" }, { 'c', "cc:" }, { 's', "subject:" }, { 'b', "body:" },
	{ 'B', "body:" }, { 'd', "date" }, { 'r', "date" }, { 'z', "size" },
	{ 'X', "has:attachment" },
};

/* "<2w", ">1m", "<100K": newer and older, smaller and larger. */
static bool
put_amount(struct str *out, const char *arg, bool is_date)
{
	size_t n = strlen(arg);

	if (n < 2 || !strchr("<>", arg[0]) || strspn(arg + 1, "0123456789") + 1 < n - 1)
		return false;
	if (is_date && !strchr("dwmy", arg[n - 1]))
		return false;
	if (is_date)
		str_printf(out, "%s:%s", *arg == '<' ? "after" : "before", arg + 1);
	else
		str_printf(out, "%s:%s", *arg == '<' ? "smaller" : "larger", arg + 1);
	return true;
}

/* An expression that is no more than a word. */
static bool
put_text(struct str *out, const char *prefix, const char *arg)
{
	if (!*arg || strpbrk(arg, "\"^$*[]()|?+\\:") || *arg == '-')
		return false;
	str_printf(out, strchr(arg, ' ') ? "%s\"%s\"" : "%s%s", prefix, arg);
	return true;
}

/* One term behind its '~'; *p moves behind it. */
static bool
put_term(struct str *out, const char **p)
{
	struct mutt_text t = { *p + 1 };
	struct mutt_word w = {0};
	bool is_good = false;
	size_t at = 0;

	while (at < LEN(terms) && terms[at].letter != **p)
		at++;
	if (at == LEN(terms))
		return false;
	const char *q = terms[at].query;
	size_t n = strlen(q);
	if (n && (q[n - 1] == ':' || !strchr(q, ':'))) {
		mutt_word(&w, &t, WORD_HASH | WORD_SEMICOLON, NULL);
		is_good = q[n - 1] == ':' ? put_text(out, q, str_get(&w.text))
			: put_amount(out, str_get(&w.text), *q == 'd');
		mutt_word_clear(&w);
	} else {
		if (str_eq(q, "has:attachment"))	/* ~X takes a number of them */
			t.p += strspn(t.p, " 1-");
		str_puts(out, q);
		is_good = true;
	}
	*p = t.p;
	return is_good;
}

const char *
mutt_query(struct import *im, const char *pattern)
{
	struct str s = {0};
	struct query *q = NULL;
	const char *p = pattern, *out = NULL;
	bool is_good = true;

	if (str_eq(pattern, "all") || str_eq(pattern, "."))
		return "all";
	while (is_good && *p) {
		if (*p == ' ' || *p == '|') {
			if (*p++ == '|' && s.len && p[strspn(p, " ")])
				str_puts(&s, "OR ");
			continue;
		}
		if (*p == '!') {
			p++;
			str_putc(&s, '-');
		}
		is_good = *p == '~' && p[1];
		p += is_good;
		is_good = is_good && put_term(&s, &p);
		str_putc(&s, ' ');
	}
	while (s.len && s.data[s.len - 1] == ' ')
		str_cut(&s, s.len - 1);
	if (is_good && s.len == 0)
		out = "all";
	else if (is_good && query_parse(&q, str_get(&s), time(NULL), NULL) == ERR_OK)
		out = arena_strdup(&im->arena, str_get(&s));
	query_free(q);
	str_clear(&s);
	return out;
}
