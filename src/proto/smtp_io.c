/* smtp_io.c - bytes to answers, and commands to bytes.
 *
 * libetpan cuts commands at 513 bytes and keeps one answer of many; so both are spoken by hand
 * over its stream. An answer costs constant memory whatever a server sends, and nothing goes
 * out in a command that holds a line end of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libetpan/mailstream.h>

#include "smtp_int.h"
#include "utf8.h"

enum err
smtp_die(struct smtp *m, struct error *e, const char *why)
{
	enum err rc = m->net ? net_error(m->net, e) : ERR_OK;

	m->is_dead = true;
	return rc != ERR_OK ? rc : error_set(e, ERR_CONN, "%s", why);
}

void
smtp_begin(struct smtp *m, int ms)
{
	net_command(m->net, ms ? ms : SMTP_IO_MS, SMTP_MAX_BYTES);
}

enum err
smtp_write(struct smtp *m, const char *p, size_t n, struct error *e)
{
	if (m->is_dead)
		return smtp_die(m, e, "the session is over");
	while (n > 0) {
		ssize_t done = mailstream_write(m->stream, p, n);
		if (done <= 0)
			return smtp_die(m, e, "the connection was lost");
		p += done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

enum err
smtp_flush(struct smtp *m, struct error *e)
{
	if (m->is_dead)
		return smtp_die(m, e, "the session is over");
	return mailstream_flush(m->stream) < 0 ? smtp_die(m, e, "the connection was lost")
		: ERR_OK;
}

static enum err vline(struct smtp *m, struct error *e, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static enum err
vline(struct smtp *m, struct error *e, const char *fmt, va_list ap)
{
	struct str s = {0};
	enum err rc = ERR_OK;

	str_vprintf(&s, fmt, ap);
	for (size_t i = 0; i < s.len && rc == ERR_OK; i++) {
		unsigned char c = (unsigned char)s.data[i];
		if (c < ' ' || c == 0x7f)
			rc = error_set(e, ERR_MSG, "a control character in an address");
	}
	str_puts(&s, "\r\n");
	if (rc == ERR_OK)
		rc = smtp_write(m, s.data, s.len, e);
	explicit_bzero(s.data, s.len);
	str_clear(&s);
	return rc;
}

enum err
smtp_line(struct smtp *m, struct error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	enum err rc = vline(m, e, fmt, ap);
	va_end(ap);
	return rc;
}

enum err
smtp_command(struct smtp *m, struct error *e, const char *fmt, ...)
{
	va_list ap;

	smtp_begin(m, m->cfg.net.io_ms);
	va_start(ap, fmt);
	enum err rc = vline(m, e, fmt, ap);
	va_end(ap);
	return rc == ERR_OK ? smtp_answer(m, e) : rc;
}

/* ---- answers ---- */

bool
smtp_has_input(const struct smtp *m)
{
	return m->in_pos < m->in_len || m->stream->read_buffer_len > 0;
}

static enum err
fill(struct smtp *m, struct error *e)
{
	/* Never more than is buffered already, or the call waits for more from the network. */
	size_t want = m->stream->read_buffer_len;

	if (want == 0 || want > sizeof m->in)
		want = sizeof m->in;
	ssize_t n = mailstream_read(m->stream, m->in, want);
	if (n <= 0)
		return smtp_die(m, e, "the connection was lost");
	m->in_pos = 0;
	m->in_len = (size_t)n;
	return ERR_OK;
}

/* The next line without its end, cut at SMTP_MAX_LINE. */
static enum err
read_line(struct smtp *m, struct str *line, struct error *e)
{
	const char *lf;
	enum err rc;

	str_cut(line, 0);
	do {
		if (m->in_pos == m->in_len && (rc = fill(m, e)) != ERR_OK)
			return rc;
		const char *p = m->in + m->in_pos;
		size_t n = m->in_len - m->in_pos;
		if ((lf = memchr(p, '\n', n)))
			n = (size_t)(lf - p);
		m->in_pos += n + (lf ? 1 : 0);
		size_t room = SMTP_MAX_LINE - line->len;
		str_add(line, p, n < room ? n : room);
	} while (!lf);
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		str_cut(line, line->len - 1);
	return ERR_OK;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "250-text", "250 text" or "250": its code; *more: another line follows. 0: it is none. */
static int
code_of(const struct str *line, bool *more)
{
	const char *p = str_get(line);

	if (line->len < 3 || p[0] < '1' || p[0] > '5' || !is_digit(p[1]) || !is_digit(p[2]) ||
	    (line->len > 3 && p[3] != ' ' && p[3] != '-'))
		return 0;
	*more = line->len > 3 && p[3] == '-';
	return (p[0] - '0') * 100 + (p[1] - '0') * 10 + p[2] - '0';
}

enum err
smtp_answer(struct smtp *m, struct error *e)
{
	struct str line = {0};
	bool more = true;
	enum err rc = smtp_flush(m, e);

	m->code = 0;
	str_cut(&m->text, 0);
	for (int i = 0; rc == ERR_OK && more; i++) {
		if ((rc = read_line(m, &line, e)) != ERR_OK)
			break;
		int code = code_of(&line, &more);
		if (!code || (m->code && code != m->code) || i == SMTP_MAX_LINES) {
			rc = smtp_die(m, e, "the server's answer makes no sense: it is no"
				" SMTP server, or out of step");
			break;
		}
		m->code = code;
		str_printf(&m->text, "%s%s", i ? "\n" : "", line.len > 4 ? line.data + 4 : "");
	}
	if (rc != ERR_OK)
		m->code = 0;
	if (m->code == 421)			/* the server closes (RFC 5321 3.8) */
		m->is_dead = true;
	str_clear(&line);
	return rc;
}

void
smtp_words(const struct smtp *m, char *out, size_t size)
{
	struct str all = {0}, clean = {0};

	str_printf(&all, "%d %s", m->code, str_get(&m->text));
	text_clean(&clean, all.data, all.len < SMTP_MAX_WORDS ? all.len : SMTP_MAX_WORDS,
		CLEAN_LINE);
	size_t n = clean.len < size - 1 ? clean.len : size - 1;
	while (n > 0 && n < clean.len && ((unsigned char)clean.data[n] & 0xc0) == 0x80)
		n--;				/* never half a character */
	memcpy(out, str_get(&clean), n);
	out[n] = '\0';
	str_clear(&all);
	str_clear(&clean);
}
