/* keymap.c - which keys do what: the built-in maps, the rc's bindings, and the search in them.
 *
 * The default map is the `keys` column of the command table; mutt and vim are lists of
 * differences from it, the rc one more such list. A map is a few hundred entries and is
 * searched once a key press, so a plain array does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "query.h"
#include "str.h"

struct difference {
	unsigned views;
	const char *keys, *line;
};

/* Keys that mean something else in one view than the table's own column says. */
static const struct difference map_default[] = {
	{ V_PAGER, "<Backspace>", "page-up" },
	{ V_PAGER, "<Enter>", "down" },
	{ V_HELP | V_MESSAGES, "<Space>", "page-down" },
	{ V_HELP | V_MESSAGES, "<Backspace>", "page-up" },
};

static const struct difference map_mutt[] = {
	{ V_INDEX, "x", "quit" },
	{ V_PAGER, "j", "next-message" },
	{ V_PAGER, "k", "previous-message" },
	{ V_MAIL, "gg", "reply-all" },	/* g is a prefix here; = and ^ lead to the top */
	{ V_MAIL, "a", "alias" },
	{ V_MAIL, "A", "archive" },
	{ V_MAIL | V_FOLDERS, "R", "drafts" },
	{ V_PAGER, "i", "back" },
	{ V_PAGER, "x", "back" },
	{ V_PAGER, "-", "page-up" },
	{ V_PAGER, "^", "first" },
	{ V_PAGER, "$", "last" },
	{ V_INDEX | V_FOLDERS, "=", "first" },
	{ V_INDEX | V_FOLDERS, "*", "last" },
	{ V_LISTS, "]", "half-down" },
	{ V_LISTS, "[", "half-up" },
	{ V_LISTS, "z", "page-down" },
	{ V_LISTS, "Z", "page-up" },
	{ V_INDEX | V_FOLDERS, "<Alt-v>", "fold" },
	{ V_INDEX, "<Alt-V>", "fold-all" },
	{ V_INDEX, "<C-n>", "next-thread" },
	{ V_INDEX, "<C-p>", "previous-thread" },
	{ V_INDEX, "<Alt-t>", "tag-thread" },
	{ V_INDEX, "T", "tag-query" },
	{ V_PAGER, "T", "fold-quoted" },
	{ V_INDEX, "J", "down" },
	{ V_INDEX, "K", "up" },
	{ V_MAIL, "U", "undo" },
};

static const struct difference map_vim[] = {
	{ V_MAIL, "dd", "delete" },
	{ V_FOLDERS, "dd", "delete-folder" },
	{ V_MAIL, "x", "delete" },
	{ V_MAIL, "yy", "copy" },
	{ V_BUT_COMPOSE, "-", "folders" },
	{ V_ALL, "N", "search-previous" },
	{ V_MAIL, "gu", "read" },
	{ V_LISTS, "l", "open" },
	{ V_ALL & ~V_OUTBOX, "h", "back" },
	{ V_PAGER, "gh", "headers" },
	{ V_INDEX, "gl", "limit" },
	{ V_INDEX, "V", "tag" },
	{ V_INDEX | V_FOLDERS, "za", "fold" },
	{ V_INDEX, "zM", "fold-all" },
	{ V_PAGER, "za", "fold-quoted" },
	{ V_INDEX, "}", "next-thread" },
	{ V_INDEX, "{", "previous-thread" },
	{ V_ALL, "ZZ", "quit" },
	{ V_ALL, "ZQ", "quit" },
};

static bool
is_beginning(const uint32_t *a, int n, const uint32_t *b, int m)
{
	return n <= m && memcmp(a, b, (size_t)n * sizeof *a) == 0;
}

/* Removes what a binding of these keys would hide or be hidden by. */
static void
unbind(struct keymap *m, unsigned view, const uint32_t *keys, int n)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct binding *b = &m->v[i];
		if (b->view == view && (is_beginning(b->keys, b->n, keys, n) ||
		    is_beginning(keys, n, b->keys, b->n)))
			free(b->line);
		else
			m->v[kept++] = *b;
	}
	m->n = kept;
}

enum err
keymap_bind(struct keymap *m, unsigned views, const char *text, const char *line,
	struct error *e)
{
	struct binding b = {0};
	enum err rc = keys_parse(text, b.keys, &b.n, e);

	if (rc != ERR_OK)
		return rc;
	for (b.view = 1; b.view < V_ALL; b.view <<= 1) {
		if (!(views & b.view))
			continue;
		unbind(m, b.view, b.keys, b.n);
		if (line[0] == '\0' || str_eq(line, "none"))
			continue;
		m->v = array_grow(m->v, m->n, &m->cap, sizeof *m->v);
		b.line = xstrdup(line);
		m->v[m->n++] = b;
	}
	return ERR_OK;
}

static void
bind_table(struct keymap *m)
{
	for (int id = 0; id < N_COMMANDS; id++) {
		const struct command *c = command_at(id);
		char buf[80], *save, *key;

		snprintf(buf, sizeof buf, "%s", c->keys);
		for (key = strtok_r(buf, " ", &save); key; key = strtok_r(NULL, " ", &save))
			keymap_bind(m, c->views, key, c->name, NULL);
	}
}

static void
bind_differences(struct keymap *m, const struct difference *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		keymap_bind(m, d[i].views, d[i].keys, d[i].line, NULL);
}

void
keymap_init(struct keymap *m, const char *name)
{
	*m = (struct keymap){0};
	bind_table(m);
	bind_differences(m, map_default, LEN(map_default));
	if (str_eq(name, "mutt"))
		bind_differences(m, map_mutt, LEN(map_mutt));
	else if (str_eq(name, "vim"))
		bind_differences(m, map_vim, LEN(map_vim));
}

void
keymap_clear(struct keymap *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].line);
	free(m->v);
	*m = (struct keymap){0};
}

/* The views that a [keys ...] section speaks of; 0 and *e: there is no such view. */
static unsigned
section_views(const char *section, struct error *e)
{
	const char *known[20] = { "all" };
	unsigned view = view_bit_by_name(section);
	struct str words = {0};
	size_t n = 1;

	if (view || section[0] == '\0' || str_ieq(section, "all"))
		return view ? view : V_ALL;
	for (unsigned bit = 1; bit < V_ALL && n + 1 < LEN(known); bit <<= 1)
		known[n++] = view_bit_name(bit);
	for (size_t i = 1; i < n; i++)
		str_printf(&words, "%s, ", known[i]);
	const char *near = nearest_word(section, known);
	error_set(e, ERR_LOCAL, near ? "no view '%s' (did you mean '%s'?)"
		: "no view '%s' (there are %sall)", section, near ? near : str_get(&words));
	str_clear(&words);
	return 0;
}

/* The line of a section is about the same keys, or takes them away: told, since
 * the person who wrote both sees one of them do nothing. A section of one view may
 * well differ from that of all. */
static enum err
check_earlier(const struct rc *rc, size_t at, const uint32_t *keys, int n, struct error *e)
{
	const struct rc_pair *p = &rc->keys[at];

	for (size_t i = at; i-- > 0;) {
		const struct rc_pair *q = &rc->keys[i];
		uint32_t other[KEYS_MAX];
		int m;
		if (!str_ieq(q->section, p->section) ||
		    keys_parse(q->name, other, &m, NULL) != ERR_OK)
			continue;
		if (n == m && is_beginning(keys, n, other, m))
			return error_set(e, ERR_LOCAL,
				"'%s' is already bound in line %d; this one counts", p->name,
				q->line);
		if (is_beginning(keys, n, other, m) || is_beginning(other, m, keys, n))
			return error_set(e, ERR_LOCAL,
				"'%s' takes away '%s' of line %d: one begins as the other",
				p->name, q->name, q->line);
	}
	return ERR_OK;
}

static enum err
bind_pair(struct keymap *m, const struct rc *rc, size_t at, struct error *e)
{
	const struct rc_pair *p = &rc->keys[at];
	unsigned views = section_views(p->section ? p->section : "", e);
	uint32_t keys[KEYS_MAX];
	const char *arg;
	int n;

	if (!views || keys_parse(p->name, keys, &n, e) != ERR_OK)
		return ERR_LOCAL;
	if (p->value[0] != '\0' && !str_eq(p->value, "none")) {
		const struct command *c = command_parse(p->value, views, false, &arg, e);
		if (!c || (arg && !command_takes(c, views & c->views, arg, 0, e)))
			return ERR_LOCAL;
		views &= c->views;
	}
	enum err rc_bind = keymap_bind(m, views, p->name, p->value, e);
	return rc_bind == ERR_OK ? check_earlier(rc, at, keys, n, e) : rc_bind;
}

void
keymap_read(struct keymap *m, const struct rc *rc,
	void (*problem)(void *ctx, const char *line), void *ctx)
{
	for (size_t i = 0; i < rc->n_keys; i++) {
		struct error e;
		if (bind_pair(m, rc, i, &e) == ERR_OK)
			continue;
		char *line = xasprintf("%s:%d: %s", rc->path, rc->keys[i].line, e.text);
		problem(ctx, line);
		free(line);
	}
}

enum key_match
keymap_find(const struct keymap *m, unsigned view, const uint32_t *keys, int n,
	const struct binding **out)
{
	enum key_match found = KEYS_NONE;

	for (size_t i = 0; i < m->n; i++) {
		const struct binding *b = &m->v[i];
		if (b->view != view || !is_beginning(keys, n, b->keys, b->n))
			continue;
		found = KEYS_PREFIX;
		if (b->n == n) {
			*out = b;
			return KEYS_BOUND;
		}
	}
	return found;
}

void
keymap_hints(const struct keymap *m, unsigned view, const uint32_t *keys, int n,
	void (*hint)(void *ctx, const char *key, const char *line), void *ctx)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct binding *b = &m->v[i];
		if (b->view != view || b->n <= n || !is_beginning(keys, n, b->keys, b->n))
			continue;
		struct str name = {0};
		keys_text(&name, b->keys + n, b->n - n);
		hint(ctx, str_get(&name), b->line);
		str_clear(&name);
	}
}

void
keymap_keys_of(const struct keymap *m, unsigned view, const struct command *c, struct str *out)
{
	bool is_first = true;

	for (size_t i = 0; i < m->n; i++) {
		const struct binding *b = &m->v[i];
		if (b->view != view || !str_eq(b->line, c->name))
			continue;
		if (!is_first)
			str_putc(out, ' ');
		keys_text(out, b->keys, b->n);
		is_first = false;
	}
}

void
keymap_key_of(const struct keymap *m, unsigned view, enum command_id id, struct str *out)
{
	size_t from = out->len;

	keymap_keys_of(m, view, command_at(id), out);
	str_cut(out, from + strcspn(str_get(out) + from, " "));
}
