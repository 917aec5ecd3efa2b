/* command.h - everything a person can ask for, in one table.
 *
 * The table feeds the keys, the `:` prompt with its completion, the help view, `dunlin
 * --commands` and through a test the manual page. It knows nobody who carries commands out:
 * the frame does those of actions.c, all else goes to the view on top (view_ops.command),
 * since "open" means something else in each. To add a command: a value of enum command_id, a
 * row in commands.c, a case in the views named there. */
#ifndef DUNLIN_UI_COMMAND_H
#define DUNLIN_UI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

enum view_bit {
	V_FOLDERS = 1 << 0,
	V_INDEX = 1 << 1,
	V_PAGER = 1 << 2,
	V_PARTS = 1 << 3,
	V_HELP = 1 << 4,
	V_MESSAGES = 1 << 5,		/* the log of notices */
	V_COMPOSE = 1 << 6,
	V_DRAFTS = 1 << 7,
	V_OUTBOX = 1 << 8,
	V_LISTS = V_FOLDERS | V_INDEX | V_PARTS,
	V_MAIL = V_INDEX | V_PAGER,
	V_WRITING = V_COMPOSE | V_DRAFTS | V_OUTBOX,
	V_ALL = (1 << 9) - 1,
	V_BUT_COMPOSE = V_ALL & ~V_COMPOSE
};

enum command_id {
	/* moving */
	CMD_DOWN, CMD_UP, CMD_PAGE_DOWN, CMD_PAGE_UP, CMD_HALF_DOWN, CMD_HALF_UP, CMD_FIRST,
	CMD_LAST, CMD_READ_ON, CMD_NEXT_UNREAD, CMD_PREVIOUS_UNREAD,
	CMD_NEXT_MESSAGE, CMD_PREVIOUS_MESSAGE,		/* in the pager */
	CMD_NEXT_THREAD, CMD_PREVIOUS_THREAD,
	CMD_SEARCH, CMD_SEARCH_NEXT, CMD_SEARCH_PREVIOUS, CMD_FIND,
	/* one thing to another */
	CMD_OPEN, CMD_BACK, CMD_QUIT, CMD_FOLDERS, CMD_FOLDER, CMD_PARTS, CMD_HELP,
	CMD_MESSAGES, CMD_COMMAND,
	/* writing */
	CMD_COMPOSE, CMD_REPLY, CMD_REPLY_ALL, CMD_REPLY_LIST, CMD_FORWARD,
	CMD_FORWARD_ATTACHED, CMD_ATTACH_HERE, CMD_BOUNCE, CMD_UNSUBSCRIBE,
	CMD_INVITATION, CMD_ALIAS,
	CMD_UNALIAS, CMD_EDIT_AS_NEW,
	CMD_EDIT, CMD_SEND, CMD_SEND_AT, CMD_POSTPONE, CMD_FROM, CMD_TO, CMD_CC, CMD_BCC,
	CMD_SUBJECT, CMD_ATTACH, CMD_ATTACH_OUTPUT, CMD_SIGN, CMD_ENCRYPT, CMD_PREVIEW,
	CMD_DRAFTS, CMD_OUTBOX, CMD_REMOVE, CMD_HOLD, CMD_RETRY, CMD_ARRIVED,
	/* triage */
	CMD_DELETE, CMD_PURGE, CMD_UNDO, CMD_ARCHIVE, CMD_MOVE, CMD_COPY, CMD_FLAG, CMD_READ,
	CMD_READ_ALL, CMD_JUNK, CMD_DOWNLOAD,
	CMD_TAG, CMD_TAG_THREAD, CMD_TAG_QUERY, CMD_UNTAG_ALL, CMD_TAGGED,
	/* how the list looks */
	CMD_LIMIT, CMD_SORT, CMD_THREADS, CMD_FOLD, CMD_FOLD_ALL,
	/* how the message looks */
	CMD_HEADERS, CMD_HTML, CMD_DECRYPT, CMD_SKIP_QUOTED, CMD_FOLD_QUOTED,
	CMD_PIPE, CMD_PIPE_TEXT,
	CMD_SAVE, CMD_SAVE_ALL, CMD_OPEN_WITH, CMD_LINK,
	/* folders */
	CMD_CREATE_FOLDER, CMD_RENAME_FOLDER, CMD_DELETE_FOLDER, CMD_EMPTY_TRASH,
	/* the rest */
	CMD_SYNC, CMD_RECONNECT, CMD_CANCEL, CMD_REDRAW, CMD_SUSPEND,
	N_COMMANDS
};

/* What a command wants to be told. Where it is missing (a key, or `:move` alone) the UI asks,
 * with the completion of that kind and its history; Esc there cancels the command. */
enum arg_kind {
	ARG_NONE,
	ARG_FOLDER,		/* a folder of the view's account, or
				 * "account/folder" for CMD_FOLDER */
	ARG_QUERY,		/* as query.h; "" is all */
	ARG_TEXT,
	ARG_SORT,		/* date, sender, subject, size, with "-" before it: reversed */
	ARG_FILE,		/* a path, ~/ allowed */
	ARG_SHELL,		/* a command line for /bin/sh */
	ARG_COMMAND,		/* the `:` prompt's own */
	ARG_NUMBER,
	ARG_ADDRESSES,		/* as in a To field; may be empty */
	ARG_LINE,		/* a line of text; may be empty */
	ARG_WHEN		/* a time to come, as when.h reads it */
};

struct command;

/* One request, good until the call returns. */
struct call {
	const struct command *cmd;
	const char *arg;	/* NULL only where cmd->arg is ARG_NONE */
	bool on_tagged;		/* `;` came before: on all tagged ones */
};

struct command {
	enum command_id id;	/* the row's index */
	const char *name;	/* "next-unread" */
	const char *keys;	/* of the default map, separated by one space: "j
				 * <Down>"; "" none */
	unsigned views;		/* enum view_bit */
	unsigned needs;		/* enum cap as command_cap (below): all of them;
				 * else greyed out */
	enum arg_kind arg;
	const char *help;	/* one line, lower case, no full stop */
};

/* The capabilities of engine_caps that commands ask for (backend.h is
 * not the UI's to include). */
enum command_cap {
	NEEDS_FLAGS = 1 << 0,
	NEEDS_MOVE = 1 << 1,
	NEEDS_DELETE = 1 << 2,
	NEEDS_FOLDERS = 1 << 3
};

const struct command *command_at(enum command_id id);
const struct command *command_find(const char *name);		/* NULL: none */

/* A line such as "move Archive" in a view: finds the command and its argument (*arg points
 * into line, NULL when there is none). With `abbreviated` a beginning that fits one
 * command of the view does. NULL, and *e with the nearest word: unknown, or not in this
 * view, or no argument wanted. */
const struct command *command_parse(const char *line, unsigned view, bool abbreviated,
	const char **arg, struct error *e);

/* All rows as "name\tkeys\tviews\targument\thelp\n": `dunlin --commands`. */
void command_dump(struct str *out);
/* "index", as in [keys index]; NULL for no single bit */
const char *view_bit_name(unsigned bit);
unsigned view_bit_by_name(const char *name);	/* 0: none */
/* Whether an argument means something to the command in these views: a query or an
 * order that can be read, a number. Others are told when the command is carried
 * out. now: as for query_parse. */
bool command_takes(const struct command *c, unsigned views, const char *arg, int64_t now,
	struct error *e);
const char *arg_kind_name(enum arg_kind k);	/* "FOLDER"; "" for none */

#endif
