/* Connecting: who is let in, and how soon we give up on everybody else. */
#include <libetpan/mailstream.h>

#include "net_server.h"

struct dial {
	struct net_config cfg;
	struct cancel cancel;
	struct net *net;
	struct error e;
};

static enum err
dial(struct dial *d, const struct server *s, const char *host, const char *ca_file)
{
	d->cfg.host = host;
	d->cfg.port = s->port;
	d->cfg.ca_file = ca_file;
	d->e = (struct error){0};
	assert_int_equal(ERR_OK, cancel_init(&d->cancel, NULL));
	return net_open_with(&d->net, &d->cfg, &resolver_loopback, &d->cancel, &d->e);
}

static void
hang_up(struct dial *d)
{
	net_close(d->net);
	d->net = NULL;
	cancel_close(&d->cancel);
}

static void
assert_text(const char *want, const char *text)
{
	if (!strstr(text, want))
		fail_msg("'%s' is not in '%s'", want, text);
}

/* ---- who is let in ---- */

static const struct verify_case {
	const char *label, *host;
	struct cert_spec spec;
	const char *refusal;		/* NULL: accepted; else part of the text */
	bool no_ca;
} verify_cases[] = {
	{ "good", "mail.test", { .san = "DNS:mail.test" }, NULL, false },
	{ "one of many", "mail.test", { .san = "DNS:a.test,DNS:MAIL.test" }, NULL, false },
	{ "the root's dot", "mail.test.", { .san = "DNS:mail.test" }, NULL, false },
	{ "server purpose", "mail.test", { .san = "DNS:mail.test", .usage = "serverAuth" },
		NULL, false },
	{ "wildcard", "imap.mail.test", { .san = "DNS:*.mail.test" }, NULL, false },
	{ "address", "127.0.0.1", { .san = "IP:127.0.0.1" }, NULL, false },
	{ "wrong host", "mail.test", { .san = "DNS:other.test,IP:10.0.0.1" },
		"issued for other.test, 10.0.0.1", false },
	{ "many wrong", "mail.test",
		{ .san = "DNS:a.test,DNS:b.test,DNS:c.test,DNS:d.test,"
			"DNS:e.test,DNS:f.test,DNS:g.test" },
		"e.test and 2 more", false },
	{ "below the name", "x.mail.test", { .san = "DNS:mail.test" }, "issued for mail.test",
		false },
	{ "wildcard too deep", "a.b.mail.test", { .san = "DNS:*.mail.test" },
		"issued for *.mail.test",
		false },
	{ "wildcard for the bare name", "mail.test", { .san = "DNS:*.mail.test" },
		"issued for", false },
	{ "partial wildcard", "imap.mail.test", { .san = "DNS:im*.mail.test" }, "issued for",
		false },
	{ "top-level wildcard", "mail.test", { .san = "DNS:*.test" }, "issued for", false },
	{ "NUL in the name", "mail.test", { .has_nul = true },
		"issued for mail.test?.evil.test", false },
	{ "expired", "mail.test", { .san = "DNS:mail.test", .from_days = -20, .to_days = -10 },
		"the certificate of mail.test expired on 20", false },
	{ "not yet valid", "mail.test", { .san = "DNS:mail.test", .from_days = 10,
		.to_days = 20 },
		"is not valid before 20", false },
	{ "self-signed", "mail.test", { .san = "DNS:mail.test", .is_self_signed = true },
		"signed by itself; if its owner confirms it, pin it: tls-fingerprint = ",
			false },
	{ "unknown CA", "mail.test", { .san = "DNS:mail.test" }, "unknown CA 'Test CA'",
		true },
	{ "client purpose", "mail.test", { .san = "DNS:mail.test", .usage = "clientAuth" },
		"not meant for servers", false },
	{ "common name only", "mail.test", { .cn = "mail.test" }, "names no host at all",
		false },
	{ "address as a name", "127.0.0.1", { .san = "DNS:127.0.0.1" }, "is not for 127.0.0.1",
		false },
	{ "address as a common name", "127.0.0.1", { .cn = "127.0.0.1" }, "names no host",
		false },
	{ "other address", "127.0.0.1", { .san = "IP:127.0.0.2" }, "issued for 127.0.0.2",
		false },
};

/* Of all certificates only those for this host, by a known CA, of today and for servers are
 * taken; to nobody else is a byte of ours given. */
static void
test_verification(void **state)
{
	struct pki *pki = *state;

	for (size_t i = 0; i < LEN(verify_cases); i++) {
		const struct verify_case *c = &verify_cases[i];
		struct server s = { .serve = serve_tls, .key = pki->key };
		struct dial d = { .cfg = { .security = NET_TLS } };
		s.cert = cert_make(pki, &c->spec, false);
		server_start(&s);
		enum err rc = dial(&d, &s, c->host, c->no_ca ? NULL : pki->ca_file);
		if (rc == ERR_OK)
			mailstream_write(net_stream(d.net), "hello", 5);
		if (rc == ERR_OK)
			mailstream_flush(net_stream(d.net));
		hang_up(&d);
		server_stop(&s);
		if (rc != (c->refusal ? ERR_TLS : ERR_OK))
			fail_msg("%s: %d %s", c->label, rc, d.e.text);
		assert_int_equal(c->refusal ? 0 : 5, s.app_bytes);
		if (c->refusal)
			assert_text(c->refusal, d.e.text);
	}
}

/* The system's CAs are known, from their directory as from their
 * file; and from nowhere else. */
static void
test_system_ca(void **state)
{
	struct pki *pki = *state;
	char dir[] = "/tmp/dunlin-cas-XXXXXX", link[80];

	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof link, "%s/%08lx.0", dir,
		X509_NAME_hash(X509_get_subject_name(pki->ca)));
	assert_int_equal(0, symlink(pki->ca_file, link));
	for (int round = 0; round < 3; round++) {
		struct cert_spec spec = { .san = "DNS:mail.test" };
		struct server s = { .serve = serve_tls, .key = pki->key };
		struct dial d = { .cfg = { .security = NET_TLS } };
		setenv("SSL_CERT_DIR", round == 0 ? dir : "/nonexistent", 1);
		setenv("SSL_CERT_FILE", round == 1 ? pki->ca_file : "/nonexistent", 1);
		s.cert = cert_make(pki, &spec, false);
		server_start(&s);
		enum err rc = dial(&d, &s, "mail.test", NULL);
		if (rc != (round == 2 ? ERR_TLS : ERR_OK))
			fail_msg("round %d: %d %s", round, rc, d.e.text);
		hang_up(&d);
		server_stop(&s);
		assert_int_equal(0, s.app_bytes);
	}
	/* a CA known by file excuses nothing else */
	static const struct { struct cert_spec spec; const char *text; } wrong[] = {
		{ { .san = "DNS:other.test" }, "issued for other.test" },
		{ { .san = "DNS:mail.test", .usage = "clientAuth" }, "not meant for servers" },
		{ { .san = "DNS:mail.test", .from_days = -20, .to_days = -10 }, "expired on" },
	};
	setenv("SSL_CERT_FILE", pki->ca_file, 1);
	for (size_t i = 0; i < LEN(wrong); i++) {
		struct server s = { .serve = serve_tls, .key = pki->key };
		struct dial d = { .cfg = { .security = NET_TLS } };
		s.cert = cert_make(pki, &wrong[i].spec, false);
		server_start(&s);
		assert_int_equal(ERR_TLS, dial(&d, &s, "mail.test", NULL));
		assert_text(wrong[i].text, d.e.text);
		hang_up(&d);
		server_stop(&s);
	}
	unsetenv("SSL_CERT_DIR");
	unsetenv("SSL_CERT_FILE");
	unlink(link);
	rmdir(dir);
}

/* The server is told a name, and never an address (RFC 6066 3) or the root's dot. */
static void
test_sni(void **state)
{
	struct pki *pki = *state;
	static const struct { const char *host, *sni; } cases[] = {
		{ "mail.test", "mail.test" }, { "mail.test.", "mail.test" },
		{ "127.0.0.1", "" } };

	for (size_t i = 0; i < LEN(cases); i++) {
		struct cert_spec spec = { .san = "DNS:mail.test,IP:127.0.0.1" };
		struct server s = { .serve = serve_tls, .key = pki->key };
		struct dial d = { .cfg = { .security = NET_TLS } };
		s.cert = cert_make(pki, &spec, false);
		server_start(&s);
		assert_int_equal(ERR_OK, dial(&d, &s, cases[i].host, pki->ca_file));
		hang_up(&d);
		server_stop(&s);
		assert_string_equal(cases[i].sni, s.sni);
	}
}

/* A pinned certificate is taken whatever else is wrong with it, and
 * no other is, however good. */
static void
test_pin(void **state)
{
	struct pki *pki = *state;
	struct cert_spec bad = { .cn = "x", .is_self_signed = true, .from_days = -20,
		.to_days = -10 };
	struct cert_spec good = { .san = "DNS:mail.test" };
	X509 *pinned = cert_make(pki, &bad, false);
	char print[FINGERPRINT_TEXT_BYTES], upper[65] = "";

	cert_fingerprint_text(pinned, print);
	for (size_t i = 0, k = 0; print[i]; i++) {
		if (print[i] != ':')
			upper[k++] = print[i] >= 'a' ? (char)(print[i] - 32) : print[i];
	}
	for (int round = 0; round < 3; round++) {
		struct server s = { .serve = serve_tls, .key = pki->key };
		struct dial d = { .cfg = { .security = NET_TLS,
			.fingerprint = round == 1 ? upper : print } };
		s.cert = round == 2 ? cert_make(pki, &good, false) : X509_dup(pinned);
		server_start(&s);
		enum err rc = dial(&d, &s, "mail.test", pki->ca_file);
		hang_up(&d);
		server_stop(&s);
		assert_int_equal(round == 2 ? ERR_TLS : ERR_OK, rc);
		if (round == 2)
			assert_text("is not the pinned one; it has ", d.e.text);
		assert_int_equal(0, s.app_bytes);
	}
	X509_free(pinned);
}

/* A pin that is none, and a host that would match any certificate,
 * fail before any connection. */
static void
test_settings_refused(void **state)
{
	(void)state;
	static const struct { const char *host, *pin; enum err rc; } cases[] = {
		{ "mail.test", "ab:cd", ERR_TLS },
		{ "mail.test", "", ERR_TLS },
		{ "mail.test",
			"00112233445566778899aabbccddeeff00112233445566778899aabbccddeefg",
				ERR_TLS },
		{ "mail.test",
			"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0",
				ERR_TLS },
		{ "", NULL, ERR_LOCAL }, { ".test", NULL, ERR_LOCAL },
		{ NULL, NULL, ERR_LOCAL },
		{ "mail test", NULL, ERR_LOCAL }, { "mail\r\n.test", NULL, ERR_LOCAL },
		{ "m\xc3\xa4il.test", NULL, ERR_LOCAL },
	};
	struct server s = { .serve = serve_plain };

	server_start(&s);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct dial d = { .cfg = { .security = NET_TLS,
			.fingerprint = cases[i].pin } };
		assert_int_equal(cases[i].rc, dial(&d, &s, cases[i].host, NULL));
		assert_null(d.net);
		hang_up(&d);
	}
	server_stop(&s);
	assert_false(s.has_accepted);
}

/* A ca-file that cannot be read is said to be so, and nothing is trusted in its place. */
static void
test_ca_file_missing(void **state)
{
	struct pki *pki = *state;
	struct cert_spec spec = { .san = "DNS:mail.test" };
	struct server s = { .serve = serve_tls, .key = pki->key, .cert = cert_make(pki, &spec,
		false) };
	struct dial d = { .cfg = { .security = NET_TLS } };

	server_start(&s);
	assert_int_equal(ERR_LOCAL, dial(&d, &s, "mail.test", "/nonexistent/ca.pem"));
	assert_text("/nonexistent/ca.pem", d.e.text);
	hang_up(&d);
	server_stop(&s);
	assert_false(s.has_shaken_hands);
}

/* TLS 1.1 is refused, 1.2 taken. */
static void
test_old_tls(void **state)
{
	struct pki *pki = *state;
	static const struct { int version; enum err rc; } cases[] = {
		{ TLS1_1_VERSION, ERR_TLS }, { TLS1_2_VERSION, ERR_OK } };

	for (size_t i = 0; i < LEN(cases); i++) {
		struct cert_spec spec = { .san = "DNS:mail.test" };
		struct server s = { .serve = serve_tls, .key = pki->key,
			.max_version = cases[i].version };
		struct dial d = { .cfg = { .security = NET_TLS } };
		s.cert = cert_make(pki, &spec, false);
		server_start(&s);
		assert_int_equal(cases[i].rc, dial(&d, &s, "mail.test", pki->ca_file));
		if (cases[i].rc == ERR_TLS)
			assert_text("no TLS newer than 1.1", d.e.text);
		else
			assert_true(net_is_private(d.net));
		hang_up(&d);
		server_stop(&s);
	}
}

/* A server that greets in plain text where TLS is due gets nothing, and is told apart. */
static void
test_no_tls(void **state)
{
	(void)state;
	struct server s = { .serve = serve_plain, .say = "* OK ready, come in\r\n" };
	struct dial d = { .cfg = { .security = NET_TLS } };

	server_start(&s);
	assert_int_equal(ERR_TLS, dial(&d, &s, "mail.test", NULL));
	assert_text("does not speak TLS there", d.e.text);
	hang_up(&d);
	server_stop(&s);
}

/* Plain text on loopback works end to end; "hello" arrives, and the answer. */
static void
test_plain(void **state)
{
	(void)state;
	struct server s = { .serve = serve_plain, .say = "* OK ready\r\n" };
	struct dial d = { .cfg = { .security = NET_PLAIN } };
	char buf[64] = "";

	server_start(&s);
	assert_int_equal(ERR_OK, dial(&d, &s, "mail.test", NULL));
	assert_true(net_is_private(d.net));
	assert_int_equal(12, mailstream_read(net_stream(d.net), buf, sizeof buf));
	assert_string_equal("* OK ready\r\n", buf);
	assert_string_equal("* OK ready\r\n", net_last_lines(d.net));
	mailstream_write(net_stream(d.net), "hello", 5);
	assert_int_equal(0, mailstream_flush(net_stream(d.net)));
	assert_int_equal(12, net_bytes_in(d.net));
	assert_int_equal(5, net_bytes_out(d.net));
	hang_up(&d);
	server_stop(&s);
	assert_string_equal("hello", s.got);
}

/* ---- STARTTLS ---- */

/* Says OK to the first line, with or without bytes slipped in behind, then shakes hands. */
static void
serve_starttls(struct server *s, int fd)
{
	char line[128];

	send(fd, "* OK ready\r\n", 12, MSG_NOSIGNAL);
	if (recv(fd, line, sizeof line, 0) <= 0)
		return;
	send(fd, s->say, strlen(s->say), MSG_NOSIGNAL);
	serve_tls(s, fd);
}

/* Sends the command and reads the OK, `pieces` bytes at a time at most. */
static void
ask_starttls(struct net *n, size_t piece)
{
	char buf[256];
	mailstream *m = net_stream(n);

	assert_int_equal(12, mailstream_read(m, buf, sizeof buf));
	mailstream_write(m, "a STARTTLS\r\n", 12);
	assert_int_equal(0, mailstream_flush(m));
	assert_true(mailstream_read(m, buf, piece) > 0);
}

/* Before the upgrade the connection is not private, after it it is, on the same stream, and
 * nothing said before is kept. */
static void
test_starttls(void **state)
{
	struct pki *pki = *state;
	struct cert_spec spec = { .san = "DNS:mail.test" };
	struct server s = { .serve = serve_starttls, .say = "a OK go\r\n", .key = pki->key };
	struct dial d = { .cfg = { .security = NET_STARTTLS } };
	struct str text = {0};
	char buf[64] = "";

	s.cert = cert_make(pki, &spec, false);
	server_start(&s);
	assert_int_equal(ERR_OK, dial(&d, &s, "mail.test", pki->ca_file));
	assert_false(net_is_private(d.net));
	ask_starttls(d.net, 64);
	assert_int_equal(ERR_OK, net_starttls(d.net, &d.e));
	assert_true(net_is_private(d.net));
	assert_string_equal("", net_last_lines(d.net));
	assert_int_equal(9, mailstream_read(net_stream(d.net), buf, sizeof buf));
	assert_string_equal("a OK go\r\n", buf);	/* serve_tls says it again, inside */
	net_describe(d.net, &text);
	assert_text("TLSv1.", str_get(&text));
	assert_text("mail.test (SHA-256 ", str_get(&text));
	assert_int_equal(ERR_LOCAL, net_starttls(d.net, &d.e));	/* not twice */
	str_clear(&text);
	hang_up(&d);
	server_stop(&s);
}

/* Bytes behind the OK, in libetpan's buffer or still in the kernel's, are an attack, and
 * the handshake is not even begun. */
static void
test_starttls_injection(void **state)
{
	struct pki *pki = *state;

	for (int round = 0; round < 2; round++) {
		struct cert_spec spec = { .san = "DNS:mail.test" };
		struct server s = { .serve = serve_starttls, .key = pki->key,
			.say = "a OK go\r\n* OK evil\r\n" };
		struct dial d = { .cfg = { .security = NET_STARTTLS } };
		char buf[12];
		s.cert = cert_make(pki, &spec, false);
		server_start(&s);
		assert_int_equal(ERR_OK, dial(&d, &s, "mail.test", pki->ca_file));
		if (round == 0) {
			/* the rest stands in the stream */
			ask_starttls(d.net, 9);
		} else {
			assert_int_equal(12, io_read(d.net, buf, 12));
			assert_int_equal(12, io_write(d.net, "a STARTTLS\r\n", 12));
			/* and here in the kernel */
			assert_int_equal(9, io_read(d.net, buf, 9));
		}
		assert_int_equal(ERR_TLS, net_starttls(d.net, &d.e));
		assert_text("injected before TLS", d.e.text);
		assert_false(net_is_private(d.net));
		hang_up(&d);
		server_stop(&s);
		assert_false(s.has_shaken_hands);
		assert_int_equal(0, s.app_bytes);
	}
}

/* A wrong certificate behind STARTTLS is refused like any other, and
 * nothing goes through any more. */
static void
test_starttls_wrong_host(void **state)
{
	struct pki *pki = *state;
	struct cert_spec spec = { .san = "DNS:other.test" };
	struct server s = { .serve = serve_starttls, .say = "a OK go\r\n", .key = pki->key };
	struct dial d = { .cfg = { .security = NET_STARTTLS } };
	struct error e;

	s.cert = cert_make(pki, &spec, false);
	server_start(&s);
	assert_int_equal(ERR_OK, dial(&d, &s, "mail.test", pki->ca_file));
	ask_starttls(d.net, 64);
	assert_int_equal(ERR_TLS, net_starttls(d.net, &d.e));
	assert_false(net_is_private(d.net));
	mailstream_write(net_stream(d.net), "a LOGIN u p\r\n", 13);
	assert_int_equal(-1, mailstream_flush(net_stream(d.net)));
	assert_int_equal(ERR_TLS, net_error(d.net, &e));
	assert_text("issued for other.test", e.text);
	hang_up(&d);
	server_stop(&s);
	assert_int_equal(0, s.app_bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_verification), T(test_system_ca), T(test_sni), T(test_pin),
			T(test_settings_refused),
		T(test_ca_file_missing), T(test_old_tls), T(test_no_tls), T(test_plain),
		T(test_starttls), T(test_starttls_injection), T(test_starttls_wrong_host),
	};

	return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
