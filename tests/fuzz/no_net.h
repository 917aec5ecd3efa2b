/* A connection without a network, for fuzzers of protocols: it gives what net_fill put into
 * it, in pieces of chunk + 1 bytes, and keeps what is said to it. A byte 0x02 is none: there
 * the server waits until it is read from, so that whoever looks whether it speaks unasked sees
 * that it does not. It stands in place of net.c. */
#ifndef DUNLIN_NO_NET_H
#define DUNLIN_NO_NET_H

#include <libetpan/mailstream.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net.h"
#include "str.h"

struct net {
	struct str text;		/* what the server says, expanded */
	size_t at;
	struct _mailstream *stream;
	unsigned char chunk;
};

enum { PAUSE = 2 };

static struct str said;

/* What the server says, and in which pieces. */
static void net_fill(struct net *n);

static ssize_t
read_low(mailstream_low *low, void *buf, size_t size)
{
	struct net *n = low->data;
	size_t left = n->text.len - n->at;

	for (; left > 0 && n->text.data[n->at] == PAUSE; left--)
		n->at++;
	if (left == 0)
		return -1;
	const char *pause = memchr(n->text.data + n->at, PAUSE, left);
	if (pause)
		left = (size_t)(pause - n->text.data) - n->at;
	if (size > (size_t)n->chunk + 1)	/* bytes arrive in pieces */
		size = (size_t)n->chunk + 1;
	if (size > left)
		size = left;
	memcpy(buf, n->text.data + n->at, size);
	n->at += size;
	return (ssize_t)size;
}

static ssize_t
write_low(mailstream_low *low, const void *buf, size_t size)
{
	(void)low;
	str_add(&said, buf, size);
	return (ssize_t)size;
}

static int close_low(mailstream_low *low) { (void)low; return 0; }
static int fd_low(mailstream_low *low) { (void)low; return -1; }
static void free_low(mailstream_low *low) { free(low); }
static void cancel_low(mailstream_low *low) { (void)low; }

static mailstream_low_driver driver = { .mailstream_read = read_low,
	.mailstream_write = write_low, .mailstream_close = close_low,
	.mailstream_get_fd = fd_low, .mailstream_free = free_low,
	.mailstream_cancel = cancel_low };

/* Bytes below 0x80 as they are, 0xff: the next byte as it is, others: a piece of the grammar;
 * 0x01 in it is "d" and the number of the next command. */
static void
expand(struct str *out, const char *p, size_t n, const char *const *pieces, size_t n_pieces,
	unsigned *tag)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == 1) {
			str_printf(out, "d%u", ++*tag);
		} else if (c == 0xff && i + 1 < n) {
			str_putc(out, p[++i]);
		} else if (c < 0x80) {
			str_putc(out, (char)c);
		} else {
			const char *piece = pieces[(c - 0x80) % n_pieces];
			expand(out, piece, strlen(piece), pieces, n_pieces, tag);
		}
	}
}

enum err
net_open(struct net **out, const struct net_config *cfg, struct cancel *cancel,
	struct error *e)
{
	struct net *n = xcalloc(1, sizeof *n);
	(void)cfg, (void)cancel, (void)e;

	net_fill(n);
	n->stream = mailstream_new(mailstream_low_new(n, &driver), 16384);
	*out = n;
	return ERR_OK;
}

void
net_close(struct net *n)
{
	if (!n)
		return;
	mailstream_close(n->stream);
	str_clear(&n->text);
	free(n);
}

enum err
net_wait(struct net *n, int timeout_ms, int wake, bool *readable, struct error *e)
{
	(void)timeout_ms, (void)wake;
	*readable = n->stream->read_buffer_len > 0 ||
		(n->at < n->text.len && n->text.data[n->at] != PAUSE);
	return *readable || n->at < n->text.len ? ERR_OK : error_set(e, ERR_CONN, "over");
}

enum err net_starttls(struct net *n, struct error *e) { (void)n, (void)e; return ERR_TLS; }
bool net_is_private(const struct net *n) { (void)n; return true; }
struct _mailstream *net_stream(struct net *n) { return n->stream; }
enum err net_error(const struct net *n, struct error *e) { (void)n, (void)e; return ERR_OK; }
void net_command(struct net *n, int ms, uint64_t max) { (void)n, (void)ms, (void)max; }
void net_describe(const struct net *n, struct str *out) { (void)n, (void)out; }
uint64_t net_bytes_in(const struct net *n) { return n->at; }
void net_transfer(struct net *n, int ms, uint64_t max) { (void)n, (void)ms, (void)max; }
void net_quiet(struct net *n, bool is_quiet) { (void)n, (void)is_quiet; }

#endif
