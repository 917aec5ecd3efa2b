/* check.h - signatures and decryption of bytes, by one run of a program or two. */
#ifndef DUNLIN_GNUPG_CHECK_H
#define DUNLIN_GNUPG_CHECK_H

#include "gnupg.h"
#include "str.h"

/* Each puts state, why and signatures into *s, and what was inside into *plain. `sender` is
 * whom the signatures are compared with. Only ERR_CANCELLED is an error. */
enum err check_detached(struct seal *s, const struct str *data, const struct str *signature,
	const char *sender, const struct gnupg_how *how, struct error *e);
enum err check_decrypt(struct seal *s, const struct str *data, struct str *plain,
	const char *sender, const struct gnupg_how *how, struct error *e);
enum err check_wrapped(struct seal *s, const struct str *data, struct str *plain,
	const char *sender, const struct gnupg_how *how, struct error *e);

/* ---- keys.c ---- */

enum { KEY_ID_SIZE = 20, MAX_KEY_IDS = 8 };

/* What the keyring knows of the key that made *sig: whose it is, and whether `sender` is among
 * them. ERR_CANCELLED alone is an error. */
enum err keys_name_signer(struct signature *sig, enum seal_scheme scheme, const char *sender,
	const struct gnupg_how *how, struct error *e);

/* Whether a secret key of ours is among these (key ids, as ENC_TO has them). */
bool keys_are_ours(const char (*ids)[KEY_ID_SIZE], size_t n, enum seal_scheme scheme,
	const struct gnupg_how *how);

#endif
