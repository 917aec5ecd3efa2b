/* summary.c - a header block to the struct msg that lists show.
 *
 * Runs for every message of a first sync and of an mbox scan, so fields are told apart by
 * name in one pass, only those that lists show are decoded, and nothing is allocated but the
 * results. The first of a repeated field counts, as it does for IMAP servers. */
#include <string.h>

#include "internal.h"

enum { MAX_TEXT_BYTES = 2000, MAX_REFERENCES_BYTES = 20000, MAX_RAW_BYTES = 64 * 1024 };

enum which { F_DATE, F_FROM, F_SENDER, F_TO, F_CC, F_SUBJECT, F_MESSAGE_ID, F_IN_REPLY_TO,
	F_REFERENCES, F_LIST_ID, F_LIST_POST, F_CONTENT_TYPE, F_DISPOSITION, F_PRECEDENCE,
	N_FIELDS };

static const char *const names[N_FIELDS] = { "date", "from", "sender", "to", "cc", "subject",
	"message-id", "in-reply-to", "references", "list-id", "list-post", "content-type",
	"content-disposition", "precedence" };

/* Cut at most MAX_TEXT_BYTES in, between two characters. */
static const char *
cut(struct arena *a, const char *s)
{
	size_t n = strlen(s);

	if (n <= MAX_TEXT_BYTES)
		return s;
	for (n = MAX_TEXT_BYTES; n > 0 && (s[n] & 0xc0) == 0x80; n--)
		;
	return arena_strndup(a, s, n);
}

/* The ids in <> of a value, one space between, appended; without any: the first word. */
static void
add_ids(struct str *out, const char *s, int max)
{
	for (int n = 0; n < max; n++) {
		const char *open = strchr(s, '<');
		const char *close = open ? strchr(open, '>') : NULL;
		if (!close)
			break;
		if (close > open + 1) {
			if (out->len)
				str_putc(out, ' ');
			for (const char *c = open + 1; c < close; c++) {
				if ((unsigned char)*c > ' ')
					str_putc(out, *c);
			}
		}
		s = close + 1;
	}
	if (out->len == 0) {
		s += strspn(s, " \t<");
		str_add(out, s, strcspn(s, " \t>"));
	}
}

static const char *
ids(struct arena *a, const char *raw, int max)
{
	struct str s = {0}, valid = {0};

	add_ids(&s, raw, max);
	charset_to_utf8(&valid, "", str_get(&s), s.len);
	const char *out = arena_strndup(a, str_get(&valid), valid.len);
	str_clear(&s);
	str_clear(&valid);
	return out;
}

/* The oldest and the newest ids are what threading needs; the middle of a monster goes. */
static const char *
references(struct arena *a, const char *raw)
{
	const char *s = ids(a, raw, 1000000);
	size_t n = strlen(s);

	if (n <= MAX_REFERENCES_BYTES)
		return s;
	const char *head = memrchr(s, ' ', MAX_REFERENCES_BYTES / 2);
	const char *tail = strchr(s + n - MAX_REFERENCES_BYTES / 2, ' ');
	if (!head || !tail)
		return cut(a, s);
	return arena_printf(a, "%.*s%s", (int)(head - s), s, tail);
}

static void
add_address(struct str *out, const struct address *a)
{
	if (out->len)
		str_puts(out, ", ");
	if (*a->name && *a->addr)
		str_printf(out, "%s <%s>", a->name, a->addr);
	else
		str_puts(out, *a->addr ? a->addr : a->name);
}

static const char *
address_list(struct arena *a, const char *raw)
{
	const struct address *v;
	size_t n = mime_addresses(a, &v, raw);
	struct str s = {0};

	for (size_t i = 0; i < n && s.len <= MAX_TEXT_BYTES; i++)
		add_address(&s, &v[i]);
	const char *out = cut(a, arena_strdup(a, str_get(&s)));
	str_clear(&s);
	return out;
}

static void
sender(struct arena *a, struct msg *m, const char *raw)
{
	const struct address *v;
	size_t n = mime_addresses(a, &v, raw);

	for (size_t i = 0; i < n; i++) {
		if (*v[i].addr || i + 1 == n) {
			m->from_name = cut(a, v[i].name);
			m->from_addr = cut(a, v[i].addr);
			return;
		}
	}
}

/* Without looking at the body: a multipart/mixed mostly has one, a
 * single part is one unless text. */
static bool
probably_attached(const char *type, const char *disposition)
{
	if (str_istarts(disposition, "attachment"))
		return true;
	if (str_istarts(type, "multipart/"))
		return str_istarts(type, "multipart/mixed");
	return *type && strchr(type, '/') && !str_istarts(type, "text/") &&
		!str_istarts(type, "message/");
}

static void
pick(struct arena *a, const char *raw, size_t n, const char *value[N_FIELDS])
{
	struct field_reader r;
	struct field f;

	for (int i = 0; i < N_FIELDS; i++)
		value[i] = NULL;
	field_reader_init(&r, raw, n);
	while (field_next(&r, &f)) {
		for (int i = 0; i < N_FIELDS; i++) {
			if (!value[i] && field_is(&f, names[i]))
				value[i] = field_unfold(a, &f, MAX_RAW_BYTES);
		}
	}
	for (int i = 0; i < N_FIELDS; i++) {
		if (!value[i])
			value[i] = "";
	}
}

void
mime_summary(struct arena *a, struct msg *m, const char *raw, size_t n)
{
	const char *v[N_FIELDS];

	pick(a, raw, n, v);
	m->from_name = m->from_addr = "";
	int64_t date = *v[F_DATE] ? mime_date(v[F_DATE], NULL) : 0;
	m->date = date > 0 ? date : m->arrived;
	sender(a, m, *v[F_FROM] ? v[F_FROM] : v[F_SENDER]);
	m->to = address_list(a, v[F_TO]);
	m->cc = address_list(a, v[F_CC]);
	m->subject = cut(a, mime_decode_words(a, v[F_SUBJECT]));
	m->message_id = cut(a, ids(a, v[F_MESSAGE_ID], 1));
	m->in_reply_to = cut(a, ids(a, v[F_IN_REPLY_TO], 1));
	m->references = *v[F_REFERENCES] ? references(a, v[F_REFERENCES]) : "";
	m->list_id = strchr(v[F_LIST_ID], '<') ? cut(a, ids(a, strrchr(v[F_LIST_ID], '<'), 1))
		: cut(a, mime_decode_words(a, v[F_LIST_ID]));
	m->flags &= ~(uint32_t)(MSG_LIST | MSG_ATTACH);
	if (*v[F_LIST_ID] || *v[F_LIST_POST] || str_ieq(v[F_PRECEDENCE], "list"))
		m->flags |= MSG_LIST;
	if (probably_attached(v[F_CONTENT_TYPE], v[F_DISPOSITION]))
		m->flags |= MSG_ATTACH;
}
