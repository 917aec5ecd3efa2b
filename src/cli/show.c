/* show.c - `dunlin show FILE`: one message as the pager shows it, or as JSON.
 *
 * Reads one file and writes stdout; needs no rc, no store, no network. What is printed is
 * clean already (lines.c, json.c), whatever the file holds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "err.h"
#include "gnupg.h"
#include "mime.h"
#include "path.h"
#include "str.h"

enum { MAX_MESSAGE_BYTES = 1 << 30, USUAL_COLUMNS = 80, MAX_COLUMNS = 1000 };

static int
columns(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_col == 0)
		return USUAL_COLUMNS;
	return w.ws_col < MAX_COLUMNS ? w.ws_col : MAX_COLUMNS;
}

static void
put_text(struct str *out, const struct mime_msg *m, const struct opened *o, const char *raw,
	size_t n)
{
	struct lines lines = {0};

	if (o)
		opened_show(&lines, o, false, columns());
	else
		mime_show_text(&lines, m, raw, n, false, columns());
	for (size_t i = 0; i < lines.n; i++) {
		str_puts(out, lines.v[i].text);
		str_putc(out, '\n');
	}
	lines_wipe(&lines);
}

/* Where a passphrase can be asked for; NULL: nowhere. */
static const char *
terminal(void)
{
	const char *tty = NULL;

	for (int fd = STDIN_FILENO; !tty && fd <= STDERR_FILENO; fd++)
		tty = ttyname(fd);
	return tty;
}

int
cli_show(const char *file, bool json, bool opens)
{
	/* Whoever asked for it on a terminal can be asked there. */
	struct gnupg_how how = { .asks = true, .tty = terminal(),
		.timeout_ms = GNUPG_ASK_TIMEOUT_MS };
	struct opened *o = NULL;
	struct error e = {0};
	struct mime_msg *m = NULL;
	struct str out = {0};
	char *raw;
	size_t n;
	enum err rc;

	mime_init();
	rc = file_read(&raw, &n, str_eq(file, "-") ? "/dev/stdin" : file, MAX_MESSAGE_BYTES,
		&e);
	if (rc != ERR_OK)
		goto out;
	if ((rc = mime_parse(&m, raw, n, &e)) != ERR_OK)
		goto out;
	if (opens && (rc = gnupg_open(&o, raw, n, &how, &e)) != ERR_OK)
		goto out;
	if (json && o)
		opened_show_json(&out, o);
	else if (json)
		mime_show_json(&out, m, raw, n);
	else
		put_text(&out, m, o, raw, n);
	fflush(stdout);
	rc = fd_write_all(STDOUT_FILENO, str_get(&out), out.len, &e);
out:
	if (rc != ERR_OK)
		fprintf(stderr, "dunlin: %s\n", e.text);
	mime_free(m);
	opened_free(o);
	str_wipe(&out);
	free(raw);
	return rc == ERR_OK ? 0 : 1;
}
