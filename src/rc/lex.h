/* lex.h - a line of the mailrc as what it says. */
#ifndef DUNLIN_RC_LEX_H
#define DUNLIN_RC_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum lex_kind { LEX_BLANK, LEX_SECTION, LEX_PAIR, LEX_ERROR };

/* Which characters a name and a value may begin with depends on the section. */
enum lex_mode { LEX_PLAIN, LEX_KEYS, LEX_COLORS };

struct lex {
	enum lex_kind kind;
	char *name;		/* of the setting, or the section's first word */
	char *value;		/* unquoted; of a section, the words behind the
				 * first; "" when none */
	bool is_section;	/* it begins one, be it in error */
	const char *error;	/* LEX_ERROR: what is wrong, without the line's
				 * own text (secrets) */
};

void lex_line(struct lex *out, const char *line, size_t n, enum lex_mode mode);
void lex_clear(struct lex *l);		/* wipes: a value may be a password */

#endif
