/* gnupg.h - OpenPGP (RFC 9580, RFC 3156) and S/MIME (RFC 8551) by the person's own gpg and
 * gpgsm, which have the keys.
 *
 * Each call runs programs and waits for them, for seconds or until a person typed a
 * passphrase: never in the UI's thread but with the screen put aside. Nothing of it uses the
 * network: no key is fetched, no revocation asked for (doc/crypto.md). Decrypted bytes come
 * through pipes and are on no disk. Any thread, own objects. */
#ifndef DUNLIN_GNUPG_H
#define DUNLIN_GNUPG_H

#include "err.h"
#include "seal.h"

struct gnupg_how {
	/* the passphrase may be asked for; else what needs one is SEAL_LOCKED */
	bool asks;
	const char *tty;		/* the terminal to ask on; NULL: a window alone */
	bool (*go_on)(void *ctx);	/* asked ten times a second; NULL: nobody stops it */
	void *ctx;
	int timeout_ms;			/* of one program; 0: GNUPG_TIMEOUT_MS */
};
enum { GNUPG_TIMEOUT_MS = 60 * 1000, GNUPG_ASK_TIMEOUT_MS = 5 * 60 * 1000 };

/* Takes the message of n bytes apart, checks its signatures and decrypts what can be had, down
 * to SEAL_MAX_DEPTH seals in one another. What went wrong with a part is in its seal. Only
 * ERR_CANCELLED (how->go_on) and ERR_MSG (over SEAL_MAX_BYTES) are errors; *out is NULL
 * then. */
enum err gnupg_open(struct opened **out, const char *p, size_t n, const struct gnupg_how *how,
	struct error *e);

/* ---- writing ---- */

/* A key to encrypt to. */
struct gnupg_key {
	char *address;
	char *fingerprint;		/* NULL: there is none that can be used */
	bool is_vouched;		/* the keyring says that it is of that address */
};
/* Looks for the key of each address that has none yet in the local keyring. Only
 * ERR_CANCELLED, and that there is no such program (ERR_MSG), are errors. */
enum err gnupg_find_keys(struct gnupg_key *keys, size_t n, enum seal_scheme scheme,
	const struct gnupg_how *how, struct error *e);

/* How a message is to be sealed; all owned (gnupg_plan_free). */
struct gnupg_plan {
	enum seal_scheme scheme;
	char *sign_key;			/* fingerprint or "<address>"; NULL: not signed */
	char **keys;			/* to encrypt to; none: not encrypted */
	size_t n_keys, cap_keys;
	char **hidden;			/* the same, not named in the message (Bcc) */
	size_t n_hidden, cap_hidden;
};
void gnupg_plan_free(struct gnupg_plan *plan);		/* NULL is fine */
/* Makes of a finished message (compose.h: CRLF, a header with Content-Type) a signed,
 * encrypted or signed and encrypted one; its header stays outside, but for the Content-
 * fields. *needs_terminal: with how->tty it may be done. ERR_MSG: it cannot be, nothing was
 * changed. */
enum err gnupg_seal(struct str *bytes, const struct gnupg_plan *plan,
	const struct gnupg_how *how, bool *needs_terminal, struct error *e);

#endif
