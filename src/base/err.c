/* err.c - one place that turns a failure into a line for people. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "err.h"
#include "hide.h"
#include "utf8.h"

static void __attribute__((format(printf, 3, 0)))
set_text(struct error *e, enum err code, const char *fmt, va_list ap, const char *why)
{
	struct str raw = {0}, clean = {0};

	if (!e)
		return;
	str_vprintf(&raw, fmt, ap);
	if (why)
		str_printf(&raw, ": %s", why);
	hide_mask(&raw);
	text_clean(&clean, str_get(&raw), raw.len, CLEAN_LINE);
	size_t n = clean.len < sizeof e->text ? clean.len : sizeof e->text - 1;
	while (n > 0 && n < clean.len && (clean.data[n] & 0xc0) == 0x80)
		n--;			/* not within a character */
	e->code = code;
	memcpy(e->text, str_get(&clean), n);
	e->text[n] = '\0';
	str_clear(&raw);
	str_clear(&clean);
}

enum err
error_set(struct error *e, enum err code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_text(e, code, fmt, ap, NULL);
	va_end(ap);
	return code;
}

enum err
error_errno(struct error *e, enum err code, const char *fmt, ...)
{
	char buf[128];
	const char *why = strerror_r(errno, buf, sizeof buf);
	va_list ap;

	va_start(ap, fmt);
	set_text(e, code, fmt, ap, why);
	va_end(ap);
	return code;
}
