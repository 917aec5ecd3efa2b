/* seal.h - what was found out about the signed and encrypted parts of a message, as plain
 * values: made by gnupg.h, told beside the text by show.c and the pager.
 *
 * A seal stands around a part of a tree. What was encrypted has a tree of its own, which is
 * shown by itself and never joined with what stands around it (efail.de). One thread at a
 * time; whatever was decrypted is wiped by opened_free. */
#ifndef DUNLIN_SEAL_H
#define DUNLIN_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mime.h"
#include "part.h"
#include "str.h"

enum { SEAL_MAX = 16, SEAL_MAX_DEPTH = 4, SEAL_MAX_BYTES = 64 << 20 };

enum seal_scheme { SCHEME_OPENPGP, SCHEME_SMIME };
enum seal_kind {
	SEAL_SIGNED,		/* multipart/signed (RFC 1847) */
	SEAL_ENCRYPTED,		/* multipart/encrypted (RFC 3156), enveloped-data (RFC 8551) */
	SEAL_WRAPPED		/* signed-data of S/MIME: what is signed is in the signature */
};
enum seal_state {
	SEAL_CLOSED,		/* nobody tried */
	SEAL_OPEN,		/* checked, or decrypted */
	SEAL_LOCKED,		/* a passphrase or PIN is needed, and was not asked for */
	SEAL_NEEDS_TERMINAL,	/* the same, and can be asked for on a terminal alone */
	SEAL_NO_KEY,		/* encrypted to others */
	SEAL_NO_PROGRAM,	/* gpg or gpgsm is not installed */
	SEAL_UNSAFE,		/* not protected against changes (EFAIL): not shown */
	SEAL_FAILED		/* `why` says more */
};

enum sig_state { SIG_GOOD, SIG_BAD, SIG_NO_KEY, SIG_EXPIRED, SIG_KEY_EXPIRED, SIG_KEY_REVOKED,
	SIG_UNCHECKED };
enum sig_trust { TRUST_UNKNOWN, TRUST_NEVER, TRUST_MARGINAL, TRUST_FULL };

/* Strings are gpg's, of whatever bytes the key has: not clean. */
struct signature {
	enum sig_state state;
	/* that the key belongs to the sender's address; else to its first user id */
	enum sig_trust trust;
	char *fingerprint;		/* or the long key id, where the key is not here; "" */
	char *who;			/* user id; "" */
	char *why;			/* of SIG_UNCHECKED; "" */
	int64_t made;			/* 0: not known */
	bool is_sender;			/* the key has the address of From */
};

struct opened;
struct seal {
	enum seal_kind kind;
	enum seal_scheme scheme;
	enum seal_state state;
	/* the parts that it is around, by part->index: from the sealed part itself up to,
	 * and without, `end` */
	uint32_t part, end;
	bool is_embedded;		/* in a message in the message: `sender` is of that */
	bool is_whole;			/* nothing readable stands outside of it */
	char *why;			/* NULL: nothing to add */
	char *sender;			/* the address of From of the message around it */
	struct signature *sigs;
	size_t n_sigs, cap_sigs;
	struct opened *inside;		/* NULL: nothing */
};

/* A message, or what was inside of one, and the seals in it in their order. */
struct opened {
	struct mime_msg *m;
	char *sender;			/* the address of From; "": none, or more than one */
	struct seal v[SEAL_MAX];
	size_t n;
	bool is_secret;			/* m was decrypted */
	bool is_more;			/* than SEAL_MAX */
};

/* A detached signature of S/MIME (RFC 8551 3.5.3). */
bool seal_is_cms_signature(const struct part *p);
/* Which parts of a tree are signed or encrypted; v has SEAL_MAX. *is_more: further ones. */
size_t seal_find(struct seal *v, const struct part *root, bool *is_more);
bool seal_has(const struct part *root, bool *is_encrypted);
void seal_clear(struct seal *s);
void signature_clear(struct signature *s);
/* What the whole message consists of, where that was decrypted or unwrapped (->is_secret: it
 * was decrypted): of that alone an answer quotes, since a stranger may have put somebody's
 * encrypted mail beside his own text. NULL: nothing of the kind. */
const struct opened *opened_content(const struct opened *o);
/* Some seal of it, or of what is inside, is in this state. */
bool opened_is(const struct opened *o, enum seal_state state);
void opened_free(struct opened *o);		/* NULL is fine */

/* The whole message as `dunlin show` prints it (mime_show_text), with what was opened. */
void opened_show(struct lines *out, const struct opened *o, bool all_headers, int columns);
void opened_show_json(struct str *out, const struct opened *o);

/* ---- beside the text ---- */

/* Walks along the readable parts of a tree and says what their seals are: with marks of ours,
 * which a mail cannot print. What was encrypted is laid out where it stands. */
struct seal_walk {
	struct lines *out;
	const struct opened *o;		/* NULL: nobody looked, and that is said */
	const struct part *root;
	struct seal found[SEAL_MAX];	/* where o is NULL */
	const struct seal *v;
	size_t n, next;
	const struct seal *around[SEAL_MAX];	/* signed ones, outermost first */
	size_t n_around;
	const char *advice;		/* the key that opens a locked one; NULL: none */
	bool prefer_html;
	int columns;
};

/* Before the text of part p is laid out; NULL: behind the last. True: it added lines. */
bool seal_before(struct seal_walk *w, const struct part *p);
/* Armour in a text itself (no MIME around it) is not looked at: a line that says so. */
void seal_note_inline(struct lines *out, const char *text, size_t n, int columns);
void seal_walk_init(struct seal_walk *w, struct lines *out, const struct part *root,
	const struct opened *o, int columns);

#endif
