/* net_server.h - the other end for the tests of src/net: a thread that serves one connection
 * on loopback, and certificates made on the spot. What the thread saw may be read once
 * server_stop has returned. Static functions, so that each test program has its own. */
#ifndef DUNLIN_NET_SERVER_H
#define DUNLIN_NET_SERVER_H

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/internal.h"
#include "test.h"

#define UNUSED __attribute__((unused))

/* ---- certificates ---- */

struct cert_spec {
	const char *cn, *san, *usage;	/* NULL: without; san and usage as in openssl.cnf */
	int from_days, to_days;		/* validity, from today; both 0: -1 to +30 */
	bool is_self_signed;
	bool has_nul;			/* the first DNS name gets a NUL in its middle */
	EVP_PKEY *key;			/* NULL: the pki's */
	X509 *issuer;			/* NULL: the pki's CA */
	EVP_PKEY *issuer_key;
	const EVP_MD *md;		/* NULL: SHA-256 */
	bool is_ca;			/* may issue others */
};

struct pki {
	EVP_PKEY *ca_key, *key;
	X509 *ca;
	char ca_file[64];
};

static UNUSED void
cert_add(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_true(X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
}

static UNUSED void
cert_add_nul_name(X509 *x)
{
	static const char name[] = "mail.test\0.evil.test";
	GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *g = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	ASN1_STRING_set(s, name, sizeof name - 1);
	GENERAL_NAME_set0_value(g, GEN_DNS, s);
	sk_GENERAL_NAME_push(all, g);
	assert_true(X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0));
	GENERAL_NAMES_free(all);
}

static UNUSED X509 *
cert_make(const struct pki *pki, const struct cert_spec *spec, bool is_ca)
{
	static long serial = 1;
	X509 *x = X509_new(), *issuer = spec->issuer ? spec->issuer : pki->ca;
	EVP_PKEY *key = spec->key ? spec->key : is_ca ? pki->ca_key : pki->key;
	bool is_root = is_ca || spec->is_self_signed;
	X509_NAME *name = X509_get_subject_name(x);
	bool is_default = spec->from_days == 0 && spec->to_days == 0;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_time_adj_ex(X509_getm_notBefore(x), is_default ? -1 : spec->from_days, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(x), is_default ? 30 : spec->to_days, 0, NULL);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)(spec->cn ? spec->cn : "a server"), -1, -1, 0);
	X509_set_issuer_name(x, is_root ? name : X509_get_subject_name(issuer));
	if (is_root)
		issuer = x;
	if (is_ca || spec->is_ca)
		cert_add(x, issuer, NID_basic_constraints, "critical,CA:TRUE");
	if (spec->san)
		cert_add(x, issuer, NID_subject_alt_name, spec->san);
	if (spec->has_nul)
		cert_add_nul_name(x);
	if (spec->usage)
		cert_add(x, issuer, NID_ext_key_usage, spec->usage);
	EVP_PKEY *signer = is_root ? key : spec->issuer_key ? spec->issuer_key : pki->ca_key;
	assert_true(X509_sign(x, signer, spec->md ? spec->md : EVP_sha256()) > 0);
	return x;
}

static UNUSED int
pki_setup(void **state)
{
	static struct pki pki;
	struct cert_spec spec = { .cn = "Test CA" };

	net_init();
	pki.ca_key = EVP_EC_gen("P-256");
	pki.key = EVP_EC_gen("P-256");
	pki.ca = cert_make(&pki, &spec, true);
	strcpy(pki.ca_file, "/tmp/dunlin-ca-XXXXXX");
	int fd = mkstemp(pki.ca_file);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f || !PEM_write_X509(f, pki.ca) || fclose(f) != 0)
		return -1;
	*state = &pki;
	return 0;
}

static UNUSED int
pki_teardown(void **state)
{
	struct pki *pki = *state;

	unlink(pki->ca_file);
	X509_free(pki->ca);
	EVP_PKEY_free(pki->ca_key);
	EVP_PKEY_free(pki->key);
	return 0;
}

/* ---- the server ---- */

struct server {
	void (*serve)(struct server *s, int fd);
	const char *say;		/* what the ready-made serve functions send */
	X509 *cert;
	EVP_PKEY *key;
	int max_version;		/* 0: any */
	X509 *between;			/* sent behind cert; NULL: none */
	const char *ciphers;		/* of TLS 1.2; NULL: the usual */

	uint16_t port;
	int listen_fd, stop_fd;
	pthread_t thread;
	/* what it saw */
	bool has_accepted, has_shaken_hands;
	int version;
	char sni[64];
	size_t app_bytes;
	char got[4096];
};

static UNUSED void *
server_run(void *arg)
{
	struct server *s = arg;
	struct pollfd p[] = { { .fd = s->listen_fd, .events = POLLIN },
		{ .fd = s->stop_fd, .events = POLLIN } };

	while (poll(p, 2, -1) < 0 && errno == EINTR)
		;
	if (!(p[0].revents & POLLIN))
		return NULL;
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return NULL;
	s->has_accepted = true;
	s->serve(s, fd);
	ERR_clear_error();
	close(fd);
	return NULL;
}

static UNUSED void
server_listen(struct server *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sa;

	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(0, bind(s->listen_fd, (struct sockaddr *)&sa, sizeof sa));
	assert_int_equal(0, listen(s->listen_fd, 8));
	assert_int_equal(0, getsockname(s->listen_fd, (struct sockaddr *)&sa, &len));
	s->port = ntohs(sa.sin_port);
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
}

static UNUSED void
server_start(struct server *s)
{
	server_listen(s);
	assert_int_equal(0, pthread_create(&s->thread, NULL, server_run, s));
}

static UNUSED void
server_stop(struct server *s)
{
	uint64_t one = 1;

	assert_int_equal(sizeof one, write(s->stop_fd, &one, sizeof one));
	pthread_join(s->thread, NULL);
	close(s->listen_fd);
	close(s->stop_fd);
	X509_free(s->cert);
	s->cert = NULL;
}

/* Waits until the test ends the server, or ms are over (-1: for ever). */
static UNUSED bool
server_stopped(struct server *s, int ms)
{
	struct pollfd p = { .fd = s->stop_fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

/* Shakes hands; NULL when the client refuses. */
static UNUSED SSL *
server_tls(struct server *s, int fd)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(ctx, 0);
	if (s->max_version) {
		SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(ctx, s->max_version);
		SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	}
	if (s->ciphers)
		SSL_CTX_set_cipher_list(ctx, s->ciphers);
	SSL_CTX_use_certificate(ctx, s->cert);
	if (s->between)
		SSL_CTX_add1_chain_cert(ctx, s->between);
	SSL_CTX_use_PrivateKey(ctx, s->key);
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, fd);
	s->has_shaken_hands = SSL_accept(ssl) == 1;
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	snprintf(s->sni, sizeof s->sni, "%s", sni ? sni : "");
	s->version = SSL_version(ssl);
	if (!s->has_shaken_hands) {
		char c[256];
		int n = SSL_read(ssl, c, sizeof c);
		s->app_bytes += n > 0 ? (size_t)n : 0;
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

/* Greets inside TLS, then takes what comes until the client goes. */
static UNUSED void
serve_tls(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);
	int n;

	if (!ssl)
		return;
	if (s->say)
		SSL_write(ssl, s->say, (int)strlen(s->say));
	while (s->app_bytes < sizeof s->got - 1 &&
	    (n = SSL_read(ssl, s->got + s->app_bytes,
		(int)(sizeof s->got - 1 - s->app_bytes))) > 0)
		s->app_bytes += (size_t)n;
	SSL_shutdown(ssl);
	SSL_free(ssl);
}

/* The same without TLS. */
static UNUSED void
serve_plain(struct server *s, int fd)
{
	ssize_t n;

	if (s->say)
		send(fd, s->say, strlen(s->say), MSG_NOSIGNAL);
	while (s->app_bytes < sizeof s->got - 1 &&
	    (n = recv(fd, s->got + s->app_bytes, sizeof s->got - 1 - s->app_bytes, 0)) > 0)
		s->app_bytes += (size_t)n;
}

/* ---- names: everything is 127.0.0.1 ---- */

static UNUSED int
lookup_loopback(const char *host, const char *port, const struct addrinfo *hints,
	struct addrinfo **out)
{
	(void)host;
	return getaddrinfo("127.0.0.1", port, hints, out);
}

static UNUSED const struct net_resolver resolver_loopback = { lookup_loopback, freeaddrinfo };

#endif
