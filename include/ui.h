/* ui.h - the screen: reads the store, submits jobs, never waits for the network.
 *
 * The caller's order: setlocale, ui_block_signals before any thread is made, engine_new,
 * ui_run (which starts the engine once there is a terminal), engine_free. */
#ifndef DUNLIN_UI_H
#define DUNLIN_UI_H

#include "engine.h"
#include "rc.h"
#include "str.h"

struct ui_options {
	const char *start_folder;	/* "last", "account/folder"; NULL: the inbox */
	bool is_tutorial;		/* the sample mailbox: say so at the bottom */
	const char *data_dir;		/* for drafts and the history of prompts;
					 * NULL: none are kept */
	const char *mailto;		/* a mailto: link to begin with; NULL: none */
};

/* Blocks the signals that ui_run takes as data, so that threads made
 * afterwards never get them. */
void ui_block_signals(void);

/* Runs until the person quits; returns the exit code. The terminal is as before afterwards,
 * also after a fatal signal. 1 and *e: there is no terminal, or the engine does not start. */
int ui_run(struct engine *g, const struct rc *rc, const struct ui_options *o, struct error *e);

/* What is wrong in [keys] and [colors], a line each: only the UI knows their words. For
 * commands without a screen that speak of the rc (`dunlin check`). */
void ui_rc_problems(const struct rc *rc, void (*problem)(void *ctx, const char *line),
	void *ctx);

/* The table of commands (`dunlin --commands`), a line each: name, keys, views, argument, help,
 * with tabs between. */
void ui_commands(struct str *out);

#endif
