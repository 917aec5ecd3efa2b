/* script_server.h - plays the server's side of a written conversation over loopback.
 *
 * A script is lines:
 *	S: text		sent, with CRLF; $T stands for the tag of the last command
 *	C: text		must come; "$T " at its start stands for any tag, "*" at its end
 *			for the rest
 *	R: text		sent as it is: \r \n \\ and \xHH are understood, $T too
 *	X: n		n times "x"
 *	TLS		the handshake
 *	HANG		silent until the test ends
 * Behind the last line everything that comes is read until the client goes. All that the
 * client sent is kept, so that a test can say what must not be in it. */
#ifndef DUNLIN_SCRIPT_SERVER_H
#define DUNLIN_SCRIPT_SERVER_H

#include "net_server.h"
#include "str.h"

struct script {
	struct server server;		/* first: what serve() is given */
	const char *text;
	SSL *ssl;
	int fd;
	char tag[64];
	struct str got;			/* every byte from the client */
	size_t got_seen;		/* lines before this were compared */
	char problem[400];		/* "": the client kept to the script */
};

static UNUSED void
script_send(struct script *sc, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = sc->ssl
			? SSL_write(sc->ssl, p, (int)n) : send(sc->fd, p, n, MSG_NOSIGNAL);
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

static UNUSED bool
script_fill(struct script *sc)
{
	char buf[4096];
	ssize_t n = sc->ssl
		? SSL_read(sc->ssl, buf, sizeof buf) : recv(sc->fd, buf, sizeof buf, 0);

	if (n <= 0)
		return false;
	str_add(&sc->got, buf, (size_t)n);
	return true;
}

/* The next line of the client, without CRLF; NULL when it went. Owned. */
static UNUSED char *
script_line(struct script *sc)
{
	for (;;) {
		const char *from = str_get(&sc->got) + sc->got_seen;
		const char *lf = memchr(from, '\n', sc->got.len - sc->got_seen);
		if (lf) {
			size_t n = (size_t)(lf - from);
			sc->got_seen += n + 1;
			return xstrndup(from, n > 0 && from[n - 1] == '\r' ? n - 1 : n);
		}
		if (!script_fill(sc))
			return NULL;
	}
}

static UNUSED void
script_expect(struct script *sc, const char *want, size_t n)
{
	char *line = script_line(sc);
	const char *rest = line;

	if (line && n >= 3 && memcmp(want, "$T ", 3) == 0) {
		size_t tag = strcspn(line, " ");
		snprintf(sc->tag, sizeof sc->tag, "%.*s", (int)tag, line);
		rest = line + tag + (line[tag] ? 1 : 0);
		want += 3;
		n -= 3;
	}
	bool is_prefix = n > 0 && want[n - 1] == '*';
	if (is_prefix)
		n--;
	if (!line || strncmp(rest, want, n) != 0 || (!is_prefix && strlen(rest) != n))
		snprintf(sc->problem, sizeof sc->problem, "wanted '%.*s', got '%s'", (int)n,
			want, line ? line : "(gone)");
	free(line);
}

static UNUSED void
script_say(struct script *sc, const char *p, size_t n, bool is_raw)
{
	struct str out = {0};

	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && p[i] == '$' && p[i + 1] == 'T') {
			str_puts(&out, sc->tag);
			i++;
		} else if (is_raw && p[i] == '\\' && i + 3 < n && p[i + 1] == 'x') {
			char hex[3] = { p[i + 2], p[i + 3], '\0' };
			str_putc(&out, (char)strtol(hex, NULL, 16));
			i += 3;
		} else if (is_raw && p[i] == '\\' && i + 1 < n) {
			i++;
			str_putc(&out, p[i] == 'r' ? '\r' : p[i] == 'n' ? '\n' : p[i]);
		} else {
			str_putc(&out, p[i]);
		}
	}
	if (!is_raw)
		str_puts(&out, "\r\n");
	script_send(sc, str_get(&out), out.len);
	str_clear(&out);
}

static UNUSED void
script_fill_up(struct script *sc, size_t n)
{
	char *p = xmalloc(n + 1);

	memset(p, 'x', n);
	script_send(sc, p, n);
	free(p);
}

static UNUSED void
script_serve(struct server *s, int fd)
{
	struct script *sc = (struct script *)s;
	struct timeval patience = { .tv_sec = 5 };
	const char *p = sc->text;
	bool is_hung = false;

	sc->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	while (*p && !*sc->problem && !is_hung) {
		size_t n = strcspn(p, "\n");
		if (strncmp(p, "S: ", 3) == 0)
			script_say(sc, p + 3, n - 3, false);
		else if (strncmp(p, "R: ", 3) == 0)
			script_say(sc, p + 3, n - 3, true);
		else if (strncmp(p, "X: ", 3) == 0)
			script_fill_up(sc, strtoul(p + 3, NULL, 10));
		else if (strncmp(p, "C: ", 3) == 0)
			script_expect(sc, p + 3, n - 3);
		else if (n == 3 && strncmp(p, "TLS", 3) == 0)
			sc->ssl = server_tls(s, fd);
		else if (n == 4 && strncmp(p, "HANG", 4) == 0)
			is_hung = server_stopped(s, -1);
		p += n + (p[n] ? 1 : 0);
	}
	if (!is_hung) {
		shutdown(fd, sc->ssl ? SHUT_RD : SHUT_WR);
		while (!sc->ssl && script_fill(sc))
			;
	}
	SSL_free(sc->ssl);
	sc->ssl = NULL;
}

static UNUSED void
script_start(struct script *sc, const char *text)
{
	sc->text = text;
	sc->server.serve = script_serve;
	server_start(&sc->server);
}

static UNUSED void
script_stop(struct script *sc)
{
	server_stop(&sc->server);
}

static UNUSED void
script_clear(struct script *sc)
{
	str_clear(&sc->got);
}

#endif
