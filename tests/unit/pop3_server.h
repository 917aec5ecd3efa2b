/* pop3_server.h - a small POP3 server in a thread, with a mailbox in
 * memory and faults on demand.
 *
 * It serves one connection after another until it is stopped. Messages that were marked are
 * gone after QUIT, and only then. The test changes the fields between sessions, never during
 * one; atomic, for nothing else tells the two threads which came first. */
#ifndef DUNLIN_POP3_SERVER_H
#define DUNLIN_POP3_SERVER_H

#include <netinet/tcp.h>

#include "net_server.h"
#include "str.h"

enum { POP3_MAILS = 64 };

struct pop3_mail {
	const char *uidl, *text;	/* text with CRLF; uidl "": left out of the listing */
	_Atomic bool is_bad;		/* RETR says -ERR */
	_Atomic bool is_gone;
	_Atomic bool is_void;		/* RETR says +OK, and nothing comes */
	_Atomic bool is_fatal;		/* the connection ends in the middle of it */
	_Atomic bool is_marked;
};

struct pop3_server {
	struct server server;
	struct pop3_mail v[POP3_MAILS];
	size_t n;
	const char *capa;		/* lines with CRLF; NULL: -ERR */
	_Atomic bool no_uidl, no_top, top_adds, mute_quit;
	/* that message (from 1) is gone by the time of its RETR */
	_Atomic size_t vanish;
	/* bytes until the connection breaks; < 0: never. Counts over sessions */
	_Atomic long cut_after;
	void (*quit)(void);		/* before messages are gone; may be NULL */
	_Atomic long n_sent;
	_Atomic int n_retr, n_top, n_dele;
	struct str got;
	/* the session's */
	struct str in;
	int fd;
	bool is_cut;
};

static UNUSED void
p3_send(struct pop3_server *s, const char *p, size_t n)
{
	if (s->cut_after >= 0 && s->n_sent + (long)n > s->cut_after) {
		n = (size_t)(s->cut_after - s->n_sent);
		s->is_cut = true;
	}
	s->n_sent += (long)n;
	while (n > 0) {
		ssize_t done = send(s->fd, p, n, MSG_NOSIGNAL);
		if (done <= 0) {
			s->is_cut = true;
			return;
		}
		p += done;
		n -= (size_t)done;
	}
}

static UNUSED void
p3_say(struct pop3_server *s, const char *fmt, ...)
{
	struct str out = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&out, fmt, ap);
	va_end(ap);
	p3_send(s, str_get(&out), out.len);
	str_clear(&out);
}

/* Owned; NULL when the client went. */
static UNUSED char *
p3_line(struct pop3_server *s)
{
	for (;;) {
		char *lf = s->in.len ? memchr(s->in.data, '\n', s->in.len) : NULL;
		if (lf) {
			size_t n = (size_t)(lf - s->in.data) + 1;
			char *line = xstrndup(s->in.data, n);
			memmove(s->in.data, s->in.data + n, s->in.len - n);
			str_cut(&s->in, s->in.len - n);
			line[strcspn(line, "\r\n")] = '\0';
			return line;
		}
		char buf[4096];
		ssize_t n = recv(s->fd, buf, sizeof buf, 0);
		if (n <= 0)
			return NULL;
		str_add(&s->in, buf, (size_t)n);
		str_add(&s->got, buf, (size_t)n);
	}
}

/* The k-th message that is there, from 1. */
static UNUSED struct pop3_mail *
p3_mail(struct pop3_server *s, size_t number)
{
	size_t k = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!s->v[i].is_gone && ++k == number)
			return &s->v[i];
	}
	return NULL;
}

static UNUSED void
p3_list(struct pop3_server *s, bool is_uidl)
{
	struct pop3_mail *m;

	p3_say(s, "+OK\r\n");
	for (size_t k = 1; (m = p3_mail(s, k)); k++) {
		if (is_uidl && *m->uidl)
			p3_say(s, "%zu %s\r\n", k, m->uidl);
		else if (!is_uidl)
			p3_say(s, "%zu %zu\r\n", k, strlen(m->text));
	}
	p3_say(s, ".\r\n");
}

static UNUSED void
p3_text(struct pop3_server *s, const char *text, bool header_only)
{
	bool has_end = true, behind_crlf = true;

	p3_say(s, header_only && s->top_adds ? "+OK\r\nX-Filter: seen\r\n" : "+OK it comes\r\n");
	while (*text) {
		size_t n = strcspn(text, "\n") + 1;
		if (text[n - 1] == '\0')
			n--;
		if (*text == '.' && behind_crlf)
			p3_say(s, ".");
		behind_crlf = n > 1 && text[n - 2] == '\r';
		p3_send(s, text, n);
		has_end = text[n - 1] == '\n';
		if (header_only && n == 2)
			break;
		text += n;
	}
	p3_say(s, has_end ? ".\r\n" : "\r\n.\r\n");
}

/* False: the session is over. */
static UNUSED bool
p3_command(struct pop3_server *s, const char *line)
{
	size_t number = 0;
	const char *space = strchr(line, ' ');
	struct pop3_mail *m = NULL;

	if (space && (number = strtoul(space, NULL, 10)) > 0)
		m = p3_mail(s, number);
	if (strcmp(line, "CAPA") == 0 && s->capa)
		p3_say(s, "+OK\r\n%s.\r\n", s->capa);
	else if (str_starts(line, "USER ") || str_starts(line, "PASS "))
		p3_say(s, "+OK\r\n");
	else if (strcmp(line, "LIST") == 0)
		p3_list(s, false);
	else if (strcmp(line, "UIDL") == 0 && !s->no_uidl)
		p3_list(s, true);
	else if (str_starts(line, "TOP ") && m && !s->no_top && ++s->n_top)
		p3_text(s, m->text, true);
	else if (str_starts(line, "RETR ") && m && m->is_void)
		p3_say(s, "+OK it comes\r\n.\r\n");
	else if (str_starts(line, "RETR ") && m && m->is_fatal && ++s->n_retr) {
		p3_say(s, "+OK it comes\r\n");
		p3_send(s, m->text, strlen(m->text) / 2);
		return false;
	} else if (str_starts(line, "RETR ") && m && !m->is_bad && number != s->vanish &&
	    ++s->n_retr)
		p3_text(s, m->text, false);
	else if (str_starts(line, "DELE ") && m && ++s->n_dele) {
		m->is_marked = true;
		p3_say(s, "+OK\r\n");
	} else if (strcmp(line, "QUIT") == 0) {
		if (s->quit)
			s->quit();
		for (size_t i = 0; i < s->n; i++)
			s->v[i].is_gone = s->v[i].is_gone || s->v[i].is_marked;
		if (!s->mute_quit)
			p3_say(s, "+OK bye\r\n");
		return false;
	} else {
		p3_say(s, "-ERR no such thing\r\n");
	}
	return !s->is_cut;
}

static UNUSED void
p3_serve(struct server *server, int fd)
{
	struct pop3_server *s = (struct pop3_server *)server;
	bool goes_on = true;
	char *line;

	int on = 1;

	s->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	s->is_cut = false;
	str_cut(&s->in, 0);
	for (size_t i = 0; i < s->n; i++)
		s->v[i].is_marked = false;
	p3_say(s, "+OK POP3 <1.2@here>\r\n");
	while (goes_on && !s->is_cut && (line = p3_line(s))) {
		goes_on = p3_command(s, line);
		free(line);
	}
	shutdown(fd, SHUT_RDWR);
}

static UNUSED void *
p3_run(void *arg)
{
	struct pop3_server *s = arg;

	for (;;) {
		struct pollfd p[] = { { .fd = s->server.listen_fd, .events = POLLIN },
			{ .fd = s->server.stop_fd, .events = POLLIN } };
		poll(p, 2, -1);
		if (p[1].revents)
			return NULL;
		int fd = accept4(s->server.listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		p3_serve(&s->server, fd);
		close(fd);
	}
}

static UNUSED void
pop3_server_start(struct pop3_server *s)
{
	if (s->cut_after == 0)
		s->cut_after = -1;
	if (!s->capa)
		s->capa = "TOP\r\nUIDL\r\nUSER\r\nPIPELINING\r\n";
	server_listen(&s->server);
	assert_int_equal(0, pthread_create(&s->server.thread, NULL, p3_run, s));
}

/* A fork while the thread is within malloc would leave its locks taken in the child. Who
 * connects meanwhile waits. */
static UNUSED void
pop3_server_pause(struct pop3_server *s)
{
	uint64_t n = 1;

	assert_int_equal(sizeof n, write(s->server.stop_fd, &n, sizeof n));
	pthread_join(s->server.thread, NULL);
	assert_int_equal(sizeof n, read(s->server.stop_fd, &n, sizeof n));
}

static UNUSED void
pop3_server_go_on(struct pop3_server *s)
{
	assert_int_equal(0, pthread_create(&s->server.thread, NULL, p3_run, s));
}

static UNUSED void
pop3_server_stop(struct pop3_server *s)
{
	server_stop(&s->server);
	str_clear(&s->in);
	str_clear(&s->got);
}

#endif
