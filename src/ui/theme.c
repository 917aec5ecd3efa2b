/* theme.c - the table of styles, and colours as terminals have them.
 *
 * Defaults use the terminal's own colours, attributes, and of the palette only red, green, magenta and
 * cyan, which people's schemes keep readable on either background; never yellow or blue as text. */
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "str.h"
#include "theme.h"

enum { RED = 1, GREEN = 2, YELLOW = 3, MAGENTA = 5, CYAN = 6 };

static const struct {
	const char *name;
	struct look look;
} styles[N_STYLES] = {
	[ST_NORMAL] =		{ "normal",		{ COLOR_OWN, COLOR_OWN, 0 } },
	[ST_DIM] =		{ "dim",		{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_STRONG] =		{ "strong",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD } },
	[ST_TITLE] =		{ "title",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD | ATTR_UNDERLINE } },
	[ST_STATUS] =		{ "status",		{ COLOR_OWN, COLOR_OWN, 0 } },
	[ST_PROMPT] =		{ "prompt",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD } },
	[ST_CHOICE] =		{ "choice",		{ COLOR_OWN, COLOR_OWN, 0 } },
	[ST_CHOSEN] =		{ "chosen",		{ COLOR_OWN, COLOR_OWN, ATTR_REVERSE } },
	[ST_OK] =		{ "ok",			{ GREEN, COLOR_OWN, 0 } },
	[ST_NOTICE] =		{ "notice",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD } },
	[ST_ERROR] =		{ "error",		{ RED, COLOR_OWN, ATTR_BOLD } },
	[ST_PROGRESS] =		{ "progress",		{ CYAN, COLOR_OWN, 0 } },
	[ST_KEY] =		{ "key",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD } },
	[ST_HEADING] =		{ "heading",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD } },
	[ST_CURSOR] =		{ "cursor",		{ COLOR_OWN, COLOR_OWN, ATTR_REVERSE } },
	[ST_TAGGED] =		{ "tagged",		{ CYAN, COLOR_OWN, 0 } },
	[ST_MATCH] =		{ "match",		{ 0, YELLOW, 0 } },
	[ST_UNREAD] =		{ "unread",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD } },
	[ST_FLAGGED] =		{ "flagged",		{ MAGENTA, COLOR_OWN, 0 } },
	[ST_DELETED] =		{ "deleted",		{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_PENDING] =		{ "pending",		{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_DATE] =		{ "date",		{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_SENDER] =		{ "sender",		{ COLOR_OWN, COLOR_OWN, 0 } },
	[ST_SUBJECT] =		{ "subject",		{ COLOR_OWN, COLOR_OWN, 0 } },
	[ST_SIZE] =		{ "size",		{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_ATTACHMENT] =	{ "attachment",		{ CYAN, COLOR_OWN, 0 } },
	[ST_THREAD] =		{ "thread",		{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_COUNT] =		{ "count",		{ CYAN, COLOR_OWN, 0 } },
	[ST_FOLDER] =		{ "folder",		{ COLOR_OWN, COLOR_OWN, 0 } },
	[ST_ACCOUNT] =		{ "account",		{ COLOR_OWN, COLOR_OWN, ATTR_BOLD } },
	[ST_HEADER_NAME] =	{ "header-name",	{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_HEADER] =		{ "header",		{ COLOR_OWN, COLOR_OWN, 0 } },
	[ST_QUOTE1] =		{ "quote1",		{ CYAN, COLOR_OWN, 0 } },
	[ST_QUOTE2] =		{ "quote2",		{ GREEN, COLOR_OWN, 0 } },
	[ST_QUOTE3] =		{ "quote3",		{ MAGENTA, COLOR_OWN, 0 } },
	[ST_SIGNATURE] =	{ "signature",		{ COLOR_OWN, COLOR_OWN, ATTR_DIM } },
	[ST_LINK] =		{ "link",		{ COLOR_OWN, COLOR_OWN, ATTR_UNDERLINE } },
};

void
theme_default(struct theme *t)
{
	for (int i = 0; i < N_STYLES; i++)
		t->looks[i] = styles[i].look;
}

const char *
style_name(enum style st)
{
	return styles[st].name;
}

struct look
theme_look(const struct theme *t, enum style under, enum style over)
{
	struct look l = t->looks[under];
	const struct look *o = &t->looks[over];

	if (over == ST_NORMAL)
		return l;
	if (over == ST_CURSOR)		/* one calm bar, whatever colours it crosses */
		return (struct look){ o->fg, o->bg, o->attrs | (l.attrs & ATTR_BOLD) };
	if (o->fg != COLOR_OWN)
		l.fg = o->fg;
	if (o->bg != COLOR_OWN)
		l.bg = o->bg;
	l.attrs |= o->attrs;
	return l;
}

/* ---- what a terminal with fewer colours can show ---- */

static const uint8_t cube[6] = { 0, 95, 135, 175, 215, 255 };
static const uint32_t ansi[16] = {
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff
};

static uint32_t
palette_rgb(int i)
{
	if (i < 16)
		return ansi[i];
	if (i >= 232)
		return (uint32_t)(8 + 10 * (i - 232)) * 0x010101u;
	i -= 16;
	return (uint32_t)cube[i / 36] << 16 | (uint32_t)cube[i / 6 % 6] << 8 | cube[i % 6];
}

static long
distance(uint32_t a, uint32_t b)
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
	int first = n >= 256 ? 16 : 0;		/* the first 16 are anybody's guess: schemes change them */
	int best = first;

	if (color < 0 || n <= 0)
		return COLOR_OWN;
	if (color < n)
		return color;
	uint32_t rgb = color & COLOR_RGB ? (uint32_t)color & 0xffffff : palette_rgb(color);
	for (int i = first + 1; i < last; i++) {
		if (distance(rgb, palette_rgb(i)) < distance(rgb, palette_rgb(best)))
			best = i;
	}
	return best;
}
