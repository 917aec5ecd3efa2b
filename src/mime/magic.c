/* magic.c - the media type of an attachment, by what its bytes look like (libmagic): names
 * lie, and the person's own files are all that is looked at. */
#include <magic.h>
#include <string.h>

#include "compose.h"

char *
compose_media_type(const void *p, size_t n)
{
	magic_t m = magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS);
	const char *type = m && magic_load(m, NULL) == 0 ? magic_buffer(m, n ? p : "", n)
		: NULL;
	char *copy = xstrdup(type && strchr(type, '/') && n ? type
		: "application/octet-stream");

	if (m)
		magic_close(m);
	return copy;
}
