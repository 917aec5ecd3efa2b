/* write_address.c - a name and an address as one can type and send them. */
#include <string.h>

#include "envelope.h"
#include "mime.h"
#include "utf8.h"

static char *
write_address(struct arena *a, const char *called, const char *addr)
{
	struct str s = { 0 };
	char *name = text_clean_dup(called);

	if (*name && strpbrk(name, "()<>[]:;@\\,.\"=?")) {
		str_putc(&s, '"');
		for (const char *p = name; *p; p++)
			str_printf(&s, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
		str_putc(&s, '"');
	} else {
		str_puts(&s, name);
	}
	str_printf(&s, *name ? " <%s>" : "%s", addr);
	char *out = arena_strdup(a, str_get(&s));
	str_clear(&s);
	free(name);
	return out;
}

char *
mime_write_address(struct arena *a, const char *name, const char *addr)
{
	const struct address *back;
	InternetAddressList *list = NULL;
	char *written = write_address(a, name, addr);

	bool is_good = !strpbrk(addr, " \t\r\n,;") &&
		field_check("To", written, NULL) == ERR_OK &&
		mime_addresses(a, &back, written) == 1 && str_eq(back[0].addr, addr) &&
		addresses_read(&list, "To", written, NULL) == ERR_OK && list;
	if (list)
		g_object_unref(list);
	return is_good ? written : NULL;
}
