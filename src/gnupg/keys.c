/* keys.c - what the keyring says of keys: the colon lists of gpg and gpgsm (GnuPG's
 * doc/DETAILS), which are looked up here and nowhere else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "run.h"

enum { MAX_LISTING = 8 << 20, FIELDS = 12, VALIDITY = 1, CREATED = 5, USER_ID = 9,
	CAPABILITIES = 11 };

struct colons {
	char *p;
	char *field[FIELDS];
};

/* \x3a in place. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		unsigned c;
		if (s[0] == '\\' && s[1] == 'x' && sscanf(s + 2, "%2x", &c) == 1 && c) {
			*to++ = (char)c;
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool
colons_next(struct colons *c)
{
	static char nothing[] = "";

	if (!c->p || !*c->p)
		return false;
	char *line = strsep(&c->p, "\n");
	for (size_t i = 0; i < FIELDS; i++) {
		char *field = strsep(&line, ":");
		c->field[i] = field ? field : nothing;
	}
	unescape(c->field[USER_ID]);
	return true;
}

/* "Ada <ada@example.org>" or the address alone. */
static bool
has_address(const char *user_id, const char *addr)
{
	const char *open = strrchr(user_id, '<');
	size_t n = strlen(addr);

	if (!open)
		return str_ieq(user_id, addr);
	return strlen(open) == n + 2 && str_istarts(open + 1, addr) && open[n + 1] == '>';
}

static enum sig_trust
trust_of(char validity)
{
	switch (validity) {
	case 'u': case 'f': return TRUST_FULL;
	case 'm': return TRUST_MARGINAL;
	case 'n': return TRUST_NEVER;
	default: return TRUST_UNKNOWN;
	}
}

/* Of a key that is expired or revoked all user ids are, and that is told already. */
static bool
counts(const struct signature *sig, char validity)
{
	return sig->state != SIG_GOOD || !validity || !strchr("rei", validity);
}

/* A user id that the sender's address is in says who signed, and how far that is vouched for;
 * with S/MIME the chain of the certificate vouches for all of them. */
static void
read_user_ids(struct signature *sig, enum seal_scheme scheme, const char *sender,
	char *listing)
{
	struct colons c = { .p = listing };

	while (!sig->is_sender && colons_next(&c)) {
		const char *id = c.field[USER_ID];
		char validity = c.field[VALIDITY][0];
		if (!str_eq(c.field[0], "uid") || !counts(sig, validity) || !*sender ||
		    !has_address(id, sender))
			continue;
		sig->is_sender = true;
		if (scheme == SCHEME_SMIME)
			continue;
		free(sig->who);
		sig->who = xstrdup(id);
		sig->trust = trust_of(validity);
	}
}

/* The list of the keys that `pattern` names goes into r->out; run_clear(r) follows. */
static enum err
list_keys(struct run *r, const char *which, const char *pattern, const struct gnupg_how *how,
	struct error *e)
{
	r->max_out = MAX_LISTING;
	run_arg(r, "--with-colons");
	run_arg(r, which);
	run_arg(r, "--");
	run_arg(r, pattern);
	return run_gnupg(r, how, e);
}

enum err
keys_name_signer(struct signature *sig, enum seal_scheme scheme, const char *sender,
	const struct gnupg_how *how, struct error *e)
{
	struct run r = { .scheme = scheme };
	size_t n = strlen(sig->fingerprint);

	if (sig->state == SIG_NO_KEY || sig->state == SIG_UNCHECKED || n < 16 ||
	    strspn(sig->fingerprint, "0123456789ABCDEFabcdef") != n)
		return ERR_OK;
	enum err rc = list_keys(&r, "--list-keys", sig->fingerprint, how, e);
	if (rc == ERR_OK && r.out.len > 0)
		read_user_ids(sig, scheme, sender, r.out.data);
	run_clear(&r);
	return rc == ERR_CANCELLED ? rc : ERR_OK;
}

bool
keys_are_ours(const char (*ids)[KEY_ID_SIZE], size_t n, enum seal_scheme scheme,
	const struct gnupg_how *how)
{
	bool are = false;

	for (size_t i = 0; i < n && !are; i++) {
		struct run r = { .scheme = scheme };
		are = list_keys(&r, "--list-secret-keys", ids[i], how, NULL) == ERR_OK &&
			r.exit_code == 0 && strstr(str_get(&r.out), ids[i]);
		run_clear(&r);
	}
	return are;
}

/* ---- keys to encrypt to ---- */

struct candidate {
	bool is_usable, fits, is_vouched;
	const char *fingerprint, *created;
};

/* The better of two: vouched for, then the newer. */
static void
consider(struct gnupg_key *key, const struct candidate *c, const char **best)
{
	if (!c->is_usable || !c->fits || !c->fingerprint)
		return;
	if (key->fingerprint && (key->is_vouched > c->is_vouched ||
	    (key->is_vouched == c->is_vouched && strcmp(*best, c->created) > 0)))
		return;
	free(key->fingerprint);
	key->fingerprint = xstrdup(c->fingerprint);
	key->is_vouched = c->is_vouched;
	*best = c->created;
}

/* That the chain of a certificate holds gpgsm looks at itself when it encrypts. */
static void
read_user_id(struct candidate *now, const struct colons *c, const struct gnupg_key *key,
	enum seal_scheme scheme)
{
	char validity = c->field[VALIDITY][0];

	if ((validity && strchr("rei", validity)) ||
	    !has_address(c->field[USER_ID], key->address))
		return;
	now->fits = true;
	now->is_vouched |= scheme == SCHEME_SMIME || trust_of(validity) == TRUST_FULL ||
		trust_of(validity) == TRUST_MARGINAL;
}

static bool
is_key(const char *record)
{
	return str_eq(record, "pub") || str_eq(record, "crt") || str_eq(record, "crs");
}

static void
choose_key(struct gnupg_key *key, enum seal_scheme scheme, char *listing)
{
	struct colons c = { .p = listing };
	struct candidate now = { 0 };
	const char *best = "";

	while (colons_next(&c)) {
		const char *record = c.field[0];
		if (is_key(record)) {
			consider(key, &now, &best);
			char validity = c.field[VALIDITY][0];
			now = (struct candidate){ .created = c.field[CREATED],
				.is_usable = strchr(c.field[CAPABILITIES], 'E') &&
				!strchr(c.field[CAPABILITIES], 'D') &&
				!(validity && strchr("reid", validity)) };
		} else if (str_eq(record, "fpr") && !now.fingerprint) {
			now.fingerprint = c.field[USER_ID];
		} else if (str_eq(record, "uid")) {
			read_user_id(&now, &c, key, scheme);
		}
	}
	consider(key, &now, &best);
}

static enum err
find_key(struct gnupg_key *key, enum seal_scheme scheme, const struct gnupg_how *how,
	struct error *e)
{
	struct run r = { .scheme = scheme };
	char *pattern = xasprintf("<%s>", key->address);
	enum err rc = list_keys(&r, "--list-keys", pattern, how, e);

	if (rc == ERR_OK && r.out.len > 0)
		choose_key(key, scheme, r.out.data);
	run_clear(&r);
	free(pattern);
	return rc;
}

enum err
gnupg_find_keys(struct gnupg_key *keys, size_t n, enum seal_scheme scheme,
	const struct gnupg_how *how, struct error *e)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		if (!keys[i].fingerprint)
			rc = find_key(&keys[i], scheme, how, e);
	}
	return rc;
}
