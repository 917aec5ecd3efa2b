/* seal.c - which parts of a tree are signed or encrypted, and what was found out about them as
 * values; see seal.h. */
#include <stdlib.h>
#include <string.h>

#include "seal.h"

/* The first part behind p and all that is below it; NULL: none. */
static const struct part *
behind(const struct part *p)
{
	while (p && !p->next)
		p = p->parent;
	return p ? p->next : NULL;
}

static bool
is_cms(const struct part *p)
{
	return str_eq(p->type, "application/pkcs7-mime") ||
		str_eq(p->type, "application/x-pkcs7-mime");
}

bool
seal_is_cms_signature(const struct part *p)
{
	return str_eq(p->type, "application/pkcs7-signature") ||
		str_eq(p->type, "application/x-pkcs7-signature");
}

static bool
read_seal(struct seal *s, const struct part *p)
{
	const struct part *content = p->child;

	*s = (struct seal){ .part = p->index };
	if (str_eq(p->type, "multipart/signed") && content) {
		s->kind = SEAL_SIGNED;
		s->scheme = content->next && seal_is_cms_signature(content->next)
			? SCHEME_SMIME : SCHEME_OPENPGP;
	} else if (str_eq(p->type, "multipart/encrypted") && content) {
		s->kind = SEAL_ENCRYPTED;
	} else if (is_cms(p)) {
		s->kind = SEAL_ENCRYPTED;
		s->scheme = SCHEME_SMIME;
	} else {
		return false;
	}
	return true;
}

/* Nothing stands around it but signatures. */
static bool
is_whole(const struct part *p)
{
	for (; p->parent; p = p->parent) {
		if (!str_eq(p->parent->type, "multipart/signed") || p->parent->child != p)
			return false;
	}
	return true;
}

/* Of what is signed: the signature itself is not. */
static uint32_t
end_of(const struct seal *s, const struct part *p)
{
	const struct part *next = s->kind == SEAL_SIGNED && p->child->next ? p->child->next
		: behind(p);

	return next ? next->index : UINT32_MAX;
}

size_t
seal_find(struct seal *v, const struct part *root, bool *is_more)
{
	const struct part *p = root, *next;
	struct seal s;
	size_t n = 0;

	*is_more = false;
	for (; p; p = next) {
		bool is = read_seal(&s, p);
		next = is && s.kind != SEAL_SIGNED ? behind(p) : part_next(p);
		if (!is)
			continue;
		if (n == SEAL_MAX) {
			*is_more = true;
			break;
		}
		s.end = end_of(&s, p);
		s.is_whole = is_whole(p);
		s.is_embedded = part_message_around(p) != NULL;
		v[n++] = s;
	}
	return n;
}

bool
seal_has(const struct part *root, bool *is_encrypted)
{
	struct seal v[SEAL_MAX];
	bool is_more;
	size_t n = root ? seal_find(v, root, &is_more) : 0;

	*is_encrypted = false;
	for (size_t i = 0; i < n; i++)
		*is_encrypted |= v[i].kind == SEAL_ENCRYPTED;
	return n > 0;
}

void
signature_clear(struct signature *s)
{
	free(s->fingerprint);
	free(s->who);
	free(s->why);
	*s = (struct signature){ 0 };
}

void
seal_clear(struct seal *s)
{
	for (size_t i = 0; i < s->n_sigs; i++)
		signature_clear(&s->sigs[i]);
	free(s->sigs);
	free(s->why);
	free(s->sender);
	opened_free(s->inside);
	*s = (struct seal){ 0 };
}

const struct opened *
opened_content(const struct opened *o)
{
	for (size_t i = 0; o && i < o->n; i++) {
		const struct opened *inside = o->v[i].is_whole ? o->v[i].inside : NULL;
		if (inside)
			return opened_content(inside) ? opened_content(inside) : inside;
	}
	return NULL;
}

bool
opened_is(const struct opened *o, enum seal_state state)
{
	for (size_t i = 0; o && i < o->n; i++) {
		if (o->v[i].state == state || opened_is(o->v[i].inside, state))
			return true;
	}
	return false;
}

void
opened_free(struct opened *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->n; i++)
		seal_clear(&o->v[i]);
	if (o->is_secret)
		mime_wipe(o->m);
	else
		mime_free(o->m);
	free(o->sender);
	free(o);
}
