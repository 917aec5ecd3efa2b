/* index.h - the view of a message list: one folder, or all inboxes together. */
#ifndef DUNLIN_UI_INDEX_H
#define DUNLIN_UI_INDEX_H

#include "list.h"
#include "view.h"

enum { INDEX_ALL_INBOXES = 0 };		/* in place of a folder: the inboxes of all accounts */

/* With INDEX_ALL_INBOXES and an account: that one's inbox, as soon as it is known. */
struct view *index_new(struct ui *ui, folder_id folder, account_id account);
/* A list over all folders, with nothing in it yet (find.h). */
struct view *index_new_find(struct ui *ui, account_id first);
bool index_is_find(const struct view *v);
/* The message list of the stack that shows a folder; NULL: there is none. */
struct view *index_find(struct ui *ui);
/* The same view on another folder; the sort order and threads stay. */
void index_show(struct view *v, folder_id folder);

/* For the pager, which reads along the list. */
struct list *index_list(struct view *v);
bool index_is_outgoing(const struct view *v);
folder_id index_folder(const struct view *v);
/* "work/INBOX"; of a list over all folders where the message under the cursor is */
const char *index_name(struct view *v);

#endif
