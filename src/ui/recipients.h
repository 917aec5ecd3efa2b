/* recipients.h - whom mail is written to: short names become addresses, and what is
 * being typed is completed. */
#ifndef DUNLIN_UI_RECIPIENTS_H
#define DUNLIN_UI_RECIPIENTS_H

#include "view.h"

/* A list as typed with every short name replaced by what it stands for. Owned. */
char *recipients_expand(struct ui *ui, const char *list);

/* Asks for a short name for who wrote this message (of our own mail: whom it went to). */
void recipients_name(struct ui *ui, struct view *owner, msg_id id);
/* Forgets one. */
void recipients_unname(struct ui *ui, const char *name);
void recipients_complete_names(struct ui *ui, const char *text, struct completion *out);

#endif
