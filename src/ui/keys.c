/* keys.c - names of keys, and keys by their names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "query.h"
#include "str.h"
#include "utf8.h"

static const struct {
	const char *name;
	uint32_t key;
} names[] = {			/* of several names the first is the one shown */
	{ "Enter", KC_ENTER }, { "Return", KC_ENTER }, { "CR", KC_ENTER }, { "Space", ' ' },
	{ "Tab", KC_TAB }, { "BackTab", KC_TAB | KC_SHIFT }, { "Esc", KC_ESC },
	{ "Escape", KC_ESC }, { "Backspace", KC_BACKSPACE }, { "BS", KC_BACKSPACE },
	{ "Delete", KC_DELETE }, { "Del", KC_DELETE }, { "Insert", KC_INSERT },
	{ "Ins", KC_INSERT }, { "Up", KC_UP }, { "Down", KC_DOWN }, { "Left", KC_LEFT },
	{ "Right", KC_RIGHT }, { "Home", KC_HOME }, { "End", KC_END },
	{ "PageUp", KC_PAGE_UP }, { "PgUp", KC_PAGE_UP }, { "PageDown", KC_PAGE_DOWN },
	{ "PgDn", KC_PAGE_DOWN }, { "lt", '<' }, { "gt", '>' },
};

static const struct {
	const char *name;
	uint32_t bit;
} modifiers[] = {
	{ "C-", KC_CTRL }, { "Ctrl-", KC_CTRL }, { "Alt-", KC_ALT }, { "A-", KC_ALT },
	{ "M-", KC_ALT }, { "Meta-", KC_ALT }, { "S-", KC_SHIFT }, { "Shift-", KC_SHIFT },
};

static const char *
special_name(uint32_t key)
{
	for (size_t i = 0; i < LEN(names); i++) {
		if (names[i].key == key)
			return names[i].name;
	}
	return NULL;
}

void
key_text(struct str *out, uint32_t key)
{
	uint32_t bare = key & ~(uint32_t)(KC_SHIFT | KC_CTRL | KC_ALT);
	bool is_plain = key == bare && bare < KC_FIRST && bare != ' ' && bare != '<';
	const char *name = special_name(bare);
	char buf[4];

	if (is_plain) {
		str_add(out, buf, utf8_put(buf, bare));
		return;
	}
	str_printf(out, "<%s%s%s", key & KC_CTRL ? "C-" : "", key & KC_ALT ? "Alt-" : "",
		key & KC_SHIFT ? "S-" : "");
	if (name)
		str_puts(out, name);
	else if (bare >= KC_F1 && bare <= KC_F12)
		str_printf(out, "F%u", (unsigned)(bare - KC_F1 + 1));
	else
		str_add(out, buf, utf8_put(buf, bare));
	str_putc(out, '>');
}

void
keys_text(struct str *out, const uint32_t *keys, int n)
{
	for (int i = 0; i < n; i++)
		key_text(out, keys[i]);
}

uint32_t
key_of_byte(unsigned char c)
{
	switch (c) {
	case '\r': case '\n':
		return KC_ENTER;
	case '\t':
		return KC_TAB;
	case 27:
		return KC_ESC;
	case 8: case 127:
		return KC_BACKSPACE;
	case 0:
		return KC_CTRL | ' ';
	default:
		return c < 27 ? KC_CTRL | (uint32_t)(c + 'a' - 1)
			: c < ' ' ? KC_CTRL | (uint32_t)(c + '@') : c;
	}
}

static bool
named_key(const char *s, size_t n, uint32_t *key)
{
	char buf[16];

	if (n >= sizeof buf)
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	for (size_t i = 0; i < LEN(names); i++) {
		if (str_ieq(names[i].name, buf)) {
			*key = names[i].key;
			return true;
		}
	}
	if ((buf[0] == 'F' || buf[0] == 'f') && n > 1 && n < 4 &&
	    strspn(buf + 1, "0123456789") == n - 1) {
		int f = atoi(buf + 1);
		*key = (uint32_t)(KC_F1 + f - 1);
		return f >= 1 && f <= 12;
	}
	uint32_t c;
	if (n == 0 || utf8_next(s, n, &c) != n || c < ' ' || c == 0xfffd)
		return false;
	*key = c;
	return true;
}

/* As a terminal sends it: Ctrl has no case, and some control keys have names of their own. */
static uint32_t
canonical(uint32_t mods, uint32_t key)
{
	if ((mods & KC_CTRL) && key >= 'A' && key <= 'Z')
		key += 'a' - 'A';
	if ((mods & KC_CTRL) && key >= '@' && key < 127) {
		uint32_t sent = key_of_byte((unsigned char)(key & 31));
		return sent | (mods & KC_ALT);
	}
	return key | mods;
}

/* The inside of <...>: modifiers, then a name. */
static bool
bracketed_key(const char *s, size_t n, uint32_t *key)
{
	uint32_t mods = 0, bare;

	for (size_t i = 0; i < LEN(modifiers);) {
		size_t len = strlen(modifiers[i].name);
		if (n > len && str_istarts(s, modifiers[i].name)) {
			mods |= modifiers[i].bit;
			s += len;
			n -= len;
			i = 0;
		} else {
			i++;
		}
	}
	if (!named_key(s, n, &bare))
		return false;
	if ((mods & KC_SHIFT) && bare < KC_FIRST)
		return false;
	*key = canonical(mods, bare & 0x1fffff) | (bare & KC_SHIFT);
	return true;
}

static bool
next_key(const char **text, uint32_t *key)
{
	const char *s = *text, *end = strchr(s, '>');

	if (*s == '<' && s[1] != '\0' && end) {
		*text = end + 1;
		return bracketed_key(s + 1, (size_t)(end - s - 1), key);
	}
	*text += utf8_next(s, strlen(s), key);
	return *key > ' ' && *key != 0xfffd && *key != 127;
}

/* What the name between the brackets may have meant: "<C-Entr>" is near to "<C-Enter>". */
static char *
nearest_key(const char *s)
{
	const char *end = *s == '<' ? strchr(s, '>') : NULL, *words[LEN(names) + 1];
	const char *bare = s + 1;

	if (!end)
		return NULL;
	for (size_t i = 0; i < LEN(names); i++)
		words[i] = names[i].name;
	words[LEN(names)] = NULL;
	for (size_t i = 0; i < LEN(modifiers); i++) {
		if (str_istarts(bare, modifiers[i].name)) {
			bare += strlen(modifiers[i].name);
			i = (size_t)-1;
		}
	}
	char *name = xstrndup(bare, bare < end ? (size_t)(end - bare) : 0);
	const char *near = nearest_word(name, words);
	char *out = near ? xasprintf("<%.*s%s>", (int)(bare - s - 1), s + 1, near) : NULL;
	free(name);
	return out;
}

static enum err
no_key(const char *text, const char *at, struct error *e)
{
	char *near = nearest_key(at);

	error_set(e, ERR_LOCAL,
		near
		? "'%s' is no key (did you mean '%s'?)"
		: "'%s' is no key (as in: x <C-x> <Alt-x> <F1> <Enter> <Space> gg)", text,
		near);
	free(near);
	return ERR_LOCAL;
}

enum err
keys_parse(const char *text, uint32_t keys[KEYS_MAX], int *n, struct error *e)
{
	const char *s = text;

	for (*n = 0; *s; (*n)++) {
		if (*n == KEYS_MAX)
			return error_set(e, ERR_LOCAL, "'%s' is longer than %d keys", text,
				KEYS_MAX);
		const char *at = s;
		if (!next_key(&s, &keys[*n]))
			return no_key(text, at, e);
	}
	return *n ? ERR_OK : error_set(e, ERR_LOCAL, "a key is missing");
}
