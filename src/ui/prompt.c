/* prompt.c - a line asked for: its candidates, what a key means to it, and how it is drawn.
 *
 * What is typed is clean; a candidate may hold anything (a folder's name is the server's) and
 * is cleaned when it is drawn. Whatever edits (prompt_edit.c), candidates are sought anew in
 * one place. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "mime.h"
#include "prompt.h"
#include "utf8.h"

enum { LIST_MAX = 8, OFFERS_MAX = 5000, TEXT_MAX = 4000 };

/* ---- candidates ---- */

void
completion_offer(struct completion *c, const char *text, const char *word, const char *help)
{
	const char *typed = text + (c->from < strlen(text) ? c->from : strlen(text));
	bool is_prefix = str_istarts(word, typed);

	if (!is_prefix) {
		char *folded = text_fold(typed);
		bool fits = text_contains(word, folded);
		free(folded);
		if (!fits)
			return;
	}
	completion_add(c, word, help, is_prefix);
}

void
completion_add(struct completion *c, const char *word, const char *help, bool is_prefix)
{
	if (c->n == OFFERS_MAX)
		return;
	c->v = array_grow(c->v, c->n, &c->cap, sizeof *c->v);
	size_t at = is_prefix ? c->n_prefix++ : c->n;
	memmove(&c->v[at + 1], &c->v[at], (c->n - at) * sizeof *c->v);
	c->v[at] = (struct candidate){ xstrdup(word), xstrdup(help) };
	c->n++;
}

static int
by_word(const void *a, const void *b)
{
	return strcmp(((const struct candidate *)a)->word,
		((const struct candidate *)b)->word);
}

void
completion_sort(struct completion *c)
{
	if (c->n_prefix > 0)
		qsort(c->v, c->n_prefix, sizeof *c->v, by_word);
	if (c->n > c->n_prefix)
		qsort(c->v + c->n_prefix, c->n - c->n_prefix, sizeof *c->v, by_word);
}

void
completion_clear(struct completion *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].word);
		free(c->v[i].help);
	}
	free(c->v);
	*c = (struct completion){0};
}

static void
offer_anew(struct prompt *p)
{
	completion_clear(&p->offers);
	p->chosen = -1;
	if (!p->spec.complete)
		return;
	char *before = xstrndup(str_get(&p->text), p->cursor);
	p->spec.complete(p->spec.ctx, before, &p->offers);
	free(before);
	if (p->offers.from > p->cursor)
		p->offers.from = p->cursor;
}

/* ---- Tab ---- */

/* Bytes that all candidates beginning with what was typed share: none where one stands for it
 * that begins otherwise (an alias). */
static size_t
common_prefix(const struct prompt *p)
{
	const struct completion *c = &p->offers;
	char *typed = xstrndup(str_get(&p->text) + c->from, p->cursor - c->from);
	size_t n = c->n_prefix > 0 ? strlen(c->v[0].word) : 0;

	for (size_t i = 0; i < c->n_prefix; i++) {
		size_t k = 0;
		while (k < n && c->v[i].word[k] == c->v[0].word[k])
			k++;
		n = str_istarts(c->v[i].word, typed) ? k : 0;
	}
	free(typed);
	while (n > 0 && ((unsigned char)c->v[0].word[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* The candidate stands there already. */
static bool
is_there(const struct prompt *p, int k)
{
	const char *word = p->offers.v[k].word;
	size_t typed = p->cursor - p->offers.from;

	return strlen(word) == typed && memcmp(word, str_get(&p->text) + p->offers.from,
		typed) == 0;
}

static void
take(struct prompt *p, const char *word, size_t n)
{
	char *copy = xstrndup(word, n);

	prompt_replace(p, p->offers.from, p->cursor, copy, n);
	free(copy);
}

/* As in a shell: the first Tab adds what all candidates go on with, however little, since the
 * list is in sight and the person may go on typing; only the next walks through them. */
static void
choose(struct prompt *p, int step)
{
	const struct completion *c = &p->offers;
	int n = (int)c->n, first = step > 0 ? 0 : n - 1;
	int k = p->chosen < 0 ? first : (p->chosen + step + n) % n;
	size_t prefix = n > 1 && !c->is_ranked ? common_prefix(p) : 0;

	if (n == 0)
		return;
	if (n == 1 || (p->chosen < 0 && step > 0 && prefix > p->cursor - c->from)) {
		take(p, c->v[0].word, n == 1 ? strlen(c->v[0].word) : prefix);
		offer_anew(p);
	} else if (p->chosen >= 0 || step < 0 || p->is_tabbed || c->is_ranked) {
		p->chosen = is_there(p, k) ? (k + step + n) % n : k;
		take(p, c->v[p->chosen].word, strlen(c->v[p->chosen].word));
	}
}

/* Enter where only a candidate is an answer. */
static void
take_first(struct prompt *p)
{
	const struct completion *c = &p->offers;

	if (!p->spec.must_match || c->n == 0 || p->chosen >= 0 || p->text.len == 0)
		return;
	for (size_t i = 0; i < c->n; i++) {
		if (str_eq(c->v[i].word, str_get(&p->text) + c->from))
			return;
	}
	prompt_replace(p, c->from, p->text.len, c->v[0].word, strlen(c->v[0].word));
}

/* ---- the frame's calls ---- */

void
prompt_open(struct prompt *p, const struct prompt_spec *spec, struct history *h)
{
	*p = (struct prompt){ .spec = *spec, .history = h, .chosen = -1 };
	p->spec.label = xstrdup(spec->label);
	p->spec.initial = NULL;
	if (spec->kind == PROMPT_PASSWORD) {	/* room once, so that it is never moved */
		static const char room[TEXT_MAX + 8];
		str_add(&p->text, room, sizeof room);
		str_cut(&p->text, 0);
	}
	text_clean(&p->text, spec->initial ? spec->initial : "",
		spec->initial ? strlen(spec->initial) : 0, CLEAN_LINE);
	p->cursor = p->text.len;
	offer_anew(p);
}

void
prompt_refresh(struct prompt *p)
{
	if (p->chosen < 0)
		offer_anew(p);
}

const char *
prompt_text(const struct prompt *p)
{
	return str_get(&p->text);
}

static void
insert(struct prompt *p, uint32_t key)
{
	struct str clean = {0};
	char buf[4];
	size_t n = utf8_put(buf, key);

	text_clean(&clean, buf, n, CLEAN_LINE);
	prompt_replace(p, p->cursor, p->cursor, str_get(&clean), clean.len);
	str_clear(&clean);
}

static enum prompt_result
finish(struct prompt *p)
{
	take_first(p);
	if (p->spec.check && !p->spec.check(p->spec.ctx, prompt_text(p), &p->problem))
		return PROMPT_MORE;
	if (p->history)
		history_add(p->history, p->spec.kind, prompt_text(p));
	return PROMPT_DONE;
}

enum prompt_result
prompt_key(struct prompt *p, uint32_t key)
{
	p->problem = (struct error){0};
	if (p->spec.kind == PROMPT_CONFIRM) {
		char answer = key > ' ' && key < 0x7f ? (char)tolower((int)key) : '\0';
		if (!answer || !strchr(p->spec.choices ? p->spec.choices : "y", answer))
			return PROMPT_CANCELLED;
		prompt_replace(p, 0, p->text.len, &answer, 1);
		return PROMPT_DONE;
	}
	if (key == KC_ENTER)
		return finish(p);
	if (key == KC_ESC || key == (KC_CTRL | 'g') || key == (KC_CTRL | 'c'))
		return PROMPT_CANCELLED;
	if ((key == KC_BACKSPACE || key == (KC_CTRL | 'd')) && p->text.len == 0)
		return PROMPT_CANCELLED;
	if (key == KC_TAB || key == (KC_TAB | KC_SHIFT)) {
		choose(p, key == KC_TAB ? 1 : -1);
		p->is_tabbed = true;
		return PROMPT_MORE;
	}
	p->is_tabbed = false;
	if (prompt_edit(p, key)) {
		offer_anew(p);
	} else if (key < KC_FIRST && key >= ' ' && p->text.len < TEXT_MAX) {
		insert(p, key);
		offer_anew(p);
	}
	return PROMPT_MORE;
}

static void
secret_clear(struct str *s)
{
	if (s->data)
		explicit_bzero(s->data, s->cap);
	str_clear(s);
}

void
prompt_close(struct prompt *p)
{
	free((char *)p->spec.label);
	secret_clear(&p->text);
	str_clear(&p->killed);
	str_clear(&p->draft);
	completion_clear(&p->offers);
	*p = (struct prompt){0};
}

/* ---- drawing ---- */

static void
draw_list(const struct prompt *p, const struct area *a, int bottom)
{
	const struct completion *c = &p->offers;
	int most = bottom < 10 ? bottom - 2 : bottom / 2;	/* what it is about is seen */
	int max = most < LIST_MAX ? most : LIST_MAX;
	int rows = (int)c->n < max ? (int)c->n : max;
	int first = p->chosen >= rows ? p->chosen - rows + 1 : 0;
	int shown = p->chosen >= 0 ? p->chosen : p->spec.must_match && p->text.len ? 0 : -1;
	int top = bottom - rows, width = 12;

	if (rows <= 0)
		return;
	for (int i = 0; i < rows; i++) {
		int w = text_width(c->v[first + i].word, strlen(c->v[first + i].word));
		width = w > width ? w : width;
	}
	if (width > a->columns * 2 / 3)
		width = a->columns * 2 / 3;
	area_fill(a, top - 1, 0, -1, ST_DIM, "─");
	if ((int)c->n > rows)
		area_printf(a, top - 1, 2, -1, ST_DIM, " %zu ", c->n);
	for (int i = 0; i < rows; i++) {
		const struct candidate *k = &c->v[first + i];
		enum style st = first + i == shown ? ST_CHOSEN : ST_CHOICE;
		area_fill(a, top + i, 0, -1, ST_NORMAL, " ");
		area_fill(a, top + i, 1, width + 2, st, " ");
		area_put(a, top + i, 2, width, st, k->word);
		if (k->help)
			area_put(a, top + i, width + 4, -1, ST_DIM, k->help);
	}
}

static void
dots(struct str *out, const char *s, size_t n)
{
	int w;

	for (size_t i = 0; i < n; i += text_grapheme(s + i, n - i, &w))
		str_puts(out, "•");
}

/* A text in as many rows as it needs, but at most half the screen, the last of them row `y`.
 * Returns how many; *end: where the last one ends. */
static int
draw_text(const struct area *a, int y, enum style st, const char *text, int *end)
{
	struct lines l = {0};
	int max = a->rows / 2, n;

	lines_add(&l, SPAN_TEXT, text, a->columns - 2);
	n = (int)l.n < max ? (int)l.n : max;
	for (int i = 0; i < n; i++) {
		bool is_left_out = (int)l.n > max && i == max - 2;
		const char *line = is_left_out
			? "…" : l.v[i == max - 1 ? (int)l.n - 1 : i].text;
		area_fill(a, y - n + 1 + i, 0, -1, ST_STATUS, " ");
		*end = 1 + area_put(a, y - n + 1 + i, 1, -1, st, line);
	}
	lines_clear(&l);
	return n;
}

/* However long the question, what may be answered is seen. */
static void
draw_question(const struct prompt *p, const struct area *a, int y)
{
	char *text = xasprintf("%s%s", p->spec.label + strspn(p->spec.label, " "),
		p->spec.choices ? "" : " (y/N)");
	int x = 0;

	draw_text(a, y, ST_PROMPT, text, &x);
	area_cursor(a, y, x + 1 < a->columns ? x + 1 : x);
	free(text);
}

void
prompt_draw(const struct prompt *p, const struct area *a, const char *note, enum style st)
{
	struct str left = {0}, right = {0};
	const char *s = str_get(&p->text);
	int y = a->rows - 1, above = y, used;

	area_fill(a, y, 0, -1, ST_STATUS, " ");
	if (p->spec.kind == PROMPT_CONFIRM) {
		draw_question(p, a, y);
		return;
	}
	if (p->problem.code != ERR_OK)
		above -= draw_text(a, y - 1, ST_ERROR, p->problem.text, &used);
	else if (note)
		above -= draw_text(a, y - 1, st, note, &used);
	/* A question that leaves no room to answer it stands above. */
	bool is_long = text_width(p->spec.label, strlen(p->spec.label)) > a->columns / 2;
	if (is_long)
		above -= draw_text(a, above - 1, ST_PROMPT,
			p->spec.label + strspn(p->spec.label, " "), &used);
	draw_list(p, a, above);
	int x = area_put(a, y, 0, -1, ST_PROMPT, is_long ? " > " : p->spec.label);
	if (p->spec.kind == PROMPT_PASSWORD) {
		dots(&left, s, p->cursor);
		dots(&right, s + p->cursor, p->text.len - p->cursor);
	} else {
		str_add(&left, s, p->cursor);
		str_puts(&right, s + p->cursor);
	}
	/* What is left of the cursor scrolls out by whole graphemes. */
	size_t from = 0;
	int room = a->columns - x - 1, w;
	while (text_width(str_get(&left) + from, left.len - from) > room)
		from += text_grapheme(left.data + from, left.len - from, &w);
	used = area_put(a, y, x, room, ST_NORMAL, str_get(&left) + from);
	if (right.len)
		area_put(a, y, x + used, -1, ST_NORMAL, str_get(&right));
	area_cursor(a, y, x + used);
	str_clear(&left);
	str_clear(&right);
}
