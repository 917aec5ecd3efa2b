/* pop3.c - the session's life, what the server has, and its messages as they stream by.
 *
 * Commands for messages run ahead of their answers where the server has PIPELINING (RFC 2449
 * 6.6); they are small, so that neither side can wait for the other with full buffers. A
 * message ends at its "." and nowhere else: whatever ends it otherwise is an error of the
 * connection, and its bytes count for nothing. What counts as a line end is what the server
 * used in its status line, so that a bare LF in a mail, with a "." behind it, ends no message
 * of a server that sends CRLF. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pop3_int.h"

/* ---- life ---- */

enum err
pop3_open(struct pop3 **out, const struct pop3_config *cfg, const struct backend_login *l,
	struct cancel *cancel, struct error *e)
{
	struct pop3 *p = xcalloc(1, sizeof *p);

	*out = NULL;
	p->cfg = *cfg;
	net_config_copy(&p->cfg.net, &cfg->net);
	p->cfg.auth = xstrdup(cfg->auth);
	if (p->cfg.net.io_ms <= 0)
		p->cfg.net.io_ms = POP3_IO_MS;
	p->cancel = cancel;
	p->at = AT_END;
	enum err rc = pop3_connect(p, l, e);
	if (rc == ERR_OK) {
		*out = p;
		p = NULL;			/* now the caller's */
	}
	pop3_close(p);
	return rc;
}

void
pop3_close(struct pop3 *p)
{
	if (!p)
		return;
	net_close(p->net);
	str_clear(&p->mechanisms);
	net_config_clear(&p->cfg.net);
	free((char *)p->cfg.auth);
	free(p);
}

void
pop3_describe(const struct pop3 *p, struct str *out)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ P_UIDL, "UIDL" }, { P_TOP, "TOP" }, { P_PIPELINING, "PIPELINING" },
	};

	net_describe(p->net, out);
	str_printf(out, "\nlogged in by %s\nextensions:", p->how);
	for (size_t i = 0; i < LEN(names); i++) {
		if (p->ext & names[i].bit)
			str_printf(out, " %s", names[i].name);
	}
}

enum err
pop3_quit(struct pop3 *p, int deadline_ms, struct error *e)
{
	net_command(p->net, deadline_ms, 0);
	enum err rc = pop3_send(p, e, "QUIT");

	if (rc == ERR_OK)
		rc = pop3_status(p, ERR_CONN, "QUIT", e);
	p->is_dead = true;
	return rc;
}

/* ---- what there is ---- */

/* A number that is digits only; the rest of the line behind its spaces in *rest. */
static bool
take_number(const char *s, uint64_t *out, const char **rest)
{
	size_t n = strspn(s, "0123456789");

	if (n == 0 || n > 18 || (s[n] != ' ' && s[n] != '\t' && s[n] != '\0'))
		return false;
	*out = strtoull(s, NULL, 10);
	*rest = s + n + strspn(s + n, " \t");
	return true;
}

static bool
is_uidl(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x21 || (unsigned char)s[i] > 0x7e)
			return false;
	}
	return n >= 1 && n <= POP3_MAX_UIDL;
}

struct listing {
	struct pop3_msg *v;
	size_t n, cap;
	bool is_sorted;
};

static int
by_number(const void *a, const void *b)
{
	const struct pop3_msg *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static struct pop3_msg *
find(const struct listing *l, uint64_t number, size_t hint)
{
	struct pop3_msg key = { .number = (uint32_t)number };

	if (number > UINT32_MAX || l->n == 0)
		return NULL;
	if (hint < l->n && l->v[hint].number == number)
		return &l->v[hint];
	return bsearch(&key, l->v, l->n, sizeof key, by_number);
}

static enum err
read_list(struct pop3 *p, struct listing *l, struct error *e)
{
	bool more, is_ascending = true;
	uint64_t number, size;
	const char *rest;
	enum err rc = pop3_status(p, ERR_CONN, "LIST", e);

	while (rc == ERR_OK && (rc = pop3_list_line(p, &more, e)) == ERR_OK && more) {
		if (p->is_line_long || !take_number(p->line, &number, &rest) || number == 0 ||
		    number > UINT32_MAX || !take_number(rest, &size, &rest))
			continue;
		if (l->n == POP3_MAX_MSGS)
			return pop3_die(p, e, "the server lists more than a million messages");
		is_ascending = is_ascending && (l->n == 0 || l->v[l->n - 1].number < number);
		l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
		l->v[l->n++] = (struct pop3_msg){ (uint32_t)number, size, "" };
	}
	if (rc != ERR_OK || is_ascending)
		return rc;
	qsort(l->v, l->n, sizeof *l->v, by_number);
	size_t kept = 1;
	for (size_t i = 1; i < l->n; i++) {
		if (l->v[i].number != l->v[kept - 1].number)
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
	return ERR_OK;
}

/* ERR_MSG: the server has no UIDL. A number that LIST did not name names nothing. */
static enum err
read_uidl(struct pop3 *p, struct listing *l, struct arena *a, struct error *e)
{
	bool more;
	uint64_t number;
	const char *rest;
	size_t hint = 0;
	enum err rc = pop3_status(p, ERR_MSG, "UIDL", e);

	while (rc == ERR_OK && (rc = pop3_list_line(p, &more, e)) == ERR_OK && more) {
		if (p->is_line_long || !take_number(p->line, &number, &rest) || !is_uidl(rest))
			continue;
		struct pop3_msg *m = find(l, number, hint++);
		if (m)
			m->uidl = arena_strdup(a, rest);
	}
	return rc;
}

enum err
pop3_list(struct pop3 *p, struct arena *a, struct pop3_msg **out, size_t *n, struct error *e)
{
	struct listing l = {0};
	bool is_together = p->ext & P_PIPELINING;

	*out = NULL;
	*n = 0;
	net_command(p->net, 0, 0);
	enum err rc = pop3_send(p, e, is_together ? "LIST\r\nUIDL" : "LIST");
	if (rc == ERR_OK)
		rc = read_list(p, &l, e);
	if (rc == ERR_OK && !is_together)
		rc = pop3_send(p, e, "UIDL");
	if (rc == ERR_OK)
		rc = read_uidl(p, &l, a, e);
	if (rc == ERR_MSG)
		rc = ERR_OK;
	if (rc == ERR_OK && l.n > 0) {
		*out = arena_alloc(a, l.n * sizeof **out);
		memcpy(*out, l.v, l.n * sizeof **out);
		*n = l.n;
	}
	free(l.v);
	return rc;
}

/* ---- messages ---- */

unsigned
pop3_window(const struct pop3 *p)
{
	return p->ext & P_PIPELINING ? POP3_WINDOW : 1;
}

enum err
pop3_ask(struct pop3 *p, const struct pop3_msg *m, bool header_only, struct error *e)
{
	if (p->n_asked >= pop3_window(p))
		return error_set(e, ERR_LOCAL, "too many messages asked for at once");
	size_t at = (p->asked_at + p->n_asked++) % POP3_WINDOW;
	p->asked[at].number = m->number;
	p->asked[at].size_bytes = m->size_bytes;
	p->asked[at].header_only = header_only;
	net_quiet(p->net, true);
	return header_only ? pop3_send(p, e, "TOP %u 0", m->number)
		: pop3_send(p, e, "RETR %u", m->number);
}

/* More than a server can mean that announced the size: what is beyond
 * is an attack on the disk. */
static uint64_t
most_bytes(uint64_t announced)
{
	return announced / 2 > UINT64_MAX / 8 ? UINT64_MAX / 2 : announced * 2 + (64 << 20);
}

enum err
pop3_take(struct pop3 *p, struct error *e)
{
	if (p->n_asked == 0 || p->at != AT_END)
		return error_set(e, ERR_LOCAL, "no message was asked for");
	size_t at = p->asked_at;
	uint32_t number = p->asked[at].number;
	p->asked_at = (at + 1) % POP3_WINDOW;
	p->n_asked--;
	net_transfer(p->net, p->cfg.net.io_ms, most_bytes(p->asked[at].size_bytes));
	enum err rc = pop3_status(p, ERR_MSG, p->asked[at].header_only ? "TOP" : "RETR", e);
	if (rc == ERR_MSG)
		error_set(e, rc, *pop3_words(p) ? "the server says: %.200s"
			: "the server refuses it", pop3_words(p));
	log_msg("pop3: %s %u: %s", p->asked[at].header_only ? "TOP" : "RETR", number,
		rc == ERR_OK ? "comes" : "does not come");
	if (rc == ERR_OK) {
		p->at = AT_LINE;
		p->was_cr = false;
		p->message_is_lf_only = p->is_lf_only;
	} else if (p->n_asked == 0) {
		net_quiet(p->net, false);
	}
	return rc;
}

/* Up to a line end, or as much as there is and fits. */
static size_t
copy_line(struct pop3 *p, char *buf, size_t size)
{
	const char *from = p->in + p->in_pos;
	size_t n = p->in_len - p->in_pos < size ? p->in_len - p->in_pos : size;
	const char *lf = memchr(from, '\n', n);

	if (lf)
		n = (size_t)(lf - from) + 1;
	memcpy(buf, from, n);
	p->in_pos += n;
	bool has_cr = n > 1 ? from[n - 2] == '\r' : p->was_cr;
	p->was_cr = from[n - 1] == '\r';
	if (lf && (has_cr || p->message_is_lf_only))
		p->at = AT_LINE;
	return n;
}

/* One byte at the beginning of a line, or behind a dot there. Returns how many
 * it puts into buf: 0 or 1. */
static size_t
take_byte(struct pop3 *p, char *buf)
{
	char c = p->in[p->in_pos];

	if (p->at == AT_LINE && c == '.') {
		p->at = AT_DOT;
		p->in_pos++;
	} else if (p->at == AT_DOT && c == '\r') {
		p->at = AT_DOT_CR;
		p->in_pos++;
	} else if (c == '\n' &&
	    (p->at == AT_DOT_CR || (p->at == AT_DOT && p->message_is_lf_only))) {
		p->at = AT_END;
		p->in_pos++;
	} else {	/* a line like others; the dot was put there by the server */
		bool owes_cr = p->at == AT_DOT_CR;
		p->at = IN_LINE;
		p->was_cr = owes_cr;
		if (owes_cr)
			*buf = '\r';
		return owes_cr;
	}
	return 0;
}

enum err
pop3_read(struct pop3 *p, char *buf, size_t size, size_t *n, struct error *e)
{
	enum err rc;

	for (*n = 0; p->at != AT_END && *n < size;) {
		if (!pop3_has_input(p)) {
			if (*n > 0)
				return ERR_OK;
			if ((rc = pop3_fill(p, e)) != ERR_OK)
				return rc;
		}
		*n += p->at == IN_LINE
			? copy_line(p, buf + *n, size - *n) : take_byte(p, buf + *n);
	}
	if (p->at == AT_END && p->n_asked == 0)
		net_quiet(p->net, false);
	return ERR_OK;
}

/* ---- deleting ---- */

static enum err
dele_some(struct pop3 *p, const uint32_t *numbers, size_t n, bool *refused, struct error *e)
{
	enum err rc = ERR_OK;

	net_command(p->net, 0, 0);
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = pop3_send(p, e, "DELE %u", numbers[i]);
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		rc = pop3_status(p, ERR_MSG, "DELE", e);
		refused[i] = rc == ERR_MSG;
		if (rc == ERR_MSG)
			rc = ERR_OK;
	}
	return rc;
}

enum err
pop3_dele(struct pop3 *p, const uint32_t *numbers, size_t n, bool *refused, struct error *e)
{
	size_t window = pop3_window(p);
	enum err rc = ERR_OK;

	if (p->n_asked > 0 || p->at != AT_END)
		return error_set(e, ERR_LOCAL, "messages were asked for and not taken");
	for (size_t i = 0; i < n && rc == ERR_OK; i += window)
		rc = dele_some(p, numbers + i, n - i < window ? n - i : window, refused + i,
			e);
	return rc;
}
