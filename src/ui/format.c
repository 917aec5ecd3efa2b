/* format.c - a row of a message list. The subject gets what is left; below 60 columns size
 * and place go, so that the subject keeps a readable width. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "utf8.h"

/* Widths by the width of the list. */
static const struct {
	int from, date, sender, account, folder, size;
} widths[] = {
	{ 160, 10, 30, 18, 26, 5 },
	{ 110, 10, 24, 14, 20, 5 },
	{ 76, 8, 18, 10, 14, 5 },
	{ 56, 6, 14, 0, 10, 0 },
	{ 0, 6, 10, 0, 0, 0 },
};

void
layout_for(struct layout *l, int columns, enum places_told places, int date_columns)
{
	size_t k = 0;
	int x = 0, place;

	while (columns < widths[k].from)
		k++;
	memset(l, 0, sizeof *l);
	l->flags.columns = FLAGS_COLUMNS;
	x += FLAGS_COLUMNS + 1;
	l->date.x = x;
	l->date.columns = date_columns ? date_columns : widths[k].date;
	x += l->date.columns + (columns < 76 ? 1 : 2);
	l->sender.x = x;
	l->sender.columns = widths[k].sender;
	x += l->sender.columns + (columns < 76 ? 1 : 2);
	place = places == PLACES_FOLDERS ? widths[k].folder
		: places == PLACES_ACCOUNTS ? widths[k].account : 0;
	if (place) {
		l->place.x = x;
		l->place.columns = place;
		x += place + (columns < 76 ? 1 : 2);
	}
	l->subject.x = x;
	l->size.columns = widths[k].size;
	l->size.x = columns - widths[k].size;
	l->subject.columns = columns - x - (widths[k].size ? widths[k].size + 1 : 0);
	if (l->subject.columns < 0)
		l->subject.columns = 0;
}

void
format_flags(char out[FLAGS_COLUMNS + 1], const struct list_row *r)
{
	uint32_t f = r->m->flags;
	bool is_unread = r->n_folded ? r->n_unread > 0 : !(f & MSG_SEEN);

	out[0] = r->is_tagged ? '*' : f & MSG_PENDING ? '~' : ' ';
	out[1] = is_unread ? 'N' : f & MSG_DRAFT ? 'd' : f & MSG_ANSWERED ? 'r'
		: f & MSG_FORWARDED ? 'f' : ' ';
	out[2] = f & MSG_DELETED ? 'D' : f & MSG_FLAGGED ? 'F' : ' ';
	out[3] = f & MSG_HEADER_ONLY ? '+' : f & MSG_ATTACH ? '@' : ' ';
	out[4] = '\0';
}

static bool
is_same_day(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

/* The format is the person's own, from the mailrc. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
by_format(char *out, size_t n, const char *format, const struct tm *t)
{
	if (strftime(out, n, format, t) == 0)
		out[0] = '\0';
}
#pragma GCC diagnostic pop

void
format_date(char *out, size_t n, int64_t when, int64_t now, int columns, const char *format)
{
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm t, today;
	time_t when_t = (time_t)when, now_t = (time_t)now;

	out[0] = '\0';
	if (!localtime_r(&when_t, &t) || !localtime_r(&now_t, &today))
		return;
	if (format && *format) {
		by_format(out, n, format, &t);
	} else if (is_same_day(&t, &today)) {
		snprintf(out, n, "%02d:%02d", t.tm_hour, t.tm_min);
	} else if (t.tm_year == today.tm_year && when <= now) {
		snprintf(out, n, "%2d %s", t.tm_mday, months[t.tm_mon]);
	} else if (columns >= 10) {
		snprintf(out, n, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
	} else if (columns >= 8) {
		snprintf(out, n, "%s %d", months[t.tm_mon], t.tm_year + 1900);
	} else {
		snprintf(out, n, "%d", t.tm_year + 1900);
	}
}

/* The display name of the first address in a decoded list, else its address; counts the rest.
 * Commas and brackets inside quotes are part of a name. */
static void
first_recipient(struct str *out, const char *list, int *n_more)
{
	const char *name_end = NULL, *end = NULL, *p = list + strspn(list, " ");
	const char *start = p;
	bool is_quoted = false;

	*n_more = 0;
	for (; *p; p++) {
		if (*p == '"')
			is_quoted = !is_quoted;
		else if (*p == '<' && !is_quoted && !end && !name_end)
			name_end = p;
		else if (*p == ',' && !is_quoted) {
			if (!end)
				end = p;
			++*n_more;
		}
	}
	if (!end)
		end = p;
	if (name_end && name_end > start)
		end = name_end;
	while (end > start && (end[-1] == ' ' || end[-1] == '"' || end[-1] == '>'))
		end--;
	start += strspn(start, "\"<");
	if (end > start)
		str_add(out, start, (size_t)(end - start));
}

void
format_sender(struct str *out, const struct msg *m, bool is_outgoing)
{
	int n_more;

	if (!is_outgoing || !*m->to) {
		str_puts(out, *m->from_name ? m->from_name : *m->from_addr ? m->from_addr
			: "(no sender)");
		return;
	}
	str_puts(out, "To: ");
	first_recipient(out, m->to, &n_more);
	if (n_more > 0)
		str_printf(out, " +%d", n_more);
}

void
format_size(char out[8], uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t n = bytes * 10;	/* tenths */
	int k = -1;

	if (bytes < 1000) {
		snprintf(out, 8, "%u", (unsigned)bytes);
		return;
	}
	if (bytes > UINT64_MAX / 16)
		n = UINT64_MAX - 1024;
	do {
		n = (n + 512) / 1024;
		k++;
	} while (n >= 9995 && units[k + 1]);
	if (n < 100)
		snprintf(out, 8, "%u.%u%c", (unsigned)n / 10, (unsigned)n % 10, units[k]);
	else
		snprintf(out, 8, "%u%c", (unsigned)((n + 5) / 10) % 10000, units[k]);
}

void
format_tree(struct str *out, const struct list_row *r, int columns)
{
	int depth = r->depth, fit = columns / 2 > 2 ? columns / 2 : 2, skip = 0;

	if (depth == 0)
		return;
	if (depth > fit) {		/* what is too deep loses its outer lines */
		skip = depth - fit + 1;
		str_puts(out, "… ");
	}
	for (int d = skip; d < depth - 1; d++)
		str_puts(out, d < 64 && r->rails >> d & 1 ? "│ " : "  ");
	str_puts(out, r->is_last ? "└─" : "├─");
}

const char *
format_subject(const struct list_row *r)
{
	const char *s = r->n_folded ? msg_base_subject(r->root->subject) : r->m->subject;

	return *s ? s : "(no subject)";
}

bool
format_is_repeat(const struct list_row *r)
{
	return r->depth > 0 &&
		str_ieq(msg_base_subject(r->m->subject), msg_base_subject(r->root->subject));
}
