/* ui.h - the screen: reads the store, submits jobs, never waits for the network. */
#ifndef DUNLIN_UI_H
#define DUNLIN_UI_H

#include "engine.h"
#include "rc.h"

struct ui_options {
	const char *start_folder;	/* "account/folder"; NULL: the inbox */
	bool is_tutorial;		/* the sample mailbox: say so at the bottom */
};

/* Runs until the person quits; returns the exit code. The terminal is as before afterwards,
 * also after a fatal signal. */
int ui_run(struct engine *g, const struct rc *rc, const struct ui_options *o);

#endif
