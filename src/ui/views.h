/* views.h - where the frame meets the views it does not know: which come first, and the ways
 * to folders that work from everywhere. Implemented in views.c. */
#ifndef DUNLIN_UI_VIEWS_H
#define DUNLIN_UI_VIEWS_H

#include "command.h"
#include "ui.h"

/* Pushes the views that the program starts with. */
void views_start(struct ui *ui, const struct ui_options *o);

/* Shows a folder in the message list (0: all inboxes) and takes away what lies above it. */
void views_open(struct ui *ui, folder_id folder);

/* CMD_FOLDERS: the list of folders */
void views_folders(struct ui *ui, const struct call *c);
/* Whether CMD_FOLDER would find it; else *e says so, with the nearest name. */
bool views_has_folder(struct ui *ui, const char *name, struct error *e);
/* The next folder with unread mail behind the one that is shown, in the order of the list of
 * folders and round its end; not those of mail that nobody waits for (Junk, Trash, Sent,
 * Drafts), nor what repeats others. 0: there is none. */
folder_id views_next_unread(struct ui *ui);
/* CMD_FOLDER: opens c->arg, "account/folder" or a folder of the top view's account; "": that
 * next one with unread mail */
void views_folder(struct ui *ui, const struct call *c);

#endif
