/* mbox_reader.c - lines, and what the lines of an mbox mean.
 *
 * The buffer holds one line at least, so that whoever looks at a line sees it whole;
 * only a line longer than MBOX_LINE comes in pieces, and such a line is never a From_
 * line or a flag header. pread, not mmap: another program may cut the file while we
 * look, and that must be no SIGBUS. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hash.h"
#include "mbox_reader.h"

enum { FULL_BYTES = MBOX_LINE + MBOX_CHUNK };

static void
init(struct reader *r, size_t size)
{
	r->size = size < FULL_BYTES ? size : FULL_BYTES;
	r->buf = xmalloc(r->size);
}

void
reader_init_fd(struct reader *r, int fd, uint64_t from, uint64_t end)
{
	*r = (struct reader){ .fd = fd, .pos = from, .end = end };
	init(r, FULL_BYTES);
}

void
reader_init_head(struct reader *r, int fd, uint64_t from, uint64_t end)
{
	*r = (struct reader){ .fd = fd, .pos = from, .end = end };
	init(r, 4096);
}

void
reader_init_source(struct reader *r, const struct mbox_source *src)
{
	*r = (struct reader){ .fd = -1, .src = src };
	init(r, FULL_BYTES);
}

void
reader_clear(struct reader *r)
{
	free(r->buf);
	*r = (struct reader){ .fd = -1 };
}

static enum err
fill(struct reader *r, struct error *e)
{
	size_t room, n = 0;

	memmove(r->buf, r->buf + r->off, r->len - r->off);
	r->pos += r->off;
	r->len -= r->off;
	r->off = 0;
	if (r->size < FULL_BYTES && r->has_read) {
		r->size = r->size * 4 < FULL_BYTES ? r->size * 4 : FULL_BYTES;
		r->buf = xrealloc(r->buf, r->size);
	}
	room = r->size - r->len < MBOX_CHUNK ? r->size - r->len : MBOX_CHUNK;
	if (r->src) {
		enum err rc = r->src->read(r->src->ctx, r->buf + r->len, room, &n, e);
		if (rc != ERR_OK)
			return rc;
	} else {
		uint64_t at = r->pos + r->len;
		if (room > r->end - at)
			room = (size_t)(r->end - at);
		ssize_t got;
		do {
			got = room ? pread(r->fd, r->buf + r->len, room, (off_t)at) : 0;
		} while (got < 0 && errno == EINTR);
		if (got < 0)
			return error_errno(e, ERR_LOCAL, "cannot read the mbox");
		n = (size_t)got;
	}
	r->len += n;
	r->has_read = true;
	r->eof = n == 0;
	return ERR_OK;
}

enum err
reader_next(struct reader *r, struct piece *p, struct error *e)
{
	size_t looked = 0;
	const char *nl;

	while (!(nl = memchr(r->buf + r->off + looked, '\n', r->len - r->off - looked))) {
		looked = r->len - r->off;
		if (looked >= MBOX_LINE || r->eof)
			break;
		enum err rc = fill(r, e);
		if (rc != ERR_OK)
			return rc;
	}
	p->p = r->buf + r->off;
	p->pos = r->pos + r->off;
	p->n = nl ? (size_t)(nl + 1 - p->p) : r->len - r->off;
	p->starts = !r->in_line;
	p->ends = nl || r->eof;
	r->in_line = !p->ends;
	r->off += p->n;
	return ERR_OK;
}

bool
reader_skip_text(struct reader *r)
{
	const char *p = r->buf + r->off, *end = r->buf + r->len, *nl;

	if (r->in_line)
		return false;
	while (p < end && *p != '\n' && (nl = memchr(p, '\n', (size_t)(end - p))) != NULL &&
	    !(*p == '\r' && nl == p + 1) &&
	    !(*p == 'F' && end - p >= 5 && memcmp(p, "From ", 5) == 0))
		p = nl + 1;
	bool is_any = p > r->buf + r->off;
	r->off = (size_t)(p - r->buf);
	return is_any;
}

bool
piece_is_blank(const struct piece *p)
{
	bool is_cut = p->ends && p->n == 1 && p->p[0] == '\r';	/* the file ends in a CRLF */

	return p->starts && (is_cut || (p->n == 1 && p->p[0] == '\n') ||
		(p->n == 2 && p->p[0] == '\r' && p->p[1] == '\n'));
}

static int
month_number(const char *w)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++) {
		if (strncmp(months + 3 * i, w, 3) == 0)
			return i;
	}
	return -1;
}

static bool
is_digits(const char *w, size_t n)
{
	return strspn(w, "0123456789") == n && strlen(w) == n;
}

/* Two digits at most, at *w, which goes behind them; -1: none, or more. */
static int
short_number(const char **w)
{
	size_t n = strspn(*w, "0123456789");
	int v = n < 1 || n > 2 ? -1 : n == 1 ? **w - '0' : (**w - '0') * 10 + (*w)[1] - '0';

	*w += n;
	return v;
}

/* "00:00" or "00:00:00". */
static bool
parse_clock(const char *w, struct tm *tm)
{
	tm->tm_hour = short_number(&w);
	tm->tm_min = *w == ':' ? (w++, short_number(&w)) : -1;
	tm->tm_sec = *w == ':' ? (w++, short_number(&w)) : 0;
	return tm->tm_hour >= 0 && tm->tm_hour <= 23 && tm->tm_min >= 0 && tm->tm_min <= 59 &&
		tm->tm_sec >= 0;
}

/* "Thu Jan  1 00:00:00 1970", seconds optional, a zone before or behind the year. The words
 * from the month on. */
static bool
parse_ctime(char *const *w, size_t n, int64_t *out)
{
	struct tm tm = {0};
	int offset = 0;
	bool has_year = false;

	tm.tm_mon = month_number(w[0]);
	tm.tm_mday = atoi(w[1]);
	if (strlen(w[0]) != 3 || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    !parse_clock(w[2], &tm))
		return false;
	for (size_t i = 3; i < n && i < 6; i++) {
		if (is_digits(w[i], 4) && !has_year) {
			tm.tm_year = atoi(w[i]) - 1900;
			has_year = true;
		} else if ((w[i][0] == '+' || w[i][0] == '-') && is_digits(w[i] + 1, 4)) {
			int zone = atoi(w[i] + 1);
			offset = (zone / 100 * 60 + zone % 100) * (w[i][0] == '-' ? -60 : 60);
		}
	}
	*out = (int64_t)timegm(&tm) - offset;
	return has_year;
}

static bool
is_weekday(const char *w)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	const char *at = strlen(w) == 3 ? strstr(days, w) : NULL;

	return at && (at - days) % 3 == 0;
}

/* At which word the date of a From_ line begins; 0: there is none. *is_plain: behind nothing
 * but a sender and the day of the week. */
static size_t
find_date(const struct piece *p, bool *is_plain, int64_t *when)
{
	char line[MBOX_FROM_LINE], *words[24], *save;
	size_t n = 0;

	if (!p->starts || p->n < 5 || memcmp(p->p, "From ", 5) != 0 || p->n >= sizeof line)
		return 0;
	memcpy(line, p->p, p->n);
	line[p->n] = '\0';
	for (char *w = strtok_r(line, " \t\r\n", &save); w && n < LEN(words);
	    w = strtok_r(NULL, " \t\r\n", &save))
		words[n++] = w;
	for (size_t i = 2; i + 3 < n; i++) {
		*is_plain = i == 3 && is_weekday(words[2]);
		if (strlen(words[i - 1]) >= 3 && parse_ctime(words + i, n - i, when))
			return i;
	}
	return 0;
}

bool
piece_is_from_line(const struct piece *p, int64_t *arrived)
{
	bool is_plain;
	int64_t when;

	if (find_date(p, &is_plain, &when) == 0)
		return false;
	if (arrived)
		*arrived = when;
	return true;
}

bool
piece_is_plain_from_line(const struct piece *p, int64_t *arrived)
{
	bool is_plain;
	int64_t when;

	if (find_date(p, &is_plain, &when) == 0 || !is_plain)
		return false;
	if (arrived)
		*arrived = when;
	return true;
}

bool
piece_opens_message(const struct piece *p)
{
	return piece_is_blank(p) || piece_quoted_from(p) >= 0 || piece_is_field(p);
}

bool
piece_is_field(const struct piece *p)
{
	size_t i = 0;

	while (i < p->n && p->p[i] > ' ' && p->p[i] != ':' && p->p[i] != 0x7f)
		i++;
	return p->starts && i > 0 && i < p->n && p->p[i] == ':';
}

int
piece_quoted_from(const struct piece *p)
{
	size_t i = 0;

	if (!p->starts)
		return -1;
	while (i < p->n && p->p[i] == '>')
		i++;
	return p->n - i >= 5 && memcmp(p->p + i, "From ", 5) == 0 ? (int)i : -1;
}

static bool
is_header(const struct piece *p, const char *name)
{
	size_t n = strlen(name);

	return p->n > n && p->p[n] == ':' && strncasecmp(p->p, name, n) == 0;
}

char
piece_status_header(const struct piece *p)
{
	return !p->starts ? 0 : is_header(p, "Status") ? 's' : is_header(p, "X-Status") ? 'x'
		: 0;
}

uint64_t
piece_hash(uint64_t hash, const struct piece *p, bool *in_own_header)
{
	static const char *const own[] = { "Status", "X-Status", "X-Keywords", "X-UID",
		"X-IMAP", "X-IMAPbase", "Content-Length", "Lines", "X-Mozilla-Status",
		"X-Mozilla-Status2", "X-Mozilla-Keys" };

	if (hash == 0)
		hash = HASH_START;
	if (p->starts && p->p[0] != ' ' && p->p[0] != '\t') {
		*in_own_header = false;
		for (size_t i = 0; i < LEN(own); i++)
			*in_own_header |= is_header(p, own[i]);
	}
	for (const char *c = p->p, *end = c + p->n; c < end && !*in_own_header;) {
		const char *cr = memchr(c, '\r', (size_t)(end - c)), *stop = cr ? cr : end;
		hash = hash_bytes(hash, c, (size_t)(stop - c));
		c = stop + (cr != NULL);
	}
	return hash;
}

static const struct { char letter; uint32_t flag; } letters[] = {
	{ 'R', MSG_SEEN }, { 'O', MBOX_OLD }, { 'A', MSG_ANSWERED }, { 'F', MSG_FLAGGED },
	{ 'D', MSG_DELETED }, { 'T', MSG_DRAFT },
};

uint32_t
status_flags(const char *value, size_t n)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < LEN(letters); k++)
			flags |= value[i] == letters[k].letter ? letters[k].flag : 0;
	}
	return flags;
}

void
status_format(uint32_t flags, char status[3], char xstatus[5])
{
	for (size_t k = 0; k < LEN(letters); k++) {
		if (flags & letters[k].flag)
			*(k < 2 ? status++ : xstatus++) = letters[k].letter;
	}
	*status = *xstatus = '\0';
}
