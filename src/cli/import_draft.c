/* import_draft.c - see import.h: items, sections, and the text they make.
 *
 * Whatever a foreign file holds, the text must read without a complaint: the text
 * is parsed as the mailrc it will be, and a line that the parser names is taken
 * out, until it names none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "rc.h"
#include "utf8.h"

enum { MAX_ROUNDS = 200 };

void
import_init(struct import *im)
{
	*im = (struct import){0};
	import_item(im, "", 0, "%s", "");
	im->items[0].fate = FATE_TAKEN;
}

void
import_clear(struct import *im)
{
	for (size_t i = 0; i < im->n_sections; i++)
		free(im->sections[i].pairs);
	free(im->sections);
	free(im->items);
	free(im->told);
	arena_clear(&im->arena);
	*im = (struct import){0};
}

static const char *
vformat(struct import *im, const char *fmt, va_list ap)
{
	struct str s = {0}, clean = {0};

	str_vprintf(&s, fmt, ap);
	text_clean(&clean, str_get(&s), s.len, CLEAN_LINE);
	const char *text = arena_strdup(&im->arena, str_get(&clean));
	str_clear(&s);
	str_clear(&clean);
	return text;
}

/* ---- items ---- */

size_t
import_item(struct import *im, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (im->n_items == IMPORT_MAX_ITEMS)
		return IMPORT_NO_ITEM;
	im->items = array_grow(im->items, im->n_items, &im->cap_items, sizeof *im->items);
	struct import_item *it = &im->items[im->n_items];
	*it = (struct import_item){ .file = file, .line = line };
	va_start(ap, fmt);
	it->what = vformat(im, fmt, ap);
	va_end(ap);
	return im->n_items++;
}

void
import_taken(struct import *im, size_t item)
{
	if (item != IMPORT_NO_ITEM && im->items[item].fate == FATE_OPEN)
		im->items[item].fate = FATE_TAKEN;
}

void
import_not(struct import *im, size_t item, const char *fmt, ...)
{
	struct import_item *it = &im->items[item];
	va_list ap;

	if (item == IMPORT_NO_ITEM || it->fate != FATE_OPEN)
		return;
	it->fate = FATE_NOT;
	va_start(ap, fmt);
	it->why = vformat(im, fmt, ap);
	va_end(ap);
}

bool
import_is_open(const struct import *im, size_t item)
{
	return item != IMPORT_NO_ITEM && im->items[item].fate == FATE_OPEN;
}

/* ---- sections ---- */

static struct import_section *
section(struct import *im, const char *kind, const char *argument)
{
	for (size_t i = 0; i < im->n_sections; i++) {
		if (str_eq(im->sections[i].kind, kind) &&
		    str_eq(im->sections[i].argument, argument))
			return &im->sections[i];
	}
	im->sections = array_grow(im->sections, im->n_sections, &im->cap_sections,
		sizeof *im->sections);
	struct import_section *s = &im->sections[im->n_sections++];
	*s = (struct import_section){ .kind = arena_strdup(&im->arena, kind),
		.argument = arena_strdup(&im->arena, argument) };
	return s;
}

static const struct import_section *
find(const struct import *im, const char *kind, const char *argument)
{
	for (size_t i = 0; i < im->n_sections; i++) {
		if (str_eq(im->sections[i].kind, kind) &&
		    str_eq(im->sections[i].argument, argument))
			return &im->sections[i];
	}
	return NULL;
}

static struct import_pair *
pair_of(const struct import_section *s, const char *name)
{
	bool has_case = s && str_eq(s->kind, "keys");

	for (size_t i = 0; s && i < s->n; i++) {
		const char *its = s->pairs[i].name;
		if (its && (has_case ? str_eq(its, name) : str_ieq(its, name)))
			return &s->pairs[i];
	}
	return NULL;
}

static struct import_pair *
add_pair(struct import_section *s)
{
	s->pairs = array_grow(s->pairs, s->n, &s->cap, sizeof *s->pairs);
	s->pairs[s->n] = (struct import_pair){0};
	return &s->pairs[s->n++];
}

static bool
is_clean(const char *s)
{
	struct str clean = {0};

	text_clean(&clean, s, strlen(s), CLEAN_LINE);
	bool is = str_eq(str_get(&clean), s);
	str_clear(&clean);
	return is;
}

bool
import_set(struct import *im, const char *kind, const char *argument, const char *name,
	const char *value, size_t item)
{
	if (!is_clean(name) || !is_clean(value)) {
		import_not(im, item, "it holds characters that a mailrc may not");
		return false;
	}
	struct import_section *s = section(im, kind, argument);
	struct import_pair *p = pair_of(s, name);
	if (!p)
		p = add_pair(s);
	*p = (struct import_pair){ arena_strdup(&im->arena, name), arena_strdup(&im->arena,
		value), item };
	import_taken(im, item);
	return true;
}

const char *
import_get(const struct import *im, const char *kind, const char *argument, const char *name)
{
	const struct import_pair *p = pair_of(find(im, kind, argument), name);

	return p ? p->value : NULL;
}

void
import_unset(struct import *im, const char *kind, const char *argument, const char *name)
{
	struct import_section *s = section(im, kind, argument);
	struct import_pair *p = pair_of(s, name);

	if (!p)
		return;
	memmove(p, p + 1, (size_t)(s->pairs + s->n - (p + 1)) * sizeof *p);
	s->n--;
}

void
import_off(struct import *im, const char *kind, const char *argument)
{
	section(im, kind, argument)->is_off = true;
}

void
import_comment(struct import *im, const char *kind, const char *argument, const char *fmt, ...)
{
	struct import_section *s = section(im, kind, argument);
	va_list ap;

	va_start(ap, fmt);
	const char *text = vformat(im, fmt, ap);
	va_end(ap);
	add_pair(s)->value = text;
}

void
import_tell(struct import *im, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	const char *text = vformat(im, fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < im->n_told; i++) {
		if (str_eq(im->told[i], text))
			return;
	}
	im->told = array_grow(im->told, im->n_told, &im->cap_told, sizeof *im->told);
	im->told[im->n_told++] = text;
}

/* ---- text ---- */

static void
put_quoted(struct str *out, const char *s)
{
	str_putc(out, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			str_putc(out, '\\');
		str_putc(out, *s);
	}
	str_putc(out, '"');
}

/* Whether the reader of mailrcs (rc/lex.c) takes it without quotes as it is. */
static bool
is_bare(const char *v)
{
	size_t n = strlen(v);

	if (n == 0 || v[0] == ' ' || v[n - 1] == ' ' || v[0] == '\'')
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((v[i] == ';' || v[i] == '#') && (i == 0 || v[i - 1] == ' '))
			return false;
	}
	if (v[0] != '"')
		return true;
	const char *close = strchr(v + 1, '"');
	return close && close[1] && !strpbrk(v, "\\#;");
}

static void
put_value(struct str *out, const struct import_section *s, const char *v)
{
	if (str_eq(s->kind, "colors") || is_bare(v))
		str_puts(out, v);
	else
		put_quoted(out, v);
}

static void
put_pair(struct str *out, const struct import_section *s, const struct import_pair *p)
{
	if (!p->name) {
		str_printf(out, "# %s\n", p->value);
		return;
	}
	str_puts(out, s->is_off ? "# " : "");
	if (str_eq(s->kind, "keys") && strpbrk(p->name, "=\"'[];# "))
		put_quoted(out, p->name);
	else
		str_puts(out, p->name);
	str_puts(out, " = ");
	put_value(out, s, p->value);
	str_putc(out, '\n');
}

/* Where each line came from: an index of sections and one of pairs. */
struct line_map {
	struct { size_t section, pair; } *v;	/* pair SIZE_MAX: the head of the section */
	size_t n, cap;
};

static void
map_lines(struct line_map *map, const struct str *text, size_t *from, size_t section_at,
	size_t pair)
{
	for (; *from < text->len; ++*from) {
		if (text->data[*from] != '\n')
			continue;
		map->v = array_grow(map->v, map->n, &map->cap, sizeof *map->v);
		map->v[map->n].section = section_at;
		map->v[map->n++].pair = pair;
	}
}

static void
write_text(const struct import *im, struct str *out, struct line_map *map)
{
	static const char *const kinds[] = { "mail", "account", "keys", "colors", "alias" };
	size_t at = 0;

	for (size_t i = 0; i < im->n_told; i++)
		str_printf(out, "# %s\n", im->told[i]);
	map_lines(map, out, &at, SIZE_MAX, SIZE_MAX);
	for (size_t k = 0; k < LEN(kinds); k++) {
		for (size_t i = 0; i < im->n_sections; i++) {
			const struct import_section *s = &im->sections[i];
			if (!str_eq(s->kind, kinds[k]) || s->n == 0)
				continue;
			str_printf(out, "%s%s[%s%s%s]\n", out->len ? "\n" : "", s->is_off
				? "# " : "", s->kind,
				*s->argument ? " " : "", s->argument);
			map_lines(map, out, &at, i, SIZE_MAX);
			for (size_t p = 0; p < s->n; p++) {
				put_pair(out, s, &s->pairs[p]);
				map_lines(map, out, &at, i, p);
			}
		}
	}
}

/* The line of a problem: "name:12: text" */
static size_t
problem_line(const char *problem, const char **text)
{
	const char *colon = strchr(problem, ':');

	*text = colon ? strchr(colon + 1, ':') : NULL;
	*text = *text ? *text + 2 : problem;
	return colon ? (size_t)atol(colon + 1) : 0;
}

/* Takes the line out that the problem is about. False: it is none of a pair. */
static bool
drop_line(struct import *im, const struct line_map *map, const char *problem)
{
	const char *text;
	size_t line = problem_line(problem, &text);

	if (line == 0 || line > map->n || map->v[line - 1].section == SIZE_MAX)
		return false;
	struct import_section *s = &im->sections[map->v[line - 1].section];
	if (map->v[line - 1].pair == SIZE_MAX) {	/* an account that is not whole */
		import_tell(im, "[%s %s] cannot be used yet: %s", s->kind, s->argument, text);
		bool was_off = s->is_off;
		s->is_off = true;
		return !was_off;
	}
	struct import_pair *p = &s->pairs[map->v[line - 1].pair];
	if (!p->name)
		return false;
	if (p->item != IMPORT_NO_ITEM) {
		im->items[p->item].fate = FATE_OPEN;
		import_not(im, p->item, "%s", text);
	} else {
		import_tell(im, "%s", text);
	}
	*p = (struct import_pair){ .value = arena_printf(&im->arena, "%s = %s", p->name,
		p->value) };
	return true;
}

void
import_text(struct import *im, struct str *out)
{
	struct line_map map = {0};
	bool is_changed = true;

	for (int round = 0; is_changed && round < MAX_ROUNDS; round++) {
		struct rc *rc;
		str_cut(out, 0);
		map.n = 0;
		write_text(im, out, &map);
		rc_parse(&rc, "mailrc", str_get(out), out->len, NULL);
		is_changed = rc->n_problems > 0 && drop_line(im, &map, rc->problems[0].line);
		rc_free(rc);
	}
	free(map.v);
}

size_t
import_n_accounts(const struct import *im)
{
	size_t n = 0;

	for (size_t i = 0; i < im->n_sections; i++)
		n += str_eq(im->sections[i].kind, "account") && !im->sections[i].is_off &&
			pair_of(&im->sections[i], "receive") != NULL;
	return n;
}

void
import_report(const struct import *im, struct str *out)
{
	size_t n_taken = 0, n_not = 0;

	for (size_t i = 1; i < im->n_items; i++) {
		const struct import_item *it = &im->items[i];
		n_taken += it->fate == FATE_TAKEN;
		n_not += it->fate != FATE_TAKEN;
		if (it->fate != FATE_TAKEN)
			str_printf(out, "%s:%d: %s: %s\n", it->file, it->line, it->what,
				it->why ? it->why : "there is nothing like it here");
	}
	if (im->n_items == IMPORT_MAX_ITEMS)
		str_printf(out, "there are more than %d settings: the rest was not looked "
			"at\n", IMPORT_MAX_ITEMS);
	for (size_t i = 0; i < im->n_told; i++)
		str_printf(out, "%s\n", im->told[i]);
	str_printf(out, "%zu setting%s taken over, %zu not\n", n_taken, n_taken == 1 ? ""
		: "s", n_not);
}
