/* import_attribution.c - mutt's line above quoted text, in our words. */
#include <string.h>

#include "import_mutt.h"

enum { MAX_FORMAT = 400 };

/* For strftime, of the sender's clock: an offset has no name there. */
static void
put_date(struct str *out, const char *format, size_t n)
{
	size_t i = n > 0 && *format == '!';

	for (; i < n; i++) {
		str_putc(out, format[i]);
		if (i + 1 < n && format[i] == '%' && format[i + 1] == 'Z') {
			str_putc(out, 'z');
			i++;
		}
	}
}

/* One of mutt's words at s, behind its '%'; what it takes of it, 0: we have no such thing. */
static size_t
put_word(struct str *out, const char *s, const char *date_format)
{
	static const struct { char word; const char *ours; } words[] = { { 'n', "{name}" },
		{ 'a', "{address}" }, { 'f', "{name} <{address}>" }, { '%', "%%" } };
	static const char pairs[] = "{}[]()";
	const char *open = *s ? strchr(pairs, *s) : NULL, *end;

	for (size_t i = 0; i < LEN(words); i++) {
		if (*s == words[i].word) {
			str_puts(out, words[i].ours);
			return 1;
		}
	}
	if (*s == 'd' || *s == 'D') {
		put_date(out, date_format, strlen(date_format));
		return 1;
	}
	if (!open || (open - pairs) % 2 || !(end = strchr(s, open[1])))
		return 0;
	put_date(out, s + 1, (size_t)(end - s) - 1);
	return (size_t)(end - s) + 1;
}

/* False: it says something that ours cannot. */
static bool
put_format(struct str *out, const char *s, const char *date_format)
{
	while (*s) {
		size_t n = 1;
		if (*s == '%')
			n += put_word(out, s + 1, date_format);
		else
			str_putc(out, *s);
		if (*s == '%' && n == 1)
			return false;
		s += n;
	}
	return out->len > 0 && out->len < MAX_FORMAT && !strpbrk(str_get(out), "\r\n");
}

void
mutt_attribution(struct mutt *m)
{
	const struct mutt_var *v = mutt_var(&m->vars, "attribution");
	const struct mutt_var *date = mutt_var(&m->vars, "dateformat");
	const char *date_format = date && !date->command && *date->value ? date->value
		: "%a, %b %d, %Y at %I:%M:%S%p %z";
	struct str format = { 0 };

	if (!v || v->command || !*v->value)
		return;
	if (put_format(&format, v->value, date_format))
		import_set(m->im, "mail", "", "attribution",
			arena_strdup(&m->im->arena, str_get(&format)), v->item);
	else
		import_not(m->im, v->item, "of mutt's words 'attribution' has "
			"%%n, %%a, %%f, %%d and dates");
	str_clear(&format);
}
