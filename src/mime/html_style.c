/* html_style.c - what the style of an element says that matters without colours and fonts:
 * that it is not to be seen, and that it is a heading. */
#include <stdlib.h>
#include <string.h>

#include "html.h"

/* Does style hold `property:value`, with nothing behind that would change the number? Style is
 * lower case, without spaces. */
static bool
has_style(const char *style, const char *want)
{
	size_t n = strlen(want);

	for (const char *p = style; (p = strstr(p, want)); p += n) {
		char next = p[n];
		bool begins = p == style || p[-1] == ';';
		if (begins && !(next >= '1' && next <= '9') && next != '.' && next != '0')
			return true;
	}
	return false;
}

static void
read_style(char *out, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n < size - 1; s++) {
		if ((unsigned char)*s > ' ')
			out[n++] = *s >= 'A' && *s <= 'Z' ? (char)(*s + 32) : *s;
	}
	out[n] = '\0';
}

bool
html_is_hidden(struct html *h, const xmlNode *n)
{
	const char *raw = html_attr(n, "style");
	char style[2048] = "";

	if (raw)
		read_style(style, sizeof style, raw);
	bool hides = html_attr(n, "hidden") || has_style(style, "display:none") ||
		has_style(style, "visibility:hidden") || has_style(style, "mso-hide:all") ||
		has_style(style, "opacity:0") ||
		((has_style(style, "max-height:0") || has_style(style, "height:0")) &&
			has_style(style, "overflow:hidden"));
	if (hides)
		h->n_hidden += html_count(n, 0);
	else if (has_style(style, "font-size:0"))
		h->is_zero_size = true;
	else if (strstr(style, "font-size:") || (strstr(style, "font:")))
		h->is_zero_size = false;
	return hides;
}

/* Newsletters of today have no headings but short blocks in large letters. */
bool
html_looks_heading(const xmlNode *n)
{
	const char *raw = html_attr(n, "style");
	char style[1024];
	size_t n_bytes = 0;
	int n_breaks = 0;

	if (!raw)
		return false;
	read_style(style, sizeof style, raw);
	const char *size = strstr(style, "font-size:");
	if (!size || strtol(size + strlen("font-size:"), NULL, 10) < 20 || !strstr(size, "px"))
		return false;
	return html_is_simple(n, &n_bytes, &n_breaks, 0) && n_bytes > 2 && n_bytes < 120;
}
