/* links.c - a link becomes one argument of the browser's argv, never a shell word. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links.h"

enum { MAX_ARGS = 16, MAX_LINKS = 500 };

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

	for (char *w = strtok_r(words, " ", &save); w && n < MAX_ARGS;
	    w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n++] = l->url;
	argv[n] = NULL;
	if (n < 2 || !ui_run_argv(l->view->ui, argv, true))
		ui_status(l->view->ui, "cannot run '%s'; set 'browser' in the mailrc",
			n < 2 ? "" : argv[0]);
	free(words);
}

/* ---- which links there are ---- */

struct found {
	char *v[MAX_LINKS];
	size_t n;
};

/* What ends an address in running text, and what may stand behind it without being of it. */
static size_t
address_length(const char *s)
{
	size_t n = strcspn(s, " \t<>\"'`{}|\\^");

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] >= 127)
			n = i;
	while (n > 0 && strchr(".,;:!?)]", s[n - 1]))
		n--;
	return n;
}

static void
find_in_line(struct found *f, const char *line)
{
	const char *at;

	while (f->n < MAX_LINKS && (at = str_istr(line, "http"))) {
		size_t n = address_length(at);
		char *url = xstrndup(at, n);
		line = at + (n > 4 ? n : 4);
		if (link_is_safe(url) && n > 8)
			f->v[f->n++] = url;
		else
			free(url);
	}
}

/* A word that was broken at the edge is whole again, without what stands before its rest. */
static void
find_in_text(struct found *f, const struct lines *text)
{
	struct str whole = {0};
	char *line, *rest;

	lines_text(&whole, text);
	rest = whole.data;
	while ((line = strsep(&rest, "\n")) != NULL && f->n < MAX_LINKS)
		find_in_line(f, line);
	str_clear(&whole);
}

static void
find_links(struct found *f, const struct lines *text)
{
	f->n = 0;
	for (size_t i = 0; i < text->n_links && f->n < MAX_LINKS; i++)
		f->v[f->n++] = xstrdup(text->links[i]);
	if (text->n_links == 0)
		find_in_text(f, text);
}

static void
found_clear(struct found *f)
{
	while (f->n > 0)
		free(f->v[--f->n]);
}

void
links_complete(const struct lines *text, const char *typed, struct completion *out)
{
	struct found f;
	char number[24];

	find_links(&f, text);
	out->from = 0;
	for (size_t i = 0; i < f.n; i++) {
		snprintf(number, sizeof number, "%zu", i + 1);
		completion_offer(out, typed, number, f.v[i]);
	}
	found_clear(&f);
}

/* The host as a browser takes it: behind what pretends to be one before an '@', and a
 * backslash ends it as a slash does. */
char *
link_host(const char *url)
{
	const char *start = strstr(url, "//");

	if (!start || str_istarts(url, "mailto:"))
		return NULL;
	start += 2;
	const char *end = start + strcspn(start, "/\\?#");
	for (const char *p = start; p < end; p++)
		if (*p == '@')
			start = p + 1;
	return xstrndup(start, (size_t)(end - start));
}

void
links_ask_url(struct links *l, struct view *v, const char *url)
{
	if (!link_is_safe(url)) {
		ui_status(v->ui, "not opened, only http, https and mailto are: %s", url);
		return;
	}
	links_clear(l);
	l->view = v;
	l->url = xstrdup(url);
	char *host = link_host(url);
	char *question = host
		? xasprintf("Go to %s? %s", host, url) : xasprintf("Open %s ?", url);
	ui_confirm(v->ui, v, question, yes_open, l);
	free(question);
	free(host);
}

void
links_ask(struct links *l, struct view *v, const struct lines *text, const char *number)
{
	char *end;
	unsigned long k = strtoul(number, &end, 10);
	struct found f;

	if (*number == '\0')
		return;
	find_links(&f, text);
	if (f.n == 0)
		ui_status(v->ui, "there are no links in this message");
	else if (*end || k < 1 || k > f.n)
		ui_status(v->ui, "links are numbered 1 to %zu", f.n);
	else
		links_ask_url(l, v, f.v[k - 1]);
	found_clear(&f);
}

void
links_clear(struct links *l)
{
	free(l->url);
	*l = (struct links){ 0 };
}
