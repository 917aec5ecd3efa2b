/* people.h - whom mail is written to: short names become addresses, and what is being typed is completed. */
#ifndef DUNLIN_UI_PEOPLE_H
#define DUNLIN_UI_PEOPLE_H

#include "view.h"

/* A list as typed with every short name replaced by what it stands for. Owned. */
char *people_expand(struct ui *ui, const char *list);

#endif
