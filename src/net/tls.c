/* tls.c - the handshake, and the one place that decides that a peer is who the rc says.
 *
 * TLS 1.2 and up. OpenSSL checks chain, dates, server purpose and host name in one call,
 * inside the handshake and before anything of ours is sent; a pinned certificate is compared
 * there instead. No common names, no partial wildcards (RFC 9525). See doc/tls.md. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <string.h>

#include "internal.h"

/* RSA and DH from 2048 bits on, no SHA-1 in signatures, no ciphers below 112 bits:
 * SSL_CTX_set_security_level(3). What the system demands beyond that stands. */
enum { SECURITY_LEVEL = 2 };

static bool
is_address(const char *host)
{
	unsigned char buf[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, buf) == 1 || inet_pton(AF_INET6, host, buf) == 1;
}

static bool
is_pinned(const struct net *n, const X509 *leaf)
{
	unsigned char digest[32];

	return cert_fingerprint(leaf, digest) &&
		CRYPTO_memcmp(digest, n->pin, sizeof digest) == 0;
}

static bool
is_unknown_ca(int code)
{
	return code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
		code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
		code == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
		code == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
		code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
}

static void
explain(struct net *n, X509_STORE_CTX *ctx)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	X509 *culprit = X509_STORE_CTX_get_current_cert(ctx);

	cert_explain(n, leaf, culprit ? culprit : leaf, X509_STORE_CTX_get_error(ctx),
		X509_STORE_CTX_get_error_depth(ctx));
}

/* The same check by the same parameters, with the system's CA file added to what is known. The
 * file is read only for this: it holds some 140 certificates and costs 20 to 50 ms, while
 * the directory of them beside it, where there is one, is looked into by name. */
static bool
verify_with_file(struct net *n, X509_STORE_CTX *ctx)
{
	X509_STORE_CTX *again = X509_STORE_CTX_new();
	bool ok = again && SSL_CTX_set_default_verify_file(n->ctx) &&
		X509_STORE_CTX_init(again, SSL_CTX_get_cert_store(n->ctx),
			X509_STORE_CTX_get0_cert(ctx), X509_STORE_CTX_get0_untrusted(ctx)) &&
		X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(again),
			X509_STORE_CTX_get0_param(ctx));

	if (ok) {
		ok = X509_verify_cert(again) > 0;
		X509_STORE_CTX_set_error(ctx, X509_STORE_CTX_get_error(again));
		if (!ok)
			explain(n, again);
	}
	X509_STORE_CTX_free(again);
	return ok;
}

/* Called by OpenSSL with the parameters of set_identity already in ctx. */
static int
verify(X509_STORE_CTX *ctx, void *arg)
{
	struct net *n = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	char print[FINGERPRINT_TEXT_BYTES];

	if (n->has_pin && leaf && is_pinned(n, leaf)) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
	if (n->has_pin) {
		cert_fingerprint_text(leaf, print);
		net_fail(n, ERR_TLS, "the certificate of %s is not the pinned one; it has %s",
			n->host, print);
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
		return 0;
	}
	if (X509_verify_cert(ctx) > 0)
		return 1;
	if (is_unknown_ca(X509_STORE_CTX_get_error(ctx)))
		return verify_with_file(n, ctx);
	explain(n, ctx);
	return 0;
}

static enum err
make_context(struct net *n)
{
	n->ctx = SSL_CTX_new(TLS_client_method());
	if (!n->ctx || !SSL_CTX_set_min_proto_version(n->ctx, TLS1_2_VERSION))
		return net_fail(n, ERR_LOCAL, "OpenSSL cannot be set up");
	if (SSL_CTX_get_security_level(n->ctx) < SECURITY_LEVEL)
		SSL_CTX_set_security_level(n->ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(n->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(n->ctx,
		SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(n->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(n->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(n->ctx, verify, n);
	SSL_CTX_set_default_verify_dir(n->ctx);
	if (n->ca_file && !SSL_CTX_load_verify_file(n->ctx, n->ca_file))
		return net_fail(n, ERR_LOCAL, "cannot read certificates from ca-file '%s'",
			n->ca_file);
	return ERR_OK;
}

static enum err
set_identity(struct net *n)
{
	X509_VERIFY_PARAM *p = SSL_get0_param(n->ssl);
	char *name = xstrdup(n->host);
	size_t len = strlen(name);
	bool ok;

	if (len > 1 && name[len - 1] == '.')	/* the DNS root is no part of a host's name */
		name[len - 1] = '\0';
	if (is_address(name)) {
		ok = X509_VERIFY_PARAM_set1_ip_asc(p, name);
	} else {
		X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
			X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		ok = X509_VERIFY_PARAM_set1_host(p, name, 0) &&
			SSL_set_tlsext_host_name(n->ssl, name);
	}
	free(name);
	return ok ? ERR_OK : net_fail(n, ERR_LOCAL, "'%s' cannot be checked as a host name",
		n->host);
}

static enum err
explain_handshake(struct net *n, int kind)
{
	unsigned long code = ERR_peek_error();

	if (n->failure.code != ERR_OK)		/* verify() has told it */
		return n->failure.code;
	switch (ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		return net_fail(n, ERR_TLS,
			"%s does not speak TLS there (wrong port, or meant for "
			"STARTTLS?)", n->where);
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return net_fail(n, ERR_TLS,
			"%s speaks no TLS newer than 1.1, which is not safe", n->where);
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return net_fail(n, ERR_CONN,
			"%s closed the connection during the TLS handshake", n->where);
	}
	if (kind == SSL_ERROR_SYSCALL || code == 0)
		return net_fail(n, ERR_CONN, "%s broke off the TLS handshake", n->where);
	return net_fail(n, ERR_TLS, "TLS with %s failed: %s", n->where,
		ERR_reason_error_string(code));
}

static enum err
shake_hands(struct net *n)
{
	for (;;) {
		ERR_clear_error();
		int rc = SSL_connect(n->ssl);
		int kind = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(n->ssl, rc);
		if (rc == 1)
			return ERR_OK;
		if (kind != SSL_ERROR_WANT_READ && kind != SSL_ERROR_WANT_WRITE)
			return explain_handshake(n, kind);
		if (io_wait(n, kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT) != ERR_OK)
			return n->failure.code;
	}
}

enum err
tls_start(struct net *n)
{
	enum err rc;

	if ((rc = io_check(n)) != ERR_OK || (rc = make_context(n)) != ERR_OK)
		goto out;
	n->ssl = SSL_new(n->ctx);
	if (!n->ssl || !SSL_set_fd(n->ssl, n->fd)) {
		rc = net_fail(n, ERR_LOCAL, "OpenSSL cannot be set up");
		goto out;
	}
	if ((rc = set_identity(n)) != ERR_OK || (rc = shake_hands(n)) != ERR_OK)
		goto out;
	/* Belt and braces: without a certificate OpenSSL has nothing to say against it. */
	if (SSL_get_verify_result(n->ssl) != X509_V_OK || !SSL_get0_peer_certificate(n->ssl)) {
		rc = net_fail(n, ERR_TLS, "the certificate of %s was not verified", n->host);
		goto out;
	}
	n->is_verified = true;
out:
	ERR_clear_error();
	return rc;
}

/* One close_notify if the socket takes it at once; never waits. */
void
tls_end(struct net *n)
{
	if (n->ssl && n->is_verified && n->failure.code == ERR_OK)
		SSL_shutdown(n->ssl);
	SSL_free(n->ssl);
	SSL_CTX_free(n->ctx);
	ERR_clear_error();
	n->ssl = NULL;
	n->ctx = NULL;
	n->is_verified = false;
}
