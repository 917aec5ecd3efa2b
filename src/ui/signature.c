/* signature.c - see signature.h. The separator is "-- ", with its space (RFC 3676 4.3): what
 * others' programs know a signature by, to dim it and to leave it out of answers. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "identity.h"
#include "mime.h"
#include "path.h"
#include "signature.h"
#include "utf8.h"

enum { MAX_SIGNATURE = 64 * 1024 };
static const char separator[] = "-- \n";

static bool
read_file(const char *path, struct str *out, struct error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char buf[MAX_SIGNATURE];
	struct stat st;
	ssize_t n = -1;

	if (fd < 0) {
		error_errno(e, ERR_LOCAL, "the signature '%s' cannot be read", path);
	} else if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		error_set(e, ERR_LOCAL, "the signature '%s' is no file", path);
	} else {
		n = read(fd, buf, sizeof buf);
		if (n < 0)
			error_errno(e, ERR_LOCAL, "the signature '%s' cannot be read", path);
	}
	if (n > 0)
		str_add(out, buf, (size_t)n);
	if (fd >= 0)
		close(fd);
	return n >= 0;
}

/* In a directory that of the address, else the one called "default"; "": none. Owned. */
static char *
file_of(const char *path, const char *from)
{
	const struct address *v;
	struct arena a = { 0 };
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return xstrdup(path);
	char *addr = xstrdup(mime_addresses(&a, &v, from) > 0 ? v[0].addr : "");
	for (char *c = addr; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	char *name = path_safe_name(addr), *file = path_join(path, name);
	if (!*addr || access(file, F_OK) != 0) {
		free(file);
		file = path_join(path, "default");
	}
	if (access(file, F_OK) != 0) {
		free(file);
		file = xstrdup("");
	}
	arena_clear(&a);
	free(addr);
	free(name);
	return file;
}

/* With the separator before it, whether or not it was there, and a line end behind. */
static char *
complete(const struct str *raw)
{
	struct str clean = { 0 }, out = { 0 };

	text_clean(&clean, str_get(raw), raw->len, CLEAN_TEXT);
	const char *s = str_get(&clean);
	size_t n = clean.len;
	while (n > 0 && strchr("\n ", s[n - 1]))
		n--;
	if (str_starts(s, separator))
		s += strlen(separator), n = n > strlen(separator) ? n - strlen(separator) : 0;
	if (n > 0) {
		str_puts(&out, separator);
		str_add(&out, s, n);
		str_putc(&out, '\n');
	}
	str_clear(&clean);
	return str_take(&out);
}

char *
signature_of(struct ui *ui, const char *from, bool runs)
{
	const struct rc_account *rc = engine_rc_account(ui_engine(ui),
		identity_sender(ui, from, 0));
	char *file = rc && rc->signature ? file_of(rc->signature, from) : NULL;
	struct str raw = { 0 };
	struct error e;
	bool ok = true;

	if (file)
		ok = !*file || read_file(file, &raw, &e);
	else if (rc && rc->signature_command && runs)
		ok = ui_run_capture(ui, rc->signature_command, MAX_SIGNATURE, &raw, &e);
	if (!ok) {
		ui_error(ui, &e);
		str_cut(&raw, 0);
	}
	char *s = complete(&raw);
	str_clear(&raw);
	free(file);
	return s;
}

void
signature_add(struct str *text, const char *signature)
{
	if (!*signature)
		return;
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		str_putc(text, '\n');
	str_printf(text, "\n%s", signature);
}

bool
signature_replace(struct str *text, const char *old, const char *by)
{
	size_t n = strlen(old);

	if (n == 0 || text->len < n || memcmp(text->data + text->len - n, old, n) != 0 ||
		(text->len > n && text->data[text->len - n - 1] != '\n'))
		return false;
	str_cut(text, text->len - n);
	if (*by)
		str_puts(text, by);
	else if (text->len > 0)
		str_cut(text, text->len - 1);		/* the line kept free before it */
	return true;
}
