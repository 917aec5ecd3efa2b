/* folders.h - the view of accounts and their folders. */
#ifndef DUNLIN_UI_FOLDERS_H
#define DUNLIN_UI_FOLDERS_H

#include "view.h"

/* With the cursor on `folder`; 0: on the first. */
struct view *folders_new(struct ui *ui, folder_id folder);

#endif
