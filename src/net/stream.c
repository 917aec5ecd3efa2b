/* stream.c - the connection as a driver under libetpan's mailstream.
 *
 * One driver for plain and TLS: STARTTLS changes what is below, never the stream. The
 * stream belongs to the connection, but libetpan frees it with a session that still holds
 * it; whichever comes first, free_low tells the other. */
#include <libetpan/mailstream.h>

#include "internal.h"

enum { BUFFER_BYTES = 16384 };

static ssize_t
read_low(mailstream_low *low, void *buf, size_t size)
{
	struct net *n = low->data;
	ssize_t got = io_read(n, buf, size);

	if (got > 0)
		tap_bytes(&n->in, &n->last, buf, (size_t)got, n->is_quiet);
	return got;
}

static ssize_t
write_low(mailstream_low *low, const void *buf, size_t size)
{
	struct net *n = low->data;
	ssize_t put = io_write(n, buf, size);

	if (put > 0)
		tap_bytes(&n->out, NULL, buf, (size_t)put, n->is_quiet);
	return put;
}

static int
close_low(mailstream_low *low)
{
	(void)low;			/* net_close does */
	return 0;
}

static int
get_fd_low(mailstream_low *low)
{
	const struct net *n = low->data;

	return n->fd;
}

static void
free_low(mailstream_low *low)
{
	struct net *n = low->data;

	n->stream = NULL;
	free(low);
}

static void
cancel_low(mailstream_low *low)
{
	struct net *n = low->data;

	atomic_store(&n->is_aborted, true);
}

/* libetpan takes the table without const, and never writes to it. */
static const mailstream_low_driver driver = {
	.mailstream_read = read_low,
	.mailstream_write = write_low,
	.mailstream_close = close_low,
	.mailstream_get_fd = get_fd_low,
	.mailstream_free = free_low,
	.mailstream_cancel = cancel_low,
};

struct _mailstream *
stream_new(struct net *n)
{
	mailstream_low *low = mailstream_low_new(n, (mailstream_low_driver *)&driver);
	mailstream *s = low ? mailstream_new(low, BUFFER_BYTES) : NULL;

	if (low && !s)
		free(low);
	return s;
}
