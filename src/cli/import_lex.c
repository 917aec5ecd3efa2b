/* import_lex.c - see import_lex.h. The rules are those of the chapter "Syntax of
 * Initialization Files" in mutt's manual:
 *
 *	- '#' begins a comment where a word could begin, ';' ends a command;
 *	- '...' holds everything as it is, "..." holds $names, `commands` and backslashes;
 *	- \x is x, but \n \r \t \f \e, \cX and \123 are characters;
 *	- a backslash at the end of a line joins it with the next, in comments, too. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "import_lex.h"

enum { MAX_WORD = 64 << 10 };

struct lexer {
	struct mutt_word *w;
	struct mutt_text *t;
	const struct mutt_names *names;
	unsigned flags;
	char quote;			/* the one we are in; '\0': none */
	bool is_mixed;			/* something stands beside the command */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void
mutt_skip_space(struct mutt_text *t)
{
	while (is_blank(*t->p))
		t->p++;
}

bool
mutt_at_end(const struct mutt_text *t)
{
	return *t->p == '\0' || *t->p == ';' || *t->p == '#';
}

static void
put(struct lexer *l, char c)
{
	l->is_mixed = true;
	if (l->w->text.len < MAX_WORD)
		str_putc(&l->w->text, c);
}

static bool
ends_here(const struct lexer *l)
{
	char c = *l->t->p;

	return (is_blank(c) && !(l->flags & WORD_SPACES)) ||
		(c == '#' && !(l->flags & WORD_HASH)) ||
		(c == ';' && !(l->flags & WORD_SEMICOLON)) ||
		(c == '=' && (l->flags & WORD_EQUAL));
}

static bool
is_octal(const char *p)
{
	return p[0] >= '0' && p[0] <= '3' && isdigit((unsigned char)p[1]) && p[1] < '8' &&
		isdigit((unsigned char)p[2]) && p[2] < '8';
}

/* Behind a backslash. */
static void
take_escape(struct lexer *l)
{
	static const struct { char name, value; } named[] = {
		{ 'n', '\n' }, { 'r', '\r' }, { 't', '\t' }, { 'f', '\f' }, { 'e', 27 },
	};
	const char *p = l->t->p;

	if (*p == '\0') {
		l->w->error = "a backslash ends the line";
		return;
	}
	if ((*p == 'c' || *p == 'C') && p[1]) {
		put(l, (char)((toupper((unsigned char)p[1]) - '@') & 0x7f));
		l->t->p += 2;
		return;
	}
	if (is_octal(p)) {
		put(l, (char)((p[0] - '0') << 6 | (p[1] - '0') << 3 | (p[2] - '0')));
		l->t->p += 3;
		return;
	}
	char c = *p;
	for (size_t i = 0; i < LEN(named); i++)
		c = named[i].name == *p ? named[i].value : c;
	put(l, c);
	l->t->p++;
}

/* Behind a backtick: what stands up to the next is kept and never run. */
static void
take_command(struct lexer *l)
{
	struct str s = {0};
	const char *p = l->t->p;

	for (; *p && *p != '`'; p++) {
		if (*p == '\\' && p[1] == '`')
			p++;
		str_putc(&s, *p);
	}
	if (!*p)
		l->w->error = "a ` is not closed";
	l->t->p = *p ? p + 1 : p;
	if (l->w->command || l->is_mixed)
		l->is_mixed = true;
	if (!l->w->command)
		l->w->command = str_take(&s);
	str_clear(&s);
}

/* Behind a '$': the value of a name, or the '$' itself. */
static void
take_name(struct lexer *l)
{
	const char *p = l->t->p, *end = p;
	bool is_braced = *p == '{';

	if (is_braced)
		end = strchr(++p, '}');
	else
		while (isalnum((unsigned char)*end) || *end == '_')
			end++;
	if (!end || end == p) {
		put(l, '$');
		return;
	}
	l->t->p = end + is_braced;
	char *name = xstrndup(p, (size_t)(end - p));
	const char *command = NULL;
	bool is_command = false;
	const char *value = l->names->value(l->names->ctx, name, &command, &is_command);
	free(name);
	bool was_mixed = l->is_mixed || l->w->command;
	for (const char *v = value ? value : ""; *v; v++)
		put(l, *v);
	if (command && !l->w->command) {
		l->w->command = xstrdup(command);
		l->is_mixed = was_mixed || !is_command;
	}
}

static void
take_one(struct lexer *l)
{
	char c = *l->t->p++;

	if (c == l->quote) {
		l->quote = '\0';
		if (l->flags & WORD_QUOTES)
			put(l, c);
	} else if (!l->quote && (c == '\'' || c == '"')) {
		if (l->flags & WORD_QUOTES)
			put(l, c);
		else
			l->quote = c;
	} else if (c == '\\' && l->quote != '\'') {
		take_escape(l);
	} else if (c == '^' && (l->flags & WORD_CONDENSE) && l->quote != '\'' && *l->t->p) {
		char of = *l->t->p++;
		if (of == '^')
			put(l, '^');
		else if (of == '[')
			put(l, 27);
		else if (isalpha((unsigned char)of))
			put(l, (char)((toupper((unsigned char)of) - '@') & 0x7f));
		else
			put(l, '^'), put(l, of);
	} else if (c == '`' && l->quote != '\'') {
		take_command(l);
	} else if (c == '$' && l->quote != '\'' && l->names) {
		take_name(l);
	} else {
		put(l, c);
	}
}

void
mutt_word(struct mutt_word *out, struct mutt_text *t, unsigned flags,
	const struct mutt_names *names)
{
	struct lexer l = { .w = out, .t = t, .names = names, .flags = flags };

	*out = (struct mutt_word){0};
	mutt_skip_space(t);
	while (*t->p && (l.quote || !ends_here(&l)))
		take_one(&l);
	if (l.quote)
		out->error = "a quote is not closed";
	while (out->text.len && (flags & WORD_SPACES) &&
	    is_blank(out->text.data[out->text.len - 1]))
		str_cut(&out->text, out->text.len - 1);
	mutt_skip_space(t);
	out->is_command = out->command && !l.is_mixed;
}

void
mutt_word_clear(struct mutt_word *w)
{
	str_clear(&w->text);
	free(w->command);
	*w = (struct mutt_word){0};
}

bool
mutt_line(struct str *out, const char **p, int *n_lines, size_t max)
{
	bool goes_on = **p != '\0', is_any = goes_on;

	str_cut(out, 0);
	*n_lines = 0;
	while (goes_on && **p) {
		size_t n = strcspn(*p, "\n"), kept = n;
		if (kept && (*p)[kept - 1] == '\r')
			kept--;
		goes_on = kept && (*p)[kept - 1] == '\\';
		kept -= goes_on;
		if (out->len < max)
			str_add(out, *p, kept < max - out->len ? kept : max - out->len);
		*p += n + ((*p)[n] == '\n');
		++*n_lines;
	}
	return is_any;
}
