/* history.c - entries in memory, appended to a file.
 *
 * The file is read once, at most a megabyte of it, and written anew when it holds twice
 * what is kept. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "history.h"
#include "path.h"
#include "str.h"

static const char *const kind_names[N_PROMPT_KINDS] = {
	[PROMPT_COMMAND] = "command", [PROMPT_QUERY] = "query", [PROMPT_SEARCH] = "search",
	[PROMPT_FOLDER] = "folder", [PROMPT_FILE] = "file", [PROMPT_SHELL] = "shell",
};

static void
drop(struct history *h, int kind, size_t i)
{
	free(h->v[kind][i]);
	memmove(&h->v[kind][i], &h->v[kind][i + 1],
		(h->n[kind] - i - 1) * sizeof h->v[kind][0]);
	h->n[kind]--;
}

/* An entry typed again moves to the end. */
static void
remember(struct history *h, int kind, const char *text, size_t len)
{
	for (size_t i = h->n[kind]; i-- > 0;) {
		if (strncmp(h->v[kind][i], text, len) == 0 && h->v[kind][i][len] == '\0')
			drop(h, kind, i);
	}
	if (h->n[kind] == HISTORY_MAX)
		drop(h, kind, 0);
	if (!h->v[kind])
		h->v[kind] = xcalloc(HISTORY_MAX, sizeof h->v[kind][0]);
	h->v[kind][h->n[kind]++] = xstrndup(text, len);
}

static void
read_line(struct history *h, const char *line, size_t len)
{
	for (int k = 0; k < N_PROMPT_KINDS; k++) {
		size_t n = kind_names[k] ? strlen(kind_names[k]) : 0;
		if (n && len > n + 1 && line[n] == '\t' && memcmp(line, kind_names[k], n) == 0)
			remember(h, k, line + n + 1, len - n - 1);
	}
}

static void
rewrite(const struct history *h)
{
	struct str s = {0};

	for (int k = 0; k < N_PROMPT_KINDS; k++) {
		for (size_t i = 0; i < h->n[k]; i++)
			str_printf(&s, "%s\t%s\n", kind_names[k], h->v[k][i]);
	}
	file_write_atomic(h->path, str_get(&s), s.len, NULL);
	str_clear(&s);
}

void
history_open(struct history *h, const char *path)
{
	char *text = NULL;
	size_t len = 0, n_lines = 0, n_kept = 0;

	*h = (struct history){ .path = xstrdup(path) };
	if (!path || file_read(&text, &len, path, 1 << 20, NULL) != ERR_OK)
		return;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, n_lines++)
		read_line(h, line, (size_t)(end - line));
	free(text);
	for (int k = 0; k < N_PROMPT_KINDS; k++)
		n_kept += h->n[k];
	if (n_lines > 2 * n_kept + 100)
		rewrite(h);
}

void
history_add(struct history *h, enum prompt_kind kind, const char *text)
{
	if (!kind_names[kind] || text[0] == '\0' || strchr(text, '\n'))
		return;
	const char *last = history_get(h, kind, 1);
	if (last && str_eq(last, text))
		return;
	remember(h, kind, text, strlen(text));
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	int fd = h->path ? open(h->path, flags, 0600) : -1;
	if (fd < 0)
		return;
	char *line = xasprintf("%s\t%s\n", kind_names[kind], text);
	fd_write_all(fd, line, strlen(line), NULL);
	free(line);
	close(fd);
}

const char *
history_get(const struct history *h, enum prompt_kind kind, size_t back)
{
	return back >= 1 && back <= h->n[kind] ? h->v[kind][h->n[kind] - back] : NULL;
}

void
history_close(struct history *h)
{
	for (int k = 0; k < N_PROMPT_KINDS; k++) {
		for (size_t i = 0; i < h->n[k]; i++)
			free(h->v[k][i]);
		free(h->v[k]);
	}
	free(h->path);
	*h = (struct history){0};
}
