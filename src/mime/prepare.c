/* prepare.c - a message from a program, made fit to go out.
 *
 * Line ends are repaired first, on all of it, so that nothing behind this ever sees a bare CR
 * or LF (a dot between two of those is how a second mail is smuggled into DATA). Then the
 * header is walked field by field and written anew: only what must change does. */
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "envelope.h"
#include "internal.h"
#include "utf8.h"

struct prepare {
	struct letter *out;
	const char *from, *also;
	const struct compose_stamp *stamp;
	GMimeFormatOptions *format;
	struct arena arena;
	struct str head;
	bool has_from, has_date, has_id, has_mime;
};

static bool
is_ascii(const char *s)
{
	while (*s && (unsigned char)*s < 0x80)
		s++;
	return !*s;
}

static bool
is_any(const struct field *f, const char *const *names)
{
	while (*names && !field_is(f, *names))
		names++;
	return *names != NULL;
}

/* As it stands, its folding kept. */
static void
keep_field(struct prepare *p, const struct field *f)
{
	str_add(&p->head, f->name.p, f->name.n);
	str_putc(&p->head, ':');
	str_add(&p->head, f->value.p, f->value.n);
	str_puts(&p->head, "\r\n");
}

static enum err
take_addresses(struct prepare *p, const struct field *f, const char *value, struct error *e)
{
	static const char *const to[] = { "to", "cc", "bcc", NULL };
	char *name = arena_strndup(&p->arena, f->name.p, f->name.n);
	InternetAddressList *list;
	enum err rc = addresses_read(&list, name, value, e);

	if (rc != ERR_OK)
		return rc;
	if (is_any(f, to))
		letter_add_recipients(p->out, list);
	if (field_is(f, "from") && addresses_first(list) && !p->out->sender)
		p->out->sender = xstrdup(addresses_first(list));
	if (field_is(f, "to") && !p->out->shown_to)
		p->out->shown_to = xstrdup(mime_decode_words(&p->arena, value));
	if (!field_is(f, "bcc") && !is_ascii(value) && list) {
		char *text = internet_address_list_to_string(list, p->format, TRUE);
		header_put(&p->head, p->format, name, text);
		g_free(text);
	} else if (!field_is(f, "bcc")) {
		keep_field(p, f);
	}
	if (list)
		g_object_unref(list);
	return ERR_OK;
}

static void
take_subject(struct prepare *p, const struct field *f, const char *value)
{
	free(p->out->subject);
	p->out->subject = xstrdup(mime_decode_words(&p->arena, value));
	if (is_ascii(value)) {
		keep_field(p, f);
		return;
	}
	char *text = g_mime_utils_header_encode_text(p->format, value, "utf-8");
	header_put(&p->head, p->format, "Subject", text);
	g_free(text);
}

static void
take_id(struct prepare *p, const struct field *f, const char *value)
{
	char *id = g_mime_utils_decode_message_id(value);

	if (id && *id && is_ascii(id) && !p->has_id) {
		p->out->message_id = xstrdup(id);
		p->has_id = true;
		keep_field(p, f);
	}
	g_free(id);
}

static enum err
take_field(struct prepare *p, const struct field *f, struct error *e)
{
	static const char *const addresses[] = { "from", "sender", "reply-to", "to", "cc",
		"bcc", NULL };
	static const char *const dropped[] = { "return-path", "resent-bcc", "status",
		"x-status", NULL };
	char *value = field_unfold(&p->arena, f, SIZE_MAX);

	if (is_any(f, dropped))
		return ERR_OK;
	p->has_from = p->has_from || field_is(f, "from");
	p->has_date = p->has_date || field_is(f, "date");
	p->has_mime = p->has_mime || field_is(f, "mime-version");
	if (field_is(f, "message-id")) {
		take_id(p, f, value);
		return ERR_OK;
	}
	if (is_any(f, addresses))
		return take_addresses(p, f, value, e);
	if (field_is(f, "subject") && utf8_valid(value, strlen(value)))
		take_subject(p, f, value);
	else
		keep_field(p, f);
	return ERR_OK;
}

static void
add_date(struct prepare *p)
{
	GDateTime *now = stamp_time(p->stamp);
	char *text = g_mime_utils_header_format_date(now);

	header_put(&p->head, p->format, "Date", text);
	g_free(text);
	g_date_time_unref(now);
}

static enum err
add_missing(struct prepare *p, const char *body, size_t n_body, struct error *e)
{
	struct letter *out = p->out;
	InternetAddressList *list = NULL;
	enum err rc = ERR_OK;

	if (!out->sender) {
		struct field from = { { "From", 4 }, { NULL, 0 } };
		char *value = xasprintf(" %s", p->from ? p->from : "");
		from.value = (struct span){ value, strlen(value) };
		rc = p->has_from ? error_set(e, ERR_MSG, "From needs an address")
			: take_addresses(p, &from, value, e);
		free(value);
	}
	if (rc == ERR_OK && !out->sender)
		rc = error_set(e, ERR_MSG, "From needs an address");
	if (rc == ERR_OK)
		rc = addresses_read(&list, "the recipients", p->also, e);
	if (rc != ERR_OK)
		return rc;
	letter_add_recipients(out, list);
	if (list)
		g_object_unref(list);
	if (out->n_to == 0)
		return error_set(e, ERR_MSG, "there is no recipient in To, Cc or Bcc");
	if (!p->has_date)
		add_date(p);
	if (!p->has_id) {
		out->message_id = message_id_new(out->sender, p->stamp);
		str_printf(&p->head, "Message-ID: <%s>\r\n", out->message_id);
	}
	bool is_8bit = false;
	for (size_t i = 0; i < n_body; i++)
		is_8bit = is_8bit || (body[i] & 0x80);
	if (!p->has_mime && is_8bit && utf8_valid(body, n_body))
		str_puts(&p->head, "MIME-Version: 1.0\r\nContent-Type: text/plain;"
			" charset=utf-8\r\n"
			"Content-Transfer-Encoding: 8bit\r\n");
	return ERR_OK;
}

static enum err
rewrite(struct prepare *p, const char *msg, size_t n, struct error *e)
{
	size_t n_head = mime_header_length(msg, n);
	struct field_reader reader;
	struct field f;
	enum err rc = ERR_OK;
	size_t n_fields = 0;

	field_reader_init(&reader, msg, n_head);
	for (; rc == ERR_OK && field_next(&reader, &f); n_fields++)
		rc = take_field(p, &f, e);
	if (rc == ERR_OK && n_fields == 0)
		rc = error_set(e, ERR_MSG, "the message does not begin with a header");
	if (rc == ERR_OK)
		rc = add_missing(p, msg + n_head, n - n_head, e);
	if (rc != ERR_OK)
		return rc;
	str_add(&p->out->bytes, str_get(&p->head), p->head.len);
	str_puts(&p->out->bytes, "\r\n");
	str_add(&p->out->bytes, msg + n_head, n - n_head);
	if (!p->out->subject)
		p->out->subject = xstrdup("");
	if (!p->out->shown_to)
		p->out->shown_to = xstrdup(p->out->to[0]);
	return letter_check(p->out, e);
}

enum err
compose_prepare(struct letter *out, const char *raw, size_t n, const char *from,
	const char *also, const struct compose_stamp *stamp, struct error *e)
{
	struct prepare p = { .out = out, .from = from, .also = also, .stamp = stamp };
	struct str msg = {0};
	enum err rc;

	*out = (struct letter){0};
	if (memchr(raw, '\0', n))
		return error_set(e, ERR_MSG, "the message holds a NUL byte");
	p.format = g_mime_format_options_new();
	line_ends_repair(&msg, raw, n);
	size_t at = from_line_length(&msg);
	rc = rewrite(&p, msg.data + at, msg.len - at, e);
	if (rc != ERR_OK)
		letter_clear(out);
	str_clear(&msg);
	str_clear(&p.head);
	arena_clear(&p.arena);
	g_mime_format_options_free(p.format);
	return rc;
}
