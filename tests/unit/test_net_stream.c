/* The stream: what a server may do to it once it is open, byte by byte. */
#include <fcntl.h>
#include <libetpan/libetpan.h>
#include <sys/stat.h>
#include <time.h>

#include "log.h"
#include "net_server.h"

struct link {
	struct server s;
	struct net_config cfg;
	struct cancel cancel;
	struct net *net;
	struct error e;
};

static enum err
link_open(struct link *l, struct pki *pki, enum net_security security)
{
	struct cert_spec spec = { .san = "IP:127.0.0.1" };

	l->s.key = pki->key;
	l->s.cert = cert_make(pki, &spec, false);
	server_start(&l->s);
	l->cfg = (struct net_config){ .host = "127.0.0.1", .port = l->s.port,
		.security = security,
		.ca_file = pki->ca_file, .connect_ms = 10000, .io_ms = 10000 };
	assert_int_equal(ERR_OK, cancel_init(&l->cancel, NULL));
	return net_open(&l->net, &l->cfg, &l->cancel, &l->e);
}

static void
link_close(struct link *l)
{
	net_close(l->net);
	cancel_close(&l->cancel);
	server_stop(&l->s);
}

static int64_t
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads until it fails; the bytes that came. */
static size_t
drain(struct net *n)
{
	char buf[4096];
	ssize_t got;
	size_t all = 0;

	while ((got = mailstream_read(net_stream(n), buf, sizeof buf)) > 0)
		all += (size_t)got;
	assert_int_equal(-1, got);
	return all;
}

/* ---- ends ---- */

static void
reset(int fd)
{
	struct linger now = { 1, 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void
serve_bye(struct server *s, int fd)
{
	send(fd, s->say, strlen(s->say), MSG_NOSIGNAL);
}

static void
serve_bye_reset(struct server *s, int fd)
{
	char c;

	send(fd, s->say, strlen(s->say), MSG_NOSIGNAL);
	recv(fd, &c, 1, 0);			/* the client has read it by then */
	reset(fd);
}

static void
serve_bye_tls(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);

	if (!ssl)
		return;
	SSL_write(ssl, s->say, (int)strlen(s->say));
	SSL_shutdown(ssl);
	SSL_free(ssl);
}

/* TCP ends, TLS does not: somebody on the way may have done it. */
static void
serve_cut_tls(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);

	if (!ssl)
		return;
	SSL_write(ssl, s->say, (int)strlen(s->say));
	SSL_free(ssl);
	shutdown(fd, SHUT_WR);
	server_stopped(s, -1);
}

/* What is no TLS record in the midst of a session. */
static void
serve_garbage_tls(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);

	if (!ssl)
		return;
	SSL_write(ssl, s->say, (int)strlen(s->say));
	SSL_free(ssl);
	send(fd, "* OK and now in plain text, please: A1 OK LOGIN completed\r\n", 59,
		MSG_NOSIGNAL);
	server_stopped(s, -1);
}

/* However the connection ends, what came before is delivered, then every read is -1 and the
 * error ERR_CONN, at once and without using the processor; writing is -1 and kills nobody. */
static void
test_ends(void **state)
{
	static const struct {
		void (*serve)(struct server *s, int fd);
		enum net_security security;
		const char *say, *text;
	} cases[] = {
		{ serve_bye, NET_PLAIN, "", "closed the connection" },
		{ serve_bye, NET_PLAIN, "* BYE see you\r\n", "closed the connection" },
		{ serve_bye, NET_PLAIN, "* OK half a li", "closed the connection" },
		{ serve_bye_reset, NET_PLAIN, "* BYE see you\r\n", "reset" },
		{ serve_bye_tls, NET_TLS, "* BYE see you\r\n", "closed the connection" },
		{ serve_cut_tls, NET_TLS, "* BYE see you\r\n", "was cut" },
		{ serve_garbage_tls, NET_TLS, "* BYE see you\r\n", "broke" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct link l = { .s = { .serve = cases[i].serve, .say = cases[i].say } };
		char buf[100];
		size_t got = 0, want = strlen(cases[i].say);
		assert_int_equal(ERR_OK, link_open(&l, *state, cases[i].security));
		while (got < want) {
			ssize_t n = mailstream_read(net_stream(l.net), buf, sizeof buf);
			if (n <= 0)
				fail_msg("case %zu: %zu of %zu bytes", i, got, want);
			got += (size_t)n;
		}
		if (cases[i].serve == serve_bye_reset)
			io_write(l.net, "x", 1);
		int64_t start = now_ms(), cpu = cpu_ms();
		assert_int_equal(0, drain(l.net));
		for (int k = 0; k < 1000; k++)
			assert_int_equal(-1, mailstream_read(net_stream(l.net), buf,
				sizeof buf));
		mailstream_write(net_stream(l.net), "a LOGOUT\r\n", 10);
		assert_int_equal(-1, mailstream_flush(net_stream(l.net)));
		bool readable = true;
		assert_int_equal(ERR_CONN, net_wait(l.net, 5000, -1, &readable, NULL));
		assert_false(readable);
		assert_in_range(now_ms() - start, 0, 4000);
		assert_in_range(cpu_ms() - cpu, 0, 200);
		assert_int_equal(ERR_CONN, net_error(l.net, &l.e));
		if (!strstr(l.e.text, cases[i].text))
			fail_msg("case %zu: %s", i, l.e.text);
		assert_string_equal(cases[i].say, net_last_lines(l.net));
		link_close(&l);
	}
}

/* ---- a TLS session cut at every so many bytes ---- */

/* Passes on what TLS wants to send as long as there is `left`; false when it is used up. */
static bool
pump(BIO *out, int fd, long *left)
{
	char buf[8192];
	int n;

	while ((n = BIO_read(out, buf, sizeof buf)) > 0) {
		int take = n < *left ? n : (int)*left;
		if (take > 0 && send(fd, buf, (size_t)take, MSG_NOSIGNAL) < 0)
			return false;
		*left -= take;
	}
	return *left > 0;
}

/* Greets inside TLS like any server, but the line breaks after atol(say) bytes. */
static void
serve_cut_at(struct server *s, int fd)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	long left = atol(s->say);
	char c;
	int rc;

	SSL_CTX_use_certificate(ctx, s->cert);
	SSL_CTX_use_PrivateKey(ctx, s->key);
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	BIO *out = BIO_new(BIO_s_mem());
	SSL_set_bio(ssl, BIO_new_socket(fd, BIO_NOCLOSE), out);
	do {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		rc = SSL_accept(ssl);
		if (!pump(out, fd, &left) || (rc != 1 && poll(&p, 1, 5000) <= 0))
			goto out;
	} while (rc != 1 && SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ);
	SSL_write(ssl, "* OK ready\r\n", 12);
	if (pump(out, fd, &left) && !server_stopped(s, 0) && SSL_read(ssl, &c, 1) > 0)
		s->app_bytes++;
out:
	ERR_clear_error();
	SSL_free(ssl);
}

/* Cut anywhere in handshake or greeting, opening or reading fails as ERR_CONN, and no half of
 * the greeting is taken for the whole. */
static void
test_cut_everywhere(void **state)
{
	int n_opened = 0, n_not = 0;

	for (int at = 0; at <= 1600; at += 61) {
		char text[16];
		struct link l = { .s = { .serve = serve_cut_at, .say = text } };
		snprintf(text, sizeof text, "%d", at);
		enum err rc = link_open(&l, *state, NET_TLS);
		if (rc == ERR_OK) {
			size_t got = drain(l.net);
			assert_true(got == 0 || got == 12);
			rc = net_error(l.net, &l.e);
			n_opened++;
		} else {
			assert_null(l.net);
			n_not++;
		}
		if (rc != ERR_CONN)
			fail_msg("cut at %d: %d %s", at, rc, l.e.text);
		link_close(&l);
		assert_int_equal(0, l.s.app_bytes);
	}
	assert_true(n_opened > 3 && n_not > 3);		/* the range covers both */
}

/* ---- too much, too little, too slowly ---- */

static void
serve_flood(struct server *s, int fd)
{
	static const char much[65536] = "x";

	while (send(fd, much, sizeof much, MSG_NOSIGNAL) > 0)
		s->app_bytes++;
}

/* A server that sends without end is cut off at the cap, and not a buffer later. */
static void
test_flood(void **state)
{
	struct link l = { .s = { .serve = serve_flood } };

	assert_int_equal(ERR_OK, link_open(&l, *state, NET_PLAIN));
	net_command(l.net, 20000, 1 << 20);
	assert_in_range(drain(l.net), (1 << 20) - 16384, 1 << 20);
	assert_int_equal(ERR_CONN, net_error(l.net, &l.e));
	assert_non_null(strstr(l.e.text, "sent more than 1048576 bytes for one command"));
	assert_in_range(net_bytes_in(l.net), 1 << 20, (1 << 20) + 16384);
	link_close(&l);
}

/* The cap is counted anew for each command. */
static void
test_cap_is_per_command(void **state)
{
	struct link l = { .s = { .serve = serve_flood } };
	char buf[1000];

	assert_int_equal(ERR_OK, link_open(&l, *state, NET_PLAIN));
	for (int i = 0; i < 100; i++) {
		net_command(l.net, 20000, 20000);
		for (ssize_t got = 0, n; got < 1000; got += n)
			assert_true((n = io_read(l.net, buf, (size_t)(1000 - got))) > 0);
	}
	assert_int_equal(100000, net_bytes_in(l.net));
	link_close(&l);
}

static const char drip_text[] = "* OK one\r\n* 2 FETCH {3}\r\nabc)\r\na OK done\r\n";

static void
serve_bytewise(struct server *s, int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
	for (const char *p = drip_text; *p; p++) {
		send(fd, p, 1, MSG_NOSIGNAL);
		nanosleep(&(struct timespec){ 0, 200000L }, NULL);
	}
	server_stopped(s, -1);
}

static void
serve_bytewise_tls(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);

	if (!ssl)
		return;
	for (const char *p = drip_text; *p; p++)
		SSL_write(ssl, p, 1);
	server_stopped(s, -1);
	SSL_free(ssl);
}

/* A byte at a time, plain or in as many TLS records, gives the same lines. */
static void
test_bytewise(void **state)
{
	for (int round = 0; round < 2; round++) {
		struct link l = { .s = { .serve = round ? serve_bytewise_tls
			: serve_bytewise } };
		MMAPString *line = mmap_string_new("");
		struct str all = {0};
		assert_int_equal(ERR_OK, link_open(&l, *state, round ? NET_TLS : NET_PLAIN));
		while (!strstr(str_get(&all), "done")) {
			assert_non_null(mailstream_read_line(net_stream(l.net), line));
			str_add(&all, line->str, line->len);
		}
		assert_string_equal(drip_text, str_get(&all));
		/* the literal is not among the last lines */
		assert_string_equal("* OK one\r\n* 2 FETCH {3}\r\n)\r\na OK done\r\n",
			net_last_lines(l.net));
		mmap_string_free(line);
		str_clear(&all);
		link_close(&l);
	}
}

/* app_bytes as set: that many bytes every 10 ms, a second long. */
static void
serve_steadily(struct server *s, int fd)
{
	static const char bytes[1000] = "x";

	for (int i = 0; i < 100; i++) {
		if (server_stopped(s, 10) || send(fd, bytes, s->app_bytes, MSG_NOSIGNAL) <= 0)
			return;
	}
	server_stopped(s, -1);
}

/* A transfer outlives its deadline while it moves at a fair rate, and ends when it falls
 * silent; a drip, and any rate in a plain command, ends by the deadline. */
static void
test_transfer(void **state)
{
	static const struct { size_t rate; bool is_transfer; int from_ms, to_ms; } cases[] = {
		{ 1000, true, 1200, 4000 }, { 1, true, 290, 900 }, { 1000, false, 290, 900 } };

	for (size_t i = 0; i < LEN(cases); i++) {
		struct link l = { .s = { .serve = serve_steadily,
			.app_bytes = cases[i].rate } };
		assert_int_equal(ERR_OK, link_open(&l, *state, NET_PLAIN));
		int64_t start = now_ms();
		if (cases[i].is_transfer)
			net_transfer(l.net, 300, 0);
		else
			net_command(l.net, 300, 0);
		size_t got = drain(l.net);
		assert_in_range(now_ms() - start, cases[i].from_ms, cases[i].to_ms);
		if (i == 0)
			assert_int_equal(100000, got);
		link_close(&l);
	}
}

enum { MUCH = 3 << 20 };

static unsigned
checksum(unsigned sum, const char *p, size_t n)
{
	while (n-- > 0)
		sum = sum * 31 + (unsigned char)*p++;
	return sum;
}

/* Takes everything through a small window, slowly at first. app_bytes: the checksum. */
static void
serve_slow_reader(struct server *s, int fd)
{
	SSL *ssl = s->say ? server_tls(s, fd) : NULL;
	unsigned sum = 0;
	size_t all = 0;
	char buf[5000];

	while (all < MUCH) {
		if (all < 40000)
			nanosleep(&(struct timespec){ 0, 2000000L }, NULL);
		ssize_t n = ssl ? SSL_read(ssl, buf, sizeof buf) : recv(fd, buf, sizeof buf,
			0);
		if (n <= 0)
			break;
		sum = checksum(sum, buf, (size_t)n);
		all += (size_t)n;
	}
	s->app_bytes = sum;
	if (ssl)
		SSL_write(ssl, "ok\r\n", 4);
	else
		send(fd, "ok\r\n", 4, MSG_NOSIGNAL);
	server_stopped(s, -1);
	SSL_free(ssl);
}

/* What is written arrives whole and in order, though the server takes it in small pieces. */
static void
test_slow_reader(void **state)
{
	char *much = xmalloc(MUCH), buf[16];

	for (size_t i = 0; i < MUCH; i++)
		much[i] = (char)(i * 7 + i / 251);
	for (int round = 0; round < 2; round++) {
		struct link l = { .s = { .serve = serve_slow_reader, .say = round ? "tls"
			: NULL } };
		assert_int_equal(ERR_OK, link_open(&l, *state, round ? NET_TLS : NET_PLAIN));
		int small = 4096;
		setsockopt(l.net->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
		assert_int_equal(MUCH, mailstream_write(net_stream(l.net), much, MUCH));
		assert_int_equal(0, mailstream_flush(net_stream(l.net)));
		assert_int_equal(4, mailstream_read(net_stream(l.net), buf, sizeof buf));
		assert_int_equal(MUCH, net_bytes_out(l.net));
		link_close(&l);
		assert_int_equal(checksum(0, much, MUCH), l.s.app_bytes);
	}
	free(much);
}

/* ---- net_wait ---- */

static void
serve_two_lines(struct server *s, int fd)
{
	SSL *ssl = s->say ? server_tls(s, fd) : NULL;
	static const char lines[] = "* 1 EXISTS\r\n* 2 EXISTS\r\n";

	if (ssl)
		SSL_write(ssl, lines, sizeof lines - 1);
	else
		send(fd, lines, sizeof lines - 1, MSG_NOSIGNAL);
	server_stopped(s, -1);
	SSL_free(ssl);
}

/* Bytes are seen wherever they stand: in the kernel, in OpenSSL, in libetpan's buffer; and
 * when all three are empty, the time goes by. */
static void
test_wait_sees_every_buffer(void **state)
{
	for (int round = 0; round < 2; round++) {
		struct link l = { .s = { .serve = serve_two_lines, .say = round ? "tls"
			: NULL } };
		char buf[64];
		bool readable = false;
		assert_int_equal(ERR_OK, link_open(&l, *state, round ? NET_TLS : NET_PLAIN));
		mailstream *m = net_stream(l.net);
		assert_int_equal(ERR_OK, net_wait(l.net, 5000, -1, &readable, &l.e));
		assert_true(readable);				/* the kernel's */
		assert_int_equal(5, io_read(l.net, buf, 5));
		if (round)
			assert_true(SSL_pending(l.net->ssl) > 0);
		assert_int_equal(ERR_OK, net_wait(l.net, 0, -1, &readable, &l.e));
		assert_true(readable);				/* OpenSSL's */
		assert_int_equal(5, mailstream_read(m, buf, 5));
		assert_true(m->read_buffer_len > 0);
		assert_int_equal(ERR_OK, net_wait(l.net, 0, -1, &readable, &l.e));
		assert_true(readable);				/* libetpan's */
		/* one more would wait */
		assert_int_equal(14, mailstream_read(m, buf, 14));
		int64_t start = now_ms(), cpu = cpu_ms();
		assert_int_equal(ERR_OK, net_wait(l.net, 200, -1, &readable, &l.e));
		assert_false(readable);
		assert_in_range(now_ms() - start, 195, 2000);
		assert_in_range(cpu_ms() - cpu, 0, 50);
		link_close(&l);
	}
}

static void
serve_silent_tls(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);

	server_stopped(s, -1);
	SSL_free(ssl);
}

/* The session tickets that a TLS 1.3 server sends by itself are not mail. */
static void
test_wait_ignores_tickets(void **state)
{
	struct link l = { .s = { .serve = serve_silent_tls } };
	bool readable = true;

	assert_int_equal(ERR_OK, link_open(&l, *state, NET_TLS));
	assert_int_equal(ERR_OK, net_wait(l.net, 150, -1, &readable, &l.e));
	assert_false(readable);
	link_close(&l);
}

/* A wake ends the wait without error, a cancel with one, both at once. */
static void
test_wait_wakes(void **state)
{
	struct link l = { .s = { .serve = serve_silent_tls } };
	struct cancel wake;
	bool readable = true;

	assert_int_equal(ERR_OK, link_open(&l, *state, NET_TLS));
	assert_int_equal(ERR_OK, cancel_init(&wake, NULL));
	cancel_fire(&wake);
	int64_t start = now_ms();
	assert_int_equal(ERR_OK, net_wait(l.net, 5000, cancel_fd(&wake), &readable, &l.e));
	assert_false(readable);
	cancel_fire(&l.cancel);
	assert_int_equal(ERR_CANCELLED, net_wait(l.net, 5000, -1, &readable, &l.e));
	assert_in_range(now_ms() - start, 0, 2000);
	cancel_close(&wake);
	link_close(&l);
}

/* A reading that follows a long wait has its whole time, not what the wait has left of it. */
static void
test_wait_renews_deadline(void **state)
{
	struct link l = { .s = { .serve = serve_two_lines } };
	bool readable;
	char buf[64];

	assert_int_equal(ERR_OK, link_open(&l, *state, NET_PLAIN));
	net_command(l.net, 50, 0);
	nanosleep(&(struct timespec){ 0, 100000000L }, NULL);
	assert_int_equal(ERR_OK, net_wait(l.net, 5000, -1, &readable, &l.e));
	assert_true(readable);
	assert_int_equal(24, mailstream_read(net_stream(l.net), buf, sizeof buf));
	link_close(&l);
}

/* ---- what is kept and logged ---- */

static char *
read_log(const char *path)
{
	char *text = xcalloc(1, 100000);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, text, 99999) >= 0);
	close(fd);
	return text;
}

/* The log has the conversation, but neither passwords, in whatever
 * form they are sent, nor mail. */
static void
test_log(void **state)
{
	static const char *const sent[] = {
		"a LOGIN {4}\r\n", "user {9}\r\n",
			"pass word\r\n",	/* as literals, RFC 9051 4.3 */
		"b LOGIN u \"pass word\"\r\n", "c AUTHENTICATE PLAIN AHBhc3Mgd29yZAA=\r\n",
		"AHBhc3Mgd29yZA==\r\n", "d APPEND x {20+}\r\npass word pass word \r\n",
			"e NOOP\r\n" };
	struct link l = { .s = { .serve = serve_bytewise } };
	char path[] = "/tmp/dunlin-log-XXXXXX", buf[100];
	int fd = mkstemp(path);

	close(fd);
	assert_int_equal(ERR_OK, log_open(path, NULL));
	assert_int_equal(ERR_OK, link_open(&l, *state, NET_PLAIN));
	for (size_t i = 0; i < LEN(sent); i++) {
		mailstream_write(net_stream(l.net), sent[i], strlen(sent[i]));
		assert_int_equal(0, mailstream_flush(net_stream(l.net)));
	}
	net_quiet(l.net, true);
	mailstream_write(net_stream(l.net), "Dear pass word,\r\n", 17);
	assert_int_equal(0, mailstream_flush(net_stream(l.net)));
	net_quiet(l.net, false);
	mailstream_write(net_stream(l.net), "f NOOP\r\n", 8);
	mailstream_flush(net_stream(l.net));
	for (size_t all = 0; all < sizeof drip_text - 1;)
		all += (size_t)mailstream_read(net_stream(l.net), buf, sizeof buf);
	log_close();
	char *text = read_log(path);
	static const char *const there[] = { "C: a LOGIN ***", "C: b LOGIN ***",
		"C: c AUTHENTICATE ***", "C: e NOOP", "C: f NOOP", "S: * OK one",
			"S: a OK done" };
	static const char *const not_there[] = { "pass", "word", "cGFzc", "AHBh", "Dear",
		"abc" };
	for (size_t i = 0; i < LEN(there); i++) {
		if (!strstr(text, there[i]))
			fail_msg("'%s' is not in the log:\n%s", there[i], text);
	}
	for (size_t i = 0; i < LEN(not_there); i++) {
		if (strstr(text, not_there[i]))
			fail_msg("'%s' is in the log:\n%s", not_there[i], text);
	}
	free(text);
	unlink(path);
	link_close(&l);
}

/* The tap's memory is fixed, whatever passes: the newest lines are kept, each by its
 * beginning; a length that cannot be true is not believed. */
static void
test_last_lines(void **state)
{
	(void)state;
	static const struct { const char *in, *want; } cases[] = {
		{ "a {3}\r\nabcd\r\n", "a {3}\r\nd\r\n" },
		{ "a {0}\r\nb\r\n", "a {0}\r\nb\r\n" },
		{ "a {3+}\r\nabcd\r\n", "a {3+}\r\nd\r\n" },
		{ "a ~{3}\r\nabcd\r\n", "a ~{3}\r\nd\r\n" },
		{ "a {x3}\r\nb\r\n", "a {x3}\r\nb\r\n" }, { "a 3}\r\nb\r\n", "a 3}\r\nb\r\n" },
		{ "{}\r\nb\r\n", "{}\r\nb\r\n" }, { "}\r\n}\n\n", "}\r\n}\n\n" },
		{ "a {99999999999999999999999999}\r\nb\r\n",
			"a {99999999999999999999999999}\r\nb\r\n" },
		{ "a {18446744073709551615}\r\nb\r\n", "a {18446744073709551615}\r\nb\r\n" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		for (size_t piece = 1; piece < 5; piece++) {
			struct tap t = { .who = 'S' };
			struct last_lines last = {0};
			for (const char *p = cases[i].in; *p; p += strnlen(p, piece))
				tap_bytes(&t, &last, p, strnlen(p, piece), false);
			assert_string_equal(cases[i].want, last.text);
		}
	}
	struct tap t = { .who = 'S' };
	struct last_lines last = {0};
	for (int i = 0; i < 5000; i++)
		tap_bytes(&t, &last, "0123456789", 10, false);
	tap_bytes(&t, &last, "\r\n* BYE\r\n", 9, false);
	assert_int_equal(LINE_SEEN_BYTES + 1 + 7, last.len);
	assert_string_equal("\n* BYE\r\n", last.text + LINE_SEEN_BYTES);
	for (int i = 0; i < 500; i++)
		tap_bytes(&t, &last, "* 1 EXISTS\r\n", 12, false);
	assert_int_equal(LAST_LINES_BYTES, last.len);
	assert_string_equal("* 1 EXISTS\r\n", last.text + LAST_LINES_BYTES - 12);
}

/* ---- libetpan's sessions ---- */

static const char greeting[] = "* OK [CAPABILITY IMAP4rev1] ready\r\n";

static void
serve_imap(struct server *s, int fd)
{
	s->say = greeting;
	serve_plain(s, fd);
}

/* A session that is freed after mailstream_cancel sends no LOGOUT and waits for none, and
 * stream and connection may be freed in either order. */
static void
test_session_freed_first_or_last(void **state)
{
	for (int round = 0; round < 2; round++) {
		struct link l = { .s = { .serve = serve_imap } };
		mailimap *im = mailimap_new(0, NULL);
		assert_int_equal(ERR_OK, link_open(&l, *state, NET_PLAIN));
		assert_int_equal(MAILIMAP_NO_ERROR_NON_AUTHENTICATED, mailimap_connect(im,
			net_stream(l.net)));
		int64_t start = now_ms();
		mailstream_cancel(net_stream(l.net));
		if (round)
			im->imap_stream = NULL;
		mailimap_free(im);
		if (!round)
			assert_null(l.net->stream);
		link_close(&l);
		assert_in_range(now_ms() - start, 0, 2000);
		assert_int_equal(0, l.s.app_bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_ends), T(test_cut_everywhere), T(test_flood),
			T(test_cap_is_per_command),
		T(test_bytewise), T(test_transfer), T(test_slow_reader),
			T(test_wait_sees_every_buffer),
		T(test_wait_ignores_tickets), T(test_wait_wakes), T(test_wait_renews_deadline),
			T(test_log),
		T(test_last_lines), T(test_session_freed_first_or_last),
	};

	return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
