/* wrap.c - a finished message becomes a signed or encrypted one (RFC 3156, RFC 8551).
 *
 * The Content- fields and the body go inside as they are, every other field stays outside.
 * What is signed is what build.c made: seven bits, no bare line end, so that no server on the
 * way has a reason to change it; where an attached message has eight it is refused. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "check.h"
#include "compose.h"
#include "run.h"

enum { MAX_SIGNATURE = 1 << 20 };

void
gnupg_plan_free(struct gnupg_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_keys; i++)
		free(plan->keys[i]);
	for (size_t i = 0; i < plan->n_hidden; i++)
		free(plan->hidden[i]);
	free(plan->keys);
	free(plan->hidden);
	free(plan->sign_key);
	free(plan);
}

/* ---- the two halves ---- */

static bool
goes_inside(const char *line, size_t n)
{
	return n > 8 && str_istarts(line, "content-");
}

/* Header fields to one of the two, with their folded lines. */
static void
split(const struct str *bytes, struct str *outside, struct str *inside)
{
	const char *p = str_get(bytes), *end = p + bytes->len;
	struct str *to = outside;

	while (p < end && *p != '\r') {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl + 1 - p) : (size_t)(end - p);
		if (*p != ' ' && *p != '\t')
			to = goes_inside(p, n) ? inside : outside;
		str_add(to, p, n);
		p += n;
	}
	str_add(inside, p, (size_t)(end - p));
}

/* What gpg writes ends its lines in LF. */
static void
put_lines(struct str *out, const struct str *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\n' && (i == 0 || text->data[i - 1] != '\r'))
			str_putc(out, '\r');
		str_putc(out, text->data[i]);
	}
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		str_puts(out, "\r\n");
}

/* One that stands in no content: 128 bits that nobody knew. Owned. */
static char *
new_boundary(void)
{
	unsigned char random[16];
	struct str s = { 0 };

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		abort();
	str_puts(&s, "=_seal_");
	for (size_t i = 0; i < sizeof random; i++)
		str_printf(&s, "%02x", random[i]);
	return str_take(&s);
}

/* ---- running it ---- */

struct outcome {
	bool is_signed, is_encrypted, uses_terminal, lacks_signer, lacks_key;
	unsigned hash;
};

static void
read_outcome(struct outcome *o, struct run *r)
{
	struct status_reader reader = { r->status.data };
	struct status l;

	while (status_next(&reader, &l)) {
		if (str_eq(l.keyword, "SIG_CREATED")) {
			o->is_signed = true;
			o->hash = (unsigned)strtoul(l.word[2], NULL, 10);
		} else if (str_eq(l.keyword, "END_ENCRYPTION")) {
			o->is_encrypted = true;
		} else if (str_eq(l.keyword, "INV_SGNR") || str_eq(l.keyword, "NO_SGNR")) {
			o->lacks_signer = true;
		} else if (str_eq(l.keyword, "INV_RECP") || str_eq(l.keyword, "NO_RECP")) {
			o->lacks_key = true;
		} else if (str_eq(l.keyword, "PINENTRY_LAUNCHED")) {
			o->uses_terminal = status_names_terminal(&l);
		}
	}
}

static enum err
judge(const struct run *r, const struct outcome *o, bool signs, bool encrypts,
	const struct gnupg_how *how, bool *needs_terminal, struct error *e)
{
	bool is_openpgp = r->scheme == SCHEME_OPENPGP;

	if (r->exit_code == 0 && r->out.len > 0 && (!signs || o->is_signed) &&
	    (!encrypts || !is_openpgp || o->is_encrypted))
		return ERR_OK;
	*needs_terminal = o->uses_terminal && !how->tty;
	if (*needs_terminal)
		return error_set(e, ERR_MSG, "the passphrase is asked for on a terminal");
	if (signs && o->lacks_signer)
		return error_set(e, ERR_MSG, "there is no key of yours to sign with");
	if (encrypts && o->lacks_key)
		return error_set(e, ERR_MSG, "%s cannot encrypt to one of the keys",
			is_openpgp ? "gpg" : "gpgsm");
	return error_set(e, ERR_MSG, signs ? "it could not be signed: no key, or no "
		"passphrase" : "it could not be encrypted");
}

static enum err
run_plan(struct run *r, struct outcome *o, bool signs, bool encrypts,
	const struct gnupg_how *how, bool *needs_terminal, struct error *e)
{
	enum err rc = run_gnupg(r, how, e);

	if (rc != ERR_OK)
		return rc;
	read_outcome(o, r);
	return judge(r, o, signs, encrypts, how, needs_terminal, e);
}

static void
put_keys(struct run *r, const struct gnupg_plan *plan)
{
	for (size_t i = 0; i < plan->n_keys; i++) {
		run_arg(r, "-r");
		run_arg(r, plan->keys[i]);
	}
	for (size_t i = 0; i < plan->n_hidden; i++) {
		run_arg(r, "-R");
		run_arg(r, plan->hidden[i]);
	}
}

/* ---- signed ---- */

/* RFC 4880 9.4; RFC 8551 3.5.3.2 writes them with a hyphen. */
static const char *
hash_name(unsigned hash, bool is_openpgp)
{
	switch (hash) {
	case 2: return is_openpgp ? "pgp-sha1" : "sha-1";
	case 9: return is_openpgp ? "pgp-sha384" : "sha-384";
	case 10: return is_openpgp ? "pgp-sha512" : "sha-512";
	case 11: return is_openpgp ? "pgp-sha224" : "sha-224";
	default: return is_openpgp ? "pgp-sha256" : "sha-256";
	}
}

static void
put_signed(struct str *out, const struct str *inside, const struct str *signature,
	unsigned hash, bool is_openpgp)
{
	char *boundary = new_boundary();
	const char *type = is_openpgp ? "pgp-signature" : "pkcs7-signature";

	str_printf(out, "Content-Type: multipart/signed; micalg=%s;\r\n"
		"\tprotocol=\"application/%s\";\r\n\tboundary=\"%s\"\r\n\r\n",
		hash_name(hash, is_openpgp), type, boundary);
	str_printf(out, "--%s\r\n", boundary);
	str_add(out, str_get(inside), inside->len);
	str_printf(out, "\r\n--%s\r\nContent-Type: application/%s; name=\"%s\"\r\n", boundary,
		type, is_openpgp ? "signature.asc" : "smime.p7s");
	if (!is_openpgp)
		str_puts(out, "Content-Transfer-Encoding: base64\r\n");
	str_puts(out, "\r\n");
	put_lines(out, signature);
	str_printf(out, "\r\n--%s--\r\n", boundary);
	free(boundary);
}

/* Appends the content signed, a part of its own, to out. */
static enum err
sign(struct str *out, const struct str *inside, const struct gnupg_plan *plan,
	const struct gnupg_how *how, bool *needs_terminal, struct error *e)
{
	bool is_openpgp = plan->scheme == SCHEME_OPENPGP;
	struct run r = { .scheme = plan->scheme, .in = str_get(inside),
		.in_len = inside->len, .max_out = MAX_SIGNATURE };
	struct outcome o = { 0 };

	for (size_t i = 0; i < inside->len; i++) {
		if ((unsigned char)inside->data[i] >= 0x80)
			return error_set(e, ERR_MSG, "a message with eight-bit text is "
				"attached, which cannot be signed: encrypt it as well, or "
				"attach it as a file");
	}
	run_arg(&r, is_openpgp ? "--armor" : "--base64");
	run_arg(&r, "--detach-sign");
	run_arg(&r, "-u");
	run_arg(&r, plan->sign_key);
	enum err rc = run_plan(&r, &o, true, false, how, needs_terminal, e);
	if (rc == ERR_OK)
		put_signed(out, inside, &r.out, o.hash, is_openpgp);
	run_clear(&r);
	return rc;
}

/* ---- encrypted ---- */

static void
put_openpgp(struct str *out, const struct str *armour)
{
	char *boundary = new_boundary();

	str_printf(out, "Content-Type: multipart/encrypted;\r\n"
		"\tprotocol=\"application/pgp-encrypted\";\r\n\tboundary=\"%s\"\r\n\r\n"
		"--%s\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
		"\r\n--%s\r\nContent-Type: application/octet-stream; "
		"name=\"encrypted.asc\"\r\n"
		"Content-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n",
		boundary, boundary, boundary);
	put_lines(out, armour);
	str_printf(out, "\r\n--%s--\r\n", boundary);
	free(boundary);
}

static void
put_smime(struct str *out, const struct str *base64)
{
	str_puts(out, "Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n"
		"\tname=\"smime.p7m\"\r\nContent-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n");
	put_lines(out, base64);
}

/* With OpenPGP signed in the same go (RFC 3156 6.2); an S/MIME content was signed before. */
static enum err
encrypt(struct str *out, const struct str *inside, const struct gnupg_plan *plan,
	const struct gnupg_how *how, bool *needs_terminal, struct error *e)
{
	bool is_openpgp = plan->scheme == SCHEME_OPENPGP;
	bool signs = is_openpgp && plan->sign_key;
	struct run r = { .scheme = plan->scheme, .in = str_get(inside),
		.in_len = inside->len, .max_out = COMPOSE_MAX_BYTES };
	struct outcome o = { 0 };

	run_arg(&r, is_openpgp ? "--armor" : "--base64");
	if (is_openpgp) {		/* the keys were chosen, and asked about, before */
		run_arg(&r, "--trust-model");
		run_arg(&r, "always");
	}
	if (signs) {
		run_arg(&r, "--sign");
		run_arg(&r, "-u");
		run_arg(&r, plan->sign_key);
	}
	put_keys(&r, plan);
	run_arg(&r, "--encrypt");
	enum err rc = run_plan(&r, &o, signs, true, how, needs_terminal, e);
	if (rc == ERR_OK && is_openpgp)
		put_openpgp(out, &r.out);
	else if (rc == ERR_OK)
		put_smime(out, &r.out);
	run_clear(&r);
	return rc;
}

/* ---- both ---- */

static enum err
seal(struct str *out, const struct str *inside, const struct gnupg_plan *plan,
	const struct gnupg_how *how, bool *needs_terminal, struct error *e)
{
	struct str is_signed = { 0 };
	enum err rc;

	if (plan->n_keys + plan->n_hidden == 0)
		return sign(out, inside, plan, how, needs_terminal, e);
	if (plan->scheme == SCHEME_OPENPGP || !plan->sign_key)
		return encrypt(out, inside, plan, how, needs_terminal, e);
	rc = sign(&is_signed, inside, plan, how, needs_terminal, e);
	if (rc == ERR_OK)
		rc = encrypt(out, &is_signed, plan, how, needs_terminal, e);
	str_wipe(&is_signed);
	return rc;
}

enum err
gnupg_seal(struct str *bytes, const struct gnupg_plan *plan, const struct gnupg_how *how,
	bool *needs_terminal, struct error *e)
{
	struct str out = { 0 }, inside = { 0 };
	enum err rc;

	*needs_terminal = false;
	if (plan->n_keys + plan->n_hidden > (RUN_MAX_ARGS - 20) / 2)
		return error_set(e, ERR_MSG, "too many recipients to encrypt to");
	split(bytes, &out, &inside);
	rc = seal(&out, &inside, plan, how, needs_terminal, e);
	str_wipe(&inside);
	if (rc == ERR_OK) {
		str_wipe(bytes);
		*bytes = out;
	} else {
		str_clear(&out);
	}
	return rc;
}
