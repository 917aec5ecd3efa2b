/* outbox_date.c - mail that was planned gets the date of its sending.
 *
 * Who plans a mail for Monday morning means it to be of Monday: lists are sorted by Date, and
 * what was written in the night would be passed over in the morning. The new bytes are on disk
 * before anything is sent, so that each further try and the copy in Sent have the same. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mime.h"
#include "outbox_int.h"
#include "store_outbox.h"
#include "str.h"

/* The line "Date: ..." with its end; NULL: the header has none, or
 * more than one line of it. */
static const char *
date_line(const char *bytes, size_t header_len, size_t *len)
{
	const char *end = bytes + header_len;

	for (const char *p = bytes; p < end; p += *len) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		*len = lf ? (size_t)(lf + 1 - p) : (size_t)(end - p);
		if (*len < 7 || strncasecmp(p, "Date: ", 6) != 0)
			continue;
		bool is_folded = p + *len < end && (p[*len] == ' ' || p[*len] == '\t');
		return is_folded ? NULL : p;
	}
	return NULL;
}

enum err
outbox_freshen_date(struct store *s, const struct outbox_mail *m, char **bytes, size_t *len,
	struct error *e)
{
	struct str out = {0};
	time_t now = time(NULL);
	char date[80];
	struct tm tm;
	size_t n;
	const char *line = m->is_planned && m->n_tries == 0
		? date_line(*bytes, mime_header_length(*bytes, *len), &n) : NULL;

	if (!line || !localtime_r(&now, &tm) ||
	    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S %z\r\n", &tm) == 0)
		return ERR_OK;
	str_add(&out, *bytes, (size_t)(line - *bytes));
	str_puts(&out, date);
	str_add(&out, line + n, (size_t)(*bytes + *len - line) - n);
	enum err rc = store_outbox_rewrite(s, m->id, str_get(&out), out.len, e);
	if (rc == ERR_OK) {
		free(*bytes);
		*len = out.len;
		*bytes = str_take(&out);
	}
	str_clear(&out);
	return rc;
}
