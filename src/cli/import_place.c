/* import_place.c - see import_place.h. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "import_place.h"

enum { MAX_STEPS = 50000, MAX_PATTERN = 500, MAX_DEPTH = 200 };

/* ---- URLs ---- */

static int
hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c)
		? tolower((unsigned char)c) - 'a' + 10 : -1;
}

static const char *
decoded(struct import *im, const char *s, size_t n)
{
	char *out = arena_alloc(&im->arena, n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_code = s[i] == '%' && n - i > 2 && hex(s[i + 1]) >= 0 &&
			hex(s[i + 2]) >= 0;
		out[k++] = is_code ? (char)(hex(s[i + 1]) << 4 | hex(s[i + 2])) : s[i];
		i += is_code ? 2 : 0;
	}
	return out;
}

static const char *
trimmed(struct import *im, const char *path)
{
	path += strspn(path, "/");
	size_t n = strlen(path);
	while (n && path[n - 1] == '/')
		n--;
	return decoded(im, path, n);
}

static bool
take_host(struct import *im, const char *s, size_t n, struct mutt_place *out)
{
	const char *end = s + n, *close = n && *s == '[' ? memchr(s, ']', n) : NULL;
	const char *colon = memchr(close ? close : s, ':',
		(size_t)(end - (close ? close : s)));

	out->port = colon ? (unsigned)atoi(colon + 1) & 0xffff : 0;
	if (close)
		out->host = arena_strndup(&im->arena, s + 1, (size_t)(close - s - 1));
	else
		out->host = decoded(im, s, (size_t)((colon ? colon : end) - s));
	return *out->host != '\0';
}

bool
mutt_place(struct import *im, const char *url, struct mutt_place *out)
{
	static const struct {
		const char *scheme;
		enum place_kind kind;
		bool is_tls;
	} schemes[] = {
		{ "imap://", PLACE_IMAP, false }, { "imaps://", PLACE_IMAP, true },
		{ "pop://", PLACE_POP, false }, { "pops://", PLACE_POP, true },
		{ "smtp://", PLACE_SMTP, false }, { "smtps://", PLACE_SMTP, true },
		{ "{", PLACE_IMAP, false },
	};
	size_t i = 0;

	*out = (struct mutt_place){ .path = "" };
	while (i < LEN(schemes) && !str_istarts(url, schemes[i].scheme))
		i++;
	if (i == LEN(schemes))
		return false;
	out->kind = schemes[i].kind;
	out->is_tls = schemes[i].is_tls;
	const char *s = url + strlen(schemes[i].scheme);
	size_t n = strcspn(s, *url == '{' ? "}" : "/");
	out->path = trimmed(im, s + n + (s[n] == '}'));
	const char *at = memrchr(s, '@', n);
	if (at) {
		const char *colon = memchr(s, ':', (size_t)(at - s));
		out->user = decoded(im, s, (size_t)((colon ? colon : at) - s));
		if (colon)
			out->password = decoded(im, colon + 1, (size_t)(at - colon - 1));
		if (!*out->user)
			out->user = NULL;
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	return take_host(im, s, n, out);
}

/* ---- patterns ---- */

struct match {
	int steps, depth;
	bool has_case;
};

/* The length of one atom at p: a character, \x, or [...]; 0: it is not understood. */
static size_t
atom_len(const char *p, const char *end)
{
	if (*p == '\\')
		return end - p > 1 ? 2 : 0;
	if (*p == '[') {
		const char *close = end - p > 2 ? memchr(p + 2, ']', (size_t)(end - p - 2))
			: NULL;
		return close ? (size_t)(close - p) + 1 : 0;
	}
	return strchr("()*+?{", *p) ? 0 : 1;
}

static char
fold(const struct match *x, char c)
{
	return x->has_case ? c : (char)tolower((unsigned char)c);
}

static bool
atom_fits(const struct match *x, const char *p, size_t n, char c)
{
	if (!c)
		return false;
	if (*p == '.' && n == 1)
		return true;
	if (*p != '[')
		return fold(x, p[n - 1]) == fold(x, c);
	bool is_not = p[1] == '^', has = false;
	for (size_t i = 1 + is_not; i + 1 < n; i++) {
		bool is_range = p[i + 1] == '-' && i + 3 < n;
		has |= is_range ? c >= p[i] && c <= p[i + 2] : fold(x, p[i]) == fold(x, c);
		i += is_range ? 2 : 0;
	}
	return has != is_not;
}

static bool
match_here(struct match *x, const char *p, const char *end, const char *text)
{
	if (++x->steps > MAX_STEPS || x->depth >= MAX_DEPTH)
		return false;
	if (p == end)
		return true;
	if (*p == '$' && p + 1 == end)
		return *text == '\0';
	size_t n = atom_len(p, end);
	if (n == 0)
		return false;
	const char *rest = p + n;
	char times = rest < end && strchr("*+?", *rest) ? *rest : '\0';
	bool is_match = false;
	x->depth++;
	if (!times) {
		is_match = atom_fits(x, p, n, *text) && match_here(x, rest, end, text + 1);
	} else {
		bool is_enough = times != '+';
		size_t most = times == '?' ? 1 : (size_t)-1;
		for (size_t i = 0; !is_match; i++) {
			is_match = is_enough && match_here(x, rest + 1, end, text + i);
			if (i == most || !atom_fits(x, p, n, text[i]))
				break;
			is_enough = true;
		}
	}
	x->depth--;
	return is_match;
}

static bool
match_one(struct match *x, const char *p, const char *end, const char *text)
{
	if (p < end && *p == '^')
		return match_here(x, p + 1, end, text);
	do {
		if (match_here(x, p, end, text))
			return true;
	} while (*text++);
	return false;
}

bool
mutt_match(const char *pattern, const char *text)
{
	struct match x = {0};
	size_t n = strlen(pattern);

	if (n > MAX_PATTERN || strlen(text) > MAX_PATTERN)
		return false;
	/* as in mutt, a capital letter makes case matter */
	for (const char *p = pattern; *p; p++)
		x.has_case |= isupper((unsigned char)*p) != 0;
	if (n > 1 && pattern[0] == '(' && pattern[n - 1] == ')') {
		pattern++;
		n -= 2;
	}
	for (const char *end = pattern + n; pattern <= end; ) {
		const char *bar = memchr(pattern, '|', (size_t)(end - pattern));
		if (match_one(&x, pattern, bar ? bar : end, text))
			return true;
		if (!bar)
			break;
		pattern = bar + 1;
	}
	return false;
}
