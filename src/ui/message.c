/* message.c - bodies come from the store by section. Where the whole message is there (a
 * local mailbox, or a small one fetched so) it is parsed and every section comes from
 * that; one too large to be taken apart between two keys is left to the worker, which cuts
 * out the sections asked for. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

enum { QUICKLY_PARSED = 1 << 20, BEGINNING = 256 << 10 };
static const size_t max_bytes = (size_t)1 << 30;

static void
parse_whole(struct message *x)
{
	if (!x->raw || mime_parse(&x->parsed, x->raw, x->raw_len, NULL) != ERR_OK)
		return;
	x->root = mime_root(x->parsed);
	x->header = x->raw;
	x->header_len = mime_header_length(x->raw, x->raw_len);
}

static void
read_whole(struct message *x)
{
	x->raw = store_body_read(x->store, x->id, "", max_bytes, &x->raw_len);
	parse_whole(x);
}

static bool
is_quickly_parsed(const struct message *x)
{
	uint64_t size;

	return store_has_body(x->store, x->id, "", &size) && size <= QUICKLY_PARSED;
}

/* At most `max` bytes of what is there of a section; NULL: it is not there. Owned. */
static char *
read_beginning(const struct message *x, const char *section, size_t max, size_t *n)
{
	uint64_t size;
	int fd = store_body(x->store, x->id, section, &size);
	size_t want = fd < 0 ? 0 : size < max ? (size_t)size : max;
	char *raw = fd < 0 ? NULL : xmalloc(want + 1);
	ssize_t got = 1;

	for (*n = 0; raw && *n < want && got > 0; *n += got > 0 ? (size_t)got : 0)
		got = read(fd, raw + *n, want - *n);
	if (fd >= 0)
		close(fd);
	if (got >= 0)
		return raw;
	free(raw);
	return NULL;
}

static void
read_header(struct message *x)
{
	size_t n;
	char *header = read_beginning(x, "HEADER", MIME_MAX_HEADER, &n);

	if (header) {
		x->header = arena_strndup(&x->arena, header, n);
		x->header_len = n;
	}
	free(header);
}

bool
message_read(struct message *x, const struct store *s, msg_id id)
{
	*x = (struct message){ .store = s, .id = id };
	if (!store_msg(s, id, &x->arena, &x->m))
		return false;
	if (is_quickly_parsed(x))
		read_whole(x);
	if (x->root)
		return true;
	x->root = store_parts(s, id, &x->arena);
	read_header(x);
	return true;
}

char *
message_header(const struct store *s, msg_id id, size_t *len)
{
	uint64_t size;
	int fd = store_body(s, id, "", &size);
	char *p = fd < 0 ? NULL : xmalloc(BEGINNING);
	ssize_t n = p ? pread(fd, p, BEGINNING, 0) : -1;

	*len = 0;
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(p);
		return NULL;
	}
	*len = mime_header_length(p, (size_t)n);
	return p;
}

bool
message_map(struct message *x)
{
	uint64_t size;
	struct str header = { 0 };
	int fd = x->parsed ? -1 : store_body(x->store, x->id, "", &size);

	if (fd < 0)
		return x->parsed != NULL;
	if (mime_parse_file(&x->parsed, fd, size, NULL) == ERR_OK) {
		mime_part_header(x->parsed, "", &header);
		x->root = mime_root(x->parsed);
		x->header = arena_strndup(&x->arena, str_get(&header), header.len);
		x->header_len = header.len;
	}
	str_clear(&header);
	close(fd);
	return x->parsed != NULL;
}

bool
message_of_bytes(struct message *x, char *raw, size_t len)
{
	*x = (struct message){ .raw = raw, .raw_len = len };
	parse_whole(x);
	return x->root != NULL;
}

bool
message_of_copy(struct message *x, const struct str *bytes)
{
	bool ok = message_of_bytes(x, xmemdup(str_get(bytes), bytes->len + 1), bytes->len);

	x->is_secret = true;
	return ok;
}

void
message_clear(struct message *x)
{
	if (x->is_secret) {
		explicit_bzero(x->raw, x->raw_len);
		mime_wipe(x->parsed);
		x->parsed = NULL;
	}
	mime_free(x->parsed);
	free(x->raw);
	arena_clear(&x->arena);
	*x = (struct message){ 0 };
}

bool
message_is_leaf(const struct part *p)
{
	return !str_starts(p->type, "multipart/");
}

uint64_t
message_part_size(const struct part *p)
{
	if (p->decoded_bytes)
		return p->decoded_bytes;
	return p->encoding == ENC_BASE64 ? p->size_bytes * 57 / 78 : p->size_bytes;
}

bool
message_has(const struct message *x, const struct part *p)
{
	return x->parsed || store_has_body(x->store, x->id, p->section, NULL);
}

bool
message_decode(const struct message *x, const struct part *p, struct str *out)
{
	size_t n;

	if (x->parsed)
		return mime_part_bytes(x->parsed, p->section, out, max_bytes);
	char *raw = store_body_read(x->store, x->id, p->section, max_bytes, &n);
	if (!raw)
		return false;
	mime_decode_body(out, p, raw, n, max_bytes);
	free(raw);
	return true;
}

/* As much of a text as anybody reads on a screen. */
static bool
decode_beginning(const struct message *x, const struct part *p, struct str *out)
{
	size_t n;
	char *raw = read_beginning(x, p->section, MESSAGE_TEXT_MAX, &n);

	if (raw)
		mime_decode_body(out, p, raw, n, MESSAGE_TEXT_MAX);
	bool is_there = raw != NULL;
	free(raw);
	return is_there;
}

bool
message_text(const struct message *x, const struct part *p, struct str *out)
{
	struct str bytes = { 0 };
	bool is_there = x->parsed || p->size_bytes <= MESSAGE_TEXT_MAX
		? message_decode(x, p, &bytes) : decode_beginning(x, p, &bytes);

	if (is_there)
		mime_to_utf8(out, p, str_get(&bytes), bytes.len);
	str_clear(&bytes);
	return is_there;
}
