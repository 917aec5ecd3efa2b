/* status.c - see run.h. A line is "[GNUPG:] KEYWORD word word ..."; what is none is passed
 * over. */
#include <string.h>

#include "run.h"

static const char mark[] = "[GNUPG:] ";

/* The line cut off at its end, without its mark; NULL: no more lines. */
static char *
next_line(struct status_reader *r)
{
	while (r->p && *r->p) {
		char *line = r->p, *nl = strchr(line, '\n');
		r->p = nl ? nl + 1 : NULL;
		if (nl)
			*nl = '\0';
		if (str_starts(line, mark))
			return line + sizeof mark - 1;
	}
	return NULL;
}

static char *
cut_word(char **rest)
{
	char *word = *rest, *space = strchr(word, ' ');

	if (space)
		*space = '\0';
	*rest = space ? space + 1 : word + strlen(word);
	return word;
}

bool
status_next(struct status_reader *r, struct status *s)
{
	static char nothing[] = "";
	char *line = next_line(r);

	if (!line)
		return false;
	*s = (struct status){ .rest = nothing };
	s->keyword = cut_word(&line);
	for (size_t i = 0; i < STATUS_WORDS; i++)
		s->word[i] = nothing;
	/* A user id has spaces: the words of its line are the first, and the rest. */
	if (strstr(s->keyword, "SIG") && !str_eq(s->keyword, "VALIDSIG") &&
	    !str_eq(s->keyword, "ERRSIG") && !str_eq(s->keyword, "SIG_CREATED")) {
		s->word[0] = cut_word(&line);
		s->rest = line;
		return true;
	}
	for (size_t i = 0; i < STATUS_WORDS && *line; i++)
		s->word[i] = cut_word(&line);
	return true;
}

bool
status_names_terminal(const struct status *s)
{
	return strstr(s->word[1], "curses") || strstr(s->word[1], "tty");
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void
status_unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0 &&
		    (hex(s[1]) || hex(s[2]))) {
			*to++ = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}
