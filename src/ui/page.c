/* page.c - header, attachments, text, in this order, as lines of the width asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "page.h"
#include "partial.h"
#include "utf8.h"

enum { MAX_PARTS = 50, MIN_FOLDED = 4 };

static void
add_field(struct page *p, const char *name, const char *value, int columns)
{
	char *line = *value ? xasprintf("%s: %s", name, value) : NULL;

	if (line)
		lines_add(&p->lines, SPAN_HEADER, line, columns);
	free(line);
}

/* Before the header was fetched: what the list knew of it. Its zone is not known there, so the
 * date is in ours. */
static void
add_summary(struct page *p, const struct msg *m, int columns)
{
	char *from = *m->from_name ? xasprintf("%s <%s>", m->from_name, m->from_addr)
		: xstrdup(m->from_addr);
	char date[MIME_DATE_SIZE];
	time_t when = (time_t)m->date;
	struct tm tm;

	add_field(p, "From", from, columns);
	mime_render_people(&p->lines, "To", m->to, columns);
	mime_render_people(&p->lines, "Cc", m->cc, columns);
	if (localtime_r(&when, &tm) &&
	    mime_print_date(date, m->date, (int)(tm.tm_gmtoff / 60)))
		add_field(p, "Date", date, columns);
	add_field(p, "Subject", m->subject, columns);
	free(from);
}

/* What a seal is around says nothing of what stands beside it. */
static const char *
where_of(const struct opened *o, const struct part *x)
{
	const char *where = "";

	for (size_t i = 0; o && i < o->n; i++) {
		if (x->index >= o->v[i].part && x->index < o->v[i].end)
			return "";
		where = o->v[i].kind == SEAL_ENCRYPTED ? ", not encrypted" : ", not signed";
	}
	return where;
}

static void
add_attachments(struct page *p, const struct message *m, const struct opened *o, int columns)
{
	struct str line = { 0 };
	char size[8];
	int k = 0;

	for (const struct part *x = m->root; x; x = part_next(x)) {
		if (!part_is_attachment(x))
			continue;
		format_size(size, message_part_size(x));
		str_cut(&line, 0);
		str_printf(&line, "@%d %s%s%s, %s%s", ++k, x->filename,
			*x->filename ? "  " : "", x->type, size, where_of(o, x));
		lines_add(&p->lines, SPAN_ATTACHMENT, str_get(&line), columns);
	}
	str_clear(&line);
}

/* One part of the text. False: it is not here. */
static bool
add_part(struct page *p, const struct message *m, const struct part *x, int columns)
{
	struct str text = { 0 };
	bool is_here = message_text(m, x, &text);

	if (is_here)
		seal_note_inline(&p->lines, str_get(&text), text.len, columns);
	if (is_here && !((m->m.flags & MSG_HEADER_ONLY) && partial_is_text(m, &text)))
		mime_render(&p->lines, x, str_get(&text), text.len, columns);
	if (is_here && !m->parsed && x->size_bytes > MESSAGE_TEXT_MAX)
		lines_add(&p->lines, SPAN_NOTICE,
			"The rest of this text is not shown; v shows the parts, s there "
			"saves it", columns);
	str_clear(&text);
	return is_here;
}

static void
find_kinds(struct page *p, const struct part *root, const struct opened *o)
{
	for (const struct part *x = root; x; x = part_next(x)) {
		if (part_is_attachment(x))
			continue;
		p->has_html |= str_eq(x->type, "text/html");
		p->has_plain |= str_eq(x->type, "text/plain");
	}
	for (size_t i = 0; o && i < o->n; i++) {
		const struct opened *inside = o->v[i].inside;
		if (inside)
			find_kinds(p, mime_root(inside->m), inside);
		p->is_secret |= inside && inside->is_secret;
	}
}

static void
note_missing(struct page *p, const char *section)
{
	if (!p->is_missing)
		snprintf(p->missing, sizeof p->missing, "%s", section);
	p->is_missing = true;
}

static size_t
add_texts(struct page *p, const struct message *m, const struct page_options *o)
{
	const struct part *parts[MAX_PARTS];
	size_t n = m->root ? part_readable(m->root, o->prefer_html, parts, MAX_PARTS) : 0;
	struct seal_walk walk = { 0 };

	if (m->root)
		seal_walk_init(&walk, &p->lines, m->root, o->opened, o->columns);
	walk.advice = o->advice;
	walk.prefer_html = o->prefer_html;
	for (size_t i = 0; i < n; i++) {
		if (seal_before(&walk, parts[i]) || i > 0)
			lines_add(&p->lines, SPAN_TEXT, "", o->columns);
		if (!add_part(p, m, parts[i], o->columns))
			note_missing(p, parts[i]->section);
	}
	if (m->root)
		seal_before(&walk, NULL);
	return n + walk.n;
}

static void
add_body(struct page *p, const struct message *m, const struct page_options *o,
	const char *waiting)
{
	p->has_parts = m->root != NULL;
	if (o->not_downloaded)
		lines_add(&p->lines, SPAN_NOTICE, o->not_downloaded, o->columns);
	size_t n = add_texts(p, m, o);
	if (!m->root)
		p->is_missing = true;
	if (p->is_missing)
		lines_add(&p->lines, SPAN_NOTICE, waiting, o->columns);
	else if (n == 0)
		lines_add(&p->lines, SPAN_NOTICE,
			"No text to read in this message; v shows its parts", o->columns);
	if (m->parsed && mime_warning(m->parsed))
		lines_add(&p->lines, SPAN_NOTICE, mime_warning(m->parsed), o->columns);
}

static void
build_message(struct page *p, const struct message *m, const struct page_options *o,
	const char *waiting)
{
	if (m->header)
		mime_render_header(&p->lines, m->header, m->header_len, o->all_headers,
			o->columns);
	else
		add_summary(p, &m->m, o->columns);
	add_attachments(p, m, o->opened, o->columns);
	lines_add(&p->lines, SPAN_TEXT, "", o->columns);
	p->body = p->lines.n;
	find_kinds(p, m->root, o->opened);
	add_body(p, m, o, waiting);
}

/* What was checked is what is shown: header and text are of the very bytes that gpg was
 * given, and of nothing that a server says the parts are. */
static void
build_opened(struct page *p, const struct message *m, const struct page_options *o)
{
	struct message shown = *m;
	struct str header = { 0 };

	mime_part_header(o->opened->m, "", &header);
	shown.parsed = o->opened->m;
	shown.root = mime_root(shown.parsed);
	shown.header = str_get(&header);
	shown.header_len = header.len;
	build_message(p, &shown, o, "");
	str_clear(&header);
}

/* How many lines from i on are quoted text. */
static size_t
quoted_lines(const struct lines *l, size_t i)
{
	size_t n = 0;

	while (i + n < l->n && l->v[i + n].quote_level > 0)
		n++;
	return n;
}

/* Lines as they stand in the mail are counted, whatever they were wrapped at. */
static struct line
folded_line(struct page *p, size_t i, size_t n, int columns)
{
	size_t before = p->lines.n, count = 0;
	char text[60];

	for (size_t k = i; k < i + n; k++)
		count += !p->lines.v[k].is_wrapped;
	snprintf(text, sizeof text, "%zu quoted lines", count);
	lines_add(&p->lines, SPAN_NOTICE, text, columns);
	if (p->lines.n == before)		/* there is no room for another line */
		return p->lines.v[i];
	p->lines.n = before;
	return p->lines.v[before];
}

/* Of what is quoted only its extent is left; some lines say what an answer is about, and
 * stay. */
static void
fold_quotes(struct page *p, int columns)
{
	size_t to = p->body;

	for (size_t i = p->body; i < p->lines.n;) {
		size_t n = quoted_lines(&p->lines, i);
		if (n >= MIN_FOLDED) {
			struct line folded = folded_line(p, i, n, columns);
			p->lines.v[to++] = folded;
			i += n;
		} else {
			p->lines.v[to++] = p->lines.v[i++];
		}
	}
	p->lines.n = to;
}

static void
build_all(struct page *p, const struct message *m, const struct page_options *o,
	const char *waiting)
{
	if (!o->section && o->opened) {
		build_opened(p, m, o);
		return;
	}
	if (!o->section) {
		build_message(p, m, o, waiting);
		return;
	}
	const struct part *x = m->root ? part_find(m->root, o->section) : NULL;
	p->is_missing = !x || !add_part(p, m, x, o->columns);
	if (p->is_missing)
		lines_add(&p->lines, SPAN_NOTICE, waiting, o->columns);
}

void
page_build(struct page *p, const struct message *m, const struct page_options *o,
	const char *waiting)
{
	page_clear(p);
	build_all(p, m, o, waiting);
	if (o->folds_quotes)
		fold_quotes(p, o->columns);
}

void
page_clear(struct page *p)
{
	if (p->is_secret)
		lines_wipe(&p->lines);
	lines_clear(&p->lines);
	*p = (struct page){ 0 };
}

size_t
page_mark(const struct page *p, size_t line)
{
	size_t mark = 0;

	for (size_t i = 0; i < line && i < p->lines.n; i++)
		mark += !p->lines.v[i].is_wrapped;
	return mark;
}

size_t
page_line_of_mark(const struct page *p, size_t mark)
{
	size_t i = 0;

	for (; i < p->lines.n && mark > 0; i++)
		mark -= !p->lines.v[i].is_wrapped;
	return i;
}

size_t
page_find(const struct page *p, size_t from, bool back, const char *folded)
{
	if (back) {
		for (size_t i = from; i-- > 0;)
			if (text_contains(p->lines.v[i].text, folded))
				return i;
		return p->lines.n;
	}
	for (size_t i = from + 1; i < p->lines.n; i++)
		if (text_contains(p->lines.v[i].text, folded))
			return i;
	return p->lines.n;
}

/* Whether the folded text begins at s; *columns gets the width of what it covers. Folding may
 * change lengths ("ß" and "ss"), so it is compared grapheme by grapheme. */
static bool
match_at(const char *s, size_t n, const char *folded, int *columns)
{
	*columns = 0;
	while (*folded && n > 0) {
		int w;
		size_t len = text_grapheme(s, n, &w);
		char *piece = xstrndup(s, len), *f = text_fold(piece);
		size_t f_len = strlen(f);
		bool is_same = strncmp(folded, f, f_len) == 0;
		free(piece);
		free(f);
		if (!is_same)
			return false;
		folded += f_len;
		s += len;
		n -= len;
		*columns += w;
	}
	return *folded == '\0';
}

bool
page_match(const char *line, const char *folded, int *from, int *to)
{
	size_t n = strlen(line);
	int x = 0, w, columns;

	if (!*folded || !text_contains(line, folded))
		return false;
	while (n > 0) {
		if (x >= *from && match_at(line, n, folded, &columns)) {
			*from = x;
			*to = x + columns;
			return true;
		}
		size_t len = text_grapheme(line, n, &w);
		line += len;
		n -= len;
		x += w;
	}
	return false;
}

size_t
page_skip_quoted(const struct page *p, size_t from)
{
	size_t i = from;

	while (i < p->lines.n && p->lines.v[i].quote_level == 0)
		i++;
	while (i < p->lines.n &&
	    (p->lines.v[i].quote_level > 0 || p->lines.v[i].text[0] == '\0'))
		i++;
	return i;
}
