/* view.h - what a view is, and what the frame around it does for it.
 *
 * The UI is a stack of views; the top one is drawn between the top line (where we are) and the
 * bottom line (what is going on) and gets commands; all get events. Everything happens in the
 * UI's thread, inside ui_run's loop: a handler returns soon (some milliseconds), never waits
 * for the network or a child, and does long scans of the store a slice at a time in `idle`.
 *
 * A view embeds struct view as its first member, is made by a function of its own
 * (index_new(ui, folder)), handed over with ui_push, and freed by its close.
 * Nothing is drawn by a handler: it calls ui_redraw, and `draw` draws the whole
 * area when the next frame is due. */
#ifndef DUNLIN_UI_VIEW_H
#define DUNLIN_UI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "engine.h"
#include "grid.h"
#include "prompt.h"
#include "rc.h"
#include "store.h"

struct view;

/* draw, command and close are there always; the others may be NULL. */
struct view_ops {
	enum view_bit bit;

	/* Draws everything; `a` is blank. Sets nothing but its own scroll position (it is the
	 * place to learn the size: a->rows, a->columns). */
	void (*draw)(struct view *v, const struct area *a);

	/* The top line: where we are at the left ("work/INBOX"), numbers at the right ("12 of
	 * 340 unread"). Raw text is fine, it is cleaned. */
	void (*title)(struct view *v, struct str *left, struct str *right);

	/* A command of the table that names this view and that the frame does not carry out
	 * itself; CMD_CANCEL when the frame has nothing to cancel. */
	void (*command)(struct view *v, const struct call *c);

	/* Every view of the stack gets every event. Call ui_redraw where it matters. */
	void (*event)(struct view *v, const struct event *ev);

	/* Called while nothing else is to do: one slice of work of at most some
	 * 5 ms. True: there is more. */
	bool (*idle)(struct view *v);

	/* It is on top again (or for the first time): read the store anew, JOB_FOCUS. */
	void (*shown)(struct view *v);

	/* Whose account commands work on: for caps and folder names. 0: several or none. */
	account_id (*account)(struct view *v);

	/* What a prompt for the command's argument starts with (the limit in force); NULL or
	 * "": nothing. Borrowed until the next call. */
	const char *(*initial)(struct view *v, const struct command *c);

	/* Completion of an argument, instead of the default for its
	 * kind. False: use the default. */
	bool (*complete)(struct view *v, const struct command *c, const char *text,
		struct completion *out);

	/* What was done last was taken back: read again, and go back to where it was done. */
	void (*undone)(struct view *v);

	/* All is synchronised (CMD_SYNC): what the view wants beside its accounts. */
	void (*sync)(struct view *v);

	/* The person wants to leave it (CMD_BACK). True: taken care
	 * of; false, or NULL: it goes. */
	bool (*back)(struct view *v);

	/* A click at a cell of the area. The wheel comes as CMD_DOWN and CMD_UP. */
	void (*click)(struct view *v, int y, int x);

	void (*close)(struct view *v);		/* frees v itself */
};

struct view {
	const struct view_ops *ops;
	struct ui *ui;			/* set by ui_push */
};

struct ui;

struct engine *ui_engine(struct ui *ui);
const struct store *ui_store(struct ui *ui);
const struct rc *ui_rc(struct ui *ui);
const char *ui_data_dir(struct ui *ui);		/* NULL: none (tests) */
int64_t ui_now(struct ui *ui);			/* seconds since 1970 UTC; tests set it */

/* something changed: draw when the next frame is due */
void ui_redraw(struct ui *ui);
/* What [colors] says of such a message, to be laid upon its row; ST_NORMAL: nothing. */
enum style ui_rule_of(struct ui *ui, const struct msg *m);

void ui_push(struct ui *ui, struct view *v);	/* v is the UI's now */
/* Takes v (and what is above it) off the stack. Its close runs after the present handler has
 * returned. The last view leaving ends the program. */
void ui_pop(struct ui *ui, struct view *v);
struct view *ui_top(struct ui *ui);
/* the topmost of that kind; NULL: none */
struct view *ui_find(struct ui *ui, enum view_bit bit);
void ui_quit(struct ui *ui);

/* A small value kept over a restart, read back with store_value; NULL: none any more. */
void ui_remember(struct ui *ui, const char *name, const char *value);

/* ---- telling ---- */

/* What was done, at the bottom until the next key: "3 messages deleted". */
/* "": nothing any more */
void ui_status(struct ui *ui, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and kept in the log of notices (`:messages`). */
void ui_notice(struct ui *ui, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ui_error(struct ui *ui, const struct error *e);	/* ERR_OK and ERR_CANCELLED: nothing */

/* ---- asking ---- */

/* Asks at the bottom line; `spec` (prompt.h) is copied. spec->done gets the text, or
 * NULL when the person cancels. When `owner` leaves the stack first, the prompt goes
 * with it and nothing is called. */
void ui_prompt(struct ui *ui, struct view *owner, const struct prompt_spec *spec);
/* Asks for the argument of a command of the view on top, and runs it. */
void ui_ask_argument(struct ui *ui, const struct command *c);
/* The first key of a command in a view, appended; nothing when there is none. For hints. */
void ui_key_of(struct ui *ui, unsigned view, enum command_id id, struct str *out);
/* A question whose default is no. `yes` is called only when the answer is y. */
void ui_confirm(struct ui *ui, struct view *owner, const char *question,
	void (*yes)(void *ctx), void *ctx);

/* A question with several answers, each a key of `choices` (lower case, static); any other key
 * is none, and nothing is called. */
void ui_choose(struct ui *ui, struct view *owner, const char *question, const char *choices,
	void (*chosen)(void *ctx, char answer), void *ctx);

/* Folders of an account as completion; account 0: of all, as "account/folder". */
void ui_complete_folders(struct ui *ui, account_id account, const char *text,
	struct completion *out);
/* Where messages of that account (0: of several) can go: its own folders; those of another
 * account once its name was begun. */
void ui_complete_destinations(struct ui *ui, account_id account, const char *text,
	struct completion *out);
/* "account/folder" of another account than `account`, which has that folder: the
 * folder, *other whose. Else NULL. */
const char *ui_find_elsewhere(struct ui *ui, const char *name, account_id account,
	account_id *other);

/* The last word of a query; behind in: the folders there are. */
void ui_complete_query(struct ui *ui, const char *text, struct completion *out);

/* Where messages of the view's account were moved or copied last in this session: what Enter
 * alone means when that is asked. NULL: nowhere, or the view shows that folder. Borrowed. */
const char *ui_last_destination(struct ui *ui, struct view *v);
void ui_went_to(struct ui *ui, account_id account, const char *folder);

/* Addresses for the last one of a list that is being typed. */
void ui_complete_addresses(struct ui *ui, const char *text, struct completion *out);

/* ---- doing ---- */

/* engine_submit, with `what` ("fetching the message") shown at the bottom together with its
 * progress until EV_DONE; Esc cancels it. what NULL: in silence. Its EV_DONE comes to the
 * views too; an error in it is shown by the UI unless what is NULL. */
job_id ui_submit(struct ui *ui, const struct job *job, const char *what);
void ui_cancel(struct ui *ui, job_id id);	/* its EV_DONE still comes */
/* Stops what that account downloads by itself, and says so; nothing where it does not. */
void ui_stop_download(struct ui *ui, account_id id);
/* engine_act with its label as status, or its error. False on error. ERR_UNSUPPORTED of
 * ACT_DELETE (already in Trash) is the caller's to ask about: *e says so (e may be
 * NULL: shown like others). */
bool ui_act(struct ui *ui, const struct act *act, const msg_id *msgs, size_t n,
	struct error *e);

/* Runs a command line with /bin/sh in the foreground of the terminal, the screen put
 * aside; the file `in` is its standard input, -1 the terminal. wait_key: the person
 * presses a key before the screen comes back. This does block the UI: the person is in
 * another program meanwhile. */
bool ui_run_shell(struct ui *ui, const char *command, int in, bool wait_key);
/* Runs argv without a shell, in the foreground (editor, pager) or detached from the terminal
 * (xdg-open): an argument is never a shell word (SECURITY 8). */
bool ui_run_argv(struct ui *ui, char *const argv[], bool detached);
/* Something that uses the terminal itself, here and now, with the screen put aside. */
void ui_aside(struct ui *ui, void (*run)(void *ctx), void *ctx);
/* The same as ui_run_shell, with its standard output into `out`, at most `max` bytes: then it
 * is ended, and *e says so. False, and *e set, too when it did not end well. The terminal is
 * its own meanwhile: ^C ends it. */
bool ui_run_capture(struct ui *ui, const char *command, size_t max, struct str *out,
	struct error *e);
/* The same in the foreground, with `tick` called every two seconds while the program runs. */
bool ui_run_ticking(struct ui *ui, char *const argv[], void (*tick)(void *ctx), void *ctx);

#endif
