/* utf8.c - characters, columns, and the one sanitiser.
 *
 * Invariant: what leaves text_clean holds no byte a terminal acts on. ASCII takes a short way
 * everywhere, since nearly all mail is ASCII; libunistring answers for the rest. */
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <unigbrk.h>
#include <uninorm.h>
#include <uniwidth.h>

#include "utf8.h"

enum {
	REPLACEMENT = 0xfffd,
	MAX_MARKS = 30			/* on one character, UAX #15 12.1; megabytes of them
					 * would be one column */
};

size_t
utf8_next(const char *s, size_t n, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0x80 ? 1 : u[0] >= 0xf0 && u[0] < 0xf5 ? 4
		: u[0] >= 0xe0 && u[0] < 0xf0 ? 3 : u[0] >= 0xc2 && u[0] < 0xe0 ? 2 : 0;

	*c = REPLACEMENT;
	if (len == 0 || len > n)
		return 1;
	if (len == 1) {
		*c = u[0];
		return 1;
	}
	uint32_t v = u[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 1;
		v = v << 6 | (u[i] & 0x3f);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 1;
	*c = v;
	return len;
}

size_t
utf8_put(char out[4], uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = REPLACEMENT;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	out[0] = (char)((0xf00u >> len & 0xff) | c);
	return len;
}

size_t
utf8_ascii(const char *s, size_t n)
{
	uint64_t eight;
	size_t i = 0;

	while (i + sizeof eight <= n) {
		memcpy(&eight, s + i, sizeof eight);
		if (eight & 0x8080808080808080u)
			break;
		i += sizeof eight;
	}
	while (i < n && (unsigned char)s[i] < 0x80)
		i++;
	return i;
}

bool
utf8_valid(const char *s, size_t n)
{
	uint32_t c;

	for (size_t i = utf8_ascii(s, n); i < n; i += utf8_ascii(s + i, n - i)) {
		size_t len = utf8_next(s + i, n - i, &c);
		if (c == REPLACEMENT && len == 1)
			return false;
		i += len;
	}
	return true;
}

/* Unicode's Default_Ignorable_Code_Point, its bidi controls and line ends, without those that
 * shape what stands before them (see is_stray). */
bool
text_is_trick(uint32_t c)
{
	static const struct { uint32_t from, to; } tricks[] = {
		{ 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c }, { 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 }, { 0x180e, 0x180e }, { 0x200b, 0x200b }, { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe00ff }, { 0xe01f0, 0xe0fff },
	};

	for (size_t i = 0; i < LEN(tricks) && tricks[i].from <= c; i++) {
		if (c <= tricks[i].to)
			return true;
	}
	return false;
}

static bool
is_noncharacter(uint32_t c)
{
	return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static bool
is_joiner(uint32_t c)
{
	return c == 0x200c || c == 0x200d;
}

/* Variation selectors, the Mongolian ones too. */
static bool
is_selector(uint32_t c)
{
	return (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef) ||
		(c >= 0x180b && c <= 0x180f && c != 0x180e);
}

/* What joins or chooses a form shows nothing itself, so it stands behind
 * something it can do that to, and alone: else "pay", a selector and "pal" would
 * look like one word and be another. */
static bool
is_stray(uint32_t c, uint32_t before)
{
	if (!is_joiner(c) && !is_selector(c))
		return false;
	bool is_keycap = (before >= '0' && before <= '9') || before == '#' || before == '*';
	if (before < 0x80)
		return !is_keycap || (c != 0xfe0e && c != 0xfe0f);
	return before == REPLACEMENT || is_joiner(before) ||
		(is_selector(before) && !is_joiner(c));
}

/* How many characters without a column stand in a row, with this one. */
static int
marks_in_row(int n_before, uint32_t c)
{
	return c >= 0x300 && uc_width(c, "UTF-8") == 0 ? n_before + 1 : 0;
}

void
text_clean(struct str *out, const char *s, size_t n, enum clean_mode mode)
{
	uint32_t before = 0;
	int n_marks = 0;

	for (size_t i = 0; i < n;) {
		/* The short way: a run of printable ASCII. */
		size_t run = i;
		while (run < n && s[run] >= ' ' && s[run] < 0x7f)
			run++;
		if (run > i) {
			str_add(out, s + i, run - i);
			before = (unsigned char)s[run - 1];
			n_marks = 0;
			i = run;
			continue;
		}
		uint32_t c;
		size_t len = utf8_next(s + i, n - i, &c);
		if (c == '\r' && i + 1 < n && s[i + 1] == '\n') {
			i++;
			continue;
		}
		if (c == '\r')
			c = '\n';
		if (c == '\n' || c == '\t')
			c = mode == CLEAN_TEXT ? c : ' ';
		else if (c < ' ' && mode == CLEAN_LINE)
			c = ' ';
		else if (c < ' ' || (c >= 0x7f && c < 0xa0) || text_is_trick(c) ||
		    is_noncharacter(c) || is_stray(c, before))
			c = REPLACEMENT;
		if ((n_marks = marks_in_row(n_marks, c)) > MAX_MARKS) {
			c = REPLACEMENT;
			n_marks = 0;
		}
		char buf[4];
		str_add(out, buf, utf8_put(buf, c));
		before = c;
		i += len;
	}
}

char *
text_clean_dup(const char *s)
{
	struct str out = {0};

	text_clean(&out, s, strlen(s), CLEAN_LINE);
	return str_take(&out);
}

/* Columns of a cluster: its widest character, or two where a variation selector asks for
 * the emoji picture, or where two regional indicators make a flag. */
static int
cluster_width(const char *s, size_t n)
{
	int width = 0, n_regional = 0;
	uint32_t c;

	for (size_t i = 0; i < n;) {
		i += utf8_next(s + i, n - i, &c);
		int w = uc_width(c, "UTF-8");
		if (c == 0xfe0f && width == 1)
			w = 2;
		if (c >= 0x1f1e6 && c <= 0x1f1ff && ++n_regional == 2)
			w = 2;
		if (w > width)
			width = w;
	}
	return width;
}

/* Vowel signs of Indic scripts belong to the cluster, but every terminal gives them a column
 * of their own; skin tones do not stand alone. */
static bool
is_spacing(uint32_t c)
{
	return uc_width(c, "UTF-8") > 0 && !(c >= 0x1f3fb && c <= 0x1f3ff) &&
		!(c >= 0x1f1e6 && c <= 0x1f1ff);
}

size_t
text_grapheme(const char *s, size_t n, int *columns)
{
	/* ASCII followed by ASCII: no combining mark can join them. */
	if ((unsigned char)s[0] < 0x80 && (n == 1 || (unsigned char)s[1] < 0x80)) {
		*columns = s[0] >= ' ' && s[0] != 0x7f;
		return 1;
	}
	uint32_t a, b;
	size_t len = utf8_next(s, n, &a);
	while (len < n) {
		size_t more = utf8_next(s + len, n - len, &b);
		/* uc_is_grapheme_break knows pairs; ZWJ sequences and
		 * flags need their own look. */
		bool joins = a == 0x200d && uc_width(b, "UTF-8") == 2;
		if (!joins && (uc_is_grapheme_break(a, b) || is_spacing(b)))
			break;
		len += more;
		a = b;
		if (b >= 0x1f1e6 && b <= 0x1f1ff)
			break;
		if (len > 128)
			break;
	}
	*columns = cluster_width(s, len);
	return len;
}

int
text_width(const char *s, size_t n)
{
	int width = 0, w;

	for (size_t i = 0; i < n; width += w)
		i += text_grapheme(s + i, n - i, &w);
	return width;
}

size_t
text_fit(const char *s, size_t n, int columns, int *used)
{
	size_t i = 0;
	int w;

	*used = 0;
	while (i < n) {
		size_t len = text_grapheme(s + i, n - i, &w);
		if (*used + w > columns)
			break;
		*used += w;
		i += len;
	}
	return i;
}

void
text_column(struct str *out, const char *s, int columns, bool pad)
{
	size_t n = strlen(s);
	int used;

	if (columns <= 0)
		return;
	size_t fit = text_fit(s, n, columns, &used);
	if (fit < n) {
		fit = text_fit(s, n, columns - 1, &used);
		str_add(out, s, fit);
		str_puts(out, "\xe2\x80\xa6");
		used++;
	} else {
		str_add(out, s, n);
	}
	for (; pad && used < columns; used++)
		str_putc(out, ' ');
}

static bool
is_ascii(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

char *
text_fold(const char *s)
{
	if (!is_ascii(s)) {
		struct str valid = {0};
		text_clean(&valid, s, strlen(s), CLEAN_TEXT);
		size_t n;
		uint8_t *p = u8_casefold((const uint8_t *)str_get(&valid), valid.len, NULL,
			NULL, NULL, &n);
		str_clear(&valid);
		if (p) {
			char *folded = xstrndup((const char *)p, n);
			free(p);
			return folded;
		}
	}
	char *folded = xstrdup(s);
	for (char *c = folded; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	}
	return folded;
}

bool
text_contains(const char *hay, const char *folded_needle)
{
	if (is_ascii(hay))
		return str_istr(hay, folded_needle) != NULL;
	char *folded = text_fold(hay);
	bool found = strstr(folded, folded_needle) != NULL;
	free(folded);
	return found;
}

/* Letters that Unicode does not take apart into a base and an accent. */
static const char *
base_letters(uint32_t c)
{
	static const struct { uint32_t c; const char *base; } letters[] = {
		{ 0xf8, "o" }, { 0x142, "l" }, { 0x111, "d" }, { 0xf0, "d" }, { 0xe6, "ae" },
		{ 0x153, "oe" }, { 0xfe, "th" }, { 0x131, "i" },
	};

	for (size_t i = 0; i < LEN(letters); i++) {
		if (letters[i].c == c)
			return letters[i].base;
	}
	return NULL;
}

static bool
is_ascii_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void
split_ascii(struct str *out, const char *s, size_t max)
{
	bool in_word = false;

	for (; *s; s++) {
		char c = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
		bool is_letter = is_ascii_letter(c);
		if (is_letter && !in_word && max-- == 0)
			return;
		if (is_letter && !in_word)
			str_putc(out, ' ');
		if (is_letter)
			str_putc(out, c);
		in_word = is_letter;
	}
}

/* Taken apart (NFKD) and folded already. */
static void
split_words(struct str *out, const char *s, size_t n, size_t max)
{
	bool in_word = false;
	uint32_t c;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		len = utf8_next(s + i, n - i, &c);
		if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M))
			continue;
		bool is_letter = uc_is_general_category_withtable(c,
			UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N);
		if (is_letter && !in_word && max-- == 0)
			return;
		if (is_letter && !in_word)
			str_putc(out, ' ');
		if (is_letter && base_letters(c))
			str_puts(out, base_letters(c));
		else if (is_letter)
			str_add(out, s + i, len);
		in_word = is_letter;
	}
}

void
text_words(struct str *out, const char *s, size_t max)
{
	if (is_ascii(s)) {
		split_ascii(out, s, max);
		return;
	}
	char *folded = text_fold(s);
	size_t n;
	uint8_t *p = u8_normalize(UNINORM_NFKD, (const uint8_t *)folded, strlen(folded), NULL,
		&n);

	if (p)
		split_words(out, (const char *)p, n, max);
	free(p);
	free(folded);
}

bool
text_words_fit(const char *words, const char *typed)
{
	while (*typed) {
		size_t n = 1 + strcspn(typed + 1, " ");
		if (!memmem(words, strlen(words), typed, n))
			return false;
		typed += n;
	}
	return true;
}
