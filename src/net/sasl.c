/* sasl.c - what to answer when a server asks who we are (RFC 4422).
 *
 * libgsasl does PLAIN, LOGIN and SCRAM; the two OAuth forms are a line of text each and
 * written here. Around it stand the checks that no library makes for us: a challenge is
 * bounded, is base64, comes only as often as the mechanism allows, and cannot make us
 * count hashes for hours. Answers and copies of the password are wiped.
 *
 * Mechanisms without protection of the password need a private connection; CRAM-MD5,
 * DIGEST-MD5 and NTLM are not there on purpose (RFC 6331 and the like). */
#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "hide.h"
#include "net.h"

enum {
	MAX_CHALLENGE_BYTES = 12 * 1024,
	MIN_ITERATIONS = 4096,			/* RFC 7677 4 */
	MAX_ITERATIONS = 1000 * 1000		/* about a second of hashing */
};

struct mechanism {
	const char *name;
	bool is_safe_in_clear;	/* the password cannot be had from what is sent */
	bool is_only_wanted;	/* needs a token in place of a password: never
				 * chosen by itself */
	bool is_client_first;
	int max_steps;		/* answers of ours; a server that asks for more gets none */
	enum err (*step)(struct sasl *s, const char *in, size_t n, struct str *answer,
		struct error *e);
};

struct sasl {
	const struct mechanism *mechanism;
	char *user, *password, *host;
	uint16_t port;
	Gsasl *ctx;
	Gsasl_session *session;
	int n_steps;
	bool is_finished;
};

static enum err
nonsense(struct sasl *s, struct error *e)
{
	return error_set(e, ERR_AUTH, "the server's %s answer makes no sense",
		s->mechanism->name);
}

static enum err
explain(struct sasl *s, int rc, const char *in, struct error *e)
{
	if (str_starts(in, "e="))		/* server-error, RFC 5802 7 */
		return error_set(e, ERR_AUTH, "the server refused the login: %.60s", in + 2);
	if (str_starts(in, "v="))
		return error_set(e, ERR_AUTH,
			"the server did not prove that it knows the password");
	switch (rc) {
	case GSASL_SASLPREP_ERROR:
		return error_set(e, ERR_AUTH,
			"user name or password has characters that %s does not allow",
			s->mechanism->name);
	case GSASL_MALLOC_ERROR:
	case GSASL_CRYPTO_ERROR:
		return error_set(e, ERR_LOCAL, "%s failed here: %s", s->mechanism->name,
			gsasl_strerror(rc));
	default:
		return nonsense(s, e);
	}
}

static void
wipe(void *p, size_t n)
{
	if (p)
		explicit_bzero(p, n);
	gsasl_free(p);
}

static enum err
step_gsasl(struct sasl *s, const char *in, size_t n, struct str *answer, struct error *e)
{
	char *out = NULL;
	size_t len = 0;
	int rc = gsasl_step(s->session, in, n, &out, &len);

	if (rc != GSASL_OK && rc != GSASL_NEEDS_MORE)
		return explain(s, rc, in, e);
	str_add(answer, out, len);
	wipe(out, len);
	s->is_finished = rc == GSASL_OK;
	return ERR_OK;
}

/* The N of ",i=N" in "r=nonce,s=salt,i=N" (RFC 5802 7); 0: there is
 * none, or it is too long. */
static uint32_t
iterations(const char *challenge)
{
	const char *p = strstr(challenge, ",i=");
	uint32_t value = 0;
	int n_digits = 0;

	for (p = p ? p + 3 : ""; *p >= '0' && *p <= '9' && n_digits < 8; p++, n_digits++)
		value = value * 10 + (uint32_t)(*p - '0');
	return *p == '\0' || *p == ',' ? value : 0;
}

static enum err
step_scram(struct sasl *s, const char *in, size_t n, struct str *answer, struct error *e)
{
	if (s->n_steps == 2 && n > 0 && in[0] != 'e') {
		uint32_t count = iterations(in);
		if (count < MIN_ITERATIONS || count > MAX_ITERATIONS)
			return error_set(e, ERR_AUTH,
				"the server asks for an unsafe number of SCRAM rounds");
	}
	return step_gsasl(s, in, n, answer, e);
}

/* The server wants the second answer, an empty one, before it says no (RFC 7628 3.2.3 and
 * Google's description of XOAUTH2); whatever it says after that, we are not logged in. */
static void
answer_oauth(struct sasl *s, struct str *answer, const char *first, const char *second)
{
	s->is_finished = s->n_steps == 1;
	str_puts(answer, s->n_steps == 1 ? first : second);
}

static enum err
step_xoauth2(struct sasl *s, const char *in, size_t n, struct str *answer, struct error *e)
{
	char *first = xasprintf("user=%s\001auth=Bearer %s\001\001", s->user, s->password);

	(void)in, (void)n, (void)e;
	answer_oauth(s, answer, first, "");
	secret_free(first);
	return ERR_OK;
}

static enum err
step_oauthbearer(struct sasl *s, const char *in, size_t n, struct str *answer, struct error *e)
{
	struct str name = {0};

	(void)in, (void)n, (void)e;
	for (const char *p = s->user; *p; p++)		/* saslname, RFC 5801 4 */
		str_printf(&name, *p == ',' ? "=2C" : *p == '=' ? "=3D" : "%c", *p);
	char *first = xasprintf("n,a=%s,\001host=%s\001port=%u\001auth=Bearer %s\001\001",
		str_get(&name), s->host ? s->host : "", (unsigned)s->port, s->password);
	answer_oauth(s, answer, first, "\001");
	secret_free(first);
	str_clear(&name);
	return ERR_OK;
}

/* The best first. */
static const struct mechanism mechanisms[] = {
	{ "SCRAM-SHA-256", true, false, true, 3, step_scram },
	{ "SCRAM-SHA-1", true, false, true, 3, step_scram },
	{ "PLAIN", false, false, true, 1, step_gsasl },
	{ "LOGIN", false, false, false, 2, step_gsasl },
	{ "OAUTHBEARER", false, true, true, 2, step_oauthbearer },
	{ "XOAUTH2", false, true, true, 2, step_xoauth2 },
};

static const struct mechanism *
find(const char *name)
{
	for (size_t i = 0; i < LEN(mechanisms); i++) {
		if (str_ieq(mechanisms[i].name, name))
			return &mechanisms[i];
	}
	return NULL;
}

static bool
is_offered(const char *offered, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = offered; *p;) {
		p += strspn(p, " ");
		size_t n = strcspn(p, " ");
		if (n == len && strncasecmp(p, name, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static const char *
choose_wanted(const char *offered, const char *wanted, bool is_private, struct error *e)
{
	const struct mechanism *m = find(wanted);

	if (!m)
		error_set(e, ERR_UNSUPPORTED, "auth = %s is not known here", wanted);
	else if (!is_offered(offered, m->name))
		error_set(e, ERR_UNSUPPORTED,
			"the server does not offer %s; it offers: %.200s", m->name,
			*offered ? offered : "nothing");
	else if (!is_private && !m->is_safe_in_clear)
		error_set(e, ERR_UNSUPPORTED, "%s would send the password unprotected",
			m->name);
	else
		return m->name;
	return NULL;
}

const char *
sasl_choose(const char *offered, const char *wanted, bool is_private, struct error *e)
{
	bool has_unsafe = false, has_token = false;

	if (wanted)
		return choose_wanted(offered, wanted, is_private, e);
	for (size_t i = 0; i < LEN(mechanisms); i++) {
		const struct mechanism *m = &mechanisms[i];
		if (!is_offered(offered, m->name))
			continue;
		if (m->is_only_wanted)
			has_token = true;
		else if (!is_private && !m->is_safe_in_clear)
			has_unsafe = true;
		else
			return m->name;
	}
	if (has_unsafe)
		error_set(e, ERR_UNSUPPORTED,
			"without TLS the server takes the password unprotected only");
	else if (has_token)
		error_set(e, ERR_UNSUPPORTED,
			"the server wants a token: set auth = xoauth2 or oauthbearer, "
			"and a password-command that prints one");
	else
		error_set(e, ERR_UNSUPPORTED,
			"no way to log in is known to both; the server offers: %.200s",
			*offered ? offered : "nothing");
	return NULL;
}

/* A token is visible ASCII (RFC 6750 2.1), a name has no control byte: neither can end its
 * field. */
static bool
fits_oauth(const struct sasl *s)
{
	for (const char *p = s->user; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	}
	for (const char *p = s->password; *p; p++) {
		if (*p <= ' ' || *p >= 0x7f)
			return false;
	}
	return *s->password != '\0';
}

static enum err
start_gsasl(struct sasl *s, struct error *e)
{
	int rc = gsasl_init(&s->ctx);

	if (rc == GSASL_OK)
		rc = gsasl_client_start(s->ctx, s->mechanism->name, &s->session);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(s->session, GSASL_AUTHID, s->user);
	if (rc == GSASL_OK)
		rc = gsasl_property_set(s->session, GSASL_PASSWORD, s->password);
	return rc == GSASL_OK ? ERR_OK
		: error_set(e, ERR_LOCAL, "%s cannot be set up: %s", s->mechanism->name,
			gsasl_strerror(rc));
}

enum err
sasl_new(struct sasl **out, const char *mechanism, const struct sasl_login *l, struct error *e)
{
	struct sasl *s = xcalloc(1, sizeof *s);
	enum err rc;

	*out = NULL;
	s->mechanism = find(mechanism);
	s->user = xstrdup(l->user);
	s->password = xstrdup(l->password);
	hide_add(s->password);
	s->host = xstrdup(l->host);
	s->port = l->port;
	if (!s->mechanism)
		rc = error_set(e, ERR_UNSUPPORTED, "login by %s is not known here", mechanism);
	else if (!s->user || !s->password)
		rc = error_set(e, ERR_AUTH, "%s needs a user name and a password", mechanism);
	else if (s->mechanism->is_only_wanted && !fits_oauth(s))
		rc = error_set(e, ERR_AUTH, "what password-command printed is not a token");
	else
		rc = s->mechanism->is_only_wanted ? ERR_OK : start_gsasl(s, e);
	if (rc == ERR_OK) {
		*out = s;
		s = NULL;			/* now the caller's */
	}
	sasl_free(s);
	return rc;
}

/* *out is owned and NUL-terminated, and has no other NUL. */
static bool
decode(const char *challenge, char **out, size_t *n)
{
	size_t len = strlen(challenge);
	char *bytes = NULL;
	bool ok = len <= MAX_CHALLENGE_BYTES &&
		(len == 0 || gsasl_base64_from(challenge, len, &bytes, n) == GSASL_OK);

	ok = ok && (*n == 0 || !memchr(bytes, '\0', *n));
	if (ok)
		*out = xstrndup(bytes ? bytes : "", *n);
	gsasl_free(bytes);
	return ok;
}

enum err
sasl_step(struct sasl *s, const char *challenge, struct str *answer, struct error *e)
{
	size_t n = 0, n64 = 0;
	char *in = NULL, *out = NULL;
	struct str raw = {0};
	enum err rc;

	str_cut(answer, 0);
	s->n_steps++;
	if (!decode(challenge, &in, &n) || s->n_steps > s->mechanism->max_steps ||
	    (s->n_steps == 1 && s->mechanism->is_client_first && n > 0)) {
		rc = nonsense(s, e);
		goto out;
	}
	if ((rc = s->mechanism->step(s, in, n, &raw, e)) != ERR_OK)
		goto out;
	if (raw.len > 0 && gsasl_base64_to(raw.data, raw.len, &out, &n64) != GSASL_OK) {
		rc = error_set(e, ERR_LOCAL, "cannot encode the answer");
		goto out;
	}
	str_add(answer, out, n64);
	if (!s->mechanism->is_safe_in_clear)
		hide_add(out);
out:
	if (rc != ERR_OK)
		s->is_finished = false;
	if (raw.data)
		explicit_bzero(raw.data, raw.cap);
	str_clear(&raw);
	wipe(out, n64);
	free(in);
	return rc;
}

bool
sasl_client_first(const struct sasl *s)
{
	return s->mechanism->is_client_first;
}

bool
sasl_finished(const struct sasl *s)
{
	return s->is_finished;
}

void
sasl_free(struct sasl *s)
{
	if (!s)
		return;
	if (s->session)
		gsasl_finish(s->session);
	if (s->ctx)
		gsasl_done(s->ctx);
	secret_free(s->password);
	free(s->user);
	free(s->host);
	free(s);
}
