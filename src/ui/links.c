/* links.c - a link becomes one argument of the browser's argv, never a shell word. */
#include <stdlib.h>
#include <string.h>

#include "links.h"

enum { MAX_ARGS = 16 };

/* One of the schemes, and nothing that is not printable ASCII: what a link needs of the rest
 * is percent-encoded, and what is not could not be judged by eye. */
bool
link_is_safe(const char *url)
{
	static const char *const schemes[] = { "https://", "http://", "mailto:" };
	bool is_known = false;

	for (size_t i = 0; i < LEN(schemes); i++)
		is_known |= str_istarts(url, schemes[i]);
	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p >= 127)
			return false;
	return is_known;
}

static void
yes_open(void *ctx)
{
	struct links *l = ctx;
	const char *browser = ui_rc(l->view->ui)->browser;
	char *words = xstrdup(browser && *browser ? browser : "xdg-open"), *save = NULL;
	char *argv[MAX_ARGS + 2];
	size_t n = 0;

	for (char *w = strtok_r(words, " ", &save); w && n < MAX_ARGS; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n++] = l->url;
	argv[n] = NULL;
	if (n < 2 || !ui_run_argv(l->view->ui, argv, true))
		ui_status(l->view->ui, "cannot run '%s'; set 'browser' in the mailrc",
			n < 2 ? "" : argv[0]);
	free(words);
}

void
links_ask(struct links *l, struct view *v, const struct lines *text, const char *number)
{
	char *end;
	unsigned long k = strtoul(number, &end, 10);

	if (*number == '\0')
		return;
	if (text->n_links == 0) {
		ui_status(v->ui, "there are no links in this message");
	} else if (*end || k < 1 || k > text->n_links) {
		ui_status(v->ui, "links are numbered 1 to %zu", text->n_links);
	} else if (!link_is_safe(text->links[k - 1])) {
		ui_status(v->ui, "not opened, only http, https and mailto are: %s", text->links[k - 1]);
	} else {
		links_clear(l);
		l->view = v;
		l->url = xstrdup(text->links[k - 1]);
		char *question = xasprintf("Open %s ?", l->url);
		ui_confirm(v->ui, v, question, yes_open, l);
		free(question);
	}
}

void
links_clear(struct links *l)
{
	free(l->url);
	*l = (struct links){ 0 };
}
