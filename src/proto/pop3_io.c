/* pop3_io.c - bytes to lines, and commands to bytes.
 *
 * A line is kept up to POP3_LINE bytes and its rest dropped, so that a server can send
 * what it likes in constant memory; the caller sees that it was cut. Nothing goes out that
 * holds a line end of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libetpan/mailstream.h>

#include "pop3_int.h"

enum err
pop3_die(struct pop3 *p, struct error *e, const char *why)
{
	enum err rc = p->net ? net_error(p->net, e) : ERR_OK;

	p->is_dead = true;
	return rc != ERR_OK ? rc : error_set(e, ERR_CONN, "%s", why);
}

bool
pop3_has_input(const struct pop3 *p)
{
	return p->in_pos < p->in_len;
}

enum err
pop3_send_bytes(struct pop3 *p, const char *bytes, size_t n, struct error *e)
{
	if (p->is_dead)
		return pop3_die(p, e, "the session is over");
	while (n > 0) {
		ssize_t done = mailstream_write(p->stream, bytes, n);
		if (done <= 0)
			return pop3_die(p, e, "the connection was lost");
		bytes += done;
		n -= (size_t)done;
	}
	p->is_written = true;
	return ERR_OK;
}

enum err
pop3_send(struct pop3 *p, struct error *e, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	str_puts(&s, "\r\n");
	enum err rc = pop3_send_bytes(p, str_get(&s), s.len, e);
	explicit_bzero(s.data, s.len);
	str_clear(&s);
	return rc;
}

enum err
pop3_flush(struct pop3 *p, struct error *e)
{
	if (!p->is_written)
		return ERR_OK;
	p->is_written = false;
	return mailstream_flush(p->stream) < 0 ? pop3_die(p, e, "the connection was lost")
		: ERR_OK;
}

enum err
pop3_fill(struct pop3 *p, struct error *e)
{
	/* Never more than is buffered already, or the call waits for more from the network. */
	size_t want = p->stream->read_buffer_len;

	if (p->is_dead)
		return pop3_die(p, e, "the session is over");
	if (want == 0 || want > sizeof p->in)
		want = sizeof p->in;
	ssize_t n = mailstream_read(p->stream, p->in, want);
	if (n <= 0)
		return pop3_die(p, e, "the connection was lost");
	p->in_pos = 0;
	p->in_len = (size_t)n;
	return ERR_OK;
}

static void
keep(struct pop3 *p, const char *bytes, size_t n)
{
	size_t room = POP3_LINE - p->line_len;

	p->is_line_long = p->is_line_long || n > room;
	n = n < room ? n : room;
	memcpy(p->line + p->line_len, bytes, n);
	p->line_len += n;
}

enum err
pop3_line(struct pop3 *p, struct error *e)
{
	bool was_cr = false;
	const char *lf;
	enum err rc;

	p->line_len = 0;
	p->is_line_long = false;
	do {
		if (!pop3_has_input(p) && (rc = pop3_fill(p, e)) != ERR_OK)
			return rc;
		const char *from = p->in + p->in_pos;
		size_t n = p->in_len - p->in_pos;
		if ((lf = memchr(from, '\n', n)))
			n = (size_t)(lf - from);
		keep(p, from, n);
		if (n > 0)
			was_cr = from[n - 1] == '\r';
		p->in_pos += n + (lf ? 1 : 0);
	} while (!lf);
	p->is_lf_only = !was_cr;
	if (p->line_len > 0 && !p->is_line_long && was_cr)
		p->line_len--;
	p->line[p->line_len] = '\0';
	return ERR_OK;
}

/* The words behind "+OK " or "-ERR ", for people. */
const char *
pop3_words(const struct pop3 *p)
{
	size_t verb = strcspn(p->line, " ");

	return p->line[verb] ? p->line + verb + 1 : "no reason given";
}

static bool
is_verb(const struct pop3 *p, const char *verb)
{
	size_t n = strlen(verb);

	return str_istarts(p->line, verb) && (p->line[n] == '\0' || p->line[n] == ' ');
}

enum err
pop3_verdict(struct pop3 *p, enum err refused, const char *what, struct error *e)
{
	if (is_verb(p, "+OK"))
		return ERR_OK;
	if (!is_verb(p, "-ERR"))
		return pop3_die(p, e,
			"the server's answer makes no sense: it is no POP3 server, "
			"or out of step");
	return error_set(e, refused, "%s: the server says: %.200s", what, pop3_words(p));
}

enum err
pop3_status(struct pop3 *p, enum err refused, const char *what, struct error *e)
{
	enum err rc = pop3_flush(p, e);

	if (rc == ERR_OK)
		rc = pop3_line(p, e);
	return rc == ERR_OK ? pop3_verdict(p, refused, what, e) : rc;
}

enum err
pop3_list_line(struct pop3 *p, bool *more, struct error *e)
{
	enum err rc = pop3_line(p, e);

	*more = rc == ERR_OK && (p->line_len != 1 || p->line[0] != '.');
	if (rc == ERR_OK && *more && p->line[0] == '.') {
		memmove(p->line, p->line + 1, p->line_len);
		p->line_len--;
	}
	return rc;
}

enum err
pop3_command(struct pop3 *p, enum err refused, struct error *e, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	net_command(p->net, 0, 0);
	enum err rc = pop3_send(p, e, "%s", line);
	return rc == ERR_OK ? pop3_status(p, refused, line, e) : rc;
}
