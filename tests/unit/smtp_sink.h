/* smtp_sink.h - an SMTP server that takes mail and misbehaves where it is told to,
 * with a census of what it took.
 *
 * A mail counts as taken when its final dot is here and the answer to it will be 250,
 * before a byte of that answer goes out: as with a real server, the rest of the connection
 * changes nothing about it. */
#ifndef DUNLIN_SMTP_SINK_H
#define DUNLIN_SMTP_SINK_H

#include "net_server.h"
#include "str.h"

enum { SINK_RCPTS = 20 };

struct sink {
	uint16_t port;
	int listen_fd, stop_fd;
	pthread_t thread;
	pthread_mutex_t lock;		/* for all below */
	/* At the n-th of this verb (CONNECT, EHLO, AUTH, MAIL, RCPT, DATA, DOT,
	 * QUIT) this is said instead; NULL: the connection is closed; "HANG":
	 * nothing is said. Then it behaves. */
	const char *verb, *says;
	int countdown;			/* 0: it behaves */
	long cut_down, cut_up;		/* bytes after which it closes, once; -1: never */
	bool trickles;			/* answers a byte at a time */
	const char *ehlo;		/* extensions, each "250-X\r\n" */
	/* the census: "ID recipient\n" */
	struct str taken;
	size_t n_connections;
	long n_down, n_up;		/* bytes of the last connection, */
	/* and where the answer to its dot, and its text, began */
	long down_at_dot, up_at_data;
};

struct sink_session {
	struct sink *k;
	int fd;
	struct str line, rcpts, text;
	bool is_data, is_over, has_rcpt;
	long down, up;
};

static UNUSED void
sink_send(struct sink_session *s, const char *p, size_t n)
{
	struct sink *k = s->k;

	pthread_mutex_lock(&k->lock);
	bool is_cut = k->cut_down >= 0 && s->down + (long)n > k->cut_down;
	if (is_cut) {
		n = (size_t)(k->cut_down - s->down);
		k->cut_down = -1;
	}
	s->down += (long)n;
	k->n_down = s->down;
	bool trickles = k->trickles;
	pthread_mutex_unlock(&k->lock);
	for (size_t i = 0; trickles && i < n; i++)
		send(s->fd, p + i, 1, MSG_NOSIGNAL);
	if (!trickles)
		send(s->fd, p, n, MSG_NOSIGNAL);
	s->is_over = s->is_over || is_cut;
}

static UNUSED void
sink_say(struct sink_session *s, const char *text)
{
	struct str out = {0};

	str_printf(&out, "%s\r\n", text);
	sink_send(s, str_get(&out), out.len);
	str_clear(&out);
}

/* What is said instead at this verb: true, and it was done. */
static UNUSED bool
sink_misbehaves(struct sink_session *s, const char *verb)
{
	struct sink *k = s->k;

	pthread_mutex_lock(&k->lock);
	bool is_it = k->verb && strcmp(k->verb, verb) == 0 && k->countdown > 0 &&
		--k->countdown == 0;
	const char *says = k->says;
	pthread_mutex_unlock(&k->lock);
	if (!is_it)
		return false;
	if (!says) {
		s->is_over = true;
	} else if (strcmp(says, "HANG") == 0) {
		struct pollfd p[] = { { .fd = s->fd, .events = POLLRDHUP },
			{ .fd = k->stop_fd, .events = POLLIN } };
		poll(p, 2, 20000);
		s->is_over = true;
	} else {
		sink_say(s, says);
		s->is_over = strncmp(says, "421", 3) == 0;
	}
	return true;
}

/* The Message-ID of the text, as far as the first '>'. */
static UNUSED void
sink_take(struct sink_session *s)
{
	const char *id = strstr(str_get(&s->text), "Message-Id: <");

	id = id ? id : strstr(str_get(&s->text), "Message-ID: <");
	assert_non_null(id);
	id += strlen("Message-ID: <");
	pthread_mutex_lock(&s->k->lock);
	for (const char *r = str_get(&s->rcpts); *r; r += strcspn(r, "\n") + 1)
		str_printf(&s->k->taken, "%.*s %.*s\n", (int)strcspn(id, ">"), id,
			(int)strcspn(r, "\n"), r);
	pthread_mutex_unlock(&s->k->lock);
}

static UNUSED void
sink_dot(struct sink_session *s)
{
	struct sink *k = s->k;

	s->is_data = false;
	pthread_mutex_lock(&k->lock);
	k->down_at_dot = s->down;
	bool refuses = k->verb && strcmp(k->verb, "DOT") == 0 && k->countdown == 1 &&
		k->says && (*k->says == '4' || *k->says == '5');
	pthread_mutex_unlock(&k->lock);
	if (!refuses)
		sink_take(s);
	str_cut(&s->text, 0);
	str_cut(&s->rcpts, 0);
	if (!sink_misbehaves(s, "DOT"))
		sink_say(s, "250 2.0.0 taken");
}

static UNUSED void
sink_command(struct sink_session *s, const char *line)
{
	static const struct { const char *verb, *answer; } verbs[] = {
		{ "EHLO", NULL }, { "AUTH", "235 2.7.0 welcome" }, { "MAIL", "250 2.1.0 ok" },
		{ "RCPT", "250 2.1.5 ok" }, { "DATA", "354 go on" }, { "RSET", "250 ok" },
		{ "QUIT", "221 bye" },
	};

	for (size_t i = 0; i < LEN(verbs); i++) {
		if (strncmp(line, verbs[i].verb, 4) != 0)
			continue;
		if (strcmp(verbs[i].verb, "RSET") == 0 || strcmp(verbs[i].verb, "MAIL") == 0)
			str_cut(&s->rcpts, 0);
		bool is_bad = sink_misbehaves(s, verbs[i].verb);
		if (is_bad || s->is_over)
			return;
		if (strcmp(verbs[i].verb, "RCPT") == 0)
			str_printf(&s->rcpts, "%.*s\n", (int)strcspn(line + 9, ">"), line + 9);
		s->is_data = strcmp(verbs[i].verb, "DATA") == 0;
		s->k->up_at_data = s->is_data ? s->up : s->k->up_at_data;
		if (!verbs[i].answer)
			sink_say(s, s->k->ehlo);
		else
			sink_say(s, verbs[i].answer);
		s->is_over = s->is_over || strcmp(verbs[i].verb, "QUIT") == 0;
		return;
	}
	sink_say(s, "500 5.5.1 what");
}

static UNUSED void
sink_line(struct sink_session *s)
{
	const char *line = str_get(&s->line);

	if (!s->is_data)
		sink_command(s, line);
	else if (strcmp(line, ".") == 0)
		sink_dot(s);
	else
		str_printf(&s->text, "%s\n", line);
	str_cut(&s->line, 0);
}

static UNUSED void
sink_hear(struct sink_session *s, char c)
{
	struct sink *k = s->k;

	pthread_mutex_lock(&k->lock);
	if (k->cut_up >= 0 && s->up >= k->cut_up) {
		k->cut_up = -1;
		s->is_over = true;
	}
	k->n_up = ++s->up;
	pthread_mutex_unlock(&k->lock);
	if (s->is_over)
		return;
	if (c != '\n')
		str_putc(&s->line, c);
	if (c == '\n' && s->line.len && s->line.data[s->line.len - 1] == '\r') {
		str_cut(&s->line, s->line.len - 1);
		sink_line(s);
	}
}

static UNUSED void
sink_serve(struct sink *k, int fd)
{
	struct sink_session s = { .k = k, .fd = fd };
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		{ .fd = k->stop_fd, .events = POLLIN } };
	char buf[4096];
	ssize_t n;

	if (!sink_misbehaves(&s, "CONNECT"))
		sink_say(&s, "220 sink ESMTP");
	while (!s.is_over && poll(p, 2, -1) > 0 && !p[1].revents &&
	    (n = recv(fd, buf, sizeof buf, 0)) > 0) {
		for (ssize_t i = 0; i < n && !s.is_over; i++)
			sink_hear(&s, buf[i]);
	}
	str_clear(&s.line);
	str_clear(&s.rcpts);
	str_clear(&s.text);
	close(fd);
}

static UNUSED void *
sink_run(void *arg)
{
	struct sink *k = arg;
	struct pollfd p[] = { { .fd = k->listen_fd, .events = POLLIN },
		{ .fd = k->stop_fd, .events = POLLIN } };

	while (poll(p, 2, -1) >= 0 && !p[1].revents) {
		int fd = accept4(k->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		k->n_connections++;
		sink_serve(k, fd);
	}
	return NULL;
}

static UNUSED void
sink_start(struct sink *k)
{
	struct server s = {0};

	server_listen(&s);
	*k = (struct sink){ .port = s.port, .listen_fd = s.listen_fd, .stop_fd = s.stop_fd,
		.cut_down = -1, .cut_up = -1,
			.ehlo = "250-sink\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 "
			"AUTH PLAIN" };
	pthread_mutex_init(&k->lock, NULL);
	assert_int_equal(0, pthread_create(&k->thread, NULL, sink_run, k));
}

/* A fork while the thread is within malloc would leave its locks taken in the child. Who
 * connects meanwhile waits. */
static UNUSED void
sink_pause(struct sink *k)
{
	uint64_t n = 1;

	assert_int_equal(sizeof n, write(k->stop_fd, &n, sizeof n));
	pthread_join(k->thread, NULL);
	assert_int_equal(sizeof n, read(k->stop_fd, &n, sizeof n));
}

static UNUSED void
sink_go_on(struct sink *k)
{
	assert_int_equal(0, pthread_create(&k->thread, NULL, sink_run, k));
}

/* At the next of that verb. */
static UNUSED void
sink_fault(struct sink *k, const char *verb, const char *says, int countdown)
{
	pthread_mutex_lock(&k->lock);
	k->verb = verb;
	k->says = says;
	k->countdown = countdown;
	pthread_mutex_unlock(&k->lock);
}

static UNUSED void
sink_cut(struct sink *k, long down, long up)
{
	pthread_mutex_lock(&k->lock);
	k->cut_down = down;
	k->cut_up = up;
	pthread_mutex_unlock(&k->lock);
}

static UNUSED size_t
sink_count(struct sink *k, const char *id, const char *rcpt)
{
	char *want = xasprintf("%s %s\n", id, rcpt);
	size_t n = 0;

	pthread_mutex_lock(&k->lock);
	for (const char *p = str_get(&k->taken); (p = strstr(p, want)); p++)
		n++;
	pthread_mutex_unlock(&k->lock);
	free(want);
	return n;
}

static UNUSED void
sink_stop(struct sink *k)
{
	uint64_t one = 1;

	assert_int_equal(sizeof one, write(k->stop_fd, &one, sizeof one));
	pthread_join(k->thread, NULL);
	close(k->listen_fd);
	close(k->stop_fd);
	str_clear(&k->taken);
}

#endif
