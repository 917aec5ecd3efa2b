/* mailcap.c - see mailcap.h. */
#include <stdlib.h>
#include <string.h>

#include "mailcap.h"
#include "str.h"

/* ---- lines and fields ---- */

/* The next line, with those that a backslash at its end continues. False: no more. */
static bool
next_line(struct str *line, const char *text, size_t n, size_t *at)
{
	bool goes_on = true;

	str_cut(line, 0);
	if (*at >= n)
		return false;
	while (goes_on && *at < n) {
		const char *s = text + *at, *eol = memchr(s, '\n', n - *at);
		size_t len = eol ? (size_t)(eol - s) : n - *at;
		*at += len + (eol != NULL);
		if (len > 0 && s[len - 1] == '\r')
			len--;
		goes_on = len > 0 && s[len - 1] == '\\';
		str_add(line, s, len - goes_on);
	}
	return true;
}

/* The field at *s up to a ';' without a backslash before it, trimmed, with "\;" as ";"; *s
 * moves behind. Owned; NULL: no more. */
static char *
next_field(const char **s)
{
	struct str out = { 0 };
	const char *p = *s;

	if (!p)
		return NULL;
	p += strspn(p, " \t");
	for (; *p && *p != ';'; p++) {
		if (*p == '\\' && p[1])
			p++;
		str_putc(&out, *p);
	}
	*s = *p ? p + 1 : NULL;
	while (out.len > 0 && strchr(" \t", out.data[out.len - 1]))
		str_cut(&out, out.len - 1);
	return str_take(&out);
}

/* "text/html", "text/" followed by a star, "text", a star alone. */
static bool
fits(const char *pattern, const char *type)
{
	size_t main = strcspn(type, "/"), n = strcspn(pattern, "/");

	if (str_eq(pattern, "*") || str_eq(pattern, "*/*") || str_ieq(pattern, type))
		return true;
	bool is_all = pattern[n] == '\0' || str_eq(pattern + n, "/*");
	return is_all && n == main && strncasecmp(pattern, type, n) == 0;
}

/* "name = value"; NULL: another one. */
static const char *
value_of(const char *field, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(field, name, n) != 0)
		return NULL;
	field += n + strspn(field + n, " \t");
	return *field == '=' ? field + 1 + strspn(field + 1, " \t") : NULL;
}

static void
take_field(struct mailcap *m, const char *field)
{
	const char *v;

	m->needs_terminal |= str_ieq(field, "needsterminal");
	m->has_output |= str_ieq(field, "copiousoutput");
	if ((v = value_of(field, "test")) && *v) {
		free(m->test);
		m->test = xstrdup(v);
	} else if ((v = value_of(field, "nametemplate")) && str_starts(v, "%s")) {
		free(m->suffix);
		m->suffix = xstrdup(v + 2);
	}
}

static bool
take_line(struct mailcap *m, const char *line, const char *type)
{
	const char *s = line;
	char *field = next_field(&s);
	bool is = *line != '#' && *field && fits(field, type);

	free(field);
	if (!is)
		return false;
	*m = (struct mailcap){ .command = next_field(&s) };
	while ((field = next_field(&s))) {
		take_field(m, field);
		free(field);
	}
	if (m->command && *m->command)
		return true;
	mailcap_clear(m);
	return false;
}

bool
mailcap_next(struct mailcap *out, const char *text, size_t n, size_t *at, const char *type)
{
	struct str line = { 0 };
	bool found = false;

	while (!found && next_line(&line, text, n, at))
		found = line.len > 0 && take_line(out, str_get(&line), type);
	str_clear(&line);
	return found;
}

void
mailcap_clear(struct mailcap *m)
{
	free(m->command);
	free(m->test);
	free(m->suffix);
	*m = (struct mailcap){ 0 };
}

/* ---- the command line ---- */

/* Needs no quotes, and is no option. */
static bool
is_plain(const char *s)
{
	return *s != '-' && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789/._+-")] == '\0';
}

/* What stands for the word behind a '%'; *n bytes of it. NULL: we have no such thing. */
static const char *
word(const char *s, size_t *n, const char *path, const char *type, const char *charset)
{
	*n = 1;
	switch (*s) {
	case 's':
		return path;
	case 't':
		return type;
	case '%':
		return "%";
	case '{':
		*n = strcspn(s, "}") + 1;
		return s[*n - 1] != '}' ? NULL : strncasecmp(s, "{charset}", *n) == 0
			? charset : "";
	default:
		return NULL;
	}
}

char *
mailcap_line(const char *command, const char *path, const char *type, const char *charset)
{
	struct str out = { 0 };
	bool has_path = false;
	size_t n;

	if (!is_plain(path) || !is_plain(type) || !is_plain(charset))
		return NULL;
	for (const char *s = command; *s;) {
		if (*s != '%') {
			str_putc(&out, *s++);
			continue;
		}
		const char *v = word(s + 1, &n, path, type, charset);
		if (!v) {
			str_clear(&out);
			return NULL;
		}
		has_path |= s[1] == 's';
		str_puts(&out, v);
		s += 1 + n;
	}
	char *line = has_path ? xasprintf("{ %s\n}", str_get(&out))
		: xasprintf("{ %s\n} < %s", str_get(&out), path);
	str_clear(&out);
	return line;
}
