/* net.c - a connection from its opening to its end.
 *
 * net_open does all that can be refused before it returns one: a NET_TLS connection is
 * verified or does not exist, a NET_STARTTLS one is not private until net_starttls says so.
 * The order is fixed and short: check the settings, resolve, connect, shake hands. */
#include <arpa/inet.h>
#include <errno.h>
#include <libetpan/mailstream.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"
#include "log.h"

enum { CONNECT_MS = 15 * 1000, IO_MS = 60 * 1000 };
static const uint64_t MAX_COMMAND_BYTES = 64ull << 20;

/* OpenSSL writes to the socket without MSG_NOSIGNAL: SIGPIPE must not end the process. */
void
net_init(void)
{
	signal(SIGPIPE, SIG_IGN);
	OPENSSL_init_ssl(0, NULL);
	mailstream_gnutls_init_not_required();
	mailstream_openssl_init_not_required();
	mailstream_debug = 0;		/* it would write passwords to a file */
}

/* OpenSSL would take an empty name for "any host", and one with a dot before it for "any
 * below". */
static enum err
check_host(const char *host, struct error *e)
{
	if (!host || !*host || *host == '.' || strlen(host) > 255)
		return error_set(e, ERR_LOCAL, "'%s' is not a host name", host ? host : "");
	for (const char *p = host; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			return error_set(e, ERR_LOCAL,
				"write the host '%s' in its ASCII form (xn--...)", host);
		if (*p <= ' ' || *p == 0x7f)
			return error_set(e, ERR_LOCAL, "'%s' is not a host name", host);
	}
	return ERR_OK;
}

static enum err
configure(struct net *n, const struct net_config *cfg, struct error *e)
{
	enum err rc = check_host(cfg->host, e);

	if (rc != ERR_OK)
		return rc;
	n->host = xstrdup(cfg->host);
	n->where = xasprintf(strchr(n->host, ':') ? "[%s]:%u" : "%s:%u", n->host,
		(unsigned)cfg->port);
	n->ca_file = xstrdup(cfg->ca_file);
	n->port = cfg->port;
	n->security = cfg->security;
	n->connect_ms = cfg->connect_ms > 0 ? cfg->connect_ms : CONNECT_MS;
	n->io_ms = cfg->io_ms > 0 ? cfg->io_ms : IO_MS;
	n->has_pin = cfg->fingerprint != NULL;
	if (n->has_pin && !cert_fingerprint_parse(cfg->fingerprint, n->pin))
		return error_set(e, ERR_TLS, "tls-fingerprint is not a SHA-256 fingerprint "
			"(64 hexadecimal digits, colons allowed)");
	return ERR_OK;
}

static void
set_deadline(struct net *n, int ms)
{
	n->command_ms = ms;
	n->until_ms = now_ms() + ms;
}

/* tls_start, its failure told to the caller and kept. */
static enum err
secure(struct net *n, struct error *e)
{
	enum err rc = tls_start(n);

	if (rc != ERR_OK)
		net_error(n, e);
	return rc;
}

enum err
net_open_with(struct net **out, const struct net_config *cfg, const struct net_resolver *r,
	struct cancel *cancel, struct error *e)
{
	struct net *n = xcalloc(1, sizeof *n);
	struct net_addrs addrs = {0};
	enum err rc;

	*out = NULL;
	n->fd = -1;
	n->cancel = cancel;
	n->in.who = 'S';
	n->out.who = 'C';
	if ((rc = configure(n, cfg, e)) != ERR_OK)
		goto out;
	set_deadline(n, n->connect_ms);
	if ((rc = resolve_host(&addrs, n->host, n->port, r, n->until_ms, cancel, e)) != ERR_OK)
		goto out;
	if ((rc = connect_any(&n->fd, &addrs, n->where, n->until_ms, cancel, e)) != ERR_OK)
		goto out;
	if (n->security == NET_TLS && (rc = secure(n, e)) != ERR_OK)
		goto out;
	log_msg("net: connected to %s", n->where);
	net_command(n, 0, 0);
	*out = n;
	n = NULL;			/* now the caller's */
out:
	net_close(n);
	return rc;
}

enum err
net_open(struct net **out, const struct net_config *cfg, struct cancel *cancel,
	struct error *e)
{
	return net_open_with(out, cfg, &net_resolver_system, cancel, e);
}

void
net_close(struct net *n)
{
	if (!n)
		return;
	if (n->stream)
		mailstream_close(n->stream);	/* free_low forgets it */
	tls_end(n);
	if (n->fd >= 0)
		close(n->fd);
	free(n->host);
	free(n->where);
	free(n->ca_file);
	free(n);
}

/* The queues of stream and kernel must be empty: what stands there came in plain text and
 * would be taken for an answer given inside TLS. */
enum err
net_starttls(struct net *n, struct error *e)
{
	if (n->ssl || n->security != NET_STARTTLS) {
		net_fail(n, ERR_LOCAL, "STARTTLS was not to be used with %s", n->where);
		return net_error(n, e);
	}
	if ((n->stream && n->stream->read_buffer_len > 0) || io_has_input(n))
		net_fail(n, ERR_TLS, "%s: bytes were injected before TLS", n->where);
	if (n->failure.code != ERR_OK)
		return net_error(n, e);
	memset(&n->last, 0, sizeof n->last);
	set_deadline(n, n->connect_ms);
	enum err rc = secure(n, e);
	if (rc == ERR_OK)
		net_command(n, 0, 0);
	return rc;
}

static bool
is_peer_loopback(const struct net *n)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof sa;

	if (n->fd < 0 || getpeername(n->fd, (struct sockaddr *)&sa, &len) < 0)
		return false;
	if (sa.ss_family == AF_INET)
		return (ntohl(((struct sockaddr_in *)&sa)->sin_addr.s_addr) >> 24) == 127;
	if (sa.ss_family != AF_INET6)
		return false;
	const struct in6_addr *a = &((struct sockaddr_in6 *)&sa)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

bool
net_is_private(const struct net *n)
{
	return n->is_verified || (n->security == NET_PLAIN && is_peer_loopback(n));
}

struct _mailstream *
net_stream(struct net *n)
{
	if (!n->stream)
		n->stream = stream_new(n);
	return n->stream;
}

enum err
net_error(const struct net *n, struct error *e)
{
	if (e && n->failure.code != ERR_OK)
		*e = n->failure;
	return n->failure.code;
}

void
net_command(struct net *n, int deadline_ms, uint64_t max_bytes)
{
	set_deadline(n, deadline_ms > 0 ? deadline_ms : n->io_ms);
	n->command_bytes = 0;
	n->max_bytes = max_bytes > 0 ? max_bytes : MAX_COMMAND_BYTES;
	n->is_transfer = false;
	n->earned_bytes = 0;
}

void
net_transfer(struct net *n, int silence_ms, uint64_t max_bytes)
{
	net_command(n, silence_ms, max_bytes);
	n->is_transfer = true;
}

void
net_quiet(struct net *n, bool is_quiet)
{
	if (n->is_quiet != is_quiet)
		log_msg("net: %s", is_quiet ? "mail follows, not logged" : "logged again");
	n->is_quiet = is_quiet;
}

/* Something below may be buffered without the socket being readable, and the socket may
 * be readable without anything for us: io_has_input is asked before and after each poll. */
enum err
net_wait(struct net *n, int timeout_ms, int wake, bool *readable, struct error *e)
{
	int64_t until = now_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	struct pollfd p[] = { { .fd = n->fd, .events = POLLIN },
		{ .fd = cancel_fd(n->cancel), .events = POLLIN },
		{ .fd = wake, .events = POLLIN } };
	bool is_over = false;

	for (;;) {
		if (n->failure.code == ERR_OK &&
		    (atomic_load(&n->is_aborted) || cancel_fired(n->cancel)))
			net_fail(n, ERR_CANCELLED, "cancelled");
		*readable = n->failure.code == ERR_OK &&
			((n->stream && n->stream->read_buffer_len > 0) || io_has_input(n));
		if (n->failure.code != ERR_OK)
			return net_error(n, e);
		if (*readable)
			set_deadline(n, n->command_ms);
		if (*readable || is_over)
			return ERR_OK;
		int got = poll(p, LEN(p), net_left_ms(until));
		if (got < 0 && errno != EINTR)
			return error_errno(e, ERR_LOCAL, "cannot wait for %s", n->where);
		is_over = (got > 0 && p[2].revents) || net_left_ms(until) == 0;
	}
}

const char *
net_last_lines(const struct net *n)
{
	return n->last.text;
}

void
net_describe(const struct net *n, struct str *out)
{
	char print[FINGERPRINT_TEXT_BYTES];

	if (!n->is_verified) {
		str_printf(out, "no TLS, %s", n->where);
		return;
	}
	X509 *leaf = SSL_get1_peer_certificate(n->ssl);
	print[0] = '\0';
	if (leaf)
		cert_fingerprint_text(leaf, print);
	X509_free(leaf);
	str_printf(out, "%s, %s, %s (SHA-256 %s%s)", SSL_get_version(n->ssl),
		SSL_get_cipher_name(n->ssl), n->host, print, n->has_pin ? ", pinned" : "");
}

uint64_t
net_bytes_in(const struct net *n)
{
	return n->bytes_in;
}

uint64_t
net_bytes_out(const struct net *n)
{
	return n->bytes_out;
}
