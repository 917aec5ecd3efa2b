/* check.c - see check.h.
 *
 * What is believed is what the program says in its status lines, and all of it must fit: a
 * signature is good with GOODSIG and VALIDSIG, decrypted text is shown with DECRYPTION_OKAY
 * and GOODMDC, once the program has ended. Its exit code is not asked, since that tells of
 * signatures and of decryption in one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "run.h"

enum { MAX_SIGNATURES = 8 };

/* Of gpg-error.h, as the status lines have them in their lower 16 bits. */
enum { GPG_NO_SECKEY = 17, GPG_NO_PINENTRY = 85, GPG_CANCELED = 99, GPG_BAD_PASSPHRASE = 11,
	GPG_FULLY_CANCELED = 198 };

/* What the lines said beside the signatures. */
struct said {
	bool is_decrypted, has_failed, has_mdc, lacks_key, wants_symmetric;
	char ids[MAX_KEY_IDS][KEY_ID_SIZE];	/* whom it is encrypted to */
	size_t n_ids;
	unsigned n_plain, error;
	bool uses_terminal;		/* a pinentry that was started */
};

/* ---- signatures ---- */

static void
set(char **to, const char *value)
{
	free(*to);
	*to = xstrdup(value);
}

static struct signature *
add_signature(struct seal *s)
{
	s->sigs = array_grow(s->sigs, s->n_sigs, &s->cap_sigs, sizeof *s->sigs);
	struct signature *sig = &s->sigs[s->n_sigs++];
	*sig = (struct signature){ .state = SIG_UNCHECKED, .fingerprint = xstrdup(""),
		.who = xstrdup(""), .why = xstrdup("") };
	return sig;
}

/* Seconds, or 20260715T110000 in UTC. */
static int64_t
read_time(const char *s)
{
	struct tm tm = { 0 };

	if (strchr(s, 'T'))
		return strptime(s, "%Y%m%dT%H%M%S", &tm) ? (int64_t)timegm(&tm) : 0;
	return strtoll(s, NULL, 10);
}

static bool
read_state(const char *keyword, enum sig_state *out)
{
	static const struct { const char *keyword; enum sig_state state; } states[] = {
		{ "GOODSIG", SIG_GOOD }, { "EXPSIG", SIG_EXPIRED },
		{ "EXPKEYSIG", SIG_KEY_EXPIRED }, { "REVKEYSIG", SIG_KEY_REVOKED },
		{ "BADSIG", SIG_BAD },
	};

	for (size_t i = 0; i < LEN(states); i++) {
		if (str_eq(keyword, states[i].keyword)) {
			*out = states[i].state;
			return true;
		}
	}
	return false;
}

/* ERRSIG keyid algorithm hash class time code fingerprint: 9 is a key that is not here. */
static void
read_unchecked(struct signature *sig, const struct status *l)
{
	sig->state = str_eq(l->word[5], "9") ? SIG_NO_KEY : SIG_UNCHECKED;
	set(&sig->fingerprint, *l->word[6] && !str_eq(l->word[6], "-") ? l->word[6]
		: l->word[0]);
	sig->made = read_time(l->word[4]);
	if (sig->state == SIG_UNCHECKED)
		set(&sig->why, str_eq(l->word[5], "4") ? "made in a way that is not known here"
			: "it could not be checked");
}

/* What belongs to the signature that the last NEWSIG began. */
static void
read_signature(struct signature *sig, const struct status *l, bool *is_valid)
{
	enum sig_state state;
	char who[1000];

	if (read_state(l->keyword, &state)) {
		sig->state = state;
		snprintf(who, sizeof who, "%s", l->rest);
		status_unescape(who);
		set(&sig->who, who);
		if (!*sig->fingerprint)
			set(&sig->fingerprint, l->word[0]);
	} else if (str_eq(l->keyword, "ERRSIG")) {
		read_unchecked(sig, l);
	} else if (str_eq(l->keyword, "VALIDSIG")) {
		*is_valid = true;
		set(&sig->fingerprint, *l->word[9] ? l->word[9] : l->word[0]);
		sig->made = read_time(l->word[2]);
	} else if (str_starts(l->keyword, "TRUST_")) {
		sig->trust = str_eq(l->keyword, "TRUST_FULLY") ||
			str_eq(l->keyword, "TRUST_ULTIMATE") ? TRUST_FULL
			: str_eq(l->keyword, "TRUST_MARGINAL") ? TRUST_MARGINAL
			: str_eq(l->keyword, "TRUST_NEVER") ? TRUST_NEVER : TRUST_UNKNOWN;
	}
}

/* GOODSIG without VALIDSIG is none. */
static void
end_signature(struct seal *s, bool is_valid)
{
	struct signature *sig = s->n_sigs ? &s->sigs[s->n_sigs - 1] : NULL;

	if (sig && sig->state == SIG_GOOD && !is_valid)
		sig->state = SIG_UNCHECKED;
}

/* ---- the rest ---- */

static void
read_other(struct said *said, const struct status *l)
{
	if (str_eq(l->keyword, "DECRYPTION_OKAY"))
		said->is_decrypted = true;
	else if (str_eq(l->keyword, "DECRYPTION_FAILED") || str_eq(l->keyword, "BADMDC"))
		said->has_failed = true;
	else if (str_eq(l->keyword, "GOODMDC"))
		said->has_mdc = true;
	else if (str_eq(l->keyword, "PLAINTEXT"))
		said->n_plain++;
	else if (str_eq(l->keyword, "ENC_TO") && said->n_ids < MAX_KEY_IDS &&
	    strspn(l->word[0], "0123456789ABCDEF") == 16 && strlen(l->word[0]) == 16)
		memcpy(said->ids[said->n_ids++], l->word[0], 17);
	else if (str_eq(l->keyword, "NO_SECKEY"))
		said->lacks_key = true;
	else if (str_eq(l->keyword, "NEED_PASSPHRASE_SYM"))
		said->wants_symmetric = true;
	else if (str_eq(l->keyword, "ERROR") && *l->word[1])
		said->error = (unsigned)strtoul(l->word[1], NULL, 10) & 0xffff;
	else if (str_eq(l->keyword, "PINENTRY_LAUNCHED"))
		said->uses_terminal = status_names_terminal(l);
}

static void
read_status(struct seal *s, struct said *said, struct run *r)
{
	struct status_reader reader = { str_get(&r->status)[0] ? r->status.data : NULL };
	struct status l;
	bool is_valid = false;

	*said = (struct said){ 0 };
	while (status_next(&reader, &l)) {
		if (str_eq(l.keyword, "NEWSIG")) {
			end_signature(s, is_valid);
			is_valid = false;
			if (s->n_sigs == MAX_SIGNATURES)
				break;
			add_signature(s);
		} else if (s->n_sigs > 0) {
			read_signature(&s->sigs[s->n_sigs - 1], &l, &is_valid);
		}
		read_other(said, &l);
	}
	end_signature(s, is_valid);
}

static void
fail(struct seal *s, enum seal_state state, const char *why)
{
	s->state = state;
	set(&s->why, why);
}

/* Runs it; what the run itself says goes into the seal, but for being stopped. */
static enum err
run(struct seal *s, struct run *r, struct said *said, const struct gnupg_how *how,
	struct error *e)
{
	struct error why = { 0 };
	enum err rc = run_gnupg(r, how, &why);

	if (rc == ERR_CANCELLED) {
		if (e)
			*e = why;
		return rc;
	}
	if (rc != ERR_OK)
		fail(s, r->is_missing ? SEAL_NO_PROGRAM : SEAL_FAILED, why.text);
	else
		read_status(s, said, r);
	return ERR_OK;
}

static enum err
name_signers(struct seal *s, const char *sender, const struct gnupg_how *how, struct error *e)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < s->n_sigs && rc == ERR_OK; i++)
		rc = keys_name_signer(&s->sigs[i], s->scheme, sender, how, e);
	return rc;
}

static void
judge_signatures(struct seal *s)
{
	s->state = SEAL_OPEN;
	if (s->n_sigs == 0)
		fail(s, SEAL_FAILED, "what stands for a signature is none");
}

enum err
check_detached(struct seal *s, const struct str *data, const struct str *signature,
	const char *sender, const struct gnupg_how *how, struct error *e)
{
	struct run r = { .scheme = s->scheme, .in = str_get(data), .in_len = data->len,
		.more = str_get(signature), .more_len = signature->len, .max_out = 1 << 20 };
	struct said said = { 0 };

	run_arg(&r, "--verify");
	run_arg(&r, "--");
	run_arg(&r, "-&4");
	run_arg(&r, "-");
	enum err rc = run(s, &r, &said, how, e);
	if (rc == ERR_OK && s->state == SEAL_CLOSED)
		judge_signatures(s);
	run_clear(&r);
	return rc == ERR_OK ? name_signers(s, sender, how, e) : rc;
}

/* gpgsm does not say why; but a key of ours that did not open it wants its passphrase. */
static bool
is_locked_silently(const struct seal *s, const struct said *said, const struct gnupg_how *how)
{
	return s->scheme == SCHEME_SMIME && !said->error &&
		keys_are_ours(said->ids, said->n_ids, s->scheme, how);
}

/* Why nothing came out. */
static void
tell_failure(struct seal *s, const struct said *said, const struct gnupg_how *how)
{
	bool is_asked = said->wants_symmetric || said->error == GPG_NO_PINENTRY;

	if (said->error == GPG_CANCELED || said->error == GPG_FULLY_CANCELED)
		fail(s, SEAL_LOCKED, "the passphrase was not given");
	else if (said->error == GPG_BAD_PASSPHRASE)
		fail(s, SEAL_LOCKED, "that was not the passphrase");
	else if (said->uses_terminal && !how->tty)
		fail(s, SEAL_NEEDS_TERMINAL, NULL);
	else if (is_asked && how->asks)
		fail(s, SEAL_FAILED, "gpg-agent could not ask for the passphrase: there is "
			"no pinentry that works");
	else if (is_asked)
		fail(s, SEAL_LOCKED, NULL);
	else if (is_locked_silently(s, said, how))
		fail(s, !how->asks ? SEAL_LOCKED : how->tty ? SEAL_FAILED
			: SEAL_NEEDS_TERMINAL, how->tty ? "it could not be decrypted" : NULL);
	else if (s->scheme == SCHEME_SMIME)
		fail(s, SEAL_FAILED, "none of your certificates opens it, or it is damaged");
	else if (said->lacks_key || said->error == GPG_NO_SECKEY)
		fail(s, SEAL_NO_KEY, NULL);
	else
		fail(s, SEAL_FAILED, "it could not be decrypted: damaged, or not what it "
			"says it is");
}

static void
judge(struct seal *s, const struct said *said, const struct gnupg_how *how)
{
	if (!said->is_decrypted && said->has_failed && said->n_plain > 0)
		fail(s, SEAL_UNSAFE, NULL);
	else if (!said->is_decrypted || said->has_failed)
		tell_failure(s, said, how);
	else if (s->scheme == SCHEME_OPENPGP && (!said->has_mdc || said->n_plain != 1))
		fail(s, SEAL_UNSAFE, NULL);
	else
		s->state = SEAL_OPEN;
}

enum err
check_decrypt(struct seal *s, const struct str *data, struct str *plain, const char *sender,
	const struct gnupg_how *how, struct error *e)
{
	struct run r = { .scheme = s->scheme, .in = str_get(data), .in_len = data->len,
		.max_out = SEAL_MAX_BYTES };
	struct said said = { 0 };

	run_arg(&r, "--decrypt");
	enum err rc = run(s, &r, &said, how, e);
	if (rc == ERR_OK && s->state == SEAL_CLOSED)
		judge(s, &said, how);
	if (rc == ERR_OK && s->state == SEAL_OPEN) {
		*plain = r.out;
		r.out = (struct str){ 0 };
	} else {
		for (size_t i = 0; i < s->n_sigs; i++)
			signature_clear(&s->sigs[i]);
		s->n_sigs = 0;			/* of what nobody sees */
	}
	run_clear(&r);
	return rc == ERR_OK ? name_signers(s, sender, how, e) : rc;
}

enum err
check_wrapped(struct seal *s, const struct str *data, struct str *plain, const char *sender,
	const struct gnupg_how *how, struct error *e)
{
	struct run r = { .scheme = s->scheme, .in = str_get(data), .in_len = data->len,
		.max_out = SEAL_MAX_BYTES };
	struct said said = { 0 };

	run_arg(&r, "--output");
	run_arg(&r, "-");
	run_arg(&r, "--verify");
	enum err rc = run(s, &r, &said, how, e);
	if (rc == ERR_OK && s->state == SEAL_CLOSED) {
		judge_signatures(s);
		*plain = r.out;
		r.out = (struct str){ 0 };
	}
	run_clear(&r);
	return rc == ERR_OK ? name_signers(s, sender, how, e) : rc;
}
