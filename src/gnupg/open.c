/* open.c - see gnupg.h: a message and what is sealed in it, level by level.
 *
 * What was decrypted is a message of its own, with the limits of every message, and never put
 * in between the parts around it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Programs run for one message: whoever puts seals into seals shall not keep us busy. */
enum { MAX_RUNS = 24 };

struct opening {
	const struct gnupg_how *how;
	unsigned n_runs;
};

static const struct part *
part_at(const struct mime_msg *m, uint32_t index)
{
	const struct part *p = mime_root(m);

	while (p && p->index != index)
		p = part_next(p);
	return p;
}

/* The address in the From field of a header: there must be one. Owned; "": else. */
static char *
sender_of(const char *header, size_t n)
{
	struct arena a = { 0 };
	const struct header *h;
	const struct address *v = NULL;
	size_t n_fields = mime_headers(&a, &h, header, n), n_from = 0, n_addrs = 0;

	for (size_t i = 0; i < n_fields; i++) {
		if (!str_ieq(h[i].name, "from"))
			continue;
		n_from++;
		n_addrs = mime_addresses(&a, &v, h[i].raw);
	}
	char *out = xstrdup(n_from == 1 && n_addrs == 1 ? v[0].addr : "");
	arena_clear(&a);
	return out;
}

/* Of the message that the part is in. */
static char *
sender_around(const struct opened *o, const struct part *p)
{
	const struct part *message = part_message_around(p);
	struct str header = { 0 };

	if (!message)
		return xstrdup(o->sender);
	mime_part_header(o->m, message->section, &header);
	char *out = sender_of(str_get(&header), header.len);
	str_clear(&header);
	return out;
}

static void
fail(struct seal *s, const char *why)
{
	s->state = SEAL_FAILED;
	free(s->why);
	s->why = xstrdup(why);
}

/* ---- one seal ---- */

/* A text that stands for a signature could say anything beside it. */
static bool
is_signature(const struct part *p)
{
	return str_eq(p->type, "application/pgp-signature") || seal_is_cms_signature(p);
}

static enum err
open_signed(struct opening *g, const struct opened *o, struct seal *s, const struct part *p,
	const char *sender, struct error *e)
{
	struct str data = { 0 }, signature = { 0 };
	const struct part *content = p->child, *sig = content ? content->next : NULL;
	enum err rc = ERR_OK;

	if (!sig || sig->next || !is_signature(sig))
		fail(s, "it does not consist of a content and its signature");
	else if (!mime_part_entity(o->m, content->index, &data, SEAL_MAX_BYTES) ||
	    !mime_part_bytes_at(o->m, sig->index, &signature, 1 << 20))
		fail(s, "it is too large");
	else
		rc = check_detached(s, &data, &signature, sender, g->how, e);
	str_wipe(&data);
	str_clear(&signature);
	return rc;
}

/* The type of a CMS structure by its OID (RFC 5652 3), which stands at its head. */
static bool
is_signed_data(const struct str *der)
{
	static const char oid[] = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
	size_t n = der->len < 40 ? der->len : 40;

	return memmem(str_get(der), n, oid, sizeof oid - 1) != NULL;
}

static enum err
open_content(struct opening *g, const struct opened *o, struct seal *s, const struct part *p,
	const char *sender, struct str *plain, struct error *e)
{
	struct str data = { 0 };
	enum err rc;

	if (s->scheme == SCHEME_OPENPGP)
		p = p->child && p->child->next ? p->child->next : p;
	mime_part_bytes_at(o->m, p->index, &data, SEAL_MAX_BYTES);
	if (s->scheme == SCHEME_SMIME && is_signed_data(&data))
		s->kind = SEAL_WRAPPED;
	rc = s->kind == SEAL_WRAPPED ? check_wrapped(s, &data, plain, sender, g->how, e)
		: check_decrypt(s, &data, plain, sender, g->how, e);
	str_clear(&data);
	return rc;
}

static enum err open_level(struct opening *g, struct opened **out, struct mime_msg *m,
	char *sender, int depth, bool is_secret, struct error *e);

static enum err
open_seal(struct opening *g, struct opened *o, struct seal *s, int depth, struct error *e)
{
	const struct part *p = part_at(o->m, s->part);
	char *sender = sender_around(o, p);
	struct str plain = { 0 };
	struct mime_msg *m = NULL;
	enum err rc;

	if (g->n_runs++ >= MAX_RUNS) {
		fail(s, "there are too many of these in one message");
		rc = ERR_OK;
	} else if (s->kind == SEAL_SIGNED) {
		rc = open_signed(g, o, s, p, sender, e);
	} else {
		rc = open_content(g, o, s, p, sender, &plain, e);
	}
	if (rc == ERR_OK && plain.len > 0) {
		size_t n = plain.len;
		rc = mime_parse_taken(&m, str_take(&plain), n, e);
	}
	if (m)
		rc = open_level(g, &s->inside, m, xstrdup(sender), depth + 1,
			o->is_secret || s->kind == SEAL_ENCRYPTED, e);
	str_wipe(&plain);
	free(s->sender);
	s->sender = sender;
	return rc;
}

/* Takes m and sender. */
static enum err
open_level(struct opening *g, struct opened **out, struct mime_msg *m, char *sender, int depth,
	bool is_secret, struct error *e)
{
	struct opened *o = xcalloc(1, sizeof *o);
	enum err rc = ERR_OK;

	*out = NULL;
	o->m = m;
	o->sender = sender;
	o->is_secret = is_secret;
	o->n = seal_find(o->v, mime_root(m), &o->is_more);
	for (size_t i = 0; i < o->n && rc == ERR_OK; i++) {
		if (depth < SEAL_MAX_DEPTH)
			rc = open_seal(g, o, &o->v[i], depth, e);
		else
			fail(&o->v[i], "it is inside of too many others");
	}
	if (rc == ERR_OK)
		*out = o;
	else
		opened_free(o);
	return rc;
}

enum err
gnupg_open(struct opened **out, const char *p, size_t n, const struct gnupg_how *how,
	struct error *e)
{
	struct opening g = { .how = how };
	struct mime_msg *m;
	enum err rc;

	*out = NULL;
	if (n > SEAL_MAX_BYTES)
		return error_set(e, ERR_MSG, "over %d MB nothing is checked or decrypted",
			SEAL_MAX_BYTES >> 20);
	if ((rc = mime_parse(&m, p, n, e)) != ERR_OK)
		return rc;
	return open_level(&g, out, m, sender_of(p, mime_header_length(p, n)), 0, false, e);
}
