/* internal.h - what the files of src/net share: one connection, and its parts in the order
 * in which it comes to life: resolve, connect, tls, io, tap, stream.
 *
 * Invariant: every wait anywhere below polls the cancel as well and ends at an absolute time
 * of the monotonic clock. The first failure is kept in net->failure and is final. */
#ifndef DUNLIN_NET_INTERNAL_H
#define DUNLIN_NET_INTERNAL_H

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "net.h"
#include "now.h"

struct addrinfo;

enum { MAX_ADDRS = 16, LAST_LINES_BYTES = 1000, LINE_SEEN_BYTES = 400, LINE_TAIL_BYTES = 24 };

/* poll(2)'s argument for a time of now_ms. */
int net_left_ms(int64_t until_ms);

/* ---- resolve.c ---- */

struct net_addrs {
	struct sockaddr_storage v[MAX_ADDRS];
	socklen_t len[MAX_ADDRS];
	size_t n;
};

/* What looks names up. lookup runs in a thread of its own that may outlive the caller. */
struct net_resolver {
	int (*lookup)(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **out);
	void (*release)(struct addrinfo *list);
};
extern const struct net_resolver net_resolver_system;

/* Addresses in the order in which to try them: as the system sorts them (RFC 6724), families
 * alternating (RFC 8305 4). `r` must live as long as the process. */
enum err resolve_host(struct net_addrs *out, const char *host, uint16_t port,
	const struct net_resolver *r, int64_t until_ms, struct cancel *cancel,
		struct error *e);

/* ---- connect.c ---- */

/* A connected, non-blocking socket to the first address that answers.
 * `where` is for people. */
enum err connect_any(int *fd, const struct net_addrs *addrs, const char *where,
	int64_t until_ms, struct cancel *cancel, struct error *e);

/* ---- tap.c: the lines of one direction as they pass, for the log and for BYE texts ---- */

struct tap {
	char who;			/* 'C' or 'S' */
	char line[LINE_SEEN_BYTES];	/* its beginning */
	char tail[LINE_TAIL_BYTES];	/* its last bytes, where a literal is announced */
	size_t line_len, tail_len;
	uint64_t literal_left;		/* bytes of an IMAP literal still to pass unseen */
};

struct last_lines {
	char text[LAST_LINES_BYTES + 1];
	size_t len;
};

/* `last` may be NULL. `is_quiet`: mail passes, keep nothing of it. */
void tap_bytes(struct tap *t, struct last_lines *last, const char *p, size_t n, bool is_quiet);

/* ---- the connection ---- */

struct net {
	char *host, *where;		/* "imap.example.org", "imap.example.org:993" */
	char *ca_file;
	enum net_security security;
	uint16_t port;
	int connect_ms, io_ms;
	bool has_pin;
	unsigned char pin[32];

	int fd;				/* -1: none */
	struct cancel *cancel;		/* borrowed */
	SSL_CTX *ctx;
	SSL *ssl;			/* set: all bytes go through it */
	bool is_verified;		/* set in one place: tls_start */
	atomic_bool is_aborted;		/* mailstream_cancel: no more network */

	int command_ms;
	int64_t until_ms;		/* the command's deadline */
	uint64_t command_bytes, max_bytes;
	bool is_transfer;		/* what moves earns time */
	size_t earned_bytes;		/* less than a millisecond's worth */
	uint64_t bytes_in, bytes_out;
	struct error failure;		/* code ERR_OK: none */

	struct _mailstream *stream;	/* NULL: not made, or freed by libetpan */
	struct tap in, out;
	struct last_lines last;
	bool is_quiet;
};

enum err net_open_with(struct net **out, const struct net_config *cfg,
	const struct net_resolver *r, struct cancel *cancel, struct error *e);

/* ---- io.c ---- */

/* Keeps the first failure and returns its code. */
enum err net_fail(struct net *n, enum err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* ERR_OK: go on. Else it failed before, is cancelled, or its time is up. */
enum err io_check(struct net *n);
/* Until the socket is ready for POLLIN or POLLOUT, the cancel fires (ERR_CANCELLED) or the
 * command's time is up (ERR_CONN). */
enum err io_wait(struct net *n, short events);
ssize_t io_read(struct net *n, void *buf, size_t size);		/* > 0, or -1 */
ssize_t io_write(struct net *n, const void *buf, size_t size);	/* > 0, or -1 */
/* One byte is there to be read, without waiting. False with
 * n->failure set: it never will be. */
bool io_has_input(struct net *n);

/* ---- tls.c ---- */

/* Shakes hands and verifies, or n->failure says why not. */
enum err tls_start(struct net *n);
void tls_end(struct net *n);

/* ---- cert.c ---- */

enum { FINGERPRINT_TEXT_BYTES = 96 };	/* "ab:cd:..." and a NUL */
bool cert_fingerprint(const X509 *x, unsigned char digest[32]);
void cert_fingerprint_text(const X509 *x, char out[FINGERPRINT_TEXT_BYTES]);
bool cert_fingerprint_parse(const char *text, unsigned char digest[32]);
/* Why `leaf` is refused: `code` is an X509_V_ERR_, met at `culprit`,
 * `depth` links above it. */
void cert_explain(struct net *n, X509 *leaf, X509 *culprit, int code, int depth);

/* ---- stream.c ---- */

struct _mailstream *stream_new(struct net *n);

#endif
