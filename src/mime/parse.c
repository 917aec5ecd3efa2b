/* parse.c - a whole message to a tree of parts.
 *
 * Parts are spans of one copy of the bytes: the tree costs no second copy, offsets are
 * those that an IMAP server would give, and the transfer encoding is undone when somebody
 * asks. GMime's parser is not used for this, only for values: on lines of dashes inside
 * 1,000 nested multiparts it takes 9 s for 10 MB, and it cannot be told to stop at a
 * depth or a count. Here every line is looked at once, and compared with at most
 * PART_MAX_DEPTH boundaries by length first.
 *
 * The invariant: the span of a part lies inside that of its parent, but for a message in
 * base64 or quoted-printable, which is decoded into the arena. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

enum { PIECE_BYTES = 1 << 20, MAX_INNER_BYTES = 64 << 20 };

struct node {
	const struct part *part;
	struct span header, body;
};

struct mime_msg {
	struct arena arena;
	char *bytes;
	size_t n;
	struct part *root;
	struct node *nodes;		/* by part->index */
	size_t n_nodes, cap_nodes;
	const char *warning;
	bool is_mapped;			/* `bytes` is a file's, and not ours to write */
	char *let_go;			/* of a mapped one: pages before are
					 * not kept in memory */
};

/* A multipart whose parts are being read. */
struct level {
	const char *boundary;
	size_t n;
	bool is_closed;			/* "--boundary--" was seen */
};

struct parser {
	struct mime_msg *m;
	const char *p, *end;		/* what is not read yet */
	const char *stop;		/* where the last body ended, before its boundary */
	struct level levels[PART_MAX_DEPTH + 1];
	int n_levels, depth;
	int hit;			/* level whose boundary ended the last part;
					 * -1: none, the end */
	bool is_decoded;		/* inside a message that was in base64 */
	bool is_full;
};

/* The innermost level whose boundary this line is; -1: none. What follows a boundary after a
 * space does not count (RFC 2046 5.1.1), but "--ab" is no boundary "a". */
static int
boundary_level(const struct parser *ps, const char *line, size_t n, bool *closes)
{
	if (n < 3 || line[0] != '-' || line[1] != '-')
		return -1;
	line += 2;
	n -= 2;
	for (int i = ps->n_levels - 1; i >= 0; i--) {
		const struct level *l = &ps->levels[i];
		size_t k = l->n;
		if (l->is_closed || n < k || line[k - 1] != l->boundary[k - 1] ||
		    memcmp(line, l->boundary, k) != 0)
			continue;
		*closes = n - k >= 2 && line[k] == '-' && line[k + 1] == '-';
		k += *closes ? 2 : 0;
		if (k == n || line[k] == ' ' || line[k] == '\t' || line[k] == '\r')
			return i;
	}
	return -1;
}

/* Not what was decoded, which is ours alone. */
static bool
is_of_file(const struct mime_msg *m, const char *p)
{
	return m->is_mapped && p >= m->bytes && p <= m->bytes + m->n;
}

/* Where the piece begins that p is in. */
static char *
piece_of(const struct mime_msg *m, const char *p)
{
	return m->bytes + (size_t)(p - m->bytes) / PIECE_BYTES * PIECE_BYTES;
}

/* Pages of a mapped file that were looked at; they come back by themselves
 * when somebody looks again. */
static void
let_go(struct mime_msg *m, const char *upto)
{
	if (!is_of_file(m, upto) || upto < m->let_go + PIECE_BYTES)
		return;
	char *end = piece_of(m, upto);
	madvise(m->let_go, (size_t)(end - m->let_go), MADV_DONTNEED);
	m->let_go = end;
}

static bool
stops_header(void *ctx, const char *line, size_t n)
{
	struct parser *ps = ctx;
	bool closes;

	let_go(ps->m, line);
	return boundary_level(ps, line, n, &closes) >= 0;
}

/* Reads lines up to a boundary of an open level, and past it; returns what stood before,
 * without the line end that belongs to the boundary. */
static struct span
take_body(struct parser *ps)
{
	const char *begin = ps->p;

	while (ps->p < ps->end) {
		const char *line = ps->p, *nl = memchr(line, '\n', (size_t)(ps->end - line));
		const char *stop = nl ? nl : ps->end;
		bool closes;
		int level = *line == '-'
			? boundary_level(ps, line, (size_t)(stop - line), &closes) : -1;
		ps->p = nl ? nl + 1 : ps->end;
		let_go(ps->m, ps->p);
		if (level < 0)
			continue;
		ps->hit = level;
		ps->levels[level].is_closed = closes;
		if (line > begin && line[-1] == '\n')
			line--;
		if (line > begin && line[-1] == '\r')
			line--;
		ps->stop = line;
		return (struct span){ begin, (size_t)(line - begin) };
	}
	ps->hit = -1;
	ps->stop = ps->end;
	return (struct span){ begin, (size_t)(ps->end - begin) };
}

static uint32_t
count_lines(struct mime_msg *m, struct span s)
{
	uint32_t n = 0;
	const char *end = s.p + s.n;

	if (is_of_file(m, s.p) && s.n > PIECE_BYTES)		/* a second look at it */
		m->let_go = piece_of(m, s.p);
	for (const char *p = s.p; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++) {
		n++;
		let_go(m, p);
	}
	return n + (s.n && end[-1] != '\n');
}

static struct node *
node_of(const struct mime_msg *m, const struct part *p)
{
	return &m->nodes[p->index];
}

static struct part *
add_part(struct parser *ps, struct part *parent)
{
	struct mime_msg *m = ps->m;
	struct part *p = part_new(&m->arena, parent);

	p->index = (uint32_t)m->n_nodes;
	m->nodes = array_grow(m->nodes, m->n_nodes, &m->cap_nodes, sizeof *m->nodes);
	m->nodes[m->n_nodes++] = (struct node){ .part = p };
	if (m->n_nodes >= PART_MAX_COUNT && !ps->is_full) {
		ps->is_full = true;
		m->warning = "this message has too many parts: "
			"those behind the 5,000th are not shown";
	}
	return p;
}

static bool
too_deep(struct parser *ps)
{
	if (ps->depth < PART_MAX_DEPTH)
		return false;
	ps->m->warning = "this message is nested too deeply: "
		"what is below the 100th level is not taken apart";
	return true;
}

static void read_entity(struct parser *ps, struct part *parent, const char *default_type);

static void
read_multipart(struct parser *ps, struct part *p, const char *boundary)
{
	const char *begin = ps->p;
	int mine = ps->n_levels++;
	const char *kind = str_eq(p->type, "multipart/digest")
		? "message/rfc822" : "text/plain";

	ps->levels[mine] = (struct level){ boundary, strlen(boundary), false };
	ps->depth++;
	take_body(ps);				/* the preamble */
	while (ps->hit == mine && !ps->levels[mine].is_closed && !ps->is_full)
		read_entity(ps, p, kind);
	ps->depth--;
	ps->n_levels--;
	if (ps->hit == mine)			/* closed: the epilogue */
		take_body(ps);
	node_of(ps->m, p)->body = (struct span){ begin, (size_t)(ps->stop - begin) };
}

/* A message in base64 or quoted-printable, which RFC 2046 5.2.1 forbids and mailers send. */
static void
read_encoded_message(struct parser *ps, struct part *p)
{
	struct span body = node_of(ps->m, p)->body;
	struct str bytes = {0};

	/* What base64 holds is smaller, so nesting it ends by itself. */
	if ((ps->is_decoded && p->encoding != ENC_BASE64) || ps->is_full || too_deep(ps) ||
	    body.n > MAX_INNER_BYTES)
		return;
	decode_transfer(&bytes, p->encoding, body.p, body.n, SIZE_MAX);
	char *copy = arena_alloc(&ps->m->arena, bytes.len + 1);
	memcpy(copy, str_get(&bytes), bytes.len);
	struct parser inner = { .m = ps->m, .p = copy, .end = copy + bytes.len,
		.is_decoded = true, .depth = ps->depth + 1 };
	str_clear(&bytes);
	read_entity(&inner, p, "text/plain");
	ps->is_full = inner.is_full;
}

static void
read_message(struct parser *ps, struct part *p)
{
	const char *begin = ps->p;

	ps->depth++;
	read_entity(ps, p, "text/plain");
	ps->depth--;
	node_of(ps->m, p)->body = (struct span){ begin, (size_t)(ps->stop - begin) };
}

/* What says multipart and has no parts is read as text rather than not at all. */
static void
make_text(struct part *p)
{
	p->type = "text/plain";
	p->charset = "";
}

static void
read_content(struct parser *ps, struct part *p, const char *boundary)
{
	bool is_encoded = p->encoding >= ENC_QP;

	if (part_is_multipart(p) && boundary && *boundary && !ps->is_full && !too_deep(ps)) {
		const char *begin = ps->p;
		read_multipart(ps, p, boundary);
		if (!p->child) {
			make_text(p);
			node_of(ps->m, p)->body.p = begin;
		} else {
			p->encoding = ENC_7BIT;
		}
	} else if (part_is_message(p) && !is_encoded && !ps->is_full && !too_deep(ps)) {
		read_message(ps, p);
	} else {
		node_of(ps->m, p)->body = take_body(ps);
		if (part_is_multipart(p))
			make_text(p);
		if (part_is_message(p) && is_encoded)
			read_encoded_message(ps, p);
	}
}

static void
read_entity(struct parser *ps, struct part *parent, const char *default_type)
{
	struct part *p = add_part(ps, parent);
	const char *begin = ps->p, *boundary = NULL;
	size_t n = header_scan(begin, (size_t)(ps->end - begin), stops_header, ps);

	node_of(ps->m, p)->header = (struct span){ begin, n };
	part_read_header(&ps->m->arena, p, begin, header_read(n), default_type, &boundary);
	ps->p = begin + n;
	read_content(ps, p, boundary);
	struct span body = node_of(ps->m, p)->body;
	p->size_bytes = body.n;
	if (!p->child && p->encoding < ENC_QP)
		p->decoded_bytes = body.n;
	if (str_starts(p->type, "text/") || part_is_message(p))
		p->n_lines = count_lines(ps->m, body);
}

/* Mail with bare CR for line ends (RFC 5322 2.3 forbids it) is read as if they were LF. */
static void
mend_line_ends(char *p, size_t n)
{
	if (memchr(p, '\n', n))
		return;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\r')
			p[i] = '\n';
	}
}

static void
take_apart(struct mime_msg *m)
{
	struct parser *ps = xcalloc(1, sizeof *ps);

	ps->m = m;
	ps->p = m->bytes;
	ps->end = m->bytes + m->n;
	read_entity(ps, NULL, "text/plain");
	free(ps);
	m->root = (struct part *)m->nodes[0].part;
	part_number(&m->arena, m->root);
}

static enum err
check_size(size_t n, struct error *e)
{
	return n > (size_t)2 << 30 ? error_set(e, ERR_MSG, "the message is larger than 2 GB")
		: ERR_OK;
}

enum err
mime_parse_taken(struct mime_msg **out, char *p, size_t n, struct error *e)
{
	*out = NULL;
	if (check_size(n, e) != ERR_OK) {
		free(p);
		return ERR_MSG;
	}
	struct mime_msg *m = xcalloc(1, sizeof *m);
	m->bytes = p;
	m->bytes[n] = '\0';
	m->n = n;
	mend_line_ends(m->bytes, n);
	take_apart(m);
	*out = m;
	return ERR_OK;
}

enum err
mime_parse(struct mime_msg **out, const char *p, size_t n, struct error *e)
{
	*out = NULL;
	if (check_size(n, e) != ERR_OK)
		return ERR_MSG;
	char *copy = xmalloc(n + 1);
	memcpy(copy, p, n);
	return mime_parse_taken(out, copy, n, e);
}

/* Line ends of a mapped message are mended in a copy. */
static bool
has_bare_cr_only(const char *p, size_t n)
{
	return !memchr(p, '\n', n < PIECE_BYTES ? n : PIECE_BYTES) &&
		memchr(p, '\r', n < PIECE_BYTES ? n : PIECE_BYTES) && n <= MAX_INNER_BYTES;
}

enum err
mime_parse_file(struct mime_msg **out, int fd, uint64_t n, struct error *e)
{
	*out = NULL;
	if (n == 0)
		return mime_parse(out, "", 0, e);
	char *p = n > SIZE_MAX / 2
		? MAP_FAILED : mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return error_errno(e, ERR_LOCAL, "cannot read the message");
	if (has_bare_cr_only(p, (size_t)n)) {
		enum err rc = mime_parse(out, p, (size_t)n, e);
		munmap(p, (size_t)n);
		return rc;
	}
	struct mime_msg *m = xcalloc(1, sizeof *m);
	m->bytes = m->let_go = p;
	m->n = (size_t)n;
	m->is_mapped = true;
	take_apart(m);
	*out = m;
	return ERR_OK;
}

void
mime_free(struct mime_msg *m)
{
	if (!m)
		return;
	arena_clear(&m->arena);
	free(m->nodes);
	if (m->is_mapped)
		munmap(m->bytes, m->n);
	else
		free(m->bytes);
	free(m);
}

void
mime_wipe(struct mime_msg *m)
{
	if (!m)
		return;
	if (!m->is_mapped)
		explicit_bzero(m->bytes, m->n);
	arena_wipe(&m->arena);
	mime_free(m);
}

const struct part *
mime_root(const struct mime_msg *m)
{
	return m->root;
}

const char *
mime_bytes(const struct mime_msg *m, size_t *n)
{
	*n = m->n;
	return m->bytes;
}

const char *
mime_warning(const struct mime_msg *m)
{
	return m->warning;
}

bool
mime_part_bytes(const struct mime_msg *m, const char *section, struct str *out, size_t max)
{
	const struct part *p = part_find(m->root, section);

	if (!p)
		return false;
	struct span body = node_of(m, p)->body;
	decode_transfer(out, p->encoding, body.p, body.n, max);
	return true;
}

bool
mime_part_bytes_at(const struct mime_msg *m, uint32_t index, struct str *out, size_t max)
{
	if (index >= m->n_nodes)
		return false;
	const struct node *node = &m->nodes[index];
	decode_transfer(out, node->part->encoding, node->body.p, node->body.n, max);
	return true;
}

bool
mime_part_entity(const struct mime_msg *m, uint32_t index, struct str *out, size_t max)
{
	if (index >= m->n_nodes)
		return false;
	const struct node *node = &m->nodes[index];
	const char *p = node->header.p, *end = node->body.p + node->body.n;
	if (end < p || (size_t)(end - p) > max)
		return false;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		str_add(out, p, (size_t)(stop - p) - (nl && nl > p && nl[-1] == '\r'));
		if (nl)
			str_puts(out, "\r\n");
		p = nl ? nl + 1 : end;
	}
	return true;
}

bool
mime_part_raw(const struct mime_msg *m, const char *section, struct str *out, size_t max)
{
	const struct part *p = part_find(m->root, section);

	if (!p)
		return false;
	struct span body = node_of(m, p)->body;
	str_add(out, body.p, body.n < max ? body.n : max);
	return true;
}

bool
mime_part_pieces(const struct mime_msg *m, const char *section,
	bool (*write)(void *ctx, const char *p, size_t n), void *ctx)
{
	const struct part *p = part_find(m->root, section);
	struct span body = p ? node_of(m, p)->body : (struct span){0};
	bool ok = p != NULL;

	for (size_t at = 0; ok && at < body.n;) {
		size_t n = body.n - at < PIECE_BYTES ? body.n - at : PIECE_BYTES;
		ok = write(ctx, body.p + at, n);
		if (is_of_file(m, body.p) && body.n > PIECE_BYTES)
			madvise(piece_of(m, body.p + at),
				(size_t)(body.p + at + n - piece_of(m, body.p + at)),
				MADV_DONTNEED);
		at += n;
	}
	return ok;
}

bool
mime_part_header(const struct mime_msg *m, const char *section, struct str *out)
{
	const struct part *p = *section ? part_find(m->root, section) : m->root;

	if (!p || (*section && (!part_is_message(p) || !p->child)))
		return false;
	struct span header = node_of(m, *section ? p->child : p)->header;
	str_add(out, header.p, header_read(header.n));
	return true;
}
