/* part.c - see part.h. Nothing recurses deeper than PART_MAX_DEPTH, which whoever builds a
 * tree keeps; the flat form is one line a part, so that damage is seen at its line. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "part.h"

struct part *
part_new(struct arena *a, struct part *parent)
{
	struct part *p = arena_alloc(a, sizeof *p);

	p->section = p->type = p->charset = p->filename = p->id = p->description = "";
	p->format = p->delsp = p->protocol = "";
	p->parent = parent;
	if (parent) {
		if (parent->last)
			parent->last->next = p;
		else
			parent->child = p;
		parent->last = p;
	}
	return p;
}

bool
part_is_multipart(const struct part *p)
{
	return str_starts(p->type, "multipart/");
}

bool
part_is_message(const struct part *p)
{
	return str_eq(p->type, "message/rfc822") || str_eq(p->type, "message/global");
}

static const char *
section_of(struct arena *a, const struct part *p, unsigned nth)
{
	const struct part *up = p->parent;

	if (!up)
		return part_is_multipart(p) && p->child ? "" : "1";
	if (part_is_message(up) && part_is_multipart(p) && p->child)
		return arena_printf(a, "%s.TEXT", up->section);
	/* What a message consists of does not count as a level of its own. */
	const char *prefix = up->section;
	if (part_is_multipart(up) && up->parent && part_is_message(up->parent))
		prefix = up->parent->section;
	return *prefix ? arena_printf(a, "%s.%u", prefix, nth) : arena_printf(a, "%u", nth);
}

void
part_number(struct arena *a, struct part *root)
{
	uint32_t index = 0;
	unsigned nth[PART_MAX_DEPTH + 2] = {0};
	int depth = 0;

	for (struct part *p = root; p;) {
		p->index = index++;
		p->section = section_of(a, p, ++nth[depth]);
		if (p->child && depth <= PART_MAX_DEPTH) {
			p = p->child;
			nth[++depth] = 0;
			continue;
		}
		while (p != root && !p->next) {
			p = p->parent;
			depth--;
		}
		p = p != root ? p->next : NULL;
	}
}

const struct part *
part_next(const struct part *p)
{
	if (p->child)
		return p->child;
	while (p && !p->next)
		p = p->parent;
	return p ? p->next : NULL;
}

int
part_depth(const struct part *p)
{
	int depth = 0;

	while ((p = p->parent))
		depth++;
	return depth;
}

const struct part *
part_message_around(const struct part *p)
{
	while ((p = p->parent) && !part_is_message(p))
		;
	return p;
}

const struct part *
part_find(const struct part *root, const char *section)
{
	for (const struct part *p = root; p; p = part_next(p)) {
		if (str_eq(p->section, section))
			return p;
	}
	return NULL;
}

/* ---- what a person reads, and what she would call an attachment ---- */

static bool
is_one_of(const char *type, const char *const *types)
{
	for (; *types; types++) {
		if (str_eq(type, *types))
			return true;
	}
	return false;
}

/* What is there for machines: signatures, and the wrapping of encrypted mail. */
static const char *const machinery[] = { "application/pgp-signature",
	"application/pgp-encrypted", "application/pkcs7-signature",
	"application/x-pkcs7-signature", NULL };

/* Text of a report (RFC 3462 and its kin), whatever its type is called. */
static const char *const report_text[] = { "message/delivery-status", "text/rfc822-headers",
	"message/disposition-notification", "message/feedback-report",
	"message/global-delivery-status", "message/global-headers", NULL };

/* Text by name, but written by programs for programs. */
static const char *const for_programs[] = { "text/calendar", "text/vcard", "text/x-vcard",
	"text/directory", "text/css", "text/xml", "text/javascript", "text/rtf", "text/csv",
	NULL };

bool
part_is_attachment(const struct part *p)
{
	const struct part *up = p->parent;

	if (part_is_multipart(p) ? p->child != NULL : is_one_of(p->type, machinery))
		return false;
	if (up && str_eq(up->type, "multipart/encrypted"))
		return false;
	if (p->disposition == DISP_ATTACHMENT)
		return true;
	if (up && str_eq(up->type, "multipart/related"))
		return p == up->child
			? *p->filename && !str_starts(p->type, "text/") : !*p->id;
	if (up && str_eq(up->type, "multipart/alternative"))
		return false;
	if (*p->filename)
		return true;
	return !str_starts(p->type, "text/") && !is_one_of(p->type, report_text);
}

bool
part_has_attachment(const struct part *root)
{
	for (const struct part *p = root; p; p = part_next(p)) {
		if (part_is_attachment(p))
			return true;
	}
	return false;
}

enum rank { SHOW_NOT, SHOW_SOME, SHOW_SECOND, SHOW_BEST };

static enum rank
rank_leaf(const struct part *p, bool prefer_html)
{
	if (p->disposition == DISP_ATTACHMENT)
		return SHOW_NOT;
	if (str_eq(p->type, "text/plain"))
		return prefer_html ? SHOW_SECOND : SHOW_BEST;
	if (str_eq(p->type, "text/html"))
		return prefer_html ? SHOW_BEST : SHOW_SECOND;
	if (is_one_of(p->type, report_text))
		return SHOW_SOME;
	return str_starts(p->type, "text/") && !is_one_of(p->type, for_programs)
		? SHOW_SOME : SHOW_NOT;
}

static enum rank
rank_tree(const struct part *p, bool prefer_html, int depth)
{
	enum rank best = SHOW_NOT;

	if (!p->child)
		return rank_leaf(p, prefer_html);
	if (depth > PART_MAX_DEPTH)
		return SHOW_NOT;
	for (const struct part *c = p->child; c && best < SHOW_BEST; c = c->next) {
		enum rank r = rank_tree(c, prefer_html, depth + 1);
		if (r > best)
			best = r;
	}
	return best;
}

static const struct part *
best_alternative(const struct part *p, bool prefer_html, int depth)
{
	const struct part *best = NULL;
	enum rank best_rank = SHOW_NOT;

	for (const struct part *c = p->child; c; c = c->next) {
		enum rank r = rank_tree(c, prefer_html, depth + 1);
		if (r > best_rank) {
			best_rank = r;
			best = c;
		}
	}
	return best;
}

struct readable {
	const struct part **out;
	size_t n, max;
	bool prefer_html, has_calendar;
};

enum { MAX_CALENDAR_BYTES = 256 * 1024 };

bool
part_is_calendar(const struct part *p)
{
	return str_eq(p->type, "text/calendar") || str_eq(p->type, "application/ics");
}

/* The first one is shown, also where it is an attachment; most invitations have it twice. A
 * large one is somebody's whole calendar. */
static void
collect_calendar(struct readable *r, const struct part *p)
{
	if (r->has_calendar || r->n >= r->max || p->size_bytes > MAX_CALENDAR_BYTES)
		return;
	r->has_calendar = true;
	r->out[r->n++] = p;
}

/* When and where stands before the text that goes with it. */
static void
collect_calendar_beside(struct readable *r, const struct part *alternatives)
{
	for (const struct part *c = alternatives->child; c; c = c->next)
		if (part_is_calendar(c))
			collect_calendar(r, c);
}

/* The returned message of a bounce, and one sent as a file, are there to be opened. */
static bool
is_closed(const struct part *p)
{
	return part_is_message(p) && (p->disposition == DISP_ATTACHMENT ||
		(p->parent && str_eq(p->parent->type, "multipart/report")));
}

static void
collect(struct readable *r, const struct part *p, int depth)
{
	if (depth > PART_MAX_DEPTH || r->n >= r->max || is_closed(p))
		return;
	if (!p->child) {
		if (part_is_calendar(p))
			collect_calendar(r, p);
		else if (rank_leaf(p, r->prefer_html) > SHOW_NOT)
			r->out[r->n++] = p;
		return;
	}
	if (str_eq(p->type, "multipart/alternative")) {
		collect_calendar_beside(r, p);
		const struct part *best = best_alternative(p, r->prefer_html, depth);
		if (best && r->n < r->max)
			collect(r, best, depth + 1);
		return;
	}
	bool only_first = str_eq(p->type, "multipart/related");
	size_t before = r->n;
	for (const struct part *c = p->child; c; c = c->next) {
		collect(r, c, depth + 1);
		if (only_first && r->n > before)
			return;
	}
}

size_t
part_readable(const struct part *root, bool prefer_html, const struct part **out, size_t max)
{
	struct readable r = { out, 0, max, prefer_html, false };

	collect(&r, root, 0);
	return r.n;
}

size_t
part_texts(const struct part *root, bool prefer_html, const struct part **out, size_t max)
{
	struct readable r = { out, 0, max, prefer_html, true };

	collect(&r, root, 0);
	return r.n;
}

/* ---- the flat form ---- */

enum { MAX_FORM_BYTES = 8 * 1024 * 1024, N_NUMBERS = 7, N_STRINGS = 9 };
static const char magic[] = "parts 1\n";

static const char **
string_field(struct part *p, int i)
{
	const char **fields[N_STRINGS] = { &p->section, &p->type, &p->charset, &p->filename,
		&p->id, &p->description, &p->format, &p->delsp, &p->protocol };

	return fields[i];
}

static void
put_escaped(struct str *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\t' || *s == '\n' || *s == '%')
			str_printf(out, "%%%02x", (unsigned char)*s);
		else
			str_putc(out, *s);
	}
}

void
part_format(struct str *out, const struct part *root)
{
	str_puts(out, magic);
	for (const struct part *p = root; p; p = part_next(p)) {
		str_printf(out, "%d\t%d\t%d\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu32 "\t%" PRIu32,
			part_depth(p), (int)p->encoding, (int)p->disposition, p->size_bytes,
			p->decoded_bytes, p->n_lines, p->index);
		for (int i = 0; i < N_STRINGS; i++) {
			str_putc(out, '\t');
			put_escaped(out, *string_field((struct part *)p, i));
		}
		str_putc(out, '\n');
	}
}

static int
hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The field s[0..n) unescaped; NULL on a bad escape or a NUL. */
static const char *
unescape(struct arena *a, const char *s, size_t n)
{
	char *out = arena_alloc(a, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (c == '%') {
			if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
				return NULL;
			c = (char)(hex(s[i + 1]) * 16 + hex(s[i + 2]));
			i += 2;
		}
		if (!c)
			return NULL;
		*to++ = c;
	}
	return out;
}

static bool
parse_strings(struct arena *a, struct part *p, const char *s, const char *end)
{
	for (int i = 0; i < N_STRINGS; i++) {
		const char *tab = memchr(s, '\t', (size_t)(end - s));
		if ((tab == NULL) != (i == N_STRINGS - 1))
			return false;
		const char *stop = tab ? tab : end;
		if (!(*string_field(p, i) = unescape(a, s, (size_t)(stop - s))))
			return false;
		s = stop + 1;
	}
	return true;
}

/* Returns where the next field begins, NULL on what is not a number and a tab. */
static const char *
parse_number(const char *s, const char *end, uint64_t *v)
{
	const char *begin = s;

	for (*v = 0; s < end && *s >= '0' && *s <= '9'; s++) {
		if (*v > (UINT64_MAX - 9) / 10)
			return NULL;
		*v = *v * 10 + (uint64_t)(*s - '0');
	}
	return s > begin && s < end && *s == '\t' ? s + 1 : NULL;
}

/* The parent of a part at `depth` that follows `last` in preorder; NULL: there is none. */
static struct part *
parent_at(struct part *last, int last_depth, int depth)
{
	if (!last || depth < 1 || depth > last_depth + 1)
		return NULL;
	for (; last_depth >= depth; last_depth--)
		last = last->parent;
	return last;
}

/* The part of one line, hung into the tree behind `last`; NULL: nonsense. */
static struct part *
parse_line(struct arena *a, const char *s, const char *end, struct part *last, int *depth)
{
	uint64_t v[N_NUMBERS];

	for (int i = 0; i < N_NUMBERS; i++) {
		if (!(s = parse_number(s, end, &v[i])))
			return NULL;
	}
	if (v[0] > PART_MAX_DEPTH || v[1] > ENC_UUENCODE || v[2] > DISP_ATTACHMENT ||
	    v[5] > UINT32_MAX || v[6] > UINT32_MAX)
		return NULL;
	struct part *parent = parent_at(last, *depth, (int)v[0]);
	if (last ? !parent : v[0] != 0)
		return NULL;
	struct part *p = part_new(a, parent);
	*depth = (int)v[0];
	p->encoding = (enum part_encoding)v[1];
	p->disposition = (enum part_disposition)v[2];
	p->size_bytes = v[3];
	p->decoded_bytes = v[4];
	p->n_lines = (uint32_t)v[5];
	p->index = (uint32_t)v[6];
	return parse_strings(a, p, s, end) ? p : NULL;
}

struct part *
part_parse(struct arena *a, const char *text, size_t n)
{
	const char *end = text + n;
	struct part *root = NULL, *last = NULL;
	int depth = 0, count = 0;

	if (n > MAX_FORM_BYTES || n < sizeof magic - 1 ||
	    memcmp(text, magic, sizeof magic - 1) != 0)
		return NULL;
	for (const char *s = text + sizeof magic - 1; s < end;) {
		const char *eol = memchr(s, '\n', (size_t)(end - s));
		if (!eol || ++count > PART_MAX_COUNT)
			return NULL;
		last = parse_line(a, s, eol, last, &depth);
		if (!last)
			return NULL;
		if (!root)
			root = last;
		s = eol + 1;
	}
	return root;
}
