/* net.h - one TCP connection with TLS by OpenSSL, deadlines and cancel, as a stream driver
 * under libetpan.
 *
 * The only place that opens sockets and the only place that decides that a peer is who the
 * rc says. Every blocking call ends by its deadline or when the cancel is fired. One
 * thread a connection, but for the cancel. net_init once, before any thread.
 *
 * Errors: ERR_CONN (unreachable, reset, deadline), ERR_TLS (not verified, TLS missing or
 * tampered with: never retried by itself), ERR_CANCELLED. EOF is an error wherever it
 * comes (SECURITY 22). */
#ifndef DUNLIN_NET_H
#define DUNLIN_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cancel.h"
#include "err.h"
#include "str.h"

enum net_security { NET_TLS, NET_STARTTLS, NET_PLAIN };

struct net_config {
	const char *host;		/* name, IPv4, or IPv6 without brackets */
	uint16_t port;
	enum net_security security;
	const char *ca_file;		/* NULL: the system's; else in addition to it */
	const char *fingerprint;	/* SHA-256 of the certificate, hex, colons allowed;
					 * then chain and name need not verify, but nothing
					 * else is accepted */
	int connect_ms;			/* deadline of net_open as a whole, and of
					 * net_starttls; 0: 15 s */
	int io_ms;			/* of a command that names none; 0: 60 s */
};
/* A copy that owns its strings, and its end. */
void net_config_copy(struct net_config *out, const struct net_config *from);
void net_config_clear(struct net_config *c);

struct net;			/* opaque */
struct _mailstream;		/* libetpan's; only proto looks inside */

void net_init(void);		/* OpenSSL, SIGPIPE, libetpan's own set-up */

/* Resolves (cancellable, in a thread of its own), connects (RFC 8305: the next address is
 * tried while the first is slow), and for NET_TLS shakes hands. With NET_STARTTLS the
 * connection is plain until net_starttls. The cancel must outlive the connection. */
enum err net_open(struct net **out, const struct net_config *cfg, struct cancel *cancel,
	struct error *e);
/* Non-blocking for the network: no LOGOUT, at most a TLS close_notify. NULL is fine. The
 * stream (if made) is freed with it, unless libetpan freed it before with its session: either
 * order is fine. libetpan says goodbye on its own in mailimap_free and the like:
 * mailstream_cancel(stream) before makes all further reads and writes fail at once. */
void net_close(struct net *n);

/* After the server's OK to STARTTLS. Bytes received but not yet read by then are an attack:
 * ERR_TLS. */
enum err net_starttls(struct net *n, struct error *e);
/* TLS is up and verified, or, in NET_PLAIN, the address connected to is a loopback address. */
bool net_is_private(const struct net *n);

/* The stream to give to libetpan; made once, owned by n. Reads and writes on it return -1 on
 * EOF, deadline and cancel; net_error then tells which. */
struct _mailstream *net_stream(struct net *n);
enum err net_error(const struct net *n, struct error *e);	/* ERR_OK: none so far */

/* Every command begins with this: its deadline, and the most bytes it may bring before
 * the connection counts as hostile (0: 64 MB). */
void net_command(struct net *n, int deadline_ms, uint64_t max_bytes);
/* The same for a command that moves mail (FETCH, APPEND, RETR, DATA): as long as bytes go
 * through at 2 KB/s and more, in either direction, it may take longer; silence for
 * `silence_ms` ends it. */
void net_transfer(struct net *n, int silence_ms, uint64_t max_bytes);

/* Mail passes until it is switched off (POP3 RETR, SMTP DATA): nothing of it goes
 * to the log or to the last lines. IMAP literals are left out of both by
 * themselves, in either direction. */
void net_quiet(struct net *n, bool is_quiet);

/* Waits until there is something to read (bytes in the stream's, TLS's or the kernel's
 * buffer), `wake` is readable (-1: none), or the time is up (no error). *readable tells; when
 * there is, the command's deadline begins anew. EOF and cancel are errors as in reading. */
enum err net_wait(struct net *n, int timeout_ms, int wake, bool *readable, struct error *e);

/* The last lines read, newest last, at most 1,000 bytes: the text of a BYE and the like.
 * Borrowed, and as the server sent it: not clean. */
const char *net_last_lines(const struct net *n);

/* For `dunlin check`: "TLSv1.3, TLS_AES_256_GCM_SHA384,
 * imap.example.org (SHA-256 ab:cd...)". */
void net_describe(const struct net *n, struct str *out);
uint64_t net_bytes_in(const struct net *n);
uint64_t net_bytes_out(const struct net *n);

/* ---- SASL (RFC 4422): what to answer, shared by IMAP, POP3 and
 * SMTP. Pure but for nonces ---- */

struct sasl;
struct sasl_login {
	const char *user, *password;	/* password: the token for xoauth2 and oauthbearer */
	const char *host;
	uint16_t port;
};

/* Picks a mechanism: `wanted` (an rc word such as "scram-sha-256") when offered, else the
 * best of `offered` (space-separated, any case): SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN;
 * XOAUTH2 and OAUTHBEARER only when wanted. is_private false: only SCRAM. NULL and
 * ERR_UNSUPPORTED when none fits. */
const char *sasl_choose(const char *offered, const char *wanted, bool is_private,
	struct error *e);
enum err sasl_new(struct sasl **out, const char *mechanism, const struct sasl_login *l,
	struct error *e);
/* The answer, in base64, to a challenge in base64 ("" for the first). ERR_AUTH when the
 * challenge is nonsense or the server does not prove itself (SCRAM): send "*" and give up. */
enum err sasl_step(struct sasl *s, const char *challenge, struct str *answer, struct error *e);
bool sasl_client_first(const struct sasl *s);	/* has an initial response (SASL-IR) */
/* The server proved itself where the mechanism says it must. Its OK counts only then. */
bool sasl_finished(const struct sasl *s);
void sasl_free(struct sasl *s);

#endif
