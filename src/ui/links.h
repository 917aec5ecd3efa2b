/* links.h - opening a numbered link of a message in the browser: asked first, with the whole
 * address shown, and only http, https and mailto (SECURITY 4, 8, 17). */
#ifndef DUNLIN_UI_LINKS_H
#define DUNLIN_UI_LINKS_H

#include "mime.h"
#include "view.h"

struct links {
	struct view *view;
	char *url;			/* waits for the answer */
};

void links_ask(struct links *l, struct view *v, const struct lines *text, const char *number);
void links_clear(struct links *l);
bool link_is_safe(const char *url);

#endif
