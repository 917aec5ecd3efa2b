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

#endif
