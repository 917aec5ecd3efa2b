/* imap_io.c - bytes to responses: finds lines and literals before anybody looks for meaning.
 *
 * A response that makes no sense therefore costs itself only, and the stream stays in step.
 * Bounds: a response in memory, a literal in it (what is beyond is read and dropped), and all
 * that one command may bring. Nothing is allocated on the word of a server: memory grows with
 * what has arrived. A literal that a fetch waits for goes to its sink as it comes. */
#include <string.h>

#include <libetpan/mailstream.h>

#include "imap_int.h"

enum err
imap_die(struct imap *im, struct error *e, const char *why)
{
	enum err rc;

	im->is_dead = true;
	if (im->net && (rc = net_error(im->net, e)) != ERR_OK &&
	    (rc != ERR_CONN || im->bye.len == 0))
		return rc;
	if (im->bye.len > 0)
		return error_set(e, ERR_CONN, "the server ended the connection: %s",
			str_get(&im->bye));
	return error_set(e, ERR_CONN, "%s", why);
}

bool
imap_has_input(const struct imap *im)
{
	return im->in_pos < im->in_len;
}

static enum err
fill(struct imap *im, struct error *e)
{
	/* Never more than is buffered already, or the call waits for more from the network. */
	size_t want = im->stream->read_buffer_len;
	if (want == 0 || want > sizeof im->in)
		want = sizeof im->in;
	ssize_t n = mailstream_read(im->stream, im->in, want);
	if (n <= 0)
		return imap_die(im, e, "the connection was lost");
	im->in_pos = 0;
	im->in_len = (size_t)n;
	if (net_bytes_in(im->net) - im->bytes_at_start > im->max_bytes)
		return imap_die(im, e, "the server sends without end");
	return ERR_OK;
}

/* The deadline of a command is for silence: while much comes or goes it is set anew. */
static void
made_progress(struct imap *im, size_t n)
{
	im->progress_bytes += n;
	if (im->progress_bytes < IMAP_PROGRESS)
		return;
	im->progress_bytes = 0;
	net_command(im->net, im->cfg.net.io_ms, im->max_bytes);
}

/* Appends up to and without the next CRLF (or lone LF) to im->resp. */
static enum err
read_line(struct imap *im, struct error *e)
{
	for (;;) {
		if (!imap_has_input(im)) {
			enum err rc = fill(im, e);
			if (rc != ERR_OK)
				return rc;
		}
		const char *p = im->in + im->in_pos;
		size_t n = im->in_len - im->in_pos;
		const char *lf = memchr(p, '\n', n);
		if (lf)
			n = (size_t)(lf - p);
		if (im->resp.len + n > IMAP_MAX_RESPONSE)
			return imap_die(im, e, "a response of the server is too long");
		str_add(&im->resp, p, n);
		im->in_pos += n + (lf ? 1 : 0);
		if (!lf)
			continue;
		if (im->resp.len > 0 && im->resp.data[im->resp.len - 1] == '\r')
			str_cut(&im->resp, im->resp.len - 1);
		return ERR_OK;
	}
}

/* Status responses end in free text, which may look like a literal and is none. */
static bool
may_have_literal(const struct str *resp)
{
	static const char *const status[] = { "* OK ", "* NO ", "* BAD ", "* BYE ",
		"* PREAUTH " };

	if (resp->len < 2 || resp->data[0] != '*' || resp->data[1] != ' ')
		return false;
	for (size_t i = 0; i < LEN(status); i++)
		if (str_istarts(resp->data, status[i]))
			return false;
	return true;
}

/* Does the line just read end in "{n}"? Then cuts that off. */
static bool
take_literal_size(struct str *resp, size_t line, uint64_t *size)
{
	if (!may_have_literal(resp) || resp->len < line + 3 ||
	    resp->data[resp->len - 1] != '}')
		return false;
	size_t open = resp->len - 1;
	while (open > line && resp->data[open] != '{')
		open--;
	struct scan s = scan_of(resp->data + open, resp->len - open);
	if (!scan_char(&s, '{') || !scan_u64(&s, size))
		return false;
	scan_char(&s, '+');
	if (!scan_char(&s, '}') || !scan_done(&s))
		return false;
	if (open > line && resp->data[open - 1] == '~')
		open--;
	str_cut(resp, open);
	return true;
}

/* Is the literal that begins here the one that a fetch waits for? */
static bool
is_for_sink(struct imap *im)
{
	struct imap_body *b = im->body;

	if (!b || b->is_seen)
		return false;
	const char *text = str_get(&im->resp);
	size_t n = im->resp.len, m = strlen(b->item);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	b->has_origin = n > 0 && text[n - 1] == '>';
	if (b->has_origin)
		while (n > 0 && text[--n] != '<')
			;
	return n > m && strncasecmp(text + n - m, b->item, m) == 0 &&
		(text[n - m - 1] == ' ' || text[n - m - 1] == '(');
}

static void
to_sink(struct imap *im, const char *p, size_t n)
{
	struct imap_body *b = im->body;

	b->bytes += n;
	if (b->code == ERR_OK)
		b->code = b->sink->write(b->sink->ctx, p, n, &b->error);
}

static enum err
read_literal(struct imap *im, uint64_t size, struct error *e)
{
	bool is_streamed = is_for_sink(im);
	uint64_t keep = is_streamed ? 0 : size < IMAP_MAX_KEPT ? size : IMAP_MAX_KEPT;
	size_t mark = im->resp.len;
	enum err rc;

	if (is_streamed)
		im->body->is_seen = true;
	str_printf(&im->resp, "{%llu}\r\n", (unsigned long long)keep);
	for (uint64_t left = size; left > 0;) {
		if (!imap_has_input(im)) {
			if ((rc = fill(im, e)) != ERR_OK)
				return rc;
			made_progress(im, im->in_len);
		}
		size_t n = im->in_len - im->in_pos;
		if (n > left)
			n = (size_t)left;
		const char *p = im->in + im->in_pos;
		if (is_streamed)
			to_sink(im, p, n);
		else if (keep > 0) {
			size_t part = n < keep ? n : (size_t)keep;
			if (im->resp.len + part > IMAP_MAX_RESPONSE)
				return imap_die(im, e, "a response of the server is too long");
			str_add(&im->resp, p, part);
			keep -= part;
		}
		im->in_pos += n;
		left -= n;
	}
	if (is_streamed) {
		str_cut(&im->resp, mark);
		str_puts(&im->resp, "NIL");
	}
	return ERR_OK;
}

enum err
imap_read(struct imap *im, struct error *e)
{
	enum err rc;
	uint64_t size;
	size_t line = 0;

	str_cut(&im->resp, 0);
	for (;;) {
		if ((rc = read_line(im, e)) != ERR_OK)
			return rc;
		if (!take_literal_size(&im->resp, line, &size))
			break;
		if ((rc = read_literal(im, size, e)) != ERR_OK)
			return rc;
		line = im->resp.len;
	}
	return ERR_OK;
}

enum err
imap_write(struct imap *im, const void *p, size_t n, struct error *e)
{
	const char *q = p;

	while (n > 0) {
		size_t piece = n < IMAP_PROGRESS ? n : IMAP_PROGRESS;
		ssize_t done = mailstream_write(im->stream, q, piece);
		if (done <= 0)
			return imap_die(im, e, "the connection was lost");
		made_progress(im, (size_t)done);
		q += done;
		n -= (size_t)done;
	}
	return ERR_OK;
}

enum err
imap_flush(struct imap *im, struct error *e)
{
	if (mailstream_flush(im->stream) < 0)
		return imap_die(im, e, "the connection was lost");
	return ERR_OK;
}
