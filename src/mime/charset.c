/* charset.c - bytes to valid UTF-8.
 *
 * Only charsets of our own list reach iconv: mail may name any, and the rare converters of the
 * C library have been a way in before. Labels are widened to what mailers mean by them
 * (iso-8859-1 is windows-1252, gb2312 is gb18030), and a text without a label, or with one
 * that its bytes contradict, is guessed. Invalid sequences become U+FFFD, so nothing fails. */
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* Names without '-', '_', ' ' and case; what is not here is not converted. */
static const struct { const char *name, *iconv; } charsets[] = {
	{ "utf8", "UTF-8" }, { "unicode11utf8", "UTF-8" }, { "utf8mb4", "UTF-8" },
	{ "usascii", "" }, { "ascii", "" }, { "ansix3.41968", "" }, { "unknown8bit", "" },
	{ "xunknown", "" }, { "unknown", "" }, { "default", "" }, { "defaultcharset", "" },
	{ "7bit", "" }, { "8bit", "" }, { "646", "" }, { "none", "" }, { "ansi", "CP1252" },
	{ "utf7", "UTF-7" }, { "unicode11utf7", "UTF-7" }, { "unicode20utf7", "UTF-7" },
	{ "utf16", "UTF-16" }, { "utf16le", "UTF-16LE" }, { "utf16be", "UTF-16BE" },
	{ "unicode", "UTF-16" }, { "ucs2", "UTF-16" }, { "utf32", "UTF-32" },
	{ "utf32le", "UTF-32LE" }, { "utf32be", "UTF-32BE" }, { "iso88591", "CP1252" },
	{ "latin1", "CP1252" }, { "l1", "CP1252" }, { "iso885911987", "CP1252" },
	{ "iso88592", "ISO-8859-2" }, { "latin2", "ISO-8859-2" }, { "iso88593", "ISO-8859-3" },
	{ "iso88594", "ISO-8859-4" }, { "iso88595", "ISO-8859-5" },
	{ "iso88596", "ISO-8859-6" }, { "iso88596i", "ISO-8859-6" },
	{ "iso88597", "ISO-8859-7" }, { "iso88598", "ISO-8859-8" },
	{ "iso88598i", "ISO-8859-8" }, { "iso88598e", "ISO-8859-8" }, { "iso88599", "CP1254" },
	{ "latin5", "CP1254" }, { "iso885910", "ISO-8859-10" }, { "iso885911", "CP874" },
	{ "iso885913", "ISO-8859-13" }, { "iso885914", "ISO-8859-14" },
	{ "iso885915", "ISO-8859-15" }, { "latin9", "ISO-8859-15" },
	{ "iso885916", "ISO-8859-16" }, { "windows1250", "CP1250" },
	{ "windows1251", "CP1251" }, { "windows1252", "CP1252" }, { "windows1253", "CP1253" },
	{ "windows1254", "CP1254" }, { "windows1255", "CP1255" }, { "windows1256", "CP1256" },
	{ "windows1257", "CP1257" }, { "windows1258", "CP1258" }, { "cp1250", "CP1250" },
	{ "cp1251", "CP1251" }, { "cp1252", "CP1252" }, { "cp1253", "CP1253" },
	{ "cp1254", "CP1254" }, { "cp1255", "CP1255" }, { "cp1256", "CP1256" },
	{ "cp1257", "CP1257" }, { "cp1258", "CP1258" }, { "windows874", "CP874" },
	{ "cp874", "CP874" }, { "tis620", "CP874" }, { "koi8r", "KOI8-R" },
	{ "koi8u", "KOI8-U" }, { "koi8ru", "KOI8-U" }, { "cp437", "CP437" },
	{ "ibm437", "CP437" }, { "cp850", "CP850" }, { "ibm850", "CP850" },
	{ "cp852", "CP852" }, { "ibm852", "CP852" }, { "cp855", "CP855" },
	{ "cp866", "CP866" }, { "ibm866", "CP866" }, { "cp858", "CP850" },
	{ "macintosh", "MACINTOSH" }, { "macroman", "MACINTOSH" },
	{ "xmacroman", "MACINTOSH" }, { "gb2312", "GB18030" }, { "gbk", "GB18030" },
	{ "gb18030", "GB18030" }, { "xgbk", "GB18030" }, { "cp936", "GB18030" },
	{ "euccn", "GB18030" }, { "gb231280", "GB18030" }, { "hzgb2312", "HZ" },
	{ "hz", "HZ" }, { "big5", "BIG5-HKSCS" }, { "big5hkscs", "BIG5-HKSCS" },
	{ "cp950", "CP950" }, { "xxbig5", "BIG5-HKSCS" }, { "cnbig5", "BIG5-HKSCS" },
	{ "euctw", "EUC-TW" }, { "shiftjis", "CP932" }, { "sjis", "CP932" },
	{ "xsjis", "CP932" }, { "mskanji", "CP932" }, { "cp932", "CP932" },
	{ "windows31j", "CP932" }, { "eucjp", "EUC-JP-MS" }, { "xeucjp", "EUC-JP-MS" },
	{ "iso2022jp", "ISO-2022-JP-3" }, { "iso2022jp1", "ISO-2022-JP-3" },
	{ "iso2022jp2", "ISO-2022-JP-2" }, { "iso2022jp3", "ISO-2022-JP-3" },
	{ "csiso2022jp", "ISO-2022-JP-3" }, { "iso2022jpms", "ISO-2022-JP-3" },
	{ "cp50220", "ISO-2022-JP-3" }, { "cp50221", "ISO-2022-JP-3" },
	{ "iso2022kr", "ISO-2022-KR" }, { "iso2022cn", "ISO-2022-CN" }, { "euckr", "CP949" },
	{ "ksc56011987", "CP949" }, { "ksc5601", "CP949" }, { "ksx1001", "CP949" },
	{ "cp949", "CP949" }, { "uhc", "CP949" }, { "xwindows949", "CP949" },
	{ "windows949", "CP949" }, { "johab", "JOHAB" }, { "viscii", "VISCII" },
	{ "tcvn", "TCVN" }, { "armscii8", "ARMSCII-8" }, { "georgianps", "GEORGIAN-PS" },
	{ "ptcp154", "PT154" },
};

/* The converter for a label: NULL unknown, "" to be guessed. */
static const char *
converter(const char *label)
{
	char key[24];
	size_t n = 0;

	for (; *label && n < sizeof key - 1; label++) {
		char c = *label;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		if (c != '-' && c != '_' && c != ' ' && c != '"' && c != '\'')
			key[n++] = c;
	}
	key[n] = '\0';
	if (n == 0)
		return "";
	for (size_t i = 0; i < LEN(charsets); i++) {
		if (strcmp(key, charsets[i].name) == 0)
			return charsets[i].iconv;
	}
	return NULL;
}

bool
charset_is_known(const char *charset)
{
	return converter(charset) != NULL;
}

static bool
is_ascii(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] >= 0x80 || s[i] == '\0')
			return false;
	}
	return true;
}

static void
add_valid(struct str *out, const char *s, size_t n)
{
	if (utf8_valid(s, n)) {
		str_add(out, s, n);
		return;
	}
	for (size_t i = 0; i < n;) {
		uint32_t c;
		char buf[4];
		size_t len = utf8_next(s + i, n - i, &c);
		str_add(out, buf, utf8_put(buf, c));
		i += len;
	}
}

static bool
has_multibyte(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t c;
		size_t len = utf8_next(s + i, n - i, &c);
		if (len > 1)
			return true;
		i += len;
	}
	return false;
}

static void
add_ascii(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < 0x80)
			str_putc(out, s[i]);
		else
			str_puts(out, REPLACEMENT);
	}
}

static void
convert(struct str *out, const char *from, const char *s, size_t n)
{
	iconv_t cd = iconv_open("UTF-8", from);
	char buf[4096];
	char *in = (char *)s;

	if (cd == (iconv_t)-1) {
		add_ascii(out, s, n);
		return;
	}
	while (n > 0) {
		char *to = buf;
		size_t room = sizeof buf;
		size_t r = iconv(cd, &in, &n, &to, &room);
		str_add(out, buf, sizeof buf - room);
		if (r != (size_t)-1 || errno == E2BIG)
			continue;
		/* EILSEQ, or EINVAL: cut off in mid character */
		str_puts(out, REPLACEMENT);
		if (errno == EINVAL)
			break;
		in++;
		n--;
	}
	char *to = buf;
	size_t room = sizeof buf;
	iconv(cd, NULL, NULL, &to, &room);
	str_add(out, buf, sizeof buf - room);
	iconv_close(cd);
}

/* Escape sequences of ISO-2022-JP, which headers and old mail use without a label. */
static bool
looks_japanese(const char *s, size_t n)
{
	const char *end = s + n;

	while ((s = memchr(s, 033, (size_t)(end - s)))) {
		if (end - s >= 3 && s[1] == '$' && (s[2] == 'B' || s[2] == '@'))
			return true;
		s++;
	}
	return false;
}

static const char *
guess(const char *s, size_t n)
{
	if (looks_japanese(s, n))
		return "ISO-2022-JP-3";
	return utf8_valid(s, n) ? "UTF-8" : "CP1252";
}

void
charset_to_utf8(struct str *out, const char *charset, const char *s, size_t n)
{
	const char *from = converter(charset);

	if (!from) {
		if (utf8_valid(s, n))
			str_add(out, s, n);
		else
			add_ascii(out, s, n);
		return;
	}
	if (!*from ||
	    (strcmp(from, "UTF-8") == 0 && !utf8_valid(s, n) && !has_multibyte(s, n)))
		from = guess(s, n);
	size_t begin = out->len;
	if (strcmp(from, "UTF-8") == 0)
		add_valid(out, s, n);
	else if (strncmp(from, "CP125", 5) == 0 && is_ascii(s, n))
		str_add(out, s, n);
	else
		convert(out, from, s, n);
	/* A byte order mark is no text. */
	if (out->len - begin >= 3 && memcmp(out->data + begin, "\xef\xbb\xbf", 3) == 0) {
		memmove(out->data + begin, out->data + begin + 3, out->len - begin - 2);
		out->len -= 3;
	}
}
