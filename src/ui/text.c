/* text.c - lines to read and scroll. Long lines are cut: what is
 * shown here is ours and short. */
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "text.h"
#include "utf8.h"

enum { LEFT_MAX = 28, REMARK_FROM = 60, REMARK_EDGE = 90 };

void
text_add(struct text *t, enum style ls, const char *left, enum style rs, const char *right)
{
	t->v = array_grow(t->v, t->n, &t->cap, sizeof *t->v);
	t->v[t->n++] = (struct text_line){ xstrdup(left), xstrdup(right), NULL, ls, rs };
	if (!left || !right)
		return;
	int w = text_width(left, strlen(left));
	w = w > LEFT_MAX ? LEFT_MAX : w;
	if (w > t->left_columns)
		t->left_columns = w;
}

/* Bytes of s that fit, ending at a space where there is one. */
static size_t
fit_words(const char *s, int columns)
{
	size_t n = strlen(s), fit;
	int used;

	fit = text_fit(s, n, columns, &used);
	if (fit == n)
		return n;
	for (size_t i = fit; i > 0; i--) {
		if (s[i] == ' ')
			return i;
	}
	return fit ? fit : n;
}

void
text_add_wrapped(struct text *t, enum style ls, const char *left, enum style rs,
	const char *right, int columns)
{
	int room = columns - text_width(left, strlen(left)) - 4;

	do {
		size_t n = fit_words(right, room);
		char *piece = xstrndup(right, n);
		text_add(t, ls, left, rs, piece);
		free(piece);
		left = "";
		right += n;
		right += strspn(right, " ");
	} while (*right);
}

void
text_remark(struct text *t, const char *remark)
{
	t->v[t->n - 1].remark = xstrdup(remark);
}

static size_t
last_top(const struct text *t)
{
	return t->n > (size_t)t->rows ? t->n - (size_t)t->rows : 0;
}

static void
mark_match(const struct text *t, const struct area *a, int y, int x, int columns,
	const char *s)
{
	char *folded = text_fold(s);
	const char *at = strstr(folded, t->needle);

	/* Folding keeps the length of nearly everything; where it does not,
	 * the mark is a little off. */
	if (at) {
		int from = text_width(folded, (size_t)(at - folded));
		int w = text_width(t->needle, strlen(t->needle));
		if (from < columns)
			area_over(a, y, x + from, from + w > columns ? columns - from : w,
				ST_MATCH);
	}
	free(folded);
}

static void
draw_line(const struct text *t, const struct area *a, int y, int left,
	const struct text_line *l)
{
	int columns = l->right ? left : a->columns - 2, x = left + 3, used = 0;
	int edge = a->columns - 1 < REMARK_EDGE ? a->columns - 1 : REMARK_EDGE;

	if (t->is_keys && l->left && l->right) {	/* of several keys those that fit */
		char *some = xstrndup(l->left, fit_words(l->left, columns));
		area_put(a, y, 1, columns, l->left_style, some);
		free(some);
	} else if (l->left) {
		area_put(a, y, 1, columns, l->left_style, l->left);
	}
	if (l->right)
		used = area_put(a, y, x, -1, l->right_style, l->right);
	if (l->remark && a->columns >= REMARK_FROM &&
	    x + used + 2 + text_width(l->remark, strlen(l->remark)) < edge)
		area_put_right(a, y, 0, edge, ST_DIM, l->remark);
	if (t->needle && l->left)
		mark_match(t, a, y, 1, columns, l->left);
	if (t->needle && l->right)
		mark_match(t, a, y, x, a->columns - x, l->right);
}

void
text_draw(struct text *t, const struct area *a)
{
	/* On a narrow screen what it means goes before the second key for it. */
	bool is_narrow = t->is_keys && a->columns < REMARK_FROM;
	int most = is_narrow ? a->columns * 3 / 10 : a->columns / 2;
	int left = t->left_columns < most ? t->left_columns : most;

	t->rows = a->rows;
	if (t->top > last_top(t))
		t->top = last_top(t);
	for (int y = 0; y < a->rows && t->top + (size_t)y < t->n; y++)
		draw_line(t, a, y, left, &t->v[t->top + (size_t)y]);
}

static bool
fits(const struct text *t, size_t i)
{
	const struct text_line *l = &t->v[i];

	return (l->left && text_contains(l->left, t->needle)) ||
		(l->right && text_contains(l->right, t->needle)) ||
		(l->remark && text_contains(l->remark, t->needle));
}

/* From the line behind the last match on, round the end. */
static bool
find(struct text *t, int step, size_t from)
{
	if (!t->needle || t->n == 0)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		size_t at = step > 0 ? (from + i) % t->n : (from + t->n - i) % t->n;
		if (fits(t, at)) {
			t->match = at;
			t->top = at > 2 ? at - 2 : 0;
			return true;
		}
	}
	return false;
}

static void
scroll(struct text *t, long lines)
{
	long top = (long)t->top + lines;

	t->top = top < 0 ? 0 : (size_t)top;
	if (t->top > last_top(t))
		t->top = last_top(t);
}

bool
text_command(struct text *t, const struct call *c, bool *found)
{
	*found = true;
	switch (c->cmd->id) {
	case CMD_DOWN: scroll(t, 1); return true;
	case CMD_UP: scroll(t, -1); return true;
	case CMD_PAGE_DOWN: scroll(t, t->rows - 1); return true;
	case CMD_PAGE_UP: scroll(t, 1 - t->rows); return true;
	case CMD_HALF_DOWN: scroll(t, t->rows / 2); return true;
	case CMD_HALF_UP: scroll(t, -t->rows / 2); return true;
	case CMD_FIRST: t->top = 0; return true;
	case CMD_LAST: t->top = last_top(t); return true;
	case CMD_SEARCH:
		free(t->needle);
		t->needle = text_fold(c->arg);
		*found = find(t, 1, t->top);
		return true;
	case CMD_SEARCH_NEXT:
		*found = find(t, 1, (t->match + 1) % (t->n ? t->n : 1));
		return true;
	case CMD_SEARCH_PREVIOUS:
		*found = find(t, -1, t->match + t->n - 1);
		return true;
	default:
		return false;
	}
}

void
text_title(const struct text *t, struct str *right)
{
	size_t end = t->top + (size_t)t->rows;

	if (t->n > (size_t)t->rows)
		str_printf(right, "%zu-%zu of %zu", t->top + 1, end < t->n ? end : t->n, t->n);
}

void
text_clear(struct text *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].left);
		free(t->v[i].right);
		free(t->v[i].remark);
	}
	free(t->v);
	free(t->needle);
	*t = (struct text){0};
}
