/* theme.h - what things look like: one style for each meaning, never a colour in a view.
 *
 * Views name the meaning (ST_UNREAD); the theme turns it into colours and attributes, and
 * the terminal turns those into what it can show. Defaults keep the terminal's own
 * foreground and background and use few hues, so that they look right on dark and on light.
 * The [colors] section of the mailrc changes them by the names below. One theme a program,
 * constant once read. */
#ifndef DUNLIN_UI_THEME_H
#define DUNLIN_UI_THEME_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"
#include "query.h"
#include "rc.h"

enum style {
	ST_NORMAL,
	ST_DIM,			/* what matters less: sizes, dates, hints, rails of threads */
	ST_STRONG,		/* emphasis */
	ST_TITLE,		/* the top line */
	ST_STATUS,		/* the bottom line */
	ST_PROMPT,		/* label of a prompt */
	ST_CHOICE,		/* completion list */
	ST_CHOSEN,		/* its selected line */
	ST_OK,			/* it went well: online, verified */
	ST_NOTICE,		/* something to know */
	ST_ERROR,
	ST_PROGRESS,		/* the filled part of a bar */
	ST_KEY,			/* a key's name in help and hints */
	ST_HEADING,		/* section titles in lists and help */
	ST_CURSOR,		/* overlay: the selected line */
	ST_TAGGED,		/* overlay: a tagged line */
	ST_MATCH,		/* overlay: what a search found */
	ST_UNREAD,
	ST_FLAGGED,
	ST_DELETED,
	ST_PENDING,		/* an intent on it waits for the server */
	ST_DATE,
	ST_SENDER,
	ST_SUBJECT,
	ST_SIZE,
	ST_ATTACHMENT,
	ST_THREAD,		/* the rails of a thread */
	ST_COUNT,		/* numbers of messages */
	ST_FOLDER,		/* a folder's name */
	ST_ACCOUNT,		/* an account's name as a heading */
	ST_HEADER_NAME,
	ST_HEADER,
	ST_QUOTE1,		/* quoted text, by level; deeper ones begin anew */
	ST_QUOTE2,
	ST_QUOTE3,
	ST_SIGNATURE,
	ST_LINK,
	N_STYLES
};
/* Behind those: what [colors] says of messages that fit a query. */
enum { THEME_MAX_RULES = 50 };

/* Colours and attributes are those of rc.h: RC_COLOR_DEFAULT the terminal's own, 0 to 255
 * of the palette, RC_COLOR_RGB | 0xrrggbb. */
struct theme {
	struct rc_color looks[N_STYLES + THEME_MAX_RULES];
	struct query *rules[THEME_MAX_RULES];
	int n_rules;
};

void theme_default(struct theme *t);
void theme_clear(struct theme *t);
/* What is laid upon the row of such a message, by the first rule that it fits; ST_NORMAL:
 * nothing. */
enum style theme_rule(const struct theme *t, const struct msg *m);
const char *style_name(enum style st);		/* as in [colors]: "unread", "header-name" */

/* Defaults, changed by the [colors] of the rc. A name or colour that is none is told
 * through `problem` as a line for people, with file, line and the nearest valid word, and
 * changes nothing. */
void theme_read(struct theme *t, const struct rc *rc,
	void (*problem)(void *ctx, const char *line), void *ctx);

/* `over` laid upon `under`: what it names wins, attributes add up. ST_NORMAL over anything is
 * nothing. */
struct rc_color theme_look(const struct theme *t, enum style under, enum style over);

/* The nearest colour that a terminal with n colours (8, 16, 88, 256) can show. */
int32_t color_nearest(int32_t color, int n);
int32_t color_rgb(int32_t index);		/* 0xrrggbb of one of the palette's 256 */

#endif
