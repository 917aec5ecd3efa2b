/* A server's SASL challenges, line by line; the first byte chooses the mechanism, whether the
 * lines are taken as they are or encoded first, and whether a first challenge of SCRAM begins
 * as it must: with our nonce, which no fuzzer would guess. */
#include <gsasl.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net.h"

int gsasl_nonce(char *data, size_t n);

int
gsasl_nonce(char *data, size_t n)
{
	memset(data, 'x', n);
	return GSASL_OK;
}

/* An answer after a refusal, or a login that counts after one, is a finding. */
static void
play(struct sasl *s, const char *line, struct str *answer)
{
	struct error e = {0};
	enum err rc = sasl_step(s, line, answer, &e);

	if (rc != ERR_OK && (answer->len > 0 || sasl_finished(s) || e.code != rc || !*e.text))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const names[] = { "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN",
		"XOAUTH2", "OAUTHBEARER" };
	struct sasl_login l = { .user = "user", .password = "pencil", .host = "h",
		.port = 143 };
	struct sasl *s;
	struct str answer = {0}, whole = {0};

	if (n == 0)
		return 0;
	bool is_raw = data[0] & 0x80;
	if (sasl_new(&s, names[(data[0] & 0x3f) % LEN(names)], &l, NULL) != ERR_OK)
		abort();
	if (data[0] & 0x40)
		str_puts(&whole, "\nr=eHh4eHh4eHh4eHh4eHh4eHh4");
	str_add(&whole, data + 1, n - 1);
	char *rest = whole.data, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *wire = NULL;
		size_t len;
		if (is_raw || gsasl_base64_to(line, strlen(line), &wire, &len) != GSASL_OK)
			wire = NULL;
		play(s, wire ? wire : line, &answer);
		gsasl_free(wire);
	}
	str_clear(&whole);
	sasl_free(s);
	str_clear(&answer);
	return 0;
}
