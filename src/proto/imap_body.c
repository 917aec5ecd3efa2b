/* imap_body.c - sections of a message, streamed to their sink as they arrive.
 *
 * What is large comes in ranges of a megabyte, so that it can be stopped between two and
 * memory stays flat. The answer must name the UID and the section asked for, else the bytes
 * are another message's and the call fails; the sink's owner throws away what it has got. */
#include <stdio.h>
#include <string.h>

#include "imap_int.h"

struct section_ctx {
	struct imap_body *body;
	uint32_t uid;
	bool is_answered;		/* a FETCH of that UID with that section came */
	bool is_foreign;		/* the bytes were another's */
	uint64_t size_bytes;
	bool has_size;
};

static void
on_section(void *ctx, struct imap *im, const struct imap_fetch *f)
{
	struct section_ctx *sc = ctx;
	struct imap_body *b = sc->body;
	const char *p = f->body ? f->body : f->header;
	size_t n = f->body ? f->body_len : f->header_len;

	if (!p) {
		im->is_dirty = im->is_dirty || f->has_flags;
		return;
	}
	if (f->uid != sc->uid || f->is_damaged || sc->is_answered) {
		sc->is_foreign = sc->is_foreign || b->is_seen;
		return;
	}
	sc->is_answered = true;
	sc->size_bytes = f->size_bytes;
	sc->has_size = f->has_size;
	if (!b->is_seen && n > 0) {		/* short ones may come as a quoted string */
		b->bytes += n;
		b->code = b->sink->write(b->sink->ctx, p, n, &b->error);
	}
	b->is_seen = true;
}

static bool
is_section(const char *s)
{
	size_t n = strlen(s);

	return n <= 60 && strspn(s, "0123456789.ABCDEFGHIJKLMNOPQRSTUVWXYZ") == n;
}

/* One range. *last: nothing comes behind it. */
static enum err
fetch_range(struct imap *im, struct section_ctx *sc, const char *section, uint64_t from,
	bool *last, struct error *e)
{
	struct imap_body *b = sc->body;
	struct imap_handler h = { .ctx = sc, .fetch = on_section };
	struct imap_cmd c;
	enum err rc;

	b->is_seen = b->has_origin = sc->is_answered = false;
	b->bytes = 0;
	imap_cmd_init(&c, "UID FETCH %u (UID%s BODY.PEEK[%s]<%llu.%u>)", sc->uid,
		from == 0 && !*section ? " RFC822.SIZE" : "", section,
		(unsigned long long)from, IMAP_RANGE);
	im->body = b;
	rc = imap_do(im, &c, &h, ERR_MSG, e);
	im->body = NULL;
	if (rc != ERR_OK)
		return rc;
	if (b->code != ERR_OK) {
		if (e)
			*e = b->error;
		return b->code;
	}
	/* A server that does not know ranges sends all at once, and names no origin. */
	bool is_whole = from == 0 && !b->has_origin && b->bytes > IMAP_RANGE;
	if (sc->is_foreign || (b->bytes > IMAP_RANGE && !is_whole))
		return imap_die(im, e, "the server sends what was not asked for");
	if (!sc->is_answered)
		return error_set(e, ERR_MSG, "the server has no such message any more");
	*last = b->bytes < IMAP_RANGE || is_whole;
	return ERR_OK;
}

enum err
imap_fetch_section(struct backend *b, uint32_t uid, const char *section,
	const struct byte_sink *sink, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_body body = { .sink = sink };
	struct section_ctx sc = { .body = &body, .uid = uid };
	bool last = false;
	enum err rc = ERR_OK;

	if ((rc = imap_need_folder(im, e)) != ERR_OK)
		return rc;
	if (!is_section(section))
		return error_set(e, ERR_LOCAL, "'%s' is not a section", section);
	snprintf(body.item, sizeof body.item, "BODY[%s]", section);
	for (uint64_t from = 0; rc == ERR_OK && !last; from += body.bytes) {
		rc = fetch_range(im, &sc, section, from, &last, e);
		if (rc == ERR_OK && from == 0 && sink->total && (sc.has_size || last))
			sink->total(sink->ctx, sc.has_size ? sc.size_bytes : body.bytes);
		if (rc == ERR_OK && !last && cancel_fired(im->cancel)) {
			im->is_dead = true;
			rc = error_set(e, ERR_CANCELLED, "cancelled");
		}
	}
	return rc;
}

struct structure_ctx {
	uint32_t uid;
	struct arena *arena;
	struct part *root;
	bool is_answered;
};

static void
on_structure(void *ctx, struct imap *im, const struct imap_fetch *f)
{
	struct structure_ctx *sc = ctx;
	struct scan s = f->structure;

	if (f->uid != sc->uid || !s.p) {
		im->is_dirty = im->is_dirty || f->has_flags;
		return;
	}
	sc->is_answered = true;
	if (!sc->root)
		sc->root = imap_structure_parse(sc->arena, &s);
}

enum err
imap_structure(struct backend *b, uint32_t uid, struct arena *a, struct part **root,
	struct error *e)
{
	struct imap *im = imap_of(b);
	struct structure_ctx sc = { .uid = uid, .arena = a };
	struct imap_handler h = { .ctx = &sc, .fetch = on_structure };
	struct imap_cmd c;
	enum err rc;

	*root = NULL;
	if ((rc = imap_need_folder(im, e)) != ERR_OK)
		return rc;
	imap_cmd_init(&c, "UID FETCH %u (UID BODYSTRUCTURE)", uid);
	if ((rc = imap_do(im, &c, &h, ERR_MSG, e)) != ERR_OK)
		return rc;
	if (!sc.is_answered)
		return error_set(e, ERR_MSG, "the server has no such message any more");
	if (!sc.root)
		return error_set(e, ERR_MSG,
			"the server's description of this message makes no sense");
	*root = sc.root;
	return ERR_OK;
}
