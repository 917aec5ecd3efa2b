/* import_colors.c - a muttrc's colours as styles of [colors].
 *
 *	color OBJECT [ATTRIBUTE...] FOREGROUND BACKGROUND [PATTERN] */
#include <ctype.h>
#include <string.h>

#include "import_mutt.h"
#include "rc.h"

static const struct {
	const char *object, *styles;
} objects[] = {
	{ "normal", "normal" }, { "error", "error" }, { "tree", "thread" },
	{ "signature", "signature" },
	{ "message", "notice" }, { "indicator", "cursor" }, { "status", "title status" },
	{ "hdrdefault", "header" },
	{ "quoted", "quote1" }, { "quoted0", "quote1" }, { "quoted1", "quote2" },
	{ "quoted2", "quote3" },
	{ "search", "match" }, { "attachment", "attachment" }, { "prompt", "prompt" },
	{ "progress", "progress" },
	{ "warning", "notice" }, { "index_author", "sender" }, { "index_subject", "subject" },
	{ "index_date", "date" }, { "index_size", "size" }, { "bold", "strong" },
};

/* What of the list's lines there is a style for, by mutt's pattern. */
static const struct {
	const char *pattern, *style;
} lines[] = {
	{ "~F", "flagged" }, { "~D", "deleted" }, { "~T", "tagged" }, { ".*", "normal" },
	{ "~A", "normal" },
};

static const char *
attribute(const char *word)
{
	static const struct { const char *theirs, *ours; } attributes[] = {
		{ "bold", "bold" }, { "underline", "underline" }, { "reverse", "reverse" },
		{ "italic", "italic" },
		{ "standout", "reverse" }, { "none", "" }, { "normal", "" },
	};

	for (size_t i = 0; i < LEN(attributes); i++) {
		if (str_ieq(attributes[i].theirs, word))
			return attributes[i].ours;
	}
	return NULL;
}

/* NULL: it is no colour. */
static const char *
color(struct mutt *m, const char *word)
{
	static const char *const prefixes[] = { "bright", "light", "alert" };
	struct rc_color c;
	const char *out = word;

	if (str_istarts(word, "color") && isdigit((unsigned char)word[5]))
		out = word + 5;
	for (size_t i = 0; i < LEN(prefixes); i++) {
		const char *rest = word + strlen(prefixes[i]);
		if (!str_istarts(word, prefixes[i]))
			continue;
		if (str_istarts(rest, "color") || str_ieq(rest, "default"))
			return color(m, rest);
		out = arena_printf(&m->im->arena, "bright-%s", rest);
	}
	return rc_color_parse(&c, out, NULL) == ERR_OK && *out && !strchr(out, ' ')
		? out : NULL;
}

/* Patterns such as "~N | ~O", of which only unread messages are meant. */
static const char *
line_style(const char *pattern)
{
	char bare[8];
	size_t n = 0;

	if (strchr(pattern, '~') && strspn(pattern, "~NOU|() ") == strlen(pattern))
		return "unread";
	for (; *pattern && n + 1 < sizeof bare; pattern++) {
		if (!strchr("() ", *pattern))
			bare[n++] = *pattern;
	}
	bare[n] = '\0';
	for (size_t i = 0; i < LEN(lines); i++) {
		if (str_eq(lines[i].pattern, bare))
			return lines[i].style;
	}
	return NULL;
}

static const char *
styles_of(const char *object, const char *pattern)
{
	bool is_all = !*pattern || str_eq(pattern, ".*") || str_eq(pattern, "~A");

	if (str_eq(object, "index"))
		return is_all ? "normal" : line_style(pattern);
	if (str_eq(object, "body"))
		return strstr(pattern, "http") || strstr(pattern, "://") ? "link" : NULL;
	for (size_t i = 0; is_all && i < LEN(objects); i++) {
		if (str_eq(objects[i].object, object))
			return objects[i].styles;
	}
	return NULL;
}

static void
no_style(struct mutt *m, size_t item, const char *object)
{
	if (str_starts(object, "sidebar"))
		import_not(m->im, item, "there is no sidebar: y lists the folders");
	else if (str_eq(object, "header"))
		import_not(m->im, item, "header fields have one colour: 'header' and "
			"'header-name' in [colors]");
	else if (str_eq(object, "index"))
		import_not(m->im, item, "a query cannot say what this pattern "
			"says (see dunlin-mailrc(5), [colors])");
	else if (str_eq(object, "body"))
		import_not(m->im, item, "of texts only links have a colour of their own");
	else
		import_not(m->im, item, "there is no style for it (see dunlin-mailrc(5), "
			"[colors])");
}

static const char *
word_of(struct mutt *m, struct mutt_text *t)
{
	struct mutt_var v = {0};

	mutt_take_word(m, t, 0, &v);
	return v.value;
}

/* Attributes and colours as a value of [colors]; NULL: a colour is none, *bad. */
static const char *
read_look(struct mutt *m, struct mutt_text *t, const char **bad)
{
	struct str s = {0};
	const char *word = word_of(m, t), *attr, *fg, *bg = "default";

	while (!mutt_at_end(t) && (attr = attribute(word)) != NULL) {
		if (*attr && !strstr(str_get(&s), attr))
			str_printf(&s, "%s ", attr);
		word = word_of(m, t);
	}
	fg = color(m, *bad = word);
	if (!mutt_at_end(t)) {
		word = word_of(m, t);
		bg = color(m, word);
		*bad = fg ? word : *bad;
	}
	const char *out = NULL;
	if (fg && bg && str_eq(bg, "default"))
		str_puts(&s, s.len && str_eq(fg, "default") ? "" : fg);
	else if (fg && bg)
		str_printf(&s, "%s on %s", fg, bg);
	while (s.len && s.data[s.len - 1] == ' ')
		str_cut(&s, s.len - 1);
	if (fg && bg)
		out = arena_strdup(&m->im->arena, str_get(&s));
	str_clear(&s);
	return out;
}

/* The pattern as the name of a line that is about messages; NULL: it cannot be. */
static const char *
rule_of(struct mutt *m, const char *pattern)
{
	const char *query = mutt_query(m->im, pattern);

	if (!query || strpbrk(query, "=;#") || strstr(query, "body:") || strstr(query, "in:"))
		return NULL;
	return arena_printf(&m->im->arena, "message %s", query);
}

void
mutt_color(struct mutt *m, struct mutt_text *t, size_t item)
{
	const char *object = word_of(m, t), *bad = "";

	if (str_eq(object, "compose")) {
		import_not(m->im, item, "what is written has the colours of what is read");
		return;
	}
	const char *look = read_look(m, t, &bad);
	const char *pattern = mutt_at_end(t) ? "" : word_of(m, t);
	const char *styles = styles_of(object, pattern);
	const char *rule = !styles && str_eq(object, "index") ? rule_of(m, pattern) : NULL;
	if (m->into != &m->vars) {
		import_not(m->im, item, "colours are the same in all folders");
	} else if (!styles && !rule) {
		no_style(m, item, object);
	} else if (!look) {
		import_not(m->im, item, "'%.40s' is no colour", bad);
	} else if (rule) {
		import_set(m->im, "colors", "", rule, look, item);
	} else {
		const char *space = strchr(styles, ' ');
		const char *first = space ? arena_strndup(&m->im->arena, styles,
			(size_t)(space - styles)) : styles;
		import_set(m->im, "colors", "", first, look, item);
		if (space)
			import_set(m->im, "colors", "", space + 1, look, item);
	}
}
