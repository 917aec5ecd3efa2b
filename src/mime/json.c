/* json.c - a message as one JSON object (DESIGN 5, `dunlin show --json`).
 *
 * Every string passes one function, which escapes what JSON wants escaped and besides
 * all that acts on a terminal, and makes valid UTF-8 of anything: so the output is
 * valid whatever the mail is. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "seal.h"
#include "utf8.h"

static bool
is_plain(uint32_t c)
{
	return c >= ' ' && c != '"' && c != '\\' && !(c >= 0x7f && c < 0xa0) && c != 0x200c &&
		c != 0x200d && !text_is_trick(c);
}

/* Beyond U+FFFF a pair of surrogates (RFC 8259 7). */
static void
put_escape(struct str *out, uint32_t c)
{
	if (c == '"' || c == '\\')
		str_add(out, (char[]){ '\\', (char)c }, 2);
	else if (c == '\n')
		str_add(out, "\\n", 2);
	else if (c == '\t')
		str_add(out, "\\t", 2);
	else if (c > 0xffff)
		str_printf(out, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
	else
		str_printf(out, "\\u%04x", c);
}

static void
put_string(struct str *out, const char *s, size_t n)
{
	str_putc(out, '"');
	for (size_t i = 0; i < n;) {
		size_t run = i;
		while (run < n && s[run] >= ' ' && s[run] < 0x7f && s[run] != '"' &&
		    s[run] != '\\')
			run++;
		str_add(out, s + i, run - i);
		if ((i = run) == n)
			break;
		uint32_t c;
		size_t len = utf8_next(s + i, n - i, &c);
		char buf[4];
		if (is_plain(c))
			str_add(out, buf, utf8_put(buf, c));
		else
			put_escape(out, c);
		i += len;
	}
	str_putc(out, '"');
}

static void
put_member(struct str *out, const char *name, const char *value)
{
	put_string(out, name, strlen(name));
	str_putc(out, ':');
	if (value)
		put_string(out, value, strlen(value));
	else
		str_puts(out, "null");
}

static const char *
or_null(const char *s)
{
	return s && *s ? s : NULL;
}

static const char *
raw_value(const struct header *h, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(h[i].name, name))
			return h[i].raw;
	}
	return "";
}

static void
put_people(struct str *out, const char *name, const char *raw)
{
	struct arena a = {0};
	const struct address *v;
	size_t n = mime_addresses(&a, &v, raw);

	str_printf(out, ",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		str_puts(out, i ? ",{" : "{");
		put_member(out, "name", v[i].name);
		str_putc(out, ',');
		put_member(out, "address", v[i].addr);
		str_putc(out, '}');
	}
	str_putc(out, ']');
	arena_clear(&a);
}

/* RFC 3339, in the sender's own zone. */
static void
put_date(struct str *out, const char *raw)
{
	int tz;
	int64_t seconds = mime_date(raw, &tz);
	time_t local = (time_t)(seconds + tz * 60);
	struct tm tm;
	char text[100];

	if (!seconds || !gmtime_r(&local, &tm) || tm.tm_year + 1900 > 9999 ||
	    tm.tm_year < -1899) {
		str_puts(out, ",\"date\":null");
		return;
	}
	int away = tz < 0 ? -tz : tz;
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		tz < 0 ? '-' : '+', away / 60 % 24, away % 60);
	str_putc(out, ',');
	put_member(out, "date", text);
}

static void
put_headers(struct str *out, const struct header *h, size_t n)
{
	str_puts(out, ",\"headers\":[");
	for (size_t i = 0; i < n; i++) {
		str_puts(out, i ? ",\n{" : "\n{");
		put_member(out, "name", h[i].name);
		str_putc(out, ',');
		put_member(out, "value", h[i].value);
		str_putc(out, '}');
	}
	str_putc(out, ']');
}

static void
put_content(struct str *out, const struct mime_msg *m, const struct part *p)
{
	struct str bytes = {0}, text = {0};

	if (!p->child || part_is_message(p))
		mime_part_bytes(m, p->section, &bytes, SIZE_MAX);
	str_printf(out, ",\"size\":%zu", p->child &&
		part_is_multipart(p) ? (size_t)p->size_bytes : bytes.len);
	if (!p->child && str_starts(p->type, "text/")) {
		mime_to_utf8(&text, p, str_get(&bytes), bytes.len);
		str_puts(out, ",\"text\":");
		put_string(out, str_get(&text), text.len);
	}
	str_clear(&bytes);
	str_clear(&text);
}

/* Depth is bounded by PART_MAX_DEPTH. */
static void
put_part(struct str *out, const struct mime_msg *m, const struct part *p)
{
	static const char *const dispositions[] = { NULL, "inline", "attachment" };

	str_puts(out, "\n{");
	put_member(out, "section", p->section);
	str_putc(out, ',');
	put_member(out, "type", p->type);
	str_putc(out, ',');
	put_member(out, "filename", or_null(p->filename));
	str_putc(out, ',');
	put_member(out, "charset", or_null(p->charset));
	str_putc(out, ',');
	put_member(out, "disposition", dispositions[p->disposition]);
	put_content(out, m, p);
	str_puts(out, ",\"children\":[");
	for (const struct part *c = p->child; c; c = c->next) {
		put_part(out, m, c);
		str_puts(out, c->next ? "," : "");
	}
	str_puts(out, "]}");
}

static void
put_signature(struct str *out, const struct signature *s)
{
	static const char *const states[] = { "good", "bad", "no-key", "expired",
		"key-expired", "key-revoked", "unchecked" };
	static const char *const trust[] = { "unknown", "never", "marginal", "full" };

	str_puts(out, "\n{");
	put_member(out, "state", states[s->state]);
	str_putc(out, ',');
	put_member(out, "trust", trust[s->trust]);
	str_putc(out, ',');
	put_member(out, "fingerprint", or_null(s->fingerprint));
	str_putc(out, ',');
	put_member(out, "who", or_null(s->who));
	str_printf(out, ",\"is_sender\":%s}", s->is_sender ? "true" : "false");
}

static void
put_seal(struct str *out, const struct seal *s)
{
	static const char *const kinds[] = { "signed", "encrypted", "wrapped" };
	static const char *const schemes[] = { "openpgp", "smime" };
	static const char *const states[] = { "closed", "open", "locked", "needs-terminal",
		"no-key", "no-program", "unsafe", "failed" };

	str_puts(out, "\n{");
	put_member(out, "kind", kinds[s->kind]);
	str_putc(out, ',');
	put_member(out, "scheme", schemes[s->scheme]);
	str_putc(out, ',');
	put_member(out, "state", states[s->state]);
	str_putc(out, ',');
	put_member(out, "why", s->why);
	str_printf(out, ",\"is_whole\":%s,\"signatures\":[", s->is_whole ? "true" : "false");
	for (size_t i = 0; i < s->n_sigs; i++) {
		put_signature(out, &s->sigs[i]);
		str_puts(out, i + 1 < s->n_sigs ? "," : "");
	}
	str_puts(out, "],\"inside\":");
	if (s->inside)
		opened_show_json(out, s->inside);
	else
		str_puts(out, "null");
	str_putc(out, '}');
}

static void
put_seals(struct str *out, const struct seal *v, size_t n)
{
	if (n == 0)
		return;
	str_puts(out, ",\"sealed\":[");
	for (size_t i = 0; i < n; i++) {
		put_seal(out, &v[i]);
		str_puts(out, i + 1 < n ? "," : "");
	}
	str_putc(out, ']');
}

static void
put_message(struct str *out, const struct mime_msg *m, const char *raw, size_t header,
	const struct seal *seals, size_t n_seals)
{
	struct arena a = {0};
	const struct header *h;
	struct msg summary = {0};
	size_t n_headers = mime_headers(&a, &h, raw, header);
	const char *subject = mime_header_value(h, n_headers, "subject");

	mime_summary(&a, &summary, raw, header);
	str_putc(out, '{');
	put_member(out, "subject", subject ? subject : "");
	put_people(out, "from", raw_value(h, n_headers, "from"));
	put_people(out, "to", raw_value(h, n_headers, "to"));
	put_people(out, "cc", raw_value(h, n_headers, "cc"));
	put_date(out, raw_value(h, n_headers, "date"));
	str_putc(out, ',');
	put_member(out, "message_id", or_null(summary.message_id));
	str_putc(out, ',');
	put_member(out, "warning", mime_warning(m));
	put_headers(out, h, n_headers);
	str_puts(out, ",\"parts\":");
	put_part(out, m, mime_root(m));
	put_seals(out, seals, n_seals);
	str_puts(out, "}\n");
	arena_clear(&a);
}

void
mime_show_json(struct str *out, const struct mime_msg *m, const char *raw, size_t n)
{
	struct seal v[SEAL_MAX];
	bool is_more;
	size_t n_seals = seal_find(v, mime_root(m), &is_more);

	put_message(out, m, raw, header_read(mime_header_length(raw, n)), v, n_seals);
}

void
opened_show_json(struct str *out, const struct opened *o)
{
	struct str header = {0};

	mime_part_header(o->m, "", &header);
	put_message(out, o->m, str_get(&header), header.len, o->v, o->n);
	str_wipe(&header);
}
