/* content.c - the Content-* fields of a part (RFC 2045, 2183, 2231) into struct part.
 *
 * Values are GMime's to read: parameters in pieces, in charsets, encoded as RFC 2047 says they
 * must not be. Strings are cut, so that a tree stays small whatever it says. */
#include <gmime/gmime.h>
#include <string.h>

#include "internal.h"
#include "utf8.h"

enum { MAX_VALUE_BYTES = 32 * 1024, MAX_STRING_BYTES = 1000, MAX_BOUNDARY_BYTES = 16 * 1024 };

void
mime_init(void)
{
	g_mime_init();
	GMimeParserOptions *o = g_mime_parser_options_get_default();
	static const char *fallback[] = { "utf-8", "windows-1252", NULL };
	g_mime_parser_options_set_fallback_charsets(o, fallback);
}

/* A value of GMime's as a string of ours: valid UTF-8, cut, never NULL. */
static const char *
keep(struct arena *a, const char *s)
{
	if (!s || !*s)
		return "";
	struct str valid = {0};
	charset_to_utf8(&valid, "", s, strnlen(s, MAX_STRING_BYTES));
	const char *out = arena_strndup(a, str_get(&valid), valid.len);
	str_clear(&valid);
	return out;
}

static const char *
keep_lower(struct arena *a, const char *s)
{
	char *out = (char *)keep(a, s);

	for (char *c = out; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	}
	return out;
}

static const char *
keep_name(struct arena *a, const char *s)
{
	if (!s)
		return "";
	return keep(a, mime_decode_words(a, arena_strndup(a, s, MAX_STRING_BYTES)));
}

void
part_read_type(struct arena *a, struct part *p, const char *value, const char **boundary)
{
	GMimeContentType *ct = g_mime_content_type_parse(NULL, value);
	const char *type = g_mime_content_type_get_media_type(ct);
	const char *sub = g_mime_content_type_get_media_subtype(ct);

	/* What is no type at all counts as text (RFC 2045 5.2). */
	if (memchr(value, '/', strcspn(value, ";")) && type && *type && sub && *sub)
		p->type = keep_lower(a, arena_printf(a, "%.100s/%.100s", type, sub));
	p->charset = keep_lower(a, g_mime_content_type_get_parameter(ct, "charset"));
	p->format = keep_lower(a, g_mime_content_type_get_parameter(ct, "format"));
	p->delsp = keep_lower(a, g_mime_content_type_get_parameter(ct, "delsp"));
	p->protocol = keep_lower(a, g_mime_content_type_get_parameter(ct, "protocol"));
	if (!*p->filename)
		p->filename = keep_name(a, g_mime_content_type_get_parameter(ct, "name"));
	const char *b = g_mime_content_type_get_parameter(ct, "boundary");
	if (boundary && b && *b)
		*boundary = arena_strndup(a, b, MAX_BOUNDARY_BYTES);
	g_object_unref(ct);
}

static void
read_disposition(struct arena *a, struct part *p, const char *value)
{
	GMimeContentDisposition *d = g_mime_content_disposition_parse(NULL, value);
	const char *kind = g_mime_content_disposition_get_disposition(d);
	const char *name = g_mime_content_disposition_get_parameter(d, "filename");

	/* RFC 2183 2.8: what is not known counts as attachment */
	if (kind && *kind)
		p->disposition = str_ieq(kind, "inline") ? DISP_INLINE : DISP_ATTACHMENT;
	if (name && *name)
		p->filename = keep_name(a, name);
	g_object_unref(d);
}

static enum part_encoding
read_encoding(const char *value)
{
	static const struct { const char *name; enum part_encoding enc; } known[] = {
		{ "7bit", ENC_7BIT }, { "8bit", ENC_8BIT }, { "binary", ENC_BINARY },
		{ "quoted-printable", ENC_QP }, { "base64", ENC_BASE64 },
		{ "uuencode", ENC_UUENCODE }, { "x-uuencode", ENC_UUENCODE },
		{ "x-uue", ENC_UUENCODE },
	};

	value += strspn(value, " \t\"");
	for (size_t i = 0; i < LEN(known); i++) {
		size_t n = strlen(known[i].name);
		if (str_istarts(value, known[i].name) && !g_ascii_isalnum(value[n]) &&
		    value[n] != '-')
			return known[i].enc;
	}
	return ENC_7BIT;
}

static const char *
content_id(struct arena *a, const char *value)
{
	value += strspn(value, " \t<");
	return keep(a, arena_strndup(a, value, strcspn(value, ">")));
}

void
part_read_header(struct arena *a, struct part *p, const char *header, size_t n,
	const char *default_type, const char **boundary)
{
	struct field_reader r;
	struct field f;
	bool has_type = false, has_disposition = false;

	p->type = default_type;
	field_reader_init(&r, header, n);
	while (field_next(&r, &f)) {
		if (f.name.n < 10 || (f.name.p[0] | 0x20) != 'c')
			continue;
		const char *value = field_unfold(a, &f, MAX_VALUE_BYTES);
		if (!has_type && field_is(&f, "content-type")) {
			part_read_type(a, p, value, boundary);
			has_type = true;
		} else if (!has_disposition && field_is(&f, "content-disposition")) {
			read_disposition(a, p, value);
			has_disposition = true;
		} else if (field_is(&f, "content-transfer-encoding")) {
			p->encoding = read_encoding(value);
		} else if (field_is(&f, "content-id")) {
			p->id = content_id(a, value);
		} else if (field_is(&f, "content-description")) {
			p->description = keep(a, mime_decode_words(a, value));
		}
	}
}
