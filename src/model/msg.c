/* msg.c - the strings of a message: kept, and subjects without what replying
 * and forwarding put in front. */
#include <string.h>

#include "arena.h"
#include "msg.h"
#include "str.h"

/* What mail programs write for "reply" and "forward" in many languages, without the
 * colon. Compared without ASCII case; other scripts stand here in the cases seen. */
static const char *const marks[] = {
	"re", "fwd", "fw", "aw", "antwort", "wg", "tr", "rép", "rv", "res", "enc", "rif",
	"ref", "réf", "r", "i", "antw", "doorst", "sv", "vs", "vb", "vl", "odp", "pd", "ynt",
	"ilt", "İLT", "vá", "Vá", "VÁ", "tov", "továbbítás", "bls", "trs", "atb", "ats", "rsp",
	"feil", "вх", "отв", "Отв", "пересл", "Пересл", "απ", "ΑΠ", "Απ", "πρθ", "ΠΡΘ", "σχετ",
	"ΣΧΕΤ", "回复", "回覆", "答复", "答覆", "转发", "轉寄", "轉發", "返信", "転送", "회신",
	"답장", "전달", "תגובה", "הועבר", "رد", "إعادة توجيه"
};

static const char *
skip_space(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

/* "[list]" and the white space behind it; NULL when s does not begin with one. */
static const char *
skip_blob(const char *s)
{
	if (*s != '[')
		return NULL;
	const char *end = s + 1 + strcspn(s + 1, "[]");
	return *end == ']' ? skip_space(end + 1) : NULL;
}

/* The count of "Re[2]:", "Re^3:" and "Re(4):". */
static const char *
skip_count(const char *s)
{
	const char *c = s + 1;

	if (!*s || !strchr("[(^", *s))
		return s;
	size_t digits = strspn(c, "0123456789");
	c += digits;
	if (digits == 0)
		return s;
	if (*s == '^')
		return c;
	return *c == (*s == '[' ? ']' : ')') ? c + 1 : s;
}

static const char *
skip_colon(const char *s)
{
	if (*s == ':')
		return s + 1;
	return str_starts(s, "：") ? s + strlen("：") : NULL;	/* the full-width one */
}

/* "Re:", "Re[2]:", "Re [list] :"; NULL when s does not begin with one. */
static const char *
skip_mark(const char *s)
{
	for (size_t i = 0; i < LEN(marks); i++) {
		if (!str_istarts(s, marks[i]))
			continue;
		const char *c = skip_space(skip_count(s + strlen(marks[i])));
		const char *blob = skip_blob(c);
		c = skip_colon(blob ? blob : c);
		if (c)
			return skip_space(c);
	}
	return NULL;
}

const char *
msg_base_subject(const char *s)
{
	const char *next;

	for (s = skip_space(s); ; s = next) {
		next = skip_mark(s);
		if (!next)
			next = skip_blob(s);
		/* A blob is kept when nothing would be left (RFC 5256 2.1, step 4). */
		if (!next || (*s == '[' && !*next))
			return s;
	}
}

void
msg_keep_strings(struct msg *m, struct arena *a)
{
	const char **strings[] = { &m->from_name, &m->from_addr, &m->to, &m->cc, &m->subject,
		&m->message_id, &m->in_reply_to, &m->references, &m->list_id };

	for (size_t i = 0; i < LEN(strings); i++)
		*strings[i] = arena_strdup(a, *strings[i] ? *strings[i] : "");
}
