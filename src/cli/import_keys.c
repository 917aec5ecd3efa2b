/* import_keys.c - a muttrc's keys: their names, the views that menus stand for, and what hides
 * what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_mutt.h"
#include "utf8.h"

enum { MAX_KEYS = 4 };

static const struct { const char *menu, *view; } menus[] = {
	{ "index", "index" }, { "pager", "pager" }, { "attach", "parts" },
	{ "browser", "folders" }, { "compose", "compose" }, { "postpone", "drafts" },
};
static const char *const generic_views[] = { "folders", "index", "parts" };

static const struct { const char *theirs, *ours; } names[] = {
	{ "enter", "Enter" }, { "return", "Enter" }, { "esc", "Esc" }, { "escape", "Esc" },
	{ "tab", "Tab" },
	{ "backtab", "S-Tab" }, { "space", "Space" }, { "up", "Up" }, { "down", "Down" },
	{ "left", "Left" },
	{ "right", "Right" }, { "home", "Home" }, { "end", "End" }, { "pageup", "PageUp" },
	{ "pagedown", "PageDown" },
	{ "next", "PageDown" }, { "previous", "PageUp" }, { "delete", "Delete" },
	{ "backspace", "Backspace" },
	{ "insert", "Insert" }, { "177", "Backspace" }, { "010", "Backspace" }, { "f1", "F1" },
	{ "f2", "F2" },
	{ "f3", "F3" }, { "f4", "F4" }, { "f5", "F5" }, { "f6", "F6" }, { "f7", "F7" },
	{ "f8", "F8" },
	{ "f9", "F9" }, { "f10", "F10" }, { "f11", "F11" }, { "f12", "F12" },
};

/* ---- names of keys ---- */

/* The inside of <...>: with "c-", "s-", "a-" or "m-" before the names that stand for keys. */
static bool
put_named(struct str *out, const char *s, size_t n, bool is_alt)
{
	static const struct { const char *theirs, *ours; } modifiers[] = {
		{ "c-", "C-" }, { "s-", "S-" }, { "a-", "Alt-" }, { "m-", "Alt-" },
	};
	const char *modifier = "";

	for (size_t i = 0; n > 2 && i < LEN(modifiers); i++) {
		if (str_istarts(s, modifiers[i].theirs)) {
			modifier = modifiers[i].ours;
			s += 2;
			n -= 2;
			break;
		}
	}
	for (size_t i = 0; i < LEN(names); i++) {
		if (strlen(names[i].theirs) != n || !str_istarts(s, names[i].theirs))
			continue;
		if (str_eq(names[i].ours, "S-Tab") && (*modifier || is_alt))
			return false;
		str_printf(out, "<%s%s%s>", is_alt && !str_eq(modifier, "Alt-") ? "Alt-" : "",
			modifier, names[i].ours);
		return true;
	}
	return false;
}

static void
put_character(struct str *out, const char *s, size_t n, bool is_alt)
{
	const char *alt = is_alt ? "Alt-" : "";

	if (*s == '\t')
		str_printf(out, "<%sTab>", alt);
	else if (*s == '\r' || *s == '\n')
		str_printf(out, "<%sEnter>", alt);
	else if (*s == 8 || *s == 127)
		str_printf(out, "<%sBackspace>", alt);
	else if (*s > 0 && *s < ' ')
		str_printf(out, "<%sC-%c>", alt, *s < 27 ? *s + 'a' - 1 : *s + '@');
	else if (*s == ' ')
		str_printf(out, "<%sSpace>", alt);
	else if (*s == '<' || (is_alt && *s == '>'))
		str_printf(out, "<%s%s>", alt, *s == '<' ? "lt" : "gt");
	else
		str_printf(out, is_alt ? "<Alt-%.*s>" : "%.*s%.0s", (int)n, s, "");
}

/* A key sequence as a mailrc writes it; NULL: it has none. */
static const char *
keys_of(struct mutt *m, const char *s)
{
	struct str out = {0};
	int n_keys = 0;
	bool is_good = *s != '\0';

	for (; is_good && *s; n_keys++) {
		const char *close = *s == '<' ? strchr(s, '>') : NULL;
		bool is_esc = *s == 27 || str_istarts(s, "<esc>"),
			is_alt = is_esc && s[*s == 27 ? 1 : 5];
		uint32_t c;
		if (is_alt) {
			s += *s == 27 ? 1 : 5;
			close = *s == '<' ? strchr(s, '>') : NULL;
		}
		if (is_esc && !is_alt) {
			str_puts(&out, "<Esc>");
			s = "";
		} else if (close && close > s + 1) {
			is_good = put_named(&out, s + 1, (size_t)(close - s - 1), is_alt);
			s = close + 1;
		} else {
			size_t len = utf8_next(s, strlen(s), &c);
			is_good = *s != 27 && c != 0xfffd && !(c >= 0x80 && c < 0xa0);
			put_character(&out, s, len, is_alt);
			s += len;
		}
	}
	const char *text = is_good && n_keys <= MAX_KEYS ? arena_strdup(&m->im->arena,
		str_get(&out)) : NULL;
	str_clear(&out);
	return text;
}

/* ---- bindings ---- */

static const char *
view_of(const char *menu)
{
	for (size_t i = 0; i < LEN(menus); i++) {
		if (str_eq(menus[i].menu, menu))
			return menus[i].view;
	}
	return NULL;
}

struct bound {
	const char *keys, *what;	/* a function, or the body of a macro */
	bool is_macro;
	size_t item;
	const char *why;		/* of the last refusal */
	bool is_any;
};

static void
bind_in(struct mutt *m, const char *view, struct bound *b, bool is_weak)
{
	const char *why = NULL, *line = b->is_macro ? mutt_macro(m, view, b->what, &why)
		: mutt_function(b->what, view, &why);

	if (!line) {
		b->why = why;
		return;
	}
	b->is_any = true;
	if (is_weak && import_get(m->im, "keys", view, b->keys))
		return;
	import_set(m->im, "keys", view, b->keys, line, b->item);
}

static void
bind_menus(struct mutt *m, const char *list, struct bound *b)
{
	for (const char *p = list; *p; p += *p == ',') {
		size_t n = strcspn(p, ",");
		char menu[20];
		snprintf(menu, sizeof menu, "%.*s", (int)(n < 19 ? n : 19), p);
		p += n;
		const char *view = view_of(menu);
		if (str_eq(menu, "generic")) {
			for (size_t i = 0; i < LEN(generic_views); i++)
				bind_in(m, generic_views[i], b, true);
		} else if (view) {
			bind_in(m, view, b, false);
		} else if (!b->why) {
			b->why = str_eq(menu, "editor")
				? "keys of the line where you type are fixed, as in shells"
				: "there is no such list here";
		}
	}
}

void
mutt_bind(struct mutt *m, struct mutt_text *t, bool is_macro, size_t item)
{
	struct mutt_var menu = {0}, key = {0}, body = {0};

	mutt_take_word(m, t, 0, &menu);
	mutt_take_word(m, t, 0, &key);
	mutt_take_word(m, t, is_macro ? WORD_CONDENSE : 0, &body);
	struct bound b = { .what = body.value, .is_macro = is_macro, .item = item };
	if (m->into != &m->vars) {
		import_not(m->im, item, "keys are the same in all folders");
		return;
	}
	if (is_macro && mutt_macro_account(m, menu.value, key.value, body.value, item))
		return;
	if (body.command)
		import_not(m->im, item, "`%s` was not run", body.command);
	else if (!(b.keys = keys_of(m, key.value)))
		import_not(m->im, item, "there is no such key");
	else
		bind_menus(m, menu.value, &b);
	if (b.is_any)
		import_taken(m->im, item);
	else
		import_not(m->im, item, "%s", b.why ? b.why : "there is nothing like it here");
}

/* ---- at the end ---- */

static bool
is_beginning(const char *a, const char *b)
{
	return !str_eq(a, b) && str_starts(b, a);
}

static void
drop(struct import *im, struct import_section *s, size_t at, const struct import_pair *by)
{
	struct import_pair *p = &s->pairs[at];

	if (p->item && !str_eq(p->value, "none")) {
		im->items[p->item].fate = FATE_OPEN;
		import_not(im, p->item, "'%s' begins as '%s' in line %d, or the other way "
			"round, and that one counts", p->name,
			by->name, im->items[by->item].line);
	}
	memmove(p, p + 1, (s->n - at - 1) * sizeof *p);
	s->n--;
}

/* Of two keys where one begins as the other only one can work: that which does something, then
 * the later. */
static void
drop_hidden(struct import *im, struct import_section *s)
{
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = i + 1; s->pairs[i].name && k < s->n; k++) {
			const struct import_pair *a = &s->pairs[i], *b = &s->pairs[k];
			if (!b->name || (!is_beginning(a->name, b->name) &&
			    !is_beginning(b->name, a->name)))
				continue;
			if (str_eq(b->value, "none") && !str_eq(a->value, "none")) {
				drop(im, s, k--, a);
			} else {
				drop(im, s, i--, b);
				break;
			}
		}
	}
}

void
mutt_keys_finish(struct mutt *m)
{
	for (size_t i = 0; i < m->n_hooks; i++) {
		const struct mutt_hook *h = &m->hooks[i];
		if (h->kind != HOOK_MACRO || !h->account)
			continue;
		char *line = xasprintf("folder %s/INBOX", h->account);
		struct bound b = { .keys = keys_of(m, h->pattern), .what = line,
			.item = h->item };
		for (size_t k = 0; b.keys && k < LEN(menus) - 2; k++) {
			if (strstr(h->menus, menus[k].menu))
				import_set(m->im, "keys", menus[k].view, b.keys, line,
					h->item);
		}
		free(line);
	}
	for (size_t i = 0; i < m->im->n_sections; i++) {
		if (str_eq(m->im->sections[i].kind, "keys"))
			drop_hidden(m->im, &m->im->sections[i]);
	}
}
