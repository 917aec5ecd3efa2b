/* stub.c - see stub.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mbox_reader.h"
#include "stub.h"

static const char mark_name[] = "X-Dunlin-Not-Downloaded:";
static const char set_aside[] = "X-Dunlin-";

/* ---- its text ---- */

void
stub_text(struct str *out, uint64_t size_bytes)
{
	if (size_bytes < 1000 * 1000)
		str_printf(out, "[Not downloaded: this message has %" PRIu64 " kB",
			(size_bytes + 999) / 1000);
	else
		str_printf(out, "[Not downloaded: this message has %.1f MB",
			(double)size_bytes / 1e6);
	str_puts(out,
		", more than max-size in the mailrc\nallows. It is still on the server; "
		"the command 'download' of Dunlin fetches it.]\n");
}

/* Another field of this name, or one that speaks of the body, is not
 * to be believed of a stub. */
static bool
is_set_aside(const char *line, size_t n)
{
	return (n >= 8 && strncasecmp(line, "Content-", 8) == 0) ||
		(n >= sizeof mark_name - 1 &&
		strncasecmp(line, mark_name, sizeof mark_name - 1) == 0);
}

void
stub_write(struct str *out, const struct stub *s, const char *head, size_t n_head)
{
	for (size_t at = 0; at < n_head;) {
		const char *line = head + at, *lf = memchr(line, '\n', n_head - at);
		size_t n = lf ? (size_t)(lf - line) + 1 : n_head - at, text = n;
		while (text > 0 && (line[text - 1] == '\n' || line[text - 1] == '\r'))
			text--;
		if (text == 0)
			break;
		if (is_set_aside(line, text))
			str_puts(out, set_aside);
		str_add(out, line, text);
		str_putc(out, '\n');
		at += n;
	}
	str_printf(out, "%s %" PRIu64 " %016" PRIx64 "\n\n", mark_name, s->size_bytes,
		s->hash);
	stub_text(out, s->size_bytes);
}

/* ---- knowing one again ---- */

/* What stands in the field's first line, without the white space before it; NULL: none. */
static const char *
find_field(const char *head, size_t n_head, const char *name, size_t *n)
{
	size_t n_name = strlen(name);

	for (const char *p = head, *end = head + n_head; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *line_end = nl ? nl : end;
		if ((size_t)(line_end - p) > n_name && strncasecmp(p, name, n_name) == 0) {
			p += n_name;
			while (p < line_end && (*p == ' ' || *p == '\t'))
				p++;
			*n = (size_t)(line_end - p) - (line_end > p && line_end[-1] == '\r');
			return p;
		}
		p = nl ? nl + 1 : end;
	}
	return NULL;
}

bool
stub_parse(struct stub *out, const char *head, size_t n_head)
{
	size_t n_value;
	const char *v = find_field(head, n_head, mark_name, &n_value);
	char line[64];
	int n = 0;

	if (!v)
		return false;
	if (n_value >= sizeof line)
		return false;
	memcpy(line, v, n_value);
	line[n_value] = '\0';
	return sscanf(line, " %18" SCNu64 " %16" SCNx64 "%n", &out->size_bytes, &out->hash,
		&n) == 2 && n > 0 && line[n + (int)strspn(line + n, " ")] == '\0';
}

/* ---- finding ---- */

struct search {
	const struct stub *s;
	int fd;
	struct mbox_msg found;
	enum stub_there there;
	char *subject;
};

/* The length on the wire: with CRLF, and without what mbox files add. */
static enum err
count_bytes(void *ctx, const void *p, size_t n, struct error *e)
{
	uint64_t *bytes = ctx;
	const char *c = p;

	(void)e;
	for (size_t i = 0; i < n; i++)
		*bytes += c[i] == '\n' ? 2 : 1;
	return ERR_OK;
}

static bool
has_length(const struct search *x, const struct mbox_msg *m)
{
	uint64_t bytes = 0;

	return mbox_copy_out(x->fd, m, count_bytes, &bytes, NULL) == ERR_OK &&
		bytes == x->s->size_bytes;
}

static void
take(struct search *x, enum stub_there there, const struct mbox_msg *m, const char *head,
	size_t n_head)
{
	size_t n;
	const char *subject = find_field(head, n_head, "Subject:", &n);

	if (there <= x->there)
		return;
	x->there = there;
	x->found = *m;
	free(x->subject);
	x->subject = subject ? xstrndup(subject, n) : NULL;
}

static bool
visit(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct search *x = ctx;
	struct stub s;

	if (stub_parse(&s, head, n_head)) {
		if (s.hash == x->s->hash)
			take(x, STUB_HERE, m, head, n_head);
	} else if (m->hash == x->s->hash && x->there < STUB_WHOLE) {
		take(x, has_length(x, m) ? STUB_WHOLE : STUB_OTHER, m, head, n_head);
	}
	return x->there != STUB_HERE;
}

static enum err
search(struct search *x, const struct cancel *cancel, struct error *e)
{
	struct stat st;

	if (fstat(x->fd, &st) < 0)
		return error_errno(e, ERR_LOCAL, "cannot look at the mbox");
	return mbox_scan_fd(x->fd, 0, (uint64_t)st.st_size, visit, x, cancel, e);
}

enum err
stub_find(const char *path, const struct stub *s, enum stub_there *there, char **subject,
	const struct cancel *cancel, struct error *e)
{
	struct search x = { .s = s };
	enum err rc = mbox_open_shared(&x.fd, path, cancel, e);

	*there = STUB_NONE;
	*subject = NULL;
	if (rc != ERR_OK || x.fd < 0)
		return rc;
	rc = search(&x, cancel, e);
	close(x.fd);
	*there = x.there;
	*subject = x.subject;
	return rc;
}

/* ---- replacing ---- */

enum err
stub_replace(const char *path, const struct stub *s, int spool, uint64_t n_bytes, bool *done,
	const struct cancel *cancel, struct error *e)
{
	struct search x = { .s = s };
	struct mbox_head h;
	struct mbox_lock l;
	enum err rc = mbox_lock(&l, path, false, cancel, e);

	*done = false;
	if (rc != ERR_OK)
		return rc;
	x.fd = l.fd;
	rc = search(&x, NULL, e);
	if (rc == ERR_OK && x.there == STUB_HERE) {
		rc = mbox_head_read(&h, spool, 0, n_bytes, e);
		if (rc == ERR_OK)
			rc = mbox_mark(spool, &h, x.found.flags, e);
		if (rc == ERR_OK)
			rc = mbox_splice(&l, x.found.head_pos, x.found.end_pos, spool,
				h.msg.head_pos, n_bytes, e);
		*done = rc == ERR_OK;
	}
	mbox_unlock(&l);
	free(x.subject);
	return rc;
}
