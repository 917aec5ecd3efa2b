/* What OpenSSL could be talked into: chains with a gap, keys and ciphers that can
 * be broken, a new handshake. */
#include <libetpan/mailstream.h>

#include "net_server.h"

static const char host[] = "mail.test";

/* Connects to the server, which is stopped then; *e tells why not. */
static enum err
connect_to(struct server *s, const struct pki *pki, const char *pin, struct error *e)
{
	struct net_config cfg = { .host = host, .security = NET_TLS, .ca_file = pki->ca_file,
		.fingerprint = pin };
	struct cancel cancel;
	struct net *n;

	*e = (struct error){0};
	assert_int_equal(ERR_OK, cancel_init(&cancel, NULL));
	server_start(s);
	cfg.port = s->port;
	enum err rc = net_open_with(&n, &cfg, &resolver_loopback, &cancel, e);
	net_close(n);
	server_stop(s);
	cancel_close(&cancel);
	return rc;
}

static void
assert_text(const char *want, const char *text)
{
	if (!strstr(text, want))
		fail_msg("'%s' is not in '%s'", want, text);
}

/* A certificate between CA and server: sent it is followed, not sent it is missed, expired it
 * is named, and one that is no CA's signs nothing. */
static void
test_chain(void **state)
{
	struct pki *pki = *state;
	static const struct {
		bool is_sent, is_ca;
		int to_days;
		enum err rc;
		const char *text;
	} cases[] = {
		{ true, true, 30, ERR_OK, "" },
		{ false, true, 30, ERR_TLS, "unknown CA 'Between CA'" },
		{ true, true, -2, ERR_TLS,
			"is signed with one of 'Between CA' that expired on" },
		{ true, false, 30, ERR_TLS, "is refused: " },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct cert_spec between = { .cn = "Between CA", .is_ca = cases[i].is_ca,
			.key = EVP_EC_gen("P-256"), .from_days = -10,
			.to_days = cases[i].to_days };
		X509 *x = cert_make(pki, &between, false);
		struct cert_spec leaf = { .san = "DNS:mail.test", .issuer = x,
			.issuer_key = between.key };
		struct server s = { .serve = serve_tls, .key = pki->key,
			.cert = cert_make(pki, &leaf, false),
			.between = cases[i].is_sent ? x : NULL };
		struct error e;
		enum err rc = connect_to(&s, pki, NULL, &e);
		if (rc != cases[i].rc)
			fail_msg("%zu: %d %s", i, rc, e.text);
		assert_text(cases[i].text, e.text);
		assert_int_equal(0, s.app_bytes);
		X509_free(x);
		EVP_PKEY_free(between.key);
	}
}

/* A key of 1024 bits and a signature by SHA-1 can be forged: refused, and not because of the
 * system's settings, unless it is the one that was pinned. */
static void
test_weak_keys(void **state)
{
	struct pki *pki = *state;
	EVP_PKEY *weak = EVP_RSA_gen(1024);

	for (int round = 0; round < 3; round++) {
		struct cert_spec spec = { .san = "DNS:mail.test",
			.key = round == 1 ? NULL : weak,
			.md = round == 1 ? EVP_sha1() : NULL };
		struct server s = { .serve = serve_tls, .key = round == 1 ? pki->key : weak,
			.cert = cert_make(pki, &spec, false) };
		char print[FINGERPRINT_TEXT_BYTES];
		struct error e;
		cert_fingerprint_text(s.cert, print);
		enum err rc = connect_to(&s, pki, round == 2 ? print : NULL, &e);
		if (rc != (round == 2 ? ERR_OK : ERR_TLS))
			fail_msg("%d: %d %s", round, rc, e.text);
		assert_text(round == 2 ? "" : round == 0 ? "key too weak" : "weak", e.text);
	}
	EVP_PKEY_free(weak);
}

/* A server that offers nothing but ciphers without encryption, without a
 * certificate, or of the last century. */
static void
test_weak_ciphers(void **state)
{
	struct pki *pki = *state;
	static const char *const weak[] = { "eNULL:@SECLEVEL=0", "aNULL:@SECLEVEL=0",
		"RC4:DES-CBC3-SHA:@SECLEVEL=0" };
	struct cert_spec spec = { .san = "DNS:mail.test" };

	for (size_t i = 0; i < LEN(weak); i++) {
		struct server s = { .serve = serve_tls, .key = pki->key,
			.cert = cert_make(pki, &spec, false), .max_version = TLS1_2_VERSION,
			.ciphers = weak[i] };
		struct error e;
		enum err rc = connect_to(&s, pki, NULL, &e);
		if (rc != ERR_TLS && rc != ERR_CONN)
			fail_msg("%s: %d %s", weak[i], rc, e.text);
		assert_int_equal(0, s.app_bytes);
	}
}

static int n_hellos;			/* of the client, once the session stood */

static void
count_hellos(int is_sent, int version, int type, const void *p, size_t n, SSL *ssl, void *arg)
{
	(void)version, (void)ssl, (void)arg;
	n_hellos += !is_sent && type == SSL3_RT_HANDSHAKE && n > 0 &&
		*(const unsigned char *)p == SSL3_MT_CLIENT_HELLO;
}

static void
serve_renegotiation(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);
	char c;

	if (!ssl)
		return;
	SSL_set_msg_callback(ssl, count_hellos);
	SSL_write(ssl, "* OK one\r\n", 10);
	SSL_renegotiate(ssl);
	SSL_do_handshake(ssl);
	SSL_read(ssl, &c, 1);
	SSL_free(ssl);
}

/* A server that asks for a second handshake (TLS 1.2) gets none: what was
 * verified is what is spoken to. */
static void
test_renegotiation(void **state)
{
	struct pki *pki = *state;
	struct cert_spec spec = { .san = "DNS:mail.test" };
	struct server s = { .serve = serve_renegotiation, .key = pki->key,
		.cert = cert_make(pki, &spec, false), .max_version = TLS1_2_VERSION };
	struct net_config cfg = { .host = host, .security = NET_TLS, .ca_file = pki->ca_file,
		.io_ms = 2000 };
	struct cancel cancel;
	struct net *n;
	char buf[100];

	n_hellos = 0;
	assert_int_equal(ERR_OK, cancel_init(&cancel, NULL));
	server_start(&s);
	cfg.port = s.port;
	assert_int_equal(ERR_OK, net_open_with(&n, &cfg, &resolver_loopback, &cancel, NULL));
	assert_int_equal(10, mailstream_read(net_stream(n), buf, sizeof buf));
	assert_int_equal(-1, mailstream_read(net_stream(n), buf, sizeof buf));
	net_close(n);
	server_stop(&s);
	cancel_close(&cancel);
	assert_true(s.has_shaken_hands);
	assert_int_equal(0, n_hellos);
}

/* The system's settings are as lax as can be: ours count. */
int
main(void)
{
	char path[] = "/tmp/dunlin-openssl-XXXXXX";
	static const char lax[] = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = "
		"c\n[c]\nCipherString = ALL:@SECLEVEL=0\nMinProtocol = TLSv1\n";
	int fd = mkstemp(path);
	const struct CMUnitTest tests[] = { T(test_chain), T(test_weak_keys),
		T(test_weak_ciphers), T(test_renegotiation) };

	if (fd < 0 || write(fd, lax, sizeof lax - 1) < 0 ||
	    setenv("OPENSSL_CONF", path, 1) < 0)
		return 1;
	int n_failed = cmocka_run_group_tests(tests, pki_setup, pki_teardown);
	close(fd);
	unlink(path);
	return n_failed;
}
