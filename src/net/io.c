/* io.c - bytes in and out of one connection, plain or TLS, with deadline, cap and cancel.
 *
 * The socket never blocks; each try is preceded by a look at cancel and clock, so that a
 * server that floods is as easily left as one that is silent. There is no "0 bytes": EOF is a
 * failure (with libetpan a 0 would make it read for ever). */
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>

#include "internal.h"

enum { MIN_BYTES_PER_MS = 2 };		/* 2 KB/s: less is no transfer */

int
net_left_ms(int64_t until_ms)
{
	int64_t left = until_ms - now_ms();

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

enum err
net_fail(struct net *n, enum err code, const char *fmt, ...)
{
	struct str text = {0};
	va_list ap;

	if (n->failure.code != ERR_OK)
		return n->failure.code;
	va_start(ap, fmt);
	str_vprintf(&text, fmt, ap);
	va_end(ap);
	error_set(&n->failure, code, "%s", str_get(&text));
	str_clear(&text);
	return code;
}

static enum err
fail_errno(struct net *n)
{
	if (n->failure.code == ERR_OK)
		error_errno(&n->failure, ERR_CONN, "lost the connection to %s", n->where);
	return n->failure.code;
}

static enum err
fail_closed(struct net *n)
{
	return net_fail(n, ERR_CONN, "%s closed the connection", n->where);
}

static enum err
fail_late(struct net *n)
{
	int ms = n->command_ms;

	if (ms >= 1000)
		return net_fail(n, ERR_CONN, "%s did not answer within %d s", n->where,
			ms / 1000);
	return net_fail(n, ERR_CONN, "%s did not answer within %d ms", n->where, ms);
}

enum err
io_check(struct net *n)
{
	if (n->failure.code != ERR_OK)
		return n->failure.code;
	if (atomic_load(&n->is_aborted) || cancel_fired(n->cancel))
		return net_fail(n, ERR_CANCELLED, "cancelled");
	if (n->fd < 0)
		return net_fail(n, ERR_CONN, "not connected to %s", n->where);
	return net_left_ms(n->until_ms) == 0 ? fail_late(n) : ERR_OK;
}

enum err
io_wait(struct net *n, short events)
{
	struct pollfd p[] = { { .fd = n->fd, .events = events },
		{ .fd = cancel_fd(n->cancel), .events = POLLIN } };
	enum err rc;

	while ((rc = io_check(n)) == ERR_OK) {
		int got = poll(p, LEN(p), net_left_ms(n->until_ms));
		if (got < 0 && errno != EINTR)
			return fail_errno(n);
		if (got > 0 && !p[1].revents)
			return ERR_OK;
	}
	return rc;
}

/* What to wait for after an SSL call that moved nothing; 0: n->failure is set. A peer
 * that ends TCP but not TLS may have been cut short by somebody: the same error. */
static short
ssl_wants(struct net *n, int rc)
{
	int saved = errno;
	int kind = SSL_get_error(n->ssl, rc);
	unsigned long code = ERR_peek_error();

	ERR_clear_error();
	if (kind == SSL_ERROR_WANT_READ)
		return POLLIN;
	if (kind == SSL_ERROR_WANT_WRITE)
		return POLLOUT;
	errno = saved;
	if (kind == SSL_ERROR_SYSCALL && saved != 0)
		fail_errno(n);
	else if (kind == SSL_ERROR_ZERO_RETURN)
		fail_closed(n);
	else if (kind == SSL_ERROR_SYSCALL ||
		ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		net_fail(n, ERR_CONN, "the connection to %s was cut", n->where);
	else
		net_fail(n, ERR_CONN, "TLS with %s broke: %s", n->where,
			ERR_reason_error_string(code));
	return 0;
}

/* One try. Bytes moved; else 0 with *wants what to wait for, which is 0 after a failure. */
static size_t
try_read(struct net *n, void *buf, size_t size, short *wants)
{
	size_t got = 0;

	*wants = 0;
	if (n->ssl) {
		ERR_clear_error();
		errno = 0;
		int rc = SSL_read_ex(n->ssl, buf, size, &got);
		if (rc <= 0)
			*wants = ssl_wants(n, rc);
		return rc > 0 ? got : 0;
	}
	ssize_t len = recv(n->fd, buf, size, 0);
	if (len > 0)
		return (size_t)len;
	if (len == 0)
		fail_closed(n);
	else if (errno == EAGAIN || errno == EINTR)
		*wants = POLLIN;
	else
		fail_errno(n);
	return 0;
}

static size_t
try_write(struct net *n, const void *buf, size_t size, short *wants)
{
	size_t put = 0;

	*wants = 0;
	if (n->ssl) {
		ERR_clear_error();
		errno = 0;
		int rc = SSL_write_ex(n->ssl, buf, size, &put);
		if (rc <= 0)
			*wants = ssl_wants(n, rc);
		return rc > 0 ? put : 0;
	}
	ssize_t len = send(n->fd, buf, size, MSG_NOSIGNAL);
	if (len > 0)
		return (size_t)len;
	if (len < 0 && errno != EAGAIN && errno != EINTR)
		fail_errno(n);
	else
		*wants = POLLOUT;
	return 0;
}

/* Bytes earn time at MIN_BYTES_PER_MS, never more than the whole deadline from now on: a
 * transfer may take as long as it moves, but neither silence nor a drip is waited for. */
static void
earn_time(struct net *n, size_t moved)
{
	if (!n->is_transfer)
		return;
	n->earned_bytes += moved;
	int64_t until = n->until_ms + (int64_t)(n->earned_bytes / MIN_BYTES_PER_MS);
	int64_t most = now_ms() + n->command_ms;
	n->until_ms = until < most ? until : most;
	n->earned_bytes %= MIN_BYTES_PER_MS;
}

ssize_t
io_read(struct net *n, void *buf, size_t size)
{
	while (size > 0 && io_check(n) == ERR_OK) {
		short wants;
		size_t got = try_read(n, buf, size, &wants);
		if (got > 0) {
			n->bytes_in += got;
			n->command_bytes += got;
			earn_time(n, got);
			if (n->command_bytes <= n->max_bytes)
				return (ssize_t)got;
			net_fail(n, ERR_CONN, "%s sent more than %llu bytes for one command",
				n->where, (unsigned long long)n->max_bytes);
		} else if (wants) {
			io_wait(n, wants);
		}
	}
	return -1;
}

ssize_t
io_write(struct net *n, const void *buf, size_t size)
{
	while (size > 0 && io_check(n) == ERR_OK) {
		short wants;
		size_t put = try_write(n, buf, size, &wants);
		if (put > 0) {
			n->bytes_out += put;
			earn_time(n, put);
			return (ssize_t)put;
		}
		if (wants)
			io_wait(n, wants);
	}
	return -1;
}

/* A TLS record that carries no data of the application (a session ticket) is no input. */
bool
io_has_input(struct net *n)
{
	char byte;

	if (n->failure.code != ERR_OK || n->fd < 0)
		return false;
	if (n->ssl) {
		size_t got = 0;
		ERR_clear_error();
		errno = 0;
		int rc = SSL_peek_ex(n->ssl, &byte, 1, &got);
		if (rc <= 0)
			ssl_wants(n, rc);
		return rc > 0 && got > 0;
	}
	ssize_t len = recv(n->fd, &byte, 1, MSG_PEEK);
	if (len == 0)
		fail_closed(n);
	else if (len < 0 && errno != EAGAIN && errno != EINTR)
		fail_errno(n);
	return len > 0;
}
