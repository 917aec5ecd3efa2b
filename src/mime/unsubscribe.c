/* unsubscribe.c - the ways out of a mailing list (List-Unsubscribe, RFC 2369 3.2).
 *
 * The field is a row of <URL>, the one its sender likes best first, with comments between
 * them. White space inside the brackets does not count (RFC 2369 2). RFC 8058 lets a program
 * leave by a POST that nobody sees: we do not, since opening an address tells the sender that
 * somebody reads here, which is the person's to decide. */
#include <string.h>

#include "mime.h"
#include "reply.h"
#include "str.h"

enum { MAX_URL_BYTES = 4000, MAX_URLS = 20 };

/* Without the white space; NULL: too long, or with what is no printable ASCII. */
static char *
copy_url(struct arena *a, const char *s, size_t n)
{
	char *out = n <= MAX_URL_BYTES ? arena_strndup(a, s, n) : NULL, *to = out;

	for (const char *from = out; from && *from; from++) {
		if (strchr(" \t\r\n", *from))
			continue;
		if (*from < '!' || *from > '~')
			return NULL;
		*to++ = *from;
	}
	if (out)
		*to = '\0';
	return out;
}

bool
reply_unsubscribe(struct unsubscribe *out, struct arena *a, const char *header, size_t len)
{
	const struct header *h;
	size_t n = mime_headers(a, &h, header, len);
	const char *raw = NULL;

	*out = (struct unsubscribe){ NULL, NULL };
	for (size_t i = 0; i < n && !raw; i++)
		if (str_ieq(h[i].name, "List-Unsubscribe"))
			raw = h[i].raw;
	for (int i = 0; raw && i < MAX_URLS && (raw = strchr(raw, '<')) != NULL; i++) {
		size_t size = strcspn(++raw, ">");
		char *url = raw[size] == '>' ? copy_url(a, raw, size) : NULL;
		if (url && !out->mail && str_istarts(url, "mailto:"))
			out->mail = url;
		else if (url && (!out->web || str_istarts(out->web, "http:")) &&
		    str_istarts(url, "https://"))
			out->web = url;
		else if (url && !out->web && str_istarts(url, "http://"))
			out->web = url;
		raw += size;
	}
	return out->mail || out->web;
}
