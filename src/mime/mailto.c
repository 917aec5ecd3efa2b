/* mailto.c - mailto: URLs (RFC 6068). They come from web pages, so they say who and
 * what about, and nothing else: no Bcc, no other field, no attachment, no line end
 * in a field (SECURITY 13). */
#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "utf8.h"

enum { MAX_URL = 1 << 20 };

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
percent_decode(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int high = i + 2 < n && s[i] == '%' ? hex(s[i + 1]) : -1;
		int low = high >= 0 ? hex(s[i + 2]) : -1;
		if (low >= 0)
			i += 2;
		str_putc(out, low >= 0 ? (char)(high << 4 | low) : s[i]);
	}
}

static enum err
decode_field(struct str *out, const char *s, size_t n, struct error *e)
{
	percent_decode(out, s, n);
	for (size_t i = 0; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];
		if (c < ' ' || c == 0x7f)
			return error_set(e, ERR_MSG,
				"this mailto: link has a control byte in a header");
	}
	if (!utf8_valid(str_get(out), out->len))
		return error_set(e, ERR_MSG, "this mailto: link is not UTF-8");
	return ERR_OK;
}

static enum err
decode_body(struct str *out, const char *s, size_t n)
{
	struct str raw = { 0 };

	percent_decode(&raw, s, n);
	text_clean(out, str_get(&raw), raw.len, CLEAN_TEXT);
	str_clear(&raw);
	return ERR_OK;
}

static void
append_list(char **field, const char *more)
{
	char *all = *more ? xasprintf("%s%s%s", note_get(*field), *field ? ", " : "", more)
		: NULL;

	if (!all)
		return;
	free(*field);
	*field = all;
}

/* The id without brackets; what is none is left out. */
static void
set_in_reply_to(struct note *out, const char *value)
{
	size_t n = strcspn(value, "> ");

	if (*value == '<' && n > 1 && !strchr(value + 1, '<')) {
		char *id = xstrndup(value + 1, n - 1);
		note_set(&out->in_reply_to, id);
		note_set(&out->references, id);
		free(id);
	}
}

static enum err
take_field(struct note *out, const char *name, size_t name_len, const char *value, size_t n,
	struct error *e)
{
	char *key = xstrndup(name, name_len);
	struct str s = { 0 };
	enum err r = ERR_OK;

	if (str_ieq(key, "body")) {
		r = decode_body(&out->text, value, n);
	} else if (str_ieq(key, "to") || str_ieq(key, "cc") || str_ieq(key, "subject") ||
		str_ieq(key, "in-reply-to")) {
		r = decode_field(&s, value, n, e);
		if (r != ERR_OK)
			goto out;
		if (str_ieq(key, "to"))
			append_list(&out->to, str_get(&s));
		else if (str_ieq(key, "cc"))
			append_list(&out->cc, str_get(&s));
		else if (str_ieq(key, "subject"))
			note_set(&out->subject, str_get(&s));
		else
			set_in_reply_to(out, str_get(&s));
	}
out:
	str_clear(&s);
	free(key);
	return r;
}

enum err
reply_mailto(struct note *out, const char *url, struct error *e)
{
	enum err r = ERR_OK;

	if (!str_istarts(url, "mailto:") || strlen(url) > MAX_URL)
		return error_set(e, ERR_MSG, "not a mailto: link");
	url += strlen("mailto:");
	size_t n = strcspn(url, "?#");
	r = take_field(out, "to", 2, url, n, e);
	for (url += n; r == ERR_OK && (*url == '?' || *url == '&'); url += n) {
		url++;
		n = strcspn(url, "&#");
		const char *is = memchr(url, '=', n);
		if (is)
			r = take_field(out, url, (size_t)(is - url), is + 1,
				n - (size_t)(is + 1 - url), e);
	}
	if (r != ERR_OK)
		note_clear(out);
	return r;
}
