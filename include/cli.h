/* cli.h - the commands without a screen. Each returns the exit code (DESIGN 5); what goes
 * to stdout and stderr is cleaned (SECURITY 25), SIGINT and SIGTERM end them within 1 s. */
#ifndef DUNLIN_CLI_H
#define DUNLIN_CLI_H

#include <stdbool.h>

#include "err.h"
#include "path.h"
#include "rc.h"

int cli_show(const char *file, bool json, bool opens);
/* *why (NULL is fine): what kept the last account that failed from its
 * server; ERR_OK: nothing did. */
int cli_check(const struct rc *rc, char *const *accounts, int n, enum err *why);
int cli_sync(const struct rc *rc, const struct dirs *d, char *const *accounts, int n);
/* One message out. subject NULL: a whole message on standard input, to `to`, or where
 * that is empty or with from_header to those whom its header names; else its text is
 * there. Lists may be NULL. */
struct cli_letter {
	const char *subject, *cc, *bcc;
	const char *sender;		/* whose account it goes out by; NULL:
					 * as its From says */
	bool from_header;
	char *const *files, *const *to;
	size_t n_files;
	int n_to;
};
int cli_send(const struct rc *rc, const struct dirs *d, const struct cli_letter *args);
/* Asks for address, servers and password command, tries them, writes the mailrc. */
int cli_setup(const struct dirs *d, const char *rc_path);
/* Prints the mailrc that says what the file of another program says (muttrc, alpine, aerc,
 * abook, addressbook), and on stderr what it cannot. 0, 1: there is no account in it,
 * EX_NOINPUT: it cannot be read. */
int cli_import(const char *kind, const char *path);
bool cli_import_is_kind(const char *kind);
/* The command line that imports what another program has in its usual place;
 * NULL: there is none. Owned. */
char *cli_import_offer(void);

/* `dunlin -f FILE`: the accounts of the rc make place for one whose inbox is that file, and
 * whose other folders are kept in the data directory. */
enum err cli_use_file(struct rc *rc, const char *file, bool read_only, const struct dirs *d,
	struct error *e);
/* The tutorial: one account on a mailbox that is unpacked into the data directory at
 * the first time. *d becomes a place of its own, so that what is tried out leaves
 * the person's own mail alone. */
enum err cli_use_tutorial(struct rc *rc, struct dirs *d, struct error *e);

#endif
