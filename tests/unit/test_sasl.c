/* SASL: the vectors of the RFCs, and servers that lie. */
#include <gsasl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "net.h"
#include "test.h"

static const char *nonce;		/* what the next SCRAM begins with */

/* Takes the place of libgsasl's own, which the library calls through its symbol. */
int
gsasl_nonce(char *data, size_t n)
{
	size_t len = nonce ? strlen(nonce) : 0;

	for (size_t i = 0; i < n; i++)
		data[i] = i < len ? nonce[i] : (char)i;
	return GSASL_OK;
}

static char *
b64(const char *s)
{
	char *out;
	size_t n;

	assert_int_equal(GSASL_OK, gsasl_base64_to(s, strlen(s), &out, &n));
	return out;
}

static struct sasl *
begin(const char *mechanism, const char *user, const char *password)
{
	struct sasl_login l = { .user = user, .password = password,
		.host = "server.example.com",
		.port = 143 };
	struct sasl *s;

	assert_int_equal(ERR_OK, sasl_new(&s, mechanism, &l, NULL));
	return s;
}

/* Plays one step; the texts are plain here and base64 on the wire. */
static enum err
step(struct sasl *s, const char *challenge, struct str *answer, struct error *e)
{
	char *in = b64(challenge), *out = NULL;
	size_t n = 0;
	struct str wire = {0};
	enum err rc = sasl_step(s, in, &wire, e);

	str_cut(answer, 0);
	if (wire.len > 0) {
		assert_int_equal(GSASL_OK, gsasl_base64_from(wire.data, wire.len, &out, &n));
		str_add(answer, out, n);
	}
	gsasl_free(in);
	gsasl_free(out);
	str_clear(&wire);
	return rc;
}

/* ---- SCRAM computed a second time, from RFC 5802 3 alone ---- */

struct scram {
	char proof[64], signature[64];	/* base64 */
};

static void
hmac(const EVP_MD *md, const unsigned char *key, int key_len, const char *text,
	unsigned char *out)
{
	assert_non_null(HMAC(md, key, key_len, (const unsigned char *)text, strlen(text), out,
		NULL));
}

static void
scram(struct scram *out, const EVP_MD *md, const char *password, const char *salt64, int count,
	const char *auth_message)
{
	unsigned char salted[64], client[64], stored[64], server[64], sign[64];
	int size = EVP_MD_get_size(md);
	char *salt;
	size_t n;

	assert_int_equal(GSASL_OK, gsasl_base64_from(salt64, strlen(salt64), &salt, &n));
	assert_true(PKCS5_PBKDF2_HMAC(password, (int)strlen(password), (unsigned char *)salt,
		(int)n,
		count, md, size, salted));
	gsasl_free(salt);
	hmac(md, salted, size, "Client Key", client);
	assert_true(EVP_Digest(client, (size_t)size, stored, NULL, md, NULL));
	hmac(md, stored, size, auth_message, sign);
	for (int i = 0; i < size; i++)
		client[i] ^= sign[i];
	EVP_EncodeBlock((unsigned char *)out->proof, client, size);
	hmac(md, salted, size, "Server Key", server);
	hmac(md, server, size, auth_message, sign);
	EVP_EncodeBlock((unsigned char *)out->signature, sign, size);
}

/* The computation above is right: it gives what RFC 5802 5 and RFC 7677 3 print. */
static void
test_reference(void **state)
{
	(void)state;
	struct scram got;

	scram(&got, EVP_sha1(), "pencil", "QSXCR+Q6sek8bf92", 4096,
		"n=user,r=fyko+d2lbbFgONRv9qkxdawL,"
		"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,"
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j");
	assert_string_equal("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", got.proof);
	assert_string_equal("rmF9pqV8S7suAoZWja4dJRkFsKQ=", got.signature);
	scram(&got, EVP_sha256(), "pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096,
		"n=user,r=rOprNGfwEbeRWgbNEkqO,"
		"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
	assert_string_equal("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", got.proof);
	assert_string_equal("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", got.signature);
}

/* RFC 5802 5, word for word. (The nonce of RFC 7677 3 is shorter than libgsasl's, so that its
 * exchange cannot be had here; the next test compares with the computation.) */
static void
test_rfc5802(void **state)
{
	(void)state;
	struct str a = {0};
	size_t n;
	char *bytes, text[32];

	/* libgsasl writes 18 random bytes in base64: these give the nonce of the RFC */
	assert_int_equal(GSASL_OK, gsasl_base64_from("fyko+d2lbbFgONRv9qkxdawL", 24, &bytes,
		&n));
	snprintf(text, sizeof text, "%.*s", (int)n, bytes);
	nonce = text;
	struct sasl *s = begin("SCRAM-SHA-1", "user", "pencil");
	nonce = NULL;
	assert_true(sasl_client_first(s));
	assert_int_equal(ERR_OK, step(s, "", &a, NULL));
	assert_string_equal("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL", str_get(&a));
	assert_int_equal(ERR_OK, step(s, "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"s=QSXCR+Q6sek8bf92,i=4096", &a, NULL));
	assert_string_equal("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", str_get(&a));
	assert_false(sasl_finished(s));
	assert_int_equal(ERR_OK, step(s, "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", &a, NULL));
	assert_string_equal("", str_get(&a));
	assert_true(sasl_finished(s));
	sasl_free(s);
	gsasl_free(bytes);
	str_clear(&a);
}

/* Plays SCRAM up to the server's proof, and returns what that proof has to be. */
static void
scram_play(struct sasl *s, const EVP_MD *md, const char *user, const char *password,
	struct scram *want, struct str *a)
{
	char challenge[200], first[200], message[600], proof[200];
	const char *r;

	assert_int_equal(ERR_OK, step(s, "", a, NULL));
	snprintf(first, sizeof first, "%s", str_get(a) + 3);	/* without "n,," */
	assert_true(str_starts(first, user));
	r = strstr(first, ",r=") + 1;
	snprintf(challenge, sizeof challenge, "%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=8192", r);
	snprintf(message, sizeof message, "%s,%s,c=biws,%s+srv", first, challenge, r);
	scram(want, md, password, "W22ZaJ0SNY7soEsUEjb6gQ==", 8192, message);
	assert_int_equal(ERR_OK, step(s, challenge, a, NULL));
	snprintf(proof, sizeof proof, "c=biws,%s+srv,p=%s", r, want->proof);
	assert_string_equal(proof, str_get(a));
}

/* Both hashes, names and passwords beyond ASCII and with ',' and '=' in them. */
static void
test_scram(void **state)
{
	(void)state;
	static const struct { const char *user, *sent, *password; } cases[] = {
		{ "user", "n=user,", "pencil" },
		{ "a,b=c", "n=a=2Cb=3Dc,", "p,=\\ \" " },
		{ "j\xc3\xb6rg", "n=j\xc3\xb6rg,", "\xc3\xa4\xe2\x82\xac" },
	};

	for (size_t i = 0; i < 2 * LEN(cases); i++) {
		bool is_256 = i % 2;
		struct sasl *s = begin(is_256 ? "scram-sha-256" : "SCRAM-SHA-1",
			cases[i / 2].user,
			cases[i / 2].password);
		struct str a = {0};
		struct scram want;
		char final[100];
		scram_play(s, is_256 ? EVP_sha256() : EVP_sha1(), cases[i / 2].sent,
			cases[i / 2].password, &want, &a);
		snprintf(final, sizeof final, "v=%s", want.signature);
		assert_int_equal(ERR_OK, step(s, final, &a, NULL));
		assert_true(sasl_finished(s));
		sasl_free(s);
		str_clear(&a);
	}
}

/* A server that does not know the password is not believed, whatever
 * it answers to our proof. */
static void
test_server_without_proof(void **state)
{
	(void)state;
	static const struct { const char *final, *text; } cases[] = {
		{ "v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "did not prove" },
		{ "v=", "did not prove" }, { "v=!!", "did not prove" },
		{ "v=rmF9", "did not prove" },
		{ "", "makes no sense" }, { "ok", "makes no sense" },
		{ "e=invalid-proof", "refused the login: invalid-proof" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct sasl *s = begin("SCRAM-SHA-256", "user", "pencil");
		struct str a = {0};
		struct scram want;
		struct error e = {0};
		scram_play(s, EVP_sha256(), "n=user,", "pencil", &want, &a);
		assert_int_equal(ERR_AUTH, step(s, cases[i].final, &a, &e));
		if (!strstr(e.text, cases[i].text))
			fail_msg("%s: %s", cases[i].final, e.text);
		assert_false(sasl_finished(s));
		sasl_free(s);
		str_clear(&a);
	}
}

/* First challenges that are no SCRAM, take our nonce away, or make us count for hours or not
 * at all: no proof of the password is given, and nothing takes long. */
static void
test_scram_nonsense(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"", "*", "hello", "r=", "r=,s=,i=",
			"r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"r=%s,s=W22ZaJ0SNY7soEsUEjb6gQ==", "r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0",
		"r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
			"r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095",
		"r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967295",
		"r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001",
		"r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=18446744073709555712",
		"r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-4096",
		"r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x",
		"r=%s+srv,s=,i=4096", "r=%s+srv,s=???,i=4096",
			"m=ext,r=%s+srv,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		"s=W22ZaJ0SNY7soEsUEjb6gQ==,r=%s+srv,i=4096",
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct sasl *s = begin("SCRAM-SHA-256", "user", "pencil");
		struct str a = {0};
		struct error e = {0};
		char challenge[300];
		assert_int_equal(ERR_OK, step(s, "", &a, NULL));
		const char *own = strstr(str_get(&a), "r=") + 2;
		const char *at = strstr(cases[i], "%s");
		size_t before = at ? (size_t)(at - cases[i]) : strlen(cases[i]);
		snprintf(challenge, sizeof challenge, "%.*s%s%s", (int)before, cases[i], at
			? own : "",
			at ? at + 2 : "");
		if (step(s, challenge, &a, &e) != ERR_AUTH)
			fail_msg("%s is answered with %s", cases[i], str_get(&a));
		assert_int_equal(0, a.len);
		assert_true(*e.text && !strstr(e.text, "pencil"));
		sasl_free(s);
		str_clear(&a);
	}
}

/* What is not base64, has a NUL in it or is longer than any challenge is
 * refused by each mechanism. */
static void
test_wire_nonsense(void **state)
{
	(void)state;
	static const char *const names[] = { "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN",
		"XOAUTH2", "OAUTHBEARER" };
	char *big = xmalloc(100001);

	memset(big, 'A', 100000);
	big[100000] = '\0';
	const char *const wires[] = { "?", "AAA", "====", "AAAA AAAA", "AAAA\r\n", "YQBi",
		"\xff\xfe", big };
	for (size_t i = 0; i < LEN(names) * LEN(wires); i++) {
		struct sasl *s = begin(names[i / LEN(wires)], "user", "token");
		struct str a = {0};
		assert_int_equal(ERR_AUTH, sasl_step(s, wires[i % LEN(wires)], &a, NULL));
		assert_int_equal(0, a.len);
		assert_false(sasl_finished(s));
		sasl_free(s);
		str_clear(&a);
	}
	free(big);
}

/* ---- the others ---- */

/* RFC 4616: NUL, name, NUL, password, in one; a server that asks on gets nothing more. */
static void
test_plain(void **state)
{
	(void)state;
	struct sasl *s = begin("PLAIN", "tim", "tanstaaftanstaaf");
	struct str a = {0};

	assert_true(sasl_client_first(s));
	assert_int_equal(ERR_OK, sasl_step(s, "", &a, NULL));
	assert_string_equal("AHRpbQB0YW5zdGFhZnRhbnN0YWFm", str_get(&a));
	assert_true(sasl_finished(s));
	assert_int_equal(ERR_AUTH, sasl_step(s, "", &a, NULL));
	assert_int_equal(0, a.len);
	assert_false(sasl_finished(s));
	sasl_free(s);
	str_clear(&a);
}

/* Name, then password, whatever the prompts say; not a third time. */
static void
test_login(void **state)
{
	(void)state;
	struct sasl *s = begin("LOGIN", "tim", "secret");
	struct str a = {0};

	assert_false(sasl_client_first(s));
	assert_int_equal(ERR_OK, step(s, "User Name", &a, NULL));
	assert_string_equal("tim", str_get(&a));
	assert_false(sasl_finished(s));
	assert_int_equal(ERR_OK, step(s, "Password:", &a, NULL));
	assert_string_equal("secret", str_get(&a));
	assert_true(sasl_finished(s));
	assert_int_equal(ERR_AUTH, step(s, "Again:", &a, NULL));
	assert_int_equal(0, a.len);
	sasl_free(s);
	str_clear(&a);
}

/* RFC 7628 4.1 and Google's form, byte for byte; the server's error is answered as it wants,
 * and then we are not logged in, whatever it says. */
static void
test_oauth(void **state)
{
	(void)state;
	static const struct { const char *name, *user, *first, *second; } cases[] = {
		{ "OAUTHBEARER", "user@example.com",
			"n,a=user@example.com,\001host=server.example.com\001"
			"port=143\001auth=Bearer "
			"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\001\001", "\001" },
		{ "OAUTHBEARER", "a,b=c", "n,a=a=2Cb=3Dc,\001host=server.example.com\001"
			"port=143\001auth=Bearer "
			"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\001\001", "\001" },
		{ "XOAUTH2", "user@example.com", "user=user@example.com\001"
			"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\001\001", "" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct sasl *s = begin(cases[i].name, cases[i].user,
			"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
		struct str a = {0};
		assert_true(sasl_client_first(s));
		assert_int_equal(ERR_OK, step(s, "", &a, NULL));
		assert_string_equal(cases[i].first, str_get(&a));
		assert_true(sasl_finished(s));
		assert_int_equal(ERR_OK, step(s, "{\"status\":\"invalid_token\"}", &a, NULL));
		assert_string_equal(cases[i].second, str_get(&a));
		assert_false(sasl_finished(s));
		assert_int_equal(ERR_AUTH, step(s, "{}", &a, NULL));
		assert_false(sasl_finished(s));
		sasl_free(s);
		str_clear(&a);
	}
}

/* A token with a line end, a space or a \001 could end its field early, as could a name. */
static void
test_oauth_fields_cannot_be_ended(void **state)
{
	(void)state;
	static const struct { const char *user, *token; } cases[] = {
		{ "u", "tok\001en" }, { "u", "token\n" }, { "u", "to ken" }, { "u", "" },
		{ "u", "t\xc3\xb6ken" }, { "u\001", "token" }, { "u\nv", "token" },
		{ "u\x7f", "token" },
	};

	for (size_t i = 0; i < 2 * LEN(cases); i++) {
		struct sasl_login l = { .user = cases[i / 2].user,
			.password = cases[i / 2].token };
		struct sasl *s;
		assert_int_equal(ERR_AUTH, sasl_new(&s, i % 2 ? "XOAUTH2" : "OAUTHBEARER", &l,
			NULL));
		assert_null(s);
	}
}

/* A login without a password, and a mechanism that is none, are refused. */
static void
test_new_refuses(void **state)
{
	(void)state;
	struct sasl_login no_password = { .user = "u" }, whole = { .user = "u",
		.password = "p" };
	struct sasl *s;

	assert_int_equal(ERR_AUTH, sasl_new(&s, "PLAIN", &no_password, NULL));
	assert_int_equal(ERR_UNSUPPORTED, sasl_new(&s, "CRAM-MD5", &whole, NULL));
	assert_null(s);
	sasl_free(NULL);
}

/* The best that is offered and safe; what the rc wants and nothing in its place. */
static void
test_choose(void **state)
{
	(void)state;
	static const struct { const char *offered, *wanted; bool is_private; const char *name,
		*text; }
	cases[] = {
		{ "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256", NULL, true, "SCRAM-SHA-256", NULL },
		{ "login  plain scram-sha-1 ", NULL, true, "SCRAM-SHA-1", NULL },
		{ "LOGIN PLAIN", NULL, true, "PLAIN", NULL },
		{ "LOGIN", NULL, true, "LOGIN", NULL },
		{ "CRAM-MD5 XOAUTH2 LOGIN", NULL, true, "LOGIN", NULL },
		{ "PLAIN XOAUTH2", "xoauth2", true, "XOAUTH2", NULL },
		{ "PLAIN OAUTHBEARER", "OAuthBearer", true, "OAUTHBEARER", NULL },
		{ "SCRAM-SHA-256 PLAIN", "plain", true, "PLAIN", NULL },
		{ "SCRAM-SHA-1 PLAIN", NULL, false, "SCRAM-SHA-1", NULL },
		{ "PLAIN LOGIN", NULL, false, NULL, "without TLS" },
		{ "PLAIN SCRAM-SHA-1", "plain", false, NULL,
			"would send the password unprotected" },
		{ "XOAUTH2", "xoauth2", false, NULL, "would send the password unprotected" },
		{ "XOAUTH2 GSSAPI", NULL, true, NULL, "set auth = xoauth2" },
		{ "PLAIN", "scram-sha-256", true, NULL,
			"does not offer SCRAM-SHA-256; it offers: PLAIN" },
		{ "PLAIN", "cram-md5", true, NULL, "not known here" },
		{ "SCRAM-SHA-256-PLUS XPLAIN PLAINX", NULL, true, NULL, "no way to log in" },
		{ "", NULL, true, NULL, "offers: nothing" },
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		struct error e = {0};
		const char *got = sasl_choose(cases[i].offered, cases[i].wanted,
			cases[i].is_private, &e);
		if (!str_eq(cases[i].name, got))
			fail_msg("'%s' gives %s", cases[i].offered, got ? got : e.text);
		if (!got && !strstr(e.text, cases[i].text))
			fail_msg("'%s' gives '%s'", cases[i].offered, e.text);
		if (!got)
			assert_int_equal(ERR_UNSUPPORTED, e.code);
	}
}

TEST_MAIN(T(test_reference), T(test_rfc5802), T(test_scram), T(test_server_without_proof),
	T(test_scram_nonsense), T(test_wire_nonsense), T(test_plain), T(test_login),
		T(test_oauth),
	T(test_oauth_fields_cannot_be_ended), T(test_new_refuses), T(test_choose))

