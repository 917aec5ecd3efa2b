/* setup.h - private to `dunlin setup`: the questions and what is
 * known while they are asked. */
#ifndef DUNLIN_CLI_SETUP_H
#define DUNLIN_CLI_SETUP_H

#include "err.h"
#include "guess.h"
#include "interrupt.h"
#include "rc.h"
#include "str.h"

enum answer {
	A_NAME, A_ADDRESS, A_RECEIVE, A_USER, A_SEND, A_HOW, A_SECRET, A_ACCOUNT, A_PIN,
	N_ANSWERS
};

struct setup {
	char *answers[N_ANSWERS];	/* as accepted; NULL: not asked (yet) */
	char *guessed_for;		/* the address that `guess` is about */
	struct guess guess;
	struct rc *rc;			/* the mailrc as it is */
	enum err why;			/* what kept the last try from the server */
	bool wants_pin;			/* the person trusts one certificate */
	struct interrupt stop;
};

struct question {
	const char *text;
	bool (*is_asked)(const struct setup *s);	/* NULL: always */
	char *(*suggest)(struct setup *s);		/* owned; NULL: nothing */
	/* Checks and completes the answer; may exchange it. */
	enum err (*accept)(struct setup *s, char **answer, struct error *e);
	bool is_secret;
};

extern const struct question setup_questions[N_ANSWERS];

/* On standard output, in lines of at most 76 columns, two further in. */
void setup_explain(const char *text);
/* A line as the mailrc wants it: in quotes where it would not be read back as it is. */
void setup_add_line(struct str *out, const char *setting, const char *value);
/* Overwrites what may be secret, and frees it. */
void setup_wipe(struct str *s);
/* user@ put into a URL that has none; owned. */
char *setup_with_user(const char *url, const char *user);
/* Whether the answer is what was proposed, so that what is known of the provider counts. */
bool setup_is_guessed(const struct setup *s, enum answer a);
/* The account logs in by a token (XOAUTH2). */
bool setup_wants_token(const struct setup *s);

#endif
