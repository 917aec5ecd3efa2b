/* envelope.c - see envelope.h.
 *
 * An address that goes into a command of SMTP is looked at byte by byte here, once, for every
 * way in: no blank, no control, no angle bracket gets into an envelope. */
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "utf8.h"

enum { MAX_LINE = 998, MAX_ADDR_BYTES = 320, MAX_RECIPIENTS = 10000 };

void
letter_clear(struct letter *l)
{
	str_clear(&l->bytes);
	for (size_t i = 0; i < l->n_to; i++) {
		free(l->to[i]);
		free(l->names[i]);
	}
	free(l->to);
	free(l->names);
	free(l->sender);
	free(l->message_id);
	free(l->subject);
	free(l->shown_to);
	*l = (struct letter){0};
}

enum err
field_check(const char *field, const char *value, struct error *e)
{
	size_t n = value ? strlen(value) : 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];
		if (c == '\r' || c == '\n')
			return error_set(e, ERR_MSG, "%s must be one line", field);
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return error_set(e, ERR_MSG, "%s holds a control character", field);
	}
	if (!utf8_valid(value ? value : "", n))
		return error_set(e, ERR_MSG, "%s is not valid UTF-8", field);
	return ERR_OK;
}

/* A local part in quotes may hold blanks (RFC 5321 4.1.2). */
static bool
is_address(const char *s)
{
	const char *at = strrchr(s, '@');
	bool is_quoted = *s == '"' && at && at > s + 1 && at[-1] == '"';

	if (!at || at == s || !at[1] || strlen(s) > MAX_ADDR_BYTES)
		return false;
	for (const char *c = s; *c; c++) {
		bool is_local = c < at;
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
		if (strchr(" <>,;()\\\"", *c) && !(is_local && is_quoted))
			return false;
		if (*c == '@' && c != at && !(is_local && is_quoted))
			return false;
	}
	return at[1] != '.' && s[strlen(s) - 1] != '.';
}

/* Its domain in ASCII (RFC 5890), which every server takes. */
static const char *
address_of(InternetAddressMailbox *m)
{
	const char *idn = internet_address_mailbox_get_idn_addr(m);

	return idn ? idn : internet_address_mailbox_get_addr(m);
}

static InternetAddressList *
members_of(InternetAddress *group)
{
	return internet_address_group_get_members(INTERNET_ADDRESS_GROUP(group));
}

static enum err
check_list(InternetAddressList *list, const char *field, int depth, struct error *e)
{
	enum err rc = ERR_OK;

	if (depth > 3)
		return error_set(e, ERR_MSG, "%s: groups within groups", field);
	for (int i = 0; i < internet_address_list_length(list) && rc == ERR_OK; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);
		if (INTERNET_ADDRESS_IS_GROUP(a)) {
			rc = check_list(members_of(a), field, depth + 1, e);
			continue;
		}
		const char *addr = address_of(INTERNET_ADDRESS_MAILBOX(a));
		if (!addr || !is_address(addr))
			rc = error_set(e, ERR_MSG, "%s: '%s' is not an address", field, addr
				? addr : "");
		if (rc == ERR_OK)
			rc = field_check(field, internet_address_get_name(a), e);
	}
	return rc;
}

static bool
is_blank(const char *s)
{
	return s[strspn(s, " \t,;")] == '\0';
}

/* How many addresses somebody typed, members of groups alike: the pieces between
 * commas that are not blank. */
static int
count_typed(const char *s)
{
	bool in_quotes = false, is_any = false;
	int depth = 0, n = 0;

	for (; *s; s++) {
		if (*s == '\\' && s[1])
			s++;
		else if (*s == '"')
			in_quotes = !in_quotes;
		else if (!in_quotes && strchr("(<[", *s))
			depth++;
		else if (!in_quotes && strchr(")>]", *s) && depth > 0)
			depth--;
		else if (!in_quotes && depth == 0 && strchr(",;:", *s)) {
			/* before a colon stands the name of a group */
			n += is_any && *s != ':';
			is_any = false;
			continue;
		}
		is_any = is_any || (*s != ' ' && *s != '\t');
	}
	return n + is_any;
}

static int
count_read(InternetAddressList *list)
{
	int n = 0;

	for (int i = 0; i < internet_address_list_length(list); i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);
		n += INTERNET_ADDRESS_IS_GROUP(a) ? count_read(members_of(a)) : 1;
	}
	return n;
}

enum err
addresses_read(InternetAddressList **out, const char *field, const char *value,
	struct error *e)
{
	enum err rc = field_check(field, value, e);

	*out = NULL;
	if (rc != ERR_OK || !value || is_blank(value))
		return rc;
	*out = internet_address_list_parse(NULL, value);
	if (!*out || internet_address_list_length(*out) == 0)
		rc = error_set(e, ERR_MSG, "%s: '%s' is not an address", field, value);
	else if ((rc = check_list(*out, field, 0, e)) == ERR_OK &&
	    count_read(*out) < count_typed(value))
		rc = error_set(e, ERR_MSG, "%s: something in '%s' is not an address", field,
		value);
	if (rc != ERR_OK && *out) {
		g_object_unref(*out);
		*out = NULL;
	}
	return rc;
}

/* The local part is the receiver's business, the domain has no case. */
static bool
is_same_address(const char *a, const char *b)
{
	size_t local = (size_t)(strrchr(a, '@') - a);

	return strncmp(a, b, local + 1) == 0 && str_ieq(a + local, b + local);
}

static void
add_recipient(struct letter *l, const char *addr, const char *name)
{
	size_t cap = l->cap_to;

	for (size_t i = 0; i < l->n_to; i++) {
		if (is_same_address(l->to[i], addr))
			return;
	}
	if (l->n_to == MAX_RECIPIENTS)
		return;
	l->to = array_grow(l->to, l->n_to, &l->cap_to, sizeof *l->to);
	l->names = array_grow(l->names, l->n_to, &cap, sizeof *l->names);
	l->names[l->n_to] = xstrdup(name ? name : "");
	l->to[l->n_to++] = xstrdup(addr);
}

void
letter_add_recipients(struct letter *l, InternetAddressList *list)
{
	for (int i = 0; list && i < internet_address_list_length(list); i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);
		if (INTERNET_ADDRESS_IS_GROUP(a))
			letter_add_recipients(l, members_of(a));
		else
			add_recipient(l, address_of(INTERNET_ADDRESS_MAILBOX(a)),
				internet_address_get_name(a));
	}
}

const char *
addresses_first(InternetAddressList *list)
{
	InternetAddress *a = list && internet_address_list_length(list) > 0
		? internet_address_list_get_address(list, 0) : NULL;

	return a && INTERNET_ADDRESS_IS_MAILBOX(a)
		? address_of(INTERNET_ADDRESS_MAILBOX(a)) : NULL;
}

char *
message_id_new(const char *sender, const struct compose_stamp *stamp)
{
	return xasprintf("%s@%s", stamp->token, strrchr(sender, '@') + 1);
}

GDateTime *
stamp_time(const struct compose_stamp *stamp)
{
	GTimeZone *zone = g_time_zone_new_offset(stamp->tz_minutes * 60);
	GDateTime *utc = g_date_time_new_from_unix_utc(stamp->now);
	GDateTime *local = g_date_time_to_timezone(utc, zone);

	g_date_time_unref(utc);
	g_time_zone_unref(zone);
	return local;
}

void
line_ends_repair(struct str *out, const char *p, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\r' && p[i] != '\n')
			continue;
		str_add(out, p + from, i - from);
		str_puts(out, "\r\n");
		i += p[i] == '\r' && i + 1 < n && p[i + 1] == '\n';
		from = i + 1;
	}
	str_add(out, p + from, n - from);
	if (out->len < 2 || out->data[out->len - 1] != '\n')
		str_puts(out, "\r\n");
}

size_t
from_line_length(const struct str *s)
{
	const char *end = str_starts(str_get(s), "From ") || str_starts(str_get(s), ">From ")
		? memchr(s->data, '\n', s->len) : NULL;

	return end ? (size_t)(end + 1 - s->data) : 0;
}

void
header_put(struct str *out, GMimeFormatOptions *format, const char *name, const char *value)
{
	char *folded = g_mime_utils_header_printf(NULL, format, "%s: %s\n", name, value);

	/* The writer of GMime folds with LF. */
	for (const char *c = folded; *c; c++) {
		if (*c == '\n' && (c == folded || c[-1] != '\r'))
			str_putc(out, '\r');
		str_putc(out, *c);
	}
	g_free(folded);
}

GMimeFormatOptions *
format_new(void)
{
	GMimeFormatOptions *f = g_mime_format_options_new();

	g_mime_format_options_set_newline_format(f, GMIME_NEWLINE_FORMAT_DOS);
	g_mime_format_options_set_param_encoding_method(f,
		GMIME_PARAM_ENCODING_METHOD_RFC2231);
	return f;
}

enum err
compose_addresses(const char *field, const char *list, struct error *e)
{
	InternetAddressList *l;
	enum err rc = addresses_read(&l, field, list, e);

	if (l)
		g_object_unref(l);
	return rc;
}

bool
has_8bit(const char *p, size_t n)
{
	unsigned char all = 0;

	for (size_t i = 0; i < n; i++)
		all |= (unsigned char)p[i];
	return all & 0x80;
}

static enum err
check_lines(const char *p, size_t n, struct error *e)
{
	size_t line = 1, start = 0;

	if (n < 2 || p[n - 2] != '\r' || p[n - 1] != '\n')
		return error_set(e, ERR_MSG, "the message does not end in a line end");
	if (memchr(p, '\0', n))
		return error_set(e, ERR_MSG, "the message holds a NUL byte");
	for (size_t i = 0; i < n; i++) {
		bool is_end = p[i] == '\r' && i + 1 < n && p[i + 1] == '\n';
		if (!is_end && (p[i] == '\r' || p[i] == '\n'))
			return error_set(e, ERR_MSG, "line %zu has a bare line end", line);
		if (!is_end)
			continue;
		if (i - start > MAX_LINE)
			return error_set(e, ERR_MSG, "line %zu is longer than %d bytes; no"
				" server takes that", line, MAX_LINE);
		start = ++i + 1;
		line++;
	}
	return ERR_OK;
}

enum err
letter_check(struct letter *l, struct error *e)
{
	const char *p = str_get(&l->bytes), *body = memmem(p, l->bytes.len, "\r\n\r\n", 4);
	size_t n_head = body ? (size_t)(body - p) + 4 : l->bytes.len;

	if (l->bytes.len > COMPOSE_MAX_BYTES)
		return error_set(e, ERR_MSG, "the message is larger than %d MB",
			COMPOSE_MAX_BYTES >> 20);
	enum err rc = check_lines(p, l->bytes.len, e);
	if (rc != ERR_OK)
		return rc;
	l->needs_utf8 = has_8bit(p, n_head) || has_8bit(l->sender, strlen(l->sender));
	for (size_t i = 0; i < l->n_to; i++)
		l->needs_utf8 = l->needs_utf8 || has_8bit(l->to[i], strlen(l->to[i]));
	l->needs_8bit = has_8bit(p + n_head, l->bytes.len - n_head);
	return ERR_OK;
}
