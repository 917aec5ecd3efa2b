/* frame.h - the inside of struct ui, shared by the files of the frame and by its tests; views
 * use view.h only.
 *
 *   ui.c       the loop, and what is drawn around a view
 *   stack.c    views that come and go
 *   dispatch.c keys to commands to whoever carries them out
 *   actions.c  the commands of the frame itself
 *   ask.c      prompts; complete.c: what completes them
 *   status.c   notices, jobs, accounts; status_line.c: the bottom line */
#ifndef DUNLIN_UI_FRAME_H
#define DUNLIN_UI_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "keys.h"
#include "prompt.h"
#include "store_outbox.h"
#include "term.h"
#include "theme.h"
#include "ui.h"
#include "view.h"

enum {
	FRAME_MS = 16,			/* at most so often is drawn */
	EVENTS_A_TURN = 64,		/* then keys are looked at again */
	LONG_MS = 8, REST_MS = 100,	/* events that take so long rest behind; at most */
	KEYS_A_TURN = 256,		/* a pasted flood must not hold up drawing */
	JOB_QUIET_MS = 200,		/* a job that ends sooner is not shown */
	NOTICES_MAX = 500,
	MIN_ROWS = 10, MIN_COLUMNS = 40
};

/* What a job was for, while it runs. */
struct ui_job {
	job_id id;
	char *what;
	int64_t since_ms;
	uint64_t done, total;
	bool is_bytes;
	account_id account;		/* whose progress is this job's while it tells none
					 * itself; 0: none */
};

/* What an account last said of itself. */
struct ui_account {
	account_id id;
	enum link_state link;
	int64_t retry_at;
	char *why;			/* NULL: nothing is wrong */
	uint64_t done, total;		/* of its synchronisation; total 0: unknown */
	uint32_t n, n_total;		/* messages, where done and total are bytes;
					 * n_total 0: not known */
	bool is_bytes, is_words, wants_password;
	bool was_answered;		/* a password was typed; asked again, it was refused */
};

struct notice {
	int64_t when;
	bool is_error;
	char *text;
};

struct ui {
	struct engine *engine;
	const struct store *store;
	const struct rc *rc;
	struct ui_options options;
	struct term *term;
	struct grid grid;
	struct theme theme;
	struct keymap keymap;
	struct history history;
	int64_t now;			/* tests: what ui_now says; 0: the clock */
	int signal_fd;			/* -1: none */

	struct view **stack;		/* the last is on top */
	size_t n_stack, cap_stack;
	struct view **dead;		/* off the stack, closed when the
					 * handler has returned */
	size_t n_dead, cap_dead;

	bool is_dirty, is_over, is_idle_done;
	int exit_code;
	int64_t drawn_ms;		/* when the last frame was drawn, monotonic */
	int64_t events_ms;		/* until when events wait, since the last ones took
					 * long */

	uint32_t keys[KEYS_MAX];	/* the beginning of a sequence */
	int n_keys;
	bool on_tagged;			/* `;` came before */

	struct prompt prompt;
	bool is_asking;
	struct view *prompt_owner;	/* NULL: the frame */
	const struct command *asked;	/* the command whose argument is asked for */
	bool asked_on_tagged;
	struct ui_account *asked_password;
	void (*yes)(void *ctx);
	void (*chosen)(void *ctx, char answer);
	void *yes_ctx;

	/* what was sent last; several where several were resent */
	struct {
		outbox_id *ids;
		size_t n, cap;
		uint32_t draft;		/* 0: there is none */
		int64_t until;
		uint32_t acts_since;
	} sent;
	struct {			/* drafts that were thrown away, the last one on top */
		struct { uint32_t draft, acts_since; } v[16];
		size_t n;
	} thrown;
	struct resend *resends;
	struct work *works;		/* tasks under way, oldest first */
	struct { account_id account; char *folder; } went;	/* where mail was moved last */
	struct arrivals *arrivals;	/* NULL: none yet */
	struct lookup *lookup;		/* NULL: none yet */
	struct { char *name, *value; } naming;	/* the short name being given */

	char *message;			/* until the next key; NULL: none */
	enum style message_style;
	struct notice *notices;		/* oldest first */
	size_t n_notices, cap_notices;
	struct ui_job *jobs;
	size_t n_jobs, cap_jobs;
	struct ui_account *accounts;	/* in the order of the rc */
	size_t n_accounts;
};

/* Makes the frame upon an open terminal, which it then owns. ui_options are borrowed. */
struct ui *ui_new(struct engine *g, const struct rc *rc, const struct ui_options *o,
	struct term *t);
/* One turn: waits at most wait_ms (-1: as long as nothing happens) for keys, events and
 * signals, works through them, draws if it is time. */
void ui_step(struct ui *ui, int wait_ms);
void ui_free(struct ui *ui);

void ui_event(struct ui *ui, const struct event *ev);
void ui_suspend(struct ui *ui);			/* ^Z */
void ui_draw(struct ui *ui);			/* into the grid and out to the terminal */

/* stack.c */
void stack_bury(struct ui *ui);			/* closes the dead */

/* dispatch.c */
void dispatch_input(struct ui *ui, const struct input *in);
/* A line as at the `:` prompt or in a binding. */
void dispatch_line(struct ui *ui, const char *line, bool abbreviated);
void dispatch_call(struct ui *ui, const struct call *c);
/* of the top view's account; all where there is none */
unsigned frame_caps(struct ui *ui);

/* ask.c */
void ask_argument(struct ui *ui, const struct command *c, bool on_tagged);
void ask_command(struct ui *ui);
/* of the first account that wants one, if nothing is asked */
void ask_password(struct ui *ui);
void ask_key(struct ui *ui, uint32_t key);
void ask_drop(struct ui *ui, const struct view *owner);	/* the prompt of a view that goes */

/* complete.c: of `c`; `text` is the argument as far as it is typed */
void complete_argument(struct ui *ui, const struct command *c, const char *text,
	struct completion *out);

/* status.c */
/* A job that is under way, for the bottom line; `account` as in struct ui_job. */
void status_job(struct ui *ui, job_id id, const char *what, account_id account);
void status_event(struct ui *ui, const struct event *ev);
struct ui_account *status_account(struct ui *ui, account_id id);	/* NULL: none */
void status_clear(struct ui *ui);		/* a key was pressed */
/* cancels the newest job; false: there is none */
bool status_cancel(struct ui *ui);
void status_free(struct ui *ui);

/* status_line.c: in the last row of `all`; hints may take more */
void status_draw(struct ui *ui, const struct area *all);
/* when the line changes by itself; -1: never */
int status_next_ms(const struct ui *ui);

/* hints.c: on the bottom line, or in rows of `all` above it */
void hints_draw(struct ui *ui, const struct area *all, const struct area *line);
/* The usual keys of the view on top, at the right of the line, as many as
 * fit behind column `from`. */
void hints_usual(struct ui *ui, const struct area *line, int from);

/* The views of the frame. */
struct view *help_new(struct ui *ui, unsigned about);	/* keys and commands of a view */
struct view *messages_new(void);

#endif
