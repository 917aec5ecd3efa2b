/* reply.c - whom an answer goes to, what it is called, and how it hangs in its thread.
 *
 * Every address is taken apart and put together anew, so that nothing of the
 * mail's own writing gets into a field but a name (cleaned, quoted) and an address
 * that reads back as itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "envelope.h"
#include "mime.h"
#include "quote.h"
#include "reply.h"
#include "utf8.h"

enum { MAX_RECIPIENTS = 2000, MAX_ATTRIBUTION = 500 };

struct maker {
	struct arena arena;
	const struct reply_source *source;
	const struct header *headers;
	size_t n_headers;
	struct msg m;
	const struct address *mine;	/* one for each of the caller's */
	size_t n_mine;
	const char *seen[MAX_RECIPIENTS];	/* in To or Cc already */
	size_t n_seen;
};

static const char *
raw_value(const struct maker *k, const char *name)
{
	for (size_t i = 0; i < k->n_headers; i++) {
		if (str_ieq(k->headers[i].name, name))
			return k->headers[i].raw;
	}
	return NULL;
}

static size_t
addresses_of(struct maker *k, const char *name, const struct address **out)
{
	const char *raw = raw_value(k, name);

	*out = NULL;
	return raw ? mime_addresses(&k->arena, out, raw) : 0;
}

/* ---- addresses ---- */

static bool
is_mine(const struct maker *k, const char *addr)
{
	for (size_t i = 0; i < k->n_mine; i++) {
		if (str_ieq(k->mine[i].addr, addr))
			return true;
	}
	return false;
}

/* True the first time it is asked for an address. */
static bool
is_new(struct maker *k, const char *addr)
{
	for (size_t i = 0; i < k->n_seen; i++) {
		if (str_ieq(k->seen[i], addr))
			return false;
	}
	if (k->n_seen == MAX_RECIPIENTS)
		return false;
	k->seen[k->n_seen++] = addr;
	return true;
}

static void
add_addresses(struct maker *k, struct str *out, const struct address *v, size_t n,
	bool with_mine)
{
	for (size_t i = 0; i < n; i++) {
		const char *s = *v[i].addr && (with_mine || !is_mine(k, v[i].addr))
			? mime_write_address(&k->arena, v[i].name, v[i].addr) : NULL;
		if (s && is_new(k, v[i].addr))
			str_printf(out, "%s%s", out->len ? ", " : "", s);
	}
}

static void
add_field(struct maker *k, struct str *out, const char *name, bool with_mine)
{
	const struct address *v;
	size_t n = addresses_of(k, name, &v);

	add_addresses(k, out, v, n, with_mine);
}

/* ---- recipients ---- */

static bool
is_from_me(struct maker *k)
{
	const struct address *v;
	size_t n = addresses_of(k, "From", &v);

	return n > 0 && is_mine(k, v[0].addr);
}

static void
to_sender(struct maker *k, struct str *to)
{
	const struct address *v;

	if (is_from_me(k))
		add_field(k, to, "To", false);
	if (to->len == 0 && addresses_of(k, "Reply-To", &v) > 0)
		add_field(k, to, "Reply-To", true);
	if (to->len == 0)
		add_field(k, to, "From", true);
}

/* <mailto:list@example.org>, perhaps among others; "NO": the list takes none. */
static enum err
to_list_post(struct maker *k, struct str *to, struct error *e)
{
	const char *raw = raw_value(k, "List-Post"), *at = raw;
	struct note n = { 0 };

	if (raw && str_istarts(raw, "NO"))
		return error_set(e, ERR_MSG,
			"this list takes no mail (its List-Post says NO)");
	while (at && to->len == 0 && (at = strchr(at, '<')) != NULL) {
		at++;
		char *url = arena_strndup(&k->arena, at, strcspn(at, ">"));
		if (reply_mailto(&n, url, NULL) == ERR_OK && n.to) {
			const struct address *v;
			size_t n_v = mime_addresses(&k->arena, &v, n.to);
			add_addresses(k, to, v, n_v, true);
		}
		note_clear(&n);
	}
	return to->len ? ERR_OK : error_set(e, ERR_MSG, "this message is from no list");
}

static enum err
recipients(struct maker *k, enum reply_kind kind, struct str *to, struct str *cc,
	struct error *e)
{
	if (kind != REPLY_SENDER)
		add_field(k, to, "Mail-Followup-To", false);
	if (to->len > 0)
		return ERR_OK;
	if (kind == REPLY_LIST)
		return to_list_post(k, to, e);
	to_sender(k, to);
	if (kind == REPLY_ALL) {
		add_field(k, cc, "To", false);
		add_field(k, cc, "Cc", false);
		if (to->len == 0) {
			struct str swap = *to;
			*to = *cc;
			*cc = swap;
		}
	}
	return to->len ? ERR_OK : error_set(e, ERR_MSG, "this message names nobody to answer");
}

/* The address of ours that the mail came to; else the first. */
static const char *
own_address(struct maker *k, const char *const *mine)
{
	static const char *const fields[] = { "To", "Cc", "Delivered-To", "X-Original-To",
		"Envelope-To", "From" };

	for (size_t f = 0; f < LEN(fields); f++) {
		const struct address *v;
		size_t n = addresses_of(k, fields[f], &v);
		for (size_t i = 0; i < n; i++) {
			for (size_t j = 0; j < k->n_mine; j++) {
				if (str_ieq(k->mine[j].addr, v[i].addr))
					return mine[j];
			}
		}
	}
	return k->n_mine ? mine[0] : NULL;
}

/* ---- subject and thread ---- */

static const char *const re_words[] = { "re", "aw", "antw", "sv", "vs", "odp", NULL };
static const char *const fwd_words[] = { "fwd", "fw", "wg", "tr", "vb", NULL };

/* Behind one such prefix ("Re:", "RE[2] :"); s itself where there is none. */
static const char *
skip_prefix(const char *s, const char *const *words)
{
	for (; *words; words++) {
		if (!str_istarts(s, *words))
			continue;
		const char *p = s + strlen(*words);
		if (*p == '[' && p[1 + strspn(p + 1, "0123456789")] == ']')
			p = strchr(p, ']') + 1;
		p += strspn(p, " ");
		if (*p == ':')
			return p + 1 + strspn(p + 1, " ");
	}
	return s;
}

static char *
new_subject(const char *subject, const char *prefix, const char *const *words)
{
	char *clean = text_clean_dup(subject);
	const char *s = clean + strspn(clean, " "), *next;

	while ((next = skip_prefix(s, words)) != s)
		s = next;
	char *out = xasprintf("%s%s", prefix, s);
	free(clean);
	return out;
}

/* Ids of the mail that can stand in a header, appended with a space between. */
static void
add_ids(struct str *out, const char *ids)
{
	while (*ids) {
		size_t n = strcspn(ids, " ");
		bool is_good = n > 0;
		for (size_t i = 0; i < n; i++)
			is_good = is_good && ids[i] > ' ' && ids[i] < 0x7f &&
				!strchr("<>()\"\\,;", ids[i]);
		if (is_good) {
			str_puts(out, out->len ? " " : "");
			str_add(out, ids, n);
		}
		ids += n + strspn(ids + n, " ");
	}
}

/* RFC 5322 3.6.4: the parent's References, or its only In-Reply-To, and the parent itself. */
static void
hang_in_thread(const struct maker *k, struct note *out)
{
	struct str parent = { 0 }, all = { 0 };

	add_ids(&parent, k->m.message_id);
	if (parent.len > 0) {
		note_set(&out->in_reply_to, str_get(&parent));
		add_ids(&all, *k->m.references ? k->m.references : k->m.in_reply_to);
		add_ids(&all, str_get(&parent));
		note_set(&out->references, str_get(&all));
	}
	str_clear(&parent);
	str_clear(&all);
}

/* ---- text ---- */

/* The format with {name} and {address} filled in, as one line. */
static void
put_who(struct str *out, const struct maker *k, const char *format)
{
	const char *name = *k->m.from_name ? k->m.from_name : k->m.from_addr;
	const struct { const char *word, *value; } words[] = { { "{name}", name },
		{ "{address}", k->m.from_addr } };
	struct str line = { 0 };

	while (*format) {
		size_t i = 0;
		while (i < LEN(words) && !str_starts(format, words[i].word))
			i++;
		if (i < LEN(words)) {
			str_puts(&line, words[i].value);
			format += strlen(words[i].word);
		} else {
			str_putc(&line, *format++);
		}
	}
	text_clean(out, str_get(&line), line.len, CLEAN_LINE);
	str_putc(out, '\n');
	str_clear(&line);
}

#pragma GCC diagnostic push
/* the format is the person's own */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static bool
put_date(char out[MAX_ATTRIBUTION], const char *format, const struct tm *tm)
{
	return strftime(out, MAX_ATTRIBUTION, format, tm) > 0;
}
#pragma GCC diagnostic pop

/* The date is that of the sender's clock, which is what it was for whoever wrote. It goes into
 * the format before the name does, so that no name is read as a format. */
static void
attribution(const struct maker *k, struct str *out)
{
	const char *raw = raw_value(k, "Date"), *format = k->source->attribution;
	int tz = 0;
	int64_t date = raw ? mime_date(raw, &tz) : 0;
	time_t t = (time_t)(date + tz * 60);
	struct tm tm;
	char dated[MAX_ATTRIBUTION], zone[12];

	if (!format || !*format)
		format = "On %Y-%m-%d %H:%M %z, {name} wrote:";
	if (!date || !gmtime_r(&t, &tm)) {
		put_who(out, k, "{name} wrote:");
		return;
	}
	tm.tm_gmtoff = tz * 60;
	snprintf(zone, sizeof zone, "%c%02d%02d", tz < 0 ? '-' : '+', abs(tz) / 60 % 100,
		abs(tz) % 60);
	tm.tm_zone = zone;			/* its name is not known */
	put_who(out, k, put_date(dated, format, &tm) ? dated : "{name} wrote:");
}

static void
forwarded_text(const struct maker *k, struct str *out)
{
	static const char *const fields[] = { "From", "Date", "Subject", "To", "Cc" };

	str_puts(out, "\n---------- Forwarded message ----------\n");
	for (size_t i = 0; i < LEN(fields); i++) {
		const char *value = mime_header_value(k->headers, k->n_headers, fields[i]);
		if (!value || !*value)
			continue;
		char *clean = text_clean_dup(value);
		str_printf(out, "%s: %s\n", fields[i], clean);
		free(clean);
	}
	str_putc(out, '\n');
	quote_plain(out, k->source);
}

/* ---- the kinds ---- */

static enum err
answer(struct maker *k, enum reply_kind kind, struct note *out, struct error *e)
{
	struct str to = { 0 }, cc = { 0 };
	enum err r = recipients(k, kind, &to, &cc, e);

	if (r == ERR_OK) {
		note_set(&out->to, str_get(&to));
		note_set(&out->cc, str_get(&cc));
		out->subject = new_subject(k->m.subject, "Re: ", re_words);
		hang_in_thread(k, out);
		attribution(k, &out->text);
		quote_text(&out->text, k->source);
		str_putc(&out->text, '\n');
		out->about_flag = MSG_ANSWERED;
	}
	str_clear(&to);
	str_clear(&cc);
	return r;
}

static void
forward(struct maker *k, bool whole, struct note *out)
{
	out->subject = new_subject(k->m.subject, "Fwd: ", fwd_words);
	hang_in_thread(k, out);
	note_set(&out->in_reply_to, NULL);	/* it answers nobody */
	if (!whole)
		forwarded_text(k, &out->text);
	out->about_flag = MSG_FORWARDED;
}

static void
edit_as_new(struct maker *k, struct note *out)
{
	static const char *const names[] = { "To", "Cc", "Bcc" };
	char **fields[] = { &out->to, &out->cc, &out->bcc };
	char *subject = text_clean_dup(k->m.subject);

	for (size_t i = 0; i < LEN(names); i++) {
		struct str s = { 0 };
		add_field(k, &s, names[i], true);
		note_set(fields[i], str_get(&s));
		str_clear(&s);
	}
	note_set(&out->subject, subject);
	free(subject);
	quote_plain(&out->text, k->source);
}

/* A field of a draft as a person would type it, groups and half an address included. Owned. */
static char *
typed_field(const struct maker *k, const char *name)
{
	const char *raw = raw_value(k, name), *text = mime_header_value(k->headers,
		k->n_headers, name);
	InternetAddressList *list = NULL;
	char *line = xstrdup(raw ? raw : ""), *typed = NULL, *to = line;

	for (const char *c = line; *c; c++) {
		if (*c != '\r' && *c != '\n')
			*to++ = *c;
	}
	*to = '\0';
	if (addresses_read(&list, name, line, NULL) == ERR_OK && list)
		typed = internet_address_list_to_string(list, NULL, FALSE);
	char *out = text_clean_dup(typed ? typed : text ? text : "");
	if (list)
		g_object_unref(list);
	g_free(typed);
	free(line);
	return out;
}

static bool
is_draft_name(const char *s)
{
	size_t n = strlen(s);

	return n >= 16 && n <= 64 && strspn(s, "0123456789abcdef") == n;
}

static void
resume(struct maker *k, struct note *out)
{
	static const char *const names[] = { "From", "To", "Cc", "Bcc" };
	char **fields[] = { &out->from, &out->to, &out->cc, &out->bcc };
	const char *name = mime_header_value(k->headers, k->n_headers, "X-Dunlin-Draft");
	struct str ids = { 0 };

	for (size_t i = 0; i < LEN(names); i++) {
		char *value = typed_field(k, names[i]);
		note_set(fields[i], value);
		free(value);
	}
	char *subject = text_clean_dup(k->m.subject);
	note_set(&out->subject, subject);
	free(subject);
	add_ids(&ids, k->m.in_reply_to);
	note_set(&out->in_reply_to, str_get(&ids));
	str_cut(&ids, 0);
	add_ids(&ids, k->m.references);
	note_set(&out->references, str_get(&ids));
	str_clear(&ids);
	if (name && is_draft_name(name))
		note_set(&out->name, name);
	quote_plain(&out->text, k->source);
}

enum err
reply_make(struct note *out, enum reply_kind kind, const struct reply_source *s,
	const char *const *mine, size_t n_mine, struct error *e)
{
	struct maker *k = xcalloc(1, sizeof *k);
	struct address *own = arena_alloc(&k->arena, (n_mine + 1) * sizeof *own);
	enum err r = ERR_OK;

	k->source = s;
	k->mine = own;
	for (size_t i = 0; i < n_mine; i++) {
		const struct address *v;
		size_t n = mime_addresses(&k->arena, &v, mine[i]);
		/* fits nothing */
		own[k->n_mine++] = n ? v[0] : (struct address){ "", "\n" };
	}
	mime_summary(&k->arena, &k->m, s->header, s->header_len);
	k->n_headers = mime_headers(&k->arena, &k->headers, s->header, s->header_len);
	if (kind == REPLY_FORWARD || kind == REPLY_FORWARD_WHOLE)
		forward(k, kind == REPLY_FORWARD_WHOLE, out);
	else if (kind == REPLY_EDIT)
		edit_as_new(k, out);
	else if (kind == REPLY_RESUME)
		resume(k, out);
	else
		r = answer(k, kind, out, e);
	if (r == ERR_OK && !out->from)
		note_set(&out->from, own_address(k, mine));
	arena_clear(&k->arena);
	free(k);
	return r;
}
