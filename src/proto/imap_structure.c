/* imap_structure.c - BODYSTRUCTURE to a part tree (RFC 9051 7.5.2).
 *
 * Servers get it wrong in many ways, so whatever fits is taken and the rest of a part skipped;
 * depth, count and lengths are bounded. What is too deep or too much is left out, the rest
 * stays. File names are decoded from RFC 2231 (with continuations) and from RFC 2047. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap_int.h"
#include "mime.h"

enum { MAX_TEXT = 2000, MAX_PARAMS = 100 };

struct builder {
	struct arena *arena;
	struct part *root;
	size_t n_parts;
};

struct params {
	struct { char *name, *value; } v[MAX_PARAMS];
	size_t n;
};

static bool parse_body(struct builder *b, struct scan *s, struct part *parent, int depth);

static char *
lower_dup(struct arena *a, const char *s, size_t n)
{
	char *out = arena_strndup(a, s, n < MAX_TEXT ? n : MAX_TEXT);

	for (char *p = out; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 32;
	return out;
}

/* A string value, cut; "" for NIL and for what is none (which is skipped). */
static char *
text(struct builder *b, struct scan *s)
{
	struct str v = {0};
	char *out;

	scan_spaces(s);
	if (!scan_nstring(s, &v)) {
		const char *p;
		size_t n;
		if (!scan_peek(s, '(') && scan_atom(s, &p, &n, true))
			str_add(&v, p, n);	/* unquoted, as some servers do */
		else
			scan_skip(s);
	}
	out = arena_strndup(b->arena, str_get(&v), v.len < MAX_TEXT ? v.len : MAX_TEXT);
	str_clear(&v);
	return out;
}

static uint64_t
number(struct scan *s)
{
	uint64_t v = 0;

	scan_spaces(s);
	if (!scan_u64(s, &v))
		scan_skip(s);
	return v;
}

/* ("name" "value" ...) or NIL */
static void
parse_params(struct builder *b, struct scan *s, struct params *out)
{
	out->n = 0;
	scan_spaces(s);
	if (!scan_char(s, '(')) {
		scan_skip(s);
		return;
	}
	for (scan_spaces(s); !scan_done(s) && !scan_char(s, ')'); scan_spaces(s)) {
		const char *before = s->p;
		char *name = text(b, s), *value = text(b, s);
		if (s->p == before)
			return;
		if (out->n == MAX_PARAMS)
			continue;
		out->v[out->n].name = lower_dup(b->arena, name, strlen(name));
		out->v[out->n++].value = value;
	}
}

static const char *
param(const struct params *ps, const char *name)
{
	for (size_t i = 0; i < ps->n; i++)
		if (strcmp(ps->v[i].name, name) == 0)
			return ps->v[i].value;
	return "";
}

/* ---- RFC 2231 ---- */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
add_percent_decoded(struct str *out, const char *p)
{
	for (; *p; p++) {
		if (*p == '%' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
			str_putc(out, (char)(hex(p[1]) << 4 | hex(p[2])));
			p += 2;
		} else {
			str_putc(out, *p);
		}
	}
}

/* Takes "charset'language'" off the front of an extended value. */
static const char *
take_charset(const char *v, char *charset, size_t size)
{
	const char *one = strchr(v, '\''), *two = one ? strchr(one + 1, '\'') : NULL;

	if (!two)
		return v;
	if ((size_t)(one - v) < size) {
		memcpy(charset, v, (size_t)(one - v));
		charset[one - v] = '\0';
	}
	return two + 1;
}

/* name*=..., or name*0=, name*1*=, ... joined. False: there is none. */
static bool
extended_param(const struct params *ps, const char *name, struct str *raw, char *charset,
	size_t size)
{
	char key[64];
	const char *v;

	snprintf(key, sizeof key, "%s*", name);
	if (*(v = param(ps, key))) {
		add_percent_decoded(raw, take_charset(v, charset, size));
		return true;
	}
	for (int i = 0; i < MAX_PARAMS; i++) {
		snprintf(key, sizeof key, "%s*%d*", name, i);
		if (*(v = param(ps, key))) {
			add_percent_decoded(raw, i == 0 ? take_charset(v, charset, size) : v);
			continue;
		}
		snprintf(key, sizeof key, "%s*%d", name, i);
		if (!*(v = param(ps, key)))
			return i > 0;
		str_puts(raw, v);
	}
	return true;
}

static const char *
decoded_param(struct builder *b, const struct params *ps, const char *name)
{
	struct part text_part = { .type = "text/plain", .filename = "", .section = "",
		.id = "", .description = "", .format = "", .delsp = "", .protocol = "" };
	struct str raw = {0}, out = {0};
	char charset[64] = "";
	const char *result;

	if (extended_param(ps, name, &raw, charset, sizeof charset)) {
		text_part.charset = charset;
		mime_to_utf8(&out, &text_part, str_get(&raw), raw.len);
		result = arena_strndup(b->arena, str_get(&out),
			out.len < MAX_TEXT ? out.len : MAX_TEXT);
	} else {
		result = *param(ps, name) ? mime_decode_words(b->arena, param(ps, name)) : "";
	}
	str_clear(&raw);
	str_clear(&out);
	return result;
}

/* ---- parts ---- */

static enum part_encoding
encoding_of(const char *name)
{
	static const struct { const char *name; enum part_encoding encoding; } names[] = {
		{ "base64", ENC_BASE64 }, { "quoted-printable", ENC_QP }, { "8bit", ENC_8BIT },
		{ "binary", ENC_BINARY }, { "x-uuencode", ENC_UUENCODE },
		{ "uuencode", ENC_UUENCODE }, { "x-uue", ENC_UUENCODE },
	};

	for (size_t i = 0; i < LEN(names); i++)
		if (str_ieq(name, names[i].name))
			return names[i].encoding;
	return ENC_7BIT;
}

static void
from_params(struct builder *b, struct part *p, const struct params *ps)
{
	p->charset = lower_dup(b->arena, param(ps, "charset"), strlen(param(ps, "charset")));
	p->format = param(ps, "format");
	p->delsp = param(ps, "delsp");
	p->protocol = param(ps, "protocol");
	if (!*p->filename)
		p->filename = decoded_param(b, ps, "name");
}

/* ("attachment" ("filename" "x")) or NIL, or, from some servers, a mere string */
static void
parse_disposition(struct builder *b, struct scan *s, struct part *p)
{
	struct params ps;
	const char *kind;

	scan_spaces(s);
	bool is_list = scan_char(s, '(');
	kind = text(b, s);
	if (*kind)
		p->disposition = str_ieq(kind, "inline") ? DISP_INLINE : DISP_ATTACHMENT;
	if (!is_list)
		return;
	parse_params(b, s, &ps);
	const char *filename = decoded_param(b, &ps, "filename");
	if (*filename)
		p->filename = filename;
	while (!scan_done(s) && !scan_char(s, ')'))
		if (!scan_skip(s))
			s->p++;
}

/* What stands behind the fields that we know, up to and with ")". */
static bool
skip_rest(struct scan *s)
{
	for (scan_spaces(s); !scan_char(s, ')'); scan_spaces(s))
		if (!scan_skip(s))
			return false;
	return true;
}

/* Behind the children: "subtype" params disposition ... */
static bool
parse_multipart(struct builder *b, struct scan *s, struct part *p, int depth)
{
	struct params ps;

	for (; scan_peek(s, '('); scan_spaces(s))
		if (!parse_body(b, s, p, depth + 1))
			return false;
	char *subtype = text(b, s);
	p->type = arena_printf(b->arena, "multipart/%s",
		*subtype ? lower_dup(b->arena, subtype, strlen(subtype)) : "mixed");
	scan_spaces(s);
	if (scan_peek(s, ')'))
		return skip_rest(s);
	parse_params(b, s, &ps);
	from_params(b, p, &ps);
	scan_spaces(s);
	if (!scan_peek(s, ')'))
		parse_disposition(b, s, p);
	return skip_rest(s);
}

/* What only message/rfc822 has: envelope body lines. Some servers leave it out. */
static bool
parse_message(struct builder *b, struct scan *s, struct part *p, int depth)
{
	if (!scan_peek(s, '(') && !scan_nil(s))
		return true;
	if (scan_peek(s, '('))
		scan_skip(s);
	scan_spaces(s);
	if (scan_peek(s, '(')) {
		if (!parse_body(b, s, p, depth + 1))
			return false;
	} else {
		scan_skip(s);
	}
	p->n_lines = (uint32_t)number(s);
	return true;
}

static void
parse_id(struct builder *b, struct scan *s, struct part *p)
{
	const char *id = text(b, s);
	size_t n = strlen(id);

	p->id = n >= 2 && id[0] == '<' && id[n - 1] == '>'
		? arena_strndup(b->arena, id + 1, n - 2) : id;
}

/* type subtype params id description encoding size [envelope body] [lines] md5 disposition */
static bool
parse_leaf(struct builder *b, struct scan *s, struct part *p, int depth)
{
	struct params ps;
	char *type = text(b, s), *subtype = text(b, s);

	p->type = arena_printf(b->arena, "%s/%s", lower_dup(b->arena, type, strlen(type)),
		lower_dup(b->arena, subtype, strlen(subtype)));
	if (!*type || !*subtype)
		p->type = "text/plain";			/* RFC 2045 5.2 */
	parse_params(b, s, &ps);
	from_params(b, p, &ps);
	parse_id(b, s, p);
	p->description = mime_decode_words(b->arena, text(b, s));
	p->encoding = encoding_of(text(b, s));
	p->size_bytes = number(s);
	scan_spaces(s);
	if (part_is_message(p) && !parse_message(b, s, p, depth))
		return false;
	if (str_starts(p->type, "text/") && !scan_peek(s, ')'))
		p->n_lines = (uint32_t)number(s);
	scan_spaces(s);
	if (!scan_peek(s, ')'))
		text(b, s);				/* MD5 */
	scan_spaces(s);
	if (!scan_peek(s, ')'))
		parse_disposition(b, s, p);
	return skip_rest(s);
}

static bool
parse_body(struct builder *b, struct scan *s, struct part *parent, int depth)
{
	if (depth >= PART_MAX_DEPTH || b->n_parts >= PART_MAX_COUNT)
		return scan_skip(s);
	if (!scan_char(s, '('))
		return false;
	struct part *p = part_new(b->arena, parent);
	b->n_parts++;
	if (!b->root)
		b->root = p;
	scan_spaces(s);
	return scan_peek(s, '(')
		? parse_multipart(b, s, p, depth) : parse_leaf(b, s, p, depth);
}

struct part *
imap_structure_parse(struct arena *a, struct scan *s)
{
	struct builder b = { .arena = a };

	if (!parse_body(&b, s, NULL, 0))
		return NULL;
	part_number(a, b.root);
	return b.root;
}
