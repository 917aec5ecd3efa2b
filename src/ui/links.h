/* links.h - opening a link of a message in the browser: asked first, with the address shown,
 * and only http, https and mailto (SECURITY 4, 8, 17). HTML has its links numbered in the
 * text; of plain text those that stand in it are numbered from the top. */
#ifndef DUNLIN_UI_LINKS_H
#define DUNLIN_UI_LINKS_H

#include "mime.h"
#include "view.h"

struct links {
	struct view *view;
	char *url;			/* waits for the answer */
};

void links_ask(struct links *l, struct view *v, const struct lines *text, const char *number);
/* The same of an address that stands elsewhere. */
void links_ask_url(struct links *l, struct view *v, const char *url);
/* Whose an http address is, as a browser takes it; owned, NULL: it has none. */
char *link_host(const char *url);
/* Offers the numbers with their addresses. */
void links_complete(const struct lines *text, const char *typed, struct completion *out);
void links_clear(struct links *l);
bool link_is_safe(const char *url);

#endif
