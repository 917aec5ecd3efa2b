/* theme.c - the table of styles, and colours as terminals have them.
 *
 * Defaults use the terminal's own colours, attributes, and of the palette only red, green,
 * magenta and cyan, which people's schemes keep readable on either background; never yellow
 * or blue as text. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query.h"
#include "str.h"
#include "theme.h"

/* What a line of [colors] begins with that is about messages which fit a query. */
#define RULE "message "

/* OWN: the terminal's own. */
enum { OWN = RC_COLOR_DEFAULT, RED = 1, GREEN = 2, YELLOW = 3, MAGENTA = 5, CYAN = 6 };

static const struct {
	const char *name;
	struct rc_color look;
} styles[N_STYLES] = {
	[ST_NORMAL] =		{ "normal",		{ OWN, OWN, 0 } },
	[ST_DIM] =		{ "dim",		{ OWN, OWN, RC_DIM } },
	[ST_STRONG] =		{ "strong",		{ OWN, OWN, RC_BOLD } },
	[ST_TITLE] =		{ "title",		{ OWN, OWN, RC_BOLD | RC_UNDERLINE } },
	[ST_STATUS] =		{ "status",		{ OWN, OWN, 0 } },
	[ST_PROMPT] =		{ "prompt",		{ OWN, OWN, RC_BOLD } },
	[ST_CHOICE] =		{ "choice",		{ OWN, OWN, 0 } },
	[ST_CHOSEN] =		{ "chosen",		{ OWN, OWN, RC_REVERSE } },
	[ST_OK] =		{ "ok",			{ GREEN, OWN, 0 } },
	[ST_NOTICE] =		{ "notice",		{ OWN, OWN, RC_BOLD } },
	[ST_ERROR] =		{ "error",		{ RED, OWN, RC_BOLD } },
	[ST_PROGRESS] =		{ "progress",		{ CYAN, OWN, 0 } },
	[ST_KEY] =		{ "key",		{ OWN, OWN, RC_BOLD } },
	[ST_HEADING] =		{ "heading",		{ OWN, OWN, RC_BOLD } },
	[ST_CURSOR] =		{ "cursor",		{ OWN, OWN, RC_REVERSE } },
	[ST_TAGGED] =		{ "tagged",		{ CYAN, OWN, 0 } },
	[ST_MATCH] =		{ "match",		{ 0, YELLOW, 0 } },
	[ST_UNREAD] =		{ "unread",		{ OWN, OWN, RC_BOLD } },
	[ST_FLAGGED] =		{ "flagged",		{ MAGENTA, OWN, RC_BOLD } },
	[ST_DELETED] =		{ "deleted",		{ OWN, OWN, RC_DIM } },
	[ST_PENDING] =		{ "pending",		{ OWN, OWN, RC_DIM } },
	[ST_DATE] =		{ "date",		{ OWN, OWN, RC_DIM } },
	[ST_SENDER] =		{ "sender",		{ OWN, OWN, 0 } },
	[ST_SUBJECT] =		{ "subject",		{ OWN, OWN, 0 } },
	[ST_SIZE] =		{ "size",		{ OWN, OWN, RC_DIM } },
	[ST_ATTACHMENT] =	{ "attachment",		{ CYAN, OWN, 0 } },
	[ST_THREAD] =		{ "thread",		{ OWN, OWN, RC_DIM } },
	[ST_COUNT] =		{ "count",		{ OWN, OWN, RC_DIM } },
	[ST_FOLDER] =		{ "folder",		{ OWN, OWN, 0 } },
	[ST_ACCOUNT] =		{ "account",		{ OWN, OWN, RC_BOLD } },
	[ST_HEADER_NAME] =	{ "header-name",	{ OWN, OWN, RC_DIM } },
	[ST_HEADER] =		{ "header",		{ OWN, OWN, 0 } },
	[ST_QUOTE1] =		{ "quote1",		{ CYAN, OWN, 0 } },
	[ST_QUOTE2] =		{ "quote2",		{ GREEN, OWN, 0 } },
	[ST_QUOTE3] =		{ "quote3",		{ MAGENTA, OWN, 0 } },
	[ST_SIGNATURE] =	{ "signature",		{ OWN, OWN, RC_DIM } },
	[ST_LINK] =		{ "link",		{ OWN, OWN, RC_UNDERLINE } },
};

void
theme_default(struct theme *t)
{
	t->n_rules = 0;
	for (int i = 0; i < N_STYLES; i++)
		t->looks[i] = styles[i].look;
}

void
theme_clear(struct theme *t)
{
	while (t->n_rules > 0)
		query_free(t->rules[--t->n_rules]);
}

enum style
theme_rule(const struct theme *t, const struct msg *m)
{
	for (int i = 0; i < t->n_rules; i++)
		if (query_match(t->rules[i], m))
			return (enum style)(N_STYLES + i);
	return ST_NORMAL;
}

const char *
style_name(enum style st)
{
	return styles[st].name;
}

struct rc_color
theme_look(const struct theme *t, enum style under, enum style over)
{
	struct rc_color l = t->looks[under];
	const struct rc_color *o = &t->looks[over];

	if (over == ST_NORMAL)
		return l;
	if (over == ST_CURSOR)		/* one calm bar, whatever colours it crosses */
		return (struct rc_color){ o->fg, o->bg, o->attrs | (l.attrs & RC_BOLD) };
	if (o->fg != RC_COLOR_DEFAULT)
		l.fg = o->fg;
	if (o->bg != RC_COLOR_DEFAULT)
		l.bg = o->bg;
	l.attrs |= o->attrs;
	return l;
}

/* ---- the rc ---- */

static bool
find_style(const char *name, enum style *st)
{
	for (int i = 0; i < N_STYLES; i++) {
		if (str_ieq(styles[i].name, name)) {
			*st = (enum style)i;
			return true;
		}
	}
	return false;
}

static enum err
unknown_style(const char *name, struct error *e)
{
	const char *names[N_STYLES + 1] = {0};

	for (int i = 0; i < N_STYLES; i++)
		names[i] = styles[i].name;
	const char *near = nearest_word(name, names);
	return error_set(e, ERR_LOCAL,
		near ? "no style '%s' (did you mean '%s'?)" : "no style '%s'", name, near);
}

/* Days count from now on, which is when the program starts. What a row does not know, texts
 * and folders, is no reason for a colour. */
static enum err
read_rule(struct theme *t, const char *text, const char *value, struct error *e)
{
	const char *const *words;
	struct query *q;
	enum err rc = query_parse(&q, text, (int64_t)time(NULL), e);

	if (rc != ERR_OK)
		return rc;
	if (query_bodies(q, &words) > 0 || query_places(q, &words) > 0)
		rc = error_set(e, ERR_LOCAL, "a colour goes by what the list shows, not by "
			"body: or in:");
	else if (t->n_rules == THEME_MAX_RULES)
		rc = error_set(e, ERR_LOCAL, "there are %d colours by queries at most",
			THEME_MAX_RULES);
	else
		rc = rc_color_parse(&t->looks[N_STYLES + t->n_rules], value, e);
	if (rc == ERR_OK)
		t->rules[t->n_rules++] = q;
	else
		query_free(q);
	return rc;
}

static enum err
read_pair(struct theme *t, const struct rc_pair *p, struct error *e)
{
	struct rc_color look;
	enum style st;
	enum err rc;

	if (str_istarts(p->name, RULE))
		return read_rule(t, p->name + strlen(RULE), p->value, e);
	if (!find_style(p->name, &st))
		return unknown_style(p->name, e);
	if ((rc = rc_color_parse(&look, p->value, e)) == ERR_OK)
		t->looks[st] = look;
	return rc;
}

void
theme_read(struct theme *t, const struct rc *rc, void (*problem)(void *ctx, const char *line),
	void *ctx)
{
	for (size_t i = 0; i < rc->n_colors; i++) {
		struct error e;
		if (read_pair(t, &rc->colors[i], &e) == ERR_OK)
			continue;
		char *line = xasprintf("%s:%d: %s", rc->path, rc->colors[i].line, e.text);
		problem(ctx, line);
		free(line);
	}
}

/* ---- what a terminal with fewer colours can show ---- */

static const uint8_t cube[6] = { 0, 95, 135, 175, 215, 255 };
static const uint32_t ansi[16] = {
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff
};

int32_t
color_rgb(int32_t i)
{
	if (i < 16)
		return (int32_t)ansi[i];
	if (i >= 232)
		return (8 + 10 * (i - 232)) * 0x010101;
	i -= 16;
	return cube[i / 36] << 16 | cube[i / 6 % 6] << 8 | cube[i % 6];
}

static long
distance(int32_t a, int32_t b)
{
	long r = (long)(a >> 16 & 255) - (long)(b >> 16 & 255);
	long g = (long)(a >> 8 & 255) - (long)(b >> 8 & 255);
	long bl = (long)(a & 255) - (long)(b & 255);

	return 3 * r * r + 4 * g * g + 2 * bl * bl;	/* roughly as eyes weigh them */
}

int32_t
color_nearest(int32_t color, int n)
{
	int last = n >= 256 ? 256 : n >= 16 ? 16 : n;
	int first = n >= 256 ? 16 : 0;		/* schemes change the first 16 */
	int best = first;

	if (color < 0 || n <= 0)
		return RC_COLOR_DEFAULT;
	if (color < n)
		return color;
	int32_t rgb = color & RC_COLOR_RGB ? color & 0xffffff : color_rgb(color);
	for (int i = first + 1; i < last; i++) {
		if (distance(rgb, color_rgb(i)) < distance(rgb, color_rgb(best)))
			best = i;
	}
	return best;
}
