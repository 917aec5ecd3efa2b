/* cert.c - certificates for people: fingerprints, and why one is refused.
 *
 * Everything printed here was written by whoever runs the server, so each piece is bounded
 * and the whole goes through error_set, which cleans it. What to do comes with the refusal,
 * and only where doing it can be right: an unknown CA can be pinned or added, a wrong name
 * or a wrong date is the server's to mend. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"

enum { MAX_NAMES = 5, MAX_NAME_BYTES = 60 };

bool
cert_fingerprint(const X509 *x, unsigned char digest[32])
{
	unsigned len = 0;

	return X509_digest(x, EVP_sha256(), digest, &len) == 1 && len == 32;
}

void
cert_fingerprint_text(const X509 *x, char out[FINGERPRINT_TEXT_BYTES])
{
	unsigned char digest[32];

	out[0] = '\0';
	if (!cert_fingerprint(x, digest))
		return;
	for (int i = 0; i < 32; i++)
		snprintf(out + 3 * i, 4, "%02x%s", digest[i], i < 31 ? ":" : "");
}

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Colons may stand between bytes only: a digit lost in copying is not made up for. */
bool
cert_fingerprint_parse(const char *text, unsigned char digest[32])
{
	for (int i = 0; i < 32; i++) {
		if (i > 0 && *text == ':')
			text++;
		int high = hex_value(text[0]);
		int low = high < 0 ? -1 : hex_value(text[1]);
		if (low < 0)
			return false;
		digest[i] = (unsigned char)(high << 4 | low);
		text += 2;
	}
	return *text == '\0';
}

static void
add_asn1(struct str *out, const ASN1_STRING *s)
{
	unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, s);

	for (int i = 0; i < len && i < MAX_NAME_BYTES; i++)
		str_putc(out, utf8[i] ? (char)utf8[i] : '?');
	OPENSSL_free(utf8);
	ERR_clear_error();
}

/* The common name, else the organisation, else all of it on one line. */
static void
add_name(struct str *out, const X509_NAME *name)
{
	static const int nids[] = { NID_commonName, NID_organizationName };
	char line[MAX_NAME_BYTES + 1];

	for (size_t i = 0; i < LEN(nids); i++) {
		int at = X509_NAME_get_index_by_NID(name, nids[i], -1);
		if (at >= 0) {
			add_asn1(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
			return;
		}
	}
	str_puts(out, X509_NAME_oneline(name, line, sizeof line));
}

static bool
add_general_name(struct str *out, const GENERAL_NAME *g)
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (g->type == GEN_DNS) {
		add_asn1(out, g->d.dNSName);
		return true;
	}
	if (g->type != GEN_IPADD)
		return false;
	int len = ASN1_STRING_length(g->d.iPAddress);
	if (len == 4 || len == 16) {
		inet_ntop(len == 4 ? AF_INET : AF_INET6,
			ASN1_STRING_get0_data(g->d.iPAddress), ip, sizeof ip);
	}
	str_puts(out, *ip ? ip : "?");
	return true;
}

/* "a, b, c and 12 more"; empty when the certificate names no host. */
static void
add_hosts(struct str *out, X509 *leaf)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int n_all = names ? sk_GENERAL_NAME_num(names) : 0, n_shown = 0, n_more = 0;

	for (int i = 0; i < n_all; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		if (n_shown == MAX_NAMES) {
			n_more += g->type == GEN_DNS || g->type == GEN_IPADD;
			continue;
		}
		size_t before = out->len;
		if (n_shown > 0)
			str_puts(out, ", ");
		if (add_general_name(out, g))
			n_shown++;
		else
			str_cut(out, before);
	}
	if (n_more > 0)
		str_printf(out, " and %d more", n_more);
	GENERAL_NAMES_free(names);
}

static void
add_date(struct str *out, const ASN1_TIME *t)
{
	struct tm tm;
	char text[32];

	if (t && ASN1_TIME_to_tm(t, &tm) &&
	    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm))
		str_puts(out, text);
	else
		str_puts(out, "an unreadable date");
}

static void
explain_name(struct net *n, X509 *leaf)
{
	struct str hosts = {0};

	add_hosts(&hosts, leaf);
	if (hosts.len > 0)
		net_fail(n, ERR_TLS, "the certificate is not for %s: it was issued for %s",
			n->host, str_get(&hosts));
	else
		net_fail(n, ERR_TLS, "the certificate is not for %s: it names no host at all "
			"(a common name does not count)", n->host);
	str_clear(&hosts);
}

static void
explain_date(struct net *n, X509 *culprit, int code, int depth)
{
	struct str date = {0}, whose = {0};
	bool is_expired = code == X509_V_ERR_CERT_HAS_EXPIRED;

	add_date(&date, is_expired ? X509_get0_notAfter(culprit)
		: X509_get0_notBefore(culprit));
	str_printf(&whose, "the certificate of %s", n->host);
	if (depth > 0) {
		str_puts(&whose, " is signed with one of '");
		add_name(&whose, X509_get_subject_name(culprit));
		str_puts(&whose, "' that");
	}
	net_fail(n, ERR_TLS, "%s %s %s (or the clock here is wrong)", str_get(&whose),
		is_expired ? "expired on" : "is not valid before", str_get(&date));
	str_clear(&date);
	str_clear(&whose);
}

static void
explain_ca(struct net *n, X509 *leaf, X509 *culprit, int code)
{
	struct str ca = {0};
	char print[FINGERPRINT_TEXT_BYTES];

	cert_fingerprint_text(leaf, print);
	add_name(&ca, X509_get_issuer_name(culprit));
	if (code == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
		net_fail(n, ERR_TLS,
			"the certificate of %s is signed by itself; if its owner confirms "
			"it, pin it: tls-fingerprint = %s", n->host, print);
	else
		net_fail(n, ERR_TLS,
			"the certificate of %s comes from an unknown CA '%s'; name that CA's "
			"file with ca-file, or pin the certificate, if its owner confirms it: "
			"tls-fingerprint = %s", n->host, str_get(&ca), print);
	str_clear(&ca);
}

void
cert_explain(struct net *n, X509 *leaf, X509 *culprit, int code, int depth)
{
	switch (code) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		explain_name(n, leaf);
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		explain_date(n, culprit, code, depth);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		explain_ca(n, leaf, culprit, code);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		net_fail(n, ERR_TLS, "the certificate of %s is not meant for servers",
			n->host);
		break;
	default:
		net_fail(n, ERR_TLS, "the certificate of %s is refused: %s", n->host,
			X509_verify_cert_error_string(code));
	}
}
