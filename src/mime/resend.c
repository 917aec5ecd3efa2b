/* resend.c - a message that is there, sent on to others as it is (RFC 5322 3.6.6).
 *
 * Signatures (DKIM, OpenPGP, S/MIME) stay good: nothing they can cover is written anew. */
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "internal.h"

/* The copy's own: never on the wire, or made anew by the last server. */
static bool
is_of_the_copy(const struct field *f)
{
	static const char *const names[] = { "bcc", "resent-bcc", "return-path",
		"delivered-to", "x-original-to", "status", "x-status" };

	for (size_t i = 0; i < LEN(names); i++) {
		if (field_is(f, names[i]))
			return true;
	}
	return false;
}

/* The header's fields as they stand. False: there are none. */
static bool
copy_header(struct str *out, const char *head, size_t n)
{
	struct field_reader r;
	struct field f;
	bool has_any = false;

	field_reader_init(&r, head, n);
	while (field_next(&r, &f)) {
		has_any = true;
		if (is_of_the_copy(&f))
			continue;
		str_add(out, f.name.p, (size_t)(f.value.p + f.value.n - f.name.p));
		str_puts(out, "\r\n");
	}
	return has_any;
}

static void
put_resent(struct letter *l, InternetAddressList *from, InternetAddressList *to,
	const struct compose_stamp *stamp)
{
	GMimeFormatOptions *format = g_mime_format_options_new();
	GDateTime *now = stamp_time(stamp);
	char *date = g_mime_utils_header_format_date(now);
	char *sender = internet_address_list_to_string(from, format, TRUE);
	char *recipients = internet_address_list_to_string(to, format, TRUE);

	header_put(&l->bytes, format, "Resent-From", sender);
	header_put(&l->bytes, format, "Resent-To", recipients);
	header_put(&l->bytes, format, "Resent-Date", date);
	str_printf(&l->bytes, "Resent-Message-ID: <%s>\r\n", l->message_id);
	g_free(recipients);
	g_free(sender);
	g_free(date);
	g_date_time_unref(now);
	g_mime_format_options_free(format);
}

static char *
subject_of(const char *head, size_t n)
{
	struct arena a = { 0 };
	const struct header *h;
	size_t n_fields = mime_headers(&a, &h, head, n);
	const char *value = mime_header_value(h, n_fields, "Subject");
	char *copy = xstrdup(value ? value : "");

	arena_clear(&a);
	return copy;
}

static enum err
write_letter(struct letter *out, const char *msg, size_t n, InternetAddressList *from,
	InternetAddressList *to, const struct compose_stamp *stamp, struct error *e)
{
	size_t n_head = mime_header_length(msg, n);

	out->sender = xstrdup(addresses_first(from));
	out->message_id = message_id_new(out->sender, stamp);
	out->subject = subject_of(msg, n_head);
	letter_add_recipients(out, to);
	if (out->n_to == 0)
		return error_set(e, ERR_MSG, "there is no recipient");
	put_resent(out, from, to, stamp);
	if (!copy_header(&out->bytes, msg, n_head))
		return error_set(e, ERR_MSG, "the message does not begin with a header");
	str_puts(&out->bytes, "\r\n");
	str_add(&out->bytes, msg + n_head, n - n_head);
	return letter_check(out, e);
}

enum err
compose_resend(struct letter *out, const char *raw, size_t n, const char *from, const char *to,
	const struct compose_stamp *stamp, struct error *e)
{
	InternetAddressList *sender = NULL, *recipients = NULL;
	struct str msg = { 0 };
	enum err rc;

	*out = (struct letter){ .is_resent = true };
	if ((rc = addresses_read(&sender, "From", from, e)) != ERR_OK ||
	    (rc = addresses_read(&recipients, "the recipients", to, e)) != ERR_OK)
		goto out;
	if (!sender || !addresses_first(sender) || !recipients) {
		rc = error_set(e, ERR_MSG,
			sender ? "there is no recipient" : "From needs an address");
		goto out;
	}
	out->shown_to = xstrdup(to);
	line_ends_repair(&msg, raw, n);
	size_t at = from_line_length(&msg);
	rc = write_letter(out, msg.data + at, msg.len - at, sender, recipients, stamp, e);
out:
	if (sender)
		g_object_unref(sender);
	if (recipients)
		g_object_unref(recipients);
	str_clear(&msg);
	if (rc != ERR_OK)
		letter_clear(out);
	return rc;
}
