/* find.h - the message list over all folders of all accounts: which folders, and what it says
 * about itself. The list is an index (index.h) of a wide source (source.h). */
#ifndef DUNLIN_UI_FIND_H
#define DUNLIN_UI_FIND_H

#include "view.h"

struct index;

/* CMD_FIND: the list, on top of where one is; in such a list the query becomes another. */
void find_command(struct ui *ui, const struct call *c);

/* For index.c, of an index that is such a list. */
/* Looks for something else; a query that is wrong is told, and nothing changes. */
void find_show(struct index *x, const char *text);
/* Folders came, went, or were looked into for the first time. */
void find_reread(struct index *x);
/* What is not in the index yet is to be read from its server: beside CMD_SYNC. */
void find_sync(struct index *x);
/* "3 folders not looked at yet", appended; nothing when there are none. */
void find_describe(const struct index *x, struct str *out);

/* Where a message is, for its row: "work/Lists/dev", or what of that fits; in the arena. */
const char *find_place(struct ui *ui, const struct folder *f, int columns, struct arena *a);

#endif
