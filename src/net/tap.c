/* tap.c - watches bytes pass and sees lines: for the debug log, and so that the words of a
 * server that says BYE and hangs up are not lost.
 *
 * IMAP literals ("{12}" at the end of a line, RFC 9051 4.3) are passed over in both
 * directions: they hold mail, or a password. What a server announces steers only what is
 * logged, so that a lie costs nothing. Memory is fixed: lines are seen by their beginning. */
#include <string.h>

#include "internal.h"
#include "log.h"

static void
last_add(struct last_lines *last, const char *p, size_t n)
{
	if (n > LAST_LINES_BYTES) {
		p += n - LAST_LINES_BYTES;
		n = LAST_LINES_BYTES;
	}
	size_t over = last->len + n > LAST_LINES_BYTES ? last->len + n - LAST_LINES_BYTES : 0;
	memmove(last->text, last->text + over, last->len - over);
	last->len -= over;
	memcpy(last->text + last->len, p, n);
	last->len += n;
	last->text[last->len] = '\0';
}

static void
tail_add(struct tap *t, const char *p, size_t n)
{
	if (n >= LINE_TAIL_BYTES) {
		memcpy(t->tail, p + n - LINE_TAIL_BYTES, LINE_TAIL_BYTES);
		t->tail_len = LINE_TAIL_BYTES;
		return;
	}
	size_t keep = LINE_TAIL_BYTES - n < t->tail_len ? LINE_TAIL_BYTES - n : t->tail_len;
	memmove(t->tail, t->tail + t->tail_len - keep, keep);
	memcpy(t->tail + keep, p, n);
	t->tail_len = keep + n;
}

/* The N of "...{N}\r\n" or "{N+}", else 0. */
static uint64_t
announced_literal(const struct tap *t)
{
	uint64_t value = 0, unit = 1;
	size_t i = t->tail_len;

	while (i > 0 && (t->tail[i - 1] == '\n' || t->tail[i - 1] == '\r'))
		i--;
	if (i == 0 || t->tail[--i] != '}')
		return 0;
	if (i > 0 && t->tail[i - 1] == '+')
		i--;
	for (; i > 0 && t->tail[i - 1] >= '0' && t->tail[i - 1] <= '9'; i--) {
		if (unit > UINT64_MAX / 100)
			return 0;
		value += unit * (uint64_t)(t->tail[i - 1] - '0');
		unit *= 10;
	}
	return i > 0 && t->tail[i - 1] == '{' ? value : 0;
}

static void
line_piece(struct tap *t, struct last_lines *last, const char *p, size_t n)
{
	size_t room = sizeof t->line - t->line_len;
	size_t seen = n < room ? n : room;

	memcpy(t->line + t->line_len, p, seen);
	t->line_len += seen;
	tail_add(t, p, n);
	if (last)
		last_add(last, p, seen);
	if (p[n - 1] != '\n')
		return;
	if (last && seen < n)
		last_add(last, "\n", 1);
	log_wire(t->who, t->line, t->line_len);
	t->literal_left = announced_literal(t);
	t->line_len = t->tail_len = 0;
}

void
tap_bytes(struct tap *t, struct last_lines *last, const char *p, size_t n, bool is_quiet)
{
	if (is_quiet || (!last && !log_on())) {
		t->line_len = t->tail_len = 0;
		t->literal_left = 0;
		return;
	}
	while (n > 0) {
		size_t take;
		if (t->literal_left > 0) {
			take = t->literal_left < n ? (size_t)t->literal_left : n;
			t->literal_left -= take;
		} else {
			const char *end = memchr(p, '\n', n);
			take = end ? (size_t)(end - p) + 1 : n;
			line_piece(t, last, p, take);
		}
		p += take;
		n -= take;
	}
}
