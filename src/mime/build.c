/* build.c - a draft to the bytes that go out.
 *
 * GMime writes headers (RFC 2047, RFC 2231, folding) and transfer encodings; what to encode
 * how is decided here: text goes as it is when it is plain ASCII in lines of ordinary length,
 * else quoted-printable, or base64 where that is shorter or line ends would not survive. Text
 * lines end in LF until GMime writes them, but for base64, whose bytes are final (RFC 2046
 * 4.1.1: CRLF). */
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "invitation.h"
#include "mime.h"
#include "path.h"
#include "utf8.h"

enum { MAX_PLAIN_LINE = 200, MAX_IDS_BYTES = 8000, ENCODED_WORD_BYTES = 45 };

/* ---- the text ---- */

static void
with_lf(struct str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\r')
			str_putc(out, p[i]);
		else if (i + 1 == n || p[i + 1] != '\n')
			str_putc(out, '\n');
	}
	if (out->len == 0 || out->data[out->len - 1] != '\n')
		str_putc(out, '\n');
}

static void
with_crlf(struct str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			str_putc(out, '\r');
		str_putc(out, p[i]);
	}
}

static GMimeContentEncoding
encoding_for(const struct str *text, bool is_sealed)
{
	bool has_space = strstr(str_get(text), " \n") || strstr(str_get(text), "\t\n");
	size_t n_high = 0, n_odd = 0, line = 0, longest = 0;
	bool has_from = str_starts(str_get(text), "From ") || strstr(str_get(text), "\nFrom ");

	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];
		line = c == '\n' ? 0 : line + 1;
		longest = line > longest ? line : longest;
		n_high += c >= 0x80;
		n_odd += (c < ' ' && c != '\n' && c != '\t') || c == 0x7f;
	}
	if (n_high * 4 > text->len || n_odd * 8 > text->len)
		return GMIME_CONTENT_ENCODING_BASE64;
	if (n_high || n_odd || longest > MAX_PLAIN_LINE || has_from ||
	    (is_sealed && has_space))		/* RFC 3156 5 */
		return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
	return GMIME_CONTENT_ENCODING_7BIT;
}

static void
set_content(GMimePart *part, const void *p, size_t n, GMimeContentEncoding encoding)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(p, n);
	GMimeDataWrapper *data = g_mime_data_wrapper_new_with_stream(stream,
		GMIME_CONTENT_ENCODING_DEFAULT);

	g_mime_part_set_content_encoding(part, encoding);
	g_mime_part_set_content(part, data);
	g_object_unref(data);
	g_object_unref(stream);
}

/* RFC 3676 4.4: a space goes before what others would take for a quote's, or a mailbox's.
 * Lines that begin with '>' are quotes: nobody writes another. */
static void
stuff_spaces(struct str *text)
{
	struct str out = {0};

	for (const char *p = text->data, *end = p + text->len; p < end; ) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl + 1 - p) : (size_t)(end - p);
		if (*p == ' ' || (n >= 5 && memcmp(p, "From ", 5) == 0))
			str_putc(&out, ' ');
		str_add(&out, p, n);
		p += n;
	}
	str_clear(text);
	*text = out;
}

static GMimeObject *
text_part(const struct draft *d)
{
	GMimePart *part = g_mime_part_new_with_type("text", "plain");
	GMimeObject *o = GMIME_OBJECT(part);
	struct str text = {0}, wire = {0};

	with_lf(&text, d->text ? d->text : "", d->text_len);
	if (d->is_flowed)
		stuff_spaces(&text);
	bool is_ascii = true;
	for (size_t i = 0; i < text.len; i++)
		is_ascii = is_ascii && (unsigned char)text.data[i] < 0x80;
	g_mime_object_set_content_type_parameter(o, "charset", is_ascii ? "us-ascii"
		: utf8_valid(text.data, text.len) ? "utf-8" : "unknown-8bit");	/* RFC 1428 */
	if (d->is_flowed)
		g_mime_object_set_content_type_parameter(o, "format", "flowed");
	GMimeContentEncoding encoding = encoding_for(&text, d->is_sealed);
	if (encoding == GMIME_CONTENT_ENCODING_BASE64)
		with_crlf(&wire, text.data, text.len);
	else
		str_add(&wire, text.data, text.len);
	set_content(part, wire.data, wire.len, encoding);
	str_clear(&text);
	str_clear(&wire);
	return o;
}

/* ---- attachments ---- */

static bool
is_media_type(const char *t)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyz0123456789!#$&^_.+-";
	char *low = xstrdup(t ? t : "");

	for (char *c = low; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
	size_t major = strspn(low, token);
	size_t minor = low[major] == '/' ? strspn(low + major + 1, token) : 0;
	bool is = major && minor && major + 1 + minor == strlen(low) && strlen(low) < 128 &&
		!str_starts(low, "multipart/") &&
		!str_starts(low, "message/");		/* RFC 2046 5.2: see below */
	free(low);
	return is;
}

static bool
is_answer(const struct draft_file *f)
{
	return f->type && str_ieq(f->type, INVITATION_ANSWER_TYPE);
}

/* RFC 6047 2.4: calendars know it by the method, and where it is no attachment. */
static GMimeObject *
answer_part(void)
{
	GMimePart *part = g_mime_part_new_with_type("text", "calendar");
	GMimeObject *o = GMIME_OBJECT(part);

	g_mime_object_set_content_type_parameter(o, "method", "REPLY");
	g_mime_object_set_content_type_parameter(o, "charset", "utf-8");
	set_content(part, "", 0, GMIME_CONTENT_ENCODING_BASE64);
	return o;
}

/* Its header; its bytes come in behind (build_files.c). A message may be encoded as 7bit, 8bit
 * and binary only (RFC 2046 5.2.1), and binary is taken hardly anywhere; so one with lines too
 * long, or with a NUL, goes as a file of bytes. */
static GMimeObject *
file_part(const struct draft_file *f)
{
	if (is_answer(f))
		return answer_part();
	GMimeContentEncoding encoding = file_encoding(f);
	char *type = xstrdup(encoding != GMIME_CONTENT_ENCODING_BASE64 ? "message/rfc822"
		: is_media_type(f->type) ? f->type : "application/octet-stream");
	char *slash = strchr(type, '/'), *name = path_safe_name(f->name ? f->name : "");

	*slash = '\0';
	GMimePart *part = g_mime_part_new_with_type(type, slash + 1);
	g_mime_object_set_disposition(GMIME_OBJECT(part), "attachment");
	g_mime_part_set_filename(part, name);
	set_content(part, "", 0, encoding);
	free(name);
	free(type);
	return GMIME_OBJECT(part);
}

/* "=_" is in no encoding (RFC 2045 6.7). Owned. */
static char *
boundary_of(const struct compose_stamp *stamp)
{
	return xasprintf("=_%s", stamp->token);
}

static GMimeObject *
body_of(const struct draft *d, const struct compose_stamp *stamp)
{
	GMimeObject *text = text_part(d);

	if (d->n_files == 0)
		return text;
	bool is_either = d->n_files == 1 && is_answer(&d->files[0]);
	GMimeMultipart *mixed = g_mime_multipart_new_with_subtype(
		is_either ? "alternative" : "mixed");
	char *boundary = boundary_of(stamp);
	g_mime_multipart_set_boundary(mixed, boundary);
	g_mime_multipart_add(mixed, text);
	g_object_unref(text);
	for (size_t i = 0; i < d->n_files; i++) {
		GMimeObject *file = file_part(&d->files[i]);
		g_mime_multipart_add(mixed, file);
		g_object_unref(file);
	}
	free(boundary);
	return GMIME_OBJECT(mixed);
}

/* ---- the header ---- */

static void
put_list(GMimeMessage *m, const char *field, InternetAddressList *list,
	GMimeFormatOptions *format)
{
	char *text = list ? internet_address_list_to_string(list, format, TRUE) : NULL;

	if (text)
		g_mime_object_set_header(GMIME_OBJECT(m), field, text, "utf-8");
	g_free(text);
}

/* "<a@b> c@d" as "<a@b> <c@d>", folded; what is no id, or too much, is left out from the
 * oldest on. */
static char *
ids_of(const char *text)
{
	struct str out = {0};
	char *copy = xstrdup(text), *rest = copy, *word;

	while ((word = strsep(&rest, " \t<>,")) != NULL) {
		size_t n = strlen(word);
		bool is_ascii = true;
		for (const char *c = word; *c; c++)
			is_ascii = is_ascii && (unsigned char)*c > ' ' &&
				(unsigned char)*c < 0x7f;
		if (is_ascii && n > 2 && n < 900 && strchr(word, '@'))
			str_printf(&out, "%s<%s>", out.len ? "\n " : "", word);
	}
	while (out.len > MAX_IDS_BYTES) {
		const char *first = strstr(out.data, "\n "), *second = first
			? strstr(first + 1, "\n ") : NULL;
		if (!second)
			break;
		size_t at = (size_t)(first - out.data), cut = (size_t)(second - first);
		memmove(out.data + at, out.data + at + cut, out.len - at - cut + 1);
		str_cut(&out, out.len - cut);
	}
	free(copy);
	return str_take(&out);
}

static void
put_ids(GMimeMessage *m, const char *field, const char *ids)
{
	char *text = ids ? ids_of(ids) : NULL;
	GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(m));

	if (text && *text) {
		char *raw = xasprintf(" %s\n", text);
		g_mime_header_list_append(list, field, "", NULL);
		g_mime_header_set_raw_value(g_mime_header_list_get_header(list, field), raw);
		free(raw);
	}
	free(text);
}

struct lists {
	InternetAddressList *from, *to, *cc, *bcc, *followup;
};

static void
lists_clear(struct lists *l)
{
	InternetAddressList *all[] = { l->from, l->to, l->cc, l->bcc, l->followup };

	for (size_t i = 0; i < LEN(all); i++) {
		if (all[i])
			g_object_unref(all[i]);
	}
}

/* Of a draft, as far as it can be read. */
static void
read_unfinished(struct lists *l, const struct draft *d)
{
	addresses_read(&l->from, "From", d->from, NULL);
	addresses_read(&l->to, "To", d->to, NULL);
	addresses_read(&l->cc, "Cc", d->cc, NULL);
	addresses_read(&l->bcc, "Bcc", d->bcc, NULL);
}

static enum err
read_draft(struct lists *l, const struct draft *d, struct error *e)
{
	enum err rc;

	if (d->draft_name) {
		read_unfinished(l, d);
		return ERR_OK;
	}

	if ((rc = addresses_read(&l->from, "From", d->from, e)) != ERR_OK ||
	    (rc = addresses_read(&l->to, "To", d->to, e)) != ERR_OK ||
	    (rc = addresses_read(&l->cc, "Cc", d->cc, e)) != ERR_OK ||
	    (rc = addresses_read(&l->bcc, "Bcc", d->bcc, e)) != ERR_OK ||
	    (rc = field_check("Subject", d->subject, e)) != ERR_OK ||
	    (rc = field_check("In-Reply-To", d->in_reply_to, e)) != ERR_OK ||
	    (rc = field_check("References", d->references, e)) != ERR_OK)
		return rc;
	if (!addresses_first(l->from))
		return error_set(e, ERR_MSG, "From needs an address");
	addresses_read(&l->followup, "Mail-Followup-To", d->followup_to, NULL);
	return ERR_OK;
}

static void
put_addresses(GMimeMessage *m, const struct draft *d, const struct lists *l,
	GMimeFormatOptions *format)
{
	put_list(m, "From", l->from, format);
	put_list(m, "To", l->to, format);
	put_list(m, "Cc", l->cc, format);
	put_list(m, "Mail-Followup-To", l->followup, format);
	if (d->draft_name) {
		put_list(m, "Bcc", l->bcc, format);
		g_mime_object_set_header(GMIME_OBJECT(m), "X-Dunlin-Draft", d->draft_name,
			"utf-8");
	} else if (!l->to && !l->cc) {
		/* RFC 5322 3.6.3 lets it go out without; people wonder */
		g_mime_object_set_header(GMIME_OBJECT(m), "To", "undisclosed-recipients:;",
			"utf-8");
	}
}

/* What is half typed in a draft is kept as it is, in a field that is of no form then. Written
 * before all others, since the library would leave out what is no address. */
static void
put_unfinished(struct str *out, const char *field, InternetAddressList *list,
	const char *typed, GMimeFormatOptions *format)
{
	if (list || !typed || !*typed)
		return;
	char *clean = text_clean_dup(typed), *word = g_mime_utils_header_encode_text(NULL,
		clean, "utf-8");
	header_put(out, format, field, word);
	g_free(word);
	free(clean);
}

/* What looks like an encoded word already is left as it is by GMime, and would be read as
 * what it says (RFC 2047 7): all of such a text is encoded, in words of at most 45 bytes,
 * none of which parts a character. */
static void
put_words(GMimeMessage *m, const char *text)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(GMIME_OBJECT(m));
	struct str raw = {0};

	for (size_t n; *text; text += n) {
		n = strlen(text) < ENCODED_WORD_BYTES ? strlen(text) : ENCODED_WORD_BYTES;
		while (((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		char *word = g_base64_encode((const guchar *)text, n);
		str_printf(&raw, "%s=?utf-8?B?%s?=", raw.len ? "\n " : " ", word);
		g_free(word);
	}
	str_putc(&raw, '\n');
	g_mime_header_list_set(list, "Subject", "", NULL);
	g_mime_header_set_raw_value(g_mime_header_list_get_header(list, "Subject"),
		str_get(&raw));
	str_clear(&raw);
}

static void
put_encoded(GMimeMessage *m, const char *subject)
{
	if (strstr(subject, "=?"))
		put_words(m, subject);
	else
		g_mime_message_set_subject(m, subject, "utf-8");
}

static void
put_subject(GMimeMessage *m, const struct draft *d)
{
	char *clean = d->draft_name && d->subject ? text_clean_dup(d->subject) : NULL;

	put_encoded(m, clean ? clean : d->subject ? d->subject : "");
	free(clean);
}

static enum err
write_bytes(struct str *out, GMimeMessage *m, const struct draft *d,
	const struct compose_stamp *stamp, GMimeFormatOptions *format, struct error *e)
{
	GMimeStream *stream = g_mime_stream_mem_new();
	char *boundary = boundary_of(stamp);
	enum err rc = ERR_OK;

	g_mime_object_write_to_stream(GMIME_OBJECT(m), format, stream);
	GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	if (d->n_files > 0)
		rc = files_insert(out, d, boundary, (const char *)bytes->data, bytes->len, e);
	else
		str_add(out, bytes->data, bytes->len);
	free(boundary);
	g_object_unref(stream);
	return rc;
}

static enum err
write_message(struct letter *out, const struct draft *d, const struct lists *l,
	const struct compose_stamp *stamp, struct error *e)
{
	GMimeFormatOptions *format = format_new();
	GMimeMessage *m = g_mime_message_new(TRUE);
	GMimeObject *body = body_of(d, stamp);
	GDateTime *now = stamp_time(stamp);

	g_mime_message_set_date(m, now);
	put_addresses(m, d, l, format);
	put_subject(m, d);
	g_mime_message_set_message_id(m, out->message_id);
	put_ids(m, "In-Reply-To", d->in_reply_to);
	put_ids(m, "References", d->references);
	g_mime_object_set_header(GMIME_OBJECT(m), "MIME-Version", "1.0", NULL);
	g_mime_message_set_mime_part(m, body);
	if (d->draft_name) {
		put_unfinished(&out->bytes, "From", l->from, d->from, format);
		put_unfinished(&out->bytes, "To", l->to, d->to, format);
		put_unfinished(&out->bytes, "Cc", l->cc, d->cc, format);
		put_unfinished(&out->bytes, "Bcc", l->bcc, d->bcc, format);
	}
	enum err rc = write_bytes(&out->bytes, m, d, stamp, format, e);
	if (out->bytes.len < 2 || out->bytes.data[out->bytes.len - 1] != '\n')
		str_puts(&out->bytes, "\r\n");
	g_date_time_unref(now);
	g_object_unref(body);
	g_object_unref(m);
	g_mime_format_options_free(format);
	return rc;
}

enum err
compose_build(struct letter *out, const struct draft *d, const struct compose_stamp *stamp,
	struct error *e)
{
	struct lists l = {0};
	enum err rc = read_draft(&l, d, e);

	*out = (struct letter){0};
	if (rc != ERR_OK)
		goto out;
	letter_add_recipients(out, l.to);
	letter_add_recipients(out, l.cc);
	letter_add_recipients(out, l.bcc);
	if (out->n_to == 0 && !d->draft_name) {
		rc = error_set(e, ERR_MSG, "there is no recipient");
		goto out;
	}
	const char *sender = addresses_first(l.from);
	out->sender = xstrdup(sender ? sender : "nobody@dunlin.invalid");
	out->message_id = message_id_new(out->sender, stamp);
	out->subject = xstrdup(d->subject ? d->subject : "");
	const char *shown = d->to && *d->to ? d->to : d->cc && *d->cc ? d->cc : d->bcc;
	out->shown_to = xstrdup(shown ? shown : "");
	if ((rc = write_message(out, d, &l, stamp, e)) == ERR_OK)
		rc = letter_check(out, e);
out:
	lists_clear(&l);
	if (rc != ERR_OK)
		letter_clear(out);
	return rc;
}
