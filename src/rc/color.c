/* color.c - what stands in [colors] behind a style: words for attributes and colours. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "query.h"
#include "rc.h"
#include "str.h"

static const char *const names[] = { "black", "red", "green", "yellow", "blue", "magenta",
	"cyan", "white" };
static const struct { const char *name; unsigned attr; } attrs[] = {
	{ "bold", RC_BOLD }, { "dim", RC_DIM }, { "italic", RC_ITALIC },
	{ "underline", RC_UNDERLINE }, { "reverse", RC_REVERSE },
};
static const char *const all[] = { "black", "red", "green", "yellow", "blue", "magenta",
	"cyan", "white", "bright-black", "bright-red", "bright-green", "bright-yellow",
	"bright-blue", "bright-magenta", "bright-cyan", "bright-white", "gray", "grey",
	"default", "bold", "dim", "italic", "underline", "reverse", "on", NULL };

static bool
parse_number(const char *w, int *out)
{
	size_t n = strlen(w);
	char *end;

	if (*w == '#') {
		bool is_rgb = n == 7 && strspn(w + 1, "0123456789abcdefABCDEF") == 6;
		*out = is_rgb ? RC_COLOR_RGB | (int)strtol(w + 1, &end, 16) : 0;
		return is_rgb;
	}
	if (n == 0 || n > 3 || strspn(w, "0123456789") != n)
		return false;
	*out = (int)strtol(w, &end, 10);
	return *out <= 255;
}

static bool
parse_color(const char *w, int *out)
{
	int bright = 0;

	*out = RC_COLOR_DEFAULT;
	if (str_ieq(w, "default"))
		return true;
	if (str_ieq(w, "gray") || str_ieq(w, "grey"))
		w = "bright-black";
	if (str_istarts(w, "bright")) {
		w += strlen("bright");
		w += *w == '-';
		bright = 8;
	}
	for (size_t i = 0; i < LEN(names); i++) {
		if (str_ieq(w, names[i])) {
			*out = (int)i + bright;
			return true;
		}
	}
	return !bright && parse_number(w, out);
}

static unsigned
attr_of(const char *w)
{
	for (size_t i = 0; i < LEN(attrs); i++) {
		if (str_ieq(w, attrs[i].name))
			return attrs[i].attr;
	}
	return 0;
}

static enum err
unknown(const char *w, struct error *e)
{
	const char *near = nearest_word(w, all);

	if (near)
		return error_set(e, ERR_LOCAL, "unknown colour '%s' (did you mean '%s'?)", w,
			near);
	return error_set(e, ERR_LOCAL,
		"unknown colour '%s' (red, bright-red, 0 to 255, #rrggbb, bold, ...)", w);
}

struct parse {
	struct rc_color c;
	int n_colors;			/* 2 when the background is there */
	bool is_on, wants;		/* "on" was said; its colour is still to come */
};

static enum err
parse_word(struct parse *ps, const char *w, struct error *e)
{
	unsigned attr = attr_of(w);
	int color = 0;

	if ((attr & ps->c.attrs) || (str_ieq(w, "on") && ps->is_on))
		return error_set(e, ERR_LOCAL, "'%s' stands there twice", w);
	if (attr) {
		ps->c.attrs |= attr;
		return ERR_OK;
	}
	if (str_ieq(w, "on") && ps->n_colors < 2) {
		ps->n_colors = 1;
		ps->is_on = ps->wants = true;
		return ERR_OK;
	}
	if (!str_ieq(w, "on") && !parse_color(w, &color))
		return unknown(w, e);
	if (ps->n_colors == 2)
		return error_set(e, ERR_LOCAL, "'%s' is one colour too many", w);
	*(ps->n_colors++ == 0 ? &ps->c.fg : &ps->c.bg) = color;
	ps->wants = false;
	return ERR_OK;
}

enum err
rc_color_parse(struct rc_color *out, const char *text, struct error *e)
{
	static const struct rc_color plain = { RC_COLOR_DEFAULT, RC_COLOR_DEFAULT, 0 };
	struct parse ps = { .c = plain };
	char *copy = xstrdup(text), *rest = copy;
	enum err rc = ERR_OK;

	for (char *w; rc == ERR_OK && (w = strsep(&rest, " \t")); ) {
		if (*w)
			rc = parse_word(&ps, w, e);
	}
	if (rc == ERR_OK && ps.wants)
		rc = error_set(e, ERR_LOCAL, "a colour is missing behind 'on'");
	free(copy);
	*out = rc == ERR_OK ? ps.c : plain;
	return rc;
}
