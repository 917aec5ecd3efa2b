/* mailcap.h - which program shows a type of file, as mailcap files say (RFC 1524). Pure. */
#ifndef DUNLIN_MAILCAP_H
#define DUNLIN_MAILCAP_H

#include <stdbool.h>
#include <stddef.h>

struct mailcap {
	char *command;			/* with %s and the like; never empty */
	char *test;			/* a command that decides; NULL: none */
	char *suffix;			/* the file's name must end so; NULL: as it likes */
	bool needs_terminal, has_output;	/* needsterminal, copiousoutput */
};

/* The first entry for a type such as "application/pdf" at or behind *at of the text of a file,
 * which is 0 at first and moves behind it. False: no more. Clear *out where it was true. */
bool mailcap_next(struct mailcap *out, const char *text, size_t n, size_t *at,
	const char *type);
void mailcap_clear(struct mailcap *m);

/* `command` for the shell: with the file in place of %s, or as standard input where there is
 * no %s. NULL where it asks for what we have not (%n, %F), or where path, type or charset
 * have any byte but letters, digits and "/._+-", or begin with "-": how the entry quotes them
 * is not known, so nothing of a mail may need quotes, or be an option. Owned. */
char *mailcap_line(const char *command, const char *path, const char *type,
	const char *charset);

#endif
