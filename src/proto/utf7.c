/* utf7.c - modified UTF-7: printable ASCII as it is, "&-" for "&", and the rest as base64 of
 * UTF-16 with "," for "/", between "&" and "-".
 *
 * Strict both ways: a name has one encoding only, so what decodes encodes to itself again.
 * Padding bits set, ASCII in base64, two shifts that could be one, and lone surrogates are
 * refused; such a name is shown as the server gave it. */
#include <string.h>

#include "utf7.h"
#include "utf8.h"

static const char base64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static void
put_utf8(struct str *out, uint32_t c)
{
	char buf[4];

	str_add(out, buf, utf8_put(buf, c));
}

/* Takes one UTF-16 unit; *high is the surrogate that waits for its half. */
static bool
put_unit(struct str *out, uint32_t unit, uint32_t *high)
{
	if (*high) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return false;
		put_utf8(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return true;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return true;
	}
	if ((unit >= 0xdc00 && unit <= 0xdfff) || (unit >= 0x20 && unit <= 0x7e))
		return false;
	put_utf8(out, unit);
	return true;
}

/* From behind "&" to and with "-". */
static bool
decode_shifted(struct str *out, const char **p)
{
	uint32_t bits = 0, high = 0;
	int n_bits = 0;

	for (; **p != '-'; ++*p) {
		const char *at = **p ? strchr(base64, **p) : NULL;
		if (!at)
			return false;
		bits = (bits << 6 | (uint32_t)(at - base64)) & 0xffffff;
		n_bits += 6;
		if (n_bits < 16)
			continue;
		n_bits -= 16;
		if (!put_unit(out, bits >> n_bits & 0xffff, &high))
			return false;
	}
	++*p;
	return high == 0 && n_bits < 6 && (bits & ((1u << n_bits) - 1)) == 0;
}

bool
utf7_decode(struct str *out, const char *wire)
{
	struct str text = {0};
	bool is_good = true, was_shifted = false;

	for (const char *p = wire; *p && is_good;) {
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e) {
			is_good = false;
		} else if (*p != '&') {
			str_putc(&text, *p++);
			was_shifted = false;
		} else if (p[1] == '-') {
			str_putc(&text, '&');
			p += 2;
			was_shifted = false;
		} else if (was_shifted) {
			is_good = false;
		} else {
			p++;
			is_good = decode_shifted(&text, &p);
			was_shifted = true;
		}
	}
	if (is_good)
		str_add(out, str_get(&text), text.len);
	str_clear(&text);
	return is_good;
}

struct encoder {
	struct str *out;
	uint32_t bits;
	int n_bits;
	bool is_shifted;
};

static void
put_base64(struct encoder *en, uint32_t unit)
{
	if (!en->is_shifted)
		str_putc(en->out, '&');
	en->is_shifted = true;
	en->bits = (en->bits << 16 | unit) & 0x3fffff;
	for (en->n_bits += 16; en->n_bits >= 6;) {
		en->n_bits -= 6;
		str_putc(en->out, base64[en->bits >> en->n_bits & 0x3f]);
	}
}

static void
end_shift(struct encoder *en)
{
	if (!en->is_shifted)
		return;
	if (en->n_bits > 0)
		str_putc(en->out, base64[en->bits << (6 - en->n_bits) & 0x3f]);
	str_putc(en->out, '-');
	en->bits = 0;
	en->n_bits = 0;
	en->is_shifted = false;
}

void
utf7_encode(struct str *out, const char *utf8)
{
	struct encoder en = { .out = out };
	size_t n = strlen(utf8);
	uint32_t c;

	for (size_t i = 0; i < n;) {
		i += utf8_next(utf8 + i, n - i, &c);
		if (c >= 0x20 && c <= 0x7e) {
			end_shift(&en);
			str_putc(out, (char)c);
			if (c == '&')
				str_putc(out, '-');
		} else if (c >= 0x10000) {
			put_base64(&en, 0xd800 + ((c - 0x10000) >> 10));
			put_base64(&en, 0xdc00 + ((c - 0x10000) & 0x3ff));
		} else {
			put_base64(&en, c);
		}
	}
	end_shift(&en);
}
