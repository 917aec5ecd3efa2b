/* prompt_edit.c - the line editor: a table of keys and what each does to the text.
 *
 * Invariant: the cursor stands between two graphemes of the text. */
#include <string.h>

#include "keys.h"
#include "prompt.h"
#include "utf8.h"

/* ---- the text ---- */

/* In place, so that a password leaves no copies behind. */
void
prompt_replace(struct prompt *p, size_t from, size_t to, const char *s, size_t n)
{
	size_t tail = p->text.len - to;

	str_add(&p->text, s, n);		/* makes room */
	p->cursor = from + n;
	if (!p->text.data)
		return;
	memmove(p->text.data + from + n, p->text.data + to, tail);
	memcpy(p->text.data + from, s, n);
	str_cut(&p->text, from + n + tail);
}

static size_t
before(const struct prompt *p, size_t at)
{
	const char *s = str_get(&p->text);
	size_t i = 0, last = 0;
	int w;

	while (i < at) {
		last = i;
		i += text_grapheme(s + i, p->text.len - i, &w);
	}
	return last;
}

static size_t
after(const struct prompt *p, size_t at)
{
	int w;

	return at < p->text.len ? at + text_grapheme(p->text.data + at, p->text.len - at, &w)
		: at;
}

static bool
is_word(const struct prompt *p, size_t at)
{
	unsigned char c = (unsigned char)p->text.data[at];

	return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z');
}

static size_t
word_before(const struct prompt *p)
{
	size_t at = p->cursor;

	while (at > 0 && !is_word(p, before(p, at)))
		at = before(p, at);
	while (at > 0 && is_word(p, before(p, at)))
		at = before(p, at);
	return at;
}

static size_t
word_after(const struct prompt *p)
{
	size_t at = p->cursor;

	while (at < p->text.len && !is_word(p, at))
		at = after(p, at);
	while (at < p->text.len && is_word(p, at))
		at = after(p, at);
	return at;
}

static void
cut_out(struct prompt *p, size_t from, size_t to)
{
	if (p->spec.kind != PROMPT_PASSWORD) {
		str_cut(&p->killed, 0);
		str_add(&p->killed, str_get(&p->text) + from, to - from);
	}
	prompt_replace(p, from, to, "", 0);
}

static void
edit_start(struct prompt *p)
{
	p->cursor = 0;
}

static void
edit_end(struct prompt *p)
{
	p->cursor = p->text.len;
}

static void
edit_left(struct prompt *p)
{
	p->cursor = before(p, p->cursor);
}

static void
edit_right(struct prompt *p)
{
	p->cursor = after(p, p->cursor);
}

static void
edit_word_left(struct prompt *p)
{
	p->cursor = word_before(p);
}

static void
edit_word_right(struct prompt *p)
{
	p->cursor = word_after(p);
}

static void
edit_backspace(struct prompt *p)
{
	prompt_replace(p, before(p, p->cursor), p->cursor, "", 0);
}

static void
edit_delete(struct prompt *p)
{
	size_t at = p->cursor;

	prompt_replace(p, at, after(p, at), "", 0);
}

static void
edit_kill_start(struct prompt *p)
{
	cut_out(p, 0, p->cursor);
}

static void
edit_kill_end(struct prompt *p)
{
	cut_out(p, p->cursor, p->text.len);
}

static void
edit_kill_word_left(struct prompt *p)
{
	cut_out(p, word_before(p), p->cursor);
}

static void
edit_kill_word_right(struct prompt *p)
{
	cut_out(p, p->cursor, word_after(p));
}

/* As in a shell: up to the space before. */
static void
edit_kill_blank_left(struct prompt *p)
{
	size_t at = p->cursor;

	while (at > 0 && p->text.data[at - 1] == ' ')
		at--;
	while (at > 0 && p->text.data[at - 1] != ' ')
		at--;
	cut_out(p, at, p->cursor);
}

static void
edit_yank(struct prompt *p)
{
	prompt_replace(p, p->cursor, p->cursor, str_get(&p->killed), p->killed.len);
}

/* ---- the history ---- */

static void
go_back(struct prompt *p, int step)
{
	const char *entry = NULL;

	if (!p->history || p->back + step < 0)
		return;
	if (p->back + step > 0) {
		entry = history_get(p->history, p->spec.kind, (size_t)(p->back + step));
		if (!entry)
			return;
	}
	if (p->back == 0) {
		str_cut(&p->draft, 0);
		str_puts(&p->draft, str_get(&p->text));
	}
	p->back += step;
	if (!entry)
		entry = str_get(&p->draft);
	prompt_replace(p, 0, p->text.len, entry, strlen(entry));
}

static void
edit_older(struct prompt *p)
{
	go_back(p, 1);
}

static void
edit_newer(struct prompt *p)
{
	go_back(p, -1);
}

static const struct {
	uint32_t key;
	void (*edit)(struct prompt *p);
} edits[] = {
	{ KC_CTRL | 'a', edit_start }, { KC_HOME, edit_start }, { KC_CTRL | 'e', edit_end },
	{ KC_END, edit_end }, { KC_CTRL | 'b', edit_left }, { KC_LEFT, edit_left },
	{ KC_CTRL | 'f', edit_right }, { KC_RIGHT, edit_right },
	{ KC_ALT | 'b', edit_word_left }, { KC_CTRL | KC_LEFT, edit_word_left },
	{ KC_ALT | KC_LEFT, edit_word_left }, { KC_ALT | 'f', edit_word_right },
	{ KC_CTRL | KC_RIGHT, edit_word_right }, { KC_ALT | KC_RIGHT, edit_word_right },
	{ KC_BACKSPACE, edit_backspace }, { KC_DELETE, edit_delete },
	{ KC_CTRL | 'd', edit_delete }, { KC_CTRL | 'u', edit_kill_start },
	{ KC_CTRL | 'k', edit_kill_end }, { KC_CTRL | 'w', edit_kill_blank_left },
	{ KC_ALT | KC_BACKSPACE, edit_kill_word_left }, { KC_ALT | 'd', edit_kill_word_right },
	{ KC_CTRL | 'y', edit_yank }, { KC_UP, edit_older }, { KC_CTRL | 'p', edit_older },
	{ KC_DOWN, edit_newer }, { KC_CTRL | 'n', edit_newer },
};

bool
prompt_edit(struct prompt *p, uint32_t key)
{
	for (size_t i = 0; i < LEN(edits); i++) {
		if (edits[i].key == key) {
			edits[i].edit(p);
			return true;
		}
	}
	return false;
}
