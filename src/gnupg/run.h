/* run.h - one run of gpg or gpgsm, and the lines in which it says how it went. */
#ifndef DUNLIN_GNUPG_RUN_H
#define DUNLIN_GNUPG_RUN_H

#include "gnupg.h"
#include "str.h"

enum { RUN_MAX_ARGS = 600 };

struct run {
	enum seal_scheme scheme;
	const char *args[RUN_MAX_ARGS];	/* behind those of every run */
	size_t n_args;
	const char *in, *more;		/* standard input; what "-&4" reads */
	size_t in_len, more_len;
	size_t max_out;			/* bytes; more is ERR_MSG */
	/* what came of it */
	struct str out, status;		/* standard output, status lines (doc/DETAILS) */
	bool is_missing;		/* there is no such program */
	int exit_code;
};

void run_arg(struct run *r, const char *arg);	/* borrowed */
/* ERR_CANCELLED: how->go_on said so; ERR_MSG: too slow, too much, or not there: why is in e.
 * How the program ended is for the caller to judge. */
enum err run_gnupg(struct run *r, const struct gnupg_how *how, struct error *e);
void run_clear(struct run *r);			/* wipes what came out */

/* ---- status.c ---- */

/* Walks through the status lines: the next one's keyword and the words behind it. */
struct status_reader {
	char *p;			/* in r->status, which is cut up */
};
enum { STATUS_WORDS = 12 };
struct status {
	const char *keyword;
	const char *word[STATUS_WORDS];	/* "" where there is none */
	const char *rest;		/* all behind the first word, spaces too */
};
bool status_next(struct status_reader *r, struct status *s);
/* Of PINENTRY_LAUNCHED: it is one that draws on a terminal. */
bool status_names_terminal(const struct status *s);
void status_unescape(char *s);			/* %xx, in place */

#endif
